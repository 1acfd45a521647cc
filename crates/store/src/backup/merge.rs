//! Takes the rows of a staging schema over into the archive, in one transaction.
//!
//! What is in the archive already wins: a meeting with the same id, or with the same content of its audio, stays as it
//! is. So a restore can be repeated, and brings back only what is missing. A meeting in the trash does not count as being
//! there: the one of the backup replaces it, unless that is in the trash too. Folders and tags are joined with those of the same name (`merge_order`).

use super::merge_order;
use super::staging::{Reference, Staging, references};
use super::tables::{Owner, TABLES, Table, column_list, find, quoted};
use crate::Result;
use crate::error::StoreError;
use crate::ids::{JobId, LibraryId};
use tokio_postgres::Transaction;
use uuid::Uuid;

/// Up to so many restored meetings can be searched as soon as they are restored.
const SEARCHABLE_AT_ONCE: i64 = 100;

/// What a merge of everything that was loaded would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergePlan {
    /// The meetings that were loaded, newest first.
    pub meetings: Vec<PlannedMeeting>,
    /// Whether the archive has no meetings and no people yet. It then takes over the id and the settings of the backup.
    pub into_empty: bool,
}

/// A meeting that was loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedMeeting {
    /// Its id.
    pub id: JobId,
    /// The title, or the name of the file if it has none.
    pub title: String,
    /// Whether it has no title of its own.
    pub untitled: bool,
    /// Path of the audio, relative to the folder of its library.
    pub file_path: String,
    /// SHA-256 of the audio.
    pub file_hash: Option<String>,
    /// The library that held the audio.
    pub library_id: Option<LibraryId>,
    /// The meeting of the archive with this id, or with the same audio, that is not in the trash, or is in the trash in the
    /// backup too. It stays as it is.
    pub in_archive: Option<JobId>,
}

/// Which of the loaded rows to take over.
#[derive(Debug, Clone, Copy)]
pub enum MergeScope<'a> {
    /// All meetings that are not in the archive, and the people.
    Everything,
    /// Only these meetings, and the people who speak in them.
    Meetings(&'a [JobId]),
    /// Rows of one table that are not in the archive, as far as the rows that they refer to are.
    Table(&'a str),
}

/// What a merge did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Merged {
    /// The meetings that were added.
    pub meetings: Vec<JobId>,
    /// Rows added, by table; tables without any are left out.
    pub rows: Vec<(String, u64)>,
}

impl Staging {
    /// Compares the loaded meetings with the archive. After [`Staging::finish_loading`].
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn plan(&self) -> Result<MergePlan> {
        let archive = quoted(&self.archive_schema);
        let sql = format!(
            "SELECT s.id, coalesce(s.title, s.file_name), s.file_path, s.file_hash, s.library_id,
                coalesce(by_id.id, by_hash.id), s.title IS NULL
             FROM jobs s
             LEFT JOIN {archive}.jobs by_id
                ON by_id.id = s.id AND (by_id.trashed_at IS NULL OR s.trashed_at IS NOT NULL)
             LEFT JOIN {archive}.jobs by_hash
                ON by_hash.file_hash = s.file_hash AND (by_hash.trashed_at IS NULL OR s.trashed_at IS NOT NULL)
             ORDER BY s.created_at DESC, s.id DESC"
        );
        let meeting = |row: tokio_postgres::Row| PlannedMeeting {
            id: JobId::from(row.get::<_, Uuid>(0)),
            title: row.get(1),
            file_path: row.get(2),
            file_hash: row.get(3),
            library_id: row.get::<_, Option<Uuid>>(4).map(LibraryId::from),
            in_archive: row.get::<_, Option<Uuid>>(5).map(JobId::from),
            untitled: row.get(6),
        };
        let meetings = self.client.query(&sql, &[]).await?.into_iter().map(meeting).collect();
        let empty = format!(
            "SELECT NOT EXISTS (SELECT FROM {archive}.jobs) AND NOT EXISTS (SELECT FROM {archive}.people)"
        );
        Ok(MergePlan { meetings, into_empty: self.client.query_one(&empty, &[]).await?.get(0) })
    }

    /// Makes the recordings of the library `from` those of the library `to`.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn move_library(&self, from: LibraryId, to: LibraryId) -> Result<()> {
        for table in ["jobs", "export_jobs", "tasks"] {
            let sql = format!("UPDATE {} SET library_id = $2 WHERE library_id = $1", quoted(table));
            self.client.execute(&sql, &[&from.uuid(), &to.uuid()]).await?;
        }
        Ok(())
    }

    /// Takes rows over into the archive: all of `scope` or, if it fails or is killed, none.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn merge(&mut self, scope: MergeScope<'_>, into_empty: bool) -> Result<Merged> {
        self.client.batch_execute(&format!("SET search_path TO {}", quoted(&self.archive_schema))).await?;
        let references = references(&self.client).await?;
        let columns: Vec<(&Table, Vec<String>)> = TABLES
            .iter()
            .map(|table| (table, self.columns_of(table.name).to_vec()))
            .filter(|(_, columns)| !columns.is_empty())
            .collect();
        let transaction = self.client.transaction().await?;
        transaction
            .batch_execute(
                "SET LOCAL meetmemo.restoring = 'on'; SET CONSTRAINTS ALL DEFERRED;
                 CREATE TEMPORARY TABLE restored_meetings (id uuid PRIMARY KEY) ON COMMIT DROP",
            )
            .await?;
        transaction.batch_execute(merge_order::TABLES).await?;
        let merge =
            Merge { transaction: &transaction, staging: quoted(&self.schema), references, scope, into_empty };
        let mut merged = Merged::default();
        match scope {
            MergeScope::Table(name) => {
                let table = find(name)
                    .ok_or_else(|| StoreError::BackupRows(format!("a backup has no table “{name}”")))?;
                for (table, columns) in columns.iter().filter(|(other, _)| other.name == table.name) {
                    let rows = match table.name {
                        "jobs" => merge.meetings(table, columns).await?,
                        "folders" => merge_order::folders(&transaction, &merge.staging, None).await?,
                        "tags" => merge_order::tags(&transaction, &merge.staging, None).await?,
                        _ => merge.insert(table, columns, "TRUE").await?,
                    };
                    merged.add(table, rows);
                }
            }
            MergeScope::Everything | MergeScope::Meetings(_) => {
                for (table, columns) in &columns {
                    merged.add(table, merge.table(table, columns).await?);
                }
            }
        }
        // Triggers are silent. Many meetings are made searchable in the background instead: that takes long.
        let sql = "INSERT INTO search_changes (job_id) SELECT id FROM restored_meetings
            WHERE (SELECT count(*) FROM restored_meetings) <= $1";
        transaction.execute(sql, &[&SEARCHABLE_AT_ONCE]).await?;
        if let MergeScope::Table(_) = scope {
            // The table alone does not tell which meetings of the archive got rows, so all of them are indexed again.
            let sql = format!(
                "UPDATE search_meetings SET edition = 0 WHERE job_id IN (SELECT id FROM {}.jobs)",
                merge.staging
            );
            transaction.execute(&sql, &[]).await?;
        }
        for row in transaction.query("SELECT id FROM restored_meetings ORDER BY id", &[]).await? {
            merged.meetings.push(JobId::from(row.get::<_, Uuid>(0)));
        }
        // The next rows get numbers after those that were restored.
        for (table, column) in [("turns", "id"), ("edits", "position")] {
            let sql = format!(
                "SELECT setval(pg_get_serial_sequence($1, $2), greatest(last, 1))
                 FROM (SELECT max({}) AS last FROM {}) used WHERE last IS NOT NULL",
                quoted(column),
                quoted(table)
            );
            transaction.query(&sql, &[&table, &column]).await?;
        }
        transaction.commit().await?;
        self.client.batch_execute(&format!("SET search_path TO {}", quoted(&self.schema))).await?;
        Ok(merged)
    }
}

impl Merged {
    fn add(&mut self, table: &Table, rows: u64) {
        if rows > 0 {
            self.rows.push((table.name.to_owned(), rows));
        }
    }
}

/// A merge in its transaction, with the schema of the archive in the search path.
struct Merge<'a> {
    transaction: &'a Transaction<'a>,
    /// The quoted name of the staging schema.
    staging: String,
    references: Vec<Reference>,
    scope: MergeScope<'a>,
    into_empty: bool,
}

impl Merge<'_> {
    /// Inserts the rows of a table that belong to the scope; returns their number.
    async fn table(&self, table: &Table, columns: &[String]) -> Result<u64> {
        let everything = matches!(self.scope, MergeScope::Everything);
        let condition = match (table.name, table.belongs_to) {
            ("meetmemo_archive" | "people_settings", _) => {
                if !everything || !self.into_empty {
                    return Ok(0);
                }
                // A damaged backup may have none.
                let sql = format!(
                    "DELETE FROM {0} WHERE EXISTS (SELECT FROM {1}.{0})",
                    quoted(table.name),
                    self.staging
                );
                self.transaction.execute(&sql, &[]).await?;
                "TRUE"
            }
            ("folders", _) => return merge_order::folders(self.transaction, &self.staging, self.ids()).await,
            ("tags", _) => return merge_order::tags(self.transaction, &self.staging, self.ids()).await,
            ("people", _) if everything => "TRUE",
            ("people", _) => {
                return self.people_of_meetings(table, columns).await;
            }
            ("person_voices", _) if !everything => return Ok(0),
            // Voices are remembered only where somebody agreed to it.
            ("person_voices", _) => "(SELECT bool_or(enabled) FROM people_settings)",
            ("jobs", _) => return self.meetings(table, columns).await,
            (_, Owner::Meeting(_)) => "t.job_id IN (SELECT id FROM restored_meetings)",
            (_, Owner::Transcript) => {
                "t.transcript_id IN (SELECT id FROM transcripts WHERE job_id IN (SELECT id FROM restored_meetings))"
            }
            (_, Owner::Archive) => "TRUE",
        };
        self.insert(table, columns, condition).await
    }

    /// The ids of the meetings of the scope; `None` if they are all.
    fn ids(&self) -> Option<Vec<Uuid>> {
        match self.scope {
            MergeScope::Meetings(meetings) => Some(meetings.iter().map(|id| id.uuid()).collect()),
            MergeScope::Everything | MergeScope::Table(_) => None,
        }
    }

    /// Inserts the people who speak in the meetings of the scope.
    async fn people_of_meetings(&self, table: &Table, columns: &[String]) -> Result<u64> {
        let MergeScope::Meetings(meetings) = self.scope else { return Ok(0) };
        let ids: Vec<Uuid> = meetings.iter().map(|id| id.uuid()).collect();
        let condition =
            format!("t.id IN (SELECT person_id FROM {}.speakers WHERE job_id = ANY ($1))", self.staging);
        let sql = self.insertion(table, columns, &condition);
        Ok(self.transaction.execute(&sql, &[&ids]).await?)
    }

    /// Inserts the meetings of the scope that are not in the archive, and notes their ids. Deletes the
    /// meetings in the trash of the archive that they replace.
    async fn meetings(&self, table: &Table, columns: &[String]) -> Result<u64> {
        let note = |insertion: String| {
            format!(
                "WITH added AS ({insertion} RETURNING id) INSERT INTO restored_meetings SELECT id FROM added"
            )
        };
        if !matches!(self.scope, MergeScope::Table(_)) {
            merge_order::remove_trashed(self.transaction, &self.staging, self.ids()).await?;
        }
        match self.scope {
            MergeScope::Meetings(meetings) => {
                let ids: Vec<Uuid> = meetings.iter().map(|id| id.uuid()).collect();
                let sql = note(self.insertion(table, columns, "t.id = ANY ($1)"));
                Ok(self.transaction.execute(&sql, &[&ids]).await?)
            }
            _ => Ok(self.transaction.execute(&note(self.insertion(table, columns, "TRUE")), &[]).await?),
        }
    }

    async fn insert(&self, table: &Table, columns: &[String], condition: &str) -> Result<u64> {
        Ok(self.transaction.execute(&self.insertion(table, columns, condition), &[]).await?)
    }

    /// The statement that inserts the rows of the staging table for which `condition` holds, except those that exist. A
    /// reference to a row that is not in the archive is left empty, or the row is left out.
    fn insertion(&self, table: &Table, columns: &[String], condition: &str) -> String {
        let whole_meetings = !matches!(self.scope, MergeScope::Table(_));
        let mut conditions = vec![condition.to_owned()];
        let mut values = Vec::new();
        for column in columns {
            let value = format!("t.{}", quoted(column));
            let reference = self
                .references
                .iter()
                .find(|reference| reference.table == table.name && reference.column == *column);
            let Some(reference) = reference else {
                values.push(match (table.name, column.as_str()) {
                    // Numbers without a meaning; those of the backup may be in use.
                    ("turns", "id") if whole_meetings => format!(
                        "{value} + (SELECT CASE WHEN EXISTS (SELECT FROM turns u JOIN {0}.turns s ON s.id = u.id
                                WHERE s.job_id IN (SELECT id FROM restored_meetings))
                            THEN (SELECT max(id) FROM turns) - min(s.id) + 1 ELSE 0 END FROM {0}.turns s)",
                        self.staging
                    ),
                    _ => value,
                });
                continue;
            };
            // Folders and tags may have another id in the archive.
            if whole_meetings && let Some(joined) = merge_order::joined_with(table.name, column) {
                values.push(joined.to_owned());
                if !reference.nullable {
                    conditions.push(format!("{joined} IS NOT NULL"));
                }
                continue;
            }
            let exists = format!(
                "EXISTS (SELECT FROM {} r WHERE r.{} = {value})",
                quoted(&reference.to_table),
                quoted(&reference.to_column)
            );
            // The transcripts of a meeting follow in this transaction.
            let follows = table.name == "jobs" && column == "current_transcript_id" && whole_meetings;
            if reference.nullable && !follows {
                values.push(format!("CASE WHEN {exists} THEN {value} END"));
            } else {
                values.push(value);
                if !follows {
                    conditions.push(exists);
                }
            }
        }
        format!(
            "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {}.{} t WHERE {} ON CONFLICT DO NOTHING",
            quoted(table.name),
            column_list(columns),
            values.join(", "),
            self.staging,
            quoted(table.name),
            conditions.join(" AND "),
        )
    }
}
