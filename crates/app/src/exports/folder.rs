//! Exports of many meetings to one folder. Each gets a name of its own there; no file is replaced.

use crate::App;
use crate::exports::file::free_name;
use crate::exports::{ExportRequest, PendingExport};
use crate::user_error::ErrorCode;
use anyhow::Result;
use export::Format;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use store::JobId;

/// Exports that were created, and why others were not.
#[derive(Debug, Default)]
pub struct PendingExports {
    /// The exports, in the order of their meetings; [`App::run_export`] makes the files.
    pub pending: Vec<PendingExport>,
    /// Why a meeting is not exported: each with the message for its user.
    pub failures: Vec<anyhow::Error>,
}

impl App {
    /// Creates an export of each meeting to `folder`. Meetings with the same title get a number.
    ///
    /// # Errors
    /// If the archive cannot be reached. What is wrong with one meeting is in [`PendingExports::failures`].
    pub async fn create_exports(
        &self,
        jobs: &[JobId],
        format: &'static Format,
        folder: &Path,
    ) -> Result<PendingExports> {
        let mut created = PendingExports::default();
        let mut taken = HashSet::new();
        for job in jobs {
            match self.create_export_beside(*job, format, folder, &mut taken).await {
                Ok(export) => created.pending.push(export),
                Err(error) if ErrorCode::of(&error) == ErrorCode::DatabaseUnreachable => return Err(error),
                Err(error) => created.failures.push(error),
            }
        }
        Ok(created)
    }

    /// Creates an export to `folder`, beside those whose paths are `taken`.
    async fn create_export_beside(
        &self,
        job: JobId,
        format: &'static Format,
        folder: &Path,
        taken: &mut HashSet<PathBuf>,
    ) -> Result<PendingExport> {
        let name = format.file_name(&self.find(job).await?.title);
        let (folder, others) = (folder.to_owned(), taken.clone());
        let free = move || free_name(&folder, &name, |path| !others.contains(path) && !path.exists());
        let path = tokio::task::spawn_blocking(free).await?;
        taken.insert(path.clone());
        self.create_export(job, &ExportRequest { format, output: Some(path), replace: false }).await
    }
}
