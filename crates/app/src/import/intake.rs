//! From a path to a registered recording: find, probe, copy while hashing, register.
//!
//! A file is either registered with its whole content safe in the library, or nothing of it is left. The copy is made
//! in `incoming/<job id>/`, synced, renamed to `<job id>/`, and only then does a row point at it. Leaves out the work
//! on the recording.

use crate::App;
use crate::archive::view::JobView;
use crate::import::hash::{hash_of, hex, read_all};
use crate::import::leftovers::{Copy, forget_note, new_folder};
use crate::import::list::{ImportList, Listed};
use crate::library::{Place, sync_folder};
use crate::names::{file_name, kept_file_name};
use crate::transcribe::choice::Choice;
use anyhow::{Context, Result};
use chrono::{DateTime, FixedOffset, Local, TimeDelta, Utc};
use futures_util::stream::{self, StreamExt};
use media::MediaError;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;
use store::{Job, JobId, NewJob, Registered};
use tokio::sync::watch;

/// Space that stays free on the library's disk: for the words, the database's log and the rest of the system.
const SPACE_LEFT: u64 = 64 << 20;
/// How many files are copied at once. Copies of small files mostly wait for the disk to confirm.
const AT_ONCE: usize = 4;
/// A file of this size may need no blocks of its own.
const SMALL: u64 = 64 << 10;
/// So many bytes of a file are looked at in each place.
const LOOK: u64 = 16 << 10;
/// 1990-01-01 UTC in seconds: before it, nobody recorded a meeting into a file.
const FIRST_BELIEVABLE_S: i64 = 631_152_000;

/// What became of one file.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The file as it was given or found.
    pub path: PathBuf,
    /// How it ended.
    pub outcome: Outcome,
}

/// The four ways a file can end.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// It is in the archive.
    Imported(Box<JobView>),
    /// Its content was in the archive before; nothing is done twice.
    Duplicate {
        /// The job that has the content.
        job: Box<JobView>,
        /// Whether its copy in the library had been lost or altered and is whole again.
        healed: bool,
    },
    /// It is in the way of a folder import and no recording. A sentence that names it.
    Skipped(String),
    /// It cannot be imported. A sentence that names it.
    Failed(String),
}

/// Why a single file is not taken in: a clause that follows its name.
enum Refused {
    Media(MediaError),
    Clause(String),
}

/// A file that is copied.
struct Source<'a> {
    path: &'a Path,
    found: &'a fs::Metadata,
    probe: &'a media::Probe,
}

impl From<MediaError> for Refused {
    fn from(error: MediaError) -> Self {
        Self::Media(error)
    }
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::Clause("the disk of the library became full while it was copied".to_owned())
            }
            _ => Self::Media(MediaError::Io(error)),
        }
    }
}

impl App {
    /// Imports every file of `list`, four at a time; calls `on_each` for each in order, with its number. After
    /// `stop`, no further file is begun, and the files that are being copied are finished. Interrupted anywhere, also by
    /// `stop`, the rest can be continued: see [`App::interrupted_imports`].
    ///
    /// # Errors
    /// Where the archive itself fails; what is wrong with a single file is in its outcome.
    pub async fn import(
        &self,
        mut list: ImportList,
        stop: &watch::Receiver<bool>,
        on_each: &mut (dyn FnMut(usize, &Imported) + Send),
    ) -> Result<Vec<Imported>> {
        self.settle_leftovers().await?;
        let (rest, choice) = (list.rest(), list.choice().clone());
        let (first, wanted) = (list.done(), rest.len());
        let mut results = Vec::with_capacity(wanted);
        let mut failure = None;
        let failed = AtomicBool::new(false);
        let goes_on = |_: &Listed| std::future::ready(!*stop.borrow() && !failed.load(Ordering::Relaxed));
        let imports = stream::iter(rest).take_while(goes_on).map(|listed| {
            let (app, choice) = (self.clone(), choice.clone());
            // A task of its own: a file that was begun comes to its end whatever becomes of the list.
            tokio::spawn(async move { app.import_one(listed, &choice).await })
        });
        let mut imports = pin!(imports.buffered(AT_ONCE));
        while let Some(ended) = imports.next().await {
            let ended = ended.map_err(anyhow::Error::from).flatten();
            if failure.is_some() {
                // This file may be in the archive already. When the list is continued, it counts as a duplicate.
                continue;
            }
            match ended.and_then(|imported| list.tick().map(|()| imported)) {
                Ok(imported) => {
                    on_each(first + results.len() + 1, &imported);
                    results.push(imported);
                }
                Err(error) => {
                    failed.store(true, Ordering::Relaxed);
                    failure = Some(error);
                }
            }
        }
        match failure {
            Some(error) => Err(error),
            None if results.len() < wanted => Ok(results),
            None => {
                list.finish()?;
                Ok(results)
            }
        }
    }

    async fn import_one(&self, listed: Listed, choice: &Choice) -> Result<Imported> {
        let Listed { path, by_hand, problem } = listed;
        let done = |outcome| Ok(Imported { path: path.clone(), outcome });
        if let Some(problem) = problem {
            return done(Outcome::Failed(problem));
        }
        let taken = {
            let (app, path, choice) = (self.clone(), path.clone(), choice.clone());
            tokio::task::spawn_blocking(move || app.copy_in(&path, &choice)).await?
        };
        let name = file_name(&path);
        let copy = match taken {
            Ok(copy) => copy,
            // What lies in a folder of recordings without being one is not worth an error.
            Err(Refused::Media(
                error @ (MediaError::NotMedia | MediaError::Empty | MediaError::NoAudioTrack),
            )) if !by_hand => {
                return done(Outcome::Skipped(format!("{name}: {error}")));
            }
            Err(Refused::Media(error)) => {
                tracing::info!(?error, "a file was refused");
                return done(Outcome::Failed(format!("{name}: {error}")));
            }
            Err(Refused::Clause(why)) => return done(Outcome::Failed(format!("{name}: {why}"))),
        };
        done(self.register_copy(copy).await?)
    }

    /// Puts a copy into the library, or discards it where its content is there already.
    async fn register_copy(&self, mut copy: Copy) -> Result<Outcome> {
        if let Some(job) = self.store.job_by_hash(&copy.new.file_hash).await? {
            return self.duplicate(job, copy).await;
        }
        let library = self.library.clone();
        let copy = tokio::task::spawn_blocking(move || -> Result<Copy> {
            let place = library.put(&copy.folder, copy.new.id, &copy.file)?;
            copy.folder = place.folder().to_owned();
            Ok(copy)
        });
        self.register(copy.await??).await
    }

    /// Registers a copy in the library. Where the answer of the database is lost, the copy stays with its note, and is
    /// settled later: it may have been registered.
    pub(crate) async fn register(&self, copy: Copy) -> Result<Outcome> {
        match self.store.register(&copy.new).await? {
            Registered::New(job) => {
                let folder = copy.folder;
                tokio::task::spawn_blocking(move || forget_note(&folder)).await??;
                // Not before the note is gone.
                drop(copy.note);
                Ok(Outcome::Imported(Box::new(self.view(job).await?)))
            }
            Registered::Duplicate(job) => self.duplicate(job, copy).await,
        }
    }

    /// The content is registered: heals its library copy with ours if need be, and removes ours.
    async fn duplicate(&self, job: Job, copy: Copy) -> Result<Outcome> {
        let theirs = self.library.place(&job);
        let hash = job.file_hash.clone().unwrap_or_default();
        let healed = tokio::task::spawn_blocking(move || -> Result<bool> {
            let ours = copy.folder.join(&copy.file);
            let healed = match theirs {
                Some(theirs) => heal(&ours, &theirs, &hash)?,
                None => false,
            };
            fs::remove_dir_all(&copy.folder)
                .with_context(|| format!("{} could not be removed", copy.folder.display()))?;
            Ok(healed)
        });
        let healed = healed.await??;
        Ok(Outcome::Duplicate { job: Box::new(self.view(job).await?), healed })
    }

    fn copy_in(&self, path: &Path, choice: &Choice) -> Result<Copy, Refused> {
        let before = fs::metadata(path)?;
        if !before.is_file() {
            // Opening a pipe or a device would wait for ever.
            return Err(Refused::Clause(
                if before.is_dir() { "it is a folder" } else { "it is not a file but a device or pipe" }
                    .to_owned(),
            ));
        }
        if is_placeholder(path, &before)? {
            return Err(Refused::Clause(
                "only a placeholder is on this computer; download the file from the cloud first".to_owned(),
            ));
        }
        let probe = media::probe(path, &self.tools)?;
        self.check_space(before.len())?;

        let id = JobId::new();
        let (folder, mut note) = new_folder(&self.library.incoming(), id)?;
        let file = match extension(path) {
            Some(extension) => format!("audio.{extension}"),
            None => "audio".to_owned(),
        };
        let copied = copy_hashed(path, &folder.join(&file)).and_then(|(size, hash)| {
            let after = fs::metadata(path)?;
            if size != before.len() || after.len() != size || after.modified().ok() != before.modified().ok()
            {
                return Err(Refused::Clause(
                    "it is still being written; import it again when it is finished".to_owned(),
                ));
            }
            let new = self.new_job(id, Source { path, found: &before, probe: &probe }, &file, hash, choice);
            note.write(&file, &new)?;
            sync_folder(&folder).map_err(io::Error::other)?;
            Ok(new)
        });
        match copied {
            Ok(new) => Ok(Copy { folder, file, new, note }),
            Err(refused) => {
                let _ = fs::remove_dir_all(&folder);
                Err(refused)
            }
        }
    }

    fn new_job(&self, id: JobId, source: Source<'_>, file: &str, hash: String, choice: &Choice) -> NewJob {
        let Source { path, found, probe } = source;
        let recorded_at = recorded_at(probe.recorded_at, found.modified().ok(), Utc::now());
        NewJob {
            id,
            file_name: shortened(&kept_file_name(path), 255),
            file_path: format!("{id}/{file}"),
            file_hash: hash,
            duration_ms: probe.duration_ms.map(i64::from),
            recorded_at: recorded_at.map(|at| at.to_utc()),
            recorded_offset_s: recorded_at.map(|at| at.offset().local_minus_utc()),
            byte_size: i64::try_from(found.len()).unwrap_or(i64::MAX),
            media_format: format_name(&probe.container, &probe.codec),
            library_id: self.library.id(),
            requested_language: choice.language.clone(),
            requested_model: Some(choice.model.clone()),
            requested_translate: choice.translate,
            requested_vocabulary: choice.stored().vocabulary_lines(),
            requested_speakers_min: choice.stored().speakers_min,
            requested_speakers_max: choice.stored().speakers_max,
        }
    }

    fn check_space(&self, needed: u64) -> Result<(), Refused> {
        let library = self.library.folder();
        match store::disk::free_bytes(library) {
            Ok(free) if free < needed.saturating_add(SPACE_LEFT) => Err(Refused::Clause(format!(
                "the disk of the library {} has {} MB free; the copy needs {} MB and some room besides",
                library.display(),
                free >> 20,
                (needed >> 20) + 1
            ))),
            // A file system that cannot tell is not a reason to refuse.
            _ => Ok(()),
        }
    }
}

/// Puts `ours` in the place of `theirs` unless that is there with content of this hash. Whether it was needed.
fn heal(ours: &Path, theirs: &Place, hash: &str) -> Result<bool> {
    let audio = theirs.audio();
    if hash_of(audio).is_ok_and(|found| found == hash) {
        return Ok(false);
    }
    fs::create_dir_all(theirs.folder())
        .and_then(|()| fs::rename(ours, audio))
        .with_context(|| format!("{} could not be put back", audio.display()))?;
    sync_folder(theirs.folder())?;
    Ok(true)
}

/// Copies `from` to the new file `to`, synced; gives its size and SHA-256. Memory does not depend on the size.
fn copy_hashed(from: &Path, to: &Path) -> Result<(u64, String), Refused> {
    let mut source = File::open(from)?;
    let mut copy = File::create_new(to)?;
    let mut hash = Sha256::new();
    let mut size = 0;
    read_all(&mut source, |bytes| {
        hash.update(bytes);
        size += bytes.len() as u64;
        copy.write_all(bytes)
    })?;
    copy.sync_all()?;
    Ok((size, hex(&hash.finalize())))
}

/// Files whose content a cloud program has not downloaded: a stand-in of another name, or a size without blocks and
/// without content. No blocks alone say nothing: many network file systems and mounted archives count none.
fn is_placeholder(path: &Path, found: &fs::Metadata) -> io::Result<bool> {
    let stand_in = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("icloud"));
    #[cfg(unix)]
    let no_blocks = std::os::unix::fs::MetadataExt::blocks(found) == 0;
    #[cfg(not(unix))]
    let no_blocks = false;
    // An empty file is refused as one, and a small one may live in the inode.
    Ok(stand_in || (no_blocks && found.len() > SMALL && is_hollow(path, found.len())?))
}

/// Whether there are only zeros at the beginning, in the middle and at the end of a file of `size` bytes.
fn is_hollow(path: &Path, size: u64) -> io::Result<bool> {
    let mut file = File::open(path)?;
    for start in [0, size / 2, size.saturating_sub(LOOK)] {
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        (&mut file).take(LOOK).read_to_end(&mut bytes)?;
        if bytes.iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// When a recording was made: by its file, else by when the file was last changed, whichever can be believed.
fn recorded_at(
    in_file: Option<DateTime<FixedOffset>>,
    modified: Option<SystemTime>,
    now: DateTime<Utc>,
) -> Option<DateTime<FixedOffset>> {
    let believable = |at: &DateTime<FixedOffset>| is_believable(at.to_utc(), now);
    in_file.filter(believable).or_else(|| modified.and_then(local_time).filter(believable))
}

/// Whether a recording can have been made at `at`. A clock that was never set, and a file system that keeps no times,
/// say 1904, 1970 or 1980; one that overflows 1901, 2106 or 2446. Nobody brings recordings of the future: a day is for
/// clocks that are set to another zone.
fn is_believable(at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    let first = DateTime::from_timestamp(FIRST_BELIEVABLE_S, 0).unwrap_or_default();
    at >= first && at <= now + TimeDelta::days(1)
}

/// `None` for a time that no calendar holds.
fn local_time(at: SystemTime) -> Option<DateTime<FixedOffset>> {
    let seconds = match at.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).ok()?,
        Err(before) => i64::try_from(before.duration().as_secs()).ok()?.checked_neg()?,
    };
    Some(DateTime::from_timestamp(seconds, 0)?.with_timezone(&Local).fixed_offset())
}

/// At most `limit` characters, taken out before the extension.
fn shortened(name: &str, limit: usize) -> String {
    let length = name.chars().count();
    if length <= limit {
        return name.to_owned();
    }
    let (stem, extension) = match name.rfind('.') {
        Some(dot) if name[dot..].chars().count() <= 12 => name.split_at(dot),
        _ => (name, ""),
    };
    let keep = limit - extension.chars().count() - 1;
    stem.chars().take(keep).chain(std::iter::once('…')).chain(extension.chars()).collect()
}

/// The extension if it is an ordinary one; it only helps a person who looks into the library.
fn extension(path: &Path) -> Option<String> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    let ordinary = (1..=8).contains(&extension.len()) && extension.bytes().all(|b| b.is_ascii_alphanumeric());
    ordinary.then_some(extension)
}

fn format_name(container: &str, codec: &str) -> String {
    if container == codec { container.to_owned() } else { format!("{container}, {codec}") }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn a_long_name_keeps_its_extension() {
        let name = format!("{}.mp3", "会".repeat(300));
        let short = shortened(&name, 255);
        assert_eq!(short.chars().count(), 255);
        assert!(short.ends_with("会….mp3"));
        assert_eq!(shortened("a.wav", 255), "a.wav");
        assert_eq!(shortened(&".".repeat(300), 255).chars().count(), 255);
    }

    #[test]
    fn a_placeholder_is_told_by_its_content_and_not_by_its_blocks() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, content: &[(u64, &[u8])]| {
            let path = dir.path().join(name);
            let mut file = File::create(&path).unwrap();
            file.set_len(200_000).unwrap();
            for (place, bytes) in content {
                file.seek(SeekFrom::Start(*place)).unwrap();
                file.write_all(bytes).unwrap();
            }
            path
        };
        for (name, content, hollow) in [
            ("nothing but a hole", &[][..], true),
            ("the beginning is there", &[(0, &b"RIFF"[..])][..], false),
            ("the middle is there", &[(100_000, &b"sound"[..])][..], false),
            ("the end is there", &[(199_999, &b"x"[..])][..], false),
        ] {
            assert_eq!(is_hollow(&file(name, content), 200_000).unwrap(), hollow, "{name}");
        }
        let hole = file("hole", &[]);
        assert!(is_placeholder(&hole, &fs::metadata(&hole).unwrap()).unwrap());
        let stand_in = file(".a.wav.icloud", &[(0, b"RIFF")]);
        assert!(is_placeholder(&stand_in, &fs::metadata(&stand_in).unwrap()).unwrap());
    }

    #[test]
    fn dates_that_cannot_be_are_left_out() {
        let now: DateTime<Utc> = "2026-03-03T12:00:00Z".parse().unwrap();
        let at = |text: &str| text.parse::<DateTime<FixedOffset>>().unwrap();
        for (text, believed) in [
            ("1901-12-13T20:45:52Z", false),
            ("1970-01-01T00:00:00Z", false),
            ("1980-01-01T00:00:00Z", false),
            ("1990-01-01T00:00:00Z", true),
            ("2026-03-03T13:00:00+00:00", true),
            ("2026-03-04T12:00:00Z", true),
            ("2026-03-04T12:00:01Z", false),
            ("2106-02-07T06:28:15Z", false),
            ("2446-05-10T22:38:55Z", false),
        ] {
            assert_eq!(recorded_at(Some(at(text)), None, now).is_some(), believed, "{text} in the file");
            let modified = SystemTime::from(at(text));
            assert_eq!(recorded_at(None, Some(modified), now).is_some(), believed, "{text} of the file");
        }
        let modified = SystemTime::from(at("2026-03-01T10:00:00Z"));
        let found = recorded_at(Some(at("2106-02-07T06:28:15Z")), Some(modified), now);
        assert_eq!(found, Some(at("2026-03-01T10:00:00Z")), "a date that cannot be makes room for the other");
        let endless = SystemTime::UNIX_EPOCH.checked_add(std::time::Duration::from_secs(1 << 62));
        assert_eq!(recorded_at(None, endless, now), None);
    }

    #[test]
    fn only_ordinary_extensions_enter_the_library() {
        for (name, kept) in
            [("a.MP3", Some("mp3")), ("a", None), ("a.b c", None), ("a.averylongone", None), (".wav", None)]
        {
            assert_eq!(extension(Path::new(name)).as_deref(), kept, "{name}");
        }
    }
}
