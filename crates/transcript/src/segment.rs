//! From a stream of words to lines a person can read.

use crate::{Doubt, Reason, Said, Span, Word, text_of};
use serde::{Deserialize, Serialize};

/// A sentence-like line of a transcript.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// From the start of the first word to the end of the last.
    pub span: Span,
    /// The words joined as their script joins them; the first letter in upper case if the engine writes none.
    pub text: String,
    /// The words as recognised.
    pub words: Vec<Word>,
    /// Why they should be doubted, if they should.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<Reason>,
}

/// A line of nobody in particular.
impl<S> From<Segment> for Line<S> {
    fn from(segment: Segment) -> Self {
        Self { segment, speaker: None, overlap: false, by_hand: false }
    }
}

/// A pause this long ends a line.
const PAUSE_MS: u32 = 700;
/// A line that has become this long ends at the next pause of `SHORT_PAUSE_MS`.
const LONG_MS: u32 = 8_000;
/// A pause that is enough in a long line. The shortest gap that listeners take for a phrase boundary is about 0.2 s.
const SHORT_PAUSE_MS: u32 = 250;
/// A line never lasts longer than this.
const LONGEST_MS: u32 = 20_000;

/// A line with who says it.
#[derive(Debug, Clone, PartialEq)]
pub struct Line<S> {
    /// The line.
    pub segment: Segment,
    /// Who says it, if that is known.
    pub speaker: Option<S>,
    /// Whether somebody else speaks during most of it.
    pub overlap: bool,
    /// Whether all of it was given to its speaker by hand.
    pub by_hand: bool,
}

/// Cuts `words`, which are in order of time, into readable lines.
///
/// A line ends after sentence punctuation, at a pause of 0.7 s, at a pause of 0.25 s once it is longer than 8 s,
/// and in any case before it would last longer than 20 s, or where `doubts` begin or end. Every word is in exactly one
/// line and the order is kept.
pub fn segments(words: impl IntoIterator<Item = Word>, doubts: &[Doubt]) -> Vec<Segment> {
    let words = words.into_iter().map(|word| (word, Said::<()>::UNKNOWN));
    lines(words, doubts).into_iter().map(|line| line.segment).collect()
}

/// As [`segments`]; a line also ends where another one speaks.
pub fn lines<S: Copy + PartialEq>(
    words: impl IntoIterator<Item = (Word, Said<S>)>,
    doubts: &[Doubt],
) -> Vec<Line<S>> {
    let words: Vec<(Word, Said<S>)> = words.into_iter().collect();
    // An engine that writes capitals knows better where a sentence begins.
    let capitals = words.iter().any(|(word, _)| word.text.contains(char::is_uppercase));
    let mut lines = Vec::new();
    let mut line: Vec<(Word, Said<S>)> = Vec::new();
    let mut doubt = None;
    for (word, said) in words {
        let middle = word.middle();
        let of_word =
            doubts.iter().find(|doubt| doubt.span.start <= middle && middle < doubt.span.end.plus_ms(1));
        let of_word = of_word.map(|doubt| doubt.reason);
        if let (Some((first, _)), Some((last, before))) = (line.first(), line.last()) {
            let gap = word.start.since(last.end);
            let ends = gap >= PAUSE_MS
                || last.ends_sentence()
                || (gap >= SHORT_PAUSE_MS && last.end.since(first.start) >= LONG_MS)
                || word.end.since(first.start) > LONGEST_MS
                || before.speaker != said.speaker
                || doubt != of_word;
            if ends {
                lines.push(line_of(std::mem::take(&mut line), doubt, !capitals));
            }
        }
        doubt = of_word;
        line.push((word, said));
    }
    if !line.is_empty() {
        lines.push(line_of(line, doubt, !capitals));
    }
    lines
}

fn line_of<S: Copy>(words: Vec<(Word, Said<S>)>, doubt: Option<Reason>, capitalise: bool) -> Line<S> {
    let (words, said): (Vec<Word>, Vec<Said<S>>) = words.into_iter().unzip();
    let start = words.first().map(|w| w.start).unwrap_or_default();
    let end = words.iter().map(|w| w.end).max().unwrap_or_default();
    let text = text_of(words.iter().map(|w| w.text.as_str()));
    Line {
        segment: Segment {
            span: Span::new(start, end),
            text: if capitalise { capitalised(&text) } else { text },
            words,
            doubt,
        },
        speaker: said.first().and_then(|said| said.speaker),
        overlap: said.iter().filter(|said| said.overlap).count() * 2 > said.len(),
        by_hand: said.iter().all(|said| said.by_hand),
    }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AudioTime;

    fn words(spec: &[(&str, u32, u32)]) -> Vec<Word> {
        spec.iter()
            .map(|(text, start, end)| Word {
                start: AudioTime::from_ms(*start),
                end: AudioTime::from_ms(*end),
                text: (*text).to_owned(),
                confidence: None,
                estimated: false,
            })
            .collect()
    }

    fn texts(spec: &[(&str, u32, u32)]) -> Vec<String> {
        segments(words(spec), &[]).into_iter().map(|s| s.text).collect()
    }

    #[test]
    fn a_line_begins_with_a_capital_and_ends_at_a_pause() {
        let lines = texts(&[("ask", 0, 200), ("not", 250, 400), ("what", 1200, 1400)]);
        assert_eq!(lines, ["Ask not", "What"]);
    }

    #[test]
    fn sentence_punctuation_ends_a_line() {
        assert_eq!(texts(&[("yes.", 0, 200), ("no", 210, 400)]), ["Yes.", "No"]);
    }

    #[test]
    fn an_engine_that_writes_capitals_decides_where_there_are_any() {
        assert_eq!(texts(&[("Ask", 0, 200), ("not", 1000, 1200)]), ["Ask", "not"]);
    }

    #[test]
    fn a_long_line_ends_at_a_short_pause() {
        let mut spec: Vec<(&str, u32, u32)> = (0..30).map(|i| ("a", i * 300, i * 300 + 290)).collect();
        spec.push(("b", 9_300, 9_500));
        assert_eq!(texts(&spec).len(), 2);
    }

    #[test]
    fn speech_without_a_pause_is_cut_before_twenty_seconds_and_no_word_is_lost() {
        let spec: Vec<(&str, u32, u32)> = (0..200).map(|i| ("ä", i * 300, i * 300 + 300)).collect();
        let lines = segments(words(&spec), &[]);
        assert!(lines.iter().all(|l| l.span.duration_ms() <= LONGEST_MS));
        let kept: Vec<Word> = lines.into_iter().flat_map(|l| l.words).collect();
        assert_eq!(kept, words(&spec));
    }

    #[test]
    fn doubtful_words_have_lines_of_their_own() {
        let all = words(&[("yes", 0, 200), ("yes", 210, 400), ("yes", 410, 600), ("no", 610, 800)]);
        let span = Span::new(AudioTime::from_ms(210), AudioTime::from_ms(600));
        let lines = segments(all, &[Doubt { span, reason: Reason::Repetition }]);
        let lines: Vec<_> = lines.iter().map(|l| (l.text.as_str(), l.doubt)).collect();
        assert_eq!(lines, [("Yes", None), ("Yes yes", Some(Reason::Repetition)), ("No", None)]);
    }

    #[test]
    fn no_words_no_lines() {
        assert!(segments([], &[]).is_empty());
    }
}
