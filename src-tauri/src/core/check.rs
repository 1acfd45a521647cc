//! Checks whether the archive answers.

use super::{Core, CoreState, NewsItem};
use app::{App, ErrorCode};
use tauri::AppHandle;
use tauri_specta::Event;

/// Checks whether the archive, which was open before, answers, and tells the page. Returns whether it does.
pub(super) async fn check(handle: &AppHandle, core: &Core, app: &App) -> bool {
    match app.list(None, Some(1)).await {
        Ok(_) => {
            core.set_state(handle, CoreState::Ready);
            let _ = NewsItem::Everything.emit(handle);
            return true;
        }
        Err(error) if ErrorCode::of(&error) == ErrorCode::DatabaseUnreachable => {
            core.set_state(handle, CoreState::Reconnecting(error.into()));
        }
        Err(error) => core.set_state(handle, CoreState::Failed(error.into())),
    }
    false
}
