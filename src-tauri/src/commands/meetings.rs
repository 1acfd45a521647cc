//! Commands for meetings: titles, transcripts and their versions, processing, and audio.

use super::{CoreRef, NO_VERSION, job_id, parse_id};
use crate::audio_server::AudioServer;
use crate::failure::CommandResult;
use app::view::{Comparison, DeletionView, JobView, MeetingPage, TranscriptionOptions, VersionView};
use app::{AudioTime, CopyRequest, ErrorCode};
use tauri::{AppHandle, State};

/// The meetings with these ids, also those in the trash; unknown ids are skipped.
#[tauri::command]
#[specta::specta]
pub(crate) async fn meetings_by_id(core: CoreRef<'_>, ids: Vec<String>) -> CommandResult<Vec<JobView>> {
    let ids: Vec<_> = ids.iter().filter_map(|id| id.parse().ok()).collect();
    Ok(core.app()?.jobs_by_id(&ids).await?)
}

/// A meeting with its segments that begin at `from_ms` or later.
#[tauri::command]
#[specta::specta]
pub(crate) async fn meeting(core: CoreRef<'_>, id: String, from_ms: u32) -> CommandResult<MeetingPage> {
    Ok(core.app()?.page(job_id(&id)?, AudioTime::from_ms(from_ms)).await?)
}

/// Changes the title of a meeting; with `expected`, only if that is its title now.
#[tauri::command]
#[specta::specta]
pub(crate) async fn rename(
    core: CoreRef<'_>,
    id: String,
    title: String,
    expected: Option<String>,
) -> CommandResult<JobView> {
    Ok(core.app()?.rename(job_id(&id)?, &title, expected.as_deref()).await?)
}

/// Puts a failed or cancelled recording back into the queue.
#[tauri::command]
#[specta::specta]
pub(crate) async fn retry(core: CoreRef<'_>, id: String) -> CommandResult<JobView> {
    Ok(core.app()?.retry(job_id(&id)?).await?)
}

/// Cancels the processing of a recording.
#[tauri::command]
#[specta::specta]
pub(crate) async fn cancel(core: CoreRef<'_>, id: String) -> CommandResult<JobView> {
    Ok(core.app()?.cancel(job_id(&id)?).await?)
}

/// Moves a waiting recording to the front of the queue, because the user has opened it. Failures are only logged.
#[tauri::command]
#[specta::specta]
pub(crate) async fn bring_forward(core: CoreRef<'_>, id: String) -> CommandResult<()> {
    let id = job_id(&id)?;
    if let Ok(app) = core.app()
        && let Err(error) = app.bring_forward(id).await
    {
        tracing::warn!(code = ?ErrorCode::of(&error), %id, "a recording could not be brought forward");
    }
    Ok(())
}

/// What deleting a meeting for good would remove and what it would leave.
#[tauri::command]
#[specta::specta]
pub(crate) async fn deletion(core: CoreRef<'_>, id: String) -> CommandResult<DeletionView> {
    Ok(core.app()?.deletion(job_id(&id)?).await?)
}

/// The options with which a meeting was or would be transcribed.
#[tauri::command]
#[specta::specta]
pub(crate) async fn transcription_options(
    core: CoreRef<'_>,
    id: String,
) -> CommandResult<TranscriptionOptions> {
    Ok(core.app()?.transcription_options(job_id(&id)?).await?)
}

/// Transcribes a meeting again. Complete versions are kept.
#[tauri::command]
#[specta::specta]
pub(crate) async fn transcribe_again(
    core: CoreRef<'_>,
    id: String,
    options: TranscriptionOptions,
) -> CommandResult<JobView> {
    Ok(core.app()?.transcribe_again(job_id(&id)?, &options).await?)
}

/// The versions of a meeting's transcript, newest first.
#[tauri::command]
#[specta::specta]
pub(crate) async fn versions(core: CoreRef<'_>, id: String) -> CommandResult<Vec<VersionView>> {
    Ok(core.app()?.versions(job_id(&id)?).await?)
}

/// A meeting with the segments of one version.
#[tauri::command]
#[specta::specta]
pub(crate) async fn version_page(
    core: CoreRef<'_>,
    id: String,
    version_id: String,
) -> CommandResult<MeetingPage> {
    Ok(core.app()?.version_page(job_id(&id)?, parse_id(&version_id, NO_VERSION)?).await?)
}

/// Compares two versions of a meeting.
#[tauri::command]
#[specta::specta]
pub(crate) async fn compare_versions(
    core: CoreRef<'_>,
    id: String,
    left: String,
    right: String,
) -> CommandResult<Comparison> {
    Ok(core
        .app()?
        .compare_versions(job_id(&id)?, parse_id(&left, NO_VERSION)?, parse_id(&right, NO_VERSION)?)
        .await?)
}

/// Makes a version the current one, which is shown and exported.
#[tauri::command]
#[specta::specta]
pub(crate) async fn make_current(
    core: CoreRef<'_>,
    id: String,
    version_id: String,
) -> CommandResult<JobView> {
    Ok(core.app()?.make_current(job_id(&id)?, parse_id(&version_id, NO_VERSION)?).await?)
}

/// The address of a recording's audio; `None` if the audio is not on this computer.
#[tauri::command]
#[specta::specta]
pub(crate) async fn sound(
    core: CoreRef<'_>,
    server: State<'_, AudioServer>,
    id: String,
) -> CommandResult<Option<String>> {
    let id = job_id(&id)?;
    let file = core.app()?.audio_file(id).await?;
    Ok(file.map(|_| server.address(id)))
}

/// Copies the transcript of a meeting, or a part of it, to the clipboard.
#[tauri::command]
#[specta::specta]
pub(crate) async fn copy_transcript(
    handle: AppHandle,
    core: CoreRef<'_>,
    id: String,
    request: CopyRequest,
) -> CommandResult<()> {
    let text = core.app()?.transcript_text(job_id(&id)?, &request).await?;
    copy_to_clipboard(&handle, text)
}

/// Copies a text of the page to the clipboard.
#[tauri::command]
#[specta::specta]
pub(crate) async fn copy_text(handle: AppHandle, text: String) -> CommandResult<()> {
    copy_to_clipboard(&handle, text)
}

fn copy_to_clipboard(handle: &AppHandle, text: String) -> CommandResult<()> {
    let copy = move || {
        let clipboard = gtk::Clipboard::get(&gtk::gdk::SELECTION_CLIPBOARD);
        clipboard.set_text(&text);
        // Without this the text is lost when the window closes.
        clipboard.store();
    };
    handle.run_on_main_thread(copy).map_err(|error| anyhow::Error::from(error).into())
}
