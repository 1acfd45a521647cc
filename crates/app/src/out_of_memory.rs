//! Decides whether a speech model failed to load because memory ran out. The engine library reports the same error for
//! a damaged file.

use rustix::process::{Resource, getrlimit};
use speech::{EngineError, SpeechError};
use std::path::Path;

/// Memory in bytes that an engine process needs besides the model file: the program, its libraries, its buffers.
const BESIDES_MODEL: u64 = 256 << 20;

/// Turns “the model cannot be used” into “out of memory” if the model is too large for the memory; returns any other
/// error unchanged.
pub(crate) fn explain_load_failure(error: SpeechError) -> SpeechError {
    match error {
        SpeechError::Engine(EngineError::ModelUnusable { path }) if is_too_large_for_memory(&path) => {
            let model = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
            EngineError::OutOfMemory { model }.into()
        }
        other => other,
    }
}

/// Whether the model file `path` is larger than the free memory, or than this process may use.
pub(crate) fn is_too_large_for_memory(path: &Path) -> bool {
    let size = std::fs::metadata(path).map_or(0, |file| file.len());
    is_too_large(size, limit_of_process(), speech::available_memory())
}

fn is_too_large(model_bytes: u64, limit: Option<u64>, free: Option<u64>) -> bool {
    limit.is_some_and(|limit| limit < model_bytes.saturating_add(BESIDES_MODEL))
        || free.is_some_and(|free| free < model_bytes)
}

/// A sentence about the memory limit of this session, to append to the message about a crashed engine process: an
/// engine that is refused memory while it computes just ends. Empty for other errors and without a limit.
pub(crate) fn limit_hint(error: &SpeechError) -> String {
    match (error, limit_of_process()) {
        (SpeechError::Crashed, Some(limit)) => limit_sentence(limit),
        _ => String::new(),
    }
}

fn limit_sentence(limit: u64) -> String {
    format!(
        " This session gives a program no more than {} MB of memory, which may be too little: raise the limit (ulimit -v).",
        limit / 1_000_000
    )
}

/// The bytes of memory that a process of this session may use (`ulimit -v`); `None` without a limit.
fn limit_of_process() -> Option<u64> {
    getrlimit(Resource::As).current
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_given_in_megabytes() {
        assert!(limit_sentence(409_600_000).contains("no more than 409 MB of memory"));
    }

    #[test]
    fn a_model_that_exceeds_the_limit_or_the_free_memory_is_too_large() {
        const MB: u64 = 1 << 20;
        for (limit, free, too_large) in [
            (None, Some(8000 * MB), false),
            (None, None, false),
            (Some(195 * MB), Some(8000 * MB), true),
            (Some(1000 * MB), Some(8000 * MB), false),
            (None, Some(100 * MB), true),
        ] {
            assert_eq!(is_too_large(150 * MB, limit, free), too_large, "{limit:?} {free:?}");
        }
    }
}
