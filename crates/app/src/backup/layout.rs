//! Names in a backup.

use crate::import::hash::hex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// Folder of the manifests.
pub(super) const SNAPSHOTS: &str = "snapshots";
/// The key of an encrypted backup, see `key_file`, and its copy.
pub(super) const KEY_FILES: [&str; 2] = ["key.json", "snapshots/key.json"];
/// Explains the backup to a person who finds it.
pub(super) const README: &str = "README.txt";
/// Its content in a backup that is not encrypted.
const README_TEXT: &str = "\
This is a backup of recorded meetings, made by MeetMemo.

To look into it or to bring meetings back:

    meetmemo verify  PATH        checks that everything in it is whole
    meetmemo restore PATH --dry-run
    meetmemo restore PATH        brings back what an archive lacks; it changes nothing else

where PATH is this folder or file. Do not change or rename anything in it: every name holds the SHA-256 of the content.

Without MeetMemo: audio/ has the original recordings. rows/ has the rows of one meeting per file, as `psql` reads them
(`psql -f FILE`). snapshots/ has one file per backup, with one line of JSON per meeting that names both.
";
/// Its content in an encrypted backup.
const README_TEXT_ENCRYPTED: &str = "\
This is an encrypted backup of recorded meetings, made by MeetMemo. Without its passphrase nothing in it can be read.

To look into it or to bring meetings back:

    meetmemo verify  PATH --passphrase-file FILE      checks that everything in it is whole
    meetmemo restore PATH --passphrase-file FILE --dry-run
    meetmemo restore PATH --passphrase-file FILE      brings back what an archive lacks; it changes nothing else

where PATH is this folder or file, and the first line of FILE, which only you may be able to read, is the passphrase. Do
not change or rename anything in it. Above all, keep key.json: without it the passphrase opens nothing. A copy of it is
in snapshots/.

Without MeetMemo, with libsodium: key.json has the salt and the costs of Argon2id (crypto_pwhash), which makes a key of 32
bytes from the passphrase. That key opens sealed_key, after its nonce of 24 bytes (crypto_aead_xchacha20poly1305_ietf): the
key of all other files. Each of those begins with MMsealed and the header of a crypto_secretstream_xchacha20poly1305, in
parts of 64 KiB and 17 bytes; the additional data of the last part is the path, such as audio/01/0123…
";

/// Explains the backup to a person who finds it.
pub(super) fn readme_text(encrypted: bool) -> &'static str {
    if encrypted { README_TEXT_ENCRYPTED } else { README_TEXT }
}

/// SHA-256 of some content, as 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct ContentHash(String);

impl ContentHash {
    pub(super) fn of(content: &[u8]) -> Self {
        Self(hex(&Sha256::digest(content)))
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == 64 && text.bytes().all(digits)).then(|| Self(text.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 32 bits, which are evenly distributed.
    pub(super) fn number(&self) -> u32 {
        u32::from_str_radix(&self.0[..8], 16).unwrap_or_default()
    }
}

impl TryFrom<String> for ContentHash {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not a SHA-256 in hexadecimal digits")
    }
}

impl From<ContentHash> for String {
    fn from(hash: ContentHash) -> Self {
        hash.0
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Kind {
    /// The rows of a meeting, or those that belong to none.
    Rows,
    /// An original.
    Audio,
}

impl Kind {
    pub(super) const ALL: [Self; 2] = [Self::Rows, Self::Audio];

    pub(super) fn folder(self) -> &'static str {
        match self {
            Self::Rows => "rows",
            Self::Audio => "audio",
        }
    }
}

/// The name of an object: what it is, and the hash of its content.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ObjectName {
    pub(super) kind: Kind,
    pub(super) hash: ContentHash,
}

impl ObjectName {
    pub(super) fn rows(hash: &ContentHash) -> Self {
        Self { kind: Kind::Rows, hash: hash.clone() }
    }

    pub(super) fn audio(hash: &ContentHash) -> Self {
        Self { kind: Kind::Audio, hash: hash.clone() }
    }

    /// The path in the backup, with `/`.
    pub(super) fn path(&self) -> String {
        format!("{}/{}/{}", self.kind.folder(), &self.hash.0[..2], self.hash)
    }

    /// The object of a path; `None` if it is none of an object.
    pub(super) fn parse(path: &str) -> Option<Self> {
        let mut parts = path.split('/');
        let (folder, digits, hash) = (parts.next()?, parts.next()?, ContentHash::parse(parts.next()?)?);
        let kind = Kind::ALL.into_iter().find(|kind| kind.folder() == folder)?;
        (parts.next().is_none() && hash.0.starts_with(digits) && digits.len() == 2)
            .then_some(Self { kind, hash })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn only_our_own_paths_name_objects() {
        let name = ObjectName::audio(&ContentHash::of(b"x"));
        assert_eq!(ObjectName::parse(&name.path()), Some(name.clone()));
        for path in [
            "audio",
            "../x",
            &name.path().replace("audio", "video"),
            &name.path().to_uppercase(),
            &format!("{}/x", name.path()),
            &format!("audio/00/{}", name.hash),
        ] {
            assert_eq!(ObjectName::parse(path), None, "{path}");
        }
    }
}
