//! Commands for clean-up and pinned meetings.

use super::{CoreRef, blocking, job_id};
use crate::failure::CommandResult;
use app::RetentionSettings;
use app::view::{CleanupView, JobView};

/// What a clean-up would remove now, and what becomes due soon.
#[tauri::command]
#[specta::specta]
pub(crate) async fn cleanup_preview(core: CoreRef<'_>) -> CommandResult<CleanupView> {
    Ok(core.app()?.cleanup_preview().await?)
}

/// Removes what is due; `confirmed` if the user has answered the questions of the preview.
#[tauri::command]
#[specta::specta]
pub(crate) async fn clean_up(core: CoreRef<'_>, confirmed: bool) -> CommandResult<CleanupView> {
    Ok(core.app()?.cleanup(confirmed).await?)
}

/// Sets how long things are kept; returns the new preview.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_retention(
    core: CoreRef<'_>,
    settings: RetentionSettings,
) -> CommandResult<CleanupView> {
    let app = core.app()?;
    let data = core.data().path().to_owned();
    blocking(move || Ok(settings.write(&data)?)).await?;
    Ok(app.cleanup_preview().await?)
}

/// Keeps a meeting from clean-up, or no longer.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_pinned(core: CoreRef<'_>, id: String, pinned: bool) -> CommandResult<JobView> {
    Ok(core.app()?.set_pinned(job_id(&id)?, pinned).await?)
}
