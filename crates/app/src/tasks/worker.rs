//! The worker: claims waiting tasks and runs them, in two lanes that run concurrently, one task at a time in each.
//!
//! The lane of recordings transcribes and diarizes. On one computer, one process at a time works in it (it holds the
//! computer's [`WorkerLock`]); the others wait. The lane of exports makes files. Any process may be a worker: the
//! window, `meetmemo worker`, and a command with `--wait`.

use super::{TaskHandler, TaskOutcome, stopped};
use crate::App;
use crate::exports::MakeExport;
use crate::speakers::diarize::Diarize;
use crate::transcribe::Transcribe;
use anyhow::Result;
use std::time::Duration;
use store::{ClaimRequest, Job, JobId, Notifications, Status, TaskKind, Topic, WorkerLock};
use tokio::sync::watch;
use tracing::Instrument;

/// How often the queue is checked without a notification: a worker that was killed sends none.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// The lane of recordings. Its tasks use all processor cores.
const RECORDINGS: [&dyn TaskHandler; 2] = [&Transcribe, &Diarize];
/// The lane of exports. Its tasks take seconds. The process that asks for an export also makes it; this lane makes
/// those whose process was killed.
const EXPORTS: [&dyn TaskHandler; 1] = [&MakeExport];

/// What a worker works on, and when it is finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkScope {
    /// Everything, until stopped.
    Everything,
    /// Everything, until no recording of this library waits or is in progress.
    Drain,
    /// These recordings, until all of them are completed or failed.
    Only(Vec<JobId>),
}

impl App {
    /// Runs the waiting tasks of `scope`, or waits for the process that does, until the scope is finished or `stop` is
    /// true. A task in progress is then released for the next worker. Returns the recordings that failed in this
    /// process.
    ///
    /// # Errors
    /// If the archive fails. A recording that fails is a failed job, not an error.
    pub async fn work(&self, scope: &WorkScope, stop: watch::Receiver<bool>) -> Result<Vec<JobId>> {
        self.recover_interrupted_copies().await?;
        let (end, over) = watch::channel(false);
        let recordings = async {
            let failed = self.work_on_recordings(scope, stop.clone()).await;
            end.send_replace(true);
            failed
        };
        let exports = {
            let (app, stop) = (self.clone(), stop.clone());
            // In a tokio task of its own, so that a panic in it does not end a transcription.
            tokio::spawn(async move { app.work_on_exports(over, stop).await })
        };
        let failed = recordings.await;
        if let Err(error) = exports.await {
            tracing::error!(%error, "the lane of exports ended unexpectedly");
        }
        failed
    }

    async fn work_on_recordings(
        &self,
        scope: &WorkScope,
        mut stop: watch::Receiver<bool>,
    ) -> Result<Vec<JobId>> {
        let mut notifications = match scope {
            WorkScope::Only(_) => Notifications::listen(&self.store).await?,
            _ => Notifications::listen_with_name(&self.store, self.worker_name()).await?,
        };
        let only = match scope {
            WorkScope::Only(jobs) => Some(jobs.as_slice()),
            _ => None,
        };
        let mut failed = Vec::new();
        loop {
            // Held only while there is work, so that a worker of another data folder on this computer can take it.
            if let Some(mut lock) = WorkerLock::acquire(&self.store, self.machine).await? {
                self.finish_removals().await?;
                while !*stop.borrow()
                    && let Some((job, outcome)) =
                        self.work_on_next(&RECORDINGS, only, Some(&mut lock), &mut stop).await?
                {
                    if outcome == TaskOutcome::Failed {
                        failed.push(job);
                    }
                }
            }
            if *stop.borrow() || self.is_finished(scope).await? {
                return Ok(failed);
            }
            wait_for_work(&mut notifications, &mut stop).await;
        }
    }

    /// Works through the lane of exports at least once, and until `over` or `stop` is true. If the archive fails, it
    /// tries again later; the lane of recordings returns the error.
    async fn work_on_exports(&self, mut over: watch::Receiver<bool>, mut stop: watch::Receiver<bool>) {
        loop {
            while !*stop.borrow() {
                match self.work_on_next(&EXPORTS, None, None, &mut stop).await {
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(error) => {
                        tracing::warn!(%error, "waiting exports cannot be made now");
                        break;
                    }
                }
            }
            if *over.borrow() || *stop.borrow() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(POLL_INTERVAL) => {}
                () = stopped(&mut over) => {}
                () = stopped(&mut stop) => {}
            }
        }
    }

    /// Claims and runs the next task of a lane; none if no task can be claimed.
    async fn work_on_next(
        &self,
        lane: &[&dyn TaskHandler],
        only: Option<&[JobId]>,
        lock: Option<&mut WorkerLock>,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<Option<(JobId, TaskOutcome)>> {
        let kinds: Vec<TaskKind> = lane.iter().map(|handler| handler.kind()).collect();
        let claimer = ClaimRequest {
            kinds: &kinds,
            library: self.library.id(),
            machine: self.machine,
            alone: lock.is_some(),
            only,
        };
        let Some(claim) = self.store.claim(claimer).await? else { return Ok(None) };
        let Some(handler) = lane.iter().find(|handler| handler.kind() == claim.lease.kind) else {
            return Ok(None);
        };
        let span = tracing::info_span!("task", kind = claim.lease.kind.as_str(), job = %claim.job.id);
        let outcome = self.run_task(*handler, &claim, lock, stop).instrument(span).await?;
        tracing::info!(kind = claim.lease.kind.as_str(), job = %claim.job.id, ?outcome, "work on a task ended");
        Ok(Some((claim.job.id, outcome)))
    }

    /// Whether a process works on all recordings of this library, now or as soon as one waits.
    ///
    /// # Errors
    /// If the archive cannot be reached.
    pub async fn has_worker(&self) -> Result<bool> {
        Ok(self.store.is_connected(&self.worker_name()).await?)
    }

    fn worker_name(&self) -> String {
        format!("meetmemo worker {}", self.library.id().uuid().simple())
    }

    async fn is_finished(&self, scope: &WorkScope) -> Result<bool> {
        match scope {
            WorkScope::Everything => Ok(false),
            WorkScope::Drain => {
                Ok(!self.store.has_open_tasks(&TaskKind::OF_RECORDINGS, self.library.id()).await?)
            }
            WorkScope::Only(jobs) => {
                for id in jobs {
                    if let Some(job) = self.store.job(*id).await?
                        && !has_ended(&job)?
                        && self.library.holds(&job)
                    {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
        }
    }

    /// Removes the files of deleted jobs that are still in the library, also those that a killed process left.
    pub(crate) async fn finish_removals(&self) -> Result<()> {
        for path in self.store.pending_removals(self.library.id()).await? {
            // A path of another shape than ours removes nothing.
            if let Some(folder) = self.library.parse_file_path(&path)
                && let Err(error) = tokio::task::spawn_blocking(move || folder.remove()).await?
            {
                tracing::warn!(kind = ?error.kind(), "the audio of a deleted meeting could not be removed; tried again later");
                continue;
            }
            self.store.delete_pending_removal(self.library.id(), &path).await?;
        }
        Ok(())
    }
}

/// Waits until a task or a job has changed, [`POLL_INTERVAL`] has passed, or `stop` is true.
async fn wait_for_work(notifications: &mut Notifications, stop: &mut watch::Receiver<bool>) {
    let changed = async {
        while !matches!(notifications.next().await, Topic::Task(_) | Topic::Job(_) | Topic::Reconnected) {}
    };
    tokio::select! {
        () = changed => {}
        () = tokio::time::sleep(POLL_INTERVAL) => {}
        () = stopped(stop) => {}
    }
}

fn has_ended(job: &Job) -> Result<bool> {
    Ok(matches!(job.status()?, Status::Completed | Status::Failed))
}
