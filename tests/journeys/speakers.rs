//! Who says what, as a person meets it: names, merging, correcting, people who are known again.

use crate::journeys::{id, open_row, status};
use crate::stage::{DEADLINE, Stage};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use testing::{clips, program, samples, silence, testdata, write_wav};
use thirtyfour::prelude::*;

/// Real speech of two people in turns: the reader of the LibriVox clips, and whoever says the cards; as often as
/// `order` has numbers.
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

/// A recording of two people that is told apart, and open in the window.
async fn meeting(stage: &Stage, title: &str, order: &[usize]) -> PathBuf {
    let file = stage.documents().join(format!("{title}.wav"));
    two_people(&file, order);
    stage.cli(&["import", "--speakers", "2", file.to_str().unwrap()]);
    stage.sees(title).await;
    open_row(stage, title).await;
    let name = format!("{title}.wav");
    stage.until("it is transcribed", async || status(stage, &name) == "completed").await;
    stage.sees("Speaker 2").await;
    file
}

fn shown(stage: &Stage, file: &str) -> Value {
    stage.cli(&["show", &id(stage, file)])["transcript"].clone()
}

fn names(transcript: &Value) -> Vec<String> {
    let name = |speaker: &Value| speaker["name"].as_str().or(speaker["label"].as_str()).unwrap().to_owned();
    transcript["speakers"].as_array().unwrap().iter().map(name).collect()
}

fn words(transcript: &Value) -> Vec<Value> {
    let segments = transcript["segments"].as_array().unwrap();
    segments.iter().flat_map(|segment| segment["words"].as_array().unwrap().clone()).collect()
}

async fn press(stage: &Stage, keys: impl Into<TypingData>) {
    stage.page().active_element().await.unwrap().send_keys(keys.into()).await.unwrap();
}

#[tokio::test]
async fn speakers_are_named_merged_corrected_known_again_and_forgotten() {
    let mut stage = Stage::new();
    stage.open(&[]).await;
    stage.sees("Drop recordings here").await;
    meeting(&stage, "Board", &[0, 1, 2, 3, 4]).await;
    assert_eq!(names(&shown(&stage, "Board.wav")), ["Speaker 1", "Speaker 2"]);
    let said = words(&shown(&stage, "Board.wav"));
    stage.picture("speakers-1-names").await;

    // A name in the pane is a name in the text.
    stage.click("Speakers").await;
    stage.sees("Statistics").await;
    stage.picture("speakers-2-pane").await;
    assert_eq!(stage.complaints().await, [""; 0]);
    let field = stage.element("input[aria-label='Name of Speaker 1']").await;
    field.click().await.unwrap();
    field.send_keys("Anna Berg" + Key::Enter).await.unwrap();
    stage
        .until("the archive has the name", async || names(&shown(&stage, "Board.wav"))[0] == "Anna Berg")
        .await;
    stage
        .until("the text has the name", async || {
            let named = "return [...document.querySelectorAll('[data-name]')].some((n) => n.innerText.includes('Anna Berg'))";
            stage.script(named, vec![]).await == true
        })
        .await;

    // Remembering voices is offered once, and explained before anything is kept.
    assert_eq!(stage.cli(&["people"])["enabled"], false);
    stage.sees("Recognise Anna Berg in other meetings?").await;
    stage.click("How that works…").await;
    stage.sees("Remember voices?").await;
    stage.picture("speakers-3-consent").await;
    assert_eq!(stage.complaints().await, [""; 0]);
    stage.click("Remember voices").await;
    stage
        .until("the voice is known", async || {
            let people = stage.cli(&["people"]);
            people["people"][0]["name"] == "Anna Berg" && people["people"][0]["voices"] == 1
        })
        .await;

    // Two become one, and two again.
    stage.click("More about Speaker 2").await;
    stage.click("Merge into").await;
    let into = By::XPath("//*[@role='menuitem'][contains(., 'Anna Berg')]");
    stage
        .page()
        .query(into)
        .wait(DEADLINE, Duration::from_millis(100))
        .first()
        .await
        .unwrap()
        .click()
        .await
        .unwrap();
    stage.until("they are one", async || names(&shown(&stage, "Board.wav")) == ["Anna Berg"]).await;
    stage.picture("speakers-4-merged").await;
    stage.element("[data-line]").await.focus().await.unwrap();
    press(&stage, Key::Control + "z").await;
    stage
        .until("they are two", async || names(&shown(&stage, "Board.wav")) == ["Anna Berg", "Speaker 2"])
        .await;

    // A line goes to the other by a key, and back; the keys stay where they were.
    let speaker = |line: usize| shown(&stage, "Board.wav")["segments"][line]["speaker"].clone();
    assert_eq!(speaker(0), "Anna Berg");
    stage.element("[data-line]").await.focus().await.unwrap();
    press(&stage, Key::Home + "").await;
    press(&stage, "2").await;
    stage.until("the line is the other's", async || speaker(0) == "Speaker 2").await;
    let at = "return document.activeElement?.closest('[data-index]')?.dataset.index ?? 'nowhere'";
    stage.until("the keys are in the first line", async || stage.script(at, vec![]).await == "0").await;
    stage.picture("speakers-5-given").await;
    press(&stage, Key::Control + "z").await;
    stage.until("the line is hers again", async || speaker(0) == "Anna Berg").await;
    assert_eq!(words(&shown(&stage, "Board.wav")), said, "no word was lost or moved by all of this");

    // In another meeting the voice is known.
    meeting(&stage, "Review", &[3, 0, 4, 2]).await;
    stage.sees("Anna Berg?").await;
    stage.picture("speakers-6-suggestion").await;
    assert_eq!(stage.complaints().await, [""; 0]);
    assert!(
        !names(&shown(&stage, "Review.wav")).contains(&"Anna Berg".to_owned()),
        "nobody is named unasked"
    );
    stage.element("[data-line]").await.focus().await.unwrap();
    press(&stage, "a").await;
    stage
        .until("she is named", async || names(&shown(&stage, "Review.wav")).contains(&"Anna Berg".to_owned()))
        .await;

    // What leaves the app has the names.
    for (item, ending) in [("Markdown text", "md"), ("PDF document", "pdf")] {
        let target = stage.documents().join(format!("review.{ending}"));
        stage.click("Export").await;
        stage.click(item).await;
        stage.answer_dialog("Save the transcript", &target).await;
        stage.until("the file is there", async || target.exists()).await;
        let text = match ending {
            "md" => fs::read_to_string(&target).unwrap(),
            _ => {
                let text = program("pdftotext").arg(&target).arg("-").output().unwrap();
                String::from_utf8(text.stdout).unwrap()
            }
        };
        assert!(text.contains("Anna Berg") && text.contains("Speaker"), "{text}");
    }

    // Whoever is forgotten is known no more; the name stays where it was said.
    stage.click("People you know").await;
    stage.sees("Name sure ones without asking").await;
    stage.sees("2 voice samples").await;
    stage.picture("speakers-7-people").await;
    assert_eq!(stage.complaints().await, [""; 0]);
    stage.click("More about Anna Berg").await;
    stage.click("Forget…").await;
    stage.sees("Forgets the voice everywhere.").await;
    stage.click("Forget").await;
    stage
        .until("nobody is known", async || stage.cli(&["people"])["people"].as_array().unwrap().is_empty())
        .await;
    stage.sees("Nobody is known yet.").await;
    assert!(names(&shown(&stage, "Review.wav")).contains(&"Anna Berg".to_owned()));
    stage.close().await;
}
