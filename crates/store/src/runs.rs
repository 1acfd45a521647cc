//! `job_runs`: who works on a job, until when that is believed, and how far it is. Also the claim that starts it.
//!
//! A lease is a random token. Whoever commits something shows it; a worker that slept through the end of its lease, or
//! whose job was cancelled, finds another token or none and can change nothing.

use crate::archive::on_connection;
use crate::ids::{JobId, LibraryId, MachineId};
use crate::jobs::{Job, Status, WorkflowState};
use crate::schema::{job_runs, jobs, transcripts};
use crate::transcripts::TranscriptStatus;
use crate::{Result, Store};
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

/// The right to work on one job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The job.
    pub job: JobId,
    token: Uuid,
}

/// A claimed job.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The job as it is now.
    pub job: Job,
    /// The right to work on it.
    pub lease: Lease,
    /// How often its workers have ended in the middle since the last committed window.
    pub take_overs: i32,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Progress {
    /// Milliseconds of audio that are done.
    pub audio_done_ms: i64,
    /// Milliseconds there are, as far as is known.
    pub audio_total_ms: Option<i64>,
    /// Seconds of work per second of audio in this run.
    pub real_time_factor: Option<f64>,
    /// Milliseconds of work that are left, about.
    pub left_ms: Option<i64>,
}

/// A row of `job_runs` as it is shown.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = job_runs, check_for_backend(diesel::pg::Pg))]
pub struct Run {
    /// The job.
    pub job_id: JobId,
    /// Milliseconds of audio that are done.
    pub audio_done_ms: i64,
    /// Milliseconds there are.
    pub audio_total_ms: Option<i64>,
    /// Seconds of work per second of audio.
    pub real_time_factor: Option<f64>,
    /// When this run began.
    pub started_at: DateTime<Utc>,
    /// Last sign of life.
    pub heartbeat_at: DateTime<Utc>,
    /// Milliseconds of work that are left, about.
    pub left_ms: Option<i64>,
}

/// The job to work on next. What somebody had begun comes before what is new.
const NEXT_JOB: &str = "
    SELECT id FROM jobs
    WHERE library_id = $1 AND status = ANY($2) AND ($3 IS NULL OR id = ANY($3))
        AND (status <> 'processing' OR NOT EXISTS (
            SELECT FROM job_runs
            WHERE job_id = jobs.id AND leased_until >= now() AND machine_id <> $4))
    ORDER BY status = 'processing' DESC, created_at, id
    LIMIT 1 FOR UPDATE SKIP LOCKED";

#[derive(QueryableByName)]
struct Next {
    #[diesel(sql_type = sql_types::Uuid)]
    id: JobId,
}

impl Store {
    /// Claims the oldest job of `library` that waits, or whose worker is gone: its lease has ended, or it ran on this
    /// computer, which has one worker at a time, and the caller is it (it holds the computer's [`crate::WorkLock`]).
    /// With `only`, no other job is looked at.
    pub async fn claim_job(
        &self,
        library: LibraryId,
        machine: MachineId,
        only: Option<&[JobId]>,
    ) -> Result<Option<Claim>> {
        on_connection!(self, connection => connection.transaction::<_, QueryError, _>(async |c| {
            let (id, before, taken_over) = loop {
                let next: Option<Next> = diesel::sql_query(NEXT_JOB)
                    .bind::<sql_types::Uuid, _>(library)
                    .bind::<sql_types::Array<sql_types::Text>, _>(Status::Processing.sources())
                    .bind::<sql_types::Nullable<sql_types::Array<sql_types::Uuid>>, _>(only)
                    .bind::<sql_types::Uuid, _>(machine)
                    .get_result(c)
                    .await
                    .optional()?;
                let Some(Next { id }) = next else { return Ok(None) };
                let before: Job = jobs::table.find(id).select(Job::as_select()).first(c).await?;
                let taken_over = before.status().is_ok_and(|status| status == Status::Processing);
                // A job that another computer claimed while that statement was looking: PostgreSQL gives the locked row
                // as it is now, but its run as it was when the statement began. The next turn sees both.
                if !taken_over || !leased_elsewhere(c, id, machine).await? {
                    break (id, before, taken_over);
                }
            };
            // A job that was interrupted keeps the step it had reached.
            let state = match before.workflow_state() {
                Some(state) if taken_over => state,
                _ => WorkflowState::Decoding,
            };
            let job = diesel::update(jobs::table.find(id))
                .set((
                    jobs::status.eq(Status::Processing.as_str()),
                    jobs::workflow_state.eq(state.as_str()),
                    jobs::error_message.eq(None::<String>),
                ))
                .returning(Job::as_returning())
                .get_result(c)
                .await?;
            let token = Uuid::new_v4();
            let fresh = || (
                job_runs::lease_token.eq(token),
                job_runs::leased_until.eq(lease_end()),
                job_runs::machine_id.eq(machine),
                job_runs::audio_done_ms.eq(0),
                job_runs::real_time_factor.eq(None::<f64>),
                job_runs::left_ms.eq(None::<i64>),
                job_runs::started_at.eq(server_now()),
                job_runs::heartbeat_at.eq(server_now()),
            );
            let take_overs: i32 = diesel::insert_into(job_runs::table)
                .values((job_runs::job_id.eq(id), fresh(), job_runs::take_overs.eq(i32::from(taken_over))))
                .on_conflict(job_runs::job_id)
                .do_update()
                .set((fresh(), job_runs::take_overs.eq(job_runs::take_overs + i32::from(taken_over))))
                .returning(job_runs::take_overs)
                .get_result(c)
                .await?;
            Ok(Some(Claim { job, lease: Lease { job: id, token }, take_overs }))
        }))
    }

    /// Shows that the worker lives and how far it is. False if the lease is void: cancelled, deleted or taken over.
    pub async fn renew_lease(&self, lease: Lease, progress: Progress) -> Result<bool> {
        on_connection!(self, connection => async {
            let renewed = diesel::update(held(lease))
                .set((
                    job_runs::leased_until.eq(lease_end()),
                    job_runs::heartbeat_at.eq(server_now()),
                    job_runs::audio_done_ms.eq(progress.audio_done_ms),
                    job_runs::audio_total_ms.eq(progress.audio_total_ms),
                    job_runs::real_time_factor.eq(progress.real_time_factor),
                    job_runs::left_ms.eq(progress.left_ms),
                ))
                .execute(connection)
                .await?;
            Ok::<_, QueryError>(renewed == 1)
        })
    }

    /// Gives a job back in the middle, for whoever claims it next; the work done so far stays.
    pub async fn release_lease(&self, lease: Lease) -> Result<()> {
        on_connection!(self, connection => async {
            diesel::update(held(lease))
                .set((job_runs::leased_until.eq(sql::<sql_types::Timestamptz>("now() - interval '1 second'")), job_runs::take_overs.eq(0)))
                .execute(connection)
                .await
                .map(|_| ())
        })
    }

    /// Notes the step begun. False if the lease is void.
    pub async fn enter_state(&self, lease: Lease, state: WorkflowState) -> Result<bool> {
        on_connection!(self, connection => connection.transaction::<_, QueryError, _>(async |c| {
            if held_job(c, lease).await?.is_none() {
                return Ok(false);
            }
            diesel::update(jobs::table.find(lease.job))
                .set(jobs::workflow_state.eq(state.as_str()))
                .execute(c)
                .await?;
            if state == WorkflowState::Diarizing {
                // This step goes through the recording once more. What the step before has told is not its progress.
                diesel::update(job_runs::table.find(lease.job))
                    .set((job_runs::audio_done_ms.eq(0_i64), job_runs::left_ms.eq(None::<i64>)))
                    .execute(c)
                    .await?;
            }
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

    /// Ends a run that cannot go on, with a sentence for the user. The version that was being made keeps its windows,
    /// so that a retry resumes; a job that has a complete version returns to it. False if the lease is void.
    pub async fn fail_job(&self, lease: Lease, message: &str) -> Result<bool> {
        on_connection!(self, connection => connection.transaction::<_, QueryError, _>(async |c| {
            let Some(job) = held_job(c, lease).await? else { return Ok(false) };
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
                    jobs::speakers_only.eq(false),
                ))
                .execute(c)
                .await?;
            diesel::delete(job_runs::table.find(lease.job)).execute(c).await?;
            Ok(true)
        }))
    }

    /// The run of a job, while there is one.
    pub async fn run(&self, job: JobId) -> Result<Option<Run>> {
        on_connection!(self, connection => async {
            job_runs::table.find(job).select(Run::as_select()).first(connection).await.optional()
        })
    }
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

/// Whether a worker of another computer holds this job.
async fn leased_elsewhere(
    c: &mut AsyncPgConnection,
    id: JobId,
    machine: MachineId,
) -> diesel::QueryResult<bool> {
    let leased = job_runs::table
        .find(id)
        .filter(job_runs::leased_until.ge(server_now()))
        .filter(job_runs::machine_id.ne(machine));
    diesel::select(diesel::dsl::exists(leased)).get_result(c).await
}

#[diesel::dsl::auto_type]
fn held(lease: Lease) -> _ {
    let job: JobId = lease.job;
    let token: Uuid = lease.token;
    job_runs::table.filter(job_runs::job_id.eq(job)).filter(job_runs::lease_token.eq(token))
}

fn lease_end() -> SqlLiteral<sql_types::Timestamptz> {
    sql(&format!("now() + interval '{LEASE_SECONDS} seconds'"))
}

fn server_now() -> SqlLiteral<sql_types::Timestamptz> {
    sql("now()")
}
