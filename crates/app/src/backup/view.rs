//! What the front ends show of backups.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

/// What a backup, a check or a restore does at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum BackupPhase {
    /// Reads rows.
    Reading,
    /// Copies audio.
    Copying,
    /// Reads again what was written.
    Checking,
    /// Brings meetings back.
    Restoring,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct BackupProgress {
    /// The step.
    pub phase: BackupPhase,
    /// Bytes done in this step.
    pub done_bytes: f64,
    /// Bytes of this step; 0 if unknown.
    pub total_bytes: f64,
}

/// A backup that was made.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct BackupView {
    /// The folder or file.
    pub place: String,
    /// The moment of its content, RFC 3339 in UTC.
    pub taken_at: String,
    /// Meetings in it.
    pub meetings: u32,
    /// Meetings whose audio is in it.
    pub with_audio: u32,
    /// Bytes that this backup added.
    pub added_bytes: f64,
    /// Bytes of everything in it.
    pub total_bytes: f64,
    /// Whether it was read again after it was written.
    pub checked: bool,
    /// What is not in it although it should be. Sentences.
    pub problems: Vec<String>,
    /// What else should be known. Sentences.
    pub notes: Vec<String>,
    /// Snapshots that were removed because enough newer ones exist.
    pub removed_snapshots: u32,
}

/// The result of a check of a backup.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct BackupCheckView {
    /// The folder or file.
    pub place: String,
    /// Snapshots in it.
    pub snapshots: u32,
    /// The moment of the newest, RFC 3339 in UTC.
    pub taken_at: Option<String>,
    /// Meetings in the newest.
    pub meetings: u32,
    /// Objects that were read.
    pub objects_read: u32,
    /// Objects in the backup.
    pub objects: u32,
    /// Bytes that were read.
    pub read_bytes: f64,
    /// What is damaged or missing. Sentences; empty if the backup is whole.
    pub damage: Vec<String>,
}

/// The result of a check of the archive itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ArchiveCheckView {
    /// Meetings in the archive.
    pub meetings: u32,
    /// Originals that were read.
    pub audio_read: u32,
    /// Bytes that were read.
    pub read_bytes: f64,
    /// What is wrong. Sentences; empty if all is well.
    pub problems: Vec<String>,
    /// The check of the last backup, if one was made.
    pub backup: Option<BackupCheckView>,
}

/// What a restore does, or would do.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct RestoreView {
    /// The folder or file.
    pub place: String,
    /// The moment of the backup, RFC 3339 in UTC.
    pub taken_at: String,
    /// Whether this only says what would be done.
    pub dry_run: bool,
    /// Meetings that come back.
    pub added: Vec<RestoredMeeting>,
    /// Meetings of the backup that are in the archive already; they stay as they are.
    pub already_there: u32,
    /// Meetings of the archive whose audio comes back.
    pub audio_back: Vec<RestoredMeeting>,
    /// Rows added, by table.
    pub rows: Vec<RestoredRows>,
    /// Bytes of audio that come back.
    pub audio_bytes: f64,
    /// Whether the settings of the backup were taken over.
    pub settings: bool,
    /// Where the broken database is kept, if there was one.
    pub set_aside: Option<String>,
    /// What cannot be brought back, because the backup is damaged. Sentences.
    pub lost: Vec<String>,
    /// What else should be known. Sentences.
    pub notes: Vec<String>,
}

/// A meeting that is restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct RestoredMeeting {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Whether its audio comes with it.
    pub audio: bool,
}

/// Rows of a table that were restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct RestoredRows {
    /// The table.
    pub table: String,
    /// How many.
    pub rows: u32,
}

/// How well the archive is backed up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct BackupState {
    /// The last backup without problems.
    pub last_backup: Option<BackupMoment>,
    /// The last check, or backup with check, that found nothing.
    pub last_check: Option<BackupMoment>,
    /// The last backup or check, if it failed or found something.
    pub last_failure: Option<BackupFailure>,
}

/// When and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct BackupMoment {
    /// RFC 3339 in UTC.
    pub at: String,
    /// The folder or file.
    pub place: String,
    /// Meetings in the backup.
    pub meetings: u32,
}

/// A failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct BackupFailure {
    /// RFC 3339 in UTC.
    pub at: String,
    /// A sentence.
    pub message: String,
}

/// The line of the window, and the schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct BackupOverview {
    /// What is known of earlier backups.
    pub state: BackupState,
    /// The folder of the schedule, if one was chosen.
    pub scheduled_place: Option<String>,
    /// The file with the passphrase that encrypts the next backups; `None`: they are not encrypted.
    pub passphrase_file: Option<String>,
    /// Hours between two scheduled backups.
    pub interval_hours: u32,
    /// When the next scheduled backup is due, RFC 3339 in UTC; `None` without a place.
    pub next_at: Option<String>,
}

/// A number of things for a view.
pub(super) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// A time for a view.
pub(super) fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
