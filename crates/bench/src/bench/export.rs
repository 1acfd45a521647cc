//! Exports a generated meeting of ten hours in every format (`crates/export/examples/export_ten_hours.rs`), beside a plain script
//! with ReportLab over the same text, and many meetings through the app, in one run.

use super::archive::Vocabulary;
use super::process_cost::{Measurement, run_measured, wait_for_processes};
use super::{median, remove, rounded, verdict, write_json};
use crate::args::Bench;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use store::managed::KeeperCommand;
use store::testing::{insert_spoken_meetings, open_managed};
use xtask::app::{App, cargo_for_users};
use xtask::checkout::Checkout;
use xtask::command;

const PDF: &str = "pdf_transcript";
/// The formats that are rendered from a transcript, the PDF first. (A bundle also has the recording.)
const FORMATS: [&str; 10] =
    [PDF, "docx", "html", "markdown_transcript", "txt", "srt", "vtt", "json", "csv", "rttm"];
/// Longest time of the PDF relative to ReportLab.
const GOAL_RATIO: f64 = 0.3;
/// Longest times in seconds.
const GOAL_PDF_S: f64 = 0.8;
const GOAL_OTHER_S: f64 = 0.3;
/// Most memory of any format, with the meeting itself, in MB.
const GOAL_MEMORY_MB: f64 = 200.0;
/// Segments of one of many meetings: 18 minutes.
const SEGMENTS: usize = 150;
/// Meetings per transaction.
const CHUNK: u32 = 50;

/// Times in seconds, and the most memory in MB, of one program.
#[derive(Debug, Default)]
struct Figures {
    seconds: Vec<f64>,
    memory_mb: f64,
}

impl Figures {
    /// Adds what `command` prints.
    fn add(&mut self, command: &mut Command) -> Result<()> {
        let printed: Value = serde_json::from_str(&command::output(command)?)
            .with_context(|| format!("`{}` printed no JSON", command::shown(command)))?;
        self.seconds.push(printed["seconds"].as_f64().context("it printed no seconds")?);
        let kb = printed["peak_kb"].as_f64().context("it printed no memory")?;
        self.memory_mb = self.memory_mb.max(kb / 1024.0);
        Ok(())
    }

    fn json(&self) -> Value {
        json!({"seconds": rounded(median(&self.seconds)), "memory_mb": rounded(self.memory_mb)})
    }
}

/// Runs the benchmark; returns whether all goals were met.
pub(super) fn run(checkout: &Checkout, app: &App, folder: &Path, options: &Bench) -> Result<bool> {
    let program = build(checkout)?;
    let fonts = checkout.target.join("resources/fonts");
    let (output, text) = (folder.join("ten-hours"), folder.join("ten-hours.json"));
    fs::write(&text, command::output(Command::new(&program).arg("text"))?)
        .with_context(|| format!("could not write {}", text.display()))?;
    let mut formats: Vec<Figures> = FORMATS.iter().map(|_| Figures::default()).collect();
    let mut reportlab = Figures::default();
    for round in 1..=options.repetitions {
        println!("bench export: round {round} of {}", options.repetitions);
        for (key, figures) in FORMATS.iter().zip(&mut formats) {
            figures.add(Command::new(&program).arg(key).args([&fonts, &output]))?;
        }
        reportlab.add(script(checkout)?.args([&text, &fonts, &output]))?;
    }
    let batch = batch(app, folder, options.files)?;

    println!("\n{:<28}{:>9}{:>9}", "ten hours", "s", "MB");
    let row = |name: &str, figures: &Figures| {
        println!("{name:<28}{:>9.2}{:>9.0}", median(&figures.seconds), figures.memory_mb);
    };
    FORMATS.iter().zip(&formats).for_each(|(key, figures)| row(key, figures));
    row("plain ReportLab script", &reportlab);
    println!(
        "{} meetings as PDF through the app: {:.1} s, {} MB",
        options.files,
        batch.cost.wall_s,
        batch.peak.app_kb / 1024
    );
    let pdf = median(&formats[0].seconds);
    let slowest = formats[1..].iter().map(|figures| median(&figures.seconds)).fold(0.0, f64::max);
    let memory = formats.iter().map(|figures| figures.memory_mb).fold(0.0, f64::max);
    let verdicts = [
        verdict("PDF ÷ ReportLab", pdf / median(&reportlab.seconds), GOAL_RATIO),
        verdict("seconds of the PDF", pdf, GOAL_PDF_S),
        verdict("seconds of the slowest other format", slowest, GOAL_OTHER_S),
        verdict("MB of memory", memory, GOAL_MEMORY_MB),
    ];
    verdicts.iter().for_each(|(_, sentence)| println!("{sentence}"));
    let met = verdicts.iter().all(|(met, _)| *met);
    let rows = FORMATS.iter().zip(&formats).map(|(key, figures)| ((*key).to_owned(), figures.json()));
    write_json(
        &folder.join("export.json"),
        &json!({
            "formats": rows.collect::<serde_json::Map<_, _>>(),
            "reportlab": reportlab.json(),
            "meetings": options.files,
            "batch_seconds": rounded(batch.cost.wall_s),
            "batch_memory_mb": batch.peak.app_kb / 1024,
            "met": met,
        }),
    )?;
    Ok(met)
}

fn build(checkout: &Checkout) -> Result<PathBuf> {
    let mut cargo = cargo_for_users(checkout)?;
    command::run(cargo.args(["build", "--release", "--workspace", "--example", "export_ten_hours"]))?;
    Ok(checkout.target.join("release/examples/export_ten_hours"))
}

/// The script, with the interpreter of the tests.
fn script(checkout: &Checkout) -> Result<Command> {
    let python = checkout.target.join("tools/python/bin/python");
    if !python.is_file() {
        bail!("{} is missing: run `cargo xtask setup --tests`", python.display());
    }
    let mut script = Command::new(python);
    script.args(["-I", "-B"]).arg(checkout.root.join("crates/bench/python/reportlab_transcript.py"));
    Ok(script)
}

/// Exports `meetings` generated meetings as PDF through the app.
fn batch(app: &App, folder: &Path, meetings: u32) -> Result<Measurement> {
    let data = folder.join("exported-archive");
    let app = app.with_data(&data);
    let to = folder.join("exported");
    remove(&data)?;
    remove(&to)?;
    fs::create_dir_all(&data).with_context(|| format!("could not create {}", data.display()))?;
    let runtime = tokio::runtime::Runtime::new().context("no runtime could be started")?;
    let keeper = || KeeperCommand {
        program: PathBuf::from(app.command().get_program()),
        arguments: vec!["database-server".to_owned()],
    };
    println!("bench export: making {meetings} meetings of {SEGMENTS} segments");
    runtime.block_on(async {
        let store = open_managed(&data.join("database"), keeper()).await?;
        let vocabulary = Vocabulary::new();
        for first in (0..meetings).step_by(CHUNK as usize) {
            let numbers = first..meetings.min(first + CHUNK);
            let part: Vec<_> = numbers.map(|number| vocabulary.meeting(number, SEGMENTS)).collect();
            insert_spoken_meetings(&store, &part).await?;
        }
        anyhow::Ok(())
    })?;
    runtime.shutdown_background();
    wait_for_processes(Some(&data))?;
    let mut command = app.command();
    command.args(["export", "--all", "--type", PDF, "--to"]).arg(&to);
    let measured =
        run_measured(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()), Some(&data))?;
    let files = fs::read_dir(&to).with_context(|| format!("could not list {}", to.display()))?.count();
    if files != meetings as usize {
        bail!("{meetings} meetings became {files} files");
    }
    remove(&data)?;
    remove(&to)?;
    Ok(measured)
}
