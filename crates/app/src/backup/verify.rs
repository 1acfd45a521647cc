//! Checks of a backup and of the archive.

use super::create::{OnProgress, ensure_running, report};
use super::damage::Damage;
use super::layout::{ContentHash, ObjectName, README, SNAPSHOTS};
use super::manifest::Manifest;
use super::place::Backup;
use super::view::{ArchiveCheckView, BackupCheckView, BackupPhase, BackupView, count, rfc3339};
use crate::import::hash::{hash_of, hex};
use crate::{App, LocalApp};
use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::str::FromStr;
use store::{JobFilter, Staging};
use tokio::sync::watch;
use tokio::task::block_in_place;

/// How to check a backup.
#[derive(Debug, Clone, Copy, Default)]
pub struct VerifyOptions {
    /// Read only a part of the objects; the rest must be there with the right size.
    pub subset: Option<ReadSubset>,
}

/// One of several parts of a backup, such as 3/7: after seven checks with different parts everything was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadSubset {
    /// Number of the part, from 1.
    pub part: u32,
    /// Number of parts.
    pub parts: u32,
}

impl FromStr for ReadSubset {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers =
            text.split_once('/').and_then(|(part, parts)| part.parse().ok().zip(parts.parse().ok()));
        match numbers {
            Some((part, parts)) if (1..=parts).contains(&part) => Ok(Self { part, parts }),
            _ => Err("a part such as 1/7 is expected: the first of seven".to_owned()),
        }
    }
}

impl ReadSubset {
    fn contains(self, name: &ObjectName) -> bool {
        name.hash.number() % self.parts == self.part - 1
    }
}

impl LocalApp {
    /// Checks a backup. Needs no archive. An encrypted one is opened with the passphrase that the settings name.
    ///
    /// # Errors
    /// If there is no backup, or its passphrase is missing or wrong. Damage is no error but part of the result.
    pub async fn verify_backup(
        &self,
        path: &Path,
        options: VerifyOptions,
        on_progress: OnProgress<'_>,
        stop: &watch::Receiver<bool>,
    ) -> Result<BackupCheckView> {
        let path = &std::path::absolute(path)?;
        let checked = block_in_place(|| -> Result<_> {
            // A file is opened as far as it can be read, so that all damage is named.
            let backup = Backup::open(path, true, &self.passphrase_file())?;
            check(&backup, options.subset, on_progress, stop)
        })?;
        let newest = checked.newest();
        let mut damage: Vec<String> = checked.damage.iter().map(|damage| damage.sentence(newest)).collect();
        damage.dedup();
        let view = BackupCheckView {
            place: path.display().to_string(),
            snapshots: count(checked.manifests.len()),
            taken_at: newest.map(|manifest| rfc3339(manifest.header.taken_at)),
            meetings: newest.map_or(0, |manifest| count(manifest.meetings.len())),
            objects_read: count(checked.objects_read),
            objects: count(checked.objects.len()),
            read_bytes: checked.read_bytes as f64,
            damage,
        };
        self.note_backup_check(&view);
        Ok(view)
    }
}

/// What a check found.
pub(super) struct Checked {
    /// The readable manifests, oldest first.
    pub(super) manifests: Vec<Manifest>,
    /// Everything that is damaged or missing.
    pub(super) damage: Vec<Damage>,
    objects: BTreeMap<ObjectName, Option<u64>>,
    objects_read: usize,
    read_bytes: u64,
}

impl Checked {
    /// The newest readable manifest.
    pub(super) fn newest(&self) -> Option<&Manifest> {
        self.manifests.last()
    }
}

/// Checks the manifests, that each object they name is there, and the content of all objects, or of those of `subset`.
/// Blocks.
fn check(
    backup: &Backup,
    subset: Option<ReadSubset>,
    on_progress: OnProgress<'_>,
    stop: &watch::Receiver<bool>,
) -> Result<Checked> {
    let mut checked = check_names(backup)?;
    checked.damage.splice(0..0, backup.key_damage().iter().cloned());
    let to_read: Vec<(ObjectName, u64)> = checked
        .objects
        .iter()
        .filter(|(name, _)| subset.is_none_or(|subset| subset.contains(name)))
        .map(|(name, bytes)| (name.clone(), bytes.unwrap_or_default()))
        .collect();
    let total = to_read.iter().map(|(_, bytes)| bytes).sum();
    for (name, bytes) in &to_read {
        ensure_running(stop)?;
        if let Err(error) = read_checked(backup, name, &mut io::sink()) {
            checked.damage.push(Damage::object(name, format!("{error:#}")));
        }
        checked.read_bytes += bytes;
        report(on_progress, BackupPhase::Checking, checked.read_bytes, total);
    }
    checked.objects_read = to_read.len();
    if let Backup::File(file) = backup
        && subset.is_none()
        && let Err(error) = file.check_whole(|_| ())
    {
        checked.damage.push(Damage::file("the file as a whole", format!("{error:#}")));
    }
    Ok(checked)
}

/// Checks the manifests and that every object they name is there with its size. Blocks.
pub(super) fn check_names(backup: &Backup) -> Result<Checked> {
    let mut damage = Vec::new();
    let mut manifests = Vec::new();
    for path in backup.manifests()? {
        match backup.text(&path).and_then(|text| Manifest::read(&path, &text)) {
            Ok(manifest) => manifests.push(manifest),
            Err(error) => damage.push(Damage::file(&path, format!("is damaged: {error:#}"))),
        }
    }
    let objects = backup.objects()?;
    match manifests.last() {
        None => damage.push(Damage::file(SNAPSHOTS, "has no readable snapshot")),
        Some(newest) => {
            let readme = backup.readme().map(|text| ContentHash::of(&text));
            if !readme.is_ok_and(|hash| hash == newest.header.readme) {
                damage.push(Damage::file(README, "has been changed or is missing"));
            }
        }
    }
    let mut needed = BTreeMap::new();
    for manifest in &manifests {
        needed.extend(manifest.objects());
    }
    for (name, bytes) in needed {
        match objects.get(&name) {
            None => damage.push(Damage::object(&name, "is missing")),
            Some(Some(present)) if *present == bytes => {}
            Some(Some(present)) => {
                damage.push(Damage::object(&name, format!("has {present} bytes instead of {bytes}")));
            }
            Some(None) => damage.push(Damage::object(&name, "was cut off or has grown")),
        }
    }
    Ok(Checked { manifests, damage, objects, objects_read: 0, read_bytes: 0 })
}

/// Writes the content of an object to `sink` and compares it with its name.
///
/// # Errors
/// A clause that says what is wrong with the object.
pub(super) fn read_checked(backup: &Backup, name: &ObjectName, sink: &mut dyn Write) -> Result<()> {
    let mut hashing = Hashing { sink, hash: Sha256::new() };
    backup.read(name, &mut hashing).context("cannot be read")?;
    let hash = hex(&hashing.hash.finalize());
    anyhow::ensure!(hash == name.hash.as_str(), "is damaged: its content does not agree with its name");
    Ok(())
}

/// Hashes what is written to `sink`.
struct Hashing<'a> {
    sink: &'a mut dyn Write,
    hash: Sha256,
}

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.sink.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

impl App {
    /// Reads what a backup has written, restores one meeting chosen at random into a schema of its own, and compares it.
    /// What is wrong becomes a problem of `view`.
    pub(super) async fn check_new_backup(
        &self,
        backup: &Backup,
        manifest: &Manifest,
        written: &[ObjectName],
        view: &mut BackupView,
        on_progress: OnProgress<'_>,
        stop: &watch::Receiver<bool>,
    ) -> Result<()> {
        let damage = block_in_place(|| check_written(backup, manifest, written, on_progress, stop))?;
        view.problems.extend(backup.key_damage().iter().map(|damage| damage.sentence(None)));
        view.problems.extend(damage.iter().map(|damage| damage.sentence(Some(manifest))));
        if manifest.meetings.is_empty() {
            return Ok(());
        }
        let number = uuid::Uuid::new_v4().as_u128() % manifest.meetings.len() as u128;
        let meeting = &manifest.meetings[usize::try_from(number).unwrap_or_default()];
        let mut rows = Vec::new();
        block_in_place(|| read_checked(backup, &ObjectName::rows(&meeting.rows.sha256), &mut rows))
            .with_context(|| format!("the text of “{}” in the backup", meeting.title))?;
        let mut staging = Staging::new(&self.store, &manifest.header.schema_step).await?;
        let loaded = async {
            staging.load(&rows).await?;
            staging.meeting_text(meeting.id).await
        };
        let restored = loaded.await;
        staging.remove().await?;
        if restored? != rows {
            view.problems.push(format!(
                "“{}” was restored for a trial and differs from the archive. Please report this.",
                meeting.title
            ));
        }
        if let Some(audio) = meeting.audio.content() {
            let name = ObjectName::audio(&audio.sha256);
            if let Err(error) = block_in_place(|| read_checked(backup, &name, &mut io::sink())) {
                let damage = Damage::object(&name, format!("{error:#}"));
                view.problems.push(damage.sentence(Some(manifest)));
            }
        }
        Ok(())
    }

    /// Checks the archive: reads every row and every original of this library, and the last backup.
    ///
    /// # Errors
    /// If the archive cannot be reached. What is wrong is no error but part of the result.
    pub async fn verify_archive(
        &self,
        options: VerifyOptions,
        on_progress: OnProgress<'_>,
        stop: &watch::Receiver<bool>,
    ) -> Result<ArchiveCheckView> {
        let mut problems = self.store.unreadable_tables().await?;
        let jobs = self.store.jobs(JobFilter::default()).await?;
        let total: u64 = jobs.iter().filter_map(|job| u64::try_from(job.byte_size?).ok()).sum();
        let (mut audio_read, mut read_bytes) = (0, 0);
        for job in &jobs {
            ensure_running(stop)?;
            let Some(folder) = self.library.recording_folder(job) else { continue };
            if job.audio_removed_at.is_some() {
                continue;
            }
            let title = crate::archive::to_view::title(job);
            match block_in_place(|| hash_of(folder.audio())) {
                Ok(hash) if job.file_hash.as_deref().is_some_and(|expected| expected != hash) => {
                    problems.push(format!(
                        "The audio of “{title}” has changed on disk since it was imported. Import the recording again, or bring it back with `meetmemo restore`."
                    ));
                }
                Ok(_) => {}
                Err(error) => problems.push(format!(
                    "The audio of “{title}” cannot be read ({error}). Import the recording again, or bring it back with `meetmemo restore`."
                )),
            }
            audio_read += 1;
            read_bytes += job.byte_size.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default();
            report(on_progress, BackupPhase::Checking, read_bytes, total);
        }
        for folder in self.unreferenced_folders().await? {
            problems.push(format!(
                "The folder {} of the library belongs to no meeting. Import the file in it, or remove the folder by hand.",
                self.library.folder().join(folder).display()
            ));
        }
        let backup = match self.backup_state().last_backup {
            None => None,
            Some(last) => {
                match self.verify_backup(Path::new(&last.place), options, on_progress, stop).await {
                    Ok(view) => Some(view),
                    Err(error) => {
                        let reason = format!("{error:#}");
                        let reason = reason.trim_end_matches('.');
                        problems.push(format!("The last backup cannot be checked: {reason}."));
                        None
                    }
                }
            }
        };
        Ok(ArchiveCheckView {
            meetings: count(jobs.len()),
            audio_read,
            read_bytes: read_bytes as f64,
            problems,
            backup,
        })
    }
}

/// Reads the objects that a backup has written. A file is read as a whole. Blocks.
fn check_written(
    backup: &Backup,
    manifest: &Manifest,
    written: &[ObjectName],
    on_progress: OnProgress<'_>,
    stop: &watch::Receiver<bool>,
) -> Result<Vec<Damage>> {
    let folder = match backup {
        Backup::Folder(folder) => folder,
        Backup::File(file) => {
            let mut done = 0;
            let whole = file.check_whole(|bytes| {
                done += bytes;
                report(on_progress, BackupPhase::Checking, done, 0);
            });
            return Ok(whole.err().map(|e| Damage::file("the file", format!("{e:#}"))).into_iter().collect());
        }
    };
    let sizes = manifest.objects();
    let total = written.iter().filter_map(|name| sizes.get(name)).sum();
    let (mut done, mut damage) = (0, Vec::new());
    for name in written {
        ensure_running(stop)?;
        folder.forget_cached(name);
        if let Err(error) = read_checked(backup, name, &mut io::sink()) {
            damage.push(Damage::object(name, format!("{error:#}")));
        }
        done += sizes.get(name).copied().unwrap_or_default();
        report(on_progress, BackupPhase::Checking, done, total);
    }
    Ok(damage)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn a_part_is_written_as_a_fraction() {
        assert_eq!("2/7".parse(), Ok(ReadSubset { part: 2, parts: 7 }));
        for text in ["", "0/7", "8/7", "1", "1/0", "a/b", "-1/2"] {
            assert!(text.parse::<ReadSubset>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_parts_together_are_everything() {
        let names: Vec<_> =
            (0..200u32).map(|n| ObjectName::rows(&ContentHash::of(&n.to_le_bytes()))).collect();
        let read: usize = (1..=3)
            .map(|part| names.iter().filter(|name| ReadSubset { part, parts: 3 }.contains(name)).count())
            .sum();
        assert_eq!(read, names.len());
    }
}
