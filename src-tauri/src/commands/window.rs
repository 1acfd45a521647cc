//! The window itself: whether the archive is open, settings, what the program is.

use super::{CoreRef, blocking, show_folder};
use crate::about::{self, About};
use crate::closing;
use crate::core::{self, CoreState};
use crate::failure::Answer;
use crate::kept::WindowState;
use app::Preferences;
use tauri::{AppHandle, State};

/// Whether the archive is open.
#[tauri::command]
#[specta::specta]
pub(crate) fn core_state(core: CoreRef<'_>) -> CoreState {
    core.state()
}

/// Tries to open the archive once more.
#[tauri::command]
#[specta::specta]
pub(crate) async fn open_again(handle: AppHandle) {
    core::open_again(&handle).await;
}

/// Closes the window although work goes on.
#[tauri::command]
#[specta::specta]
pub(crate) async fn close_window(handle: AppHandle) {
    closing::close(&handle).await;
}

/// The user wants to keep the window open.
#[tauri::command]
#[specta::specta]
pub(crate) fn keep_open(asked: State<'_, closing::Asked>) {
    asked.forget();
}

/// What the window's settings are. Also while the archive is closed.
#[tauri::command]
#[specta::specta]
pub(crate) async fn preferences(core: CoreRef<'_>) -> Answer<Preferences> {
    let data = core.data().clone();
    blocking(move || Ok(Preferences::read(data.path())?)).await
}

/// Changes the window's settings.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_preferences(core: CoreRef<'_>, preferences: Preferences) -> Answer<()> {
    let data = core.data().clone();
    let _writing = core.writing.lock().await;
    blocking(move || Ok(preferences.write(data.path())?)).await
}

/// How the page was left.
#[tauri::command]
#[specta::specta]
pub(crate) async fn window_state(core: CoreRef<'_>) -> Answer<WindowState> {
    let data = core.data().clone();
    blocking(move || Ok(WindowState::read(&data))).await
}

/// Keeps how the page is.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_window_state(core: CoreRef<'_>, state: WindowState) -> Answer<()> {
    let data = core.data().clone();
    let _writing = core.writing.lock().await;
    blocking(move || Ok(state.write(&data)?)).await
}

/// What the program is and comes with.
#[tauri::command]
#[specta::specta]
pub(crate) async fn about(core: CoreRef<'_>) -> Answer<About> {
    about::about(&core.app()?).await
}

/// All licence texts.
#[tauri::command]
#[specta::specta]
pub(crate) async fn licences(core: CoreRef<'_>) -> Answer<String> {
    about::licences(core.local()?.resources().clone()).await
}

/// Opens the folder of log files. Also while the archive is closed.
#[tauri::command]
#[specta::specta]
pub(crate) async fn open_log_folder(handle: AppHandle, core: CoreRef<'_>) -> Answer<()> {
    let folder = core.data().logs();
    blocking(move || show_folder(&handle, folder)).await
}

/// Opens the data folder.
#[tauri::command]
#[specta::specta]
pub(crate) async fn open_data_folder(handle: AppHandle, core: CoreRef<'_>) -> Answer<()> {
    let folder = core.data().path().to_owned();
    blocking(move || show_folder(&handle, folder)).await
}
