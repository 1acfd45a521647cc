//! Commands for the database: its figures, its connections, and which server is used.

use super::{CoreRef, blocking};
use crate::core::Core;
use crate::dialogs;
use crate::failure::{CommandResult, Failure};
use app::ErrorCode;
use app::view::{
    ActivityView, ConnectionStep, DatabaseAddress, DatabaseChoice, DatabaseStatusView, EndedView,
    IndexesView, LocksView, MigrationsView, PsqlView, ServerLogView, SlowView, TablesView,
};
use tauri::AppHandle;

/// The server and the database.
#[tauri::command]
#[specta::specta]
pub(crate) async fn database_status(core: CoreRef<'_>) -> CommandResult<DatabaseStatusView> {
    Ok(core.app()?.database_status().await?)
}

/// The tables with their sizes and rows.
#[tauri::command]
#[specta::specta]
pub(crate) async fn database_tables(core: CoreRef<'_>) -> CommandResult<TablesView> {
    Ok(core.app()?.database_tables().await?)
}

/// The indexes and their use.
#[tauri::command]
#[specta::specta]
pub(crate) async fn database_indexes(core: CoreRef<'_>) -> CommandResult<IndexesView> {
    Ok(core.app()?.database_indexes().await?)
}

/// What runs in the database.
#[tauri::command]
#[specta::specta]
pub(crate) async fn database_activity(core: CoreRef<'_>) -> CommandResult<ActivityView> {
    Ok(core.app()?.database_activity().await?)
}

/// Who waits for whom.
#[tauri::command]
#[specta::specta]
pub(crate) async fn database_locks(core: CoreRef<'_>) -> CommandResult<LocksView> {
    Ok(core.app()?.database_locks().await?)
}

/// Slow statements.
#[tauri::command]
#[specta::specta]
pub(crate) async fn slow_statements(core: CoreRef<'_>) -> CommandResult<SlowView> {
    Ok(core.app()?.slow_statements().await?)
}

/// The steps of the schema.
#[tauri::command]
#[specta::specta]
pub(crate) async fn database_migrations(core: CoreRef<'_>) -> CommandResult<MigrationsView> {
    Ok(core.app()?.migrations().await?)
}

/// The end of the server's log.
#[tauri::command]
#[specta::specta]
pub(crate) async fn database_log(core: CoreRef<'_>, lines: u32) -> CommandResult<ServerLogView> {
    Ok(core.app()?.server_log(lines).await?)
}

/// Ends the connection of a server process.
#[tauri::command]
#[specta::specta]
pub(crate) async fn end_connection(core: CoreRef<'_>, pid: i32) -> CommandResult<EndedView> {
    Ok(core.app()?.end_connection(pid).await?)
}

/// Makes a new password for the private server; returns what that means.
#[tauri::command]
#[specta::specta]
pub(crate) async fn change_database_password(core: CoreRef<'_>) -> CommandResult<String> {
    Ok(core.app()?.change_database_password().await?)
}

/// Opens `psql` on the archive in a terminal, or says what is missing for that.
#[tauri::command]
#[specta::specta]
pub(crate) async fn open_psql(core: CoreRef<'_>) -> CommandResult<PsqlView> {
    let local = core.local()?;
    blocking(move || Ok(local.open_psql()?)).await
}

/// Which server is used, without its password.
#[tauri::command]
#[specta::specta]
pub(crate) async fn database_choice(core: CoreRef<'_>) -> CommandResult<DatabaseChoice> {
    Ok(core.local()?.database_choice().await?)
}

/// Lets the user choose the certificate file of a server, which the page may then name in an address. `None` if they
/// cancel.
#[tauri::command]
#[specta::specta]
pub(crate) async fn choose_certificate(
    handle: AppHandle,
    core: CoreRef<'_>,
) -> CommandResult<Option<String>> {
    let Some(file) = dialogs::certificate(&handle).await else { return Ok(None) };
    let Ok(file) = file.into_os_string().into_string() else {
        return Err(refused("The name of this file is not Unicode. Rename the file and choose it again."));
    };
    core.note_certificate(file.clone());
    Ok(Some(file))
}

/// Refuses a certificate file that neither the user chose in a dialog nor the settings name.
async fn ensure_chosen_certificate(core: &Core, address: &DatabaseAddress) -> CommandResult<()> {
    let Some(file) = address.root_certificate.as_deref() else { return Ok(()) };
    if core.is_chosen_certificate(file) {
        return Ok(());
    }
    let saved = core.local()?.database_choice().await?.address.and_then(|saved| saved.root_certificate);
    if saved.as_deref() == Some(file) {
        return Ok(());
    }
    Err(refused("Choose the certificate file with the button."))
}

fn refused(message: &str) -> Failure {
    Failure { code: ErrorCode::NotOffered, message: message.to_owned() }
}

/// Tests each step of the connection that is in use, or with an address of a candidate. An empty password means the
/// stored one.
#[tauri::command]
#[specta::specta]
pub(crate) async fn test_database(
    core: CoreRef<'_>,
    address: Option<DatabaseAddress>,
    password: String,
) -> CommandResult<Vec<ConnectionStep>> {
    let local = core.local()?;
    Ok(match address {
        None => local.test_archive_connection().await?,
        Some(address) => {
            ensure_chosen_certificate(&core, &address).await?;
            local.test_candidate(&address, given(password).as_ref()).await?
        }
    })
}

/// Uses another server from the next start on. An empty password means the stored one.
#[tauri::command]
#[specta::specta]
pub(crate) async fn save_external_database(
    core: CoreRef<'_>,
    address: DatabaseAddress,
    password: String,
) -> CommandResult<DatabaseChoice> {
    ensure_chosen_certificate(&core, &address).await?;
    Ok(core.local()?.save_external_database(&address, given(password).as_ref()).await?)
}

/// Uses the private server from the next start on.
#[tauri::command]
#[specta::specta]
pub(crate) async fn use_private_database(core: CoreRef<'_>) -> CommandResult<DatabaseChoice> {
    Ok(core.local()?.use_private_database().await?)
}

fn given(password: String) -> Option<app::Password> {
    (!password.is_empty()).then(|| password.into())
}
