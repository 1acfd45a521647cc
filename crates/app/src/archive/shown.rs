//! Makes what is shown of recordings, meetings and their lines.

use crate::App;
use crate::archive::view::{
    JobView, LineView, OtherLanguage, ProgressView, SegmentView, TranscriptFacts, TranscriptView, WorkStep,
};
use crate::speakers::cast::Cast;
use crate::transcribe::choice::{Choice, choice_given};
use anyhow::Result;
use chrono::{DateTime, FixedOffset, Local, NaiveDateTime, SecondsFormat, TimeZone, Utc};
use std::cell::LazyCell;
use std::collections::HashMap;
use store::{Job, JobId, Status, StoredSegment, Task, TaskKind, TextLine, Transcript, WorkflowState};
use transcript::AudioTime;

impl App {
    /// A job as it is shown, with its progress if it is being worked on.
    pub(crate) async fn view(&self, job: Job) -> Result<JobView> {
        Ok(self.views(vec![job]).await?.remove(0))
    }

    /// Jobs as they are shown. Settings and models are looked up once for all of them.
    pub(crate) async fn views(&self, jobs: Vec<Job>) -> Result<Vec<JobView>> {
        let mut views = Vec::with_capacity(jobs.len());
        let open = |job: &&Job| matches!(job.status(), Ok(Status::Pending | Status::Processing));
        let open: Vec<JobId> = jobs.iter().filter(open).map(|job| job.id).collect();
        let tasks = if open.is_empty() { Vec::new() } else { self.store.open_tasks(&open).await? };
        let mut tasks: HashMap<JobId, Task> = tasks.into_iter().map(|task| (task.job_id, task)).collect();
        for (job, choice, is_missing) in self.with_choices(jobs).await? {
            let task = tasks.remove(&job.id);
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
        let status = job.status()?;
        let (waiting, working) = match status {
            Status::Pending => (task.as_ref(), None),
            Status::Processing => (None, task.as_ref()),
            _ => (None, None),
        };
        Ok(JobView {
            model_missing,
            model_title: self.room.title(&choice.model),
            model: choice.model,
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
            priority: waiting.map_or(0, |task| task.priority),
            waiting_since: waiting.map(|task| task.created_at.to_rfc3339_opts(SecondsFormat::Micros, true)),
            progress: working.map(|task| progress(task, job.workflow_state())),
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
