//! Cues for subtitles: which words are shown together, in which lines, from when to when.
//!
//! 1. [`pieces`] cuts the text into the smallest parts that a line may end after: words, characters of Chinese and
//!    Japanese, and parts of words that are longer than a line; each with its time.
//! 2. [`ends`] finds the ends of the cues by dynamic programming: of all cuts into cues that fit, the one that breaks
//!    at ends of sentences and phrases and leaves time to read.
//! 3. [`break_lines`] balances the lines of a cue in the same way.
//! 4. [`set_times`] gives each cue as much time as it needs, without overlap.

use crate::document::Document;
use crate::error::ExportError;
use crate::format::Resources;
use crate::options::{ExportOptions, SubtitleOptions};
use crate::paragraphs::word_starts;
use std::iter::repeat_n;
use std::ops::Range;
use transcript::{AudioTime, Word, is_control, join_words, split_words};
use unicode_segmentation::UnicodeSegmentation;

/// A cue begins with its first word, or up to this much later if the cue before it is not shown long enough otherwise.
const MAX_DELAY_MS: u64 = 1_000;
/// The shortest gap that listeners take for a phrase boundary.
const PHRASE_PAUSE_MS: u64 = 250;

/// Costs of a cut into cues, in points. Their order matters: time to read, then sentences, then phrases.
mod cost {
    /// Of a cue, so that few are made.
    pub(super) const CUE: f32 = 2.0;
    /// Of a break after a comma or the like, or at a short pause.
    pub(super) const AT_PHRASE: f32 = 3.0;
    /// Of any other break between words.
    pub(super) const IN_PHRASE: f32 = 10.0;
    /// Of a break within a word.
    pub(super) const IN_WORD: f32 = 30.0;
    /// Of a cue that goes on after the end of a sentence.
    pub(super) const TWO_SENTENCES: f32 = 3.0;
    /// Of a cue that has no time at all; part of it for one that has too little.
    pub(super) const NO_TIME: f32 = 20.0;
    /// Of a difference of the lines, as a share of the longest line.
    pub(super) const UNBALANCED: f32 = 10.0;
}

/// Text that is shown for a while.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cue {
    /// When it appears, in milliseconds.
    pub(crate) start_ms: u64,
    /// When it disappears: after `start_ms`, and not after the start of the next cue.
    pub(crate) end_ms: u64,
    /// Its lines; at least one.
    pub(crate) lines: Vec<Line>,
    /// When its words are spoken.
    speech: (u64, u64),
}

/// A line of a cue, in the words of one speaker.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    /// Not blank, without line breaks and control characters.
    pub(crate) text: String,
    /// An index into [`Document::speakers`]; `None` if unknown.
    pub(crate) speaker: Option<usize>,
}

/// The smallest part of the text that a line may end after.
#[derive(Debug, Clone)]
struct Piece<'a> {
    text: &'a str,
    /// Characters of `text`.
    width: usize,
    speaker: Option<usize>,
    /// When it is spoken.
    start: u64,
    end: u64,
    /// What separates it from the piece before.
    before: Before,
    /// Whether it is part of a speaker's name.
    label: bool,
}

/// What separates a piece from the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    /// A cue must end.
    Cue,
    /// A line must end: another speaker goes on.
    Line,
    /// A space.
    Space,
    /// Nothing: Chinese and Japanese have no spaces between words.
    Nothing,
    /// Nothing, within a word that is longer than a line.
    Word,
}

/// The cues of `document` in order of time. If `labels`, a change of speaker is marked by a name and a colon in the text.
///
/// # Errors
/// If `resources` says so.
pub(crate) fn cues(
    document: &Document,
    options: &ExportOptions,
    labels: bool,
    resources: &Resources<'_>,
) -> Result<Vec<Cue>, ExportError> {
    let limits = Limits::of(&options.subtitles);
    let name = |speaker| match transcript::single_line(document.name(speaker, options)) {
        name if name.is_empty() => name,
        name => format!("{name}:"),
    };
    let names: Vec<String> = match labels && document.shows_speakers(options) {
        true => (0..document.speakers.len()).map(Some).chain([None]).map(name).collect(),
        false => Vec::new(),
    };
    let texts: Vec<String> =
        document.segments.iter().map(|segment| without_controls(&segment.segment.text)).collect();
    let pieces = pieces(document, &texts, &names, &limits);
    let mut cues: Vec<Cue> = Vec::new();
    let mut from = 0;
    for to in ends(&pieces, &limits, resources)? {
        let shown = &pieces[from..to];
        let (start, end) = (shown[0].start, shown.iter().map(|piece| piece.end).max().unwrap_or_default());
        let lines = break_lines(shown, &limits);
        cues.push(Cue { start_ms: start, end_ms: end, lines, speech: (start, end) });
        from = to;
    }
    // People who talk at the same time have segments that overlap.
    cues.sort_by_key(|cue| cue.start_ms);
    set_times(&mut cues, &limits);
    Ok(cues)
}

/// [`SubtitleOptions`] within their bounds.
struct Limits {
    width: usize,
    lines: usize,
    /// Milliseconds to read a character.
    character_ms: u64,
    least: u64,
    longest: u64,
    gap: u64,
    closed_pause: u64,
    one_speaker: bool,
}

impl Limits {
    fn of(options: &SubtitleOptions) -> Self {
        Self {
            width: usize::from(options.characters_per_line.clamp(1, 200)),
            lines: usize::from(options.lines.clamp(1, 8)),
            character_ms: 1_000_u64.div_ceil(u64::from(options.characters_per_second.max(1))),
            least: u64::from(options.min_duration_ms),
            longest: u64::from(options.max_duration_ms.max(1)),
            gap: u64::from(options.gap_ms),
            closed_pause: u64::from(options.closed_pause_ms),
            one_speaker: options.one_speaker_per_cue,
        }
    }

    /// How long a cue of this many characters should be shown.
    fn time(&self, characters: usize) -> u64 {
        self.least.max(characters as u64 * self.character_ms).min(self.longest)
    }
}

/// `text` with a space for each control character, byte for byte in the same place: the times of words are found by
/// their places.
fn without_controls(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        match is_control(c) {
            true => clean.extend(repeat_n(' ', c.len_utf8())),
            false => clean.push(c),
        }
    }
    clean
}

/// The characters of `text` that a reader sees, spaces included.
pub(crate) fn width(text: &str) -> usize {
    text.graphemes(true).filter(|grapheme| !grapheme.chars().all(is_invisible)).count()
}

/// Whether `c` is neither shown nor a space.
fn is_invisible(c: char) -> bool {
    let ignored = matches!(c, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{2064}' | '\u{FEFF}');
    ignored || is_control(c)
}

/// The pieces of all segments. `texts` are the texts of the segments without control characters; `names` the labels of
/// the speakers, the last that of an unknown one, or empty if none is shown.
fn pieces<'a>(
    document: &Document,
    texts: &'a [String],
    names: &'a [String],
    limits: &Limits,
) -> Vec<Piece<'a>> {
    let mut pieces: Vec<Piece<'a>> = Vec::new();
    let mut last_speaker = None;
    for (segment, text) in document.segments.iter().zip(texts) {
        let times = Times::of(&segment.segment);
        let first = pieces.len();
        let speaker = segment.speaker;
        for (at, (mut before, width)) in parts(text, limits.width) {
            let (start, end) = (times.at(at.start), times.at(at.end));
            let text = &text[at];
            if pieces.len() == first {
                before = pieces.last().map_or(Before::Cue, |last| limits.between(last, speaker, start, text));
                let label = match last_speaker == Some(speaker) {
                    true => None,
                    false => speaker.and_then(|index| names.get(index)).or(names.last()),
                };
                last_speaker = Some(speaker);
                let label = label.map_or("", String::as_str);
                for (index, (at, (between, width))) in parts(label, limits.width).enumerate() {
                    let (text, before) = (&label[at], if index == 0 { before } else { between });
                    // A name takes no time of its own.
                    pieces.push(Piece { text, width, speaker, start, end: start, before, label: true });
                }
                if pieces.len() > first {
                    before = Before::Space;
                }
            }
            pieces.push(Piece { text, width, speaker, start, end, before, label: false });
        }
    }
    pieces
}

/// The visible parts of a text without control characters: where each is, what separates it from the part before, and
/// its characters, of which there are at most `width`.
fn parts(text: &str, width: usize) -> impl Iterator<Item = (Range<usize>, (Before, usize))> + '_ {
    let words = text.split_whitespace().flat_map(move |chunk| {
        let mut at = chunk.as_ptr() as usize - text.as_ptr() as usize;
        split_words(chunk).into_iter().enumerate().map(move |(index, word)| {
            at += word.len();
            (at - word.len()..at, if index == 0 { Before::Space } else { Before::Nothing })
        })
    });
    words.flat_map(move |(word, before)| {
        let mut parts = vec![(word.start..word.start, (before, 0))];
        for (offset, grapheme) in text[word.clone()].grapheme_indices(true) {
            let (at, visible) = (word.start + offset, usize::from(!grapheme.chars().all(is_invisible)));
            match parts.last_mut() {
                Some((range, (_, count))) if *count + visible <= width => {
                    range.end = at + grapheme.len();
                    *count += visible;
                }
                _ => parts.push((at..at + grapheme.len(), (Before::Word, visible))),
            }
        }
        parts.into_iter().filter(|(_, (_, count))| *count > 0)
    })
}

/// When the bytes of a segment's text are spoken.
struct Times {
    /// Of each word where it begins and ends in the text, and when.
    words: Vec<(Range<usize>, Range<u64>)>,
}

impl Times {
    fn of(segment: &transcript::Segment) -> Self {
        let ms = |time: AudioTime| u64::from(time.as_ms());
        let words = match word_starts(&segment.text, &segment.words) {
            Some(starts) => starts
                .into_iter()
                .zip(&segment.words)
                .map(|(at, word)| (at..at + word.text.len(), ms(word.start)..ms(word.end)))
                .collect(),
            None => vec![(0..segment.text.len(), ms(segment.span.start)..ms(segment.span.end))],
        };
        Self { words }
    }

    /// When the text at the byte `at` is spoken: each byte of a word has the same share of its time.
    fn at(&self, at: usize) -> u64 {
        let index = self.words.partition_point(|(bytes, _)| bytes.end < at);
        let Some((bytes, time)) = self.words.get(index).or(self.words.last()) else { return 0 };
        let done = at.clamp(bytes.start, bytes.end) - bytes.start;
        let length = time.end.saturating_sub(time.start);
        time.start + length * done as u64 / (bytes.len() as u64).max(1)
    }
}

impl Limits {
    /// What separates the first piece of a segment from the piece before.
    fn between(&self, last: &Piece<'_>, speaker: Option<usize>, start: u64, text: &str) -> Before {
        let pause = start.saturating_sub(last.end);
        let changes = last.speaker != speaker;
        if (changes && self.one_speaker)
            || pause >= self.closed_pause.max(2 * PHRASE_PAUSE_MS)
            || start < last.start
        {
            Before::Cue
        } else if changes {
            Before::Line
        } else if join_words([last.text, text]).len() > last.text.len() + text.len() {
            Before::Space
        } else {
            Before::Nothing
        }
    }
}

impl Piece<'_> {
    /// The characters that it adds to a line that it does not begin.
    fn added_width(&self) -> usize {
        self.width + usize::from(self.before == Before::Space)
    }

    /// Whether a sentence ends with it.
    fn ends_sentence(&self) -> bool {
        let text = self.text.trim_end_matches(CLOSING);
        match text.ends_with('.') {
            // Abbreviations are told apart.
            true => {
                let (start, end, text) = (AudioTime::ZERO, AudioTime::ZERO, text.to_owned());
                Word { start, end, text, confidence: None, estimated: false }.ends_sentence()
            }
            false => text.ends_with(['?', '!', '…', '。', '？', '！', '।', '؟']),
        }
    }

    /// What a break after it costs, if `next` follows.
    fn break_cost(&self, next: &Self) -> f32 {
        if self.label || next.before == Before::Word {
            cost::IN_WORD
        } else if next.before == Before::Cue || next.before == Before::Line || self.ends_sentence() {
            0.0
        } else if self
            .text
            .trim_end_matches(CLOSING)
            .ends_with([',', ';', ':', '–', '—', '，', '、', '；', '：', '،'])
            || next.start.saturating_sub(self.end) >= PHRASE_PAUSE_MS
        {
            cost::AT_PHRASE
        } else {
            cost::IN_PHRASE
        }
    }
}

/// Punctuation that may follow the end of a sentence or phrase.
const CLOSING: [char; 9] = ['"', '\'', '”', '’', ')', ']', '»', '」', '』'];

/// Where the cues end: indices behind their last pieces, the cheapest that fit. Each cue has at least one piece.
fn ends(pieces: &[Piece<'_>], limits: &Limits, resources: &Resources<'_>) -> Result<Vec<usize>, ExportError> {
    // For each number of pieces the cost of the cheapest cut and where its last cue begins.
    let mut best = vec![(f32::INFINITY, 0); pieces.len() + 1];
    best[0].0 = 0.0;
    for from in 0..pieces.len() {
        if from % 2_000 == 0 {
            resources.report(from, pieces.len())?;
        }
        let (mut lines, mut line, mut characters, mut sentences) = (1, 0, 0, 0.0);
        for (to, piece) in pieces.iter().enumerate().skip(from) {
            if to > from {
                if piece.before == Before::Cue
                    || piece.end.saturating_sub(pieces[from].start) > limits.longest
                {
                    break;
                }
                if piece.before == Before::Line || line + piece.added_width() > limits.width {
                    (lines, line) = (lines + 1, piece.width);
                } else {
                    line += piece.added_width();
                }
                if lines > limits.lines {
                    break;
                }
                characters += piece.added_width();
            } else {
                (line, characters) = (piece.width, piece.width);
            }
            let next = pieces.get(to + 1);
            let room = next.filter(|next| next.start >= pieces[from].start).map_or(limits.longest, |next| {
                (next.start - pieces[from].start).saturating_sub(limits.gap).min(limits.longest)
            });
            let wanted = limits.time(characters).max(1);
            let lack = wanted.saturating_sub(room) as f32 / wanted as f32;
            let cost = best[from].0
                + cost::CUE
                + cost::NO_TIME * lack
                + cost::TWO_SENTENCES * sentences
                + next.map_or(0.0, |next| piece.break_cost(next));
            if cost < best[to + 1].0 {
                best[to + 1] = (cost, from);
            }
            if piece.ends_sentence() {
                sentences += 1.0;
            }
        }
    }
    let mut ends = Vec::new();
    let mut end = pieces.len();
    while end > 0 {
        ends.push(end);
        end = best[end].1;
    }
    ends.reverse();
    Ok(ends)
}

/// The lines of a cue: as few as possible, of similar length, broken at phrases.
fn break_lines(pieces: &[Piece<'_>], limits: &Limits) -> Vec<Line> {
    let mut count = 1;
    let mut line = 0;
    for (index, piece) in pieces.iter().enumerate() {
        if index > 0 && (piece.before == Before::Line || line + piece.added_width() > limits.width) {
            (count, line) = (count + 1, piece.width);
        } else {
            line += if index == 0 { piece.width } else { piece.added_width() };
        }
    }
    // For each number of lines and of pieces the cost of the cheapest cut and where its last line begins.
    let mut best = vec![vec![(f32::INFINITY, 0); pieces.len() + 1]; count + 1];
    best[0][0].0 = 0.0;
    for lines in 1..=count {
        for from in 0..pieces.len() {
            let before = best[lines - 1][from].0;
            if before.is_infinite() {
                continue;
            }
            let mut line = 0;
            for (to, piece) in pieces.iter().enumerate().skip(from) {
                line += if to == from { piece.width } else { piece.added_width() };
                if to > from && (piece.before == Before::Line || line > limits.width) {
                    break;
                }
                let empty = 1.0 - line as f32 / limits.width as f32;
                let cost = before
                    + cost::UNBALANCED * empty * empty
                    + pieces.get(to + 1).map_or(0.0, |next| piece.break_cost(next));
                if cost < best[lines][to + 1].0 {
                    best[lines][to + 1] = (cost, from);
                }
            }
        }
    }
    let mut lines = Vec::with_capacity(count);
    let mut end = pieces.len();
    for number in (1..=count).rev() {
        let from = best[number][end].1;
        let mut text = String::new();
        for (index, piece) in pieces[from..end].iter().enumerate() {
            if index > 0 && piece.before == Before::Space {
                text.push(' ');
            }
            text.push_str(piece.text);
        }
        lines.push(Line { text, speaker: pieces[from].speaker });
        end = from;
    }
    lines.reverse();
    lines
}

impl Cue {
    /// Its characters.
    fn characters(&self) -> usize {
        self.lines.iter().map(|line| width(&line.text)).sum::<usize>() + self.lines.len() - 1
    }
}

/// Sets the times of `cues`, which are in order of their speech, within the limits.
fn set_times(cues: &mut [Cue], limits: &Limits) {
    for index in 1..cues.len() {
        let before = cues[index - 1].start_ms;
        let spoken = cues[index].speech.0;
        let polite = before + limits.least.min(limits.longest) + limits.gap;
        cues[index].start_ms = spoken.max(before + 1).max(polite.min(spoken + MAX_DELAY_MS));
    }
    for index in 0..cues.len() {
        let next = cues.get(index + 1).map(|next| next.start_ms);
        let cue = &mut cues[index];
        let mut end = cue.speech.1.max(cue.start_ms + limits.time(cue.characters()));
        if let Some(next) = next {
            let room = next.saturating_sub(limits.gap);
            if end + limits.closed_pause.max(limits.gap) > next {
                end = room;
            }
        }
        cue.end_ms = end.min(cue.start_ms + limits.longest).max(cue.start_ms + 1);
    }
}

/// A time in hours, minutes, seconds and milliseconds with two digits or more for the hours: `00:01:02,003` with a comma
/// as `point`.
pub(crate) fn clock(ms: u64, point: char) -> String {
    let s = ms / 1_000;
    format!("{:02}:{:02}:{:02}{point}{:03}", s / 3_600, s / 60 % 60, s % 60, ms % 1_000)
}

/// `text` with an invisible character (U+2060, word joiner) in its times if it has two of them: some readers take each
/// line with two times for the times of the next cue, whatever stands between.
pub(crate) fn guard_times(text: &str) -> String {
    let bytes = text.as_bytes();
    let is_digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let colons = text.match_indices(':').map(|(at, _)| at);
    let colons: Vec<usize> =
        colons.filter(|at| is_digit(at.checked_sub(1)) && is_digit(Some(at + 1))).collect();
    let mut guarded = text.to_owned();
    if colons.len() >= 4 {
        for at in colons.into_iter().rev() {
            guarded.insert(at + 1, '\u{2060}');
        }
    }
    guarded
}

#[cfg(test)]
mod tests;
