//! Backup, check and restore with the real program.

mod damage;
mod encryption;
mod kills;
mod preview;

use crate::common::{MeetMemo, sha256, speech, until, write_wav};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use store::{JobId, LibraryId, NewJob};
use tempfile::TempDir;

/// Makes `meetings` meetings with rows in every table and audio of their own.
pub(crate) fn fill(archive: &MeetMemo, meetings: u32) -> Vec<String> {
    archive.json(&["list"]);
    let library_id = fs::read_to_string(archive.data().join("library/library-id")).unwrap();
    let library: LibraryId = library_id.trim().parse().unwrap();
    let recordings: Vec<NewJob> =
        (0..meetings).map(|number| new_recording(archive.data(), library, number)).collect();
    archive.with_store(async |store| store::testing::insert_meetings(store, &recordings, 12).await.unwrap());
    recordings.iter().map(|new| new.id.to_string()).collect()
}

fn new_recording(data: &Path, library: LibraryId, number: u32) -> NewJob {
    let id = JobId::new();
    let folder = data.join("library").join(id.to_string());
    fs::create_dir(&folder).unwrap();
    let audio = folder.join("audio.wav");
    let mut samples: Vec<u8> = id.uuid().as_bytes().repeat(500);
    samples.extend(number.to_le_bytes());
    write_wav(&audio, &samples);
    NewJob {
        id,
        file_name: format!("meeting {number}.wav"),
        file_path: format!("{id}/audio.wav"),
        file_hash: sha256(&audio),
        duration_ms: Some(250),
        recorded_at: None,
        recorded_offset_s: None,
        byte_size: i64::try_from(fs::metadata(&audio).unwrap().len()).unwrap(),
        media_format: "WAV".to_owned(),
        library_id: library,
        requested_language: None,
        requested_model: None,
        requested_translate: false,
        requested_vocabulary: None,
        requested_speakers_min: None,
        requested_speakers_max: None,
    }
}

/// Every row of the archive as text: those of no meeting under an empty name, and those of each meeting.
pub(crate) fn all_rows(archive: &MeetMemo) -> BTreeMap<String, String> {
    archive.with_store(async |store| {
        let snapshot = store.row_snapshot().await.unwrap();
        let meetings = snapshot.meetings().await.unwrap();
        let mut todo: Vec<_> = meetings.iter().collect();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let mut rows = BTreeMap::from([(String::new(), text(snapshot.archive_text().await.unwrap()))]);
        while !todo.is_empty() {
            let texts = snapshot.next_texts(&todo).await.unwrap();
            let rest = todo.split_off(texts.len());
            rows.extend(todo.iter().map(|meeting| meeting.id.to_string()).zip(texts.into_iter().map(text)));
            todo = rest;
        }
        rows
    })
}

/// The audio files of the library with their hashes.
pub(crate) fn audio(archive: &MeetMemo) -> BTreeMap<PathBuf, String> {
    let library = archive.data().join("library");
    let mut found = BTreeMap::new();
    for folder in
        fs::read_dir(&library).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir())
    {
        for file in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if file.file_stem().is_some_and(|stem| stem == "audio")
                && file.extension().is_some_and(|e| e != "seek")
            {
                found.insert(file.strip_prefix(&library).unwrap().to_owned(), sha256(&file));
            }
        }
    }
    found
}

/// The data folder as it is after an accident: empty. So is the database if it is on another server.
fn lose_everything(archive: &MeetMemo) {
    if std::env::var_os("MEETMEMO_TEST_DATABASE_URL").is_some() {
        archive.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
    }
    archive.wait_until_nothing_runs();
    for entry in fs::read_dir(archive.data()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
    }
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

pub(crate) fn place() -> TempDir {
    tempfile::Builder::new().prefix("back up ü ").tempdir().unwrap()
}

fn titles(list: &Value) -> Vec<String> {
    let mut titles: Vec<String> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|meeting| meeting["title"].as_str().unwrap().to_owned())
        .collect();
    titles.sort();
    titles
}

#[test]
fn what_was_saved_comes_back_equal_into_an_empty_data_folder() {
    let archive = MeetMemo::new();
    let dir = place();
    let recording = dir.path().join("real.wav");
    write_wav(&recording, &speech(20));
    let meeting = archive.transcribed(&recording);
    fill(&archive, 6);
    fs::write(archive.data().join("settings.toml"), "# mine\npaper = \"letter\"\n").unwrap();
    let exports = |archive: &MeetMemo, folder: &Path| -> Vec<Vec<u8>> {
        let id = meeting["job"]["id"].as_str().unwrap();
        ["pdf_transcript", "markdown_transcript"]
            .map(|kind| {
                let path = folder.join(kind);
                archive.json(&["export", id, "--type", kind, "--output", text(&path), "--force"]);
                fs::read(path).unwrap()
            })
            .into()
    };
    let before = exports(&archive, dir.path());
    let (rows, files, list) = (all_rows(&archive), audio(&archive), archive.json(&["list"]));
    assert_eq!((rows.len(), files.len()), (8, 7));

    for place in [dir.path().join("folder/"), dir.path().join("one file.tar")] {
        let made = archive.json(&["backup", text(&place)]);
        assert_eq!((made["meetings"].as_u64(), made["with_audio"].as_u64()), (Some(7), Some(7)), "{made}");
        assert_eq!(
            (&made["checked"], made["problems"].as_array().unwrap().len()),
            (&Value::Bool(true), 0),
            "{made}"
        );
    }
    for place in [dir.path().join("one file.tar"), dir.path().join("folder")] {
        lose_everything(&archive);
        let would = archive.json(&["restore", text(&place), "--dry-run"]);
        assert_eq!(
            (would["added"].as_array().unwrap().len(), &would["dry_run"]),
            (7, &Value::Bool(true)),
            "{would}"
        );
        assert!(archive.json(&["list"]).as_array().unwrap().is_empty());
        let restored = archive.json(&["restore", text(&place)]);
        assert_eq!(
            (restored["added"].as_array().unwrap().len(), &restored["settings"]),
            (7, &Value::Bool(true)),
            "{restored}"
        );
        assert_eq!(all_rows(&archive), rows);
        assert_eq!(audio(&archive), files);
        assert_eq!(archive.json(&["list"]), list);
        assert_eq!(exports(&archive, dir.path()), before);
        assert!(fs::read_to_string(archive.data().join("settings.toml")).unwrap().contains("letter"));
        let again = archive.json(&["restore", text(&place)]);
        assert_eq!(
            (again["added"].as_array().unwrap().len(), again["already_there"].as_u64()),
            (0, Some(7)),
            "{again}"
        );
        assert_eq!(all_rows(&archive).len(), 8);
        archive.json(&["verify"]);
    }
    // The app goes on working: the same recording is known.
    let again = archive.json(&["import", text(&recording)]);
    assert_eq!(again[0]["outcome"], "duplicate", "{again}");
}

#[test]
fn a_second_backup_stores_only_what_changed_and_a_tar_file_unpacks_into_a_folder() {
    let archive = MeetMemo::new();
    let ids = fill(&archive, 5);
    let dir = place();
    let folder = dir.path().join("folder");
    let first = archive.json(&["backup", text(&folder)]);
    let second = archive.json(&["backup", text(&folder)]);
    assert_eq!(second["added_bytes"], 0.0, "{second}");
    assert_eq!(first["total_bytes"], second["total_bytes"]);
    archive.json(&["rename", &ids[0], "Another title"]);
    archive.json(&["delete", "--now", &ids[1]]);
    let third = archive.json(&["backup", text(&folder)]);
    assert_eq!((third["meetings"].as_u64(), third["added_bytes"].as_f64().unwrap() > 0.0), (Some(4), true));
    assert!(third["added_bytes"].as_f64() < Some(20_000.0), "the rows of one meeting, no audio: {third}");
    let checked = archive.json(&["verify", text(&folder), "--read-data-subset", "1/2"]);
    assert_eq!(
        (checked["snapshots"].as_u64(), checked["damage"].as_array().unwrap().len()),
        (Some(3), 0),
        "{checked}"
    );
    assert!(checked["objects_read"].as_u64() < checked["objects"].as_u64());
    // What was deleted comes back from the older snapshot by hand only.
    let restored = archive.json(&["restore", text(&folder)]);
    assert_eq!(restored["already_there"].as_u64(), Some(4), "{restored}");

    let file = dir.path().join("one.tar");
    archive.json(&["backup", text(&file), "--no-check"]);
    let exists = archive.refused(&["backup", text(&file)]);
    assert!(exists.contains("exists already") && exists.contains("--force"), "{exists}");
    let unpacked = dir.path().join("unpacked");
    fs::create_dir(&unpacked).unwrap();
    let tar =
        std::process::Command::new("tar").arg("xf").arg(&file).arg("-C").arg(&unpacked).status().unwrap();
    assert!(tar.success());
    let checked = archive.json(&["verify", text(&unpacked)]);
    assert_eq!(
        (checked["meetings"].as_u64(), checked["damage"].as_array().unwrap().len()),
        (Some(4), 0),
        "{checked}"
    );
}

#[test]
fn one_meeting_its_audio_or_one_table_comes_back_alone() {
    let archive = MeetMemo::new();
    let ids = fill(&archive, 4);
    let dir = place();
    let folder = dir.path().join("folder");
    archive.json(&["backup", text(&folder)]);
    let (rows, files) = (all_rows(&archive), audio(&archive));
    for id in &ids[..2] {
        archive.json(&["delete", "--now", id]);
    }
    let restored = archive.json(&["restore", text(&folder), "--meeting", &ids[0][..30]]);
    assert_eq!(restored["added"][0]["id"], ids[0].as_str(), "{restored}");
    let now = all_rows(&archive);
    assert_eq!((now.len(), &now[&ids[0]]), (4, &rows[&ids[0]]));
    let missing = archive.refused(&["restore", text(&folder), "--meeting", "ffffffff"]);
    assert!(missing.contains("no meeting with the id ffffffff"), "{missing}");

    // Audio that is gone or altered on disk.
    let path = |id: &str| archive.data().join("library").join(id).join("audio.wav");
    fs::remove_dir_all(archive.data().join("library").join(&ids[2])).unwrap();
    let mut altered = fs::read(path(&ids[3])).unwrap();
    altered[100] ^= 1;
    fs::write(path(&ids[3]), altered).unwrap();
    let said = archive.run(&["--json", "verify"]);
    let problems = said.json()["problems"].as_array().unwrap().len();
    assert_eq!((said.code, problems), (1, 2), "{} {}", said.out, said.err);
    let restored = archive.json(&["restore", text(&folder), "--meeting", &ids[3]]);
    assert_eq!(restored["audio_back"][0]["id"], ids[3].as_str(), "{restored}");
    let restored = archive.json(&["restore", text(&folder)]);
    assert_eq!(restored["audio_back"][0]["id"], ids[2].as_str(), "{restored}");
    assert_eq!(restored["added"][0]["id"], ids[1].as_str(), "{restored}");
    let kept = audio(&archive);
    assert!(files.iter().all(|(path, hash)| kept.get(path) == Some(hash)), "{kept:?}");
    assert_eq!(all_rows(&archive).len(), 5);

    archive.json(&["delete", "--now", &ids[0]]);
    let restored = archive.json(&["restore", text(&folder), "--table", "jobs"]);
    assert_eq!(restored["rows"], serde_json::json!([{ "table": "jobs", "rows": 1 }]), "{restored}");
    assert!(archive.show(&ids[0])["transcript"].is_null());
    let unknown = archive.refused(&["restore", text(&folder), "--table", "pg_authid"]);
    assert!(unknown.contains("no table “pg_authid”"), "{unknown}");
}

#[test]
fn an_archive_moves_to_another_data_folder_and_merges_with_the_one_there() {
    let (one, other) = (MeetMemo::new(), MeetMemo::new());
    fill(&one, 3);
    fill(&other, 2);
    let dir = place();
    one.json(&["backup", text(dir.path())]);
    let restored = other.json(&["restore", text(dir.path())]);
    assert_eq!(
        (restored["added"].as_array().unwrap().len(), &restored["settings"]),
        (3, &Value::Bool(false)),
        "{restored}"
    );
    let mut all = titles(&one.json(&["list"]));
    let here = titles(&other.json(&["list"]));
    assert_eq!(here.len(), 5);
    all.retain(|title| !here.contains(title));
    assert!(all.is_empty(), "{all:?}");
    // The recordings now belong to the library here.
    let checked = other.json(&["verify"]);
    assert_eq!(
        (checked["meetings"].as_u64(), checked["audio_read"].as_u64()),
        (Some(5), Some(5)),
        "{checked}"
    );
    assert_eq!(titles(&one.json(&["list"])).len(), 3, "nothing is removed at the source");
}

#[test]
fn a_place_that_cannot_hold_a_backup_is_refused_with_a_reason() {
    let archive = MeetMemo::new();
    fill(&archive, 1);
    let dir = place();
    fs::write(dir.path().join("a letter.txt"), "x").unwrap();
    for (path, reason) in [
        (archive.data().join("backup"), "inside the data folder"),
        (dir.path().to_owned(), "holds other files already"),
        (PathBuf::from("/proc/backup/"), "cannot be written"),
        (dir.path().join("missing/folder/file.tar"), "cannot be written"),
    ] {
        let refused = archive.refused(&["backup", text(&path)]);
        assert!(refused.contains(reason), "{refused}");
    }
    for (path, reason) in [
        (dir.path().join("nothing"), "no backup at"),
        (dir.path().to_owned(), "holds no backup"),
        (dir.path().join("a letter.txt"), "is damaged or no backup"),
    ] {
        let refused = archive.refused(&["restore", text(&path)]);
        assert!(refused.contains(reason), "{refused}");
    }
}

#[test]
fn a_scheduled_backup_is_made_by_a_worker_when_it_is_due() {
    let dir = place();
    let archive = MeetMemo::new().with("MEETMEMO_BACKUP_PLACE", dir.path());
    fill(&archive, 2);
    let mut worker = archive.spawn(&["worker"]);
    let snapshots = || fs::read_dir(dir.path().join("snapshots")).map_or(0, |found| found.count());
    let state = archive.data().join("backup-state.json");
    until("the first backup", || {
        fs::read_to_string(&state).is_ok_and(|text| text.contains("\"last_check\": {"))
    });
    assert_eq!(snapshots(), 1);
    worker.kill().unwrap();
    worker.wait().unwrap();
    // The next worker finds that it is not due.
    let recording = archive.data().join("real.wav");
    write_wav(&recording, &speech(3));
    archive.transcribed(&recording);
    assert_eq!(snapshots(), 1);
    let checks = archive.json(&["doctor"]);
    let backup = checks.as_array().unwrap().iter().find(|check| check["check"] == "backup").unwrap().clone();
    assert_eq!(backup["state"], "ok", "{backup}");
}
