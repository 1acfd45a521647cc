//! The turns of a meeting as RTTM (Rich Transcription Time Marked), the format of NIST's evaluations (RT-09 plan,
//! appendix A) that diarization tools read.

use crate::document::Document;
use crate::file_name::file_stem;
use crate::format::{Format, FormatGroup, Needs, ReceiptPlace};
use crate::options::ExportOptions;

pub(crate) static FORMAT: Format = Format {
    key: "rttm",
    extension: "rttm",
    media_type: "text/plain",
    label: "RTTM",
    purpose: "Turns of speakers, for diarization tools",
    group: FormatGroup::Data,
    needs: Needs::Speakers,
    options: &[],
    receipt: ReceiptPlace::None,
    render: |document, _, _| Ok(rttm(document).into()),
};

/// The turns of `document`, one per line, in order of start. Fields are separated by spaces, so spaces in the title and
/// in names become `_`.
pub(crate) fn rttm(document: &Document) -> String {
    let file = field(&file_stem(&document.title));
    let mut lines = String::new();
    for (span, speaker) in &document.turns {
        let start = span.start.as_secs_f64();
        let duration = f64::from(span.duration_ms()) / 1000.0;
        lines.push_str(&format!(
            "SPEAKER {file} 1 {start:.3} {duration:.3} <NA> <NA> {} <NA> <NA>\n",
            field(document.name(Some(*speaker), &ExportOptions::default()))
        ));
    }
    lines
}

/// `text` as one field; `<NA>`, RTTM's word for an absent value, if it is empty.
fn field(text: &str) -> String {
    let joined = text.split(|c: char| c.is_whitespace() || c.is_control()).collect::<Vec<_>>().join("_");
    if joined.is_empty() { "<NA>".to_owned() } else { joined }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Document, Speaker};
    use transcript::{AudioTime, Span};

    #[test]
    fn each_turn_is_one_line_and_each_name_one_field() {
        let speaker = |name: &str| Speaker { name: name.to_owned(), ..Speaker::default() };
        let turn =
            |start, end, speaker| (Span::new(AudioTime::from_ms(start), AudioTime::from_ms(end)), speaker);
        let document = Document {
            title: "Plan für\tMai".to_owned(),
            speakers: vec![speaker("Anna Berg"), speaker("\u{2028}")],
            turns: vec![turn(0, 1500, 0), turn(1250, 61_001, 1)],
            ..Document::default()
        };
        let lines = rttm(&document);
        assert_eq!(
            lines.lines().collect::<Vec<_>>(),
            [
                "SPEAKER Plan_für_Mai 1 0.000 1.500 <NA> <NA> Anna_Berg <NA> <NA>",
                "SPEAKER Plan_für_Mai 1 1.250 59.751 <NA> <NA> _ <NA> <NA>",
            ]
        );
    }
}
