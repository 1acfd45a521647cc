//! `meetmemo models`: list, install, add, remove and choose speech models.

use crate::arguments::Models;
use crate::exit::exit_code;
use crate::print;
use anyhow::Result;
use app::view::{ModelState, ModelView, ModelsOverview};
use app::{App, LocalApp, TranscriptionOptions};
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How often the progress of a download is printed on a terminal, and elsewhere.
const TERMINAL_INTERVAL: Duration = Duration::from_millis(500);
const LOG_INTERVAL: Duration = Duration::from_secs(10);

pub(crate) async fn models(
    local: &LocalApp,
    command: Models,
    json: bool,
    mut stop: watch::Receiver<bool>,
) -> Result<ExitCode> {
    match command {
        Models::List { all, language } => list(local, all, language.as_deref(), json).await,
        Models::Install { model } => {
            let last_printed = Mutex::new(Instant::now());
            let installing = local.install_model(&model, move |state| print_state(state, &last_printed));
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
        Models::Use { model, options } => {
            let options = options.override_in(TranscriptionOptions {
                model,
                language: None,
                translate: false,
                vocabulary: Vec::new(),
                speakers: None,
            });
            local.set_defaults(&options).await?;
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

async fn list(local: &LocalApp, all: bool, language: Option<&str>, json: bool) -> Result<ExitCode> {
    let mut overview = local.models_overview().await?;
    if json {
        add_speeds(local, &mut overview).await;
    }
    overview.models.retain(|view| {
        let here = !matches!(view.state, ModelState::Available);
        let speaks = language.is_none_or(|asked| view.languages.iter().any(|tag| tag == asked));
        speaks && (all || here || (view.preferred && !view.telling_speakers))
    });
    if json {
        print::json(&overview);
        return Ok(ExitCode::SUCCESS);
    }
    for view in &overview.models {
        let mark = if view.id == overview.defaults.model { "*" } else { " " };
        print::line(&format!("{mark} {:<44} {:>8}  {}", view.id, size(view.byte_size), facts(view)));
    }
    print::line("");
    print::line(
        "* transcribes new recordings. Get one: meetmemo models install NAME; then: meetmemo models use NAME",
    );
    Ok(ExitCode::SUCCESS)
}

/// Adds the measured speeds, if the archive can be opened.
async fn add_speeds(local: &LocalApp, overview: &mut ModelsOverview) {
    let added = async { App::open(local.clone(), &|_| ()).await?.add_speeds(overview).await };
    if let Err(error) = added.await {
        print::note(&format!("The speed of the models on this computer is not known now: {error:#}"));
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
        ModelState::BuiltIn => Some("included".to_owned()),
        ModelState::Available => None,
        ModelState::Installed { linked: false, .. } => Some("installed".to_owned()),
        ModelState::Installed { linked: true, file } => Some(format!("installed, in {file}")),
        ModelState::Paused { done_bytes, .. } => Some(format!("stopped at {}", size(Some(*done_bytes)))),
        ModelState::Failed { message, .. } | ModelState::Damaged { message } => Some(message.clone()),
        ModelState::Downloading { .. } | ModelState::Copying { .. } | ModelState::Checking => {
            Some("being installed".to_owned())
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

fn print_state(state: &ModelState, last_printed: &Mutex<Instant>) {
    let terminal = std::io::stderr().is_terminal();
    let mut last_printed = last_printed.lock().unwrap_or_else(PoisonError::into_inner);
    if last_printed.elapsed() < if terminal { TERMINAL_INTERVAL } else { LOG_INTERVAL } {
        return;
    }
    *last_printed = Instant::now();
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
        let _ = write!(std::io::stderr(), "\r\x1b[K{}", print::without_control_chars(&text));
    } else {
        print::note(&text);
    }
}

fn clear_line() {
    if std::io::stderr().is_terminal() {
        let _ = write!(std::io::stderr(), "\r\x1b[K");
    }
}

async fn installed(local: &LocalApp, id: &str, json: bool) -> Result<ExitCode> {
    let overview = local.models_overview().await?;
    let Some(view) = overview.models.iter().find(|view| view.id == id) else { return Ok(ExitCode::FAILURE) };
    let here = matches!(view.state, ModelState::Installed { .. });
    if json {
        print::json(view);
    } else if here {
        print::line(&format!("{} is installed ({}).", view.title, view.id));
        if overview.defaults.model != view.id {
            print::line(&format!("For new recordings: meetmemo models use {}", view.id));
        }
    } else {
        print::note("Stopped. What was downloaded is kept; the same command continues from there.");
    }
    Ok(exit_code(here))
}
