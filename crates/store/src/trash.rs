//! The trash: meetings that the user deleted and can take back.
//!
//! A meeting goes into the trash with everything in it. Its waiting and running work is cancelled, in the same
//! transaction; the lease of a worker becomes void. When it is restored, that work waits again, with what had been done
//! of it. Exports that were not finished are given up.

use crate::ids::{JobId, LibraryId};
use crate::jobs::{Job, delete_locked};
use crate::query::on_connection;
use crate::schema::jobs;
use crate::{Result, Store};
use diesel::prelude::*;
use diesel::result::Error as QueryError;
use diesel::sql_types::{Array, Text, Uuid};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};

/// Why an export that was being made has none.
const EXPORT_GIVEN_UP: &str = "The meeting was moved to the trash.";

/// Meetings that were deleted for good.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Deleted {
    /// The meetings as they were.
    pub jobs: Vec<Job>,
    /// Paths of their exports on the computer of the caller that no other export has.
    pub exports: Vec<String>,
}

const CANCEL_TASKS: &str = "
    UPDATE tasks
    SET state = 'cancelled', cancelled_by_trash = kind <> 'export', error_message = NULL,
        lease_token = NULL, leased_until = NULL, machine_id = NULL
    WHERE job_id = ANY($1) AND state IN ('waiting', 'running')";

const GIVE_UP_EXPORTS: &str = "
    UPDATE export_jobs SET status = 'failed', error_message = $2
    WHERE job_id = ANY($1) AND status IN ('pending', 'processing')";

/// A clock that is behind must not make a meeting look as if it had been in the trash for long.
const TRASH: &str = "
    UPDATE jobs
    SET trashed_at = greatest(now(), (SELECT trusted_at FROM retention_state)),
        status = CASE WHEN status NOT IN ('pending', 'processing') THEN status
            WHEN current_transcript_id IS NULL THEN 'failed' ELSE 'completed' END,
        workflow_state = CASE WHEN status NOT IN ('pending', 'processing') THEN workflow_state
            WHEN current_transcript_id IS NULL THEN 'cancelled' ELSE 'done' END,
        error_message = CASE WHEN status IN ('pending', 'processing') THEN NULL ELSE error_message END
    WHERE id = ANY($1)";

const WAIT_AGAIN: &str = "
    UPDATE tasks
    SET state = CASE WHEN state = 'cancelled' AND j.audio_removed_at IS NULL THEN 'waiting' ELSE state END,
        cancelled_by_trash = FALSE, attempts = 0
    FROM jobs j WHERE j.id = tasks.job_id AND j.id = ANY($1) AND tasks.cancelled_by_trash";

/// After [`WAIT_AGAIN`]: the trigger on `jobs` adds no task to a meeting that has one.
const RESTORE: &str = "
    UPDATE jobs
    SET trashed_at = NULL,
        status = CASE WHEN waits THEN 'pending' ELSE status END,
        workflow_state = CASE WHEN waits THEN 'queued' ELSE workflow_state END
    FROM unnest($1) wanted (job_id),
        LATERAL (SELECT EXISTS (SELECT FROM tasks t WHERE t.job_id = wanted.job_id AND t.state = 'waiting'
            AND t.kind IN ('transcribe', 'diarize'))) task (waits)
    WHERE jobs.id = wanted.job_id";

/// Moves locked meetings that are not in the trash into it.
pub(crate) async fn trash_locked(c: &mut AsyncPgConnection, ids: &[JobId]) -> diesel::QueryResult<()> {
    diesel::sql_query(CANCEL_TASKS).bind::<Array<Uuid>, _>(ids).execute(c).await?;
    diesel::sql_query(GIVE_UP_EXPORTS)
        .bind::<Array<Uuid>, _>(ids)
        .bind::<Text, _>(EXPORT_GIVEN_UP)
        .execute(c)
        .await?;
    diesel::sql_query(TRASH).bind::<Array<Uuid>, _>(ids).execute(c).await.map(|_| ())
}

/// Takes locked meetings out of the trash.
pub(crate) async fn restore_locked(c: &mut AsyncPgConnection, ids: &[JobId]) -> diesel::QueryResult<()> {
    diesel::sql_query(WAIT_AGAIN).bind::<Array<Uuid>, _>(ids).execute(c).await?;
    diesel::sql_query(RESTORE).bind::<Array<Uuid>, _>(ids).execute(c).await.map(|_| ())
}

impl Store {
    /// Deletes meetings that are in the trash for good, with everything that belongs to them; others are skipped. Their
    /// files are added to `pending_removals`. `library` is the caller's.
    pub async fn delete_trashed(&self, ids: &[JobId], library: LibraryId) -> Result<Deleted> {
        on_connection!(self, connection => connection.transaction::<_, QueryError, _>(async |c| {
            let jobs: Vec<Job> = jobs::table
                .filter(jobs::id.eq_any(ids))
                .filter(jobs::trashed_at.is_not_null())
                .order(jobs::id)
                .for_update()
                .select(Job::as_select())
                .load(c)
                .await?;
            let exports = delete_locked(c, &jobs, library).await?;
            Ok(Deleted { jobs, exports })
        }))
    }
}
