//! What the segmentation network heard in all windows of a recording, put together on one grid of frames.
//!
//! Windows begin 59 frames apart, a little less than a second, so that each frame is heard ten times at different places
//! of a window, and the frames of all windows fall onto one grid.

use super::nn::Wrong;
use super::segmentation::{CLASSES, FRAMES, MIDDLE, STEP, WINDOW};
use std::ops::Range;

/// Speakers that are told apart within a window.
pub(super) const LOCAL: usize = 3;
/// Frames from one window to the next. A hop of 2 s instead costs a sixth more errors (0.43 instead of 0.37 on four
/// excerpts of meetings, in sum).
pub(super) const HOP_FRAMES: usize = 59;
/// The same in samples.
pub(super) const HOP: usize = HOP_FRAMES * STEP;
/// Who speaks in each class, a bit for each speaker.
const SPEAKERS: [u8; CLASSES] = [0, 1, 2, 4, 3, 5, 6];
/// Speech and overlap are kept in so many steps.
const STEPS: f32 = 255.0;
/// A frame is speech from this probability on.
const SPEECH: f32 = 0.5;
/// Two people speak at once from this probability on.
const OVERLAP: f32 = 0.25;

/// What was heard in one window, as it is kept: of each frame who speaks, and how likely it is that anybody does, and
/// that two do.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Window {
    speakers: Vec<u8>,
    speech: Vec<u8>,
    overlap: Vec<u8>,
}

impl Window {
    /// From [`FRAMES`] times [`CLASSES`] probabilities.
    pub(super) fn new(probabilities: &[f32]) -> Self {
        let mut window = Self { speakers: Vec::new(), speech: Vec::new(), overlap: Vec::new() };
        for classes in probabilities.chunks_exact(CLASSES) {
            let likeliest = (0..CLASSES).max_by(|a, b| classes[*a].total_cmp(&classes[*b])).unwrap_or(0);
            let step = |probability: f32| (probability * STEPS).round() as u8;
            window.speakers.push(SPEAKERS[likeliest]);
            window.speech.push(step(1.0 - classes[0]));
            window.overlap.push(step(classes[1 + LOCAL..].iter().sum()));
        }
        window
    }

    /// A window in which nobody speaks.
    pub(super) fn silent() -> Self {
        Self { speakers: vec![0; FRAMES], speech: vec![0; FRAMES], overlap: vec![0; FRAMES] }
    }

    /// Bytes of a window that is kept.
    pub(super) const BYTES: usize = 3 * FRAMES;

    pub(super) fn to_bytes(&self) -> impl Iterator<Item = u8> {
        self.speakers.iter().chain(&self.speech).chain(&self.overlap).copied()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, Wrong> {
        if bytes.len() != Self::BYTES || bytes[..FRAMES].iter().any(|speakers| !SPEAKERS.contains(speakers)) {
            return Err("no window".to_owned());
        }
        let (speakers, rest) = bytes.split_at(FRAMES);
        let (speech, overlap) = rest.split_at(FRAMES);
        Ok(Self { speakers: speakers.to_vec(), speech: speech.to_vec(), overlap: overlap.to_vec() })
    }
}

/// Sums over the windows that heard a frame.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    speech: u32,
    overlap: u32,
    speakers: u16,
    windows: u16,
}

/// All windows of a recording, in order.
#[derive(Debug, Default)]
pub(super) struct Heard {
    frames: Vec<Sums>,
    /// Of each window, who speaks in each frame.
    windows: Vec<Vec<u8>>,
}

impl Heard {
    pub(super) fn add(&mut self, window: Window) {
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

    /// Number of windows.
    pub(super) fn windows(&self) -> usize {
        self.windows.len()
    }

    /// Frames that no later window changes.
    pub(super) fn settled(&self) -> usize {
        self.windows.len() * HOP_FRAMES
    }

    /// Number of frames of a recording of so many samples, as far as they have been heard.
    pub(super) fn frames(&self, samples: u64) -> usize {
        frame_at(samples).min(self.frames.len())
    }

    fn mean(&self, frame: usize, part: impl Fn(&Sums) -> u32) -> f32 {
        self.frames
            .get(frame)
            .filter(|sums| sums.windows > 0)
            .map_or(0.0, |sums| part(sums) as f32 / f32::from(sums.windows))
    }

    /// Whether anybody speaks in a frame.
    pub(super) fn is_speech(&self, frame: usize) -> bool {
        self.mean(frame, |sums| sums.speech) > SPEECH * STEPS
    }

    /// Whether two people speak in a frame.
    pub(super) fn is_overlap(&self, frame: usize) -> bool {
        self.is_speech(frame) && self.mean(frame, |sums| sums.overlap) > OVERLAP * STEPS
    }

    /// How many speak in a frame, by what is likeliest in each window.
    fn speakers(&self, frame: usize) -> u32 {
        self.mean(frame, |sums| u32::from(sums.speakers)).round() as u32
    }

    /// The shares of `frames` in which anybody speaks, and in which exactly one does.
    pub(super) fn shares(&self, frames: Range<usize>) -> (f32, f32) {
        let count = frames.len().max(1) as f32;
        let (mut any, mut one) = (0.0, 0.0);
        for speakers in frames.map(|frame| self.speakers(frame)) {
            any += f32::from(u8::from(speakers >= 1));
            one += f32::from(u8::from(speakers == 1));
        }
        (any / count, one / count)
    }

    /// The windows that heard all of `frames`.
    pub(super) fn windows_of(&self, frames: &Range<usize>) -> Range<usize> {
        let first = (frames.end + HOP_FRAMES - 1).saturating_sub(FRAMES) / HOP_FRAMES;
        let last = frames.start / HOP_FRAMES;
        first.min(self.windows.len())..(last + 1).min(self.windows.len())
    }

    /// For how many of `frames` each speaker of the window `number` speaks in it.
    pub(super) fn active(&self, number: usize, frames: Range<usize>) -> [usize; LOCAL] {
        let first = number * HOP_FRAMES;
        let mut active = [0; LOCAL];
        for speakers in &self.windows[number][frames.start - first..frames.end - first] {
            for (speaker, active) in active.iter_mut().enumerate() {
                *active += usize::from(speakers >> speaker & 1);
            }
        }
        active
    }

    /// What share of the speech in `frames` is that of one speaker, in the mean of the windows that heard all of them.
    pub(super) fn one_speaker(&self, frames: Range<usize>) -> f32 {
        let windows = self.windows_of(&frames);
        let count = windows.len().max(1) as f32;
        let share = |window: usize| {
            let active = self.active(window, frames.clone());
            let all: usize = active.iter().sum();
            active.iter().max().copied().unwrap_or(0) as f32 / all.max(1) as f32
        };
        windows.map(share).sum::<f32>() / count
    }

    /// Calls `each` with the frame and the speaker, for every speaker in every frame of the window `number`.
    pub(super) fn each_active(&self, number: usize, mut each: impl FnMut(usize, usize)) {
        for (frame, speakers) in self.windows[number].iter().enumerate() {
            for speaker in (0..LOCAL).filter(|speaker| speakers >> speaker & 1 == 1) {
                each(number * HOP_FRAMES + frame, speaker);
            }
        }
    }

    /// How many windows heard a frame.
    pub(super) fn times_heard(&self, frame: usize) -> f32 {
        self.frames.get(frame).map_or(0.0, |sums| f32::from(sums.windows))
    }
}

/// The first frame whose middle is not before a sample.
pub(super) fn frame_at(sample: u64) -> usize {
    usize::try_from(sample.saturating_sub(MIDDLE as u64).div_ceil(STEP as u64)).unwrap_or(usize::MAX)
}

/// The sample at which a frame begins, so that the frame before ends there.
pub(super) fn sample_at(frame: usize) -> u64 {
    ((frame * STEP + MIDDLE) as u64).saturating_sub(STEP as u64 / 2)
}

/// The first sample of window `number`, and the one behind its last.
pub(super) fn samples_of(number: usize) -> Range<u64> {
    let first = (number * HOP) as u64;
    first..first + WINDOW as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A window in which `class` is certain in the frames of `range`, else silence.
    fn window(class: usize, range: Range<usize>) -> Window {
        let frame = |frame: usize| {
            let here = if range.contains(&frame) { class } else { 0 };
            (0..CLASSES).map(move |class| f32::from(u8::from(class == here)))
        };
        Window::new(&(0..FRAMES).flat_map(frame).collect::<Vec<_>>())
    }

    #[test]
    fn windows_are_put_together_frame_by_frame() {
        let mut heard = Heard::default();
        // The same moment in both: speaker 0, whose number is 2 in the second.
        heard.add(window(1, 100..200));
        heard.add(window(3, 100 - HOP_FRAMES..200 - HOP_FRAMES));
        assert!(
            !heard.is_speech(99) && heard.is_speech(100) && heard.is_speech(199) && !heard.is_speech(200)
        );
        assert_eq!(heard.shares(150..250), (0.5, 0.5));
        assert_eq!((heard.windows(), heard.settled(), heard.frames(u64::MAX)), (2, 118, FRAMES + 59));
        assert_eq!(heard.active(1, 150..250), [0, 0, 50]);
        // Two at once, by one of two windows.
        heard.add(window(5, 0..FRAMES));
        assert!(heard.is_overlap(150) && !heard.is_overlap(50));
    }

    #[test]
    fn windows_that_heard_a_stretch_hold_all_of_it() {
        let mut heard = Heard::default();
        (0..40).for_each(|_| heard.add(window(0, 0..0)));
        for frames in [0..80, 10..90, 58..140, 59..139, 550..630, 600..689, 2000..2089, 2860..2890] {
            let found = heard.windows_of(&frames);
            for number in 0..40 {
                let first = number * HOP_FRAMES;
                let holds = first <= frames.start && frames.end <= first + FRAMES;
                assert_eq!(found.contains(&number), holds, "{frames:?} in {number} of {found:?}");
            }
        }
    }

    #[test]
    fn what_is_kept_comes_back() {
        let heard = window(4, 5..50);
        let bytes: Vec<u8> = heard.to_bytes().collect();
        assert_eq!(Window::from_bytes(&bytes), Ok(heard));
        assert!(Window::from_bytes(&bytes[1..]).is_err());
        assert!(Window::from_bytes(&vec![7; Window::BYTES]).is_err());
    }

    #[test]
    fn frames_and_samples_fit_together() {
        for frame in [0, 1, 58, 1000] {
            let middle = (frame * STEP + MIDDLE) as u64;
            assert_eq!((frame_at(middle), frame_at(middle + 1)), (frame, frame + 1));
            assert!(sample_at(frame) < middle && middle < sample_at(frame + 1));
        }
        assert_eq!(samples_of(2), (2 * HOP as u64)..(2 * HOP + WINDOW) as u64);
    }
}
