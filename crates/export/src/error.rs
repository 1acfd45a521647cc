//! Errors of rendering a document.

use std::{io, path::PathBuf};
use thiserror::Error;

/// Why a document could not be rendered. Only fonts and pictures can cause that: every transcript can be rendered.
#[derive(Debug, Error)]
pub enum ExportError {
    /// The caller wants no result any more.
    #[error("the export was cancelled")]
    Cancelled,
    /// A bundle holds the recording, so its caller makes it.
    #[error("a bundle cannot be rendered without its recording")]
    NeedsRecording,
    /// The logo is neither a PNG nor a JPEG file, or it is damaged.
    #[error("the logo is not a PNG or JPEG picture that can be shown: {reason}")]
    LogoDamaged {
        /// What is wrong with it.
        reason: String,
    },
    /// A main font is missing: the resources are not installed.
    #[error("the font {file} is missing in {}", folder.display())]
    FontMissing {
        /// File name of the font.
        file: String,
        /// The folder in which it was expected.
        folder: PathBuf,
    },
    /// A font file exists but cannot be read, because of its permissions or a fault of the disk.
    #[error("the font {} could not be read: {reason}", path.display())]
    FontUnreadable {
        /// The font file.
        path: PathBuf,
        /// The error of the system. Not a `source`, because the message above includes its text.
        reason: io::Error,
    },
    /// A file is not a font or is damaged: the resources must be installed again.
    #[error("{font} is not a font that can be used in a PDF")]
    FontDamaged {
        /// File name, or the name given to [`Font::from_bytes`](crate::Font::from_bytes).
        font: String,
    },
}
