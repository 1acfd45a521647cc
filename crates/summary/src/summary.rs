//! A summary in the form that the command line, exports and the archive share.

use serde::{Deserialize, Serialize};

/// A summary of a meeting. Its JSON is the same everywhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Summary {
    /// UUID as text.
    pub summary_id: String,
    /// UUID of the meeting as text.
    pub job_id: String,
    /// Who wrote the statements.
    pub kind: Kind,
    /// Name of the template; `None` for an extract.
    pub template: Option<String>,
    /// What made the summary: [`crate::EXTRACT_ENGINE`], or the engine of a language model.
    pub engine: String,
    /// Name of the language model; `None` for an extract.
    pub model: Option<String>,
    /// BCP 47 tag of the language of the statements; `None` if unknown.
    pub language: Option<String>,
    /// Which part of the meeting was read.
    pub covered: Covered,
    /// In reading order. A section without statements is left out.
    pub sections: Vec<Section>,
}

/// Who wrote the statements of a summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type), serde(rename = "SummaryKind"))]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The speakers: the statements are sentences of the transcript.
    Extract,
    /// A language model.
    Model,
}

/// The part of a meeting that was read for a summary.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type), serde(rename = "SummaryCovered"))]
pub struct Covered {
    /// Start of the first segment that was read.
    pub from_ms: u32,
    /// End of the last segment that was read.
    pub to_ms: u32,
    /// Share of the segments that were read, 0 to 1. 1 for an empty transcript.
    pub share: f64,
}

/// Statements under a title.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type), serde(rename = "SummarySection"))]
pub struct Section {
    /// In the language of the meeting if there are labels for it, else in English.
    pub title: String,
    /// In reading order.
    pub statements: Vec<Statement>,
}

/// One statement with the passages that it rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type), serde(rename = "SummaryStatement"))]
pub struct Statement {
    /// One line of text.
    pub text: String,
    /// Whether the transcript has the sources.
    pub support: Support,
    /// In order of time. Empty if `support` is [`Support::NotFound`] and nothing was found.
    pub sources: Vec<Source>,
    /// Who does it: the name of a speaker, or a name as it was said. Only where told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// By when, as it was said: “Friday”, “end of the month”. Only where told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// Whether a user has changed the text.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub edited: bool,
}

/// Whether a statement has a source in the transcript. It does not say that the statement is true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type), serde(rename = "SummarySupport"))]
#[serde(rename_all = "snake_case")]
pub enum Support {
    /// The quoted words exist; numbers, names and dates of the statement stand in the passage or beside it.
    Found,
    /// Shown as “no source found”.
    NotFound,
}

/// A passage of the transcript.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type), serde(rename = "SummarySource"))]
pub struct Source {
    /// The segment that contains `quote`.
    pub segment_id: String,
    /// Start of the segment.
    pub start_ms: u32,
    /// End of the segment; for a topic, end of the whole stretch.
    pub end_ms: u32,
    /// Part of the text of the segment, letter by letter.
    pub quote: String,
}
