//! Renders a transcript as a file, in each of the [`FORMATS`].
//!
//! The input is a [`Document`] with [`ExportOptions`], the output are bytes, and equal input gives equal output: the
//! clock, the database and the output file belong to the caller. The only files read here are fonts.
//!
//! Formats for reading are written from a `FormattedTranscript`, which groups the segments of the document into
//! paragraphs under the speakers' names. Formats for other programs are written from the document itself.

mod bundle;
mod characters;
mod clipboard;
mod colours;
mod csv;
mod document;
mod docx;
mod error;
mod file_name;
mod fonts;
mod format;
mod html;
mod json;
mod labels;
mod logo;
mod markdown;
mod marks;
mod note_markdown;
mod options;
mod paragraphs;
mod passages;
mod pdf;
mod receipt;
mod rttm;
mod sections;
mod srt;
mod subtitles;
mod summary;
#[cfg(test)]
mod testing;
mod txt;
mod vtt;

pub use bundle::BUNDLE;
pub use clipboard::{markdown_passages, text_passages};
pub use document::{Document, Metadata, Segment, Source, Speaker};
pub use error::ExportError;
pub use file_name::{FileNameParts, file_name, file_stem};
pub use fonts::{Font, Fonts};
pub use format::{Audio, FORMATS, Format, FormatGroup, Needs, OptionName, Rendered, Resources, read_receipt};
pub use options::{ExportOptions, LabelLanguage, Paper, SubtitleGuide, SubtitleOptions, Times};
pub(crate) use paragraphs::FormattedTranscript;
pub use paragraphs::date_and_time;
pub use passages::{Passage, Passages};
pub use receipt::{FoundReceipt, Receipt};
pub use summary::{Summary, SummarySection, SummaryStatement};
