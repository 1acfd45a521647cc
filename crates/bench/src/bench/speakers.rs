//! Telling speakers apart: how often it is wrong, beside everybody being one person, and how long it takes.
//!
//! Both through the program, on recordings with known turns in `../shared/audio`. The plain baseline is the same speech as
//! one speaker (`--speakers 1`). The time is that of telling the speakers of a long recording apart once more, the whole
//! command on an archive that is open, per second of audio.

use super::{DataFolder, recording, rounded, timed, transcribe, verdict, write_json};
use crate::args::Bench;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Stdio;
use testing::turns::{Turn, error_rate, rttm};
use xtask::app::App;
use xtask::checkout::Checkout;

/// The recording of five voices, and its most errors.
const PANEL: &str = "panel-5-speakers";
const GOAL_PANEL: f64 = 0.01;
/// Meetings with far microphones and much overlap, and their most errors in sum.
const MEETINGS: [&str; 4] = ["ami-dev01", "ami-trn03", "ami-trn04", "ami-trn05"];
const GOAL_MEETINGS: f64 = 0.40;
/// Seconds per second of audio.
const GOAL_TIME: f64 = 0.15;

/// Runs it; tells whether the goals were met.
pub(super) fn run(checkout: &Checkout, app: &App, folder: &Path, asked: &Bench) -> Result<bool> {
    let audio = checkout.root.join("../shared/audio/meeting");
    if !audio.is_dir() {
        bail!("{} is not there", audio.display());
    }
    let data = DataFolder::new(folder)?;
    let app = app.with_data(&data.path);
    let mut rows = Vec::new();
    let mut sums = [0.0, 0.0];
    let mut met = true;
    println!("\n{:<20}{:>10}{:>10}{:>12}", "error rate", "MeetMemo", "found", "as one");
    for name in [PANEL].into_iter().chain(MEETINGS) {
        let recording = audio.join(name).with_extension("wav");
        let reference = audio.join(name).with_extension("rttm");
        let reference =
            fs::read_to_string(&reference).with_context(|| format!("{} is missing", reference.display()))?;
        let reference = rttm(&reference);
        let job = transcribe(&app, &[], &recording, &data.path)?.job;
        let (found, count) = turns(&app, &job)?;
        let ours = error_rate(&reference, &found);
        timed(
            app.command()
                .args(["speakers", &job, "rerun", "--wait", "--speakers", "1"])
                .stdout(Stdio::null()),
        )?;
        let one = error_rate(&reference, &turns(&app, &job)?.0);
        println!("{name:<20}{ours:>10.3}{count:>10}{one:>12.3}");
        if name == PANEL {
            let (well, sentence) = verdict("error rate of the panel", ours, GOAL_PANEL);
            met &= well && count == 5;
            println!("{sentence}");
        } else {
            sums = [sums[0] + ours, sums[1] + one];
        }
        rows.push(json!({"recording": name, "error_rate": rounded(ours), "speakers": count, "as_one": rounded(one)}));
    }
    let (well, sentence) = verdict("sum of the meetings", sums[0], GOAL_MEETINGS);
    println!("{:<20}{:>10.3}{:>10}{:>12.3}\n{sentence}", "sum of meetings", sums[0], "", sums[1]);
    met &= well;

    println!("\nbench speakers: making {} minutes of speech", asked.minutes);
    let long = recording::phrases(checkout, folder, "speakers", asked.minutes * 60, 0.1)?;
    let words = transcribe(&app, &[], &long.path, &data.path)?;
    let mut seconds = f64::INFINITY;
    for _ in 0..asked.repetitions {
        let rerun =
            timed(app.command().args(["speakers", &words.job, "rerun", "--wait"]).stdout(Stdio::null()))?;
        seconds = seconds.min(rerun.as_secs_f64());
    }
    let (found, count) = turns(&app, &words.job)?;
    let factor = seconds / long.duration_s;
    println!(
        "{:.0} s of audio: words and speakers {:.1} s, speakers alone {seconds:.1} s ({count} found, {} turns)",
        long.duration_s,
        words.watched.cost.wall_s,
        found.len()
    );
    let (well, sentence) = verdict("seconds for speakers ÷ seconds of audio", factor, GOAL_TIME);
    println!("{sentence}");
    met &= well;
    write_json(
        &folder.join("speakers.json"),
        &json!({
            "recordings": rows,
            "long_seconds": rounded(long.duration_s),
            "words_and_speakers_seconds": rounded(words.watched.cost.wall_s),
            "speakers_seconds": rounded(seconds),
            "peak_kb": words.watched.peak.app_kb,
            "met": met,
        }),
    )?;
    Ok(met)
}

/// Who speaks when in a meeting, and how many they are.
fn turns(app: &App, job: &str) -> Result<(Vec<Turn>, usize)> {
    let shown = app.json(app.command().args(["show", job, "--json"]))?;
    let turns = shown["transcript"]["turns"].as_array().context("`meetmemo show` printed no turns")?;
    let seconds = |turn: &Value, key: &str| turn[key].as_f64().map(|ms| ms / 1000.0);
    let turns = turns.iter().filter_map(|turn| {
        let who = turn["speaker_id"].as_str()?.to_owned();
        Some(Turn { start: seconds(turn, "start_ms")?, end: seconds(turn, "end_ms")?, who })
    });
    let speakers = shown["transcript"]["speakers"].as_array().map_or(0, Vec::len);
    Ok((turns.collect(), speakers))
}
