//! Speakers: diarization, names, corrections, known people.

use crate::common::{
    DEADLINE, MeetMemo, clips, fixture, kill, program, resources, samples, shared, silence, start, testdata,
    until, words, write_wav,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use testing::diarization_error::{COLLAR, Turn, error_rate, max_assignment, parse_rttm, speaker_names};

/// The recording of five people, with its reference turns.
fn panel() -> Option<(PathBuf, Vec<Turn>)> {
    let path = shared("audio/meeting/panel-5-speakers.wav")?;
    let turns = parse_rttm(&fs::read_to_string(path.with_extension("rttm")).unwrap());
    Some((path, turns))
}

/// `turns` or `segments` of a transcript, without those that have no speaker.
fn spoken(meeting: &Value, what: &str) -> Vec<Turn> {
    let all = meeting["transcript"][what].as_array().unwrap();
    all.iter()
        .filter(|one| !one["speaker_id"].is_null())
        .map(|one| {
            let seconds = |key: &str| one[key].as_f64().unwrap() / 1000.0;
            let speaker = one["speaker_id"].as_str().unwrap().to_owned();
            Turn { start: seconds("start_ms"), end: seconds("end_ms"), speaker }
        })
        .collect()
}

fn speakers(meeting: &Value) -> Vec<Value> {
    meeting["transcript"]["speakers"].as_array().unwrap().clone()
}

/// The share of words with the right speaker, by their middles inside of reference turns.
fn words_right(reference: &[Turn], meeting: &Value) -> f64 {
    let (theirs, found) = (speaker_names(reference), speaker_names(&spoken(meeting, "segments")));
    let mut shared = vec![vec![0; found.len()]; theirs.len()];
    let mut scored = 0;
    for segment in meeting["transcript"]["segments"].as_array().unwrap() {
        for word in segment["words"].as_array().unwrap() {
            let middle = (word["start_ms"].as_f64().unwrap() + word["end_ms"].as_f64().unwrap()) / 2000.0;
            let inside = |turn: &&Turn| turn.start + COLLAR <= middle && middle <= turn.end - COLLAR;
            let Some(turn) = reference.iter().find(inside) else { continue };
            scored += 1;
            if let Some(id) = found.iter().position(|id| segment["speaker_id"] == id.as_str()) {
                shared[theirs.iter().position(|name| *name == turn.speaker).unwrap()][id] += 1;
            }
        }
    }
    max_assignment(&shared) as f64 / f64::from(scored)
}

#[test]
fn five_speakers_of_a_panel_are_diarized_word_by_word() {
    let (Some((path, reference)), Some(model)) = (panel(), fixture()) else { return };
    let app = MeetMemo::new();
    app.json(&["models", "add", model.to_str().unwrap()]);
    let rows = app.json(&["import", "--wait", "--model", "fixture-whisper", path.to_str().unwrap()]);
    assert_eq!(rows[0]["status"], "completed", "{rows}");
    let job = rows[0]["job_id"].as_str().unwrap();
    let check = |what: &str| {
        let meeting = app.show(job);
        assert_eq!(speakers(&meeting).len(), 5, "{what}");
        let labels: Vec<&str> = meeting["transcript"]["speakers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| s["label"].as_str().unwrap())
            .collect();
        assert_eq!(labels, ["Speaker 1", "Speaker 2", "Speaker 3", "Speaker 4", "Speaker 5"]);
        let turns = spoken(&meeting, "turns");
        let rates = [error_rate(&reference, &turns), error_rate(&reference, &spoken(&meeting, "segments"))];
        let right = words_right(&reference, &meeting);
        println!("{what}: turns {:.3}, segments {:.3}, words right {right:.3}", rates[0], rates[1]);
        assert!(rates[0] <= 0.05 && rates[1] <= 0.10, "{what}: {rates:?}");
        assert!(right >= 0.95, "{what}: {right}");
        // Numbered in order of appearance.
        assert_eq!(turns[0].speaker, meeting["transcript"]["speakers"][0]["id"].as_str().unwrap());
        turns
    };
    let turns = check("without a hint");
    let file = app.data().join("panel.rttm");
    app.json(&["export", job, "--type", "rttm", "--output", file.to_str().unwrap()]);
    let written = parse_rttm(&fs::read_to_string(&file).unwrap());
    assert_eq!(written.len(), turns.len());
    assert!(
        written
            .iter()
            .zip(&turns)
            .all(|(a, b)| (a.start - b.start).abs() < 0.002 && (a.end - b.end).abs() < 0.002)
    );
    assert!((error_rate(&reference, &written) - error_rate(&reference, &turns)).abs() < 0.001);

    for hint in ["5", "2-6"] {
        app.json(&["speakers", job, "rerun", "--wait", "--speakers", hint]);
        check(hint);
    }
    let two = app.json(&["speakers", job, "rerun", "--wait", "--speakers", "2"]);
    assert_eq!(two["speakers"].as_array().unwrap().len(), 2);
    assert!(app.refused(&["speakers", job, "rerun", "--speakers", "3-2"]).contains("between 1 and 100"));
}

#[test]
fn a_person_named_in_one_meeting_is_recognised_in_the_next() {
    let Some((path, reference)) = panel() else { return };
    // Every person speaks in both halves.
    let all = samples(&path);
    let mut parts: [Vec<&Turn>; 2] = Default::default();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for turn in &reference {
        parts[*seen.entry(&turn.speaker).and_modify(|n| *n += 1).or_default() % 2].push(turn);
    }
    // A voice is learnt from 15 s of speech, and recognised in 3 s.
    let halves: [(Vec<u8>, Vec<Turn>); 2] = [(0, 17.0), (1, 5.0)].map(|(half, enough)| {
        let (mut speech, mut turns) = (Vec::new(), Vec::<Turn>::new());
        let said = |turns: &[Turn], who: &str| -> f64 {
            turns.iter().filter(|turn| turn.speaker == who).map(|turn| turn.end - turn.start).sum()
        };
        while parts[half].iter().any(|turn| said(&turns, &turn.speaker) < enough) {
            for Turn { start, end, speaker } in &parts[half] {
                if said(&turns, speaker) < enough {
                    let byte = |seconds: f64| (seconds * 16_000.0) as usize * 2;
                    let from = speech.len() as f64 / 32_000.0;
                    speech.extend_from_slice(&all[byte(*start)..byte(*end).min(all.len())]);
                    turns.push(Turn {
                        start: from,
                        end: speech.len() as f64 / 32_000.0,
                        speaker: speaker.clone(),
                    });
                    speech.extend_from_slice(&silence(0.6));
                }
            }
        }
        (speech, turns)
    });
    let app = MeetMemo::new();
    let mut jobs = Vec::new();
    for (number, (speech, _)) in halves.iter().enumerate() {
        let file = app.data().join(format!("half {number}.wav"));
        write_wav(&file, speech);
        jobs.push(app.import(&file));
    }
    assert_eq!(app.run(&["worker", "--drain"]).code, 0);
    // Which person each speaker of a half is, by the time they share.
    let real = |half: usize| -> BTreeMap<String, String> {
        let found = spoken(&app.show(&jobs[half]), "turns");
        let shared = |id: &str, who: &str| -> f64 {
            let of = |turns: &[Turn], name: &str| -> Vec<Turn> {
                turns.iter().filter(|turn| turn.speaker == name).cloned().collect()
            };
            let (found, real) = (of(&found, id), of(&halves[half].1, who));
            found
                .iter()
                .flat_map(|a| real.iter().map(move |b| (a.end.min(b.end) - a.start.max(b.start)).max(0.0)))
                .sum()
        };
        let who = |id: &String| {
            let all = speaker_names(&halves[half].1);
            let best = all.iter().max_by(|a, b| shared(id, a).total_cmp(&shared(id, b)));
            (id.clone(), best.unwrap().clone())
        };
        speaker_names(&found).iter().map(who).collect()
    };

    // Nothing is stored before the user has agreed.
    let first = real(0);
    let one = first.keys().next().unwrap();
    app.json(&["speakers", &jobs[0], "rename", one, &first[one]]);
    assert_eq!(app.json(&["people"])["people"], serde_json::json!([]));
    app.json(&["people", "on"]);
    for (id, who) in &first {
        // Naming it again now creates a person.
        app.json(&["speakers", &jobs[0], "rename", id, who]);
    }
    let people = app.json(&["people"]);
    let known: Vec<&Value> = people["people"].as_array().unwrap().iter().collect();
    assert_eq!(known.len(), first.values().collect::<BTreeSet<_>>().len(), "{people}");
    assert!(known.iter().all(|person| person["voices"].as_u64() >= Some(1)), "{people}");

    app.json(&["speakers", &jobs[1], "rerun", "--wait"]);
    let second = app.json(&["speakers", &jobs[1], "list"]);
    let truth = real(1);
    let mut right = 0;
    for speaker in second["speakers"].as_array().unwrap() {
        assert!(speaker["name"].is_null(), "nobody is named without being asked: {speaker}");
        let suggestion = &speaker["suggestion"];
        let is = &truth[speaker["id"].as_str().unwrap()];
        println!("{is}: {suggestion}");
        if suggestion["name"] == is.as_str() {
            right += 1;
        } else {
            assert!(suggestion.is_null() || suggestion["percent"].as_u64() < Some(90), "{is}: {suggestion}");
        }
    }
    assert!(right >= 4, "{second}");

    // A forgotten person is not suggested any more; the name stays in its meeting.
    let gone = &first[one];
    app.json(&["people", "forget", gone]);
    let after = app.json(&["speakers", &jobs[1], "list"]);
    assert!(!after.to_string().contains(&format!("\"name\": \"{gone}\"")), "{after}");
    assert!(speakers(&app.show(&jobs[0])).iter().any(|speaker| speaker["name"] == gone.as_str()));
    // After turning it off, nothing is left.
    app.json(&["people", "off"]);
    let count = app.command(&["database", "run", "--", "true"]).status().unwrap();
    assert!(count.success());
    assert_eq!(app.json(&["people"])["people"], serde_json::json!([]));
    assert!(app.json(&["speakers", &jobs[1], "list"])["speakers"][0]["suggestion"].is_null());
}

/// Speech of two people in turns: the reader of the LibriVox clips, and the speaker of the cards.
fn two_people(path: &Path) {
    let cards = testdata("cards");
    let mut all = Vec::new();
    for (number, clip) in clips().iter().enumerate() {
        all.extend(samples(clip));
        all.extend(silence(0.8));
        all.extend(samples(&cards.join(format!("00{}.wav", number + 1))));
        all.extend(silence(0.8));
    }
    write_wav(path, &all);
}

#[test]
fn names_merges_and_corrections_are_shown_everywhere_and_move_no_word() {
    let app = MeetMemo::new();
    let file = app.data().join("two.wav");
    two_people(&file);
    let rows = app.json(&["import", "--wait", "--speakers", "2", file.to_str().unwrap()]);
    let job = rows[0]["job_id"].as_str().unwrap();
    let meeting = app.show(job);
    let before = words(&meeting);
    assert_eq!(speakers(&meeting).len(), 2, "{}", meeting["transcript"]["speakers"]);
    let id = |number: usize| speakers(&meeting)[number - 1]["id"].as_str().unwrap().to_owned();
    let who = |meeting: &Value| -> Vec<Value> {
        let segments = meeting["transcript"]["segments"].as_array().unwrap();
        segments.iter().map(|segment| segment["speaker"].clone()).collect()
    };
    let unnamed = who(&meeting);

    app.json(&["speakers", job, "rename", "1", "Anna Berg"]);
    let named = app.show(job);
    assert_eq!(words(&named), before);
    assert_eq!(speakers(&named)[0]["name"], "Anna Berg");
    assert!(who(&named).iter().any(|name| name == "Anna Berg"));
    assert!(who(&named).iter().all(|name| name != "Speaker 1"));
    let export = |kind: &str| {
        let made = app.json(&["export", job, "--type", kind]);
        fs::read(made["path"].as_str().unwrap()).unwrap()
    };
    let markdown = String::from_utf8(export("markdown_transcript")).unwrap();
    assert!(markdown.contains("- **Speakers:** Anna Berg, Speaker 2"), "{markdown}");
    assert!(markdown.contains("\n**Anna Berg**\n") && markdown.contains("\n**Speaker 2**\n"), "{markdown}");
    assert!(String::from_utf8(export("rttm")).unwrap().contains(" Anna_Berg "));
    assert!(export("pdf_transcript").starts_with(b"%PDF"));
    let text = app.run(&["show", job]).out;
    assert!(text.contains("\nAnna Berg\n") || text.contains("Anna Berg\n"), "{text}");

    // Assign a segment of the second speaker to the first.
    let line = named["transcript"]["segments"]
        .as_array()
        .unwrap()
        .iter()
        .find(|segment| segment["speaker_id"] == id(2).as_str())
        .unwrap()
        .clone();
    let second = |key: &str| line[key].as_f64().unwrap() / 1000.0;
    let (from, to) = (format!("{:.3}", second("start_ms")), format!("{:.3}", second("end_ms")));
    app.json(&["speakers", job, "assign", "Anna Berg", "--from", &from, "--to", &to]);
    let at = |meeting: &Value, ms: &Value| -> Value {
        let segments = meeting["transcript"]["segments"].as_array().unwrap();
        segments.iter().find(|segment| segment["start_ms"] == *ms).unwrap()["speaker_id"].clone()
    };
    assert_eq!(at(&app.show(job), &line["start_ms"]), id(1).as_str());
    // The assignment and the name stay after another diarization.
    app.json(&["speakers", job, "rerun", "--wait", "--speakers", "2"]);
    let again = app.show(job);
    assert_eq!(words(&again), before);
    assert_eq!(at(&again, &line["start_ms"]), id(1).as_str());
    assert_eq!(speakers(&again)[0]["name"], "Anna Berg");

    app.json(&["speakers", job, "merge", "2", "1"]);
    let merged = app.show(job);
    assert_eq!((words(&merged), speakers(&merged).len()), (before.clone(), 1));
    assert!(who(&merged).iter().all(|name| name == "Anna Berg"));
    assert!(
        merged["transcript"]["turns"]
            .as_array()
            .unwrap()
            .iter()
            .all(|turn| turn["speaker_id"] == id(1).as_str())
    );
    for _ in 0..3 {
        app.json(&["speakers", job, "undo"]);
    }
    let undone = app.show(job);
    assert_eq!((words(&undone), who(&undone)), (before, unnamed));
    assert_eq!(app.json(&["speakers", job, "redo"])["speakers"][0]["name"], "Anna Berg");

    assert!(
        app.refused(&["speakers", job, "rename", "7", "X"])
            .contains("There is no speaker 7. There are: 1 (Anna Berg)")
    );
    assert!(app.refused(&["people", "forget", "Zoë"]).contains("Nobody is known as “Zoë”"));
    // A new version has the same speakers, without another diarization.
    app.json(&["transcribe", job, "--wait", "--vocabulary", "x"]);
    assert_eq!(speakers(&app.show(job))[0]["name"], "Anna Berg");
}

/// A stereo WAV file at 16 kHz of two channels of 16-bit samples.
fn write_stereo(path: &Path, left: &[i16], right: &[i16]) {
    let frames = left.iter().zip(right).flat_map(|(l, r)| [l.to_le_bytes(), r.to_le_bytes()]).flatten();
    let frames: Vec<u8> = frames.collect();
    write_wav(path, &frames);
    let mut file = fs::read(path).unwrap();
    file[22] = 2;
    file[28..32].copy_from_slice(&64_000_u32.to_le_bytes());
    file[32] = 4;
    fs::write(path, file).unwrap();
}

#[test]
fn a_stereo_recording_with_one_person_per_channel_is_diarized_by_channel() {
    let app = MeetMemo::new();
    // The same reader on both channels, whom voices cannot distinguish, with some crosstalk.
    let (mut left, mut right) = (Vec::new(), Vec::new());
    let mut reference = Vec::new();
    for (number, clip) in clips().iter().enumerate() {
        let speech: Vec<i16> =
            samples(clip).as_chunks::<2>().0.iter().map(|bytes| i16::from_le_bytes(*bytes)).collect();
        let quiet: Vec<i16> = speech.iter().map(|sample| sample / 12).collect();
        let start = left.len() as f64 / 16_000.0;
        let (on, off) = if number % 2 == 0 { (&mut left, &mut right) } else { (&mut right, &mut left) };
        on.extend(speech);
        off.extend(quiet);
        let speaker = ["left", "right"][number % 2].to_owned();
        reference.push(Turn { start, end: left.len() as f64 / 16_000.0, speaker });
        left.extend([0; 12_000]);
        right.extend([0; 12_000]);
    }
    let file = app.data().join("interview.wav");
    write_stereo(&file, &left, &right);
    let meeting = app.transcribed(&file);
    let job = meeting["job"]["id"].as_str().unwrap();
    let told = app.json(&["speakers", job]);
    assert_eq!(told["method"], "One person on each channel or track");
    let rate = error_rate(&reference, &spoken(&meeting, "turns"));
    assert!(speakers(&meeting).len() == 2 && rate < 0.10, "{rate}: {told}");
    assert!(words_right(&reference, &meeting) > 0.95);

    // The same as two tracks of one file, as meeting programs write them: all words have their speaker.
    let [one, other] = [("left.wav", &left), ("right.wav", &right)].map(|(name, side)| {
        let path = app.data().join(name);
        write_wav(&path, &side.iter().flat_map(|sample| sample.to_le_bytes()).collect::<Vec<u8>>());
        path
    });
    let tracks = app.data().join("tracks.mkv");
    let made = program("ffmpeg")
        .args(["-loglevel", "error", "-i"])
        .arg(&one)
        .arg("-i")
        .arg(&other)
        .args(["-map", "0", "-map", "1", "-c:a", "flac"])
        .arg(&tracks)
        .status();
    assert!(made.unwrap().success());
    let meeting = app.transcribed(&tracks);
    let told = app.json(&["speakers", meeting["job"]["id"].as_str().unwrap()]);
    assert_eq!(
        (&told["method"], speakers(&meeting).len()),
        (&"One person on each channel or track".into(), 2),
        "{told}"
    );
    assert!(error_rate(&reference, &spoken(&meeting, "turns")) < 0.10);
    assert!(words_right(&reference, &meeting) > 0.95);

    // Equal channels, as from a phone, say nothing about speakers.
    let both: Vec<i16> = left.iter().zip(&right).map(|(l, r)| l.saturating_add(*r)).collect();
    let file = app.data().join("phone.wav");
    write_stereo(&file, &both, &both);
    let meeting = app.transcribed(&file);
    let told = app.json(&["speakers", meeting["job"]["id"].as_str().unwrap()]);
    assert_eq!(told["method"], "By their voices", "{told}");
}

#[test]
fn if_diarization_fails_the_words_are_complete_with_a_note() {
    let app = MeetMemo::new();
    // The resources without the networks.
    let poor = app.data().join("resources");
    fs::create_dir(&poor).unwrap();
    for entry in fs::read_dir(resources()).unwrap().flatten().filter(|entry| entry.file_name() != "speakers")
    {
        std::os::unix::fs::symlink(entry.path(), poor.join(entry.file_name())).unwrap();
    }
    let file = app.data().join("two.wav");
    write_wav(&file, &samples(&clips()[0]));
    let said = app
        .command(&["--json", "import", "--wait", file.to_str().unwrap()])
        .env("MEETMEMO_RESOURCES", &poor)
        .output();
    let rows: Value = serde_json::from_slice(&said.unwrap().stdout).unwrap();
    assert_eq!(rows[0]["status"], "completed", "{rows}");
    let job = rows[0]["job_id"].as_str().unwrap();
    let meeting = app.show(job);
    assert!(!words(&meeting).is_empty());
    assert_eq!(
        (speakers(&meeting).len(), &meeting["transcript"]["segments"][0]["speaker"]),
        (0, &Value::Null)
    );
    let told = app.run(&["--json", "speakers", job, "list"]);
    assert_eq!((told.code, &told.json()["state"]), (1, &"failed".into()));
    let note = told.json()["note"].as_str().unwrap().to_owned();
    assert!(
        note.starts_with("The speakers of two.wav could not be detected: ")
            && note.ends_with("The words are complete."),
        "{note}"
    );
    assert!(app.refused(&["export", job, "--type", "rttm"]).contains("have not been detected"));
    // With the networks in place it works.
    let after = app.json(&["speakers", job, "rerun", "--wait"]);
    assert_eq!(
        (&after["state"], after["speakers"].as_array().unwrap().len()),
        (&"done".into(), 1),
        "{after}"
    );
}

#[test]
fn a_worker_that_is_killed_during_diarization_loses_nothing() {
    let app = MeetMemo::new();
    let file = app.data().join("long.wav");
    let clip = app.data().join("two.wav");
    two_people(&clip);
    write_wav(&file, &samples(&clip).repeat(4));
    let rows = app.json(&["import", file.to_str().unwrap()]);
    let job = rows[0]["job_id"].as_str().unwrap().to_owned();
    let folder = app.data().join("library").join(&job);
    let mut killed = 0;
    let mut worker = start(&mut app.command(&["worker", "--drain"]));
    // A third interruption would end the attempts.
    while killed < 2 {
        let end = std::time::Instant::now() + DEADLINE;
        until("speakers are told apart, or the work ends", || {
            assert!(std::time::Instant::now() < end);
            let kept =
                fs::metadata(folder.join("voices.part")).is_ok_and(|kept| kept.len() > 20_000 * (killed + 1));
            kept || worker.try_wait().unwrap().is_some()
        });
        if worker.try_wait().unwrap().is_some() {
            break;
        }
        kill(i32::try_from(worker.id()).unwrap());
        worker.wait().unwrap();
        killed += 1;
        worker = start(&mut app.command(&["worker", "--drain"]));
    }
    assert!(worker.wait().unwrap().success());
    assert!(killed > 0, "it was never caught in the middle");
    let meeting = app.show(&job);
    assert_eq!(meeting["job"]["status"], "completed");
    assert!(!folder.join("voices.part").exists(), "nothing of voices is left");
    // The result equals that of an undisturbed run.
    let turns = |meeting: &Value| -> Vec<(f64, f64)> {
        spoken(meeting, "turns").into_iter().map(|turn| (turn.start, turn.end)).collect()
    };
    let before = turns(&meeting);
    app.json(&["speakers", &job, "rerun", "--wait"]);
    assert_eq!(before, turns(&app.show(&job)));
    assert_eq!(speakers(&meeting).len(), 2);
}
