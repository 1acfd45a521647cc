//! The hidden modes of our executables: engine processes and the database keeper are the same program once more.

use std::process::ExitCode;

/// Recognises windows for another process of ours.
pub(crate) const ENGINE: &str = "engine";
/// Keeps the private PostgreSQL.
pub(crate) const DATABASE_SERVER: &str = "database-server";

/// Runs a hidden mode if the command line names one. To be called first thing in `main`, on the main thread and before
/// any other thread is started: the database server is tied to the thread that starts it.
pub fn hidden_mode() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let mode = arguments.next()?;
    if mode == ENGINE {
        return Some(speech::process::serve());
    }
    if mode == DATABASE_SERVER {
        let arguments: Vec<_> = arguments.collect();
        return Some(store::managed::keeper::keep(&arguments));
    }
    None
}
