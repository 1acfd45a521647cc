//! `meetmemo search` on what the real engine hears.

use crate::common::{MeetMemo, testdata};
use serde_json::Value;

/// Characters `from` to `to` of `text`.
fn part(text: &str, mark: &Value) -> String {
    let at = |index: usize| usize::try_from(mark[index].as_u64().unwrap()).unwrap();
    text.chars().skip(at(0)).take(at(1) - at(0)).collect()
}

#[test]
fn what_was_said_is_found_with_its_moment_and_its_words_marked() {
    let recording = testdata("librivox/sense_and_sensibility_01_austen_64kb-0890.wav");
    let meetmemo = MeetMemo::new();
    let meeting = meetmemo.transcribed(&recording);
    let job = meeting["job"]["id"].as_str().unwrap();
    let segments = meeting["transcript"]["segments"].as_array().unwrap();
    // A long word that was really heard.
    let words = segments.iter().flat_map(|segment| segment["words"].as_array().unwrap());
    let letters = |word: &Value| {
        let text = word["text"].as_str().unwrap().trim_matches(|c: char| !c.is_alphabetic()).to_owned();
        if text.chars().all(char::is_alphabetic) { text } else { String::new() }
    };
    let longest = words.max_by_key(|word| letters(word).len()).unwrap();
    let word = letters(longest);

    for query in [word.clone(), word.to_uppercase(), format!("{}*", &word[..4])] {
        let hits = meetmemo.json(&["search", &query]);
        let hit = &hits[0];
        assert_eq!(hit["job_id"], job, "{query}: {hits}");
        let passages = hit["passages"].as_array().unwrap();
        let marked = |passage: &Value| {
            let text = passage["text"].as_str().unwrap();
            passage["marks"]
                .as_array()
                .unwrap()
                .iter()
                .any(|mark| part(text, mark).eq_ignore_ascii_case(&word))
        };
        assert!(passages.iter().any(marked), "{query}: {hits}");
        assert!(passages.iter().all(|passage| passage["start_ms"].is_u64()), "{hits}");
    }
    let hits = meetmemo.json(&["search", &word]);
    let starts: Vec<_> =
        hits[0]["passages"].as_array().unwrap().iter().map(|p| p["play_ms"].as_u64()).collect();
    assert!(starts.contains(&longest["start_ms"].as_u64()), "{starts:?} has not the start of {longest}");

    assert_eq!(meetmemo.json(&["search", &word, "--tag", "none"]), serde_json::json!([]));
    assert_eq!(meetmemo.json(&["search", &format!("{} -{word}", &word)]), serde_json::json!([]));
    assert_eq!(meetmemo.json(&["search", &word, "--to", "1999"]), serde_json::json!([]));
    assert_eq!(
        meetmemo.json(&["search", &word, "--from", "yesterday", "--speaker", "Nobody"]),
        serde_json::json!([])
    );

    // As a person reads it.
    let said = meetmemo.run(&["search", &word]);
    assert_eq!(said.code, 0);
    assert!(said.out.contains(&job[..8]), "{}", said.out);

    meetmemo.json(&["rename", job, "Quarterly zebra review"]);
    let hits = meetmemo.json(&["search", "zebras"]);
    assert_eq!(hits[0]["job_id"], job, "the title, by its stem");
    assert_eq!(part("Quarterly zebra review", &hits[0]["title_marks"][0]), "zebra");
    meetmemo.json(&["delete", job]);
    assert_eq!(meetmemo.json(&["search", "zebras"]), serde_json::json!([]));
}

#[test]
fn a_search_that_makes_no_sense_is_no_error() {
    let meetmemo = MeetMemo::new();
    meetmemo.json(&["list"]);
    for query in [
        "'; DROP TABLE jobs; --",
        "\"\"\"",
        "a & | ! ( <-> :*",
        "…",
        "from:never x",
        "\u{301}\u{200d}",
        "%_\\",
    ] {
        assert_eq!(meetmemo.json(&["search", "--", query]), serde_json::json!([]), "{query}");
    }
    let said = meetmemo.run(&["search", "from:never", "budget"]);
    assert!(said.err.contains("“never” is not a day"), "{}", said.err);
    assert_eq!(meetmemo.json(&["list"]), serde_json::json!([]), "the tables are still there");
}
