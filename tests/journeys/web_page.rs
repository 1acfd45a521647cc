//! An exported web page in WebKit's own browser: reading, finding, and playing the reader's own copy of the recording.

use crate::meetings::{job_id, job_status};
use crate::test_app::TestApp;
use serde_json::{Value, json};
use testing::{clips, samples, silence, write_wav};
use thirtyfour::prelude::*;

#[tokio::test]
async fn an_exported_web_page_is_read_searched_and_played_in_a_browser() {
    let mut app = TestApp::new();
    app.open(&[]).await;
    app.wait_for_text("Drop recordings here").await;
    let recording = app.documents().join("Tides.wav");
    let spoken: Vec<u8> = clips().iter().flat_map(|clip| [samples(clip), silence(0.8)].concat()).collect();
    write_wav(&recording, &spoken);
    app.cli(&["import", recording.to_str().unwrap()]);
    app.wait_until("it is transcribed", async || job_status(&app, "Tides.wav") == "completed").await;
    let id = job_id(&app, "Tides.wav");
    let transcript = app.cli(&["show", &id])["transcript"].clone();
    let page = app.documents().join("tides.html");
    app.cli(&["export", &id, "--type", "html", "--output", page.to_str().unwrap()]);
    app.close().await;

    app.open_browser().await;
    app.page().goto(&format!("file://{}", page.display())).await.unwrap();
    let lines = "return [...document.querySelectorAll('.line')].map((line) => line.textContent)";
    let segments = transcript["segments"].as_array().unwrap();
    let texts: Vec<&Value> = segments.iter().map(|segment| &segment["text"]).collect();
    assert_eq!(app.run_script(lines, vec![]).await, json!(texts));
    assert_eq!(app.accessibility_violations().await, Vec::<String>::new());
    app.screenshot("web-page").await;

    // Find: the last word of the last line.
    let last = texts.last().unwrap().as_str().unwrap();
    let word = last.split_whitespace().last().unwrap();
    app.element("#find input").await.send_keys(word).await.unwrap();
    let count = app.element("#find output").await.text().await.unwrap();
    let whole = texts.iter().map(|text| text.as_str().unwrap().to_lowercase()).collect::<Vec<_>>();
    let expected: usize = whole.iter().map(|text| text.matches(&word.to_lowercase()).count()).sum();
    assert!(count.ends_with(&format!(" / {expected}")), "{count}");

    // Play: first there is no sound, then the reader chooses the file and clicks a line.
    app.element("#player input").await.send_keys(recording.to_str().unwrap()).await.unwrap();
    app.wait_until("lines can be played", async || {
        app.run_script("return document.body.classList.contains('sound')", vec![]).await == json!(true)
    })
    .await;
    let third = segments[2]["start_ms"].as_f64().unwrap() / 1000.0;
    app.element("#line-2").await.click().await.unwrap();
    // On a slow computer a line may be over before it is looked at.
    let state = "return [document.querySelector('audio').currentTime,
        [...document.querySelectorAll('.line')].findIndex((line) => line.classList.contains('now'))]";
    app.wait_until("the third line plays", async || {
        let state = app.run_script(state, vec![]).await;
        state[0].as_f64() > Some(third) && state[1].as_i64() >= Some(2)
    })
    .await;
    // With the keyboard.
    app.run_script("document.querySelector('.time').focus()", vec![]).await;
    app.page().active_element().await.unwrap().send_keys(Key::Enter + "").await.unwrap();
    app.wait_until("the first line plays", async || {
        let state = app.run_script(state, vec![]).await;
        state[0].as_f64() < Some(third) && (0..2).contains(&state[1].as_i64().unwrap_or(-1))
    })
    .await;
    app.screenshot("web-page-playing").await;
}
