//! Commands for known people.

use super::{CoreRef, NO_PERSON, parse_id};
use crate::failure::CommandResult;
use app::view::PeopleView;

/// All known people, and the settings for remembering voices.
#[tauri::command]
#[specta::specta]
pub(crate) async fn people(core: CoreRef<'_>) -> CommandResult<PeopleView> {
    Ok(core.app()?.people().await?)
}

/// Turns remembering voices and automatic naming on or off. Turning it off forgets all voices.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_people(
    core: CoreRef<'_>,
    enabled: bool,
    automatic: bool,
) -> CommandResult<PeopleView> {
    Ok(core.app()?.set_people(enabled, automatic).await?)
}

/// Renames a person.
#[tauri::command]
#[specta::specta]
pub(crate) async fn rename_person(core: CoreRef<'_>, id: String, name: String) -> CommandResult<PeopleView> {
    Ok(core.app()?.rename_person(parse_id(&id, NO_PERSON)?, &name).await?)
}

/// Merges two people.
#[tauri::command]
#[specta::specta]
pub(crate) async fn merge_people(core: CoreRef<'_>, from: String, into: String) -> CommandResult<PeopleView> {
    Ok(core.app()?.merge_people(parse_id(&from, NO_PERSON)?, parse_id(&into, NO_PERSON)?).await?)
}

/// Forgets a person and their voice.
#[tauri::command]
#[specta::specta]
pub(crate) async fn forget_person(core: CoreRef<'_>, id: String) -> CommandResult<PeopleView> {
    Ok(core.app()?.forget_person(parse_id(&id, NO_PERSON)?).await?)
}
