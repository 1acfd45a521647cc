//! The key store of the system: the Secret Service of the desktop (GNOME Keyring, KWallet, KeePassXC), reached over the
//! session's D-Bus. Servers and containers have none.

use crate::user_error::{ErrorCode, user_error};
use anyhow::Result;
use secret_service::{Collection, EncryptionType, Error, Item, SecretService};
use std::collections::HashMap;
use std::time::Duration;
use store::{ExternalUrl, Password};
use tokio::time::timeout;

/// Longest wait for an answer that needs no person.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait for the user to unlock the key store.
const UNLOCK_TIMEOUT: Duration = Duration::from_secs(120);

/// The key store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyStore {
    /// That of the session, if there is one.
    OfSystem,
    /// None. For tests, which must not touch the user's own.
    #[cfg(test)]
    Missing,
}

/// What the key store has for an address.
#[derive(Debug)]
pub(super) enum Kept {
    Here(Password),
    /// It has a password and is locked.
    Locked,
    /// It has none, or there is no key store.
    Nothing,
}

impl KeyStore {
    /// The password of `url`. Asks the user to unlock the key store if it is locked.
    ///
    /// # Errors
    /// If it stays locked.
    pub(super) async fn get(self, url: &ExternalUrl) -> Result<Kept> {
        let Some(service) = self.connect().await else { return Ok(Kept::Nothing) };
        let names = attributes(url);
        let Some((item, is_locked)) = find(&service, &names).await else { return Ok(Kept::Nothing) };
        if is_locked {
            unlocked(item.unlock()).await?;
        }
        Ok(secret_of(&item).await.map_or(Kept::Nothing, Kept::Here))
    }

    /// Whether there is a password of `url`, without asking the user for anything.
    pub(super) async fn locate(self, url: &ExternalUrl) -> Kept {
        let Some(service) = self.connect().await else { return Kept::Nothing };
        let names = attributes(url);
        match find(&service, &names).await {
            Some((_, true)) => Kept::Locked,
            Some((item, false)) => secret_of(&item).await.map_or(Kept::Nothing, Kept::Here),
            None => Kept::Nothing,
        }
    }

    /// Stores the password of `url`; replaces an older one. `false`: there is no key store.
    ///
    /// # Errors
    /// If it stays locked.
    pub(super) async fn set(self, url: &ExternalUrl, password: &Password) -> Result<bool> {
        let Some(service) = self.connect().await else { return Ok(false) };
        let Some(collection) = default_collection(&service).await else { return Ok(false) };
        if collection.is_locked().await.unwrap_or(false) {
            unlocked(collection.unlock()).await?;
        }
        let names = attributes(url);
        let label = format!("MeetMemo: database {}", url.display_name());
        let stored = collection.create_item(
            &label,
            borrowed(&names),
            password.reveal().as_bytes(),
            true,
            "text/plain",
        );
        // A key store may ask the user for consent.
        match timeout(UNLOCK_TIMEOUT, stored).await {
            Ok(Ok(_)) => Ok(true),
            Ok(Err(error)) => {
                tracing::warn!(reason = kind(&error), "the key store did not accept a password");
                Ok(false)
            }
            Err(_) => Err(stays_locked()),
        }
    }

    /// Removes the password of `url`, if there is one.
    ///
    /// # Errors
    /// If the key store stays locked.
    pub(super) async fn remove(self, url: &ExternalUrl) -> Result<()> {
        let Some(service) = self.connect().await else { return Ok(()) };
        let names = attributes(url);
        let Some((item, is_locked)) = find(&service, &names).await else { return Ok(()) };
        if is_locked {
            unlocked(item.unlock()).await?;
        }
        unlocked(item.delete()).await
    }

    async fn connect(self) -> Option<SecretService<'static>> {
        #[cfg(test)]
        if self == Self::Missing {
            return None;
        }
        match timeout(ANSWER_TIMEOUT, SecretService::connect(EncryptionType::Dh)).await {
            Ok(Ok(service)) => Some(service),
            Ok(Err(error)) => {
                tracing::debug!(reason = kind(&error), "there is no key store");
                None
            }
            Err(_) => {
                tracing::warn!("the key store does not answer");
                None
            }
        }
    }
}

/// The item of these attributes, and whether it is locked.
async fn find<'a>(
    service: &'a SecretService<'a>,
    names: &[(&'static str, String)],
) -> Option<(Item<'a>, bool)> {
    let found = timeout(ANSWER_TIMEOUT, service.search_items(borrowed(names))).await;
    match found {
        Ok(Ok(items)) => {
            let unlocked = items.unlocked.into_iter().next().map(|item| (item, false));
            unlocked.or_else(|| items.locked.into_iter().next().map(|item| (item, true)))
        }
        Ok(Err(error)) => {
            tracing::warn!(reason = kind(&error), "the key store cannot be searched");
            None
        }
        Err(_) => {
            tracing::warn!("the key store does not answer");
            None
        }
    }
}

async fn secret_of(item: &Item<'_>) -> Option<Password> {
    match timeout(ANSWER_TIMEOUT, item.get_secret()).await {
        Ok(Ok(secret)) => String::from_utf8(secret).ok().map(Password::from),
        Ok(Err(error)) => {
            tracing::warn!(reason = kind(&error), "the key store gave no password");
            None
        }
        Err(_) => None,
    }
}

async fn default_collection<'a>(service: &'a SecretService<'a>) -> Option<Collection<'a>> {
    match timeout(ANSWER_TIMEOUT, service.get_default_collection()).await {
        Ok(Ok(collection)) => Some(collection),
        // No collection is the default one, as on a desktop that was never set up.
        Ok(Err(_)) => timeout(ANSWER_TIMEOUT, service.get_any_collection()).await.ok()?.ok(),
        Err(_) => None,
    }
}

/// Waits for the user to unlock the key store, or to agree.
async fn unlocked(asking: impl Future<Output = Result<(), Error>>) -> Result<()> {
    match timeout(UNLOCK_TIMEOUT, asking).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => {
            tracing::debug!(reason = kind(&error), "the key store stays locked");
            Err(stays_locked())
        }
        Err(_) => Err(stays_locked()),
    }
}

fn stays_locked() -> anyhow::Error {
    user_error(
        ErrorCode::Other,
        "The key store of your system, which holds the database's password, stayed locked. Unlock it and try again, or put the password into a file that the setting database_password_file names.",
    )
}

/// What the password belongs to.
fn attributes(url: &ExternalUrl) -> [(&'static str, String); 5] {
    let [host, port, database, user] = url.pgpass_fields();
    [
        ("application", "meetmemo".to_owned()),
        ("server", host),
        ("port", port),
        ("database", database),
        ("user", user),
    ]
}

fn borrowed<'a>(names: &'a [(&'static str, String)]) -> HashMap<&'a str, &'a str> {
    names.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

/// The kind of an error, for the log.
fn kind(error: &Error) -> &'static str {
    match error {
        Error::Crypto(_) => "encryption",
        Error::Zbus(_) | Error::ZbusFdo(_) | Error::Zvariant(_) => "D-Bus",
        Error::Locked => "locked",
        Error::NoResult => "no result",
        Error::Prompt | Error::PromptDisconnected => "dismissed by the user",
        Error::Unavailable => "not available",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[tokio::test]
    #[ignore = "it needs a session with an unlocked key store, and writes into it"]
    async fn a_password_is_stored_found_replaced_and_removed() {
        let user = uuid::Uuid::new_v4().simple();
        let url: ExternalUrl = format!("postgresql://{user}@db.example/meetings").parse().unwrap();
        let store = KeyStore::OfSystem;
        let found = async || match store.get(&url).await.unwrap() {
            Kept::Here(password) => Some(password.reveal().to_owned()),
            Kept::Locked | Kept::Nothing => None,
        };
        assert_eq!(found().await, None);
        for password in ["first", "second ü"] {
            assert!(store.set(&url, &password.into()).await.unwrap(), "there is a key store");
            assert_eq!(found().await.as_deref(), Some(password));
            assert!(matches!(store.locate(&url).await, Kept::Here(_)));
        }
        let other: ExternalUrl = format!("postgresql://{user}@elsewhere.example/meetings").parse().unwrap();
        assert!(matches!(store.get(&other).await.unwrap(), Kept::Nothing));
        store.remove(&url).await.unwrap();
        assert_eq!(found().await, None);
        store.remove(&url).await.unwrap();
    }
}
