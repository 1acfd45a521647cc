//! Parts of the sound of a file: recordings in which each person has a channel or a track.

use crate::error::MediaError;
use crate::reader::{self, Source};
use crate::tools::Tools;
use std::path::Path;

/// Which part of the sound of a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Part {
    /// All that belongs together, as one.
    #[default]
    All,
    /// One channel, counted from 0, of the track that players take: silence where it has no such channel. Of the same
    /// length as [`All`](Self::All), sample for sample, where the file has one track.
    Channel(u16),
    /// One of the tracks that belong together, counted from 0, on the time line of [`All`](Self::All), up to its own
    /// end. `Track(0)` of a file without such tracks is all of it.
    Track(u16),
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
    let sources = reader::open(path, tools, Part::All, false)?;
    let (channels, tracks) = match &*sources {
        [Source::Native(native)] => (native.about().channels, native.sound_tracks()),
        [Source::Ffmpeg(external)] => (external.about().channels, external.streams()),
        several => return Ok((0..).map(Part::Track).take(several.len()).collect()),
    };
    Ok(if (channels, tracks) == (2, 1) { vec![Part::Channel(0), Part::Channel(1)] } else { Vec::new() })
}
