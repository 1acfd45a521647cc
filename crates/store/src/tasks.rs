//! `tasks`: the work that is wanted, under way, or over, and who does it.
//!
//! `jobs` and `export_jobs` tell the same in the words of their contract. Whatever changes a task here changes its row
//! there, in the same transaction. The row of the job is locked before that of its task.

use crate::archive::{on_connection, written};
use crate::error::StoreError;
use crate::ids::{JobId, LibraryId, MachineId, TaskId};
use crate::jobs::{Choice, Job};
use crate::lease::{Lease, held_job, lease_end, server_now};
use crate::schema::{export_jobs, jobs, tasks, transcripts};
use crate::status::{Status, TaskKind, TaskState, TranscriptStatus, WorkflowState};
use crate::{Result, Store};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::Error as QueryError;
use diesel::sql_types;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

/// A claimed task.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The right to work on it.
    pub lease: Lease,
    /// Its recording as it is now.
    pub job: Job,
    /// What else whoever asked for it has said.
    pub parameters: serde_json::Value,
    /// How often its workers have ended in the middle since it last got further.
    pub take_overs: i32,
}

/// A row of `tasks` as it is shown.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = tasks, check_for_backend(diesel::pg::Pg))]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    #[diesel(column_name = kind)]
    kind_word: String,
    #[diesel(column_name = state)]
    state_word: String,
    /// The recording that it is about.
    pub job_id: JobId,
    /// Of those that wait, the greatest comes first …
    pub priority: i32,
    /// … and then whoever was asked for first.
    pub created_at: DateTime<Utc>,
    /// How far it is: see [`Progress`].
    pub done: i64,
    /// What there is.
    pub total: Option<i64>,
    /// Seconds of work per second of audio.
    pub real_time_factor: Option<f64>,
    /// Milliseconds of work that are left, about.
    pub left_ms: Option<i64>,
}

impl Task {
    /// What is to be done; `None` for a kind that this version does not know.
    pub fn kind(&self) -> Option<TaskKind> {
        TaskKind::from_word(&self.kind_word)
    }

    /// How it stands.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] for a word that no version of ours writes.
    pub fn state(&self) -> Result<TaskState> {
        TaskState::from_word(&self.state_word)
            .ok_or_else(|| StoreError::Unknown(format!("state “{}” of task {}", self.state_word, self.id)))
    }
}

/// Who claims, and what.
#[derive(Debug, Clone, Copy)]
pub struct Claimer<'a> {
    /// These kinds.
    pub kinds: &'a [TaskKind],
    /// Tasks of this library.
    pub library: LibraryId,
    /// The computer.
    pub machine: MachineId,
    /// Whether nobody else on this computer works on tasks of these kinds, because the caller holds its
    /// [`crate::WorkLock`]: whoever of this computer had one is gone, however long the lease.
    pub alone: bool,
    /// Only tasks of these recordings.
    pub only: Option<&'a [JobId]>,
}

/// The task to work on next. What somebody had begun comes before what is new.
const NEXT: &str = "
    SELECT id, job_id FROM tasks
    WHERE library_id = $1 AND kind = ANY($2) AND ($3 IS NULL OR job_id = ANY($3)) AND id <> ALL($6)
        AND (state = 'waiting' OR state = 'running' AND (leased_until < now() OR $5 AND machine_id = $4))
    ORDER BY state = 'running' DESC, priority DESC, created_at, id
    LIMIT 1 FOR UPDATE SKIP LOCKED";

#[derive(QueryableByName)]
struct Next {
    #[diesel(sql_type = sql_types::Uuid)]
    id: TaskId,
    #[diesel(sql_type = sql_types::Uuid)]
    job_id: JobId,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = tasks, check_for_backend(diesel::pg::Pg))]
struct Open {
    kind: String,
    subject: Uuid,
    parameters: serde_json::Value,
    state: String,
    attempts: i32,
}

impl Store {
    /// Claims the next task: the first that waits, or whose worker is gone.
    ///
    /// # Errors
    /// Where the archive cannot be reached.
    pub async fn claim(&self, claimer: Claimer<'_>) -> Result<Option<Claim>> {
        on_connection!(self, connection => connection.transaction::<_, StoreError, _>(async |c| {
            let mut passed: Vec<TaskId> = Vec::new();
            loop {
                let next: Option<Next> = diesel::sql_query(NEXT)
                    .bind::<sql_types::Uuid, _>(claimer.library)
                    .bind::<sql_types::Array<sql_types::Text>, _>(TaskKind::words(claimer.kinds))
                    .bind::<sql_types::Nullable<sql_types::Array<sql_types::Uuid>>, _>(claimer.only)
                    .bind::<sql_types::Uuid, _>(claimer.machine)
                    .bind::<sql_types::Bool, _>(claimer.alone)
                    .bind::<sql_types::Array<sql_types::Uuid>, _>(&passed)
                    .get_result(c)
                    .await
                    .optional()?;
                let Some(Next { id, job_id }) = next else { return Ok(None) };
                // Whoever holds the job may wait for its task, which is locked here: nobody is waited for.
                let free = jobs::table.find(job_id).for_no_key_update().skip_locked();
                match free.select(Job::as_select()).first(c).await.optional()? {
                    Some(job) => return begin(c, id, job, claimer.machine).await.map(Some),
                    None => passed.push(id),
                }
            }
        }))
    }

    /// Ends a task that cannot go on, with a sentence for the user. The version of a transcript that was being made keeps
    /// its windows, so that a retry resumes; a job that has a complete version returns to it. False if the lease is void.
    pub async fn fail(&self, lease: Lease, message: &str) -> Result<bool> {
        on_connection!(self, connection => connection.transaction::<_, QueryError, _>(async |c| {
            let Some(job) = held_job(c, lease).await? else { return Ok(false) };
            close(c, lease.task, TaskState::Failed, Some(message)).await?;
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
            let (status, state) = ended(&job, Status::Failed, job.workflow_state());
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

    /// Puts a failed or cancelled job back into the queue. `None` if it is neither, or there is none.
    pub async fn requeue(&self, id: JobId) -> Result<Option<Job>> {
        on_connection!(self, connection => async {
            let failed = jobs::table.find(id).filter(jobs::status.eq(Status::Failed.as_str()));
            let update = diesel::update(failed)
                .set((
                    jobs::status.eq(Status::Pending.as_str()),
                    jobs::workflow_state.eq(WorkflowState::Queued.as_str()),
                    jobs::error_message.eq(None::<String>),
                ))
                .returning(Job::as_returning());
            update.load(connection).await.map(written)
        })
    }

    /// Puts a job that has ended back into the queue, to be transcribed with `choice`. Its complete versions stay.
    /// `None` if it waits or runs, or there is none.
    pub async fn transcribe_again(&self, id: JobId, choice: &Choice) -> Result<Option<Job>> {
        on_connection!(self, connection => async {
            let at_rest = [Status::Completed.as_str(), Status::Failed.as_str()];
            let update = diesel::update(jobs::table.find(id).filter(jobs::status.eq_any(at_rest)))
                .set((
                    jobs::status.eq(Status::Pending.as_str()),
                    jobs::workflow_state.eq(WorkflowState::Queued.as_str()),
                    jobs::error_message.eq(None::<String>),
                    jobs::requested_model.eq(&choice.model),
                    jobs::requested_language.eq(&choice.language),
                    jobs::requested_translate.eq(choice.translate),
                    jobs::requested_vocabulary.eq(choice.vocabulary_lines()),
                    jobs::requested_speakers_min.eq(choice.speakers_min),
                    jobs::requested_speakers_max.eq(choice.speakers_max),
                ))
                .returning(Job::as_returning());
            update.load(connection).await.map(written)
        })
    }

    /// Stops a waiting or running job, wherever it runs: its lease is void from here on. A job that has a transcript
    /// goes back to it. `None` if there is nothing to stop.
    pub async fn cancel_job(&self, id: JobId) -> Result<Option<Job>> {
        on_connection!(self, connection => connection.transaction::<_, QueryError, _>(async |c| {
            let stoppable = jobs::table.find(id).filter(jobs::status.eq_any(Status::Failed.sources()));
            let job = stoppable.for_no_key_update().select(Job::as_select()).first(c).await.optional()?;
            let Some(job) = job else { return Ok(None) };
            let (status, state) = ended(&job, Status::Failed, Some(WorkflowState::Cancelled));
            cancel_open(c, id).await?;
            let cancelled = diesel::update(jobs::table.find(id))
                .set((
                    jobs::status.eq(status.as_str()),
                    jobs::workflow_state.eq(state.map(WorkflowState::as_str)),
                    jobs::error_message.eq(None::<String>),
                ))
                .returning(Job::as_returning())
                .get_result(c)
                .await?;
            Ok(Some(cancelled))
        }))
    }

    /// Notes the step of a recording that is begun. False if the lease is void.
    pub async fn enter_state(&self, lease: Lease, state: WorkflowState) -> Result<bool> {
        on_connection!(self, connection => connection.transaction::<_, QueryError, _>(async |c| {
            if held_job(c, lease).await?.is_none() {
                return Ok(false);
            }
            if state == WorkflowState::Diarizing {
                // This step goes through the recording once more. What the step before has told is not its progress.
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

    /// Writes down what decoding found out about the file. False if the lease is void.
    pub async fn note_media(&self, lease: Lease, duration_ms: i64, note: Option<&str>) -> Result<bool> {
        on_connection!(self, connection => connection.transaction::<_, QueryError, _>(async |c| {
            if held_job(c, lease).await?.is_none() {
                return Ok(false);
            }
            diesel::update(jobs::table.find(lease.job))
                .set((jobs::duration_ms.eq(duration_ms), jobs::media_note.eq(note)))
                .execute(c)
                .await?;
            Ok(true)
        }))
    }

    /// Has the waiting task of a recording done before all others that wait. False if it does not wait, or is the next
    /// already.
    pub async fn bring_forward(&self, job: JobId) -> Result<bool> {
        on_connection!(self, connection => async {
            let moved = diesel::sql_query(
                "UPDATE tasks SET priority = others.greatest + 1
                FROM (SELECT max(o.priority) AS greatest FROM tasks o
                    WHERE o.state = 'waiting' AND o.job_id <> $1 AND o.kind = ANY($2)) others
                WHERE job_id = $1 AND kind = ANY($2) AND state = 'waiting' AND priority <= others.greatest",
            )
            .bind::<sql_types::Uuid, _>(job)
            .bind::<sql_types::Array<sql_types::Text>, _>(TaskKind::words(&TaskKind::OF_RECORDINGS))
            .execute(connection)
            .await?;
            Ok::<_, QueryError>(moved > 0)
        })
    }

    /// Whether tasks of these kinds wait or run in this library.
    pub async fn has_open_tasks(&self, kinds: &[TaskKind], library: LibraryId) -> Result<bool> {
        on_connection!(self, connection => async {
            let open = tasks::table
                .filter(tasks::library_id.eq(library))
                .filter(tasks::kind.eq_any(TaskKind::words(kinds)))
                .filter(tasks::state.eq_any(TaskState::OPEN));
            diesel::select(diesel::dsl::exists(open)).get_result(connection).await
        })
    }

    /// The tasks of these recordings that wait or run, in no order.
    pub async fn open_tasks(&self, jobs: &[JobId]) -> Result<Vec<Task>> {
        on_connection!(self, connection => open_of(jobs).select(Task::as_select()).load(connection))
    }
}

/// Gives an open task of a locked job to the caller, a process of `machine`.
pub(crate) async fn begin(
    c: &mut AsyncPgConnection,
    id: TaskId,
    job: Job,
    machine: MachineId,
) -> Result<Claim> {
    let open: Open = tasks::table.find(id).select(Open::as_select()).first(c).await?;
    let kind = TaskKind::from_word(&open.kind)
        .ok_or_else(|| StoreError::Unknown(format!("kind “{}” of task {id}", open.kind)))?;
    let taken_over = open.state == TaskState::Running.as_str();
    let token = Uuid::new_v4();
    diesel::update(tasks::table.find(id))
        .set((
            tasks::state.eq(TaskState::Running.as_str()),
            tasks::lease_token.eq(token),
            tasks::leased_until.eq(lease_end()),
            tasks::machine_id.eq(machine),
            tasks::attempts.eq(open.attempts.saturating_add(1)),
            tasks::done.eq(0_i64),
            tasks::real_time_factor.eq(None::<f64>),
            tasks::left_ms.eq(None::<i64>),
            tasks::started_at.eq(server_now()),
            tasks::heartbeat_at.eq(server_now()),
            tasks::error_message.eq(None::<String>),
        ))
        .execute(c)
        .await?;
    let lease = Lease { task: id, kind, job: job.id, subject: open.subject, token };
    let job = match kind {
        TaskKind::Export => {
            diesel::update(export_jobs::table.find(open.subject))
                .set((export_jobs::status.eq(Status::Processing.as_str()), export_jobs::progress.eq(0)))
                .execute(c)
                .await?;
            job
        }
        TaskKind::Transcribe | TaskKind::Diarize => {
            // A recording that was interrupted keeps the step it had reached.
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
    Ok(Claim { lease, job, parameters: open.parameters, take_overs: open.attempts })
}

/// Asks for a task of a locked job. One of the same kind and subject that is over is wanted anew.
pub(crate) async fn ask(
    c: &mut AsyncPgConnection,
    kind: TaskKind,
    subject: Uuid,
    job: JobId,
    library: Option<LibraryId>,
    parameters: &serde_json::Value,
) -> diesel::QueryResult<TaskId> {
    let anew = (
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
            anew.clone(),
        ))
        .on_conflict((tasks::kind, tasks::subject))
        .do_update()
        .set(anew)
        .returning(tasks::id)
        .get_result(c)
        .await
}

/// Ends a task whose job is locked; its lease is void from here on.
pub(crate) async fn close(
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

/// Ends the open task of a locked recording.
pub(crate) async fn cancel_open(c: &mut AsyncPgConnection, job: JobId) -> diesel::QueryResult<()> {
    let open: Option<TaskId> = open_of(&[job]).select(tasks::id).first(c).await.optional()?;
    match open {
        Some(task) => close(c, task, TaskState::Cancelled, None).await,
        None => Ok(()),
    }
}

/// The task got further: if its worker ends in the middle now, that counts as the first time.
pub(crate) async fn got_further(c: &mut AsyncPgConnection, lease: Lease) -> diesel::QueryResult<()> {
    diesel::update(tasks::table.find(lease.task)).set(tasks::attempts.eq(1)).execute(c).await.map(|_| ())
}

/// Status and state of a job whose work ends without a new transcript: one that has a transcript goes back to it.
pub(crate) fn ended(
    job: &Job,
    status: Status,
    state: Option<WorkflowState>,
) -> (Status, Option<WorkflowState>) {
    match job.current_transcript_id {
        Some(_) => (Status::Completed, Some(WorkflowState::Done)),
        None => (status, state),
    }
}

#[diesel::dsl::auto_type]
fn open_of(jobs: &[JobId]) -> _ {
    let jobs: Vec<JobId> = jobs.to_vec();
    let kinds: Vec<&'static str> = TaskKind::words(&TaskKind::OF_RECORDINGS);
    let states: [&'static str; 2] = TaskState::OPEN;
    tasks::table
        .filter(tasks::job_id.eq_any(jobs))
        .filter(tasks::kind.eq_any(kinds))
        .filter(tasks::state.eq_any(states))
}
