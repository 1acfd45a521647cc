//! The bytes that are there: locked, hashed as they grow, never more than the note about them allows.

use super::{DownloadError, Expected, disk_error};
use crate::control::{Cancel, Meter, Stage};
use crate::disk;
use crate::folder::{self, Folder, NOTE_ENDING, PART_ENDING};
use crate::identity::Sha256;
use crate::note::Note;
use sha2::Digest;
use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// How many bytes may be lost with the power.
const SYNC_EVERY: u64 = 64 << 20;

pub(super) struct Part {
    path: PathBuf,
    note_path: PathBuf,
    file: File,
    hasher: sha2::Sha256,
    done: u64,
    synced: u64,
    expected: Expected,
    note: Option<Note>,
}

impl Part {
    /// Opens what is there, or begins. What is there is hashed, and thrown away if it is of another file.
    pub(super) fn open(
        folder: &Folder,
        file_name: &str,
        expected: Expected,
        meter: &mut Meter<'_>,
        cancel: &Cancel,
    ) -> Result<Self, DownloadError> {
        let path = folder.path().join(format!("{file_name}{PART_ENDING}"));
        let note_path = folder.path().join(format!("{file_name}{NOTE_ENDING}"));
        let begin = || {
            // Nobody else opens it, renames it or tries its lock meanwhile.
            let _held = folder.hold()?;
            take_back(folder, file_name, &path, &note_path)?;
            let file = File::options().create(true).truncate(false).read(true).write(true).open(&path)?;
            Ok(file.try_lock().is_ok().then_some(file))
        };
        let file = begin().map_err(disk_error)?.ok_or(DownloadError::Elsewhere)?;
        let note = Note::read(&note_path);
        let mut part =
            Self { path, note_path, file, hasher: sha2::Sha256::new(), done: 0, synced: 0, expected, note };
        if let Some(note) = &part.note {
            let contradicts =
                expected.byte_size.is_some_and(|size| note.byte_size.is_some_and(|n| n != size))
                    || expected.sha256.is_some_and(|hash| note.sha256.is_some_and(|n| n != hash));
            if contradicts {
                part.discard().map_err(disk_error)?;
            } else {
                part.expected.byte_size = expected.byte_size.or(note.byte_size);
                part.expected.sha256 = expected.sha256.or(note.sha256);
            }
        }
        part.hash_what_is_there(meter, cancel)?;
        Ok(part)
    }

    fn hash_what_is_there(&mut self, meter: &mut Meter<'_>, cancel: &Cancel) -> Result<(), DownloadError> {
        let length = self.file.metadata().map_err(disk_error)?.len();
        if self.expected.byte_size.is_some_and(|size| length > size) {
            return self.discard().map_err(disk_error);
        }
        if length > 0 {
            meter.begin(Stage::Checking, 0, Some(length), None);
            self.file.seek(SeekFrom::Start(0)).map_err(disk_error)?;
            self.done = disk::hash_into(&mut self.hasher, &self.file, meter, cancel)
                .map_err(disk_error)?
                .ok_or(DownloadError::Cancelled)?;
        }
        Ok(())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn note_path(&self) -> &Path {
        &self.note_path
    }

    /// Bytes that are there.
    pub(super) fn done(&self) -> u64 {
        self.done
    }

    pub(super) fn expected(&self) -> Expected {
        self.expected
    }

    /// Of what is there.
    pub(super) fn sha256(&self) -> Sha256 {
        Sha256::finish(self.hasher.clone())
    }

    pub(super) fn is_whole(&self) -> bool {
        self.expected.byte_size == Some(self.done)
    }

    /// Whether the rest from this address fits what is there: the hash will tell, or the same address did before.
    pub(super) fn can_go_on_with(&self, address: &str) -> bool {
        self.expected.sha256.is_some() || self.validator(address).is_some()
    }

    /// What the file at this address was called when the first bytes came from it.
    pub(super) fn validator(&self, address: &str) -> Option<&str> {
        self.note.as_ref().filter(|note| note.address == address)?.validator.as_deref()
    }

    /// What the hub says about a file that the catalogue does not know.
    pub(super) fn learn(&mut self, byte_size: Option<u64>, sha256: Option<Sha256>) {
        self.expected.byte_size = self.expected.byte_size.or(byte_size);
        self.expected.sha256 = self.expected.sha256.or(sha256);
    }

    /// Writes down where the next bytes come from.
    pub(super) fn note(&mut self, address: &str, validator: Option<&str>) -> io::Result<()> {
        let note = Note {
            address: address.to_owned(),
            validator: validator.map(str::to_owned),
            byte_size: self.expected.byte_size,
            sha256: self.expected.sha256,
            done_bytes: self.synced,
        };
        note.write(&self.note_path)?;
        self.note = Some(note);
        Ok(())
    }

    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.hasher.update(bytes);
        self.done += bytes.len() as u64;
        if self.done - self.synced >= SYNC_EVERY {
            self.keep()?;
        }
        Ok(())
    }

    /// Makes what is there last, and says so in the note.
    pub(super) fn keep(&mut self) -> io::Result<()> {
        self.file.sync_data()?;
        self.synced = self.done;
        if let Some(note) = &mut self.note {
            note.done_bytes = self.done;
            note.write(&self.note_path)?;
        }
        Ok(())
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    pub(super) fn modified_ns(&self) -> Option<u64> {
        folder::modified_ns(&self.file.metadata().ok()?)
    }

    /// Begins at zero. The lock stays.
    pub(super) fn discard(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.hasher = sha2::Sha256::new();
        self.done = 0;
        self.synced = 0;
        self.note = None;
        match fs::remove_file(&self.note_path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Leaves nothing behind if nothing is there.
    pub(super) fn leave(&self) {
        if self.done == 0 {
            // They would only be found empty by the next download.
            let _ = fs::remove_file(&self.path);
            let _ = fs::remove_file(&self.note_path);
        }
    }
}

/// A file that got its final name and no sidecar, because the process was killed between the two, is a download once
/// more. Only if the note is there: otherwise the file is not ours.
fn take_back(folder: &Folder, file_name: &str, part: &Path, note: &Path) -> io::Result<()> {
    let file = folder.path().join(file_name);
    let id = crate::catalogue::stem(file_name).and_then(|stem| stem.parse().ok());
    let without_sidecar = id.is_some_and(|id| !folder.has_sidecar(&id));
    if note.exists() && !part.exists() && without_sidecar && file.is_file() {
        fs::rename(&file, part)?;
    }
    Ok(())
}
