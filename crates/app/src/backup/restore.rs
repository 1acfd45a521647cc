//! Brings meetings back from a backup.
//!
//! What is in the archive wins: only what it lacks comes back, so a restore can be repeated. The order is: load the rows
//! into a staging schema, copy the audio beside the library, move the audio in, merge the rows in one transaction. If the
//! process is killed at any moment, the archive is as before or as after.
//!
//! No healthy database is needed: a private database that is damaged is kept aside, and a new one takes its place.

mod audio;
mod opening;
mod plan;
mod selection;

use super::create::{OnProgress, ensure_running};
use super::layout::ObjectName;
use super::manifest::BackedUpMeeting;
use super::passphrase::PassphraseFile;
use super::place::Backup;
use super::settings_text::restore_settings;
use super::verify::read_checked;
use super::view::{RestoreView, RestoredMeeting, RestoredRows, count, rfc3339};
use crate::data_folder::DataFolder;
use crate::file_names::title_from_file_name;
use crate::settings::Settings;
use crate::user_error::{ErrorCode, user_error};
use crate::{App, LocalApp, StartOptions};
use anyhow::{Context, Result, bail};
use audio::CopiedAudio;
use opening::{adopt_library, open_or_set_aside};
use plan::Plan;
use selection::{Selection, damaged_rows};
use std::fs::File;
use std::path::{Path, PathBuf};
use store::managed::StartPhase;
use store::{JobId, MergeScope, Merged, PlannedMeeting, Staging};
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
    /// The file with the passphrase of the backup, if not the one that the settings name.
    pub passphrase_file: Option<PathBuf>,
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
            let passphrase_file = options.passphrase_file.clone().or(settings.backup_passphrase_file);
            let passphrase = PassphraseFile::new(passphrase_file);
            read_backup(&std::path::absolute(path)?, options.salvage, &passphrase)
        })?;
        if let RestoreScope::Table(table) = &options.scope
            && !store::is_backed_up_table(table)
        {
            let message = format!("A backup has no table “{table}”. See docs/database.md for the tables.");
            return Err(user_error(ErrorCode::NotOffered, message));
        }
        block_in_place(|| adopt_library(&start, &selection))?;
        let ensure_readable = || match options.salvage {
            true => Ok(()),
            false => block_in_place(|| selection.ensure_rows_are_whole(&backup)),
        };
        let (app, set_aside) = open_or_set_aside(start, options.dry_run, &ensure_readable, on_phase).await?;
        Restore::run_all(app, set_aside, backup, selection, options, on_progress, stop).await
    }
}

impl LocalApp {
    /// What a restore of the backup at `path` would bring back into a new database, in place of one that does not open.
    /// Reads the list of the backup only.
    ///
    /// # Errors
    /// If the backup is damaged, or its passphrase is missing or wrong.
    pub async fn preview_rescue(&self, path: &Path, passphrase_file: Option<PathBuf>) -> Result<RestoreView> {
        let (backup, selection) =
            block_in_place(|| read_backup(path, false, &self.passphrase_of_restore(passphrase_file)))?;
        let audio = |meeting: &BackedUpMeeting| meeting.audio.content();
        Ok(RestoreView {
            added: selection
                .listed
                .iter()
                .map(|meeting| RestoredMeeting {
                    id: meeting.id.to_string(),
                    title: meeting.title.clone(),
                    audio: audio(meeting).is_some(),
                })
                .collect(),
            audio_bytes: selection.listed.iter().filter_map(audio).map(|audio| audio.bytes as f64).sum(),
            ..empty_view(&backup, &selection, true, None)
        })
    }

    fn passphrase_of_restore(&self, passphrase_file: Option<PathBuf>) -> PassphraseFile {
        match passphrase_file {
            Some(path) => PassphraseFile::new(Some(path)),
            None => self.passphrase_file(),
        }
    }
}

impl App {
    /// Restores the backup at `path` into this open archive.
    ///
    /// # Errors
    /// As [`LocalApp::restore`].
    pub async fn restore_here(
        &self,
        path: &Path,
        options: RestoreOptions,
        on_progress: OnProgress<'_>,
        stop: &watch::Receiver<bool>,
    ) -> Result<RestoreView> {
        let passphrase = self.passphrase_of_restore(options.passphrase_file.clone());
        let (backup, selection) = block_in_place(|| read_backup(path, options.salvage, &passphrase))?;
        Restore::run_all(self.clone(), None, backup, selection, options, on_progress, stop).await
    }
}

/// The meetings of a backup that is not encrypted. Blocks.
///
/// # Errors
/// If the backup is damaged.
pub(crate) fn meetings_in(path: &Path) -> Result<Vec<JobId>> {
    let (_, selection) = read_backup(path, false, &PassphraseFile::new(None))?;
    Ok(selection.listed.iter().map(|meeting| meeting.id).collect())
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
        let view = empty_view(&backup, &selection, options.dry_run, set_aside);
        let mut restore = Self { app, backup, selection, options, view, on_progress, stop };
        restore.run().await?;
        Ok(restore.view)
    }

    async fn run(&mut self) -> Result<()> {
        if self.options.dry_run
            && let Some(meetings) = self.listed_meetings().await?
        {
            let plan = self.plan(meetings).await?;
            self.note_plan(&plan);
            return Ok(());
        }
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
            block_in_place(|| read_checked(&self.backup, name, &mut text))
                .with_context(|| damaged_rows(name))?;
            staging.load(&text).await?;
        }
        staging.finish_loading().await?;
        let mut compared = staging.plan().await?;
        for meeting in compared.meetings.iter_mut().filter(|meeting| meeting.untitled) {
            meeting.title = title_from_file_name(&meeting.title);
        }
        let into_empty = compared.into_empty && self.options.scope == RestoreScope::Everything;
        let plan = self.plan(compared.meetings).await?;
        self.note_plan(&plan);
        if self.options.dry_run {
            return Ok(());
        }
        let audio_back: Vec<JobId> = plan.audio_back().map(|(_, id)| id).collect();
        let Plan { chosen, audio, .. } = plan;
        let wanted = audio.into_iter().map(|(_, audio)| audio).collect();
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

    /// Notes in the view what comes back.
    fn note_plan(&mut self, plan: &Plan) {
        self.view.audio_bytes += plan.audio.iter().map(|(_, audio)| audio.bytes as f64).sum::<f64>();
        let missing = plan.chosen.iter().filter(|meeting| meeting.in_archive.is_none());
        let present = plan.chosen.iter().filter(|meeting| meeting.in_archive.is_some()).count();
        self.view.added.extend(missing.map(|meeting| restored(meeting, plan.has_audio(meeting.id))));
        let audio_back: Vec<_> = plan.audio_back().map(|(meeting, _)| restored(meeting, true)).collect();
        self.view.already_there += count(present - audio_back.len());
        self.view.audio_back.extend(audio_back);
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

/// What is known of a restore before it begins.
fn empty_view(
    backup: &Backup,
    selection: &Selection,
    dry_run: bool,
    set_aside: Option<PathBuf>,
) -> RestoreView {
    RestoreView {
        place: backup.path().display().to_string(),
        taken_at: selection.header.as_ref().map_or_else(String::new, |header| rfc3339(header.taken_at)),
        dry_run,
        added: Vec::new(),
        already_there: 0,
        audio_back: Vec::new(),
        rows: Vec::new(),
        audio_bytes: 0.0,
        settings: false,
        set_aside: set_aside.map(|path| path.display().to_string()),
        lost: selection.lost.clone(),
        notes: selection.notes.clone(),
    }
}

fn restored(meeting: &PlannedMeeting, audio: bool) -> RestoredMeeting {
    RestoredMeeting { id: meeting.id.to_string(), title: meeting.title.clone(), audio }
}
