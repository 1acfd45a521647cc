//! `cargo xtask run FILE…`: transcribes recordings in the user's own archive, prints the transcripts and exports them.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use xtask::app::{App, Imported, Profile, imported};
use xtask::checkout::Checkout;
use xtask::command;

/// Folder of the Markdown and PDF files, in the current folder.
const EXPORTS: &str = "meetmemo-exports";

/// Longest part of a recording's name in the name of an export, in bytes: leaves room for the rest on every file system.
const MAX_STEM_BYTES: usize = 120;

/// Imports, transcribes, prints and exports `files`. The exit code is a failure if anything failed.
pub(crate) fn run(checkout: &Checkout, files: &[PathBuf], profile: Profile) -> Result<ExitCode> {
    let app = App::build(checkout, profile)?;
    let exports = env::current_dir().context("the current folder cannot be found")?.join(EXPORTS);
    let results = imported(&app.json(app.command().args(["import", "--wait", "--json", "--"]).args(files))?)?;
    let mut report = Vec::new();
    let mut failed = false;
    for result in &results {
        match completed_job(result) {
            Ok(Some(job)) => match show_and_export(&app, result, job, &exports) {
                Ok(paths) => {
                    let kind = |path: &Path| {
                        if path.extension().is_some_and(|end| end == "pdf") { "PDF" } else { "Markdown" }
                    };
                    report.extend(paths.iter().map(|path| format!("{:<9} {}", kind(path), path.display())));
                }
                Err(error) => {
                    failed = true;
                    report.push(format!("failed    {}: {error:#}", result.path));
                }
            },
            Ok(None) => report.push(format!("skipped   {}: {}", result.path, reason(result))),
            Err(error) => {
                failed = true;
                report.push(format!("failed    {}: {error}", result.path));
            }
        }
    }
    if results.is_empty() {
        failed = true;
        report.push("failed    no recording was found there".to_owned());
    }
    println!();
    for line in report {
        println!("{line}");
    }
    println!("archive   {}", archive(&app));
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The id of the completed job; `None` for a file that was skipped on purpose; otherwise the reason of the failure.
fn completed_job(result: &Imported) -> Result<Option<&str>> {
    if result.outcome == "skipped" {
        return Ok(None);
    }
    match (&result.job, result.status.as_deref()) {
        (Some(job), Some("completed")) => Ok(Some(job)),
        _ => bail!("{}", reason(result)),
    }
}

fn reason(result: &Imported) -> String {
    result.error.clone().unwrap_or_else(|| match &result.status {
        Some(status) => format!("the job ended as {status}"),
        None => format!("{}, without a reason", result.outcome),
    })
}

fn show_and_export(app: &App, result: &Imported, job: &str, exports: &Path) -> Result<[PathBuf; 2]> {
    println!("\n— {} —\n", result.path);
    command::run(app.command().args(["show", job]))?;
    fs::create_dir_all(exports).with_context(|| format!("could not create {}", exports.display()))?;
    let base = export_name(&result.path, job);
    let export = |kind: &str, ending: &str| -> Result<PathBuf> {
        let path = exports.join(format!("{base}.{ending}"));
        // The name contains the job's id, so only an earlier export of the same recording is overwritten.
        let mut call = app.command();
        call.args(["export", job, "--type", kind, "--force", "--output"]).arg(&path);
        command::output(&mut call)?;
        Ok(path)
    };
    Ok([export("markdown_transcript", "md")?, export("pdf_transcript", "pdf")?])
}

/// The recording's name without extension, valid on every file system, and the beginning of the job's id.
fn export_name(path: &str, job: &str) -> String {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| if stem.is_empty() { name } else { stem });
    let mut stem: String =
        stem.chars().map(|c| if c.is_control() || "/\\:*?\"<>|".contains(c) { '_' } else { c }).collect();
    stem.truncate(stem.floor_char_boundary(MAX_STEM_BYTES));
    format!("{} {}", stem.trim(), job.get(..8).unwrap_or(job))
}

/// A description of the archive's place, from `meetmemo doctor`.
fn archive(app: &App) -> String {
    let message = app.json(app.command().args(["doctor", "--json"])).ok().and_then(|checks| {
        let is_data = |check: &&Value| check["check"] == "data";
        Some(checks.as_array()?.iter().find(is_data)?["message"].as_str()?.to_owned())
    });
    message.unwrap_or_else(|| "`meetmemo doctor` says where it is".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exports_are_named_after_the_recording_and_the_job() {
        let job = "7d3f21ac-7d4e-4abc-8def-0123456789ab";
        for (path, name) in [
            ("/rec/panel-5-speakers.wav", "panel-5-speakers 7d3f21ac"),
            ("Besprechung März – 会议 №3 (final).MP3", "Besprechung März – 会议 №3 (final) 7d3f21ac"),
            ("a:b*c?.m4a", "a_b_c_ 7d3f21ac"),
            (".hidden", ".hidden 7d3f21ac"),
            ("no-ending", "no-ending 7d3f21ac"),
        ] {
            assert_eq!(export_name(path, job), name);
        }
        let long = export_name(&format!("{}.wav", "ж".repeat(200)), job);
        assert!(long.len() <= MAX_STEM_BYTES + 9 && long.starts_with('ж'));
    }

    #[test]
    fn only_a_completed_job_has_a_transcript_to_show() {
        let result = |outcome: &str, job: Option<&str>, status: Option<&str>, error: Option<&str>| Imported {
            path: "a.wav".into(),
            outcome: outcome.into(),
            job: job.map(Into::into),
            status: status.map(Into::into),
            error: error.map(Into::into),
        };
        assert_eq!(
            completed_job(&result("imported", Some("1"), Some("completed"), None)).unwrap(),
            Some("1")
        );
        assert_eq!(
            completed_job(&result("duplicate", Some("1"), Some("completed"), None)).unwrap(),
            Some("1")
        );
        assert_eq!(completed_job(&result("skipped", None, None, Some("not an audio file"))).unwrap(), None);
        let failed = result("failed", None, None, Some("no audio track"));
        assert_eq!(completed_job(&failed).unwrap_err().to_string(), "no audio track");
        let failed = result("imported", Some("1"), Some("failed"), None);
        assert_eq!(completed_job(&failed).unwrap_err().to_string(), "the job ended as failed");
    }
}
