//! Faults that tests inject into engine processes. Not in release builds.

use std::path::Path;

/// The environment variable that names the fault. `crash` aborts the process at every window, `crash:3` at window 3,
/// `crash-once:3:FILE` the first time only (FILE is created to remember it), `hang:3` and `hang-once:3:FILE` block for
/// ever instead, and `babble:3` writes text between the protocol's messages.
const VARIABLE: &str = "MEETMEMO_ENGINE_FAULT";

/// The faults that [`at`] returns. `crash` and `hang` do not return.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    Babble,
}

/// Crashes or hangs if that fault is set for window `index`, else returns the fault.
pub(super) fn at(index: u32) -> Fault {
    let Ok(fault) = std::env::var(VARIABLE) else { return Fault::None };
    let mut parts = fault.splitn(3, ':');
    let kind = parts.next().unwrap_or_default();
    if parts.next().is_some_and(|at| at.parse() != Ok(index)) {
        return Fault::None;
    }
    // Only one of several processes succeeds in creating the file.
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
