//! Looking after the archive: backup, restore, an ended connection, a new password; and a database that is damaged.

use crate::meetings::{find_job, job_id, job_status, open_meeting, recording};
use crate::test_app::{Helper, TestApp};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use testing::program;
use thirtyfour::prelude::*;

/// A connection that holds a lock on the meetings, as another program might.
fn blocker(app: &TestApp) -> Helper {
    let psql = program("psql").get_program().to_owned();
    let statements = "LOCK TABLE jobs IN SHARE MODE; SELECT pg_sleep(600)";
    app.start_command(&["database", "run", "--", psql.to_str().unwrap(), "--command", statements])
}

/// A terminal that gives `psql` one question and keeps its answer in this file.
fn fake_terminal(app: &mut TestApp) -> PathBuf {
    let folder = app.documents().join("programs");
    fs::create_dir(&folder).unwrap();
    let (terminal, answer) = (folder.join("x-terminal-emulator"), app.documents().join("answer"));
    let script =
        format!("#!/bin/sh\nshift\necho 'SELECT title FROM jobs;' | \"$@\" >'{}' 2>&1\n", answer.display());
    fs::write(&terminal, script).unwrap();
    fs::set_permissions(&terminal, fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    app.set_env("PATH", format!("{}:{path}", folder.display()));
    answer
}

/// A file with a passphrase that only the user can read.
fn passphrase_file(app: &TestApp) -> PathBuf {
    let file = app.documents().join("passphrase");
    fs::write(&file, "drei kleine Wörter\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    file
}

#[tokio::test]
async fn a_damaged_database_is_restored_from_an_encrypted_backup() {
    let mut app = TestApp::new();
    let (file, passphrase) = (recording(&app, "Budget.wav", 8), passphrase_file(&app));
    app.cli(&["import", "--wait", file.to_str().unwrap()]);
    let before = app.cli(&["show", &job_id(&app, "Budget.wav")]);
    let place = app.documents().join("safe");
    app.cli(&["backup", place.to_str().unwrap(), "--passphrase-file", passphrase.to_str().unwrap()]);
    app.wait_until_nothing_runs();
    let database = app.data_folder().join("database");
    let control = database.join("cluster/global/pg_control");
    let whole = fs::read(&control).unwrap();
    fs::write(&control, &whole[..100]).unwrap();

    app.open(&[]).await;
    app.wait_for_text("Your archive could not be opened").await;
    app.wait_for_text("Restore from a backup").await;
    app.screenshot("rescue-1-damaged").await;
    assert_eq!(app.accessibility_violations().await, [""; 0]);
    app.click("From a folder…").await;
    app.answer_folder_dialog("Choose a backup", &place).await;
    app.wait_for_text("is encrypted").await;
    app.screenshot("rescue-2-encrypted").await;
    assert_eq!(app.accessibility_violations().await, [""; 0]);
    app.click("Choose the file with the passphrase…").await;
    app.answer_dialog("Choose the file with the passphrase", &passphrase).await;
    app.wait_for_text("1 meeting comes back").await;
    app.screenshot("rescue-3-preview").await;
    assert_eq!(app.accessibility_violations().await, [""; 0]);
    app.click("Bring back 1 meeting").await;
    open_meeting(&app, "Budget").await;
    app.screenshot("rescue-4-restored").await;
    assert_eq!(app.cli(&["show", &job_id(&app, "Budget.wav")])["transcript"], before["transcript"]);
    let names = fs::read_dir(&database).unwrap().map(|entry| entry.unwrap().file_name());
    let kept: Vec<_> = names.filter(|name| name.to_string_lossy().starts_with("cluster.broken-")).collect();
    assert!(kept.iter().any(|name| database.join(name).join("PG_VERSION").is_file()), "{kept:?}");
    app.element("#archive-row").await.click().await.unwrap();
    app.wait_for_text("The old database is kept in").await;
    app.screenshot("rescue-5-archive").await;
    app.close().await;
}

#[tokio::test]
async fn a_meeting_is_saved_deleted_and_brought_back_and_the_database_is_looked_after() {
    let mut app = TestApp::new();
    let answer = fake_terminal(&mut app);
    app.open(&[]).await;
    app.wait_for_text("Drop recordings here").await;
    let file = recording(&app, "Budget.wav", 8);
    app.cli(&["import", file.to_str().unwrap()]);
    app.wait_for_text("Budget").await;
    app.wait_until("it is transcribed", async || job_status(&app, "Budget.wav") == "completed").await;
    let before = app.cli(&["show", &job_id(&app, "Budget.wav")]);

    // Without a backup the row in the sidebar says so; a folder is chosen, and a backup made.
    app.wait_for_text("No backup yet").await;
    app.element("#archive-row").await.click().await.unwrap();
    app.wait_for_text("Nothing is backed up yet").await;
    app.screenshot("archive-1-no-backup").await;
    assert_eq!(app.accessibility_violations().await, [""; 0]);
    let place = app.documents().join("safe");
    fs::create_dir(&place).unwrap();
    app.click("Choose a folder…").await;
    app.answer_folder_dialog("Choose a folder for backups", &place).await;
    app.wait_for_text("Back up now").await;
    app.click("Back up now").await;
    app.wait_for_text("1 meeting is backed up.").await;
    app.wait_for_text("Backed up").await;
    app.screenshot("archive-2-backed-up").await;
    assert_eq!(app.accessibility_violations().await, [""; 0]);
    assert_eq!(app.cli(&["verify", place.to_str().unwrap()])["damage"].as_array().unwrap().len(), 0);

    // The next backups are to be encrypted; then not, because the folder has others.
    let passphrase = passphrase_file(&app);
    app.click("Choose a file with a passphrase…").await;
    app.answer_dialog("Choose the file with the passphrase", &passphrase).await;
    app.wait_for_text("The next backups are encrypted with the passphrase in").await;
    app.screenshot("archive-2-encrypted").await;
    assert_eq!(app.accessibility_violations().await, [""; 0]);
    app.click("Do not encrypt").await;
    app.wait_for_text("Backups are not encrypted").await;

    // The meeting is deleted and comes back with everything in it.
    app.cli(&["delete", &job_id(&app, "Budget.wav")]);
    app.click("From the last backup").await;
    app.wait_for_text("1 meeting comes back").await;
    app.screenshot("archive-3-preview").await;
    assert_eq!(app.accessibility_violations().await, [""; 0]);
    app.click("Bring back 1 meeting").await;
    app.wait_for_text("1 meeting is back.").await;
    let after = app.cli(&["show", &job_id(&app, "Budget.wav")]);
    assert_eq!(after["transcript"], before["transcript"]);
    app.screenshot("archive-4-restored").await;

    // Clean-up shows what would go; nothing does.
    app.element("#archive-tabs-cleanup").await.scroll_into_view().await.unwrap();
    app.click("Clean-up").await;
    app.wait_for_text("Nothing is due.").await;
    app.screenshot("archive-5-clean-up").await;
    assert_eq!(app.accessibility_violations().await, [""; 0]);

    // Another program blocks a change; its connection is ended, and the change is done.
    app.click("Database").await;
    app.wait_for_text("A closer look").await;
    app.screenshot("archive-6-database").await;
    assert_eq!(app.accessibility_violations().await, [""; 0]);
    let _blocker = blocker(&app);
    app.wait_until("the lock is held", async || {
        app.cli(&["database", "activity"]).to_string().contains("pg_sleep")
    })
    .await;
    let id = job_id(&app, "Budget.wav");
    let _renaming = app.start_command(&["rename", &id, "Budget 2027"]);
    app.wait_until("the change waits", async || {
        !app.cli(&["database", "locks"])["blocked"].as_array().unwrap().is_empty()
    })
    .await;
    let locks = app.page().find(By::XPath("//h3/button[contains(., 'Locks')]")).await.unwrap();
    locks.scroll_into_view().await.unwrap();
    locks.click().await.unwrap();
    app.wait_for_text("End it…").await;
    app.screenshot("archive-7-locks").await;
    assert_eq!(app.accessibility_violations().await, [""; 0]);
    app.click("End it…").await;
    app.click("End the connection").await;
    app.wait_until("the change is done", async || find_job(&app, "Budget.wav")["title"] == "Budget 2027")
        .await;
    app.wait_for_text("Budget 2027").await;

    // The private server gets a new password; the window goes on.
    let password = || fs::read_to_string(app.data_folder().join("database/password")).unwrap();
    let old = password();
    app.click("New password").await;
    app.wait_until("the password is another", async || password() != old).await;
    app.click("Test the connection").await;
    app.wait_for_text("The connection works").await;
    app.screenshot("archive-8-password").await;

    // PostgreSQL's own program in a terminal.
    app.click("Open psql").await;
    app.wait_for_text("A terminal with psql is open").await;
    app.wait_until("psql has answered", async || {
        fs::read_to_string(&answer).is_ok_and(|answer| answer.contains("Budget 2027"))
    })
    .await;
    app.screenshot("archive-9-psql").await;
    open_meeting(&app, "Budget 2027").await;
    app.cli(&["doctor"]);
}
