//! Plays a recording from any moment, as 16-bit mono.
//!
//! This is the one place where a file is not read from its start. The [`Reader`], which never seeks, decides what a
//! word's time means. Seeking in containers differs by format and is not exact, so positions here come from the seek
//! marks that a complete reading leaves behind ([`SeekIndex`]). A demuxer's seeking only serves to get near a mark, and
//! the packet found there is compared with the mark. Nothing that is stored depends on what is decoded here.
//!
//! A recording that has not been read to its end has no marks. Then a position is reached by the timestamps of its
//! container or, where there are none, by adding up what its packets state. That is right for files without damage.
//!
//! What is played has one format: 16-bit mono at the file's own rate, if that is a common one up to 48 kHz; lower where
//! it would not fit into a WAV file of 4 GiB.
//!
//! Each of the tracks that belong together has its own demuxer and its own marks, and they are mixed as the [`Reader`]
//! does. So starting `n` tracks costs `n` times as much. A track that is silent for long is searched for through the
//! file; one that has ended is known from the index, and not opened.
//!
//! [`Reader`]: crate::Reader

mod length;
mod track_stream;

use crate::decoder::{self, Decoder};
use crate::downmix;
use crate::error::MediaError;
use crate::ffmpeg::FfmpegDecoder;
use crate::ffmpeg::process::FfmpegOptions;
use crate::native::NativeDecoder;
use crate::seek_index::{DecodedBy, MAX_MARKS, Mark, SeekIndex};
use crate::stream_selection::StreamSelection;
use crate::tools::Tools;
use length::{FALLBACK_RATE, Length};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use track_stream::{StartPoint, TrackDecoder, TrackStream};

/// A recording that can be played from any moment. Cheap to clone; holds no open file.
#[derive(Debug, Clone)]
pub struct Playback(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    tools: Tools,
    /// Bytes in the file when it was measured.
    file_len: u64,
    /// Samples per second of what is played.
    rate: u32,
    /// Samples of the whole recording, at `rate`.
    frames: u64,
    /// What decoded the file, as far as is known.
    decoded_by: DecodedBy,
    /// The tracks that are mixed, in the order of the file; one for most files.
    tracks: Vec<Track>,
}

/// What is known of a track.
#[derive(Debug, Default)]
struct Track {
    /// Marks of a complete reading; empty if there was none.
    marks: Vec<Mark>,
    /// Rate at which the positions of marks are counted.
    marks_rate: u32,
    /// Length at that rate, after a complete reading.
    frames: Option<u64>,
    /// Marks found while playing, if there are none of a complete reading.
    found: Mutex<Vec<Mark>>,
}

impl Playback {
    /// Prepares the recording at `path` for playing. `index` is what [`SeekIndex::to_bytes`] gave for this file; one
    /// that is damaged or of another file is ignored. `duration_ms` is the supposed length, used if there is no index.
    ///
    /// Blocks. Quick with an index. Without one, the file is probed, and if nothing states its length, read through.
    ///
    /// # Errors
    /// The same as [`probe`](crate::probe()).
    pub fn new(
        path: &Path,
        tools: &Tools,
        index: Option<&[u8]>,
        duration_ms: Option<u32>,
    ) -> Result<Self, MediaError> {
        let file_len = path.metadata().map_err(MediaError::Io)?.len();
        let mut index = index.and_then(|bytes| SeekIndex::from_bytes(bytes, file_len));
        // An index of a single track may come from a version that read only one of several.
        if index
            .as_ref()
            .is_some_and(|index| index.decoded_by == DecodedBy::Native && index.tracks.len() == 1)
            && decoder::may_have_tracks(path)?
            && decoder::open(path, tools, StreamSelection::All, false)
                .is_ok_and(|decoders| decoders.len() > 1)
        {
            index = None;
        }
        let length = match &index {
            Some(index) => Length { frames: index.frames(), rate: index.rate() },
            None => Length { frames: 0, rate: 0 },
        };
        let decoded_by = index.as_ref().map_or(DecodedBy::Native, |index| index.decoded_by);
        let known = index.into_iter().flat_map(|index| index.tracks).map(|track| Track {
            marks: track.marks,
            marks_rate: track.rate,
            frames: Some(track.frames),
            found: Mutex::default(),
        });
        let mut inner = Inner {
            path: path.to_owned(),
            tools: tools.clone(),
            file_len,
            rate: 0,
            frames: 0,
            decoded_by,
            tracks: known.collect(),
        };
        let length = if length.rate > 0 { length } else { inner.measure(duration_ms)? };
        (inner.rate, inner.frames) = length.for_playback();
        Ok(Self(Arc::new(inner)))
    }

    /// Samples per second of what is played: those of the file, if that is a common rate.
    pub fn sample_rate(&self) -> u32 {
        self.0.rate
    }

    /// Samples of the whole recording. As 16-bit sound they take less than 4 GiB.
    pub fn frames(&self) -> u64 {
        self.0.frames
    }

    /// Starts playing at the sample `from`. Blocks.
    ///
    /// # Errors
    /// The same as [`probe`](crate::probe()).
    pub fn stream_from(&self, from: u64) -> Result<PlaybackStream, MediaError> {
        let Inner { rate, frames, .. } = *self.0;
        let left = frames.saturating_sub(from);
        let tracks = if left > 0 { self.0.start_tracks(from)? } else { Vec::new() };
        let is_mix = self.0.tracks.len() > 1 || tracks.len() > 1;
        Ok(PlaybackStream { tracks, rate, is_mix, next_position: from, left, ready: Vec::new(), given: 0 })
    }
}

impl Inner {
    /// Finds out how long the recording is, without an index.
    fn measure(&mut self, duration_ms: Option<u32>) -> Result<Length, MediaError> {
        let known = duration_ms.map(|ms| f64::from(ms) / 1000.0);
        let mut natives = Vec::new();
        for decoder in decoder::open(&self.path, &self.tools, StreamSelection::All, false)? {
            match decoder {
                Decoder::Native(native) => natives.push(*native),
                Decoder::Ffmpeg(ffmpeg) => {
                    self.decoded_by = DecodedBy::Ffmpeg;
                    return self.measure_with_ffmpeg(*ffmpeg, known);
                }
            }
        }
        for native in &mut natives {
            start(native)?;
        }
        let rates = natives.iter().map(NativeDecoder::first_rate);
        self.tracks = rates.map(|rate| Track { marks_rate: rate, ..Track::default() }).collect();
        let rate = self.tracks.iter().map(|track| track.marks_rate).max().unwrap_or(0);
        let guessed = natives.iter().all(NativeDecoder::length_is_a_guess);
        let longest = natives.iter().filter_map(|native| native.info().duration).reduce(f64::max);
        if let Some(seconds) = known.or(longest).filter(|_| !guessed) {
            return Ok(Length::of(seconds, rate));
        }
        let mut frames = 0;
        for (native, track) in natives.iter_mut().zip(&mut self.tracks) {
            native.scan_to_end()?;
            track.found = Mutex::new(native.marks().to_vec());
            frames = frames.max(Length { frames: native.position(), rate: track.marks_rate }.at(rate));
        }
        Ok(Length { frames, rate })
    }

    /// As [`measure`](Self::measure), for a file that `ffmpeg` decodes.
    fn measure_with_ffmpeg(&self, ffmpeg: FfmpegDecoder, known: Option<f64>) -> Result<Length, MediaError> {
        let info = ffmpeg.info();
        let rate = if info.sample_rate > 0 { info.sample_rate } else { FALLBACK_RATE };
        if let Some(seconds) = known.or(info.duration) {
            return Ok(Length::of(seconds, rate));
        }
        drop(ffmpeg);
        let mut reader = crate::Reader::open(&self.path, &self.tools)?;
        while reader.read()?.is_some() {}
        let length = Length { frames: reader.position(), rate: transcript::SAMPLE_RATE };
        Ok(Length { frames: length.at(rate), rate })
    }

    /// Starts all tracks at the sample `from`. Tracks that end before it may be left out.
    fn start_tracks(&self, from: u64) -> Result<Vec<TrackStream>, MediaError> {
        if self.decoded_by != DecodedBy::Native
            && let Some(decoder) = self.start_ffmpeg(from)?
        {
            return Ok(vec![TrackStream::new(decoder)]);
        }
        let decoders = decoder::open(&self.path, &self.tools, StreamSelection::All, false)?;
        // Another number of tracks means another file, to which the marks do not belong.
        let unknown = Track::default();
        let known = decoders.len() == self.tracks.len();
        let mut streams = Vec::with_capacity(decoders.len());
        for (i, decoder) in decoders.into_iter().enumerate() {
            let track = if known { &self.tracks[i] } else { &unknown };
            let started = match decoder {
                Decoder::Native(native) => self.start_native(native, track, from)?,
                // `ffmpeg` may have been installed since the file was measured.
                Decoder::Ffmpeg(_) => Some(self.start_ffmpeg(from)?.ok_or_else(|| MediaError::NotMedia)?),
            };
            streams.extend(started.map(TrackStream::new));
        }
        Ok(streams)
    }

    /// Starts `ffmpeg` at the sample `from`. `None` if there is no `ffmpeg`.
    fn start_ffmpeg(&self, from: u64) -> Result<Option<TrackDecoder>, MediaError> {
        let rate = u64::from(self.rate);
        // A second earlier, for decoders that need the past. Where timestamps jumped they do not lead to a place, so
        // the file is decoded from its start.
        let from_s =
            if self.decoded_by == DecodedBy::FfmpegCorrected { 0 } else { (from / rate).saturating_sub(1) };
        let options = FfmpegOptions { rate: self.rate, from_s, ..FfmpegOptions::default() };
        let Some(ffmpeg) = decoder::open_ffmpeg(&self.path, &self.tools, options)? else { return Ok(None) };
        let begins =
            if from_s > 0 { (ffmpeg.first() * f64::from(self.rate)).round().max(0.0) as u64 } else { 0 };
        let decoder = Decoder::Ffmpeg(Box::new(ffmpeg));
        TrackDecoder::new(decoder, self.rate, self.rate, begins, StartPoint { position: from, excess: 0 })
            .map(Some)
    }

    /// Starts a track at the sample `from`. `None` if it has ended before.
    fn start_native(
        &self,
        mut native: Box<NativeDecoder>,
        track: &Track,
        from: u64,
    ) -> Result<Option<TrackDecoder>, MediaError> {
        let same = self.path.metadata().map_err(MediaError::Io)?.len() == self.file_len;
        match track.frames.filter(|_| same) {
            Some(frames) => {
                native.expect_rate(track.marks_rate);
                let ended = Length { frames, rate: track.marks_rate }.at(self.rate);
                if self.tracks.len() > 1 && from > ended.saturating_add(u64::from(self.rate)) {
                    return Ok(None);
                }
            }
            None => start(&mut native)?,
        }
        let first_rate = native.first_rate();
        let start_point = StartPoint::new(from, self.rate, first_rate);
        let found: Vec<Mark>;
        let marks = if !same || first_rate != track.marks_rate {
            &[]
        } else if track.marks.is_empty() {
            found = track.found.lock().unwrap_or_else(PoisonError::into_inner).clone();
            &*found
        } else {
            &*track.marks
        };
        native.seek_to(start_point.position, marks)?;
        if track.marks.is_empty() && same {
            let mut found = track.found.lock().unwrap_or_else(PoisonError::into_inner);
            let last = found.last().map_or(0, |mark| mark.position);
            let room = MAX_MARKS.saturating_sub(found.len());
            found.extend(native.marks().iter().filter(|mark| mark.position > last).take(room));
        }
        let reached = native.position();
        TrackDecoder::new(Decoder::Native(native), first_rate, self.rate, reached, start_point).map(Some)
    }
}

/// Decodes the first sound of a track, to learn its sample rate. A track without any sound is silent.
fn start(native: &mut NativeDecoder) -> Result<(), MediaError> {
    match native.start() {
        Ok(()) | Err(MediaError::NoSamples | MediaError::Damaged(_)) => Ok(()),
        Err(failed) => Err(failed),
    }
}

/// A recording being played from one position on.
pub struct PlaybackStream {
    /// One track, or each of the tracks that belong together, without those that had ended before.
    tracks: Vec<TrackStream>,
    rate: u32,
    /// The recording has several tracks, which are mixed.
    is_mix: bool,
    /// Position in the recording of the sample behind `ready`; used only for a mix.
    next_position: u64,
    /// Samples until the end of the recording.
    left: u64,
    /// Decoded samples.
    ready: Vec<f32>,
    /// Number of samples of `ready` that have been given.
    given: usize,
}

impl fmt::Debug for PlaybackStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlaybackStream")
            .field("rate", &self.rate)
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

impl PlaybackStream {
    /// Appends up to about a second of samples to `out`; `false` at the end, with nothing appended. If the file has
    /// less sound than expected, the rest is silence. Blocks.
    ///
    /// # Errors
    /// If the disk fails or `ffmpeg` hangs.
    pub fn read(&mut self, out: &mut Vec<i16>) -> Result<bool, MediaError> {
        let (enough, most) = (self.rate as usize / 4, self.rate as usize);
        let mut ended = false;
        while self.ready.len() - self.given < enough && !ended {
            self.ready.drain(..self.given);
            self.given = 0;
            ended = !self.decode()?;
        }
        let left = usize::try_from(self.left).unwrap_or(usize::MAX).min(most);
        let ready = &self.ready[self.given..];
        let ready = &ready[..ready.len().min(left)];
        let silence = if ended && ready.len() < left { left - ready.len() } else { 0 };
        out.extend(ready.iter().map(|sample| to_16_bits(*sample)));
        out.extend(std::iter::repeat_n(0, silence));
        self.given += ready.len();
        self.left -= (ready.len() + silence) as u64;
        Ok(ready.len() + silence > 0)
    }

    /// Appends samples to `ready`; `false` at the end.
    fn decode(&mut self) -> Result<bool, MediaError> {
        if !self.is_mix
            && let [track] = &mut *self.tracks
        {
            return track.fill(self.rate as usize, &mut self.ready);
        }
        // Blocks have the same bounds as when playing from the start, so the mix is the same.
        let block = u64::from(self.rate / 10);
        let len = (block - self.next_position % block) as usize;
        let mut mixed = 0;
        for track in &mut self.tracks {
            let mut waiting = std::mem::take(&mut track.waiting);
            while waiting.len() < len && track.fill(len, &mut waiting)? {}
            mixed = mixed.max(waiting.len().min(len));
            track.waiting = waiting;
        }
        let blocks = self.tracks.iter().map(|track| &track.waiting[..track.waiting.len().min(mixed)]);
        downmix::mix_tracks(&blocks.collect::<Vec<_>>(), mixed, &mut self.ready);
        for track in &mut self.tracks {
            track.waiting.drain(..track.waiting.len().min(mixed));
        }
        self.next_position += mixed as u64;
        Ok(mixed > 0)
    }
}

/// A sample in 16 bits, cut off at full scale. What was 16 bits before is the same again.
fn to_16_bits(sample: f32) -> i16 {
    // A cast from float saturates.
    (sample * 32_768.0).round() as i16
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

    use super::*;
    use crate::seek_index::TrackIndex;
    use crate::timeline::TimelineState;

    #[test]
    fn playback_can_be_moved_to_another_thread() {
        fn assert_send<T: Send>() {}
        assert_send::<PlaybackStream>();
        assert_send::<Playback>();
    }

    #[test]
    fn marks_that_are_not_found_are_given_up() {
        let path = tempfile::NamedTempFile::new().unwrap();
        let samples: Vec<i16> = (0..16_000 * 60).map(|i| (i % 30_011) as i16).collect();
        let data: Vec<u8> = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
        let len = data.len() as u32;
        let head = [
            b"RIFF".as_slice(),
            &(len + 36).to_le_bytes(),
            b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0data",
            &len.to_le_bytes(),
        ];
        std::fs::write(path.path(), [head.concat(), data].concat()).unwrap();
        let frames = samples.len() as u64;
        let mut state = 1_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> (state >> 58)
        };
        for round in 0..40 {
            let marks = (1..6).map(|i| Mark {
                position: i * 10 * 16_000,
                section: random() as u32,
                pts: random().cast_signed(),
                crc: random() as u32,
                offset: random() % u64::from(len),
                rate: 16_000,
                timeline: TimelineState { cursor: random() as f64 % 1e9, ..TimelineState::default() },
                ..Mark::default()
            });
            let file_len = u64::from(len) + 44;
            let track = TrackIndex { rate: 16_000, frames, marks: marks.collect() };
            let index = SeekIndex { file_len, decoded_by: DecodedBy::Native, tracks: vec![track] };
            let sound = Playback::new(path.path(), &Tools::none(), Some(&index.to_bytes()), None).unwrap();
            let from = random() % frames;
            let mut heard = Vec::new();
            assert!(sound.stream_from(from).unwrap().read(&mut heard).unwrap());
            assert_eq!(heard, samples[from as usize..][..heard.len()], "{round}: {from}");
        }
    }

    #[test]
    fn samples_beyond_full_scale_are_cut_and_16_bits_stay_the_same() {
        for n in [i16::MIN, -1, 0, 1, 12_345, i16::MAX] {
            assert_eq!(to_16_bits(f32::from(n) / 32_768.0), n);
        }
        assert_eq!([8.0, 1.0, -8.0].map(to_16_bits), [i16::MAX, i16::MAX, i16::MIN]);
    }
}
