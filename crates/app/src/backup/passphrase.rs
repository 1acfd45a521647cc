//! The passphrase of encrypted backups: the first line of a file that only its owner can read.

use crate::LocalApp;
use crate::file_names::shown_path;
use crate::secrets::read_private;
use anyhow::{Context, Result, bail};
use orion::kdf::Password;
use std::path::{Path, PathBuf};

/// Fewest characters of a passphrase.
const MIN_CHARACTERS: usize = 8;

/// A passphrase. Debug output does not show it.
#[derive(Debug)]
pub(super) struct Passphrase(Password);

impl Passphrase {
    /// Passphrase without its line break.
    ///
    /// # Errors
    /// If it is too short; the clause says so.
    pub(super) fn new(text: &str) -> Result<Self> {
        if text.chars().count() < MIN_CHARACTERS {
            bail!("its first line, the passphrase, has fewer than {MIN_CHARACTERS} characters");
        }
        Ok(Self(Password::try_from(text.as_bytes()).ok().context("its first line is empty")?))
    }

    pub(super) fn password(&self) -> &Password {
        &self.0
    }
}

/// The file with the passphrase, if one is named. It is read only for a backup that is encrypted, or is to be.
#[derive(Debug, Clone, Default)]
pub(super) struct PassphraseFile(Option<PathBuf>);

impl PassphraseFile {
    pub(super) fn new(path: Option<PathBuf>) -> Self {
        Self(path)
    }

    pub(super) fn is_named(&self) -> bool {
        self.0.is_some()
    }

    /// The passphrase; `None` if no file is named.
    ///
    /// # Errors
    /// If the file cannot be read, others can read it, or the passphrase is too short.
    pub(super) fn read(&self) -> Result<Option<Passphrase>> {
        let Some(path) = &self.0 else { return Ok(None) };
        let passphrase = read_passphrase(path).with_context(|| {
            format!("the file with the passphrase of the backup, {}, was not used", shown_path(path))
        })?;
        Ok(Some(passphrase))
    }
}

fn read_passphrase(path: &Path) -> Result<Passphrase> {
    let text = read_private(path)?;
    let line = text.split('\n').next().unwrap_or_default();
    Passphrase::new(line.strip_suffix('\r').unwrap_or(line))
}

impl LocalApp {
    /// The file that the command line or the setting names now.
    pub(super) fn passphrase_file(&self) -> PassphraseFile {
        PassphraseFile::new(self.backup_settings().backup_passphrase_file)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_first_line_of_a_private_file_is_the_passphrase_and_anything_else_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("passphrase");
        let read = |text: &[u8], mode: u32| {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            PassphraseFile::new(Some(path.clone())).read()
        };
        let expected = Passphrase::new("vier Wörter und mehr ").unwrap();
        for text in
            ["vier Wörter und mehr ", "vier Wörter und mehr \n", "vier Wörter und mehr \r\nsecond line\n"]
        {
            let passphrase = read(text.as_bytes(), 0o600).unwrap().unwrap();
            assert_eq!(passphrase.password(), expected.password(), "{text:?}");
        }
        assert!(read("acht ööö".as_bytes(), 0o400).is_ok());
        for (text, mode, reason) in [
            (&b"a good passphrase\n"[..], 0o640, "other users can read it"),
            (b"a good passphrase\n", 0o602, "chmod 600"),
            (b"", 0o600, "fewer than 8"),
            (b"\na good passphrase\n", 0o600, "fewer than 8"),
            ("ööööööö".as_bytes(), 0o600, "fewer than 8"),
            (b"\xff\xfe a good passphrase", 0o600, "not Unicode"),
            (&[b'x'; 70_000], 0o600, "longer than 64 KB"),
        ] {
            let refused = format!("{:#}", read(text, mode).unwrap_err());
            assert!(refused.contains(reason) && refused.contains("passphrase, was not used: "), "{refused}");
            assert!(!refused.contains("a good"), "{refused}");
        }
        let missing = PassphraseFile::new(Some(dir.path().join("missing"))).read().unwrap_err();
        assert!(format!("{missing:#}").contains("missing, was not used: it does not exist"));
        assert!(PassphraseFile::default().read().unwrap().is_none());
    }
}
