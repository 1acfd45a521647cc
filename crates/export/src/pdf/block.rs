//! Blocks of lines, and the builder that fills pages with them.
//!
//! A page break leaves at least [`MIN_LINES_AT_BREAK`] lines of a block on either side. All lengths are in points, from
//! the top left corner of the page.

use super::characters::han_variant_of;
use super::line_break::{TypesetLine, break_lines};
use super::page::{Bar, INK, Look, Page, PageSize, PlacedLine, Position, QUIET, RULE, Style};
use super::shape::Shaper;
use crate::{ExportError, fonts::HanVariant};

pub(super) const TIME: Style = Style { look: Look::plain(QUIET), size: 8.0, leading: 15.25 };
const LINE_NUMBER: Style = Style { look: Look::plain(QUIET), size: 7.0, leading: 15.25 };
pub(super) const HEADING: Style = Style { look: Look::bold(INK), size: 14.0, leading: 19.0 };

/// Between a time and the text.
const GUTTER_GAP: f32 = 13.0;
const BEFORE_HEADING: f32 = 24.0;
pub(super) const AFTER_HEADING: f32 = 7.0;
/// From the bar beside a quotation to its text.
const QUOTE_GAP: f32 = 9.0;

/// Fewest lines of a block on either side of a page break.
const MIN_LINES_AT_BREAK: usize = 2;

/// A text broken into lines.
pub(super) struct Block {
    pub(super) lines: Vec<TypesetLine>,
    pub(super) style: Style,
    /// Left edge.
    pub(super) left: f32,
    /// Right edge, at which lines from right to left begin.
    pub(super) right: f32,
    /// A line beside the first one, with its left edge.
    pub(super) label: Option<(TypesetLine, Style, f32)>,
    /// Whether a bar stands beside it.
    pub(super) quoted: bool,
}

impl Block {
    /// The height of `lines` lines of this block.
    pub(super) fn height(&self, lines: usize) -> f32 {
        lines as f32 * self.style.leading
    }

    pub(super) fn full_height(&self) -> f32 {
        self.height(self.lines.len())
    }

    /// The height of the fewest lines that may stand at the end of a page.
    pub(super) fn min_height(&self) -> f32 {
        let few = self.lines.len() < 2 * MIN_LINES_AT_BREAK;
        self.height(if few { self.lines.len() } else { MIN_LINES_AT_BREAK })
    }
}

/// Fills pages from top to bottom.
pub(super) struct PageBuilder<'a, 'f> {
    pub(super) shaper: &'a mut Shaper<'f>,
    pub(super) size: PageSize,
    /// For text that does not reveal its own.
    han_variant: HanVariant,
    pub(super) pages: Vec<Page>,
    /// Where the free part of the last page begins.
    pub(super) y: f32,
    /// Addresses of links.
    pub(super) addresses: Vec<String>,
    /// Whether the lines that are placed get numbers.
    pub(super) numbers_lines: bool,
    /// The number of the last line on the last page.
    line_number: usize,
}

impl<'a, 'f> PageBuilder<'a, 'f> {
    pub(super) fn new(shaper: &'a mut Shaper<'f>, size: PageSize, han_variant: HanVariant) -> Self {
        Self {
            shaper,
            size,
            han_variant,
            pages: vec![Page::default()],
            y: size.text_top,
            addresses: Vec::new(),
            numbers_lines: false,
            line_number: 0,
        }
    }

    /// The joined `pieces` in lines of at most `width` points.
    pub(super) fn lines(
        &mut self,
        pieces: &[(&str, Look)],
        style: Style,
        width: f32,
    ) -> Result<Vec<TypesetLine>, ExportError> {
        let mut texts = pieces.iter().map(|(text, _)| text).filter(|text| !text.is_ascii());
        let han_variant = texts.find_map(|text| han_variant_of(text)).unwrap_or(self.han_variant);
        break_lines(self.shaper, pieces, han_variant, style.thousandths(width))
    }

    /// `text` as a block of the full text width.
    pub(super) fn block(&mut self, text: &str, style: Style) -> Result<Block, ExportError> {
        self.rich_block(&[(text, style.look)], style, 0.0)
    }

    /// The joined `pieces` as a block that is indented by `indent`.
    pub(super) fn rich_block(
        &mut self,
        pieces: &[(&str, Look)],
        style: Style,
        indent: f32,
    ) -> Result<Block, ExportError> {
        let (left, right) = (self.size.text_left + indent, self.size.text_right);
        let lines = self.lines(pieces, style, right - left)?;
        Ok(Block { lines, style, left, right, label: None, quoted: false })
    }

    /// The time beside the first line of a block.
    pub(super) fn time(&mut self, time: &str) -> Result<(TypesetLine, Style, f32), ExportError> {
        let line = self.single_line(time, TIME, self.size.text_left)?;
        let x = self.size.text_left - GUTTER_GAP - TIME.points(line.width);
        Ok((line, TIME, x))
    }

    /// `text` as a single line, cut off with an ellipsis if it is wider than `width` points.
    pub(super) fn single_line(
        &mut self,
        text: &str,
        style: Style,
        width: f32,
    ) -> Result<TypesetLine, ExportError> {
        self.rich_line(&[(text, style.look)], style, width)
    }

    /// The joined `pieces` as a single line, cut off with an ellipsis if it is wider than `width` points.
    pub(super) fn rich_line(
        &mut self,
        pieces: &[(&str, Look)],
        style: Style,
        width: f32,
    ) -> Result<TypesetLine, ExportError> {
        let mut whole = self.lines(pieces, style, width)?;
        if whole.len() < 2 {
            return Ok(whole.pop().unwrap_or_default());
        }
        let look = pieces.last().map_or(style.look, |(_, look)| *look);
        let mut ellipsis = self.lines(&[("…", look)], style, width)?.pop().unwrap_or_default();
        let mut cut = self.lines(pieces, style, width - style.points(ellipsis.width))?.swap_remove(0);
        cut.width += ellipsis.width;
        ellipsis.words.iter_mut().for_each(|word| word.place = cut.words.len());
        let end = if cut.right_to_left { 0 } else { cut.words.len() };
        cut.words.splice(end..end, ellipsis.words);
        Ok(cut)
    }

    /// Places the heading of a part of the document. It stays on the page of what follows, which needs `next` points at
    /// least.
    pub(super) fn heading(&mut self, text: &str, next: f32) -> Result<Position, ExportError> {
        let block = self.block(text, HEADING)?;
        self.keep_together(BEFORE_HEADING + block.full_height() + AFTER_HEADING + next);
        let position = self.place(block, BEFORE_HEADING)?;
        self.y += AFTER_HEADING;
        Ok(position)
    }

    /// Places `block`, `space` below the text above it, on as many pages as it needs. Returns where it begins.
    pub(super) fn place(&mut self, block: Block, space: f32) -> Result<Position, ExportError> {
        if !self.is_page_empty() {
            self.y += space;
        }
        let Block { lines, style, left: x, right, mut label, quoted } = block;
        let mut left = lines.len();
        let mut lines = lines.into_iter();
        let mut start = None;
        while left > 0 {
            let room = ((self.size.text_bottom - self.y) / style.leading).max(0.0) as usize;
            let take = match lines_on_page(left, room) {
                0 if self.is_page_empty() => left.min(room.max(1)),
                take => take,
            };
            if take == 0 {
                self.new_page();
                continue;
            }
            start.get_or_insert(self.position());
            for line in lines.by_ref().take(take) {
                if let Some((label, style, x)) = label.take() {
                    let baseline = self.y + block.style.baseline();
                    self.last_page().lines.push(PlacedLine { line: label, style, x, baseline });
                }
                if quoted {
                    let (x, y) = (x - QUOTE_GAP, self.y);
                    let bar = Bar { x, y, width: 2.0, height: style.leading, colour: RULE };
                    self.last_page().bars.push(bar);
                }
                self.place_line(line, style, x, right)?;
                self.y += style.leading;
            }
            left -= take;
            if left > 0 {
                self.new_page();
            }
        }
        Ok(start.unwrap_or_else(|| self.position()))
    }

    /// Places `line` at the current height, without moving on.
    pub(super) fn place_line(
        &mut self,
        line: TypesetLine,
        style: Style,
        left: f32,
        right: f32,
    ) -> Result<(), ExportError> {
        let baseline = self.y + style.baseline();
        if self.numbers_lines {
            self.line_number += 1;
            self.number_line(baseline)?;
        }
        let x = if line.right_to_left { right - style.points(line.width) } else { left };
        self.last_page().lines.push(PlacedLine { line, style, x, baseline });
        Ok(())
    }

    fn number_line(&mut self, baseline: f32) -> Result<(), ExportError> {
        let number = self.line_number.to_string();
        let line = self.single_line(&number, LINE_NUMBER, self.size.width)?;
        let x = self.size.numbers_right - LINE_NUMBER.points(line.width);
        self.last_page().margins.push(PlacedLine { line, style: LINE_NUMBER, x, baseline });
        Ok(())
    }

    pub(super) fn position(&self) -> Position {
        Position { page: self.pages.len() - 1, y: self.y }
    }

    /// Starts a new page unless `height` fits on the current one.
    pub(super) fn keep_together(&mut self, height: f32) {
        if self.y + height > self.size.text_bottom && !self.is_page_empty() {
            self.new_page();
        }
    }

    pub(super) fn new_page(&mut self) {
        self.pages.push(Page::default());
        self.y = self.size.text_top;
        self.line_number = 0;
    }

    pub(super) fn is_page_empty(&self) -> bool {
        self.pages.last().is_none_or(|page| page.lines.is_empty())
    }

    pub(super) fn last_page(&mut self) -> &mut Page {
        self.pages.last_mut().expect("there is always a page")
    }
}

/// How many of the `left` remaining lines of a block go on a page with room for `room` lines: all of them, or as many
/// as leave at least [`MIN_LINES_AT_BREAK`] both on this page and on the next; otherwise 0.
fn lines_on_page(left: usize, room: usize) -> usize {
    if left <= room {
        return left;
    }
    let here = room.min(left.saturating_sub(MIN_LINES_AT_BREAK));
    if here < MIN_LINES_AT_BREAK { 0 } else { here }
}

#[cfg(test)]
mod tests;
