//! People who are known.

use super::{CoreRef, NO_PERSON, parsed};
use crate::failure::Answer;
use app::view::PeopleView;

/// Everybody whose voice is known.
#[tauri::command]
#[specta::specta]
pub(crate) async fn people(core: CoreRef<'_>) -> Answer<PeopleView> {
    Ok(core.app()?.people().await?)
}

/// Lets voices be remembered, or forgets all of them.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_people(core: CoreRef<'_>, enabled: bool, automatic: bool) -> Answer<PeopleView> {
    Ok(core.app()?.set_people(enabled, automatic).await?)
}

/// Gives a person another name.
#[tauri::command]
#[specta::specta]
pub(crate) async fn rename_person(core: CoreRef<'_>, id: String, name: String) -> Answer<PeopleView> {
    Ok(core.app()?.rename_person(parsed(&id, NO_PERSON)?, &name).await?)
}

/// Makes two people one.
#[tauri::command]
#[specta::specta]
pub(crate) async fn merge_people(core: CoreRef<'_>, from: String, into: String) -> Answer<PeopleView> {
    Ok(core.app()?.merge_people(parsed(&from, NO_PERSON)?, parsed(&into, NO_PERSON)?).await?)
}

/// Forgets a person's voice.
#[tauri::command]
#[specta::specta]
pub(crate) async fn forget_person(core: CoreRef<'_>, id: String) -> Answer<PeopleView> {
    Ok(core.app()?.forget_person(parsed(&id, NO_PERSON)?).await?)
}
