//! Exports: files made of meetings. A row of `export_jobs` says what is wanted; [`document`] collects the content, the
//! crate `export` renders it, and [`file`] writes it.

mod document;
mod file;
mod folder;

use crate::App;
use crate::archive::not_found;
use crate::archive::view::JobStatus;
use crate::exports::file::{destination, write_file};
pub use crate::exports::folder::PendingExports;
use crate::file_names::shown_path;
use crate::organisation::require_not_trashed;
use crate::settings::Paper;
use crate::tasks::{TaskContext, TaskError, TaskHandler, require_lease};
use crate::user_error::{ErrorCode, user_error};
use anyhow::{Context, Result};
use export::{FORMATS, Format, Needs, RenderOptions, Rendered};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use store::{Claim, ExportId, ExportJob, JobId, NewExport, TaskKind, TaskProgress};
use tokio::sync::watch;

/// Words of formats that later versions will make.
const PLANNED: [&str; 2] = ["markdown_summary", "pdf_summary"];

/// The words of all formats, including planned ones.
pub fn export_words() -> Vec<&'static str> {
    FORMATS.iter().map(|format| format.key).chain(PLANNED).collect()
}

/// The format with this word.
///
/// # Errors
/// [`ErrorCode::NotOffered`] for an unknown word; the message lists the known ones. [`ErrorCode::NotAvailableYet`] for
/// a planned format.
pub fn export_format(word: &str) -> Result<&'static Format> {
    Format::by_key(word).ok_or_else(|| {
        let words: Vec<_> = FORMATS.iter().map(|format| format.key).collect();
        let known = words.join(", ");
        match PLANNED.contains(&word) {
            true => user_error(
                ErrorCode::NotAvailableYet,
                format!("This version makes no summaries yet. Transcripts can be exported: {known}."),
            ),
            false => {
                user_error(ErrorCode::NotOffered, format!("There is no export “{word}”. There are: {known}."))
            }
        }
    })
}

/// An export and its state.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ExportView {
    /// UUID.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub export_id: ExportId,
    /// The word of the format.
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
}

/// An export that was created and is not made yet: see [`App::run_export`].
#[derive(Debug)]
pub struct PendingExport {
    /// Its id.
    pub id: ExportId,
    claim: Claim,
}

/// Parameters of an export's task.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Parameters {
    /// Whether an existing file may be replaced.
    replace: bool,
}

/// Makes the file of an export.
pub(crate) struct MakeExport;

impl TaskHandler for MakeExport {
    fn kind(&self) -> TaskKind {
        TaskKind::Export
    }

    fn work<'a>(
        &'a self,
        app: &'a App,
        claim: &'a Claim,
        context: TaskContext,
    ) -> BoxFuture<'a, Result<(), TaskError>> {
        Box::pin(async move { app.make_export(claim, &context).await })
    }

    fn abandoned_message(&self, times: i32) -> String {
        format!("Making this file was interrupted {times} times. Export the meeting again.")
    }
}

/// What to export, and where.
#[derive(Debug, Clone)]
pub struct ExportRequest {
    /// The format.
    pub format: &'static Format,
    /// Path of a file or of an existing folder. None: the app's folder of exports.
    pub output: Option<PathBuf>,
    /// Whether an existing file may be replaced.
    pub replace: bool,
}

impl App {
    /// Creates an export of a meeting, claimed by this process; [`App::run_export`] makes the file.
    ///
    /// # Errors
    /// [`ErrorCode::NoTranscript`], [`ErrorCode::AlreadyExists`], [`ErrorCode::WrongState`] for a meeting in the trash,
    /// besides those of [`App::find`].
    pub async fn create_export(&self, job: JobId, request: &ExportRequest) -> Result<PendingExport> {
        let stored = self.stored_job(job).await?;
        require_not_trashed(&stored)?;
        let meeting = self.view(stored).await?;
        let shown = self.store.shown_transcript(job).await?;
        if !shown.is_some_and(|version| version.is_complete()) {
            return Err(user_error(
                ErrorCode::NoTranscript,
                format!("“{}” has no complete transcript yet, so there is nothing to export.", meeting.title),
            ));
        }
        let name = request.format.file_name(&meeting.title);
        let (folder, asked) = (self.data.exports(), request.clone());
        let path = tokio::task::spawn_blocking(move || destination(&asked, &folder, name)).await??;
        let id = ExportId::new();
        let file_path = path.to_str().ok_or_else(|| {
            user_error(
                ErrorCode::NotOffered,
                format!("{} has a name that is not Unicode; choose another.", shown_path(&path)),
            )
        })?;
        let new = NewExport {
            id,
            job_id: job,
            export_type: request.format.key.to_owned(),
            file_path: file_path.to_owned(),
            library_id: self.library.id(),
        };
        let parameters = serde_json::to_value(Parameters { replace: request.replace })?;
        let claim = self.store.create_export(&new, &parameters, self.machine).await?;
        Ok(PendingExport { id, claim: claim.ok_or_else(|| not_found(&job.to_string()))? })
    }

    /// Makes the file of an export and returns its final state.
    ///
    /// # Errors
    /// If the archive fails. An export that fails is an [`ExportView`] with its message.
    pub async fn run_export(&self, export: PendingExport) -> Result<ExportView> {
        // An export takes seconds and is not stopped. If this process is killed, a worker takes the export over.
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

    /// Makes the file of a claimed export.
    async fn make_export(&self, claim: &Claim, context: &TaskContext) -> Result<(), TaskError> {
        let lease = claim.lease;
        let parameters: Parameters = serde_json::from_value(claim.parameters.clone()).unwrap_or_default();
        let Some(export) = self.store.export(lease.export()?).await? else {
            return Err(TaskError::Failed("The row of this export is gone.".to_owned()));
        };
        let id = export.id;
        let failed = |error: anyhow::Error| {
            tracing::warn!(%id, code = ?ErrorCode::of(&error), "an export failed");
            TaskError::Failed(format!("{error:#}"))
        };
        let format = export_format(&export.export_type).map_err(failed)?;
        let path = PathBuf::from(export.file_path.context("an export has a path").map_err(failed)?);
        let document = self.document_of(&claim.job).await.map_err(retry_if_unreachable(&failed))?;
        if format.needs == Needs::Speakers && document.speakers.is_empty() {
            let why = format!("The speakers of “{}” have not been detected yet.", document.title);
            return Err(failed(user_error(ErrorCode::NoTranscript, why)));
        }
        context.report(TaskProgress { done: 30, total: Some(100), ..TaskProgress::default() });
        let (fonts, paper) = (self.resources.fonts(), self.settings.paper);
        let rendered = tokio::task::spawn_blocking(move || {
            let paper = match paper {
                Paper::A4 => export::Paper::A4,
                Paper::Letter => export::Paper::Letter,
            };
            format.render(&document, &RenderOptions { fonts: &fonts, paper })
        });
        // A panic fails the export.
        let rendered = rendered.await.map_err(|error| failed(error.into()))?;
        let Rendered { bytes, note } = rendered.map_err(|error| failed(error.into()))?;
        // If another process has taken the export over, it writes the file.
        let nearly = TaskProgress { done: 80, total: Some(100), ..TaskProgress::default() };
        context.report(nearly);
        require_lease(self.store.renew(lease, nearly).await?)?;
        let to = path.clone();
        let written = tokio::task::spawn_blocking(move || write_file(&bytes, &to, id, parameters.replace));
        written.await.map_err(|error| failed(error.into()))?.map_err(failed)?;
        let finished = self.store.finish_export(lease, &path.to_string_lossy(), note.as_deref()).await?;
        require_lease(finished.is_some())
    }

    /// The transcript of a meeting as plain text, for the clipboard.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`], [`ErrorCode::NoTranscript`].
    pub async fn transcript_text(&self, id: JobId) -> Result<String> {
        let document = self.document_of(&self.stored_job(id).await?).await?;
        if document.segments.is_empty() {
            let why = format!("“{}” has no words to copy yet.", document.title);
            return Err(user_error(ErrorCode::NoTranscript, why));
        }
        let format = export_format("text_transcript")?;
        let options = RenderOptions { fonts: &self.resources.fonts(), paper: export::Paper::A4 };
        Ok(String::from_utf8(format.render(&document, &options)?.bytes)?)
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
    })
}

/// If the archive cannot be reached, the export is made later; after any other error it has failed.
fn retry_if_unreachable(failed: impl Fn(anyhow::Error) -> TaskError) -> impl Fn(anyhow::Error) -> TaskError {
    move |error| match ErrorCode::of(&error) {
        ErrorCode::DatabaseUnreachable => TaskError::Internal(error),
        _ => failed(error),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn planned_formats_are_refused_with_their_own_code() {
        assert_eq!(ErrorCode::of(&export_format("pdf_summary").unwrap_err()), ErrorCode::NotAvailableYet);
        assert_eq!(ErrorCode::of(&export_format("docx").unwrap_err()), ErrorCode::NotOffered);
        assert_eq!(export_format("pdf_transcript").unwrap().extension, "pdf");
    }
}
