//! The hidden mode `database-server` as an executable of its own, for this crate's tests.

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    store::managed::keeper::keep(&arguments)
}
