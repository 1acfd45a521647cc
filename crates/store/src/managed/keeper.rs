//! The hidden mode `database-server`: keeps one PostgreSQL server alive while anybody uses it.
//!
//! Speaks one line per event to whoever started it (`creating`, `starting`, `ready`, `busy`, `failed WHY`), then goes
//! silent. Holds no database connection.

use super::{PORT, ROLE, account, open_lock, socket, write_private};
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{
    Pid, Resource, Rlimit, Signal, geteuid, getpid, getppid, getrlimit, kill_process, kill_process_group,
    set_parent_process_death_signal, setrlimit, setsid,
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

/// A fresh cluster takes 40 MB, its write-ahead log 16 MB more; the rest is room for the first recordings' words.
const ROOM_FOR_CLUSTER: u64 = 100 << 20;
/// Files that the server may have open: with fewer it does not start, or ends in the middle of it.
const FEWEST_FILES: u64 = 256;
/// What is asked for where the system lets us: as many as a session usually has.
const USUAL_FILES: u64 = 1024;
/// Why a start was given up. Nobody reads it: whoever asked for the server has gone.
const NOBODY_LEFT: &str = "Nobody waits for the database any more.";
/// PostgreSQL's log starts anew at this size, once per start of the server.
const LONGEST_LOG: u64 = 4 << 20;

/// Runs the keeper; `arguments` are the cluster's folder and PostgreSQL's installation. Must be called first thing in
/// `main`, on the main thread: the server is told of our death by the thread that started it, and changing the account
/// needs a process with one thread.
pub fn keep(arguments: &[OsString]) -> ExitCode {
    let [folder, runtime] = arguments else {
        report("failed the database keeper was started with wrong arguments");
        return ExitCode::from(2);
    };
    match keep_server(Path::new(folder), Path::new(runtime)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            report(&format!("failed {}", why.replace('\n', " ")));
            ExitCode::FAILURE
        }
    }
}

/// The starter may be gone; nobody is left to be told that a line could not be written.
fn report(line: &str) {
    let mut out = io::stdout();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

fn keep_server(folder: &Path, runtime: &Path) -> Result<(), String> {
    let in_folder = |error: io::Error| describe(&error, folder);
    enough_files()?;
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
    let account = account::to_run_as(&cluster).map_err(in_folder)?;
    let log = open_log(&folder.join("postgres.log")).map_err(in_folder)?;
    let owners = [Some(geteuid().as_raw()), account.map(|a| a.uid)];
    let owners: Vec<u32> = owners.into_iter().flatten().collect();
    let sockets = socket::folder_for(folder, &owners)
        .map_err(|error| format!("No private folder for the database's socket could be made: {error}."))?;

    let new = folder.join("cluster.new");
    let creating = !cluster.join("PG_VERSION").exists();
    if creating {
        // Whatever is there was cut short: only the rename at the end makes a cluster.
        remove_folder(&new).map_err(in_folder)?;
        write_private(&folder.join("password"), &random_password().map_err(in_folder)?).map_err(in_folder)?;
        enough_room(folder)?;
        fs::create_dir(&new).map_err(in_folder)?;
    } else if !folder.join("password").exists() {
        return Err(format!(
            "The archive's password file {} is missing. Put it back from a copy of the data folder.",
            folder.join("password").display()
        ));
    }
    if let Some(account) = account {
        for path in [&cluster, &new, &sockets] {
            account::give(path, account).map_err(in_folder)?;
        }
        let passes = account::become_account(account).map_err(in_folder)?;
        for (passes, path) in [(passes.files, folder), (passes.programs, runtime)] {
            if !passes && let Some(closed) = account::closed_folder(path) {
                return Err(closed_sentence(&closed));
            }
        }
    }
    if creating {
        report("creating");
        create(&new, folder, runtime, &lock, &clients, &log)?;
        fs::rename(&new, &cluster).and_then(|()| File::open(folder)?.sync_all()).map_err(in_folder)?;
    }

    report("starting");
    // We hold the lock that every process of a server holds, so these are left-overs of a dead one. PostgreSQL itself
    // would refuse to start where the pid in them has been given to somebody else since.
    remove_file(&cluster.join("postmaster.pid")).map_err(in_folder)?;
    for entry in fs::read_dir(&sockets).map_err(in_folder)? {
        remove_file(&entry.map_err(in_folder)?.path()).map_err(in_folder)?;
    }
    let server = start(&cluster, &sockets, runtime, &lock, &log)?;
    let server = wait_until_ready(server, &cluster, &folder.join("postgres.log"), &clients)?;
    report("ready");
    silence_stdout();
    keep_while_used(server, &clients, sockets);
    Ok(())
}

/// Returns after the server has ended: by itself, or because the last client has gone.
fn keep_while_used(mut server: Child, clients: &File, sockets: PathBuf) {
    let pid = pid_of(&server);
    let watcher = std::thread::spawn(move || {
        let _ = server.wait();
        // Empty after an orderly stop. We still hold the cluster's lock, so that no other keeper is about to use it.
        let _ = fs::remove_dir(sockets);
        // Without a server there is nothing to keep; clients start another keeper.
        std::process::exit(0);
    });
    if clients.lock().is_ok() {
        signal(pid, Signal::INT);
        std::thread::sleep(Duration::from_secs(10));
        // A fast stop takes 0.2 s. What has not ended by now is stuck: stop at once and recover at the next start.
        signal(pid, Signal::QUIT);
    }
    let _ = watcher.join();
}

fn pid_of(child: &Child) -> Option<Pid> {
    Pid::from_raw(child.id().cast_signed())
}

/// The child is not reaped before, so the id is still its own. A child that has ended needs no signal.
fn signal(child: Option<Pid>, signal: Signal) {
    if let Some(child) = child {
        let _ = kill_process(child, signal);
    }
}

fn create(
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
        .arg(folder.join("password"))
        .args(["--username", ROLE, "--auth", "scram-sha-256", "--encoding", "UTF8", "--data-checksums"])
        // LC_CTYPE must be UTF-8 or lower() and trigrams lose every letter beyond ASCII; ICU sorts as people expect.
        .args(["--locale-provider", "icu", "--icu-locale", "und", "--locale", "C.UTF-8"])
        .stdout(Stdio::null())
        // Not a pipe: nobody reads it before `initdb` ends, and `initdb` would stop when the pipe is full.
        .stderr(log.try_clone().map_err(|error| describe(&error, folder))?)
        .spawn()
        .map_err(|error| cannot_run(&program, &error))?;
    while initdb.try_wait().is_ok_and(|ended| ended.is_none()) {
        if clients.try_lock().is_ok() {
            // Killed with all it has started (it leads a session): it would take seconds to notice by itself.
            if let Some(session) = pid_of(&initdb) {
                let _ = kill_process_group(session, Signal::KILL);
            }
            let _ = initdb.wait();
            return Err(NOBODY_LEFT.to_owned());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    if initdb.wait().map_err(|error| describe(&error, folder))?.success() {
        return Ok(());
    }
    let log = folder.join("postgres.log");
    Err(if log_end(&log).contains("No space left on device") {
        full_disk(folder)
    } else {
        format!(
            "The database could not be created in {}; its log {} says why.",
            folder.display(),
            log.display()
        )
    })
}

fn start(cluster: &Path, sockets: &Path, runtime: &Path, lock: &File, log: &File) -> Result<Child, String> {
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
        // A client that has connected and says nothing keeps a server that stops from ending for so long. It may be
        // waiting for that very end, to start the next one.
        .args(["-c", "authentication_timeout=3s"])
        .args(["-c", "log_checkpoints=off", "-c", "log_line_prefix=%m "])
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

/// A program of PostgreSQL's: empty environment, told of our death by a fast stop, out of reach of Ctrl-C. It inherits
/// the lock: that is held for exactly as long as any of its processes lives.
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
            // Killed between fork and prctl: nobody will tell us any more.
            if getppid() != Some(parent) {
                return Err(io::Error::from(io::ErrorKind::BrokenPipe));
            }
            Ok(())
        });
    }
    command
}

fn wait_until_ready(mut server: Child, cluster: &Path, log: &Path, clients: &File) -> Result<Child, String> {
    // Recovery after a crash replays at most the write-ahead log since the last checkpoint: seconds, not minutes.
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        if let Ok(Some(_)) = server.try_wait() {
            return Err(if log_end(log).contains("No space left on device") {
                full_disk(cluster)
            } else {
                format!("The database server ended while starting; its log {} says why.", log.display())
            });
        }
        let ready = fs::read_to_string(cluster.join("postmaster.pid"))
            .is_ok_and(|s| s.lines().nth(7).is_some_and(|l| l.trim() == "ready"));
        if ready {
            return Ok(server);
        }
        if clients.try_lock().is_ok() {
            signal(pid_of(&server), Signal::INT);
            let _ = server.wait();
            return Err(NOBODY_LEFT.to_owned());
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

fn open_log(path: &Path) -> io::Result<File> {
    let long = fs::metadata(path).is_ok_and(|m| m.len() > LONGEST_LOG);
    let mut options = OpenOptions::new();
    options.create(true).mode(0o600);
    if long {
        OpenOptions::new().write(true).truncate(true).open(path)?;
    }
    options.append(true).open(path)
}

fn log_end(path: &Path) -> String {
    let text = fs::read(path).unwrap_or_default();
    String::from_utf8_lossy(&text[text.len().saturating_sub(4096)..]).into_owned()
}

fn enough_room(folder: &Path) -> Result<(), String> {
    match crate::disk::free_bytes(folder) {
        Ok(free) if free < ROOM_FOR_CLUSTER => Err(full_disk(folder)),
        // A file system that cannot tell is not a reason to refuse.
        _ => Ok(()),
    }
}

/// Raises the number of files that may be open, which the server inherits, as far as it may be raised.
fn enough_files() -> Result<(), String> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= FEWEST_FILES) {
        return Ok(());
    }
    let wanted = limit.maximum.unwrap_or(USUAL_FILES).min(USUAL_FILES);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), ..limit }).is_ok();
    if raised && wanted >= FEWEST_FILES {
        return Ok(());
    }
    Err(format!(
        "The database cannot be started: this session lets a program have only {} files open at once, and it needs {FEWEST_FILES}. Raise the limit (ulimit -n {USUAL_FILES}) and start MeetMemo again.",
        wanted
    ))
}

fn full_disk(folder: &Path) -> String {
    format!(
        "The disk that holds {} is full: the archive needs {} MB to start. Free some space, or choose another folder with --data-dir.",
        folder.display(),
        ROOM_FOR_CLUSTER >> 20
    )
}

fn describe(error: &io::Error, folder: &Path) -> String {
    if error.kind() == io::ErrorKind::StorageFull {
        full_disk(folder)
    } else {
        format!("The database folder {} cannot be used: {error}.", folder.display())
    }
}

fn cannot_run(program: &Path, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => format!(
            "MeetMemo's database program {} is missing. Install MeetMemo again; in a checkout, run `cargo xtask setup`.",
            program.display()
        ),
        io::ErrorKind::PermissionDenied => match account::closed_folder(program) {
            Some(closed) => closed_sentence(&closed),
            None => format!("MeetMemo's database program {} may not be run.", program.display()),
        },
        _ => format!("MeetMemo's database program {} cannot be run: {error}.", program.display()),
    }
}

fn closed_sentence(closed: &Path) -> String {
    format!(
        "The database server does not run as root, and the account it runs as may not enter {0}. Open that folder with `chmod o+x {0}`, or choose another data folder with --data-dir.",
        closed.display()
    )
}

/// 256 bits as hexadecimal.
fn random_password() -> io::Result<String> {
    let mut bytes = [0u8; 32];
    io::Read::read_exact(&mut File::open("/dev/urandom")?, &mut bytes)?;
    Ok(bytes.iter().map(|b| format!("{b:02x}")).collect())
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

/// From here on the starter may go; writing to its pipe would fail, and holding it open would keep the starter's own
/// reader waiting.
fn silence_stdout() {
    if let Ok(null) = OpenOptions::new().write(true).open("/dev/null") {
        let _ = rustix::stdio::dup2_stdout(null);
    }
}
