//! Errors, each with a clause for the owner of the file.

use std::error::Error;
use std::io;

/// A message of a library or tool, kept for `source()` and debug logs, never shown to a user.
pub(crate) type Detail = Box<dyn Error + Send + Sync>;

/// Why no sound can be read from a file.
///
/// Each `Display` is a clause that makes sense after the file's name and a colon: `minutes.wma: WMA needs ffmpeg, which
/// is not installed`. The message of a library is only in `source()`.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// Zero bytes long.
    #[error("the file is empty")]
    Empty,
    /// Text, a picture, an archive, noise, a folder or a device.
    #[error("not an audio or video file")]
    NotMedia,
    /// A video without sound, or a container with nothing but pictures or subtitles.
    #[error("it has no audio track")]
    NoAudioTrack,
    /// Only `ffmpeg` decodes it, and it is not installed.
    #[error("{format} needs ffmpeg, which is not installed")]
    NeedsFfmpeg {
        /// The usual name of the container or codec.
        format: String,
    },
    /// Neither this program nor the installed `ffmpeg` can decode it.
    #[error("{codec} cannot be decoded")]
    Unsupported {
        /// The usual name of the container or codec.
        codec: String,
    },
    /// A container without its index. The program that recorded it may be able to repair it.
    #[error("the file is incomplete: its index is missing, as after an interrupted recording or download")]
    Incomplete,
    /// The header is correct, but no sample follows.
    #[error("it contains no sound, only a header")]
    NoSamples,
    /// The format is known, but nothing could be decoded.
    #[error("the file is damaged: no sound could be read from it")]
    Damaged(#[source] Detail),
    /// Encrypted by a shop or streaming service.
    #[error("it is protected against copying and cannot be decoded")]
    Protected,
    /// The file could not be opened, or the disk failed while reading.
    #[error("{}", io_sentence(.0))]
    Io(#[source] io::Error),
    /// `ffmpeg` could not be started, or failed for a reason of its own.
    #[error("ffmpeg could not read it")]
    Ffmpeg(#[source] Detail),
    /// `ffmpeg` was stopped because it wrote nothing for this long.
    #[error("ffmpeg gave no sound for {seconds} s and was stopped")]
    Stalled {
        /// The time waited, in seconds.
        seconds: u64,
    },
}

fn io_sentence(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "the file does not exist",
        io::ErrorKind::PermissionDenied => "the file may not be read: permission denied",
        _ => "the file could not be read: the disk or network reported an error",
    }
}

impl MediaError {
    /// `Damaged`, with the message of a library.
    pub(crate) fn damaged(detail: impl Into<Detail>) -> Self {
        Self::Damaged(detail.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_errors_say_what_the_owner_can_act_on() {
        let sentence = |kind| MediaError::Io(io::Error::from(kind)).to_string();
        assert_eq!(sentence(io::ErrorKind::NotFound), "the file does not exist");
        assert_eq!(sentence(io::ErrorKind::PermissionDenied), "the file may not be read: permission denied");
    }

    #[test]
    fn library_text_is_only_in_the_source() {
        let error = MediaError::damaged("isomp4: missing ftyp atom");
        assert!(!error.to_string().contains("isomp4"));
        assert!(error.source().is_some_and(|s| s.to_string().contains("isomp4")));
    }
}
