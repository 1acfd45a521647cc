//! Errors that a front end can act on: a code for the program, a sentence for the user.

use serde::Serialize;

/// What kind of error this is, where a caller can do something about it. Every other error is only displayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// There is no such job, export, speaker, person, model or version.
    NotFound,
    /// The beginning of an id, or a name, fits several: ask for more of it.
    Ambiguous,
    /// The state of the job does not allow it; show the job again.
    WrongState,
    /// The value was changed after the user saw it; show the present one.
    ChangedMeanwhile,
    /// The file exists; ask whether to replace it.
    AlreadyExists,
    /// The value is invalid or not available, such as a language or model; offer the valid ones.
    NotOffered,
    /// There is nothing to export yet; wait for the transcript.
    NoTranscript,
    /// The disk is full; name the folder.
    DiskFull,
    /// The archive was written by a newer version: offer the update.
    NewerArchive,
    /// The configured database belongs to another program: ask for another one.
    ForeignDatabase,
    /// The database cannot be reached: offer to try again.
    DatabaseUnreachable,
    /// The files of the private database are damaged: offer to restore a backup.
    DatabaseDamaged,
    /// The backup is encrypted: ask for the file with its passphrase.
    PassphraseNeeded,
    /// The passphrase does not fit the backup: ask for another file.
    PassphraseWrong,
    /// Anything else.
    Other,
}

/// An error with a code and a sentence for the user. It is passed inside [`anyhow::Error`].
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct UserError {
    code: ErrorCode,
    message: String,
}

/// Makes a [`UserError`].
pub(crate) fn user_error(code: ErrorCode, message: impl Into<String>) -> anyhow::Error {
    UserError { code, message: message.into() }.into()
}

/// The error for a change that was refused because the value was changed after the user saw it.
pub fn changed_meanwhile(message: String) -> anyhow::Error {
    user_error(ErrorCode::ChangedMeanwhile, message)
}

impl ErrorCode {
    /// The code of an error that this crate returned.
    pub fn of(error: &anyhow::Error) -> Self {
        if let Some(error) = error.downcast_ref::<UserError>() {
            return error.code;
        }
        match error.chain().find_map(|cause| cause.downcast_ref::<store::StoreError>()) {
            Some(store::StoreError::Newer { .. }) => Self::NewerArchive,
            Some(store::StoreError::DiskFull(_) | store::StoreError::NoRoom { .. }) => Self::DiskFull,
            Some(store::StoreError::Foreign { .. }) => Self::ForeignDatabase,
            Some(
                store::StoreError::Damaged(_)
                | store::StoreError::Managed(store::managed::ManagedError::Damaged(_)),
            ) => Self::DatabaseDamaged,
            Some(store::StoreError::Unreachable { .. } | store::StoreError::Managed(_)) => {
                Self::DatabaseUnreachable
            }
            _ => Self::Other,
        }
    }
}

/// `clause` with its first letter in upper case, to begin a sentence.
pub(crate) fn capitalised(clause: &str) -> String {
    let mut letters = clause.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
