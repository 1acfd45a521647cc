//! The file of an export: where it is written, and how. It is written under a temporary name in the same folder, synced
//! and renamed, so it is complete or not there.

use crate::ErrorCode;
use crate::exports::ExportRequest;
use crate::file_names::shown_path;
use crate::user_error::user_error;
use anyhow::{Context, Result};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use store::ExportId;

/// Writes `bytes` to `path`. Without `replace`, only if there is no file of that name. Blocks.
///
/// # Errors
/// A sentence that names the path and says what is wrong.
pub(super) fn write_file(bytes: &[u8], path: &Path, id: ExportId, replace: bool) -> Result<()> {
    write_with(path, id, replace, |draft| draft.write_all(bytes).map_err(Into::into))
}

/// Like [`write_file`]; `write` writes the content.
pub(super) fn write_with(
    path: &Path,
    id: ExportId,
    replace: bool,
    write: impl FnOnce(&mut File) -> Result<()>,
) -> Result<()> {
    refuse_special(path)?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    let draft = folder.join(format!(".meetmemo-{id}.part"));
    let written = (|| -> Result<()> {
        let mut file = File::create(&draft)?;
        write(&mut file)?;
        file.sync_all()?;
        if replace {
            fs::rename(&draft, path)?
        } else {
            rename_to_free(&draft, path)?
        }
        Ok(())
    })();
    let Err(error) = written else { return Ok(()) };
    let _ = fs::remove_file(&draft);
    Err(match error.downcast::<io::Error>() {
        Ok(error) if error.kind() == ErrorKind::AlreadyExists => already_exists(path),
        Ok(error) => write_error(error, path),
        Err(other) => other,
    })
}

/// The message for a file that could not be written.
pub(super) fn write_error(error: io::Error, path: &Path) -> anyhow::Error {
    let folder = path.parent().unwrap_or(Path::new("/"));
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => user_error(
            ErrorCode::DiskFull,
            format!("{} could not be written: the disk is full.", shown_path(path)),
        ),
        ErrorKind::NotFound => user_error(
            ErrorCode::Other,
            format!("{} could not be written: there is no folder {}.", shown_path(path), shown_path(folder)),
        ),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => user_error(
            ErrorCode::Other,
            format!("{} could not be written: it is not allowed there.", shown_path(path)),
        ),
        _ => anyhow::Error::from(error).context(format!("{} could not be written", shown_path(path))),
    }
}

/// Refuses a path that is not a regular file and would be lost if a file replaced it: a device, a pipe, a socket, and
/// the system's names for streams, such as `/dev/stdout`.
fn refuse_special(path: &Path) -> Result<()> {
    let special = fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir());
    let stream =
        || path.starts_with("/dev") && fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
    if special || path.starts_with("/proc") || stream() {
        return Err(user_error(
            ErrorCode::NotOffered,
            format!(
                "{} is a device or a pipe, not a file, so the export was not written there. Choose the name of a file.",
                shown_path(path)
            ),
        ));
    }
    Ok(())
}

/// Renames `draft` to `path`, unless that name is taken. Uses a hard link, which fails then; a rename would replace the
/// file.
fn rename_to_free(draft: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(draft, path) {
        Ok(()) => fs::remove_file(draft),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(error),
        // The file system has no hard links.
        Err(_) if path.exists() => Err(ErrorKind::AlreadyExists.into()),
        Err(_) => fs::rename(draft, path),
    }
}

fn already_exists(path: &Path) -> anyhow::Error {
    user_error(
        ErrorCode::AlreadyExists,
        format!("{} exists already. Choose another name, or replace it with --force.", shown_path(path)),
    )
}

/// Refuses a path at which there is something.
pub(super) fn refuse_existing(path: &Path) -> Result<()> {
    if path.exists() { Err(already_exists(path)) } else { Ok(()) }
}

/// The path of an export with the file name `name`: as requested, else in `own`, the app's folder of exports.
pub(super) fn destination(request: &ExportRequest, own: &Path, name: String) -> Result<PathBuf> {
    let path = match &request.output {
        None => free_name(own, &name, |path| !path.exists()),
        Some(output) => {
            let output = std::path::absolute(output)
                .with_context(|| format!("{} is not a path to write to", shown_path(output)))?;
            if output.is_dir() { output.join(name) } else { output }
        }
    };
    refuse_special(&path)?;
    if !request.replace {
        refuse_existing(&path)?;
    }
    Ok(path)
}

/// The SHA-256 of the file at `path`, in hexadecimal; `None` if it cannot be read. Blocks.
pub(super) fn sha256_of(path: &Path) -> Option<String> {
    crate::import::hash::hash_of(path).ok()
}

/// A path for `name` in `folder` for which `is_free` holds, with a number if it does not hold without one.
pub(super) fn free_name(folder: &Path, name: &str, is_free: impl Fn(&Path) -> bool) -> PathBuf {
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    std::iter::once(folder.join(name))
        .chain((2..).map(|number| folder.join(format!("{stem} ({number}).{extension}"))))
        .find(|path| is_free(path))
        .expect("the numbers do not end")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn a_device_or_pipe_is_never_replaced_by_a_file() {
        use std::os::unix::net::UnixListener;
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("socket");
        let _listens = UnixListener::bind(&socket).unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink("/dev/null", &link).unwrap();
        for path in [socket.as_path(), &link, Path::new("/dev/stdout"), Path::new("/proc/self/fd/1")] {
            let refused = write_file(b"words", path, ExportId::new(), true).unwrap_err().to_string();
            assert!(
                refused.contains("not a file") && refused.contains(&*path.to_string_lossy()),
                "{refused}"
            );
            assert!(!path.is_file() || path.starts_with("/dev") || path.starts_with("/proc"));
        }
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "no draft is left");
    }

    #[test]
    fn an_existing_file_is_replaced_only_on_request() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.md");
        write_file(b"one", &path, ExportId::new(), false).unwrap();
        let refused = write_file(b"two", &path, ExportId::new(), false).unwrap_err();
        assert_eq!(ErrorCode::of(&refused), ErrorCode::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        write_file(b"two", &path, ExportId::new(), true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn a_missing_folder_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let error = write_file(b"", &dir.path().join("no/a.md"), ExportId::new(), false).unwrap_err();
        assert!(error.to_string().contains("there is no folder"), "{error}");
    }

    #[test]
    fn a_taken_name_in_our_own_folder_gets_a_number() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.md"), "").unwrap();
        let free = |path: &Path| !path.exists();
        assert_eq!(free_name(dir.path(), "a.md", free), dir.path().join("a (2).md"));
    }
}
