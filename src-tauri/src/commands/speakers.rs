//! Commands for the speakers of a meeting.

use super::{CoreRef, NO_PERSON, NO_SPEAKER, job_id, parse_id};
use crate::failure::CommandResult;
use app::view::{AssignTarget, JobView, SpeakerCount, SpeakersView, TextSelection};
use app::{ErrorCode, JobId};

/// The speakers of a meeting. Also updates outdated voice embeddings of its known people, in the background.
#[tauri::command]
#[specta::specta]
pub(crate) async fn speakers(core: CoreRef<'_>, id: String) -> CommandResult<SpeakersView> {
    let app = core.app()?;
    let id = job_id(&id)?;
    let view = app.speakers(id).await?;
    tauri::async_runtime::spawn(async move { log_failure(app.relearn_outdated_voices(id).await) });
    Ok(view)
}

/// Names a speaker; `None` removes the name.
#[tauri::command]
#[specta::specta]
pub(crate) async fn name_speaker(
    core: CoreRef<'_>,
    id: String,
    speaker_id: String,
    name: Option<String>,
    person_id: Option<String>,
) -> CommandResult<SpeakersView> {
    let app = core.app()?;
    let id = job_id(&id)?;
    let person = person_id.map(|id| parse_id(&id, NO_PERSON)).transpose()?;
    let speaker = parse_id(&speaker_id, NO_SPEAKER)?;
    let view = app.name_speaker(id, speaker, name.as_deref(), person).await?;
    learn_voices(app, id);
    Ok(view)
}

/// Learns the voices of named speakers in the background, which may take a few seconds.
fn learn_voices(app: app::App, id: JobId) {
    tauri::async_runtime::spawn(async move { log_failure(app.learn_named_voices(id).await) });
}

fn log_failure(learnt: anyhow::Result<()>) {
    if let Err(error) = learnt {
        tracing::warn!(code = ?ErrorCode::of(&error), "a voice could not be learnt");
    }
}

/// Merges two speakers.
#[tauri::command]
#[specta::specta]
pub(crate) async fn merge_speakers(
    core: CoreRef<'_>,
    id: String,
    from: String,
    into: String,
) -> CommandResult<SpeakersView> {
    Ok(core
        .app()?
        .merge_speakers(job_id(&id)?, parse_id(&from, NO_SPEAKER)?, parse_id(&into, NO_SPEAKER)?)
        .await?)
}

/// Adds a speaker.
#[tauri::command]
#[specta::specta]
pub(crate) async fn add_speaker(
    core: CoreRef<'_>,
    id: String,
    name: Option<String>,
) -> CommandResult<SpeakersView> {
    Ok(core.app()?.add_speaker(job_id(&id)?, name.as_deref()).await?)
}

/// Assigns words to a speaker.
#[tauri::command]
#[specta::specta]
pub(crate) async fn assign(
    core: CoreRef<'_>,
    id: String,
    stretch: TextSelection,
    whom: AssignTarget,
) -> CommandResult<SpeakersView> {
    Ok(core.app()?.assign_words(job_id(&id)?, &stretch, &whom).await?)
}

/// Undoes the last correction of the speakers.
#[tauri::command]
#[specta::specta]
pub(crate) async fn undo_speakers(core: CoreRef<'_>, id: String) -> CommandResult<SpeakersView> {
    Ok(core.app()?.undo_speakers(job_id(&id)?).await?)
}

/// Redoes the last correction that was undone.
#[tauri::command]
#[specta::specta]
pub(crate) async fn redo_speakers(core: CoreRef<'_>, id: String) -> CommandResult<SpeakersView> {
    let app = core.app()?;
    let id = job_id(&id)?;
    let view = app.redo_speakers(id).await?;
    learn_voices(app, id);
    Ok(view)
}

/// Diarizes a recording again.
#[tauri::command]
#[specta::specta]
pub(crate) async fn rerun_speakers(
    core: CoreRef<'_>,
    id: String,
    expected: SpeakerCount,
) -> CommandResult<JobView> {
    Ok(core.app()?.rerun_speakers(job_id(&id)?, expected).await?)
}

/// Rejects the suggestion that a speaker is a known person.
#[tauri::command]
#[specta::specta]
pub(crate) async fn refuse_suggestion(
    core: CoreRef<'_>,
    id: String,
    speaker_id: String,
    person_id: String,
) -> CommandResult<SpeakersView> {
    Ok(core
        .app()?
        .refuse_suggestion(job_id(&id)?, parse_id(&speaker_id, NO_SPEAKER)?, parse_id(&person_id, NO_PERSON)?)
        .await?)
}
