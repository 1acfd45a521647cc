//! Makes the views of recordings, meetings and segments from what `store` returns.

use crate::App;
use crate::archive::view::{
    JobView, OtherLanguage, ProgressView, SegmentView, SegmentWithWords, TranscriptInfo, TranscriptView,
    WorkStep,
};
use crate::speakers::meeting_speakers::MeetingSpeakers;
use crate::transcribe::options::{TranscriptionOptions, requested_options};
use anyhow::Result;
use chrono::{DateTime, FixedOffset, Local, NaiveDateTime, SecondsFormat, TimeZone, Utc};
use std::cell::LazyCell;
use std::collections::{HashMap, HashSet};
use store::{Job, JobId, SegmentText, Status, StoredSegment, Task, TaskKind, Transcript, WorkflowState};
use transcript::AudioTime;

impl App {
    /// The view of a job, with its progress if it is being worked on.
    pub(crate) async fn view(&self, job: Job) -> Result<JobView> {
        Ok(self.views(vec![job]).await?.remove(0))
    }

    /// The views of jobs. Settings, models, tags and notes are read once for all of them.
    pub(crate) async fn views(&self, jobs: Vec<Job>) -> Result<Vec<JobView>> {
        let mut views = Vec::with_capacity(jobs.len());
        let open = |job: &&Job| matches!(job.status(), Ok(Status::Pending | Status::Processing));
        let open: Vec<JobId> = jobs.iter().filter(open).map(|job| job.id).collect();
        let tasks = if open.is_empty() { Vec::new() } else { self.store.open_tasks(&open).await? };
        let mut tasks: HashMap<JobId, Task> = tasks.into_iter().map(|task| (task.job_id, task)).collect();
        let ids: Vec<JobId> = jobs.iter().map(|job| job.id).collect();
        let (mut tags, noted) = match ids.is_empty() {
            true => (HashMap::new(), HashSet::new()),
            false => tokio::try_join!(self.store.tags_of(&ids), self.store.with_note(&ids))?,
        };
        for (job, options, model_missing) in self.with_options(jobs).await? {
            let id = job.id;
            let view = self.view_with(job, tasks.remove(&id), options, model_missing)?;
            let tags = tags.remove(&id).unwrap_or_default();
            views.push(JobView { tags, has_note: noted.contains(&id), ..view });
        }
        Ok(views)
    }

    /// Each job with its options, and whether it has failed and its speech model is not installed.
    async fn with_options(&self, jobs: Vec<Job>) -> Result<Vec<(Job, TranscriptionOptions, bool)>> {
        let app = self.clone();
        let look = move || {
            let defaults = LazyCell::new(|| app.defaults());
            let mut here: HashMap<String, bool> = HashMap::new();
            let with_options = |job: Job| {
                let options = requested_options(&job, || defaults.clone());
                let failed = job.status()? == Status::Failed && !job.is_cancelled();
                let is_here = !failed
                    || *here
                        .entry(options.model.clone())
                        .or_insert_with(|| app.is_model_available(&options.model, None));
                Ok((job, options, !is_here))
            };
            jobs.into_iter().map(with_options).collect()
        };
        tokio::task::spawn_blocking(look).await?
    }

    /// The view of a job without its tags and note.
    fn view_with(
        &self,
        job: Job,
        task: Option<Task>,
        options: TranscriptionOptions,
        model_missing: bool,
    ) -> Result<JobView> {
        let status = job.status()?;
        let (waiting, working) = match status {
            Status::Pending => (task.as_ref(), None),
            Status::Processing => (None, task.as_ref()),
            _ => (None, None),
        };
        Ok(JobView {
            model_missing,
            model_title: self.models.title(&options.model),
            model: options.model,
            id: job.id,
            status: status.into(),
            workflow_state: job.workflow_state().map(WorkStep::from),
            title: title(&job),
            duration_ms: job.duration_ms.and_then(|ms| u32::try_from(ms).ok()),
            recorded_at: recorded_at(&job).map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)),
            created_at: utc(job.created_at),
            updated_at: utc(job.updated_at),
            byte_size: job.byte_size.and_then(|bytes| u64::try_from(bytes).ok()),
            is_here: self.library.holds(&job),
            pinned: job.pinned,
            audio_removed_at: job.audio_removed_at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)),
            priority: waiting.map_or(0, |task| task.priority),
            waiting_since: waiting.map(|task| task.created_at.to_rfc3339_opts(SecondsFormat::Micros, true)),
            progress: working.map(|task| progress(task, job.workflow_state())),
            file_name: job.file_name,
            file_hash: job.file_hash,
            error_message: job.error_message,
            media_format: job.media_format,
            media_note: job.media_note,
            folder_id: job.folder_id,
            favourite: job.favourite,
            trashed_at: job.trashed_at.map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true)),
            tags: Vec::new(),
            has_note: false,
        })
    }
}

/// The title given by the user, else the one made from the file name.
pub(crate) fn title(job: &Job) -> String {
    job.title.clone().unwrap_or_else(|| crate::file_names::title_from_file_name(&job.file_name))
}

/// When a recording was made, with the UTC offset to show it with: see [`with_own_offset`].
pub(crate) fn recorded_at(job: &Job) -> Option<DateTime<FixedOffset>> {
    Some(with_own_offset(job.recorded_at?, job.recorded_offset_s, &Local))
}

/// `at` with the offset that the recording's file names, if that is not UTC; else with the offset of `here`. Most
/// recorders that write UTC do so because their format demands it, wherever they are.
fn with_own_offset<Z: TimeZone>(at: DateTime<Utc>, offset_s: Option<i32>, here: &Z) -> DateTime<FixedOffset> {
    match offset_s.filter(|seconds| *seconds != 0).and_then(FixedOffset::east_opt) {
        Some(own) => at.with_timezone(&own),
        None => at.with_timezone(here).fixed_offset(),
    }
}

/// [`JobView::recorded_at`] in words, as exports have it: `1 January 2025, 00:30 (UTC+1)`.
pub fn recorded_in_words(rfc3339: &str) -> String {
    DateTime::parse_from_rfc3339(rfc3339).map_or_else(|_| rfc3339.to_owned(), export::date_and_time)
}

fn utc(at: NaiveDateTime) -> String {
    DateTime::<Utc>::from_naive_utc_and_offset(at, Utc).to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Share of recognition in the work on a recording; diarization has the rest (65 and 13 CPU seconds for nine minutes of
/// speech on two cores).
const RECOGNITION_SHARE: f64 = 0.85;

fn progress(task: &Task, state: Option<WorkflowState>) -> ProgressView {
    let ms = |value: i64| u32::try_from(value).unwrap_or(0);
    let done = |total: i64| (task.done.max(0) as f64 / total.max(1) as f64).min(1.0);
    let share = task.total.map(|total| match state {
        Some(WorkflowState::Diarizing) if task.kind() == Some(TaskKind::Diarize) => done(total),
        Some(WorkflowState::Diarizing) => RECOGNITION_SHARE + (1.0 - RECOGNITION_SHARE) * done(total),
        Some(WorkflowState::Aligning | WorkflowState::Done) => 1.0,
        _ => RECOGNITION_SHARE * done(total),
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
    segments: Vec<StoredSegment>,
    other_languages: Vec<OtherLanguage>,
    speakers: &MeetingSpeakers,
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
        speakers: speakers.summaries(),
        segments: segments.into_iter().map(|segment| segment_with_words(segment, speakers)).collect(),
        turns: speakers.turn_views(),
    }
}

pub(crate) fn transcript_info(
    version: &Transcript,
    model_title: String,
    segments: &[SegmentText],
    other_languages: Vec<OtherLanguage>,
) -> TranscriptInfo {
    let asked = version.settings.get("language").is_some_and(|language| !language.is_null());
    let doubtful = segments.iter().filter(|segment| segment.doubt.is_some()).count();
    TranscriptInfo {
        id: version.id,
        version: version.version,
        complete: version.is_complete(),
        engine: version.engine.clone(),
        model: version.model.clone(),
        model_title,
        language_detected: version.language.is_some() && !asked,
        language: version.language.clone(),
        doubtful_segments: u32::try_from(doubtful).unwrap_or(u32::MAX),
        other_languages: if is_translated(version) { Vec::new() } else { other_languages },
    }
}

/// Whether the version was translated into English.
pub(crate) fn is_translated(version: &Transcript) -> bool {
    version.settings.get("translate").and_then(serde_json::Value::as_bool).unwrap_or(false)
}

pub(crate) fn segment_view(segment: SegmentText, speakers: &MeetingSpeakers) -> SegmentView {
    SegmentView {
        id: segment.id,
        start_ms: segment.span.start.as_ms(),
        end_ms: segment.span.end.as_ms(),
        text: segment.text,
        doubt: segment.doubt.map(Into::into),
        speaker_id: segment.speaker.and_then(|id| speakers.resolve(id)).map(|speaker| speaker.id),
        also: speakers.others_during(segment.span, segment.speaker),
        assigned: segment.by_hand,
    }
}

fn segment_with_words(stored: StoredSegment, speakers: &MeetingSpeakers) -> SegmentWithWords {
    let time = AudioTime::as_ms;
    let speaker = stored.speaker.and_then(|id| speakers.resolve(id));
    SegmentWithWords {
        id: stored.id,
        start_ms: time(stored.segment.span.start),
        end_ms: time(stored.segment.span.end),
        speaker_id: speaker.map(|speaker| speaker.id),
        speaker: speaker.map(MeetingSpeakers::display_name),
        text: stored.segment.text,
        words: stored.segment.words,
        doubt: stored.segment.doubt.map(Into::into),
        overlap: stored.overlap,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_time_has_the_offset_of_its_file_or_else_of_this_computer() {
        let at: DateTime<Utc> = "2024-12-31T23:30:00Z".parse().expect("a moment");
        let berlin = FixedOffset::east_opt(3600).expect("an offset");
        for (offset_s, words) in [
            (None, "1 January 2025, 00:30 (UTC+1)"),
            (Some(0), "1 January 2025, 00:30 (UTC+1)"),
            (Some(9 * 3600), "1 January 2025, 08:30 (UTC+9)"),
            (Some(-12_600), "31 December 2024, 20:00 (UTC−3:30)"),
            (Some(i32::MAX), "1 January 2025, 00:30 (UTC+1)"),
        ] {
            let rfc3339 = with_own_offset(at, offset_s, &berlin).to_rfc3339_opts(SecondsFormat::Secs, true);
            assert_eq!(recorded_in_words(&rfc3339), words, "{offset_s:?}");
        }
    }
}
