//! Faults on demand, for tests of what happens then. Not in release builds.

use std::path::Path;

/// The environment variable. `crash` ends the process at every window, `crash:3` at window 3, `crash-once:3:FILE`
/// the first time only (FILE is made to remember it), `hang:3` and `hang-once:3:FILE` never come back instead,
/// `babble:3` writes text where messages belong.
const VARIABLE: &str = "MEETMEMO_ENGINE_FAULT";

/// What goes wrong besides crashing and hanging, which do not return.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    Babble,
}

/// Commits the fault that is set for window `index`.
pub(super) fn at(index: u32) -> Fault {
    let Ok(fault) = std::env::var(VARIABLE) else { return Fault::None };
    let mut parts = fault.splitn(3, ':');
    let kind = parts.next().unwrap_or_default();
    if parts.next().is_some_and(|at| at.parse() != Ok(index)) {
        return Fault::None;
    }
    // Only one of all the processes succeeds in making the file.
    if parts.next().is_some_and(|file| std::fs::File::create_new(Path::new(file)).is_err()) {
        return Fault::None;
    }
    match kind {
        "crash" | "crash-once" => std::process::abort(),
        "hang" | "hang-once" => loop {
            std::thread::park();
        },
        "babble" => Fault::Babble,
        _ => Fault::None,
    }
}
