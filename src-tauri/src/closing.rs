//! Closing the window while work goes on: the page is asked once.

use crate::core::Core;
use app::view::{JobStatus, JobView};
use serde::Serialize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tauri::{AppHandle, CloseRequestApi, Manager};
use tauri_specta::Event;

/// The user wants to close the window while this recording is being worked on.
#[derive(Debug, Clone, Serialize, specta::Type, Event)]
pub(crate) struct Closing {
    /// What is being worked on.
    pub job: JobView,
}

/// Whether the user was asked already. Closing once more closes, so that a page that does not answer holds nobody.
#[derive(Debug, Default)]
pub(crate) struct Asked(AtomicBool);

impl Asked {
    pub(crate) fn forget(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// The window is asked to close.
pub(crate) fn requested(handle: &AppHandle, api: &CloseRequestApi) {
    api.prevent_close();
    let handle = handle.clone();
    tauri::async_runtime::spawn(async move {
        let asked_before = handle.state::<Asked>().0.swap(true, Ordering::Relaxed);
        let work = if asked_before { None } else { at_work(&handle.state::<Core>()).await };
        match work {
            Some(closing) if closing.emit(&handle).is_ok() => {}
            _ => close(&handle).await,
        }
    });
}

/// Closes the window and ends the program; the work in progress is given back first.
pub(crate) async fn close(handle: &AppHandle) {
    if let Some(window) = handle.get_webview_window("main") {
        let _ = window.hide();
    }
    handle.state::<Core>().finish().await;
    handle.exit(0);
}

/// The job that is being worked on, if any, for a window that is about to close.
async fn at_work(core: &Core) -> Option<Closing> {
    let app = core.app().ok()?;
    let jobs = tokio::time::timeout(Duration::from_secs(1), app.list(Some(JobStatus::Processing), None))
        .await
        .ok()?
        .ok()?;
    jobs.into_iter().find(|job| job.is_here).map(|job| Closing { job })
}
