//! The built-in speech model, which ships with the programs: Whisper base, multilingual.
//!
//! `cargo xtask setup` makes its file from published weights, with a context of 16 s instead of 30 s, and checks its
//! SHA-256. [`crate::neural`] loads it.

use crate::engine::{Capabilities, Device, EngineError, EngineSpec};
use std::path::{Path, PathBuf};

/// The model's id in settings, on the command line and in the archive.
pub const ID: &str = "whisper-base";
/// The model file, relative to the folder of resources.
const FILE: &str = "speech/whisper-base-q8_0.gguf";
/// SHA-256 of the file, in hexadecimal. `xtask` refuses to make a different file.
const SHA256: &str = "0beef39a23fee56b809f26458206de4cbee5b4f2dc7de07d798fbec166e5b585";
/// Context of the encoder in seconds, as the file states it; see [`EngineSpec::context_s`].
const CONTEXT_S: u32 = 16;

/// The languages of multilingual Whisper, in the order of its tokens.
const LANGUAGES: [&str; 99] = [
    "en", "zh", "de", "es", "ru", "ko", "fr", "ja", "pt", "tr", "pl", "ca", "nl", "ar", "sv", "it", "id",
    "hi", "fi", "vi", "he", "uk", "el", "ms", "cs", "ro", "da", "hu", "ta", "no", "th", "ur", "hr", "bg",
    "lt", "la", "mi", "ml", "cy", "sk", "te", "fa", "lv", "bn", "sr", "az", "sl", "kn", "et", "mk", "br",
    "eu", "is", "hy", "ne", "mn", "bs", "kk", "sq", "sw", "gl", "mr", "pa", "si", "km", "sn", "yo", "so",
    "af", "oc", "ka", "be", "tg", "sd", "gu", "am", "yi", "lo", "uz", "fo", "ht", "ps", "tk", "nn", "mt",
    "sa", "lb", "my", "bo", "tl", "mg", "as", "tt", "haw", "ln", "ha", "ba", "jw", "su",
];

/// The engine with the built-in model in the folder `resources`.
///
/// # Errors
/// [`EngineError::ModelMissing`].
pub fn spec(resources: &Path) -> Result<EngineSpec, EngineError> {
    let spec = spec_at(resources.join(FILE));
    spec.check()?;
    Ok(spec)
}

/// The engine with the built-in model in the file `model`, which may be missing.
pub fn spec_at(model: PathBuf) -> EngineSpec {
    EngineSpec {
        model,
        sha256: Some(SHA256.to_owned()),
        device: Device::Cpu,
        threads: 1,
        context_s: Some(CONTEXT_S),
    }
}

/// The capabilities of the model, without loading it.
pub fn capabilities(spec: &EngineSpec) -> Capabilities {
    Capabilities {
        model: ID.to_owned(),
        languages: LANGUAGES.map(str::to_owned).to_vec(),
        detects_language: true,
        translates: true,
        vocabulary: true,
        device: "CPU".to_owned(),
        ..spec.capabilities()
    }
}

/// Size of the model file in bytes.
pub const BYTE_SIZE: u64 = 83_143_968;
