//! What can go wrong while a document is made.

use std::{io, path::PathBuf};
use thiserror::Error;

/// Why there is no document. Everything here is about the fonts: a transcript alone can always be set.
#[derive(Debug, Error)]
pub enum ExportError {
    /// A font without which no PDF can be made is not there: the resources are not installed.
    #[error("the font {file} is missing in {}", folder.display())]
    FontMissing {
        /// Name of the missing file.
        file: String,
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// A font is there but cannot be read: a matter of permissions or of the disk.
    #[error("the font {} could not be read: {reason}", path.display())]
    FontUnreadable {
        /// The font file.
        path: PathBuf,
        /// What the system said. Not called a source: its text is in ours.
        reason: io::Error,
    },
    /// A file is not a font, or a damaged one: the resources have to be installed again.
    #[error("{font} is not a font that can be used in a PDF")]
    FontDamaged {
        /// File name, or what the caller called it.
        font: String,
    },
}
