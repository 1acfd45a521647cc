//! The model room: which speech models there are, which are here, and getting one here.
//!
//! A download or an import belongs to the process that began it, and is told to whoever listens in it; what has come of
//! a download stays when the process ends, and any process may go on with it. A model counts as usable when the engine
//! has loaded it once and said what it can do, which is kept beside it.

use crate::choice::{BUILT_IN, BUILT_IN_TITLE, Choice, NEVER_LOADED, RETIRED, known, spec_of};
use crate::refusal::{Code, capitalised, refuse};
use crate::view::{ModelNews, ModelRoom, ModelSource, ModelSpeed, ModelState, ModelView};
use crate::{App, Local};
use anyhow::{Context, Result};
use models::catalogue::{Model, Offer, Speed, Timestamps};
use models::header::SPEAKER_ARCHITECTURES;
use models::{Cancel, Catalogue, Entry, Folder, How, Installed, ModelId, Progress, Stage};
use speech::{Capabilities, Decoders};
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
/// Working memory of one recogniser besides the model's file, for models that are not here to ask.
const WORKING_MEMORY: u64 = 300 << 20;

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

/// However the work on a model ends, by a panic too, it is not under way any more.
struct BrokenOff<'a> {
    room: &'a Room,
    id: &'a ModelId,
}

impl Drop for BrokenOff<'_> {
    fn drop(&mut self) {
        self.room.broke_off(self.id);
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

    /// Gets a model of the catalogue here, or goes on with it, and returns when it is usable. `on_state` is told how far
    /// it is. Being stopped is no error: the model is then `Paused`.
    ///
    /// # Errors
    /// [`Code::NotFound`] for a model that is in no catalogue, [`Code::WrongState`] if this process is at it already;
    /// otherwise a sentence that says what went wrong, at which model, and what to do.
    pub async fn install_model(
        &self,
        id: &str,
        on_state: impl Fn(&ModelState) + Send + Sync + 'static,
    ) -> Result<()> {
        let Some(offer) = self.room.offer(id) else {
            // One of the user's own that has not been looked into to the end.
            if let Some(Entry::Ok(installed)) = id.parse().ok().and_then(|id| self.room.folder().entry(&id)) {
                let app = self.clone();
                return tokio::task::spawn_blocking(move || app.look_into(&installed, &on_state)).await?;
            }
            return Err(refuse(
                Code::NotFound,
                format!(
                    "There is no speech model “{id}” in the catalogue. `meetmemo models list` shows those there are."
                ),
            ));
        };
        let (wanted, id, title) = (offer.wanted(), offer.file.id(), offer.model.title.clone());
        let Some(cancel) = self.room.begin(&id, ModelState::Checking) else {
            return Err(refuse(Code::WrongState, format!("“{title}” is being installed already.")));
        };
        let app = self.clone();
        tokio::task::spawn_blocking(move || {
            let _broken_off = BrokenOff { room: &app.room, id: &id };
            let total = wanted.byte_size;
            let state = |progress: &Progress| match progress.stage {
                Stage::Checking => ModelState::Checking,
                Stage::Copying | Stage::Downloading => ModelState::Downloading {
                    done_bytes: progress.done_bytes,
                    total_bytes: progress.total_bytes.or(total),
                    bytes_per_second: progress.bytes_per_second,
                    left_ms: progress.left.map(|left| left.as_secs_f64() * 1000.0),
                    mirror: progress.host.clone().unwrap_or_default(),
                },
            };
            let on_progress = &mut |progress: &Progress| {
                let state = state(progress);
                on_state(&state);
                app.room.goes_on(&id, state);
            };
            let options =
                models::Options { mirror: app.settings.model_mirror.clone(), ..models::Options::default() };
            let installed = match models::download(app.room.folder(), &wanted, &options, on_progress, &cancel)
            {
                Ok(downloaded) => downloaded.model,
                Err(models::DownloadError::Cancelled) => {
                    app.room.ended(&id, None);
                    return Ok(());
                }
                Err(error) => return app.failed(&id, format!("“{title}” could not be downloaded: {error}.")),
            };
            app.look_into(&installed, &|state| on_state(state))
        })
        .await?
    }

    /// Takes a model file of the user's here and returns its id when it is usable; `link` uses it where it lies.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the file and what to do.
    pub async fn import_model(&self, path: &Path, link: bool) -> Result<String> {
        let (app, path) = (self.clone(), path.to_owned());
        tokio::task::spawn_blocking(move || {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let refused = |why: String| refuse(Code::NotOffered, format!("{name}: {why}."));
            // Refused at once, without a card in the room.
            models::header::read(&path).map_err(|error| refused(error.to_string()))?;
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let id = ModelId::from_stem(&stem)
                .ok_or_else(|| refused("its name has no letter or digit: rename it first".to_owned()))?;
            if [BUILT_IN, RETIRED].contains(&id.as_str()) {
                return Err(refused(
                    "this is the name of the speech model that is included: rename the file".to_owned(),
                ));
            }
            let begins = ModelState::Copying { done_bytes: 0, total_bytes: None };
            let Some(cancel) = app.room.begin(&id, begins) else {
                return Err(refuse(Code::WrongState, format!("“{id}” is being installed already.")));
            };
            let _broken_off = BrokenOff { room: &app.room, id: &id };
            let how = if link { How::Link } else { How::Copy };
            let on_progress = &mut |progress: &Progress| {
                let (done_bytes, total_bytes) = (progress.done_bytes, progress.total_bytes);
                app.room.goes_on(&id, ModelState::Copying { done_bytes, total_bytes });
            };
            match models::import(app.room.folder(), &path, how, on_progress, &cancel) {
                Ok(installed) => match app.look_into(&installed, &|_| {}) {
                    Ok(()) => Ok(installed.id.to_string()),
                    Err(error) => {
                        tracing::info!(%error, "a model file was refused");
                        let short = crate::memory::is_short_for(&installed.file);
                        // A file that is of no use is not kept, unless it was here before and of use then.
                        if installed.facts.is_none() {
                            let _ = app.room.folder().remove(&id);
                        }
                        app.room.ended(&id, None);
                        Err(refused(if short {
                            "there is not enough memory for it; choose a smaller one or close other programs".to_owned()
                        } else {
                            "the speech engine cannot use it; it may be damaged, or a model for something else".to_owned()
                        }))
                    }
                },
                Err(error) => {
                    app.room.ended(&id, None);
                    Err(refused(error.to_string()))
                }
            }
        })
        .await?
    }

    /// Has the engine load a model and say what it can do.
    fn look_into(&self, installed: &Installed, on_state: &dyn Fn(&ModelState)) -> Result<()> {
        let id = &installed.id;
        on_state(&ModelState::Checking);
        self.room.goes_on(id, ModelState::Checking);
        let spec = spec_of(installed, self.settings.device);
        let found = match Decoders::start(self.engine_command(), spec, 1) {
            Ok((decoders, _)) => decoders.capabilities().clone(),
            // It is a model for something else, and good for that.
            Err(speech::SpeechError::Engine(speech::EngineError::NoSpeechModel { .. })) => {
                self.room.ended(id, None);
                return match installed.slug {
                    Some(_) => Ok(()),
                    None => Err(refuse(
                        Code::NotOffered,
                        format!("{id}: it is no model that writes down speech."),
                    )),
                };
            }
            Err(error) => {
                let error = crate::memory::or_too_little(error);
                return self
                    .failed(id, format!("“{}” cannot be used: {error}.", self.room.title(id.as_str())));
            }
        };
        let facts = serde_json::to_value(&found).context("what a model can do can be written down")?;
        if let Err(error) = self.room.folder().set_facts(id, facts) {
            return self
                .failed(id, format!("“{}” could not be installed: {error}.", self.room.title(id.as_str())));
        }
        self.room.ended(id, None);
        Ok(())
    }

    fn failed(&self, id: &ModelId, message: String) -> Result<()> {
        self.room.ended(id, Some(message.clone()));
        Err(refuse(Code::Other, message))
    }

    /// Stops an installation of this process; what has come stays. False if there is none.
    pub fn stop_install(&self, id: &str) -> bool {
        let under_way = self.room.under_way();
        let found = under_way.iter().find(|(other, _)| other.as_str() == id);
        match found.and_then(|(_, under_way)| under_way.cancel.clone()) {
            Some(cancel) => {
                drop(under_way);
                cancel.cancel();
                true
            }
            None => false,
        }
    }

    /// Removes a model, or what has come of one. A linked file stays where it is.
    ///
    /// # Errors
    /// [`Code::NotFound`], or where it cannot be removed.
    pub async fn remove_model(&self, id: &str) -> Result<()> {
        let unknown = || refuse(Code::NotFound, format!("The speech model “{id}” is not installed."));
        let parsed: ModelId = id.parse().map_err(|_| unknown())?;
        let room = self.room.clone();
        let removed = {
            let parsed = parsed.clone();
            tokio::task::spawn_blocking(move || room.folder().remove(&parsed)).await?
        };
        let forgotten = {
            let mut under_way = self.room.under_way();
            let at_rest = under_way.get(&parsed).is_some_and(|under_way| under_way.cancel.is_none());
            at_rest && under_way.remove(&parsed).is_some()
        };
        match removed {
            Err(models::FolderError::Unknown) if forgotten => {}
            Err(models::FolderError::Unknown) => return Err(unknown()),
            Err(error) => return Err(refuse(Code::Other, format!("“{id}” could not be removed: {error}."))),
            Ok(()) => {}
        }
        let defaults = self.defaults_now().await?;
        if defaults.model == id {
            // New recordings must go on being transcribed.
            let choice = Choice { model: BUILT_IN.to_owned(), language: None, translate: false, ..defaults };
            let data = Arc::clone(&self.data);
            tokio::task::spawn_blocking(move || crate::settings::write_defaults(data.path(), &choice))
                .await??;
        }
        self.room.tell(&parsed, None);
        Ok(())
    }

    fn installed_view(&self, installed: &Installed) -> ModelView {
        let state =
            ModelState::Installed { file: installed.file.display().to_string(), linked: installed.linked };
        let offer = self
            .room
            .0
            .catalogue
            .file(&installed.id)
            .or_else(|| self.room.0.catalogue.by_content(&installed.sha256));
        let mut view = match offer {
            Some(offer) => ModelView { id: installed.id.to_string(), ..offered_view(&offer, state) },
            None => ModelView {
                family: installed.architecture.clone(),
                state,
                ..plain_view(installed.id.as_str())
            },
        };
        view.source = match installed.source {
            models::Source::Catalogue => ModelSource::Catalogue,
            models::Source::Imported => ModelSource::Imported,
        };
        view.byte_size = Some(installed.byte_size);
        view.sha256 = Some(installed.sha256.to_string());
        match known(installed) {
            Some(found) => tell_truly(&mut view, &found),
            None if view.telling_speakers => {}
            None => {
                view.state = ModelState::Damaged { message: NEVER_LOADED.to_owned() };
            }
        }
        view
    }

    fn damaged_view(&self, id: &ModelId, why: String) -> ModelView {
        let state = ModelState::Damaged { message: why };
        match self.room.0.catalogue.file(id) {
            Some(offer) => offered_view(&offer, state),
            None => ModelView { state, ..plain_view(id.as_str()) },
        }
    }
}

impl App {
    /// Adds to the models that are here how fast they were on this computer.
    ///
    /// # Errors
    /// Where the archive cannot be reached; what is in `room` then is right without.
    pub async fn add_speeds(&self, room: &mut ModelRoom) -> Result<()> {
        for view in &mut room.models {
            if matches!(view.state, ModelState::Installed { .. } | ModelState::BuiltIn) {
                view.real_time_factor = self.store.speed(self.machine, &view.id).await?;
            }
        }
        Ok(())
    }
}

/// What the model said of itself counts, not what the catalogue says.
fn tell_truly(view: &mut ModelView, found: &Capabilities) {
    view.languages.clone_from(&found.languages);
    view.detects_language = found.detects_language;
    view.translates = found.translates;
    view.vocabulary = found.vocabulary;
    view.word_times = found.word_times;
    view.memory_bytes = Some(found.shared_bytes.saturating_add(found.memory_bytes));
}

/// What a model is computed on, if it is not the processor; a sentence, if it could have been.
fn device_of(found: &Capabilities) -> (Option<String>, Option<String>) {
    let on_processor = found.device.is_empty() || found.device.eq_ignore_ascii_case("cpu");
    let note = (found.fell_back || (on_processor && speech::Device::GPU_SUPPORTED)).then(|| {
        "No graphics processor could be used; speech models run on the processor. A newer driver may help.".to_owned()
    });
    ((!on_processor).then(|| found.device.clone()), note)
}

/// The model that is included: as in the catalogue, but for its state.
fn built_in(catalogue: &Catalogue) -> ModelView {
    let spec = speech::built_in::at(PathBuf::new());
    let offer = catalogue
        .files()
        .find(|offer| offer.model.slug.as_str() == BUILT_IN && offer.file.quantisation == "Q8_0");
    let mut view = match &offer {
        Some(offer) => offered_view(offer, ModelState::BuiltIn),
        None => ModelView { state: ModelState::BuiltIn, ..plain_view(BUILT_IN) },
    };
    tell_truly(&mut view, &speech::built_in::capabilities(&spec));
    ModelView {
        id: BUILT_IN.to_owned(),
        title: BUILT_IN_TITLE.to_owned(),
        group: BUILT_IN.to_owned(),
        byte_size: Some(speech::built_in::BYTE_SIZE),
        memory_bytes: Some(speech::built_in::BYTE_SIZE + WORKING_MEMORY),
        sha256: None,
        licence: Some("MIT".to_owned()),
        preferred: true,
        source: ModelSource::BuiltIn,
        ..view
    }
}

/// A model of which nothing is known but its name.
fn plain_view(id: &str) -> ModelView {
    ModelView {
        id: id.to_owned(),
        title: id.to_owned(),
        group: id.to_owned(),
        family: String::new(),
        parameters: None,
        quantisation: None,
        byte_size: None,
        memory_bytes: None,
        sha256: None,
        languages: Vec::new(),
        detects_language: false,
        translates: false,
        vocabulary: false,
        word_times: false,
        word_error_rate: None,
        test_set: None,
        speed: None,
        real_time_factor: None,
        licence: None,
        licence_note: None,
        fits: true,
        recommended: false,
        preferred: true,
        telling_speakers: false,
        source: ModelSource::Imported,
        state: ModelState::Available,
    }
}

fn offered_view(offer: &Offer<'_>, state: ModelState) -> ModelView {
    let Offer { model, file } = offer;
    let capabilities = &model.capabilities;
    let millions = model.parameters_millions;
    ModelView {
        id: file.id().to_string(),
        title: model.title.clone(),
        group: model.slug.to_string(),
        family: model.family.clone(),
        parameters: Some(match millions {
            0..1000 => format!("{millions}M"),
            _ => format!("{:.1}B", f64::from(millions) / 1000.0),
        }),
        quantisation: Some(file.quantisation.clone()),
        byte_size: file.byte_size,
        memory_bytes: file.byte_size.map(|bytes| bytes.saturating_add(WORKING_MEMORY)),
        sha256: file.sha256.as_ref().map(ToString::to_string),
        languages: model.languages.clone(),
        detects_language: capabilities.detects_language,
        translates: capabilities.translates,
        // Only the model itself can tell.
        vocabulary: false,
        word_times: matches!(capabilities.timestamps, Timestamps::Word | Timestamps::Token),
        word_error_rate: file.word_error_rate,
        test_set: model.test_set.clone(),
        speed: Some(match model.speed() {
            Speed::Fast => ModelSpeed::Fast,
            Speed::Medium => ModelSpeed::Medium,
            Speed::Slow => ModelSpeed::Slow,
        }),
        real_time_factor: None,
        licence: Some(model.licence.clone()),
        licence_note: model.licence_note.clone(),
        fits: true,
        recommended: false,
        preferred: preferred(model).is_some_and(|preferred| preferred == file.file_name),
        telling_speakers: capabilities.tells_speakers.is_some(),
        source: ModelSource::Catalogue,
        state,
    }
}

/// The file of a model that is offered first: hardly worse than the whole one at half its size, and of large models one
/// that is smaller still.
fn preferred(model: &Model) -> Option<&str> {
    let order: &[&str] = match model.parameters_millions {
        0..1200 => &["Q8_0", "Q6_K", "Q5_K_M", "F16"],
        _ => &["Q5_K_M", "Q4_K_M", "Q6_K", "Q8_0"],
    };
    let named = order.iter().find_map(|wanted| model.files.iter().find(|file| file.quantisation == **wanted));
    named.or(model.files.first()).map(|file| file.file_name.as_str())
}

/// Marks the model for this computer: of those that many people can use (25 languages or more), under no conditions,
/// fast enough here and small enough, the one with the least published word errors.
fn recommend(models: &mut [ModelView], cores: usize, with_gpu: bool) {
    let slowest = match cores {
        _ if with_gpu => ModelSpeed::Slow,
        0..4 => ModelSpeed::Fast,
        _ => ModelSpeed::Medium,
    };
    let best = models
        .iter_mut()
        .filter(|view| {
            let useful = view.preferred && view.fits && view.source != ModelSource::BuiltIn;
            useful && view.licence_note.is_none() && view.languages.len() >= 25
        })
        .filter(|view| view.speed.is_some_and(|speed| speed <= slowest))
        .min_by(|a, b| {
            let rate = |view: &ModelView| view.word_error_rate.unwrap_or(f64::INFINITY);
            rate(a).total_cmp(&rate(b))
        });
    if let Some(view) = best {
        view.recommended = true;
    }
}

fn sentence(error: &models::FolderError) -> anyhow::Error {
    refuse(Code::Other, format!("The models folder cannot be used: {}.", capitalised(&error.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offers() -> Vec<ModelView> {
        let catalogue = Catalogue::bundled();
        catalogue.files().map(|offer| offered_view(&offer, ModelState::Available)).collect()
    }

    #[test]
    fn work_on_a_model_that_breaks_off_can_be_begun_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let room = Room::open(folder.path().to_owned(), None).expect("a room");
        let id: ModelId = "whisper-tiny-q8_0".parse().expect("an id");
        let begin = || room.begin(&id, ModelState::Checking);
        assert!(begin().is_some());
        assert!(begin().is_none(), "it is under way");
        let broken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _broken_off = BrokenOff { room: &room, id: &id };
            panic!("on purpose");
        }));
        assert!(broken.is_err());
        match &room.under_way()[&id].state {
            ModelState::Failed { message, .. } => assert!(message.ends_with("Try again."), "{message}"),
            state => panic!("{state:?}"),
        }
        assert!(begin().is_some());
        room.ended(&id, None);
        drop(BrokenOff { room: &room, id: &id });
        assert!(room.under_way().is_empty(), "what ended by itself has not broken off");
    }

    #[test]
    fn one_model_is_recommended_and_a_stronger_computer_gets_a_better_one() {
        let recommended = |cores, with_gpu| {
            let mut models = offers();
            recommend(&mut models, cores, with_gpu);
            let mut all: Vec<ModelView> = models.into_iter().filter(|view| view.recommended).collect();
            assert_eq!(all.len(), 1, "{cores} cores");
            all.remove(0)
        };
        let (weak, strong, gpu) = (recommended(2, false), recommended(8, false), recommended(2, true));
        let rate = |view: &ModelView| view.word_error_rate.expect("published");
        assert!(rate(&weak) >= rate(&strong) && rate(&strong) >= rate(&gpu));
        for view in [weak, strong, gpu] {
            assert!(view.languages.len() >= 25 && view.licence_note.is_none() && !view.telling_speakers);
        }
    }

    #[test]
    fn each_model_has_one_file_that_is_offered_first() {
        let offers = offers();
        let mut groups: BTreeMap<&str, usize> = BTreeMap::new();
        for view in &offers {
            *groups.entry(view.group.as_str()).or_default() += usize::from(view.preferred);
        }
        assert!(groups.len() >= 70 && groups.values().all(|preferred| *preferred == 1), "{groups:?}");
    }
}
