//! Pages with their placed lines, and the dimensions of the paper. All lengths are in points, from the top left corner
//! of the page.

use super::{Paper, line_break::TypesetLine, outline::OutlineEntry};

/// The look of a piece of text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Style {
    pub(super) bold: bool,
    pub(super) size: f32,
    /// From one baseline to the next.
    pub(super) leading: f32,
    /// From 0, black, to 1, white.
    pub(super) grey: f32,
}

/// The dimensions of a page. Text stands between `text_left` and `text_right`; times and labels stand in the gutter to
/// its left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct PageSize {
    pub(super) width: f32,
    pub(super) height: f32,
    /// Left edge of the gutter.
    pub(super) gutter_left: f32,
    pub(super) text_left: f32,
    pub(super) text_right: f32,
    pub(super) text_top: f32,
    pub(super) text_bottom: f32,
    pub(super) footer_baseline: f32,
}

impl PageSize {
    pub(super) fn of(paper: Paper) -> Self {
        let (width, height) = match paper {
            Paper::A4 => (595.276, 841.89),
            Paper::Letter => (612.0, 792.0),
        };
        Self {
            width,
            height,
            gutter_left: 57.0,
            text_left: 112.0,
            text_right: width - 71.0,
            text_top: 66.0,
            text_bottom: height - 76.0,
            footer_baseline: height - 44.0,
        }
    }

    /// The width of a line of text.
    pub(super) fn text_width(&self) -> f32 {
        self.text_right - self.text_left
    }
}

/// A typeset line at its position on a page.
#[derive(Debug)]
pub(super) struct PlacedLine {
    pub(super) line: TypesetLine,
    pub(super) style: Style,
    pub(super) x: f32,
    pub(super) baseline: f32,
}

/// A thin horizontal line.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) from: f32,
    pub(super) to: f32,
    pub(super) y: f32,
}

#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) lines: Vec<PlacedLine>,
    pub(super) rules: Vec<Rule>,
    pub(super) footer: Vec<PlacedLine>,
}

/// A document laid out on pages.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) size: PageSize,
    pub(super) pages: Vec<Page>,
    pub(super) outline: Vec<OutlineEntry>,
}
