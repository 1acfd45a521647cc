//! Migrates a database to the current schema, or refuses it without changing it.
//!
//! Accepted are an empty database, one of ours that is not newer than this program, and the database of the server
//! edition (the two tables of the published contract and nothing else).

use crate::Result;
use crate::connect::Target;
use crate::error::StoreError;
use diesel::sql_types::Text;
use diesel_async::{AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

/// The migrations of `migrations/`, compiled in.
pub(crate) const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// Key of the advisory lock held while checking and migrating: “meetmemo” in ASCII.
pub(crate) const LOCK: i64 = i64::from_be_bytes(*b"meetmemo");

#[derive(diesel::QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

async fn names(connection: &mut AsyncPgConnection, sql: &str) -> Result<Vec<String>> {
    let rows: Vec<Name> = diesel::sql_query(sql).load(connection).await?;
    Ok(rows.into_iter().map(|row| row.name).collect())
}

/// Checks the encoding and the owner of the database, then runs the missing migrations. Takes an advisory lock that is
/// released when `connection` closes.
pub(crate) async fn bring_up_to_date(mut connection: AsyncPgConnection, target: &Target) -> Result<()> {
    let encoding =
        names(&mut connection, "SELECT current_setting('server_encoding') AS name").await?.join("");
    if encoding != "UTF8" {
        return Err(StoreError::NotUtf8 { database: target.display_name(), encoding });
    }
    connection.batch_execute(&format!("SELECT pg_advisory_lock({LOCK})")).await?;
    let tables = names(
        &mut connection,
        "SELECT tablename::text AS name FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename",
    )
    .await?;
    if !is_ours(&tables) && !is_empty(&tables) && !is_server_edition(&mut connection, &tables).await? {
        let first: Vec<&str> = tables.iter().take(4).map(String::as_str).collect();
        let tables = if tables.is_empty() { "no schema to write to".to_owned() } else { first.join(", ") };
        return Err(StoreError::Foreign { database: target.display_name(), tables });
    }
    if let Some(step) = unknown_migration(&mut connection, &tables).await? {
        return Err(StoreError::Newer { step });
    }
    let mut harness = AsyncMigrationHarness::new(connection);
    harness.run_pending_migrations(MIGRATIONS).map_err(|error| StoreError::Migration(error.to_string()))?;
    Ok(())
}

fn has(tables: &[String], name: &str) -> bool {
    tables.iter().any(|table| table == name)
}

fn is_ours(tables: &[String]) -> bool {
    has(tables, "meetmemo_archive")
}

/// diesel creates its own table before the first migration, so an interrupted start leaves only that.
fn is_empty(tables: &[String]) -> bool {
    tables.iter().all(|table| table == "__diesel_schema_migrations")
}

/// Whether it is the server edition's database, or ours after only the first migration: exactly the tables of the
/// contract.
async fn is_server_edition(connection: &mut AsyncPgConnection, tables: &[String]) -> Result<bool> {
    let others =
        tables.iter().any(|t| !["jobs", "export_jobs", "__diesel_schema_migrations"].contains(&t.as_str()));
    if others || !has(tables, "jobs") || !has(tables, "export_jobs") {
        return Ok(false);
    }
    let columns = names(connection, CONTRACT_COLUMNS).await?;
    Ok(columns == CONTRACT)
}

/// One row per column of the two tables: table, name, type, nullability and default.
pub(crate) const CONTRACT_COLUMNS: &str = "
    SELECT table_name || ' ' || column_name || ' ' || data_type || coalesce('(' || character_maximum_length || ')', '')
        || CASE is_nullable WHEN 'NO' THEN ' not null' ELSE '' END || coalesce(' default ' || column_default, '') AS name
    FROM information_schema.columns
    WHERE table_schema = current_schema() AND table_name IN ('jobs', 'export_jobs')
    ORDER BY table_name, ordinal_position";

/// The result of [`CONTRACT_COLUMNS`] for the published contract.
pub(crate) const CONTRACT: [&str; 18] = [
    "export_jobs id uuid not null",
    "export_jobs job_id uuid not null",
    "export_jobs export_type character varying(50) not null",
    "export_jobs status character varying(50) not null default 'pending'::character varying",
    "export_jobs progress integer default 0",
    "export_jobs error_message text",
    "export_jobs file_path text",
    "export_jobs created_at timestamp without time zone not null default now()",
    "export_jobs updated_at timestamp without time zone not null default now()",
    "jobs id uuid not null",
    "jobs file_name character varying(255) not null",
    "jobs file_path text not null",
    "jobs file_hash character varying(64)",
    "jobs status character varying(50) not null default 'pending'::character varying",
    "jobs error_message text",
    "jobs workflow_state character varying(50)",
    "jobs created_at timestamp without time zone not null default now()",
    "jobs updated_at timestamp without time zone not null default now()",
];

/// The first applied migration that this program does not have.
async fn unknown_migration(connection: &mut AsyncPgConnection, tables: &[String]) -> Result<Option<String>> {
    if !has(tables, "__diesel_schema_migrations") {
        return Ok(None);
    }
    let known: Vec<String> = known_migrations()?;
    let applied =
        names(connection, "SELECT version::text AS name FROM __diesel_schema_migrations ORDER BY version")
            .await?;
    Ok(applied.into_iter().find(|step| !known.contains(step)))
}

fn known_migrations() -> Result<Vec<String>> {
    use diesel::migration::{Migration, MigrationSource};
    let steps: Vec<Box<dyn Migration<diesel::pg::Pg>>> =
        MIGRATIONS.migrations().map_err(|error| StoreError::Migration(error.to_string()))?;
    Ok(steps.iter().map(|step| step.name().version().to_string()).collect())
}

/// Hash of the migrations; changes when one is added or changed.
pub(crate) const FINGERPRINT: &str = env!("MEETMEMO_MIGRATIONS");
