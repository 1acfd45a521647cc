//! Errors that somebody acts on, as they cross to a window or a script.

use serde::Serialize;

/// What a caller can do something about. Everything else is just told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// There is no such job or export.
    NotFound,
    /// The beginning of an id fits several jobs: ask for more of it.
    Ambiguous,
    /// The state of the job does not allow it; show the job again.
    WrongState,
    /// The file exists; ask whether to replace it.
    AlreadyExists,
    /// The language or model is not to be had; offer those that are.
    NotOffered,
    /// A kind of export that this version does not make.
    NotAvailableYet,
    /// There is nothing to export yet; wait for the transcript.
    NoTranscript,
    /// The disk is full; name the folder.
    DiskFull,
    /// The archive belongs to a newer version: offer the update.
    NewerArchive,
    /// The configured database is not ours: ask for another.
    ForeignDatabase,
    /// The database cannot be reached: offer to try again.
    DatabaseUnreachable,
    /// Anything else.
    Other,
}

/// A refusal with its code. Travels inside [`anyhow::Error`].
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    code: Code,
    message: String,
}

/// An error with a code and a sentence for the user.
pub(crate) fn refuse(code: Code, message: impl Into<String>) -> anyhow::Error {
    Refusal { code, message: message.into() }.into()
}

impl Code {
    /// The code of an error that came out of this crate.
    pub fn of(error: &anyhow::Error) -> Self {
        if let Some(refusal) = error.downcast_ref::<Refusal>() {
            return refusal.code;
        }
        match error.chain().find_map(|cause| cause.downcast_ref::<store::StoreError>()) {
            Some(store::StoreError::Newer { .. }) => Self::NewerArchive,
            Some(store::StoreError::Foreign { .. }) => Self::ForeignDatabase,
            Some(store::StoreError::Unreachable { .. } | store::StoreError::Managed(_)) => {
                Self::DatabaseUnreachable
            }
            _ => Self::Other,
        }
    }
}

/// A clause as the beginning of a sentence.
pub(crate) fn capitalised(clause: &str) -> String {
    let mut letters = clause.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
