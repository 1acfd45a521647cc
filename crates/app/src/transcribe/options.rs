//! The options that a recording is transcribed with: the user's choice, the defaults from the settings, and the check
//! of both against the selected model.

use crate::LocalApp;
use crate::settings::{Settings, write_transcription_defaults};
use crate::speakers::view::SpeakerCount;
use crate::transcribe::error::SelectEngineError;
use crate::user_error::{ErrorCode, capitalised, user_error};
use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use store::Job;

/// Id of the included speech model.
pub(crate) const BUILT_IN: &str = speech::built_in::ID;
/// Title of the included speech model.
pub(crate) const BUILT_IN_TITLE: &str = "Whisper base";
/// Id of the PocketSphinx model, which earlier versions included. Transcripts made with it stay; new work that asks for
/// it uses [`BUILT_IN`].
pub(crate) const RETIRED: &str = "en-us";

/// Maximum number of terms in a vocabulary, and of characters in a term. Models read the vocabulary before each window.
const MAX_TERMS: usize = 100;
const MAX_TERM_CHARS: usize = 80;

/// What a recording is transcribed with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct TranscriptionOptions {
    /// Id of the speech model; `whisper-base` is the included one.
    pub model: String,
    /// Spoken language, BCP 47. None: the model detects it, or knows only one.
    pub language: Option<String>,
    /// Whether to translate into English.
    pub translate: bool,
    /// Names and terms to expect.
    pub vocabulary: Vec<String>,
    /// How many people speak; none if not known.
    #[serde(default)]
    pub speakers: Option<SpeakerCount>,
}

impl TranscriptionOptions {
    /// The same, as `store` keeps them with a job.
    pub(crate) fn stored(&self) -> store::RequestedOptions {
        let (speakers_min, speakers_max) = self.speakers.unwrap_or_default().stored();
        store::RequestedOptions {
            model: Some(self.model.clone()),
            language: self.language.clone(),
            translate: self.translate,
            vocabulary: self.vocabulary.clone(),
            speakers_min,
            speakers_max,
        }
    }
}

impl LocalApp {
    /// The options for new recordings, from the settings as they are now. Blocks.
    pub fn defaults(&self) -> TranscriptionOptions {
        // This or another process may have changed the settings since the archive was opened.
        let current = Settings::read(self.data.path(), |name| std::env::var(name).ok(), self.command_line());
        let settings = match &current {
            Ok(current) => current,
            Err(error) => {
                tracing::warn!(%error, "the settings cannot be read; those read at start are used");
                &self.settings
            }
        };
        TranscriptionOptions {
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

    /// [`LocalApp::defaults`] for async callers.
    pub(crate) async fn current_defaults(&self) -> Result<TranscriptionOptions> {
        let local = self.clone();
        Ok(tokio::task::spawn_blocking(move || local.defaults()).await?)
    }

    /// Writes the options for new recordings to the settings.
    ///
    /// # Errors
    /// [`ErrorCode::NotOffered`] if the model is not installed or cannot do what is asked for; if the settings cannot
    /// be written.
    pub async fn set_defaults(&self, options: &TranscriptionOptions) -> Result<()> {
        let (options, data) = (self.check_options(options).await?, Arc::clone(&self.data));
        tokio::task::spawn_blocking(move || write_transcription_defaults(data.path(), &options)).await?
    }

    /// The options last requested for a recording.
    pub(crate) async fn options_of(&self, job: &Job) -> Result<TranscriptionOptions> {
        let (local, job) = (self.clone(), job.clone());
        Ok(tokio::task::spawn_blocking(move || requested_options(&job, || local.defaults())).await?)
    }

    /// Checks `options` against the model; returns them with the language as the model names it and a clean vocabulary.
    ///
    /// # Errors
    /// [`ErrorCode::NotOffered`]; the message says what would be possible.
    pub(crate) async fn check_options(&self, options: &TranscriptionOptions) -> Result<TranscriptionOptions> {
        let not_offered = |message: String| user_error(ErrorCode::NotOffered, message);
        let engine = self.select_engine(options).await.map_err(|error| match error {
            SelectEngineError::Unavailable(message) => not_offered(message),
            SelectEngineError::Internal(error) => error.into(),
        })?;
        let capabilities = engine.capabilities();
        let asked = options.language.as_deref().filter(|language| !language.is_empty());
        let language = capabilities
            .language(asked)
            .map_err(|error| not_offered(format!("{}.", capitalised(&error.to_string()))))?;
        if options.translate && !capabilities.translates {
            return Err(not_offered(format!(
                "The speech model “{}” does not translate. Choose one that does.",
                options.model
            )));
        }
        let terms = options.vocabulary.iter().map(|term| transcript::single_line(term));
        let vocabulary: Vec<String> = terms.filter(|term| !term.is_empty()).collect();
        if vocabulary.len() > MAX_TERMS || vocabulary.iter().any(|term| term.chars().count() > MAX_TERM_CHARS)
        {
            return Err(not_offered(format!(
                "A vocabulary has at most {MAX_TERMS} terms of at most {MAX_TERM_CHARS} characters each."
            )));
        }
        Ok(TranscriptionOptions {
            model: options.model.clone(),
            language: language.map(str::to_owned),
            translate: options.translate,
            vocabulary,
            speakers: options.speakers.map(SpeakerCount::checked).transpose()?,
        })
    }
}

/// The options last requested for `job`; `defaults` if it was registered without any.
pub(crate) fn requested_options(
    job: &Job,
    defaults: impl FnOnce() -> TranscriptionOptions,
) -> TranscriptionOptions {
    let asked = job.requested_options();
    let speakers = Some(SpeakerCount::of(&asked)).filter(|count| *count != SpeakerCount::default());
    match asked.model {
        Some(model) => TranscriptionOptions {
            model: if model == RETIRED { BUILT_IN.to_owned() } else { model },
            language: asked.language,
            translate: asked.translate,
            vocabulary: asked.vocabulary,
            speakers,
        },
        // The server edition registers recordings without a model.
        None => {
            let defaults = defaults();
            TranscriptionOptions { language: asked.language.or(defaults.language), speakers, ..defaults }
        }
    }
}
