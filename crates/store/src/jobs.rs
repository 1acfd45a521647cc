//! `jobs`: recordings.

use crate::error::StoreError;
use crate::ids::{FolderId, JobId, LibraryId, TranscriptId};
use crate::query::{first_row, on_connection};
use crate::schema::{export_jobs, jobs};
use crate::status::{Status, WorkflowState};
use crate::{Result, Store};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use diesel::result::Error as QueryError;
use diesel::sql_types;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// A row of `jobs`.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = jobs, check_for_backend(diesel::pg::Pg))]
pub struct Job {
    /// The id.
    pub id: JobId,
    /// Name of the imported file, at most 255 characters.
    pub file_name: String,
    /// Path of the audio, relative to the folder of its library.
    pub file_path: String,
    /// SHA-256 of the content, 64 hexadecimal digits. The server edition may omit it.
    pub file_hash: Option<String>,
    #[diesel(column_name = status)]
    status_text: String,
    /// Why it failed, as a sentence; `None` for a cancelled job.
    pub error_message: Option<String>,
    #[diesel(column_name = workflow_state)]
    workflow_state_text: Option<String>,
    /// When it was registered, UTC.
    pub created_at: NaiveDateTime,
    /// When the row last changed, UTC.
    pub updated_at: NaiveDateTime,
    /// The title the user gave, if any.
    pub title: Option<String>,
    /// Length of the audio in milliseconds; taken from the header until it has been decoded once.
    pub duration_ms: Option<i64>,
    /// When the recording was made.
    pub recorded_at: Option<DateTime<Utc>>,
    /// Offset from UTC in seconds that `recorded_at` was written with.
    pub recorded_offset_s: Option<i32>,
    /// Size of the file in bytes.
    pub byte_size: Option<i64>,
    /// Container and codec, as shown to users.
    pub media_format: Option<String>,
    /// Notes about damage of the audio.
    pub media_note: Option<String>,
    /// The library that holds the file; `None` for the server edition's.
    pub library_id: Option<LibraryId>,
    /// The language the user chose, BCP 47.
    pub requested_language: Option<String>,
    /// The speech model the user chose.
    pub requested_model: Option<String>,
    /// The version of the transcript that is shown.
    pub current_transcript_id: Option<TranscriptId>,
    /// Whether the user wants a translation to English.
    pub requested_translate: bool,
    #[diesel(column_name = requested_vocabulary)]
    vocabulary_lines: Option<String>,
    requested_speakers_min: Option<i32>,
    requested_speakers_max: Option<i32>,
    /// Whether the user keeps it: clean-up never removes it.
    pub pinned: bool,
    /// When clean-up removed the audio; `None` if the audio is kept.
    pub audio_removed_at: Option<DateTime<Utc>>,
    /// The folder that it is in, if any.
    pub folder_id: Option<FolderId>,
    /// Whether it is a favourite.
    pub favourite: bool,
    /// Since when it is in the trash; `None` if it is not.
    pub trashed_at: Option<DateTime<Utc>>,
}

impl Job {
    /// The status.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] for a value that is not in the contract.
    pub fn status(&self) -> Result<Status> {
        Status::parse(&self.status_text)
            .ok_or_else(|| StoreError::Unknown(format!("status “{}” of job {}", self.status_text, self.id)))
    }

    /// The step the work has reached; `None` if the server edition wrote another value or none.
    pub fn workflow_state(&self) -> Option<WorkflowState> {
        WorkflowState::parse(self.workflow_state_text.as_deref()?)
    }

    /// The options that the user chose for transcription.
    pub fn requested_options(&self) -> RequestedOptions {
        let lines = self.vocabulary_lines.as_deref().unwrap_or_default().lines();
        RequestedOptions {
            model: self.requested_model.clone(),
            language: self.requested_language.clone(),
            translate: self.requested_translate,
            vocabulary: lines.map(str::to_owned).collect(),
            speakers_min: self.requested_speakers_min,
            speakers_max: self.requested_speakers_max,
        }
    }

    /// Whether the user cancelled it.
    pub fn is_cancelled(&self) -> bool {
        self.workflow_state() == Some(WorkflowState::Cancelled)
    }
}

/// Options that a user chose for the transcription of a recording.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RequestedOptions {
    /// Name of a speech model; `None` for the built-in one.
    pub model: Option<String>,
    /// Spoken language, BCP 47; `None` for the engine's only language, or to detect it.
    pub language: Option<String>,
    /// Whether to translate to English.
    pub translate: bool,
    /// Names and terms that occur in the recording.
    pub vocabulary: Vec<String>,
    /// Fewest speakers; `None` if unknown.
    pub speakers_min: Option<i32>,
    /// Most speakers; `None` if unknown.
    pub speakers_max: Option<i32>,
}

impl RequestedOptions {
    /// The vocabulary as it is stored: one term per line, `None` if there are no terms.
    pub fn vocabulary_lines(&self) -> Option<String> {
        let terms = self.vocabulary.iter().map(|term| transcript::single_line(term));
        let lines = terms.filter(|term| !term.is_empty()).collect::<Vec<_>>().join("\n");
        (!lines.is_empty()).then_some(lines)
    }
}

/// A recording to be registered.
#[derive(Debug, Clone, Insertable, Serialize, Deserialize)]
#[diesel(table_name = jobs, check_for_backend(diesel::pg::Pg))]
pub struct NewJob {
    /// The id, chosen by the caller: the folder of the file is named after it.
    pub id: JobId,
    /// At most 255 characters.
    pub file_name: String,
    /// Relative to the library folder.
    pub file_path: String,
    /// SHA-256, 64 hexadecimal digits.
    pub file_hash: String,
    /// Length of the audio in milliseconds, from the header.
    pub duration_ms: Option<i64>,
    /// When the recording was made: from the container, else the modification time of the file.
    pub recorded_at: Option<DateTime<Utc>>,
    /// Offset of `recorded_at` from UTC in seconds, positive east.
    pub recorded_offset_s: Option<i32>,
    /// Size of the file in bytes.
    pub byte_size: i64,
    /// Container and codec.
    pub media_format: String,
    /// The library that holds the file.
    pub library_id: LibraryId,
    /// BCP 47.
    pub requested_language: Option<String>,
    /// Name of a speech model.
    pub requested_model: Option<String>,
    /// Whether to translate to English.
    pub requested_translate: bool,
    /// See [`RequestedOptions::vocabulary_lines`].
    pub requested_vocabulary: Option<String>,
    /// Fewest speakers; `None` if unknown.
    pub requested_speakers_min: Option<i32>,
    /// Most speakers; `None` if unknown.
    pub requested_speakers_max: Option<i32>,
}

/// Result of a registration.
#[derive(Debug, Clone, PartialEq)]
pub enum Registration {
    /// The job is new.
    New(Job),
    /// A job with the same content exists already.
    Duplicate(Job),
}

/// The job found for the beginning of an id.
#[derive(Debug, Clone, PartialEq)]
pub enum JobMatch {
    /// No job.
    NotFound,
    /// Exactly one job.
    Unique(Box<Job>),
    /// Several jobs; more digits are needed.
    Ambiguous,
}

/// Which jobs to return.
#[derive(Debug, Clone, Copy, Default)]
pub struct JobFilter {
    /// Only jobs of this status.
    pub status: Option<Status>,
    /// At most this many.
    pub limit: Option<i64>,
}

impl Store {
    /// Registers a recording, unless one with the same content exists. Of two processes that register the same content
    /// at once, exactly one gets [`Registration::New`].
    pub async fn register(&self, new: &NewJob) -> Result<Registration> {
        on_connection!(self, connection => async {
            // The existing job may be deleted before it is read; then registering is tried again.
            for _ in 0..8 {
                let insert = diesel::insert_into(jobs::table)
                    .values((
                        new,
                        jobs::status.eq(Status::Pending.as_str()),
                        jobs::workflow_state.eq(WorkflowState::Queued.as_str()),
                    ))
                    .on_conflict(jobs::file_hash)
                    .do_nothing()
                    .returning(Job::as_returning());
                if let Some(job) = insert.load(connection).await.map(first_row)? {
                    return Ok(Registration::New(job));
                }
                if let Some(job) = by_hash(connection, &new.file_hash).await? {
                    // The same id: an earlier attempt was committed although its connection broke.
                    let ours = job.id == new.id;
                    return Ok(if ours { Registration::New(job) } else { Registration::Duplicate(job) });
                }
            }
            Err(StoreError::Stale("the same recording is being added and deleted at the same time"))
        })
    }

    /// The job with this SHA-256 of its content.
    pub async fn job_by_hash(&self, hash: &str) -> Result<Option<Job>> {
        on_connection!(self, connection => by_hash(connection, hash))
    }

    /// The job with this id.
    pub async fn job(&self, id: JobId) -> Result<Option<Job>> {
        on_connection!(self, connection => async {
            jobs::table.find(id).select(Job::as_select()).first(connection).await.optional()
        })
    }

    /// The jobs with these ids that exist, newest first.
    pub async fn jobs_by_id(&self, ids: &[JobId]) -> Result<Vec<Job>> {
        on_connection!(self, connection => async {
            jobs::table
                .filter(jobs::id.eq_any(ids))
                .order((jobs::created_at.desc(), jobs::id.desc()))
                .select(Job::as_select())
                .load(connection)
                .await
        })
    }

    /// The job whose id begins with `prefix`, with or without hyphens.
    pub async fn find_job(&self, prefix: &str) -> Result<JobMatch> {
        let digits: String = prefix.chars().filter(|c| *c != '-').collect::<String>().to_ascii_lowercase();
        if digits.is_empty() || digits.len() > 32 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Ok(JobMatch::NotFound);
        }
        // All ids from the prefix padded with `0` to the prefix padded with `f`.
        let bound = |fill: char| {
            let full: String = digits.chars().chain(std::iter::repeat(fill)).take(32).collect();
            full.parse::<JobId>().expect("32 hexadecimal digits are a UUID")
        };
        let mut found: Vec<Job> = on_connection!(self, connection => async {
            jobs::table
                .filter(jobs::id.between(bound('0'), bound('f')))
                .limit(2)
                .select(Job::as_select())
                .load(connection)
                .await
        })?;
        Ok(match (found.len(), found.pop()) {
            (1, Some(job)) => JobMatch::Unique(Box::new(job)),
            (_, Some(_)) => JobMatch::Ambiguous,
            (_, None) => JobMatch::NotFound,
        })
    }

    /// Jobs, also those in the trash, the last registered first. For what users see, see [`Store::meeting_list`].
    pub async fn jobs(&self, filter: JobFilter) -> Result<Vec<Job>> {
        on_connection!(self, connection => async {
            let mut query = jobs::table
                .order((jobs::created_at.desc(), jobs::id.desc()))
                .select(Job::as_select())
                .into_boxed();
            if let Some(status) = filter.status {
                query = query.filter(jobs::status.eq(status.as_str()));
            }
            if let Some(limit) = filter.limit {
                query = query.limit(limit);
            }
            query.load(connection).await
        })
    }

    /// Sets the title of a job. `None` if there is no such job.
    pub async fn rename_job(&self, id: JobId, title: &str) -> Result<Option<Job>> {
        on_connection!(self, connection => async {
            let update =
                diesel::update(jobs::table.find(id)).set(jobs::title.eq(title)).returning(Job::as_returning());
            update.load(connection).await.map(first_row)
        })
    }

    /// As [`Store::rename_job`], if the stored title is still `from`. `None` if it is not, or there is no such job.
    pub async fn rename_job_from(&self, id: JobId, from: Option<&str>, title: &str) -> Result<Option<Job>> {
        on_connection!(self, connection => async {
            let unchanged = jobs::table.find(id).filter(jobs::title.is_not_distinct_from(from));
            let update = diesel::update(unchanged).set(jobs::title.eq(title)).returning(Job::as_returning());
            update.load(connection).await.map(first_row)
        })
    }

    /// Appends a note about the file to the notes of a recording, unless they contain it. `None` if there is no such
    /// recording.
    pub async fn add_media_note(&self, id: JobId, note: &str) -> Result<Option<Job>> {
        on_connection!(self, connection => connection.transaction::<_, QueryError, _>(async |c| {
            let found = jobs::table.find(id).select(Job::as_select()).for_update().first(c).await.optional()?;
            let Some(job) = found else { return Ok(None) };
            let notes = match &job.media_note {
                Some(before) if before.contains(note) => return Ok(Some(job)),
                Some(before) => format!("{}. {note}", before.trim_end_matches('.')),
                None => note.to_owned(),
            };
            let update =
                diesel::update(jobs::table.find(id)).set(jobs::media_note.eq(&notes)).returning(Job::as_returning());
            update.get_result(c).await.map(Some)
        }))
    }

    /// Deletes a job and everything that belongs to it; its file is added to `pending_removals`. Returns the deleted
    /// job, and the paths of its exports on the computer of `library` that no other export has.
    pub async fn delete_job(&self, id: JobId, library: LibraryId) -> Result<Option<(Job, Vec<String>)>> {
        on_connection!(self, connection => connection.transaction::<_, QueryError, _>(async |c| {
            let job = jobs::table.find(id).for_update().select(Job::as_select()).first(c).await.optional()?;
            let Some(job) = job else { return Ok(None) };
            let exports = delete_locked(c, std::slice::from_ref(&job), library).await?;
            Ok(Some((job, exports)))
        }))
    }
}

/// Deletes locked jobs and everything that belongs to them; their files are added to `pending_removals`. Returns the paths
/// of their exports on the computer of `library` that no other export has.
pub(crate) async fn delete_locked(
    c: &mut AsyncPgConnection,
    jobs: &[Job],
    library: LibraryId,
) -> diesel::QueryResult<Vec<String>> {
    let ids: Vec<JobId> = jobs.iter().map(|job| job.id).collect();
    let on_this_computer =
        export_jobs::table.filter(export_jobs::library_id.eq(library)).select(export_jobs::file_path);
    let mut exports: Vec<Option<String>> =
        on_this_computer.filter(export_jobs::job_id.eq_any(&ids)).load(c).await?;
    let (owners, files): (Vec<LibraryId>, Vec<&str>) =
        jobs.iter().filter_map(|job| Some((job.library_id?, job.file_path.as_str()))).unzip();
    diesel::sql_query(
        "INSERT INTO pending_removals (library_id, file_path) SELECT * FROM unnest($1, $2) ON CONFLICT DO NOTHING",
    )
    .bind::<sql_types::Array<sql_types::Uuid>, _>(owners)
    .bind::<sql_types::Array<sql_types::Text>, _>(files)
    .execute(c)
    .await?;
    diesel::delete(jobs::table.filter(jobs::id.eq_any(&ids))).execute(c).await?;
    // Another export may have the same path, if the user removed the first file by hand.
    let still_used: Vec<Option<String>> =
        on_this_computer.filter(export_jobs::file_path.eq_any(&exports)).load(c).await?;
    let still_used: HashSet<Option<String>> = still_used.into_iter().collect();
    exports.retain(|path| !still_used.contains(path));
    Ok(exports.into_iter().flatten().collect())
}

async fn by_hash(connection: &mut AsyncPgConnection, hash: &str) -> diesel::QueryResult<Option<Job>> {
    jobs::table.filter(jobs::file_hash.eq(hash)).select(Job::as_select()).first(connection).await.optional()
}
