//! Which engine transcribes a recording, with how many decoders and threads, and which settings identify its output.

use crate::LocalApp;
use crate::transcribe::error::SelectEngineError;
use crate::transcribe::options::{BUILT_IN, TranscriptionOptions};
use crate::user_error::capitalised;
use models::{Entry, Installed, ModelId};
use speech::{Capabilities, EngineSpec, WINDOWING_VERSION};
use store::Transcript;

/// Shown for an installed model that the engine has never loaded.
pub(crate) const NEVER_LOADED: &str =
    "It has not been tried yet, or could not be loaded. Install it again, or remove it.";

/// Upper bound of the thread count that is read from a stored version.
const MAX_THREADS: u32 = 64;

/// An installed model, what it can do, and the options it was selected for.
#[derive(Debug, Clone)]
pub(crate) struct SelectedEngine {
    spec: EngineSpec,
    capabilities: Capabilities,
    options: TranscriptionOptions,
}

impl SelectedEngine {
    /// What the model can do, as it reported when it was installed.
    pub(crate) fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// The engine with its number of threads, and the number of decoders. If `unfinished` has a version that was made
    /// with the same model, its number of threads is kept, because the last bits of sums depend on it.
    pub(crate) fn decoders(&self, decoders: Option<usize>, unfinished: &[Transcript]) -> (EngineSpec, usize) {
        let cores = speech::cores();
        let free = speech::available_memory().map(|free| free.saturating_sub(self.capabilities.shared_bytes));
        // Each further decoder would load the model onto the graphics processor again.
        let on_gpu = !matches!(self.capabilities.device.to_ascii_lowercase().as_str(), "" | "cpu");
        let count = decoders.unwrap_or_else(|| match on_gpu {
            true => 1,
            false => speech::decoder_count(cores, free, self.capabilities.memory_bytes),
        });
        let resumed = unfinished.iter().find(|old| {
            old.model == self.options.model && old.model_sha256 == self.capabilities.model_sha256
        });
        let resumed = resumed.and_then(|old| old.settings.get("threads")?.as_u64());
        // Another computer may have written the number.
        let resumed =
            resumed.and_then(|threads| u32::try_from(threads).ok()).filter(|n| (1..=MAX_THREADS).contains(n));
        // A second thread in a decoder mostly waits for the first. It helps only where memory is too small for a second
        // decoder.
        let threads = resumed.unwrap_or_else(|| match decoders {
            None if count < speech::decoder_count(cores, None, 1) && !on_gpu => {
                u32::try_from(cores / count.max(1)).unwrap_or(1)
            }
            _ => 1,
        });
        (EngineSpec { threads, ..self.spec.clone() }, count)
    }

    /// Everything besides engine and model that affects the words. Stored with a version; only a version with equal
    /// settings is resumed.
    pub(crate) fn version_settings(
        &self,
        spec: &EngineSpec,
        capabilities: &Capabilities,
        language: Option<&str>,
    ) -> serde_json::Value {
        let vocabulary = if capabilities.vocabulary { self.options.vocabulary.as_slice() } else { &[] };
        let mut settings = serde_json::json!({
            "windowing": WINDOWING_VERSION,
            "cutting": capabilities.cutting,
            "language": language,
            "translate": self.options.translate && capabilities.translates,
            "vocabulary": vocabulary,
            "word_times": capabilities.word_times,
            "threads": spec.threads,
            "device": capabilities.device,
        });
        if let Some(seconds) = spec.context_s {
            settings["context_s"] = seconds.into();
        }
        settings
    }
}

impl LocalApp {
    /// The engine for `options`.
    ///
    /// # Errors
    /// [`SelectEngineError::Unavailable`] if the model is missing or damaged.
    pub(crate) async fn select_engine(
        &self,
        options: &TranscriptionOptions,
    ) -> Result<SelectedEngine, SelectEngineError> {
        let options = options.clone();
        if options.model == BUILT_IN {
            let spec = speech::built_in::spec(self.resources.folder()).map_err(|error| {
                SelectEngineError::Unavailable(format!("{}.", capitalised(&error.to_string())))
            })?;
            return Ok(SelectedEngine { capabilities: speech::built_in::capabilities(&spec), spec, options });
        }
        let folder = self.models.folder().clone();
        let device = self.settings.device;
        // Blocks: a file that seems to have changed is hashed.
        tokio::task::spawn_blocking(move || {
            let id = options.model.parse::<ModelId>().map_err(|_| missing(&options.model))?;
            match folder.entry(&id) {
                None => return Err(missing(&options.model)),
                Some(Entry::Damaged { why, .. }) => return Err(damaged(&options.model, &why)),
                Some(Entry::Ok(_)) => {}
            }
            // Earlier versions of the app installed Whisper models with their published context length.
            let installed = folder
                .trim(&id)
                .map_err(|error| damaged(&options.model, &format!("{}.", capitalised(&error.to_string()))))?;
            let capabilities =
                stored_capabilities(&installed).ok_or_else(|| damaged(&options.model, NEVER_LOADED))?;
            Ok(SelectedEngine { spec: engine_spec(&installed, device), capabilities, options })
        })
        .await?
    }

    /// Whether a model is installed and was loaded once. Checks the file's size but not its content; with `sha256`,
    /// also that it is the file with this hash.
    pub(crate) fn is_model_available(&self, model: &str, sha256: Option<&str>) -> bool {
        if model == BUILT_IN {
            return true;
        }
        let Ok(id) = model.parse::<ModelId>() else { return false };
        match self.models.folder().entry(&id) {
            Some(Entry::Ok(installed)) => {
                installed.facts.is_some()
                    && sha256.is_none_or(|sha256| installed.sha256.to_string() == sha256)
            }
            _ => false,
        }
    }
}

/// The engine of an installed model, with one thread per decoder.
pub(crate) fn engine_spec(installed: &Installed, device: speech::Device) -> EngineSpec {
    EngineSpec {
        model: installed.file.clone(),
        sha256: Some(installed.sha256.to_string()),
        device,
        threads: 1,
        context_s: installed.context_s,
    }
}

/// The capabilities that a model reported when it was installed.
pub(crate) fn stored_capabilities(installed: &Installed) -> Option<Capabilities> {
    serde_json::from_value(installed.facts.clone()?).ok()
}

fn missing(model: &str) -> SelectEngineError {
    SelectEngineError::Unavailable(format!(
        "The speech model “{model}” is not installed. Install it, or choose another one."
    ))
}

fn damaged(model: &str, why: &str) -> SelectEngineError {
    SelectEngineError::Unavailable(format!("The speech model “{model}” cannot be used. {why}"))
}
