//! Compares recognition in the app with the engine library alone: same model, same recording, same run.
//!
//! The library gets the model as published and all samples in one call. The app decodes the file, finds speech, cuts
//! windows, recognises them in engine processes, does the diarization and stores each window. The library does no
//! diarization, so that is measured separately (`meetmemo speakers JOB rerun --wait`) and subtracted. The separate
//! command also starts the database and reads the recording, so these parts are subtracted too.

use super::engine_alone::{self, EngineAlone};
use super::process_cost::{Cost, run_measured};
use super::test_recordings::{self, Recording};
use super::word_errors;
use super::{
    DataFolder, Transcribed, print_header, print_row, rounded, transcribe, transcribe_while, verdict,
    verdict_at_least, write_json,
};
use crate::args::Bench;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use xtask::app::App;
use xtask::checkout::Checkout;
use xtask::command;

/// Highest allowed time of the app without diarization, relative to the library: for speech without pauses, and for a
/// recording with three tenths of silence, which the app does not give to the engine.
const GOAL_SPEECH: f64 = 0.75;
const GOAL_SILENCE: f64 = 0.6;
/// Seconds of audio per second of the whole command, on this many cores.
const GOAL_SPEED: f64 = 10.0;
const CORES_OF_GOAL: usize = 2;
/// Memory of the app above the size of the model, for a recording of three hours, in MB.
const GOAL_MEMORY_MB: f64 = 300.0;
/// Seconds from the start of the command until the first words can be read. Ten times as long is a failure.
const GOAL_FIRST_WORDS_S: f64 = 3.0;
/// Hours of the long recording.
const LONG_HOURS: u32 = 3;
/// Share of silence of the recordings for the first words and for memory.
const SOME_SILENCE: f64 = 0.1;
/// Interval of the queries for the first words, which compete with the measured command for the cores.
const QUERY_INTERVAL: Duration = Duration::from_millis(100);

/// A model that is measured.
struct Subject {
    name: String,
    /// The published file, for the library.
    file: PathBuf,
    /// Options of the app's command that select the model; empty for the included one.
    options: Vec<String>,
}

/// A recording, its description, and the goal for it.
struct Case {
    what: &'static str,
    recording: Recording,
    goal: f64,
}

/// The two programs.
struct Sides<'a> {
    bare: EngineAlone,
    app: App,
    data: &'a Path,
}

/// The result of measuring one case.
struct Outcome {
    met: bool,
    json: Value,
    /// Peak memory of the app, in kB.
    peak_kb: u64,
}

/// Runs the benchmark; returns whether the goals were met.
pub(super) fn run(checkout: &Checkout, app: &App, folder: &Path, options: &Bench) -> Result<bool> {
    let bare = EngineAlone::build(checkout, folder)?;
    let seconds = options.minutes * 60;
    println!("bench speech: making {} minutes of speech, with and without pauses", options.minutes);
    let case = |what, name, silence, goal| {
        Ok::<_, anyhow::Error>(Case {
            what,
            recording: test_recordings::spoken(checkout, folder, name, seconds, silence)?,
            goal,
        })
    };
    let cases = [
        case("speech without pauses", "without-pauses", 0.0, GOAL_SPEECH)?,
        case("three tenths silence", "with-pauses", 0.3, GOAL_SILENCE)?,
    ];
    let data = DataFolder::new(folder)?;
    let sides = Sides { bare, app: app.with_data(&data.path), data: &data.path };
    let subjects = subjects(checkout, &sides.app, options.model.as_deref())?;

    let mut met = true;
    let (mut rows, mut short_kb) = (Vec::new(), Vec::new());
    for subject in &subjects {
        for case in &cases {
            let outcome = sides.compare(subject, case, options.repetitions)?;
            met &= outcome.met;
            rows.push(outcome.json);
            short_kb.push(outcome.peak_kb);
        }
    }
    let (Some(first), Some(short_kb)) = (subjects.first(), short_kb.first()) else { return Ok(false) };
    let of_length = sides.lengths(checkout, folder, first, *short_kb, &cases[0].recording)?;
    met &= of_length.met;
    write_json(
        &folder.join("speech.json"),
        &json!({"cores": command::cores(), "recordings": rows, "lengths": of_length.json, "met": met}),
    )?;
    Ok(met)
}

/// The models to measure: the requested one, else the included one and a small one. This also creates the archive and
/// installs the models, so that neither is part of a measurement.
fn subjects(checkout: &Checkout, app: &App, requested: Option<&Path>) -> Result<Vec<Subject>> {
    app.json(app.command().args(["models", "list", "--json"]))?;
    if let Some(file) = requested {
        return Ok(vec![added(app, file.to_path_buf())?]);
    }
    let base = engine_alone::published(checkout, engine_alone::BASE)?;
    let base = Subject { name: "whisper-base, as it ships".to_owned(), file: base, options: Vec::new() };
    Ok(vec![base, added(app, engine_alone::published(checkout, engine_alone::TINY_EN)?)?])
}

/// Adds a model to the app's models folder.
fn added(app: &App, file: PathBuf) -> Result<Subject> {
    let model = app.json(app.command().args(["models", "add", "--json"]).arg(&file))?;
    let name = model["id"]
        .as_str()
        .with_context(|| format!("`meetmemo models add {}` named no model but {model}", file.display()))?;
    Ok(Subject { name: name.to_owned(), file, options: vec!["--model".to_owned(), name.to_owned()] })
}

impl Sides<'_> {
    /// Measures both programs with `subject` on the recording of `case`.
    fn compare(&self, subject: &Subject, case: &Case, repetitions: u32) -> Result<Outcome> {
        let Case { what, recording, goal } = case;
        let what = format!("{}, {what}", subject.name);
        let (mut alone, mut import, mut speakers) = (Vec::new(), Vec::new(), Vec::new());
        let (mut their_text, mut our_text, mut peak_kb) = (String::new(), String::new(), 0);
        for round in 1..=repetitions {
            println!("bench speech: {what}, round {round} of {repetitions}");
            let (measured, text) = self.bare.run(&subject.file, recording)?;
            alone.push(measured.cost);
            their_text = text;
            let done = transcribe(&self.app, &subject.options(), &recording.path, self.data)?;
            let mut rerun = self.app.command();
            rerun.args(["speakers", &done.job, "rerun", "--wait"]).stdout(Stdio::null());
            speakers.push(run_measured(&mut rerun, Some(self.data))?.cost);
            self.delete(&done)?;
            import.push(done.measured.cost);
            peak_kb = peak_kb.max(done.measured.peak.app_kb);
            our_text = done.text;
        }
        let rate = |text: &str| word_errors::compare(&recording.text, text).rate();
        let length_s = recording.duration_s;
        let [engine, whole, diarization] = [&alone, &import, &speakers].map(|all| Cost::median(all));
        let words = whole.without(diarization);
        println!("\n{what}: {length_s:.0} s, {} cores", command::cores());
        print_header();
        print_row("engine alone", engine, length_s, Some(rate(&their_text)));
        print_row("meetmemo import --wait", whole, length_s, Some(rate(&our_text)));
        print_row("speakers rerun --wait", diarization, length_s, None);
        print_row("import without speakers", words, length_s, None);
        let (wall, cpu) = (words.wall_s / engine.wall_s, words.cpu_s / engine.cpu_s);
        println!("{:<28}{wall:>10.3}{cpu:>10.3}", "… ÷ engine alone");
        let mut met = true;
        for (part, ratio) in [("wall seconds", wall), ("CPU seconds", cpu)] {
            let (well, sentence) = verdict(&format!("{part} ÷ those of the engine alone"), ratio, *goal);
            met &= well;
            println!("{sentence}");
        }
        met &= fast_enough(length_s / whole.wall_s);
        println!();
        let all = |costs: &[Cost]| {
            let rounded = |part: fn(&Cost) -> f64| costs.iter().map(part).map(rounded).collect::<Vec<_>>();
            json!({"wall_seconds": rounded(|cost| cost.wall_s), "cpu_seconds": rounded(|cost| cost.cpu_s)})
        };
        let json = json!({
            "model": subject.name,
            "recording": case.what,
            "recording_seconds": rounded(length_s),
            "engine": all(&alone),
            "meetmemo": all(&import),
            "speakers": all(&speakers),
            "engine_word_error_rate": rounded(rate(&their_text)),
            "meetmemo_word_error_rate": rounded(rate(&our_text)),
            "wall_ratio": rounded(wall),
            "cpu_ratio": rounded(cpu),
            "goal": goal,
            "times_real_time": rounded(length_s / whole.wall_s),
            "peak_kb": peak_kb,
            "met": met,
        });
        Ok(Outcome { met, json, peak_kb })
    }

    /// Measures what must not depend on the length of a recording: memory, and the time until the first words.
    fn lengths(
        &self,
        checkout: &Checkout,
        folder: &Path,
        subject: &Subject,
        short_kb: u64,
        short: &Recording,
    ) -> Result<Outcome> {
        println!("bench speech: making a minute and {LONG_HOURS} hours of speech");
        let minute = test_recordings::spoken(checkout, folder, "minute", 60, SOME_SILENCE)?;
        let hours = test_recordings::spoken(checkout, folder, "hours", LONG_HOURS * 3600, SOME_SILENCE)?;
        let (_, of_minute_s) = self.first_words(subject, &minute)?;
        let (long, of_hours_s) = self.first_words(subject, &hours)?;
        let (wall_s, long_kb) = (long.measured.cost.wall_s, long.measured.peak.app_kb);
        let length = |recording: &Recording| recording.duration_s / 60.0;
        println!(
            "\n{}, {:.0} minutes: {wall_s:.0} s, {:.1} × real time",
            subject.name,
            length(&hours),
            hours.duration_s / wall_s
        );
        println!(
            "memory at its peak: {} MB for {:.0} minutes, {} MB for {:.0} minutes",
            short_kb / 1024,
            length(short),
            long_kb / 1024,
            length(&hours)
        );
        let size = fs::metadata(&subject.file).context("the model's file is missing")?.len();
        let above = long_kb as f64 / 1024.0 - size as f64 / f64::from(1 << 20);
        let (mut met, sentence) = verdict("MB above the model's size", above, GOAL_MEMORY_MB);
        println!("{sentence}");
        for (recording, seconds) in [(&minute, of_minute_s), (&hours, of_hours_s)] {
            let what = format!("seconds until the first words of {:.0} minutes", length(recording));
            println!("{}", verdict(&what, seconds, GOAL_FIRST_WORDS_S).1);
            met &= seconds <= 10.0 * GOAL_FIRST_WORDS_S;
        }
        println!();
        let json = json!({
            "model": subject.name,
            "model_bytes": size,
            "short": {"seconds": rounded(short.duration_s), "peak_kb": short_kb},
            "minute": {"seconds": rounded(minute.duration_s), "first_words_seconds": rounded(of_minute_s)},
            "long": {
                "seconds": rounded(hours.duration_s),
                "first_words_seconds": rounded(of_hours_s),
                "wall_seconds": rounded(wall_s),
                "peak_kb": long_kb,
            },
            "met": met,
        });
        Ok(Outcome { met, json, peak_kb: long_kb })
    }

    /// Transcribes a recording with the app; also returns the seconds until its first words could be read.
    fn first_words(&self, subject: &Subject, recording: &Recording) -> Result<(Transcribed, f64)> {
        println!("bench speech: {}, {:.0} minutes", subject.name, recording.duration_s / 60.0);
        let mut first = FirstWords { app: &self.app, job: None, last_query: Instant::now(), after: None };
        let done =
            transcribe_while(&self.app, &subject.options(), &recording.path, self.data, &mut |started| {
                first.query(started);
            })?;
        self.delete(&done)?;
        let after = first.after.with_context(|| {
            format!("no words of {} could be read before the end", recording.path.display())
        })?;
        Ok((done, after.as_secs_f64()))
    }

    /// Deletes the job; otherwise the next import of the same recording would be a duplicate.
    fn delete(&self, done: &Transcribed) -> Result<()> {
        command::output(self.app.command().args(["delete", "--now", &done.job])).map(|_| ())
    }
}

impl Subject {
    fn options(&self) -> Vec<&str> {
        self.options.iter().map(String::as_str).collect()
    }
}

/// Whether the whole command is fast enough. The goal applies only to two cores.
fn fast_enough(times_real_time: f64) -> bool {
    let what = "× real time with speakers:";
    if command::cores() != CORES_OF_GOAL {
        println!("{what} {times_real_time:.1} (the goal of {GOAL_SPEED} is for {CORES_OF_GOAL} cores)");
        return true;
    }
    let (well, sentence) = verdict_at_least(what, times_real_time, GOAL_SPEED);
    println!("{sentence}");
    well
}

/// Queries the archive's newest recording until it has words.
struct FirstWords<'a> {
    app: &'a App,
    job: Option<String>,
    last_query: Instant,
    /// Seconds from the start of the command.
    after: Option<Duration>,
}

impl FirstWords<'_> {
    fn query(&mut self, started: Instant) {
        if self.after.is_some() || self.last_query.elapsed() < QUERY_INTERVAL {
            return;
        }
        // A failed query is repeated later.
        let answer =
            |arguments: &[&str]| self.app.json(self.app.command().args(arguments)).unwrap_or_default();
        match &self.job {
            None => self.job = newest(&answer(&["list", "--limit", "1", "--json"])),
            Some(job) => {
                if has_words(&answer(&["show", job, "--json"])) {
                    self.after = Some(started.elapsed());
                }
            }
        }
        self.last_query = Instant::now();
    }
}

/// The id of the first recording in the output of `meetmemo list --json`.
fn newest(list: &Value) -> Option<String> {
    Some(list[0]["id"].as_str()?.to_owned())
}

/// Whether the output of `meetmemo show --json` has words.
fn has_words(meeting: &Value) -> bool {
    let segments = meeting["transcript"]["segments"].as_array();
    segments.is_some_and(|segments| segments.iter().any(|segment| segment["text"] != ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_words_are_detected() {
        assert_eq!(newest(&json!([])), None);
        assert_eq!(newest(&json!([{"id": "1f"}, {"id": "2f"}])).as_deref(), Some("1f"));
        for (meeting, words) in [
            (json!(null), false),
            (json!({"transcript": null}), false),
            (json!({"transcript": {"segments": []}}), false),
            (json!({"transcript": {"segments": [{"text": ""}, {"text": "It was"}]}}), true),
        ] {
            assert_eq!(has_words(&meeting), words, "{meeting}");
        }
    }
}
