//! The YAML front matter: what programs such as Obsidian show as properties.

use crate::paragraphs::FormattedTranscript;
use std::fmt::Write;

/// The front matter of `transcript`: `---`, a line per property, `---`. Absent values are left out. Every text is a
/// double-quoted scalar, so that no program takes it for something else.
pub(super) fn front_matter(transcript: &FormattedTranscript) -> String {
    let (metadata, receipt) = (&transcript.metadata, &transcript.receipt);
    let mut out = String::from("---\n");
    let mut push = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            let _ = writeln!(out, "{key}: {value}");
        }
    };
    let text = |text: &str| (!text.trim().is_empty()).then(|| quoted(text));
    push("title", Some(quoted(&transcript.heading())));
    push("date", metadata.recorded_at.map(|at| at.date_naive().to_string()));
    push("duration", metadata.duration.map(|length| quoted(&length.to_string())));
    push("language", metadata.language_tag.as_deref().and_then(text));
    let names: Vec<String> = transcript.speakers.iter().map(|speaker| quoted(&speaker.name)).collect();
    push("speakers", (!names.is_empty()).then(|| format!("[{}]", names.join(", "))));
    push("meeting_id", text(&receipt.meeting_id));
    push("recording_sha256", text(&receipt.recording_sha256));
    push("version", text(&receipt.version_id));
    push("engine", text(&receipt.engine));
    push("model", text(&receipt.model));
    push("exported", Some(receipt.exported_on.to_string()));
    push("content_sha256", text(&receipt.passages_sha256));
    out.push_str("---\n");
    out
}

/// `text` as a double-quoted scalar (YAML 1.2, 7.3.1), on one line, in printable characters.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        let printable = match c {
            '"' | '\\' => {
                out.push('\\');
                true
            }
            '\u{2028}' | '\u{2029}' | '\u{FEFF}' | '\u{FFFE}' | '\u{FFFF}' => false,
            c => !c.is_control(),
        };
        match printable {
            true => out.push(c),
            false => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_one_line_of_printable_characters() {
        for (text, scalar) in [
            ("Budget: 2026 # no", r#""Budget: 2026 # no""#),
            ("\"a\\b\"", r#""\"a\\b\"""#),
            ("a\nb\t\u{0}\u{7f}\u{85}\u{2028}\u{feff}", r#""a\u000ab\u0009\u0000\u007f\u0085\u2028\ufeff""#),
            ("no", r#""no""#),
            ("", r#""""#),
        ] {
            assert_eq!(quoted(text), scalar);
        }
    }
}
