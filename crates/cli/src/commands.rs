//! The commands that have no module of their own: list, show, export, delete, worker, doctor.

use crate::arguments;
use crate::exit::exit_code;
use crate::print;
use crate::progress::ProgressDisplay;
use anyhow::Result;
use app::view::{JobStatus, JobView};
use app::{App, CheckState, ExportRequest, JobId, StartOptions, WorkScope};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Failed attempts to reach the database within this time of each other are reported once.
const OUTAGE: Duration = Duration::from_secs(60);
/// Pause before a worker tries to reach the database again.
const RECONNECT: Duration = Duration::from_secs(1);

pub(crate) async fn list(
    app: &App,
    status: Option<&str>,
    limit: Option<u32>,
    json: bool,
) -> Result<ExitCode> {
    let status = status.map(JobStatus::from_word).transpose()?;
    let jobs = app.list(status, limit).await?;
    if json {
        print::json(&jobs);
    } else if jobs.is_empty() {
        print::line("There are no such recordings. Add some: meetmemo import FILE…");
    }
    for job in jobs.iter().filter(|_| !json) {
        let elsewhere = if job.is_here { "" } else { " (on another computer)" };
        print::line(&format!(
            "{}  {:>8}  {}  [{}]{elsewhere}",
            print::short(job.id),
            print::duration(job.duration_ms),
            job.title,
            print::state(job)
        ));
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn show(app: &App, job: JobId, json: bool) -> Result<ExitCode> {
    let meeting = app.show(job).await?;
    if json {
        print::json(&meeting);
        return Ok(ExitCode::SUCCESS);
    }
    let job = &meeting.job;
    print::line(&job.title);
    let facts = [
        Some(job.file_name.clone()),
        job.recorded_at.as_deref().map(app::view::recorded_in_words),
        Some(print::duration(job.duration_ms)),
        meeting.transcript.as_ref().map(|t| t.model_title.clone()),
        (job.status != JobStatus::Completed).then(|| print::state(job)),
        job.media_note.clone(),
    ];
    print::line(&facts.into_iter().flatten().collect::<Vec<_>>().join(" · "));
    print::line("");
    match &meeting.transcript {
        Some(transcript) if transcript.segments.is_empty() && transcript.complete => {
            print::line("Nothing was said in this recording.");
        }
        Some(transcript) => print::transcript(transcript),
        None => print::line("There is no transcript yet."),
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn export(app: &App, export: arguments::Export, json: bool) -> Result<ExitCode> {
    let request = ExportRequest {
        format: app::export_format(&export.kind)?,
        output: export.output,
        replace: export.force,
    };
    let job = app.find_job_by_prefix(&export.job).await?;
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

pub(crate) fn print_deleted(job: JobView, json: bool) -> Result<ExitCode> {
    if json {
        print::json(&job);
    } else {
        print::line(&format!(
            "“{}” is deleted, with its transcript and its audio in the library. The file you imported is untouched.",
            job.title
        ));
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn worker(
    app: &App,
    drain: bool,
    json: bool,
    stop: watch::Receiver<bool>,
) -> Result<ExitCode> {
    let display = ProgressDisplay::start(app, Vec::new());
    let failed = if drain {
        app.work(&WorkScope::Drain, stop.clone()).await?
    } else {
        work_until_stopped(app, stop.clone()).await?
    };
    drop(display);
    let mut views = Vec::new();
    for id in &failed {
        views.extend(app.job(*id).await?);
    }
    if json {
        print::json(&serde_json::json!({ "stopped": *stop.borrow(), "failed": views }));
    }
    for job in &views {
        // A meeting that has a transcript keeps it and has no error message; the unfinished version has one.
        let why = match &job.error_message {
            Some(why) => Some(why.clone()),
            None => crate::versions::why_unfinished(app, job.id).await?,
        };
        print::error(why.as_deref().unwrap_or("It failed and has been changed since."));
    }
    Ok(exit_code(failed.is_empty()))
}

/// Runs a worker until `stop`. Continues after times in which the database cannot be reached.
async fn work_until_stopped(app: &App, mut stop: watch::Receiver<bool>) -> Result<Vec<JobId>> {
    let mut last_failure = None;
    loop {
        match app.work(&WorkScope::Everything, stop.clone()).await {
            Err(error)
                if app::ErrorCode::of(&error) == app::ErrorCode::DatabaseUnreachable && !*stop.borrow() =>
            {
                if last_failure.is_none_or(|at: Instant| at.elapsed() > OUTAGE) {
                    print::error(&format!("{error:#} Work goes on when the database answers."));
                }
                last_failure = Some(Instant::now());
                let _ = tokio::time::timeout(RECONNECT, stop.wait_for(|stop| *stop)).await;
            }
            ended => return ended,
        }
    }
}

pub(crate) async fn doctor(start: StartOptions, json: bool) -> ExitCode {
    let checks = app::diagnose(start, &crate::print_phase).await;
    if json {
        print::json(&checks);
    }
    for check in checks.iter().filter(|_| !json) {
        let mark = match check.state {
            CheckState::Ok => "ok     ",
            CheckState::Warning => "warning",
            CheckState::Failed => "failed ",
        };
        let action = check.action.as_ref().map(|a| format!(" {a}")).unwrap_or_default();
        print::line(&format!("{mark}  {:<9}  {}{action}", check.check, print::sentence(&check.message)));
    }
    exit_code(checks.iter().all(|check| check.state != CheckState::Failed))
}
