//! What is searched for, and what is found. Plain types; how text becomes a query is in the crate `app`.

use crate::ids::{JobId, SegmentId};
use chrono::{DateTime, Utc};

/// A search in all meetings that are not in the trash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeetingQuery {
    /// Every one must hold. None: all meetings that pass the filters are found, newest first, without passages.
    pub clauses: Vec<Clause>,
    /// Which meetings, and which speakers.
    pub filters: SearchFilters,
    /// The order.
    pub sort: SearchSort,
    /// How many meetings to skip.
    pub offset: u32,
    /// At most this many meetings; 100 at most.
    pub limit: u32,
}

/// Alternatives, any of which suffices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// None of the alternatives may occur in the meeting.
    pub negated: bool,
    /// The alternatives.
    pub alternatives: Vec<Term>,
}

/// What may occur in a meeting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    /// A word, in any inflection that the stemmer of the meeting's language knows. With hyphens: also written as one
    /// word.
    Word(String),
    /// Words that begin so.
    Prefix(String),
    /// Words that follow each other.
    Phrase(String),
}

/// The order of what is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SearchSort {
    /// The best first; newest first among equals.
    #[default]
    Relevance,
    /// The newest first.
    Date,
}

/// A filter for something that has a name. Case and accents do not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameFilter {
    /// The name; for a speaker, the beginning of each of its words suffices.
    pub name: String,
    /// Whether it must not be so.
    pub negated: bool,
}

/// Which meetings are searched.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SearchFilters {
    /// Who says the words: one of these speakers, and none of the negated ones. Without words: who is in the meeting.
    pub speakers: Vec<NameFilter>,
    /// In which folder, or one below it: one of these, and none of the negated ones.
    pub folders: Vec<NameFilter>,
    /// With which tags: all of these, and none of the negated ones.
    pub tags: Vec<NameFilter>,
    /// In which language, BCP 47 (`de` also finds `de-CH`): one of these, and none of the negated ones.
    pub languages: Vec<NameFilter>,
    /// Not before.
    pub from: Option<DateTime<Utc>>,
    /// Before this moment.
    pub until: Option<DateTime<Utc>>,
    /// At least so long, in milliseconds.
    pub min_ms: Option<u32>,
    /// At most so long, in milliseconds.
    pub max_ms: Option<u32>,
    /// With or without a note.
    pub has_note: Option<bool>,
    /// With or without a summary.
    pub has_summary: Option<bool>,
    /// A favourite or not.
    pub favourite: Option<bool>,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Found {
    /// The meetings of the page that was asked for.
    pub meetings: Vec<FoundMeeting>,
    /// How many meetings were found in all.
    pub total: u32,
    /// Whether `total` is exact, or there are at least so many.
    pub total_is_exact: bool,
    /// So many of the newest meetings were ranked, because the words are very common; the others follow by date.
    pub best_of_newest: Option<u32>,
    /// The query had more terms than [`MAX_SEARCH_TERMS`](crate::MAX_SEARCH_TERMS); the others were left out.
    pub too_many_terms: bool,
}

/// A meeting that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundMeeting {
    /// The meeting.
    pub job: JobId,
    /// Its title, or the name of its file.
    pub title: String,
    /// Marked words of the title, from–to in Unicode code points.
    pub title_marks: Vec<(u32, u32)>,
    /// When it was recorded, or imported if that is not known.
    pub sorted_at: DateTime<Utc>,
    /// When it was recorded.
    pub recorded_at: Option<DateTime<Utc>>,
    /// Offset from UTC in seconds that `recorded_at` was written with.
    pub recorded_offset_s: Option<i32>,
    /// Its length in milliseconds.
    pub duration_ms: Option<u32>,
    /// How well it fits; 0 if it was not ranked.
    pub score: f64,
    /// The best passages, at most two, in order of time.
    pub passages: Vec<FoundPassage>,
    /// How many further passages there are.
    pub more: u32,
    /// Whether the words occur in its note.
    pub in_note: bool,
    /// Speakers whose names contain the words.
    pub speakers: Vec<String>,
}

/// A segment of a transcript, or a stretch of a note, in which words were found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundPassage {
    /// Where it is.
    pub source: PassageSource,
    /// The text.
    pub text: String,
    /// Marked words, from–to in Unicode code points.
    pub marks: Vec<(u32, u32)>,
}

/// Where a passage is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PassageSource {
    /// In the current transcript.
    Transcript {
        /// The segment.
        segment: SegmentId,
        /// Where it begins, in milliseconds.
        start_ms: u32,
        /// Where its first marked word begins, in milliseconds.
        play_ms: u32,
        /// The name of who says it; `None` if that is unknown or has no name.
        speaker: Option<String>,
        /// The number of who says it, from 1.
        speaker_number: Option<u32>,
    },
    /// In the note.
    Note,
}
