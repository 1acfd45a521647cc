//! `meetmemo transcribe` and `meetmemo versions`: the versions of a recording's transcript.

use crate::arguments::{ModelOptions, Versions};
use crate::exit::exit_code;
use crate::print;
use crate::progress::ProgressDisplay;
use anyhow::Result;
use app::view::{ComparePiece, JobStatus, SpeakerCount, VersionState, VersionView};
use app::{App, JobId, TranscriptionOptions, WorkScope};
use std::process::ExitCode;
use tokio::sync::watch;
use transcript::AudioTime;

/// The options of `transcribe`.
pub(crate) struct Request {
    pub(crate) model: Option<String>,
    pub(crate) options: ModelOptions,
    pub(crate) speakers: Option<SpeakerCount>,
}

/// Transcribes a recording again.
pub(crate) async fn transcribe(
    app: &App,
    id: JobId,
    Request { model, options, speakers }: Request,
    wait: bool,
    json: bool,
    stop: watch::Receiver<bool>,
) -> Result<ExitCode> {
    let before = app.transcription_options(id).await?;
    let options = match model {
        // Another model may not support the language and translation of the previous one.
        Some(model) if model != before.model => {
            options.override_in(TranscriptionOptions { model, language: None, translate: false, ..before })
        }
        _ => options.override_in(before),
    };
    let options = TranscriptionOptions { speakers: speakers.or(options.speakers), ..options };
    let mut job = app.transcribe_again(id, &options).await?;
    let mut well = true;
    if wait {
        let display = ProgressDisplay::start(app, vec![id]);
        app.work(&WorkScope::Only(vec![id]), stop).await?;
        drop(display);
        job = app.find(id).await?;
        let unfinished = why_unfinished(app, id).await?;
        well = job.status == JobStatus::Completed && unfinished.is_none();
        if let (true, Some(why)) = (job.status == JobStatus::Completed, unfinished) {
            print::error(&why);
        }
    }
    if json {
        print::json(&job);
    } else if well {
        print::line(&format!("{}.", print::status_sentence(&job)));
    } else if job.status == JobStatus::Completed {
        print::line(&format!("“{}” keeps its old text.", job.title));
    } else {
        print::line(&format!("{}.", print::status_sentence(&job)));
    }
    Ok(exit_code(well))
}

/// Why the newest version of a recording is not complete; `None` if it is.
pub(crate) async fn why_unfinished(app: &App, id: JobId) -> Result<Option<String>> {
    let newest = app.versions(id).await?.into_iter().next();
    let unfinished = newest.filter(|version| version.state != VersionState::Complete);
    Ok(unfinished
        .map(|version| version.error_message.unwrap_or_else(|| "The transcription was stopped.".to_owned())))
}

pub(crate) async fn versions(app: &App, request: Versions, json: bool) -> Result<ExitCode> {
    let Versions { job, show, compare, make_current } = request;
    let job = app.find_job_by_prefix(&job).await?;
    if let Some(version) = show {
        let page = app.version_page(job, app.find_version(job, &version).await?).await?;
        if json {
            print::json(&page);
        }
        for segment in page.segments.iter().filter(|_| !json) {
            print::line(&format!("{}  {}", AudioTime::from_ms(segment.start_ms), segment.text));
        }
    } else if let [left, right] = compare.as_slice() {
        let (left, right) = (app.find_version(job, left).await?, app.find_version(job, right).await?);
        let comparison = app.compare_versions(job, left, right).await?;
        if json {
            print::json(&comparison);
            return Ok(ExitCode::SUCCESS);
        }
        print::line(&format!(
            "{} words are the same, {} only in version {}, {} only in version {}.",
            comparison.equal_words,
            comparison.left_only,
            comparison.left.number,
            comparison.right_only,
            comparison.right.number
        ));
        for row in comparison.rows.iter().filter(|row| row.changed) {
            let at = AudioTime::from_ms(row.start_ms);
            print::line(&format!("{at}  {:>3}  {}", comparison.left.number, marked(&row.left)));
            print::line(&format!("         {:>3}  {}", comparison.right.number, marked(&row.right)));
        }
    } else if let Some(version) = make_current {
        return print::changed_job(
            app.make_current(job, app.find_version(job, &version).await?).await?,
            json,
        );
    } else {
        let versions = app.versions(job).await?;
        if json {
            print::json(&versions);
        } else if versions.is_empty() {
            print::line("There is no transcript yet.");
        }
        for version in versions.iter().filter(|_| !json) {
            print::line(&version_line(version));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn version_line(version: &VersionView) -> String {
    let mark = if version.current { "*" } else { " " };
    let state = match version.state {
        VersionState::Complete => None,
        VersionState::Running => Some("being made".to_owned()),
        VersionState::Unfinished | VersionState::Failed => {
            let why = version.error_message.as_ref().map(|why| format!(": {}", why.trim_end_matches('.')));
            Some(format!("stopped at {}{}", AudioTime::from_ms(version.done_ms), why.unwrap_or_default()))
        }
    };
    let found = if version.language_detected { " (detected)" } else { "" };
    let language = version.language.as_ref().map(|language| format!("{language}{found}"));
    let doubtful = match version.doubtful_segments {
        0 => None,
        1 => Some("1 doubtful line".to_owned()),
        lines => Some(format!("{lines} doubtful lines")),
    };
    let day = version.created_at.get(..16).map(|at| at.replace('T', " "));
    let parts = [
        Some(version.model_title.clone()),
        state,
        language,
        Some(format!("{} words", version.words)),
        doubtful,
        day,
    ];
    format!("{mark} {:>3}  {}", version.number, parts.into_iter().flatten().collect::<Vec<_>>().join(" · "))
}

/// The words of one version; those that the other version does not have are in brackets.
fn marked(pieces: &[ComparePiece]) -> String {
    let piece = |piece: &ComparePiece| {
        if piece.changed { format!("[{}]", piece.text) } else { piece.text.clone() }
    };
    pieces.iter().map(piece).collect::<Vec<_>>().join(" ")
}
