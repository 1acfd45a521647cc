//! The private server of a data folder: first start, sharing, crashes, stale files, root, full disks, and the stop.
//!
//! Each test has its own data folder and server. All tests are skipped if the tests use a configured server.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{TIMEOUT, keeper, recording, wait_for};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use store::managed::{Cluster, KeeperCommand, StartPhase};
use store::testing::{open_managed, runtime};
use store::{
    Database, JobFilter, JobId, LibraryId, MachineId, Maintenance, MaintenanceStep, Notifications, PoolSize,
    Registration, Store, StoreError, WorkerLock,
};
use tempfile::TempDir;
use testing::Prerequisite;

/// Promised limit: the server has stopped this long after the last process that used the archive.
const STOP_LIMIT: Duration = Duration::from_secs(2);
/// Promised limit: after a crash of the server, queries work again within this time.
const RECOVERY_LIMIT: Duration = Duration::from_secs(10);

/// Skips the test if the tests use a configured server.
macro_rules! only_managed {
    () => {
        if std::env::var_os("MEETMEMO_TEST_DATABASE_URL").is_some() {
            return Prerequisite::PrivateServer.skip();
        }
    };
}

#[allow(clippy::print_stderr, reason = "tests print what they measured")]
fn print(text: &str) {
    eprintln!("{text}");
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// A data folder. When dropped, waits for its processes to end, and kills them if they do not.
struct DataFolder {
    _dir: TempDir,
    folder: PathBuf,
}

impl DataFolder {
    fn new() -> Self {
        Self::named("data")
    }

    fn named(name: &str) -> Self {
        Self::below(&fast_folder(), name)
    }

    fn below(parent: &Path, name: &str) -> Self {
        let dir = tempfile::tempdir_in(parent).unwrap();
        let folder = dir.path().canonicalize().unwrap().join(name);
        Self { _dir: dir, folder }
    }

    /// A data folder with an existing empty archive whose server has stopped.
    async fn with_archive() -> Self {
        Self::named_with_archive("data").await
    }

    async fn named_with_archive(name: &str) -> Self {
        let data = Self::named(name);
        let copied =
            Command::new("cp").arg("-a").arg(template_archive().await).arg(&data.folder).status().unwrap();
        assert!(copied.success());
        data
    }

    /// The processes of the keeper and the server, found by the folder in their arguments or as working directory.
    fn processes(&self) -> Vec<u32> {
        let is_ours = |process: &Path| {
            let arguments = fs::read(process.join("cmdline")).unwrap_or_default();
            let mut arguments = arguments.split(|byte| *byte == 0);
            let named =
                arguments.any(|argument| Path::new(OsStr::from_bytes(argument)).starts_with(&self.folder));
            named || fs::read_link(process.join("cwd")).is_ok_and(|folder| folder.starts_with(&self.folder))
        };
        let ids = fs::read_dir("/proc").unwrap().filter_map(|entry| {
            let entry = entry.ok()?;
            let id: u32 = entry.file_name().to_str()?.parse().ok()?;
            (is_ours(&entry.path()) && !is_client(&entry.path())).then_some(id)
        });
        ids.collect()
    }

    fn keeper(&self) -> Option<u32> {
        let name = OsStr::new(env!("CARGO_BIN_EXE_store-test-keeper"));
        self.processes().into_iter().find(|id| {
            let arguments = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
            arguments.split(|byte| *byte == 0).next() == Some(name.as_bytes())
        })
    }

    fn pid_file(&self) -> PathBuf {
        self.folder.join("cluster/postmaster.pid")
    }

    /// The main process of the server.
    fn postmaster(&self) -> Option<u32> {
        let id = fs::read_to_string(self.pid_file()).ok()?.lines().next()?.parse().ok()?;
        self.processes().contains(&id).then_some(id)
    }

    fn sockets(&self) -> PathBuf {
        fs::read_to_string(self.pid_file()).unwrap().lines().nth(4).unwrap().into()
    }

    /// Waits until no process is left; returns how long that took.
    async fn wait_stopped(&self, limit: Duration) -> Duration {
        let start = Instant::now();
        wait_for("the end of the server", limit, async || self.processes().is_empty().then_some(())).await;
        start.elapsed()
    }
}

impl Drop for DataFolder {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = fs::read_to_string(self.folder.join("postgres.log")).unwrap_or_default();
            let from = log.char_indices().rev().nth(3000).map_or(0, |(at, _)| at);
            print(&format!("postgres.log:\n{}", &log[from..]));
        }
        // The folder can be removed only when no process writes to it. An unused server stops by itself; if it were
        // killed at once, a pool that is still being closed would start another.
        let start = Instant::now();
        while let ids = self.processes()
            && !ids.is_empty()
            && start.elapsed() < TIMEOUT
        {
            if start.elapsed() > STOP_LIMIT {
                ids.into_iter().for_each(kill);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        // A killed keeper leaves its socket folder.
        let log = fs::read_to_string(self.folder.join("postgres.log")).unwrap_or_default();
        let sockets = log.rsplit_once("Unix socket \"").and_then(|(_, rest)| rest.split_once("/.s.PGSQL"));
        if let Some((sockets, _)) = sockets {
            let _ = fs::remove_dir_all(sockets);
        }
    }
}

/// Where data folders are created: in memory if there is enough, because a new cluster has a thousand files that are
/// synced one by one.
fn fast_folder() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let plenty = store::disk_space::free_bytes(memory).is_ok_and(|free| free > 1 << 30);
    if plenty { memory.to_owned() } else { std::env::temp_dir() }
}

/// An empty archive to copy, created once: creating one takes longer than most tests.
async fn template_archive() -> PathBuf {
    let migrations = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");
    let steps = fs::read_dir(migrations).unwrap().map(|step| step.unwrap().path());
    let last = steps.filter(|step| step.is_dir()).max().unwrap();
    let name = format!("archive-{}", last.file_name().unwrap().display());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let lock = fs::File::create(folder.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    if !folder.exists() {
        let data = DataFolder::new();
        drop(open(&data).await);
        data.wait_stopped(TIMEOUT).await;
        let draft = folder.with_extension("new");
        let _ = fs::remove_dir_all(&draft);
        let copied = Command::new("cp").arg("-a").arg(&data.folder).arg(&draft).status().unwrap();
        assert!(copied.success());
        fs::rename(draft, &folder).unwrap();
    }
    folder
}

fn is_client(process: &Path) -> bool {
    let arguments = fs::read(process.join("cmdline")).unwrap_or_default();
    arguments.split(|byte| *byte == 0).nth(1) == Some(b"client")
}

fn kill(id: u32) {
    testing::kill(id.cast_signed());
}

/// Another process of the application that uses the archive of a data folder.
struct Client {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Client {
    fn start(folder: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_store-test-keeper"));
        Self::spawn(command.arg("client").arg(folder).arg(runtime()))
    }

    fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, output }
    }

    /// Returns when the archive is open.
    fn open(mut self) -> Self {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        assert_eq!(line, "open\n");
        self
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

async fn open(data: &DataFolder) -> Store {
    open_managed(&data.folder, keeper()).await.unwrap()
}

async fn register(store: &Store, library: LibraryId) -> JobId {
    common::register(store, library).await
}

async fn ids(store: &Store) -> HashSet<JobId> {
    store.jobs(JobFilter::default()).await.unwrap().into_iter().map(|job| job.id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_start_creates_the_archive_and_later_ones_find_its_rows() {
    only_managed!();
    let data = DataFolder::new();
    let open_with_phases = async || {
        let phases = Mutex::new(Vec::new());
        let cluster = Cluster::join(&data.folder, &runtime(), keeper()).unwrap();
        let on_phase = |phase| phases.lock().unwrap().push(phase);
        let start = Instant::now();
        let store =
            Store::open(Database::Managed(Arc::new(cluster)), PoolSize::default(), &on_phase).await.unwrap();
        print(&format!("opened in {:?}", start.elapsed()));
        (store, phases.into_inner().unwrap())
    };
    let (store, phases) = open_with_phases().await;
    assert_eq!(phases, [StartPhase::Creating, StartPhase::Starting]);
    let id = register(&store, LibraryId::new()).await;
    let (second, phases) = open_with_phases().await;
    assert_eq!(phases, [], "a running server is used");
    assert!(ids(&second).await.contains(&id));
    drop((store, second));
    data.wait_stopped(STOP_LIMIT).await;
    let (store, phases) = open_with_phases().await;
    assert_eq!(phases, [StartPhase::Starting]);
    assert_eq!(ids(&store).await, HashSet::from([id]));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_owner_can_reach_the_archive() {
    only_managed!();
    let data = DataFolder::with_archive().await;
    let store = open(&data).await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data.folder), 0o700);
    assert_eq!(mode(&data.folder.join("cluster")), 0o700);
    assert_eq!(mode(&data.folder.join("password")), 0o600);
    assert_eq!(mode(&data.folder.join("postgres.log")), 0o600);
    assert_eq!(mode(&data.sockets()), 0o700);
    let environment = store.tool_environment().unwrap();
    let password = environment.iter().find(|(name, _)| *name == "PGPASSWORD").unwrap();
    assert_eq!(password.1.len(), 64);
    let address = fs::read_to_string(data.pid_file()).unwrap();
    assert_eq!(address.lines().nth(5), Some(""), "it listens on no network address");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_with_any_name_works() {
    only_managed!();
    for name in ["Daten Ordner ü 会议", "it's \"quoted\", $HOME\\ %s;", &"long ".repeat(40)] {
        let data = if name.is_ascii() {
            DataFolder::named_with_archive(name).await
        } else {
            DataFolder::named(name)
        };
        let store = open(&data).await;
        let id = register(&store, LibraryId::new()).await;
        drop(store);
        data.wait_stopped(STOP_LIMIT).await;
        assert!(ids(&open(&data).await).await.contains(&id), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_start_at_once_share_one_server() {
    only_managed!();
    let data = DataFolder::new();
    // The folder is new: one of them creates the cluster.
    let clients: Vec<Client> = (0..4).map(|_| Client::start(&data.folder)).collect();
    let clients: Vec<Client> = clients.into_iter().map(Client::open).collect();
    let postmaster = data.postmaster().unwrap();
    let here = futures_util::future::join_all((0..4).map(|_| open(&data))).await;
    let id = register(&here[0], LibraryId::new()).await;
    for store in &here {
        assert!(ids(store).await.contains(&id));
    }
    assert_eq!(data.postmaster(), Some(postmaster));
    // The other three keepers have found the cluster in use and exited.
    wait_for("a single keeper", TIMEOUT, async || {
        let name = env!("CARGO_BIN_EXE_store-test-keeper").as_bytes();
        let keepers = data.processes().into_iter().filter(|id| {
            fs::read(format!("/proc/{id}/cmdline")).is_ok_and(|arguments| arguments.starts_with(name))
        });
        (keepers.count() == 1).then_some(())
    })
    .await;
    drop(clients);
    assert!(ids(&here[3]).await.contains(&id), "the server runs while any process uses it");
    drop(here);
    data.wait_stopped(STOP_LIMIT).await;
    let log = fs::read_to_string(data.folder.join("postgres.log")).unwrap();
    assert!(log.contains("database system is shut down"), "it was stopped in order");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_starts_while_the_server_is_stopping_gets_a_new_one() {
    only_managed!();
    let data = DataFolder::with_archive().await;
    let mut known = HashSet::new();
    for _ in 0..8 {
        let store = open(&data).await;
        known.insert(register(&store, LibraryId::new()).await);
        drop(store);
    }
    assert_eq!(ids(&open(&data).await).await, known);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_stops_with_its_last_client_even_if_that_is_killed() {
    only_managed!();
    let data = DataFolder::with_archive().await;
    let first = Client::start(&data.folder).open();
    let second = Client::start(&data.folder).open();
    let postmaster = data.postmaster();
    drop(first);
    let store = open(&data).await;
    assert_eq!(data.postmaster(), postmaster, "one client is left, so it keeps running");
    drop(store);
    drop(second);
    let took = data.wait_stopped(STOP_LIMIT).await;
    print(&format!("gone after {took:?}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_of_a_first_start_whose_only_client_was_killed() {
    only_managed!();
    let data = DataFolder::new();
    let client = Client::start(&data.folder);
    wait_for("the beginning of a cluster", TIMEOUT, async || {
        data.folder.join("cluster.new/PG_VERSION").exists().then_some(())
    })
    .await;
    drop(client);
    let took = data.wait_stopped(STOP_LIMIT).await;
    print(&format!("gone after {took:?}"));
    register(&open(&data).await, LibraryId::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_that_is_killed_at_any_moment_can_be_repeated() {
    only_managed!();
    for moment in ["cluster.new", "cluster.new/base/1", "cluster"] {
        let data = DataFolder::new();
        let client = Client::start(&data.folder);
        wait_for(moment, TIMEOUT, async || data.folder.join(moment).exists().then_some(())).await;
        if let Some(keeper) = data.keeper() {
            kill(keeper);
        }
        drop(client);
        // At once: processes of the killed keeper may still be running.
        register(&open(&data).await, LibraryId::new()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incomplete_cluster_is_created_again() {
    only_managed!();
    let data = DataFolder::new();
    fs::create_dir_all(data.folder.join("cluster.new/base/1")).unwrap();
    fs::write(data.folder.join("cluster.new/PG_VERSION"), "16\n").unwrap();
    fs::write(data.folder.join("password"), "").unwrap();
    register(&open(&data).await, LibraryId::new()).await;
    assert!(!data.folder.join("cluster.new").exists());
}

/// What a crash test kills.
#[derive(Debug, Clone, Copy)]
enum Victim {
    Keeper,
    Postmaster,
    Both,
    Everything,
    Backend,
}

impl Victim {
    const ALL: [Self; 5] = [Self::Keeper, Self::Postmaster, Self::Both, Self::Everything, Self::Backend];

    /// Returns whether there was one.
    fn kill(self, data: &DataFolder) -> bool {
        let victims = match self {
            Self::Keeper => vec![data.keeper()],
            Self::Postmaster => vec![data.postmaster()],
            Self::Both => vec![data.keeper(), data.postmaster()],
            Self::Everything => data.processes().into_iter().map(Some).collect(),
            Self::Backend => {
                let others = [data.keeper(), data.postmaster()];
                vec![data.processes().into_iter().rev().find(|id| !others.contains(&Some(*id)))]
            }
        };
        let found: Vec<u32> = victims.into_iter().flatten().collect();
        found.iter().copied().for_each(kill);
        !found.is_empty()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_archive_survives_a_crash_of_its_server() {
    only_managed!();
    let data = DataFolder::with_archive().await;
    let store = open(&data).await;
    let library = LibraryId::new();
    let mut known = HashSet::from([register(&store, library).await]);
    for victim in Victim::ALL {
        let before = data.postmaster().unwrap();
        assert!(victim.kill(&data), "there is no {victim:?} to kill");
        let start = Instant::now();
        // At once, while the dying server may still answer, by every way of using the server.
        let machine = MachineId::new();
        let (query, lock, news, other) = tokio::join!(
            tokio::spawn({
                let store = store.clone();
                async move { register(&store, library).await }
            }),
            WorkerLock::acquire(&store, machine),
            Notifications::listen(&store),
            open_managed(&data.folder, keeper()),
        );
        known.insert(query.unwrap());
        lock.unwrap_or_else(|error| panic!("after the death of {victim:?}: {error}"));
        news.unwrap_or_else(|error| panic!("after the death of {victim:?}: {error}"));
        other.unwrap_or_else(|error| panic!("after the death of {victim:?}: {error}"));
        if !matches!(victim, Victim::Backend) {
            wait_for("a new server", RECOVERY_LIMIT, async || {
                known.insert(register(&store, library).await);
                (data.postmaster().is_some_and(|id| id != before)).then_some(())
            })
            .await;
        }
        assert!(start.elapsed() < RECOVERY_LIMIT, "{victim:?}: {:?}", start.elapsed());
        assert_eq!(ids(&store).await, known, "after the death of {victim:?}");
    }
    drop(store);
    data.wait_stopped(STOP_LIMIT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_acknowledged_row_is_lost_however_the_server_dies() {
    only_managed!();
    let data = DataFolder::with_archive().await;
    let store = open(&data).await;
    let acknowledged = Arc::new(Mutex::new(HashSet::new()));
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..3)
        .map(|_| {
            let (store, acknowledged, stop) = (store.clone(), Arc::clone(&acknowledged), Arc::clone(&stop));
            tokio::spawn(async move {
                let library = LibraryId::new();
                while !stop.load(Ordering::Relaxed) {
                    let new = recording(library);
                    match store.register(&new).await {
                        Ok(Registration::New(job)) => assert_eq!(job.id, new.id),
                        // A row committed before its connection broke is New as well. A query may fail if the
                        // server dies twice during it.
                        Ok(Registration::Duplicate(job)) => panic!("{} exists", job.id),
                        Err(error) => {
                            print(&format!("refused: {error}"));
                            continue;
                        }
                    }
                    acknowledged.lock().unwrap().insert(new.id);
                }
            })
        })
        .collect();
    // The promise is about the first row. How many follow within a time depends on the machine.
    let recovered = async || {
        let before = acknowledged.lock().unwrap().len();
        wait_for("a row after a death", RECOVERY_LIMIT, async || {
            (acknowledged.lock().unwrap().len() > before && data.postmaster().is_some()).then_some(())
        })
        .await;
    };
    let seed = uuid::Uuid::new_v4();
    print(&format!("seed {seed}"));
    for random in &seed.as_bytes()[..6] {
        recovered().await;
        // The next death comes at any moment of the writing.
        tokio::time::sleep(Duration::from_millis(4 * u64::from(*random))).await;
        Victim::ALL[usize::from(random % 5)].kill(&data);
    }
    recovered().await;
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    let acknowledged = acknowledged.lock().unwrap().clone();
    drop(store);
    data.wait_stopped(STOP_LIMIT).await;
    let there = ids(&open(&data).await).await;
    let lost: Vec<_> = acknowledged.difference(&there).collect();
    assert!(lost.is_empty(), "{} of {} rows are lost", lost.len(), acknowledged.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn stale_files_that_name_a_running_process_do_not_prevent_a_start() {
    only_managed!();
    let data = DataFolder::with_archive().await;
    let store = open(&data).await;
    let id = register(&store, LibraryId::new()).await;
    let sockets = data.sockets();
    let pid_file = fs::read_to_string(data.pid_file()).unwrap();
    drop(store);
    data.wait_stopped(STOP_LIMIT).await;
    // As after a crash and a reboot, when another process has the process id.
    let rest = pid_file.split_once('\n').unwrap().1;
    fs::write(data.pid_file(), format!("1\n{rest}")).unwrap();
    // The keeper has removed its folder; a killed one leaves it.
    fs::create_dir_all(&sockets).unwrap();
    fs::set_permissions(&sockets, fs::Permissions::from_mode(0o700)).unwrap();
    drop(std::os::unix::net::UnixListener::bind(sockets.join(".s.PGSQL.5432")).unwrap());
    fs::write(sockets.join(".s.PGSQL.5432.lock"), format!("1\n{rest}")).unwrap();
    assert!(ids(&open(&data).await).await.contains(&id));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_folder_above_data_and_runtime_does_not_prevent_a_start() {
    only_managed!();
    // Programs often may not be executed in /dev/shm.
    let data = DataFolder::below(&std::env::temp_dir(), "data");
    let parent = data.folder.parent().unwrap();
    fs::set_permissions(parent, fs::Permissions::from_mode(0o700)).unwrap();
    let runtime_below = parent.join("runtime");
    let copied = Command::new("cp").arg("-r").arg(runtime()).arg(&runtime_below).status().unwrap();
    assert!(copied.success());
    let open = async || {
        let cluster = Cluster::join(&data.folder, &runtime_below, keeper()).unwrap();
        Store::open(Database::Managed(Arc::new(cluster)), PoolSize::default(), &|_| ()).await.unwrap()
    };
    let store = open().await;
    let id = register(&store, LibraryId::new()).await;
    if is_root() {
        let owner = |path: &Path| fs::metadata(path).unwrap().uid();
        assert_eq!(owner(&data.folder), 0, "only the cluster changes its owner");
        assert_ne!(owner(&data.folder.join("cluster")), 0);
        assert_ne!(owner(&PathBuf::from(format!("/proc/{}", data.postmaster().unwrap()))), 0);
    }
    drop(store);
    data.wait_stopped(STOP_LIMIT).await;
    assert!(ids(&open().await).await.contains(&id));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_archive_of_an_ordinary_user_stays_theirs_after_root_has_opened_it() {
    only_managed!();
    if !is_root() {
        return Prerequisite::Root.skip();
    }
    // Programs often may not be executed in /dev/shm.
    let data = DataFolder::below(&std::env::temp_dir(), "data");
    let parent = data.folder.parent().unwrap();
    fs::set_permissions(parent, fs::Permissions::from_mode(0o755)).unwrap();
    // The user may have no access to the checkout.
    let programs = parent.join("programs");
    fs::create_dir(&programs).unwrap();
    let host = env!("CARGO_BIN_EXE_store-test-keeper");
    let copied = Command::new("cp").arg("-r").arg(runtime()).arg(host).arg(&programs).status().unwrap();
    assert!(copied.success());
    let opened = Command::new("chmod").args(["-R", "a+rX"]).arg(&programs).status().unwrap();
    assert!(opened.success());
    fs::create_dir(&data.folder).unwrap();
    fs::set_permissions(&data.folder, fs::Permissions::from_mode(0o700)).unwrap();
    std::os::unix::fs::chown(&data.folder, Some(65534), Some(65534)).unwrap();
    let as_user = || {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"]);
        command.arg(programs.join(Path::new(host).file_name().unwrap())).arg("client").arg(&data.folder);
        Client::spawn(command.arg(programs.join(runtime().file_name().unwrap())))
    };
    drop(as_user().open());
    data.wait_stopped(STOP_LIMIT).await;
    let id = register(&open(&data).await, LibraryId::new()).await;
    data.wait_stopped(STOP_LIMIT).await;
    assert_eq!(fs::metadata(data.folder.join("cluster/PG_VERSION")).unwrap().uid(), 65534);
    let user = as_user().open();
    assert!(ids(&open(&data).await).await.contains(&id));
    drop(user);
}

#[tokio::test(flavor = "multi_thread")]
async fn if_root_cannot_enter_a_closed_folder_the_folder_is_named() {
    only_managed!();
    if !is_root() {
        return Prerequisite::Root.skip();
    }
    let data = DataFolder::new();
    let closed = data.folder.parent().unwrap().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    for (capability, named) in [("setpcap", &closed), ("dac_override", &data.folder)] {
        let mut command = Command::new("setpriv");
        command.arg(format!("--bounding-set=-{capability}")).arg(env!("CARGO_BIN_EXE_store-test-keeper"));
        command.arg("client").arg(&data.folder).arg(closed.join("postgres"));
        let mut client = Client::spawn(&mut command);
        let mut line = String::new();
        client.output.read_line(&mut line).unwrap();
        assert!(
            line.contains(&format!("may not enter {}.", named.display())),
            "without {capability}: {line}"
        );
    }
}

async fn open_error(data: &DataFolder, runtime: &Path, keeper: KeeperCommand) -> String {
    let cluster = match Cluster::join(&data.folder, runtime, keeper) {
        Ok(cluster) => cluster,
        Err(error) => return error.to_string(),
    };
    match Store::open(Database::Managed(Arc::new(cluster)), PoolSize::default(), &|_| ()).await {
        Err(error @ StoreError::Managed(_)) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_program_is_named() {
    only_managed!();
    let data = DataFolder::new();
    let nowhere = data.folder.join("nowhere");
    let why = open_error(&data, &nowhere, keeper()).await;
    assert!(why.contains(&format!("{} is missing", nowhere.join("bin/initdb").display())), "{why}");

    let data = DataFolder::with_archive().await;
    let why = open_error(&data, &nowhere, keeper()).await;
    assert!(why.contains(&format!("{} is missing", nowhere.join("bin/postgres").display())), "{why}");
    let lost = KeeperCommand { program: nowhere, arguments: Vec::new() };
    let why = open_error(&data, &runtime(), lost).await;
    assert!(why.contains("the database could not be started"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_with_too_low_a_limit_of_open_files_is_refused() {
    only_managed!();
    let limited = |limit: &str| KeeperCommand {
        program: "/bin/sh".into(),
        arguments: [
            "-c",
            &format!("ulimit {limit} 32; exec \"$0\" \"$@\""),
            env!("CARGO_BIN_EXE_store-test-keeper"),
        ]
        .map(str::to_owned)
        .to_vec(),
    };
    let data = DataFolder::new();
    let why = open_error(&data, &runtime(), limited("-n")).await;
    assert!(why.contains("only 32 files open at once") && why.contains("ulimit -n 1024"), "{why}");
    // A soft limit is raised.
    let cluster = Cluster::join(&data.folder, &runtime(), limited("-S -n")).unwrap();
    let pool = PoolSize { min_size: 1, max_size: 5 };
    Store::open(Database::Managed(Arc::new(cluster)), pool, &|_| ()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_that_fails_with_much_output_ends_and_names_the_log() {
    only_managed!();
    let data = DataFolder::new();
    let programs = data.folder.parent().unwrap().join("programs");
    fs::create_dir_all(programs.join("bin")).unwrap();
    let initdb = programs.join("bin/initdb");
    // More output than fits into a pipe.
    fs::write(&initdb, "#!/bin/sh\nseq 100000 >&2\nexit 1\n").unwrap();
    for path in [programs.as_path(), &programs.join("bin"), &initdb] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let why = open_error(&data, &programs, keeper()).await;
    let log = data.folder.join("postgres.log");
    assert!(why.contains(&format!("its log {} says why", log.display())), "{why}");
    assert!(fs::read_to_string(log).unwrap().ends_with("100000\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_without_its_password_file_is_not_changed() {
    only_managed!();
    let data = DataFolder::with_archive().await;
    let id = register(&open(&data).await, LibraryId::new()).await;
    data.wait_stopped(STOP_LIMIT).await;
    let (password, copy) = (data.folder.join("password"), data.folder.join("copy"));
    fs::rename(&password, &copy).unwrap();
    let why = open_error(&data, &runtime(), keeper()).await;
    assert!(why.contains("password file") && why.contains("is missing"), "{why}");
    fs::rename(&copy, &password).unwrap();
    assert!(ids(&open(&data).await).await.contains(&id));
}

/// A small file system mounted in a folder.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts it with a size in megabytes. `None`, and the test is skipped, if mounting is not permitted.
    fn mount(folder: &Path, megabytes: u32) -> Option<Self> {
        fs::create_dir_all(folder).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={megabytes}m,mode=700"), "tmpfs"])
            .arg(folder)
            .env("LC_ALL", "C")
            .output()
            .unwrap();
        if mounted.status.success() {
            return Some(Self(folder.to_owned()));
        }
        let why = String::from_utf8_lossy(&mounted.stderr).to_lowercase();
        let forbidden = ["superuser", "denied", "not permitted"].iter().any(|word| why.contains(word));
        assert!(forbidden, "no file system could be mounted: {why}");
        Prerequisite::Root.skip();
        None
    }

    /// Fills it completely.
    fn fill(&self) -> PathBuf {
        let path = self.0.join("filling");
        let mut file = fs::File::create(&path).unwrap();
        let block = vec![1; 1 << 16];
        while std::io::Write::write_all(&mut file, &block).is_ok() {}
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_on_a_full_disk_is_refused() {
    only_managed!();
    let data = DataFolder::new();
    let Some(disk) = SmallDisk::mount(&data.folder, 30) else { return };
    let why = open_error(&data, &runtime(), keeper()).await;
    assert!(why.contains("is full") && why.contains("Free some space"), "{why}");
    disk.fill();
    let why = open_error(&data, &runtime(), keeper()).await;
    assert!(why.contains("is full"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_acknowledged_row_is_lost_when_the_disk_fills_up() {
    only_managed!();
    let data = DataFolder::new();
    let Some(disk) = SmallDisk::mount(&data.folder, 250) else { return };
    let library = LibraryId::new();
    let store = open(&data).await;
    let mut known = HashSet::from([register(&store, library).await]);
    let filling = disk.fill();
    // Until the space that the server has reserved is used up.
    wait_for("a refusal", TIMEOUT, async || {
        let new = store::NewJob { media_format: "long ".repeat(1 << 16), ..recording(library) };
        match store.register(&new).await {
            Ok(_) => known.insert(new.id),
            Err(_) => return Some(()),
        };
        None
    })
    .await;
    drop(store);
    data.wait_stopped(TIMEOUT).await;
    let why = open_error(&data, &runtime(), keeper()).await;
    assert!(why.contains("is full"), "{why}");
    fs::remove_file(filling).unwrap();
    let store = open(&data).await;
    assert!(ids(&store).await.is_superset(&known));
    register(&store, library).await;
    drop(store);
    data.wait_stopped(STOP_LIMIT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_archive_goes_on_when_a_full_disk_has_room_again() {
    only_managed!();
    let data = DataFolder::new();
    let Some(disk) = SmallDisk::mount(&data.folder, 250) else { return };
    let library = LibraryId::new();
    let store = open(&data).await;
    let mut known = HashSet::from([register(&store, library).await]);
    let filling = disk.fill();
    let why = wait_for("a refusal", TIMEOUT, async || {
        let new = store::NewJob { media_format: "long ".repeat(1 << 16), ..recording(library) };
        match store.register(&new).await {
            Ok(_) => known.insert(new.id),
            Err(error) => return Some(error.to_string()),
        };
        None
    })
    .await;
    assert!(why.contains("is full") && why.contains("Free some space"), "{why}");
    fs::remove_file(filling).unwrap();
    let id = wait_for("the next recording", RECOVERY_LIMIT, async || {
        let new = recording(library);
        store.register(&new).await.ok().map(|_| new.id)
    })
    .await;
    assert!(known.insert(id));
    assert!(ids(&store).await.is_superset(&known));
    drop(store);
    data.wait_stopped(STOP_LIMIT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn vacuum_full_on_a_disk_that_fills_up_says_so_and_loses_nothing() {
    only_managed!();
    let data = DataFolder::new();
    let Some(disk) = SmallDisk::mount(&data.folder, 300) else { return };
    let store = open(&data).await;
    let execute = async |sql: &str| store::testing::execute(&store, sql).await.unwrap();
    execute(
        "INSERT INTO people (id, name)
         SELECT gen_random_uuid(), repeat(md5(n::text), 8) FROM generate_series(1, 60000) n",
    )
    .await;
    let never = tokio::sync::watch::channel(false).1;
    let filling = Mutex::new(None);
    let fill = |step: &MaintenanceStep| {
        // The largest table, which is written last. There was room for a copy when it began.
        if step.table == "people" {
            *filling.lock().unwrap() = Some(disk.fill());
        }
    };
    let why = store.maintain(Maintenance::VacuumFull, never.clone(), &fill).await.unwrap_err().to_string();
    assert!(why.contains("is full") && why.contains("Free some space"), "{why}");
    fs::remove_file(filling.lock().unwrap().take().unwrap()).unwrap();
    let whole =
        "DO $$ BEGIN ASSERT (SELECT count(*) = 60000 AND bool_and(length(name) = 256) FROM people); END $$";
    wait_for("the database", RECOVERY_LIMIT, async || store::testing::execute(&store, whole).await.ok())
        .await;
    let done = store.maintain(Maintenance::VacuumFull, never, &|_| ()).await.unwrap();
    assert!(!done.stopped && done.tables.iter().any(|table| table.table == "people"), "{done:?}");
    execute(whole).await;
    drop(store);
    data.wait_stopped(STOP_LIMIT).await;
}
