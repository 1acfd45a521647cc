//! The models folder: installed models and partial downloads.
//!
//! | file | content |
//! |---|---|
//! | `<id>.gguf`, `<id>.bin` | a model |
//! | `<id>.json` | its sidecar: where the file is, its hashes, its size and modification time when it was hashed |
//! | `<file>.part` | a partial download, locked by the process that downloads it |
//! | `<file>.part.json` | where those bytes came from ([`ResumeInfo`]) |
//! | `<…>.copy` | an unfinished import, locked by the process that copies; the next import removes left-overs |
//! | `pins.json` | sizes and hashes that the catalogue lacks, as found at the first download |
//! | `.lock` | locked for the moments in which files get or lose their final names, or are trimmed |
//!
//! The sidecar is written last, so a model with a sidecar was whole. If the size or modification time of a file differs
//! from its sidecar, the file is hashed again before it is used (`verify.rs`). Our own copies of Whisper models are
//! trimmed (`trim.rs`). Their sidecar has two hashes: the published one, which identifies the model, and that of the
//! file. A model file is deleted only at the user's request.

mod sidecar;
mod trim;
mod verify;

use crate::catalogue;
use crate::disk::{self, read_small};
use crate::identity::{ModelId, Sha256};
use crate::resume_info::ResumeInfo;
use serde::{Deserialize, Serialize};
use sidecar::SidecarError;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;
use verify::check_size;

pub use sidecar::{Installed, Source};

/// Why an operation on an installed model failed. Each text is a clause to follow the model's id and a colon.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// No model has this id.
    #[error("this model is not installed")]
    Unknown,
    /// The file is missing or has changed since it was installed, or the sidecar is unreadable. Holds sentences that
    /// say what is wrong and what to do.
    #[error("{0}")]
    Damaged(String),
    /// The model is being downloaded.
    #[error("it is being downloaded: cancel the download first")]
    Busy,
    /// The operation was cancelled.
    #[error("it was cancelled")]
    Cancelled,
    /// The disk is full.
    #[error("the disk of the models folder is full")]
    DiskFull(#[source] io::Error),
    /// Another error of the disk or the file system.
    #[error("the models folder could not be read or written: {}", io_clause(.0))]
    Io(#[source] io::Error),
}

impl From<io::Error> for FolderError {
    fn from(error: io::Error) -> Self {
        if disk::is_full(&error) { Self::DiskFull(error) } else { Self::Io(error) }
    }
}

pub(crate) fn io_clause(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "permission denied",
        io::ErrorKind::ReadOnlyFilesystem => "the disk is read-only",
        io::ErrorKind::NotFound => "it was removed meanwhile",
        io::ErrorKind::ResourceBusy => "another program is changing it",
        _ => "the disk reported an error",
    }
}

/// A model in the folder, usable or not.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// Its file exists and has the right size. [`Folder::current`] also checks the content.
    Ok(Box<Installed>),
    /// It cannot be used.
    Damaged {
        /// Its id.
        id: ModelId,
        /// One or two sentences: what is wrong and what to do.
        why: String,
    },
}

/// A download that is running or was interrupted.
#[derive(Debug, Clone, PartialEq)]
pub struct PartialDownload {
    /// The id that the model will have.
    pub id: ModelId,
    /// The name that its file will have.
    pub file_name: String,
    /// Bytes downloaded so far.
    pub done_bytes: u64,
    /// Bytes of the whole file, if known.
    pub total_bytes: Option<u64>,
    /// Whether a process is downloading it now.
    pub running: bool,
}

/// Size and hash of a file that the catalogue does not know, as found at its first download.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pin {
    pub(crate) byte_size: u64,
    pub(crate) sha256: Sha256,
}

/// The models folder of a data folder. The directory is created when the first file is put into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    path: PathBuf,
}

/// Holds the folder's lock (`.lock`), which is needed to give or take final names; released on drop.
pub(crate) struct FolderLock {
    _lock: File,
}

impl Folder {
    /// The folder at this path, which need not exist.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The path of the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All models, sorted by id; unusable ones with the reason. Model files are not read.
    ///
    /// # Errors
    /// If the folder exists and cannot be read.
    pub fn installed(&self) -> Result<Vec<Entry>, FolderError> {
        // With the lock, no model is seen between its rename and its sidecar. On a read-only disk there is no lock.
        let _lock = self.path.is_dir().then(|| self.lock().ok());
        let mut ids = BTreeSet::new();
        for name in self.names()? {
            let model = catalogue::stem(&name);
            let sidecar =
                name.strip_suffix(".json").filter(|_| name != PINS && !name.ends_with(RESUME_INFO_SUFFIX));
            if let Some(id) = model.or(sidecar).and_then(|stem| stem.parse::<ModelId>().ok()) {
                ids.insert(id);
            }
        }
        Ok(ids.iter().filter_map(|id| self.entry(id)).collect())
    }

    /// One model; `None` if it has neither a file nor a sidecar.
    #[must_use]
    pub fn entry(&self, id: &ModelId) -> Option<Entry> {
        match self.read_sidecar(id) {
            Ok(installed) => Some(match check_size(&installed) {
                Ok(_) => Entry::Ok(Box::new(installed)),
                Err(why) => Entry::Damaged { id: id.clone(), why },
            }),
            Err(SidecarError::None) => {
                let file = self.possible_files(id).into_iter().find(|file| file.is_file())?;
                let why = if self.has_resume_info(file_name(&file)) {
                    "Its download was interrupted just before the end. Download it again: it continues with the \
                     bytes that are there."
                } else {
                    "It was put into the folder by hand. Import it to use it where it is."
                };
                Some(Entry::Damaged { id: id.clone(), why: why.to_owned() })
            }
            Err(SidecarError::Unreadable) => Some(Entry::Damaged {
                id: id.clone(),
                why: "The file that describes it cannot be read. Remove the model and install it again."
                    .to_owned(),
            }),
        }
    }

    /// Stores what the app learned from the engine about a model in the model's sidecar.
    ///
    /// # Errors
    /// If the model is not installed, or the sidecar cannot be written.
    pub fn set_facts(&self, id: &ModelId, facts: serde_json::Value) -> Result<Installed, FolderError> {
        self.sidecar(id)?;
        let lock = self.lock()?;
        let mut installed = self.sidecar(id)?;
        installed.facts = Some(facts);
        self.register(&lock, &installed)?;
        Ok(installed)
    }

    /// Removes a model and its partial download. A linked file stays.
    ///
    /// # Errors
    /// If there is nothing to remove, or the model is being downloaded.
    pub fn remove(&self, id: &ModelId) -> Result<(), FolderError> {
        if !self.path.is_dir() {
            return Err(FolderError::Unknown);
        }
        let _lock = self.lock()?;
        let mut found = false;
        let mut partials = Vec::new();
        for file in self.possible_files(id) {
            let part = self.path.join(format!("{}{PARTIAL_SUFFIX}", file_name(&file)));
            if let Ok(part_file) = File::open(&part) {
                if part_file.try_lock().is_err() {
                    return Err(FolderError::Busy);
                }
                // Kept open, so that the lock is held until the file is removed.
                partials.push((part, Some(part_file)));
            }
            partials.push((self.path.join(format!("{}{RESUME_INFO_SUFFIX}", file_name(&file))), None));
        }
        let copies = match self.read_sidecar(id) {
            Ok(installed) if installed.linked => Vec::new(),
            Ok(installed) => vec![installed.file],
            // Without a readable sidecar, any file with this id counts as ours: the user asked to remove it.
            Err(_) => self.possible_files(id),
        };
        for path in [self.sidecar_path(id)].iter().chain(&copies).chain(partials.iter().map(|(path, _)| path))
        {
            match fs::remove_file(path) {
                Ok(()) => found = true,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        disk::sync_folder(&self.path)?;
        if found { Ok(()) } else { Err(FolderError::Unknown) }
    }

    /// Running and interrupted downloads, sorted by id.
    ///
    /// # Errors
    /// If the folder exists and cannot be read.
    pub fn partials(&self) -> Result<Vec<PartialDownload>, FolderError> {
        let names = self.names()?;
        if names.is_empty() {
            return Ok(Vec::new());
        }
        // A download that starts meanwhile must not take our test of the lock below for another download.
        let _lock = self.lock().ok();
        let mut partials = BTreeMap::new();
        for name in names.iter().filter_map(|name| name.strip_suffix(PARTIAL_SUFFIX)) {
            let Some(id) = catalogue::stem(name).and_then(|stem| stem.parse::<ModelId>().ok()) else {
                continue;
            };
            let Ok(file) = File::open(self.path.join(format!("{name}{PARTIAL_SUFFIX}"))) else { continue };
            let Ok(metadata) = file.metadata() else { continue };
            let resume_info = ResumeInfo::read(&self.path.join(format!("{name}{RESUME_INFO_SUFFIX}")));
            let partial = PartialDownload {
                id: id.clone(),
                file_name: name.to_owned(),
                done_bytes: metadata.len(),
                total_bytes: resume_info.and_then(|info| info.byte_size),
                running: file.try_lock_shared().is_err(),
            };
            partials.insert(id, partial);
        }
        Ok(partials.into_values().collect())
    }

    /// Creates the folder if needed and waits for its lock.
    pub(crate) fn lock(&self) -> io::Result<FolderLock> {
        fs::create_dir_all(&self.path)?;
        let lock = File::options().create(true).truncate(false).write(true).open(self.path.join(".lock"))?;
        lock.lock()?;
        Ok(FolderLock { _lock: lock })
    }

    /// The sidecar of a model, whether or not its file still exists.
    pub(crate) fn sidecar(&self, id: &ModelId) -> Result<Installed, FolderError> {
        self.read_sidecar(id).map_err(|_| match self.entry(id) {
            Some(Entry::Damaged { why, .. }) => FolderError::Damaged(why),
            _ => FolderError::Unknown,
        })
    }

    /// Whether a model has a sidecar. A model file without one is not ours.
    pub(crate) fn has_sidecar(&self, id: &ModelId) -> bool {
        self.sidecar_path(id).exists()
    }

    /// The pin of a file, if it has one.
    pub(crate) fn pin(&self, file_name: &str) -> Option<Pin> {
        self.pins().get(file_name).copied()
    }

    /// Stores the pin of a file, which later downloads must match.
    pub(crate) fn set_pin(&self, _lock: &FolderLock, file_name: &str, pin: Pin) -> io::Result<()> {
        let mut pins = self.pins();
        pins.insert(file_name.to_owned(), pin);
        let text = serde_json::to_vec_pretty(&pins).expect("texts and numbers can be written");
        disk::write_whole(&self.path.join(PINS), &text)
    }

    fn pins(&self) -> BTreeMap<String, Pin> {
        let text = read_small(&self.path.join(PINS)).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// The file names in the folder that are Unicode; empty if the folder does not exist.
    pub(crate) fn names(&self) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut names = Vec::new();
        for entry in entries {
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// Whether there is a `.part.json` for this file.
    pub(crate) fn has_resume_info(&self, file_name: &str) -> bool {
        self.path.join(format!("{file_name}{RESUME_INFO_SUFFIX}")).exists()
    }

    fn sidecar_path(&self, id: &ModelId) -> PathBuf {
        self.path.join(format!("{id}.json"))
    }

    fn possible_files(&self, id: &ModelId) -> Vec<PathBuf> {
        ["gguf", "bin"].iter().map(|extension| self.path.join(format!("{id}.{extension}"))).collect()
    }
}

/// Suffix of a partial download.
pub(crate) const PARTIAL_SUFFIX: &str = ".part";
/// Suffix of the [`ResumeInfo`] of a partial download.
pub(crate) const RESUME_INFO_SUFFIX: &str = ".part.json";
const PINS: &str = "pins.json";

fn file_name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).expect("paths of the folder end with an id and an ending")
}

/// The modification time in nanoseconds since 1970; `None` if the system does not give it.
pub(crate) fn modified_ns(metadata: &Metadata) -> Option<u64> {
    let since_epoch = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    u64::try_from(since_epoch.as_nanos()).ok()
}
