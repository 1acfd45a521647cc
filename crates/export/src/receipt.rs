//! Receipts: an exported file names the meeting, version, engine, model and day it was made from, a hash of its
//! passages, and a seal over the whole file.
//!
//! A receipt is a *token*, one word: `MeetMemo-Receipt-1.<payload>.<seal>`. The payload is the JSON of [`Receipt`] in
//! base64 (RFC 4648, without padding); the seal is the SHA-256, in hexadecimal, of the file with zeros in place of the
//! seal. A file has its token as plain bytes, so the seal is filled in without changing a length. A DOCX is a ZIP archive
//! that programs pack anew; its seal covers the names and contents of its parts (`docx`).
//!
//! A seal is no signature: it reveals changes, but a person who knows this format can make a new one.

use crate::document::Document;
use crate::options::ExportOptions;
use crate::passages::Passages;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// How a token begins.
pub(crate) const TOKEN_PREFIX: &str = "MeetMemo-Receipt-1.";
/// Length of a SHA-256 in hexadecimal.
const SEAL_LENGTH: usize = 64;
const EMPTY_SEAL: [u8; SEAL_LENGTH] = [b'0'; SEAL_LENGTH];
/// Longer payloads are not ours.
const MAX_PAYLOAD: usize = 8_192;

/// What an exported file says about its origin.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Receipt {
    /// UUID of the meeting.
    pub meeting_id: String,
    /// SHA-256 of the original recording.
    pub recording_sha256: String,
    /// UUID of the version of the transcript.
    pub version_id: String,
    /// Name of the engine.
    pub engine: String,
    /// Id of the speech model.
    pub model: String,
    /// The day of the export.
    pub exported_on: NaiveDate,
    /// [`Passages::sha256`] of the content.
    pub passages_sha256: String,
    /// Whether the passages include the speakers.
    pub speakers: bool,
}

/// A receipt found in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundReceipt {
    /// The receipt.
    pub receipt: Receipt,
    /// Whether the file is as it was written.
    pub intact: bool,
}

impl Receipt {
    /// The receipt of `document`, exported with `options`.
    pub fn of(document: &Document, options: &ExportOptions) -> Self {
        let source = document.source.clone();
        Self {
            meeting_id: source.meeting_id,
            recording_sha256: source.recording_sha256,
            version_id: source.version_id,
            engine: source.engine,
            model: source.model,
            exported_on: source.exported_on,
            passages_sha256: Passages::of(document, options).sha256(),
            speakers: document.shows_speakers(options),
        }
    }

    /// The token with an empty seal. Its characters are ASCII letters, digits, `-`, `.`, `+` and `/`.
    pub(crate) fn token(&self) -> String {
        let json = serde_json::to_vec(self).expect("a receipt is valid JSON");
        let seal = str::from_utf8(&EMPTY_SEAL).expect("zeros are ASCII");
        format!("{TOKEN_PREFIX}{}.{seal}", STANDARD_NO_PAD.encode(json))
    }
}

/// A token in a file.
pub(crate) struct Token<'a> {
    pub(crate) receipt: Receipt,
    pub(crate) seal: &'a [u8],
    /// Where the seal begins.
    pub(crate) seal_at: usize,
}

/// The last token in `bytes`: what a transcript says comes before it.
pub(crate) fn last_token(bytes: &[u8]) -> Option<Token<'_>> {
    let prefix = TOKEN_PREFIX.as_bytes();
    let starts = (0..bytes.len().saturating_sub(prefix.len())).rev();
    starts.filter(|at| bytes[*at] == prefix[0] && bytes[*at..].starts_with(prefix)).find_map(|at| {
        let payload_at = at + prefix.len();
        let rest = &bytes[payload_at..];
        let length = rest.iter().take(MAX_PAYLOAD).position(|byte| *byte == b'.')?;
        let receipt = serde_json::from_slice(&STANDARD_NO_PAD.decode(&rest[..length]).ok()?).ok()?;
        let seal_at = payload_at + length + 1;
        let seal = bytes.get(seal_at..seal_at + SEAL_LENGTH)?;
        Some(Token { receipt, seal, seal_at })
    })
}

/// Fills in the seal of the last token in `bytes`.
pub(crate) fn seal(bytes: &mut [u8]) {
    let Some(at) = last_token(bytes).map(|token| token.seal_at) else { return };
    bytes[at..at + SEAL_LENGTH].copy_from_slice(&EMPTY_SEAL);
    let seal = sha256(bytes);
    bytes[at..at + SEAL_LENGTH].copy_from_slice(seal.as_bytes());
}

/// The receipt in an exported file that is not a DOCX; `None` if it has none.
pub(crate) fn receipt_in(bytes: &[u8]) -> Option<FoundReceipt> {
    let Token { receipt, seal, seal_at } = last_token(bytes)?;
    let mut hash = Sha256::new();
    hash.update(&bytes[..seal_at]);
    hash.update(EMPTY_SEAL);
    hash.update(&bytes[seal_at + SEAL_LENGTH..]);
    Some(FoundReceipt { intact: hex(&hash.finalize()).as_bytes() == seal, receipt })
}

/// SHA-256 of `bytes` in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use proptest::prelude::*;

    fn receipt() -> Receipt {
        Receipt::of(&Document::default(), &ExportOptions::default())
    }

    #[test]
    fn a_sealed_file_is_intact_until_a_byte_changes() {
        let mut file = format!("before {} after", receipt().token()).into_bytes();
        assert!(!receipt_in(&file).unwrap().intact, "not sealed yet");
        seal(&mut file);
        assert_eq!(receipt_in(&file), Some(FoundReceipt { receipt: receipt(), intact: true }));
        for at in [0, file.len() - 1] {
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert!(!receipt_in(&changed).unwrap().intact);
        }
        assert_eq!(receipt_in(b"a file without a token"), None);
    }

    #[test]
    fn a_token_that_somebody_dictated_is_not_the_receipt() {
        let mut other = receipt();
        other.model = "other".to_owned();
        let mut file =
            format!("{} said {TOKEN_PREFIX}x.y and {}\n", other.token(), receipt().token()).into_bytes();
        seal(&mut file);
        assert_eq!(receipt_in(&file), Some(FoundReceipt { receipt: receipt(), intact: true }));
    }

    proptest! {
        #[test]
        fn any_file_has_a_receipt_or_none(before: Vec<u8>, after: Vec<u8>) {
            receipt_in(&before);
            let mut file = [&before[..], receipt().token().as_bytes(), &after].concat();
            seal(&mut file);
            prop_assert!(receipt_in(&file).unwrap().intact);
        }
    }
}
