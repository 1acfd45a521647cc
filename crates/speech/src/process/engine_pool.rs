//! Idle engine processes, which keep their model loaded for the next recording for up to a minute.
//!
//! A decoder or diarizer starts its engine process through the pool. When a recording is finished, the decoder returns
//! the process, and the next recording with the same model takes it from here instead of loading the model again.
//!
//! `engine_process`, `session` and this module use each other on purpose: a session returns its process to the pool,
//! and the next session takes it out.

use super::engine_process::{EngineCommand, STACK, Signal};
use super::session::Connection;
use crate::SpeechError;
use crate::engine::{Capabilities, EngineSpec};
use std::io;
use std::process::Child;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// Idle processes are ended after this time: a model may hold gigabytes of memory.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// Starts engine processes and holds the idle ones. Cheap to clone; the processes end when the last clone is dropped.
/// Serves one [`super::Decoders`] at a time.
#[derive(Debug, Clone)]
pub struct EnginePool(Arc<PoolState>);

#[derive(Debug)]
struct PoolState {
    idle: Arc<Mutex<Vec<IdleProcess>>>,
    /// `None` only if the thread that starts processes could not be created; then no process can be started.
    starter: Option<mpsc::Sender<StartRequest>>,
}

/// A process to start, and the channel for the result.
struct StartRequest {
    command: EngineCommand,
    result: mpsc::Sender<Result<Child, SpeechError>>,
}

/// A process that waits for work.
#[derive(Debug)]
pub(super) struct IdleProcess {
    pub(super) command: EngineCommand,
    pub(super) spec: EngineSpec,
    pub(super) capabilities: Capabilities,
    pub(super) connection: Connection,
    pub(super) since: Instant,
}

impl EnginePool {
    /// An empty pool.
    pub fn new() -> Self {
        let idle: Arc<Mutex<Vec<IdleProcess>>> = Arc::default();
        let (starter, requests) = mpsc::channel::<StartRequest>();
        // The kernel ends an engine process together with the thread that started it, so this thread lives as long as
        // the pool.
        let thread = thread::Builder::new().name("engine-starter".to_owned()).stack_size(STACK).spawn({
            let idle = Arc::clone(&idle);
            move || {
                loop {
                    match requests.recv_timeout(IDLE_TIMEOUT / 4) {
                        Ok(StartRequest { command, result }) => {
                            // If the receiver is gone, the child is dropped, which closes its input and ends it.
                            let _ = result.send(command.spawn());
                        }
                        Err(mpsc::RecvTimeoutError::Timeout) => {
                            locked(&idle).retain(|process| process.since.elapsed() < IDLE_TIMEOUT);
                        }
                        Err(mpsc::RecvTimeoutError::Disconnected) => return,
                    }
                }
            }
        });
        Self(Arc::new(PoolState { idle, starter: thread.ok().map(|_| starter) }))
    }

    /// Starts a new process.
    pub(super) fn spawn(&self, command: &EngineCommand) -> Result<Child, SpeechError> {
        let no_thread = || command.not_started(io::Error::from(io::ErrorKind::WouldBlock));
        let starter = self.0.starter.as_ref().ok_or_else(no_thread)?;
        let (result, started) = mpsc::channel();
        starter.send(StartRequest { command: command.clone(), result }).map_err(|_| no_thread())?;
        started.recv().map_err(|_| no_thread())?
    }

    /// Takes an idle process that has loaded the model of `spec`. Ends the processes with other models, to free their
    /// memory.
    pub(super) fn take(&self, command: &EngineCommand, spec: &EngineSpec) -> Option<IdleProcess> {
        let mut idle = locked(&self.0.idle);
        idle.retain(|process| process.command == *command && process.spec == *spec);
        std::iter::from_fn(|| idle.pop()).find(IdleProcess::is_alive)
    }

    pub(super) fn put(&self, process: IdleProcess) {
        locked(&self.0.idle).push(process);
    }
}

impl IdleProcess {
    /// Whether the process still runs. Discards signals left over from its last session.
    fn is_alive(&self) -> bool {
        !self.connection.signals.try_iter().any(|signal| matches!(signal, Signal::Ended { .. }))
    }
}

impl Default for EnginePool {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for PoolState {
    fn drop(&mut self) {
        // Ends the processes at once; the starter thread ends a moment later.
        locked(&self.idle).clear();
    }
}

fn locked(idle: &Mutex<Vec<IdleProcess>>) -> MutexGuard<'_, Vec<IdleProcess>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}
