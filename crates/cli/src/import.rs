//! `meetmemo import`.

use crate::arguments;
use crate::exit::exit_code;
use crate::print;
use crate::progress::ProgressDisplay;
use anyhow::Result;
use app::view::{JobStatus, JobView};
use app::{
    App, ImportList, ImportOptions, ImportOutcome, ImportedFile, JobId, TranscriptionOptions, WorkScope,
};
use serde::Serialize;
use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;
use tokio::sync::watch;

/// One element of the output of `import --json`. The field names are a contract.
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
    /// Whether the audio was missing in the library and is there again; absent if not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    audio_put_back: bool,
    /// Whether it was in the trash and has been taken out of it; absent if not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    restored_from_trash: bool,
}

pub(crate) async fn import(
    app: &App,
    import: arguments::Import,
    json: bool,
    stop: watch::Receiver<bool>,
) -> Result<ExitCode> {
    let (model, wait) = (import.model.clone(), import.wait);
    let lists = lists(app, import).await?;
    let (imported, complete) = import_lists(app, lists, json, &stop).await?;
    let mut rows: Vec<ImportRow> = imported.iter().map(row).collect();
    if !complete {
        if json {
            print::json(&rows);
        }
        return Ok(ExitCode::FAILURE);
    }
    if let Some(model) = model {
        transcribe_duplicates(app, &imported, &model, json).await?;
    }
    let mut well = rows.iter().all(|row| row.outcome != "failed");
    if wait {
        well &= wait_for(app, &mut rows, json, &stop).await?;
    } else if !json {
        print_who_transcribes(app, &imported).await?;
    }
    if json {
        print::json(&rows);
    } else if rows.len() > 1 {
        print_summary(&rows);
    }
    Ok(exit_code(well))
}

/// The files to import: those given, or the remaining files of all interrupted imports.
async fn lists(app: &App, import: arguments::Import) -> Result<Vec<ImportList>> {
    let arguments::ModelOptions { language, translate, vocabulary } = import.options;
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

/// Imports the files of all lists. Also returns whether all were handled, that is, not stopped.
async fn import_lists(
    app: &App,
    lists: Vec<ImportList>,
    json: bool,
    stop: &watch::Receiver<bool>,
) -> Result<(Vec<ImportedFile>, bool)> {
    let mut imported = Vec::new();
    let mut complete = true;
    for list in lists {
        let (done, total) = (list.done(), list.len());
        if done > 0 {
            print::note(&format!("Going on at {done} of {total}."));
        }
        let ended =
            app.import(list, stop, &mut |number, one| print_imported(number, total, one, json)).await?;
        if done + ended.len() < total {
            complete = false;
            // A single file has no stored list to continue.
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
    Ok((imported, complete))
}

/// Transcribes the recordings of `rows` and adds the results to the rows. Returns whether all were completed.
async fn wait_for(
    app: &App,
    rows: &mut [ImportRow],
    json: bool,
    stop: &watch::Receiver<bool>,
) -> Result<bool> {
    let jobs: Vec<JobId> = rows.iter().filter_map(|row| row.job_id).collect();
    let display = ProgressDisplay::start(app, jobs.clone());
    app.work(&WorkScope::Only(jobs), stop.clone()).await?;
    drop(display);
    let mut well = true;
    for row in rows {
        let Some(id) = row.job_id else { continue };
        let job = app.job(id).await?;
        well &= job.as_ref().is_some_and(|job| job.status == JobStatus::Completed);
        match &job {
            Some(job) if job.trashed_at.is_some() => print::error(&format!(
                "“{}” was moved to the trash before it was transcribed. Take it back with: meetmemo restore-from-trash {}",
                job.title,
                print::short(job.id)
            )),
            Some(job) if !json => print_result(job),
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

/// Transcribes files that were in the archive already again, if their transcript was made with another model than the
/// one asked for. Existing versions stay.
async fn transcribe_duplicates(app: &App, imported: &[ImportedFile], model: &str, json: bool) -> Result<()> {
    for one in imported {
        let ImportOutcome::Duplicate { job, .. } = &one.outcome else { continue };
        if job.status != JobStatus::Completed || job.model == model {
            continue;
        }
        let options =
            TranscriptionOptions { model: model.to_owned(), ..app.transcription_options(job.id).await? };
        let job = app.transcribe_again(job.id, &options).await?;
        if !json {
            print::line(&format!(
                "“{}” gets a new version with the speech model “{model}”. The old one stays.",
                job.title
            ));
        }
    }
    Ok(())
}

fn row(imported: &ImportedFile) -> ImportRow {
    let (outcome, job, error) = match &imported.outcome {
        ImportOutcome::Imported(job) => ("imported", Some(job), None),
        ImportOutcome::Duplicate { job, .. } => ("duplicate", Some(job), None),
        ImportOutcome::Skipped(why) => ("skipped", None, Some(why)),
        ImportOutcome::Failed(why) => ("failed", None, Some(why)),
    };
    ImportRow {
        path: imported.path.to_string_lossy().into_owned(),
        outcome,
        job_id: job.map(|job| job.id),
        error: error.cloned(),
        audio_put_back: matches!(imported.outcome, ImportOutcome::Duplicate { healed: true, .. }),
        restored_from_trash: matches!(imported.outcome, ImportOutcome::Duplicate { restored: true, .. }),
        status: None,
        error_message: None,
    }
}

/// Prints the result of one file: on standard output; with `--json` on standard error, if that is a terminal or the
/// file failed.
fn print_imported(number: usize, total: usize, imported: &ImportedFile, json: bool) {
    let prefix = if total > 1 { format!("[{number}/{total}] ") } else { String::new() };
    let text = match &imported.outcome {
        ImportOutcome::Imported(job) => format!("Added {} ({})", job.file_name, print::short(job.id)),
        ImportOutcome::Duplicate { job, healed, restored } => {
            let mut again = String::new();
            if *restored {
                again.push_str(" It was in the trash and has been restored.");
            }
            if *healed {
                again.push_str(
                    " Its audio was missing, damaged or removed in the library and has been put back.",
                );
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
        ImportOutcome::Skipped(why) => format!("Skipped {}", print::sentence(why)),
        ImportOutcome::Failed(why) => format!("Not added: {}", print::sentence(why)),
    };
    if !json {
        print::line(&format!("{prefix}{text}"));
    } else if std::io::stderr().is_terminal() || matches!(imported.outcome, ImportOutcome::Failed(_)) {
        print::note(&format!("{prefix}{text}"));
    }
}

fn print_result(job: &JobView) {
    let well = job.status == JobStatus::Completed;
    let then = if well { format!("Read it: meetmemo show {}", print::short(job.id)) } else { String::new() };
    let note =
        job.media_note.as_ref().map(|note| format!(" Note: {}", print::sentence(note))).unwrap_or_default();
    let text = format!("{}.{note} {then}", print::status_sentence(job));
    print::line(text.trim_end());
}

fn print_summary(rows: &[ImportRow]) {
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

async fn print_who_transcribes(app: &App, imported: &[ImportedFile]) -> Result<()> {
    let waiting = imported.iter().any(|one| match &one.outcome {
        ImportOutcome::Imported(job) | ImportOutcome::Duplicate { job, .. } => {
            job.status == JobStatus::Pending
        }
        _ => false,
    });
    if waiting && app.has_worker().await? {
        print::line("MeetMemo is already at work on this computer and will transcribe it.");
    } else if waiting {
        print::line("To transcribe what waits: meetmemo worker --drain");
    }
    Ok(())
}
