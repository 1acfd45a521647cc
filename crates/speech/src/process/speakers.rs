//! The program's side of an engine process that tells speakers apart: one stretch of a recording at a time.

use super::child::{EngineCommand, EngineProcess, Message, Signal};
use super::protocol::{Reply, Request};
use super::stable::Stable;
use crate::SpeechError;
use crate::engine::{Control, EngineError};
use crate::speaker_model::Spoken;
use crate::windows::Window;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

/// How long a model may take to load, as for decoders.
const LOAD: Duration = Duration::from_secs(120);
/// How long it may take for a stretch, however short, and in addition for each second of it. Models that take a tenth
/// of that are slow.
const STRETCH: Duration = Duration::from_secs(60);
const AUDIO_SECOND: Duration = Duration::from_secs(3);
/// How soon a cancel is noticed.
const LOOK: Duration = Duration::from_millis(100);

/// An engine process with a model that tells speakers apart. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct SpeakerProcess {
    stable: Stable,
    command: EngineCommand,
    model: PathBuf,
    threads: u32,
    /// As it says itself.
    name: String,
    running: Option<Running>,
    processes: u64,
    next: u32,
}

#[derive(Debug)]
struct Running {
    process: EngineProcess,
    /// Held, so that the channel stays open whatever becomes of the process.
    _signal: mpsc::Sender<Signal>,
    signals: mpsc::Receiver<Signal>,
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
            stable: Stable::new(),
            command: command.clone(),
            model: model.to_owned(),
            threads,
            name: String::new(),
            running: None,
            processes: 0,
            next: 0,
        };
        let loaded = match this.load(control) {
            Err(SpeechError::Crashed | SpeechError::Garbled) => this.load(control),
            loaded => loaded,
        };
        match loaded {
            Ok(()) => Ok(this),
            Err(SpeechError::Crashed) => Err(EngineError::ModelUnusable { path: model.to_owned() }.into()),
            Err(error) => Err(error),
        }
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
        match self.attempt(&stretch, control) {
            Err(error @ (SpeechError::Crashed | SpeechError::Garbled | SpeechError::Hung { .. })) => {
                tracing::warn!(index = stretch.index, %error, "stretch without an answer");
                self.attempt(&stretch, control)
            }
            answer => answer,
        }
    }

    fn attempt(&mut self, stretch: &Arc<Window>, control: &dyn Control) -> Result<Vec<Spoken>, SpeechError> {
        if self.running.is_none() {
            self.load(control)?;
        }
        let index = stretch.index;
        let patience = STRETCH + AUDIO_SECOND.mul_f64(stretch.seconds());
        self.tell(Message { request: Request::Diarize { index }, window: Some(Arc::clone(stretch)) });
        match self.reply(patience, control) {
            Ok(Reply::Diarized { index: i, spoken }) if i == index => Ok(spoken),
            // The model goes on.
            Ok(Reply::Failed { index: i, error }) if i == index => Err(error.into()),
            Ok(_) => self.end(SpeechError::Garbled),
            Err(error) => self.end(error),
        }
    }

    fn load(&mut self, control: &dyn Control) -> Result<(), SpeechError> {
        let (signal, signals) = mpsc::channel();
        self.processes += 1;
        let process = EngineProcess::start(&self.stable, &self.command, self.processes, &signal)?;
        self.running = Some(Running { process, _signal: signal, signals });
        let request = Request::LoadSpeakers { model: self.model.clone(), threads: self.threads };
        self.tell(Message { request, window: None });
        match self.reply(LOAD, control) {
            Ok(Reply::SpeakersReady { name }) => {
                self.name = name;
                Ok(())
            }
            Ok(Reply::Refused { error }) => self.end(error.into()),
            Ok(_) => self.end(SpeechError::Garbled),
            Err(error) => self.end(error),
        }
    }

    /// Ends the process, which is not in order or no longer wanted.
    fn end<T>(&mut self, error: SpeechError) -> Result<T, SpeechError> {
        self.running = None;
        Err(error)
    }

    fn tell(&self, message: Message) {
        if let Some(running) = &self.running {
            running.process.tell(message);
        }
    }

    /// What the process says next.
    fn reply(&self, patience: Duration, control: &dyn Control) -> Result<Reply, SpeechError> {
        let Some(running) = &self.running else { return Err(SpeechError::Crashed) };
        let begin = Instant::now();
        loop {
            if control.cancelled() {
                return Err(SpeechError::Cancelled);
            }
            match running.signals.recv_timeout(LOOK) {
                Ok(Signal::Reply { reply, .. }) => return Ok(reply),
                Ok(Signal::Gone { garbled: true, .. }) => return Err(SpeechError::Garbled),
                Ok(Signal::Gone { .. } | Signal::Stop) => return Err(SpeechError::Crashed),
                Err(_) if begin.elapsed() > patience => return Err(SpeechError::Hung { after: patience }),
                Err(_) => {}
            }
        }
    }
}
