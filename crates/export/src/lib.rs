//! A transcript becomes Markdown, PDF or RTTM.
//!
//! A [`Document`] goes in, text or bytes come out, and equal input gives equal output. The clock, the database and the
//! place where the result is written belong to the caller; the only files read here are fonts, named by [`Fonts`].

mod document;
mod error;
mod file_name;
mod fonts;
mod markdown;
mod pdf;
mod rttm;

pub use document::{Document, Facts, Line, Run, day_and_hour};
pub use error::ExportError;
pub use file_name::file_stem;
pub use fonts::{Font, Fonts};
pub use markdown::markdown;
pub use pdf::{Paper, Pdf, pdf};
pub use rttm::rttm;
