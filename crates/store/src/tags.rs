//! `tags` and `meeting_tags`: tags with colours, and which meetings have them.

use crate::error::StoreError;
use crate::folders::lower;
use crate::ids::{JobId, TagId};
use crate::query::{first_row, on_connection};
use crate::schema::{jobs, meeting_tags, tags};
use crate::{Result, Store};
use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as QueryError};
use diesel_async::RunQueryDsl;
use std::collections::HashMap;

/// A row of `tags`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = tags, check_for_backend(diesel::pg::Pg))]
pub struct Tag {
    /// The id.
    pub id: TagId,
    /// Its name, 1 to 100 characters.
    pub name: String,
    /// The name of its colour, `c1` to `c12`.
    pub colour: String,
}

/// The result of a change of a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagChange {
    /// It is done; the tag as it is now.
    Done(Tag),
    /// There is no such tag.
    NotFound,
    /// Another tag has this name, in upper or lower case.
    NameTaken,
}

impl Store {
    /// All tags by name, with the number of meetings that have each, without those in the trash.
    pub async fn tags(&self) -> Result<Vec<(Tag, i64)>> {
        let (rows, counts): (Vec<Tag>, Vec<(TagId, i64)>) = on_connection!(self, connection => async {
            let rows =
                tags::table.order((lower(tags::name), tags::id)).select(Tag::as_select()).load(connection).await?;
            let counts = meeting_tags::table
                .inner_join(jobs::table)
                .filter(jobs::trashed_at.is_null())
                .group_by(meeting_tags::tag_id)
                .select((meeting_tags::tag_id, count_star()))
                .load(connection)
                .await?;
            Ok::<_, QueryError>((rows, counts))
        })?;
        let counts: HashMap<TagId, i64> = counts.into_iter().collect();
        let with_count = |tag: Tag| {
            let meetings = counts.get(&tag.id).copied().unwrap_or(0);
            (tag, meetings)
        };
        Ok(rows.into_iter().map(with_count).collect())
    }

    /// Makes a tag. Its name and colour must fit the table.
    pub async fn add_tag(&self, tag: &Tag) -> Result<TagChange> {
        let added = on_connection!(self, connection => async {
            let insert = diesel::insert_into(tags::table)
                .values(tag)
                // The same id: an earlier attempt was committed although its connection broke.
                .on_conflict(tags::id)
                .do_update()
                .set(tags::name.eq(&tag.name))
                .returning(Tag::as_returning());
            insert.load(connection).await.map(first_row)
        });
        changed(added)
    }

    /// Changes the name and the colour of a tag. They must fit the table.
    pub async fn change_tag(&self, tag: &Tag) -> Result<TagChange> {
        let updated = on_connection!(self, connection => async {
            let update = diesel::update(tags::table.find(tag.id))
                .set((tags::name.eq(&tag.name), tags::colour.eq(&tag.colour)))
                .returning(Tag::as_returning());
            update.load(connection).await.map(first_row)
        });
        changed(updated)
    }

    /// Deletes a tag. Returns it as it was; `None` if there is none.
    pub async fn delete_tag(&self, id: TagId) -> Result<Option<Tag>> {
        on_connection!(self, connection => async {
            let delete = diesel::delete(tags::table.find(id)).returning(Tag::as_returning());
            delete.load(connection).await.map(first_row)
        })
    }

    /// The tags of these meetings, by name.
    pub async fn tags_of(&self, ids: &[JobId]) -> Result<HashMap<JobId, Vec<TagId>>> {
        let rows: Vec<(JobId, TagId)> = on_connection!(self, connection => async {
            meeting_tags::table
                .inner_join(tags::table)
                .filter(meeting_tags::job_id.eq_any(ids))
                .order((lower(tags::name), tags::id))
                .select((meeting_tags::job_id, meeting_tags::tag_id))
                .load(connection)
                .await
        })?;
        let mut of: HashMap<JobId, Vec<TagId>> = HashMap::new();
        for (job, tag) in rows {
            of.entry(job).or_default().push(tag);
        }
        Ok(of)
    }
}

fn changed(row: Result<Option<Tag>>) -> Result<TagChange> {
    match row {
        Ok(Some(tag)) => Ok(TagChange::Done(tag)),
        Ok(None) => Ok(TagChange::NotFound),
        Err(StoreError::Query(QueryError::DatabaseError(DatabaseErrorKind::UniqueViolation, _))) => {
            Ok(TagChange::NameTaken)
        }
        Err(error) => Err(error),
    }
}
