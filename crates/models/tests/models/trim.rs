//! Our copies of Whisper models encode 16 s at once, whatever happens while that is written.

use crate::gguf::{self, Gguf, PUBLISHED, TRIMMED, context_places, with_context};
use crate::server::{Server, options, until, wanted};
use models::{
    Cancel, Downloaded, ENCODER_CONTEXT_S, Entry, Folder, FolderError, How, Installed, ModelId, Sha256, Stage,
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

/// With the user's file imported.
fn trimmed_place() -> (Place, Installed) {
    let place = place(gguf::published(1));
    let installed = place.import(How::Copy);
    assert_eq!(installed.context_s, Some(16));
    (place, installed)
}

impl Place {
    fn theirs(&self) -> PathBuf {
        self.dir.path().join("mine.gguf")
    }

    fn ours(&self) -> PathBuf {
        self.folder.path().join("mine.gguf")
    }

    fn trimmed(&self) -> Vec<u8> {
        with_context(&self.content, TRIMMED)
    }

    fn import(&self, how: How) -> Installed {
        import(&self.folder, &self.theirs(), how)
    }

    fn sidecar(&self) -> Value {
        serde_json::from_slice(&fs::read(self.folder.path().join("mine.json")).unwrap()).unwrap()
    }

    fn set_sidecar(&self, sidecar: &Value) {
        fs::write(self.folder.path().join("mine.json"), sidecar.to_string()).unwrap();
    }

    /// The sidecar as it is written before the bytes are, and these bytes.
    fn leave_between(&self, bytes: &[u8]) {
        let mut sidecar = self.sidecar();
        assert!(sidecar["file_sha256"].is_string());
        sidecar.as_object_mut().unwrap().remove("modified_ns");
        self.set_sidecar(&sidecar);
        fs::write(self.ours(), bytes).unwrap();
    }

    /// The sidecar as it was written before there was any trimming, and these bytes.
    fn age(&self, bytes: &[u8]) {
        fs::write(self.ours(), bytes).unwrap();
        let mut sidecar = self.sidecar();
        let fields = sidecar.as_object_mut().unwrap();
        fields.remove("file_sha256");
        fields.remove("context_s");
        fields.insert("modified_ns".to_owned(), modified_ns(&self.ours()).into());
        self.set_sidecar(&sidecar);
    }

    fn assert_trimmed(&self, installed: &Installed) {
        assert_eq!(installed.sha256, Sha256::of(&self.content));
        assert_eq!(installed.file_sha256, Sha256::of(&self.trimmed()));
        assert_eq!(installed.context_s, Some(16));
        assert!(fs::read(&installed.file).unwrap() == self.trimmed(), "another content");
        assert_eq!(self.folder.entry(&self.id), Some(Entry::Ok(Box::new(installed.clone()))));
        assert_eq!(&self.folder.current(&self.id).unwrap(), installed);
        assert_eq!(&self.folder.verify(&self.id, &mut |_| {}, &Cancel::new()).unwrap(), installed);
    }

    fn assert_untouched(&self, installed: &Installed) {
        assert_eq!(installed.sha256, Sha256::of(&self.content));
        assert_eq!(installed.file_sha256, installed.sha256);
        assert!(fs::read(&installed.file).unwrap() == self.content, "another content");
    }
}

fn import(folder: &Folder, path: &Path, how: How) -> Installed {
    models::import(folder, path, how, &mut |_| {}, &Cancel::new()).unwrap()
}

fn modified_ns(path: &Path) -> u64 {
    let modified = fs::metadata(path).unwrap().modified().unwrap();
    modified.duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64
}

#[test]
fn a_copy_is_trimmed_and_goes_on_being_the_published_model() {
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
    assert_eq!(sidecar["modified_ns"], modified_ns(&place.ours()));
    assert!(fs::read(place.theirs()).unwrap() == before, "the user's file was written");
    // Once more changes nothing.
    assert_eq!(place.folder.trim(&place.id).unwrap(), installed);
    assert_eq!(place.sidecar(), sidecar);
}

#[test]
fn a_linked_file_is_never_written() {
    let place = place(gguf::published(1));
    let before = modified_ns(&place.theirs());
    let installed = place.import(How::Link);
    for installed in [installed, place.folder.trim(&place.id).unwrap()] {
        assert!(installed.linked);
        assert_eq!(installed.context_s, Some(30));
        place.assert_untouched(&installed);
        assert_eq!(modified_ns(&place.theirs()), before);
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
    assert!(fs::read(place.theirs()).unwrap() == place.content);
    assert_eq!(modified_ns(&place.theirs()), before);
}

#[test]
fn other_models_stay_as_they_are() {
    let whisper = |numbers| Gguf::of("whisper").with_context(numbers).bytes();
    for (content, context_s) in [
        (Gguf::of("whisper").bytes(), None),
        (Gguf::of("parakeet").with_context(PUBLISHED).bytes(), None),
        (whisper([320_000, 2_000, 20]), Some(20)),
        (whisper([160_000, 1_000, 10]), Some(10)),
        (whisper([960_000, 6_000, 60]), Some(60)),
        (whisper([480_000, 3_000, 20]), None),
        // As it came; nobody knows that it was published otherwise.
        (whisper(TRIMMED), Some(16)),
    ] {
        let place = place(content);
        let installed = place.import(How::Copy);
        assert_eq!(installed.context_s, context_s);
        place.assert_untouched(&installed);
        assert_eq!(place.folder.trim(&place.id).unwrap(), installed);
        assert_eq!(place.folder.verify(&place.id, &mut |_| {}, &Cancel::new()).unwrap(), installed);
        // Also if the sidecar does not say what the context is.
        place.age(&place.content);
        assert_eq!(place.folder.current(&place.id).unwrap().context_s, None);
        let installed = place.folder.trim(&place.id).unwrap();
        assert_eq!(installed.context_s, context_s);
        place.assert_untouched(&installed);
        assert_eq!(place.sidecar().get("context_s"), context_s.map(Value::from).as_ref());
    }
}

#[test]
fn a_model_of_an_earlier_version_is_trimmed_once() {
    let (place, installed) = trimmed_place();
    let facts = json!({ "languages": ["en"] });
    place.folder.set_facts(&place.id, facts.clone()).unwrap();
    place.age(&place.content);
    let old = place.folder.current(&place.id).unwrap();
    assert_eq!(old.context_s, None);
    place.assert_untouched(&old);
    let trimmed = place.folder.trim(&place.id).unwrap();
    place.assert_trimmed(&trimmed);
    assert_eq!((trimmed.facts.as_ref(), trimmed.added_at), (Some(&facts), installed.added_at));
    let written = modified_ns(&place.ours());
    assert_eq!(place.folder.trim(&place.id).unwrap(), trimmed);
    assert_eq!(modified_ns(&place.ours()), written);
}

#[test]
fn a_model_that_an_earlier_version_took_for_untouched_is_known_again() {
    let (place, _) = trimmed_place();
    place.age(&place.trimmed());
    let written = modified_ns(&place.ours());
    let trimmed = place.folder.trim(&place.id).unwrap();
    place.assert_trimmed(&trimmed);
    assert_eq!(modified_ns(&place.ours()), written);
}

#[test]
fn whatever_was_written_when_it_was_killed_is_ended() {
    let (place, _) = trimmed_place();
    let mut bytes: Vec<_> =
        context_places(&place.content).into_iter().flat_map(|place| place..place + 4).collect();
    bytes.sort_unstable();
    assert_eq!(bytes.len(), 12);
    // None, some, or all of the bytes; in the order in which they are written, and turned round.
    for written in 0..=12 {
        for written in [&bytes[..written], &bytes[written..]] {
            let mut between = place.content.clone();
            for at in written {
                between[*at] = place.trimmed()[*at];
            }
            for ends in [Folder::current, Folder::trim] {
                place.leave_between(&between);
                let trimmed = ends(&place.folder, &place.id).unwrap();
                assert_eq!(place.sidecar()["modified_ns"], modified_ns(&place.ours()));
                place.assert_trimmed(&trimmed);
            }
        }
    }
    // The same if only the time was not written any more, or is another one.
    let later = SystemTime::now() + Duration::from_secs(5);
    fs::File::options().write(true).open(place.ours()).unwrap().set_modified(later).unwrap();
    place.assert_trimmed(&place.folder.current(&place.id).unwrap());
}

#[test]
fn a_trimmed_file_that_is_damaged_is_not_written() {
    let (place, _) = trimmed_place();
    for at in [30, context_places(&place.content)[0] - 6, place.content.len() - 40] {
        for of in [place.content.clone(), place.trimmed()] {
            let mut damaged = of;
            damaged[at] ^= 1;
            place.leave_between(&damaged);
            for looks in [Folder::current, Folder::trim] {
                let error = looks(&place.folder, &place.id).unwrap_err();
                assert!(
                    matches!(&error, FolderError::Damaged(why) if why.contains("another content")),
                    "{error}"
                );
            }
            assert!(fs::read(place.ours()).unwrap() == damaged);
            // A model of an earlier version, which looks as it did when it was hashed.
            if header_is_sound(&damaged) {
                place.age(&damaged);
                assert!(matches!(place.folder.trim(&place.id), Err(FolderError::Damaged(_))));
                assert!(fs::read(place.ours()).unwrap() == damaged);
                // From now on its time is not believed.
                assert!(matches!(place.folder.current(&place.id), Err(FolderError::Damaged(_))));
            }
            place.import(How::Copy);
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
fn a_file_that_has_another_name_elsewhere_is_not_written() {
    let (place, _) = trimmed_place();
    let other = place.dir.path().join("other.gguf");
    // A hard link, also to one that was left between the sidecar and the bytes.
    for between in [false, true] {
        if between {
            place.leave_between(&place.content);
        } else {
            place.age(&place.content);
        }
        fs::hard_link(place.ours(), &other).unwrap();
        for _ in 0..2 {
            let installed = place.folder.trim(&place.id).unwrap();
            assert_eq!(installed.context_s, Some(30));
            place.assert_untouched(&installed);
        }
        fs::remove_file(&other).unwrap();
        place.assert_trimmed(&place.folder.trim(&place.id).unwrap());
    }
    // A symbolic link.
    fs::rename(place.ours(), &other).unwrap();
    fs::write(&other, &place.content).unwrap();
    std::os::unix::fs::symlink(&other, place.ours()).unwrap();
    for between in [false, true] {
        if between {
            place.leave_between(&place.content);
        } else {
            place.age(&place.content);
        }
        let installed = place.folder.trim(&place.id).unwrap();
        assert_eq!(installed.context_s, Some(30));
        place.assert_untouched(&installed);
        if !between {
            // So that the next round finds a sidecar that says it is trimmed.
            fs::remove_file(place.ours()).unwrap();
            fs::write(place.ours(), &place.content).unwrap();
            place.folder.trim(&place.id).unwrap();
            fs::remove_file(place.ours()).unwrap();
            std::os::unix::fs::symlink(&other, place.ours()).unwrap();
        }
    }
    assert!(fs::read(&other).unwrap() == place.content);
}

#[test]
fn a_model_whose_sidecar_cannot_be_written_stays_as_it_is() {
    let (place, _) = trimmed_place();
    place.age(&place.content);
    let in_the_way = place.folder.path().join("mine.json.new");
    fs::create_dir(&in_the_way).unwrap();
    let installed = place.folder.trim(&place.id).unwrap();
    assert_eq!(installed.context_s, Some(30));
    place.assert_untouched(&installed);
    fs::remove_dir(&in_the_way).unwrap();
    place.assert_trimmed(&place.folder.trim(&place.id).unwrap());
}

#[test]
fn many_at_once_all_see_a_whole_model() {
    let (place, _) = trimmed_place();
    for round in 0..10 {
        if round % 2 == 0 {
            place.age(&place.content);
        } else {
            place.leave_between(&place.content);
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
fn many_imports_at_once_all_end_well() {
    let place = place(gguf::published(1));
    std::thread::scope(|scope| {
        let imports: Vec<_> = (0..6).map(|_| scope.spawn(|| place.import(How::Copy))).collect();
        for import in imports {
            assert_eq!(import.join().unwrap().sha256, Sha256::of(&place.content));
        }
    });
    place.assert_trimmed(&place.folder.trim(&place.id).unwrap());
}

#[test]
fn a_trimmed_model_is_the_same_to_an_import() {
    let (place, mut installed) = trimmed_place();
    for how in [How::Copy, How::Link] {
        assert_eq!(place.import(how), installed);
        // The file in the folder itself, and a copy of it that was put somewhere else.
        assert_eq!(import(&place.folder, &place.ours(), how), installed);
        let kept = tempfile::tempdir().unwrap();
        let kept = kept.path().join("mine.gguf");
        fs::copy(place.ours(), &kept).unwrap();
        assert_eq!(import(&place.folder, &kept, how), installed);
        // It heals the model if that is gone.
        fs::remove_file(place.ours()).unwrap();
        let healed = import(&place.folder, &kept, how);
        assert_eq!(healed.linked, how == How::Link);
        place.assert_trimmed(&healed);
        fs::remove_file(&kept).unwrap();
        // Back to a copy of the user's file.
        let _ = fs::remove_file(place.ours());
        installed = place.import(How::Copy);
        place.assert_trimmed(&installed);
    }
    // A file without a sidecar, as a removal leaves it that was killed.
    fs::remove_file(place.folder.path().join("mine.json")).unwrap();
    place.assert_trimmed(&place.import(How::Copy));
}

fn get(folder: &Folder, content: &[u8], server: &Server) -> Downloaded {
    models::download(folder, &wanted(content, &[server]), &options(), &mut |_| {}, &Cancel::new()).unwrap()
}

/// A folder with the model of these tests downloaded, and the place of a file of that model beside it.
fn downloaded() -> (TempDir, Folder, Arc<Vec<u8>>, Server, Installed) {
    let content = Arc::new(gguf::published(2));
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
    assert!(fs::read(&installed.file).unwrap() == trimmed, "another content");
    assert_eq!(&folder.verify(&installed.id, &mut |_| {}, &Cancel::new()).unwrap(), installed);
    let mut names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, [".lock", "small-F32.gguf", "small-F32.json"]);
}

#[test]
fn a_download_is_trimmed_after_its_published_hash_was_found_right() {
    let (_dir, folder, content, server, installed) = downloaded();
    assert_downloaded(&folder, &content, &installed);
    // It is here, and so is one that was left as it came; nothing is asked for.
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
    // Other content is another model, also with our numbers.
    folder.remove(&installed.id).unwrap();
    let mut other = with_context(&content, TRIMMED);
    other[2_000_000] ^= 1;
    fs::write(&installed.file, &other).unwrap();
    let result =
        models::download(&folder, &wanted(&content, &[&server]), &options(), &mut |_| {}, &Cancel::new());
    assert!(matches!(result, Err(models::DownloadError::OtherContent(_))), "{result:?}");
    assert!(fs::read(&installed.file).unwrap() == other);
}

#[test]
fn a_download_that_is_resumed_is_trimmed_too() {
    let (_dir, folder, content, server, installed) = downloaded();
    let (file, part) = (&installed.file, folder.path().join("small-F32.gguf.part"));
    folder.remove(&installed.id).unwrap();
    let half = content.len() / 2;
    fs::write(&part, &content[..half]).unwrap();
    assert_downloaded(&folder, &content, &get(&folder, &content, &server).model);
    assert_eq!(server.requests().last().unwrap().range_start(), Some(half));
    // Killed before its name, before its sidecar, and before the end of its note.
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
            // Only a download that begins looks at the note.
            fs::remove_file(&note).unwrap();
        }
        assert_downloaded(&folder, &content, &model);
    }
    assert_eq!(server.requests().len(), 2);
    // A trimmed file that is damaged is had once more.
    let mut damaged = fs::read(file).unwrap();
    damaged[1_000_000] ^= 1;
    fs::write(file, damaged).unwrap();
    assert_downloaded(&folder, &content, &get(&folder, &content, &server).model);
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_cancel_while_it_is_trimmed_leaves_it_as_it_came() {
    let content = Arc::new(gguf::published(2));
    let server = Server::of(&content);
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::at(dir.path().join("models"));
    let (wanted, cancel) = (wanted(&content, &[&server]), Cancel::new());
    let mut stages = Vec::new();
    let on_progress = &mut |progress: &models::Progress| {
        if stages.last() == Some(&Stage::Downloading) && progress.stage == Stage::Checking {
            cancel.cancel();
        }
        stages.push(progress.stage);
    };
    let installed = models::download(&folder, &wanted, &options(), on_progress, &cancel).unwrap().model;
    assert!(cancel.is_cancelled(), "{stages:?}");
    assert_eq!((installed.file_sha256, installed.context_s), (Sha256::of(&content), Some(30)));
    assert!(fs::read(&installed.file).unwrap() == *content);
    assert_downloaded(&folder, &content, &folder.trim(&installed.id).unwrap());
}

#[test]
fn a_model_that_is_removed_while_it_is_trimmed_is_gone() {
    let (place, _) = trimmed_place();
    for _ in 0..20 {
        place.age(&place.content);
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
        assert!(!place.ours().exists());
        place.import(How::Copy);
    }
}

/// The published layout, as it is made by the tools of the project.
#[test]
fn a_real_model_is_trimmed() {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let path = testing::made(target.join("test-models/whisper-tiny.en-q8_0-30s.gguf"));
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::at(dir.path().join("models"));
    let before = fs::read(&path).unwrap();
    let linked = import(&folder, &path, How::Link);
    assert_eq!((linked.context_s, linked.sha256), (Some(30), Sha256::of(&before)));
    folder.remove(&linked.id).unwrap();
    let copied = import(&folder, &path, How::Copy);
    assert_eq!((copied.context_s, copied.sha256), (Some(16), linked.sha256));
    assert!(fs::read(&copied.file).unwrap() == with_context(&before, TRIMMED));
    assert!(fs::read(&path).unwrap() == before, "the user's file was written");
    assert_eq!(models::header::read(&copied.file).unwrap().context_s(), Some(16));
    assert_eq!(folder.verify(&copied.id, &mut |_| {}, &Cancel::new()).unwrap(), copied);
}
