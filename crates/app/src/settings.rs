//! The settings, and the only place that reads them.
//!
//! Later sources override earlier ones: defaults, `settings.toml` in the data folder, environment, command line.

use crate::retention::settings::RetentionSettings;
use crate::secrets::DatabaseUrl;
use anyhow::{Context, Result, anyhow};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Page size of PDF exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Paper {
    /// 210 × 297 mm.
    A4,
    /// 8½ × 11 in.
    Letter,
}

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

/// The settings that the window shows and changes. They are available before the archive is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Preferences {
    /// The colour theme.
    pub theme: Theme,
    /// Whether to show a notification when a long job ends while the window is not in front.
    pub notify: bool,
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
            theme: Theme::System,
            notify: true,
        }
    }
}

/// The environment variables that give `database_url`; the first that is set counts.
pub(crate) const DATABASE_VARIABLES: [&str; 2] = ["MEETMEMO_DATABASE_URL", "DATABASE_URL"];

/// Maximum value of `decoders`. Each decoder is a process with the model in its memory.
const MAX_DECODERS: usize = 64;

/// Maximum value of `backup_interval_hours`: four weeks.
const MAX_BACKUP_INTERVAL_HOURS: u32 = 28 * 24;

/// Maximum value of `slow_query_ms`: an hour.
const MAX_SLOW_QUERY_MS: u32 = 3_600_000;

/// The content of `settings.toml` in a new data folder.
const DEFAULT_FILE: &str = "\
# MeetMemo's settings. A line without # overrides the default shown.
# Each can also be given as an environment variable: MEETMEMO_ and the name in capitals.

# Your own PostgreSQL server instead of the private one. It must be empty or MeetMemo's.
# DATABASE_URL in the environment is honoured too. Its password: from the file named here, which only you may read, from
# ~/.pgpass, or from the key store of your system; see docs/external-database.md.
# database_url = \"postgresql://user@host:5432/name\"
# database_password_file = \"/run/secrets/meetmemo\"

# Database connections: kept open, and at most.
# db_pool_min_size = 5
# db_pool_max_size = 20

# Statements that take at least this many milliseconds are recorded; see `meetmemo database slow`.
# slow_query_ms = 500

# A folder for scheduled backups, best on another disk, and the hours from one to the next. 7 daily, 4 weekly and 12
# monthly ones are kept.
# backup_place = \"/media/disk/MeetMemo backup\"
# backup_interval_hours = 24

# A file that only you may read; its first line is the passphrase with which backups are encrypted. See docs/backup.md.
# backup_passphrase_file = \"/home/user/meetmemo-passphrase\"

# What new recordings are transcribed with: a speech model (see `meetmemo models`; whisper-base is included), the language
# spoken, as a code, whether to write English whatever is spoken, and names and terms to expect.
# model = \"whisper-base\"
# language = \"en\"
# translate = false
# vocabulary = [\"MeetMemo\"]

# What speech models are computed on: auto takes a graphics processor if this build supports one; cpu never does.
# device = \"auto\"

# Where speech models are asked for first, and a catalogue file of your own besides the one that comes along.
# model_mirror = \"https://models.example.org\"
# model_catalogue = \"/srv/models/catalogue.json\"

# Recognisers at once. By default one for each processor core, at most eight, as memory allows.
# decoders = 2

# How long things are kept; `meetmemo cleanup --dry-run` shows what would go. Meetings and their audio are kept for ever
# unless you say otherwise: job_retention_hours removes meetings, audio_retention_days only their audio. Exports in the
# folder exports are removed after a day.
# cleanup_interval_hours = 1
# job_retention_hours = 720
# export_retention_hours = 24
# audio_retention_days = 90

# Paper of PDF exports: a4 or letter.
# paper = \"a4\"

# The window: system, light or dark; and whether it tells when a long job ends while it is not in front.
# theme = \"system\"
# notify = true
";

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
    /// See [`Settings::paper`].
    pub paper: Option<Paper>,
    /// See [`Settings::theme`].
    pub theme: Option<Theme>,
    /// See [`Settings::notify`].
    pub notify: Option<bool>,
}

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

    fn with(self, layer: SettingsLayer) -> Self {
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
            theme: layer.theme.unwrap_or(self.theme),
            notify: layer.notify.unwrap_or(self.notify),
        }
    }

    fn check(self) -> Result<Self> {
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

impl SettingsLayer {
    fn from_environment(environment: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let set = |name: &str| environment(name).filter(|value| !value.is_empty());
        fn number<T: std::str::FromStr>(name: &str, value: Option<String>) -> Result<Option<T>> {
            value
                .map(|text| text.parse().map_err(|_| anyhow!("{name} must be a whole number, not “{text}”")))
                .transpose()
        }
        fn one_of<T: Copy>(name: &str, value: Option<String>, words: &[(&str, T)]) -> Result<Option<T>> {
            let Some(value) = value else { return Ok(None) };
            match words.iter().find(|(word, _)| *word == value) {
                Some((_, meaning)) => Ok(Some(*meaning)),
                None => {
                    let known = words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(" or ");
                    Err(anyhow!("{name} must be {known}, not “{value}”"))
                }
            }
        }
        let papers = [("a4", Paper::A4), ("letter", Paper::Letter)];
        let devices = [("auto", speech::Device::Auto), ("cpu", speech::Device::Cpu)];
        let yes_or_no = [("true", true), ("false", false)];
        let themes = [("system", Theme::System), ("light", Theme::Light), ("dark", Theme::Dark)];
        Ok(Self {
            database_url: DATABASE_VARIABLES.into_iter().find_map(&set).map(DatabaseUrl::from),
            database_password_file: set("MEETMEMO_DATABASE_PASSWORD_FILE").map(PathBuf::from),
            db_pool_min_size: number("MEETMEMO_DB_POOL_MIN_SIZE", set("MEETMEMO_DB_POOL_MIN_SIZE"))?,
            db_pool_max_size: number("MEETMEMO_DB_POOL_MAX_SIZE", set("MEETMEMO_DB_POOL_MAX_SIZE"))?,
            slow_query_ms: number("MEETMEMO_SLOW_QUERY_MS", set("MEETMEMO_SLOW_QUERY_MS"))?,
            backup_place: set("MEETMEMO_BACKUP_PLACE").map(PathBuf::from),
            backup_interval_hours: number(
                "MEETMEMO_BACKUP_INTERVAL_HOURS",
                set("MEETMEMO_BACKUP_INTERVAL_HOURS"),
            )?,
            backup_passphrase_file: set("MEETMEMO_BACKUP_PASSPHRASE_FILE").map(PathBuf::from),
            language: set("MEETMEMO_LANGUAGE"),
            model: set("MEETMEMO_MODEL"),
            translate: one_of("MEETMEMO_TRANSLATE", set("MEETMEMO_TRANSLATE"), &yes_or_no)?,
            vocabulary: set("MEETMEMO_VOCABULARY")
                .map(|terms| terms.split(',').map(|term| term.trim().to_owned()).collect()),
            device: one_of("MEETMEMO_DEVICE", set("MEETMEMO_DEVICE"), &devices)?,
            model_mirror: set("MEETMEMO_MODEL_MIRROR"),
            model_catalogue: set("MEETMEMO_MODEL_CATALOGUE").map(PathBuf::from),
            decoders: number("MEETMEMO_DECODERS", set("MEETMEMO_DECODERS"))?,
            cleanup_interval_hours: number(
                "MEETMEMO_CLEANUP_INTERVAL_HOURS",
                set("MEETMEMO_CLEANUP_INTERVAL_HOURS"),
            )?,
            job_retention_hours: number("MEETMEMO_JOB_RETENTION_HOURS", set("MEETMEMO_JOB_RETENTION_HOURS"))?,
            export_retention_hours: number(
                "MEETMEMO_EXPORT_RETENTION_HOURS",
                set("MEETMEMO_EXPORT_RETENTION_HOURS"),
            )?,
            audio_retention_days: number(
                "MEETMEMO_AUDIO_RETENTION_DAYS",
                set("MEETMEMO_AUDIO_RETENTION_DAYS"),
            )?,
            paper: one_of("MEETMEMO_PAPER", set("MEETMEMO_PAPER"), &papers)?,
            theme: one_of("MEETMEMO_THEME", set("MEETMEMO_THEME"), &themes)?,
            notify: one_of("MEETMEMO_NOTIFY", set("MEETMEMO_NOTIFY"), &yes_or_no)?,
        })
    }
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

/// Writes the transcription options for new recordings to `settings.toml`.
///
/// # Errors
/// If the file cannot be read or written.
pub(crate) fn write_transcription_defaults(
    data_folder: &Path,
    options: &crate::TranscriptionOptions,
) -> Result<()> {
    edit(data_folder, |document| {
        document["model"] = toml_edit::value(options.model.as_str());
        match &options.language {
            Some(language) => document["language"] = toml_edit::value(language.as_str()),
            None => drop(document.remove("language")),
        }
        document["translate"] = toml_edit::value(options.translate);
        let terms: toml_edit::Array = options.vocabulary.iter().map(String::as_str).collect();
        document["vocabulary"] = toml_edit::value(terms);
    })
}

/// The TOML error with its line number, but without the line itself, which may contain a password.
fn describe_toml_error(text: &str, span: Option<std::ops::Range<usize>>, message: &str) -> anyhow::Error {
    let message = message.replace('\n', ", ");
    match span.and_then(|span| text.get(..span.start)) {
        Some(before) => anyhow!("line {}: {message}", before.matches('\n').count() + 1),
        None => anyhow!("{message}"),
    }
}

/// Changes `settings.toml`; other lines and comments stay as they are.
pub(crate) fn edit(data_folder: &Path, change: impl FnOnce(&mut toml_edit::DocumentMut)) -> Result<()> {
    let path = data_folder.join("settings.toml");
    let message = || format!("{} could not be changed", path.display());
    // Serialises concurrent changes, so that none is lost. Dropping the file releases the lock.
    let lock = fs::File::create(data_folder.join("settings.lock")).with_context(message)?;
    lock.lock().with_context(message)?;
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => DEFAULT_FILE.to_owned(),
        text => text.with_context(message)?,
    };
    let mut document: toml_edit::DocumentMut = text
        .parse()
        .map_err(|error: toml_edit::TomlError| describe_toml_error(&text, error.span(), error.message()))
        .with_context(message)?;
    change(&mut document);
    replace_file(&path, document.to_string().as_bytes()).with_context(message)
}

/// Replaces the content of the file `path` atomically. Only the owner can read the file.
///
/// # Errors
/// If the folder cannot be written to.
pub fn replace_file(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let draft = path.with_extension(uuid::Uuid::new_v4().simple().to_string());
    let mut options = fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.write(true).create_new(true).open(&draft).and_then(|mut file| {
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&draft, path)
    });
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written
}

/// Creates `settings.toml` with the defaults. If another process was faster, its file stays.
fn create_default_file(path: &Path) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.write(true).create_new(true).open(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        file => file?.write_all(DEFAULT_FILE.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn nothing(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn a_new_folder_gets_the_defaults_and_a_file_that_states_them() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(
            Settings::read(dir.path(), nothing, SettingsLayer::default()).unwrap(),
            Settings::default()
        );
        let written = fs::read_to_string(dir.path().join("settings.toml")).unwrap();
        // Every setting in the file is valid once its # is removed.
        let enabled: String = written
            .lines()
            .filter(|l| l.contains(" = "))
            .map(|l| l.trim_start_matches("# ").to_owned() + "\n")
            .collect();
        let layer: SettingsLayer = toml::from_str(&enabled).unwrap();
        let all = Settings::default().with(layer);
        assert_eq!(all.paper, Paper::A4);
        assert_eq!((all.db_pool_min_size, all.db_pool_max_size), (5, 20));
    }

    #[test]
    fn the_command_line_overrides_the_environment_which_overrides_the_file() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(
            dir.path().join("settings.toml"),
            "database_url = 'file'\npaper = 'letter'\nlanguage = 'en'",
        )
        .unwrap();
        let environment = |name: &str| match name {
            "DATABASE_URL" => Some("plain".to_owned()),
            "MEETMEMO_LANGUAGE" => Some("de".to_owned()),
            _ => None,
        };
        let read = |layer| Settings::read(dir.path(), environment, layer).unwrap();
        let settings = read(SettingsLayer::default());
        assert_eq!(settings.database_url.as_deref(), Some("plain"));
        assert_eq!((settings.language.as_deref(), settings.paper), (Some("de"), Paper::Letter));
        let settings = read(SettingsLayer { database_url: Some("line".into()), ..SettingsLayer::default() });
        assert_eq!(settings.database_url.as_deref(), Some("line"));
    }

    #[test]
    fn meetmemo_database_url_overrides_database_url() {
        let both = |name: &str| name.ends_with("DATABASE_URL").then(|| name.to_owned());
        let layer = SettingsLayer::from_environment(both).unwrap();
        assert_eq!(layer.database_url.as_deref(), Some("MEETMEMO_DATABASE_URL"));
    }

    #[test]
    fn writing_preferences_keeps_the_rest_of_the_file() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("settings.toml"), "# mine\npaper = 'letter' # US\n").unwrap();
        let dark = Preferences { theme: Theme::Dark, notify: false };
        dark.write(dir.path()).unwrap();
        let text = fs::read_to_string(dir.path().join("settings.toml")).unwrap();
        assert!(text.starts_with("# mine\npaper = 'letter' # US\n"), "{text}");
        let settings = Settings::read(dir.path(), nothing, SettingsLayer::default()).unwrap();
        assert_eq!((settings.paper, settings.theme, settings.notify), (Paper::Letter, Theme::Dark, false));
        let mut left: Vec<_> =
            fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["settings.lock", "settings.toml"], "no draft is left");
    }

    #[test]
    fn an_invalid_setting_is_refused_and_named_without_its_value() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("settings.toml"), "db_pool_max_siz = 3").unwrap();
        let error =
            format!("{:#}", Settings::read(dir.path(), nothing, SettingsLayer::default()).unwrap_err());
        assert!(error.contains("settings.toml is not valid") && error.contains("db_pool_max_siz"), "{error}");
        for line in [
            "database_url = postgresql://anna:secret@host/db",
            "database_url = 'postgresql://anna:secret@host",
        ] {
            fs::write(dir.path().join("settings.toml"), format!("paper = 'a4'\n{line}\n")).unwrap();
            let read = Settings::read(dir.path(), nothing, SettingsLayer::default()).unwrap_err();
            let changed = Preferences { theme: Theme::Dark, notify: false }.write(dir.path()).unwrap_err();
            for error in [format!("{read:#}"), format!("{changed:#}")] {
                assert!(error.contains("line 2: ") && !error.contains("secret"), "{error}");
            }
        }
        let error = SettingsLayer::from_environment(|n| (n == "MEETMEMO_DECODERS").then(|| "two".to_owned()))
            .unwrap_err();
        assert_eq!(error.to_string(), "MEETMEMO_DECODERS must be a whole number, not “two”");
    }
}
