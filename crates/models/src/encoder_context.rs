//! The encoder context of a Whisper model: the seconds of audio that the encoder takes at once.
//!
//! The engine pads every window to the length in `stt.frontend.n_samples` and computes the encoder for all of it
//! (`whisper_run` in `arch/whisper/model.cpp` of transcribe.cpp 0.4). Published files say 30 s, but our windows hold at
//! most 15 s, so half of the work would be for padding. With smaller numbers in the file the encoder uses only the
//! first of the model's position embeddings; the weights and the length of the file stay the same. A window of a
//! trimmed model takes about half the time. Models that stay at 30 s, such as linked files, get windows of up to 28 s.
//!
//! This module knows the numbers, and hashes files as if they had other numbers. When a file is changed is decided in
//! `folder/trim.rs`.

use crate::cancel::Cancel;
use crate::disk;
use crate::identity::Sha256;
use crate::progress::Meter;
use sha2::Digest;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

/// Encoder context of our copies of Whisper models, in seconds. Give them windows of at most 15 s.
///
/// Measured with base and tiny.en on 84 s of speech: windows of 15 s cost half as much processor time as with 30 s, and
/// the word error rate is not higher (base 0.042 with both, tiny.en 0.037 instead of 0.046).
pub const ENCODER_CONTEXT_S: u32 = 16;
/// Encoder context of published files, in seconds. Only files with this context are trimmed.
pub(crate) const PUBLISHED_CONTEXT_S: u32 = 30;
/// `general.architecture` of the models that have these numbers.
pub(crate) const ARCHITECTURE: &str = "whisper";
/// Keys of the numbers that state the context: samples, frames and seconds. All have the type `UINT32`.
pub(crate) const KEYS: [&str; 3] =
    ["stt.frontend.n_samples", "stt.frontend.nb_max_frames", "stt.frontend.chunk_length"];

/// The numbers of [`KEYS`] for a context; `None` if they do not fit into 32 bits.
fn numbers(seconds: u32) -> Option<[u32; 3]> {
    // Whisper takes 16 000 samples per second and computes one frame for every 160 of them.
    Some([seconds.checked_mul(16_000)?, seconds.checked_mul(100)?, seconds])
}

/// A number in a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Number {
    /// Position of its first byte in the file; it has four bytes, little-endian.
    pub(crate) place: u64,
    pub(crate) value: u32,
}

/// The numbers of [`KEYS`] in a file. They may contradict each other: see [`EncoderContext::seconds`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EncoderContext {
    pub(crate) numbers: [Number; 3],
}

/// Bytes that replace those at the same positions of a file, when it is hashed or written.
pub(crate) type Patch = BTreeMap<u64, u8>;

impl EncoderContext {
    /// The context in seconds; `None` if the numbers contradict each other.
    pub(crate) fn seconds(&self) -> Option<u32> {
        let [.., seconds] = self.values();
        Some(seconds).filter(|seconds| *seconds > 0 && self.has_seconds(*seconds))
    }

    /// Whether the numbers are those for this context.
    pub(crate) fn has_seconds(&self, seconds: u32) -> bool {
        numbers(seconds) == Some(self.values())
    }

    /// Whether each number is the published one or ours: the file is trimmed, can be, or its trim was interrupted.
    pub(crate) fn has_known_numbers(&self) -> bool {
        let known = [PUBLISHED_CONTEXT_S, ENCODER_CONTEXT_S].map(numbers);
        (0..KEYS.len())
            .all(|number| known.iter().flatten().any(|known| known[number] == self.numbers[number].value))
    }

    /// The bytes of all numbers for this context.
    pub(crate) fn patch(&self, seconds: u32) -> Patch {
        let values = numbers(seconds).unwrap_or(self.values());
        let places = self.numbers.map(|number| number.place);
        places.into_iter().zip(values).flat_map(|(place, value)| (place..).zip(value.to_le_bytes())).collect()
    }

    /// Writes the numbers for this context into the file they were read from, and syncs it.
    pub(crate) fn write(&self, mut file: &File, seconds: u32) -> io::Result<()> {
        for (place, byte) in self.patch(seconds) {
            file.seek(SeekFrom::Start(place))?;
            file.write_all(&[byte])?;
        }
        file.sync_all()
    }

    fn values(&self) -> [u32; 3] {
        self.numbers.map(|number| number.value)
    }
}

/// The published hashes that a file may belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hashes {
    /// Hash of the file as it is.
    pub(crate) as_is: Sha256,
    /// Hash of the file before it was trimmed, if it has our numbers.
    before_trim: Option<Sha256>,
}

impl Hashes {
    /// Whether the file is the published one with this hash, trimmed or not.
    pub(crate) fn matches_published(&self, published: Sha256) -> bool {
        self.as_is == published || self.before_trim == Some(published)
    }
}

/// Reads a file from its start; returns its length and hashes, or `None` if cancelled.
pub(crate) fn hashes(
    file: impl Read,
    context: Option<&EncoderContext>,
    meter: &mut Meter<'_>,
    cancel: &Cancel,
) -> io::Result<Option<(u64, Hashes)>> {
    match context.filter(|context| context.has_seconds(ENCODER_CONTEXT_S)) {
        Some(context) => {
            let variants = [Patch::new(), context.patch(PUBLISHED_CONTEXT_S)];
            let hashed = hash_variants(file, [&variants[0], &variants[1]], meter, cancel)?;
            Ok(hashed.map(|(length, [as_is, before_trim])| {
                (length, Hashes { as_is, before_trim: Some(before_trim) })
            }))
        }
        None => {
            let hashed = hash_variants(file, [&Patch::new()], meter, cancel)?;
            Ok(hashed.map(|(length, [as_is])| (length, Hashes { as_is, before_trim: None })))
        }
    }
}

/// Reads a file from its start once; returns its length and its hash with each of the patches applied, or `None` if
/// cancelled.
pub(crate) fn hash_variants<const N: usize>(
    file: impl Read,
    patches: [&Patch; N],
    meter: &mut Meter<'_>,
    cancel: &Cancel,
) -> io::Result<Option<(u64, [Sha256; N])>> {
    let mut hashers = patches.map(|_| sha2::Sha256::new());
    let length = disk::read_chunks(file, meter, cancel, |start, chunk| {
        for (hasher, patch) in hashers.iter_mut().zip(patches) {
            update(hasher, start, chunk, patch);
        }
    })?;
    Ok(length.map(|length| (length, hashers.map(Sha256::finish))))
}

/// Hashes `chunk`, which begins at `start` of the file, with the patch applied.
fn update(hasher: &mut sha2::Sha256, start: u64, chunk: &[u8], patch: &Patch) {
    let mut from = 0;
    for (place, byte) in patch.range(start..start + chunk.len() as u64) {
        let at = (place - start) as usize;
        hasher.update(&chunk[from..at]);
        hasher.update([*byte]);
        from = at + 1;
    }
    hasher.update(&chunk[from..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Stage;

    fn context(numbers: [(u64, u32); 3]) -> EncoderContext {
        EncoderContext { numbers: numbers.map(|(place, value)| Number { place, value }) }
    }

    #[test]
    fn contradicting_numbers_give_no_context() {
        for (values, seconds, has_known_numbers) in [
            ([480_000, 3_000, 30], Some(30), true),
            ([256_000, 1_600, 16], Some(16), true),
            ([320_000, 2_000, 20], Some(20), false),
            // After an interrupted trim.
            ([256_000, 3_000, 30], None, true),
            ([480_000, 1_600, 16], None, true),
            ([480_000, 3_000, 31], None, false),
            ([480_001, 3_000, 30], None, false),
            ([0, 0, 0], None, false),
            ([u32::MAX, u32::MAX, u32::MAX], None, false),
            // 16 000 times this overflows to 16 000.
            ([16_000, 100, (1 << 28) + 1], None, false),
        ] {
            let context = context([(0, values[0]), (8, values[1]), (16, values[2])]);
            assert_eq!(
                (context.seconds(), context.has_known_numbers()),
                (seconds, has_known_numbers),
                "{values:?}"
            );
        }
    }

    /// Returns a few bytes per read, so that chunks split numbers anywhere.
    struct SmallReads<'a>(&'a [u8], usize);

    impl Read for SmallReads<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(self.0.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    #[test]
    fn a_hash_with_a_patch_is_that_of_the_patched_file() {
        let content: Vec<u8> = (0..100).collect();
        // Not in the order of the keys; one at the beginning, one at the end.
        let context = context([(40, 480_000), (96, 3_000), (0, 30)]);
        let mut written = content.clone();
        for (place, value) in [(40, 256_000_u32), (96, 1_600), (0, 16)] {
            written[place..place + 4].copy_from_slice(&value.to_le_bytes());
        }
        let mut quiet = |_: &_| {};
        let mut meter = Meter::new(&mut quiet, Stage::Checking);
        for step in 1..20 {
            let patches = [&Patch::new(), &context.patch(16)];
            let (length, hashes) =
                hash_variants(SmallReads(&content, step), patches, &mut meter, &Cancel::new())
                    .unwrap()
                    .unwrap();
            assert_eq!((length, hashes), (100, [Sha256::of(&content), Sha256::of(&written)]), "{step}");
        }
        let cancel = Cancel::new();
        cancel.cancel();
        assert!(hash_variants(&content[..], [&Patch::new()], &mut meter, &cancel).unwrap().is_none());
    }
}
