//! Puts recordings into the queue of work and takes them out again.
//!
//! A trigger on `jobs` keeps queue and recordings consistent, also for rows that the server edition writes: it creates the
//! open task of each waiting recording, and ends the task of a recording that no longer waits or runs. A waiting
//! recording has one open task of the kinds [`TaskKind::OF_RECORDINGS`].

use crate::ids::{JobId, LibraryId};
use crate::jobs::{Job, RequestedOptions};
use crate::query::{first_row, on_connection};
use crate::schema::{jobs, tasks};
use crate::status::{Status, TaskKind, TaskState, WorkflowState};
use crate::tasks::{Task, cancel_open_task, open_of, status_without_new_transcript};
use crate::{Result, Store};
use diesel::prelude::*;
use diesel::result::Error as QueryError;
use diesel::sql_types;
use diesel_async::{AsyncConnection, RunQueryDsl};

impl Store {
    /// Puts a failed or cancelled job back into the queue. `None` if it is neither, does not exist, is in the trash, or
    /// its audio was removed.
    pub async fn requeue(&self, id: JobId) -> Result<Option<Job>> {
        on_connection!(self, connection => async {
            let failed = jobs::table
                .find(id)
                .filter(jobs::status.eq(Status::Failed.as_str()))
                .filter(jobs::audio_removed_at.is_null())
                .filter(jobs::trashed_at.is_null());
            let update = diesel::update(failed)
                .set((
                    jobs::status.eq(Status::Pending.as_str()),
                    jobs::workflow_state.eq(WorkflowState::Queued.as_str()),
                    jobs::error_message.eq(None::<String>),
                ))
                .returning(Job::as_returning());
            update.load(connection).await.map(first_row)
        })
    }

    /// Puts a completed or failed job back into the queue, to be transcribed with `options`. Its complete versions
    /// stay. `None` if it waits or runs, does not exist, is in the trash, or its audio was removed.
    pub async fn transcribe_again(&self, id: JobId, options: &RequestedOptions) -> Result<Option<Job>> {
        on_connection!(self, connection => async {
            let at_rest = [Status::Completed.as_str(), Status::Failed.as_str()];
            let can_wait = jobs::table
                .find(id)
                .filter(jobs::status.eq_any(at_rest))
                .filter(jobs::audio_removed_at.is_null())
                .filter(jobs::trashed_at.is_null());
            let update = diesel::update(can_wait)
                .set((
                    jobs::status.eq(Status::Pending.as_str()),
                    jobs::workflow_state.eq(WorkflowState::Queued.as_str()),
                    jobs::error_message.eq(None::<String>),
                    jobs::requested_model.eq(&options.model),
                    jobs::requested_language.eq(&options.language),
                    jobs::requested_translate.eq(options.translate),
                    jobs::requested_vocabulary.eq(options.vocabulary_lines()),
                    jobs::requested_speakers_min.eq(options.speakers_min),
                    jobs::requested_speakers_max.eq(options.speakers_max),
                ))
                .returning(Job::as_returning());
            update.load(connection).await.map(first_row)
        })
    }

    /// Cancels a waiting or running job, on whichever computer it runs: its lease becomes void. A job that has a
    /// complete transcript becomes completed again. `None` if it neither waits nor runs, or does not exist.
    pub async fn cancel_job(&self, id: JobId) -> Result<Option<Job>> {
        on_connection!(self, connection => connection.transaction::<_, QueryError, _>(async |c| {
            let stoppable = jobs::table.find(id).filter(jobs::status.eq_any(Status::Failed.sources()));
            let job = stoppable.for_no_key_update().select(Job::as_select()).first(c).await.optional()?;
            let Some(job) = job else { return Ok(None) };
            let (status, state) = status_without_new_transcript(&job, Status::Failed, Some(WorkflowState::Cancelled));
            cancel_open_task(c, id).await?;
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

    /// Moves the waiting task of a recording to the front of the queue. False if it does not wait, or is first already.
    pub async fn bring_forward(&self, job: JobId) -> Result<bool> {
        on_connection!(self, connection => async {
            let moved = diesel::sql_query(
                "UPDATE tasks SET priority = others.greatest + 1
                FROM (SELECT max(o.priority) AS greatest FROM tasks o
                    WHERE o.state = 'waiting' AND o.job_id <> $1 AND o.kind = ANY($2)) others
                WHERE job_id = $1 AND kind = ANY($2) AND state = 'waiting' AND priority <= others.greatest",
            )
            .bind::<sql_types::Uuid, _>(job)
            .bind::<sql_types::Array<sql_types::Text>, _>(TaskKind::names(&TaskKind::OF_RECORDINGS))
            .execute(connection)
            .await?;
            Ok::<_, QueryError>(moved > 0)
        })
    }

    /// Whether any task of these kinds waits or runs in this library.
    pub async fn has_open_tasks(&self, kinds: &[TaskKind], library: LibraryId) -> Result<bool> {
        on_connection!(self, connection => async {
            let open = tasks::table
                .filter(tasks::library_id.eq(library))
                .filter(tasks::kind.eq_any(TaskKind::names(kinds)))
                .filter(tasks::state.eq_any(TaskState::OPEN));
            diesel::select(diesel::dsl::exists(open)).get_result(connection).await
        })
    }

    /// The waiting and running tasks of these recordings, in no particular order.
    pub async fn open_tasks(&self, jobs: &[JobId]) -> Result<Vec<Task>> {
        on_connection!(self, connection => open_of(jobs).select(Task::as_select()).load(connection))
    }
}
