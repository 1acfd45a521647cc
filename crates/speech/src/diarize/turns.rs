//! Which of the known speakers speaks in each frame of speech, and who else.
//!
//! Each frame is as near to a speaker as the windows around it are, the nearer in time the more, and somewhat nearer to
//! those whom the segmentation network hears in it. The nearest one speaks, and where two speak the second nearest too.

use super::heard::{Heard, LOCAL, sample_at};
use super::{add, dot};
use std::ops::Range;
use transcript::{AudioTime, Span, Turn};

/// The vector of a window.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Point {
    pub(super) frames: Range<usize>,
    /// Of length one.
    pub(super) vector: Vec<f32>,
}

/// What a speaker's voice is made of.
#[derive(Debug, Clone, Default)]
pub(super) struct Said {
    /// The sum of the vectors of windows in which they alone speak.
    pub(super) sum: Vec<f32>,
    /// How long they speak alone.
    pub(super) speech_ms: u32,
}

/// How much nearer a speaker is whom the segmentation network hears.
const HEARD: f32 = 0.1;
/// What the edge of a window counts, where the middle counts one.
const EDGE: f32 = 0.05;
/// Pauses up to this stay within a turn, in frames: 0.3 s, as between words.
const BRIDGED: usize = 18;
/// Shorter turns are noises, in frames: 0.1 s.
const SHORTEST: usize = 6;
/// By how much the speaker of a turn is nearer than the next one when there is no doubt.
const CLEAR_MARGIN: f32 = 0.3;
/// A point is a speaker's alone if they speak in this share of its frames, and nobody else in any.
const ALONE: f32 = 0.8;

/// The turns of `speakers`, who are known by their mean vectors, in a recording of `samples` samples; and by speaker what
/// voices are made of. Speakers are numbered in order of their first turn; those who have none are left out.
pub(super) fn of(
    heard: &Heard,
    points: &[Point],
    owners: &[Vec<(usize, usize)>],
    speakers: &[Vec<f32>],
    samples: u64,
) -> (Vec<Turn>, Vec<Said>) {
    let frames = heard.frames(samples);
    let near: Vec<Vec<f32>> = points
        .iter()
        .map(|point| speakers.iter().map(|speaker| dot(&point.vector, speaker)).collect())
        .collect();
    let active = active(heard, points, owners, speakers, frames);
    let mut speaking: Vec<Vec<(usize, f32)>> = vec![Vec::new(); speakers.len()];
    let mut first = 0;
    for frame in (0..frames).filter(|frame| heard.is_speech(*frame)) {
        while points.get(first).is_some_and(|point| point.frames.end <= frame) {
            first += 1;
        }
        let mut scores = nearness(frame, points, &near, first, speakers.len());
        let heard_times = heard.times_heard(frame).max(1.0);
        for (score, active) in scores.iter_mut().zip(&active[frame * speakers.len()..]) {
            *score += HEARD * f32::from(*active) / heard_times;
        }
        let mut order: Vec<usize> = (0..speakers.len()).collect();
        order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
        let margin =
            |at: usize| order.get(at + 1).map_or(CLEAR_MARGIN, |next| scores[order[at]] - scores[*next]);
        let count = if heard.is_overlap(frame) { 2 } else { 1 };
        for (at, speaker) in order.iter().take(count).enumerate() {
            speaking[*speaker].push((frame, margin(at)));
        }
    }
    let mut turns: Vec<(Range<usize>, Turn)> = Vec::new();
    for (speaker, frames) in speaking.iter().enumerate() {
        for run in frames.chunk_by(|a, b| b.0 - a.0 <= BRIDGED) {
            let (Some((begin, _)), Some((last, _))) = (run.first(), run.last()) else { continue };
            if run.len() < SHORTEST {
                continue;
            }
            let margin = run.iter().map(|(_, margin)| margin).sum::<f32>() / run.len() as f32;
            let time = |frame: usize| AudioTime::from_samples(sample_at(frame).min(samples));
            let turn = Turn {
                span: Span::new(time(*begin), time(last + 1)),
                speaker: speaker as u32,
                confidence: (speakers.len() > 1).then(|| (margin / CLEAR_MARGIN).clamp(0.0, 1.0)),
                overlap: false,
            };
            turns.push((*begin..last + 1, turn));
        }
    }
    turns.sort_by_key(|(_, turn)| (turn.span.start, turn.span.end));
    let mut order: Vec<u32> = Vec::new();
    for (_, turn) in &mut turns {
        let known = order.iter().position(|speaker| *speaker == turn.speaker);
        turn.speaker = known.unwrap_or_else(|| {
            order.push(turn.speaker);
            order.len() - 1
        }) as u32;
    }
    mark_overlap(&mut turns);
    let said = said(&turns, points, order.len());
    (turns.into_iter().map(|(_, turn)| turn).collect(), said)
}

/// How near each speaker is in a frame, by the windows around it; by the nearest window if there is none. No point before
/// `first` holds the frame.
fn nearness(frame: usize, points: &[Point], near: &[Vec<f32>], first: usize, speakers: usize) -> Vec<f32> {
    let mut sums = vec![0.0; speakers];
    let mut weights = 0.0;
    let mut count = |number: usize, weight: f32| {
        sums.iter_mut().zip(&near[number]).for_each(|(sum, near)| *sum += weight * near);
    };
    for (number, point) in points.iter().enumerate().skip(first) {
        if point.frames.start > frame {
            break;
        }
        let half = point.frames.len() as f32 / 2.0;
        let distance = (frame as f32 + 0.5 - point.frames.start as f32 - half).abs() / half;
        let weight = 1.0 - distance.min(1.0) + EDGE;
        weights += weight;
        count(number, weight);
    }
    if weights == 0.0 {
        let distance = |number: &usize| {
            let range = &points[*number].frames;
            range.start.saturating_sub(frame) + frame.saturating_sub(range.end)
        };
        let around = [first.checked_sub(1), Some(first)].into_iter().flatten();
        if let Some(nearest) = around.filter(|number| *number < points.len()).min_by_key(distance) {
            weights = 1.0;
            count(nearest, 1.0);
        }
    }
    sums.iter_mut().for_each(|sum| *sum /= weights.max(f32::MIN_POSITIVE));
    sums
}

/// How many windows hear each speaker in each frame, frame by frame. The speakers of a window are those whose voices fit
/// best all in all, each at most once.
fn active(
    heard: &Heard,
    points: &[Point],
    owners: &[Vec<(usize, usize)>],
    speakers: &[Vec<f32>],
    frames: usize,
) -> Vec<u8> {
    let count = speakers.len();
    let mut active = vec![0_u8; frames * count];
    for (window, owned) in owners.iter().enumerate() {
        let mut sums: [Vec<f32>; LOCAL] = Default::default();
        for (point, owner) in owned {
            let vector = &points[*point].vector;
            sums[*owner].resize(vector.len(), 0.0);
            add(&mut sums[*owner], vector);
        }
        let fits = sums.map(|sum: Vec<f32>| {
            let length = dot(&sum, &sum).sqrt();
            (length > 0.0)
                .then(|| speakers.iter().map(|speaker| dot(&sum, speaker) / length).collect::<Vec<f32>>())
        });
        let who = assigned(&fits);
        heard.each_active(window, |frame, local| {
            if let Some(speaker) = who[local]
                && frame < frames
            {
                active[frame * count + speaker] += 1;
            }
        });
    }
    active
}

/// To each local speaker, of whom it is known how well every speaker fits, a different speaker, so that the sum is the
/// greatest. Nobody is left without one as long as there are enough.
fn assigned(fits: &[Option<Vec<f32>>; LOCAL]) -> [Option<usize>; LOCAL] {
    // The best choice is among the best three of each: the other two cannot take more than two of them.
    let best = |fits: &Option<Vec<f32>>| -> Vec<Option<usize>> {
        let Some(fits) = fits else { return vec![None] };
        let mut order: Vec<usize> = (0..fits.len()).collect();
        order.sort_by(|a, b| fits[*b].total_cmp(&fits[*a]));
        order.into_iter().take(LOCAL).map(Some).chain([None]).collect()
    };
    let [a, b, c] = fits.each_ref().map(best);
    let fit = |local: usize, speaker: Option<usize>| {
        // Better than nobody is anybody: cosines are at least −1.
        speaker.and_then(|speaker| fits[local].as_ref().map(|fits| 2.0 + fits[speaker])).unwrap_or(0.0)
    };
    let mut found = ([None; LOCAL], f32::NEG_INFINITY);
    for &a in &a {
        for &b in b.iter().filter(|b| b.is_none() || **b != a) {
            for &c in c.iter().filter(|c| c.is_none() || (**c != a && **c != b)) {
                let sum = fit(0, a) + fit(1, b) + fit(2, c);
                if sum > found.1 {
                    found = ([a, b, c], sum);
                }
            }
        }
    }
    found.0
}

/// Marks turns in which somebody else speaks for most of the time.
fn mark_overlap(turns: &mut [(Range<usize>, Turn)]) {
    let spans: Vec<(Range<usize>, u32)> =
        turns.iter().map(|(frames, turn)| (frames.clone(), turn.speaker)).collect();
    let longest = spans.iter().map(|(frames, _)| frames.len()).max().unwrap_or(0);
    for (frames, turn) in turns {
        let from = spans.partition_point(|(other, _)| other.start + longest < frames.start);
        let shared: usize = spans[from..]
            .iter()
            .take_while(|(other, _)| other.start < frames.end)
            .filter(|(_, speaker)| *speaker != turn.speaker)
            .map(|(other, _)| other.end.min(frames.end).saturating_sub(other.start.max(frames.start)))
            .sum();
        turn.overlap = shared * 2 > frames.len();
    }
}

/// What the voices of so many speakers are made of.
fn said(turns: &[(Range<usize>, Turn)], points: &[Point], speakers: usize) -> Vec<Said> {
    let mut said = vec![Said::default(); speakers];
    let last = points.iter().map(|point| point.frames.end).max().unwrap_or(0);
    let last = turns.iter().map(|(frames, _)| frames.end).max().unwrap_or(0).max(last);
    // Of each frame, who speaks in it if one does.
    let mut alone: Vec<Option<Option<u32>>> = vec![None; last];
    for (frames, turn) in turns {
        for frame in &mut alone[frames.clone()] {
            *frame = Some(if frame.is_none() { Some(turn.speaker) } else { None });
        }
    }
    let mut frames_of = vec![0_u64; speakers];
    for speaker in alone.iter().flatten().flatten() {
        frames_of[*speaker as usize] += 1;
    }
    for point in points {
        let mut counts = vec![0_usize; speakers];
        let here = &alone[point.frames.clone()];
        if here.contains(&Some(None)) {
            continue;
        }
        here.iter().flatten().flatten().for_each(|speaker| counts[*speaker as usize] += 1);
        let whose = counts.iter().position(|count| *count as f32 >= ALONE * point.frames.len() as f32);
        if let Some(said) = whose.and_then(|speaker| said.get_mut(speaker)) {
            said.sum.resize(point.vector.len(), 0.0);
            add(&mut said.sum, &point.vector);
        }
    }
    for (said, frames) in said.iter_mut().zip(frames_of) {
        let samples = frames * super::segmentation::STEP as u64;
        said.speech_ms = AudioTime::from_samples(samples).as_ms();
    }
    said
}
