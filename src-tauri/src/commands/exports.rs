//! Commands for exports.

use super::{CoreRef, NO_EXPORT, blocking, job_id, parse_id, show_folder};
use crate::dialogs;
use crate::failure::{CommandResult, Failure};
use app::view::ExportView;
use app::{ErrorCode, ExportRequest, Format};
use std::path::PathBuf;
use tauri::AppHandle;
use tauri_plugin_opener::OpenerExt;

/// An export format that the window offers.
#[derive(Debug, Clone, Copy, serde::Serialize, specta::Type)]
pub(crate) struct ExportFormat {
    // Alphabetical, because the order of fields in a generated constant depends on features of `serde_json`.
    /// The file extension, without the dot.
    extension: &'static str,
    /// The name in menus.
    label: &'static str,
    /// The key of the format, for `export_meeting`.
    word: &'static str,
}

impl ExportFormat {
    /// The formats of the menu, in its order.
    pub(crate) fn offered() -> Vec<Self> {
        let offered = app::FORMATS.iter().filter(|format| format.in_menu);
        offered.map(|&Format { key, label, extension, .. }| Self { word: key, label, extension }).collect()
    }
}

/// Asks where to save the export of a meeting and starts it in the background. `None` if the user cancels the dialog.
#[tauri::command]
#[specta::specta]
pub(crate) async fn export_meeting(
    handle: AppHandle,
    core: CoreRef<'_>,
    id: String,
    format: String,
) -> CommandResult<Option<ExportView>> {
    let app = core.app()?;
    let id = job_id(&id)?;
    let meeting = app.find(id).await?;
    let format = app::export_format(&format)?;
    let name = format.file_name(&meeting.title);
    let Some(path) = dialogs::save(&handle, name, format.label).await else { return Ok(None) };
    // The dialog has already asked whether to replace an existing file.
    let request = ExportRequest { format, output: Some(path), replace: true };
    let pending = app.create_export(id, &request).await?;
    let started = app.export(pending.id).await?;
    tauri::async_runtime::spawn(async move {
        if let Err(error) = app.run_export(pending).await {
            tracing::warn!(code = ?ErrorCode::of(&error), "an export could not be made");
        }
    });
    Ok(started)
}

/// Exports to one folder.
#[derive(Debug, Clone, serde::Serialize, specta::Type)]
pub(crate) struct FolderExports {
    /// The exports that were started.
    exports: Vec<ExportView>,
    /// Why others could not be started.
    failures: Vec<String>,
}

/// Asks for a folder and exports meetings to it in the background. `None` if the user cancels the dialog.
#[tauri::command]
#[specta::specta]
pub(crate) async fn export_meetings(
    handle: AppHandle,
    core: CoreRef<'_>,
    ids: Vec<String>,
    format: String,
) -> CommandResult<Option<FolderExports>> {
    let app = core.app()?;
    let ids = ids.iter().map(|id| job_id(id)).collect::<CommandResult<Vec<_>>>()?;
    let format = app::export_format(&format)?;
    let Some(folder) = dialogs::export_folder(&handle).await else { return Ok(None) };
    let created = app.create_exports(&ids, format, &folder).await?;
    let mut exports = Vec::new();
    for pending in &created.pending {
        exports.extend(app.export(pending.id).await?);
    }
    let failures = created.failures.into_iter().map(|error| Failure::from(error).message).collect();
    tauri::async_runtime::spawn(async move {
        for pending in created.pending {
            if let Err(error) = app.run_export(pending).await {
                tracing::warn!(code = ?ErrorCode::of(&error), "an export could not be made");
            }
        }
    });
    Ok(Some(FolderExports { exports, failures }))
}

/// The current state of an export.
#[tauri::command]
#[specta::specta]
pub(crate) async fn export_job(core: CoreRef<'_>, export_id: String) -> CommandResult<Option<ExportView>> {
    Ok(core.app()?.export(parse_id(&export_id, NO_EXPORT)?).await?)
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
        let Some(path) = path.filter(|path| path.exists()) else {
            let message = "The file is no longer where it was saved. Export it again.".to_owned();
            return Err(Failure { code: ErrorCode::NotFound, message });
        };
        if handle.opener().reveal_item_in_dir(&path).is_ok() {
            return Ok(());
        }
        // Not every file manager can be asked to select a file. Then only the folder is opened.
        show_folder(&handle, path.parent().map(PathBuf::from).unwrap_or(path))
    })
    .await
}
