//! `folders`: folders of meetings, one inside another.
//!
//! A change locks the table against other changes, reads all folders (there are few) and checks the rules here: names
//! are unique among siblings, no folder is inside itself, and none is deeper than [`MAX_DEPTH`]. Readers do not wait.

use crate::error::StoreError;
use crate::ids::FolderId;
use crate::query::on_connection;
use crate::schema::{folders, jobs};
use crate::{Result, Store};
use chrono::{DateTime, Utc};
use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as QueryError};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use std::collections::HashMap;

/// How many folders may be inside one another.
pub const MAX_DEPTH: usize = 10;

/// A row of `folders`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = folders, check_for_backend(diesel::pg::Pg))]
pub struct Folder {
    /// The id.
    pub id: FolderId,
    /// The folder that it is in; `None` at the top.
    pub parent_id: Option<FolderId>,
    /// Its name, 1 to 100 characters.
    pub name: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// The result of a change of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FolderChange {
    /// It is done; the folder as it is now.
    Done(Folder),
    /// There is no such folder.
    NotFound,
    /// There is no such parent.
    NoParent,
    /// A folder beside it has this name, in upper or lower case: that folder.
    NameTaken(FolderId),
    /// The parent is the folder itself or inside it.
    InsideItself,
    /// It, or a folder inside it, would be deeper than [`MAX_DEPTH`].
    TooDeep,
}

impl Store {
    /// All folders with the number of meetings directly in each, without those in the trash. Each folder comes after its
    /// parent; siblings are in order of their names.
    pub async fn folders(&self) -> Result<Vec<(Folder, i64)>> {
        let (rows, counts): (Vec<Folder>, Vec<(Option<FolderId>, i64)>) = on_connection!(self, connection => async {
            let rows = folders::table.select(Folder::as_select()).load(connection).await?;
            let counts = jobs::table
                .filter(jobs::folder_id.is_not_null())
                .filter(jobs::trashed_at.is_null())
                .group_by(jobs::folder_id)
                .select((jobs::folder_id, count_star()))
                .load(connection)
                .await?;
            Ok::<_, QueryError>((rows, counts))
        })?;
        let counts: HashMap<FolderId, i64> =
            counts.into_iter().filter_map(|(folder, meetings)| Some((folder?, meetings))).collect();
        let with_count = |folder: Folder| {
            let meetings = counts.get(&folder.id).copied().unwrap_or(0);
            (folder, meetings)
        };
        Ok(in_order(rows).into_iter().map(with_count).collect())
    }

    /// Makes a folder with the id `id`, in `parent`. `name` must fit the table.
    pub async fn add_folder(
        &self,
        id: FolderId,
        name: &str,
        parent: Option<FolderId>,
    ) -> Result<FolderChange> {
        let changed = on_connection!(self, connection => connection.transaction::<_, StoreError, _>(async |c| {
            let all = locked(c).await?;
            // The same id: an earlier attempt was committed although its connection broke.
            if let Some(ours) = all.iter().find(|folder| folder.id == id) {
                return Ok(FolderChange::Done(ours.clone()));
            }
            if let Some(refused) = refusal(&all, id, name, parent) {
                return Ok(refused);
            }
            let row = (folders::id.eq(id), folders::parent_id.eq(parent), folders::name.eq(name));
            let insert = diesel::insert_into(folders::table).values(row).returning(Folder::as_returning());
            Ok(FolderChange::Done(insert.get_result(c).await?))
        }));
        self.name_taken(changed, id, name, parent).await
    }

    /// Renames a folder and moves it into `parent`. `name` must fit the table.
    pub async fn change_folder(
        &self,
        id: FolderId,
        name: &str,
        parent: Option<FolderId>,
    ) -> Result<FolderChange> {
        let changed = on_connection!(self, connection => connection.transaction::<_, StoreError, _>(async |c| {
            let all = locked(c).await?;
            if !all.iter().any(|folder| folder.id == id) {
                return Ok(FolderChange::NotFound);
            }
            if let Some(refused) = refusal(&all, id, name, parent) {
                return Ok(refused);
            }
            let update = diesel::update(folders::table.find(id))
                .set((folders::name.eq(name), folders::parent_id.eq(parent)))
                .returning(Folder::as_returning());
            Ok(FolderChange::Done(update.get_result(c).await?))
        }));
        self.name_taken(changed, id, name, parent).await
    }

    /// Deletes a folder. Its meetings and the folders in it move to its parent; a folder whose name is taken there gets a
    /// number, as in `Talks (2)`. Returns the folder as it was; `None` if there is none.
    pub async fn delete_folder(&self, id: FolderId) -> Result<Option<Folder>> {
        on_connection!(self, connection => connection.transaction::<_, StoreError, _>(async |c| {
            let mut all = locked(c).await?;
            // Waits for transactions that move meetings into the folder. Later ones find it gone.
            let row = folders::table.find(id).for_update().select(Folder::as_select());
            let Some(deleted): Option<Folder> = row.first(c).await.optional()? else { return Ok(None) };
            diesel::update(jobs::table.filter(jobs::folder_id.eq(id)))
                .set(jobs::folder_id.eq(deleted.parent_id))
                .execute(c)
                .await?;
            for child in all.clone().into_iter().filter(|folder| folder.parent_id == Some(id)) {
                // The deleted folder is among the siblings until the end.
                let is_free = |name: &str| sibling(&all, child.id, name, deleted.parent_id).is_none();
                let name = free_name(&child.name, is_free);
                diesel::update(folders::table.find(child.id))
                    .set((folders::name.eq(&name), folders::parent_id.eq(deleted.parent_id)))
                    .execute(c)
                    .await?;
                if let Some(moved) = all.iter_mut().find(|folder| folder.id == child.id) {
                    (moved.name, moved.parent_id) = (name, deleted.parent_id);
                }
            }
            diesel::delete(folders::table.find(id)).execute(c).await?;
            Ok(Some(deleted))
        }))
    }

    /// Turns a violation of the unique index into [`FolderChange::NameTaken`]: the server folds more letters than Rust.
    async fn name_taken(
        &self,
        changed: Result<FolderChange>,
        id: FolderId,
        name: &str,
        parent: Option<FolderId>,
    ) -> Result<FolderChange> {
        match changed {
            Err(StoreError::Query(QueryError::DatabaseError(DatabaseErrorKind::UniqueViolation, _))) => {
                let taken: Option<FolderId> = on_connection!(self, connection => async {
                    folders::table
                        .filter(folders::parent_id.is_not_distinct_from(parent))
                        .filter(folders::id.ne(id))
                        .filter(lower(folders::name).eq(lower(name)))
                        .select(folders::id)
                        .first(connection)
                        .await
                        .optional()
                })?;
                taken
                    .map(FolderChange::NameTaken)
                    .ok_or(StoreError::Stale("two folders of one name were made at once"))
            }
            changed => changed,
        }
    }
}

#[diesel::declare_sql_function]
extern "SQL" {
    /// The text in lower case.
    fn lower(text: diesel::sql_types::Text) -> diesel::sql_types::Text;
}

/// All folders, locked against other changes.
async fn locked(c: &mut AsyncPgConnection) -> Result<Vec<Folder>> {
    c.batch_execute("LOCK TABLE folders IN SHARE ROW EXCLUSIVE MODE").await?;
    Ok(folders::table.order(folders::id).select(Folder::as_select()).load(c).await?)
}

/// Why the folder `id`, which need not exist yet, cannot have this name and parent.
fn refusal(all: &[Folder], id: FolderId, name: &str, parent: Option<FolderId>) -> Option<FolderChange> {
    let parents: HashMap<FolderId, Option<FolderId>> =
        all.iter().map(|folder| (folder.id, folder.parent_id)).collect();
    let mut depth = 1;
    let mut above = parent;
    while let Some(folder) = above {
        if folder == id {
            return Some(FolderChange::InsideItself);
        }
        let Some(next) = parents.get(&folder) else { return Some(FolderChange::NoParent) };
        depth += 1;
        if depth > MAX_DEPTH {
            return Some(FolderChange::TooDeep);
        }
        above = *next;
    }
    if depth - 1 + height(all, id) > MAX_DEPTH {
        return Some(FolderChange::TooDeep);
    }
    sibling(all, id, name, parent).map(FolderChange::NameTaken)
}

/// Levels of folders from `id` down, at least 1.
fn height(all: &[Folder], id: FolderId) -> usize {
    let mut level = vec![id];
    let mut height = 0;
    // A loop in the table, which only a foreign program can make, ends at the limit too.
    while !level.is_empty() && height <= MAX_DEPTH {
        height += 1;
        let inside = |folder: &&Folder| folder.parent_id.is_some_and(|parent| level.contains(&parent));
        level = all.iter().filter(inside).map(|folder| folder.id).collect();
    }
    height
}

fn same_name(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// Another folder in `parent` with this name.
fn sibling(all: &[Folder], id: FolderId, name: &str, parent: Option<FolderId>) -> Option<FolderId> {
    let is_it = |other: &&Folder| other.id != id && other.parent_id == parent && same_name(&other.name, name);
    all.iter().find(is_it).map(|other| other.id)
}

/// `name`, with a number if it is not free. At most 100 characters.
fn free_name(name: &str, is_free: impl Fn(&str) -> bool) -> String {
    if is_free(name) {
        return name.to_owned();
    }
    let numbered = |number: u32| {
        let suffix = format!(" ({number})");
        let beginning: String = name.chars().take(100 - suffix.chars().count()).collect();
        format!("{}{suffix}", beginning.trim_end())
    };
    (2..).map(numbered).find(|name| is_free(name)).unwrap_or_default()
}

/// Folders so that each comes after its parent, and siblings in order of their names. Those in a loop come last.
fn in_order(mut all: Vec<Folder>) -> Vec<Folder> {
    all.sort_by_cached_key(|folder| std::cmp::Reverse((folder.name.to_lowercase(), folder.id)));
    let (mut stack, mut rest): (Vec<Folder>, Vec<Folder>) =
        all.into_iter().partition(|folder| folder.parent_id.is_none());
    let mut ordered = Vec::new();
    while let Some(folder) = stack.pop() {
        let (inside, others) = rest.into_iter().partition(|child| child.parent_id == Some(folder.id));
        rest = others;
        ordered.push(folder);
        let mut inside: Vec<Folder> = inside;
        stack.append(&mut inside);
    }
    ordered.append(&mut rest);
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str, parent: Option<&Folder>) -> Folder {
        let parent_id = parent.map(|parent| parent.id);
        Folder { id: FolderId::new(), parent_id, name: name.to_owned(), created_at: DateTime::UNIX_EPOCH }
    }

    #[test]
    fn folders_come_after_their_parents_and_siblings_by_name() {
        let clients = folder("clients", None);
        let archive = folder("Archive", None);
        let (old, new) = (folder("old", Some(&clients)), folder("New", Some(&clients)));
        let all = vec![old.clone(), clients.clone(), new.clone(), archive.clone()];
        let names: Vec<String> = in_order(all).into_iter().map(|folder| folder.name).collect();
        assert_eq!(names, ["Archive", "clients", "New", "old"]);
    }

    #[test]
    fn a_name_that_is_taken_gets_the_first_free_number_and_stays_within_100_characters() {
        let taken = ["talks", "talks (2)"];
        let is_free = |name: &str| !taken.contains(&name.to_lowercase().as_str());
        assert_eq!(free_name("Talks", is_free), "Talks (3)");
        assert_eq!(free_name("Other", is_free), "Other");
        let long = "x".repeat(100);
        let name = free_name(&long, |name| name != long);
        assert_eq!((name.chars().count(), name.ends_with("x (2)")), (100, true));
    }

    #[test]
    fn the_depth_of_what_is_inside_counts() {
        let mut chain: Vec<Folder> = vec![folder("1", None)];
        for number in 2..=MAX_DEPTH {
            chain.push(folder(&number.to_string(), chain.last()));
        }
        let deepest = chain.last().map(|folder| folder.id);
        assert_eq!(refusal(&chain, FolderId::new(), "x", deepest), Some(FolderChange::TooDeep));
        assert_eq!(refusal(&chain, FolderId::new(), "x", chain[MAX_DEPTH - 2].parent_id), None);
        let mut all = chain.clone();
        let top = folder("top", None);
        all.push(top.clone());
        assert_eq!(refusal(&all, chain[0].id, "1", Some(top.id)), Some(FolderChange::TooDeep));
        assert_eq!(refusal(&all, chain[0].id, "1", deepest), Some(FolderChange::InsideItself));
        assert_eq!(refusal(&all, chain[1].id, "2", Some(top.id)), None);
    }
}
