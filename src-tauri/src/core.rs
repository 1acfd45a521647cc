//! The core behind the window: the open archive, its state, and what runs beside it.
//!
//! The window opens before the archive and stays open when the archive fails; [`CoreState`] tells the page what to show
//! meanwhile. [`opening`] opens the archive; [`check`] finds out
//! later whether it answers, and [`rescue`] restores a backup where it does not open. [`news`] forwards changes to the
//! page as events that carry ids and no content; the page fetches what it shows. [`worker`] processes the queue: an open
//! window is a worker, like the command `meetmemo worker`.

mod archive_work;
mod check;
mod news;
mod opening;
mod rescue;
mod worker;

pub(crate) use archive_work::{
    ArchiveWorkNews, ArchiveWorkState, ChosenBackup, NewArchiveWork, start_archive_work,
};
pub(crate) use news::{ModelNews, NewsItem};
pub(crate) use opening::{open_again, open_in_background};
pub(crate) use rescue::start_rescue;

use crate::failure::Failure;
use app::{App, DataFolder, ErrorCode, LocalApp, StartOptions};
use serde::Serialize;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tauri::AppHandle;
use tauri_specta::Event;
use tokio::sync::watch;

/// How long closing the window waits for the worker to give back its task.
const WORKER_STOP_TIMEOUT: Duration = Duration::from_secs(3);

/// The state of the archive, as an event for the page.
#[derive(Debug, Clone, PartialEq, Serialize, specta::Type, Event)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(crate) enum CoreState {
    /// The archive is being opened.
    Opening {
        /// What is being done.
        phase: OpeningPhase,
    },
    /// The archive is open.
    Ready,
    /// The archive was open, but its database does not answer. It is retried; what the page shows may be outdated.
    Reconnecting(Failure),
    /// The archive could not be opened, or failed.
    Failed(Failure),
}

/// What is being done while the archive opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OpeningPhase {
    /// The database server is starting.
    Starting,
    /// The database is being created, at the first start.
    Creating,
}

/// The state that commands share: the archive, once it is open, and the worker.
pub(crate) struct Core {
    start: StartOptions,
    data: DataFolder,
    state: watch::Sender<CoreState>,
    /// What works without an archive; `None` until the first attempt to open one has prepared it.
    local: Mutex<Option<LocalApp>>,
    /// The open archive; `None` until it was opened.
    app: Mutex<Option<App>>,
    /// Whether the archive is being opened right now.
    opening: AtomicBool,
    /// Long work that the user started.
    pub(crate) work: archive_work::ArchiveWork,
    /// Certificate files that the user chose in a dialog. The page may name these.
    certificates: Mutex<Vec<String>>,
    /// Held while the page's settings or its state are written, so that the newest are written last.
    pub(crate) writing: tokio::sync::Mutex<()>,
    /// Asks the worker to stop.
    stop: watch::Sender<bool>,
    /// Whether the worker has stopped and given back its task. `true` before it starts.
    stopped: watch::Sender<bool>,
}

impl Core {
    pub(crate) fn new(start: StartOptions, data: DataFolder) -> Self {
        Self {
            start,
            data,
            state: watch::Sender::new(CoreState::Opening { phase: OpeningPhase::Starting }),
            local: Mutex::new(None),
            app: Mutex::new(None),
            opening: AtomicBool::new(false),
            work: archive_work::ArchiveWork::default(),
            certificates: Mutex::default(),
            writing: tokio::sync::Mutex::default(),
            stop: watch::Sender::new(false),
            stopped: watch::Sender::new(true),
        }
    }

    pub(crate) fn data(&self) -> &DataFolder {
        &self.data
    }

    pub(crate) fn state(&self) -> CoreState {
        self.state.borrow().clone()
    }

    /// The open archive.
    ///
    /// # Errors
    /// If the archive is not open; the failure says why.
    pub(crate) fn app(&self) -> Result<App, Failure> {
        let app = self.app.lock().expect("no thread panics while it holds this lock").clone();
        app.ok_or_else(|| self.closed())
    }

    /// What works without an archive, such as the speech models.
    ///
    /// # Errors
    /// If it is not prepared yet, or could not be, for example because of invalid settings; the failure says why.
    pub(crate) fn local(&self) -> Result<LocalApp, Failure> {
        let local = self.local.lock().expect("no thread panics while it holds this lock").clone();
        local.ok_or_else(|| self.closed())
    }

    /// Notes that the user chose this certificate file in a dialog.
    pub(crate) fn note_certificate(&self, file: String) {
        self.certificates.lock().expect("no thread panics while it holds this lock").push(file);
    }

    /// Whether the user chose this certificate file in a dialog.
    pub(crate) fn is_chosen_certificate(&self, file: &str) -> bool {
        let chosen = self.certificates.lock().expect("no thread panics while it holds this lock");
        chosen.iter().any(|one| one == file)
    }

    /// Why the archive is not open.
    fn closed(&self) -> Failure {
        match self.state() {
            CoreState::Failed(failure) => failure,
            _ => Failure {
                code: ErrorCode::DatabaseUnreachable,
                message: "The archive is still being opened. Try again in a moment.".to_owned(),
            },
        }
    }

    /// Waits until the archive is open, without limit, and returns it.
    pub(crate) async fn opened(&self) -> Result<App, Failure> {
        let mut state = self.state.subscribe();
        // The sender lives as long as `self`.
        let _ = state.wait_for(|state| *state == CoreState::Ready).await;
        self.app()
    }

    /// Asks the worker to give back its task and waits up to [`WORKER_STOP_TIMEOUT`]. After that the lease of the task
    /// ends by itself and the next worker continues it.
    pub(crate) async fn stop_worker(&self) {
        self.stop.send_replace(true);
        let mut stopped = self.stopped.subscribe();
        let _ = tokio::time::timeout(WORKER_STOP_TIMEOUT, stopped.wait_for(|stopped| *stopped)).await;
    }

    /// Tells the page that the database answers again.
    fn reconnected(&self, handle: &AppHandle) {
        if matches!(self.state(), CoreState::Reconnecting(_)) {
            self.set_state(handle, CoreState::Ready);
        }
    }

    /// Changes the state and tells the page, unless it is the same.
    fn set_state(&self, handle: &AppHandle, state: CoreState) {
        let changed = self.state.send_if_modified(|current| {
            let changed = *current != state;
            current.clone_from(&state);
            changed
        });
        if changed {
            tracing::info!(ready = (state == CoreState::Ready), "the state of the archive changed");
            let _ = state.emit(handle);
        }
    }
}
