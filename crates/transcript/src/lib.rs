//! The parts of a transcript as plain types and pure functions.
//!
//! From recognised words to the text a person reads, in this order:
//!
//! 1. [`join_windows`]: the words of overlapping windows of audio become one sequence of words.
//! 2. [`assign_speakers`]: each word gets a speaker, by comparing its time with the turns that diarization found and
//!    with the [`Assignment`]s a user made.
//! 3. [`segments`] and [`speaker_segments`]: the sequence is cut into sentence-like segments, of one speaker each.
//!
//! Also here: the edits a user makes to speakers ([`SpeakerEdit`], [`AppliedEdits`]), how a new diarization keeps the
//! speakers of the one before ([`match_speakers`]), and the comparison of two transcripts ([`compare`]).
//!
//! Nothing here reads a file, a database or the wall clock, except that [`compare`] limits its own running time. The
//! other crates depend on this one, never the other way round.

mod assign_speakers;
mod compare;
mod join_windows;
mod match_speakers;
mod plain_text;
mod segment;
mod speaker_edits;
mod time;
mod turn;
mod word;

pub use assign_speakers::{Assignment, WordSpeaker, apply_assignments, assign_speakers};
pub use compare::{Comparison, ComparisonRow, TextRun, compare};
pub use join_windows::join_windows;
pub use match_speakers::match_speakers;
pub use plain_text::{is_control, replace_control_chars, single_line};
pub use segment::{Segment, SpeakerSegment, segments, speaker_segments};
pub use speaker_edits::{AppliedEdits, SpeakerEdit};
pub use time::{AudioTime, Span};
pub use turn::Turn;
pub use word::{
    Doubt, DoubtReason, Word, comparison_key, join_words, split_words, utf16_word_ranges,
    written_without_spaces,
};

/// Sample rate of all audio between the decoder and the engines, in samples per second.
pub const SAMPLE_RATE: u32 = 16_000;
