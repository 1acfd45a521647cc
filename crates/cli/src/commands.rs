//! Each command: ask the application, say what came of it.

use crate::arguments;
use crate::print;
use crate::progress::Shown;
use anyhow::{Context, Result};
use app::view::{JobStatus, JobView};
use app::{
    App, Choice, ExportRequest, ImportList, ImportOptions, Imported, JobId, Outcome, Scope, Start, State,
};
use serde::Serialize;
use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Attempts to reach the database that fail within this time of one another are one outage.
const OUTAGE: Duration = Duration::from_secs(60);
/// Pause before a worker tries a database again that it could not reach.
const RECONNECT: Duration = Duration::from_secs(1);

fn code(all_well: bool) -> ExitCode {
    if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What `import --json` says of one file.
#[derive(Debug, Serialize)]
struct ImportRow {
    path: String,
    outcome: &'static str,
    job_id: Option<JobId>,
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<JobStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<Option<String>>,
}

pub(crate) async fn import(
    app: &App,
    import: arguments::Import,
    json: bool,
    stop: watch::Receiver<bool>,
) -> Result<ExitCode> {
    let (model, wait) = (import.model.clone(), import.wait);
    let lists = lists(app, import).await?;
    let (imported, all) = take_in(app, lists, json, &stop).await?;
    let mut rows: Vec<ImportRow> = imported.iter().map(row).collect();
    if !all {
        if json {
            print::json(&rows);
        }
        return Ok(ExitCode::FAILURE);
    }
    if let Some(model) = model {
        transcribe_known(app, &imported, &model, json).await?;
    }
    let mut well = rows.iter().all(|row| row.outcome != "failed");
    if wait {
        well &= wait_for(app, &mut rows, json, &stop).await?;
    } else if !json {
        say_who_transcribes(app, &imported).await?;
    }
    if json {
        print::json(&rows);
    } else if rows.len() > 1 {
        say_summary(&rows);
    }
    Ok(code(well))
}

/// What is to be imported: the files that were named, or the rest of every import that was interrupted.
async fn lists(app: &App, import: arguments::Import) -> Result<Vec<ImportList>> {
    let arguments::Choosing { language, translate, vocabulary } = import.choosing;
    let options =
        ImportOptions { language, model: import.model, translate, vocabulary, speakers: import.speakers };
    let earlier = app.interrupted_imports().await?;
    let mut lists = Vec::new();
    if import.continue_interrupted {
        for interrupted in earlier {
            lists.extend(app.continue_import(&interrupted.id).await?);
        }
        if lists.is_empty() {
            print::note("No import was interrupted.");
        }
        return Ok(lists);
    }
    lists.push(app.list_files(&import.paths, options).await?);
    for interrupted in earlier {
        print::note(&format!(
            "An earlier import stopped at {} of {}. Go on with it: meetmemo import --continue",
            interrupted.done, interrupted.total
        ));
    }
    Ok(lists)
}

/// Imports the files of all lists. Whether none was left out because of `stop`.
async fn take_in(
    app: &App,
    lists: Vec<ImportList>,
    json: bool,
    stop: &watch::Receiver<bool>,
) -> Result<(Vec<Imported>, bool)> {
    let mut imported = Vec::new();
    let mut all = true;
    for list in lists {
        let (done, total) = (list.done(), list.len());
        if done > 0 {
            print::note(&format!("Going on at {done} of {total}."));
        }
        let ended = app.import(list, stop, &mut |number, one| say_imported(number, total, one, json)).await?;
        if done + ended.len() < total {
            all = false;
            // A single file is not written down as a list.
            print::note(&match total {
                1 => "Stopped. Nothing was added.".to_owned(),
                _ => format!(
                    "Stopped at {} of {total}. Go on with it: meetmemo import --continue",
                    done + ended.len()
                ),
            });
        }
        imported.extend(ended);
    }
    Ok((imported, all))
}

/// Has the recordings of `rows` transcribed and writes down how each ended. Whether all went well.
async fn wait_for(
    app: &App,
    rows: &mut [ImportRow],
    json: bool,
    stop: &watch::Receiver<bool>,
) -> Result<bool> {
    let jobs: Vec<JobId> = rows.iter().filter_map(|row| row.job_id).collect();
    let shown = Shown::start(app, jobs.clone());
    app.work(&Scope::Only(jobs), stop.clone()).await?;
    drop(shown);
    let mut well = true;
    for row in rows {
        let Some(id) = row.job_id else { continue };
        let job = app.job(id).await?;
        well &= job.as_ref().is_some_and(|job| job.status == JobStatus::Completed);
        match &job {
            Some(job) if !json => say_ended(job),
            Some(_) => {}
            None => print::error(&format!(
                "{} was deleted from the archive before it was transcribed. Import it again if you still want it.",
                app::file_name(Path::new(&row.path))
            )),
        }
        row.status = job.as_ref().map(|job| job.status);
        row.error_message = Some(match job {
            None => Some("The recording was deleted meanwhile.".to_owned()),
            Some(job) if !job.is_here && job.status != JobStatus::Completed => {
                Some("It is in another computer's library; that computer transcribes it.".to_owned())
            }
            Some(job) => job.error_message,
        });
    }
    Ok(well && !*stop.borrow())
}

/// Files that were in the archive before and are transcribed with another model than the one asked for now get one more
/// version. The versions they have stay.
async fn transcribe_known(app: &App, imported: &[Imported], model: &str, json: bool) -> Result<()> {
    for one in imported {
        let Outcome::Duplicate { job, .. } = &one.outcome else { continue };
        if job.status != JobStatus::Completed || job.model == model {
            continue;
        }
        let choice = Choice { model: model.to_owned(), ..app.choice(job.id).await? };
        let job = app.transcribe_again(job.id, &choice).await?;
        if !json {
            print::line(&format!(
                "“{}” gets a new version with the speech model “{model}”. The old one stays.",
                job.title
            ));
        }
    }
    Ok(())
}

fn row(imported: &Imported) -> ImportRow {
    let (outcome, job, error) = match &imported.outcome {
        Outcome::Imported(job) => ("imported", Some(job), None),
        Outcome::Duplicate { job, .. } => ("duplicate", Some(job), None),
        Outcome::Skipped(why) => ("skipped", None, Some(why)),
        Outcome::Failed(why) => ("failed", None, Some(why)),
    };
    ImportRow {
        path: imported.path.to_string_lossy().into_owned(),
        outcome,
        job_id: job.map(|job| job.id),
        error: error.cloned(),
        status: None,
        error_message: None,
    }
}

/// One line for each file: on standard output as the answer, with `--json` only on a terminal as progress.
fn say_imported(number: usize, total: usize, imported: &Imported, json: bool) {
    let place = if total > 1 { format!("[{number}/{total}] ") } else { String::new() };
    let text = match &imported.outcome {
        Outcome::Imported(job) => format!("Added {} ({})", job.file_name, print::short(job.id)),
        Outcome::Duplicate { job, healed } => {
            let mut again = String::new();
            if *healed {
                again.push_str(" Its audio was missing or damaged in the library and has been put back.");
            }
            if job.status == JobStatus::Failed {
                again.push_str(&format!(" Try it again: meetmemo retry {}", print::short(job.id)));
            }
            format!(
                "Already there: {} is “{}” ({}, {}).{again}",
                app::file_name(&imported.path),
                job.title,
                print::short(job.id),
                print::state(job)
            )
        }
        Outcome::Skipped(why) => format!("Skipped {}", print::sentence(why)),
        Outcome::Failed(why) => format!("Not added: {}", print::sentence(why)),
    };
    if !json {
        print::line(&format!("{place}{text}"));
    } else if std::io::stderr().is_terminal() || matches!(imported.outcome, Outcome::Failed(_)) {
        print::note(&format!("{place}{text}"));
    }
}

fn say_ended(job: &JobView) {
    let well = job.status == JobStatus::Completed;
    let then = if well { format!("Read it: meetmemo show {}", print::short(job.id)) } else { String::new() };
    let note =
        job.media_note.as_ref().map(|note| format!(" Note: {}", print::sentence(note))).unwrap_or_default();
    let text = format!("{}.{note} {then}", print::becomes(job));
    print::line(text.trim_end());
}

fn say_summary(rows: &[ImportRow]) {
    let count = |outcome| rows.iter().filter(|row| row.outcome == outcome).count();
    let parts: Vec<String> = [
        ("imported", "added"),
        ("duplicate", "there already"),
        ("skipped", "skipped"),
        ("failed", "not added"),
    ]
    .into_iter()
    .map(|(outcome, word)| (count(outcome), word))
    .filter(|(n, _)| *n > 0)
    .map(|(n, word)| format!("{n} {word}"))
    .collect();
    print::line(&format!("{} files: {}.", rows.len(), parts.join(", ")));
}

async fn say_who_transcribes(app: &App, imported: &[Imported]) -> Result<()> {
    let waiting = imported.iter().any(|one| match &one.outcome {
        Outcome::Imported(job) | Outcome::Duplicate { job, .. } => job.status == JobStatus::Pending,
        _ => false,
    });
    if waiting && app.has_worker().await? {
        print::line("MeetMemo is already at work on this computer and will transcribe it.");
    } else if waiting {
        print::line("To transcribe what waits: meetmemo worker --drain");
    }
    Ok(())
}

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
    let job = app.job_beginning_with(&export.job).await?;
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
    Ok(code(well))
}

pub(crate) fn deleted(job: JobView, json: bool) -> Result<ExitCode> {
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
    let shown = Shown::start(app, Vec::new());
    let failed = if drain {
        app.work(&Scope::Drain, stop.clone()).await?
    } else {
        work_and_reconnect(app, stop.clone()).await?
    };
    drop(shown);
    let mut views = Vec::new();
    for id in &failed {
        views.extend(app.job(*id).await?);
    }
    if json {
        print::json(&serde_json::json!({ "stopped": *stop.borrow(), "failed": views }));
    }
    for job in &views {
        // A meeting that has a text keeps it; why there is no newer one is said by the version.
        let why = match &job.error_message {
            Some(why) => Some(why.clone()),
            None => crate::models::why_unfinished(app, job.id).await?,
        };
        print::error(why.as_deref().unwrap_or("It failed and has been changed since."));
    }
    Ok(code(failed.is_empty()))
}

/// Works until stopped, also over times in which the database is not reached.
async fn work_and_reconnect(app: &App, mut stop: watch::Receiver<bool>) -> Result<Vec<JobId>> {
    let mut told = None;
    loop {
        match app.work(&Scope::Everything, stop.clone()).await {
            Err(error) if app::Code::of(&error) == app::Code::DatabaseUnreachable && !*stop.borrow() => {
                // Each outage is told once.
                if told.is_none_or(|at: Instant| at.elapsed() > OUTAGE) {
                    print::error(&format!("{error:#} Work goes on when the database answers."));
                }
                told = Some(Instant::now());
                let _ = tokio::time::timeout(RECONNECT, stop.wait_for(|stop| *stop)).await;
            }
            ended => return ended,
        }
    }
}

pub(crate) async fn database_run(app: &App, program: &[OsString]) -> Result<ExitCode> {
    let (name, arguments) = program.split_first().context("a program to run")?;
    let mut command = tokio::process::Command::new(name);
    command.args(arguments).envs(app.database_environment().await?);
    // Ctrl-C is for the program; we stay, because the private server stays up for as long as we do.
    let _interrupts = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?;
    let ended =
        command.status().await.with_context(|| format!("{} could not be run", name.to_string_lossy()))?;
    Ok(ended.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

pub(crate) async fn doctor(start: Start, json: bool) -> ExitCode {
    let checks = app::diagnose(start, &crate::say_phase).await;
    if json {
        print::json(&checks);
    }
    for check in checks.iter().filter(|_| !json) {
        let mark = match check.state {
            State::Ok => "ok     ",
            State::Warning => "warning",
            State::Failed => "failed ",
        };
        let action = check.action.as_ref().map(|a| format!(" {a}")).unwrap_or_default();
        print::line(&format!("{mark}  {:<9}  {}{action}", check.check, print::sentence(&check.message)));
    }
    code(checks.iter().all(|check| check.state != State::Failed))
}
