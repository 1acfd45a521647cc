//! Who works on what waits, and when.
//!
//! Any process may. Each lane is gone through one task at a time, beside the others. On one computer one process at a
//! time works on recordings (it holds the computer's [`WorkLock`]); the others wait.

use super::{Ending, Kind, stopped};
use crate::App;
use crate::exports::MakeExport;
use crate::speakers::tell_apart::Diarize;
use crate::transcribe::Transcribe;
use anyhow::Result;
use std::time::Duration;
use store::{Claimer, Job, JobId, News, Status, TaskKind, Topic, WorkLock};
use tokio::sync::watch;
use tracing::Instrument;

/// News may be missed (a worker that was killed tells nobody), so the queue is looked at this often in any case.
const LOOK: Duration = Duration::from_secs(2);

/// Recordings, which take all there is of the processor.
const RECORDINGS: [&dyn Kind; 2] = [&Transcribe, &Diarize];
/// Files, which take seconds. Whoever asks for one makes it; the lane makes those whose process was killed.
const FILES: [&dyn Kind; 1] = [&MakeExport];

/// What a worker works on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Everything, until stopped.
    Everything,
    /// Everything there is, until no recording waits or is worked on in this library.
    Drain,
    /// These recordings, until all of them have ended.
    Only(Vec<JobId>),
}

impl App {
    /// Works on what waits within `scope`, or waits for the process that does, until the scope is done or `stop` turns
    /// true. Work in progress is then given back for the next worker. Gives the recordings that failed in this process.
    ///
    /// # Errors
    /// Where the archive fails; a recording that fails is a failed job, not an error.
    pub async fn work(&self, scope: &Scope, stop: watch::Receiver<bool>) -> Result<Vec<JobId>> {
        self.settle_leftovers().await?;
        let (end, over) = watch::channel(false);
        let recordings = async {
            let failed = self.work_on_recordings(scope, stop.clone()).await;
            end.send_replace(true);
            failed
        };
        let files = {
            let (app, stop) = (self.clone(), stop.clone());
            // A task of its own, so that a panic in it ends no transcription.
            tokio::spawn(async move { app.work_on_files(over, stop).await })
        };
        let failed = recordings.await;
        if let Err(error) = files.await {
            tracing::error!(%error, "making the exports that wait ended unexpectedly");
        }
        failed
    }

    async fn work_on_recordings(&self, scope: &Scope, mut stop: watch::Receiver<bool>) -> Result<Vec<JobId>> {
        let mut news = match scope {
            Scope::Only(_) => News::listen(&self.store).await?,
            _ => News::listen_as(&self.store, self.worker_name()).await?,
        };
        let only = match scope {
            Scope::Only(jobs) => Some(jobs.as_slice()),
            _ => None,
        };
        let mut failed = Vec::new();
        loop {
            // Held only while there is work, so that another data folder of this computer gets its turn.
            if let Some(mut lock) = WorkLock::acquire(&self.store, self.machine).await? {
                self.finish_removals().await?;
                while !*stop.borrow()
                    && let Some((job, ending)) =
                        self.work_on_next(&RECORDINGS, only, Some(&mut lock), &mut stop).await?
                {
                    if ending == Ending::Failed {
                        failed.push(job);
                    }
                }
            }
            if *stop.borrow() || self.is_done(scope).await? {
                return Ok(failed);
            }
            wait_for_work(&mut news, &mut stop).await;
        }
    }

    /// Goes through the lane of files at least once, and until `over` or `stop`. Where the archive fails, it is tried
    /// again; the lane of recordings tells of it.
    async fn work_on_files(&self, mut over: watch::Receiver<bool>, mut stop: watch::Receiver<bool>) {
        loop {
            while !*stop.borrow() {
                match self.work_on_next(&FILES, None, None, &mut stop).await {
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(error) => {
                        tracing::warn!(%error, "the exports that wait cannot be made now");
                        break;
                    }
                }
            }
            if *over.borrow() || *stop.borrow() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = stopped(&mut over) => {}
                () = stopped(&mut stop) => {}
            }
        }
    }

    /// Does the next task of a lane; none if there is none to be had.
    async fn work_on_next(
        &self,
        lane: &[&dyn Kind],
        only: Option<&[JobId]>,
        lock: Option<&mut WorkLock>,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<Option<(JobId, Ending)>> {
        let kinds: Vec<TaskKind> = lane.iter().map(|kind| kind.kind()).collect();
        let claimer = Claimer {
            kinds: &kinds,
            library: self.library.id(),
            machine: self.machine,
            alone: lock.is_some(),
            only,
        };
        let Some(claim) = self.store.claim(claimer).await? else { return Ok(None) };
        let Some(kind) = lane.iter().find(|kind| kind.kind() == claim.lease.kind) else { return Ok(None) };
        let span = tracing::info_span!("task", kind = claim.lease.kind.as_str(), job = %claim.job.id);
        let ending = self.perform(*kind, &claim, lock, stop).instrument(span).await?;
        tracing::info!(kind = claim.lease.kind.as_str(), job = %claim.job.id, ?ending, "work on a task ended");
        Ok(Some((claim.job.id, ending)))
    }

    /// Whether some process on this computer works on all recordings, now or as soon as there is something.
    ///
    /// # Errors
    /// Where the archive fails.
    pub async fn has_worker(&self) -> Result<bool> {
        Ok(self.store.is_connected(&self.worker_name()).await?)
    }

    fn worker_name(&self) -> String {
        format!("meetmemo worker {}", self.library.id().uuid().simple())
    }

    async fn is_done(&self, scope: &Scope) -> Result<bool> {
        match scope {
            Scope::Everything => Ok(false),
            Scope::Drain => {
                Ok(!self.store.has_open_tasks(&TaskKind::OF_RECORDINGS, self.library.id()).await?)
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

/// Waits until a task or a job has changed, a while has passed, or `stop`.
async fn wait_for_work(news: &mut News, stop: &mut watch::Receiver<bool>) {
    let changed =
        async { while !matches!(news.next().await, Topic::Task(_) | Topic::Job(_) | Topic::Everything) {} };
    tokio::select! {
        () = changed => {}
        () = tokio::time::sleep(LOOK) => {}
        () = stopped(stop) => {}
    }
}

fn has_ended(job: &Job) -> Result<bool> {
    Ok(matches!(job.status()?, Status::Completed | Status::Failed))
}
