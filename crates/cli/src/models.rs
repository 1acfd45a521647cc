//! The commands about speech models and versions of transcripts.

use crate::arguments::{Choosing, Models, Versions};
use crate::print;
use crate::progress::Shown;
use anyhow::Result;
use app::view::{
    ComparePiece, Expected, JobStatus, ModelRoom, ModelState, ModelView, VersionState, VersionView,
};
use app::{App, Choice, JobId, Local, Scope};
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use transcript::AudioTime;

/// How often a download is told on a terminal, and elsewhere.
const EVERY: Duration = Duration::from_millis(500);
const SELDOM: Duration = Duration::from_secs(10);

pub(crate) async fn models(
    local: &Local,
    command: Models,
    json: bool,
    mut stop: watch::Receiver<bool>,
) -> Result<ExitCode> {
    match command {
        Models::List { all, language } => list(local, all, language.as_deref(), json).await,
        Models::Install { model } => {
            let told = Mutex::new(Instant::now());
            let installing = local.install_model(&model, move |state| say_state(state, &told));
            tokio::pin!(installing);
            tokio::select! {
                installed = &mut installing => installed?,
                _ = stop.wait_for(|stop| *stop) => {
                    local.stop_install(&model);
                    installing.await?;
                }
            }
            clear_line();
            installed(local, &model, json).await
        }
        Models::Add { file, link } => {
            let id = local.import_model(&file, link).await?;
            installed(local, &id, json).await
        }
        Models::Remove { model } => {
            local.remove_model(&model).await?;
            if json {
                print::json(&serde_json::json!({ "removed": model }));
            } else {
                print::line(&format!("{model} is removed. Transcripts made with it stay."));
            }
            Ok(ExitCode::SUCCESS)
        }
        Models::Use { model, choosing } => {
            let choice = choosing.onto(Choice {
                model,
                language: None,
                translate: false,
                vocabulary: Vec::new(),
                speakers: None,
            });
            local.set_defaults(&choice).await?;
            let defaults = local.defaults();
            if json {
                print::json(&defaults);
            } else {
                print::line(&format!("New recordings are transcribed with {}.", defaults.model));
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn list(local: &Local, all: bool, language: Option<&str>, json: bool) -> Result<ExitCode> {
    let mut room = local.model_room().await?;
    if json {
        add_speeds(local, &mut room).await;
    }
    room.models.retain(|view| {
        let here = !matches!(view.state, ModelState::Available);
        let speaks = language.is_none_or(|asked| view.languages.iter().any(|tag| tag == asked));
        speaks && (all || here || (view.preferred && !view.telling_speakers))
    });
    if json {
        print::json(&room);
        return Ok(ExitCode::SUCCESS);
    }
    for view in &room.models {
        let mark = if view.id == room.defaults.model { "*" } else { " " };
        print::line(&format!("{mark} {:<44} {:>8}  {}", view.id, size(view.byte_size), facts(view)));
    }
    print::line("");
    print::line(
        "* transcribes new recordings. Get one: meetmemo models install NAME; then: meetmemo models use NAME",
    );
    Ok(ExitCode::SUCCESS)
}

/// What the archive knows of the models, where it can be opened.
async fn add_speeds(local: &Local, room: &mut ModelRoom) {
    let added = async { App::open(local.clone(), &|_| ()).await?.add_speeds(room).await };
    if let Err(error) = added.await {
        print::note(&format!("How fast the models are is not known now: {error:#}"));
    }
}

fn facts(view: &ModelView) -> String {
    let languages = match view.languages.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        several if several.len() <= 4 => Some(several.join(", ")),
        many => Some(format!("{} languages", many.len())),
    };
    let state = match &view.state {
        ModelState::BuiltIn => Some("comes along".to_owned()),
        ModelState::Available => None,
        ModelState::Installed { linked: false, .. } => Some("installed".to_owned()),
        ModelState::Installed { linked: true, file } => Some(format!("installed, in {file}")),
        ModelState::Paused { done_bytes, .. } => Some(format!("stopped at {}", size(Some(*done_bytes)))),
        ModelState::Failed { message, .. } | ModelState::Damaged { message } => Some(message.clone()),
        ModelState::Downloading { .. } | ModelState::Copying { .. } | ModelState::Checking => {
            Some("on its way".to_owned())
        }
    };
    let rate = view.word_error_rate.map(|rate| format!("{rate} % wrong words"));
    let recommended = view.recommended.then(|| "recommended for this computer".to_owned());
    let large = (!view.fits).then(|| "too large for this computer's memory".to_owned());
    let parts = [state, Some(view.title.clone()), languages, rate, view.licence.clone(), recommended, large];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

fn size(bytes: Option<u64>) -> String {
    match bytes {
        None => "–".to_owned(),
        Some(bytes) if bytes >= 1_000_000_000 => format!("{:.1} GB", bytes as f64 / 1e9),
        Some(bytes) => format!("{} MB", bytes.div_ceil(1_000_000)),
    }
}

fn say_state(state: &ModelState, told: &Mutex<Instant>) {
    let terminal = std::io::stderr().is_terminal();
    let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
    if told.elapsed() < if terminal { EVERY } else { SELDOM } {
        return;
    }
    *told = Instant::now();
    let text = match state {
        ModelState::Downloading { done_bytes, total_bytes, bytes_per_second, left_ms, mirror } => {
            let of = total_bytes.map(|total| format!(" of {}", size(Some(total)))).unwrap_or_default();
            let speed =
                bytes_per_second.map(|speed| format!(" · {:.1} MB/s", speed / 1e6)).unwrap_or_default();
            let left =
                left_ms.map(|ms| format!(" · about {} s left", (ms / 1000.0).ceil())).unwrap_or_default();
            format!("{}{of}{speed}{left} · {mirror}", size(Some(*done_bytes)))
        }
        ModelState::Checking => "Checking …".to_owned(),
        _ => return,
    };
    if terminal {
        let _ = write!(std::io::stderr(), "\r\x1b[K{}", print::harmless(&text));
    } else {
        print::note(&text);
    }
}

fn clear_line() {
    if std::io::stderr().is_terminal() {
        let _ = write!(std::io::stderr(), "\r\x1b[K");
    }
}

async fn installed(local: &Local, id: &str, json: bool) -> Result<ExitCode> {
    let room = local.model_room().await?;
    let Some(view) = room.models.iter().find(|view| view.id == id) else { return Ok(ExitCode::FAILURE) };
    let here = matches!(view.state, ModelState::Installed { .. });
    if json {
        print::json(view);
    } else if here {
        print::line(&format!("{} is installed ({}).", view.title, view.id));
        if room.defaults.model != view.id {
            print::line(&format!("For new recordings: meetmemo models use {}", view.id));
        }
    } else {
        print::note("Stopped. What has come is kept; the same command goes on from there.");
    }
    Ok(if here { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What `transcribe` was asked for.
pub(crate) struct Asked {
    pub(crate) model: Option<String>,
    pub(crate) choosing: Choosing,
    pub(crate) speakers: Option<Expected>,
}

/// Transcribes a recording again.
pub(crate) async fn transcribe(
    app: &App,
    id: JobId,
    Asked { model, choosing, speakers }: Asked,
    wait: bool,
    json: bool,
    stop: watch::Receiver<bool>,
) -> Result<ExitCode> {
    let before = app.choice(id).await?;
    let choice = match model {
        // Another model need not know what the last one was asked for.
        Some(model) if model != before.model => {
            choosing.onto(Choice { model, language: None, translate: false, ..before })
        }
        _ => choosing.onto(before),
    };
    let choice = Choice { speakers: speakers.or(choice.speakers), ..choice };
    let mut job = app.transcribe_again(id, &choice).await?;
    let mut well = true;
    if wait {
        let shown = Shown::start(app, vec![id]);
        app.work(&Scope::Only(vec![id]), stop).await?;
        drop(shown);
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
        print::line(&format!("{}.", print::becomes(&job)));
    } else if job.status == JobStatus::Completed {
        print::line(&format!("“{}” has its old text still.", job.title));
    } else {
        print::line(&format!("{}.", print::becomes(&job)));
    }
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Why the newest version of a recording is not complete; none if it is.
pub(crate) async fn why_unfinished(app: &App, id: JobId) -> Result<Option<String>> {
    let newest = app.versions(id).await?.into_iter().next();
    let unfinished = newest.filter(|version| version.state != VersionState::Complete);
    Ok(unfinished
        .map(|version| version.error_message.unwrap_or_else(|| "The transcription was stopped.".to_owned())))
}

pub(crate) async fn versions(app: &App, asked: Versions, json: bool) -> Result<ExitCode> {
    let Versions { job, show, compare, make_current } = asked;
    let job = app.job_beginning_with(&job).await?;
    if let Some(version) = show {
        let page = app.version_page(job, app.version_called(job, &version).await?).await?;
        if json {
            print::json(&page);
        }
        for line in page.lines.iter().filter(|_| !json) {
            print::line(&format!("{}  {}", AudioTime::from_ms(line.start_ms), line.text));
        }
    } else if let [left, right] = compare.as_slice() {
        let (left, right) = (app.version_called(job, left).await?, app.version_called(job, right).await?);
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
        return print::changed(app.make_current(job, app.version_called(job, &version).await?).await?, json);
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
    let found = if version.language_detected { " (found out)" } else { "" };
    let language = version.language.as_ref().map(|language| format!("{language}{found}"));
    let doubtful = match version.doubtful_lines {
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

/// What the other version has otherwise, in brackets.
fn marked(pieces: &[ComparePiece]) -> String {
    let piece = |piece: &ComparePiece| {
        if piece.changed { format!("[{}]", piece.text) } else { piece.text.clone() }
    };
    pieces.iter().map(piece).collect::<Vec<_>>().join(" ")
}
