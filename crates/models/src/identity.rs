//! Model ids, slugs and SHA-256 hashes.

use serde::{Deserialize, Serialize};
use sha2::Digest;
use std::fmt;
use std::str::FromStr;

/// Longest id or file name in bytes: leaves room for `.part.json` within the 255 bytes that file systems allow.
pub(crate) const MAX_NAME_BYTES: usize = 200;

/// Why a text is not a valid id, slug or hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// It is not safe as a file name.
    #[error(
        "“{0}” is not the name of a model: it may have letters, digits and . _ + - and must begin with a letter or digit"
    )]
    Name(String),
    /// Not 64 hexadecimal digits.
    #[error("“{0}” is not a SHA-256: it has 64 hexadecimal digits")]
    Hash(String),
}

/// Whether a text is a valid file name on every system, without a path.
pub(crate) fn is_safe_name(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(char::is_alphanumeric)
        && characters.all(|character| character.is_alphanumeric() || "._+-".contains(character))
        && text.len() <= MAX_NAME_BYTES
        && !text.ends_with('.')
}

/// Id of an installed model: the stem of its file name. Safe as a file name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ModelId(String);

impl ModelId {
    /// The id for the stem of any file name: characters that are not allowed become hyphens. `None` if nothing is left.
    ///
    /// `.part` at the end becomes `-part`, because it would look like a partial download.
    #[must_use]
    pub fn from_stem(stem: &str) -> Option<Self> {
        let mut id: String = stem
            .chars()
            .map(
                |character| {
                    if character.is_alphanumeric() || "._+-".contains(character) { character } else { '-' }
                },
            )
            .skip_while(|character| !character.is_alphanumeric())
            .collect();
        while id.len() > MAX_NAME_BYTES || id.ends_with(['.', '-']) {
            id.pop();
        }
        if let Some(stem) = id.strip_suffix(".part") {
            id = format!("{stem}-part");
        }
        id.parse().ok()
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ModelId {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        if is_safe_name(text) && !text.ends_with(".part") {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdentityError::Name(text.to_owned()))
        }
    }
}

/// Name of a model in the catalogue, which may have several files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(String);

impl Slug {
    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Slug {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        if is_safe_name(text) { Ok(Self(text.to_owned())) } else { Err(IdentityError::Name(text.to_owned())) }
    }
}

/// The SHA-256 of a file's content; displayed as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha256([u8; 32]);

impl Sha256 {
    /// The hash of bytes in memory.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// The result of a hasher.
    pub(crate) fn finish(hasher: sha2::Sha256) -> Self {
        Self(hasher.finalize().into())
    }

    /// The 32 bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for Sha256 {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        let wrong = || IdentityError::Hash(text.chars().take(80).collect());
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        let mut bytes = [0; 32];
        for (place, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[place * 2..place * 2 + 2], 16).map_err(|_| wrong())?;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(to, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, to)
    }
}

impl From<Sha256> for String {
    fn from(hash: Sha256) -> Self {
        hash.to_string()
    }
}

impl TryFrom<String> for Sha256 {
    type Error = IdentityError;

    fn try_from(text: String) -> Result<Self, IdentityError> {
        text.parse()
    }
}

/// Conversions of a checked name from and to text.
macro_rules! text_conversions {
    ($name:ty) => {
        impl fmt::Display for $name {
            fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str(&self.0)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdentityError;

            fn try_from(text: String) -> Result<Self, IdentityError> {
                text.parse()
            }
        }
    };
}

text_conversions!(ModelId);
text_conversions!(Slug);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_file_stem_becomes_a_safe_id() {
        for (stem, id) in [
            ("whisper-tiny.en-Q8_0", Some("whisper-tiny.en-Q8_0")),
            ("mein Modell (neu)", Some("mein-Modell--neu")),
            ("../../etc/passwd", Some("etc-passwd")),
            (".hidden", Some("hidden")),
            ("model.gguf.part", Some("model.gguf-part")),
            ("model.", Some("model")),
            ("模型", Some("模型")),
            ("...", None),
            ("", None),
            ("\u{0}", None),
        ] {
            let found = ModelId::from_stem(stem);
            assert_eq!(found.as_ref().map(ModelId::as_str), id, "{stem:?}");
        }
        let long = ModelId::from_stem(&"ä".repeat(300)).unwrap();
        assert!(long.as_str().len() <= MAX_NAME_BYTES);
    }

    #[test]
    fn unsafe_names_and_our_own_suffix_are_refused() {
        for text in ["", ".", "..", "a/b", "a\\b", ".a", "-a", "a.part", "a\n", "a.", "a b", "a:b"] {
            assert!(text.parse::<ModelId>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_hash_is_64_hexadecimal_digits() {
        let text = "a8bf3de2b393bd14ead5a858c3748d5e3b07a20fdeabdd3b498fba4f463fa929";
        assert_eq!(text.parse::<Sha256>().unwrap().to_string(), text);
        assert_eq!(text.to_uppercase().parse::<Sha256>().unwrap().to_string(), text);
        for wrong in ["", "a8", &text[1..], &format!("{text}0"), &format!("+{}", &text[1..]), &"ä".repeat(32)]
        {
            assert!(wrong.parse::<Sha256>().is_err(), "{wrong}");
        }
    }
}
