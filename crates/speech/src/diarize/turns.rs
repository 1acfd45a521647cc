//! Which of the known speakers speaks at each moment of speech.
//!
//! Each step of speech is as near to a speaker as the windows around it are, the nearer in time the more. The likeliest
//! sequence of speakers is found with a cost for each change (Viterbi), which is small at pauses. Leaves out voices at
//! once: nobody's window says who the second one is.

use super::dot;
use super::regions::{frames, regions, sample};
use std::ops::Range;
use transcript::{AudioTime, Span, Turn};

/// The vector of a window.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Point {
    /// Number of its first sample.
    pub(super) start: u64,
    /// The first voiced frame of its region.
    pub(super) region: u32,
    /// Of length one.
    pub(super) vector: Vec<f32>,
}

/// Frames of a step, 64 ms.
const STEP: u32 = 4;
/// What a change costs in the middle of speech, where there is a short pause, and between regions, in seconds during
/// which the other speaker would have to be nearer by one.
const CHANGE: f32 = 0.12;
const CHANGE_AT_PAUSE: f32 = 0.06;
const CHANGE_OF_REGION: f32 = 0.02;
/// A pause, within a region, at which somebody else may begin: longer than the closure of a plosive.
const SHORT_PAUSE: u32 = frames(80) as u32;
/// Turns of one speaker with no more between them are one, in frames: half a second.
const ONE_TURN: u32 = frames(500) as u32;
/// Turns have at least so many frames.
const SHORTEST: u32 = frames(300) as u32;
/// Speech begins before the detector is sure, and ends after.
const PADDING: u32 = frames(50) as u32;
/// By how much the speaker of a turn is nearer than the next one when there is no doubt.
const CLEAR_MARGIN: f32 = 0.2;

/// A step of speech.
struct Step {
    frames: Range<u32>,
    /// What a change of speaker costs at its beginning.
    change: f32,
    /// Whether a region begins here.
    begins: bool,
}

/// A stretch of frames of one speaker, with the sum of margins and the number of steps it is made of.
#[derive(Debug, Clone, PartialEq)]
struct Stretch {
    frames: Range<u32>,
    speaker: usize,
    margin: f32,
    steps: usize,
}

/// The turns of `speakers`, who are known by their mean vectors, in a recording of `samples` samples, of which the
/// frames of `voiced` hold speech and the windows of `length` samples have the vectors of `points`.
pub(super) fn of(
    voiced: &[Range<u32>],
    points: &[Point],
    length: usize,
    speakers: &[Vec<f32>],
    samples: u64,
) -> Vec<Turn> {
    if speakers.is_empty() {
        return Vec::new();
    }
    let (mut steps, mut scores) = (Vec::new(), Vec::new());
    let mut rest = points;
    for region in regions(voiced) {
        let runs = &voiced[region];
        let (first, end) = (runs[0].start, runs[runs.len() - 1].end);
        let skipped = rest.iter().take_while(|point| point.region < first).count();
        let here = rest[skipped..].iter().take_while(|point| point.region == first).count();
        let (points, after) = rest[skipped..].split_at(here);
        rest = after;
        if points.is_empty() {
            continue;
        }
        let near: Vec<Vec<f32>> = points
            .iter()
            .map(|point| speakers.iter().map(|speaker| dot(&point.vector, speaker)).collect())
            .collect();
        let mut at = first;
        while at < end {
            let until = if end - at < 2 * STEP { end } else { at + STEP };
            let pause = runs.windows(2).any(|pair| {
                pair[1].start - pair[0].end >= SHORT_PAUSE && pair[0].end <= at && at < pair[1].start + STEP
            });
            let change = match (at == first, pause) {
                (true, _) => CHANGE_OF_REGION,
                (_, true) => CHANGE_AT_PAUSE,
                _ => CHANGE,
            };
            let middle = (sample(at) + sample(until)) / 2;
            scores.extend(nearness(middle, points, &near, length, speakers.len()));
            steps.push(Step { frames: at..until, change, begins: at == first });
            at = until;
        }
    }
    let path = likeliest(&steps, &scores, speakers.len());
    let stretches = stretches(&steps, &scores, &path, speakers.len(), voiced);
    turns(&stretches, speakers.len(), samples)
}

/// How near each speaker is at a moment of a region, by the windows around it.
fn nearness(middle: u64, points: &[Point], near: &[Vec<f32>], length: usize, speakers: usize) -> Vec<f32> {
    let half = length as f32 / 2.0;
    let mut sums = vec![0.0; speakers];
    let mut weights = 0.0;
    for (point, near) in points.iter().zip(near) {
        let distance = middle.abs_diff(point.start + length as u64 / 2) as f32 / half;
        // The first and the last window of a region speak for its edges too.
        let weight = if distance <= 1.0 { (1.0 - distance).max(0.02) } else { 1e-6 };
        weights += weight;
        for (sum, near) in sums.iter_mut().zip(near) {
            *sum += weight * near;
        }
    }
    sums.iter_mut().for_each(|sum| *sum /= weights);
    sums
}

fn seconds(frames: &Range<u32>) -> f32 {
    sample(frames.end - frames.start) as f32 / transcript::SAMPLE_RATE as f32
}

/// The speaker at each step.
fn likeliest(steps: &[Step], scores: &[f32], speakers: usize) -> Vec<usize> {
    let mut best = vec![0.0_f32; speakers];
    // For each step and speaker, who spoke before.
    let mut before: Vec<u16> = Vec::with_capacity(scores.len());
    for (number, (step, scores)) in steps.iter().zip(scores.chunks_exact(speakers)).enumerate() {
        let leader = leader(&best);
        let other = best[leader] - if number == 0 { 0.0 } else { step.change };
        for (speaker, (best, score)) in best.iter_mut().zip(scores).enumerate() {
            let stays = *best >= other;
            before.push(if stays { speaker } else { leader } as u16);
            *best = best.max(other) + score * seconds(&step.frames);
        }
    }
    let mut path = vec![0; steps.len()];
    let mut speaker = leader(&best);
    for number in (0..steps.len()).rev() {
        path[number] = speaker;
        speaker = usize::from(before[number * speakers + speaker]);
    }
    path
}

/// The first of the greatest.
fn leader(values: &[f32]) -> usize {
    (0..values.len()).rev().max_by(|a, b| values[*a].total_cmp(&values[*b])).unwrap_or(0)
}

/// What one speaker says in one go. Where speakers change at a pause, the pause belongs to neither.
fn stretches(
    steps: &[Step],
    scores: &[f32],
    path: &[usize],
    speakers: usize,
    voiced: &[Range<u32>],
) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    for ((step, scores), speaker) in steps.iter().zip(scores.chunks_exact(speakers)).zip(path) {
        let next = scores.iter().enumerate().filter(|(other, _)| other != speaker).map(|(_, score)| *score);
        let margin = scores[*speaker] - next.fold(f32::NEG_INFINITY, f32::max);
        match stretches.last_mut() {
            Some(last) if last.speaker == *speaker && !step.begins => {
                last.frames.end = step.frames.end;
                last.margin += margin;
                last.steps += 1;
            }
            last => {
                let mut frames = step.frames.clone();
                if let Some(last) = last.filter(|_| !step.begins)
                    && let Some(pause) = pause_near(frames.start, voiced)
                {
                    last.frames.end = last.frames.end.min(pause.start).max(last.frames.start + 1);
                    frames.start = frames.start.max(pause.end).min(frames.end - 1);
                }
                stretches.push(Stretch { frames, speaker: *speaker, margin, steps: 1 });
            }
        }
    }
    stretches
}

/// The pause at `frame`, or within a step of it.
fn pause_near(frame: u32, voiced: &[Range<u32>]) -> Option<Range<u32>> {
    let after = voiced.partition_point(|run| run.start <= frame);
    let pauses = [after.checked_sub(2).map(|at| at..at + 2), after.checked_sub(1).map(|at| at..at + 2)];
    pauses
        .into_iter()
        .flatten()
        .filter_map(|pair| voiced.get(pair))
        .map(|pair| pair[0].end..pair[1].start)
        .filter(|pause| {
            pause.len() >= SHORT_PAUSE as usize && pause.start <= frame + STEP && frame <= pause.end + STEP
        })
        .min_by_key(|pause| pause.start.abs_diff(frame).min(pause.end.abs_diff(frame)))
}

/// Stretches that belong together become turns; those that are too short go to a neighbour, or vanish.
fn turns(stretches: &[Stretch], speakers: usize, samples: u64) -> Vec<Turn> {
    let mut joined: Vec<Stretch> = Vec::new();
    for stretch in join(stretches) {
        let short = stretch.frames.len() < SHORTEST as usize;
        match joined.last_mut() {
            Some(last) if short && stretch.frames.start <= last.frames.end => {
                last.frames.end = stretch.frames.end
            }
            _ if short => {}
            _ => joined.push(stretch),
        }
    }
    let joined = join(&joined);
    let end = |number: usize| joined[number].frames.end;
    (0..joined.len())
        .map(|number| {
            let Stretch { frames, speaker, margin, steps } = &joined[number];
            // Into the silence around, but no further than half the way to a neighbour.
            let before =
                if number == 0 { frames.start } else { frames.start.saturating_sub(end(number - 1)) / 2 };
            let after = joined
                .get(number + 1)
                .map_or(PADDING, |next| next.frames.start.saturating_sub(frames.end) / 2);
            let start = sample(frames.start - before.min(PADDING).min(frames.start)).min(samples);
            let end = sample(frames.end + after.min(PADDING)).min(samples);
            let confidence = (speakers > 1).then(|| (margin / *steps as f32 / CLEAR_MARGIN).clamp(0.0, 1.0));
            Turn {
                span: Span::new(AudioTime::from_samples(start), AudioTime::from_samples(end)),
                speaker: *speaker as u32,
                confidence,
                overlap: false,
            }
        })
        .collect()
}

/// Joins what one speaker says with a short pause at most.
fn join(stretches: &[Stretch]) -> Vec<Stretch> {
    let mut joined: Vec<Stretch> = Vec::new();
    for stretch in stretches {
        match joined.last_mut() {
            Some(last)
                if last.speaker == stretch.speaker
                    && stretch.frames.start.saturating_sub(last.frames.end) <= ONE_TURN =>
            {
                last.frames.end = stretch.frames.end;
                last.margin += stretch.margin;
                last.steps += stretch.steps;
            }
            _ => joined.push(stretch.clone()),
        }
    }
    joined
}
