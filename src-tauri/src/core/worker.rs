//! The worker of the window.

use super::check::check;
use super::{Core, CoreState};
use app::{App, ErrorCode, WorkScope};
use std::time::Duration;
use tauri::{AppHandle, Manager};

/// Pause before a worker that ended by an error is restarted.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Processes the queue until the window closes. If the worker ends by an error or a panic, it is restarted as soon as
/// the archive answers; meanwhile the page is told the state of the archive.
pub(super) async fn run_worker(handle: AppHandle, app: App) {
    let core = handle.state::<Core>();
    core.stopped.send_replace(false);
    while !*core.stop.borrow() {
        let (scope, stop) = (WorkScope::Everything, core.stop.subscribe());
        let worker = app.clone();
        // A task of its own, so that a panic in it does not end this loop.
        let ended = tokio::spawn(async move { worker.work(&scope, stop).await }).await;
        let error = match ended {
            Ok(Ok(_)) => break,
            Ok(Err(error)) => error,
            Err(panic) => anyhow::anyhow!(panic).context("The work on the queue ended unexpectedly"),
        };
        tracing::warn!(code = ?ErrorCode::of(&error), "the worker ended and will be restarted");
        if ErrorCode::of(&error) == ErrorCode::DatabaseUnreachable {
            core.set_state(&handle, CoreState::Reconnecting(error.into()));
        }
        // The last check determines what the page shows, so the worker is restarted after one that succeeds.
        loop {
            let works = check(&handle, &core, &app).await;
            tokio::time::sleep(RETRY_PAUSE).await;
            if works || *core.stop.borrow() {
                break;
            }
        }
    }
    core.stopped.send_replace(true);
}
