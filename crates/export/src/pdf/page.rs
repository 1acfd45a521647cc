//! Pages with their placed lines, and the dimensions of the paper. All lengths are in points, from the top left corner
//! of the page.

use super::{line_break::TypesetLine, outline::OutlineEntry};
use crate::options::Paper;

/// A colour: red, green, blue.
pub(super) type Colour = [u8; 3];

pub(super) const INK: Colour = [20, 20, 20];
/// Labels and facts.
pub(super) const DIM: Colour = [70, 70, 70];
/// Times and page numbers: dark enough to read (contrast 4.5 : 1 on white), lighter than the text.
pub(super) const QUIET: Colour = [112, 112, 112];
pub(super) const RULE: Colour = [190, 190, 190];
/// Links of the note.
pub(super) const LINK: Colour = [0x1d, 0x4f, 0xb8];

/// The look of a piece of a line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Look {
    pub(super) bold: bool,
    pub(super) italic: bool,
    pub(super) colour: Colour,
    /// The font size relative to that of the line.
    pub(super) scale: f32,
    pub(super) mark: Mark,
    /// Index of an address in [`Layout::addresses`].
    pub(super) link: Option<usize>,
}

/// What is drawn around a piece of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    None,
    /// Doubtful words: a pale background and a line below, which is also seen where backgrounds are not printed.
    Doubt,
    /// A pale background.
    Code,
    /// A line below.
    Link,
}

impl Look {
    pub(super) const fn plain(colour: Colour) -> Self {
        Self { bold: false, italic: false, colour, scale: 1.0, mark: Mark::None, link: None }
    }

    pub(super) const fn bold(colour: Colour) -> Self {
        Self { bold: true, ..Self::plain(colour) }
    }
}

/// The look of a block of text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Style {
    /// Of text without a look of its own.
    pub(super) look: Look,
    pub(super) size: f32,
    /// From one baseline to the next.
    pub(super) leading: f32,
}

impl Style {
    /// Converts `width` from thousandths of the font size to points.
    pub(super) fn points(&self, width: f32) -> f32 {
        width * self.size / 1000.0
    }

    /// Converts `points` to thousandths of the font size.
    pub(super) fn thousandths(&self, points: f32) -> f32 {
        points * 1000.0 / self.size
    }

    /// Where the baseline is below the top of a line.
    pub(super) fn baseline(&self) -> f32 {
        0.5 * self.leading + 0.36 * self.size
    }
}

/// The dimensions of a page. Text stands between `text_left` and `text_right`; times stand in the gutter to its left,
/// line numbers to the left of the gutter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct PageSize {
    pub(super) width: f32,
    pub(super) height: f32,
    /// Right edge of the line numbers.
    pub(super) numbers_right: f32,
    pub(super) text_left: f32,
    pub(super) text_right: f32,
    pub(super) text_top: f32,
    pub(super) text_bottom: f32,
    pub(super) head_baseline: f32,
    pub(super) foot_baseline: f32,
}

/// The width of the text: about 72 characters.
const MEASURE: f32 = 406.0;
/// From the left edge of A4 paper to the text.
const LEFT: f32 = 116.0;
const A4: (f32, f32) = (595.276, 841.89);

impl PageSize {
    pub(super) fn of(paper: Paper) -> Self {
        let (width, height) = match paper {
            Paper::A4 => A4,
            Paper::Letter => (612.0, 792.0),
        };
        let text_left = LEFT + (width - A4.0) / 2.0;
        Self {
            width,
            height,
            numbers_right: text_left - 70.0,
            text_left,
            text_right: text_left + MEASURE,
            text_top: 78.0,
            text_bottom: height - 78.0,
            head_baseline: 48.0,
            foot_baseline: height - 44.0,
        }
    }

    /// The width of a line of text.
    pub(super) fn text_width(&self) -> f32 {
        self.text_right - self.text_left
    }
}

/// A position in the document.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Position {
    /// Index of the page.
    pub(super) page: usize,
    pub(super) y: f32,
}

/// A typeset line at its position on a page.
#[derive(Debug, Clone)]
pub(super) struct PlacedLine {
    pub(super) line: TypesetLine,
    pub(super) style: Style,
    pub(super) x: f32,
    pub(super) baseline: f32,
}

/// A filled rectangle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bar {
    pub(super) x: f32,
    /// Of its top.
    pub(super) y: f32,
    pub(super) width: f32,
    pub(super) height: f32,
    pub(super) colour: Colour,
}

impl Bar {
    /// A thin horizontal line.
    pub(super) fn rule(from: f32, to: f32, y: f32) -> Self {
        Self { x: from, y, width: to - from, height: 0.5, colour: RULE }
    }
}

/// An area of a page that leads to a position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Jump {
    pub(super) area: Bar,
    pub(super) to: Position,
}

#[derive(Debug, Default)]
pub(super) struct Page {
    /// The text in the order in which it is read.
    pub(super) lines: Vec<PlacedLine>,
    pub(super) bars: Vec<Bar>,
    pub(super) jumps: Vec<Jump>,
    /// What is not part of the text: running head, page number, line numbers.
    pub(super) margins: Vec<PlacedLine>,
}

/// A document laid out on pages.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) size: PageSize,
    pub(super) pages: Vec<Page>,
    pub(super) outline: Vec<OutlineEntry>,
    /// Addresses of the links in the text.
    pub(super) addresses: Vec<String>,
    /// A line that is drawn large across every page, behind its text.
    pub(super) watermark: Option<(TypesetLine, Style)>,
    /// Where the logo stands on the first page; its colour means nothing.
    pub(super) logo: Option<Bar>,
}
