//! Opening the archive: starts or finds the server, creates the database, migrates it, and opens a pool.

use crate::connect::{MANAGED_DATABASE, Target};
use crate::error::StoreError;
use crate::external_url::ExternalUrl;
use crate::managed::{Cluster, StartPhase};
use crate::pool::{self, Connections, PoolSize};
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

/// The open archive. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    target: Arc<Target>,
    /// Name of the database in the private server.
    database: Arc<str>,
    pub(crate) pool: Connections,
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
        let target = match database {
            Database::Managed(cluster) => Target::Managed(cluster),
            Database::External(url) => Target::External(url),
        };
        Self::open_database(target, MANAGED_DATABASE, pool_size, on_phase).await
    }

    pub(crate) async fn open_database(
        target: Target,
        database: &str,
        pool_size: PoolSize,
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
        let connection = connection.map_err(|failure| target.unreachable(failure))?;
        migrate::bring_up_to_date(connection, &target).await?;
        let target = Arc::new(target);
        let pool = pool::build(&target, database, pool_size).await?;
        Ok(Self { target, database: database.into(), pool })
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
