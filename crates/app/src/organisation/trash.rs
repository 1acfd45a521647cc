//! The trash: what is in it, and its final removal. A meeting gets into it and out of it by [`App::organise`].

use crate::App;
use crate::archive::to_view::title;
use crate::archive::view::JobView;
use crate::organisation::list::ListRequest;
use crate::user_error::{ErrorCode, user_error};
use anyhow::Result;
use store::{Job, JobId};

/// How many meetings one transaction deletes. Rows of their words go with them.
const BATCH: usize = 100;

impl App {
    /// The meetings in the trash, those that came last first.
    ///
    /// # Errors
    /// If the archive cannot be reached.
    pub async fn trashed_meetings(&self) -> Result<Vec<JobView>> {
        self.list_meetings(&ListRequest { trashed: true, ..ListRequest::default() }).await
    }

    /// Deletes meetings that are in the trash for good, as [`App::delete`] does; others are skipped. Returns how many
    /// were deleted.
    ///
    /// # Errors
    /// If the archive cannot be reached or files cannot be removed. What was deleted until then stays deleted.
    pub async fn delete_trashed(&self, ids: &[JobId]) -> Result<u32> {
        let mut deleted = 0;
        let mut exports = Vec::new();
        for batch in ids.chunks(BATCH) {
            let gone = self.store.delete_trashed(batch, self.library.id()).await?;
            deleted += u32::try_from(gone.jobs.len()).unwrap_or(u32::MAX);
            exports.extend(gone.exports);
        }
        self.finish_deletion(exports).await?;
        Ok(deleted)
    }
}

/// Refuses work on a meeting that is in the trash.
///
/// # Errors
/// [`ErrorCode::WrongState`] with a sentence that names it.
pub(crate) fn require_not_trashed(job: &Job) -> Result<()> {
    match job.trashed_at {
        None => Ok(()),
        Some(_) => Err(user_error(
            ErrorCode::WrongState,
            format!("“{}” is in the trash. Restore it first.", title(job)),
        )),
    }
}
