//! All settings with their defaults and limits, and the layers that they are made of.

use crate::retention::settings::RetentionSettings;
use crate::secrets::DatabaseUrl;
use anyhow::{Result, anyhow};
use export::Paper;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The colour theme of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// As the system has it.
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// All settings, each with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Address of the user's own PostgreSQL server. None: the private server.
    pub database_url: Option<DatabaseUrl>,
    /// A file that holds the password for that address. None: see [`crate::view::PasswordSource`].
    pub database_password_file: Option<PathBuf>,
    /// Database connections kept open.
    pub db_pool_min_size: u32,
    /// Maximum number of database connections of one process.
    pub db_pool_max_size: u32,
    /// Time in milliseconds from which a statement counts as slow; the private server records it.
    pub slow_query_ms: u32,
    /// Where scheduled backups are made. None: there are none.
    pub backup_place: Option<PathBuf>,
    /// Hours from one scheduled backup to the next.
    pub backup_interval_hours: u32,
    /// A file whose first line is the passphrase of backups. None: backups are not encrypted.
    pub backup_passphrase_file: Option<PathBuf>,
    /// The language spoken in new recordings, BCP 47. None: the model detects it, or knows only one.
    pub language: Option<String>,
    /// The speech model for new recordings. None: the included one.
    pub model: Option<String>,
    /// Whether to translate new recordings into English.
    pub translate: bool,
    /// Names and terms to expect in recordings.
    pub vocabulary: Vec<String>,
    /// The device that computes neural models.
    pub device: speech::Device,
    /// Base URL of the server that is asked first for speech models.
    pub model_mirror: Option<String>,
    /// A catalogue of speech models that is added to the bundled one.
    pub model_catalogue: Option<PathBuf>,
    /// Number of decoders. None: as many as this computer has cores and memory for.
    pub decoders: Option<usize>,
    /// How long things are kept.
    pub retention: RetentionSettings,
    /// Page size of PDF exports.
    pub paper: Paper,
    /// The template of the names of exported files: see [`export::file_name`].
    pub export_file_name: String,
    /// A PNG or JPEG file that PDF exports show beside the title.
    pub export_logo: Option<PathBuf>,
    /// See [`Preferences::theme`].
    pub theme: Theme,
    /// See [`Preferences::notify`].
    pub notify: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            database_url: None,
            database_password_file: None,
            db_pool_min_size: 5,
            db_pool_max_size: 20,
            slow_query_ms: 500,
            backup_place: None,
            backup_interval_hours: 24,
            backup_passphrase_file: None,
            language: None,
            model: None,
            translate: false,
            vocabulary: Vec::new(),
            device: speech::Device::Auto,
            model_mirror: None,
            model_catalogue: None,
            decoders: None,
            retention: RetentionSettings::default(),
            paper: Paper::A4,
            export_file_name: "{title}".to_owned(),
            export_logo: None,
            theme: Theme::System,
            notify: true,
        }
    }
}

/// Maximum value of `decoders`. Each decoder is a process with the model in its memory.
const MAX_DECODERS: usize = 64;

/// Maximum value of `backup_interval_hours`: four weeks.
const MAX_BACKUP_INTERVAL_HOURS: u32 = 28 * 24;

/// Maximum value of `slow_query_ms`: an hour.
const MAX_SLOW_QUERY_MS: u32 = 3_600_000;

/// The settings that one source gives.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SettingsLayer {
    /// See [`Settings::database_url`].
    pub database_url: Option<DatabaseUrl>,
    /// See [`Settings::database_password_file`].
    pub database_password_file: Option<PathBuf>,
    /// See [`Settings::db_pool_min_size`].
    pub db_pool_min_size: Option<u32>,
    /// See [`Settings::db_pool_max_size`].
    pub db_pool_max_size: Option<u32>,
    /// See [`Settings::slow_query_ms`].
    pub slow_query_ms: Option<u32>,
    /// See [`Settings::backup_place`].
    pub backup_place: Option<PathBuf>,
    /// See [`Settings::backup_interval_hours`].
    pub backup_interval_hours: Option<u32>,
    /// See [`Settings::backup_passphrase_file`].
    pub backup_passphrase_file: Option<PathBuf>,
    /// See [`Settings::language`].
    pub language: Option<String>,
    /// See [`Settings::model`].
    pub model: Option<String>,
    /// See [`Settings::translate`].
    pub translate: Option<bool>,
    /// See [`Settings::vocabulary`].
    pub vocabulary: Option<Vec<String>>,
    /// See [`Settings::device`].
    pub device: Option<speech::Device>,
    /// See [`Settings::model_mirror`].
    pub model_mirror: Option<String>,
    /// See [`Settings::model_catalogue`].
    pub model_catalogue: Option<PathBuf>,
    /// See [`Settings::decoders`].
    pub decoders: Option<usize>,
    /// See [`RetentionSettings::cleanup_interval_hours`].
    pub cleanup_interval_hours: Option<u32>,
    /// See [`RetentionSettings::job_retention_hours`].
    pub job_retention_hours: Option<u32>,
    /// See [`RetentionSettings::export_retention_hours`].
    pub export_retention_hours: Option<u32>,
    /// See [`RetentionSettings::audio_retention_days`].
    pub audio_retention_days: Option<u32>,
    /// See [`RetentionSettings::trash_retention_days`]; 0 for never.
    pub trash_retention_days: Option<u32>,
    /// See [`Settings::paper`].
    pub paper: Option<Paper>,
    /// See [`Settings::export_file_name`].
    pub export_file_name: Option<String>,
    /// See [`Settings::export_logo`].
    pub export_logo: Option<PathBuf>,
    /// See [`Settings::theme`].
    pub theme: Option<Theme>,
    /// See [`Settings::notify`].
    pub notify: Option<bool>,
}

impl Settings {
    /// These settings where `layer` gives nothing else.
    pub(super) fn with(self, layer: SettingsLayer) -> Self {
        Self {
            retention: self.retention.with(&layer),
            database_url: layer.database_url.or(self.database_url),
            database_password_file: layer.database_password_file.or(self.database_password_file),
            db_pool_min_size: layer.db_pool_min_size.unwrap_or(self.db_pool_min_size),
            db_pool_max_size: layer.db_pool_max_size.unwrap_or(self.db_pool_max_size),
            slow_query_ms: layer.slow_query_ms.unwrap_or(self.slow_query_ms),
            backup_place: layer.backup_place.or(self.backup_place),
            backup_interval_hours: layer.backup_interval_hours.unwrap_or(self.backup_interval_hours),
            backup_passphrase_file: layer.backup_passphrase_file.or(self.backup_passphrase_file),
            language: layer.language.or(self.language),
            model: layer.model.or(self.model),
            translate: layer.translate.unwrap_or(self.translate),
            vocabulary: layer.vocabulary.unwrap_or(self.vocabulary),
            device: layer.device.unwrap_or(self.device),
            model_mirror: layer.model_mirror.or(self.model_mirror),
            model_catalogue: layer.model_catalogue.or(self.model_catalogue),
            decoders: layer.decoders.or(self.decoders),
            paper: layer.paper.unwrap_or(self.paper),
            export_file_name: layer.export_file_name.unwrap_or(self.export_file_name),
            export_logo: layer.export_logo.or(self.export_logo),
            theme: layer.theme.unwrap_or(self.theme),
            notify: layer.notify.unwrap_or(self.notify),
        }
    }

    /// The settings, if all of them are possible.
    ///
    /// # Errors
    /// If a value is not; the message names the setting.
    pub(super) fn check(self) -> Result<Self> {
        // The connections that listen for notifications and hold the worker lock are not in the pool, so one is enough.
        if self.db_pool_max_size == 0 || self.db_pool_min_size > self.db_pool_max_size {
            return Err(anyhow!(
                "db_pool_min_size ({}) must not be larger than db_pool_max_size ({}), which is at least 1",
                self.db_pool_min_size,
                self.db_pool_max_size
            ));
        }
        if !(1..=MAX_SLOW_QUERY_MS).contains(&self.slow_query_ms) {
            return Err(anyhow!(
                "slow_query_ms ({}) must be between 1 and {MAX_SLOW_QUERY_MS} milliseconds",
                self.slow_query_ms
            ));
        }
        if !(1..=MAX_BACKUP_INTERVAL_HOURS).contains(&self.backup_interval_hours) {
            return Err(anyhow!("backup_interval_hours must be between 1 and {MAX_BACKUP_INTERVAL_HOURS}"));
        }
        if self.backup_place.as_ref().is_some_and(|place| !place.is_absolute()) {
            return Err(anyhow!("backup_place must be the whole path of a folder, beginning with /"));
        }
        if self.backup_passphrase_file.as_ref().is_some_and(|file| !file.is_absolute()) {
            return Err(anyhow!("backup_passphrase_file must be the whole path of a file, beginning with /"));
        }
        if self.decoders.is_some_and(|decoders| !(1..=MAX_DECODERS).contains(&decoders)) {
            return Err(anyhow!("decoders must be between 1 and {MAX_DECODERS}"));
        }
        self.retention.check()?;
        Ok(self)
    }
}
