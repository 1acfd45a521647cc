//! Free disk space.

use std::io;
use std::path::Path;

/// Bytes available to this process on the file system of `path`, which must exist.
///
/// # Errors
/// Those of `statvfs`.
pub fn free_bytes(path: &Path) -> io::Result<u64> {
    let stats = rustix::fs::statvfs(path)?;
    // Some network file systems report impossibly large numbers.
    Ok(stats.f_bavail.saturating_mul(stats.f_frsize))
}
