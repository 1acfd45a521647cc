//! How the window was left, in `window.json` in the data folder. Losing it loses nothing but comfort. Size and place of
//! the window are kept by tauri-plugin-window-state.

use app::DataFolder;
use serde::{Deserialize, Serialize};
use std::fs;

/// How the page was left.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, specta::Type)]
#[serde(default)]
pub(crate) struct WindowState {
    /// Width of the library in CSS pixels.
    pub sidebar_width: u32,
    /// Whether the hint at larger models was put away.
    pub hint_dismissed: bool,
    /// Whether the offer to remember voices was put away.
    pub people_hint_dismissed: bool,
    /// Speed of the player; 1 is as recorded.
    #[specta(type = specta_typescript::Number)]
    pub playback_rate: f32,
    /// Volume of the player, 0 to 1.
    #[specta(type = specta_typescript::Number)]
    pub volume: f32,
}

impl Default for WindowState {
    fn default() -> Self {
        Self {
            sidebar_width: 280,
            hint_dismissed: false,
            people_hint_dismissed: false,
            playback_rate: 1.0,
            volume: 1.0,
        }
    }
}

impl WindowState {
    pub(crate) fn read(data: &DataFolder) -> Self {
        let text = fs::read(data.path().join("window.json")).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// # Errors
    /// Where it cannot be written.
    pub(crate) fn write(&self, data: &DataFolder) -> anyhow::Result<()> {
        Ok(app::replace_file(&data.path().join("window.json"), &serde_json::to_vec_pretty(self)?)?)
    }
}
