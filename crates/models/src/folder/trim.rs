//! Trims our own copies of Whisper models to an encoder context of [`ENCODER_CONTEXT_S`] instead of 30 s
//! (`encoder_context.rs` says why).
//!
//! Trimming writes twelve bytes of the file in place:
//!
//! 1. Read the file once and compute two hashes: with the published numbers, which must give the published hash, and
//!    with ours.
//! 2. Replace the sidecar. The new one has both hashes and no modification time.
//! 3. Write the bytes and sync the file.
//! 4. Replace the sidecar again, now with the modification time.
//!
//! Steps 2 to 4 hold the folder's lock. A process that is killed after step 2 leaves a sidecar without a time, so the
//! next [`Folder::current`] reads the file. For a trimmed model it computes the hash as if our numbers were in their
//! places. If that is the hash in the sidecar, only the numbers can be wrong, and they are written again. So the model
//! stays usable whenever the process is killed or the power fails.
//!
//! Linked files, and files with a second name (hard or symbolic link), are not only ours and are never written.

use super::verify::{MAX_ATTEMPTS, content_changed};
use super::{Folder, FolderError, FolderLock, Installed, modified_ns};
use crate::cancel::Cancel;
use crate::encoder_context::{self, ENCODER_CONTEXT_S, EncoderContext, PUBLISHED_CONTEXT_S};
use crate::header;
use crate::identity::ModelId;
use crate::progress::{Meter, Progress, Stage};
use std::fs::{self, File, Metadata};
use std::io;
use std::path::Path;

impl Folder {
    /// Like [`Folder::current`], and also trims the model if it is our own copy of a Whisper model with a context of
    /// 30 s. Call it before a model is used. The first call for a model reads its file once; for a trimmed model it
    /// does nothing.
    ///
    /// A model that cannot be written stays as it is and can be used; [`Installed::context_s`] is its context.
    ///
    /// # Errors
    /// As [`Folder::current`].
    pub fn trim(&self, id: &ModelId) -> Result<Installed, FolderError> {
        let mut quiet = |_: &Progress| {};
        self.trim_with_progress(id, &mut Meter::new(&mut quiet, Stage::Checking), &Cancel::new())
    }

    /// [`Self::trim`] with progress. If it is cancelled, the model stays as it is.
    pub(crate) fn trim_with_progress(
        &self,
        id: &ModelId,
        meter: &mut Meter<'_>,
        cancel: &Cancel,
    ) -> Result<Installed, FolderError> {
        for _ in 0..MAX_ATTEMPTS {
            let mut installed = self.current(id)?;
            if installed.architecture != encoder_context::ARCHITECTURE
                || installed.context_s == Some(ENCODER_CONTEXT_S)
            {
                return Ok(installed);
            }
            // The header was readable at installation. If it is not now, the engine reports the error.
            let Some(context) = header::read(&installed.file).ok().and_then(|header| header.context) else {
                return Ok(installed);
            };
            if installed.linked || !context.has_known_numbers() {
                return Ok(self.store_context(installed, &context));
            }
            // `finish_trim` could not write the file and described it as it is, without a time.
            if installed.modified_ns.is_none() && self.sidecar(id)?.is_trimmed() {
                return Ok(installed);
            }
            match self.try_trim(&installed, &context, meter, cancel) {
                Ok(Some(trimmed)) => return Ok(trimmed),
                Ok(None) => {}
                Err(error @ (FolderError::Damaged(_) | FolderError::Unknown)) => return Err(error),
                Err(error) => {
                    tracing::debug!(%error, "model not trimmed");
                    installed.context_s = context.seconds();
                    return Ok(installed);
                }
            }
        }
        self.current(id)
    }

    /// One attempt; `None` if another process changed the model meanwhile.
    fn try_trim(
        &self,
        installed: &Installed,
        context: &EncoderContext,
        meter: &mut Meter<'_>,
        cancel: &Cancel,
    ) -> Result<Option<Installed>, FolderError> {
        // Opened before hashing, because this fails at once if the file cannot be written.
        let file = open_own(&installed.file)?;
        let time_before = modified_ns(&file.metadata()?);
        meter.begin(Stage::Checking, 0, Some(installed.byte_size), None);
        let variants = [PUBLISHED_CONTEXT_S, ENCODER_CONTEXT_S].map(|seconds| context.patch(seconds));
        let (length, [published, trimmed]) =
            encoder_context::hash_variants(&file, [&variants[0], &variants[1]], meter, cancel)?
                .ok_or(FolderError::Cancelled)?;
        // A file of an old sidecar without `context_s` may also have been published with our numbers.
        let is_whole = [published, trimmed].contains(&installed.sha256) && length == installed.byte_size;

        let lock = self.lock()?;
        let mut now = self.sidecar(&installed.id)?;
        if now.content() != installed.content() {
            return Ok(None);
        }
        if !is_whole {
            // The time claims that the file is unchanged, and it is not. Without the time every use hashes the file,
            // and a download or an import repairs it.
            now.modified_ns = None;
            if let Err(error) = self.register(&lock, &now) {
                tracing::debug!(%error, "modification time of a model file not removed");
            }
            return Err(FolderError::Damaged(content_changed(installed)));
        }
        // Opened again, because another file may have the name by now.
        let file = open_own(&now.file)?;
        if modified_ns(&file.metadata()?) != time_before {
            return Ok(None);
        }
        now.file_sha256 = trimmed;
        now.context_s = Some(ENCODER_CONTEXT_S);
        if context.has_seconds(ENCODER_CONTEXT_S) {
            now.modified_ns = time_before;
            self.register(&lock, &now)?;
            return Ok(Some(now));
        }
        now.modified_ns = None;
        self.register(&lock, &now)?;
        match self.write_numbers(&lock, now, &file, context) {
            Ok(trimmed) => Ok(Some(trimmed)),
            Err(error) => {
                tracing::warn!(%error, "model only partly trimmed");
                drop(lock);
                // Finds out which bytes were written.
                self.current(&installed.id).map(Some)
            }
        }
    }

    /// Steps 3 and 4: writes our numbers into the file, then the sidecar with the file's new time.
    fn write_numbers(
        &self,
        lock: &FolderLock,
        mut now: Installed,
        file: &File,
        context: &EncoderContext,
    ) -> io::Result<Installed> {
        context.write(file, ENCODER_CONTEXT_S)?;
        now.modified_ns = modified_ns(&file.metadata()?);
        if let Err(error) = self.register(lock, &now) {
            // The next use hashes the file again.
            tracing::debug!(%error, "modification time of a model file not stored");
        }
        Ok(now)
    }

    /// Finishes a trim that was interrupted after step 2, for a file that is right except for the numbers. `metadata`
    /// is from before the file was hashed. If the file cannot be written and still has the published numbers, the
    /// result describes it as published. `None` if another process changed the model meanwhile.
    pub(super) fn finish_trim(
        &self,
        installed: &Installed,
        context: &EncoderContext,
        metadata: &Metadata,
    ) -> Result<Option<Installed>, FolderError> {
        match self.write_pending_trim(installed, context, metadata) {
            Err(FolderError::Io(error) | FolderError::DiskFull(error))
                if context.has_seconds(PUBLISHED_CONTEXT_S) =>
            {
                tracing::debug!(%error, "model not trimmed");
                Ok(Some(Installed {
                    file_sha256: installed.sha256,
                    context_s: Some(PUBLISHED_CONTEXT_S),
                    modified_ns: None,
                    ..installed.clone()
                }))
            }
            result => result,
        }
    }

    fn write_pending_trim(
        &self,
        installed: &Installed,
        context: &EncoderContext,
        metadata: &Metadata,
    ) -> Result<Option<Installed>, FolderError> {
        let lock = self.lock()?;
        let now = self.sidecar(&installed.id)?;
        let file = open_own(&now.file)?;
        if now.content() != installed.content() || modified_ns(&file.metadata()?) != modified_ns(metadata) {
            return Ok(None);
        }
        Ok(Some(self.write_numbers(&lock, now, &file, context)?))
    }

    /// Adds the context to a sidecar that was written before this field existed.
    fn store_context(&self, mut installed: Installed, context: &EncoderContext) -> Installed {
        if installed.context_s == context.seconds() {
            return installed;
        }
        installed.context_s = context.seconds();
        // On a read-only disk the header is read again next time.
        if let Ok(lock) = self.lock()
            && let Ok(mut now) = self.sidecar(&installed.id)
            && now.content() == installed.content()
        {
            now.context_s = installed.context_s;
            if let Err(error) = self.register(&lock, &now) {
                tracing::debug!(%error, "encoder context of a model not stored");
            }
        }
        installed
    }
}

/// Opens a file for writing, if it has no second name (hard or symbolic link).
fn open_own(path: &Path) -> io::Result<File> {
    // Checked before opening, which follows symbolic links.
    let is_file = fs::symlink_metadata(path)?.is_file();
    let file = File::options().read(true).write(true).open(path)?;
    if is_file && !has_other_names(&file.metadata()?) {
        Ok(file)
    } else {
        Err(io::Error::new(io::ErrorKind::PermissionDenied, "the file has another name elsewhere"))
    }
}

#[cfg(unix)]
fn has_other_names(metadata: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(metadata) > 1
}

/// Unknown on this system.
#[cfg(not(unix))]
fn has_other_names(_found: &Metadata) -> bool {
    false
}
