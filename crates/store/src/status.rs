//! How recordings, exports, tasks and versions of a transcript stand, in the words of the database.

/// `jobs.status`, and `export_jobs.status`, which has the same words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Waits for its turn.
    Pending,
    /// Somebody works on it, or did when they ended.
    Processing,
    /// Has a complete transcript.
    Completed,
    /// Stopped with a message, or cancelled.
    Failed,
}

impl Status {
    const ALL: [Self; 4] = [Self::Pending, Self::Processing, Self::Completed, Self::Failed];

    /// The word in the database and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    /// The status that `word` stands for.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// Whether a job may go from here to `next`. No UPDATE of a status allows more.
    ///
    /// `Pending → Completed` is a cancelled re-run of a meeting that has a transcript already.
    pub const fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Pending, Self::Processing | Self::Failed | Self::Completed)
                | (Self::Processing, Self::Processing | Self::Completed | Self::Failed)
                | (Self::Failed | Self::Completed, Self::Pending)
        )
    }

    /// The words of all that may become `self`.
    pub(crate) fn sources(self) -> Vec<&'static str> {
        Self::ALL.into_iter().filter(|from| from.may_become(self)).map(Self::as_str).collect()
    }
}

/// `jobs.workflow_state`: the furthest step begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WorkflowState {
    /// Waits.
    Queued,
    /// The file is being read.
    Decoding,
    /// Words are being recognised.
    Transcribing,
    /// Speakers are being told apart.
    Diarizing,
    /// Words are being put into lines.
    Aligning,
    /// The transcript is complete.
    Done,
    /// Stopped by the user; retry resumes.
    Cancelled,
}

impl WorkflowState {
    const ALL: [Self; 7] = [
        Self::Queued,
        Self::Decoding,
        Self::Transcribing,
        Self::Diarizing,
        Self::Aligning,
        Self::Done,
        Self::Cancelled,
    ];

    /// The word in the database and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Decoding => "decoding",
            Self::Transcribing => "transcribing",
            Self::Diarizing => "diarizing",
            Self::Aligning => "aligning",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
        }
    }

    /// What `word` stands for; `None` for a word that no version of ours writes.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }
}

/// A kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskKind {
    /// A recording becomes words, and its speakers are told apart.
    Transcribe,
    /// Only the speakers of a recording are told apart; its words stay.
    Diarize,
    /// A file is made of a meeting.
    Export,
}

impl TaskKind {
    const ALL: [Self; 3] = [Self::Transcribe, Self::Diarize, Self::Export];
    /// The kinds whose subject is a recording. A recording has one open task of these at most.
    pub const OF_RECORDINGS: [Self; 2] = [Self::Transcribe, Self::Diarize];

    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transcribe => "transcribe",
            Self::Diarize => "diarize",
            Self::Export => "export",
        }
    }

    pub(crate) fn words(kinds: &[Self]) -> Vec<&'static str> {
        kinds.iter().map(|kind| kind.as_str()).collect()
    }

    /// What `word` stands for; `None` for a word that no version of ours writes.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }
}

/// How a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskState {
    /// It waits for a worker.
    Waiting,
    /// A worker is at it, or was when it ended.
    Running,
    /// It is done.
    Done,
    /// It failed with a sentence.
    Failed,
    /// It was stopped by a person.
    Cancelled,
}

impl TaskState {
    const ALL: [Self; 5] = [Self::Waiting, Self::Running, Self::Done, Self::Failed, Self::Cancelled];
    pub(crate) const OPEN: [&'static str; 2] = [Self::Waiting.as_str(), Self::Running.as_str()];

    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// What `word` stands for; `None` for a word that no version of ours writes.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }
}

/// `transcripts.status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TranscriptStatus {
    /// Being made, or interrupted while being made.
    Running,
    /// All windows are in.
    Complete,
    /// Stopped with a message; resumed by a retry with the same settings.
    Failed,
}

impl TranscriptStatus {
    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Complete => "complete",
            Self::Failed => "failed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_transitions_of_the_design_are_allowed() {
        use Status::{Completed, Failed, Pending, Processing};
        let allowed: Vec<(Status, Status)> = Status::ALL
            .into_iter()
            .flat_map(|from| Status::ALL.map(|to| (from, to)))
            .filter(|(from, to)| from.may_become(*to))
            .collect();
        assert_eq!(
            allowed,
            [
                (Pending, Processing),
                (Pending, Completed),
                (Pending, Failed),
                (Processing, Processing),
                (Processing, Completed),
                (Processing, Failed),
                (Completed, Pending),
                (Failed, Pending),
            ]
        );
    }
}
