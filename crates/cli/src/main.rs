//! `meetmemo`: the application without a window.
//!
//! Human text goes to standard output, progress to standard error; with `--json` standard output is one JSON document.
//! Exit code 0 is done, 1 something failed, 2 wrong usage. Leaves out everything the application can do: that is `app`.

mod arguments;
mod commands;
mod models;
mod print;
mod progress;
mod speakers;

use app::{App, Local, Phase, Start};
use arguments::{Arguments, Command};
use clap::Parser;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

fn main() -> ExitCode {
    // First of all: these modes are another program in the same executable.
    if let Some(code) = app::hidden_mode() {
        return code;
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        // What is wrong quotes the arguments, which may hold control characters.
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
    // A thread may still wait for a disk or a child process; nothing depends on it.
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
                    &serde_json::json!({ "error": { "code": app::Code::of(&error), "message": message } }),
                );
            }
            print::error(&message);
            ExitCode::FAILURE
        }
    }
}

async fn dispatch(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let json = arguments.json;
    let settings = app::Layer { database_url: arguments.database_url, ..app::Layer::default() };
    let start = Start { data_dir: arguments.data_dir, settings, program: None };
    if let Command::Doctor = arguments.command {
        return Ok(commands::doctor(start, json).await);
    }
    let local = Local::prepare(start).await?;
    app::logging::start(local.data_folder());
    // Speech models need no archive.
    if let Command::Models { command } = arguments.command {
        let command = command.unwrap_or(arguments::Models::List { all: false, language: None });
        return models::models(&local, command, json, stop_on_signal()?).await;
    }
    let app = App::open(local, &say_phase).await?;
    match arguments.command {
        Command::Import(import) => commands::import(&app, import, json, stop_on_signal()?).await,
        Command::List { status, limit } => commands::list(&app, status.as_deref(), limit, json).await,
        Command::Show { job } => commands::show(&app, app.job_beginning_with(&job).await?, json).await,
        Command::Export(export) => commands::export(&app, export, json).await,
        Command::Retry { job } => print::changed(app.retry(app.job_beginning_with(&job).await?).await?, json),
        Command::Next { job } => {
            print::changed(app.bring_forward(app.job_beginning_with(&job).await?).await?, json)
        }
        Command::Cancel { job } => {
            print::changed(app.cancel(app.job_beginning_with(&job).await?).await?, json)
        }
        Command::Delete { job } => {
            commands::deleted(app.delete(app.job_beginning_with(&job).await?).await?, json)
        }
        Command::Transcribe { job, model, choosing, speakers, wait } => {
            let asked = models::Asked { model, choosing, speakers };
            let job = app.job_beginning_with(&job).await?;
            models::transcribe(&app, job, asked, wait, json, stop_on_signal()?).await
        }
        Command::Versions(asked) => models::versions(&app, asked, json).await,
        Command::Speakers { job, command } => {
            let command = command.unwrap_or(arguments::Speakers::List);
            let job = app.job_beginning_with(&job).await?;
            speakers::speakers(&app, job, command, json, stop_on_signal()?).await
        }
        Command::People { command } => {
            speakers::people(&app, command.unwrap_or(arguments::People::List), json).await
        }
        Command::Rename { job, title } => {
            let job = app.job_beginning_with(&job).await?;
            print::changed(app.rename(job, &title).await?, json)
        }
        Command::Worker { drain } => commands::worker(&app, drain, json, stop_on_signal()?).await,
        Command::Database { command: arguments::Database::Run { program } } => {
            commands::database_run(&app, &program).await
        }
        Command::Doctor | Command::Models { .. } => {
            unreachable!("handled above, because they also run where the archive does not open")
        }
    }
}

fn say_phase(phase: Phase) {
    match phase {
        Phase::Creating => print::note("Preparing the archive for the first time …"),
        // Too short to be worth a line.
        Phase::Starting => {}
    }
}

/// Turns true at Ctrl-C or a polite kill. A second Ctrl-C ends at once; nothing is lost by that either.
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
