//! Calls into third-party demuxers and decoders, and turns their panics into errors.

use std::cell::Cell;
use std::io;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use symphonia::core::errors::{Error, Result};

/// Why a call into a demuxer or decoder failed.
#[derive(Debug)]
pub(crate) enum LibraryError {
    /// The disk or the network failed.
    Io(io::Error),
    /// The file or the packet ends too early.
    EndOfFile,
    /// The data is invalid.
    Malformed(&'static str),
    /// The data may be valid, but the library does not support it.
    Unsupported(&'static str),
    /// Another stream begins; the caller has to read its parameters.
    Reset,
    /// The library panicked.
    Panic,
}

/// Calls `f`, and returns a panic as [`LibraryError::Panic`].
///
/// Decoders of this many formats still have index and overflow panics for hostile input, and one bad file must not take
/// the application down. After a panic, whatever `f` worked on may be in an inconsistent state, so the caller drops or
/// replaces it.
pub(crate) fn catch_panic<T>(f: impl FnOnce() -> Result<T>) -> std::result::Result<T, LibraryError> {
    install_quiet_hook();
    let outer = CATCHING.replace(true);
    let result = catch_unwind(AssertUnwindSafe(f));
    CATCHING.set(outer);
    match result {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(library_error(error)),
        Err(_) => Err(LibraryError::Panic),
    }
}

thread_local! {
    /// This thread is inside of [`catch_panic`].
    static CATCHING: Cell<bool> = const { Cell::new(false) };
}

/// Keeps caught panics off standard error: they are handled, and their text is not for users.
///
/// A panic is reported before it is caught, by the panic hook, of which a process has one. All other panics are passed
/// on to the hook that was there before.
fn install_quiet_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if CATCHING.get() {
                tracing::debug!(location = info.location().map(tracing::field::display), "decoder panicked");
            } else {
                before(info);
            }
        }));
    });
}

fn library_error(error: Error) -> LibraryError {
    match error {
        // Bit readers report a short packet as an I/O error too; only errors of the system have a number.
        Error::IoError(error) if error.raw_os_error().is_some() => LibraryError::Io(error),
        Error::IoError(error) if error.kind() == io::ErrorKind::UnexpectedEof => LibraryError::EndOfFile,
        Error::IoError(_) => LibraryError::Malformed("bit stream"),
        Error::DecodeError(detail) | Error::LimitError(detail) => LibraryError::Malformed(detail),
        Error::Unsupported(detail) => LibraryError::Unsupported(detail),
        Error::SeekError(_) => LibraryError::Malformed("seek"),
        Error::ResetRequired => LibraryError::Reset,
        _ => LibraryError::Malformed("unknown"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_returned_as_an_error() {
        let result = catch_panic(|| -> Result<()> { panic!("expected in this test") });
        assert!(matches!(result, Err(LibraryError::Panic)));
    }

    #[test]
    fn a_short_packet_is_not_a_disk_error() {
        let short =
            catch_panic(|| -> Result<()> { Err(Error::IoError(io::ErrorKind::UnexpectedEof.into())) });
        assert!(matches!(short, Err(LibraryError::EndOfFile)));
        let disk = catch_panic(|| -> Result<()> { Err(Error::IoError(io::Error::from_raw_os_error(5))) });
        assert!(matches!(disk, Err(LibraryError::Io(_))));
    }
}
