//! The commands `export`, `formats` and `verify-export`.

use crate::arguments;
use crate::exit::exit_code;
use crate::print;
use anyhow::Result;
use app::view::{BatchView, ExportState, JobStatus};
use app::{App, BatchRequest, ExportRequest, JobId, ListRequest};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tokio::sync::watch;

pub(crate) async fn export(
    app: &App,
    request: arguments::Export,
    json: bool,
    stop: watch::Receiver<bool>,
) -> Result<ExitCode> {
    let jobs = wanted(app, &request).await?;
    let place = match (&request.to, &request.zip) {
        (Some(folder), _) => Some((folder.clone(), false)),
        (None, Some(file)) => Some((file.clone(), true)),
        (None, None) => None,
    };
    match (place, jobs.as_slice()) {
        (None, [job]) => one(app, *job, request, json).await,
        (None, _) if request.output.is_some() => {
            anyhow::bail!("--output names the file of one recording. Give a folder with --to instead")
        }
        (None, _) => many(app, &jobs, request, app.exports_folder(), false, json, stop).await,
        (Some((target, zip)), _) => many(app, &jobs, request, target, zip, json, stop).await,
    }
}

/// The recordings that the arguments name.
async fn wanted(app: &App, request: &arguments::Export) -> Result<Vec<JobId>> {
    let mut jobs = Vec::new();
    for job in &request.jobs {
        jobs.push(app.find_job_by_prefix(job).await?);
    }
    if request.all || request.folder.is_some() || request.since.is_some() {
        let folder = match &request.folder {
            Some(path) => Some(app.find_folder(path).await?.id),
            None => None,
        };
        let listed =
            ListRequest { folder, ..ListRequest::default() }.between(request.since.as_deref(), None)?;
        let found = app.list_meetings(&listed).await?;
        jobs.extend(found.into_iter().filter(|job| job.status == JobStatus::Completed).map(|job| job.id));
    }
    let mut seen = std::collections::HashSet::new();
    jobs.retain(|job| seen.insert(*job));
    Ok(jobs)
}

async fn one(app: &App, job: JobId, request: arguments::Export, json: bool) -> Result<ExitCode> {
    let request = ExportRequest {
        format: app::export_format(&request.kind)?,
        options: request.options(app.default_export_options()),
        output: request.output,
        replace: request.force,
    };
    let wanted = app.create_export(job, &request).await?;
    let made = app.run_export(wanted).await?;
    let well = made.status == JobStatus::Completed;
    if json {
        print::json(&made);
    } else if let (true, Some(path)) = (well, &made.path) {
        print::line(path);
        if let Some(note) = &made.note {
            print::note(note);
        }
    }
    if let Some(why) = made.error_message.as_ref().filter(|_| !well) {
        print::error(why);
    } else if made.status == JobStatus::Processing {
        print::error("Another MeetMemo process makes this export now.");
    }
    Ok(exit_code(well))
}

/// The result of an export of many recordings as JSON.
#[derive(Serialize)]
struct ManyExports {
    #[serde(flatten)]
    batch: BatchView,
    /// Recordings whose file was there and up to date.
    up_to_date: Vec<JobId>,
    /// Why recordings were not exported.
    not_exported: Vec<String>,
}

async fn many(
    app: &App,
    jobs: &[JobId],
    request: arguments::Export,
    target: PathBuf,
    zip: bool,
    json: bool,
    mut stop: watch::Receiver<bool>,
) -> Result<ExitCode> {
    let request = BatchRequest {
        format: app::export_format(&request.kind)?,
        options: request.options(app.default_export_options()),
        target,
        zip,
        replace: request.force,
    };
    let created = app.create_batch(jobs, &request).await?;
    let not_exported: Vec<String> = created.failures.iter().map(|error| format!("{error:#}")).collect();
    let batch = app.run_batch(created.id, &mut stop, &|_| ()).await?;
    let well = batch.ended && batch.failed == 0 && batch.error_message.is_none() && not_exported.is_empty();
    for message in not_exported.iter().chain(&batch.failures).chain(&batch.error_message) {
        print::error(message);
    }
    if json {
        print::json(&ManyExports { batch, up_to_date: created.up_to_date, not_exported });
    } else {
        print::line(&format!("{}: {} exported", batch.target, count(batch.completed, "file")));
        if !created.up_to_date.is_empty() {
            let number = u32::try_from(created.up_to_date.len()).unwrap_or(u32::MAX);
            print::line(&format!("{} already there and up to date", count(number, "file")));
        }
        if !batch.ended {
            print::note("The other files are made by the next worker: the window, or meetmemo worker.");
        }
    }
    Ok(exit_code(well))
}

fn count(number: u32, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

pub(crate) fn formats(json: bool) -> ExitCode {
    let formats = app::format_views();
    if json {
        print::json(&formats);
        return ExitCode::SUCCESS;
    }
    for format in formats {
        print::line(&format!(
            "{:<20} .{:<5} {}. {}.{}",
            format.key,
            format.extension,
            format.label,
            format.purpose,
            if format.has_receipt { " Names its origin." } else { "" }
        ));
    }
    ExitCode::SUCCESS
}

pub(crate) async fn verify(app: &App, file: &Path, json: bool) -> Result<ExitCode> {
    let verified = app.verify_export(file).await?;
    if json {
        print::json(&verified);
    } else {
        print::line(&verified.message);
        for passage in &verified.passages {
            let speaker = passage.speaker.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
            let text = if passage.text.is_empty() { "(nothing is said there now)" } else { &passage.text };
            print::line(&format!("  {}  {speaker}{text}", print::duration(Some(passage.start_ms))));
        }
    }
    Ok(exit_code(verified.state == ExportState::Unchanged))
}
