//! Errors of the archive.

use crate::managed::ManagedError;

/// One variant for each case that a caller or a user can act on. The text is a whole sentence for the user. “Not found”
/// and “the lease is void” are not errors but `None` or `false`.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The private server cannot be started.
    #[error(transparent)]
    Managed(#[from] ManagedError),
    /// The database cannot be reached.
    #[error("The database {database} cannot be reached: {reason}.")]
    Unreachable {
        /// Host and database name, never the password.
        database: String,
        /// The message of the server or the operating system.
        reason: String,
    },
    /// The address of the database is invalid.
    #[error("The database address is not valid: {0}. It looks like postgresql://user:password@host/name.")]
    Address(String),
    /// A newer version of the application has migrated the schema.
    #[error(
        "This archive was made by a newer MeetMemo (schema step {step}). Update MeetMemo to open it; nothing was changed."
    )]
    Newer {
        /// The first migration that this version does not know.
        step: String,
    },
    /// The database belongs to another application.
    #[error(
        "The database {database} holds other tables already ({tables}). Give MeetMemo an empty one; nothing was changed."
    )]
    Foreign {
        /// Host and database name.
        database: String,
        /// A few of the tables found.
        tables: String,
    },
    /// A migration failed.
    #[error("The archive could not be brought up to date: {0}. Nothing of the failed step was kept.")]
    Migration(String),
    /// The server is reached through a connection pooler that does not keep sessions apart.
    #[error(
        "The database {database} is reached through a connection pool that shares the server's connections between transactions, as PgBouncer does. MeetMemo's locks would not hold there. Use the server's own port, or set the pool to session mode (pool_mode = session)."
    )]
    Pooled {
        /// Host and database name.
        database: String,
    },
    /// The encoding of the database lacks the characters of most languages.
    #[error(
        "The database {database} stores text as {encoding}, which lacks the letters of most languages. Give MeetMemo a database that stores UTF-8; this creates one: createdb --encoding=UTF8 --template=template0 NAME. Nothing was changed."
    )]
    NotUtf8 {
        /// Host and database name.
        database: String,
        /// The encoding as the server names it, such as `LATIN1`.
        encoding: String,
    },
    /// The locale of the database handles only ASCII, so searches would miss other letters.
    #[error(
        "The database {database} cannot search for letters beyond ASCII: its character type (LC_CTYPE) is not UTF-8."
    )]
    NotUnicode {
        /// Host and database name.
        database: String,
    },
    /// A row changed in a way that should be impossible.
    #[error("The archive has changed meanwhile: {0}.")]
    Stale(&'static str),
    /// A stored value that this version does not know.
    #[error("The archive holds a value that this version does not know: {0}.")]
    Unknown(String),
    /// Any other error of the database.
    #[error("The database did not accept a statement: {0}")]
    Query(diesel::result::Error),
}

/// Not derived: `#[from]` would make the error its own `source` too, and its text would be shown twice.
impl From<diesel::result::Error> for StoreError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Query(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_cause_is_shown_once() {
        let errors = [
            StoreError::from(diesel::result::Error::RollbackTransaction),
            ManagedError::Folder { path: "/x".into(), reason: std::io::Error::other("a reason") }.into(),
        ];
        for error in errors {
            let causes = std::iter::successors(std::error::Error::source(&error), |cause| cause.source());
            let causes: Vec<String> = causes.map(ToString::to_string).collect();
            assert!(
                causes.iter().all(|cause| !error.to_string().contains(cause)),
                "{error} because of {causes:?}"
            );
        }
    }
}
