//! Commands for importing files.

use super::{CoreRef, blocking};
use crate::dialogs;
use crate::failure::CommandResult;
use crate::imports::{self, ImportView, Imports, InterruptedView, Source};
use app::view::DropView;
use std::path::PathBuf;
use tauri::{AppHandle, State};

/// Lets the user choose files and imports them. Returns whether any were chosen.
#[tauri::command]
#[specta::specta]
pub(crate) async fn choose_files(handle: AppHandle) -> bool {
    start_if_any(&handle, dialogs::files(&handle).await)
}

/// Lets the user choose folders and imports them. Returns whether any were chosen.
#[tauri::command]
#[specta::specta]
pub(crate) async fn choose_folder(handle: AppHandle) -> bool {
    start_if_any(&handle, dialogs::folders(&handle).await)
}

fn start_if_any(handle: &AppHandle, paths: Vec<PathBuf>) -> bool {
    let any = !paths.is_empty();
    if any {
        imports::start(handle, Source::Paths(paths));
    }
    any
}

/// Imports files and folders that were dropped on the window.
#[tauri::command]
#[specta::specta]
pub(crate) fn import_paths(handle: AppHandle, paths: Vec<PathBuf>) {
    start_if_any(&handle, paths);
}

/// What importing these files and folders would do.
#[tauri::command]
#[specta::specta]
pub(crate) async fn describe_drop(core: CoreRef<'_>, paths: Vec<PathBuf>) -> CommandResult<DropView> {
    let app = core.app()?;
    blocking(move || Ok(app.describe_drop(&paths))).await
}

/// The imports that are running, or have ended and were not dismissed.
#[tauri::command]
#[specta::specta]
pub(crate) fn imports(imports: State<'_, Imports>) -> Vec<ImportView> {
    imports.views()
}

/// Stops an import. Files that are being copied are still completed.
#[tauri::command]
#[specta::specta]
pub(crate) fn stop_import(imports: State<'_, Imports>, id: String) {
    imports.stop(&id);
}

/// Removes the summary of an import that has ended.
#[tauri::command]
#[specta::specta]
pub(crate) fn dismiss_import(imports: State<'_, Imports>, id: String) {
    imports.dismiss(&id);
}

/// The imports that were interrupted when the program was closed or killed.
#[tauri::command]
#[specta::specta]
pub(crate) async fn interrupted_imports(core: CoreRef<'_>) -> CommandResult<Vec<InterruptedView>> {
    Ok(core.app()?.interrupted_imports().await?.into_iter().map(Into::into).collect())
}

/// Continues an interrupted import.
#[tauri::command]
#[specta::specta]
pub(crate) fn continue_import(handle: AppHandle, id: String) {
    imports::start(&handle, Source::Interrupted(id));
}

/// Discards an interrupted import. Files it has added stay.
#[tauri::command]
#[specta::specta]
pub(crate) async fn forget_import(core: CoreRef<'_>, id: String) -> CommandResult<()> {
    Ok(core.app()?.forget_import(&id).await?)
}
