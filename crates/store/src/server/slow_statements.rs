//! Statements that took long: on the private server those that it recorded in its log, on a configured one the figures of
//! the extension `pg_stat_statements`, if it is there.
//!
//! The log holds the statements without the values that are passed beside them.

use super::{MAX_STATEMENT_CHARS, log};
use crate::error::StoreError;
use crate::query::on_connection;
use crate::{Result, Store};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Double, Integer, Text};
use diesel_async::RunQueryDsl;

/// The most statements that are returned.
const MAX_STATEMENTS: usize = 100;

/// A statement that the private server recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedStatement {
    /// When it ended.
    pub at: DateTime<Utc>,
    /// What its application calls itself.
    pub application: String,
    /// How long it took, in milliseconds.
    pub duration_ms: f64,
    /// Its beginning.
    pub statement: String,
}

/// The figures of equal statements, since the statistics began.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct StatementStatistics {
    /// Its beginning, without values.
    #[diesel(sql_type = Text)]
    pub statement: String,
    /// How often it ran.
    #[diesel(sql_type = BigInt)]
    pub calls: i64,
    /// Milliseconds on average.
    #[diesel(sql_type = Double)]
    pub mean_ms: f64,
    /// Milliseconds of the slowest run.
    #[diesel(sql_type = Double)]
    pub max_ms: f64,
    /// Milliseconds of all runs.
    #[diesel(sql_type = Double)]
    pub total_ms: f64,
}

/// Slow statements, from the source that there is.
#[derive(Debug, Clone, PartialEq)]
pub enum SlowStatements {
    /// From the log of the private server, the newest first.
    Recorded {
        /// Statements that take at least this many milliseconds are recorded.
        limit_ms: u32,
        /// The statements.
        statements: Vec<RecordedStatement>,
    },
    /// From `pg_stat_statements`, the most costly first.
    Statistics(Vec<StatementStatistics>),
    /// A configured server without `pg_stat_statements`.
    NotRecorded,
}

/// The view exists in the database, and the server has loaded the library that fills it.
const HAS_STATISTICS: &str = "
    SELECT to_regclass('pg_stat_statements') IS NOT NULL
        AND current_setting('pg_stat_statements.max', TRUE) IS NOT NULL AS value";

/// `$1` is the limit in ms, `$2` how many characters of a statement are shown, `$3` the most rows.
const STATISTICS: &str = "
    SELECT left(query, $2) AS statement, calls, mean_exec_time AS mean_ms, max_exec_time AS max_ms,
        total_exec_time AS total_ms
    FROM pg_stat_statements
    WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND max_exec_time >= $1
    ORDER BY total_exec_time DESC LIMIT $3";

#[derive(QueryableByName)]
struct BoolRow {
    #[diesel(sql_type = Bool)]
    value: bool,
}

#[derive(QueryableByName)]
struct Limit {
    #[diesel(sql_type = Integer)]
    limit_ms: i32,
}

impl Store {
    /// Statements that took long. On a configured server those of which one run took at least `limit_ms`; on the private
    /// server the limit is the one that it records with.
    ///
    /// # Errors
    /// Those of the database, or if the log cannot be read.
    pub async fn slow_statements(&self, limit_ms: u32) -> Result<SlowStatements> {
        if let Some(cluster) = self.cluster() {
            let limit: Limit = on_connection!(self, connection => diesel::sql_query(
                "SELECT setting::integer AS limit_ms FROM pg_settings WHERE name = 'log_min_duration_statement'",
            )
            .get_result(connection))?;
            let path = cluster.log();
            let read = tokio::task::spawn_blocking(move || log::read_end(&path)).await;
            let text = read
                .map_err(|_| StoreError::Stale("the log could not be read"))?
                .map_err(|error| cluster.folder_error(error))?;
            let limit_ms = u32::try_from(limit.limit_ms).unwrap_or(limit_ms);
            return Ok(SlowStatements::Recorded { limit_ms, statements: recorded_statements(&text) });
        }
        on_connection!(self, connection => async {
            let found: BoolRow = diesel::sql_query(HAS_STATISTICS).get_result(connection).await?;
            if !found.value {
                return Ok(SlowStatements::NotRecorded);
            }
            let rows = diesel::sql_query(STATISTICS)
                .bind::<Double, _>(f64::from(limit_ms))
                .bind::<Integer, _>(MAX_STATEMENT_CHARS)
                .bind::<BigInt, _>(i64::try_from(MAX_STATEMENTS).unwrap_or(i64::MAX))
                .load(connection)
                .await?;
            Ok::<_, diesel::result::Error>(SlowStatements::Statistics(rows))
        })
    }
}

/// The statements in a log, the newest first. A message begins as `LOG_LINE_PREFIX` in the keeper says; its further lines
/// begin with a tab.
fn recorded_statements(log: &str) -> Vec<RecordedStatement> {
    let mut found: Vec<RecordedStatement> = Vec::new();
    let mut is_statement = false;
    for line in log.lines() {
        if let Some(more) = line.strip_prefix('\t') {
            if let Some(last) = found.last_mut().filter(|_| is_statement) {
                last.statement.push(' ');
                last.statement.push_str(more.trim());
            }
            continue;
        }
        let statement = recorded_statement(line);
        is_statement = statement.is_some();
        found.extend(statement);
    }
    for recorded in &mut found {
        let shown = usize::try_from(MAX_STATEMENT_CHARS).unwrap_or(usize::MAX);
        recorded.statement = recorded.statement.trim().chars().take(shown).collect();
    }
    found.reverse();
    found.truncate(MAX_STATEMENTS);
    found
}

/// Parses `2026-11-30 09:26:09.123 UTC [4242] meetmemo window LOG:  duration: 812.345 ms  execute s0: SELECT …`.
fn recorded_statement(line: &str) -> Option<RecordedStatement> {
    let (head, rest) = line.split_once(" LOG:  duration: ")?;
    let (duration, rest) = rest.split_once(" ms  ")?;
    let (_step, statement) = rest.split_once(": ")?;
    let (time, rest) = head.split_once(" UTC [")?;
    let (_pid, application) = rest.split_once(']')?;
    Some(RecordedStatement {
        at: NaiveDateTime::parse_from_str(time, "%Y-%m-%d %H:%M:%S%.f").ok()?.and_utc(),
        application: application.trim().to_owned(),
        duration_ms: duration.parse().ok()?,
        statement: statement.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_statements_are_read_from_the_log() {
        let log = "2026-11-30 09:26:08.000 UTC [7]  LOG:  database system is ready to accept connections\n\
            2026-11-30 09:26:09.123 UTC [42] meetmemo window LOG:  duration: 812.345 ms  execute s0: SELECT *\n\
            \tFROM jobs\n\
            2026-11-30 09:26:10.000 UTC [42] meetmemo window ERROR:  canceling statement due to user request\n\
            2026-11-30 09:26:10.000 UTC [42] meetmemo window STATEMENT:  SELECT 1,\n\
            \t2\n\
            2026-11-30 09:26:11.500 UTC [43] psql LOG:  duration: 1500.000 ms  statement: SELECT pg_sleep(1.5)\n\
            2026-11-30 09:26:12.000 UTC [43] psql LOG:  duration: 3 ms\n";
        let found = recorded_statements(log);
        let told: Vec<_> =
            found.iter().map(|s| (s.application.as_str(), s.duration_ms, s.statement.as_str())).collect();
        assert_eq!(
            told,
            [("psql", 1500.0, "SELECT pg_sleep(1.5)"), ("meetmemo window", 812.345, "SELECT * FROM jobs")]
        );
        assert_eq!(found[1].at.to_rfc3339(), "2026-11-30T09:26:09.123+00:00");
    }

    #[test]
    fn a_long_statement_is_cut() {
        let log = format!(
            "2026-11-30 09:26:09.1 UTC [42] x LOG:  duration: 1.5 ms  statement: {}\n",
            "ä".repeat(999)
        );
        assert_eq!(recorded_statements(&log)[0].statement.chars().count(), 200);
    }
}
