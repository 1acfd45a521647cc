//! Who speaks in a meeting.

use super::{CoreRef, NO_PERSON, NO_SPEAKER, job_id, parsed};
use crate::failure::Answer;
use app::view::{Expected, JobView, SpeakersView, Stretch, Whom};
use app::{Code, JobId};

/// Who speaks in a meeting.
#[tauri::command]
#[specta::specta]
pub(crate) async fn speakers(core: CoreRef<'_>, id: String) -> Answer<SpeakersView> {
    let app = core.app()?;
    let id = job_id(&id)?;
    let view = app.speakers(id).await?;
    tauri::async_runtime::spawn(async move { told(app.learn_anew(id).await) });
    Ok(view)
}

/// Names a speaker; none takes the name away.
#[tauri::command]
#[specta::specta]
pub(crate) async fn name_speaker(
    core: CoreRef<'_>,
    id: String,
    speaker_id: String,
    name: Option<String>,
    person_id: Option<String>,
) -> Answer<SpeakersView> {
    let app = core.app()?;
    let id = job_id(&id)?;
    let person = person_id.map(|id| parsed(&id, NO_PERSON)).transpose()?;
    let speaker = parsed(&speaker_id, NO_SPEAKER)?;
    let view = app.name_speaker(id, speaker, name.as_deref(), person).await?;
    learn(app, id);
    Ok(view)
}

/// Learns the voices of who was named, which may take a few seconds.
fn learn(app: app::App, id: JobId) {
    tauri::async_runtime::spawn(async move { told(app.learn_names(id).await) });
}

fn told(learnt: anyhow::Result<()>) {
    if let Err(error) = learnt {
        tracing::warn!(code = ?Code::of(&error), "a voice could not be learnt");
    }
}

/// Makes two speakers one.
#[tauri::command]
#[specta::specta]
pub(crate) async fn merge_speakers(
    core: CoreRef<'_>,
    id: String,
    from: String,
    into: String,
) -> Answer<SpeakersView> {
    Ok(core
        .app()?
        .merge_speakers(job_id(&id)?, parsed(&from, NO_SPEAKER)?, parsed(&into, NO_SPEAKER)?)
        .await?)
}

/// Adds a speaker.
#[tauri::command]
#[specta::specta]
pub(crate) async fn add_speaker(core: CoreRef<'_>, id: String, name: Option<String>) -> Answer<SpeakersView> {
    Ok(core.app()?.add_speaker(job_id(&id)?, name.as_deref()).await?)
}

/// Gives words to somebody.
#[tauri::command]
#[specta::specta]
pub(crate) async fn assign(
    core: CoreRef<'_>,
    id: String,
    stretch: Stretch,
    whom: Whom,
) -> Answer<SpeakersView> {
    Ok(core.app()?.assign(job_id(&id)?, &stretch, &whom).await?)
}

/// Takes back what was done last with the speakers.
#[tauri::command]
#[specta::specta]
pub(crate) async fn undo_speakers(core: CoreRef<'_>, id: String) -> Answer<SpeakersView> {
    Ok(core.app()?.undo_speakers(job_id(&id)?).await?)
}

/// Does once more what was taken back.
#[tauri::command]
#[specta::specta]
pub(crate) async fn redo_speakers(core: CoreRef<'_>, id: String) -> Answer<SpeakersView> {
    let app = core.app()?;
    let id = job_id(&id)?;
    let view = app.redo_speakers(id).await?;
    learn(app, id);
    Ok(view)
}

/// Has the speakers told apart once more.
#[tauri::command]
#[specta::specta]
pub(crate) async fn rerun_speakers(core: CoreRef<'_>, id: String, expected: Expected) -> Answer<JobView> {
    Ok(core.app()?.rerun_speakers(job_id(&id)?, expected).await?)
}

/// A speaker is not who was suggested.
#[tauri::command]
#[specta::specta]
pub(crate) async fn refuse_suggestion(
    core: CoreRef<'_>,
    id: String,
    speaker_id: String,
    person_id: String,
) -> Answer<SpeakersView> {
    Ok(core
        .app()?
        .refuse_suggestion(job_id(&id)?, parsed(&speaker_id, NO_SPEAKER)?, parsed(&person_id, NO_PERSON)?)
        .await?)
}
