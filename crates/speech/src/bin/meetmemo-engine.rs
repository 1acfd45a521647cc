//! An engine process as a program of its own. `cargo xtask bundle` builds it for processors that the engine library in
//! the other programs is not built for; see `App::engine_command`.

use std::process::ExitCode;

fn main() -> ExitCode {
    speech::process::serve()
}
