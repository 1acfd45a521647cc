//! The task that makes the file of an export: it collects the content, renders it with progress, and writes it.

use super::file::write_file;
use super::formats::export_format;
use super::stored_options;
use crate::App;
use crate::file_names::shown_path;
use crate::import::hash::{hash_of, hex};
use crate::tasks::{TaskContext, TaskError, TaskHandler, require_lease};
use crate::user_error::{ErrorCode, user_error};
use anyhow::{Context, Result};
use export::{
    BUNDLE, Document, ExportError, ExportOptions, Format, Needs, OptionName, Passages, Rendered, Resources,
};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;
use store::{Claim, ExportJob, ExportedFile, Job, Lease, TaskKind, TaskProgress};

/// The largest logo, in bytes.
const MAX_LOGO_BYTES: u64 = 10 * 1024 * 1024;
/// The largest recording that is put into a file, in bytes.
const MAX_AUDIO_BYTES: u64 = 200 * 1024 * 1024;
/// How often the progress of rendering is reported.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);
/// Percent that collecting the content takes.
const COLLECTED: u32 = 10;
/// Percent when the file is rendered; writing it takes the rest.
const RENDERED: u32 = 90;

/// Parameters of an export's task.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Parameters {
    /// Whether an existing file may be replaced.
    pub(super) replace: bool,
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

impl App {
    /// Makes the file of a claimed export.
    async fn make_export(&self, claim: &Claim, mut context: TaskContext) -> Result<(), TaskError> {
        let Some(export) = self.store.export(claim.lease.export()?).await? else {
            return Err(TaskError::Failed("The row of this export is gone.".to_owned()));
        };
        let format = export_format(&export.export_type).map_err(failed)?;
        let options = stored_options(&export).map_err(failed)?;
        if format.needs == Needs::Summary {
            self.ensure_summary(claim.job.id).await.map_err(failed)?;
        }
        let document = self.document_of(&claim.job).await.map_err(failed)?;
        if format.needs == Needs::Speakers && document.speakers.is_empty() {
            let why = format!("The speakers of “{}” have not been detected yet.", document.title);
            return Err(failed(user_error(ErrorCode::NoTranscript, why)));
        }
        let passages = Passages::of(&document, &options).to_bytes();
        context.report(percent(COLLECTED));
        let (sha256, note) = if format.key == BUNDLE {
            (self.make_bundle(claim, &export, &document, &options).await?, None)
        } else {
            let rendered = self.render_in_background(claim, format, document, options, &mut context).await?;
            (self.write_rendered(claim, &export, rendered.bytes, &context).await?, rendered.note)
        };
        let path = export.file_path.clone().unwrap_or_default();
        let file = ExportedFile { path, sha256, passages, note };
        self.finish_made_export(&export, claim.lease, &file).await
    }

    /// Makes a bundle; the SHA-256 of the file.
    async fn make_bundle(
        &self,
        claim: &Claim,
        export: &ExportJob,
        document: &Document,
        options: &ExportOptions,
    ) -> Result<String, TaskError> {
        let (path, replace) = (path_of(export)?, parameters(claim).replace);
        self.write_bundle(&claim.job, document, options, &path, export.id, replace).await.map_err(failed)?;
        let hashed = tokio::task::spawn_blocking(move || hash_of(&path));
        hashed.await.map_err(|error| failed(error.into()))?.map_err(|error| failed(error.into()))
    }

    /// Renders a document on a thread of its own and reports the progress.
    async fn render_in_background(
        &self,
        claim: &Claim,
        format: &'static Format,
        document: Document,
        options: ExportOptions,
        context: &mut TaskContext,
    ) -> Result<Rendered, TaskError> {
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
        let rendered = loop {
            tokio::select! {
                rendered = &mut rendering => break rendered,
                interrupted = context.interrupted() => {
                    cancelled.store(true, Ordering::Relaxed);
                    return Err(interrupted);
                }
                () = tokio::time::sleep(PROGRESS_INTERVAL) => {
                    context.report(percent(done.load(Ordering::Relaxed)));
                }
            }
        };
        // A panic fails the export.
        rendered.map_err(|error| failed(error.into()))?.map_err(failed)
    }

    /// Writes a rendered file to its place; its SHA-256.
    async fn write_rendered(
        &self,
        claim: &Claim,
        export: &ExportJob,
        bytes: Vec<u8>,
        context: &TaskContext,
    ) -> Result<String, TaskError> {
        let nearly = percent(RENDERED);
        context.report(nearly);
        // If another process has taken the export over, that process writes the file.
        require_lease(self.store.renew(claim.lease, nearly).await?)?;
        let (id, to, own) = (export.id, path_of(export)?, self.data.exports());
        let replace = parameters(claim).replace;
        let written = tokio::task::spawn_blocking(move || {
            if let Some(folder) = to.parent().filter(|folder| folder.starts_with(&own)) {
                fs::create_dir_all(folder)?;
            }
            let sha256 = hex(&Sha256::digest(&bytes));
            match write_file(&bytes, &to, id, replace) {
                // A process that was killed had written the file before it could complete the export.
                Err(error)
                    if ErrorCode::of(&error) == ErrorCode::AlreadyExists
                        && hash_of(&to).is_ok_and(|there| there == sha256) => {}
                written => written?,
            }
            Ok::<_, anyhow::Error>(sha256)
        });
        written.await.map_err(|error| failed(error.into()))?.map_err(failed)
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
    pub(super) fn render_export(
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
}

/// Progress of an export.
fn percent(done: u32) -> TaskProgress {
    TaskProgress { done: done.into(), total: Some(100), ..TaskProgress::default() }
}

/// The content of a logo. Blocks.
pub(super) fn read_logo(path: &Path) -> Result<Vec<u8>> {
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

/// The parameters of an export's task.
fn parameters(claim: &Claim) -> Parameters {
    serde_json::from_value(claim.parameters.clone()).unwrap_or_default()
}

/// Where the file of an export belongs.
fn path_of(export: &ExportJob) -> Result<PathBuf, TaskError> {
    let path = export.file_path.as_ref().context("an export has no path").map_err(failed)?;
    Ok(PathBuf::from(path))
}

/// If the archive cannot be reached, the export is made later; after any other error it has failed.
fn failed(error: anyhow::Error) -> TaskError {
    match ErrorCode::of(&error) {
        ErrorCode::DatabaseUnreachable => TaskError::Internal(error),
        code => {
            tracing::warn!(?code, "an export failed");
            TaskError::Failed(format!("{error:#}"))
        }
    }
}
