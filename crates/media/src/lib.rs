//! A file becomes 16 kHz mono frames.
//!
//! The only place that knows containers, codecs and resampling. [`probe`] says what a file is, or refuses it with a
//! sentence; a [`Reader`] gives its sound from start to end, in memory that does not depend on its length. For ears
//! there is [`Sound`], which can be entered anywhere, with the times of the reader. Where each person has a channel or a
//! track, [`parts`] says so, and a reader gives one [`Part`].
//!
//! Most formats are decoded in this process. What is not (WMA, AMR, AC-3, old video containers …) goes through an
//! installed `ffmpeg`, if [`Tools`] knows one. What a file is, is decided by its first bytes, never by its name, and
//! never by asking `ffmpeg`: a text file is refused whether or not `ffmpeg` is there.
//!
//! Input is hostile: nothing here panics, hangs or allocates by what a header claims. The decoders are third-party
//! code, so each call into them is guarded; that needs `panic = "unwind"`, the default of every profile.
//!
//! Left out: video, writing audio, loudness, and everything about speech.

mod containers;
mod date;
mod error;
mod external;
mod ffmpeg;
mod index;
mod listen;
mod mono;
mod native;
mod part;
mod reader;
mod resample;
mod sniff;
mod source;
mod timeline;
mod tools;

pub use error::MediaError;
pub use index::SeekIndex;
pub use listen::{Listening, Sound};
pub use part::Part;
pub use reader::{Probe, Reader, RecordedAt, Shortfall, parts, probe};
pub use tools::Tools;
