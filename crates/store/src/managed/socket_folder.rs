//! The folder of the server's socket: a private folder with a short path below the runtime or temporary directory.
//!
//! It cannot be in the data folder: the path of a socket is limited to 107 bytes, and PostgreSQL parses its list of
//! folders, so special characters would cause trouble.

use sha2::{Digest, Sha256};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Longest path in bytes that leaves room for `/.s.PGSQL.5432.lock`.
const MAX_PATH_BYTES: usize = 84;

/// Creates or finds the socket folder for the database folder `folder`. `owners` are the user ids that may own it: ours
/// and the one the server runs as. A folder of another user is refused.
pub(super) fn folder_for(folder: &Path, owners: &[u32]) -> io::Result<PathBuf> {
    let hash = Sha256::digest(folder.as_os_str().as_bytes());
    let name = hash[..8].iter().map(|b| format!("{b:02x}")).collect::<String>();
    let uid = rustix::process::geteuid().as_raw();
    let candidates = [
        std::env::var_os("XDG_RUNTIME_DIR").map(|d| PathBuf::from(d).join(format!("meetmemo-{name}"))),
        Some(std::env::temp_dir().join(format!("meetmemo-{uid}-{name}"))),
        Some(PathBuf::from(format!("/tmp/meetmemo-{uid}-{name}"))),
    ];
    let mut last_error = io::Error::other("no temporary directory is usable");
    for path in candidates.into_iter().flatten() {
        if !path.is_absolute()
            || path.as_os_str().len() > MAX_PATH_BYTES
            || path.as_os_str().as_bytes().contains(&b'"')
        {
            continue;
        }
        match private_folder(&path, owners) {
            Ok(()) => return Ok(path),
            Err(error) => last_error = error,
        }
    }
    Err(last_error)
}

/// Creates `path`, or checks that it is a folder of `owners` that others cannot read.
fn private_folder(path: &Path, owners: &[u32]) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let metadata = fs::symlink_metadata(path)?;
    if metadata.is_dir() && owners.contains(&metadata.uid()) && metadata.mode() & 0o077 == 0 {
        Ok(())
    } else {
        Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!("{} belongs to another user", path.display()),
        ))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_link_and_a_folder_that_others_can_read_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let me = fs::metadata(dir.path()).unwrap().uid();
        let open = dir.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(private_folder(&open, &[me]).is_err());
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(dir.path(), &link).unwrap();
        assert!(private_folder(&link, &[me]).is_err());
        let fresh = dir.path().join("fresh");
        private_folder(&fresh, &[me]).unwrap();
        private_folder(&fresh, &[me]).unwrap();
        assert!(private_folder(&fresh, &[me.wrapping_add(1)]).is_err());
    }
}
