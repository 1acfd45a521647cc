//! The sidecar `<id>.json` of an installed model: reading and writing.

use super::{Folder, FolderLock};
use crate::catalogue;
use crate::disk::{self, read_small};
use crate::encoder_context::ENCODER_CONTEXT_S;
use crate::identity::{ModelId, Sha256, Slug};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};

/// Where a model came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Downloaded from a host of the catalogue.
    Catalogue,
    /// Imported from a file of the user.
    Imported,
}

/// An installed model, as its sidecar describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Installed {
    /// Its id.
    pub id: ModelId,
    /// Path of its file, absolute if the folder's path is.
    pub file: PathBuf,
    /// Whether the file is the user's own, outside the folder.
    pub linked: bool,
    /// Size of the file when it was hashed.
    pub byte_size: u64,
    /// Hash of the file as published, which identifies the model.
    pub sha256: Sha256,
    /// Hash of the file as it is. It differs from `sha256` if the file was trimmed ([`Folder::trim`]).
    pub file_sha256: Sha256,
    /// Seconds of audio that the encoder takes at once. `None` if the file does not say (only Whisper files do), or if
    /// the model was installed before sidecars had this field and [`Folder::trim`] has not been called since.
    pub context_s: Option<u32>,
    /// `general.architecture` of the file.
    pub architecture: String,
    /// `stt.variant` of the file.
    pub variant: Option<String>,
    /// The slug of its catalogue model, if that was known when it was installed.
    pub slug: Option<Slug>,
    /// Where it came from.
    pub source: Source,
    /// When it was installed.
    pub added_at: DateTime<Utc>,
    /// What the app learned about it from the engine, in the app's own format.
    pub facts: Option<serde_json::Value>,
    /// Modification time of the file when it was hashed, in nanoseconds since 1970. `None`: the file must be hashed
    /// before it is used.
    pub(crate) modified_ns: Option<u64>,
}

impl Installed {
    /// Whether the sidecar says that the file is trimmed. The bytes may not be written yet.
    pub(super) fn is_trimmed(&self) -> bool {
        !self.linked && self.file_sha256 != self.sha256 && self.context_s == Some(ENCODER_CONTEXT_S)
    }

    /// Identifies the content and place of the file. If it has changed, another process replaced the model.
    pub(super) fn content(&self) -> (Sha256, Sha256, &Path) {
        (self.sha256, self.file_sha256, &self.file)
    }
}

/// The sidecar's JSON.
#[derive(Serialize, Deserialize)]
struct Sidecar {
    id: ModelId,
    /// A file name in the folder, or the absolute path of a linked file.
    file: String,
    linked: bool,
    byte_size: u64,
    /// Hash as published.
    sha256: Sha256,
    /// Hash of the file, if it differs.
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

/// Why there is no usable sidecar.
pub(super) enum SidecarError {
    /// The file does not exist.
    None,
    /// It cannot be read, or its content is not valid for this model.
    Unreadable,
}

impl Folder {
    /// Writes the sidecar, which makes the model an installed one.
    pub(crate) fn register(&self, _lock: &FolderLock, installed: &Installed) -> io::Result<()> {
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

    pub(super) fn read_sidecar(&self, id: &ModelId) -> Result<Installed, SidecarError> {
        let text = match read_small(&self.sidecar_path(id)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(SidecarError::None),
            Err(_) => return Err(SidecarError::Unreadable),
        };
        let sidecar: Sidecar = serde_json::from_slice(&text).map_err(|_| SidecarError::Unreadable)?;
        let file = Path::new(&sidecar.file);
        let is_valid = if sidecar.linked {
            file.is_absolute()
        } else {
            // A file outside the folder must never count as our copy: `remove` would delete it.
            catalogue::stem(&sidecar.file) == Some(id.as_str())
        };
        if sidecar.id != *id || !is_valid {
            return Err(SidecarError::Unreadable);
        }
        Ok(Installed {
            id: sidecar.id,
            file: self.path.join(file),
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
