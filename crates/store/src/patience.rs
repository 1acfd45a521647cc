//! How long the database is waited for.
//!
//! The kernel of a computer acknowledges packets for a process that is stopped, so neither keepalives nor
//! `tcp_user_timeout` notice a server that has frozen. Each wait here has a limit in this process. Leaves out dead
//! network links, which the options of the connection notice (`connect`), the start of the private server, and schema
//! steps (`migrate`), which take as long as the archive is large.

use crate::archive::Store;
use crate::error::StoreError;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use std::pin::pin;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// Longest time to open one connection, with TLS and password.
pub(crate) const CONNECT: Duration = Duration::from_secs(8);
/// Longest wait for a connection from the pool, a restart of the private server included.
pub(crate) const POOL: Duration = Duration::from_secs(10);
/// After this time a statement is slow, and the server is asked whether it still answers.
const SLOW: Duration = Duration::from_secs(4);
/// Longest time for a statement or transaction on a server that answers: something else holds what it waits for.
const STATEMENT: Duration = Duration::from_secs(120);
/// A listening connection that was silent for this time is asked for a sign of life.
pub(crate) const QUIET: Duration = Duration::from_secs(5);
/// Longest wait for that sign.
pub(crate) const SIGN_OF_LIFE: Duration = Duration::from_secs(8);

/// What is said of a server that gives no answer.
pub(crate) const NO_ANSWER: &str = "it gives no answer";

impl Store {
    /// Runs `work`, some statements on a connection, for as long as the server answers: [`STATEMENT`] at most.
    ///
    /// # Errors
    /// Those of `work`, and [`StoreError::Unreachable`] at most [`SLOW`] and [`CONNECT`] after the server froze. Whether
    /// the statements were done is then unknown.
    pub(crate) async fn attend<T>(&self, work: impl Future<Output = crate::Result<T>>) -> crate::Result<T> {
        let mut work = pin!(work);
        let began = Instant::now();
        loop {
            if let Ok(result) = timeout(SLOW, &mut work).await {
                return result;
            }
            tokio::select! {
                biased;
                result = &mut work => return result,
                answer = self.answers() => answer?,
            }
            if began.elapsed() > STATEMENT {
                let reason = format!("a statement has waited for {} s", STATEMENT.as_secs());
                return Err(self.no_connection(reason));
            }
        }
    }

    /// Whether the server answers a new connection, if only by refusing it.
    async fn answers(&self) -> crate::Result<()> {
        match self.dedicated().await {
            // A server that refuses one connection more has answered.
            Err(error) if !error.is_no_answer() => {
                tracing::debug!(%error, "a statement is slow");
                Ok(())
            }
            answer => answer.map(drop),
        }
    }

    /// That the database gives no answer.
    pub fn no_answer(&self) -> StoreError {
        self.no_connection(NO_ANSWER)
    }

    pub(crate) fn no_connection(&self, reason: impl Into<String>) -> StoreError {
        StoreError::Unreachable { database: self.database_name(), reason: reason.into() }
    }
}

impl StoreError {
    fn is_no_answer(&self) -> bool {
        matches!(self, Self::Unreachable { reason, .. } if reason == NO_ANSWER)
    }
}

/// Whether the other end of `connection` gives an answer within [`SIGN_OF_LIFE`].
pub(crate) async fn is_alive(connection: &mut AsyncPgConnection) -> bool {
    matches!(timeout(SIGN_OF_LIFE, diesel::sql_query("SELECT 1").execute(connection)).await, Ok(Ok(_)))
}
