//! `notes`: the note of each meeting. Its revision shows whether it was changed since it was read.

use crate::ids::JobId;
use crate::lease::lock_job;
use crate::query::on_connection;
use crate::schema::notes;
use crate::{Result, Store};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::Error as QueryError;
use diesel_async::{AsyncConnection, RunQueryDsl};
use std::collections::HashSet;

/// A row of `notes`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = notes, check_for_backend(diesel::pg::Pg))]
pub struct Note {
    /// Markdown.
    pub text: String,
    /// 1 for the first text; rises by one with each change.
    pub revision: i32,
    /// When it was last changed.
    pub changed_at: DateTime<Utc>,
}

/// The result of saving a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoteSaved {
    /// It is saved.
    Saved(Note),
    /// Not saved, because the note has another revision: the present note, `None` if there is none.
    Changed(Option<Note>),
    /// There is no such meeting.
    NoMeeting,
}

impl Store {
    /// The note of a meeting; `None` if there is none.
    pub async fn note(&self, job: JobId) -> Result<Option<Note>> {
        on_connection!(self, connection => async {
            notes::table.find(job).select(Note::as_select()).first(connection).await.optional()
        })
    }

    /// Saves the note of a meeting if it still has this revision; 0: if there is none. A text that is there already
    /// counts as saved.
    pub async fn save_note(&self, job: JobId, text: &str, revision: i32) -> Result<NoteSaved> {
        on_connection!(self, connection => connection.transaction::<_, QueryError, _>(async |c| {
            // Two who save at once wait here for each other.
            if lock_job(c, job).await?.is_none() {
                return Ok(NoteSaved::NoMeeting);
            }
            let now: Option<Note> = notes::table.find(job).select(Note::as_select()).first(c).await.optional()?;
            match now {
                Some(note) if note.text == text => return Ok(NoteSaved::Saved(note)),
                Some(note) if note.revision != revision => return Ok(NoteSaved::Changed(Some(note))),
                None if revision != 0 => return Ok(NoteSaved::Changed(None)),
                _ => {}
            }
            let values = (
                notes::text.eq(text),
                notes::revision.eq(revision.saturating_add(1)),
                notes::changed_at.eq(diesel::dsl::now),
            );
            let saved = diesel::insert_into(notes::table)
                .values((notes::job_id.eq(job), values))
                .on_conflict(notes::job_id)
                .do_update()
                .set(values)
                .returning(Note::as_returning())
                .get_result(c)
                .await?;
            Ok(NoteSaved::Saved(saved))
        }))
    }

    /// Which of these meetings have a note that is not empty.
    pub async fn with_note(&self, ids: &[JobId]) -> Result<HashSet<JobId>> {
        let rows: Vec<JobId> = on_connection!(self, connection => async {
            notes::table
                .filter(notes::job_id.eq_any(ids))
                .filter(notes::text.ne(""))
                .select(notes::job_id)
                .load(connection)
                .await
        })?;
        Ok(rows.into_iter().collect())
    }
}
