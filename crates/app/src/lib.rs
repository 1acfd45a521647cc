//! Everything MeetMemo can do, for every front end: import, tasks, transcription, archive, exports, settings.
//!
//! The window and the command line are thin layers over [`App`], and over [`LocalApp`] for what needs no archive. The
//! types they show or print are listed in [`view`]. All errors are [`anyhow::Error`]s. [`ErrorCode::of`] says what a front
//! end can do about one; an error with the code `Other` is only displayed.
//!
//! The crate keeps no state of its own: the archive belongs to `store`, and several processes may each have an [`App`]
//! over the same data folder at the same time. Nothing here prints, parses arguments or shows a window.

mod archive;
mod backup;
mod data_folder;
mod database;
mod doctor;
mod exports;
mod external_database;
mod file_names;
mod hidden_commands;
mod import;
mod language_names;
mod library;
mod local_app;
pub mod logging;
mod models;
mod organisation;
mod out_of_memory;
mod playback;
mod resources;
mod retention;
mod search;
mod secrets;
mod settings;
mod speakers;
mod summaries;
mod system_info;
mod tasks;
mod transcribe;
mod user_error;
pub mod view;

pub use ::export::{ExportOptions, FORMATS, Format, LabelLanguage, SubtitleGuide, SubtitleOptions, Times};
pub use backup::{
    BackupOptions, BackupPhase, BackupProgress, ReadSubset, RestoreOptions, RestoreScope, VerifyOptions,
    backup_folder_in,
};
pub use data_folder::{DataFolder, documents_folder};
pub use database::{DatabaseWork, MaintenanceProgress, VACUUM_FULL_WARNING, size_in_words, time_in_words};
pub use doctor::{Check, CheckState, diagnose};
pub use exports::{
    BatchRequest, CopyRequest, CreatedBatch, ExportRequest, ExportSettings, PendingExport, export_format,
    export_keys, format_views, subtitle_guides,
};
pub use file_names::file_name;
pub use hidden_commands::run_hidden_command;
pub use import::import_files::{ImportOutcome, ImportedFile};
pub use import::list::{ImportList, InterruptedImport};
pub use import::options::ImportOptions;
pub use local_app::LocalApp;
pub use organisation::list::ListRequest;
pub use organisation::{TAG_COLOURS, path_of};
pub use playback::{Playback, PlaybackStream};
pub use resources::Resources;
pub use retention::settings::RetentionSettings;
pub use search::Typing;
pub use secrets::DatabaseUrl;
pub use settings::replace_file;
pub use settings::{Paper, Preferences, Settings, SettingsLayer, Theme};
pub use store::managed::StartPhase;
pub use store::{BatchId, ExportId, FolderId, JobId, Notifications, Password, SummaryId, TagId, Topic};
pub use summaries::StatementEdit;
pub use system_info::SystemInfo;
pub use tasks::WorkScope;
pub use transcribe::options::TranscriptionOptions;
pub use transcript::AudioTime;
pub use user_error::{ErrorCode, UserError, changed_meanwhile};

use anyhow::Result;
use std::ops::Deref;
use std::path::PathBuf;
use store::{OpenOptions, PoolSize, Store};

/// The application over one data folder, with its archive open. Cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    local: LocalApp,
    store: Store,
    /// Engine processes that keep their model loaded between recordings.
    engine_pool: speech::EnginePool,
    index_rebuilds: playback::IndexRebuilds,
}

impl Deref for App {
    type Target = LocalApp;

    fn deref(&self) -> &LocalApp {
        &self.local
    }
}

/// What a front end passes in when it starts.
#[derive(Debug, Clone, Default)]
pub struct StartOptions {
    /// `--data-dir`.
    pub data_dir: Option<PathBuf>,
    /// Settings given on the command line.
    pub settings: SettingsLayer,
    /// The executable that is started for the hidden commands, if not the running one. For tests.
    pub program: Option<PathBuf>,
    /// What this process calls itself in the database server's lists of connections, such as `meetmemo worker`; by
    /// default `meetmemo`.
    pub application: Option<&'static str>,
}

impl App {
    /// Opens the archive; starts the private server if it is used and not running. `on_phase` is called before each
    /// step that takes long. Needs tokio's multi-thread runtime.
    ///
    /// # Errors
    /// Why the archive cannot be opened, as a sentence; see [`ErrorCode::of`].
    pub async fn open(local: LocalApp, on_phase: &(dyn Fn(StartPhase) + Send + Sync)) -> Result<Self> {
        let settings = &local.settings;
        let pool = PoolSize { min_size: settings.db_pool_min_size, max_size: settings.db_pool_max_size };
        let options = OpenOptions {
            pool_size: pool,
            application: local.application(),
            slow_query_ms: Some(settings.slow_query_ms),
        };
        let store = Store::open_with(local.database().await?, options, on_phase).await?;
        let (engine_pool, index_rebuilds) = (speech::EnginePool::new(), playback::IndexRebuilds::default());
        Ok(Self { local, store, engine_pool, index_rebuilds })
    }

    /// Subscribes to changes in the archive, made by any process. Every change committed after this call returns is
    /// reported. One subscription per process is enough, however many views it shows.
    ///
    /// # Errors
    /// If the archive cannot be reached.
    pub async fn news(&self) -> Result<Notifications> {
        Ok(Notifications::listen(&self.store).await?)
    }

    /// The error to show while the database does not respond.
    pub fn unresponsive_database_error(&self) -> anyhow::Error {
        self.store.no_answer_error().into()
    }

    /// Environment variables with which PostgreSQL's own tools reach the archive while this value lives.
    ///
    /// # Errors
    /// If the private server cannot be started.
    pub async fn database_environment(&self) -> Result<Vec<(&'static str, String)>> {
        let store = self.store.clone();
        Ok(tokio::task::spawn_blocking(move || store.tool_environment()).await??)
    }
}
