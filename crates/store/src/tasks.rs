//! `tasks`: the work that is wanted, running or over.
//!
//! Every transcription, diarization and export that a user asks for is a row: its kind, its subject (the id of the
//! recording or the export), parameters, state, priority, lease, progress and error. Imports and model downloads are
//! not: they belong to files of one computer and may run while the archive is closed.
//!
//! `jobs` and `export_jobs` hold the same state in the words of the published contract. Whatever changes a task here
//! changes its row there in the same transaction. Lock order: the row of the job first, then the task.

use crate::error::StoreError;
use crate::ids::{JobId, LibraryId, MachineId, TaskId};
use crate::jobs::Job;
use crate::lease::{Lease, lock_leased_job};
use crate::query::on_connection;
use crate::schema::{export_jobs, jobs, tasks, transcripts};
use crate::status::{Status, TaskKind, TaskState, TranscriptStatus, WorkflowState};
use crate::{Result, Store};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::Error as QueryError;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

/// A row of `tasks`, without its lease.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = tasks, check_for_backend(diesel::pg::Pg))]
pub struct Task {
    /// The id.
    pub id: TaskId,
    #[diesel(column_name = kind)]
    kind_text: String,
    #[diesel(column_name = state)]
    state_text: String,
    /// The recording it is about.
    pub job_id: JobId,
    /// Waiting tasks are done in descending order of priority …
    pub priority: i32,
    /// … and among equals, the oldest first.
    pub created_at: DateTime<Utc>,
    /// Work done so far; unit as in [`crate::TaskProgress`].
    pub done: i64,
    /// All work there is; `None` if unknown.
    pub total: Option<i64>,
    /// Seconds of work per second of audio.
    pub real_time_factor: Option<f64>,
    /// Estimated milliseconds of work left.
    pub left_ms: Option<i64>,
}

impl Task {
    /// The kind of work; `None` for a kind that this version does not know.
    pub fn kind(&self) -> Option<TaskKind> {
        TaskKind::parse(&self.kind_text)
    }

    /// The state.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] for a value that this version does not know.
    pub fn state(&self) -> Result<TaskState> {
        TaskState::parse(&self.state_text)
            .ok_or_else(|| StoreError::Unknown(format!("state “{}” of task {}", self.state_text, self.id)))
    }
}

impl Store {
    /// Ends a task as failed, with a sentence for the user. An unfinished version of the transcript keeps its windows,
    /// so that a retry resumes it; a job that has a complete version becomes completed again. False if the lease is
    /// void.
    pub async fn fail(&self, lease: Lease, message: &str) -> Result<bool> {
        on_connection!(self, connection => connection.transaction::<_, QueryError, _>(async |c| {
            let Some(job) = lock_leased_job(c, lease).await? else { return Ok(false) };
            end_task(c, lease.task, TaskState::Failed, Some(message)).await?;
            if lease.kind == TaskKind::Export {
                diesel::update(export_jobs::table.find(lease.subject))
                    .set((
                        export_jobs::status.eq(Status::Failed.as_str()),
                        export_jobs::error_message.eq(message),
                    ))
                    .execute(c)
                    .await?;
                return Ok(true);
            }
            diesel::update(
                transcripts::table
                    .filter(transcripts::job_id.eq(lease.job))
                    .filter(transcripts::status.eq(TranscriptStatus::Running.as_str())),
            )
            .set((transcripts::status.eq(TranscriptStatus::Failed.as_str()), transcripts::error_message.eq(message)))
            .execute(c)
            .await?;
            let (status, state) = status_without_new_transcript(&job, Status::Failed, job.workflow_state());
            diesel::update(jobs::table.find(lease.job))
                .set((
                    jobs::status.eq(status.as_str()),
                    jobs::workflow_state.eq(state.map(WorkflowState::as_str)),
                    jobs::error_message.eq(Some(message).filter(|_| status == Status::Failed)),
                ))
                .execute(c)
                .await?;
            Ok(true)
        }))
    }

    /// Stores the step that the work on a recording has reached. False if the lease is void.
    pub async fn set_workflow_state(&self, lease: Lease, state: WorkflowState) -> Result<bool> {
        on_connection!(self, connection => connection.transaction::<_, QueryError, _>(async |c| {
            if lock_leased_job(c, lease).await?.is_none() {
                return Ok(false);
            }
            if state == WorkflowState::Diarizing {
                // Diarization reads the recording once more; the progress of transcription does not count for it.
                diesel::update(tasks::table.find(lease.task))
                    .set((tasks::done.eq(0_i64), tasks::left_ms.eq(None::<i64>)))
                    .execute(c)
                    .await?;
            }
            diesel::update(jobs::table.find(lease.job))
                .set(jobs::workflow_state.eq(state.as_str()))
                .execute(c)
                .await?;
            Ok(true)
        }))
    }

    /// Stores what decoding found out: the length of the audio, and a note about its damage, if any. False if the lease
    /// is void.
    pub async fn record_media_facts(
        &self,
        lease: Lease,
        duration_ms: i64,
        note: Option<&str>,
    ) -> Result<bool> {
        on_connection!(self, connection => connection.transaction::<_, QueryError, _>(async |c| {
            if lock_leased_job(c, lease).await?.is_none() {
                return Ok(false);
            }
            diesel::update(jobs::table.find(lease.job))
                .set((jobs::duration_ms.eq(duration_ms), jobs::media_note.eq(note)))
                .execute(c)
                .await?;
            Ok(true)
        }))
    }
}

/// Puts a task of a locked job into the queue. A task of the same kind and subject that is over is reset and reused.
pub(crate) async fn enqueue_task(
    c: &mut AsyncPgConnection,
    kind: TaskKind,
    subject: Uuid,
    job: JobId,
    library: Option<LibraryId>,
    parameters: &serde_json::Value,
) -> diesel::QueryResult<TaskId> {
    let initial = (
        tasks::state.eq(TaskState::Waiting.as_str()),
        tasks::parameters.eq(parameters),
        tasks::priority.eq(0),
        tasks::attempts.eq(0),
        tasks::done.eq(0_i64),
        tasks::total.eq(None::<i64>),
        tasks::error_message.eq(None::<String>),
        tasks::created_at.eq(diesel::dsl::now),
    );
    diesel::insert_into(tasks::table)
        .values((
            tasks::kind.eq(kind.as_str()),
            tasks::subject.eq(subject),
            tasks::job_id.eq(job),
            tasks::library_id.eq(library),
            initial.clone(),
        ))
        .on_conflict((tasks::kind, tasks::subject))
        .do_update()
        .set(initial)
        .returning(tasks::id)
        .get_result(c)
        .await
}

/// Ends a task whose job is locked. Its lease becomes void.
pub(crate) async fn end_task(
    c: &mut AsyncPgConnection,
    task: TaskId,
    state: TaskState,
    message: Option<&str>,
) -> diesel::QueryResult<()> {
    diesel::update(tasks::table.find(task))
        .set((
            tasks::state.eq(state.as_str()),
            tasks::lease_token.eq(None::<Uuid>),
            tasks::leased_until.eq(None::<DateTime<Utc>>),
            tasks::machine_id.eq(None::<MachineId>),
            tasks::error_message.eq(message),
        ))
        .execute(c)
        .await
        .map(|_| ())
}

/// Cancels the open task of a locked recording.
pub(crate) async fn cancel_open_task(c: &mut AsyncPgConnection, job: JobId) -> diesel::QueryResult<()> {
    let open: Option<TaskId> = open_of(&[job]).select(tasks::id).first(c).await.optional()?;
    match open {
        Some(task) => end_task(c, task, TaskState::Cancelled, None).await,
        None => Ok(()),
    }
}

/// Resets the count of attempts after progress: if the worker dies now, that counts as the first failed attempt.
pub(crate) async fn reset_attempts(c: &mut AsyncPgConnection, lease: Lease) -> diesel::QueryResult<()> {
    diesel::update(tasks::table.find(lease.task)).set(tasks::attempts.eq(1)).execute(c).await.map(|_| ())
}

/// Status and workflow state of a job whose work ends without a new transcript: completed if it has a complete
/// transcript, else the given ones.
pub(crate) fn status_without_new_transcript(
    job: &Job,
    status: Status,
    state: Option<WorkflowState>,
) -> (Status, Option<WorkflowState>) {
    match job.current_transcript_id {
        Some(_) => (Status::Completed, Some(WorkflowState::Done)),
        None => (status, state),
    }
}

/// The waiting and running tasks of these recordings.
#[diesel::dsl::auto_type]
pub(crate) fn open_of(jobs: &[JobId]) -> _ {
    let jobs: Vec<JobId> = jobs.to_vec();
    let kinds: Vec<&'static str> = TaskKind::names(&TaskKind::OF_RECORDINGS);
    let states: [&'static str; 2] = TaskState::OPEN;
    tasks::table
        .filter(tasks::job_id.eq_any(jobs))
        .filter(tasks::kind.eq_any(kinds))
        .filter(tasks::state.eq_any(states))
}
