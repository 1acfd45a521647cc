//! Speakers of meetings: naming, merging, reassigning, and recognising known people.

use crate::meetings::{job_id, job_status, open_meeting};
use crate::test_app::{DEADLINE, TestApp};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use testing::{clips, program, samples, silence, testdata, write_wav};
use thirtyfour::prelude::*;

/// Writes a recording in which two people speak in turns: the reader of the LibriVox clips and the reader of the cards.
/// Each number of `order` adds one clip and one card.
fn two_people(path: &Path, order: &[usize]) {
    let cards = testdata("cards");
    let clips = clips();
    let mut all = Vec::new();
    for number in order {
        for part in [clips[*number].clone(), cards.join(format!("00{}.wav", number + 1))] {
            all.extend(samples(&part));
            all.extend(silence(0.8));
        }
    }
    write_wav(path, &all);
}

/// Imports a recording of two people, waits until it is diarized, and opens it.
async fn meeting(app: &TestApp, title: &str, order: &[usize]) -> PathBuf {
    let file = app.documents().join(format!("{title}.wav"));
    two_people(&file, order);
    app.cli(&["import", "--speakers", "2", file.to_str().unwrap()]);
    app.wait_for_text(title).await;
    open_meeting(app, title).await;
    let name = format!("{title}.wav");
    app.wait_until("it is transcribed", async || job_status(app, &name) == "completed").await;
    app.wait_for_text("Speaker 2").await;
    file
}

/// The current transcript of a recording.
fn current_transcript(app: &TestApp, file: &str) -> Value {
    app.cli(&["show", &job_id(app, file)])["transcript"].clone()
}

fn names(transcript: &Value) -> Vec<String> {
    let name = |speaker: &Value| speaker["name"].as_str().or(speaker["label"].as_str()).unwrap().to_owned();
    transcript["speakers"].as_array().unwrap().iter().map(name).collect()
}

fn words(transcript: &Value) -> Vec<Value> {
    let segments = transcript["segments"].as_array().unwrap();
    segments.iter().flat_map(|segment| segment["words"].as_array().unwrap().clone()).collect()
}

async fn press(app: &TestApp, keys: impl Into<TypingData>) {
    app.page().active_element().await.unwrap().send_keys(keys.into()).await.unwrap();
}

#[tokio::test]
async fn speakers_are_named_merged_reassigned_recognised_and_forgotten() {
    let mut app = TestApp::new();
    app.open(&[]).await;
    app.wait_for_text("Drop recordings here").await;
    meeting(&app, "Board", &[0, 1, 2, 3, 4]).await;
    assert_eq!(names(&current_transcript(&app, "Board.wav")), ["Speaker 1", "Speaker 2"]);
    let said = words(&current_transcript(&app, "Board.wav"));
    app.screenshot("speakers-1-names").await;

    // A name entered in the pane appears in the transcript.
    app.click("Speakers").await;
    app.wait_for_text("Statistics").await;
    app.screenshot("speakers-2-pane").await;
    assert_eq!(app.accessibility_violations().await, [""; 0]);
    let field = app.element("input[aria-label='Name of Speaker 1']").await;
    field.click().await.unwrap();
    field.send_keys("Anna Berg" + Key::Enter).await.unwrap();
    app.wait_until("the archive has the name", async || {
        names(&current_transcript(&app, "Board.wav"))[0] == "Anna Berg"
    })
    .await;
    app
        .wait_until("the text has the name", async || {
            let named = "return [...document.querySelectorAll('[data-name]')].some((n) => n.innerText.includes('Anna Berg'))";
            app.run_script(named, vec![]).await == true
        })
        .await;

    // Remembering voices is offered once and explained before anything is stored.
    assert_eq!(app.cli(&["people"])["enabled"], false);
    app.wait_for_text("Recognise Anna Berg in other meetings?").await;
    app.click("How this works…").await;
    app.wait_for_text("Remember voices?").await;
    app.screenshot("speakers-3-consent").await;
    assert_eq!(app.accessibility_violations().await, [""; 0]);
    app.click("Remember voices").await;
    app.wait_until("the voice is known", async || {
        let people = app.cli(&["people"]);
        people["people"][0]["name"] == "Anna Berg" && people["people"][0]["voices"] == 1
    })
    .await;

    // Two speakers are merged and separated again.
    app.click("More about Speaker 2").await;
    app.click("Merge into").await;
    let into = By::XPath("//*[@role='menuitem'][contains(., 'Anna Berg')]");
    app.page()
        .query(into)
        .wait(DEADLINE, Duration::from_millis(100))
        .first()
        .await
        .unwrap()
        .click()
        .await
        .unwrap();
    app.wait_until("they are merged", async || {
        names(&current_transcript(&app, "Board.wav")) == ["Anna Berg"]
    })
    .await;
    app.screenshot("speakers-4-merged").await;
    app.element("[data-line]").await.focus().await.unwrap();
    press(&app, Key::Control + "z").await;
    app.wait_until("they are separate again", async || {
        names(&current_transcript(&app, "Board.wav")) == ["Anna Berg", "Speaker 2"]
    })
    .await;

    // A key assigns a segment to the other speaker, undo reverts it; the focus stays on the segment.
    let speaker =
        |segment: usize| current_transcript(&app, "Board.wav")["segments"][segment]["speaker"].clone();
    assert_eq!(speaker(0), "Anna Berg");
    app.element("[data-line]").await.focus().await.unwrap();
    press(&app, Key::Home + "").await;
    press(&app, "2").await;
    app.wait_until("the segment is Speaker 2's", async || speaker(0) == "Speaker 2").await;
    let focused = "return document.activeElement?.closest('[data-index]')?.dataset.index ?? 'nowhere'";
    app.wait_until("the first segment has the focus", async || app.run_script(focused, vec![]).await == "0")
        .await;
    app.screenshot("speakers-5-given").await;
    press(&app, Key::Control + "z").await;
    app.wait_until("the segment is Anna Berg's again", async || speaker(0) == "Anna Berg").await;
    assert_eq!(
        words(&current_transcript(&app, "Board.wav")),
        said,
        "corrections must not change words or times"
    );

    // The voice is recognised in another meeting.
    meeting(&app, "Review", &[3, 0, 4, 2]).await;
    app.wait_for_text("Anna Berg?").await;
    app.screenshot("speakers-6-suggestion").await;
    assert_eq!(app.accessibility_violations().await, [""; 0]);
    assert!(
        !names(&current_transcript(&app, "Review.wav")).contains(&"Anna Berg".to_owned()),
        "a suggestion must not name the speaker"
    );
    app.element("[data-line]").await.focus().await.unwrap();
    press(&app, "a").await;
    app.wait_until("the speaker is named", async || {
        names(&current_transcript(&app, "Review.wav")).contains(&"Anna Berg".to_owned())
    })
    .await;

    // Exports contain the names.
    for (format, ending) in [("markdown_transcript", "md"), ("pdf_transcript", "pdf")] {
        let target = app.documents().join(format!("review.{ending}"));
        app.click("Export").await;
        app.element(&format!("input[type=radio][value='{format}']")).await.click().await.unwrap();
        app.click("Export…").await;
        app.answer_dialog("Save the transcript", &target).await;
        app.wait_until("the file exists", async || target.exists()).await;
        let text = match ending {
            "md" => fs::read_to_string(&target).unwrap(),
            _ => {
                let text = program("pdftotext").arg(&target).arg("-").output().unwrap();
                String::from_utf8(text.stdout).unwrap()
            }
        };
        assert!(text.contains("Anna Berg") && text.contains("Speaker"), "{text}");
    }

    // A forgotten person is no longer recognised; the name stays in the meetings.
    app.click("People you know").await;
    app.wait_for_text("Name speakers without asking when the match is certain").await;
    app.wait_for_text("2 voice samples").await;
    app.screenshot("speakers-7-people").await;
    assert_eq!(app.accessibility_violations().await, [""; 0]);
    app.click("More about Anna Berg").await;
    app.click("Forget…").await;
    app.wait_for_text("This forgets the voice everywhere.").await;
    app.click("Forget").await;
    app.wait_until("no person is known", async || {
        app.cli(&["people"])["people"].as_array().unwrap().is_empty()
    })
    .await;
    app.wait_for_text("There are no people yet.").await;
    assert!(names(&current_transcript(&app, "Review.wav")).contains(&"Anna Berg".to_owned()));
    app.close().await;
}
