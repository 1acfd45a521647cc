//! Long work on the archive that a user started in the window: backup, check, restore, maintenance. One at a time. The
//! page may show something else meanwhile; the state is here.

use super::Core;
use crate::failure::Failure;
use app::view::{BackupCheckView, BackupPhase, BackupProgress, BackupView, MaintenanceView, RestoreView};
use app::{
    App, BackupOptions, DatabaseWork, ErrorCode, MaintenanceProgress, RestoreOptions, RestoreScope,
    VerifyOptions,
};
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
    chosen: Mutex<Option<ChosenBackup>>,
}

/// A backup that the user chose to restore from.
#[derive(Debug, Clone)]
pub(crate) struct ChosenBackup {
    pub(crate) path: PathBuf,
    /// The file with its passphrase, if not the one that the settings name.
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Whether the user has seen what it would bring back.
    pub(crate) previewed: bool,
}

impl ChosenBackup {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, passphrase_file: None, previewed: false }
    }

    /// To restore everything that is missing, or one meeting.
    pub(crate) fn options(&self, meeting: Option<String>, dry_run: bool) -> RestoreOptions {
        RestoreOptions {
            dry_run,
            salvage: false,
            scope: meeting.map_or(RestoreScope::Everything, RestoreScope::Meeting),
            passphrase_file: self.passphrase_file.clone(),
        }
    }
}

impl Default for ArchiveWork {
    fn default() -> Self {
        Self { state: Mutex::default(), stop: watch::Sender::new(false), chosen: Mutex::default() }
    }
}

/// What to do.
pub(crate) enum NewArchiveWork {
    Backup(PathBuf),
    Check(PathBuf),
    /// Restore from this backup: everything that is missing, or one meeting.
    Restore(ChosenBackup, Option<String>),
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

    /// Becomes `true` when the work under way is to stop.
    pub(super) fn stop_signal(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// Forgets how the last work ended.
    pub(crate) fn dismiss(&self) {
        self.lock().ended = None;
    }

    pub(crate) fn choose(&self, backup: ChosenBackup) {
        *self.chosen.lock().unwrap_or_else(PoisonError::into_inner) = Some(backup);
    }

    pub(crate) fn chosen(&self) -> Option<ChosenBackup> {
        self.chosen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Starts work in the background.
///
/// # Errors
/// If other work is under way.
pub(crate) fn start_archive_work(handle: &AppHandle, app: App, work: NewArchiveWork) -> Result<(), Failure> {
    let runner = handle.clone();
    start(handle, work.kind(), async move { run(&runner, app, work).await })
}

/// Starts `work` in the background, and tells the page how it ends.
///
/// # Errors
/// If other work is under way.
pub(super) fn start(
    handle: &AppHandle,
    kind: ArchiveWorkKind,
    work: impl Future<Output = anyhow::Result<EndedArchiveWork>> + Send + 'static,
) -> Result<(), Failure> {
    let core = handle.state::<Core>();
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
        // In a task of its own, so that a panic in it is a failure that the page shows.
        let ended = tauri::async_runtime::spawn(work);
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

/// Passes progress on to the page, not too often.
pub(super) struct Reporter<'a> {
    handle: &'a AppHandle,
    last: Mutex<Option<Instant>>,
}

impl<'a> Reporter<'a> {
    pub(super) fn new(handle: &'a AppHandle) -> Self {
        Self { handle, last: Mutex::default() }
    }

    fn report(&self, change: impl Fn(&mut RunningArchiveWork)) {
        if let Some(running) = &mut self.handle.state::<Core>().work.lock().running {
            change(running);
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|at| at.elapsed() >= REPORT_INTERVAL) {
            *last = Some(Instant::now());
            let _ = ArchiveWorkNews.emit(self.handle);
        }
    }

    pub(super) fn backup(&self, now: BackupProgress) {
        self.report(|running| {
            running.phase = Some(now.phase);
            running.fraction = (now.total_bytes > 0.0).then(|| now.done_bytes / now.total_bytes);
        });
    }

    fn table(&self, now: &MaintenanceProgress) {
        self.report(|running| {
            running.table = Some(now.table.clone());
            running.fraction = Some(f64::from(now.number.saturating_sub(1)) / f64::from(now.count.max(1)));
        });
    }
}

async fn run(handle: &AppHandle, app: App, work: NewArchiveWork) -> anyhow::Result<EndedArchiveWork> {
    let core = handle.state::<Core>();
    let stop = core.work.stop_signal();
    let reporter = Reporter::new(handle);
    let on_progress = |now: BackupProgress| reporter.backup(now);
    let on_table = |now: MaintenanceProgress| reporter.table(&now);
    Ok(match work {
        NewArchiveWork::Backup(place) => {
            let options = BackupOptions { check: true, replace: false, prune: true };
            EndedArchiveWork::Backup { result: app.backup(&place, options, &on_progress, &stop).await? }
        }
        NewArchiveWork::Check(place) => EndedArchiveWork::Check {
            result: app.verify_backup(&place, VerifyOptions::default(), &on_progress, &stop).await?,
        },
        NewArchiveWork::Restore(backup, meeting) => {
            let options = backup.options(meeting, false);
            let result = app.restore_here(&backup.path, options, &on_progress, &stop).await?;
            EndedArchiveWork::Restore { result }
        }
        NewArchiveWork::Maintenance(work) => {
            EndedArchiveWork::Maintenance { result: app.maintain_database(work, stop, &on_table).await? }
        }
    })
}
