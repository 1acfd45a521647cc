//! Background work on the archive: a user asks for a transcript, for its speakers or for an export, and each request is a
//! row of `tasks` (`store::tasks`).
//!
//! A [`Kind`] knows how one kind of task is done. [`App::perform`] does a claimed one: it shows signs of life, tells how
//! far the work is, hears a stop, and writes down how it ended. `worker` claims what waits, lane by lane. A new kind is a
//! variant of `store::TaskKind`, implements the trait and is named in a lane; one that is about a recording's audio is also
//! named in `OF_RECORDINGS` and in the triggers of the table.

mod worker;

pub use worker::Scope;

use crate::App;
use anyhow::Result;
use futures_util::future::BoxFuture;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use store::{Claim, Lease, Progress, StoreError, TaskKind, WorkLock};
use tokio::sync::watch;
use tokio::task::JoinError;
use tokio::time::{Interval, MissedTickBehavior};

/// How often the lease is renewed, progress told and a cancel noticed.
const TICK: Duration = Duration::from_millis(500);
/// A task whose workers have ended in the middle so often without getting further is given up.
const TAKE_OVERS: i32 = 5;

/// How one kind of task is done.
pub(crate) trait Kind: Send + Sync {
    /// Which one.
    fn kind(&self) -> TaskKind;

    /// Does the task. What it writes under the lease of `at_work` ends the task in the archive too, where it is done.
    ///
    /// # Errors
    /// Why it ends before it is done.
    fn work<'a>(
        &'a self,
        app: &'a App,
        claim: &'a Claim,
        at_work: AtWork,
    ) -> BoxFuture<'a, Result<(), Break>>;

    /// What is said of a task that is given up, because its workers ended in the middle `times`.
    fn given_up(&self, times: i32) -> String;
}

/// Why work on a task ends before the task is done.
#[derive(Debug)]
pub(crate) enum Break {
    /// The task cannot be done. Holds the sentence that the user reads.
    Failed(String),
    /// The lease became void: the task was cancelled, deleted or taken over.
    LeaseLost,
    /// This process was asked to stop; the task waits for the next worker.
    Stopped,
    /// The archive, or this program, failed. The task stays with its lease, until that ends.
    Broken(anyhow::Error),
}

impl From<anyhow::Error> for Break {
    fn from(error: anyhow::Error) -> Self {
        Self::Broken(error)
    }
}

impl From<StoreError> for Break {
    fn from(error: StoreError) -> Self {
        Self::Broken(error.into())
    }
}

impl From<JoinError> for Break {
    fn from(error: JoinError) -> Self {
        Self::Broken(error.into())
    }
}

/// Goes on only while the lease holds: with what a write under it has said.
pub(crate) fn held(held: bool) -> Result<(), Break> {
    if held { Ok(()) } else { Err(Break::LeaseLost) }
}

/// A task that is being worked on, as its kind sees it.
#[derive(Debug)]
pub(crate) struct AtWork {
    lease: Lease,
    progress: Arc<Mutex<Progress>>,
    interruption: watch::Receiver<Option<Interruption>>,
}

#[derive(Debug, Clone, Copy)]
enum Interruption {
    LeaseLost,
    Stopped,
}

impl AtWork {
    /// The right to write.
    pub(crate) fn lease(&self) -> Lease {
        self.lease
    }

    /// Notes how far the work is. The archive hears of it with the next sign of life.
    pub(crate) fn tell(&self, progress: Progress) {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = progress;
    }

    /// Waits until the work has to end, and says why.
    pub(crate) async fn interrupted(&mut self) -> Break {
        let interruption = self.interruption.wait_for(Option::is_some).await.map(|found| *found);
        match interruption {
            Ok(Some(Interruption::Stopped)) => Break::Stopped,
            // Whoever watched over the work has ended.
            _ => Break::LeaseLost,
        }
    }
}

/// How a task ended in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Done,
    Failed,
    LeaseLost,
    Stopped,
}

impl App {
    /// Does a claimed task. `lock` is this computer's right to work on recordings, if it is about one; it is renewed here
    /// should the server restart.
    ///
    /// # Errors
    /// Where the archive fails; a task that fails is an [`Ending`].
    pub(crate) async fn perform(
        &self,
        kind: &dyn Kind,
        claim: &Claim,
        mut lock: Option<&mut WorkLock>,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<Ending> {
        let lease = claim.lease;
        if claim.take_overs >= TAKE_OVERS {
            return self.fail(lease, &kind.given_up(TAKE_OVERS)).await;
        }
        let progress = Arc::new(Mutex::new(Progress::default()));
        let (interrupt, interruption) = watch::channel(None);
        let at_work = AtWork { lease, progress: Arc::clone(&progress), interruption };
        let told = || *progress.lock().unwrap_or_else(PoisonError::into_inner);
        let (end, mut over) = watch::channel(false);
        let work = async {
            let ended = kind.work(self, claim, at_work).await;
            end.send_replace(true);
            ended
        };
        // Polled beside the work, not in turn with it. The work may hold the row of the task in a transaction; a renewal
        // that is waited for while the work is not polled would wait for that row for ever.
        let watching = async {
            let mut tick = ticks();
            loop {
                tokio::select! {
                    _ = tick.tick() => {}
                    () = stopped(&mut over) => return None,
                    () = stopped(stop) => {
                        interrupt.send_replace(Some(Interruption::Stopped));
                        return None;
                    }
                }
                match self.show_life(lease, told(), lock.as_deref_mut()).await {
                    Ok(true) => {}
                    Ok(false) => {
                        interrupt.send_replace(Some(Interruption::LeaseLost));
                        return None;
                    }
                    Err(error) => {
                        // As if stopped: what is done so far is kept.
                        interrupt.send_replace(Some(Interruption::Stopped));
                        return Some(error);
                    }
                }
            }
        };
        let (ended, broken) = tokio::join!(work, watching);
        match (ended, broken) {
            (Ok(()), _) => Ok(Ending::Done),
            (Err(_), Some(error)) | (Err(Break::Broken(error)), None) => Err(error),
            (Err(Break::Failed(sentence)), None) => self.fail(lease, &sentence).await,
            (Err(Break::LeaseLost), None) => Ok(Ending::LeaseLost),
            (Err(Break::Stopped), None) => {
                self.store.renew(lease, told()).await?;
                self.store.release(lease).await?;
                Ok(Ending::Stopped)
            }
        }
    }

    /// Renews the lease, and becomes this computer's worker again after the server was restarted. Should another process
    /// have been faster, it has claimed our task too, and the next renewal says so.
    async fn show_life(&self, lease: Lease, progress: Progress, lock: Option<&mut WorkLock>) -> Result<bool> {
        if !self.store.renew(lease, progress).await? {
            return Ok(false);
        }
        if let Some(lock) = lock
            && !lock.is_held().await
            && let Some(again) = WorkLock::acquire(&self.store, self.machine).await?
        {
            *lock = again;
        }
        Ok(true)
    }

    async fn fail(&self, lease: Lease, sentence: &str) -> Result<Ending> {
        // The meeting has its words and goes back to them; its speakers say what happened.
        if lease.kind == TaskKind::Diarize && !self.store.note_no_speakers(lease, sentence).await? {
            return Ok(Ending::LeaseLost);
        }
        let held = self.store.fail(lease, sentence).await?;
        Ok(if held { Ending::Failed } else { Ending::LeaseLost })
    }
}

/// When to look after work that is under way: now, and then every [`TICK`].
pub(crate) fn ticks() -> Interval {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// Waits until `stop` turns true. Gives no guard, so that a future that waits for this can change threads.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
