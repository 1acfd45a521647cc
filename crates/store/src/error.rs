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
    /// A pool of connections is in between, which mixes up what belongs to a session.
    #[error(
        "The database {database} is reached through a pool that shares the server's connections for single transactions, as PgBouncer does. MeetMemo's locks would not hold there. Give the server's own port, or set the pool to session mode (pool_mode = session)."
    )]
    Pooled {
        /// Host and name.
        database: String,
    },
    /// Words in most languages could not be stored.
    #[error(
        "The database {database} stores text as {encoding}, which lacks most letters of the world. Give MeetMemo one that stores UTF-8; this makes one: createdb --encoding=UTF8 --template=template0 NAME. Nothing was changed."
    )]
    NotUtf8 {
        /// Host and name.
        database: String,
        /// As the server calls it: `LATIN1`.
        encoding: String,
    },
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
    Query(diesel::result::Error),
}

/// By hand, because the error would else be its own cause too, and its text be told twice.
impl From<diesel::result::Error> for StoreError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Query(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_database_says_is_told_once() {
        let errors = [
            StoreError::from(diesel::result::Error::RollbackTransaction),
            ManagedError::Folder { path: "/x".into(), reason: std::io::Error::other("a reason") }.into(),
        ];
        for error in errors {
            let causes = std::iter::successors(std::error::Error::source(&error), |cause| cause.source());
            let told: Vec<String> = causes.map(ToString::to_string).collect();
            assert!(
                told.iter().all(|cause| !error.to_string().contains(cause)),
                "{error} because of {told:?}"
            );
        }
    }
}
