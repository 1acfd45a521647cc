//! Small files that earlier versions handled wrongly, with the expected result of each: `../shared/cases`.

use crate::common::{MeetMemo, program, shared, words};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

/// The folder, and the expected results.
fn cases() -> Option<(PathBuf, Vec<Value>)> {
    let folder = shared("cases")?;
    let text = fs::read_to_string(folder.join("cases.json")).unwrap();
    let cases: Value = serde_json::from_str(&text).unwrap();
    let cases = cases.as_array().or_else(|| cases["cases"].as_array()).unwrap().clone();
    assert!(!cases.is_empty(), "cases.json names no file");
    Some((folder, cases))
}

fn needs_ffmpeg(case: &Value) -> bool {
    case["why"].as_str().unwrap().contains("needs ffmpeg")
}

/// How the result of an imported file differs from `case`; `row` is its row in the output of `import`.
fn faults(app: &MeetMemo, case: &Value, row: &Value) -> Vec<String> {
    if case["note"] == "refused" {
        let sentence = row["error"].as_str().unwrap_or_default();
        let refused = row["job_id"].is_null() && sentence.starts_with(case["file"].as_str().unwrap());
        return if refused { Vec::new() } else { vec![format!("not refused: {row}")] };
    }
    let Some(job) = row["job_id"].as_str() else { return vec![format!("no recording: {row}")] };
    let meeting = app.show(job);
    let mut faults = Vec::new();
    if row["status"] != "completed" {
        faults.push(format!("{row}"));
    }
    let seconds = meeting["job"]["duration_ms"].as_f64().unwrap_or_default() / 1000.0;
    let [from, to] = [0, 1].map(|i| case["duration_s"][i].as_f64().unwrap());
    if seconds < from - 0.0005 || seconds > to + 0.0005 {
        faults.push(format!("{seconds} s instead of {from} to {to}"));
    }
    let found = words(&meeting);
    if found.len() < usize::try_from(case["words_at_least"].as_u64().unwrap()).unwrap() {
        let text: Vec<&str> = found.iter().map(|(_, _, word)| word.as_str()).collect();
        faults.push(format!("{} words: {}", found.len(), text.join(" ")));
    }
    if let Some(due) = case["first_word_ms"].as_i64() {
        let begins = found.first().map_or(-1, |(start, _, _)| i64::try_from(*start).unwrap());
        if (begins - due).abs() > 250 {
            faults.push(format!("the first word at {begins} ms"));
        }
    }
    let note = &meeting["job"]["media_note"];
    match case["note"].as_str().unwrap() {
        "none" if !note.is_null() => faults.push(format!("a note: {note}")),
        "must" if note.is_null() => faults.push("no note".to_owned()),
        _ => {}
    }
    faults
}

#[test]
fn every_case_has_the_expected_result() {
    let Some((folder, cases)) = cases() else { return };
    // Some of the files need it.
    program("ffmpeg");
    let app = MeetMemo::new();
    let rows = app.run(&["--json", "import", "--wait", folder.to_str().unwrap()]).json();
    let mut wrong = Vec::new();
    for case in &cases {
        let file = case["file"].as_str().unwrap();
        let is_row = |row: &&Value| row["path"].as_str().is_some_and(|path| path.ends_with(file));
        let row = rows.as_array().unwrap().iter().find(is_row).unwrap_or(&Value::Null);
        let faults = faults(&app, case, row);
        if !faults.is_empty() {
            wrong.push(format!("{file}: {}", faults.join("; ")));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn without_ffmpeg_a_sentence_says_that_it_is_needed() {
    let Some((folder, cases)) = cases() else { return };
    let nothing = tempfile::tempdir().unwrap();
    let app = MeetMemo::new().with("PATH", nothing.path());
    let foreign: Vec<&Value> = cases.iter().filter(|case| needs_ffmpeg(case)).collect();
    assert!(!foreign.is_empty(), "no case needs ffmpeg");
    for case in foreign {
        let file = case["file"].as_str().unwrap();
        let output = app.run(&["--json", "import", "--wait", folder.join(file).to_str().unwrap()]);
        let rows = output.json();
        let sentence = rows[0]["error"].as_str().unwrap_or_default();
        assert!(sentence.starts_with(file) && sentence.contains("ffmpeg"), "{rows}");
    }
}
