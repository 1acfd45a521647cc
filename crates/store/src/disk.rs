//! Free space of a file system.

use std::io;
use std::path::Path;

/// Bytes that this process may still write on the file system that holds `path`, which exists.
///
/// # Errors
/// What `statvfs` says.
pub fn free_bytes(path: &Path) -> io::Result<u64> {
    let found = rustix::fs::statvfs(path)?;
    // Some network file systems report more than there can be.
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}
