//! Getting a speech model here: download, import, the first look, and removing it.

use crate::Local;
use crate::refusal::{Code, refuse};
use crate::room::Room;
use crate::room::view::ModelState;
use crate::transcribe::choice::{BUILT_IN, Choice, RETIRED, spec_of};
use anyhow::{Context, Result};
use models::{Entry, How, Installed, ModelId, Progress, Stage};
use speech::Decoders;
use std::path::Path;
use std::sync::Arc;

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
                let local = self.clone();
                return tokio::task::spawn_blocking(move || local.look_into(&installed, &on_state)).await?;
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
        let local = self.clone();
        tokio::task::spawn_blocking(move || {
            let _broken_off = BrokenOff { room: &local.room, id: &id };
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
                local.room.goes_on(&id, state);
            };
            let options =
                models::Options { mirror: local.settings.model_mirror.clone(), ..models::Options::default() };
            let installed =
                match models::download(local.room.folder(), &wanted, &options, on_progress, &cancel) {
                    Ok(downloaded) => downloaded.model,
                    Err(models::DownloadError::Cancelled) => {
                        local.room.ended(&id, None);
                        return Ok(());
                    }
                    Err(error) => {
                        return local.failed(&id, format!("“{title}” could not be downloaded: {error}."));
                    }
                };
            local.look_into(&installed, &|state| on_state(state))
        })
        .await?
    }

    /// Takes a model file of the user's here and returns its id when it is usable; `link` uses it where it lies.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the file and what to do.
    pub async fn import_model(&self, path: &Path, link: bool) -> Result<String> {
        let (local, path) = (self.clone(), path.to_owned());
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
            let Some(cancel) = local.room.begin(&id, begins) else {
                return Err(refuse(Code::WrongState, format!("“{id}” is being installed already.")));
            };
            let _broken_off = BrokenOff { room: &local.room, id: &id };
            let how = if link { How::Link } else { How::Copy };
            let on_progress = &mut |progress: &Progress| {
                let (done_bytes, total_bytes) = (progress.done_bytes, progress.total_bytes);
                local.room.goes_on(&id, ModelState::Copying { done_bytes, total_bytes });
            };
            match models::import(local.room.folder(), &path, how, on_progress, &cancel) {
                Ok(installed) => match local.look_into(&installed, &|_| {}) {
                    Ok(()) => Ok(installed.id.to_string()),
                    Err(error) => {
                        tracing::info!(%error, "a model file was refused");
                        let short = crate::memory::is_short_for(&installed.file);
                        // A file that is of no use is not kept, unless it was here before and of use then.
                        if installed.facts.is_none() {
                            let _ = local.room.folder().remove(&id);
                        }
                        local.room.ended(&id, None);
                        Err(refused(if short {
                            "there is not enough memory for it; choose a smaller one or close other programs".to_owned()
                        } else {
                            "the speech engine cannot use it; it may be damaged, or a model for something else".to_owned()
                        }))
                    }
                },
                Err(error) => {
                    local.room.ended(&id, None);
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
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
