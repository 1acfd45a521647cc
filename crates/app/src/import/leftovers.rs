//! Copies on their way into the library, and what processes that were killed left of them.
//!
//! `import.json` beside the audio is the note of what is to be registered. The importing process holds it locked from
//! the first byte until the row is there, and the kernel frees the lock however the process ends. So a note that can be
//! locked belongs to a copy that no process works on any more: in `incoming/` the copy is removed, because the import can be
//! repeated; in the library the copy is registered, because the copy is whole. A folder of the library without a note is never
//! touched; one in `incoming/` is removed after a day.

use crate::App;
use crate::refusal::Code;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use store::{JobId, NewJob};

const NOTE: &str = "import.json";
/// What lies in `incoming/` without a note for longer than this belongs to no process that lives.
const ABANDONED_AFTER: Duration = Duration::from_secs(24 * 3600);

/// A whole, synced copy that no row points at yet. While it lives, nobody else settles it.
#[derive(Debug)]
pub(crate) struct Copy {
    pub(crate) folder: PathBuf,
    /// The file name of the audio in `folder`.
    pub(crate) file: String,
    pub(crate) new: NewJob,
    pub(crate) note: Note,
}

/// The note of one copy, locked.
#[derive(Debug)]
pub(crate) struct Note(File);

#[derive(Serialize, Deserialize)]
struct Noted {
    file: String,
    new: NewJob,
}

impl Note {
    /// A new note in `folder`, empty.
    pub(crate) fn begin(folder: &Path) -> io::Result<Self> {
        // Locked before anybody can see it.
        let draft = folder.join(NOTE).with_extension("draft");
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&draft)?;
        file.lock()?;
        fs::rename(&draft, folder.join(NOTE))?;
        Ok(Self(file))
    }

    /// Writes down what is to be registered, synced.
    pub(crate) fn write(&mut self, file: &str, new: &NewJob) -> io::Result<()> {
        let noted = Noted { file: file.to_owned(), new: new.clone() };
        self.0.write_all(&serde_json::to_vec(&noted)?)?;
        self.0.sync_all()
    }

    /// The note in `folder` that no process holds; `None` if there is none or it is held.
    fn left_in(folder: &Path) -> io::Result<Option<Self>> {
        match OpenOptions::new().read(true).write(true).open(folder.join(NOTE)) {
            Ok(file) => Ok(file.try_lock().is_ok().then_some(Self(file))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn read(&mut self) -> io::Result<Noted> {
        let mut text = Vec::new();
        self.0.rewind()?;
        self.0.read_to_end(&mut text)?;
        Ok(serde_json::from_slice(&text)?)
    }
}

/// The row is there: the note has done its work.
pub(crate) fn forget_note(folder: &Path) -> io::Result<()> {
    match fs::remove_file(folder.join(NOTE)) {
        // The process that held the note has removed it already.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

impl App {
    /// Settles what imports that were killed have left: removes unfinished copies, and registers whole ones.
    ///
    /// # Errors
    /// Where the database cannot be reached. What else fails is tried again the next time.
    pub(crate) async fn settle_leftovers(&self) -> Result<()> {
        let library = self.library.clone();
        let whole = tokio::task::spawn_blocking(move || -> io::Result<_> {
            clear_incoming(&library.incoming())?;
            Ok(unregistered(library.folders()?))
        });
        let whole = match whole.await? {
            Ok(whole) => whole,
            Err(error) => {
                tracing::warn!(kind = ?error.kind(), "the library could not be looked through; tried again later");
                return Ok(());
            }
        };
        for copy in whole {
            // One that cannot be settled now must not stop the work on all others.
            if let Err(error) = self.settle(copy).await {
                if Code::of(&error) == Code::DatabaseUnreachable {
                    return Err(error);
                }
                tracing::warn!(%error, "a copy that a killed import left could not be settled; tried again later");
            }
        }
        Ok(())
    }

    async fn settle(&self, copy: Copy) -> Result<()> {
        if self.store.job(copy.new.id).await?.is_some() {
            // Its process was killed after the row was there.
            let folder = copy.folder;
            return Ok(tokio::task::spawn_blocking(move || forget_note(&folder)).await??);
        }
        let deleted = self.store.pending_removals(self.library.id()).await?.contains(&copy.new.file_path);
        if deleted || copy.new.library_id != self.library.id() {
            return Ok(());
        }
        let (path, hash) = (copy.folder.join(&copy.file), copy.new.file_hash.clone());
        let whole = tokio::task::spawn_blocking(move || crate::import::hash::hash_of(&path)).await?;
        if whole.is_ok_and(|found| found == hash) {
            self.register(copy).await?;
            tracing::info!("a recording that a killed import had copied was registered");
        }
        Ok(())
    }

    /// Folders of the library that neither a recording in the archive nor a note of an import explains, in order of name.
    pub(crate) async fn unknown_folders(&self) -> Result<Vec<String>> {
        let library = self.library.clone();
        let folders = tokio::task::spawn_blocking(move || -> io::Result<_> {
            let mut found = Vec::new();
            for folder in library.folders()? {
                // A note that can be read is settled by the next worker or import.
                let noted = match Note::left_in(&folder) {
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
        let folders = folders.await?.context("the library could not be looked through")?;
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

/// Removes from `incoming/` what belongs to no process that lives.
fn clear_incoming(incoming: &Path) -> io::Result<()> {
    for entry in fs::read_dir(incoming)? {
        let entry = entry?;
        let folder = entry.path();
        let age =
            || entry.metadata().and_then(|found| found.modified()).ok().and_then(|at| at.elapsed().ok());
        let abandoned = if folder.join(NOTE).exists() {
            Note::left_in(&folder).is_ok_and(|note| note.is_some())
        } else {
            age().is_some_and(|age| age > ABANDONED_AFTER)
        };
        if abandoned && let Err(error) = fs::remove_dir_all(&folder) {
            tracing::warn!(kind = ?error.kind(), "an unfinished copy could not be removed; tried again later");
        }
    }
    Ok(())
}

/// Copies in the library whose process was killed before it could take its note away.
fn unregistered(folders: Vec<PathBuf>) -> Vec<Copy> {
    let mut found = Vec::new();
    for folder in folders {
        let left = Note::left_in(&folder);
        match left.and_then(|note| note.map(|mut note| Ok((note.read()?, note))).transpose()) {
            Ok(Some((Noted { file, new }, note))) => found.push(Copy { folder, file, new, note }),
            Ok(None) => {}
            Err(error) => tracing::warn!(kind = ?error.kind(), "a note of an import could not be read"),
        }
    }
    found
}

/// The folder of a new copy.
pub(crate) fn new_folder(incoming: &Path, id: JobId) -> io::Result<(PathBuf, Note)> {
    let folder = incoming.join(id.to_string());
    fs::create_dir_all(&folder)?;
    let note = Note::begin(&folder)?;
    Ok((folder, note))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn only_copies_that_nobody_works_on_leave_incoming() {
        let dir = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            let folder = dir.path().join(name);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("audio.wav"), "RIFF").unwrap();
            folder
        };
        let (worked_on, left, without_note) = (make("a"), make("b"), make("c"));
        let _held = Note::begin(&worked_on).unwrap();
        drop(Note::begin(&left).unwrap());
        clear_incoming(dir.path()).unwrap();
        assert!(worked_on.is_dir() && without_note.is_dir() && !left.exists());
    }
}
