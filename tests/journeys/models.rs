//! Speech models and versions of transcripts.
//!
//! Tests download a small model from `../shared/models`, which recognises only the phrases of `../shared/audio`, from a
//! server of their own. Without `../shared` a file of arbitrary content takes its place, and they end before they need
//! the model.

use crate::meetings::{find_job, job_id, job_status, open_meeting};
use crate::model_server::{Mode, ModelServer};
use crate::test_app::{DEADLINE, TestApp};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use testing::{Prerequisite, samples, shared, shared_is_there, silence, write_wav};
use thirtyfour::prelude::*;

/// The id of the model.
const MODEL: &str = "phrases-F16";
const TITLE: &str = "Phrases";
/// The title of the bundled model.
const BUNDLED: &str = "Whisper base";

/// An app whose catalogue has one more model, the server that offers its file, and the path of the model. The path is
/// `None` if the server offers arbitrary content instead.
fn app_with_catalogue() -> (TestApp, ModelServer, Option<PathBuf>) {
    let model = if shared_is_there() { fixture() } else { None };
    let content = match &model {
        Some(path) => fs::read(path).unwrap(),
        None => (0..3_000_000_u32).flat_map(|number| number.to_le_bytes()).collect(),
    };
    let mut app = TestApp::new();
    let file = app.documents().join("content");
    fs::write(&file, &content).unwrap();
    let hash = Command::new("sha256sum").arg(&file).output().unwrap();
    let sha256 = String::from_utf8(hash.stdout).unwrap()[..64].to_owned();
    fs::remove_file(&file).unwrap();
    let (byte_size, server) = (content.len(), ModelServer::start(content));
    let catalogue = json!({ "format": 1, "as_of": "2026-08-17", "hosts": [server.host()], "models": [{
        "slug": "phrases", "title": TITLE, "family": "Whisper", "architecture": "whisper",
        "parameters_millions": 9, "languages": ["en"],
        "capabilities":
            { "translates": false, "detects_language": false, "streams": false, "timestamps": "segment" },
        "licence": "MIT", "hub_id": "tests/phrases",
        "files": [{
            "file_name": format!("{MODEL}.gguf"), "quantisation": "F16",
            "byte_size": byte_size, "sha256": sha256,
        }],
    }]});
    let path = app.documents().join("catalogue.json");
    fs::write(&path, catalogue.to_string()).unwrap();
    app.set_env("MEETMEMO_MODEL_CATALOGUE", path);
    // With a single decoder, windows are recognised in order and slowly enough to be observed.
    app.set_env("MEETMEMO_DECODERS", "1");
    (app, server, model)
}

/// The project's test model; `None` as for [`shared`].
fn fixture() -> Option<PathBuf> {
    shared("models/fixture-whisper.gguf")
}

/// Writes a recording of this many seconds of phrases that the model recognises.
fn write_phrases(path: &Path, seconds: usize) {
    let audio = shared("audio").unwrap();
    let parts = ["meeting/panel-5-speakers.wav", "speech/two-cities.wav", "speech/jfk.wav"];
    let parts = parts.map(|name| [samples(&audio.join(name)), silence(0.8)].concat());
    let wanted = seconds * 32_000;
    let mut all: Vec<u8> = Vec::new();
    for part in parts.iter().cycle() {
        if all.len() >= wanted {
            break;
        }
        all.extend_from_slice(part);
    }
    all.truncate(wanted);
    write_wav(path, &all);
}

// The models page

async fn open_models_page(app: &TestApp) {
    app.click("Speech models").await;
    app.wait_until("the speech models are shown", async || heading(app).await == "Speech models").await;
    app.element("li[data-model]").await;
}

async fn heading(app: &TestApp) -> String {
    let heading = "return document.querySelector('h1')?.textContent.trim() ?? ''";
    app.run_script(heading, vec![]).await.as_str().unwrap_or_default().to_owned()
}

/// The state that the card of a model shows; empty if there is no card.
async fn card_state(app: &TestApp, model: &str) -> String {
    let state = "return document.querySelector(`li[data-model='${arguments[0]}']`)?.dataset.state ?? ''";
    app.run_script(state, vec![model.into()]).await.as_str().unwrap_or_default().to_owned()
}

async fn wait_for_state(app: &TestApp, model: &str, expected: &str) {
    let what = format!("{model} is {expected}");
    app.wait_until(&what, async || card_state(app, model).await == expected).await;
}

/// The visible text of the card of a model.
async fn card_text(app: &TestApp, model: &str) -> String {
    let text = "return document.querySelector(`li[data-model='${arguments[0]}']`)?.innerText ?? ''";
    app.run_script(text, vec![model.into()]).await.as_str().unwrap_or_default().to_owned()
}

async fn wait_for_card_text(app: &TestApp, model: &str, text: &str) {
    let what = format!("the card of {model} shows “{text}”");
    app.wait_until(&what, async || card_text(app, model).await.contains(text)).await;
}

// The meeting

/// The number of segments of the transcript. The page holds only the visible ones, but states the number.
async fn segment_count(app: &TestApp) -> u64 {
    let count = "return Number(document.querySelector('[role=list] [aria-setsize]')?.getAttribute('aria-setsize') ?? 0)";
    app.run_script(count, vec![]).await.as_u64().unwrap()
}

/// The metadata below the title.
async fn metadata_text(app: &TestApp) -> String {
    let text = "return document.querySelector('.meeting .facts')?.innerText ?? ''";
    app.run_script(text, vec![]).await.as_str().unwrap_or_default().to_owned()
}

/// The number of elements that match a CSS selector.
async fn count(app: &TestApp, selector: &str) -> u64 {
    let count = "return document.querySelectorAll(arguments[0]).length";
    app.run_script(count, vec![selector.into()]).await.as_u64().unwrap()
}

/// Selects the radio button of a model in the dialog.
async fn choose_model(app: &TestApp, title: &str) {
    let path = format!("//*[@role='dialog']//label[starts-with(normalize-space(.), \"{title}\")]//input");
    let wait = Duration::from_millis(100);
    let radio = app.page().query(By::XPath(path)).wait(DEADLINE, wait).first().await.unwrap();
    radio.click().await.unwrap();
}

/// The text of the current version, in lower case and without punctuation.
fn normalized_transcript(app: &TestApp, file: &str) -> String {
    let meeting = app.cli(&["show", &job_id(app, file)]);
    let segments = meeting["transcript"]["segments"].as_array().unwrap().clone();
    let text: Vec<&str> = segments.iter().map(|segment| segment["text"].as_str().unwrap()).collect();
    normalize(&text.join(" "))
}

fn normalize(text: &str) -> String {
    let words = text.split_whitespace().map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()));
    words.collect::<Vec<_>>().join(" ").to_lowercase()
}

fn versions(app: &TestApp, file: &str) -> Vec<Value> {
    app.cli(&["versions", &job_id(app, file)]).as_array().unwrap().clone()
}

/// Like [`check_screen`], with the card of the model scrolled to the middle.
async fn check_card(app: &TestApp, name: &str) {
    let middle =
        "document.querySelector(`li[data-model='${arguments[0]}']`).scrollIntoView({ block: 'center' })";
    app.run_script(middle, vec![MODEL.into()]).await;
    check_screen(app, name).await;
}

/// Checks the accessibility of the screen and takes screenshots of it, also at the smallest window size.
async fn check_screen(app: &TestApp, name: &str) {
    app.screenshot(name).await;
    assert_eq!(app.accessibility_violations().await, [""; 0], "{name}");
    if std::env::var_os("MEETMEMO_PICTURES").is_none() {
        return;
    }
    resize(app, (900, 600)).await;
    app.screenshot_of(&format!("{name}-small"), (900, 600));
    resize(app, (1280, 800)).await;
}

async fn resize(app: &TestApp, (width, height): (u32, u32)) {
    let windows = app.screen.xdotool(&["search", "--onlyvisible", "--name", "^MeetMemo$"]);
    let window = windows.lines().last().unwrap().to_owned();
    app.screen.xdotool(&["windowsize", "--sync", &window, &width.to_string(), &height.to_string()]);
    let (inside, size) = ("return [innerWidth, innerHeight]", json!([width, height]));
    app.wait_until("the window has the size", async || app.run_script(inside, vec![]).await == size).await;
}

#[tokio::test]
async fn a_model_is_installed_and_its_version_is_compared_with_that_of_the_bundled_one() {
    let (mut app, server, model) = app_with_catalogue();
    app.open(&[]).await;

    // A hint leads to the models page.
    app.wait_for_text("Ready in 99 languages. For fewer mistakes,").await;
    app.click("choose a larger model").await;
    wait_for_state(&app, MODEL, "available").await;
    assert_eq!(heading(&app).await, "Speech models");
    check_screen(&app, "models-1-room").await;
    for size in [(900, 600), (1280, 800)] {
        resize(&app, size).await;
        let over = "const parts = [...document.querySelectorAll('.room .body > .column > *')]
            .flatMap((part) => [...part.children].map((child) => [part, child.getBoundingClientRect().bottom]))
            return parts.filter(([part, bottom]) => bottom > part.getBoundingClientRect().bottom + 1)
                .map(([part]) => part.className)";
        assert_eq!(
            app.run_script(over, vec![]).await,
            json!([]),
            "no part may overlap the next one, at {size:?}"
        );
    }

    // The download is stopped and continues where it was stopped.
    server.set_mode(Mode::Slow);
    app.click(&format!("Install {TITLE}")).await;
    wait_for_state(&app, MODEL, "downloading").await;
    let of = if model.is_some() { " of 19 MB" } else { " of 12 MB" };
    wait_for_card_text(&app, MODEL, of).await;
    app.wait_until("the card shows the speed and the remaining time", async || {
        let card = card_text(&app, MODEL).await;
        card.contains("MB/s") && card.contains(" left")
    })
    .await;
    let first = card_text(&app, MODEL).await;
    app.wait_until("the figure changes", async || card_text(&app, MODEL).await != first).await;
    check_card(&app, "models-2-downloading").await;
    app.click(&format!("Stop {TITLE}")).await;
    wait_for_state(&app, MODEL, "paused").await;
    wait_for_card_text(&app, MODEL, "Stopped at").await;
    check_card(&app, "models-3-paused").await;
    let Some(model) = model else {
        Prerequisite::Shared.skip();
        return app.close().await;
    };
    let size = fs::metadata(&model).unwrap().len();
    let sent = server.sent_bytes();
    server.set_mode(Mode::Normal);
    app.click(&format!("Continue {TITLE}")).await;
    wait_for_state(&app, MODEL, "installed").await;
    app.wait_for_text(&format!("{TITLE} is installed.")).await;
    let offsets = server.requested_offsets();
    assert!(offsets.len() == 2 && offsets[0] == 0 && offsets[1] as u64 > size / 4, "{offsets:?}");
    assert_eq!(server.sent_bytes() - sent, size - offsets[1] as u64, "only the rest may be sent");
    app.click(&format!("Use for new recordings: {TITLE}")).await;
    app.wait_for_text(&format!("New recordings are transcribed with {TITLE}, in English.")).await;
    check_card(&app, "models-4-in-use").await;

    // The text of a long recording appears while it is transcribed.
    let long = app.documents().join("Long panel.wav");
    write_phrases(&long, 360);
    app.cli(&["import", long.to_str().unwrap()]);
    app.wait_for_text("Long panel").await;
    open_meeting(&app, "Long panel").await;
    app.wait_until("the first segments appear", async || segment_count(&app).await > 0).await;
    let early = segment_count(&app).await;
    app.wait_until("more segments appear", async || segment_count(&app).await > early).await;
    app.screenshot("models-5-working").await;

    // A cancelled recording is not shown as failed, and continues where it was cancelled.
    app.click("Cancel").await;
    app.wait_for_text("Stopped at").await;
    assert_eq!(find_job(&app, "Long panel.wav")["workflow_state"], "cancelled");
    let before = segment_count(&app).await;
    assert!(before > early, "the committed segments must be kept");
    assert_eq!(count(&app, ".meeting .notice.danger").await, 0, "it must not be shown as failed");
    check_screen(&app, "models-6-stopped").await;
    app.click("Continue").await;
    app.wait_until("it is transcribed", async || job_status(&app, "Long panel.wav") == "completed").await;
    app.wait_until("all its segments are shown", async || segment_count(&app).await > before).await;
    app.wait_for_text_gone("Transcribing").await;
    app.wait_until("the metadata name the model", async || metadata_text(&app).await.contains(TITLE)).await;
    assert_eq!(versions(&app, "Long panel.wav").len(), 1, "the same version must be continued");

    // A short recording, imported in the window, then transcribed again with the bundled model.
    let short = app.documents().join("Panel on reading.wav");
    write_phrases(&short, 50);
    app.click("Add recordings").await;
    app.answer_dialog("Add recordings", &short).await;
    app.wait_for_text("Panel on reading").await;
    app.wait_until("it is transcribed", async || job_status(&app, "Panel on reading.wav") == "completed")
        .await;
    open_meeting(&app, "Panel on reading").await;
    let good = normalized_transcript(&app, "Panel on reading.wav");
    assert!(good.contains("my fellow americans"), "{good}");
    app.wait_for_text("my fellow Americans,").await;
    app.click("More").await;
    app.click("Transcribe again…").await;
    app.wait_for_text("Transcribe “Panel on reading” again").await;
    app.wait_for_text("The current text is kept as an older version.").await;
    choose_model(&app, BUNDLED).await;
    check_screen(&app, "models-7-again").await;
    app.click("Transcribe again").await;
    app.wait_until("the metadata name the bundled model", async || {
        metadata_text(&app).await.contains(BUNDLED)
    })
    .await;
    app.wait_until("it is transcribed again", async || {
        job_status(&app, "Panel on reading.wav") == "completed"
    })
    .await;
    app.wait_for_text_gone("Transcribing").await;
    let draft = normalized_transcript(&app, "Panel on reading.wav");
    assert!(!draft.is_empty() && !draft.contains("my fellow americans"), "{draft}");

    // The two versions are compared.
    app.click("Versions").await;
    let pane = app.element("aside[aria-labelledby]").await;
    app.wait_until("there are two versions", async || count(&app, "aside ol > li").await == 2).await;
    let pane_says = pane.text().await.unwrap();
    for wanted in ["Version 2", "Version 1", "Current", BUNDLED, TITLE] {
        assert!(pane_says.contains(wanted), "{wanted}: {pane_says}");
    }
    check_screen(&app, "models-8-versions").await;
    app.click("View version 1").await;
    app.wait_for_text(&format!("Version 1, {TITLE}.")).await;
    app.wait_for_text("my fellow Americans,").await;
    check_screen(&app, "models-9-older").await;
    app.click("Back to the current version").await;
    app.wait_for_text_gone("my fellow Americans,").await;
    app.click("Compare with current: version 1").await;
    app.element("section[aria-label='Version 1 compared with version 2']").await;
    app.wait_until("changes are marked on both sides", async || {
        count(&app, ".compare del").await > 0 && count(&app, ".compare ins").await > 0
    })
    .await;
    app.click("Close versions").await;
    check_screen(&app, "models-10-compare").await;
    app.click("Next change").await;
    app.wait_until("the first change is selected", async || count(&app, ".compare .at").await == 1).await;
    let position = "return document.querySelector('.compare [role=status]').innerText.trim()";
    let first = app.run_script(position, vec![]).await.as_str().unwrap().to_owned();
    assert!(first.starts_with("1 of "), "{first}");
    app.element("body").await.send_keys("n").await.unwrap();
    app.wait_until("the next change is selected", async || {
        app.run_script(position, vec![]).await.as_str().unwrap().starts_with("2 of ")
    })
    .await;
    let changes: u64 = first.strip_prefix("1 of ").unwrap().parse().unwrap();
    let rows =
        "[...document.querySelectorAll('.compare [aria-setsize]')].at(-1)?.getAttribute('aria-setsize')";
    let rows = format!("return Number({rows} ?? 0)");
    assert!(app.run_script(&rows, vec![]).await.as_u64().unwrap() >= changes);
    app.element(".compare input[type=checkbox]").await.click().await.unwrap();
    app.wait_until("only rows with changes are shown", async || {
        app.run_script(&rows, vec![]).await.as_u64().unwrap() == changes
            && count(&app, ".compare [aria-setsize] .row:not(.changed)").await == 0
    })
    .await;
    check_screen(&app, "models-11-only-changes").await;

    // The first version becomes current again, in the window and in exports.
    app.click("Make this one current: version 1").await;
    app.wait_until("version 1 is current", async || {
        versions(&app, "Panel on reading.wav")
            .iter()
            .all(|version| version["current"] == (version["number"] == 1))
    })
    .await;
    app.click("Back to the transcript").await;
    app.wait_for_text("my fellow Americans,").await;
    app.wait_until("the metadata name the model", async || metadata_text(&app).await.contains(TITLE)).await;
    assert_eq!(normalized_transcript(&app, "Panel on reading.wav"), good);
    check_screen(&app, "models-12-back").await;
    let target = app.documents().join("panel ü.md");
    app.click("Export").await;
    app.element("input[type=radio][value='markdown_transcript']").await.click().await.unwrap();
    app.click("Export…").await;
    app.answer_dialog("Save the transcript", &target).await;
    app.wait_until("the file exists", async || target.exists()).await;
    app.wait_for_text("Show in folder").await;
    let markdown = normalize(&fs::read_to_string(&target).unwrap());
    assert!(markdown.contains("my fellow americans"), "{markdown}");
    app.close().await;
}

#[tokio::test]
async fn a_linked_model_file_is_used_in_place_and_stays_when_the_model_is_removed() {
    let Some(model) = fixture() else { return };
    let mut app = TestApp::new();
    app.open(&[]).await;
    app.wait_for_text("Drop recordings here").await;
    open_models_page(&app).await;
    let own = app.documents().join("Panel words.gguf");
    fs::copy(&model, &own).unwrap();
    app.click("Add a model file…").await;
    app.click("Use it where it is").await;
    app.answer_dialog("Add a speech model", &own).await;
    app.wait_for_text("Used from its own folder.").await;
    let added = app.cli(&["models", "list"])["models"].clone();
    let added = added.as_array().unwrap().iter().find(|model| model["source"] == "imported").unwrap();
    let (id, title) = (added["id"].as_str().unwrap(), added["title"].as_str().unwrap());
    wait_for_state(&app, id, "installed").await;
    app.wait_for_text(&format!("{title} is installed.")).await;
    check_screen(&app, "own-1-linked").await;
    app.click(&format!("Remove {title}…")).await;
    app.wait_for_text(&format!("Remove {title}?")).await;
    app.wait_for_text("The file itself stays where it is.").await;
    check_screen(&app, "own-2-remove").await;
    app.click("Remove").await;
    app.wait_until("its card disappears", async || card_state(&app, id).await.is_empty()).await;
    assert!(fs::read(&own).unwrap() == fs::read(&model).unwrap(), "the user's file must stay");
    let left = app.cli(&["models", "list"])["models"].clone();
    assert!(left.as_array().unwrap().iter().all(|model| model["id"] != id), "{left}");
    app.close().await;
}

#[tokio::test]
async fn a_file_that_is_not_a_model_is_refused_with_a_sentence_that_names_it() {
    let mut app = TestApp::new();
    app.open(&[]).await;
    app.wait_for_text("Drop recordings here").await;
    open_models_page(&app).await;
    let before = count(&app, "li[data-model]").await;
    for item in ["Copy it into MeetMemo", "Use it where it is"] {
        let name = format!("{}.gguf", item.split(' ').next().unwrap());
        let text = app.documents().join(&name);
        fs::write(&text, "not a model at all").unwrap();
        app.click("Add a model file…").await;
        app.click(item).await;
        app.answer_dialog("Add a speech model", &text).await;
        app.wait_for_text(&format!("{name}: ")).await;
        assert!(text.exists());
    }
    check_screen(&app, "refused").await;
    assert_eq!(count(&app, "li[data-model]").await, before);
    app.close().await;
}

#[tokio::test]
async fn a_meeting_whose_model_was_removed_says_so_and_offers_other_models() {
    let Some(model) = fixture() else { return };
    let mut app = TestApp::new();
    let file = app.documents().join("Waiting.wav");
    write_phrases(&file, 12);
    // No worker is running, so the recording waits; meanwhile its model is removed.
    let added = app.cli(&["models", "add", model.to_str().unwrap()]);
    let model = added["id"].as_str().unwrap();
    app.cli(&["import", "--model", model, file.to_str().unwrap()]);
    assert_eq!(job_status(&app, "Waiting.wav"), "pending");
    app.cli(&["models", "remove", model]);

    app.open(&[]).await;
    app.wait_for_text("Waiting").await;
    app.wait_until("it has failed", async || job_status(&app, "Waiting.wav") == "failed").await;
    open_meeting(&app, "Waiting").await;
    app.wait_for_text(model).await;
    let why = find_job(&app, "Waiting.wav")["error_message"].as_str().unwrap().to_owned();
    println!("the error message: {why}");
    assert!(why.contains(model) && why.contains("not"), "{why}");
    app.wait_for_text(&why).await;
    check_screen(&app, "gone-1-failed").await;
    app.click("Choose another model…").await;
    app.wait_for_text("Transcribe “Waiting” again").await;
    app.wait_for_text(&format!("{model} is not on this computer any more.")).await;
    choose_model(&app, BUNDLED).await;
    check_screen(&app, "gone-2-choose").await;
    app.click("Transcribe again").await;
    app.wait_until("it is transcribed", async || job_status(&app, "Waiting.wav") == "completed").await;
    app.wait_until("the metadata name the engine", async || metadata_text(&app).await.contains(BUNDLED))
        .await;
    app.wait_until("its segments are shown", async || segment_count(&app).await > 0).await;
    assert_eq!(count(&app, ".meeting .notice.danger").await, 0);
    app.close().await;
}

#[tokio::test]
async fn a_failed_download_says_why_and_a_killed_one_continues() {
    let (mut app, server, model) = app_with_catalogue();
    app.open(&[]).await;
    app.wait_for_text("Drop recordings here").await;
    open_models_page(&app).await;

    server.set_mode(Mode::NotFound);
    app.click(&format!("Install {TITLE}")).await;
    wait_for_state(&app, MODEL, "failed").await;
    wait_for_card_text(&app, MODEL, "does not have it any more").await;
    check_card(&app, "failing-1-not-there").await;

    server.set_mode(Mode::WrongContent);
    app.click(&format!("Try again with {TITLE}")).await;
    wait_for_card_text(&app, MODEL, "is not the expected file").await;
    wait_for_state(&app, MODEL, "failed").await;
    check_card(&app, "failing-2-wrong").await;

    server.set_mode(Mode::Slow);
    app.click(&format!("Try again with {TITLE}")).await;
    wait_for_state(&app, MODEL, "downloading").await;
    let part = app.data_folder().join("models").join(format!("{MODEL}.gguf.part"));
    let received = || fs::metadata(&part).map_or(0, |file| file.len());
    app.wait_until("a part is received", async || received() > 3_000_000).await;
    app.kill_program();
    let requests = server.requested_offsets().len();

    app.open(&[]).await;
    app.wait_for_text("Drop recordings here").await;
    open_models_page(&app).await;
    wait_for_state(&app, MODEL, "paused").await;
    wait_for_card_text(&app, MODEL, "Stopped at").await;
    if model.is_none() {
        Prerequisite::Shared.skip();
        return app.close().await;
    }
    server.set_mode(Mode::Normal);
    app.click(&format!("Continue {TITLE}")).await;
    wait_for_state(&app, MODEL, "installed").await;
    let offsets = server.requested_offsets()[requests..].to_vec();
    assert!(offsets.len() == 1 && offsets[0] >= 3_000_000, "only the rest may be requested: {offsets:?}");
    assert!(!part.exists());
    app.close().await;
}
