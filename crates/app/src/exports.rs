//! Exports: files made of meetings. A row of `export_jobs` says what is wanted, and the task in [`make`] makes the file:
//! [`document`] collects the content, the crate `export` renders it, and [`file`] writes it. [`batches`] exports many
//! meetings, [`verify`] compares an exported file with the archive, and [`preview`] shows a file before it is made.

mod batches;
pub(crate) mod bundle;
mod copy;
mod document;
mod file;
mod formats;
mod make;
mod preview;
mod settings;
mod verify;

use crate::App;
use crate::archive::not_found;
use crate::archive::view::JobStatus;
pub use crate::exports::batches::{BatchRequest, BatchView, CreatedBatch};
pub use crate::exports::copy::CopyRequest;
use crate::exports::file::destination;
pub use crate::exports::formats::{FormatView, export_format, export_keys, format_views, subtitle_guides};
pub(crate) use crate::exports::make::MakeExport;
use crate::exports::make::Parameters;
pub use crate::exports::preview::{Preview, PreviewKind};
pub use crate::exports::settings::ExportSettings;

pub(crate) use crate::exports::verify::changed_passages;
pub use crate::exports::verify::{ChangedPassage, ExportState, VerifiedExport};
use crate::file_names::shown_path;
use crate::organisation::require_not_trashed;
use crate::user_error::{ErrorCode, user_error};
use anyhow::{Context, Result};
use export::{ExportOptions, Format, file_name};
use serde::Serialize;
use std::path::{Path, PathBuf};
use store::{BatchId, Claim, ExportId, ExportJob, Job, JobId, NewExport, Transcript};
use tokio::sync::watch;

/// An export and its state.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ExportView {
    /// UUID.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub export_id: ExportId,
    /// The key of the format.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its state.
    pub status: JobStatus,
    /// Path of the file.
    pub path: Option<String>,
    /// 0 to 100.
    pub progress: i32,
    /// Why it failed.
    pub error_message: Option<String>,
    /// What the user should know about the file.
    pub note: Option<String>,
    /// The meeting: UUID.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub job_id: JobId,
}

/// An export that was created and is not made yet: see [`App::run_export`].
#[derive(Debug)]
pub struct PendingExport {
    /// Its id.
    pub id: ExportId,
    claim: Claim,
}

/// What to export, and where.
#[derive(Debug, Clone)]
pub struct ExportRequest {
    /// The format.
    pub format: &'static Format,
    /// What the file contains and how it looks.
    pub options: ExportOptions,
    /// Path of a file or of an existing folder. None: the app's folder of exports.
    pub output: Option<PathBuf>,
    /// Whether an existing file may be replaced.
    pub replace: bool,
}

impl App {
    /// The options of an export where the user chooses nothing else.
    pub fn default_export_options(&self) -> ExportOptions {
        ExportOptions { paper: self.settings.paper, ..ExportOptions::default() }
    }

    /// The app's folder of exports.
    pub fn exports_folder(&self) -> PathBuf {
        self.data.exports()
    }

    /// The name that the export of a meeting gets by the template of the settings.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub async fn export_file_name(&self, job: JobId, format: &Format) -> Result<String> {
        let stored = self.stored_job(job).await?;
        self.file_name_of(&stored, format).await
    }

    async fn file_name_of(&self, job: &Job, format: &Format) -> Result<String> {
        let parts = self.file_name_parts(job).await?;
        Ok(format.with_extension(&file_name(&self.export_settings()?.file_name, &parts)))
    }

    /// Creates an export of a meeting, claimed by this process; [`App::run_export`] makes the file.
    ///
    /// # Errors
    /// [`ErrorCode::NoTranscript`], [`ErrorCode::AlreadyExists`], [`ErrorCode::WrongState`] for a meeting in the trash,
    /// besides those of [`App::find`].
    pub async fn create_export(&self, job: JobId, request: &ExportRequest) -> Result<PendingExport> {
        let (stored, _) = self.with_transcript(job, "export").await?;
        let name = self.file_name_of(&stored, request.format).await?;
        let (folder, asked) = (self.data.exports(), request.clone());
        let path = tokio::task::spawn_blocking(move || destination(&asked, &folder, name)).await??;
        let new = self.new_export(job, request.format, &request.options, &path, None)?;
        let id = new.id;
        let parameters = serde_json::to_value(Parameters { replace: request.replace })?;
        let claim = self.store.create_export(&new, &parameters, self.machine).await?;
        Ok(PendingExport { id, claim: claim.ok_or_else(|| not_found(&job.to_string()))? })
    }

    /// The row of a meeting that is not in the trash, and its complete transcript. `purpose` is what that is for, such as
    /// “export”.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`], [`ErrorCode::WrongState`], [`ErrorCode::NoTranscript`].
    pub(crate) async fn with_transcript(&self, job: JobId, purpose: &str) -> Result<(Job, Transcript)> {
        let stored = self.stored_job(job).await?;
        require_not_trashed(&stored)?;
        match self.store.shown_transcript(job).await?.filter(Transcript::is_complete) {
            Some(version) => Ok((stored, version)),
            None => {
                let title = crate::archive::to_view::title(&stored);
                let why =
                    format!("“{title}” has no complete transcript yet, so there is nothing to {purpose}.");
                Err(user_error(ErrorCode::NoTranscript, why))
            }
        }
    }

    fn new_export(
        &self,
        job: JobId,
        format: &Format,
        options: &ExportOptions,
        path: &Path,
        batch: Option<BatchId>,
    ) -> Result<NewExport> {
        let file_path = path.to_str().ok_or_else(|| {
            user_error(
                ErrorCode::NotOffered,
                format!("{} has a name that is not Unicode; choose another.", shown_path(path)),
            )
        })?;
        Ok(NewExport {
            id: ExportId::new(),
            job_id: job,
            export_type: format.key.to_owned(),
            file_path: file_path.to_owned(),
            library_id: self.library.id(),
            options: serde_json::to_value(options)?,
            batch_id: batch,
        })
    }

    /// Makes the file of an export and returns its final state.
    ///
    /// # Errors
    /// If the archive fails. An export that fails is an [`ExportView`] with its message.
    pub async fn run_export(&self, export: PendingExport) -> Result<ExportView> {
        // If this process is killed, a worker takes the export over.
        let (_running, mut stop) = watch::channel(false);
        self.run_task(&MakeExport, &export.claim, None, &mut stop).await?;
        self.existing_export(export.id).await
    }

    async fn existing_export(&self, id: ExportId) -> Result<ExportView> {
        self.export(id).await?.ok_or_else(|| {
            user_error(
                ErrorCode::NotFound,
                "There is no such export. Its meeting may have been deleted meanwhile.",
            )
        })
    }

    /// The state of an export; `None` if it does not exist.
    ///
    /// # Errors
    /// If the archive cannot be reached.
    pub async fn export(&self, id: ExportId) -> Result<Option<ExportView>> {
        self.store.export(id).await?.map(export_view).transpose()
    }

    /// Cancels an export that is not completed.
    ///
    /// # Errors
    /// If the archive cannot be reached.
    pub async fn cancel_export(&self, id: ExportId) -> Result<()> {
        self.store.cancel_export(id).await?;
        Ok(())
    }
}

/// The options that an export is made with; for those of earlier versions the default.
fn stored_options(export: &ExportJob) -> Result<ExportOptions> {
    match export.options.clone() {
        Some(options) => serde_json::from_value(options).context("the options of this export are damaged"),
        None => Ok(ExportOptions::default()),
    }
}

fn export_view(export: ExportJob) -> Result<ExportView> {
    Ok(ExportView {
        export_id: export.id,
        status: export.status()?.into(),
        kind: export.export_type,
        path: export.file_path,
        progress: export.progress.unwrap_or(0),
        error_message: export.error_message,
        note: export.note,
        job_id: export.job_id,
    })
}
