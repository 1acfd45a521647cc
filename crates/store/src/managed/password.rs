//! The files with the password of the private server's role, and how one replaces the other.
//!
//! `password` holds the password. While it is changed, `password.new` holds the next one: it is written first, then the
//! server takes it (`server::change_password`), then it is renamed to `password`. Whenever the program is killed, one of
//! the two files has the password that the server accepts, and clients try both ([`Cluster::password_except`]). A lock on
//! the folder keeps it to one change at a time.

use super::{Cluster, ManagedError, write_private};
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::PathBuf;

/// The file with the password.
pub(super) const FILE: &str = "password";
/// The file with the next password.
const NEW_FILE: &str = "password.new";

/// A new password: 256 random bits in hexadecimal.
pub(super) fn random() -> io::Result<String> {
    let mut bytes = [0u8; 32];
    io::Read::read_exact(&mut File::open("/dev/urandom")?, &mut bytes)?;
    Ok(bytes.iter().map(|b| format!("{b:02x}")).collect())
}

impl Cluster {
    fn password_file(&self) -> PathBuf {
        self.folder.join(FILE)
    }

    fn new_password_file(&self) -> PathBuf {
        self.folder.join(NEW_FILE)
    }

    /// A password that the server may accept and that is not among those it has `refused`. The next password is read
    /// before the present one, so that a rename between the two hides neither.
    pub(crate) fn password_except(&self, refused: &[String]) -> Option<String> {
        let files = [self.new_password_file(), self.password_file()];
        let passwords = files.map(|file| fs::read_to_string(file).ok());
        passwords.into_iter().rev().flatten().find(|password| !refused.contains(password))
    }

    /// Ends a change of the password that was interrupted: the server accepts `valid`, and `password` holds another one.
    /// Does nothing while another process changes the password.
    pub(crate) fn finish_password_change(&self, valid: &str) {
        let finished = File::open(&self.folder).and_then(|folder| match folder.try_lock() {
            Ok(()) if self.next_password().as_deref() == Some(valid) => self.adopt_next_password(),
            Ok(()) | Err(TryLockError::WouldBlock) => Ok(()),
            Err(TryLockError::Error(error)) => Err(error),
        });
        if let Err(error) = finished {
            // The archive is open; the next connection tries both files again.
            tracing::warn!(%error, "the file of the changed database password could not be renamed");
        }
    }

    /// Waits for the right to change the password, which ends when the file is dropped. Blocks the thread.
    pub(crate) fn lock_password(&self) -> Result<File, ManagedError> {
        let folder = File::open(&self.folder).map_err(|error| self.folder_error(error))?;
        folder.lock().map_err(|error| self.folder_error(error))?;
        Ok(folder)
    }

    /// The password that an interrupted change left.
    pub(crate) fn next_password(&self) -> Option<String> {
        fs::read_to_string(self.new_password_file()).ok()
    }

    /// Makes a new password and stores it as the next one. The caller holds the lock.
    pub(crate) fn write_next_password(&self) -> Result<String, ManagedError> {
        let write = || {
            let (password, path) = (random()?, self.new_password_file());
            write_private(&path, &password)?;
            // If root changes it, the archive stays that of its owner.
            let (present, new) = (fs::metadata(self.password_file())?, fs::metadata(&path)?);
            if (present.uid(), present.gid()) != (new.uid(), new.gid()) {
                chown(&path, Some(present.uid()), Some(present.gid()))?;
            }
            File::open(&self.folder)?.sync_all()?;
            Ok(password)
        };
        write().map_err(|error| self.folder_error(error))
    }

    /// The next password becomes the present one: the server has taken it. The caller holds the lock.
    pub(crate) fn adopt_next_password(&self) -> io::Result<()> {
        fs::rename(self.new_password_file(), self.password_file())?;
        File::open(&self.folder)?.sync_all()
    }

    pub(crate) fn folder_error(&self, reason: io::Error) -> ManagedError {
        ManagedError::Folder { path: self.folder.clone(), reason }
    }
}
