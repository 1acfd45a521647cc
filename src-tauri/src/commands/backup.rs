//! Commands for backups and long work on the archive. Paths come from the system's dialogs and the settings; the page
//! only shows them.

use super::CoreRef;
use crate::core::{ArchiveWorkState, ChosenBackup, Core, NewArchiveWork, start_archive_work, start_rescue};
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

/// Lets the user choose the file with the passphrase that encrypts the next backups. `None` if they cancel.
#[tauri::command]
#[specta::specta]
pub(crate) async fn choose_backup_passphrase(
    handle: AppHandle,
    core: CoreRef<'_>,
) -> CommandResult<Option<BackupOverview>> {
    let local = core.local()?;
    let Some(file) = dialogs::passphrase_file(&handle).await else { return Ok(None) };
    local.set_backup_passphrase_file(Some(file)).await?;
    Ok(Some(local.backup_overview()))
}

/// Does not encrypt the next backups. Those that were made stay as they are.
#[tauri::command]
#[specta::specta]
pub(crate) async fn forget_backup_passphrase(core: CoreRef<'_>) -> CommandResult<BackupOverview> {
    let local = core.local()?;
    local.set_backup_passphrase_file(None).await?;
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

/// What a restore from the last backup, or from one that the user chooses (a folder, or a file), would bring back: into
/// the archive or, if its database is damaged, into a new one. `None` if they cancel.
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
    preview(&core, ChosenBackup::new(path)).await.map(Some)
}

/// Lets the user choose the file with the passphrase of the backup that was looked at last, and looks at it again. `None`
/// if they cancel.
#[tauri::command]
#[specta::specta]
pub(crate) async fn preview_restore_with_passphrase(
    handle: AppHandle,
    core: CoreRef<'_>,
) -> CommandResult<Option<RestoreView>> {
    let chosen = core.work.chosen().ok_or_else(no_backup_chosen)?;
    let Some(file) = dialogs::passphrase_file(&handle).await else { return Ok(None) };
    preview(&core, ChosenBackup { passphrase_file: Some(file), ..chosen }).await.map(Some)
}

async fn preview(core: &Core, backup: ChosenBackup) -> CommandResult<RestoreView> {
    core.work.choose(ChosenBackup { previewed: false, ..backup.clone() });
    let preview = match core.app() {
        Ok(app) => {
            let stop = watch::Sender::new(false);
            app.restore_here(&backup.path, backup.options(None, true), &|_| (), &stop.subscribe()).await?
        }
        Err(failure) if failure.code == ErrorCode::DatabaseDamaged => {
            core.local()?.preview_rescue(&backup.path, backup.passphrase_file.clone()).await?
        }
        Err(failure) => return Err(failure),
    };
    core.work.choose(ChosenBackup { previewed: true, ..backup });
    Ok(preview)
}

fn no_backup_chosen() -> Failure {
    Failure { code: ErrorCode::NotOffered, message: "Choose a backup first.".to_owned() }
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

/// Starts to restore from the backup of the last preview: everything that is missing, or one meeting. If the database is
/// damaged, everything is restored into a new one, and then the archive is opened.
#[tauri::command]
#[specta::specta]
pub(crate) async fn start_restore(
    handle: AppHandle,
    core: CoreRef<'_>,
    meeting: Option<String>,
) -> CommandResult<()> {
    let backup = core.work.chosen().filter(|chosen| chosen.previewed).ok_or_else(no_backup_chosen)?;
    match core.app() {
        Ok(app) => start_archive_work(&handle, app, NewArchiveWork::Restore(backup, meeting)),
        Err(failure) if failure.code == ErrorCode::DatabaseDamaged && meeting.is_none() => {
            start_rescue(&handle, backup)
        }
        Err(failure) => Err(failure),
    }
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
