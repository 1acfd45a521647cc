//! Neural recognition as the app does it, beside the engine library alone: same model, same recording, same run.
//!
//! The app decodes, finds speech, cuts, recognises in processes of its own and commits each window; the bare engine
//! gets the samples in one call and writes nothing. What is measured of the app is the whole command on an archive that
//! is open, from the file to the transcript.

use super::recording::{self, Recording};
use super::{DataFolder, Transcribed, median, rounded, score, verdict, write_json};
use crate::app::App;
use crate::args::Bench;
use crate::checkout::Checkout;
use crate::command;
use anyhow::{Context, Result, bail};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Most of the bare engine's time that the app may take: where people speak without pauses, and where three tenths of
/// the recording are silence, which the app does not give to the engine.
const GOAL_SPEECH: f64 = 1.05;
const GOAL_SILENCE: f64 = 0.75;
/// Memory of the app over the size of the model for a recording of three hours, in MB.
const GOAL_MEMORY_MB: f64 = 300.0;
/// Hours of the long recording.
const LONG_HOURS: u32 = 3;

/// Runs it; tells whether the goals were met.
pub(super) fn run(checkout: &Checkout, app: &App, folder: &Path, asked: &Bench) -> Result<bool> {
    let model = match &asked.model {
        Some(model) => model.clone(),
        None => checkout.root.join("../shared/models/fixture-whisper.gguf"),
    };
    if !model.is_file() {
        bail!("{} is not there; name a model file with --model FILE", model.display());
    }
    let bare = bare_engine(checkout)?;
    let seconds = asked.minutes * 60;
    println!("bench speech: making {} minutes of speech, with and without pauses", asked.minutes);
    let [speech, silence] = [
        recording::phrases(checkout, folder, "without-pauses", seconds, 0.0)?,
        recording::phrases(checkout, folder, "with-pauses", seconds, 0.3)?,
    ];
    let data = DataFolder::new(folder)?;
    let app = app.with_data(&data.path);
    // The archive is made, and the model is looked into, before anything is measured.
    command::output(app.command().args(["models", "add", "--link"]).arg(&model))?;
    let name = model.file_stem().unwrap_or_default().to_string_lossy().into_owned();

    let mut met = true;
    let mut sides = Vec::new();
    for (what, recording, goal) in
        [("speech without pauses", &speech, GOAL_SPEECH), ("three tenths silence", &silence, GOAL_SILENCE)]
    {
        let (mut theirs, mut ours) = (Vec::new(), Vec::new());
        let mut texts = (String::new(), String::new());
        for round in 1..=asked.repetitions {
            println!("bench speech: {what}, round {round} of {}", asked.repetitions);
            let (took, text) = alone(&bare, &model, recording)?;
            theirs.push(took);
            texts.0 = text;
            let done = meetmemo(&app, &name, recording, &data.path)?;
            ours.push(done.seconds);
            texts.1 = done.text;
        }
        let rate = |text: &str| rounded(score::compare(&recording.text, text).rate());
        let (their_seconds, our_seconds) = (median(&theirs), median(&ours));
        println!("\n{what}: {:.0} s", recording.duration_s);
        println!("{:<26}{:>9.2} s   WER {:.3}", "engine alone", their_seconds, rate(&texts.0));
        println!("{:<26}{:>9.2} s   WER {:.3}", "meetmemo import --wait", our_seconds, rate(&texts.1));
        let ratio = our_seconds / their_seconds;
        let (well, sentence) = verdict("seconds of meetmemo ÷ seconds of the engine alone", ratio, goal);
        println!("{sentence}\n");
        met &= well;
        sides.push(json!({
            "recording": what,
            "recording_seconds": rounded(recording.duration_s),
            "engine_seconds": theirs.iter().copied().map(rounded).collect::<Vec<_>>(),
            "meetmemo_seconds": ours.iter().copied().map(rounded).collect::<Vec<_>>(),
            "engine_word_error_rate": rate(&texts.0),
            "meetmemo_word_error_rate": rate(&texts.1),
            "ratio": rounded(ratio),
            "goal": goal,
        }));
    }

    println!("bench speech: making {LONG_HOURS} hours of speech");
    let long = recording::phrases(checkout, folder, "hours", LONG_HOURS * 3600, 0.1)?;
    let short_kb = meetmemo(&app, &name, &speech, &data.path)?.peak.app_kb;
    let of_hours = meetmemo(&app, &name, &long, &data.path)?;
    let (took, long_kb) = (of_hours.seconds, of_hours.peak.app_kb);
    let size = model.metadata().context("the model has gone")?.len();
    let above = long_kb as f64 / 1024.0 - size as f64 / f64::from(1 << 20);
    println!(
        "memory at its peak: {} MB for {} minutes, {} MB for {LONG_HOURS} hours ({took:.0} s)",
        short_kb / 1024,
        asked.minutes,
        long_kb / 1024
    );
    let (well, sentence) = verdict("MB above the model's size", above, GOAL_MEMORY_MB);
    println!("{sentence}");
    met &= well;
    write_json(
        &folder.join("speech.json"),
        &json!({
            "model": name,
            "recordings": sides,
            "peak_kb": {"short": short_kb, "long": long_kb},
            "model_bytes": size,
            "met": met,
        }),
    )?;
    Ok(met)
}

/// Builds the engine's own way of doing it.
fn bare_engine(checkout: &Checkout) -> Result<PathBuf> {
    let mut cargo = crate::app::cargo_for_users(checkout)?;
    command::run(cargo.args(["build", "--release", "--package", "speech", "--example", "bare"]))?;
    Ok(checkout.target.join("release/examples/bare"))
}

fn alone(bare: &Path, model: &Path, recording: &Recording) -> Result<(f64, String)> {
    let started = std::time::Instant::now();
    let text = command::output(Command::new(bare).arg(model).arg(&recording.path))?;
    Ok((started.elapsed().as_secs_f64(), text))
}

/// The meeting is deleted, so that the next is none twice.
fn meetmemo(app: &App, model: &str, recording: &Recording, data: &Path) -> Result<Transcribed> {
    let done = super::transcribe(app, &["--model", model], &recording.path, data)?;
    command::output(app.command().args(["delete", &done.job]))?;
    Ok(done)
}
