//! Listening to a recording from any moment.
//!
//! The one place where a file is not read from its start. What a word's time means is decided by the [`Reader`], which
//! never seeks, and the containers' own seeking differs by format and is not exact; so positions here come from the
//! marks a whole reading leaves behind ([`SeekIndex`]), and a demuxer's seeking is only a way to get near one of them.
//! What is found there is checked against the mark. Nothing that is stored depends on what is decoded here.
//!
//! A recording that has not been read to its end has no marks. It is entered by the times its container states, or, where
//! there are none, by adding up what its packets state; that is right for whatever is not damaged.
//!
//! Tracks that belong together are entered each by its own marks, and put together as the [`Reader`] does. Each is read by
//! a demuxer of its own, so to enter `n` of them costs `n` times as much. One that is silent for long has to be looked
//! for through the file; one that has ended is known from the index, and left alone.
//!
//! [`Reader`]: crate::Reader

use crate::error::MediaError;
use crate::external::External;
use crate::ffmpeg::Wanted;
use crate::index::{MOST_MARKS, Mark, ReadBy, SeekIndex};
use crate::mono;
use crate::native::Native;
use crate::part::Part;
use crate::reader::{self, Source};
use crate::resample::Resampler;
use crate::tools::Tools;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Rates that everything plays.
const USUAL: [u32; 9] = [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000];
/// For all others.
const OTHERWISE: u32 = 48_000;
/// For recordings too long for their own rate: still speech, at last still a file.
const LOWER: [u32; 2] = [16_000, 8_000];
/// Bytes of 16-bit sound that fit into a WAV of less than 4 GiB, with room for its header.
const MOST_BYTES: u64 = u32::MAX as u64 - 1023;
/// Given to a filter in front of what is wanted, in seconds: several times its length.
const FILTER_WARM_UP: f64 = 0.5;

/// A recording to listen to: 16-bit mono sound that can be entered anywhere. Cheap to clone; holds no open file.
#[derive(Debug, Clone)]
pub struct Sound(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    tools: Tools,
    /// Bytes in the file to which everything here belongs.
    file_len: u64,
    /// Given out.
    rate: u32,
    frames: u64,
    /// As far as is known.
    read_by: ReadBy,
    /// Those that are heard together, in the order of the file; one for all other files.
    tracks: Vec<Track>,
}

/// What is known of a track.
#[derive(Debug, Default)]
struct Track {
    /// Marks of a whole reading. Empty if there was none.
    marks: Vec<Mark>,
    /// Rate that their positions are counted in.
    marks_rate: u32,
    /// At that rate, after a whole reading.
    frames: Option<u64>,
    /// Marks found on the way, if there are none of a whole reading.
    found: Mutex<Vec<Mark>>,
}

impl Sound {
    /// The recording at `path`. `index` is what [`SeekIndex::to_bytes`] gave for this file; one that is damaged or of
    /// another file is ignored. `duration_ms` is how long it is thought to be, and used if there is no index.
    ///
    /// Blocks. Quick with an index; without, the file is probed, and if nothing states its length, gone through.
    ///
    /// # Errors
    /// The same as [`probe`](crate::probe).
    pub fn new(
        path: &Path,
        tools: &Tools,
        index: Option<&[u8]>,
        duration_ms: Option<u32>,
    ) -> Result<Self, MediaError> {
        let file_len = path.metadata().map_err(MediaError::Io)?.len();
        let mut index = index.and_then(|bytes| SeekIndex::from_bytes(bytes, file_len));
        // One for a single track may have been made when only one was heard.
        if index.as_ref().is_some_and(|index| index.read_by == ReadBy::Native && index.tracks.len() == 1)
            && reader::may_have_tracks(path)?
            && reader::open(path, tools, Part::All, false).is_ok_and(|sources| sources.len() > 1)
        {
            index = None;
        }
        let length = match &index {
            Some(index) => Length { frames: index.frames(), rate: index.rate() },
            None => Length { frames: 0, rate: 0 },
        };
        let read_by = index.as_ref().map_or(ReadBy::Native, |index| index.read_by);
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
            read_by,
            tracks: known.collect(),
        };
        let length = if length.rate > 0 { length } else { inner.measure(duration_ms)? };
        (inner.rate, inner.frames) = length.given_out();
        Ok(Self(Arc::new(inner)))
    }

    /// Samples per second: those of the file, if they are usual.
    pub fn sample_rate(&self) -> u32 {
        self.0.rate
    }

    /// Samples of the whole recording. Less than 4 GiB of them.
    pub fn frames(&self) -> u64 {
        self.0.frames
    }

    /// Opens at a sample. Blocks.
    ///
    /// # Errors
    /// The same as [`probe`](crate::probe).
    pub fn listen(&self, from: u64) -> Result<Listening, MediaError> {
        let Inner { rate, frames, .. } = *self.0;
        let left = frames.saturating_sub(from);
        let voices = if left > 0 { self.0.voices(from)? } else { Vec::new() };
        let together = self.0.tracks.len() > 1 || voices.len() > 1;
        Ok(Listening { voices, rate, together, at: from, left, ready: Vec::new(), given: 0 })
    }
}

/// How much there is, in the file's own terms.
#[derive(Debug, Clone, Copy)]
struct Length {
    frames: u64,
    rate: u32,
}

impl Length {
    fn of(seconds: f64, rate: u32) -> Self {
        Self { frames: (seconds * f64::from(rate)).round() as u64, rate }
    }

    /// Frames at another rate.
    fn at(self, rate: u32) -> u64 {
        let exact = u128::from(self.frames) * u128::from(rate) / u128::from(self.rate.max(1));
        u64::try_from(exact).unwrap_or(u64::MAX)
    }

    /// Rate and number of what is given out.
    fn given_out(self) -> (u32, u64) {
        let own = if USUAL.contains(&self.rate) { self.rate } else { OTHERWISE };
        let frames = |rate| self.at(rate);
        let most = MOST_BYTES / 2;
        let mut lower = LOWER.into_iter().filter(|lower| *lower < own);
        let fits = std::iter::once(own).chain(lower.clone()).find(|rate| frames(*rate) <= most);
        let rate = fits.or(lower.next_back()).unwrap_or(own);
        (rate, frames(rate).min(most))
    }
}

impl Inner {
    /// How long the recording is, without an index.
    fn measure(&mut self, duration_ms: Option<u32>) -> Result<Length, MediaError> {
        let known = duration_ms.map(|ms| f64::from(ms) / 1000.0);
        let mut natives = Vec::new();
        for source in reader::open(&self.path, &self.tools, Part::All, false)? {
            match source {
                Source::Native(native) => natives.push(*native),
                Source::Ffmpeg(external) => {
                    self.read_by = ReadBy::Ffmpeg;
                    return self.measure_external(*external, known);
                }
            }
        }
        for native in &mut natives {
            begin(native)?;
        }
        let rates = natives.iter().map(Native::first_rate);
        self.tracks = rates.map(|rate| Track { marks_rate: rate, ..Track::default() }).collect();
        let rate = self.tracks.iter().map(|track| track.marks_rate).max().unwrap_or(0);
        let guessed = natives.iter().all(Native::length_is_a_guess);
        let longest = natives.iter().filter_map(|native| native.about().duration).reduce(f64::max);
        if let Some(seconds) = known.or(longest).filter(|_| !guessed) {
            return Ok(Length::of(seconds, rate));
        }
        let mut frames = 0;
        for (native, track) in natives.iter_mut().zip(&mut self.tracks) {
            native.survey()?;
            track.found = Mutex::new(native.marks().to_vec());
            frames = frames.max(Length { frames: native.position(), rate: track.marks_rate }.at(rate));
        }
        Ok(Length { frames, rate })
    }

    /// As [`measure`](Self::measure), for what `ffmpeg` decodes.
    fn measure_external(&self, external: External, known: Option<f64>) -> Result<Length, MediaError> {
        let about = external.about();
        let rate = if about.sample_rate > 0 { about.sample_rate } else { OTHERWISE };
        if let Some(seconds) = known.or(about.duration) {
            return Ok(Length::of(seconds, rate));
        }
        drop(external);
        let mut reader = crate::Reader::open(&self.path, &self.tools)?;
        while reader.read()?.is_some() {}
        let length = Length { frames: reader.position(), rate: transcript::SAMPLE_RATE };
        Ok(Length { frames: length.at(rate), rate })
    }

    /// Sound from `from` on.
    fn voices(&self, from: u64) -> Result<Vec<Voice>, MediaError> {
        if self.read_by != ReadBy::Native
            && let Some(entered) = self.ffmpeg(from)?
        {
            return Ok(vec![Voice::new(entered)]);
        }
        let sources = reader::open(&self.path, &self.tools, Part::All, false)?;
        // Those of another file are of no use.
        let none = Track::default();
        let known = sources.len() == self.tracks.len();
        let mut voices = Vec::with_capacity(sources.len());
        for (i, source) in sources.into_iter().enumerate() {
            let track = if known { &self.tracks[i] } else { &none };
            let entered = match source {
                Source::Native(native) => self.enter(native, track, from)?,
                // Installed since, perhaps.
                Source::Ffmpeg(_) => Some(self.ffmpeg(from)?.ok_or_else(|| MediaError::NotMedia)?),
            };
            voices.extend(entered.map(Voice::new));
        }
        Ok(voices)
    }

    fn ffmpeg(&self, from: u64) -> Result<Option<Entered>, MediaError> {
        let rate = u64::from(self.rate);
        // A second more for decoders that need the past. Where timestamps jumped, all of it is decoded.
        let from_s =
            if self.read_by == ReadBy::FfmpegCorrected { 0 } else { (from / rate).saturating_sub(1) };
        let wanted = Wanted { rate: self.rate, from_s, ..Wanted::default() };
        let Some(external) = reader::again(&self.path, &self.tools, wanted)? else { return Ok(None) };
        let begins =
            if from_s > 0 { (external.first() * f64::from(self.rate)).round().max(0.0) as u64 } else { 0 };
        Ok(Some(Entered {
            origin: Origin::External(Box::new(external)),
            first: self.rate,
            to_first: None,
            missing: begins.saturating_sub(from),
            unwanted: from.saturating_sub(begins),
            to_rate: None,
            filtered: 0,
            scratch: Vec::new(),
        }))
    }

    /// Goes to `from` in a track. `None` if it has ended before.
    fn enter(
        &self,
        mut native: Box<Native>,
        track: &Track,
        from: u64,
    ) -> Result<Option<Entered>, MediaError> {
        let same = self.path.metadata().map_err(MediaError::Io)?.len() == self.file_len;
        match track.frames.filter(|_| same) {
            Some(frames) => {
                native.expect_rate(track.marks_rate);
                let ended = Length { frames, rate: track.marks_rate }.at(self.rate);
                if self.tracks.len() > 1 && from > ended.saturating_add(u64::from(self.rate)) {
                    return Ok(None);
                }
            }
            None => begin(&mut native)?,
        }
        let first = native.first_rate();
        let Entrance { position, filtered } = Entrance::new(from, self.rate, first);
        let found: Vec<Mark>;
        let marks = if !same || first != track.marks_rate {
            &[]
        } else if track.marks.is_empty() {
            found = track.found.lock().unwrap_or_else(PoisonError::into_inner).clone();
            &*found
        } else {
            &*track.marks
        };
        native.enter(position, marks)?;
        if track.marks.is_empty() && same {
            let mut found = track.found.lock().unwrap_or_else(PoisonError::into_inner);
            let last = found.last().map_or(0, |mark| mark.position);
            let room = MOST_MARKS.saturating_sub(found.len());
            found.extend(native.marks().iter().filter(|mark| mark.position > last).take(room));
        }
        let reached = native.position();
        Ok(Some(Entered {
            origin: Origin::Native(native),
            first,
            to_first: None,
            missing: Length { frames: reached.saturating_sub(position), rate: first }.at(self.rate),
            unwanted: position.saturating_sub(reached),
            to_rate: if first == self.rate { None } else { Some(Resampler::new(first, self.rate)?) },
            filtered,
            scratch: Vec::new(),
        }))
    }
}

/// Lets a track begin, if it has not; one without any sound is silent.
fn begin(native: &mut Native) -> Result<(), MediaError> {
    match native.start() {
        Ok(()) | Err(MediaError::NoSamples | MediaError::Damaged(_)) => Ok(()),
        Err(failed) => Err(failed),
    }
}

/// Where a file is entered, so that after the change of rate the wanted sample is met exactly.
#[derive(Debug, PartialEq, Eq)]
struct Entrance {
    /// In the file, at its own rate.
    position: u64,
    /// To leave out of what the filter then gives.
    filtered: u64,
}

impl Entrance {
    /// For sample `from` at `rate`, of a file at rate `first`.
    fn new(from: u64, rate: u32, first: u32) -> Self {
        if rate == first {
            return Self { position: from, filtered: 0 };
        }
        // Moments at which both have a sample.
        let common = gcd(rate, first);
        let (every, given) = (u64::from(first / common), u64::from(rate / common));
        let warm_up = (f64::from(first) * FILTER_WARM_UP) as u64;
        let exact = u128::from(from) * u128::from(first) / u128::from(rate);
        let turns = u64::try_from(exact).unwrap_or(u64::MAX).saturating_sub(warm_up) / every;
        Self { position: turns * every, filtered: from.saturating_sub(turns * given) }
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

enum Origin {
    Native(Box<Native>),
    External(Box<External>),
}

/// A file that is being decoded from somewhere in the middle.
struct Entered {
    origin: Origin,
    /// The rate of the first sound of the file.
    first: u32,
    /// For what comes at another rate later on, as in joined files.
    to_first: Option<Resampler>,
    /// Samples that are missing in front of what is decoded, at the rate given out.
    missing: u64,
    /// Frames that there are too many, at the first rate.
    unwanted: u64,
    /// From the first rate to the one given out.
    to_rate: Option<Resampler>,
    /// Too many of those.
    filtered: u64,
    scratch: Vec<f32>,
}

impl Entered {
    /// Decodes on and appends to `out`; `false` at the end, with the last samples.
    fn decode(&mut self, out: &mut Vec<f32>) -> Result<bool, MediaError> {
        self.scratch.clear();
        let (more, rate) = match &mut self.origin {
            Origin::Native(native) => (native.next()?, native.rate()),
            Origin::External(external) => (external.next()?, self.first),
        };
        if let Some(old) = self.to_first.take_if(|old| !more || old.rate() != rate) {
            old.finish(&mut self.scratch);
        }
        if more {
            let samples = match &self.origin {
                Origin::Native(native) => native.samples(),
                Origin::External(external) => external.samples(),
            };
            if rate == self.first {
                self.scratch.extend_from_slice(samples);
            } else {
                let resampler = match &mut self.to_first {
                    Some(resampler) => resampler,
                    none => none.insert(Resampler::new(rate, self.first)?),
                };
                resampler.push(samples, &mut self.scratch);
            }
        }
        let unwanted = leave_out(&mut self.unwanted, self.scratch.len());
        let wanted = &self.scratch[unwanted..];
        let before = out.len();
        match &mut self.to_rate {
            Some(resampler) => {
                resampler.push(wanted, out);
                if !more && let Some(last) = self.to_rate.take() {
                    last.finish(out);
                }
            }
            None => out.extend_from_slice(wanted),
        }
        let filtered = leave_out(&mut self.filtered, out.len() - before);
        out.drain(before..before + filtered);
        Ok(more)
    }
}

/// How many of `len` are to be left out, of which `left` still are.
fn leave_out(left: &mut u64, len: usize) -> usize {
    let now = usize::try_from(*left).unwrap_or(usize::MAX).min(len);
    *left -= now as u64;
    now
}

/// One source at the rate given out.
struct Voice {
    /// `None` once it has ended.
    source: Option<Entered>,
    /// Samples of silence before it.
    missing: u64,
    /// Those that wait for the other voices.
    waiting: Vec<f32>,
}

impl Voice {
    fn new(entered: Entered) -> Self {
        Self { missing: entered.missing, source: Some(entered), waiting: Vec::new() }
    }

    /// Appends something to `out`, of silence at most `most`; `false` once it has ended.
    fn fill(&mut self, most: usize, out: &mut Vec<f32>) -> Result<bool, MediaError> {
        let Some(source) = &mut self.source else { return Ok(false) };
        if self.missing > 0 {
            let silence = leave_out(&mut self.missing, most);
            out.resize(out.len() + silence, 0.0);
        } else if !source.decode(out)? {
            self.source = None;
        }
        Ok(true)
    }
}

/// A recording being listened to.
pub struct Listening {
    /// One, or each of the tracks that belong together; those that have ended before may be left out.
    voices: Vec<Voice>,
    rate: u32,
    /// They are to be put together.
    together: bool,
    /// Where in the recording the sample behind `ready` is, if they are.
    at: u64,
    /// Samples until the end of the recording.
    left: u64,
    /// Decoded, and how many of it were given.
    ready: Vec<f32>,
    given: usize,
}

impl fmt::Debug for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listening")
            .field("rate", &self.rate)
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

impl Listening {
    /// Appends up to about a second of samples to `out`; `false` at the end, with nothing appended. Where the file has
    /// less sound than it was thought to have, there is silence. Blocks.
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
        out.extend(ready.iter().map(|sample| quantised(*sample)));
        out.extend(std::iter::repeat_n(0, silence));
        self.given += ready.len();
        self.left -= (ready.len() + silence) as u64;
        Ok(ready.len() + silence > 0)
    }

    /// Appends something to `ready`; `false` if there is nothing more.
    fn decode(&mut self) -> Result<bool, MediaError> {
        if !self.together
            && let [voice] = &mut *self.voices
        {
            return voice.fill(self.rate as usize, &mut self.ready);
        }
        // Blocks begin where they do when it is heard from the start.
        let block = u64::from(self.rate / 10);
        let len = (block - self.at % block) as usize;
        let mut made = 0;
        for voice in &mut self.voices {
            let mut waiting = std::mem::take(&mut voice.waiting);
            while waiting.len() < len && voice.fill(len, &mut waiting)? {}
            made = made.max(waiting.len().min(len));
            voice.waiting = waiting;
        }
        let tracks = self.voices.iter().map(|voice| &voice.waiting[..voice.waiting.len().min(made)]);
        mono::sum(&tracks.collect::<Vec<_>>(), made, &mut self.ready);
        for voice in &mut self.voices {
            voice.waiting.drain(..voice.waiting.len().min(made));
        }
        self.at += made as u64;
        Ok(made > 0)
    }
}

/// 16 bits of a sample. What was 16 bits before is the same again.
fn quantised(sample: f32) -> i16 {
    // A cast from float saturates.
    (sample * 32_768.0).round() as i16
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

    use super::*;
    use crate::index::TrackIndex;
    use crate::timeline::State;

    #[test]
    fn it_can_be_moved_to_another_thread() {
        fn assert_send<T: Send>() {}
        assert_send::<Listening>();
        assert_send::<Sound>();
    }

    #[test]
    fn marks_that_are_nowhere_are_given_up() {
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
                state: State { cursor: random() as f64 % 1e9, ..State::default() },
                ..Mark::default()
            });
            let file_len = u64::from(len) + 44;
            let track = TrackIndex { rate: 16_000, frames, marks: marks.collect() };
            let index = SeekIndex { file_len, read_by: ReadBy::Native, tracks: vec![track] };
            let sound = Sound::new(path.path(), &Tools::none(), Some(&index.to_bytes()), None).unwrap();
            let from = random() % frames;
            let mut heard = Vec::new();
            assert!(sound.listen(from).unwrap().read(&mut heard).unwrap());
            assert_eq!(heard, samples[from as usize..][..heard.len()], "{round}: {from}");
        }
    }

    #[test]
    fn the_rate_is_the_file_s_own_unless_it_is_odd_or_the_file_too_long() {
        let hours =
            |hours: u64, rate: u32| Length { frames: hours * 3600 * u64::from(rate), rate }.given_out();
        assert_eq!(hours(1, 44_100), (44_100, 3600 * 44_100));
        assert_eq!(hours(1, 96_000), (48_000, 3600 * 48_000));
        assert_eq!(hours(1, 7_999), (48_000, 3600 * 48_000));
        assert_eq!(hours(13, 48_000), (16_000, 13 * 3600 * 16_000));
        assert_eq!(hours(60, 48_000), (8_000, 60 * 3600 * 8_000));
        assert_eq!(hours(1000, 48_000), (8_000, MOST_BYTES / 2));
        assert_eq!(hours(100, 8_000), (8_000, MOST_BYTES / 2));
        assert_eq!(Length { frames: u64::MAX, rate: 1000 }.given_out().0, 8_000);
        assert_eq!(Length::of(f64::NAN, 16_000).given_out(), (16_000, 0));
    }

    #[test]
    fn a_file_is_entered_where_both_rates_have_a_sample() {
        for (rate, first) in [(48_000, 96_000), (16_000, 44_100), (48_000, 44_101), (48_000, 768_000)] {
            for from in [0, 1, 47_999, 3_000_000, u64::from(u32::MAX)] {
                let Entrance { position, filtered } = Entrance::new(from, rate, first);
                let begun = (from - filtered) as f64 / f64::from(rate);
                assert!((begun - position as f64 / f64::from(first)).abs() < 1e-7);
                assert!(position == 0 || filtered >= u64::from(rate) / 2 - 1, "{rate} {first} {from}");
                assert!(filtered < u64::from(rate) * 2);
            }
        }
        assert_eq!(Entrance::new(77, 16_000, 16_000), Entrance { position: 77, filtered: 0 });
    }

    #[test]
    fn samples_beyond_full_scale_are_cut_and_16_bits_stay_the_same() {
        for n in [i16::MIN, -1, 0, 1, 12_345, i16::MAX] {
            assert_eq!(quantised(f32::from(n) / 32_768.0), n);
        }
        assert_eq!([8.0, 1.0, -8.0].map(quantised), [i16::MAX, i16::MAX, i16::MIN]);
    }
}
