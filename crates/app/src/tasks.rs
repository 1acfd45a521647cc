//! Background work on the archive. Each transcript, diarization or export that a user asks for is a row of `tasks`
//! (`store::tasks`): kind, subject, parameters, state, priority, lease, progress, error.
//!
//! A [`TaskHandler`] does one kind of task. [`App::run_task`] runs a handler on a claimed task: every 0.5 s it renews
//! the lease and stores the progress, it interrupts the work when the lease is lost or the process is asked to stop,
//! and at the end it stores the outcome. [`worker`] claims waiting tasks.
//!
//! A claim writes a random token into the row. Every write of a worker compares it, so a worker whose task was taken over
//! or cancelled changes nothing. A lease that is not renewed for 30 s expires, and another worker may take the task over.
//! After five takeovers without progress it fails, so that a recording that crashes its worker is not tried for ever.
//!
//! Imports and downloads of models are not tasks: they belong to files of one computer and also run while the archive
//! is closed. What is rebuilt automatically within seconds, such as voice embeddings and seek indexes, is not a task
//! either.
//!
//! To add a kind: add a variant to `store::TaskKind`, implement [`TaskHandler`], and add it to a lane of the
//! worker (`worker.rs`: recordings or exports; each lane runs one task at a time). If it works on the audio of a recording, also add it to `TaskKind::OF_RECORDINGS` and to the triggers of the table.

mod worker;

pub use worker::WorkScope;

use crate::App;
use anyhow::Result;
use futures_util::future::BoxFuture;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use store::{Claim, Lease, StoreError, TaskKind, TaskProgress, WorkerLock};
use tokio::sync::watch;
use tokio::task::JoinError;
use tokio::time::{Interval, MissedTickBehavior};

/// How often the lease is renewed, progress is stored and a cancel is noticed.
const HEARTBEAT: Duration = Duration::from_millis(500);
/// A task fails after this many takeovers without progress.
const MAX_TAKEOVERS: i32 = 5;

/// Does one kind of task.
pub(crate) trait TaskHandler: Send + Sync {
    /// The kind of task.
    fn kind(&self) -> TaskKind;

    /// Does the task. The last write under the lease of `context` also marks the task as done in the archive.
    ///
    /// # Errors
    /// Why the work ended before the task was done.
    fn work<'a>(
        &'a self,
        app: &'a App,
        claim: &'a Claim,
        context: TaskContext,
    ) -> BoxFuture<'a, Result<(), TaskError>>;

    /// The error message of a task that fails because its workers were interrupted `times`.
    fn abandoned_message(&self, times: i32) -> String;
}

/// Why work on a task ended before the task was done.
#[derive(Debug)]
pub(crate) enum TaskError {
    /// The task cannot be done. A sentence for the user.
    Failed(String),
    /// The lease is no longer valid: the task was cancelled, deleted or taken over.
    LeaseLost,
    /// This process was asked to stop; the task waits for the next worker.
    Stopped,
    /// The archive or this program failed. The task stays claimed until its lease expires.
    Internal(anyhow::Error),
}

impl From<anyhow::Error> for TaskError {
    fn from(error: anyhow::Error) -> Self {
        Self::Internal(error)
    }
}

impl From<StoreError> for TaskError {
    fn from(error: StoreError) -> Self {
        Self::Internal(error.into())
    }
}

impl From<JoinError> for TaskError {
    fn from(error: JoinError) -> Self {
        Self::Internal(error.into())
    }
}

/// Turns the result of a write under a lease into an error if the lease was not valid any more.
pub(crate) fn require_lease(held: bool) -> Result<(), TaskError> {
    if held { Ok(()) } else { Err(TaskError::LeaseLost) }
}

/// A running task, as its handler sees it.
#[derive(Debug)]
pub(crate) struct TaskContext {
    lease: Lease,
    progress: Arc<Mutex<TaskProgress>>,
    interruption: watch::Receiver<Option<Interruption>>,
}

#[derive(Debug, Clone, Copy)]
enum Interruption {
    LeaseLost,
    Stopped,
}

impl TaskContext {
    /// The lease that writes have to name.
    pub(crate) fn lease(&self) -> Lease {
        self.lease
    }

    /// Reports the progress of the work. It is stored with the next heartbeat.
    pub(crate) fn report(&self, progress: TaskProgress) {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = progress;
    }

    /// Waits until the work must end; returns the reason.
    pub(crate) async fn interrupted(&mut self) -> TaskError {
        let interruption = self.interruption.wait_for(Option::is_some).await.map(|found| *found);
        match interruption {
            Ok(Some(Interruption::Stopped)) => TaskError::Stopped,
            // An error means that the heartbeat has ended.
            _ => TaskError::LeaseLost,
        }
    }
}

/// How a task ended in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TaskOutcome {
    Done,
    Failed,
    LeaseLost,
    Stopped,
}

impl App {
    /// Runs a claimed task. `lock` is this computer's worker lock, for tasks on recordings; it is acquired again if the
    /// database server restarts.
    ///
    /// # Errors
    /// If the archive fails. A task that fails is a [`TaskOutcome`].
    pub(crate) async fn run_task(
        &self,
        handler: &dyn TaskHandler,
        claim: &Claim,
        mut lock: Option<&mut WorkerLock>,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<TaskOutcome> {
        let lease = claim.lease;
        if claim.takeovers >= MAX_TAKEOVERS {
            return self.fail_task(lease, &handler.abandoned_message(MAX_TAKEOVERS)).await;
        }
        let progress = Arc::new(Mutex::new(TaskProgress::default()));
        let (interrupt, interruption) = watch::channel(None);
        let context = TaskContext { lease, progress: Arc::clone(&progress), interruption };
        let progress = || *progress.lock().unwrap_or_else(PoisonError::into_inner);
        let (end, mut ended) = watch::channel(false);
        let work = async {
            let result = handler.work(self, claim, context).await;
            end.send_replace(true);
            result
        };
        // Polled together with the work, not alternately. The work may have locked the row of the task in a
        // transaction; if it were not polled while a renewal waits for that row, the renewal would wait for ever.
        let heartbeat = async {
            let mut heartbeats = heartbeats();
            loop {
                tokio::select! {
                    _ = heartbeats.tick() => {}
                    () = stopped(&mut ended) => return None,
                    () = stopped(stop) => {
                        interrupt.send_replace(Some(Interruption::Stopped));
                        return None;
                    }
                }
                match self.renew_lease(lease, progress(), lock.as_deref_mut()).await {
                    Ok(true) => {}
                    Ok(false) => {
                        interrupt.send_replace(Some(Interruption::LeaseLost));
                        return None;
                    }
                    Err(error) => {
                        // Handled like a stop: work done so far is kept.
                        interrupt.send_replace(Some(Interruption::Stopped));
                        return Some(error);
                    }
                }
            }
        };
        let (result, heartbeat_error) = tokio::join!(work, heartbeat);
        match (result, heartbeat_error) {
            (Ok(()), _) => Ok(TaskOutcome::Done),
            (Err(_), Some(error)) | (Err(TaskError::Internal(error)), None) => Err(error),
            (Err(TaskError::Failed(message)), None) => self.fail_task(lease, &message).await,
            (Err(TaskError::LeaseLost), None) => Ok(TaskOutcome::LeaseLost),
            (Err(TaskError::Stopped), None) => {
                self.store.renew(lease, progress()).await?;
                self.store.release(lease).await?;
                Ok(TaskOutcome::Stopped)
            }
        }
    }

    /// Renews the lease; false if it is lost. After a restart of the server it also acquires the worker lock again. If
    /// another process was faster, that process has claimed our task too, and the next renewal returns false.
    async fn renew_lease(
        &self,
        lease: Lease,
        progress: TaskProgress,
        lock: Option<&mut WorkerLock>,
    ) -> Result<bool> {
        if !self.store.renew(lease, progress).await? {
            return Ok(false);
        }
        if let Some(lock) = lock
            && !lock.is_held().await
            && let Some(acquired) = WorkerLock::acquire(&self.store, self.machine).await?
        {
            *lock = acquired;
        }
        Ok(true)
    }

    async fn fail_task(&self, lease: Lease, message: &str) -> Result<TaskOutcome> {
        // A meeting whose diarization fails keeps its transcript, so the message is stored with the speakers too.
        if lease.kind == TaskKind::Diarize && !self.store.record_diarization_error(lease, message).await? {
            return Ok(TaskOutcome::LeaseLost);
        }
        let held = self.store.fail(lease, message).await?;
        Ok(if held { TaskOutcome::Failed } else { TaskOutcome::LeaseLost })
    }
}

/// Ticks at once, then every [`HEARTBEAT`].
pub(crate) fn heartbeats() -> Interval {
    let mut interval = tokio::time::interval(HEARTBEAT);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

/// Waits until `stop` is true. Returns no guard, so that a future that awaits this is `Send`.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
