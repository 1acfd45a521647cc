//! Commands for the order of the library: pages of the list, folders, tags, bulk changes, the trash, and notes.

use super::{CoreRef, job_id, parse_id};
use crate::failure::CommandResult;
use app::JobId;
use app::view::{
    ChangeResult, FolderView, JobView, MeetingChange, MeetingListPage, NoteView, SavedNote, TagView,
};

const NO_FOLDER: &str = "There is no such folder. It may have been deleted.";
const NO_TAG: &str = "There is no such tag. It may have been deleted.";

/// A page of at most `limit` meetings, newest first; the first one, or the one that begins at `after`.
#[tauri::command]
#[specta::specta]
pub(crate) async fn meetings_page(
    core: CoreRef<'_>,
    after: Option<String>,
    limit: u32,
) -> CommandResult<MeetingListPage> {
    Ok(core.app()?.meetings_page(after.as_deref(), limit).await?)
}

/// All folders, each after the one that it is in, and those beside each other by name.
#[tauri::command]
#[specta::specta]
pub(crate) async fn folders(core: CoreRef<'_>) -> CommandResult<Vec<FolderView>> {
    Ok(core.app()?.folders().await?)
}

/// Makes a folder, at the top or in `parent`.
#[tauri::command]
#[specta::specta]
pub(crate) async fn add_folder(
    core: CoreRef<'_>,
    name: String,
    parent: Option<String>,
) -> CommandResult<FolderView> {
    let parent = parent.map(|id| parse_id(&id, NO_FOLDER)).transpose()?;
    Ok(core.app()?.add_folder(&name, parent).await?)
}

/// Renames a folder and moves it to the top or into `parent`.
#[tauri::command]
#[specta::specta]
pub(crate) async fn change_folder(
    core: CoreRef<'_>,
    id: String,
    name: String,
    parent: Option<String>,
) -> CommandResult<FolderView> {
    let parent = parent.map(|id| parse_id(&id, NO_FOLDER)).transpose()?;
    Ok(core.app()?.change_folder(parse_id(&id, NO_FOLDER)?, &name, parent).await?)
}

/// Deletes a folder. What is in it moves to the folder that it was in.
#[tauri::command]
#[specta::specta]
pub(crate) async fn delete_folder(core: CoreRef<'_>, id: String) -> CommandResult<()> {
    Ok(core.app()?.delete_folder(parse_id(&id, NO_FOLDER)?).await?)
}

/// All tags, by name.
#[tauri::command]
#[specta::specta]
pub(crate) async fn tags(core: CoreRef<'_>) -> CommandResult<Vec<TagView>> {
    Ok(core.app()?.tags().await?)
}

/// Makes a tag; without a colour, with one that few tags have.
#[tauri::command]
#[specta::specta]
pub(crate) async fn add_tag(
    core: CoreRef<'_>,
    name: String,
    colour: Option<String>,
) -> CommandResult<TagView> {
    Ok(core.app()?.add_tag(&name, colour.as_deref()).await?)
}

/// Changes the name and the colour of a tag.
#[tauri::command]
#[specta::specta]
pub(crate) async fn change_tag(
    core: CoreRef<'_>,
    id: String,
    name: String,
    colour: String,
) -> CommandResult<TagView> {
    Ok(core.app()?.change_tag(parse_id(&id, NO_TAG)?, &name, &colour).await?)
}

/// Deletes a tag; the meetings that had it stay.
#[tauri::command]
#[specta::specta]
pub(crate) async fn delete_tag(core: CoreRef<'_>, id: String) -> CommandResult<()> {
    Ok(core.app()?.delete_tag(parse_id(&id, NO_TAG)?).await?)
}

/// Changes the order of meetings: all of them, or none. Unknown ids are skipped.
#[tauri::command]
#[specta::specta]
pub(crate) async fn organise(
    core: CoreRef<'_>,
    change: MeetingChange,
    ids: Vec<String>,
) -> CommandResult<ChangeResult> {
    Ok(core.app()?.organise(&change, &known_ids(&ids)).await?)
}

/// The meetings in the trash, those that came last first.
#[tauri::command]
#[specta::specta]
pub(crate) async fn trashed_meetings(core: CoreRef<'_>) -> CommandResult<Vec<JobView>> {
    Ok(core.app()?.trashed_meetings().await?)
}

/// Deletes meetings of the trash for good; others are skipped. Returns how many were deleted.
#[tauri::command]
#[specta::specta]
pub(crate) async fn delete_now(core: CoreRef<'_>, ids: Vec<String>) -> CommandResult<u32> {
    Ok(core.app()?.delete_trashed(&known_ids(&ids)).await?)
}

/// The note of a meeting.
#[tauri::command]
#[specta::specta]
pub(crate) async fn note(core: CoreRef<'_>, id: String) -> CommandResult<NoteView> {
    Ok(core.app()?.note(job_id(&id)?).await?)
}

/// Saves the note of a meeting, unless it is no longer the one with this revision.
#[tauri::command]
#[specta::specta]
pub(crate) async fn save_note(
    core: CoreRef<'_>,
    id: String,
    text: String,
    revision: u32,
) -> CommandResult<SavedNote> {
    Ok(core.app()?.save_note(job_id(&id)?, &text, revision).await?)
}

/// The ids that are complete; no meeting has another one.
fn known_ids(ids: &[String]) -> Vec<JobId> {
    ids.iter().filter_map(|id| id.parse().ok()).collect()
}
