//! Why no engine could be selected, and why a run over a recording ends before its transcript is complete.

use crate::tasks::TaskError;
use media::MediaError;
use speech::SpeechError;
use store::{Job, StoreError};
use tokio::task::JoinError;

/// Why no engine could be selected.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SelectEngineError {
    /// The model is missing or damaged. A sentence for the user.
    #[error("{0}")]
    Unavailable(String),
    /// This program failed.
    #[error(transparent)]
    Internal(#[from] JoinError),
}

/// Why a run ends early.
#[derive(Debug)]
pub(super) enum RunError {
    /// This recording cannot be transcribed.
    Recording(RecordingError),
    /// The task was interrupted, or the archive failed.
    Task(TaskError),
}

/// Why a recording cannot be transcribed.
#[derive(Debug)]
pub(super) enum RecordingError {
    Media(MediaError),
    Speech(SpeechError),
    /// A committed window has another span than the window that this run cuts at its place.
    WindowsDiffer,
    /// A complete sentence for the user.
    Message(String),
}

impl RecordingError {
    /// The sentence for the user.
    pub(super) fn message(&self, job: &Job) -> String {
        let name = &job.file_name;
        match self {
            Self::Media(MediaError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => {
                format!(
                    "The audio of {name} is missing in the library. Import the same file again to put it back."
                )
            }
            Self::Media(error) => format!("{name} could not be read: {error}."),
            Self::Speech(error) => format!("{name} could not be transcribed: {error}."),
            Self::WindowsDiffer => format!("{name} changed while it was read. Try again."),
            Self::Message(message) => message.clone(),
        }
    }
}

impl From<MediaError> for RecordingError {
    fn from(error: MediaError) -> Self {
        Self::Media(error)
    }
}

impl From<SpeechError> for RecordingError {
    fn from(error: SpeechError) -> Self {
        Self::Speech(crate::out_of_memory::explain_load_failure(error))
    }
}

impl From<RecordingError> for RunError {
    fn from(error: RecordingError) -> Self {
        Self::Recording(error)
    }
}

impl From<SpeechError> for RunError {
    fn from(error: SpeechError) -> Self {
        Self::Recording(error.into())
    }
}

impl From<SelectEngineError> for RunError {
    fn from(error: SelectEngineError) -> Self {
        match error {
            SelectEngineError::Unavailable(message) => Self::Recording(RecordingError::Message(message)),
            SelectEngineError::Internal(error) => error.into(),
        }
    }
}

impl From<TaskError> for RunError {
    fn from(error: TaskError) -> Self {
        Self::Task(error)
    }
}

impl From<anyhow::Error> for RunError {
    fn from(error: anyhow::Error) -> Self {
        Self::Task(error.into())
    }
}

impl From<StoreError> for RunError {
    fn from(error: StoreError) -> Self {
        Self::Task(error.into())
    }
}

impl From<JoinError> for RunError {
    fn from(error: JoinError) -> Self {
        Self::Task(error.into())
    }
}
