//! Commands for speech models. They work without an archive.

use super::CoreRef;
use crate::core::CoreState;
use crate::dialogs;
use crate::failure::CommandResult;
use app::ErrorCode;
use app::view::{ModelsOverview, TranscriptionOptions};
use std::path::PathBuf;
use std::time::Duration;
use tauri::AppHandle;

/// How long the models page waits for the speeds that the archive has measured.
const SPEEDS_TIMEOUT: Duration = Duration::from_secs(1);

/// All speech models, and the options for new recordings.
#[tauri::command]
#[specta::specta]
pub(crate) async fn models_overview(core: CoreRef<'_>) -> CommandResult<ModelsOverview> {
    let mut overview = core.local()?.models_overview().await?;
    if let (Ok(app), CoreState::Ready) = (core.app(), core.state()) {
        // Speeds only rank the models, so the page does not wait long for them.
        let added = tokio::time::timeout(SPEEDS_TIMEOUT, app.add_speeds(&mut overview)).await;
        if !matches!(added, Ok(Ok(()))) {
            tracing::warn!("the archive gave no speeds of the speech models");
        }
    }
    Ok(overview)
}

/// Starts or continues the download of a model in the background. Progress and failures are reported as events.
#[tauri::command]
#[specta::specta]
pub(crate) async fn install_model(core: CoreRef<'_>, id: String) -> CommandResult<()> {
    let local = core.local()?;
    tauri::async_runtime::spawn(async move {
        if let Err(error) = local.install_model(&id, |_| {}).await {
            tracing::warn!(code = ?ErrorCode::of(&error), "a model could not be installed");
        }
    });
    Ok(())
}

/// Stops a download. The part that was received is kept.
#[tauri::command]
#[specta::specta]
pub(crate) fn stop_install(core: CoreRef<'_>, id: String) -> CommandResult<()> {
    core.local()?.stop_install(&id);
    Ok(())
}

/// Removes a model, or the received part of one.
#[tauri::command]
#[specta::specta]
pub(crate) async fn remove_model(core: CoreRef<'_>, id: String) -> CommandResult<()> {
    Ok(core.local()?.remove_model(&id).await?)
}

/// Lets the user choose a model file and copies or links it. Returns whether one was chosen.
#[tauri::command]
#[specta::specta]
pub(crate) async fn choose_model_file(
    handle: AppHandle,
    core: CoreRef<'_>,
    link: bool,
) -> CommandResult<bool> {
    let local = core.local()?;
    let Some(path) = dialogs::model(&handle).await else { return Ok(false) };
    local.import_model(&path, link).await?;
    Ok(true)
}

/// Copies model files that were dropped on the window. Tries all of them and reports the first error.
#[tauri::command]
#[specta::specta]
pub(crate) async fn import_models(core: CoreRef<'_>, paths: Vec<PathBuf>) -> CommandResult<()> {
    let local = core.local()?;
    let mut first_error = None;
    for path in paths {
        if let Err(error) = local.import_model(&path, false).await {
            first_error.get_or_insert(error);
        }
    }
    first_error.map_or(Ok(()), |error| Err(error.into()))
}

/// Changes the options for new recordings.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_defaults(core: CoreRef<'_>, options: TranscriptionOptions) -> CommandResult<()> {
    Ok(core.local()?.set_defaults(&options).await?)
}
