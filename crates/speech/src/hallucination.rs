//! The hallucination guard: finds words that a neural model wrote although nobody said them.
//!
//! It looks for repeated blocks of words, words where nobody speaks, too many or too few words for the length of the
//! speech, and text in a script that the language is not written in. It also reports windows in which the model probably
//! skipped speech.
//!
//! This module only judges. `neural::retry` recognises such a window again, and `neural` marks the words that stay
//! doubtful.

mod script;

use crate::voice_activity::VoiceActivity;
use std::ops::Range;
use transcript::{DoubtReason, comparison_key};

/// A recognised word, with times in milliseconds from the start of the window.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RecognisedWord {
    pub(crate) start_ms: u32,
    pub(crate) end_ms: u32,
    pub(crate) text: String,
    pub(crate) confidence: Option<f32>,
    /// Whether the times are estimated by [`crate::word_times`].
    pub(crate) estimated: bool,
    /// Number of the model's segment that contains the word.
    pub(crate) segment: usize,
    /// Start and end of that segment according to the model; those of the word if the model times words, those of the
    /// window if it times nothing.
    pub(crate) segment_ms: (u32, u32),
}

/// The longest block of words that is checked for repetition.
const MAX_BLOCK: usize = 40;
/// A model segment with less speech than this, and less than a tenth of its duration, counts as silent.
const MIN_SPEECH_MS: u32 = 150;
/// Tolerance for the model's times, in milliseconds.
const TOLERANCE_MS: u32 = 300;
/// More words per second of speech than people say.
const TOO_FAST: f64 = 9.0;
/// More milliseconds of speech per word than people take: the sound is not speech, or words are missing.
const TOO_SLOW_MS: u32 = 2_500;

/// Finds the doubtful ranges of `words`, in order and without overlap. `language` is that of the words as a BCP 47 tag,
/// if known.
pub(crate) fn find_doubts(
    words: &[RecognisedWord],
    activity: &VoiceActivity,
    language: Option<&str>,
) -> Vec<(Range<usize>, DoubtReason)> {
    let keys: Vec<String> = words.iter().map(|word| comparison_key(&word.text)).collect();
    let mut repeated = immediate_repetitions(&keys);
    if repeated.is_empty() {
        repeated = distant_repetitions(&keys);
    }
    let mut doubts: Vec<(Range<usize>, DoubtReason)> =
        repeated.into_iter().map(|range| (range, DoubtReason::Repetition)).collect();
    for range in model_segments(words) {
        if doubts.iter().any(|(other, _)| other.start < range.end && range.start < other.end) {
            continue;
        }
        let (start, end) = words[range.start].segment_ms;
        let speech = activity.speech_ms(start.saturating_sub(TOLERANCE_MS), end.saturating_add(TOLERANCE_MS));
        let count = u32::try_from(range.len()).unwrap_or(u32::MAX);
        let silent = speech < MIN_SPEECH_MS && speech * 10 < end.saturating_sub(start).max(1);
        let too_fast = range.len() > 12 && range.len() as f64 > TOO_FAST * f64::from(speech.max(1)) / 1000.0;
        let too_slow = speech > TOO_SLOW_MS.saturating_mul(count);
        if silent || too_fast || too_slow {
            doubts.push((range, DoubtReason::Invented));
        } else if script::is_garbled(words[range.clone()].iter().map(|word| word.text.as_str()), language) {
            doubts.push((range, DoubtReason::Garbled));
        }
    }
    doubts.sort_by_key(|(range, _)| range.start);
    doubts
}

/// A model may write up to this many words over noise.
const FEW: usize = 3;

/// Whether a window with these words may contain no speech at all. A repetition is no sign of that.
pub(crate) fn may_be_no_speech(words: &[RecognisedWord], doubts: &[(Range<usize>, DoubtReason)]) -> bool {
    let few = !words.is_empty() && words.len() <= FEW;
    let other_than_repetition = doubts.iter().any(|(_, reason)| *reason != DoubtReason::Repetition);
    few || (other_than_repetition && has_few_undoubted_words(words, doubts))
}

/// Whether at most [`FEW`] words are undoubted. A window with more of them contains speech, even if the model reports
/// none: Whisper sometimes reports no speech for a window that is full of it.
pub(crate) fn has_few_undoubted_words(
    words: &[RecognisedWord],
    doubts: &[(Range<usize>, DoubtReason)],
) -> bool {
    (0..words.len()).filter(|at| !doubts.iter().any(|(range, _)| range.contains(at))).count() <= FEW
}

/// Model segments with at least this much speech, in milliseconds, are compared with the rate at which people speak: …
const LONG_SEGMENT_MS: u32 = 4_000;
/// … fewer letters per second of speech than this mean that words are missing. Slow readers say twice as many.
const MIN_LETTERS_PER_SECOND: f64 = 6.0;

/// Whether the model seems to have skipped speech: it wrote few letters for a long segment. Whisper does that where
/// speakers change without a pause.
pub(crate) fn skips_speech(words: &[RecognisedWord], activity: &VoiceActivity) -> bool {
    model_segments(words).into_iter().any(|range| {
        let (start, end) = words[range.start].segment_ms;
        let speech = activity.speech_ms(start, end);
        let letters: usize = words[range].iter().map(|word| script::letters(&word.text)).sum();
        speech >= LONG_SEGMENT_MS && (letters as f64) < MIN_LETTERS_PER_SECOND * f64::from(speech) / 1000.0
    })
}

/// The number of doubtful words.
pub(crate) fn count_doubtful(doubts: &[(Range<usize>, DoubtReason)]) -> usize {
    doubts.iter().map(|(range, _)| range.len()).sum()
}

/// The ranges of words that belong to the same segment of the model.
fn model_segments(words: &[RecognisedWord]) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for (i, word) in words.iter().enumerate() {
        match ranges.last_mut() {
            Some(range) if words[range.start].segment == word.segment => range.end = i + 1,
            _ => ranges.push(i..i + 1),
        }
    }
    ranges
}

/// Finds blocks of words that are repeated immediately, more often than people repeat: all copies but the first.
///
/// People say a word up to five times for emphasis (“no, no, no, no, no”), a phrase of two or three words up to four
/// times, and a longer phrase up to twice, as in a list or a refrain. Beyond that the model is in a loop.
fn immediate_repetitions(keys: &[String]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    'next: while at < keys.len() {
        for block in 1..=MAX_BLOCK.min((keys.len() - at) / 2) {
            let copies = (1..)
                .take_while(|n| {
                    let next = at + n * block;
                    next + block <= keys.len() && keys[at..at + block] == keys[next..next + block]
                })
                .count()
                + 1;
            let usual = match block {
                1 => 5,
                2..=3 => 4,
                _ => 2,
            };
            if copies > usual {
                found.push(at + block..at + copies * block);
                at += copies * block;
                continue 'next;
            }
        }
        at += 1;
    }
    found
}

/// The fewest words of a phrase that [`distant_repetitions`] looks for.
const MIN_PHRASE: usize = 6;

/// Finds phrases that are repeated later, if the copies make up more than a third of all words: all copies but the
/// first.
fn distant_repetitions(keys: &[String]) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    while at < keys.len() {
        let length_of_copy = |earlier: usize| {
            keys[earlier..at].iter().zip(&keys[at..]).take_while(|(a, b)| a == b && !a.is_empty()).count()
        };
        match (0..at).map(length_of_copy).max() {
            Some(length) if length >= MIN_PHRASE => {
                found.push(at..at + length);
                at += length;
            }
            _ => at += 1,
        }
    }
    let copies: usize = found.iter().map(Range::len).sum();
    if copies * 3 > keys.len() { found } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(usize, usize)> {
        let loops = immediate_repetitions(&text.split_whitespace().map(comparison_key).collect::<Vec<_>>());
        loops.into_iter().map(|range| (range.start, range.end)).collect()
    }

    #[test]
    fn a_loop_is_distinguished_from_emphasis() {
        for (text, ranges) in [
            ("no no no no no", vec![]),
            ("well no no no no no no no", vec![(2, 8)]),
            ("yes of course yes of course yes of course yes of course", vec![]),
            ("we had everything before us we had everything before us", vec![]),
            (
                "We had everything before us, we had everything before us, we had everything before us",
                vec![(5, 15)],
            ),
            ("it was the best of times it was the worst of times it was the age of wisdom", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(found(text), ranges, "{text}");
        }
    }

    #[test]
    fn distant_repetitions_count_if_they_are_more_than_a_third_of_all_words() {
        let repeated = |text: &str| {
            distant_repetitions(&text.split_whitespace().map(comparison_key).collect::<Vec<_>>())
        };
        let looping = "we were all going direct to heaven it was the epoch of incredulity and so it was the epoch of \
                       incredulity we were all going direct to heaven";
        assert_eq!(repeated(looping), [15..21, 21..28]);
        let dickens = "it was the best of times it was the worst of times it was the age of wisdom it was the age of \
                       foolishness it was the epoch of belief it was the epoch of incredulity";
        assert!(repeated(dickens).is_empty());
        assert!(repeated("").is_empty());
    }

    /// Words of one model segment, from 0 to `end_ms`.
    fn segment(text: &str, end_ms: u32) -> Vec<RecognisedWord> {
        let word = |text: &str| RecognisedWord {
            start_ms: 0,
            end_ms,
            text: text.to_owned(),
            confidence: None,
            estimated: true,
            segment: 0,
            segment_ms: (0, end_ms),
        };
        text.split_whitespace().map(word).collect()
    }

    #[test]
    fn few_letters_for_a_long_segment_of_speech_mean_that_speech_was_skipped() {
        let speech = VoiceActivity::from_frames(500, |_| true);
        let skips = |text: &str, end_ms| skips_speech(&segment(text, end_ms), &speech);
        assert!(skips("It was the season of darkness.", 8_000));
        // As fast as people speak, slowly, and in fewer but longer characters.
        assert!(!skips("It was the season of darkness.", 2_500));
        assert!(!skips("Donaudampfschifffahrtsgesellschaft und Straßenbahn", 6_000));
        assert!(!skips("这是最好的时代这是最坏的时代", 6_000));
        // Silence is not skipped speech.
        assert!(!skips_speech(&segment("Yes.", 8_000), &VoiceActivity::from_frames(500, |frame| frame < 30)));
    }

    #[test]
    fn enough_undoubted_words_prove_that_there_is_speech() {
        let words = segment("we had everything to do we had everything to do", 8_000);
        assert!(!may_be_no_speech(&words, &[(6..10, DoubtReason::Invented)]));
        assert!(may_be_no_speech(&words, &[(1..10, DoubtReason::Invented)]));
        assert!(!may_be_no_speech(&words, &[(1..10, DoubtReason::Repetition)]));
        assert!(may_be_no_speech(&words[..2], &[]));
    }

    fn words(spec: &[(u32, u32, &str, usize)]) -> Vec<RecognisedWord> {
        spec.iter()
            .map(|&(start_ms, end_ms, text, segment)| RecognisedWord {
                start_ms,
                end_ms,
                text: text.to_owned(),
                confidence: None,
                estimated: true,
                segment,
                segment_ms: (start_ms, end_ms),
            })
            .collect()
    }

    #[test]
    fn words_where_nobody_speaks_are_doubted() {
        // Speech in the first second of three.
        let activity = VoiceActivity::from_frames(188, |frame| frame < 62);
        let words = words(&[(0, 400, "hello", 0), (400, 900, "there", 0), (1500, 2900, "Thanks", 1)]);
        assert_eq!(find_doubts(&words, &activity, Some("en")), [(2..3, DoubtReason::Invented)]);
    }

    #[test]
    fn words_faster_than_people_speak_are_doubted() {
        let activity = VoiceActivity::from_frames(63, |_| true);
        let fast: Vec<_> =
            (0..20).map(|i| (i * 50, i * 50 + 50, ["a", "b", "c"][i as usize % 3], 0)).collect();
        // Distinct words: three in turn would be a loop.
        let fast: Vec<_> = fast.into_iter().map(|(a, b, _, s)| (a, b, format!("w{a}"), s)).collect();
        let words: Vec<RecognisedWord> =
            fast.iter().flat_map(|(a, b, text, s)| words(&[(*a, *b, text.as_str(), *s)])).collect();
        assert_eq!(find_doubts(&words, &activity, Some("en")), [(0..20, DoubtReason::Invented)]);
    }

    #[test]
    fn a_word_for_many_seconds_of_sound_is_doubted() {
        // The detector takes a chord for speech.
        let activity = VoiceActivity::from_frames(600, |_| true);
        let word = |end_ms| words(&[(0, end_ms, "3", 0)]);
        assert_eq!(find_doubts(&word(9_000), &activity, Some("en")), [(0..1, DoubtReason::Invented)]);
        assert_eq!(find_doubts(&word(900), &activity, Some("en")), []);
    }

    #[test]
    fn text_in_a_foreign_script_is_doubted() {
        let activity = VoiceActivity::from_frames(63, |_| true);
        let words = words(&[(0, 400, "Und", 0), (400, 900, "так", 1), (900, 1000, "gut", 2)]);
        assert_eq!(find_doubts(&words, &activity, Some("de")), [(1..2, DoubtReason::Garbled)]);
    }
}
