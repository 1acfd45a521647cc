//! `pending_removals`: files of deleted recordings, of removed audio and of removed exports that are still to be removed
//! from disk. A path of audio is relative to the folder of its library; a path of an export is absolute.

use crate::ids::LibraryId;
use crate::query::on_connection;
use crate::schema::pending_removals;
use crate::{Result, Store, StoreError};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text, Uuid};
use diesel_async::{AsyncConnection, RunQueryDsl};

/// Whether a file is in use: an export has this path, or a recording that has its audio lies in this folder. $1: the
/// library. $2: the path.
const IN_USE: &str = "
    SELECT EXISTS (SELECT FROM export_jobs WHERE library_id = $1 AND file_path = $2)
        OR EXISTS (SELECT FROM jobs
            WHERE library_id = $1 AND audio_removed_at IS NULL AND NOT starts_with($2, '/')
                AND split_part(file_path, '/', 1) = split_part($2, '/', 1)) AS value";

#[derive(QueryableByName)]
struct BoolRow {
    #[diesel(sql_type = Bool)]
    value: bool,
}

impl Store {
    /// Paths still to be removed on the computer of `library`, oldest first.
    pub async fn pending_removals(&self, library: LibraryId) -> Result<Vec<String>> {
        on_connection!(self, connection => async {
            pending_removals::table
                .filter(pending_removals::library_id.eq(library))
                .order(pending_removals::created_at)
                .select(pending_removals::file_path)
                .load(connection)
                .await
        })
    }

    /// Removes the file at `path` with `remove`, which returns whether it is gone, and then its entry. The entry is
    /// locked meanwhile, so that nobody puts a new file there ([`Store::expect_audio`]). A file that is in use again is
    /// left alone, and only its entry goes. Does nothing if there is no such entry.
    pub async fn finish_removal<F: Future<Output = bool> + Send>(
        &self,
        library: LibraryId,
        path: &str,
        remove: impl Fn() -> F + Send + Sync,
    ) -> Result<()> {
        on_connection!(self, connection => connection.transaction::<_, StoreError, _>(async |c| {
            let entry = pending_removals::table.find((library, path));
            let locked = entry.select(pending_removals::file_path).for_update().first::<String>(c).await;
            if locked.optional()?.is_none() {
                return Ok(());
            }
            let in_use: BoolRow =
                diesel::sql_query(IN_USE).bind::<Uuid, _>(library).bind::<Text, _>(path).get_result(c).await?;
            if in_use.value || remove().await {
                diesel::delete(entry).execute(c).await?;
            }
            Ok(())
        }))
    }
}
