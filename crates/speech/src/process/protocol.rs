//! The messages between program and engine process: a JSON header and raw samples, over a pipe.
//!
//! ```text
//! magic "MMs2" · header length u32 · sample count u32 · header (JSON) · samples (f32)      all little-endian
//! ```
//!
//! Both sides are built from the same sources, so there are no versions to negotiate. Messages are checked all the
//! same: text that a native library prints into the pipe must be an error, and must not allocate gigabytes of memory.

use crate::diarization_model::SpeakerSpan;
use crate::engine::{Capabilities, EngineError, EngineSpec, Options, Recognition};
use crate::windows::WindowSource;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::io::{self, Read, Write};
use std::path::PathBuf;

/// From the program to the engine process.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub(super) enum Request {
    /// The first request: the engine to load. Answered by `Ready` or `Refused`.
    Load { spec: EngineSpec },
    /// A window, whose samples follow. Answered by any number of `Progress` and one `Recognised` or `Failed`.
    Recognise {
        index: u32,
        #[serde(rename = "place")]
        source: WindowSource,
        options: Options,
    },
    /// Instead of `Load`: the diarization model to load. Answered by `SpeakersReady` or `Refused`.
    LoadSpeakers { model: PathBuf, threads: u32 },
    /// A chunk of a recording, whose samples follow. Answered by `Diarized` or `Failed`.
    Diarize { index: u32 },
}

/// From the engine process to the program.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub(super) enum Reply {
    Ready {
        capabilities: Capabilities,
    },
    Refused {
        error: EngineError,
    },
    Progress {
        index: u32,
        samples: u64,
    },
    Recognised {
        index: u32,
        recognition: Recognition,
    },
    Failed {
        index: u32,
        error: EngineError,
    },
    SpeakersReady {
        name: String,
    },
    Diarized {
        index: u32,
        #[serde(rename = "spoken")]
        spans: Vec<SpeakerSpan>,
    },
}

/// Why a message could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error("the pipe was closed in the middle of a message")]
    Io(#[from] io::Error),
    #[error("the data is not a message")]
    Garbled,
}

const MAGIC: [u8; 4] = *b"MMs2";
/// Largest header in bytes: ten times the words of an hour.
const MAX_HEADER_BYTES: u32 = 8 << 20;
/// Half an hour of audio. Windows are shorter than half a minute, diarization chunks shorter than 25 minutes.
const MAX_SAMPLES: u32 = 16_000 * 60 * 30;

/// Writes one message and flushes. Converts the samples in pieces instead of copying them all at once.
pub(super) fn write(to: &mut impl Write, header: &impl Serialize, samples: &[f32]) -> io::Result<()> {
    let header = serde_json::to_vec(header)?;
    let length = |n: usize, max: u32| {
        u32::try_from(n)
            .ok()
            .filter(|n| *n <= max)
            .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))
    };
    to.write_all(&MAGIC)?;
    to.write_all(&length(header.len(), MAX_HEADER_BYTES)?.to_le_bytes())?;
    to.write_all(&length(samples.len(), MAX_SAMPLES)?.to_le_bytes())?;
    to.write_all(&header)?;
    let mut bytes = Vec::with_capacity(4 * 8192);
    for piece in samples.chunks(8192) {
        bytes.clear();
        bytes.extend(piece.iter().flat_map(|s| s.to_le_bytes()));
        to.write_all(&bytes)?;
    }
    to.flush()
}

/// Reads one message; `None` if the pipe was closed between two messages.
pub(super) fn read<T: DeserializeOwned>(from: &mut impl Read) -> Result<Option<(T, Vec<f32>)>, ReadError> {
    let mut head = Vec::with_capacity(12);
    from.by_ref().take(12).read_to_end(&mut head)?;
    if head.is_empty() {
        return Ok(None);
    }
    let head: [u8; 12] = head.try_into().map_err(|_| ReadError::Garbled)?;
    let number = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let (header, samples) = (number(4), number(8));
    if head[..4] != MAGIC || header > MAX_HEADER_BYTES || samples > MAX_SAMPLES {
        return Err(ReadError::Garbled);
    }
    let header =
        serde_json::from_slice(&read_exactly(from, u64::from(header))?).map_err(|_| ReadError::Garbled)?;
    let bytes = read_exactly(from, u64::from(samples) * 4)?;
    let samples = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    Ok(Some((header, samples)))
}

/// Reads `length` bytes. Memory grows with the bytes that arrive, not with the announced length.
fn read_exactly(from: &mut impl Read, length: u64) -> io::Result<Vec<u8>> {
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
        let source = Window::new(7, 1 << 40, vec![0.0; 3]).source;
        Request::Recognise { index: 7, source, options: Options::default() }
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
    fn a_truncated_message_is_an_error() {
        let bytes = message();
        for end in 1..bytes.len() {
            assert!(read::<Request>(&mut &bytes[..end]).is_err(), "{end}");
        }
    }

    #[test]
    fn a_corrupt_header_is_an_error_and_allocates_nothing() {
        let good = message();
        for at in 0..12 {
            let mut bytes = good.clone();
            bytes[at] ^= 0x80;
            assert!(read::<Request>(&mut bytes.as_slice()).is_err(), "{at}");
        }
        assert!(read::<Request>(&mut &b"ERROR: something a library says\n"[..]).is_err());
        assert!(read::<Reply>(&mut good.as_slice()).is_err(), "a request is not a reply");
    }
}
