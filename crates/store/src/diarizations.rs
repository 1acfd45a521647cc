//! `diarizations`: how the speakers of a meeting were told apart.

use crate::archive::on_connection;
use crate::edits::{MadeEdit, edits_of};
use crate::error::StoreError;
use crate::ids::{JobId, SpeakerId};
use crate::jobs::Job;
use crate::lease::{Lease, held_job};
use crate::people::{StoredVoice, keep_people, remembers, set_voice};
use crate::schema::{diarizations, edits, jobs, speakers, turns};
use crate::settle::{Changes, settle};
use crate::speakers::{Speaker, add_speaker, speakers_of};
use crate::status::{Status, TaskKind, TaskState, WorkflowState};
use crate::tasks::{ask, close};
use crate::turns::{insert_turns, turns_of};
use crate::{Result, Store};
use diesel::prelude::*;
use diesel::result::Error as QueryError;
use diesel_async::{AsyncConnection, RunQueryDsl};
use transcript::Turn;

/// How the speakers of a meeting were told apart.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = diarizations, check_for_backend(diesel::pg::Pg))]
pub struct Diarization {
    /// `voices`, `sortformer`, `channels`; none if it never worked.
    pub method: Option<String>,
    /// The model it was done with.
    pub model: Option<String>,
    /// Why the last attempt failed, if it did.
    pub error_message: Option<String>,
    /// What else should be known.
    pub note: Option<String>,
    /// At least so many people were expected.
    pub expected_min: Option<i32>,
    /// At most so many.
    pub expected_max: Option<i32>,
    /// Milliseconds of work.
    pub work_ms: i64,
}

/// What telling speakers apart has found.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundSpeakers {
    /// `voices`, `sortformer`, `channels`.
    pub method: String,
    /// The model it was done with.
    pub model: String,
    /// What should be known.
    pub note: Option<String>,
    /// At least so many people were expected.
    pub expected_min: Option<i32>,
    /// At most so many.
    pub expected_max: Option<i32>,
    /// Milliseconds of work.
    pub work_ms: i64,
    /// Who speaks, in order of appearance: somebody of this meeting, or somebody new.
    pub speakers: Vec<(SpeakerId, Option<StoredVoice>)>,
    /// Who speaks when, in order of start.
    pub turns: Vec<Turn<SpeakerId>>,
}

/// Everything about the speakers of a meeting.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Speakers {
    /// How they were told apart; none before.
    pub diarization: Option<Diarization>,
    /// All there ever were, by number: those that are merged or gone too.
    pub speakers: Vec<Speaker>,
    /// Who speaks when, as it was found, in order of start.
    pub turns: Vec<Turn<SpeakerId>>,
    /// What was corrected, the oldest first; what was undone comes last.
    pub edits: Vec<MadeEdit>,
}

impl Store {
    /// Everything about the speakers of a meeting; nothing if there is no such meeting.
    pub async fn speakers(&self, job: JobId) -> Result<Speakers> {
        on_connection!(self, connection => async {
            let diarization = diarizations::table
                .find(job)
                .select(Diarization::as_select())
                .first(connection)
                .await
                .optional()?;
            Ok::<_, StoreError>(Speakers {
                diarization,
                speakers: speakers_of(connection, job).await?,
                turns: turns_of(connection, job).await?,
                edits: edits_of(connection, job).await?,
            })
        })
    }

    /// Puts a meeting back into the queue to have its speakers told apart once more; its words stay. `None` if it waits
    /// or runs, has no transcript, or there is none.
    pub async fn tell_speakers_apart(
        &self,
        id: JobId,
        min: Option<i32>,
        max: Option<i32>,
    ) -> Result<Option<Job>> {
        on_connection!(self, connection => connection.transaction::<_, QueryError, _>(async |c| {
            let at_rest = jobs::table
                .find(id)
                .filter(jobs::status.eq(Status::Completed.as_str()))
                .filter(jobs::current_transcript_id.is_not_null());
            let job = at_rest.for_no_key_update().select(Job::as_select()).first(c).await.optional()?;
            let Some(job) = job else { return Ok(None) };
            ask(c, TaskKind::Diarize, id.uuid(), id, job.library_id, &serde_json::json!({})).await?;
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

    /// Keeps what telling the speakers apart has found, in place of what was found before; corrections stay. Without
    /// any, speakers are numbered anew in order of appearance. False if the lease is void.
    pub async fn keep_speakers(&self, lease: Lease, found: &FoundSpeakers) -> Result<bool> {
        on_connection!(self, connection => connection.transaction::<_, StoreError, _>(async |c| {
            let job = lease.job;
            if held_job(c, lease).await?.is_none() {
                return Ok(false);
            }
            keep_people(c).await?;
            let corrected: bool = diesel::select(diesel::dsl::exists(
                edits::table.filter(edits::job_id.eq(job)),
            ))
            .get_result(c)
            .await?;
            diesel::delete(turns::table.filter(turns::job_id.eq(job))).execute(c).await?;
            if !corrected {
                diesel::delete(speakers::table.filter(speakers::job_id.eq(job))).execute(c).await?;
            }
            let remembered = remembers(c).await?;
            for (id, voice) in &found.speakers {
                add_speaker(c, job, *id).await?;
                set_voice(c, *id, voice.as_ref().filter(|_| remembered)).await?;
            }
            insert_turns(c, job, &found.turns).await?;
            let values = (
                diarizations::method.eq(Some(&found.method)),
                diarizations::model.eq(Some(&found.model)),
                diarizations::error_message.eq(None::<String>),
                diarizations::note.eq(&found.note),
                diarizations::expected_min.eq(found.expected_min),
                diarizations::expected_max.eq(found.expected_max),
                diarizations::work_ms.eq(found.work_ms),
                diarizations::made_at.eq(diesel::dsl::now),
            );
            diesel::insert_into(diarizations::table)
                .values((diarizations::job_id.eq(job), values.clone()))
                .on_conflict(diarizations::job_id)
                .do_update()
                .set(values)
                .execute(c)
                .await?;
            settle(c, job, Changes::Turns).await?;
            Ok(true)
        }))
    }

    /// Notes why the speakers could not be told apart; what was found before stays. False if the lease is void.
    pub async fn note_no_speakers(&self, lease: Lease, message: &str) -> Result<bool> {
        on_connection!(self, connection => connection.transaction::<_, StoreError, _>(async |c| {
            if held_job(c, lease).await?.is_none() {
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

    /// Ends a task that was only about speakers. False if the lease is void.
    pub async fn finish_speakers(&self, lease: Lease) -> Result<bool> {
        on_connection!(self, connection => connection.transaction::<_, QueryError, _>(async |c| {
            if held_job(c, lease).await?.is_none() {
                return Ok(false);
            }
            close(c, lease.task, TaskState::Done, None).await?;
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
