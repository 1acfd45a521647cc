//! The settings that the window shows and changes.

use super::file::edit;
use super::values::{Settings, SettingsLayer, Theme};
use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The settings that the window shows and changes. They are available before the archive is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Preferences {
    /// The colour theme.
    pub theme: Theme,
    /// Whether to show a notification when a long job ends while the window is not in front.
    pub notify: bool,
}

impl Preferences {
    /// Reads the preferences from the settings of this data folder.
    ///
    /// # Errors
    /// As [`Settings::read`].
    pub fn read(data_folder: &Path) -> Result<Self> {
        let settings =
            Settings::read(data_folder, |name| std::env::var(name).ok(), SettingsLayer::default())?;
        Ok(Self { theme: settings.theme, notify: settings.notify })
    }

    /// Writes them to `settings.toml`; other lines and comments stay as they are.
    ///
    /// # Errors
    /// If the file cannot be read or written.
    pub fn write(&self, data_folder: &Path) -> Result<()> {
        let theme = match self.theme {
            Theme::System => "system",
            Theme::Light => "light",
            Theme::Dark => "dark",
        };
        edit(data_folder, |document| {
            document["theme"] = toml_edit::value(theme);
            document["notify"] = toml_edit::value(self.notify);
        })
    }
}
