//! The transcript as plain text, for the clipboard and for other programs.

use crate::document::Document;
use crate::format::{Format, FormatGroup, Needs, ReceiptPlace, TEXT_OPTIONS};
use crate::labels::Labels;
use crate::marks::{Part, exact, figures, legend, marked_text, parts, separates_segments};
use crate::options::{ExportOptions, Times};
use crate::paragraphs::{FormattedTranscript, ParagraphSegment};
use crate::summary::Summary;
use std::fmt::Write;
use transcript::{replace_control_chars, single_line};

pub(crate) static FORMAT: Format = Format {
    key: "txt",
    extension: "txt",
    media_type: "text/plain",
    label: "Plain text",
    purpose: "For any program",
    group: FormatGroup::Document,
    needs: Needs::Transcript,
    options: TEXT_OPTIONS,
    receipt: ReceiptPlace::None,
    render: |document, options, resources| {
        resources.report(0, 1)?;
        Ok(text(document, options).into())
    },
};

/// The title, the figures of the speakers, the note, and then the transcript: under each speaker's name a line per
/// segment, or per paragraph if the times of segments are not shown.
pub(crate) fn text(document: &Document, options: &ExportOptions) -> String {
    let transcript = FormattedTranscript::new(document, options);
    let labels = transcript.labels();
    let mut out = format!("{}\n", single_line(&transcript.heading()));
    if options.statistics && !transcript.speakers.is_empty() {
        let _ = writeln!(out, "\n{}", labels.speakers);
        for speaker in &transcript.speakers {
            let _ = writeln!(out, "{}: {}", single_line(&speaker.name), figures(speaker, labels));
        }
    }
    if let Some(note) = &transcript.note {
        let _ = writeln!(out, "\n{}", labels.note);
        for line in note.trim().lines() {
            let _ = writeln!(out, "{}", replace_control_chars(line));
        }
    }
    if let Some(summary) = &transcript.summary {
        push_summary(&mut out, summary, labels);
    }
    let mut has_words = false;
    for paragraph in transcript.visible_paragraphs() {
        has_words = true;
        out.push('\n');
        if let Some(name) = &paragraph.speaker {
            let _ = writeln!(out, "{}", single_line(name));
        }
        if separates_segments(options) {
            for segment in paragraph.segments {
                push_segment(&mut out, segment, options);
            }
            continue;
        }
        if options.times == Times::Paragraph {
            let _ = write!(out, "{}  ", paragraph.start);
        }
        let texts: Vec<String> =
            paragraph.segments.iter().map(|segment| single_line(&marked_text(segment, options))).collect();
        let _ = writeln!(out, "{}", texts.join(" "));
    }
    if !has_words {
        let _ = writeln!(out, "\n{}", labels.no_words);
    }
    if let Some(legend) = legend(&transcript) {
        let _ = writeln!(out, "\n{legend}");
    }
    out
}

/// Pushes a summary: a line for each statement, with the times of its sources.
fn push_summary(out: &mut String, summary: &Summary, labels: &Labels) {
    let _ = writeln!(out, "\n{}", labels.summary);
    if summary.sections.is_empty() {
        let _ = writeln!(out, "{}", labels.no_summary);
        return;
    }
    let _ = writeln!(out, "{}", summary.origin(labels));
    for section in &summary.sections {
        let _ = writeln!(out, "\n{}", single_line(&section.title));
        for statement in &section.statements {
            let times = statement.sources.iter().map(|source| format!("{}  ", source.start));
            let remarks = single_line(&statement.remarks(labels));
            let remarks = if remarks.is_empty() { remarks } else { format!(" ({remarks})") };
            let _ = writeln!(out, "{}{}{remarks}", times.collect::<String>(), single_line(&statement.text));
        }
    }
}

/// Pushes a line with a segment and its time, or the times of its words.
fn push_segment(out: &mut String, segment: &ParagraphSegment, options: &ExportOptions) {
    if options.times == Times::Segment {
        let _ = write!(out, "{}  ", segment.start);
    }
    let parts = parts(segment, options).into_iter().map(|part| match part {
        Part::Time(time) => format!("[{}]", exact(time)),
        Part::Text(text) => single_line(&text),
    });
    let _ = writeln!(out, "{}", parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" "));
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::Speaker;
    use crate::testing::{torture, torture_summary};
    use transcript::{AudioTime, DoubtReason, Span, Word};

    fn document() -> Document {
        let word = |text: &str, start: u32, confidence| Word {
            start: AudioTime::from_ms(start),
            end: AudioTime::from_ms(start + 200),
            text: text.to_owned(),
            confidence: Some(confidence),
            estimated: false,
        };
        let segment = |text: &str, words: Vec<Word>, doubt, speaker| crate::Segment {
            segment: transcript::Segment {
                span: Span::new(words[0].start, words[words.len() - 1].end),
                text: text.to_owned(),
                words,
                doubt,
            },
            speaker: Some(speaker),
            also: Vec::new(),
        };
        let speaker = |name: &str| Speaker {
            name: name.to_owned(),
            share: 0.5,
            speech_ms: 61_000,
            turns: 2,
            words: 3,
            ..Speaker::default()
        };
        Document {
            title: "Jour fixe".to_owned(),
            speakers: vec![speaker("Anna"), speaker("Ben")],
            segments: vec![
                segment(
                    "It costs nine.",
                    vec![word("It", 0, 0.9), word("costs", 250, 0.9), word("nine.", 500, 0.3)],
                    None,
                    0,
                ),
                segment("Good.", vec![word("Good.", 1_000, 0.8)], None, 0),
                segment(
                    "Thanks\u{1b}.",
                    vec![word("Thanks\u{1b}.", 1_500, 0.9)],
                    Some(DoubtReason::Invented),
                    1,
                ),
            ],
            note: Some("- buy \u{7}nine\n".to_owned()),
            ..Document::default()
        }
    }

    #[test]
    fn every_part_is_shown_where_it_is_wanted() {
        let options = ExportOptions { times: Times::Paragraph, confidence: true, ..ExportOptions::default() };
        insta::assert_snapshot!(text(&document(), &options), @r"
        Jour fixe

        Speakers
        Anna: Share: 50 % · Speaking time: 0:01:01 · Turns: 2 · Words: 3
        Ben: Share: 50 % · Speaking time: 0:01:01 · Turns: 2 · Words: 3

        Note
        - buy �nine

        Anna
        0:00:00  It costs ‹nine. (?)› (Confidence: 70 %) Good. (Confidence: 80 %)

        Ben
        0:00:01  ‹Thanks . (? probably not said)› (Confidence: 90 %)

        ‹…› Marked words are doubtful: listen before you quote them. (?): the engine is unsure.
        ");
        let little = ExportOptions {
            speakers: false,
            times: Times::None,
            doubts: false,
            note: false,
            ..ExportOptions::default()
        };
        insta::assert_snapshot!(text(&document(), &little), @r"
        Jour fixe

        It costs nine. Good. Thanks .
        ");
        let words =
            ExportOptions { times: Times::Word, statistics: false, note: false, ..ExportOptions::default() };
        insta::assert_snapshot!(text(&document(), &words), @r"
        Jour fixe

        Anna
        [0:00:00.000] It [0:00:00.250] costs [0:00:00.500] ‹nine. (?)›
        [0:00:01.000] Good.

        Ben
        [0:00:01.500] ‹Thanks . (? probably not said)›

        ‹…› Marked words are doubtful: listen before you quote them. (?): the engine is unsure.
        ");
    }

    #[test]
    fn no_word_and_no_control_character_gets_into_the_way() {
        let (document, options) =
            (Document { summary: Some(torture_summary()), ..torture() }, ExportOptions::default());
        let text = text(&document, &options);
        assert!(!text.contains(|c| transcript::is_control(c) && c != '\n'));
        for segment in &document.segments {
            let words = single_line(&segment.segment.text);
            // Marks come between the words of some segments.
            if words.is_empty() || segment.segment.words.iter().any(crate::paragraphs::is_unsure) {
                continue;
            }
            assert!(text.contains(&words), "{words:?}");
        }
        let lines: Vec<&str> = text.lines().collect();
        for statement in
            document.summary.iter().flat_map(|summary| &summary.sections).flat_map(|s| &s.statements)
        {
            let times: String =
                statement.sources.iter().map(|source| format!("{}  ", source.start)).collect();
            let wanted = format!("{times}{}", single_line(&statement.text));
            assert!(lines.iter().any(|line| line.starts_with(&wanted)), "{wanted:?}");
        }
    }
}
