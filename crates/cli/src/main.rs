//! `meetmemo`: the command line of the application. A thin layer over `app`: it parses arguments and prints results.
//!
//! Results go to standard output, progress and errors to standard error. With `--json`, standard output is one JSON
//! document. Exit code: 0 success, 1 failure, 2 wrong usage.

mod arguments;
mod backup;
mod cleanup;
mod commands;
mod database;
mod database_test;
mod exit;
mod export;
mod import;
mod models;
mod organisation;
mod print;
mod progress;
mod search;
mod speakers;
mod summary;
mod versions;

use app::{App, LocalApp, StartOptions, StartPhase};
use arguments::{Arguments, Command};
use clap::Parser;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

fn main() -> ExitCode {
    // Must come first: engine processes and the database keeper are this executable too.
    if let Some(code) = app::run_hidden_command() {
        return code;
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        // The message quotes the arguments, which may contain control characters.
        Err(wrong) if wrong.use_stderr() => {
            print::note(wrong.render().to_string().trim_end());
            return u8::try_from(wrong.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from);
        }
        Err(help) => help.exit(),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            print::error(&format!("MeetMemo could not start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(run(arguments));
    // A thread may still be waiting for a disk or a child process. Nothing depends on it.
    runtime.shutdown_background();
    code
}

async fn run(arguments: Arguments) -> ExitCode {
    let json = arguments.json;
    match dispatch(arguments).await {
        Ok(code) => code,
        Err(error) => {
            let message = format!("{error:#}");
            if json {
                print::json(
                    &serde_json::json!({ "error": { "code": app::ErrorCode::of(&error), "message": message } }),
                );
            }
            print::error(&message);
            ExitCode::FAILURE
        }
    }
}

async fn dispatch(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let json = arguments.json;
    let passphrase_file = arguments.command.passphrase_file().map(std::path::absolute).transpose()?;
    let settings = app::SettingsLayer {
        database_url: arguments.database_url,
        backup_passphrase_file: passphrase_file,
        ..app::SettingsLayer::default()
    };
    let start = StartOptions {
        data_dir: arguments.data_dir,
        settings,
        program: None,
        application: Some(arguments.command.application()),
    };
    if let Command::Doctor = arguments.command {
        return Ok(commands::doctor(start, json).await);
    }
    if let Command::Formats = arguments.command {
        return Ok(export::formats(json));
    }
    // The database may be damaged.
    if let Command::Restore { backup, dry_run, meeting, table, salvage, .. } = arguments.command {
        let scope = match (meeting, table) {
            (Some(meeting), _) => app::RestoreScope::Meeting(meeting),
            (None, Some(table)) => app::RestoreScope::Table(table),
            (None, None) => app::RestoreScope::Everything,
        };
        let options = app::RestoreOptions { dry_run, salvage, scope, passphrase_file: None };
        return backup::restore(start, &backup, options, json, stop_on_signal()?).await;
    }
    let local = LocalApp::prepare(start).await?;
    app::logging::start(local.data_folder());
    // Speech models need no archive.
    if let Command::Models { command } = arguments.command {
        let command = command.unwrap_or(arguments::Models::List { all: false, language: None });
        return models::models(&local, command, json, stop_on_signal()?).await;
    }
    // Also says why an archive does not open.
    if let Command::Database { command: arguments::Database::Test { url } } = &arguments.command {
        return database_test::database_test(&local, url.as_deref(), json).await;
    }
    if let Command::Verify { backup: Some(backup), read_data_subset: subset, .. } = &arguments.command {
        let options = app::VerifyOptions { subset: *subset };
        return backup::verify_backup(&local, backup, options, json, stop_on_signal()?).await;
    }
    let app = App::open(local, &print_phase).await?;
    match arguments.command {
        Command::Import(import) => import::import(&app, import, json, stop_on_signal()?).await,
        Command::List(list) => commands::list(&app, list, json).await,
        Command::Search(request) => search::search(&app, request, json).await,
        Command::Show { job } => commands::show(&app, app.find_job_by_prefix(&job).await?, json).await,
        Command::Export(request) => export::export(&app, *request, json, stop_on_signal()?).await,
        Command::VerifyExport { file } => export::verify(&app, &file, json).await,
        Command::Retry { job } => {
            print::changed_job(app.retry(app.find_job_by_prefix(&job).await?).await?, json)
        }
        Command::Next { job } => {
            print::changed_job(app.bring_forward(app.find_job_by_prefix(&job).await?).await?, json)
        }
        Command::Cancel { job } => {
            print::changed_job(app.cancel(app.find_job_by_prefix(&job).await?).await?, json)
        }
        Command::Delete { jobs, now } => organisation::delete(&app, &jobs, now, json).await,
        Command::Trash { empty } => organisation::trash(&app, empty, json).await,
        Command::RestoreFromTrash { jobs } => organisation::restore(&app, &jobs, json).await,
        Command::Tag(tag) => organisation::tag(&app, tag, json).await,
        Command::Folder { command } => organisation::folder(&app, command, json).await,
        Command::Favourite { jobs } => organisation::favourite(&app, &jobs, true, json).await,
        Command::Unfavourite { jobs } => organisation::favourite(&app, &jobs, false, json).await,
        Command::Summarize { job, extract: _ } => {
            summary::summarize(&app, app.find_job_by_prefix(&job).await?, json).await
        }
        Command::Note(note) => organisation::note(&app, note, json).await,
        Command::Transcribe { job, model, options, speakers, wait } => {
            let request = versions::Request { model, options, speakers };
            let job = app.find_job_by_prefix(&job).await?;
            versions::transcribe(&app, job, request, wait, json, stop_on_signal()?).await
        }
        Command::Versions(request) => versions::versions(&app, request, json).await,
        Command::Speakers { job, command } => {
            let command = command.unwrap_or(arguments::Speakers::List);
            let job = app.find_job_by_prefix(&job).await?;
            speakers::speakers(&app, job, command, json, stop_on_signal()?).await
        }
        Command::People { command } => {
            speakers::people(&app, command.unwrap_or(arguments::People::List), json).await
        }
        Command::Rename { job, title, expected } => {
            let job = app.find_job_by_prefix(&job).await?;
            print::changed_job(app.rename(job, &title, expected.as_deref()).await?, json)
        }
        Command::Cleanup { dry_run, yes } => cleanup::cleanup(&app, dry_run, yes, json).await,
        Command::Pin { job } => cleanup::pin(&app, app.find_job_by_prefix(&job).await?, true, json).await,
        Command::Unpin { job } => cleanup::pin(&app, app.find_job_by_prefix(&job).await?, false, json).await,
        Command::Backup { place, no_check, force, .. } => {
            let options = app::BackupOptions { check: !no_check, replace: force, prune: false };
            backup::backup(&app, &place, options, json, stop_on_signal()?).await
        }
        Command::Verify { read_data_subset: subset, .. } => {
            backup::verify_archive(&app, app::VerifyOptions { subset }, json, stop_on_signal()?).await
        }
        Command::Worker { drain } => commands::worker(&app, drain, json, stop_on_signal()?).await,
        Command::Database { command } => database::database(&app, command, json, stop_on_signal).await,
        Command::Doctor | Command::Formats | Command::Models { .. } | Command::Restore { .. } => {
            unreachable!("handled above, because they also run where the archive does not open")
        }
    }
}

fn print_phase(phase: StartPhase) {
    match phase {
        StartPhase::Creating => print::note("Preparing the archive for the first time …"),
        // Takes too little time to be worth a line.
        StartPhase::Starting => {}
    }
}

/// Becomes true at SIGINT (Ctrl-C) or SIGTERM. A second Ctrl-C ends the process at once, which loses nothing either.
fn stop_on_signal() -> anyhow::Result<watch::Receiver<bool>> {
    let (stop, stopped) = watch::channel(false);
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        stop.send_replace(true);
        print::note("Stopping. What is done so far is kept.");
        interrupt.recv().await;
        std::process::exit(130);
    });
    Ok(stopped)
}
