//! Assigns the frames of speech to the speakers, and makes turns of them.
//!
//! The score of a speaker in a frame is the mean similarity of the embedded windows around the frame, weighted by their
//! nearness in time, plus a bonus if the segmentation network finds the speaker in the frame. The speaker with the
//! highest score speaks, and where two people speak also the one with the second highest.

use super::segmentation_grid::{LOCAL_SPEAKERS, SegmentationGrid, sample_at};
use super::{add, dot};
use std::ops::Range;
use transcript::{AudioTime, Span, Turn};

/// The voice embedding of a window.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct WindowEmbedding {
    pub(super) frames: Range<usize>,
    /// Of length one.
    pub(super) vector: Vec<f32>,
}

/// The windows that the local speakers of one segmentation window own: index into the embeddings, and local speaker.
pub(super) type OwnedWindows = Vec<(usize, usize)>;

/// The speech of a speaker alone, from which their voice embedding is made.
#[derive(Debug, Clone, Default)]
pub(super) struct SoloSpeech {
    /// The sum of the vectors of windows in which they alone speak.
    pub(super) sum: Vec<f32>,
    /// How long they speak alone, in milliseconds.
    pub(super) speech_ms: u32,
}

/// Added to the score of a speaker whom the segmentation network finds in the frame.
const ACTIVE_BONUS: f32 = 0.1;
/// Added to the weight of a window, which falls from 1 at its middle to 0 at its edges.
const EDGE_WEIGHT: f32 = 0.05;
/// The longest pause within a turn, in frames: 0.3 s, as between words.
const MAX_PAUSE: usize = 18;
/// Shorter turns are dropped as noise, in frames: 0.1 s.
const MIN_TURN: usize = 6;
/// The margin over the next speaker's score at which the confidence is 1.
const CLEAR_MARGIN: f32 = 0.3;
/// A window counts as a speaker's alone if they speak in at least this share of its frames, and nobody else in any.
const ALONE_SHARE: f32 = 0.8;

/// The turns of the speakers with the mean vectors `speakers`, in a recording of `samples` samples, and the solo speech
/// of each. Speakers are numbered in order of their first turn; those without a turn are left out.
pub(super) fn assign(
    grid: &SegmentationGrid,
    embeddings: &[WindowEmbedding],
    owned: &[OwnedWindows],
    speakers: &[Vec<f32>],
    samples: u64,
) -> (Vec<Turn>, Vec<SoloSpeech>) {
    let frames = grid.frames(samples);
    let similarities: Vec<Vec<f32>> = embeddings
        .iter()
        .map(|embedding| speakers.iter().map(|speaker| dot(&embedding.vector, speaker)).collect())
        .collect();
    let active = active_windows(grid, embeddings, owned, speakers, frames);
    let mut speaking: Vec<Vec<(usize, f32)>> = vec![Vec::new(); speakers.len()];
    let mut first = 0;
    for frame in (0..frames).filter(|frame| grid.is_speech(*frame)) {
        while embeddings.get(first).is_some_and(|embedding| embedding.frames.end <= frame) {
            first += 1;
        }
        let mut scores = mean_similarities(frame, embeddings, &similarities, first, speakers.len());
        let windows = grid.window_count(frame).max(1.0);
        for (score, active) in scores.iter_mut().zip(&active[frame * speakers.len()..]) {
            *score += ACTIVE_BONUS * f32::from(*active) / windows;
        }
        let mut order: Vec<usize> = (0..speakers.len()).collect();
        order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
        let margin =
            |at: usize| order.get(at + 1).map_or(CLEAR_MARGIN, |next| scores[order[at]] - scores[*next]);
        let count = if grid.is_overlap(frame) { 2 } else { 1 };
        for (at, speaker) in order.iter().take(count).enumerate() {
            speaking[*speaker].push((frame, margin(at)));
        }
    }
    let mut turns: Vec<(Range<usize>, Turn)> = Vec::new();
    for (speaker, frames) in speaking.iter().enumerate() {
        for run in frames.chunk_by(|a, b| b.0 - a.0 <= MAX_PAUSE) {
            let (Some((begin, _)), Some((last, _))) = (run.first(), run.last()) else { continue };
            if run.len() < MIN_TURN {
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
    let solo = solo_speech(&turns, embeddings, order.len());
    (turns.into_iter().map(|(_, turn)| turn).collect(), solo)
}

/// The weighted mean similarity of each speaker in a frame, over the embedded windows that contain the frame, or else
/// for the nearest window. `similarities` holds the similarity of each window to each speaker. No window before `first`
/// contains the frame.
fn mean_similarities(
    frame: usize,
    embeddings: &[WindowEmbedding],
    similarities: &[Vec<f32>],
    first: usize,
    speakers: usize,
) -> Vec<f32> {
    let mut sums = vec![0.0; speakers];
    let mut weights = 0.0;
    let mut add_weighted = |index: usize, weight: f32| {
        sums.iter_mut().zip(&similarities[index]).for_each(|(sum, similarity)| *sum += weight * similarity);
    };
    for (index, embedding) in embeddings.iter().enumerate().skip(first) {
        if embedding.frames.start > frame {
            break;
        }
        let half = embedding.frames.len() as f32 / 2.0;
        let distance = (frame as f32 + 0.5 - embedding.frames.start as f32 - half).abs() / half;
        let weight = 1.0 - distance.min(1.0) + EDGE_WEIGHT;
        weights += weight;
        add_weighted(index, weight);
    }
    if weights == 0.0 {
        let distance = |index: &usize| {
            let range = &embeddings[*index].frames;
            range.start.saturating_sub(frame) + frame.saturating_sub(range.end)
        };
        let around = [first.checked_sub(1), Some(first)].into_iter().flatten();
        if let Some(nearest) = around.filter(|index| *index < embeddings.len()).min_by_key(distance) {
            weights = 1.0;
            add_weighted(nearest, 1.0);
        }
    }
    sums.iter_mut().for_each(|sum| *sum /= weights.max(f32::MIN_POSITIVE));
    sums
}

/// The number of segmentation windows that find each speaker in each frame: frames × speakers. The local speakers of a
/// window are matched with the speakers whose vectors fit best in total.
fn active_windows(
    grid: &SegmentationGrid,
    embeddings: &[WindowEmbedding],
    owned: &[OwnedWindows],
    speakers: &[Vec<f32>],
    frames: usize,
) -> Vec<u8> {
    let count = speakers.len();
    let mut active = vec![0_u8; frames * count];
    for (window, owned) in owned.iter().enumerate() {
        let mut sums: [Vec<f32>; LOCAL_SPEAKERS] = Default::default();
        for (index, owner) in owned {
            let vector = &embeddings[*index].vector;
            sums[*owner].resize(vector.len(), 0.0);
            add(&mut sums[*owner], vector);
        }
        let fits = sums.map(|sum: Vec<f32>| {
            let length = dot(&sum, &sum).sqrt();
            (length > 0.0)
                .then(|| speakers.iter().map(|speaker| dot(&sum, speaker) / length).collect::<Vec<f32>>())
        });
        let matched = best_matching(&fits);
        grid.for_each_active(window, |frame, local| {
            if let Some(speaker) = matched[local]
                && frame < frames
            {
                active[frame * count + speaker] += 1;
            }
        });
    }
    active
}

/// Matches each local speaker with a different speaker, so that the sum of `fits` is greatest. `fits` holds how well
/// each speaker fits a local speaker; `None` for a local speaker without embeddings, who is not matched. The others are
/// all matched as long as there are enough speakers.
fn best_matching(fits: &[Option<Vec<f32>>; LOCAL_SPEAKERS]) -> [Option<usize>; LOCAL_SPEAKERS] {
    // The best matching is among the best three of each, because the other two take at most two of them.
    let best = |fits: &Option<Vec<f32>>| -> Vec<Option<usize>> {
        let Some(fits) = fits else { return vec![None] };
        let mut order: Vec<usize> = (0..fits.len()).collect();
        order.sort_by(|a, b| fits[*b].total_cmp(&fits[*a]));
        order.into_iter().take(LOCAL_SPEAKERS).map(Some).chain([None]).collect()
    };
    let [a, b, c] = fits.each_ref().map(best);
    let fit = |local: usize, speaker: Option<usize>| {
        // The offset makes any match better than none: cosines are at least −1.
        speaker.and_then(|speaker| fits[local].as_ref().map(|fits| 2.0 + fits[speaker])).unwrap_or(0.0)
    };
    let mut best_so_far = ([None; LOCAL_SPEAKERS], f32::NEG_INFINITY);
    for &a in &a {
        for &b in b.iter().filter(|b| b.is_none() || **b != a) {
            for &c in c.iter().filter(|c| c.is_none() || (**c != a && **c != b)) {
                let sum = fit(0, a) + fit(1, b) + fit(2, c);
                if sum > best_so_far.1 {
                    best_so_far = ([a, b, c], sum);
                }
            }
        }
    }
    best_so_far.0
}

/// Marks turns in which others speak for more than half of the time.
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

/// The solo speech of each of `speakers` speakers.
fn solo_speech(
    turns: &[(Range<usize>, Turn)],
    embeddings: &[WindowEmbedding],
    speakers: usize,
) -> Vec<SoloSpeech> {
    let mut solo = vec![SoloSpeech::default(); speakers];
    let last = embeddings.iter().map(|embedding| embedding.frames.end).max().unwrap_or(0);
    let last = turns.iter().map(|(frames, _)| frames.end).max().unwrap_or(0).max(last);
    // For each frame: `None` if nobody speaks, `Some(None)` if several people do, else the only speaker.
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
    for embedding in embeddings {
        let mut counts = vec![0_usize; speakers];
        let frames = &alone[embedding.frames.clone()];
        if frames.contains(&Some(None)) {
            continue;
        }
        frames.iter().flatten().flatten().for_each(|speaker| counts[*speaker as usize] += 1);
        let speaker =
            counts.iter().position(|count| *count as f32 >= ALONE_SHARE * embedding.frames.len() as f32);
        if let Some(solo) = speaker.and_then(|speaker| solo.get_mut(speaker)) {
            solo.sum.resize(embedding.vector.len(), 0.0);
            add(&mut solo.sum, &embedding.vector);
        }
    }
    for (solo, frames) in solo.iter_mut().zip(frames_of) {
        let samples = frames * super::segmentation::STEP as u64;
        solo.speech_ms = AudioTime::from_samples(samples).as_ms();
    }
    solo
}
