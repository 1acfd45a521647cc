//! `meetmemo tag`, `folder`, `favourite`, `unfavourite`, `note`, `delete`, `trash` and `restore-from-trash`.
//!
//! A command that takes several recordings changes all of them or, if one does not exist, none. With `--json` it prints
//! the recordings as they are then.

use crate::arguments::{Folder, Note, Tag};
use crate::commands::print_job;
use crate::print;
use anyhow::{Result, bail};
use app::view::{FolderView, JobView, MeetingChange, NoteView, SavedNote};
use app::{App, JobId, TAG_COLOURS, path_of};
use std::io::{Read, Write};
use std::path::Path;
use std::process::ExitCode;

/// The recordings whose ids begin so, each once.
async fn find_jobs(app: &App, prefixes: &[String]) -> Result<Vec<JobId>> {
    let mut jobs = Vec::new();
    for prefix in prefixes {
        let job = app.find_job_by_prefix(prefix).await?;
        if !jobs.contains(&job) {
            jobs.push(job);
        }
    }
    Ok(jobs)
}

/// The recordings with these ids, in this order.
async fn views(app: &App, ids: &[JobId]) -> Result<Vec<JobView>> {
    let mut views = Vec::new();
    for id in ids {
        views.push(app.find(*id).await?);
    }
    Ok(views)
}

/// Changes recordings and prints `sentence` for each of them.
async fn change(
    app: &App,
    jobs: &[JobId],
    change: MeetingChange,
    json: bool,
    sentence: impl Fn(&JobView) -> String,
) -> Result<ExitCode> {
    app.organise(&change, jobs).await?;
    let views = views(app, jobs).await?;
    if json {
        print::json(&views);
    } else {
        views.iter().for_each(|job| print::line(&sentence(job)));
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn favourite(app: &App, prefixes: &[String], on: bool, json: bool) -> Result<ExitCode> {
    let jobs = find_jobs(app, prefixes).await?;
    let now = if on { "is a favourite" } else { "is no favourite" };
    change(app, &jobs, MeetingChange::Favourite { on }, json, |job| format!("“{}” {now}.", job.title)).await
}

/// Prints one recording as an object and several as a list, as `delete` always did for one.
fn print_deleted(jobs: &[JobView], json: bool, sentence: impl Fn(&JobView) -> String) -> ExitCode {
    match jobs {
        [job] if json => print::json(job),
        jobs if json => print::json(&jobs),
        jobs => jobs.iter().for_each(|job| print::line(&sentence(job))),
    }
    ExitCode::SUCCESS
}

pub(crate) async fn delete(app: &App, prefixes: &[String], now: bool, json: bool) -> Result<ExitCode> {
    let jobs = find_jobs(app, prefixes).await?;
    if !now {
        app.organise(&MeetingChange::Trash, &jobs).await?;
        let views = views(app, &jobs).await?;
        return Ok(print_deleted(&views, json, |job| {
            let id = print::short(job.id);
            format!("“{}” is in the trash. Take it back with: meetmemo restore-from-trash {id}", job.title)
        }));
    }
    let mut deleted = Vec::new();
    for job in jobs {
        deleted.push(app.delete(job).await?);
    }
    Ok(print_deleted(&deleted, json, |job| {
        format!(
            "“{}” is deleted, with its transcript and its audio in the library. The file you imported is untouched.",
            job.title
        )
    }))
}

pub(crate) async fn trash(app: &App, empty: bool, json: bool) -> Result<ExitCode> {
    let meetings = app.trashed_meetings().await?;
    if empty {
        let ids: Vec<JobId> = meetings.iter().map(|job| job.id).collect();
        let deleted = app.delete_trashed(&ids).await?;
        if json {
            print::json(&serde_json::json!({ "deleted": deleted }));
        } else {
            print::line(&match deleted {
                0 => "The trash was empty.".to_owned(),
                1 => "One recording is deleted for good.".to_owned(),
                many => format!("{many} recordings are deleted for good."),
            });
        }
    } else if json {
        print::json(&meetings);
    } else if meetings.is_empty() {
        print::line("The trash is empty.");
    } else {
        meetings.iter().for_each(print_job);
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn restore(app: &App, prefixes: &[String], json: bool) -> Result<ExitCode> {
    let jobs = find_jobs(app, prefixes).await?;
    let before = views(app, &jobs).await?;
    if let Some(other) = before.iter().find(|job| job.trashed_at.is_none()) {
        bail!("“{}” is not in the trash. Nothing was restored.", other.title);
    }
    let restored = |job: &JobView| format!("{}. It is out of the trash.", print::status_sentence(job));
    change(app, &jobs, MeetingChange::Restore, json, restored).await
}

pub(crate) async fn tag(app: &App, tag: Tag, json: bool) -> Result<ExitCode> {
    if let Some(name) = &tag.remove {
        let (jobs, tag) =
            (find_jobs(app, &some(&tag.words, "a recording")?).await?, app.find_tag(name).await?);
        let sentence = |job: &JobView| format!("“{}” does not have the tag “{}”.", job.title, tag.name);
        return change(app, &jobs, MeetingChange::Untag { tag: tag.id }, json, sentence).await;
    }
    if tag.rename.is_some() || tag.colour.is_some() || tag.delete {
        return change_tag(app, &tag, json).await;
    }
    match tag.words.as_slice() {
        [] => list_tags(app, json).await,
        [only] => bail!("“{only}” alone says nothing. Tag recordings with: meetmemo tag JOB… NAME"),
        [jobs @ .., name] => {
            let jobs = find_jobs(app, jobs).await?;
            let tag = app.make_tag(name).await?;
            let sentence = |job: &JobView| format!("“{}” has the tag “{}”.", job.title, tag.name);
            change(app, &jobs, MeetingChange::Tag { tag: tag.id }, json, sentence).await
        }
    }
}

/// Renames, colours or deletes a tag.
async fn change_tag(app: &App, tag: &Tag, json: bool) -> Result<ExitCode> {
    let [name] = tag.words.as_slice() else {
        bail!("Give the name of one tag; “meetmemo tag” lists the tags that there are.");
    };
    let before = app.find_tag(name).await?;
    if tag.delete {
        app.delete_tag(before.id).await?;
        if json {
            print::json(&before);
        } else {
            print::line(&format!("The tag “{}” is deleted. The recordings that had it stay.", before.name));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let (name, colour) = (tag.rename.as_ref(), tag.colour.as_ref());
    let changed =
        app.change_tag(before.id, name.unwrap_or(&before.name), colour.unwrap_or(&before.colour)).await?;
    if json {
        print::json(&changed);
    } else {
        print::line(&format!("The tag “{}” has the colour {}.", changed.name, changed.colour));
    }
    Ok(ExitCode::SUCCESS)
}

async fn list_tags(app: &App, json: bool) -> Result<ExitCode> {
    let tags = app.tags().await?;
    if json {
        print::json(&tags);
    } else if tags.is_empty() {
        print::line("There are no tags yet. Make one with: meetmemo tag JOB… NAME");
    }
    let width = TAG_COLOURS.iter().map(|colour| colour.len()).max().unwrap_or_default();
    for tag in tags.iter().filter(|_| !json) {
        print::line(&format!("{:<width$}  {}  ({})", tag.colour, tag.name, tag.meetings));
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn folder(app: &App, command: Option<Folder>, json: bool) -> Result<ExitCode> {
    match command.unwrap_or(Folder::List) {
        Folder::List => list_folders(app, json).await,
        Folder::Add { path } => {
            let folder = app.make_folder(&path).await?;
            print_folder(app, &folder, json).await
        }
        Folder::Rename { path, name } => {
            let folder = app.find_folder(&path).await?;
            let folder = app.change_folder(folder.id, &name, folder.parent_id).await?;
            print_folder(app, &folder, json).await
        }
        Folder::Move { path, into, .. } => {
            let folder = app.find_folder(&path).await?;
            let parent = match &into {
                Some(into) => Some(app.find_folder(into).await?.id),
                None => None,
            };
            let folder = app.change_folder(folder.id, &folder.name, parent).await?;
            print_folder(app, &folder, json).await
        }
        Folder::Remove { path } => {
            let folder = app.find_folder(&path).await?;
            app.delete_folder(folder.id).await?;
            if json {
                print::json(&folder);
            } else {
                print::line(&format!("The folder “{}” is deleted. What was in it is kept.", folder.name));
            }
            Ok(ExitCode::SUCCESS)
        }
        Folder::Put { words } => {
            let Some((path, jobs)) = words.split_last() else { bail!("Give recordings and a folder.") };
            let (jobs, folder) = (find_jobs(app, jobs).await?, app.find_folder(path).await?);
            let sentence = |job: &JobView| format!("“{}” is in the folder “{}”.", job.title, folder.name);
            change(app, &jobs, MeetingChange::Move { folder: Some(folder.id) }, json, sentence).await
        }
        Folder::TakeOut { jobs } => {
            let jobs = find_jobs(app, &jobs).await?;
            let sentence = |job: &JobView| format!("“{}” is in no folder.", job.title);
            change(app, &jobs, MeetingChange::Move { folder: None }, json, sentence).await
        }
    }
}

async fn print_folder(app: &App, folder: &FolderView, json: bool) -> Result<ExitCode> {
    if json {
        print::json(folder);
    } else {
        print::line(&path_of(&app.folders().await?, folder));
    }
    Ok(ExitCode::SUCCESS)
}

async fn list_folders(app: &App, json: bool) -> Result<ExitCode> {
    let folders = app.folders().await?;
    if json {
        print::json(&folders);
    } else if folders.is_empty() {
        print::line("There are no folders yet. Make one with: meetmemo folder add NAME");
    }
    for folder in folders.iter().filter(|_| !json) {
        // Names contain no slash.
        let depth = path_of(&folders, folder).matches('/').count();
        print::line(&format!("{}{}  ({})", "  ".repeat(depth), folder.name, folder.meetings));
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn note(app: &App, note: Note, json: bool) -> Result<ExitCode> {
    let job = app.find_job_by_prefix(&note.job).await?;
    let now = app.note(job).await?;
    let saved = if note.edit {
        edit_note(app, job, &now).await?
    } else {
        let text = match (note.set, &note.file) {
            (None, None) => {
                print_note(&now, json);
                return Ok(ExitCode::SUCCESS);
            }
            (Some(text), _) => text,
            (None, Some(file)) => read_text(file)?,
        };
        save_note(app, job, &text, note.revision.unwrap_or(now.revision)).await?
    };
    if json {
        print::json(&saved);
    } else if note.edit && saved.revision == now.revision {
        print::line("The note is unchanged.");
    } else {
        print::line("The note is saved.");
    }
    Ok(ExitCode::SUCCESS)
}

async fn save_note(app: &App, job: JobId, text: &str, revision: u32) -> Result<NoteView> {
    let SavedNote { saved, note } = app.save_note(job, text, revision).await?;
    if !saved {
        return Err(app::changed_meanwhile(format!(
            "The note was changed meanwhile (revision {}), and yours was not saved. Read it with: meetmemo note {}",
            note.revision,
            print::short(job)
        )));
    }
    Ok(note)
}

/// Opens a note in the user's text editor and saves what the editor leaves. If that cannot be saved, its file is kept.
async fn edit_note(app: &App, job: JobId, before: &NoteView) -> Result<NoteView> {
    let mut file = tempfile::Builder::new().prefix("meetmemo-note-").suffix(".md").tempfile()?;
    file.write_all(before.text.as_bytes())?;
    // Many editors write a new file in the place of the old one, so only the path counts.
    let path = file.into_temp_path();
    let edited = tokio::task::spawn_blocking({
        let path = path.to_path_buf();
        move || run_editor(&path)
    });
    let saved = match edited.await?.and_then(|()| read_text(&path)) {
        Ok(text) => save_note(app, job, &text, before.revision).await,
        Err(error) => Err(error),
    };
    if saved.is_err() && std::fs::read(&path).is_ok_and(|text| text != before.text.as_bytes()) {
        print::note(&format!("What you wrote is in {}.", path.keep()?.display()));
    }
    saved
}

/// Runs the user's text editor on a file, as git does: `VISUAL` or `EDITOR` is a command of the shell.
fn run_editor(file: &Path) -> Result<()> {
    let named =
        ["VISUAL", "EDITOR"].into_iter().filter_map(std::env::var_os).find(|command| !command.is_empty());
    let command = named.unwrap_or_else(|| "vi".into());
    let mut script = command.clone();
    script.push(" \"$@\"");
    let status = std::process::Command::new("sh").arg("-c").arg(script).arg(&command).arg(file).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => bail!("The text editor failed: {} ({status}). EDITOR names it.", command.display()),
        Err(error) => bail!("The text editor could not be started: {error}."),
    }
}

fn print_note(note: &NoteView, json: bool) {
    if json {
        print::json(note);
    } else if note.text.is_empty() {
        print::note("There is no note.");
    } else {
        print::line(note.text.trim_end_matches('\n'));
    }
}

/// The text of a file; `-` is standard input.
fn read_text(file: &Path) -> Result<String> {
    let mut bytes = Vec::new();
    let read = match file.to_str() {
        Some("-") => std::io::stdin().read_to_end(&mut bytes).map(drop),
        _ => std::fs::read(file).map(|content| bytes = content),
    };
    read.map_err(|error| anyhow::anyhow!("{} could not be read: {error}.", file.display()))?;
    String::from_utf8(bytes).map_err(|_| anyhow::anyhow!("{} is not text in UTF-8.", file.display()))
}

/// The words, unless there are none.
fn some(words: &[String], what: &str) -> Result<Vec<String>> {
    if words.is_empty() {
        bail!("Give {what}: the beginning of its id.");
    }
    Ok(words.to_vec())
}
