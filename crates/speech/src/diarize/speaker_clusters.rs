//! Finds the speakers of a recording: clusters the embeddings of clear windows, with penalties for windows that the
//! segmentation network attributes to different people.

use super::cluster::{Dendrogram, DistancePenalty};
use super::segmentation_grid::{LOCAL_SPEAKERS, SegmentationGrid};
use super::turns::{OwnedWindows, WindowEmbedding};
use super::voice_embedding::HOP;
use super::{ExpectedSpeakers, add, unit};
use std::collections::BTreeMap;
use transcript::SAMPLE_RATE;

/// A window is clear, and takes part in the clustering, if at least this share of it is speech, …
const CLEAR_SPEECH_SHARE: f32 = 0.8;
/// … exactly one person speaks in at least this share of it, …
const CLEAR_SINGLE_SHARE: f32 = 0.72;
/// … and one person has at least this share of all speech in it. Without this limit, windows in which one person takes
/// over from another become a speaker of their own in every second meeting.
const CLEAR_DOMINANT_SHARE: f32 = 0.95;
/// A window is owned by a local speaker if at least this share of it is speech, …
const OWNED_SPEECH_SHARE: f32 = 0.5;
/// … and the local speaker has at least this share of that.
const OWNER_SHARE: f32 = 0.7;
/// Added to the distance of two windows that the segmentation network attributes to different people.
const DIFFERENT_SPEAKERS_PENALTY: f32 = 0.3;
/// The least clear speech of a speaker, in seconds, unless the user states that there are more speakers. Clusters with
/// less are coughs, laughter, or two voices at once.
const MIN_SPEAKER_S: f32 = 2.0;
/// In longer recordings, the least share of all clear speech, because there are more coughs in them, …
const MIN_SPEAKER_SHARE: f32 = 0.005;
/// … but never more than this many seconds.
const MAX_MIN_SPEAKER_S: f32 = 5.0;

/// For each segmentation window, the embedded windows within it that one of its local speakers owns.
pub(super) fn owned_windows(grid: &SegmentationGrid, embeddings: &[WindowEmbedding]) -> Vec<OwnedWindows> {
    let mut owned = vec![Vec::new(); grid.windows()];
    for (index, embedding) in embeddings.iter().enumerate() {
        for window in grid.windows_covering(&embedding.frames) {
            let active = grid.active_frames(window, embedding.frames.clone());
            let all: usize = active.iter().sum();
            let (owner, most) = (0..LOCAL_SPEAKERS)
                .map(|speaker| (speaker, active[speaker]))
                .max_by_key(|(_, most)| *most)
                .unwrap_or_default();
            let frames = embedding.frames.len() as f32;
            if all as f32 >= OWNED_SPEECH_SHARE * frames && most as f32 >= OWNER_SHARE * all as f32 {
                owned[window].push((index, owner));
            }
        }
    }
    owned
}

/// Penalties for the pairs of `clear` windows that segmentation windows attribute to different speakers, in proportion
/// to the share of the segmentation windows that do so among those that cover both.
fn penalties(owned: &[OwnedWindows], clear: &[usize]) -> Vec<DistancePenalty> {
    let mut pairs = BTreeMap::<(usize, usize), (u16, u16)>::new();
    for owned in owned {
        let owned: Vec<(usize, usize)> = owned
            .iter()
            .filter_map(|(index, owner)| Some((clear.binary_search(index).ok()?, *owner)))
            .collect();
        for (i, (a, owner_of_a)) in owned.iter().enumerate() {
            for (b, owner_of_b) in &owned[i + 1..] {
                let (different, all) = pairs.entry((*a, *b)).or_default();
                *different += u16::from(owner_of_a != owner_of_b);
                *all += 1;
            }
        }
    }
    let pairs = pairs.into_iter().filter(|(_, (different, _))| *different > 0);
    pairs
        .map(|((a, b), (different, all))| DistancePenalty {
            a,
            b,
            penalty: DIFFERENT_SPEAKERS_PENALTY * f32::from(different) / f32::from(all),
        })
        .collect()
}

/// The mean vector of each speaker. Clusters with a mean distance below `max_distance` are one speaker.
pub(super) fn speaker_vectors(
    grid: &SegmentationGrid,
    embeddings: &[WindowEmbedding],
    owned: &[OwnedWindows],
    expected: ExpectedSpeakers,
    max_distance: f32,
) -> Vec<Vec<f32>> {
    let is_clear = |index: &usize| {
        let frames = &embeddings[*index].frames;
        let (any, one) = grid.speech_shares(frames.clone());
        any >= CLEAR_SPEECH_SHARE
            && one >= CLEAR_SINGLE_SHARE
            && grid.dominant_share(frames.clone()) >= CLEAR_DOMINANT_SHARE
    };
    let mut clear: Vec<usize> = (0..embeddings.len()).filter(is_clear).collect();
    if clear.is_empty() {
        clear = (0..embeddings.len()).collect();
    }
    let vectors: Vec<&[f32]> = clear.iter().map(|index| embeddings[*index].vector.as_slice()).collect();
    let (min, max) = expected.range();
    let min_s = (MIN_SPEAKER_SHARE * seconds(clear.len())).clamp(MIN_SPEAKER_S, MAX_MIN_SPEAKER_S);
    let is_speaker = |members: usize| seconds(members) >= min_s;
    let dendrogram = Dendrogram::build(&vectors, &penalties(owned, &clear));
    let mut clusters = largest_first(&dendrogram.cut(max_distance, 1, max, is_speaker));
    let mut count = clusters.iter().filter(|cluster| is_speaker(cluster.len())).count().max(1);
    if count < min {
        // A person who hardly speaks is more likely than one cluster that is two people …
        count = clusters.len().clamp(count, min);
    }
    if count < min {
        // … but if there are too few clusters, one has to be divided.
        clusters = largest_first(&dendrogram.cut(max_distance, min, max, |_| true));
        count = min;
    }
    clusters.truncate(count);
    clusters.iter().map(|cluster| mean(cluster.iter().map(|at| vectors[*at]))).collect()
}

/// The duration of consecutive windows: 1.5 s, and half a second more with each.
fn seconds(windows: usize) -> f32 {
    (windows as u64 * HOP) as f32 / SAMPLE_RATE as f32 + 1.0
}

/// The members of each cluster, the largest first. `labels` holds the cluster of each item.
fn largest_first(labels: &[usize]) -> Vec<Vec<usize>> {
    let mut clusters: Vec<Vec<usize>> = Vec::new();
    for (item, label) in labels.iter().enumerate() {
        if clusters.len() <= *label {
            clusters.resize(*label + 1, Vec::new());
        }
        clusters[*label].push(item);
    }
    clusters.sort_by_key(|cluster| std::cmp::Reverse(cluster.len()));
    clusters
}

/// The direction of the mean of `vectors`.
fn mean<'a>(vectors: impl IntoIterator<Item = &'a [f32]>) -> Vec<f32> {
    let mut sum = Vec::new();
    for vector in vectors {
        sum.resize(vector.len(), 0.0);
        add(&mut sum, vector);
    }
    unit(sum)
}
