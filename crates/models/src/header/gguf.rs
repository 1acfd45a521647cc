//! GGUF: metadata, then the table of tensors, then the tensors. See `docs/gguf.md` in ggml.

use super::source::Source;
use super::{Header, HeaderError, Kind};
use crate::context::{self, Context, Number};
use std::io::{Read, Seek};

/// More than any model has (a few hundred), and little work.
const MOST_VALUES: u64 = 1 << 16;
/// More than any model has (a few thousand).
const MOST_TENSORS: u64 = 1 << 18;
/// More than any vocabulary.
const MOST_TEXTS: u64 = 1 << 24;
/// Keys are shorter by the specification.
const LONGEST_KEY: u64 = (1 << 16) - 1;
/// As in ggml (`GGML_MAX_NAME`).
const LONGEST_TENSOR_NAME: u64 = 63;
/// Texts that are kept are cut here.
const LONGEST_TEXT: u64 = 4 << 10;
/// More than there are languages.
const MOST_LANGUAGES: usize = 1_000;
/// Where tensors begin if `general.alignment` does not say.
const USUAL_ALIGNMENT: u64 = 32;

/// Types of values.
mod value {
    pub(super) const UINT32: u32 = 4;
    pub(super) const STRING: u32 = 8;
    pub(super) const ARRAY: u32 = 9;
}

/// Bytes of a value of a type that has a fixed size.
fn value_size(kind: u32) -> Option<u64> {
    match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}

/// Weights per block and bytes per block of a tensor's type, as in `ggml-common.h`.
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

#[derive(Default)]
struct Metadata {
    architecture: Option<String>,
    name: Option<String>,
    variant: Option<String>,
    languages: Vec<String>,
    alignment: Option<u32>,
    /// For each of `context::KEYS`: none, it has not come; within, none, it came twice or has another type.
    context: [Option<Option<Number>>; 3],
}

impl Metadata {
    /// Only what is certain is ever written to.
    fn context(&self, architecture: &str) -> Option<Context> {
        if architecture != context::ARCHITECTURE {
            return None;
        }
        let [Some(samples), Some(frames), Some(seconds)] = self.context.map(Option::flatten) else {
            return None;
        };
        Some(Context { numbers: [samples, frames, seconds] })
    }
}

pub(super) fn read<F: Read + Seek>(source: &mut Source<F>) -> Result<Header, HeaderError> {
    source.skip(4)?;
    let version = source.u32()?;
    // As in ggml: a small number written in the other order has only zeroes below.
    if version & 0xffff == 0 && version != 0 {
        return Err(HeaderError::ByteOrder);
    }
    if !(2..=3).contains(&version) {
        return Err(HeaderError::Version(version));
    }
    let tensors = source.u64()?;
    let values = source.u64()?;
    if values > MOST_VALUES || tensors > MOST_TENSORS {
        return Err(HeaderError::Damaged("its header promises more than any model has"));
    }
    let mut metadata = Metadata::default();
    for _ in 0..values {
        read_value(source, &mut metadata)?;
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
        byte_size: source.length(),
    };
    // Another kind of model is called that even if it is also incomplete.
    let header = super::known_architecture(header)?;
    let alignment = metadata.alignment.map_or(USUAL_ALIGNMENT, u64::from);
    if !alignment.is_power_of_two() {
        return Err(HeaderError::Damaged("its header has an alignment that cannot be"));
    }
    check_tensors(source, tensors, alignment)?;
    Ok(header)
}

/// One key with its value.
fn read_value<F: Read + Seek>(source: &mut Source<F>, metadata: &mut Metadata) -> Result<(), HeaderError> {
    let key_length = source.u64()?;
    if key_length == 0 || key_length > LONGEST_KEY {
        return Err(HeaderError::Damaged("a key in its header is too long or empty"));
    }
    let key = source.bytes(key_length as usize)?;
    let kind = source.u32()?;
    if let Some(asked) = context::KEYS.iter().position(|asked| asked.as_bytes() == key) {
        let number = match kind {
            value::UINT32 => Some(Number { place: source.position(), value: source.u32()? }),
            _ => None,
        };
        let came = &mut metadata.context[asked];
        *came = Some(number.filter(|_| came.is_none()));
        if number.is_some() {
            return Ok(());
        }
    }
    match (key.as_slice(), kind) {
        (b"general.architecture", value::STRING) => metadata.architecture = Some(text(source)?),
        (b"general.name", value::STRING) => metadata.name = Some(text(source)?),
        (b"stt.variant", value::STRING) => metadata.variant = Some(text(source)?),
        (b"general.alignment", value::UINT32) => metadata.alignment = Some(source.u32()?),
        (b"general.languages", value::ARRAY) => metadata.languages = languages(source)?,
        (_, value::STRING) => {
            let length = source.u64()?;
            source.skip(length)?;
        }
        (_, value::ARRAY) => skip_array(source)?,
        _ => match value_size(kind) {
            Some(size) => source.skip(size)?,
            None => return Err(HeaderError::Damaged("its header has a value of a type that does not exist")),
        },
    }
    Ok(())
}

/// A text, cut if it is very long; signs that cannot be shown are left out.
fn text<F: Read + Seek>(source: &mut Source<F>) -> Result<String, HeaderError> {
    let length = source.u64()?;
    let kept = length.min(LONGEST_TEXT);
    let bytes = source.bytes(kept as usize)?;
    source.skip(length - kept)?;
    Ok(String::from_utf8_lossy(&bytes).chars().filter(|character| !character.is_control()).collect())
}

fn languages<F: Read + Seek>(source: &mut Source<F>) -> Result<Vec<String>, HeaderError> {
    let kind = source.u32()?;
    let count = source.u64()?;
    if kind != value::STRING || count > MOST_TEXTS {
        return Err(HeaderError::Damaged("the languages in its header are not a list of texts"));
    }
    let mut languages = Vec::new();
    for _ in 0..count {
        let language = text(source)?;
        if languages.len() < MOST_LANGUAGES {
            languages.push(language.chars().take(35).collect());
        }
    }
    Ok(languages)
}

fn skip_array<F: Read + Seek>(source: &mut Source<F>) -> Result<(), HeaderError> {
    let kind = source.u32()?;
    let count = source.u64()?;
    if kind == value::STRING {
        if count > MOST_TEXTS {
            return Err(HeaderError::Damaged("its header promises more than any model has"));
        }
        for _ in 0..count {
            let length = source.u64()?;
            source.skip(length)?;
        }
        return Ok(());
    }
    let Some(size) = value_size(kind) else {
        return Err(HeaderError::Damaged("its header has a value of a type that does not exist"));
    };
    let bytes =
        count.checked_mul(size).ok_or(HeaderError::Damaged("its header has a list that cannot be"))?;
    source.skip(bytes)
}

/// Reads the table of tensors: the file has to be as long as they need.
fn check_tensors<F: Read + Seek>(
    source: &mut Source<F>,
    tensors: u64,
    alignment: u64,
) -> Result<(), HeaderError> {
    const TOO_LARGE: HeaderError = HeaderError::Damaged("a tensor in its table is larger than can be");
    if tensors == 0 {
        return Err(HeaderError::Damaged("it has a header and no weights"));
    }
    let mut data_length = 0;
    for _ in 0..tensors {
        let name_length = source.u64()?;
        if name_length > LONGEST_TENSOR_NAME {
            return Err(HeaderError::Damaged("a name in its table of tensors is too long"));
        }
        source.skip(name_length)?;
        let dimensions = source.u32()?;
        if dimensions > 4 {
            return Err(HeaderError::Damaged("a tensor in its table has more than four dimensions"));
        }
        let mut weights = 1_u64;
        let mut row = 1;
        for dimension in 0..dimensions {
            let size = source.u64()?;
            if dimension == 0 {
                row = size;
            }
            weights = weights.checked_mul(size).ok_or(TOO_LARGE)?;
        }
        let Some((per_block, block_size)) = block(source.u32()?) else {
            return Err(HeaderError::Damaged(
                "its weights are stored in a way that this program does not know",
            ));
        };
        if !row.is_multiple_of(per_block) {
            return Err(HeaderError::Damaged("a tensor in its table has rows of a wrong length"));
        }
        let offset = source.u64()?;
        if !offset.is_multiple_of(alignment) {
            return Err(HeaderError::Damaged("a tensor in its table begins at a place that cannot be"));
        }
        let size = (weights / per_block).checked_mul(block_size).ok_or(TOO_LARGE)?;
        data_length = data_length.max(offset.checked_add(size).ok_or(TOO_LARGE)?);
    }
    let begin = source.position().checked_next_multiple_of(alignment).ok_or(TOO_LARGE)?;
    let needed = begin.checked_add(data_length).ok_or(TOO_LARGE)?;
    if needed > source.length() {
        return Err(HeaderError::Truncated { found: source.length(), needed });
    }
    Ok(())
}
