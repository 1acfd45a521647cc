//! `meetmemo cleanup`, `pin` and `unpin`.

use crate::exit::exit_code;
use crate::print;
use anyhow::Result;
use app::view::{CleanupView, DueMeetingView, RetentionRule};
use app::{App, JobId};
use std::process::ExitCode;

pub(crate) async fn cleanup(app: &App, dry_run: bool, yes: bool, json: bool) -> Result<ExitCode> {
    let view = if dry_run { app.cleanup_preview().await? } else { app.cleanup(yes).await? };
    if json {
        print::json(&view);
    } else {
        print_view(&view);
    }
    if dry_run || view.removed {
        if !json {
            print_questions(&view);
        }
        return Ok(ExitCode::SUCCESS);
    }
    for question in &view.confirmations {
        print::error(&format!(
            "{} {} Confirm it with: meetmemo cleanup --yes.",
            question.message, question.action
        ));
    }
    Ok(exit_code(view.confirmations.is_empty()))
}

pub(crate) async fn pin(app: &App, job: JobId, pinned: bool, json: bool) -> Result<ExitCode> {
    let job = app.set_pinned(job, pinned).await?;
    if json {
        print::json(&job);
    } else if pinned {
        print::line(&format!("“{}” is kept: clean-up never removes it.", job.title));
    } else {
        print::line(&format!("“{}” is not kept any more: clean-up treats it like any other.", job.title));
    }
    Ok(ExitCode::SUCCESS)
}

fn print_view(view: &CleanupView) {
    print_meetings(if view.removed { "Removed" } else { "Would be removed" }, &view.meetings);
    let audio = if view.removed {
        "Audio removed (the text stays)"
    } else {
        "Audio that would be removed (the text stays)"
    };
    print_meetings(audio, &view.audio);
    if !view.exports.is_empty() {
        print::line(if view.removed { "Exports removed:" } else { "Exports that would be removed:" });
    }
    for export in &view.exports {
        print::line(&format!("  {}  {}", export.path, why(export.rule, &export.due_since)));
    }
    if view.meetings.is_empty() && view.audio.is_empty() && view.exports.is_empty() {
        print::line("Nothing is due.");
    } else {
        let verb = if view.removed { "became" } else { "would become" };
        print::line(&format!("{} {verb} free.", size(view.bytes)));
    }
    if view.files_later {
        print::line("A backup is running: the files are removed from disk when it ends.");
    }
    if !view.forecast.is_empty() {
        print::line("Within the next seven days:");
    }
    for item in &view.forecast {
        let what = match item.rule {
            RetentionRule::AudioRetentionDays => "the audio of ",
            _ => "",
        };
        let when = app::view::recorded_in_words(&item.due_at);
        print::line(&format!("  {}  {what}“{}” on {when}", print::short(item.id), item.title));
    }
    print_findings(view);
}

/// What was found and is never removed.
fn print_findings(view: &CleanupView) {
    for folder in &view.unknown_folders {
        print::line(&format!("The folder {} belongs to no meeting. {}", folder.path, folder.action));
    }
    for meeting in &view.missing_audio {
        let id = print::short(meeting.id);
        print::line(&format!("The audio of “{}” ({id}) is missing. {}", meeting.title, meeting.action));
    }
}

/// What the clean-up would ask, after a preview.
fn print_questions(view: &CleanupView) {
    for question in &view.confirmations {
        print::line(&format!("Clean-up asks first: {} {}", question.message, question.action));
    }
}

fn print_meetings(heading: &str, meetings: &[DueMeetingView]) {
    if !meetings.is_empty() {
        print::line(&format!("{heading}:"));
    }
    for meeting in meetings {
        let (id, why) = (print::short(meeting.id), why(meeting.rule, &meeting.due_since));
        print::line(&format!("  {id}  “{}”  {why}", meeting.title));
    }
}

/// Why something goes: the setting, and since when it is due.
fn why(rule: RetentionRule, due_since: &str) -> String {
    let setting = match rule {
        RetentionRule::JobRetentionHours => "job_retention_hours",
        RetentionRule::AudioRetentionDays => "audio_retention_days",
        RetentionRule::ExportRetentionHours => "export_retention_hours",
        RetentionRule::TrashRetentionDays => "trash_retention_days",
    };
    format!("due since {} ({setting})", app::view::recorded_in_words(due_since))
}

/// A number of bytes in words.
fn size(bytes: f64) -> String {
    match bytes {
        bytes if bytes >= 1e9 => format!("{:.1} GB", bytes / 1e9),
        bytes if bytes >= 1e6 => format!("{:.1} MB", bytes / 1e6),
        bytes => format!("{:.0} kB", (bytes / 1e3).ceil()),
    }
}
