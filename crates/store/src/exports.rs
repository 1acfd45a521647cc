//! `export_jobs`: one row per exported file.

use crate::claims::{Claim, start_task};
use crate::ids::{BatchId, ExportId, JobId, LibraryId, MachineId, TaskId};
use crate::lease::{Lease, lock_job, lock_leased_job};
use crate::query::on_connection;
use crate::schema::{export_jobs, pending_removals, tasks};
use crate::status::{Status, TaskKind, TaskState};
use crate::tasks::{end_task, enqueue_task};
use crate::{Result, Store, StoreError};
use chrono::NaiveDateTime;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::result::Error as QueryError;
use diesel::sql_types;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};

/// A row of `export_jobs`.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = export_jobs, check_for_backend(diesel::pg::Pg))]
pub struct ExportJob {
    /// The id.
    pub id: ExportId,
    /// The recording.
    pub job_id: JobId,
    /// Kind of file, such as `pdf_transcript`.
    pub export_type: String,
    /// See [`ExportJob::status`].
    #[diesel(column_name = status)]
    pub status_text: String,
    /// 0 to 100.
    pub progress: Option<i32>,
    /// Why it failed, if it did.
    pub error_message: Option<String>,
    /// Absolute path of the file.
    pub file_path: Option<String>,
    /// When it was requested, UTC.
    pub created_at: NaiveDateTime,
    /// When its row last changed, UTC: of a completed export, when that was completed.
    pub updated_at: NaiveDateTime,
    /// A note for the user about a completed export.
    pub note: Option<String>,
    /// The options it is made with, as JSON; `None` for those of earlier versions.
    pub options: Option<serde_json::Value>,
    /// SHA-256 of the file in hexadecimal, once it is written.
    pub file_sha256: Option<String>,
    /// The batch it belongs to.
    pub batch_id: Option<BatchId>,
}

impl ExportJob {
    /// The status.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] for a value that this version does not know.
    pub fn status(&self) -> Result<Status> {
        Status::parse(&self.status_text).ok_or_else(|| {
            StoreError::Unknown(format!("status “{}” of export {}", self.status_text, self.id))
        })
    }
}

/// An export to be made.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = export_jobs, check_for_backend(diesel::pg::Pg))]
pub struct NewExport {
    /// Chosen by the caller.
    pub id: ExportId,
    /// The recording.
    pub job_id: JobId,
    /// Kind of file, such as `pdf_transcript`.
    pub export_type: String,
    /// Absolute path of the file.
    pub file_path: String,
    /// The library of the computer that the path is on.
    pub library_id: LibraryId,
    /// The options it is made with, as JSON.
    pub options: serde_json::Value,
    /// The batch it belongs to, if it does.
    pub batch_id: Option<BatchId>,
}

/// The file of a completed export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportedFile {
    /// Absolute path.
    pub path: String,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
    /// Its passages: 16 bytes each, see the crate `export`.
    pub passages: Vec<u8>,
    /// A note for the user.
    pub note: Option<String>,
}

/// The message of an export that was cancelled.
const CANCELLED: &str = "The export was cancelled.";

impl Store {
    /// Creates an export with its task and claims it for the caller, a process on `machine`. If the caller dies, a
    /// later claim by another process has the same `parameters`. `None` if there is no such recording.
    pub async fn create_export(
        &self,
        new: &NewExport,
        parameters: &serde_json::Value,
        machine: MachineId,
    ) -> Result<Option<Claim>> {
        on_connection!(self, connection => connection.transaction::<_, StoreError, _>(async |c| {
            let Some(job) = lock_job(c, new.job_id).await? else { return Ok(None) };
            let task = insert_export(c, new, parameters).await?;
            start_task(c, task, job, machine).await.map(Some)
        }))
    }

    /// Cancels an export that is not completed. False if there is none.
    pub async fn cancel_export(&self, id: ExportId) -> Result<bool> {
        on_connection!(self, connection => connection.transaction::<_, QueryError, _>(async |c| {
            let job = export_jobs::table.find(id).select(export_jobs::job_id).first::<JobId>(c).await.optional()?;
            let Some(job) = job else { return Ok(false) };
            lock_job(c, job).await?;
            cancel_exports(c, &[id]).await.map(|cancelled| cancelled > 0)
        }))
    }

    /// Completes the export under `lease`, whose file is `file`. `None` if the lease is void.
    pub async fn finish_export(&self, lease: Lease, file: &ExportedFile) -> Result<Option<ExportJob>> {
        let id = lease.export()?;
        on_connection!(self, connection => connection.transaction::<_, QueryError, _>(async |c| {
            if lock_leased_job(c, lease).await?.is_none() {
                return Ok(None);
            }
            end_task(c, lease.task, TaskState::Done, None).await?;
            diesel::update(export_jobs::table.find(id))
                .set((
                    export_jobs::status.eq(Status::Completed.as_str()),
                    export_jobs::progress.eq(100),
                    export_jobs::file_path.eq(&file.path),
                    export_jobs::note.eq(&file.note),
                    export_jobs::file_sha256.eq(&file.sha256),
                    export_jobs::passages.eq(&file.passages),
                    export_jobs::error_message.eq(None::<String>),
                ))
                .returning(ExportJob::as_returning())
                .get_result(c)
                .await
                .optional()
        }))
    }

    /// The export with this id; `None` if it does not exist.
    pub async fn export(&self, id: ExportId) -> Result<Option<ExportJob>> {
        on_connection!(self, connection => async {
            export_jobs::table.find(id).select(ExportJob::as_select()).first(connection).await.optional()
        })
    }

    /// A job's exports, newest first.
    pub async fn exports(&self, job: JobId) -> Result<Vec<ExportJob>> {
        on_connection!(self, connection => async {
            export_jobs::table
                .filter(export_jobs::job_id.eq(job))
                .order(export_jobs::created_at.desc())
                .select(ExportJob::as_select())
                .load(connection)
                .await
        })
    }

    /// The newest completed export whose file has this SHA-256.
    pub async fn export_of_file(&self, sha256: &str) -> Result<Option<ExportJob>> {
        on_connection!(self, connection => async {
            export_jobs::table
                .filter(export_jobs::file_sha256.eq(sha256))
                .order(export_jobs::created_at.desc())
                .select(ExportJob::as_select())
                .first(connection)
                .await
                .optional()
        })
    }

    /// The newest completed export that wrote a file to this path on the computer of `library`.
    pub async fn export_at(&self, library: LibraryId, path: &str) -> Result<Option<ExportJob>> {
        on_connection!(self, connection => async {
            export_jobs::table
                .filter(export_jobs::library_id.eq(library).and(export_jobs::file_path.eq(path)))
                .filter(export_jobs::file_sha256.is_not_null())
                .order(export_jobs::created_at.desc())
                .select(ExportJob::as_select())
                .first(connection)
                .await
                .optional()
        })
    }

    /// The passages of an export's file; `None` if they were not stored.
    pub async fn passages_of_export(&self, id: ExportId) -> Result<Option<Vec<u8>>> {
        on_connection!(self, connection => async {
            let found = export_jobs::table.find(id).select(export_jobs::passages);
            let found = found.first::<Option<Vec<u8>>>(connection).await.optional()?;
            Ok::<_, QueryError>(found.flatten())
        })
    }

    /// Stored passages of a meeting's exports that have this SHA-256; `None` if no export has.
    pub async fn exported_passages(&self, job: JobId, sha256: &str) -> Result<Option<Vec<u8>>> {
        on_connection!(self, connection => async {
            let hash = sql::<sql_types::Text>("encode(sha256(passages), 'hex')");
            let found = export_jobs::table
                .filter(export_jobs::job_id.eq(job).and(export_jobs::passages.is_not_null()))
                .filter(hash.eq(sha256))
                .select(export_jobs::passages)
                .first::<Option<Vec<u8>>>(connection)
                .await
                .optional()?;
            Ok::<_, QueryError>(found.flatten())
        })
    }
}

/// Inserts an export of a locked meeting with its waiting task.
pub(crate) async fn insert_export(
    c: &mut AsyncPgConnection,
    new: &NewExport,
    parameters: &serde_json::Value,
) -> diesel::QueryResult<TaskId> {
    diesel::insert_into(export_jobs::table).values(new).on_conflict_do_nothing().execute(c).await?;
    // An earlier export had this path: its removal, if it has not begun, must not take the new file away.
    diesel::delete(pending_removals::table.find((new.library_id, &new.file_path))).execute(c).await?;
    enqueue_task(c, TaskKind::Export, new.id.uuid(), new.job_id, Some(new.library_id), parameters).await
}

/// Cancels those of these exports that are not completed, whose meetings are locked; returns how many.
pub(crate) async fn cancel_exports(
    c: &mut AsyncPgConnection,
    ids: &[ExportId],
) -> diesel::QueryResult<usize> {
    let subjects: Vec<uuid::Uuid> = ids.iter().map(|id| id.uuid()).collect();
    diesel::update(tasks::table)
        .filter(tasks::kind.eq(TaskKind::Export.as_str()).and(tasks::subject.eq_any(subjects)))
        .filter(tasks::state.eq_any([TaskState::Waiting.as_str(), TaskState::Running.as_str()]))
        .set((
            tasks::state.eq(TaskState::Cancelled.as_str()),
            tasks::lease_token.eq(None::<uuid::Uuid>),
            tasks::leased_until.eq(None::<chrono::DateTime<chrono::Utc>>),
            tasks::machine_id.eq(None::<MachineId>),
        ))
        .execute(c)
        .await?;
    diesel::update(export_jobs::table)
        .filter(export_jobs::id.eq_any(ids))
        .filter(export_jobs::status.eq_any([Status::Pending.as_str(), Status::Processing.as_str()]))
        .set((export_jobs::status.eq(Status::Failed.as_str()), export_jobs::error_message.eq(CANCELLED)))
        .execute(c)
        .await
}
