//! What can go wrong between windows and words.

use crate::engine::EngineError;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why decoders could not be started, or why a window has no words. The texts are for the user.
#[derive(Debug, thiserror::Error)]
pub enum SpeechError {
    /// The engine itself refused: the language, the model, the window.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The engine process could not be started.
    #[error("the speech engine could not be started: {}", why_not(program, source))]
    NotStarted {
        /// The program that should have become the engine process.
        program: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The engine process ended by itself, twice for a window. Another engine or model may help.
    #[error("the speech engine stopped unexpectedly")]
    Crashed,
    /// The engine process did not answer and was ended, twice for a window.
    #[error("the speech engine did not answer for {} s", after.as_secs())]
    Hung {
        /// How long it was waited for.
        after: Duration,
    },
    /// The engine process answered something that makes no sense. It is not our program, or a library spoilt it.
    #[error("the speech engine gave an answer that makes no sense")]
    Garbled,
    /// The decoders have been cancelled.
    #[error("the transcription was cancelled")]
    Cancelled,
    /// A window came after [`crate::process::Decoders::finish`].
    #[error("the transcription has already come to its end")]
    Finished,
}

fn why_not(program: &Path, reason: &io::Error) -> String {
    // The system says `EAGAIN` where it has no room for one more process.
    match reason.kind() {
        io::ErrorKind::OutOfMemory | io::ErrorKind::WouldBlock => {
            "there is not enough memory for it; close other programs".to_owned()
        }
        _ => format!("{} cannot be run", program.display()),
    }
}
