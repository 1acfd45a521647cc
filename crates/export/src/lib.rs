//! Renders a transcript as a file, in each of the [`FORMATS`].
//!
//! The input is a [`Document`], the output are bytes, and equal input gives equal output: the clock, the database and
//! the output file belong to the caller. The only files read here are fonts ([`Fonts`]).
//!
//! RTTM and plain text are written from the document itself. Markdown and PDF are written from a
//! [`FormattedTranscript`], which groups the segments of the document into paragraphs under the speakers' names.

mod document;
mod error;
mod file_name;
mod fonts;
mod format;
mod markdown;
mod paragraphs;
mod pdf;
mod rttm;
mod text;

pub use document::{Document, Metadata, Segment, Speaker, UNKNOWN_SPEAKER};
pub use error::ExportError;
pub use file_name::file_stem;
pub use fonts::{Font, Fonts};
pub use format::{FORMATS, Format, Needs, RenderOptions, Rendered};
pub use markdown::markdown;
pub use paragraphs::{FormattedTranscript, Paragraph, ParagraphSegment, date_and_time};
pub use pdf::{Paper, Pdf, pdf};
pub use rttm::rttm;
