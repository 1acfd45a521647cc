//! Retention: what clean-up removes and when, and audio that was removed.
//!
//! The rules are in the store, as SQL. This module runs a clean-up, removes the files, and says what would go. The
//! service ([`App::clean_up_regularly`]) runs beside a worker, once per archive at a time; it is not a task, because
//! nobody asks for it and a run that is missed is made up for by the next one.
//!
//! A clean-up that asks something ([`view::CleanupConfirmation`]) removes nothing until a user confirms it. The service
//! never confirms.

mod repair;
pub(crate) mod settings;
pub(crate) mod view;

use crate::App;
use crate::archive::not_found;
use crate::archive::view::JobView;
use crate::file_names::title_from_file_name;
use crate::settings::Settings;
use crate::user_error::{ErrorCode, user_error};
use anyhow::Result;
use chrono::{DateTime, Local, SecondsFormat, Utc};
use settings::RetentionSettings;
use std::collections::HashMap;
use std::time::Duration;
use store::{
    CleanupLock, CleanupPlan, CleanupQuestion, CleanupRemovals, DueExport, DueMeeting, ExportId,
    ForecastItem, Job, JobId, RetentionRules,
};
use tokio::sync::watch;
use view::{
    CleanupConfirmation, CleanupReason, CleanupView, DueExportView, DueMeetingView, ForecastView,
    RetentionRule,
};

impl App {
    /// What a clean-up would remove now, what it would ask, and what it found. Changes nothing.
    ///
    /// # Errors
    /// If the archive cannot be reached or the library cannot be listed.
    pub async fn cleanup_preview(&self) -> Result<CleanupView> {
        let settings = self.retention_settings().await?;
        let plan = self.store.cleanup_plan(&self.retention_rules(settings), None).await?;
        let sizes = export_sizes(&plan).await?;
        self.cleanup_view(&plan, settings, &sizes, None).await
    }

    /// Removes what is due. If the clean-up asks something that is not `confirmed`, it removes nothing and the view has
    /// the questions.
    ///
    /// # Errors
    /// [`ErrorCode::WrongState`] while another process cleans up this archive, and if the archive cannot be reached or
    /// the library cannot be listed.
    pub async fn cleanup(&self, confirmed: bool) -> Result<CleanupView> {
        let settings = self.retention_settings().await?;
        let rules = self.retention_rules(settings);
        let Some(lock) = CleanupLock::acquire(&self.store).await? else {
            return Err(user_error(
                ErrorCode::WrongState,
                "Another MeetMemo process is cleaning up this archive. Try again in a moment.",
            ));
        };
        let plan = self.store.cleanup_plan(&rules, None).await?;
        let sizes = export_sizes(&plan).await?;
        let Some(removed) = self.store.remove_due(&lock, &rules, &plan, confirmed).await? else {
            return self.cleanup_view(&plan, settings, &sizes, None).await;
        };
        let files_later = !self.finish_removals().await?;
        drop(lock);
        self.cleanup_view(&plan, settings, &sizes, Some((removed, files_later))).await
    }

    /// How long things are kept and when the last clean-up ran, in sentences; and what the next one asks, if anything.
    ///
    /// # Errors
    /// If the settings cannot be read or the archive cannot be reached.
    pub(crate) async fn retention_in_words(&self) -> Result<(String, Option<String>)> {
        let settings = self.retention_settings().await?;
        let plan = self.store.cleanup_plan(&self.retention_rules(settings), None).await?;
        let kept = |what: &str, number: Option<u32>, unit: &str| match number {
            None => format!("{what} kept for ever"),
            Some(1) => format!("{what} removed after one {unit}"),
            Some(number) => format!("{what} removed after {number} {unit}s"),
        };
        let last_run = plan.last_run_at.map_or_else(
            || "Clean-up has not run yet.".to_owned(),
            |at| format!("The last clean-up ran on {}.", in_words(at)),
        );
        let message = format!(
            "{}, {}, {}, {}. {last_run}",
            kept("Meetings are", settings.job_retention_hours, "hour"),
            kept("their audio is", settings.audio_retention_days, "day"),
            kept("exports in the app's folder are", Some(settings.export_retention_hours), "hour"),
            kept("meetings in the trash are", settings.trash_retention_days, "day"),
        );
        let asks = plan.questions.first().map(|question| confirmation(*question, &plan).message);
        Ok((message, asks))
    }

    /// Sets whether a meeting is kept: clean-up removes neither it nor its audio nor its exports.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub async fn set_pinned(&self, id: JobId, pinned: bool) -> Result<JobView> {
        let job = self.store.set_pinned(id, pinned).await?;
        self.view(job.ok_or_else(|| not_found(&id.to_string()))?).await
    }

    /// How long things are kept, as the settings are now.
    pub(crate) async fn retention_settings(&self) -> Result<RetentionSettings> {
        let local = self.local.clone();
        // The window or an editor may have changed the settings since the archive was opened.
        let read = move || {
            Settings::read(local.data.path(), |name| std::env::var(name).ok(), local.command_line())
                .map(|settings| settings.retention)
        };
        tokio::task::spawn_blocking(read).await?
    }

    fn retention_rules(&self, settings: RetentionSettings) -> RetentionRules {
        // Exports have a path that is Unicode, so a folder whose path is not holds none.
        let folder = self.data.exports().to_str().map(str::to_owned);
        RetentionRules {
            library: self.library.id(),
            job_retention_hours: settings.job_retention_hours,
            audio_retention_days: settings.audio_retention_days,
            trash_retention_days: settings.trash_retention_days,
            export_retention_hours: folder.is_some().then_some(settings.export_retention_hours),
            exports_folder: folder.unwrap_or_default(),
        }
    }

    /// Runs a clean-up at once and then every `cleanup_interval_hours`, until `over` or `stop` is true. Failures are
    /// logged, and the next run tries again.
    pub(crate) async fn clean_up_regularly(
        &self,
        mut over: watch::Receiver<bool>,
        mut stop: watch::Receiver<bool>,
    ) {
        loop {
            let hours = match self.clean_up_unattended().await {
                Ok(settings) => settings.cleanup_interval_hours,
                Err(error) => {
                    tracing::warn!(%error, "the clean-up failed; it is tried again later");
                    self.settings.retention.cleanup_interval_hours
                }
            };
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(u64::from(hours) * 3600)) => {}
                _ = over.wait_for(|over| *over) => return,
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
    }

    /// One clean-up that nobody watches. Does nothing while another process cleans up this archive.
    async fn clean_up_unattended(&self) -> Result<RetentionSettings> {
        let settings = self.retention_settings().await?;
        let rules = self.retention_rules(settings);
        let Some(lock) = CleanupLock::acquire(&self.store).await? else { return Ok(settings) };
        let plan = self.store.cleanup_plan(&rules, None).await?;
        match self.store.remove_due(&lock, &rules, &plan, false).await? {
            None => {
                let questions: Vec<&str> = plan.questions.iter().map(|question| question.as_str()).collect();
                tracing::warn!(?questions, "the clean-up removed nothing and waits for an answer");
            }
            Some(removed) => {
                self.finish_removals().await?;
                let CleanupRemovals { meetings, audio, exports } = removed;
                if !(meetings.is_empty() && audio.is_empty() && exports.is_empty()) {
                    let (meetings, audio, exports) = (meetings.len(), audio.len(), exports.len());
                    tracing::info!(meetings, audio, exports, "the clean-up removed what was due");
                }
            }
        }
        Ok(settings)
    }

    /// The view of `plan`, or of what was removed of it and whether its files stay until a backup ends.
    async fn cleanup_view(
        &self,
        plan: &CleanupPlan,
        settings: RetentionSettings,
        sizes: &HashMap<ExportId, u64>,
        removed: Option<(CleanupRemovals, bool)>,
    ) -> Result<CleanupView> {
        let (gone, files_later) = removed.clone().unwrap_or_default();
        let is_shown = |ids: &[JobId], id: JobId| removed.is_none() || ids.contains(&id);
        let export_is_shown = |export: &DueExport| match export.with_meeting {
            true => is_shown(&gone.meetings, export.job_id),
            false => removed.is_none() || gone.exports.contains(&export.id),
        };
        let meetings: Vec<_> = plan
            .meetings
            .iter()
            .filter(|meeting| is_shown(&gone.meetings, meeting.id))
            .map(|meeting| meeting_view(meeting, rule_of_meeting(meeting.from_trash)))
            .collect();
        let audio: Vec<_> = plan
            .audio
            .iter()
            .filter(|meeting| is_shown(&gone.audio, meeting.id))
            .map(|meeting| meeting_view(meeting, RetentionRule::AudioRetentionDays))
            .collect();
        let exports = plan.exports.iter().filter(|export| export_is_shown(export));
        let exports: Vec<_> =
            exports.map(|export| export_view(export, sizes.get(&export.id).copied().unwrap_or(0))).collect();
        let bytes = meetings.iter().chain(&audio).map(|meeting| meeting.bytes).sum::<f64>()
            + exports.iter().map(|export| export.bytes).sum::<f64>();
        let last_run = if removed.is_some() {
            self.store.retention_state().await?.last_run_at
        } else {
            plan.last_run_at
        };
        Ok(CleanupView {
            removed: removed.is_some(),
            at: utc(plan.at),
            last_run_at: last_run.map(utc),
            settings,
            meetings,
            audio,
            exports,
            bytes,
            confirmations: match removed {
                Some(_) => Vec::new(),
                None => plan.questions.iter().map(|question| confirmation(*question, plan)).collect(),
            },
            files_later,
            forecast: plan.forecast.iter().map(forecast_view).collect(),
            unknown_folders: self.unknown_folders().await?,
            missing_audio: self.missing_audio_views().await?,
        })
    }
}

/// Bytes of the files of the exports in `plan`.
async fn export_sizes(plan: &CleanupPlan) -> Result<HashMap<ExportId, u64>> {
    let files: Vec<_> = plan.exports.iter().map(|export| (export.id, export.file_path.clone())).collect();
    let look = move || {
        let size = |(id, path): (ExportId, String)| Some((id, std::fs::symlink_metadata(path).ok()?.len()));
        files.into_iter().filter_map(size).collect()
    };
    Ok(tokio::task::spawn_blocking(look).await?)
}

/// The sentence for what needs the audio of a meeting whose audio clean-up removed; `None` if it was not removed.
pub(crate) fn audio_removed_message(job: &Job) -> Option<String> {
    let on = job.audio_removed_at?.with_timezone(&Local).format("%-d %B %Y");
    Some(format!(
        "The audio of this meeting was removed on {on} to save space; its text is kept. Import the recording again to bring it back."
    ))
}

/// Refuses what needs the audio of a meeting whose audio clean-up removed.
///
/// # Errors
/// [`ErrorCode::WrongState`] with that sentence.
pub(crate) fn require_audio(job: &Job) -> Result<()> {
    audio_removed_message(job).map_or(Ok(()), |message| Err(user_error(ErrorCode::WrongState, message)))
}

/// A question of a clean-up in words.
fn confirmation(question: CleanupQuestion, plan: &CleanupPlan) -> CleanupConfirmation {
    let now = in_words(plan.at);
    let trusted = plan.trusted_at.map_or_else(|| "an unknown moment".to_owned(), in_words);
    let clock = "If the clock is right now, confirm the clean-up; if not, set it.";
    let (reason, message, action) = match question {
        CleanupQuestion::ClockBehind => (
            CleanupReason::ClockBehind,
            format!(
                "The clock of the database server says {now}, which is before {trusted}, the last moment that was right. Nothing was removed."
            ),
            clock,
        ),
        CleanupQuestion::ClockAhead => (
            CleanupReason::ClockAhead,
            format!(
                "The clock of the database server says {now}; since {trusted} it has moved on by more than 30 days without any change in the archive. Nothing was removed."
            ),
            clock,
        ),
        CleanupQuestion::Restored => (
            CleanupReason::Restored,
            "A restore has brought meetings back, and your rules would remove some of them again. Nothing was removed."
                .to_owned(),
            "Pin the meetings that you want to keep, then confirm the clean-up.",
        ),
        CleanupQuestion::MostMeetings => (
            CleanupReason::MostMeetings,
            format!(
                "The clean-up would remove {} meetings, more than half of the archive. Nothing was removed.",
                plan.meetings.iter().filter(|meeting| !meeting.from_trash).count()
            ),
            "Pin the meetings that you want to keep, or keep meetings longer; then confirm the clean-up.",
        ),
        CleanupQuestion::MostAudio => (
            CleanupReason::MostAudio,
            format!(
                "The clean-up would remove the audio of {} meetings; more than half of the meetings with audio would lose it. Nothing was removed.",
                plan.audio.len()
            ),
            "Pin the meetings whose audio you want to keep, or keep audio longer; then confirm the clean-up.",
        ),
    };
    CleanupConfirmation { reason, message, action: action.to_owned() }
}

/// The rule by which a meeting goes.
fn rule_of_meeting(from_trash: bool) -> RetentionRule {
    match from_trash {
        true => RetentionRule::TrashRetentionDays,
        false => RetentionRule::JobRetentionHours,
    }
}

fn meeting_view(due: &DueMeeting, rule: RetentionRule) -> DueMeetingView {
    DueMeetingView {
        id: due.id,
        title: title_of(due.title.as_ref(), &due.file_name),
        rule,
        due_since: utc(due.due_since),
        bytes: due.audio_bytes as f64,
    }
}

fn export_view(due: &DueExport, bytes: u64) -> DueExportView {
    DueExportView {
        export_id: due.id,
        job_id: due.job_id,
        title: title_of(due.title.as_ref(), &due.file_name),
        kind: due.export_type.clone(),
        path: due.file_path.clone(),
        rule: match due.with_meeting {
            true => rule_of_meeting(due.from_trash),
            false => RetentionRule::ExportRetentionHours,
        },
        due_since: utc(due.due_since),
        bytes: bytes as f64,
    }
}

fn forecast_view(item: &ForecastItem) -> ForecastView {
    ForecastView {
        id: item.meeting.id,
        title: title_of(item.meeting.title.as_ref(), &item.meeting.file_name),
        rule: match item.audio_only {
            true => RetentionRule::AudioRetentionDays,
            false => rule_of_meeting(item.meeting.from_trash),
        },
        due_at: utc(item.meeting.due_since),
        bytes: item.meeting.audio_bytes as f64,
    }
}

fn title_of(title: Option<&String>, file_name: &str) -> String {
    title.cloned().unwrap_or_else(|| title_from_file_name(file_name))
}

fn utc(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A moment in this computer's time zone, as `1 January 2025, 00:30 (UTC+1)`.
pub(crate) fn in_words(at: DateTime<Utc>) -> String {
    export::date_and_time(at.with_timezone(&Local).fixed_offset())
}
