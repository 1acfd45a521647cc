//! Why a file was refused, in words for its owner.

use std::error::Error;
use std::io;

/// What a library or tool said, kept for `source()` and debug logs, never for a user.
pub(crate) type Detail = Box<dyn Error + Send + Sync>;

/// Why a file gives no sound.
///
/// Each `Display` is a clause that makes sense after the file's name and a colon: `minutes.wma: WMA needs ffmpeg,
/// which is not installed`. What a library said about it is only in `source()`.
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
    /// Installing `ffmpeg` would help.
    #[error("{format} needs ffmpeg, which is not installed")]
    NeedsFfmpeg {
        /// The container or codec, as people call it.
        format: String,
    },
    /// Neither this program nor the installed `ffmpeg` can decode it.
    #[error("{codec} cannot be decoded")]
    Unsupported {
        /// The container or codec, as people call it.
        codec: String,
    },
    /// A video or audio container without its table of contents. The recording program may be able to repair it.
    #[error("the file is incomplete: its index is missing, as after an interrupted recording or download")]
    Incomplete,
    /// The header is sound but there is not one sample behind it.
    #[error("it contains no sound, only a header")]
    NoSamples,
    /// It is of a known format, but nothing of it could be decoded.
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
    /// `ffmpeg` was stopped because nothing came from it for this long.
    #[error("ffmpeg gave no sound for {seconds} s and was stopped")]
    Stalled {
        /// How long was waited.
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
    /// Damage, with what a library said about it.
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
