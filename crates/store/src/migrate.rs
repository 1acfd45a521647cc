//! Migrates a database to the current schema, or refuses it without changing it.
//!
//! Accepted are an empty database, one of ours that is not newer than this program, and the database of the server
//! edition (the two tables of the published contract and nothing else).

use crate::Result;
use crate::connect::Target;
use crate::database_owner::{self, Content, Owner};
use crate::error::StoreError;
use crate::server_version::{VersionVerdict, judge_version};
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::sql_types::{BigInt, Text};
use diesel_async::{AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl};
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

async fn names(connection: &mut AsyncPgConnection, sql: &'static str) -> Result<Vec<String>> {
    let rows: Vec<Name> = diesel::sql_query(sql).load(connection).await?;
    Ok(rows.into_iter().map(|row| row.name).collect())
}

/// Checks version, encoding and owner of the database, then runs the missing migrations. Takes an advisory lock that is
/// released when `connection` closes.
pub(crate) async fn bring_up_to_date(mut connection: AsyncPgConnection, target: &Target) -> Result<()> {
    if let Target::External(_) = target {
        let version =
            names(&mut connection, "SELECT current_setting('server_version') AS name").await?.concat();
        match judge_version(&version) {
            VersionVerdict::TooOld => {
                return Err(StoreError::OldServer { database: target.display_name(), version });
            }
            VersionVerdict::Untested => tracing::warn!(version, "this server is newer than those tested"),
            VersionVerdict::Supported => {}
        }
    }
    let encoding =
        names(&mut connection, "SELECT current_setting('server_encoding') AS name").await?.concat();
    if encoding != "UTF8" {
        return Err(StoreError::NotUtf8 { database: target.display_name(), encoding });
    }
    diesel::sql_query("SELECT pg_advisory_lock($1)").bind::<BigInt, _>(LOCK).execute(&mut connection).await?;
    match content(&mut connection).await?.owner()? {
        Owner::Nobody | Owner::MeetMemo | Owner::ServerEdition => {}
        Owner::NewerMeetMemo { step } => return Err(StoreError::Newer { step }),
        Owner::Stranger { tables } => {
            return Err(StoreError::Foreign { database: target.display_name(), tables });
        }
    }
    let mut harness = AsyncMigrationHarness::new(connection);
    harness.run_pending_migrations(MIGRATIONS).map_err(|error| StoreError::Migration(error.to_string()))?;
    Ok(())
}

async fn content(connection: &mut AsyncPgConnection) -> Result<Content> {
    let tables = names(connection, database_owner::TABLES).await?;
    let has = |name: &str| tables.iter().any(|table| table == name);
    // This query waits for whoever locks one of the tables, and an archive of ours must open meanwhile: the commands that
    // show and end such a lock open it too.
    let is_marked = has(database_owner::MARKER);
    let columns =
        if is_marked { Vec::new() } else { names(connection, database_owner::CONTRACT_COLUMNS).await? };
    let has_steps = has(database_owner::STEPS_TABLE);
    let steps = if has_steps { names(connection, database_owner::STEPS).await? } else { Vec::new() };
    Ok(Content { tables, columns, steps })
}

/// The versions of the migrations that are compiled in.
pub(crate) fn known_migrations() -> Result<Vec<String>> {
    Ok(steps()?.iter().map(|step| step.name().version().to_string()).collect())
}

/// The migrations in order.
fn steps() -> Result<Vec<Box<dyn Migration<Pg>>>> {
    let mut steps: Vec<Box<dyn Migration<Pg>>> =
        MIGRATIONS.migrations().map_err(|error| StoreError::Migration(error.to_string()))?;
    steps.sort_by_key(|step| step.name().version().to_string());
    Ok(steps)
}

/// Runs the migrations in the current schema of `connection` that have not run there: up to `last`, or all.
///
/// # Errors
/// [`StoreError::Newer`] if this program does not have the step `last`.
pub(crate) async fn run_steps(
    connection: AsyncPgConnection,
    last: Option<&str>,
) -> Result<AsyncPgConnection> {
    let steps = steps()?;
    if let Some(last) = last {
        ensure_known_step(last)?;
    }
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| StoreError::Migration(error.to_string());
    let mut harness = AsyncMigrationHarness::new(connection);
    let applied: Vec<String> =
        harness.applied_migrations().map_err(failed)?.iter().map(ToString::to_string).collect();
    for step in steps {
        let version = step.name().version().to_string();
        if applied.contains(&version) {
            continue;
        }
        harness.run_migration(&step).map_err(failed)?;
        if last == Some(version.as_str()) {
            break;
        }
    }
    Ok(harness.into_inner())
}

/// Whether this program has the migration step `step`, and so can read the rows of a backup at that step.
///
/// # Errors
/// [`StoreError::Newer`] if it has not.
pub fn ensure_known_step(step: &str) -> Result<()> {
    match steps()?.iter().any(|known| known.name().version().to_string() == step) {
        true => Ok(()),
        false => Err(StoreError::Newer { step: step.to_owned() }),
    }
}

/// Hash of the migrations; changes when one is added or changed.
pub(crate) const FINGERPRINT: &str = env!("MEETMEMO_MIGRATIONS");
