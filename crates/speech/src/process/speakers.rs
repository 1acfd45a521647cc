//! The program's side of an engine process that tells speakers apart: one stretch of a recording at a time.

use super::child::{EngineCommand, Message};
use super::protocol::{Reply, Request};
use super::session::{Session, loaded, twice};
use super::stable::Stable;
use crate::SpeechError;
use crate::engine::Control;
use crate::speaker_model::Spoken;
use crate::windows::Window;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long a model may take to load, as for decoders.
const LOAD: Duration = Duration::from_secs(120);
/// How long it may take for a stretch, however short, and in addition for each second of it. Models that take a tenth
/// of that are slow.
const STRETCH: Duration = Duration::from_secs(60);
const AUDIO_SECOND: Duration = Duration::from_secs(3);

/// An engine process with a model that tells speakers apart. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct SpeakerProcess {
    session: Session,
    model: PathBuf,
    threads: u32,
    /// As it says itself.
    name: String,
    next: u32,
}

impl SpeakerProcess {
    /// Starts the process and has it load the model; a process that dies of it is tried once more.
    pub(crate) fn start(
        command: &EngineCommand,
        model: &Path,
        threads: u32,
        control: &dyn Control,
    ) -> Result<Self, SpeechError> {
        let mut this = Self {
            session: Session::new(Stable::new(), command.clone()),
            model: model.to_owned(),
            threads,
            name: String::new(),
            next: 0,
        };
        loaded(model, || this.load(control))?;
        Ok(this)
    }

    /// The name of the model, as it says itself.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Who speaks when in `samples`; in a second attempt if the first cost the process its life.
    pub(crate) fn diarize(
        &mut self,
        samples: Vec<f32>,
        control: &dyn Control,
    ) -> Result<Vec<Spoken>, SpeechError> {
        let stretch = Arc::new(Window::new(self.next, 0, samples));
        self.next += 1;
        twice(stretch.index, || self.attempt(&stretch, control))
    }

    fn attempt(&mut self, stretch: &Arc<Window>, control: &dyn Control) -> Result<Vec<Spoken>, SpeechError> {
        if !self.session.is_running() {
            self.load(control)?;
        }
        let index = stretch.index;
        let patience = STRETCH + AUDIO_SECOND.mul_f64(stretch.seconds());
        let message = Message { request: Request::Diarize { index }, window: Some(Arc::clone(stretch)) };
        self.session.ask(message, patience, Some(control), |reply| match reply {
            Reply::Diarized { index: i, spoken } if i == index => Ok(Some(spoken)),
            // The model goes on.
            Reply::Failed { index: i, error } if i == index => Err(error.into()),
            _ => Err(SpeechError::Garbled),
        })
    }

    fn load(&mut self, control: &dyn Control) -> Result<(), SpeechError> {
        let request = Request::LoadSpeakers { model: self.model.clone(), threads: self.threads };
        self.name = self.session.load(request, LOAD, Some(control), |reply| match reply {
            Reply::SpeakersReady { name } => Some(name),
            _ => None,
        })?;
        Ok(())
    }
}
