//! The private PostgreSQL server of a data folder: starting, finding and stopping it.
//!
//! The server process belongs to a *keeper*: our own executable in the hidden mode `database-server` ([`keeper::run`]).
//! A process that needs the server looks for a running one and else starts a keeper. There is no TCP port; the server
//! listens on a socket in a private folder (`socket_folder`). If the keeper runs as root, it changes to an unprivileged
//! account (`server_account`).
//!
//! Two file locks decide who runs. The kernel releases them however a process ends, so nothing is handed over and
//! nothing has to be cleaned up; nobody adopts a running server or kills one by a remembered process id.
//!
//! - `clients.lock` is held shared by every process that uses the archive, for its whole life. The keeper waits for it
//!   exclusively; when it gets it, no client is left and it stops the server.
//! - `cluster.lock` is held by the keeper and inherited by every process of the server. A second keeper that finds it
//!   taken reports `busy` and exits. Left-over pid and socket files are removed only by its holder.
//!
//! The folder also holds `cluster/` (the data of PostgreSQL), `password`, while that is being changed `password.new`
//! (`password`), and `postgres.log`. This module and the keeper know no SQL.

mod cluster_version;
pub mod keeper;
mod password;
mod requirements;
mod server_account;
mod set_aside;
mod socket_folder;

pub use set_aside::set_aside;

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The PostgreSQL role of the application, which owns everything in the private server.
pub(crate) const ROLE: &str = "meetmemo";
/// Port number in the name of the socket file; no TCP port is opened.
pub(crate) const PORT: u16 = 5432;
/// Stack size of a thread that waits for a process.
const WAIT_THREAD_STACK: usize = 64 << 10;
/// Longest wait for the server. Creating a cluster takes two seconds on an ordinary disk.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// Errors of the private server. The text is for the user.
#[derive(Debug, thiserror::Error)]
pub enum ManagedError {
    /// A file or folder of the database could not be created, read or locked.
    #[error("the database folder {path} cannot be used: {reason}")]
    Folder {
        /// The database folder.
        path: PathBuf,
        /// The cause. Not named `source`, because the message includes its text.
        reason: io::Error,
    },
    /// The keeper could not be started.
    #[error("the database could not be started: {0}")]
    Spawn(String),
    /// The keeper failed; whole sentences.
    #[error("{0}")]
    Keeper(String),
    /// The files of the server are damaged or incomplete; whole sentences.
    #[error("{0}")]
    Damaged(String),
    /// The files of the server are in use by another process.
    #[error(
        "The archive in {0} is open in another program. Close MeetMemo's windows and commands, and try again."
    )]
    InUse(PathBuf),
    /// The server was not ready within a minute.
    #[error("the database did not start within a minute; its log is {log}")]
    TimedOut {
        /// The log of PostgreSQL.
        log: PathBuf,
    },
}

impl ManagedError {
    /// The error for a process or thread that could not be started. The system's message for a lack of memory or
    /// processes is “try again”, which does not help users.
    fn spawn(error: io::Error) -> Self {
        Self::Spawn(match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory => {
                "there is not enough memory, or too many programs are running; close some, or raise the limits of this session (ulimit -v, ulimit -u)"
                    .to_owned()
            }
            _ => error.to_string(),
        })
    }
}

/// A step of the start that may take seconds, to be shown to the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartPhase {
    /// A new cluster is being created (first start only).
    Creating,
    /// The server is starting.
    Starting,
}

/// How to run our own executable as keeper.
#[derive(Debug, Clone)]
pub struct KeeperCommand {
    /// The executable.
    pub program: PathBuf,
    /// Arguments before those of the keeper: the hidden mode, such as `database-server`.
    pub arguments: Vec<String>,
}

/// How to connect to the running server.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(crate) socket_folder: PathBuf,
    pub(crate) password: String,
    /// What this process calls itself.
    pub(crate) application_name: String,
}

/// A client of the private server of a data folder. The server keeps running while any process has one.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    runtime: PathBuf,
    keeper: KeeperCommand,
    /// `clients.lock`, held shared.
    clients_lock: File,
    application_name: OnceLock<String>,
}

impl Cluster {
    /// Becomes a client of the server in `folder`, which is created if missing and readable only by its owner.
    /// PostgreSQL is installed in `runtime` (`bin/postgres` …). The server is not started yet; see
    /// [`Cluster::ensure_server`].
    ///
    /// # Errors
    /// [`ManagedError::Folder`] if the folder cannot be created or locked; [`ManagedError::TimedOut`] if a keeper that
    /// stops its server holds the lock for more than a minute.
    pub fn join(folder: &Path, runtime: &Path, keeper: KeeperCommand) -> Result<Self, ManagedError> {
        let at = |reason| ManagedError::Folder { path: folder.to_owned(), reason };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(at)?;
        let clients_lock = open_lock(&folder.join("clients.lock")).map_err(at)?;
        let folder = folder.canonicalize().map_err(at)?;
        let runtime = std::path::absolute(runtime).map_err(at)?;
        let cluster = Self { folder, runtime, keeper, clients_lock, application_name: OnceLock::new() };
        cluster.lock_clients()?;
        Ok(cluster)
    }

    /// Takes `clients.lock` shared. A keeper that stops its server holds it exclusively for a fraction of a second.
    fn lock_clients(&self) -> Result<(), ManagedError> {
        let at = |reason| ManagedError::Folder { path: self.folder.clone(), reason };
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            match self.clients_lock.try_lock_shared() {
                Ok(()) => return Ok(()),
                Err(fs::TryLockError::WouldBlock) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(fs::TryLockError::WouldBlock) => return Err(ManagedError::TimedOut { log: self.log() }),
                Err(fs::TryLockError::Error(reason)) => return Err(at(reason)),
            }
        }
    }

    /// The log of PostgreSQL.
    pub fn log(&self) -> PathBuf {
        self.folder.join("postgres.log")
    }

    /// The folder given to [`Cluster::join`].
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Names this process in the server's lists of connections. Only the first name counts.
    pub(crate) fn set_application_name(&self, name: &str) {
        let _ = self.application_name.set(name.to_owned());
    }

    /// Finds the running server or starts a keeper; returns once the server accepts connections. Blocks the thread.
    ///
    /// # Errors
    /// The failure of the keeper, or [`ManagedError::TimedOut`].
    pub(crate) fn ensure_server(&self, on_phase: &dyn Fn(StartPhase)) -> Result<Endpoint, ManagedError> {
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            if let Some(endpoint) = self.find_running() {
                return Ok(endpoint);
            }
            if Instant::now() >= deadline {
                return Err(ManagedError::TimedOut { log: self.log() });
            }
            // Another keeper holds the cluster: its server is starting or stopping.
            if self.start_keeper(on_phase)? == KeeperState::Busy {
                std::thread::sleep(Duration::from_millis(30));
            }
        }
    }

    /// The running server, if there is one. PostgreSQL writes the socket folder to line 5 of `postmaster.pid` and its
    /// state to line 8; connecting to the socket shows whether the file is a left-over.
    fn find_running(&self) -> Option<Endpoint> {
        let pid_file = fs::read_to_string(self.folder.join("cluster/postmaster.pid")).ok()?;
        let mut lines = pid_file.lines();
        let socket_folder = PathBuf::from(lines.nth(4)?);
        if lines.nth(2)?.trim() != "ready" {
            return None;
        }
        UnixStream::connect(socket_folder.join(format!(".s.PGSQL.{PORT}"))).ok()?;
        let password = fs::read_to_string(self.folder.join(password::FILE)).ok()?;
        let name = self.application_name.get().map_or(crate::store::APPLICATION, String::as_str);
        Some(Endpoint { socket_folder, password, application_name: name.to_owned() })
    }

    /// Starts a keeper and reads its messages until the server is ready or the keeper gives up.
    fn start_keeper(&self, on_phase: &dyn Fn(StartPhase)) -> Result<KeeperState, ManagedError> {
        let mut command = Command::new(&self.keeper.program);
        command
            .args(&self.keeper.arguments)
            .args([&self.folder, &self.runtime])
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        // SAFETY: setsid is async-signal-safe and touches no memory of ours.
        unsafe {
            // Its own session, so that Ctrl-C in our terminal does not stop the server that others use.
            command.pre_exec(|| rustix::process::setsid().map(drop).map_err(io::Error::from));
        }
        let mut child = command.spawn().map_err(ManagedError::spawn)?;
        let lines = BufReader::new(child.stdout.take().expect("stdout is a pipe")).lines();
        let mut outcome = None;
        for line in lines.map_while(Result::ok) {
            match line.split_once(' ').unwrap_or((&line, "")) {
                ("creating", _) => on_phase(StartPhase::Creating),
                ("starting", _) => on_phase(StartPhase::Starting),
                ("ready", _) => outcome = Some(Ok(KeeperState::Ready)),
                ("busy", _) => outcome = Some(Ok(KeeperState::Busy)),
                ("damaged", why) => outcome = Some(Err(ManagedError::Damaged(why.to_owned()))),
                ("failed", why) => outcome = Some(Err(ManagedError::Keeper(why.to_owned()))),
                _ => {}
            }
            if outcome.is_some() {
                break;
            }
        }
        // The keeper runs on. If it ends before this process, it has to be reaped.
        std::thread::Builder::new()
            .stack_size(WAIT_THREAD_STACK)
            .spawn(move || child.wait())
            .map_err(ManagedError::spawn)?;
        // A keeper that was killed before it reported anything: the caller starts another.
        outcome.unwrap_or(Ok(KeeperState::Busy))
    }
}

#[derive(Debug, PartialEq, Eq)]
enum KeeperState {
    Ready,
    Busy,
}

/// Opens a lock file that only its owner can read; creates it if missing.
fn open_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o600).open(path)
}

/// Writes `text` to a file that only its owner can read, and syncs it to disk.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_start_names_the_lack_of_memory() {
        // The error of the system if memory is too short for a thread or process.
        let message = ManagedError::spawn(io::Error::from_raw_os_error(libc::EAGAIN)).to_string();
        assert!(message.contains("not enough memory"), "{message}");
        let message = ManagedError::spawn(io::Error::from_raw_os_error(libc::ENOENT)).to_string();
        assert!(message.contains("No such file"), "{message}");
    }
}
