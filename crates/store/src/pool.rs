//! The connection pool and what to do when the server does not answer.
//!
//! Connections of the pool are opened by [`Target::connect`]. A statement that takes long may wait for a lock, or for a
//! server that has frozen: [`Store::run_while_answering`] finds out which.

use crate::connect::Target;
use crate::error::StoreError;
use crate::timeouts::{NO_ANSWER, POOL_TIMEOUT, SLOW_STATEMENT, STATEMENT_TIMEOUT};
use crate::{Result, Store};
use bb8::RunError;
use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, PoolError};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::timeout;

pub(crate) type Connections = bb8::Pool<AsyncDieselConnectionManager<AsyncPgConnection>>;
pub(crate) type PooledConnection<'a> =
    bb8::PooledConnection<'a, AsyncDieselConnectionManager<AsyncPgConnection>>;

/// Longest time to find out why the pool has no connection.
const DIAGNOSIS_TIMEOUT: Duration = Duration::from_secs(4);

/// A worker needs one connection for its work, one for its heartbeat, and one for what runs beside it.
const MIN_CONNECTIONS: u32 = 3;

/// The least and greatest number of open connections.
#[derive(Debug, Clone, Copy)]
pub struct PoolSize {
    /// Connections kept open while idle.
    pub min_size: u32,
    /// The most connections at the same time; at least 3 are allowed.
    pub max_size: u32,
}

impl Default for PoolSize {
    fn default() -> Self {
        Self { min_size: 5, max_size: 20 }
    }
}

impl Store {
    /// A connection from the pool.
    pub(crate) async fn connection(&self) -> Result<PooledConnection<'_>> {
        match self.pool.get().await {
            Ok(connection) => Ok(connection),
            Err(RunError::User(PoolError::QueryError(error))) => Err(error.into()),
            Err(RunError::User(PoolError::ConnectionError(error))) => {
                Err(self.unreachable_error(error.to_string()))
            }
            // The pool does not report the reason. Connecting outside the pool shows it.
            Err(RunError::TimedOut) => match timeout(DIAGNOSIS_TIMEOUT, self.dedicated_connection()).await {
                Err(_) => Err(self.no_answer_error()),
                Ok(Err(error)) => Err(error),
                Ok(Ok(_)) => Err(self.unreachable_error(format!(
                    "no connection became free within {} s",
                    POOL_TIMEOUT.as_secs()
                ))),
            },
        }
    }

    /// Runs `work`, which executes statements on a connection. While it takes long, checks that the server still
    /// accepts new connections; gives up when it does not, or after [`STATEMENT_TIMEOUT`].
    ///
    /// # Errors
    /// Those of `work`. [`StoreError::Unreachable`] if the server does not answer, at most [`SLOW_STATEMENT`] plus
    /// [`crate::timeouts::CONNECT_TIMEOUT`] after it froze; whether the statements took effect is then unknown.
    pub(crate) async fn run_while_answering<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.run_at_most(Some(STATEMENT_TIMEOUT), work).await
    }

    /// As [`Store::run_while_answering`] with another limit, or none: for statements that rewrite tables.
    pub(crate) async fn run_at_most<T>(
        &self,
        limit: Option<Duration>,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let mut work = pin!(work);
        let began = Instant::now();
        loop {
            if let Ok(result) = timeout(SLOW_STATEMENT, &mut work).await {
                return result;
            }
            tokio::select! {
                biased;
                result = &mut work => return result,
                answer = self.check_answers() => answer?,
            }
            if let Some(limit) = limit
                && began.elapsed() > limit
            {
                let reason = format!("a statement has waited for {} s", limit.as_secs());
                return Err(self.unreachable_error(reason));
            }
        }
    }

    /// Fails if the server does not answer a new connection. A refused connection is an answer.
    async fn check_answers(&self) -> Result<()> {
        match self.dedicated_connection().await {
            // Refused, for example because of too many connections.
            Err(error) if !error.is_no_answer() => {
                tracing::debug!(%error, "a statement is slow");
                Ok(())
            }
            answer => answer.map(drop),
        }
    }

    /// The error for a database that does not answer.
    pub fn no_answer_error(&self) -> StoreError {
        self.unreachable_error(NO_ANSWER)
    }

    pub(crate) fn unreachable_error(&self, reason: impl Into<String>) -> StoreError {
        StoreError::Unreachable { database: self.database_name(), reason: reason.into() }
    }
}

/// The pool of this process.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PoolState {
    /// Connections that statements use now.
    pub in_use: u32,
    /// Open connections that nobody uses.
    pub idle: u32,
    /// Statements that wait for a connection.
    pub waiting: u32,
    /// The least number of connections.
    pub min_size: u32,
    /// The greatest number of connections.
    pub max_size: u32,
    /// How often a statement had to wait for a connection since this process started.
    pub waits: u32,
    /// How long such a wait took on average.
    pub mean_wait: Duration,
}

impl Store {
    /// The state of this process's pool.
    pub fn pool_state(&self) -> PoolState {
        let state = self.pool.state();
        let number = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        let waits = number(state.statistics.get_waited + state.statistics.get_timed_out);
        PoolState {
            in_use: state.connections.saturating_sub(state.idle_connections),
            idle: state.idle_connections,
            waiting: number(state.statistics.pending_gets()),
            min_size: self.pool_size.min_size,
            max_size: self.pool_size.max_size.max(MIN_CONNECTIONS),
            waits,
            mean_wait: state.statistics.get_wait_time.checked_div(waits).unwrap_or_default(),
        }
    }
}

impl StoreError {
    fn is_no_answer(&self) -> bool {
        matches!(self, Self::Unreachable { reason, .. } if reason == NO_ANSWER)
    }
}

/// Opens a pool of connections to `database` on `target`.
pub(crate) async fn build(target: &Arc<Target>, database: &str, size: PoolSize) -> Result<Connections> {
    let mut config = ManagerConfig::default();
    let connector = Arc::clone(target);
    config.custom_setup = Box::new(move |database| {
        let target = Arc::clone(&connector);
        let database = database.to_owned();
        Box::pin(async move {
            target.connect(&database, &|_| ()).await.map_err(|failure| {
                let reason = target.reason(failure);
                tracing::debug!(reason, "no database connection");
                diesel::ConnectionError::BadConnection(reason)
            })
        })
    });
    let manager = AsyncDieselConnectionManager::new_with_config(database, config);
    bb8::Pool::builder()
        .min_idle(size.min_size)
        .max_size(size.max_size.max(MIN_CONNECTIONS))
        .connection_timeout(POOL_TIMEOUT)
        .build(manager)
        .await
        .map_err(|error| StoreError::Unreachable {
            database: target.display_name(),
            reason: error.to_string(),
        })
}
