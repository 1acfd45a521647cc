//! What the app has on this computer: settings, resources, speech models, the library folder. It is there before the
//! archive is open, and while the database cannot be reached.

use crate::data_folder::DataFolder;
use crate::refusal::{Code, refuse};
use crate::resources::Resources;
use crate::settings::{Layer, Settings};
use crate::{Start, hidden, library, room};
use anyhow::{Context, Result};
use speech::EngineCommand;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::managed::{Cluster, KeeperCommand};
use store::{Database, MachineId};

/// The part of the application that needs no archive. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Local {
    pub(crate) settings: Arc<Settings>,
    pub(crate) data: Arc<DataFolder>,
    pub(crate) resources: Resources,
    pub(crate) tools: media::Tools,
    pub(crate) library: library::Library,
    pub(crate) machine: MachineId,
    pub(crate) program: PathBuf,
    pub(crate) room: room::Room,
    /// Where the archive is, or why it cannot be told: that keeps nothing else from working.
    database: Arc<Result<Database>>,
    /// What a front end knew when it started, for when the settings are read again.
    start: Start,
}

impl Local {
    /// Finds the data folder, reads the settings and makes what is missing.
    ///
    /// # Errors
    /// Whatever keeps the application from starting, in a sentence; see [`crate::Code::of`].
    pub async fn prepare(start: Start) -> Result<Self> {
        tokio::task::spawn_blocking(|| Self::prepare_now(start, None)).await?
    }

    /// The same once more, for settings that were changed meanwhile; the catalogue of speech models stays as it was read
    /// first, and what is done with models goes on.
    ///
    /// # Errors
    /// As [`Local::prepare`].
    pub async fn again(&self) -> Result<Self> {
        let (start, room) = (self.start.clone(), self.room.clone());
        tokio::task::spawn_blocking(|| Self::prepare_now(start, Some(room))).await?
    }

    fn prepare_now(start: Start, room: Option<room::Room>) -> Result<Self> {
        let data = DataFolder::find(start.data_dir.clone())?;
        let settings = Settings::read(data.path(), |name| std::env::var(name).ok(), start.settings.clone())?;
        data.prepare()?;
        let resources = Resources::find()?;
        let program = match &start.program {
            Some(program) => program.clone(),
            None => own_program()?,
        };
        let room = match room {
            Some(room) => room,
            None => room::Room::open(data.models(), settings.model_catalogue.as_deref())?,
        };
        Ok(Self {
            room,
            database: Arc::new(database(&settings, &data, &resources, &program)),
            library: library::Library::new(data.library(), data.library_id()?),
            machine: data.machine_id()?,
            tools: media::Tools::find(),
            data: Arc::new(data),
            settings: Arc::new(settings),
            resources,
            program,
            start,
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

    /// How engine processes are started: as this program in a hidden mode, or on a processor that its engine library is
    /// not built for, as the slower program that comes in the package.
    pub(crate) fn engine_command(&self) -> EngineCommand {
        let slower = self.resources.slower_engine();
        match !speech::neural::processor_suffices() && slower.is_file() {
            true => EngineCommand { program: slower, arguments: Vec::new() },
            false => EngineCommand { program: self.program.clone(), arguments: vec![hidden::ENGINE.into()] },
        }
    }

    /// Where the archive is.
    ///
    /// # Errors
    /// An invalid address, or a folder that the private server cannot use.
    pub(crate) fn database(&self) -> Result<Database> {
        match &*self.database {
            Ok(database) => Ok(database.clone()),
            Err(error) => Err(refuse(Code::of(error), format!("{error:#}"))),
        }
    }

    /// The settings of the command line, for when the others are read again.
    pub(crate) fn command_line(&self) -> Layer {
        self.start.settings.clone()
    }
}

/// The executable that has the hidden modes: ours.
fn own_program() -> Result<PathBuf> {
    std::env::current_exe().context("the path of the running program is not known")
}

fn database(
    settings: &Settings,
    data: &DataFolder,
    resources: &Resources,
    program: &Path,
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
