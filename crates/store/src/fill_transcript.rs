//! Fills a version of a transcript, window by window, by the worker that holds the lease.
//!
//! A version is filled while it is unfinished: each window of audio is committed once with its segments, so that
//! resumed work repeats only the missing windows. When all are committed, [`Store::complete_transcript`] replaces these
//! segments by the final ones and makes the version current, in one transaction. The words of a complete version are
//! never written again.

use crate::error::StoreError;
use crate::ids::{MachineId, SpeakerId, TranscriptId};
use crate::lease::{Lease, lock_leased_job};
use crate::query::{next_number, on_connection};
use crate::recompute_speakers::split_by_speaker;
use crate::schema::{jobs, segments, transcript_windows, transcripts};
use crate::segments::insert_segments;
use crate::status::{Status, TaskState, TranscriptStatus, WorkflowState};
use crate::tasks::{end_task, reset_attempts};
use crate::transcript_windows::{TranscriptWindow, index_of, load_windows};
use crate::transcripts::Transcript;
use crate::{Result, Store};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use transcript::{Segment, SpeakerSegment};

/// A version to be made. An unfinished version is resumed only if engine, model and settings are equal.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTranscript {
    /// Name of the engine.
    pub engine: String,
    /// Name of the speech model.
    pub model: String,
    /// SHA-256 of the model's file.
    pub model_sha256: Option<String>,
    /// Spoken language, BCP 47, if it is known beforehand. A detected language replaces it later.
    pub language: Option<String>,
    /// Everything else that affects the words and the windows, including the requested language.
    pub settings: serde_json::Value,
    /// The device it is computed on.
    pub device: Option<String>,
    /// The computer it is computed on.
    pub machine: MachineId,
}

/// Time that a version took.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct TranscriptionCost {
    /// Milliseconds of audio.
    pub audio_ms: i64,
    /// Milliseconds of work in the last run.
    pub work_ms: i64,
    /// Seconds of work per second of audio, if the run measured it.
    pub real_time_factor: Option<f64>,
}

impl Store {
    /// Opens the version to fill under `lease`: an unfinished one with equal settings, which is resumed, or a new one.
    /// Also returns its committed windows. `None` if the lease is void.
    pub async fn open_transcript(
        &self,
        lease: Lease,
        new: &NewTranscript,
    ) -> Result<Option<(Transcript, Vec<TranscriptWindow>)>> {
        on_connection!(self, connection => connection.transaction::<_, StoreError, _>(async |c| {
            if lock_leased_job(c, lease).await?.is_none() {
                return Ok(None);
            }
            let unfinished: Vec<Transcript> = transcripts::table
                .filter(transcripts::job_id.eq(lease.job))
                .filter(transcripts::status.ne(TranscriptStatus::Complete.as_str()))
                .order(transcripts::version.desc())
                .select(Transcript::as_select())
                .load(c)
                .await?;
            let resumable = unfinished.into_iter().find(|old| {
                old.engine == new.engine
                    && old.model == new.model
                    && old.model_sha256 == new.model_sha256
                    && old.settings == new.settings
            });
            // A version begun earlier is no longer being made.
            diesel::update(
                transcripts::table
                    .filter(transcripts::job_id.eq(lease.job))
                    .filter(transcripts::status.eq(TranscriptStatus::Running.as_str())),
            )
            .set(transcripts::status.eq(TranscriptStatus::Failed.as_str()))
            .execute(c)
            .await?;
            if let Some(old) = resumable {
                let resumed = diesel::update(transcripts::table.find(old.id))
                    .set((
                        transcripts::status.eq(TranscriptStatus::Running.as_str()),
                        transcripts::error_message.eq(None::<String>),
                    ))
                    .returning(Transcript::as_returning())
                    .get_result(c)
                    .await?;
                let windows = load_windows(c, old.id).await?;
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

    /// Sets the language of an unfinished version. Windows with words in another language are removed with their
    /// segments, so that they are recognised again. False if the lease is void.
    pub async fn set_transcript_language(
        &self,
        lease: Lease,
        id: TranscriptId,
        language: &str,
    ) -> Result<bool> {
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

    /// Removes the committed windows of an unfinished version, because the audio is now cut into other windows. False
    /// if the lease is void.
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

    /// Commits a window with its segments. Committing the same window again changes nothing. False if the lease is
    /// void.
    pub async fn commit_window(
        &self,
        lease: Lease,
        id: TranscriptId,
        window: &TranscriptWindow,
        segments: &[Segment],
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
                let segments: Vec<SpeakerSegment<SpeakerId>> =
                    segments.iter().cloned().map(SpeakerSegment::from).collect();
                insert_segments(c, id, Some(index_of(window)?), &segments).await?;
                reset_attempts(c, lease).await?;
            }
            Ok(true)
        }))
    }

    /// Completes a version: `final_segments`, split where the speaker changes, replace the segments of the windows; the
    /// version becomes current, the job completed and the task done. False if the lease is void.
    pub async fn complete_transcript(
        &self,
        lease: Lease,
        id: TranscriptId,
        final_segments: &[Segment],
        cost: TranscriptionCost,
    ) -> Result<bool> {
        let TranscriptionCost { audio_ms, work_ms, real_time_factor } = cost;
        on_connection!(self, connection => connection.transaction::<_, StoreError, _>(async |c| {
            if !may_fill(c, lease, id).await? {
                return Ok(false);
            }
            diesel::delete(segments::table.filter(segments::transcript_id.eq(id))).execute(c).await?;
            let split = split_by_speaker(c, lease.job, final_segments).await?;
            insert_segments(c, id, None, &split).await?;
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
            end_task(c, lease.task, TaskState::Done, None).await?;
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
}

/// Whether the lease is valid and the version is an unfinished one of its job. Locks the job.
async fn may_fill(c: &mut AsyncPgConnection, lease: Lease, id: TranscriptId) -> Result<bool> {
    if lock_leased_job(c, lease).await?.is_none() {
        return Ok(false);
    }
    let unfinished = transcripts::table
        .find(id)
        .filter(transcripts::job_id.eq(lease.job))
        .filter(transcripts::status.ne(TranscriptStatus::Complete.as_str()));
    Ok(diesel::select(diesel::dsl::exists(unfinished)).get_result(c).await?)
}
