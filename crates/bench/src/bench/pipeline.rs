//! Compares the whole pipeline for a long recording, from the command to the transcript with speakers in the database,
//! with the engine library alone, which only recognises the same file with the same model.

use super::engine_alone::{self, EngineAlone};
use super::process_cost::{Cost, Measurement};
use super::test_recordings::{self, Recording};
use super::{DataFolder, print_header, print_row, rounded, transcribe, verdict, write_json};
use super::{process_memory, word_errors};
use crate::args::Bench;
use anyhow::Result;
use serde_json::{Value, json};
use std::path::Path;
use xtask::app::App;
use xtask::checkout::Checkout;
use xtask::command;

/// Highest allowed ratio of the app's time to that of the engine alone.
const GOAL: f64 = 1.0;

/// One measurement of one program, with the recognised text.
type Measured = (Measurement, String);

/// Runs the benchmark; returns whether the goal was met.
pub(super) fn run(checkout: &Checkout, app: &App, folder: &Path, options: &Bench) -> Result<bool> {
    let model = engine_alone::published(checkout, engine_alone::BASE)?;
    let bare = EngineAlone::build(checkout, folder)?;
    println!("bench pipeline: making {} minutes of speech", options.minutes);
    let recording = test_recordings::long(checkout, folder, options.minutes * 60)?;
    let (mut theirs, mut ours) = (Vec::new(), Vec::new());
    for round in 1..=options.repetitions {
        println!("bench pipeline: round {round} of {}: engine alone", options.repetitions);
        theirs.push(bare.run(&model, &recording)?);
        println!("bench pipeline: round {round} of {}: meetmemo", options.repetitions);
        ours.push(meetmemo(app, &recording, folder)?);
    }
    report(&recording, &theirs, &ours, folder)
}

/// Transcribes on a new data folder, so creating the database is part of the time.
fn meetmemo(app: &App, recording: &Recording, folder: &Path) -> Result<Measured> {
    let data = DataFolder::new(folder)?;
    let done = transcribe(&app.with_data(&data.path), &[], &recording.path, &data.path)?;
    Ok((done.measured, done.text))
}

fn report(recording: &Recording, theirs: &[Measured], ours: &[Measured], folder: &Path) -> Result<bool> {
    let cost = |all: &[Measured]| Cost::median(&all.iter().map(|(one, _)| one.cost).collect::<Vec<_>>());
    let side = |name: &str, all: &[Measured]| -> Value {
        let errors = all.last().map(|(_, text)| word_errors::compare(&recording.text, text));
        let rate = errors.map(word_errors::WordErrors::rate);
        print_row(name, cost(all), recording.duration_s, rate);
        json!({
            "seconds": all.iter().map(|(one, _)| rounded(one.cost.wall_s)).collect::<Vec<_>>(),
            "cpu_seconds": all.iter().map(|(one, _)| rounded(one.cost.cpu_s)).collect::<Vec<_>>(),
            "median_seconds": rounded(cost(all).wall_s),
            "real_time_factor": rounded(cost(all).wall_s / recording.duration_s),
            "word_error_rate": rate.map(rounded),
            "words": errors.map(|errors| errors.words),
        })
    };
    println!("\n{:.0} s of speech, {} cores", recording.duration_s, command::cores());
    print_header();
    let their_side = side("engine alone", theirs);
    let our_side = side("meetmemo import --wait", ours);
    let highest = |all: &[Measured], part: fn(&process_memory::Peak) -> u64| {
        all.iter().map(|(one, _)| part(&one.peak)).max().unwrap_or(0)
    };
    let (app_kb, database_kb, all_kb) =
        (highest(ours, |p| p.app_kb), highest(ours, |p| p.database_kb), highest(ours, |p| p.all_kb));
    let engine_kb = highest(theirs, |p| p.app_kb);
    println!(
        "memory at its peak: engine alone {} MB; app {} MB, database {} MB, together {} MB",
        engine_kb / 1024,
        app_kb / 1024,
        database_kb / 1024,
        all_kb / 1024
    );
    let ratio = cost(ours).wall_s / cost(theirs).wall_s;
    let (met, sentence) = verdict("seconds of meetmemo ÷ seconds of the engine alone", ratio, GOAL);
    println!("{sentence}");
    write_json(
        &folder.join("pipeline.json"),
        &json!({
            "recording_seconds": rounded(recording.duration_s),
            "cores": command::cores(),
            "engine": their_side,
            "meetmemo": our_side,
            "peak_kb": {"engine": engine_kb, "app": app_kb, "database": database_kb, "all": all_kb},
            "ratio": rounded(ratio),
            "goal": GOAL,
            "met": met,
        }),
    )?;
    Ok(met)
}
