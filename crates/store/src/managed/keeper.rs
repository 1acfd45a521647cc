//! The keeper, our executable in the hidden mode `database-server`: runs the PostgreSQL server while any process uses
//! it.
//!
//! It reports to the process that started it, one line per event on standard output: `creating`, `starting`, `ready`,
//! `busy`, `damaged REASON` (a restore may set this cluster aside) or `failed REASON`. After `ready` it closes its output. It opens no database connection. If it is killed, the
//! server gets a fast stop by a parent-death signal.

use super::requirements::{disk_full_message, ensure_free_space, ensure_open_files, folder_error};
use super::{PORT, ROLE, cluster_version, open_lock, password, server_account, socket_folder, write_private};
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{
    Pid, Signal, geteuid, getpid, getppid, kill_process, kill_process_group, set_parent_process_death_signal,
    setsid,
};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// Why a start was given up. Usually not read, because the process that asked for the server is gone.
const NO_CLIENT_LEFT: &str = "No process waits for the database any more.";
/// A log of PostgreSQL larger than this, in bytes, is emptied when the server starts.
const MAX_LOG_BYTES: u64 = 4 << 20;
/// How a line of the log begins: time, process, application. `server::slow_statements` reads it.
const LOG_LINE_PREFIX: &str = "%m [%p] %a ";

/// Runs the keeper. `arguments` are the database folder and the installation of PostgreSQL. Must be called first in
/// `main`, on the main thread: the parent-death signal of the server follows the thread that started it, and changing
/// the account needs a process with a single thread.
pub fn run(arguments: &[OsString]) -> ExitCode {
    let [folder, runtime] = arguments else {
        report("failed the database keeper was started with wrong arguments");
        return ExitCode::from(2);
    };
    match run_server(Path::new(folder), Path::new(runtime)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            report(&format!("failed {}", why.replace('\n', " ")));
            ExitCode::FAILURE
        }
    }
}

/// Reports to the process that started the keeper. It may be gone, so errors are ignored.
fn report(line: &str) {
    let mut out = io::stdout();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

fn run_server(folder: &Path, runtime: &Path) -> Result<(), String> {
    let in_folder = |error: io::Error| folder_error(&error, folder);
    ensure_open_files()?;
    // Before anything in the folder is touched.
    cluster_version::ensure_same_major(&folder.join("cluster"), runtime)?;
    let lock = open_lock(&folder.join("cluster.lock")).map_err(in_folder)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            report("busy");
            return Ok(());
        }
        Err(TryLockError::Error(error)) => return Err(in_folder(error)),
    }
    let clients = open_lock(&folder.join("clients.lock")).map_err(in_folder)?;
    let cluster = folder.join("cluster");
    let account = server_account::choose(&cluster).map_err(in_folder)?;
    let log = open_log(&folder.join("postgres.log")).map_err(in_folder)?;
    let owners = [Some(geteuid().as_raw()), account.map(|a| a.uid)];
    let owners: Vec<u32> = owners.into_iter().flatten().collect();
    let sockets = socket_folder::folder_for(folder, &owners)
        .map_err(|error| format!("No private folder for the database's socket could be created: {error}."))?;

    let new = folder.join("cluster.new");
    let creating = !cluster.join("PG_VERSION").exists();
    if creating {
        // What is there comes from an interrupted attempt: a cluster is complete only after the rename below.
        remove_folder(&new).map_err(in_folder)?;
        let password = password::random().map_err(in_folder)?;
        write_private(&folder.join(password::FILE), &password).map_err(in_folder)?;
        ensure_free_space(folder)?;
        fs::create_dir(&new).map_err(in_folder)?;
    } else if !folder.join(password::FILE).exists() {
        let why = format!(
            "The archive's password file {} is missing. Put it back from a copy of the data folder, or bring the archive back with `meetmemo restore`.",
            folder.join(password::FILE).display()
        );
        report(&format!("damaged {why}"));
        return Err(why);
    }
    if let Some(account) = account {
        for path in [&cluster, &new, &sockets] {
            server_account::chown_all(path, account).map_err(in_folder)?;
        }
        let access = server_account::become_account(account).map_err(in_folder)?;
        for (accessible, path) in [(access.files, folder), (access.programs, runtime)] {
            if !accessible && let Some(closed) = server_account::closed_folder(path) {
                return Err(closed_folder_message(&closed));
            }
        }
    }
    if creating {
        report("creating");
        create_cluster(&new, folder, runtime, &lock, &clients, &log)?;
        fs::rename(&new, &cluster).and_then(|()| File::open(folder)?.sync_all()).map_err(in_folder)?;
    }

    report("starting");
    // This process holds the lock that every process of a server holds, so these files are left over from a dead
    // server. PostgreSQL would refuse to start if the pid in them now belongs to another process.
    remove_file(&cluster.join("postmaster.pid")).map_err(in_folder)?;
    for entry in fs::read_dir(&sockets).map_err(in_folder)? {
        remove_file(&entry.map_err(in_folder)?.path()).map_err(in_folder)?;
    }
    let server = start_server(&cluster, &sockets, runtime, &lock, &log)?;
    let server = wait_until_ready(server, &cluster, &folder.join("postgres.log"), &clients)?;
    report("ready");
    close_stdout();
    stop_when_unused(server, &clients, sockets);
    Ok(())
}

/// Waits until no client is left and stops the server. Exits the process when the server has ended, also by itself.
fn stop_when_unused(mut server: Child, clients: &File, sockets: PathBuf) {
    let pid = pid_of(&server);
    let watcher = std::thread::spawn(move || {
        let _ = server.wait();
        // The folder is empty after an orderly stop. No other keeper can be using it, because this one still holds the
        // lock.
        let _ = fs::remove_dir(sockets);
        // Clients that still need a server start another keeper.
        std::process::exit(0);
    });
    if clients.lock().is_ok() {
        signal(pid, Signal::INT);
        std::thread::sleep(Duration::from_secs(10));
        // A fast stop takes 0.2 s. A server that is still running is stuck: an immediate stop, with recovery at the
        // next start.
        signal(pid, Signal::QUIT);
    }
    let _ = watcher.join();
}

fn pid_of(child: &Child) -> Option<Pid> {
    Pid::from_raw(child.id().cast_signed())
}

/// Signals a child that has not been reaped, so its process id cannot belong to another process.
fn signal(child: Option<Pid>, signal: Signal) {
    if let Some(child) = child {
        let _ = kill_process(child, signal);
    }
}

/// Creates a cluster in `new` with `initdb`.
fn create_cluster(
    new: &Path,
    folder: &Path,
    runtime: &Path,
    lock: &File,
    clients: &File,
    log: &File,
) -> Result<(), String> {
    let program = runtime.join("bin/initdb");
    let mut initdb = server_command(&program, lock)
        .arg("--pgdata")
        .arg(new)
        .arg("--pwfile")
        .arg(folder.join(password::FILE))
        .args(["--username", ROLE, "--auth", "scram-sha-256", "--encoding", "UTF8", "--data-checksums"])
        // LC_CTYPE must be UTF-8, or lower() and trigrams ignore every letter beyond ASCII; ICU sorts as people expect.
        .args(["--locale-provider", "icu", "--icu-locale", "und", "--locale", "C.UTF-8"])
        .stdout(Stdio::null())
        // To the log, not a pipe: a pipe would not be read before `initdb` ends, and `initdb` would block when it is
        // full.
        .stderr(log.try_clone().map_err(|error| folder_error(&error, folder))?)
        .spawn()
        .map_err(|error| cannot_run(&program, &error))?;
    while initdb.try_wait().is_ok_and(|ended| ended.is_none()) {
        if clients.try_lock().is_ok() {
            // Killed with all processes of its session: it would take seconds to stop by itself.
            if let Some(session) = pid_of(&initdb) {
                let _ = kill_process_group(session, Signal::KILL);
            }
            let _ = initdb.wait();
            return Err(NO_CLIENT_LEFT.to_owned());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    if initdb.wait().map_err(|error| folder_error(&error, folder))?.success() {
        return Ok(());
    }
    let log = folder.join("postgres.log");
    Err(if log_end(&log).contains("No space left on device") {
        disk_full_message(folder)
    } else {
        format!(
            "The database could not be created in {}; its log {} says why.",
            folder.display(),
            log.display()
        )
    })
}

/// Starts the server.
fn start_server(
    cluster: &Path,
    sockets: &Path,
    runtime: &Path,
    lock: &File,
    log: &File,
) -> Result<Child, String> {
    let program = runtime.join("bin/postgres");
    let output = |log: &File| log.try_clone().map(Stdio::from).map_err(|e| e.to_string());
    let mut command = server_command(&program, lock);
    command
        .arg("-D")
        .arg(cluster)
        .args(["-c", "listen_addresses=", "-c", "unix_socket_permissions=0700", "-c", "max_connections=100"])
        .args([
            "-c",
            "shared_buffers=64MB",
            "-c",
            "timezone=UTC",
            "-c",
            "log_timezone=UTC",
            "-c",
            "lc_messages=C",
        ])
        // A stopping server waits this long for a client that has connected but not yet authenticated. That client may
        // itself be waiting for the server to end, to start the next one.
        .args(["-c", "authentication_timeout=3s"])
        // The statement of a killed client is cancelled; without this it would hold its locks until it has finished.
        .args(["-c", "client_connection_check_interval=2s"])
        .args(["-c", "log_checkpoints=off", "-c"])
        .arg(format!("log_line_prefix={LOG_LINE_PREFIX}"))
        // Values of statements can be words of meetings. They stay out of the log: those that are passed beside a
        // statement, and those in the details of an error.
        .args(["-c", "log_parameter_max_length=0", "-c", "log_parameter_max_length_on_error=0"])
        .args(["-c", "log_error_verbosity=terse"])
        .arg("-c")
        .arg(format!("port={PORT}"))
        .arg("-c")
        .arg({
            let mut option = OsString::from("unix_socket_directories=\"");
            option.push(sockets);
            option.push("\"");
            option
        })
        .stdout(output(log)?)
        .stderr(output(log)?);
    command.spawn().map_err(|error| cannot_run(&program, &error))
}

/// The command for a program of PostgreSQL: with an empty environment, its own session (out of reach of Ctrl-C), and a
/// fast stop if the keeper dies. It inherits the lock, which is then held as long as any of its processes lives.
fn server_command(program: &Path, lock: &File) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("LC_ALL", "C.UTF-8").env("TZ", "UTC").current_dir("/").stdin(Stdio::null());
    let parent = getpid();
    let lock = lock.as_raw_fd();
    // SAFETY: setsid, fcntl, prctl and getppid are async-signal-safe and touch no memory; the lock stays open until the
    // command has been started.
    unsafe {
        command.pre_exec(move || {
            setsid()?;
            fcntl_setfd(BorrowedFd::borrow_raw(lock), FdFlags::empty())?;
            set_parent_process_death_signal(Some(Signal::INT))?;
            // The keeper was killed between fork and prctl, so the signal will never come.
            if getppid() != Some(parent) {
                return Err(io::Error::from(io::ErrorKind::BrokenPipe));
            }
            Ok(())
        });
    }
    command
}

/// Waits until the server accepts connections; stops it if no client is left.
fn wait_until_ready(mut server: Child, cluster: &Path, log: &Path, clients: &File) -> Result<Child, String> {
    // Recovery after a crash replays at most the write-ahead log since the last checkpoint: seconds, not minutes.
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        if let Ok(Some(_)) = server.try_wait() {
            if log_end(log).contains("No space left on device") {
                return Err(disk_full_message(cluster));
            }
            let why =
                format!("The database server ended while starting; its log {} says why.", log.display());
            report(&format!("damaged {why}"));
            return Err(why);
        }
        let ready = fs::read_to_string(cluster.join("postmaster.pid"))
            .is_ok_and(|s| s.lines().nth(7).is_some_and(|l| l.trim() == "ready"));
        if ready {
            return Ok(server);
        }
        if clients.try_lock().is_ok() {
            signal(pid_of(&server), Signal::INT);
            let _ = server.wait();
            return Err(NO_CLIENT_LEFT.to_owned());
        }
        if Instant::now() >= deadline {
            signal(pid_of(&server), Signal::QUIT);
            let _ = server.wait();
            return Err(format!(
                "The database server did not get ready; its log {} says why.",
                log.display()
            ));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Opens the log for appending; empties it if it is too long.
fn open_log(path: &Path) -> io::Result<File> {
    let too_long = fs::metadata(path).is_ok_and(|m| m.len() > MAX_LOG_BYTES);
    let mut options = OpenOptions::new();
    options.create(true).mode(0o600);
    if too_long {
        OpenOptions::new().write(true).truncate(true).open(path)?;
    }
    options.append(true).open(path)
}

/// The last 4 KiB of the log.
fn log_end(path: &Path) -> String {
    let text = fs::read(path).unwrap_or_default();
    String::from_utf8_lossy(&text[text.len().saturating_sub(4096)..]).into_owned()
}

/// Why a program of PostgreSQL could not be started, as a sentence.
fn cannot_run(program: &Path, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => format!(
            "MeetMemo's database program {} is missing. Install MeetMemo again; in a checkout, run `cargo xtask setup`.",
            program.display()
        ),
        io::ErrorKind::PermissionDenied => match server_account::closed_folder(program) {
            Some(closed) => closed_folder_message(&closed),
            None => format!("MeetMemo's database program {} may not be run.", program.display()),
        },
        _ => format!("MeetMemo's database program {} cannot be run: {error}.", program.display()),
    }
}

fn closed_folder_message(closed: &Path) -> String {
    format!(
        "The database server does not run as root, and the account it runs as may not enter {0}. Open that folder with `chmod o+x {0}`, or choose another data folder with --data-dir.",
        closed.display()
    )
}

fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn remove_folder(path: &PathBuf) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Replaces standard output by `/dev/null`: the process that reads it waits for its end, and may be gone later.
fn close_stdout() {
    if let Ok(null) = OpenOptions::new().write(true).open("/dev/null") {
        let _ = rustix::stdio::dup2_stdout(null);
    }
}
