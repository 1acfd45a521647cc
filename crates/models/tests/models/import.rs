//! Importing files of the user.

use crate::gguf_builder::{self, Gguf};
use models::{Cancel, Folder, ImportError, ImportMode, Installed, Sha256, Source, Stage};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn place() -> (TempDir, Folder) {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::at(place.path().join("models"));
    (place, folder)
}

fn import(folder: &Folder, path: &Path, mode: ImportMode) -> Result<Installed, ImportError> {
    models::import(folder, path, mode, &mut |_| {}, &Cancel::new())
}

fn file(place: &TempDir, name: &str, content: &[u8]) -> PathBuf {
    let path = place.path().join(name);
    fs::write(&path, content).unwrap();
    path
}

fn names(folder: &Folder) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_file_is_copied_and_named_by_its_stem() {
    let (place, folder) = place();
    let content = gguf_builder::model(1);
    let path = file(&place, "mein Modell.v2.GGUF", &content);
    let mut reports = Vec::new();
    let installed = models::import(
        &folder,
        &path,
        ImportMode::Copy,
        &mut |progress| reports.push(progress.clone()),
        &Cancel::new(),
    )
    .unwrap();
    assert_eq!(installed.id.as_str(), "mein-Modell.v2");
    assert_eq!(installed.sha256, Sha256::of(&content));
    assert_eq!((installed.linked, installed.source), (false, Source::Imported));
    assert_eq!((installed.architecture.as_str(), installed.variant.as_deref()), ("whisper", Some("small")));
    assert_eq!(fs::read(&installed.file).unwrap(), content);
    assert_eq!(names(&folder), [".lock", "mein-Modell.v2.gguf", "mein-Modell.v2.json"]);
    assert_eq!(folder.current(&installed.id).unwrap(), installed);
    let last = reports.last().unwrap();
    assert_eq!(
        (last.stage, last.done_bytes, last.total_bytes),
        (Stage::Copying, content.len() as u64, Some(content.len() as u64))
    );
    assert!(path.exists());
}

#[test]
fn a_linked_file_stays_in_place() {
    let (place, folder) = place();
    let path = file(&place, "mine.gguf", &gguf_builder::model(1));
    let installed = import(&folder, &path, ImportMode::Link).unwrap();
    assert!(installed.linked);
    assert_eq!(installed.file, path.canonicalize().unwrap());
    assert_eq!(names(&folder), [".lock", "mine.json"]);
}

#[test]
fn the_same_content_is_accepted_again_and_other_content_is_refused() {
    let (place, folder) = place();
    let path = file(&place, "mine.gguf", &gguf_builder::model(1));
    let first = import(&folder, &path, ImportMode::Copy).unwrap();
    assert_eq!(import(&folder, &path, ImportMode::Copy).unwrap(), first);
    assert_eq!(import(&folder, &path, ImportMode::Link).unwrap(), first);
    fs::write(&path, Gguf::of("parakeet").bytes()).unwrap();
    for mode in [ImportMode::Copy, ImportMode::Link] {
        let message = import(&folder, &path, mode).unwrap_err().to_string();
        assert_eq!(
            message,
            "another model is installed as “mine”: rename the file, or remove that model first"
        );
    }
    assert_eq!(folder.current(&first.id).unwrap(), first);
}

#[test]
fn importing_again_restores_a_missing_file() {
    let (place, folder) = place();
    let path = file(&place, "mine.gguf", &gguf_builder::model(1));
    let first = import(&folder, &path, ImportMode::Copy).unwrap();
    fs::remove_file(&first.file).unwrap();
    import(&folder, &path, ImportMode::Copy).unwrap();
    assert_eq!(folder.current(&first.id).unwrap().sha256, first.sha256);
}

#[test]
fn a_file_that_is_not_a_model_leaves_nothing_behind() {
    let (place, folder) = place();
    let whole = gguf_builder::model(1);
    for (name, content, clause) in [
        ("a.gguf", &b""[..], "the file is empty"),
        ("b.gguf", b"<html>", "it is a web page, not a model"),
        ("c.gguf", &whole[..whole.len() / 2], "it is incomplete"),
        ("...", &whole, "its name has no letter or digit"),
    ] {
        let path = file(&place, name, content);
        for mode in [ImportMode::Copy, ImportMode::Link] {
            let message = import(&folder, &path, mode).unwrap_err().to_string();
            assert!(message.starts_with(clause), "{name}: {message}");
        }
    }
    let message = import(&folder, &place.path().join("none.gguf"), ImportMode::Copy).unwrap_err().to_string();
    assert_eq!(message, "the file does not exist");
    assert!(folder.installed().unwrap().is_empty());
}

#[test]
fn a_cancelled_import_leaves_nothing_behind() {
    let (place, folder) = place();
    let path = file(&place, "mine.gguf", &gguf_builder::model(2));
    let cancel = Cancel::new();
    let result = models::import(&folder, &path, ImportMode::Copy, &mut |_| cancel.cancel(), &cancel);
    assert!(matches!(result, Err(ImportError::Cancelled)));
    assert_eq!(names(&folder), [".lock"]);
}

#[test]
fn copies_of_killed_imports_are_removed_and_running_ones_are_not() {
    let (place, folder) = place();
    let path = file(&place, "mine.gguf", &gguf_builder::model(1));
    fs::create_dir_all(folder.path()).unwrap();
    fs::write(folder.path().join("dead.1-0.copy"), "half").unwrap();
    let alive = fs::File::create(folder.path().join("alive.1-0.copy")).unwrap();
    alive.lock().unwrap();
    import(&folder, &path, ImportMode::Copy).unwrap();
    assert_eq!(names(&folder), [".lock", "alive.1-0.copy", "mine.gguf", "mine.json"]);
}

#[test]
fn an_existing_file_of_the_user_is_not_overwritten() {
    let (place, folder) = place();
    let path = file(&place, "mine.gguf", &gguf_builder::model(1));
    fs::create_dir_all(folder.path()).unwrap();
    let other = Gguf::of("parakeet").bytes();
    fs::write(folder.path().join("mine.gguf"), &other).unwrap();
    assert!(matches!(import(&folder, &path, ImportMode::Copy), Err(ImportError::OtherContent(_))));
    assert_eq!(fs::read(folder.path().join("mine.gguf")).unwrap(), other);
    assert_eq!(names(&folder), [".lock", "mine.gguf"]);
}

#[test]
fn concurrent_imports_of_the_same_file_all_succeed() {
    let (place, folder) = place();
    let path = file(&place, "mine.gguf", &gguf_builder::model(1));
    std::thread::scope(|scope| {
        let imports: Vec<_> =
            (0..6).map(|_| scope.spawn(|| import(&folder, &path, ImportMode::Copy))).collect();
        for import in imports {
            assert_eq!(import.join().unwrap().unwrap().id.as_str(), "mine");
        }
    });
    assert_eq!(names(&folder), [".lock", "mine.gguf", "mine.json"]);
    folder.current(&"mine".parse().unwrap()).unwrap();
}

#[cfg(unix)]
#[test]
fn a_file_with_a_non_unicode_path_can_be_copied_but_not_linked() {
    use std::os::unix::ffi::OsStrExt;
    let (place, folder) = place();
    let path = place.path().join(std::ffi::OsStr::from_bytes(b"m\xff\xffdel.gguf"));
    fs::write(&path, gguf_builder::model(1)).unwrap();
    assert!(matches!(import(&folder, &path, ImportMode::Link), Err(ImportError::UnwritablePath)));
    let installed = import(&folder, &path, ImportMode::Copy).unwrap();
    assert_eq!(installed.id.as_str(), "m--del");
    assert_eq!(folder.current(&installed.id).unwrap(), installed);
}
