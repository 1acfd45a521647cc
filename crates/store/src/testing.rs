//! Databases for tests: a real PostgreSQL, one server for a whole test run, a database of its own for each test.
//!
//! With `MEETMEMO_TEST_DATABASE_URL` (an address whose role may create databases) the tests run on that server;
//! otherwise on a managed one below the target folder, which the test processes share as processes of the application
//! share theirs.

use crate::connect::{ExternalUrl, Target};
use crate::managed::{Cluster, KeeperCommand};
use crate::{Database, Pool, Result, Store, migrate};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A migrated, empty database that is dropped with this value.
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
    /// Where to connect for the database `name`.
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
    /// A copy of the migrated template. `keeper` is how to run the hidden mode `database-server`.
    ///
    /// # Errors
    /// Where no server can be reached or started.
    pub async fn new(keeper: KeeperCommand) -> Result<Self> {
        Self::copy_of(keeper, true).await
    }

    /// A database without any table.
    ///
    /// # Errors
    /// As [`TestDatabase::new`].
    pub async fn empty(keeper: KeeperCommand) -> Result<Self> {
        Self::copy_of(keeper, false).await
    }

    /// An empty database that stores text as `encoding`, such as `LATIN1`.
    ///
    /// # Errors
    /// As [`TestDatabase::new`].
    pub async fn encoded(keeper: KeeperCommand, encoding: &str) -> Result<Self> {
        let like = format!("template0 ENCODING '{encoding}' LOCALE 'C' LOCALE_PROVIDER libc");
        let (server, maintenance) = Self::server(keeper).await?;
        Self::create(server, maintenance, &like).await
    }

    async fn copy_of(keeper: KeeperCommand, migrated: bool) -> Result<Self> {
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

    /// The archive in this database.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn store(&self) -> Result<Store> {
        let pool = Pool { min_size: 1, max_size: 20 };
        Store::open_named(self.server.target(&self.name)?, &self.name, pool, &|_| ()).await
    }

    /// What a program is configured with to use this database; `None` on the managed test server, which programs of
    /// other data folders cannot share.
    pub fn external_address(&self) -> Option<String> {
        let Server::External(address) = &self.server else { return None };
        let (server, _) = address.rsplit_once('/')?;
        Some(format!("{server}/{}", self.name))
    }

    /// Runs statements outside the store: what another program would do.
    ///
    /// # Errors
    /// What the database says.
    pub async fn execute(&self, sql: &str) -> Result<()> {
        Ok(self.server.connect(&self.name).await?.batch_execute(sql).await?)
    }

    /// The first column of each row, as text.
    ///
    /// # Errors
    /// What the database says.
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
        // A thread of its own with its own runtime: a test's runtime cannot be waited on from within.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
            runtime.expect("a test machine has threads").block_on(async move {
                if let Ok(mut connection) = server.connect("postgres").await {
                    // What a test leaves behind is dropped at the latest with the target folder.
                    let _ = connection
                        .batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
                        .await;
                }
            });
        });
        let _ = dropped.join();
    }
}

/// Makes the template once for each state of the migrations.
async fn template(server: &Server, maintenance: &mut AsyncPgConnection) -> Result<String> {
    let name = format!("meetmemo_template_{}", migrate::FINGERPRINT);
    maintenance.batch_execute("SELECT pg_advisory_lock(7)").await?;
    let made = maintenance
        .batch_execute(&format!("DO $$ BEGIN IF EXISTS (SELECT FROM pg_database WHERE datname = '{name}') THEN RAISE 'there'; END IF; END $$"))
        .await
        .is_err();
    if !made {
        if matches!(server, Server::Managed(_)) {
            // Nothing in this server has to outlive a power cut, and each dropped database costs a checkpoint.
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

/// The cargo target folder this test was built in.
pub fn target_folder() -> PathBuf {
    let executable = std::env::current_exe().expect("a running test has an executable");
    let folder = executable.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists());
    folder.map_or_else(std::env::temp_dir, Path::to_owned)
}

/// The PostgreSQL that set-up installed.
pub fn runtime() -> PathBuf {
    let folder = resources().join("postgres");
    assert!(folder.is_dir(), "{} is missing; `cargo xtask setup --tests` makes it", folder.display());
    folder
}

/// The resources that set-up made.
pub fn resources() -> PathBuf {
    std::env::var_os("MEETMEMO_RESOURCES").map_or_else(|| target_folder().join("resources"), PathBuf::from)
}

/// A managed archive in `folder`, as the application opens it.
///
/// # Errors
/// As [`Store::open`].
pub async fn managed(folder: &Path, keeper: KeeperCommand) -> Result<Store> {
    let cluster = Cluster::join(folder, &runtime(), keeper)?;
    Store::open(Database::Managed(Arc::new(cluster)), Pool { min_size: 1, max_size: 20 }, &|_| ()).await
}
