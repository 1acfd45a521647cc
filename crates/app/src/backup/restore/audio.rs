//! Brings audio from a backup into the library.
//!
//! All files are first copied into a folder beside the recordings, and compared with their hashes. Only when all are
//! there are they moved to their places, and only then are rows written: a file without a row harms nothing, a row
//! without its file does.

use super::super::create::{OnProgress, ensure_running, report};
use super::super::layout::{ContentHash, ObjectName};
use super::super::place::Backup;
use super::super::verify::read_checked;
use super::super::view::BackupPhase;
use crate::import::hash::hash_of;
use crate::library::{Library, RecordingFolder, sync_folder};
use anyhow::{Context, Result};
use chrono::Utc;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::PathBuf;
use tokio::sync::watch;

/// Beginning of the name of the folder for copies.
const RESTORING: &str = ".restoring-";

/// An audio file to bring back.
pub(super) struct WantedAudio {
    pub(super) title: String,
    pub(super) hash: ContentHash,
    pub(super) bytes: u64,
    /// Where it belongs.
    pub(super) to: RecordingFolder,
}

/// Copies of audio that are not in their places yet. Removed when dropped.
pub(super) struct CopiedAudio {
    folder: PathBuf,
    copies: Vec<(PathBuf, WantedAudio)>,
    /// What could not be copied, because it is damaged in the backup. Sentences.
    pub(super) damaged: Vec<String>,
}

impl CopiedAudio {
    /// Copies `wanted`, except what is in its place already. Blocks.
    ///
    /// # Errors
    /// If the disk of the library is full or cannot be written to.
    pub(super) fn copy(
        library: &Library,
        backup: &Backup,
        wanted: Vec<WantedAudio>,
        on_progress: OnProgress<'_>,
        stop: &watch::Receiver<bool>,
    ) -> Result<Self> {
        for entry in fs::read_dir(library.folder())? {
            let entry = entry?;
            // What a killed restore left. Two restores at once are kept apart by the backup lock.
            if entry.file_name().to_string_lossy().starts_with(RESTORING) {
                fs::remove_dir_all(entry.path())?;
            }
        }
        let folder = library.folder().join(format!("{RESTORING}{}", uuid::Uuid::new_v4().simple()));
        fs::create_dir(&folder).context("the library cannot be written to")?;
        let mut copied = Self { folder, copies: Vec::new(), damaged: Vec::new() };
        let total: u64 = wanted.iter().map(|audio| audio.bytes).sum();
        ensure_space(library, total)?;
        let mut done = 0;
        for audio in wanted {
            ensure_running(stop)?;
            done += audio.bytes;
            if !hash_of(audio.to.audio()).is_ok_and(|hash| hash == audio.hash.as_str()) {
                copied.copy_one(backup, audio)?;
            }
            report(on_progress, BackupPhase::Restoring, done, total);
        }
        Ok(copied)
    }

    fn copy_one(&mut self, backup: &Backup, audio: WantedAudio) -> Result<()> {
        let path = self.folder.join(self.copies.len().to_string());
        let mut file = BufWriter::with_capacity(1 << 20, File::create_new(&path)?);
        if let Err(error) = read_checked(backup, &ObjectName::audio(&audio.hash), &mut file) {
            let disk_full =
                error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>()).any(|cause| {
                    matches!(
                        cause.kind(),
                        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded
                    )
                });
            if disk_full {
                return Err(disk_full_error());
            }
            drop(file);
            fs::remove_file(&path)?;
            self.damaged.push(format!("The audio of “{}” {error:#}.", audio.title));
            return Ok(());
        }
        file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
        self.copies.push((path, audio));
        Ok(())
    }

    /// Moves the copies to their places. A different file that is there is kept under another name. Blocks.
    ///
    /// # Errors
    /// Any I/O error. What was moved stays, and a repeated restore finds it there.
    pub(super) fn move_in(mut self, library: &Library) -> Result<()> {
        for (copy, audio) in std::mem::take(&mut self.copies) {
            let to = audio.to.audio();
            fs::create_dir_all(audio.to.path())?;
            if to.exists() {
                let mut kept = to.as_os_str().to_owned();
                kept.push(format!(".replaced-{}", Utc::now().format("%Y%m%dT%H%M%SZ")));
                fs::rename(to, kept)?;
            }
            fs::rename(&copy, to).with_context(|| format!("{} could not be put back", to.display()))?;
            sync_folder(audio.to.path())?;
        }
        sync_folder(library.folder())
    }
}

impl Drop for CopiedAudio {
    fn drop(&mut self) {
        // The next restore removes what is left.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn ensure_space(library: &Library, bytes: u64) -> Result<()> {
    match store::disk_space::free_bytes(library.folder()) {
        Ok(free) if free < bytes => Err(disk_full_error()),
        // If the free space is not known, copying is tried.
        _ => Ok(()),
    }
}

fn disk_full_error() -> anyhow::Error {
    crate::user_error::user_error(
        crate::ErrorCode::DiskFull,
        "The disk of the library has not enough room for the audio of the backup, so nothing was restored. Free some space, or choose another folder with --data-dir.",
    )
}
