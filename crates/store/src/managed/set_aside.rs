//! Keeps a broken cluster aside, so that a new one can take its place.

use super::{ManagedError, open_lock, password};
use chrono::Utc;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long to wait for the server of the broken cluster to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);

/// Renames the cluster in `folder`, with its password, to `cluster.broken-<moment>`; returns its new path. The lock files
/// stay, so that no other process can start a server meanwhile. Blocks.
///
/// # Errors
/// [`ManagedError::InUse`] if another process uses the archive; [`ManagedError::Folder`] if a file cannot be renamed.
pub fn set_aside(folder: &Path) -> Result<PathBuf, ManagedError> {
    let at = |reason| ManagedError::Folder { path: folder.to_owned(), reason };
    let clients = open_lock(&folder.join("clients.lock")).map_err(at)?;
    let cluster_lock = open_lock(&folder.join("cluster.lock")).map_err(at)?;
    // The keeper's server stops when nobody uses it any more. The order is the keeper's: cluster, then clients.
    lock(&cluster_lock, folder)?;
    lock(&clients, folder)?;
    let aside = folder.join(format!("cluster.broken-{}", Utc::now().format("%Y%m%dT%H%M%SZ")));
    rename_if_there(&folder.join("cluster"), &aside).map_err(at)?;
    let mut kept = aside.clone().into_os_string();
    kept.push(".password");
    rename_if_there(&folder.join(password::FILE), Path::new(&kept)).map_err(at)?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(at)?;
    Ok(aside)
}

fn lock(file: &File, folder: &Path) -> Result<(), ManagedError> {
    let deadline = Instant::now() + STOP_TIMEOUT;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(fs::TryLockError::WouldBlock) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(fs::TryLockError::WouldBlock) => return Err(ManagedError::InUse(folder.to_owned())),
            Err(fs::TryLockError::Error(reason)) => {
                return Err(ManagedError::Folder { path: folder.to_owned(), reason });
            }
        }
    }
}

fn rename_if_there(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        renamed => renamed,
    }
}
