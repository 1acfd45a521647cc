//! How many seconds of sound a Whisper model encodes at once, and with which numbers its file says so.
//!
//! The engine pads every window to `stt.frontend.n_samples`, whatever its length, and computes as many frames
//! (`whisper_run` in `arch/whisper/model.cpp` of transcribe.cpp 0.4). Published files say 30 s, so a window of 15 s
//! costs as much as one of 30 s. With other numbers in the file the encoder uses only the beginning of the model's
//! position embeddings; weights and length of the file stay as they are.
//!
//! Here are the numbers, and the hashes of files with other numbers in them. Leaves out when a file is changed:
//! `folder/trim.rs`.

use crate::control::{Cancel, Meter};
use crate::disk;
use crate::identity::Sha256;
use sha2::Digest;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

/// Seconds that our copies of Whisper models encode at once. Give them windows of at most 15 s.
///
/// Measured with base and tiny.en on 84 s of speech: windows of 15 s cost half as much processor time as with 30 s, and
/// the word error rate is not higher (base 0.042 with both, tiny.en 0.037 instead of 0.046).
pub const ENCODER_CONTEXT_S: u32 = 16;
/// Seconds that published files encode at once. Only files that say this are changed.
pub(crate) const PUBLISHED_CONTEXT_S: u32 = 30;
/// `general.architecture` of the models that have these numbers.
pub(crate) const ARCHITECTURE: &str = "whisper";
/// Where the numbers are: samples, frames and seconds of one window. All have the type `UINT32`.
pub(crate) const KEYS: [&str; 3] =
    ["stt.frontend.n_samples", "stt.frontend.nb_max_frames", "stt.frontend.chunk_length"];

/// The numbers of [`KEYS`] for a context; none if they are larger than any file can say.
fn numbers(seconds: u32) -> Option<[u32; 3]> {
    // Whisper hears 16 000 samples a second, and has a frame for every 160 of them.
    Some([seconds.checked_mul(16_000)?, seconds.checked_mul(100)?, seconds])
}

/// A number of a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Number {
    /// Its first byte in the file. There are four, little-endian, and all are in the file.
    pub(crate) place: u64,
    pub(crate) value: u32,
}

/// The numbers of [`KEYS`] as a file has them. They may contradict each other: see [`Context::seconds`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Context {
    pub(crate) numbers: [Number; 3],
}

/// Bytes that take the place of those of a file when it is hashed.
pub(crate) type Patch = BTreeMap<u64, u8>;

impl Context {
    /// The seconds that are encoded at once; none if the numbers contradict each other.
    pub(crate) fn seconds(&self) -> Option<u32> {
        let [.., seconds] = self.values();
        Some(seconds).filter(|seconds| *seconds > 0 && self.says(*seconds))
    }

    /// Whether the numbers are those of so many seconds.
    pub(crate) fn says(&self, seconds: u32) -> bool {
        numbers(seconds) == Some(self.values())
    }

    /// Whether each number is the published one or ours, so that the file may be one that is trimmed, could be, or was
    /// left between the two.
    pub(crate) fn may_be_trimmed(&self) -> bool {
        let known = [PUBLISHED_CONTEXT_S, ENCODER_CONTEXT_S].map(numbers);
        (0..KEYS.len())
            .all(|number| known.iter().flatten().any(|known| known[number] == self.numbers[number].value))
    }

    /// The bytes of the file that are others for so many seconds.
    pub(crate) fn patch(&self, seconds: u32) -> Patch {
        let values = numbers(seconds).unwrap_or(self.values());
        let places = self.numbers.map(|number| number.place);
        places.into_iter().zip(values).flat_map(|(place, value)| (place..).zip(value.to_le_bytes())).collect()
    }

    /// Writes the numbers for so many seconds into the file they were read from, and waits for the disk.
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

/// The published hashes that a file may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hashes {
    /// Of its bytes.
    pub(crate) as_is: Sha256,
    /// Of the published file, if these are the bytes of a copy that was trimmed.
    before_trim: Option<Sha256>,
}

impl Hashes {
    /// Whether the file is the one with this published hash, trimmed or not.
    pub(crate) fn fit(&self, published: Sha256) -> bool {
        self.as_is == published || self.before_trim == Some(published)
    }
}

/// Hashes a file from its start, and how long it is; none if it was cancelled.
pub(crate) fn hashes(
    file: impl Read,
    context: Option<&Context>,
    meter: &mut Meter<'_>,
    cancel: &Cancel,
) -> io::Result<Option<(u64, Hashes)>> {
    match context.filter(|context| context.says(ENCODER_CONTEXT_S)) {
        Some(context) => {
            let forms = [Patch::new(), context.patch(PUBLISHED_CONTEXT_S)];
            let hashed = hash_forms(file, [&forms[0], &forms[1]], meter, cancel)?;
            Ok(hashed.map(|(length, [as_is, before_trim])| {
                (length, Hashes { as_is, before_trim: Some(before_trim) })
            }))
        }
        None => {
            let hashed = hash_forms(file, [&Patch::new()], meter, cancel)?;
            Ok(hashed.map(|(length, [as_is])| (length, Hashes { as_is, before_trim: None })))
        }
    }
}

/// Reads a file from its start once, and hashes what it would be with each of the patches; also how long it is. None
/// if it was cancelled.
pub(crate) fn hash_forms<const N: usize>(
    file: impl Read,
    patches: [&Patch; N],
    meter: &mut Meter<'_>,
    cancel: &Cancel,
) -> io::Result<Option<(u64, [Sha256; N])>> {
    let mut hashers = patches.map(|_| sha2::Sha256::new());
    let length = disk::read_through(file, meter, cancel, |start, chunk| {
        for (hasher, patch) in hashers.iter_mut().zip(patches) {
            update(hasher, start, chunk, patch);
        }
    })?;
    Ok(length.map(|length| (length, hashers.map(Sha256::finish))))
}

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
    use crate::control::Stage;

    fn context(numbers: [(u64, u32); 3]) -> Context {
        Context { numbers: numbers.map(|(place, value)| Number { place, value }) }
    }

    #[test]
    fn numbers_have_to_agree() {
        for (values, seconds, may_be_trimmed) in [
            ([480_000, 3_000, 30], Some(30), true),
            ([256_000, 1_600, 16], Some(16), true),
            ([320_000, 2_000, 20], Some(20), false),
            // Some of them written.
            ([256_000, 3_000, 30], None, true),
            ([480_000, 1_600, 16], None, true),
            ([480_000, 3_000, 31], None, false),
            ([480_001, 3_000, 30], None, false),
            ([0, 0, 0], None, false),
            ([u32::MAX, u32::MAX, u32::MAX], None, false),
            // 16 000 times this is 16 000 beyond the largest number.
            ([16_000, 100, (1 << 28) + 1], None, false),
        ] {
            let context = context([(0, values[0]), (8, values[1]), (16, values[2])]);
            assert_eq!(
                (context.seconds(), context.may_be_trimmed()),
                (seconds, may_be_trimmed),
                "{values:?}"
            );
        }
    }

    /// Gives a few bytes at a time, so that a number is cut anywhere.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(self.0.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    #[test]
    fn a_hash_with_other_numbers_is_that_of_the_file_with_them() {
        let content: Vec<u8> = (0..100).collect();
        // In another order than that of the keys, at the beginning and at the end.
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
                hash_forms(Slow(&content, step), patches, &mut meter, &Cancel::new()).unwrap().unwrap();
            assert_eq!((length, hashes), (100, [Sha256::of(&content), Sha256::of(&written)]), "{step}");
        }
        let cancel = Cancel::new();
        cancel.cancel();
        assert!(hash_forms(&content[..], [&Patch::new()], &mut meter, &cancel).unwrap().is_none());
    }
}
