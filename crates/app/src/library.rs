//! The library folder, which holds the audio of recordings: `<job id>/audio.<ext>`, and our own files beside it.
//!
//! This is the only module that turns a path from the archive into a path of this computer. A path in the archive is
//! `<job id>/<file>`, relative to the library folder. Other programs can write rows, so a path of any other shape names
//! no recording of this library: nothing is read, written or removed for it.

use anyhow::{Context, Result};
use media::MediaError;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use store::{Job, JobId, LibraryId};
use uuid::Uuid;

/// The library of this data folder. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Library {
    folder: Arc<Path>,
    id: LibraryId,
}

/// The folder of one recording in the library, with the path of its audio file. Neither has to exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RecordingFolder {
    folder: PathBuf,
    audio: PathBuf,
}

impl Library {
    pub(crate) fn new(folder: PathBuf, id: LibraryId) -> Self {
        Self { folder: folder.into(), id }
    }

    /// The id by which rows of a shared database refer to this library.
    pub(crate) fn id(&self) -> LibraryId {
        self.id
    }

    /// The library folder itself.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder for copies in progress, on the same file system.
    pub(crate) fn incoming(&self) -> PathBuf {
        self.folder.join("incoming")
    }

    /// Whether the recording belongs to this library.
    pub(crate) fn holds(&self, job: &Job) -> bool {
        job.library_id == Some(self.id)
    }

    /// The folder of a recording; `None` if the recording belongs to another library, or its audio was removed.
    pub(crate) fn recording_folder(&self, job: &Job) -> Option<RecordingFolder> {
        self.registered_folder(job).filter(|_| job.audio_removed_at.is_none())
    }

    /// The folder that a recording of this library has, or had until its audio was removed.
    pub(crate) fn registered_folder(&self, job: &Job) -> Option<RecordingFolder> {
        self.parse_file_path(&job.file_path).filter(|_| self.holds(job))
    }

    /// The recording folder that a path from the archive names; `None` if the path does not have our shape.
    pub(crate) fn parse_file_path(&self, file_path: &str) -> Option<RecordingFolder> {
        let mut parts = Path::new(file_path).components();
        let (Some(Component::Normal(folder)), Some(Component::Normal(file)), None) =
            (parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        folder.to_str().filter(|folder| Uuid::parse_str(folder).is_ok())?;
        let folder = self.folder.join(folder);
        Some(RecordingFolder { audio: folder.join(file), folder })
    }

    /// Moves a complete copy with the audio file `file` from `incoming` into the library and syncs it. Blocks.
    ///
    /// # Errors
    /// Any I/O error.
    pub(crate) fn move_in(&self, copy: &Path, id: JobId, file: &str) -> Result<RecordingFolder> {
        let folder = self.folder.join(id.to_string());
        fs::rename(copy, &folder).with_context(|| format!("{} could not be made", folder.display()))?;
        sync_folder(&self.folder)?;
        Ok(RecordingFolder { audio: folder.join(file), folder })
    }

    /// The folders whose name is a job id, sorted. Blocks.
    ///
    /// # Errors
    /// Any I/O error.
    pub(crate) fn folders(&self) -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let is_id = entry.file_name().to_str().is_some_and(|name| Uuid::parse_str(name).is_ok());
            if is_id && entry.file_type()?.is_dir() {
                found.push(entry.path());
            }
        }
        found.sort();
        Ok(found)
    }
}

impl RecordingFolder {
    /// The audio file.
    pub(crate) fn audio(&self) -> &Path {
        &self.audio
    }

    /// The folder itself.
    pub(crate) fn path(&self) -> &Path {
        &self.folder
    }

    /// The path of one of our files beside the audio; `None` if the audio itself has that name.
    pub(crate) fn beside(&self, name: &str) -> Option<PathBuf> {
        Some(self.folder.join(name)).filter(|file| *file != self.audio)
    }

    /// Removes the folder with everything in it. Blocks.
    ///
    /// # Errors
    /// Any I/O error, except that the folder does not exist.
    pub(crate) fn remove(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }
}

/// The error for a recording that is not in this library.
pub(crate) fn missing_audio() -> MediaError {
    MediaError::Io(ErrorKind::NotFound.into())
}

/// Syncs the directory `folder`, so that the names in it survive a crash. Blocks.
///
/// # Errors
/// Any I/O error.
pub(crate) fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .with_context(|| format!("{} could not be written to disk", folder.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn only_a_job_id_and_a_file_name_make_a_recording_path() {
        let library = Library::new("/data/library".into(), Uuid::nil().into());
        let id = "0190a5a0-7cc1-4d3b-8f5e-0123456789ab";
        let folder = library.parse_file_path(&format!("{id}/audio.wav")).unwrap();
        assert_eq!(folder.audio(), Path::new("/data/library").join(id).join("audio.wav"));
        assert_eq!(folder.beside("audio.seek"), Some(folder.path().join("audio.seek")));
        assert_eq!(folder.beside("audio.wav"), None);
        for path in [
            "",
            "..",
            "../x",
            "incoming/x",
            "library-id",
            "/etc/passwd",
            "a.wav",
            id,
            &format!("{id}/.."),
            &format!("{id}/../x"),
            &format!("{id}/a/b"),
            &format!("../{id}/a"),
            &format!("/{id}/a"),
        ] {
            assert_eq!(library.parse_file_path(path), None, "{path}");
        }
    }
}
