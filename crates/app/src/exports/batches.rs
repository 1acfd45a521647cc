//! Exports of many meetings to one folder or one ZIP file: a batch.
//!
//! The exports of a batch wait in the queue; the process that asks for them works on them, and a worker continues after
//! a restart. A file that is in the folder already, made of the same content with the same options, is not made again.
//! The files of a ZIP file are made in a folder of the app's exports; the task that finishes the last one packs them.

use super::file::{free_name, refuse_existing, sha256_of, write_error};
use super::{MakeExport, Parameters};
use crate::App;
use crate::file_names::shown_path;
use crate::tasks::TaskHandler;
use crate::user_error::{ErrorCode, user_error};
use anyhow::{Context, Result};
use chrono::{NaiveDateTime, Utc};
use export::{ExportOptions, Format, Passages};
use serde::Serialize;
use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use store::{BatchCounts, BatchId, ExportBatch, ExportId, Job, JobId, NewExport, Status};
use tokio::sync::watch;
use zip::write::SimpleFileOptions;

/// How often the end of exports that other processes make is looked for.
const POLL_INTERVAL: Duration = Duration::from_millis(300);
/// The most failures that a view lists.
const MAX_LISTED_FAILURES: usize = 20;

/// Exports of many meetings.
#[derive(Debug, Clone)]
pub struct BatchRequest {
    /// The format.
    pub format: &'static Format,
    /// What the files contain and how they look.
    pub options: ExportOptions,
    /// The folder, or the ZIP file.
    pub target: PathBuf,
    /// Whether all files go into one ZIP file.
    pub zip: bool,
    /// Whether existing files may be replaced, and files that are up to date are made again.
    pub replace: bool,
}

/// A batch that was created.
#[derive(Debug)]
pub struct CreatedBatch {
    /// Its id.
    pub id: BatchId,
    /// Its exports, in the order of their meetings.
    pub exports: Vec<ExportId>,
    /// Meetings whose file is in the folder and up to date.
    pub up_to_date: Vec<JobId>,
    /// Why meetings are not exported: each with the message for its user.
    pub failures: Vec<anyhow::Error>,
}

/// A batch and how far it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct BatchView {
    /// UUID.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub batch_id: BatchId,
    /// Path of the folder or ZIP file.
    pub target: String,
    /// Whether it is a ZIP file.
    pub zip: bool,
    /// Number of exports.
    pub total: u32,
    /// How many files are written.
    pub completed: u32,
    /// How many failed or were cancelled.
    pub failed: u32,
    /// Whether nothing is left to do.
    pub ended: bool,
    /// Why the ZIP file could not be written.
    pub error_message: Option<String>,
    /// Why exports failed; the first 20.
    pub failures: Vec<String>,
}

impl App {
    /// Creates a batch of exports. Names that are taken get a number.
    ///
    /// # Errors
    /// If the target cannot be used, or the archive cannot be reached. What is wrong with one meeting is in
    /// [`CreatedBatch::failures`].
    pub async fn create_batch(&self, jobs: &[JobId], request: &BatchRequest) -> Result<CreatedBatch> {
        let target = std::path::absolute(&request.target)
            .with_context(|| format!("{} is not a path to write to", shown_path(&request.target)))?;
        let target_text = target.to_str().ok_or_else(|| {
            user_error(
                ErrorCode::NotOffered,
                format!("{} has a name that is not Unicode; choose another.", shown_path(&target)),
            )
        })?;
        let id = BatchId::new();
        let folder = if request.zip { self.staging(id) } else { target.clone() };
        tokio::task::spawn_blocking({
            let (request, target, folder) = (request.clone(), target.clone(), folder.clone());
            move || prepare(&request, &target, &folder)
        })
        .await??;
        let mut created =
            CreatedBatch { id, exports: Vec::new(), up_to_date: Vec::new(), failures: Vec::new() };
        let mut exports = Vec::new();
        let mut taken = HashSet::new();
        for job in jobs {
            match self.plan_export(*job, request, &folder, id, &mut taken).await {
                Ok(Some(export)) => exports.push(export),
                Ok(None) => created.up_to_date.push(*job),
                Err(error) if ErrorCode::of(&error) == ErrorCode::DatabaseUnreachable => return Err(error),
                Err(error) => created.failures.push(error),
            }
        }
        let batch = ExportBatch {
            id,
            library_id: self.library.id(),
            target: target_text.to_owned(),
            is_zip: request.zip,
            created_at: Utc::now(),
            ended_at: None,
            error_message: None,
        };
        let parameters = serde_json::to_value(Parameters { replace: request.replace })?;
        created.exports = self.store.create_export_batch(&batch, &exports, &parameters).await?;
        if created.exports.is_empty() {
            self.end_batch_if_complete(id).await?;
        }
        Ok(created)
    }

    /// The export of one meeting of a batch; `None` if its file is there and up to date.
    async fn plan_export(
        &self,
        job: JobId,
        request: &BatchRequest,
        folder: &Path,
        batch: BatchId,
        taken: &mut HashSet<PathBuf>,
    ) -> Result<Option<NewExport>> {
        let (stored, _) = self.with_transcript(job, "export").await?;
        if !request.zip && !request.replace && self.is_up_to_date(&stored, request, folder).await? {
            return Ok(None);
        }
        let name = self.file_name_of(&stored, request.format).await?;
        let free = |path: &Path| !taken.contains(path) && (request.replace || !path.exists());
        let path = free_name(folder, &name, free);
        taken.insert(path.clone());
        self.new_export(job, request.format, &request.options, &path, Some(batch)).map(Some)
    }

    /// Whether `folder` has the export of a meeting with the same options and the same content, unaltered. The content is
    /// the same if the passages are, and nothing else of the meeting has changed since.
    async fn is_up_to_date(&self, job: &Job, request: &BatchRequest, folder: &Path) -> Result<bool> {
        let options = serde_json::to_value(&request.options)?;
        let changed_at = self.details_changed_at(job).await?;
        for export in self.store.exports(job.id).await? {
            let (Some(path), Some(sha256)) =
                (export.file_path.as_deref().map(Path::new), &export.file_sha256)
            else {
                continue;
            };
            let same = export.export_type == request.format.key
                && export.options.as_ref() == Some(&options)
                && path.parent() == Some(folder)
                && export.updated_at >= changed_at;
            if !same {
                continue;
            }
            let path = path.to_owned();
            if tokio::task::spawn_blocking(move || sha256_of(&path)).await?.as_ref() != Some(sha256) {
                continue;
            }
            let now = Passages::of(&self.document_of(job).await?, &request.options).to_bytes();
            if self.store.passages_of_export(export.id).await? == Some(now) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// When title, note or newest summary of a meeting last changed, or anything else of its row: UTC.
    async fn details_changed_at(&self, job: &Job) -> Result<NaiveDateTime> {
        let note = self.store.note(job.id).await?.map(|note| note.changed_at);
        let summary = self.store.newest_summary(job.id).await?;
        let summary = summary.map(|summary| summary.edited_at.unwrap_or(summary.created_at));
        let times = summary.into_iter().chain(note).map(|at| at.naive_utc());
        Ok(times.fold(job.updated_at, NaiveDateTime::max))
    }

    /// Works on the exports of a batch, and waits for those that other processes make, until none is left or `stop` is
    /// true. `on_progress` gets the batch after each export.
    ///
    /// # Errors
    /// If the archive fails.
    pub async fn run_batch(
        &self,
        id: BatchId,
        stop: &mut watch::Receiver<bool>,
        on_progress: &(dyn Fn(&BatchView) + Send + Sync),
    ) -> Result<BatchView> {
        loop {
            let exports = self.store.exports_of_batch(id).await?;
            let open = |status: &Status| matches!(status, Status::Pending | Status::Processing);
            let jobs: Vec<JobId> = exports
                .iter()
                .filter(|export| export.status().is_ok_and(|status| open(&status)))
                .map(|export| export.job_id)
                .collect();
            if !jobs.is_empty() && !*stop.borrow() {
                let handlers: [&dyn TaskHandler; 1] = [&MakeExport];
                if self.work_on_next(&handlers, Some(&jobs), None, stop).await?.is_none() {
                    tokio::time::sleep(POLL_INTERVAL).await;
                }
            }
            self.end_batch_if_complete(id).await?;
            let view = self.existing_batch(id).await?;
            on_progress(&view);
            if view.ended || *stop.borrow() {
                return Ok(view);
            }
        }
    }

    /// The state of a batch; `None` if it does not exist.
    ///
    /// # Errors
    /// If the archive cannot be reached.
    pub async fn export_batch(&self, id: BatchId) -> Result<Option<BatchView>> {
        match self.store.export_batch(id).await? {
            Some(batch) => self.batch_view(batch).await.map(Some),
            None => Ok(None),
        }
    }

    async fn existing_batch(&self, id: BatchId) -> Result<BatchView> {
        self.export_batch(id)
            .await?
            .ok_or_else(|| user_error(ErrorCode::NotFound, "There is no such batch of exports."))
    }

    /// The batches of this computer that are under way, oldest first.
    ///
    /// # Errors
    /// If the archive cannot be reached.
    pub async fn open_batches(&self) -> Result<Vec<BatchView>> {
        let mut views = Vec::new();
        for batch in self.store.open_export_batches(self.library.id()).await? {
            // The process that made the last file may have been killed before it could end the batch.
            self.end_batch_if_complete(batch.id).await?;
            let view = self.existing_batch(batch.id).await?;
            if !view.ended {
                views.push(view);
            }
        }
        Ok(views)
    }

    /// Cancels what is left of a batch. Files that are written stay.
    ///
    /// # Errors
    /// If the archive cannot be reached.
    pub async fn cancel_batch(&self, id: BatchId) -> Result<()> {
        self.store.cancel_export_batch(id).await?;
        self.end_batch_if_complete(id).await
    }

    async fn batch_view(&self, batch: ExportBatch) -> Result<BatchView> {
        let BatchCounts { open, completed, failed } = self.store.batch_counts(batch.id).await?;
        let failures = match failed {
            0 => Vec::new(),
            _ => self
                .store
                .exports_of_batch(batch.id)
                .await?
                .into_iter()
                .filter_map(|one| one.error_message)
                .collect(),
        };
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Ok(BatchView {
            batch_id: batch.id,
            target: batch.target,
            zip: batch.is_zip,
            total: count(open + completed + failed),
            completed: count(completed),
            failed: count(failed),
            ended: batch.ended_at.is_some(),
            error_message: batch.error_message,
            failures: failures.into_iter().take(MAX_LISTED_FAILURES).collect(),
        })
    }

    /// Ends a batch none of whose exports is open: packs its ZIP file, if it has one.
    pub(super) async fn end_batch_if_complete(&self, id: BatchId) -> Result<()> {
        let Some(batch) = self.store.export_batch(id).await?.filter(|batch| batch.ended_at.is_none()) else {
            return Ok(());
        };
        if self.store.batch_counts(id).await?.open > 0 {
            return Ok(());
        }
        if !batch.is_zip {
            self.store.end_export_batch(id, None).await?;
            return Ok(());
        }
        let files: Vec<PathBuf> = self
            .store
            .exports_of_batch(id)
            .await?
            .into_iter()
            .filter(|export| export.file_sha256.is_some())
            .filter_map(|export| export.file_path.map(PathBuf::from))
            .collect();
        let (staging, target) = (self.staging(id), PathBuf::from(&batch.target));
        let packed = tokio::task::spawn_blocking({
            let staging = staging.clone();
            move || pack(&staging, &files, &target)
        });
        let error = packed.await?.err().map(|error| format!("{error:#}"));
        if self.store.end_export_batch(id, error.as_deref()).await? && error.is_none() {
            let _ = tokio::fs::remove_dir_all(&staging).await;
        }
        Ok(())
    }

    /// The folder in which the files of a ZIP file are made.
    fn staging(&self, id: BatchId) -> PathBuf {
        self.data.exports().join(format!("batch-{id}"))
    }
}

/// Makes sure that the target of a batch can be used. Blocks.
fn prepare(request: &BatchRequest, target: &Path, folder: &Path) -> Result<()> {
    if request.zip {
        if !request.replace {
            refuse_existing(target)?;
        }
    } else if target.exists() && !target.is_dir() {
        return Err(user_error(
            ErrorCode::NotOffered,
            format!("{} is not a folder. Choose a folder for the files.", shown_path(target)),
        ));
    }
    fs::create_dir_all(folder).map_err(|error| write_error(error, folder))
}

/// Packs `files` of the folder `staging` into a ZIP file. It is written under a temporary name, synced and renamed. If
/// the ZIP file is there and no file is, another process has packed it. Blocks.
fn pack(staging: &Path, files: &[PathBuf], target: &Path) -> Result<()> {
    if target.exists() && !staging.exists() {
        return Ok(());
    }
    let draft = target.with_extension("zip.part");
    let written = (|| -> io::Result<()> {
        let mut zip = zip::ZipWriter::new(File::create(&draft)?);
        let options = SimpleFileOptions::default().large_file(true);
        for file in files {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            zip.start_file(name, options)?;
            io::copy(&mut File::open(file)?, &mut zip)?;
        }
        zip.finish()?.sync_all()?;
        fs::rename(&draft, target)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written.map_err(|error| write_error(error, target))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use std::io::Read;

    #[test]
    fn files_are_packed_with_their_names_and_a_failure_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let staging = dir.path().join("staging");
        fs::create_dir(&staging).unwrap();
        let (one, two) = (staging.join("one.md"), staging.join("会议.md"));
        fs::write(&one, "1").unwrap();
        fs::write(&two, "2").unwrap();
        let target = dir.path().join("all.zip");
        pack(&staging, &[one, two], &target).unwrap();
        let mut zip = zip::ZipArchive::new(File::open(&target).unwrap()).unwrap();
        let names: Vec<String> = zip.file_names().map(|name| name.unwrap().into_owned()).collect();
        assert_eq!(names, ["one.md", "会议.md"]);
        let mut text = String::new();
        zip.by_name("会议.md").unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "2");

        let other = dir.path().join("other.zip");
        pack(&staging, &[staging.join("missing.md")], &other).unwrap_err();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "neither the file nor a draft");
    }
}
