//! A transcript as paragraphs under the names of their speakers: the common source of Markdown and PDF.

use crate::document::{Document, Metadata};
use chrono::{DateTime, FixedOffset};
use transcript::AudioTime;

/// A pause of this length between two segments starts a new paragraph.
const PARAGRAPH_PAUSE_MS: u32 = 2_000;
/// A paragraph of this length ends at its next segment boundary.
const PARAGRAPH_MS: u32 = 60_000;

/// A meeting whose segments are grouped into paragraphs.
#[derive(Debug, Clone, PartialEq)]
pub struct FormattedTranscript {
    /// The heading. If it is blank, the file name is used.
    pub title: String,
    /// Metadata of the recording.
    pub metadata: Metadata,
    /// The speakers' names; empty if the recording was not diarized.
    pub speakers: Vec<String>,
    /// The text, in order of time.
    pub paragraphs: Vec<Paragraph>,
    /// When the content last changed: the date of the PDF. Equal content gives an equal file.
    pub changed_at: DateTime<FixedOffset>,
}

/// Consecutive segments of one speaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paragraph {
    /// Name of the speaker. `None` if the recording was not diarized, or if the speaker of the previous paragraph
    /// continues.
    pub speaker: Option<String>,
    /// When its first segment begins.
    pub start: AudioTime,
    /// Its segments, in order of time.
    pub segments: Vec<ParagraphSegment>,
}

/// A segment of a paragraph: a sentence or a similar piece of speech.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParagraphSegment {
    /// When its first word begins.
    pub start: AudioTime,
    /// Its text; may contain line breaks.
    pub text: String,
}

/// Written in place of the text if a transcript has no words.
pub(crate) const NO_WORDS: &str = "This transcript contains no words.";

impl From<&Document> for FormattedTranscript {
    fn from(document: &Document) -> Self {
        Self {
            title: document.title.clone(),
            metadata: document.metadata.clone(),
            speakers: document.speakers.iter().map(|speaker| speaker.name.clone()).collect(),
            paragraphs: paragraphs(document),
            changed_at: document.changed_at,
        }
    }
}

/// Groups segments into paragraphs. A new one starts when the speaker changes, after a pause of
/// [`PARAGRAPH_PAUSE_MS`], and when the current one is [`PARAGRAPH_MS`] long. Only the first paragraph of a speaker
/// carries their name. Names of other people who speak during a segment are appended to its text.
fn paragraphs(document: &Document) -> Vec<Paragraph> {
    let mut paragraphs: Vec<Paragraph> = Vec::new();
    let mut last_end = AudioTime::ZERO;
    let mut last_speaker = None;
    for segment in &document.segments {
        let also: Vec<&str> = segment.also.iter().map(|other| document.name(Some(*other))).collect();
        let text = match also.is_empty() {
            true => segment.segment.text.clone(),
            false => format!("{} (also {})", segment.segment.text, also.join(", ")),
        };
        let next = ParagraphSegment { start: segment.segment.span.start, text };
        let speaker_changes =
            !document.speakers.is_empty() && (paragraphs.is_empty() || last_speaker != segment.speaker);
        match paragraphs.last_mut() {
            Some(paragraph)
                if !speaker_changes
                    && next.start.since(last_end) < PARAGRAPH_PAUSE_MS
                    && next.start.since(paragraph.start) < PARAGRAPH_MS =>
            {
                paragraph.segments.push(next);
            }
            _ => {
                let speaker = speaker_changes.then(|| document.name(segment.speaker).to_owned());
                paragraphs.push(Paragraph { speaker, start: next.start, segments: vec![next] });
            }
        }
        last_speaker = segment.speaker;
        last_end = segment.segment.span.end;
    }
    paragraphs
}

impl FormattedTranscript {
    /// See [`heading`].
    pub(crate) fn heading(&self) -> String {
        heading(&self.title, &self.metadata)
    }

    /// The paragraphs with their visible segments; paragraphs without any are left out.
    pub(crate) fn visible_paragraphs(&self) -> impl Iterator<Item = VisibleParagraph<'_>> {
        self.paragraphs.iter().filter_map(|paragraph| {
            let segments: Vec<&ParagraphSegment> =
                paragraph.segments.iter().filter(|segment| !is_blank(&segment.text)).collect();
            let speaker = paragraph.speaker.as_deref().map(single_line).filter(|name| !is_blank(name));
            (!segments.is_empty()).then_some(VisibleParagraph { speaker, start: paragraph.start, segments })
        })
    }

    /// Labels and values of the metadata in the order in which they are shown below `heading`; values are single lines.
    pub(crate) fn metadata_rows(&self, heading: &str) -> Vec<(&'static str, String)> {
        let metadata = &self.metadata;
        let mut rows = vec![("File", single_line(&metadata.file_name))];
        rows.extend(metadata.recorded_at.map(|at| ("Recorded", date_and_time(at))));
        rows.extend(metadata.duration.map(|length| ("Duration", length.to_string())));
        rows.extend(metadata.language.as_deref().map(|name| ("Language", single_line(name))));
        rows.extend(
            (!self.speakers.is_empty()).then(|| ("Speakers", single_line(&self.speakers.join(", ")))),
        );
        rows.extend(metadata.engine.as_deref().map(|name| ("Engine", single_line(name))));
        rows.extend(metadata.notes.iter().map(|note| ("Note", single_line(note))));
        rows.retain(|(label, value)| !is_blank(value) && (*label != "File" || value != heading));
        rows
    }
}

/// The title, or the file name if the title is blank, or else “Transcript”; as a single line.
pub(crate) fn heading(title: &str, metadata: &Metadata) -> String {
    [title, &metadata.file_name]
        .into_iter()
        .map(single_line)
        .find(|text| !is_blank(text))
        .unwrap_or_else(|| "Transcript".to_owned())
}

/// A [`Paragraph`] without its blank segments.
pub(crate) struct VisibleParagraph<'a> {
    /// A single line, not blank.
    pub(crate) speaker: Option<String>,
    pub(crate) start: AudioTime,
    /// At least one; none of them is blank.
    pub(crate) segments: Vec<&'a ParagraphSegment>,
}

/// A date and time with its UTC offset: `1 January 2025, 00:30 (UTC+1)`.
pub fn date_and_time(at: DateTime<FixedOffset>) -> String {
    let seconds = at.offset().local_minus_utc();
    let (hours, minutes) = (seconds.abs() / 3600, seconds.abs() / 60 % 60);
    let sign = if seconds < 0 { '−' } else { '+' };
    let minutes = if minutes == 0 { String::new() } else { format!(":{minutes:02}") };
    format!("{} (UTC{sign}{hours}{minutes})", at.format("%-d %B %Y, %H:%M"))
}

/// `text` with each line break replaced by a space.
fn single_line(text: &str) -> String {
    text.replace("\r\n", " ").replace(['\n', '\r'], " ")
}

/// Whether `text` has nothing but white space and control characters.
fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || c.is_control())
}
