//! Reads all rows of the archive at one moment.

use super::copy::{self, Columns};
use super::tables::TABLES;
use crate::error::StoreError;
use crate::ids::{JobId, LibraryId};
use crate::{Result, Store};
use chrono::{DateTime, Utc};
use tokio_postgres::Client;
use uuid::Uuid;

/// Most rows that are read at once. A row of `segments` takes some 3 kB.
const ROWS_AT_ONCE: i64 = 5_000;
/// Most meetings that are read at once.
const MEETINGS_AT_ONCE: usize = 200;

/// All rows of the archive as they were when this value was made, whatever happens meanwhile.
pub struct RowSnapshot {
    /// In a transaction that sees one moment (REPEATABLE READ) and changes nothing.
    client: Client,
    columns: Columns,
    info: SnapshotInfo,
}

impl std::fmt::Debug for RowSnapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RowSnapshot").field("info", &self.info).finish_non_exhaustive()
    }
}

/// What a snapshot was taken of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotInfo {
    /// The moment, by the server's clock.
    pub taken_at: DateTime<Utc>,
    /// The id of the archive.
    pub archive: Uuid,
    /// The last migration of its schema, such as `20261130000009`.
    pub schema_step: String,
    /// The version of the server, such as `16.14`.
    pub server_version: String,
    /// What identifies these very tables. Fingerprints of other tables cannot be compared.
    pub tables_id: String,
}

/// A meeting in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotMeeting {
    /// The id.
    pub id: JobId,
    /// The title, or the name of the file if it has none.
    pub title: String,
    /// Whether it has no title of its own.
    pub untitled: bool,
    /// Path of the audio, relative to the folder of its library.
    pub file_path: String,
    /// SHA-256 of the audio, 64 hexadecimal digits.
    pub file_hash: Option<String>,
    /// The library that holds the audio.
    pub library_id: Option<LibraryId>,
    /// Whether the audio was removed on purpose to save space.
    pub audio_removed: bool,
    /// Number of rows in all tables.
    pub rows: i64,
    /// Changes when any of the rows is written. Comparable only for the same [`SnapshotInfo::tables_id`].
    pub fingerprint: String,
}

impl Store {
    /// Begins a snapshot of all rows. Other work goes on undisturbed.
    ///
    /// # Errors
    /// If the archive cannot be reached.
    pub async fn row_snapshot(&self) -> Result<RowSnapshot> {
        let client = self.raw_connection().await?;
        copy::set_formats(&client).await?;
        client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let row = client
            .query_one(
                "SELECT now(), (SELECT min(id::text) FROM meetmemo_archive),
                    (SELECT max(version::text) FROM __diesel_schema_migrations), current_setting('server_version'),
                    (SELECT oid::text FROM pg_database WHERE datname = current_database()),
                    'jobs'::regclass::oid::text",
                &[],
            )
            .await?;
        let archive = row.get::<_, Option<String>>(1).and_then(|id| Uuid::parse_str(&id).ok());
        let archive = archive.ok_or(StoreError::Stale("the archive has no id"))?;
        let info = SnapshotInfo {
            taken_at: row.get(0),
            archive,
            schema_step: row.get(2),
            server_version: row.get(3),
            // After a migration, all rows are read anew: the text has other columns.
            tables_id: format!(
                "{archive} {} {} {}",
                row.get::<_, String>(4),
                row.get::<_, String>(5),
                row.get::<_, String>(2)
            ),
        };
        let columns = copy::columns(&client).await?;
        Ok(RowSnapshot { client, columns, info })
    }
}

impl RowSnapshot {
    /// What the snapshot was taken of.
    pub fn info(&self) -> &SnapshotInfo {
        &self.info
    }

    /// All meetings, newest first. Reads no transcript: the fingerprint is made of where each row lies and of the
    /// transaction that wrote it (`ctid`, `xmin`).
    ///
    /// # Errors
    /// If the archive cannot be read.
    pub async fn meetings(&self) -> Result<Vec<SnapshotMeeting>> {
        let fingerprints: Vec<String> = TABLES
            .iter()
            .filter_map(|table| {
                Some(format!(
                    "SELECT {} AS job_id, hashtidextended(t.ctid, t.xmin::text::bigint) AS hash FROM {}",
                    table.meeting()?,
                    table.from()
                ))
            })
            .collect();
        let sql = format!(
            "SELECT j.id, coalesce(j.title, j.file_name), j.file_path, j.file_hash, j.library_id,
                j.audio_removed_at IS NOT NULL, f.rows, f.fingerprint, j.title IS NULL
             FROM jobs j JOIN (
                SELECT job_id, count(*) AS rows, sum(hash)::text AS fingerprint FROM ({}) all_rows GROUP BY job_id
             ) f ON f.job_id = j.id ORDER BY j.created_at DESC, j.id DESC",
            fingerprints.join(" UNION ALL ")
        );
        let rows = self.client.query(&sql, &[]).await?;
        Ok(rows
            .into_iter()
            .map(|row| SnapshotMeeting {
                id: JobId::from(row.get::<_, Uuid>(0)),
                title: row.get(1),
                file_path: row.get(2),
                file_hash: row.get(3),
                library_id: row.get::<_, Option<Uuid>>(4).map(LibraryId::from),
                audio_removed: row.get(5),
                rows: row.get(6),
                fingerprint: row.get(7),
                untitled: row.get(8),
            })
            .collect())
    }

    /// The rows of the first of `meetings` as text, in their order: as many meetings as fit into some 15 MB of memory,
    /// at least one.
    ///
    /// # Errors
    /// If the archive cannot be read.
    pub async fn next_texts(&self, meetings: &[&SnapshotMeeting]) -> Result<Vec<Vec<u8>>> {
        let mut sum = 0;
        let fits = |meeting: &&&SnapshotMeeting| {
            sum += meeting.rows;
            sum <= ROWS_AT_ONCE
        };
        let batch = meetings.iter().take(MEETINGS_AT_ONCE).take_while(fits).count().max(1);
        let ids: Vec<JobId> = meetings.iter().take(batch).map(|meeting| meeting.id).collect();
        copy::meetings_text(&self.client, &self.columns, &self.info.schema_step, &ids).await
    }

    /// The rows that belong to no meeting, as text: people, their voices, and whether voices are remembered.
    ///
    /// # Errors
    /// If the archive cannot be read.
    pub async fn archive_text(&self) -> Result<Vec<u8>> {
        copy::archive_text(&self.client, &self.columns, &self.info.schema_step).await
    }
}
