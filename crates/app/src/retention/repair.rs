//! Folders of the library without a meeting, and meetings of this library without their audio. Both are only reported:
//! what to do with them is the user's decision.

use super::view::{MissingAudioView, UnknownFolderView};
use crate::App;
use crate::archive::to_view::title;
use crate::file_names::shown_path;
use anyhow::Result;
use std::fs;
use std::path::{Path, PathBuf};
use store::{Job, JobFilter};

impl App {
    /// Folders of the library that belong to no meeting, with what to do.
    pub(super) async fn unknown_folders(&self) -> Result<Vec<UnknownFolderView>> {
        let names = self.unreferenced_folders().await?;
        let library = self.library.folder().to_owned();
        let look = move || {
            let view = |name: &String| {
                let folder = library.join(name);
                UnknownFolderView { action: what_to_do(&folder), path: shown_path(&folder) }
            };
            names.iter().map(view).collect()
        };
        Ok(tokio::task::spawn_blocking(look).await?)
    }

    /// Meetings of this library whose audio is missing, except those whose audio clean-up removed.
    pub(crate) async fn recordings_without_audio(&self) -> Result<Vec<Job>> {
        let mut jobs = self.store.jobs(JobFilter::default()).await?;
        let library = self.library.clone();
        let look = move || {
            jobs.retain(|job| library.holds(job) && job.audio_removed_at.is_none());
            jobs.retain(|job| !library.recording_folder(job).is_some_and(|folder| folder.audio().is_file()));
            jobs
        };
        Ok(tokio::task::spawn_blocking(look).await?)
    }

    pub(super) async fn missing_audio_views(&self) -> Result<Vec<MissingAudioView>> {
        let view = |job: Job| MissingAudioView {
            id: job.id,
            title: title(&job),
            action: format!(
                "Import the file {} again, or bring the audio back from a backup with `meetmemo restore`.",
                job.file_name
            ),
        };
        Ok(self.recordings_without_audio().await?.into_iter().map(view).collect())
    }
}

/// What to do with a folder that belongs to no meeting. Blocks.
fn what_to_do(folder: &Path) -> String {
    match audio_in(folder) {
        Some(audio) => format!(
            "Import {} to have it in the archive. A folder that you do not need can be removed.",
            shown_path(&audio)
        ),
        None => "There is no audio in it. A folder that you do not need can be removed.".to_owned(),
    }
}

/// The audio file in the folder of a recording.
fn audio_in(folder: &Path) -> Option<PathBuf> {
    let is_audio = |path: &PathBuf| {
        path.file_stem().is_some_and(|stem| stem == "audio")
            && !path.extension().is_some_and(|extension| extension == "seek" || extension == "part")
    };
    fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path())).find(is_audio)
}
