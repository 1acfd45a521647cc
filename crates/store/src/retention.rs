//! Retention: which meetings, audio and exports are old enough to be removed, and their removal.
//!
//! The rules are SQL on the server's clock (`rules`). A preview and a removal run the same query with the same moment
//! as a parameter, so what goes is exactly what the preview said. The statement that removes rows applies the rules
//! once more, to rows that it has locked: a meeting that was pinned or put into the queue meanwhile stays.
//!
//! A wrong clock must delete nothing. `clock` decides whether the clock is believed, and a clean-up that it does not
//! believe, or that would remove most of the library, asks first ([`CleanupQuestion`]).
//!
//! Only what belongs to the library of the caller is removed. Other computers clean up their own libraries, by their
//! own settings. Rows without a library are the server edition's, which has a clean-up of its own and is the only one
//! that can remove their files.
//!
//! Removing audio keeps the meeting with its text (`audio`). This crate only notes which files are to be removed, in
//! `pending_removals`; the crate `app` removes them.

mod audio;
mod clock;
mod removal;
mod rules;

pub use removal::{CleanupLock, CleanupRemovals};

use crate::ids::{ExportId, JobId, LibraryId};
use crate::query::{first_row, on_connection};
use crate::schema::jobs;
use crate::{Job, Result, Store};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// How long things are kept. Ages count from when a row was registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetentionRules {
    /// The library of the caller.
    pub library: LibraryId,
    /// Hours after which a meeting is removed; `None`: never.
    pub job_retention_hours: Option<u32>,
    /// Days after which the audio of a meeting that has a transcript is removed; `None`: never.
    pub audio_retention_days: Option<u32>,
    /// Days after which a meeting in the trash is removed; `None`: never.
    pub trash_retention_days: Option<u32>,
    /// Hours after which an export is removed; `None`: never.
    pub export_retention_hours: Option<u32>,
    /// Only exports whose file lies directly in this folder are removed. Absolute, without a slash at its end.
    pub exports_folder: String,
}

/// Why a clean-up asks before it removes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CleanupQuestion {
    /// The server's clock is before the last moment that was believed.
    ClockBehind,
    /// The server's clock has moved by more than 30 days since the last moment that was believed, and nothing happened
    /// in the archive in between.
    ClockAhead,
    /// A restore has brought rows back; some of them may be due at once.
    Restored,
    /// More than half of the meetings of the library would go because of their age.
    MostMeetings,
    /// The audio of more than half of the meetings that have audio would go.
    MostAudio,
}

impl CleanupQuestion {
    const ALL: [Self; 5] =
        [Self::ClockBehind, Self::ClockAhead, Self::Restored, Self::MostMeetings, Self::MostAudio];

    /// The word in the database and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClockBehind => "clock_behind",
            Self::ClockAhead => "clock_ahead",
            Self::Restored => "restored",
            Self::MostMeetings => "most_meetings",
            Self::MostAudio => "most_audio",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|question| question.as_str() == word)
    }
}

/// A meeting that is removed, or whose audio is removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueMeeting {
    /// The meeting.
    pub id: JobId,
    /// The title that the user gave, if any.
    pub title: Option<String>,
    /// The name of the imported file.
    pub file_name: String,
    /// Bytes of its audio in the library; 0 if the audio is gone already.
    pub audio_bytes: u64,
    /// Since when it is due.
    pub due_since: DateTime<Utc>,
    /// Whether it goes because it has been in the trash for so long.
    pub from_trash: bool,
}

/// An export that is removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueExport {
    /// The export.
    pub id: ExportId,
    /// Its meeting.
    pub job_id: JobId,
    /// The title that the user gave the meeting, if any.
    pub title: Option<String>,
    /// The name of the imported file of the meeting.
    pub file_name: String,
    /// Kind of file, such as `pdf_transcript`.
    pub export_type: String,
    /// Absolute path of the file.
    pub file_path: String,
    /// Since when it is due.
    pub due_since: DateTime<Utc>,
    /// Whether it goes because its meeting goes.
    pub with_meeting: bool,
    /// Whether that meeting goes because it has been in the trash for so long.
    pub from_trash: bool,
}

/// What will become due soon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForecastItem {
    /// The meeting; `due_since` is when it becomes due.
    pub meeting: DueMeeting,
    /// Whether only its audio goes.
    pub audio_only: bool,
}

/// What a clean-up at one moment removes, and what it asks before.
#[derive(Debug, Clone, PartialEq)]
pub struct CleanupPlan {
    /// The moment, by the server's clock.
    pub at: DateTime<Utc>,
    /// The meetings that are removed, those that are due longest first.
    pub meetings: Vec<DueMeeting>,
    /// The meetings whose audio is removed.
    pub audio: Vec<DueMeeting>,
    /// The exports that are removed, also those that go with their meeting.
    pub exports: Vec<DueExport>,
    /// What becomes due in the next [`FORECAST_DAYS`], if nothing changes.
    pub forecast: Vec<ForecastItem>,
    /// What must be confirmed first; empty if nothing must.
    pub questions: Vec<CleanupQuestion>,
    /// Whether the clock is believed.
    pub clock_trusted: bool,
    /// The last moment of the clock that was believed.
    pub trusted_at: Option<DateTime<Utc>>,
    /// When the last clean-up ran.
    pub last_run_at: Option<DateTime<Utc>>,
}

/// How many days a forecast looks ahead.
pub const FORECAST_DAYS: i64 = 7;

impl CleanupPlan {
    /// Whether nothing is due.
    pub fn is_empty(&self) -> bool {
        self.meetings.is_empty() && self.audio.is_empty() && self.exports.is_empty()
    }
}

/// What the last clean-up left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetentionState {
    /// When the last clean-up removed what was due.
    pub last_run_at: Option<DateTime<Utc>>,
    /// What the last clean-up asked; empty if it asked nothing.
    pub questions: Vec<CleanupQuestion>,
}

impl Store {
    /// What a clean-up removes at the moment `at`; `None`: now, by the server's clock. Changes nothing.
    pub async fn cleanup_plan(
        &self,
        rules: &RetentionRules,
        at: Option<DateTime<Utc>>,
    ) -> Result<CleanupPlan> {
        on_connection!(self, connection => async {
            // One snapshot, so that all parts of the plan fit together.
            let mut transaction = connection.build_transaction().repeatable_read().read_only();
            transaction.run::<_, crate::StoreError, _>(async |c| rules::plan(c, rules, at).await).await
        })
    }

    /// What the last clean-up left.
    pub async fn retention_state(&self) -> Result<RetentionState> {
        on_connection!(self, connection => clock::state(connection))
    }

    /// Sets whether the user keeps a meeting. `None` if there is no such meeting.
    pub async fn set_pinned(&self, id: JobId, pinned: bool) -> Result<Option<Job>> {
        on_connection!(self, connection => async {
            let update =
                diesel::update(jobs::table.find(id)).set(jobs::pinned.eq(pinned)).returning(Job::as_returning());
            update.load(connection).await.map(first_row)
        })
    }
}
