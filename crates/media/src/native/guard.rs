//! Calls into third-party demuxers and decoders.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
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
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(failure(error)),
        Err(_) => Err(Failure::Panic),
    }
}

fn failure(error: Error) -> Failure {
    match error {
        // Bit readers report a short packet as an I/O error too; only the system has a number for its own.
        Error::IoError(error) if error.raw_os_error().is_some() => Failure::Io(error),
        Error::IoError(error) if error.kind() == io::ErrorKind::UnexpectedEof => Failure::EndOfFile,
        Error::IoError(_) => Failure::Malformed("bit stream"),
        Error::DecodeError(detail) | Error::Unsupported(detail) | Error::LimitError(detail) => {
            Failure::Malformed(detail)
        }
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
