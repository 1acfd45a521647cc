//! What the private server needs of the computer: free space and open files, and the sentences for when it lacks them.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io;
use std::path::Path;

/// Free space needed to create a cluster, in bytes. A new cluster takes 40 MB and its write-ahead log 16 MB; the rest
/// is for the words of the first recordings.
const MIN_FREE_BYTES: u64 = 100 << 20;
/// Fewest open files the server needs. With a lower limit it does not start, or fails while starting.
const MIN_OPEN_FILES: u64 = 256;
/// The limit of open files to set if the system allows it: the usual limit of a session.
const USUAL_OPEN_FILES: u64 = 1024;

/// Refuses to create a cluster in `folder` if there is too little space.
pub(super) fn ensure_free_space(folder: &Path) -> Result<(), String> {
    match crate::disk_space::free_bytes(folder) {
        Ok(free) if free < MIN_FREE_BYTES => Err(disk_full_message(folder)),
        // If the free space cannot be determined, try anyway.
        _ => Ok(()),
    }
}

/// Raises the limit of open files, which the server inherits, if it is too low.
pub(super) fn ensure_open_files() -> Result<(), String> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= MIN_OPEN_FILES) {
        return Ok(());
    }
    let wanted = limit.maximum.unwrap_or(USUAL_OPEN_FILES).min(USUAL_OPEN_FILES);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), ..limit }).is_ok();
    if raised && wanted >= MIN_OPEN_FILES {
        return Ok(());
    }
    Err(format!(
        "The database cannot be started: this session lets a program have only {} files open at once, and it needs {MIN_OPEN_FILES}. Raise the limit (ulimit -n {USUAL_OPEN_FILES}) and start MeetMemo again.",
        wanted
    ))
}

pub(super) fn disk_full_message(folder: &Path) -> String {
    format!(
        "The disk that holds {} is full: the archive needs {} MB to start. Free some space, or choose another folder with --data-dir.",
        folder.display(),
        MIN_FREE_BYTES >> 20
    )
}

pub(super) fn folder_error(error: &io::Error, folder: &Path) -> String {
    if error.kind() == io::ErrorKind::StorageFull {
        disk_full_message(folder)
    } else {
        format!("The database folder {} cannot be used: {error}.", folder.display())
    }
}
