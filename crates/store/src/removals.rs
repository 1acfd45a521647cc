//! `pending_removals`: files whose row is gone and which are still to be unlinked.

use crate::archive::on_connection;
use crate::ids::LibraryId;
use crate::schema::pending_removals;
use crate::{Result, Store};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

impl Store {
    /// Paths, relative to the library folder, that are still to be removed from `library`.
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

    /// Forgets a removal that has been done.
    pub async fn removal_done(&self, library: LibraryId, path: &str) -> Result<()> {
        on_connection!(self, connection => async {
            diesel::delete(pending_removals::table.find((library, path))).execute(connection).await.map(|_| ())
        })
    }
}
