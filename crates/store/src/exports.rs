//! `export_jobs`: one row for each file that leaves the archive.

use crate::archive::on_connection;
use crate::ids::{ExportId, JobId, LibraryId, MachineId};
use crate::lease::{Lease, held_job, locked_job};
use crate::schema::export_jobs;
use crate::status::{Status, TaskKind, TaskState};
use crate::tasks::{Claim, ask, begin, close};
use crate::{Result, Store, StoreError};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::result::Error as QueryError;
use diesel_async::{AsyncConnection, RunQueryDsl};

/// A row of `export_jobs`.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = export_jobs, check_for_backend(diesel::pg::Pg))]
pub struct ExportJob {
    /// Its id.
    pub id: ExportId,
    /// The recording.
    pub job_id: JobId,
    /// What kind of file.
    pub export_type: String,
    /// See [`ExportJob::status`].
    #[diesel(column_name = status)]
    pub status_word: String,
    /// 0 to 100.
    pub progress: Option<i32>,
    /// Why it failed.
    pub error_message: Option<String>,
    /// Where the file goes: absolute.
    pub file_path: Option<String>,
    /// When it was asked for, UTC.
    pub created_at: NaiveDateTime,
    /// What the user should know of a completed export.
    pub note: Option<String>,
}

impl ExportJob {
    /// How it stands.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] for a word that no version of ours writes.
    pub fn status(&self) -> Result<Status> {
        Status::from_word(&self.status_word).ok_or_else(|| {
            StoreError::Unknown(format!("status “{}” of export {}", self.status_word, self.id))
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
    /// What kind of file.
    pub export_type: String,
    /// Absolute.
    pub file_path: String,
    /// The library of the computer whose disk the path is on.
    pub library_id: LibraryId,
}

impl Store {
    /// Writes down that a file is wanted, which the caller, a process of `machine`, makes at once. `parameters` come back
    /// with the claim of whoever makes it in the end. `None` if there is no such recording.
    pub async fn create_export(
        &self,
        new: &NewExport,
        parameters: &serde_json::Value,
        machine: MachineId,
    ) -> Result<Option<Claim>> {
        on_connection!(self, connection => connection.transaction::<_, StoreError, _>(async |c| {
            let Some(job) = locked_job(c, new.job_id).await? else { return Ok(None) };
            diesel::insert_into(export_jobs::table).values(new).on_conflict_do_nothing().execute(c).await?;
            let task = ask(c, TaskKind::Export, new.id.uuid(), job.id, Some(new.library_id), parameters).await?;
            begin(c, task, job, machine).await.map(Some)
        }))
    }

    /// The export under `lease` is made: its file is at `path`. `None` if the lease is void.
    pub async fn finish_export(
        &self,
        lease: Lease,
        path: &str,
        note: Option<&str>,
    ) -> Result<Option<ExportJob>> {
        let id = lease.export()?;
        on_connection!(self, connection => connection.transaction::<_, QueryError, _>(async |c| {
            if held_job(c, lease).await?.is_none() {
                return Ok(None);
            }
            close(c, lease.task, TaskState::Done, None).await?;
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

    /// The export of this id.
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
