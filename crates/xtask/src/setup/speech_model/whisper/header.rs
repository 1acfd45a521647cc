//! The header of a Whisper model's GGUF file: the keys that `transcribe-cpp` reads.

use super::super::frontend;
use super::super::gguf::Value;
use super::{Original, Side, Sizes, Tokens, list};
use anyhow::{Context, Result};
use serde_json::Value as Json;

/// GGUF token types: a control token, which stands for nothing spoken, and a normal one.
const CONTROL: i32 = 3;
const NORMAL: i32 = 1;

/// GGUF's `general.file_type` of a file whose matrices are Q8_0.
const MOSTLY_Q8_0: u32 = 7;

fn integers(config: &Json, key: &str) -> Result<Value> {
    let number = |json: &Json| json.as_i64().and_then(|number| i32::try_from(number).ok());
    let numbers: Option<_> = list(&config[key], key)?.iter().map(number).collect();
    Ok(Value::Integers(numbers.with_context(|| format!("{key} of the configuration are no whole numbers"))?))
}

/// The keys and values of the header, in the order of the file.
pub(super) fn keys(
    original: &Original,
    sizes: &Sizes,
    tokens: &Tokens,
    name: &str,
    context_s: u32,
) -> Result<Vec<(String, Value)>> {
    let mut keys = Keys::default();
    put_general(&mut keys, tokens, name)?;
    put_tokenizer(&mut keys, tokens)?;
    put_network(&mut keys, original, sizes, tokens)?;
    put_frontend(&mut keys, sizes, context_s)?;
    Ok(keys.0)
}

#[derive(Default)]
struct Keys(Vec<(String, Value)>);

impl Keys {
    fn put(&mut self, key: &str, value: Value) {
        self.0.push((key.to_owned(), value));
    }

    fn text(&mut self, key: &str, text: &str) {
        self.put(key, Value::Text(text.to_owned()));
    }

    fn number(&mut self, key: &str, number: usize) -> Result<()> {
        self.put(key, Value::U32(u32::try_from(number)?));
        Ok(())
    }
}

/// Name, origin and capabilities of the model.
fn put_general(keys: &mut Keys, tokens: &Tokens, name: &str) -> Result<()> {
    let multilingual = tokens.is_multilingual();
    keys.text("general.architecture", "whisper");
    keys.text("general.name", name);
    keys.text("general.basename", "whisper");
    keys.text("general.organization", "openai");
    keys.text("general.license", "mit");
    keys.text("general.repo_url", &format!("https://huggingface.co/openai/{name}"));
    keys.put("general.file_type", Value::U32(MOSTLY_Q8_0));
    keys.put("general.languages", Value::Texts(tokens.languages()?));
    keys.text("stt.variant", name);
    keys.put("stt.capability.lang_detect", Value::Bool(multilingual));
    keys.put("stt.capability.translate", Value::Bool(multilingual));
    keys.put("stt.capability.timestamps", Value::Bool(true));
    Ok(())
}

/// The vocabulary.
fn put_tokenizer(keys: &mut Keys, tokens: &Tokens) -> Result<()> {
    let end = tokens.number("<|endoftext|>")?;
    let types = (0..tokens.texts.len()).map(|token| if token < end { NORMAL } else { CONTROL }).collect();
    keys.text("tokenizer.ggml.model", "gpt2");
    keys.text("tokenizer.ggml.pre", "gpt2");
    keys.put("tokenizer.ggml.tokens", Value::Texts(tokens.texts.clone()));
    keys.put("tokenizer.ggml.token_type", Value::Integers(types));
    keys.put("tokenizer.ggml.merges", Value::Texts(tokens.merges.clone()));
    for key in ["bos", "eos", "padding"] {
        keys.number(&format!("tokenizer.ggml.{key}_token_id"), end)?;
    }
    keys.put("tokenizer.ggml.add_bos_token", Value::Bool(false));
    Ok(())
}

/// Sizes of encoder and decoder, and the tokens with a special meaning to the decoder.
fn put_network(keys: &mut Keys, original: &Original, sizes: &Sizes, tokens: &Tokens) -> Result<()> {
    for (side, Side { layers, heads, inner, .. }) in
        [("encoder", &sizes.encoder), ("decoder", &sizes.decoder)]
    {
        keys.put(&format!("stt.whisper.{side}.n_layers"), Value::U32(*layers));
        keys.number(&format!("stt.whisper.{side}.d_model"), sizes.width)?;
        keys.put(&format!("stt.whisper.{side}.n_heads"), Value::U32(*heads));
        keys.number(&format!("stt.whisper.{side}.ffn_dim"), *inner)?;
        keys.text(&format!("stt.whisper.{side}.activation"), "gelu");
    }
    keys.put("stt.whisper.encoder.num_mel_bins", Value::U32(sizes.mels));
    keys.number("stt.whisper.encoder.max_source_positions", sizes.encoder.positions)?;
    keys.number("stt.whisper.decoder.max_target_positions", sizes.decoder.positions)?;
    keys.number("stt.whisper.decoder.vocab_size", sizes.vocabulary)?;
    keys.put("stt.whisper.decoder.tie_word_embeddings", Value::Bool(true));
    keys.put("stt.whisper.decoder.scale_embedding", Value::Bool(false));
    for (key, token) in [
        ("decoder_start", "<|startoftranscript|>"),
        ("sot", "<|startoftranscript|>"),
        ("transcribe", "<|transcribe|>"),
        ("no_timestamps", "<|notimestamps|>"),
        ("translate", "<|translate|>"),
        ("prev_sot", "<|startofprev|>"),
    ] {
        keys.number(&format!("stt.whisper.{key}_token_id"), tokens.number(token)?)?;
    }
    keys.put("stt.whisper.suppress_tokens", integers(&original.config, "suppress_ids")?);
    keys.put("stt.whisper.begin_suppress_tokens", integers(&original.config, "suppress_ids_begin")?);
    Ok(())
}

/// How audio becomes the encoder's input, and the length of the encoder context.
fn put_frontend(keys: &mut Keys, sizes: &Sizes, context_s: u32) -> Result<()> {
    keys.text("stt.frontend.type", "mel");
    keys.text("stt.frontend.window", "hann_periodic");
    keys.text("stt.frontend.normalize", "whisper_logmel");
    keys.text("stt.frontend.pad_mode", "reflect");
    keys.text("stt.frontend.mel_norm", "slaney");
    let samples = context_s.checked_mul(frontend::RATE).context("the window is too long")?;
    for (key, value) in [
        ("num_mels", sizes.mels),
        ("sample_rate", frontend::RATE),
        ("n_fft", frontend::FRAME),
        ("win_length", frontend::FRAME),
        ("hop_length", frontend::HOP),
        ("chunk_length", context_s),
        ("n_samples", samples),
        ("nb_max_frames", samples / frontend::HOP),
    ] {
        keys.put(&format!("stt.frontend.{key}"), Value::U32(value));
    }
    for (key, value) in
        [("dither", 0.0), ("pre_emphasis", 0.0), ("f_min", 0.0), ("f_max", frontend::RATE as f32 / 2.0)]
    {
        keys.put(&format!("stt.frontend.{key}"), Value::F32(value));
    }
    keys.put("stt.frontend.center", Value::Bool(true));
    Ok(())
}
