//! Breaks text into lines of a given width and puts the words of each line in visual order.
//!
//! Breaks follow the Unicode line breaking algorithm (UAX 14), directions the bidirectional algorithm (UAX 9). A word
//! that is wider than a line is broken between graphemes. Lines are not justified.

use super::page::Look;
use super::shape::{Shaper, Word, WordStyle};
use crate::{ExportError, fonts::HanVariant};
use std::{ops::Range, rc::Rc};
use unicode_bidi::{BidiInfo, Level};
use unicode_linebreak::linebreaks;
use unicode_segmentation::UnicodeSegmentation;

/// A word of more bytes than this is broken between graphemes without shaping it as a whole first.
const MAX_WHOLE_WORD_BYTES: usize = 1000;

const FIXED_SPACE: char = '\u{A0}';

/// A shaped word, or the spaces between two, in its look.
#[derive(Debug, Clone)]
pub(super) struct LineWord {
    pub(super) word: Rc<Word>,
    pub(super) look: Look,
    /// Its place in reading order among the words of its line.
    pub(super) place: usize,
}

impl LineWord {
    /// In thousandths of the font size of the line.
    pub(super) fn width(&self) -> f32 {
        self.word.width * self.look.scale
    }
}

/// A line of shaped words. Lengths are in thousandths of the font size.
#[derive(Debug, Clone, Default)]
pub(super) struct TypesetLine {
    /// In visual order, from left to right.
    pub(super) words: Vec<LineWord>,
    pub(super) width: f32,
    /// Whether the base direction of its text is right to left.
    pub(super) right_to_left: bool,
}

/// Text without line breaks and its looks.
#[derive(Default)]
struct LooseLine {
    text: String,
    /// Where each look ends, in order.
    looks: Vec<(usize, Look)>,
}

impl LooseLine {
    fn push(&mut self, text: &str, look: Look) {
        // White space at the beginning of a line is not shown, but for fixed spaces, which indent code.
        let is_space = |c: char| c.is_whitespace() && c != FIXED_SPACE;
        let text = if self.text.is_empty() { text.trim_start_matches(is_space) } else { text };
        if text.is_empty() {
            return;
        }
        self.text.push_str(text);
        match self.looks.last_mut() {
            Some(last) if last.1 == look => last.0 = self.text.len(),
            _ => self.looks.push((self.text.len(), look)),
        }
    }

    /// The line, without white space at its end; `None` if it is blank.
    fn take(&mut self) -> Option<Self> {
        let mut line = std::mem::take(self);
        line.text.truncate(line.text.trim_end().len());
        (!line.text.is_empty()).then_some(line)
    }

    /// The parts of `range` that differ in their look.
    fn parts(&self, range: Range<usize>) -> impl Iterator<Item = (Range<usize>, Look)> {
        let first = self.looks.partition_point(|(end, _)| *end <= range.start);
        let mut start = range.start;
        self.looks[first..].iter().map_while(move |(end, look)| {
            let part = start..range.end.min(*end);
            start = part.end;
            (!part.is_empty()).then_some((part, *look))
        })
    }
}

/// The lines of the joined `pieces`, as their line breaks divide them.
fn loose_lines(pieces: &[(&str, Look)]) -> Vec<LooseLine> {
    let mut lines = Vec::new();
    let mut line = LooseLine::default();
    for (text, look) in pieces {
        if !text.contains(|c: char| c.is_control() || matches!(c, '\u{AD}' | '\u{2028}' | '\u{2029}')) {
            line.push(text, *look);
            continue;
        }
        for (index, part) in
            text.split(['\n', '\r', '\u{B}', '\u{C}', '\u{85}', '\u{2028}', '\u{2029}']).enumerate()
        {
            if index > 0 {
                lines.extend(line.take());
            }
            line.push(&part.replace(char::is_control, " ").replace('\u{AD}', ""), *look);
        }
    }
    lines.extend(line.take());
    lines
}

/// Breaks the joined `pieces` into lines of at most `max_width` thousandths of the font size. Line breaks in them are
/// kept; blank lines are removed.
pub(super) fn break_lines(
    shaper: &mut Shaper<'_>,
    pieces: &[(&str, Look)],
    han_variant: HanVariant,
    max_width: f32,
) -> Result<Vec<TypesetLine>, ExportError> {
    let mut lines = Vec::new();
    for text in loose_lines(pieces) {
        let bidi = (!text.text.is_ascii()).then(|| BidiInfo::new(&text.text, None));
        let level = bidi.as_ref().and_then(|bidi| bidi.paragraphs.first()).map_or(Level::ltr(), |p| p.level);
        let mut breaker = LineBreaker {
            shaper,
            han_variant,
            max_width,
            text: &text,
            levels: bidi.as_ref().map(|bidi| bidi.levels.as_slice()),
            level,
            lines: &mut lines,
            line: Vec::new(),
            width: 0.0,
        };
        breaker.break_text()?;
    }
    Ok(lines)
}

/// A word with its embedding level.
type LevelWord = (Level, LineWord);

/// Fills lines with the words of one text.
struct LineBreaker<'a, 'f> {
    shaper: &'a mut Shaper<'f>,
    han_variant: HanVariant,
    max_width: f32,
    text: &'a LooseLine,
    /// The embedding level of each byte; `None` for ASCII.
    levels: Option<&'a [Level]>,
    /// The paragraph embedding level (UAX 9): the base direction of the text.
    level: Level,
    lines: &'a mut Vec<TypesetLine>,
    /// The words of the current line, in reading order.
    line: Vec<LevelWord>,
    /// The width of `line`.
    width: f32,
}

impl LineBreaker<'_, '_> {
    fn break_text(&mut self) -> Result<(), ExportError> {
        let text = self.text.text.as_str();
        let mut spaces = 0..0;
        let mut start = 0;
        for (end, _) in linebreaks(text) {
            if must_not_break(&text[start..end], &text[end..]) {
                continue;
            }
            let word = start..start + text[start..end].trim_end_matches(' ').len();
            let leading_spaces = self.shape(spaces.clone())?;
            let parts =
                if word.len() > MAX_WHOLE_WORD_BYTES { None } else { Some(self.shape(word.clone())?) };
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
                for (level, range) in level_runs(self.levels, self.level, word.clone()) {
                    for (range, look) in self.text.parts(range) {
                        self.break_anywhere(&text[range], level, look)?;
                    }
                }
            }
            spaces = word.end..end;
            start = end;
        }
        self.end_line();
        Ok(())
    }

    /// Appends `text`, which has one direction and look, and breaks it between graphemes where a line is full.
    fn break_anywhere(&mut self, mut text: &str, level: Level, look: Look) -> Result<(), ExportError> {
        let style = self.word_style(level, look);
        while !text.is_empty() {
            let room = (self.max_width - self.width) / look.scale;
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
                self.extend(vec![(level, LineWord { word, look, place: 0 })]);
                text = &text[end..];
            }
            if !text.is_empty() {
                self.end_line();
            }
        }
        Ok(())
    }

    /// Shapes a range of the text, one word per embedding level and look.
    fn shape(&mut self, range: Range<usize>) -> Result<Vec<LevelWord>, ExportError> {
        let mut words = Vec::new();
        for (level, range) in level_runs(self.levels, self.level, range) {
            for (range, look) in self.text.parts(range) {
                let word = self.shaper.word(&self.text.text[range], self.word_style(level, look))?;
                words.push((level, LineWord { word, look, place: 0 }));
            }
        }
        Ok(words)
    }

    fn word_style(&self, level: Level, look: Look) -> WordStyle {
        WordStyle { bold: look.bold, han_variant: self.han_variant, right_to_left: level.is_rtl() }
    }

    fn extend(&mut self, words: Vec<LevelWord>) {
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

fn total_width(words: &[LevelWord]) -> f32 {
    words.iter().map(|(_, word)| word.width()).sum()
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
fn visual_order(mut words: Vec<LevelWord>) -> Vec<LineWord> {
    for (place, (_, word)) in words.iter_mut().enumerate() {
        word.place = place;
    }
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
