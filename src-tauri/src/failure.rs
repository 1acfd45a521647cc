//! Errors as the page receives them.

use app::ErrorCode;
use serde::Serialize;

/// An error for the page: a sentence for the user and a code for the program.
#[derive(Debug, Clone, PartialEq, Serialize, specta::Type)]
pub(crate) struct Failure {
    /// What the page or the user can do about it.
    pub code: ErrorCode,
    /// What happened, to which file, and what to do.
    pub message: String,
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        let code = ErrorCode::of(&error);
        tracing::info!(?code, "a command failed");
        Self { code, message: format!("{error:#}") }
    }
}

/// The result of a command.
pub(crate) type CommandResult<T> = Result<T, Failure>;
