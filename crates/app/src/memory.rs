//! Whether memory is what lacks where a speech model does not load. The engine library says the same of a file that is
//! damaged and of memory that it is not given.

use rustix::process::{Resource, getrlimit};
use speech::{EngineError, SpeechError};
use std::path::Path;

/// What an engine process takes besides its model's file: the program, its libraries, and what it computes in.
const BESIDES_MODEL: u64 = 256 << 20;

/// `error`, or that there is too little memory where that is why a model did not load.
pub(crate) fn or_too_little(error: SpeechError) -> SpeechError {
    match error {
        SpeechError::Engine(EngineError::ModelUnusable { path }) if is_short_for(&path) => {
            let model = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
            EngineError::OutOfMemory { model }.into()
        }
        other => other,
    }
}

/// Whether the model in the file `path` needs more memory than this process may use, or than is free.
pub(crate) fn is_short_for(path: &Path) -> bool {
    let size = std::fs::metadata(path).map_or(0, |file| file.len());
    is_short(size, limit_of_process(), speech::available_memory())
}

fn is_short(model_bytes: u64, limit: Option<u64>, free: Option<u64>) -> bool {
    limit.is_some_and(|limit| limit < model_bytes.saturating_add(BESIDES_MODEL))
        || free.is_some_and(|free| free < model_bytes)
}

/// What to say besides where an engine process ended by itself and its memory is limited. An engine that is refused memory
/// while it computes just ends.
pub(crate) fn hint(error: &SpeechError) -> String {
    match (error, limit_of_process()) {
        (SpeechError::Crashed, Some(limit)) => hint_of(limit),
        _ => String::new(),
    }
}

fn hint_of(limit: u64) -> String {
    format!(
        " This session gives a program no more than {} MB of memory, which may be too little: raise the limit (ulimit -v).",
        limit / 1_000_000
    )
}

/// How many bytes a process of this session may have (`ulimit -v`); `None` without a limit.
fn limit_of_process() -> Option<u64> {
    getrlimit(Resource::As).current
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_told_in_megabytes() {
        assert!(hint_of(409_600_000).contains("no more than 409 MB of memory"));
    }

    #[test]
    fn a_model_does_not_load_for_lack_of_memory_where_it_does_not_fit() {
        const MB: u64 = 1 << 20;
        for (limit, free, short) in [
            (None, Some(8000 * MB), false),
            (None, None, false),
            (Some(195 * MB), Some(8000 * MB), true),
            (Some(1000 * MB), Some(8000 * MB), false),
            (None, Some(100 * MB), true),
        ] {
            assert_eq!(is_short(150 * MB, limit, free), short, "{limit:?} {free:?}");
        }
    }
}
