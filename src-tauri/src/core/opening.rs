//! Opens the archive.

use super::check::check;
use super::news::{forward_model_news, forward_news};
use super::worker::run_worker;
use super::{Core, CoreState, OpeningPhase};
use crate::failure::Failure;
use app::{App, ErrorCode, LocalApp, StartPhase};
use std::sync::atomic::Ordering;
use tauri::{AppHandle, Manager};

/// So many of the newest meetings are read before the archive counts as open.
const FIRST_MEETINGS: u32 = 200;

/// Opens the archive in the background, unless it is being opened already. The page is told by [`CoreState`].
pub(crate) fn open_in_background(handle: &AppHandle) {
    let handle = handle.clone();
    tauri::async_runtime::spawn(async move {
        let core = handle.state::<Core>();
        if core.opening.swap(true, Ordering::AcqRel) {
            return;
        }
        let opened = handle.clone();
        // A task of its own, so that a panic in it becomes a failure that the page shows and can retry.
        let ended = tauri::async_runtime::spawn(async move { open(&opened, &opened.state::<Core>()).await });
        if ended.await.is_err() {
            let message = "The archive could not be opened because of a fault in MeetMemo. Try again.";
            let failure = Failure { code: ErrorCode::Other, message: message.to_owned() };
            core.set_state(&handle, CoreState::Failed(failure));
        }
        core.opening.store(false, Ordering::Release);
    });
}

/// Opens the archive, then starts to forward news and to process the queue.
async fn open(handle: &AppHandle, core: &Core) {
    core.set_state(handle, CoreState::Opening { phase: OpeningPhase::Starting });
    let phase_handle = handle.clone();
    let on_phase = move |phase: StartPhase| {
        let phase = match phase {
            StartPhase::Creating => OpeningPhase::Creating,
            StartPhase::Starting => OpeningPhase::Starting,
        };
        phase_handle.state::<Core>().set_state(&phase_handle, CoreState::Opening { phase });
    };
    let opened = async {
        let local = match core.local() {
            // The user may have corrected the settings since the last attempt.
            Ok(local) => local.reload().await?,
            Err(_) => LocalApp::prepare(core.start.clone()).await?,
        };
        let before =
            core.local.lock().expect("no thread panics while it holds this lock").replace(local.clone());
        if before.is_none() {
            tauri::async_runtime::spawn(forward_model_news(handle.clone(), local.model_news()));
        }
        let app = App::open(local, &on_phase).await?;
        let news = app.news().await?;
        // Damage is found here, where the page offers to restore a backup, and not when the page fetches its list.
        app.list(None, Some(FIRST_MEETINGS)).await?;
        anyhow::Ok((app, news))
    };
    let opened = opened.await;
    // Logging starts here because opening the archive creates the folder of the log.
    let data = core.data.clone();
    let _ = tokio::task::spawn_blocking(move || app::logging::start(&data)).await;
    match opened {
        Ok((app, news)) => {
            *core.app.lock().expect("no thread panics while it holds this lock") = Some(app.clone());
            core.set_state(handle, CoreState::Ready);
            tauri::async_runtime::spawn(forward_news(handle.clone(), app.clone(), news));
            tauri::async_runtime::spawn(run_worker(handle.clone(), app));
        }
        Err(error) => {
            tracing::error!(code = ?ErrorCode::of(&error), "the archive could not be opened");
            core.set_state(handle, CoreState::Failed(error.into()));
        }
    }
}

/// Retries after a failure: opens the archive if it never was open, or else checks whether it answers.
pub(crate) async fn open_again(handle: &AppHandle) {
    let core = handle.state::<Core>();
    match core.app().ok() {
        None => open_in_background(handle),
        Some(app) => {
            core.set_state(handle, CoreState::Opening { phase: OpeningPhase::Starting });
            let _ = check(handle, &core, &app).await;
        }
    }
}
