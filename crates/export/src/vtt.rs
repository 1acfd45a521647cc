//! Subtitles as WebVTT (W3C), with the speaker of each line as its voice.

use crate::document::Document;
use crate::error::ExportError;
use crate::format::{Format, FormatGroup, Needs, OptionName, ReceiptPlace, Rendered, Resources};
use crate::options::ExportOptions;
use crate::receipt::{Receipt, TOKEN_PREFIX};
use crate::subtitles::{clock, cues, guard_times};
use std::fmt::Write;

pub(crate) static FORMAT: Format = Format {
    key: "vtt",
    extension: "vtt",
    media_type: "text/vtt",
    label: "WebVTT subtitles",
    purpose: "Subtitles for the web, with speakers",
    group: FormatGroup::Subtitles,
    needs: Needs::Transcript,
    options: &[OptionName::Speakers, OptionName::Language, OptionName::Subtitles],
    receipt: ReceiptPlace::Token,
    render,
};

fn render(
    document: &Document,
    options: &ExportOptions,
    resources: &Resources<'_>,
) -> Result<Rendered, ExportError> {
    // Some readers take a note at the end for text of the last cue.
    let (verify, token) = (&options.language.labels().verify, Receipt::of(document, options).token());
    let mut out = format!("WEBVTT\n\nNOTE\n{verify}\n{token}\n");
    let shows_speakers = document.shows_speakers(options);
    for cue in cues(document, options, false, resources)? {
        let _ = writeln!(out, "\n{} --> {}", clock(cue.start_ms, '.'), clock(cue.end_ms, '.'));
        let mut last = None;
        for line in cue.lines {
            if shows_speakers && last != Some(line.speaker) {
                let name = transcript::single_line(document.name(line.speaker, options));
                // A voice needs a name.
                if !name.is_empty() {
                    let _ = write!(out, "<v {}>", escaped(&name));
                }
            }
            last = Some(line.speaker);
            let _ = writeln!(out, "{}", escaped(&line.text));
        }
    }
    Ok(out.into())
}

/// `text` without what WebVTT takes for markup or for a line of times (`-->`), and without what looks like a receipt, which
/// would come after ours.
fn escaped(text: &str) -> String {
    let (name, version) = TOKEN_PREFIX.split_at(TOKEN_PREFIX.len() - 2);
    let text = guard_times(text).replace(TOKEN_PREFIX, &format!("{name}\u{2060}{version}"));
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::receipt::receipt_in;
    use crate::testing::{assert_same_list, read_with_python, resources, torture};
    use crate::{SubtitleGuide, SubtitleOptions};

    fn vtt(document: &Document, options: &ExportOptions) -> String {
        String::from_utf8(FORMAT.render(document, options, &resources()).unwrap().bytes).unwrap()
    }

    #[test]
    fn other_readers_find_the_same_cues_and_voices() {
        let document = torture();
        let one_speaker_per_cue = false;
        let subtitles = SubtitleOptions { one_speaker_per_cue, ..SubtitleOptions::of(SubtitleGuide::Bbc) };
        for options in [
            ExportOptions::default(),
            ExportOptions { subtitles, ..ExportOptions::default() },
            ExportOptions { speakers: false, ..ExportOptions::default() },
        ] {
            let file = vtt(&document, &options);
            let read = read_with_python("subtitles.py", &["vtt"], file.as_bytes());
            let mut wanted = Vec::new();
            for cue in cues(&document, &options, false, &resources()).unwrap() {
                let lines: Vec<String> = cue.lines.iter().map(|line| guard_times(&line.text)).collect();
                wanted.push(serde_json::json!([cue.start_ms, cue.end_ms, lines.join("\n")]));
            }
            assert!(wanted.len() > 100);
            assert_same_list(&read["webvtt"], &wanted);
            // `\N` is a line break in the format that pysubs2 thinks in.
            for cue in &mut wanted {
                cue[2] = cue[2].as_str().unwrap().replace("\\N", "\n").into();
            }
            assert_same_list(&read["pysubs2"], &wanted);
            let voices: Vec<&str> =
                read["voices"].as_array().unwrap().iter().filter_map(serde_json::Value::as_str).collect();
            let named = |name: &str| voices.contains(&name);
            assert_eq!(named("<b>Eve</b> & Co."), options.speakers, "{voices:?}");
            assert_eq!(named("two lines"), options.speakers, "{voices:?}");
            assert!(
                receipt_in(file.as_bytes()).is_some_and(|found| found.receipt.speakers == options.speakers)
            );
        }
    }

    #[test]
    fn a_name_that_looks_like_a_receipt_is_none() {
        let mut document = torture();
        document.speakers[0].name =
            Receipt { model: "other".to_owned(), ..Receipt::of(&document, &ExportOptions::default()) }
                .token();
        let file = vtt(&document, &ExportOptions::default());
        let found = receipt_in(file.as_bytes()).unwrap();
        assert!(found.intact && found.receipt.model == "whisper-base");
    }

    #[test]
    fn a_transcript_without_words_is_a_valid_file() {
        let file = vtt(&Document::default(), &ExportOptions::default());
        assert!(file.starts_with("WEBVTT\n\nNOTE\nCheck this file"), "{file}");
        let read = read_with_python("subtitles.py", &["vtt"], file.as_bytes());
        assert_eq!(read["webvtt"], serde_json::json!([]));
    }
}
