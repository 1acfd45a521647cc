//! Which steps of the schema have been applied.

use crate::error::StoreError;
use crate::query::on_connection;
use crate::{Result, Store, migrate};
use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::sql_types::{Text, Timestamptz};
use diesel_async::RunQueryDsl;

/// A step of the schema.
#[derive(Debug, Clone, PartialEq)]
pub struct MigrationStep {
    /// Its version, as in the table of applied steps.
    pub version: String,
    /// The name of its folder in `migrations/`; the version if this program does not have the step.
    pub name: String,
    /// Whether this program has the step.
    pub is_known: bool,
    /// When it was applied; none if it is pending.
    pub applied_at: Option<DateTime<Utc>>,
}

#[derive(QueryableByName)]
struct Applied {
    #[diesel(sql_type = Text)]
    version: String,
    #[diesel(sql_type = Timestamptz)]
    applied_at: DateTime<Utc>,
}

const APPLIED: &str = "
    SELECT version::text AS version, run_on AT TIME ZONE 'UTC' AS applied_at
    FROM __diesel_schema_migrations ORDER BY version";

impl Store {
    /// All steps of the schema in order: those that this program has and those that the database has.
    pub async fn migration_steps(&self) -> Result<Vec<MigrationStep>> {
        let mut applied: Vec<Applied> =
            on_connection!(self, connection => diesel::sql_query(APPLIED).load(connection))?;
        let known: Vec<Box<dyn Migration<Pg>>> =
            migrate::MIGRATIONS.migrations().map_err(|error| StoreError::Migration(error.to_string()))?;
        let mut steps: Vec<MigrationStep> = known
            .iter()
            .map(|step| {
                let version = step.name().version().to_string();
                let found = applied.iter().position(|row| row.version == version);
                MigrationStep {
                    name: step.name().to_string(),
                    is_known: true,
                    applied_at: found.map(|index| applied.remove(index).applied_at),
                    version,
                }
            })
            .collect();
        steps.extend(applied.into_iter().map(|row| MigrationStep {
            name: row.version.clone(),
            version: row.version,
            is_known: false,
            applied_at: Some(row.applied_at),
        }));
        steps.sort_by(|a, b| a.version.cmp(&b.version));
        Ok(steps)
    }
}
