//! What can be done with meetings that are there: list, show, rename, retry, cancel, delete.

use crate::App;
use crate::refusal::{Code, refuse};
use crate::view::{JobView, MeetingView, job_id, title, transcript_view};
use anyhow::Result;
use std::fs;
use std::path::{Path, PathBuf};
use store::{Found, Job, JobFilter, JobId, Status, WorkflowState};

/// Longest title, in characters. A title is a line, not a text.
const LONGEST_TITLE: usize = 300;

impl App {
    /// Meetings, newest first; with `status` only those, at most `limit`.
    ///
    /// # Errors
    /// [`Code::NotOffered`] for a status that there is not.
    pub async fn list(&self, status: Option<&str>, limit: Option<u32>) -> Result<Vec<JobView>> {
        let status = match status {
            None => None,
            Some(word) => Some(Status::from_word(word).ok_or_else(|| {
                let known = "pending, processing, completed or failed";
                refuse(Code::NotOffered, format!("There is no status “{word}”; it is {known}."))
            })?),
        };
        let jobs = self.store.jobs(JobFilter { status, limit: limit.map(i64::from) }).await?;
        let mut views = Vec::with_capacity(jobs.len());
        for job in jobs {
            views.push(self.view(job).await?);
        }
        Ok(views)
    }

    /// The job whose id begins with `prefix`.
    ///
    /// # Errors
    /// [`Code::NotFound`], [`Code::Ambiguous`].
    pub async fn find(&self, prefix: &str) -> Result<JobView> {
        let job = self.find_job(prefix).await?;
        self.view(job).await
    }

    async fn find_job(&self, prefix: &str) -> Result<Job> {
        match self.store.find_job(prefix).await? {
            Found::One(job) => Ok(*job),
            Found::Several => Err(refuse(
                Code::Ambiguous,
                format!("Several recordings have an id that begins with {prefix}. Give more of it."),
            )),
            Found::Nothing => Err(not_found(prefix)),
        }
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
    /// [`Code::NotFound`], [`Code::Ambiguous`].
    pub async fn show(&self, prefix: &str) -> Result<MeetingView> {
        let job = self.find_job(prefix).await?;
        let transcript = match self.store.shown_transcript(job.id).await? {
            Some(version) => {
                let lines = self.store.segments(version.id).await?;
                Some(transcript_view(version, lines))
            }
            None => None,
        };
        Ok(MeetingView { job: self.view(job).await?, transcript })
    }

    /// Gives a meeting a title.
    ///
    /// # Errors
    /// [`Code::NotFound`], [`Code::Ambiguous`], [`Code::NotOffered`] for an empty or endless title.
    pub async fn rename(&self, prefix: &str, to: &str) -> Result<JobView> {
        let one_line = to.split_whitespace().collect::<Vec<_>>().join(" ");
        if one_line.is_empty() || one_line.chars().count() > LONGEST_TITLE {
            return Err(refuse(
                Code::NotOffered,
                format!("A title has between 1 and {LONGEST_TITLE} characters."),
            ));
        }
        let job = self.find_job(prefix).await?;
        let renamed = self.store.rename_job(job.id, &one_line).await?.ok_or_else(|| not_found(prefix))?;
        self.view(renamed).await
    }

    /// Puts a failed or cancelled job back into the queue; what it had done stays done.
    ///
    /// # Errors
    /// [`Code::WrongState`] for any other, besides those of [`App::find`].
    pub async fn retry(&self, prefix: &str) -> Result<JobView> {
        let job = self.find_job(prefix).await?;
        match self.store.requeue(job.id).await? {
            Some(job) => self.view(job).await,
            None => {
                Err(self.wrong_state(job.id, "Only a failed or cancelled one can be tried again.").await?)
            }
        }
    }

    /// Stops a waiting or running job, in whatever process it runs.
    ///
    /// # Errors
    /// [`Code::WrongState`] if it has ended already, besides those of [`App::find`].
    pub async fn cancel(&self, prefix: &str) -> Result<JobView> {
        let job = self.find_job(prefix).await?;
        match self.store.cancel_job(job.id).await? {
            Some(job) => self.view(job).await,
            None => Err(self.wrong_state(job.id, "There is nothing to cancel.").await?),
        }
    }

    /// Removes a meeting: its row, its words, its audio in the library and its exports in the app's own folder. Files
    /// that the user placed elsewhere stay. Gives the job as it was.
    ///
    /// # Errors
    /// [`Code::NotFound`], [`Code::Ambiguous`].
    pub async fn delete(&self, prefix: &str) -> Result<JobView> {
        let id = job_id(&self.find(prefix).await?);
        let (job, exports) =
            self.store.delete_job(id, self.library).await?.ok_or_else(|| not_found(prefix))?;
        self.finish_removals().await?;
        for export in exports {
            self.remove_own_export(Path::new(&export));
        }
        self.view_with(job, None)
    }

    fn remove_own_export(&self, path: &Path) {
        if path.parent() == Some(self.data.exports().as_path())
            && let Err(error) = fs::remove_file(path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(kind = ?error.kind(), "an export of a deleted meeting could not be removed");
        }
    }

    /// The file with the audio of a meeting, for a player. `None` if it is not in this computer's library.
    ///
    /// # Errors
    /// Where the archive fails.
    pub async fn audio_file(&self, id: JobId) -> Result<Option<PathBuf>> {
        let job = self.store.job(id).await?;
        let here = job.filter(|job| job.library_id == Some(self.library));
        Ok(here.map(|job| self.data.library().join(job.file_path)).filter(|path| path.is_file()))
    }

    async fn wrong_state(&self, id: JobId, rule: &str) -> Result<anyhow::Error> {
        let Some(job) = self.store.job(id).await? else { return Ok(not_found(&id.to_string())) };
        let is = match (job.status()?, job.workflow_state()) {
            (_, Some(WorkflowState::Cancelled)) => "cancelled",
            (Status::Pending, _) => "waiting for its turn",
            (Status::Processing, _) => "being transcribed",
            (Status::Completed, _) => "transcribed",
            (Status::Failed, _) => "failed",
        };
        Ok(refuse(Code::WrongState, format!("“{}” is {is}. {rule}", title(&job))))
    }
}

fn not_found(prefix: &str) -> anyhow::Error {
    refuse(
        Code::NotFound,
        format!("There is no recording with the id {prefix}. `meetmemo list` shows those there are."),
    )
}
