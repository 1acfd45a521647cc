//! Restores a backup in place of a damaged database, which keeps the archive from being opened.

use super::archive_work::{ArchiveWorkKind, ChosenBackup, EndedArchiveWork, Reporter, start};
use super::{Core, open_in_background};
use crate::failure::Failure;
use app::{ErrorCode, LocalApp};
use std::sync::atomic::Ordering;
use tauri::{AppHandle, Manager};

/// Starts to restore everything in `backup` into a new database, and opens the archive afterwards. The damaged database is
/// kept aside.
///
/// # Errors
/// If the archive is being opened, or other work is under way.
pub(crate) fn start_rescue(handle: &AppHandle, backup: ChosenBackup) -> Result<(), Failure> {
    let Some(attempt) = Attempt::begin(handle) else {
        let message = "The archive is being opened. Try again in a moment.".to_owned();
        return Err(Failure { code: ErrorCode::WrongState, message });
    };
    let runner = handle.clone();
    start(handle, ArchiveWorkKind::Restore, async move {
        let restored = rescue(&runner, &backup).await;
        drop(attempt);
        if restored.is_ok() {
            open_in_background(&runner);
        }
        restored
    })
}

async fn rescue(handle: &AppHandle, backup: &ChosenBackup) -> anyhow::Result<EndedArchiveWork> {
    let core = handle.state::<Core>();
    {
        // Who holds the lock of the private server keeps its files from being set aside.
        let mut local = core.local.lock().expect("no thread panics while it holds this lock");
        *local = local.take().map(|local| local.without_database());
    }
    let reporter = Reporter::new(handle);
    let on_progress = |now| reporter.backup(now);
    let (start, options, stop) = (core.start.clone(), backup.options(None, false), core.work.stop_signal());
    let result = LocalApp::restore(start, &backup.path, options, &|_| (), &on_progress, &stop).await?;
    Ok(EndedArchiveWork::Restore { result })
}

/// Keeps the archive from being opened meanwhile.
struct Attempt(AppHandle);

impl Attempt {
    fn begin(handle: &AppHandle) -> Option<Self> {
        let opening = handle.state::<Core>().opening.swap(true, Ordering::AcqRel);
        (!opening).then(|| Self(handle.clone()))
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.0.state::<Core>().opening.store(false, Ordering::Release);
    }
}
