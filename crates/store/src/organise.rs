//! Changes of the order of any number of meetings at once, with what undoes them.

use crate::error::StoreError;
use crate::ids::{FolderId, JobId, TagId};
use crate::query::on_connection;
use crate::schema::{folders, jobs, meeting_tags, tags};
use crate::trash::{restore_locked, trash_locked};
use crate::{Result, Store};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Uuid};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};

/// A change of meetings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderChange {
    /// Gives them a tag.
    Tag(TagId),
    /// Takes a tag away.
    Untag(TagId),
    /// Moves them to a folder, or out of folders.
    Move(Option<FolderId>),
    /// Makes them favourites, or no longer.
    Favourite(bool),
    /// Moves them to the trash; see the module `trash`.
    Trash,
    /// Takes them out of the trash.
    Restore,
}

/// What a change did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ordered {
    /// It is done. Meetings that were so already, or do not exist, are in neither list.
    Done {
        /// The meetings that it changed.
        changed: Vec<JobId>,
        /// The changes that bring back the state of before.
        undo: Vec<(OrderChange, Vec<JobId>)>,
    },
    /// There is no such tag.
    NoTag,
    /// There is no such folder.
    NoFolder,
}

impl Store {
    /// Changes the order of these meetings: of all of them, or of none. If the connection breaks while the change is
    /// committed, it is run again and finds nothing left to do; there is then nothing to undo it with.
    pub async fn organise(&self, change: OrderChange, ids: &[JobId]) -> Result<Ordered> {
        on_connection!(self, connection => connection.transaction::<_, StoreError, _>(async |c| {
            Ok(match change {
                OrderChange::Tag(tag) => give_tag(c, tag, ids).await?,
                OrderChange::Untag(tag) => {
                    lock(c, ids).await?;
                    let tagged = meeting_tags::table
                        .filter(meeting_tags::tag_id.eq(tag))
                        .filter(meeting_tags::job_id.eq_any(ids));
                    let changed = diesel::delete(tagged).returning(meeting_tags::job_id).load(c).await?;
                    undone_by(OrderChange::Tag(tag), changed)
                }
                OrderChange::Move(folder) => move_to(c, folder, ids).await?,
                OrderChange::Favourite(on) => {
                    lock(c, ids).await?;
                    let others = jobs::table.filter(jobs::id.eq_any(ids)).filter(jobs::favourite.ne(on));
                    let update = diesel::update(others).set(jobs::favourite.eq(on)).returning(jobs::id);
                    undone_by(OrderChange::Favourite(!on), update.load(c).await?)
                }
                OrderChange::Trash => {
                    let changed: Vec<JobId> = in_trash(c, ids, false).await?;
                    trash_locked(c, &changed).await?;
                    undone_by(OrderChange::Restore, changed)
                }
                OrderChange::Restore => {
                    let changed = in_trash(c, ids, true).await?;
                    restore_locked(c, &changed).await?;
                    undone_by(OrderChange::Trash, changed)
                }
            })
        }))
    }
}

fn undone_by(change: OrderChange, changed: Vec<JobId>) -> Ordered {
    let undo = if changed.is_empty() { Vec::new() } else { vec![(change, changed.clone())] };
    Ordered::Done { changed, undo }
}

/// Locks meetings in the order of their ids, so that two changes of the same meetings do not wait for each other.
async fn lock(c: &mut AsyncPgConnection, ids: &[JobId]) -> Result<Vec<(JobId, Option<FolderId>)>> {
    Ok(jobs::table
        .filter(jobs::id.eq_any(ids))
        .order(jobs::id)
        .for_no_key_update()
        .select((jobs::id, jobs::folder_id))
        .load(c)
        .await?)
}

/// Locks those of these meetings that are, or are not, in the trash.
async fn in_trash(c: &mut AsyncPgConnection, ids: &[JobId], trashed: bool) -> Result<Vec<JobId>> {
    Ok(jobs::table
        .filter(jobs::id.eq_any(ids))
        .filter(sql::<Bool>("(jobs.trashed_at IS NOT NULL)").eq(trashed))
        .order(jobs::id)
        .for_no_key_update()
        .select(jobs::id)
        .load(c)
        .await?)
}

async fn give_tag(c: &mut AsyncPgConnection, tag: TagId, ids: &[JobId]) -> Result<Ordered> {
    let row = tags::table.find(tag).for_key_share().select(tags::id);
    if row.first::<TagId>(c).await.optional()?.is_none() {
        return Ok(Ordered::NoTag);
    }
    lock(c, ids).await?;
    let given: Vec<TaggedRow> = diesel::sql_query(
        "INSERT INTO meeting_tags (job_id, tag_id) SELECT id, $2 FROM jobs WHERE id = ANY($1) ORDER BY id
        ON CONFLICT DO NOTHING RETURNING job_id",
    )
    .bind::<Array<Uuid>, _>(ids)
    .bind::<Uuid, _>(tag)
    .load(c)
    .await?;
    Ok(undone_by(OrderChange::Untag(tag), given.into_iter().map(|row| row.job_id).collect()))
}

async fn move_to(c: &mut AsyncPgConnection, folder: Option<FolderId>, ids: &[JobId]) -> Result<Ordered> {
    if let Some(id) = folder {
        let row = folders::table.find(id).for_key_share().select(folders::id);
        if row.first::<FolderId>(c).await.optional()?.is_none() {
            return Ok(Ordered::NoFolder);
        }
    }
    let moved: Vec<_> = lock(c, ids).await?.into_iter().filter(|(_, before)| *before != folder).collect();
    let changed: Vec<JobId> = moved.iter().map(|(job, _)| *job).collect();
    diesel::update(jobs::table.filter(jobs::id.eq_any(&changed)))
        .set(jobs::folder_id.eq(folder))
        .execute(c)
        .await?;
    let mut undo: Vec<(OrderChange, Vec<JobId>)> = Vec::new();
    for (job, before) in moved {
        let back = OrderChange::Move(before);
        match undo.iter_mut().find(|(change, _)| *change == back) {
            Some((_, jobs)) => jobs.push(job),
            None => undo.push((back, vec![job])),
        }
    }
    Ok(Ordered::Done { changed, undo })
}

#[derive(QueryableByName)]
struct TaggedRow {
    #[diesel(sql_type = Uuid)]
    job_id: JobId,
}
