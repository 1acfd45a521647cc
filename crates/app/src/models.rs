//! Speech models: the list of all known models, and their installation.
//!
//! A download or import belongs to the process that began it and is reported to that process's subscribers. A partial
//! download stays when the process ends, and any process may continue it. A model is usable once the engine has loaded
//! it and reported its capabilities, which are stored beside it; front ends offer only what these allow.

mod install;
mod to_view;
pub(crate) mod view;

use crate::models::to_view::{built_in, device_and_note, offered_view, recommend, unknown_model_view};
use crate::models::view::{ModelNews, ModelSource, ModelSpeed, ModelState, ModelView, ModelsOverview};
use crate::transcribe::engine_selection::stored_capabilities;
use crate::transcribe::options::{BUILT_IN, BUILT_IN_TITLE, RETIRED};
use crate::user_error::{ErrorCode, capitalised, user_error};
use crate::{App, LocalApp};
use anyhow::{Context, Result};
use models::catalogue::Offer;
use models::header::SPEAKER_ARCHITECTURES;
use models::{Cancel, Catalogue, Entry, Folder, Installed, ModelId};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::broadcast;

/// Number of messages that a slow subscriber may be behind. One that is further behind lists all models again.
const NEWS_CAPACITY: usize = 256;

/// Share of the computer's memory that a model with one decoder may use.
const MEMORY_SHARE: f64 = 0.6;

/// The note for processors that need the slower engine process.
pub(crate) const SLOW_PROCESSOR: &str =
    "This computer's processor lacks AVX2, so speech is transcribed several times more slowly than usual.";

/// The models folder, the catalogue, and the installations of this process. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct ModelManager(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    folder: Folder,
    catalogue: Catalogue,
    installations: Mutex<BTreeMap<ModelId, Installation>>,
    news: broadcast::Sender<ModelNews>,
}

/// A running or failed installation of this process.
#[derive(Debug)]
struct Installation {
    /// None if it has failed.
    cancel: Option<Cancel>,
    state: ModelState,
}

impl ModelManager {
    /// Opens the models folder. The models of the catalogue file `own` are added to the bundled catalogue.
    pub(crate) fn open(folder: PathBuf, own: Option<&Path>) -> Result<Self> {
        let mut catalogue = Catalogue::bundled();
        if let Some(path) = own {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("The catalogue {} could not be read", path.display()))?;
            let added = Catalogue::parse(&text)
                .with_context(|| format!("The catalogue {} is not valid", path.display()))?;
            catalogue = catalogue
                .with(added)
                .with_context(|| format!("The catalogue {} cannot be added", path.display()))?;
        }
        let (news, _) = broadcast::channel(NEWS_CAPACITY);
        let installations = Mutex::default();
        Ok(Self(Arc::new(Inner { folder: Folder::at(folder), catalogue, installations, news })))
    }

    pub(crate) fn folder(&self) -> &Folder {
        &self.0.folder
    }

    /// The file of an installed model for diarization; the largest of several.
    pub(crate) fn speaker_model(&self) -> Option<PathBuf> {
        let is_speaker_model =
            |installed: &Installed| SPEAKER_ARCHITECTURES.contains(&installed.architecture.as_str());
        let installed =
            self.folder().installed().unwrap_or_default().into_iter().filter_map(|entry| match entry {
                Entry::Ok(installed) if is_speaker_model(&installed) => Some(installed),
                _ => None,
            });
        installed.max_by_key(|installed| installed.byte_size).map(|installed| installed.file.clone())
    }

    fn installations(&self) -> MutexGuard<'_, BTreeMap<ModelId, Installation>> {
        self.0.installations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notifies all subscribers, if there are any.
    fn notify(&self, id: &ModelId, state: Option<ModelState>) {
        let _ = self.0.news.send(ModelNews { id: id.to_string(), state });
    }

    /// Begins an installation; `None` if one of the same model is running in this process.
    fn begin(&self, id: &ModelId, state: ModelState) -> Option<Cancel> {
        let mut installations = self.installations();
        if installations.get(id).is_some_and(|other| other.cancel.is_some()) {
            return None;
        }
        let cancel = Cancel::new();
        installations.insert(id.clone(), Installation { cancel: Some(cancel.clone()), state: state.clone() });
        drop(installations);
        self.notify(id, Some(state));
        Some(cancel)
    }

    /// Marks an installation as failed if it has not finished.
    fn mark_aborted(&self, id: &ModelId) {
        if self.installations().get(id).is_some_and(|installation| installation.cancel.is_some()) {
            let title = self.title(id.as_str());
            self.finish(
                id,
                Some(format!("“{title}” could not be installed: the work broke off. Try again.")),
            );
        }
    }

    /// Sets the state of a running installation.
    fn update(&self, id: &ModelId, state: ModelState) {
        if let Some(installation) = self.installations().get_mut(id) {
            installation.state = state.clone();
        }
        self.notify(id, Some(state));
    }

    /// Ends an installation. `failed` is the error message; `None` if it succeeded or was stopped.
    fn finish(&self, id: &ModelId, failed: Option<String>) {
        let done_bytes = self.partial_bytes(id);
        let mut installations = self.installations();
        match failed {
            None => drop(installations.remove(id)),
            Some(message) => {
                let state = ModelState::Failed { message, done_bytes };
                installations.insert(id.clone(), Installation { cancel: None, state });
            }
        }
        drop(installations);
        self.notify(id, None);
    }

    /// Bytes of a partial download; 0 if there is none.
    fn partial_bytes(&self, id: &ModelId) -> u64 {
        let partials = self.0.folder.partials().unwrap_or_default();
        partials.into_iter().find(|partial| partial.id == *id).map_or(0, |partial| partial.done_bytes)
    }

    /// The catalogue entry of a model.
    fn offer(&self, id: &str) -> Option<Offer<'_>> {
        self.0.catalogue.file(&id.parse().ok()?)
    }

    /// The title of a model; its id if the catalogue does not have it.
    pub(crate) fn title(&self, id: &str) -> String {
        match id {
            BUILT_IN => return BUILT_IN_TITLE.to_owned(),
            RETIRED => return "PocketSphinx, US English".to_owned(),
            _ => {}
        }
        match self.offer(id) {
            Some(offer) => offer.model.title.clone(),
            None => id.to_owned(),
        }
    }
}

impl LocalApp {
    /// Subscribes to the installations of this process.
    pub fn model_news(&self) -> broadcast::Receiver<ModelNews> {
        self.models.0.news.subscribe()
    }

    /// All models: the included one, installed ones, and those of the catalogue. Their measured speeds are in the
    /// archive: see [`App::add_speeds`].
    ///
    /// # Errors
    /// If the models folder cannot be read.
    pub async fn models_overview(&self) -> Result<ModelsOverview> {
        let local = self.clone();
        tokio::task::spawn_blocking(move || local.list_models()).await?
    }

    /// Blocks.
    fn list_models(&self) -> Result<ModelsOverview> {
        let entries = self.models.folder().installed().map_err(|error| folder_error(&error))?;
        let partials = self.models.folder().partials().map_err(|error| folder_error(&error))?;
        let cores = speech::cores();
        let memory = speech::total_memory();
        let defaults = self.defaults();
        let (mut device, mut device_note) = (None, None);
        if !speech::neural::processor_suffices() {
            device_note = Some(SLOW_PROCESSOR.to_owned());
        }
        let mut models = vec![built_in(&self.models.0.catalogue)];
        let mut seen = BTreeSet::new();
        for entry in entries {
            let view = match entry {
                Entry::Ok(installed) => {
                    if installed.id.as_str() == defaults.model
                        && let Some(found) = stored_capabilities(&installed)
                    {
                        let (used, note) = device_and_note(&found);
                        device = used;
                        device_note = note.or(device_note);
                    }
                    self.installed_view(&installed)
                }
                Entry::Damaged { id, why } => self.damaged_view(&id, why),
            };
            // A download that was stopped at the last moment is listed as partial and as installed.
            if seen.insert(view.id.clone()) {
                models.push(view);
            }
        }
        for offer in self.models.0.catalogue.files() {
            let id = offer.file.id();
            // Other files of the included model are not offered for download.
            let included = offer.model.slug.as_str() == BUILT_IN;
            let is_partial = partials.iter().any(|partial| partial.id == id);
            if !seen.contains(id.as_str()) && (!included || is_partial) {
                let state = match partials.iter().find(|partial| partial.id == id) {
                    None => ModelState::Available,
                    Some(partial) => {
                        let total_bytes = partial.total_bytes.or(offer.file.byte_size);
                        ModelState::Paused { done_bytes: partial.done_bytes, total_bytes }
                    }
                };
                models.push(offered_view(&offer, state));
            }
        }
        for (id, installation) in &*self.models.installations() {
            let state = installation.state.clone();
            match models.iter_mut().find(|view| view.id == id.as_str()) {
                Some(view) => view.state = state,
                None => models.push(ModelView { state, ..unknown_model_view(id.as_str()) }),
            }
        }
        for view in &mut models {
            view.fits = view
                .memory_bytes
                .zip(memory)
                .is_none_or(|(needed, memory)| needed <= (memory as f64 * MEMORY_SHARE) as u64);
            if view.source != ModelSource::BuiltIn && cores < 4 {
                view.speed = view.speed.map(ModelSpeed::slower);
            }
        }
        recommend(&mut models, cores, device.is_some());
        Ok(ModelsOverview {
            models,
            defaults,
            cores: u32::try_from(cores).unwrap_or(u32::MAX),
            memory_bytes: memory,
            device,
            device_note,
            free_bytes: store::disk_space::free_bytes(self.data.path()).ok(),
            folder: self.models.folder().path().display().to_string(),
        })
    }
}

impl App {
    /// Adds the measured speed on this computer to each installed model.
    ///
    /// # Errors
    /// If the archive cannot be reached. `overview` is then complete but for the speeds.
    pub async fn add_speeds(&self, overview: &mut ModelsOverview) -> Result<()> {
        for view in &mut overview.models {
            if matches!(view.state, ModelState::Installed { .. } | ModelState::BuiltIn) {
                view.real_time_factor = self.store.mean_real_time_factor(self.machine, &view.id).await?;
            }
        }
        Ok(())
    }
}

fn folder_error(error: &models::FolderError) -> anyhow::Error {
    user_error(
        ErrorCode::Other,
        format!("The models folder cannot be used: {}.", capitalised(&error.to_string())),
    )
}
