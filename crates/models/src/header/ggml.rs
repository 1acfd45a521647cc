//! The `.bin` format of whisper.cpp: hyperparameters, mel filters, vocabulary, then tensors, each with its header.

use super::reader::HeaderReader;
use super::{Header, HeaderError, Kind, gguf};
use std::io::{Read, Seek};

/// `ggml` as whisper.cpp writes it, little-endian.
pub(super) const MAGIC: u32 = 0x6767_6d6c;

/// Frequencies of the mel filters: 400 / 2 + 1, for a Fourier transform of 400 samples.
const FREQUENCIES: i32 = 201;
/// Longest word of a vocabulary in bytes, as in the engine.
const MAX_WORD_BYTES: u32 = 1024;
const MAX_TENSOR_NAME_BYTES: i32 = 256;
/// Number of Whisper's tensors: a fixed number, and more per layer of the encoder and of the decoder.
const TENSORS_ONCE: u64 = 11;
const TENSORS_PER_ENCODER_LAYER: u64 = 15;
const TENSORS_PER_DECODER_LAYER: u64 = 24;

pub(super) fn read<F: Read + Seek>(reader: &mut HeaderReader<F>) -> Result<Header, HeaderError> {
    const DAMAGED: HeaderError = HeaderError::Damaged("its table of tensors contradicts itself");
    reader.skip(4)?;
    let mut numbers = [0; 11];
    for number in &mut numbers {
        *number = reader.i32()?;
    }
    let [vocabulary, _, _, _, encoder_layers, _, _, _, decoder_layers, mels, _] = numbers;
    if !looks_like_whisper(&numbers) {
        // Other ggml models have the same magic number, such as Silero's voice activity detection.
        return Err(HeaderError::OtherArchitecture("ggml".to_owned()));
    }
    if (reader.i32()?, reader.i32()?) != (mels, FREQUENCIES) {
        return Err(HeaderError::Damaged("its mel filters are not those of Whisper"));
    }
    reader.skip(mels as u64 * FREQUENCIES as u64 * 4)?;
    let words = reader.i32()?;
    if words <= 0 || words > vocabulary + 64 {
        return Err(HeaderError::Damaged("its vocabulary is not that of Whisper"));
    }
    for _ in 0..words {
        let length = reader.u32()?;
        if length > MAX_WORD_BYTES {
            return Err(HeaderError::Damaged("its vocabulary is not that of Whisper"));
        }
        reader.skip(u64::from(length))?;
    }
    let tensors = TENSORS_ONCE
        + TENSORS_PER_ENCODER_LAYER * encoder_layers as u64
        + TENSORS_PER_DECODER_LAYER * decoder_layers as u64;
    for _ in 0..tensors {
        let (dimensions, name_length, kind) = (reader.i32()?, reader.i32()?, reader.u32()?);
        if !(1..=4).contains(&dimensions) || !(1..=MAX_TENSOR_NAME_BYTES).contains(&name_length) {
            return Err(DAMAGED);
        }
        let mut weights = 1_u64;
        for _ in 0..dimensions {
            let size = u64::try_from(reader.i32()?).map_err(|_| DAMAGED)?;
            weights = weights.checked_mul(size).ok_or(DAMAGED)?;
        }
        let (per_block, block_size) = gguf::block(kind).ok_or(DAMAGED)?;
        if !weights.is_multiple_of(per_block) {
            return Err(DAMAGED);
        }
        let size = (weights / per_block).checked_mul(block_size).ok_or(DAMAGED)?;
        reader.skip(name_length as u64)?;
        let needed = reader.position().checked_add(size).ok_or(DAMAGED)?;
        if needed > reader.length() {
            return Err(HeaderError::Truncated { found: reader.length(), needed });
        }
        reader.skip(size)?;
    }
    let english_only = vocabulary < 51_865;
    Ok(Header {
        kind: Kind::Ggml,
        architecture: "whisper".to_owned(),
        name: None,
        variant: None,
        languages: if english_only { vec!["en".to_owned()] } else { Vec::new() },
        context: None,
        byte_size: reader.length(),
    })
}

/// The same test as the engine's (`hparams_look_whisper` in transcribe.cpp).
fn looks_like_whisper(numbers: &[i32; 11]) -> bool {
    let [
        vocabulary,
        audio_context,
        audio_state,
        audio_heads,
        encoder_layers,
        text_context,
        text_state,
        text_heads,
        decoder_layers,
        mels,
        kind,
    ] = *numbers;
    let divides = |state: i32, heads: i32| state > 0 && heads > 0 && state % heads == 0;
    (51_864..=51_866).contains(&vocabulary)
        && (1..=64).contains(&encoder_layers)
        && (1..=64).contains(&decoder_layers)
        && (mels == 80 || mels == 128)
        && divides(audio_state, audio_heads)
        && divides(text_state, text_heads)
        && (1..=4096).contains(&audio_context)
        && (1..=4096).contains(&text_context)
        && (0..=30).contains(&(kind % 1000))
}
