//! Trimming of Whisper models to an encoder context of 16 s, including interruptions.

use crate::gguf_builder::{self, Gguf, PUBLISHED, TRIMMED, context_places, with_context};
use crate::http_server::{Server, download_request, options, until};
use models::{
    Cancel, Downloaded, ENCODER_CONTEXT_S, Entry, Folder, FolderError, ImportMode, Installed, ModelId,
    Sha256, Stage,
};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

/// A models folder, and beside it a file of the user, `mine.gguf`.
struct Place {
    dir: TempDir,
    folder: Folder,
    id: ModelId,
    content: Vec<u8>,
}

fn place(content: Vec<u8>) -> Place {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::at(dir.path().join("models"));
    fs::write(dir.path().join("mine.gguf"), &content).unwrap();
    Place { dir, folder, id: "mine".parse().unwrap(), content }
}

/// A [`Place`] with the user's file imported as a copy.
fn trimmed_place() -> (Place, Installed) {
    let place = place(gguf_builder::published(1));
    let installed = place.import(ImportMode::Copy);
    assert_eq!(installed.context_s, Some(16));
    (place, installed)
}

impl Place {
    fn user_file(&self) -> PathBuf {
        self.dir.path().join("mine.gguf")
    }

    fn copy(&self) -> PathBuf {
        self.folder.path().join("mine.gguf")
    }

    fn trimmed(&self) -> Vec<u8> {
        with_context(&self.content, TRIMMED)
    }

    fn import(&self, mode: ImportMode) -> Installed {
        import(&self.folder, &self.user_file(), mode)
    }

    fn sidecar(&self) -> Value {
        serde_json::from_slice(&fs::read(self.folder.path().join("mine.json")).unwrap()).unwrap()
    }

    fn set_sidecar(&self, sidecar: &Value) {
        fs::write(self.folder.path().join("mine.json"), sidecar.to_string()).unwrap();
    }

    /// Simulates a trim that was killed after the sidecar was replaced: these bytes are in the file.
    fn interrupt_trim(&self, bytes: &[u8]) {
        let mut sidecar = self.sidecar();
        assert!(sidecar["file_sha256"].is_string());
        sidecar.as_object_mut().unwrap().remove("modified_ns");
        self.set_sidecar(&sidecar);
        fs::write(self.copy(), bytes).unwrap();
    }

    /// Simulates a model installed before trimming existed: an old sidecar, and these bytes in the file.
    fn make_old(&self, bytes: &[u8]) {
        fs::write(self.copy(), bytes).unwrap();
        let mut sidecar = self.sidecar();
        let fields = sidecar.as_object_mut().unwrap();
        fields.remove("file_sha256");
        fields.remove("context_s");
        fields.insert("modified_ns".to_owned(), modified_ns(&self.copy()).into());
        self.set_sidecar(&sidecar);
    }

    fn assert_trimmed(&self, installed: &Installed) {
        assert_eq!(installed.sha256, Sha256::of(&self.content));
        assert_eq!(installed.file_sha256, Sha256::of(&self.trimmed()));
        assert_eq!(installed.context_s, Some(16));
        assert!(fs::read(&installed.file).unwrap() == self.trimmed(), "the content differs");
        assert_eq!(self.folder.entry(&self.id), Some(Entry::Ok(Box::new(installed.clone()))));
        assert_eq!(&self.folder.current(&self.id).unwrap(), installed);
        assert_eq!(&self.folder.verify(&self.id, &mut |_| {}, &Cancel::new()).unwrap(), installed);
    }

    fn assert_untouched(&self, installed: &Installed) {
        assert_eq!(installed.sha256, Sha256::of(&self.content));
        assert_eq!(installed.file_sha256, installed.sha256);
        assert!(fs::read(&installed.file).unwrap() == self.content, "the content differs");
    }
}

fn import(folder: &Folder, path: &Path, mode: ImportMode) -> Installed {
    models::import(folder, path, mode, &mut |_| {}, &Cancel::new()).unwrap()
}

fn modified_ns(path: &Path) -> u64 {
    let modified = fs::metadata(path).unwrap().modified().unwrap();
    modified.duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64
}

#[test]
fn a_copy_is_trimmed_and_keeps_the_identity_of_the_published_model() {
    let (place, installed) = trimmed_place();
    assert_eq!(u64::from(ENCODER_CONTEXT_S), 16);
    place.assert_trimmed(&installed);
    let (before, after) = (place.content.clone(), place.trimmed());
    let places = context_places(&before);
    let differing: Vec<_> = (0..before.len()).filter(|at| before[*at] != after[*at]).collect();
    assert!(!differing.is_empty());
    assert!(differing.iter().all(|at| places.iter().any(|place| (*place..place + 4).contains(at))));
    let sidecar = place.sidecar();
    assert_eq!(sidecar["sha256"], Sha256::of(&before).to_string());
    assert_eq!(sidecar["file_sha256"], Sha256::of(&after).to_string());
    assert_eq!((&sidecar["context_s"], &sidecar["byte_size"]), (&json!(16), &json!(before.len())));
    assert_eq!(sidecar["modified_ns"], modified_ns(&place.copy()));
    assert!(fs::read(place.user_file()).unwrap() == before, "the user's file was written");
    // A second trim changes nothing.
    assert_eq!(place.folder.trim(&place.id).unwrap(), installed);
    assert_eq!(place.sidecar(), sidecar);
}

#[test]
fn a_linked_file_is_never_written() {
    let place = place(gguf_builder::published(1));
    let before = modified_ns(&place.user_file());
    let installed = place.import(ImportMode::Link);
    for installed in [installed, place.folder.trim(&place.id).unwrap()] {
        assert!(installed.linked);
        assert_eq!(installed.context_s, Some(30));
        place.assert_untouched(&installed);
        assert_eq!(modified_ns(&place.user_file()), before);
    }
    assert_eq!(place.sidecar().get("file_sha256"), None);
    assert_eq!(place.sidecar()["context_s"], 30);
    // A forged sidecar, which says that the file is trimmed, does not change that.
    let mut sidecar = place.sidecar();
    sidecar["file_sha256"] = Sha256::of(&place.trimmed()).to_string().into();
    sidecar["context_s"] = 16.into();
    sidecar["modified_ns"] = 1.into();
    place.set_sidecar(&sidecar);
    assert!(matches!(place.folder.trim(&place.id), Err(FolderError::Damaged(_))));
    assert!(fs::read(place.user_file()).unwrap() == place.content);
    assert_eq!(modified_ns(&place.user_file()), before);
}

#[test]
fn other_models_are_not_trimmed() {
    let whisper = |numbers| Gguf::of("whisper").with_context(numbers).bytes();
    for (content, context_s) in [
        (Gguf::of("whisper").bytes(), None),
        (Gguf::of("parakeet").with_context(PUBLISHED).bytes(), None),
        (whisper([320_000, 2_000, 20]), Some(20)),
        (whisper([160_000, 1_000, 10]), Some(10)),
        (whisper([960_000, 6_000, 60]), Some(60)),
        (whisper([480_000, 3_000, 20]), None),
        // Imported with our numbers: nothing tells that it was trimmed.
        (whisper(TRIMMED), Some(16)),
    ] {
        let place = place(content);
        let installed = place.import(ImportMode::Copy);
        assert_eq!(installed.context_s, context_s);
        place.assert_untouched(&installed);
        assert_eq!(place.folder.trim(&place.id).unwrap(), installed);
        assert_eq!(place.folder.verify(&place.id, &mut |_| {}, &Cancel::new()).unwrap(), installed);
        // Also if the sidecar has no context.
        place.make_old(&place.content);
        assert_eq!(place.folder.current(&place.id).unwrap().context_s, None);
        let installed = place.folder.trim(&place.id).unwrap();
        assert_eq!(installed.context_s, context_s);
        place.assert_untouched(&installed);
        assert_eq!(place.sidecar().get("context_s"), context_s.map(Value::from).as_ref());
    }
}

#[test]
fn a_model_installed_by_an_earlier_version_is_trimmed_once() {
    let (place, installed) = trimmed_place();
    let facts = json!({ "languages": ["en"] });
    place.folder.set_facts(&place.id, facts.clone()).unwrap();
    place.make_old(&place.content);
    let old = place.folder.current(&place.id).unwrap();
    assert_eq!(old.context_s, None);
    place.assert_untouched(&old);
    let trimmed = place.folder.trim(&place.id).unwrap();
    place.assert_trimmed(&trimmed);
    assert_eq!((trimmed.facts.as_ref(), trimmed.added_at), (Some(&facts), installed.added_at));
    let written = modified_ns(&place.copy());
    assert_eq!(place.folder.trim(&place.id).unwrap(), trimmed);
    assert_eq!(modified_ns(&place.copy()), written);
}

#[test]
fn a_trimmed_model_with_a_sidecar_of_an_earlier_version_is_recognised() {
    let (place, _) = trimmed_place();
    place.make_old(&place.trimmed());
    let written = modified_ns(&place.copy());
    let trimmed = place.folder.trim(&place.id).unwrap();
    place.assert_trimmed(&trimmed);
    assert_eq!(modified_ns(&place.copy()), written);
}

#[test]
fn an_interrupted_trim_is_finished_wherever_it_stopped() {
    let (place, _) = trimmed_place();
    let mut bytes: Vec<_> =
        context_places(&place.content).into_iter().flat_map(|place| place..place + 4).collect();
    bytes.sort_unstable();
    assert_eq!(bytes.len(), 12);
    // None, some, or all of the bytes are written, from the first or from the last.
    for written in 0..=12 {
        for written in [&bytes[..written], &bytes[written..]] {
            let mut between = place.content.clone();
            for at in written {
                between[*at] = place.trimmed()[*at];
            }
            for finish in [Folder::current, Folder::trim] {
                place.interrupt_trim(&between);
                let trimmed = finish(&place.folder, &place.id).unwrap();
                assert_eq!(place.sidecar()["modified_ns"], modified_ns(&place.copy()));
                place.assert_trimmed(&trimmed);
            }
        }
    }
    // The same if only the modification time differs.
    let later = SystemTime::now() + Duration::from_secs(5);
    fs::File::options().write(true).open(place.copy()).unwrap().set_modified(later).unwrap();
    place.assert_trimmed(&place.folder.current(&place.id).unwrap());
}

#[test]
fn a_damaged_trimmed_file_is_not_written() {
    let (place, _) = trimmed_place();
    for at in [30, context_places(&place.content)[0] - 6, place.content.len() - 40] {
        for of in [place.content.clone(), place.trimmed()] {
            let mut damaged = of;
            damaged[at] ^= 1;
            place.interrupt_trim(&damaged);
            for use_model in [Folder::current, Folder::trim] {
                let error = use_model(&place.folder, &place.id).unwrap_err();
                assert!(
                    matches!(&error, FolderError::Damaged(why) if why.contains("has changed since")),
                    "{error}"
                );
            }
            assert!(fs::read(place.copy()).unwrap() == damaged);
            // A model installed by an earlier version, whose modification time still matches.
            if header_is_sound(&damaged) {
                place.make_old(&damaged);
                assert!(matches!(place.folder.trim(&place.id), Err(FolderError::Damaged(_))));
                assert!(fs::read(place.copy()).unwrap() == damaged);
                // From now on the time is not trusted.
                assert!(matches!(place.folder.current(&place.id), Err(FolderError::Damaged(_))));
            }
            place.import(ImportMode::Copy);
            place.assert_trimmed(&place.folder.current(&place.id).unwrap());
        }
    }
}

fn header_is_sound(content: &[u8]) -> bool {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.gguf");
    fs::write(&path, content).unwrap();
    models::header::read(&path).is_ok_and(|header| header.context_s().is_some())
}

#[cfg(unix)]
#[test]
fn a_file_with_a_second_name_is_not_written() {
    let (place, _) = trimmed_place();
    let other = place.dir.path().join("other.gguf");
    // A hard link, also to a file whose trim was interrupted.
    for between in [false, true] {
        if between {
            place.interrupt_trim(&place.content);
        } else {
            place.make_old(&place.content);
        }
        fs::hard_link(place.copy(), &other).unwrap();
        for _ in 0..2 {
            let installed = place.folder.trim(&place.id).unwrap();
            assert_eq!(installed.context_s, Some(30));
            place.assert_untouched(&installed);
        }
        fs::remove_file(&other).unwrap();
        place.assert_trimmed(&place.folder.trim(&place.id).unwrap());
    }
    // A symbolic link.
    fs::rename(place.copy(), &other).unwrap();
    fs::write(&other, &place.content).unwrap();
    std::os::unix::fs::symlink(&other, place.copy()).unwrap();
    for between in [false, true] {
        if between {
            place.interrupt_trim(&place.content);
        } else {
            place.make_old(&place.content);
        }
        let installed = place.folder.trim(&place.id).unwrap();
        assert_eq!(installed.context_s, Some(30));
        place.assert_untouched(&installed);
        if !between {
            // The next round needs a sidecar that says the file is trimmed.
            fs::remove_file(place.copy()).unwrap();
            fs::write(place.copy(), &place.content).unwrap();
            place.folder.trim(&place.id).unwrap();
            fs::remove_file(place.copy()).unwrap();
            std::os::unix::fs::symlink(&other, place.copy()).unwrap();
        }
    }
    assert!(fs::read(&other).unwrap() == place.content);
}

#[test]
fn a_model_whose_sidecar_cannot_be_written_stays_as_it_is() {
    let (place, _) = trimmed_place();
    place.make_old(&place.content);
    let in_the_way = place.folder.path().join("mine.json.new");
    fs::create_dir(&in_the_way).unwrap();
    let installed = place.folder.trim(&place.id).unwrap();
    assert_eq!(installed.context_s, Some(30));
    place.assert_untouched(&installed);
    fs::remove_dir(&in_the_way).unwrap();
    place.assert_trimmed(&place.folder.trim(&place.id).unwrap());
}

#[test]
fn concurrent_uses_all_see_a_whole_model() {
    let (place, _) = trimmed_place();
    for round in 0..10 {
        if round % 2 == 0 {
            place.make_old(&place.content);
        } else {
            place.interrupt_trim(&place.content);
        }
        std::thread::scope(|scope| {
            let folder = &place.folder;
            let id = &place.id;
            let trims: Vec<_> = (0..3).map(|_| scope.spawn(move || folder.trim(id))).collect();
            let looks: Vec<_> = (0..2).map(|_| scope.spawn(move || folder.current(id))).collect();
            let reads: Vec<_> =
                (0..2).map(|_| scope.spawn(move || folder.verify(id, &mut |_| {}, &Cancel::new()))).collect();
            for look in looks.into_iter().chain(reads) {
                assert_eq!(look.join().unwrap().unwrap().sha256, Sha256::of(&place.content));
            }
            for trim in trims {
                let trimmed = trim.join().unwrap().unwrap();
                assert_eq!(trimmed.file_sha256, Sha256::of(&place.trimmed()));
            }
        });
        place.assert_trimmed(&place.folder.trim(&place.id).unwrap());
    }
}

#[test]
fn concurrent_imports_all_succeed() {
    let place = place(gguf_builder::published(1));
    std::thread::scope(|scope| {
        let imports: Vec<_> = (0..6).map(|_| scope.spawn(|| place.import(ImportMode::Copy))).collect();
        for import in imports {
            assert_eq!(import.join().unwrap().sha256, Sha256::of(&place.content));
        }
    });
    place.assert_trimmed(&place.folder.trim(&place.id).unwrap());
}

#[test]
fn an_import_recognises_a_trimmed_model() {
    let (place, mut installed) = trimmed_place();
    for mode in [ImportMode::Copy, ImportMode::Link] {
        assert_eq!(place.import(mode), installed);
        // The file in the folder itself, and a copy of it that was put somewhere else.
        assert_eq!(import(&place.folder, &place.copy(), mode), installed);
        let kept = tempfile::tempdir().unwrap();
        let kept = kept.path().join("mine.gguf");
        fs::copy(place.copy(), &kept).unwrap();
        assert_eq!(import(&place.folder, &kept, mode), installed);
        // It replaces the model's file if that is missing.
        fs::remove_file(place.copy()).unwrap();
        let repaired = import(&place.folder, &kept, mode);
        assert_eq!(repaired.linked, mode == ImportMode::Link);
        place.assert_trimmed(&repaired);
        fs::remove_file(&kept).unwrap();
        // Back to a copy of the user's file.
        let _ = fs::remove_file(place.copy());
        installed = place.import(ImportMode::Copy);
        place.assert_trimmed(&installed);
    }
    // A file without a sidecar, as a killed removal leaves it.
    fs::remove_file(place.folder.path().join("mine.json")).unwrap();
    place.assert_trimmed(&place.import(ImportMode::Copy));
}

fn get(folder: &Folder, content: &[u8], server: &Server) -> Downloaded {
    models::download(folder, &download_request(content, &[server]), &options(), &mut |_| {}, &Cancel::new())
        .unwrap()
}

/// A folder with a downloaded model, its published content and the server.
fn downloaded() -> (TempDir, Folder, Arc<Vec<u8>>, Server, Installed) {
    let content = Arc::new(gguf_builder::published(2));
    let server = Server::of(&content);
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::at(dir.path().join("models"));
    let installed = get(&folder, &content, &server).model;
    (dir, folder, content, server, installed)
}

fn assert_downloaded(folder: &Folder, content: &[u8], installed: &Installed) {
    let trimmed = with_context(content, TRIMMED);
    assert_eq!(installed.sha256, Sha256::of(content));
    assert_eq!((installed.file_sha256, installed.context_s), (Sha256::of(&trimmed), Some(16)));
    assert!(fs::read(&installed.file).unwrap() == trimmed, "the content differs");
    assert_eq!(&folder.verify(&installed.id, &mut |_| {}, &Cancel::new()).unwrap(), installed);
    let mut names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, [".lock", "small-F32.gguf", "small-F32.json"]);
}

#[test]
fn a_download_is_trimmed_after_its_published_hash_was_verified() {
    let (_dir, folder, content, server, installed) = downloaded();
    assert_downloaded(&folder, &content, &installed);
    // A trimmed model and an untrimmed one are installed already; nothing is requested.
    assert_eq!(get(&folder, &content, &server).model, installed);
    fs::write(&installed.file, content.as_slice()).unwrap();
    assert_downloaded(&folder, &content, &get(&folder, &content, &server).model);
    // Put there by hand, trimmed or not.
    for there in [content.to_vec(), with_context(&content, TRIMMED)] {
        folder.remove(&installed.id).unwrap();
        fs::write(&installed.file, there).unwrap();
        assert_downloaded(&folder, &content, &get(&folder, &content, &server).model);
    }
    assert_eq!(server.requests().len(), 1);
    // A file with our numbers and other content is another model.
    folder.remove(&installed.id).unwrap();
    let mut other = with_context(&content, TRIMMED);
    other[2_000_000] ^= 1;
    fs::write(&installed.file, &other).unwrap();
    let result = models::download(
        &folder,
        &download_request(&content, &[&server]),
        &options(),
        &mut |_| {},
        &Cancel::new(),
    );
    assert!(matches!(result, Err(models::DownloadError::OtherContent(_))), "{result:?}");
    assert!(fs::read(&installed.file).unwrap() == other);
}

#[test]
fn a_resumed_download_is_trimmed_too() {
    let (_dir, folder, content, server, installed) = downloaded();
    let (file, part) = (&installed.file, folder.path().join("small-F32.gguf.part"));
    folder.remove(&installed.id).unwrap();
    let half = content.len() / 2;
    fs::write(&part, &content[..half]).unwrap();
    assert_downloaded(&folder, &content, &get(&folder, &content, &server).model);
    assert_eq!(server.requests().last().unwrap().range_start(), Some(half));
    // Killed before the rename, before the sidecar, and before the removal of `.part.json`.
    let note = folder.path().join("small-F32.gguf.part.json");
    let noted = json!({ "address": "http://x/y", "byte_size": content.len(), "done_bytes": 0 }).to_string();
    let sidecar = fs::read(folder.path().join("small-F32.json")).unwrap();
    for (at, with_sidecar) in [(&part, false), (file, false), (file, true)] {
        folder.remove(&installed.id).unwrap();
        fs::write(at, content.as_slice()).unwrap();
        fs::write(&note, &noted).unwrap();
        if with_sidecar {
            fs::write(folder.path().join("small-F32.json"), &sidecar).unwrap();
        }
        let model = get(&folder, &content, &server).model;
        if with_sidecar {
            // Nothing was downloaded, so `.part.json` was not removed.
            fs::remove_file(&note).unwrap();
        }
        assert_downloaded(&folder, &content, &model);
    }
    assert_eq!(server.requests().len(), 2);
    // A damaged trimmed file is downloaded again.
    let mut damaged = fs::read(file).unwrap();
    damaged[1_000_000] ^= 1;
    fs::write(file, damaged).unwrap();
    assert_downloaded(&folder, &content, &get(&folder, &content, &server).model);
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_cancel_while_trimming_leaves_the_published_file() {
    let content = Arc::new(gguf_builder::published(2));
    let server = Server::of(&content);
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::at(dir.path().join("models"));
    let (request, cancel) = (download_request(&content, &[&server]), Cancel::new());
    let mut stages = Vec::new();
    let on_progress = &mut |progress: &models::Progress| {
        if stages.last() == Some(&Stage::Downloading) && progress.stage == Stage::Checking {
            cancel.cancel();
        }
        stages.push(progress.stage);
    };
    let installed = models::download(&folder, &request, &options(), on_progress, &cancel).unwrap().model;
    assert!(cancel.is_cancelled(), "{stages:?}");
    assert_eq!((installed.file_sha256, installed.context_s), (Sha256::of(&content), Some(30)));
    assert!(fs::read(&installed.file).unwrap() == *content);
    assert_downloaded(&folder, &content, &folder.trim(&installed.id).unwrap());
}

#[test]
fn a_model_removed_while_it_is_trimmed_stays_removed() {
    let (place, _) = trimmed_place();
    for _ in 0..20 {
        place.make_old(&place.content);
        std::thread::scope(|scope| {
            let trim = scope.spawn(|| place.folder.trim(&place.id));
            until("it is removed", || place.folder.remove(&place.id).is_ok());
            if let Err(error) = trim.join().unwrap() {
                assert!(
                    matches!(error, FolderError::Unknown | FolderError::Damaged(_) | FolderError::Io(_)),
                    "{error:?}"
                );
            }
        });
        assert!(place.folder.installed().unwrap().is_empty());
        assert!(!place.copy().exists());
        place.import(ImportMode::Copy);
    }
}

/// A real model with the published layout, made by `cargo xtask setup --tests`.
#[test]
fn a_real_model_is_trimmed() {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let path = testing::required_path(target.join("test-models/whisper-tiny.en-q8_0-30s.gguf"));
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::at(dir.path().join("models"));
    let before = fs::read(&path).unwrap();
    let linked = import(&folder, &path, ImportMode::Link);
    assert_eq!((linked.context_s, linked.sha256), (Some(30), Sha256::of(&before)));
    folder.remove(&linked.id).unwrap();
    let copied = import(&folder, &path, ImportMode::Copy);
    assert_eq!((copied.context_s, copied.sha256), (Some(16), linked.sha256));
    assert!(fs::read(&copied.file).unwrap() == with_context(&before, TRIMMED));
    assert!(fs::read(&path).unwrap() == before, "the user's file was written");
    assert_eq!(models::header::read(&copied.file).unwrap().context_s(), Some(16));
    assert_eq!(folder.verify(&copied.id, &mut |_| {}, &Cancel::new()).unwrap(), copied);
}
