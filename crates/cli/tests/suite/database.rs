//! `meetmemo database …`: figures, a blocked statement, maintenance and the password, also when the program is stopped or
//! killed meanwhile.

use crate::common::{DEADLINE, MeetMemo, Said, silence, start, until, write_wav};
use serde_json::Value;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use testing::{Prerequisite, Signal};

/// The search path with `psql` and `pg_dump` of the server's version or a later one first. `None`, and the test is
/// skipped, if there are none.
pub(crate) fn with_postgres_tools() -> Option<OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let made = store::testing::target_folder().join("test-tools/postgres-client/bin");
    let folders: Vec<PathBuf> = std::iter::once(made).chain(std::env::split_paths(&path)).collect();
    let path = std::env::join_paths(folders).unwrap();
    let told = Command::new("pg_dump").arg("--version").env("PATH", &path).output();
    let version = told.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    // `pg_dump (PostgreSQL) 18.6`; the private server has 16.
    let major =
        version.split_whitespace().nth(2).and_then(|number| number.split('.').next()?.parse::<u32>().ok());
    if major.is_some_and(|major| major >= 16) {
        return Some(path);
    }
    Prerequisite::PostgresTools.skip();
    None
}

/// Skips the test if the tests use a configured server.
macro_rules! only_private {
    () => {
        if std::env::var_os("MEETMEMO_TEST_DATABASE_URL").is_some() {
            return testing::Prerequisite::PrivateServer.skip();
        }
    };
}
pub(crate) use only_private;

/// Imports a recording without speech, which nobody transcribes.
fn import(app: &MeetMemo, name: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    write_wav(&path, &silence(1.0));
    app.import(&path)
}

fn psql(app: &MeetMemo, sql: &str) -> String {
    let said = app.run(&["database", "run", "--", "psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-c", sql]);
    assert_eq!(said.code, 0, "{sql}: {}", said.err);
    said.out.trim().to_owned()
}

/// A program that is killed when dropped, so that nothing is left of a failed test.
struct Running(Child);

impl Running {
    fn wait(&mut self) -> std::process::ExitStatus {
        self.0.wait().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Another program that holds a lock on `jobs`.
fn hold_jobs(app: &MeetMemo) -> Running {
    let sql = "BEGIN; LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(120)";
    let holder = Running(app.spawn(&["database", "run", "--", "psql", "-X", "-c", sql]));
    until("the lock is held", || {
        let activity = app.json(&["database", "activity"]);
        running(&activity)
            .iter()
            .any(|one| one["application"] == "psql" && one["waits_for"] == "Timeout: PgSleep")
    });
    holder
}

fn running(activity: &Value) -> &[Value] {
    activity["running"].as_array().unwrap()
}

fn blocked(app: &MeetMemo) -> Value {
    let mut found = Value::Null;
    until("a statement waits", || {
        found = app.json(&["database", "locks"])["blocked"][0].clone();
        !found.is_null()
    });
    found
}

#[test]
fn every_figure_is_printed_with_its_meaning() {
    let app = MeetMemo::new();
    import(&app, "one.wav");
    app.json(&["database", "analyze"]);
    let status = app.json(&["database", "status"]);
    assert!(status["size_bytes"].as_f64().unwrap() > 1e6 && status["migrations_pending"] == 0, "{status}");
    assert_eq!((&status["pool"]["min_size"], &status["pool"]["max_size"]), (&5.into(), &20.into()));
    let text = app.run(&["database", "status"]).out;
    let figures = status["figures"].as_array().unwrap();
    assert!(figures.len() >= 12, "{figures:?}");
    for figure in figures {
        let (label, meaning) = (figure["label"].as_str().unwrap(), figure["meaning"].as_str().unwrap());
        assert!(meaning.ends_with('.') && text.contains(label) && text.contains(meaning), "{label}: {text}");
    }
    let tables = app.json(&["database", "tables"]);
    let jobs = tables["tables"].as_array().unwrap().iter().find(|table| table["name"] == "jobs").unwrap();
    assert_eq!(jobs["live_rows"], 1.0, "{jobs}");
    assert!(jobs["last_analyze"].is_string());
    for (list, rows) in
        [("tables", "jobs"), ("indexes", "idx_jobs_status"), ("activity", "idle"), ("locks", "Nobody waits")]
    {
        let view = app.json(&["database", list]);
        let text = app.run(&["database", list]);
        assert!(text.code == 0 && text.out.contains(rows), "{list}: {}", text.out);
        for column in view["columns"].as_array().unwrap() {
            assert!(text.out.contains(column["meaning"].as_str().unwrap()), "{list}: {}", text.out);
        }
    }
    let steps = app.json(&["database", "migrations"]);
    assert!(steps["message"].as_str().unwrap().starts_with("all "), "{steps}");
    assert_eq!(steps["steps"][0]["name"], "2026-11-22-000001_contract");
    assert!(app.run(&["database", "migrations"]).out.contains("2026-11-22-000001_contract"));
    let database = app.json(&["doctor"]);
    let database = database.as_array().unwrap().iter().find(|check| check["check"] == "database").unwrap();
    let version = status["version"].as_str().unwrap();
    assert!(database["message"].as_str().unwrap().contains(&format!("PostgreSQL {version}")), "{database}");
    assert_eq!(database["state"], "ok");
}

#[test]
fn the_log_and_slow_statements_of_the_private_server_are_shown() {
    only_private!();
    let Some(path) = with_postgres_tools() else { return };
    let app = MeetMemo::new().with("PATH", path).with("MEETMEMO_SLOW_QUERY_MS", "100");
    psql(&app, "SELECT pg_sleep(0.2)");
    let slow = app.json(&["database", "slow"]);
    assert_eq!((&slow["source"], &slow["limit_ms"]), (&"log".into(), &100.into()));
    let statements = slow["statements"].as_array().unwrap();
    let sleep =
        statements.iter().find(|one| one["application"] == "psql").unwrap_or_else(|| panic!("{slow}"));
    assert!(sleep["duration_ms"].as_f64().unwrap() >= 200.0 && sleep["statement"] == "SELECT pg_sleep(0.2)");
    assert!(app.run(&["database", "slow"]).out.contains("pg_sleep"));
    let log = app.json(&["database", "logs", "--lines", "3"]);
    assert_eq!(log["lines"].as_array().unwrap().len(), 3, "{log}");
    assert!(log["path"].as_str().unwrap().ends_with("postgres.log"));
    let why = app.run(&["list", "--limit", "1"]);
    assert_eq!(why.code, 0);
    let wrong = MeetMemo::new().with("MEETMEMO_SLOW_QUERY_MS", "0");
    assert!(wrong.refused(&["list"]).contains("slow_query_ms (0) must be between 1 and 3600000"));
}

#[test]
fn a_server_of_the_user_keeps_its_password_and_its_log() {
    // Without a server for the tests, the private one of another data folder serves as one of the user.
    let server = MeetMemo::new();
    let mut kept =
        Running(server.command(&["database", "run", "--", "cat"]).stdin(Stdio::piped()).spawn().unwrap());
    let app = if std::env::var_os("MEETMEMO_TEST_DATABASE_URL").is_some() {
        MeetMemo::new()
    } else {
        let told = server.run(&["database", "run", "--", "sh", "-c", "echo $PGPASSWORD@$PGHOST/$PGDATABASE"]);
        let (password, host) = told.out.trim().split_once('@').unwrap();
        let (folder, name) = host.rsplit_once('/').unwrap();
        let folder = folder.replace('/', "%2F");
        let address = format!("postgresql://meetmemo:{password}@{folder}/{name}");
        MeetMemo::new().with("MEETMEMO_DATABASE_URL", address)
    };
    assert!(app.refused(&["database", "password"]).contains("its private server only"));
    let log = app.run(&["database", "logs"]);
    assert!(log.code == 0 && log.err.contains("its administrator knows where"), "{}", log.err);
    let slow = app.json(&["database", "slow"]);
    assert!(["none", "pg_stat_statements"].contains(&slow["source"].as_str().unwrap()), "{slow}");
    assert_eq!(app.json(&["database", "status"])["private"], false);
    drop(kept.0.stdin.take());
    kept.wait();
}

#[test]
fn ending_the_connection_that_blocks_others_lets_them_go_on() {
    let Some(path) = with_postgres_tools() else { return };
    let app = MeetMemo::new().with("PATH", path);
    let job = import(&app, "one.wav");
    let mut holder = hold_jobs(&app);
    let waiting =
        app.command(&["list", "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let found = blocked(&app);
    assert_eq!((&found["application"], &found["blocking_application"]), (&"meetmemo".into(), &"psql".into()));
    assert_eq!((&found["locked"], &found["blocking_state"]), (&"jobs".into(), &"active".into()));
    let text = app.run(&["database", "locks"]).out;
    assert!(text.contains("psql") && text.contains("meetmemo database end PID"), "{text}");
    let pid = found["blocked_by"].to_string();
    let ended = app.json(&["database", "end", &pid]);
    assert!(ended["ended"] == true && ended["message"].as_str().unwrap().contains("rolled back"), "{ended}");
    assert!(!holder.wait().success());
    let listed: Said = waiting.wait_with_output().unwrap().into();
    assert_eq!(listed.json()[0]["id"], job.as_str());
    let why = app.refused(&["database", "end", &pid]);
    assert!(why.contains(&format!("There is no connection {pid}")), "{why}");
}

#[test]
fn ctrl_c_cancels_a_running_vacuum_on_the_server() {
    let Some(path) = with_postgres_tools() else { return };
    let app = MeetMemo::new().with("PATH", path);
    let why = app.run(&["database", "vacuum", "--full"]);
    assert_eq!(why.code, 1);
    assert!(why.err.contains("nobody can read or change it") && why.err.contains("add --yes"), "{}", why.err);
    let mut holder = hold_jobs(&app);
    let vacuum = app
        .command(&["--json", "database", "vacuum", "--full", "--yes"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let found = blocked(&app);
    assert_eq!(found["application"], "meetmemo database");
    testing::signal(vacuum.id().cast_signed(), Signal::INT);
    let said: Said = vacuum.wait_with_output().unwrap().into();
    assert_eq!((said.code, &said.json()["stopped"]), (1, &true.into()), "{}", said.err);
    assert!(said.err.contains("jobs ("), "it says which table it works on: {}", said.err);
    assert_eq!(app.json(&["database", "locks"])["blocked"], Value::Array(Vec::new()));
    app.json(&["database", "end", &found["blocked_by"].to_string()]);
    holder.wait();
    for arguments in
        [&["database", "vacuum", "--full", "--yes"][..], &["database", "vacuum"], &["database", "reindex"]]
    {
        let done = app.json(arguments);
        assert!(
            done["stopped"] == false && done["tables"].as_array().unwrap().len() > 10,
            "{arguments:?}: {done}"
        );
    }
}

#[test]
fn no_row_is_lost_when_vacuum_full_is_killed() {
    only_private!();
    let Some(path) = with_postgres_tools() else { return };
    let app = MeetMemo::new().with("PATH", path);
    import(&app, "one.wav");
    psql(
        &app,
        "INSERT INTO people (id, name) SELECT gen_random_uuid(), repeat(md5(n::text), 8) FROM generate_series(1, 40000) n",
    );
    let fingerprint = "SELECT count(*) || ' ' || md5(string_agg(id || name, ',' ORDER BY id)) FROM people";
    let before = psql(&app, fingerprint);
    let mut killed = 0;
    for delay in [0, 20, 60, 120, 200, 300] {
        // Alone: its death also ends the server. The delay counts from the first table.
        let mut vacuum = app
            .command(&["database", "vacuum", "--full", "--yes"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = std::io::BufRead::lines(std::io::BufReader::new(vacuum.stderr.take().unwrap()));
        lines.find(|line| line.as_ref().unwrap().contains("] people (")).unwrap().unwrap();
        std::thread::sleep(Duration::from_millis(delay));
        killed += u32::from(vacuum.try_wait().unwrap().is_none());
        vacuum.kill().unwrap();
        vacuum.wait().unwrap();
        assert_eq!(psql(&app, fingerprint), before, "after {delay} ms");
    }
    assert!(killed > 0, "at least one was killed before it had ended");
    app.json(&["database", "vacuum", "--full", "--yes"]);
    assert_eq!(psql(&app, fingerprint), before);
}

#[test]
fn the_archive_opens_whenever_a_change_of_its_password_is_killed() {
    only_private!();
    let app = MeetMemo::new();
    let job = import(&app, "one.wav");
    let file = app.data().join("database/password");
    let first = std::fs::read_to_string(&file).unwrap();
    let said = app.run(&["database", "password", "--generate"]);
    assert!(said.code == 0 && said.out.contains("has a new password"), "{} {}", said.out, said.err);
    assert_ne!(std::fs::read_to_string(&file).unwrap(), first);
    // How long one takes, from start to end.
    let began = Instant::now();
    app.json(&["database", "password"]);
    let whole = began.elapsed();
    assert!(whole < DEADLINE);
    // One client stays, as an open window does; its server is not restarted meanwhile.
    // `cat` ends with its input, so nothing is left when the test fails.
    let mut window = app
        .command(&["database", "run", "--", "cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    app.json(&["list"]);
    let steps = 20;
    for step in 0..steps {
        let mut change = start(&mut app.command(&["database", "password"]));
        std::thread::sleep(whole * step / steps);
        change.kill().unwrap();
        change.wait().unwrap();
        assert_eq!(app.json(&["list"])[0]["id"], job.as_str(), "killed at step {step}");
    }
    drop(window.stdin.take());
    window.wait().unwrap();
    app.wait_until_nothing_runs();
    app.json(&["database", "password"]);
    assert!(!app.data().join("database/password.new").exists());
    assert_eq!(app.json(&["list"])[0]["id"], job.as_str());
}
