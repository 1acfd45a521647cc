//! `summaries`: what a meeting was about, made by rules or by a language model.

use crate::ids::{JobId, SummaryId, TranscriptId};
use crate::lease::lock_job;
use crate::query::on_connection;
use crate::schema::summaries;
use crate::{Result, Store};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::Error as QueryError;
use diesel_async::{AsyncConnection, RunQueryDsl};
use serde_json::Value;

/// What a summary is made with.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = summaries, check_for_backend(diesel::pg::Pg))]
pub struct NewSummary {
    /// The id.
    pub id: SummaryId,
    /// The meeting.
    pub job_id: JobId,
    /// The version of the transcript it was made of; `None` if that was deleted.
    pub transcript_id: Option<TranscriptId>,
    /// `extract` or `model`.
    pub kind: String,
    /// The name of the template; `None` for an extract.
    pub template: Option<String>,
    /// What made it: `extract`, or the engine of the language model.
    pub engine: String,
    /// The language model; `None` for an extract.
    pub model: Option<String>,
    /// The language of its statements: a BCP 47 tag.
    pub language: Option<String>,
    /// `covered` and `sections`.
    pub content: Value,
    /// The passages it was made of, in the form of `export_jobs.passages`.
    pub passages: Vec<u8>,
}

/// A row of `summaries`.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = summaries, check_for_backend(diesel::pg::Pg))]
pub struct StoredSummary {
    /// The summary.
    #[diesel(embed)]
    pub summary: NewSummary,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// 1 as it was made; rises by one with each change by hand.
    pub revision: i32,
    /// When it was last changed by hand.
    pub edited_at: Option<DateTime<Utc>>,
}

/// The result of changing a summary by hand.
#[derive(Debug, Clone, PartialEq)]
pub enum SummarySaved {
    /// It is saved.
    Saved(StoredSummary),
    /// Not saved, because the summary has another revision: the present one.
    Changed(StoredSummary),
    /// There is no such summary.
    None,
}

impl Store {
    /// Stores a summary. `None` if its meeting does not exist.
    pub async fn add_summary(&self, new: &NewSummary) -> Result<Option<StoredSummary>> {
        on_connection!(self, connection => connection.transaction::<_, QueryError, _>(async |c| {
            if lock_job(c, new.job_id).await?.is_none() {
                return Ok(None);
            }
            diesel::insert_into(summaries::table).values(new).on_conflict_do_nothing().execute(c).await?;
            summaries::table.find(new.id).select(StoredSummary::as_select()).first(c).await.map(Some)
        }))
    }

    /// The summary with this id.
    pub async fn summary(&self, id: SummaryId) -> Result<Option<StoredSummary>> {
        on_connection!(self, connection => async {
            summaries::table.find(id).select(StoredSummary::as_select()).first(connection).await.optional()
        })
    }

    /// The newest summary of a meeting; `None` if it has none.
    pub async fn newest_summary(&self, job: JobId) -> Result<Option<StoredSummary>> {
        on_connection!(self, connection => async {
            summaries::table
                .filter(summaries::job_id.eq(job))
                .order((summaries::created_at.desc(), summaries::id.desc()))
                .select(StoredSummary::as_select())
                .first(connection)
                .await
                .optional()
        })
    }

    /// The summaries of a meeting, newest first.
    pub async fn summaries(&self, job: JobId) -> Result<Vec<StoredSummary>> {
        on_connection!(self, connection => async {
            summaries::table
                .filter(summaries::job_id.eq(job))
                .order((summaries::created_at.desc(), summaries::id.desc()))
                .select(StoredSummary::as_select())
                .load(connection)
                .await
        })
    }

    /// Stores a change by hand of a summary that still has this revision. Content that is there already counts as saved.
    pub async fn edit_summary(&self, id: SummaryId, content: &Value, revision: i32) -> Result<SummarySaved> {
        on_connection!(self, connection => connection.transaction::<_, QueryError, _>(async |c| {
            let now: Option<StoredSummary> = summaries::table
                .find(id)
                .for_update()
                .select(StoredSummary::as_select())
                .first(c)
                .await
                .optional()?;
            match now {
                None => return Ok(SummarySaved::None),
                Some(now) if now.summary.content == *content => return Ok(SummarySaved::Saved(now)),
                Some(now) if now.revision != revision => return Ok(SummarySaved::Changed(now)),
                Some(_) => {}
            }
            let saved = diesel::update(summaries::table.find(id))
                .set((
                    summaries::content.eq(content),
                    summaries::revision.eq(revision.saturating_add(1)),
                    summaries::edited_at.eq(diesel::dsl::now),
                ))
                .returning(StoredSummary::as_returning())
                .get_result(c)
                .await?;
            Ok(SummarySaved::Saved(saved))
        }))
    }

    /// Deletes a summary. Returns whether it existed.
    pub async fn delete_summary(&self, id: SummaryId) -> Result<bool> {
        let deleted = on_connection!(self, connection => async {
            diesel::delete(summaries::table.find(id)).execute(connection).await
        })?;
        Ok(deleted > 0)
    }
}
