//! The built-in diarizer: segmentation, voice embeddings, clustering.
//!
//! 1. The segmentation network ([`Segmentation`]) processes windows of ten seconds and states for each frame which of
//!    up to three local speakers speak, also two at once. Windows start about a second apart and are put together on
//!    one grid of frames (`segmentation_grid`).
//! 2. The voice encoder ([`VoiceEncoder`]) makes an embedding of each 1.5 s clip of speech, one clip every half second.
//! 3. The embeddings of clips in which only one person speaks are clustered (`speaker_clusters`, `cluster`): each
//!    cluster is a speaker. If the segmentation network hears different people in two clips, their distance is
//!    increased. The distance at which clusters stay apart is lower for telephone recordings (`narrowband`), in which voices are more
//!    alike.
//! 4. Each frame of speech goes to the speaker whose embeddings around it are nearest, and to the second nearest too
//!    where two people speak (`turns`).
//!
//! The segmentation network is reliable within its window, also where two people speak at once; the embeddings identify
//! the speakers across windows.
//!
//! Steps 1 and 2 run while samples are pushed, in batches that are the same in each run. Their results can be cached in
//! a file, so that interrupted work continues with the same bits (`embedding_cache`). Memory grows with the length of
//! the recording only by the grid and the embeddings, some 20 MB per hour.

use super::embedding_cache::{BatchKey, EmbeddingCache};
use super::narrowband::NarrowbandDetector;
use super::segmentation::WINDOW;
use super::segmentation_grid::{SegmentationGrid, WindowSegmentation, frame_at, window_samples};
use super::speaker_clusters::{owned_windows, speaker_vectors};
use super::turns::{self, SoloSpeech, WindowEmbedding};
use super::voice_embedding::{BATCH_WINDOWS, EXCERPT_WINDOWS, HOP, MIN_SPEECH_SHARE, embed_windows};
use super::{
    Control, Diarization, DiarizeError, Diarizer, ExpectedSpeakers, Segmentation, VoiceEmbedding,
    VoiceEncoder, check_cancelled,
};
use crate::voice_activity::{FRAME, VoiceActivityDetector};
use std::ops::Range;
use std::path::Path;
use transcript::SAMPLE_RATE;

/// Segmentation windows that are processed together: a quarter of a minute. The batches are the same in every run, so
/// that continued work gives the same bits, and small enough that a cancel takes effect within a second or two.
const SEGMENTATION_BATCH: usize = 16;
/// Clusters with a mean distance below this are one speaker. Results are nearly the same from 0.69 to 0.72 in twenty
/// drawn meetings (`cargo xtask bench meetings`) and in the excerpts of real ones; from 0.74 on people with like voices
/// are merged.
const MAX_CLUSTER_DISTANCE: f32 = 0.71;
/// The same for telephone recordings, in which all voices are more alike: on the panel and three drawn meetings,
/// narrowed by sox, 2 % of the speech go to the wrong person with this limit, and 14 % with the other one.
const MAX_CLUSTER_DISTANCE_NARROWBAND: f32 = 0.64;
/// A segmentation window with fewer speech frames of the voice activity detector is taken as silence, without running
/// the network: 0.1 s. So recordings of an empty room take little time.
const MIN_SPEECH_FRAMES: u32 = 6;

/// A diarizer that clusters the embeddings of a [`VoiceEncoder`], guided by a [`Segmentation`].
pub struct ClusteringDiarizer {
    segmentation: Segmentation,
    encoder: Box<dyn VoiceEncoder>,
    cache: Option<EmbeddingCache>,
    detector: VoiceActivityDetector,
    bandwidth: NarrowbandDetector,
    /// Cumulative number of speech frames of the voice activity detector before each frame.
    speech_frames: Vec<u32>,
    grid: SegmentationGrid,
    /// The latest samples, from sample `start` of the recording on.
    samples: Vec<f32>,
    start: u64,
    /// Number of samples pushed.
    pushed: u64,
    /// First sample of the next window that may get an embedding.
    next_start: u64,
    /// First samples of windows that wait for their embedding.
    pending: Vec<u64>,
    embeddings: Vec<WindowEmbedding>,
}

impl ClusteringDiarizer {
    /// A diarizer for one recording.
    pub fn new(segmentation: Segmentation, encoder: Box<dyn VoiceEncoder>) -> Self {
        Self {
            segmentation,
            encoder,
            cache: None,
            detector: VoiceActivityDetector::new(),
            bandwidth: NarrowbandDetector::new(),
            speech_frames: vec![0],
            grid: SegmentationGrid::default(),
            samples: Vec::new(),
            start: 0,
            pushed: 0,
            next_start: 0,
            pending: Vec::new(),
            embeddings: Vec::new(),
        }
    }

    /// Caches the results of the networks in the file `path`, and uses those that it holds already. Replaces entries
    /// that are damaged or belong to other samples, another encoder or another version. Works without a cache if the
    /// file cannot be opened.
    #[must_use]
    pub fn with_cache(self, path: &Path) -> Self {
        let cache = EmbeddingCache::open(path, self.encoder.name())
            .inspect_err(|error| tracing::warn!(%error, "the embedding cache cannot be used"))
            .ok();
        Self { cache, ..self }
    }

    /// The cached result for `key`, else the result of `compute`, which is then cached.
    fn cached_or(
        cache: &mut Option<EmbeddingCache>,
        key: &BatchKey,
        compute: impl FnOnce() -> Result<Vec<u8>, DiarizeError>,
    ) -> Result<Vec<u8>, DiarizeError> {
        if let Some(result) = cache.as_mut().and_then(|cache| cache.next(key)) {
            return Ok(result);
        }
        let result = compute()?;
        if let Some(file) = cache
            && let Err(error) = file.add(key, &result)
        {
            tracing::warn!(%error, "the embedding cache cannot be used");
            *cache = None;
        }
        Ok(result)
    }

    /// Runs the segmentation network on the next `count` windows, and adds them to the grid.
    fn segment_windows(&mut self, count: usize) -> Result<(), DiarizeError> {
        let first = self.grid.windows();
        let starts: Vec<usize> =
            (first..first + count).map(|number| self.offset(window_samples(number).start)).collect();
        let samples = &self.samples[starts[0]..starts[count - 1] + WINDOW];
        let key = BatchKey::new([(window_samples(first).start, samples)]);
        let has_speech: Vec<bool> = (first..first + count)
            .map(|number| self.speech_frames_in(window_samples(number)) >= MIN_SPEECH_FRAMES)
            .collect();
        let (network, all) = (&self.segmentation, &self.samples);
        let result = Self::cached_or(&mut self.cache, &key, || {
            let starts = starts.iter().zip(&has_speech).filter(|(_, has_speech)| **has_speech);
            let starts: Vec<usize> = starts.map(|(start, _)| *start).collect();
            let mut segmented = network
                .class_probabilities(all, &starts)
                .into_iter()
                .map(|window| WindowSegmentation::new(&window));
            let mut window = |has_speech: &bool| {
                has_speech.then(|| segmented.next()).flatten().unwrap_or_else(WindowSegmentation::silent)
            };
            let windows: Vec<WindowSegmentation> = has_speech.iter().map(&mut window).collect();
            Ok(windows.iter().flat_map(|window| window.to_bytes().collect::<Vec<_>>()).collect())
        })?;
        for window in result.chunks(WindowSegmentation::BYTES) {
            let window = WindowSegmentation::from_bytes(window);
            self.grid.add(window.map_err(|_| self.failed())?);
        }
        if self.grid.windows() == first + count { Ok(()) } else { Err(self.failed()) }
    }

    /// The number of speech frames of the voice activity detector in a range of samples.
    fn speech_frames_in(&self, samples: Range<u64>) -> u32 {
        let frame = |sample: u64| ((sample / FRAME as u64) as usize).min(self.speech_frames.len() - 1);
        self.speech_frames[frame(samples.end)] - self.speech_frames[frame(samples.start)]
    }

    /// Runs the voice activity detector on the new samples.
    fn detect_speech(&mut self) {
        let from = self.offset((self.speech_frames.len() - 1) as u64 * FRAME as u64);
        for frame in self.samples[from..].as_chunks::<FRAME>().0 {
            let before = self.speech_frames.last().copied().unwrap_or(0);
            self.speech_frames.push(before + u32::from(self.detector.is_speech(frame)));
        }
    }

    fn failed(&self) -> DiarizeError {
        DiarizeError::Failed { what: self.encoder.name().to_owned() }
    }

    /// The index in `samples` of a sample of the recording.
    fn offset(&self, sample: u64) -> usize {
        (sample - self.start) as usize
    }

    /// Selects the windows that get an embedding, among those whose frames no later segmentation window changes, or up
    /// to sample `end` of a finished recording. Encodes them whenever a batch is full.
    fn select_windows(&mut self, end: Option<u64>, control: &dyn Control) -> Result<(), DiarizeError> {
        let length = self.encoder.window() as u64;
        loop {
            let mut start = self.next_start;
            match end {
                None if frame_at(start + length) > self.grid.settled() => break,
                // The last window ends with the recording.
                Some(end) if start + length > end => {
                    start = end.saturating_sub(length);
                    let before = self.next_start.checked_sub(HOP);
                    if start >= end || before.is_some_and(|before| start < before + HOP / 2) {
                        break;
                    }
                }
                _ => {}
            }
            let last = end.is_some_and(|end| start + length >= end);
            let length = end.map_or(length, |end| length.min(end - start));
            if self.grid.speech_shares(frames(start, length)).0 >= MIN_SPEECH_SHARE {
                self.pending.push(start);
            }
            self.next_start = start + HOP;
            if self.pending.len() == BATCH_WINDOWS {
                check_cancelled(control)?;
                self.encode_pending()?;
            }
            if last {
                break;
            }
        }
        Ok(())
    }

    /// Makes the embeddings of the pending windows.
    fn encode_pending(&mut self) -> Result<(), DiarizeError> {
        let starts = std::mem::take(&mut self.pending);
        let (samples, first, length) = (&self.samples, self.start, self.encoder.window());
        let end = |start: u64| ((start - first) as usize + length).min(samples.len());
        let lengths: Vec<u64> = starts.iter().map(|start| end(*start) as u64 + first - start).collect();
        let runs =
            starts.chunk_by(|start, next| next - start == HOP).flat_map(|run| run.chunks(EXCERPT_WINDOWS));
        let excerpts: Vec<(u64, &[f32])> =
            runs.map(|run| (run[0], &samples[(run[0] - first) as usize..end(run[run.len() - 1])])).collect();
        let key = BatchKey::new(excerpts.iter().copied());
        let encoder = &mut self.encoder;
        let result = Self::cached_or(&mut self.cache, &key, || {
            let excerpts: Vec<&[f32]> = excerpts.iter().map(|(_, samples)| *samples).collect();
            let vectors = embed_windows(encoder.as_mut(), &excerpts)?;
            Ok(vectors.iter().flatten().flat_map(|number| number.to_le_bytes()).collect())
        })?;
        let numbers: Vec<f32> = result.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        let width = numbers.len() / starts.len();
        if width == 0 || numbers.len() != width * starts.len() {
            return Err(self.failed());
        }
        let embeddings = starts.iter().zip(lengths).zip(numbers.chunks_exact(width));
        self.embeddings.extend(embeddings.map(|((start, length), vector)| WindowEmbedding {
            frames: frames(*start, length),
            vector: vector.to_vec(),
        }));
        Ok(())
    }

    /// Drops samples that no later window needs.
    fn drop_samples(&mut self) {
        let needed = window_samples(self.grid.windows()).start.min(self.next_start);
        let needed = self.pending.first().map_or(needed, |first| needed.min(*first)).min(self.pushed);
        let count = self.offset(needed);
        // Not every time, because the remaining samples have to be moved.
        if count > 4 * WINDOW {
            self.samples.drain(..count);
            self.start = needed;
        }
    }
}

/// The frames of a window of `length` samples.
fn frames(start: u64, length: u64) -> Range<usize> {
    frame_at(start)..frame_at(start + length)
}

impl Diarizer for ClusteringDiarizer {
    fn method(&self) -> &'static str {
        "voices"
    }

    fn model(&self) -> String {
        self.encoder.name().to_owned()
    }

    fn push(&mut self, samples: &[f32], control: &dyn Control) -> Result<(), DiarizeError> {
        for second in samples.chunks(SAMPLE_RATE as usize) {
            self.samples.extend(second.iter().map(|s| if s.is_nan() { 0.0 } else { s.clamp(-1.0, 1.0) }));
            let new = self.samples.len() - second.len();
            self.bandwidth.push(&self.samples[new..]);
            self.pushed += second.len() as u64;
            self.detect_speech();
            while window_samples(self.grid.windows() + SEGMENTATION_BATCH - 1).end <= self.pushed {
                check_cancelled(control)?;
                self.segment_windows(SEGMENTATION_BATCH)?;
                self.select_windows(None, control)?;
                self.drop_samples();
            }
            control.progress(self.pushed);
        }
        check_cancelled(control)
    }

    fn finish(
        &mut self,
        expected: ExpectedSpeakers,
        control: &dyn Control,
    ) -> Result<Diarization, DiarizeError> {
        let end = self.pushed;
        // Add windows until they cover the recording, with silence after its end.
        let covered = |windows: usize| windows.checked_sub(1).map_or(0, |last| window_samples(last).end);
        let mut windows = self.grid.windows();
        while covered(windows) < end {
            windows += 1;
        }
        self.samples.resize(self.offset(covered(windows).max(end)), 0.0);
        while self.grid.windows() < windows {
            check_cancelled(control)?;
            self.segment_windows(SEGMENTATION_BATCH.min(windows - self.grid.windows()))?;
        }
        self.samples.truncate(self.offset(end));
        self.select_windows(Some(end), control)?;
        check_cancelled(control)?;
        if !self.pending.is_empty() {
            self.encode_pending()?;
        }
        check_cancelled(control)?;
        let embeddings = std::mem::take(&mut self.embeddings);
        let owned = owned_windows(&self.grid, &embeddings);
        let max_distance = match self.bandwidth.is_narrowband() {
            true => MAX_CLUSTER_DISTANCE_NARROWBAND,
            false => MAX_CLUSTER_DISTANCE,
        };
        let speakers = speaker_vectors(&self.grid, &embeddings, &owned, expected, max_distance);
        let (turns, solo) = turns::assign(&self.grid, &embeddings, &owned, &speakers, end);
        let embeddings = solo
            .into_iter()
            .map(|SoloSpeech { sum, speech_ms }| VoiceEmbedding::of_sum(self.encoder.name(), sum, speech_ms));
        Ok(Diarization { embeddings: embeddings.collect(), turns })
    }
}

impl std::fmt::Debug for ClusteringDiarizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClusteringDiarizer").field("pushed", &self.pushed).finish_non_exhaustive()
    }
}
