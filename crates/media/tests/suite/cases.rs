//! Small files that once went wrong, from `../shared/cases`: skipped, aloud, where that folder is not. Whether each is
//! right is tested through the program (`cli/tests/suite/cases.rs`).

use crate::listening::{check_entries, check_times, read_whole};
use media::{Reader, Sound, Tools};
use std::path::{Path, PathBuf};

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/cases");
    let Ok(entries) = std::fs::read_dir(folder) else {
        eprintln!("skipped: ../shared is not here");
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|e| e != "json" && e != "md")).collect()
}

#[test]
fn the_ear_and_the_text_agree() {
    let tools = Tools::find();
    for path in cases() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if Reader::open(&path, &tools).is_err() {
            continue;
        }
        let (read, index) = read_whole(&path, &tools);
        let sound = Sound::new(&path, &tools, Some(&index), None).unwrap();
        let whole = check_times(&name, &sound, &read);
        check_entries(&name, &sound, &whole, 20.0);
    }
}
