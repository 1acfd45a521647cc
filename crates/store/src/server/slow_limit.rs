//! The time from which the private server records a statement as slow. It is a property of the database, so that it
//! holds for every process from its next connection.

use crate::{Result, migrate};
use diesel::QueryableByName;
use diesel::result::Error as QueryError;
use diesel::sql_types::{BigInt, Bool, Integer, Text};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

#[derive(QueryableByName)]
struct BoolRow {
    #[diesel(sql_type = Bool)]
    value: bool,
}

fn as_parameter(limit_ms: u32) -> i32 {
    i32::try_from(limit_ms).unwrap_or(i32::MAX)
}

/// Whether the session of `connection` has another limit.
pub(crate) async fn differs(connection: &mut AsyncPgConnection, limit_ms: u32) -> Result<bool> {
    let row: BoolRow = diesel::sql_query(
        "SELECT setting::integer <> $1 AS value FROM pg_settings WHERE name = 'log_min_duration_statement'",
    )
    .bind::<Integer, _>(as_parameter(limit_ms))
    .get_result(connection)
    .await?;
    Ok(row.value)
}

/// Sets the limit for all sessions of this database that begin afterwards.
pub(crate) async fn set(connection: &mut AsyncPgConnection, limit_ms: u32) -> Result<()> {
    let set = connection.transaction::<_, QueryError, _>(async |c| {
        // Two processes that change it at the same time would fail otherwise.
        diesel::sql_query("SELECT pg_advisory_xact_lock($1)")
            .bind::<BigInt, _>(migrate::LOCK)
            .execute(c)
            .await?;
        diesel::sql_query("SELECT set_config('meetmemo.slow_limit', $1, TRUE)")
            .bind::<Text, _>(as_parameter(limit_ms).to_string())
            .execute(c)
            .await?;
        // ALTER DATABASE takes no parameters; the server quotes both.
        c.batch_execute(
            "DO $$ BEGIN
                EXECUTE format('ALTER DATABASE %I SET log_min_duration_statement TO %L',
                    current_database(), current_setting('meetmemo.slow_limit'));
            END $$",
        )
        .await
    });
    Ok(set.await?)
}
