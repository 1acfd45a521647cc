//! What the two sides say to each other: frames of a JSON header and raw samples, over a pipe.
//!
//! ```text
//! magic "MMs2" · header length u32 · sample count u32 · header (JSON) · samples (f32)      all little-endian
//! ```
//!
//! Both sides are the same executable, so there are no versions to negotiate. What arrives is checked all the same:
//! a native library that prints to the wrong descriptor must be an error, not gigabytes of memory.

use crate::engine::{Capabilities, EngineError, EngineSpec, Options, Recognition};
use crate::speaker_model::Spoken;
use crate::windows::Place;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::io::{self, Read, Write};
use std::path::PathBuf;

/// From the program to the engine process.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub(super) enum Request {
    /// The first one: what to load. Answered by `Ready` or `Refused`.
    Load { spec: EngineSpec },
    /// A window, whose samples follow. Answered by any number of `Progress` and one `Recognised` or `Failed`.
    Recognise { index: u32, place: Place, options: Options },
    /// Instead of `Load`: a model that tells speakers apart. Answered by `SpeakersReady` or `Refused`.
    LoadSpeakers { model: PathBuf, threads: u32 },
    /// A stretch of a recording, whose samples follow. Answered by `Diarized` or `Failed`.
    Diarize { index: u32 },
}

/// From the engine process to the program.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub(super) enum Reply {
    Ready { capabilities: Capabilities },
    Refused { error: EngineError },
    Progress { index: u32, samples: u64 },
    Recognised { index: u32, recognition: Recognition },
    Failed { index: u32, error: EngineError },
    SpeakersReady { name: String },
    Diarized { index: u32, spoken: Vec<Spoken> },
}

/// Why nothing could be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error("the other side went away in the middle of a message")]
    Io(#[from] io::Error),
    #[error("the other side sent something that is not a message")]
    Garbled,
}

const MAGIC: [u8; 4] = *b"MMs2";
/// The words of an hour fit ten times.
const LONGEST_HEADER: u32 = 8 << 20;
/// Half an hour of audio. Windows are shorter than half a minute, stretches for telling speakers apart than 25 minutes.
const MOST_SAMPLES: u32 = 16_000 * 60 * 30;

/// Writes one message and flushes. The samples of a window are converted piece by piece, not copied as a whole.
pub(super) fn write(to: &mut impl Write, header: &impl Serialize, samples: &[f32]) -> io::Result<()> {
    let header = serde_json::to_vec(header)?;
    let length = |n: usize, most: u32| {
        u32::try_from(n)
            .ok()
            .filter(|n| *n <= most)
            .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))
    };
    to.write_all(&MAGIC)?;
    to.write_all(&length(header.len(), LONGEST_HEADER)?.to_le_bytes())?;
    to.write_all(&length(samples.len(), MOST_SAMPLES)?.to_le_bytes())?;
    to.write_all(&header)?;
    let mut bytes = Vec::with_capacity(4 * 8192);
    for piece in samples.chunks(8192) {
        bytes.clear();
        bytes.extend(piece.iter().flat_map(|s| s.to_le_bytes()));
        to.write_all(&bytes)?;
    }
    to.flush()
}

/// Reads one message; `None` when the other side has ended between two messages.
pub(super) fn read<T: DeserializeOwned>(from: &mut impl Read) -> Result<Option<(T, Vec<f32>)>, ReadError> {
    let mut head = Vec::with_capacity(12);
    from.by_ref().take(12).read_to_end(&mut head)?;
    if head.is_empty() {
        return Ok(None);
    }
    let head: [u8; 12] = head.try_into().map_err(|_| ReadError::Garbled)?;
    let number = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let (header, samples) = (number(4), number(8));
    if head[..4] != MAGIC || header > LONGEST_HEADER || samples > MOST_SAMPLES {
        return Err(ReadError::Garbled);
    }
    let header =
        serde_json::from_slice(&exactly(from, u64::from(header))?).map_err(|_| ReadError::Garbled)?;
    let bytes = exactly(from, u64::from(samples) * 4)?;
    let samples = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    Ok(Some((header, samples)))
}

/// Memory grows with what arrives, not with what was announced.
fn exactly(from: &mut impl Read, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if from.by_ref().take(length).read_to_end(&mut bytes)? as u64 == length {
        Ok(bytes)
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::windows::Window;

    fn request() -> Request {
        let place = Window::new(7, 1 << 40, vec![0.0; 3]).place;
        Request::Recognise { index: 7, place, options: Options::default() }
    }

    fn message() -> Vec<u8> {
        let mut bytes = Vec::new();
        write(&mut bytes, &request(), &[0.5, -1.0, f32::MIN_POSITIVE]).expect("a vector takes everything");
        bytes
    }

    #[test]
    fn a_message_arrives_as_it_was_sent() {
        let mut bytes = message();
        bytes.extend(message());
        let mut from = bytes.as_slice();
        for _ in 0..2 {
            let (received, samples) = read::<Request>(&mut from).expect("well-formed").expect("a message");
            assert_eq!(received, request());
            assert_eq!(samples, [0.5, -1.0, f32::MIN_POSITIVE]);
        }
        assert!(read::<Request>(&mut from).expect("a clean end").is_none());
    }

    #[test]
    fn a_message_cut_anywhere_is_an_error() {
        let bytes = message();
        for end in 1..bytes.len() {
            assert!(read::<Request>(&mut &bytes[..end]).is_err(), "{end}");
        }
    }

    #[test]
    fn a_broken_message_is_an_error_and_takes_no_memory() {
        let good = message();
        for at in 0..12 {
            let mut bytes = good.clone();
            bytes[at] ^= 0x80;
            assert!(read::<Request>(&mut bytes.as_slice()).is_err(), "{at}");
        }
        assert!(read::<Request>(&mut &b"ERROR: something a library says\n"[..]).is_err());
        assert!(read::<Reply>(&mut good.as_slice()).is_err(), "a request is no reply");
    }
}
