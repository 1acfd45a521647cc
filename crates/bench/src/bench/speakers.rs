//! Measures diarization through the app: its error rate, compared with one speaker for all speech, and its time.
//!
//! The error rate is measured on recordings with known turns in `../shared/audio`; the baseline is `--speakers 1`. The time
//! is that of the command that repeats the diarization of a long recording, per second of audio.

use super::{DataFolder, rounded, test_recordings, timed, transcribe, verdict, write_json};
use crate::args::Bench;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Stdio;
use testing::diarization_error::{Turn, error_rate, parse_rttm};
use xtask::app::App;
use xtask::checkout::Checkout;

/// The recording of five speakers, and its highest allowed error rate.
const PANEL: &str = "panel-5-speakers";
const GOAL_PANEL: f64 = 0.01;
/// Meetings with distant microphones and much overlap, and the highest allowed sum of their error rates.
const MEETINGS: [&str; 4] = ["ami-dev01", "ami-trn03", "ami-trn04", "ami-trn05"];
const GOAL_MEETINGS: f64 = 0.40;
/// Highest allowed seconds per second of audio.
const GOAL_TIME: f64 = 0.15;

/// Runs the benchmark; returns whether the goals were met.
pub(super) fn run(checkout: &Checkout, app: &App, folder: &Path, options: &Bench) -> Result<bool> {
    let audio = checkout.root.join("../shared/audio/meeting");
    if !audio.is_dir() {
        bail!("{} is missing", audio.display());
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
        let reference = parse_rttm(&reference);
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

    println!("\nbench speakers: making {} minutes of speech", options.minutes);
    let long = test_recordings::phrases(checkout, folder, "speakers", options.minutes * 60, 0.1)?;
    let words = transcribe(&app, &[], &long.path, &data.path)?;
    let mut seconds = f64::INFINITY;
    for _ in 0..options.repetitions {
        let rerun =
            timed(app.command().args(["speakers", &words.job, "rerun", "--wait"]).stdout(Stdio::null()))?;
        seconds = seconds.min(rerun.as_secs_f64());
    }
    let (found, count) = turns(&app, &words.job)?;
    let factor = seconds / long.duration_s;
    println!(
        "{:.0} s of audio: words and speakers {:.1} s, speakers alone {seconds:.1} s ({count} found, {} turns)",
        long.duration_s,
        words.measured.cost.wall_s,
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
            "words_and_speakers_seconds": rounded(words.measured.cost.wall_s),
            "speakers_seconds": rounded(seconds),
            "peak_kb": words.measured.peak.app_kb,
            "met": met,
        }),
    )?;
    Ok(met)
}

/// The turns of a recording, and the number of its speakers.
fn turns(app: &App, job: &str) -> Result<(Vec<Turn>, usize)> {
    let shown = app.json(app.command().args(["show", job, "--json"]))?;
    let turns = shown["transcript"]["turns"].as_array().context("`meetmemo show` printed no turns")?;
    let seconds = |turn: &Value, key: &str| turn[key].as_f64().map(|ms| ms / 1000.0);
    let turns = turns.iter().filter_map(|turn| {
        let speaker = turn["speaker_id"].as_str()?.to_owned();
        Some(Turn { start: seconds(turn, "start_ms")?, end: seconds(turn, "end_ms")?, speaker })
    });
    let speakers = shown["transcript"]["speakers"].as_array().map_or(0, Vec::len);
    Ok((turns.collect(), speakers))
}
