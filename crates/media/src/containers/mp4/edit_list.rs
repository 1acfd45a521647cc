//! Edit lists: which ranges of a track are played, and when (ISO/IEC 14496-12, 8.6.6).
//!
//! The ranges that the edit list of a track names are played in order, with silence where the list has an empty edit.
//! Ranges in another order than in the file cannot be read from start to end; such files are left to `ffmpeg`.

use super::{Movie, Track};
use crate::containers::bytes_at;
use std::ops::Range;

/// Edits kept per track.
pub(super) const MAX_EDITS: usize = 1000;

/// One entry of an edit list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edit {
    /// In units of the movie.
    duration: u64,
    /// In units of the track; negative for an empty edit.
    start: i64,
    /// The media does not move while the edit lasts.
    is_dwell: bool,
}

/// A range of a track that is played, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct PlayedRange {
    /// When it is played.
    pub(crate) presented: f64,
    /// Where in the track it begins.
    pub(crate) from: f64,
    /// Where in the track it ends; infinite for a last range without end.
    pub(crate) to: f64,
}

impl PlayedRange {
    /// Which of `len` samples at `rate` belong to the range, and when the first of them is played. The first of the
    /// `len` samples is at `at` seconds in the track.
    pub(crate) fn clip(&self, at: f64, len: usize, rate: u32) -> (f64, Range<usize>) {
        // A cast from float saturates: what lies before is 0.
        let samples = |seconds: f64| (seconds * f64::from(rate)).round() as usize;
        let (from, to) = (samples(self.from - at).min(len), samples(self.to - at).min(len));
        (self.presented + at + from as f64 / f64::from(rate) - self.from, from..to.max(from))
    }

    /// When it ends, in a track of this length in seconds; `None` if that is not known.
    pub(crate) fn end(&self, track_length: Option<f64>) -> Option<f64> {
        let to = track_length.map_or(self.to, |length| self.to.min(length));
        Some(self.presented + to - self.from).filter(|end| end.is_finite())
    }
}

impl Movie {
    /// The ranges of a track that are played, in order. Empty if all of the track is played.
    ///
    /// Material that was cut out is in none of the ranges; empty edits and dwells are the time between them.
    pub(crate) fn played_ranges(&self, track: &Track) -> Vec<PlayedRange> {
        let seconds = |n: u64, scale: u32| n as f64 / f64::from(scale.max(1));
        let length = if track.duration > 0 { track.seconds() } else { f64::INFINITY };
        let (mut presented, mut ranges) = (0.0, Vec::new());
        for (i, edit) in track.edits.iter().enumerate() {
            let duration = seconds(edit.duration, self.timescale);
            if edit.start < 0 || edit.is_dwell {
                presented += duration;
                continue;
            }
            let from = seconds(edit.start.unsigned_abs(), track.timescale);
            let is_last = i + 1 == track.edits.len();
            // A duration of 0 means up to the end. Fragments come behind anything that a header could count.
            let is_endless = is_last && (edit.duration == 0 || self.fragmented);
            let to = if is_endless { f64::INFINITY } else { from + duration };
            // An edit that plays nothing is a mistake.
            if from < length && to > from {
                ranges.push(PlayedRange { presented, from, to });
                presented += duration;
            }
        }
        ranges
    }

    /// Whether the track cannot be read from start to end: its ranges are in another order than in the file, or more
    /// than are kept.
    pub(crate) fn is_rearranged(&self, track: &Track) -> bool {
        let ranges = self.played_ranges(track);
        track.edits.len() >= MAX_EDITS || ranges.windows(2).any(|pair| pair[1].from < pair[0].to - 0.001)
    }
}

/// Parses the content of an `elst` box.
pub(super) fn parse(body: &[u8]) -> Vec<Edit> {
    let count = bytes_at::u32_be(body, 4).unwrap_or(0) as usize;
    (0..count.min(MAX_EDITS))
        .map_while(|i| {
            if body.first() == Some(&1) {
                let (duration, start) =
                    (bytes_at::u64_be(body, 8 + 20 * i)?, bytes_at::u64_be(body, 16 + 20 * i)?);
                let is_dwell = bytes_at::u32_be(body, 24 + 20 * i)? == 0;
                Some(Edit { duration, start: start.cast_signed(), is_dwell })
            } else {
                let (duration, start) =
                    (bytes_at::u32_be(body, 8 + 12 * i)?, bytes_at::u32_be(body, 12 + 12 * i)?);
                let is_dwell = bytes_at::u32_be(body, 16 + 12 * i)? == 0;
                Some(Edit { duration: u64::from(duration), start: i64::from(start.cast_signed()), is_dwell })
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_clipped_to_a_range() {
        let range = PlayedRange { presented: 2.0, from: 1.0, to: 3.0 };
        assert_eq!(range.clip(0.0, 500, 1000).1, 500..500);
        assert_eq!(range.clip(0.5, 1000, 1000), (2.0, 500..1000));
        assert_eq!(range.clip(1.5, 1000, 1000), (2.5, 0..1000));
        assert_eq!(range.clip(2.5, 1000, 1000).1, 0..500);
        assert!(range.clip(3.5, 1000, 1000).1.is_empty());
        assert_eq!((range.end(Some(2.0)), range.end(None)), (Some(3.0), Some(4.0)));
    }
}
