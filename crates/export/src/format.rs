//! The table of export formats. The window, the command line and the database use this table alone.

use crate::{Document, ExportError, Fonts, FormattedTranscript, Paper, file_stem, markdown, pdf, rttm, text};
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
    /// What a meeting must have to be exported in this format.
    pub needs: Needs,
    /// Whether the window offers it. The command line offers all formats.
    pub in_menu: bool,
    render: fn(&Document, &RenderOptions<'_>) -> Result<Rendered, ExportError>,
}

/// What a meeting must have to be exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// A complete transcript.
    Transcript,
    /// A complete transcript and diarized speakers.
    Speakers,
}

/// Options for formats that set type, such as PDF.
#[derive(Debug, Clone, Copy)]
pub struct RenderOptions<'a> {
    /// The folder that contains the fonts.
    pub fonts: &'a Path,
    /// The paper size.
    pub paper: Paper,
}

/// A rendered file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The content of the file.
    pub bytes: Vec<u8>,
    /// A sentence for the user about a flaw of the file, if it has one.
    pub note: Option<String>,
}

/// All formats, in the order of menus and lists.
pub static FORMATS: [Format; 4] = [
    Format {
        key: "pdf_transcript",
        extension: "pdf",
        media_type: "application/pdf",
        label: "PDF document",
        needs: Needs::Transcript,
        in_menu: true,
        render: render_pdf,
    },
    Format {
        key: "markdown_transcript",
        extension: "md",
        media_type: "text/markdown",
        label: "Markdown text",
        needs: Needs::Transcript,
        in_menu: true,
        render: |document, _| Ok(text_file(markdown(&document.into()))),
    },
    Format {
        key: "text_transcript",
        extension: "txt",
        media_type: "text/plain",
        label: "Plain text",
        needs: Needs::Transcript,
        in_menu: false,
        render: |document, _| Ok(text_file(text::text(document))),
    },
    Format {
        key: "rttm",
        extension: "rttm",
        media_type: "text/plain",
        label: "RTTM, turns of speakers",
        needs: Needs::Speakers,
        in_menu: false,
        render: |document, _| Ok(text_file(rttm(document))),
    },
];

impl Format {
    /// The format with this key.
    pub fn by_key(key: &str) -> Option<&'static Self> {
        FORMATS.iter().find(|format| format.key == key)
    }

    /// A file name for the export of a meeting with this title.
    pub fn file_name(&self, title: &str) -> String {
        format!("{}.{}", file_stem(title), self.extension)
    }

    /// Renders `document` in this format. Equal arguments give equal bytes.
    ///
    /// # Errors
    /// If a font that the format needs cannot be read.
    pub fn render(&self, document: &Document, options: &RenderOptions<'_>) -> Result<Rendered, ExportError> {
        (self.render)(document, options)
    }
}

fn text_file(text: String) -> Rendered {
    Rendered { bytes: text.into_bytes(), note: None }
}

fn render_pdf(document: &Document, options: &RenderOptions<'_>) -> Result<Rendered, ExportError> {
    let rendered = pdf(&FormattedTranscript::from(document), &Fonts::load(options.fonts)?, options.paper)?;
    let missing: Vec<String> =
        rendered.missing.iter().map(|c| format!("{c} (U+{:04X})", u32::from(*c))).collect();
    let note = (!missing.is_empty()).then(|| {
        format!("No font here has these characters, they are marked in the PDF: {}.", missing.join(", "))
    });
    Ok(Rendered { bytes: rendered.bytes, note })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::{Metadata, Segment, Speaker};
    use std::collections::HashSet;
    use transcript::{AudioTime, Span};

    fn document() -> Document {
        let segment = |start, text: &str, speaker| {
            let span = Span::new(AudioTime::from_ms(start), AudioTime::from_ms(start + 900));
            let segment = transcript::Segment { span, text: text.to_owned(), words: Vec::new(), doubt: None };
            Segment { segment, speaker, also: Vec::new() }
        };
        let speaker = |name: &str| Speaker { id: name.to_lowercase(), name: name.to_owned() };
        Document {
            title: "Jour fixe".to_owned(),
            metadata: Metadata::default(),
            speakers: vec![speaker("Anna"), speaker("Ben")],
            segments: vec![
                segment(0, "Good morning.", Some(0)),
                segment(1_000, "Shall we begin?", Some(0)),
                segment(2_000, "Yes.", Some(1)),
                segment(9_000, "Who is that?", None),
            ],
            turns: vec![(Span::new(AudioTime::ZERO, AudioTime::from_ms(1_900)), 0)],
            changed_at: chrono::DateTime::UNIX_EPOCH.fixed_offset(),
        }
    }

    #[test]
    fn keys_and_labels_are_unique() {
        let keys: HashSet<_> = FORMATS.iter().map(|format| format.key).collect();
        let labels: HashSet<_> = FORMATS.iter().map(|format| format.label).collect();
        assert_eq!((keys.len(), labels.len()), (FORMATS.len(), FORMATS.len()));
        for format in &FORMATS {
            assert!(std::ptr::eq(Format::by_key(format.key).unwrap(), format));
            assert!(format.file_name("A/B").ends_with(&format!(".{}", format.extension)));
        }
        assert!(Format::by_key("docx").is_none());
    }

    #[test]
    fn text_formats_name_the_speakers() {
        let options = RenderOptions { fonts: Path::new("none"), paper: Paper::A4 };
        let render = |key: &str| {
            let rendered = Format::by_key(key).unwrap().render(&document(), &options).unwrap();
            String::from_utf8(rendered.bytes).unwrap()
        };
        assert_eq!(
            render("text_transcript"),
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
            Format::by_key("pdf_transcript").unwrap().render(&document(), &options).is_err(),
            "without fonts"
        );
    }
}
