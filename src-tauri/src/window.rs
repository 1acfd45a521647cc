//! The window: creating it, reloading a crashed page, bringing it to the front.

use crate::core::Core;
use app::{Preferences, Theme};
use tauri::{AppHandle, Manager, WebviewUrl, WebviewWindowBuilder};

/// Smallest inner size at which the whole page is usable, in logical pixels.
const MIN_SIZE: (f64, f64) = (900.0, 600.0);
/// Inner size at the first start.
const DEFAULT_SIZE: (f64, f64) = (1280.0, 800.0);

/// Creates the window with its saved size and position.
///
/// # Errors
/// If the system cannot create it.
pub(crate) fn create(handle: &AppHandle) -> tauri::Result<()> {
    let theme = match Preferences::read(handle.state::<Core>().data().path()).map(|p| p.theme) {
        Ok(Theme::Light) => Some(tauri::Theme::Light),
        Ok(Theme::Dark) => Some(tauri::Theme::Dark),
        // An invalid settings file is reported when the archive opens.
        Ok(Theme::System) | Err(_) => None,
    };
    let window = WebviewWindowBuilder::new(handle, "main", WebviewUrl::App("index.html".into()))
        .title("MeetMemo")
        .inner_size(DEFAULT_SIZE.0, DEFAULT_SIZE.1)
        .min_inner_size(MIN_SIZE.0, MIN_SIZE.1)
        .theme(theme)
        // Prevents navigation to anything but the bundled page.
        .on_navigation(|url| {
            url.scheme() == "tauri" || (cfg!(debug_assertions) && url.host_str() == Some("localhost"))
        })
        .build()?;
    render_on_processor(&window)?;
    reload_after_crash(&window)
}

/// Turns hardware acceleration off: the page is text and lists, and the graphics stack that the page's process would load
/// takes 100 MB for as long as the window is open.
fn render_on_processor(window: &tauri::WebviewWindow) -> tauri::Result<()> {
    window.with_webview(|webview| {
        use webkit2gtk::{HardwareAccelerationPolicy, SettingsExt, WebViewExt};
        if let Some(settings) = webview.inner().settings() {
            settings.set_hardware_acceleration_policy(HardwareAccelerationPolicy::Never);
        }
    })
}

/// Reloads the page when its process has crashed or was killed. Everything it showed is in the archive.
fn reload_after_crash(window: &tauri::WebviewWindow) -> tauri::Result<()> {
    window.with_webview(|webview| {
        use webkit2gtk::WebViewExt;
        webview.inner().connect_web_process_terminated(|view, reason| {
            tracing::warn!(?reason, "the page's process ended; the page is reloaded");
            view.reload();
        });
    })
}

/// Brings the window to the front.
pub(crate) fn bring_to_front(handle: &AppHandle) {
    if let Some(window) = handle.get_webview_window("main") {
        let _ = window.unminimize();
        let _ = window.show();
        let _ = window.set_focus();
    }
}
