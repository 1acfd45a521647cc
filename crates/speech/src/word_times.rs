//! Estimates the times of words, for models that time only longer segments.
//!
//! Aligns the words of a window with its sound, by dynamic programming as in forced alignment, but without an acoustic
//! model of the words. The least costly alignment is one in which each word lasts about as long as its letters suggest,
//! boundaries between words fall where the sound is quiet, and pauses fall between words, preferably after punctuation.
//! The model's times of its segments only add a cost, because they are off by up to a second.
//!
//! [`word_targets`] computes the target of each word, [`FrameCosts`] the costs of the frames, [`Alignment`] runs the
//! dynamic programming and traces the best path back.

use crate::voice_activity::{FRAME_MS, VoiceActivity};

/// The longest word in frames: 1.9 s. Words whose letters suggest more may be longer.
const MAX_WORD_FRAMES: usize = 120;

// The constants below were chosen by random search on 310 words of eight voices (LibriVox clips of
// pocketsphinx-testdata, a panel, a speech), against forced alignment by an acoustic model (PocketSphinx 5,
// `set_align_text`): words begin 83 ms off at the median, 300 ms at 95 %, 500 ms at most. With one of the constants
// 20 % larger or smaller, the median is between 80 and 106 ms, and the worst word at most 1.02 s off. Costs are
// negative logarithms of likelihoods.

/// Standard deviation of the logarithm of a word's duration around the expected duration.
const DURATION_SPREAD: f32 = 0.38;
/// Cost of a frame of speech outside all words.
const SPEECH_OUTSIDE: f32 = 0.55;
/// Cost of a frame of silence within a word.
const SILENCE_INSIDE: f32 = 0.29;
/// Cost of a boundary between two words at full loudness.
const LOUD_BOUNDARY: f32 = 0.69;
/// Cost of a pause after a word without punctuation.
const PAUSE: f32 = 1.2;
/// Cost of a pause after a word with punctuation.
const PAUSE_AFTER_PUNCTUATION: f32 = 0.34;
/// Cost of one second between the start or end of a segment and the time that the model states.
const OFF_MODEL_TIME: f32 = 2.4;

/// A segment of text as the model times it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ModelSegment {
    /// Start and end according to the model, in milliseconds from the start of the window; `None` if it states none.
    pub(crate) times_ms: Option<(u32, u32)>,
    pub(crate) words: Vec<String>,
}

/// Start and end of each word of all segments, in milliseconds from the start of the window, in order and without
/// overlap. `length_ms` is the length of the window.
pub(crate) fn align(segments: &[ModelSegment], activity: &VoiceActivity, length_ms: u32) -> Vec<(u32, u32)> {
    let words: usize = segments.iter().map(|segment| segment.words.len()).sum();
    let presence = activity.presence();
    if words == 0 {
        return Vec::new();
    }
    if presence.len() < words {
        // More words than frames: divide the window evenly.
        let at = |i: usize| (u64::from(length_ms) * i as u64 / words as u64) as u32;
        return (0..words).map(|i| (at(i), at(i + 1))).collect();
    }
    let costs = FrameCosts::new(&presence);
    let mut alignment = Alignment::new(&costs);
    for word in word_targets(segments, &presence) {
        alignment.place(&word);
    }
    let ms = |frame: usize| (frame as u32 * FRAME_MS).min(length_ms);
    alignment.trace_back().into_iter().map(|(start, end)| (ms(start), ms(end))).collect()
}

/// The targets of a word in the alignment.
struct WordTarget {
    /// The duration that its letters suggest, in frames.
    expected: f32,
    /// Cost of a pause before it.
    pause: f32,
    /// For the first word of a segment: its start according to the model, in frames.
    start: Option<f32>,
    /// For the last word of a segment: its end according to the model, in frames.
    end: Option<f32>,
}

/// The words of all segments with their targets. Expected durations are proportional to the weights of the words and
/// share out the speech in `presence`.
fn word_targets(segments: &[ModelSegment], presence: &[f32]) -> Vec<WordTarget> {
    let speech: f32 = presence.iter().sum();
    let total: f32 = segments.iter().flat_map(|segment| &segment.words).map(|word| weight(word)).sum();
    // The limits are hasty and drawn-out speech.
    let frames_per_weight = (speech / total.max(1.0)).clamp(1.6, 9.0);
    let mut targets = Vec::new();
    let mut previous: Option<&str> = None;
    for segment in segments {
        let last = segment.words.len().saturating_sub(1);
        for (i, word) in segment.words.iter().enumerate() {
            targets.push(WordTarget {
                expected: weight(word) * frames_per_weight,
                pause: match previous {
                    Some(previous) if previous.ends_with(|c: char| c.is_alphanumeric()) => PAUSE,
                    _ => PAUSE_AFTER_PUNCTUATION,
                },
                start: segment.times_ms.filter(|_| i == 0).map(|(start, _)| in_frames(start)),
                end: segment.times_ms.filter(|_| i == last).map(|(_, end)| in_frames(end)),
            });
            previous = Some(word);
        }
    }
    targets
}

/// The costs that depend on the sound alone. Boundary `t` lies before frame `t`; the last one is the end of the window.
struct FrameCosts<'a> {
    presence: &'a [f32],
    /// Sum over the frames before each boundary: the cost if they are within words.
    inside: Vec<f32>,
    /// Sum over the frames before each boundary: the cost if they are outside words.
    outside: Vec<f32>,
}

impl<'a> FrameCosts<'a> {
    fn new(presence: &'a [f32]) -> Self {
        let sums = |cost: &dyn Fn(f32) -> f32| {
            let mut sum = 0.0;
            std::iter::once(0.0)
                .chain(presence.iter().map(|presence| {
                    sum += cost(*presence);
                    sum
                }))
                .collect::<Vec<f32>>()
        };
        let inside = sums(&|presence| SILENCE_INSIDE * (1.0 - presence));
        let outside = sums(&|presence| SPEECH_OUTSIDE * presence);
        Self { presence, inside, outside }
    }

    /// Cost of a boundary between two words without a pause, by the loudness of the frames on both sides.
    fn boundary(&self, at: usize) -> f32 {
        let loudness = |frame: Option<&f32>| frame.copied().unwrap_or(0.0);
        LOUD_BOUNDARY
            * 0.5
            * (loudness(at.checked_sub(1).and_then(|at| self.presence.get(at)))
                + loudness(self.presence.get(at)))
    }
}

/// Cost of the distance between a boundary and the time that the model states, if any.
fn off_model_time(at: usize, stated: Option<f32>) -> f32 {
    stated.map_or(0.0, |stated| OFF_MODEL_TIME * (at as f32 - stated).abs() * FRAME_MS as f32 / 1000.0)
}

/// The dynamic programming over words and boundaries.
struct Alignment<'a> {
    costs: &'a FrameCosts<'a>,
    /// For each boundary: the least cost of everything before it, if the last word so far ends there. Before the first
    /// word: if no word has begun.
    ends: Vec<f32>,
    /// The choices made: for each word and each boundary, the length in frames of the word that ends there.
    lengths: Vec<Vec<u16>>,
    /// For each word and each boundary, the length in frames of the pause before the word if it starts there.
    pauses: Vec<Vec<u16>>,
}

impl<'a> Alignment<'a> {
    fn new(costs: &'a FrameCosts<'a>) -> Self {
        Self { costs, ends: costs.outside.clone(), lengths: Vec::new(), pauses: Vec::new() }
    }

    /// Places the next word: finds the least cost, and the choices that lead to it, for each boundary that it may end
    /// at.
    fn place(&mut self, word: &WordTarget) {
        let (starts, pauses) = self.starts(word);
        let inside = &self.costs.inside;
        let frames = self.costs.presence.len();
        let longest = MAX_WORD_FRAMES.max((2.5 * word.expected) as usize).min(frames);
        let durations: Vec<f32> = (0..=longest)
            .map(|length| {
                let deviation = ((length as f32 + 1.0) / (word.expected + 1.0)).ln() / DURATION_SPREAD;
                0.5 * deviation * deviation
            })
            .collect();
        let mut ends = vec![f32::INFINITY; frames + 1];
        let mut lengths = vec![1_u16; frames + 1];
        for t in 1..=frames {
            for length in 1..=longest.min(t) {
                let cost = starts[t - length] + durations[length] + inside[t] - inside[t - length];
                if cost < ends[t] {
                    (ends[t], lengths[t]) = (cost, length as u16);
                }
            }
            ends[t] += off_model_time(t, word.end);
        }
        self.ends = ends;
        self.lengths.push(lengths);
        self.pauses.push(pauses);
    }

    /// For each boundary: the least cost if the next word starts there, and the length of the pause before it.
    fn starts(&self, word: &WordTarget) -> (Vec<f32>, Vec<u16>) {
        let outside = &self.costs.outside;
        let frames = self.costs.presence.len();
        let is_first = self.lengths.is_empty();
        let mut starts = vec![f32::INFINITY; frames + 1];
        let mut pauses = vec![0_u16; frames + 1];
        // The least cost up to `t` within a pause, and the length of that pause.
        let mut paused = (f32::INFINITY, 0_u16);
        for t in 0..=frames {
            if is_first {
                starts[t] = outside[t];
            } else {
                if t > 0 {
                    paused.0 += outside[t] - outside[t - 1];
                    paused.1 = paused.1.saturating_add(1);
                    let begun = self.ends[t - 1] + word.pause + outside[t] - outside[t - 1];
                    if begun < paused.0 {
                        paused = (begun, 1);
                    }
                }
                let without_pause = self.ends[t] + self.costs.boundary(t);
                (starts[t], pauses[t]) = if without_pause <= paused.0 { (without_pause, 0) } else { paused };
            }
            starts[t] += off_model_time(t, word.start);
        }
        (starts, pauses)
    }

    /// First frame and frame after the last of each word, on the path of least cost.
    fn trace_back(&self) -> Vec<(usize, usize)> {
        let outside = &self.costs.outside;
        let frames = self.costs.presence.len();
        let rest = |t: usize| outside[frames] - outside[t];
        let mut t = (0..=frames)
            .min_by(|a, b| (self.ends[*a] + rest(*a)).total_cmp(&(self.ends[*b] + rest(*b))))
            .unwrap_or(frames);
        let mut words = Vec::with_capacity(self.lengths.len());
        for (lengths, pauses) in self.lengths.iter().zip(&self.pauses).rev() {
            let start = t.saturating_sub(usize::from(lengths[t]));
            words.push((start, t));
            t = start.saturating_sub(usize::from(pauses[start]));
        }
        words.reverse();
        words
    }
}

fn in_frames(ms: u32) -> f32 {
    ms as f32 / FRAME_MS as f32
}

/// How long a word takes to say, relative to others: a constant for the word, plus its letters and syllables. Digits
/// and symbols are said as words. Characters of Chinese and Japanese stand for syllables.
fn weight(word: &str) -> f32 {
    let letter = |c: char| match c {
        '0'..='9' => 3.5,
        '%' | '$' | '€' | '£' | '&' | '+' | '=' => 6.0,
        c if transcript::written_without_spaces(c) => 2.5,
        c if c.is_alphanumeric() => 1.0,
        _ => 0.0,
    };
    let letters: f32 = word.chars().map(letter).sum();
    let before_pause = if word.ends_with(char::is_alphanumeric) { 1.0 } else { 1.05 };
    before_pause * (1.7 + letters + 1.55 * syllables(word) as f32)
}

/// The number of groups of vowels, at least one. A final “e” does not count if there are other groups, because it is
/// mostly silent.
fn syllables(word: &str) -> usize {
    let is_vowel = |c: char| "aeiouyäöüáéíóúàèìòùâêîôûåæøœаеёиоуыэюяіїєαεηιουωάέήίόύώ".contains(c);
    let letters: Vec<char> =
        word.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect();
    let begins = |at: usize| is_vowel(letters[at]) && (at == 0 || !is_vowel(letters[at - 1]));
    let groups = (0..letters.len()).filter(|at| begins(*at)).count();
    let silent = groups > 1 && letters.last() == Some(&'e');
    (groups - usize::from(silent)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(times_ms: Option<(u32, u32)>, text: &str) -> ModelSegment {
        ModelSegment { times_ms, words: transcript::split_words(text) }
    }

    #[test]
    fn words_fall_on_speech_and_pauses_between_words() {
        // Speech at 0.48–1.6 s and 2.4–3.52 s.
        let activity = VoiceActivity::from_frames(250, |f| (30..100).contains(&f) || (150..220).contains(&f));
        let times = align(&[segment(Some((0, 3_900)), "Ask not, ask what")], &activity, 4_000);
        assert_eq!(times.len(), 4);
        let near = |at: u32, truth: u32| at.abs_diff(truth) <= 50;
        assert!(near(times[0].0, 480) && near(times[1].1, 1_600), "{times:?}");
        assert!(near(times[2].0, 2_400) && near(times[3].1, 3_520), "{times:?}");
        assert!(times.windows(2).all(|pair| pair[0].1 <= pair[1].0) && times.iter().all(|t| t.0 < t.1));
    }

    #[test]
    fn longer_words_last_longer() {
        let times =
            align(&[segment(None, "a responsibility it")], &VoiceActivity::from_frames(100, |_| true), 1_600);
        let lasts = |i: usize| times[i].1 - times[i].0;
        assert!(lasts(1) > 3 * lasts(0) && lasts(1) > 3 * lasts(2), "{times:?}");
    }

    #[test]
    fn each_word_has_a_time_within_the_window_for_any_words_and_sound() {
        for (frames, text) in
            [(0, "one two"), (1, "one two three"), (3, "one two three"), (40, ""), (5, "0 … -")]
        {
            for speech in [true, false] {
                let length_ms = frames as u32 * FRAME_MS;
                let segments = [segment(None, text), segment(Some((900, 100)), text)];
                let times = align(&segments, &VoiceActivity::from_frames(frames, |_| speech), length_ms);
                assert_eq!(times.len(), 2 * transcript::split_words(text).len());
                assert!(times.iter().all(|t| t.0 <= t.1 && t.1 <= length_ms), "{times:?}");
                assert!(times.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{times:?}");
            }
        }
    }
}
