//! Folders, tags, favourites, notes, the trash, and the filters of the list, as users and scripts run them.

use crate::common::{MeetMemo, Said, clips, samples, start, until, write_wav};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// Recordings of different content, with complete transcripts; they are not transcribed really.
fn meetings(app: &MeetMemo, number: usize) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let mut jobs = Vec::new();
    for number in 0..number {
        let job = app.import(&recording(dir.path(), number));
        app.execute(&format!(
            "INSERT INTO transcripts (id, job_id, version, status, engine, model, settings)
                VALUES ('{job}', '{job}', 1, 'complete', 'test', 'whisper-base', '{{}}');
            UPDATE jobs SET status = 'completed', workflow_state = 'done', current_transcript_id = '{job}',
                title = 'Meeting {number}', recorded_at = '2026-03-1{number} 12:00Z' WHERE id = '{job}'"
        ));
        jobs.push(job);
    }
    jobs
}

fn recording(folder: &Path, number: usize) -> PathBuf {
    let path = folder.join(format!("meeting {number}.wav"));
    let content = [samples(&clips()[1]).as_slice(), &u16::try_from(number).unwrap().to_le_bytes()].concat();
    write_wav(&path, &content);
    path
}

fn texts<'a>(list: &'a Value, field: &str) -> Vec<&'a str> {
    list.as_array().unwrap().iter().map(|item| item[field].as_str().unwrap()).collect()
}

/// The error code of a command that must fail with `--json`.
fn code(app: &MeetMemo, arguments: &[&str]) -> String {
    let said = app.run(&[&["--json"], arguments].concat());
    assert_eq!(said.code, 1, "{arguments:?}: {} {}", said.out, said.err);
    said.json()["error"]["code"].as_str().unwrap().to_owned()
}

#[test]
fn recordings_are_put_in_order_and_listed_by_it() {
    let app = MeetMemo::new();
    let jobs = meetings(&app, 4);
    let listed = |options: &[&str]| {
        let list = app.json(&[&["list"], options].concat());
        texts(&list, "id").into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let newest_first: Vec<String> = jobs.iter().rev().cloned().collect();
    assert_eq!(listed(&[]), newest_first);

    // Folders.
    let acme = app.json(&["folder", "add", "Clients/Acme"]);
    assert_eq!(acme["name"], "Acme");
    assert_eq!(app.json(&["folder", "add", "clients/ACME"])["id"], acme["id"], "it is there already");
    app.json(&["folder", "add", "Talks"]);
    app.json(&["folder", "put", &jobs[0], &jobs[1], "clients/acme"]);
    app.json(&["folder", "put", &jobs[2][..8], "Clients"]);
    let tree = app.run(&["folder"]).out;
    assert_eq!(tree, "Clients  (1)\n  Acme  (2)\nTalks  (0)\n");
    assert_eq!(listed(&["--folder", "Clients"]), newest_first[1..], "also what is in the folders in it");
    assert_eq!(listed(&["--folder", "acme"]), newest_first[2..], "a name that only one folder has");
    app.json(&["folder", "move", "Clients/Acme", "Talks"]);
    app.json(&["folder", "rename", "Talks/Acme", "Acme Ltd"]);
    assert_eq!(app.run(&["folder"]).out, "Clients  (1)\nTalks  (0)\n  Acme Ltd  (2)\n");
    app.json(&["folder", "remove", "talks"]);
    assert_eq!(app.run(&["folder"]).out, "Acme Ltd  (2)\nClients  (1)\n");
    app.json(&["folder", "take-out", &jobs[1]]);
    assert_eq!(listed(&["--folder", "Acme Ltd"]), newest_first[3..]);
    app.json(&["folder", "move", "Acme Ltd", "Clients"]);
    let moved = app.json(&["folder", "move", "Clients/Acme Ltd", "--top"]);
    assert_eq!(moved["parent_id"], Value::Null);

    // Tags.
    let tagged = app.json(&["tag", &jobs[0], &jobs[3], "urgent"]);
    assert_eq!(texts(&tagged, "title"), ["Meeting 0", "Meeting 3"]);
    app.json(&["tag", &jobs[3], "budget"]);
    assert_eq!(app.run(&["tag"]).out, "c2   budget  (1)\nc1   urgent  (2)\n");
    assert_eq!(listed(&["--tag", "URGENT"]), [jobs[3].clone(), jobs[0].clone()]);
    assert_eq!(listed(&["--tag", "urgent", "--tag", "budget"]), [jobs[3].clone()]);
    app.json(&["tag", &jobs[3], "--remove", "urgent"]);
    assert_eq!(listed(&["--tag", "urgent"]), [jobs[0].clone()]);
    assert_eq!(app.json(&["tag", "urgent", "--rename", "Very urgent"])["name"], "Very urgent");
    assert_eq!(app.json(&["tag", "very urgent", "--colour", "c9"])["colour"], "c9");
    app.json(&["tag", "budget", "--delete"]);
    assert_eq!(texts(&app.json(&["tag"]), "name"), ["Very urgent"]);

    // Favourites and days.
    app.json(&["favourite", &jobs[1], &jobs[2]]);
    app.json(&["unfavourite", &jobs[2]]);
    assert_eq!(listed(&["--favourite"]), [jobs[1].clone()]);
    assert_eq!(listed(&["--from", "2026-03-12"]), newest_first[..2]);
    assert_eq!(listed(&["--from", "2026-03-11", "--to", "2026-03-12"]), newest_first[1..3]);
    assert_eq!(listed(&["--to", "2025"]), Vec::<String>::new());
    assert_eq!(listed(&["--from", "2026-03", "--limit", "1"]), newest_first[..1]);
    let shown = app.show(&jobs[0]);
    assert_eq!(shown["job"]["tags"].as_array().unwrap().len(), 1);
    assert_eq!(shown["job"]["folder_id"], acme["id"]);
}

#[test]
fn what_cannot_be_done_is_refused_with_a_sentence_and_changes_nothing() {
    let app = MeetMemo::new();
    let jobs = meetings(&app, 2);
    app.json(&["folder", "add", "a/b/c"]);
    app.json(&["folder", "add", "x/c"]);
    for (arguments, says) in [
        (&["folder", "add", "a//b"][..], "1 to 100 characters"),
        (&["folder", "add", &"x".repeat(101)], "1 to 100 characters"),
        (&["folder", "add", "1/2/3/4/5/6/7/8/9/10/11"], "At most 10 folders"),
        (&["folder", "rename", "a/b", "b/c"], "cannot contain “/”"),
        (&["folder", "rename", "x", "A"], "There is a folder “A” in the same place already"),
        (&["folder", "move", "a", "a/b"], "cannot be moved into itself"),
        (&["folder", "put", &jobs[0], "nowhere"], "There is no folder “nowhere”"),
        (&["folder", "put", &jobs[0], "ffffffff", "a"], "no recording with the id ffffffff"),
        (&["list", "--folder", "c"], "Several folders are called “c”"),
        (&["list", "--tag", "x"], "There is no tag “x”"),
        (&["list", "--from", "soon"], "“soon” is not a day"),
        (&["tag", &jobs[0]], "alone says nothing"),
        (&["tag", "--remove", "x"], "Give a recording"),
        (&["tag", "x", "--delete"], "There is no tag “x”"),
        (&["tag", &jobs[0], "ffffffff", "t"], "no recording with the id ffffffff"),
        (&["favourite", &jobs[0], "ffffffff"], "no recording with the id ffffffff"),
        (&["restore-from-trash", &jobs[0]], "is not in the trash"),
        (&["note", &jobs[0], "--file", "/nowhere/x.md"], "/nowhere/x.md could not be read"),
        (&["note", &jobs[0], "--set", &"x".repeat(100_001)], "at most 100000 characters"),
    ] {
        let sentence = app.refused(arguments);
        assert!(sentence.contains(says), "{arguments:?}: {sentence}");
    }
    assert!(app.json(&["list"]).as_array().unwrap().iter().all(|job| job["favourite"] == false));
    assert_eq!(app.json(&["tag"]), Value::Array(Vec::new()));
    app.json(&["tag", &jobs[0], "t"]);
    app.json(&["tag", &jobs[0], "u"]);
    assert!(app.refused(&["tag", "u", "--rename", "T"]).contains("There is a tag “T” already"));
    assert!(app.refused(&["tag", "u", "--colour", "red"]).contains("c1, c2"));
    assert_eq!(app.run(&["tag", "u", "--delete", "--colour", "c1"]).code, 2);
}

#[test]
fn a_note_is_written_in_an_editor_and_what_cannot_be_saved_is_kept() {
    let app = MeetMemo::new();
    let job = meetings(&app, 1).remove(0);
    app.json(&["note", &job, "--set", "first\n"]);
    let dir = tempfile::tempdir().unwrap();
    // The name has a space: the command is split as a shell does.
    let script = dir.path().join("my editor");
    let edit = |script_text: &str| {
        fs::write(&script, format!("#!/bin/sh\n{script_text}\n")).unwrap();
        let mut command = app.command(&["note", &job, "--edit"]);
        let editor = format!("sh '{}' \"an argument\"", script.display());
        Said::from(
            command.env("VISUAL", editor).env("EDITOR", "false").env("TMPDIR", dir.path()).output().unwrap(),
        )
    };
    let kept = |said: &Said| {
        let (_, rest) =
            said.err.split_once("What you wrote is in ").unwrap_or_else(|| panic!("{}", said.err));
        fs::read_to_string(rest.split_once(".md").unwrap().0.to_owned() + ".md").unwrap()
    };
    let saved = edit("[ \"$1\" = 'an argument' ] && echo second >> \"$2\"");
    assert_eq!((saved.code, &*saved.out), (0, "The note is saved.\n"), "{}", saved.err);
    assert_eq!(app.json(&["note", &job])["text"], "first\nsecond\n");
    // As many editors do: a new file in the place of the old one.
    edit("echo third > \"$2.new\" && mv \"$2.new\" \"$2\"");
    assert_eq!(app.json(&["note", &job])["text"], "third\n");
    let revision = app.json(&["note", &job])["revision"].clone();
    let unchanged = edit("true");
    assert_eq!((unchanged.code, &*unchanged.out), (0, "The note is unchanged.\n"));
    assert_eq!(app.json(&["note", &job])["revision"], revision);

    // Somebody else saves while the editor is open.
    let program = env!("CARGO_BIN_EXE_meetmemo");
    let data = app.data().display();
    let other = format!("'{program}' --data-dir '{data}' note {job} --set theirs </dev/null");
    let late = edit(&format!("{other} && echo mine > \"$2\""));
    assert!(late.code == 1 && late.err.contains("was changed meanwhile"), "{}", late.err);
    assert_eq!(kept(&late), "mine\n");
    assert_eq!(app.json(&["note", &job])["text"], "theirs");

    let failed = edit("echo draft > \"$2\"; exit 3");
    assert!(failed.code == 1 && failed.err.contains("The text editor failed"), "{}", failed.err);
    assert_eq!(kept(&failed), "draft\n");
    let no_text = edit("printf '\\377' > \"$2\"");
    assert!(no_text.code == 1 && no_text.err.contains("is not text in UTF-8"), "{}", no_text.err);
    let given_up = edit("exit 3");
    assert!(given_up.code == 1 && !given_up.err.contains("What you wrote"), "{}", given_up.err);
    assert_eq!(app.json(&["note", &job])["text"], "theirs");
    let names =
        fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(
        names.filter(|name| name.starts_with("meetmemo-note-")).count(),
        3,
        "only what was not saved is kept"
    );
}

#[test]
fn notes_and_titles_of_two_who_write_at_once_are_not_lost() {
    let app = MeetMemo::new();
    let job = meetings(&app, 1).remove(0);
    assert_eq!(app.json(&["note", &job])["revision"], 0);
    let first = app.json(&["note", &job, "--set", "- [ ] ask Anna\n"]);
    assert_eq!((&first["revision"], &app.show(&job)["job"]["has_note"]), (&1.into(), &true.into()));
    assert_eq!(app.run(&["note", &job]).out, "- [ ] ask Anna\n");
    // Two processes have read revision 1.
    app.json(&["note", &job, "--set", "mine", "--revision", "1"]);
    let late = app.refused(&["note", &job, "--set", "theirs", "--revision", "1"]);
    assert!(late.contains("was changed meanwhile (revision 2)"), "{late}");
    assert_eq!(code(&app, &["note", &job, "--set", "theirs", "--revision", "1"]), "changed_meanwhile");
    assert_eq!(app.json(&["note", &job])["text"], "mine");

    // At once: of both, exactly one is told.
    let racing = ["one", "two"].map(|text| {
        let mut command = app.command(&["note", &job, "--set", text, "--revision", "2"]);
        start(&mut command)
    });
    let ended = racing.map(|mut process| process.wait().unwrap().code().unwrap());
    let mut codes = ended.to_vec();
    codes.sort_unstable();
    assert_eq!(codes, [0, 1]);
    let winner = if ended[0] == 0 { "one" } else { "two" };
    assert_eq!(app.json(&["note", &job])["text"], winner);

    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("note.md");
    fs::write(&file, "# Ä\n\ntext").unwrap();
    app.json(&["note", &job, "--file", file.to_str().unwrap()]);
    assert_eq!(app.json(&["note", &job])["text"], "# Ä\n\ntext");
    app.json(&["note", &job, "--set", ""]);
    assert_eq!(app.show(&job)["job"]["has_note"], false);

    app.json(&["rename", &job, "Monday", "--expected", "Meeting 0"]);
    let late = app.refused(&["rename", &job, "Tuesday", "--expected", "Meeting 0"]);
    assert!(late.contains("it is now “Monday”") && late.contains("“Tuesday” was not saved"), "{late}");
    assert_eq!(code(&app, &["rename", &job, "Tuesday", "--expected", "Meeting 0"]), "changed_meanwhile");
    app.json(&["rename", &job, "Monday", "--expected", "Meeting 0"]);
    app.json(&["rename", &job, "Tuesday"]);
}

#[test]
fn a_deleted_meeting_is_only_in_the_trash_until_it_is_restored_or_the_trash_is_emptied() {
    let app = MeetMemo::new();
    let jobs = meetings(&app, 3);
    app.json(&["tag", &jobs[0], "t"]);
    let deleted = app.json(&["delete", &jobs[0]]);
    assert!(deleted["trashed_at"].is_string(), "{deleted}");
    app.json(&["delete", &jobs[1], &jobs[2]]);
    app.json(&["restore-from-trash", &jobs[2]]);
    assert_eq!(texts(&app.json(&["list"]), "id"), [&jobs[2]]);
    let trash = app.json(&["trash"]);
    assert_eq!(texts(&trash, "id"), [&jobs[1], &jobs[0]], "the last one first");
    assert_eq!(trash, app.json(&["list", "--trash"]));
    assert!(app.run(&["show", &jobs[0]]).out.contains("in the trash since"), "show still reaches it");
    assert!(app.data().join("library").join(&jobs[0]).is_dir());
    for refused in [
        &["transcribe", &jobs[0]][..],
        &["export", &jobs[0], "--type", "txt"],
        &["retry", &jobs[0]],
        &["speakers", &jobs[0], "rerun"],
    ] {
        let sentence = app.refused(refused);
        assert!(
            sentence.contains("“Meeting 0” is in the trash. Restore it first"),
            "{refused:?}: {sentence}"
        );
    }

    let restored = app.json(&["restore-from-trash", &jobs[0]]);
    assert_eq!(
        (&restored[0]["trashed_at"], restored[0]["tags"].as_array().unwrap().len()),
        (&Value::Null, 1)
    );
    app.json(&["delete", &jobs[0]]);
    app.json(&["delete", "--now", &jobs[0]]);
    assert_eq!(app.run(&["show", &jobs[0]]).code, 1);
    assert!(!app.data().join("library").join(&jobs[0]).exists());
    assert_eq!(app.json(&["trash", "--empty"])["deleted"], 1);
    assert!(!app.data().join("library").join(&jobs[1]).exists());
    assert_eq!(app.run(&["trash"]).out, "The trash is empty.\n");
    assert_eq!(texts(&app.json(&["list"]), "id"), [&jobs[2]]);
}

#[test]
fn importing_a_file_that_is_in_the_trash_restores_it_and_says_so() {
    let app = MeetMemo::new();
    let dir = tempfile::tempdir().unwrap();
    let path = recording(dir.path(), 7);
    let job = app.import(&path);
    app.json(&["rename", &job, "Kept title"]);
    app.json(&["delete", &job]);
    let said = app.run(&["import", path.to_str().unwrap()]);
    assert!(said.out.contains("It was in the trash and has been restored."), "{}", said.out);
    let list = app.json(&["list"]);
    assert_eq!((texts(&list, "id"), texts(&list, "title")), (vec![job.as_str()], vec!["Kept title"]));
    assert_eq!(list[0]["status"], "pending", "the transcription that the trash had cancelled");

    // Also if its audio is gone meanwhile.
    app.json(&["delete", &job]);
    fs::remove_dir_all(app.data().join("library").join(&job)).unwrap();
    let rows = app.json(&["import", path.to_str().unwrap()]);
    assert_eq!((&rows[0]["outcome"], &rows[0]["job_id"]), (&"duplicate".into(), &job.as_str().into()));
    assert_eq!((&rows[0]["restored_from_trash"], &rows[0]["audio_put_back"]), (&true.into(), &true.into()));
    assert!(app.json(&["import", path.to_str().unwrap()])[0].get("restored_from_trash").is_none());
}

#[test]
fn a_restore_from_a_backup_replaces_what_is_in_the_trash() {
    let app = MeetMemo::new();
    let jobs = meetings(&app, 2);
    app.json(&["note", &jobs[0], "--set", "as it was"]);
    app.json(&["folder", "add", "Clients"]);
    app.json(&["folder", "put", &jobs[0], "Clients"]);
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("backup");
    let folder = folder.to_str().unwrap();
    app.json(&["backup", folder]);
    app.json(&["note", &jobs[0], "--set", "changed"]);
    app.json(&["delete", &jobs[0]]);
    fs::remove_dir_all(app.data().join("library").join(&jobs[0])).unwrap();
    app.json(&["folder", "remove", "Clients"]);

    let preview = app.json(&["restore", folder, "--dry-run"]);
    assert_eq!(texts(&preview["added"], "id"), [&jobs[0]], "{preview}");
    let restored = app.json(&["restore", folder]);
    assert_eq!(
        (texts(&restored["added"], "id"), &restored["already_there"]),
        (vec![jobs[0].as_str()], &1.into())
    );
    assert_eq!(app.json(&["trash"]), Value::Array(Vec::new()));
    assert_eq!(app.json(&["note", &jobs[0]])["text"], "as it was");
    assert_eq!(texts(&app.json(&["list", "--folder", "Clients"]), "id"), [&jobs[0]]);
    assert!(app.data().join("library").join(&jobs[0]).join("audio.wav").is_file());
    app.json(&["worker", "--drain"]);
    assert!(
        app.data().join("library").join(&jobs[0]).join("audio.wav").is_file(),
        "nothing removes it later"
    );
    assert_eq!(app.json(&["verify"])["problems"], Value::Array(Vec::new()));
}

#[test]
fn the_trash_stops_running_work_and_restoring_continues_it() {
    let app = MeetMemo::new();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("long.wav");
    write_wav(&path, &crate::common::speech(120));
    let job = app.import(&path);
    let mut worker = app.spawn(&["worker", "--drain"]);
    app.wait_for(&job, |m| m["job"]["status"] == "processing" && m["transcript"].is_object());
    app.json(&["delete", &job]);
    assert!(worker.wait().unwrap().success(), "it has nothing left to do");
    assert_eq!(app.show(&job)["job"]["workflow_state"], "cancelled");
    app.json(&["worker", "--drain"]);
    assert_eq!(app.show(&job)["job"]["status"], "failed", "no worker touches it");
    app.json(&["restore-from-trash", &job]);
    assert_eq!(app.show(&job)["job"]["status"], "pending");
    app.json(&["worker", "--drain"]);
    let meeting = app.show(&job);
    assert_eq!(
        (&meeting["job"]["status"], &meeting["transcript"]["version"]),
        (&"completed".into(), &1.into())
    );
}

#[test]
fn clean_up_empties_the_trash_after_thirty_days_or_as_the_settings_say() {
    let app = MeetMemo::new();
    let jobs = meetings(&app, 3);
    app.json(&["pin", &jobs[2]]);
    app.json(&["delete", &jobs[0], &jobs[1], &jobs[2]]);
    let age = |job: &str, days: u32| {
        app.execute(&format!(
            "UPDATE jobs SET trashed_at = now() - interval '{days} days' WHERE id = '{job}'"
        ));
    };
    age(&jobs[0], 31);
    age(&jobs[1], 29);
    age(&jobs[2], 99);
    let preview = app.json(&["cleanup", "--dry-run"]);
    assert_eq!(texts(&preview["meetings"], "id"), [&jobs[0]], "{preview}");
    assert_eq!(preview["meetings"][0]["rule"], "trash_retention_days");
    assert_eq!(preview["settings"]["trash_retention_days"], 30);
    assert_eq!(texts(&preview["forecast"], "id"), [&jobs[1]]);
    assert!(app.run(&["cleanup", "--dry-run"]).out.contains("(trash_retention_days)"));

    fs::write(app.data().join("settings.toml"), "trash_retention_days = 0\n").unwrap();
    let off = app.json(&["cleanup"]);
    assert!(
        off["meetings"].as_array().unwrap().is_empty() && off["settings"]["trash_retention_days"].is_null()
    );
    fs::write(app.data().join("settings.toml"), "trash_retention_days = 29\n").unwrap();
    let done = app.json(&["cleanup"]);
    assert_eq!(texts(&done["meetings"], "id"), [&jobs[0], &jobs[1]], "{done}");
    until("the folders are gone", || !app.data().join("library").join(&jobs[1]).exists());
    assert_eq!(texts(&app.json(&["trash"]), "id"), [&jobs[2]], "a pinned one stays");
}
