//! Finds the data folder, and names the files and folders in it.
//!
//! `settings.toml` · `database/` (the private server) · `library/<job id>/` (audio) · `library/incoming/` (copies in
//! progress) · `imports/` (lists of imports in progress) · `models/` · `exports/` · `logs/` · `backup.lock` · `backup-state.json`.

use crate::file_names::shown_path;
use anyhow::{Context, Result, anyhow};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use store::{LibraryId, MachineId};
use uuid::Uuid;

/// The file in the library that holds its id.
pub(crate) const LIBRARY_ID: &str = "library-id";

/// The data folder, and what selected it.
#[derive(Debug, Clone)]
pub struct DataFolder {
    path: PathBuf,
    chosen_by: &'static str,
}

impl DataFolder {
    /// The folder given on the command line, else `MEETMEMO_DATA_DIR`, else the path in the file `data-folder` in the
    /// platform's configuration folder, else the platform's default for data. Creates it.
    ///
    /// # Errors
    /// If the system has no home folder, or the folder cannot be created.
    pub fn find(command_line: Option<PathBuf>) -> Result<Self> {
        let (path, chosen_by) = if let Some(path) = command_line {
            (path, "--data-dir")
        } else if let Some(path) = std::env::var_os("MEETMEMO_DATA_DIR").filter(|p| !p.is_empty()) {
            (PathBuf::from(path), "MEETMEMO_DATA_DIR")
        } else {
            let places = directories::ProjectDirs::from("", "", "MeetMemo").ok_or_else(|| {
                anyhow!("this system has no home folder for your data; choose a folder with --data-dir")
            })?;
            match fs::read_to_string(places.config_dir().join("data-folder")) {
                Ok(remembered) if !remembered.trim().is_empty() => {
                    (PathBuf::from(remembered.trim_end_matches(['\n', '\r'])), "your choice, remembered")
                }
                _ => (places.data_dir().to_owned(), "the usual place"),
            }
        };
        refuse_line_breaks(&path)?;
        let message = || format!("the data folder {} cannot be used", path.display());
        make_private(&path).with_context(message)?;
        let path = path.canonicalize().with_context(message)?;
        // The path may have been a link.
        refuse_line_breaks(&path)?;
        Ok(Self { path, chosen_by })
    }

    /// The folder itself, absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What selected it: an option, a variable, or the default.
    pub fn chosen_by(&self) -> &'static str {
        self.chosen_by
    }

    /// The private server's folder.
    pub fn database(&self) -> PathBuf {
        self.path.join("database")
    }

    /// The audio.
    pub fn library(&self) -> PathBuf {
        self.path.join("library")
    }

    /// Copies in progress. On the library's file system, so that a rename completes a copy.
    pub fn incoming(&self) -> PathBuf {
        self.library().join("incoming")
    }

    /// Lists of imports in progress.
    pub fn imports(&self) -> PathBuf {
        self.path.join("imports")
    }

    /// Exports that were made without a path.
    pub fn exports(&self) -> PathBuf {
        self.path.join("exports")
    }

    /// Speech models.
    pub fn models(&self) -> PathBuf {
        self.path.join("models")
    }

    /// The file that a backup locks (shared) so that no audio is removed meanwhile.
    pub(crate) fn backup_lock(&self) -> PathBuf {
        self.path.join("backup.lock")
    }

    /// What is known of earlier backups.
    pub(crate) fn backup_state(&self) -> PathBuf {
        self.path.join("backup-state.json")
    }

    /// Log files.
    pub fn logs(&self) -> PathBuf {
        self.path.join("logs")
    }

    /// Creates the folders inside.
    ///
    /// # Errors
    /// If one cannot be created. The message names it.
    pub(crate) fn prepare(&self) -> Result<()> {
        for folder in
            [self.library(), self.incoming(), self.imports(), self.exports(), self.models(), self.logs()]
        {
            make_private(&folder)
                .with_context(|| format!("the folder {} cannot be made", folder.display()))?;
        }
        Ok(())
    }

    /// The id by which a shared database knows which recordings are in this library.
    ///
    /// # Errors
    /// If it can be neither read nor written.
    pub(crate) fn library_id(&self) -> Result<LibraryId> {
        stored_id(&self.library().join(LIBRARY_ID)).map(LibraryId::from)
    }

    /// Sets the id of a library that has none yet. Returns whether it was set.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn adopt_library_id(&self, id: LibraryId) -> Result<bool> {
        let path = self.library().join(LIBRARY_ID);
        if path.exists() {
            return Ok(false);
        }
        self.prepare()?;
        crate::replace_file(&path, format!("{id}\n").as_bytes())
            .with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(true)
    }

    /// The id of this computer. All data folders on it have the same id if the system has one.
    ///
    /// # Errors
    /// If the system has none and ours can be neither read nor written.
    pub(crate) fn machine_id(&self) -> Result<MachineId> {
        let system = fs::read_to_string("/etc/machine-id").unwrap_or_default();
        if system.trim().is_empty() {
            return stored_id(&self.path.join("machine-id")).map(MachineId::from);
        }
        // machine-id(5) asks applications not to expose the value, so it is hashed. Containers made from one image
        // share it, but not the host name.
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let hash = Sha256::digest(format!("meetmemo {} {}", system.trim(), host.trim()));
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash[..16]);
        Ok(MachineId::from(Uuid::from_bytes(bytes)))
    }

    /// The name of the synchronisation program whose folder this seems to be in. Such a program copies a running
    /// database file by file, which damages the copy.
    pub fn synced_by(&self) -> Option<&'static str> {
        const SYNCED: [(&str, &str); 6] = [
            ("dropbox", "Dropbox"),
            ("onedrive", "OneDrive"),
            ("google drive", "Google Drive"),
            ("mobile documents", "iCloud Drive"),
            ("nextcloud", "Nextcloud"),
            ("owncloud", "ownCloud"),
        ];
        self.path.components().find_map(|part| {
            let part = part.as_os_str().to_string_lossy().to_lowercase();
            SYNCED.iter().find(|(name, _)| part.starts_with(name)).map(|(_, program)| *program)
        })
    }
}

/// The user's documents folder, if the system has one.
pub fn documents_folder() -> Option<PathBuf> {
    directories::UserDirs::new()?.document_dir().map(Path::to_owned)
}

/// Refuses a path with a line break: PostgreSQL writes the path as one line of its files and reads it back.
fn refuse_line_breaks(path: &Path) -> Result<()> {
    if path.as_os_str().as_encoded_bytes().iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
        return Err(anyhow!(
            "the data folder {} has a line break in its path, which the database cannot work with; rename the folder, or choose another one with --data-dir",
            shown_path(path)
        ));
    }
    Ok(())
}

/// Creates a folder that only its owner can enter. An existing folder is left as it is.
pub(crate) fn make_private(path: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// The id in the file `path`, created at first use. If two processes create it at once, both get the same id.
fn stored_id(path: &Path) -> Result<Uuid> {
    let read = || -> Result<Uuid> {
        let text = fs::read_to_string(path)?;
        Ok(Uuid::parse_str(text.trim())?)
    };
    if let Ok(id) = read() {
        return Ok(id);
    }
    let message = || format!("{} does not hold an id", path.display());
    let draft = path.with_extension(Uuid::new_v4().simple().to_string());
    let written = (|| {
        let mut file = fs::File::create(&draft)?;
        writeln!(file, "{}", Uuid::now_v7())?;
        file.sync_all()?;
        match fs::hard_link(&draft, path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            // The file system has no hard links. The race between two renames is harmless on a first start.
            Err(_) => fs::rename(&draft, path),
            linked => linked,
        }
    })();
    let _ = fs::remove_file(&draft);
    written.with_context(message)?;
    read().with_context(message)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn ids_stay_the_same_and_the_folder_is_private() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let folder = DataFolder::find(Some(dir.path().join("näw folder/x"))).unwrap();
        folder.prepare().unwrap();
        assert_eq!(folder.library_id().unwrap(), folder.library_id().unwrap());
        assert_eq!(folder.machine_id().unwrap(), folder.machine_id().unwrap());
        assert_eq!(fs::metadata(folder.path()).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_path_with_a_line_break_is_refused_before_anything_is_created() {
        let dir = tempfile::tempdir().unwrap();
        let broken = dir.path().join("a\nb");
        let refused = DataFolder::find(Some(broken.clone())).unwrap_err().to_string();
        assert!(refused.contains("a�b has a line break") && refused.contains("--data-dir"), "{refused}");
        assert!(!broken.exists());
        fs::create_dir(&broken).unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&broken, &link).unwrap();
        assert!(DataFolder::find(Some(link)).is_err(), "a link to such a folder");
        assert_eq!(fs::read_dir(&broken).unwrap().count(), 0);
    }

    #[test]
    fn a_synced_folder_is_recognised_by_its_name() {
        let in_folder = |path: &str| DataFolder { path: path.into(), chosen_by: "" }.synced_by();
        assert_eq!(in_folder("/home/a/Dropbox/meetings"), Some("Dropbox"));
        assert_eq!(in_folder("/home/a/OneDrive - Company/x"), Some("OneDrive"));
        assert_eq!(in_folder("/home/a/.local/share/meetmemo"), None);
    }
}
