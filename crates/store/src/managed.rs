//! The private PostgreSQL of one data folder: who starts it, how it is found, when it ends.
//!
//! A *keeper* (our own executable in a hidden mode, [`keeper::keep`]) owns the server process. Every process that
//! uses the archive holds `clients.lock` shared for as long as it lives; the keeper waits for that lock exclusively
//! and ends the server when it gets it. The kernel frees locks however a process ends, so there is nothing to hand
//! over and nothing to clean up. Leaves out SQL: what to do with a running server is the rest of this crate.
//!
//! In the folder: `cluster/` (PostgreSQL's), `cluster.lock` (held by the keeper and every process of the server),
//! `clients.lock`, `password`, `postgres.log`.

mod account;
pub mod keeper;
mod socket;

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Role that owns everything in a managed server.
pub(crate) const ROLE: &str = "meetmemo";
/// Port number in the name of the socket; no TCP port is opened.
pub(crate) const PORT: u16 = 5432;
/// Stack of a thread that waits for a process.
const STACK: usize = 64 << 10;
/// Creating a cluster takes two seconds on an ordinary disk; a slow one gets a minute.
const PATIENCE: Duration = Duration::from_secs(60);

/// What can go wrong with the private server. The text is for the user.
#[derive(Debug, thiserror::Error)]
pub enum ManagedError {
    /// A file or folder of ours could not be made, read or locked.
    #[error("the database folder {path} cannot be used: {reason}")]
    Folder {
        /// Which one.
        path: PathBuf,
        /// Why. Not called a source: its text is in ours.
        reason: io::Error,
    },
    /// Our own executable could not be started as keeper.
    #[error("the database could not be started: {0}")]
    Spawn(String),
    /// The keeper said what is wrong; a whole sentence or two.
    #[error("{0}")]
    Keeper(String),
    /// No answer within a minute.
    #[error("the database did not start within a minute; its log is {log}")]
    TimedOut {
        /// PostgreSQL's own log.
        log: PathBuf,
    },
}

impl ManagedError {
    /// Neither a process nor a thread can be had: the system says so by “try again”, which does not help.
    fn spawn(error: io::Error) -> Self {
        Self::Spawn(match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory => {
                "there is not enough memory, or too many programs run; close some, or raise the limits of this session (ulimit -v, ulimit -u)"
                    .to_owned()
            }
            _ => error.to_string(),
        })
    }
}

/// What a start is busy with; worth a line to the user because it may take seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// A new cluster is made (first start only).
    Creating,
    /// The server is starting.
    Starting,
}

/// How to run our own executable as keeper: the arguments end with the hidden mode's name.
#[derive(Debug, Clone)]
pub struct KeeperCommand {
    /// The executable.
    pub program: PathBuf,
    /// What comes before the keeper's own arguments, such as `database-server`.
    pub arguments: Vec<String>,
}

/// Where a server that is ready listens.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(crate) socket_folder: PathBuf,
    pub(crate) password: String,
}

/// Membership in the private server of one data folder. The server stays up while any process holds one.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    runtime: PathBuf,
    keeper: KeeperCommand,
    /// `clients.lock`, held shared.
    membership: File,
}

impl Cluster {
    /// Joins the server kept in `folder` (made if missing, readable by its owner only), whose programs are in
    /// `runtime` (`bin/postgres` …). Does not start anything yet; see [`Cluster::ensure_server`].
    ///
    /// # Errors
    /// [`ManagedError::Folder`] where the folder cannot be made or locked.
    pub fn join(folder: &Path, runtime: &Path, keeper: KeeperCommand) -> Result<Self, ManagedError> {
        let at = |reason| ManagedError::Folder { path: folder.to_owned(), reason };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(at)?;
        let membership = open_lock(&folder.join("clients.lock")).map_err(at)?;
        let folder = folder.canonicalize().map_err(at)?;
        let runtime = std::path::absolute(runtime).map_err(at)?;
        let cluster = Self { folder, runtime, keeper, membership };
        cluster.join_clients()?;
        Ok(cluster)
    }

    /// A keeper that is just ending its server holds the lock for the fraction of a second this takes.
    fn join_clients(&self) -> Result<(), ManagedError> {
        let at = |reason| ManagedError::Folder { path: self.folder.clone(), reason };
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.membership.try_lock_shared() {
                Ok(()) => return Ok(()),
                Err(fs::TryLockError::WouldBlock) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(fs::TryLockError::WouldBlock) => return Err(ManagedError::TimedOut { log: self.log() }),
                Err(fs::TryLockError::Error(reason)) => return Err(at(reason)),
            }
        }
    }

    /// PostgreSQL's own log.
    pub fn log(&self) -> PathBuf {
        self.folder.join("postgres.log")
    }

    /// The folder given to [`Cluster::join`].
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Finds the running server or has a keeper start it; returns once it accepts connections. Blocks.
    ///
    /// # Errors
    /// What the keeper said, or [`ManagedError::TimedOut`].
    pub(crate) fn ensure_server(&self, on_phase: &dyn Fn(Phase)) -> Result<Endpoint, ManagedError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(endpoint) = self.running() {
                return Ok(endpoint);
            }
            if Instant::now() >= deadline {
                return Err(ManagedError::TimedOut { log: self.log() });
            }
            // Another process's keeper has the cluster: it is starting, or stopping and about to make room.
            if self.start_keeper(on_phase)? == Started::Busy {
                std::thread::sleep(Duration::from_millis(30));
            }
        }
    }

    /// PostgreSQL writes the socket folder into line 5 of `postmaster.pid` and its state into line 8; the connection
    /// tells whether the file is a left-over.
    fn running(&self) -> Option<Endpoint> {
        let pid_file = fs::read_to_string(self.folder.join("cluster/postmaster.pid")).ok()?;
        let mut lines = pid_file.lines();
        let socket_folder = PathBuf::from(lines.nth(4)?);
        if lines.nth(2)?.trim() != "ready" {
            return None;
        }
        UnixStream::connect(socket_folder.join(format!(".s.PGSQL.{PORT}"))).ok()?;
        let password = fs::read_to_string(self.folder.join("password")).ok()?;
        Some(Endpoint { socket_folder, password })
    }

    fn start_keeper(&self, on_phase: &dyn Fn(Phase)) -> Result<Started, ManagedError> {
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
            // Its own session, so that Ctrl-C in our terminal does not reach the server that others use.
            command.pre_exec(|| rustix::process::setsid().map(drop).map_err(io::Error::from));
        }
        let mut child = command.spawn().map_err(ManagedError::spawn)?;
        let lines = BufReader::new(child.stdout.take().expect("stdout was asked for as a pipe")).lines();
        let mut outcome = None;
        for line in lines.map_while(Result::ok) {
            match line.split_once(' ').unwrap_or((&line, "")) {
                ("creating", _) => on_phase(Phase::Creating),
                ("starting", _) => on_phase(Phase::Starting),
                ("ready", _) => outcome = Some(Ok(Started::Ready)),
                ("busy", _) => outcome = Some(Ok(Started::Busy)),
                ("failed", why) => outcome = Some(Err(ManagedError::Keeper(why.to_owned()))),
                _ => {}
            }
            if outcome.is_some() {
                break;
            }
        }
        // The keeper outlives this call by far; somebody has to collect it when it ends before we do.
        std::thread::Builder::new()
            .stack_size(STACK)
            .spawn(move || child.wait())
            .map_err(ManagedError::spawn)?;
        // A keeper that was killed before it said anything: the next turn of the loop starts another.
        outcome.unwrap_or(Ok(Started::Busy))
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Started {
    Ready,
    Busy,
}

fn open_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o600).open(path)
}

/// Writes `text` to a new file that only its owner can read, and makes sure that it is on disk.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_without_memory_says_so() {
        // What the system answers where a thread or a process cannot be had for lack of memory.
        let said = ManagedError::spawn(io::Error::from_raw_os_error(libc::EAGAIN)).to_string();
        assert!(said.contains("not enough memory"), "{said}");
        let said = ManagedError::spawn(io::Error::from_raw_os_error(libc::ENOENT)).to_string();
        assert!(said.contains("No such file"), "{said}");
    }
}
