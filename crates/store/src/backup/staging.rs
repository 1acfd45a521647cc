//! A schema of its own into which the rows of a backup are loaded before they become part of the archive.
//!
//! The schema is made at the migration step of the backup, loaded without triggers and references, and then migrated to
//! the current step: so a backup of any earlier version can be read. Nothing in it is shown to users. A schema that a
//! killed process left is removed by the next one.

use super::copy::{self, Columns};
use super::rows_text::sections;
use super::tables::quoted;
use crate::ids::JobId;
use crate::{Result, Store, migrate};
use diesel_async::SimpleAsyncConnection;
use tokio_postgres::Client;

/// Beginning of the names of these schemas.
const PREFIX: &str = "meetmemo_staging_";

/// Rows of a backup in a schema of their own. [`Staging::remove`] removes it.
pub struct Staging {
    pub(super) store: Store,
    /// Its search path leads to the schema. Holds the advisory lock that marks the schema as in use.
    pub(super) client: Client,
    pub(super) schema: String,
    /// The schema of the archive.
    pub(super) archive_schema: String,
    columns: Columns,
    /// The migration step at which rows are loaded.
    step: String,
    /// The references between its tables, which are dropped while rows are loaded.
    references: Vec<Reference>,
}

impl std::fmt::Debug for Staging {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Staging").field("schema", &self.schema).finish_non_exhaustive()
    }
}

impl Staging {
    /// Makes an empty schema at the migration step `step`. Removes those that killed processes left.
    ///
    /// # Errors
    /// [`crate::StoreError::Newer`] if this program does not know the step; an error of the database if the role may not
    /// create schemas.
    pub async fn new(store: &Store, step: &str) -> Result<Self> {
        let client = store.raw_connection().await?;
        copy::set_formats(&client).await?;
        client.batch_execute("SET synchronous_commit TO off").await?;
        remove_left_over(&client).await?;
        let archive_schema = client.query_one("SELECT current_schema()::text", &[]).await?.get(0);
        let schema = format!("{PREFIX}{}", uuid::Uuid::new_v4().simple());
        client.query_one("SELECT pg_advisory_lock(hashtextextended($1, 0))", &[&schema]).await?;
        client.batch_execute(&format!("CREATE SCHEMA {}", quoted(&schema))).await?;
        let mut staging = Self {
            store: store.clone(),
            client,
            schema,
            archive_schema,
            columns: Columns::new(),
            step: step.to_owned(),
            references: Vec::new(),
        };
        let made = staging.make_tables(step).await;
        if let Err(error) = made {
            staging.remove().await?;
            return Err(error);
        }
        Ok(staging)
    }

    async fn make_tables(&mut self, step: &str) -> Result<()> {
        self.migrate(Some(step)).await?;
        self.client.batch_execute(&format!("SET search_path TO {}", quoted(&self.schema))).await?;
        self.columns = copy::columns(&self.client).await?;
        self.references = references(&self.client).await?;
        for reference in &self.references {
            self.client.batch_execute(&reference.drop()).await?;
        }
        for table in self.columns.keys() {
            self.client.batch_execute(&format!("ALTER TABLE {} DISABLE TRIGGER USER", quoted(table))).await?;
        }
        // Rows that migrations inserted; the backup has its own.
        for table in ["meetmemo_archive", "people_settings"] {
            if self.columns.contains_key(table) {
                self.client.batch_execute(&format!("DELETE FROM {}", quoted(table))).await?;
            }
        }
        Ok(())
    }

    async fn migrate(&self, last: Option<&str>) -> Result<()> {
        let mut connection = self.store.dedicated_connection().await?;
        connection.batch_execute(&format!("SET search_path TO {}", quoted(&self.schema))).await?;
        migrate::run_steps(connection, last).await.map(drop)
    }

    /// Loads the text of a meeting, or of what belongs to no meeting.
    ///
    /// # Errors
    /// [`crate::StoreError::BackupRows`] if it has another shape; an error of the database if a value does not fit.
    pub async fn load(&mut self, text: &[u8]) -> Result<()> {
        let transaction = self.client.transaction().await?;
        for section in sections(text)? {
            copy::load(transaction.client(), &section, &self.columns).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// The rows of a meeting as text again, to compare them with what was loaded. Only before
    /// [`Staging::finish_loading`].
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn meeting_text(&self, meeting: JobId) -> Result<Vec<u8>> {
        let mut texts = copy::meetings_text(&self.client, &self.columns, &self.step, &[meeting]).await?;
        Ok(texts.pop().unwrap_or_default())
    }

    /// Restores the references and migrates the schema to the current step. A row that refers to one that was not
    /// loaded loses the reference, or is dropped if it cannot be without.
    ///
    /// # Errors
    /// If a migration fails on these rows.
    pub async fn finish_loading(&mut self) -> Result<()> {
        for reference in &self.references {
            self.client.batch_execute(&reference.clean_up()).await?;
        }
        for reference in &self.references {
            self.client.batch_execute(&reference.add()).await?;
        }
        self.migrate(None).await?;
        self.columns = copy::columns(&self.client).await?;
        for table in self.columns.keys() {
            self.client.batch_execute(&format!("ANALYZE {}", quoted(table))).await?;
        }
        Ok(())
    }

    /// Removes the schema with its rows.
    ///
    /// # Errors
    /// If the database cannot be reached; the next process then removes it.
    pub async fn remove(self) -> Result<()> {
        Ok(self.client.batch_execute(&format!("DROP SCHEMA {} CASCADE", quoted(&self.schema))).await?)
    }

    /// The columns of a table of the staging schema.
    pub(super) fn columns_of(&self, table: &str) -> &[String] {
        self.columns.get(table).map(Vec::as_slice).unwrap_or_default()
    }
}

/// A reference of one column to another table.
pub(super) struct Reference {
    name: String,
    definition: String,
    pub(super) table: String,
    pub(super) column: String,
    pub(super) nullable: bool,
    pub(super) to_table: String,
    pub(super) to_column: String,
}

impl Reference {
    /// The statement that removes references to rows that do not exist.
    fn clean_up(&self) -> String {
        let (table, column) = (quoted(&self.table), quoted(&self.column));
        let missing = format!(
            "t.{column} IS NOT NULL AND NOT EXISTS (SELECT FROM {} r WHERE r.{} = t.{column})",
            quoted(&self.to_table),
            quoted(&self.to_column)
        );
        match self.nullable {
            true => format!("UPDATE {table} t SET {column} = NULL WHERE {missing}"),
            false => format!("DELETE FROM {table} t WHERE {missing}"),
        }
    }

    fn drop(&self) -> String {
        format!("ALTER TABLE {} DROP CONSTRAINT {}", quoted(&self.table), quoted(&self.name))
    }

    fn add(&self) -> String {
        format!(
            "ALTER TABLE {} ADD CONSTRAINT {} {}",
            quoted(&self.table),
            quoted(&self.name),
            self.definition
        )
    }
}

/// The references of the tables of the current schema. None has several columns.
pub(super) async fn references(client: &Client) -> Result<Vec<Reference>> {
    let rows = client
        .query(
            "SELECT c.conname::text, pg_get_constraintdef(c.oid), t.relname::text, a.attname::text, NOT a.attnotnull,
                r.relname::text, b.attname::text
             FROM pg_constraint c
             JOIN pg_class t ON t.oid = c.conrelid
             JOIN pg_class r ON r.oid = c.confrelid
             JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
             JOIN pg_attribute b ON b.attrelid = c.confrelid AND b.attnum = c.confkey[1]
             WHERE c.contype = 'f' AND c.connamespace = current_schema()::regnamespace
             ORDER BY t.relname, c.conname",
            &[],
        )
        .await?;
    let reference = |row: tokio_postgres::Row| Reference {
        name: row.get(0),
        definition: row.get(1),
        table: row.get(2),
        column: row.get(3),
        nullable: row.get(4),
        to_table: row.get(5),
        to_column: row.get(6),
    };
    Ok(rows.into_iter().map(reference).collect())
}

/// Removes the schemas whose process is gone: their lock is free.
async fn remove_left_over(client: &Client) -> Result<()> {
    let schemas = client
        .query("SELECT nspname::text FROM pg_namespace WHERE starts_with(nspname::text, $1)", &[&PREFIX])
        .await?;
    for row in schemas {
        let schema: String = row.get(0);
        let key = "hashtextextended($1, 0)";
        let free = client.query_one(&format!("SELECT pg_try_advisory_lock({key})"), &[&schema]).await?;
        if free.get(0) {
            client.batch_execute(&format!("DROP SCHEMA IF EXISTS {} CASCADE", quoted(&schema))).await?;
            client.query_one(&format!("SELECT pg_advisory_unlock({key})"), &[&schema]).await?;
        }
    }
    Ok(())
}
