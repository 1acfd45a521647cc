//! Adding files.

use super::{CoreRef, blocking};
use crate::dialogs;
use crate::failure::Answer;
use crate::imports::{self, ImportView, Imports, InterruptedView, Source};
use app::view::DropView;
use std::path::PathBuf;
use tauri::{AppHandle, State};

/// Lets the user choose files to add; whether there were any.
#[tauri::command]
#[specta::specta]
pub(crate) async fn choose_files(handle: AppHandle) -> bool {
    begin_if_any(&handle, dialogs::files(&handle).await)
}

/// Lets the user choose folders to add; whether there were any.
#[tauri::command]
#[specta::specta]
pub(crate) async fn choose_folder(handle: AppHandle) -> bool {
    begin_if_any(&handle, dialogs::folders(&handle).await)
}

fn begin_if_any(handle: &AppHandle, paths: Vec<PathBuf>) -> bool {
    let any = !paths.is_empty();
    if any {
        imports::begin(handle, Source::Paths(paths));
    }
    any
}

/// Adds what was dropped on the window.
#[tauri::command]
#[specta::specta]
pub(crate) fn import_paths(handle: AppHandle, paths: Vec<PathBuf>) {
    begin_if_any(&handle, paths);
}

/// What adding these files and folders would do.
#[tauri::command]
#[specta::specta]
pub(crate) async fn describe_drop(core: CoreRef<'_>, paths: Vec<PathBuf>) -> Answer<DropView> {
    let app = core.app()?;
    blocking(move || Ok(app.describe_drop(&paths))).await
}

/// Imports that run, or ended and were not dismissed.
#[tauri::command]
#[specta::specta]
pub(crate) fn imports(imports: State<'_, Imports>) -> Vec<ImportView> {
    imports.views()
}

/// Stops an import after the files in progress.
#[tauri::command]
#[specta::specta]
pub(crate) fn stop_import(imports: State<'_, Imports>, id: String) {
    imports.stop(&id);
}

/// Puts the summary of an import away.
#[tauri::command]
#[specta::specta]
pub(crate) fn dismiss_import(imports: State<'_, Imports>, id: String) {
    imports.dismiss(&id);
}

/// Imports that ended in the middle.
#[tauri::command]
#[specta::specta]
pub(crate) async fn interrupted_imports(core: CoreRef<'_>) -> Answer<Vec<InterruptedView>> {
    Ok(core.app()?.interrupted_imports().await?.into_iter().map(Into::into).collect())
}

/// Takes up an import that ended in the middle.
#[tauri::command]
#[specta::specta]
pub(crate) fn continue_import(handle: AppHandle, id: String) {
    imports::begin(&handle, Source::Interrupted(id));
}

/// Forgets what an interrupted import had left to do.
#[tauri::command]
#[specta::specta]
pub(crate) async fn forget_import(core: CoreRef<'_>, id: String) -> Answer<()> {
    Ok(core.app()?.forget_import(&id).await?)
}
