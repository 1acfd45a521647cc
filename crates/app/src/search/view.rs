//! Searches and what they find, as they are sent to the window or printed as JSON.

use serde::{Deserialize, Serialize};
use store::{JobId, SegmentId};

/// A search.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct SearchRequest {
    /// What the user typed: words, "phrases", -words, filters such as speaker:anna.
    pub text: String,
    /// The order of the meetings.
    pub sort: SearchOrder,
    /// How many meetings to skip.
    pub offset: u32,
    /// The most meetings to return.
    pub limit: u32,
}

/// The order of the meetings that a search finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum SearchOrder {
    /// The best match first.
    #[default]
    Relevance,
    /// The newest first.
    Date,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct SearchResults {
    /// The meetings in the requested order.
    pub meetings: Vec<FoundMeeting>,
    /// How many meetings were found in all.
    pub total: u32,
    /// Whether `total` is exact; else there may be fewer.
    pub total_is_exact: bool,
    /// Only so many of the newest meetings were ranked, because the words are very common; none if all were.
    pub best_of_newest: Option<u32>,
    /// The text with the spelling of its words corrected, if that may be meant.
    pub suggestion: Option<String>,
    /// Whether nothing was found, and the meetings are what the suggestion finds.
    pub widened: bool,
    /// What was not understood, left out, or is not possible with this database server: sentences.
    pub hints: Vec<String>,
    /// Number of meetings that cannot be found yet, because they are still being indexed.
    pub preparing: u32,
}

/// A meeting that a search found.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct FoundMeeting {
    /// UUID.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub job_id: JobId,
    /// The title.
    pub title: String,
    /// Marked parts of the title: first character and the one after the last, counted in Unicode code points, in order,
    /// apart.
    pub title_marks: Vec<(u32, u32)>,
    /// When it was recorded, else imported: RFC 3339, as in [`crate::view::JobView`].
    pub recorded_at: Option<String>,
    /// Length in milliseconds.
    pub duration_ms: Option<u32>,
    /// The greater, the better the match. Comparable within one search.
    pub score: f64,
    /// The best passages.
    pub passages: Vec<Passage>,
    /// How many more passages match.
    pub more: u32,
    /// Whether its note matches.
    pub in_note: bool,
    /// Speakers whose names match.
    pub speakers: Vec<String>,
}

/// A passage of a meeting that a search found.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Passage {
    /// Where it stands.
    pub source: PassageSource,
    /// The segment: UUID; none in a note.
    #[cfg_attr(feature = "specta", specta(type = Option<String>))]
    pub segment_id: Option<SegmentId>,
    /// Where the segment begins, in milliseconds; none in a note.
    pub start_ms: Option<u32>,
    /// Where the first marked word begins, in milliseconds; none in a note.
    pub play_ms: Option<u32>,
    /// Who says it: name or “Speaker 1”.
    pub speaker: Option<String>,
    /// The text.
    pub text: String,
    /// Marked parts, as those of the title.
    pub marks: Vec<(u32, u32)>,
}

/// Where a passage stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum PassageSource {
    /// In the current transcript.
    Transcript,
    /// In the note of the meeting.
    Note,
}
