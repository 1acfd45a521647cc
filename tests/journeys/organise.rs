//! Order in the library: selecting many, folders, tags, the trash and undo, notes and titles that two people change.

use crate::meetings::{job_id, open_meeting, recording};
use crate::test_app::{DEADLINE, TestApp};
use serde_json::Value;
use std::fs;
use std::time::{Duration, Instant};
use testing::{silence, speech, write_wav};
use thirtyfour::prelude::*;

/// Imports recordings with these titles, each of its own length, and waits until all are transcribed.
async fn meetings(app: &TestApp, titles: &[&str]) {
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

/// The titles in the list of the library, from top to bottom.
async fn listed(app: &TestApp) -> Vec<String> {
    let script =
        "return [...document.querySelectorAll('[data-meeting] .title')].map((title) => title.innerText)";
    let titles = app.run_script(script, vec![]).await;
    titles.as_array().unwrap().iter().map(|title| title.as_str().unwrap().to_owned()).collect()
}

async fn wait_for_list(app: &TestApp, titles: &[&str]) {
    let mut wanted: Vec<_> = titles.iter().map(|title| (*title).to_owned()).collect();
    wanted.sort();
    app.wait_until(&format!("the list shows {titles:?}"), async || {
        let mut shown = listed(app).await;
        shown.sort();
        shown == wanted
    })
    .await;
}

async fn row(app: &TestApp, title: &str) -> WebElement {
    let path = format!("//*[@data-meeting][.//*[normalize-space(.)=\"{title}\"]]");
    app.page().query(By::XPath(path)).wait(DEADLINE, Duration::from_millis(100)).first().await.unwrap()
}

/// Clicks rows while Ctrl is held.
async fn select(app: &TestApp, titles: &[&str]) {
    for title in titles {
        let row = row(app, title).await;
        let chain = app.page().action_chain().key_down(Key::Control).click_element(&row).key_up(Key::Control);
        chain.perform().await.unwrap();
    }
}

/// Clicks a place above the list.
async fn choose_place(app: &TestApp, name: &str) {
    let path = format!("//*[@role='treeitem'][.//*[normalize-space(.)=\"{name}\"]]");
    let place = app.page().query(By::XPath(path)).wait(DEADLINE, Duration::from_millis(100)).first().await;
    place.unwrap().click().await.unwrap();
}

async fn press(app: &TestApp, keys: impl Into<TypingData>) {
    app.page().active_element().await.unwrap().send_keys(keys.into()).await.unwrap();
}

/// The number of meetings in a list; none where the tag or the folder does not exist yet.
fn count(found: &Value) -> usize {
    found.as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn meetings_are_put_in_order_thrown_away_and_brought_back() {
    let mut app = TestApp::new();
    app.open(&[]).await;
    app.wait_for_text("Drop recordings here").await;
    meetings(&app, &["Budget", "Choir", "Standup", "Voice memo"]).await;
    wait_for_list(&app, &["Budget", "Choir", "Standup", "Voice memo"]).await;
    assert_eq!(app.run_script("return document.querySelectorAll('[role=tree]').length", vec![]).await, 0);
    app.screenshot("organise-1-nothing-yet").await;
    assert_eq!(app.accessibility_violations().await, [""; 0]);

    // Two meetings get a new tag, and are moved to a new folder.
    select(&app, &["Budget", "Standup"]).await;
    app.wait_for_text("2 selected").await;
    app.screenshot("organise-2-selected").await;
    assert_eq!(app.accessibility_violations().await, [""; 0]);
    app.click("Tags…").await;
    app.element("[aria-label='New tag']").await.send_keys("Important" + Key::Enter).await.unwrap();
    app.wait_until("both have the tag", async || count(&app.cli(&["list", "--tag", "Important"])) == 2).await;
    app.screenshot("organise-3-tags").await;
    assert_eq!(app.accessibility_violations().await, [""; 0]);
    app.click("Done").await;
    app.click("Move to…").await;
    app.click("New folder…").await;
    app.wait_for_text("2 meetings move to it.").await;
    let focused = "return document.activeElement?.matches('[role=dialog] input') === true";
    app.wait_until("the name has the focus", async || app.run_script(focused, vec![]).await == true).await;
    press(&app, "Work" + Key::Enter).await;
    app.wait_until("both are in the folder", async || count(&app.cli(&["list", "--folder", "Work"])) == 2)
        .await;
    app.wait_for_text("2 meetings are in “Work”.").await;
    app.screenshot("organise-4-places").await;
    assert_eq!(app.accessibility_violations().await, [""; 0]);

    // The folder filters the list, and the way back is beside its name.
    choose_place(&app, "Work").await;
    wait_for_list(&app, &["Budget", "Standup"]).await;
    app.screenshot("organise-5-folder").await;
    app.click("Show all meetings").await;
    wait_for_list(&app, &["Budget", "Choir", "Standup", "Voice memo"]).await;

    // Favourites, undone with the button.
    select(&app, &["Choir"]).await;
    app.click("Add to favourites").await;
    app.wait_until("there are favourites", async || count(&app.cli(&["list", "--favourite"])) > 0).await;
    app.click("Undo").await;
    app.wait_until("there are none", async || count(&app.cli(&["list", "--favourite"])) == 0).await;

    // Two with the same title are exported to one folder.
    let choirs = ["Choir", "Voice memo"].map(|name| job_id(&app, &format!("{name}.wav")));
    for id in &choirs {
        app.cli(&["rename", id, "Rehearsal"]);
    }
    wait_for_list(&app, &["Budget", "Rehearsal", "Rehearsal", "Standup"]).await;
    app.click("End the selection").await;
    app.click("Select several").await;
    for id in &choirs {
        app.element(&format!("[data-meeting='{id}']")).await.click().await.unwrap();
    }
    app.click("More for the selected meetings").await;
    app.click("Export…").await;
    app.element("input[type=radio][value='markdown_transcript']").await.click().await.unwrap();
    app.click("Export to a folder…").await;
    let folder = app.documents().join("exports");
    fs::create_dir(&folder).unwrap();
    app.answer_folder_dialog("Choose a folder for the exports", &folder).await;
    app.wait_for_text("2 meetings were exported to “exports”.").await;
    app.screenshot("organise-5-exported").await;
    assert!(folder.join("Rehearsal.md").exists() && folder.join("Rehearsal (2).md").exists());
    app.click("End the selection").await;
    app.cli(&["rename", &choirs[0], "Choir"]);
    app.cli(&["rename", &choirs[1], "Voice memo"]);
    wait_for_list(&app, &["Budget", "Choir", "Standup", "Voice memo"]).await;

    // All go to the trash with one key, and come back with another.
    row(&app, "Choir").await.click().await.unwrap();
    press(&app, Key::Control + "a").await;
    app.wait_for_text("4 selected").await;
    press(&app, Key::Delete + "").await;
    app.wait_for_text("4 meetings are in the trash.").await;
    assert_eq!(count(&app.cli(&["trash"])), 4);
    app.screenshot("organise-6-trashed").await;
    assert_eq!(app.accessibility_violations().await, [""; 0]);
    press(&app, Key::Control + "z").await;
    wait_for_list(&app, &["Budget", "Choir", "Standup", "Voice memo"]).await;
    assert_eq!(count(&app.cli(&["list", "--tag", "Important"])), 2, "undo brings back tags and folders, too");

    // One is thrown away and restored from the page of the trash, another is deleted for good.
    for title in ["Choir", "Voice memo"] {
        row(&app, title).await.click().await.unwrap();
        press(&app, Key::Delete + "").await;
        app.wait_for_text(&format!("“{title}” is in the trash.")).await;
    }
    wait_for_list(&app, &["Budget", "Standup"]).await;
    choose_place(&app, "Trash").await;
    app.wait_for_text("Meetings stay here for 30 days").await;
    app.screenshot("organise-7-trash").await;
    assert_eq!(app.accessibility_violations().await, [""; 0]);
    app.click("Restore “Choir”").await;
    wait_for_list(&app, &["Budget", "Choir", "Standup"]).await;
    let gone = app.cli(&["trash"])[0]["id"].as_str().unwrap().to_owned();
    app.click("Delete “Voice memo” now").await;
    app.wait_for_text("This cannot be undone.").await;
    app.click("Delete for good").await;
    app.wait_for_text("The trash is empty.").await;
    app.wait_until("its audio is deleted", async || !app.data_folder().join("library").join(&gone).exists())
        .await;
    assert!(app.documents().join("Voice memo.wav").exists(), "the user's file must stay");

    // The order of the list is remembered.
    app.click("Group and sort").await;
    let by_title = By::XPath("//*[@role='menuitemradio'][normalize-space(.)='Title']");
    let choice = app.page().query(by_title).wait(DEADLINE, Duration::from_millis(100)).first().await.unwrap();
    choice.click().await.unwrap();
    app.wait_until("the list is sorted by title", async || {
        listed(&app).await == ["Budget", "Choir", "Standup"]
    })
    .await;
    app.wait_until("that is stored", async || {
        fs::read_to_string(app.data_folder().join("window.json")).is_ok_and(|text| text.contains("\"title\""))
    })
    .await;
    app.close().await;
}

#[tokio::test]
async fn changes_of_somebody_else_appear_and_nothing_is_lost() {
    let mut app = TestApp::new();
    app.open(&[]).await;
    app.wait_for_text("Drop recordings here").await;
    let file = recording(&app, "Budget.wav", 6);
    app.cli(&["import", file.to_str().unwrap()]);
    app.wait_until("it is transcribed", async || count(&app.cli(&["list", "--status", "completed"])) == 1)
        .await;
    let id = job_id(&app, "Budget.wav");

    // The command line makes a folder and a tag, and the window shows them.
    app.cli(&["folder", "add", "Work"]);
    let made = Instant::now();
    app.wait_for_text("Work").await;
    // The goal is one second.
    assert!(made.elapsed() < Duration::from_secs(10), "{:?}", made.elapsed());
    app.cli(&["folder", "put", &id, "Work"]);
    app.cli(&["tag", &id, "Important"]);
    app.wait_for_text("Important").await;

    // A note is saved by itself.
    open_meeting(&app, "Budget").await;
    app.click("Notes").await;
    let note = app.element("[aria-label='Note']").await;
    note.send_keys("The hall is **booked**.").await.unwrap();
    app.wait_until("the note is stored", async || {
        app.cli(&["note", &id])["text"].as_str().is_some_and(|text| text.contains("**booked**"))
    })
    .await;
    app.wait_for_text("Saved").await;
    // The row of the meeting says that there is a note.
    app.wait_until("the row says so", async || {
        let row = "return document.querySelector('[data-meeting]').textContent";
        app.run_script(row, vec![]).await.as_str().unwrap_or_default().contains("Has a note")
    })
    .await;
    app.click("Read").await;
    app.element(".markdown strong").await;
    app.screenshot("organise-8-note").await;
    assert_eq!(app.accessibility_violations().await, [""; 0]);

    // Somebody else changes it: what is only read changes, what is being written is not overwritten.
    app.cli(&["note", &id, "--set", "From the command line"]);
    app.wait_for_text("From the command line").await;
    app.click("Write").await;
    let note = app.element("[aria-label='Note']").await;
    // Typing goes on without a pause, so that nothing is saved before the other change.
    let typing = "const field = arguments[0]; let count = 0; field.focus();
        window.typing = setInterval(() => {
            field.value = `Mine ${++count}`;
            field.dispatchEvent(new Event('input', { bubbles: true }));
        }, 100)";
    app.page().execute(typing, vec![note.to_json().unwrap()]).await.unwrap();
    app.cli(&["note", &id, "--set", "Theirs"]);
    app.wait_for_text("Choose which text stays").await;
    app.run_script("clearInterval(window.typing)", vec![]).await;
    assert_eq!(app.cli(&["note", &id])["text"], "Theirs");
    app.screenshot("organise-9-two-texts").await;
    assert_eq!(app.accessibility_violations().await, [""; 0]);
    app.click("Keep both").await;
    app.wait_until("both texts are stored", async || {
        let text = app.cli(&["note", &id])["text"].as_str().unwrap_or_default().to_owned();
        text.contains("Mine") && text.contains("Theirs")
    })
    .await;

    // A title that somebody else changes while it is edited here.
    app.element("h1 button").await.click().await.unwrap();
    let field = app.element("input[aria-label='Title']").await;
    field.send_keys(Key::Control + "a").await.unwrap();
    field.send_keys("My title").await.unwrap();
    app.cli(&["rename", &id, "Their title"]);
    field.send_keys(Key::Enter + "").await.unwrap();
    app.wait_for_text("Their title").await;
    app.wait_for_text("Use your title").await;
    app.screenshot("organise-10-two-titles").await;
    assert_eq!(app.accessibility_violations().await, [""; 0]);
    app.click("Use your title").await;
    app.wait_until("the archive has it", async || app.cli(&["list"])[0]["title"] == "My title").await;

    // What somebody else throws away leaves the window, and importing its file brings it back.
    app.cli(&["delete", &id]);
    app.wait_for_text("Drop recordings here").await;
    app.invoke("import_paths", serde_json::json!({ "paths": [&file] })).await.unwrap();
    app.wait_for_text("was in the trash and is back in your library").await;
    app.screenshot("organise-11-back").await;
    app.close().await;
}
