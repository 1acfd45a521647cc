//! The open archive: a pool of connections that repairs itself.

use crate::connect::{ExternalUrl, MANAGED_DATABASE, Target};
use crate::error::StoreError;
use crate::managed::{Cluster, Phase};
use crate::patience::{NO_ANSWER, POOL, SLOW, STATEMENT, is_alive};
use crate::{Result, migrate};
use bb8::RunError;
use diesel::sql_types::{Bool, Text};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, PoolError};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::timeout;
use tokio_postgres::error::SqlState;

type Connections = bb8::Pool<AsyncDieselConnectionManager<AsyncPgConnection>>;
pub(crate) type PooledConnection<'a> =
    bb8::PooledConnection<'a, AsyncDieselConnectionManager<AsyncPgConnection>>;

/// Longest wait for the reason why the pool has no connection.
const REASON: Duration = Duration::from_secs(4);

/// A worker needs one for its work, one for its signs of life, and one for what is done beside it.
const LEAST_CONNECTIONS: u32 = 3;

/// Which database holds the archive.
#[derive(Debug, Clone)]
pub enum Database {
    /// The private server of a data folder.
    Managed(Arc<Cluster>),
    /// A server the user configured.
    External(ExternalUrl),
}

/// How many connections are kept and how many there may be.
#[derive(Debug, Clone, Copy)]
pub struct Pool {
    /// Kept open while idle.
    pub min_size: u32,
    /// Never more.
    pub max_size: u32,
}

impl Default for Pool {
    fn default() -> Self {
        Self { min_size: 5, max_size: 20 }
    }
}

/// The open archive. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    target: Arc<Target>,
    database: Arc<str>,
    pool: Connections,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("database", &self.database_name()).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the archive: starts the private server if it is not running, creates or checks the database, brings the
    /// schema up to date. `on_phase` is told what takes long. Needs tokio's multi-thread runtime.
    ///
    /// # Errors
    /// Every variant of [`StoreError`] but `Stale` and `Unknown`; nothing is written into a database that is refused.
    pub async fn open(
        database: Database,
        pool: Pool,
        on_phase: &(dyn Fn(Phase) + Send + Sync),
    ) -> Result<Self> {
        let target = match database {
            Database::Managed(cluster) => Target::Managed(cluster),
            Database::External(url) => Target::External(url),
        };
        Self::open_named(target, MANAGED_DATABASE, pool, on_phase).await
    }

    pub(crate) async fn open_named(
        target: Target,
        database: &str,
        pool: Pool,
        on_phase: &(dyn Fn(Phase) + Send + Sync),
    ) -> Result<Self> {
        target.refuse_pool().await?;
        let connection = match target.connect(database, on_phase).await {
            Err(failure)
                if failure.is(&SqlState::INVALID_CATALOG_NAME) && matches!(target, Target::Managed(_)) =>
            {
                create_database(&target, database).await?;
                target.connect(database, on_phase).await
            }
            connected => connected,
        };
        let connection = connection.map_err(|failure| target.unreachable(failure))?;
        migrate::bring_up_to_date(connection, &target).await?;
        let target = Arc::new(target);
        let pool = connections(&target, database, pool).await?;
        Ok(Self { target, database: database.into(), pool })
    }

    /// What the database is called in messages; never with a password.
    pub fn database_name(&self) -> String {
        self.target.display_name()
    }

    /// The server's version in its own words: `16.14`.
    pub async fn server_version(&self) -> Result<String> {
        #[derive(diesel::QueryableByName)]
        struct Version {
            #[diesel(sql_type = diesel::sql_types::Text)]
            version: String,
        }
        crate::archive::on_connection!(self, connection => async {
            let query = diesel::sql_query("SELECT current_setting('server_version') AS version");
            Ok::<_, diesel::result::Error>(query.get_result::<Version>(connection).await?.version)
        })
    }

    /// Environment variables (`PGHOST` …) with which PostgreSQL's own tools reach this archive.
    ///
    /// # Errors
    /// Where the private server cannot be started.
    pub fn tool_environment(&self) -> Result<Vec<(&'static str, String)>> {
        match &*self.target {
            Target::External(url) => Ok(url.environment()),
            Target::Managed(cluster) => {
                let endpoint = cluster.ensure_server(&|_| ())?;
                Ok(vec![
                    ("PGHOST", endpoint.socket_folder.display().to_string()),
                    ("PGPORT", crate::managed::PORT.to_string()),
                    ("PGUSER", crate::managed::ROLE.to_owned()),
                    ("PGDATABASE", self.database.to_string()),
                    ("PGPASSWORD", endpoint.password),
                ])
            }
        }
    }

    /// A connection of its own, outside the pool, for what belongs to a session: LISTEN, advisory locks.
    pub(crate) async fn dedicated(&self) -> Result<AsyncPgConnection> {
        self.target.connect(&self.database, &|_| ()).await.map_err(|failure| self.target.unreachable(failure))
    }

    pub(crate) async fn connection(&self) -> Result<PooledConnection<'_>> {
        match self.pool.get().await {
            Ok(connection) => Ok(connection),
            Err(RunError::User(PoolError::QueryError(error))) => Err(error.into()),
            Err(RunError::User(PoolError::ConnectionError(error))) => {
                Err(self.no_connection(error.to_string()))
            }
            // The pool has swallowed the reason; asking once more directly brings it out.
            Err(RunError::TimedOut) => match tokio::time::timeout(REASON, self.dedicated()).await {
                Err(_) => Err(self.no_answer()),
                Ok(Err(error)) => Err(error),
                Ok(Ok(_)) => {
                    Err(self.no_connection(format!("no connection became free within {} s", POOL.as_secs())))
                }
            },
        }
    }
}

impl Store {
    /// Runs `work`, some statements on a connection, for as long as the server answers: [`STATEMENT`] at most.
    ///
    /// # Errors
    /// Those of `work`, and [`StoreError::Unreachable`] at most [`SLOW`] and [`crate::patience::CONNECT`] after the server froze. Whether
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

/// How often a statement is tried whose connection breaks. A server that ends does not end all its connections at
/// once, so the second try may meet another one that is about to break.
pub(crate) const TRIES: u32 = 3;

/// Runs `$body`, an expression that gives a future with a `Result`, on a pooled connection; again on another one if the
/// connection broke under it.
macro_rules! on_connection {
    ($store:expr, $connection:ident => $body:expr) => {{
        let mut tries = 1;
        loop {
            let mut pooled = $store.connection().await?;
            let result: $crate::Result<_> = {
                let $connection = &mut *pooled;
                $store.attend(async { $body.await.map_err($crate::StoreError::from) }).await
            };
            match result {
                Err(error)
                    if tries < $crate::archive::TRIES
                        && $crate::archive::is_lost(&mut pooled, &error).await =>
                {
                    tries += 1
                }
                result => break result,
            }
        }
    }};
}
pub(crate) use on_connection;

/// A connection of its own with what `$body` gave on it; another one if the connection broke under it, as those of a
/// server do that has just lost a process.
macro_rules! on_dedicated {
    ($store:expr, $connection:ident => $body:expr) => {{
        let mut tries = 1;
        loop {
            let mut dedicated = $store.dedicated().await?;
            let result: $crate::Result<_> = {
                let $connection = &mut dedicated;
                $store.attend(async { $body.await.map_err($crate::StoreError::from) }).await
            };
            match result {
                Err(error)
                    if tries < $crate::archive::TRIES
                        && $crate::archive::is_lost(&mut dedicated, &error).await =>
                {
                    tries += 1
                }
                Err(error) => break Err(error),
                Ok(value) => break Ok((dedicated, value)),
            }
        }
    }};
}
pub(crate) use on_dedicated;

/// Whether `error` came of a broken connection. The SQLSTATE does not reach us through diesel and its text is in the
/// server's language, so the connection is asked.
pub(crate) async fn is_lost(connection: &mut AsyncPgConnection, error: &StoreError) -> bool {
    matches!(error, StoreError::Query(error) if *error != diesel::result::Error::NotFound)
        && !is_alive(connection).await
}

/// The number behind the greatest one there is.
pub(crate) fn next_number(last: Option<i32>) -> Result<i32> {
    let next = last.unwrap_or(0).checked_add(1);
    next.ok_or_else(|| StoreError::Unknown("the greatest number there can be".to_owned()))
}

/// The row that a statement which writes on its own gave back. Such a statement is `load`ed: its row arrives before its
/// commit is done, and `get_result` takes the row and never hears that the commit failed.
pub(crate) fn written<T>(rows: Vec<T>) -> Option<T> {
    rows.into_iter().next()
}

async fn connections(target: &Arc<Target>, database: &str, size: Pool) -> Result<Connections> {
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
        .max_size(size.max_size.max(LEAST_CONNECTIONS))
        .connection_timeout(POOL)
        .build(manager)
        .await
        .map_err(|error| StoreError::Unreachable {
            database: target.display_name(),
            reason: error.to_string(),
        })
}

#[derive(diesel::QueryableByName)]
struct Truth {
    #[diesel(sql_type = Bool)]
    truth: bool,
}

/// Makes our database in a new cluster and checks that letters and trigrams work, which a wrong locale breaks silently.
/// It gets its name last: a database of that name is whole.
async fn create_database(target: &Target, name: &str) -> Result<()> {
    let connect = async |database: &str| {
        target.connect(database, &|_| ()).await.map_err(|failure| target.unreachable(failure))
    };
    let mut server = connect("postgres").await?;
    server.batch_execute(&format!("SELECT pg_advisory_lock({})", migrate::LOCK)).await?;
    let exists: Truth =
        diesel::sql_query("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1) AS truth")
            .bind::<Text, _>(name)
            .get_result(&mut server)
            .await?;
    if exists.truth {
        return Ok(());
    }
    let draft = format!("{name}_draft");
    server.batch_execute(&format!("DROP DATABASE IF EXISTS \"{draft}\" WITH (FORCE)")).await?;
    server.batch_execute(&format!("CREATE DATABASE \"{draft}\"")).await?;
    let mut database = connect(&draft).await?;
    database.batch_execute("CREATE EXTENSION IF NOT EXISTS pg_trgm").await?;
    let works: Truth = diesel::sql_query("SELECT lower('Ä') = 'ä' AND show_trgm('Гром') <> '{}' AS truth")
        .get_result(&mut database)
        .await?;
    if !works.truth {
        return Err(StoreError::NotUnicode { database: target.display_name() });
    }
    drop(database);
    server.batch_execute(&format!("ALTER DATABASE \"{draft}\" RENAME TO \"{name}\"")).await?;
    Ok(())
}
