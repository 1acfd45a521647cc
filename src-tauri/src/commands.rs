//! What the page may call. Each parses, calls `app`, and converts.
//!
//! The page names meetings, exports and models by id. Paths come from it in [`import_paths`] (with [`describe_drop`],
//! which says what that would do) and [`import_models`] only: a copy is made of what is a recording or a speech model,
//! nothing is shown or changed.

use crate::about::{self, About};
use crate::closing;
use crate::core::{self, Core, CoreState};
use crate::dialogs;
use crate::failure::{Answer, Failure};
use crate::imports::{self, ImportView, Imports, InterruptedView, Source};
use crate::kept::WindowState;
use crate::listener::Listener;
use app::view::{
    Choice, Comparison, DeletionView, DropView, Expected, ExportView, JobView, MeetingPage, ModelRoom,
    PeopleView, SpeakersView, Stretch, VersionView, Whom,
};
use app::{AudioTime, Code, ExportRequest, Format, JobId, Preferences};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use tauri::{AppHandle, State};
use tauri_plugin_opener::OpenerExt;

type CoreRef<'a> = State<'a, Core>;

/// How long the page of speech models waits for what the archive knows of them.
const SPEEDS: Duration = Duration::from_secs(1);

/// Whether the archive is open.
#[tauri::command]
#[specta::specta]
pub(crate) fn core_state(core: CoreRef<'_>) -> CoreState {
    core.state()
}

/// Tries to open the archive once more.
#[tauri::command]
#[specta::specta]
pub(crate) async fn open_again(handle: AppHandle) {
    core::open_again(&handle).await;
}

/// Closes the window although work goes on.
#[tauri::command]
#[specta::specta]
pub(crate) async fn close_window(handle: AppHandle) {
    closing::close(&handle).await;
}

/// The user wants to keep the window open.
#[tauri::command]
#[specta::specta]
pub(crate) fn keep_open(asked: State<'_, closing::Asked>) {
    asked.forget();
}

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

/// Has a recording that waits worked on before the others that wait.
#[tauri::command]
#[specta::specta]
pub(crate) async fn bring_forward(core: CoreRef<'_>, id: String) -> Answer<()> {
    Ok(core.app()?.bring_forward(job_id(&id)?).await?)
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

/// All speech models, and what new recordings are transcribed with.
#[tauri::command]
#[specta::specta]
pub(crate) async fn model_room(core: CoreRef<'_>) -> Answer<ModelRoom> {
    let mut room = core.local()?.model_room().await?;
    if let (Ok(app), CoreState::Ready) = (core.app(), core.state()) {
        // The page does not wait long for what only ranks the models.
        let added = tokio::time::timeout(SPEEDS, app.add_speeds(&mut room)).await;
        if !matches!(added, Ok(Ok(()))) {
            tracing::warn!("the archive does not say how fast the speech models are");
        }
    }
    Ok(room)
}

/// Begins to download a model, or goes on; the rest comes as news, failures included.
#[tauri::command]
#[specta::specta]
pub(crate) async fn install_model(core: CoreRef<'_>, id: String) -> Answer<()> {
    let local = core.local()?;
    tauri::async_runtime::spawn(async move {
        if let Err(error) = local.install_model(&id, |_| {}).await {
            tracing::warn!(code = ?Code::of(&error), "a model could not be installed");
        }
    });
    Ok(())
}

/// Stops a download; what has come stays.
#[tauri::command]
#[specta::specta]
pub(crate) fn stop_install(core: CoreRef<'_>, id: String) -> Answer<()> {
    core.local()?.stop_install(&id);
    Ok(())
}

/// Removes a model, or what has come of one.
#[tauri::command]
#[specta::specta]
pub(crate) async fn remove_model(core: CoreRef<'_>, id: String) -> Answer<()> {
    Ok(core.local()?.remove_model(&id).await?)
}

/// Lets the user choose a model file, and adds it; whether there was one.
#[tauri::command]
#[specta::specta]
pub(crate) async fn choose_model_file(handle: AppHandle, core: CoreRef<'_>, link: bool) -> Answer<bool> {
    let local = core.local()?;
    let Some(path) = dialogs::model(&handle).await else { return Ok(false) };
    local.import_model(&path, link).await?;
    Ok(true)
}

/// Copies dropped model files. All are tried; the first that is refused is told.
#[tauri::command]
#[specta::specta]
pub(crate) async fn import_models(core: CoreRef<'_>, paths: Vec<PathBuf>) -> Answer<()> {
    let local = core.local()?;
    let mut refused = None;
    for path in paths {
        if let Err(error) = local.import_model(&path, false).await {
            refused.get_or_insert(error);
        }
    }
    refused.map_or(Ok(()), |error| Err(error.into()))
}

/// Changes what new recordings are transcribed with.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_defaults(core: CoreRef<'_>, choice: Choice) -> Answer<()> {
    Ok(core.local()?.set_defaults(&choice).await?)
}

/// Lets the user choose files to add; whether there were any.
#[tauri::command]
#[specta::specta]
pub(crate) async fn choose_files(handle: AppHandle) -> bool {
    begin_if_any(&handle, dialogs::files(&handle).await)
}

/// Lets the user choose folders to add; whether there were any.
#[tauri::command]
#[specta::specta]
pub(crate) async fn choose_folder(handle: AppHandle) -> bool {
    begin_if_any(&handle, dialogs::folders(&handle).await)
}

fn begin_if_any(handle: &AppHandle, paths: Vec<PathBuf>) -> bool {
    let any = !paths.is_empty();
    if any {
        imports::begin(handle, Source::Paths(paths));
    }
    any
}

/// Adds what was dropped on the window.
#[tauri::command]
#[specta::specta]
pub(crate) fn import_paths(handle: AppHandle, paths: Vec<PathBuf>) {
    begin_if_any(&handle, paths);
}

/// What adding these files and folders would do.
#[tauri::command]
#[specta::specta]
pub(crate) async fn describe_drop(core: CoreRef<'_>, paths: Vec<PathBuf>) -> Answer<DropView> {
    let app = core.app()?;
    blocking(move || Ok(app.describe_drop(&paths))).await
}

/// Imports that run, or ended and were not dismissed.
#[tauri::command]
#[specta::specta]
pub(crate) fn imports(imports: State<'_, Imports>) -> Vec<ImportView> {
    imports.views()
}

/// Stops an import after the files in progress.
#[tauri::command]
#[specta::specta]
pub(crate) fn stop_import(imports: State<'_, Imports>, id: String) {
    imports.stop(&id);
}

/// Puts the summary of an import away.
#[tauri::command]
#[specta::specta]
pub(crate) fn dismiss_import(imports: State<'_, Imports>, id: String) {
    imports.dismiss(&id);
}

/// Imports that ended in the middle.
#[tauri::command]
#[specta::specta]
pub(crate) async fn interrupted_imports(core: CoreRef<'_>) -> Answer<Vec<InterruptedView>> {
    Ok(core.app()?.interrupted_imports().await?.into_iter().map(Into::into).collect())
}

/// Takes up an import that ended in the middle.
#[tauri::command]
#[specta::specta]
pub(crate) fn continue_import(handle: AppHandle, id: String) {
    imports::begin(&handle, Source::Interrupted(id));
}

/// Forgets what an interrupted import had left to do.
#[tauri::command]
#[specta::specta]
pub(crate) async fn forget_import(core: CoreRef<'_>, id: String) -> Answer<()> {
    Ok(core.app()?.forget_import(&id).await?)
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

/// Asks where to save a meeting's words and begins to write them; none if the user thought better of it.
#[tauri::command]
#[specta::specta]
pub(crate) async fn export_meeting(
    handle: AppHandle,
    core: CoreRef<'_>,
    id: String,
    format: String,
) -> Answer<Option<ExportView>> {
    let app = core.app()?;
    let id = job_id(&id)?;
    let meeting = app.find(id).await?;
    let format = app::export_format(&format)?;
    let name = format.file_name(&meeting.title);
    let Some(path) = dialogs::save(&handle, name, format.label).await else { return Ok(None) };
    // The dialog has asked before it gave the name of a file that exists.
    let request = ExportRequest { format, output: Some(path), replace: true };
    let wanted = app.create_export(id, &request).await?;
    let begun = app.export(wanted.id).await?;
    tauri::async_runtime::spawn(async move {
        if let Err(error) = app.run_export(wanted).await {
            tracing::warn!(code = ?Code::of(&error), "an export could not be made");
        }
    });
    Ok(begun)
}

/// A format that the window offers.
#[derive(Debug, Clone, Copy, serde::Serialize, specta::Type)]
pub(crate) struct ExportFormat {
    /// The word that names it.
    word: &'static str,
    /// What it is called.
    label: &'static str,
    /// The end of a file's name, without the dot.
    extension: &'static str,
}

impl ExportFormat {
    /// Those of the menu, in its order.
    pub(crate) fn offered() -> Vec<Self> {
        let offered = app::FORMATS.iter().filter(|format| format.in_menu);
        offered.map(|&Format { word, label, extension, .. }| Self { word, label, extension }).collect()
    }
}

/// An export as it stands.
#[tauri::command]
#[specta::specta]
pub(crate) async fn export_job(core: CoreRef<'_>, export_id: String) -> Answer<Option<ExportView>> {
    Ok(core.app()?.export(parsed(&export_id, NO_EXPORT)?).await?)
}

/// Shows the file of an export in its folder.
#[tauri::command]
#[specta::specta]
pub(crate) async fn show_export(handle: AppHandle, core: CoreRef<'_>, export_id: String) -> Answer<()> {
    let export = core.app()?.export(parsed(&export_id, NO_EXPORT)?).await?;
    let path = export.and_then(|export| export.path).map(PathBuf::from);
    blocking(move || {
        let Some(path) = path.filter(|path| path.exists()) else {
            let message = "The file is not where it was saved any more. Export it once more.".to_owned();
            return Err(Failure { code: Code::NotFound, message });
        };
        if handle.opener().reveal_item_in_dir(&path).is_ok() {
            return Ok(());
        }
        // A desktop whose file manager cannot be asked to mark a file: its folder will do.
        show_folder(&handle, path.parent().map(PathBuf::from).unwrap_or(path))
    })
    .await
}

fn show_folder(handle: &AppHandle, folder: PathBuf) -> Answer<()> {
    handle.opener().open_path(folder.to_string_lossy(), None::<&str>).map_err(|error| {
        anyhow::Error::from(error).context(format!("{} could not be opened", folder.display())).into()
    })
}

/// What the window's settings are. Also while the archive is closed.
#[tauri::command]
#[specta::specta]
pub(crate) async fn preferences(core: CoreRef<'_>) -> Answer<Preferences> {
    let data = core.data().clone();
    blocking(move || Ok(Preferences::read(data.path())?)).await
}

/// Changes the window's settings.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_preferences(core: CoreRef<'_>, preferences: Preferences) -> Answer<()> {
    let data = core.data().clone();
    let _writing = core.writing.lock().await;
    blocking(move || Ok(preferences.write(data.path())?)).await
}

/// How the page was left.
#[tauri::command]
#[specta::specta]
pub(crate) async fn window_state(core: CoreRef<'_>) -> Answer<WindowState> {
    let data = core.data().clone();
    blocking(move || Ok(WindowState::read(&data))).await
}

/// Keeps how the page is.
#[tauri::command]
#[specta::specta]
pub(crate) async fn set_window_state(core: CoreRef<'_>, state: WindowState) -> Answer<()> {
    let data = core.data().clone();
    let _writing = core.writing.lock().await;
    blocking(move || Ok(state.write(&data)?)).await
}

/// What the program is and comes with.
#[tauri::command]
#[specta::specta]
pub(crate) async fn about(core: CoreRef<'_>) -> Answer<About> {
    about::about(&core.app()?).await
}

/// All licence texts.
#[tauri::command]
#[specta::specta]
pub(crate) async fn licences(core: CoreRef<'_>) -> Answer<String> {
    about::licences(core.local()?.resources().clone()).await
}

/// Opens the folder of log files. Also while the archive is closed.
#[tauri::command]
#[specta::specta]
pub(crate) async fn open_log_folder(handle: AppHandle, core: CoreRef<'_>) -> Answer<()> {
    let folder = core.data().logs();
    blocking(move || show_folder(&handle, folder)).await
}

/// Opens the data folder.
#[tauri::command]
#[specta::specta]
pub(crate) async fn open_data_folder(handle: AppHandle, core: CoreRef<'_>) -> Answer<()> {
    let folder = core.data().path().to_owned();
    blocking(move || show_folder(&handle, folder)).await
}

/// Does what may wait for a disk or a file server without holding up anything else.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Answer<T> + Send + 'static) -> Answer<T> {
    tokio::task::spawn_blocking(work).await.map_err(anyhow::Error::from)?
}

/// What is said of an id that is none.
const NO_MEETING: &str = "There is no such meeting.";
const NO_VERSION: &str = "There is no such version of this meeting.";
const NO_SPEAKER: &str = "There is no such speaker in this meeting.";
const NO_PERSON: &str = "This person is not known.";
const NO_EXPORT: &str = "There is no such export.";

fn job_id(text: &str) -> Answer<JobId> {
    parsed(text, NO_MEETING)
}

/// An id as the page spells it: in full; beginnings of ids are for the command line.
fn parsed<T: FromStr>(text: &str, otherwise: &str) -> Answer<T> {
    text.parse().map_err(|_| Failure { code: Code::NotFound, message: otherwise.to_owned() })
}
