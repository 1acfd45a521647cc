//! Shows a notification when a long job ends while the window is not focused.

use crate::texts;
use app::view::{JobStatus, JobView, WorkStep};
use app::{App, JobId, Preferences};
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};
use tauri::{AppHandle, Manager};
use tauri_plugin_notification::NotificationExt;

/// Shortest processing time that is worth a notification. The user is likely still present when a shorter job ends.
const MIN_DURATION: Duration = Duration::from_secs(30);

/// Notifies the user of finished and failed jobs. Remembers since when each job has been processed.
#[derive(Debug, Default)]
pub(crate) struct JobNotifier {
    since: HashMap<JobId, Instant>,
}

impl JobNotifier {
    /// Looks at jobs that have changed, and shows a notification for each whose processing has ended.
    pub(crate) async fn jobs_changed(&mut self, handle: &AppHandle, app: &App, ids: &[JobId]) {
        let jobs = app.jobs_by_id(ids).await.unwrap_or_default();
        let found: HashSet<JobId> = jobs.iter().map(|job| job.id).collect();
        for id in ids.iter().filter(|id| !found.contains(id)) {
            self.since.remove(id);
        }
        for job in jobs {
            self.job_changed(handle, app, job).await;
        }
    }

    async fn job_changed(&mut self, handle: &AppHandle, app: &App, job: JobView) {
        if job.status == JobStatus::Processing {
            self.since.entry(job.id).or_insert_with(Instant::now);
            return;
        }
        let Some(since) = self.since.remove(&job.id) else { return };
        let text = match (job.status, job.workflow_state) {
            (JobStatus::Completed, _) => texts::FINISHED,
            (JobStatus::Failed, step) if step != Some(WorkStep::Cancelled) => texts::FAILED,
            _ => return,
        };
        if since.elapsed() < MIN_DURATION || is_focused(handle) || !is_enabled(app).await {
            return;
        }
        let shown = handle.notification().builder().title(job.title).body(text).show();
        if let Err(error) = shown {
            tracing::info!(%error, "no notification could be shown");
        }
    }
}

fn is_focused(handle: &AppHandle) -> bool {
    handle.get_webview_window("main").is_some_and(|window| window.is_focused().unwrap_or(false))
}

async fn is_enabled(app: &App) -> bool {
    let data = app.data_folder().clone();
    let read = tokio::task::spawn_blocking(move || Preferences::read(data.path())).await;
    read.is_ok_and(|read| read.is_ok_and(|preferences| preferences.notify))
}
