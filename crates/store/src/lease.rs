//! The right to work on a task: a random token in its row, valid for as long as its holder shows that it lives.
//!
//! Whoever commits something shows it; a worker that slept through the end of its lease, or whose task was cancelled,
//! finds another token or none and can change nothing.

use crate::archive::on_connection;
use crate::error::StoreError;
use crate::ids::{ExportId, JobId, TaskId};
use crate::jobs::Job;
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

/// How long a lease lasts without a sign of life.
const LEASE_SECONDS: i32 = 30;

/// The right to work on one task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The task.
    pub task: TaskId,
    /// What is to be done.
    pub kind: TaskKind,
    /// The recording that it is about.
    pub job: JobId,
    pub(crate) subject: Uuid,
    pub(crate) token: Uuid,
}

impl Lease {
    /// The export that is to be made.
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

/// How far a task is. The unit is that of its kind: milliseconds of audio, for an export percent.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Progress {
    /// What is done.
    pub done: i64,
    /// What there is, as far as is known.
    pub total: Option<i64>,
    /// Seconds of work per second of audio in this attempt.
    pub real_time_factor: Option<f64>,
    /// Milliseconds of work that are left, about.
    pub left_ms: Option<i64>,
}

impl Store {
    /// Shows that the worker lives and how far it is. False if the lease is void: the task was cancelled, deleted or
    /// taken over.
    pub async fn renew(&self, lease: Lease, progress: Progress) -> Result<bool> {
        on_connection!(self, connection => connection.transaction::<_, QueryError, _>(async |c| {
            if lease.kind == TaskKind::Export {
                if held_job(c, lease).await?.is_none() {
                    return Ok(false);
                }
                let percent = i32::try_from(progress.done.clamp(0, 100)).unwrap_or(100);
                let shown = export_jobs::progress.is_distinct_from(percent);
                diesel::update(export_jobs::table.find(lease.subject).filter(shown))
                    .set(export_jobs::progress.eq(percent))
                    .execute(c)
                    .await?;
            }
            let renewed = diesel::update(held(lease))
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

    /// Gives a task back in the middle, for whoever claims it next; what was done so far stays.
    pub async fn release(&self, lease: Lease) -> Result<()> {
        on_connection!(self, connection => async {
            let past = sql::<sql_types::Nullable<sql_types::Timestamptz>>("now() - interval '1 second'");
            diesel::update(held(lease))
                .set((tasks::leased_until.eq(past), tasks::attempts.eq(0)))
                .execute(connection)
                .await
                .map(|_| ())
        })
    }
}

/// A job, its row locked against cancel, delete and take-over until the transaction ends.
pub(crate) async fn locked_job(c: &mut AsyncPgConnection, id: JobId) -> diesel::QueryResult<Option<Job>> {
    jobs::table.find(id).for_no_key_update().select(Job::as_select()).first(c).await.optional()
}

/// The job of a lease, its row locked against cancel, delete and take-over until the transaction ends; `None` if the
/// lease is void. Every write of a worker begins with this.
pub(crate) async fn held_job(c: &mut AsyncPgConnection, lease: Lease) -> diesel::QueryResult<Option<Job>> {
    let job = locked_job(c, lease.job).await?;
    let held: bool = diesel::select(diesel::dsl::exists(held(lease))).get_result(c).await?;
    Ok(job.filter(|_| held))
}

#[diesel::dsl::auto_type]
pub(crate) fn held(lease: Lease) -> _ {
    let task: TaskId = lease.task;
    let token: Uuid = lease.token;
    tasks::table.filter(tasks::id.eq(task)).filter(tasks::lease_token.eq(token))
}

pub(crate) fn lease_end() -> SqlLiteral<sql_types::Nullable<sql_types::Timestamptz>> {
    sql(&format!("now() + interval '{LEASE_SECONDS} seconds'"))
}

pub(crate) fn server_now() -> SqlLiteral<sql_types::Nullable<sql_types::Timestamptz>> {
    sql("now()")
}
