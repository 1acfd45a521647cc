//! What a neural model writes without having heard it: loops of the same words, and words where nobody speaks.

use crate::activity::{Activity, FRAME};
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
}

/// Which frames of a window hold speech.
pub(crate) struct Voiced(Vec<bool>);

/// A time of the model further than this from where speech begins or ends, in milliseconds, is not about that.
const FAR_MS: u32 = 900;
/// A pause that can be heard, in milliseconds.
const PAUSE_MS: u32 = 64;

const FRAME_MS: u32 = FRAME as u32 * 1000 / SAMPLE_RATE;

impl Voiced {
    /// Listens to the samples of a window.
    pub(crate) fn of(samples: &[f32]) -> Self {
        let mut activity = Activity::new();
        let frames = samples.chunks(FRAME).map(|chunk| {
            let mut frame = [0.0; FRAME];
            frame[..chunk.len()].copy_from_slice(chunk);
            activity.voiced(&frame)
        });
        Self(frames.collect())
    }

    /// The moments, in milliseconds, at which the frames with speech between `start_ms` and `end_ms` begin; all frames
    /// there if hardly any has speech.
    pub(crate) fn moments(&self, start_ms: u32, end_ms: u32) -> Vec<u32> {
        let (first, last) = (start_ms / FRAME_MS, end_ms.div_ceil(FRAME_MS).max(start_ms / FRAME_MS + 1));
        let voiced: Vec<u32> = (first..last).filter(|frame| self.at(*frame)).collect();
        let few = voiced.len() < 3 || voiced.len() * 5 < (last - first) as usize;
        let frames = if few { (first..last).collect() } else { voiced };
        frames.into_iter().map(|frame| frame * FRAME_MS).collect()
    }

    /// Moves the times that a model gives its stretches, which are off by up to a second, to where speech begins and
    /// ends. Each beginning goes to one onset of speech, none passes another, and together they move as little as can
    /// be; one that is far from all onsets stays. `stretches` are in order of time.
    pub(crate) fn snap(&self, stretches: &[(u32, u32)]) -> Vec<(u32, u32)> {
        let runs = self.runs();
        // best[i][j]: least cost of the first i stretches with the first j runs, and whether stretch i goes to run j.
        let mut best = vec![vec![(0_u32, None); runs.len() + 1]; stretches.len() + 1];
        for (i, &(start, _)) in stretches.iter().enumerate() {
            for j in 0..=runs.len() {
                let stays = (best[i][j].0 + FAR_MS, Some(None));
                let mut cheapest = stays;
                if j > 0 {
                    let goes = (best[i][j - 1].0 + start.abs_diff(runs[j - 1].0), Some(Some(j - 1)));
                    let left_out = (best[i + 1][j - 1].0, None);
                    cheapest = [goes, left_out, stays].into_iter().min_by_key(|way| way.0).unwrap_or(stays);
                }
                best[i + 1][j] = cheapest;
            }
        }
        let mut starts = Vec::with_capacity(stretches.len());
        let (mut i, mut j) = (stretches.len(), runs.len());
        while i > 0 {
            match best[i][j].1 {
                None => j -= 1,
                Some(way) => {
                    let start = way.map_or(stretches[i - 1].0, |run| runs[run].0);
                    j = way.unwrap_or(j);
                    starts.push(start);
                    i -= 1;
                }
            }
        }
        starts.reverse();
        // What stayed may have been passed by what moved.
        for i in 1..starts.len() {
            starts[i] = starts[i].max(starts[i - 1]);
        }
        let next = |i: usize| starts.get(i + 1).copied().unwrap_or(u32::MAX);
        let ends = stretches.iter().enumerate().map(|(i, &(_, end))| {
            let run_ends = runs.iter().map(|run| run.1).filter(|end| *end > starts[i] && *end <= next(i));
            let nearest = run_ends.min_by_key(|run_end| run_end.abs_diff(end));
            let near = nearest.filter(|run_end| run_end.abs_diff(end) <= FAR_MS).unwrap_or(end);
            (starts[i], near.min(next(i)).max(starts[i]))
        });
        ends.collect()
    }

    /// Where speech begins and ends, in milliseconds; pauses too short to hear are none.
    fn runs(&self) -> Vec<(u32, u32)> {
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for frame in (0..self.0.len() as u32).filter(|frame| self.at(*frame)) {
            let (start, end) = (frame * FRAME_MS, (frame + 1) * FRAME_MS);
            match runs.last_mut() {
                Some(run) if start - run.1 < PAUSE_MS => run.1 = end,
                _ => runs.push((start, end)),
            }
        }
        runs
    }

    /// Milliseconds of speech between `start_ms` and `end_ms`.
    pub(crate) fn speech_ms(&self, start_ms: u32, end_ms: u32) -> u32 {
        let frames = (start_ms / FRAME_MS..end_ms.div_ceil(FRAME_MS)).filter(|frame| self.at(*frame)).count();
        frames as u32 * FRAME_MS
    }

    /// The middle of the longest pause in the middle half of the window, in samples; of the window if there is none.
    pub(crate) fn pause_near_the_middle(&self) -> usize {
        let (first, last) = (self.0.len() / 4, self.0.len() * 3 / 4);
        let mut best = (0, self.0.len() / 2);
        let mut begin = None;
        for frame in first..=last {
            match (frame < last && !self.0[frame], begin) {
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
        self.0.get(frame as usize).copied().unwrap_or(false)
    }
}

/// Longest block of words that is looked for again right after itself.
const LONGEST_BLOCK: usize = 40;
/// A stretch of the model with less speech than this, and less than a tenth of its time, was not spoken.
const LEAST_SPEECH_MS: u32 = 150;
/// More words in a second of speech than anybody says.
const TOO_FAST: f64 = 9.0;

/// Ranges of `words` to doubt, in order, without overlap.
pub(crate) fn doubts(words: &[Heard], voiced: &Voiced) -> Vec<(Range<usize>, Reason)> {
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
        let (start, end) = (words[range.start].start_ms, words[range.end - 1].end_ms);
        let speech = voiced.speech_ms(start, end);
        let silent = speech < LEAST_SPEECH_MS && speech * 10 < end.saturating_sub(start).max(1);
        let hasty = range.len() > 12 && range.len() as f64 > TOO_FAST * f64::from(speech.max(1)) / 1000.0;
        if silent || hasty {
            doubts.push((range, Reason::Invented));
        }
    }
    doubts.sort_by_key(|(range, _)| range.start);
    doubts
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

    #[test]
    fn times_of_a_model_go_to_where_speech_begins_and_ends() {
        // Speech at 0.48–1.6, 2.08–3.2 and 4–4.8 s.
        let voiced = Voiced((0..400).map(|f| matches!(f, 30..100 | 130..200 | 250..300)).collect());
        assert_eq!(
            voiced.snap(&[(100, 1900), (1900, 3300), (3500, 5000)]),
            [(480, 1600), (2080, 3200), (4000, 4800)]
        );
        // One more than there are runs of speech: it stays, in order.
        assert_eq!(voiced.snap(&[(500, 1000), (1000, 1500)]), [(480, 1000), (1000, 1600)]);
        assert_eq!(voiced.snap(&[]), []);
        assert_eq!(Voiced(vec![]).snap(&[(10, 20)]), [(10, 20)]);
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
            })
            .collect()
    }

    #[test]
    fn words_where_nobody_speaks_are_doubted() {
        // Speech in the first second of three.
        let voiced = Voiced((0..188).map(|frame| frame < 62).collect());
        let words = heard(&[(0, 400, "hello", 0), (400, 900, "there", 0), (1500, 2900, "Thanks", 1)]);
        assert_eq!(doubts(&words, &voiced), [(2..3, Reason::Invented)]);
    }

    #[test]
    fn words_faster_than_anybody_speaks_are_doubted() {
        let voiced = Voiced(vec![true; 63]);
        let fast: Vec<_> =
            (0..20).map(|i| (i * 50, i * 50 + 50, ["a", "b", "c"][i as usize % 3], 0)).collect();
        // Three in turn would be a loop.
        let fast: Vec<_> = fast.into_iter().map(|(a, b, _, s)| (a, b, format!("w{a}"), s)).collect();
        let words: Vec<Heard> =
            fast.iter().flat_map(|(a, b, text, s)| heard(&[(*a, *b, text.as_str(), *s)])).collect();
        assert_eq!(doubts(&words, &voiced), [(0..20, Reason::Invented)]);
    }

    #[test]
    fn a_window_is_divided_at_its_longest_pause() {
        let voiced = Voiced((0..100).map(|f| !(40..44).contains(&f) && !(60..70).contains(&f)).collect());
        assert_eq!(voiced.pause_near_the_middle(), 65 * FRAME);
        assert_eq!(Voiced(vec![true; 100]).pause_near_the_middle(), 50 * FRAME);
        assert_eq!(Voiced(vec![]).pause_near_the_middle(), 0);
    }
}
