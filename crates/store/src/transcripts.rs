//! `transcripts`: the versions of a recording's transcript. How a version is filled is in `fill_transcript`.

use crate::error::StoreError;
use crate::ids::{JobId, MachineId, TranscriptId};
use crate::lease::lock_job;
use crate::query::on_connection;
use crate::recompute_speakers::resegment_version;
use crate::schema::{jobs, transcripts};
use crate::status::TranscriptStatus;
use crate::{Result, Store};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::Error as QueryError;
use diesel::sql_types;
use diesel_async::{AsyncConnection, RunQueryDsl};

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
    status_text: String,
    /// Why it stopped.
    pub error_message: Option<String>,
    /// Name of the engine.
    pub engine: String,
    /// Name of the speech model.
    pub model: String,
    /// SHA-256 of the model's file, if it is a single one.
    pub model_sha256: Option<String>,
    /// Spoken language, BCP 47.
    pub language: Option<String>,
    /// Settings that affect the words and the windows.
    pub settings: serde_json::Value,
    /// Milliseconds of audio.
    pub audio_ms: Option<i64>,
    /// Milliseconds of work over all runs.
    pub work_ms: i64,
    /// When it was started.
    pub created_at: DateTime<Utc>,
    /// When it was completed.
    pub completed_at: Option<DateTime<Utc>>,
    /// The device it was computed on.
    pub device: Option<String>,
    /// Seconds of work per second of audio.
    pub real_time_factor: Option<f64>,
}

impl Transcript {
    /// Whether it is complete.
    pub fn is_complete(&self) -> bool {
        self.status_text == TranscriptStatus::Complete.as_str()
    }

    /// Whether it is being filled, or was interrupted while being filled.
    pub fn is_running(&self) -> bool {
        self.status_text == TranscriptStatus::Running.as_str()
    }
}

/// A version with its counts.
#[derive(Debug, Clone, PartialEq)]
pub struct VersionSummary {
    /// The version.
    pub version: Transcript,
    /// Number of words so far.
    pub words: i64,
    /// Number of segments with a doubt.
    pub doubtful_segments: i64,
    /// End of its last committed window, in milliseconds.
    pub done_ms: i64,
}

/// Counts of each version of a job. `segments.words` is a JSON array.
const VERSION_COUNTS: &str = "
    SELECT t.id,
        coalesce((SELECT sum(jsonb_array_length(s.words)) FROM segments s WHERE s.transcript_id = t.id), 0)::bigint AS words,
        (SELECT count(*) FROM segments s WHERE s.transcript_id = t.id AND s.doubt IS NOT NULL) AS doubtful_segments,
        coalesce((SELECT max(w.end_ms) FROM transcript_windows w WHERE w.transcript_id = t.id), 0)::bigint AS done_ms
    FROM transcripts t WHERE t.job_id = $1";

#[derive(QueryableByName)]
struct VersionCounts {
    #[diesel(sql_type = sql_types::Uuid)]
    id: TranscriptId,
    #[diesel(sql_type = sql_types::BigInt)]
    words: i64,
    #[diesel(sql_type = sql_types::BigInt)]
    doubtful_segments: i64,
    #[diesel(sql_type = sql_types::BigInt)]
    done_ms: i64,
}

/// Number of recent runs whose real-time factors are averaged.
const RECENT_RUNS: i64 = 5;

impl Store {
    /// Unfinished versions of a job, newest first.
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

    /// Mean seconds of work per second of audio of the last runs with a model on this computer; `None` if there were
    /// none.
    pub async fn mean_real_time_factor(&self, machine: MachineId, model: &str) -> Result<Option<f64>> {
        let recent: Vec<Option<f64>> = on_connection!(self, connection => async {
            transcripts::table
                .filter(transcripts::machine_id.eq(machine))
                .filter(transcripts::model.eq(model))
                .filter(transcripts::real_time_factor.is_not_null())
                .order(transcripts::completed_at.desc())
                .limit(RECENT_RUNS)
                .select(transcripts::real_time_factor)
                .load(connection)
                .await
        })?;
        let recent: Vec<f64> = recent.into_iter().flatten().collect();
        Ok((!recent.is_empty()).then(|| recent.iter().sum::<f64>() / recent.len() as f64))
    }

    /// All versions of a job, newest first.
    pub async fn versions(&self, job: JobId) -> Result<Vec<VersionSummary>> {
        let (versions, counted): (Vec<Transcript>, Vec<VersionCounts>) = on_connection!(self, connection => async {
            let versions = transcripts::table
                .filter(transcripts::job_id.eq(job))
                .order(transcripts::version.desc())
                .select(Transcript::as_select())
                .load(connection)
                .await?;
            let counted = diesel::sql_query(VERSION_COUNTS).bind::<sql_types::Uuid, _>(job).load(connection).await?;
            Ok::<_, QueryError>((versions, counted))
        })?;
        Ok(versions
            .into_iter()
            .map(|version| {
                let counted = counted.iter().find(|counted| counted.id == version.id);
                let count = |count: fn(&VersionCounts) -> i64| counted.map_or(0, count);
                VersionSummary {
                    words: count(|c| c.words),
                    doubtful_segments: count(|c| c.doubtful_segments),
                    done_ms: count(|c| c.done_ms),
                    version,
                }
            })
            .collect())
    }

    /// A version of a job; `None` if it does not exist.
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

    /// Makes a complete version of a job the current one. False if there is no such complete version.
    pub async fn make_current(&self, job: JobId, id: TranscriptId) -> Result<bool> {
        on_connection!(self, connection => connection.transaction::<_, StoreError, _>(async |c| {
            // A worker may be completing another version.
            let locked = lock_job(c, job).await?;
            let complete = transcripts::table
                .find(id)
                .filter(transcripts::job_id.eq(job))
                .filter(transcripts::status.eq(TranscriptStatus::Complete.as_str()));
            let complete: bool = diesel::select(diesel::dsl::exists(complete)).get_result(c).await?;
            if locked.is_none() || !complete {
                return Ok(false);
            }
            diesel::update(jobs::table.find(job)).set(jobs::current_transcript_id.eq(id)).execute(c).await?;
            // Its segments have the speakers of the time when it was last current.
            resegment_version(c, job, id).await?;
            // Processes that show a version of this recording reload it.
            diesel::sql_query("SELECT pg_notify('meetmemo', 'transcript:' || $1)")
                .bind::<sql_types::Text, _>(id.to_string())
                .execute(c)
                .await?;
            Ok(true)
        }))
    }

    /// The version to show for a job: the current one, else the newest.
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
