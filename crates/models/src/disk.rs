//! Free space, and writing so that a power cut leaves the old or the new.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Space that stays free for the rest of the system.
pub(crate) const SPACE_LEFT: u64 = 64 << 20;

/// Free bytes for us on the disk of a folder; none if the system does not say.
#[cfg(unix)]
pub(crate) fn free_bytes(folder: &Path) -> Option<u64> {
    use std::ffi::CString;
    use std::os::unix::ffi::OsStrExt;
    let folder = CString::new(folder.as_os_str().as_bytes()).ok()?;
    // SAFETY: all zeroes is a valid statvfs.
    let mut found: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: the path is a C string and `found` is ours, both for the whole call.
    if unsafe { libc::statvfs(folder.as_ptr(), &raw mut found) } != 0 {
        return None;
    }
    // The fields differ in width by platform.
    #[allow(clippy::useless_conversion, clippy::unnecessary_cast)]
    Some((found.f_bavail as u64).saturating_mul(found.f_frsize as u64))
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
