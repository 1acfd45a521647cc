//! What the networks computed, in a file, so that work that was ended goes on where it was.
//!
//! ```text
//! header: a line of JSON
//! per batch: first samples u64 … · checksum of the samples u64 · length u32 · results, so many bytes · checksum u64
//! all of it little-endian
//! ```
//!
//! Whatever does not fit, because it is torn, of another recording, encoder or version, is dropped with all that
//! follows. A file that cannot be read or written costs time and nothing else. Leaves out when the file is removed.

use serde_json::json;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Raise it when the same recording would be cut into other windows, or the networks find something else in them.
const VERSION: u32 = 3;
/// No batch has more bytes; a number in a file decides no allocation.
const LONGEST: u32 = 16 * 1024 * 1024;

/// The file, read up to where it is written on.
#[derive(Debug)]
pub(super) struct Kept {
    file: File,
    /// Whether there may still be batches to read.
    more: bool,
}

impl Kept {
    /// Opens or makes the file; one of another encoder is begun anew.
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

    /// The results of the next batch, if they are there.
    pub(super) fn next(&mut self, batch: &Batch) -> Option<Vec<u8>> {
        if !self.more {
            return None;
        }
        let begin = self.file.stream_position().ok()?;
        let found = self.read(batch);
        if found.is_none() {
            self.more = false;
            // If this fails, so will writing.
            let _ = self.file.set_len(begin);
            let _ = self.file.seek(SeekFrom::Start(begin));
        }
        found
    }

    fn read(&mut self, Batch(batch): &Batch) -> Option<Vec<u8>> {
        let mut bytes = vec![0; batch.len() + 4];
        self.file.read_exact(&mut bytes).ok()?;
        let length = u32::from_le_bytes(bytes[batch.len()..].try_into().ok()?);
        if !bytes.starts_with(batch) || length > LONGEST {
            return None;
        }
        let begin = bytes.len();
        bytes.resize(begin + length as usize, 0);
        self.file.read_exact(&mut bytes[begin..]).ok()?;
        let mut sum = [0; 8];
        self.file.read_exact(&mut sum).ok()?;
        (u64::from_le_bytes(sum) == checksum(&bytes)).then(|| bytes.split_off(begin))
    }

    /// Adds the results of a batch.
    pub(super) fn add(&mut self, Batch(batch): &Batch, results: &[u8]) -> io::Result<()> {
        let mut bytes = batch.clone();
        bytes.extend(u32::try_from(results.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend(results);
        let sum = checksum(&bytes);
        bytes.extend(sum.to_le_bytes());
        self.file.write_all(&bytes)
    }
}

/// What tells a batch from any other.
#[derive(Debug)]
pub(super) struct Batch(Vec<u8>);

impl Batch {
    /// Of windows of samples, each with its first sample.
    pub(super) fn new<'a>(windows: impl IntoIterator<Item = (u64, &'a [f32])>) -> Self {
        let (mut bytes, mut sum) = (Vec::new(), SEED);
        for (start, samples) in windows {
            bytes.extend(start.to_le_bytes());
            sum = samples.iter().fold(sum, |sum, sample| mixed(sum, u64::from(sample.to_bits())));
        }
        bytes.extend(sum.to_le_bytes());
        Self(bytes)
    }
}

/// FNV-1a, which finds accidents.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(SEED, |hash, byte| mixed(hash, u64::from(*byte)))
}

const SEED: u64 = 0xcbf2_9ce4_8422_2325;

fn mixed(hash: u64, value: u64) -> u64 {
    (hash ^ value).wrapping_mul(0x0100_0000_01b3)
}
