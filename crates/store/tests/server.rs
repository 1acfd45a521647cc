//! The server as its administrator sees it: figures, statements that run or block, ending a connection, maintenance, slow
//! statements, and the password of a private server, also after interruptions.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{TIMEOUT, database, keeper, register, wait_for};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use store::managed::Cluster;
use store::testing::{TestDatabase, open_managed, runtime};
use store::{
    BlockedStatement, ConnectionEnd, Database, JobFilter, LibraryId, Maintenance, MaintenanceStep,
    OpenOptions, SlowStatements, Store, StoreError,
};
use testing::Prerequisite;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Skips the test if the tests use a configured server.
macro_rules! only_managed {
    () => {
        if std::env::var_os("MEETMEMO_TEST_DATABASE_URL").is_some() {
            return Prerequisite::PrivateServer.skip();
        }
    };
}

/// Runs statements on a connection of another program until they end or the connection is ended.
fn in_background(database: &Arc<TestDatabase>, sql: &'static str) -> JoinHandle<Result<(), StoreError>> {
    let database = Arc::clone(database);
    tokio::spawn(async move { database.execute(sql).await })
}

async fn blocked(store: &Store) -> BlockedStatement {
    wait_for("a statement that waits", TIMEOUT, async || store.lock_figures().await.unwrap().blocked.pop())
        .await
}

/// The process id of the connection that runs a statement with this text.
async fn pid_of(store: &Store, text: &str) -> i32 {
    wait_for("the statement", TIMEOUT, async || {
        let running = store.running_statements().await.unwrap().running;
        running
            .into_iter()
            .find(|one| one.statement.as_ref().is_some_and(|s| s.contains(text)))
            .map(|one| one.pid)
    })
    .await
}

fn never_stopped() -> watch::Receiver<bool> {
    watch::channel(false).1
}

const HOLD_JOBS: &str =
    "BEGIN; LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(600) /* holds jobs */";

#[tokio::test(flavor = "multi_thread")]
async fn the_figures_are_those_of_the_archive() {
    let (_database, store) = database().await;
    for _ in 0..3 {
        register(&store, LibraryId::new()).await;
    }
    let jobs = async || {
        let tables = store.table_figures().await.unwrap();
        tables.into_iter().find(|table| table.name == "jobs").unwrap()
    };
    // The server publishes what a transaction did a little later.
    wait_for("the rows of jobs", TIMEOUT, async || (jobs().await.inserted == 3).then_some(())).await;
    store.maintain(Maintenance::Analyze, never_stopped(), &|_| ()).await.unwrap();
    let status = store.server_status().await.unwrap();
    assert_eq!(status.version, store.server_version().await.unwrap());
    assert!(status.size_bytes > 1 << 20 && status.uptime_s > 0.0, "{status:?}");
    assert!(status.connections >= 1 && status.connections <= status.max_connections, "{status:?}");
    assert!(status.cache_hit_ratio.is_some_and(|ratio| (0.0..=1.0).contains(&ratio)), "{status:?}");
    let pool = store.pool_state();
    assert!(pool.idle >= 1 && (pool.min_size, pool.max_size, pool.waiting) == (1, 20, 0), "{pool:?}");

    let jobs = jobs().await;
    assert!(jobs.live_rows == 3 && jobs.deleted == 0 && jobs.last_analyze.is_some(), "{jobs:?}");
    let indexes = store.index_figures().await.unwrap();
    let status_index = indexes.iter().find(|index| index.name == "idx_jobs_status").unwrap();
    assert!(status_index.table_name == "jobs" && status_index.is_valid && !status_index.is_unique);
    assert!(indexes.iter().any(|index| index.name == "jobs_pkey" && index.is_unique && index.bytes > 0));
    let steps = store.migration_steps().await.unwrap();
    assert_eq!(steps[0].name, "2026-11-22-000001_contract");
    assert!(
        steps.len() >= 8 && steps.iter().all(|step| step.is_known && step.applied_at.is_some()),
        "{steps:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_this_program_does_not_know_is_listed() {
    let (database, store) = database().await;
    database
        .execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('99990101000000')")
        .await
        .unwrap();
    let last = store.migration_steps().await.unwrap().pop().unwrap();
    assert!(last.version == "99990101000000" && !last.is_known && last.applied_at.is_some(), "{last:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_statement_goes_on_when_the_connection_that_blocks_it_is_ended() {
    let (database, store) = database().await;
    let database = Arc::new(database);
    let id = register(&store, LibraryId::new()).await;
    let holder = in_background(&database, HOLD_JOBS);
    let holder_pid = pid_of(&store, "holds jobs").await;
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { store.jobs(JobFilter::default()).await }
    });
    let found = blocked(&store).await;
    assert_eq!(found.blocked_by, holder_pid);
    assert_eq!((found.locked.as_deref(), found.mode.as_deref()), (Some("jobs"), Some("AccessShareLock")));
    assert!(found.blocking_statement.unwrap().contains("pg_sleep"));
    assert!(matches!(store.end_connection(holder_pid).await.unwrap(), ConnectionEnd::Ended(_)));
    assert!(holder.await.unwrap().is_err(), "its connection is ended");
    let jobs = waiting.await.unwrap().unwrap();
    assert_eq!(jobs.iter().map(|job| job.id).collect::<Vec<_>>(), [id]);
    assert_eq!(store.lock_figures().await.unwrap().blocked, []);
    assert_eq!(store.end_connection(holder_pid).await.unwrap(), ConnectionEnd::NotThere);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_to_other_databases_are_neither_shown_nor_ended() {
    let (_database, store) = database().await;
    let (other, other_store) = database_pair().await;
    let sleeper = in_background(&other, "SELECT pg_sleep(600) /* of another database */");
    let pid = pid_of(&other_store, "of another database").await;
    let seen = store.running_statements().await.unwrap().running;
    assert!(seen.iter().all(|one| one.pid != pid), "{seen:?}");
    assert!(matches!(store.end_connection(pid).await.unwrap(), ConnectionEnd::OtherDatabase(_)));
    assert!(!sleeper.is_finished());
    assert!(matches!(other_store.end_connection(pid).await.unwrap(), ConnectionEnd::Ended(_)));
    assert!(sleeper.await.unwrap().is_err());
    assert_eq!(store.end_connection(0).await.unwrap(), ConnectionEnd::NotThere);
}

async fn database_pair() -> (Arc<TestDatabase>, Store) {
    let (database, store) = database().await;
    (Arc::new(database), store)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_statement_is_cut() {
    let (database, store) = database_pair().await;
    let text: &'static str = format!("SELECT pg_sleep(600) /* cut {} */", "long ".repeat(100)).leak();
    let sleeper = in_background(&database, text);
    let pid = pid_of(&store, "/* cut").await;
    let running = store.running_statements().await.unwrap().running;
    let shown = running.into_iter().find(|one| one.pid == pid).unwrap();
    assert_eq!(shown.statement.unwrap().chars().count(), 200);
    assert_eq!(shown.state.as_deref(), Some("active"));
    store.end_connection(pid).await.unwrap();
    assert!(sleeper.await.unwrap().is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn vacuum_full_gives_space_back_and_keeps_every_row() {
    let (database, store) = database().await;
    let kept = register(&store, LibraryId::new()).await;
    database
        .execute(
            "INSERT INTO jobs (id, file_name, file_path, file_hash, error_message)
             SELECT gen_random_uuid(), 'x', 'x', n, repeat('words ', 50) FROM generate_series(1, 3000) n;
             DELETE FROM jobs WHERE file_name = 'x'",
        )
        .await
        .unwrap();
    let size = async || {
        let tables = store.table_figures().await.unwrap();
        tables.into_iter().find(|table| table.name == "jobs").unwrap().total_bytes
    };
    let before = size().await;
    // VACUUM FULL keeps old rows that a transaction of any database of the server might see, for example of another test.
    let now = database.column("SELECT pg_current_xact_id()").await.unwrap().remove(0);
    let others = format!("SELECT pg_snapshot_xmin(pg_current_snapshot()) >= '{now}'::xid8");
    wait_for("the end of older transactions", 10 * TIMEOUT, async || {
        (database.column(&others).await.unwrap() == ["true"]).then_some(())
    })
    .await;
    let steps = AtomicU32::new(0);
    let on_step = |step: &MaintenanceStep| {
        assert_eq!(step.number, steps.fetch_add(1, Ordering::Relaxed) + 1);
    };
    let report = store.maintain(Maintenance::VacuumFull, never_stopped(), &on_step).await.unwrap();
    assert!(!report.stopped && report.tables.len() as u32 == steps.into_inner() && report.tables.len() > 10);
    // While the server analyzes a table of this database by itself, the old rows must stay; then the next one removes
    // them. Each takes seconds on a busy server.
    wait_for("the space", 10 * TIMEOUT, async || {
        let report = store.maintain(Maintenance::VacuumFull, never_stopped(), &|_| ()).await.unwrap();
        let jobs = report.tables.iter().find(|table| table.table == "jobs").unwrap();
        assert_eq!(jobs.bytes_after, size().await);
        (jobs.bytes_after * 4 < before).then_some(())
    })
    .await;
    let jobs = store.jobs(JobFilter::default()).await.unwrap();
    assert_eq!(jobs.iter().map(|job| job.id).collect::<Vec<_>>(), [kept]);
    for work in [Maintenance::Vacuum, Maintenance::Reindex] {
        let report = store.maintain(work, never_stopped(), &|_| ()).await.unwrap();
        assert!(!report.stopped && report.tables.len() > 10, "{work:?}: {report:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_maintenance_leaves_nothing_running_on_the_server() {
    let (database, store) = database_pair().await;
    let holder = in_background(&database, HOLD_JOBS);
    let holder_pid = pid_of(&store, "holds jobs").await;
    let (stop, stopped) = watch::channel(false);
    let working = tokio::spawn({
        let store = store.clone();
        async move { store.maintain(Maintenance::VacuumFull, stopped, &|_| ()).await }
    });
    let waits = blocked(&store).await;
    assert!(waits.statement.unwrap().contains("VACUUM (FULL"));
    // Whoever looks what is wrong is not blocked too.
    assert!(store.table_figures().await.unwrap().iter().any(|table| table.name == "jobs"));
    assert!(store.index_figures().await.unwrap().iter().any(|index| index.name == "jobs_pkey"));
    // A second one is refused meanwhile.
    let second = store.maintain(Maintenance::Analyze, never_stopped(), &|_| ()).await;
    assert!(matches!(second, Err(StoreError::MaintenanceRuns)), "{second:?}");
    stop.send_replace(true);
    let report = working.await.unwrap().unwrap();
    assert!(report.stopped && report.tables.iter().all(|table| table.table != "jobs"), "{report:?}");
    assert_eq!(store.lock_figures().await.unwrap().blocked, [], "the statement is cancelled on the server");
    store.end_connection(holder_pid).await.unwrap();
    assert!(holder.await.unwrap().is_err());
    // The lock of the first is released when its connection has closed.
    wait_for("the lock", TIMEOUT, async || {
        store.maintain(Maintenance::Analyze, never_stopped(), &|_| ()).await.ok()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_reindex_leaves_no_invalid_index() {
    let (database, store) = database_pair().await;
    // REINDEX CONCURRENTLY waits for transactions that may still see the old index.
    let holder = in_background(
        &database,
        "BEGIN; LOCK TABLE jobs IN ROW EXCLUSIVE MODE; SELECT pg_sleep(600) /* writes jobs */",
    );
    let holder_pid = pid_of(&store, "writes jobs").await;
    let (stop, stopped) = watch::channel(false);
    let working = tokio::spawn({
        let store = store.clone();
        async move { store.maintain(Maintenance::Reindex, stopped, &|_| ()).await }
    });
    wait_for("an unfinished index", TIMEOUT, async || {
        let indexes = store.index_figures().await.unwrap();
        indexes.iter().any(|index| !index.is_valid).then_some(())
    })
    .await;
    stop.send_replace(true);
    // What is left is dropped once the transaction that was waited for has ended.
    wait_for("the cancel", TIMEOUT, async || {
        let running = store.running_statements().await.unwrap().running;
        let reindexes = |text: &String| text.starts_with("REINDEX");
        (!running.iter().any(|one| one.statement.as_ref().is_some_and(reindexes))).then_some(())
    })
    .await;
    store.end_connection(holder_pid).await.unwrap();
    assert!(holder.await.unwrap().is_err());
    assert!(working.await.unwrap().unwrap().stopped);
    let indexes = store.index_figures().await.unwrap();
    assert!(indexes.iter().all(|index| index.is_valid), "{indexes:?}");
}

/// A data folder with a private server. When dropped, waits for its processes to end.
struct DataFolder {
    _dir: tempfile::TempDir,
    folder: PathBuf,
}

impl DataFolder {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().canonicalize().unwrap().join("database");
        Self { _dir: dir, folder }
    }

    async fn open(&self) -> Store {
        open_managed(&self.folder, keeper()).await.unwrap()
    }

    async fn open_with(&self, options: OpenOptions<'_>) -> Store {
        let cluster = Cluster::join(&self.folder, &runtime(), keeper()).unwrap();
        Store::open_with(Database::Managed(Arc::new(cluster)), options, &|_| ()).await.unwrap()
    }

    fn password(&self) -> String {
        fs::read_to_string(self.folder.join("password")).unwrap()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("postgres.log")).unwrap()
    }

    /// A connection of another program with this password.
    async fn client(
        &self,
        store: &Store,
        password: &str,
    ) -> Result<tokio_postgres::Client, tokio_postgres::Error> {
        let environment = store.tool_environment().unwrap();
        let value = |name: &str| environment.iter().find(|(key, _)| *key == name).unwrap().1.clone();
        let mut config = tokio_postgres::Config::new();
        config
            .host_path(value("PGHOST"))
            .user(value("PGUSER"))
            .dbname(value("PGDATABASE"))
            .password(password)
            .application_name("another program");
        let (client, connection) = config.connect(tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    async fn wait_stopped(&self) {
        let marker = self.folder.to_str().unwrap();
        wait_for("the end of the server", TIMEOUT, async || {
            testing::processes_of(marker).is_empty().then_some(())
        })
        .await;
    }
}

impl Drop for DataFolder {
    fn drop(&mut self) {
        let start = Instant::now();
        while let left = testing::processes_of(self.folder.to_str().unwrap())
            && !left.is_empty()
        {
            if start.elapsed() > Duration::from_secs(5) {
                left.into_iter().for_each(testing::kill);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_statements_are_recorded_without_their_values() {
    only_managed!();
    let data = DataFolder::new();
    let options =
        OpenOptions { application: "meetmemo test", slow_query_ms: Some(50), ..OpenOptions::default() };
    let store = data.open_with(options).await;
    let client = data.client(&store, &data.password()).await.unwrap();
    client.query("SELECT pg_sleep(0.1), $1::text", &[&"secret words"]).await.unwrap();
    // The server reports the conflict with the values of the row.
    let sql = "INSERT INTO people (id, name) VALUES ($1::text::uuid, $2)";
    let (id, name) = ("018f4e5e-0000-7000-8000-000000000001", "hidden name");
    client.execute(sql, &[&id, &name]).await.unwrap();
    client.execute(sql, &[&id, &name]).await.unwrap_err();
    let SlowStatements::Recorded { limit_ms, statements } = store.slow_statements(7).await.unwrap() else {
        panic!("a private server records slow statements")
    };
    assert_eq!(limit_ms, 50);
    let slow = statements.iter().find(|slow| slow.statement.contains("pg_sleep")).unwrap();
    assert!(slow.application == "another program" && slow.duration_ms >= 100.0, "{slow:?}");
    assert!(slow.statement.contains("$1"), "{slow:?}");
    let log = data.log();
    assert!(log.contains("duplicate key"), "the error is in the log: {log}");
    for secret in ["secret words", "hidden name", "018f4e5e"] {
        assert!(!log.contains(secret), "{secret} is in the log: {log}");
    }
    let lines = store.server_log_lines(1).unwrap().unwrap();
    assert_eq!(lines, [log.lines().last().unwrap()]);
    let named: i64 = client
        .query_one("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'meetmemo test'", &[])
        .await
        .unwrap()
        .get(0);
    assert!(named >= 5, "the connections of the pool have the name of the process: {named}");
    drop((client, store));
    data.wait_stopped().await;
    // Another limit holds from the next start.
    let store = data.open_with(OpenOptions { slow_query_ms: Some(900), ..OpenOptions::default() }).await;
    assert!(matches!(
        store.slow_statements(7).await.unwrap(),
        SlowStatements::Recorded { limit_ms: 900, .. }
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_replaces_the_old_one_without_ending_a_connection() {
    only_managed!();
    let data = DataFolder::new();
    let store = data.open().await;
    let old = data.password();
    let client = data.client(&store, &old).await.unwrap();
    // Another process that connects all the time meanwhile.
    let (stop, stopped) = watch::channel(false);
    let folder = data.folder.clone();
    let connecting = tokio::spawn(async move {
        let mut opened = 0;
        while !*stopped.borrow() {
            open_managed(&folder, keeper()).await.unwrap();
            opened += 1;
        }
        opened
    });
    for _ in 0..10 {
        assert!(store.change_password().await.unwrap());
    }
    stop.send_replace(true);
    assert!(connecting.await.unwrap() > 0);
    let new = data.password();
    assert!(new != old && new.len() == 64, "it is another one");
    assert!(!data.folder.join("password.new").exists());
    client.query("SELECT 1", &[]).await.unwrap();
    assert!(data.client(&store, &old).await.is_err(), "the old password is refused");
    data.client(&store, &new).await.unwrap();
    let log = data.log();
    assert!(!log.contains(&new) && !log.contains(&old), "no password is in the log");
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &fs::metadata(data.folder.join("password")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    drop((client, store));
    data.wait_stopped().await;
    drop(data.open().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_opens_after_a_change_of_the_password_that_was_interrupted() {
    only_managed!();
    let data = DataFolder::new();
    let store = data.open().await;
    let id = register(&store, LibraryId::new()).await;
    let next = "f".repeat(64);
    let next_file = data.folder.join("password.new");
    let ids = async |store: &Store| -> Vec<_> {
        store.jobs(JobFilter::default()).await.unwrap().into_iter().map(|job| job.id).collect()
    };

    // Killed before the server took the next password.
    fs::write(&next_file, &next).unwrap();
    let old = data.password();
    assert_eq!(ids(&data.open().await).await, [id]);
    assert_eq!(data.password(), old);

    // Killed after the server took it.
    let client = data.client(&store, &old).await.unwrap();
    client.batch_execute(&format!("ALTER ROLE meetmemo PASSWORD '{next}'")).await.unwrap();
    assert_eq!(ids(&data.open().await).await, [id]);
    assert_eq!(data.password(), next, "opening the archive has completed the change");
    assert!(!next_file.exists());

    // The same, and a process whose archive is open changes the password: the only copy of the valid one must not be
    // overwritten before the server has another.
    let third = "e".repeat(64);
    fs::write(&next_file, &third).unwrap();
    client.batch_execute(&format!("ALTER ROLE meetmemo PASSWORD '{third}'")).await.unwrap();
    assert!(store.change_password().await.unwrap());
    assert!(![old, next, third].contains(&data.password()) && !next_file.exists());
    assert_eq!(ids(&data.open().await).await, [id]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_of_another_major_version_is_refused_and_not_touched() {
    only_managed!();
    let data = DataFolder::new();
    let id = register(&data.open().await, LibraryId::new()).await;
    data.wait_stopped().await;
    let version = data.folder.join("cluster/PG_VERSION");
    let ours = fs::read_to_string(&version).unwrap();
    fs::write(&version, "9.6\n").unwrap();
    let listing = || {
        let command = "find . -printf '%p %s %m %u %T@\n' | sort; find . -type f -exec sha256sum {} + | sort";
        let mut list = std::process::Command::new("sh");
        let output = list.args(["-c", command]).current_dir(&data.folder).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let before = listing();
    let cluster = Cluster::join(&data.folder, &runtime(), keeper()).unwrap();
    let refused = Store::open(Database::Managed(Arc::new(cluster)), Default::default(), &|_| ()).await;
    let why = refused.unwrap_err().to_string();
    assert!(why.contains("PostgreSQL 9.6") && why.contains(&format!("PostgreSQL {}", ours.trim())), "{why}");
    assert!(why.contains("meetmemo restore") && why.contains("Nothing was changed"), "{why}");
    assert_eq!(listing(), before);
    fs::write(&version, ours).unwrap();
    let jobs = data.open().await.jobs(JobFilter::default()).await.unwrap();
    assert_eq!(jobs.iter().map(|job| job.id).collect::<Vec<_>>(), [id]);
}
