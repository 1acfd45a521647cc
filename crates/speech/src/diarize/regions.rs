//! Where somebody speaks, and the windows in which the voices are looked at.
//!
//! A region is speech without a pause of more than 0.3 s. It is covered with windows, one every 0.4 s and one at its
//! end; one that is shorter than a window lies in the middle of one. Windows are a function of the samples, whatever
//! the pieces in which these come, so that a later run finds the same ones.

use crate::activity::{Activity, FRAME, energy};
use std::collections::VecDeque;
use std::ops::Range;
use transcript::SAMPLE_RATE;

/// Frames of voice activity in `ms` milliseconds.
pub(super) const fn frames(ms: usize) -> usize {
    ms * (SAMPLE_RATE as usize / 1000) / FRAME
}

/// A pause of more ends a region: beyond it somebody else often goes on.
const PAUSE: usize = frames(300);
/// Speech less than this is a click or a cough.
const LEAST_SPEECH: usize = frames(100);
/// From one window to the next: 0.4 s, as long as a syllable or two.
const EVERY: u64 = SAMPLE_RATE as u64 * 2 / 5;
/// What each window is brought to, as root mean square; −30 dBFS, which is what the GE2E encoder was trained on.
const LEVEL: f32 = 0.031_622_8;
/// Regions that are fainter than the loudest tenth of all speech by this many decibels are not of the meeting. Between
/// somebody at the microphone and somebody at the far end of a table there are 10 to 20.
const FAINT: f32 = 26.0;
const LOUDEST_PART: usize = 10;

/// A window of speech.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Piece {
    /// Number of its first sample in the recording.
    pub(super) start: u64,
    /// The first voiced frame of its region.
    pub(super) region: u32,
    /// As loud as the encoder expects.
    pub(super) samples: Vec<f32>,
}

/// Takes a recording and gives the windows of its speech. Keeps the samples of four seconds.
pub(super) struct Regions {
    length: usize,
    activity: Activity,
    /// The frame that is not complete yet.
    partial: Vec<f32>,
    /// The last samples, from sample `start` on.
    samples: Vec<f32>,
    start: u64,
    /// Runs of voiced frames, and the sum of the squares of the samples of each.
    voiced: Vec<(Range<u32>, f32)>,
    /// First and last voiced frame of the region that may go on, and how many are voiced.
    open: Option<(u32, u32, usize)>,
    /// Number of windows found in it.
    in_open: u64,
    frames: u32,
    /// First samples of windows that have been found, in order, each with its region.
    found: VecDeque<(u64, u32)>,
}

impl Regions {
    /// For windows of `length` samples.
    pub(super) fn new(length: usize) -> Self {
        Self {
            length,
            activity: Activity::new(),
            partial: Vec::with_capacity(FRAME),
            samples: Vec::new(),
            start: 0,
            voiced: Vec::new(),
            open: None,
            in_open: 0,
            frames: 0,
            found: VecDeque::new(),
        }
    }

    /// Takes the next samples and gives the windows that have become complete. What is not a number counts as silence.
    pub(super) fn push(&mut self, samples: &[f32]) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut rest = samples;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.len().min(FRAME - self.partial.len()));
            self.partial.extend(piece.iter().map(|s| if s.is_nan() { 0.0 } else { s.clamp(-1.0, 1.0) }));
            rest = after;
            if self.partial.len() == FRAME {
                self.end_frame();
                self.give(&mut pieces);
            }
        }
        pieces
    }

    /// Ends the recording and gives the last windows.
    pub(super) fn finish(&mut self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        if !self.partial.is_empty() {
            self.partial.resize(FRAME, 0.0);
            self.end_frame();
        }
        self.close();
        self.samples.resize(self.samples.len() + self.length, 0.0);
        self.give(&mut pieces);
        pieces
    }

    /// Runs of voiced frames in which somebody of the meeting speaks: without those that are no speech for being short,
    /// and without what is far fainter than the rest. The detector follows the level of what it hears, so that before
    /// a meeting begins it hears speech in the rustling of an empty room, or next door.
    pub(super) fn voiced(&self) -> Vec<Range<u32>> {
        let runs: Vec<Range<u32>> = self.voiced.iter().map(|(run, _)| run.clone()).collect();
        let regions = regions(&runs);
        let mut levels: Vec<(f32, usize)> = regions
            .iter()
            .map(|region| {
                let frames: usize = runs[region.clone()].iter().map(ExactSizeIterator::len).sum();
                let energy: f32 = self.voiced[region.clone()].iter().map(|(_, energy)| energy).sum();
                (10.0 * (energy / (frames * FRAME) as f32).max(f32::MIN_POSITIVE).log10(), frames)
            })
            .collect();
        let of_regions = levels.clone();
        levels.sort_by(|a, b| b.0.total_cmp(&a.0));
        let all: usize = levels.iter().map(|(_, frames)| frames).sum();
        let mut louder = 0;
        let usual = levels.iter().find(|(_, frames)| {
            louder += frames;
            louder * LOUDEST_PART > all
        });
        let least = usual.map_or(f32::NEG_INFINITY, |(level, _)| level - FAINT);
        let heard = regions.into_iter().zip(of_regions).filter(|(_, (level, _))| *level >= least);
        heard.flat_map(|(region, _)| runs[region].iter().cloned()).collect()
    }

    fn end_frame(&mut self) {
        let frame: &[f32; FRAME] = self.partial.as_slice().try_into().expect("a complete frame");
        let voiced = self.activity.voiced(frame);
        let energy = energy(frame);
        self.samples.extend_from_slice(frame);
        self.partial.clear();
        let number = self.frames;
        self.frames += 1;
        if voiced {
            match self.voiced.last_mut() {
                Some((run, sum)) if run.end == number => (run.end, *sum) = (number + 1, *sum + energy),
                _ => self.voiced.push((number..number + 1, energy)),
            }
            match &mut self.open {
                Some((_, last, count)) => (*last, *count) = (number, *count + 1),
                None => (self.open, self.in_open) = (Some((number, number, 1)), 0),
            }
        }
        let Some((first, last, _)) = self.open else { return };
        let (begin, end) = (sample(first), sample(last + 1));
        while begin + self.in_open * EVERY + self.length as u64 <= end {
            self.found.push_back((begin + self.in_open * EVERY, first));
            self.in_open += 1;
        }
        if (number - last) as usize > PAUSE {
            self.close();
        }
    }

    /// The open region is over.
    fn close(&mut self) {
        let Some((first, last, count)) = self.open.take() else { return };
        let (begin, end, length) = (sample(first), sample(last + 1), self.length as u64);
        if count < LEAST_SPEECH {
            return;
        }
        if end - begin < length {
            self.found.push_back((begin.saturating_sub((length - (end - begin)) / 2), first));
        } else if end - (begin + (self.in_open - 1) * EVERY + length) >= EVERY / 2 {
            self.found.push_back((end - length, first));
        }
    }

    /// Gives the windows whose samples are all there, and forgets samples that no window will hold.
    fn give(&mut self, pieces: &mut Vec<Piece>) {
        let there = self.start + self.samples.len() as u64;
        while let Some((start, region)) = self.found.front().copied()
            && start + self.length as u64 <= there
        {
            self.found.pop_front();
            let at = (start - self.start) as usize;
            pieces.push(Piece { start, region, samples: levelled(&self.samples[at..at + self.length]) });
        }
        // A region that is closed now may have begun a window and a pause ago, and its window half a window before.
        let kept = 2 * self.length as u64 + sample(PAUSE as u32 + 2);
        let needed = there.saturating_sub(kept).min(self.found.front().map_or(u64::MAX, |(start, _)| *start));
        let unneeded = needed.saturating_sub(self.start);
        // Not at each frame, because the rest moves.
        if unneeded > 4 * self.length as u64 {
            self.samples.drain(..unneeded as usize);
            self.start += unneeded;
        }
    }
}

/// The first sample of a frame.
pub(super) fn sample(frame: u32) -> u64 {
    u64::from(frame) * FRAME as u64
}

/// Which runs of `voiced` belong together: the regions, as ranges of numbers of runs.
pub(super) fn regions(voiced: &[Range<u32>]) -> Vec<Range<usize>> {
    let mut regions: Vec<Range<usize>> = Vec::new();
    for (number, run) in voiced.iter().enumerate() {
        match regions.last_mut() {
            Some(region) if (run.start - voiced[region.end - 1].end) as usize <= PAUSE => region.end += 1,
            _ => regions.push(number..number + 1),
        }
    }
    regions.retain(|region| {
        voiced[region.clone()].iter().map(ExactSizeIterator::len).sum::<usize>() >= LEAST_SPEECH
    });
    regions
}

/// `samples` as loud as the encoder expects.
fn levelled(samples: &[f32]) -> Vec<f32> {
    let level = (energy(samples) / samples.len().max(1) as f32).sqrt();
    let gain = LEVEL / level.max(1e-6);
    samples.iter().map(|sample| sample * gain).collect()
}
