//! `diarizations`: how the speakers of a meeting were found, and the results a worker stores.

use crate::edits::{StoredEdit, load_edits};
use crate::error::StoreError;
use crate::ids::{JobId, SpeakerId};
use crate::jobs::Job;
use crate::lease::{Lease, lock_leased_job};
use crate::people_lock::lock_people_shared;
use crate::query::on_connection;
use crate::recompute_speakers::{Scope, recompute_speakers};
use crate::schema::{diarizations, edits, jobs, speakers, turns};
use crate::speakers::{Speaker, add_speaker, load_speakers};
use crate::status::{Status, TaskKind, TaskState, WorkflowState};
use crate::tasks::{end_task, enqueue_task};
use crate::turns::{insert_turns, load_turns};
use crate::voice_embeddings::{StoredEmbedding, embeddings_allowed, set_embedding};
use crate::{Result, Store};
use diesel::prelude::*;
use diesel::result::Error as QueryError;
use diesel_async::{AsyncConnection, RunQueryDsl};
use transcript::Turn;

/// A row of `diarizations`: the last diarization of a meeting.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = diarizations, check_for_backend(diesel::pg::Pg))]
pub struct Diarization {
    /// `voices`, `sortformer` or `channels`; `None` if diarization never succeeded.
    pub method: Option<String>,
    /// Name of the model.
    pub model: Option<String>,
    /// Why the last attempt failed; `None` if it succeeded.
    pub error_message: Option<String>,
    /// A note for the user.
    pub note: Option<String>,
    /// Fewest speakers expected.
    pub expected_min: Option<i32>,
    /// Most speakers expected.
    pub expected_max: Option<i32>,
    /// Milliseconds of work.
    pub work_ms: i64,
}

/// The result of a diarization, to be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct NewDiarization {
    /// `voices`, `sortformer` or `channels`.
    pub method: String,
    /// Name of the model.
    pub model: String,
    /// A note for the user.
    pub note: Option<String>,
    /// Fewest speakers expected.
    pub expected_min: Option<i32>,
    /// Most speakers expected.
    pub expected_max: Option<i32>,
    /// Milliseconds of work.
    pub work_ms: i64,
    /// The speakers in order of appearance, known from an earlier diarization or new, with their voice embeddings.
    pub speakers: Vec<(SpeakerId, Option<StoredEmbedding>)>,
    /// The turns, in order of start.
    pub turns: Vec<Turn<SpeakerId>>,
}

/// Everything about the speakers of a meeting.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SpeakerData {
    /// The last diarization; `None` if there was none.
    pub diarization: Option<Diarization>,
    /// All speakers by number, including merged ones and those without words.
    pub speakers: Vec<Speaker>,
    /// The turns as diarization found them, in order of start.
    pub turns: Vec<Turn<SpeakerId>>,
    /// The edits, oldest first; undone ones last.
    pub edits: Vec<StoredEdit>,
}

impl Store {
    /// Everything about the speakers of a meeting; empty if there is no such meeting.
    pub async fn speakers(&self, job: JobId) -> Result<SpeakerData> {
        on_connection!(self, connection => async {
            let diarization = diarizations::table
                .find(job)
                .select(Diarization::as_select())
                .first(connection)
                .await
                .optional()?;
            Ok::<_, StoreError>(SpeakerData {
                diarization,
                speakers: load_speakers(connection, job).await?,
                turns: load_turns(connection, job).await?,
                edits: load_edits(connection, job).await?,
            })
        })
    }

    /// Puts a completed meeting into the queue for a new diarization; its words stay. `None` if it is not completed,
    /// has no transcript, does not exist, or its audio was removed.
    pub async fn requeue_diarization(
        &self,
        id: JobId,
        min: Option<i32>,
        max: Option<i32>,
    ) -> Result<Option<Job>> {
        on_connection!(self, connection => connection.transaction::<_, QueryError, _>(async |c| {
            let at_rest = jobs::table
                .find(id)
                .filter(jobs::status.eq(Status::Completed.as_str()))
                .filter(jobs::current_transcript_id.is_not_null())
                .filter(jobs::audio_removed_at.is_null())
                .filter(jobs::trashed_at.is_null());
            let job = at_rest.for_no_key_update().select(Job::as_select()).first(c).await.optional()?;
            let Some(job) = job else { return Ok(None) };
            enqueue_task(c, TaskKind::Diarize, id.uuid(), id, job.library_id, &serde_json::json!({})).await?;
            diesel::update(jobs::table.find(id))
                .set((
                    jobs::status.eq(Status::Pending.as_str()),
                    jobs::workflow_state.eq(WorkflowState::Queued.as_str()),
                    jobs::error_message.eq(None::<String>),
                    jobs::requested_speakers_min.eq(min),
                    jobs::requested_speakers_max.eq(max),
                ))
                .returning(Job::as_returning())
                .get_result(c)
                .await
                .map(Some)
        }))
    }

    /// Stores the result of a diarization in place of the one before. Edits stay; if there are none, speakers are
    /// numbered anew in order of appearance. False if the lease is void.
    pub async fn save_diarization(&self, lease: Lease, new: &NewDiarization) -> Result<bool> {
        on_connection!(self, connection => connection.transaction::<_, StoreError, _>(async |c| {
            let job = lease.job;
            if lock_leased_job(c, lease).await?.is_none() {
                return Ok(false);
            }
            lock_people_shared(c).await?;
            let has_edits: bool = diesel::select(diesel::dsl::exists(
                edits::table.filter(edits::job_id.eq(job)),
            ))
            .get_result(c)
            .await?;
            diesel::delete(turns::table.filter(turns::job_id.eq(job))).execute(c).await?;
            if !has_edits {
                diesel::delete(speakers::table.filter(speakers::job_id.eq(job))).execute(c).await?;
            }
            let allowed = embeddings_allowed(c).await?;
            for (id, embedding) in &new.speakers {
                add_speaker(c, job, *id).await?;
                set_embedding(c, *id, embedding.as_ref().filter(|_| allowed)).await?;
            }
            insert_turns(c, job, &new.turns).await?;
            let values = (
                diarizations::method.eq(Some(&new.method)),
                diarizations::model.eq(Some(&new.model)),
                diarizations::error_message.eq(None::<String>),
                diarizations::note.eq(&new.note),
                diarizations::expected_min.eq(new.expected_min),
                diarizations::expected_max.eq(new.expected_max),
                diarizations::work_ms.eq(new.work_ms),
                diarizations::made_at.eq(diesel::dsl::now),
            );
            diesel::insert_into(diarizations::table)
                .values((diarizations::job_id.eq(job), values.clone()))
                .on_conflict(diarizations::job_id)
                .do_update()
                .set(values)
                .execute(c)
                .await?;
            recompute_speakers(c, job, Scope::Words).await?;
            Ok(true)
        }))
    }

    /// Stores why diarization failed; the result of an earlier one stays. False if the lease is void.
    pub async fn record_diarization_error(&self, lease: Lease, message: &str) -> Result<bool> {
        on_connection!(self, connection => connection.transaction::<_, StoreError, _>(async |c| {
            if lock_leased_job(c, lease).await?.is_none() {
                return Ok(false);
            }
            let message = diarizations::error_message.eq(Some(message));
            diesel::insert_into(diarizations::table)
                .values((diarizations::job_id.eq(lease.job), message))
                .on_conflict(diarizations::job_id)
                .do_update()
                .set(message)
                .execute(c)
                .await?;
            Ok(true)
        }))
    }

    /// Completes a diarization task. False if the lease is void.
    pub async fn complete_diarization(&self, lease: Lease) -> Result<bool> {
        on_connection!(self, connection => connection.transaction::<_, QueryError, _>(async |c| {
            if lock_leased_job(c, lease).await?.is_none() {
                return Ok(false);
            }
            end_task(c, lease.task, TaskState::Done, None).await?;
            diesel::update(jobs::table.find(lease.job))
                .set((
                    jobs::status.eq(Status::Completed.as_str()),
                    jobs::workflow_state.eq(WorkflowState::Done.as_str()),
                ))
                .execute(c)
                .await?;
            Ok(true)
        }))
    }
}
