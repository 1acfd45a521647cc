//! What is known of earlier backups, in `backup-state.json` of the data folder: the database may be gone when it is
//! needed.

use super::view::{BackupCheckView, BackupFailure, BackupMoment, BackupState, BackupView, rfc3339};
use crate::{App, LocalApp};
use chrono::Utc;
use std::fs;

impl LocalApp {
    /// What is known of earlier backups. An unreadable file counts as “nothing”.
    pub(super) fn backup_state(&self) -> BackupState {
        let text = fs::read(self.data.backup_state()).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    fn change_backup_state(&self, change: impl FnOnce(&mut BackupState)) {
        let mut state = self.backup_state();
        change(&mut state);
        let written = serde_json::to_vec_pretty(&state)
            .map_err(std::io::Error::other)
            .and_then(|text| crate::replace_file(&self.data.backup_state(), &text));
        if let Err(error) = written {
            tracing::warn!(%error, "the state of the backups could not be noted");
        }
    }

    pub(super) fn note_backup_failure(&self, message: &str) {
        let failure = BackupFailure { at: rfc3339(Utc::now()), message: message.to_owned() };
        self.change_backup_state(|state| state.last_failure = Some(failure));
    }

    /// Notes the result of a check of a backup.
    pub(super) fn note_backup_check(&self, view: &BackupCheckView) {
        if let Some(damage) = view.damage.first() {
            self.note_backup_failure(&format!("The backup in {} is damaged: {damage}", view.place));
            return;
        }
        let moment =
            BackupMoment { at: rfc3339(Utc::now()), place: view.place.clone(), meetings: view.meetings };
        self.change_backup_state(|state| {
            state.last_check = Some(moment);
            state.last_failure = None;
        });
    }
}

impl App {
    /// Notes a backup that was made.
    pub(super) fn note_backup(&self, view: &BackupView) {
        let moment =
            BackupMoment { at: view.taken_at.clone(), place: view.place.clone(), meetings: view.meetings };
        self.change_backup_state(|state| {
            state.last_failure = view
                .problems
                .first()
                .map(|problem| BackupFailure { at: view.taken_at.clone(), message: problem.clone() });
            if view.problems.is_empty() {
                if view.checked {
                    state.last_check = Some(moment.clone());
                }
                state.last_backup = Some(moment);
            }
        });
    }
}
