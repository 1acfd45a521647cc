//! Loads model files with the engine library, if this processor can run the library.
//!
//! The library is built for x86-64 processors with AVX2, FMA, F16C and BMI2. Packages hold the engine process a second
//! time, built for processors without these; the app starts that one where [`processor_suffices`] is false.

use crate::engine::{Capabilities, Device, EngineError, EngineSpec};
use crate::windows::Cutting;
use std::path::Path;
use transcribe_cpp::{Backend, BackendMask, Error, Model, ModelOptions};

/// The name of the engine library.
const ENGINE: &str = "transcribe.cpp";
/// Working memory of a decoder in bytes, besides the weights, which are mapped and shared: activations and caches. A
/// generous estimate for models of up to a billion parameters.
const WORKING_MEMORY: u64 = 300 << 20;

/// The capabilities of a model, as far as they are known without loading it.
pub(crate) fn capabilities_before_loading(spec: &EngineSpec) -> Capabilities {
    let bytes = std::fs::metadata(&spec.model).map(|found| found.len()).unwrap_or(0);
    Capabilities {
        engine: ENGINE.to_owned(),
        model: name_of(&spec.model),
        model_sha256: spec.sha256.clone(),
        languages: Vec::new(),
        detects_language: false,
        word_times: false,
        word_confidence: false,
        translates: false,
        vocabulary: false,
        longest_window_ms: None,
        cutting: Cutting::for_context(spec.context_s),
        memory_bytes: WORKING_MEMORY,
        shared_bytes: bytes,
        device: String::new(),
        fell_back: false,
    }
}

/// The model's name: that of its file without the extension.
fn name_of(model: &Path) -> String {
    model.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Loads the model of `path`, of any role.
pub(crate) fn load_model(path: &Path, device: Device) -> Result<Model, EngineError> {
    if !processor_suffices() {
        return Err(EngineError::NotOnThisSystem { engine: ENGINE.to_owned() });
    }
    let (backend, mask) = match device {
        Device::Auto if Device::GPU_SUPPORTED => (Backend::Auto, BackendMask::ALL),
        // The mask keeps the library from touching graphics drivers.
        Device::Auto | Device::Cpu => (Backend::CpuAccel, BackendMask::CPU),
    };
    let options = ModelOptions { backend, ..ModelOptions::default() };
    transcribe_cpp::init_backends_with(None::<&Path>, mask)
        .and_then(|()| Model::load_with(path, &options))
        .map_err(|error| load_error(error, path, &name_of(path)))
}

/// Translates an error of the library while it loads the model of `path`.
pub(crate) fn load_error(error: Error, path: &Path, model: &str) -> EngineError {
    tracing::warn!(%error, "a model could not be loaded");
    match error {
        Error::ModelFileNotFound(_) => EngineError::ModelMissing { path: path.to_owned() },
        Error::OutOfMemory(_) => EngineError::OutOfMemory { model: model.to_owned() },
        Error::UnsupportedRole(_) => EngineError::NoSpeechModel { path: path.to_owned() },
        _ => EngineError::ModelUnusable { path: path.to_owned() },
    }
}

/// Whether the engine library in this program is built for processors with AVX2, FMA, F16C and BMI2, as
/// `.cargo/config.toml` requests, or for processors without them (`cargo xtask bundle` builds both).
const NEEDS_AVX2: bool = {
    let arguments = match option_env!("TRANSCRIBE_CMAKE_ARGS") {
        Some(arguments) => arguments.as_bytes(),
        None => b"",
    };
    let wanted = b"-DGGML_AVX2=ON";
    let mut at = 0;
    let mut found = false;
    while at + wanted.len() <= arguments.len() {
        let mut same = 0;
        while same < wanted.len() && arguments[at + same] == wanted[same] {
            same += 1;
        }
        found |= same == wanted.len();
        at += 1;
    }
    found
};

/// Whether this processor can run the engine library in this program. On another one, the first instruction of the
/// library would end the process.
pub fn processor_suffices() -> bool {
    #[cfg(target_arch = "x86_64")]
    return !NEEDS_AVX2
        || (std::arch::is_x86_feature_detected!("avx2")
            && std::arch::is_x86_feature_detected!("fma")
            && std::arch::is_x86_feature_detected!("f16c")
            && std::arch::is_x86_feature_detected!("bmi2"));
    #[cfg(not(target_arch = "x86_64"))]
    true
}
