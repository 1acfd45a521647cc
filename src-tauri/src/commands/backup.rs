//! Commands for backups and long work on the archive. Paths come from the system's dialogs and the settings; the page
//! only shows them.

use super::CoreRef;
use crate::core::{ArchiveWorkState, NewArchiveWork, start_archive_work};
use crate::dialogs;
use crate::failure::{CommandResult, Failure};
use app::view::{BackupOverview, RestoreView};
use app::{DatabaseWork, ErrorCode};
use std::path::PathBuf;
use tauri::AppHandle;
use tokio::sync::watch;

/// What is known of earlier backups, and the schedule.
#[tauri::command]
#[specta::specta]
pub(crate) async fn backup_overview(core: CoreRef<'_>) -> CommandResult<BackupOverview> {
    Ok(core.local()?.backup_overview())
}

/// Lets the user choose the folder of scheduled backups. `None` if they cancel.
#[tauri::command]
#[specta::specta]
pub(crate) async fn choose_backup_place(
    handle: AppHandle,
    core: CoreRef<'_>,
) -> CommandResult<Option<BackupOverview>> {
    let local = core.local()?;
    let Some(folder) = dialogs::backup_folder(&handle).await else { return Ok(None) };
    local.set_backup_place(Some(folder)).await?;
    Ok(Some(local.backup_overview()))
}

/// Ends scheduled backups. Those that were made stay.
#[tauri::command]
#[specta::specta]
pub(crate) async fn end_scheduled_backups(core: CoreRef<'_>) -> CommandResult<BackupOverview> {
    let local = core.local()?;
    local.set_backup_place(None).await?;
    Ok(local.backup_overview())
}

/// The work under way, and how the last one ended.
#[tauri::command]
#[specta::specta]
pub(crate) async fn archive_work(core: CoreRef<'_>) -> CommandResult<ArchiveWorkState> {
    Ok(core.work.state())
}

/// Stops the work under way. It leaves nothing half done.
#[tauri::command]
#[specta::specta]
pub(crate) async fn stop_archive_work(core: CoreRef<'_>) -> CommandResult<()> {
    core.work.stop();
    Ok(())
}

/// Forgets how the last work ended.
#[tauri::command]
#[specta::specta]
pub(crate) async fn dismiss_archive_work(core: CoreRef<'_>) -> CommandResult<()> {
    core.work.dismiss();
    Ok(())
}

/// Starts a backup to the scheduled place.
#[tauri::command]
#[specta::specta]
pub(crate) async fn start_backup(handle: AppHandle, core: CoreRef<'_>) -> CommandResult<()> {
    let Some(place) = core.local()?.backup_overview().scheduled_place else {
        let message = "Choose a folder for the backup first.".to_owned();
        return Err(Failure { code: ErrorCode::NotOffered, message });
    };
    start_archive_work(&handle, core.app()?, NewArchiveWork::Backup(PathBuf::from(place)))
}

/// Starts a check of the last backup.
#[tauri::command]
#[specta::specta]
pub(crate) async fn start_backup_check(handle: AppHandle, core: CoreRef<'_>) -> CommandResult<()> {
    let Some(last) = core.local()?.backup_overview().state.last_backup else {
        let message = "There is no backup to check yet.".to_owned();
        return Err(Failure { code: ErrorCode::NotFound, message });
    };
    start_archive_work(&handle, core.app()?, NewArchiveWork::Check(PathBuf::from(last.place)))
}

/// What a restore from the last backup, or from one that the user chooses (a folder, or a file), would bring back. `None`
/// if they cancel.
#[tauri::command]
#[specta::specta]
pub(crate) async fn preview_restore(
    handle: AppHandle,
    core: CoreRef<'_>,
    from: RestoreSource,
) -> CommandResult<Option<RestoreView>> {
    let chosen = match from {
        RestoreSource::LastBackup => {
            core.local()?.backup_overview().state.last_backup.map(|last| PathBuf::from(last.place))
        }
        RestoreSource::Folder => dialogs::restore_folder(&handle).await,
        RestoreSource::File => dialogs::restore_file(&handle).await,
    };
    let Some(path) = chosen else { return Ok(None) };
    let stop = watch::Sender::new(false);
    let preview = core.app()?.restore_here(&path, None, true, &|_| (), &stop.subscribe()).await?;
    core.work.remember_backup(path);
    Ok(Some(preview))
}

/// Where to restore from.
#[derive(Debug, Clone, Copy, serde::Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RestoreSource {
    /// The last backup.
    LastBackup,
    /// A folder that the user chooses.
    Folder,
    /// A file that the user chooses.
    File,
}

/// Starts to restore from the backup of the last preview: everything that is missing, or one meeting.
#[tauri::command]
#[specta::specta]
pub(crate) async fn start_restore(
    handle: AppHandle,
    core: CoreRef<'_>,
    meeting: Option<String>,
) -> CommandResult<()> {
    let Some(path) = core.work.remembered_backup() else {
        let message = "Choose a backup first.".to_owned();
        return Err(Failure { code: ErrorCode::NotOffered, message });
    };
    start_archive_work(&handle, core.app()?, NewArchiveWork::Restore(path, meeting))
}

/// Starts maintenance of the database.
#[tauri::command]
#[specta::specta]
pub(crate) async fn start_maintenance(
    handle: AppHandle,
    core: CoreRef<'_>,
    work: DatabaseWork,
) -> CommandResult<()> {
    start_archive_work(&handle, core.app()?, NewArchiveWork::Maintenance(work))
}
