//! What crosses to a window or a script: plain data, in the words of the command-line contract.

mod models;
mod speakers;
mod versions;

pub use crate::choice::Choice;
pub use models::{ModelNews, ModelRoom, ModelSource, ModelSpeed, ModelState, ModelView};
pub use speakers::{
    Expected, MeetingOfPerson, PeopleView, PersonView, SampleView, SpeakerView, SpeakersState, SpeakersView,
    Stretch, StretchView, SuggestionView, TurnView, Whom,
};
pub use versions::{ComparePiece, CompareRow, Comparison, VersionState, VersionView};

use crate::App;
use crate::choice::choice_given;
use crate::refusal::{Code, refuse};
use crate::speakers::Cast;
use anyhow::Result;
use chrono::{DateTime, FixedOffset, Local, NaiveDateTime, SecondsFormat, TimeZone, Utc};
use serde::Serialize;
use std::cell::LazyCell;
use std::collections::HashMap;
use store::{
    ExportId, ExportJob, Job, JobId, SegmentId, SpeakerId, Status, StoredSegment, Task, TaskKind, TextLine,
    Transcript, TranscriptId, WorkflowState,
};
use transcript::{AudioTime, Word};

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

/// What adding files and folders would do.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct DropView {
    /// Recordings among the files.
    pub recordings: u32,
    /// Folders, with what was found in them.
    pub folders: Vec<DroppedFolder>,
    /// Files that cannot be taken, each with a sentence.
    pub unsuitable: Vec<String>,
}

/// A folder that would be added.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct DroppedFolder {
    /// Its name.
    pub name: String,
    /// Recordings found in it.
    pub recordings: u32,
    /// Whether all of it was looked at; counting stops after a while.
    pub counted: bool,
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

/// A file that was or is to be made of a meeting.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ExportView {
    /// UUID.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub export_id: ExportId,
    /// What kind of file.
    #[serde(rename = "type")]
    pub kind: String,
    /// How it stands.
    pub status: JobStatus,
    /// Where it is.
    pub path: Option<String>,
    /// 0 to 100.
    pub progress: i32,
    /// Why there is none.
    pub error_message: Option<String>,
    /// What the user should know of it.
    pub note: Option<String>,
}

impl App {
    /// A job as it is shown, with its progress if it is being worked on.
    pub(crate) async fn view(&self, job: Job) -> Result<JobView> {
        Ok(self.views(vec![job]).await?.remove(0))
    }

    /// Jobs as they are shown. Settings and models are looked up once for all of them.
    pub(crate) async fn views(&self, jobs: Vec<Job>) -> Result<Vec<JobView>> {
        let mut views = Vec::with_capacity(jobs.len());
        for (job, choice, is_missing) in self.with_choices(jobs).await? {
            let task = match job.status()? {
                Status::Processing => self.store.open_task(job.id).await?,
                _ => None,
            };
            views.push(self.view_with(job, task, choice, is_missing)?);
        }
        Ok(views)
    }

    /// Each job with its choice, and whether it has failed and its speech model is not here.
    async fn with_choices(&self, jobs: Vec<Job>) -> Result<Vec<(Job, Choice, bool)>> {
        let app = self.clone();
        let look = move || {
            let defaults = LazyCell::new(|| app.defaults());
            let mut here: HashMap<String, bool> = HashMap::new();
            let with_choice = |job: Job| {
                let choice = choice_given(&job, || defaults.clone());
                let failed = job.status()? == Status::Failed && !job.is_cancelled();
                let is_here = !failed
                    || *here.entry(choice.model.clone()).or_insert_with(|| app.is_here(&choice.model, None));
                Ok((job, choice, !is_here))
            };
            jobs.into_iter().map(with_choice).collect()
        };
        tokio::task::spawn_blocking(look).await?
    }

    fn view_with(
        &self,
        job: Job,
        task: Option<Task>,
        choice: Choice,
        model_missing: bool,
    ) -> Result<JobView> {
        Ok(JobView {
            model_missing,
            model_title: self.room.title(&choice.model),
            model: choice.model,
            id: job.id,
            status: job.status()?.into(),
            workflow_state: job.workflow_state().map(WorkStep::from),
            title: title(&job),
            duration_ms: job.duration_ms.and_then(|ms| u32::try_from(ms).ok()),
            recorded_at: recorded_at(&job).map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)),
            created_at: utc(job.created_at),
            updated_at: utc(job.updated_at),
            byte_size: job.byte_size.and_then(|bytes| u64::try_from(bytes).ok()),
            is_here: self.library.holds(&job),
            progress: task.map(|task| progress(&task, job.workflow_state())),
            file_name: job.file_name,
            file_hash: job.file_hash,
            error_message: job.error_message,
            media_format: job.media_format,
            media_note: job.media_note,
        })
    }
}

pub(crate) fn title(job: &Job) -> String {
    job.title.clone().unwrap_or_else(|| crate::names::title_from(&job.file_name))
}

/// When a recording was made, by the clock that every surface shows it by: see [`by_its_clock`].
pub(crate) fn recorded_at(job: &Job) -> Option<DateTime<FixedOffset>> {
    Some(by_its_clock(job.recorded_at?, job.recorded_offset_s, &Local))
}

/// A moment by the recording's own clock, if its file names an offset that is not UTC. Most recorders that write UTC do so
/// because their format asks for it, wherever they are, so that such a moment is told by the clock of `here`.
fn by_its_clock<Z: TimeZone>(at: DateTime<Utc>, offset_s: Option<i32>, here: &Z) -> DateTime<FixedOffset> {
    match offset_s.filter(|seconds| *seconds != 0).and_then(FixedOffset::east_opt) {
        Some(own) => at.with_timezone(&own),
        None => at.with_timezone(here).fixed_offset(),
    }
}

/// A [`JobView::recorded_at`] for a reader, as exports have it: `1 January 2025, 00:30 (UTC+1)`.
pub fn recorded_in_words(rfc3339: &str) -> String {
    DateTime::parse_from_rfc3339(rfc3339).map_or_else(|_| rfc3339.to_owned(), export::day_and_hour)
}

fn utc(at: NaiveDateTime) -> String {
    DateTime::<Utc>::from_naive_utc_and_offset(at, Utc).to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The words take about this share of the work; telling speakers apart takes the rest (65 and 13 CPU seconds for nine
/// minutes of speech on two cores).
const SHARE_OF_WORDS: f64 = 0.85;

fn progress(task: &Task, state: Option<WorkflowState>) -> ProgressView {
    let ms = |value: i64| u32::try_from(value).unwrap_or(0);
    let done = |total: i64| (task.done.max(0) as f64 / total.max(1) as f64).min(1.0);
    let share = task.total.map(|total| match state {
        Some(WorkflowState::Diarizing) if task.kind() == Some(TaskKind::Diarize) => done(total),
        Some(WorkflowState::Diarizing) => SHARE_OF_WORDS + (1.0 - SHARE_OF_WORDS) * done(total),
        Some(WorkflowState::Aligning | WorkflowState::Done) => 1.0,
        _ => SHARE_OF_WORDS * done(total),
    });
    ProgressView {
        audio_done_ms: ms(task.done),
        audio_total_ms: task.total.map(ms),
        real_time_factor: task.real_time_factor,
        left_ms: task.left_ms.map(|ms| ms.max(0) as f64),
        share,
    }
}

pub(crate) fn transcript_view(
    version: Transcript,
    model_title: String,
    lines: Vec<StoredSegment>,
    other_languages: Vec<OtherLanguage>,
    cast: &Cast,
) -> TranscriptView {
    let other_languages = if is_translated(&version) { Vec::new() } else { other_languages };
    TranscriptView {
        version: version.version,
        complete: version.is_complete(),
        engine: version.engine,
        model: version.model,
        model_title,
        model_sha256: version.model_sha256,
        other_languages,
        language: version.language,
        speakers: cast.facts(),
        segments: lines.into_iter().map(|line| segment_view(line, cast)).collect(),
        turns: cast.turns(),
    }
}

pub(crate) fn transcript_facts(
    version: &Transcript,
    model_title: String,
    lines: &[TextLine],
    other_languages: Vec<OtherLanguage>,
) -> TranscriptFacts {
    let asked = version.settings.get("language").is_some_and(|language| !language.is_null());
    let doubtful = lines.iter().filter(|line| line.doubt.is_some()).count();
    TranscriptFacts {
        id: version.id,
        version: version.version,
        complete: version.is_complete(),
        engine: version.engine.clone(),
        model: version.model.clone(),
        model_title,
        language_detected: version.language.is_some() && !asked,
        language: version.language.clone(),
        doubtful_lines: u32::try_from(doubtful).unwrap_or(u32::MAX),
        other_languages: if is_translated(version) { Vec::new() } else { other_languages },
    }
}

/// Whether the text is in English, whatever is spoken.
pub(crate) fn is_translated(version: &Transcript) -> bool {
    version.settings.get("translate").and_then(serde_json::Value::as_bool).unwrap_or(false)
}

pub(crate) fn line_view(line: TextLine, cast: &Cast) -> LineView {
    LineView {
        id: line.id,
        start_ms: line.span.start.as_ms(),
        end_ms: line.span.end.as_ms(),
        text: line.text,
        doubt: line.doubt.map(Into::into),
        speaker_id: line.speaker.and_then(|id| cast.shown(id)).map(|speaker| speaker.id),
        also: cast.also(line.span, line.speaker),
        assigned: line.by_hand,
    }
}

fn segment_view(line: StoredSegment, cast: &Cast) -> SegmentView {
    let time = AudioTime::as_ms;
    let speaker = line.speaker.and_then(|id| cast.shown(id));
    SegmentView {
        id: line.id,
        start_ms: time(line.segment.span.start),
        end_ms: time(line.segment.span.end),
        speaker_id: speaker.map(|speaker| speaker.id),
        speaker: speaker.map(Cast::name_of),
        text: line.segment.text,
        words: line.segment.words,
        doubt: line.segment.doubt.map(Into::into),
        overlap: line.overlap,
    }
}

pub(crate) fn export_view(export: ExportJob) -> Result<ExportView> {
    Ok(ExportView {
        export_id: export.id,
        status: export.status()?.into(),
        kind: export.export_type,
        path: export.file_path,
        progress: export.progress.unwrap_or(0),
        error_message: export.error_message,
        note: export.note,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_by_the_clock_of_the_recording_or_else_of_this_computer() {
        let at: DateTime<Utc> = "2024-12-31T23:30:00Z".parse().expect("a moment");
        let berlin = FixedOffset::east_opt(3600).expect("an offset");
        for (offset_s, words) in [
            (None, "1 January 2025, 00:30 (UTC+1)"),
            (Some(0), "1 January 2025, 00:30 (UTC+1)"),
            (Some(9 * 3600), "1 January 2025, 08:30 (UTC+9)"),
            (Some(-12_600), "31 December 2024, 20:00 (UTC−3:30)"),
            (Some(i32::MAX), "1 January 2025, 00:30 (UTC+1)"),
        ] {
            let told = by_its_clock(at, offset_s, &berlin).to_rfc3339_opts(SecondsFormat::Secs, true);
            assert_eq!(recorded_in_words(&told), words, "{offset_s:?}");
        }
    }
}
