//! The exit code of a command.

use std::process::ExitCode;

/// 0 if everything succeeded, otherwise 1.
pub(crate) fn exit_code(all_well: bool) -> ExitCode {
    if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
