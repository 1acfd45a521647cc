//! Looking after the archive: backup, restore, an ended connection, a new password.

use crate::meetings::{find_job, job_id, job_status, open_meeting, recording};
use crate::test_app::{Helper, TestApp};
use std::fs;
use testing::program;
use thirtyfour::prelude::*;

/// A connection that holds a lock on the meetings, as another program might.
fn blocker(app: &TestApp) -> Helper {
    let psql = program("psql").get_program().to_owned();
    let statements = "LOCK TABLE jobs IN SHARE MODE; SELECT pg_sleep(600)";
    app.start_command(&["database", "run", "--", psql.to_str().unwrap(), "--command", statements])
}

#[tokio::test]
async fn a_meeting_is_saved_deleted_and_brought_back_and_the_database_is_looked_after() {
    let mut app = TestApp::new();
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
    open_meeting(&app, "Budget 2027").await;
    app.cli(&["doctor"]);
}
