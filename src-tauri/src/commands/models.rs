//! Speech models. They need no archive.

use super::CoreRef;
use crate::core::CoreState;
use crate::dialogs;
use crate::failure::Answer;
use app::Code;
use app::view::{Choice, ModelRoom};
use std::path::PathBuf;
use std::time::Duration;
use tauri::AppHandle;

/// How long the page of speech models waits for what the archive knows of them.
const SPEEDS: Duration = Duration::from_secs(1);

/// All speech models, and what new recordings are transcribed with.
#[tauri::command]
#[specta::specta]
pub(crate) async fn model_room(core: CoreRef<'_>) -> Answer<ModelRoom> {
    let mut room = core.local()?.model_room().await?;
    if let (Ok(app), CoreState::Ready) = (core.app(), core.state()) {
        // The page does not wait long for what only ranks the models.
        let added = tokio::time::timeout(SPEEDS, app.add_speeds(&mut room)).await;
        if !matches!(added, Ok(Ok(()))) {
            tracing::warn!("the archive does not say how fast the speech models are");
        }
    }
    Ok(room)
}

/// Begins to download a model, or goes on; the rest comes as news, failures included.
#[tauri::command]
#[specta::specta]
pub(crate) async fn install_model(core: CoreRef<'_>, id: String) -> Answer<()> {
    let local = core.local()?;
    tauri::async_runtime::spawn(async move {
        if let Err(error) = local.install_model(&id, |_| {}).await {
            tracing::warn!(code = ?Code::of(&error), "a model could not be installed");
        }
    });
    Ok(())
}

/// Stops a download; what has come stays.
#[tauri::command]
#[specta::specta]
pub(crate) fn stop_install(core: CoreRef<'_>, id: String) -> Answer<()> {
    core.local()?.stop_install(&id);
    Ok(())
}

/// Removes a model, or what has come of one.
#[tauri::command]
#[specta::specta]
pub(crate) async fn remove_model(core: CoreRef<'_>, id: String) -> Answer<()> {
    Ok(core.local()?.remove_model(&id).await?)
}

/// Lets the user choose a model file, and adds it; whether there was one.
#[tauri::command]
#[specta::specta]
pub(crate) async fn choose_model_file(handle: AppHandle, core: CoreRef<'_>, link: bool) -> Answer<bool> {
    let local = core.local()?;
    let Some(path) = dialogs::model(&handle).await else { return Ok(false) };
    local.import_model(&path, link).await?;
    Ok(true)
}

/// Copies dropped model files. All are tried; the first that is refused is told.
#[tauri::command]
#[specta::specta]
pub(crate) async fn import_models(core: CoreRef<'_>, paths: Vec<PathBuf>) -> Answer<()> {
    let local = core.local()?;
    let mut refused = None;
    for path in paths {
        if let Err(error) = local.import_model(&path, false).await {
            refused.get_or_insert(error);
        }
    }
    refused.map_or(Ok(()), |error| Err(error.into()))
}

/// Changes what new recordings are transcribed with.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_defaults(core: CoreRef<'_>, choice: Choice) -> Answer<()> {
    Ok(core.local()?.set_defaults(&choice).await?)
}
