//! `transcripts`: the versions of a meeting's text.

use crate::archive::{next_number, on_connection};
use crate::error::StoreError;
use crate::ids::{JobId, MachineId, SpeakerId, TranscriptId};
use crate::lease::{Lease, held_job};
use crate::schema::{jobs, segments, transcript_windows, transcripts};
use crate::segments::insert_lines;
use crate::settle::{cut_by_speaker, settle_version};
use crate::status::{Status, TaskState, TranscriptStatus, WorkflowState};
use crate::tasks::{close, got_further};
use crate::windows::{Window, index_of, windows_of};
use crate::{Result, Store};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::Error as QueryError;
use diesel::sql_types;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use transcript::{Line, Segment};

/// A row of `transcripts`.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = transcripts, check_for_backend(diesel::pg::Pg))]
pub struct Transcript {
    /// Its id.
    pub id: TranscriptId,
    /// The recording.
    pub job_id: JobId,
    /// 1 for the first.
    pub version: i32,
    #[diesel(column_name = status)]
    status_word: String,
    /// Why it stopped.
    pub error_message: Option<String>,
    /// Name of the engine.
    pub engine: String,
    /// Name of the speech model.
    pub model: String,
    /// SHA-256 of the model's file where there is a single one.
    pub model_sha256: Option<String>,
    /// Spoken language, BCP 47.
    pub language: Option<String>,
    /// Settings that decide what comes out.
    pub settings: serde_json::Value,
    /// Milliseconds of audio.
    pub audio_ms: Option<i64>,
    /// Milliseconds of work over all runs.
    pub work_ms: i64,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
    /// When the last window came in.
    pub completed_at: Option<DateTime<Utc>>,
    /// What it was computed on.
    pub device: Option<String>,
    /// Seconds of work per second of audio.
    pub real_time_factor: Option<f64>,
}

impl Transcript {
    /// Whether all windows are in.
    pub fn is_complete(&self) -> bool {
        self.status_word == TranscriptStatus::Complete.as_str()
    }

    /// Whether it was the last to be worked on, and is not complete.
    pub fn is_running(&self) -> bool {
        self.status_word == TranscriptStatus::Running.as_str()
    }
}

/// What a version is made with. Work is resumed only where engine, model and settings are equal.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTranscript {
    /// Name of the engine.
    pub engine: String,
    /// Name of the speech model.
    pub model: String,
    /// SHA-256 of the model's file.
    pub model_sha256: Option<String>,
    /// Spoken language, BCP 47, as far as it is known before the first word. One that is found out replaces it.
    pub language: Option<String>,
    /// Everything else that decides the words and the cuts, the language that was asked for included.
    pub settings: serde_json::Value,
    /// What it is computed on.
    pub device: Option<String>,
    /// The computer that makes it.
    pub machine: MachineId,
}

/// What there is to know of a version besides its words.
#[derive(Debug, Clone, PartialEq)]
pub struct VersionFacts {
    /// The version.
    pub version: Transcript,
    /// Its words so far.
    pub words: i64,
    /// Lines with a doubt.
    pub doubtful_lines: i64,
    /// Up to where its windows reach, in milliseconds.
    pub done_ms: i64,
}

/// What a version took in the end.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Spent {
    /// Milliseconds of audio.
    pub audio_ms: i64,
    /// Milliseconds of work in the last run.
    pub work_ms: i64,
    /// Seconds of work per second of audio, where the run tells.
    pub real_time_factor: Option<f64>,
}

/// Versions of a job with what can be counted. The words of a line are an array.
const VERSIONS: &str = "
    SELECT t.id,
        coalesce((SELECT sum(jsonb_array_length(s.words)) FROM segments s WHERE s.transcript_id = t.id), 0)::bigint AS words,
        (SELECT count(*) FROM segments s WHERE s.transcript_id = t.id AND s.doubt IS NOT NULL) AS doubtful_lines,
        coalesce((SELECT max(w.end_ms) FROM transcript_windows w WHERE w.transcript_id = t.id), 0)::bigint AS done_ms
    FROM transcripts t WHERE t.job_id = $1";

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = sql_types::Uuid)]
    id: TranscriptId,
    #[diesel(sql_type = sql_types::BigInt)]
    words: i64,
    #[diesel(sql_type = sql_types::BigInt)]
    doubtful_lines: i64,
    #[diesel(sql_type = sql_types::BigInt)]
    done_ms: i64,
}

/// So many runs tell how fast this computer is with a model.
const RECENT: i64 = 5;

impl Store {
    /// The version to work on under `lease`: an unfinished one made with equal settings, which is resumed, or a new one.
    /// Gives the windows that are committed already. `None` if the lease is void.
    pub async fn open_transcript(
        &self,
        lease: Lease,
        new: &NewTranscript,
    ) -> Result<Option<(Transcript, Vec<Window>)>> {
        on_connection!(self, connection => connection.transaction::<_, StoreError, _>(async |c| {
            if held_job(c, lease).await?.is_none() {
                return Ok(None);
            }
            let unfinished: Vec<Transcript> = transcripts::table
                .filter(transcripts::job_id.eq(lease.job))
                .filter(transcripts::status.ne(TranscriptStatus::Complete.as_str()))
                .order(transcripts::version.desc())
                .select(Transcript::as_select())
                .load(c)
                .await?;
            let same = unfinished.into_iter().find(|old| {
                old.engine == new.engine
                    && old.model == new.model
                    && old.model_sha256 == new.model_sha256
                    && old.settings == new.settings
            });
            // Another that was begun is unfinished, and not being made.
            diesel::update(
                transcripts::table
                    .filter(transcripts::job_id.eq(lease.job))
                    .filter(transcripts::status.eq(TranscriptStatus::Running.as_str())),
            )
            .set(transcripts::status.eq(TranscriptStatus::Failed.as_str()))
            .execute(c)
            .await?;
            if let Some(old) = same {
                let resumed = diesel::update(transcripts::table.find(old.id))
                    .set((
                        transcripts::status.eq(TranscriptStatus::Running.as_str()),
                        transcripts::error_message.eq(None::<String>),
                    ))
                    .returning(Transcript::as_returning())
                    .get_result(c)
                    .await?;
                let windows = windows_of(c, old.id).await?;
                return Ok(Some((resumed, windows)));
            }
            let last: Option<i32> = transcripts::table
                .filter(transcripts::job_id.eq(lease.job))
                .select(diesel::dsl::max(transcripts::version))
                .first(c)
                .await?;
            let made = diesel::insert_into(transcripts::table)
                .values((
                    transcripts::id.eq(TranscriptId::new()),
                    transcripts::job_id.eq(lease.job),
                    transcripts::version.eq(next_number(last)?),
                    transcripts::engine.eq(&new.engine),
                    transcripts::model.eq(&new.model),
                    transcripts::model_sha256.eq(&new.model_sha256),
                    transcripts::language.eq(&new.language),
                    transcripts::settings.eq(&new.settings),
                    transcripts::device.eq(&new.device),
                    transcripts::machine_id.eq(new.machine),
                ))
                .returning(Transcript::as_returning())
                .get_result(c)
                .await?;
            Ok(Some((made, Vec::new())))
        }))
    }

    /// Unfinished versions of a job, the last one first.
    pub async fn unfinished_transcripts(&self, job: JobId) -> Result<Vec<Transcript>> {
        on_connection!(self, connection => async {
            transcripts::table
                .filter(transcripts::job_id.eq(job))
                .filter(transcripts::status.ne(TranscriptStatus::Complete.as_str()))
                .order(transcripts::version.desc())
                .select(Transcript::as_select())
                .load(connection)
                .await
        })
    }

    /// Settles the language of an unfinished version. Windows with words in another language are removed with their
    /// lines, so that they are recognised again. False if the lease is void.
    pub async fn settle_language(&self, lease: Lease, id: TranscriptId, language: &str) -> Result<bool> {
        on_connection!(self, connection => connection.transaction::<_, StoreError, _>(async |c| {
            if !may_fill(c, lease, id).await? {
                return Ok(false);
            }
            diesel::update(transcripts::table.find(id)).set(transcripts::language.eq(language)).execute(c).await?;
            let others: Vec<i32> = diesel::delete(
                transcript_windows::table
                    .filter(transcript_windows::transcript_id.eq(id))
                    .filter(transcript_windows::language.ne(language)),
            )
            .returning(transcript_windows::window_index)
            .get_results(c)
            .await?;
            diesel::delete(
                segments::table
                    .filter(segments::transcript_id.eq(id))
                    .filter(segments::window_index.eq_any(others)),
            )
            .execute(c)
            .await?;
            Ok(true)
        }))
    }

    /// Seconds of work per second of audio that this computer took with a model lately; `None` if it never used it.
    pub async fn speed(&self, machine: MachineId, model: &str) -> Result<Option<f64>> {
        let recent: Vec<Option<f64>> = on_connection!(self, connection => async {
            transcripts::table
                .filter(transcripts::machine_id.eq(machine))
                .filter(transcripts::model.eq(model))
                .filter(transcripts::real_time_factor.is_not_null())
                .order(transcripts::completed_at.desc())
                .limit(RECENT)
                .select(transcripts::real_time_factor)
                .load(connection)
                .await
        })?;
        let recent: Vec<f64> = recent.into_iter().flatten().collect();
        Ok((!recent.is_empty()).then(|| recent.iter().sum::<f64>() / recent.len() as f64))
    }

    /// All versions of a job, the newest first.
    pub async fn versions(&self, job: JobId) -> Result<Vec<VersionFacts>> {
        let (versions, counted): (Vec<Transcript>, Vec<Counted>) = on_connection!(self, connection => async {
            let versions = transcripts::table
                .filter(transcripts::job_id.eq(job))
                .order(transcripts::version.desc())
                .select(Transcript::as_select())
                .load(connection)
                .await?;
            let counted = diesel::sql_query(VERSIONS).bind::<sql_types::Uuid, _>(job).load(connection).await?;
            Ok::<_, QueryError>((versions, counted))
        })?;
        Ok(versions
            .into_iter()
            .map(|version| {
                let counted = counted.iter().find(|counted| counted.id == version.id);
                let of = |count: fn(&Counted) -> i64| counted.map_or(0, count);
                VersionFacts {
                    words: of(|c| c.words),
                    doubtful_lines: of(|c| c.doubtful_lines),
                    done_ms: of(|c| c.done_ms),
                    version,
                }
            })
            .collect())
    }

    /// A version of a job.
    pub async fn version(&self, job: JobId, id: TranscriptId) -> Result<Option<Transcript>> {
        on_connection!(self, connection => async {
            transcripts::table
                .find(id)
                .filter(transcripts::job_id.eq(job))
                .select(Transcript::as_select())
                .first(connection)
                .await
                .optional()
        })
    }

    /// Makes a complete version of a job its current one. False if there is no such complete version.
    pub async fn make_current(&self, job: JobId, id: TranscriptId) -> Result<bool> {
        on_connection!(self, connection => connection.transaction::<_, StoreError, _>(async |c| {
            // Not while a worker completes another one.
            let locked: Option<JobId> =
                jobs::table.find(job).for_no_key_update().select(jobs::id).first(c).await.optional()?;
            let complete = transcripts::table
                .find(id)
                .filter(transcripts::job_id.eq(job))
                .filter(transcripts::status.eq(TranscriptStatus::Complete.as_str()));
            let complete: bool = diesel::select(diesel::dsl::exists(complete)).get_result(c).await?;
            if locked.is_none() || !complete {
                return Ok(false);
            }
            diesel::update(jobs::table.find(job)).set(jobs::current_transcript_id.eq(id)).execute(c).await?;
            // Its lines are as the speakers were known when it was last the current one.
            settle_version(c, job, id).await?;
            // Whoever shows a version of this recording looks again.
            diesel::sql_query("SELECT pg_notify('meetmemo', 'transcript:' || $1)")
                .bind::<sql_types::Text, _>(id.to_string())
                .execute(c)
                .await?;
            Ok(true)
        }))
    }

    /// Forgets the committed windows of an unfinished version, because the audio turned out to be cut differently.
    /// False if the lease is void.
    pub async fn restart_transcript(&self, lease: Lease, id: TranscriptId) -> Result<bool> {
        on_connection!(self, connection => connection.transaction::<_, StoreError, _>(async |c| {
            if !may_fill(c, lease, id).await? {
                return Ok(false);
            }
            diesel::delete(segments::table.filter(segments::transcript_id.eq(id))).execute(c).await?;
            diesel::delete(transcript_windows::table.filter(transcript_windows::transcript_id.eq(id)))
                .execute(c)
                .await?;
            Ok(true)
        }))
    }

    /// Commits the lines of one window with its place, once: a second commit of the same window changes nothing.
    /// False if the lease is void.
    pub async fn commit_window(
        &self,
        lease: Lease,
        id: TranscriptId,
        window: &Window,
        lines: &[Segment],
    ) -> Result<bool> {
        on_connection!(self, connection => connection.transaction::<_, StoreError, _>(async |c| {
            if !may_fill(c, lease, id).await? {
                return Ok(false);
            }
            let inserted = diesel::insert_into(transcript_windows::table)
                .values((
                    transcript_windows::transcript_id.eq(id),
                    transcript_windows::window_index.eq(index_of(window)?),
                    transcript_windows::start_ms.eq(i64::from(window.span.start.as_ms())),
                    transcript_windows::end_ms.eq(i64::from(window.span.end.as_ms())),
                    transcript_windows::language.eq(&window.language),
                    transcript_windows::other_language.eq(&window.other_language),
                ))
                .on_conflict_do_nothing()
                .execute(c)
                .await?;
            if inserted == 1 {
                let lines: Vec<Line<SpeakerId>> = lines.iter().cloned().map(Line::from).collect();
                insert_lines(c, id, Some(index_of(window)?), &lines).await?;
                got_further(c, lease).await?;
            }
            Ok(true)
        }))
    }

    /// Completes a version: `lines`, cut where another one speaks, take the place of the windows' lines, the version
    /// becomes current, the job is completed and the task done. False if the lease is void.
    pub async fn complete_transcript(
        &self,
        lease: Lease,
        id: TranscriptId,
        lines: &[Segment],
        spent: Spent,
    ) -> Result<bool> {
        let Spent { audio_ms, work_ms, real_time_factor } = spent;
        on_connection!(self, connection => connection.transaction::<_, StoreError, _>(async |c| {
            if !may_fill(c, lease, id).await? {
                return Ok(false);
            }
            diesel::delete(segments::table.filter(segments::transcript_id.eq(id))).execute(c).await?;
            let lines = cut_by_speaker(c, lease.job, lines).await?;
            insert_lines(c, id, None, &lines).await?;
            diesel::update(transcripts::table.find(id))
                .set((
                    transcripts::status.eq(TranscriptStatus::Complete.as_str()),
                    transcripts::error_message.eq(None::<String>),
                    transcripts::audio_ms.eq(audio_ms),
                    transcripts::work_ms.eq(transcripts::work_ms + work_ms),
                    transcripts::real_time_factor.eq(real_time_factor),
                    transcripts::completed_at.eq(diesel::dsl::now),
                ))
                .execute(c)
                .await?;
            close(c, lease.task, TaskState::Done, None).await?;
            let completed = diesel::update(
                jobs::table.find(lease.job).filter(jobs::status.eq_any(Status::Completed.sources())),
            )
            .set((
                jobs::status.eq(Status::Completed.as_str()),
                jobs::workflow_state.eq(WorkflowState::Done.as_str()),
                jobs::current_transcript_id.eq(id),
                jobs::duration_ms.eq(audio_ms),
            ))
            .execute(c)
            .await?;
            if completed != 1 {
                return Err(StoreError::Stale("a job under a valid lease could not be completed"));
            }
            Ok(true)
        }))
    }

    /// The version to show for a job: the current one, else the one being made.
    pub async fn shown_transcript(&self, job: JobId) -> Result<Option<Transcript>> {
        on_connection!(self, connection => async {
            let current: Option<Option<TranscriptId>> =
                jobs::table.find(job).select(jobs::current_transcript_id).first(connection).await.optional()?;
            let versions = transcripts::table.select(Transcript::as_select());
            match current {
                None => Ok(None),
                Some(Some(id)) => versions.find(id).first(connection).await.optional(),
                Some(None) => versions
                    .filter(transcripts::job_id.eq(job))
                    .order(transcripts::version.desc())
                    .first(connection)
                    .await
                    .optional(),
            }
        })
    }
}

/// Whether the lease holds and the version is an unfinished one of its job.
async fn may_fill(c: &mut AsyncPgConnection, lease: Lease, id: TranscriptId) -> Result<bool> {
    if held_job(c, lease).await?.is_none() {
        return Ok(false);
    }
    let unfinished = transcripts::table
        .find(id)
        .filter(transcripts::job_id.eq(lease.job))
        .filter(transcripts::status.ne(TranscriptStatus::Complete.as_str()));
    Ok(diesel::select(diesel::dsl::exists(unfinished)).get_result(c).await?)
}
