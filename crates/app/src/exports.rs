//! Files that leave the archive. A row says what is wanted; the file is rendered by a pure function, written under a
//! temporary name beside its place, and renamed.

use crate::App;
use crate::archive::not_found;
use crate::archive::shown::{recorded_at, title};
use crate::archive::view::JobStatus;
use crate::languages::language_name;
use crate::names::shown_path;
use crate::refusal::{Code, refuse};
use crate::settings::Paper;
use crate::speakers::cast::Cast;
use crate::tasks::{AtWork, Break, Kind, held};
use anyhow::{Context, Result};
use chrono::Local;
use export::{Document, FORMATS, Facts, Format, Needs, Rendered, Segment, Setting};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use store::{
    Claim, ExportId, ExportJob, Job, JobId, NewExport, Progress, SpeakerId, StoredSegment, TaskKind,
};
use tokio::sync::watch;
use transcript::AudioTime;

/// The words of files that come with summaries.
const COMING: [&str; 2] = ["markdown_summary", "pdf_summary"];

/// The words of all formats, those included that come later.
pub fn export_words() -> Vec<&'static str> {
    FORMATS.iter().map(|format| format.word).chain(COMING).collect()
}

/// The format of this word.
///
/// # Errors
/// [`Code::NotOffered`] for an unknown word; the message lists the formats. [`Code::NotAvailableYet`] for summaries.
pub fn export_format(word: &str) -> Result<&'static Format> {
    Format::of(word).ok_or_else(|| {
        let words: Vec<_> = FORMATS.iter().map(|format| format.word).collect();
        let there_are = words.join(", ");
        match COMING.contains(&word) {
            true => refuse(
                Code::NotAvailableYet,
                format!("This version makes no summaries yet. Transcripts can be exported: {there_are}."),
            ),
            false => {
                refuse(Code::NotOffered, format!("There is no export “{word}”. There are: {there_are}."))
            }
        }
    })
}

/// A file that was or is to be made of a meeting.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ExportView {
    /// UUID.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub export_id: ExportId,
    /// What kind of file.
    #[serde(rename = "type")]
    pub kind: String,
    /// How it stands.
    pub status: JobStatus,
    /// Where it is.
    pub path: Option<String>,
    /// 0 to 100.
    pub progress: i32,
    /// Why there is none.
    pub error_message: Option<String>,
    /// What the user should know of it.
    pub note: Option<String>,
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
    pub format: &'static Format,
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
        let name = request.format.file_name(&meeting.title);
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
            export_type: request.format.word.to_owned(),
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
        // An export takes seconds, so nothing stops it here. If this process is killed, a worker takes the export over.
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

    /// Makes the file of a claimed export.
    async fn make_export(&self, claim: &Claim, at_work: &AtWork) -> Result<(), Break> {
        let lease = claim.lease;
        let parameters: Parameters = serde_json::from_value(claim.parameters.clone()).unwrap_or_default();
        let Some(export) = self.store.export(lease.export()?).await? else {
            return Err(Break::Failed("The row of this export is gone.".to_owned()));
        };
        let id = export.id;
        let failed = |error: anyhow::Error| {
            tracing::warn!(%id, code = ?Code::of(&error), "an export failed");
            Break::Failed(format!("{error:#}"))
        };
        let format = export_format(&export.export_type).map_err(failed)?;
        let path = PathBuf::from(export.file_path.context("an export has a path").map_err(failed)?);
        let document = self.document_of(&claim.job).await.map_err(or_again(&failed))?;
        if format.needs == Needs::Speakers && document.speakers.is_empty() {
            let why = format!("The speakers of “{}” have not been told apart yet.", document.title);
            return Err(failed(refuse(Code::NoTranscript, why)));
        }
        at_work.tell(Progress { done: 30, total: Some(100), ..Progress::default() });
        let (fonts, paper) = (self.resources.fonts(), self.settings.paper);
        let rendered = tokio::task::spawn_blocking(move || {
            let paper = match paper {
                Paper::A4 => export::Paper::A4,
                Paper::Letter => export::Paper::Letter,
            };
            format.render(&document, &Setting { fonts: &fonts, paper })
        });
        // A panic in it is its failure, not that of the archive.
        let rendered = rendered.await.map_err(|error| failed(error.into()))?;
        let Rendered { bytes, note } = rendered.map_err(|error| failed(error.into()))?;
        // Not over the file of another process that makes the export by now.
        let nearly = Progress { done: 80, total: Some(100), ..Progress::default() };
        at_work.tell(nearly);
        held(self.store.renew(lease, nearly).await?)?;
        let to = path.clone();
        let put = tokio::task::spawn_blocking(move || put(&bytes, &to, id, parameters.replace));
        put.await.map_err(|error| failed(error.into()))?.map_err(failed)?;
        let finished = self.store.finish_export(lease, &path.to_string_lossy(), note.as_deref()).await?;
        held(finished.is_some())
    }

    /// The words of a meeting as text to be copied.
    ///
    /// # Errors
    /// [`Code::NotFound`], [`Code::NoTranscript`].
    pub async fn transcript_text(&self, id: JobId) -> Result<String> {
        let document = self.document_of(&self.stored_job(id).await?).await?;
        if document.segments.is_empty() {
            let why = format!("“{}” has no words to copy yet.", document.title);
            return Err(refuse(Code::NoTranscript, why));
        }
        let format = export_format("text_transcript")?;
        let setting = Setting { fonts: &self.resources.fonts(), paper: export::Paper::A4 };
        Ok(String::from_utf8(format.render(&document, &setting)?.bytes)?)
    }

    /// All that is known of a meeting; without segments if it has no words.
    async fn document_of(&self, job: &Job) -> Result<Document> {
        let version = self.store.shown_transcript(job.id).await?;
        let lines = match &version {
            Some(version) => self.store.segments(version.id).await?,
            None => Vec::new(),
        };
        let cast = Cast::of(self.store.speakers(job.id).await?);
        let places: HashMap<SpeakerId, usize> =
            cast.shown_ones().enumerate().map(|(place, speaker)| (speaker.id, place)).collect();
        let place = |id: SpeakerId| cast.shown(id).and_then(|speaker| places.get(&speaker.id).copied());
        let segment = |StoredSegment { segment, speaker, .. }| {
            let others = cast.also(segment.span, speaker);
            let also = others.into_iter().filter_map(|other| places.get(&other).copied()).collect();
            Segment { speaker: speaker.and_then(place), also, line: segment }
        };
        let turns = cast.shown_turns().iter().filter_map(|turn| Some((turn.span, place(turn.speaker)?)));
        Ok(Document {
            title: title(job),
            facts: Facts {
                file_name: job.file_name.clone(),
                recorded_at: recorded_at(job),
                duration: job.duration_ms.and_then(|ms| u32::try_from(ms).ok()).map(AudioTime::from_ms),
                language: version.as_ref().and_then(|version| version.language.as_deref().map(language_name)),
                engine: version.as_ref().map(|version| self.room.title(&version.model)),
                notes: job.media_note.iter().cloned().collect(),
            },
            speakers: cast
                .shown_ones()
                .map(|speaker| export::Speaker { id: speaker.id.to_string(), name: Cast::name_of(speaker) })
                .collect(),
            segments: lines.into_iter().map(segment).collect(),
            turns: turns.collect(),
            exported_at: Local::now().fixed_offset(),
        })
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

/// An export whose archive cannot be reached is made later; with any other fault it has failed.
fn or_again(failed: impl Fn(anyhow::Error) -> Break) -> impl Fn(anyhow::Error) -> Break {
    move |error| match Code::of(&error) {
        Code::DatabaseUnreachable => Break::Broken(error),
        _ => failed(error),
    }
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
    fn formats_that_come_later_are_refused_with_their_own_code() {
        assert_eq!(Code::of(&export_format("pdf_summary").unwrap_err()), Code::NotAvailableYet);
        assert_eq!(Code::of(&export_format("docx").unwrap_err()), Code::NotOffered);
        assert_eq!(export_format("pdf_transcript").unwrap().extension, "pdf");
    }
}
