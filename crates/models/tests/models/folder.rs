//! What is installed, and how it is noticed that something is not what it was.

use crate::gguf::Gguf;
use models::{Cancel, Entry, Folder, FolderError, How, Installed, ModelId, import};
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
fn stage(how: How) -> (Stage, Installed) {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::at(place.path().join("models"));
    let path = place.path().join("mine.gguf");
    fs::write(&path, Gguf::of("whisper").bytes()).unwrap();
    let installed = import(&folder, &path, how, &mut |_| {}, &Cancel::new()).unwrap();
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
fn a_folder_that_is_not_there_is_empty_and_is_not_made() {
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
fn facts_are_kept_beside_the_model() {
    let (stage, installed) = stage(How::Copy);
    assert_eq!(installed.facts, None);
    let facts = serde_json::json!({ "languages": ["en"], "streams": false });
    stage.folder.set_facts(&stage.id, facts.clone()).unwrap();
    let current = stage.folder.current(&stage.id).unwrap();
    assert_eq!(current.facts, Some(facts));
    assert_eq!(stage.folder.installed().unwrap(), [Entry::Ok(Box::new(current))]);
}

#[test]
fn a_vanished_or_changed_file_is_noticed() {
    for how in [How::Copy, How::Link] {
        let (stage, installed) = stage(how);
        let content = fs::read(&installed.file).unwrap();
        // Another time and the same content: it is read, and then known again.
        let later = SystemTime::now() + Duration::from_secs(5);
        fs::File::options().write(true).open(&installed.file).unwrap().set_modified(later).unwrap();
        let again = stage.folder.current(&stage.id).unwrap();
        assert_eq!(again.sha256, installed.sha256);
        assert_eq!(stage.folder.entry(&stage.id), Some(Entry::Ok(Box::new(again))));
        // The same length and another content.
        let mut other = content.clone();
        other[600] ^= 1;
        fs::write(&installed.file, &other).unwrap();
        let said = stage.folder.verify(&stage.id, &mut |_| {}, &Cancel::new()).unwrap_err().to_string();
        assert!(said.contains("has another content than when it was installed"), "{said}");
        fs::write(&installed.file, &content[..100]).unwrap();
        assert!(stage.why().contains("has another content"));
        assert!(matches!(stage.folder.current(&stage.id), Err(FolderError::Damaged(_))));
        fs::remove_file(&installed.file).unwrap();
        let why = stage.why();
        match how {
            How::Copy => assert!(why.starts_with("Its file is gone from the models folder."), "{why}"),
            How::Link => assert!(why.starts_with("Its file is no longer at /"), "{why}"),
        }
        stage.folder.remove(&stage.id).unwrap();
        assert!(stage.folder.installed().unwrap().is_empty());
    }
}

#[test]
fn removing_takes_the_copy_and_never_a_linked_file() {
    let (copied, installed) = stage(How::Copy);
    copied.folder.remove(&copied.id).unwrap();
    assert!(!installed.file.exists() && !copied.sidecar().exists());
    assert!(copied.place.path().join("mine.gguf").exists());
    let (linked, installed) = stage(How::Link);
    assert!(installed.linked);
    linked.folder.remove(&linked.id).unwrap();
    assert!(installed.file.exists() && !linked.sidecar().exists());
    assert!(matches!(linked.folder.remove(&linked.id), Err(FolderError::Unknown)));
}

#[test]
fn a_sidecar_that_cannot_be_read_is_damage_and_can_be_removed() {
    let (stage, installed) = stage(How::Copy);
    let good = fs::read_to_string(stage.sidecar()).unwrap();
    let outside = stage.place.path().join("mine.gguf");
    for text in [
        String::new(),
        "null".to_owned(),
        good[..good.len() / 2].to_owned(),
        good.replace("\"mine\"", "\"other\""),
        // Nothing outside the folder is ever taken for ours.
        good.replace("\"mine.gguf\"", "\"../mine.gguf\""),
        good.replace("\"mine.gguf\"", &format!("{:?}", outside)),
        good.replace("\"mine.gguf\"", "\"other.gguf\""),
        good.replace("\"linked\": false", "\"linked\": true"),
        "\u{0}".repeat(5 << 20),
    ] {
        assert_ne!(text, good);
        fs::write(stage.sidecar(), &text).unwrap();
        assert!(stage.why().starts_with("The note about it cannot be read."));
        assert!(matches!(stage.folder.current(&stage.id), Err(FolderError::Damaged(_))));
    }
    fs::remove_file(stage.sidecar()).unwrap();
    fs::create_dir(stage.sidecar()).unwrap();
    assert!(stage.why().starts_with("The note about it cannot be read."));
    fs::remove_dir(stage.sidecar()).unwrap();
    fs::write(stage.sidecar(), "{").unwrap();
    stage.folder.remove(&stage.id).unwrap();
    assert!(!installed.file.exists() && outside.exists());
}

#[test]
fn a_file_put_there_by_hand_is_shown_and_can_be_used_where_it_is() {
    let (stage, installed) = stage(How::Copy);
    fs::remove_file(stage.sidecar()).unwrap();
    assert!(stage.why().starts_with("It was put into the folder by hand."));
    let again = import(&stage.folder, &installed.file, How::Link, &mut |_| {}, &Cancel::new()).unwrap();
    assert!(!again.linked);
    assert_eq!(again.file, installed.file);
    assert!(matches!(stage.folder.installed().unwrap()[0], Entry::Ok(_)));
}

#[test]
fn other_files_in_the_folder_are_left_alone() {
    let (stage, _) = stage(How::Copy);
    for name in ["README.md", "x.part.json", ".hidden.gguf", "a b.gguf", "pins.json", "y.gguf.part.json"] {
        fs::write(stage.folder.path().join(name), "{}").unwrap();
    }
    assert_eq!(stage.folder.installed().unwrap().len(), 1);
    assert!(stage.folder.partials().unwrap().is_empty());
}

#[test]
fn verifying_can_be_cancelled() {
    let (stage, _) = stage(How::Copy);
    let cancel = Cancel::new();
    cancel.cancel();
    assert!(matches!(stage.folder.verify(&stage.id, &mut |_| {}, &cancel), Err(FolderError::Cancelled)));
}
