//! The input of every export: a meeting with its metadata, speakers, segments and turns.

use crate::options::ExportOptions;
use crate::summary::Summary;
use chrono::{DateTime, FixedOffset, NaiveDate};
use transcript::{AudioTime, Span};

/// A meeting to export. It holds everything that the output depends on, the day of the export included.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Document {
    /// The heading. If it is blank, the file name is used.
    pub title: String,
    /// Metadata of the recording.
    pub metadata: Metadata,
    /// Where the content comes from.
    pub source: Source,
    /// The speakers; empty if the recording was not diarized. Segments and turns refer to a speaker by its index here.
    pub speakers: Vec<Speaker>,
    /// The segments of the transcript, in order of time.
    pub segments: Vec<Segment>,
    /// The turns, each a span and the index of its speaker; in order of start, overlapping turns included.
    pub turns: Vec<(Span, usize)>,
    /// The note that users wrote about the meeting, in Markdown.
    pub note: Option<String>,
    /// The summary, if there is one.
    pub summary: Option<Summary>,
    /// When the content last changed: the date of the PDF. Equal content gives an equal file.
    pub changed_at: DateTime<FixedOffset>,
}

/// Metadata of a recording. Outputs leave out what is absent, and the file name where it is the heading.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata {
    /// Name of the imported file, as the user knows it.
    pub file_name: String,
    /// When the recording was made, with the UTC offset to show it in.
    pub recorded_at: Option<DateTime<FixedOffset>>,
    /// Length of the recording.
    pub duration: Option<AudioTime>,
    /// Display name of the language: `English`.
    pub language: Option<String>,
    /// Language tag (BCP 47) of the speech: `en`.
    pub language_tag: Option<String>,
    /// The engine and model that transcribed it: `transcribe.cpp whisper-base`.
    pub engine: Option<String>,
    /// Remarks for the reader: `the file ends early: 3.1 s could be read`.
    pub notes: Vec<String>,
}

/// The meeting and the version of its transcript that an export is made of: what a receipt names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Source {
    /// UUID of the meeting.
    pub meeting_id: String,
    /// SHA-256 of the original recording, in hexadecimal.
    pub recording_sha256: String,
    /// UUID of the version of the transcript.
    pub version_id: String,
    /// Name of the engine: `transcribe.cpp`.
    pub engine: String,
    /// Id of the speech model: `whisper-base`.
    pub model: String,
    /// The day of the export.
    pub exported_on: NaiveDate,
}

/// A speaker of the meeting, with the figures that the window shows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Speaker {
    /// The id in the archive.
    pub id: String,
    /// The display name.
    pub name: String,
    /// From 1, in order of appearance. Decides the colour.
    pub number: u32,
    /// Milliseconds of speech.
    pub speech_ms: u32,
    /// Share of all speech, from 0 to 1.
    pub share: f64,
    /// How often the speaker begins to speak.
    pub turns: u32,
    /// Number of words.
    pub words: u32,
}

/// A segment of the transcript with its speakers.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Text, times, words with their confidence, and doubt.
    pub segment: transcript::Segment,
    /// The speaker, if known: an index into [`Document::speakers`].
    pub speaker: Option<usize>,
    /// Other speakers whose turns overlap this segment: indices into [`Document::speakers`].
    pub also: Vec<usize>,
}

impl Metadata {
    /// The language tag, if it has the form of one.
    pub(crate) fn valid_language_tag(&self) -> Option<&str> {
        let tag = self.language_tag.as_deref()?;
        let valid = |part: &str| {
            (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        tag.split('-').all(valid).then_some(tag)
    }
}

impl Document {
    /// Whether segments show a speaker.
    pub(crate) fn shows_speakers(&self, options: &ExportOptions) -> bool {
        options.speakers && !self.speakers.is_empty()
    }

    /// The name of a speaker, or the label of `options` for an unknown one.
    pub(crate) fn name<'a>(&'a self, speaker: Option<usize>, options: &ExportOptions) -> &'a str {
        speaker
            .and_then(|index| self.speakers.get(index))
            .map_or(options.language.labels().unknown_speaker.as_str(), |found| found.name.as_str())
    }
}
