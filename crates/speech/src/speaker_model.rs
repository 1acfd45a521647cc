//! Models that tell speakers apart by themselves, such as Sortformer, through `transcribe-cpp`.
//!
//! What runs in an engine process; the program's side is [`crate::diarize::Sortformer`]. Leaves out what becomes of
//! long recordings, which a model takes whole or not at all.

use crate::engine::{Device, EngineError};
use crate::neural;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use transcribe_cpp::{DiarizeOptions, DiarizeSession, DiarizeSessionOptions, Error, Role};

/// A stretch in which a model hears one speaker. Stretches of several may overlap.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spoken {
    /// From when on, in milliseconds from the beginning of what it was given.
    pub start_ms: u32,
    /// Until when.
    pub end_ms: u32,
    /// The model's number for the speaker, which means something within one call only.
    pub speaker: u32,
    /// How sure the model is, from 0 to 1, if it says so.
    pub confidence: Option<f32>,
}

/// A loaded model that tells speakers apart.
pub trait SpeakerModel {
    /// Its name for people.
    fn name(&self) -> String;

    /// Who speaks when in `samples`, 16 kHz mono, in any order.
    ///
    /// # Errors
    /// [`EngineError::Failed`], [`EngineError::OutOfMemory`], [`EngineError::Cancelled`].
    fn diarize(&mut self, samples: &[f32]) -> Result<Vec<Spoken>, EngineError>;
}

/// A model of the engine library.
struct Native {
    session: DiarizeSession,
    name: String,
}

/// Loads the model of `path`, which computes on the processor with `threads` threads.
///
/// # Errors
/// [`EngineError::ModelMissing`], [`EngineError::ModelUnusable`], [`EngineError::NoSpeakerModel`],
/// [`EngineError::OutOfMemory`], or [`EngineError::NotOnThisSystem`] on a processor that is too old.
pub(crate) fn open(path: &Path, threads: u32) -> Result<Box<dyn SpeakerModel>, EngineError> {
    let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let other = || EngineError::NoSpeakerModel { path: PathBuf::from(path) };
    let model = neural::load_model(path, Device::Cpu).map_err(|error| match error {
        EngineError::NoSpeechModel { .. } => other(),
        error => error,
    })?;
    if !model.roles().contains(Role::Diarize) {
        return Err(other());
    }
    let threads = i32::try_from(threads).unwrap_or(1).max(1);
    let session = model
        .diarize_session_with(&DiarizeSessionOptions { n_threads: threads })
        .map_err(|error| neural::failed(error, path, &name))?;
    Ok(Box::new(Native { session, name }))
}

impl SpeakerModel for Native {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn diarize(&mut self, samples: &[f32]) -> Result<Vec<Spoken>, EngineError> {
        let found = match self.session.run(samples, &DiarizeOptions::default()) {
            Ok(found) => found,
            Err(Error::Aborted { .. }) => return Err(EngineError::Cancelled),
            // Nobody says anything in it.
            Err(Error::InputTooShort(_)) => return Ok(Vec::new()),
            Err(Error::OutOfMemory(_)) => return Err(EngineError::OutOfMemory { model: self.name.clone() }),
            Err(error) => {
                tracing::warn!(%error, "speakers could not be told apart");
                return Err(EngineError::Failed { engine: self.name.clone() });
            }
        };
        let ms = |ms: i64| u32::try_from(ms.max(0)).unwrap_or(u32::MAX);
        let spoken = found.iter().map(|segment| Spoken {
            start_ms: ms(segment.t0_ms),
            end_ms: ms(segment.t1_ms),
            speaker: u32::try_from(segment.speaker_id).unwrap_or(0),
            confidence: (0.0..=1.0).contains(&segment.p).then_some(segment.p),
        });
        Ok(spoken.collect())
    }
}
