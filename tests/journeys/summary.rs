//! Summaries: an extract at once, from a statement to its passage and its sound, a change by hand, an extract that is out of
//! date, and the summary as a PDF.

use crate::meetings::{expose_audio, job_id, open_meeting, playback_position, recording};
use crate::test_app::TestApp;
use std::process::Command;

#[tokio::test]
async fn an_extract_leads_to_its_passages_and_can_be_edited_and_exported() {
    let mut app = TestApp::new();
    app.open(&[]).await;
    app.wait_for_text("Drop recordings here").await;
    let file = recording(&app, "Dashwood.wav", 40);
    app.cli(&["import", "--wait", file.to_str().unwrap()]);
    let id = job_id(&app, "Dashwood.wav");
    open_meeting(&app, "Dashwood").await;

    // The pane makes the extract by itself.
    app.click("Summary").await;
    app.wait_for_text("selected on this computer without a language model").await;
    let extract = app.cli(&["summarize", &id]);
    let statement = &extract["sections"][0]["statements"][0];
    let text = statement["text"].as_str().unwrap().to_owned();
    let start_ms = statement["sources"][0]["start_ms"].as_f64().unwrap();
    app.wait_for_text(&text).await;
    app.screenshot("summary-1-extract").await;
    assert_eq!(app.accessibility_violations().await, [""; 0]);

    // One click shows the passage, a second one plays it.
    expose_audio(&app).await;
    let statements = "#pane-summary button.statement";
    app.element(statements).await.click().await.unwrap();
    let marked = "return document.querySelector('[data-text] mark')?.textContent ?? ''";
    app.wait_until("the passage is marked", async || {
        let marked = app.run_script(marked, vec![]).await;
        marked.as_str().is_some_and(|marked| !marked.is_empty() && text.contains(marked))
    })
    .await;
    assert!(playback_position(&app).await < 0.0, "nothing plays yet");
    app.element(statements).await.click().await.unwrap();
    app.wait_until("the passage plays", async || {
        let position = playback_position(&app).await * 1000.0;
        (start_ms - 100.0..start_ms + 10_000.0).contains(&position) && position > 0.0
    })
    .await;
    app.screenshot("summary-2-playing").await;

    // A change by hand stays, marked.
    let pencil = "[aria-label='Edit this statement']";
    app.element(pencil).await.click().await.unwrap();
    let field = app.element("#pane-summary textarea").await;
    field.clear().await.unwrap();
    field.send_keys("Mr Dashwood inherits the estate.").await.unwrap();
    app.click("Save").await;
    app.wait_for_text("Edited by hand").await;
    app.screenshot("summary-3-edited").await;
    assert_eq!(app.accessibility_violations().await, [""; 0]);

    // A speaker gets a name: the summary is out of date. A new extract does not replace the edited one.
    app.cli(&["speakers", &id, "rename", "1", "Jane"]);
    app.wait_for_text("changed since this summary was made").await;
    app.screenshot("summary-4-out-of-date").await;
    app.click("Make a new extract").await;
    app.wait_for_text_gone("changed since this summary was made").await;
    app.wait_for_text("Extract, today").await;
    assert_eq!(app.accessibility_violations().await, [""; 0]);

    // The PDF has the statements and the times, and none of the words below them.
    let made =
        app.cli(&["export", &id, "--type", "pdf_summary", "--output", app.documents().to_str().unwrap()]);
    let read = Command::new("pdftotext").args([made["path"].as_str().unwrap(), "-"]).output().unwrap();
    let read = String::from_utf8(read.stdout).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(read.contains("Summary") && read.contains(&text) && !read.contains("Transcript"), "{read}");
    app.close().await;
}
