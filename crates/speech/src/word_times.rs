//! Times of words, for models that time only longer stretches.
//!
//! The words of a window are laid over its sound so that each lasts about as long as its letters suggest, begins and
//! ends where the sound is quiet, and pauses fall between words, by preference after punctuation. The model's times of
//! the stretches pull softly, because they are off by up to a second. The cheapest of all ways is found by dynamic
//! programming, as in forced alignment; there is no acoustic model of the words.

use crate::activity::FRAME;
use crate::hallucination::Voiced;
use transcript::SAMPLE_RATE;

const FRAME_MS: u32 = FRAME as u32 * 1000 / SAMPLE_RATE;
/// No word is longer, in frames: 1.9 s; but for one whose letters suggest more.
const LONGEST: usize = 120;

// The constants below were chosen by random search on 310 words of eight voices (LibriVox clips of pocketsphinx-testdata,
// a panel, a speech), against forced alignment by an acoustic model (PocketSphinx 5, `set_align_text`): words begin 83 ms
// off at the median, 300 ms at 95 %, 500 ms at most. With one of the constants 20 % larger or smaller, the median is
// between 80 and 106 ms, and the worst word at most 1.02 s off. Costs are exponents of likelihoods.

/// Standard deviation of the logarithm of a word's duration around what its letters suggest.
const SPREAD: f32 = 0.38;
/// Cost of a frame with speech that is in no word, and of a frame of silence within a word.
const MISSED: f32 = 0.55;
const SILENT: f32 = 0.29;
/// Cost of a boundary between two words at full loudness.
const LOUD_BOUNDARY: f32 = 0.69;
/// Cost of a pause after a word without punctuation, and after one with.
const PAUSE: f32 = 1.2;
const PAUSE_AFTER_PUNCTUATION: f32 = 0.34;
/// Cost of a second between where a stretch begins or ends and where the model says.
const FROM_MODEL: f32 = 2.4;

/// A stretch of text as the model times it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stretch {
    /// Where the model says that it begins and ends, in milliseconds from the beginning of the window.
    pub(crate) times_ms: Option<(u32, u32)>,
    pub(crate) words: Vec<String>,
}

/// Begin and end of each word of all stretches, in milliseconds from the beginning of the window, in order and without
/// overlap. `length_ms` is the length of the window.
pub(crate) fn align(stretches: &[Stretch], voiced: &Voiced, length_ms: u32) -> Vec<(u32, u32)> {
    let words: Vec<&str> = stretches.iter().flat_map(|s| s.words.iter().map(String::as_str)).collect();
    let presence = voiced.presence();
    let frames = presence.len();
    if words.is_empty() {
        return Vec::new();
    }
    if frames < words.len() {
        // More words than frames: shared out evenly.
        let at = |i: usize| (u64::from(length_ms) * i as u64 / words.len() as u64) as u32;
        return (0..words.len()).map(|i| (at(i), at(i + 1))).collect();
    }
    let ends = lay(stretches, &words, &presence);
    let ms = |frame: usize| (frame as u32 * FRAME_MS).min(length_ms);
    ends.into_iter().map(|(start, end)| (ms(start), ms(end))).collect()
}

/// What each word costs besides its frames.
struct Laid {
    /// Frames that its letters suggest.
    expected: f32,
    /// Cost of a pause before it.
    pause: f32,
    /// Where the model says that it begins or ends, in frames, for the first and the last word of a stretch.
    begins: Option<f32>,
    ends: Option<f32>,
}

/// First frame and frame after the last of each word. `presence` has at least as many frames as there are words.
fn lay(stretches: &[Stretch], words: &[&str], presence: &[f32]) -> Vec<(usize, usize)> {
    let frames = presence.len();
    let speech: f32 = presence.iter().sum();
    let total: f32 = words.iter().map(|word| weight(word)).sum();
    // From a word spoken hastily to one drawn out.
    let per_weight = (speech / total.max(1.0)).clamp(1.6, 9.0);
    let mut laid = Vec::with_capacity(words.len());
    for stretch in stretches {
        let last = stretch.words.len().saturating_sub(1);
        for (i, word) in stretch.words.iter().enumerate() {
            let before = laid.len().checked_sub(1).map(|before: usize| words[before]);
            laid.push(Laid {
                expected: weight(word) * per_weight,
                pause: match before {
                    Some(before) if before.ends_with(|c: char| c.is_alphanumeric()) => PAUSE,
                    _ => PAUSE_AFTER_PUNCTUATION,
                },
                begins: stretch.times_ms.filter(|_| i == 0).map(|(begin, _)| in_frames(begin)),
                ends: stretch.times_ms.filter(|_| i == last).map(|(_, end)| in_frames(end)),
            });
        }
    }

    // Sums of the costs of frames up to each boundary, of silence within words and of speech outside of them.
    let sums = |cost: &dyn Fn(f32) -> f32| {
        let mut sum = 0.0;
        std::iter::once(0.0)
            .chain(presence.iter().map(|presence| {
                sum += cost(*presence);
                sum
            }))
            .collect::<Vec<f32>>()
    };
    let silent = sums(&|presence| SILENT * (1.0 - presence));
    let missed = sums(&|presence| MISSED * presence);
    let loud = |at: usize| {
        let beside = |frame: Option<&f32>| frame.copied().unwrap_or(0.0);
        LOUD_BOUNDARY
            * 0.5
            * (beside(at.checked_sub(1).and_then(|at| presence.get(at))) + beside(presence.get(at)))
    };
    let from_model = |at: usize, said: Option<f32>| {
        said.map_or(0.0, |said| FROM_MODEL * (at as f32 - said).abs() * FRAME_MS as f32 / 1000.0)
    };

    // ends[t]: least cost with the words so far before boundary t, the last one ending there. starts[t]: the same, and
    // the next one beginning there. The choices made are kept to be read back.
    let mut ends = missed.clone();
    let mut lengths: Vec<Vec<u16>> = Vec::with_capacity(laid.len());
    let mut pauses: Vec<Vec<u16>> = Vec::with_capacity(laid.len());
    for (i, word) in laid.iter().enumerate() {
        let mut starts = vec![f32::INFINITY; frames + 1];
        let mut pause = vec![0_u16; frames + 1];
        // Least cost up to t in a pause, and how long that pause is.
        let mut paused = (f32::INFINITY, 0_u16);
        for t in 0..=frames {
            if i == 0 {
                starts[t] = missed[t];
            } else {
                if t > 0 {
                    paused.0 += missed[t] - missed[t - 1];
                    paused.1 = paused.1.saturating_add(1);
                    let begun = ends[t - 1] + word.pause + missed[t] - missed[t - 1];
                    if begun < paused.0 {
                        paused = (begun, 1);
                    }
                }
                let at_once = ends[t] + loud(t);
                (starts[t], pause[t]) = if at_once <= paused.0 { (at_once, 0) } else { paused };
            }
            starts[t] += from_model(t, word.begins);
        }
        let longest = LONGEST.max((2.5 * word.expected) as usize).min(frames);
        let durations: Vec<f32> = (0..=longest)
            .map(|length| {
                let off = ((length as f32 + 1.0) / (word.expected + 1.0)).ln() / SPREAD;
                0.5 * off * off
            })
            .collect();
        let mut next = vec![f32::INFINITY; frames + 1];
        let mut length_of = vec![1_u16; frames + 1];
        for t in 1..=frames {
            for length in 1..=longest.min(t) {
                let cost = starts[t - length] + durations[length] + silent[t] - silent[t - length];
                if cost < next[t] {
                    (next[t], length_of[t]) = (cost, length as u16);
                }
            }
            next[t] += from_model(t, word.ends);
        }
        ends = next;
        lengths.push(length_of);
        pauses.push(pause);
    }

    let after = |t: usize| missed[frames] - missed[t];
    let mut t = (0..=frames)
        .min_by(|a, b| (ends[*a] + after(*a)).total_cmp(&(ends[*b] + after(*b))))
        .unwrap_or(frames);
    let mut found = Vec::with_capacity(laid.len());
    for i in (0..laid.len()).rev() {
        let start = t.saturating_sub(usize::from(lengths[i][t]));
        found.push((start, t));
        t = start.saturating_sub(usize::from(pauses[i][start]));
    }
    found.reverse();
    found
}

fn in_frames(ms: u32) -> f32 {
    ms as f32 / FRAME_MS as f32
}

/// How long a word takes to say, relative to others: letters and syllables take time, and so does each word. Numbers are
/// said in words. Characters of Chinese and Japanese stand for syllables.
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

/// Groups of vowels, at least one. A final “e” after other vowels is mostly silent.
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

    /// Frames with speech at full loudness and silence between.
    fn voiced(frames: usize, voiced: impl Fn(usize) -> bool) -> Voiced {
        Voiced::from_frames((0..frames).map(voiced).collect())
    }

    fn stretch(times_ms: Option<(u32, u32)>, text: &str) -> Stretch {
        Stretch { times_ms, words: transcript::words_of(text) }
    }

    #[test]
    fn words_lie_on_the_speech_and_pauses_between_them() {
        // Speech at 0.48–1.6 s and 2.4–3.52 s.
        let voiced = voiced(250, |f| (30..100).contains(&f) || (150..220).contains(&f));
        let times = align(&[stretch(Some((0, 3_900)), "Ask not, ask what")], &voiced, 4_000);
        assert_eq!(times.len(), 4);
        let near = |at: u32, truth: u32| at.abs_diff(truth) <= 50;
        assert!(near(times[0].0, 480) && near(times[1].1, 1_600), "{times:?}");
        assert!(near(times[2].0, 2_400) && near(times[3].1, 3_520), "{times:?}");
        assert!(times.windows(2).all(|pair| pair[0].1 <= pair[1].0) && times.iter().all(|t| t.0 < t.1));
    }

    #[test]
    fn longer_words_last_longer() {
        let times = align(&[stretch(None, "a responsibility it")], &voiced(100, |_| true), 1_600);
        let lasts = |i: usize| times[i].1 - times[i].0;
        assert!(lasts(1) > 3 * lasts(0) && lasts(1) > 3 * lasts(2), "{times:?}");
    }

    #[test]
    fn whatever_the_words_and_the_sound_each_word_has_a_time_within_the_window() {
        for (frames, text) in
            [(0, "one two"), (1, "one two three"), (3, "one two three"), (40, ""), (5, "0 … -")]
        {
            for speech in [true, false] {
                let length_ms = frames as u32 * FRAME_MS;
                let stretches = [stretch(None, text), stretch(Some((900, 100)), text)];
                let times = align(&stretches, &voiced(frames, |_| speech), length_ms);
                assert_eq!(times.len(), 2 * transcript::words_of(text).len());
                assert!(times.iter().all(|t| t.0 <= t.1 && t.1 <= length_ms), "{times:?}");
                assert!(times.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{times:?}");
            }
        }
    }
}
