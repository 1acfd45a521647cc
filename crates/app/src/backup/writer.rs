//! Writes objects to a folder or a file, and copies audio while hashing it.

use super::create::{STOPPED, ensure_running};
use super::folder::{FolderBackup, FolderWriter};
use super::layout::{ContentHash, ObjectName};
use super::manifest::{Content, Manifest};
use super::passphrase::PassphraseFile;
use super::place::Place;
use super::sealing::ContentKey;
use super::tar_file::TarWriter;
use crate::import::hash::hex;
use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use tokio::sync::watch;

/// Writes objects to a folder or a file.
pub(super) enum Writer {
    Folder(FolderWriter),
    File(TarWriter),
}

impl Writer {
    pub(super) fn begin(place: &Place, replace: bool, passphrase: &PassphraseFile) -> Result<Self> {
        // Refuses a bad file before anything is written.
        passphrase.read()?;
        Ok(match place {
            Place::Folder(path) => Self::Folder(FolderWriter::begin(path, passphrase)?),
            Place::File(path) => Self::File(TarWriter::begin(path, replace, passphrase)?),
        })
    }

    /// The newest manifest in a folder that can be read.
    pub(super) fn last_manifest(&self, place: &Place) -> Option<Manifest> {
        let (Self::Folder(writer), Place::Folder(path)) = (self, place) else { return None };
        let folder = FolderBackup::with_key(path, writer.key().clone()).ok()?;
        let paths = folder.manifests().ok()?;
        paths.iter().rev().find_map(|path| Manifest::read(path, &folder.text(path).ok()?).ok())
    }

    /// The key of the content.
    pub(super) fn key(&self) -> &ContentKey {
        match self {
            Self::Folder(folder) => folder.key(),
            Self::File(tar) => tar.key(),
        }
    }

    /// Whether the place got its key now.
    pub(super) fn made_key(&self) -> bool {
        match self {
            Self::Folder(folder) => folder.made_key(),
            Self::File(tar) => tar.key().encrypts(),
        }
    }

    pub(super) fn has(&self, name: &ObjectName) -> bool {
        match self {
            Self::Folder(folder) => folder.has(name),
            Self::File(tar) => tar.has(name),
        }
    }

    pub(super) fn put_text(&mut self, name: ObjectName, text: &[u8]) -> Result<()> {
        match self {
            Self::Folder(folder) => {
                let (draft, mut file) = folder.draft()?;
                file.write_all(text).map_err(write_error)?;
                file.finish(&name.path()).map_err(write_error)?;
                folder.name_draft(&draft, name)?;
            }
            Self::File(tar) => tar.append_object(&name, text, text.len() as u64)?,
        }
        Ok(())
    }

    pub(super) fn finish(self, manifest_path: &str, manifest: &[u8]) -> Result<Vec<ObjectName>> {
        match self {
            Self::Folder(folder) => folder.finish(manifest_path, manifest),
            Self::File(tar) => tar.finish(manifest_path, manifest),
        }
    }
}

/// Result of copying a file.
pub(super) enum Copied {
    Whole(Content),
    /// The source could not be read.
    Unreadable(io::Error),
}

/// Copies `from` to `to` while hashing. Memory does not grow with the size.
pub(super) fn copy_hashed(
    mut from: File,
    to: &mut impl Write,
    stop: &watch::Receiver<bool>,
    mut on_bytes: impl FnMut(u64),
) -> Result<Copied> {
    let mut hash = Sha256::new();
    let mut bytes = 0;
    let mut block = vec![0; 1 << 20];
    loop {
        let read = match from.read(&mut block) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Ok(Copied::Unreadable(error)),
        };
        ensure_running(stop)?;
        hash.update(&block[..read]);
        to.write_all(&block[..read]).map_err(write_error)?;
        bytes += read as u64;
        on_bytes(read as u64);
    }
    let sha256 = ContentHash::parse(&hex(&hash.finalize())).context("a SHA-256 has 64 digits")?;
    Ok(Copied::Whole(Content { sha256, bytes }))
}

/// Reads a file, reports each block, and fails when `stop` is true.
pub(super) struct Watched<'a, F> {
    pub(super) file: File,
    pub(super) stop: &'a watch::Receiver<bool>,
    pub(super) on_bytes: F,
}

impl<F: FnMut(u64)> Read for Watched<'_, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if *self.stop.borrow() {
            return Err(io::Error::other(STOPPED));
        }
        let read = self.file.read(buffer)?;
        (self.on_bytes)(read as u64);
        Ok(read)
    }
}

/// The error for a write that failed.
pub(super) fn write_error(error: io::Error) -> anyhow::Error {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => crate::user_error::user_error(
            crate::ErrorCode::DiskFull,
            "The disk of the backup is full. Free some space or choose another disk; the earlier backups are whole.",
        ),
        _ => error.into(),
    }
}

/// Fails if the disk of `path` has not `bytes` free.
pub(super) fn ensure_space(path: &Path, bytes: u64) -> Result<()> {
    let existing = path.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(path);
    match store::disk_space::free_bytes(existing) {
        Ok(free) if free < bytes => Err(crate::user_error::user_error(
            crate::ErrorCode::DiskFull,
            format!(
                "The disk of {} has {} MB free, and the backup needs {} MB. Free some space or choose another disk.",
                path.display(),
                free >> 20,
                (bytes >> 20) + 1
            ),
        )),
        // If the free space is not known, the backup is tried.
        _ => Ok(()),
    }
}
