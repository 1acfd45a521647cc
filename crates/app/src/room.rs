//! The model room: which speech models there are, which are here, and getting one here.
//!
//! A download or an import belongs to the process that began it, and is told to whoever listens in it; what has come of
//! a download stays when the process ends, and any process may go on with it. A model counts as usable when the engine
//! has loaded it once and said what it can do, which is kept beside it.

mod cards;
mod install;
pub(crate) mod view;

use crate::refusal::{Code, capitalised, refuse};
use crate::room::cards::{built_in, device_of, offered_view, plain_view, recommend};
use crate::room::view::{ModelNews, ModelRoom, ModelSource, ModelSpeed, ModelState, ModelView};
use crate::transcribe::choice::{BUILT_IN, BUILT_IN_TITLE, RETIRED, known};
use crate::{App, Local};
use anyhow::{Context, Result};
use models::catalogue::Offer;
use models::header::SPEAKER_ARCHITECTURES;
use models::{Cancel, Catalogue, Entry, Folder, Installed, ModelId};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::broadcast;

/// News that a slow listener may be behind; it then looks at the whole room.
const NEWS: usize = 256;

/// Share of the memory that a model with one recogniser may take.
const MEMORY_SHARE: f64 = 0.6;

/// What is said where engine processes run without the instructions that they are fastest with.
pub(crate) const SLOW_PROCESSOR: &str =
    "This computer's processor lacks AVX2, so speech is transcribed several times more slowly than usual.";

/// The models folder, the catalogue, and what this process is doing with them. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Room(Arc<Inside>);

#[derive(Debug)]
struct Inside {
    folder: Folder,
    catalogue: Catalogue,
    under_way: Mutex<BTreeMap<ModelId, UnderWay>>,
    news: broadcast::Sender<ModelNews>,
}

/// What this process does, or could not do, for a model.
#[derive(Debug)]
struct UnderWay {
    /// None once it has failed.
    cancel: Option<Cancel>,
    state: ModelState,
}

impl Room {
    /// The room of a data folder. `own` is a catalogue file that is added to the bundled one.
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
        let (news, _) = broadcast::channel(NEWS);
        let under_way = Mutex::default();
        Ok(Self(Arc::new(Inside { folder: Folder::at(folder), catalogue, under_way, news })))
    }

    pub(crate) fn folder(&self) -> &Folder {
        &self.0.folder
    }

    /// The file of an installed model that tells speakers apart, the one with the most of it if there are several.
    pub(crate) fn speaker_model(&self) -> Option<PathBuf> {
        let tells_speakers =
            |installed: &Installed| SPEAKER_ARCHITECTURES.contains(&installed.architecture.as_str());
        let installed =
            self.folder().installed().unwrap_or_default().into_iter().filter_map(|entry| match entry {
                Entry::Ok(installed) if tells_speakers(&installed) => Some(installed),
                _ => None,
            });
        installed.max_by_key(|installed| installed.byte_size).map(|installed| installed.file.clone())
    }

    fn under_way(&self) -> MutexGuard<'_, BTreeMap<ModelId, UnderWay>> {
        self.0.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody listens: nobody is told.
    fn tell(&self, id: &ModelId, state: Option<ModelState>) {
        let _ = self.0.news.send(ModelNews { id: id.to_string(), state });
    }

    /// Notes that something begins; `None` if it is under way already.
    fn begin(&self, id: &ModelId, state: ModelState) -> Option<Cancel> {
        let mut under_way = self.under_way();
        if under_way.get(id).is_some_and(|other| other.cancel.is_some()) {
            return None;
        }
        let cancel = Cancel::new();
        under_way.insert(id.clone(), UnderWay { cancel: Some(cancel.clone()), state: state.clone() });
        drop(under_way);
        self.tell(id, Some(state));
        Some(cancel)
    }

    /// Notes that what began has broken off, unless it ended by itself.
    fn broke_off(&self, id: &ModelId) {
        if self.under_way().get(id).is_some_and(|under_way| under_way.cancel.is_some()) {
            let title = self.title(id.as_str());
            self.ended(id, Some(format!("“{title}” could not be installed: the work broke off. Try again.")));
        }
    }

    fn goes_on(&self, id: &ModelId, state: ModelState) {
        if let Some(under_way) = self.under_way().get_mut(id) {
            under_way.state = state.clone();
        }
        self.tell(id, Some(state));
    }

    /// Notes how it ended: with a sentence if it failed, and nothing to note if it went well or was stopped.
    fn ended(&self, id: &ModelId, failed: Option<String>) {
        let done_bytes = self.partial_bytes(id);
        let mut under_way = self.under_way();
        match failed {
            None => drop(under_way.remove(id)),
            Some(message) => {
                let state = ModelState::Failed { message, done_bytes };
                under_way.insert(id.clone(), UnderWay { cancel: None, state });
            }
        }
        drop(under_way);
        self.tell(id, None);
    }

    fn partial_bytes(&self, id: &ModelId) -> u64 {
        let partials = self.0.folder.partials().unwrap_or_default();
        partials.into_iter().find(|partial| partial.id == *id).map_or(0, |partial| partial.done_bytes)
    }

    fn offer(&self, id: &str) -> Option<Offer<'_>> {
        self.0.catalogue.file(&id.parse().ok()?)
    }

    /// What a model is called.
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

impl Local {
    /// What becomes of models in this process from now on.
    pub fn model_news(&self) -> broadcast::Receiver<ModelNews> {
        self.room.0.news.subscribe()
    }

    /// All models: the built-in engine, what is here, and what can be had. How fast they are on this computer is known to
    /// the archive: see [`App::add_speeds`].
    ///
    /// # Errors
    /// Where the models folder cannot be read.
    pub async fn model_room(&self) -> Result<ModelRoom> {
        let local = self.clone();
        tokio::task::spawn_blocking(move || local.room_now()).await?
    }

    /// Looks at files.
    fn room_now(&self) -> Result<ModelRoom> {
        let entries = self.room.folder().installed().map_err(|error| sentence(&error))?;
        let partials = self.room.folder().partials().map_err(|error| sentence(&error))?;
        let cores = speech::cores();
        let memory = speech::total_memory();
        let defaults = self.defaults();
        let (mut device, mut device_note) = (None, None);
        if !speech::neural::processor_suffices() {
            device_note = Some(SLOW_PROCESSOR.to_owned());
        }
        let mut models = vec![built_in(&self.room.0.catalogue)];
        let mut seen = BTreeSet::new();
        for entry in entries {
            let view = match entry {
                Entry::Ok(installed) => {
                    if installed.id.as_str() == defaults.model
                        && let Some(found) = known(&installed)
                    {
                        let (used, note) = device_of(&found);
                        device = used;
                        device_note = note.or(device_note);
                    }
                    self.installed_view(&installed)
                }
                Entry::Damaged { id, why } => self.damaged_view(&id, why),
            };
            // A download that was stopped in its last moment is both.
            if seen.insert(view.id.clone()) {
                models.push(view);
            }
        }
        for offer in self.room.0.catalogue.files() {
            let id = offer.file.id();
            // The included model is not offered for download in another form.
            let included = offer.model.slug.as_str() == BUILT_IN;
            let begun = partials.iter().any(|partial| partial.id == id);
            if !seen.contains(id.as_str()) && (!included || begun) {
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
        for (id, under_way) in &*self.room.under_way() {
            let state = under_way.state.clone();
            match models.iter_mut().find(|view| view.id == id.as_str()) {
                Some(view) => view.state = state,
                None => models.push(ModelView { state, ..plain_view(id.as_str()) }),
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
        Ok(ModelRoom {
            models,
            defaults,
            cores: u32::try_from(cores).unwrap_or(u32::MAX),
            memory_bytes: memory,
            device,
            device_note,
            free_bytes: store::disk::free_bytes(self.data.path()).ok(),
            folder: self.room.folder().path().display().to_string(),
        })
    }
}

impl App {
    /// Adds to the models that are here how fast they were on this computer.
    ///
    /// # Errors
    /// Where the archive cannot be reached. The rest of `room` is right all the same.
    pub async fn add_speeds(&self, room: &mut ModelRoom) -> Result<()> {
        for view in &mut room.models {
            if matches!(view.state, ModelState::Installed { .. } | ModelState::BuiltIn) {
                view.real_time_factor = self.store.speed(self.machine, &view.id).await?;
            }
        }
        Ok(())
    }
}

fn sentence(error: &models::FolderError) -> anyhow::Error {
    refuse(Code::Other, format!("The models folder cannot be used: {}.", capitalised(&error.to_string())))
}
