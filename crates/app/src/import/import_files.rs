//! Imports files: each is probed, copied into the library while it is hashed, and registered as a job.
//!
//! A file is either registered with its whole content safely in the library, or nothing of it is left. The copy is made
//! in `incoming/<job id>/`, synced, renamed to `<job id>/`, and only then is the row written. If the content is already
//! in the archive, the copy is removed, after it has replaced a lost or altered copy in the library, or one that clean-up
//! removed. A meeting that is in the trash is restored.

use crate::App;
use crate::archive::view::JobView;
use crate::exports::bundle::is_bundle;
use crate::file_names::file_name;
use crate::import::copy_file::CopyError;
use crate::import::hash::hash_of;
use crate::import::list::{ImportList, ListedFile};
use crate::import::recovery::{StagedCopy, remove_note};
use crate::library::{RecordingFolder, sync_folder};
use crate::transcribe::options::TranscriptionOptions;
use anyhow::{Context, Result};
use futures_util::stream::{self, StreamExt};
use media::MediaError;
use std::fs;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use store::{Job, OrderChange, Ordered, Registration};
use tokio::sync::watch;

/// Number of files that are copied concurrently. Copies of small files mostly wait for the disk to sync.
const CONCURRENT_COPIES: usize = 4;

/// A file that was handled, and the result.
#[derive(Debug, Clone)]
pub struct ImportedFile {
    /// The file, as it was given or found.
    pub path: PathBuf,
    /// The result.
    pub outcome: ImportOutcome,
}

/// The result of importing one file.
#[derive(Debug, Clone)]
pub enum ImportOutcome {
    /// It is in the archive.
    Imported(Box<JobView>),
    /// Its content was in the archive already.
    Duplicate {
        /// The job with the same content.
        job: Box<JobView>,
        /// Whether its copy in the library was missing, altered or removed by clean-up, and has been restored from this
        /// file.
        healed: bool,
        /// Whether it was in the trash and has been taken out of it.
        restored: bool,
    },
    /// It was found in a folder and is no recording. A sentence that names it.
    Skipped(String),
    /// It cannot be imported. A sentence that names it.
    Failed(String),
}

impl App {
    /// Imports the remaining files of `list`, four at a time. Calls `on_each` for each in order, with its number in the
    /// list. When `stop` is true, no further file is begun, and files that are being copied are finished. An
    /// interrupted import can be continued: see [`App::interrupted_imports`].
    ///
    /// # Errors
    /// If the archive fails. An error of a single file is in its outcome.
    pub async fn import(
        &self,
        mut list: ImportList,
        stop: &watch::Receiver<bool>,
        on_each: &mut (dyn FnMut(usize, &ImportedFile) + Send),
    ) -> Result<Vec<ImportedFile>> {
        self.recover_interrupted_copies().await?;
        let (remaining, options) = (list.remaining(), list.options().clone());
        let (done, wanted) = (list.done(), remaining.len());
        let mut results = Vec::with_capacity(wanted);
        let mut failure = None;
        let failed = AtomicBool::new(false);
        let goes_on = |_: &ListedFile| std::future::ready(!*stop.borrow() && !failed.load(Ordering::Relaxed));
        let imports = stream::iter(remaining).take_while(goes_on).map(|file| {
            let (app, options) = (self.clone(), options.clone());
            // In a tokio task of its own: a file that was begun is finished even if the list is dropped.
            tokio::spawn(async move { app.import_one(file, &options).await })
        });
        let mut imports = pin!(imports.buffered(CONCURRENT_COPIES));
        while let Some(ended) = imports.next().await {
            let ended = ended.map_err(anyhow::Error::from).flatten();
            if failure.is_some() {
                // This file may be in the archive already. It counts as a duplicate when the list is continued.
                continue;
            }
            match ended.and_then(|imported| list.record_done().map(|()| imported)) {
                Ok(imported) => {
                    on_each(done + results.len() + 1, &imported);
                    results.push(imported);
                }
                Err(error) => {
                    failed.store(true, Ordering::Relaxed);
                    failure = Some(error);
                }
            }
        }
        match failure {
            Some(error) => Err(error),
            None if results.len() < wanted => Ok(results),
            None => {
                list.remove()?;
                Ok(results)
            }
        }
    }

    async fn import_one(&self, file: ListedFile, options: &TranscriptionOptions) -> Result<ImportedFile> {
        let ListedFile { path, by_hand, problem } = file;
        let done = |outcome| Ok(ImportedFile { path: path.clone(), outcome });
        if let Some(problem) = problem {
            return done(ImportOutcome::Failed(problem));
        }
        let bundle = tokio::task::spawn_blocking({
            let path = path.clone();
            move || is_bundle(&path)
        });
        if bundle.await? {
            return done(self.import_bundle(&path).await?);
        }
        let copied = {
            let (app, path, options) = (self.clone(), path.clone(), options.clone());
            tokio::task::spawn_blocking(move || app.copy_in(&path, &options)).await?
        };
        let name = file_name(&path);
        let copy = match copied {
            Ok(copy) => copy,
            // A file in a folder of recordings that is no recording is no error.
            Err(CopyError::Media(
                error @ (MediaError::NotMedia | MediaError::Empty | MediaError::NoAudioTrack),
            )) if !by_hand => {
                return done(ImportOutcome::Skipped(format!("{name}: {error}")));
            }
            Err(CopyError::Media(error)) => {
                tracing::info!(?error, "a file was refused");
                return done(ImportOutcome::Failed(format!("{name}: {error}")));
            }
            Err(CopyError::Clause(why)) => return done(ImportOutcome::Failed(format!("{name}: {why}"))),
        };
        done(self.register_copy(copy).await?)
    }

    /// Moves a copy into the library and registers it, or removes it if its content is in the archive already.
    async fn register_copy(&self, mut copy: StagedCopy) -> Result<ImportOutcome> {
        if let Some(job) = self.store.job_by_hash(&copy.new.file_hash).await? {
            return self.duplicate(job, copy).await;
        }
        let library = self.library.clone();
        let copy = tokio::task::spawn_blocking(move || -> Result<StagedCopy> {
            let moved = library.move_in(&copy.folder, copy.new.id, &copy.file)?;
            copy.folder = moved.path().to_owned();
            Ok(copy)
        });
        self.register(copy.await??).await
    }

    /// Registers a copy that is in the library. If the answer of the database is lost, the row may have been written.
    /// The copy then stays with its note, and the next worker or import finishes it.
    pub(crate) async fn register(&self, copy: StagedCopy) -> Result<ImportOutcome> {
        match self.store.register(&copy.new).await? {
            Registration::New(job) => {
                let folder = copy.folder;
                tokio::task::spawn_blocking(move || remove_note(&folder)).await??;
                // Unlocks the note; not before it is removed.
                drop(copy.note);
                Ok(ImportOutcome::Imported(Box::new(self.view(job).await?)))
            }
            Registration::Duplicate(job) => self.duplicate(job, copy).await,
        }
    }

    /// Handles a copy whose content is registered as `job`: takes that job out of the trash and restores its audio if
    /// needed, then removes the copy.
    async fn duplicate(&self, job: Job, copy: StagedCopy) -> Result<ImportOutcome> {
        let (job, restored) = self.take_from_trash(job).await?;
        let (job, healed) = self.heal(job, copy.folder.join(&copy.file)).await?;
        let folder = copy.folder;
        let removed = tokio::task::spawn_blocking(move || {
            fs::remove_dir_all(&folder).with_context(|| format!("{} could not be removed", folder.display()))
        });
        removed.await??;
        Ok(ImportOutcome::Duplicate { job: Box::new(self.view(job).await?), healed, restored })
    }

    /// Takes a job out of the trash. Returns the job as it is then, and whether it was in there.
    async fn take_from_trash(&self, job: Job) -> Result<(Job, bool)> {
        if job.trashed_at.is_none() {
            return Ok((job, false));
        }
        let taken = self.store.organise(OrderChange::Restore, &[job.id]).await?;
        let restored = matches!(&taken, Ordered::Done { changed, .. } if !changed.is_empty());
        Ok((self.store.job(job.id).await?.unwrap_or(job), restored))
    }

    /// Moves the file `copy` to where `job` has or had its audio, unless the audio is there and intact. Returns the job
    /// as it is then, and whether its audio was restored.
    async fn heal(&self, job: Job, copy: PathBuf) -> Result<(Job, bool)> {
        let Some(registered) = self.library.registered_folder(&job) else { return Ok((job, false)) };
        let hash = job.file_hash.clone().unwrap_or_default();
        let check = {
            let (audio, hash) = (registered.audio().to_owned(), hash.clone());
            tokio::task::spawn_blocking(move || hash_of(&audio).is_ok_and(|found| found == hash))
        };
        if check.await? && job.audio_removed_at.is_none() {
            return Ok((job, false));
        }
        // From here on, no removal that was noted earlier takes the file away.
        let Some(job) = self.store.expect_audio(job.id).await? else { return Ok((job, false)) };
        let restored = tokio::task::spawn_blocking(move || put_back(&copy, &registered, &hash));
        restored.await??;
        match self.store.record_audio_restored(job.id).await? {
            Some(job) => Ok((job, true)),
            // Deleted meanwhile. The removal of its folder was noted after ours was dropped.
            None => Ok((job, true)),
        }
    }
}

/// Moves the file `copy` to where `registered` has its audio, unless the audio there has this hash. Blocks.
fn put_back(copy: &Path, registered: &RecordingFolder, hash: &str) -> Result<()> {
    let audio = registered.audio();
    if hash_of(audio).is_ok_and(|found| found == hash) {
        return Ok(());
    }
    fs::create_dir_all(registered.path())
        .and_then(|()| fs::rename(copy, audio))
        .with_context(|| format!("{} could not be put back", audio.display()))?;
    sync_folder(registered.path())
}
