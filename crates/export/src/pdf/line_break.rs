//! Breaks text into lines of a given width and puts the words of each line in visual order.
//!
//! Breaks follow the Unicode line breaking algorithm (UAX 14), directions the bidirectional algorithm (UAX 9). A word
//! that is wider than a line is broken between graphemes. Lines are not justified.

use super::shape::{Shaper, Word, WordStyle};
use crate::{ExportError, fonts::HanVariant};
use std::{ops::Range, rc::Rc};
use unicode_bidi::{BidiInfo, Level};
use unicode_linebreak::linebreaks;
use unicode_segmentation::UnicodeSegmentation;

/// A word of more bytes than this is broken between graphemes without shaping it as a whole first.
const MAX_WHOLE_WORD_BYTES: usize = 1000;

/// A line of shaped words. Lengths are in thousandths of the font size.
#[derive(Debug, Clone, Default)]
pub(super) struct TypesetLine {
    /// In visual order, from left to right.
    pub(super) words: Vec<Rc<Word>>,
    pub(super) width: f32,
    /// Whether the base direction of its text is right to left.
    pub(super) right_to_left: bool,
}

/// Breaks `text` into lines of at most `max_width` thousandths of the font size. Line breaks in `text` are kept; blank
/// lines are removed.
pub(super) fn break_lines(
    shaper: &mut Shaper<'_>,
    text: &str,
    bold: bool,
    han_variant: HanVariant,
    max_width: f32,
) -> Result<Vec<TypesetLine>, ExportError> {
    let mut lines = Vec::new();
    for part in text.split(['\n', '\r', '\u{B}', '\u{C}', '\u{85}', '\u{2028}', '\u{2029}']) {
        let part = part.replace(char::is_control, " ").replace('\u{AD}', "");
        let part = part.trim();
        if !part.is_empty() {
            let bidi = (!part.is_ascii()).then(|| BidiInfo::new(part, None));
            let level =
                bidi.as_ref().and_then(|bidi| bidi.paragraphs.first()).map_or(Level::ltr(), |p| p.level);
            let line = Vec::new();
            let mut breaker = LineBreaker {
                shaper,
                bold,
                han_variant,
                max_width,
                level,
                lines: &mut lines,
                line,
                width: 0.0,
            };
            breaker.break_text(part, bidi.as_ref().map(|bidi| bidi.levels.as_slice()))?;
        }
    }
    Ok(lines)
}

/// Fills lines with the words of one text.
struct LineBreaker<'a, 'f> {
    shaper: &'a mut Shaper<'f>,
    bold: bool,
    han_variant: HanVariant,
    max_width: f32,
    /// The paragraph embedding level (UAX 9): the base direction of the text.
    level: Level,
    lines: &'a mut Vec<TypesetLine>,
    /// The words of the current line, in reading order, each with its embedding level.
    line: Vec<(Level, Rc<Word>)>,
    /// The width of `line`.
    width: f32,
}

impl LineBreaker<'_, '_> {
    /// Breaks `text`, which has no line breaks. `levels` has the embedding level of each byte; `None` for ASCII.
    fn break_text(&mut self, text: &str, levels: Option<&[Level]>) -> Result<(), ExportError> {
        let mut spaces = 0..0;
        let mut start = 0;
        for (end, _) in linebreaks(text) {
            if must_not_break(&text[start..end], &text[end..]) {
                continue;
            }
            let word = start..start + text[start..end].trim_end_matches(' ').len();
            let leading_spaces = self.shape(text, levels, spaces.clone())?;
            let parts = if word.len() > MAX_WHOLE_WORD_BYTES {
                None
            } else {
                Some(self.shape(text, levels, word.clone())?)
            };
            if let Some(parts) = parts.filter(|parts| total_width(parts) <= self.max_width) {
                if self.width + total_width(&leading_spaces) + total_width(&parts) <= self.max_width {
                    self.extend(leading_spaces);
                } else {
                    self.end_line();
                }
                self.extend(parts);
            } else {
                // In the last fifth of a line such a word starts on the next line.
                if self.width + total_width(&leading_spaces) <= 0.8 * self.max_width {
                    self.extend(leading_spaces);
                } else {
                    self.end_line();
                }
                for (level, range) in level_runs(levels, self.level, word.clone()) {
                    self.break_anywhere(&text[range], level)?;
                }
            }
            spaces = word.end..end;
            start = end;
        }
        self.end_line();
        Ok(())
    }

    /// Appends `text`, which has one direction, and breaks it between graphemes where a line is full.
    fn break_anywhere(&mut self, mut text: &str, level: Level) -> Result<(), ExportError> {
        let style = self.word_style(level);
        while !text.is_empty() {
            let room = self.max_width - self.width;
            let mut ends = Vec::new();
            let mut width = 0.0;
            for (at, grapheme) in text.grapheme_indices(true) {
                width += self.shaper.word(grapheme, style)?.width;
                if width > room {
                    break;
                }
                ends.push(at + grapheme.len());
            }
            // Joined letters may be wider than the sum of single ones.
            let mut fits = None;
            while let Some(end) = ends.pop() {
                let word = self.shaper.word(&text[..end], style)?;
                if word.width <= room {
                    fits = Some((end, word));
                    break;
                }
            }
            if fits.is_none() && self.line.is_empty() {
                // A grapheme that is wider than a line gets a line of its own.
                let end = text.graphemes(true).next().map_or(text.len(), str::len);
                fits = Some((end, self.shaper.word(&text[..end], style)?));
            }
            if let Some((end, word)) = fits {
                self.extend(vec![(level, word)]);
                text = &text[end..];
            }
            if !text.is_empty() {
                self.end_line();
            }
        }
        Ok(())
    }

    /// Shapes a range of `text`, one word per embedding level.
    fn shape(
        &mut self,
        text: &str,
        levels: Option<&[Level]>,
        range: Range<usize>,
    ) -> Result<Vec<(Level, Rc<Word>)>, ExportError> {
        level_runs(levels, self.level, range)
            .into_iter()
            .map(|(level, range)| Ok((level, self.shaper.word(&text[range], self.word_style(level))?)))
            .collect()
    }

    fn word_style(&self, level: Level) -> WordStyle {
        WordStyle { bold: self.bold, han_variant: self.han_variant, right_to_left: level.is_rtl() }
    }

    fn extend(&mut self, words: Vec<(Level, Rc<Word>)>) {
        self.width += total_width(&words);
        self.line.extend(words);
    }

    fn end_line(&mut self) {
        let words = std::mem::take(&mut self.line);
        if !words.is_empty() {
            let words = visual_order(words);
            self.lines.push(TypesetLine { words, width: self.width, right_to_left: self.level.is_rtl() });
        }
        self.width = 0.0;
    }
}

/// Whether a break between `before` and `after`, which UAX 14 allows, is suppressed: before the sign in “5 %”, inside
/// French quotation marks, before punctuation that French precedes with a space, and between two Korean syllables.
fn must_not_break(before: &str, after: &str) -> bool {
    let before_sign = after.starts_with(['%', '‰', '°', '€', '!', '?', ':', ';', '»', '›'])
        && !after.chars().take_while(|c| *c != ' ').any(char::is_alphanumeric);
    let after_opening_quote = matches!(before.trim_start(), "« " | "‹ ");
    let is_syllable = |c: Option<char>| c.is_some_and(|c| matches!(c, '\u{AC00}'..='\u{D7A3}'));
    before_sign
        || after_opening_quote
        || is_syllable(before.chars().next_back()) && is_syllable(after.chars().next())
}

fn total_width(words: &[(Level, Rc<Word>)]) -> f32 {
    words.iter().map(|(_, word)| word.width).sum()
}

/// Divides `range` into runs of one embedding level. Without `levels` there is one run, with the level of the
/// paragraph.
fn level_runs(levels: Option<&[Level]>, paragraph: Level, range: Range<usize>) -> Vec<(Level, Range<usize>)> {
    if range.is_empty() {
        return Vec::new();
    }
    let Some(levels) = levels else { return vec![(paragraph, range)] };
    let mut start = range.start;
    let chunks = levels[range].chunk_by(|a, b| a == b);
    let level_run = |chunk: &[Level]| {
        start += chunk.len();
        (chunk[0], start - chunk.len()..start)
    };
    chunks.map(level_run).collect()
}

/// Reorders the words of a line from reading order to visual order (UAX 9, rule L2).
fn visual_order(mut words: Vec<(Level, Rc<Word>)>) -> Vec<Rc<Word>> {
    let levels = || words.iter().map(|(level, _)| level.number());
    let (Some(highest), Some(lowest_odd)) = (levels().max(), levels().filter(|l| l % 2 == 1).min()) else {
        return words.into_iter().map(|(_, word)| word).collect();
    };
    for level in (lowest_odd..=highest).rev() {
        for raised in words.chunk_by_mut(|a, b| (a.0.number() >= level) == (b.0.number() >= level)) {
            if raised[0].0.number() >= level {
                raised.reverse();
            }
        }
    }
    words.into_iter().map(|(_, word)| word).collect()
}
