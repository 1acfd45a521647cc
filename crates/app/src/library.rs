//! Where the bytes of recordings are: the only part that turns a path of the archive into one of this computer.
//!
//! A path in the archive is `<job id>/<file>`, relative to the library folder. Rows can be written by others, so a path of
//! any other shape is that of a recording that is not here: nothing is read, written or removed for it.

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

/// The place of one recording: its audio, in a folder of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    folder: PathBuf,
    audio: PathBuf,
}

impl Library {
    pub(crate) fn new(folder: PathBuf, id: LibraryId) -> Self {
        Self { folder: folder.into(), id }
    }

    /// The id by which rows of a shared database name this library.
    pub(crate) fn id(&self) -> LibraryId {
        self.id
    }

    /// The folder, for messages.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Copies that are being made, on the same file system.
    pub(crate) fn incoming(&self) -> PathBuf {
        self.folder.join("incoming")
    }

    /// Whether the recording belongs to this library.
    pub(crate) fn holds(&self, job: &Job) -> bool {
        job.library_id == Some(self.id)
    }

    /// Where the recording is, whether or not its audio is still there. `None` if it belongs to another library.
    pub(crate) fn place(&self, job: &Job) -> Option<Place> {
        self.place_of(&job.file_path).filter(|_| self.holds(job))
    }

    /// The place that a path of the archive names; `None` if it does not have the shape of ours.
    pub(crate) fn place_of(&self, file_path: &str) -> Option<Place> {
        let mut parts = Path::new(file_path).components();
        let (Some(Component::Normal(folder)), Some(Component::Normal(file)), None) =
            (parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        folder.to_str().filter(|folder| Uuid::parse_str(folder).is_ok())?;
        let folder = self.folder.join(folder);
        Some(Place { audio: folder.join(file), folder })
    }

    /// Moves a whole copy with the audio `file` from `incoming` to its place, synced. Blocks.
    ///
    /// # Errors
    /// What the file system says.
    pub(crate) fn put(&self, copy: &Path, id: JobId, file: &str) -> Result<Place> {
        let folder = self.folder.join(id.to_string());
        fs::rename(copy, &folder).with_context(|| format!("{} could not be made", folder.display()))?;
        sync_folder(&self.folder)?;
        Ok(Place { audio: folder.join(file), folder })
    }

    /// The folders that are named like a job, in order of name. Blocks.
    ///
    /// # Errors
    /// What the file system says.
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

impl Place {
    /// The audio file.
    pub(crate) fn audio(&self) -> &Path {
        &self.audio
    }

    /// The folder of this recording alone.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A file of ours beside the audio; `None` if the audio itself has that name.
    pub(crate) fn beside(&self, name: &str) -> Option<PathBuf> {
        Some(self.folder.join(name)).filter(|file| *file != self.audio)
    }

    /// Removes the audio and all that is beside it. Blocks.
    ///
    /// # Errors
    /// What the file system says; that nothing is there is none.
    pub(crate) fn remove(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }
}

/// Why a recording that has no place here cannot be read.
pub(crate) fn not_here() -> MediaError {
    MediaError::Io(ErrorKind::NotFound.into())
}

/// Writes the names in `folder` to disk. Blocks.
///
/// # Errors
/// What the file system says.
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
    fn only_a_folder_of_a_job_and_a_file_in_it_name_a_place() {
        let library = Library::new("/data/library".into(), Uuid::nil().into());
        let id = "0190a5a0-7cc1-4d3b-8f5e-0123456789ab";
        let place = library.place_of(&format!("{id}/audio.wav")).unwrap();
        assert_eq!(place.audio(), Path::new("/data/library").join(id).join("audio.wav"));
        assert_eq!(place.beside("audio.seek"), Some(place.folder().join("audio.seek")));
        assert_eq!(place.beside("audio.wav"), None);
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
            assert_eq!(library.place_of(path), None, "{path}");
        }
    }
}
