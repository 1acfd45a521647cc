//! What a transcript is made of, as plain types and pure functions.
//!
//! Times, words and segments, and how recognised words become readable segments. Leaves out everything that
//! touches a file, a database or a clock: those crates depend on this one, never the other way round.

mod segment;
mod time;
mod word;

pub use segment::{Segment, segments};
pub use time::{AudioTime, Span};
pub use word::Word;

/// Sample rate of all audio between the decoder and the engines, in samples per second.
pub const SAMPLE_RATE: u32 = 16_000;
