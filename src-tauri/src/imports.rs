//! Imports that the window started: they run beside everything else, and the page hears how each goes.

use crate::core::Core;
use crate::failure::Failure;
use app::{App, Code, ImportList, ImportOptions, Imported, JobId, Outcome};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tauri::{AppHandle, Manager};
use tauri_specta::Event;
use tokio::sync::watch;
use uuid::Uuid;

/// Sentences kept of one import; beyond, only the count grows.
const MOST_SENTENCES: usize = 500;
/// The page hears of a running import at most this often.
const PAUSE: Duration = Duration::from_millis(200);

/// How an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ImportState {
    /// Folders are being searched.
    Listing,
    /// Files are copied and registered.
    Running,
    /// All files have ended.
    Finished,
    /// The user stopped it; the rest can be continued.
    Stopped,
    /// The archive failed; the rest can be continued.
    Failed,
}

/// An import as the page shows it.
#[derive(Debug, Clone, Serialize, specta::Type, Event)]
pub(crate) struct ImportView {
    /// UUID.
    pub id: String,
    /// How it is.
    pub state: ImportState,
    /// Files that have ended.
    pub done: u32,
    /// Files there are; unknown while folders are searched.
    pub total: Option<u32>,
    /// Ids of the new meetings.
    #[specta(type = Vec<String>)]
    pub imported: Vec<JobId>,
    /// Files whose content was there already.
    pub duplicates: Vec<DuplicateView>,
    /// Sentences on files that could not be added, the first 500.
    pub refused: Vec<String>,
    /// How many there are in all.
    pub refused_count: u32,
    /// Sentences on files in folders that are no recordings, the first 500.
    pub skipped: Vec<String>,
    /// How many there are in all.
    pub skipped_count: u32,
    /// Why it failed as a whole.
    pub message: Option<String>,
}

/// A file whose content was there already.
#[derive(Debug, Clone, Serialize, specta::Type)]
pub(crate) struct DuplicateView {
    /// Name of the file that was added.
    pub file_name: String,
    /// The meeting that has the content.
    #[specta(type = String)]
    pub job_id: JobId,
    /// Its title.
    pub title: String,
    /// Whether the library's copy had been lost or altered and is whole again.
    pub healed: bool,
}

/// An import that a closed or killed program left in the middle.
#[derive(Debug, Clone, Serialize, specta::Type)]
pub(crate) struct InterruptedView {
    /// Its id.
    pub id: String,
    /// Files that had ended.
    pub done: u32,
    /// Files there were.
    pub total: u32,
}

impl From<app::Interrupted> for InterruptedView {
    fn from(interrupted: app::Interrupted) -> Self {
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

    fn add(&mut self, number: usize, imported: &Imported) {
        self.done = count(number);
        match &imported.outcome {
            Outcome::Imported(job) => self.imported.push(job.id),
            Outcome::Duplicate { job, healed } => {
                self.duplicates.push(DuplicateView {
                    file_name: app::file_name(&imported.path),
                    job_id: job.id,
                    title: job.title.clone(),
                    healed: *healed,
                });
            }
            Outcome::Skipped(sentence) => note(&mut self.skipped, &mut self.skipped_count, sentence),
            Outcome::Failed(sentence) => note(&mut self.refused, &mut self.refused_count, sentence),
        }
    }
}

fn note(sentences: &mut Vec<String>, count: &mut u32, sentence: &str) {
    *count += 1;
    if sentences.len() < MOST_SENTENCES {
        sentences.push(sentence.to_owned());
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

struct Running {
    view: ImportView,
    stop: watch::Sender<bool>,
}

/// Imports that run, or ended and were not dismissed, in the order in which they began.
#[derive(Default)]
pub(crate) struct Imports(Mutex<BTreeMap<Uuid, Running>>);

impl Imports {
    pub(crate) fn views(&self) -> Vec<ImportView> {
        self.lock().values().map(|running| running.view.clone()).collect()
    }

    pub(crate) fn stop(&self, id: &str) {
        if let Some(running) =
            id.parse().ok().and_then(|id: Uuid| self.lock().get(&id).map(|r| r.stop.clone()))
        {
            running.send_replace(true);
        }
    }

    /// Forgets what an import that has ended told.
    pub(crate) fn dismiss(&self, id: &str) {
        let Ok(id) = id.parse::<Uuid>() else { return };
        let mut all = self.lock();
        let ended =
            |running: &Running| !matches!(running.view.state, ImportState::Listing | ImportState::Running);
        if all.get(&id).is_some_and(ended) {
            all.remove(&id);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Uuid, Running>> {
        self.0.lock().expect("nobody panics while holding this")
    }

    fn change(&self, handle: &AppHandle, id: Uuid, change: impl FnOnce(&mut ImportView), tell: bool) {
        let view = {
            let mut all = self.lock();
            let Some(running) = all.get_mut(&id) else { return };
            change(&mut running.view);
            tell.then(|| running.view.clone())
        };
        if let Some(view) = view {
            let _ = view.emit(handle);
        }
    }
}

/// What to import.
pub(crate) enum Source {
    Paths(Vec<PathBuf>),
    /// The rest of an interrupted import.
    Interrupted(String),
}

/// Begins an import in the background, as soon as the archive is open.
pub(crate) fn begin(handle: &AppHandle, source: Source) {
    let handle = handle.clone();
    tauri::async_runtime::spawn(async move {
        let id = Uuid::now_v7();
        let (stop, stopped) = watch::channel(false);
        let imports = handle.state::<Imports>();
        imports.lock().insert(id, Running { view: ImportView::new(id), stop });
        imports.change(&handle, id, |_| {}, true);
        let importing = handle.clone();
        // A task of its own, so that a panic in it is told.
        let ended = tauri::async_runtime::spawn(async move { run(&importing, id, source, &stopped).await });
        let ended = ended.await.unwrap_or_else(|_| {
            let message = "The import ended because of a fault in MeetMemo. Add the files again; what was added before stays.";
            Err(Failure { code: Code::Other, message: message.to_owned() })
        });
        imports.change(
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
    imports.change(
        handle,
        id,
        |view| {
            view.state = ImportState::Running;
            view.total = Some(count(total));
            view.done = count(list.done());
        },
        true,
    );
    let mut told = Instant::now();
    let mut done = list.done();
    let mut on_each = |number: usize, imported: &Imported| {
        done = number;
        let tell = told.elapsed() >= PAUSE;
        if tell {
            told = Instant::now();
        }
        imports.change(handle, id, |view| view.add(number, imported), tell);
    };
    app.import(list, stop, &mut on_each).await?;
    Ok(if done < total { ImportState::Stopped } else { ImportState::Finished })
}

async fn list(app: &App, source: Source) -> anyhow::Result<Option<ImportList>> {
    match source {
        Source::Paths(paths) => app.list_files(&paths, ImportOptions::default()).await.map(Some),
        Source::Interrupted(id) => app.continue_import(&id).await,
    }
}
