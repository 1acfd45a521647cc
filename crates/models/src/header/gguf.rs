//! GGUF: metadata, then the table of tensors, then the tensors. See `docs/gguf.md` in ggml.

use super::reader::HeaderReader;
use super::{Header, HeaderError, Kind};
use crate::encoder_context::{self, EncoderContext, Number};
use std::io::{Read, Seek};

/// Most metadata values. Models have a few hundred.
const MAX_VALUES: u64 = 1 << 16;
/// Most tensors. Models have a few thousand.
const MAX_TENSORS: u64 = 1 << 18;
/// Most texts of one list, which is more than any vocabulary has.
const MAX_TEXTS: u64 = 1 << 24;
/// Longest key in bytes, by the specification.
const MAX_KEY_BYTES: u64 = (1 << 16) - 1;
/// Longest tensor name in bytes, as in ggml (`GGML_MAX_NAME`).
const MAX_TENSOR_NAME_BYTES: u64 = 63;
/// Texts that are kept are cut to this many bytes.
const MAX_TEXT_BYTES: u64 = 4 << 10;
/// Languages that are kept; more than there are.
const MAX_LANGUAGES: usize = 1_000;
/// Alignment of tensors if `general.alignment` is missing.
const DEFAULT_ALIGNMENT: u64 = 32;

/// Types of metadata values.
mod value_type {
    pub(super) const UINT32: u32 = 4;
    pub(super) const STRING: u32 = 8;
    pub(super) const ARRAY: u32 = 9;
}

/// Size in bytes of a value of a fixed-size type; `None` for strings, arrays and unknown types.
fn value_size(kind: u32) -> Option<u64> {
    match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}

/// Weights per block and bytes per block of a tensor type, as in `ggml-common.h`; `None` for an unknown type.
pub(super) fn block(kind: u32) -> Option<(u64, u64)> {
    Some(match kind {
        0 => (1, 4),
        1 | 30 => (1, 2),
        2 => (32, 18),
        3 => (32, 20),
        6 => (32, 22),
        7 => (32, 24),
        8 => (32, 34),
        9 => (32, 36),
        10 => (256, 84),
        11 => (256, 110),
        12 => (256, 144),
        13 => (256, 176),
        14 => (256, 210),
        15 => (256, 292),
        16 => (256, 66),
        17 => (256, 74),
        18 => (256, 98),
        19 => (256, 50),
        20 => (32, 18),
        21 => (256, 110),
        22 => (256, 82),
        23 => (256, 136),
        24 => (1, 1),
        25 => (1, 2),
        26 => (1, 4),
        27 | 28 => (1, 8),
        29 => (256, 56),
        34 => (256, 54),
        35 => (256, 66),
        39 => (32, 17),
        40 => (64, 36),
        41 => (128, 18),
        42 => (64, 18),
        _ => return None,
    })
}

/// The metadata values that are needed.
#[derive(Default)]
struct Metadata {
    architecture: Option<String>,
    name: Option<String>,
    variant: Option<String>,
    languages: Vec<String>,
    alignment: Option<u32>,
    /// For each of [`encoder_context::KEYS`]: `None` if it is missing, `Some(None)` if it occurs twice or has another
    /// type.
    context: [Option<Option<Number>>; 3],
}

impl Metadata {
    /// The encoder context of a Whisper model. `None` unless all three numbers are unambiguous, because trimming
    /// writes to their places.
    fn context(&self, architecture: &str) -> Option<EncoderContext> {
        if architecture != encoder_context::ARCHITECTURE {
            return None;
        }
        let [Some(samples), Some(frames), Some(seconds)] = self.context.map(Option::flatten) else {
            return None;
        };
        Some(EncoderContext { numbers: [samples, frames, seconds] })
    }
}

pub(super) fn read<F: Read + Seek>(reader: &mut HeaderReader<F>) -> Result<Header, HeaderError> {
    reader.skip(4)?;
    let version = reader.u32()?;
    // As in ggml: a small number in the other byte order has zeroes in its lower half.
    if version & 0xffff == 0 && version != 0 {
        return Err(HeaderError::ByteOrder);
    }
    if !(2..=3).contains(&version) {
        return Err(HeaderError::Version(version));
    }
    let tensors = reader.u64()?;
    let values = reader.u64()?;
    if values > MAX_VALUES || tensors > MAX_TENSORS {
        return Err(HeaderError::Damaged("its header promises more than any model has"));
    }
    let mut metadata = Metadata::default();
    for _ in 0..values {
        read_value(reader, &mut metadata)?;
    }
    let Some(architecture) = metadata.architecture.take() else {
        return Err(HeaderError::Damaged("its header does not say which architecture it has"));
    };
    let header = Header {
        kind: Kind::Gguf(version),
        context: metadata.context(&architecture),
        architecture,
        name: metadata.name.take(),
        variant: metadata.variant.take(),
        languages: std::mem::take(&mut metadata.languages),
        byte_size: reader.length(),
    };
    // Checked before the tensors, so that another kind of model is named even if it is incomplete too.
    let header = super::known_architecture(header)?;
    let alignment = metadata.alignment.map_or(DEFAULT_ALIGNMENT, u64::from);
    if !alignment.is_power_of_two() {
        return Err(HeaderError::Damaged("its header has an invalid alignment"));
    }
    check_tensors(reader, tensors, alignment)?;
    Ok(header)
}

/// Reads one key and its value.
fn read_value<F: Read + Seek>(
    reader: &mut HeaderReader<F>,
    metadata: &mut Metadata,
) -> Result<(), HeaderError> {
    let key_length = reader.u64()?;
    if key_length == 0 || key_length > MAX_KEY_BYTES {
        return Err(HeaderError::Damaged("a key in its header is too long or empty"));
    }
    let key = reader.bytes(key_length as usize)?;
    let kind = reader.u32()?;
    if let Some(index) = encoder_context::KEYS.iter().position(|known| known.as_bytes() == key) {
        let number = match kind {
            value_type::UINT32 => Some(Number { place: reader.position(), value: reader.u32()? }),
            _ => None,
        };
        let seen = &mut metadata.context[index];
        *seen = Some(number.filter(|_| seen.is_none()));
        if number.is_some() {
            return Ok(());
        }
    }
    match (key.as_slice(), kind) {
        (b"general.architecture", value_type::STRING) => metadata.architecture = Some(text(reader)?),
        (b"general.name", value_type::STRING) => metadata.name = Some(text(reader)?),
        (b"stt.variant", value_type::STRING) => metadata.variant = Some(text(reader)?),
        (b"general.alignment", value_type::UINT32) => metadata.alignment = Some(reader.u32()?),
        (b"general.languages", value_type::ARRAY) => metadata.languages = languages(reader)?,
        (_, value_type::STRING) => {
            let length = reader.u64()?;
            reader.skip(length)?;
        }
        (_, value_type::ARRAY) => skip_array(reader)?,
        _ => match value_size(kind) {
            Some(size) => reader.skip(size)?,
            None => return Err(HeaderError::Damaged("its header has a value of a type that does not exist")),
        },
    }
    Ok(())
}

/// A text without control characters, cut to [`MAX_TEXT_BYTES`].
fn text<F: Read + Seek>(reader: &mut HeaderReader<F>) -> Result<String, HeaderError> {
    let length = reader.u64()?;
    let kept = length.min(MAX_TEXT_BYTES);
    let bytes = reader.bytes(kept as usize)?;
    reader.skip(length - kept)?;
    Ok(String::from_utf8_lossy(&bytes).chars().filter(|character| !character.is_control()).collect())
}

fn languages<F: Read + Seek>(reader: &mut HeaderReader<F>) -> Result<Vec<String>, HeaderError> {
    let kind = reader.u32()?;
    let count = reader.u64()?;
    if kind != value_type::STRING || count > MAX_TEXTS {
        return Err(HeaderError::Damaged("the languages in its header are not a list of texts"));
    }
    let mut languages = Vec::new();
    for _ in 0..count {
        let language = text(reader)?;
        if languages.len() < MAX_LANGUAGES {
            languages.push(language.chars().take(35).collect());
        }
    }
    Ok(languages)
}

fn skip_array<F: Read + Seek>(reader: &mut HeaderReader<F>) -> Result<(), HeaderError> {
    let kind = reader.u32()?;
    let count = reader.u64()?;
    if kind == value_type::STRING {
        if count > MAX_TEXTS {
            return Err(HeaderError::Damaged("its header promises more than any model has"));
        }
        for _ in 0..count {
            let length = reader.u64()?;
            reader.skip(length)?;
        }
        return Ok(());
    }
    let Some(size) = value_size(kind) else {
        return Err(HeaderError::Damaged("its header has a value of a type that does not exist"));
    };
    let bytes =
        count.checked_mul(size).ok_or(HeaderError::Damaged("its header has a list that is too long"))?;
    reader.skip(bytes)
}

/// Reads the table of tensors and checks that the file is long enough for them.
fn check_tensors<F: Read + Seek>(
    reader: &mut HeaderReader<F>,
    tensors: u64,
    alignment: u64,
) -> Result<(), HeaderError> {
    const TOO_LARGE: HeaderError = HeaderError::Damaged("a tensor in its table is too large");
    if tensors == 0 {
        return Err(HeaderError::Damaged("it has a header and no weights"));
    }
    let mut data_length = 0;
    for _ in 0..tensors {
        let name_length = reader.u64()?;
        if name_length > MAX_TENSOR_NAME_BYTES {
            return Err(HeaderError::Damaged("a name in its table of tensors is too long"));
        }
        reader.skip(name_length)?;
        let dimensions = reader.u32()?;
        if dimensions > 4 {
            return Err(HeaderError::Damaged("a tensor in its table has more than four dimensions"));
        }
        let mut weights = 1_u64;
        let mut row = 1;
        for dimension in 0..dimensions {
            let size = reader.u64()?;
            if dimension == 0 {
                row = size;
            }
            weights = weights.checked_mul(size).ok_or(TOO_LARGE)?;
        }
        let Some((per_block, block_size)) = block(reader.u32()?) else {
            return Err(HeaderError::Damaged("its weights have a type that this program does not know"));
        };
        if !row.is_multiple_of(per_block) {
            return Err(HeaderError::Damaged("a tensor in its table has rows of a wrong length"));
        }
        let offset = reader.u64()?;
        if !offset.is_multiple_of(alignment) {
            return Err(HeaderError::Damaged("a tensor in its table begins at an invalid place"));
        }
        let size = (weights / per_block).checked_mul(block_size).ok_or(TOO_LARGE)?;
        data_length = data_length.max(offset.checked_add(size).ok_or(TOO_LARGE)?);
    }
    let begin = reader.position().checked_next_multiple_of(alignment).ok_or(TOO_LARGE)?;
    let needed = begin.checked_add(data_length).ok_or(TOO_LARGE)?;
    if needed > reader.length() {
        return Err(HeaderError::Truncated { found: reader.length(), needed });
    }
    Ok(())
}
