//! Opening a file and reading it to the end.

use crate::containers::mpeg;
use crate::error::MediaError;
use crate::external::External;
use crate::ffmpeg::Wanted;
use crate::index::{ReadBy, SeekIndex, TrackIndex};
use crate::mono;
use crate::native::{About, Native, Wish};
use crate::part::Part;
use crate::resample::{RATES, Resampler};
use crate::sniff::{Container, Foreign, HEAD, Kind, sniff};
use crate::tools::Tools;
use chrono::{DateTime, FixedOffset};
use std::fmt;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use transcript::SAMPLE_RATE;

/// When a recording was made, in the offset its file gives. The offset is 0 where the file only knows UTC.
pub type RecordedAt = DateTime<FixedOffset>;

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The container, as people call it: `WAV`, `MP4`, `Matroska` …
    pub container: String,
    /// The codec of the track that would be decoded, or of the first of several, as people call it: `MP3`, `AAC`, `WAV` …
    pub codec: String,
    /// Samples per second in the file; 0 if only `ffmpeg` knows the format and does not tell.
    pub sample_rate: u32,
    /// Channels in the file, of all tracks that would be heard; 0 as above.
    pub channels: u16,
    /// Length as the header states or the size suggests; `None` if unknown. A header can lie: good for a progress bar,
    /// never for an allocation.
    pub duration_ms: Option<u32>,
    /// When it was recorded, where the file says so to the minute at least.
    pub recorded_at: Option<RecordedAt>,
    /// Its title, in one line.
    pub title: Option<String>,
}

/// Says what the file at `path` is, after having decoded the first of its sound.
///
/// Blocks while reading; does not write anything. With `ffmpeg` in `tools`, formats that this crate does not decode
/// are accepted as well.
///
/// # Errors
/// Why it will not be possible to read sound from it, see [`MediaError`].
pub fn probe(path: &Path, tools: &Tools) -> Result<Probe, MediaError> {
    let sources = open(path, tools, Part::All, true)?;
    let mut all = sources.iter().map(Source::about);
    let Some(mut about) = all.next() else { return Err(MediaError::NoAudioTrack) };
    for other in all {
        about.channels = about.channels.saturating_add(other.channels);
        about.duration = about.duration.into_iter().chain(other.duration).reduce(f64::max);
        about.tags.title = about.tags.title.or(other.tags.title);
        about.tags.recorded_at = about.tags.recorded_at.or(other.tags.recorded_at);
    }
    Ok(Probe {
        container: about.container.to_owned(),
        codec: about.codec,
        sample_rate: about.sample_rate,
        channels: about.channels,
        duration_ms: about.duration.map(ms),
        recorded_at: about.tags.recorded_at,
        title: about.tags.title,
    })
}

/// What is missing from what a [`Reader`] gave. Its `Display` is a clause for the owner of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shortfall {
    /// The file ends, or cannot be read on, before the end its header states.
    EndsEarly {
        /// How much could be read, in milliseconds.
        read_ms: u32,
    },
    /// Damaged parts were skipped. Silence stands for them where their length is known.
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
/// Time in it is time in a player: gaps between timestamps are silence, what an encoder put in front is gone. Several
/// tracks that belong together are heard together. Memory does not depend on the length of the recording.
pub struct Reader {
    /// One, or each of the tracks that belong together.
    voices: Vec<Voice>,
    /// Bytes in the file when it was opened.
    file_len: u64,
    out: Vec<f32>,
    /// Samples of `out` given already.
    given: usize,
    position: u64,
    ended: bool,
}

/// One source, at 16 kHz.
struct Voice {
    source: Source,
    resampler: Option<Resampler>,
    /// Samples that were made of it.
    made: u64,
    /// Those that wait for the other voices.
    waiting: Vec<f32>,
    ended: bool,
}

/// Samples of several tracks that are put together at once: 0.1 s.
const BLOCK: usize = SAMPLE_RATE as usize / 10;

/// Less than this is not worth a call: 0.1 s.
const SHORTEST_RUN: usize = SAMPLE_RATE as usize / 10;
/// More than this is not given at once: 1 s.
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
    /// Opens the file at `path` and decodes the first of its sound.
    ///
    /// # Errors
    /// The same as [`probe`].
    pub fn open(path: &Path, tools: &Tools) -> Result<Self, MediaError> {
        Self::open_part(path, tools, Part::All)
    }

    /// As [`open`](Self::open), for a part of the sound; see [`parts`](crate::parts).
    ///
    /// # Errors
    /// The same as [`probe`], and `NoAudioTrack` for a track that is not one of those that belong together.
    pub fn open_part(path: &Path, tools: &Tools, part: Part) -> Result<Self, MediaError> {
        let sources = open(path, tools, part, false)?;
        let file_len = path.metadata().map_err(MediaError::Io)?.len();
        let voices = sources.into_iter().map(Voice::new).collect();
        Ok(Self { voices, file_len, out: Vec::new(), given: 0, position: 0, ended: false })
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

    /// Where the recording can be entered for listening, with times as they are here. `None` before the end.
    pub fn seek_index(&self) -> Option<SeekIndex> {
        if !self.ended {
            return None;
        }
        let read_by = self.voices.iter().map(|voice| match &voice.source {
            Source::Native(_) => ReadBy::Native,
            Source::Ffmpeg(external) if external.is_corrected() => ReadBy::FfmpegCorrected,
            Source::Ffmpeg(_) => ReadBy::Ffmpeg,
        });
        let read_by = read_by.max().unwrap_or(ReadBy::Native);
        let tracks = self.voices.iter().map(Voice::index).collect();
        Some(SeekIndex { file_len: self.file_len, read_by, tracks })
    }

    /// What is missing from what was given. Complete only after [`read`](Self::read) has given `None`.
    pub fn shortfall(&self) -> Option<Shortfall> {
        let read = self.position as f64 / f64::from(SAMPLE_RATE);
        let (mut early, mut damaged, mut lost) = (false, false, 0.0_f64);
        for voice in &self.voices {
            let (ends_early, is_damaged, missing) = voice.losses();
            // Behind it there is silence, up to where the longest ends.
            let behind = read - voice.made as f64 / f64::from(SAMPLE_RATE);
            let is_last = behind <= LAST_TOGETHER;
            early |= ends_early && is_last;
            damaged |= is_damaged || ends_early;
            // What damages one mostly damages what lies beside it.
            lost = lost.max(missing + if ends_early && !is_last { behind } else { 0.0 });
        }
        match (early, damaged) {
            (true, _) => Some(Shortfall::EndsEarly { read_ms: ms(read) }),
            (false, true) => Some(Shortfall::Gaps { lost_ms: ms(lost) }),
            (false, false) => None,
        }
    }

    /// Appends something to `out`, or ends.
    fn fill(&mut self) -> Result<(), MediaError> {
        if let [voice] = &mut *self.voices {
            voice.fill(&mut self.out)?;
            self.ended = voice.ended;
            return Ok(());
        }
        let mut made = 0;
        for voice in &mut self.voices {
            let mut waiting = std::mem::take(&mut voice.waiting);
            while waiting.len() < BLOCK && !voice.ended {
                voice.fill(&mut waiting)?;
            }
            made = made.max(waiting.len().min(BLOCK));
            voice.waiting = waiting;
        }
        let tracks = self.voices.iter().map(|voice| &voice.waiting[..voice.waiting.len().min(made)]);
        mono::sum(&tracks.collect::<Vec<_>>(), made, &mut self.out);
        for voice in &mut self.voices {
            voice.waiting.drain(..voice.waiting.len().min(made));
        }
        self.ended = made < BLOCK;
        Ok(())
    }
}

/// Tracks of a file that ends early end at most so far from one another, in seconds.
const LAST_TOGETHER: f64 = 5.0;

impl Voice {
    fn new(source: Source) -> Self {
        Self { source, resampler: None, made: 0, waiting: Vec::new(), ended: false }
    }

    /// Appends something to `out`, or ends.
    fn fill(&mut self, out: &mut Vec<f32>) -> Result<(), MediaError> {
        let before = out.len();
        self.decode(out)?;
        self.made += (out.len() - before) as u64;
        Ok(())
    }

    fn decode(&mut self, out: &mut Vec<f32>) -> Result<(), MediaError> {
        let (more, rate) = match &mut self.source {
            Source::Native(native) => (native.next()?, native.rate()),
            Source::Ffmpeg(external) => (external.next()?, SAMPLE_RATE),
        };
        if !more {
            self.ended = true;
            if let Some(resampler) = self.resampler.take() {
                resampler.finish(out);
            }
            return Ok(());
        }
        let samples = match &self.source {
            Source::Native(native) => native.samples(),
            Source::Ffmpeg(external) => external.samples(),
        };
        if let Some(old) = self.resampler.take_if(|r| r.rate() != rate) {
            old.finish(out);
        }
        let resampler = match &mut self.resampler {
            Some(resampler) => resampler,
            none => none.insert(Resampler::new(rate, SAMPLE_RATE)?),
        };
        resampler.push(samples, out);
        Ok(())
    }

    /// Ends early, damaged, lost.
    fn losses(&self) -> (bool, bool, f64) {
        match &self.source {
            Source::Native(native) => {
                let losses = native.losses();
                (losses.ends_early, losses.damaged, losses.lost)
            }
            Source::Ffmpeg(external) => external.losses(self.ended),
        }
    }

    /// Where it can be entered, once it has ended.
    fn index(&self) -> TrackIndex {
        let known = |rate: u32| if RATES.contains(&rate) { rate } else { SAMPLE_RATE };
        match &self.source {
            Source::Native(native) => TrackIndex {
                rate: known(native.first_rate()),
                frames: native.position(),
                marks: native.marks().to_vec(),
            },
            Source::Ffmpeg(external) => {
                let rate = known(external.about().sample_rate);
                let frames = self.made * u64::from(rate) / u64::from(SAMPLE_RATE);
                TrackIndex { rate, frames, marks: Vec::new() }
            }
        }
    }
}

pub(crate) enum Source {
    Native(Box<Native>),
    Ffmpeg(Box<External>),
}

impl Source {
    fn about(&self) -> About {
        match self {
            Self::Native(native) => native.about().clone(),
            Self::Ffmpeg(external) => external.about(),
        }
    }
}

/// The demuxer of `ffmpeg` for a file that it has read before, and what people call the format. `None` if there is no
/// `ffmpeg`.
pub(crate) fn again(path: &Path, tools: &Tools, wanted: Wanted) -> Result<Option<External>, MediaError> {
    let Some(program) = tools.ffmpeg() else { return Ok(None) };
    let (name, demuxer) = match look(path)?.2 {
        Kind::Other => return Err(MediaError::NotMedia),
        Kind::Foreign(foreign) => (foreign.name, foreign.demuxer),
        Kind::Native(container) => (container.name(), container.demuxer()),
    };
    External::open(program, path, name, demuxer, wanted).map(Some)
}

/// The channel that is wanted of the one track that is decoded.
fn channel_of(part: Part) -> Result<Option<u16>, MediaError> {
    match part {
        Part::All | Part::Track(0) => Ok(None),
        Part::Channel(channel) => Ok(Some(channel)),
        Part::Track(_) => Err(MediaError::NoAudioTrack),
    }
}

/// What is to be heard of the file at `path`: one source, or one for each track that belongs together with the others.
pub(crate) fn open(path: &Path, tools: &Tools, part: Part, tags: bool) -> Result<Vec<Source>, MediaError> {
    let (file, len, kind, start) = look(path)?;
    match kind {
        Kind::Other => Err(MediaError::NotMedia),
        Kind::Foreign(Foreign { name, demuxer }) => match tools.ffmpeg() {
            Some(program) => external(program, path, name, demuxer, part),
            None => Err(MediaError::NeedsFfmpeg { format: name.to_owned() }),
        },
        Kind::Native(container) => native(path, file, len, start, container, tools, part, tags),
    }
}

/// Whether the file may have several tracks that belong together.
pub(crate) fn may_have_tracks(path: &Path) -> Result<bool, MediaError> {
    let (.., kind, _) = look(path)?;
    Ok(matches!(kind, Kind::Native(Container::Mp4 | Container::Matroska)))
}

/// Opens the file and says what it looks like. The position is that behind an ID3v2 tag.
fn look(path: &Path) -> Result<(File, u64, Kind, u64), MediaError> {
    // Asked before opening: opening a named pipe would wait for someone to write into it.
    let metadata = path.metadata().map_err(MediaError::Io)?;
    if !metadata.is_file() {
        return Err(MediaError::NotMedia);
    }
    let mut file = File::open(path).map_err(MediaError::Io)?;
    let len = file.metadata().map_err(MediaError::Io)?.len();
    if len == 0 {
        return Err(MediaError::Empty);
    }
    let mut head = Vec::new();
    let mut start = 0;
    // Programs that add a tag without removing the old one leave several.
    for _ in 0..4 {
        head.clear();
        file.seek(SeekFrom::Start(start)).map_err(MediaError::Io)?;
        file.by_ref().take(HEAD as u64).read_to_end(&mut head).map_err(MediaError::Io)?;
        match mpeg::id3_len(&head) {
            0 => break,
            tag => start += tag,
        }
    }
    let kind = sniff(&head, head.len() < HEAD);
    // A tag and nothing else.
    if head.is_empty() {
        return Err(MediaError::NoSamples);
    }
    Ok((file, len, kind, start))
}

#[expect(clippy::too_many_arguments, reason = "all that is known of a file, once")]
fn native(
    path: &Path,
    file: File,
    len: u64,
    start: u64,
    container: Container,
    tools: &Tools,
    part: Part,
    tags: bool,
) -> Result<Vec<Source>, MediaError> {
    let again = file.try_clone().map_err(MediaError::Io)?;
    let channel = if let Part::Channel(channel) = part { Some(channel) } else { None };
    // With `ffmpeg`, the whole band of HE-AAC; without, its core.
    let wish = Wish { tags, core_only: tools.ffmpeg().is_none(), channel, track: None };
    let refused = match Native::open(file, len, start, container, wish) {
        Ok(native) => return tracks(path, len, native, part),
        Err(refused @ (MediaError::NeedsFfmpeg { .. } | MediaError::Damaged(_))) => refused,
        Err(refused) => return Err(refused),
    };
    let Some(program) = tools.ffmpeg() else { return Err(refused) };
    let name = container.name();
    match external(program, path, name, container.demuxer(), part) {
        Ok(source) => Ok(source),
        Err(failed) => {
            let wish = Wish { core_only: true, ..wish };
            match (Native::open(again, len, start, container, wish), refused) {
                (Ok(native), _) => tracks(path, len, native, part),
                // It is not missing, it cannot do it either.
                (Err(_), MediaError::NeedsFfmpeg { format }) => match failed {
                    MediaError::Unsupported { .. } => Err(MediaError::Unsupported { codec: format }),
                    failed => Err(failed),
                },
                (Err(_), refused) => Err(refused),
            }
        }
    }
}

/// What of the file is to be heard, of which `chosen` is the track that players take.
fn tracks(path: &Path, len: u64, chosen: Native, part: Part) -> Result<Vec<Source>, MediaError> {
    let together = chosen.together();
    let wanted = match part {
        Part::Track(n) if !together.is_empty() => match together.get(usize::from(n)) {
            Some(id) => vec![*id],
            None => return Err(MediaError::NoAudioTrack),
        },
        Part::All if !together.is_empty() => together,
        part => {
            channel_of(part)?;
            return Ok(vec![Source::Native(Box::new(chosen))]);
        }
    };
    let tracks = wanted.into_iter().map(|id| {
        // A clone of the open file would share its cursor.
        let file = File::open(path).map_err(MediaError::Io)?;
        if file.metadata().map_err(MediaError::Io)?.len() != len {
            return Err(MediaError::damaged("it was exchanged while it was opened"));
        }
        Ok(Source::Native(Box::new(chosen.open_track(file, id)?)))
    });
    tracks.collect()
}

fn external(
    program: &Path,
    path: &Path,
    name: &'static str,
    demuxer: &str,
    part: Part,
) -> Result<Vec<Source>, MediaError> {
    let wanted = Wanted { channel: channel_of(part)?, ..Wanted::default() };
    let external = External::open(program, path, name, demuxer, wanted)?;
    Ok(vec![Source::Ffmpeg(Box::new(external))])
}

fn ms(seconds: f64) -> u32 {
    // A cast from float saturates, and makes NaN zero.
    (seconds * 1000.0).round() as u32
}

/// The parts of the file at `path` in which there may be one person each: both channels of a stereo recording, or each
/// of several tracks that belong together. Empty for all others.
///
/// Tracks belong together if there are two to sixteen of them in an MP4 or Matroska file, all of which are decoded without
/// `ffmpeg`, and nothing says that one is the same in another language, with a commentary or described. In all other
/// files the track that players take is the only one that is read.
///
/// Blocks while the first of the sound is decoded. What the parts hold is not looked at: both channels may well be the
/// same, and one of the tracks a mix of the others.
///
/// # Errors
/// The same as [`probe`](crate::probe).
pub fn parts(path: &Path, tools: &Tools) -> Result<Vec<Part>, MediaError> {
    let sources = open(path, tools, Part::All, false)?;
    let (channels, tracks) = match &*sources {
        [Source::Native(native)] => (native.about().channels, native.sound_tracks()),
        [Source::Ffmpeg(external)] => (external.about().channels, external.streams()),
        several => return Ok((0..).map(Part::Track).take(several.len()).collect()),
    };
    Ok(if (channels, tracks) == (2, 1) { vec![Part::Channel(0), Part::Channel(1)] } else { Vec::new() })
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
