//! Opening the archive: starts or finds the server, creates the database, migrates it, and opens a pool.

use crate::connect::{MANAGED_DATABASE, Target};
use crate::error::StoreError;
use crate::external_url::ExternalUrl;
use crate::managed::{Cluster, StartPhase};
use crate::pool::{self, Connections, PoolSize};
use crate::server::slow_limit;
use crate::{Result, migrate};
use diesel::sql_types::{Bool, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use std::sync::Arc;
use tokio_postgres::error::SqlState;

/// Which database holds the archive.
#[derive(Debug, Clone)]
pub enum Database {
    /// The private server of a data folder, managed by the application.
    Managed(Arc<Cluster>),
    /// A PostgreSQL server that the user configured.
    External(ExternalUrl),
}

/// What a process calls itself in the server's lists of connections, unless it has another name.
pub(crate) const APPLICATION: &str = "meetmemo";

/// How to open the archive.
#[derive(Debug, Clone, Copy)]
pub struct OpenOptions<'a> {
    /// The least and greatest number of connections.
    pub pool_size: PoolSize,
    /// What this process calls itself in the server's lists of connections (`application_name`), such as
    /// `meetmemo worker`.
    pub application: &'a str,
    /// On the private server: the time in milliseconds from which a statement is recorded as slow. None: as it is.
    pub slow_query_ms: Option<u32>,
}

impl Default for OpenOptions<'_> {
    fn default() -> Self {
        Self { pool_size: PoolSize::default(), application: APPLICATION, slow_query_ms: None }
    }
}

/// The open archive. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    target: Arc<Target>,
    /// Name of the database in the private server.
    database: Arc<str>,
    pub(crate) pool: Connections,
    pub(crate) pool_size: PoolSize,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("database", &self.database_name()).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the archive: starts the private server if it is not running, creates or checks the database, and migrates
    /// its schema. `on_phase` is called at the start of each step that may take long. Needs tokio's multi-thread
    /// runtime.
    ///
    /// # Errors
    /// Every variant of [`StoreError`] but `Stale` and `Unknown`; nothing is written into a database that is refused.
    pub async fn open(
        database: Database,
        pool_size: PoolSize,
        on_phase: &(dyn Fn(StartPhase) + Send + Sync),
    ) -> Result<Self> {
        Self::open_with(database, OpenOptions { pool_size, ..OpenOptions::default() }, on_phase).await
    }

    /// As [`Store::open`], with all options.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_with(
        database: Database,
        options: OpenOptions<'_>,
        on_phase: &(dyn Fn(StartPhase) + Send + Sync),
    ) -> Result<Self> {
        let target = match database {
            Database::Managed(cluster) => {
                cluster.set_application_name(options.application);
                Target::Managed(cluster)
            }
            Database::External(mut url) => {
                url.config.application_name(options.application);
                Target::External(url)
            }
        };
        Self::open_target(target, MANAGED_DATABASE, options, on_phase).await
    }

    pub(crate) async fn open_database(
        target: Target,
        database: &str,
        pool_size: PoolSize,
        on_phase: &(dyn Fn(StartPhase) + Send + Sync),
    ) -> Result<Self> {
        let options = OpenOptions { pool_size, ..OpenOptions::default() };
        Self::open_target(target, database, options, on_phase).await
    }

    async fn open_target(
        target: Target,
        database: &str,
        options: OpenOptions<'_>,
        on_phase: &(dyn Fn(StartPhase) + Send + Sync),
    ) -> Result<Self> {
        target.refuse_pooler().await?;
        let connection = match target.connect(database, on_phase).await {
            Err(failure)
                if failure.is(&SqlState::INVALID_CATALOG_NAME) && matches!(target, Target::Managed(_)) =>
            {
                create_database(&target, database).await?;
                target.connect(database, on_phase).await
            }
            connected => connected,
        };
        let mut connection = connection.map_err(|failure| target.unreachable(failure))?;
        let slow_limit = match (&target, options.slow_query_ms) {
            (Target::Managed(_), Some(limit_ms)) => {
                slow_limit::differs(&mut connection, limit_ms).await?.then_some(limit_ms)
            }
            _ => None,
        };
        migrate::bring_up_to_date(connection, &target).await?;
        if let Some(limit_ms) = slow_limit {
            let connected = target.connect(database, &|_| ()).await;
            let mut connection = connected.map_err(|failure| target.unreachable(failure))?;
            slow_limit::set(&mut connection, limit_ms).await?;
        }
        let (target, pool_size) = (Arc::new(target), options.pool_size);
        let pool = pool::build(&target, database, pool_size).await?;
        Ok(Self { target, database: database.into(), pool, pool_size })
    }

    /// The private server; `None` if the archive is on a configured one.
    pub(crate) fn cluster(&self) -> Option<&Arc<Cluster>> {
        match &*self.target {
            Target::Managed(cluster) => Some(cluster),
            Target::External(_) => None,
        }
    }

    /// Whether the archive is on the private server of its data folder.
    pub fn is_private(&self) -> bool {
        self.cluster().is_some()
    }

    /// Name of the database on its server.
    pub(crate) fn database(&self) -> &str {
        &self.database
    }

    /// Name of the database for messages; never contains a password.
    pub fn database_name(&self) -> String {
        self.target.display_name()
    }

    /// Version of the server as it reports it, such as `16.14`.
    pub async fn server_version(&self) -> Result<String> {
        #[derive(diesel::QueryableByName)]
        struct Version {
            #[diesel(sql_type = diesel::sql_types::Text)]
            version: String,
        }
        crate::query::on_connection!(self, connection => async {
            let query = diesel::sql_query("SELECT current_setting('server_version') AS version");
            Ok::<_, diesel::result::Error>(query.get_result::<Version>(connection).await?.version)
        })
    }

    /// Environment variables (`PGHOST` …) with which `psql`, `pg_dump` and the like connect to this archive.
    ///
    /// # Errors
    /// If the private server cannot be started.
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

    /// A new connection outside the pool, for state that belongs to a session: LISTEN, advisory locks.
    pub(crate) async fn dedicated_connection(&self) -> Result<AsyncPgConnection> {
        self.target.connect(&self.database, &|_| ()).await.map_err(|failure| self.target.unreachable(failure))
    }

    /// As `dedicated_connection`, for what diesel does not offer, such as COPY.
    pub(crate) async fn raw_connection(&self) -> Result<tokio_postgres::Client> {
        let connected = self.target.connect_raw(&self.database).await;
        connected.map_err(|failure| self.target.unreachable(failure))
    }
}

#[derive(diesel::QueryableByName)]
struct BoolRow {
    #[diesel(sql_type = Bool)]
    value: bool,
}

/// Creates the database in a new cluster and checks that case conversion and trigrams work beyond ASCII; a wrong locale
/// breaks them silently. The database is created under another name and renamed last, so one with the final name is
/// complete.
async fn create_database(target: &Target, name: &str) -> Result<()> {
    let connect = async |database: &str| {
        target.connect(database, &|_| ()).await.map_err(|failure| target.unreachable(failure))
    };
    let mut server = connect("postgres").await?;
    server.batch_execute(&format!("SELECT pg_advisory_lock({})", migrate::LOCK)).await?;
    let exists: BoolRow =
        diesel::sql_query("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1) AS value")
            .bind::<Text, _>(name)
            .get_result(&mut server)
            .await?;
    if exists.value {
        return Ok(());
    }
    let draft = format!("{name}_draft");
    server.batch_execute(&format!("DROP DATABASE IF EXISTS \"{draft}\" WITH (FORCE)")).await?;
    server.batch_execute(&format!("CREATE DATABASE \"{draft}\"")).await?;
    let mut database = connect(&draft).await?;
    database.batch_execute("CREATE EXTENSION IF NOT EXISTS pg_trgm").await?;
    let works: BoolRow = diesel::sql_query("SELECT lower('Ä') = 'ä' AND show_trgm('Гром') <> '{}' AS value")
        .get_result(&mut database)
        .await?;
    if !works.value {
        return Err(StoreError::NotUnicode { database: target.display_name() });
    }
    drop(database);
    server.batch_execute(&format!("ALTER DATABASE \"{draft}\" RENAME TO \"{name}\"")).await?;
    Ok(())
}
