//! A transcript becomes a file, in each of the [`FORMATS`].
//!
//! A [`Document`] goes in, bytes come out, and equal input gives equal output. The clock, the database and the
//! place where the result is written belong to the caller; the only files read here are fonts, named by [`Fonts`].

mod document;
mod error;
mod file_name;
mod fonts;
mod format;
mod markdown;
mod pdf;
mod rttm;
mod script;
mod text;

pub use document::{Document, Facts, Segment, Speaker, UNKNOWN_SPEAKER};
pub use error::ExportError;
pub use file_name::file_stem;
pub use fonts::{Font, Fonts};
pub use format::{FORMATS, Format, Needs, Rendered, Setting};
pub use markdown::markdown;
pub use pdf::{Paper, Pdf, pdf};
pub use rttm::rttm;
pub use script::{Line, Run, Script, day_and_hour};
