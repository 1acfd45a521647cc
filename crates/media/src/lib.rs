//! Reads audio and video files of many formats as 16 kHz mono samples.
//!
//! This crate alone knows about containers, codecs, resampling and `ffmpeg`.
//!
//! - [`probe()`] says what a file is, or refuses it with a sentence.
//! - [`Reader`] gives its sound from start to end, in memory that does not depend on its length. It never seeks:
//!   seeking differs by format and is not exact, so what is transcribed never depends on it.
//! - [`Playback`] gives 16-bit mono sound from any moment, with the same times as the reader. The reader leaves a
//!   [`SeekIndex`] for it.
//! - [`separate_streams`] names the channels or tracks that may hold one person each, and a reader can be opened for
//!   one [`StreamSelection`] of them.
//!
//! Most formats are decoded in this process. The others (WMA, AMR, AC-3, old video containers …) are decoded by an
//! installed `ffmpeg`, if [`Tools`] has one. The first bytes of a file decide what it is, never its name, and never
//! `ffmpeg`: a text file is refused whether or not `ffmpeg` is installed.
//!
//! | format of the file | module | timestamps | where reading goes on behind damage |
//! |---|---|---|---|
//! | WAV, AIFF, CAF | `containers/wave.rs`, `aiff_caf.rs` | none: positions in the file | – |
//! | MP3, AAC in ADTS | `native/mpeg_demuxer.rs` | none: frames are counted, lost ones estimated | three frames in a row |
//! | FLAC | `containers/flac.rs` | sample numbers | the next frame (symphonia) |
//! | Ogg | `native/container_info.rs` | positions of pages; they never go back, and only the last may cut | the next page (symphonia) |
//! | Matroska, WebM | `containers/matroska.rs` | of each block | the next cluster, or an appended file |
//! | MP4 | `containers/mp4.rs` | sums of durations; fragments state theirs | the next fragment; what lies between is shown to the demuxer as free space |
//! | all others | `ffmpeg.rs` | of each frame | up to `ffmpeg` |
//!
//! All of them place their sound on one time line (`timeline.rs`), so a time means the same in the transcript, in
//! playback and in the seek index.
//!
//! Input is hostile: nothing here panics, hangs, or allocates by what a header claims. The decoders are third-party
//! code, so panics in them are caught; that needs `panic = "unwind"`, the default of every profile.
//!
//! Not here: video, writing audio, loudness, and everything about speech.

mod containers;
mod date;
mod decoder;
mod downmix;
mod error;
mod ffmpeg;
mod file_view;
mod native;
mod playback;
mod probe;
mod reader;
mod resample;
mod seek_index;
mod sniff;
mod stream_selection;
mod timeline;
mod tools;

pub use error::MediaError;
pub use playback::{Playback, PlaybackStream};
pub use probe::{Probe, RecordedAt, probe, separate_streams};
pub use reader::{Reader, Shortfall};
pub use seek_index::SeekIndex;
pub use stream_selection::StreamSelection;
pub use tools::Tools;
