//! The transcript as JSON, with everything that is known about it. `schema/transcript.schema.json` describes it, and
//! [`VERSION`] is its version.

use crate::document::Document;
use crate::error::ExportError;
use crate::format::{Format, FormatGroup, Needs, OptionName, ReceiptPlace, Rendered, Resources};
use crate::options::ExportOptions;
use crate::paragraphs::{heading, mean_confidence};
use crate::receipt::Receipt;
use chrono::{DateTime, FixedOffset};
use serde::Serialize;
use transcript::{AudioTime, DoubtReason, Span};

pub(crate) static FORMAT: Format = Format {
    key: "json",
    extension: "json",
    media_type: "application/json",
    label: "JSON",
    purpose: "Everything, for programs",
    group: FormatGroup::Data,
    needs: Needs::Transcript,
    options: &[
        OptionName::Speakers,
        OptionName::Confidence,
        OptionName::Doubts,
        OptionName::Note,
        OptionName::Summary,
        OptionName::Statistics,
    ],
    receipt: ReceiptPlace::Token,
    render,
};

/// The version of the schema. It rises when a program that reads the version before would misread a file; new properties
/// do not raise it.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct File<'a> {
    format: &'static str,
    version: u32,
    title: String,
    metadata: Metadata<'a>,
    speakers: Vec<Speaker<'a>>,
    segments: Vec<Segment<'a>>,
    turns: Vec<Turn>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<Summary<'a>>,
    receipt: &'a Receipt,
    /// The last property: what a transcript says comes before it.
    receipt_token: String,
}

#[derive(Serialize)]
struct Metadata<'a> {
    file_name: &'a str,
    recorded_at: Option<DateTime<FixedOffset>>,
    duration_ms: Option<AudioTime>,
    language: Option<&'a str>,
    language_tag: Option<&'a str>,
    engine: Option<&'a str>,
    remarks: &'a [String],
}

#[derive(Serialize)]
struct Speaker<'a> {
    id: &'a str,
    name: &'a str,
    number: u32,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    figures: Option<Figures>,
}

#[derive(Serialize)]
struct Figures {
    speech_ms: u32,
    share: f64,
    turns: u32,
    words: u32,
}

#[derive(Serialize)]
struct Segment<'a> {
    start_ms: AudioTime,
    end_ms: AudioTime,
    speaker: Option<usize>,
    #[serde(skip_serializing_if = "<[usize]>::is_empty")]
    also: &'a [usize],
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    doubt: Option<DoubtReason>,
    words: Vec<Word<'a>>,
}

#[derive(Serialize)]
struct Word<'a> {
    start_ms: AudioTime,
    end_ms: AudioTime,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<f32>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    time_estimated: bool,
}

#[derive(Serialize)]
struct Summary<'a> {
    model: Option<&'a str>,
    sections: Vec<SummarySection<'a>>,
}

#[derive(Serialize)]
struct SummarySection<'a> {
    title: &'a str,
    statements: Vec<Statement<'a>>,
}

#[derive(Serialize)]
struct Statement<'a> {
    text: &'a str,
    support: &'static str,
    sources: Vec<Source>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    edited: bool,
}

#[derive(Serialize)]
struct Source {
    start_ms: AudioTime,
    end_ms: AudioTime,
}

impl<'a> Summary<'a> {
    fn of(summary: &'a crate::Summary) -> Self {
        let statement = |statement: &'a crate::SummaryStatement| Statement {
            text: &statement.text,
            support: if statement.found { "found" } else { "not_found" },
            sources: statement
                .sources
                .iter()
                .map(|source| Source { start_ms: source.start, end_ms: source.end })
                .collect(),
            owner: statement.owner.as_deref(),
            due: statement.due.as_deref(),
            edited: statement.edited,
        };
        let section = |section: &'a crate::SummarySection| SummarySection {
            title: &section.title,
            statements: section.statements.iter().map(statement).collect(),
        };
        Self { model: summary.model.as_deref(), sections: summary.sections.iter().map(section).collect() }
    }
}

#[derive(Serialize)]
struct Turn {
    start_ms: AudioTime,
    end_ms: AudioTime,
    speaker: usize,
}

fn render(
    document: &Document,
    options: &ExportOptions,
    resources: &Resources<'_>,
) -> Result<Rendered, ExportError> {
    let (metadata, receipt) = (&document.metadata, Receipt::of(document, options));
    let shows_speakers = document.shows_speakers(options);
    let mut segments = Vec::with_capacity(document.segments.len());
    for (index, segment) in document.segments.iter().enumerate() {
        if index % 500 == 0 {
            resources.report(index, document.segments.len())?;
        }
        segments.push(segment_of(segment, shows_speakers, options));
    }
    let turn = |(Span { start, end }, speaker): &(Span, usize)| Turn {
        start_ms: *start,
        end_ms: *end,
        speaker: *speaker,
    };
    let file = File {
        format: "meetmemo-transcript",
        version: VERSION,
        title: heading(&document.title, metadata),
        metadata: Metadata {
            file_name: &metadata.file_name,
            recorded_at: metadata.recorded_at,
            duration_ms: metadata.duration,
            language: metadata.language.as_deref(),
            language_tag: metadata.language_tag.as_deref(),
            engine: metadata.engine.as_deref(),
            remarks: &metadata.notes,
        },
        speakers: document
            .speakers
            .iter()
            .filter(|_| shows_speakers)
            .map(|speaker| Speaker {
                id: &speaker.id,
                name: &speaker.name,
                number: speaker.number,
                figures: options.statistics.then_some(Figures {
                    speech_ms: speaker.speech_ms,
                    share: speaker.share,
                    turns: speaker.turns,
                    words: speaker.words,
                }),
            })
            .collect(),
        segments,
        turns: document.turns.iter().filter(|_| shows_speakers).map(turn).collect(),
        note: document.note.as_deref().filter(|_| options.note),
        summary: document.summary.as_ref().filter(|_| options.summary).map(Summary::of),
        receipt_token: receipt.token(),
        receipt: &receipt,
    };
    let mut bytes = serde_json::to_vec(&file).expect("strings, numbers and lists are valid JSON");
    bytes.push(b'\n');
    Ok(Rendered { bytes, note: None })
}

fn segment_of<'a>(segment: &'a crate::Segment, shows_speakers: bool, options: &ExportOptions) -> Segment<'a> {
    let crate::Segment { segment, speaker, also } = segment;
    let word = |word: &'a transcript::Word| Word {
        start_ms: word.start,
        end_ms: word.end,
        text: &word.text,
        confidence: word.confidence.filter(|_| options.confidence),
        time_estimated: word.estimated,
    };
    Segment {
        start_ms: segment.span.start,
        end_ms: segment.span.end,
        speaker: speaker.filter(|_| shows_speakers),
        also: if shows_speakers { also } else { &[] },
        text: &segment.text,
        confidence: mean_confidence(&segment.words).filter(|_| options.confidence),
        doubt: segment.doubt.filter(|_| options.doubts),
        words: segment.words.iter().map(word).collect(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::receipt::receipt_in;
    use crate::testing::{read_with_python, resources, torture, torture_summary};
    use std::path::Path;

    #[test]
    fn files_follow_the_schema_and_hold_everything() {
        let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/transcript.schema.json");
        let document = Document { summary: Some(torture_summary()), ..torture() };
        let everything = ExportOptions { confidence: true, ..ExportOptions::default() };
        let little = ExportOptions {
            speakers: false,
            doubts: false,
            note: false,
            summary: false,
            statistics: false,
            ..ExportOptions::default()
        };
        for (document, options) in
            [(&document, &everything), (&document, &little), (&Document::default(), &everything)]
        {
            let bytes = FORMAT.render(document, options, &resources()).unwrap().bytes;
            let read = read_with_python("schema.py", &[schema.to_str().unwrap()], &bytes);
            assert_eq!(read["errors"], serde_json::json!([]));
            let file = &read["file"];
            let segments = file["segments"].as_array().unwrap();
            assert_eq!(segments.len(), document.segments.len());
            for (read, segment) in segments.iter().zip(&document.segments) {
                let wanted = segment_of(segment, options.speakers, options);
                let wanted = serde_json::to_string(&wanted).unwrap();
                assert_eq!(*read, serde_json::from_str::<serde_json::Value>(&wanted).unwrap());
                assert_eq!(read["text"], segment.segment.text);
            }
            let found = receipt_in(&bytes).unwrap();
            assert!(found.intact);
            assert_eq!(serde_json::to_value(&found.receipt).unwrap(), file["receipt"]);
            let shown = document.speakers.len() * usize::from(options.speakers);
            assert_eq!(file["speakers"].as_array().unwrap().len(), shown);
            let shown = document.summary.as_ref().filter(|_| options.summary);
            let sections = file["summary"]["sections"].as_array().map(Vec::len);
            assert_eq!(sections, shown.map(|summary| summary.sections.len()));
        }
    }

    #[test]
    fn the_schema_refuses_what_is_not_a_transcript() {
        let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/transcript.schema.json");
        let bytes = FORMAT.render(&torture(), &ExportOptions::default(), &resources()).unwrap().bytes;
        let mut file: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        file["segments"][0]["start_ms"] = "0".into();
        let read =
            read_with_python("schema.py", &[schema.to_str().unwrap()], &serde_json::to_vec(&file).unwrap());
        assert_eq!(read["errors"].as_array().unwrap().len(), 1, "{}", read["errors"]);
    }
}
