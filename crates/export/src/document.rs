//! What goes into an export: a transcript with the facts about its recording.

use chrono::{DateTime, FixedOffset};
use transcript::{AudioTime, Span};

/// A transcript to be exported. Everything that appears in the result is in here, also the time of export.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Heading. Where it is blank, the file name takes its place.
    pub title: String,
    /// What is known about the recording.
    pub facts: Facts,
    /// Who said what, in order of time.
    pub runs: Vec<Run>,
    /// Who speaks when, in order of start: a name each, overlaps included. Empty where speakers were not told apart.
    pub turns: Vec<(Span, String)>,
    /// When this export was made: the creation date of the PDF.
    pub exported_at: DateTime<FixedOffset>,
}

/// What is known about a recording. Absent facts are left out, and so is the file name where it is the heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Name of the recorded file, as the user knows it.
    pub file_name: String,
    /// When the recording was made, by the clock it is to be shown by.
    pub recorded_at: Option<DateTime<FixedOffset>>,
    /// Length of the recording.
    pub duration: Option<AudioTime>,
    /// Name of the language for display: `English`.
    pub language: Option<String>,
    /// Who speaks, by name; empty where speakers were not told apart.
    pub speakers: Vec<String>,
    /// What transcribed it: `transcribe.cpp whisper-base`.
    pub engine: Option<String>,
    /// What a reader should know: `the file ends early: 3.1 s could be read`.
    pub notes: Vec<String>,
}

/// Consecutive lines of one speaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Name of the speaker; `None` where speakers were not told apart, and where the speaker of the run before goes on.
    pub speaker: Option<String>,
    /// When the speaker begins.
    pub start: AudioTime,
    /// What was said.
    pub lines: Vec<Line>,
}

/// A sentence-like piece of speech.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When its first word begins.
    pub start: AudioTime,
    /// Its words.
    pub text: String,
}

/// The sentence that stands where a transcript has no words.
pub(crate) const NO_WORDS: &str = "This transcript contains no words.";

impl Document {
    /// The title, or the file name where there is none, or else what it is; on one line.
    pub(crate) fn heading(&self) -> String {
        [&self.title, &self.facts.file_name]
            .into_iter()
            .map(|text| one_line(text))
            .find(|text| !is_blank(text))
            .unwrap_or_else(|| "Transcript".to_owned())
    }

    /// The runs that have words, each with its speaker's name and its lines that have words.
    pub(crate) fn spoken(&self) -> impl Iterator<Item = Spoken<'_>> {
        self.runs.iter().filter_map(|run| {
            let lines: Vec<&Line> = run.lines.iter().filter(|line| !is_blank(&line.text)).collect();
            let speaker = run.speaker.as_deref().map(one_line).filter(|name| !is_blank(name));
            (!lines.is_empty()).then_some(Spoken { speaker, start: run.start, lines })
        })
    }
}

/// A [`Run`] without what is blank.
pub(crate) struct Spoken<'a> {
    /// On one line and not blank.
    pub(crate) speaker: Option<String>,
    pub(crate) start: AudioTime,
    /// Not empty, none of them blank.
    pub(crate) lines: Vec<&'a Line>,
}

impl Facts {
    /// Labels and values in the order in which they are shown below `heading`, each on one line.
    pub(crate) fn rows(&self, heading: &str) -> Vec<(&'static str, String)> {
        let mut rows = vec![("File", one_line(&self.file_name))];
        rows.extend(self.recorded_at.map(|at| ("Recorded", day_and_hour(at))));
        rows.extend(self.duration.map(|length| ("Duration", length.to_string())));
        rows.extend(self.language.as_deref().map(|name| ("Language", one_line(name))));
        rows.extend((!self.speakers.is_empty()).then(|| ("Speakers", one_line(&self.speakers.join(", ")))));
        rows.extend(self.engine.as_deref().map(|name| ("Engine", one_line(name))));
        rows.extend(self.notes.iter().map(|note| ("Note", one_line(note))));
        rows.retain(|(label, value)| !is_blank(value) && (*label != "File" || value != heading));
        rows
    }
}

/// A moment by its own clock, and how far that clock is from UTC: `1 January 2025, 00:30 (UTC+1)`.
pub fn day_and_hour(at: DateTime<FixedOffset>) -> String {
    let seconds = at.offset().local_minus_utc();
    let (hours, minutes) = (seconds.abs() / 3600, seconds.abs() / 60 % 60);
    let sign = if seconds < 0 { '−' } else { '+' };
    let minutes = if minutes == 0 { String::new() } else { format!(":{minutes:02}") };
    format!("{} (UTC{sign}{hours}{minutes})", at.format("%-d %B %Y, %H:%M"))
}

/// `text` with each line break replaced by a space.
fn one_line(text: &str) -> String {
    text.replace("\r\n", " ").replace(['\n', '\r'], " ")
}

/// Whether there is nothing to be seen in `text`.
fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || c.is_control())
}
