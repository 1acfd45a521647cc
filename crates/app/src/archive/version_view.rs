//! Versions of a transcript as they cross to a front end.

use serde::Serialize;
use store::TranscriptId;

/// How a version stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "lowercase")]
pub enum VersionState {
    /// It is being made.
    Running,
    /// All of the recording is in it.
    Complete,
    /// It was stopped midway and can go on.
    Unfinished,
    /// It stopped with a message, and can go on.
    Failed,
}

/// A version of a meeting's transcript.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct VersionView {
    /// UUID.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub id: TranscriptId,
    /// 1 for the first.
    pub number: i32,
    /// Whether it is the one that is shown.
    pub current: bool,
    /// How it stands.
    pub state: VersionState,
    /// Why it stopped.
    pub error_message: Option<String>,
    /// Name of the engine.
    pub engine: String,
    /// Speech model, by its id.
    pub model: String,
    /// What the model is called.
    pub model_title: String,
    /// SHA-256 of the model's file.
    pub model_sha256: Option<String>,
    /// Whether that very file is here.
    pub model_here: bool,
    /// Spoken language, BCP 47.
    pub language: Option<String>,
    /// Whether the model found out the language.
    pub language_detected: bool,
    /// English, whatever was spoken.
    pub translated: bool,
    /// Names and terms the model was given.
    pub vocabulary: Vec<String>,
    /// Whether the times of words are the model's; otherwise they are estimated.
    pub word_times: bool,
    /// What it was computed on.
    pub device: Option<String>,
    /// Milliseconds of audio.
    pub audio_ms: Option<u32>,
    /// Up to where it is, in milliseconds.
    pub done_ms: u32,
    /// Milliseconds of work.
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub work_ms: f64,
    /// Words in it.
    pub words: u32,
    /// Lines whose words should be doubted.
    pub doubtful_lines: u32,
    /// When it was begun: RFC 3339, UTC.
    pub created_at: String,
    /// When it was complete: RFC 3339, UTC.
    pub completed_at: Option<String>,
}

/// Words of one side that follow each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ComparePiece {
    /// The words.
    pub text: String,
    /// Whether the other side has others here, or none.
    pub changed: bool,
}

/// A stretch of the recording as both sides have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct CompareRow {
    /// Where it begins, in milliseconds.
    pub start_ms: u32,
    /// The left side.
    pub left: Vec<ComparePiece>,
    /// The right side.
    pub right: Vec<ComparePiece>,
    /// Whether anything differs.
    pub changed: bool,
}

/// Two versions side by side.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Comparison {
    /// One version.
    pub left: VersionView,
    /// The other.
    pub right: VersionView,
    /// The recording, stretch by stretch.
    pub rows: Vec<CompareRow>,
    /// Words that both have.
    pub equal_words: u32,
    /// Words that only the left one has.
    pub left_only: u32,
    /// Words that only the right one has.
    pub right_only: u32,
}
