//! The worker: claims waiting tasks and runs them, in two lanes that run concurrently, one task at a time in each.
//!
//! The lane of recordings transcribes and diarizes. On one computer, one process at a time works in it (it holds the
//! computer's [`WorkerLock`]); the others wait. The lane of exports makes files. Any process may be a worker: the
//! window, `meetmemo worker`, and a command with `--wait`. Beside a worker that does not work on certain recordings only,
//! the clean-up service runs (`crate::retention`); beside one that works until it is stopped, scheduled backups are made
//! (`crate::backup`) and the search index is completed (`crate::search`).

use super::{TaskHandler, TaskOutcome, stopped};
use crate::App;
use crate::exports::MakeExport;
use crate::speakers::diarize::Diarize;
use crate::transcribe::Transcribe;
use anyhow::{Context, Result};
use std::collections::HashSet;
use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use store::{ClaimRequest, Job, JobId, Notifications, Status, TaskKind, Topic, WorkerLock};
use tokio::sync::watch;
use tracing::Instrument;

/// How often the queue is checked without a notification: a worker that was killed sends none.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// How long to wait for another process that removes files.
const REMOVALS_WAIT: Duration = Duration::from_secs(5);
/// Pause between attempts to take the lock for removals.
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// The lane of recordings. Its tasks use all processor cores.
const RECORDINGS: [&dyn TaskHandler; 2] = [&Transcribe, &Diarize];
/// The lane of exports. Its tasks take seconds. The process that asks for an export also makes it; this lane makes
/// those whose process has ended.
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
        let (cleanup_over, cleanup_stop) = (over.clone(), stop.clone());
        let (backups_over, backups_stop) = (over.clone(), stop.clone());
        let (index_over, index_stop) = (over.clone(), stop.clone());
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
        let cleanup = {
            let (app, is_service) = (self.clone(), !matches!(scope, WorkScope::Only(_)));
            tokio::spawn(async move {
                if is_service {
                    app.clean_up_regularly(cleanup_over, cleanup_stop).await;
                }
            })
        };
        let backups = {
            let (app, is_service) = (self.clone(), matches!(scope, WorkScope::Everything));
            tokio::spawn(async move {
                if is_service {
                    app.back_up_regularly(backups_over, backups_stop).await;
                }
            })
        };
        let search_index = {
            let (app, is_service) = (self.clone(), matches!(scope, WorkScope::Everything));
            tokio::spawn(async move {
                if is_service {
                    app.keep_search_index(index_over, index_stop).await;
                }
            })
        };
        let failed = recordings.await;
        if let Err(error) = search_index.await {
            tracing::error!(%error, "the service of the search index ended unexpectedly");
        }
        if let Err(error) = backups.await {
            tracing::error!(%error, "the service of backups ended unexpectedly");
        }
        if let Err(error) = exports.await {
            tracing::error!(%error, "the lane of exports ended unexpectedly");
        }
        if let Err(error) = cleanup.await {
            tracing::error!(%error, "the clean-up service ended unexpectedly");
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
    pub(crate) async fn work_on_next(
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

    /// Removes the files that are noted in `pending_removals`: of deleted meetings, removed audio and removed exports,
    /// also those that a killed process left. While a backup runs, it removes nothing and returns false; the backup
    /// calls this when it ends.
    ///
    /// # Errors
    /// If the archive cannot be reached or the lock cannot be opened. A file that cannot be removed is tried again later.
    pub(crate) async fn finish_removals(&self) -> Result<bool> {
        let library = self.library.id();
        let mut paths = self.store.pending_removals(library).await?;
        if paths.is_empty() {
            return Ok(true);
        }
        let Some(_lock) = self.lock_for_removals().await? else { return Ok(false) };
        let mut tried = HashSet::new();
        while !paths.is_empty() {
            for path in &paths {
                self.store.finish_removal(library, path, || self.remove_file_of(path.clone())).await?;
            }
            tried.extend(paths);
            // Another process may have noted more and found the lock held.
            paths = self.store.pending_removals(library).await?;
            paths.retain(|path| !tried.contains(path));
        }
        Ok(true)
    }

    /// Takes the exclusive lock without which no file is removed; `None` if a backup holds it. Waits for other removals.
    async fn lock_for_removals(&self) -> Result<Option<File>> {
        let path = self.data.backup_lock();
        let lock = move || -> std::io::Result<Option<File>> {
            let file = File::options().create(true).truncate(false).read(true).write(true).open(path)?;
            let deadline = Instant::now() + REMOVALS_WAIT;
            let mut seen_shared = false;
            loop {
                match file.try_lock() {
                    Ok(()) => return Ok(Some(file)),
                    Err(TryLockError::Error(error)) => return Err(error),
                    Err(TryLockError::WouldBlock) => {}
                }
                // A backup holds the lock shared. It takes long, another removal does not. Seen once, the lock may just
                // have become free.
                let is_shared = match file.try_lock_shared() {
                    Ok(()) => file.unlock().map(|()| true)?,
                    Err(TryLockError::WouldBlock) => false,
                    Err(TryLockError::Error(error)) => return Err(error),
                };
                if is_shared && seen_shared || Instant::now() > deadline {
                    return Ok(None);
                }
                seen_shared = is_shared;
                std::thread::sleep(LOCK_PAUSE);
            }
        };
        tokio::task::spawn_blocking(lock).await?.context("the lock for removing files could not be taken")
    }

    /// Removes what a path from `pending_removals` names; returns whether it is gone. A path of another shape than ours
    /// removes nothing.
    async fn remove_file_of(&self, path: String) -> bool {
        let (app, export) = (self.clone(), PathBuf::from(&path));
        let remove = move || match app.library.parse_file_path(&path) {
            Some(folder) => folder.remove(),
            None if app.is_own_export(&export) => match fs::remove_file(&export) {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                removed => removed,
            },
            None => Ok(()),
        };
        match tokio::task::spawn_blocking(remove).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::warn!(kind = ?error.kind(), "a file to be removed could not be removed; tried again later");
                false
            }
            Err(error) => {
                tracing::error!(%error, "removing a file ended unexpectedly");
                false
            }
        }
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
