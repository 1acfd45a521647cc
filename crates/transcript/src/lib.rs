//! What a transcript is made of, as plain types and pure functions.
//!
//! Times, words, turns and segments; whose a word is, how recognised words become readable segments, and how two
//! transcripts differ. Leaves out everything that touches a file, a database or a clock: those crates depend on this
//! one, never the other way round.

mod align;
mod compare;
mod join;
mod line;
mod overlay;
mod segment;
mod time;
mod turn;
mod word;

pub use align::{Assigned, Said, align, ruled};
pub use compare::{Comparison, Piece, Row, compare};
pub use join::join;
pub use line::{is_control, one_line, shown};
pub use overlay::{Overlay, SpeakerEdit, same_speakers};
pub use segment::{Line, Segment, lines, segments};
pub use time::{AudioTime, Span};
pub use turn::Turn;
pub use word::{Doubt, Reason, Word, key_of, places_in_text, text_of, words_of, written_without_spaces};

/// Sample rate of all audio between the decoder and the engines, in samples per second.
pub const SAMPLE_RATE: u32 = 16_000;
