//! How an error crosses to the page.

use app::Code;
use serde::Serialize;

/// A whole sentence for the user, with a code where somebody can act on it.
#[derive(Debug, Clone, PartialEq, Serialize, specta::Type)]
pub(crate) struct Failure {
    /// What can be done about it.
    pub code: Code,
    /// What happened, to which file, and what to do.
    pub message: String,
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        let code = Code::of(&error);
        tracing::info!(?code, "a command was refused");
        Self { code, message: format!("{error:#}") }
    }
}

/// What a command gives.
pub(crate) type Answer<T> = Result<T, Failure>;
