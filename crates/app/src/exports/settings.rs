//! The settings of exports that the window can change: read anew for each export.

use crate::App;
use crate::file_names::shown_path;
use crate::settings::edit;
use crate::settings::{Settings, SettingsLayer};
use crate::user_error::{ErrorCode, user_error};
use anyhow::Result;
use std::path::{Path, PathBuf};

/// The most characters of a template.
const MAX_TEMPLATE_CHARS: usize = 200;

/// How exported files are named, and their logo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportSettings {
    /// The template of file names: see [`export::file_name`].
    pub file_name: String,
    /// A PNG or JPEG file that PDF exports show beside the title.
    pub logo: Option<PathBuf>,
}

impl App {
    /// The settings of exports as they are now.
    ///
    /// # Errors
    /// As [`Settings::read`].
    pub fn export_settings(&self) -> Result<ExportSettings> {
        let settings =
            Settings::read(self.data.path(), |name| std::env::var(name).ok(), SettingsLayer::default())?;
        Ok(ExportSettings { file_name: settings.export_file_name, logo: settings.export_logo })
    }

    /// Changes the template of the names of exported files. Blocks.
    ///
    /// # Errors
    /// [`ErrorCode::NotOffered`] for a template without a value; or if the file cannot be written.
    pub fn set_export_file_name(&self, template: &str) -> Result<()> {
        let template = transcript::single_line(template);
        if !template.contains('{') || template.chars().count() > MAX_TEMPLATE_CHARS {
            return Err(user_error(
                ErrorCode::NotOffered,
                format!(
                    "A template of file names has at least one of {{title}}, {{date}}, {{time}}, {{speakers}} and {{file}}, and at most {MAX_TEMPLATE_CHARS} characters."
                ),
            ));
        }
        edit(self.data.path(), |document| document["export_file_name"] = toml_edit::value(&template))
    }

    /// Changes the logo of PDF exports. Blocks.
    ///
    /// # Errors
    /// [`ErrorCode::NotOffered`] for a file that is no picture; or if the settings cannot be written.
    pub fn set_export_logo(&self, logo: Option<&Path>) -> Result<()> {
        let Some(path) = logo else {
            return edit(self.data.path(), |document| drop(document.remove("export_logo")));
        };
        let bytes = super::make::read_logo(path)?;
        let is_picture = bytes.starts_with(b"\x89PNG\r\n\x1a\n") || bytes.starts_with(&[0xFF, 0xD8, 0xFF]);
        let text = path.to_str().filter(|_| is_picture).ok_or_else(|| {
            user_error(
                ErrorCode::NotOffered,
                format!("{} is not a PNG or JPEG picture. Choose another file.", shown_path(path)),
            )
        })?;
        edit(self.data.path(), |document| document["export_logo"] = toml_edit::value(text))
    }
}
