//! Files that are made of meetings.

use super::{CoreRef, NO_EXPORT, blocking, job_id, parsed, show_folder};
use crate::dialogs;
use crate::failure::{Answer, Failure};
use app::view::ExportView;
use app::{Code, ExportRequest, Format};
use std::path::PathBuf;
use tauri::AppHandle;
use tauri_plugin_opener::OpenerExt;

/// A format that the window offers.
#[derive(Debug, Clone, Copy, serde::Serialize, specta::Type)]
pub(crate) struct ExportFormat {
    // In alphabetical order: whether a generated constant keeps another one depends on how `serde_json` is built.
    /// The end of a file's name, without the dot.
    extension: &'static str,
    /// What it is called.
    label: &'static str,
    /// The word that names it.
    word: &'static str,
}

impl ExportFormat {
    /// Those of the menu, in its order.
    pub(crate) fn offered() -> Vec<Self> {
        let offered = app::FORMATS.iter().filter(|format| format.in_menu);
        offered.map(|&Format { word, label, extension, .. }| Self { word, label, extension }).collect()
    }
}

/// Asks where to save a meeting's words and begins to write them; none if the user thought better of it.
#[tauri::command]
#[specta::specta]
pub(crate) async fn export_meeting(
    handle: AppHandle,
    core: CoreRef<'_>,
    id: String,
    format: String,
) -> Answer<Option<ExportView>> {
    let app = core.app()?;
    let id = job_id(&id)?;
    let meeting = app.find(id).await?;
    let format = app::export_format(&format)?;
    let name = format.file_name(&meeting.title);
    let Some(path) = dialogs::save(&handle, name, format.label).await else { return Ok(None) };
    // The dialog has asked before it gave the name of a file that exists.
    let request = ExportRequest { format, output: Some(path), replace: true };
    let wanted = app.create_export(id, &request).await?;
    let begun = app.export(wanted.id).await?;
    tauri::async_runtime::spawn(async move {
        if let Err(error) = app.run_export(wanted).await {
            tracing::warn!(code = ?Code::of(&error), "an export could not be made");
        }
    });
    Ok(begun)
}

/// An export as it stands.
#[tauri::command]
#[specta::specta]
pub(crate) async fn export_job(core: CoreRef<'_>, export_id: String) -> Answer<Option<ExportView>> {
    Ok(core.app()?.export(parsed(&export_id, NO_EXPORT)?).await?)
}

/// Shows the file of an export in its folder.
#[tauri::command]
#[specta::specta]
pub(crate) async fn show_export(handle: AppHandle, core: CoreRef<'_>, export_id: String) -> Answer<()> {
    let export = core.app()?.export(parsed(&export_id, NO_EXPORT)?).await?;
    let path = export.and_then(|export| export.path).map(PathBuf::from);
    blocking(move || {
        let Some(path) = path.filter(|path| path.exists()) else {
            let message = "The file is not where it was saved any more. Export it once more.".to_owned();
            return Err(Failure { code: Code::NotFound, message });
        };
        if handle.opener().reveal_item_in_dir(&path).is_ok() {
            return Ok(());
        }
        // A desktop whose file manager cannot be asked to mark a file: its folder will do.
        show_folder(&handle, path.parent().map(PathBuf::from).unwrap_or(path))
    })
    .await
}
