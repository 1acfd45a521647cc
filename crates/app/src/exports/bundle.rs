//! Bundles: one meeting in a ZIP file that people can read and that imports again without loss.
//!
//! ```text
//! transcript.md, transcript.json     the current version, to read
//! SHA256SUMS                         the SHA-256 of every other file, as `sha256sum -c` reads it
//! README.txt, snapshots/, rows/, audio/   the meeting in the layout of a backup (`crate::backup`)
//! ```
//!
//! The rows hold all versions, speakers and edits. An import is a restore of that backup: what is in the archive wins.

use super::file::{sha256_of, write_with};
use super::{ExportOptions, export_format};
use crate::App;
use crate::backup::view::RestoreView;
use crate::backup::{RestoreOptions, meetings_in};
use crate::file_names::shown_path;
use crate::import::import_files::ImportOutcome;
use crate::user_error::{ErrorCode, user_error};
use anyhow::{Context, Result, bail};
use export::{Document, Format};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use store::{ExportId, Job, JobId};
use tokio::sync::watch;
use walkdir::WalkDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// The formats of the readable transcripts in a bundle.
const READABLE: [&str; 2] = ["markdown_transcript", "json"];
/// Files in a bundle that are read. Ours have about ten.
const MAX_ENTRIES: usize = 1_000;
/// A bundle with more bytes than this when unpacked is refused: the largest recordings have some GB.
const MAX_UNPACKED_BYTES: u64 = 200 * 1024 * 1024 * 1024;

impl App {
    /// Writes the bundle of a meeting to `path`.
    pub(super) async fn write_bundle(
        &self,
        job: &Job,
        document: &Document,
        options: &ExportOptions,
        path: &Path,
        id: ExportId,
        replace: bool,
    ) -> Result<()> {
        let work = self.data.exports().join(format!(".bundle-{id}"));
        let written = self.collect_and_pack(job, document, options, path, id, replace, &work).await;
        let removed = tokio::task::spawn_blocking(move || fs::remove_dir_all(work));
        if let Err(error) = removed.await?
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "the files of a bundle were not removed");
        }
        written
    }

    #[allow(clippy::too_many_arguments, reason = "private, and called once")]
    async fn collect_and_pack(
        &self,
        job: &Job,
        document: &Document,
        options: &ExportOptions,
        path: &Path,
        id: ExportId,
        replace: bool,
        work: &Path,
    ) -> Result<()> {
        let backup = self.back_up_meeting(job.id, work).await?;
        if let Some(problem) = backup.problems.first() {
            bail!("{problem}");
        }
        let (app, job, document) = (self.clone(), job.clone(), document.clone());
        let (options, path, work) = (options.clone(), path.to_owned(), work.to_owned());
        tokio::task::spawn_blocking(move || {
            for key in READABLE {
                let format: &'static Format = export_format(key)?;
                let rendered = app.render_export(&job, format, &document, &options, &|_| true)?;
                fs::write(work.join(format!("transcript.{}", format.extension)), rendered.bytes)?;
            }
            let files = files_in(&work)?;
            let mut sums = String::new();
            for name in &files {
                let sum = sha256_of(&work.join(name)).with_context(|| format!("{name} could not be read"))?;
                let _ = writeln!(sums, "{sum}  {name}");
            }
            fs::write(work.join("SHA256SUMS"), sums)?;
            write_with(&path, id, replace, |draft| pack(&work, &files, draft))
        })
        .await?
    }

    /// Imports a bundle: restores its meeting.
    ///
    /// # Errors
    /// If the archive cannot be reached. What is wrong with the bundle is an [`ImportOutcome::Failed`].
    pub(crate) async fn import_bundle(&self, path: &Path) -> Result<ImportOutcome> {
        let work = self.data.exports().join(format!(".bundle-{}", ExportId::new()));
        let unpacked = tokio::task::spawn_blocking({
            let (path, work) = (path.to_owned(), work.clone());
            move || unpack(&path, &work)
        });
        let outcome = match unpacked.await? {
            Ok(()) => self.restore_bundle(&work).await,
            Err(error) => Err(error),
        };
        let removed = tokio::task::spawn_blocking(move || fs::remove_dir_all(work));
        if let Err(error) = removed.await?
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "the files of a bundle were not removed");
        }
        match outcome {
            Ok(outcome) => Ok(outcome),
            Err(error) if ErrorCode::of(&error) == ErrorCode::DatabaseUnreachable => Err(error),
            Err(error) => Ok(ImportOutcome::Failed(format!("{}: {error:#}", shown_path(path)))),
        }
    }

    async fn restore_bundle(&self, folder: &Path) -> Result<ImportOutcome> {
        let (_running, stop) = watch::channel(false);
        let restored: RestoreView =
            self.restore_here(folder, RestoreOptions::default(), &|_| (), &stop).await?;
        if let Some(added) = restored.added.first() {
            let job: JobId = added.id.parse().context("a meeting of a bundle has an id")?;
            return Ok(ImportOutcome::Imported(Box::new(self.find(job).await?)));
        }
        let folder = folder.to_owned();
        let meetings = tokio::task::spawn_blocking(move || meetings_in(&folder)).await??;
        let there = meetings.first().context("it has no meeting")?;
        let healed = !restored.audio_back.is_empty();
        Ok(ImportOutcome::Duplicate { job: Box::new(self.find(*there).await?), healed, restored: false })
    }
}

/// Whether a file is a bundle. Blocks.
pub(crate) fn is_bundle(path: &Path) -> bool {
    // Opening a pipe blocks until another process writes to it.
    if !path.is_file() {
        return false;
    }
    let mut start = [0; 4];
    let begins = File::open(path).and_then(|mut file| file.read_exact(&mut start));
    if begins.is_err() || &start != b"PK\x03\x04" {
        return false;
    }
    let archive = File::open(path).ok().and_then(|file| ZipArchive::new(BufReader::new(file)).ok());
    archive.is_some_and(|archive| {
        let names: Vec<_> = archive.file_names().flatten().collect();
        names.iter().any(|name| name.starts_with("snapshots/"))
            && names.iter().any(|name| name == "SHA256SUMS")
    })
}

/// The files below `folder`, relative to it with `/`, in order of name.
fn files_in(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in WalkDir::new(folder).sort_by_file_name() {
        let entry = entry?;
        if entry.file_type().is_file() {
            let below = entry.path().strip_prefix(folder)?;
            let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            names.push(parts.join("/"));
        }
    }
    Ok(names)
}

/// Packs files of `folder` and the list of their hashes. Recordings are compressed already.
fn pack(folder: &Path, files: &[String], draft: &mut File) -> Result<()> {
    let mut zip = ZipWriter::new(draft);
    for name in files.iter().map(String::as_str).chain(["SHA256SUMS"]) {
        let method = match name.starts_with("audio/") {
            true => CompressionMethod::Stored,
            false => CompressionMethod::Deflated,
        };
        zip.start_file(name, SimpleFileOptions::default().compression_method(method).large_file(true))
            .map_err(io::Error::from)?;
        io::copy(&mut File::open(folder.join(name))?, &mut zip)?;
    }
    zip.finish().map_err(io::Error::from)?.flush()?;
    Ok(())
}

/// Unpacks a bundle into the new folder `to` and compares each file with its hash. Blocks.
fn unpack(path: &Path, to: &Path) -> Result<()> {
    let damaged = |why: String| user_error(ErrorCode::Other, format!("the bundle is damaged: {why}"));
    let mut zip =
        ZipArchive::new(BufReader::new(File::open(path)?)).map_err(|error| damaged(error.to_string()))?;
    if zip.len() > MAX_ENTRIES {
        return Err(damaged("it has too many files".to_owned()));
    }
    let mut left = MAX_UNPACKED_BYTES;
    let mut found: Vec<(String, PathBuf)> = Vec::new();
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index).map_err(|error| damaged(error.to_string()))?;
        // A name that leads out of the folder has no enclosed name.
        let Some(name) = entry.enclosed_name() else {
            return Err(damaged("a file in it has a forbidden name".to_owned()));
        };
        if entry.is_dir() {
            continue;
        }
        let target = to.join(&name);
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder)?;
        }
        let name = entry.name().map_err(|error| damaged(error.to_string()))?.into_owned();
        let copied = io::copy(&mut (&mut entry).take(left + 1), &mut File::create(&target)?)
            .map_err(|error| damaged(format!("{name}: {error}")))?;
        left = left.checked_sub(copied).ok_or_else(|| damaged("it is too large".to_owned()))?;
        found.push((name, target));
    }
    let sums =
        fs::read_to_string(to.join("SHA256SUMS")).map_err(|error| damaged(format!("SHA256SUMS: {error}")))?;
    let listed: Vec<(&str, &str)> = sums.lines().filter_map(|line| line.split_once("  ")).collect();
    for (name, target) in found.iter().filter(|(name, _)| name != "SHA256SUMS") {
        let sum = listed.iter().find(|(_, listed)| listed == name).map(|(sum, _)| *sum);
        let Some(sum) = sum else { return Err(damaged(format!("{name} is not in SHA256SUMS"))) };
        if sha256_of(target).as_deref() != Some(sum) {
            return Err(damaged(format!("{name} has changed")));
        }
    }
    match listed.iter().find(|(_, listed)| !found.iter().any(|(name, _)| name == listed)) {
        Some((_, name)) => Err(damaged(format!("{name} is missing"))),
        None => Ok(()),
    }
}
