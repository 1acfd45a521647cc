//! The models folder: what is installed, whether it is whole, what was stopped midway.
//!
//! | file | what |
//! |---|---|
//! | `<id>.gguf`, `<id>.bin` | a model |
//! | `<id>.json` | its sidecar: where the file is, its published hash, what it looked like when it was hashed |
//! | `<file>.part`, `<file>.part.json` | a download that is under way or was stopped; whoever downloads holds a lock on the first |
//! | `<…>.copy` | an import under way, locked by who copies; left-overs are swept by the next import |
//! | `pins.json` | sizes and hashes that the catalogue does not know, as they were at the first download |
//! | `.lock` | held for the moments in which files get or lose their final names, or are trimmed |
//!
//! A sidecar is written last, so a model that has one was whole. Our own copies of Whisper models are trimmed when they
//! have one (`folder/trim.rs`). The sidecar then has two hashes: the published one, which says which model it is, and
//! that of the file. A model file is deleted only at the user's request.

mod trim;

use crate::catalogue;
use crate::context::{self, Context, ENCODER_CONTEXT_S};
use crate::control::{Cancel, Meter, Progress, Stage};
use crate::disk::{self, read_small};
use crate::header::{self, Header, HeaderError};
use crate::identity::{ModelId, Sha256, Slug};
use crate::note::Note;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Why something about an installed model could not be done. Each is a clause that makes sense after the model's id
/// and a colon.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// There is none of this id.
    #[error("this model is not installed")]
    Unknown,
    /// It was installed, and is no longer what it was.
    #[error("{0}")]
    Damaged(String),
    /// A download of it is under way.
    #[error("it is being downloaded just now: cancel the download first")]
    Busy,
    /// It was stopped.
    #[error("it was cancelled")]
    Cancelled,
    /// No space for a few kilobytes.
    #[error("the disk of the models folder is full")]
    DiskFull(#[source] io::Error),
    /// The disk failed, or something may not be read or written.
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

/// Where a model came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Downloaded by the catalogue.
    Catalogue,
    /// A file of the user.
    Imported,
}

/// A model that is here.
#[derive(Debug, Clone, PartialEq)]
pub struct Installed {
    /// What it is called.
    pub id: ModelId,
    /// Its file, absolute if the folder is.
    pub file: PathBuf,
    /// Whether the file is the user's own, somewhere else, and only pointed at.
    pub linked: bool,
    /// Its size when it was hashed.
    pub byte_size: u64,
    /// Of its whole content as it was published: this says which model it is.
    pub sha256: Sha256,
    /// Of the bytes that are there. It differs from `sha256` if the file was trimmed ([`Folder::trim`]).
    pub file_sha256: Sha256,
    /// How many seconds of sound it encodes at once. None if its file does not say; only those of Whisper do. Also none
    /// if it was installed before sidecars had this field and [`Folder::trim`] has not been called since.
    pub context_s: Option<u32>,
    /// `general.architecture`.
    pub architecture: String,
    /// `stt.variant`.
    pub variant: Option<String>,
    /// The model of the catalogue it is, if that was known when it was installed.
    pub slug: Option<Slug>,
    /// Where it came from.
    pub source: Source,
    /// When.
    pub added_at: DateTime<Utc>,
    /// What the app found out about it with the engine, in the app's own form.
    pub facts: Option<serde_json::Value>,
    /// When the file was written last, in nanoseconds since 1970, as it was when it was hashed.
    pub(crate) modified_ns: Option<u64>,
}

impl Installed {
    /// Whether its sidecar says that it is trimmed. The bytes may not be written yet.
    fn is_trimmed(&self) -> bool {
        !self.linked && self.file_sha256 != self.sha256 && self.context_s == Some(ENCODER_CONTEXT_S)
    }

    /// What tells one content of a model, in one place, from another.
    fn content(&self) -> (Sha256, Sha256, &Path) {
        (self.sha256, self.file_sha256, &self.file)
    }
}

/// A model of the folder, or what is left of one.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// Whole as far as its size tells; [`Folder::current`] knows more.
    Ok(Box<Installed>),
    /// It cannot be used.
    Damaged {
        /// What it was called.
        id: ModelId,
        /// One or two sentences about what is wrong and what would help.
        why: String,
    },
}

/// A download that is under way or was stopped.
#[derive(Debug, Clone, PartialEq)]
pub struct Partial {
    /// What the model will be called.
    pub id: ModelId,
    /// The name the file will have.
    pub file_name: String,
    /// Bytes that are there.
    pub done_bytes: u64,
    /// Of how many, if that is known.
    pub total_bytes: Option<u64>,
    /// Whether some process is downloading it now.
    pub running: bool,
}

/// The sidecar as it is written.
#[derive(Serialize, Deserialize)]
struct Sidecar {
    id: ModelId,
    /// The name of a file in the folder, or the path of a linked one.
    file: String,
    linked: bool,
    byte_size: u64,
    /// As published.
    sha256: Sha256,
    /// Of the bytes that are there, if that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file_sha256: Option<Sha256>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    context_s: Option<u32>,
    architecture: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    variant: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    slug: Option<Slug>,
    source: Source,
    added_at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    modified_ns: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    facts: Option<serde_json::Value>,
}

/// What is known of a file since it was first downloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pin {
    pub(crate) byte_size: u64,
    pub(crate) sha256: Sha256,
}

/// The models folder of a data folder. It is made when something is first put in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    path: PathBuf,
}

/// The right to give and take final names in the folder.
pub(crate) struct Held {
    _lock: File,
}

impl Folder {
    /// The folder at this path, whether it exists or not.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All models, by id; those that cannot be used with the reason. Files are looked at, not read.
    ///
    /// # Errors
    /// If the folder exists and cannot be read.
    pub fn installed(&self) -> Result<Vec<Entry>, FolderError> {
        // Not between the name and the sidecar of a model that is just being put in; from a disk that cannot be
        // written to it is read all the same.
        let _held = self.path.is_dir().then(|| self.hold().ok());
        let mut ids = BTreeSet::new();
        for name in self.names()? {
            let model = catalogue::stem(&name);
            let sidecar = name.strip_suffix(".json").filter(|_| name != PINS && !name.ends_with(NOTE_ENDING));
            if let Some(id) = model.or(sidecar).and_then(|stem| stem.parse::<ModelId>().ok()) {
                ids.insert(id);
            }
        }
        Ok(ids.iter().filter_map(|id| self.entry(id)).collect())
    }

    /// One model; none if there is nothing of it.
    #[must_use]
    pub fn entry(&self, id: &ModelId) -> Option<Entry> {
        match self.read_sidecar(id) {
            Ok(installed) => Some(match look_at(&installed) {
                Ok(_) => Entry::Ok(Box::new(installed)),
                Err(why) => Entry::Damaged { id: id.clone(), why },
            }),
            Err(SidecarError::None) => {
                let file = self.possible_files(id).into_iter().find(|file| file.is_file())?;
                let why = if self.has_note(file_name(&file)) {
                    "Its download was stopped in the last moment. Download it once more; what is there is used."
                } else {
                    "It was put into the folder by hand. Import it, and it can be used where it is."
                };
                Some(Entry::Damaged { id: id.clone(), why: why.to_owned() })
            }
            Err(SidecarError::Unreadable) => Some(Entry::Damaged {
                id: id.clone(),
                why: "The note about it cannot be read. Remove it and install it again.".to_owned(),
            }),
        }
    }

    /// A model that is certainly the one that was installed: if its file looks different from when it was hashed, it
    /// is hashed again, and what it looks like now is kept if its content is still the same.
    ///
    /// # Errors
    /// If it is not installed, gone, changed or cannot be read.
    pub fn current(&self, id: &ModelId) -> Result<Installed, FolderError> {
        let installed = self.sidecar(id)?;
        let found = look_at(&installed).map_err(FolderError::Damaged)?;
        if modified_ns(&found).is_some() && modified_ns(&found) == installed.modified_ns {
            return Ok(installed);
        }
        self.verify(id, &mut |_| {}, &Cancel::new())
    }

    /// Reads a model's whole file and compares it with what was installed. Completes trimming that was stopped midway.
    ///
    /// # Errors
    /// If it is not installed, gone, changed or cannot be read.
    pub fn verify(
        &self,
        id: &ModelId,
        on_progress: &mut dyn FnMut(&Progress),
        cancel: &Cancel,
    ) -> Result<Installed, FolderError> {
        let mut meter = Meter::new(on_progress, Stage::Checking);
        for _ in 0..trim::ATTEMPTS {
            let installed = self.sidecar(id)?;
            match self.verify_once(&installed, &mut meter, cancel) {
                Ok(Some(verified)) => return Ok(verified),
                Ok(None) => {}
                // Another process may have trimmed or replaced it while it was read.
                Err(FolderError::Damaged(_)) if !self.is_still(&installed) => {}
                Err(error) => return Err(error),
            }
        }
        Err(FolderError::Io(io::ErrorKind::ResourceBusy.into()))
    }

    /// None if another process changed the model meanwhile.
    fn verify_once(
        &self,
        installed: &Installed,
        meter: &mut Meter<'_>,
        cancel: &Cancel,
    ) -> Result<Option<Installed>, FolderError> {
        let found = look_at(installed).map_err(FolderError::Damaged)?;
        let context = trimmed_context(installed)?;
        meter.begin(Stage::Checking, 0, Some(found.len()), None);
        let patch = context.map(|context| context.patch(ENCODER_CONTEXT_S)).unwrap_or_default();
        let file = File::open(&installed.file)?;
        let (length, [sha256]) =
            context::hash_forms(file, [&patch], meter, cancel)?.ok_or(FolderError::Cancelled)?;
        if length != installed.byte_size || sha256 != installed.file_sha256 {
            return Err(FolderError::Damaged(changed(installed)));
        }
        if let Some(context) = context.filter(|context| !context.says(ENCODER_CONTEXT_S)) {
            return self.complete(installed, &context, &found);
        }
        let mut installed = installed.clone();
        if installed.modified_ns != modified_ns(&found) {
            installed.modified_ns = modified_ns(&found);
            // Where nothing can be written it is only hashed again the next time.
            if let Ok(held) = self.hold() {
                // It may have been removed, trimmed, or facts set, while it was read.
                let mut now = self.sidecar(&installed.id)?;
                if now.content() != installed.content() {
                    return Ok(None);
                }
                now.modified_ns = installed.modified_ns;
                if let Err(error) = self.register(&held, &now) {
                    tracing::debug!(%error, "time of a model's file not kept");
                }
                return Ok(Some(now));
            }
        }
        Ok(Some(installed))
    }

    /// Whether the sidecar is about the same content as it was.
    fn is_still(&self, installed: &Installed) -> bool {
        self.sidecar(&installed.id).is_ok_and(|now| now.content() == installed.content())
    }

    /// Keeps what the app found out about a model.
    ///
    /// # Errors
    /// If it is not installed, or the note cannot be written.
    pub fn set_facts(&self, id: &ModelId, facts: serde_json::Value) -> Result<Installed, FolderError> {
        self.sidecar(id)?;
        let held = self.hold()?;
        let mut installed = self.sidecar(id)?;
        installed.facts = Some(facts);
        self.register(&held, &installed)?;
        Ok(installed)
    }

    /// Removes a model and what was stopped midway of it. A linked file stays where it is.
    ///
    /// # Errors
    /// If there is nothing of it, or it is being downloaded.
    pub fn remove(&self, id: &ModelId) -> Result<(), FolderError> {
        if !self.path.is_dir() {
            return Err(FolderError::Unknown);
        }
        let _held = self.hold()?;
        let mut found = false;
        let mut partials = Vec::new();
        for file in self.possible_files(id) {
            let part = self.path.join(format!("{}{PART_ENDING}", file_name(&file)));
            if let Ok(part_file) = File::open(&part) {
                if part_file.try_lock().is_err() {
                    return Err(FolderError::Busy);
                }
                // The lock goes with the file, after it is gone.
                partials.push((part, Some(part_file)));
            }
            partials.push((self.path.join(format!("{}{NOTE_ENDING}", file_name(&file))), None));
        }
        let copies = match self.read_sidecar(id) {
            Ok(installed) if installed.linked => Vec::new(),
            Ok(installed) => vec![installed.file],
            // Somebody pointed at it and said so.
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

    /// Downloads that are under way or were stopped, by id.
    ///
    /// # Errors
    /// If the folder exists and cannot be read.
    pub fn partials(&self) -> Result<Vec<Partial>, FolderError> {
        let names = self.names()?;
        if names.is_empty() {
            return Ok(Vec::new());
        }
        // Nobody looks for a lock while we try it.
        let _held = self.hold().ok();
        let mut partials = BTreeMap::new();
        for name in names.iter().filter_map(|name| name.strip_suffix(PART_ENDING)) {
            let Some(id) = catalogue::stem(name).and_then(|stem| stem.parse::<ModelId>().ok()) else {
                continue;
            };
            let Ok(file) = File::open(self.path.join(format!("{name}{PART_ENDING}"))) else { continue };
            let Ok(found) = file.metadata() else { continue };
            let note = Note::read(&self.path.join(format!("{name}{NOTE_ENDING}")));
            let partial = Partial {
                id: id.clone(),
                file_name: name.to_owned(),
                done_bytes: found.len(),
                total_bytes: note.and_then(|note| note.byte_size),
                running: file.try_lock_shared().is_err(),
            };
            partials.insert(id, partial);
        }
        Ok(partials.into_values().collect())
    }

    /// Makes the folder if need be and waits for the right to change names in it.
    pub(crate) fn hold(&self) -> io::Result<Held> {
        fs::create_dir_all(&self.path)?;
        let lock = File::options().create(true).truncate(false).write(true).open(self.path.join(".lock"))?;
        lock.lock()?;
        Ok(Held { _lock: lock })
    }

    /// Writes the sidecar: from now on the model is installed.
    pub(crate) fn register(&self, _held: &Held, installed: &Installed) -> io::Result<()> {
        let file = if installed.linked {
            installed.file.to_str().map(str::to_owned)
        } else {
            installed.file.file_name().and_then(|name| name.to_str()).map(str::to_owned)
        };
        let sidecar = Sidecar {
            id: installed.id.clone(),
            file: file.ok_or(io::ErrorKind::InvalidFilename)?,
            linked: installed.linked,
            byte_size: installed.byte_size,
            sha256: installed.sha256,
            file_sha256: Some(installed.file_sha256).filter(|sha256| *sha256 != installed.sha256),
            context_s: installed.context_s,
            architecture: installed.architecture.clone(),
            variant: installed.variant.clone(),
            slug: installed.slug.clone(),
            source: installed.source,
            added_at: installed.added_at,
            modified_ns: installed.modified_ns,
            facts: installed.facts.clone(),
        };
        let text = serde_json::to_vec_pretty(&sidecar).expect("texts and numbers can be written");
        disk::write_whole(&self.sidecar_path(&installed.id), &text)
    }

    /// What is written about a model, whether or not its file is still there.
    pub(crate) fn sidecar(&self, id: &ModelId) -> Result<Installed, FolderError> {
        self.read_sidecar(id).map_err(|_| match self.entry(id) {
            Some(Entry::Damaged { why, .. }) => FolderError::Damaged(why),
            _ => FolderError::Unknown,
        })
    }

    /// Whether anything is written about a model. A file without that is not ours.
    pub(crate) fn has_sidecar(&self, id: &ModelId) -> bool {
        self.sidecar_path(id).exists()
    }

    /// Size and hash of a file as they were at its first download.
    pub(crate) fn pin(&self, file_name: &str) -> Option<Pin> {
        self.pins().get(file_name).copied()
    }

    /// Keeps size and hash of a file for later downloads.
    pub(crate) fn set_pin(&self, _held: &Held, file_name: &str, pin: Pin) -> io::Result<()> {
        let mut pins = self.pins();
        pins.insert(file_name.to_owned(), pin);
        let text = serde_json::to_vec_pretty(&pins).expect("texts and numbers can be written");
        disk::write_whole(&self.path.join(PINS), &text)
    }

    fn pins(&self) -> BTreeMap<String, Pin> {
        let text = read_small(&self.path.join(PINS)).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// The names in the folder that are Unicode; none if there is no folder.
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

    /// Whether a download of this file is noted.
    pub(crate) fn has_note(&self, file_name: &str) -> bool {
        self.path.join(format!("{file_name}{NOTE_ENDING}")).exists()
    }

    fn sidecar_path(&self, id: &ModelId) -> PathBuf {
        self.path.join(format!("{id}.json"))
    }

    fn possible_files(&self, id: &ModelId) -> Vec<PathBuf> {
        ["gguf", "bin"].iter().map(|extension| self.path.join(format!("{id}.{extension}"))).collect()
    }

    fn read_sidecar(&self, id: &ModelId) -> Result<Installed, SidecarError> {
        let text = match read_small(&self.sidecar_path(id)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(SidecarError::None),
            Err(_) => return Err(SidecarError::Unreadable),
        };
        let sidecar: Sidecar = serde_json::from_slice(&text).map_err(|_| SidecarError::Unreadable)?;
        let named = Path::new(&sidecar.file);
        let fits = if sidecar.linked {
            named.is_absolute()
        } else {
            // Nothing outside the folder is ever taken, or removed, for a copy of ours.
            catalogue::stem(&sidecar.file) == Some(id.as_str())
        };
        if sidecar.id != *id || !fits {
            return Err(SidecarError::Unreadable);
        }
        Ok(Installed {
            id: sidecar.id,
            file: self.path.join(named),
            linked: sidecar.linked,
            byte_size: sidecar.byte_size,
            sha256: sidecar.sha256,
            file_sha256: sidecar.file_sha256.unwrap_or(sidecar.sha256),
            context_s: sidecar.context_s,
            architecture: sidecar.architecture,
            variant: sidecar.variant,
            slug: sidecar.slug,
            source: sidecar.source,
            added_at: sidecar.added_at,
            facts: sidecar.facts,
            modified_ns: sidecar.modified_ns,
        })
    }
}

/// What a download has behind the name of its file.
pub(crate) const PART_ENDING: &str = ".part";
/// What the note about a download has behind the name of its file.
pub(crate) const NOTE_ENDING: &str = ".part.json";
const PINS: &str = "pins.json";

enum SidecarError {
    None,
    Unreadable,
}

fn file_name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).expect("paths of the folder end with an id and an ending")
}

/// The file of a model, if it is there and of the right size; otherwise a sentence.
fn look_at(installed: &Installed) -> Result<Metadata, String> {
    match fs::metadata(&installed.file) {
        Ok(found) if found.is_file() && found.len() == installed.byte_size => Ok(found),
        Ok(_) => Err(changed(installed)),
        Err(error) if error.kind() == io::ErrorKind::NotFound && installed.linked => Err(format!(
            "Its file is no longer at {}. Put it back, or remove the model and import it again.",
            installed.file.display()
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err("Its file is gone from the models folder. Remove it and install it again.".to_owned())
        }
        Err(error) => Err(format!("Its file cannot be used: {}.", header::io_clause(&error))),
    }
}

fn changed(installed: &Installed) -> String {
    let file = if installed.linked { installed.file.display().to_string() } else { "Its file".to_owned() };
    format!("{file} has another content than when it was installed. Remove the model and install it again.")
}

/// The numbers in the file of a model that was trimmed; none for another one.
fn trimmed_context(installed: &Installed) -> Result<Option<Context>, FolderError> {
    if !installed.is_trimmed() {
        return Ok(None);
    }
    match header::read(&installed.file) {
        Ok(Header { context: Some(context), .. }) => Ok(Some(context)),
        Err(HeaderError::Io(error)) => Err(error.into()),
        _ => Err(FolderError::Damaged(changed(installed))),
    }
}

/// When a file was written last.
pub(crate) fn modified_ns(found: &Metadata) -> Option<u64> {
    let since = found.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    u64::try_from(since.as_nanos()).ok()
}
