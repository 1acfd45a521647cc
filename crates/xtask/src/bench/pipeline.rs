//! The whole way of a long recording, from the command to the transcript in the database, beside
//! `pocketsphinx_continuous`, which recognises the same file with the same model on one core and stores nothing.

use super::recording::{self, Recording};
use super::{DataFolder, median, memory, rounded, score, verdict, write_json};
use crate::app::App;
use crate::args::Bench;
use crate::checkout::Checkout;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

/// Most of the other program's time that the app may take, on two cores.
const GOAL: f64 = 0.6;

/// One measurement of one program.
struct Measured {
    seconds: f64,
    text: String,
    peak: Option<memory::Peak>,
}

/// Runs it; tells whether the goal was met.
pub(super) fn run(checkout: &Checkout, app: &App, folder: &Path, asked: &Bench) -> Result<bool> {
    println!("bench pipeline: making {} minutes of speech", asked.minutes);
    let recording = recording::long(checkout, folder, asked.minutes * 60)?;
    let (mut theirs, mut ours) = (Vec::new(), Vec::new());
    for round in 1..=asked.repetitions {
        println!("bench pipeline: round {round} of {}: pocketsphinx_continuous", asked.repetitions);
        theirs.push(pocketsphinx(&recording, folder)?);
        println!("bench pipeline: round {round} of {}: meetmemo", asked.repetitions);
        ours.push(meetmemo(app, &recording, folder)?);
    }
    report(&recording, &theirs, &ours, folder)
}

fn pocketsphinx(recording: &Recording, folder: &Path) -> Result<Measured> {
    let text_path = folder.join("pocketsphinx.txt");
    let text_file =
        File::create(&text_path).with_context(|| format!("could not create {}", text_path.display()))?;
    let took = super::timed(
        Command::new("pocketsphinx_continuous")
            .arg("-infile")
            .arg(&recording.path)
            .args(["-logfn", "/dev/null"])
            .stdin(Stdio::null())
            .stdout(text_file),
    )?;
    let text =
        fs::read_to_string(&text_path).with_context(|| format!("could not read {}", text_path.display()))?;
    Ok(Measured { seconds: took.as_secs_f64(), text, peak: None })
}

/// On a new data folder: making the database is part of the time.
fn meetmemo(app: &App, recording: &Recording, folder: &Path) -> Result<Measured> {
    let data = DataFolder::new(folder)?;
    let done = super::transcribe(&app.with_data(&data.path), &[], &recording.path, &data.path)?;
    Ok(Measured { seconds: done.seconds, text: done.text, peak: Some(done.peak) })
}

fn report(recording: &Recording, theirs: &[Measured], ours: &[Measured], folder: &Path) -> Result<bool> {
    let seconds = |all: &[Measured]| median(&all.iter().map(|one| one.seconds).collect::<Vec<_>>());
    let wer = |all: &[Measured]| all.last().map(|one| score::compare(&recording.text, &one.text));
    let side = |name: &str, all: &[Measured]| -> Value {
        let errors = wer(all);
        println!(
            "{name:<26}{:>9.1}{:>9.3}{:>9.3}",
            seconds(all),
            seconds(all) / recording.duration_s,
            errors.map_or(f64::NAN, score::WordErrors::rate)
        );
        json!({
            "seconds": all.iter().map(|one| rounded(one.seconds)).collect::<Vec<_>>(),
            "median_seconds": rounded(seconds(all)),
            "real_time_factor": rounded(seconds(all) / recording.duration_s),
            "word_error_rate": errors.map(|errors| rounded(errors.rate())),
            "words": errors.map(|errors| errors.words),
        })
    };
    println!("\n{:.0} s of speech, {} cores", recording.duration_s, cores());
    println!("{:<26}{:>9}{:>9}{:>9}", "", "seconds", "RTF", "WER");
    let their_side = side("pocketsphinx_continuous", theirs);
    let our_side = side("meetmemo import --wait", ours);
    let highest = |part: fn(&memory::Peak) -> u64| {
        ours.iter().filter_map(|one| one.peak.as_ref()).map(part).max().unwrap_or(0)
    };
    let (app_kb, database_kb, all_kb) =
        (highest(|p| p.app_kb), highest(|p| p.database_kb), highest(|p| p.all_kb));
    println!(
        "memory at its peak: app {} MB, database {} MB, together {} MB",
        app_kb / 1024,
        database_kb / 1024,
        all_kb / 1024
    );
    let ratio = seconds(ours) / seconds(theirs);
    let (met, sentence) = verdict("seconds of meetmemo ÷ seconds of pocketsphinx_continuous", ratio, GOAL);
    println!("{sentence}");
    write_json(
        &folder.join("pipeline.json"),
        &json!({
            "recording_seconds": rounded(recording.duration_s),
            "cores": cores(),
            "pocketsphinx_continuous": their_side,
            "meetmemo": our_side,
            "peak_kb": {"app": app_kb, "database": database_kb, "all": all_kb},
            "ratio": rounded(ratio),
            "goal": GOAL,
            "met": met,
        }),
    )?;
    Ok(met)
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}
