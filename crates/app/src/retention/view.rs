//! What clean-up removes, asks and finds, as it is sent to the window or printed as JSON.

use super::settings::RetentionSettings;
use serde::Serialize;
use store::{ExportId, JobId};

/// A clean-up: what it removes, what it must ask before, and what it found.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct CleanupView {
    /// Whether `meetings`, `audio` and `exports` were removed; if not, they are only due.
    pub removed: bool,
    /// When it was computed, by the database server's clock. RFC 3339, UTC.
    pub at: String,
    /// When the last clean-up removed what was due. RFC 3339, UTC.
    pub last_run_at: Option<String>,
    /// How long things are kept.
    pub settings: RetentionSettings,
    /// Meetings that go, with everything in them.
    pub meetings: Vec<DueMeetingView>,
    /// Meetings whose audio goes; their text stays.
    pub audio: Vec<DueMeetingView>,
    /// Exports that go.
    pub exports: Vec<DueExportView>,
    /// Bytes that become free.
    pub bytes: f64,
    /// What must be confirmed before anything is removed.
    pub confirmations: Vec<CleanupConfirmation>,
    /// Whether files of what was removed stay on disk until a running backup ends.
    pub files_later: bool,
    /// Meetings that become due in the next seven days.
    pub forecast: Vec<ForecastView>,
    /// Folders of the library that belong to no meeting. Never removed.
    pub unknown_folders: Vec<UnknownFolderView>,
    /// Meetings of this library whose audio is missing although it was not removed. Never removed.
    pub missing_audio: Vec<MissingAudioView>,
}

/// The rule by which something is due: the name of its setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum RetentionRule {
    /// The age of a meeting.
    JobRetentionHours,
    /// The age of audio.
    AudioRetentionDays,
    /// The age of an export.
    ExportRetentionHours,
    /// The time in the trash.
    TrashRetentionDays,
}

/// A meeting that is due, or whose audio is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct DueMeetingView {
    /// UUID.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub id: JobId,
    /// Title of the meeting.
    pub title: String,
    /// Why it goes.
    pub rule: RetentionRule,
    /// Since when it is due. RFC 3339, UTC.
    pub due_since: String,
    /// Bytes of its audio.
    pub bytes: f64,
}

/// An export that is due.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct DueExportView {
    /// UUID.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub export_id: ExportId,
    /// Its meeting: UUID.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub job_id: JobId,
    /// Title of the meeting.
    pub title: String,
    /// The word of the format.
    #[serde(rename = "type")]
    pub kind: String,
    /// Path of the file.
    pub path: String,
    /// Why it goes; `job_retention_hours` or `trash_retention_days` if it goes with its meeting.
    pub rule: RetentionRule,
    /// Since when it is due. RFC 3339, UTC.
    pub due_since: String,
    /// Bytes of the file; 0 if it does not exist.
    pub bytes: f64,
}

/// Why a clean-up asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum CleanupReason {
    /// The server's clock is before the last moment that was right.
    ClockBehind,
    /// The server's clock has moved by more than 30 days without any change in the archive.
    ClockAhead,
    /// A restore has brought meetings back.
    Restored,
    /// More than half of the meetings would go.
    MostMeetings,
    /// The audio of more than half of the meetings would go.
    MostAudio,
}

/// Something that must be confirmed before anything is removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct CleanupConfirmation {
    /// Why it asks.
    pub reason: CleanupReason,
    /// What happened, as a sentence.
    pub message: String,
    /// What to do, as a sentence.
    pub action: String,
}

/// A meeting that becomes due soon.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ForecastView {
    /// UUID.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub id: JobId,
    /// Title of the meeting.
    pub title: String,
    /// By which rule. With `audio_retention_days` only the audio goes.
    pub rule: RetentionRule,
    /// When. RFC 3339, UTC.
    pub due_at: String,
    /// Bytes of its audio.
    pub bytes: f64,
}

/// A folder of the library that belongs to no meeting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct UnknownFolderView {
    /// Path of the folder.
    pub path: String,
    /// What to do, as a sentence.
    pub action: String,
}

/// A meeting whose audio is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct MissingAudioView {
    /// UUID.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub id: JobId,
    /// Title of the meeting.
    pub title: String,
    /// What to do, as a sentence.
    pub action: String,
}
