//! A notification when a long job ends while nobody looks.

use crate::message;
use app::view::{JobStatus, WorkStep};
use app::{App, JobId, Preferences};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tauri::{AppHandle, Manager};
use tauri_plugin_notification::NotificationExt;

/// Work that took less is not worth one: who started it is likely still there.
const LONG: Duration = Duration::from_secs(30);

/// Which jobs are being worked on, and since when.
#[derive(Debug, Default)]
pub(crate) struct Finished {
    since: HashMap<JobId, Instant>,
}

impl Finished {
    /// Hears that something about a job changed.
    pub(crate) async fn hear(&mut self, handle: &AppHandle, app: &App, id: JobId) {
        let Ok(Some(job)) = app.job(id).await else {
            self.since.remove(&id);
            return;
        };
        if job.status == JobStatus::Processing {
            self.since.entry(id).or_insert_with(Instant::now);
            return;
        }
        let Some(since) = self.since.remove(&id) else { return };
        let text = match (job.status, job.workflow_state) {
            (JobStatus::Completed, _) => message::FINISHED,
            (JobStatus::Failed, step) if step != Some(WorkStep::Cancelled) => message::FAILED,
            _ => return,
        };
        if since.elapsed() < LONG || is_watched(handle) || !is_wanted(app).await {
            return;
        }
        let shown = handle.notification().builder().title(job.title).body(text).show();
        if let Err(error) = shown {
            tracing::info!(%error, "no notification could be shown");
        }
    }
}

fn is_watched(handle: &AppHandle) -> bool {
    handle.get_webview_window("main").is_some_and(|window| window.is_focused().unwrap_or(false))
}

async fn is_wanted(app: &App) -> bool {
    let data = app.data_folder().clone();
    let read = tokio::task::spawn_blocking(move || Preferences::read(data.path())).await;
    read.is_ok_and(|read| read.is_ok_and(|preferences| preferences.notify))
}
