//! Who works on the queue, and when.
//!
//! Any process may; on one computer one does at a time (it holds the computer's [`WorkLock`]). The others wait.

use crate::App;
use crate::pipeline::Ending;
use anyhow::Result;
use std::time::Duration;
use store::{Job, JobId, News, Status, Topic, WorkLock};
use tokio::sync::watch;
use tracing::Instrument;

/// News may be missed (a worker that was killed tells nobody), so the queue is looked at this often in any case.
const LOOK: Duration = Duration::from_secs(2);

/// What a worker works on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Everything, until stopped.
    Everything,
    /// Everything there is, until nothing waits or runs in this library.
    Drain,
    /// These jobs, until all of them have ended.
    Only(Vec<JobId>),
}

impl App {
    /// Works on the queue within `scope`, or waits for the process that does, until the scope is done or `stop` turns
    /// true. Work in progress is then given back for the next worker. Gives the jobs that failed in this process.
    ///
    /// # Errors
    /// Where the archive fails; a recording that fails is a failed job, not an error.
    pub async fn work(&self, scope: &Scope, mut stop: watch::Receiver<bool>) -> Result<Vec<JobId>> {
        let mut failed = Vec::new();
        let mut news = match scope {
            Scope::Only(_) => News::listen(&self.store).await?,
            _ => News::listen_as(&self.store, self.worker_name()).await?,
        };
        self.settle_leftovers().await?;
        loop {
            // Held only while there is work, so that another data folder of this computer gets its turn.
            if let Some(mut lock) = WorkLock::acquire(&self.store, self.machine).await? {
                self.finish_removals().await?;
                self.finish_exports().await?;
                while !*stop.borrow() && self.work_on_next(scope, &mut lock, &mut stop, &mut failed).await? {}
            }
            if *stop.borrow() || self.is_done(scope).await? {
                return Ok(failed);
            }
            self.wait_for_work(&mut news, &mut stop).await;
        }
    }

    /// Waits until a job has changed, a while has passed, or `stop`.
    async fn wait_for_work(&self, news: &mut News, stop: &mut watch::Receiver<bool>) {
        let changed = async { while !matches!(news.next().await, Topic::Job(_) | Topic::Everything) {} };
        tokio::select! {
            () = changed => {}
            () = tokio::time::sleep(LOOK) => {}
            () = stopped(stop) => {}
        }
    }

    /// Whether some process on this computer works on the whole queue, now or as soon as there is something.
    ///
    /// # Errors
    /// Where the archive fails.
    pub async fn has_worker(&self) -> Result<bool> {
        Ok(self.store.is_connected(&self.worker_name()).await?)
    }

    fn worker_name(&self) -> String {
        format!("meetmemo worker {}", self.library.id().uuid().simple())
    }

    /// One job; false if there is none to be had.
    async fn work_on_next(
        &self,
        scope: &Scope,
        lock: &mut WorkLock,
        stop: &mut watch::Receiver<bool>,
        failed: &mut Vec<JobId>,
    ) -> Result<bool> {
        let only = match scope {
            Scope::Only(jobs) => Some(jobs.as_slice()),
            _ => None,
        };
        let Some(claim) = self.store.claim_job(self.library.id(), self.machine, only).await? else {
            return Ok(false);
        };
        let id = claim.job.id;
        let span = tracing::info_span!("job", %id);
        let ending = self.transcribe(claim, lock, stop).instrument(span).await?;
        tracing::info!(?ending, "work on a job ended");
        if ending == Ending::Failed {
            failed.push(id);
        }
        Ok(ending != Ending::Stopped)
    }

    async fn is_done(&self, scope: &Scope) -> Result<bool> {
        match scope {
            Scope::Everything => Ok(false),
            Scope::Drain => {
                for status in [Status::Pending, Status::Processing] {
                    let filter = store::JobFilter { status: Some(status), limit: None };
                    let open = self.store.jobs(filter).await?;
                    if open.iter().any(|job| self.library.holds(job)) {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Scope::Only(jobs) => {
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

    /// Unlinks the files of deleted jobs, also those of a process that was killed in between.
    pub(crate) async fn finish_removals(&self) -> Result<()> {
        for path in self.store.pending_removals(self.library.id()).await? {
            // A row whose path is none of ours removes nothing.
            if let Some(place) = self.library.place_of(&path)
                && let Err(error) = tokio::task::spawn_blocking(move || place.remove()).await?
            {
                tracing::warn!(kind = ?error.kind(), "the audio of a deleted meeting could not be removed; tried again later");
                continue;
            }
            self.store.removal_done(self.library.id(), &path).await?;
        }
        Ok(())
    }
}

/// Waits until `stop` turns true. Gives no guard, so that a future that waits for this can change threads.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

fn has_ended(job: &Job) -> Result<bool> {
    Ok(matches!(job.status()?, Status::Completed | Status::Failed))
}
