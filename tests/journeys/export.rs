//! Exports: the sheet with its preview, batches that survive a kill, and checks of exported files.

use crate::meetings::{job_id, open_meeting};
use crate::test_app::TestApp;
use std::fs;
use std::path::Path;
use testing::{silence, speech, write_wav};

/// Imports recordings with these titles, each of its own length, and waits until all are transcribed.
async fn meetings(app: &TestApp, titles: &[String]) {
    for (number, title) in titles.iter().enumerate() {
        let file = app.documents().join(format!("{title}.wav"));
        write_wav(&file, &[silence(0.2 + number as f64 / 10.0), speech(5)].concat());
        app.cli(&["import", file.to_str().unwrap()]);
    }
    app.wait_until("all are transcribed", async || {
        app.cli(&["list", "--status", "completed"]).as_array().unwrap().len() == titles.len()
    })
    .await;
}

/// Chooses a format of the sheet.
async fn choose_format(app: &TestApp, key: &str) {
    app.element(&format!("input[type=radio][value='{key}']")).await.click().await.unwrap();
}

/// The names of the files in a folder with this ending, sorted.
fn files(folder: &Path, ending: &str) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.ends_with(ending)).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_pdf_is_previewed_exported_and_checked() {
    let mut app = TestApp::new();
    app.open(&[]).await;
    app.wait_for_text("Drop recordings here").await;
    meetings(&app, &["Budget".to_owned()]).await;
    let id = job_id(&app, "Budget.wav");
    open_meeting(&app, "Budget").await;

    // The preview shows the pages.
    app.click("Export").await;
    app.wait_for_text("Export “Budget”").await;
    choose_format(&app, "pdf_transcript").await;
    app.wait_until("a page is drawn", async || {
        let drawn = "const page = document.querySelector('.pages canvas');
            const paint = page?.getContext('2d');
            if (!paint || page.width < 100) return false;
            const { data } = paint.getImageData(0, 0, page.width, page.height);
            return data.some((value, place) => place % 4 === 0 && data[place + 3] > 0 && value < 128)";
        app.run_script(drawn, vec![]).await == true
    })
    .await;
    app.screenshot("export-1-sheet").await;
    assert_eq!(app.accessibility_violations().await, [""; 0]);

    // The file is written, and the sheet gives way to the meeting.
    let pdf = app.documents().join("out ü.pdf");
    app.click("Export…").await;
    app.answer_dialog("Save the transcript", &pdf).await;
    app.wait_for_text("Show in folder").await;
    app.wait_until("the file exists", async || pdf.exists()).await;
    app.wait_for_text_gone("Export “Budget”").await;
    app.screenshot("export-2-exported").await;
    assert_eq!(app.accessibility_violations().await, [""; 0]);

    // It is as it was exported.
    app.element("body").await.send_keys(thirtyfour::Key::Control + "k").await.unwrap();
    app.element("[role=combobox]").await.send_keys("Check an exported").await.unwrap();
    app.click("Check an exported file…").await;
    app.answer_dialog("Check an exported file", &pdf).await;
    app.wait_for_text("As it was exported").await;
    app.screenshot("export-3-unchanged").await;
    assert_eq!(app.accessibility_violations().await, [""; 0]);

    // A speaker gets a name: the passages have changed since, and lead into the meeting.
    app.cli(&["speakers", &id, "rename", "1", "Anna"]);
    app.click("Check another file…").await;
    app.answer_dialog("Check an exported file", &pdf).await;
    app.wait_for_text("The transcript has been corrected since").await;
    app.wait_for_text("Anna").await;
    app.screenshot("export-4-corrected").await;
    assert_eq!(app.accessibility_violations().await, [""; 0]);
    app.element("article li button").await.click().await.unwrap();
    app.wait_until("the check is closed", async || {
        app.run_script("return document.querySelector('article li button') === null", vec![]).await == true
    })
    .await;
    app.wait_until("the passage has the focus", async || {
        app.run_script("return document.activeElement?.closest('[data-index]') !== null", vec![]).await
            == true
    })
    .await;

    // What was changed afterwards is told.
    let mut bytes = fs::read(&pdf).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&pdf, bytes).unwrap();
    app.element("body").await.send_keys(thirtyfour::Key::Control + "k").await.unwrap();
    app.element("[role=combobox]").await.send_keys("Check an exported").await.unwrap();
    app.click("Check an exported file…").await;
    app.answer_dialog("Check an exported file", &pdf).await;
    app.wait_for_text("This file was altered").await;
    app.close().await;
}

#[tokio::test]
async fn a_batch_survives_a_kill_and_repeats_nothing() {
    let mut app = TestApp::new();
    app.open(&[]).await;
    app.wait_for_text("Drop recordings here").await;
    let titles: Vec<String> = (1..=6).map(|number| format!("Meeting {number}")).collect();
    meetings(&app, &titles).await;
    let folder = app.documents().join("exports");
    fs::create_dir(&folder).unwrap();

    let begin = async |app: &TestApp| {
        app.click("Select several").await;
        app.click("Select all").await;
        app.click("More for the selected meetings").await;
        app.click("Export…").await;
        app.wait_for_text("Export 6 meetings").await;
        choose_format(app, "pdf_transcript").await;
        app.click("Export to a folder…").await;
        app.answer_folder_dialog("Choose a folder for the exports", &folder).await;
    };
    begin(&app).await;
    app.wait_until("the first file is there", async || !files(&folder, ".pdf").is_empty()).await;
    app.kill_program();
    let before = files(&folder, ".pdf");
    let written: Vec<_> =
        before.iter().map(|name| fs::metadata(folder.join(name)).unwrap().modified().unwrap()).collect();
    app.close().await;

    app.open(&[]).await;
    app.wait_until("all files are there", async || files(&folder, ".pdf").len() == 6).await;
    for (name, then) in before.iter().zip(written) {
        let now = fs::metadata(folder.join(name)).unwrap().modified().unwrap();
        assert_eq!(now, then, "{name} was written again");
    }
    assert_eq!(files(&folder, "").len(), 6, "no temporary file is left");
    app.wait_for_text("Meeting 6").await;

    // The same again writes nothing.
    app.wait_until("nothing is under way", async || {
        app.invoke("open_export_batches", serde_json::json!({})).await.unwrap() == serde_json::json!([])
    })
    .await;
    begin(&app).await;
    app.wait_for_text("All 6 files in “exports” were already there and up to date.").await;
    app.screenshot("export-5-up-to-date").await;
    assert_eq!(app.accessibility_violations().await, [""; 0]);
    assert_eq!(files(&folder, "").len(), 6);
    app.close().await;
}
