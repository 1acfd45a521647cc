//! Status values of recordings, exports, tasks and transcript versions, with their names in the database.
//!
//! ```text
//!              ┌──────────── retry ────────────────────┐
//!              ▼                                       │
//!   new ──▶ pending ──▶ processing ──▶ completed    failed
//!            │ ▲            │              │           ▲
//!            │ └────────────┼── run again ─┘           │
//!            └─── cancel ───┴──── failure, cancel ─────┘
//! ```
//!
//! “New” is a file that is not registered yet. A cancelled job is `failed` with the workflow state `cancelled` and no
//! message. A job that has a complete version of its transcript becomes `completed` again when a later run fails or is
//! cancelled.

/// `jobs.status` and `export_jobs.status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Waits in the queue.
    Pending,
    /// A worker is working on it, or died while it was.
    Processing,
    /// A recording with a complete transcript, or a finished export.
    Completed,
    /// Failed with a message, or cancelled.
    Failed,
}

impl Status {
    const ALL: [Self; 4] = [Self::Pending, Self::Processing, Self::Completed, Self::Failed];

    /// The name in the database and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    /// The status with this name; `None` if there is none.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Whether a job may change from this status to `next`.
    ///
    /// `Pending → Completed` is a cancelled run of a recording that has a complete transcript already.
    pub const fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Pending, Self::Processing | Self::Failed | Self::Completed)
                | (Self::Processing, Self::Processing | Self::Completed | Self::Failed)
                | (Self::Failed | Self::Completed, Self::Pending)
        )
    }

    /// The names of all statuses that may become `self`.
    pub(crate) fn sources(self) -> Vec<&'static str> {
        Self::ALL.into_iter().filter(|from| from.may_become(self)).map(Self::as_str).collect()
    }
}

/// `jobs.workflow_state`: the step that the work on a recording has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WorkflowState {
    /// Waits in the queue.
    Queued,
    /// The file is being read.
    Decoding,
    /// Words are being recognised.
    Transcribing,
    /// Speakers are being found.
    Diarizing,
    /// Words are being put into segments.
    Aligning,
    /// The transcript is complete.
    Done,
    /// Cancelled by the user; a retry resumes.
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

    /// The name in the database and in JSON.
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

    /// The value with this name; `None` for a name that this version does not know.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == name)
    }
}

/// `tasks.kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskKind {
    /// Transcribes a recording and finds its speakers.
    Transcribe,
    /// Only finds the speakers of a recording; its words stay.
    Diarize,
    /// Makes a file of a meeting.
    Export,
}

impl TaskKind {
    const ALL: [Self; 3] = [Self::Transcribe, Self::Diarize, Self::Export];
    /// The kinds whose subject is a recording. A recording has at most one open task of these.
    pub const OF_RECORDINGS: [Self; 2] = [Self::Transcribe, Self::Diarize];

    /// The name in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transcribe => "transcribe",
            Self::Diarize => "diarize",
            Self::Export => "export",
        }
    }

    /// The names of several kinds.
    pub(crate) fn names(kinds: &[Self]) -> Vec<&'static str> {
        kinds.iter().map(|kind| kind.as_str()).collect()
    }

    /// The value with this name; `None` for a name that this version does not know.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == name)
    }
}

/// `tasks.state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskState {
    /// Waits for a worker.
    Waiting,
    /// A worker is working on it, or died while it was.
    Running,
    /// Done.
    Done,
    /// Failed with a message.
    Failed,
    /// Cancelled by a user.
    Cancelled,
}

impl TaskState {
    const ALL: [Self; 5] = [Self::Waiting, Self::Running, Self::Done, Self::Failed, Self::Cancelled];
    pub(crate) const OPEN: [&'static str; 2] = [Self::Waiting.as_str(), Self::Running.as_str()];

    /// The name in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The value with this name; `None` for a name that this version does not know.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == name)
    }
}

/// `transcripts.status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TranscriptStatus {
    /// Being filled, or interrupted while being filled.
    Running,
    /// Complete.
    Complete,
    /// Stopped; a retry with the same settings resumes it.
    Failed,
}

impl TranscriptStatus {
    /// The name in the database.
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
    fn only_the_documented_transitions_are_allowed() {
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
