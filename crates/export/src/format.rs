//! The table of export formats. The window, the command line and the database use this table alone.
//!
//! A format is a module with a `FORMAT`, and a row in [`FORMATS`].

use crate::document::Document;
use crate::error::ExportError;
use crate::options::ExportOptions;
use crate::receipt::{FoundReceipt, receipt_in, seal};
use crate::{bundle, csv, docx, html, json, markdown, pdf, rttm, srt, summary, txt, vtt};
use serde::Serialize;
use std::path::Path;

/// An export format.
#[derive(Debug)]
pub struct Format {
    /// The name in the database and on the command line.
    pub key: &'static str,
    /// The file extension, without the dot.
    pub extension: &'static str,
    /// The media type (RFC 6838).
    pub media_type: &'static str,
    /// The name in menus.
    pub label: &'static str,
    /// What people use it for, in a few words.
    pub purpose: &'static str,
    /// Where the window lists it.
    pub group: FormatGroup,
    /// What a meeting must have to be exported in this format.
    pub needs: Needs,
    /// The options that change the file.
    pub options: &'static [OptionName],
    /// How the file holds its receipt.
    pub(crate) receipt: ReceiptPlace,
    pub(crate) render: fn(&Document, &ExportOptions, &Resources<'_>) -> Result<Rendered, ExportError>,
}

/// A group of formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum FormatGroup {
    /// To read.
    Document,
    /// To show with the recording.
    Subtitles,
    /// For other programs.
    Data,
}

/// What a meeting must have to be exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// A complete transcript.
    Transcript,
    /// A complete transcript and diarized speakers.
    Speakers,
    /// A summary.
    Summary,
}

/// The name of a field of [`ExportOptions`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the fields have the documentation")]
pub enum OptionName {
    Speakers,
    Times,
    Confidence,
    Doubts,
    Note,
    Summary,
    Statistics,
    Language,
    Paper,
    Contents,
    LineNumbers,
    Watermark,
    Logo,
    Audio,
    Subtitles,
}

/// The options of documents without pages and links.
pub(crate) const TEXT_OPTIONS: &[OptionName] = &[
    OptionName::Speakers,
    OptionName::Times,
    OptionName::Confidence,
    OptionName::Doubts,
    OptionName::Note,
    OptionName::Summary,
    OptionName::Statistics,
    OptionName::Language,
];

/// The options of documents with pages.
pub(crate) const PAGE_OPTIONS: &[OptionName] = &[
    OptionName::Speakers,
    OptionName::Times,
    OptionName::Confidence,
    OptionName::Doubts,
    OptionName::Note,
    OptionName::Summary,
    OptionName::Statistics,
    OptionName::Language,
    OptionName::Paper,
    OptionName::Contents,
    OptionName::LineNumbers,
    OptionName::Watermark,
    OptionName::Logo,
];

/// How a file holds its receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReceiptPlace {
    /// It has no place for one.
    None,
    /// A token in plain bytes.
    Token,
    /// A token in a part of a DOCX, which seals itself.
    Docx,
}

/// What rendering reads besides the document.
#[derive(Clone, Copy)]
pub struct Resources<'a> {
    /// The folder that contains the fonts.
    pub fonts: &'a Path,
    /// The logo: the content of a PNG or JPEG file.
    pub logo: Option<&'a [u8]>,
    /// The sound to embed.
    pub audio: Option<Audio<'a>>,
    /// Is told how far rendering is, from 0 to 1; returns whether to go on.
    pub progress: &'a (dyn Fn(f32) -> bool + Sync),
}

/// Sound that a browser plays.
#[derive(Debug, Clone, Copy)]
pub struct Audio<'a> {
    /// The media type: `audio/mp4`.
    pub media_type: &'a str,
    /// The content of the file.
    pub bytes: &'a [u8],
}

impl Resources<'_> {
    /// Reports progress after `done` of `total` steps.
    ///
    /// # Errors
    /// [`ExportError::Cancelled`].
    pub(crate) fn report(&self, done: usize, total: usize) -> Result<(), ExportError> {
        if (self.progress)(done as f32 / total.max(1) as f32) { Ok(()) } else { Err(ExportError::Cancelled) }
    }
}

/// A rendered file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The content of the file.
    pub bytes: Vec<u8>,
    /// A sentence for the user about a flaw of the file, if it has one.
    pub note: Option<String>,
}

impl From<String> for Rendered {
    fn from(text: String) -> Self {
        Self { bytes: text.into_bytes(), note: None }
    }
}

/// All formats, in the order of menus and lists.
pub static FORMATS: [&Format; 13] = [
    &pdf::FORMAT,
    &docx::FORMAT,
    &html::FORMAT,
    &markdown::FORMAT,
    &summary::PDF,
    &summary::MARKDOWN,
    &txt::FORMAT,
    &srt::FORMAT,
    &vtt::FORMAT,
    &json::FORMAT,
    &csv::FORMAT,
    &rttm::FORMAT,
    &bundle::FORMAT,
];

impl Format {
    /// The format with this key.
    pub fn by_key(key: &str) -> Option<&'static Self> {
        FORMATS.into_iter().find(|format| format.key == key)
    }

    /// The name of a file with this beginning. A summary gets another name than the transcript of the same meeting.
    pub fn with_extension(&self, stem: &str) -> String {
        match self.needs {
            Needs::Summary => format!("{stem} - summary.{}", self.extension),
            Needs::Transcript | Needs::Speakers => format!("{stem}.{}", self.extension),
        }
    }

    /// Whether files of this format name their origin.
    pub fn has_receipt(&self) -> bool {
        self.receipt != ReceiptPlace::None
    }

    /// Renders `document` in this format. Equal arguments give equal bytes.
    ///
    /// # Errors
    /// If a font or picture that the format needs cannot be read, or if `resources.progress` says so.
    pub fn render(
        &self,
        document: &Document,
        options: &ExportOptions,
        resources: &Resources<'_>,
    ) -> Result<Rendered, ExportError> {
        let mut rendered = (self.render)(document, options, resources)?;
        if self.receipt == ReceiptPlace::Token {
            seal(&mut rendered.bytes);
        }
        Ok(rendered)
    }
}

/// The receipt of an exported file; `None` if it has none.
pub fn read_receipt(bytes: &[u8]) -> Option<FoundReceipt> {
    // Every ZIP archive begins so (APPNOTE 4.3.7).
    if bytes.starts_with(b"PK\x03\x04") { docx::receipt_in_docx(bytes) } else { receipt_in(bytes) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::{Segment, Speaker};
    use std::collections::HashSet;
    use transcript::{AudioTime, Span};

    fn document() -> Document {
        let segment = |start, text: &str, speaker| {
            let span = Span::new(AudioTime::from_ms(start), AudioTime::from_ms(start + 900));
            let segment = transcript::Segment { span, text: text.to_owned(), words: Vec::new(), doubt: None };
            Segment { segment, speaker, also: Vec::new() }
        };
        let speaker =
            |name: &str| Speaker { id: name.to_lowercase(), name: name.to_owned(), ..Speaker::default() };
        Document {
            title: "Jour fixe".to_owned(),
            speakers: vec![speaker("Anna"), speaker("Ben")],
            segments: vec![
                segment(0, "Good morning.", Some(0)),
                segment(1_000, "Shall we begin?", Some(0)),
                segment(2_000, "Yes.", Some(1)),
                segment(9_000, "Who is that?", None),
            ],
            turns: vec![(Span::new(AudioTime::ZERO, AudioTime::from_ms(1_900)), 0)],
            ..Document::default()
        }
    }

    #[test]
    fn keys_and_labels_are_unique() {
        let keys: HashSet<_> = FORMATS.iter().map(|format| format.key).collect();
        let labels: HashSet<_> = FORMATS.iter().map(|format| format.label).collect();
        assert_eq!((keys.len(), labels.len()), (FORMATS.len(), FORMATS.len()));
        for format in FORMATS {
            assert!(std::ptr::eq(Format::by_key(format.key).unwrap(), format));
            assert!(format.with_extension("A B").ends_with(&format!(".{}", format.extension)));
        }
        assert!(Format::by_key("exe").is_none());
    }

    #[test]
    fn text_formats_name_the_speakers() {
        let options = ExportOptions { statistics: false, ..ExportOptions::default() };
        let resources = Resources { fonts: Path::new("none"), logo: None, audio: None, progress: &|_| true };
        let render = |key: &str| {
            let rendered = Format::by_key(key).unwrap().render(&document(), &options, &resources).unwrap();
            String::from_utf8(rendered.bytes).unwrap()
        };
        assert_eq!(
            render("txt"),
            "Jour fixe\n\nAnna\n0:00:00  Good morning.\n0:00:01  Shall we begin?\n\nBen\n0:00:02  Yes.\n\n\
             Unknown speaker\n0:00:09  Who is that?\n"
        );
        let markdown = render("markdown_transcript");
        assert!(
            markdown.contains("**Anna**\n\n`0:00:00` Good morning.\n\n`0:00:01` Shall we begin?"),
            "{markdown}"
        );
        assert!(markdown.contains("- **Speakers:** Anna, Ben"), "{markdown}");
        assert_eq!(render("rttm"), "SPEAKER Jour_fixe 1 0.000 1.900 <NA> <NA> Anna <NA> <NA>\n");
        assert!(
            Format::by_key("pdf_transcript").unwrap().render(&document(), &options, &resources).is_err(),
            "without fonts"
        );
    }
}
