//! Diarization models such as Sortformer, loaded by the engine library `transcribe-cpp`.
//!
//! Runs in an engine process; the program's side is [`crate::diarize::Sortformer`], which also divides long recordings
//! into chunks, because a model processes its input as a whole.

use crate::engine::{Device, EngineError};
use crate::neural;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use transcribe_cpp::{DiarizeOptions, DiarizeSession, DiarizeSessionOptions, Error, Role};

/// A span in which a model found one speaker. Spans of different speakers may overlap.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SpeakerSpan {
    /// Start, in milliseconds from the start of the input.
    pub start_ms: u32,
    /// End, in milliseconds from the start of the input.
    pub end_ms: u32,
    /// The model's number for the speaker, valid within one call only.
    pub speaker: u32,
    /// The model's confidence from 0 to 1, if it gives one.
    pub confidence: Option<f32>,
}

/// A loaded diarization model.
pub trait DiarizationModel {
    /// Its display name.
    fn name(&self) -> String;

    /// Finds who speaks when in `samples`, 16 kHz mono. The spans are in no particular order.
    ///
    /// # Errors
    /// [`EngineError::Failed`], [`EngineError::OutOfMemory`], [`EngineError::Cancelled`].
    fn diarize(&mut self, samples: &[f32]) -> Result<Vec<SpeakerSpan>, EngineError>;
}

/// A model loaded by the engine library.
struct LibraryModel {
    session: DiarizeSession,
    name: String,
}

/// Loads the model of `path`, to run on the CPU with `threads` threads.
///
/// # Errors
/// [`EngineError::ModelMissing`], [`EngineError::ModelUnusable`], [`EngineError::NoSpeakerModel`],
/// [`EngineError::OutOfMemory`], or [`EngineError::NotOnThisSystem`] on a processor that is too old.
pub(crate) fn open(path: &Path, threads: u32) -> Result<Box<dyn DiarizationModel>, EngineError> {
    let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let wrong_kind = || EngineError::NoSpeakerModel { path: PathBuf::from(path) };
    let model = neural::load_model(path, Device::Cpu).map_err(|error| match error {
        EngineError::NoSpeechModel { .. } => wrong_kind(),
        error => error,
    })?;
    if !model.roles().contains(Role::Diarize) {
        return Err(wrong_kind());
    }
    let threads = i32::try_from(threads).unwrap_or(1).max(1);
    let session = model
        .diarize_session_with(&DiarizeSessionOptions { n_threads: threads })
        .map_err(|error| neural::load_error(error, path, &name))?;
    Ok(Box::new(LibraryModel { session, name }))
}

impl DiarizationModel for LibraryModel {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn diarize(&mut self, samples: &[f32]) -> Result<Vec<SpeakerSpan>, EngineError> {
        let found = match self.session.run(samples, &DiarizeOptions::default()) {
            Ok(found) => found,
            Err(Error::Aborted { .. }) => return Err(EngineError::Cancelled),
            // Too short for speech.
            Err(Error::InputTooShort(_)) => return Ok(Vec::new()),
            Err(Error::OutOfMemory(_)) => return Err(EngineError::OutOfMemory { model: self.name.clone() }),
            Err(error) => {
                tracing::warn!(%error, "the diarization model failed");
                return Err(EngineError::Failed { engine: self.name.clone() });
            }
        };
        let ms = |ms: i64| u32::try_from(ms.max(0)).unwrap_or(u32::MAX);
        let spans = found.iter().map(|segment| SpeakerSpan {
            start_ms: ms(segment.t0_ms),
            end_ms: ms(segment.t1_ms),
            speaker: u32::try_from(segment.speaker_id).unwrap_or(0),
            confidence: (0.0..=1.0).contains(&segment.p).then_some(segment.p),
        });
        Ok(spans.collect())
    }
}
