//! Cuts a sequence of words into readable segments.

use crate::{Doubt, DoubtReason, Span, Word, WordSpeaker, join_words};
use serde::{Deserialize, Serialize};

/// A sentence-like part of a transcript; a line in the window and in exported files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// From the start of the first word to the end of the last.
    pub span: Span,
    /// The words joined into text, see [`join_words`]. If the transcript has no capitals at all, the first letter is
    /// capitalised.
    pub text: String,
    /// The words as recognised.
    pub words: Vec<Word>,
    /// Why the words are doubtful; `None` if they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<DoubtReason>,
}

/// A segment without a known speaker.
impl<S> From<Segment> for SpeakerSegment<S> {
    fn from(segment: Segment) -> Self {
        Self { segment, speaker: None, overlap: false, by_hand: false }
    }
}

/// A pause this long ends a segment.
const PAUSE_MS: u32 = 700;
/// A segment longer than this ends at the next pause of `SHORT_PAUSE_MS`.
const LONG_MS: u32 = 8_000;
/// A pause that ends a long segment. The shortest gap that listeners take for a phrase boundary is about 0.2 s.
const SHORT_PAUSE_MS: u32 = 250;
/// The longest possible segment, unless a single word is longer.
const MAX_SEGMENT_MS: u32 = 20_000;

/// A segment with its speaker.
#[derive(Debug, Clone, PartialEq)]
pub struct SpeakerSegment<S> {
    /// The segment.
    pub segment: Segment,
    /// The speaker of all its words; `None` if unknown.
    pub speaker: Option<S>,
    /// Whether another speaker talks at the same time during more than half of its words.
    pub overlap: bool,
    /// Whether a user assigned all of its words to the speaker.
    pub by_hand: bool,
}

/// Cuts `words`, which are in order of time, into readable segments.
///
/// A segment ends after sentence punctuation, at a pause of 0.7 s, at a pause of 0.25 s if it is longer than 8 s,
/// before it would be longer than 20 s, and where the reason for doubt changes (`doubts`). Every word is in exactly one
/// segment, in order.
pub fn segments(words: impl IntoIterator<Item = Word>, doubts: &[Doubt]) -> Vec<Segment> {
    let words = words.into_iter().map(|word| (word, WordSpeaker::<()>::UNKNOWN));
    speaker_segments(words, doubts).into_iter().map(|segment| segment.segment).collect()
}

/// As [`segments`]; a segment also ends where the speaker changes.
pub fn speaker_segments<S: Copy + PartialEq>(
    words: impl IntoIterator<Item = (Word, WordSpeaker<S>)>,
    doubts: &[Doubt],
) -> Vec<SpeakerSegment<S>> {
    let words: Vec<(Word, WordSpeaker<S>)> = words.into_iter().collect();
    // If the engine writes capitals, its choice of where a sentence begins is kept.
    let capitals = words.iter().any(|(word, _)| word.text.contains(char::is_uppercase));
    let mut segments = Vec::new();
    let mut current: Vec<(Word, WordSpeaker<S>)> = Vec::new();
    let mut doubt = None;
    for (word, speaker) in words {
        let middle = word.middle();
        let word_doubt =
            doubts.iter().find(|doubt| doubt.span.start <= middle && middle < doubt.span.end.plus_ms(1));
        let word_doubt = word_doubt.map(|doubt| doubt.reason);
        if let (Some((first, _)), Some((last, previous))) = (current.first(), current.last()) {
            let gap = word.start.since(last.end);
            let ends = gap >= PAUSE_MS
                || last.ends_sentence()
                || (gap >= SHORT_PAUSE_MS && last.end.since(first.start) >= LONG_MS)
                || word.end.since(first.start) > MAX_SEGMENT_MS
                || previous.speaker != speaker.speaker
                || doubt != word_doubt;
            if ends {
                segments.push(build_segment(std::mem::take(&mut current), doubt, !capitals));
            }
        }
        doubt = word_doubt;
        current.push((word, speaker));
    }
    if !current.is_empty() {
        segments.push(build_segment(current, doubt, !capitals));
    }
    segments
}

fn build_segment<S: Copy>(
    words: Vec<(Word, WordSpeaker<S>)>,
    doubt: Option<DoubtReason>,
    capitalise: bool,
) -> SpeakerSegment<S> {
    let (words, speakers): (Vec<Word>, Vec<WordSpeaker<S>>) = words.into_iter().unzip();
    let start = words.first().map(|w| w.start).unwrap_or_default();
    let end = words.iter().map(|w| w.end).max().unwrap_or_default();
    let text = join_words(words.iter().map(|w| w.text.as_str()));
    SpeakerSegment {
        segment: Segment {
            span: Span::new(start, end),
            text: if capitalise { capitalise_first(&text) } else { text },
            words,
            doubt,
        },
        speaker: speakers.first().and_then(|word| word.speaker),
        overlap: speakers.iter().filter(|word| word.overlap).count() * 2 > speakers.len(),
        by_hand: speakers.iter().all(|word| word.by_hand),
    }
}

fn capitalise_first(text: &str) -> String {
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
    fn a_segment_begins_with_a_capital_and_ends_at_a_pause() {
        let texts = texts(&[("ask", 0, 200), ("not", 250, 400), ("what", 1200, 1400)]);
        assert_eq!(texts, ["Ask not", "What"]);
    }

    #[test]
    fn sentence_punctuation_ends_a_segment() {
        assert_eq!(texts(&[("yes.", 0, 200), ("no", 210, 400)]), ["Yes.", "No"]);
    }

    #[test]
    fn the_capitals_of_an_engine_that_writes_any_are_kept() {
        assert_eq!(texts(&[("Ask", 0, 200), ("not", 1000, 1200)]), ["Ask", "not"]);
    }

    #[test]
    fn a_long_segment_ends_at_a_short_pause() {
        let mut spec: Vec<(&str, u32, u32)> = (0..30).map(|i| ("a", i * 300, i * 300 + 290)).collect();
        spec.push(("b", 9_300, 9_500));
        assert_eq!(texts(&spec).len(), 2);
    }

    #[test]
    fn speech_without_a_pause_is_cut_before_twenty_seconds_and_no_word_is_lost() {
        let spec: Vec<(&str, u32, u32)> = (0..200).map(|i| ("ä", i * 300, i * 300 + 300)).collect();
        let segments = segments(words(&spec), &[]);
        assert!(segments.iter().all(|s| s.span.duration_ms() <= MAX_SEGMENT_MS));
        let kept: Vec<Word> = segments.into_iter().flat_map(|s| s.words).collect();
        assert_eq!(kept, words(&spec));
    }

    #[test]
    fn doubtful_words_have_segments_of_their_own() {
        let all = words(&[("yes", 0, 200), ("yes", 210, 400), ("yes", 410, 600), ("no", 610, 800)]);
        let span = Span::new(AudioTime::from_ms(210), AudioTime::from_ms(600));
        let segments = segments(all, &[Doubt { span, reason: DoubtReason::Repetition }]);
        let found: Vec<_> = segments.iter().map(|s| (s.text.as_str(), s.doubt)).collect();
        assert_eq!(found, [("Yes", None), ("Yes yes", Some(DoubtReason::Repetition)), ("No", None)]);
    }

    #[test]
    fn no_words_give_no_segments() {
        assert!(segments([], &[]).is_empty());
    }
}
