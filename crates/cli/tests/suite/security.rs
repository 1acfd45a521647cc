//! What a second user of the computer can see: nothing. And that passwords are in no place where they do not belong.

use crate::common::{DEADLINE, MeetMemo, silence, speech, until, write_wav};
use rustix::process::geteuid;
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Instant;
use testing::Prerequisite;

/// The user and group id of a stranger: of no account, so neither of the server's.
const STRANGER: u32 = 61_002;

/// Runs `attempt` with the rights of another user of this computer. Rights belong to threads; this one ends afterwards.
fn as_stranger<T: Send>(attempt: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let (user, group) = (rustix::fs::Uid::from_raw(STRANGER), rustix::fs::Gid::from_raw(STRANGER));
            set_thread_groups(&[]).unwrap();
            set_thread_res_gid(group, group, group).unwrap();
            set_thread_res_uid(user, user, user).unwrap();
            attempt()
        });
        thread.join().unwrap()
    })
}

/// A running worker of a data folder, with which its private server runs.
struct Running<'a> {
    app: &'a MeetMemo,
    worker: Child,
}

impl Running<'_> {
    fn start(app: &MeetMemo) -> Running<'_> {
        // The server of an earlier command looks ready until it ends, and then refuses connections.
        app.wait_until_nothing_runs();
        let worker = app.spawn(&["worker"]);
        until("the private server runs", || socket(app).is_some_and(|path| path.exists()));
        Running { app, worker }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        testing::signal(self.worker.id().cast_signed(), testing::Signal::TERM);
        let _ = self.worker.wait();
        self.app.wait_until_nothing_runs();
    }
}

/// The socket of the private server, once it accepts connections.
fn socket(app: &MeetMemo) -> Option<PathBuf> {
    let pid_file = fs::read_to_string(app.data().join("database/cluster/postmaster.pid")).ok()?;
    let mut lines = pid_file.lines();
    let folder = lines.nth(4)?;
    if lines.nth(2)?.trim() != "ready" {
        return None;
    }
    Some(Path::new(folder).join(".s.PGSQL.5432"))
}

/// All files and folders below `folder`, and itself.
fn everything_in(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    let mut next = 0;
    while let Some(path) = found.get(next) {
        next += 1;
        // A file of the server may be gone by now.
        let Ok(metadata) = fs::symlink_metadata(path) else { continue };
        if metadata.is_dir() {
            found.extend(fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path()));
        }
    }
    found
}

/// Paths that this thread can read, list, change or connect to.
fn open_to_this_thread(paths: &[PathBuf]) -> Vec<PathBuf> {
    let is_open = |path: &&PathBuf| {
        let readable = match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.file_type().is_socket() => UnixStream::connect(path).is_ok(),
            Ok(metadata) if metadata.is_dir() => fs::read_dir(path).is_ok(),
            _ => File::open(path).is_ok(),
        };
        readable || OpenOptions::new().append(true).open(path).is_ok()
    };
    paths.iter().filter(is_open).cloned().collect()
}

/// A data folder with a recording, an export and everything else that a user has.
fn filled() -> (MeetMemo, String) {
    let app = MeetMemo::new();
    let recording = app.data().join("meeting.wav");
    write_wav(&recording, &silence(2.0));
    let job = app.import(&recording);
    fs::remove_file(recording).unwrap();
    (app, job)
}

#[test]
fn another_user_can_neither_connect_nor_read_a_file() {
    if !geteuid().is_root() {
        return Prerequisite::Root.skip();
    }
    if std::env::var_os("MEETMEMO_TEST_DATABASE_URL").is_some() {
        return Prerequisite::PrivateServer.skip();
    }
    let (app, _) = filled();
    // As MeetMemo makes the folder; the test made this one.
    fs::set_permissions(app.data(), fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(app.data().join("database-password"), "h:5432:d:u:secret\n").unwrap();
    fs::set_permissions(app.data().join("database-password"), fs::Permissions::from_mode(0o600)).unwrap();
    let _running = Running::start(&app);
    let socket = socket(&app).unwrap();
    let mut paths = everything_in(app.data());
    paths.extend([socket.parent().unwrap().to_owned(), socket.clone()]);
    for expected in ["settings.toml", "database/password", "database/cluster/PG_VERSION", "logs/meetmemo.log"]
    {
        assert!(paths.contains(&app.data().join(expected)), "{expected} is among what is tried");
    }

    // The attempts themselves work: we can, and a stranger can read what is open to all.
    let open_to_us =
        open_to_this_thread(&[app.data().to_owned(), app.data().join("settings.toml"), socket.clone()]);
    assert_eq!(open_to_us.len(), 3, "{open_to_us:?}");
    let public = tempfile::tempdir().unwrap();
    fs::set_permissions(public.path(), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(as_stranger(|| open_to_this_thread(&[public.path().to_owned()])).len(), 1);

    assert_eq!(as_stranger(|| open_to_this_thread(&paths)), Vec::<PathBuf>::new());
    let refused = as_stranger(|| UnixStream::connect(&socket)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::PermissionDenied);

    // Also if the user opens the data folder by mistake: what is in it has rights of its own.
    fs::set_permissions(app.data(), fs::Permissions::from_mode(0o755)).unwrap();
    let open = as_stranger(|| open_to_this_thread(&paths));
    let with_content: Vec<_> = open
        .iter()
        .filter(|path| {
            *path != app.data() && fs::metadata(path).is_ok_and(|found| found.is_dir() || found.len() > 0)
        })
        .collect();
    assert!(with_content.is_empty(), "{with_content:?}");
}

/// Asks the server on `socket` to sign `user` in without a password; returns the kind of its answer and the code.
fn sign_in(socket: &Path, user: &str) -> (u8, u32) {
    let mut stream = UnixStream::connect(socket).unwrap();
    let mut message = vec![0, 3, 0, 0];
    for text in ["user", user, "database", "meetmemo", ""] {
        message.extend(text.as_bytes());
        message.push(0);
    }
    let length = u32::try_from(message.len() + 4).unwrap();
    stream.write_all(&[&length.to_be_bytes()[..], &message].concat()).unwrap();
    let mut answer = [0; 9];
    stream.read_exact(&mut answer).unwrap();
    (answer[0], u32::from_be_bytes(answer[5..].try_into().unwrap()))
}

#[test]
fn the_private_server_asks_even_its_owner_for_a_password() {
    if std::env::var_os("MEETMEMO_TEST_DATABASE_URL").is_some() {
        return Prerequisite::PrivateServer.skip();
    }
    let (app, _) = filled();
    let _running = Running::start(&app);
    let socket = socket(&app).unwrap();
    assert_eq!(fs::metadata(socket.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    for user in ["meetmemo", "postgres", "root"] {
        // AuthenticationSASL: scram-sha-256.
        assert_eq!(sign_in(&socket, user), (b'R', 10), "{user}");
    }
    let access = fs::read_to_string(app.data().join("database/cluster/pg_hba.conf")).unwrap();
    let lines = access.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    for line in lines {
        assert!(line.ends_with("scram-sha-256"), "{line}");
    }
}

/// Calls `look` on each process of the data folder, and repeats until `child` has ended.
fn watch(app: &MeetMemo, child: &mut Child, mut look: impl FnMut(&Path)) -> usize {
    let end = Instant::now() + DEADLINE;
    let mut seen = std::collections::HashSet::new();
    loop {
        let has_ended = child.try_wait().unwrap().is_some();
        for process in app.processes() {
            seen.insert(process);
            look(&PathBuf::from(format!("/proc/{process}")));
        }
        if has_ended {
            return seen.len();
        }
        assert!(Instant::now() < end, "the command does not end");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// Whether a file contains `secret`. A file that is gone does not.
fn contains(path: &Path, secret: &str) -> bool {
    let content = fs::read(path).unwrap_or_default();
    content.windows(secret.len()).any(|window| window == secret.as_bytes())
}

fn assert_not_in_processes(app: &MeetMemo, child: &mut Child, secret: &str) {
    let seen = watch(app, child, |process| {
        for file in ["cmdline", "environ"] {
            assert!(!contains(&process.join(file), secret), "{}/{file} has the password", process.display());
        }
    });
    assert!(seen >= 2, "a worker and the processes that it starts were seen");
}

fn assert_not_in_logs(app: &MeetMemo, secret: &str) {
    let mut logs = everything_in(&app.data().join("logs"));
    logs.push(app.data().join("database/postgres.log"));
    for log in logs {
        assert!(!contains(&log, secret), "{} has the password", log.display());
    }
}

#[test]
fn the_private_servers_password_is_in_no_process_and_no_log() {
    if std::env::var_os("MEETMEMO_TEST_DATABASE_URL").is_some() {
        return Prerequisite::PrivateServer.skip();
    }
    let app = MeetMemo::new().with("MEETMEMO_LOG", "trace").with("RUST_BACKTRACE", "full");
    let recording = app.data().join("meeting.wav");
    write_wav(&recording, &speech(3));
    app.import(&recording);
    let secret = fs::read_to_string(app.data().join("database/password")).unwrap();
    assert!(secret.len() >= 32, "long enough not to be found by chance");
    assert_not_in_processes(&app, &mut app.spawn(&["worker", "--drain"]), &secret);
    assert!(
        contains(&app.data().join("logs/meetmemo.log"), "DEBUG"),
        "the log has everything that can be logged"
    );
    assert_not_in_logs(&app, &secret);
    for command in [&["list"][..], &["--json", "doctor"], &["--json", "database", "test"]] {
        let said = app.run(command);
        assert!(!said.out.contains(&secret) && !said.err.contains(&secret), "{command:?}");
    }
    app.wait_until_nothing_runs();
}

#[test]
fn an_engine_process_gets_no_address_of_a_database_and_no_password() {
    let server = crate::external::Configured::new();
    let app = MeetMemo::new();
    let file = app.data().join("the password");
    fs::write(&file, &server.password).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let command = |arguments: &[&str]| {
        let mut command = server.command(&app, arguments);
        command.env("MEETMEMO_DATABASE_URL", &server.address).env("MEETMEMO_DATABASE_PASSWORD_FILE", &file);
        command.env("DATABASE_URL", "postgresql://anna:secret-of-another@localhost/meetings");
        command.env("PGPASSWORD", &server.password);
        command
    };
    let recording = app.data().join("meeting.wav");
    write_wav(&recording, &speech(3));
    assert!(command(&["import", recording.to_str().unwrap()]).status().unwrap().success());
    let mut worker = crate::common::start(&mut command(&["worker", "--drain"]));
    let mut engines = 0;
    watch(&app, &mut worker, |process| {
        let line = fs::read(process.join("cmdline")).unwrap_or_default();
        if !line.split(|byte| *byte == 0).any(|word| word == b"engine") {
            return;
        }
        let environment = fs::read(process.join("environ")).unwrap_or_default();
        let holds = |text: &str| environment.windows(text.len()).any(|window| window == text.as_bytes());
        // Empty while the process starts and when it has ended.
        engines += u32::from(holds("PATH="));
        let of_server = [server.address.as_str(), server.password.as_str(), file.to_str().unwrap()];
        for secret in ["DATABASE", "PGPASSWORD", "secret-of-another"].into_iter().chain(of_server) {
            assert!(!holds(secret), "an engine process has {secret}");
        }
    });
    assert!(engines > 0, "an engine process was seen");
}

#[test]
fn a_configured_servers_password_is_in_no_process_no_log_and_no_message() {
    let server = crate::external::Configured::new();
    let app = MeetMemo::new();
    let file = app.data().join("the password");
    fs::write(&file, &server.password).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    server.write_settings(&app);
    let command = |arguments: &[&str]| {
        let mut command = server.command(&app, arguments);
        command.env("MEETMEMO_DATABASE_PASSWORD_FILE", &file).env("MEETMEMO_LOG", "trace");
        command.env("RUST_BACKTRACE", "full");
        command
    };
    let recording = app.data().join("meeting.wav");
    write_wav(&recording, &speech(3));
    let said = command(&["import", recording.to_str().unwrap()]).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let mut worker = crate::common::start(&mut command(&["worker", "--drain"]));
    assert_not_in_processes(&app, &mut worker, &server.password);
    assert_not_in_logs(&app, &server.password);
    for arguments in [&["--json", "doctor"][..], &["--json", "database", "test"], &["database", "test"]] {
        let said = command(arguments).output().unwrap();
        let shown = String::from_utf8_lossy(&[said.stdout, said.stderr].concat()).into_owned();
        assert!(!shown.contains(&server.password), "{arguments:?}: {shown}");
    }
    assert!(!contains(&app.data().join("settings.toml"), &server.password));
    app.wait_until_nothing_runs();
}
