//! Where the password of a configured database comes from and where it is kept.
//!
//! An address may contain its password. For one that does not, the password is looked for in this order: the file that
//! `database_password_file` names, `.pgpass`, the key store of the system (`key_store`), and the file `database-password` in
//! the data folder, which replaces the key store where there is none. The private server's password is not here: it belongs
//! to the crate `store`.

mod key_store;

use crate::settings::{Settings, replace_file};
use crate::{DataFolder, file_names};
use anyhow::{Context, Result, anyhow};
pub(crate) use key_store::KeyStore;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs;
use std::io::{self, ErrorKind, Read};
use std::ops::Deref;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use store::{ExternalUrl, Password};

/// Longest file in bytes that is read for a password.
const MAX_FILE_BYTES: u64 = 64 << 10;

/// The address of a database as a setting gives it. `Debug` does not show it, because it may contain a password.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct DatabaseUrl(String);

impl From<String> for DatabaseUrl {
    fn from(address: String) -> Self {
        Self(address)
    }
}

impl From<&str> for DatabaseUrl {
    fn from(address: &str) -> Self {
        Self(address.to_owned())
    }
}

impl Deref for DatabaseUrl {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DatabaseUrl(…)")
    }
}

/// Where a password comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum PasswordSource {
    /// The address itself.
    Address,
    /// The file that the setting `database_password_file` names.
    PasswordFile,
    /// `.pgpass`.
    Pgpass,
    /// The key store of the system.
    KeyStore,
    /// The file `database-password` in the data folder.
    DataFolder,
    /// No password is known; the server may need none.
    Nowhere,
}

/// What was found for an address.
#[derive(Debug)]
pub(crate) struct FoundPassword {
    pub(crate) password: Option<Password>,
    pub(crate) source: PasswordSource,
    /// The file that holds it.
    pub(crate) file: Option<PathBuf>,
    /// What the user should know, such as a file that was ignored. Whole sentences.
    pub(crate) note: Option<String>,
}

/// The places where passwords are looked for.
#[derive(Debug, Clone)]
pub(crate) struct PasswordPlaces {
    /// `database_password_file`.
    pub(crate) password_file: Option<PathBuf>,
    /// `PGPASSFILE`, or `.pgpass` in the home folder.
    pub(crate) pgpass: Option<PathBuf>,
    pub(crate) key_store: KeyStore,
    /// The file that replaces the key store.
    pub(crate) data_folder_file: PathBuf,
}

impl PasswordPlaces {
    pub(crate) fn new(settings: &Settings, data: &DataFolder) -> Self {
        let named = std::env::var_os("PGPASSFILE").filter(|path| !path.is_empty()).map(PathBuf::from);
        let home = || directories::BaseDirs::new().map(|folders| folders.home_dir().join(".pgpass"));
        Self {
            password_file: settings.database_password_file.clone(),
            // Tests leave the passwords of whoever runs them alone.
            #[cfg(not(test))]
            pgpass: named.or_else(home),
            #[cfg(test)]
            pgpass: named.or_else(home).and(None),
            #[cfg(not(test))]
            key_store: KeyStore::OfSystem,
            #[cfg(test)]
            key_store: KeyStore::Missing,
            data_folder_file: data.path().join("database-password"),
        }
    }

    /// Looks for the password of `url`. May ask the user to unlock the key store.
    ///
    /// # Errors
    /// If a file that was chosen for the password cannot be used, or the key store stays locked.
    pub(crate) async fn find(&self, url: &ExternalUrl) -> Result<FoundPassword> {
        self.look(url, true).await
    }

    /// As [`PasswordPlaces::find`], but never asks the user; a password in a locked key store is reported without it.
    pub(crate) async fn locate(&self, url: &ExternalUrl) -> Result<FoundPassword> {
        self.look(url, false).await
    }

    async fn look(&self, url: &ExternalUrl, may_ask: bool) -> Result<FoundPassword> {
        if url.has_password() {
            return Ok(found(PasswordSource::Address, None, None));
        }
        if let Some(file) = &self.password_file {
            let password = read_password_file(file)?;
            return Ok(found(PasswordSource::PasswordFile, Some(password), Some(file)));
        }
        let (in_pgpass, note) = self.read_pgpass(url)?;
        if let Some(password) = in_pgpass {
            return Ok(found(PasswordSource::Pgpass, Some(password), self.pgpass.as_ref()));
        }
        let kept = if may_ask { self.key_store.get(url).await? } else { self.key_store.locate(url).await };
        let mut result = match kept {
            key_store::Kept::Here(password) => found(PasswordSource::KeyStore, Some(password), None),
            key_store::Kept::Locked => found(PasswordSource::KeyStore, None, None),
            key_store::Kept::Nothing => match self.read_data_folder(url)? {
                Some(password) => {
                    found(PasswordSource::DataFolder, Some(password), Some(&self.data_folder_file))
                }
                None => found(PasswordSource::Nowhere, None, None),
            },
        };
        result.note = note;
        Ok(result)
    }

    /// The password in `.pgpass`, and why the file was ignored if it was. As libpq, ignores a file that others can read.
    fn read_pgpass(&self, url: &ExternalUrl) -> Result<(Option<Password>, Option<String>)> {
        let Some(path) = &self.pgpass else { return Ok((None, None)) };
        match read_private(path) {
            Ok(text) => Ok((url.password_in(&text), None)),
            Err(NotReadable::Missing) => Ok((None, None)),
            Err(problem) => {
                let path = file_names::shown_path(path);
                tracing::warn!("the .pgpass file is ignored");
                Ok((None, Some(format!("{path} is ignored: {problem}."))))
            }
        }
    }

    fn read_data_folder(&self, url: &ExternalUrl) -> Result<Option<Password>> {
        match read_private(&self.data_folder_file) {
            Ok(text) => Ok(url.password_in(&text)),
            Err(NotReadable::Missing) => Ok(None),
            Err(problem) => Err(refused(&self.data_folder_file, &problem)),
        }
    }

    /// Keeps `password` in the key store; in the file of the data folder if there is none. Returns which. May ask the user
    /// to unlock the key store.
    ///
    /// # Errors
    /// If the key store stays locked, or the file cannot be written.
    pub(crate) async fn keep(&self, url: &ExternalUrl, password: &Password) -> Result<PasswordSource> {
        if self.key_store.set(url, password).await? {
            // An older copy beside the key store would outlive a change of the password.
            remove_if_there(&self.data_folder_file)?;
            return Ok(PasswordSource::KeyStore);
        }
        let line = format!("{}\n", url.pgpass_line(password));
        replace_file(&self.data_folder_file, line.as_bytes()).with_context(|| {
            format!("{} could not be written", file_names::shown_path(&self.data_folder_file))
        })?;
        Ok(PasswordSource::DataFolder)
    }

    /// Removes what [`PasswordPlaces::keep`] stored for `url`. Files of the user stay.
    ///
    /// # Errors
    /// If the key store stays locked, or the file cannot be removed.
    pub(crate) async fn forget(&self, url: &ExternalUrl) -> Result<()> {
        self.key_store.remove(url).await?;
        remove_if_there(&self.data_folder_file)
    }
}

fn found(source: PasswordSource, password: Option<Password>, file: Option<&PathBuf>) -> FoundPassword {
    FoundPassword { password, source, file: file.cloned(), note: None }
}

fn remove_if_there(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} could not be removed", file_names::shown_path(path)))
        }
        _ => Ok(()),
    }
}

/// Why a file with a password or passphrase was not read. The text is a clause.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotReadable {
    #[error("it does not exist")]
    Missing,
    #[error("other users can read it; take the permission away with chmod 600")]
    Open,
    #[error("it is no file")]
    NoFile,
    #[error("it is not Unicode")]
    NotUnicode,
    #[error("it is longer than {} KB", MAX_FILE_BYTES >> 10)]
    TooLong,
    #[error("{0}")]
    Io(io::Error),
}

/// The text of a file that only its owner can read.
pub(crate) fn read_private(path: &Path) -> Result<String, NotReadable> {
    let file = match fs::File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(NotReadable::Missing),
        opened => opened.map_err(NotReadable::Io)?,
    };
    // Of the open file, so that nobody can exchange it between the check and the reading.
    let metadata = file.metadata().map_err(NotReadable::Io)?;
    if !metadata.is_file() {
        return Err(NotReadable::NoFile);
    }
    if metadata.mode() & 0o077 != 0 {
        return Err(NotReadable::Open);
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(NotReadable::Io)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(NotReadable::TooLong);
    }
    String::from_utf8(bytes).map_err(|_| NotReadable::NotUnicode)
}

/// The content of the file that `database_password_file` names, without the line break at its end.
fn read_password_file(path: &Path) -> Result<Password> {
    let text = read_private(path).map_err(|problem| refused(path, &problem))?;
    let password = text.trim_end_matches(['\n', '\r']);
    if password.is_empty() {
        return Err(anyhow!(
            "the file with the database's password, {}, is empty",
            file_names::shown_path(path)
        ));
    }
    Ok(Password::from(password))
}

fn refused(path: &Path, problem: &NotReadable) -> anyhow::Error {
    anyhow!(
        "the file with the database's password, {}, was not read: {problem}",
        file_names::shown_path(path)
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn places(folder: &Path) -> PasswordPlaces {
        PasswordPlaces {
            password_file: None,
            pgpass: Some(folder.join("pgpass")),
            key_store: KeyStore::Missing,
            data_folder_file: folder.join("database-password"),
        }
    }

    fn write(path: &Path, text: &str, mode: u32) {
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn url() -> ExternalUrl {
        "postgresql://anna@db.example/meetings".parse().unwrap()
    }

    async fn source(places: &PasswordPlaces) -> (PasswordSource, Option<String>) {
        let found = places.find(&url()).await.unwrap();
        (found.source, found.password.map(|password| password.reveal().to_owned()))
    }

    #[tokio::test]
    async fn the_first_place_that_has_the_password_counts() {
        let folder = tempfile::tempdir().unwrap();
        let mut places = places(folder.path());
        assert_eq!(source(&places).await, (PasswordSource::Nowhere, None));

        let kept = places.keep(&url(), &"kept:here".into()).await.unwrap();
        assert_eq!(kept, PasswordSource::DataFolder);
        assert_eq!(fs::metadata(&places.data_folder_file).unwrap().mode() & 0o777, 0o600);
        assert_eq!(source(&places).await, (PasswordSource::DataFolder, Some("kept:here".to_owned())));

        let pgpass = places.pgpass.clone().unwrap();
        write(&pgpass, "db.example:5432:meetings:anna:from pgpass\n", 0o600);
        assert_eq!(source(&places).await, (PasswordSource::Pgpass, Some("from pgpass".to_owned())));

        let file = folder.path().join("password");
        write(&file, "from file \n", 0o400);
        places.password_file = Some(file);
        assert_eq!(source(&places).await, (PasswordSource::PasswordFile, Some("from file ".to_owned())));

        let with_password: ExternalUrl = "postgresql://anna:own@db.example/meetings".parse().unwrap();
        assert_eq!(places.find(&with_password).await.unwrap().source, PasswordSource::Address);
    }

    #[tokio::test]
    async fn a_kept_password_is_for_its_address_only_and_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let places = places(folder.path());
        places.keep(&url(), &"secret".into()).await.unwrap();
        let other: ExternalUrl = "postgresql://anna@elsewhere.example/meetings".parse().unwrap();
        assert_eq!(places.find(&other).await.unwrap().source, PasswordSource::Nowhere);
        places.forget(&url()).await.unwrap();
        places.forget(&url()).await.unwrap();
        assert!(!places.data_folder_file.exists());
        assert_eq!(source(&places).await, (PasswordSource::Nowhere, None));
    }

    #[tokio::test]
    async fn a_file_that_others_can_read_is_refused_or_ignored_with_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let mut places = places(folder.path());
        write(&places.pgpass.clone().unwrap(), "*:*:*:*:open", 0o640);
        let found = places.find(&url()).await.unwrap();
        assert_eq!(found.source, PasswordSource::Nowhere);
        assert!(found.note.unwrap().contains("pgpass is ignored: other users can read it"));

        let file = folder.path().join("password");
        for (text, mode, why) in [
            ("open", 0o604, "other users can read it"),
            ("\n", 0o600, "is empty"),
            ("open", 0o620, "chmod 600"),
        ] {
            write(&file, text, mode);
            places.password_file = Some(file.clone());
            let refused = format!("{:#}", places.find(&url()).await.unwrap_err());
            assert!(refused.contains(why) && !refused.contains("open,"), "{refused}");
        }
        places.password_file = Some(folder.path().join("missing"));
        let refused = format!("{:#}", places.find(&url()).await.unwrap_err());
        assert!(refused.contains("missing, was not read: it does not exist"), "{refused}");
    }

    #[test]
    fn debug_output_does_not_show_addresses_and_passwords() {
        let settings =
            Settings { database_url: Some("postgresql://anna:geheim@h/d".into()), ..Settings::default() };
        let layer = crate::SettingsLayer {
            database_url: Some("postgresql://anna:geheim@h/d".into()),
            ..crate::SettingsLayer::default()
        };
        let start = crate::StartOptions { settings: layer.clone(), ..crate::StartOptions::default() };
        let found = found(PasswordSource::Pgpass, Some("geheim".into()), None);
        for shown in
            [format!("{settings:?}"), format!("{layer:?}"), format!("{start:#?}"), format!("{found:?}")]
        {
            assert!(shown.contains('…') && !shown.contains("geheim"), "{shown}");
        }
    }
}
