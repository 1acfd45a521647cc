//! The hallucination guard: finds words that a neural model wrote without having heard them.
//!
//! It knows loops of the same words, words where nobody speaks, more or fewer words than the speech has time for, and
//! text in a script that the language is not written in.

mod script;

use crate::activity::{Activity, FRAME, energy};
use std::ops::Range;
use transcript::{Reason, SAMPLE_RATE, key_of};

/// A word of a window, with times in milliseconds from the window's beginning.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Heard {
    pub(crate) start_ms: u32,
    pub(crate) end_ms: u32,
    pub(crate) text: String,
    pub(crate) confidence: Option<f32>,
    pub(crate) estimated: bool,
    /// Which of the model's stretches it is in.
    pub(crate) stretch: usize,
    /// Where the model says that this stretch begins and ends; the word's own times where it says nothing.
    pub(crate) stretch_ms: (u32, u32),
}

/// Which frames of a window hold speech, and how loud they are.
pub(crate) struct Voiced {
    frames: Vec<bool>,
    /// Decibels relative to full scale, one for each frame.
    levels: Vec<f32>,
}

/// Frames this much quieter than loud speech hold none, in decibels.
const RANGE_DB: f32 = 41.0;

const FRAME_MS: u32 = FRAME as u32 * 1000 / SAMPLE_RATE;

impl Voiced {
    /// Listens to the samples of a window.
    pub(crate) fn of(samples: &[f32]) -> Self {
        let mut activity = Activity::new();
        let (mut frames, mut levels) = (Vec::new(), Vec::new());
        for chunk in samples.chunks(FRAME) {
            let mut frame = [0.0; FRAME];
            frame[..chunk.len()].copy_from_slice(chunk);
            frames.push(activity.voiced(&frame));
            levels.push(10.0 * (energy(&frame) / FRAME as f32).max(1e-10).log10());
        }
        Self { frames, levels }
    }

    /// A window with speech in these frames, all as loud.
    #[cfg(test)]
    pub(crate) fn from_frames(frames: Vec<bool>) -> Self {
        let levels = frames.iter().map(|voiced| if *voiced { -20.0 } else { -60.0 }).collect();
        Self { frames, levels }
    }

    /// How much speech is in each frame, from 0 for silence to 1 for loud speech.
    pub(crate) fn presence(&self) -> Vec<f32> {
        let mut spoken: Vec<f32> =
            self.frames.iter().zip(&self.levels).filter(|f| *f.0).map(|f| *f.1).collect();
        let mut all = self.levels.clone();
        let quantile = |levels: &mut Vec<f32>, share: usize| {
            levels.sort_by(f32::total_cmp);
            levels.get(levels.len() * share / 100).copied()
        };
        let loud = quantile(&mut spoken, 90).or_else(|| quantile(&mut all, 90)).unwrap_or(0.0);
        let quiet = quantile(&mut all, 5).unwrap_or(0.0).clamp(loud - RANGE_DB, loud - 6.0);
        let frames = self.frames.iter().zip(&self.levels);
        frames
            .map(|(voiced, level)| {
                let loudness = ((level - quiet) / (loud - quiet)).clamp(0.0, 1.0).powf(1.3);
                if *voiced { 0.17 + 0.83 * loudness } else { 0.9 * loudness }
            })
            .collect()
    }

    /// Milliseconds of speech between `start_ms` and `end_ms`.
    pub(crate) fn speech_ms(&self, start_ms: u32, end_ms: u32) -> u32 {
        let frames = (start_ms / FRAME_MS..end_ms.div_ceil(FRAME_MS)).filter(|frame| self.at(*frame)).count();
        frames as u32 * FRAME_MS
    }

    /// The middle of the longest pause in the middle half of the window, in samples; of the window if there is none.
    pub(crate) fn pause_near_the_middle(&self) -> usize {
        let (first, last) = (self.frames.len() / 4, self.frames.len() * 3 / 4);
        let mut best = (0, self.frames.len() / 2);
        let mut begin = None;
        for frame in first..=last {
            match (frame < last && !self.frames[frame], begin) {
                (true, None) => begin = Some(frame),
                (false, Some(from)) => {
                    if frame - from > best.0 {
                        best = (frame - from, (from + frame) / 2);
                    }
                    begin = None;
                }
                _ => {}
            }
        }
        best.1 * FRAME
    }

    fn at(&self, frame: u32) -> bool {
        self.frames.get(frame as usize).copied().unwrap_or(false)
    }
}

/// Longest block of words that is looked for again right after itself.
const LONGEST_BLOCK: usize = 40;
/// A stretch of the model with less speech than this, and less than a tenth of its time, was not spoken.
const LEAST_SPEECH_MS: u32 = 150;
/// A model's times may be off by this much, in milliseconds.
const NEAR_MS: u32 = 300;
/// More words in a second of speech than anybody says.
const TOO_FAST: f64 = 9.0;
/// More speech for each word, in milliseconds, than anybody takes: the sound is no speech, or the words are not all.
const TOO_SLOW_MS: u32 = 2_500;

/// Ranges of `words` to doubt, in order, without overlap. `language` is that of the words, BCP 47, if it is known.
pub(crate) fn doubts(
    words: &[Heard],
    voiced: &Voiced,
    language: Option<&str>,
) -> Vec<(Range<usize>, Reason)> {
    let keys: Vec<String> = words.iter().map(|word| key_of(&word.text)).collect();
    let mut repeated = loops(&keys);
    if repeated.is_empty() {
        repeated = refrains(&keys);
    }
    let mut doubts: Vec<(Range<usize>, Reason)> =
        repeated.into_iter().map(|range| (range, Reason::Repetition)).collect();
    for range in stretches(words) {
        if doubts.iter().any(|(other, _)| other.start < range.end && range.start < other.end) {
            continue;
        }
        let (start, end) = words[range.start].stretch_ms;
        let speech = voiced.speech_ms(start.saturating_sub(NEAR_MS), end.saturating_add(NEAR_MS));
        let count = u32::try_from(range.len()).unwrap_or(u32::MAX);
        let silent = speech < LEAST_SPEECH_MS && speech * 10 < end.saturating_sub(start).max(1);
        let hasty = range.len() > 12 && range.len() as f64 > TOO_FAST * f64::from(speech.max(1)) / 1000.0;
        let sparse = speech > TOO_SLOW_MS.saturating_mul(count);
        if silent || hasty || sparse {
            doubts.push((range, Reason::Invented));
        } else if script::is_garbled(words[range.clone()].iter().map(|word| word.text.as_str()), language) {
            doubts.push((range, Reason::Garbled));
        }
    }
    doubts.sort_by_key(|(range, _)| range.start);
    doubts
}

/// So few words in a window may be what a model writes over noise.
const FEW: usize = 3;

/// Whether the sound of a window with these words may be no speech at all. A loop says nothing about that.
pub(crate) fn may_be_no_speech(words: &[Heard], doubts: &[(Range<usize>, Reason)]) -> bool {
    let few = !words.is_empty() && words.len() <= FEW;
    few || (doubts.iter().any(|(_, reason)| *reason != Reason::Repetition) && certain_are_few(words, doubts))
}

/// Whether at most [`FEW`] words have no doubt mark. A window with more such words contains speech, even if the model
/// reports that it contains none.
pub(crate) fn certain_are_few(words: &[Heard], doubts: &[(Range<usize>, Reason)]) -> bool {
    (0..words.len()).filter(|at| !doubts.iter().any(|(range, _)| range.contains(at))).count() <= FEW
}

/// From this much speech on, in milliseconds, a stretch of the model is compared with how fast people speak …
const LONG_STRETCH_MS: u32 = 4_000;
/// … and fewer letters in a second of speech than this are not all that was said. Slow readers say twice as many.
const SLOW_LETTERS: f64 = 6.0;

/// Whether the model seems to have passed over speech: it wrote few letters for a long stretch. Whisper does that where
/// speakers change without a pause.
pub(crate) fn passes_over_speech(words: &[Heard], voiced: &Voiced) -> bool {
    stretches(words).into_iter().any(|range| {
        let (start, end) = words[range.start].stretch_ms;
        let speech = voiced.speech_ms(start, end);
        let letters: usize = words[range].iter().map(|word| script::letters(&word.text)).sum();
        speech >= LONG_STRETCH_MS && (letters as f64) < SLOW_LETTERS * f64::from(speech) / 1000.0
    })
}

/// How bad it is: words to doubt.
pub(crate) fn doubtful(doubts: &[(Range<usize>, Reason)]) -> usize {
    doubts.iter().map(|(range, _)| range.len()).sum()
}

fn stretches(words: &[Heard]) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for (i, word) in words.iter().enumerate() {
        match ranges.last_mut() {
            Some(range) if words[range.start].stretch == word.stretch => range.end = i + 1,
            _ => ranges.push(i..i + 1),
        }
    }
    ranges
}

/// Where a block of words is repeated until nobody would: all copies but the first.
///
/// People say a word four times for emphasis (“no, no, no, no”) and a short phrase three times; a longer phrase comes
/// back at once in a list or a refrain, twice. Beyond that it is the model that repeats.
fn loops(keys: &[String]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    'next: while at < keys.len() {
        for block in 1..=LONGEST_BLOCK.min((keys.len() - at) / 2) {
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

/// A phrase that comes back has at least so many words.
const REFRAIN: usize = 6;

/// Phrases that come back, not necessarily at once, if they make up a third of everything: all copies but the first.
fn refrains(keys: &[String]) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    while at < keys.len() {
        let as_before = |earlier: usize| {
            keys[earlier..at].iter().zip(&keys[at..]).take_while(|(a, b)| a == b && !a.is_empty()).count()
        };
        match (0..at).map(as_before).max() {
            Some(length) if length >= REFRAIN => {
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
        let loops = loops(&text.split_whitespace().map(key_of).collect::<Vec<_>>());
        loops.into_iter().map(|range| (range.start, range.end)).collect()
    }

    #[test]
    fn a_loop_is_told_from_emphasis() {
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
    fn a_refrain_is_a_third_of_all_words_or_no_refrain() {
        let refrain = |text: &str| refrains(&text.split_whitespace().map(key_of).collect::<Vec<_>>());
        let looping = "we were all going direct to heaven it was the epoch of incredulity and so it was the epoch of \
                       incredulity we were all going direct to heaven";
        assert_eq!(refrain(looping), [15..21, 21..28]);
        let dickens = "it was the best of times it was the worst of times it was the age of wisdom it was the age of \
                       foolishness it was the epoch of belief it was the epoch of incredulity";
        assert!(refrain(dickens).is_empty());
        assert!(refrain("").is_empty());
    }

    /// Words of one stretch of the model, from 0 to `end_ms`.
    fn stretch(text: &str, end_ms: u32) -> Vec<Heard> {
        let word = |text: &str| Heard {
            start_ms: 0,
            end_ms,
            text: text.to_owned(),
            confidence: None,
            estimated: true,
            stretch: 0,
            stretch_ms: (0, end_ms),
        };
        text.split_whitespace().map(word).collect()
    }

    #[test]
    fn few_letters_for_a_long_stretch_of_speech_are_not_all_that_was_said() {
        let speech = voiced(500, |_| true);
        let passes_over = |text: &str, end_ms| passes_over_speech(&stretch(text, end_ms), &speech);
        assert!(passes_over("It was the season of darkness.", 8_000));
        // As fast as people speak, slowly, and in fewer but longer characters.
        assert!(!passes_over("It was the season of darkness.", 2_500));
        assert!(!passes_over("Donaudampfschifffahrtsgesellschaft und Straßenbahn", 6_000));
        assert!(!passes_over("这是最好的时代这是最坏的时代", 6_000));
        // In silence nothing is passed over.
        assert!(!passes_over_speech(&stretch("Yes.", 8_000), &voiced(500, |frame| frame < 30)));
    }

    #[test]
    fn words_beyond_doubt_say_that_somebody_speaks() {
        let words = stretch("we had everything to do we had everything to do", 8_000);
        assert!(!may_be_no_speech(&words, &[(6..10, Reason::Invented)]));
        assert!(may_be_no_speech(&words, &[(1..10, Reason::Invented)]));
        assert!(!may_be_no_speech(&words, &[(1..10, Reason::Repetition)]));
        assert!(may_be_no_speech(&words[..2], &[]));
    }

    fn voiced(frames: usize, voiced: impl Fn(usize) -> bool) -> Voiced {
        Voiced::from_frames((0..frames).map(voiced).collect())
    }

    fn heard(spec: &[(u32, u32, &str, usize)]) -> Vec<Heard> {
        spec.iter()
            .map(|&(start_ms, end_ms, text, stretch)| Heard {
                start_ms,
                end_ms,
                text: text.to_owned(),
                confidence: None,
                estimated: true,
                stretch,
                stretch_ms: (start_ms, end_ms),
            })
            .collect()
    }

    #[test]
    fn words_where_nobody_speaks_are_doubted() {
        // Speech in the first second of three.
        let voiced = voiced(188, |frame| frame < 62);
        let words = heard(&[(0, 400, "hello", 0), (400, 900, "there", 0), (1500, 2900, "Thanks", 1)]);
        assert_eq!(doubts(&words, &voiced, Some("en")), [(2..3, Reason::Invented)]);
    }

    #[test]
    fn words_faster_than_anybody_speaks_are_doubted() {
        let voiced = voiced(63, |_| true);
        let fast: Vec<_> =
            (0..20).map(|i| (i * 50, i * 50 + 50, ["a", "b", "c"][i as usize % 3], 0)).collect();
        // Three in turn would be a loop.
        let fast: Vec<_> = fast.into_iter().map(|(a, b, _, s)| (a, b, format!("w{a}"), s)).collect();
        let words: Vec<Heard> =
            fast.iter().flat_map(|(a, b, text, s)| heard(&[(*a, *b, text.as_str(), *s)])).collect();
        assert_eq!(doubts(&words, &voiced, Some("en")), [(0..20, Reason::Invented)]);
    }

    #[test]
    fn a_word_for_many_seconds_of_sound_is_doubted() {
        // A chord passes for speech.
        let voiced = voiced(600, |_| true);
        let word = |end_ms| heard(&[(0, end_ms, "3", 0)]);
        assert_eq!(doubts(&word(9_000), &voiced, Some("en")), [(0..1, Reason::Invented)]);
        assert_eq!(doubts(&word(900), &voiced, Some("en")), []);
    }

    #[test]
    fn text_in_a_foreign_script_is_doubted() {
        let voiced = voiced(63, |_| true);
        let words = heard(&[(0, 400, "Und", 0), (400, 900, "так", 1), (900, 1000, "gut", 2)]);
        assert_eq!(doubts(&words, &voiced, Some("de")), [(1..2, Reason::Garbled)]);
    }

    #[test]
    fn a_window_is_divided_at_its_longest_pause() {
        let window = voiced(100, |f| !(40..44).contains(&f) && !(60..70).contains(&f));
        assert_eq!(window.pause_near_the_middle(), 65 * FRAME);
        assert_eq!(voiced(100, |_| true).pause_near_the_middle(), 50 * FRAME);
        assert_eq!(voiced(0, |_| true).pause_near_the_middle(), 0);
    }
}
