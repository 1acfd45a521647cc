//! A session with an engine process: starts it, loads a model, sends requests and waits for replies. Replaces a process
//! that has ended, hangs or sends malformed data. Does not know the meaning of the requests.

use super::engine_pool::EnginePool;
use super::engine_process::{EngineCommand, EngineProcess, Message, Signal};
use super::protocol::{Reply, Request};
use crate::SpeechError;
use crate::engine::{Control, EngineError};
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How often a [`Control`] is asked whether the work has been cancelled.
const CANCEL_POLL: Duration = Duration::from_millis(100);

/// A session has one engine process at a time. The process ends when the session is dropped.
#[derive(Debug)]
pub(super) struct Session {
    pool: EnginePool,
    command: EngineCommand,
    process: Option<EngineProcess>,
    /// Number of the latest process.
    processes: u64,
    /// A sender of our own, which keeps the channel open when the process has ended.
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
    /// A session without a process; [`Session::load`] starts one.
    pub(super) fn new(pool: EnginePool, command: EngineCommand) -> Self {
        let (signal, signals) = mpsc::channel();
        Self { pool, command, process: None, processes: 0, signal, signals }
    }

    /// A session with a process from the pool.
    pub(super) fn resume(pool: EnginePool, command: EngineCommand, connection: Connection) -> Self {
        let Connection { process, signal, signals } = connection;
        Self { pool, command, processes: process.number, process: Some(process), signal, signals }
    }

    /// Releases the process, so that it can go to the pool.
    pub(super) fn release(&mut self) -> Option<Connection> {
        let process = self.process.take()?;
        let (signal, signals) = mpsc::channel();
        Some(Connection {
            process,
            signal: std::mem::replace(&mut self.signal, signal),
            signals: std::mem::replace(&mut self.signals, signals),
        })
    }

    /// A sender for a [`Signal::Stop`], which ends any waiting in this session.
    pub(super) fn stop_sender(&self) -> mpsc::Sender<Signal> {
        self.signal.clone()
    }

    /// Whether there is a process that is not known to have ended.
    pub(super) fn is_running(&self) -> bool {
        self.process.is_some()
    }

    /// Replaces the process by a new one and sends it `request`, which loads a model. `ready` turns the reply into the
    /// result; `None` means that the reply is not the expected one.
    ///
    /// # Errors
    /// As [`Session::request`], and [`SpeechError::NotStarted`]. The session then has no process, except after a
    /// cancel.
    pub(super) fn load<T>(
        &mut self,
        request: Request,
        timeout: Duration,
        control: Option<&dyn Control>,
        mut ready: impl FnMut(Reply) -> Option<T>,
    ) -> Result<T, SpeechError> {
        self.processes += 1;
        self.process = None;
        self.process = Some(EngineProcess::start(&self.pool, &self.command, self.processes, &self.signal)?);
        let message = Message { request, window: None };
        let loaded = self.request(message, timeout, control, |reply| match reply {
            Reply::Refused { error } => Err(error.into()),
            reply => ready(reply).map(Some).ok_or(SpeechError::Garbled),
        });
        if loaded.as_ref().is_err_and(|error| !matches!(error, SpeechError::Cancelled)) {
            self.process = None;
        }
        loaded
    }

    /// Sends a message and passes each reply to `on_reply` until that returns a result, for at most `timeout`.
    ///
    /// # Errors
    /// Those of `on_reply`; [`SpeechError::Crashed`], [`SpeechError::Hung`] and [`SpeechError::Garbled`], after which
    /// the process is ended; [`SpeechError::Cancelled`] by `control` or a [`Signal::Stop`].
    pub(super) fn request<T>(
        &mut self,
        message: Message,
        timeout: Duration,
        control: Option<&dyn Control>,
        mut on_reply: impl FnMut(Reply) -> Result<Option<T>, SpeechError>,
    ) -> Result<T, SpeechError> {
        if let Some(process) = &self.process {
            process.send(message);
        }
        let deadline = Deadline::after(timeout);
        let result = loop {
            match self.next_reply(deadline, control).and_then(&mut on_reply) {
                Ok(Some(result)) => break Ok(result),
                Ok(None) => {}
                Err(error) => break Err(error),
            }
        };
        if result.as_ref().is_err_and(is_process_failure) {
            self.process = None;
        }
        result
    }

    /// Waits for the next reply of the current process.
    fn next_reply(&self, deadline: Deadline, control: Option<&dyn Control>) -> Result<Reply, SpeechError> {
        loop {
            if control.is_some_and(Control::cancelled) {
                return Err(SpeechError::Cancelled);
            }
            let wait = if control.is_some() { deadline.left().min(CANCEL_POLL) } else { deadline.left() };
            match self.signals.recv_timeout(wait) {
                Ok(Signal::Reply { process, reply }) if self.is_current(process) => return Ok(reply),
                Ok(Signal::Ended { process, garbled }) if self.is_current(process) => {
                    return Err(if garbled { SpeechError::Garbled } else { SpeechError::Crashed });
                }
                Ok(Signal::Stop) => return Err(SpeechError::Cancelled),
                Ok(Signal::Reply { .. } | Signal::Ended { .. }) => {}
                // The channel cannot be closed, because the session holds a sender: this is a timeout.
                Err(_) if deadline.left().is_zero() => {
                    return Err(SpeechError::Hung { after: deadline.timeout });
                }
                Err(_) => {}
            }
        }
    }

    /// Handles the signals that arrived between two requests: the end of the process, or a stop.
    ///
    /// # Errors
    /// [`SpeechError::Cancelled`] after a [`Signal::Stop`].
    pub(super) fn drain_signals(&mut self) -> Result<(), SpeechError> {
        while let Ok(signal) = self.signals.try_recv() {
            match signal {
                Signal::Ended { process, .. } if self.is_current(process) => self.process = None,
                Signal::Stop => return Err(SpeechError::Cancelled),
                Signal::Ended { .. } | Signal::Reply { .. } => {}
            }
        }
        Ok(())
    }

    /// Closes the input of the process, waits up to `timeout` for its end, then kills it.
    pub(super) fn end(&mut self, timeout: Duration) {
        if let Some(process) = &mut self.process {
            process.close_input();
        }
        let deadline = Deadline::after(timeout);
        while self.process.is_some() {
            match self.signals.recv_timeout(deadline.left()) {
                Ok(Signal::Ended { process, .. }) if self.is_current(process) => self.process = None,
                Ok(_) => {}
                Err(_) => self.process = None,
            }
        }
    }

    fn is_current(&self, process: u64) -> bool {
        self.process.as_ref().is_some_and(|current| current.number == process)
    }
}

/// Runs `load`; once more if the process ended or sent malformed data. If it ends again, the model is reported as
/// unusable.
pub(super) fn load_with_retry<T>(
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

/// Runs `attempt` for window or chunk `index`; once more if the engine process failed.
pub(super) fn with_retry<T>(
    index: u32,
    mut attempt: impl FnMut() -> Result<T, SpeechError>,
) -> Result<T, SpeechError> {
    match attempt() {
        Err(error) if is_process_failure(&error) => {
            tracing::warn!(index, %error, "an engine process failed; trying once more");
            attempt().inspect_err(|error| tracing::warn!(index, %error, "the second attempt failed"))
        }
        outcome => outcome,
    }
}

/// Whether the error is a failure of the process, which another process may not have.
fn is_process_failure(error: &SpeechError) -> bool {
    !matches!(error, SpeechError::Engine(_) | SpeechError::Cancelled)
}

#[derive(Clone, Copy)]
struct Deadline {
    end: Instant,
    timeout: Duration,
}

impl Deadline {
    fn after(timeout: Duration) -> Self {
        Self { end: Instant::now() + timeout, timeout }
    }

    fn left(self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }
}
