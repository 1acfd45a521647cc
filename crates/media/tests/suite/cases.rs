//! Small files that once failed, from `../shared/cases`. Their length, words and notes are tested through the program
//! (`cli/tests/suite/cases.rs`).

use crate::playback::{check_positions, check_times, read_whole};
use media::{Playback, Reader, Tools};
use std::path::PathBuf;

/// Each file, and whether the program refuses it.
fn cases() -> Option<Vec<(PathBuf, bool)>> {
    let folder = testing::shared("cases")?;
    let text = std::fs::read_to_string(folder.join("cases.json")).unwrap();
    // For two facts of each file, no JSON reader is needed.
    let case = |case: &str| {
        let (file, facts) = case.split_once('"').unwrap();
        (folder.join(file), facts.contains("\"note\": \"refused\""))
    };
    let cases: Vec<(PathBuf, bool)> = text.split("\"file\": \"").skip(1).map(case).collect();
    assert!(!cases.is_empty(), "cases.json names no file");
    Some(cases)
}

#[test]
fn playback_and_reading_agree() {
    let Some(cases) = cases() else { return };
    let tools = Tools::find();
    for (path, refused) in cases {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if let Err(error) = Reader::open(&path, &tools) {
            assert!(refused, "{name}: {error}");
            continue;
        }
        let (read, index) = read_whole(&path, &tools);
        let sound = Playback::new(&path, &tools, Some(&index), None).unwrap();
        let whole = check_times(&name, &sound, &read);
        check_positions(&name, &sound, &whole, 20.0);
    }
}
