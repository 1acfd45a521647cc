//! `settings.toml` as a backup holds it: without secrets, and without what belongs to one computer.

use anyhow::{Context, Result};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// Settings that a backup leaves out: where the database is, how to log in, and folders of this computer.
const LEFT_OUT: [&str; 7] = [
    "database_url",
    "database_password_file",
    "model_mirror",
    "model_catalogue",
    "backup_place",
    "backup_passphrase_file",
    "decoders",
];

/// The settings to back up; `None` if the file is missing or invalid.
pub(super) fn settings_to_back_up(data_folder: &Path) -> Option<String> {
    let text = fs::read_to_string(data_folder.join("settings.toml")).ok()?;
    without_secrets(&text)
}

fn without_secrets(text: &str) -> Option<String> {
    let mut document: toml_edit::DocumentMut = text.parse().ok()?;
    for name in LEFT_OUT {
        document.remove(name);
    }
    // Comments may hold anything, such as an old address with its password.
    let values: toml::Table = toml::from_str(&document.to_string()).ok()?;
    toml::to_string(&values).ok()
}

/// Writes settings of a backup into a data folder whose own file sets nothing. Returns whether it did.
///
/// # Errors
/// If the file cannot be read or written.
pub(super) fn restore_settings(data_folder: &Path, settings: &str) -> Result<bool> {
    let path = data_folder.join("settings.toml");
    let message = || format!("{} could not be changed", path.display());
    let present = match fs::read_to_string(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        text => text.with_context(message)?,
    };
    let sets_something = toml::from_str::<toml::Table>(&present).is_ok_and(|table| !table.is_empty());
    let Some(settings) = without_secrets(settings).filter(|settings| !settings.trim().is_empty()) else {
        return Ok(false);
    };
    if sets_something {
        return Ok(false);
    }
    let text = format!("{}\n# Restored from a backup.\n{settings}", present.trim_end());
    crate::replace_file(&path, text.as_bytes()).with_context(message)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn neither_values_nor_comments_hold_a_secret() {
        let text = "# database_url = \"postgresql://anna:old-secret@h/d\"\ndatabase_url = \"postgresql://anna:secret@h/d\"\npaper = \"letter\" # secret\n";
        assert_eq!(without_secrets(text).unwrap(), "paper = \"letter\"\n");
    }

    #[test]
    fn settings_come_back_only_where_none_are_set() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("settings.toml");
        fs::write(&path, "# only comments\n").unwrap();
        assert!(restore_settings(dir.path(), "paper = \"letter\"\ndatabase_url = \"x\"\n").unwrap());
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("# only comments\n") && text.ends_with("paper = \"letter\"\n"), "{text}");
        assert!(!restore_settings(dir.path(), "paper = \"a4\"\n").unwrap());
    }
}
