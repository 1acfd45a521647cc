//! A partial download (`<file>.part`): locked, and hashed while bytes are appended.

use super::{DownloadError, Expected, disk_error};
use crate::cancel::Cancel;
use crate::disk;
use crate::folder::{self, Folder, PARTIAL_SUFFIX, RESUME_INFO_SUFFIX};
use crate::identity::Sha256;
use crate::progress::{Meter, Stage};
use crate::resume_info::ResumeInfo;
use sha2::Digest;
use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Bytes after which the file is synced: at most this much is lost in a power cut.
const SYNC_EVERY: u64 = 64 << 20;

/// An open partial download. The lock on the file is held until this is dropped.
pub(super) struct PartialFile {
    path: PathBuf,
    resume_info_path: PathBuf,
    file: File,
    hasher: sha2::Sha256,
    done: u64,
    synced: u64,
    expected: Expected,
    resume_info: Option<ResumeInfo>,
}

impl PartialFile {
    /// Opens or creates the file. Existing bytes are hashed, or discarded if they belong to another file.
    pub(super) fn open(
        folder: &Folder,
        file_name: &str,
        expected: Expected,
        meter: &mut Meter<'_>,
        cancel: &Cancel,
    ) -> Result<Self, DownloadError> {
        let path = folder.path().join(format!("{file_name}{PARTIAL_SUFFIX}"));
        let resume_info_path = folder.path().join(format!("{file_name}{RESUME_INFO_SUFFIX}"));
        let begin = || {
            // With the folder's lock, no other process opens, renames or locks the file meanwhile.
            let _lock = folder.lock()?;
            demote_unregistered(folder, file_name, &path, &resume_info_path)?;
            let file = File::options().create(true).truncate(false).read(true).write(true).open(&path)?;
            Ok(file.try_lock().is_ok().then_some(file))
        };
        let file = begin().map_err(disk_error)?.ok_or(DownloadError::Elsewhere)?;
        let resume_info = ResumeInfo::read(&resume_info_path);
        let mut partial = Self {
            path,
            resume_info_path,
            file,
            hasher: sha2::Sha256::new(),
            done: 0,
            synced: 0,
            expected,
            resume_info,
        };
        if let Some(resume_info) = &partial.resume_info {
            let contradicts =
                expected.byte_size.is_some_and(|size| resume_info.byte_size.is_some_and(|n| n != size))
                    || expected.sha256.is_some_and(|hash| resume_info.sha256.is_some_and(|n| n != hash));
            if contradicts {
                partial.discard().map_err(disk_error)?;
            } else {
                partial.expected.byte_size = expected.byte_size.or(resume_info.byte_size);
                partial.expected.sha256 = expected.sha256.or(resume_info.sha256);
            }
        }
        partial.hash_existing(meter, cancel)?;
        Ok(partial)
    }

    fn hash_existing(&mut self, meter: &mut Meter<'_>, cancel: &Cancel) -> Result<(), DownloadError> {
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

    pub(super) fn resume_info_path(&self) -> &Path {
        &self.resume_info_path
    }

    /// Bytes in the file.
    pub(super) fn done(&self) -> u64 {
        self.done
    }

    /// Size and hash that the complete file must have.
    pub(super) fn expected(&self) -> Expected {
        self.expected
    }

    /// Hash of the bytes in the file.
    pub(super) fn sha256(&self) -> Sha256 {
        Sha256::finish(self.hasher.clone())
    }

    pub(super) fn is_complete(&self) -> bool {
        self.expected.byte_size == Some(self.done)
    }

    /// Whether the rest may come from this address: either the expected hash is known and will be checked, or the bytes
    /// in the file came from the same address with an entity tag.
    pub(super) fn can_resume_from(&self, address: &str) -> bool {
        self.expected.sha256.is_some() || self.validator(address).is_some()
    }

    /// The entity tag that this address gave for the bytes in the file.
    pub(super) fn validator(&self, address: &str) -> Option<&str> {
        self.resume_info.as_ref().filter(|resume_info| resume_info.address == address)?.validator.as_deref()
    }

    /// Sets size and hash from the hub where they are unknown.
    pub(super) fn learn_expected(&mut self, byte_size: Option<u64>, sha256: Option<Sha256>) {
        self.expected.byte_size = self.expected.byte_size.or(byte_size);
        self.expected.sha256 = self.expected.sha256.or(sha256);
    }

    /// Records the source of the next bytes in the [`ResumeInfo`].
    pub(super) fn record_source(&mut self, address: &str, validator: Option<&str>) -> io::Result<()> {
        let resume_info = ResumeInfo {
            address: address.to_owned(),
            validator: validator.map(str::to_owned),
            byte_size: self.expected.byte_size,
            sha256: self.expected.sha256,
            done_bytes: self.synced,
        };
        resume_info.write(&self.resume_info_path)?;
        self.resume_info = Some(resume_info);
        Ok(())
    }

    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.hasher.update(bytes);
        self.done += bytes.len() as u64;
        if self.done - self.synced >= SYNC_EVERY {
            self.checkpoint()?;
        }
        Ok(())
    }

    /// Syncs the bytes to disk and records their number in the [`ResumeInfo`].
    pub(super) fn checkpoint(&mut self) -> io::Result<()> {
        self.file.sync_data()?;
        self.synced = self.done;
        if let Some(resume_info) = &mut self.resume_info {
            resume_info.done_bytes = self.done;
            resume_info.write(&self.resume_info_path)?;
        }
        Ok(())
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    pub(super) fn modified_ns(&self) -> Option<u64> {
        folder::modified_ns(&self.file.metadata().ok()?)
    }

    /// Empties the file. The lock stays.
    pub(super) fn discard(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.hasher = sha2::Sha256::new();
        self.done = 0;
        self.synced = 0;
        self.resume_info = None;
        match fs::remove_file(&self.resume_info_path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Removes the file and its [`ResumeInfo`] if it is empty.
    pub(super) fn remove_if_empty(&self) {
        if self.done == 0 {
            // Errors do not matter: the next download uses or replaces empty files.
            let _ = fs::remove_file(&self.path);
            let _ = fs::remove_file(&self.resume_info_path);
        }
    }
}

/// Renames a file that has its final name but no sidecar back to a partial download: the process was killed between the
/// two steps. Only if its [`ResumeInfo`] exists; otherwise the file is not ours.
fn demote_unregistered(
    folder: &Folder,
    file_name: &str,
    partial: &Path,
    resume_info: &Path,
) -> io::Result<()> {
    let file = folder.path().join(file_name);
    let id = crate::catalogue::stem(file_name).and_then(|stem| stem.parse().ok());
    let without_sidecar = id.is_some_and(|id| !folder.has_sidecar(&id));
    if resume_info.exists() && !partial.exists() && without_sidecar && file.is_file() {
        fs::rename(&file, partial)?;
    }
    Ok(())
}
