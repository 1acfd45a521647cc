//! What a file is: container, codec, length, date and title, and which of its streams can be read separately.

use crate::decoder::{self, Decoder};
use crate::error::MediaError;
use crate::stream_selection::StreamSelection;
use crate::tools::Tools;
use chrono::{DateTime, FixedOffset};
use std::path::Path;

/// When a recording was made, in the offset its file gives. The offset is 0 where the file only knows UTC.
pub type RecordedAt = DateTime<FixedOffset>;

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The usual name of the container: `WAV`, `MP4`, `Matroska` …
    pub container: String,
    /// The usual name of the codec of the decoded track, or of the first of several: `MP3`, `AAC`, `WAV` …
    pub codec: String,
    /// Samples per second in the file; 0 if only `ffmpeg` knows the format and does not report it.
    pub sample_rate: u32,
    /// Number of channels of all decoded tracks together; 0 as for `sample_rate`.
    pub channels: u16,
    /// Length as the header states or the size suggests; `None` if unknown. A header can lie: good for a progress bar,
    /// never for an allocation.
    pub duration_ms: Option<u32>,
    /// When it was recorded, where the file says so to the minute at least.
    pub recorded_at: Option<RecordedAt>,
    /// Its title, in one line.
    pub title: Option<String>,
}

/// Finds out what the file at `path` is, and decodes its first sound to make sure that it can be read.
///
/// Blocks while reading; does not write anything. With `ffmpeg` in `tools`, formats that this crate does not decode
/// are accepted as well.
///
/// # Errors
/// Why no sound can be read from it, see [`MediaError`].
pub fn probe(path: &Path, tools: &Tools) -> Result<Probe, MediaError> {
    let decoders = decoder::open(path, tools, StreamSelection::All, true)?;
    let mut infos = decoders.iter().map(Decoder::info);
    let Some(mut info) = infos.next() else { return Err(MediaError::NoAudioTrack) };
    for other in infos {
        info.channels = info.channels.saturating_add(other.channels);
        info.duration = info.duration.into_iter().chain(other.duration).reduce(f64::max);
        info.tags.title = info.tags.title.or(other.tags.title);
        info.tags.recorded_at = info.tags.recorded_at.or(other.tags.recorded_at);
    }
    Ok(Probe {
        container: info.container.to_owned(),
        codec: info.codec,
        sample_rate: info.sample_rate,
        channels: info.channels,
        duration_ms: info.duration.map(ms),
        recorded_at: info.tags.recorded_at,
        title: info.tags.title,
    })
}

/// The streams of the file at `path` that may hold one person each: both channels of a stereo recording, or each of
/// several tracks that belong together. Empty for all other files.
///
/// Tracks belong together if there are two to sixteen of them in an MP4 or Matroska file, all are decoded without
/// `ffmpeg`, and none is marked as a translation, a commentary or a description of another. In all other files only the
/// track that players take is read.
///
/// Blocks while the first of the sound is decoded. The content of the streams is not compared: both channels may be the
/// same, and one of the tracks may be a mix of the others.
///
/// # Errors
/// The same as [`probe`].
pub fn separate_streams(path: &Path, tools: &Tools) -> Result<Vec<StreamSelection>, MediaError> {
    let decoders = decoder::open(path, tools, StreamSelection::All, false)?;
    let [decoder] = &*decoders else {
        return Ok((0..).map(StreamSelection::Track).take(decoders.len()).collect());
    };
    Ok(if (decoder.info().channels, decoder.sound_tracks()) == (2, 1) {
        vec![StreamSelection::Channel(0), StreamSelection::Channel(1)]
    } else {
        Vec::new()
    })
}

/// Seconds in whole milliseconds. Negative numbers and NaN become 0, large ones the largest number.
pub(crate) fn ms(seconds: f64) -> u32 {
    (seconds * 1000.0).round() as u32
}
