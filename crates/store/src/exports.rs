//! `export_jobs`: one row for each file that leaves the archive.

use crate::archive::{on_connection, written};
use crate::ids::{ExportId, JobId, LibraryId};
use crate::jobs::Status;
use crate::schema::export_jobs;
use crate::{Result, Store, StoreError};
use chrono::NaiveDateTime;
use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::result::Error as QueryError;
use diesel::sql_types::{Bool, Nullable, Timestamptz};
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

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
    /// Whether a file that is there already may be replaced.
    pub replace_existing: bool,
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

/// The right to make one export.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportClaim {
    /// The export as it was claimed.
    pub export: ExportJob,
    token: Uuid,
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
    /// Whether a file that is there already may be replaced.
    pub replace_existing: bool,
    /// The library of the computer whose disk the path is on.
    pub library_id: LibraryId,
}

impl Store {
    /// Writes down that a file is wanted.
    pub async fn create_export(&self, new: &NewExport) -> Result<()> {
        on_connection!(self, connection => async {
            diesel::insert_into(export_jobs::table)
                .values(new)
                .on_conflict_do_nothing()
                .execute(connection)
                .await
                .map(|_| ())
        })
    }

    /// Claims the export `id`, which was just written down.
    pub async fn claim_export(&self, id: ExportId) -> Result<Option<ExportClaim>> {
        self.claim(sql("status = 'pending'"), Some(id), None).await
    }

    /// Claims the oldest export of `library`'s computer that nobody has made for a minute: its process is gone.
    pub async fn claim_abandoned_export(&self, library: LibraryId) -> Result<Option<ExportClaim>> {
        let abandoned = "(status = 'pending' AND updated_at < now() - interval '1 minute'
            OR status = 'processing' AND coalesce(claimed_until < now(), TRUE))";
        self.claim(sql(abandoned), None, Some(library)).await
    }

    async fn claim(
        &self,
        free: SqlLiteral<Bool>,
        only: Option<ExportId>,
        library: Option<LibraryId>,
    ) -> Result<Option<ExportClaim>> {
        on_connection!(self, connection => connection.transaction::<_, QueryError, _>(async |c| {
            let free = export_jobs::table
                .filter(free.clone())
                // The server edition's rows name no path of ours.
                .filter(export_jobs::file_path.is_not_null())
                .filter(export_jobs::id.nullable().eq(only).or(only.is_none().into_sql::<Bool>().nullable()))
                .filter(export_jobs::library_id.eq(library).or(library.is_none().into_sql::<Bool>().nullable()))
                .order(export_jobs::created_at)
                .for_update()
                .skip_locked()
                .select(export_jobs::id);
            let Some(id): Option<ExportId> = free.first(c).await.optional()? else { return Ok(None) };
            let token = Uuid::new_v4();
            let claimed: Option<ExportJob> = diesel::update(export_jobs::table.find(id))
                .set((
                    export_jobs::status.eq(Status::Processing.as_str()),
                    export_jobs::progress.eq(0),
                    export_jobs::claimed_until.eq(claim_end()),
                    export_jobs::claim_token.eq(token),
                ))
                .returning(ExportJob::as_returning())
                .get_result(c)
                .await
                .optional()?;
            Ok(claimed.map(|export| ExportClaim { export, token }))
        }))
    }

    /// Notes how far an export is, 0 to 100, and keeps its claim. False if that is void: another process makes the export
    /// now, or it is gone.
    pub async fn set_export_progress(&self, claim: &ExportClaim, progress: i32) -> Result<bool> {
        on_connection!(self, connection => async {
            let noted = diesel::update(held(claim))
                .set((
                    export_jobs::progress.eq(progress),
                    export_jobs::claimed_until.eq(claim_end()),
                ))
                .execute(connection)
                .await?;
            Ok::<_, QueryError>(noted == 1)
        })
    }

    /// Ends an export: with the path where the file came to be and a note, or with the reason why there is none.
    /// `None` if the claim is void: another process makes the export now, or it is gone.
    pub async fn end_export(
        &self,
        claim: &ExportClaim,
        outcome: std::result::Result<(&str, Option<&str>), &str>,
    ) -> Result<Option<ExportJob>> {
        on_connection!(self, connection => async {
            let row = diesel::update(held(claim));
            match outcome {
                Ok((path, note)) => {
                    let completed = row.set((
                        export_jobs::status.eq(Status::Completed.as_str()),
                        export_jobs::progress.eq(100),
                        export_jobs::file_path.eq(path),
                        export_jobs::note.eq(note),
                        export_jobs::error_message.eq(None::<String>),
                    ));
                    completed.returning(ExportJob::as_returning()).load(connection).await.map(written)
                }
                Err(message) => {
                    let failed = row.set((
                        export_jobs::status.eq(Status::Failed.as_str()),
                        export_jobs::error_message.eq(message),
                    ));
                    failed.returning(ExportJob::as_returning()).load(connection).await.map(written)
                }
            }
        })
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

/// The row of an export, as long as nobody else has claimed it.
#[diesel::dsl::auto_type(no_type_alias)]
fn held(claim: &ExportClaim) -> _ {
    let (id, token): (ExportId, Uuid) = (claim.export.id, claim.token);
    export_jobs::table.filter(export_jobs::id.eq(id)).filter(export_jobs::claim_token.eq(token))
}

/// An export takes seconds; whoever has shown no progress for a minute is gone.
fn claim_end() -> SqlLiteral<Nullable<Timestamptz>> {
    sql("now() + interval '1 minute'")
}
