//! What is copied from a transcript: its passages, without title and facts.

use crate::document::Document;
use crate::markdown;
use crate::options::{ExportOptions, Times};
use crate::paragraphs::FormattedTranscript;
use std::fmt::Write;

/// The segments of `document` as Markdown under their speakers' names.
pub fn markdown_passages(document: &Document, options: &ExportOptions) -> String {
    markdown::passages(&FormattedTranscript::new(document, options)).trim().to_owned()
}

/// The segments of `document` as plain text: one per line, under their speakers' names.
pub fn text_passages(document: &Document, options: &ExportOptions) -> String {
    let transcript = FormattedTranscript::new(document, options);
    let mut text = String::new();
    for paragraph in transcript.visible_paragraphs() {
        if let Some(name) = &paragraph.speaker {
            let _ = writeln!(text, "{}{name}", if text.is_empty() { "" } else { "\n" });
        }
        for segment in paragraph.segments {
            if options.times != Times::None {
                let _ = write!(text, "{}  ", segment.start);
            }
            let _ = writeln!(text, "{}", segment.full_text());
        }
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Segment, Speaker};
    use transcript::{AudioTime, Span};

    #[test]
    fn passages_are_copied_with_and_without_times() {
        let segment = |start, text: &str, speaker| {
            let span = Span::new(AudioTime::from_ms(start), AudioTime::from_ms(start + 900));
            let segment = transcript::Segment { span, text: text.to_owned(), words: Vec::new(), doubt: None };
            Segment { segment, speaker, also: Vec::new() }
        };
        let document = Document {
            title: "Not copied".to_owned(),
            speakers: vec![Speaker { name: "Anna".to_owned(), ..Speaker::default() }],
            segments: vec![segment(0, "Two * three.", Some(0)), segment(61_000, "Yes.", None)],
            ..Document::default()
        };
        let options = ExportOptions::default();
        assert_eq!(
            text_passages(&document, &options),
            "Anna\n0:00:00  Two * three.\n\nUnknown speaker\n0:01:01  Yes."
        );
        let without = ExportOptions { times: Times::None, speakers: false, ..options };
        assert_eq!(text_passages(&document, &without), "Two * three.\nYes.");
        let markdown = markdown_passages(&document, &without);
        assert!(markdown.contains("Two \\* three.") && !markdown.contains("0:00"), "{markdown}");
    }
}
