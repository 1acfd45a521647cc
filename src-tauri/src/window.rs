//! The one window.

use crate::core::Core;
use app::{Preferences, Theme};
use tauri::{AppHandle, Manager, WebviewUrl, WebviewWindowBuilder};

/// Smallest size at which everything can be used.
const SMALLEST: (f64, f64) = (900.0, 600.0);
const USUAL: (f64, f64) = (1280.0, 800.0);

/// Makes the window; its size and place are those it was left with.
///
/// # Errors
/// Where the system gives none.
pub(crate) fn create(handle: &AppHandle) -> tauri::Result<()> {
    let theme = match Preferences::read(handle.state::<Core>().data().path()).map(|p| p.theme) {
        Ok(Theme::Light) => Some(tauri::Theme::Light),
        Ok(Theme::Dark) => Some(tauri::Theme::Dark),
        // A settings file that is not valid is told when the archive opens.
        Ok(Theme::System) | Err(_) => None,
    };
    let window = WebviewWindowBuilder::new(handle, "main", WebviewUrl::App("index.html".into()))
        .title("MeetMemo")
        .inner_size(USUAL.0, USUAL.1)
        .min_inner_size(SMALLEST.0, SMALLEST.1)
        .theme(theme)
        // Only the page that comes along is ever shown.
        .on_navigation(|url| {
            url.scheme() == "tauri" || (cfg!(debug_assertions) && url.host_str() == Some("localhost"))
        })
        .build()?;
    recover(&window)
}

/// Loads the page anew when its process was killed or crashed. What it showed is in the archive.
fn recover(window: &tauri::WebviewWindow) -> tauri::Result<()> {
    window.with_webview(|webview| {
        use webkit2gtk::WebViewExt;
        webview.inner().connect_web_process_terminated(|view, reason| {
            tracing::warn!(?reason, "the page's process ended; it is loaded again");
            view.reload();
        });
    })
}

/// Brings the window to the front.
pub(crate) fn to_front(handle: &AppHandle) {
    if let Some(window) = handle.get_webview_window("main") {
        let _ = window.unminimize();
        let _ = window.show();
        let _ = window.set_focus();
    }
}
