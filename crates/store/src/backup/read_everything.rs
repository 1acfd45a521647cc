//! Reads every row of the archive, so that damaged pages are found: the private server has checksums on its pages.

use super::tables::quoted;
use crate::error::StoreError;
use crate::{Result, Store};

impl Store {
    /// A sentence for each table of which the server cannot read every value.
    ///
    /// # Errors
    /// If the archive cannot be reached.
    pub async fn unreadable_tables(&self) -> Result<Vec<String>> {
        let client = self.raw_connection().await?;
        let tables = client
            .query(
                "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1",
                &[],
            )
            .await?;
        let mut unreadable = Vec::new();
        for row in tables {
            let table: String = row.get(0);
            // The text of a row needs each of its values, also those that are stored apart.
            let sql = format!("SELECT count(*), sum(hashtextextended(t::text, 0)) FROM {} t", quoted(&table));
            match client.query_one(&sql, &[]).await.map_err(StoreError::from) {
                Ok(_) => {}
                Err(StoreError::Damaged(why) | StoreError::Statement(why)) if !client.is_closed() => {
                    unreadable.push(format!("The table {table} of the database cannot be read: {why}."));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(unreadable)
    }
}
