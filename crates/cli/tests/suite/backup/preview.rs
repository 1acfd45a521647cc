//! The preview of a restore: from the list of meetings in the backup alone, and equal to what the rows say.

use super::{fill, lose_everything, place, text};
use crate::common::{MeetMemo, sha256};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// What a restore would do as the list of the backup says, which must be what its rows say: with `--salvage`, a dry run
/// loads them.
fn preview(archive: &MeetMemo, place: &Path, more: &[&str]) -> Value {
    let dry_run =
        |options: &[&str]| archive.json(&[&["restore", text(place), "--dry-run"], options, more].concat());
    let (listed, loaded) = (dry_run(&[]), dry_run(&["--salvage"]));
    assert_eq!(listed, loaded);
    listed
}

fn counts(view: &Value) -> (usize, u64, usize) {
    let length = |name: &str| view[name].as_array().unwrap().len();
    (length("added"), view["already_there"].as_u64().unwrap(), length("audio_back"))
}

fn manifest(place: &Path) -> PathBuf {
    let mut found: Vec<_> =
        fs::read_dir(place.join("snapshots")).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|ending| ending == "jsonl"));
    assert_eq!(found.len(), 1);
    found.remove(0)
}

/// Rewrites the manifest as an older MeetMemo would have written it: without the fields `file`.
fn make_old(place: &Path) {
    let path = manifest(place);
    let lines = fs::read_to_string(&path).unwrap();
    let mut removed = 0;
    let lines: String = lines
        .lines()
        .map(|line| {
            // Text is replaced, not parsed and written anew: the order of the fields stays.
            let Some(at) = line.find(",\"file\":{") else { return format!("{line}\n") };
            let end = at + line[at..].find('}').unwrap() + 1;
            removed += 1;
            format!("{}{}\n", &line[..at], &line[end..])
        })
        .collect();
    assert!(removed > 0);
    fs::write(&path, lines).unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    let moment = name.rsplit_once('-').unwrap().0;
    fs::rename(&path, path.with_file_name(format!("{moment}-{}.jsonl", sha256(&path)))).unwrap();
}

#[test]
fn a_preview_from_the_list_of_a_backup_says_what_its_rows_say() {
    let archive = MeetMemo::new();
    let ids = fill(&archive, 6);
    archive.json(&["rename", &ids[0], "Budget"]);
    let dir = place();
    let folder = dir.path().join("folder");
    let old = dir.path().join("old");
    for place in [&folder, &old] {
        archive.json(&["backup", text(place)]);
    }
    make_old(&old);
    let preview = |more: &[&str]| {
        let [new, mut old] = [&folder, &old].map(|place| preview(&archive, place, more));
        // They were made one after the other, in two places.
        for name in ["place", "taken_at"] {
            old[name] = new[name].clone();
        }
        assert_eq!(new, old, "older backups have no such list");
        new
    };

    assert_eq!(counts(&preview(&[])), (0, 6, 0), "everything is there");
    archive.execute(&format!("DELETE FROM jobs WHERE id = '{}'", ids[1]));
    let audio = |id: &str| archive.data().join("library").join(id).join("audio.wav");
    fs::remove_file(audio(&ids[2])).unwrap();
    fs::write(audio(&ids[3]), b"short").unwrap();
    // The same audio under another id.
    archive.execute(&format!(
        "WITH gone AS (DELETE FROM jobs WHERE id = '{}' RETURNING *) INSERT INTO jobs
         SELECT (jsonb_populate_record(NULL::jobs, to_jsonb(gone) || jsonb_build_object('id', gen_random_uuid(), 'current_transcript_id', NULL))).*
         FROM gone",
        ids[4]
    ));
    let view = preview(&[]);
    assert_eq!(view["added"].as_array().unwrap().len(), 1, "{view}");
    assert!(view["audio_bytes"].as_f64().unwrap() > 0.0, "{view}");
    let one = preview(&["--meeting", &ids[1][..8]]);
    assert_eq!(counts(&one), (1, 0, 0));
    assert_eq!(counts(&preview(&["--meeting", &ids[2]])), (0, 0, 1));
    lose_everything(&archive);
    let view = preview(&[]);
    assert_eq!(counts(&view), (6, 0, 0));
    assert!(view["added"].to_string().contains("Budget"), "{view}");
    let refused = archive.refused(&["restore", text(&folder), "--dry-run", "--meeting", "00000000-0000"]);
    assert!(refused.contains("has no meeting"), "{refused}");
}
