//! Installs and removes speech models: download or import of the file, then a first load by the engine.

use crate::LocalApp;
use crate::models::ModelManager;
use crate::models::view::ModelState;
use crate::transcribe::engine_selection::engine_spec;
use crate::transcribe::options::{BUILT_IN, RETIRED, TranscriptionOptions};
use crate::user_error::{ErrorCode, user_error};
use anyhow::{Context, Result};
use models::{Entry, ImportMode, Installed, ModelId, Progress, Stage};
use speech::Decoders;
use std::path::Path;
use std::sync::Arc;

/// Marks an installation as failed when dropped, unless it has finished: also after a panic.
struct AbortGuard<'a> {
    models: &'a ModelManager,
    id: &'a ModelId,
}

impl Drop for AbortGuard<'_> {
    fn drop(&mut self) {
        self.models.mark_aborted(self.id);
    }
}

impl LocalApp {
    /// Downloads a model of the catalogue, or continues its download, and returns when it is usable. `on_state`
    /// receives the progress. A stop is no error: the model is then `Paused`.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for a model that is in no catalogue, [`ErrorCode::WrongState`] if this process is
    /// installing it already; else a sentence that says what failed, for which model, and what to do.
    pub async fn install_model(
        &self,
        id: &str,
        on_state: impl Fn(&ModelState) + Send + Sync + 'static,
    ) -> Result<()> {
        let Some(offer) = self.models.offer(id) else {
            // An imported model whose first load did not finish.
            if let Some(Entry::Ok(installed)) = id.parse().ok().and_then(|id| self.models.folder().entry(&id))
            {
                let local = self.clone();
                return tokio::task::spawn_blocking(move || local.check_with_engine(&installed, &on_state))
                    .await?;
            }
            return Err(user_error(
                ErrorCode::NotFound,
                format!(
                    "There is no speech model “{id}” in the catalogue. `meetmemo models list` shows those there are."
                ),
            ));
        };
        let (request, id, title) = (offer.download_request(), offer.file.id(), offer.model.title.clone());
        let Some(cancel) = self.models.begin(&id, ModelState::Checking) else {
            return Err(user_error(ErrorCode::WrongState, format!("“{title}” is being installed already.")));
        };
        let local = self.clone();
        tokio::task::spawn_blocking(move || {
            let _abort_guard = AbortGuard { models: &local.models, id: &id };
            let total = request.byte_size;
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
                local.models.update(&id, state);
            };
            let options =
                models::Options { mirror: local.settings.model_mirror.clone(), ..models::Options::default() };
            let installed =
                match models::download(local.models.folder(), &request, &options, on_progress, &cancel) {
                    Ok(downloaded) => downloaded.model,
                    Err(models::DownloadError::Cancelled) => {
                        local.models.finish(&id, None);
                        return Ok(());
                    }
                    Err(error) => {
                        return local.failed(&id, format!("“{title}” could not be downloaded: {error}."));
                    }
                };
            local.check_with_engine(&installed, &|state| on_state(state))
        })
        .await?
    }

    /// Installs a model file of the user and returns its id when it is usable. With `link`, the file is used where it
    /// is instead of copied.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the file and what to do.
    pub async fn import_model(&self, path: &Path, link: bool) -> Result<String> {
        let (local, path) = (self.clone(), path.to_owned());
        tokio::task::spawn_blocking(move || {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let refused = |why: String| user_error(ErrorCode::NotOffered, format!("{name}: {why}."));
            // A file that is no model is refused before the installation is listed.
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
            let Some(cancel) = local.models.begin(&id, begins) else {
                return Err(user_error(ErrorCode::WrongState, format!("“{id}” is being installed already.")));
            };
            let _abort_guard = AbortGuard { models: &local.models, id: &id };
            let mode = if link { ImportMode::Link } else { ImportMode::Copy };
            let on_progress = &mut |progress: &Progress| {
                let (done_bytes, total_bytes) = (progress.done_bytes, progress.total_bytes);
                local.models.update(&id, ModelState::Copying { done_bytes, total_bytes });
            };
            match models::import(local.models.folder(), &path, mode, on_progress, &cancel) {
                Ok(installed) => match local.check_with_engine(&installed, &|_| {}) {
                    Ok(()) => Ok(installed.id.to_string()),
                    Err(error) => {
                        tracing::info!(%error, "a model file was refused");
                        let short = crate::out_of_memory::is_too_large_for_memory(&installed.file);
                        // An unusable file is removed, unless it was installed before and usable then.
                        if installed.facts.is_none() {
                            let _ = local.models.folder().remove(&id);
                        }
                        local.models.finish(&id, None);
                        Err(refused(if short {
                            "there is not enough memory for it; choose a smaller one or close other programs".to_owned()
                        } else {
                            "the speech engine cannot use it; it may be damaged, or a model for something else".to_owned()
                        }))
                    }
                },
                Err(error) => {
                    local.models.finish(&id, None);
                    Err(refused(error.to_string()))
                }
            }
        })
        .await?
    }

    /// Has the engine load a model, and stores the capabilities it reports.
    fn check_with_engine(&self, installed: &Installed, on_state: &dyn Fn(&ModelState)) -> Result<()> {
        let id = &installed.id;
        on_state(&ModelState::Checking);
        self.models.update(id, ModelState::Checking);
        let spec = engine_spec(installed, self.settings.device);
        let found = match Decoders::start(self.engine_command(), spec, 1) {
            Ok((decoders, _)) => decoders.capabilities().clone(),
            // It is a model of another kind, such as one for diarization.
            Err(speech::SpeechError::Engine(speech::EngineError::NoSpeechModel { .. })) => {
                self.models.finish(id, None);
                return match installed.slug {
                    Some(_) => Ok(()),
                    None => Err(user_error(
                        ErrorCode::NotOffered,
                        format!("{id}: it is no model that writes down speech."),
                    )),
                };
            }
            Err(error) => {
                let error = crate::out_of_memory::explain_load_failure(error);
                return self
                    .failed(id, format!("“{}” cannot be used: {error}.", self.models.title(id.as_str())));
            }
        };
        let facts = serde_json::to_value(&found).context("capabilities can be serialised")?;
        if let Err(error) = self.models.folder().set_facts(id, facts) {
            return self.failed(
                id,
                format!("“{}” could not be installed: {error}.", self.models.title(id.as_str())),
            );
        }
        self.models.finish(id, None);
        Ok(())
    }

    fn failed(&self, id: &ModelId, message: String) -> Result<()> {
        self.models.finish(id, Some(message.clone()));
        Err(user_error(ErrorCode::Other, message))
    }

    /// Stops an installation of this process; the partial download stays. False if there is none.
    pub fn stop_install(&self, id: &str) -> bool {
        let installations = self.models.installations();
        let found = installations.iter().find(|(other, _)| other.as_str() == id);
        match found.and_then(|(_, installation)| installation.cancel.clone()) {
            Some(cancel) => {
                drop(installations);
                cancel.cancel();
                true
            }
            None => false,
        }
    }

    /// Removes a model or a partial download. A linked file stays where it is.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`]; if it cannot be removed.
    pub async fn remove_model(&self, id: &str) -> Result<()> {
        let unknown =
            || user_error(ErrorCode::NotFound, format!("The speech model “{id}” is not installed."));
        let parsed: ModelId = id.parse().map_err(|_| unknown())?;
        let models = self.models.clone();
        let removed = {
            let parsed = parsed.clone();
            tokio::task::spawn_blocking(move || models.folder().remove(&parsed)).await?
        };
        let forgotten = {
            let mut installations = self.models.installations();
            let has_failed = installations.get(&parsed).is_some_and(|one| one.cancel.is_none());
            has_failed && installations.remove(&parsed).is_some()
        };
        match removed {
            Err(models::FolderError::Unknown) if forgotten => {}
            Err(models::FolderError::Unknown) => return Err(unknown()),
            Err(error) => {
                return Err(user_error(ErrorCode::Other, format!("“{id}” could not be removed: {error}.")));
            }
            Ok(()) => {}
        }
        let defaults = self.current_defaults().await?;
        if defaults.model == id {
            // New recordings are transcribed with the included model from now on.
            let options = TranscriptionOptions {
                model: BUILT_IN.to_owned(),
                language: None,
                translate: false,
                ..defaults
            };
            let data = Arc::clone(&self.data);
            tokio::task::spawn_blocking(move || {
                crate::settings::write_transcription_defaults(data.path(), &options)
            })
            .await??;
        }
        self.models.notify(&parsed, None);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aborted_installation_can_be_begun_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let models = ModelManager::open(folder.path().to_owned(), None).expect("a models folder");
        let id: ModelId = "whisper-tiny-q8_0".parse().expect("an id");
        let begin = || models.begin(&id, ModelState::Checking);
        assert!(begin().is_some());
        assert!(begin().is_none(), "it is running");
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _abort_guard = AbortGuard { models: &models, id: &id };
            panic!("on purpose");
        }));
        assert!(panicked.is_err());
        match &models.installations()[&id].state {
            ModelState::Failed { message, .. } => assert!(message.ends_with("Try again."), "{message}"),
            state => panic!("{state:?}"),
        }
        assert!(begin().is_some());
        models.finish(&id, None);
        drop(AbortGuard { models: &models, id: &id });
        assert!(models.installations().is_empty(), "a finished installation is not aborted");
    }
}
