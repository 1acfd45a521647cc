//! Removes what is due, in batches, and notes the files to be removed.
//!
//! Each batch is a transaction that first locks the rows of its meetings (the lock order of `tasks`: the meeting
//! first) and then applies the rules again in the statement that removes. The second statement sees what others have
//! committed until it has the locks.

use super::rules::{query_due, with_due};
use super::{CleanupPlan, RetentionRules, clock};
use crate::ids::{ExportId, JobId};
use crate::query::{on_connection, on_dedicated_connection};
use crate::{Result, Store, StoreError};
use chrono::{DateTime, Utc};
use diesel::result::Error as QueryError;
use diesel::sql_types::{Array, BigInt, Bool, Uuid};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};

/// Rows that one transaction removes. A meeting of several hours has thousands of segments, which go with it.
const BATCH: usize = 20;

/// Key of the advisory lock: “cleaning” in ASCII.
const LOCK: i64 = i64::from_be_bytes(*b"cleaning");

/// The right to clean up this archive. Dropping it releases the lock.
pub struct CleanupLock(
    #[expect(dead_code, reason = "the lock lives as long as the connection")] AsyncPgConnection,
);

impl std::fmt::Debug for CleanupLock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CleanupLock")
    }
}

/// What a clean-up removed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CleanupRemovals {
    /// Meetings.
    pub meetings: Vec<JobId>,
    /// Meetings whose audio was removed.
    pub audio: Vec<JobId>,
    /// Exports, without those that went with their meeting.
    pub exports: Vec<ExportId>,
}

const LOCK_MEETINGS: &str = "SELECT id FROM jobs WHERE id = ANY($1) ORDER BY id FOR UPDATE";
const LOCK_MEETINGS_OF_EXPORTS: &str = "
    SELECT id FROM jobs WHERE id IN (SELECT job_id FROM export_jobs WHERE id = ANY($1))
    ORDER BY id FOR NO KEY UPDATE";

/// The exports of a meeting go with it. A file stays if the export of another meeting has the same path.
const REMOVE_MEETINGS: &str = with_due!(
    ", going AS (SELECT d.id, d.file_path FROM due_meetings d, rules r WHERE d.id = ANY(r.only)),
    files AS (
        SELECT g.file_path FROM going g
        UNION
        SELECT x.file_path FROM due_exports x JOIN going g ON g.id = x.job_id
        WHERE NOT EXISTS (
            SELECT FROM export_jobs o WHERE o.library_id = $2 AND o.file_path = x.file_path
                AND o.job_id NOT IN (SELECT id FROM going))
    ),
    noted AS (
        INSERT INTO pending_removals (library_id, file_path) SELECT $2, file_path FROM files ON CONFLICT DO NOTHING
    )
    DELETE FROM jobs USING going WHERE jobs.id = going.id RETURNING jobs.id"
);

const REMOVE_AUDIO: &str = with_due!(
    ", going AS (SELECT d.id, d.file_path FROM due_audio d, rules r WHERE d.id = ANY(r.only)),
    noted AS (
        INSERT INTO pending_removals (library_id, file_path) SELECT $2, file_path FROM going ON CONFLICT DO NOTHING
    )
    UPDATE jobs SET audio_removed_at = $1 FROM going WHERE jobs.id = going.id RETURNING jobs.id"
);

const REMOVE_EXPORTS: &str = with_due!(
    ", going AS (
        SELECT d.id, d.file_path FROM due_exports d, rules r WHERE d.id = ANY(r.only) AND NOT d.with_meeting
    ),
    noted AS (
        INSERT INTO pending_removals (library_id, file_path)
        SELECT DISTINCT $2, g.file_path FROM going g
        WHERE NOT EXISTS (
            SELECT FROM export_jobs o WHERE o.library_id = $2 AND o.file_path = g.file_path
                AND o.id NOT IN (SELECT id FROM going))
        ON CONFLICT DO NOTHING
    ),
    over AS (DELETE FROM tasks USING going WHERE tasks.kind = 'export' AND tasks.subject = going.id)
    DELETE FROM export_jobs USING going WHERE export_jobs.id = going.id RETURNING export_jobs.id"
);

#[derive(diesel::QueryableByName)]
struct IdRow {
    #[diesel(sql_type = Uuid)]
    id: uuid::Uuid,
}

#[derive(diesel::QueryableByName)]
struct Acquired {
    #[diesel(sql_type = Bool)]
    value: bool,
}

impl CleanupLock {
    /// Takes the lock; `None` if another process cleans up this archive.
    pub async fn acquire(store: &Store) -> Result<Option<Self>> {
        let (connection, acquired): (_, Acquired) = on_dedicated_connection!(store, connection => {
            diesel::sql_query("SELECT pg_try_advisory_lock($1) AS value")
                .bind::<BigInt, _>(LOCK)
                .get_result(connection)
        })?;
        Ok(acquired.value.then_some(Self(connection)))
    }
}

impl Store {
    /// Removes what `plan` says, as far as the rules still apply to it. `None` if the plan asks something that is not
    /// `confirmed`: nothing is removed then.
    ///
    /// Files are only noted in `pending_removals`.
    pub async fn remove_due(
        &self,
        _lock: &CleanupLock,
        rules: &RetentionRules,
        plan: &CleanupPlan,
        confirmed: bool,
    ) -> Result<Option<CleanupRemovals>> {
        if !plan.questions.is_empty() && !confirmed {
            on_connection!(self, connection => clock::record_questions(connection, &plan.questions, plan.at))?;
            return Ok(None);
        }
        if confirmed || plan.clock_trusted {
            on_connection!(self, connection => connection.transaction::<_, QueryError, _>(async |c| {
                clock::trust(c, plan.at, confirmed).await
            }))?;
        }
        let meetings: Vec<_> = plan.meetings.iter().map(|meeting| meeting.id.uuid()).collect();
        let audio: Vec<_> = plan.audio.iter().map(|meeting| meeting.id.uuid()).collect();
        let exports = plan.exports.iter().filter(|export| !export.with_meeting);
        let exports: Vec<_> = exports.map(|export| export.id.uuid()).collect();
        let (of_meetings, of_exports) = (LOCK_MEETINGS, LOCK_MEETINGS_OF_EXPORTS);
        let meetings = self.remove_all(of_meetings, REMOVE_MEETINGS, rules, plan.at, &meetings).await?;
        let audio = self.remove_all(of_meetings, REMOVE_AUDIO, rules, plan.at, &audio).await?;
        let exports = self.remove_all(of_exports, REMOVE_EXPORTS, rules, plan.at, &exports).await?;
        Ok(Some(CleanupRemovals {
            meetings: meetings.into_iter().map(JobId::from).collect(),
            audio: audio.into_iter().map(JobId::from).collect(),
            exports: exports.into_iter().map(ExportId::from).collect(),
        }))
    }

    /// Removes rows in batches: locks with `lock`, removes with `remove`. Returns the ids that went, in the given order.
    async fn remove_all(
        &self,
        lock: &'static str,
        remove: &'static str,
        rules: &RetentionRules,
        at: DateTime<Utc>,
        ids: &[uuid::Uuid],
    ) -> Result<Vec<uuid::Uuid>> {
        let mut removed = Vec::new();
        for batch in ids.chunks(BATCH) {
            let gone: Vec<IdRow> = on_connection!(self, connection => connection.transaction::<_, StoreError, _>(async |c| {
                diesel::sql_query(lock).bind::<Array<Uuid>, _>(batch).execute(c).await?;
                Ok(query_due!(remove, rules, at, Some(batch)).load(c).await?)
            }))?;
            removed.extend(batch.iter().filter(|id| gone.iter().any(|row| row.id == **id)));
        }
        Ok(removed)
    }
}
