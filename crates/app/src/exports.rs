//! Files that leave the archive. A row says what is wanted; the file is rendered by a pure function, written under a
//! temporary name beside its place, and renamed.

use crate::App;
use crate::archive::not_found;
use crate::languages::language_name;
use crate::names::shown_path;
use crate::refusal::{Code, refuse};
use crate::settings::Paper;
use crate::speakers::Cast;
use crate::tasks::{AtWork, Break, Kind, held};
use crate::view::{ExportView, export_view, recorded_at, title};
use anyhow::{Context, Result, anyhow};
use chrono::Local;
use export::{Document, Facts, Fonts, Line, Run};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use store::{Claim, ExportId, Job, JobId, NewExport, Progress, StoredSegment, TaskKind, Transcript};
use tokio::sync::watch;
use transcript::AudioTime;

/// A pause this long between two lines begins a paragraph.
const PARAGRAPH_PAUSE_MS: u32 = 2_000;
/// A paragraph that has become this long ends at the next line.
const PARAGRAPH_MS: u32 = 60_000;

/// What kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportType {
    /// The words as Markdown.
    MarkdownTranscript,
    /// The words as PDF.
    PdfTranscript,
    /// A summary as Markdown; comes with summaries.
    MarkdownSummary,
    /// A summary as PDF; comes with summaries.
    PdfSummary,
    /// Who speaks when, in the format that tools for diarization read.
    Rttm,
}

impl ExportType {
    const ALL: [Self; 5] =
        [Self::MarkdownTranscript, Self::PdfTranscript, Self::Rttm, Self::MarkdownSummary, Self::PdfSummary];

    /// The words of all kinds, those included that come later.
    pub const WORDS: [&str; 5] = [
        Self::MarkdownTranscript.as_str(),
        Self::PdfTranscript.as_str(),
        Self::Rttm.as_str(),
        Self::MarkdownSummary.as_str(),
        Self::PdfSummary.as_str(),
    ];

    /// The word in the database and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MarkdownTranscript => "markdown_transcript",
            Self::PdfTranscript => "pdf_transcript",
            Self::MarkdownSummary => "markdown_summary",
            Self::PdfSummary => "pdf_summary",
            Self::Rttm => "rttm",
        }
    }

    /// # Errors
    /// [`Code::NotOffered`] for a word that is none, with those there are; [`Code::NotAvailableYet`] for summaries.
    pub fn from_word(word: &str) -> Result<Self> {
        match Self::ALL.into_iter().find(|kind| kind.as_str() == word) {
            Some(Self::MarkdownSummary | Self::PdfSummary) => Err(refuse(
                Code::NotAvailableYet,
                "This version makes no summaries yet. Transcripts can be exported: markdown_transcript, pdf_transcript, rttm.",
            )),
            Some(kind) => Ok(kind),
            None => Err(refuse(
                Code::NotOffered,
                format!("There is no export “{word}”. There are: markdown_transcript, pdf_transcript, rttm."),
            )),
        }
    }

    const fn extension(self) -> &'static str {
        match self {
            Self::MarkdownTranscript | Self::MarkdownSummary => "md",
            Self::PdfTranscript | Self::PdfSummary => "pdf",
            Self::Rttm => "rttm",
        }
    }
}

/// An export that was written down and is made by [`App::run_export`].
#[derive(Debug)]
pub struct WantedExport {
    /// Its id.
    pub id: ExportId,
    claim: Claim,
}

/// What the task of an export says besides its row.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Parameters {
    /// Whether a file that is there may be replaced.
    replace: bool,
}

/// A file is made of a meeting.
pub(crate) struct MakeExport;

impl Kind for MakeExport {
    fn kind(&self) -> TaskKind {
        TaskKind::Export
    }

    fn work<'a>(
        &'a self,
        app: &'a App,
        claim: &'a Claim,
        at_work: AtWork,
    ) -> BoxFuture<'a, Result<(), Break>> {
        Box::pin(async move { app.make_export(claim, &at_work).await })
    }

    fn given_up(&self, times: i32) -> String {
        format!("Making this file was interrupted {times} times. Export the meeting again.")
    }
}

/// A file that is wanted.
#[derive(Debug, Clone)]
pub struct ExportRequest {
    /// What kind.
    pub kind: ExportType,
    /// A file or an existing folder; none: the app's folder of exports.
    pub output: Option<PathBuf>,
    /// Whether a file that is there may be replaced.
    pub replace: bool,
}

impl App {
    /// Writes down that a file of a meeting is wanted; [`App::run_export`] makes it.
    ///
    /// # Errors
    /// [`Code::NoTranscript`], [`Code::AlreadyExists`], besides those of [`App::find`].
    pub async fn create_export(&self, job: JobId, request: &ExportRequest) -> Result<WantedExport> {
        let meeting = self.find(job).await?;
        let shown = self.store.shown_transcript(job).await?;
        if !shown.is_some_and(|version| version.is_complete()) {
            return Err(refuse(
                Code::NoTranscript,
                format!("“{}” has no complete transcript yet, so there is nothing to export.", meeting.title),
            ));
        }
        let name = Self::export_name(&meeting.title, request.kind);
        let (folder, asked) = (self.data.exports(), request.clone());
        let path = tokio::task::spawn_blocking(move || path_for(&asked, &folder, name)).await??;
        let id = ExportId::new();
        let file_path = path.to_str().ok_or_else(|| {
            refuse(
                Code::NotOffered,
                format!("{} has a name that is not Unicode; choose another.", shown_path(&path)),
            )
        })?;
        let new = NewExport {
            id,
            job_id: job,
            export_type: request.kind.as_str().to_owned(),
            file_path: file_path.to_owned(),
            library_id: self.library.id(),
        };
        let parameters = serde_json::to_value(Parameters { replace: request.replace })?;
        let claim = self.store.create_export(&new, &parameters, self.machine).await?;
        Ok(WantedExport { id, claim: claim.ok_or_else(|| not_found(&job.to_string()))? })
    }

    /// Makes a wanted file and says how that ended.
    ///
    /// # Errors
    /// Where the archive fails; an export that fails is an [`ExportView`] with its message.
    pub async fn run_export(&self, wanted: WantedExport) -> Result<ExportView> {
        // An export takes seconds. Whoever stops this process in the middle leaves it to a worker.
        let (_running, mut stop) = watch::channel(false);
        self.perform(&MakeExport, &wanted.claim, None, &mut stop).await?;
        self.export_or_gone(wanted.id).await
    }

    async fn export_or_gone(&self, id: ExportId) -> Result<ExportView> {
        self.export(id).await?.ok_or_else(|| {
            refuse(Code::NotFound, "There is no such export. Its meeting may have been deleted meanwhile.")
        })
    }

    /// An export as it stands.
    ///
    /// # Errors
    /// Where the archive fails.
    pub async fn export(&self, id: ExportId) -> Result<Option<ExportView>> {
        self.store.export(id).await?.map(export_view).transpose()
    }

    /// A name for a file of this kind with the words of the meeting `title`.
    pub fn export_name(title: &str, kind: ExportType) -> String {
        format!("{}.{}", export::file_stem(title), kind.extension())
    }

    /// Makes the file of a claimed export.
    async fn make_export(&self, claim: &Claim, at_work: &AtWork) -> Result<(), Break> {
        let lease = claim.lease;
        let parameters: Parameters = serde_json::from_value(claim.parameters.clone()).unwrap_or_default();
        let export = self.store.export(lease.export()?).await?.ok_or(Break::LeaseLost)?;
        let id = export.id;
        let failed = |error: anyhow::Error| {
            tracing::warn!(%id, code = ?Code::of(&error), "an export failed");
            Break::Failed(format!("{error:#}"))
        };
        let kind = ExportType::from_word(&export.export_type).map_err(failed)?;
        let path = PathBuf::from(export.file_path.context("an export has a path").map_err(failed)?);
        let document = self.document_of(&claim.job, kind).await?.map_err(failed)?;
        at_work.tell(Progress { done: 30, total: Some(100), ..Progress::default() });
        let (fonts, paper) = (self.resources.fonts(), self.settings.paper);
        let rendered = tokio::task::spawn_blocking(move || render(kind, &document, &fonts, paper)).await?;
        let Rendered { bytes, note } = rendered.map_err(failed)?;
        // Not over the file of another process that makes the export by now.
        held(self.store.renew(lease, Progress { done: 80, total: Some(100), ..Progress::default() }).await?)?;
        let to = path.clone();
        tokio::task::spawn_blocking(move || put(&bytes, &to, id, parameters.replace))
            .await?
            .map_err(failed)?;
        let finished = self.store.finish_export(lease, &path.to_string_lossy(), note.as_deref()).await?;
        held(finished.is_some())
    }

    /// What a file of this kind says of a meeting.
    async fn document_of(&self, job: &Job, kind: ExportType) -> Result<Result<Document>, Break> {
        let Some(version) = self.store.shown_transcript(job.id).await? else {
            return Ok(Err(anyhow!("“{}” has no transcript", title(job))));
        };
        let lines = self.store.segments(version.id).await?;
        let cast = Cast::of(self.store.speakers(job.id).await?);
        if kind == ExportType::Rttm && cast.is_empty() {
            return Ok(Err(refuse(
                Code::NoTranscript,
                format!("The speakers of “{}” have not been told apart yet.", title(job)),
            )));
        }
        Ok(Ok(document(job, &version, self.room.title(&version.model), lines, &cast)))
    }
}

struct Rendered {
    bytes: Vec<u8>,
    note: Option<String>,
}

fn render(kind: ExportType, document: &Document, fonts: &Path, paper: Paper) -> Result<Rendered> {
    if kind == ExportType::Rttm {
        return Ok(Rendered { bytes: export::rttm(document).into_bytes(), note: None });
    }
    if matches!(kind, ExportType::MarkdownTranscript | ExportType::MarkdownSummary) {
        return Ok(Rendered { bytes: export::markdown(document).into_bytes(), note: None });
    }
    let paper = match paper {
        Paper::A4 => export::Paper::A4,
        Paper::Letter => export::Paper::Letter,
    };
    let pdf = export::pdf(document, &Fonts::load(fonts)?, paper)?;
    let missing: Vec<String> = pdf.missing.iter().map(|c| format!("{c} (U+{:04X})", u32::from(*c))).collect();
    let note = (!missing.is_empty()).then(|| {
        format!("No font here has these characters, they are marked in the PDF: {}.", missing.join(", "))
    });
    Ok(Rendered { bytes: pdf.bytes, note })
}

fn document(
    job: &Job,
    version: &Transcript,
    model_title: String,
    lines: Vec<StoredSegment>,
    cast: &Cast,
) -> Document {
    Document {
        title: title(job),
        facts: Facts {
            file_name: job.file_name.clone(),
            recorded_at: recorded_at(job),
            duration: job.duration_ms.and_then(|ms| u32::try_from(ms).ok()).map(AudioTime::from_ms),
            language: version.language.as_deref().map(language_name),
            speakers: cast.names(),
            engine: Some(model_title),
            notes: job.media_note.iter().cloned().collect(),
        },
        runs: paragraphs(lines, cast),
        turns: cast.spoken(),
        exported_at: Local::now().fixed_offset(),
    }
}

/// Lines as paragraphs: a new one where another one speaks, after a pause, and when one has become long. The name stands
/// above the first of a speaker, and those of others who speak at the same time behind the line.
fn paragraphs(lines: Vec<StoredSegment>, cast: &Cast) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut last_end = AudioTime::ZERO;
    let mut before = None;
    for StoredSegment { segment, speaker, .. } in lines {
        let also: Vec<String> =
            cast.also(segment.span, speaker).into_iter().map(|other| cast.name(Some(other))).collect();
        let text = if also.is_empty() {
            segment.text
        } else {
            format!("{} (also {})", segment.text, also.join(", "))
        };
        let line = Line { start: segment.span.start, text };
        let speaker = speaker.and_then(|id| cast.shown(id)).map(|speaker| speaker.id);
        let changes = !cast.is_empty() && (runs.is_empty() || before != speaker);
        match runs.last_mut() {
            Some(run)
                if !changes
                    && line.start.since(last_end) < PARAGRAPH_PAUSE_MS
                    && line.start.since(run.start) < PARAGRAPH_MS =>
            {
                run.lines.push(line);
            }
            _ => {
                let name = changes.then(|| cast.name(speaker));
                runs.push(Run { speaker: name, start: line.start, lines: vec![line] });
            }
        }
        before = speaker;
        last_end = segment.span.end;
    }
    runs
}

/// Writes `bytes` to a temporary file beside `path`, syncs it, and gives it its name; without `replace` only if that
/// name is still free.
fn put(bytes: &[u8], path: &Path, id: ExportId, replace: bool) -> Result<()> {
    refuse_special(path)?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    let draft = folder.join(format!(".meetmemo-{id}.part"));
    let written = (|| {
        let mut file = File::create(&draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        if replace { fs::rename(&draft, path) } else { rename_to_free(&draft, path) }
    })();
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    match written {
        Ok(()) => Ok(()),
        Err(error) => Err(match error.kind() {
            ErrorKind::AlreadyExists => already_exists(path),
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => refuse(
                Code::DiskFull,
                format!("{} could not be written: the disk is full.", shown_path(path)),
            ),
            ErrorKind::NotFound => refuse(
                Code::Other,
                format!(
                    "{} could not be written: there is no folder {}.",
                    shown_path(path),
                    shown_path(folder)
                ),
            ),
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => refuse(
                Code::Other,
                format!("{} could not be written: it is not allowed there.", shown_path(path)),
            ),
            _ => anyhow::Error::from(error).context(format!("{} could not be written", shown_path(path))),
        }),
    }
}

/// Refuses what is no file and would be lost if one took its place: a device, a pipe, a socket, and the names of the
/// system for streams, such as `/dev/stdout`, whatever they lead to.
fn refuse_special(path: &Path) -> Result<()> {
    let special = fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir());
    let stream =
        || path.starts_with("/dev") && fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
    if special || path.starts_with("/proc") || stream() {
        return Err(refuse(
            Code::NotOffered,
            format!(
                "{} is a device or a pipe, not a file, so the export was not written there. Choose the name of a file.",
                shown_path(path)
            ),
        ));
    }
    Ok(())
}

/// A link fails where the name is taken, unlike a rename.
fn rename_to_free(draft: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(draft, path) {
        Ok(()) => fs::remove_file(draft),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(error),
        // A file system without hard links.
        Err(_) if path.exists() => Err(ErrorKind::AlreadyExists.into()),
        Err(_) => fs::rename(draft, path),
    }
}

fn already_exists(path: &Path) -> anyhow::Error {
    refuse(
        Code::AlreadyExists,
        format!("{} exists already. Choose another name, or replace it with --force.", shown_path(path)),
    )
}

/// Where a file called `name` goes: into `own`, the folder of exports, if nothing else was asked for.
fn path_for(request: &ExportRequest, own: &Path, name: String) -> Result<PathBuf> {
    let path = match &request.output {
        None => free_name(own, &name),
        Some(output) => {
            let output = std::path::absolute(output)
                .with_context(|| format!("{} is not a path to write to", shown_path(output)))?;
            if output.is_dir() { output.join(name) } else { output }
        }
    };
    refuse_special(&path)?;
    if !request.replace && path.exists() {
        return Err(already_exists(&path));
    }
    Ok(path)
}

/// `name` in `folder`, with a number if it is taken.
fn free_name(folder: &Path, name: &str) -> PathBuf {
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    std::iter::once(folder.join(name))
        .chain((2..).map(|number| folder.join(format!("{stem} ({number}).{extension}"))))
        .find(|path| !path.exists())
        .expect("the numbers do not end")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn a_device_or_pipe_is_never_replaced_by_a_file() {
        use std::os::unix::net::UnixListener;
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("socket");
        let _listens = UnixListener::bind(&socket).unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink("/dev/null", &link).unwrap();
        for path in [socket.as_path(), &link, Path::new("/dev/stdout"), Path::new("/proc/self/fd/1")] {
            let refused = put(b"words", path, ExportId::new(), true).unwrap_err().to_string();
            assert!(
                refused.contains("not a file") && refused.contains(&*path.to_string_lossy()),
                "{refused}"
            );
            assert!(!path.is_file() || path.starts_with("/dev") || path.starts_with("/proc"));
        }
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "no draft is left");
    }

    #[test]
    fn a_file_that_is_there_is_replaced_only_when_asked() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.md");
        put(b"one", &path, ExportId::new(), false).unwrap();
        let refused = put(b"two", &path, ExportId::new(), false).unwrap_err();
        assert_eq!(Code::of(&refused), Code::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        put(b"two", &path, ExportId::new(), true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn a_missing_folder_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let error = put(b"", &dir.path().join("no/a.md"), ExportId::new(), false).unwrap_err();
        assert!(error.to_string().contains("there is no folder"), "{error}");
    }

    #[test]
    fn names_in_our_own_folder_get_a_number() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.md"), "").unwrap();
        assert_eq!(free_name(dir.path(), "a.md"), dir.path().join("a (2).md"));
    }

    #[test]
    fn kinds_that_come_later_are_refused_with_their_own_code() {
        assert_eq!(Code::of(&ExportType::from_word("pdf_summary").unwrap_err()), Code::NotAvailableYet);
        assert_eq!(Code::of(&ExportType::from_word("docx").unwrap_err()), Code::NotOffered);
        assert_eq!(ExportType::from_word("pdf_transcript").unwrap(), ExportType::PdfTranscript);
    }
}
