//! Operations on meetings in the archive: show, rename, retry, cancel, delete. The list is in `organisation`.

pub(crate) mod to_view;
pub(crate) mod version_view;
mod versions;
pub(crate) mod view;

use crate::App;
use crate::archive::to_view::{segment_view, title, transcript_info, transcript_view};
use crate::archive::view::{DeletionView, JobStatus, JobView, MeetingPage, MeetingView};
use crate::organisation::require_not_trashed;
use crate::retention::require_audio;
use crate::speakers::meeting_speakers::MeetingSpeakers;
use crate::transcribe::language_vote::{other_languages, settled_to};
use crate::user_error::{ErrorCode, user_error};
use anyhow::Result;
use std::fs;
use std::path::{Path, PathBuf};
use store::{Job, JobId, JobMatch, Status, WorkflowState};
use transcript::{AudioTime, single_line};

/// Maximum number of characters in a title.
const MAX_TITLE_CHARS: usize = 300;

impl App {
    /// The id of the job whose id begins with `prefix`, as typed on the command line.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`], [`ErrorCode::Ambiguous`].
    pub async fn find_job_by_prefix(&self, prefix: &str) -> Result<JobId> {
        match self.store.find_job(prefix).await? {
            JobMatch::Unique(job) => Ok(job.id),
            JobMatch::Ambiguous => Err(user_error(
                ErrorCode::Ambiguous,
                format!("Several recordings have an id that begins with {prefix}. Give more of it."),
            )),
            JobMatch::NotFound => Err(not_found(prefix)),
        }
    }

    /// A job by its id.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub async fn find(&self, id: JobId) -> Result<JobView> {
        self.view(self.stored_job(id).await?).await
    }

    /// The row of a job.
    pub(crate) async fn stored_job(&self, id: JobId) -> Result<Job> {
        self.store.job(id).await?.ok_or_else(|| not_found(&id.to_string()))
    }

    /// A job by its id; `None` if it does not exist.
    ///
    /// # Errors
    /// If the archive cannot be reached.
    pub async fn job(&self, id: JobId) -> Result<Option<JobView>> {
        match self.store.job(id).await? {
            Some(job) => Ok(Some(self.view(job).await?)),
            None => Ok(None),
        }
    }

    /// A meeting with its transcript, words included.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub async fn show(&self, id: JobId) -> Result<MeetingView> {
        let job = self.stored_job(id).await?;
        let transcript = match self.store.shown_transcript(job.id).await? {
            Some(version) => {
                let segments = self.store.segments(version.id).await?;
                let title = self.models.title(&version.model);
                let speakers = MeetingSpeakers::new(self.store.speakers(job.id).await?);
                let others = other_languages(&self.store.transcript_windows(version.id).await?);
                Some(transcript_view(version, title, segments, others, &speakers))
            }
            None => None,
        };
        Ok(MeetingView { job: self.view(job).await?, transcript })
    }

    /// A meeting for reading, with its segments that begin at `from` or later.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub async fn page(&self, id: JobId, from: AudioTime) -> Result<MeetingPage> {
        let job = self.find(id).await?;
        let mut settled_ms = 0;
        let (transcript, segments) = match self.store.shown_transcript(job.id).await? {
            Some(version) => {
                // Read before the segments, so that all segments that count as settled are among them. Until the
                // language of an unfinished version is settled, its windows may be recognised again.
                let windows = self.store.transcript_windows(version.id).await?;
                settled_ms = match version.is_complete() {
                    true => job.duration_ms.unwrap_or(u32::MAX),
                    false if version.language.is_none() => 0,
                    false => settled_to(&windows),
                };
                let segments = self.store.segment_texts(version.id, from).await?;
                let title = self.models.title(&version.model);
                let info = transcript_info(&version, title, &segments, other_languages(&windows));
                (Some(info), segments)
            }
            None => (None, Vec::new()),
        };
        let speakers = MeetingSpeakers::new(self.store.speakers(job.id).await?);
        let segments = segments.into_iter().map(|segment| segment_view(segment, &speakers)).collect();
        Ok(MeetingPage { job, transcript, segments, settled_ms })
    }

    /// The jobs of `ids` that exist, also those in the trash, newest first.
    ///
    /// # Errors
    /// If the archive cannot be reached.
    pub async fn jobs_by_id(&self, ids: &[JobId]) -> Result<Vec<JobView>> {
        self.views(self.store.jobs_by_id(ids).await?).await
    }

    /// What deleting a meeting for good would remove and leave.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub async fn deletion(&self, id: JobId) -> Result<DeletionView> {
        let job = self.find(id).await?;
        let exports = self.store.exports(job.id).await?;
        let mut files: Vec<PathBuf> =
            exports.into_iter().filter_map(|e| e.file_path).map(Into::into).collect();
        files.sort();
        files.dedup();
        let existing = tokio::task::spawn_blocking(move || {
            files.retain(|file| file.is_file());
            files
        });
        let (own, kept): (Vec<_>, Vec<_>) =
            existing.await?.into_iter().partition(|file| self.is_own_export(file));
        Ok(DeletionView {
            title: job.title,
            own_exports: u32::try_from(own.len()).unwrap_or(u32::MAX),
            kept_exports: kept.iter().map(|path| path.display().to_string()).collect(),
        })
    }

    /// Renames a meeting; with `expected`, only if that is its title now.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`], [`ErrorCode::NotOffered`] for an empty title or one that is too long;
    /// [`ErrorCode::ChangedMeanwhile`] if the title is not `expected` any more. The message names the present title.
    pub async fn rename(&self, id: JobId, to: &str, expected: Option<&str>) -> Result<JobView> {
        let to = single_line(to);
        if to.is_empty() || to.chars().count() > MAX_TITLE_CHARS {
            return Err(user_error(
                ErrorCode::NotOffered,
                format!("A title has between 1 and {MAX_TITLE_CHARS} characters."),
            ));
        }
        let Some(expected) = expected else {
            let renamed = self.store.rename_job(id, &to).await?.ok_or_else(|| not_found(&id.to_string()))?;
            return self.view(renamed).await;
        };
        let mut job = self.stored_job(id).await?;
        if title(&job) == expected {
            if let Some(renamed) = self.store.rename_job_from(id, job.title.as_deref(), &to).await? {
                return self.view(renamed).await;
            }
            job = self.stored_job(id).await?;
        }
        if title(&job) == to {
            return self.view(job).await;
        }
        Err(user_error(
            ErrorCode::ChangedMeanwhile,
            format!(
                "The title was changed meanwhile; it is now “{}”. Your title “{to}” was not saved.",
                title(&job)
            ),
        ))
    }

    /// Queues a failed or cancelled job again. Work that was done is kept.
    ///
    /// # Errors
    /// [`ErrorCode::WrongState`] for a job that is neither failed nor cancelled, is in the trash, or whose audio was
    /// removed, and the errors of [`App::find`].
    pub async fn retry(&self, id: JobId) -> Result<JobView> {
        let job = self.stored_job(id).await?;
        require_not_trashed(&job)?;
        require_audio(&job)?;
        match self.store.requeue(id).await? {
            Some(job) => self.view(job).await,
            None => Err(self.wrong_state(id, "Only a failed or cancelled one can be tried again.").await?),
        }
    }

    /// Cancels a waiting or running job, whichever process runs it.
    ///
    /// # Errors
    /// [`ErrorCode::WrongState`] if it has ended already, besides those of [`App::find`].
    pub async fn cancel(&self, id: JobId) -> Result<JobView> {
        match self.store.cancel_job(id).await? {
            Some(job) => {
                // A running worker removes it too; one that was killed does not.
                self.remove_embedding_cache(&job).await;
                self.view(job).await
            }
            None => Err(self.wrong_state(id, "There is nothing to cancel.").await?),
        }
    }

    /// Moves a waiting recording to the front of the queue.
    ///
    /// # Errors
    /// [`ErrorCode::WrongState`] if it is not waiting, besides those of [`App::find`].
    pub async fn bring_forward(&self, id: JobId) -> Result<JobView> {
        if !self.store.bring_forward(id).await? && self.find(id).await?.status != JobStatus::Pending {
            return Err(self.wrong_state(id, "Only one that waits can be brought forward.").await?);
        }
        self.find(id).await
    }

    /// Deletes a meeting for good, whether it is in the trash or not: its row, its transcripts, its audio in the library and its exports in the app's own folder.
    /// Exports elsewhere stay. Returns the job as it was.
    ///
    /// One transaction removes the row and adds the path to `pending_removals`; then the folder is removed and that row
    /// cleared. If this process is killed in between, the next worker finishes it.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub async fn delete(&self, id: JobId) -> Result<JobView> {
        let deleted = self.store.delete_job(id, self.library.id()).await?;
        let (job, exports) = deleted.ok_or_else(|| not_found(&id.to_string()))?;
        self.finish_deletion(exports).await?;
        self.view(job).await
    }

    /// Removes the files of deleted meetings: their folders in the library, and those of `exports` that lie in the app's
    /// own folder.
    pub(crate) async fn finish_deletion(&self, exports: Vec<String>) -> Result<()> {
        self.finish_removals().await?;
        let app = self.clone();
        let remove = move || exports.iter().for_each(|export| app.remove_own_export(Path::new(export)));
        Ok(tokio::task::spawn_blocking(remove).await?)
    }

    fn remove_own_export(&self, path: &Path) {
        if self.is_own_export(path)
            && let Err(error) = fs::remove_file(path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(kind = ?error.kind(), "an export of a deleted meeting could not be removed");
        }
    }

    /// Whether a file lies directly in the app's folder of exports.
    pub(crate) fn is_own_export(&self, path: &Path) -> bool {
        path.parent() == Some(self.data.exports().as_path())
    }

    /// Path of the audio of a meeting; `None` if it is not in this computer's library, or was removed.
    ///
    /// # Errors
    /// If the archive cannot be reached.
    pub async fn audio_file(&self, id: JobId) -> Result<Option<PathBuf>> {
        let Some(folder) = self.store.job(id).await?.and_then(|job| self.library.recording_folder(&job))
        else {
            return Ok(None);
        };
        let audio = folder.audio().to_owned();
        Ok(tokio::task::spawn_blocking(move || Some(audio).filter(|audio| audio.is_file())).await?)
    }

    /// The error for an operation that the state of a job does not allow; `rule` is the sentence that says when it is
    /// allowed.
    pub(crate) async fn wrong_state(&self, id: JobId, rule: &str) -> Result<anyhow::Error> {
        let Some(job) = self.store.job(id).await? else { return Ok(not_found(&id.to_string())) };
        let state = match (job.status()?, job.workflow_state()) {
            (_, Some(WorkflowState::Cancelled)) => "cancelled",
            (Status::Pending, _) => "waiting for its turn",
            (Status::Processing, Some(WorkflowState::Diarizing)) => "having its speakers detected",
            (Status::Processing, _) => "being transcribed",
            (Status::Completed, _) => "transcribed",
            (Status::Failed, _) => "failed",
        };
        Ok(user_error(ErrorCode::WrongState, format!("“{}” is {state}. {rule}", title(&job))))
    }
}

pub(crate) fn not_found(prefix: &str) -> anyhow::Error {
    user_error(
        ErrorCode::NotFound,
        format!("There is no recording with the id {prefix}. It may have been deleted."),
    )
}
