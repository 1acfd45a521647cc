//! Damaged backups and damaged databases.

use super::{all_rows, audio, fill, place, text};
use crate::common::MeetMemo;
use std::fs;
use std::path::{Path, PathBuf};

/// Numbers that look random and are the same in each run (xorshift, Marsaglia 2003).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// All files of a backup with their sizes, but the empty lock file.
fn files(place: &Path) -> Vec<(PathBuf, u64)> {
    if place.is_file() {
        return vec![(place.to_owned(), fs::metadata(place).unwrap().len())];
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(place).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true => found.extend(files(&entry.path())),
            false => found.extend(files(&entry.path()).into_iter().filter(|(_, bytes)| *bytes > 0)),
        }
    }
    found.sort();
    found
}

/// The file and the position in it of the byte `at` of all files together.
fn find(files: &[(PathBuf, u64)], mut at: u64) -> (&Path, u64) {
    for (path, bytes) in files {
        if at < *bytes {
            return (path, at);
        }
        at -= bytes;
    }
    unreachable!("`at` is less than the sum of the sizes")
}

/// Whether `verify` finds damage; the report must name something.
fn is_noticed(archive: &MeetMemo, place: &Path) -> bool {
    let said = archive.run(&["--json", "verify", text(place)]);
    said.code == 1 && said.out.len() > 20
}

#[test]
fn every_flipped_bit_and_every_truncation_of_a_backup_is_noticed() {
    let archive = MeetMemo::new();
    fill(&archive, 8);
    let dir = place();
    let places = [dir.path().join("folder"), dir.path().join("file.tar")];
    let mut numbers = Numbers(0x1234_5678_9abc_def1);
    for place in &places {
        archive.json(&["backup", text(place)]);
        assert!(!is_noticed(&archive, place));
        let files = files(place);
        let total = files.iter().map(|(_, bytes)| bytes).sum();
        for _ in 0..100 {
            let (path, at) = find(&files, numbers.below(total));
            let whole = fs::read(path).unwrap();
            let mut flipped = whole.clone();
            let bit = numbers.below(8);
            flipped[usize::try_from(at).unwrap()] ^= 1 << bit;
            fs::write(path, flipped).unwrap();
            assert!(is_noticed(&archive, place), "bit {bit} of byte {at} of {}", path.display());
            fs::write(path, whole).unwrap();
        }
        for _ in 0..25 {
            let (path, at) = find(&files, numbers.below(total));
            let whole = fs::read(path).unwrap();
            fs::write(path, &whole[..usize::try_from(at).unwrap()]).unwrap();
            assert!(is_noticed(&archive, place), "{} cut to {at} bytes", path.display());
            fs::write(path, whole).unwrap();
        }
        assert!(!is_noticed(&archive, place));
    }
}

#[test]
fn a_damaged_backup_is_refused_by_name_and_salvage_brings_back_what_is_whole() {
    let archive = MeetMemo::new();
    let ids = fill(&archive, 6);
    let rows = all_rows(&archive);
    let whole_audio = audio(&archive);
    let dir = place();
    let mut numbers = Numbers(0xfeed_beef_1357_2468);
    for name in ["folder", "file.tar"] {
        let place = dir.path().join(name);
        archive.json(&["backup", text(&place)]);
        let files = files(&place);
        let total = files.iter().map(|(_, bytes)| bytes).sum();
        for round in 0..4 {
            // A bit somewhere, or the end of a file.
            let (path, at) = find(&files, numbers.below(total));
            let whole = fs::read(path).unwrap();
            let at = usize::try_from(at).unwrap();
            let mut damaged = whole.clone();
            if round % 2 == 0 {
                damaged[at] ^= 4
            } else {
                damaged.truncate(at)
            }
            fs::write(path, &damaged).unwrap();

            let other = MeetMemo::new();
            let refused = other.run(&["--json", "restore", text(&place)]);
            let harmless = path.ends_with("README.txt");
            assert!(refused.code == 1 || name == "file.tar", "{} {at}: {}", path.display(), refused.out);
            assert!(other.json(&["list"]).as_array().unwrap().is_empty() || refused.code == 0);
            let salvaged = other.run(&["--json", "restore", text(&place), "--salvage"]);
            if salvaged.code != 0 {
                // Cut off before the first meeting: nothing is whole.
                assert!(at < 20_000 && round % 2 == 1, "{} {at}: {}", path.display(), salvaged.err);
            } else {
                let back = all_rows(&other);
                let lost = ids.iter().filter(|id| !back.contains_key(*id)).count();
                let in_tar = name == "file.tar" && round % 2 == 1;
                assert!(harmless || in_tar || lost <= 1, "{} {at}: {lost} lost", path.display());
                for (id, text) in back.iter().filter(|(id, _)| !id.is_empty()) {
                    // The library has another id here; people are gone if their part was damaged.
                    let comparable = |text: &str| text.lines().filter(|line| line.contains("-")).count();
                    assert_eq!(comparable(text), comparable(&rows[id]), "{id}");
                }
                let audio_back = audio(&other);
                assert!(audio_back.iter().all(|(path, hash)| whole_audio.get(path) == Some(hash)));
            }
            fs::write(path, whole).unwrap();
        }
    }
}

#[test]
fn a_damaged_database_is_kept_aside_and_a_new_one_takes_its_place() {
    if std::env::var_os("MEETMEMO_TEST_DATABASE_URL").is_some() {
        // Concerns the files of the private server only.
        return;
    }
    let archive = MeetMemo::new();
    fill(&archive, 4);
    let (rows, files) = (all_rows(&archive), audio(&archive));
    let dir = place();
    archive.json(&["backup", text(dir.path())]);
    let cluster = archive.data().join("database/cluster");
    // A file that is cut off, a page with a wrong checksum, and a missing password.
    let table: String =
        archive.with_store(async |store| store::testing::file_of_table(store, "segments").await.unwrap());
    archive.wait_until_nothing_runs();
    for (number, damage) in ["cut off", "page", "password"].into_iter().enumerate() {
        match damage {
            "cut off" => {
                let control = cluster.join("global/pg_control");
                let whole = fs::read(&control).unwrap();
                fs::write(control, &whole[..100]).unwrap();
            }
            "page" => {
                let path = if number == 1 { newest_table(&archive) } else { cluster.join(&table) };
                let mut pages = fs::read(&path).unwrap();
                pages[4000] ^= 0xff;
                fs::write(path, pages).unwrap();
            }
            _ => fs::remove_file(archive.data().join("database/password")).unwrap(),
        }
        let restored = archive.json(&["restore", text(dir.path())]);
        let aside =
            PathBuf::from(restored["set_aside"].as_str().unwrap_or_else(|| panic!("{damage}: {restored}")));
        assert!(aside.join("PG_VERSION").is_file(), "{damage}: the broken one is kept");
        assert_eq!(all_rows(&archive), rows, "{damage}");
        assert_eq!(audio(&archive), files, "{damage}");
        archive.wait_until_nothing_runs();
    }
}

/// The file of the table of segments in the current cluster.
fn newest_table(archive: &MeetMemo) -> PathBuf {
    let table =
        archive.with_store(async |store| store::testing::file_of_table(store, "segments").await.unwrap());
    archive.wait_until_nothing_runs();
    archive.data().join("database/cluster").join(table)
}
