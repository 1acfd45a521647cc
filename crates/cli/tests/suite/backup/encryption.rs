//! Encrypted backups.

use super::{all_rows, audio, fill, lose_everything, place, text};
use crate::common::{MeetMemo, until};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A title that is found in a backup if anything is.
const TITLE: &str = "Übernahme der Käserei Grünwald";

/// A file with a passphrase that only we can read.
fn passphrase_file(folder: &Path, name: &str, passphrase: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, format!("{passphrase}\nsecond line\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    text(&path).to_owned()
}

/// All files of a backup with their content, but the empty lock file.
fn files(place: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    if place.is_file() {
        return vec![(place.to_owned(), fs::read(place).unwrap())];
    }
    let mut found: Vec<_> =
        fs::read_dir(place).unwrap().flat_map(|entry| files(&entry.unwrap().path())).collect();
    found.retain(|(_, content)| !content.is_empty());
    found.sort();
    found
}

fn holds(files: &[(PathBuf, Vec<u8>)], words: &[u8]) -> bool {
    files.iter().any(|(_, content)| content.windows(words.len()).any(|window| window == words))
}

fn length(list: &Value) -> usize {
    list.as_array().unwrap().len()
}

#[test]
fn an_encrypted_backup_shows_nothing_and_comes_back_equal_with_its_passphrase() {
    let archive = MeetMemo::new();
    let ids = fill(&archive, 4);
    archive.json(&["rename", &ids[0], TITLE]);
    let dir = place();
    let right = passphrase_file(dir.path(), "right", "fünf kleine Wörter, gut");
    let (rows, audio_files) = (all_rows(&archive), audio(&archive));
    let sound = ids[0].replace('-', "");
    let sound: Vec<u8> =
        (0..32).step_by(2).map(|at| u8::from_str_radix(&sound[at..at + 2], 16).unwrap()).collect();
    let words = [TITLE.as_bytes(), ids[0].as_bytes(), b"COPY ", b"fingerprint", &sound.repeat(3)];

    let plain = dir.path().join("plain");
    archive.json(&["backup", text(&plain)]);
    for words in words {
        assert!(holds(&files(&plain), words), "{}", String::from_utf8_lossy(words));
    }
    for place in [dir.path().join("folder"), dir.path().join("one file.tar")] {
        let made = archive.json(&["backup", text(&place), "--passphrase-file", &right]);
        assert_eq!((made["with_audio"].as_u64(), length(&made["problems"])), (Some(4), 0), "{made}");
        assert!(made["notes"].to_string().contains("Keep its passphrase"), "{made}");
        for words in words {
            assert!(!holds(&files(&place), words), "{}", String::from_utf8_lossy(words));
        }
        let checked = archive.json(&["verify", text(&place), "--passphrase-file", &right]);
        assert_eq!((checked["meetings"].as_u64(), length(&checked["damage"])), (Some(4), 0), "{checked}");
    }
    // Any `tar` unpacks a file into a folder.
    let unpacked = dir.path().join("unpacked");
    fs::create_dir(&unpacked).unwrap();
    let file = dir.path().join("one file.tar");
    assert!(
        std::process::Command::new("tar")
            .arg("xf")
            .arg(file)
            .arg("-C")
            .arg(&unpacked)
            .status()
            .unwrap()
            .success()
    );
    for place in ["folder", "one file.tar", "unpacked"] {
        lose_everything(&archive);
        let place = dir.path().join(place);
        let restored = archive.json(&["restore", text(&place), "--passphrase-file", &right]);
        assert_eq!(length(&restored["added"]), 4, "{restored}");
        assert_eq!(all_rows(&archive), rows);
        assert_eq!(audio(&archive), audio_files);
    }
}

#[test]
fn without_the_right_passphrase_nothing_is_read_written_or_mixed() {
    let archive = MeetMemo::new();
    fill(&archive, 2);
    let dir = place();
    let right = passphrase_file(dir.path(), "right", "correct horse battery");
    let wrong = passphrase_file(dir.path(), "wrong", "correct horse batterz");
    let short = passphrase_file(dir.path(), "short", "1234567");
    let open = passphrase_file(dir.path(), "open", "correct horse battery");
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).unwrap();
    let plain = dir.path().join("plain");
    archive.json(&["backup", text(&plain)]);
    let (folder, file) = (dir.path().join("folder"), dir.path().join("file.tar"));
    let (folder, file) = (text(&folder), text(&file));
    for place in [folder, file] {
        archive.json(&["backup", place, "--passphrase-file", &right]);
    }
    let before = files(dir.path());
    for command in ["verify", "restore"] {
        for place in [folder, file] {
            let missing = archive.refused(&[command, place]);
            assert!(missing.contains("is encrypted") && missing.contains("--passphrase-file"), "{missing}");
            assert!(missing.contains("the setting backup_passphrase_file"), "{missing}");
            let refused = archive.refused(&[command, place, "--passphrase-file", &wrong]);
            assert_eq!(refused, "The passphrase does not fit this backup.");
        }
        let refused = archive.refused(&[command, folder, "--passphrase-file", &open]);
        assert!(refused.contains("other users can read it") && refused.contains("chmod 600"), "{refused}");
        // A backup that is not encrypted needs no passphrase.
        let said = archive.json(&[command, text(&plain), "--passphrase-file", &wrong]);
        assert_eq!(said.to_string().contains("is not encrypted, although"), command == "restore", "{said}");
    }
    let added = dir.path().join("added");
    for (arguments, reason) in [
        (vec![folder], "is encrypted"),
        (vec![folder, "--passphrase-file", &wrong], "does not fit"),
        (vec![text(&plain), "--passphrase-file", &right], "are not encrypted"),
        (vec![text(&added), "--passphrase-file", &short], "fewer than 8 characters"),
        (vec![text(&added), "--passphrase-file", "/nowhere/at all"], "does not exist"),
    ] {
        let refused = archive.refused(&[vec!["backup"], arguments].concat());
        assert!(refused.contains(reason), "{refused}");
    }
    assert!(files(dir.path()) == before && !added.exists(), "a refused command writes nothing");
}

#[test]
fn every_flipped_bit_and_every_truncation_of_an_encrypted_backup_is_noticed() {
    let archive = MeetMemo::new();
    fill(&archive, 3);
    let dir = place();
    let right = passphrase_file(dir.path(), "right", "correct horse battery");
    let is_noticed = |place: &Path| {
        let said = archive.run(&["--json", "verify", text(place), "--passphrase-file", &right]);
        assert!(
            !said.out.contains("does not fit"),
            "damage does not look like a wrong passphrase: {}",
            said.out
        );
        said.code == 1 && said.out.len() > 20
    };
    // Numbers that look random and are the same in each run (xorshift, Marsaglia 2003).
    let mut state = 0x0dd5_eed5_1234_5678_u64;
    let mut below = |limit: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % limit as u64).unwrap()
    };
    for place in [dir.path().join("folder"), dir.path().join("file.tar")] {
        archive.json(&["backup", text(&place), "--passphrase-file", &right]);
        assert!(!is_noticed(&place));
        let files = files(&place);
        for number in 0..50 {
            // Each file is as likely as any other, so that the small ones are hit.
            let (path, whole) = &files[below(files.len())];
            let at = below(whole.len());
            let mut damaged = whole.clone();
            match number % 5 {
                4 => damaged.truncate(at),
                _ => damaged[at] ^= 1 << below(8),
            }
            fs::write(path, damaged).unwrap();
            assert!(is_noticed(&place), "number {number}, byte {at} of {}", path.display());
            fs::write(path, whole).unwrap();
        }
        assert!(!is_noticed(&place));
    }
    // Two whole objects in each other's places.
    let files = files(&dir.path().join("folder/audio"));
    let [(one, one_content), (other, other_content), ..] = files.as_slice() else { panic!("{files:?}") };
    fs::write(one, other_content).unwrap();
    fs::write(other, one_content).unwrap();
    assert!(is_noticed(&dir.path().join("folder")));
}

#[test]
fn a_second_encrypted_backup_adds_only_what_changed_and_repairs_the_key() {
    let archive = MeetMemo::new();
    let ids = fill(&archive, 4);
    let dir = place();
    let right = passphrase_file(dir.path(), "right", "correct horse battery");
    let folder = dir.path().join("folder");
    // A backup that was killed before anything was in the folder left the key of another passphrase.
    fs::create_dir_all(folder.join("snapshots")).unwrap();
    fs::write(folder.join("snapshots/key.json"), "{}").unwrap();
    let backup = || archive.json(&["backup", text(&folder), "--passphrase-file", &right]);
    let verify = || archive.run(&["--json", "verify", text(&folder), "--passphrase-file", &right]);
    let first = backup();
    let second = backup();
    assert_eq!((second["added_bytes"].as_f64(), length(&second["problems"])), (Some(0.0), 0), "{second}");
    assert_eq!(first["total_bytes"], second["total_bytes"]);
    assert!(!second["notes"].to_string().contains("Keep its passphrase"), "{second}");
    archive.json(&["rename", &ids[0], "Another title"]);
    let third = backup();
    let added = third["added_bytes"].as_f64().unwrap();
    assert!(added > 0.0 && added < 20_000.0, "the rows of one meeting, no audio: {third}");

    let copies = ["key.json", "snapshots/key.json"].map(|path| folder.join(path));
    for copy in &copies {
        fs::remove_file(copy).unwrap();
        let said = verify();
        assert!(said.code == 1 && said.out.contains("key.json is missing"), "{}", said.out);
        let other = MeetMemo::new();
        let restored = other.json(&["restore", text(&folder), "--passphrase-file", &right]);
        assert_eq!(length(&restored["added"]), 4, "{restored}");
        assert!(restored["notes"].to_string().contains("key.json is missing. The other copy"), "{restored}");
        backup();
        assert_eq!(verify().code, 0);
    }
    assert_eq!(fs::read(&copies[0]).unwrap(), fs::read(&copies[1]).unwrap());
    for copy in &copies {
        fs::remove_file(copy).unwrap();
    }
    for arguments in [["verify", text(&folder)], ["restore", text(&folder)], ["backup", text(&folder)]] {
        let refused = archive.refused(&[&arguments[..], &["--passphrase-file", &right]].concat());
        assert!(refused.contains("can be read without its key"), "{refused}");
        assert!(archive.refused(&arguments).contains("can be read without its key"));
    }
}

#[test]
fn salvage_brings_back_what_is_whole_of_a_damaged_encrypted_backup() {
    let archive = MeetMemo::new();
    let ids = fill(&archive, 3);
    let dir = place();
    let right = passphrase_file(dir.path(), "right", "correct horse battery");
    let (folder, file) = (dir.path().join("folder"), dir.path().join("file.tar"));
    for place in [&folder, &file] {
        archive.json(&["backup", text(place), "--passphrase-file", &right]);
    }
    let rows = all_rows(&archive);
    // The list of meetings and one recording are damaged, and the file is cut off in the middle of the recordings.
    let manifest =
        files(&folder.join("snapshots")).into_iter().find(|(path, _)| path.extension().unwrap() == "jsonl");
    for (path, mut content) in [manifest.unwrap(), files(&folder.join("audio")).swap_remove(0)] {
        content[100] ^= 1;
        fs::write(path, content).unwrap();
    }
    let cut = fs::read(&file).unwrap();
    fs::write(&file, &cut[..cut.len() - 20_000]).unwrap();
    for place in [&folder, &file] {
        let other = MeetMemo::new();
        let arguments = ["restore", text(place), "--passphrase-file", &right];
        let refused = other.refused(&arguments);
        assert!(refused.contains("damaged"), "{refused}");
        let restored = other.json(&[&arguments[..], &["--salvage"]].concat());
        assert_eq!(length(&restored["added"]), 3, "{restored}");
        let back = all_rows(&other);
        for id in &ids {
            // The library has another id here.
            assert_eq!(back[id].lines().count(), rows[id].lines().count(), "{id}");
        }
        let whole = audio(&archive);
        let back = audio(&other);
        assert!((1..3).contains(&back.len()), "{back:?}");
        assert!(back.iter().all(|(path, hash)| whole.get(path) == Some(hash)));
    }
}

#[test]
fn scheduled_backups_and_checks_use_the_passphrase_of_the_settings() {
    let dir = place();
    let right = passphrase_file(dir.path(), "right", "correct horse battery");
    let folder = dir.path().join("folder");
    let archive = MeetMemo::new();
    fill(&archive, 2);
    let settings = format!("backup_place = '{}'\nbackup_passphrase_file = '{right}'\n", folder.display());
    fs::write(archive.data().join("settings.toml"), settings).unwrap();
    let mut worker = archive.spawn(&["worker"]);
    let state = archive.data().join("backup-state.json");
    until("the first backup", || {
        fs::read_to_string(&state).is_ok_and(|text| text.contains("\"last_check\": {"))
    });
    worker.kill().unwrap();
    worker.wait().unwrap();
    assert!(folder.join("key.json").is_file() && !holds(&files(&folder), b"COPY "));
    let checked = archive.json(&["verify"]);
    assert_eq!((length(&checked["problems"]), length(&checked["backup"]["damage"])), (0, 0), "{checked}");

    // The setting names a file of this computer, so it does not come back with the others.
    let other = MeetMemo::new().with("MEETMEMO_BACKUP_PASSPHRASE_FILE", &right);
    let restored = other.json(&["restore", text(&folder)]);
    assert_eq!(length(&restored["added"]), 2, "{restored}");
    let settings = fs::read_to_string(other.data().join("settings.toml")).unwrap();
    assert!(!settings.lines().any(|line| line.starts_with("backup_passphrase_file")), "{settings}");
    let relative = MeetMemo::new().with("MEETMEMO_BACKUP_PASSPHRASE_FILE", "right");
    assert!(relative.refused(&["list"]).contains("beginning with /"));
}
