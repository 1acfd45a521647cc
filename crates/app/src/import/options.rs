//! The transcription options of an import: what the user asked for, completed from the settings.

use crate::LocalApp;
use crate::speakers::view::SpeakerCount;
use crate::transcribe::error::SelectEngineError;
use crate::transcribe::options::TranscriptionOptions;
use anyhow::Result;

/// What the user asked for when importing recordings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// The language spoken, BCP 47. None: the setting, if the model knows that language.
    pub language: Option<String>,
    /// The speech model; none: the setting.
    pub model: Option<String>,
    /// Translate into English; false: the setting.
    pub translate: bool,
    /// Names and terms to expect; empty: the setting.
    pub vocabulary: Vec<String>,
    /// How many people speak, if known.
    pub speakers: Option<SpeakerCount>,
}

impl LocalApp {
    /// The transcription options for recordings that are imported with `options`; the settings supply what is not
    /// given.
    ///
    /// # Errors
    /// [`crate::ErrorCode::NotOffered`] if something that was asked for is not available. Unusable settings are no
    /// error: the recordings are imported, and their transcription fails with a message that says what is missing.
    pub(crate) async fn options_for_import(&self, options: ImportOptions) -> Result<TranscriptionOptions> {
        let defaults = self.current_defaults().await?;
        let asked_for = options != ImportOptions { speakers: options.speakers, ..ImportOptions::default() };
        let mut completed = TranscriptionOptions {
            model: options.model.unwrap_or(defaults.model),
            language: options.language,
            translate: options.translate || defaults.translate,
            vocabulary: if options.vocabulary.is_empty() { defaults.vocabulary } else { options.vocabulary },
            speakers: options.speakers.map(SpeakerCount::checked).transpose()?,
        };
        let engine = match self.select_engine(&completed).await {
            Ok(engine) => Some(engine),
            Err(SelectEngineError::Unavailable(_)) => None,
            Err(SelectEngineError::Internal(error)) => return Err(error.into()),
        };
        let capabilities = engine.as_ref().map(|engine| engine.capabilities());
        if completed.language.is_none() {
            let known = capabilities.is_none_or(|known| known.language(defaults.language.as_deref()).is_ok());
            completed.language = defaults.language.filter(|_| known || !asked_for);
        }
        if !options.translate {
            completed.translate &= capabilities.is_none_or(|capabilities| capabilities.translates);
        }
        match self.check_options(&completed).await {
            Err(error) if asked_for => Err(error),
            Err(_) => Ok(completed),
            checked => checked,
        }
    }
}
