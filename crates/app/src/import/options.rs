//! What is asked for together with files.

use crate::Local;
use crate::speakers::view::Expected;
use crate::transcribe::choice::{Choice, Chosen};
use anyhow::Result;

/// What to do with the recordings of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// The language spoken, BCP 47; none: the setting, if the model knows that language.
    pub language: Option<String>,
    /// The speech model; none: the setting.
    pub model: Option<String>,
    /// English, whatever is spoken; false: the setting.
    pub translate: bool,
    /// Names and terms to expect; none: the setting.
    pub vocabulary: Vec<String>,
    /// How many people speak, if that is known.
    pub speakers: Option<Expected>,
}

impl Local {
    /// What recordings are transcribed with that are imported with these options, the settings for the rest.
    ///
    /// # Errors
    /// [`Code::NotOffered`] for what was asked for and is not to be had. Settings that cannot be had are no error here:
    /// the recordings are taken in, and say themselves what is missing.
    pub(crate) async fn choice_for(&self, options: ImportOptions) -> Result<Choice> {
        let defaults = self.defaults_now().await?;
        let asked_for = options != ImportOptions { speakers: options.speakers, ..ImportOptions::default() };
        let mut choice = Choice {
            model: options.model.unwrap_or(defaults.model),
            language: options.language,
            translate: options.translate || defaults.translate,
            vocabulary: if options.vocabulary.is_empty() { defaults.vocabulary } else { options.vocabulary },
            speakers: options.speakers.map(Expected::checked).transpose()?,
        };
        let chosen = self.chosen(&choice).await?;
        let offered = chosen.as_ref().map(Chosen::capabilities).ok();
        if choice.language.is_none() {
            let known = offered.is_none_or(|offered| offered.language(defaults.language.as_deref()).is_ok());
            choice.language = defaults.language.filter(|_| known || !asked_for);
        }
        if !options.translate {
            choice.translate &= offered.is_none_or(|offered| offered.translates);
        }
        match self.check_choice(&choice).await {
            Err(error) if asked_for => Err(error),
            Err(_) => Ok(choice),
            checked => checked,
        }
    }
}
