//! What can go wrong with the archive.

use crate::managed::ManagedError;

/// A variant for each thing a caller or user can do something about. The text is a sentence for the user; details of
/// the driver are in `source`.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The private server cannot be started.
    #[error(transparent)]
    Managed(#[from] ManagedError),
    /// No connection; `reason` says what the server or the network answered.
    #[error("The database {database} cannot be reached: {reason}.")]
    Unreachable {
        /// Host and name, never the password.
        database: String,
        /// In the server's or the system's words.
        reason: String,
    },
    /// The connection string is not one.
    #[error("The database address is not valid: {0}. It looks like postgresql://user:password@host/name.")]
    Address(String),
    /// A later version of the application has changed the schema.
    #[error(
        "This archive was made by a newer MeetMemo (schema step {step}). Update MeetMemo to open it; nothing was changed."
    )]
    Newer {
        /// The first step we do not know.
        step: String,
    },
    /// The database is somebody else's.
    #[error(
        "The database {database} holds other tables already ({tables}). Give MeetMemo an empty one; nothing was changed."
    )]
    Foreign {
        /// Host and name.
        database: String,
        /// A few of the tables found.
        tables: String,
    },
    /// A schema step failed.
    #[error("The archive could not be brought up to date: {0}. Nothing of the failed step was kept.")]
    Migration(String),
    /// Letters beyond ASCII would be lost in searches.
    #[error("The database {database} lacks the letters of half the world (its character type is not UTF-8).")]
    NotUnicode {
        /// Host and name.
        database: String,
    },
    /// A write that must change one row changed another number.
    #[error("The archive has changed meanwhile: {0}.")]
    Stale(&'static str),
    /// A stored value that no version of ours writes.
    #[error("The archive holds a value that this version does not know: {0}.")]
    Unknown(String),
    /// Any other answer of the database.
    #[error("The database did not accept a statement: {0}")]
    Query(#[from] diesel::result::Error),
}
