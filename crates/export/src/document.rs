//! What goes into an export: all that is known of a meeting.

use chrono::{DateTime, FixedOffset};
use transcript::{AudioTime, Span};

/// The name that is shown where the speaker of a line is not known.
pub const UNKNOWN_SPEAKER: &str = "Unknown speaker";

/// A meeting to be exported. Everything that appears in the result is in here, also the time of export.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Heading. Where it is blank, the file name takes its place.
    pub title: String,
    /// What is known about the recording.
    pub facts: Facts,
    /// Who speaks, by number; empty where speakers were not told apart. Segments and turns name them by their place here.
    pub speakers: Vec<Speaker>,
    /// What was said, in order of time.
    pub segments: Vec<Segment>,
    /// Who speaks when, in order of start, overlaps included.
    pub turns: Vec<(Span, usize)>,
    /// When this export was made: the creation date of the PDF.
    pub exported_at: DateTime<FixedOffset>,
}

/// What is known about a recording. Absent facts are left out, and so is the file name where it is the heading.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// Name of the recorded file, as the user knows it.
    pub file_name: String,
    /// When the recording was made, by the clock it is to be shown by.
    pub recorded_at: Option<DateTime<FixedOffset>>,
    /// Length of the recording.
    pub duration: Option<AudioTime>,
    /// Name of the language for display: `English`.
    pub language: Option<String>,
    /// What transcribed it: `transcribe.cpp whisper-base`.
    pub engine: Option<String>,
    /// What a reader should know: `the file ends early: 3.1 s could be read`.
    pub notes: Vec<String>,
}

/// Somebody who speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Speaker {
    /// The id in the archive.
    pub id: String,
    /// What they are called.
    pub name: String,
}

/// A line of the transcript with what is known of it: times, words with their confidence, doubt.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// The line.
    pub line: transcript::Segment,
    /// Who says it, if that is known: a place in [`Document::speakers`].
    pub speaker: Option<usize>,
    /// Who else speaks meanwhile.
    pub also: Vec<usize>,
}

impl Document {
    /// What a speaker is called; a name for nobody, too.
    pub(crate) fn name(&self, speaker: Option<usize>) -> &str {
        speaker
            .and_then(|place| self.speakers.get(place))
            .map_or(UNKNOWN_SPEAKER, |found| found.name.as_str())
    }
}
