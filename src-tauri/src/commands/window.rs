//! Commands for the window itself: state of the archive, closing, settings, About page, folders.

use super::{CoreRef, blocking, show_folder};
use crate::about::{self, About};
use crate::closing;
use crate::core::{self, CoreState};
use crate::failure::CommandResult;
use crate::window_state::WindowState;
use app::Preferences;
use tauri::{AppHandle, State};

/// The state of the archive.
#[tauri::command]
#[specta::specta]
pub(crate) fn core_state(core: CoreRef<'_>) -> CoreState {
    core.state()
}

/// Tries again to open the archive.
#[tauri::command]
#[specta::specta]
pub(crate) async fn open_again(handle: AppHandle) {
    core::open_again(&handle).await;
}

/// Closes the window although a recording is being processed.
#[tauri::command]
#[specta::specta]
pub(crate) async fn close_window(handle: AppHandle) {
    closing::close(&handle).await;
}

/// The user chose to keep the window open.
#[tauri::command]
#[specta::specta]
pub(crate) fn keep_open(asked: State<'_, closing::AskedBefore>) {
    asked.reset();
}

/// The settings of the window. Works without an archive.
#[tauri::command]
#[specta::specta]
pub(crate) async fn preferences(core: CoreRef<'_>) -> CommandResult<Preferences> {
    let data = core.data().clone();
    blocking(move || Ok(Preferences::read(data.path())?)).await
}

/// Changes the settings of the window.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_preferences(core: CoreRef<'_>, preferences: Preferences) -> CommandResult<()> {
    let data = core.data().clone();
    let _writing = core.writing.lock().await;
    blocking(move || Ok(preferences.write(data.path())?)).await
}

/// The saved state of the page.
#[tauri::command]
#[specta::specta]
pub(crate) async fn window_state(core: CoreRef<'_>) -> CommandResult<WindowState> {
    let data = core.data().clone();
    blocking(move || Ok(WindowState::read(&data))).await
}

/// Saves the state of the page.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_window_state(core: CoreRef<'_>, state: WindowState) -> CommandResult<()> {
    let data = core.data().clone();
    let _writing = core.writing.lock().await;
    blocking(move || Ok(state.write(&data)?)).await
}

/// The content of the About page.
#[tauri::command]
#[specta::specta]
pub(crate) async fn about(core: CoreRef<'_>) -> CommandResult<About> {
    about::about(&core.app()?).await
}

/// All licence texts.
#[tauri::command]
#[specta::specta]
pub(crate) async fn licences(core: CoreRef<'_>) -> CommandResult<String> {
    about::licences(core.local()?.resources().clone()).await
}

/// Opens the folder of log files. Works without an archive.
#[tauri::command]
#[specta::specta]
pub(crate) async fn open_log_folder(handle: AppHandle, core: CoreRef<'_>) -> CommandResult<()> {
    let folder = core.data().logs();
    blocking(move || show_folder(&handle, folder)).await
}

/// Opens the data folder.
#[tauri::command]
#[specta::specta]
pub(crate) async fn open_data_folder(handle: AppHandle, core: CoreRef<'_>) -> CommandResult<()> {
    let folder = core.data().path().to_owned();
    blocking(move || show_folder(&handle, folder)).await
}
