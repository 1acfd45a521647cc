//! The saved state of the page, in `window.json` in the data folder. It is a convenience: without the file, defaults
//! apply. Size and position of the window are saved by tauri-plugin-window-state.

use app::DataFolder;
use serde::{Deserialize, Serialize};
use std::fs;

/// The saved state of the page.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, specta::Type)]
#[serde(default)]
pub(crate) struct WindowState {
    /// Width of the library pane in CSS pixels.
    pub sidebar_width: u32,
    /// Whether the user dismissed the hint about larger models.
    pub hint_dismissed: bool,
    /// Whether the user dismissed the offer to remember voices.
    pub people_hint_dismissed: bool,
    /// Playback speed; 1 is the original speed.
    #[specta(type = specta_typescript::Number)]
    pub playback_rate: f32,
    /// Playback volume, 0 to 1.
    #[specta(type = specta_typescript::Number)]
    pub volume: f32,
    /// How the library groups meetings.
    pub library_group: LibraryGroup,
    /// How the library sorts the meetings of a group.
    pub library_sort: LibrarySort,
    /// Whether folders and tags are shown above the list of meetings.
    pub places_open: bool,
}

/// How the library groups meetings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LibraryGroup {
    /// By the day of the recording.
    #[default]
    Day,
    /// By its month.
    Month,
    /// By folder.
    Folder,
    /// By how long they are.
    Length,
}

/// How the library sorts the meetings of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LibrarySort {
    /// The newest first.
    #[default]
    Newest,
    /// The oldest first.
    Oldest,
    /// The longest first.
    Longest,
    /// The shortest first.
    Shortest,
    /// By title.
    Title,
}

impl Default for WindowState {
    fn default() -> Self {
        Self {
            sidebar_width: 280,
            hint_dismissed: false,
            people_hint_dismissed: false,
            playback_rate: 1.0,
            volume: 1.0,
            library_group: LibraryGroup::default(),
            library_sort: LibrarySort::default(),
            places_open: true,
        }
    }
}

impl WindowState {
    /// The saved state; defaults if there is none or it is invalid.
    pub(crate) fn read(data: &DataFolder) -> Self {
        let text = fs::read(data.path().join("window.json")).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// Saves the state.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn write(&self, data: &DataFolder) -> anyhow::Result<()> {
        Ok(app::replace_file(&data.path().join("window.json"), &serde_json::to_vec_pretty(self)?)?)
    }
}
