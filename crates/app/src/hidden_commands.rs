//! The hidden commands of our executables. An engine process and the database keeper are the running program, started
//! once more with one of these words as its first argument.

use std::process::ExitCode;

/// Starts an engine process, which recognises windows for another process of ours.
pub(crate) const ENGINE: &str = "engine";
/// Starts the keeper of the private PostgreSQL server.
pub(crate) const DATABASE_SERVER: &str = "database-server";

/// Runs a hidden command if the command line names one. Must be the first call in `main`, on the main thread, before
/// any other thread starts: the PostgreSQL process dies with the thread that started it.
pub fn run_hidden_command() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let command = arguments.next()?;
    if command == ENGINE {
        return Some(speech::process::serve());
    }
    if command == DATABASE_SERVER {
        let arguments: Vec<_> = arguments.collect();
        return Some(store::managed::keeper::run(&arguments));
    }
    None
}
