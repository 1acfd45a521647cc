//! The scheduled backup: once a folder is chosen, a worker makes a backup there when the last one is a day old.

use super::create::BackupOptions;
use super::passphrase::PassphraseFile;
use super::view::{BackupOverview, BackupState, rfc3339};
use crate::file_names::shown_path;
use crate::settings::{self, Settings};
use crate::{App, LocalApp};
use anyhow::{Context, Result};
use chrono::{DateTime, Duration, Utc};
use std::path::PathBuf;
use tokio::sync::watch;

/// Pause after a failed scheduled backup.
const RETRY_AFTER: Duration = Duration::hours(1);

/// How often a worker looks whether a backup is due.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_secs(600);

impl LocalApp {
    /// What is known of earlier backups, and when the next one is due. Works without the database.
    pub fn backup_overview(&self) -> BackupOverview {
        let (state, settings) = (self.backup_state(), self.backup_settings());
        let next_at = next_backup(&settings, &state, Utc::now()).map(rfc3339);
        BackupOverview {
            state,
            scheduled_place: settings.backup_place.as_ref().map(|place| place.display().to_string()),
            passphrase_file: settings.backup_passphrase_file.as_deref().map(shown_path),
            interval_hours: settings.backup_interval_hours,
            next_at,
        }
    }

    /// Chooses the folder of scheduled backups; `None` for no scheduled backups.
    ///
    /// # Errors
    /// If the settings cannot be written.
    pub async fn set_backup_place(&self, place: Option<PathBuf>) -> Result<()> {
        let folder = self.data.path().to_owned();
        let write = move || {
            settings::edit(&folder, |document| match place {
                Some(place) => document["backup_place"] = toml_edit::value(place.display().to_string()),
                None => drop(document.remove("backup_place")),
            })
        };
        tokio::task::spawn_blocking(write).await?
    }

    /// Encrypts the next backups with the passphrase in this file; `None`: does not encrypt them.
    ///
    /// # Errors
    /// If the file cannot be read, others can read it, or the passphrase is too short; if the settings cannot be written.
    pub async fn set_backup_passphrase_file(&self, file: Option<PathBuf>) -> Result<()> {
        let folder = self.data.path().to_owned();
        let write = move || {
            let name = file.as_ref().map(|file| file.to_str().context("the name of the file is not Unicode"));
            let name = name.transpose()?.map(str::to_owned);
            PassphraseFile::new(file).read()?;
            settings::edit(&folder, |document| match name {
                Some(name) => document["backup_passphrase_file"] = toml_edit::value(name),
                None => drop(document.remove("backup_passphrase_file")),
            })
        };
        tokio::task::spawn_blocking(write).await?
    }

    /// The settings as they are now: the schedule may have changed since this process started. Settings that became
    /// invalid since do not count.
    pub(super) fn backup_settings(&self) -> Settings {
        Settings::read(self.data.path(), |name| std::env::var(name).ok(), self.command_line())
            .unwrap_or_else(|_| (*self.settings).clone())
    }
}

/// When the next scheduled backup is due; `None` if no place was chosen.
fn next_backup(settings: &Settings, state: &BackupState, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let place = settings.backup_place.as_ref()?.display().to_string();
    let parse = |at: &str| at.parse::<DateTime<Utc>>().ok();
    let last = state.last_backup.as_ref().filter(|moment| moment.place == place);
    let due = match last.and_then(|moment| parse(&moment.at)) {
        // A clock that was set back does not put the next backup off for years.
        Some(last) => last.min(now) + Duration::hours(i64::from(settings.backup_interval_hours)),
        None => now,
    };
    let failed = state.last_failure.as_ref().and_then(|failure| parse(&failure.at));
    Some(failed.map_or(due, |failed| due.max(failed.min(now) + RETRY_AFTER)))
}

impl App {
    /// Makes scheduled backups until `over` or `stop`. A failure is noted in the state, and tried again after an hour.
    pub(crate) async fn back_up_regularly(
        &self,
        mut over: watch::Receiver<bool>,
        mut stop: watch::Receiver<bool>,
    ) {
        loop {
            if let Err(error) = self.backup_if_due(&stop).await {
                tracing::warn!(%error, "the scheduled backup failed");
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = over.wait_for(|over| *over) => return,
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
    }

    /// Makes the scheduled backup if it is due.
    async fn backup_if_due(&self, stop: &watch::Receiver<bool>) -> Result<()> {
        let settings = self.backup_settings();
        let due = next_backup(&settings, &self.backup_state(), Utc::now());
        let Some(place) = settings.backup_place.filter(|_| due.is_some_and(|due| due <= Utc::now())) else {
            return Ok(());
        };
        let options = BackupOptions { check: true, replace: false, prune: true };
        self.backup(&place, options, &|_| (), stop).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::backup::view::{BackupFailure, BackupMoment};

    #[test]
    fn a_backup_is_due_a_day_after_the_last_one_in_the_same_place() {
        let now: DateTime<Utc> = "2026-11-30T12:00:00Z".parse().unwrap();
        let settings = Settings { backup_place: Some("/b".into()), ..Settings::default() };
        let last = |at: &str, place: &str| {
            Some(BackupMoment { at: at.to_owned(), place: place.to_owned(), meetings: 1 })
        };
        let due = |state: BackupState| next_backup(&settings, &state, now).unwrap() - now;
        let state = BackupState::default();
        assert_eq!(due(state.clone()), Duration::zero());
        let state = |last_backup| BackupState { last_backup, ..BackupState::default() };
        assert_eq!(due(state(last("2026-11-30T02:00:00Z", "/b"))), Duration::hours(14));
        assert_eq!(due(state(last("2026-11-30T02:00:00Z", "/other"))), Duration::zero());
        assert_eq!(
            due(state(last("2031-01-01T00:00:00Z", "/b"))),
            Duration::hours(24),
            "the clock was set back"
        );
        let last_failure =
            Some(BackupFailure { at: "2026-11-30T11:30:00Z".to_owned(), message: String::new() });
        assert_eq!(due(BackupState { last_failure, ..BackupState::default() }), Duration::minutes(30));
        assert_eq!(next_backup(&Settings::default(), &BackupState::default(), now), None);
    }
}
