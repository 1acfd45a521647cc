//! Clean-up, pins, and audio that comes back.

use crate::common::{MeetMemo, clips, samples, until, write_wav};
use serde_json::Value;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Recordings of different content, with complete transcripts and ages in hours; they are not transcribed really.
fn meetings(app: &MeetMemo, ages: &[u32]) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let clip = samples(&clips()[1]);
    let mut jobs = Vec::new();
    for (number, hours) in ages.iter().enumerate() {
        let path = recording(dir.path(), &clip, number);
        let job = app.import(&path);
        complete(app, &job);
        age(app, &job, *hours);
        jobs.push(job);
    }
    jobs
}

fn recording(folder: &Path, clip: &[u8], number: usize) -> PathBuf {
    let path = folder.join(format!("meeting {number}.wav"));
    write_wav(&path, &[clip, &u16::try_from(number).unwrap().to_le_bytes()].concat());
    path
}

/// Gives a recording a complete transcript without words.
fn complete(app: &MeetMemo, job: &str) {
    app.execute(&format!(
        "INSERT INTO transcripts (id, job_id, version, status, engine, model, settings)
            VALUES ('{job}', '{job}', 1, 'complete', 'test', 'whisper-base', '{{}}');
        UPDATE jobs SET status = 'completed', workflow_state = 'done', current_transcript_id = '{job}' WHERE id = '{job}'"
    ));
}

/// Makes a recording this many hours old.
fn age(app: &MeetMemo, job: &str, hours: u32) {
    app.execute(&format!("UPDATE jobs SET created_at = now() - interval '{hours} hours' WHERE id = '{job}'"));
}

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

fn settings(app: &MeetMemo, lines: &str) {
    fs::write(app.data().join("settings.toml"), lines).unwrap();
}

fn folder(app: &MeetMemo, job: &str) -> PathBuf {
    app.data().join("library").join(job)
}

#[test]
fn cleanup_removes_what_the_preview_said_and_never_a_pinned_meeting() {
    let app = MeetMemo::new();
    settings(&app, "job_retention_hours = 100\n");
    let jobs = meetings(&app, &[200, 150, 90, 0, 0]);
    let pinned = app.json(&["pin", &jobs[0]]);
    assert_eq!((&pinned["pinned"], &pinned["id"]), (&Value::Bool(true), &Value::from(jobs[0].as_str())));

    let listed = app.run(&["list"]).out;
    let marked: Vec<&str> = listed.lines().filter(|line| line.ends_with("(pinned)")).collect();
    assert!(marked.len() == 1 && marked[0].contains("meeting 0"), "{listed}");
    assert!(app.run(&["show", &jobs[0]]).out.contains(" · pinned"), "{listed}");

    let preview = app.json(&["cleanup", "--dry-run"]);
    assert_eq!(ids(&preview["meetings"]), [&jobs[1]]);
    let due = &preview["meetings"][0];
    assert_eq!((&due["title"], &due["rule"]), (&"meeting 1".into(), &"job_retention_hours".into()));
    assert!(due["due_since"].as_str().unwrap().ends_with('Z'), "{due}");
    assert_eq!(ids(&preview["forecast"]), [&jobs[2], &jobs[3], &jobs[4]]);
    assert_eq!(
        (&preview["removed"], &preview["confirmations"]),
        (&Value::Bool(false), &serde_json::json!([]))
    );
    let size = fs::metadata(folder(&app, &jobs[1]).join("audio.wav")).unwrap().len();
    assert_eq!(preview["bytes"].as_f64().unwrap(), size as f64);
    assert_eq!(app.json(&["list"]).as_array().unwrap().len(), 5, "a preview removes nothing");
    let said = app.run(&["cleanup", "--dry-run"]);
    assert!(said.out.contains("Would be removed:") && said.out.contains("“meeting 1”"), "{}", said.out);

    let done = app.json(&["cleanup"]);
    assert_eq!((&done["removed"], &done["meetings"]), (&Value::Bool(true), &preview["meetings"]));
    assert_eq!(done["bytes"], preview["bytes"]);
    assert!(!folder(&app, &jobs[1]).exists() && folder(&app, &jobs[0]).is_dir());
    assert_eq!(app.json(&["list"]).as_array().unwrap().len(), 4);
    assert!(app.run(&["cleanup"]).out.starts_with("Nothing is due."));

    assert_eq!(app.json(&["unpin", &jobs[0]])["pinned"], false);
    assert_eq!(ids(&app.json(&["cleanup"])["meetings"]), [&jobs[0]]);
    let doctor = app.run(&["--json", "doctor"]).json();
    let checks = doctor.as_array().unwrap();
    let check = checks.iter().find(|check| check["check"] == "retention").unwrap();
    assert_eq!(check["state"], "ok", "{check}");
    assert!(
        check["message"].as_str().unwrap().starts_with("Meetings are removed after 100 hours"),
        "{check}"
    );
}

#[test]
fn most_of_the_archive_and_a_clock_that_jumped_are_asked_about() {
    let app = MeetMemo::new();
    settings(&app, "job_retention_hours = 100\n");
    let jobs = meetings(&app, &[200, 200, 200, 0]);
    let preview = app.json(&["cleanup", "--dry-run"]);
    assert_eq!(preview["confirmations"][0]["reason"], "most_meetings");
    let refused = app.refused(&["cleanup"]);
    assert!(
        refused.contains("would remove 3 meetings") && refused.contains("meetmemo cleanup --yes"),
        "{refused}"
    );
    app.run(&["worker", "--drain"]);
    assert_eq!(app.json(&["list"]).as_array().unwrap().len(), 4, "the service does not answer for the user");
    let doctor = app.run(&["--json", "doctor"]).json().to_string();
    assert!(doctor.contains("more than half of the archive"), "{doctor}");

    // The clock has jumped forward by ten years since the last clean-up.
    app.json(&["pin", &jobs[0]]);
    app.json(&["pin", &jobs[1]]);
    app.execute("UPDATE retention_state SET trusted_at = now() - interval '10 years'");
    let asked = app.run(&["--json", "cleanup"]);
    assert_eq!(asked.code, 1, "{}", asked.err);
    let asked = asked.json();
    assert_eq!(
        (&asked["removed"], &asked["confirmations"][0]["reason"]),
        (&Value::Bool(false), &"clock_ahead".into())
    );
    assert_eq!(app.run(&["cleanup", "--dry-run", "--yes"]).code, 2, "wrong usage");
    let done = app.json(&["cleanup", "--yes"]);
    assert_eq!(ids(&done["meetings"]), [&jobs[2]]);
    assert_eq!(app.json(&["list"]).as_array().unwrap().len(), 3);
}

#[test]
fn exports_go_after_a_day_from_the_app_folder_only() {
    let app = MeetMemo::new();
    let job = app.transcribed(&clips()[1])["job"]["id"].as_str().unwrap().to_owned();
    let elsewhere = tempfile::tempdir().unwrap();
    let export = |arguments: &[&str]| -> PathBuf {
        let made = app.json(&[&["export", &job, "--type", "txt"], arguments].concat());
        PathBuf::from(made["path"].as_str().unwrap())
    };
    let (first, second) = (export(&[]), export(&[]));
    let outside = export(&["--output", elsewhere.path().to_str().unwrap()]);
    let deeper = app.data().join("exports/deeper");
    fs::create_dir(&deeper).unwrap();
    let deeper = export(&["--output", deeper.to_str().unwrap()]);
    app.execute(&format!(
        "UPDATE export_jobs SET created_at = now() - interval '25 hours' WHERE file_path <> '{}'",
        second.display()
    ));
    // The worker's clean-up service removes it.
    app.json(&["worker", "--drain"]);
    assert!(!first.exists());
    for stays in [&second, &outside, &deeper] {
        assert!(stays.is_file(), "{}", stays.display());
    }
    assert_eq!(app.json(&["cleanup"])["exports"], serde_json::json!([]));
    app.execute("UPDATE export_jobs SET created_at = now() - interval '25 hours'");
    let done = app.json(&["cleanup"]);
    assert_eq!(done["exports"][0]["path"], second.to_str().unwrap());
    assert_eq!(done["exports"][0]["rule"], "export_retention_hours");
    assert!(!second.exists() && outside.is_file() && deeper.is_file());
}

#[test]
fn removed_audio_keeps_the_text_and_comes_back_by_importing_the_file_again() {
    let app = MeetMemo::new();
    let clip = &clips()[1];
    let before = app.transcribed(clip);
    let job = before["job"]["id"].as_str().unwrap().to_owned();
    assert_eq!(before["job"]["audio_removed_at"], Value::Null);
    age(&app, &job, 24 * 20);
    settings(&app, "audio_retention_days = 10\n");
    let done = app.json(&["cleanup"]);
    assert_eq!(ids(&done["audio"]), [&job]);
    assert_eq!(
        (&done["audio"][0]["rule"], &done["meetings"]),
        (&"audio_retention_days".into(), &serde_json::json!([]))
    );
    assert!(!folder(&app, &job).exists());

    let without = app.show(&job);
    assert_eq!(without["transcript"], before["transcript"], "the text is kept");
    assert!(without["job"]["audio_removed_at"].is_string());
    for needs_audio in [vec!["transcribe", job.as_str()], vec!["speakers", job.as_str(), "rerun"]] {
        let refused = app.refused(&needs_audio);
        assert!(
            refused.starts_with("The audio of this meeting was removed on ")
                && refused.contains("Import the recording again to bring it back."),
            "{refused}"
        );
    }
    let checks = app.run(&["--json", "doctor"]).json().to_string();
    assert!(checks.contains("none missing"), "it is not missing: {checks}");
    let preview = app.json(&["cleanup", "--dry-run"]);
    assert_eq!(
        (&preview["missing_audio"], &preview["audio"]),
        (&serde_json::json!([]), &serde_json::json!([]))
    );

    let rows = app.json(&["import", clip.to_str().unwrap()]);
    assert_eq!((&rows[0]["outcome"], &rows[0]["audio_put_back"]), (&"duplicate".into(), &Value::Bool(true)));
    assert_eq!(fs::read(folder(&app, &job).join("audio.wav")).unwrap(), fs::read(clip).unwrap());
    assert_eq!(app.show(&job)["job"]["audio_removed_at"], Value::Null);
    assert_eq!(app.json(&["cleanup"])["audio"], serde_json::json!([]), "its age counts from now");
    assert!(folder(&app, &job).join("audio.wav").is_file());
    let rows = app.json(&["import", clip.to_str().unwrap()]);
    assert!(rows[0].get("audio_put_back").is_none(), "{rows}");
    app.json(&["transcribe", &job]);
}

#[test]
fn while_a_backup_runs_no_file_is_removed() {
    let app = MeetMemo::new();
    settings(&app, "job_retention_hours = 100\n");
    let jobs = meetings(&app, &[200, 0]);
    let lock = File::create(app.data().join("backup.lock")).unwrap();
    lock.lock_shared().unwrap();
    let done = app.json(&["cleanup"]);
    assert_eq!((ids(&done["meetings"]), &done["files_later"]), (vec![jobs[0].as_str()], &Value::Bool(true)));
    assert!(folder(&app, &jobs[0]).is_dir());
    app.json(&["delete", "--now", &jobs[1]]);
    assert!(folder(&app, &jobs[1]).is_dir());
    lock.unlock().unwrap();
    let done = app.json(&["cleanup"]);
    assert_eq!(done["files_later"], false);
    assert!(!folder(&app, &jobs[0]).exists() && !folder(&app, &jobs[1]).exists());
}

#[test]
fn folders_without_a_meeting_and_meetings_without_audio_are_reported_and_never_removed() {
    let app = MeetMemo::new();
    settings(&app, "job_retention_hours = 100\n");
    let jobs = meetings(&app, &[0]);
    let unknown = folder(&app, "00000000-0000-4000-8000-000000000000");
    fs::create_dir(&unknown).unwrap();
    fs::write(unknown.join("audio.wav"), "RIFF").unwrap();
    fs::remove_dir_all(folder(&app, &jobs[0])).unwrap();
    let found = app.json(&["cleanup"]);
    let action = found["unknown_folders"][0]["action"].as_str().unwrap();
    assert!(action.starts_with("Import ") && action.contains("audio.wav"), "{action}");
    assert_eq!(found["unknown_folders"][0]["path"], unknown.canonicalize().unwrap().to_str().unwrap());
    assert_eq!(ids(&found["missing_audio"]), [&jobs[0]]);
    let action = found["missing_audio"][0]["action"].as_str().unwrap();
    assert!(action.contains("meeting 0.wav again") && action.contains("meetmemo restore"), "{action}");
    assert!(unknown.join("audio.wav").is_file());
    assert_eq!(app.json(&["list"]).as_array().unwrap().len(), 1);
}

#[test]
fn a_running_worker_cleans_up_and_a_wrong_setting_is_named() {
    let app = MeetMemo::new();
    let jobs = meetings(&app, &[200, 0]);
    settings(&app, "job_retention_hours = 100\n");
    let mut worker = app.spawn(&["worker"]);
    until("the worker removes the meeting", || !folder(&app, &jobs[0]).exists());
    worker.kill().unwrap();
    worker.wait().unwrap();
    assert_eq!(ids(&app.json(&["list"])), [&jobs[1]]);
    settings(&app, "job_retention_hours = 0\n");
    let refused = app.refused(&["list"]);
    assert!(refused.contains("job_retention_hours is 0; it must be between 1 and 876000"), "{refused}");
}
