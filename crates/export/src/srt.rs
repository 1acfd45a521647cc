//! Subtitles as SubRip. There is no standard: this module writes what every player reads, cues of plain text.

use crate::document::Document;
use crate::error::ExportError;
use crate::format::{Format, FormatGroup, Needs, OptionName, ReceiptPlace, Rendered, Resources};
use crate::options::ExportOptions;
use crate::subtitles::{clock, cues, guard_times};
use std::fmt::Write;

pub(crate) static FORMAT: Format = Format {
    key: "srt",
    extension: "srt",
    media_type: "application/x-subrip",
    label: "SubRip subtitles",
    purpose: "Subtitles for video editors and players",
    group: FormatGroup::Subtitles,
    needs: Needs::Transcript,
    options: &[OptionName::Speakers, OptionName::Language, OptionName::Subtitles],
    receipt: ReceiptPlace::None,
    render,
};

fn render(
    document: &Document,
    options: &ExportOptions,
    resources: &Resources<'_>,
) -> Result<Rendered, ExportError> {
    let mut out = String::new();
    for (index, cue) in cues(document, options, true, resources)?.into_iter().enumerate() {
        let blank = if index == 0 { "" } else { "\n" };
        let (start, end) = (clock(cue.start_ms, ','), clock(cue.end_ms, ','));
        let _ = writeln!(out, "{blank}{}\n{start} --> {end}", index + 1);
        for line in cue.lines {
            push_line(&mut out, &line.text);
            out.push('\n');
        }
    }
    Ok(out.into())
}

/// Pushes a line of text. Players take `-->` for a line of times, and some take `<…>`, `{…}` and a backslash for markup,
/// which SubRip cannot escape: the arrow is written as `→`, and an invisible character (U+2060, word joiner) follows the
/// other characters, as FFmpeg does it.
fn push_line(out: &mut String, text: &str) {
    for c in guard_times(&text.replace("-->", "→")).chars() {
        out.push(c);
        if matches!(c, '<' | '{' | '\\') {
            out.push('\u{2060}');
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::testing::{assert_same_list, read_with_python, resources, torture};
    use crate::{Segment, Speaker};
    use transcript::Span;

    fn srt(document: &Document) -> String {
        String::from_utf8(FORMAT.render(document, &ExportOptions::default(), &resources()).unwrap().bytes)
            .unwrap()
    }

    #[test]
    fn cues_are_plain_text() {
        let segment = |start, text: &str| {
            let at = transcript::AudioTime::from_ms(start);
            let (span, text) = (Span::new(at, at.plus_ms(1_500)), text.to_owned());
            Segment {
                segment: transcript::Segment { span, text, words: Vec::new(), doubt: None },
                speaker: Some(0),
                also: Vec::new(),
            }
        };
        let document = Document {
            speakers: vec![Speaker { name: "Anna".to_owned(), ..Speaker::default() }],
            segments: vec![segment(0, "AT&T <int> --> {\\an8}"), segment(3_600_000, "two\n\nlines")],
            ..Document::default()
        };
        assert_eq!(
            srt(&document),
            "1\n00:00:00,000 --> 00:00:01,500\nAnna: AT&T <\u{2060}int> → {\u{2060}\\\u{2060}an8}\n\n\
             2\n01:00:00,000 --> 01:00:01,500\ntwo lines\n"
        );
        assert_eq!(srt(&Document::default()), "");
    }

    #[test]
    fn other_readers_find_the_same_cues() {
        let document = torture();
        let options = ExportOptions::default();
        let wanted: Vec<serde_json::Value> = cues(&document, &options, true, &resources())
            .unwrap()
            .into_iter()
            .map(|cue| {
                let mut text = String::new();
                for (index, line) in cue.lines.iter().enumerate() {
                    text.push_str(if index == 0 { "" } else { "\n" });
                    push_line(&mut text, &line.text);
                }
                serde_json::json!([cue.start_ms, cue.end_ms, text])
            })
            .collect();
        assert!(wanted.len() > 100);
        let read = read_with_python("subtitles.py", &["srt"], srt(&document).as_bytes());
        assert_same_list(&read["pysubs2"], &wanted);
        assert_same_list(&read["webvtt"], &wanted);
    }
}
