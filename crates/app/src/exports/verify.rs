//! The check of an exported file: whether the file is as it was written, and whether the transcript is as it was exported.
//!
//! A file with a receipt (`export::read_receipt`) names its meeting. Of a file without one, `export_jobs` knows the
//! SHA-256. What the file contained is known from `export_jobs`, or from the version of the transcript that the receipt
//! names, if it is still here.

use crate::App;
use crate::archive::to_view::title;
use crate::file_names::shown_path;
use crate::import::hash::hex;
use crate::user_error::{ErrorCode, user_error};
use anyhow::Result;
use export::{Document, ExportOptions, Passages, Receipt, read_receipt};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use store::{ExportJob, Job, JobId};
use transcript::Span;

/// Larger files are not exports.
const MAX_BYTES: u64 = 512 * 1024 * 1024;

/// The result of checking an exported file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum ExportState {
    /// File and transcript are as they were.
    Unchanged,
    /// The file is as it was written; the transcript has changed since.
    Corrected,
    /// The file is as it was written; its meeting is not in the archive.
    Gone,
    /// The file was changed after it was written.
    Altered,
    /// It cannot be told: the file has no receipt, and this archive did not write it.
    Unknown,
}

/// What is known of an exported file.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct VerifiedExport {
    /// The result.
    pub state: ExportState,
    /// The same as a sentence.
    pub message: String,
    /// The meeting it was made of, if that is in the archive: UUID.
    #[cfg_attr(feature = "specta", specta(type = Option<String>))]
    pub job_id: Option<JobId>,
    /// The title of that meeting.
    pub title: Option<String>,
    /// The day of the export: `2025-03-14`.
    pub exported_on: Option<String>,
    /// The passages that have changed since, as they are now. Empty if that cannot be told.
    pub passages: Vec<ChangedPassage>,
}

/// A passage of a transcript that has changed since an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ChangedPassage {
    /// Milliseconds.
    pub start_ms: u32,
    /// Milliseconds.
    pub end_ms: u32,
    /// Who says it now.
    pub speaker: Option<String>,
    /// What is said there now; empty if nothing is.
    pub text: String,
}

/// What a file says, or the archive knows, about its content.
struct Origin {
    job: JobId,
    exported_on: Option<String>,
    /// SHA-256 of the passages.
    passages_sha256: String,
    /// Whether the passages include the speakers.
    speakers: bool,
    /// The version of the transcript, if a receipt names it.
    version_id: Option<String>,
}

impl App {
    /// Compares an exported file with what was written and with the archive.
    ///
    /// # Errors
    /// If the file cannot be read, or the archive cannot be reached.
    pub async fn verify_export(&self, path: &Path) -> Result<VerifiedExport> {
        let path = std::path::absolute(path)?;
        let bytes = tokio::task::spawn_blocking({
            let path = path.clone();
            move || read(&path)
        })
        .await??;
        let (receipt, sha256) =
            tokio::task::spawn_blocking(move || (read_receipt(&bytes), hex(&Sha256::digest(&bytes)))).await?;
        if let Some(found) = receipt {
            let origin = Origin::of_receipt(&found.receipt);
            return match (origin, found.intact) {
                (Some(origin), true) => self.compare(&origin).await,
                (origin, _) => self.altered(origin.map(|origin| origin.job)).await,
            };
        }
        if let Some(export) = self.store.export_of_file(&sha256).await? {
            return match self.origin_of(&export).await? {
                Some(origin) => self.compare(&origin).await,
                None => Ok(unknown(&path)),
            };
        }
        let here = path.to_str().map(|path| self.store.export_at(self.library.id(), path));
        match here {
            Some(export) => match export.await? {
                Some(export) => self.altered(Some(export.job_id)).await,
                None => Ok(unknown(&path)),
            },
            None => Ok(unknown(&path)),
        }
    }

    /// What `export_jobs` knows of the content of an export; `None` if it knows nothing.
    async fn origin_of(&self, export: &ExportJob) -> Result<Option<Origin>> {
        let Some(passages) = self.store.passages_of_export(export.id).await? else { return Ok(None) };
        Ok(Some(Origin {
            job: export.job_id,
            exported_on: Some(
                export.created_at.and_utc().with_timezone(&chrono::Local).date_naive().to_string(),
            ),
            passages_sha256: hex(&Sha256::digest(&passages)),
            speakers: super::stored_options(export)?.speakers,
            version_id: None,
        }))
    }

    /// Compares the content of an intact file with the archive.
    async fn compare(&self, origin: &Origin) -> Result<VerifiedExport> {
        let Some(job) = self.store.job(origin.job).await? else {
            return Ok(VerifiedExport {
                state: ExportState::Gone,
                message: "This file is as it was exported. Its recording is not in this archive: it was deleted, or the file comes from another archive.".to_owned(),
                job_id: None,
                title: None,
                exported_on: origin.exported_on.clone(),
                passages: Vec::new(),
            });
        };
        let verified = |state, message: String, passages| VerifiedExport {
            state,
            message,
            job_id: Some(job.id),
            title: Some(title(&job)),
            exported_on: origin.exported_on.clone(),
            passages,
        };
        if job.trashed_at.is_some() {
            let message = format!("This file is as it was exported. “{}” is in the trash.", title(&job));
            return Ok(verified(ExportState::Gone, message, Vec::new()));
        }
        let options = ExportOptions { speakers: origin.speakers, ..ExportOptions::default() };
        let document = self.document_of(&job).await?;
        let now = Passages::of(&document, &options);
        if now.sha256() == origin.passages_sha256 {
            let message =
                format!("This file is as it was exported, and so is the transcript of “{}”.", title(&job));
            return Ok(verified(ExportState::Unchanged, message, Vec::new()));
        }
        let changed = "This file is as it was exported, but the transcript of";
        Ok(match self.exported(origin, &job, &options).await? {
            Some(then) => {
                let passages = changed_passages(&then.changes(&now), &document);
                let number = match passages.len() {
                    1 => "1 passage".to_owned(),
                    number => format!("{number} passages"),
                };
                let message = format!("{changed} “{}” has been corrected since: {number}.", title(&job));
                verified(ExportState::Corrected, message, passages)
            }
            None => {
                let message = format!(
                    "{changed} “{}” has been corrected since. Which passages cannot be told any more.",
                    title(&job)
                );
                verified(ExportState::Corrected, message, Vec::new())
            }
        })
    }

    /// The passages of a file as they were exported; `None` if they are not known any more.
    async fn exported(
        &self,
        origin: &Origin,
        job: &Job,
        options: &ExportOptions,
    ) -> Result<Option<Passages>> {
        let stored = self.store.exported_passages(job.id, &origin.passages_sha256).await?;
        if let Some(passages) = stored.and_then(|bytes| Passages::from_bytes(&bytes)) {
            return Ok(Some(passages));
        }
        let Some(version) = origin.version_id.as_ref().and_then(|id| id.parse().ok()) else {
            return Ok(None);
        };
        let Some(version) = self.store.version(job.id, version).await? else {
            return Ok(None);
        };
        // Speakers may have changed as well; then this is not what was exported.
        let then = Passages::of(&self.document_of_version(job, Some(version)).await?, options);
        Ok((then.sha256() == origin.passages_sha256).then_some(then))
    }

    async fn altered(&self, job: Option<JobId>) -> Result<VerifiedExport> {
        let job = match job {
            Some(id) => self.store.job(id).await?,
            None => None,
        };
        Ok(VerifiedExport {
            state: ExportState::Altered,
            message:
                "This file was changed after it was exported. What it says need not be what was transcribed."
                    .to_owned(),
            title: job.as_ref().map(title),
            job_id: job.map(|job| job.id),
            exported_on: None,
            passages: Vec::new(),
        })
    }
}

impl Origin {
    fn of_receipt(receipt: &Receipt) -> Option<Self> {
        Some(Self {
            job: receipt.meeting_id.parse().ok()?,
            exported_on: Some(receipt.exported_on.to_string()),
            passages_sha256: receipt.passages_sha256.clone(),
            speakers: receipt.speakers,
            version_id: Some(receipt.version_id.clone()),
        })
    }
}

fn unknown(path: &Path) -> VerifiedExport {
    VerifiedExport {
        state: ExportState::Unknown,
        message: format!(
            "It cannot be told where {} comes from: it has no receipt of MeetMemo, and this archive did not write it as it is.",
            shown_path(path)
        ),
        job_id: None,
        title: None,
        exported_on: None,
        passages: Vec::new(),
    }
}

/// What `document` says in each of `spans`.
pub(crate) fn changed_passages(spans: &[Span], document: &Document) -> Vec<ChangedPassage> {
    let passage = |span: &Span| {
        let inside = |segment: &&export::Segment| {
            let (start, end) = (segment.segment.span.start, segment.segment.span.end);
            start < span.end.max(span.start.plus_ms(1)) && end > span.start
        };
        let segments: Vec<_> = document.segments.iter().filter(inside).collect();
        let speaker = segments.first().and_then(|segment| segment.speaker);
        let texts: Vec<&str> = segments.iter().map(|segment| segment.segment.text.as_str()).collect();
        ChangedPassage {
            start_ms: span.start.as_ms(),
            end_ms: span.end.as_ms(),
            speaker: speaker
                .and_then(|index| document.speakers.get(index))
                .map(|speaker| speaker.name.clone()),
            text: texts.join(" "),
        }
    };
    spans.iter().map(passage).collect()
}

/// The content of a file that may be an export. Blocks.
fn read(path: &Path) -> Result<Vec<u8>> {
    let unreadable =
        |why: String| user_error(ErrorCode::Other, format!("{} could not be read: {why}.", shown_path(path)));
    let found = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?;
    if !found.is_file() {
        return Err(unreadable("it is not a file".to_owned()));
    }
    if found.len() > MAX_BYTES {
        return Err(unreadable("it is too large to be an export".to_owned()));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
    file.take(MAX_BYTES).read_to_end(&mut bytes).map_err(|error| unreadable(error.to_string()))?;
    Ok(bytes)
}
