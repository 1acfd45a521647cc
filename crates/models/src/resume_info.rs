//! The record about a partial download, which is needed to resume it.

use crate::disk;
use crate::identity::Sha256;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;

/// The content of `<file>.part.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ResumeInfo {
    /// Address of the last bytes, before redirects.
    pub(crate) address: String,
    /// Strong entity tag of that response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) validator: Option<String>,
    /// Expected size of the whole file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) byte_size: Option<u64>,
    /// Expected hash of the whole file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sha256: Option<Sha256>,
    /// Bytes that were synced to disk when this was written; the file may have more.
    pub(crate) done_bytes: u64,
}

impl ResumeInfo {
    /// `None` if the file is missing or unreadable. A download then relies on the partial file alone.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&disk::read_small(path).ok()?).ok()
    }

    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(self).expect("texts and numbers can be written");
        disk::write_whole(path, &text)
    }
}
