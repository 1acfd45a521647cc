//! How long things are kept: the settings of clean-up.

use crate::settings::{Settings, SettingsLayer, edit};
use anyhow::{Result, anyhow};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;
use std::path::Path;

/// Possible values of `cleanup_interval_hours`. Longer pauses would make every clean-up doubt the clock.
const INTERVAL_HOURS: RangeInclusive<u32> = 1..=168;
/// Possible values of `job_retention_hours` and `export_retention_hours`: up to a hundred years.
const HOURS: RangeInclusive<u32> = 1..=876_000;
/// Possible values of `audio_retention_days` and `trash_retention_days`: up to a hundred years.
const DAYS: RangeInclusive<u32> = 1..=36_500;

/// How long things are kept, and how often clean-up runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct RetentionSettings {
    /// Hours from one clean-up of a working process to the next.
    pub cleanup_interval_hours: u32,
    /// Hours after which a meeting is removed with everything in it. None: never.
    pub job_retention_hours: Option<u32>,
    /// Hours after which an export in the app's own folder is removed.
    pub export_retention_hours: u32,
    /// Days after which the audio of a transcribed meeting is removed. None: never.
    pub audio_retention_days: Option<u32>,
    /// Days after which a meeting in the trash is removed. None: never; the setting is then 0.
    pub trash_retention_days: Option<u32>,
}

impl Default for RetentionSettings {
    fn default() -> Self {
        Self {
            cleanup_interval_hours: 1,
            job_retention_hours: None,
            export_retention_hours: 24,
            audio_retention_days: None,
            trash_retention_days: Some(30),
        }
    }
}

impl RetentionSettings {
    /// These settings, overridden by those of `layer`.
    pub(crate) fn with(self, layer: &SettingsLayer) -> Self {
        Self {
            cleanup_interval_hours: layer.cleanup_interval_hours.unwrap_or(self.cleanup_interval_hours),
            job_retention_hours: layer.job_retention_hours.or(self.job_retention_hours),
            export_retention_hours: layer.export_retention_hours.unwrap_or(self.export_retention_hours),
            audio_retention_days: layer.audio_retention_days.or(self.audio_retention_days),
            trash_retention_days: match layer.trash_retention_days {
                Some(days) => Some(days).filter(|days| *days != 0),
                None => self.trash_retention_days,
            },
        }
    }

    /// Refuses values that make no sense.
    ///
    /// # Errors
    /// A sentence that names the setting and its limits.
    pub(crate) fn check(&self) -> Result<()> {
        let numbers = [
            ("cleanup_interval_hours", Some(self.cleanup_interval_hours), INTERVAL_HOURS, ""),
            (
                "job_retention_hours",
                self.job_retention_hours,
                HOURS,
                "; remove the line to keep meetings for ever",
            ),
            ("export_retention_hours", Some(self.export_retention_hours), HOURS, ""),
            (
                "audio_retention_days",
                self.audio_retention_days,
                DAYS,
                "; remove the line to keep audio for ever",
            ),
            (
                "trash_retention_days",
                self.trash_retention_days,
                DAYS,
                ", or 0 to keep meetings in the trash until you empty it",
            ),
        ];
        for (name, number, limits, otherwise) in numbers {
            if let Some(number) = number.filter(|number| !limits.contains(number)) {
                let (least, most) = (limits.start(), limits.end());
                return Err(anyhow!("{name} is {number}; it must be between {least} and {most}{otherwise}"));
            }
        }
        Ok(())
    }

    /// Reads the settings of this data folder as they are now.
    ///
    /// # Errors
    /// As [`Settings::read`].
    pub fn read(data_folder: &Path) -> Result<Self> {
        let settings =
            Settings::read(data_folder, |name| std::env::var(name).ok(), SettingsLayer::default())?;
        Ok(settings.retention)
    }

    /// Writes them to `settings.toml`; other lines and comments stay as they are. They apply from the next clean-up.
    ///
    /// # Errors
    /// For a value that makes no sense, or if the file cannot be read or written.
    pub fn write(&self, data_folder: &Path) -> Result<()> {
        self.check()?;
        let numbers = [
            ("cleanup_interval_hours", Some(self.cleanup_interval_hours)),
            ("job_retention_hours", self.job_retention_hours),
            ("export_retention_hours", Some(self.export_retention_hours)),
            ("audio_retention_days", self.audio_retention_days),
            ("trash_retention_days", Some(self.trash_retention_days.unwrap_or(0))),
        ];
        edit(data_folder, |document| {
            for (name, number) in numbers {
                match number {
                    Some(number) => document[name] = toml_edit::value(i64::from(number)),
                    None => drop(document.remove(name)),
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn read(text: &str) -> Result<RetentionSettings> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("settings.toml"), text).unwrap();
        Settings::read(dir.path(), |_| None, SettingsLayer::default()).map(|settings| settings.retention)
    }

    #[test]
    fn meetings_and_audio_are_kept_for_ever_unless_a_setting_says_otherwise() {
        let defaults = read("").unwrap();
        assert_eq!((defaults.job_retention_hours, defaults.audio_retention_days), (None, None));
        assert_eq!((defaults.export_retention_hours, defaults.cleanup_interval_hours), (24, 1));
        let settings = read("job_retention_hours = 12\naudio_retention_days = 90").unwrap();
        assert_eq!((settings.job_retention_hours, settings.audio_retention_days), (Some(12), Some(90)));
        assert_eq!((defaults.trash_retention_days, settings.trash_retention_days), (Some(30), Some(30)));
        assert_eq!(read("trash_retention_days = 0").unwrap().trash_retention_days, None);
        assert_eq!(read("trash_retention_days = 7").unwrap().trash_retention_days, Some(7));
    }

    #[test]
    fn values_that_would_remove_everything_or_never_run_are_refused_with_their_limits() {
        for (line, sentence) in [
            ("cleanup_interval_hours = 0", "cleanup_interval_hours is 0; it must be between 1 and 168"),
            ("cleanup_interval_hours = 169", "cleanup_interval_hours is 169; it must be between 1 and 168"),
            (
                "job_retention_hours = 0",
                "job_retention_hours is 0; it must be between 1 and 876000; remove the line to keep meetings for ever",
            ),
            ("export_retention_hours = 0", "export_retention_hours is 0; it must be between 1 and 876000"),
            (
                "audio_retention_days = 36501",
                "audio_retention_days is 36501; it must be between 1 and 36500; remove the line to keep audio for ever",
            ),
            (
                "trash_retention_days = 36501",
                "trash_retention_days is 36501; it must be between 1 and 36500, or 0 to keep meetings in the trash until you empty it",
            ),
        ] {
            assert_eq!(format!("{:#}", read(line).unwrap_err()), sentence);
        }
        assert!(read("job_retention_hours = -1").is_err());
    }

    #[test]
    fn written_settings_are_read_again_and_off_removes_the_line() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("settings.toml"), "paper = 'letter' # US\naudio_retention_days = 9\n")
            .unwrap();
        let never = RetentionSettings { trash_retention_days: None, ..RetentionSettings::default() };
        never.write(dir.path()).unwrap();
        assert_eq!(RetentionSettings::read(dir.path()).unwrap(), never);
        let wanted = RetentionSettings { job_retention_hours: Some(720), ..RetentionSettings::default() };
        wanted.write(dir.path()).unwrap();
        assert_eq!(RetentionSettings::read(dir.path()).unwrap(), wanted);
        let text = std::fs::read_to_string(dir.path().join("settings.toml")).unwrap();
        assert!(
            text.starts_with("paper = 'letter' # US\n") && !text.contains("audio_retention_days"),
            "{text}"
        );
        assert!(RetentionSettings { cleanup_interval_hours: 0, ..wanted }.write(dir.path()).is_err());
    }
}
