//! The desktop window: a web page (`ui/`) in WebKitGTK, connected to `app` by typed commands and events.
//!
//! This crate has no data and makes no decisions of its own: the page decides how things look, and `app` does the work.
//!
//! The page is treated as if it might run a foreign script, and gets as little as it needs:
//! - It can call the [`commands`] listed in [`interface`] and listen to events. It has no permission for any other
//!   command of Tauri or of a plugin (`capabilities/window.json`).
//! - The content security policy in `tauri.conf.json` allows scripts from the page itself only. The window does not
//!   navigate to other addresses ([`window`]).
//! - Audio is served by [`audio_server`] to holders of a token that is new in every run.
//!
//! `tests/journeys/safety.rs` tests all of this from inside the page.

mod about;
mod audio_server;
mod closing;
mod commands;
mod core;
mod dialogs;
mod failure;
mod imports;
mod notifications;
mod single_instance;
mod texts;
mod window;
mod window_state;

pub use app::run_hidden_command;

use crate::audio_server::AudioServer;
use crate::core::Core;
use crate::imports::{Imports, Source};
use crate::single_instance::Request;
use anyhow::{Context, Result};
use app::{DataFolder, SettingsLayer, StartOptions};
use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;
use tauri::{AppHandle, DragDropEvent, Manager, RunEvent, WindowEvent, Wry};
use tauri_plugin_window_state::StateFlags;
use tauri_specta::{Builder, ErrorHandlingMode, collect_commands, collect_events};

/// MeetMemo: recorded meetings become text, on your own computer.
#[derive(Debug, Parser)]
#[command(name = "meetmemo-desktop", version)]
struct Arguments {
    /// Use this data folder.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Use this PostgreSQL database instead of the private one.
    #[arg(long, value_name = "URL")]
    database_url: Option<app::DatabaseUrl>,
    /// Recordings and folders to import.
    #[arg(value_name = "FILE")]
    paths: Vec<PathBuf>,
}

/// The commands that the page can call and the events it can listen to. `ui/src/bindings.ts` is generated from this.
fn interface() -> Builder<Wry> {
    Builder::<Wry>::new()
        .error_handling(ErrorHandlingMode::Throw)
        .commands(collect_commands![
            commands::window::core_state,
            commands::window::open_again,
            commands::window::close_window,
            commands::window::keep_open,
            commands::meetings::meetings_by_id,
            commands::meetings::meeting,
            commands::meetings::rename,
            commands::meetings::retry,
            commands::meetings::cancel,
            commands::meetings::bring_forward,
            commands::meetings::deletion,
            commands::meetings::transcription_options,
            commands::meetings::transcribe_again,
            commands::meetings::versions,
            commands::meetings::version_page,
            commands::meetings::compare_versions,
            commands::meetings::make_current,
            commands::organisation::meetings_page,
            commands::organisation::folders,
            commands::organisation::add_folder,
            commands::organisation::change_folder,
            commands::organisation::delete_folder,
            commands::organisation::tags,
            commands::organisation::add_tag,
            commands::organisation::change_tag,
            commands::organisation::delete_tag,
            commands::organisation::organise,
            commands::organisation::trashed_meetings,
            commands::organisation::delete_now,
            commands::organisation::note,
            commands::organisation::save_note,
            commands::search::search,
            commands::search::passages,
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
            commands::models::models_overview,
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
            commands::exports::export_defaults,
            commands::exports::preview_export,
            commands::exports::export_meeting,
            commands::exports::export_meetings,
            commands::exports::export_batch,
            commands::exports::open_export_batches,
            commands::exports::cancel_export_batch,
            commands::exports::show_export_batch,
            commands::exports::export_job,
            commands::exports::cancel_export,
            commands::exports::show_export,
            commands::exports::verify_export,
            commands::exports::verify_dropped,
            commands::exports::export_settings,
            commands::exports::set_export_file_name,
            commands::exports::choose_export_logo,
            commands::exports::remove_export_logo,
            commands::backup::backup_overview,
            commands::backup::choose_backup_place,
            commands::backup::end_scheduled_backups,
            commands::backup::choose_backup_passphrase,
            commands::backup::forget_backup_passphrase,
            commands::backup::archive_work,
            commands::backup::stop_archive_work,
            commands::backup::dismiss_archive_work,
            commands::backup::start_backup,
            commands::backup::start_backup_check,
            commands::backup::preview_restore,
            commands::backup::preview_restore_with_passphrase,
            commands::backup::start_restore,
            commands::backup::start_maintenance,
            commands::cleanup::cleanup_preview,
            commands::cleanup::clean_up,
            commands::cleanup::set_retention,
            commands::cleanup::set_pinned,
            commands::summaries::summaries,
            commands::summaries::extract_summary,
            commands::summaries::edit_summary,
            commands::summaries::delete_summary,
            commands::database::database_status,
            commands::database::database_tables,
            commands::database::database_indexes,
            commands::database::database_activity,
            commands::database::database_locks,
            commands::database::slow_statements,
            commands::database::database_migrations,
            commands::database::database_log,
            commands::database::end_connection,
            commands::database::change_database_password,
            commands::database::open_psql,
            commands::database::database_choice,
            commands::database::choose_certificate,
            commands::database::test_database,
            commands::database::save_external_database,
            commands::database::use_private_database,
            commands::window::preferences,
            commands::window::set_preferences,
            commands::window::window_state,
            commands::window::set_window_state,
            commands::window::about,
            commands::window::licences,
            commands::window::open_log_folder,
            commands::window::open_data_folder,
        ])
        .constant("EXPORT_FORMATS", with_sorted_keys(app::format_views()))
        .constant("SUBTITLE_GUIDES", with_sorted_keys(app::subtitle_guides()))
        .constant("VACUUM_FULL_WARNING", app::VACUUM_FULL_WARNING)
        .events(collect_events![
            core::CoreState,
            core::NewsItem,
            core::ModelNews,
            core::ArchiveWorkNews,
            imports::ImportView,
            closing::Closing
        ])
}

/// A value for a constant of the bindings. Whether `serde_json` sorts keys depends on which crates are built with it; the
/// generated file must not.
fn with_sorted_keys(value: impl serde::Serialize) -> serde_json::Value {
    // Only a map whose keys are not text fails, and a test compares the bindings.
    let mut value = serde_json::to_value(value).unwrap_or_default();
    value.sort_all_objects();
    value
}

/// Shows the window until it is closed.
pub fn run(context: tauri::Context<Wry>) -> ExitCode {
    let arguments = Arguments::parse();
    match show(context, arguments) {
        Ok(code) => code,
        Err(error) => {
            let message = format!("{error:#}");
            tracing::error!(%message, "the window could not be shown");
            show_startup_error(&message);
            ExitCode::FAILURE
        }
    }
}

fn show(context: tauri::Context<Wry>, arguments: Arguments) -> Result<ExitCode> {
    let data = DataFolder::find(arguments.data_dir.clone())?;
    let request = Request {
        paths: arguments.paths.iter().map(|p| std::path::absolute(p).unwrap_or_else(|_| p.clone())).collect(),
    };
    let instance = match single_instance::begin(data.path(), &request)? {
        single_instance::Start::First(instance) => instance,
        single_instance::Start::HandedOver => return Ok(ExitCode::SUCCESS),
    };
    let settings = SettingsLayer { database_url: arguments.database_url, ..SettingsLayer::default() };
    let start = StartOptions {
        data_dir: Some(data.path().to_owned()),
        settings,
        program: None,
        application: Some("meetmemo window"),
    };

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
        .manage(closing::AskedBefore::default())
        .invoke_handler(interface.invoke_handler())
        .setup(move |app| {
            interface.mount_events(app);
            let handle = app.handle().clone();
            app.manage(tauri::async_runtime::block_on(AudioServer::start(handle.clone()))?);
            window::create(&handle)?;
            core::open_in_background(&handle);
            import_requested(&handle, request);
            instance.listen(move |request| {
                window::bring_to_front(&handle);
                import_requested(&handle, request);
            })?;
            Ok(())
        })
        .build(context)
        .context("The window could not be created")?;
    let code = app.run_return(|handle, event| match event {
        RunEvent::WindowEvent { event: WindowEvent::CloseRequested { api, .. }, .. } => {
            closing::on_close_requested(handle, &api);
        }
        RunEvent::WindowEvent { event: WindowEvent::DragDrop(DragDropEvent::Drop { paths, .. }), .. }
            // The page handles drops itself, except those with a path that is not Unicode: events to it are JSON.
            if paths.iter().any(|path| path.to_str().is_none()) =>
        {
            imports::start(handle, Source::Paths(paths));
        }
        _ => {}
    });
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

/// Imports the paths of a request, if it has any.
fn import_requested(handle: &AppHandle, request: Request) {
    if !request.paths.is_empty() {
        imports::start(handle, Source::Paths(request.paths));
    }
}

/// Reports an error without the window: on standard error and, if GTK works, in a dialog.
#[allow(clippy::print_stderr, reason = "without a window there is no other place to report an error")]
fn show_startup_error(message: &str) {
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

    /// With `MEETMEMO_WRITE_BINDINGS` set, writes the bindings; then checks that the file agrees with the commands.
    #[test]
    fn the_checked_in_bindings_agree_with_the_commands() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../ui/src/bindings.ts");
        let dir = tempfile::tempdir().unwrap();
        let generated = dir.path().join("bindings.ts");
        interface().export(Typescript::default(), &generated).unwrap();
        if std::env::var_os("MEETMEMO_WRITE_BINDINGS").is_some() {
            std::fs::copy(&generated, path).unwrap();
        }
        let [generated, checked_in] =
            [generated.as_path(), path.as_ref()].map(|path| std::fs::read_to_string(path).unwrap());
        assert!(checked_in == generated, "ui/src/bindings.ts is stale: run `cargo xtask bindings`");
    }
}
