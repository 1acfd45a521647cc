//! What MeetMemo can do, for every front end: intake, queue, pipeline, archive, exports, settings.
//!
//! The window and the command line are thin over [`App`], and over [`Local`] for what needs no archive; what crosses to
//! them is in [`view`], and an error they can act on has a [`Code`]. Owns no data: the archive is `store`'s, and several
//! processes with an [`App`] each may use one data folder at the same time. Leaves out printing, windows and arguments.

mod archive;
mod data_folder;
mod doctor;
mod exports;
mod facts;
mod hidden;
mod import;
mod languages;
mod library;
mod local;
pub mod logging;
mod memory;
mod names;
mod refusal;
mod resources;
mod room;
mod settings;
mod sound;
mod speakers;
mod tasks;
mod transcribe;
pub mod view;

pub use ::export::{FORMATS, Format};
pub use data_folder::{DataFolder, documents_folder};
pub use doctor::{Check, State, diagnose};
pub use exports::{ExportRequest, WantedExport, export_format, export_words};
pub use facts::Facts;
pub use hidden::hidden_mode;
pub use import::intake::{Imported, Outcome};
pub use import::list::{ImportList, Interrupted};
pub use import::options::ImportOptions;
pub use local::Local;
pub use names::file_name;
pub use refusal::{Code, Refusal};
pub use resources::Resources;
pub use settings::replace as replace_file;
pub use settings::{Layer, Paper, Preferences, Settings, Theme};
pub use sound::{Listening, Sound};
pub use store::managed::Phase;
pub use store::{ExportId, JobId, News, Topic};
pub use tasks::Scope;
pub use transcribe::choice::Choice;
pub use transcript::AudioTime;

use anyhow::Result;
use std::ops::Deref;
use std::path::PathBuf;
use store::{Pool, Store};

/// The application over one data folder, its archive open. Cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    local: Local,
    store: Store,
    /// Engine processes that keep their model from one recording to the next.
    stable: speech::Stable,
    renewing: sound::Renewing,
}

impl Deref for App {
    type Target = Local;

    fn deref(&self) -> &Local {
        &self.local
    }
}

/// What a front end knows when it starts.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// `--data-dir`.
    pub data_dir: Option<PathBuf>,
    /// Settings of the command line.
    pub settings: Layer,
    /// An executable with the hidden modes other than the running one; for tests.
    pub program: Option<PathBuf>,
}

impl App {
    /// Opens the archive: starts the private server if it is used and not running. `on_phase` is told what takes long.
    /// Needs tokio's multi-thread runtime.
    ///
    /// # Errors
    /// Whatever keeps the archive closed, in a sentence; see [`Code::of`].
    pub async fn open(local: Local, on_phase: &(dyn Fn(Phase) + Send + Sync)) -> Result<Self> {
        let settings = &local.settings;
        let pool = Pool { min_size: settings.db_pool_min_size, max_size: settings.db_pool_max_size };
        let store = Store::open(local.database()?, pool, on_phase).await?;
        Ok(Self { local, store, stable: speech::Stable::new(), renewing: sound::Renewing::default() })
    }

    /// Starts to listen to what changes in the archive, whoever changes it. Whatever is committed after this returns
    /// will be told; a process listens once, however many views it shows.
    ///
    /// # Errors
    /// Where the archive cannot be reached.
    pub async fn news(&self) -> Result<News> {
        Ok(News::listen(&self.store).await?)
    }

    /// What to say while the database gives no answer.
    pub fn no_answer(&self) -> anyhow::Error {
        self.store.no_answer().into()
    }

    /// Environment variables with which PostgreSQL's own tools reach the archive while this value lives.
    ///
    /// # Errors
    /// Where the private server cannot be started.
    pub async fn database_environment(&self) -> Result<Vec<(&'static str, String)>> {
        let store = self.store.clone();
        Ok(tokio::task::spawn_blocking(move || store.tool_environment()).await??)
    }
}
