//! Reads the settings from their sources.

use super::file::{create_default_file, describe_toml_error};
use super::values::{Settings, SettingsLayer};
use anyhow::{Context, Result};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

impl Settings {
    /// Reads the settings. Creates `settings.toml` with commented defaults if the data folder has none.
    ///
    /// # Errors
    /// If the file or a variable is invalid. The message names it and says what is wrong.
    pub fn read(
        data_folder: &Path,
        environment: impl Fn(&str) -> Option<String>,
        command_line: SettingsLayer,
    ) -> Result<Self> {
        let path = data_folder.join("settings.toml");
        let file = match fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text)
                .map_err(|error: toml::de::Error| describe_toml_error(&text, error.span(), error.message()))
                .with_context(|| format!("{} is not valid", path.display()))?,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                create_default_file(&path)
                    .with_context(|| format!("{} could not be written", path.display()))?;
                SettingsLayer::default()
            }
            Err(error) => return Err(error).with_context(|| format!("{} could not be read", path.display())),
        };
        let settings =
            Self::default().with(file).with(SettingsLayer::from_environment(environment)?).with(command_line);
        settings.check()
    }
}
