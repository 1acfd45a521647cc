//! Makes a backup.

use super::layout::{ContentHash, ObjectName};
use super::manifest::{BackedUpAudio, BackedUpMeeting, Content, Header, Manifest, NamedFile};
use super::passphrase::PassphraseFile;
use super::place::{Backup, Place};
use super::settings_text::settings_to_back_up;
use super::view::{BackupPhase, BackupProgress, BackupView, count, rfc3339};
use super::writer::{Copied, Watched, Writer, copy_hashed, ensure_space, write_error};
use crate::App;
use crate::file_names::title_from_file_name;
use crate::import::hash::hash_of;
use anyhow::{Context, Result, bail};
use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use store::{JobId, RowSnapshot, SnapshotMeeting};
use tokio::sync::watch;
use tokio::task::block_in_place;

/// How to make a backup.
#[derive(Debug, Clone, Copy, Default)]
pub struct BackupOptions {
    /// Whether to read everything again that was written, and to restore one meeting for a trial.
    pub check: bool,
    /// Whether to replace an existing file.
    pub replace: bool,
    /// Whether to remove old snapshots; see `prune`.
    pub prune: bool,
}

/// Reports progress.
pub(super) type OnProgress<'a> = &'a (dyn Fn(BackupProgress) + Send + Sync);

impl App {
    /// Makes a backup of the archive and its audio at `path`: a folder, or one file (see `Place::of`). It is encrypted if
    /// the settings name a file with a passphrase. The result and a failure are noted in the state that
    /// [`App::backup_overview`] shows.
    ///
    /// # Errors
    /// If the place cannot be used or the archive cannot be read. An earlier backup in the same place stays whole.
    pub async fn backup(
        &self,
        path: &Path,
        options: BackupOptions,
        on_progress: OnProgress<'_>,
        stop: &watch::Receiver<bool>,
    ) -> Result<BackupView> {
        let path = &std::path::absolute(path)?;
        if path.starts_with(self.data.path()) {
            bail!(
                "{} is inside the data folder of MeetMemo and would be lost with it. Choose a place outside, best on another disk",
                path.display()
            );
        }
        let made = self.make_backup(path, None, options, on_progress, stop).await;
        // What was deleted meanwhile waits for the end of the backup.
        if let Err(error) = self.finish_removals().await {
            tracing::warn!(%error, "audio of deleted meetings was not removed after the backup");
        }
        match &made {
            Ok(view) => self.note_backup(view),
            Err(error) if !*stop.borrow() => self.note_backup_failure(&format!("{error:#}")),
            Err(_) => {}
        }
        made
    }

    /// Writes one meeting with its audio to the new folder `path`, in the layout of a backup and not encrypted. People,
    /// folders and tags of the archive are not in it. Restoring the folder brings the meeting back.
    ///
    /// # Errors
    /// If the folder cannot be written or the archive cannot be read.
    pub(crate) async fn back_up_meeting(&self, meeting: JobId, path: &Path) -> Result<BackupView> {
        let (_running, stop) = watch::channel(false);
        self.make_backup(path, Some(meeting), BackupOptions::default(), &|_| (), &stop).await
    }

    /// Makes a backup of everything, or of `only` one meeting.
    async fn make_backup(
        &self,
        path: &Path,
        only: Option<JobId>,
        options: BackupOptions,
        on_progress: OnProgress<'_>,
        stop: &watch::Receiver<bool>,
    ) -> Result<BackupView> {
        // Held shared: while it is, no file of the library is removed.
        let lock = File::create(self.data.backup_lock()).context("the data folder cannot be written to")?;
        lock.lock_shared().context("the data folder cannot be locked")?;
        let place = Place::of(path);
        let passphrase = if only.is_some() { PassphraseFile::new(None) } else { self.passphrase_file() };
        let mut backup = NewBackup {
            writer: block_in_place(|| Writer::begin(&place, options.replace, &passphrase))?,
            problems: Vec::new(),
            added_bytes: 0,
            stop,
            on_progress,
            done: 0,
            total: 0,
        };
        let snapshot = self.store.row_snapshot().await?;
        let mut meetings = snapshot.meetings().await?;
        meetings.retain(|meeting| only.is_none_or(|wanted| meeting.id == wanted));
        for meeting in meetings.iter_mut().filter(|meeting| meeting.untitled) {
            meeting.title = title_from_file_name(&meeting.title);
        }
        let before = block_in_place(|| backup.writer.last_manifest(&place));
        let mut rows = backup.rows(&snapshot, &meetings, before.as_ref()).await?;
        let archive_rows = match only {
            None => Some(backup.put_rows(&snapshot.archive_text().await?)?),
            Some(_) => None,
        };
        let header =
            Header::new(snapshot.info(), &self.library, self.machine, backup.writer.key().encrypts());
        drop(snapshot);
        let audio = block_in_place(|| self.back_up_audio(&mut backup, path, &meetings))?;
        let meetings: Vec<BackedUpMeeting> = meetings
            .into_iter()
            .zip(audio)
            .filter_map(|(meeting, audio)| {
                let rows = rows.remove(&meeting.id)?;
                let SnapshotMeeting { id, title, fingerprint, file_path, file_hash, .. } = meeting;
                let file = Some(NamedFile { path: file_path, sha256: file_hash });
                Some(BackedUpMeeting { id, title, rows, fingerprint, audio, file })
            })
            .collect();
        let settings = if only.is_none() { settings_to_back_up(self.data.path()) } else { None };
        let manifest = Manifest { header, settings, archive_rows, meetings };
        let (manifest_path, text) = manifest.write()?;
        let NewBackup { writer, problems, added_bytes, .. } = backup;
        let key = writer.key().clone();
        let mut notes = self.notes_about_place(&place);
        if writer.made_key() {
            notes.push(KEEP_THE_PASSPHRASE.to_owned());
        }
        let written = block_in_place(|| writer.finish(&manifest_path, &text))?;
        let mut view = BackupView {
            place: path.display().to_string(),
            taken_at: rfc3339(manifest.header.taken_at),
            meetings: count(manifest.meetings.len()),
            with_audio: count(manifest.meetings.iter().filter(|m| m.audio.content().is_some()).count()),
            added_bytes: added_bytes as f64,
            total_bytes: manifest.objects().values().sum::<u64>() as f64,
            checked: options.check,
            problems,
            notes,
            removed_snapshots: 0,
        };
        if options.check {
            let backup = block_in_place(|| Backup::open(place.path(), false, &passphrase))?;
            self.check_new_backup(&backup, &manifest, &written, &mut view, on_progress, stop).await?;
        }
        if options.prune
            && let Place::Folder(folder) = &place
        {
            view.removed_snapshots = block_in_place(|| super::prune::prune(folder, key))?;
        }
        Ok(view)
    }

    /// Copies the audio of each meeting; returns what there is of each.
    fn back_up_audio(
        &self,
        backup: &mut NewBackup<'_>,
        path: &Path,
        meetings: &[SnapshotMeeting],
    ) -> Result<Vec<BackedUpAudio>> {
        let sources: Vec<AudioSource> = meetings.iter().map(|meeting| self.audio_source(meeting)).collect();
        let to_copy = |source: &AudioSource| match source {
            AudioSource::File { bytes, expected, .. } => {
                let known = expected.as_ref().is_some_and(|hash| backup.writer.has(&ObjectName::audio(hash)));
                if known { 0 } else { *bytes }
            }
            _ => 0,
        };
        let total: u64 = sources.iter().map(to_copy).sum();
        (backup.done, backup.total) = (0, total);
        ensure_space(path, total)?;
        let mut found = Vec::with_capacity(meetings.len());
        for (meeting, source) in meetings.iter().zip(sources) {
            found.push(match source {
                AudioSource::Elsewhere => BackedUpAudio::Elsewhere,
                AudioSource::Missing => {
                    if !meeting.audio_removed {
                        backup.problems.push(format!(
                            "The audio of “{}” is not in the library, so it is not in the backup.",
                            meeting.title
                        ));
                    }
                    BackedUpAudio::Missing
                }
                AudioSource::File { path, bytes, expected } => {
                    backup.put_audio(meeting, &path, bytes, expected)?
                }
            });
        }
        Ok(found)
    }

    fn audio_source(&self, meeting: &SnapshotMeeting) -> AudioSource {
        if meeting.library_id != Some(self.library.id()) {
            return AudioSource::Elsewhere;
        }
        let Some(folder) = self.library.parse_file_path(&meeting.file_path) else {
            return AudioSource::Elsewhere;
        };
        match fs::metadata(folder.audio()) {
            Ok(metadata) if metadata.is_file() => AudioSource::File {
                path: folder.audio().to_owned(),
                bytes: metadata.len(),
                expected: meeting.file_hash.as_deref().and_then(ContentHash::parse),
            },
            _ => AudioSource::Missing,
        }
    }

    fn notes_about_place(&self, place: &Place) -> Vec<String> {
        let device = |path: &Path| {
            #[cfg(unix)]
            let device = fs::metadata(path).map(|m| std::os::unix::fs::MetadataExt::dev(&m)).ok();
            #[cfg(not(unix))]
            let device = None::<u64>;
            device
        };
        let same = device(place.path()).is_some_and(|other| device(self.data.path()) == Some(other));
        let note = "The backup is on the same disk as the archive. It does not help if that disk fails: copy it to another one from time to time.";
        if same { vec![note.to_owned()] } else { Vec::new() }
    }
}

/// What to know of a place that got its key now.
const KEEP_THE_PASSPHRASE: &str = "The backup is encrypted. Keep its passphrase in another place as well: without it nobody can read the backup, you neither.";

/// Where the audio of a meeting is.
enum AudioSource {
    File { path: std::path::PathBuf, bytes: u64, expected: Option<ContentHash> },
    Missing,
    Elsewhere,
}

/// A backup that is being written.
struct NewBackup<'a> {
    writer: Writer,
    problems: Vec<String>,
    added_bytes: u64,
    stop: &'a watch::Receiver<bool>,
    on_progress: OnProgress<'a>,
    done: u64,
    total: u64,
}

impl NewBackup<'_> {
    /// The rows of each meeting. Those that did not change since `before` are not read.
    async fn rows(
        &mut self,
        snapshot: &RowSnapshot,
        meetings: &[SnapshotMeeting],
        before: Option<&Manifest>,
    ) -> Result<HashMap<JobId, Content>> {
        let comparable = before.filter(|before| before.header.tables_id == snapshot.info().tables_id);
        let known: HashMap<JobId, &BackedUpMeeting> = comparable
            .iter()
            .flat_map(|before| &before.meetings)
            .map(|meeting| (meeting.id, meeting))
            .collect();
        let mut rows = HashMap::new();
        let mut changed = Vec::new();
        for meeting in meetings {
            match known.get(&meeting.id) {
                Some(known)
                    if known.fingerprint == meeting.fingerprint
                        && self.writer.has(&ObjectName::rows(&known.rows.sha256)) =>
                {
                    rows.insert(meeting.id, known.rows.clone());
                }
                _ => changed.push(meeting),
            }
        }
        let total = changed.len();
        let mut todo = changed.as_slice();
        while !todo.is_empty() {
            ensure_running(self.stop)?;
            let texts = snapshot.next_texts(todo).await?;
            let (batch, rest) = todo.split_at(texts.len());
            for (meeting, text) in batch.iter().zip(&texts) {
                rows.insert(meeting.id, self.put_rows(text)?);
            }
            todo = rest;
            (self.on_progress)(BackupProgress {
                phase: BackupPhase::Reading,
                done_bytes: (total - todo.len()) as f64,
                total_bytes: total as f64,
            });
        }
        Ok(rows)
    }

    fn put_rows(&mut self, text: &[u8]) -> Result<Content> {
        let content = Content { sha256: ContentHash::of(text), bytes: text.len() as u64 };
        let name = ObjectName::rows(&content.sha256);
        if !self.writer.has(&name) {
            block_in_place(|| self.writer.put_text(name, text))?;
            self.added_bytes += content.bytes;
        }
        Ok(content)
    }

    /// Copies the audio of a meeting. Audio that cannot be read is a problem, not an error.
    fn put_audio(
        &mut self,
        meeting: &SnapshotMeeting,
        path: &Path,
        bytes: u64,
        expected: Option<ContentHash>,
    ) -> Result<BackedUpAudio> {
        if let Some(expected) = &expected
            && self.writer.has(&ObjectName::audio(expected))
        {
            return Ok(BackedUpAudio::Kept(Content { sha256: expected.clone(), bytes }));
        }
        ensure_running(self.stop)?;
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) => return Ok(self.unreadable(meeting, &error)),
        };
        let copied = match &mut self.writer {
            Writer::Folder(folder) => {
                let (draft, mut to) = folder.draft()?;
                match copy_hashed(file, &mut to, self.stop, |n| {
                    self.done += n;
                    report(self.on_progress, BackupPhase::Copying, self.done, self.total);
                })? {
                    Copied::Whole(content) => {
                        let name = ObjectName::audio(&content.sha256);
                        if !folder.has(&name) {
                            self.added_bytes += content.bytes;
                        }
                        to.finish(&name.path()).map_err(write_error)?;
                        folder.name_draft(&draft, name)?;
                        content
                    }
                    Copied::Unreadable(error) => return Ok(self.unreadable(meeting, &error)),
                }
            }
            Writer::File(tar) => {
                // The name comes before the content, so the file is read twice.
                let hash = match hash_of(path) {
                    Ok(hash) => ContentHash::parse(&hash).context("a SHA-256 has 64 digits")?,
                    Err(error) => return Ok(self.unreadable(meeting, &error)),
                };
                let bytes = file.metadata()?.len();
                let name = ObjectName::audio(&hash);
                if !tar.has(&name) {
                    let (on_progress, total) = (self.on_progress, self.total);
                    let done = &mut self.done;
                    let source = Watched {
                        file,
                        stop: self.stop,
                        on_bytes: |n| {
                            *done += n;
                            report(on_progress, BackupPhase::Copying, *done, total);
                        },
                    };
                    tar.append_object(&name, source, bytes)
                        .with_context(|| format!("the backup of the audio of “{}” failed", meeting.title))?;
                    self.added_bytes += bytes;
                }
                Content { sha256: hash, bytes }
            }
        };
        Ok(match expected {
            Some(expected) if expected != copied.sha256 => {
                self.problems.push(format!(
                    "The audio of “{}” has changed on this disk since it was imported. The backup holds it as it is now; an earlier backup may hold it whole.",
                    meeting.title
                ));
                BackedUpAudio::Altered { sha256: copied.sha256, bytes: copied.bytes, expected }
            }
            _ => BackedUpAudio::Kept(copied),
        })
    }

    fn unreadable(&mut self, meeting: &SnapshotMeeting, error: &io::Error) -> BackedUpAudio {
        self.problems.push(format!(
            "The audio of “{}” could not be read ({error}), so it is not in the backup.",
            meeting.title
        ));
        BackedUpAudio::Missing
    }
}

/// Why a backup or a restore ended early when it was asked to.
pub(super) const STOPPED: &str = "it was stopped; nothing was changed";

/// Fails when `stop` is true.
pub(super) fn ensure_running(stop: &watch::Receiver<bool>) -> Result<()> {
    if *stop.borrow() { bail!(STOPPED) } else { Ok(()) }
}

pub(super) fn report(on_progress: OnProgress<'_>, phase: BackupPhase, done: u64, total: u64) {
    on_progress(BackupProgress { phase, done_bytes: done as f64, total_bytes: total as f64 });
}
