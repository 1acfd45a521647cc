//! `pending_removals`: files of deleted recordings that are still to be removed from disk.

use crate::ids::LibraryId;
use crate::query::on_connection;
use crate::schema::pending_removals;
use crate::{Result, Store};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

impl Store {
    /// Paths still to be removed from `library`, relative to its folder, oldest first.
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

    /// Deletes the entry of a file that has been removed.
    pub async fn delete_pending_removal(&self, library: LibraryId, path: &str) -> Result<()> {
        on_connection!(self, connection => async {
            diesel::delete(pending_removals::table.find((library, path))).execute(connection).await.map(|_| ())
        })
    }
}
