//! Audio that comes back: the file of a meeting is put into the library again.
//!
//! Whoever puts a file back calls [`Store::expect_audio`] before and [`Store::record_audio_restored`] after. In between
//! no clean-up removes the audio, and no removal that was noted earlier takes the new file away: a removal holds the
//! lock of its entry while it removes files ([`Store::finish_removal`]), and `expect_audio` deletes the entry.

use super::clock;
use crate::ids::JobId;
use crate::lease::lock_job;
use crate::query::on_connection;
use crate::schema::{jobs, pending_removals};
use crate::{Job, Result, Store};
use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::result::Error as QueryError;
use diesel::sql_types::{Nullable, Timestamptz};
use diesel_async::{AsyncConnection, RunQueryDsl};

impl Store {
    /// Says that the audio of a meeting is about to be put into the library: its age counts from now, and a removal
    /// that has not begun is dropped. Waits for one that has. Returns the job as it is now; `None` if it is deleted.
    pub async fn expect_audio(&self, id: JobId) -> Result<Option<Job>> {
        on_connection!(self, connection => connection.transaction::<_, QueryError, _>(async |c| {
            let Some(job) = lock_job(c, id).await? else { return Ok(None) };
            if let Some(library) = job.library_id {
                diesel::delete(pending_removals::table.find((library, &job.file_path))).execute(c).await?;
            }
            diesel::update(jobs::table.find(id)).set(jobs::audio_restored_at.eq(trusted_now())).execute(c).await?;
            Ok(Some(job))
        }))
    }

    /// Stores that the audio of a meeting is in the library again. `None` if the meeting is deleted.
    pub async fn record_audio_restored(&self, id: JobId) -> Result<Option<Job>> {
        on_connection!(self, connection => connection.transaction::<_, QueryError, _>(async |c| {
            diesel::update(jobs::table.find(id))
                .set((
                    jobs::audio_removed_at.eq(None::<DateTime<Utc>>),
                    jobs::audio_restored_at.eq(trusted_now()),
                ))
                .returning(Job::as_returning())
                .get_result(c)
                .await
                .optional()
        }))
    }

    /// Says that a restore has brought rows back: the next clean-up that has something to remove asks first.
    pub async fn record_restore(&self) -> Result<()> {
        on_connection!(self, connection => clock::record_restore(connection))
    }
}

/// Now, by the clock of the server; 'infinity' while the clock is behind the last trusted moment, which the next
/// clean-up with a trusted clock replaces.
fn trusted_now() -> SqlLiteral<Nullable<Timestamptz>> {
    sql("CASE WHEN now() < (SELECT trusted_at FROM retention_state) THEN 'infinity' ELSE now() END")
}
