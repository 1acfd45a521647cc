//! Helpers for recordings and their meetings.

use crate::test_app::{DEADLINE, TestApp};
use std::path::PathBuf;
use std::time::Duration;
use testing::{speech, write_wav};
use thirtyfour::prelude::*;

/// Writes a recording of real speech to the user's documents folder.
pub(crate) fn recording(app: &TestApp, name: &str, seconds: u32) -> PathBuf {
    let path = app.documents().join(name);
    write_wav(&path, &speech(seconds));
    path
}

/// Makes the page's audio element, which is not in the document, available to scripts as `window.playedAudio`.
pub(crate) async fn expose_audio(app: &TestApp) {
    let watch = "const play = HTMLMediaElement.prototype.play;
        HTMLMediaElement.prototype.play = function () { window.playedAudio = this; return play.call(this) }";
    app.run_script(watch, vec![]).await;
}

/// The playback position in seconds; -1 if nothing was played yet.
pub(crate) async fn playback_position(app: &TestApp) -> f64 {
    app.run_script("return window.playedAudio ? window.playedAudio.currentTime : -1", vec![])
        .await
        .as_f64()
        .unwrap()
}

/// The job of the recording with this file name; null if there is none.
pub(crate) fn find_job(app: &TestApp, name: &str) -> serde_json::Value {
    let all = app.cli(&["list"]);
    all.as_array().unwrap().iter().find(|job| job["file_name"] == name).cloned().unwrap_or_default()
}

/// The status of a job; empty if there is none.
pub(crate) fn job_status(app: &TestApp, name: &str) -> String {
    find_job(app, name)["status"].as_str().unwrap_or_default().to_owned()
}

pub(crate) fn job_id(app: &TestApp, name: &str) -> String {
    find_job(app, name)["id"].as_str().unwrap().to_owned()
}

/// Opens the meeting with this title from the library.
pub(crate) async fn open_meeting(app: &TestApp, title: &str) {
    let path = format!("//*[@role='option']//*[normalize-space(.)=\"{title}\"]");
    let row =
        app.page().query(By::XPath(path)).wait(DEADLINE, Duration::from_millis(100)).first().await.unwrap();
    row.click().await.unwrap();
    let heading = "return document.querySelector('h1')?.textContent.trim() ?? ''";
    app.wait_until("the meeting is open", async || app.run_script(heading, vec![]).await == title).await;
}
