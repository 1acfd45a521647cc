//! The conversation with an engine process: start it, have it load a model, ask, wait for the answer, and replace it when
//! it dies, hangs or makes no sense. Leaves out what is asked, and for whom.

use super::child::{EngineCommand, EngineProcess, Message, Signal};
use super::protocol::{Reply, Request};
use super::stable::Stable;
use crate::SpeechError;
use crate::engine::{Control, EngineError};
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How soon a [`Control`] that cancels is noticed.
const LOOK: Duration = Duration::from_millis(100);

/// One engine process at a time. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Session {
    stable: Stable,
    command: EngineCommand,
    process: Option<EngineProcess>,
    /// How many there have been.
    processes: u64,
    /// Held, so that the channel stays open whatever becomes of the process.
    signal: mpsc::Sender<Signal>,
    signals: mpsc::Receiver<Signal>,
}

/// A process without its session, and the channel that it reports to.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) process: EngineProcess,
    pub(super) signal: mpsc::Sender<Signal>,
    pub(super) signals: mpsc::Receiver<Signal>,
}

impl Session {
    /// Without a process so far.
    pub(super) fn new(stable: Stable, command: EngineCommand) -> Self {
        let (signal, signals) = mpsc::channel();
        Self { stable, command, process: None, processes: 0, signal, signals }
    }

    /// With a process that has waited for work.
    pub(super) fn with(stable: Stable, command: EngineCommand, connection: Connection) -> Self {
        let Connection { process, signal, signals } = connection;
        Self { stable, command, processes: process.number, process: Some(process), signal, signals }
    }

    /// Gives up the process, so that it can be kept for the next recording.
    pub(super) fn take(&mut self) -> Option<Connection> {
        let process = self.process.take()?;
        let (signal, signals) = mpsc::channel();
        Some(Connection {
            process,
            signal: std::mem::replace(&mut self.signal, signal),
            signals: std::mem::replace(&mut self.signals, signals),
        })
    }

    /// Where a [`Signal::Stop`] ends whatever is waited for.
    pub(super) fn stop(&self) -> mpsc::Sender<Signal> {
        self.signal.clone()
    }

    /// Whether there is a process, as far as is known.
    pub(super) fn is_running(&self) -> bool {
        self.process.is_some()
    }

    /// Starts a process in place of the one there was and gives it `request`, by which it loads a model. `ready` is told
    /// what it says then.
    ///
    /// # Errors
    /// As [`Session::ask`], and [`SpeechError::NotStarted`]. There is no process then, except after a cancel.
    pub(super) fn load<T>(
        &mut self,
        request: Request,
        patience: Duration,
        control: Option<&dyn Control>,
        mut ready: impl FnMut(Reply) -> Option<T>,
    ) -> Result<T, SpeechError> {
        self.processes += 1;
        self.process = None;
        self.process = Some(EngineProcess::start(&self.stable, &self.command, self.processes, &self.signal)?);
        let message = Message { request, window: None };
        let loaded = self.ask(message, patience, control, |reply| match reply {
            Reply::Refused { error } => Err(error.into()),
            reply => ready(reply).map(Some).ok_or(SpeechError::Garbled),
        });
        if loaded.as_ref().is_err_and(|error| !matches!(error, SpeechError::Cancelled)) {
            self.process = None;
        }
        loaded
    }

    /// Gives the process a message and waits until `heard` takes something it says for the answer, `patience` at most.
    ///
    /// # Errors
    /// Those of `heard`; [`SpeechError::Crashed`], [`SpeechError::Hung`] and [`SpeechError::Garbled`], after which the
    /// process is ended; [`SpeechError::Cancelled`] by `control` or a [`Signal::Stop`].
    pub(super) fn ask<T>(
        &mut self,
        message: Message,
        patience: Duration,
        control: Option<&dyn Control>,
        mut heard: impl FnMut(Reply) -> Result<Option<T>, SpeechError>,
    ) -> Result<T, SpeechError> {
        if let Some(process) = &self.process {
            process.tell(message);
        }
        let deadline = Deadline::after(patience);
        let answer = loop {
            match self.reply(deadline, control).and_then(&mut heard) {
                Ok(Some(answer)) => break Ok(answer),
                Ok(None) => {}
                Err(error) => break Err(error),
            }
        };
        if answer.as_ref().is_err_and(is_of_process) {
            self.process = None;
        }
        answer
    }

    /// What the process says next.
    fn reply(&self, deadline: Deadline, control: Option<&dyn Control>) -> Result<Reply, SpeechError> {
        loop {
            if control.is_some_and(Control::cancelled) {
                return Err(SpeechError::Cancelled);
            }
            let wait = if control.is_some() { deadline.left().min(LOOK) } else { deadline.left() };
            match self.signals.recv_timeout(wait) {
                Ok(Signal::Reply { process, reply }) if self.is_current(process) => return Ok(reply),
                Ok(Signal::Gone { process, garbled }) if self.is_current(process) => {
                    return Err(if garbled { SpeechError::Garbled } else { SpeechError::Crashed });
                }
                Ok(Signal::Stop) => return Err(SpeechError::Cancelled),
                Ok(Signal::Reply { .. } | Signal::Gone { .. }) => {}
                // We hold a sender ourselves, so that it is always the time that is over.
                Err(_) if deadline.left().is_zero() => {
                    return Err(SpeechError::Hung { after: deadline.patience });
                }
                Err(_) => {}
            }
        }
    }

    /// Takes note of what has happened while nothing was asked: the end of the process, or of everything.
    ///
    /// # Errors
    /// [`SpeechError::Cancelled`] after a [`Signal::Stop`].
    pub(super) fn catch_up(&mut self) -> Result<(), SpeechError> {
        while let Ok(signal) = self.signals.try_recv() {
            match signal {
                Signal::Gone { process, .. } if self.is_current(process) => self.process = None,
                Signal::Stop => return Err(SpeechError::Cancelled),
                Signal::Gone { .. } | Signal::Reply { .. } => {}
            }
        }
        Ok(())
    }

    /// Asks the process to end, gives it `patience`, and kills it.
    pub(super) fn end(&mut self, patience: Duration) {
        if let Some(process) = &mut self.process {
            process.hang_up();
        }
        let deadline = Deadline::after(patience);
        while self.process.is_some() {
            match self.signals.recv_timeout(deadline.left()) {
                Ok(Signal::Gone { process, .. }) if self.is_current(process) => self.process = None,
                Ok(_) => {}
                Err(_) => self.process = None,
            }
        }
    }

    fn is_current(&self, process: u64) -> bool {
        self.process.as_ref().is_some_and(|current| current.number == process)
    }
}

/// What `load` gives; once more if the process died of it. A model that kills two is of no use.
pub(super) fn loaded<T>(
    model: &Path,
    mut load: impl FnMut() -> Result<T, SpeechError>,
) -> Result<T, SpeechError> {
    let loaded = match load() {
        Err(SpeechError::Crashed | SpeechError::Garbled) => load(),
        loaded => loaded,
    };
    match loaded {
        Err(SpeechError::Crashed) => Err(EngineError::ModelUnusable { path: model.to_owned() }.into()),
        loaded => loaded,
    }
}

/// What `attempt` at window or stretch `index` gives; once more if the first cost a process its life.
pub(super) fn twice<T>(
    index: u32,
    mut attempt: impl FnMut() -> Result<T, SpeechError>,
) -> Result<T, SpeechError> {
    match attempt() {
        Err(error) if is_of_process(&error) => {
            tracing::warn!(index, %error, "no answer from an engine process; tried once more");
            attempt().inspect_err(|error| tracing::warn!(index, %error, "no answer the second time"))
        }
        outcome => outcome,
    }
}

/// Whether a process that this happened to is not in order; another one may do better.
fn is_of_process(error: &SpeechError) -> bool {
    !matches!(error, SpeechError::Engine(_) | SpeechError::Cancelled)
}

#[derive(Clone, Copy)]
struct Deadline {
    end: Instant,
    patience: Duration,
}

impl Deadline {
    fn after(patience: Duration) -> Self {
        Self { end: Instant::now() + patience, patience }
    }

    fn left(self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }
}
