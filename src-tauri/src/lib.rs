//! The window: a web page over `app`, with thin typed commands and events between them.
//!
//! Owns no data and decides nothing that the command line could not do as well. Leaves out how things look, which is
//! the page's (`ui/`), and everything the application can do, which is `app`'s.

mod about;
mod closing;
mod commands;
mod core;
mod dialogs;
mod failure;
mod imports;
mod instance;
mod kept;
mod listener;
mod message;
mod notify;
mod window;

pub use app::hidden_mode;

use crate::core::Core;
use crate::imports::{Imports, Source};
use crate::instance::Request;
use anyhow::{Context, Result};
use app::{DataFolder, Layer, Start};
use clap::Parser;
use listener::Listener;
use std::path::PathBuf;
use std::process::ExitCode;
use tauri::{AppHandle, DragDropEvent, Manager, RunEvent, WindowEvent, Wry};
use tauri_plugin_window_state::StateFlags;
use tauri_specta::{Builder, ErrorHandlingMode, collect_commands, collect_events};

/// MeetMemo: recorded meetings become text, on your own computer.
#[derive(Debug, Parser)]
#[command(name = "meetmemo-desktop", version)]
struct Arguments {
    /// Keep everything in this folder.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Use this PostgreSQL database instead of the private one.
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// Recordings and folders to add.
    #[arg(value_name = "FILE")]
    paths: Vec<PathBuf>,
}

/// What the page can call and hear. The generated bindings are `ui/src/bindings.ts`.
fn interface() -> Builder<Wry> {
    Builder::<Wry>::new()
        .error_handling(ErrorHandlingMode::Throw)
        .commands(collect_commands![
            commands::window::core_state,
            commands::window::open_again,
            commands::window::close_window,
            commands::window::keep_open,
            commands::meetings::meetings,
            commands::meetings::meetings_by_id,
            commands::meetings::meeting,
            commands::meetings::rename,
            commands::meetings::retry,
            commands::meetings::cancel,
            commands::meetings::bring_forward,
            commands::meetings::deletion,
            commands::meetings::delete_meeting,
            commands::meetings::choice,
            commands::meetings::transcribe_again,
            commands::meetings::versions,
            commands::meetings::version_page,
            commands::meetings::compare_versions,
            commands::meetings::make_current,
            commands::speakers::speakers,
            commands::speakers::name_speaker,
            commands::speakers::merge_speakers,
            commands::speakers::add_speaker,
            commands::speakers::assign,
            commands::speakers::undo_speakers,
            commands::speakers::redo_speakers,
            commands::speakers::rerun_speakers,
            commands::speakers::refuse_suggestion,
            commands::people::people,
            commands::people::set_people,
            commands::people::rename_person,
            commands::people::merge_people,
            commands::people::forget_person,
            commands::models::model_room,
            commands::models::install_model,
            commands::models::stop_install,
            commands::models::remove_model,
            commands::models::choose_model_file,
            commands::models::import_models,
            commands::models::set_defaults,
            commands::imports::choose_files,
            commands::imports::choose_folder,
            commands::imports::import_paths,
            commands::imports::describe_drop,
            commands::imports::imports,
            commands::imports::stop_import,
            commands::imports::dismiss_import,
            commands::imports::interrupted_imports,
            commands::imports::continue_import,
            commands::imports::forget_import,
            commands::meetings::sound,
            commands::meetings::copy_transcript,
            commands::meetings::copy_text,
            commands::exports::export_meeting,
            commands::exports::export_job,
            commands::exports::show_export,
            commands::window::preferences,
            commands::window::set_preferences,
            commands::window::window_state,
            commands::window::set_window_state,
            commands::window::about,
            commands::window::licences,
            commands::window::open_log_folder,
            commands::window::open_data_folder,
        ])
        .constant("EXPORT_FORMATS", commands::exports::ExportFormat::offered())
        .events(collect_events![
            core::CoreState,
            core::NewsItem,
            core::ModelNews,
            imports::ImportView,
            closing::Closing
        ])
}

/// Shows the window until it is closed.
pub fn run(context: tauri::Context<Wry>) -> ExitCode {
    let arguments = Arguments::parse();
    match show(context, arguments) {
        Ok(code) => code,
        Err(error) => {
            let message = format!("{error:#}");
            tracing::error!(%message, "the window could not be shown");
            say(&message);
            ExitCode::FAILURE
        }
    }
}

fn show(context: tauri::Context<Wry>, arguments: Arguments) -> Result<ExitCode> {
    let data = DataFolder::find(arguments.data_dir.clone())?;
    let request = Request {
        paths: arguments.paths.iter().map(|p| std::path::absolute(p).unwrap_or_else(|_| p.clone())).collect(),
    };
    let instance = match instance::begin(data.path(), &request)? {
        instance::Start::First(instance) => instance,
        instance::Start::HandedOver => return Ok(ExitCode::SUCCESS),
    };
    let settings = Layer { database_url: arguments.database_url, ..Layer::default() };
    let start = Start { data_dir: Some(data.path().to_owned()), settings, program: None };

    let interface = interface();
    let app = tauri::Builder::default()
        .plugin(tauri_plugin_notification::init())
        .plugin(tauri_plugin_opener::init())
        .plugin(
            tauri_plugin_window_state::Builder::default()
                .with_state_flags(StateFlags::SIZE | StateFlags::POSITION | StateFlags::MAXIMIZED)
                .build(),
        )
        .manage(Core::new(start, data))
        .manage(Imports::default())
        .manage(closing::Asked::default())
        .invoke_handler(interface.invoke_handler())
        .setup(move |app| {
            interface.mount_events(app);
            let handle = app.handle().clone();
            app.manage(tauri::async_runtime::block_on(Listener::start(handle.clone()))?);
            window::create(&handle)?;
            core::open_in_background(&handle);
            take(&handle, request);
            instance.listen(move |request| {
                window::to_front(&handle);
                take(&handle, request);
            })?;
            Ok(())
        })
        .build(context)
        .context("The window could not be made")?;
    let code = app.run_return(|handle, event| match event {
        RunEvent::WindowEvent { event: WindowEvent::CloseRequested { api, .. }, .. } => {
            closing::requested(handle, &api);
        }
        RunEvent::WindowEvent { event: WindowEvent::DragDrop(DragDropEvent::Drop { paths, .. }), .. }
            // The page is told of every drop but of one with a name that is not Unicode, which no message to it can hold.
            if paths.iter().any(|path| path.to_str().is_none()) =>
        {
            imports::begin(handle, Source::Paths(paths));
        }
        _ => {}
    });
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

/// Does what a start of the program was asked for.
fn take(handle: &AppHandle, request: Request) {
    if !request.paths.is_empty() {
        imports::begin(handle, Source::Paths(request.paths));
    }
}

/// There is no window to say it in.
#[allow(clippy::print_stderr, reason = "a program that cannot show its window has nothing else")]
fn say(message: &str) {
    eprintln!("error: {message}");
    if gtk::init().is_ok() {
        rfd::MessageDialog::new()
            .set_level(rfd::MessageLevel::Error)
            .set_title("MeetMemo")
            .set_description(message)
            .show();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use specta_typescript::Typescript;

    /// Writes the bindings where `MEETMEMO_WRITE_BINDINGS` is set, else says whether they are what the commands are.
    #[test]
    fn the_checked_in_bindings_are_those_of_the_commands() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../ui/src/bindings.ts");
        let dir = tempfile::tempdir().unwrap();
        let made = dir.path().join("bindings.ts");
        interface().export(Typescript::default(), &made).unwrap();
        if std::env::var_os("MEETMEMO_WRITE_BINDINGS").is_some() {
            std::fs::copy(&made, path).unwrap();
        }
        let [made, checked_in] =
            [made.as_path(), path.as_ref()].map(|path| std::fs::read_to_string(path).unwrap());
        assert!(checked_in == made, "ui/src/bindings.ts is stale: run `cargo xtask bindings`");
    }
}
