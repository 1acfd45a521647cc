//! The core behind the window: opening the archive, the worker, and news for the page.
//!
//! The window is there before the archive is open and stays when it fails; what it shows meanwhile is [`CoreState`].

use crate::failure::Failure;
use crate::notify::Finished;
use anyhow::Result;
use app::view::ModelState;
use app::{App, Code, DataFolder, Local, Phase, Scope, Start, Topic};
use serde::Serialize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tauri::{AppHandle, Manager};
use tauri_specta::Event;
use tokio::sync::{broadcast, watch};

/// Pause before what ended by an error is begun again.
const PAUSE: Duration = Duration::from_secs(1);

/// A lost connection that is not back after this time is told.
const RESTART: Duration = Duration::from_secs(1);

/// Whether the archive is open.
#[derive(Debug, Clone, PartialEq, Serialize, specta::Type, Event)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(crate) enum CoreState {
    /// It is being opened.
    Opening {
        /// What takes long.
        phase: OpeningPhase,
    },
    /// It is open.
    Ready,
    /// It was open, and its database gives no answer now. It is tried again and again; what is shown may be old.
    Reconnecting(Failure),
    /// It is closed.
    Failed(Failure),
}

/// What is being done while the archive opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OpeningPhase {
    /// The database server starts.
    Starting,
    /// It is made for the first time.
    Creating,
}

/// What changed; the page fetches it.
#[derive(Debug, Clone, Serialize, specta::Type, Event)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum NewsItem {
    /// A recording.
    Job {
        /// Its id.
        id: String,
    },
    /// How far the work on it is.
    Progress {
        /// Its id.
        id: String,
    },
    /// A version of a transcript.
    Transcript {
        /// The version's id.
        id: String,
    },
    /// The speakers of a meeting: who they are and what they are called.
    Speakers {
        /// The meeting's id.
        id: String,
    },
    /// Whose the words of a meeting are.
    Lines {
        /// The meeting's id.
        id: String,
    },
    /// People who are known.
    People,
    /// An export.
    Export {
        /// Its id.
        id: String,
    },
    /// Whatever is shown may be stale.
    Everything,
}

/// Something has become of a speech model in this process.
#[derive(Debug, Clone, Serialize, specta::Type, Event)]
pub(crate) struct ModelNews {
    /// Which one; empty if several may have changed.
    id: String,
    /// What it is doing now; none: the page looks at all of them again.
    state: Option<ModelState>,
}

impl NewsItem {
    /// `None` for a lost connection, of which the page hears as a [`CoreState`], and for what only workers need.
    fn of(topic: Topic) -> Option<Self> {
        Some(match topic {
            Topic::Job(id) => Self::Job { id: id.to_string() },
            Topic::Progress(id) => Self::Progress { id: id.to_string() },
            Topic::Transcript(id) => Self::Transcript { id: id.to_string() },
            Topic::Speakers(id) => Self::Speakers { id: id.to_string() },
            Topic::Lines(id) => Self::Lines { id: id.to_string() },
            Topic::People => Self::People,
            Topic::Export(id) => Self::Export { id: id.to_string() },
            Topic::Everything => Self::Everything,
            Topic::Lost | Topic::Task(_) => return None,
        })
    }
}

/// The core as the commands reach it.
pub(crate) struct Core {
    start: Start,
    data: DataFolder,
    state: watch::Sender<CoreState>,
    local: Mutex<Option<Local>>,
    app: Mutex<Option<App>>,
    /// Whether somebody opens the archive right now.
    opening: AtomicBool,
    /// Held while the page's settings are written, so that the newest are written last.
    pub(crate) writing: tokio::sync::Mutex<()>,
    stop: watch::Sender<bool>,
    /// Whether the worker has given back what it worked on.
    stopped: watch::Sender<bool>,
}

impl Core {
    pub(crate) fn new(start: Start, data: DataFolder) -> Self {
        Self {
            start,
            data,
            state: watch::Sender::new(CoreState::Opening { phase: OpeningPhase::Starting }),
            local: Mutex::new(None),
            app: Mutex::new(None),
            opening: AtomicBool::new(false),
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
    /// While it is closed, with why.
    pub(crate) fn app(&self) -> Result<App, Failure> {
        let app = self.app.lock().expect("nobody panics while holding this").clone();
        app.ok_or_else(|| self.closed())
    }

    /// What needs no archive, such as the speech models.
    ///
    /// # Errors
    /// Where the application cannot even start, with why.
    pub(crate) fn local(&self) -> Result<Local, Failure> {
        let local = self.local.lock().expect("nobody panics while holding this").clone();
        local.ok_or_else(|| self.closed())
    }

    fn closed(&self) -> Failure {
        match self.state() {
            CoreState::Failed(failure) => failure,
            _ => Failure {
                code: Code::DatabaseUnreachable,
                message: "The archive is still being opened. Try again in a moment.".to_owned(),
            },
        }
    }

    /// The archive as soon as it is open; waits as long as that takes.
    pub(crate) async fn opened(&self) -> Result<App, Failure> {
        let mut state = self.state.subscribe();
        // The sender lives as long as `self`.
        let _ = state.wait_for(|state| *state == CoreState::Ready).await;
        self.app()
    }

    /// Asks the worker to give back what it works on, and waits for that a little. Whatever it does not manage, the next
    /// worker takes up.
    pub(crate) async fn finish(&self) {
        self.stop.send_replace(true);
        let mut stopped = self.stopped.subscribe();
        let _ = tokio::time::timeout(Duration::from_secs(3), stopped.wait_for(|stopped| *stopped)).await;
    }

    fn reconnected(&self, handle: &AppHandle) {
        if matches!(self.state(), CoreState::Reconnecting(_)) {
            self.set(handle, CoreState::Ready);
        }
    }

    fn set(&self, handle: &AppHandle, state: CoreState) {
        let changed = self.state.send_if_modified(|now| {
            let changed = *now != state;
            now.clone_from(&state);
            changed
        });
        if changed {
            tracing::info!(ready = (state == CoreState::Ready), "the state of the archive changed");
            let _ = state.emit(handle);
        }
    }
}

/// Opens the archive in the background, unless it is being opened. The page hears how that goes.
pub(crate) fn open_in_background(handle: &AppHandle) {
    let handle = handle.clone();
    tauri::async_runtime::spawn(async move {
        let core = handle.state::<Core>();
        if core.opening.swap(true, Ordering::AcqRel) {
            return;
        }
        let opened = handle.clone();
        // A task of its own, so that a panic in it is told and it can be tried again.
        let ended = tauri::async_runtime::spawn(async move { open(&opened, &opened.state::<Core>()).await });
        if ended.await.is_err() {
            let message = "The archive could not be opened because of a fault in MeetMemo. Try again.";
            let failure = Failure { code: Code::Other, message: message.to_owned() };
            core.set(&handle, CoreState::Failed(failure));
        }
        core.opening.store(false, Ordering::Release);
    });
}

async fn open(handle: &AppHandle, core: &Core) {
    core.set(handle, CoreState::Opening { phase: OpeningPhase::Starting });
    let told = handle.clone();
    let on_phase = move |phase: Phase| {
        let phase = match phase {
            Phase::Creating => OpeningPhase::Creating,
            Phase::Starting => OpeningPhase::Starting,
        };
        told.state::<Core>().set(&told, CoreState::Opening { phase });
    };
    let opened = async {
        let local = match core.local() {
            // The settings may have been put right meanwhile.
            Ok(local) => local.again().await?,
            Err(_) => Local::prepare(core.start.clone()).await?,
        };
        let before = core.local.lock().expect("nobody panics while holding this").replace(local.clone());
        if before.is_none() {
            tauri::async_runtime::spawn(tell_of_models(handle.clone(), local.model_news()));
        }
        let app = App::open(local, &on_phase).await?;
        let news = app.news().await?;
        anyhow::Ok((app, news))
    };
    let opened = opened.await;
    // Not before: opening makes the folder that the log is in.
    let data = core.data.clone();
    let _ = tokio::task::spawn_blocking(move || app::logging::start(&data)).await;
    match opened {
        Ok((app, news)) => {
            *core.app.lock().expect("nobody panics while holding this") = Some(app.clone());
            core.set(handle, CoreState::Ready);
            tauri::async_runtime::spawn(tell(handle.clone(), app.clone(), news));
            tauri::async_runtime::spawn(work(handle.clone(), app));
        }
        Err(error) => {
            tracing::error!(code = ?Code::of(&error), "the archive could not be opened");
            core.set(handle, CoreState::Failed(error.into()));
        }
    }
}

/// Opens the archive after it failed: anew if it never was open, else by trying it.
pub(crate) async fn open_again(handle: &AppHandle) {
    let core = handle.state::<Core>();
    match core.app().ok() {
        None => open_in_background(handle),
        Some(app) => {
            core.set(handle, CoreState::Opening { phase: OpeningPhase::Starting });
            let _ = check(handle, &core, &app).await;
        }
    }
}

/// Tries the archive, which was open before, and tells the page how it stands. Whether it works.
async fn check(handle: &AppHandle, core: &Core, app: &App) -> bool {
    match app.list(None, Some(1)).await {
        Ok(_) => {
            core.set(handle, CoreState::Ready);
            let _ = NewsItem::Everything.emit(handle);
            return true;
        }
        Err(error) if Code::of(&error) == Code::DatabaseUnreachable => {
            core.set(handle, CoreState::Reconnecting(error.into()));
        }
        Err(error) => core.set(handle, CoreState::Failed(error.into())),
    }
    false
}

/// Passes on what changes in the archive, whoever changes it.
async fn tell(handle: AppHandle, app: App, mut news: app::News) {
    let core = handle.state::<Core>();
    let mut finished = Finished::default();
    loop {
        let mut topic = news.next().await;
        if topic == Topic::Lost {
            // The private server is back at once after it was restarted.
            topic = match tokio::time::timeout(RESTART, news.next()).await {
                Ok(topic) => topic,
                Err(_) => {
                    core.set(&handle, CoreState::Reconnecting(app.no_answer().into()));
                    news.next().await
                }
            };
        }
        if let Some(item) = NewsItem::of(topic) {
            let _ = item.emit(&handle);
        }
        if topic == Topic::Everything {
            core.reconnected(&handle);
        }
        if let Topic::Job(id) | Topic::Progress(id) = topic {
            finished.hear(&handle, &app, id).await;
        }
    }
}

/// Passes on what becomes of speech models.
async fn tell_of_models(handle: AppHandle, mut news: broadcast::Receiver<app::view::ModelNews>) {
    loop {
        let told = match news.recv().await {
            Ok(app::view::ModelNews { id, state }) => ModelNews { id, state },
            Err(broadcast::error::RecvError::Lagged(_)) => ModelNews { id: String::new(), state: None },
            Err(broadcast::error::RecvError::Closed) => return,
        };
        let _ = told.emit(&handle);
    }
}

/// Works on the queue for as long as the window lives. Where the archive fails, the page is told, and it is tried again.
async fn work(handle: AppHandle, app: App) {
    let core = handle.state::<Core>();
    core.stopped.send_replace(false);
    while !*core.stop.borrow() {
        let (scope, stop) = (Scope::Everything, core.stop.subscribe());
        let worker = app.clone();
        // A task of its own, so that a panic in it ends nothing else.
        let ended = tokio::spawn(async move { worker.work(&scope, stop).await }).await;
        let error = match ended {
            Ok(Ok(_)) => break,
            Ok(Err(error)) => error,
            Err(panic) => anyhow::anyhow!(panic).context("The work on the queue ended unexpectedly"),
        };
        tracing::warn!(code = ?Code::of(&error), "the worker ended and is begun again");
        if Code::of(&error) == Code::DatabaseUnreachable {
            core.set(&handle, CoreState::Reconnecting(error.into()));
        }
        // Not before the archive works: what this says last is what the page shows.
        loop {
            let works = check(&handle, &core, &app).await;
            tokio::time::sleep(PAUSE).await;
            if works || *core.stop.borrow() {
                break;
            }
        }
    }
    core.stopped.send_replace(true);
}
