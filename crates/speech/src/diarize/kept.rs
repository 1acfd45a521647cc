//! Vectors that have been computed, in a file, so that work that was ended goes on where it was.
//!
//! ```text
//! header: a line of JSON
//! per batch: count u32 · checksum of the samples u64 · first samples u64 … · width u32 · vectors f32 … · checksum u64
//! all of it little-endian
//! ```
//!
//! Whatever does not fit, because it is torn, of another recording, encoder or version, is dropped with all that
//! follows. A file that cannot be read or written costs time and nothing else. Leaves out when the file is removed.

use super::regions::Piece;
use serde_json::json;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Raise it when the same recording would be cut into other windows, or these be made into other vectors.
const VERSION: u32 = 1;
/// No vector is wider; a number in a file decides no allocation.
const WIDEST: u32 = 4096;

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

    /// The vectors of the next batch, if they are there.
    pub(super) fn next(&mut self, windows: &[Piece]) -> Option<Vec<Vec<f32>>> {
        if !self.more {
            return None;
        }
        let begin = self.file.stream_position().ok()?;
        let found = self.read(windows);
        if found.is_none() {
            self.more = false;
            // If this fails, so will writing.
            let _ = self.file.set_len(begin);
            let _ = self.file.seek(SeekFrom::Start(begin));
        }
        found
    }

    fn read(&mut self, windows: &[Piece]) -> Option<Vec<Vec<f32>>> {
        let expected = beginning(windows);
        let mut bytes = vec![0; expected.len() + 4];
        self.file.read_exact(&mut bytes).ok()?;
        let width = u32::from_le_bytes(bytes[expected.len()..].try_into().ok()?);
        if !bytes.starts_with(&expected) || !(1..=WIDEST).contains(&width) {
            return None;
        }
        let begin = bytes.len();
        bytes.resize(begin + windows.len() * width as usize * 4, 0);
        self.file.read_exact(&mut bytes[begin..]).ok()?;
        let mut sum = [0; 8];
        self.file.read_exact(&mut sum).ok()?;
        if u64::from_le_bytes(sum) != checksum(&bytes) {
            return None;
        }
        let numbers: Vec<f32> =
            bytes[begin..].chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        Some(numbers.chunks_exact(width as usize).map(<[f32]>::to_vec).collect())
    }

    /// Adds the vectors of a batch.
    pub(super) fn add(&mut self, windows: &[Piece], vectors: &[Vec<f32>]) -> io::Result<()> {
        let mut bytes = beginning(windows);
        let width = vectors.first().map_or(0, Vec::len);
        bytes.extend(u32::try_from(width).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend(vectors.iter().flatten().flat_map(|value| value.to_le_bytes()));
        let sum = checksum(&bytes);
        bytes.extend(sum.to_le_bytes());
        self.file.write_all(&bytes)
    }
}

/// What tells a batch from any other.
fn beginning(windows: &[Piece]) -> Vec<u8> {
    let count = u32::try_from(windows.len()).unwrap_or(u32::MAX);
    let samples = windows
        .iter()
        .flat_map(|window| &window.samples)
        .fold(SEED, |hash, sample| mixed(hash, u64::from(sample.to_bits())));
    let mut bytes = count.to_le_bytes().to_vec();
    bytes.extend(samples.to_le_bytes());
    bytes.extend(windows.iter().flat_map(|window| window.start.to_le_bytes()));
    bytes
}

/// FNV-1a, which finds accidents.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(SEED, |hash, byte| mixed(hash, u64::from(*byte)))
}

const SEED: u64 = 0xcbf2_9ce4_8422_2325;

fn mixed(hash: u64, value: u64) -> u64 {
    (hash ^ value).wrapping_mul(0x0100_0000_01b3)
}
