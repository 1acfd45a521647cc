//! `tasks`: the work that is wanted, under way, or over, and who does it.
//!
//! A task is claimed with a lease, a random token. Whoever commits something shows it; a worker that slept through the
//! end of its lease, or whose task was cancelled, finds another token or none and can change nothing.
//!
//! `jobs` and `export_jobs` tell the same in the words of their contract. Whatever changes a task here changes its row
//! there, in the same transaction (`Lease::tell`). The row of the job is locked before that of its task.

use crate::archive::on_connection;
use crate::ids::{ExportId, JobId, LibraryId, MachineId, TaskId};
use crate::jobs::{Job, Status, WorkflowState};
use crate::schema::{export_jobs, jobs, tasks, transcripts};
use crate::transcripts::TranscriptStatus;
use crate::{Result, Store, StoreError};
use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::result::Error as QueryError;
use diesel::sql_types;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

/// How long a lease lasts without a sign of life.
const LEASE_SECONDS: i32 = 30;

/// A kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskKind {
    /// A recording becomes words, and its speakers are told apart.
    Transcribe,
    /// Only the speakers of a recording are told apart; its words stay.
    Diarize,
    /// A file is made of a meeting.
    Export,
}

impl TaskKind {
    const ALL: [Self; 3] = [Self::Transcribe, Self::Diarize, Self::Export];
    /// The kinds whose subject is a recording. A recording has one open task of these at most.
    pub const OF_RECORDINGS: [Self; 2] = [Self::Transcribe, Self::Diarize];

    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transcribe => "transcribe",
            Self::Diarize => "diarize",
            Self::Export => "export",
        }
    }

    fn words(kinds: &[Self]) -> Vec<&'static str> {
        kinds.iter().map(|kind| kind.as_str()).collect()
    }
}

/// How a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskState {
    /// It waits for a worker.
    Waiting,
    /// A worker is at it, or was when it ended.
    Running,
    /// It is done.
    Done,
    /// It failed with a sentence.
    Failed,
    /// It was stopped by a person.
    Cancelled,
}

impl TaskState {
    const ALL: [Self; 5] = [Self::Waiting, Self::Running, Self::Done, Self::Failed, Self::Cancelled];
    const OPEN: [&'static str; 2] = [Self::Waiting.as_str(), Self::Running.as_str()];

    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// The right to work on one task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The task.
    pub task: TaskId,
    /// What is to be done.
    pub kind: TaskKind,
    /// The recording that it is about.
    pub job: JobId,
    subject: Uuid,
    token: Uuid,
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
    /// How far it is: see [`Progress`].
    pub done: i64,
    /// What there is.
    pub total: Option<i64>,
    /// Seconds of work per second of audio.
    pub real_time_factor: Option<f64>,
    /// Milliseconds of work that are left, about.
    pub left_ms: Option<i64>,
    /// When this attempt began.
    pub started_at: Option<DateTime<Utc>>,
    /// Last sign of life.
    pub heartbeat_at: Option<DateTime<Utc>>,
    /// Why it failed.
    pub error_message: Option<String>,
}

impl Task {
    /// What is to be done; `None` for a kind that this version does not know.
    pub fn kind(&self) -> Option<TaskKind> {
        TaskKind::ALL.into_iter().find(|kind| kind.as_str() == self.kind_word)
    }

    /// How it stands.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] for a word that no version of ours writes.
    pub fn state(&self) -> Result<TaskState> {
        let state = TaskState::ALL.into_iter().find(|state| state.as_str() == self.state_word);
        state.ok_or_else(|| StoreError::Unknown(format!("state “{}” of task {}", self.state_word, self.id)))
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

    /// What is done with a recording now, or waits to be.
    pub async fn open_task(&self, job: JobId) -> Result<Option<Task>> {
        on_connection!(self, connection => async {
            open_of(job).select(Task::as_select()).first(connection).await.optional()
        })
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
    let kind = TaskKind::ALL.into_iter().find(|kind| kind.as_str() == open.kind);
    let kind = kind.ok_or_else(|| StoreError::Unknown(format!("kind “{}” of task {id}", open.kind)))?;
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
    let open: Option<TaskId> = open_of(job).select(tasks::id).first(c).await.optional()?;
    match open {
        Some(task) => close(c, task, TaskState::Cancelled, None).await,
        None => Ok(()),
    }
}

/// The task got further: if its worker ends in the middle now, that counts as the first time.
pub(crate) async fn got_further(c: &mut AsyncPgConnection, lease: Lease) -> diesel::QueryResult<()> {
    diesel::update(tasks::table.find(lease.task)).set(tasks::attempts.eq(1)).execute(c).await.map(|_| ())
}

/// The job of a lease, its row locked against cancel, delete and take-over until the transaction ends; `None` if the
/// lease is void. Every write of a worker begins with this.
pub(crate) async fn held_job(c: &mut AsyncPgConnection, lease: Lease) -> diesel::QueryResult<Option<Job>> {
    let job =
        jobs::table.find(lease.job).for_no_key_update().select(Job::as_select()).first(c).await.optional()?;
    let held: bool = diesel::select(diesel::dsl::exists(held(lease))).get_result(c).await?;
    Ok(job.filter(|_| held))
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
fn held(lease: Lease) -> _ {
    let task: TaskId = lease.task;
    let token: Uuid = lease.token;
    tasks::table.filter(tasks::id.eq(task)).filter(tasks::lease_token.eq(token))
}

#[diesel::dsl::auto_type]
fn open_of(job: JobId) -> _ {
    let kinds: Vec<&'static str> = TaskKind::words(&TaskKind::OF_RECORDINGS);
    let states: [&'static str; 2] = TaskState::OPEN;
    tasks::table
        .filter(tasks::job_id.eq(job))
        .filter(tasks::kind.eq_any(kinds))
        .filter(tasks::state.eq_any(states))
}

fn lease_end() -> SqlLiteral<sql_types::Nullable<sql_types::Timestamptz>> {
    sql(&format!("now() + interval '{LEASE_SECONDS} seconds'"))
}

fn server_now() -> SqlLiteral<sql_types::Nullable<sql_types::Timestamptz>> {
    sql("now()")
}
