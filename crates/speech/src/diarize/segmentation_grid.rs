//! The results of the segmentation network for all windows of a recording, put together on one grid of frames.
//!
//! Windows start 59 frames apart, a little less than a second, so that the frames of all windows fall onto one grid,
//! and each frame is covered by about ten windows. Local speakers, numbered from 0 to 2, are valid within one window
//! only.

use super::segmentation::{CLASSES, FRAMES, MIDDLE, STEP, WINDOW};
use std::ops::Range;

/// The number of local speakers of a window.
pub(super) const LOCAL_SPEAKERS: usize = 3;
/// Frames from the start of one window to the next. A hop of 2 s instead gives a sixth more errors (error rates of 0.43
/// instead of 0.37, summed over four excerpts of meetings).
pub(super) const HOP_FRAMES: usize = 59;
/// Samples from the start of one window to the next.
pub(super) const HOP: usize = HOP_FRAMES * STEP;
/// The speakers of each class, as one bit per local speaker.
const CLASS_SPEAKERS: [u8; CLASSES] = [0, 1, 2, 4, 3, 5, 6];
/// Probabilities are stored as integers from 0 to this.
const STEPS: f32 = 255.0;
/// A frame is speech above this mean probability.
const SPEECH: f32 = 0.5;
/// Two people speak at once above this mean probability.
const OVERLAP: f32 = 0.25;

/// The segmentation of one window, in compact form.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct WindowSegmentation {
    /// Who speaks in each frame, as one bit per local speaker.
    speakers: Vec<u8>,
    /// The probability of speech in each frame, in [`STEPS`].
    speech: Vec<u8>,
    /// The probability that two people speak in each frame, in [`STEPS`].
    overlap: Vec<u8>,
}

impl WindowSegmentation {
    /// From the probabilities of the classes: [`FRAMES`] × [`CLASSES`].
    pub(super) fn new(probabilities: &[f32]) -> Self {
        let mut window = Self { speakers: Vec::new(), speech: Vec::new(), overlap: Vec::new() };
        for classes in probabilities.chunks_exact(CLASSES) {
            let likeliest = (0..CLASSES).max_by(|a, b| classes[*a].total_cmp(&classes[*b])).unwrap_or(0);
            let step = |probability: f32| (probability * STEPS).round() as u8;
            window.speakers.push(CLASS_SPEAKERS[likeliest]);
            window.speech.push(step(1.0 - classes[0]));
            window.overlap.push(step(classes[1 + LOCAL_SPEAKERS..].iter().sum()));
        }
        window
    }

    /// A window in which nobody speaks.
    pub(super) fn silent() -> Self {
        Self { speakers: vec![0; FRAMES], speech: vec![0; FRAMES], overlap: vec![0; FRAMES] }
    }

    /// Number of bytes of a serialised window.
    pub(super) const BYTES: usize = 3 * FRAMES;

    pub(super) fn to_bytes(&self) -> impl Iterator<Item = u8> {
        self.speakers.iter().chain(&self.speech).chain(&self.overlap).copied()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, MalformedWindow> {
        if bytes.len() != Self::BYTES
            || bytes[..FRAMES].iter().any(|speakers| !CLASS_SPEAKERS.contains(speakers))
        {
            return Err(MalformedWindow);
        }
        let (speakers, rest) = bytes.split_at(FRAMES);
        let (speech, overlap) = rest.split_at(FRAMES);
        Ok(Self { speakers: speakers.to_vec(), speech: speech.to_vec(), overlap: overlap.to_vec() })
    }
}

/// The bytes are not those of a window.
#[derive(Debug, PartialEq)]
pub(super) struct MalformedWindow;

/// Sums over the windows that cover a frame.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    speech: u32,
    overlap: u32,
    speakers: u16,
    windows: u16,
}

/// The windows of a recording so far, in order.
#[derive(Debug, Default)]
pub(super) struct SegmentationGrid {
    frames: Vec<Sums>,
    /// For each window, who speaks in each frame, as one bit per local speaker.
    windows: Vec<Vec<u8>>,
}

impl SegmentationGrid {
    /// Adds the next window.
    pub(super) fn add(&mut self, window: WindowSegmentation) {
        let first = self.windows.len() * HOP_FRAMES;
        self.frames.resize(first + FRAMES, Sums::default());
        let frames = self.frames[first..].iter_mut();
        for (sums, ((speakers, speech), overlap)) in
            frames.zip(window.speakers.iter().zip(&window.speech).zip(&window.overlap))
        {
            sums.speech += u32::from(*speech);
            sums.overlap += u32::from(*overlap);
            sums.speakers += speakers.count_ones() as u16;
            sums.windows += 1;
        }
        self.windows.push(window.speakers);
    }

    /// The number of windows.
    pub(super) fn windows(&self) -> usize {
        self.windows.len()
    }

    /// The number of frames that no later window changes.
    pub(super) fn settled(&self) -> usize {
        self.windows.len() * HOP_FRAMES
    }

    /// The number of frames of a recording of so many samples, as far as windows cover them.
    pub(super) fn frames(&self, samples: u64) -> usize {
        frame_at(samples).min(self.frames.len())
    }

    fn mean(&self, frame: usize, part: impl Fn(&Sums) -> u32) -> f32 {
        self.frames
            .get(frame)
            .filter(|sums| sums.windows > 0)
            .map_or(0.0, |sums| part(sums) as f32 / f32::from(sums.windows))
    }

    /// Whether a frame contains speech.
    pub(super) fn is_speech(&self, frame: usize) -> bool {
        self.mean(frame, |sums| sums.speech) > SPEECH * STEPS
    }

    /// Whether two people speak in a frame.
    pub(super) fn is_overlap(&self, frame: usize) -> bool {
        self.is_speech(frame) && self.mean(frame, |sums| sums.overlap) > OVERLAP * STEPS
    }

    /// How many people speak in a frame: the mean of the likeliest class in each window, rounded.
    fn speakers(&self, frame: usize) -> u32 {
        self.mean(frame, |sums| u32::from(sums.speakers)).round() as u32
    }

    /// The shares of `frames` that contain speech, and speech of exactly one person.
    pub(super) fn speech_shares(&self, frames: Range<usize>) -> (f32, f32) {
        let count = frames.len().max(1) as f32;
        let (mut any, mut one) = (0.0, 0.0);
        for speakers in frames.map(|frame| self.speakers(frame)) {
            any += f32::from(u8::from(speakers >= 1));
            one += f32::from(u8::from(speakers == 1));
        }
        (any / count, one / count)
    }

    /// The windows that cover all of `frames`.
    pub(super) fn windows_covering(&self, frames: &Range<usize>) -> Range<usize> {
        let first = (frames.end + HOP_FRAMES - 1).saturating_sub(FRAMES) / HOP_FRAMES;
        let last = frames.start / HOP_FRAMES;
        first.min(self.windows.len())..(last + 1).min(self.windows.len())
    }

    /// In how many of `frames` each local speaker of window `number` speaks.
    pub(super) fn active_frames(&self, number: usize, frames: Range<usize>) -> [usize; LOCAL_SPEAKERS] {
        let first = number * HOP_FRAMES;
        let mut active = [0; LOCAL_SPEAKERS];
        for speakers in &self.windows[number][frames.start - first..frames.end - first] {
            for (speaker, active) in active.iter_mut().enumerate() {
                *active += usize::from(speakers >> speaker & 1);
            }
        }
        active
    }

    /// The share of the speech in `frames` that one speaker has: the mean over the windows that cover all of them.
    pub(super) fn dominant_share(&self, frames: Range<usize>) -> f32 {
        let windows = self.windows_covering(&frames);
        let count = windows.len().max(1) as f32;
        let share = |window: usize| {
            let active = self.active_frames(window, frames.clone());
            let all: usize = active.iter().sum();
            active.iter().max().copied().unwrap_or(0) as f32 / all.max(1) as f32
        };
        windows.map(share).sum::<f32>() / count
    }

    /// Calls `action` with the frame and the local speaker, for every speaker in every frame of window `number`.
    pub(super) fn for_each_active(&self, number: usize, mut action: impl FnMut(usize, usize)) {
        for (frame, speakers) in self.windows[number].iter().enumerate() {
            for speaker in (0..LOCAL_SPEAKERS).filter(|speaker| speakers >> speaker & 1 == 1) {
                action(number * HOP_FRAMES + frame, speaker);
            }
        }
    }

    /// The number of windows that cover a frame.
    pub(super) fn window_count(&self, frame: usize) -> f32 {
        self.frames.get(frame).map_or(0.0, |sums| f32::from(sums.windows))
    }
}

/// The first frame whose middle is not before `sample`.
pub(super) fn frame_at(sample: u64) -> usize {
    usize::try_from(sample.saturating_sub(MIDDLE as u64).div_ceil(STEP as u64)).unwrap_or(usize::MAX)
}

/// The sample at which a frame starts and the frame before it ends.
pub(super) fn sample_at(frame: usize) -> u64 {
    ((frame * STEP + MIDDLE) as u64).saturating_sub(STEP as u64 / 2)
}

/// The samples of window `number`.
pub(super) fn window_samples(number: usize) -> Range<u64> {
    let first = (number * HOP) as u64;
    first..first + WINDOW as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A window in which `class` is certain in the frames of `range`, and silence elsewhere.
    fn window(class: usize, range: Range<usize>) -> WindowSegmentation {
        let frame = |frame: usize| {
            let here = if range.contains(&frame) { class } else { 0 };
            (0..CLASSES).map(move |class| f32::from(u8::from(class == here)))
        };
        WindowSegmentation::new(&(0..FRAMES).flat_map(frame).collect::<Vec<_>>())
    }

    #[test]
    fn windows_are_combined_frame_by_frame() {
        let mut grid = SegmentationGrid::default();
        // The same moment in both windows: local speaker 0 of the first is local speaker 2 of the second.
        grid.add(window(1, 100..200));
        grid.add(window(3, 100 - HOP_FRAMES..200 - HOP_FRAMES));
        assert!(!grid.is_speech(99) && grid.is_speech(100) && grid.is_speech(199) && !grid.is_speech(200));
        assert_eq!(grid.speech_shares(150..250), (0.5, 0.5));
        assert_eq!((grid.windows(), grid.settled(), grid.frames(u64::MAX)), (2, 118, FRAMES + 59));
        assert_eq!(grid.active_frames(1, 150..250), [0, 0, 50]);
        // Two people at once, according to one of two windows.
        grid.add(window(5, 0..FRAMES));
        assert!(grid.is_overlap(150) && !grid.is_overlap(50));
    }

    #[test]
    fn windows_covering_a_range_hold_all_of_it() {
        let mut grid = SegmentationGrid::default();
        (0..40).for_each(|_| grid.add(window(0, 0..0)));
        for frames in [0..80, 10..90, 58..140, 59..139, 550..630, 600..689, 2000..2089, 2860..2890] {
            let found = grid.windows_covering(&frames);
            for number in 0..40 {
                let first = number * HOP_FRAMES;
                let holds = first <= frames.start && frames.end <= first + FRAMES;
                assert_eq!(found.contains(&number), holds, "{frames:?} in {number} of {found:?}");
            }
        }
    }

    #[test]
    fn a_window_can_be_written_and_read() {
        let segmentation = window(4, 5..50);
        let bytes: Vec<u8> = segmentation.to_bytes().collect();
        assert_eq!(WindowSegmentation::from_bytes(&bytes), Ok(segmentation));
        assert!(WindowSegmentation::from_bytes(&bytes[1..]).is_err());
        assert!(WindowSegmentation::from_bytes(&vec![7; WindowSegmentation::BYTES]).is_err());
    }

    #[test]
    fn frames_and_samples_correspond() {
        for frame in [0, 1, 58, 1000] {
            let middle = (frame * STEP + MIDDLE) as u64;
            assert_eq!((frame_at(middle), frame_at(middle + 1)), (frame, frame + 1));
            assert!(sample_at(frame) < middle && middle < sample_at(frame + 1));
        }
        assert_eq!(window_samples(2), (2 * HOP as u64)..(2 * HOP + WINDOW) as u64);
    }
}
