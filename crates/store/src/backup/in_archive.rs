//! Which meetings of a backup are in the archive, without loading their rows.

use crate::ids::JobId;
use crate::{Result, Store};
use uuid::Uuid;

impl Store {
    /// For each of `meetings`, given by its id and the SHA-256 of its audio: the meeting of the archive with this id, or
    /// with the same audio, unless it is in the trash. The answer is that of [`super::Staging::plan`], except for meetings
    /// that the backup has in the trash too: only their rows say so.
    ///
    /// # Errors
    /// If the archive cannot be read.
    pub async fn find_in_archive(&self, meetings: &[(JobId, Option<String>)]) -> Result<Vec<Option<JobId>>> {
        let ids: Vec<Uuid> = meetings.iter().map(|(id, _)| id.uuid()).collect();
        let hashes: Vec<Option<&str>> = meetings.iter().map(|(_, hash)| hash.as_deref()).collect();
        let sql = "SELECT coalesce(by_id.id, by_hash.id)
             FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS s(id, file_hash, number)
             LEFT JOIN jobs by_id ON by_id.id = s.id AND by_id.trashed_at IS NULL
             LEFT JOIN jobs by_hash ON by_hash.file_hash = s.file_hash AND by_hash.trashed_at IS NULL
             ORDER BY s.number";
        let rows = self.raw_connection().await?.query(sql, &[&ids, &hashes]).await?;
        Ok(rows.into_iter().map(|row| row.get::<_, Option<Uuid>>(0).map(JobId::from)).collect())
    }
}
