//! Where a backup is, or is to be: a folder or a file.

use super::damage::Damage;
use super::folder::FolderBackup;
use super::layout::{ObjectName, README};
use super::passphrase::PassphraseFile;
use super::tar_file::TarBackup;
use anyhow::{Result, bail};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Where to write a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Folder(PathBuf),
    File(PathBuf),
}

impl Place {
    /// A path that is a folder, ends in `/` or has no extension is a folder; any other is one file.
    pub(super) fn of(path: &Path) -> Self {
        let ends_in_slash = path.as_os_str().as_encoded_bytes().ends_with(b"/");
        let is_folder = path.is_dir() || ends_in_slash || path.extension().is_none() && !path.is_file();
        if is_folder { Self::Folder(path.to_owned()) } else { Self::File(path.to_owned()) }
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Folder(path) | Self::File(path) => path,
        }
    }
}

/// A backup to read from.
#[derive(Debug)]
pub(super) enum Backup {
    Folder(FolderBackup),
    File(TarBackup),
}

impl Backup {
    /// Opens the backup at `path`.
    ///
    /// # Errors
    /// If there is none, or it is encrypted and cannot be opened with `passphrase`. With `salvage`, a damaged file is
    /// opened as far as it can be read.
    pub(super) fn open(path: &Path, salvage: bool, passphrase: &PassphraseFile) -> Result<Self> {
        if !path.exists() {
            bail!(
                "there is no backup at {}; connect the disk that it is on, or choose another place",
                path.display()
            );
        }
        Ok(if path.is_dir() {
            Self::Folder(FolderBackup::open(path, passphrase)?)
        } else {
            Self::File(TarBackup::open(path, salvage, passphrase)?)
        })
    }

    /// The folder or file.
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Folder(folder) => folder.root(),
            Self::File(file) => file.path(),
        }
    }

    /// Paths of the manifests, oldest first.
    pub(super) fn manifests(&self) -> Result<Vec<String>> {
        match self {
            Self::Folder(folder) => folder.manifests(),
            Self::File(file) => Ok(file.manifests()),
        }
    }

    /// What is wrong with the key of an encrypted backup, which could be read all the same.
    pub(super) fn key_damage(&self) -> &[Damage] {
        match self {
            Self::Folder(folder) => folder.key_damage(),
            Self::File(file) => file.key_damage(),
        }
    }

    pub(super) fn is_encrypted(&self) -> bool {
        match self {
            Self::Folder(folder) => folder.is_encrypted(),
            Self::File(file) => file.is_encrypted(),
        }
    }

    /// The text for somebody who finds the backup; it is never encrypted.
    pub(super) fn readme(&self) -> Result<Vec<u8>> {
        Ok(match self {
            Self::Folder(folder) => folder.stored(README)?,
            Self::File(file) => file.stored(README)?,
        })
    }

    /// The content of a manifest.
    pub(super) fn text(&self, path: &str) -> Result<Vec<u8>> {
        match self {
            Self::Folder(folder) => folder.text(path),
            Self::File(file) => file.text(path),
        }
    }

    /// All objects, with the sizes of their content in bytes; `None` for a file whose size no content has.
    pub(super) fn objects(&self) -> Result<BTreeMap<ObjectName, Option<u64>>> {
        match self {
            Self::Folder(folder) => folder.objects(),
            Self::File(file) => Ok(file.objects()),
        }
    }

    /// Writes the content of an object to `sink`.
    pub(super) fn read(&self, name: &ObjectName, sink: &mut dyn Write) -> Result<()> {
        match self {
            Self::Folder(folder) => folder.read(name, sink),
            Self::File(file) => file.read(name, sink),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn folders_and_files_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let with_dot = dir.path().join("my.backups");
        std::fs::create_dir(&with_dot).unwrap();
        std::fs::write(dir.path().join("plain"), "x").unwrap();
        let is_folder = |path: &Path| matches!(Place::of(path), Place::Folder(_));
        assert!(is_folder(&with_dot));
        assert!(is_folder(&dir.path().join("new")));
        assert!(is_folder(Path::new("/x/new.tar/")));
        assert!(!is_folder(&dir.path().join("new.tar")));
        assert!(!is_folder(&dir.path().join("plain")));
    }
}
