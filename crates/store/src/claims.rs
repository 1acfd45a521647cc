//! Gives waiting tasks to workers.
//!
//! A claim writes a random token into the task (see `lease`). A running task can be claimed again, too: when its lease
//! has expired, or at once if it ran on the caller's computer and the caller is that computer's only worker. The number
//! of such takeovers since the last progress is returned, so that a recording that crashes its worker is not tried for
//! ever.

use crate::error::StoreError;
use crate::ids::{JobId, LibraryId, MachineId, TaskId};
use crate::jobs::Job;
use crate::lease::{Lease, lease_end, server_now};
use crate::query::on_connection;
use crate::schema::{export_jobs, jobs, tasks};
use crate::status::{Status, TaskKind, TaskState, WorkflowState};
use crate::{Result, Store};
use diesel::prelude::*;
use diesel::sql_types;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

/// A claimed task.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The right to work on it.
    pub lease: Lease,
    /// The recording it is about.
    pub job: Job,
    /// Parameters of the task; their form depends on its kind.
    pub parameters: serde_json::Value,
    /// How many workers have died during this task since it last made progress.
    pub takeovers: i32,
}

/// Which tasks to claim, and for whom.
#[derive(Debug, Clone, Copy)]
pub struct ClaimRequest<'a> {
    /// Only tasks of these kinds.
    pub kinds: &'a [TaskKind],
    /// Only tasks of this library.
    pub library: LibraryId,
    /// The computer of the worker.
    pub machine: MachineId,
    /// Whether the caller is the only process on this computer that works on these kinds, because it holds the
    /// [`crate::WorkerLock`]. A running task of this computer was then left by a dead worker and is claimed before its
    /// lease expires.
    pub alone: bool,
    /// Only tasks of these recordings, if given.
    pub only: Option<&'a [JobId]>,
}

/// The next task. Interrupted tasks come before waiting ones.
const NEXT_TASK: &str = "
    SELECT id, job_id FROM tasks
    WHERE library_id = $1 AND kind = ANY($2) AND ($3 IS NULL OR job_id = ANY($3)) AND id <> ALL($6)
        AND (state = 'waiting' OR state = 'running' AND (leased_until < now() OR $5 AND machine_id = $4))
    ORDER BY state = 'running' DESC, priority DESC, created_at, id
    LIMIT 1 FOR UPDATE SKIP LOCKED";

#[derive(QueryableByName)]
struct NextTask {
    #[diesel(sql_type = sql_types::Uuid)]
    id: TaskId,
    #[diesel(sql_type = sql_types::Uuid)]
    job_id: JobId,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = tasks, check_for_backend(diesel::pg::Pg))]
struct TaskRow {
    kind: String,
    subject: Uuid,
    parameters: serde_json::Value,
    state: String,
    attempts: i32,
}

impl Store {
    /// Claims the next task that waits or whose worker is gone. `None` if there is none.
    ///
    /// # Errors
    /// If the archive cannot be reached.
    pub async fn claim(&self, request: ClaimRequest<'_>) -> Result<Option<Claim>> {
        on_connection!(self, connection => connection.transaction::<_, StoreError, _>(async |c| {
            let mut skipped: Vec<TaskId> = Vec::new();
            loop {
                let next: Option<NextTask> = diesel::sql_query(NEXT_TASK)
                    .bind::<sql_types::Uuid, _>(request.library)
                    .bind::<sql_types::Array<sql_types::Text>, _>(TaskKind::names(request.kinds))
                    .bind::<sql_types::Nullable<sql_types::Array<sql_types::Uuid>>, _>(request.only)
                    .bind::<sql_types::Uuid, _>(request.machine)
                    .bind::<sql_types::Bool, _>(request.alone)
                    .bind::<sql_types::Array<sql_types::Uuid>, _>(&skipped)
                    .get_result(c)
                    .await
                    .optional()?;
                let Some(NextTask { id, job_id }) = next else { return Ok(None) };
                // The lock order is job before task, and here the task is locked already: waiting for the job could
                // deadlock, so a locked job is skipped.
                let unlocked = jobs::table.find(job_id).for_no_key_update().skip_locked();
                match unlocked.select(Job::as_select()).first(c).await.optional()? {
                    Some(job) => return start_task(c, id, job, request.machine).await.map(Some),
                    None => skipped.push(id),
                }
            }
        }))
    }
}

/// Gives an open task of a locked job to the caller, a process on `machine`, with a new lease.
pub(crate) async fn start_task(
    c: &mut AsyncPgConnection,
    id: TaskId,
    job: Job,
    machine: MachineId,
) -> Result<Claim> {
    let task: TaskRow = tasks::table.find(id).select(TaskRow::as_select()).first(c).await?;
    let kind = TaskKind::parse(&task.kind)
        .ok_or_else(|| StoreError::Unknown(format!("kind “{}” of task {id}", task.kind)))?;
    let taken_over = task.state == TaskState::Running.as_str();
    let token = Uuid::new_v4();
    diesel::update(tasks::table.find(id))
        .set((
            tasks::state.eq(TaskState::Running.as_str()),
            tasks::lease_token.eq(token),
            tasks::leased_until.eq(lease_end()),
            tasks::machine_id.eq(machine),
            tasks::attempts.eq(task.attempts.saturating_add(1)),
            tasks::done.eq(0_i64),
            tasks::real_time_factor.eq(None::<f64>),
            tasks::left_ms.eq(None::<i64>),
            tasks::started_at.eq(server_now()),
            tasks::heartbeat_at.eq(server_now()),
            tasks::error_message.eq(None::<String>),
        ))
        .execute(c)
        .await?;
    let lease = Lease { task: id, kind, job: job.id, subject: task.subject, token };
    let job = match kind {
        TaskKind::Export => {
            diesel::update(export_jobs::table.find(task.subject))
                .set((export_jobs::status.eq(Status::Processing.as_str()), export_jobs::progress.eq(0)))
                .execute(c)
                .await?;
            job
        }
        TaskKind::Transcribe | TaskKind::Diarize => {
            // An interrupted recording keeps the step it had reached.
            let state = match job.workflow_state() {
                Some(state) if taken_over => state,
                _ => WorkflowState::Decoding,
            };
            diesel::update(jobs::table.find(job.id))
                .set((
                    jobs::status.eq(Status::Processing.as_str()),
                    jobs::workflow_state.eq(state.as_str()),
                    jobs::error_message.eq(None::<String>),
                ))
                .returning(Job::as_returning())
                .get_result(c)
                .await?
        }
    };
    Ok(Claim { lease, job, parameters: task.parameters, takeovers: task.attempts })
}
