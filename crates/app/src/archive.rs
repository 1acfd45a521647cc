//! What can be done with meetings that are there: list, show, rename, retry, cancel, delete.

pub(crate) mod shown;
pub(crate) mod version_view;
mod versions;
pub(crate) mod view;

use crate::App;
use crate::archive::shown::{line_view, title, transcript_facts, transcript_view};
use crate::archive::view::{DeletionView, JobStatus, JobView, MeetingPage, MeetingView};
use crate::refusal::{Code, refuse};
use crate::speakers::cast::Cast;
use crate::transcribe::language_vote::{other_languages, settled_to};
use anyhow::Result;
use std::fs;
use std::path::{Path, PathBuf};
use store::{Found, Job, JobFilter, JobId, Status, WorkflowState};
use transcript::{AudioTime, one_line};

/// Longest title, in characters. A title is a line, not a text.
const LONGEST_TITLE: usize = 300;

impl App {
    /// Meetings, newest first; with `status` only those, at most `limit`.
    ///
    /// # Errors
    /// Where the archive fails.
    pub async fn list(&self, status: Option<JobStatus>, limit: Option<u32>) -> Result<Vec<JobView>> {
        let status = status.map(Status::from);
        let jobs = self.store.jobs(JobFilter { status, limit: limit.map(i64::from) }).await?;
        self.views(jobs).await
    }

    /// The id of the job whose id begins with `prefix`, as it is typed on the command line.
    ///
    /// # Errors
    /// [`Code::NotFound`], [`Code::Ambiguous`].
    pub async fn job_beginning_with(&self, prefix: &str) -> Result<JobId> {
        match self.store.find_job(prefix).await? {
            Found::One(job) => Ok(job.id),
            Found::Several => Err(refuse(
                Code::Ambiguous,
                format!("Several recordings have an id that begins with {prefix}. Give more of it."),
            )),
            Found::Nothing => Err(not_found(prefix)),
        }
    }

    /// A job by its id.
    ///
    /// # Errors
    /// [`Code::NotFound`].
    pub async fn find(&self, id: JobId) -> Result<JobView> {
        self.view(self.stored_job(id).await?).await
    }

    pub(crate) async fn stored_job(&self, id: JobId) -> Result<Job> {
        self.store.job(id).await?.ok_or_else(|| not_found(&id.to_string()))
    }

    /// A job by its id, if it is there.
    ///
    /// # Errors
    /// Where the archive fails.
    pub async fn job(&self, id: JobId) -> Result<Option<JobView>> {
        match self.store.job(id).await? {
            Some(job) => Ok(Some(self.view(job).await?)),
            None => Ok(None),
        }
    }

    /// A meeting with its words.
    ///
    /// # Errors
    /// [`Code::NotFound`].
    pub async fn show(&self, id: JobId) -> Result<MeetingView> {
        let job = self.stored_job(id).await?;
        let transcript = match self.store.shown_transcript(job.id).await? {
            Some(version) => {
                let lines = self.store.segments(version.id).await?;
                let title = self.room.title(&version.model);
                let cast = Cast::of(self.store.speakers(job.id).await?);
                let others = other_languages(&self.store.windows(version.id).await?);
                Some(transcript_view(version, title, lines, others, &cast))
            }
            None => None,
        };
        Ok(MeetingView { job: self.view(job).await?, transcript })
    }

    /// A meeting for reading, with its lines that begin at `from` or later.
    ///
    /// # Errors
    /// [`Code::NotFound`].
    pub async fn page(&self, id: JobId, from: AudioTime) -> Result<MeetingPage> {
        let job = self.find(id).await?;
        let mut settled_ms = 0;
        let (transcript, lines) = match self.store.shown_transcript(job.id).await? {
            Some(version) => {
                // Before the lines are fetched: lines that count as settled are then among them for certain. Until its
                // language is settled, windows of an unfinished version may be recognised again.
                let windows = self.store.windows(version.id).await?;
                settled_ms = match version.is_complete() {
                    true => job.duration_ms.unwrap_or(u32::MAX),
                    false if version.language.is_none() => 0,
                    false => settled_to(&windows),
                };
                let lines = self.store.text_lines(version.id, from).await?;
                let title = self.room.title(&version.model);
                let facts = transcript_facts(&version, title, &lines, other_languages(&windows));
                (Some(facts), lines)
            }
            None => (None, Vec::new()),
        };
        let cast = Cast::of(self.store.speakers(job.id).await?);
        let lines = lines.into_iter().map(|line| line_view(line, &cast)).collect();
        Ok(MeetingPage { job, transcript, lines, settled_ms })
    }

    /// Those of `ids` that exist, newest first.
    ///
    /// # Errors
    /// Where the archive fails.
    pub async fn jobs_by_id(&self, ids: &[JobId]) -> Result<Vec<JobView>> {
        self.views(self.store.jobs_by_id(ids).await?).await
    }

    /// What deleting a meeting would take away and leave.
    ///
    /// # Errors
    /// [`Code::NotFound`].
    pub async fn deletion(&self, id: JobId) -> Result<DeletionView> {
        let job = self.find(id).await?;
        let exports = self.store.exports(job.id).await?;
        let mut files: Vec<PathBuf> =
            exports.into_iter().filter_map(|e| e.file_path).map(Into::into).collect();
        files.sort();
        files.dedup();
        let there = tokio::task::spawn_blocking(move || {
            files.retain(|file| file.is_file());
            files
        });
        let files = there.await?;
        let (own, kept): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| self.is_own_export(file));
        Ok(DeletionView {
            title: job.title,
            own_exports: u32::try_from(own.len()).unwrap_or(u32::MAX),
            kept_exports: kept.iter().map(|path| path.display().to_string()).collect(),
        })
    }

    /// Gives a meeting a title.
    ///
    /// # Errors
    /// [`Code::NotFound`], [`Code::NotOffered`] for an empty or endless title.
    pub async fn rename(&self, id: JobId, to: &str) -> Result<JobView> {
        let to = one_line(to);
        if to.is_empty() || to.chars().count() > LONGEST_TITLE {
            return Err(refuse(
                Code::NotOffered,
                format!("A title has between 1 and {LONGEST_TITLE} characters."),
            ));
        }
        let renamed = self.store.rename_job(id, &to).await?;
        let renamed = renamed.ok_or_else(|| not_found(&id.to_string()))?;
        self.view(renamed).await
    }

    /// Puts a failed or cancelled job back into the queue; what it had done stays done.
    ///
    /// # Errors
    /// [`Code::WrongState`] for any other, besides those of [`App::find`].
    pub async fn retry(&self, id: JobId) -> Result<JobView> {
        match self.store.requeue(id).await? {
            Some(job) => self.view(job).await,
            None => Err(self.wrong_state(id, "Only a failed or cancelled one can be tried again.").await?),
        }
    }

    /// Stops a waiting or running job, in whatever process it runs.
    ///
    /// # Errors
    /// [`Code::WrongState`] if it has ended already, besides those of [`App::find`].
    pub async fn cancel(&self, id: JobId) -> Result<JobView> {
        match self.store.cancel_job(id).await? {
            Some(job) => {
                // A worker that works on it does so itself; one that was killed does not.
                self.forget_unfinished(&job).await;
                self.view(job).await
            }
            None => Err(self.wrong_state(id, "There is nothing to cancel.").await?),
        }
    }

    /// Has a recording that waits worked on before the others that wait.
    ///
    /// # Errors
    /// [`Code::WrongState`] if it does not wait, besides those of [`App::find`].
    pub async fn bring_forward(&self, id: JobId) -> Result<JobView> {
        if !self.store.bring_forward(id).await? && self.find(id).await?.status != JobStatus::Pending {
            return Err(self.wrong_state(id, "Only one that waits can be brought forward.").await?);
        }
        self.find(id).await
    }

    /// Removes a meeting: its row, its words, its audio in the library and its exports in the app's own folder. Files
    /// that the user placed elsewhere stay. Gives the job as it was.
    ///
    /// # Errors
    /// [`Code::NotFound`].
    pub async fn delete(&self, id: JobId) -> Result<JobView> {
        let deleted = self.store.delete_job(id, self.library.id()).await?;
        let (job, exports) = deleted.ok_or_else(|| not_found(&id.to_string()))?;
        self.finish_removals().await?;
        let app = self.clone();
        tokio::task::spawn_blocking(move || {
            exports.iter().for_each(|export| app.remove_own_export(Path::new(export)));
        })
        .await?;
        self.view(job).await
    }

    fn remove_own_export(&self, path: &Path) {
        if self.is_own_export(path)
            && let Err(error) = fs::remove_file(path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(kind = ?error.kind(), "an export of a deleted meeting could not be removed");
        }
    }

    fn is_own_export(&self, path: &Path) -> bool {
        path.parent() == Some(self.data.exports().as_path())
    }

    /// The file with the audio of a meeting, for a player. `None` if it is not in this computer's library.
    ///
    /// # Errors
    /// Where the archive fails.
    pub async fn audio_file(&self, id: JobId) -> Result<Option<PathBuf>> {
        let Some(place) = self.store.job(id).await?.and_then(|job| self.library.place(&job)) else {
            return Ok(None);
        };
        let audio = place.audio().to_owned();
        Ok(tokio::task::spawn_blocking(move || Some(audio).filter(|audio| audio.is_file())).await?)
    }

    pub(crate) async fn wrong_state(&self, id: JobId, rule: &str) -> Result<anyhow::Error> {
        let Some(job) = self.store.job(id).await? else { return Ok(not_found(&id.to_string())) };
        let is = match (job.status()?, job.workflow_state()) {
            (_, Some(WorkflowState::Cancelled)) => "cancelled",
            (Status::Pending, _) => "waiting for its turn",
            (Status::Processing, Some(WorkflowState::Diarizing)) => "having its speakers told apart",
            (Status::Processing, _) => "being transcribed",
            (Status::Completed, _) => "transcribed",
            (Status::Failed, _) => "failed",
        };
        Ok(refuse(Code::WrongState, format!("“{}” is {is}. {rule}", title(&job))))
    }
}

pub(crate) fn not_found(prefix: &str) -> anyhow::Error {
    refuse(Code::NotFound, format!("There is no recording with the id {prefix}. It may have been deleted."))
}
