//! `key.json` of an encrypted backup: the key of its content, sealed with a key that is derived from the passphrase.
//!
//! The content has a random key of its own, so another passphrase needs another `key.json` only. Without one nothing in
//! the backup can be read, so it is there twice: also in `snapshots/`.

use super::damage::Damage;
use super::layout::{ContentHash, KEY_FILES};
use super::passphrase::{Passphrase, PassphraseFile};
use super::sealing::{ContentKey, is_sealed};
use crate::import::hash::hex;
use crate::user_error::{ErrorCode, user_error};
use anyhow::{Context, Result, bail};
use orion::aead;
use orion::kdf::{self, CostParams, Salt};
use serde::{Deserialize, Serialize};
use std::io::{self, ErrorKind};
use std::path::Path;

/// The version of the format that this program writes; it reads no greater one.
const FORMAT: u32 = 1;
/// Memory of Argon2id for new backups, in KiB. With [`ITERATIONS`] a guess takes about half a second.
const MEMORY_KIB: u32 = 64 << 10;
/// Iterations of Argon2id for new backups.
const ITERATIONS: u32 = 8;
/// Most memory that a backup may ask for, in KiB.
const MAX_MEMORY_KIB: u32 = 256 << 10;
/// Most iterations that a backup may ask for.
const MAX_ITERATIONS: u32 = 64;
/// Size of keys in bytes.
const KEY_BYTES: u32 = 32;
/// Size of the largest `key.json` that is read, in bytes.
pub(super) const MAX_BYTES: u64 = 64 << 10;

/// The content of `key.json`. Bytes are in hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyFile {
    /// See [`FORMAT`].
    format: u32,
    /// Always Argon2id with one lane.
    derivation: Derivation,
    memory_kib: u32,
    iterations: u32,
    salt: String,
    /// The key of the content: a nonce of 24 bytes, then XChaCha20-Poly1305 with the derived key.
    sealed_key: String,
    /// Of the other fields, so that damage does not look like a wrong passphrase.
    sha256: ContentHash,
}

/// How the key that seals the key comes from the passphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Derivation {
    Argon2id,
}

impl KeyFile {
    /// A new random key for content, sealed with `passphrase`. Takes about half a second.
    pub(super) fn create(passphrase: &Passphrase) -> Result<(Self, ContentKey)> {
        Self::create_with(passphrase, MEMORY_KIB, ITERATIONS)
    }

    fn create_with(passphrase: &Passphrase, memory_kib: u32, iterations: u32) -> Result<(Self, ContentKey)> {
        let no_random_numbers = "the system gives no random numbers";
        let salt = Salt::generate().ok().context(no_random_numbers)?;
        let content_key = aead::SecretKey::generate().ok().context(no_random_numbers)?;
        let content_key: &[u8] = content_key.unprotected_as_ref();
        let derived = derive(passphrase, &salt, memory_kib, iterations)?;
        let sealed = aead::seal(&derived, content_key).ok().context("the key could not be sealed")?;
        let mut file = Self {
            format: FORMAT,
            derivation: Derivation::Argon2id,
            memory_kib,
            iterations,
            salt: hex(salt.as_ref()),
            sealed_key: hex(&sealed),
            sha256: ContentHash::of(&[]),
        };
        file.sha256 = file.checksum();
        let key = ContentKey::from_bytes(content_key).context("a key has 32 bytes")?;
        Ok((file, key))
    }

    /// The key of the content; `None` if the passphrase does not fit. Takes about half a second.
    fn open(&self, passphrase: &Passphrase) -> Result<Option<ContentKey>> {
        let salt = bytes_of(&self.salt).and_then(|salt| Salt::try_from(&salt).ok());
        let sealed = bytes_of(&self.sealed_key).context("its key is no hexadecimal number")?;
        let salt = salt.context("its salt is no hexadecimal number")?;
        let derived = derive(passphrase, &salt, self.memory_kib, self.iterations)?;
        let opened = aead::open(&derived, &sealed).ok();
        Ok(opened.and_then(|key| ContentKey::from_bytes(&key)))
    }

    pub(super) fn to_text(&self) -> Result<Vec<u8>> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(text)
    }

    /// Reads a file that is exactly as it was written.
    ///
    /// # Errors
    /// What is wrong, as a clause that follows the name of the file.
    fn parse(text: &[u8]) -> Result<Self> {
        let format =
            serde_json::from_slice::<serde_json::Value>(text).ok().and_then(|file| file["format"].as_u64());
        if format.is_some_and(|format| format > u64::from(FORMAT)) {
            bail!("was made by a newer MeetMemo, or is damaged; update MeetMemo to read it");
        }
        let file: Self = serde_json::from_slice(text).ok().context("is damaged")?;
        let is_usable = (8..=MAX_MEMORY_KIB).contains(&file.memory_kib)
            && (1..=MAX_ITERATIONS).contains(&file.iterations)
            && file.sha256 == file.checksum();
        if !is_usable || file.to_text()? != text {
            bail!("is damaged");
        }
        Ok(file)
    }

    fn checksum(&self) -> ContentHash {
        let Self { format, memory_kib, iterations, salt, sealed_key, .. } = self;
        ContentHash::of(format!("{format} argon2id {memory_kib} {iterations} {salt} {sealed_key}").as_bytes())
    }
}

/// The key that seals the key of the content.
fn derive(passphrase: &Passphrase, salt: &Salt, memory_kib: u32, iterations: u32) -> Result<kdf::SecretKey> {
    let derived = CostParams::new(iterations, memory_kib, 1)
        .and_then(|cost| kdf::derive_key(passphrase.password(), salt, &cost, KEY_BYTES));
    derived.ok().context("no key could be derived from the passphrase")
}

fn bytes_of(digits: &str) -> Option<Vec<u8>> {
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits.as_bytes().chunks(2).map(byte).collect()
}

/// The key of a backup that is encrypted.
pub(super) struct FoundKey {
    pub(super) key: ContentKey,
    /// What both copies of `key.json` should be.
    pub(super) text: Vec<u8>,
    /// Copies that are damaged or missing.
    pub(super) damage: Vec<Damage>,
}

/// Finds and opens the key of the backup at `place`; `None` if the backup is not encrypted. `read` gives a small file of
/// the backup, and `newest_manifest` is the path of one.
///
/// # Errors
/// If there is no passphrase, it does not fit, or both copies of the key are damaged.
pub(super) fn find_key(
    place: &Path,
    read: &dyn Fn(&str) -> io::Result<Vec<u8>>,
    newest_manifest: Option<&str>,
    passphrase: &PassphraseFile,
) -> Result<Option<FoundKey>> {
    let (mut whole, mut damage): (Vec<KeyFile>, Vec<Damage>) = (Vec::new(), Vec::new());
    let mut missing = 0;
    for path in KEY_FILES {
        match read(path).map(|text| KeyFile::parse(&text)) {
            Ok(Ok(file)) if whole.is_empty() || whole.contains(&file) => whole.push(file),
            Ok(Ok(file)) => {
                whole.push(file);
                damage.push(Damage::file(path, format!("differs from {}", KEY_FILES[0])));
            }
            Ok(Err(error)) => damage.push(Damage::file(path, format!("{error:#}"))),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                missing += 1;
                damage.push(Damage::file(path, "is missing"));
            }
            Err(error) => damage.push(Damage::file(path, format!("cannot be read ({error})"))),
        }
    }
    if missing == KEY_FILES.len()
        && !newest_manifest.and_then(|path| read(path).ok()).is_some_and(|manifest| is_sealed(&manifest))
    {
        return Ok(None);
    }
    whole.dedup();
    if whole.is_empty() {
        let reasons: Vec<String> = damage.iter().map(|damage| damage.sentence(None)).collect();
        bail!(
            "nothing in the encrypted backup {} can be read without its key. {} Make a new backup in another place",
            place.display(),
            reasons.join(" ")
        );
    }
    let Some(passphrase) = passphrase.read()? else {
        return Err(user_error(
            ErrorCode::PassphraseNeeded,
            format!(
                "The backup in {} is encrypted. Name the file with its passphrase: with --passphrase-file, or in the setting backup_passphrase_file.",
                place.display()
            ),
        ));
    };
    for file in whole {
        if let Some(key) = file.open(&passphrase)? {
            return Ok(Some(FoundKey { key, text: file.to_text()?, damage }));
        }
    }
    Err(user_error(ErrorCode::PassphraseWrong, "The passphrase does not fit this backup."))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::new(text).unwrap()
    }

    fn small() -> (KeyFile, ContentKey) {
        KeyFile::create_with(&passphrase("correct horse"), 64, 1).unwrap()
    }

    #[test]
    fn only_the_passphrase_opens_the_key_of_the_content() {
        let (file, key) = small();
        let sealed = key.stored_text(b"content", "x").unwrap();
        let read = KeyFile::parse(&file.to_text().unwrap()).unwrap();
        let opened = read.open(&passphrase("correct horse")).unwrap().unwrap();
        assert_eq!(opened.open_text(&sealed, "x").unwrap(), b"content");
        assert!(read.open(&passphrase("correct horse ")).unwrap().is_none());
        let (other, _) = small();
        assert_ne!((other.salt, other.sealed_key), (file.salt, file.sealed_key));
    }

    /// Both made with libsodium, by PyNaCl 1.6.2: a library that changes must still open old backups.
    #[test]
    fn what_libsodium_wrote_opens() {
        let text = r#"{
  "format": 1,
  "derivation": "argon2id",
  "memory_kib": 64,
  "iterations": 2,
  "salt": "000102030405060708090a0b0c0d0e0f",
  "sealed_key": "32333435363738393a3b3c3d3e3f40414243444546474849eaab31ac5c64d440ee0e402e966fbfeeb679cf9a5ff92345cfe54ed563ee46b59cae51cd722c36df312dddab0a940fcb",
  "sha256": "c7326ca9f467bf78ca6fa441cf233df72bde96cde29b2136bfa1c4231f6048a3"
}
"#;
        let stored = "4d4d7365616c65640eb093f386dfd6230f7e84d291146632ea6a4bd7df11ee43a9be8867459adbf8f88bd4239ad14f355dd4fd0aea206107078b1fe6423654f75dcf762605126587fdafbf3398acfe79";
        let key =
            KeyFile::parse(text.as_bytes()).unwrap().open(&passphrase("Grüße aus Kärnten")).unwrap().unwrap();
        let content = key.open_text(&bytes_of(stored).unwrap(), "audio/01/0123").unwrap();
        assert_eq!(String::from_utf8(content).unwrap(), "one chunk, written by libsodium");
    }

    #[test]
    fn every_flipped_bit_and_every_truncation_of_the_file_is_noticed() {
        let text = small().0.to_text().unwrap();
        for at in 0..text.len() {
            assert!(KeyFile::parse(&text[..at]).is_err(), "cut to {at}");
            for bit in 0..8 {
                let mut changed = text.clone();
                changed[at] ^= 1 << bit;
                assert!(KeyFile::parse(&changed).is_err(), "bit {bit} of byte {at}");
            }
        }
    }

    #[test]
    fn a_file_that_asks_for_too_much_memory_or_comes_from_the_future_is_refused() {
        let (mut file, _) = small();
        (file.memory_kib, file.iterations) = (MAX_MEMORY_KIB + 1, 1);
        file.sha256 = file.checksum();
        assert!(KeyFile::parse(&file.to_text().unwrap()).is_err());
        let refused = KeyFile::parse(br#"{"format": 2, "something": "new"}"#).unwrap_err();
        assert!(refused.to_string().contains("newer MeetMemo"), "{refused}");
    }
}
