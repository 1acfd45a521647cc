//! Free disk space, reading in chunks, and atomic writing of small files.

use crate::cancel::Cancel;
use crate::progress::Meter;
use sha2::Digest;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

/// Free space in bytes that a download or copy leaves for the rest of the system.
pub(crate) const SPACE_LEFT: u64 = 64 << 20;

/// Bytes per read when a file is hashed or copied.
pub(crate) const CHUNK: usize = 256 << 10;

/// Upper bound for small files. A sidecar has some kilobytes, with the app's facts about the model.
const MAX_SIDECAR_BYTES: u64 = 4 << 20;

/// Bytes that this user can write to the disk of a folder; `None` if the system does not say.
#[cfg(unix)]
pub(crate) fn free_bytes(folder: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(folder).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

/// Unknown on this system: a full disk shows as a write error.
#[cfg(not(unix))]
pub(crate) fn free_bytes(_folder: &Path) -> Option<u64> {
    None
}

/// Whether the error says that the disk is full or the quota is used up.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Writes a small file atomically: after a power cut it has the old or the new content. Only one process at a time may
/// write the same file.
pub(crate) fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    let mut file = File::create(&temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&temporary, path)?;
    if let Some(folder) = path.parent() {
        sync_folder(folder)?;
    }
    Ok(())
}

/// Syncs a folder, so that renames in it survive a power cut.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Reads a small file; an error if it is not a regular file or larger than [`MAX_SIDECAR_BYTES`].
pub(crate) fn read_small(path: &Path) -> io::Result<Vec<u8>> {
    // Checked before opening, because opening a pipe waits for a writer.
    if !fs::metadata(path)?.is_file() {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let file = File::open(path)?;
    let mut content = Vec::new();
    file.take(MAX_SIDECAR_BYTES + 1).read_to_end(&mut content)?;
    if content.len() as u64 > MAX_SIDECAR_BYTES {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(content)
}

/// Hashes the rest of a file; returns its length, or `None` if cancelled.
pub(crate) fn hash_into(
    hasher: &mut sha2::Sha256,
    file: impl Read,
    meter: &mut Meter<'_>,
    cancel: &Cancel,
) -> io::Result<Option<u64>> {
    read_chunks(file, meter, cancel, |_, chunk| hasher.update(chunk))
}

/// Reads the rest of a file in chunks and calls `take` with the position of each and the chunk. Returns the length, or
/// `None` if cancelled.
pub(crate) fn read_chunks(
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
                meter.set_done(length);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
