//! The part of the application that needs no archive: settings, resources, speech models, the library folder. It works
//! before the archive is open and while the database cannot be reached.

use crate::data_folder::DataFolder;
use crate::resources::Resources;
use crate::secrets::PasswordPlaces;
use crate::settings::{Settings, SettingsLayer};
use crate::user_error::{ErrorCode, user_error};
use crate::{StartOptions, hidden_commands, library, models};
use anyhow::{Context, Result};
use speech::EngineCommand;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::managed::{Cluster, KeeperCommand};
use store::{Database, MachineId};

/// The part of the application that needs no archive. Cheap to clone.
#[derive(Debug, Clone)]
pub struct LocalApp {
    pub(crate) settings: Arc<Settings>,
    pub(crate) data: Arc<DataFolder>,
    pub(crate) resources: Resources,
    pub(crate) tools: media::Tools,
    pub(crate) library: library::Library,
    pub(crate) machine: MachineId,
    pub(crate) program: PathBuf,
    pub(crate) models: models::ModelManager,
    /// Where the archive is, without a password. An error here does not keep the rest from working; it is returned by
    /// `configured_database`.
    database: Arc<Result<Database>>,
    /// What the front end passed in; needed to read the settings again.
    start: StartOptions,
}

impl LocalApp {
    /// Finds the data folder, reads the settings and creates missing folders.
    ///
    /// # Errors
    /// Why the application cannot start, as a sentence; see [`crate::ErrorCode::of`].
    pub async fn prepare(start: StartOptions) -> Result<Self> {
        tokio::task::spawn_blocking(|| Self::prepare_now(start, None)).await?
    }

    /// The same again, with the settings as they are now. The catalogue of speech models is not read again, and running
    /// installations continue.
    ///
    /// # Errors
    /// As [`LocalApp::prepare`].
    pub async fn reload(&self) -> Result<Self> {
        let (start, models) = (self.start.clone(), self.models.clone());
        tokio::task::spawn_blocking(|| Self::prepare_now(start, Some(models))).await?
    }

    fn prepare_now(start: StartOptions, models: Option<models::ModelManager>) -> Result<Self> {
        let data = DataFolder::find(start.data_dir.clone())?;
        let settings = Settings::read(data.path(), |name| std::env::var(name).ok(), start.settings.clone())?;
        data.prepare()?;
        let resources = Resources::find()?;
        let program = match &start.program {
            Some(program) => program.clone(),
            None => own_program()?,
        };
        let models = match models {
            Some(models) => models,
            None => models::ModelManager::open(data.models(), settings.model_catalogue.as_deref())?,
        };
        Ok(Self {
            models,
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

    /// The same without its hold on the files of the private server, so that a restore can set them aside. Only
    /// [`LocalApp::reload`] leads back to a database.
    pub fn without_database(&self) -> Self {
        let message = "The archive is being brought back from a backup. Wait until that has ended.";
        Self { database: Arc::new(Err(user_error(ErrorCode::WrongState, message))), ..self.clone() }
    }

    /// The data folder.
    pub fn data_folder(&self) -> &DataFolder {
        &self.data
    }

    /// The resources folder.
    pub fn resources(&self) -> &Resources {
        &self.resources
    }

    /// The command that starts an engine process: this program with a hidden command, or the slower program from the
    /// package if the processor lacks instructions (AVX2, FMA, F16C, BMI2) that the engine library is built for.
    pub(crate) fn engine_command(&self) -> EngineCommand {
        let slower = self.resources.slower_engine();
        match !speech::neural::processor_suffices() && slower.is_file() {
            true => EngineCommand { program: slower, arguments: Vec::new() },
            false => EngineCommand {
                program: self.program.clone(),
                arguments: vec![hidden_commands::ENGINE.into()],
            },
        }
    }

    /// Where the archive is, with the password of a configured server. May ask the user to unlock the system's key store.
    ///
    /// # Errors
    /// For an invalid address, a folder that the private server cannot use, or a password that cannot be read.
    pub(crate) async fn database(&self) -> Result<Database> {
        match self.configured_database()? {
            Database::External(url) => {
                let found = PasswordPlaces::new(&self.settings, &self.data).find(&url).await?;
                Ok(Database::External(match &found.password {
                    Some(password) => url.with_password(password),
                    None => url,
                }))
            }
            private => Ok(private),
        }
    }

    /// Where the archive is; without the password of a configured server, unless the address contains it.
    ///
    /// # Errors
    /// For an invalid address, or a folder that the private server cannot use.
    pub(crate) fn configured_database(&self) -> Result<Database> {
        match &*self.database {
            Ok(database) => Ok(database.clone()),
            Err(error) => Err(user_error(ErrorCode::of(error), format!("{error:#}"))),
        }
    }

    /// What this process calls itself in the database server's lists of connections.
    pub(crate) fn application(&self) -> &'static str {
        self.start.application.unwrap_or("meetmemo")
    }

    /// The settings given on the command line.
    pub(crate) fn command_line(&self) -> SettingsLayer {
        self.start.settings.clone()
    }
}

/// The path of the running executable, which has the hidden commands.
fn own_program() -> Result<PathBuf> {
    std::env::current_exe().context("the path of the running program is not known")
}

/// The executable that the database keeper runs in: the command line if it is installed beside `own_program`. It loads
/// none of the window's libraries, which saves some 15 MB for as long as the archive is open.
fn keeper_program(own_program: &Path) -> PathBuf {
    let command_line = own_program.with_file_name(format!("meetmemo{}", std::env::consts::EXE_SUFFIX));
    if command_line.is_file() { command_line } else { own_program.to_owned() }
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
                program: keeper_program(program),
                arguments: vec![hidden_commands::DATABASE_SERVER.to_owned()],
            };
            Database::Managed(Arc::new(Cluster::join(&data.database(), &resources.postgres(), keeper)?))
        }
    })
}
