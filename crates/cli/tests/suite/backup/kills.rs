//! Backups and restores that are killed: afterwards the old or the new state, whole.

use super::{all_rows, audio, fill, place, text};
use crate::common::{MeetMemo, kill};
use std::time::Duration;

/// Moments after the start at which the process is killed, in milliseconds: from the opening of the archive to its end.
const MOMENTS_MS: [u64; 8] = [30, 80, 150, 250, 400, 600, 900, 1300];

#[test]
fn a_backup_that_is_killed_leaves_the_earlier_ones_whole() {
    let archive = MeetMemo::new();
    let ids = fill(&archive, 40);
    let dir = place();
    let folder = dir.path().join("folder");
    archive.json(&["backup", text(&folder)]);
    let rows = all_rows(&archive);
    let file = dir.path().join("file.tar");
    for (number, moment) in MOMENTS_MS.into_iter().enumerate() {
        archive.json(&["rename", &ids[number], "changed"]);
        for place in [&folder, &file] {
            let mut backup = archive.spawn(&["backup", text(place), "--force"]);
            std::thread::sleep(Duration::from_millis(moment));
            kill(i32::try_from(backup.id()).unwrap());
            backup.wait().unwrap();
            if place.exists() {
                archive.json(&["verify", text(place)]);
            }
        }
    }
    let other = MeetMemo::new();
    other.json(&["restore", text(&folder)]);
    assert_eq!(all_rows(&other).len(), rows.len());
    let last = archive.json(&["backup", text(&folder)]);
    assert_eq!(last["problems"].as_array().unwrap().len(), 0);
}

#[test]
fn a_restore_that_is_killed_leaves_the_archive_as_before_or_as_after_and_can_be_repeated() {
    let archive = MeetMemo::new();
    fill(&archive, 40);
    let dir = place();
    archive.json(&["backup", text(dir.path())]);
    let (rows, files) = (all_rows(&archive), audio(&archive));
    let other = MeetMemo::new();
    fill(&other, 2);
    let before = all_rows(&other);
    for moment in MOMENTS_MS {
        let mut restore = other.spawn(&["restore", text(dir.path())]);
        std::thread::sleep(Duration::from_millis(moment));
        kill(i32::try_from(restore.id()).unwrap());
        restore.wait().unwrap();
        let now = all_rows(&other).len();
        assert!(now == before.len() || now == before.len() + rows.len() - 1, "{now} after {moment} ms");
    }
    other.json(&["restore", text(dir.path())]);
    assert_eq!(all_rows(&other).len(), before.len() + rows.len() - 1);
    let now = audio(&other);
    assert!(files.iter().all(|(path, hash)| now.get(path) == Some(hash)));
    other.json(&["verify"]);
}
