//! Trims our own copies of Whisper models: they encode [`ENCODER_CONTEXT_S`] at once instead of 30 s.
//!
//! Trimming writes twelve bytes of the file in place:
//!
//! 1. It reads the file once and computes two hashes: with the published numbers, which must give the published hash,
//!    and with ours.
//! 2. It replaces the sidecar. The new one has both hashes and no time of the file.
//! 3. It writes the bytes and syncs the file.
//! 4. It replaces the sidecar again, now with the time of the file.
//!
//! Steps 2 to 4 hold the folder's lock. A process that is killed after step 2 leaves a sidecar without a time, so the
//! next [`Folder::current`] reads the file. For a trimmed model it computes the hash with our numbers in their places,
//! whatever is there. If that is the hash of the sidecar, only the numbers can be wrong, and it writes them again. So
//! the model can be used whenever the process is killed or the power fails.
//!
//! Leaves out links: a file that has another name elsewhere is not only ours, and stays as it is.

use super::{Folder, FolderError, Held, Installed, changed, modified_ns};
use crate::context::{self, Context, ENCODER_CONTEXT_S, PUBLISHED_CONTEXT_S};
use crate::control::{Cancel, Meter, Progress, Stage};
use crate::header;
use crate::identity::ModelId;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::Path;

/// How often something is begun again because another process changed the model meanwhile.
pub(super) const ATTEMPTS: usize = 5;

impl Folder {
    /// A model as [`Folder::current`] gives it, and trimmed if it is our own copy of a Whisper model that encodes 30 s
    /// at once. Call it before a model is used. The first call for a model reads its file once; for a model that is
    /// trimmed already it does nothing.
    ///
    /// A model that cannot be written stays as it is and can be used. [`Installed::context_s`] says what it encodes.
    ///
    /// # Errors
    /// As [`Folder::current`]: if it is not installed, gone, changed or cannot be read.
    pub fn trim(&self, id: &ModelId) -> Result<Installed, FolderError> {
        let mut quiet = |_: &Progress| {};
        self.trim_telling(id, &mut Meter::new(&mut quiet, Stage::Checking), &Cancel::new())
    }

    /// The same, and tells how far it is. If it is cancelled, the model stays as it is.
    pub(crate) fn trim_telling(
        &self,
        id: &ModelId,
        meter: &mut Meter<'_>,
        cancel: &Cancel,
    ) -> Result<Installed, FolderError> {
        for _ in 0..ATTEMPTS {
            let mut installed = self.current(id)?;
            if installed.architecture != context::ARCHITECTURE
                || installed.context_s == Some(ENCODER_CONTEXT_S)
            {
                return Ok(installed);
            }
            // It was readable when it was installed. If it is not now, the engine says why.
            let Some(context) = header::read(&installed.file).ok().and_then(|header| header.context) else {
                return Ok(installed);
            };
            if installed.linked || !context.may_be_trimmed() {
                return Ok(self.note_context(installed, &context));
            }
            // `complete` could not write it, and describes it as it is, without a time.
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

    /// None if another process changed the model meanwhile.
    fn try_trim(
        &self,
        installed: &Installed,
        context: &Context,
        meter: &mut Meter<'_>,
        cancel: &Cancel,
    ) -> Result<Option<Installed>, FolderError> {
        // Before it is hashed, because this fails at once where nothing can be written.
        let file = open_own(&installed.file)?;
        let seen = modified_ns(&file.metadata()?);
        meter.begin(Stage::Checking, 0, Some(installed.byte_size), None);
        let forms = [PUBLISHED_CONTEXT_S, ENCODER_CONTEXT_S].map(|seconds| context.patch(seconds));
        let (length, [published, trimmed]) =
            context::hash_forms(&file, [&forms[0], &forms[1]], meter, cancel)?
                .ok_or(FolderError::Cancelled)?;
        // It may also have been published with our numbers, if its sidecar is older than `context_s`.
        let is_whole = [published, trimmed].contains(&installed.sha256) && length == installed.byte_size;

        let held = self.hold()?;
        let mut now = self.sidecar(&installed.id)?;
        if now.content() != installed.content() {
            return Ok(None);
        }
        if !is_whole {
            // Its time says that it is as it was. From now on it is read, and a download or an import heals it.
            now.modified_ns = None;
            if let Err(error) = self.register(&held, &now) {
                tracing::debug!(%error, "time of a model's file not dropped");
            }
            return Err(FolderError::Damaged(changed(installed)));
        }
        // Once more, because the name may belong to another file by now.
        let file = open_own(&now.file)?;
        if modified_ns(&file.metadata()?) != seen {
            return Ok(None);
        }
        now.file_sha256 = trimmed;
        now.context_s = Some(ENCODER_CONTEXT_S);
        if context.says(ENCODER_CONTEXT_S) {
            now.modified_ns = seen;
            self.register(&held, &now)?;
            return Ok(Some(now));
        }
        now.modified_ns = None;
        self.register(&held, &now)?;
        match self.write_numbers(&held, now, &file, context) {
            Ok(trimmed) => Ok(Some(trimmed)),
            Err(error) => {
                tracing::warn!(%error, "model only partly trimmed");
                drop(held);
                // Finds out what is there now.
                self.current(&installed.id).map(Some)
            }
        }
    }

    /// Writes the numbers of a model whose sidecar says already that they are there, and keeps the file's time.
    fn write_numbers(
        &self,
        held: &Held,
        mut now: Installed,
        file: &File,
        context: &Context,
    ) -> io::Result<Installed> {
        context.write(file, ENCODER_CONTEXT_S)?;
        now.modified_ns = modified_ns(&file.metadata()?);
        if let Err(error) = self.register(held, &now) {
            // It is only read again the next time.
            tracing::debug!(%error, "time of a model's file not kept");
        }
        Ok(now)
    }

    /// Completes what was stopped between the sidecar and the bytes, for a file that is right but for the numbers.
    /// `found` is what it looked like before it was read. Where it cannot be written, and has the published numbers, it
    /// is described with these. None if another process changed it meanwhile.
    pub(super) fn complete(
        &self,
        installed: &Installed,
        context: &Context,
        found: &Metadata,
    ) -> Result<Option<Installed>, FolderError> {
        match self.try_complete(installed, context, found) {
            Err(FolderError::Io(error) | FolderError::DiskFull(error))
                if context.says(PUBLISHED_CONTEXT_S) =>
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

    fn try_complete(
        &self,
        installed: &Installed,
        context: &Context,
        found: &Metadata,
    ) -> Result<Option<Installed>, FolderError> {
        let held = self.hold()?;
        let now = self.sidecar(&installed.id)?;
        let file = open_own(&now.file)?;
        if now.content() != installed.content() || modified_ns(&file.metadata()?) != modified_ns(found) {
            return Ok(None);
        }
        Ok(Some(self.write_numbers(&held, now, &file, context)?))
    }

    /// Adds the context to a sidecar that was written before there was this field.
    fn note_context(&self, mut installed: Installed, context: &Context) -> Installed {
        if installed.context_s == context.seconds() {
            return installed;
        }
        installed.context_s = context.seconds();
        // Where nothing can be written, the header is read again the next time.
        if let Ok(held) = self.hold()
            && let Ok(mut now) = self.sidecar(&installed.id)
            && now.content() == installed.content()
        {
            now.context_s = installed.context_s;
            if let Err(error) = self.register(&held, &now) {
                tracing::debug!(%error, "context of a model not kept");
            }
        }
        installed
    }
}

/// Opens a file that is ours alone, to write to it.
fn open_own(path: &Path) -> io::Result<File> {
    // Before it is opened, because that follows links.
    let is_file = fs::symlink_metadata(path)?.is_file();
    let file = File::options().read(true).write(true).open(path)?;
    if is_file && !has_other_names(&file.metadata()?) {
        Ok(file)
    } else {
        Err(io::Error::new(io::ErrorKind::PermissionDenied, "the file has another name elsewhere"))
    }
}

#[cfg(unix)]
fn has_other_names(found: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(found) > 1
}

/// The system does not say.
#[cfg(not(unix))]
fn has_other_names(_found: &Metadata) -> bool {
    false
}
