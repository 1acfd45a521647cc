//! Frames become words: engines behind one trait, voice activity, and the processes that engines run in.
//!
//! The way of the samples, 16 kHz mono `f32` throughout: a [`Windower`] takes them as they are decoded, finds the
//! speech and cuts it into [`Window`]s at pauses. [`process::Decoders`] share the windows out to engine processes, in
//! which an [`Engine`] turns each into [`Recognition`]s. Windows do not depend on each other, so that they can be
//! recognised in parallel, again, or by a later run of the program.
//!
//! Leaves out containers and codecs (crate `media`), where windows and words are kept (`store`, `app`), and how words
//! become readable segments (`transcript`). Threads and pipes only, no async runtime.

mod activity;
pub mod built_in;
mod capacity;
pub mod diarize;
pub mod engine;
mod error;
mod hallucination;
pub mod neural;
pub mod process;
pub mod speaker_model;
pub mod windows;
mod word_times;

pub use capacity::{available_memory, cores, decoder_count, total_memory};
pub use diarize::{
    ByVoice, CamPlusPlus, Checked, Diarization, DiarizeError, Diarizer, Expected, Segmentation, Sortformer,
    Voice, VoiceEncoder, voice_of,
};
pub use engine::{Capabilities, Control, Device, Engine, EngineError, EngineSpec, Options, Recognition};
pub use error::SpeechError;
pub use process::{Decoders, EngineCommand, Event, Stable};
pub use windows::{Cutting, Place, WINDOWING_VERSION, Window, Windower};
