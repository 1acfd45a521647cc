//! The input of every export: a meeting with its metadata, speakers, segments and turns.

use chrono::{DateTime, FixedOffset};
use transcript::{AudioTime, Span};

/// The name shown for a segment whose speaker is unknown.
pub const UNKNOWN_SPEAKER: &str = "Unknown speaker";

/// A meeting to export. It holds everything that the output depends on, the time of the export included.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The heading. If it is blank, the file name is used.
    pub title: String,
    /// Metadata of the recording.
    pub metadata: Metadata,
    /// The speakers; empty if the recording was not diarized. Segments and turns refer to a speaker by its index here.
    pub speakers: Vec<Speaker>,
    /// The segments of the transcript, in order of time.
    pub segments: Vec<Segment>,
    /// The turns, each a span and the index of its speaker; in order of start, overlapping turns included.
    pub turns: Vec<(Span, usize)>,
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
    /// The engine and model that transcribed it: `transcribe.cpp whisper-base`.
    pub engine: Option<String>,
    /// Remarks for the reader: `the file ends early: 3.1 s could be read`.
    pub notes: Vec<String>,
}

/// A speaker of the meeting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Speaker {
    /// The id in the archive.
    pub id: String,
    /// The display name.
    pub name: String,
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

impl Document {
    /// The name of a speaker; [`UNKNOWN_SPEAKER`] for `None`.
    pub(crate) fn name(&self, speaker: Option<usize>) -> &str {
        speaker
            .and_then(|index| self.speakers.get(index))
            .map_or(UNKNOWN_SPEAKER, |found| found.name.as_str())
    }
}
