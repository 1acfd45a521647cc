//! Versions of a transcript, and their comparison, as they are sent to the window or printed as JSON.

use serde::Serialize;
use store::TranscriptId;

/// The state of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "lowercase")]
pub enum VersionState {
    /// It is being made.
    Running,
    /// It covers the whole recording.
    Complete,
    /// It was stopped and can be continued.
    Unfinished,
    /// It failed with a message and can be continued.
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
    /// Whether it is the current version.
    pub current: bool,
    /// Its state.
    pub state: VersionState,
    /// Why it failed.
    pub error_message: Option<String>,
    /// Name of the engine.
    pub engine: String,
    /// Id of the speech model.
    pub model: String,
    /// Title of the speech model.
    pub model_title: String,
    /// SHA-256 of the model's file.
    pub model_sha256: Option<String>,
    /// Whether exactly this file is installed.
    pub model_here: bool,
    /// Spoken language, BCP 47.
    pub language: Option<String>,
    /// Whether the model detected the language.
    pub language_detected: bool,
    /// Whether it was translated into English.
    pub translated: bool,
    /// The vocabulary that the model was given.
    pub vocabulary: Vec<String>,
    /// Whether the model reported the times of words; otherwise they are estimated.
    pub word_times: bool,
    /// The device that computed it.
    pub device: Option<String>,
    /// Milliseconds of audio.
    pub audio_ms: Option<u32>,
    /// How far it is, in milliseconds of audio.
    pub done_ms: u32,
    /// Milliseconds of work.
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub work_ms: f64,
    /// Number of words.
    pub words: u32,
    /// Number of doubtful segments.
    #[serde(rename = "doubtful_lines")]
    pub doubtful_segments: u32,
    /// When it was begun: RFC 3339, UTC.
    pub created_at: String,
    /// When it was completed: RFC 3339, UTC.
    pub completed_at: Option<String>,
}

/// Consecutive words of one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ComparePiece {
    /// The words.
    pub text: String,
    /// Whether the other version has different words here, or none.
    pub changed: bool,
}

/// A part of the recording, as both versions have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct CompareRow {
    /// Its start in milliseconds.
    pub start_ms: u32,
    /// The left version's words.
    pub left: Vec<ComparePiece>,
    /// The right version's words.
    pub right: Vec<ComparePiece>,
    /// Whether anything differs.
    pub changed: bool,
}

/// Two versions side by side.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Comparison {
    /// The left version.
    pub left: VersionView,
    /// The right version.
    pub right: VersionView,
    /// The recording, part by part.
    pub rows: Vec<CompareRow>,
    /// Number of words that both have.
    pub equal_words: u32,
    /// Number of words that only the left version has.
    pub left_only: u32,
    /// Number of words that only the right version has.
    pub right_only: u32,
}
