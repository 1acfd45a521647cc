//! Checks the installation: data folder, database, library, engines, models, `ffmpeg`, disk space, permissions of files
//! with passwords. Each check has a result, a sentence and an action.

use crate::models::view::ModelState;
use crate::secrets::{PasswordPlaces, PasswordSource};
use crate::{App, DataFolder, LocalApp, Resources, StartOptions};
use serde::Serialize;
use store::managed::StartPhase;

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckState {
    /// In order.
    Ok,
    /// It works, but the user should know.
    Warning,
    /// It does not work.
    Failed,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// `data`, `database`, `library`, `retention`, `backup`, `engines`, `models`, `media`, `disk` or `secrets`.
    pub check: &'static str,
    /// The result.
    pub state: CheckState,
    /// The result as a sentence.
    pub message: String,
    /// What the user can do, if anything.
    pub action: Option<String>,
}

/// Free bytes below which `disk` warns. One hour of WAV has 600 MB.
const LOW_SPACE: u64 = 2 << 30;

fn check(name: &'static str, state: CheckState, message: impl Into<String>, action: Option<&str>) -> Check {
    Check { check: name, state, message: message.into(), action: action.map(str::to_owned) }
}

/// Runs all checks, also if the archive cannot be opened.
pub async fn diagnose(start: StartOptions, on_phase: &(dyn Fn(StartPhase) + Send + Sync)) -> Vec<Check> {
    let data = match DataFolder::find(start.data_dir.clone()) {
        Ok(data) => data,
        Err(error) => {
            let action = Some("Choose another folder with --data-dir.");
            return vec![check("data", CheckState::Failed, format!("{error:#}."), action)];
        }
    };
    let mut found = vec![data_check(&data)];
    let failed = |error: anyhow::Error| {
        let action = "See the sentence above. `meetmemo database test` tests each step of the connection.";
        check("database", CheckState::Failed, format!("{error:#}"), Some(action))
    };
    match LocalApp::prepare(start).await {
        Ok(local) => {
            match App::open(local.clone(), on_phase).await {
                Ok(app) => {
                    found.extend(crate::database::checks(&app).await);
                    found.extend(untested_server_check(&app).await);
                    found.push(library_check(&app).await);
                    found.extend(unreferenced_check(&app).await);
                    found.push(retention_check(&app).await);
                }
                Err(error) => found.push(failed(error)),
            }
            found.push(backup_check(&local));
            found.push(secrets_check(&local).await);
            found.push(models_check(&local).await);
        }
        Err(error) => found.push(failed(error)),
    }
    found.extend(engine_checks());
    found.push(media_check());
    found.push(disk_check(&data));
    found
}

fn data_check(data: &DataFolder) -> Check {
    let message = format!("Everything is kept in {} ({}).", data.path().display(), data.chosen_by());
    match data.synced_by() {
        None => check("data", CheckState::Ok, message, None),
        Some(program) => check(
            "data",
            CheckState::Warning,
            format!(
                "{message} {program} seems to copy this folder; copying a database while it runs damages the copy."
            ),
            Some("Choose a folder that is not synchronised with --data-dir."),
        ),
    }
}

fn backup_check(local: &LocalApp) -> Check {
    let overview = local.backup_overview();
    if let Some(failure) = &overview.state.last_failure {
        let action = "Make a backup with `meetmemo backup`, or check it with `meetmemo verify`.";
        return check("backup", CheckState::Failed, failure.message.clone(), Some(action));
    }
    match (&overview.state.last_backup, &overview.scheduled_place) {
        (Some(last), _) => {
            let message = format!("Last backup: {}, {} meetings, in {}.", last.at, last.meetings, last.place);
            check("backup", CheckState::Ok, message, None)
        }
        (None, Some(place)) => {
            let message = format!("No backup yet; the next worker makes one in {place}.");
            check("backup", CheckState::Warning, message, None)
        }
        (None, None) => check(
            "backup",
            CheckState::Warning,
            "There is no backup yet.",
            Some("`meetmemo backup FOLDER` makes one; `backup_place` in settings.toml makes one each day."),
        ),
    }
}

async fn library_check(app: &App) -> Check {
    let jobs = match app.store.jobs(store::JobFilter::default()).await {
        Ok(jobs) => jobs,
        Err(error) => return check("library", CheckState::Failed, error.to_string(), None),
    };
    let (here, elsewhere): (Vec<_>, Vec<_>) = jobs.iter().partition(|job| app.library.holds(job));
    let missing: Vec<&str> = here
        .iter()
        .filter(|job| job.audio_removed_at.is_none())
        .filter(|job| !app.library.recording_folder(job).is_some_and(|folder| folder.audio().is_file()))
        .map(|job| job.file_name.as_str())
        .collect();
    let elsewhere = match elsewhere.len() {
        0 => String::new(),
        n => format!(" {n} more are in other computers' libraries."),
    };
    if missing.is_empty() {
        let message = format!(
            "{} recordings in {}, none missing.{elsewhere}",
            here.len(),
            app.library.folder().display()
        );
        return check("library", CheckState::Ok, message, None);
    }
    let some: Vec<&str> = missing.iter().take(3).copied().collect();
    check(
        "library",
        CheckState::Failed,
        format!(
            "The audio of {} recordings is missing, among them {}.{elsewhere}",
            missing.len(),
            some.join(", ")
        ),
        Some("Import the same files again; they go back to their places and nothing is transcribed twice."),
    )
}

/// Says how long things are kept, and whether clean-up waits for an answer.
async fn retention_check(app: &App) -> Check {
    match app.retention_in_words().await {
        Ok((message, None)) => check("retention", CheckState::Ok, message, None),
        Ok((message, Some(question))) => check(
            "retention",
            CheckState::Warning,
            format!("{message} {question}"),
            Some(
                "Look at what would go with `meetmemo cleanup --dry-run`, then run `meetmemo cleanup --yes`.",
            ),
        ),
        Err(error) => check("retention", CheckState::Failed, format!("{error:#}."), None),
    }
}

/// Warns about folders in the library that belong to no recording in the archive.
async fn unreferenced_check(app: &App) -> Option<Check> {
    let folders = match app.unreferenced_folders().await {
        Ok(folders) => folders,
        Err(error) => return Some(check("library", CheckState::Failed, format!("{error:#}."), None)),
    };
    let count = folders.len();
    let library = app.library.folder();
    let some: Vec<String> =
        folders.iter().take(3).map(|name| library.join(name).display().to_string()).collect();
    let folders = if count == 1 { "folder belongs" } else { "folders belong" };
    (count > 0).then(|| {
        check(
            "library",
            CheckState::Warning,
            format!("{count} {folders} to no recording in the archive: {}.", some.join(", ")),
            Some("Import the audio file in there to have it in the archive; a folder that you do not need can be removed."),
        )
    })
}

/// Warns about a configured server that is newer than those MeetMemo is tested with.
async fn untested_server_check(app: &App) -> Option<Check> {
    // A failure is reported by the other checks of the database.
    let version = app.store.server_version().await.ok()?;
    (store::judge_version(&version) == store::VersionVerdict::Untested).then(|| {
        check(
            "database",
            CheckState::Warning,
            format!("The server is PostgreSQL {version}, which is newer than this MeetMemo was tested with (15 to 18)."),
            Some("Make a backup before you use it, and look for a newer MeetMemo."),
        )
    })
}

async fn secrets_check(local: &LocalApp) -> Check {
    use std::os::unix::fs::MetadataExt;
    let ok = |message: String| check("secrets", CheckState::Ok, message, None);
    let (path, what) = match local.configured_database() {
        Ok(store::Database::Managed(_)) => {
            (local.data.database().join("password"), "The private database's password")
        }
        Ok(store::Database::External(url)) => {
            let located = PasswordPlaces::new(&local.settings, &local.data).locate(&url).await;
            match located.map(|found| (found.source, found.file)) {
                Ok((PasswordSource::Address, _)) => (
                    local.data.path().join("settings.toml"),
                    "The address of your database, where it is kept in settings.toml,",
                ),
                Ok((PasswordSource::KeyStore, _)) => {
                    return ok("The password of your database is in the key store of your system.".to_owned());
                }
                Ok((_, Some(file))) => (file, "The password of your database"),
                Ok((_, None)) => return ok("No secret is kept in a file.".to_owned()),
                Err(error) => return check("secrets", CheckState::Failed, format!("{error:#}"), None),
            }
        }
        Err(error) => return check("secrets", CheckState::Failed, format!("{error:#}"), None),
    };
    match std::fs::metadata(&path) {
        Ok(found) if found.mode() & 0o077 != 0 => check(
            "secrets",
            CheckState::Warning,
            format!("{what} can be read by other users: {}.", path.display()),
            Some("Take the permission away: chmod 600 and the file's name."),
        ),
        Ok(_) => ok(format!("{what} can be read by you only ({}).", path.display())),
        Err(_) => ok("No secret is kept in a file.".to_owned()),
    }
}

fn engine_checks() -> Vec<Check> {
    let resources = match Resources::find() {
        Ok(resources) => resources,
        Err(error) => return vec![check("engines", CheckState::Failed, format!("{error:#}."), None)],
    };
    match speech::built_in::spec(resources.folder()) {
        Ok(spec) => {
            let offered = spec.capabilities();
            let decoders =
                speech::decoder_count(speech::cores(), speech::available_memory(), offered.memory_bytes);
            let engine = format!("{} is ready, {decoders} at once on this computer.", offered.engine);
            match (speech::neural::processor_suffices(), resources.slower_engine().is_file()) {
                (true, _) => vec![check("engines", CheckState::Ok, engine, None)],
                (false, true) => {
                    vec![check(
                        "engines",
                        CheckState::Warning,
                        format!("{engine} {}", crate::models::SLOW_PROCESSOR),
                        None,
                    )]
                }
                (false, false) => {
                    let message =
                        "This computer's processor lacks AVX2, which this build of the speech engine needs.";
                    let action = "Install the package of MeetMemo: it brings an engine for such processors.";
                    vec![check("engines", CheckState::Failed, message, Some(action))]
                }
            }
        }
        Err(error) => {
            let action = Some("Install MeetMemo again; in a checkout, run `cargo xtask setup`.");
            vec![check("engines", CheckState::Failed, format!("{error}."), action)]
        }
    }
}

async fn models_check(local: &LocalApp) -> Check {
    let overview = match local.models_overview().await {
        Ok(overview) => overview,
        Err(error) => return check("models", CheckState::Failed, format!("{error:#}"), None),
    };
    let mut here = Vec::new();
    for view in &overview.models {
        match &view.state {
            ModelState::Damaged { message } => {
                let message = format!("The speech model {} cannot be used. {message}", view.title);
                return check("models", CheckState::Failed, message, None);
            }
            ModelState::BuiltIn | ModelState::Installed { .. } => here.push(view.title.as_str()),
            _ => {}
        }
    }
    let title = overview
        .models
        .iter()
        .find(|view| view.id == overview.defaults.model)
        .map_or(overview.defaults.model.as_str(), |view| view.title.as_str());
    let message = format!("Installed: {}. New recordings are transcribed with {title}.", here.join(", "));
    if local.is_model_available(&overview.defaults.model, None) {
        check("models", CheckState::Ok, message, None)
    } else {
        check(
            "models",
            CheckState::Failed,
            message,
            Some("That one is not installed: install it, or choose another with `meetmemo models use`."),
        )
    }
}

fn media_check() -> Check {
    if media::Tools::find().ffmpeg().is_some() {
        return check(
            "media",
            CheckState::Ok,
            "ffmpeg is installed: WMA, AMR and the like can be read too.",
            None,
        );
    }
    check(
        "media",
        CheckState::Ok,
        "All common formats can be read. WMA, AMR and the like need ffmpeg, which is not installed.",
        Some("Install ffmpeg if you have such files."),
    )
}

fn disk_check(data: &DataFolder) -> Check {
    match store::disk_space::free_bytes(data.path()) {
        Ok(free) if free < LOW_SPACE => check(
            "disk",
            CheckState::Warning,
            format!("Only {} MB are free where recordings are kept.", free >> 20),
            Some("Free some space before importing long recordings."),
        ),
        Ok(free) => check("disk", CheckState::Ok, format!("{} GB are free.", free >> 30), None),
        Err(error) => {
            check("disk", CheckState::Warning, format!("The free space is not known: {error}."), None)
        }
    }
}
