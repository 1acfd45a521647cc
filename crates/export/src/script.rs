//! A transcript as it is read: paragraphs under the names of those who speak.

use crate::document::{Document, Facts};
use chrono::{DateTime, FixedOffset};
use transcript::AudioTime;

/// A pause this long between two lines begins a paragraph.
const PARAGRAPH_PAUSE_MS: u32 = 2_000;
/// A paragraph that has become this long ends at the next line.
const PARAGRAPH_MS: u32 = 60_000;

/// A meeting to be read: what Markdown and PDF are made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    /// Heading. Where it is blank, the file name takes its place.
    pub title: String,
    /// What is known about the recording.
    pub facts: Facts,
    /// Who speaks, by name; empty where speakers were not told apart.
    pub speakers: Vec<String>,
    /// Who said what, in order of time.
    pub runs: Vec<Run>,
    /// When this export was made: the creation date of the PDF.
    pub exported_at: DateTime<FixedOffset>,
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

impl From<&Document> for Script {
    fn from(document: &Document) -> Self {
        Self {
            title: document.title.clone(),
            facts: document.facts.clone(),
            speakers: document.speakers.iter().map(|speaker| speaker.name.clone()).collect(),
            runs: runs(document),
            exported_at: document.exported_at,
        }
    }
}

/// Lines as paragraphs: a new one where another one speaks, after a pause, and when one has become long. The name stands
/// above the first of a speaker, and those of others who speak at the same time behind the line.
fn runs(document: &Document) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut last_end = AudioTime::ZERO;
    let mut before = None;
    for segment in &document.segments {
        let also: Vec<&str> = segment.also.iter().map(|other| document.name(Some(*other))).collect();
        let text = match also.is_empty() {
            true => segment.line.text.clone(),
            false => format!("{} (also {})", segment.line.text, also.join(", ")),
        };
        let line = Line { start: segment.line.span.start, text };
        let changes = !document.speakers.is_empty() && (runs.is_empty() || before != segment.speaker);
        match runs.last_mut() {
            Some(run)
                if !changes
                    && line.start.since(last_end) < PARAGRAPH_PAUSE_MS
                    && line.start.since(run.start) < PARAGRAPH_MS =>
            {
                run.lines.push(line);
            }
            _ => {
                let name = changes.then(|| document.name(segment.speaker).to_owned());
                runs.push(Run { speaker: name, start: line.start, lines: vec![line] });
            }
        }
        before = segment.speaker;
        last_end = segment.line.span.end;
    }
    runs
}

impl Script {
    /// See [`heading`].
    pub(crate) fn heading(&self) -> String {
        heading(&self.title, &self.facts)
    }

    /// The runs that have words, each with its speaker's name and its lines that have words.
    pub(crate) fn spoken(&self) -> impl Iterator<Item = Spoken<'_>> {
        self.runs.iter().filter_map(|run| {
            let lines: Vec<&Line> = run.lines.iter().filter(|line| !is_blank(&line.text)).collect();
            let speaker = run.speaker.as_deref().map(one_line).filter(|name| !is_blank(name));
            (!lines.is_empty()).then_some(Spoken { speaker, start: run.start, lines })
        })
    }

    /// Labels and values in the order in which they are shown below `heading`, each on one line.
    pub(crate) fn rows(&self, heading: &str) -> Vec<(&'static str, String)> {
        let facts = &self.facts;
        let mut rows = vec![("File", one_line(&facts.file_name))];
        rows.extend(facts.recorded_at.map(|at| ("Recorded", day_and_hour(at))));
        rows.extend(facts.duration.map(|length| ("Duration", length.to_string())));
        rows.extend(facts.language.as_deref().map(|name| ("Language", one_line(name))));
        rows.extend((!self.speakers.is_empty()).then(|| ("Speakers", one_line(&self.speakers.join(", ")))));
        rows.extend(facts.engine.as_deref().map(|name| ("Engine", one_line(name))));
        rows.extend(facts.notes.iter().map(|note| ("Note", one_line(note))));
        rows.retain(|(label, value)| !is_blank(value) && (*label != "File" || value != heading));
        rows
    }
}

/// The title, or the file name where the title is blank, or else “Transcript”; on one line.
pub(crate) fn heading(title: &str, facts: &Facts) -> String {
    [title, &facts.file_name]
        .into_iter()
        .map(one_line)
        .find(|text| !is_blank(text))
        .unwrap_or_else(|| "Transcript".to_owned())
}

/// A [`Run`] without what is blank.
pub(crate) struct Spoken<'a> {
    /// On one line and not blank.
    pub(crate) speaker: Option<String>,
    pub(crate) start: AudioTime,
    /// Not empty, none of them blank.
    pub(crate) lines: Vec<&'a Line>,
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
