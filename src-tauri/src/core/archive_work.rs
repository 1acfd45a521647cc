//! Long work on the archive that a user started in the window: backup, check, restore, maintenance. One at a time. The
//! page may show something else meanwhile; the state is here.

use super::Core;
use crate::failure::Failure;
use app::view::{BackupCheckView, BackupPhase, BackupProgress, BackupView, MaintenanceView, RestoreView};
use app::{App, BackupOptions, DatabaseWork, ErrorCode, MaintenanceProgress, VerifyOptions};
use serde::Serialize;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tauri::{AppHandle, Manager};
use tauri_specta::Event;
use tokio::sync::watch;

/// Shortest time between two reports of progress to the page.
const REPORT_INTERVAL: Duration = Duration::from_millis(500);

/// What the work is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ArchiveWorkKind {
    /// A backup to the scheduled place.
    Backup,
    /// A check of the last backup.
    Check,
    /// A restore from the chosen backup.
    Restore,
    /// Maintenance of the database.
    Maintenance,
}

/// Work under way.
#[derive(Debug, Clone, PartialEq, Serialize, specta::Type)]
pub(crate) struct RunningArchiveWork {
    kind: ArchiveWorkKind,
    /// What is done at the moment, except for maintenance.
    phase: Option<BackupPhase>,
    /// The table that is worked on, for maintenance.
    table: Option<String>,
    /// From 0 to 1; `None` while unknown.
    fraction: Option<f64>,
}

/// How work ended.
#[derive(Debug, Clone, PartialEq, Serialize, specta::Type)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub(crate) enum EndedArchiveWork {
    /// A backup was made.
    Backup { result: BackupView },
    /// A backup was checked.
    Check { result: BackupCheckView },
    /// Meetings were restored.
    Restore { result: RestoreView },
    /// The database was maintained.
    Maintenance { result: MaintenanceView },
    /// It failed.
    Failed { kind: ArchiveWorkKind, failure: Failure },
    /// The user stopped it.
    Stopped { kind: ArchiveWorkKind },
}

/// The work under way, and how the last one of this window ended.
#[derive(Debug, Clone, Default, PartialEq, Serialize, specta::Type)]
pub(crate) struct ArchiveWorkState {
    running: Option<RunningArchiveWork>,
    ended: Option<EndedArchiveWork>,
}

/// The state of the work has changed; the page fetches it.
#[derive(Debug, Clone, Serialize, specta::Type, Event)]
pub(crate) struct ArchiveWorkNews;

/// The work of this window.
pub(crate) struct ArchiveWork {
    state: Mutex<ArchiveWorkState>,
    stop: watch::Sender<bool>,
    /// The backup that the user chose to restore from.
    restore_from: Mutex<Option<PathBuf>>,
}

impl Default for ArchiveWork {
    fn default() -> Self {
        Self { state: Mutex::default(), stop: watch::Sender::new(false), restore_from: Mutex::default() }
    }
}

/// What to do.
pub(crate) enum NewArchiveWork {
    Backup(PathBuf),
    Check(PathBuf),
    /// Restore from this backup: everything that is missing, or one meeting.
    Restore(PathBuf, Option<String>),
    Maintenance(DatabaseWork),
}

impl NewArchiveWork {
    fn kind(&self) -> ArchiveWorkKind {
        match self {
            Self::Backup(_) => ArchiveWorkKind::Backup,
            Self::Check(_) => ArchiveWorkKind::Check,
            Self::Restore(..) => ArchiveWorkKind::Restore,
            Self::Maintenance(_) => ArchiveWorkKind::Maintenance,
        }
    }
}

impl ArchiveWork {
    fn lock(&self) -> MutexGuard<'_, ArchiveWorkState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn state(&self) -> ArchiveWorkState {
        self.lock().clone()
    }

    /// Asks the work under way to stop. What it has not finished leaves nothing behind.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Forgets how the last work ended.
    pub(crate) fn dismiss(&self) {
        self.lock().ended = None;
    }

    pub(crate) fn remember_backup(&self, path: PathBuf) {
        *self.restore_from.lock().unwrap_or_else(PoisonError::into_inner) = Some(path);
    }

    pub(crate) fn remembered_backup(&self) -> Option<PathBuf> {
        self.restore_from.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Starts work in the background.
///
/// # Errors
/// If other work is under way.
pub(crate) fn start_archive_work(handle: &AppHandle, app: App, work: NewArchiveWork) -> Result<(), Failure> {
    let core = handle.state::<Core>();
    let kind = work.kind();
    {
        let mut state = core.work.lock();
        if state.running.is_some() {
            let message = "Something else is under way here. Wait until it ends, or stop it.".to_owned();
            return Err(Failure { code: ErrorCode::WrongState, message });
        }
        core.work.stop.send_replace(false);
        *state = ArchiveWorkState {
            running: Some(RunningArchiveWork { kind, phase: None, table: None, fraction: None }),
            ended: None,
        };
    }
    let _ = ArchiveWorkNews.emit(handle);
    let handle = handle.clone();
    tauri::async_runtime::spawn(async move {
        let runner = handle.clone();
        // In a task of its own, so that a panic in it is a failure that the page shows.
        let ended = tauri::async_runtime::spawn(async move { run(&runner, app, work).await });
        let core = handle.state::<Core>();
        let ended = match ended.await {
            Ok(Ok(ended)) => ended,
            Ok(Err(_)) if *core.work.stop.borrow() => EndedArchiveWork::Stopped { kind },
            Ok(Err(error)) => EndedArchiveWork::Failed { kind, failure: error.into() },
            Err(_) => {
                let message = "It ended because of a fault in MeetMemo. Try again.".to_owned();
                EndedArchiveWork::Failed { kind, failure: Failure { code: ErrorCode::Other, message } }
            }
        };
        *core.work.lock() = ArchiveWorkState { running: None, ended: Some(ended) };
        let _ = ArchiveWorkNews.emit(&handle);
    });
    Ok(())
}

async fn run(handle: &AppHandle, app: App, work: NewArchiveWork) -> anyhow::Result<EndedArchiveWork> {
    let core = handle.state::<Core>();
    let stop = core.work.stop.subscribe();
    let reported = Mutex::new(None::<Instant>);
    let report = |change: &dyn Fn(&mut RunningArchiveWork)| {
        if let Some(running) = &mut core.work.lock().running {
            change(running);
        }
        let mut last = reported.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|at| at.elapsed() >= REPORT_INTERVAL) {
            *last = Some(Instant::now());
            let _ = ArchiveWorkNews.emit(handle);
        }
    };
    let on_progress = |now: BackupProgress| {
        report(&|running| {
            running.phase = Some(now.phase);
            running.fraction = (now.total_bytes > 0.0).then(|| now.done_bytes / now.total_bytes);
        });
    };
    let on_table = |now: MaintenanceProgress| {
        report(&|running| {
            running.table = Some(now.table.clone());
            running.fraction = Some(f64::from(now.number.saturating_sub(1)) / f64::from(now.count.max(1)));
        });
    };
    Ok(match work {
        NewArchiveWork::Backup(place) => {
            let options = BackupOptions { check: true, replace: false, prune: true };
            EndedArchiveWork::Backup { result: app.backup(&place, options, &on_progress, &stop).await? }
        }
        NewArchiveWork::Check(place) => EndedArchiveWork::Check {
            result: app.verify_backup(&place, VerifyOptions::default(), &on_progress, &stop).await?,
        },
        NewArchiveWork::Restore(place, meeting) => EndedArchiveWork::Restore {
            result: app.restore_here(&place, meeting, false, &on_progress, &stop).await?,
        },
        NewArchiveWork::Maintenance(work) => {
            EndedArchiveWork::Maintenance { result: app.maintain_database(work, stop, &on_table).await? }
        }
    })
}
