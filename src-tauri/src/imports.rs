//! Imports that the window started. They run in the background and report their progress to the page. Their state is in
//! the memory of this process; only the list of files of an import outlives it.

use crate::core::Core;
use crate::failure::Failure;
use app::{App, ErrorCode, ImportList, ImportOptions, ImportOutcome, ImportedFile, JobId};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tauri::{AppHandle, Manager};
use tauri_specta::Event;
use tokio::sync::watch;
use uuid::Uuid;

/// Most sentences of each kind that are kept per import; further ones are only counted.
const MAX_SENTENCES: usize = 500;
/// Shortest time between two progress reports of an import.
const REPORT_INTERVAL: Duration = Duration::from_millis(200);

/// The state of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ImportState {
    /// Folders are being searched for files.
    Listing,
    /// Files are being copied and registered.
    Running,
    /// All files have been processed.
    Finished,
    /// The user stopped it; it can be continued.
    Stopped,
    /// The import failed as a whole; it can be continued.
    Failed,
}

/// An import, as an event for the page and as the result of `imports`.
#[derive(Debug, Clone, Serialize, specta::Type, Event)]
pub(crate) struct ImportView {
    /// UUID.
    pub id: String,
    /// The state.
    pub state: ImportState,
    /// Number of files that have been processed.
    pub done: u32,
    /// Number of all files; unknown while folders are searched.
    pub total: Option<u32>,
    /// Ids of the new meetings.
    #[specta(type = Vec<String>)]
    pub imported: Vec<JobId>,
    /// Files whose content is already in the library.
    pub duplicates: Vec<DuplicateView>,
    /// Sentences about files that could not be imported, the first 500.
    pub refused: Vec<String>,
    /// Number of all files that could not be imported.
    pub refused_count: u32,
    /// Sentences about files in folders that are not recordings, the first 500.
    pub skipped: Vec<String>,
    /// Number of all files that are not recordings.
    pub skipped_count: u32,
    /// Why the import failed as a whole.
    pub message: Option<String>,
}

/// A file whose content is already in the library.
#[derive(Debug, Clone, Serialize, specta::Type)]
pub(crate) struct DuplicateView {
    /// Name of the imported file.
    pub file_name: String,
    /// The meeting with the same content.
    #[specta(type = String)]
    pub job_id: JobId,
    /// Title of that meeting.
    pub title: String,
    /// Whether the library's copy was missing or damaged and has been restored from this file.
    pub healed: bool,
    /// Whether that meeting was in the trash and has been taken out of it.
    pub restored: bool,
}

/// An import that was interrupted when the program was closed or killed.
#[derive(Debug, Clone, Serialize, specta::Type)]
pub(crate) struct InterruptedView {
    /// Its id.
    pub id: String,
    /// Number of files that were processed.
    pub done: u32,
    /// Number of all files.
    pub total: u32,
}

impl From<app::InterruptedImport> for InterruptedView {
    fn from(interrupted: app::InterruptedImport) -> Self {
        Self { id: interrupted.id, done: count(interrupted.done), total: count(interrupted.total) }
    }
}

impl ImportView {
    fn new(id: Uuid) -> Self {
        Self {
            id: id.to_string(),
            state: ImportState::Listing,
            done: 0,
            total: None,
            imported: Vec::new(),
            duplicates: Vec::new(),
            refused: Vec::new(),
            refused_count: 0,
            skipped: Vec::new(),
            skipped_count: 0,
            message: None,
        }
    }

    fn add(&mut self, number: usize, imported: &ImportedFile) {
        self.done = count(number);
        match &imported.outcome {
            ImportOutcome::Imported(job) => self.imported.push(job.id),
            ImportOutcome::Duplicate { job, healed, restored } => {
                self.duplicates.push(DuplicateView {
                    file_name: app::file_name(&imported.path),
                    job_id: job.id,
                    title: job.title.clone(),
                    healed: *healed,
                    restored: *restored,
                });
            }
            ImportOutcome::Skipped(sentence) => {
                push_sentence(&mut self.skipped, &mut self.skipped_count, sentence)
            }
            ImportOutcome::Failed(sentence) => {
                push_sentence(&mut self.refused, &mut self.refused_count, sentence)
            }
        }
    }
}

fn push_sentence(sentences: &mut Vec<String>, count: &mut u32, sentence: &str) {
    *count += 1;
    if sentences.len() < MAX_SENTENCES {
        sentences.push(sentence.to_owned());
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

struct ShownImport {
    view: ImportView,
    stop: watch::Sender<bool>,
}

/// Imports that are running, or have ended and were not dismissed, in the order of their start.
#[derive(Default)]
pub(crate) struct Imports(Mutex<BTreeMap<Uuid, ShownImport>>);

impl Imports {
    pub(crate) fn views(&self) -> Vec<ImportView> {
        self.lock().values().map(|import| import.view.clone()).collect()
    }

    pub(crate) fn stop(&self, id: &str) {
        if let Some(stop) =
            id.parse().ok().and_then(|id: Uuid| self.lock().get(&id).map(|import| import.stop.clone()))
        {
            stop.send_replace(true);
        }
    }

    /// Removes an import that has ended; does nothing for one that is running.
    pub(crate) fn dismiss(&self, id: &str) {
        let Ok(id) = id.parse::<Uuid>() else { return };
        let mut all = self.lock();
        let ended =
            |import: &ShownImport| !matches!(import.view.state, ImportState::Listing | ImportState::Running);
        if all.get(&id).is_some_and(ended) {
            all.remove(&id);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Uuid, ShownImport>> {
        self.0.lock().expect("no thread panics while it holds this lock")
    }

    /// Changes the view of an import and, if `report` is set, sends it to the page.
    fn update(&self, handle: &AppHandle, id: Uuid, change: impl FnOnce(&mut ImportView), report: bool) {
        let view = {
            let mut all = self.lock();
            let Some(import) = all.get_mut(&id) else { return };
            change(&mut import.view);
            report.then(|| import.view.clone())
        };
        if let Some(view) = view {
            let _ = view.emit(handle);
        }
    }
}

/// The files to import.
pub(crate) enum Source {
    /// These files, and the recordings in these folders.
    Paths(Vec<PathBuf>),
    /// The remaining files of the interrupted import with this id.
    Interrupted(String),
}

/// Starts an import in the background. It waits until the archive is open.
pub(crate) fn start(handle: &AppHandle, source: Source) {
    let handle = handle.clone();
    tauri::async_runtime::spawn(async move {
        let id = Uuid::now_v7();
        let (stop, stopped) = watch::channel(false);
        let imports = handle.state::<Imports>();
        imports.lock().insert(id, ShownImport { view: ImportView::new(id), stop });
        imports.update(&handle, id, |_| {}, true);
        let importing = handle.clone();
        // A task of its own, so that a panic in it becomes a failure that the page shows.
        let ended = tauri::async_runtime::spawn(async move { run(&importing, id, source, &stopped).await });
        let ended = ended.await.unwrap_or_else(|_| {
            let message = "The import ended because of a fault in MeetMemo. Add the files again; files that were already added are kept.";
            Err(Failure { code: ErrorCode::Other, message: message.to_owned() })
        });
        imports.update(
            &handle,
            id,
            |view| match ended {
                Ok(state) => view.state = state,
                Err(failure) => {
                    view.state = ImportState::Failed;
                    view.message = Some(failure.message);
                }
            },
            true,
        );
    });
}

/// Runs an import and returns how it ended.
async fn run(
    handle: &AppHandle,
    id: Uuid,
    source: Source,
    stop: &watch::Receiver<bool>,
) -> Result<ImportState, Failure> {
    let imports = handle.state::<Imports>();
    let app = handle.state::<Core>().opened().await?;
    let Some(list) = list(&app, source).await? else { return Ok(ImportState::Finished) };
    let total = list.len();
    imports.update(
        handle,
        id,
        |view| {
            view.state = ImportState::Running;
            view.total = Some(count(total));
            view.done = count(list.done());
        },
        true,
    );
    let mut last_report = Instant::now();
    let mut done = list.done();
    let mut on_each = |number: usize, imported: &ImportedFile| {
        done = number;
        let report = last_report.elapsed() >= REPORT_INTERVAL;
        if report {
            last_report = Instant::now();
        }
        imports.update(handle, id, |view| view.add(number, imported), report);
    };
    app.import(list, stop, &mut on_each).await?;
    Ok(if done < total { ImportState::Stopped } else { ImportState::Finished })
}

/// Lists the files to import; `None` if an interrupted import has nothing left to do.
async fn list(app: &App, source: Source) -> anyhow::Result<Option<ImportList>> {
    match source {
        Source::Paths(paths) => app.list_files(&paths, ImportOptions::default()).await.map(Some),
        Source::Interrupted(id) => app.continue_import(&id).await,
    }
}
