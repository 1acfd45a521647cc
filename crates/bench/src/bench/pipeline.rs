//! The whole way of a long recording, from the command to the transcript in the database with its speakers, beside the
//! engine library alone, which recognises the same file with the same model and tells and stores nothing.

use super::bare::{self, Bare};
use super::recording::{self, Recording};
use super::watch::{Cost, Watched};
use super::{DataFolder, memory, print_heads, print_row, rounded, score, transcribe, verdict, write_json};
use crate::args::Bench;
use anyhow::Result;
use serde_json::{Value, json};
use std::path::Path;
use xtask::app::App;
use xtask::checkout::Checkout;

/// Most of the other program's time that the app may take.
const GOAL: f64 = 1.0;

/// One measurement of one program, with the words that it wrote.
type Measured = (Watched, String);

/// Runs it; tells whether the goal was met.
pub(super) fn run(checkout: &Checkout, app: &App, folder: &Path, asked: &Bench) -> Result<bool> {
    let model = bare::published(checkout, bare::BASE)?;
    let bare = Bare::build(checkout, folder)?;
    println!("bench pipeline: making {} minutes of speech", asked.minutes);
    let recording = recording::long(checkout, folder, asked.minutes * 60)?;
    let (mut theirs, mut ours) = (Vec::new(), Vec::new());
    for round in 1..=asked.repetitions {
        println!("bench pipeline: round {round} of {}: engine alone", asked.repetitions);
        theirs.push(bare.run(&model, &recording)?);
        println!("bench pipeline: round {round} of {}: meetmemo", asked.repetitions);
        ours.push(meetmemo(app, &recording, folder)?);
    }
    report(&recording, &theirs, &ours, folder)
}

/// On a new data folder: making the database is part of the time.
fn meetmemo(app: &App, recording: &Recording, folder: &Path) -> Result<Measured> {
    let data = DataFolder::new(folder)?;
    let done = transcribe(&app.with_data(&data.path), &[], &recording.path, &data.path)?;
    Ok((done.watched, done.text))
}

fn report(recording: &Recording, theirs: &[Measured], ours: &[Measured], folder: &Path) -> Result<bool> {
    let cost = |all: &[Measured]| Cost::median(&all.iter().map(|(one, _)| one.cost).collect::<Vec<_>>());
    let side = |name: &str, all: &[Measured]| -> Value {
        let errors = all.last().map(|(_, text)| score::compare(&recording.text, text));
        let rate = errors.map(score::WordErrors::rate);
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
    print_heads();
    let their_side = side("engine alone", theirs);
    let our_side = side("meetmemo import --wait", ours);
    let highest = |all: &[Measured], part: fn(&memory::Peak) -> u64| {
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
