//! Speech recognition and speaker diarization: samples become words, and turns of speakers.
//!
//! All samples are 16 kHz mono `f32`. For recognition, a [`Windower`] takes the samples as they are decoded, finds the
//! speech in them and cuts it into [`Window`]s at pauses. [`process::Decoders`] distribute the windows over engine
//! processes, in which an [`Engine`] turns each into a [`Recognition`]. Windows do not depend on each other, so they
//! can be recognised in parallel, repeatedly, or by a later run of the program. For diarization, see [`diarize`].
//!
//! | module | content |
//! |---|---|
//! | `voice_activity`, [`windows`] | which frames are speech; cutting a recording into windows |
//! | [`engine`], [`neural`], [`built_in`] | the interface of engines; neural models; the included model |
//! | `word_times`, `hallucination` | times of words for models that give none; doubtful words |
//! | [`process`] | engine processes, and the decoders that use them |
//! | [`diarize`], [`diarization_model`] | speakers: the diarizers, and models that run in engine processes |
//! | `capacity` | how many decoders to run |
//!
//! Decoding of files is the business of the crate `media`, storage of `store` and `app`, and readable segments of
//! `transcript`. This crate uses threads and pipes, no async runtime.

pub mod built_in;
mod capacity;
pub mod diarization_model;
pub mod diarize;
pub mod engine;
mod error;
mod hallucination;
pub mod neural;
pub mod process;
mod voice_activity;
pub mod windows;
mod word_times;

pub use capacity::{available_memory, cores, decoder_count, total_memory};
pub use diarize::{
    CamPlusPlus, ClusteringDiarizer, Diarization, DiarizeError, Diarizer, ExpectedSpeakers, FallbackDiarizer,
    Segmentation, Sortformer, VoiceEmbedding, VoiceEncoder, embed_voice,
};
pub use engine::{Capabilities, Control, Device, Engine, EngineError, EngineSpec, Options, Recognition};
pub use error::SpeechError;
pub use process::{Decoders, EngineCommand, EnginePool, Event};
pub use windows::{Cutting, WINDOWING_VERSION, Window, WindowSource, Windower};
