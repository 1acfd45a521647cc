//! The transcript as plain text, for the clipboard and for other programs.

use crate::document::Document;
use crate::paragraphs::{NO_WORDS, heading};

/// The title, then each segment on a line with its start in `H:MM:SS`. The speaker's name stands on a line of its own
/// above the first segment after each change of speaker.
pub(crate) fn text(document: &Document) -> String {
    let mut text = format!("{}\n\n", heading(&document.title, &document.metadata));
    if document.segments.is_empty() {
        text.push_str(&format!("{NO_WORDS}\n"));
    }
    let mut last_speaker = None;
    for (number, segment) in document.segments.iter().enumerate() {
        if !document.speakers.is_empty() && (number == 0 || last_speaker != segment.speaker) {
            let name = document.name(segment.speaker);
            text.push_str(&format!("{}{name}\n", if number == 0 { "" } else { "\n" }));
        }
        text.push_str(&format!("{}  {}\n", segment.segment.span.start, segment.segment.text));
        last_speaker = segment.speaker;
    }
    text
}
