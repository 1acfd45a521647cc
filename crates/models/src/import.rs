//! A file of the user becomes an installed model.
//!
//! Copied, it is written under a name of its own, hashed on the way, synced and then renamed; linked, it is only read.
//! The user's file is never changed. A file that lies in the models folder already is used where it is, and counts as a
//! copy from then on. Copies are trimmed after that ([`Folder::trim`]).

use crate::context::{self, Hashes};
use crate::control::{Cancel, Meter, Progress, Stage};
use crate::disk;
use crate::disk::CHUNK;
use crate::folder::{self, Folder, FolderError, Installed, Source};
use crate::header::{self, Header, HeaderError};
use crate::identity::{ModelId, Sha256};
use chrono::Utc;
use sha2::Digest;
use std::cell::Cell;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Whether a file is copied or stays where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Into the models folder.
    Copy,
    /// It is used where it is, and must stay there.
    Link,
}

/// Why a file was not imported. Each is a clause that makes sense after the file's name and a colon.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It is no speech model, or not a whole one.
    #[error(transparent)]
    NotAModel(#[from] HeaderError),
    /// Nothing of its name can be an id.
    #[error("its name has no letter or digit: rename it first")]
    NoName,
    /// Its path is not Unicode, and could not be written down.
    #[error("its path has signs that cannot be written down: copy it instead, or rename it")]
    UnwritablePath,
    /// Another model has the name.
    #[error("another model is installed as “{0}”: rename the file, or remove that model first")]
    OtherContent(ModelId),
    /// It changed while it was read.
    #[error("it was changed while it was read: try again when nothing writes to it")]
    Changed,
    /// It was stopped.
    #[error("the import was cancelled")]
    Cancelled,
    /// There is not enough space for a copy.
    #[error(
        "there is not enough space for a copy: {} are needed, {} are free. Make space, or link it instead",
        header::size(*.needed), header::size(*.free)
    )]
    NoSpace {
        /// Bytes.
        needed: u64,
        /// Bytes.
        free: u64,
    },
    /// The disk became full while it was copied.
    #[error("the disk of the models folder became full while it was copied")]
    DiskFull(#[source] io::Error),
    /// The models folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
}

/// Takes a file into the models folder. Its id is the stem of its name. A model with the same id and content is
/// returned as it is. A copy is trimmed, if it can be; a cancel then leaves it as it came.
///
/// # Errors
/// If it is no speech model, its name is taken by another one, or it cannot be read or copied. The user's file is as
/// it was, and nothing of a copy is left.
pub fn import(
    folder: &Folder,
    path: &Path,
    how: How,
    on_progress: &mut dyn FnMut(&Progress),
    cancel: &Cancel,
) -> Result<Installed, ImportError> {
    let mut meter = Meter::new(on_progress, Stage::Copying);
    let installed = install(folder, path, how, &mut meter, cancel)?;
    match folder.trim_telling(&installed.id, &mut meter, cancel) {
        Err(error @ FolderError::Damaged(_)) => Err(error.into()),
        trimmed => Ok(trimmed.unwrap_or(installed)),
    }
}

/// The same, and leaves the model as it came.
fn install(
    folder: &Folder,
    path: &Path,
    how: How,
    meter: &mut Meter<'_>,
    cancel: &Cancel,
) -> Result<Installed, ImportError> {
    let header = header::read(path)?;
    let id = path
        .file_stem()
        .map(OsStr::to_string_lossy)
        .and_then(|stem| ModelId::from_stem(&stem))
        .ok_or(ImportError::NoName)?;
    sweep(folder)?;
    let final_path = folder.path().join(format!("{id}.{}", header.kind.extension()));
    let inside = same_file(path, &final_path);
    let known = folder.sidecar(&id).ok();
    let mut heals = None;
    // A copy that would be thrown away is not made.
    if inside || known.is_some() || how == How::Link {
        let (hashes, modified_ns) = hash(path, &header, meter, cancel)?;
        let mut content = Content { sha256: hashes.as_is, file_sha256: hashes.as_is };
        if let Some(known) = known {
            if !hashes.fit(known.sha256) {
                return Err(ImportError::OtherContent(id));
            }
            if let Ok(current) = folder.current(&id) {
                return Ok(current);
            }
            // The same model, whose file is gone or altered: this one heals it.
            content.sha256 = known.sha256;
            heals = Some(content);
        }
        if inside || how == How::Link {
            let file = if inside {
                final_path
            } else {
                let absolute = fs::canonicalize(path).map_err(HeaderError::Io)?;
                absolute.to_str().ok_or(ImportError::UnwritablePath)?;
                absolute
            };
            let installed = describe(id, file, !inside, content, modified_ns, header);
            return settle(folder, installed, None);
        }
    }
    let target = Target { id, file: final_path, heals };
    copy_in(folder, path, target, header, meter, cancel)
}

/// What a file is, and what its bytes are.
#[derive(Clone, Copy)]
struct Content {
    /// As published, as far as that is known.
    sha256: Sha256,
    /// As it is.
    file_sha256: Sha256,
}

/// What a copy will be.
struct Target {
    id: ModelId,
    file: PathBuf,
    /// The content it has to have, if it takes the place of one that is known.
    heals: Option<Content>,
}

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
    let content = target.heals.unwrap_or(Content { sha256, file_sha256: sha256 });
    if length != needed || sha256 != content.file_sha256 {
        return Err(ImportError::Changed);
    }
    let modified_ns = copy.file.metadata().ok().and_then(|found| folder::modified_ns(&found));
    let installed = describe(target.id, target.file, false, content, modified_ns, header);
    settle(folder, installed, Some(&copy))
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

/// Gives the copy its name and writes the sidecar, unless somebody else was faster.
fn settle(folder: &Folder, installed: Installed, copy: Option<&Copy>) -> Result<Installed, ImportError> {
    let held = folder.hold().map_err(FolderError::from)?;
    if let Ok(known) = folder.sidecar(&installed.id) {
        if known.sha256 != installed.sha256 {
            return Err(ImportError::OtherContent(installed.id));
        }
    } else if copy.is_some() && installed.file.exists() {
        // A file without a sidecar is not ours to overwrite, unless it is the same.
        let there = header::read(&installed.file).ok().and_then(|header| header.context);
        let file = File::open(&installed.file).map_err(FolderError::from)?;
        let mut quiet = |_: &Progress| {};
        let mut meter = Meter::new(&mut quiet, Stage::Checking);
        let hashed = context::hashes(file, there.as_ref(), &mut meter, &Cancel::new());
        let hashed = hashed.map_err(FolderError::from)?;
        if hashed.is_none_or(|(_, hashes)| !hashes.fit(installed.sha256)) {
            return Err(ImportError::OtherContent(installed.id));
        }
    }
    let placed = || {
        if let Some(copy) = copy {
            fs::rename(&copy.path, &installed.file)?;
            copy.named.set(true);
            disk::sync_folder(folder.path())?;
        }
        folder.register(&held, &installed)
    };
    placed().map_err(FolderError::from)?;
    Ok(installed)
}

/// Hashes of a file that is not copied, and when it was written last.
fn hash(
    path: &Path,
    header: &Header,
    meter: &mut Meter<'_>,
    cancel: &Cancel,
) -> Result<(Hashes, Option<u64>), ImportError> {
    let file = File::open(path).map_err(HeaderError::Io)?;
    let before = file.metadata().map_err(HeaderError::Io)?;
    meter.begin(Stage::Checking, 0, Some(header.byte_size), None);
    let (length, hashes) = context::hashes(file, header.context.as_ref(), meter, cancel)
        .map_err(HeaderError::Io)?
        .ok_or(ImportError::Cancelled)?;
    let after = fs::metadata(path).map_err(HeaderError::Io)?;
    let modified_ns = folder::modified_ns(&before);
    if length != header.byte_size || modified_ns != folder::modified_ns(&after) {
        return Err(ImportError::Changed);
    }
    Ok((hashes, modified_ns))
}

/// A copy under way. What gets no final name is removed.
struct Copy {
    path: PathBuf,
    file: File,
    named: Cell<bool>,
}

impl Copy {
    fn begin(folder: &Folder, id: &ModelId) -> Result<Self, ImportError> {
        let begin = || {
            // A sweep would take a file without a lock for a left-over.
            let _held = folder.hold()?;
            let mut number = 0;
            loop {
                let path = folder.path().join(format!("{id}.{}-{number}.copy", std::process::id()));
                match File::create_new(&path) {
                    Ok(file) => {
                        file.lock()?;
                        return Ok(Self { path, file, named: Cell::new(false) });
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
            meter.at(length);
        }
        self.file.sync_all().map_err(write_error)?;
        Ok((Sha256::finish(hasher), length))
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // What cannot be removed now is swept by the next import.
        if !self.named.get() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes copies that nobody is writing any more.
fn sweep(folder: &Folder) -> Result<(), ImportError> {
    let swept = || {
        let _held = folder.hold()?;
        for name in folder.names()?.iter().filter(|name| name.ends_with(".copy")) {
            let path = folder.path().join(name);
            if File::open(&path).is_ok_and(|file| file.try_lock().is_ok()) {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    };
    swept().map_err(|error: io::Error| ImportError::Folder(error.into()))
}

fn same_file(one: &Path, other: &Path) -> bool {
    matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
}
