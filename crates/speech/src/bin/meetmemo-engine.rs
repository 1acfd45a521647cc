//! The engine process as a separate program. `cargo xtask bundle` builds it for older processors, which cannot run the
//! engine library in the other programs; see `App::engine_command`.

use std::process::ExitCode;

fn main() -> ExitCode {
    speech::process::serve()
}
