//! The database server as its administrator sees it: figures, running and slow statements, locks, maintenance, migration
//! state, log, and the password of the private server.
//!
//! The figures are PostgreSQL's own (`pg_stat_…`), as numbers; what they mean and what is normal is said in the crate
//! `app`. Only the database of the archive is looked at, never others on the same server. Every query only reads, except
//! maintenance, ending a connection and changing the password.

mod activity;
mod change_password;
mod locks;
mod log;
mod maintenance;
mod migrations;
pub(crate) mod slow_limit;
mod slow_statements;
mod tables;

pub use activity::{Connection, ConnectionEnd, RunningStatements};
pub use locks::{BlockedStatement, LockFigures};
pub use maintenance::{Maintenance, MaintenanceReport, MaintenanceStep, TableMaintained};
pub use migrations::MigrationStep;
pub use slow_statements::{RecordedStatement, SlowStatements, StatementStatistics};
pub use tables::{IndexFigures, TableFigures};

use crate::query::on_connection;
use crate::{Result, Store};
use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Double, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;

/// The longest part of a statement that is shown, in characters. Statements can hold words of meetings.
const MAX_STATEMENT_CHARS: i32 = 200;

/// The server and the database of the archive.
#[derive(Debug, Clone, PartialEq, diesel::QueryableByName)]
pub struct ServerStatus {
    /// Version of the server, such as `16.14`.
    #[diesel(sql_type = Text)]
    pub version: String,
    /// Size of the database on disk in bytes, with indexes.
    #[diesel(sql_type = BigInt)]
    pub size_bytes: i64,
    /// When the server started.
    #[diesel(sql_type = Timestamptz)]
    pub started_at: DateTime<Utc>,
    /// Seconds since then, by the server's clock.
    #[diesel(sql_type = Double)]
    pub uptime_s: f64,
    /// Connections of clients to the server, to all its databases.
    #[diesel(sql_type = BigInt)]
    pub connections: i64,
    /// The most connections that clients without administrator's rights can have.
    #[diesel(sql_type = BigInt)]
    pub max_connections: i64,
    /// The share of pages that were read from the server's memory, from 0 to 1; none before the first page was read.
    #[diesel(sql_type = Nullable<Double>)]
    pub cache_hit_ratio: Option<f64>,
    /// Transactions that were committed since the statistics began.
    #[diesel(sql_type = BigInt)]
    pub commits: i64,
    /// Transactions that were rolled back.
    #[diesel(sql_type = BigInt)]
    pub rollbacks: i64,
    /// Transactions that were ended because two waited for each other.
    #[diesel(sql_type = BigInt)]
    pub deadlocks: i64,
    /// Seconds since the oldest transaction that is open began.
    #[diesel(sql_type = Nullable<Double>)]
    pub oldest_transaction_s: Option<f64>,
}

const STATUS: &str = "
    SELECT
        current_setting('server_version') AS version,
        pg_database_size(current_database()) AS size_bytes,
        pg_postmaster_start_time() AS started_at,
        extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())::float8 AS uptime_s,
        (
            SELECT count(*) FROM pg_stat_activity
            WHERE coalesce(backend_type, 'client backend') = 'client backend'
                AND datid IS NOT NULL AND usesysid IS NOT NULL
        ) AS connections,
        current_setting('max_connections')::bigint - current_setting('superuser_reserved_connections')::bigint
            AS max_connections,
        d.blks_hit::float8 / nullif(d.blks_hit + d.blks_read, 0) AS cache_hit_ratio,
        d.xact_commit AS commits,
        d.xact_rollback AS rollbacks,
        d.deadlocks AS deadlocks,
        (
            SELECT extract(epoch FROM max(clock_timestamp() - xact_start))::float8 FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
        ) AS oldest_transaction_s
    FROM pg_stat_database d WHERE d.datname = current_database()";

impl Store {
    /// The state of the server and of the archive's database.
    pub async fn server_status(&self) -> Result<ServerStatus> {
        on_connection!(self, connection => diesel::sql_query(STATUS).get_result(connection))
    }
}
