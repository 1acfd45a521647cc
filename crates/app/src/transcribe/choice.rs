//! What a recording is transcribed with: the user's choice, the defaults, and the engine that comes of them.

use crate::Local;
use crate::refusal::{Code, refuse};
use crate::settings::{Settings, write_defaults};
use crate::speakers::view::Expected;
use anyhow::Result;
use models::{Entry, Installed, ModelId};
use serde::{Deserialize, Serialize};
use speech::{Capabilities, EngineSpec, WINDOWING_VERSION};
use std::sync::Arc;
use store::{Job, Transcript};

/// What is said of a model that is here and that the engine has not been able to load yet.
pub(crate) const NEVER_LOADED: &str =
    "It has not been tried yet, or could not be loaded. Install it again, or remove it.";
/// The speech model that is included.
pub(crate) const BUILT_IN: &str = speech::built_in::ID;
/// Its title.
pub(crate) const BUILT_IN_TITLE: &str = "Whisper base";
/// The model of PocketSphinx, which was included before. Its transcripts stay; new work uses [`BUILT_IN`].
pub(crate) const RETIRED: &str = "en-us";

/// Most terms of a vocabulary, and characters of one: models read it before every window.
const MOST_TERMS: usize = 100;
const LONGEST_TERM: usize = 80;
/// No decoder was ever begun with more threads than this.
const MOST_THREADS: u32 = 64;

/// What a recording is transcribed with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Choice {
    /// A speech model by its id; `whisper-base` is the one that is included.
    pub model: String,
    /// Spoken language, BCP 47; none: the model finds out, or knows only one.
    pub language: Option<String>,
    /// Write in English what is said in another language.
    pub translate: bool,
    /// Names and terms to expect.
    pub vocabulary: Vec<String>,
    /// How many people speak; none: not known.
    #[serde(default)]
    pub speakers: Option<Expected>,
}

impl Choice {
    /// The choice in the archive's words.
    pub(crate) fn stored(&self) -> store::Choice {
        store::Choice {
            model: Some(self.model.clone()),
            language: self.language.clone(),
            translate: self.translate,
            vocabulary: self.vocabulary.clone(),
            speakers_min: self.speakers.unwrap_or_default().stored().0,
            speakers_max: self.speakers.unwrap_or_default().stored().1,
        }
    }
}

/// A model that is here, and what is known of it before it is loaded.
#[derive(Debug, Clone)]
pub(crate) struct Chosen {
    spec: EngineSpec,
    capabilities: Capabilities,
    choice: Choice,
}

impl Chosen {
    pub(crate) fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// The engine with its threads, and how many decoders. An unfinished version of the same recording, made with the
    /// same model, is resumed with as many threads as it was begun with.
    pub(crate) fn engines(&self, decoders: Option<usize>, unfinished: &[Transcript]) -> (EngineSpec, usize) {
        let cores = speech::cores();
        let free = speech::available_memory().map(|free| free.saturating_sub(self.capabilities.shared_bytes));
        // Each decoder would have the model on the graphics processor once more.
        let on_gpu = !matches!(self.capabilities.device.to_ascii_lowercase().as_str(), "" | "cpu");
        let count = decoders.unwrap_or_else(|| match on_gpu {
            true => 1,
            false => speech::decoder_count(cores, free, self.capabilities.memory_bytes),
        });
        let begun = unfinished
            .iter()
            .find(|old| old.model == self.choice.model && old.model_sha256 == self.capabilities.model_sha256);
        let begun = begun.and_then(|old| old.settings.get("threads")?.as_u64());
        // Another computer may have written it.
        let begun =
            begun.and_then(|threads| u32::try_from(threads).ok()).filter(|n| (1..=MOST_THREADS).contains(n));
        // A second thread in a decoder mostly waits for the first. It helps only where there is no memory for a second
        // decoder.
        let threads = begun.unwrap_or_else(|| match decoders {
            None if count < speech::decoder_count(cores, None, 1) && !on_gpu => {
                u32::try_from(cores / count.max(1)).unwrap_or(1)
            }
            _ => 1,
        });
        (EngineSpec { threads, ..self.spec.clone() }, count)
    }

    /// Everything that decides the words, besides engine and model: work is resumed only where it is equal.
    pub(crate) fn settings(
        &self,
        spec: &EngineSpec,
        offered: &Capabilities,
        language: Option<&str>,
    ) -> serde_json::Value {
        let mut settings = serde_json::json!({
            "windowing": WINDOWING_VERSION,
            "cutting": offered.cutting,
            "language": language,
            "translate": self.choice.translate && offered.translates,
            "vocabulary": if offered.vocabulary { self.choice.vocabulary.as_slice() } else { &[] },
            "word_times": offered.word_times,
            "threads": spec.threads,
            "device": offered.device,
        });
        if let Some(seconds) = spec.context_s {
            settings["context_s"] = seconds.into();
        }
        settings
    }
}

impl Local {
    /// What new recordings are transcribed with, as the settings say now. Blocks.
    pub fn defaults(&self) -> Choice {
        // They may have been changed since the archive was opened, by this process or another.
        let now = Settings::read(self.data.path(), |name| std::env::var(name).ok(), self.command_line());
        let settings = match &now {
            Ok(now) => now,
            Err(error) => {
                tracing::warn!(%error, "the settings cannot be read; those of the start count");
                &self.settings
            }
        };
        Choice {
            model: settings
                .model
                .clone()
                .filter(|model| model != RETIRED)
                .unwrap_or_else(|| BUILT_IN.to_owned()),
            language: settings.language.clone(),
            translate: settings.translate,
            vocabulary: settings.vocabulary.clone(),
            speakers: None,
        }
    }

    /// Changes what new recordings are transcribed with.
    ///
    /// # Errors
    /// [`Code::NotOffered`] if the model is not here or cannot do that; where the settings cannot be written.
    pub async fn set_defaults(&self, choice: &Choice) -> Result<()> {
        let (choice, data) = (self.check_choice(choice).await?, Arc::clone(&self.data));
        tokio::task::spawn_blocking(move || write_defaults(data.path(), &choice)).await?
    }

    /// As [`Local::defaults`], for a task that must not block.
    pub(crate) async fn defaults_now(&self) -> Result<Choice> {
        let local = self.clone();
        Ok(tokio::task::spawn_blocking(move || local.defaults()).await?)
    }

    /// What a recording was last asked to be transcribed with.
    pub(crate) async fn choice_of(&self, job: &Job) -> Result<Choice> {
        let (local, job) = (self.clone(), job.clone());
        Ok(tokio::task::spawn_blocking(move || choice_given(&job, || local.defaults())).await?)
    }

    /// The engine of a choice, or a sentence that says why there is none.
    pub(crate) async fn chosen(&self, choice: &Choice) -> Result<Result<Chosen, String>> {
        let choice = choice.clone();
        if choice.model == BUILT_IN {
            return Ok(match speech::built_in::spec(self.resources.folder()) {
                Ok(spec) => Ok(Chosen { capabilities: speech::built_in::capabilities(&spec), spec, choice }),
                Err(error) => Err(format!("{}.", crate::refusal::capitalised(&error.to_string()))),
            });
        }
        let folder = self.room.folder().clone();
        let device = self.settings.device;
        // A file that looks changed is read as a whole.
        tokio::task::spawn_blocking(move || {
            let Ok(id) = choice.model.parse::<ModelId>() else { return Ok(Err(missing(&choice.model))) };
            match folder.entry(&id) {
                None => return Ok(Err(missing(&choice.model))),
                Some(Entry::Damaged { why, .. }) => return Ok(Err(damaged(&choice.model, &why))),
                Some(Entry::Ok(_)) => {}
            }
            // An earlier version of the app installed Whisper models with their published context.
            let installed = match folder.trim(&id) {
                Ok(installed) => installed,
                Err(error) => {
                    return Ok(Err(damaged(
                        &choice.model,
                        &format!("{}.", crate::refusal::capitalised(&error.to_string())),
                    )));
                }
            };
            let Some(capabilities) = known(&installed) else {
                return Ok(Err(damaged(&choice.model, NEVER_LOADED)));
            };
            Ok(Ok(Chosen { spec: spec_of(&installed, device), capabilities, choice }))
        })
        .await?
    }

    /// Whether a model can be used here, as far as its size tells; with `sha256`, whether it is that very file.
    pub(crate) fn is_here(&self, model: &str, sha256: Option<&str>) -> bool {
        if model == BUILT_IN {
            return true;
        }
        let Ok(id) = model.parse::<ModelId>() else { return false };
        match self.room.folder().entry(&id) {
            Some(Entry::Ok(installed)) => {
                installed.facts.is_some()
                    && sha256.is_none_or(|sha256| installed.sha256.to_string() == sha256)
            }
            _ => false,
        }
    }

    /// A choice that can be had here, in the model's own words for the language.
    ///
    /// # Errors
    /// [`Code::NotOffered`] with what would be possible.
    pub(crate) async fn check_choice(&self, choice: &Choice) -> Result<Choice> {
        let chosen = self.chosen(choice).await?.map_err(|why| refuse(Code::NotOffered, why))?;
        let offered = chosen.capabilities();
        let asked = choice.language.as_deref().filter(|language| !language.is_empty());
        let language = offered.language(asked).map_err(|error| {
            refuse(Code::NotOffered, format!("{}.", crate::refusal::capitalised(&error.to_string())))
        })?;
        if choice.translate && !offered.translates {
            return Err(refuse(
                Code::NotOffered,
                format!("The speech model “{}” does not translate. Choose one that does.", choice.model),
            ));
        }
        let terms = choice.vocabulary.iter().map(|term| transcript::one_line(term));
        let vocabulary: Vec<String> = terms.filter(|term| !term.is_empty()).collect();
        if vocabulary.len() > MOST_TERMS || vocabulary.iter().any(|term| term.chars().count() > LONGEST_TERM)
        {
            return Err(refuse(
                Code::NotOffered,
                format!(
                    "A vocabulary has at most {MOST_TERMS} terms of at most {LONGEST_TERM} characters each."
                ),
            ));
        }
        Ok(Choice {
            model: choice.model.clone(),
            language: language.map(str::to_owned),
            translate: choice.translate,
            vocabulary,
            speakers: choice.speakers.map(Expected::checked).transpose()?,
        })
    }
}

/// What `job` was last asked to be transcribed with, `defaults` where it does not say.
pub(crate) fn choice_given(job: &Job, defaults: impl FnOnce() -> Choice) -> Choice {
    let asked = job.choice();
    let speakers = Some(Expected::of(&asked)).filter(|expected| *expected != Expected::default());
    match asked.model {
        Some(model) => Choice {
            model: if model == RETIRED { BUILT_IN.to_owned() } else { model },
            language: asked.language,
            translate: asked.translate,
            vocabulary: asked.vocabulary,
            speakers,
        },
        // The server edition registers recordings without a model.
        None => {
            let defaults = defaults();
            Choice { language: asked.language.or(defaults.language), speakers, ..defaults }
        }
    }
}

/// The engine of an installed model. Threads are chosen when it is known how many decoders there will be.
pub(crate) fn spec_of(installed: &Installed, device: speech::Device) -> EngineSpec {
    EngineSpec {
        model: installed.file.clone(),
        sha256: Some(installed.sha256.to_string()),
        device,
        threads: 1,
        context_s: installed.context_s,
    }
}

/// What a model said of itself when it was installed.
pub(crate) fn known(installed: &Installed) -> Option<Capabilities> {
    serde_json::from_value(installed.facts.clone()?).ok()
}

fn missing(model: &str) -> String {
    format!("The speech model “{model}” is not installed. Install it, or choose another one.")
}

fn damaged(model: &str, why: &str) -> String {
    format!("The speech model “{model}” cannot be used. {why}")
}
