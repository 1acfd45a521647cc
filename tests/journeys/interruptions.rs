//! Killed processes, a closed window and an unreachable database.

use crate::meetings::{find_job, job_id, job_status, recording};
use crate::test_app::{DEADLINE, TestApp};
use serde_json::json;
use std::fs;
use std::time::{Duration, Instant};

#[tokio::test]
async fn killing_every_background_process_loses_nothing() {
    let mut app = TestApp::new();
    let file = recording(&app, "long.wav", 120);
    app.open(&[file.to_str().unwrap()]).await;
    app.element("[data-line]").await;
    // A window of audio whose engine process dies is retried only once, so engine processes are killed only once.
    for parts in [&["database-server", "postgres", "-desktop engine"][..], &["database-server", "postgres"]] {
        let processes = || {
            let mut found = testing::processes_of(app.data_folder().to_str().unwrap());
            found.retain(|pid| {
                let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                let line = String::from_utf8_lossy(&line).replace('\0', " ");
                parts.iter().any(|part| line.contains(part))
            });
            found
        };
        app.wait_until("the keeper, the server and the engine processes are running", async || {
            processes().len() > 3
        })
        .await;
        processes().into_iter().for_each(testing::kill);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    app.wait_until("the processing has ended", async || {
        !["pending", "processing"].contains(&job_status(&app, "long.wav").as_str())
    })
    .await;
    app.wait_for_text_gone("could not be opened").await;
    app.wait_for_text_gone("Transcribing").await;
    let ended = find_job(&app, "long.wav");
    assert_eq!(ended["status"], "completed", "{ended}");
    assert!(
        app.cli(&["show", &job_id(&app, "long.wav")])["transcript"]["segments"].as_array().unwrap().len() > 5
    );
    app.close().await;
}

#[tokio::test]
async fn closing_while_processing_asks_and_the_next_start_continues() {
    let mut app = TestApp::new();
    let file = recording(&app, "long.wav", 180);
    app.open(&[file.to_str().unwrap()]).await;
    app.element("[data-line]").await;
    request_close(&app);
    app.wait_for_text("the work continues the next time MeetMemo runs").await;
    app.screenshot("closing").await;
    assert_eq!(app.accessibility_violations().await, [""; 0]);
    app.click("Keep open").await;
    app.wait_for_text_gone("the work continues the next time").await;
    assert_eq!(job_status(&app, "long.wav"), "processing");
    request_close(&app);
    app.wait_for_text("the work continues the next time MeetMemo runs").await;
    app.click("Close").await;
    let end = Instant::now() + DEADLINE;
    while !testing::processes_of(app.data_folder().to_str().unwrap()).is_empty() {
        assert!(Instant::now() < end, "a process is still running");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    app.close().await;
    assert!(
        app.config_file_exists("app.meetmemo.desktop/.window-state.json"),
        "size and position must be saved"
    );
    app.open(&[]).await;
    app.wait_until("it is transcribed", async || job_status(&app, "long.wav") == "completed").await;
    app.close().await;
}

#[tokio::test]
async fn an_archive_that_does_not_open_is_reported_and_can_be_retried() {
    let mut app = TestApp::new();
    app.open(&["--database-url", "postgresql://127.0.0.1:9/meetings"]).await;
    app.wait_for_text("Your archive could not be opened").await;
    app.wait_for_text("Your recordings are safe.").await;
    app.screenshot("core-failed").await;
    assert_eq!(app.accessibility_violations().await, [""; 0]);
    // Speech models work without an archive.
    app.click("Speech models").await;
    app.wait_for_text("New recordings are transcribed with Whisper base").await;
    app.screenshot("core-failed-models").await;
    assert_eq!(app.accessibility_violations().await, [""; 0]);
    app.click("Close speech models").await;
    app.click("Try again").await;
    app.wait_for_text("Your archive could not be opened").await;
    let closed = app.invoke("meetings_page", json!({ "after": null, "limit": 1 })).await.unwrap_err();
    assert_eq!(closed["code"], "database_unreachable");
    app.close().await;
}

/// Sends the message that a window manager sends when the close button is clicked.
fn request_close(app: &TestApp) {
    use x11rb::protocol::xproto::{ClientMessageEvent, ConnectionExt, EventMask};
    let windows = app.screen.xdotool(&["search", "--onlyvisible", "--name", "^MeetMemo$"]);
    let window: u32 = windows.lines().last().unwrap().parse().unwrap();
    let (server, _) = x11rb::connect(Some(&app.screen.name)).unwrap();
    let atom = |name: &str| server.intern_atom(false, name.as_bytes()).unwrap().reply().unwrap().atom;
    let (protocols, delete) = (atom("WM_PROTOCOLS"), atom("WM_DELETE_WINDOW"));
    let message = ClientMessageEvent::new(32, window, protocols, [delete, 0, 0, 0, 0]);
    server.send_event(false, window, EventMask::NO_EVENT, message).unwrap();
    // The reply to this request shows that the server has processed the message.
    server.get_input_focus().unwrap().reply().unwrap();
}
