//! Importing files: results, duplicates, interruptions, refusals.

use crate::common::{MeetMemo, Said, clips, samples, shared_audio, silence, speech, until, words, write_wav};
use rustix::fs::Mode;
use serde_json::Value;
use std::fs;
use std::path::Path;
use testing::Signal;

fn outcome<'a>(rows: &'a Value, name: &str) -> &'a Value {
    let rows = rows.as_array().unwrap();
    rows.iter()
        .find(|row| row["path"].as_str().unwrap().ends_with(name))
        .unwrap_or_else(|| panic!("{name}: {rows:?}"))
}

#[test]
fn each_file_is_imported_duplicate_skipped_or_refused_and_none_stops_the_others() {
    let app = MeetMemo::new();
    let dir = tempfile::tempdir().unwrap();
    let clip = &clips()[1];
    let place = |name: &str| dir.path().join("x").join(name);
    fs::create_dir(dir.path().join("x")).unwrap();
    fs::copy(clip, place("a.wav")).unwrap();
    fs::copy(clip, place("b same content.wav")).unwrap();
    fs::write(place("empty.wav"), "").unwrap();
    fs::write(place("notes.txt"), "Tuesday, ten o'clock").unwrap();
    fs::create_dir(place("deeper")).unwrap();
    write_wav(&place("deeper/a.wav"), &samples(&clips()[0]));

    let rows = app.json(&["import", dir.path().to_str().unwrap()]);
    let mut same = [outcome(&rows, "x/a.wav"), outcome(&rows, "b same content.wav")]
        .map(|row| row["outcome"].as_str().unwrap());
    same.sort_unstable();
    assert_eq!(same, ["duplicate", "imported"], "files are copied side by side: whichever comes first");
    assert_eq!(outcome(&rows, "notes.txt")["outcome"], "skipped");
    assert_eq!(outcome(&rows, "empty.wav")["outcome"], "skipped");
    assert_eq!(outcome(&rows, "deeper/a.wav")["outcome"], "imported");
    assert_eq!(app.json(&["list"]).as_array().unwrap().len(), 2, "one job for each content");

    // The same file named by the user is a failure, with a sentence that names it.
    let said = app.run(&[
        "--json",
        "import",
        place("notes.txt").to_str().unwrap(),
        place("gone.wav").to_str().unwrap(),
    ]);
    assert_eq!(said.code, 1);
    let rows = said.json();
    assert_eq!(outcome(&rows, "notes.txt")["outcome"], "failed");
    assert_eq!(outcome(&rows, "notes.txt")["error"], "notes.txt: not an audio or video file");
    assert_eq!(outcome(&rows, "gone.wav")["error"], "gone.wav: the file does not exist");
    assert!(
        fs::read_dir(app.data().join("library/incoming")).unwrap().next().is_none(),
        "nothing half-done is left"
    );
}

#[test]
fn two_files_with_the_same_name_and_different_content_are_both_imported() {
    let app = MeetMemo::new();
    let dir = tempfile::tempdir().unwrap();
    let names = ["one/Besprechung März – 会议 №3.wav", "two/Besprechung März – 会议 №3.wav"];
    for (name, clip) in names.iter().zip(clips()) {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy(clip, path).unwrap();
    }
    app.json(&["import", dir.path().to_str().unwrap()]);
    let jobs = app.json(&["list"]);
    assert_eq!(jobs.as_array().unwrap().len(), 2);
    for job in jobs.as_array().unwrap() {
        assert_eq!(job["file_name"], "Besprechung März – 会议 №3.wav");
        assert_eq!(job["title"], "Besprechung März – 会议 №3");
        let copy = app.data().join("library").join(job["id"].as_str().unwrap()).join("audio.wav");
        assert_eq!(fs::metadata(copy).unwrap().len(), job["byte_size"].as_u64().unwrap());
    }
}

#[test]
fn a_duplicate_restores_a_lost_or_altered_copy() {
    let app = MeetMemo::new();
    let clip = &clips()[0];
    let job = app.import(clip);
    let copy = app.data().join("library").join(&job).join("audio.wav");
    for damage in [None, Some("altered")] {
        match damage {
            None => fs::remove_dir_all(copy.parent().unwrap()).unwrap(),
            Some(text) => fs::write(&copy, text).unwrap(),
        }
        let said = app.run(&["import", clip.to_str().unwrap()]);
        assert_eq!(said.code, 0, "a duplicate is done");
        assert!(said.out.contains("put back"), "{}", said.out);
        assert_eq!(fs::read(&copy).unwrap(), fs::read(clip).unwrap());
    }
    assert_eq!(
        fs::read_dir(app.data().join("library")).unwrap().count(),
        3,
        "incoming, library-id and the job"
    );
}

#[test]
fn two_processes_that_import_the_same_file_concurrently_make_one_job() {
    let app = MeetMemo::new();
    let clip = clips()[2].clone();
    let mut running: Vec<_> = (0..4).map(|_| app.spawn(&["import", clip.to_str().unwrap()])).collect();
    for child in &mut running {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(app.json(&["list"]).as_array().unwrap().len(), 1);
    assert_eq!(fs::read_dir(app.data().join("library")).unwrap().count(), 3, "the losers' copies are gone");
}

#[test]
fn an_import_that_was_killed_can_be_continued() {
    let app = MeetMemo::new();
    let dir = many(400);
    app.json(&["list"]);
    let mut import = app.spawn(&["import", dir.path().to_str().unwrap()]);
    while app.json(&["list", "--limit", "20"]).as_array().unwrap().len() < 20 {
        assert!(import.try_wait().unwrap().is_none(), "the import ended before it could be killed");
    }
    import.kill().unwrap();
    import.wait().unwrap();
    let before = app.json(&["list"]).as_array().unwrap().len();
    assert!((20..400).contains(&before), "{before} were imported");

    let next = app.run(&["import", clips()[0].to_str().unwrap()]);
    assert!(next.err.contains("An earlier import stopped at"), "{}", next.err);
    let said = app.run(&["import", "--continue"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(app.json(&["list"]).as_array().unwrap().len(), 401);
    assert!(app.run(&["import", "--continue"]).err.contains("No import was interrupted"));
}

/// Names of the folders in the library whose name is a job id.
fn job_folders(app: &MeetMemo) -> Vec<String> {
    let names = fs::read_dir(app.data().join("library")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.len() == 36).collect()
}

/// A folder with `count` recordings of different content.
fn many(count: u16) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let clip = samples(&clips()[1]);
    for i in 0..count {
        write_wav(&dir.path().join(format!("{i:03}.wav")), &[&clip[..], &i.to_le_bytes()].concat());
    }
    dir
}

#[test]
fn a_stopped_import_finishes_the_files_it_began_and_can_be_continued() {
    let app = MeetMemo::new();
    let dir = many(400);
    app.json(&["list"]);
    let import = app
        .command(&["import", dir.path().to_str().unwrap()])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    until("some recordings are there", || job_folders(&app).len() > 20);
    testing::signal(import.id().cast_signed(), Signal::INT);
    let said: Said = import.wait_with_output().unwrap().into();
    assert_eq!(said.code, 1, "{}", said.err);
    let known = app.json(&["list"]).as_array().unwrap().len();
    assert!((20..400).contains(&known), "{known}");
    let words = format!("Stopped at {known} of 400. Go on with it: meetmemo import --continue");
    assert!(said.err.contains(&words), "{known}: {}", said.err);
    assert_eq!(job_folders(&app).len(), known);
    assert_eq!(fs::read_dir(app.data().join("library/incoming")).unwrap().count(), 0);

    assert_eq!(app.run(&["import", "--continue"]).code, 0);
    assert_eq!(app.json(&["list"]).as_array().unwrap().len(), 400);
}

#[test]
fn a_complete_copy_of_a_killed_import_is_registered_later() {
    let app = MeetMemo::new();
    let dir = many(60);
    // A client keeps the server running, so that an import is fast. `cat` ends with its input, so nothing is left of it
    // when the test fails.
    let mut server = app
        .command(&["database", "run", "--", "cat"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    app.json(&["list"]);
    let mut without_row = Vec::new();
    let begin = std::time::Instant::now();
    while without_row.is_empty() {
        assert!(begin.elapsed() < crate::common::DEADLINE, "no kill came between the copy and its row");
        let before = job_folders(&app).len();
        let mut import = app.spawn(&["import", dir.path().to_str().unwrap()]);
        while job_folders(&app).len() == before && import.try_wait().unwrap().is_none() {}
        import.kill().unwrap();
        import.wait().unwrap();
        let known = app.json(&["list"]);
        let known: Vec<&str> =
            known.as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap()).collect();
        without_row = job_folders(&app);
        without_row.retain(|folder| !known.contains(&folder.as_str()));
    }
    let checks = app.run(&["--json", "doctor"]).json();
    assert!(!checks.to_string().contains("no recording in the archive"), "its note explains it: {checks}");

    // The next import recovers it first.
    app.run(&["import", dir.path().join("000.wav").to_str().unwrap()]);
    for folder in &without_row {
        let job = &app.json(&["show", folder])["job"];
        assert_eq!((job["id"].as_str(), job["status"].as_str()), (Some(folder.as_str()), Some("pending")));
        assert!(job["file_name"].as_str().unwrap().ends_with(".wav"), "{job}");
    }
    assert_eq!(fs::read_dir(app.data().join("library/incoming")).unwrap().count(), 0);
    let known = app.json(&["list"]).as_array().unwrap().len();
    assert_eq!(job_folders(&app).len(), known);
    for folder in job_folders(&app) {
        assert!(!app.data().join("library").join(&folder).join("import.json").exists(), "{folder}");
    }
    // A folder that belongs to nothing is reported and left alone.
    let unknown = app.data().join("library/00000000-0000-4000-8000-000000000000");
    fs::create_dir(&unknown).unwrap();
    fs::write(unknown.join("audio.wav"), "RIFF").unwrap();
    app.run(&["worker", "--drain"]);
    let checks = app.run(&["--json", "doctor"]).json();
    assert!(checks.to_string().contains("1 folder belongs to no recording in the archive"), "{checks}");
    assert!(unknown.join("audio.wav").is_file());
    server.kill().unwrap();
    server.wait().unwrap();
}

#[test]
fn a_placeholder_a_pipe_and_an_empty_folder_are_explained_in_a_sentence() {
    let app = MeetMemo::new();
    let dir = tempfile::tempdir().unwrap();
    let hollow = fs::File::create(dir.path().join("cloud.wav")).unwrap();
    hollow.set_len(10 << 20).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, dir.path().join("pipe.wav"), Mode::RUSR | Mode::WUSR).unwrap();
    let said = app.run(&["--json", "import", dir.path().to_str().unwrap()]);
    assert_eq!(said.code, 1);
    let rows = said.json();
    let cloud = outcome(&rows, "cloud.wav");
    assert!(cloud["error"].as_str().unwrap().contains("placeholder"), "{cloud}");
    let pipe = outcome(&rows, "pipe.wav");
    assert!(pipe["error"].as_str().unwrap().contains("not a file"), "{pipe}");
}

#[test]
fn an_unknown_language_or_model_is_refused_before_anything_is_copied() {
    let app = MeetMemo::new();
    let clip = clips()[0].clone();
    for (wrong, sentence) in [
        (["--language", "tlh"], "The speech model does not know the language “tlh”; it knows: en, zh, de"),
        (
            ["--model", "large-v9"],
            "The speech model “large-v9” is not installed. Install it, or choose another one.",
        ),
    ] {
        let said = app.refused(&[&["import", clip.to_str().unwrap()], &wrong[..]].concat());
        assert!(said.starts_with(sentence), "{said}");
    }
    assert_eq!(app.json(&["list"]).as_array().unwrap().len(), 0);
    assert_eq!(app.run(&["import"]).code, 2, "wrong usage");
}

#[test]
fn damaged_files_are_refused_or_transcribed_as_far_as_they_can_be_read() {
    let Some(audio) = shared_audio() else { return };
    let app = MeetMemo::new();
    let said = app.run(&["--json", "import", "--wait", audio.join("broken").to_str().unwrap()]);
    let rows = said.json();
    for refused in [
        "empty.wav",
        "text.wav",
        "header-only.wav",
        "noise-bytes.mp3",
        "truncated-no-moov.m4a",
        "video-without-audio.mp4",
    ] {
        let row = outcome(&rows, refused);
        assert!(["skipped", "failed"].contains(&row["outcome"].as_str().unwrap()), "{row}");
        assert!(row["error"].as_str().unwrap().starts_with(refused), "{row}");
    }
    for whole in
        ["hole-in-the-middle.mp3", "lying-length.wav", "silence-20s.wav", "truncated.mp3", "wav-named.mp3"]
    {
        assert_eq!(outcome(&rows, whole)["status"], "completed", "{whole}: {rows}");
    }
    let silent = outcome(&rows, "silence-20s.wav")["job_id"].as_str().unwrap().to_owned();
    let silent = app.show(&silent);
    assert_eq!(silent["transcript"]["segments"].as_array().unwrap().len(), 0);
    let short = app.show(outcome(&rows, "lying-length.wav")["job_id"].as_str().unwrap());
    assert!(short["job"]["media_note"].as_str().unwrap().contains("ends early"), "{}", short["job"]);
}

#[test]
fn every_common_format_is_transcribed() {
    let Some(audio) = shared_audio() else { return };
    let app = MeetMemo::new();
    let rows = app.json(&["import", "--wait", audio.join("formats").to_str().unwrap()]);
    assert_eq!(rows.as_array().unwrap().len(), 16);
    for row in rows.as_array().unwrap() {
        assert_eq!(row["status"], "completed", "{row}");
        let meeting = app.show(row["job_id"].as_str().unwrap());
        let length = meeting["job"]["duration_ms"].as_i64().unwrap();
        assert!((length - 11_000).abs() <= 100, "{row}: {length} ms");
        let heard: Vec<String> = words(&meeting).into_iter().map(|(_, _, word)| word).collect();
        assert!(heard.len() > 10 && heard.contains(&"fellow".to_owned()), "{row}: {heard:?}");
    }
}

#[test]
fn the_original_file_is_only_read() {
    let app = MeetMemo::new();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.wav");
    write_wav(&path, &[speech(3), silence(0.5)].concat());
    let before = (fs::read(&path).unwrap(), fs::metadata(&path).unwrap().modified().unwrap());
    let job = app.import(&path);
    app.json(&["delete", "--now", &job]);
    assert_eq!((fs::read(&path).unwrap(), fs::metadata(&path).unwrap().modified().unwrap()), before);
    assert!(!Path::new(&app.data().join("library").join(&job)).exists());
}

#[test]
fn names_with_control_characters_are_stored_and_shown_without_them() {
    let app = MeetMemo::new();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("Team\nred\u{1b}[31m\u{7}\u{202e} talk.wav");
    fs::copy(&clips()[0], &path).unwrap();
    let said = app.run(&["import", path.to_str().unwrap()]);
    assert_eq!(said.code, 0, "{}", said.err);
    let jobs = app.json(&["list"]);
    assert_eq!(jobs[0]["file_name"], "Team red [31m   talk.wav");
    assert_eq!(jobs[0]["title"], "Team red [31m talk");
    let job = jobs[0]["id"].as_str().unwrap();
    let renamed = app.json(&["rename", job, "a\u{1b}]0;x\u{7}b\u{9b}\nc"]);
    assert_eq!(renamed["title"], "a ]0;x b c");

    let again = app.run(&["import", path.to_str().unwrap()]);
    let missing = app.run(&["import", &format!("{}\u{1b}[2J\nx", path.to_str().unwrap())]);
    let list = app.run(&["list"]);
    let wrong = app.run(&["list", "--status", "\u{1b}[2Jx"]);
    assert_eq!(wrong.code, 2);
    for text in [&said.out, &wrong.err, &again.out, &missing.out, &missing.err, &list.out] {
        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}']), "{text:?}");
    }
    assert!(
        again.out.lines().next().unwrap().ends_with("waiting)."),
        "all of it is in one line: {}",
        again.out
    );
    assert_eq!(missing.out.lines().count(), 1, "{}", missing.out);
    assert!(missing.out.contains("Team�red�[31m"), "{}", missing.out);
}

#[test]
fn every_command_and_export_shows_the_same_day_and_hour() {
    let app = MeetMemo::new();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("party.wav");
    fs::copy(&clips()[0], &path).unwrap();
    let file = fs::File::options().write(true).open(&path).unwrap();
    // 2024-12-31T23:30:00Z
    file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_735_687_800)).unwrap();
    drop(file);
    let run = |arguments: &[&str], zone: &str| -> Said {
        app.command(arguments).env("TZ", zone).output().unwrap().into()
    };
    let imported = run(&["--json", "import", "--wait", path.to_str().unwrap()], "UTC").json();
    let job = imported[0]["job_id"].as_str().unwrap();
    let shown = run(&["--json", "show", job], "Europe/Berlin").json();
    assert_eq!(shown["job"]["recorded_at"], "2025-01-01T00:30:00+01:00");
    let told = run(&["show", job], "Europe/Berlin").out;
    assert!(told.contains("1 January 2025, 00:30 (UTC+1)"), "{told}");
    let markdown = dir.path().join("party.md");
    let arguments = ["export", job, "--type", "markdown_transcript", "--output", markdown.to_str().unwrap()];
    assert_eq!(run(&arguments, "Europe/Berlin").code, 0);
    let text = fs::read_to_string(&markdown).unwrap();
    assert!(text.contains("- **Recorded:** 1 January 2025, 00:30 (UTC+1)"), "{text}");

    // Devices and pipes are not replaced.
    let refused =
        app.refused(&["export", job, "--type", "markdown_transcript", "--output", "/dev/stdout", "--force"]);
    assert!(refused.contains("/dev/stdout is a device or a pipe"), "{refused}");
}
