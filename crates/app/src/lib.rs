//! What MeetMemo can do, for every front end: intake, queue, pipeline, archive, exports, settings.
//!
//! The window and the command line are thin over [`App`]; what crosses to them is in [`view`], and an error they can
//! act on has a [`Code`]. Owns no data: the archive is `store`'s, and several processes with an [`App`] each may use
//! one data folder at the same time. Leaves out printing, windows and arguments.

mod archive;
mod choice;
mod data_folder;
mod doctor;
mod drop;
mod exports;
mod facts;
mod hidden;
mod import_list;
mod intake;
mod language_vote;
mod languages;
mod leftovers;
mod library;
pub mod logging;
mod memory;
mod names;
mod people;
mod pipeline;
mod refusal;
mod resources;
mod room;
mod settings;
mod sound;
mod speakers;
mod tasks;
mod tell_apart;
mod versions;
pub mod view;

pub use choice::Choice;
pub use data_folder::{DataFolder, documents_folder};
pub use doctor::{Check, State, diagnose};
pub use exports::{ExportRequest, ExportType, WantedExport};
pub use facts::Facts;
pub use hidden::hidden_mode;
pub use import_list::{ImportList, Interrupted};
pub use intake::{ImportOptions, Imported, Outcome};
pub use names::file_name;
pub use refusal::{Code, Refusal};
pub use resources::Resources;
pub use settings::replace as replace_file;
pub use settings::{Layer, Paper, Preferences, Settings, Theme};
pub use sound::{Listening, Sound};
pub use store::managed::Phase;
pub use store::{ExportId, JobId, News, Topic};
pub use tasks::Scope;
pub use transcript::AudioTime;

use anyhow::Result;
use std::path::PathBuf;
use std::sync::Arc;
use store::managed::{Cluster, KeeperCommand};
use store::{Database, MachineId, Pool, Store};

/// The application over one data folder. Cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    store: Store,
    settings: Arc<Settings>,
    data: Arc<DataFolder>,
    resources: Resources,
    tools: media::Tools,
    library: library::Library,
    machine: MachineId,
    program: PathBuf,
    room: room::Room,
    /// Engine processes that keep their model from one recording to the next.
    stable: speech::Stable,
    /// The settings of the command line, for when the others are read again.
    command_line: Layer,
    renewing: sound::Renewing,
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
    /// Opens the archive of the data folder: finds the folder, reads the settings, starts the private server if it is
    /// used and not running. `on_phase` is told what takes long. Needs tokio's multi-thread runtime.
    ///
    /// # Errors
    /// Whatever keeps the archive closed, in a sentence; see [`Code::of`].
    pub async fn open(start: Start, on_phase: &(dyn Fn(Phase) + Send + Sync)) -> Result<Self> {
        let Ground {
            data,
            settings,
            resources,
            program,
            room,
            database,
            library,
            machine,
            tools,
            command_line,
        } = tokio::task::spawn_blocking(|| Ground::prepare(start)).await??;
        let pool = Pool { min_size: settings.db_pool_min_size, max_size: settings.db_pool_max_size };
        let store = Store::open(database, pool, on_phase).await?;
        Ok(Self {
            store,
            settings: Arc::new(settings),
            data: Arc::new(data),
            resources,
            tools,
            library,
            machine,
            program,
            room,
            stable: speech::Stable::new(),
            command_line,
            renewing: sound::Renewing::default(),
        })
    }

    /// The data folder that is open.
    pub fn data_folder(&self) -> &DataFolder {
        &self.data
    }

    /// What comes along with the program.
    pub fn resources(&self) -> &Resources {
        &self.resources
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

/// What the application stands on before its archive is open.
struct Ground {
    data: DataFolder,
    settings: Settings,
    resources: Resources,
    program: PathBuf,
    room: room::Room,
    database: Database,
    library: library::Library,
    machine: MachineId,
    tools: media::Tools,
    command_line: Layer,
}

impl Ground {
    /// Finds the data folder, reads the settings and makes what is missing. Blocks.
    fn prepare(start: Start) -> Result<Self> {
        let data = DataFolder::find(start.data_dir)?;
        let command_line = start.settings.clone();
        let settings = Settings::read(data.path(), |name| std::env::var(name).ok(), start.settings)?;
        data.prepare()?;
        let resources = Resources::find()?;
        let program = match start.program {
            Some(program) => program,
            None => pipeline::own_program()?,
        };
        Ok(Self {
            room: room::Room::open(data.models(), settings.model_catalogue.as_deref())?,
            database: database(&settings, &data, &resources, &program)?,
            library: library::Library::new(data.library(), data.library_id()?),
            machine: data.machine_id()?,
            tools: media::Tools::find(),
            data,
            settings,
            resources,
            program,
            command_line,
        })
    }
}

fn database(
    settings: &Settings,
    data: &DataFolder,
    resources: &Resources,
    program: &std::path::Path,
) -> Result<Database> {
    Ok(match &settings.database_url {
        Some(address) => Database::External(address.parse()?),
        None => {
            let keeper = KeeperCommand {
                program: program.to_owned(),
                arguments: vec![hidden::DATABASE_SERVER.to_owned()],
            };
            Database::Managed(Arc::new(Cluster::join(&data.database(), &resources.postgres(), keeper)?))
        }
    })
}
