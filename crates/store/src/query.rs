//! Helpers for running statements.

use crate::Result;
use crate::error::StoreError;
use crate::timeouts::is_alive;
use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::Untyped;
use diesel_async::AsyncPgConnection;

/// How often a statement is run in all if its connection breaks. A server that shuts down does not close all its
/// connections at once, so the second attempt may get another connection that is about to break.
pub(crate) const MAX_ATTEMPTS: u32 = 3;

/// Awaits `$body`, a future that returns a `Result`, with a connection from the pool. If the connection breaks, runs it
/// again on another one, so the statements must be safe to run twice. Runs it again too if the server ended its
/// transaction to resolve a deadlock: a change of people locks the meetings that it changes only at its commit, for the
/// search index, and so after the people.
macro_rules! on_connection {
    ($store:expr, $connection:ident => $body:expr) => {{
        let mut attempt = 1;
        loop {
            let mut pooled = $store.connection().await?;
            let result: $crate::Result<_> = {
                let $connection = &mut *pooled;
                $store.run_while_answering(async { $body.await.map_err($crate::StoreError::from) }).await
            };
            match result {
                Err(error)
                    if attempt < $crate::query::MAX_ATTEMPTS
                        && (matches!(error, $crate::StoreError::Deadlock)
                            || $crate::query::connection_broke(&mut pooled, &error).await) =>
                {
                    attempt += 1
                }
                result => break result,
            }
        }
    }};
}
pub(crate) use on_connection;

/// As [`on_connection!`] with a dedicated connection, which is returned with the result: for state that belongs to a
/// session. The connection may break at once, for example on a server that restarts because one of its processes
/// crashed.
macro_rules! on_dedicated_connection {
    ($store:expr, $connection:ident => $body:expr) => {{
        let mut attempt = 1;
        loop {
            let mut dedicated = $store.dedicated_connection().await?;
            let result: $crate::Result<_> = {
                let $connection = &mut dedicated;
                $store.run_while_answering(async { $body.await.map_err($crate::StoreError::from) }).await
            };
            match result {
                Err(error)
                    if attempt < $crate::query::MAX_ATTEMPTS
                        && $crate::query::connection_broke(&mut dedicated, &error).await =>
                {
                    attempt += 1
                }
                Err(error) => break Err(error),
                Ok(value) => break Ok((dedicated, value)),
            }
        }
    }};
}
pub(crate) use on_dedicated_connection;

/// Whether `error` means that `connection` broke. diesel does not pass on the SQLSTATE and the message is in the
/// server's language, so the connection itself is tested.
pub(crate) async fn connection_broke(connection: &mut AsyncPgConnection, error: &StoreError) -> bool {
    matches!(error, StoreError::Query(error) if *error != diesel::result::Error::NotFound)
        && !is_alive(connection).await
}

/// A `sql_query` that is prepared once per connection: one round trip instead of two, and the server parses it once. After
/// five runs the server plans it for any values, if that is not worse. diesel prepares `sql_query` anew for each run, which
/// is right for SQL that is put together, and where the best plan depends on the values.
pub(crate) struct Prepared<Q>(pub(crate) Q);

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Prepared<Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, _: &Pg) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<Q> QueryId for Prepared<Q> {
    type QueryId = ();
    // The text of the statement is the key.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q> Query for Prepared<Q> {
    type SqlType = Untyped;
}

/// The number after `last`, the greatest number in use; 1 if there is none.
pub(crate) fn next_number(last: Option<i32>) -> Result<i32> {
    let next = last.unwrap_or(0).checked_add(1);
    next.ok_or_else(|| StoreError::Unknown("the greatest possible number".to_owned()))
}

/// The row returned by a single writing statement outside a transaction. Such a statement must be run with `load`, not
/// `get_result`: its row arrives before its commit, and `get_result` would miss that the commit failed.
pub(crate) fn first_row<T>(rows: Vec<T>) -> Option<T> {
    rows.into_iter().next()
}
