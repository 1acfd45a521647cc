//! Calls into third-party demuxers and decoders.

use std::cell::Cell;
use std::io;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use symphonia::core::errors::{Error, Result};

/// How such a call can fail, as far as the difference matters.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The disk or the network failed.
    Io(io::Error),
    /// The file, or the packet, is over in the middle of something.
    EndOfFile,
    /// It makes no sense.
    Malformed(&'static str),
    /// It may make sense, but not to this library.
    Unsupported(&'static str),
    /// Another stream begins.
    Reset,
    /// It panicked.
    Panic,
}

/// Calls `f`, and survives if it panics.
///
/// Decoders of this many formats have index and overflow panics left for hostile input, and one bad file must not take
/// the application down. Unwinding leaves whatever `f` worked on in a state nobody vouches for, so a caller that gets
/// [`Failure::Panic`] drops or replaces it.
pub(crate) fn guard<T>(f: impl FnOnce() -> Result<T>) -> std::result::Result<T, Failure> {
    keep_quiet();
    let outer = GUARDED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(f));
    GUARDED.set(outer);
    match result {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(failure(error)),
        Err(_) => Err(Failure::Panic),
    }
}

thread_local! {
    /// Whether this thread is inside of a guarded call.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Keeps panics of guarded calls off standard error: they are handled, and their text is not for users.
///
/// A panic is reported before it is caught, by a hook that the process has only one of; all other panics go on to the
/// hook that was there before.
fn keep_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if GUARDED.get() {
                tracing::debug!(location = info.location().map(tracing::field::display), "decoder panicked");
            } else {
                before(info);
            }
        }));
    });
}

fn failure(error: Error) -> Failure {
    match error {
        // Bit readers report a short packet as an I/O error too; only the system has a number for its own.
        Error::IoError(error) if error.raw_os_error().is_some() => Failure::Io(error),
        Error::IoError(error) if error.kind() == io::ErrorKind::UnexpectedEof => Failure::EndOfFile,
        Error::IoError(_) => Failure::Malformed("bit stream"),
        Error::DecodeError(detail) | Error::LimitError(detail) => Failure::Malformed(detail),
        Error::Unsupported(detail) => Failure::Unsupported(detail),
        Error::SeekError(_) => Failure::Malformed("seek"),
        Error::ResetRequired => Failure::Reset,
        _ => Failure::Malformed("unknown"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_failure_like_any_other() {
        let result = guard(|| -> Result<()> { panic!("expected in this test") });
        assert!(matches!(result, Err(Failure::Panic)));
    }

    #[test]
    fn a_short_packet_is_no_failing_disk() {
        let short = guard(|| -> Result<()> { Err(Error::IoError(io::ErrorKind::UnexpectedEof.into())) });
        assert!(matches!(short, Err(Failure::EndOfFile)));
        let disk = guard(|| -> Result<()> { Err(Error::IoError(io::Error::from_raw_os_error(5))) });
        assert!(matches!(disk, Err(Failure::Io(_))));
    }
}
