//! The transcript as plain text, for the clipboard and for programs that know nothing else.

use crate::document::Document;
use crate::script::{NO_WORDS, heading};

/// The title, then each line with its time in `H:MM:SS`, under the name of whoever speaks.
pub(crate) fn text(document: &Document) -> String {
    let mut text = format!("{}\n\n", heading(&document.title, &document.facts));
    if document.segments.is_empty() {
        text.push_str(&format!("{NO_WORDS}\n"));
    }
    let mut before = None;
    for (number, segment) in document.segments.iter().enumerate() {
        if !document.speakers.is_empty() && (number == 0 || before != segment.speaker) {
            let name = document.name(segment.speaker);
            text.push_str(&format!("{}{name}\n", if number == 0 { "" } else { "\n" }));
        }
        text.push_str(&format!("{}  {}\n", segment.line.span.start, segment.line.text));
        before = segment.speaker;
    }
    text
}
