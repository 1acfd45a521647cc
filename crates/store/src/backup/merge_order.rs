//! What a restore does with folders, tags and the trash.
//!
//! A folder of the backup is the one of the archive with the same id, else the one with the same name in the same place;
//! else it is added. Tags likewise. Which is which is noted in temporary tables of the transaction, and the meetings that
//! are restored refer to the folders and tags of the archive.

use crate::Result;
use std::collections::HashMap;
use tokio_postgres::Transaction;
use uuid::Uuid;

/// The temporary tables: for each folder and tag of the backup, the one of the archive.
pub(super) const TABLES: &str = "
    CREATE TEMPORARY TABLE joined_folders (staged uuid PRIMARY KEY, archived uuid NOT NULL) ON COMMIT DROP;
    CREATE TEMPORARY TABLE joined_tags (staged uuid PRIMARY KEY, archived uuid NOT NULL) ON COMMIT DROP";

/// The expression for the folder or tag of the archive that a column of the row `t` names, if it names one.
pub(super) fn joined_with(table: &str, column: &str) -> Option<&'static str> {
    match (table, column) {
        ("jobs", "folder_id") => {
            Some("(SELECT f.archived FROM joined_folders f WHERE f.staged = t.folder_id)")
        }
        ("meeting_tags", "tag_id") => {
            Some("(SELECT g.archived FROM joined_tags g WHERE g.staged = t.tag_id)")
        }
        _ => None,
    }
}

/// Adds the folders that the archive lacks: those of `meetings` and the folders that these are in; all if `None`.
/// `staging` is a quoted name. Returns how many were added.
pub(super) async fn folders(
    transaction: &Transaction<'_>,
    staging: &str,
    meetings: Option<Vec<Uuid>>,
) -> Result<u64> {
    // Each folder after the one that it is in.
    let sql = format!(
        "WITH RECURSIVE wanted (id, parent_id) AS (
            SELECT f.id, f.parent_id FROM {staging}.folders f
            WHERE $1::uuid[] IS NULL OR f.id IN (SELECT folder_id FROM {staging}.jobs WHERE id = ANY($1))
            UNION
            SELECT f.id, f.parent_id FROM {staging}.folders f JOIN wanted w ON f.id = w.parent_id
        ),
        placed (id, depth) AS (
            SELECT id, 1 FROM wanted WHERE parent_id IS NULL
            UNION ALL
            SELECT w.id, p.depth + 1 FROM wanted w JOIN placed p ON w.parent_id = p.id
        )
        SELECT f.id, f.parent_id, f.name FROM placed p JOIN {staging}.folders f USING (id) ORDER BY p.depth, f.id"
    );
    let mut joined: HashMap<Uuid, Uuid> = HashMap::new();
    let mut added = 0;
    for row in transaction.query(&sql, &[&meetings]).await? {
        let (id, parent, name): (Uuid, Option<Uuid>, String) = (row.get(0), row.get(1), row.get(2));
        let parent = parent.and_then(|parent| joined.get(&parent).copied());
        let found = transaction
            .query_opt(
                "SELECT id FROM folders WHERE id = $1 OR parent_id IS NOT DISTINCT FROM $2 AND lower(name) = lower($3)
                ORDER BY id = $1 DESC LIMIT 1",
                &[&id, &parent, &name],
            )
            .await?;
        let archived = match found {
            Some(row) => row.get(0),
            None => {
                let insert = format!(
                    "INSERT INTO folders (id, parent_id, name, created_at)
                    SELECT id, $2, name, created_at FROM {staging}.folders WHERE id = $1"
                );
                added += transaction.execute(&insert, &[&id, &parent]).await?;
                id
            }
        };
        joined.insert(id, archived);
    }
    let (staged, archived): (Vec<Uuid>, Vec<Uuid>) = joined.into_iter().unzip();
    let note = "INSERT INTO joined_folders SELECT * FROM unnest($1::uuid[], $2::uuid[])";
    transaction.execute(note, &[&staged, &archived]).await?;
    Ok(added)
}

/// Adds the tags that the archive lacks: those of `meetings`; all if `None`. `staging` is a quoted name. Returns how many
/// were added.
pub(super) async fn tags(
    transaction: &Transaction<'_>,
    staging: &str,
    meetings: Option<Vec<Uuid>>,
) -> Result<u64> {
    let wanted = format!(
        "{staging}.tags t WHERE $1::uuid[] IS NULL
            OR t.id IN (SELECT tag_id FROM {staging}.meeting_tags WHERE job_id = ANY($1))"
    );
    let insert = format!(
        "INSERT INTO tags (id, name, colour) SELECT t.id, t.name, t.colour FROM {wanted} ON CONFLICT DO NOTHING"
    );
    let added = transaction.execute(&insert, &[&meetings]).await?;
    let note = format!(
        "INSERT INTO joined_tags SELECT t.id, coalesce(
            (SELECT a.id FROM tags a WHERE a.id = t.id),
            (SELECT a.id FROM tags a WHERE lower(a.name) = lower(t.name)))
        FROM {wanted}"
    );
    transaction.execute(&note, &[&meetings]).await?;
    Ok(added)
}

/// Deletes the meetings in the trash of the archive that a meeting of the backup replaces: those with the same id or the
/// same audio that is not in the trash itself, of `meetings`, or of all if `None`. Their folders in the library are noted for removal; one that the
/// restored meeting uses is in use then, and stays.
pub(super) async fn remove_trashed(
    transaction: &Transaction<'_>,
    staging: &str,
    meetings: Option<Vec<Uuid>>,
) -> Result<()> {
    let sql = format!(
        "WITH replaced AS (
            DELETE FROM jobs a USING {staging}.jobs s
            WHERE a.trashed_at IS NOT NULL AND s.trashed_at IS NULL AND (a.id = s.id OR a.file_hash = s.file_hash)
                AND ($1::uuid[] IS NULL OR s.id = ANY($1))
            RETURNING a.library_id, a.file_path
        )
        INSERT INTO pending_removals (library_id, file_path)
        SELECT DISTINCT library_id, file_path FROM replaced WHERE library_id IS NOT NULL
        ON CONFLICT DO NOTHING"
    );
    transaction.execute(&sql, &[&meetings]).await?;
    Ok(())
}
