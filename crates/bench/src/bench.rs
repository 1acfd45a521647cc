//! `cargo xtask bench`: compares the app with another program that does the same work, in one run on one machine.
//!
//! Most goals are ratios, because seconds depend on the machine and its load.

mod archive;
mod backup;
mod engine_alone;
mod export;
mod import;
mod meetings;
mod pipeline;
mod process_cost;
mod process_memory;
mod speakers;
mod speech;
mod test_recordings;
mod window;
mod word_errors;

use crate::args::{Bench, Benchmark};
use anyhow::{Context, Result, bail};
use process_cost::{Cost, Measurement};
use serde_json::Value;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use xtask::app::{App, Profile, imported};
use xtask::checkout::Checkout;
use xtask::command;

/// Runs the benchmarks; returns whether all goals were met.
pub(crate) fn bench(checkout: &Checkout, options: &Bench) -> Result<bool> {
    if !cfg!(target_os = "linux") {
        bail!("the benchmarks read memory from /proc, which only Linux has");
    }
    let folder = checkout.target.join("bench");
    fs::create_dir_all(&folder).with_context(|| format!("could not create {}", folder.display()))?;
    let mut met = true;
    // `meetings` uses only the diarizer, not the app.
    if options.benchmarks.contains(&Benchmark::Meetings) {
        met &= meetings::run(checkout, &folder, options)?;
    }
    let others: Vec<_> = options.benchmarks.iter().filter(|one| **one != Benchmark::Meetings).collect();
    if others.is_empty() {
        return Ok(met);
    }
    let app = App::build(checkout, Profile::Release)?;
    for benchmark in others {
        process_cost::adopt_orphans(*benchmark != Benchmark::Window)?;
        met &= match benchmark {
            Benchmark::Pipeline => pipeline::run(checkout, &app, &folder, options)?,
            Benchmark::Import => import::run(checkout, &app, &folder, options)?,
            Benchmark::Speakers => speakers::run(checkout, &app, &folder, options)?,
            Benchmark::Meetings => true,
            Benchmark::Speech => speech::run(checkout, &app, &folder, options)?,
            Benchmark::Backup => backup::run(&app, &folder, options)?,
            Benchmark::Archive => archive::run(&app, &folder, options)?,
            Benchmark::Export => export::run(checkout, &app, &folder, options)?,
            Benchmark::Window => window::run(checkout, options)?,
        };
    }
    Ok(met)
}

/// A temporary data folder. It is removed on drop, after its database server has ended.
struct DataFolder {
    path: PathBuf,
}

impl DataFolder {
    fn new(parent: &Path) -> Result<Self> {
        let path = parent.join(format!("data-{}", std::process::id()));
        remove(&path)?;
        fs::create_dir_all(&path).with_context(|| format!("could not create {}", path.display()))?;
        Ok(Self { path })
    }
}

impl Drop for DataFolder {
    fn drop(&mut self) {
        // Processes that do not end were reported by the measurement.
        let _ = process_cost::wait_for_processes(Some(&self.path));
        // If this fails, the next run removes the folder.
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("could not remove {}", folder.display()))?;
    }
    Ok(())
}

/// Runs `command` and returns its wall-clock time; a failure of the command is an error.
fn timed(command: &mut Command) -> Result<Duration> {
    let started = Instant::now();
    let status: ExitStatus =
        command.status().with_context(|| format!("could not start `{}`", command::shown(command)))?;
    let took = started.elapsed();
    if !status.success() {
        bail!("`{}` failed ({status})", command::shown(command));
    }
    Ok(took)
}

/// A recording that the app has transcribed.
struct Transcribed {
    job: String,
    text: String,
    measured: Measurement,
}

/// Imports and transcribes a recording with the app on the data folder `data`, and reads the transcript.
fn transcribe(app: &App, options: &[&str], recording: &Path, data: &Path) -> Result<Transcribed> {
    transcribe_while(app, options, recording, data, &mut |_| ())
}

/// Like [`transcribe`]; `meanwhile` is called repeatedly until the command ends, with the time of its start.
fn transcribe_while(
    app: &App,
    options: &[&str],
    recording: &Path,
    data: &Path,
    meanwhile: &mut dyn FnMut(Instant),
) -> Result<Transcribed> {
    let result_path = data.with_extension("json");
    let result_file =
        File::create(&result_path).with_context(|| format!("could not create {}", result_path.display()))?;
    let mut import = app.command();
    import.args(["import", "--wait", "--json"]).args(options).arg(recording);
    let measured =
        process_cost::measure(import.stdin(Stdio::null()).stdout(result_file), Some(data), meanwhile)?;
    let results = imported(&xtask::setup::read_json(&result_path)?)?;
    fs::remove_file(&result_path).with_context(|| format!("could not remove {}", result_path.display()))?;
    let [result] = results.as_slice() else {
        bail!("one file was imported, but the command printed {} results", results.len())
    };
    let (true, Some("completed"), Some(job)) = (measured.success, result.status.as_deref(), &result.job)
    else {
        bail!("`{}` did not complete: {result:?}", command::shown(&import));
    };
    let shown = app.json(app.command().args(["show", job, "--json"]))?;
    let segments =
        shown["transcript"]["segments"].as_array().context("`meetmemo show` printed no segments")?;
    let texts: Vec<&str> = segments.iter().filter_map(|segment| segment["text"].as_str()).collect();
    Ok(Transcribed { job: job.clone(), text: texts.join("\n"), measured })
}

/// Prints the column headers for [`print_row`].
fn print_header() {
    println!("{:<28}{:>10}{:>10}{:>14}{:>8}", "", "wall s", "CPU s", "× real time", "WER");
}

/// Prints a table row: cost, speed, and the word error rate if there is one.
fn print_row(name: &str, cost: Cost, duration_s: f64, word_error_rate: Option<f64>) {
    let rate = word_error_rate.map(|rate| format!("{rate:.3}")).unwrap_or_default();
    let speed = duration_s / cost.wall_s;
    println!("{name:<28}{:>10.1}{:>10.1}{speed:>14.1}{rate:>8}", cost.wall_s, cost.cpu_s);
}

/// The median; NaN if there are no values.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

/// The value below which a share of `values` lies, 0.95 for 95 %: the nearest rank.
fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

/// Rounds to three decimals, more precise than measurements on a shared machine.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// Whether `value` is at most `goal`, and a line about it: “goal met: ratio 0.41 ≤ 0.6”, or “goal missed: …”.
fn verdict(what: &str, value: f64, goal: f64) -> (bool, String) {
    let met = value <= goal;
    let (word, sign) = if met { ("met", '≤') } else { ("missed", '>') };
    (met, format!("goal {word}: {what} {} {sign} {goal}", rounded(value)))
}

/// The same for values that must be at least `goal`.
fn verdict_at_least(what: &str, value: f64, goal: f64) -> (bool, String) {
    let met = value >= goal;
    let (word, sign) = if met { ("met", '≥') } else { ("missed", '<') };
    (met, format!("goal {word}: {what} {} {sign} {goal}", rounded(value)))
}

fn write_json(path: &Path, value: &Value) -> Result<()> {
    let text = serde_json::to_string_pretty(value).context("could not write JSON")?;
    fs::write(path, text + "\n").with_context(|| format!("could not write {}", path.display()))?;
    println!("written to {}", path.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_value_at_its_rank() {
        let values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!([0.5, 0.95, 1.0].map(|share| percentile(&values, share)), [50.0, 95.0, 100.0]);
        assert_eq!(percentile(&[7.0], 0.95), 7.0);
    }

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn a_verdict_is_a_sentence() {
        assert_eq!(verdict("ratio", 0.412_34, 0.6), (true, "goal met: ratio 0.412 ≤ 0.6".into()));
        assert_eq!(verdict("ratio", 0.7, 0.6), (false, "goal missed: ratio 0.7 > 0.6".into()));
        assert!(!verdict("ratio", f64::NAN, 0.6).0);
        assert_eq!(verdict_at_least("speed", 12.0, 10.0), (true, "goal met: speed 12 ≥ 10".into()));
        assert_eq!(verdict_at_least("speed", 9.5, 10.0), (false, "goal missed: speed 9.5 < 10".into()));
        assert!(!verdict_at_least("speed", f64::NAN, 10.0).0);
    }
}
