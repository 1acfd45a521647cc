//! Engine processes with nothing to do: they keep their model loaded for the next recording, for a while.
//!
//! `child`, `session` and this file use each other on purpose: a process that a session has done with comes here, and
//! the next session takes it from here.

use super::child::{EngineCommand, STACK, Signal};
use super::session::Connection;
use crate::SpeechError;
use crate::engine::{Capabilities, EngineSpec};
use std::io;
use std::process::Child;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// An idle process is ended after this time: a model may hold gigabytes of memory that others could use.
const KEPT: Duration = Duration::from_secs(60);

/// Where engine processes are started and wait for work. Cheap to clone; when the last clone is dropped, the processes
/// end. Serves one [`super::Decoders`] at a time.
#[derive(Debug, Clone)]
pub struct Stable(Arc<Inside>);

#[derive(Debug)]
struct Inside {
    idle: Arc<Mutex<Vec<Idle>>>,
    /// `None` only if the system gives no thread; processes then cannot be started.
    starter: Option<mpsc::Sender<Start>>,
}

/// A process to be started, and where to say how that went.
struct Start {
    command: EngineCommand,
    started: mpsc::Sender<Result<Child, SpeechError>>,
}

/// A process that waits for work.
#[derive(Debug)]
pub(super) struct Idle {
    pub(super) command: EngineCommand,
    pub(super) spec: EngineSpec,
    pub(super) capabilities: Capabilities,
    pub(super) connection: Connection,
    pub(super) since: Instant,
}

impl Stable {
    /// An empty one.
    pub fn new() -> Self {
        let idle: Arc<Mutex<Vec<Idle>>> = Arc::default();
        let (starter, orders) = mpsc::channel::<Start>();
        // The kernel ends an engine process with the thread that started it, so this one lives as long as the stable.
        let thread = thread::Builder::new().name("engine-starter".to_owned()).stack_size(STACK).spawn({
            let idle = Arc::clone(&idle);
            move || {
                loop {
                    match orders.recv_timeout(KEPT / 4) {
                        Ok(Start { command, started }) => {
                            // Whoever asked is gone: the child is dropped, which ends its input.
                            let _ = started.send(command.spawn());
                        }
                        Err(mpsc::RecvTimeoutError::Timeout) => {
                            locked(&idle).retain(|idle| idle.since.elapsed() < KEPT);
                        }
                        Err(mpsc::RecvTimeoutError::Disconnected) => return,
                    }
                }
            }
        });
        Self(Arc::new(Inside { idle, starter: thread.ok().map(|_| starter) }))
    }

    /// A new process.
    pub(super) fn spawn(&self, command: &EngineCommand) -> Result<Child, SpeechError> {
        let lost = || command.not_started(io::Error::from(io::ErrorKind::WouldBlock));
        let starter = self.0.starter.as_ref().ok_or_else(lost)?;
        let (started, answer) = mpsc::channel();
        starter.send(Start { command: command.clone(), started }).map_err(|_| lost())?;
        answer.recv().map_err(|_| lost())?
    }

    /// A process that has loaded this very model; those that have another are ended, to make room.
    pub(super) fn take(&self, command: &EngineCommand, spec: &EngineSpec) -> Option<Idle> {
        let mut idle = locked(&self.0.idle);
        idle.retain(|idle| idle.command == *command && idle.spec == *spec);
        std::iter::from_fn(|| idle.pop()).find(Idle::is_alive)
    }

    pub(super) fn put(&self, process: Idle) {
        locked(&self.0.idle).push(process);
    }
}

impl Idle {
    /// Whether it has not ended meanwhile. What its last owner was told at the end is of no interest any more.
    fn is_alive(&self) -> bool {
        !self.connection.signals.try_iter().any(|signal| matches!(signal, Signal::Gone { .. }))
    }
}

impl Default for Stable {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        // The thread ends a moment later; the processes are gone now.
        locked(&self.idle).clear();
    }
}

fn locked(idle: &Mutex<Vec<Idle>>) -> MutexGuard<'_, Vec<Idle>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}
