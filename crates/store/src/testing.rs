//! Databases for tests: one real PostgreSQL server for the whole test run, and a new database for each test.
//!
//! If `MEETMEMO_TEST_DATABASE_URL` is set (the role must be allowed to create databases), the tests run on that server;
//! otherwise on a private server in the target folder, which all test processes share. Each database is a copy of a
//! migrated template, which is made once per state of the migrations.

mod peers;
mod sample;
mod spoken;

pub use peers::{analyze, commit_ms, like_ms, plain_rank_ms};
pub use sample::insert_meetings;
pub use spoken::{SpokenMeeting, insert_spoken_meetings};

use crate::connect::Target;
use crate::external_url::ExternalUrl;
use crate::managed::{Cluster, KeeperCommand};
use crate::{Database, PoolSize, Result, Store, migrate};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A database that is deleted when this value is dropped.
#[derive(Debug)]
pub struct TestDatabase {
    server: Server,
    name: String,
}

#[derive(Debug, Clone)]
enum Server {
    Managed(Arc<Cluster>),
    External(String),
}

impl Server {
    /// The server and address of the database `name`.
    fn target(&self, name: &str) -> Result<Target> {
        Ok(match self {
            Self::Managed(cluster) => Target::Managed(Arc::clone(cluster)),
            Self::External(address) => Target::External(with_database(address, name)?),
        })
    }

    async fn connect(&self, name: &str) -> Result<AsyncPgConnection> {
        let target = self.target(name)?;
        target.connect(name, &|_| ()).await.map_err(|failure| target.unreachable(failure))
    }
}

fn with_database(address: &str, name: &str) -> Result<ExternalUrl> {
    let (start, query) =
        address.split_once('?').map_or((address, String::new()), |(a, q)| (a, format!("?{q}")));
    let (server, _) = start.rsplit_once('/').unwrap_or((start, ""));
    format!("{server}/{name}{query}").parse()
}

impl TestDatabase {
    /// A migrated database without rows. `keeper` is the command for the hidden mode `database-server`.
    ///
    /// # Errors
    /// If no server can be reached or started.
    pub async fn new(keeper: KeeperCommand) -> Result<Self> {
        Self::new_database(keeper, true).await
    }

    /// A database without tables.
    ///
    /// # Errors
    /// As [`TestDatabase::new`].
    pub async fn empty(keeper: KeeperCommand) -> Result<Self> {
        Self::new_database(keeper, false).await
    }

    /// A database without tables and with this encoding, such as `LATIN1`.
    ///
    /// # Errors
    /// As [`TestDatabase::new`].
    pub async fn with_encoding(keeper: KeeperCommand, encoding: &str) -> Result<Self> {
        let template = format!("template0 ENCODING '{encoding}' LOCALE 'C' LOCALE_PROVIDER libc");
        let (server, maintenance) = Self::server(keeper).await?;
        Self::create(server, maintenance, &template).await
    }

    async fn new_database(keeper: KeeperCommand, migrated: bool) -> Result<Self> {
        let (server, mut maintenance) = Self::server(keeper).await?;
        let template =
            if migrated { template(&server, &mut maintenance).await? } else { "template1".to_owned() };
        Self::create(server, maintenance, &template).await
    }

    async fn server(keeper: KeeperCommand) -> Result<(Server, AsyncPgConnection)> {
        let server = match std::env::var("MEETMEMO_TEST_DATABASE_URL") {
            Ok(address) => Server::External(address),
            Err(_) => {
                let folder = target_folder().join("test-database");
                Server::Managed(Arc::new(Cluster::join(&folder, &runtime(), keeper)?))
            }
        };
        let maintenance = server.connect("postgres").await?;
        Ok((server, maintenance))
    }

    async fn create(server: Server, mut maintenance: AsyncPgConnection, template: &str) -> Result<Self> {
        let name = format!("meetmemo_test_{}", uuid::Uuid::now_v7().simple());
        maintenance.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await?;
        Ok(Self { server, name })
    }

    /// Opens the archive in this database.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn store(&self) -> Result<Store> {
        let pool = PoolSize { min_size: 1, max_size: 20 };
        Store::open_database(self.server.target(&self.name)?, &self.name, pool, &|_| ()).await
    }

    /// The address to configure a program with. `None` on the private test server, which programs with another data
    /// folder cannot use.
    pub fn external_address(&self) -> Option<String> {
        let Server::External(address) = &self.server else { return None };
        let (server, _) = address.rsplit_once('/')?;
        Some(format!("{server}/{}", self.name))
    }

    /// Runs statements on a connection of its own, as another program would.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn execute(&self, sql: &str) -> Result<()> {
        Ok(self.server.connect(&self.name).await?.batch_execute(sql).await?)
    }

    /// The first column of each row of a query, as text.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn column(&self, sql: &str) -> Result<Vec<String>> {
        #[derive(diesel::QueryableByName)]
        struct Value {
            #[diesel(sql_type = diesel::sql_types::Text)]
            value: String,
        }
        let mut connection = self.server.connect(&self.name).await?;
        let sql = format!("SELECT value::text AS value FROM ({sql}) AS rows (value)");
        let rows: Vec<Value> =
            diesel_async::RunQueryDsl::load(diesel::sql_query(sql), &mut connection).await?;
        Ok(rows.into_iter().map(|row| row.value).collect())
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // On another thread with its own runtime: blocking on a test's runtime from within is not possible.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
            runtime.expect("a test machine has threads").block_on(async move {
                if let Ok(mut connection) = server.connect("postgres").await {
                    // If this fails, the database is deleted with the target folder at the latest.
                    let _ = connection
                        .batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
                        .await;
                }
            });
        });
        let _ = dropped.join();
    }
}

/// The name of the template for the current migrations; creates it if it does not exist.
async fn template(server: &Server, maintenance: &mut AsyncPgConnection) -> Result<String> {
    let name = format!("meetmemo_template_{}", migrate::FINGERPRINT);
    maintenance.batch_execute("SELECT pg_advisory_lock(7)").await?;
    let exists = maintenance
        .batch_execute(&format!("DO $$ BEGIN IF EXISTS (SELECT FROM pg_database WHERE datname = '{name}') THEN RAISE 'there'; END IF; END $$"))
        .await
        .is_err();
    if !exists {
        if matches!(server, Server::Managed(_)) {
            // Test data need not survive a power failure, and each dropped database costs a checkpoint.
            maintenance.batch_execute("ALTER SYSTEM SET fsync = off").await?;
            maintenance.batch_execute("SELECT pg_reload_conf()").await?;
        }
        let draft = format!("{name}_draft");
        maintenance.batch_execute(&format!("DROP DATABASE IF EXISTS {draft}")).await?;
        maintenance.batch_execute(&format!("CREATE DATABASE {draft}")).await?;
        let connection = server.connect(&draft).await?;
        migrate::bring_up_to_date(connection, &server.target(&draft)?).await?;
        maintenance.batch_execute(&format!("ALTER DATABASE {draft} RENAME TO {name}")).await?;
    }
    maintenance.batch_execute("SELECT pg_advisory_unlock(7)").await?;
    Ok(name)
}

/// The words of a text as search cuts them, from–to in code points.
pub fn search_word_spans(text: &str) -> Vec<(u32, u32)> {
    crate::search::word_spans(text)
}

/// The cargo target folder of the running test.
pub fn target_folder() -> PathBuf {
    let executable = std::env::current_exe().expect("a running test has an executable");
    let folder = executable.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists());
    folder.map_or_else(std::env::temp_dir, Path::to_owned)
}

/// The PostgreSQL installation that `cargo xtask setup` made.
pub fn runtime() -> PathBuf {
    let folder = resources().join("postgres");
    assert!(folder.is_dir(), "{} is missing; `cargo xtask setup --tests` makes it", folder.display());
    folder
}

/// The resources folder that `cargo xtask setup` made.
pub fn resources() -> PathBuf {
    std::env::var_os("MEETMEMO_RESOURCES").map_or_else(|| target_folder().join("resources"), PathBuf::from)
}

/// Runs statements on the database of an open archive, on a connection of its own, as another program would.
///
/// # Errors
/// Those of the database.
pub async fn execute(store: &Store, sql: &str) -> Result<()> {
    Ok(store.dedicated_connection().await?.batch_execute(sql).await?)
}

/// The path of the file of a table, relative to the folder of the cluster. All of the table is in that file.
///
/// # Errors
/// Those of the database.
pub async fn file_of_table(store: &Store, table: &str) -> Result<String> {
    let client = store.raw_connection().await?;
    client.batch_execute("CHECKPOINT").await?;
    Ok(client.query_one("SELECT pg_relation_filepath($1::text::regclass)", &[&table]).await?.get(0))
}

/// Opens the archive on a private server in `folder`, as the application does.
///
/// # Errors
/// As [`Store::open`].
pub async fn open_managed(folder: &Path, keeper: KeeperCommand) -> Result<Store> {
    let cluster = Cluster::join(folder, &runtime(), keeper)?;
    Store::open(Database::Managed(Arc::new(cluster)), PoolSize { min_size: 1, max_size: 20 }, &|_| ()).await
}
