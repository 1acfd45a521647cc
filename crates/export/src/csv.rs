//! The segments of a transcript as a table (CSV, RFC 4180), for spreadsheets and analysis programs.
//!
//! The file is UTF-8 and begins with a byte order mark, without which Excel takes UTF-8 for another encoding. Lines end
//! with CR LF. The columns are always the same; what `options` do not show is empty.
//!
//! Text that a spreadsheet would take for a formula gets an apostrophe in front, as OWASP recommends against CSV
//! injection: text that begins with `=`, `+`, `-`, `@`, a tab or a line break, also after spaces, and the full-width
//! forms of these characters.

use crate::document::Document;
use crate::error::ExportError;
use crate::format::{Format, FormatGroup, Needs, OptionName, ReceiptPlace, Rendered, Resources};
use crate::options::ExportOptions;
use crate::paragraphs::{is_unsure, mean_confidence};
use crate::subtitles::clock;
use std::fmt::Write;
use transcript::join_words;

pub(crate) static FORMAT: Format = Format {
    key: "csv",
    extension: "csv",
    media_type: "text/csv",
    label: "CSV",
    purpose: "A table for spreadsheets and analysis",
    group: FormatGroup::Data,
    needs: Needs::Transcript,
    options: &[OptionName::Speakers, OptionName::Confidence, OptionName::Doubts, OptionName::Language],
    receipt: ReceiptPlace::None,
    render,
};

/// The columns, described in `docs/export-formats.md`.
const COLUMNS: &str = "segment,start_ms,end_ms,start,end,speaker,also,text,confidence,doubt,doubtful_words";

fn render(
    document: &Document,
    options: &ExportOptions,
    resources: &Resources<'_>,
) -> Result<Rendered, ExportError> {
    let mut out = format!("\u{FEFF}{COLUMNS}\r\n");
    let shows_speakers = document.shows_speakers(options);
    for (index, segment) in document.segments.iter().enumerate() {
        if index % 500 == 0 {
            resources.report(index, document.segments.len())?;
        }
        let span = segment.segment.span;
        let (start, end) = (span.start.as_ms(), span.end.as_ms());
        let (start_text, end_text) = (clock(start.into(), '.'), clock(end.into(), '.'));
        let _ = write!(out, "{},{start},{end},{start_text},{end_text},", index + 1);
        let speaker = if shows_speakers { document.name(segment.speaker, options) } else { "" };
        push_text(&mut out, speaker);
        let also = segment.also.iter().filter(|_| shows_speakers);
        let also: Vec<&str> = also.map(|other| document.name(Some(*other), options)).collect();
        push_text(&mut out, &also.join("; "));
        push_text(&mut out, &segment.segment.text);
        if let Some(confidence) = mean_confidence(&segment.segment.words).filter(|_| options.confidence) {
            let _ = write!(out, "{confidence:.3}");
        }
        let doubt = segment.segment.doubt.filter(|_| options.doubts);
        let _ = write!(out, ",{},", doubt.map_or("", |reason| reason.as_str()));
        let unsure = segment.segment.words.iter().filter(|word| options.doubts && is_unsure(word));
        push_text(&mut out, &join_words(unsure.map(|word| word.text.as_str())));
        out.truncate(out.len() - 1);
        out.push_str("\r\n");
    }
    Ok(out.into())
}

/// Pushes `text` as a quoted field that no spreadsheet takes for a formula, and a comma. NUL, which many readers refuse,
/// becomes `�`.
fn push_text(out: &mut String, text: &str) {
    if !text.is_empty() {
        out.push('"');
        if is_formula(text) {
            out.push('\'');
        }
        out.push_str(&text.replace('"', "\"\"").replace('\0', "\u{FFFD}"));
        out.push('"');
    }
    out.push(',');
}

/// Whether a spreadsheet may take `text` for a formula.
fn is_formula(text: &str) -> bool {
    text.starts_with(['\t', '\r', '\n'])
        || text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::testing::{read_with_python, resources, torture};

    fn csv(document: &Document, options: &ExportOptions) -> Vec<u8> {
        FORMAT.render(document, options, &resources()).unwrap().bytes
    }

    #[test]
    fn a_strict_reader_finds_every_value_and_a_spreadsheet_no_formula() {
        let document = torture();
        for options in [
            ExportOptions { confidence: true, ..ExportOptions::default() },
            ExportOptions { speakers: false, doubts: false, ..ExportOptions::default() },
        ] {
            let read = read_with_python("table.py", &[], &csv(&document, &options));
            assert_eq!(read["header"], serde_json::json!(COLUMNS.split(',').collect::<Vec<_>>()));
            assert_eq!(read["formulas"], 0);
            let rows = read["rows"].as_array().unwrap();
            assert_eq!(rows.len(), document.segments.len());
            for (row, segment) in rows.iter().zip(&document.segments) {
                let column = |name: &str| {
                    row[COLUMNS.split(',').position(|other| other == name).unwrap()].as_str().unwrap()
                };
                let text = segment.segment.text.replace('\0', "\u{FFFD}");
                let safe = if is_formula(&text) { format!("'{text}") } else { text };
                assert_eq!(column("text"), safe);
                assert_eq!(column("start_ms"), segment.segment.span.start.as_ms().to_string());
                let name = document.name(segment.speaker, &options);
                let shown = if is_formula(name) { format!("'{name}") } else { name.to_owned() };
                assert_eq!(column("speaker"), if options.speakers { &shown } else { "" });
                let known = segment.segment.words.iter().any(|word| word.confidence.is_some());
                assert_eq!(!column("confidence").is_empty(), options.confidence && known);
                assert_eq!(!column("doubt").is_empty(), options.doubts && segment.segment.doubt.is_some());
            }
        }
    }

    #[test]
    fn text_that_looks_like_a_formula_gets_an_apostrophe() {
        for text in ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "  =1", "＝1"] {
            assert!(is_formula(text), "{text:?}");
        }
        for text in ["1 = 1", "a-b", "", "'=1", "x\n=1"] {
            assert!(!is_formula(text), "{text:?}");
        }
    }
}
