//! Commands for exports.

use super::{CoreRef, NO_EXPORT, blocking, job_id, parse_id, show_folder};
use crate::dialogs;
use crate::failure::{CommandResult, Failure};
use app::view::{BatchView, ExportView, Preview, VerifiedExport};
use app::{App, BatchId, BatchRequest, ErrorCode, ExportOptions, ExportRequest};
use std::path::{Path, PathBuf};
use tauri::AppHandle;

const NO_BATCH: &str = "There are no such exports.";

/// The options where the user chooses nothing else.
#[tauri::command]
#[specta::specta]
pub(crate) async fn export_defaults(core: CoreRef<'_>) -> CommandResult<ExportOptions> {
    Ok(core.app()?.default_export_options())
}

/// The beginning of the file that an export makes.
#[tauri::command]
#[specta::specta]
pub(crate) async fn preview_export(
    core: CoreRef<'_>,
    id: String,
    format: String,
    options: ExportOptions,
) -> CommandResult<Preview> {
    Ok(core.app()?.preview_export(job_id(&id)?, app::export_format(&format)?, options).await?)
}

/// Asks where to save the export of a meeting and starts it in the background. `None` if the user cancels the dialog.
#[tauri::command]
#[specta::specta]
pub(crate) async fn export_meeting(
    handle: AppHandle,
    core: CoreRef<'_>,
    id: String,
    format: String,
    options: ExportOptions,
) -> CommandResult<Option<ExportView>> {
    let app = core.app()?;
    let id = job_id(&id)?;
    let format = app::export_format(&format)?;
    let name = app.export_file_name(id, format).await?;
    let Some(path) = dialogs::save(&handle, name, format.label).await else { return Ok(None) };
    // The dialog has already asked whether to replace an existing file.
    let request = ExportRequest { format, options, output: Some(path), replace: true };
    let pending = app.create_export(id, &request).await?;
    let started = app.export(pending.id).await?;
    tauri::async_runtime::spawn(async move {
        if let Err(error) = app.run_export(pending).await {
            tracing::warn!(code = ?ErrorCode::of(&error), "an export could not be made");
        }
    });
    Ok(started)
}

/// Exports of many meetings that were started.
#[derive(Debug, Clone, serde::Serialize, specta::Type)]
pub(crate) struct StartedBatch {
    /// The batch.
    batch: BatchView,
    /// How many files are there already and up to date.
    up_to_date: u32,
    /// Why others could not be started.
    failures: Vec<String>,
}

/// Asks for a folder or a ZIP file and exports meetings to it in the background. `None` if the user cancels the dialog.
#[tauri::command]
#[specta::specta]
pub(crate) async fn export_meetings(
    handle: AppHandle,
    core: CoreRef<'_>,
    ids: Vec<String>,
    format: String,
    options: ExportOptions,
    zip: bool,
) -> CommandResult<Option<StartedBatch>> {
    let app = core.app()?;
    let ids = ids.iter().map(|id| job_id(id)).collect::<CommandResult<Vec<_>>>()?;
    let format = app::export_format(&format)?;
    let target = match zip {
        true => dialogs::save(&handle, "MeetMemo.zip".to_owned(), "ZIP").await,
        false => dialogs::export_folder(&handle).await,
    };
    let Some(target) = target else { return Ok(None) };
    // A dialog that saves has already asked whether to replace an existing file.
    let request = BatchRequest { format, options, target, zip, replace: zip };
    let created = app.create_batch(&ids, &request).await?;
    let batch = app.export_batch(created.id).await?.ok_or_else(no_batch)?;
    let failures = created.failures.into_iter().map(|error| Failure::from(error).message).collect();
    run_batch(app, created.id);
    let up_to_date = u32::try_from(created.up_to_date.len()).unwrap_or(u32::MAX);
    Ok(Some(StartedBatch { batch, up_to_date, failures }))
}

/// Works on a batch in the background. A worker continues it if this process ends.
fn run_batch(app: App, id: BatchId) {
    tauri::async_runtime::spawn(async move {
        let (_running, mut stop) = tokio::sync::watch::channel(false);
        if let Err(error) = app.run_batch(id, &mut stop, &|_| ()).await {
            tracing::warn!(code = ?ErrorCode::of(&error), "a batch of exports was interrupted");
        }
    });
}

fn no_batch() -> Failure {
    Failure { code: ErrorCode::NotFound, message: NO_BATCH.to_owned() }
}

/// The current state of a batch.
#[tauri::command]
#[specta::specta]
pub(crate) async fn export_batch(core: CoreRef<'_>, batch_id: String) -> CommandResult<Option<BatchView>> {
    Ok(core.app()?.export_batch(parse_id(&batch_id, NO_BATCH)?).await?)
}

/// The batches of this computer that are under way.
#[tauri::command]
#[specta::specta]
pub(crate) async fn open_export_batches(core: CoreRef<'_>) -> CommandResult<Vec<BatchView>> {
    Ok(core.app()?.open_batches().await?)
}

/// Cancels what is left of a batch.
#[tauri::command]
#[specta::specta]
pub(crate) async fn cancel_export_batch(core: CoreRef<'_>, batch_id: String) -> CommandResult<()> {
    Ok(core.app()?.cancel_batch(parse_id(&batch_id, NO_BATCH)?).await?)
}

/// Shows the folder or ZIP file of a batch in the system's file manager.
#[tauri::command]
#[specta::specta]
pub(crate) async fn show_export_batch(
    handle: AppHandle,
    core: CoreRef<'_>,
    batch_id: String,
) -> CommandResult<()> {
    let batch = core.app()?.export_batch(parse_id(&batch_id, NO_BATCH)?).await?.ok_or_else(no_batch)?;
    blocking(move || reveal(&handle, Path::new(&batch.target))).await
}

/// The current state of an export.
#[tauri::command]
#[specta::specta]
pub(crate) async fn export_job(core: CoreRef<'_>, export_id: String) -> CommandResult<Option<ExportView>> {
    Ok(core.app()?.export(parse_id(&export_id, NO_EXPORT)?).await?)
}

/// Cancels an export that is not completed.
#[tauri::command]
#[specta::specta]
pub(crate) async fn cancel_export(core: CoreRef<'_>, export_id: String) -> CommandResult<()> {
    Ok(core.app()?.cancel_export(parse_id(&export_id, NO_EXPORT)?).await?)
}

/// Shows an exported file in the system's file manager.
#[tauri::command]
#[specta::specta]
pub(crate) async fn show_export(
    handle: AppHandle,
    core: CoreRef<'_>,
    export_id: String,
) -> CommandResult<()> {
    let export = core.app()?.export(parse_id(&export_id, NO_EXPORT)?).await?;
    let path = export.and_then(|export| export.path).map(PathBuf::from);
    blocking(move || {
        let path = path.filter(|path| path.exists()).ok_or_else(file_gone)?;
        reveal(&handle, &path)
    })
    .await
}

fn file_gone() -> Failure {
    let message = "The file is no longer where it was saved. Export it again.".to_owned();
    Failure { code: ErrorCode::NotFound, message }
}

/// Shows a file or folder in the system's file manager. Blocks.
fn reveal(handle: &AppHandle, path: &Path) -> CommandResult<()> {
    use tauri_plugin_opener::OpenerExt;
    if !path.exists() {
        return Err(file_gone());
    }
    if path.is_dir() {
        return show_folder(handle, path.to_owned());
    }
    if handle.opener().reveal_item_in_dir(path).is_ok() {
        return Ok(());
    }
    // Not every file manager can be asked to select a file. Then only the folder is opened.
    show_folder(handle, path.parent().map_or_else(|| path.to_owned(), Path::to_owned))
}

/// Asks for an exported file and checks it. `None` if the user cancels the dialog.
#[tauri::command]
#[specta::specta]
pub(crate) async fn verify_export(
    handle: AppHandle,
    core: CoreRef<'_>,
) -> CommandResult<Option<VerifiedExport>> {
    let app = core.app()?;
    let Some(path) = dialogs::exported_file(&handle).await else { return Ok(None) };
    Ok(Some(app.verify_export(&path).await?))
}

/// Checks an exported file that was dropped on the window.
#[tauri::command]
#[specta::specta]
pub(crate) async fn verify_dropped(core: CoreRef<'_>, path: String) -> CommandResult<VerifiedExport> {
    Ok(core.app()?.verify_export(Path::new(&path)).await?)
}

/// How exports are named, and their logo.
#[derive(Debug, Clone, serde::Serialize, specta::Type)]
pub(crate) struct ExportSettings {
    /// The template of file names.
    file_name: String,
    /// The file name of the logo, if there is one.
    logo: Option<String>,
}

/// How exports are named, and their logo.
#[tauri::command]
#[specta::specta]
pub(crate) async fn export_settings(core: CoreRef<'_>) -> CommandResult<ExportSettings> {
    let app = core.app()?;
    let settings = blocking(move || Ok(app.export_settings()?)).await?;
    let logo = settings.logo.as_deref().and_then(Path::file_name);
    Ok(ExportSettings {
        file_name: settings.file_name,
        logo: logo.map(|name| name.to_string_lossy().into_owned()),
    })
}

/// Changes the template of the names of exported files.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_export_file_name(core: CoreRef<'_>, template: String) -> CommandResult<()> {
    let app = core.app()?;
    blocking(move || Ok(app.set_export_file_name(&template)?)).await
}

/// Asks for a picture that PDF exports show as a logo. False if the user cancels the dialog.
#[tauri::command]
#[specta::specta]
pub(crate) async fn choose_export_logo(handle: AppHandle, core: CoreRef<'_>) -> CommandResult<bool> {
    let app = core.app()?;
    let Some(path) = dialogs::logo(&handle).await else { return Ok(false) };
    blocking(move || Ok(app.set_export_logo(Some(&path))?)).await?;
    Ok(true)
}

/// Exports get no logo any more.
#[tauri::command]
#[specta::specta]
pub(crate) async fn remove_export_logo(core: CoreRef<'_>) -> CommandResult<()> {
    let app = core.app()?;
    blocking(move || Ok(app.set_export_logo(None)?)).await
}
