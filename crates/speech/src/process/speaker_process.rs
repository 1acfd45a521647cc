//! The program's side of an engine process with a diarization model: sends it one chunk of a recording at a time.

use super::engine_pool::EnginePool;
use super::engine_process::{EngineCommand, Message};
use super::protocol::{Reply, Request};
use super::session::{Session, load_with_retry, with_retry};
use crate::SpeechError;
use crate::diarization_model::SpeakerSpan;
use crate::engine::Control;
use crate::windows::Window;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Timeout for loading the model, as for decoders.
const LOAD_TIMEOUT: Duration = Duration::from_secs(120);
/// Timeout for a chunk of any length, plus an allowance for each second of its audio. A model that takes a tenth of
/// this is slow.
const CHUNK_TIMEOUT: Duration = Duration::from_secs(60);
const TIMEOUT_PER_AUDIO_SECOND: Duration = Duration::from_secs(3);

/// An engine process with a diarization model. The process ends when this is dropped.
#[derive(Debug)]
pub(crate) struct SpeakerProcess {
    session: Session,
    model: PathBuf,
    threads: u32,
    /// The model's name, as the process reports it.
    name: String,
    next_index: u32,
}

impl SpeakerProcess {
    /// Starts the process and loads the model. Tries again once if the process dies while loading.
    pub(crate) fn start(
        command: &EngineCommand,
        model: &Path,
        threads: u32,
        control: &dyn Control,
    ) -> Result<Self, SpeechError> {
        let mut this = Self {
            session: Session::new(EnginePool::new(), command.clone()),
            model: model.to_owned(),
            threads,
            name: String::new(),
            next_index: 0,
        };
        load_with_retry(model, || this.load(control))?;
        Ok(this)
    }

    /// The model's name, as the process reports it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Finds who speaks when in `samples`. Tries again once, in a new process, if the process fails.
    pub(crate) fn diarize(
        &mut self,
        samples: Vec<f32>,
        control: &dyn Control,
    ) -> Result<Vec<SpeakerSpan>, SpeechError> {
        let chunk = Arc::new(Window::new(self.next_index, 0, samples));
        self.next_index += 1;
        with_retry(chunk.index, || self.attempt(&chunk, control))
    }

    fn attempt(
        &mut self,
        chunk: &Arc<Window>,
        control: &dyn Control,
    ) -> Result<Vec<SpeakerSpan>, SpeechError> {
        if !self.session.is_running() {
            self.load(control)?;
        }
        let index = chunk.index;
        let timeout = CHUNK_TIMEOUT + TIMEOUT_PER_AUDIO_SECOND.mul_f64(chunk.seconds());
        let message = Message { request: Request::Diarize { index }, window: Some(Arc::clone(chunk)) };
        self.session.request(message, timeout, Some(control), |reply| match reply {
            Reply::Diarized { index: i, spans } if i == index => Ok(Some(spans)),
            // The process stays usable.
            Reply::Failed { index: i, error } if i == index => Err(error.into()),
            _ => Err(SpeechError::Garbled),
        })
    }

    fn load(&mut self, control: &dyn Control) -> Result<(), SpeechError> {
        let request = Request::LoadSpeakers { model: self.model.clone(), threads: self.threads };
        self.name = self.session.load(request, LOAD_TIMEOUT, Some(control), |reply| match reply {
            Reply::SpeakersReady { name } => Some(name),
            _ => None,
        })?;
        Ok(())
    }
}
