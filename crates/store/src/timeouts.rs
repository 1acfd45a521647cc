//! Limits for waiting for the database.
//!
//! The kernel of a computer acknowledges packets for a stopped process, so neither keepalives nor `tcp_user_timeout`
//! notice a server that has frozen. Every wait therefore has a limit in this process. Not covered here: dead network
//! links (options of the connection, see `external_url`), the start of the private server (`managed`), and migrations
//! (`migrate`), which take longer the larger the archive is.
//!
//! Together the limits make a query on a frozen server fail within 15 s.

use diesel_async::{AsyncPgConnection, RunQueryDsl};
use std::time::Duration;
use tokio::time::timeout;

/// Longest time to open one connection, including TLS and authentication.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(8);
/// Longest wait for a connection from the pool, including a restart of the private server.
pub(crate) const POOL_TIMEOUT: Duration = Duration::from_secs(10);
/// After this time a statement is slow, and the server is asked whether it still answers.
pub(crate) const SLOW_STATEMENT: Duration = Duration::from_secs(4);
/// Longest time for a statement or transaction on a server that answers; it then waits for a lock.
pub(crate) const STATEMENT_TIMEOUT: Duration = Duration::from_secs(120);
/// A listening connection without a notification for this time is probed.
pub(crate) const LISTEN_IDLE: Duration = Duration::from_secs(5);
/// Longest wait for the answer to a probe.
pub(crate) const PROBE_TIMEOUT: Duration = Duration::from_secs(8);

/// The reason in messages about a server that does not answer.
pub(crate) const NO_ANSWER: &str = "it gives no answer";

/// Whether the server answers on `connection` within [`PROBE_TIMEOUT`].
pub(crate) async fn is_alive(connection: &mut AsyncPgConnection) -> bool {
    matches!(timeout(PROBE_TIMEOUT, diesel::sql_query("SELECT 1").execute(connection)).await, Ok(Ok(_)))
}
