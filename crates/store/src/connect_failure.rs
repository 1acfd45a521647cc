//! Why a connection could not be opened.

use crate::error::StoreError;
use tokio_postgres::error::SqlState;

/// Why a connection could not be opened.
#[derive(Debug)]
pub(crate) enum ConnectFailure {
    Postgres(tokio_postgres::Error),
    Store(StoreError),
    /// The connection ended while it was being set up.
    Broken(String),
    /// The server accepted the connection but did not answer, or the network did not reach it.
    NoAnswer,
}

impl ConnectFailure {
    pub(crate) fn is(&self, code: &SqlState) -> bool {
        matches!(self, Self::Postgres(error) if error.code() == Some(code))
    }

    /// Whether the server stopped while the session was being set up, or restarts after a crash.
    pub(crate) fn is_server_stopping(&self) -> bool {
        match self {
            Self::Postgres(error) => error.code().is_none_or(|code| {
                [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN, SqlState::CANNOT_CONNECT_NOW]
                    .contains(code)
            }),
            Self::Broken(_) | Self::Store(StoreError::Query(_)) => true,
            Self::Store(_) | Self::NoAnswer => false,
        }
    }
}

impl From<tokio_postgres::Error> for ConnectFailure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Postgres(error)
    }
}
