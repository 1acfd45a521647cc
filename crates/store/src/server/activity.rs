//! Connections to the archive's database and what they run; ending one.
//!
//! The text of a statement can hold words of meetings. On a configured server, where others may look, only those of our
//! own role are shown, and everywhere only the beginning.

use super::MAX_STATEMENT_CHARS;
use crate::query::on_connection;
use crate::{Result, Store};
use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Bool, Double, Integer, Nullable, Text, Timestamptz};
use diesel::{OptionalExtension, QueryableByName};
use diesel_async::RunQueryDsl;

/// A connection of a client to the archive's database.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct Connection {
    /// The id of the server process that serves it.
    #[diesel(sql_type = Integer)]
    pub pid: i32,
    /// What the client calls itself, such as `meetmemo window` or `psql`.
    #[diesel(sql_type = Text)]
    pub application: String,
    /// The role that it is connected as.
    #[diesel(sql_type = Nullable<Text>)]
    pub user: Option<String>,
    /// The address of the client; none for a socket of this computer, or without the right to see it.
    #[diesel(sql_type = Nullable<Text>)]
    pub client: Option<String>,
    /// `active`, `idle in transaction` …; none without the right to see it.
    #[diesel(sql_type = Nullable<Text>)]
    pub state: Option<String>,
    /// The beginning of the statement that runs, or that ran last; none if it must not be shown.
    #[diesel(sql_type = Nullable<Text>)]
    pub statement: Option<String>,
    /// Seconds since that statement began.
    #[diesel(sql_type = Nullable<Double>)]
    pub statement_s: Option<f64>,
    /// Seconds since its open transaction began.
    #[diesel(sql_type = Nullable<Double>)]
    pub transaction_s: Option<f64>,
    /// What it waits for, such as `Lock: relation`; none if it works.
    #[diesel(sql_type = Nullable<Text>)]
    pub waits_for: Option<String>,
}

/// The statements that run, and the connections that are idle.
#[derive(Debug, Clone, PartialEq)]
pub struct RunningStatements {
    /// Connections that run a statement or have a transaction open, the oldest first; without the one that asks.
    pub running: Vec<Connection>,
    /// The number of other connections, which are idle.
    pub idle: u32,
}

/// `$1` is whether all statements may be shown, `$2` how many characters of them.
const CONNECTIONS: &str = "
    SELECT
        a.pid,
        coalesce(a.application_name, '') AS application,
        a.usename::text AS \"user\",
        host(a.client_addr) AS client,
        a.state,
        CASE WHEN $1 OR a.usename = current_user THEN left(a.query, $2) END AS statement,
        extract(epoch FROM clock_timestamp() - a.query_start)::float8 AS statement_s,
        extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS transaction_s,
        CASE WHEN a.state = 'active' THEN a.wait_event_type || ': ' || a.wait_event END AS waits_for
    FROM pg_stat_activity a
    WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
        AND coalesce(a.backend_type, 'client backend') = 'client backend'
    ORDER BY coalesce(a.xact_start, a.query_start), a.pid";

/// How the attempt to end a connection ended.
#[derive(Debug, Clone, PartialEq)]
pub enum ConnectionEnd {
    /// It is ended. What its application was called.
    Ended(String),
    /// It was told to end and still runs after the time allowed; it ends as soon as the server can stop its statement.
    Ending(String),
    /// No connection has this process id.
    NotThere,
    /// It is the connection that asks.
    Own,
    /// It uses another database of the server, whose name this is.
    OtherDatabase(String),
    /// It is a process of the server itself.
    ServerProcess,
    /// It belongs to the role of this name, and ours may not end it.
    NotPermitted(String),
}

#[derive(QueryableByName)]
struct Candidate {
    #[diesel(sql_type = Text)]
    application: String,
    #[diesel(sql_type = Nullable<Text>)]
    database: Option<String>,
    #[diesel(sql_type = Text)]
    user: String,
    #[diesel(sql_type = Bool)]
    is_own: bool,
    #[diesel(sql_type = Bool)]
    is_here: bool,
    #[diesel(sql_type = Bool)]
    is_client: bool,
    #[diesel(sql_type = Bool)]
    is_permitted: bool,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    began: Option<DateTime<Utc>>,
}

const CANDIDATE: &str = "
    SELECT
        coalesce(a.application_name, '') AS application,
        a.datname::text AS database,
        coalesce(a.usename::text, '') AS \"user\",
        a.pid = pg_backend_pid() AS is_own,
        coalesce(a.datname = current_database(), FALSE) AS is_here,
        a.usename IS NOT NULL AND coalesce(a.backend_type, 'client backend') = 'client backend' AS is_client,
        coalesce(
            CASE
                WHEN (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN TRUE
                WHEN (SELECT rolsuper FROM pg_roles r WHERE r.oid = a.usesysid) THEN FALSE
                ELSE pg_has_role(a.usesysid, 'MEMBER') OR pg_has_role('pg_signal_backend', 'MEMBER')
            END,
            FALSE
        ) AS is_permitted,
        a.backend_start AS began
    FROM pg_stat_activity a WHERE a.pid = $1";

/// Ends the process `$1` if it is still the one that began at `$2`, and waits at most `$3` ms for that.
const END: &str = "
    SELECT pg_terminate_backend(pid, $3) AS value FROM pg_stat_activity
    WHERE pid = $1 AND backend_start IS NOT DISTINCT FROM $2 AND datname = current_database()
        AND pid <> pg_backend_pid()";

/// How long to wait for a connection to end, in milliseconds.
const END_TIMEOUT_MS: i64 = 3000;

#[derive(QueryableByName)]
struct BoolRow {
    #[diesel(sql_type = Bool)]
    value: bool,
}

impl Store {
    /// What other connections to the archive's database are doing.
    pub async fn running_statements(&self) -> Result<RunningStatements> {
        let all: Vec<Connection> = on_connection!(self, connection => diesel::sql_query(CONNECTIONS)
            .bind::<Bool, _>(self.is_private())
            .bind::<Integer, _>(MAX_STATEMENT_CHARS)
            .load(connection))?;
        let (idle, running): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|connection| connection.state.as_deref() == Some("idle"));
        Ok(RunningStatements { running, idle: u32::try_from(idle.len()).unwrap_or(u32::MAX) })
    }

    /// Ends the connection that the server process `pid` serves. Its open transaction is rolled back. Safe to repeat: it
    /// ends no other connection that got the same id since.
    pub async fn end_connection(&self, pid: i32) -> Result<ConnectionEnd> {
        let found: Option<Candidate> = on_connection!(self, connection => async {
            diesel::sql_query(CANDIDATE).bind::<Integer, _>(pid).get_result(connection).await.optional()
        })?;
        let Some(found) = found else { return Ok(ConnectionEnd::NotThere) };
        if found.is_own {
            return Ok(ConnectionEnd::Own);
        }
        if !found.is_client {
            return Ok(ConnectionEnd::ServerProcess);
        }
        if !found.is_here {
            return Ok(ConnectionEnd::OtherDatabase(found.database.unwrap_or_default()));
        }
        if !found.is_permitted {
            return Ok(ConnectionEnd::NotPermitted(found.user));
        }
        let ended: Vec<BoolRow> = on_connection!(self, connection => diesel::sql_query(END)
            .bind::<Integer, _>(pid)
            .bind::<Nullable<Timestamptz>, _>(found.began)
            .bind::<BigInt, _>(END_TIMEOUT_MS)
            .load(connection))?;
        // Without a row it has ended by itself meanwhile.
        let has_ended = ended.iter().all(|row| row.value);
        Ok(match has_ended {
            true => ConnectionEnd::Ended(found.application),
            false => ConnectionEnd::Ending(found.application),
        })
    }
}
