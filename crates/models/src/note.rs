//! What is written down about a download that is under way.

use crate::disk;
use crate::identity::Sha256;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;

/// `<file>.part.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    /// Where the last bytes came from, before redirects.
    pub(crate) address: String,
    /// The strong entity tag of what was sent, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) validator: Option<String>,
    /// The size the file is to have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) byte_size: Option<u64>,
    /// The hash it is to have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sha256: Option<Sha256>,
    /// Bytes that were safe on the disk when this was written; there may be more.
    pub(crate) done_bytes: u64,
}

impl Note {
    /// None if there is none that can be read: then the file's own bytes have to do.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&disk::read_small(path).ok()?).ok()
    }

    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(self).expect("texts and numbers can be written");
        disk::write_whole(path, &text)
    }
}
