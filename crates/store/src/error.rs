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
    /// The configured server is older than the oldest supported version.
    #[error(
        "The database {database} is on PostgreSQL {version}. MeetMemo needs 15 or newer; 15 to 18 are tested. Nothing was changed."
    )]
    OldServer {
        /// Host and database name.
        database: String,
        /// The version as the server reports it.
        version: String,
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
    /// Rows of a backup do not fit the tables. A clause.
    #[error("The rows of the backup cannot be used: {0}.")]
    BackupRows(String),
    /// The server found damaged pages while it read a table.
    #[error(
        "The database is damaged: {0}. Bring the archive back from a backup with `meetmemo restore`, while no window is open."
    )]
    Damaged(String),
    /// The disk that holds the database is full.
    #[error(
        "The disk that holds the database is full, so this could not be stored. Free some space and do it again; what was stored before is safe. The server says: {0}."
    )]
    DiskFull(String),
    /// A table is to be written anew, and the disk has no room for a second copy of it.
    #[error(
        "The disk that holds the database has {free_mb} MB free, and writing the table {table} anew needs {needed_mb} MB. Free some space first; nothing was changed."
    )]
    NoRoom {
        /// The greatest table.
        table: String,
        /// The size of the table in megabytes.
        needed_mb: u64,
        /// Free space in megabytes.
        free_mb: u64,
    },
    /// A search was given up.
    #[error(
        "The search took longer than five seconds and was given up. Search for fewer or rarer words, or for a shorter time."
    )]
    SearchTooLong,
    /// The server rolled a transaction back to resolve a deadlock. The query runs again before this reaches a caller.
    #[error("Others changed the same at the same time, and this was not stored. Do it again.")]
    Deadlock,
    /// Another process runs ANALYZE, VACUUM or REINDEX on this database.
    #[error(
        "Another MeetMemo process is looking after this database already. Wait until it has finished, or end it (meetmemo database activity, meetmemo database end)."
    )]
    MaintenanceRuns,
    /// Any other error of the database.
    #[error("The database did not accept a statement: {0}")]
    Query(diesel::result::Error),
    /// The same on a connection without diesel.
    #[error("The database did not accept a statement: {0}.")]
    Statement(String),
}

/// Not derived: `#[from]` would make the error its own `source` too, and its text would be shown twice.
impl From<diesel::result::Error> for StoreError {
    fn from(error: diesel::result::Error) -> Self {
        // diesel does not pass on the SQLSTATE. The private server writes English messages; those of a configured one in
        // another language stay as they are.
        let message = match &error {
            diesel::result::Error::DatabaseError(_, information) => information.message(),
            _ => return Self::Query(error),
        };
        if message.contains("No space left on device") {
            return Self::DiskFull(message.to_owned());
        }
        // Only searches have a time limit.
        if message.contains("statement timeout") {
            return Self::SearchTooLong;
        }
        if message.contains("deadlock detected") {
            return Self::Deadlock;
        }
        // Of a checksum that does not fit, and of a file that was cut off.
        if message.starts_with("invalid page in block") || message.starts_with("could not read block") {
            return Self::Damaged(message.to_owned());
        }
        Self::Query(error)
    }
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        use tokio_postgres::error::SqlState;
        let Some(message) = error.as_db_error() else {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            return Self::Statement(cause.unwrap_or_else(|| error.to_string()));
        };
        match message.code() {
            &SqlState::DATA_CORRUPTED | &SqlState::INDEX_CORRUPTED => {
                Self::Damaged(message.message().to_owned())
            }
            &SqlState::DISK_FULL => Self::DiskFull(message.message().to_owned()),
            _ => Self::Statement(message.message().to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_with_a_variant_of_their_own_are_told_from_others() {
        use diesel::result::{DatabaseErrorKind, Error};
        let of = |message: &str| {
            StoreError::from(Error::DatabaseError(DatabaseErrorKind::Unknown, Box::new(message.to_owned())))
        };
        assert!(matches!(of("invalid page in block 3 of relation base/5/16500"), StoreError::Damaged(_)));
        let short = "could not read block 3 in file \"base/5/16500\": read only 0 of 8192 bytes";
        assert!(matches!(of(short), StoreError::Damaged(_)));
        let full = "could not extend file \"base/5/16500\": No space left on device";
        assert!(matches!(of(full), StoreError::DiskFull(_)));
        let late = "canceling statement due to statement timeout";
        assert!(matches!(of(late), StoreError::SearchTooLong));
        assert!(matches!(of("deadlock detected"), StoreError::Deadlock));
        assert!(matches!(of("a column is missing"), StoreError::Query(_)));
    }

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
