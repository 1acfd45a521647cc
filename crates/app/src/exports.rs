//! Exports: files made of meetings. A row of `export_jobs` says what is wanted; [`document`] collects the content, the
//! crate `export` renders it, and [`file`] writes it. [`batches`] exports many meetings, [`verify`] says what became of
//! an exported file, and [`preview`] shows a file before it is made.

mod batches;
pub(crate) mod bundle;
mod document;
mod file;
mod preview;
mod settings;
mod verify;

use crate::App;
use crate::archive::not_found;
use crate::archive::view::JobStatus;
pub use crate::exports::batches::{BatchRequest, BatchView, CreatedBatch};
use crate::exports::file::{destination, write_file};
pub use crate::exports::preview::{Preview, PreviewKind};
pub use crate::exports::settings::ExportSettings;
pub use crate::exports::verify::{ChangedPassage, ExportState, VerifiedExport};
use crate::file_names::shown_path;
use crate::import::hash::{hash_of, hex};
use crate::organisation::require_not_trashed;
use crate::tasks::{TaskContext, TaskError, TaskHandler, require_lease};
use crate::user_error::{ErrorCode, user_error};
use anyhow::{Context, Result};
use export::{
    BUNDLE, Document, ExportError, ExportOptions, FORMATS, Format, FormatGroup, Needs, OptionName, Passages,
    Rendered, Resources, Times, file_name,
};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;
use store::{
    BatchId, Claim, ExportId, ExportJob, ExportedFile, Job, JobId, Lease, NewExport, TaskKind, TaskProgress,
};
use tokio::sync::watch;

/// Bytes of a logo that are read.
const MAX_LOGO_BYTES: u64 = 10 * 1024 * 1024;
/// Bytes of sound that are put into a file.
const MAX_AUDIO_BYTES: u64 = 200 * 1024 * 1024;
/// How often the progress of rendering is looked at.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);
/// Percent that collecting the content takes.
const COLLECTED: u32 = 10;
/// Percent when the file is rendered; writing it takes the rest.
const RENDERED: u32 = 90;

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

/// A format as the window and the command line list it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct FormatView {
    /// The name in the database and on the command line.
    pub key: &'static str,
    /// The name in menus.
    pub label: &'static str,
    /// What people use it for.
    pub purpose: &'static str,
    /// The file extension, without the dot.
    pub extension: &'static str,
    /// Where it is listed.
    pub group: FormatGroup,
    /// Whether the speakers must have been detected.
    pub needs_speakers: bool,
    /// Whether the file names its origin.
    pub has_receipt: bool,
    /// The options that change the file.
    pub options: &'static [OptionName],
}

impl From<&Format> for FormatView {
    fn from(format: &Format) -> Self {
        Self {
            key: format.key,
            label: format.label,
            purpose: format.purpose,
            extension: format.extension,
            group: format.group,
            needs_speakers: format.needs == Needs::Speakers,
            has_receipt: format.has_receipt(),
            options: format.options,
        }
    }
}

/// All formats, in the order of menus and lists.
pub fn format_views() -> Vec<FormatView> {
    FORMATS.into_iter().map(FormatView::from).collect()
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
        Box::pin(async move { app.make_export(claim, context).await })
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
    /// What the file contains and how it looks.
    pub options: ExportOptions,
    /// Path of a file or of an existing folder. None: the app's folder of exports.
    pub output: Option<PathBuf>,
    /// Whether an existing file may be replaced.
    pub replace: bool,
}

/// Which part of a transcript to copy, and how.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct CopyRequest {
    /// As Markdown; else as plain text.
    pub markdown: bool,
    /// With the time of each segment.
    pub times: bool,
    /// Start and end in milliseconds: only the segments that begin in this span.
    pub span: Option<(u32, u32)>,
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
        Ok(format!("{}.{}", file_name(&self.export_settings()?.file_name, &parts), format.extension))
    }

    /// Creates an export of a meeting, claimed by this process; [`App::run_export`] makes the file.
    ///
    /// # Errors
    /// [`ErrorCode::NoTranscript`], [`ErrorCode::AlreadyExists`], [`ErrorCode::WrongState`] for a meeting in the trash,
    /// besides those of [`App::find`].
    pub async fn create_export(&self, job: JobId, request: &ExportRequest) -> Result<PendingExport> {
        let stored = self.exportable(job).await?;
        let name = self.file_name_of(&stored, request.format).await?;
        let (folder, asked) = (self.data.exports(), request.clone());
        let path = tokio::task::spawn_blocking(move || destination(&asked, &folder, name)).await??;
        let new = self.new_export(job, request.format, &request.options, &path, None)?;
        let id = new.id;
        let parameters = serde_json::to_value(Parameters { replace: request.replace })?;
        let claim = self.store.create_export(&new, &parameters, self.machine).await?;
        Ok(PendingExport { id, claim: claim.ok_or_else(|| not_found(&job.to_string()))? })
    }

    /// The row of a meeting that can be exported.
    async fn exportable(&self, job: JobId) -> Result<Job> {
        let stored = self.stored_job(job).await?;
        require_not_trashed(&stored)?;
        let shown = self.store.shown_transcript(job).await?;
        if !shown.is_some_and(|version| version.is_complete()) {
            let title = crate::archive::to_view::title(&stored);
            return Err(user_error(
                ErrorCode::NoTranscript,
                format!("“{title}” has no complete transcript yet, so there is nothing to export."),
            ));
        }
        Ok(stored)
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

    /// Makes the file of a claimed export.
    async fn make_export(&self, claim: &Claim, mut context: TaskContext) -> Result<(), TaskError> {
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
        let options = stored_options(&export).map_err(failed)?;
        let path = PathBuf::from(export.file_path.clone().context("an export has a path").map_err(failed)?);
        let document = self.document_of(&claim.job).await.map_err(retry_if_unreachable(&failed))?;
        if format.needs == Needs::Speakers && document.speakers.is_empty() {
            let why = format!("The speakers of “{}” have not been detected yet.", document.title);
            return Err(failed(user_error(ErrorCode::NoTranscript, why)));
        }
        let passages = Passages::of(&document, &options).to_bytes();
        context.report(percent(COLLECTED));
        if format.key == BUNDLE {
            self.write_bundle(&claim.job, &document, &options, &path, id, parameters.replace)
                .await
                .map_err(retry_if_unreachable(&failed))?;
            let sha256 = tokio::task::spawn_blocking({
                let path = path.clone();
                move || hash_of(&path)
            });
            let sha256 = sha256.await.map_err(|error| failed(error.into()))?;
            let sha256 = sha256.map_err(|error| failed(error.into()))?;
            let file =
                ExportedFile { path: path.to_string_lossy().into_owned(), sha256, passages, note: None };
            return self.finish_made_export(&export, lease, &file).await;
        }
        let (cancelled, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(COLLECTED)));
        let mut rendering = tokio::task::spawn_blocking({
            let (app, job) = (self.clone(), claim.job.clone());
            let (cancelled, done) = (Arc::clone(&cancelled), Arc::clone(&done));
            move || {
                app.render_export(&job, format, &document, &options, &|part| {
                    let percent = COLLECTED as f32 + part * (RENDERED - COLLECTED) as f32;
                    done.store(percent as u32, Ordering::Relaxed);
                    !cancelled.load(Ordering::Relaxed)
                })
            }
        });
        // A panic fails the export.
        let rendered = loop {
            tokio::select! {
                rendered = &mut rendering => break rendered.map_err(|error| failed(error.into()))?,
                interrupted = context.interrupted() => {
                    cancelled.store(true, Ordering::Relaxed);
                    return Err(interrupted);
                }
                () = tokio::time::sleep(PROGRESS_INTERVAL) => {
                    context.report(percent(done.load(Ordering::Relaxed)));
                }
            }
        };
        let Rendered { bytes, note } = rendered.map_err(failed)?;
        let nearly = percent(RENDERED);
        context.report(nearly);
        // If another process has taken the export over, it writes the file.
        require_lease(self.store.renew(lease, nearly).await?)?;
        let (to, own) = (path.clone(), self.data.exports());
        let written = tokio::task::spawn_blocking(move || {
            if let Some(folder) = to.parent().filter(|folder| folder.starts_with(&own)) {
                fs::create_dir_all(folder)?;
            }
            let sha256 = hex(&Sha256::digest(&bytes));
            match write_file(&bytes, &to, id, parameters.replace) {
                // A process that was killed had written it, but not yet said so.
                Err(error)
                    if ErrorCode::of(&error) == ErrorCode::AlreadyExists
                        && hash_of(&to).is_ok_and(|there| there == sha256) => {}
                written => written?,
            }
            Ok::<_, anyhow::Error>(sha256)
        });
        let sha256 = written.await.map_err(|error| failed(error.into()))?.map_err(failed)?;
        let file = ExportedFile { path: path.to_string_lossy().into_owned(), sha256, passages, note };
        self.finish_made_export(&export, lease, &file).await
    }

    /// Completes an export whose file is written.
    async fn finish_made_export(
        &self,
        export: &ExportJob,
        lease: Lease,
        file: &ExportedFile,
    ) -> Result<(), TaskError> {
        require_lease(self.store.finish_export(lease, file).await?.is_some())?;
        if let Some(batch) = export.batch_id {
            self.end_batch_if_complete(batch).await?;
        }
        Ok(())
    }

    /// Renders a document. Blocks.
    fn render_export(
        &self,
        job: &Job,
        format: &Format,
        document: &Document,
        options: &ExportOptions,
        progress: &(dyn Fn(f32) -> bool + Sync),
    ) -> Result<Rendered> {
        let uses = |option| format.options.contains(&option);
        let settings = self.export_settings()?;
        let logo = match settings.logo.as_deref() {
            Some(path) if options.logo && uses(OptionName::Logo) => Some(read_logo(path)?),
            _ => None,
        };
        let (audio, no_audio) = match options.audio && uses(OptionName::Audio) {
            true => self.embeddable_audio(job),
            false => (None, None),
        };
        let resources = Resources {
            fonts: &self.resources.fonts(),
            logo: logo.as_deref(),
            audio: audio
                .as_ref()
                .map(|(bytes, media_type)| export::Audio { media_type, bytes: bytes.as_slice() }),
            progress,
        };
        let mut rendered = format.render(document, options, &resources).map_err(|error| match error {
            ExportError::LogoDamaged { .. } => user_error(ErrorCode::NotOffered, error.to_string()),
            other => other.into(),
        })?;
        let notes: Vec<String> = rendered.note.into_iter().chain(no_audio).collect();
        rendered.note = (!notes.is_empty()).then(|| notes.join(" "));
        Ok(rendered)
    }

    /// The sound of a meeting for a browser, or why there is none.
    fn embeddable_audio(&self, job: &Job) -> (Option<(Vec<u8>, &'static str)>, Option<String>) {
        let without = |why: &str| (None, Some(format!("The file has no sound: {why}.")));
        let Some(folder) = self.library.recording_folder(job) else {
            return without("the recording is on another computer");
        };
        let Some(media_type) = browser_media_type(folder.audio()) else {
            return without("browsers do not play this kind of recording");
        };
        match fs::metadata(folder.audio()) {
            Ok(found) if found.len() > MAX_AUDIO_BYTES => {
                without("the recording is larger than 200 MB; open it beside the file")
            }
            Ok(_) => match fs::read(folder.audio()) {
                Ok(bytes) => (Some((bytes, media_type)), None),
                Err(error) => without(&format!("the recording could not be read ({error})")),
            },
            Err(_) => without("the recording is no longer in the library"),
        }
    }

    /// The transcript of a meeting, or a part of it, as text for the clipboard.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`], [`ErrorCode::NoTranscript`].
    pub async fn transcript_text(&self, id: JobId, request: &CopyRequest) -> Result<String> {
        let mut document = self.document_of(&self.stored_job(id).await?).await?;
        if let Some((start, end)) = request.span {
            document.segments.retain(|segment| {
                let from = segment.segment.span.start.as_ms();
                start <= from && from < end.max(start + 1)
            });
        }
        if document.segments.is_empty() {
            let why = format!("“{}” has no words to copy yet.", document.title);
            return Err(user_error(ErrorCode::NoTranscript, why));
        }
        let times = if request.times { Times::Segment } else { Times::None };
        let options = ExportOptions { times, ..self.default_export_options() };
        Ok(match request.markdown {
            true => export::markdown_passages(&document, &options),
            false => export::text_passages(&document, &options),
        })
    }
}

/// The options that an export is made with; for those of earlier versions the default.
fn stored_options(export: &ExportJob) -> Result<ExportOptions> {
    match export.options.clone() {
        Some(options) => serde_json::from_value(options).context("the options of this export are damaged"),
        None => Ok(ExportOptions::default()),
    }
}

/// Progress of an export.
fn percent(done: u32) -> TaskProgress {
    TaskProgress { done: done.into(), total: Some(100), ..TaskProgress::default() }
}

/// The content of a logo. Blocks.
fn read_logo(path: &Path) -> Result<Vec<u8>> {
    let unusable = |why: String| {
        user_error(ErrorCode::NotOffered, format!("The logo {} cannot be used: {why}.", shown_path(path)))
    };
    let bytes = fs::metadata(path).map_err(|error| unusable(error.to_string()))?.len();
    if bytes > MAX_LOGO_BYTES {
        return Err(unusable("it is larger than 10 MB".to_owned()));
    }
    fs::read(path).map_err(|error| unusable(error.to_string()))
}

/// The media type of a recording that browsers play; by the first bytes of the file.
fn browser_media_type(path: &Path) -> Option<&'static str> {
    use std::io::Read;
    let mut start = [0; 12];
    fs::File::open(path).ok()?.read_exact(&mut start).ok()?;
    match &start {
        [b'R', b'I', b'F', b'F', .., b'W', b'A', b'V', b'E'] => Some("audio/wav"),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => Some("audio/mp4"),
        [b'O', b'g', b'g', b'S', ..] => Some("audio/ogg"),
        [b'f', b'L', b'a', b'C', ..] => Some("audio/flac"),
        [b'I', b'D', b'3', ..] | [0xFF, 0xE0..=0xFF, ..] => Some("audio/mpeg"),
        [0x1A, 0x45, 0xDF, 0xA3, ..] => Some("audio/webm"),
        _ => None,
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
        assert_eq!(ErrorCode::of(&export_format("exe").unwrap_err()), ErrorCode::NotOffered);
        assert_eq!(export_format("pdf_transcript").unwrap().extension, "pdf");
    }
}
