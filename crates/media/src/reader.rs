//! Reads a file from start to end, as mono at 16 kHz.

use crate::decoder::{self, Decoder};
use crate::downmix;
use crate::error::MediaError;
use crate::probe::ms;
use crate::resample::{RATES, Resampler};
use crate::seek_index::{DecodedBy, SeekIndex, TrackIndex};
use crate::stream_selection::StreamSelection;
use crate::tools::Tools;
use std::fmt;
use std::path::Path;
use transcript::SAMPLE_RATE;

/// What is missing from the sound that a [`Reader`] gave. Its `Display` is a clause for the owner of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shortfall {
    /// The file ends, or cannot be read on, before the end its header states.
    EndsEarly {
        /// How much could be read, in milliseconds.
        read_ms: u32,
    },
    /// Damaged parts were skipped. Silence takes their place where their length is known.
    Gaps {
        /// Milliseconds of silence given in their place; 0 if their length is not known.
        lost_ms: u32,
    },
}

impl fmt::Display for Shortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |ms: u32| f64::from(ms) / 1000.0;
        match *self {
            Self::EndsEarly { read_ms } => {
                write!(f, "the file ends early: {:.1} s could be read", seconds(read_ms))
            }
            Self::Gaps { lost_ms } if lost_ms >= 100 => {
                write!(f, "parts of the file are damaged and were skipped: {:.1} s in all", seconds(lost_ms))
            }
            Self::Gaps { .. } => f.write_str("parts of the file are damaged and were skipped"),
        }
    }
}

/// The sound of one file, from start to end, as mono at 16 kHz.
///
/// Times are those of a player: gaps between timestamps are silence, and the encoder's delay is cut off. Tracks that
/// belong together are mixed. Memory does not depend on the length of the recording.
pub struct Reader {
    /// One track, or each of the tracks that belong together.
    tracks: Vec<TrackReader>,
    /// Bytes in the file when it was opened.
    file_len: u64,
    out: Vec<f32>,
    /// Number of samples of `out` that have been given.
    given: usize,
    position: u64,
    ended: bool,
}

/// One track, resampled to 16 kHz.
struct TrackReader {
    decoder: Decoder,
    resampler: Option<Resampler>,
    /// Samples produced so far.
    produced: u64,
    /// Samples that wait for those of the other tracks.
    waiting: Vec<f32>,
    ended: bool,
}

/// Samples of several tracks that are mixed at once: 0.1 s.
const BLOCK: usize = SAMPLE_RATE as usize / 10;

/// Fewest samples that one call of [`Reader::read`] gives, except at the end: 0.1 s.
const SHORTEST_RUN: usize = SAMPLE_RATE as usize / 10;
/// Most samples that one call of [`Reader::read`] gives: 1 s.
const LONGEST_RUN: usize = SAMPLE_RATE as usize;

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("position", &self.position)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

impl Reader {
    /// Opens the file at `path` and decodes its first sound.
    ///
    /// # Errors
    /// The same as [`probe`](crate::probe()).
    pub fn open(path: &Path, tools: &Tools) -> Result<Self, MediaError> {
        Self::open_selection(path, tools, StreamSelection::All)
    }

    /// As [`open`](Self::open), for one channel or track; see [`separate_streams`](crate::separate_streams).
    ///
    /// # Errors
    /// The same as [`probe`](crate::probe()), and `NoAudioTrack` for a track that is not one of those that belong
    /// together.
    pub fn open_selection(
        path: &Path,
        tools: &Tools,
        selection: StreamSelection,
    ) -> Result<Self, MediaError> {
        let decoders = decoder::open(path, tools, selection, false)?;
        let file_len = path.metadata().map_err(MediaError::Io)?.len();
        let tracks = decoders.into_iter().map(TrackReader::new).collect();
        Ok(Self { tracks, file_len, out: Vec::new(), given: 0, position: 0, ended: false })
    }

    /// The next samples: mono, 16 kHz, all finite, nominally within −1 to 1, 0.1 to 1 s of them except at the end.
    /// `None` at the end, and ever after.
    ///
    /// # Errors
    /// If the disk fails or `ffmpeg` hangs. Damage in the file is no error, see [`shortfall`](Self::shortfall).
    pub fn read(&mut self) -> Result<Option<&[f32]>, MediaError> {
        if self.given == self.out.len() {
            self.out.clear();
            self.given = 0;
        }
        while self.out.len() - self.given < SHORTEST_RUN && !self.ended {
            self.fill()?;
        }
        let run = self.given..self.out.len().min(self.given + LONGEST_RUN);
        if run.is_empty() {
            return Ok(None);
        }
        self.given = run.end;
        self.position += run.len() as u64;
        Ok(Some(&self.out[run]))
    }

    /// Samples given so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The seek index for [`Playback`](crate::Playback), whose times are those of this reader. `None` before the end.
    pub fn seek_index(&self) -> Option<SeekIndex> {
        if !self.ended {
            return None;
        }
        let decoded_by = self.tracks.iter().map(|track| match &track.decoder {
            Decoder::Native(_) => DecodedBy::Native,
            Decoder::Ffmpeg(ffmpeg) if ffmpeg.is_corrected() => DecodedBy::FfmpegCorrected,
            Decoder::Ffmpeg(_) => DecodedBy::Ffmpeg,
        });
        let decoded_by = decoded_by.max().unwrap_or(DecodedBy::Native);
        let tracks = self.tracks.iter().map(TrackReader::index).collect();
        Some(SeekIndex { file_len: self.file_len, decoded_by, tracks })
    }

    /// What is missing from the samples given. Complete only after [`read`](Self::read) has returned `None`.
    pub fn shortfall(&self) -> Option<Shortfall> {
        let read = self.position as f64 / f64::from(SAMPLE_RATE);
        let (mut early, mut damaged, mut lost) = (false, false, 0.0_f64);
        for track in &self.tracks {
            let losses = track.decoder.losses(track.ended);
            // A track is silent from its own end to that of the longest track.
            let behind = read - track.produced as f64 / f64::from(SAMPLE_RATE);
            let is_last = behind <= LAST_TOGETHER;
            early |= losses.ends_early && is_last;
            damaged |= losses.damaged || losses.ends_early;
            // Damage mostly affects all tracks at once, so the largest loss counts, not the sum.
            lost = lost.max(losses.lost + if losses.ends_early && !is_last { behind } else { 0.0 });
        }
        match (early, damaged) {
            (true, _) => Some(Shortfall::EndsEarly { read_ms: ms(read) }),
            (false, true) => Some(Shortfall::Gaps { lost_ms: ms(lost) }),
            (false, false) => None,
        }
    }

    /// Appends samples to `out`, or sets `ended`.
    fn fill(&mut self) -> Result<(), MediaError> {
        if let [track] = &mut *self.tracks {
            track.fill(&mut self.out)?;
            self.ended = track.ended;
            return Ok(());
        }
        let mut len = 0;
        for track in &mut self.tracks {
            let mut waiting = std::mem::take(&mut track.waiting);
            while waiting.len() < BLOCK && !track.ended {
                track.fill(&mut waiting)?;
            }
            len = len.max(waiting.len().min(BLOCK));
            track.waiting = waiting;
        }
        let blocks = self.tracks.iter().map(|track| &track.waiting[..track.waiting.len().min(len)]);
        downmix::mix_tracks(&blocks.collect::<Vec<_>>(), len, &mut self.out);
        for track in &mut self.tracks {
            track.waiting.drain(..track.waiting.len().min(len));
        }
        self.ended = len < BLOCK;
        Ok(())
    }
}

/// When a file ends early, the ends of its tracks differ by at most this many seconds.
const LAST_TOGETHER: f64 = 5.0;

impl TrackReader {
    fn new(decoder: Decoder) -> Self {
        Self { decoder, resampler: None, produced: 0, waiting: Vec::new(), ended: false }
    }

    /// Appends samples to `out`, or sets `ended`.
    fn fill(&mut self, out: &mut Vec<f32>) -> Result<(), MediaError> {
        let before = out.len();
        self.decode(out)?;
        self.produced += (out.len() - before) as u64;
        Ok(())
    }

    fn decode(&mut self, out: &mut Vec<f32>) -> Result<(), MediaError> {
        if !self.decoder.next()? {
            self.ended = true;
            if let Some(resampler) = self.resampler.take() {
                resampler.finish(out);
            }
            return Ok(());
        }
        let rate = self.decoder.rate();
        if let Some(old) = self.resampler.take_if(|r| r.rate() != rate) {
            old.finish(out);
        }
        let resampler = match &mut self.resampler {
            Some(resampler) => resampler,
            none => none.insert(Resampler::new(rate, SAMPLE_RATE)?),
        };
        resampler.push(self.decoder.samples(), out);
        Ok(())
    }

    /// The seek index of the track, once it has ended.
    fn index(&self) -> TrackIndex {
        let known = |rate: u32| if RATES.contains(&rate) { rate } else { SAMPLE_RATE };
        match &self.decoder {
            Decoder::Native(native) => TrackIndex {
                rate: known(native.first_rate()),
                frames: native.position(),
                marks: native.marks().to_vec(),
            },
            Decoder::Ffmpeg(ffmpeg) => {
                let rate = known(ffmpeg.info().sample_rate);
                let frames = self.produced * u64::from(rate) / u64::from(SAMPLE_RATE);
                TrackIndex { rate, frames, marks: Vec::new() }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_can_be_moved_to_another_thread() {
        fn assert_send<T: Send>() {}
        assert_send::<Reader>();
    }

    #[test]
    fn a_shortfall_is_a_clause() {
        let clause = Shortfall::EndsEarly { read_ms: 3_120 }.to_string();
        assert_eq!(clause, "the file ends early: 3.1 s could be read");
        assert_eq!(
            Shortfall::Gaps { lost_ms: 0 }.to_string(),
            "parts of the file are damaged and were skipped"
        );
        assert_eq!(
            Shortfall::Gaps { lost_ms: 1_500 }.to_string(),
            "parts of the file are damaged and were skipped: 1.5 s in all"
        );
    }
}
