//! Bringing a database up to date, or refusing it untouched.

use crate::Result;
use crate::connect::Target;
use crate::error::StoreError;
use diesel::sql_types::Text;
use diesel_async::{AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

/// The steps in `migrations/`, compiled in.
pub(crate) const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// Key of the advisory lock under which one process at a time looks and migrates: “meetmemo” in ASCII.
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

/// Checks that the database stores every letter and is empty, ours or the server edition's, then runs the steps that it
/// lacks. The lock is the session's: it ends with `connection`.
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
        let some: Vec<&str> = tables.iter().take(4).map(String::as_str).collect();
        let tables = if tables.is_empty() { "no schema to write to".to_owned() } else { some.join(", ") };
        return Err(StoreError::Foreign { database: target.display_name(), tables });
    }
    if let Some(step) = unknown_step(&mut connection, &tables).await? {
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

/// diesel makes its own table before the first step runs, so a start that was cut short leaves just that.
fn is_empty(tables: &[String]) -> bool {
    tables.iter().all(|table| table == "__diesel_schema_migrations")
}

/// The server edition's database, or ours after the first step only: exactly the two tables of the contract.
async fn is_server_edition(connection: &mut AsyncPgConnection, tables: &[String]) -> Result<bool> {
    let others =
        tables.iter().any(|t| !["jobs", "export_jobs", "__diesel_schema_migrations"].contains(&t.as_str()));
    if others || !has(tables, "jobs") || !has(tables, "export_jobs") {
        return Ok(false);
    }
    let columns = names(connection, CONTRACT_COLUMNS).await?;
    Ok(columns == CONTRACT)
}

/// One row a column of the two tables: its place, type, nullability and default.
pub(crate) const CONTRACT_COLUMNS: &str = "
    SELECT table_name || ' ' || column_name || ' ' || data_type || coalesce('(' || character_maximum_length || ')', '')
        || CASE is_nullable WHEN 'NO' THEN ' not null' ELSE '' END || coalesce(' default ' || column_default, '') AS name
    FROM information_schema.columns
    WHERE table_schema = current_schema() AND table_name IN ('jobs', 'export_jobs')
    ORDER BY table_name, ordinal_position";

/// What [`CONTRACT_COLUMNS`] gives for the published contract.
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

async fn unknown_step(connection: &mut AsyncPgConnection, tables: &[String]) -> Result<Option<String>> {
    if !has(tables, "__diesel_schema_migrations") {
        return Ok(None);
    }
    let known: Vec<String> = known_steps()?;
    let applied =
        names(connection, "SELECT version::text AS name FROM __diesel_schema_migrations ORDER BY version")
            .await?;
    Ok(applied.into_iter().find(|step| !known.contains(step)))
}

fn known_steps() -> Result<Vec<String>> {
    use diesel::migration::{Migration, MigrationSource};
    let steps: Vec<Box<dyn Migration<diesel::pg::Pg>>> =
        MIGRATIONS.migrations().map_err(|error| StoreError::Migration(error.to_string()))?;
    Ok(steps.iter().map(|step| step.name().version().to_string()).collect())
}

/// Changes with every step that is added or changed.
pub(crate) const FINGERPRINT: &str = env!("MEETMEMO_MIGRATIONS");
