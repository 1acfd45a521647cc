//! Describes what importing files would do, while they are dragged over the window. Nothing is copied or written.

use crate::App;
use crate::file_names::file_name;
use crate::import::list::files_in_folder;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Files are probed for this long at most: the user is waiting to drop them.
const TIME_LIMIT: Duration = Duration::from_millis(1500);

/// What importing files and folders would do.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct DropView {
    /// Recordings among the files.
    pub recordings: u32,
    /// Folders, with what was found in them.
    pub folders: Vec<DroppedFolder>,
    /// Files that cannot be imported, with the reason: one sentence each.
    pub unsuitable: Vec<String>,
}

/// A folder that would be imported.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct DroppedFolder {
    /// Its name.
    pub name: String,
    /// Recordings found in it.
    pub recordings: u32,
    /// Whether all files were counted; counting stops at the time limit.
    pub counted: bool,
}

impl App {
    /// Counts the recordings in `paths` and their folders. Blocks for about [`TIME_LIMIT`], plus the time that the last
    /// file takes.
    pub fn describe_drop(&self, paths: &[PathBuf]) -> DropView {
        let end = Instant::now() + TIME_LIMIT;
        let mut view = DropView::default();
        for path in paths {
            let name = file_name(path);
            if path.is_dir() {
                view.folders.push(self.count(path, name, end));
            } else if Instant::now() > end {
                // Not probed: assumed to be a recording.
                view.recordings += 1;
            } else {
                match media::probe(path, &self.tools) {
                    Ok(_) => view.recordings += 1,
                    Err(why) => view.unsuitable.push(format!("{name}: {why}")),
                }
            }
        }
        view
    }

    fn count(&self, folder: &Path, name: String, end: Instant) -> DroppedFolder {
        let mut found = DroppedFolder { name, recordings: 0, counted: true };
        for file in files_in_folder(folder) {
            if Instant::now() > end {
                found.counted = false;
                break;
            }
            found.recordings += u32::from(media::probe(&file.path, &self.tools).is_ok());
        }
        found
    }
}
