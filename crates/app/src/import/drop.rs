//! What adding files would do, said while they are dragged over the window. Nothing is copied or written.

use crate::App;
use crate::import::list::in_folder;
use crate::names::file_name;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Looking at files ends after this long; who drags is waiting to let go.
const BUDGET: Duration = Duration::from_millis(1500);

/// What adding files and folders would do.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct DropView {
    /// Recordings among the files.
    pub recordings: u32,
    /// Folders, with what was found in them.
    pub folders: Vec<DroppedFolder>,
    /// Files that cannot be taken, each with a sentence.
    pub unsuitable: Vec<String>,
}

/// A folder that would be added.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct DroppedFolder {
    /// Its name.
    pub name: String,
    /// Recordings found in it.
    pub recordings: u32,
    /// Whether all of it was looked at; counting stops after a while.
    pub counted: bool,
}

impl App {
    /// Says which of `paths` are recordings, and how many are in folders. Blocks for about as long as files are looked at,
    /// and the last of them may take.
    pub fn describe_drop(&self, paths: &[PathBuf]) -> DropView {
        let end = Instant::now() + BUDGET;
        let mut view = DropView::default();
        for path in paths {
            let name = file_name(path);
            if path.is_dir() {
                view.folders.push(self.count(path, name, end));
            } else if Instant::now() > end {
                // Not looked at: taken for what the user thinks it is.
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
        for listed in in_folder(folder) {
            if Instant::now() > end {
                found.counted = false;
                break;
            }
            found.recordings += u32::from(media::probe(&listed.path, &self.tools).is_ok());
        }
        found
    }
}
