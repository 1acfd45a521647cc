//! Settings from environment variables.

use super::values::{SettingsLayer, Theme};
use crate::secrets::DatabaseUrl;
use anyhow::{Result, anyhow};
use export::Paper;
use std::path::PathBuf;

/// The environment variables that give `database_url`; the first that is set counts.
pub(crate) const DATABASE_VARIABLES: [&str; 2] = ["MEETMEMO_DATABASE_URL", "DATABASE_URL"];

impl SettingsLayer {
    /// The settings that variables give. An empty variable gives none.
    ///
    /// # Errors
    /// If a value is invalid; the message names the variable.
    pub(super) fn from_environment(environment: impl Fn(&str) -> Option<String>) -> Result<Self> {
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
            trash_retention_days: number(
                "MEETMEMO_TRASH_RETENTION_DAYS",
                set("MEETMEMO_TRASH_RETENTION_DAYS"),
            )?,
            paper: one_of("MEETMEMO_PAPER", set("MEETMEMO_PAPER"), &papers)?,
            export_file_name: set("MEETMEMO_EXPORT_FILE_NAME"),
            export_logo: set("MEETMEMO_EXPORT_LOGO").map(PathBuf::from),
            theme: one_of("MEETMEMO_THEME", set("MEETMEMO_THEME"), &themes)?,
            notify: one_of("MEETMEMO_NOTIFY", set("MEETMEMO_NOTIFY"), &yes_or_no)?,
        })
    }
}
