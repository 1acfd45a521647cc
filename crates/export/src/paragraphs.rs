//! A transcript as paragraphs under the names of their speakers: the common source of all formats for reading.

use crate::document::{Document, Metadata, Segment, Speaker};
use crate::labels::Labels;
use crate::options::{ExportOptions, LabelLanguage, Times};
use crate::receipt::Receipt;
use crate::summary::Summary;
use chrono::{DateTime, Datelike, FixedOffset};
use std::borrow::Cow;
use transcript::{AudioTime, DoubtReason, Word};

/// A pause of this length between two segments starts a new paragraph.
const PARAGRAPH_PAUSE_MS: u32 = 2_000;
/// A paragraph of this length ends at its next segment boundary.
const PARAGRAPH_MS: u32 = 60_000;

/// Words with a confidence below this are doubtful.
const DOUBTFUL_CONFIDENCE: f32 = 0.4;

/// A meeting whose segments are grouped into paragraphs, with the options it is shown with.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct FormattedTranscript {
    /// The heading. If it is blank, the file name is used.
    pub(crate) title: String,
    /// Metadata of the recording.
    pub(crate) metadata: Metadata,
    /// The speakers; empty if the recording was not diarized or the speakers are not shown.
    pub(crate) speakers: Vec<Speaker>,
    /// The text, in order of time.
    pub(crate) paragraphs: Vec<Paragraph>,
    /// The note that users wrote, in Markdown; `None` if it is not shown.
    pub(crate) note: Option<String>,
    /// The summary; `None` if it is not shown.
    pub(crate) summary: Option<Summary>,
    /// Whether the summary is shown without the words.
    pub(crate) without_words: bool,
    /// Where the content comes from.
    pub(crate) receipt: Receipt,
    /// What is shown, and how.
    pub(crate) options: ExportOptions,
    /// When the content last changed: the date of the PDF. Equal content gives an equal file.
    pub(crate) changed_at: DateTime<FixedOffset>,
}

/// Consecutive segments of one speaker.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Paragraph {
    /// Name of the speaker. `None` if speakers are not shown, or if the speaker of the previous paragraph continues.
    pub(crate) speaker: Option<String>,
    /// The speaker, also where the name is not repeated: an index into [`FormattedTranscript::speakers`].
    pub(crate) speaker_index: Option<usize>,
    /// When its first segment begins.
    pub(crate) start: AudioTime,
    /// Its segments, in order of time.
    pub(crate) segments: Vec<ParagraphSegment>,
}

/// A segment of a paragraph: a sentence or a similar piece of speech.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct ParagraphSegment {
    /// When its first word begins.
    pub(crate) start: AudioTime,
    /// When its last word ends.
    pub(crate) end: AudioTime,
    /// Its text; may contain line breaks.
    pub(crate) text: String,
    /// `(also Ben)`: other people who speak at the same time.
    pub(crate) also: Option<String>,
    /// Mean confidence of its words from 0 to 1, if the engine reports one and `options` show it.
    pub(crate) confidence: Option<f32>,
    /// The text in pieces that differ in their marks. Joined they give `text`; empty stands for one unmarked piece.
    pub(crate) runs: Vec<Run>,
}

/// A piece of a segment's text.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Run {
    /// The text, with the white space that separates it from the next piece.
    pub(crate) text: String,
    /// When it begins, if `options` show the times of words.
    pub(crate) time: Option<AudioTime>,
    /// Why it is doubtful, if it is and `options` show that.
    pub(crate) doubt: Option<RunDoubt>,
}

/// Why a piece of text is doubtful.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunDoubt {
    /// The hallucination guard found the whole segment doubtful.
    Segment(DoubtReason),
    /// The engine is unsure of the word.
    Confidence,
}

impl RunDoubt {
    /// The reason in the language of `options`.
    pub(crate) fn label(self, options: &ExportOptions) -> &'static str {
        let labels = options.language.labels();
        match self {
            Self::Segment(DoubtReason::Repetition) => &labels.doubt_repetition,
            Self::Segment(DoubtReason::Invented) => &labels.doubt_invented,
            Self::Segment(DoubtReason::Garbled) => &labels.doubt_garbled,
            Self::Confidence => &labels.doubt_confidence,
        }
    }
}

impl ParagraphSegment {
    /// The text, and who speaks at the same time.
    pub(crate) fn full_text(&self) -> String {
        match &self.also {
            Some(also) => format!("{} {also}", self.text),
            None => self.text.clone(),
        }
    }

    /// The pieces of the text; at least one.
    pub(crate) fn runs(&self) -> Cow<'_, [Run]> {
        match self.runs.is_empty() {
            true => Cow::Owned(vec![Run { text: self.text.clone(), ..Run::default() }]),
            false => Cow::Borrowed(&self.runs),
        }
    }
}

impl FormattedTranscript {
    /// `document` with what `options` show.
    pub(crate) fn new(document: &Document, options: &ExportOptions) -> Self {
        Self {
            title: document.title.clone(),
            metadata: document.metadata.clone(),
            speakers: if document.shows_speakers(options) { document.speakers.clone() } else { Vec::new() },
            paragraphs: paragraphs(document, options),
            note: document.note.clone().filter(|note| options.note && !is_blank(note)),
            summary: document.summary.clone().filter(|_| options.summary),
            without_words: false,
            receipt: Receipt::of(document, options),
            options: options.clone(),
            changed_at: document.changed_at,
        }
    }

    /// The summary of `document`, without its words.
    pub(crate) fn summary_alone(document: &Document, options: &ExportOptions) -> Self {
        let options = ExportOptions {
            summary: true,
            note: false,
            statistics: false,
            contents: false,
            ..options.clone()
        };
        let whole = Self::new(document, &options);
        Self {
            paragraphs: Vec::new(),
            summary: Some(whole.summary.unwrap_or_default()),
            without_words: true,
            ..whole
        }
    }
}

/// Groups segments into paragraphs. A new one starts when the speaker changes, after a pause of
/// [`PARAGRAPH_PAUSE_MS`], and when the current one is [`PARAGRAPH_MS`] long. Only the first paragraph of a speaker
/// carries their name.
fn paragraphs(document: &Document, options: &ExportOptions) -> Vec<Paragraph> {
    let shows_speakers = document.shows_speakers(options);
    let mut paragraphs: Vec<Paragraph> = Vec::new();
    let mut last_end = AudioTime::ZERO;
    let mut last_speaker = None;
    for segment in &document.segments {
        let next = paragraph_segment(document, segment, options);
        let speaker_changes = shows_speakers && (paragraphs.is_empty() || last_speaker != segment.speaker);
        match paragraphs.last_mut() {
            Some(paragraph)
                if !speaker_changes
                    && next.start.since(last_end) < PARAGRAPH_PAUSE_MS
                    && next.start.since(paragraph.start) < PARAGRAPH_MS =>
            {
                paragraph.segments.push(next);
            }
            _ => paragraphs.push(Paragraph {
                speaker: speaker_changes.then(|| document.name(segment.speaker, options).to_owned()),
                speaker_index: segment.speaker.filter(|_| shows_speakers),
                start: next.start,
                segments: vec![next],
            }),
        }
        last_speaker = segment.speaker;
        last_end = segment.segment.span.end;
    }
    paragraphs
}

fn paragraph_segment(document: &Document, segment: &Segment, options: &ExportOptions) -> ParagraphSegment {
    let others: Vec<&str> = match document.shows_speakers(options) {
        true => segment.also.iter().map(|other| document.name(Some(*other), options)).collect(),
        false => Vec::new(),
    };
    let also = options.language.labels().also.replace("{names}", &others.join(", "));
    ParagraphSegment {
        start: segment.segment.span.start,
        end: segment.segment.span.end,
        text: segment.segment.text.clone(),
        also: (!others.is_empty()).then(|| format!("({also})")),
        confidence: mean_confidence(&segment.segment.words).filter(|_| options.confidence),
        runs: runs(&segment.segment, options),
    }
}

/// The mean confidence of `words`; `None` if the engine reported none.
pub(crate) fn mean_confidence(words: &[Word]) -> Option<f32> {
    let known: Vec<f32> = words.iter().filter_map(|word| word.confidence).collect();
    (!known.is_empty()).then(|| known.iter().sum::<f32>() / known.len() as f32)
}

/// The text of `segment` in pieces: per word if the times of words are shown, else per change of doubt. Empty if
/// nothing is marked.
fn runs(segment: &transcript::Segment, options: &ExportOptions) -> Vec<Run> {
    let whole = options.doubts.then_some(segment.doubt).flatten().map(RunDoubt::Segment);
    let unsure = |word: &Word| options.doubts && is_unsure(word);
    let times = options.times == Times::Word;
    if !times && whole.is_none() && !segment.words.iter().any(unsure) {
        return Vec::new();
    }
    let Some(starts) = word_starts(&segment.text, &segment.words) else {
        return vec![Run {
            text: segment.text.clone(),
            time: times.then_some(segment.span.start),
            doubt: whole,
        }];
    };
    let mut runs: Vec<Run> = Vec::new();
    for (index, word) in segment.words.iter().enumerate() {
        let from = if index == 0 { 0 } else { starts[index] };
        let to = starts.get(index + 1).copied().unwrap_or(segment.text.len());
        let text = &segment.text[from..to];
        let doubt = whole.or_else(|| unsure(word).then_some(RunDoubt::Confidence));
        match runs.last_mut() {
            Some(last) if !times && last.doubt == doubt => last.text.push_str(text),
            _ => runs.push(Run { text: text.to_owned(), time: times.then_some(word.start), doubt }),
        }
    }
    runs
}

/// Whether the engine is unsure of `word`.
pub(crate) fn is_unsure(word: &Word) -> bool {
    word.confidence.is_some_and(|value| value < DOUBTFUL_CONFIDENCE)
}

/// Where each of `words` begins in `text`, which joins them; `None` if `text` is not made of them.
pub(crate) fn word_starts(text: &str, words: &[Word]) -> Option<Vec<usize>> {
    let mut at = 0;
    let mut starts = Vec::with_capacity(words.len());
    for word in words {
        at += text[at..].len() - text[at..].trim_start().len();
        let found = text.get(at..at + word.text.len())?;
        // The first letter of a segment may be capitalised.
        let same = found == word.text || found.to_lowercase() == word.text.to_lowercase();
        starts.push(same.then_some(at)?);
        at += word.text.len();
    }
    (!words.is_empty() && text[at..].trim().is_empty()).then_some(starts)
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
            let (speaker_index, start) = (paragraph.speaker_index, paragraph.start);
            (!segments.is_empty()).then_some(VisibleParagraph { speaker, speaker_index, start, segments })
        })
    }

    /// The labels in the language of the options.
    pub(crate) fn labels(&self) -> &'static Labels {
        self.options.language.labels()
    }

    /// Labels and values of the metadata in the order in which they are shown below `heading`; values are single lines.
    pub(crate) fn metadata_rows(&self, heading: &str) -> Vec<(&'static str, String)> {
        let (metadata, labels) = (&self.metadata, self.labels());
        let mut rows = vec![(labels.file.as_str(), single_line(&metadata.file_name))];
        rows.extend(metadata.recorded_at.map(|at| (labels.recorded.as_str(), labels.date_and_time(at))));
        rows.extend(metadata.duration.map(|length| (labels.duration.as_str(), length.to_string())));
        rows.extend(metadata.language.as_deref().map(|name| (labels.language.as_str(), single_line(name))));
        let names: Vec<&str> = self.speakers.iter().map(|speaker| speaker.name.as_str()).collect();
        rows.extend((!names.is_empty()).then(|| (labels.speakers.as_str(), single_line(&names.join(", ")))));
        rows.extend(metadata.engine.as_deref().map(|name| (labels.engine.as_str(), single_line(name))));
        rows.extend(metadata.notes.iter().map(|note| (labels.remark.as_str(), single_line(note))));
        rows.retain(|(label, value)| !is_blank(value) && (*label != labels.file || value != heading));
        rows
    }

    /// Labels and values of the receipt, for a person to read; absent values are left out.
    pub(crate) fn receipt_rows(&self) -> Vec<(&'static str, String)> {
        let (receipt, labels) = (&self.receipt, self.labels());
        let rows = [
            (&labels.meeting, receipt.meeting_id.clone()),
            (&labels.recording, format!("SHA-256 {}", receipt.recording_sha256)),
            (&labels.version, receipt.version_id.clone()),
            (&labels.engine, receipt.engine.clone()),
            (&labels.model, receipt.model.clone()),
            (&labels.exported, receipt.exported_on.to_string()),
            (&labels.content, format!("SHA-256 {}", receipt.passages_sha256)),
        ];
        rows.into_iter()
            .map(|(label, value)| (label.as_str(), value))
            .filter(|(_, value)| !is_blank(value))
            .collect()
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
    pub(crate) speaker_index: Option<usize>,
    pub(crate) start: AudioTime,
    /// At least one; none of them is blank.
    pub(crate) segments: Vec<&'a ParagraphSegment>,
}

/// A date and time in English with its UTC offset: `1 January 2025, 00:30 (UTC+1)`.
pub fn date_and_time(at: DateTime<FixedOffset>) -> String {
    LabelLanguage::English.labels().date_and_time(at)
}

impl Labels {
    /// A date and time with its UTC offset: `1 January 2025, 00:30 (UTC+1)`.
    pub(crate) fn date_and_time(&self, at: DateTime<FixedOffset>) -> String {
        let seconds = at.offset().local_minus_utc();
        let (hours, minutes) = (seconds.abs() / 3600, seconds.abs() / 60 % 60);
        let sign = if seconds < 0 { '−' } else { '+' };
        let minutes = if minutes == 0 { String::new() } else { format!(":{minutes:02}") };
        self.date_time
            .replace("{day}", &at.day().to_string())
            .replace("{month}", &self.months[at.month0() as usize])
            .replace("{year}", &at.format("%Y").to_string())
            .replace("{time}", &at.format("%H:%M").to_string())
            .replace("{offset}", &format!("UTC{sign}{hours}{minutes}"))
    }
}

/// `text` with each line break replaced by a space.
pub(crate) fn single_line(text: &str) -> String {
    text.replace("\r\n", " ").replace(['\n', '\r'], " ")
}

/// Whether `text` has nothing but white space and control characters.
pub(crate) fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || c.is_control())
}
