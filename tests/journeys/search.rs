//! Search in the archive, finding in a meeting, and the palette.

use crate::meetings::{expose_audio, job_id, job_status, open_meeting, playback_position};
use crate::test_app::TestApp;
use serde_json::Value;
use std::path::PathBuf;
use testing::{clips, samples, silence, testdata, write_wav};
use thirtyfour::prelude::*;

/// A word of a transcript that occurs once, and no other word begins like it.
struct SpokenWord {
    text: String,
    start_seconds: f64,
    /// The text of its segment.
    segment: String,
}

/// Imports and transcribes “Tides”, in which every clip of the test data is said once, and “Harbour” with other words.
/// Returns their transcripts.
async fn two_meetings(app: &TestApp) -> [Value; 2] {
    let cards = testdata("cards");
    let other: Vec<PathBuf> = (1..=5).map(|number| cards.join(format!("00{number}.wav"))).collect();
    for (name, parts) in [("Tides.wav", clips()), ("Harbour.wav", other)] {
        let spoken: Vec<u8> = parts.iter().flat_map(|part| [samples(part), silence(0.8)].concat()).collect();
        let file = app.documents().join(name);
        write_wav(&file, &spoken);
        app.cli(&["import", file.to_str().unwrap()]);
        app.wait_until("it is transcribed", async || job_status(app, name) == "completed").await;
    }
    ["Tides.wav", "Harbour.wav"].map(|name| app.cli(&["show", &job_id(app, name)])["transcript"].clone())
}

/// Presses keys where the focus is.
async fn press(app: &TestApp, keys: impl Into<TypingData>) {
    app.page().active_element().await.unwrap().send_keys(keys.into()).await.unwrap();
}

/// Presses a key with Shift and Ctrl held.
async fn press_with_shift_and_control(app: &TestApp, key: char) {
    let chain = app.page().action_chain();
    let chain = chain.key_down(Key::Control).key_down(Key::Shift).send_keys(key.to_string());
    chain.key_up(Key::Shift).key_up(Key::Control).perform().await.unwrap();
}

/// The lower-case letters of a word.
fn letters(word: &Value) -> String {
    let text = word["text"].as_str().unwrap_or_default();
    text.chars().filter(|letter| letter.is_alphabetic()).collect::<String>().to_lowercase()
}

/// The words of a transcript with their segments.
fn words_of(transcript: &Value) -> Vec<(&Value, &Value)> {
    let segments = transcript["segments"].as_array().unwrap().iter();
    segments
        .flat_map(|segment| segment["words"].as_array().unwrap().iter().map(move |word| (segment, word)))
        .collect()
}

/// The longest word that [`SpokenWord`] describes and that is not in `other`, after the first seconds.
fn rare_word(transcript: &Value, other: &Value) -> SpokenWord {
    let words = words_of(transcript);
    let plain: Vec<String> = words.iter().map(|(_, word)| letters(word)).collect();
    let elsewhere: Vec<String> = words_of(other).iter().map(|(_, word)| letters(word)).collect();
    let is_rare = |word: &str| {
        let count = |all: &[String]| all.iter().filter(|other| other.starts_with(word)).count();
        count(&plain) == 1 && count(&elsewhere) == 0
    };
    let fits = |word: &Value, plain: &str| {
        let written = word["text"].as_str().unwrap_or_default().to_lowercase();
        word["start_ms"].as_f64().unwrap() > 3_000.0 && written.contains(plain)
    };
    let (at, _) = plain
        .iter()
        .enumerate()
        .filter(|(at, word)| fits(words[*at].1, word) && word.is_ascii() && is_rare(word))
        .max_by_key(|(_, word)| word.len())
        .expect("some word is said once");
    let (segment, word) = words[at];
    SpokenWord {
        text: plain[at].clone(),
        start_seconds: word["start_ms"].as_f64().unwrap() / 1_000.0,
        segment: segment["text"].as_str().unwrap().to_owned(),
    }
}

/// Types into the search from anywhere in the window.
async fn search(app: &TestApp, text: &str) {
    press_with_shift_and_control(app, 'f').await;
    let field = app.element("input[role=searchbox]").await;
    app.wait_until("the field has the focus", async || {
        let focused = "return document.activeElement?.getAttribute('role') === 'searchbox'";
        app.run_script(focused, vec![]).await == true
    })
    .await;
    field.send_keys(Key::Control + "a").await.unwrap();
    field.send_keys(text).await.unwrap();
}

/// The texts of the elements that match a selector.
async fn texts(app: &TestApp, selector: &str) -> Vec<String> {
    let script = "return [...document.querySelectorAll(arguments[0])].map((one) => one.textContent.trim())";
    let found = app.run_script(script, vec![selector.into()]).await;
    found.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_is_said_is_found_played_and_marked() {
    let mut app = TestApp::new();
    app.open(&[]).await;
    app.wait_for_text("Drop recordings here").await;
    expose_audio(&app).await;
    let [transcript, other] = two_meetings(&app).await;
    let word = rare_word(&transcript, &other);

    // Typing finds it.
    search(&app, &word.text).await;
    app.wait_until("the word is marked", async || {
        texts(&app, ".passage mark").await.iter().any(|mark| mark.to_lowercase().starts_with(&word.text))
    })
    .await;
    app.screenshot("search-1-results").await;
    assert_eq!(app.accessibility_violations().await, [""; 0]);

    // The keys go to the passage and play it from the word.
    press(&app, Key::Down + "").await;
    app.wait_until("a passage has the focus", async || {
        let row = "return document.activeElement?.classList.contains('passage') ?? false";
        app.run_script(row, vec![]).await == true
    })
    .await;
    press(&app, Key::Enter + "").await;
    app.wait_until("it plays", async || playback_position(&app).await > word.start_seconds - 0.3).await;
    let position = playback_position(&app).await;
    assert!(position < word.start_seconds + 3.0, "{position} s instead of {} s", word.start_seconds);
    app.wait_until("the place is marked", async || {
        let marked =
            "return document.querySelector('mark.strong')?.closest('[data-text]')?.textContent ?? ''";
        app.run_script(marked, vec![]).await.as_str().unwrap().trim() == word.segment.trim()
    })
    .await;
    app.click("Pause").await;
    app.screenshot("search-2-place").await;
    assert_eq!(app.accessibility_violations().await, [""; 0]);

    // The results are still there, with the focus where it was; the mark goes with the search.
    app.element("[data-line]").await.focus().await.unwrap();
    press(&app, Key::Alt + (Key::Left + "")).await;
    app.wait_until("the passage has the focus again", async || {
        let row = "return document.activeElement?.classList.contains('passage') ?? false";
        app.run_script(row, vec![]).await == true
    })
    .await;
    press(&app, Key::Escape + "").await;
    press(&app, Key::Escape + "").await;
    app.wait_until("the search is cleared", async || texts(&app, "mark").await.is_empty()).await;

    filters(&app, &word).await;
    corrections(&app, &word).await;
    app.close().await;
}

/// Filters as controls and as words.
async fn filters(app: &TestApp, word: &SpokenWord) {
    search(app, &word.text).await;
    app.wait_for_text("Found in 1 meeting").await;
    app.click("Filters").await;
    app.element("input[type=checkbox]").await.click().await.unwrap();
    app.wait_for_text("Nothing found for").await;
    let typed = "return document.querySelector('input[role=searchbox]').value";
    assert_eq!(app.run_script(typed, vec![]).await, format!("is:favourite {}", word.text));
    app.screenshot("search-3-filters").await;
    assert_eq!(app.accessibility_violations().await, [""; 0]);
    app.click("Search without filters").await;
    app.wait_for_text("Found in 1 meeting").await;
    search(app, &format!("is:favourite longer:10s {}", word.text)).await;
    app.wait_for_text("Nothing found for").await;
    // A change from elsewhere appears in the results.
    app.cli(&["favourite", &job_id(app, "Tides.wav")]);
    app.wait_for_text("Found in 1 meeting").await;
    app.click("Remove the filter “Longer than 10s”").await;
    app.wait_until("the filter is gone", async || {
        app.run_script(typed, vec![]).await == format!("is:favourite {}", word.text)
    })
    .await;
    app.click("Filters").await;
}

/// A typing error is corrected: first by a question, and by itself where nothing else is found.
async fn corrections(app: &TestApp, word: &SpokenWord) {
    let wrong = format!("{}q{}", &word.text[..2], &word.text[2..]);
    // The words of the archive are counted in the background.
    let meant = format!("“{}”", word.text);
    let end = std::time::Instant::now() + crate::test_app::DEADLINE;
    loop {
        search(app, &format!("{wrong} ")).await;
        app.wait_until("it is answered", async || {
            let text = app.page_text().await;
            text.contains("Nothing was found for") || text.contains("Nothing found for")
        })
        .await;
        if app.page_text().await.contains(&meant) {
            break;
        }
        assert!(std::time::Instant::now() < end, "nothing is suggested for {wrong}");
    }
    app.wait_until("what was meant is found", async || {
        texts(app, ".passage mark").await.iter().any(|mark| mark.to_lowercase() == word.text)
    })
    .await;
    app.screenshot("search-4-meant").await;
    press(app, Key::Escape + "").await;
}

#[tokio::test]
async fn words_are_found_in_a_meeting_and_the_palette_goes_anywhere() {
    let mut app = TestApp::new();
    app.open(&[]).await;
    app.wait_for_text("Drop recordings here").await;
    let [transcript, other] = two_meetings(&app).await;
    let text: Vec<&str> =
        transcript["segments"].as_array().unwrap().iter().map(|one| one["text"].as_str().unwrap()).collect();
    let count = text.join("\n").to_lowercase().matches("he").count();
    assert!(count > 1, "{text:?}");

    // Ctrl+F counts all hits and goes from one to the next.
    open_meeting(&app, "Tides").await;
    app.element("[data-line]").await.focus().await.unwrap();
    press(&app, Key::Control + "f").await;
    let field = app.element("[data-own-keys] input").await;
    field.send_keys("he").await.unwrap();
    app.wait_for_text(&format!("1 of {count}")).await;
    press(&app, Key::Enter + "").await;
    app.wait_for_text(&format!("2 of {count}")).await;
    app.screenshot("search-5-find").await;
    assert_eq!(app.accessibility_violations().await, [""; 0]);
    app.click("Whole words").await;
    app.wait_until("only whole words are marked", async || {
        let marks = texts(&app, "mark").await;
        !marks.is_empty() && marks.len() < count
    })
    .await;
    field.send_keys(Key::Escape + "").await.unwrap();
    app.wait_until("the line that was found has the focus", async || {
        app.run_script("return document.activeElement?.hasAttribute('data-line') ?? false", vec![]).await
            == true
    })
    .await;
    assert!(texts(&app, "mark").await.is_empty());

    // Ctrl+K opens another meeting, runs a command, and finds what is said.
    palette(&app, "harb").await;
    app.wait_until("the meeting is offered", async || {
        texts(&app, "[role=option][aria-selected=true] .label").await == ["Harbour"]
    })
    .await;
    app.screenshot("search-6-palette").await;
    assert_eq!(app.accessibility_violations().await, [""; 0]);
    press(&app, Key::Enter + "").await;
    let heading = "return document.querySelector('h1')?.textContent.trim() ?? ''";
    app.wait_until("the meeting is open", async || app.run_script(heading, vec![]).await == "Harbour").await;
    palette(&app, "people").await;
    press(&app, Key::Enter + "").await;
    app.wait_until("the page is open", async || app.run_script(heading, vec![]).await == "People").await;
    let word = rare_word(&transcript, &other);
    palette(&app, &word.text).await;
    app.wait_for_text("Said in meetings").await;
    let said = format!("//*[@role='option'][contains(., \"{}\")]", word.segment.trim());
    app.page().find(By::XPath(said)).await.unwrap().click().await.unwrap();
    app.wait_until("the place is marked", async || {
        texts(&app, "mark.strong").await.iter().any(|mark| mark.to_lowercase() == word.text)
    })
    .await;
    app.close().await;
}

/// Opens the palette and types into it.
async fn palette(app: &TestApp, text: &str) {
    press(app, Key::Control + "k").await;
    app.element("[role=dialog] input[role=combobox]").await.send_keys(text).await.unwrap();
}
