//! The table of formats: every kind of file that can be made of a meeting. Whoever lists them takes the list from here.

use crate::{Document, ExportError, Fonts, Paper, Script, file_stem, markdown, pdf, rttm, text};
use std::path::Path;

/// A kind of file.
#[derive(Debug)]
pub struct Format {
    /// The word in the database and on the command line.
    pub word: &'static str,
    /// The end of a file's name, without the dot.
    pub extension: &'static str,
    /// The media type (RFC 6838).
    pub media_type: &'static str,
    /// What it is called in a menu.
    pub label: &'static str,
    /// What a meeting must have.
    pub needs: Needs,
    /// Whether the window offers it; what is for other programs is made on the command line.
    pub in_menu: bool,
    render: fn(&Document, &Setting<'_>) -> Result<Rendered, ExportError>,
}

/// What a meeting must have before a file of a format can be made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// A complete transcript.
    Transcript,
    /// Speakers that were told apart, besides.
    Speakers,
}

/// What a file is set with.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// The folder of fonts.
    pub fonts: &'a Path,
    /// The sheet.
    pub paper: Paper,
}

/// A file that is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// Its content.
    pub bytes: Vec<u8>,
    /// What the user should know of it, a sentence.
    pub note: Option<String>,
}

/// All formats, in the order in which they are offered.
pub static FORMATS: [Format; 4] = [
    Format {
        word: "pdf_transcript",
        extension: "pdf",
        media_type: "application/pdf",
        label: "PDF document",
        needs: Needs::Transcript,
        in_menu: true,
        render: to_pdf,
    },
    Format {
        word: "markdown_transcript",
        extension: "md",
        media_type: "text/markdown",
        label: "Markdown text",
        needs: Needs::Transcript,
        in_menu: true,
        render: |document, _| Ok(plain(markdown(&document.into()))),
    },
    Format {
        word: "text_transcript",
        extension: "txt",
        media_type: "text/plain",
        label: "Plain text",
        needs: Needs::Transcript,
        in_menu: false,
        render: |document, _| Ok(plain(text::text(document))),
    },
    Format {
        word: "rttm",
        extension: "rttm",
        media_type: "text/plain",
        label: "RTTM, turns of speakers",
        needs: Needs::Speakers,
        in_menu: false,
        render: |document, _| Ok(plain(rttm(document))),
    },
];

impl Format {
    /// The format of this word.
    pub fn of(word: &str) -> Option<&'static Self> {
        FORMATS.iter().find(|format| format.word == word)
    }

    /// A name for the file that is made of the meeting called `title`.
    pub fn file_name(&self, title: &str) -> String {
        format!("{}.{}", file_stem(title), self.extension)
    }

    /// Makes the file. Equal arguments give equal bytes.
    ///
    /// # Errors
    /// Fonts that cannot be read, for formats that set type.
    pub fn render(&self, document: &Document, setting: &Setting<'_>) -> Result<Rendered, ExportError> {
        (self.render)(document, setting)
    }
}

fn plain(text: String) -> Rendered {
    Rendered { bytes: text.into_bytes(), note: None }
}

fn to_pdf(document: &Document, setting: &Setting<'_>) -> Result<Rendered, ExportError> {
    let made = pdf(&Script::from(document), &Fonts::load(setting.fonts)?, setting.paper)?;
    let missing: Vec<String> =
        made.missing.iter().map(|c| format!("{c} (U+{:04X})", u32::from(*c))).collect();
    let note = (!missing.is_empty()).then(|| {
        format!("No font here has these characters, they are marked in the PDF: {}.", missing.join(", "))
    });
    Ok(Rendered { bytes: made.bytes, note })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::{Facts, Segment, Speaker};
    use std::collections::HashSet;
    use transcript::{AudioTime, Span};

    fn document() -> Document {
        let line = |start, text: &str, speaker| {
            let span = Span::new(AudioTime::from_ms(start), AudioTime::from_ms(start + 900));
            let line = transcript::Segment { span, text: text.to_owned(), words: Vec::new(), doubt: None };
            Segment { line, speaker, also: Vec::new() }
        };
        let speaker = |name: &str| Speaker { id: name.to_lowercase(), name: name.to_owned() };
        Document {
            title: "Jour fixe".to_owned(),
            facts: Facts::default(),
            speakers: vec![speaker("Anna"), speaker("Ben")],
            segments: vec![
                line(0, "Good morning.", Some(0)),
                line(1_000, "Shall we begin?", Some(0)),
                line(2_000, "Yes.", Some(1)),
                line(9_000, "Who is that?", None),
            ],
            turns: vec![(Span::new(AudioTime::ZERO, AudioTime::from_ms(1_900)), 0)],
            exported_at: chrono::DateTime::UNIX_EPOCH.fixed_offset(),
        }
    }

    #[test]
    fn words_and_labels_are_each_of_one_format() {
        let words: HashSet<_> = FORMATS.iter().map(|format| format.word).collect();
        let labels: HashSet<_> = FORMATS.iter().map(|format| format.label).collect();
        assert_eq!((words.len(), labels.len()), (FORMATS.len(), FORMATS.len()));
        for format in &FORMATS {
            assert!(std::ptr::eq(Format::of(format.word).unwrap(), format));
            assert!(format.file_name("A/B").ends_with(&format!(".{}", format.extension)));
        }
        assert!(Format::of("docx").is_none());
    }

    #[test]
    fn every_format_of_text_says_who_says_what() {
        let setting = Setting { fonts: Path::new("none"), paper: Paper::A4 };
        let made = |word: &str| {
            let rendered = Format::of(word).unwrap().render(&document(), &setting).unwrap();
            String::from_utf8(rendered.bytes).unwrap()
        };
        assert_eq!(
            made("text_transcript"),
            "Jour fixe\n\nAnna\n0:00:00  Good morning.\n0:00:01  Shall we begin?\n\nBen\n0:00:02  Yes.\n\n\
             Unknown speaker\n0:00:09  Who is that?\n"
        );
        let markdown = made("markdown_transcript");
        assert!(
            markdown.contains("**Anna**\n\n`0:00:00` Good morning.\n\n`0:00:01` Shall we begin?"),
            "{markdown}"
        );
        assert!(markdown.contains("- **Speakers:** Anna, Ben"), "{markdown}");
        assert_eq!(made("rttm"), "SPEAKER Jour_fixe 1 0.000 1.900 <NA> <NA> Anna <NA> <NA>\n");
        assert!(
            Format::of("pdf_transcript").unwrap().render(&document(), &setting).is_err(),
            "without fonts"
        );
    }
}
