//! Recordings and meetings as they cross to a window or a script: plain data, in the words of the command-line contract.

use crate::refusal::{Code, refuse};
use anyhow::Result;
use serde::Serialize;
use store::{JobId, SegmentId, SpeakerId, Status, TranscriptId, WorkflowState};
use transcript::Word;

/// A recording and the state of the work on it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct JobView {
    /// UUID.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub id: JobId,
    /// The name the file came with.
    pub file_name: String,
    /// SHA-256 of its content.
    pub file_hash: Option<String>,
    /// How it stands.
    pub status: JobStatus,
    /// Of the recordings that wait, the one with the greatest is next …
    pub priority: i32,
    /// … and of several, the one that has waited longest: RFC 3339, UTC; none unless it waits.
    pub waiting_since: Option<String>,
    /// The furthest step begun.
    pub workflow_state: Option<WorkStep>,
    /// Why it failed.
    pub error_message: Option<String>,
    /// The title the user gave, else the file's name without the ending of a sound or video file.
    pub title: String,
    /// Milliseconds of audio.
    pub duration_ms: Option<u32>,
    /// When it was recorded: RFC 3339 with the offset of then and there, or where its file gives none but UTC, with that of
    /// this computer.
    pub recorded_at: Option<String>,
    /// When it came into the archive: RFC 3339, UTC.
    pub created_at: String,
    /// When it last changed: RFC 3339, UTC.
    pub updated_at: String,
    /// Bytes.
    #[cfg_attr(feature = "specta", specta(type = Option<f64>))]
    pub byte_size: Option<u64>,
    /// Container and codec.
    pub media_format: Option<String>,
    /// What is wrong with the audio although it was transcribed.
    pub media_note: Option<String>,
    /// Whether the audio is in this computer's library. Other recordings are shown, not worked on.
    pub is_here: bool,
    /// How far the work is, while it goes on.
    pub progress: Option<ProgressView>,
    /// The speech model that it was or will be transcribed with, by its id.
    pub model: String,
    /// What that is called.
    pub model_title: String,
    /// Whether it failed because that model is not here.
    pub model_missing: bool,
}

/// How a recording or an export stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// Waits for its turn.
    Pending,
    /// Is being worked on.
    Processing,
    /// Is done.
    Completed,
    /// Stopped with a message, or was cancelled.
    Failed,
}

impl JobStatus {
    /// The status of this word.
    ///
    /// # Errors
    /// [`Code::NotOffered`] for an unknown word.
    pub fn from_word(word: &str) -> Result<Self> {
        let known = "pending, processing, completed or failed";
        let status = Status::from_word(word).map(Self::from);
        status.ok_or_else(|| refuse(Code::NotOffered, format!("There is no status “{word}”; it is {known}.")))
    }
}

impl From<Status> for JobStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Pending => Self::Pending,
            Status::Processing => Self::Processing,
            Status::Completed => Self::Completed,
            Status::Failed => Self::Failed,
        }
    }
}

impl From<JobStatus> for Status {
    fn from(status: JobStatus) -> Self {
        match status {
            JobStatus::Pending => Self::Pending,
            JobStatus::Processing => Self::Processing,
            JobStatus::Completed => Self::Completed,
            JobStatus::Failed => Self::Failed,
        }
    }
}

/// The furthest step of the work on a recording that was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum WorkStep {
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
    /// The user stopped it.
    Cancelled,
}

impl From<WorkflowState> for WorkStep {
    fn from(state: WorkflowState) -> Self {
        match state {
            WorkflowState::Queued => Self::Queued,
            WorkflowState::Decoding => Self::Decoding,
            WorkflowState::Transcribing => Self::Transcribing,
            WorkflowState::Diarizing => Self::Diarizing,
            WorkflowState::Aligning => Self::Aligning,
            WorkflowState::Done => Self::Done,
            WorkflowState::Cancelled => Self::Cancelled,
        }
    }
}

/// How far the work on a recording is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ProgressView {
    /// Milliseconds of audio done.
    pub audio_done_ms: u32,
    /// Milliseconds there are.
    pub audio_total_ms: Option<u32>,
    /// Seconds of work per second of audio; 0.25 is four times real time.
    pub real_time_factor: Option<f64>,
    /// About how many milliseconds of work are left in this step.
    pub left_ms: Option<f64>,
    /// The share of all steps that is done, from 0 to 1; none while the length of the recording is not known. It never
    /// falls while one process works.
    pub share: Option<f64>,
}

/// A job with the words that were said.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MeetingView {
    /// The recording.
    pub job: JobView,
    /// The current version, or the one that is being made; none before the first window.
    pub transcript: Option<TranscriptView>,
}

/// A meeting for reading: its lines from a moment on, without the times of their words.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct MeetingPage {
    /// The recording.
    pub job: JobView,
    /// The current version, or the one that is being made; none before the first window.
    pub transcript: Option<TranscriptFacts>,
    /// Lines that begin at the asked moment or later, in order of time.
    pub lines: Vec<LineView>,
    /// Lines of this version that begin before this moment will not change.
    pub settled_ms: u32,
}

/// What a version of a transcript was made with.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct TranscriptFacts {
    /// UUID.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub id: TranscriptId,
    /// 1 for the first.
    pub version: i32,
    /// Whether all of the recording is in it. Its lines are cut anew, with new ids, when it becomes so.
    pub complete: bool,
    /// Name of the engine.
    pub engine: String,
    /// Name of the speech model.
    pub model: String,
    /// What the model is called.
    pub model_title: String,
    /// Spoken language, BCP 47.
    pub language: Option<String>,
    /// Whether the model found out the language.
    pub language_detected: bool,
    /// Lines whose words should be doubted, of those that are told here.
    pub doubtful_lines: u32,
    /// Where the recording seems to be in another language than the text.
    pub other_languages: Vec<OtherLanguage>,
}

/// A part of a recording that seems to be in another language than the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct OtherLanguage {
    /// Where it begins, in milliseconds.
    pub start_ms: u32,
    /// That language, BCP 47.
    pub language: String,
}

/// A line of a transcript for reading.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct LineView {
    /// UUID.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub id: SegmentId,
    /// Milliseconds.
    pub start_ms: u32,
    /// Milliseconds.
    pub end_ms: u32,
    /// What is said.
    pub text: String,
    /// Why the words should be doubted, if they should.
    pub doubt: Option<Doubt>,
    /// Who says it: UUID.
    #[cfg_attr(feature = "specta", specta(type = Option<String>))]
    pub speaker_id: Option<SpeakerId>,
    /// Who else speaks at the same time: UUIDs.
    #[cfg_attr(feature = "specta", specta(type = Vec<String>))]
    pub also: Vec<SpeakerId>,
    /// Whether it was given to its speaker by hand.
    pub assigned: bool,
}

/// Why words should be doubted although a model wrote them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// The model seems to have repeated itself.
    Repetition,
    /// The sound there is no speech, or too little or too much of it for these words.
    Invented,
    /// The characters are damaged, or of a script that the language is not written in.
    Garbled,
}

impl From<transcript::Reason> for Doubt {
    fn from(reason: transcript::Reason) -> Self {
        match reason {
            transcript::Reason::Repetition => Self::Repetition,
            transcript::Reason::Invented => Self::Invented,
            transcript::Reason::Garbled => Self::Garbled,
        }
    }
}

/// What a delete takes away and what it leaves.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct DeletionView {
    /// Title of the meeting.
    pub title: String,
    /// Exports in the app's own folder, which go too.
    pub own_exports: u32,
    /// Paths of exports that stay where they were saved.
    pub kept_exports: Vec<String>,
}

/// A version of a transcript.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TranscriptView {
    /// 1 for the first.
    pub version: i32,
    /// Whether all of the recording is in it.
    pub complete: bool,
    /// Name of the engine.
    pub engine: String,
    /// Name of the speech model.
    pub model: String,
    /// What the model is called.
    pub model_title: String,
    /// SHA-256 of the model's file.
    pub model_sha256: Option<String>,
    /// Spoken language, BCP 47.
    pub language: Option<String>,
    /// Where the recording seems to be in another language than the text.
    pub other_languages: Vec<OtherLanguage>,
    /// Who speaks; empty until speakers are told apart.
    pub speakers: Vec<SpeakerFacts>,
    /// Lines in order of time.
    pub segments: Vec<SegmentView>,
    /// Who spoke when; empty until speakers are told apart.
    pub turns: Vec<TurnView>,
}

/// A line of a transcript.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SegmentView {
    /// UUID.
    pub id: SegmentId,
    /// Milliseconds.
    pub start_ms: u32,
    /// Milliseconds.
    pub end_ms: u32,
    /// Who says it.
    pub speaker_id: Option<SpeakerId>,
    /// Their name or label.
    pub speaker: Option<String>,
    /// What is said.
    pub text: String,
    /// Word by word.
    pub words: Vec<Word>,
    /// Why the words should be doubted; absent if they should not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doubt: Option<Doubt>,
    /// Whether several speak at once; absent if not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub overlap: bool,
}

/// Who somebody is who speaks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SpeakerFacts {
    /// UUID.
    pub id: SpeakerId,
    /// “Speaker 1” in order of appearance.
    pub label: String,
    /// The name the user gave.
    pub name: Option<String>,
}

/// A stretch of one speaker.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct TurnView {
    /// Milliseconds.
    pub start_ms: u32,
    /// Milliseconds.
    pub end_ms: u32,
    /// Who: UUID.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub speaker_id: SpeakerId,
    /// How sure that is, from 0 to 1.
    pub confidence: Option<f64>,
    /// Whether somebody else speaks at the same time.
    pub overlap: bool,
}
