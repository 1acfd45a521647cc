//! `jobs`: a recording and what is known of it.

use crate::archive::{on_connection, written};
use crate::error::StoreError;
use crate::ids::{JobId, LibraryId, TranscriptId};
use crate::schema::{export_jobs, jobs, pending_removals};
use crate::status::{Status, WorkflowState};
use crate::{Result, Store};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use diesel::result::Error as QueryError;
use diesel_async::{AsyncConnection, RunQueryDsl};
use serde::{Deserialize, Serialize};

/// A row of `jobs`.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = jobs, check_for_backend(diesel::pg::Pg))]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// The name the file came with, at most 255 characters.
    pub file_name: String,
    /// Where the audio is, relative to its library folder.
    pub file_path: String,
    /// SHA-256 of the content, 64 hexadecimal digits. The server edition may leave it out.
    pub file_hash: Option<String>,
    #[diesel(column_name = status)]
    status_word: String,
    /// Why it failed, a sentence; the neutral sentence of a cancelled one is the view's.
    pub error_message: Option<String>,
    #[diesel(column_name = workflow_state)]
    workflow_word: Option<String>,
    /// When it was registered, UTC.
    pub created_at: NaiveDateTime,
    /// When the row last changed, UTC.
    pub updated_at: NaiveDateTime,
    /// The title the user gave, if any.
    pub title: Option<String>,
    /// Length of the audio in milliseconds: from the header until it has been decoded once.
    pub duration_ms: Option<i64>,
    /// When the recording was made.
    pub recorded_at: Option<DateTime<Utc>>,
    /// Offset from UTC in seconds that `recorded_at` was written with.
    pub recorded_offset_s: Option<i32>,
    /// Size of the file in bytes.
    pub byte_size: Option<i64>,
    /// Container and codec in words people know.
    pub media_format: Option<String>,
    /// What is wrong with the audio although it was transcribed.
    pub media_note: Option<String>,
    /// The library that holds the file; `None` for the server edition's.
    pub library_id: Option<LibraryId>,
    /// The language the user chose, BCP 47.
    pub requested_language: Option<String>,
    /// The speech model the user chose.
    pub requested_model: Option<String>,
    /// The version of the transcript that is shown.
    pub current_transcript_id: Option<TranscriptId>,
    /// Whether the user wants English, whatever is spoken.
    pub requested_translate: bool,
    #[diesel(column_name = requested_vocabulary)]
    vocabulary_lines: Option<String>,
    requested_speakers_min: Option<i32>,
    requested_speakers_max: Option<i32>,
}

impl Job {
    /// Its status.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] for a word that is none of the contract's.
    pub fn status(&self) -> Result<Status> {
        Status::from_word(&self.status_word)
            .ok_or_else(|| StoreError::Unknown(format!("status “{}” of job {}", self.status_word, self.id)))
    }

    /// The furthest step begun; `None` where the server edition wrote another word or none.
    pub fn workflow_state(&self) -> Option<WorkflowState> {
        let word = self.workflow_word.as_deref()?;
        WorkflowState::from_word(word)
    }

    /// What the user chose to have it transcribed with.
    pub fn choice(&self) -> Choice {
        let lines = self.vocabulary_lines.as_deref().unwrap_or_default().lines();
        Choice {
            model: self.requested_model.clone(),
            language: self.requested_language.clone(),
            translate: self.requested_translate,
            vocabulary: lines.map(str::to_owned).collect(),
            speakers_min: self.requested_speakers_min,
            speakers_max: self.requested_speakers_max,
        }
    }

    /// Whether the user stopped it.
    pub fn is_cancelled(&self) -> bool {
        self.workflow_state() == Some(WorkflowState::Cancelled)
    }
}

/// What a recording is to be transcribed with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choice {
    /// Name of a speech model; none: the engine that needs none.
    pub model: Option<String>,
    /// Spoken language, BCP 47; none: the engine's own, or what it finds out.
    pub language: Option<String>,
    /// English, whatever is spoken.
    pub translate: bool,
    /// Names and terms to expect.
    pub vocabulary: Vec<String>,
    /// At least so many people speak, as far as is known.
    pub speakers_min: Option<i32>,
    /// At most so many.
    pub speakers_max: Option<i32>,
}

impl Choice {
    /// The vocabulary as it is stored: a term in a line, none without terms.
    pub fn vocabulary_lines(&self) -> Option<String> {
        let terms = self.vocabulary.iter().map(|term| transcript::one_line(term));
        let lines = terms.filter(|term| !term.is_empty()).collect::<Vec<_>>().join("\n");
        (!lines.is_empty()).then_some(lines)
    }
}

/// What intake knows of a new recording.
#[derive(Debug, Clone, Insertable, Serialize, Deserialize)]
#[diesel(table_name = jobs, check_for_backend(diesel::pg::Pg))]
pub struct NewJob {
    /// Chosen by intake: the folder of the file is named after it.
    pub id: JobId,
    /// At most 255 characters.
    pub file_name: String,
    /// Relative to the library folder.
    pub file_path: String,
    /// SHA-256, 64 hexadecimal digits.
    pub file_hash: String,
    /// Milliseconds, from the header.
    pub duration_ms: Option<i64>,
    /// From the container, else the file's modification time.
    pub recorded_at: Option<DateTime<Utc>>,
    /// Seconds east of UTC.
    pub recorded_offset_s: Option<i32>,
    /// Bytes.
    pub byte_size: i64,
    /// Container and codec.
    pub media_format: String,
    /// The library that holds the file.
    pub library_id: LibraryId,
    /// BCP 47.
    pub requested_language: Option<String>,
    /// Name of a speech model.
    pub requested_model: Option<String>,
    /// English, whatever is spoken.
    pub requested_translate: bool,
    /// See [`Choice::vocabulary_lines`].
    pub requested_vocabulary: Option<String>,
    /// At least so many people speak.
    pub requested_speakers_min: Option<i32>,
    /// At most so many.
    pub requested_speakers_max: Option<i32>,
}

/// What became of a registration.
#[derive(Debug, Clone, PartialEq)]
pub enum Registered {
    /// The job is new.
    New(Job),
    /// This content was registered before.
    Duplicate(Job),
}

/// What a part of an id stands for.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// No job.
    Nothing,
    /// This one.
    One(Box<Job>),
    /// Several; more digits are needed.
    Several,
}

/// Which jobs to list.
#[derive(Debug, Clone, Copy, Default)]
pub struct JobFilter {
    /// Only these.
    pub status: Option<Status>,
    /// At most so many.
    pub limit: Option<i64>,
}

impl Store {
    /// Registers a recording unless its content is registered already. Of two processes with the same content exactly
    /// one gets [`Registered::New`].
    pub async fn register(&self, new: &NewJob) -> Result<Registered> {
        on_connection!(self, connection => async {
            // The winner of a conflict may be deleted before we read it; then the place is free.
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
                if let Some(job) = insert.load(connection).await.map(written)? {
                    return Ok(Registered::New(job));
                }
                if let Some(job) = by_hash(connection, &new.file_hash).await? {
                    // Ours: committed just before the connection broke.
                    let ours = job.id == new.id;
                    return Ok(if ours { Registered::New(job) } else { Registered::Duplicate(job) });
                }
            }
            Err(StoreError::Stale("the same recording is being added and deleted at once"))
        })
    }

    /// The job of this content.
    pub async fn job_by_hash(&self, hash: &str) -> Result<Option<Job>> {
        on_connection!(self, connection => by_hash(connection, hash))
    }

    /// The job of this id.
    pub async fn job(&self, id: JobId) -> Result<Option<Job>> {
        on_connection!(self, connection => async {
            jobs::table.find(id).select(Job::as_select()).first(connection).await.optional()
        })
    }

    /// Those of `ids` that exist, newest first.
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

    /// The job whose id begins with `prefix`, hyphens or not.
    pub async fn find_job(&self, prefix: &str) -> Result<Found> {
        let digits: String = prefix.chars().filter(|c| *c != '-').collect::<String>().to_ascii_lowercase();
        if digits.is_empty() || digits.len() > 32 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Ok(Found::Nothing);
        }
        // The ids between the prefix filled up with zeroes and with ones.
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
            (1, Some(job)) => Found::One(Box::new(job)),
            (_, Some(_)) => Found::Several,
            (_, None) => Found::Nothing,
        })
    }

    /// Jobs, newest first.
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

    /// Gives a job a title. `None` if there is no such job.
    pub async fn rename_job(&self, id: JobId, title: &str) -> Result<Option<Job>> {
        on_connection!(self, connection => async {
            let update =
                diesel::update(jobs::table.find(id)).set(jobs::title.eq(title)).returning(Job::as_returning());
            update.load(connection).await.map(written)
        })
    }

    /// Adds a note about the file to the notes that the recording has, unless it is one of them. `None` if there is no such
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

    /// Removes a job and all that hangs on it; its file is noted in `pending_removals`. Gives the job as it was and the
    /// paths of the exports that were made on the computer of `library` and are no other export's.
    pub async fn delete_job(&self, id: JobId, library: LibraryId) -> Result<Option<(Job, Vec<String>)>> {
        on_connection!(self, connection => connection.transaction::<_, QueryError, _>(async |c| {
            let job = jobs::table.find(id).for_update().select(Job::as_select()).first(c).await.optional()?;
            let Some(job) = job else { return Ok(None) };
            let here = export_jobs::table.filter(export_jobs::library_id.eq(library)).select(export_jobs::file_path);
            let mut exports: Vec<Option<String>> = here.filter(export_jobs::job_id.eq(id)).load(c).await?;
            if let Some(owner) = job.library_id {
                diesel::insert_into(pending_removals::table)
                    .values((pending_removals::library_id.eq(owner), pending_removals::file_path.eq(&job.file_path)))
                    .on_conflict_do_nothing()
                    .execute(c)
                    .await?;
            }
            diesel::delete(jobs::table.find(id)).execute(c).await?;
            // A name may have been used again after its file was removed by hand.
            let kept: Vec<Option<String>> = here.filter(export_jobs::file_path.eq_any(&exports)).load(c).await?;
            exports.retain(|path| !kept.contains(path));
            Ok(Some((job, exports.into_iter().flatten().collect())))
        }))
    }
}

async fn by_hash(
    connection: &mut diesel_async::AsyncPgConnection,
    hash: &str,
) -> diesel::QueryResult<Option<Job>> {
    jobs::table.filter(jobs::file_hash.eq(hash)).select(Job::as_select()).first(connection).await.optional()
}
