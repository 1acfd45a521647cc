//! A folder with backups.
//!
//! New objects are written under `writing-<id>/`, synced, and then renamed, so an object under its final name is
//! complete, whatever happens. The manifest comes last: a backup without one does not exist, and its objects are used by
//! the next.
//!
//! A folder holds either encrypted backups, all with one key, or backups that are not encrypted.

use super::damage::Damage;
use super::key_file::{self, KeyFile, find_key};
use super::layout::{KEY_FILES, Kind, ObjectName, README, SNAPSHOTS, readme_text};
use super::passphrase::PassphraseFile;
use super::sealing::{ContentKey, ContentWriter};
use crate::data_folder::make_private;
use crate::library::sync_folder;
use anyhow::{Context, Result, bail};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// Beginning of the names of folders with objects in progress.
const WRITING: &str = "writing-";
/// The file that a process locks while it writes.
const LOCK: &str = ".lock";

/// A folder with backups, for reading.
#[derive(Debug)]
pub(super) struct FolderBackup {
    root: PathBuf,
    key: ContentKey,
    key_damage: Vec<Damage>,
}

impl FolderBackup {
    pub(super) fn open(root: &Path, passphrase: &PassphraseFile) -> Result<Self> {
        let mut folder = Self::with_key(root, ContentKey::none())?;
        let newest = folder.manifests()?.pop();
        if let Some(found) = find_key(root, &|path| folder.stored(path), newest.as_deref(), passphrase)? {
            (folder.key, folder.key_damage) = (found.key, found.damage);
        }
        Ok(folder)
    }

    /// Opens a folder whose key is known.
    pub(super) fn with_key(root: &Path, key: ContentKey) -> Result<Self> {
        if !root.join(SNAPSHOTS).is_dir() {
            bail!("{} holds no backup of MeetMemo", root.display());
        }
        Ok(Self { root: root.to_owned(), key, key_damage: Vec::new() })
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.key.encrypts()
    }

    pub(super) fn key_damage(&self) -> &[Damage] {
        &self.key_damage
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Paths of the manifests, oldest first.
    pub(super) fn manifests(&self) -> Result<Vec<String>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(self.root.join(SNAPSHOTS)).with_context(|| self.unreadable(SNAPSHOTS))? {
            let name = entry?.file_name();
            if let Some(name) = name.to_str().filter(|name| name.ends_with(".jsonl")) {
                found.push(format!("{SNAPSHOTS}/{name}"));
            }
        }
        found.sort();
        Ok(found)
    }

    pub(super) fn text(&self, path: &str) -> Result<Vec<u8>> {
        let stored = self.stored(path).with_context(|| self.unreadable(path))?;
        self.key.open_text(&stored, path)
    }

    /// A small file as it is in the folder.
    pub(super) fn stored(&self, path: &str) -> io::Result<Vec<u8>> {
        if KEY_FILES.contains(&path) {
            // A file that is not ours may have this name and any size.
            let mut text = Vec::new();
            File::open(self.root.join(path))?.take(key_file::MAX_BYTES).read_to_end(&mut text)?;
            return Ok(text);
        }
        fs::read(self.root.join(path))
    }

    fn unreadable(&self, path: &str) -> String {
        format!("{} cannot be read", self.root.join(path).display())
    }

    /// All objects; see `Backup::objects`.
    pub(super) fn objects(&self) -> Result<BTreeMap<ObjectName, Option<u64>>> {
        let mut objects = BTreeMap::new();
        for kind in Kind::ALL {
            let folder = self.root.join(kind.folder());
            for file in walkdir::WalkDir::new(&folder).min_depth(2).max_depth(2) {
                let file = match file {
                    Err(error) if error.io_error().is_some_and(|e| e.kind() == ErrorKind::NotFound) => {
                        continue;
                    }
                    file => file.with_context(|| self.unreadable(kind.folder()))?,
                };
                let path = file.path().strip_prefix(&self.root).ok().and_then(Path::to_str);
                if let Some(name) = path.and_then(ObjectName::parse) {
                    objects.insert(name, self.key.content_bytes(file.metadata()?.len()));
                }
            }
        }
        Ok(objects)
    }

    pub(super) fn read(&self, name: &ObjectName, sink: &mut dyn Write) -> Result<()> {
        let mut file = File::open(self.path_of(name))?;
        self.key.open(&mut file, &name.path(), sink)
    }

    /// Tells the system to read an object from the disk the next time, not from memory.
    pub(super) fn forget_cached(&self, name: &ObjectName) {
        if let Ok(file) = File::open(self.path_of(name)) {
            // Without this the check reads what is in memory; it is no error where the system cannot do it.
            let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed);
        }
    }

    fn path_of(&self, name: &ObjectName) -> PathBuf {
        self.root.join(name.path())
    }

    /// Removes a manifest or an object.
    pub(super) fn remove(&self, path: &str) -> Result<()> {
        fs::remove_file(self.root.join(path)).with_context(|| format!("{path} could not be removed"))
    }
}

/// A folder to which a backup is being written. One process at a time.
#[derive(Debug)]
pub(super) struct FolderWriter {
    root: PathBuf,
    writing: PathBuf,
    key: ContentKey,
    /// Whether the folder got its key now.
    made_key: bool,
    /// Objects that are in the folder, or were written by this backup.
    present: BTreeSet<ObjectName>,
    /// Objects written by this backup.
    written: Vec<ObjectName>,
    _lock: File,
}

impl FolderWriter {
    /// Creates the folder if it is missing. The backup is encrypted if `passphrase` names a file.
    pub(super) fn begin(root: &Path, passphrase: &PassphraseFile) -> Result<Self> {
        let unusable = |error: io::Error| unusable(root, &error);
        let existed = root.exists();
        make_private(root).map_err(unusable)?;
        if existed && !root.join(SNAPSHOTS).exists() && has_other_files(root)? {
            bail!(
                "{} holds other files already. Choose an empty folder or a new one, such as {}",
                root.display(),
                root.join("MeetMemo backup").display()
            );
        }
        let Some(lock) = lock_for_writing(root).map_err(unusable)? else {
            bail!("another backup to {} is under way", root.display());
        };
        for entry in fs::read_dir(root).map_err(unusable)? {
            let entry = entry?;
            if entry.file_name().to_str().is_some_and(|name| name.starts_with(WRITING)) {
                fs::remove_dir_all(entry.path()).map_err(unusable)?;
            }
        }
        let writing = root.join(format!("{WRITING}{}", uuid::Uuid::new_v4().simple()));
        for folder in [&root.join(SNAPSHOTS), &writing] {
            make_private(folder).map_err(unusable)?;
        }
        let mut writer = Self {
            root: root.to_owned(),
            writing,
            key: ContentKey::none(),
            made_key: false,
            present: BTreeSet::new(),
            written: Vec::new(),
            _lock: lock,
        };
        let folder = FolderBackup::with_key(root, ContentKey::none())?;
        writer.present = folder.objects()?.into_keys().collect();
        writer.find_or_make_key(&folder, passphrase)?;
        Ok(writer)
    }

    /// Opens the key of the backups in the folder, and writes a copy of it that is damaged again. A folder without
    /// backups gets a new key.
    fn find_or_make_key(&mut self, folder: &FolderBackup, passphrase: &PassphraseFile) -> Result<()> {
        let manifests = folder.manifests()?;
        let text = if self.present.is_empty() && manifests.is_empty() {
            let Some(passphrase) = passphrase.read()? else {
                // Of an encrypted backup that was never completed.
                for path in KEY_FILES.map(|path| self.root.join(path)) {
                    match fs::remove_file(&path) {
                        Err(error) if error.kind() != ErrorKind::NotFound => {
                            return Err(unusable(&self.root, &error));
                        }
                        _ => {}
                    }
                }
                return Ok(());
            };
            let (file, key) = KeyFile::create(&passphrase)?;
            (self.key, self.made_key) = (key, true);
            file.to_text()?
        } else {
            let newest = manifests.last().map(String::as_str);
            match find_key(&self.root, &|path| folder.stored(path), newest, passphrase)? {
                Some(found) => {
                    self.key = found.key;
                    found.text
                }
                None if passphrase.is_named() => bail!(
                    "the backups in {} are not encrypted, and an encrypted one cannot be added to them. Choose another folder, or leave out --passphrase-file and the setting backup_passphrase_file",
                    self.root.display()
                ),
                None => return Ok(()),
            }
        };
        // The copy first: a key that is there once is enough.
        KEY_FILES.iter().rev().try_for_each(|path| self.write_small(path, &text))
    }

    pub(super) fn key(&self) -> &ContentKey {
        &self.key
    }

    pub(super) fn made_key(&self) -> bool {
        self.made_key
    }

    pub(super) fn has(&self, name: &ObjectName) -> bool {
        self.present.contains(name)
    }

    /// A new file for an object whose hash is not known yet.
    pub(super) fn draft(&self) -> io::Result<(PathBuf, ContentWriter<File>)> {
        let (path, file) = self.new_file()?;
        Ok((path, self.key.writer(file)?))
    }

    fn new_file(&self) -> io::Result<(PathBuf, File)> {
        let path = self.writing.join(uuid::Uuid::new_v4().simple().to_string());
        let file = File::create_new(&path)?;
        Ok((path, file))
    }

    /// Names a draft. Nothing is renamed to its final place before `finish`.
    pub(super) fn name_draft(&mut self, draft: &Path, name: ObjectName) -> io::Result<()> {
        if self.present.insert(name.clone()) {
            fs::rename(draft, self.writing.join(format!("{}-{}", name.kind.folder(), name.hash)))?;
            self.written.push(name);
        } else {
            fs::remove_file(draft)?;
        }
        Ok(())
    }

    /// Makes everything permanent: syncs the objects, moves them to their places, then writes the manifest. Returns the
    /// objects that are new.
    pub(super) fn finish(self, manifest_path: &str, manifest: &[u8]) -> Result<Vec<ObjectName>> {
        sync_file_system(&self.writing)?;
        let mut folders = BTreeSet::new();
        for name in &self.written {
            let path = self.root.join(name.path());
            if let Some(folder) = path.parent()
                && folders.insert(folder.to_owned())
            {
                make_private(folder)?;
            }
            fs::rename(self.writing.join(format!("{}-{}", name.kind.folder(), name.hash)), &path)?;
        }
        if !self.written.is_empty() {
            sync_file_system(&self.writing)?;
        }
        self.write_small(README, readme_text(self.key.encrypts()).as_bytes())?;
        self.write_small(manifest_path, &self.key.stored_text(manifest, manifest_path)?)?;
        fs::remove_dir_all(&self.writing)?;
        Ok(self.written.clone())
    }

    fn write_small(&self, path: &str, content: &[u8]) -> Result<()> {
        let path = self.root.join(path);
        if fs::read(&path).is_ok_and(|present| present == content) {
            return Ok(());
        }
        let (draft, mut file) = self.new_file()?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(draft, &path)?;
        sync_folder(path.parent().unwrap_or(&self.root))
    }
}

impl Drop for FolderWriter {
    fn drop(&mut self) {
        // What is left after a failure; the next backup tries again.
        let _ = fs::remove_dir_all(&self.writing);
    }
}

/// Writes everything that this process wrote on the file system of `folder` to the disk. One call for thousands of
/// files is much faster than one for each.
fn sync_file_system(folder: &Path) -> Result<()> {
    let folder = File::open(folder)?;
    rustix::fs::syncfs(&folder).context("the backup could not be written to disk")
}

/// The error for a place that cannot be written to.
pub(super) fn unusable(place: &Path, error: &io::Error) -> anyhow::Error {
    let reason = error.to_string();
    let reason = reason.split(" (os error").next().unwrap_or_default();
    anyhow::anyhow!(
        "the backup {} cannot be written: {reason}. Choose another place, or allow writing to this one",
        place.display()
    )
}

/// The folder for backups when a user has chosen `chosen`: itself if it is empty or has backups, else a folder in it.
pub fn backup_folder_in(chosen: &Path) -> PathBuf {
    let in_it = chosen.join("MeetMemo backup");
    let is_usable = chosen.join(SNAPSHOTS).is_dir() || !has_other_files(chosen).unwrap_or(false);
    if is_usable { chosen.to_owned() } else { in_it }
}

/// Locks a backup folder for writing; `None` if another process has it.
pub(super) fn lock_for_writing(root: &Path) -> io::Result<Option<File>> {
    let lock = File::create(root.join(LOCK))?;
    match lock.try_lock() {
        Err(TryLockError::WouldBlock) => Ok(None),
        // A file system without locks: the names of objects keep two backups apart.
        Err(TryLockError::Error(error)) => {
            tracing::warn!(%error, "the backup folder cannot be locked");
            Ok(Some(lock))
        }
        Ok(()) => Ok(Some(lock)),
    }
}

fn has_other_files(root: &Path) -> Result<bool> {
    for entry in fs::read_dir(root)? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        if name != LOCK && name != README && !name.starts_with(WRITING) && name != "lost+found" {
            return Ok(true);
        }
    }
    Ok(false)
}
