//! Free space of a file system.

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Bytes that this process may still write on the file system that holds `path`, which exists.
///
/// # Errors
/// What `statvfs` says.
pub fn free_bytes(path: &Path) -> io::Result<u64> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: all zeroes is a valid statvfs.
    let mut found: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: a C string and a struct that live during the call.
    if unsafe { libc::statvfs(path.as_ptr(), &raw mut found) } == -1 {
        return Err(io::Error::last_os_error());
    }
    // Some network file systems report more than there can be.
    Ok((found.f_bavail as u64).saturating_mul(found.f_frsize as u64))
}
