//! Notes about copies in progress, and recovery of copies whose import was killed.
//!
//! The note `import.json` lies beside the copied audio and contains the row to be written to `jobs`. The importing
//! process holds a lock on it from before the first byte is copied until the row is written, and the kernel releases the
//! lock however the process ends. So a note that can be locked belongs to a copy that no process works on. In
//! `incoming/` such a copy is removed, because the import can be repeated. A copy in the library itself is complete,
//! because it is moved there only after it was synced. It is registered if its content has the hash in the note;
//! otherwise it is left alone.
//!
//! Workers and imports recover copies before they begin. A folder of the library without a note is never touched; `doctor`
//! reports it. A folder of `incoming/` without a note is removed after a day.

use crate::App;
use crate::user_error::ErrorCode;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use store::{JobId, NewJob};

const NOTE: &str = "import.json";
/// A folder in `incoming/` without a note that is older than this belongs to no running process.
const ABANDONED_AFTER: Duration = Duration::from_secs(24 * 3600);

/// A complete, synced copy without a row in the archive. While this value exists, no other process recovers the copy.
#[derive(Debug)]
pub(crate) struct StagedCopy {
    pub(crate) folder: PathBuf,
    /// The file name of the audio in `folder`.
    pub(crate) file: String,
    pub(crate) new: NewJob,
    pub(crate) note: ImportNote,
}

/// The locked note of a copy.
#[derive(Debug)]
pub(crate) struct ImportNote(File);

#[derive(Serialize, Deserialize)]
struct ImportNoteContent {
    file: String,
    new: NewJob,
}

impl ImportNote {
    /// Creates an empty note in `folder`.
    pub(crate) fn begin(folder: &Path) -> io::Result<Self> {
        // Locked before it gets the name by which other processes find it.
        let draft = folder.join(NOTE).with_extension("draft");
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&draft)?;
        file.lock()?;
        fs::rename(&draft, folder.join(NOTE))?;
        Ok(Self(file))
    }

    /// Writes the row to be registered, and syncs the note.
    pub(crate) fn write(&mut self, file: &str, new: &NewJob) -> io::Result<()> {
        let noted = ImportNoteContent { file: file.to_owned(), new: new.clone() };
        self.0.write_all(&serde_json::to_vec(&noted)?)?;
        self.0.sync_all()
    }

    /// Locks the note in `folder`; `None` if there is none or another process holds it.
    fn lock_abandoned(folder: &Path) -> io::Result<Option<Self>> {
        match OpenOptions::new().read(true).write(true).open(folder.join(NOTE)) {
            Ok(file) => Ok(file.try_lock().is_ok().then_some(Self(file))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn read(&mut self) -> io::Result<ImportNoteContent> {
        let mut text = Vec::new();
        self.0.rewind()?;
        self.0.read_to_end(&mut text)?;
        Ok(serde_json::from_slice(&text)?)
    }
}

/// Removes the note in `folder`, once the row is written.
pub(crate) fn remove_note(folder: &Path) -> io::Result<()> {
    match fs::remove_file(folder.join(NOTE)) {
        // The process that held the note has removed it already.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

impl App {
    /// Recovers the copies that killed imports have left: removes unfinished ones, registers complete ones.
    ///
    /// # Errors
    /// If the database cannot be reached. Other errors are logged, and recovery is tried again the next time.
    pub(crate) async fn recover_interrupted_copies(&self) -> Result<()> {
        let library = self.library.clone();
        let complete = tokio::task::spawn_blocking(move || -> io::Result<_> {
            clear_incoming(&library.incoming())?;
            Ok(unregistered(library.folders()?))
        });
        let complete = match complete.await? {
            Ok(complete) => complete,
            Err(error) => {
                tracing::warn!(kind = ?error.kind(), "the library could not be listed; copies are recovered later");
                return Ok(());
            }
        };
        for copy in complete {
            // An error with one copy must not stop the recovery of the others.
            if let Err(error) = self.recover(copy).await {
                if ErrorCode::of(&error) == ErrorCode::DatabaseUnreachable {
                    return Err(error);
                }
                tracing::warn!(%error, "a copy that a killed import left could not be recovered; tried again later");
            }
        }
        Ok(())
    }

    async fn recover(&self, copy: StagedCopy) -> Result<()> {
        if self.store.job(copy.new.id).await?.is_some() {
            // Its process was killed after the row was written.
            let folder = copy.folder;
            return Ok(tokio::task::spawn_blocking(move || remove_note(&folder)).await??);
        }
        let deleted = self.store.pending_removals(self.library.id()).await?.contains(&copy.new.file_path);
        if deleted || copy.new.library_id != self.library.id() {
            return Ok(());
        }
        let (path, hash) = (copy.folder.join(&copy.file), copy.new.file_hash.clone());
        let hashed = tokio::task::spawn_blocking(move || crate::import::hash::hash_of(&path)).await?;
        if hashed.is_ok_and(|found| found == hash) {
            self.register(copy).await?;
            tracing::info!("a recording that a killed import had copied was registered");
        }
        Ok(())
    }

    /// Folders of the library that belong neither to a recording in the archive nor to an import, sorted.
    pub(crate) async fn unreferenced_folders(&self) -> Result<Vec<String>> {
        let library = self.library.clone();
        let folders = tokio::task::spawn_blocking(move || -> io::Result<_> {
            let mut found = Vec::new();
            for folder in library.folders()? {
                // A copy with a readable note is recovered by the next worker or import.
                let noted = match ImportNote::lock_abandoned(&folder) {
                    Ok(Some(mut note)) => note.read().is_ok(),
                    Ok(None) => folder.join(NOTE).exists(),
                    Err(_) => false,
                };
                if !noted && let Some(name) = folder.file_name().and_then(|name| name.to_str()) {
                    found.push(name.to_owned());
                }
            }
            Ok(found)
        });
        let folders = folders.await?.context("the library could not be listed")?;
        let jobs = self.store.jobs(store::JobFilter::default()).await?;
        let removals = self.store.pending_removals(self.library.id()).await?;
        let known: std::collections::HashSet<&str> = jobs
            .iter()
            .filter(|job| self.library.holds(job))
            .map(|job| job.file_path.as_str())
            .chain(removals.iter().map(String::as_str))
            .filter_map(|path| path.split('/').next())
            .collect();
        Ok(folders.into_iter().filter(|folder| !known.contains(folder.as_str())).collect())
    }
}

/// Removes the copies in `incoming/` that belong to no running process.
fn clear_incoming(incoming: &Path) -> io::Result<()> {
    for entry in fs::read_dir(incoming)? {
        let entry = entry?;
        let folder = entry.path();
        let age =
            || entry.metadata().and_then(|found| found.modified()).ok().and_then(|at| at.elapsed().ok());
        let abandoned = if folder.join(NOTE).exists() {
            ImportNote::lock_abandoned(&folder).is_ok_and(|note| note.is_some())
        } else {
            age().is_some_and(|age| age > ABANDONED_AFTER)
        };
        if abandoned && let Err(error) = fs::remove_dir_all(&folder) {
            tracing::warn!(kind = ?error.kind(), "an unfinished copy could not be removed; tried again later");
        }
    }
    Ok(())
}

/// The copies in the library whose process was killed before it removed the note.
fn unregistered(folders: Vec<PathBuf>) -> Vec<StagedCopy> {
    let mut found = Vec::new();
    for folder in folders {
        let left = ImportNote::lock_abandoned(&folder);
        match left.and_then(|note| note.map(|mut note| Ok((note.read()?, note))).transpose()) {
            Ok(Some((ImportNoteContent { file, new }, note))) => {
                found.push(StagedCopy { folder, file, new, note })
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(kind = ?error.kind(), "a note of an import could not be read"),
        }
    }
    found
}

/// Creates the folder of a new copy in `incoming`, with its note.
pub(crate) fn begin_copy(incoming: &Path, id: JobId) -> io::Result<(PathBuf, ImportNote)> {
    let folder = incoming.join(id.to_string());
    fs::create_dir_all(&folder)?;
    let note = ImportNote::begin(&folder)?;
    Ok((folder, note))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn only_abandoned_copies_are_removed_from_incoming() {
        let dir = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            let folder = dir.path().join(name);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("audio.wav"), "RIFF").unwrap();
            folder
        };
        let (in_progress, abandoned, without_note) = (make("a"), make("b"), make("c"));
        let _held = ImportNote::begin(&in_progress).unwrap();
        drop(ImportNote::begin(&abandoned).unwrap());
        clear_incoming(dir.path()).unwrap();
        assert!(in_progress.is_dir() && without_note.is_dir() && !abandoned.exists());
    }
}
