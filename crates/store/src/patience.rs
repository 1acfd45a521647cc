//! How long the database is waited for.
//!
//! The kernel of a computer acknowledges packets for a process that is stopped, so neither keepalives nor
//! `tcp_user_timeout` notice a server that has frozen. Each wait here has a limit in this process. Leaves out dead
//! network links, which the options of the connection notice (`connect`), the start of the private server, and schema
//! steps (`migrate`), which take as long as the archive is large.

use diesel_async::{AsyncPgConnection, RunQueryDsl};
use std::time::Duration;
use tokio::time::timeout;

/// Longest time to open one connection, with TLS and password.
pub(crate) const CONNECT: Duration = Duration::from_secs(8);
/// Longest wait for a connection from the pool, a restart of the private server included.
pub(crate) const POOL: Duration = Duration::from_secs(10);
/// After this time a statement is slow, and the server is asked whether it still answers.
pub(crate) const SLOW: Duration = Duration::from_secs(4);
/// Longest time for a statement or transaction on a server that answers: something else holds what it waits for.
pub(crate) const STATEMENT: Duration = Duration::from_secs(120);
/// A listening connection that was silent for this time is asked for a sign of life.
pub(crate) const QUIET: Duration = Duration::from_secs(5);
/// Longest wait for that sign.
pub(crate) const SIGN_OF_LIFE: Duration = Duration::from_secs(8);

/// What is said of a server that gives no answer.
pub(crate) const NO_ANSWER: &str = "it gives no answer";

/// Whether the other end of `connection` gives an answer within [`SIGN_OF_LIFE`].
pub(crate) async fn is_alive(connection: &mut AsyncPgConnection) -> bool {
    matches!(timeout(SIGN_OF_LIFE, diesel::sql_query("SELECT 1").execute(connection)).await, Ok(Ok(_)))
}
