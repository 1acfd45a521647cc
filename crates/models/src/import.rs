//! Installs a file of the user as a model.
//!
//! A copy is written to a temporary name, hashed on the way, synced and then renamed. A linked file is only read. The
//! user's file is never changed. A file that is in the models folder already is used where it is and counts as a copy.
//! Copies are trimmed at the end ([`Folder::trim`]).

use crate::cancel::Cancel;
use crate::disk::{self, CHUNK};
use crate::encoder_context::{self, Hashes};
use crate::folder::{self, Folder, FolderError, Installed, Source};
use crate::header::{self, Header, HeaderError};
use crate::identity::{ModelId, Sha256};
use crate::progress::{Meter, Progress, Stage};
use chrono::Utc;
use sha2::Digest;
use std::cell::Cell;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Whether the file is copied or linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportMode {
    /// The file is copied into the models folder.
    Copy,
    /// The file is used where it is, and must stay there.
    Link,
}

/// Why a file was not imported. Each text is a clause to follow the file's name and a colon.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It is not a whole speech model.
    #[error(transparent)]
    NotAModel(#[from] HeaderError),
    /// No id can be made of its name.
    #[error("its name has no letter or digit: rename it first")]
    NoName,
    /// Its path is not Unicode, so a sidecar cannot name it.
    #[error(
        "its path has characters that are not valid Unicode: copy the file instead of linking it, or rename it"
    )]
    UnwritablePath,
    /// A model with other content has the same id.
    #[error("another model is installed as “{0}”: rename the file, or remove that model first")]
    OtherContent(ModelId),
    /// It changed while it was read.
    #[error("it changed while it was read: try again when no program writes to it")]
    Changed,
    /// The import was cancelled.
    #[error("the import was cancelled")]
    Cancelled,
    /// The disk has too little space for a copy.
    #[error(
        "there is not enough space for a copy: {} are needed, {} are free. Make space, or link it instead",
        header::size(*.needed), header::size(*.free)
    )]
    NoSpace {
        /// Bytes of the file.
        needed: u64,
        /// Bytes free on the disk.
        free: u64,
    },
    /// The disk became full while it was copied.
    #[error("the disk of the models folder became full while it was copied")]
    DiskFull(#[source] io::Error),
    /// The models folder cannot be read or written.
    #[error(transparent)]
    Folder(#[from] FolderError),
}

/// Installs a file as a model whose id is the stem of the file name. A model with the same id and content that is
/// installed already is returned. A copy is trimmed if possible; a cancel during that leaves it as it is.
///
/// # Errors
/// If the file is not a speech model, a model with other content has the id, or the file cannot be read or copied. An
/// incomplete copy is removed.
pub fn import(
    folder: &Folder,
    path: &Path,
    mode: ImportMode,
    on_progress: &mut dyn FnMut(&Progress),
    cancel: &Cancel,
) -> Result<Installed, ImportError> {
    let mut meter = Meter::new(on_progress, Stage::Copying);
    let installed = install(folder, path, mode, &mut meter, cancel)?;
    match folder.trim_with_progress(&installed.id, &mut meter, cancel) {
        Err(error @ FolderError::Damaged(_)) => Err(error.into()),
        trimmed => Ok(trimmed.unwrap_or(installed)),
    }
}

/// [`import`] without trimming.
fn install(
    folder: &Folder,
    path: &Path,
    mode: ImportMode,
    meter: &mut Meter<'_>,
    cancel: &Cancel,
) -> Result<Installed, ImportError> {
    let header = header::read(path)?;
    let id = path
        .file_stem()
        .map(OsStr::to_string_lossy)
        .and_then(|stem| ModelId::from_stem(&stem))
        .ok_or(ImportError::NoName)?;
    remove_abandoned_copies(folder)?;
    let final_path = folder.path().join(format!("{id}.{}", header.kind.extension()));
    let inside = same_file(path, &final_path);
    let known = folder.sidecar(&id).ok();
    let mut repairs = None;
    // Hashed before copying, so that no copy is made that would be discarded.
    if inside || known.is_some() || mode == ImportMode::Link {
        let (hashes, modified_ns) = hash(path, &header, meter, cancel)?;
        let mut content = Content { sha256: hashes.as_is, file_sha256: hashes.as_is };
        if let Some(known) = known {
            if !hashes.matches_published(known.sha256) {
                return Err(ImportError::OtherContent(id));
            }
            if let Ok(current) = folder.current(&id) {
                return Ok(current);
            }
            // The same model, whose file is missing or has changed: this file replaces it.
            content.sha256 = known.sha256;
            repairs = Some(content);
        }
        if inside || mode == ImportMode::Link {
            let file = if inside {
                final_path
            } else {
                let absolute = fs::canonicalize(path).map_err(HeaderError::Io)?;
                absolute.to_str().ok_or(ImportError::UnwritablePath)?;
                absolute
            };
            let installed = describe(id, file, !inside, content, modified_ns, header);
            return register(folder, installed, None);
        }
    }
    let target = Target { id, file: final_path, repairs };
    copy_in(folder, path, target, header, meter, cancel)
}

/// The hashes of a file.
#[derive(Clone, Copy)]
struct Content {
    /// Hash as published; that of the file if nothing else is known.
    sha256: Sha256,
    /// Hash of the file as it is.
    file_sha256: Sha256,
}

/// The model that a copy becomes.
struct Target {
    id: ModelId,
    file: PathBuf,
    /// The hashes that the copy must have, if it replaces the file of an installed model.
    repairs: Option<Content>,
}

/// Copies the file into the folder and registers it.
fn copy_in(
    folder: &Folder,
    path: &Path,
    target: Target,
    header: Header,
    meter: &mut Meter<'_>,
    cancel: &Cancel,
) -> Result<Installed, ImportError> {
    let needed = header.byte_size;
    if let Some(free) = disk::free_bytes(folder.path()).filter(|free| *free < needed + disk::SPACE_LEFT) {
        return Err(ImportError::NoSpace { needed, free });
    }
    let copy = Copy::begin(folder, &target.id)?;
    let (sha256, length) = copy.fill(path, needed, meter, cancel)?;
    let content = target.repairs.unwrap_or(Content { sha256, file_sha256: sha256 });
    if length != needed || sha256 != content.file_sha256 {
        return Err(ImportError::Changed);
    }
    let modified_ns = copy.file.metadata().ok().and_then(|metadata| folder::modified_ns(&metadata));
    let installed = describe(target.id, target.file, false, content, modified_ns, header);
    register(folder, installed, Some(&copy))
}

fn describe(
    id: ModelId,
    file: PathBuf,
    linked: bool,
    content: Content,
    modified_ns: Option<u64>,
    header: Header,
) -> Installed {
    Installed {
        id,
        file,
        linked,
        byte_size: header.byte_size,
        sha256: content.sha256,
        file_sha256: content.file_sha256,
        context_s: header.context_s(),
        architecture: header.architecture,
        variant: header.variant,
        slug: None,
        source: Source::Imported,
        added_at: Utc::now(),
        facts: None,
        modified_ns,
    }
}

/// Gives the copy its final name and writes the sidecar, unless another model or file has taken the name meanwhile.
fn register(folder: &Folder, installed: Installed, copy: Option<&Copy>) -> Result<Installed, ImportError> {
    let lock = folder.lock().map_err(FolderError::from)?;
    if let Ok(known) = folder.sidecar(&installed.id) {
        if known.sha256 != installed.sha256 {
            return Err(ImportError::OtherContent(installed.id));
        }
    } else if copy.is_some() && installed.file.exists() {
        // A file without a sidecar is the user's and must not be overwritten, unless it has the same content.
        let context = header::read(&installed.file).ok().and_then(|header| header.context);
        let file = File::open(&installed.file).map_err(FolderError::from)?;
        let mut quiet = |_: &Progress| {};
        let mut meter = Meter::new(&mut quiet, Stage::Checking);
        let hashed = encoder_context::hashes(file, context.as_ref(), &mut meter, &Cancel::new());
        let hashed = hashed.map_err(FolderError::from)?;
        if hashed.is_none_or(|(_, hashes)| !hashes.matches_published(installed.sha256)) {
            return Err(ImportError::OtherContent(installed.id));
        }
    }
    let placed = || {
        if let Some(copy) = copy {
            fs::rename(&copy.path, &installed.file)?;
            copy.renamed.set(true);
            disk::sync_folder(folder.path())?;
        }
        folder.register(&lock, &installed)
    };
    placed().map_err(FolderError::from)?;
    Ok(installed)
}

/// Hashes and modification time of a file that is not copied.
fn hash(
    path: &Path,
    header: &Header,
    meter: &mut Meter<'_>,
    cancel: &Cancel,
) -> Result<(Hashes, Option<u64>), ImportError> {
    let file = File::open(path).map_err(HeaderError::Io)?;
    let before = file.metadata().map_err(HeaderError::Io)?;
    meter.begin(Stage::Checking, 0, Some(header.byte_size), None);
    let (length, hashes) = encoder_context::hashes(file, header.context.as_ref(), meter, cancel)
        .map_err(HeaderError::Io)?
        .ok_or(ImportError::Cancelled)?;
    let after = fs::metadata(path).map_err(HeaderError::Io)?;
    let modified_ns = folder::modified_ns(&before);
    if length != header.byte_size || modified_ns != folder::modified_ns(&after) {
        return Err(ImportError::Changed);
    }
    Ok((hashes, modified_ns))
}

/// A copy in progress, locked. It is removed on drop, unless it was renamed.
struct Copy {
    path: PathBuf,
    file: File,
    renamed: Cell<bool>,
}

impl Copy {
    fn begin(folder: &Folder, id: &ModelId) -> Result<Self, ImportError> {
        let begin = || {
            // `remove_abandoned_copies` would remove a file that is not locked yet.
            let _lock = folder.lock()?;
            let mut number = 0;
            loop {
                let path = folder.path().join(format!("{id}.{}-{number}.copy", std::process::id()));
                match File::create_new(&path) {
                    Ok(file) => {
                        file.lock()?;
                        return Ok(Self { path, file, renamed: Cell::new(false) });
                    }
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                    Err(error) => return Err(error),
                }
            }
        };
        begin().map_err(|error: io::Error| ImportError::Folder(error.into()))
    }

    fn fill(
        &self,
        path: &Path,
        total: u64,
        meter: &mut Meter<'_>,
        cancel: &Cancel,
    ) -> Result<(Sha256, u64), ImportError> {
        let write_error = |error: io::Error| {
            if disk::is_full(&error) {
                ImportError::DiskFull(error)
            } else {
                ImportError::Folder(error.into())
            }
        };
        meter.begin(Stage::Copying, 0, Some(total), None);
        let mut from = File::open(path).map_err(HeaderError::Io)?;
        let mut to = &self.file;
        let mut hasher = sha2::Sha256::new();
        let mut buffer = vec![0; CHUNK];
        let mut length = 0;
        loop {
            if cancel.is_cancelled() {
                return Err(ImportError::Cancelled);
            }
            let count = match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(HeaderError::Io(error).into()),
            };
            hasher.update(&buffer[..count]);
            to.write_all(&buffer[..count]).map_err(write_error)?;
            length += count as u64;
            if length > total {
                return Err(ImportError::Changed);
            }
            meter.set_done(length);
        }
        self.file.sync_all().map_err(write_error)?;
        Ok((Sha256::finish(hasher), length))
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // If this fails, the next import removes the file.
        if !self.renamed.get() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes copies that no process is writing any more.
fn remove_abandoned_copies(folder: &Folder) -> Result<(), ImportError> {
    let remove = || {
        let _lock = folder.lock()?;
        for name in folder.names()?.iter().filter(|name| name.ends_with(".copy")) {
            let path = folder.path().join(name);
            if File::open(&path).is_ok_and(|file| file.try_lock().is_ok()) {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    };
    remove().map_err(|error: io::Error| ImportError::Folder(error.into()))
}

fn same_file(one: &Path, other: &Path) -> bool {
    matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
}
