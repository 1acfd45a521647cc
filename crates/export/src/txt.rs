//! The transcript as plain text, for the clipboard and for other programs.

use crate::document::Document;
use crate::format::{Format, FormatGroup, Needs, OptionName, ReceiptPlace};
use crate::options::{ExportOptions, Times};
use crate::paragraphs::{FormattedTranscript, single_line};
use std::fmt::Write;

pub(crate) static FORMAT: Format = Format {
    key: "txt",
    extension: "txt",
    media_type: "text/plain",
    label: "Plain text",
    purpose: "For any program",
    group: FormatGroup::Document,
    needs: Needs::Transcript,
    options: &[OptionName::Speakers, OptionName::Times, OptionName::Note, OptionName::Language],
    receipt: ReceiptPlace::None,
    render: |document, options, _| Ok(text(document, options).into()),
};

/// The title, then each segment on a line with its start in `H:MM:SS`. The speaker's name stands on a line of its own
/// above the first segment after each change of speaker.
pub(crate) fn text(document: &Document, options: &ExportOptions) -> String {
    let transcript = FormattedTranscript::new(document, options);
    let mut text = format!("{}\n\n", transcript.heading());
    if document.segments.is_empty() {
        let _ = writeln!(text, "{}", options.language.labels().no_words);
    }
    let mut last_speaker = None;
    for (number, segment) in document.segments.iter().enumerate() {
        if document.shows_speakers(options) && (number == 0 || last_speaker != segment.speaker) {
            let name = single_line(document.name(segment.speaker, options));
            let _ = writeln!(text, "{}{name}", if number == 0 { "" } else { "\n" });
        }
        if options.times != Times::None {
            let _ = write!(text, "{}  ", segment.segment.span.start);
        }
        let _ = writeln!(text, "{}", segment.segment.text);
        last_speaker = segment.speaker;
    }
    text
}
