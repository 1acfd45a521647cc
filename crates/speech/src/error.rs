//! Errors of speech recognition.

use crate::engine::EngineError;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why decoders could not be started, or why a window could not be recognised. The texts are for the user.
#[derive(Debug, thiserror::Error)]
pub enum SpeechError {
    /// The engine refused the model, the language or the window.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The engine process could not be started.
    #[error("the speech engine could not be started: {}", start_failure(program, source))]
    NotStarted {
        /// The program that should have become the engine process.
        program: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The engine process ended unexpectedly, twice for the same window. Another model may help.
    #[error("the speech engine stopped unexpectedly")]
    Crashed,
    /// The engine process did not answer in time and was killed, twice for the same window.
    #[error("the speech engine did not answer for {} s", after.as_secs())]
    Hung {
        /// The timeout.
        after: Duration,
    },
    /// The engine process sent malformed data: it is not our program, or a library printed into the pipe.
    #[error("the speech engine sent an answer that cannot be understood")]
    Garbled,
    /// The decoders have been cancelled.
    #[error("the transcription was cancelled")]
    Cancelled,
    /// A window was submitted after [`crate::process::Decoders::finish`].
    #[error("the transcription has already ended")]
    Finished,
}

fn start_failure(program: &Path, reason: &io::Error) -> String {
    // The system reports `EAGAIN` when it has no memory for another process.
    match reason.kind() {
        io::ErrorKind::OutOfMemory | io::ErrorKind::WouldBlock => {
            "there is not enough memory for it; close other programs".to_owned()
        }
        _ => format!("{} cannot be run", program.display()),
    }
}
