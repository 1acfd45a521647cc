//! Small files that once went wrong, from `../shared/cases`. Whether each is right is tested through the program
//! (`cli/tests/suite/cases.rs`).

use crate::listening::{check_entries, check_times, read_whole};
use media::{Reader, Sound, Tools};
use std::path::PathBuf;

/// Each file, and whether the program refuses it.
fn cases() -> Option<Vec<(PathBuf, bool)>> {
    let folder = testing::shared("cases")?;
    let text = std::fs::read_to_string(folder.join("cases.json")).unwrap();
    // Two facts of each are not worth a JSON reader.
    let case = |case: &str| {
        let (file, facts) = case.split_once('"').unwrap();
        (folder.join(file), facts.contains("\"note\": \"refused\""))
    };
    let cases: Vec<(PathBuf, bool)> = text.split("\"file\": \"").skip(1).map(case).collect();
    assert!(!cases.is_empty(), "cases.json names no file");
    Some(cases)
}

#[test]
fn the_ear_and_the_text_agree() {
    let Some(cases) = cases() else { return };
    let tools = Tools::find();
    for (path, refused) in cases {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if let Err(error) = Reader::open(&path, &tools) {
            assert!(refused, "{name}: {error}");
            continue;
        }
        let (read, index) = read_whole(&path, &tools);
        let sound = Sound::new(&path, &tools, Some(&index), None).unwrap();
        let whole = check_times(&name, &sound, &read);
        check_entries(&name, &sound, &whole, 20.0);
    }
}
