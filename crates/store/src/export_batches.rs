//! `export_batches`: exports of many meetings at once, to one folder or one ZIP file.

use crate::exports::{NewExport, cancel_exports, insert_export};
use crate::ids::{BatchId, ExportId, JobId, LibraryId};
use crate::jobs::Job;
use crate::query::on_connection;
use crate::schema::{export_batches, export_jobs, jobs};
use crate::status::Status;
use crate::{Result, Store};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::Error as QueryError;
use diesel_async::{AsyncConnection, RunQueryDsl};

/// A row of `export_batches`.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = export_batches, check_for_backend(diesel::pg::Pg))]
pub struct ExportBatch {
    /// The id.
    pub id: BatchId,
    /// The library of the computer that `target` is on.
    pub library_id: LibraryId,
    /// Absolute path of the folder or of the ZIP file.
    pub target: String,
    /// Whether the files go into one ZIP file.
    pub is_zip: bool,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When all its files were there and the ZIP file was written; `None` while it is under way.
    pub ended_at: Option<DateTime<Utc>>,
    /// Why the ZIP file could not be written.
    pub error_message: Option<String>,
}

/// How far the exports of a batch are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BatchCounts {
    /// Those that wait or are being made.
    pub open: usize,
    /// Those whose files are written.
    pub completed: usize,
    /// Those that failed or were cancelled.
    pub failed: usize,
}

impl Store {
    /// Creates a batch of exports that wait for a worker. Returns those of meetings that exist and are not in the trash.
    pub async fn create_export_batch(
        &self,
        batch: &ExportBatch,
        exports: &[NewExport],
        parameters: &serde_json::Value,
    ) -> Result<Vec<ExportId>> {
        on_connection!(self, connection => connection.transaction::<_, QueryError, _>(async |c| {
            diesel::insert_into(export_batches::table).values(batch).on_conflict_do_nothing().execute(c).await?;
            let wanted: Vec<JobId> = exports.iter().map(|export| export.job_id).collect();
            // In order of id, as everybody locks who locks several meetings.
            let there: Vec<JobId> = jobs::table
                .filter(jobs::id.eq_any(&wanted).and(jobs::trashed_at.is_null()))
                .order(jobs::id)
                .for_no_key_update()
                .select(Job::as_select())
                .load(c)
                .await?
                .into_iter()
                .map(|job: Job| job.id)
                .collect();
            let mut created = Vec::with_capacity(exports.len());
            for new in exports.iter().filter(|new| there.contains(&new.job_id)) {
                insert_export(c, new, parameters).await?;
                created.push(new.id);
            }
            Ok(created)
        }))
    }

    /// The batch with this id.
    pub async fn export_batch(&self, id: BatchId) -> Result<Option<ExportBatch>> {
        on_connection!(self, connection => async {
            export_batches::table.find(id).select(ExportBatch::as_select()).first(connection).await.optional()
        })
    }

    /// The batches of a library that are under way, oldest first.
    pub async fn open_export_batches(&self, library: LibraryId) -> Result<Vec<ExportBatch>> {
        on_connection!(self, connection => async {
            export_batches::table
                .filter(export_batches::library_id.eq(library).and(export_batches::ended_at.is_null()))
                .order(export_batches::created_at)
                .select(ExportBatch::as_select())
                .load(connection)
                .await
        })
    }

    /// How far the exports of a batch are.
    pub async fn batch_counts(&self, id: BatchId) -> Result<BatchCounts> {
        let found: Vec<(String, i64)> = on_connection!(self, connection => async {
            export_jobs::table
                .filter(export_jobs::batch_id.eq(id))
                .group_by(export_jobs::status)
                .select((export_jobs::status, diesel::dsl::count_star()))
                .load(connection)
                .await
        })?;
        let mut counts = BatchCounts::default();
        for (status, number) in found {
            let number = usize::try_from(number).unwrap_or_default();
            match Status::parse(&status) {
                Some(Status::Completed) => counts.completed += number,
                Some(Status::Failed) => counts.failed += number,
                _ => counts.open += number,
            }
        }
        Ok(counts)
    }

    /// The exports of a batch, in the order in which they were asked for.
    pub async fn exports_of_batch(&self, id: BatchId) -> Result<Vec<crate::ExportJob>> {
        on_connection!(self, connection => async {
            export_jobs::table
                .filter(export_jobs::batch_id.eq(id))
                .order((export_jobs::created_at, export_jobs::file_path))
                .select(crate::ExportJob::as_select())
                .load(connection)
                .await
        })
    }

    /// Ends a batch; `error` says why its ZIP file could not be written. False if it had ended.
    pub async fn end_export_batch(&self, id: BatchId, error: Option<&str>) -> Result<bool> {
        on_connection!(self, connection => async {
            diesel::update(export_batches::table.find(id).filter(export_batches::ended_at.is_null()))
                .set((
                    export_batches::ended_at.eq(diesel::dsl::now),
                    export_batches::error_message.eq(error),
                ))
                .execute(connection)
                .await
                .map(|changed| changed == 1)
        })
    }

    /// Cancels the exports of a batch that are not completed; returns how many.
    pub async fn cancel_export_batch(&self, id: BatchId) -> Result<usize> {
        on_connection!(self, connection => connection.transaction::<_, QueryError, _>(async |c| {
            let open: Vec<(ExportId, JobId)> = export_jobs::table
                .filter(export_jobs::batch_id.eq(id))
                .filter(export_jobs::status.eq_any([Status::Pending.as_str(), Status::Processing.as_str()]))
                .select((export_jobs::id, export_jobs::job_id))
                .load(c)
                .await?;
            let (exports, meetings): (Vec<ExportId>, Vec<JobId>) = open.into_iter().unzip();
            jobs::table
                .filter(jobs::id.eq_any(&meetings))
                .order(jobs::id)
                .for_no_key_update()
                .select(jobs::id)
                .load::<JobId>(c)
                .await?;
            cancel_exports(c, &exports).await
        }))
    }
}
