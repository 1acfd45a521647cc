//! Brings meetings back from a backup.
//!
//! What is in the archive wins: only what it lacks comes back, so a restore can be repeated. The order is: load the rows
//! into a staging schema, copy the audio beside the library, move the audio in, merge the rows in one transaction. If the
//! process is killed at any moment, the archive is as before or as after.
//!
//! No healthy database is needed: a private database that is damaged is kept aside, and a new one takes its place.

mod audio;
mod opening;
mod selection;

use super::create::{OnProgress, ensure_running};
use super::layout::{ContentHash, ObjectName};
use super::passphrase::PassphraseFile;
use super::place::Backup;
use super::settings_text::restore_settings;
use super::verify::read_checked;
use super::view::{RestoreView, RestoredMeeting, RestoredRows, rfc3339};
use crate::data_folder::DataFolder;
use crate::file_names::title_from_file_name;
use crate::settings::Settings;
use crate::user_error::{ErrorCode, user_error};
use crate::{App, LocalApp, StartOptions};
use anyhow::{Context, Result, bail};
use audio::{CopiedAudio, WantedAudio};
use opening::{adopt_library, open_or_set_aside};
use selection::Selection;
use std::fs::File;
use std::path::{Path, PathBuf};
use store::managed::StartPhase;
use store::{Job, JobId, MergePlan, MergeScope, Merged, PlannedMeeting, Staging};
use tokio::sync::watch;
use tokio::task::block_in_place;

/// How to restore.
#[derive(Debug, Clone, Default)]
pub struct RestoreOptions {
    /// Only say what would be done.
    pub dry_run: bool,
    /// Bring back what is whole of a damaged backup.
    pub salvage: bool,
    /// What to bring back.
    pub scope: RestoreScope,
}

/// What to bring back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum RestoreScope {
    /// All meetings that the archive lacks, and the people.
    #[default]
    Everything,
    /// The meeting whose id begins so, with or without hyphens.
    Meeting(String),
    /// The rows of one table that the archive lacks.
    Table(String),
}

impl LocalApp {
    /// Restores the backup at `path` into the archive of a data folder, which may be empty, in use, or damaged.
    ///
    /// # Errors
    /// If the backup is damaged (without `salvage`), with the names of what is; if its passphrase is missing or wrong; or if
    /// the archive cannot be used.
    pub async fn restore(
        start: StartOptions,
        path: &Path,
        options: RestoreOptions,
        on_phase: &(dyn Fn(StartPhase) + Send + Sync),
        on_progress: OnProgress<'_>,
        stop: &watch::Receiver<bool>,
    ) -> Result<RestoreView> {
        let (backup, selection) = block_in_place(|| {
            // Nothing else of the data folder may be used before the library id of the backup is adopted.
            let data = DataFolder::find(start.data_dir.clone())?;
            let settings =
                Settings::read(data.path(), |name| std::env::var(name).ok(), start.settings.clone())?;
            let passphrase = PassphraseFile::new(settings.backup_passphrase_file);
            read_backup(&std::path::absolute(path)?, options.salvage, &passphrase)
        })?;
        if let RestoreScope::Table(table) = &options.scope
            && !store::is_backed_up_table(table)
        {
            let message = format!("A backup has no table “{table}”. See docs/database.md for the tables.");
            return Err(user_error(ErrorCode::NotOffered, message));
        }
        block_in_place(|| adopt_library(&start, &selection))?;
        let (app, set_aside) = open_or_set_aside(start, options.dry_run, on_phase).await?;
        Restore::run_all(app, set_aside, backup, selection, options, on_progress, stop).await
    }
}

impl App {
    /// Restores the backup at `path` into this open archive: all meetings that it lacks, or the one whose id begins with
    /// `meeting`.
    ///
    /// # Errors
    /// As [`LocalApp::restore`].
    pub async fn restore_here(
        &self,
        path: &Path,
        meeting: Option<String>,
        dry_run: bool,
        on_progress: OnProgress<'_>,
        stop: &watch::Receiver<bool>,
    ) -> Result<RestoreView> {
        let scope = meeting.map_or(RestoreScope::Everything, RestoreScope::Meeting);
        let options = RestoreOptions { dry_run, salvage: false, scope };
        let (backup, selection) =
            block_in_place(|| read_backup(path, options.salvage, &self.passphrase_file()))?;
        Restore::run_all(self.clone(), None, backup, selection, options, on_progress, stop).await
    }
}

/// Opens a backup and selects what to load. Blocks.
fn read_backup(path: &Path, salvage: bool, passphrase: &PassphraseFile) -> Result<(Backup, Selection)> {
    let backup = Backup::open(path, salvage, passphrase)?;
    let mut selection = Selection::of(&backup, salvage)?;
    for damage in backup.key_damage() {
        let note =
            format!("{} The other copy of the key was used. Make a new backup.", damage.sentence(None));
        selection.notes.push(note);
    }
    if passphrase.is_named() && !backup.is_encrypted() {
        selection.notes.push("The backup is not encrypted, although a passphrase was named.".to_owned());
    }
    Ok((backup, selection))
}

/// A restore under way.
struct Restore<'a> {
    app: App,
    backup: Backup,
    selection: Selection,
    options: RestoreOptions,
    view: RestoreView,
    on_progress: OnProgress<'a>,
    stop: &'a watch::Receiver<bool>,
}

impl<'a> Restore<'a> {
    async fn run_all(
        app: App,
        set_aside: Option<PathBuf>,
        backup: Backup,
        selection: Selection,
        options: RestoreOptions,
        on_progress: OnProgress<'a>,
        stop: &'a watch::Receiver<bool>,
    ) -> Result<RestoreView> {
        let view = RestoreView {
            place: backup.path().display().to_string(),
            taken_at: selection.header.as_ref().map_or_else(String::new, |header| rfc3339(header.taken_at)),
            dry_run: options.dry_run,
            added: Vec::new(),
            already_there: 0,
            audio_back: Vec::new(),
            rows: Vec::new(),
            audio_bytes: 0.0,
            settings: false,
            set_aside: set_aside.map(|path| path.display().to_string()),
            lost: selection.lost.clone(),
            notes: selection.notes.clone(),
        };
        let mut restore = Self { app, backup, selection, options, view, on_progress, stop };
        restore.run().await?;
        Ok(restore.view)
    }

    async fn run(&mut self) -> Result<()> {
        // One restore at a time, and no backup meanwhile.
        let lock =
            File::create(self.app.data.backup_lock()).context("the data folder cannot be written to")?;
        if lock.try_lock().is_err() {
            bail!("a backup or another restore is under way; try again when it has ended");
        }
        let groups: Vec<(String, Vec<ObjectName>)> =
            self.selection.groups.iter().map(|(step, names)| (step.0.clone(), names.clone())).collect();
        if groups.is_empty() {
            bail!("nothing in the backup can be restored");
        }
        for (step, names) in groups {
            let mut staging = Staging::new(&self.app.store, &step).await?;
            let restored = self.restore_group(&mut staging, &names).await;
            staging.remove().await?;
            restored?;
        }
        Ok(())
    }

    /// Restores rows of one migration step.
    async fn restore_group(&mut self, staging: &mut Staging, names: &[ObjectName]) -> Result<()> {
        for name in names {
            ensure_running(self.stop)?;
            let mut text = Vec::new();
            block_in_place(|| read_checked(&self.backup, name, &mut text)).with_context(|| {
                format!("the backup is damaged, so nothing was restored: {} (to bring back what is whole, add --salvage)", name.path())
            })?;
            staging.load(&text).await?;
        }
        staging.finish_loading().await?;
        let mut plan = staging.plan().await?;
        for meeting in plan.meetings.iter_mut().filter(|meeting| meeting.untitled) {
            meeting.title = title_from_file_name(&meeting.title);
        }
        let chosen = self.choose(&plan)?;
        let into_empty = plan.into_empty && self.options.scope == RestoreScope::Everything;
        let wanted = self.wanted_audio(&chosen).await?;
        self.view.audio_bytes += wanted.iter().map(|(_, audio)| audio.bytes as f64).sum::<f64>();
        for meeting in chosen.iter().filter(|meeting| meeting.in_archive.is_none()) {
            let audio = wanted.iter().any(|(id, _)| *id == meeting.id);
            self.view.added.push(restored(meeting, audio));
        }
        let mut audio_back = Vec::new();
        for (meeting, id) in chosen.iter().filter_map(|meeting| Some((meeting, meeting.in_archive?))) {
            if wanted.iter().any(|(wanted, _)| *wanted == meeting.id) {
                self.view.audio_back.push(restored(meeting, true));
                audio_back.push(id);
            } else {
                self.view.already_there += 1;
            }
        }
        if self.options.dry_run {
            return Ok(());
        }
        let wanted = wanted.into_iter().map(|(_, audio)| audio).collect();
        let copied = block_in_place(|| {
            CopiedAudio::copy(&self.app.library, &self.backup, wanted, self.on_progress, self.stop)
        })?;
        if !copied.damaged.is_empty() && !self.options.salvage {
            bail!(
                "the backup is damaged, so nothing was restored: {} To bring back what is whole, add --salvage",
                copied.damaged.join(" ")
            );
        }
        self.view.lost.extend(copied.damaged.iter().cloned());
        self.move_library(staging, &chosen).await?;
        for id in &audio_back {
            self.app.store.expect_audio(*id).await?;
        }
        ensure_running(self.stop)?;
        block_in_place(|| copied.move_in(&self.app.library))?;
        for id in &audio_back {
            self.app.store.record_audio_restored(*id).await?;
        }
        let merged = staging.merge(self.scope(&chosen).as_scope(), into_empty).await?;
        self.app.store.record_restore().await?;
        self.note_merged(merged);
        if into_empty && let Some(settings) = &self.selection.settings {
            self.view.settings = block_in_place(|| restore_settings(self.app.data.path(), settings))?;
        }
        Ok(())
    }

    /// The meetings that the scope names.
    fn choose(&self, plan: &MergePlan) -> Result<Vec<PlannedMeeting>> {
        let RestoreScope::Meeting(prefix) = &self.options.scope else { return Ok(plan.meetings.clone()) };
        let digits: String = prefix.chars().filter(|c| *c != '-').collect::<String>().to_ascii_lowercase();
        let fits = |meeting: &&PlannedMeeting| meeting.id.uuid().simple().to_string().starts_with(&digits);
        let chosen: Vec<PlannedMeeting> = plan.meetings.iter().filter(fits).cloned().collect();
        match chosen.as_slice() {
            [] => Err(user_error(
                ErrorCode::NotFound,
                format!(
                    "The backup has no meeting with the id {prefix}. `meetmemo restore {} --dry-run` lists them.",
                    self.view.place
                ),
            )),
            [_] => Ok(chosen),
            _ => Err(user_error(
                ErrorCode::Ambiguous,
                format!(
                    "Several meetings of the backup have an id that begins with {prefix}. Give more of it."
                ),
            )),
        }
    }

    /// The audio to bring back for each of `chosen`: of those that the archive lacks, and of those whose file is gone.
    async fn wanted_audio(&self, chosen: &[PlannedMeeting]) -> Result<Vec<(JobId, WantedAudio)>> {
        if matches!(&self.options.scope, RestoreScope::Table(table) if table != "jobs") {
            return Ok(Vec::new());
        }
        let explicit = matches!(self.options.scope, RestoreScope::Meeting(_));
        let mut wanted = Vec::new();
        for meeting in chosen {
            let Some(hash) = self.audio_of(meeting) else { continue };
            let Some(bytes) = self.selection.objects.get(&ObjectName::audio(&hash)).copied().flatten() else {
                continue;
            };
            let path = match meeting.in_archive {
                None => meeting.file_path.clone(),
                Some(id) => match self.app.store.job(id).await? {
                    Some(job) if block_in_place(|| self.lacks_audio(&job, &hash, bytes, explicit)) => {
                        job.file_path
                    }
                    _ => continue,
                },
            };
            let Some(to) = self.app.library.parse_file_path(&path) else { continue };
            wanted.push((meeting.id, WantedAudio { title: meeting.title.clone(), hash, bytes, to }));
        }
        Ok(wanted)
    }

    /// The audio of a meeting in the backup.
    fn audio_of(&self, meeting: &PlannedMeeting) -> Option<ContentHash> {
        let named = self.selection.audio.get(&meeting.id).cloned();
        named.or_else(|| ContentHash::parse(meeting.file_hash.as_deref()?))
    }

    /// Whether the audio of a meeting of the archive is missing or, if a user asked for this meeting, altered.
    fn lacks_audio(&self, job: &Job, hash: &ContentHash, bytes: u64, explicit: bool) -> bool {
        let Some(folder) = self.app.library.registered_folder(job) else { return false };
        if job.audio_removed_at.is_some() && !explicit {
            return false;
        }
        match std::fs::metadata(folder.audio()) {
            Err(_) => true,
            Ok(_) if explicit => {
                !crate::import::hash::hash_of(folder.audio()).is_ok_and(|present| present == hash.as_str())
            }
            Ok(metadata) => metadata.len() != bytes && job.file_hash.as_deref() == Some(hash.as_str()),
        }
    }

    /// Makes the recordings whose audio is in the backup those of this library.
    async fn move_library(&self, staging: &Staging, chosen: &[PlannedMeeting]) -> Result<()> {
        let from_header = self.selection.header.as_ref().map(|header| header.library);
        let with_audio = chosen.iter().filter(|meeting| {
            self.audio_of(meeting)
                .is_some_and(|hash| self.selection.objects.contains_key(&ObjectName::audio(&hash)))
        });
        let mut libraries: Vec<_> =
            with_audio.filter_map(|meeting| meeting.library_id).chain(from_header).collect();
        libraries.sort_unstable_by_key(|library| library.uuid());
        libraries.dedup();
        for library in libraries.into_iter().filter(|library| *library != self.app.library.id()) {
            staging.move_library(library, self.app.library.id()).await?;
        }
        Ok(())
    }

    fn scope(&self, chosen: &[PlannedMeeting]) -> OwnedScope {
        match &self.options.scope {
            RestoreScope::Everything => OwnedScope::Everything,
            RestoreScope::Meeting(_) => {
                OwnedScope::Meetings(chosen.iter().map(|meeting| meeting.id).collect())
            }
            RestoreScope::Table(table) => OwnedScope::Table(table.clone()),
        }
    }

    fn note_merged(&mut self, merged: Merged) {
        for (table, rows) in merged.rows {
            let rows = u32::try_from(rows).unwrap_or(u32::MAX);
            match self.view.rows.iter_mut().find(|restored| restored.table == table) {
                Some(restored) => restored.rows += rows,
                None => self.view.rows.push(RestoredRows { table, rows }),
            }
        }
        if let RestoreScope::Table(_) = self.options.scope {
            let ids: Vec<String> = merged.meetings.iter().map(ToString::to_string).collect();
            self.view.added.retain(|meeting| ids.contains(&meeting.id));
        }
    }
}

/// A [`MergeScope`] with its own ids.
enum OwnedScope {
    Everything,
    Meetings(Vec<JobId>),
    Table(String),
}

impl OwnedScope {
    fn as_scope(&self) -> MergeScope<'_> {
        match self {
            Self::Everything => MergeScope::Everything,
            Self::Meetings(ids) => MergeScope::Meetings(ids),
            Self::Table(table) => MergeScope::Table(table),
        }
    }
}

fn restored(meeting: &PlannedMeeting, audio: bool) -> RestoredMeeting {
    RestoredMeeting { id: meeting.id.to_string(), title: meeting.title.clone(), audio }
}
