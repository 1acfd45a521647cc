//! Text becomes lines of a given measure, ragged at the end, each in the order in which it is seen.
//!
//! Breaks follow the line breaking rules of Unicode (UAX 14); a word too long for a whole line is broken where it must
//! be. Direction follows the bidirectional algorithm (UAX 9).

use super::shape::{Form, Shaper, Word};
use crate::{ExportError, fonts::Letters};
use std::{ops::Range, rc::Rc};
use unicode_bidi::{BidiInfo, Level};
use unicode_linebreak::linebreaks;
use unicode_segmentation::UnicodeSegmentation;

/// A longer word, in bytes, is not tried as a whole.
const LONGEST_WHOLE: usize = 1000;

/// A line ready to be drawn. Lengths are in thousandths of the font size.
#[derive(Debug, Clone, Default)]
pub(super) struct TextLine {
    /// From left to right.
    pub(super) words: Vec<Rc<Word>>,
    pub(super) width: f32,
    /// Whether the line belongs to a paragraph read from right to left.
    pub(super) right_to_left: bool,
}

/// `text` in lines of at most `measure`. Line breaks in it are kept, blank lines are not.
pub(super) fn lines(
    shaper: &mut Shaper<'_>,
    text: &str,
    bold: bool,
    letters: Letters,
    measure: f32,
) -> Result<Vec<TextLine>, ExportError> {
    let mut lines = Vec::new();
    for part in text.split(['\n', '\r', '\u{B}', '\u{C}', '\u{85}', '\u{2028}', '\u{2029}']) {
        let part = part.replace(char::is_control, " ").replace('\u{AD}', "");
        let part = part.trim();
        if !part.is_empty() {
            let bidi = (!part.is_ascii()).then(|| BidiInfo::new(part, None));
            let level =
                bidi.as_ref().and_then(|bidi| bidi.paragraphs.first()).map_or(Level::ltr(), |p| p.level);
            let line = Vec::new();
            let mut breaker =
                Breaker { shaper, bold, letters, measure, level, lines: &mut lines, line, x: 0.0 };
            breaker.set(part, bidi.as_ref().map(|bidi| bidi.levels.as_slice()))?;
        }
    }
    Ok(lines)
}

/// A paragraph on its way into lines.
struct Breaker<'a, 'f> {
    shaper: &'a mut Shaper<'f>,
    bold: bool,
    letters: Letters,
    measure: f32,
    /// Of the paragraph.
    level: Level,
    lines: &'a mut Vec<TextLine>,
    /// The words of the line so far, in reading order.
    line: Vec<(Level, Rc<Word>)>,
    /// The width of `line`.
    x: f32,
}

impl Breaker<'_, '_> {
    fn set(&mut self, text: &str, levels: Option<&[Level]>) -> Result<(), ExportError> {
        let mut spaces = 0..0;
        let mut start = 0;
        for (end, _) in linebreaks(text) {
            if holds_together(&text[start..end], &text[end..]) {
                continue;
            }
            let word = start..start + text[start..end].trim_end_matches(' ').len();
            let before = self.shaped(text, levels, spaces.clone())?;
            let parts = if word.len() > LONGEST_WHOLE {
                None
            } else {
                Some(self.shaped(text, levels, word.clone())?)
            };
            if let Some(parts) = parts.filter(|parts| total(parts) <= self.measure) {
                if self.x + total(&before) + total(&parts) <= self.measure {
                    self.extend(before);
                } else {
                    self.end_line();
                }
                self.extend(parts);
            } else {
                // Starting such a word in the last corner of a line helps nobody.
                if self.x + total(&before) <= 0.8 * self.measure {
                    self.extend(before);
                } else {
                    self.end_line();
                }
                for (level, range) in stretches(levels, self.level, word.clone()) {
                    self.set_anywhere(&text[range], level)?;
                }
            }
            spaces = word.end..end;
            start = end;
        }
        self.end_line();
        Ok(())
    }

    /// Sets `text` from here on, going on to the next line wherever this one is full.
    fn set_anywhere(&mut self, mut text: &str, level: Level) -> Result<(), ExportError> {
        let form = self.form(level);
        while !text.is_empty() {
            let room = self.measure - self.x;
            let mut ends = Vec::new();
            let mut width = 0.0;
            for (at, grapheme) in text.grapheme_indices(true) {
                width += self.shaper.word(grapheme, form)?.width;
                if width > room {
                    break;
                }
                ends.push(at + grapheme.len());
            }
            // Letters that join may be wider together than alone.
            let mut fits = None;
            while let Some(end) = ends.pop() {
                let word = self.shaper.word(&text[..end], form)?;
                if word.width <= room {
                    fits = Some((end, word));
                    break;
                }
            }
            if fits.is_none() && self.line.is_empty() {
                // Not even one letter fits on a line of its own. It cannot be helped.
                let end = text.graphemes(true).next().map_or(text.len(), str::len);
                fits = Some((end, self.shaper.word(&text[..end], form)?));
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

    fn shaped(
        &mut self,
        text: &str,
        levels: Option<&[Level]>,
        range: Range<usize>,
    ) -> Result<Vec<(Level, Rc<Word>)>, ExportError> {
        stretches(levels, self.level, range)
            .into_iter()
            .map(|(level, range)| Ok((level, self.shaper.word(&text[range], self.form(level))?)))
            .collect()
    }

    fn form(&self, level: Level) -> Form {
        Form { bold: self.bold, letters: self.letters, right_to_left: level.is_rtl() }
    }

    fn extend(&mut self, words: Vec<(Level, Rc<Word>)>) {
        self.x += total(&words);
        self.line.extend(words);
    }

    fn end_line(&mut self) {
        let words = std::mem::take(&mut self.line);
        if !words.is_empty() {
            let words = as_seen(words);
            self.lines.push(TextLine { words, width: self.x, right_to_left: self.level.is_rtl() });
        }
        self.x = 0.0;
    }
}

/// Whether a line does not end between `before` and `after` although Unicode would allow it: before the sign of 5 %,
/// inside French quotation marks and before the punctuation that French sets off, between two syllables of Korean.
fn holds_together(before: &str, after: &str) -> bool {
    let set_off = after.starts_with(['%', '‰', '°', '€', '!', '?', ':', ';', '»', '›'])
        && !after.chars().take_while(|c| *c != ' ').any(char::is_alphanumeric);
    let opened = matches!(before.trim_start(), "« " | "‹ ");
    let is_syllable = |c: Option<char>| c.is_some_and(|c| matches!(c, '\u{AC00}'..='\u{D7A3}'));
    set_off || opened || is_syllable(before.chars().next_back()) && is_syllable(after.chars().next())
}

fn total(words: &[(Level, Rc<Word>)]) -> f32 {
    words.iter().map(|(_, word)| word.width).sum()
}

/// The stretches of one direction in `range`. Without `levels` there is one, of the level of the paragraph.
fn stretches(levels: Option<&[Level]>, paragraph: Level, range: Range<usize>) -> Vec<(Level, Range<usize>)> {
    if range.is_empty() {
        return Vec::new();
    }
    let Some(levels) = levels else { return vec![(paragraph, range)] };
    let mut start = range.start;
    let chunks = levels[range].chunk_by(|a, b| a == b);
    let stretch = |chunk: &[Level]| {
        start += chunk.len();
        (chunk[0], start - chunk.len()..start)
    };
    chunks.map(stretch).collect()
}

/// Puts the words of a line from reading order in the order in which they stand (UAX 9, rule L2).
fn as_seen(mut words: Vec<(Level, Rc<Word>)>) -> Vec<Rc<Word>> {
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
