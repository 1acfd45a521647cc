//! A temporary PostgreSQL server for tests, reached over TCP with a password like a team's server.
//!
//! It uses the runtime that ships with the app, in a temporary folder, and ends with this process.

use crate::args::ExternalServer;
use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::hash_map::RandomState;
use std::fs::{self, File};
use std::hash::{BuildHasher, Hasher};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use xtask::checkout::Checkout;
use xtask::command;

/// Longest wait for the server to accept connections.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A running server.
pub(super) struct RunningServer {
    folder: PathBuf,
    child: Child,
    /// Value for `MEETMEMO_TEST_DATABASE_URL`.
    pub(super) url: String,
}

impl RunningServer {
    /// Creates and starts a server.
    pub(super) fn start(checkout: &Checkout, which: &ExternalServer) -> Result<Self> {
        let installed = match which {
            ExternalServer::OfTheApp => checkout.resources.join("postgres"),
            ExternalServer::In(folder) => folder.clone(),
        };
        let folder = std::env::temp_dir().join(format!("meetmemo-test-server-{}", std::process::id()));
        fs::create_dir(&folder).with_context(|| format!("could not create {}", folder.display()))?;
        Self::start_in(installed, &folder).inspect_err(|_| {
            // Only the first error is reported.
            let _ = fs::remove_dir_all(&folder);
        })
    }

    fn start_in(mut runtime: PathBuf, folder: &Path) -> Result<Self> {
        // PostgreSQL refuses root, and another account may not be able to reach the checkout.
        let account = Account::find()?;
        if let Some(account) = &account {
            // A copy of a system package would not find its other files.
            if !runtime.starts_with("/usr") {
                let copy = folder.join("runtime");
                command::output(Command::new("cp").arg("-r").arg(&runtime).arg(&copy))?;
                runtime = copy;
            }
            command::output(Command::new("chown").arg("-R").arg(account.owner()).arg(folder))?;
        }
        let password = format!("{:016x}", RandomState::new().build_hasher().finish());
        let (data, password_file, log) = (folder.join("data"), folder.join("password"), folder.join("log"));
        fs::write(&password_file, &password).context("could not write the password file")?;
        command::output(
            as_account(account.as_ref(), &runtime.join("bin/initdb"))
                .args(["--username=postgres", "--auth=scram-sha-256", "--no-sync", "--encoding=UTF8"])
                .args(["--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=und"])
                .args([path_option("--pwfile", &password_file), path_option("--pgdata", &data)]),
        )?;
        let port = free_port()?;
        let log_file = File::create(&log).with_context(|| format!("could not create {}", log.display()))?;
        let mut server = as_account(account.as_ref(), &runtime.join("bin/postgres"));
        server
            .arg("-D")
            .arg(&data)
            .args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="])
            // The data need not survive a crash.
            .args(["-c", "fsync=off", "-c", "max_connections=300"])
            .args(["-p", &port.to_string()])
            .stdin(Stdio::null())
            .stdout(log_file.try_clone().context("could not use the log twice")?)
            .stderr(log_file);
        let mut child =
            server.spawn().with_context(|| format!("could not start `{}`", command::shown(&server)))?;
        if let Err(error) = wait_until_ready(&mut child, &data) {
            let _ = child.kill();
            let _ = child.wait();
            let log = fs::read_to_string(&log).unwrap_or_default();
            return Err(
                error.context(format!("the test server did not start; it wrote:\n{}", log.trim_end()))
            );
        }
        let url = format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres");
        Ok(Self { folder: folder.to_path_buf(), child, url })
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        // SIGINT is PostgreSQL's fast shutdown. A server that does not end is killed; its data is not needed.
        if let Some(server) = Pid::from_raw(self.child.id().cast_signed()) {
            let _ = kill_process(server, Signal::INT);
        }
        let deadline = Instant::now() + Duration::from_secs(10);
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() > deadline {
                let _ = self.child.kill();
            }
            thread::sleep(Duration::from_millis(20));
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The account that the server runs as, if this process is root.
struct Account {
    user: String,
    group: String,
}

impl Account {
    fn find() -> Result<Option<Self>> {
        let id = |what: &str, of: &[&str]| -> Result<String> {
            Ok(command::output(Command::new("id").arg(what).args(of))?.trim().to_owned())
        };
        if id("-u", &[])? != "0" {
            return Ok(None);
        }
        if !command::on_path("setpriv") {
            bail!(
                "running as root, the test server needs setpriv (package util-linux), which is not installed"
            );
        }
        Ok(Some(Self { user: id("-u", &["nobody"])?, group: id("-g", &["nobody"])? }))
    }

    fn owner(&self) -> String {
        format!("{}:{}", self.user, self.group)
    }
}

/// A command that runs as `account` and is stopped when this process ends, however it ends.
fn as_account(account: Option<&Account>, program: &Path) -> Command {
    if !command::on_path("setpriv") {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.arg("--pdeathsig=INT");
    if let Some(account) = account {
        command.args([format!("--reuid={}", account.user), format!("--regid={}", account.group)]);
        command.arg("--clear-groups");
    }
    // The account may have no access to the current folder.
    command.arg(program).current_dir("/");
    command
}

fn path_option(name: &str, path: &Path) -> std::ffi::OsString {
    let mut option = std::ffi::OsString::from(name);
    option.push("=");
    option.push(path);
    option
}

/// A port that was free a moment ago.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on 127.0.0.1")?;
    Ok(listener.local_addr().context("a port without an address")?.port())
}

/// Waits until the last line of `postmaster.pid` is `ready`.
fn wait_until_ready(child: &mut Child, data: &Path) -> Result<()> {
    let deadline = Instant::now() + START_TIMEOUT;
    loop {
        let state = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
        if state.lines().last().is_some_and(|line| line.trim() == "ready") {
            return Ok(());
        }
        if let Some(status) = child.try_wait().context("could not check the state of the test server")? {
            bail!("it ended ({status})");
        }
        if Instant::now() > deadline {
            bail!("it was not ready after {} s", START_TIMEOUT.as_secs());
        }
        thread::sleep(Duration::from_millis(20));
    }
}
