//! What a person does.

use crate::stage::{DEADLINE, Stage};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use testing::{program, silence, speech, write_wav};
use thirtyfour::prelude::*;

/// A recording of real speech in the user's documents.
fn recording(stage: &Stage, name: &str, seconds: u32) -> PathBuf {
    let path = stage.documents().join(name);
    write_wav(&path, &speech(seconds));
    path
}

/// Makes the page's audio element reachable for the test: it is not in the document.
async fn watch_sound(stage: &Stage) {
    let watch = "const play = HTMLMediaElement.prototype.play;
        HTMLMediaElement.prototype.play = function () { window.heard = this; return play.call(this) }";
    stage.script(watch, vec![]).await;
}

/// Where the sound is, in seconds.
async fn sound_at(stage: &Stage) -> f64 {
    stage.script("return window.heard ? window.heard.currentTime : -1", vec![]).await.as_f64().unwrap()
}

#[tokio::test]
async fn the_first_hour_with_the_window() {
    let mut stage = Stage::new();
    stage.open(&[]).await;

    // Empty, and it says what to do.
    stage.sees("Drop recordings here").await;
    stage.sees("Everything stays on this computer.").await;
    stage.picture("1-empty").await;
    assert_eq!(stage.complaints().await, [""; 0]);

    // Import by the system's dialog; the text comes while it works.
    watch_sound(&stage).await;
    let file = recording(&stage, "Team call <i>März.wav", 150);
    stage.element("button.drop").await.click().await.unwrap();
    stage.answer_dialog("Add recordings", &file).await;
    stage.sees("Team call <i>März").await;
    stage.sees("Transcribing").await;
    stage.element("[data-line]").await;
    let done = stage.cli(&["list"])[0]["status"].clone();
    assert_eq!(done, "processing", "the first lines are there before the last");
    stage.picture("2-working").await;
    assert_eq!(stage.complaints().await, [""; 0]);
    stage.sees_no("Transcribing").await;
    stage.until("it is done", async || stage.cli(&["list"])[0]["status"] == "completed").await;
    stage.sees("Speaker 1").await;
    stage.picture("3-done").await;
    assert_eq!(stage.complaints().await, [""; 0]);
    assert_eq!(
        stage.script("return document.querySelectorAll('i').length", vec![]).await,
        0,
        "names are text"
    );

    // A click on a line plays from its time.
    let meeting = stage.cli(&["list"])[0]["id"].as_str().unwrap().to_owned();
    let lines = stage.cli(&["show", &meeting])["transcript"]["segments"].clone();
    let line = &lines.as_array().unwrap()[4];
    let start = line["start_ms"].as_f64().unwrap() / 1000.0;
    let path = format!("//p[normalize-space(.)=\"{}\"]", line["text"].as_str().unwrap());
    stage
        .page()
        .query(By::XPath(path))
        .wait(DEADLINE, Duration::from_millis(100))
        .first()
        .await
        .unwrap()
        .click()
        .await
        .unwrap();
    stage.until("it plays", async || sound_at(&stage).await > start).await;
    let first = sound_at(&stage).await;
    assert!(first - start < 1.5, "played from {first} instead of {start}");
    stage.until("it goes on", async || sound_at(&stage).await > first + 0.5).await;
    stage.element(".current").await;
    stage.picture("4-playing").await;
    assert_eq!(stage.complaints().await, [""; 0]);
    let length = stage.script("return window.heard.duration", vec![]).await.as_f64().unwrap();
    let told = stage.cli(&["list"])[0]["duration_ms"].as_f64().unwrap() / 1000.0;
    assert!((length - told).abs() < 0.05, "{length} s of sound, {told} s of recording");
    stage.click("Pause").await;

    // Rename in place.
    stage.click("Team call <i>März").await;
    let field = stage.element("input[aria-label='Title']").await;
    field.send_keys(Key::Control + "a").await.unwrap();
    field.send_keys("Weekly with Anna" + Key::Enter).await.unwrap();
    stage
        .until("the archive has the title", async || stage.cli(&["list"])[0]["title"] == "Weekly with Anna")
        .await;
    stage.sees("Weekly with Anna").await;

    // Export both, by the system's dialog.
    for (item, ending) in [("Markdown text", "md"), ("PDF document", "pdf")] {
        let target = stage.documents().join(format!("out ü.{ending}"));
        stage.click("Export").await;
        stage.click(item).await;
        stage.answer_dialog("Save the transcript", &target).await;
        stage.until("the file is there", async || target.exists()).await;
        stage.sees("Show in folder").await;
    }
    stage.picture("5-exported").await;
    assert_eq!(stage.complaints().await, [""; 0]);
    let said = line["text"].as_str().unwrap();
    let markdown = fs::read_to_string(stage.documents().join("out ü.md")).unwrap();
    assert!(markdown.starts_with("# Weekly with Anna") && markdown.contains(said), "{markdown}");
    let pdf = program("pdftotext").arg("-raw").arg(stage.documents().join("out ü.pdf")).arg("-").output();
    let pdf = String::from_utf8(pdf.unwrap().stdout).unwrap().replace(['\n', '\u{c}'], " ");
    assert!(pdf.contains("Weekly with Anna"), "{pdf}");
    let words: Vec<&str> = said.split_whitespace().take(4).collect();
    assert!(pdf.contains(&words.join(" ")), "{pdf}");

    // The same content once more is recognised, whatever its name.
    let copy = stage.documents().join("another name.wav");
    fs::copy(&file, &copy).unwrap();
    stage.screen.to_window("MeetMemo");
    stage.element("body").await.send_keys(Key::Control + "o").await.unwrap();
    stage.answer_dialog("Add recordings", &copy).await;
    stage.sees("“Weekly with Anna” is already here").await;
    stage.picture("6-duplicate").await;
    assert_eq!(stage.cli(&["list"]).as_array().unwrap().len(), 1);

    // What is no recording is refused with a sentence that names it.
    let text = stage.documents().join("notes.wav");
    fs::write(&text, "not a recording at all").unwrap();
    stage.invoke("import_paths", json!({ "paths": [&text] })).await.unwrap();
    stage.sees("notes.wav: not an audio or video file").await;
    stage.picture("7-refused").await;
    assert_eq!(stage.complaints().await, [""; 0]);

    // A failure, and its cure: the copy of a recording is lost while it waits behind a long one.
    let long = recording(&stage, "long.wav", 600);
    let lost = recording(&stage, "lost.wav", 12);
    stage.invoke("import_paths", json!({ "paths": [&long] })).await.unwrap();
    stage.until("the long one is worked on", async || status(&stage, "long.wav") == "processing").await;
    stage.invoke("import_paths", json!({ "paths": [&lost] })).await.unwrap();
    stage.until("the other one waits", async || status(&stage, "lost.wav") == "pending").await;
    let copy = stage.data().join("library").join(id(&stage, "lost.wav")).join("audio.wav");
    fs::remove_file(&copy).unwrap();
    open_row(&stage, "long").await;
    stage.element("[data-line]").await;
    stage.picture("8-long").await;
    stage.click("Cancel").await;
    stage.sees("Stopped at").await;
    stage.picture("9-stopped").await;
    assert_eq!(stage.complaints().await, [""; 0]);
    open_row(&stage, "lost").await;
    stage
        .sees("The audio of lost.wav is missing in the library. Import the same file again to put it back.")
        .await;
    stage.picture("10-failed").await;
    assert_eq!(stage.complaints().await, [""; 0]);
    stage.invoke("import_paths", json!({ "paths": [&lost] })).await.unwrap();
    stage.sees("Its sound was missing and is back now.").await;
    open_row(&stage, "lost").await;
    stage.click("Try again").await;
    stage.until("it is transcribed", async || status(&stage, "lost.wav") == "completed").await;
    stage.element("[data-line]").await;

    // What was stopped goes on where it was.
    open_row(&stage, "long").await;
    stage.click("Continue").await;
    stage.until("it goes on", async || status(&stage, "long.wav") == "processing").await;

    // Delete asks once, says what goes and what stays, and is final.
    open_row(&stage, "Weekly with Anna").await;
    stage.sees("Whisper base").await;
    stage.click("More").await;
    stage.click("Delete…").await;
    stage.sees("This cannot be undone.").await;
    stage.sees("out ü.pdf").await;
    stage.picture("11-delete").await;
    assert_eq!(stage.complaints().await, [""; 0]);
    stage.click("Delete for good").await;
    stage.until("it is gone", async || stage.cli(&["list"]).as_array().unwrap().len() == 2).await;
    let rows = "return [...document.querySelectorAll('[role=option]')].map((row) => row.innerText).join()";
    stage
        .until("its row is gone", async || {
            !stage.script(rows, vec![]).await.as_str().unwrap().contains("Weekly with Anna")
        })
        .await;
    assert!(!stage.data().join("library").join(&meeting).exists());
    assert!(stage.documents().join("out ü.pdf").exists() && file.exists(), "the user's files stay");

    stage.close().await;
}

pub(crate) fn find(stage: &Stage, name: &str) -> serde_json::Value {
    let all = stage.cli(&["list"]);
    all.as_array().unwrap().iter().find(|job| job["file_name"] == name).cloned().unwrap_or_default()
}

pub(crate) fn status(stage: &Stage, name: &str) -> String {
    find(stage, name)["status"].as_str().unwrap_or_default().to_owned()
}

pub(crate) fn id(stage: &Stage, name: &str) -> String {
    find(stage, name)["id"].as_str().unwrap().to_owned()
}

/// Opens the meeting of this title from the library.
pub(crate) async fn open_row(stage: &Stage, title: &str) {
    let path = format!("//*[@role='option']//*[normalize-space(.)=\"{title}\"]");
    let row =
        stage.page().query(By::XPath(path)).wait(DEADLINE, Duration::from_millis(100)).first().await.unwrap();
    row.click().await.unwrap();
    let heading = "return document.querySelector('h1')?.textContent.trim() ?? ''";
    stage.until("it is open", async || stage.script(heading, vec![]).await == title).await;
}

#[tokio::test]
async fn what_the_command_line_does_appears_within_seconds() {
    let mut stage = Stage::new();
    stage.open(&[]).await;
    stage.sees("Drop recordings here").await;
    let file = recording(&stage, "from the shell.wav", 10);
    stage.cli(&["import", file.to_str().unwrap()]);
    let imported = Instant::now();
    stage.sees("from the shell").await;
    // The goal is one second.
    assert!(imported.elapsed() < Duration::from_secs(10), "{:?}", imported.elapsed());
    stage
        .until("the window transcribes it", async || status(&stage, "from the shell.wav") == "completed")
        .await;
    stage.cli(&["rename", &id(&stage, "from the shell.wav"), "Another title"]);
    stage.sees("Another title").await;
    stage.cli(&["delete", &id(&stage, "from the shell.wav")]);
    stage.sees("Drop recordings here").await;
    stage.close().await;
}

#[tokio::test]
async fn a_real_drag_from_another_window_says_what_will_happen_and_adds() {
    let mut stage = Stage::new();
    let folder = stage.documents().join("interviews");
    fs::create_dir(&folder).unwrap();
    for name in ["a.wav", "b.wav"] {
        write_wav(&folder.join(name), &[speech(5), silence(name.len() as f64 / 10.0)].concat());
    }
    fs::write(folder.join("read me.txt"), "not a recording").unwrap();
    let single = recording(&stage, "dropped.wav", 8);
    // The three have to differ, or they are one recording.
    write_wav(&folder.join("b.wav"), &[silence(1.0), speech(5)].concat());
    stage.open(&[]).await;
    stage.sees("Drop recordings here").await;
    let (folder, single) = (folder.to_str().unwrap(), single.to_str().unwrap());
    let _source = stage.beside(&drag_source(), &["1400", "100", single, folder]);
    drag(&stage, &["1460 140", "1300 200", "1200 300", "1000 350", "800 400", "700 400"]);
    stage.sees("Add 1 recording and a folder: 2 recordings found").await;
    stage.picture("drag").await;
    assert_eq!(stage.complaints().await, [""; 0]);
    stage.screen.hands(&["mouseup", "1"]);
    stage.sees_no("2 recordings found").await;
    stage.until("all are there", async || stage.cli(&["list"]).as_array().unwrap().len() == 3).await;
    stage.sees("3 added").await;
    stage.picture("dropped").await;

    // Away again without a drop, nothing happens.
    drag(&stage, &["1460 140", "1200 300", "800 400", "700 400", "1200 300", "1450 600"]);
    stage.screen.hands(&["mouseup", "1"]);
    stage.sees_no("Add 1 recording").await;
    assert_eq!(stage.cli(&["list"]).as_array().unwrap().len(), 3);
    stage.close().await;
}

fn drag_source() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_meetmemo-desktop")).with_file_name("examples").join("drag_source")
}

/// Presses the button at the first place and moves over the others, as slowly as a hand.
fn drag(stage: &Stage, places: &[&str]) {
    for (number, place) in places.iter().enumerate() {
        let (x, y) = place.split_once(' ').unwrap();
        stage.screen.hands(&["mousemove", x, y]);
        if number == 0 {
            stage.screen.hands(&["mousedown", "1"]);
        }
        std::thread::sleep(Duration::from_millis(80));
    }
}

#[tokio::test]
async fn a_second_start_hands_its_files_to_the_first_window() {
    let mut stage = Stage::new();
    let (one, two) = (recording(&stage, "one.wav", 6), recording(&stage, "two.wav", 9));
    stage.open(&[one.to_str().unwrap()]).await;
    stage.sees("one").await;
    assert_eq!(stage.start_again(&[two.to_str().unwrap()]), 0);
    stage.sees("two").await;
    stage
        .until("both are transcribed", async || {
            stage.cli(&["list", "--status", "completed"]).as_array().unwrap().len() == 2
        })
        .await;
    stage.close().await;
}

#[tokio::test]
async fn killing_every_process_behind_the_window_loses_nothing() {
    let mut stage = Stage::new();
    let file = recording(&stage, "long.wav", 120);
    stage.open(&[file.to_str().unwrap()]).await;
    stage.element("[data-line]").await;
    // A window of speech whose decoder dies is tried once more and not for ever, so decoders are killed once.
    for parts in [&["database-server", "postgres", "-desktop engine"][..], &["database-server", "postgres"]] {
        let processes = || {
            let mut found = testing::processes_of(stage.data().to_str().unwrap());
            found.retain(|pid| {
                let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                let line = String::from_utf8_lossy(&line).replace('\0', " ");
                parts.iter().any(|part| line.contains(part))
            });
            found
        };
        stage
            .until("there are a keeper, a server with its processes, and decoders", async || {
                processes().len() > 3
            })
            .await;
        processes().into_iter().for_each(testing::kill);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    stage
        .until("the work goes on to its end", async || {
            !["pending", "processing"].contains(&status(&stage, "long.wav").as_str())
        })
        .await;
    stage.sees_no("could not be opened").await;
    stage.sees_no("Transcribing").await;
    let ended = find(&stage, "long.wav");
    assert_eq!(ended["status"], "completed", "{ended}");
    assert!(
        stage.cli(&["show", &id(&stage, "long.wav")])["transcript"]["segments"].as_array().unwrap().len() > 5
    );
    stage.close().await;
}

#[tokio::test]
async fn closing_while_it_works_asks_and_the_work_goes_on_next_time() {
    let mut stage = Stage::new();
    let file = recording(&stage, "long.wav", 180);
    stage.open(&[file.to_str().unwrap()]).await;
    stage.element("[data-line]").await;
    ask_to_close(&stage);
    stage.sees("the work goes on the next time MeetMemo runs").await;
    stage.picture("closing").await;
    assert_eq!(stage.complaints().await, [""; 0]);
    stage.click("Keep open").await;
    stage.sees_no("the work goes on the next time").await;
    assert_eq!(status(&stage, "long.wav"), "processing");
    ask_to_close(&stage);
    stage.sees("the work goes on the next time MeetMemo runs").await;
    stage.click("Close").await;
    let end = Instant::now() + DEADLINE;
    while !testing::processes_of(stage.data().to_str().unwrap()).is_empty() {
        assert!(Instant::now() < end, "something still runs");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    stage.close().await;
    assert!(stage.kept("app.meetmemo.desktop/.window-state.json"), "size and place are kept");
    stage.open(&[]).await;
    stage.until("it is transcribed", async || status(&stage, "long.wav") == "completed").await;
    stage.close().await;
}

#[tokio::test]
async fn an_archive_that_does_not_open_is_told_and_can_be_tried_again() {
    let mut stage = Stage::new();
    stage.open(&["--database-url", "postgresql://127.0.0.1:9/meetings"]).await;
    stage.sees("Your archive could not be opened").await;
    stage.sees("Your recordings are safe.").await;
    stage.picture("core-failed").await;
    assert_eq!(stage.complaints().await, [""; 0]);
    // What needs no archive can be used.
    stage.click("Speech models").await;
    stage.sees("New recordings are transcribed with Whisper base").await;
    stage.picture("core-failed-models").await;
    assert_eq!(stage.complaints().await, [""; 0]);
    stage.click("Close speech models").await;
    stage.click("Try again").await;
    stage.sees("Your archive could not be opened").await;
    let closed = stage.invoke("meetings", json!({})).await.unwrap_err();
    assert_eq!(closed["code"], "database_unreachable");
    stage.close().await;
}

#[tokio::test]
async fn a_click_plays_from_its_time_deep_inside_a_long_vbr_recording() {
    let mut stage = Stage::new();
    // An hour of quiet with a sentence every ten minutes, as an MP3 of changing bit rate.
    let clip = speech(6);
    let mut hour = Vec::new();
    for _ in 0..6 {
        hour.extend_from_slice(&silence(590.0));
        hour.extend_from_slice(&clip);
    }
    let (wave, file) = (stage.documents().join("hour.wav"), stage.documents().join("hour.mp3"));
    write_wav(&wave, &hour);
    let ffmpeg =
        ["-y", "-loglevel", "error", "-i", wave.to_str().unwrap(), "-q:a", "5", file.to_str().unwrap()];
    assert!(program("ffmpeg").args(ffmpeg).status().unwrap().success());
    stage.open(&[file.to_str().unwrap()]).await;
    stage.until("it is transcribed", async || status(&stage, "hour.mp3") == "completed").await;
    watch_sound(&stage).await;
    open_row(&stage, "hour").await;
    let lines = stage.cli(&["show", &id(&stage, "hour.mp3")])["transcript"]["segments"].clone();
    let last = lines.as_array().unwrap().last().unwrap()["start_ms"].as_f64().unwrap() / 1000.0;
    assert!(last > 3500.0, "the last line is in the last minute: {last}");
    // Where it does not play, the page tells what the sound is doing instead.
    let measure = "const [from, patience, done] = arguments;
        const lines = document.querySelectorAll('.line p');
        const begun = performance.now();
        const look = () => {
            const sound = window.heard;
            const took = performance.now() - begun;
            if (sound && !sound.seeking && sound.currentTime > from + 0.1) return done([took, sound.currentTime]);
            if (took < patience) return requestAnimationFrame(look);
            const { paused, seeking, readyState, networkState, currentTime, error } = sound ?? {};
            done(JSON.stringify({ paused, seeking, readyState, networkState, currentTime, error: error?.message }));
        };
        lines[lines.length - 1].click();
        look()";
    let patience = DEADLINE.as_millis() as u32 / 2;
    let measured = stage.page().execute_async(measure, vec![last.into(), patience.into()]).await.unwrap();
    let measured = measured.json();
    assert!(measured.is_array(), "nothing plays: {measured}; the page shows:\n{}", stage.text().await);
    let (took, at) = (measured[0].as_f64().unwrap() / 1000.0, measured[1].as_f64().unwrap());
    // What has been heard since the click could only be heard while it played, from the line's time on.
    let silent = took - (at - last);
    println!("plays {silent:.3} s after the click, from {last:.3} s");
    // The goal is 0.3 s.
    assert!((-0.05..3.0).contains(&silent), "at {at} s {took} s after the click on a line at {last} s");
    stage.close().await;
}

/// As a window manager does when the cross is clicked.
fn ask_to_close(stage: &Stage) {
    use x11rb::protocol::xproto::{ClientMessageEvent, ConnectionExt, EventMask};
    let windows = stage.screen.hands(&["search", "--onlyvisible", "--name", "^MeetMemo$"]);
    let window: u32 = windows.lines().last().unwrap().parse().unwrap();
    let (server, _) = x11rb::connect(Some(&stage.screen.name)).unwrap();
    let atom = |name: &str| server.intern_atom(false, name.as_bytes()).unwrap().reply().unwrap().atom;
    let (protocols, delete) = (atom("WM_PROTOCOLS"), atom("WM_DELETE_WINDOW"));
    let message = ClientMessageEvent::new(32, window, protocols, [delete, 0, 0, 0, 0]);
    server.send_event(false, window, EventMask::NO_EVENT, message).unwrap();
    // Its answer comes after the message was taken.
    server.get_input_focus().unwrap().reply().unwrap();
}
