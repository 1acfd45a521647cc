//! Checks that the file of an installed model still has the content it was installed with.

use super::{Folder, FolderError, Installed, modified_ns};
use crate::cancel::Cancel;
use crate::encoder_context::{self, ENCODER_CONTEXT_S, EncoderContext};
use crate::header::{self, Header, HeaderError};
use crate::identity::ModelId;
use crate::progress::{Meter, Progress, Stage};
use std::fs::{self, File, Metadata};
use std::io;

/// Attempts of an operation that is repeated when another process changed the model meanwhile.
pub(super) const MAX_ATTEMPTS: usize = 5;

impl Folder {
    /// An installed model whose file is known to be unchanged. If the file's size and modification time are those of
    /// the sidecar, it is not read. Otherwise it is hashed, and the new time is stored if the content is the same.
    ///
    /// # Errors
    /// If the model is not installed, or its file is missing, has changed or cannot be read.
    pub fn current(&self, id: &ModelId) -> Result<Installed, FolderError> {
        let installed = self.sidecar(id)?;
        let metadata = check_size(&installed).map_err(FolderError::Damaged)?;
        if modified_ns(&metadata).is_some() && modified_ns(&metadata) == installed.modified_ns {
            return Ok(installed);
        }
        self.verify(id, &mut |_| {}, &Cancel::new())
    }

    /// Hashes a model's whole file and compares it with the sidecar. Finishes a trim that was interrupted.
    ///
    /// # Errors
    /// If the model is not installed, or its file is missing, has changed or cannot be read.
    pub fn verify(
        &self,
        id: &ModelId,
        on_progress: &mut dyn FnMut(&Progress),
        cancel: &Cancel,
    ) -> Result<Installed, FolderError> {
        let mut meter = Meter::new(on_progress, Stage::Checking);
        for _ in 0..MAX_ATTEMPTS {
            let installed = self.sidecar(id)?;
            match self.try_verify(&installed, &mut meter, cancel) {
                Ok(Some(verified)) => return Ok(verified),
                Ok(None) => {}
                // Another process may have trimmed or replaced it while it was read.
                Err(FolderError::Damaged(_)) if !self.has_same_content(&installed) => {}
                Err(error) => return Err(error),
            }
        }
        Err(FolderError::Io(io::ErrorKind::ResourceBusy.into()))
    }

    /// One attempt; `None` if another process changed the model meanwhile.
    fn try_verify(
        &self,
        installed: &Installed,
        meter: &mut Meter<'_>,
        cancel: &Cancel,
    ) -> Result<Option<Installed>, FolderError> {
        let metadata = check_size(installed).map_err(FolderError::Damaged)?;
        let context = trimmed_context(installed)?;
        meter.begin(Stage::Checking, 0, Some(metadata.len()), None);
        let patch = context.map(|context| context.patch(ENCODER_CONTEXT_S)).unwrap_or_default();
        let file = File::open(&installed.file)?;
        let (length, [sha256]) =
            encoder_context::hash_variants(file, [&patch], meter, cancel)?.ok_or(FolderError::Cancelled)?;
        if length != installed.byte_size || sha256 != installed.file_sha256 {
            return Err(FolderError::Damaged(content_changed(installed)));
        }
        if let Some(context) = context.filter(|context| !context.has_seconds(ENCODER_CONTEXT_S)) {
            return self.finish_trim(installed, &context, &metadata);
        }
        let mut installed = installed.clone();
        if installed.modified_ns != modified_ns(&metadata) {
            installed.modified_ns = modified_ns(&metadata);
            // On a read-only disk the file is hashed again next time.
            if let Ok(lock) = self.lock() {
                // Another process may have removed or trimmed the model, or set its facts, while the file was read.
                let mut now = self.sidecar(&installed.id)?;
                if now.content() != installed.content() {
                    return Ok(None);
                }
                now.modified_ns = installed.modified_ns;
                if let Err(error) = self.register(&lock, &now) {
                    tracing::debug!(%error, "modification time of a model file not stored");
                }
                return Ok(Some(now));
            }
        }
        Ok(Some(installed))
    }

    /// Whether the sidecar still describes the same content.
    fn has_same_content(&self, installed: &Installed) -> bool {
        self.sidecar(&installed.id).is_ok_and(|now| now.content() == installed.content())
    }
}

/// Metadata of a model's file, if the file exists and has the right size; otherwise sentences for the user.
pub(super) fn check_size(installed: &Installed) -> Result<Metadata, String> {
    match fs::metadata(&installed.file) {
        Ok(metadata) if metadata.is_file() && metadata.len() == installed.byte_size => Ok(metadata),
        Ok(_) => Err(content_changed(installed)),
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

/// The sentences for a file with other content than was installed.
pub(super) fn content_changed(installed: &Installed) -> String {
    let file = if installed.linked { installed.file.display().to_string() } else { "Its file".to_owned() };
    format!("{file} has changed since it was installed. Remove the model and install it again.")
}

/// The encoder context in the file of a trimmed model; `None` for any other model.
fn trimmed_context(installed: &Installed) -> Result<Option<EncoderContext>, FolderError> {
    if !installed.is_trimmed() {
        return Ok(None);
    }
    match header::read(&installed.file) {
        Ok(Header { context: Some(context), .. }) => Ok(Some(context)),
        Err(HeaderError::Io(error)) => Err(error.into()),
        _ => Err(FolderError::Damaged(content_changed(installed))),
    }
}
