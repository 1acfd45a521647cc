//! `export_jobs`: one row per exported file.

use crate::claims::{Claim, start_task};
use crate::ids::{ExportId, JobId, LibraryId, MachineId};
use crate::lease::{Lease, lock_job, lock_leased_job};
use crate::query::on_connection;
use crate::schema::{export_jobs, pending_removals};
use crate::status::{Status, TaskKind, TaskState};
use crate::tasks::{end_task, enqueue_task};
use crate::{Result, Store, StoreError};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::result::Error as QueryError;
use diesel_async::{AsyncConnection, RunQueryDsl};

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
    /// A note for the user about a completed export.
    pub note: Option<String>,
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
}

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
            diesel::insert_into(export_jobs::table).values(new).on_conflict_do_nothing().execute(c).await?;
            // An earlier export had this path: its removal, if it has not begun, must not take the new file away.
            diesel::delete(pending_removals::table.find((new.library_id, &new.file_path))).execute(c).await?;
            let task = enqueue_task(c, TaskKind::Export, new.id.uuid(), job.id, Some(new.library_id), parameters).await?;
            start_task(c, task, job, machine).await.map(Some)
        }))
    }

    /// Completes the export under `lease`: its file is at `path`. `None` if the lease is void.
    pub async fn finish_export(
        &self,
        lease: Lease,
        path: &str,
        note: Option<&str>,
    ) -> Result<Option<ExportJob>> {
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
                    export_jobs::file_path.eq(path),
                    export_jobs::note.eq(note),
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
}
