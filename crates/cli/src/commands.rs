//! The commands that have no module of their own: list, show, worker, doctor.

use crate::arguments;
use crate::exit::exit_code;
use crate::print;
use crate::progress::ProgressDisplay;
use anyhow::Result;
use app::view::{JobStatus, JobView};
use app::{App, CheckState, JobId, ListRequest, StartOptions, WorkScope};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Failed attempts to reach the database within this time of each other are reported once.
const OUTAGE: Duration = Duration::from_secs(60);
/// Pause before a worker tries to reach the database again.
const RECONNECT: Duration = Duration::from_secs(1);

pub(crate) async fn list(app: &App, list: arguments::List, json: bool) -> Result<ExitCode> {
    let mut tags = Vec::new();
    for name in &list.tag {
        tags.push(app.find_tag(name).await?.id);
    }
    let folder = match &list.folder {
        Some(path) => Some(app.find_folder(path).await?.id),
        None => None,
    };
    let request = ListRequest {
        trashed: list.trash,
        status: list.status.as_deref().map(JobStatus::from_word).transpose()?,
        folder,
        tags,
        favourite: list.favourite,
        limit: list.limit,
        ..ListRequest::default()
    };
    let jobs = app.list_meetings(&request.between(list.from.as_deref(), list.to.as_deref())?).await?;
    if json {
        print::json(&jobs);
    } else if jobs.is_empty() {
        print::line("There are no such recordings. Add some: meetmemo import FILE…");
    } else {
        jobs.iter().for_each(print_job);
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints a recording in a line.
pub(crate) fn print_job(job: &JobView) {
    let elsewhere = if job.is_here { "" } else { " (on another computer)" };
    let pinned = if job.pinned { " (pinned)" } else { "" };
    print::line(&format!(
        "{}  {:>8}  {}  [{}]{pinned}{elsewhere}",
        print::short(job.id),
        print::duration(job.duration_ms),
        job.title,
        print::state(job)
    ));
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
        job.pinned.then(|| "pinned".to_owned()),
        job.trashed_at.as_deref().map(in_trash_since),
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

fn in_trash_since(at: &str) -> String {
    format!("in the trash since {}", app::view::recorded_in_words(at))
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
