//! The commands `backup`, `restore` and `verify`.

use crate::exit::exit_code;
use crate::print;
use app::view::{ArchiveCheckView, BackupCheckView, BackupPhase, BackupProgress, BackupView, RestoreView};
use app::{App, BackupOptions, LocalApp, RestoreOptions, StartOptions, VerifyOptions};
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use tokio::sync::watch;

/// Most meetings that are listed one by one.
const LISTED: usize = 20;

pub(crate) async fn backup(
    app: &App,
    place: &Path,
    options: BackupOptions,
    json: bool,
    stop: watch::Receiver<bool>,
) -> anyhow::Result<ExitCode> {
    let progress = Progress::default();
    let view = app.backup(place, options, &|now| progress.show(now), &stop).await?;
    if json {
        print::json(&view);
    } else {
        print_backup(&view);
    }
    Ok(exit_code(view.problems.is_empty()))
}

fn print_backup(view: &BackupView) {
    print::line(&format!(
        "{} saved to {}, {} with audio; {} new, {} in all.{}",
        meetings(view.meetings),
        view.place,
        view.with_audio,
        print::bytes(view.added_bytes),
        print::bytes(view.total_bytes),
        if view.checked { " Everything that was written was read again." } else { "" }
    ));
    if view.removed_snapshots > 0 {
        print::line(&format!("{} older backups were removed.", view.removed_snapshots));
    }
    view.notes.iter().for_each(|note| print::note(note));
    view.problems.iter().for_each(|problem| print::error(problem));
}

pub(crate) async fn verify_backup(
    local: &LocalApp,
    path: &Path,
    options: VerifyOptions,
    json: bool,
    stop: watch::Receiver<bool>,
) -> anyhow::Result<ExitCode> {
    let progress = Progress::default();
    let view = local.verify_backup(path, options, &|now| progress.show(now), &stop).await?;
    if json {
        print::json(&view);
    } else {
        print_check(&view);
    }
    Ok(exit_code(view.damage.is_empty()))
}

fn print_check(view: &BackupCheckView) {
    if view.damage.is_empty() {
        print::line(&format!(
            "The backup in {} is whole: {} of {}, {} of {} parts read ({}).",
            view.place,
            meetings(view.meetings),
            view.taken_at.as_deref().unwrap_or("an unknown time"),
            view.objects_read,
            view.objects,
            print::bytes(view.read_bytes)
        ));
        return;
    }
    print::error(&format!("The backup in {} is damaged.", view.place));
    view.damage.iter().for_each(|damage| print::note(damage));
    print::note(
        "`meetmemo restore` with --salvage brings back what is whole. Make a new backup in another place.",
    );
}

pub(crate) async fn verify_archive(
    app: &App,
    options: VerifyOptions,
    json: bool,
    stop: watch::Receiver<bool>,
) -> anyhow::Result<ExitCode> {
    let progress = Progress::default();
    let view = app.verify_archive(options, &|now| progress.show(now), &stop).await?;
    let all_well =
        view.problems.is_empty() && view.backup.as_ref().is_none_or(|backup| backup.damage.is_empty());
    if json {
        print::json(&view);
    } else {
        print_archive_check(&view);
    }
    Ok(exit_code(all_well))
}

fn print_archive_check(view: &ArchiveCheckView) {
    let read = format!("{} read, {} of audio", meetings(view.meetings), print::bytes(view.read_bytes));
    match view.problems.is_empty() {
        true => print::line(&format!("The archive is whole: {read}.")),
        false => print::line(&format!("{read}, with {} problems:", view.problems.len())),
    }
    view.problems.iter().for_each(|problem| print::error(problem));
    match &view.backup {
        Some(backup) => print_check(backup),
        None => print::note("There is no backup yet. `meetmemo backup FOLDER` makes one."),
    }
}

pub(crate) async fn restore(
    start: StartOptions,
    path: &Path,
    options: RestoreOptions,
    json: bool,
    stop: watch::Receiver<bool>,
) -> anyhow::Result<ExitCode> {
    let progress = Progress::default();
    let show = |now| progress.show(now);
    let view = LocalApp::restore(start, path, options, &crate::print_phase, &show, &stop).await?;
    if json {
        print::json(&view);
    } else {
        print_restored(&view);
    }
    Ok(ExitCode::SUCCESS)
}

fn print_restored(view: &RestoreView) {
    if let Some(folder) = &view.set_aside {
        print::line(&format!("The damaged database is kept in {folder}; a new one takes its place."));
    }
    let (added, back) = (count(view.added.len()), count(view.audio_back.len()));
    let verb = if view.dry_run { "would come back" } else { "came back" };
    print::line(&format!(
        "{} {verb}; {} in the archive already and {}{}.",
        meetings(added),
        view.already_there,
        if view.dry_run { "would stay as they are" } else { "stayed as they are" },
        if back > 0 { format!("; the audio of {} {verb}", meetings(back)) } else { String::new() },
    ));
    for meeting in view.added.iter().chain(&view.audio_back).take(LISTED) {
        let audio = if meeting.audio { "" } else { "  (without audio)" };
        print::line(&format!("{}  {}{audio}", print::short(&meeting.id), meeting.title));
    }
    if view.added.len() + view.audio_back.len() > LISTED {
        print::line("…");
    }
    if view.settings {
        print::line("The settings of the backup were taken over.");
    }
    view.notes.iter().for_each(|note| print::note(note));
    view.lost.iter().for_each(|lost| print::error(lost));
}

fn meetings(number: u32) -> String {
    if number == 1 { "1 meeting".to_owned() } else { format!("{number} meetings") }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Shows how far the work is, on standard error.
#[derive(Default)]
struct Progress {
    last: Mutex<Option<(BackupPhase, u32)>>,
}

impl Progress {
    fn show(&self, now: BackupProgress) {
        if now.total_bytes <= 0.0 {
            return;
        }
        let percent = (now.done_bytes / now.total_bytes * 10.0) as u32 * 10;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if percent == 0 || *last == Some((now.phase, percent)) {
            return;
        }
        *last = Some((now.phase, percent));
        let step = match now.phase {
            BackupPhase::Reading => "Reading",
            BackupPhase::Copying => "Copying",
            BackupPhase::Checking => "Checking",
            BackupPhase::Restoring => "Restoring",
        };
        print::note(&format!("{step}: {percent} %"));
    }
}
