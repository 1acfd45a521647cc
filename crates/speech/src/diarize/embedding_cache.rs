//! A file that caches the results of the networks of one recording, so that interrupted work continues where it
//! stopped.
//!
//! ```text
//! header: a line of JSON
//! per batch: first samples u64 … · checksum of the samples u64 · length u32 · results, so many bytes · checksum u64
//! all of it little-endian
//! ```
//!
//! A batch holds the segmentation of windows, or voice embeddings. Batches are read in the order in which they are
//! needed. The first one that does not match, because it is incomplete or belongs to another recording, encoder or
//! version, is dropped with all that follow. If the file cannot be read or written, the work is merely repeated. The
//! caller removes the file.

use serde_json::json;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Must be raised when the same recording would be cut into different windows, or the networks give different results.
const VERSION: u32 = 3;
/// The largest result of a batch in bytes, so that a number in the file does not decide an allocation.
const MAX_RESULT: u32 = 16 * 1024 * 1024;

/// The open file, read up to the position at which the next batch is read or written.
#[derive(Debug)]
pub(super) struct EmbeddingCache {
    file: File,
    /// Whether there may be batches left to read.
    more: bool,
}

impl EmbeddingCache {
    /// Opens or creates the file. Clears a file of another encoder or version.
    pub(super) fn open(path: &Path, encoder: &str) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let header = format!("{}\n", json!({"encoder": encoder, "version": VERSION}));
        let mut found = vec![0; header.len()];
        let more = file.read_exact(&mut found).is_ok() && found == header.as_bytes();
        if !more {
            file.set_len(0)?;
            file.seek(SeekFrom::Start(0))?;
            file.write_all(header.as_bytes())?;
        }
        Ok(Self { file, more })
    }

    /// The result of the next batch, if it is in the file and matches `key`. If not, drops the rest of the file.
    pub(super) fn next(&mut self, key: &BatchKey) -> Option<Vec<u8>> {
        if !self.more {
            return None;
        }
        let begin = self.file.stream_position().ok()?;
        let result = self.read(key);
        if result.is_none() {
            self.more = false;
            // If this fails, writing fails too, and the cache is abandoned.
            let _ = self.file.set_len(begin);
            let _ = self.file.seek(SeekFrom::Start(begin));
        }
        result
    }

    fn read(&mut self, BatchKey(key): &BatchKey) -> Option<Vec<u8>> {
        let mut bytes = vec![0; key.len() + 4];
        self.file.read_exact(&mut bytes).ok()?;
        let length = u32::from_le_bytes(bytes[key.len()..].try_into().ok()?);
        if !bytes.starts_with(key) || length > MAX_RESULT {
            return None;
        }
        let begin = bytes.len();
        bytes.resize(begin + length as usize, 0);
        self.file.read_exact(&mut bytes[begin..]).ok()?;
        let mut sum = [0; 8];
        self.file.read_exact(&mut sum).ok()?;
        (u64::from_le_bytes(sum) == checksum(&bytes)).then(|| bytes.split_off(begin))
    }

    /// Appends the result of a batch.
    pub(super) fn add(&mut self, BatchKey(key): &BatchKey, result: &[u8]) -> io::Result<()> {
        let mut bytes = key.clone();
        bytes.extend(u32::try_from(result.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend(result);
        let sum = checksum(&bytes);
        bytes.extend(sum.to_le_bytes());
        self.file.write_all(&bytes)
    }
}

/// Identifies a batch by its input: the first samples of its parts, and a checksum of all their samples.
#[derive(Debug)]
pub(super) struct BatchKey(Vec<u8>);

impl BatchKey {
    /// The key of some parts of a recording, each given by the number of its first sample and its samples.
    pub(super) fn new<'a>(parts: impl IntoIterator<Item = (u64, &'a [f32])>) -> Self {
        let (mut bytes, mut sum) = (Vec::new(), FNV_OFFSET);
        for (start, samples) in parts {
            bytes.extend(start.to_le_bytes());
            sum = samples.iter().fold(sum, |sum, sample| fnv_step(sum, u64::from(sample.to_bits())));
        }
        bytes.extend(sum.to_le_bytes());
        Self(bytes)
    }
}

/// The FNV-1a hash, which detects accidental changes.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(FNV_OFFSET, |hash, byte| fnv_step(hash, u64::from(*byte)))
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

fn fnv_step(hash: u64, value: u64) -> u64 {
    (hash ^ value).wrapping_mul(0x0100_0000_01b3)
}
