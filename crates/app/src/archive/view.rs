//! Recordings and meetings as they are sent to the window or printed as JSON.

use crate::user_error::{ErrorCode, user_error};
use anyhow::Result;
use serde::Serialize;
use store::{FolderId, JobId, SegmentId, SpeakerId, Status, TagId, TranscriptId, WorkflowState};
use transcript::Word;

/// A recording and its state.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct JobView {
    /// UUID.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub id: JobId,
    /// The name of the imported file.
    pub file_name: String,
    /// SHA-256 of the file.
    pub file_hash: Option<String>,
    /// Its state.
    pub status: JobStatus,
    /// Priority of a waiting recording; the greatest is next …
    pub priority: i32,
    /// … and of equal ones, the one that has waited longest. RFC 3339, UTC; none unless it waits.
    pub waiting_since: Option<String>,
    /// The furthest step that was begun.
    pub workflow_state: Option<WorkStep>,
    /// Why it failed.
    pub error_message: Option<String>,
    /// The title given by the user, else the file name without the extension of an audio or video file.
    pub title: String,
    /// Length in milliseconds.
    pub duration_ms: Option<u32>,
    /// When it was recorded: RFC 3339, with the UTC offset that the file names; if it names none or UTC, with the
    /// offset of this computer.
    pub recorded_at: Option<String>,
    /// When it was imported: RFC 3339, UTC.
    pub created_at: String,
    /// When it last changed: RFC 3339, UTC.
    pub updated_at: String,
    /// Bytes.
    #[cfg_attr(feature = "specta", specta(type = Option<f64>))]
    pub byte_size: Option<u64>,
    /// Container and codec.
    pub media_format: Option<String>,
    /// What is wrong with the audio, although it was transcribed.
    pub media_note: Option<String>,
    /// Whether the audio is in this computer's library. Others are shown but not worked on.
    pub is_here: bool,
    /// Whether the user keeps it: clean-up removes neither it nor its audio nor its exports.
    pub pinned: bool,
    /// When clean-up removed its audio; none if the audio is kept. The text is there in any case. RFC 3339, UTC.
    pub audio_removed_at: Option<String>,
    /// Progress of the work, while it runs.
    pub progress: Option<ProgressView>,
    /// Id of the speech model that it was or will be transcribed with.
    pub model: String,
    /// Title of that model.
    pub model_title: String,
    /// Whether it has failed and that model is not installed.
    pub model_missing: bool,
    /// The folder that it is in: UUID; none if it is in none.
    #[cfg_attr(feature = "specta", specta(type = Option<String>))]
    pub folder_id: Option<FolderId>,
    /// Whether it is a favourite.
    pub favourite: bool,
    /// Its tags, by name: UUIDs.
    #[cfg_attr(feature = "specta", specta(type = Vec<String>))]
    pub tags: Vec<TagId>,
    /// Since when it is in the trash; none if it is not. RFC 3339, UTC.
    pub trashed_at: Option<String>,
    /// Whether it has a note that is not empty.
    pub has_note: bool,
}

/// The state of a recording or an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// It waits for its turn.
    Pending,
    /// It is being worked on.
    Processing,
    /// It is done.
    Completed,
    /// It failed with a message, or was cancelled.
    Failed,
}

impl JobStatus {
    /// Parses the name of a status.
    ///
    /// # Errors
    /// [`ErrorCode::NotOffered`] for an unknown name.
    pub fn from_word(word: &str) -> Result<Self> {
        let known = "pending, processing, completed or failed";
        let status = Status::parse(word).map(Self::from);
        status.ok_or_else(|| {
            user_error(ErrorCode::NotOffered, format!("There is no status “{word}”; it is {known}."))
        })
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
    /// It waits.
    Queued,
    /// The file is being read.
    Decoding,
    /// Words are being recognised.
    Transcribing,
    /// It is being diarized.
    Diarizing,
    /// Words are being cut into segments.
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

/// Progress of the work on a recording.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ProgressView {
    /// Milliseconds of audio done.
    pub audio_done_ms: u32,
    /// Total milliseconds of audio.
    pub audio_total_ms: Option<u32>,
    /// Seconds of work per second of audio; 0.25 is four times real time.
    pub real_time_factor: Option<f64>,
    /// Approximate milliseconds of work left in this step.
    pub left_ms: Option<f64>,
    /// The share of all steps that is done, from 0 to 1; none while the length of the recording is unknown. It never
    /// falls while the same process works.
    pub share: Option<f64>,
}

/// A recording with its transcript.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MeetingView {
    /// The recording.
    pub job: JobView,
    /// The current version, or the one in progress; none before the first window.
    pub transcript: Option<TranscriptView>,
}

/// A meeting for reading: its segments from a moment on, without the times of words.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct MeetingPage {
    /// The recording.
    pub job: JobView,
    /// The current version, or the one in progress; none before the first window.
    pub transcript: Option<TranscriptInfo>,
    /// Segments that begin at the requested moment or later, in order of time.
    #[serde(rename = "lines")]
    pub segments: Vec<SegmentView>,
    /// Segments of this version that begin before this moment will not change.
    pub settled_ms: u32,
}

/// What a version of a transcript was made with, without its text.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct TranscriptInfo {
    /// UUID.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub id: TranscriptId,
    /// 1 for the first.
    pub version: i32,
    /// Whether it covers the whole recording. When it becomes complete, its segments are cut anew and get new ids.
    pub complete: bool,
    /// Name of the engine.
    pub engine: String,
    /// Id of the speech model.
    pub model: String,
    /// Title of the speech model.
    pub model_title: String,
    /// Spoken language, BCP 47.
    pub language: Option<String>,
    /// Whether the model detected the language.
    pub language_detected: bool,
    /// Number of doubtful segments among those requested.
    #[serde(rename = "doubtful_lines")]
    pub doubtful_segments: u32,
    /// Parts that seem to be in another language than the text.
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

/// A segment of a transcript, without the times of its words.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct SegmentView {
    /// UUID.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub id: SegmentId,
    /// Milliseconds.
    pub start_ms: u32,
    /// Milliseconds.
    pub end_ms: u32,
    /// Its text.
    pub text: String,
    /// Why its words are doubtful, if they are.
    pub doubt: Option<Doubt>,
    /// Its speaker: UUID.
    #[cfg_attr(feature = "specta", specta(type = Option<String>))]
    pub speaker_id: Option<SpeakerId>,
    /// Other speakers who speak at the same time: UUIDs.
    #[cfg_attr(feature = "specta", specta(type = Vec<String>))]
    pub also: Vec<SpeakerId>,
    /// Whether a user assigned it to its speaker.
    pub assigned: bool,
}

/// Why words are doubtful (see the hallucination guard in `speech`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// The model seems to have repeated itself.
    Repetition,
    /// The audio there has no speech, or too little or too much of it for these words.
    Invented,
    /// The characters are damaged, or of a script that the language does not use.
    Garbled,
}

impl From<transcript::DoubtReason> for Doubt {
    fn from(reason: transcript::DoubtReason) -> Self {
        match reason {
            transcript::DoubtReason::Repetition => Self::Repetition,
            transcript::DoubtReason::Invented => Self::Invented,
            transcript::DoubtReason::Garbled => Self::Garbled,
        }
    }
}

/// What deleting a meeting removes and leaves.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct DeletionView {
    /// Title of the meeting.
    pub title: String,
    /// Number of exports in the app's own folder, which are deleted too.
    pub own_exports: u32,
    /// Paths of exports elsewhere, which stay.
    pub kept_exports: Vec<String>,
}

/// A version of a transcript with its text.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TranscriptView {
    /// 1 for the first.
    pub version: i32,
    /// Whether it covers the whole recording.
    pub complete: bool,
    /// Name of the engine.
    pub engine: String,
    /// Id of the speech model.
    pub model: String,
    /// Title of the speech model.
    pub model_title: String,
    /// SHA-256 of the model's file.
    pub model_sha256: Option<String>,
    /// Spoken language, BCP 47.
    pub language: Option<String>,
    /// Parts that seem to be in another language than the text.
    pub other_languages: Vec<OtherLanguage>,
    /// The speakers; empty until the recording is diarized.
    pub speakers: Vec<SpeakerSummary>,
    /// The segments in order of time.
    pub segments: Vec<SegmentWithWords>,
    /// The turns; empty until the recording is diarized.
    pub turns: Vec<TurnView>,
}

/// A segment of a transcript with its words.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SegmentWithWords {
    /// UUID.
    pub id: SegmentId,
    /// Milliseconds.
    pub start_ms: u32,
    /// Milliseconds.
    pub end_ms: u32,
    /// Its speaker.
    pub speaker_id: Option<SpeakerId>,
    /// The speaker's name or label.
    pub speaker: Option<String>,
    /// Its text.
    pub text: String,
    /// Its words, with times.
    pub words: Vec<Word>,
    /// Why its words are doubtful; absent if they are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doubt: Option<Doubt>,
    /// Whether several speakers speak at once; absent if not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub overlap: bool,
}

/// A speaker's label and name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SpeakerSummary {
    /// UUID.
    pub id: SpeakerId,
    /// “Speaker 1”, in order of appearance.
    pub label: String,
    /// The name, if it has one.
    pub name: Option<String>,
}

/// A turn: a span in which one speaker speaks.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct TurnView {
    /// Milliseconds.
    pub start_ms: u32,
    /// Milliseconds.
    pub end_ms: u32,
    /// The speaker: UUID.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub speaker_id: SpeakerId,
    /// Confidence of the diarizer, from 0 to 1.
    pub confidence: Option<f64>,
    /// Whether another speaker speaks at the same time.
    pub overlap: bool,
}
