//! Places a transcript on pages.
//!
//! Title, names and text share one left edge; times and the labels of the metadata stand in the gutter to its left. A
//! name stays on the page of the text that follows it, and a page break leaves at least [`MIN_LINES_AT_BREAK`] lines of
//! a block on either side. All lengths are in points, from the top left corner of the page.

use super::{
    Paper,
    characters::{han_variant_of, has_han},
    line_break::{TypesetLine, break_lines},
    outline::{OutlineTarget, Position, outline},
    page::{Layout, Page, PageSize, PlacedLine, Rule, Style},
    shape::Shaper,
};
use crate::labels::Labels;
use crate::options::Times;
use crate::{ExportError, FormattedTranscript, fonts::HanVariant, paragraphs::VisibleParagraph};

const TITLE: Style = Style { bold: true, size: 20.0, leading: 26.0, grey: 0.08 };
const METADATA: Style = Style { bold: false, size: 9.0, leading: 14.0, grey: 0.25 };
const NAME: Style = Style { bold: true, size: 10.5, leading: 15.25, grey: 0.08 };
const BODY: Style = Style { bold: false, size: 10.5, leading: 15.25, grey: 0.08 };
/// Times, labels and page numbers: dark enough to read (contrast 4.5 : 1 on white), lighter than the text.
const QUIET: Style = Style { bold: false, size: 8.0, leading: 15.25, grey: 0.45 };
const NOTE: Style = Style { bold: false, size: 8.5, leading: 12.5, grey: 0.35 };

/// How closely the lines of a title are balanced, in thousandths of the font size.
const TITLE_PRECISION: f32 = 250.0;
/// A title of more lines than this is not balanced.
const MAX_BALANCED_LINES: usize = 4;
const AFTER_TITLE: f32 = 9.0;
/// Above and below the rule under the metadata.
const AROUND_RULE: f32 = 14.0;
const BETWEEN_PARAGRAPHS: f32 = 11.0;
const BETWEEN_SEGMENTS: f32 = 3.5;
const BEFORE_NOTE: f32 = 26.0;
/// Length of the rule above the note.
const NOTE_RULE: f32 = 48.0;
/// Smallest gap between the gutter and the text.
const GUTTER_GAP: f32 = 13.0;
/// Smallest gap between title and page number.
const FOOTER_GAP: f32 = 24.0;
/// Characters of the title that are considered for the footer, which has room for about a hundred.
const MAX_FOOTER_TITLE_CHARS: usize = 300;

/// Fewest lines of a block on either side of a page break.
const MIN_LINES_AT_BREAK: usize = 2;

const WORDS_IN_OUTLINE: usize = 6;
const MAX_OUTLINE_CHARS: usize = 60;

/// Lays out `transcript` on pages of `paper`.
pub(super) fn lay_out(
    transcript: &FormattedTranscript,
    shaper: &mut Shaper<'_>,
    paper: Paper,
) -> Result<Layout, ExportError> {
    let size = PageSize::of(paper);
    let paragraphs: Vec<VisibleParagraph<'_>> = transcript.visible_paragraphs().collect();
    let han_variant = prevailing_han_variant(transcript, &paragraphs);
    let mut builder =
        PageBuilder { shaper, size, han_variant, pages: vec![Page::default()], y: size.text_top };
    let heading = transcript.heading();
    builder.title_block(transcript, &heading)?;
    let mut targets = Vec::new();
    for (index, paragraph) in paragraphs.iter().enumerate() {
        let space = if index == 0 { 0.0 } else { BETWEEN_PARAGRAPHS };
        builder.paragraph(paragraph, transcript.options.times, space, &mut targets)?;
    }
    if paragraphs.is_empty() {
        let block = builder.block(&transcript.labels().no_words, BODY, None)?;
        builder.place(block, 0.0);
    }
    builder.note_on_missing_characters(transcript.labels())?;
    builder.receipt(transcript)?;
    builder.footers(&heading, transcript.labels())?;
    let outline = if builder.pages.len() > 1 { outline(targets) } else { Vec::new() };
    Ok(Layout { size, pages: builder.pages, outline })
}

/// The Han variant for text that does not reveal its own: that of most segments of `transcript`.
fn prevailing_han_variant(
    transcript: &FormattedTranscript,
    paragraphs: &[VisibleParagraph<'_>],
) -> HanVariant {
    let segments = paragraphs.iter().flat_map(|paragraph| &paragraph.segments);
    let texts = segments.map(|segment| segment.text.as_str());
    let mut counts = [(HanVariant::Chinese, 0), (HanVariant::Japanese, 0), (HanVariant::Korean, 0)];
    for text in texts.chain([transcript.title.as_str()]).filter(|text| !text.is_ascii()) {
        let variant = han_variant_of(text).or_else(|| has_han(text).then_some(HanVariant::Chinese));
        if let Some(count) = counts.iter_mut().find(|(counted, _)| Some(*counted) == variant) {
            count.1 += 1;
        }
    }
    let [first, others @ ..] = counts;
    others.into_iter().fold(first, |best, other| if other.1 > best.1 { other } else { best }).0
}

/// A text broken into lines, with a label beside the first one.
struct Block {
    lines: Vec<TypesetLine>,
    style: Style,
    /// Stands in the gutter.
    label: Option<TypesetLine>,
}

impl Block {
    /// The height of `lines` lines of this block.
    fn height(&self, lines: usize) -> f32 {
        lines as f32 * self.style.leading
    }

    /// The fewest lines of this block that may stand at the end of a page.
    fn min_first_lines(&self) -> usize {
        if self.lines.len() < 2 * MIN_LINES_AT_BREAK { self.lines.len() } else { MIN_LINES_AT_BREAK }
    }
}

/// Fills pages from top to bottom.
struct PageBuilder<'a, 'f> {
    shaper: &'a mut Shaper<'f>,
    size: PageSize,
    /// For text that does not reveal its own.
    han_variant: HanVariant,
    pages: Vec<Page>,
    /// Where the free part of the last page begins.
    y: f32,
}

impl PageBuilder<'_, '_> {
    /// Places the title, the metadata and the rule below them.
    fn title_block(&mut self, transcript: &FormattedTranscript, heading: &str) -> Result<(), ExportError> {
        let title = self.balanced_title(heading)?;
        self.place(title, 0.0);
        for (index, (label, value)) in transcript.metadata_rows(heading).into_iter().enumerate() {
            let row = self.block(&value, METADATA, Some(label))?;
            self.place(row, if index == 0 { AFTER_TITLE } else { 0.0 });
        }
        self.y += AROUND_RULE;
        let y = self.y;
        let rule = Rule { from: self.size.gutter_left, to: self.size.text_right, y };
        self.last_page().rules.push(rule);
        self.y += AROUND_RULE;
        Ok(())
    }

    /// Places a paragraph, `space` below the text above it, and adds its outline targets.
    fn paragraph(
        &mut self,
        paragraph: &VisibleParagraph<'_>,
        times: Times,
        space: f32,
        targets: &mut Vec<OutlineTarget>,
    ) -> Result<(), ExportError> {
        let name = paragraph.speaker.as_deref().map(|name| self.block(name, NAME, None)).transpose()?;
        let mut blocks = Vec::with_capacity(paragraph.segments.len());
        for segment in &paragraph.segments {
            let time = match times {
                Times::None => None,
                Times::Paragraph if !blocks.is_empty() => None,
                _ => Some(segment.start.to_string()),
            };
            blocks.push(self.block(&segment.full_text(), BODY, time.as_deref())?);
        }
        let mut space = space;
        if let (Some(name), Some(speaker), Some(first)) = (name, &paragraph.speaker, blocks.first()) {
            self.keep_together(space + name.height(name.lines.len()) + first.height(first.min_first_lines()));
            let position = self.place(name, space);
            let speaker = Some(speaker.clone());
            targets.push(OutlineTarget { time: paragraph.start, speaker, words: String::new(), position });
            space = 0.0;
        }
        for (block, segment) in blocks.into_iter().zip(&paragraph.segments) {
            let position = self.place(block, space);
            if paragraph.speaker.is_none() {
                let words = segment.text.split_whitespace().take(WORDS_IN_OUTLINE);
                let words = words.collect::<Vec<_>>().join(" ");
                let words = words.chars().take(MAX_OUTLINE_CHARS).collect();
                targets.push(OutlineTarget { time: segment.start, speaker: None, words, position });
            }
            space = BETWEEN_SEGMENTS;
        }
        Ok(())
    }

    /// Places a note that lists the characters that no font has, if there are any.
    fn note_on_missing_characters(&mut self, labels: &Labels) -> Result<(), ExportError> {
        let codes: Vec<String> =
            self.shaper.missing().iter().map(|c| format!("U+{:04X}", u32::from(*c))).collect();
        if codes.is_empty() {
            return Ok(());
        }
        let note = labels.missing_characters.replace("{characters}", &codes.join(", "));
        let block = self.block(&note, NOTE, None)?;
        self.keep_together(BEFORE_NOTE + block.height(block.min_first_lines()));
        let (from, y) = (self.size.text_left, self.y + 0.6 * BEFORE_NOTE);
        if !self.is_page_empty() {
            self.last_page().rules.push(Rule { from, to: from + NOTE_RULE, y });
        }
        self.place(block, BEFORE_NOTE);
        Ok(())
    }

    /// Places what the receipt says, below a rule.
    fn receipt(&mut self, transcript: &FormattedTranscript) -> Result<(), ExportError> {
        let mut rows = Vec::new();
        for (label, value) in transcript.receipt_rows() {
            rows.push(self.block(&value, NOTE, Some(label))?);
        }
        rows.push(self.block(&transcript.labels().verify, NOTE, None)?);
        let height: f32 = rows.iter().map(|row| row.height(row.lines.len())).sum();
        self.keep_together(BEFORE_NOTE + height);
        if !self.is_page_empty() {
            let y = self.y + 0.6 * BEFORE_NOTE;
            let rule = Rule { from: self.size.text_left, to: self.size.text_left + NOTE_RULE, y };
            self.last_page().rules.push(rule);
        }
        for (index, row) in rows.into_iter().enumerate() {
            self.place(row, if index == 0 { BEFORE_NOTE } else { 0.0 });
        }
        Ok(())
    }

    /// Puts the title and the page number at the foot of every page.
    fn footers(&mut self, heading: &str, labels: &Labels) -> Result<(), ExportError> {
        let total = self.pages.len();
        let heading: String = heading.chars().take(MAX_FOOTER_TITLE_CHARS).collect();
        for index in 0..total {
            let number = self.quiet_line(
                &labels
                    .page
                    .replace("{page}", &(index + 1).to_string())
                    .replace("{pages}", &total.to_string()),
                self.size.text_width(),
            )?;
            let (right, baseline) = (self.size.text_right, self.size.footer_baseline);
            let x = right - points(number.width, QUIET);
            let title = self.quiet_line(&heading, x - FOOTER_GAP - self.size.text_left)?;
            let page = &mut self.pages[index];
            page.footer.push(PlacedLine { line: title, style: QUIET, x: self.size.text_left, baseline });
            page.footer.push(PlacedLine { line: number, style: QUIET, x, baseline });
        }
        Ok(())
    }

    /// `text` as a single line in [`QUIET`], cut off with an ellipsis if it is wider than `width` points.
    fn quiet_line(&mut self, text: &str, width: f32) -> Result<TypesetLine, ExportError> {
        let width = width * 1000.0 / QUIET.size;
        let mut whole = self.lines(text, QUIET, width)?;
        if whole.len() < 2 {
            return Ok(whole.pop().unwrap_or_default());
        }
        let ellipsis = self.lines("…", QUIET, width)?.pop().unwrap_or_default();
        let mut cut = self.lines(text, QUIET, width - ellipsis.width)?.swap_remove(0);
        cut.width += ellipsis.width;
        let end = if cut.right_to_left { 0 } else { cut.words.len() };
        cut.words.splice(end..end, ellipsis.words);
        Ok(cut)
    }

    /// The title in lines of about equal length: a bisection finds the smallest width that needs no further line.
    fn balanced_title(&mut self, text: &str) -> Result<Block, ExportError> {
        let mut widest = self.size.text_width() * 1000.0 / TITLE.size;
        let mut lines = self.lines(text, TITLE, widest)?;
        let mut narrowest = widest / 2.0;
        let balanced = 2..=MAX_BALANCED_LINES;
        while balanced.contains(&lines.len()) && widest - narrowest > TITLE_PRECISION {
            let middle = (narrowest + widest) / 2.0;
            let narrower = self.lines(text, TITLE, middle)?;
            if narrower.len() > lines.len() {
                narrowest = middle;
            } else {
                (lines, widest) = (narrower, middle);
            }
        }
        Ok(Block { lines, style: TITLE, label: None })
    }

    /// `text` in lines of at most `width` thousandths of the font size.
    fn lines(&mut self, text: &str, style: Style, width: f32) -> Result<Vec<TypesetLine>, ExportError> {
        let han_variant = han_variant_of(text).unwrap_or(self.han_variant);
        break_lines(self.shaper, text, style.bold, han_variant, width)
    }

    /// `text` as a block of the full text width, with `label` in the gutter.
    fn block(&mut self, text: &str, style: Style, label: Option<&str>) -> Result<Block, ExportError> {
        let lines = self.lines(text, style, self.size.text_width() * 1000.0 / style.size)?;
        let gutter_width = self.size.text_left - GUTTER_GAP - self.size.gutter_left;
        let label = label.map(|text| self.quiet_line(text, gutter_width)).transpose()?;
        Ok(Block { lines, style, label })
    }

    /// Places `block`, `space` below the text above it, on as many pages as it needs. Returns where it begins.
    fn place(&mut self, block: Block, space: f32) -> Position {
        if !self.is_page_empty() {
            self.y += space;
        }
        let Block { lines, style, mut label } = block;
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
            start.get_or_insert(Position { page: self.pages.len() - 1, y: self.y });
            for line in lines.by_ref().take(take) {
                let baseline = self.y + 0.5 * style.leading + 0.36 * style.size;
                if let Some(label) = label.take() {
                    let x = self.size.text_left - GUTTER_GAP - points(label.width, QUIET);
                    self.last_page().lines.push(PlacedLine { line: label, style: QUIET, x, baseline });
                }
                let right_aligned = self.size.text_right - points(line.width, style);
                let x = if line.right_to_left { right_aligned } else { self.size.text_left };
                self.last_page().lines.push(PlacedLine { line, style, x, baseline });
                self.y += style.leading;
            }
            left -= take;
            if left > 0 {
                self.new_page();
            }
        }
        start.unwrap_or(Position { page: self.pages.len() - 1, y: self.y })
    }

    /// Starts a new page unless `height` fits on the current one.
    fn keep_together(&mut self, height: f32) {
        if self.y + height > self.size.text_bottom && !self.is_page_empty() {
            self.new_page();
        }
    }

    fn new_page(&mut self) {
        self.pages.push(Page::default());
        self.y = self.size.text_top;
    }

    fn is_page_empty(&self) -> bool {
        self.pages.last().is_none_or(|page| page.lines.is_empty())
    }

    fn last_page(&mut self) -> &mut Page {
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

/// Converts `width` from thousandths of the font size to points.
fn points(width: f32, style: Style) -> f32 {
    width * style.size / 1000.0
}

#[cfg(test)]
mod tests;
