//! Leases: the right of a worker to work on a task.
//!
//! A lease is a random token in the row of the task, valid for 30 s after each heartbeat. Every write of a worker
//! checks the token: it first locks the row of the job and compares ([`lock_leased_job`]), or filters on the token
//! ([`leased_task`]). A worker whose lease expired and was taken over, or whose task was cancelled, finds another token
//! or none and changes nothing.

use crate::error::StoreError;
use crate::ids::{ExportId, JobId, TaskId};
use crate::jobs::Job;
use crate::query::on_connection;
use crate::schema::{export_jobs, jobs, tasks};
use crate::status::TaskKind;
use crate::{Result, Store};
use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::result::Error as QueryError;
use diesel::sql_types;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

/// How long a lease lasts after a heartbeat.
const LEASE_SECONDS: i32 = 30;

/// The right to work on one task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The task.
    pub task: TaskId,
    /// The kind of the task.
    pub kind: TaskKind,
    /// The recording it is about.
    pub job: JobId,
    pub(crate) subject: Uuid,
    pub(crate) token: Uuid,
}

impl Lease {
    /// The export that this task makes.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] for a task of another kind.
    pub fn export(&self) -> Result<ExportId> {
        match self.kind {
            TaskKind::Export => Ok(self.subject.into()),
            _ => Err(StoreError::Unknown(format!("export of task {}", self.task))),
        }
    }
}

/// Progress of a task, in milliseconds of audio; for an export in percent.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct TaskProgress {
    /// Work done so far.
    pub done: i64,
    /// All work there is; `None` if unknown.
    pub total: Option<i64>,
    /// Seconds of work per second of audio in this attempt.
    pub real_time_factor: Option<f64>,
    /// Estimated milliseconds of work left.
    pub left_ms: Option<i64>,
}

impl Store {
    /// Heartbeat: extends the lease and stores the progress. False if the lease is void: the task was cancelled,
    /// deleted or taken over.
    pub async fn renew(&self, lease: Lease, progress: TaskProgress) -> Result<bool> {
        on_connection!(self, connection => connection.transaction::<_, QueryError, _>(async |c| {
            if lease.kind == TaskKind::Export {
                if lock_leased_job(c, lease).await?.is_none() {
                    return Ok(false);
                }
                let percent = i32::try_from(progress.done.clamp(0, 100)).unwrap_or(100);
                let changed = export_jobs::progress.is_distinct_from(percent);
                diesel::update(export_jobs::table.find(lease.subject).filter(changed))
                    .set(export_jobs::progress.eq(percent))
                    .execute(c)
                    .await?;
            }
            let renewed = diesel::update(leased_task(lease))
                .set((
                    tasks::leased_until.eq(lease_end()),
                    tasks::heartbeat_at.eq(server_now()),
                    tasks::done.eq(progress.done),
                    tasks::total.eq(progress.total),
                    tasks::real_time_factor.eq(progress.real_time_factor),
                    tasks::left_ms.eq(progress.left_ms),
                ))
                .execute(c)
                .await?;
            Ok(renewed == 1)
        }))
    }

    /// Gives up an unfinished task, so that any worker can claim it; the work done so far stays.
    pub async fn release(&self, lease: Lease) -> Result<()> {
        on_connection!(self, connection => async {
            let past = sql::<sql_types::Nullable<sql_types::Timestamptz>>("now() - interval '1 second'");
            diesel::update(leased_task(lease))
                .set((tasks::leased_until.eq(past), tasks::attempts.eq(0)))
                .execute(connection)
                .await
                .map(|_| ())
        })
    }
}

/// Loads a job and locks its row until the transaction ends, so that it cannot be cancelled, deleted or taken over
/// meanwhile.
pub(crate) async fn lock_job(c: &mut AsyncPgConnection, id: JobId) -> diesel::QueryResult<Option<Job>> {
    jobs::table.find(id).for_no_key_update().select(Job::as_select()).first(c).await.optional()
}

/// As [`lock_job`] for the job of a lease; `None` if the lease is void. A transaction of a worker begins with this.
pub(crate) async fn lock_leased_job(
    c: &mut AsyncPgConnection,
    lease: Lease,
) -> diesel::QueryResult<Option<Job>> {
    let job = lock_job(c, lease.job).await?;
    let is_valid: bool = diesel::select(diesel::dsl::exists(leased_task(lease))).get_result(c).await?;
    Ok(job.filter(|_| is_valid))
}

/// The row of the task, if the lease is valid.
#[diesel::dsl::auto_type]
pub(crate) fn leased_task(lease: Lease) -> _ {
    let task: TaskId = lease.task;
    let token: Uuid = lease.token;
    tasks::table.filter(tasks::id.eq(task)).filter(tasks::lease_token.eq(token))
}

/// The end of a lease renewed now, by the clock of the server.
pub(crate) fn lease_end() -> SqlLiteral<sql_types::Nullable<sql_types::Timestamptz>> {
    sql(&format!("now() + interval '{LEASE_SECONDS} seconds'"))
}

/// Now, by the clock of the server.
pub(crate) fn server_now() -> SqlLiteral<sql_types::Nullable<sql_types::Timestamptz>> {
    sql("now()")
}
