//! The models folder: listing, removing, and detecting changed files.

use crate::gguf_builder::Gguf;
use models::{Cancel, Entry, Folder, FolderError, ImportMode, Installed, ModelId, import};
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

struct Stage {
    place: TempDir,
    folder: Folder,
    id: ModelId,
}

/// A folder with one model, `mine`.
fn stage(mode: ImportMode) -> (Stage, Installed) {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::at(place.path().join("models"));
    let path = place.path().join("mine.gguf");
    fs::write(&path, Gguf::of("whisper").bytes()).unwrap();
    let installed = import(&folder, &path, mode, &mut |_| {}, &Cancel::new()).unwrap();
    (Stage { place, folder, id: "mine".parse().unwrap() }, installed)
}

impl Stage {
    fn sidecar(&self) -> PathBuf {
        self.folder.path().join("mine.json")
    }

    fn why(&self) -> String {
        match self.folder.installed().unwrap().as_slice() {
            [Entry::Damaged { id, why }] => {
                assert_eq!(*id, self.id);
                why.clone()
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_missing_folder_is_empty_and_is_not_created() {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::at(place.path().join("none"));
    let id = "x".parse().unwrap();
    assert!(folder.installed().unwrap().is_empty());
    assert!(folder.partials().unwrap().is_empty());
    assert!(matches!(folder.current(&id), Err(FolderError::Unknown)));
    assert!(matches!(folder.remove(&id), Err(FolderError::Unknown)));
    assert!(matches!(folder.set_facts(&id, serde_json::json!(1)), Err(FolderError::Unknown)));
    assert!(folder.entry(&id).is_none());
    assert!(!folder.path().exists());
}

#[test]
fn facts_are_stored_in_the_sidecar() {
    let (stage, installed) = stage(ImportMode::Copy);
    assert_eq!(installed.facts, None);
    let facts = serde_json::json!({ "languages": ["en"], "streams": false });
    stage.folder.set_facts(&stage.id, facts.clone()).unwrap();
    let current = stage.folder.current(&stage.id).unwrap();
    assert_eq!(current.facts, Some(facts));
    assert_eq!(stage.folder.installed().unwrap(), [Entry::Ok(Box::new(current))]);
}

#[test]
fn a_missing_or_changed_file_is_detected() {
    for mode in [ImportMode::Copy, ImportMode::Link] {
        let (stage, installed) = stage(mode);
        let content = fs::read(&installed.file).unwrap();
        // Another time and the same content: the file is hashed and accepted.
        let later = SystemTime::now() + Duration::from_secs(5);
        fs::File::options().write(true).open(&installed.file).unwrap().set_modified(later).unwrap();
        let again = stage.folder.current(&stage.id).unwrap();
        assert_eq!(again.sha256, installed.sha256);
        assert_eq!(stage.folder.entry(&stage.id), Some(Entry::Ok(Box::new(again))));
        // The same length and other content.
        let mut other = content.clone();
        other[600] ^= 1;
        fs::write(&installed.file, &other).unwrap();
        let message = stage.folder.verify(&stage.id, &mut |_| {}, &Cancel::new()).unwrap_err().to_string();
        assert!(message.contains("has changed since it was installed"), "{message}");
        fs::write(&installed.file, &content[..100]).unwrap();
        assert!(stage.why().contains("has changed since"));
        assert!(matches!(stage.folder.current(&stage.id), Err(FolderError::Damaged(_))));
        fs::remove_file(&installed.file).unwrap();
        let why = stage.why();
        match mode {
            ImportMode::Copy => assert!(why.starts_with("Its file is gone from the models folder."), "{why}"),
            ImportMode::Link => assert!(why.starts_with("Its file is no longer at /"), "{why}"),
        }
        stage.folder.remove(&stage.id).unwrap();
        assert!(stage.folder.installed().unwrap().is_empty());
    }
}

#[test]
fn removing_deletes_a_copy_and_never_a_linked_file() {
    let (copied, installed) = stage(ImportMode::Copy);
    copied.folder.remove(&copied.id).unwrap();
    assert!(!installed.file.exists() && !copied.sidecar().exists());
    assert!(copied.place.path().join("mine.gguf").exists());
    let (linked, installed) = stage(ImportMode::Link);
    assert!(installed.linked);
    linked.folder.remove(&linked.id).unwrap();
    assert!(installed.file.exists() && !linked.sidecar().exists());
    assert!(matches!(linked.folder.remove(&linked.id), Err(FolderError::Unknown)));
}

#[test]
fn a_model_with_an_unreadable_sidecar_is_damaged_and_can_be_removed() {
    let (stage, installed) = stage(ImportMode::Copy);
    let good = fs::read_to_string(stage.sidecar()).unwrap();
    let outside = stage.place.path().join("mine.gguf");
    for text in [
        String::new(),
        "null".to_owned(),
        good[..good.len() / 2].to_owned(),
        good.replace("\"mine\"", "\"other\""),
        // A copy outside the folder is never accepted.
        good.replace("\"mine.gguf\"", "\"../mine.gguf\""),
        good.replace("\"mine.gguf\"", &format!("{:?}", outside)),
        good.replace("\"mine.gguf\"", "\"other.gguf\""),
        good.replace("\"linked\": false", "\"linked\": true"),
        "\u{0}".repeat(5 << 20),
    ] {
        assert_ne!(text, good);
        fs::write(stage.sidecar(), &text).unwrap();
        assert!(stage.why().starts_with("The file that describes it cannot be read."));
        assert!(matches!(stage.folder.current(&stage.id), Err(FolderError::Damaged(_))));
    }
    fs::remove_file(stage.sidecar()).unwrap();
    fs::create_dir(stage.sidecar()).unwrap();
    assert!(stage.why().starts_with("The file that describes it cannot be read."));
    fs::remove_dir(stage.sidecar()).unwrap();
    fs::write(stage.sidecar(), "{").unwrap();
    stage.folder.remove(&stage.id).unwrap();
    assert!(!installed.file.exists() && outside.exists());
}

#[test]
fn a_file_put_into_the_folder_by_hand_is_listed_and_can_be_imported_in_place() {
    let (stage, installed) = stage(ImportMode::Copy);
    fs::remove_file(stage.sidecar()).unwrap();
    assert!(stage.why().starts_with("It was put into the folder by hand."));
    let again =
        import(&stage.folder, &installed.file, ImportMode::Link, &mut |_| {}, &Cancel::new()).unwrap();
    assert!(!again.linked);
    assert_eq!(again.file, installed.file);
    assert!(matches!(stage.folder.installed().unwrap()[0], Entry::Ok(_)));
}

#[test]
fn other_files_in_the_folder_are_left_alone() {
    let (stage, _) = stage(ImportMode::Copy);
    for name in ["README.md", "x.part.json", ".hidden.gguf", "a b.gguf", "pins.json", "y.gguf.part.json"] {
        fs::write(stage.folder.path().join(name), "{}").unwrap();
    }
    assert_eq!(stage.folder.installed().unwrap().len(), 1);
    assert!(stage.folder.partials().unwrap().is_empty());
}

#[test]
fn verifying_can_be_cancelled() {
    let (stage, _) = stage(ImportMode::Copy);
    let cancel = Cancel::new();
    cancel.cancel();
    assert!(matches!(stage.folder.verify(&stage.id, &mut |_| {}, &cancel), Err(FolderError::Cancelled)));
}
