//! The list of meetings, newest first, in pages.
//!
//! A meeting's place is when it was recorded; if its file does not say so, when it was imported. Pages are cut by that
//! moment and the id, so that a page stays right while meetings come and go before it. The index `jobs_by_time` has the
//! same order.

use crate::ids::{FolderId, JobId, TagId};
use crate::jobs::Job;
use crate::query::on_connection;
use crate::schema::{jobs, meeting_tags};
use crate::status::Status;
use crate::{Result, Store};
use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Timestamptz, Uuid};
use diesel_async::RunQueryDsl;
use std::fmt;
use std::str::FromStr;

/// A place in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListPosition {
    /// When the meeting was recorded, else imported.
    pub at: DateTime<Utc>,
    /// The meeting; it need not exist any more.
    pub id: JobId,
}

/// Not a place in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoListPosition;

impl ListPosition {
    /// The place of a meeting.
    pub fn of(job: &Job) -> Self {
        Self { at: job.recorded_at.unwrap_or_else(|| job.created_at.and_utc()), id: job.id }
    }
}

impl fmt::Display for ListPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.at.timestamp_micros(), self.id)
    }
}

impl FromStr for ListPosition {
    type Err = NoListPosition;

    fn from_str(text: &str) -> std::result::Result<Self, NoListPosition> {
        let (micros, id) = text.split_once('_').ok_or(NoListPosition)?;
        let micros = micros.parse().map_err(|_| NoListPosition)?;
        let at = DateTime::from_timestamp_micros(micros).ok_or(NoListPosition)?;
        Ok(Self { at, id: id.parse().map_err(|_| NoListPosition)? })
    }
}

/// Which meetings to list.
#[derive(Debug, Clone, Default)]
pub struct MeetingFilter {
    /// Those in the trash, the latest first, instead of those that are not.
    pub trashed: bool,
    /// Only of this status.
    pub status: Option<Status>,
    /// Only those in one of these folders.
    pub folders: Option<Vec<FolderId>>,
    /// Only those that have all of these tags.
    pub tags: Vec<TagId>,
    /// Only favourites.
    pub favourite: bool,
    /// Only those recorded at this moment or later.
    pub from: Option<DateTime<Utc>>,
    /// Only those recorded before this moment.
    pub before: Option<DateTime<Utc>>,
    /// Only those after this place. Not with `trashed`, which has another order.
    pub after: Option<ListPosition>,
    /// At most this many.
    pub limit: Option<i64>,
}

/// The moment by which meetings are ordered. Written as in the index `jobs_by_time`.
fn listed_at() -> SqlLiteral<Timestamptz> {
    sql("coalesce(jobs.recorded_at, jobs.created_at AT TIME ZONE 'UTC')")
}

impl Store {
    /// Meetings, newest first.
    pub async fn meeting_list(&self, filter: &MeetingFilter) -> Result<Vec<Job>> {
        on_connection!(self, connection => async {
            let mut query = jobs::table.select(Job::as_select()).into_boxed();
            query = match filter.trashed {
                true => query
                    .filter(jobs::trashed_at.is_not_null())
                    .order((jobs::trashed_at.desc(), jobs::id.desc())),
                false => query.filter(jobs::trashed_at.is_null()).order((listed_at().desc(), jobs::id.desc())),
            };
            if let Some(status) = filter.status {
                query = query.filter(jobs::status.eq(status.as_str()));
            }
            if let Some(folders) = &filter.folders {
                query = query.filter(jobs::folder_id.eq_any(folders));
            }
            for tag in &filter.tags {
                let have_it =
                    meeting_tags::table.filter(meeting_tags::tag_id.eq(*tag)).select(meeting_tags::job_id);
                query = query.filter(jobs::id.eq_any(have_it));
            }
            if filter.favourite {
                query = query.filter(jobs::favourite);
            }
            if let Some(from) = filter.from {
                query = query.filter(listed_at().ge(from));
            }
            if let Some(before) = filter.before {
                query = query.filter(listed_at().lt(before));
            }
            if let Some(ListPosition { at, id }) = filter.after {
                let after = sql::<Bool>("(coalesce(jobs.recorded_at, jobs.created_at AT TIME ZONE 'UTC'), jobs.id) < (")
                    .bind::<Timestamptz, _>(at)
                    .sql(", ")
                    .bind::<Uuid, _>(id)
                    .sql(")");
                query = query.filter(after);
            }
            if let Some(limit) = filter.limit {
                query = query.limit(limit);
            }
            query.load(connection).await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_survives_being_written_and_anything_else_is_refused() {
        let at = DateTime::from_timestamp_micros(-1_234_567).expect("a moment");
        let position = ListPosition { at, id: JobId::new() };
        assert_eq!(position.to_string().parse(), Ok(position));
        let id = JobId::new();
        for text in ["", "_", "5", "5_", "x_y", &format!("{}_{id}", i64::MAX), &format!("1'; DROP_{id}")] {
            assert_eq!(text.parse::<ListPosition>(), Err(NoListPosition), "{text}");
        }
    }
}
