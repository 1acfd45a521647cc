//! whisper.cpp's `.bin`: numbers, mel filters, vocabulary, then tensors one after another with a head each.

use super::source::Source;
use super::{Header, HeaderError, Kind, gguf};
use std::io::{Read, Seek};

/// `ggml` as whisper.cpp writes it, little-endian.
pub(super) const MAGIC: u32 = 0x6767_6d6c;

/// Frequencies of the mel filters: half of a transform of 400, and one.
const FREQUENCIES: i32 = 201;
/// No word of a vocabulary is longer, as in the engine.
const LONGEST_WORD: u32 = 1024;
const LONGEST_TENSOR_NAME: i32 = 256;
/// The tensors of Whisper: those there are once, then so many per layer of the encoder and of the decoder.
const TENSORS_ONCE: u64 = 11;
const TENSORS_PER_ENCODER_LAYER: u64 = 15;
const TENSORS_PER_DECODER_LAYER: u64 = 24;

pub(super) fn read<F: Read + Seek>(source: &mut Source<F>) -> Result<Header, HeaderError> {
    const DAMAGED: HeaderError = HeaderError::Damaged("its table of tensors contradicts itself");
    source.skip(4)?;
    let mut numbers = [0; 11];
    for number in &mut numbers {
        *number = source.i32()?;
    }
    let [vocabulary, _, _, _, encoder_layers, _, _, _, decoder_layers, mels, _] = numbers;
    if !looks_like_whisper(&numbers) {
        // The same magic is on other models of ggml, such as Silero's voice activity.
        return Err(HeaderError::OtherArchitecture("ggml".to_owned()));
    }
    if (source.i32()?, source.i32()?) != (mels, FREQUENCIES) {
        return Err(HeaderError::Damaged("its mel filters are not those of Whisper"));
    }
    source.skip(mels as u64 * FREQUENCIES as u64 * 4)?;
    let words = source.i32()?;
    if words <= 0 || words > vocabulary + 64 {
        return Err(HeaderError::Damaged("its vocabulary is not that of Whisper"));
    }
    for _ in 0..words {
        let length = source.u32()?;
        if length > LONGEST_WORD {
            return Err(HeaderError::Damaged("its vocabulary is not that of Whisper"));
        }
        source.skip(u64::from(length))?;
    }
    let wanted = TENSORS_ONCE
        + TENSORS_PER_ENCODER_LAYER * encoder_layers as u64
        + TENSORS_PER_DECODER_LAYER * decoder_layers as u64;
    for _ in 0..wanted {
        let (dimensions, name_length, kind) = (source.i32()?, source.i32()?, source.u32()?);
        if !(1..=4).contains(&dimensions) || !(1..=LONGEST_TENSOR_NAME).contains(&name_length) {
            return Err(DAMAGED);
        }
        let mut weights = 1_u64;
        for _ in 0..dimensions {
            let size = u64::try_from(source.i32()?).map_err(|_| DAMAGED)?;
            weights = weights.checked_mul(size).ok_or(DAMAGED)?;
        }
        let (per_block, block_size) = gguf::block(kind).ok_or(DAMAGED)?;
        if !weights.is_multiple_of(per_block) {
            return Err(DAMAGED);
        }
        let size = (weights / per_block).checked_mul(block_size).ok_or(DAMAGED)?;
        source.skip(name_length as u64)?;
        let needed = source.position().checked_add(size).ok_or(DAMAGED)?;
        if needed > source.length() {
            return Err(HeaderError::Truncated { found: source.length(), needed });
        }
        source.skip(size)?;
    }
    let english_only = vocabulary < 51_865;
    Ok(Header {
        kind: Kind::Ggml,
        architecture: "whisper".to_owned(),
        name: None,
        variant: None,
        languages: if english_only { vec!["en".to_owned()] } else { Vec::new() },
        context: None,
        byte_size: source.length(),
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
