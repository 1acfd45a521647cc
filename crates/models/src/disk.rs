//! Free space, reading in pieces, and writing so that a power cut leaves the old or the new.

use crate::control::{Cancel, Meter};
use sha2::Digest;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

/// Space that stays free for the rest of the system.
pub(crate) const SPACE_LEFT: u64 = 64 << 20;

/// What is read at once when a file is hashed or copied.
pub(crate) const CHUNK: usize = 256 << 10;

/// A sidecar is some kilobytes, with what the app found out about the model.
const LARGEST_SIDECAR: u64 = 4 << 20;

/// Free bytes for us on the disk of a folder; none if the system does not say.
#[cfg(unix)]
pub(crate) fn free_bytes(folder: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(folder).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

/// Not known here: a full disk is noticed when it is.
#[cfg(not(unix))]
pub(crate) fn free_bytes(_folder: &Path) -> Option<u64> {
    None
}

/// Whether the disk said that there is no space.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Writes a small file whole or not at all. Only one process at a time may write the same.
pub(crate) fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let mut file = File::create(&beside)?;
    file.write_all(content)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&beside, path)?;
    if let Some(folder) = path.parent() {
        sync_folder(folder)?;
    }
    Ok(())
}

/// Makes renames in a folder last.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Reads a file that is small if it is ours.
pub(crate) fn read_small(path: &Path) -> io::Result<Vec<u8>> {
    // Before it is opened, because opening a pipe waits for who writes.
    if !fs::metadata(path)?.is_file() {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let file = File::open(path)?;
    let mut content = Vec::new();
    file.take(LARGEST_SIDECAR + 1).read_to_end(&mut content)?;
    if content.len() as u64 > LARGEST_SIDECAR {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(content)
}

/// Hashes the rest of a file; how long it was, or none if it was cancelled.
pub(crate) fn hash_into(
    hasher: &mut sha2::Sha256,
    file: impl Read,
    meter: &mut Meter<'_>,
    cancel: &Cancel,
) -> io::Result<Option<u64>> {
    read_through(file, meter, cancel, |_, chunk| hasher.update(chunk))
}

/// Reads the rest of a file in pieces, and tells of each how many bytes came before it; how many there were, or none if
/// it was cancelled.
pub(crate) fn read_through(
    mut file: impl Read,
    meter: &mut Meter<'_>,
    cancel: &Cancel,
    mut take: impl FnMut(u64, &[u8]),
) -> io::Result<Option<u64>> {
    let mut buffer = vec![0; CHUNK];
    let mut length = 0;
    loop {
        if cancel.is_cancelled() {
            return Ok(None);
        }
        match file.read(&mut buffer) {
            Ok(0) => return Ok(Some(length)),
            Ok(count) => {
                take(length, &buffer[..count]);
                length += count as u64;
                meter.at(length);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
