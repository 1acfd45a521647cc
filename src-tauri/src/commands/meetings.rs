//! Meetings: what there is of them, their text, their versions.

use super::{CoreRef, NO_VERSION, job_id, parsed};
use crate::failure::Answer;
use crate::listener::Listener;
use app::view::{Choice, Comparison, DeletionView, JobView, MeetingPage, VersionView};
use app::{AudioTime, Code};
use tauri::{AppHandle, State};

/// All meetings, newest first.
#[tauri::command]
#[specta::specta]
pub(crate) async fn meetings(core: CoreRef<'_>) -> Answer<Vec<JobView>> {
    Ok(core.app()?.list(None, None).await?)
}

/// Those of `ids` that exist.
#[tauri::command]
#[specta::specta]
pub(crate) async fn meetings_by_id(core: CoreRef<'_>, ids: Vec<String>) -> Answer<Vec<JobView>> {
    let ids: Vec<_> = ids.iter().filter_map(|id| id.parse().ok()).collect();
    Ok(core.app()?.jobs_by_id(&ids).await?)
}

/// A meeting with its lines that begin at `from_ms` or later.
#[tauri::command]
#[specta::specta]
pub(crate) async fn meeting(core: CoreRef<'_>, id: String, from_ms: u32) -> Answer<MeetingPage> {
    Ok(core.app()?.page(job_id(&id)?, AudioTime::from_ms(from_ms)).await?)
}

/// Gives a meeting a title.
#[tauri::command]
#[specta::specta]
pub(crate) async fn rename(core: CoreRef<'_>, id: String, title: String) -> Answer<JobView> {
    Ok(core.app()?.rename(job_id(&id)?, &title).await?)
}

/// Puts a failed or cancelled recording back into the queue.
#[tauri::command]
#[specta::specta]
pub(crate) async fn retry(core: CoreRef<'_>, id: String) -> Answer<JobView> {
    Ok(core.app()?.retry(job_id(&id)?).await?)
}

/// Stops the work on a recording.
#[tauri::command]
#[specta::specta]
pub(crate) async fn cancel(core: CoreRef<'_>, id: String) -> Answer<JobView> {
    Ok(core.app()?.cancel(job_id(&id)?).await?)
}

/// Has a recording that waits worked on before the others that wait, because somebody looks at it. That is a hint: the
/// page does not wait for it, and nobody is told where it does not work.
#[tauri::command]
#[specta::specta]
pub(crate) async fn bring_forward(core: CoreRef<'_>, id: String) -> Answer<()> {
    let id = job_id(&id)?;
    if let Ok(app) = core.app()
        && let Err(error) = app.bring_forward(id).await
    {
        tracing::warn!(code = ?Code::of(&error), %id, "a recording could not be brought forward");
    }
    Ok(())
}

/// What deleting a meeting would take away and leave.
#[tauri::command]
#[specta::specta]
pub(crate) async fn deletion(core: CoreRef<'_>, id: String) -> Answer<DeletionView> {
    Ok(core.app()?.deletion(job_id(&id)?).await?)
}

/// Deletes a meeting for good.
#[tauri::command]
#[specta::specta]
pub(crate) async fn delete_meeting(core: CoreRef<'_>, id: String) -> Answer<()> {
    core.app()?.delete(job_id(&id)?).await?;
    Ok(())
}

/// What a meeting was or would be transcribed with.
#[tauri::command]
#[specta::specta]
pub(crate) async fn choice(core: CoreRef<'_>, id: String) -> Answer<Choice> {
    Ok(core.app()?.choice(job_id(&id)?).await?)
}

/// Transcribes a meeting again; complete versions stay.
#[tauri::command]
#[specta::specta]
pub(crate) async fn transcribe_again(core: CoreRef<'_>, id: String, choice: Choice) -> Answer<JobView> {
    Ok(core.app()?.transcribe_again(job_id(&id)?, &choice).await?)
}

/// The versions of a meeting's transcript, newest first.
#[tauri::command]
#[specta::specta]
pub(crate) async fn versions(core: CoreRef<'_>, id: String) -> Answer<Vec<VersionView>> {
    Ok(core.app()?.versions(job_id(&id)?).await?)
}

/// A meeting with the lines of one version.
#[tauri::command]
#[specta::specta]
pub(crate) async fn version_page(core: CoreRef<'_>, id: String, version_id: String) -> Answer<MeetingPage> {
    Ok(core.app()?.version_page(job_id(&id)?, parsed(&version_id, NO_VERSION)?).await?)
}

/// Two versions side by side.
#[tauri::command]
#[specta::specta]
pub(crate) async fn compare_versions(
    core: CoreRef<'_>,
    id: String,
    left: String,
    right: String,
) -> Answer<Comparison> {
    Ok(core
        .app()?
        .compare_versions(job_id(&id)?, parsed(&left, NO_VERSION)?, parsed(&right, NO_VERSION)?)
        .await?)
}

/// Makes a version the one that is shown and exported.
#[tauri::command]
#[specta::specta]
pub(crate) async fn make_current(core: CoreRef<'_>, id: String, version_id: String) -> Answer<JobView> {
    Ok(core.app()?.make_current(job_id(&id)?, parsed(&version_id, NO_VERSION)?).await?)
}

/// Address of a recording's sound; none if the audio is not on this computer.
#[tauri::command]
#[specta::specta]
pub(crate) async fn sound(
    core: CoreRef<'_>,
    listener: State<'_, Listener>,
    id: String,
) -> Answer<Option<String>> {
    let id = job_id(&id)?;
    let file = core.app()?.audio_file(id).await?;
    Ok(file.map(|_| listener.address(id)))
}

/// Puts a meeting's words on the clipboard.
#[tauri::command]
#[specta::specta]
pub(crate) async fn copy_transcript(handle: AppHandle, core: CoreRef<'_>, id: String) -> Answer<()> {
    let text = core.app()?.transcript_text(job_id(&id)?).await?;
    put_on_clipboard(&handle, text)
}

/// Puts a text of the page on the clipboard.
#[tauri::command]
#[specta::specta]
pub(crate) async fn copy_text(handle: AppHandle, text: String) -> Answer<()> {
    put_on_clipboard(&handle, text)
}

fn put_on_clipboard(handle: &AppHandle, text: String) -> Answer<()> {
    let put = move || {
        let clipboard = gtk::Clipboard::get(&gtk::gdk::SELECTION_CLIPBOARD);
        clipboard.set_text(&text);
        // Without this the text is gone with the window.
        clipboard.store();
    };
    handle.run_on_main_thread(put).map_err(|error| anyhow::Error::from(error).into())
}
