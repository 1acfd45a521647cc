//! Closing the window. While a recording is being processed, the page first asks the user, once: a second request
//! closes, so that a page that does not respond cannot keep the window open. Closing hides the window, lets the worker
//! give back its task, and ends the process.

use crate::core::Core;
use app::view::{JobStatus, JobView};
use serde::Serialize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tauri::{AppHandle, CloseRequestApi, Manager};
use tauri_specta::Event;

/// The user asked to close the window while this recording is being processed. An event for the page.
#[derive(Debug, Clone, Serialize, specta::Type, Event)]
pub(crate) struct Closing {
    /// The recording.
    pub job: JobView,
}

/// Whether the page has already asked the user about closing.
#[derive(Debug, Default)]
pub(crate) struct AskedBefore(AtomicBool);

impl AskedBefore {
    pub(crate) fn reset(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Handles a request to close the window: asks the page or closes.
pub(crate) fn on_close_requested(handle: &AppHandle, api: &CloseRequestApi) {
    api.prevent_close();
    let handle = handle.clone();
    tauri::async_runtime::spawn(async move {
        let asked_before = handle.state::<AskedBefore>().0.swap(true, Ordering::Relaxed);
        let work = if asked_before { None } else { job_in_progress(&handle.state::<Core>()).await };
        match work {
            Some(closing) if closing.emit(&handle).is_ok() => {}
            _ => close(&handle).await,
        }
    });
}

/// Hides the window, lets the worker give back its task, and ends the program.
pub(crate) async fn close(handle: &AppHandle) {
    if let Some(window) = handle.get_webview_window("main") {
        let _ = window.hide();
    }
    handle.state::<Core>().stop_worker().await;
    handle.exit(0);
}

/// The job that this computer is processing, if any. `None` also if the archive does not answer within a second.
async fn job_in_progress(core: &Core) -> Option<Closing> {
    let app = core.app().ok()?;
    let jobs = tokio::time::timeout(Duration::from_secs(1), app.list(Some(JobStatus::Processing), None))
        .await
        .ok()?
        .ok()?;
    jobs.into_iter().find(|job| job.is_here).map(|job| Closing { job })
}
