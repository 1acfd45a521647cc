//! Who waits for whom.

use super::MAX_STATEMENT_CHARS;
use crate::query::on_connection;
use crate::{Result, Store};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Double, Integer, Nullable, Text};
use diesel_async::RunQueryDsl;

/// A connection that waits for a lock which another one holds.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct BlockedStatement {
    /// The server process that waits.
    #[diesel(sql_type = Integer)]
    pub pid: i32,
    /// What its application calls itself.
    #[diesel(sql_type = Text)]
    pub application: String,
    /// The beginning of the statement that waits; none if it must not be shown.
    #[diesel(sql_type = Nullable<Text>)]
    pub statement: Option<String>,
    /// Seconds since that statement began.
    #[diesel(sql_type = Nullable<Double>)]
    pub statement_s: Option<f64>,
    /// What is locked: a table, or the kind of another lock such as `transactionid`.
    #[diesel(sql_type = Nullable<Text>)]
    pub locked: Option<String>,
    /// The lock that is wanted, such as `RowExclusiveLock`.
    #[diesel(sql_type = Nullable<Text>)]
    pub mode: Option<String>,
    /// The server process that is waited for; 0 for a prepared transaction.
    #[diesel(sql_type = Integer)]
    pub blocked_by: i32,
    /// What that application calls itself.
    #[diesel(sql_type = Text)]
    pub blocking_application: String,
    /// Its state, such as `idle in transaction`.
    #[diesel(sql_type = Nullable<Text>)]
    pub blocking_state: Option<String>,
    /// The beginning of its statement, or of the last one.
    #[diesel(sql_type = Nullable<Text>)]
    pub blocking_statement: Option<String>,
    /// Seconds since its transaction began.
    #[diesel(sql_type = Nullable<Double>)]
    pub blocking_transaction_s: Option<f64>,
}

/// The locks of the archive's database.
#[derive(Debug, Clone, PartialEq)]
pub struct LockFigures {
    /// Locks that connections hold, without those of the query that counts them.
    pub held: u32,
    /// Who waits for whom, the longest wait first.
    pub blocked: Vec<BlockedStatement>,
}

/// `$1` is whether all statements may be shown, `$2` how many characters of them.
const BLOCKED: &str = "
    SELECT
        w.pid,
        coalesce(w.application_name, '') AS application,
        CASE WHEN $1 OR w.usename = current_user THEN left(w.query, $2) END AS statement,
        extract(epoch FROM clock_timestamp() - w.query_start)::float8 AS statement_s,
        coalesce(wanted.relation::regclass::text, wanted.locktype) AS locked,
        wanted.mode,
        blocker.pid AS blocked_by,
        coalesce(b.application_name, '') AS blocking_application,
        b.state AS blocking_state,
        CASE WHEN $1 OR b.usename = current_user THEN left(b.query, $2) END AS blocking_statement,
        extract(epoch FROM clock_timestamp() - b.xact_start)::float8 AS blocking_transaction_s
    FROM pg_stat_activity w
    CROSS JOIN LATERAL (SELECT DISTINCT pid FROM unnest(pg_blocking_pids(w.pid)) AS blocking (pid)) AS blocker
    LEFT JOIN pg_stat_activity b ON b.pid = blocker.pid
    LEFT JOIN LATERAL (
        SELECT l.relation, l.locktype, l.mode FROM pg_locks l WHERE l.pid = w.pid AND NOT l.granted LIMIT 1
    ) AS wanted ON TRUE
    WHERE w.datname = current_database()
    ORDER BY w.query_start, w.pid, blocker.pid";

const HELD: &str = "
    SELECT count(*) AS count FROM pg_locks
    WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND granted AND pid <> pg_backend_pid()";

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

impl Store {
    /// Who waits for whom in the archive's database.
    pub async fn lock_figures(&self) -> Result<LockFigures> {
        on_connection!(self, connection => async {
            let held: Count = diesel::sql_query(HELD).get_result(connection).await?;
            let blocked = diesel::sql_query(BLOCKED)
                .bind::<Bool, _>(self.is_private())
                .bind::<Integer, _>(MAX_STATEMENT_CHARS)
                .load(connection)
                .await?;
            Ok::<_, diesel::result::Error>(LockFigures {
                held: u32::try_from(held.count).unwrap_or(u32::MAX),
                blocked,
            })
        })
    }
}
