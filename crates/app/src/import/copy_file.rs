//! Copies a file into `library/incoming/` while hashing it, and describes it as a new job.
//!
//! The original is only read. The copy is synced before this returns; `import_files` moves it into the library.

use crate::App;
use crate::file_names::stored_file_name;
use crate::import::hash::{hex, read_all};
use crate::import::recorded_at::recorded_at;
use crate::import::recovery::{StagedCopy, begin_copy};
use crate::library::sync_folder;
use crate::transcribe::options::TranscriptionOptions;
use chrono::Utc;
use media::MediaError;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use store::{JobId, NewJob};

/// Bytes that must stay free on the library's disk: for transcripts, the database's log and the rest of the system.
const RESERVED_SPACE: u64 = 64 << 20;
/// A file up to this many bytes may be stored without blocks of its own.
const SMALL: u64 = 64 << 10;
/// Bytes read at each of three positions to find out whether a file is empty of content.
const PROBED_BYTES: u64 = 16 << 10;

/// Why a file cannot be imported.
pub(super) enum CopyError {
    Media(MediaError),
    /// A clause that follows the name of the file.
    Clause(String),
}

/// The original file.
struct Source<'a> {
    path: &'a Path,
    metadata: &'a fs::Metadata,
    probe: &'a media::Probe,
}

impl From<MediaError> for CopyError {
    fn from(error: MediaError) -> Self {
        Self::Media(error)
    }
}

impl From<io::Error> for CopyError {
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
    /// Probes the file `path` and copies it to `incoming/`. Leaves nothing behind if it fails. Blocks.
    pub(super) fn copy_in(
        &self,
        path: &Path,
        options: &TranscriptionOptions,
    ) -> Result<StagedCopy, CopyError> {
        let before = fs::metadata(path)?;
        if !before.is_file() {
            // Opening a pipe or a device could block for ever.
            return Err(CopyError::Clause(
                if before.is_dir() { "it is a folder" } else { "it is not a file but a device or pipe" }
                    .to_owned(),
            ));
        }
        if is_placeholder(path, &before)? {
            return Err(CopyError::Clause(
                "only a placeholder is on this computer; download the file from the cloud first".to_owned(),
            ));
        }
        let probe = media::probe(path, &self.tools)?;
        self.check_space(before.len())?;

        let id = JobId::new();
        let (folder, mut note) = begin_copy(&self.library.incoming(), id)?;
        let file = match extension(path) {
            Some(extension) => format!("audio.{extension}"),
            None => "audio".to_owned(),
        };
        let copied = copy_hashed(path, &folder.join(&file)).and_then(|(size, hash)| {
            let after = fs::metadata(path)?;
            if size != before.len() || after.len() != size || after.modified().ok() != before.modified().ok()
            {
                return Err(CopyError::Clause(
                    "it is still being written; import it again when it is finished".to_owned(),
                ));
            }
            let new =
                self.new_job(id, Source { path, metadata: &before, probe: &probe }, &file, hash, options);
            note.write(&file, &new)?;
            sync_folder(&folder).map_err(io::Error::other)?;
            Ok(new)
        });
        match copied {
            Ok(new) => Ok(StagedCopy { folder, file, new, note }),
            Err(error) => {
                let _ = fs::remove_dir_all(&folder);
                Err(error)
            }
        }
    }

    fn new_job(
        &self,
        id: JobId,
        source: Source<'_>,
        file: &str,
        hash: String,
        options: &TranscriptionOptions,
    ) -> NewJob {
        let Source { path, metadata, probe } = source;
        let recorded_at = recorded_at(probe.recorded_at, metadata.modified().ok(), Utc::now());
        let requested = options.stored();
        NewJob {
            id,
            file_name: shortened(&stored_file_name(path), 255),
            file_path: format!("{id}/{file}"),
            file_hash: hash,
            duration_ms: probe.duration_ms.map(i64::from),
            recorded_at: recorded_at.map(|at| at.to_utc()),
            recorded_offset_s: recorded_at.map(|at| at.offset().local_minus_utc()),
            byte_size: i64::try_from(metadata.len()).unwrap_or(i64::MAX),
            media_format: format_name(&probe.container, &probe.codec),
            library_id: self.library.id(),
            requested_language: options.language.clone(),
            requested_model: Some(options.model.clone()),
            requested_translate: options.translate,
            requested_vocabulary: requested.vocabulary_lines(),
            requested_speakers_min: requested.speakers_min,
            requested_speakers_max: requested.speakers_max,
        }
    }

    fn check_space(&self, needed: u64) -> Result<(), CopyError> {
        let library = self.library.folder();
        match store::disk_space::free_bytes(library) {
            Ok(free) if free < needed.saturating_add(RESERVED_SPACE) => Err(CopyError::Clause(format!(
                "the disk of the library {} has {} MB free; the copy needs {} MB and some room besides",
                library.display(),
                free >> 20,
                (needed >> 20) + 1
            ))),
            // If the free space is unknown, the copy is tried.
            _ => Ok(()),
        }
    }
}

/// Copies `from` to the new file `to` and syncs it; returns its size and SHA-256. Memory does not grow with the size.
fn copy_hashed(from: &Path, to: &Path) -> Result<(u64, String), CopyError> {
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

/// Whether a cloud program has not downloaded the content of this file: a stand-in with another name, or a file with a
/// size but without blocks and content. Missing blocks alone prove nothing: many network file systems and mounted
/// archives report none.
fn is_placeholder(path: &Path, metadata: &fs::Metadata) -> io::Result<bool> {
    let stand_in = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("icloud"));
    #[cfg(unix)]
    let no_blocks = std::os::unix::fs::MetadataExt::blocks(metadata) == 0;
    #[cfg(not(unix))]
    let no_blocks = false;
    // Empty files are refused later, and a small file may be stored in its inode.
    Ok(stand_in || (no_blocks && metadata.len() > SMALL && is_hollow(path, metadata.len())?))
}

/// Whether a file of `size` bytes has only zeros at its start, in its middle and at its end.
fn is_hollow(path: &Path, size: u64) -> io::Result<bool> {
    let mut file = File::open(path)?;
    for start in [0, size / 2, size.saturating_sub(PROBED_BYTES)] {
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        (&mut file).take(PROBED_BYTES).read_to_end(&mut bytes)?;
        if bytes.iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// `name` with at most `limit` characters; the end of its stem is replaced by `…`.
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

/// The extension in lower case, if it is short and plain. It only helps people who look into the library.
fn extension(path: &Path) -> Option<String> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    let ordinary = (1..=8).contains(&extension.len()) && extension.bytes().all(|b| b.is_ascii_alphanumeric());
    ordinary.then_some(extension)
}

/// Container and codec, as one text.
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
    fn a_placeholder_is_recognised_by_missing_content_not_by_missing_blocks() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, content: &[(u64, &[u8])]| {
            let path = dir.path().join(name);
            let mut file = File::create(&path).unwrap();
            file.set_len(200_000).unwrap();
            for (position, bytes) in content {
                file.seek(SeekFrom::Start(*position)).unwrap();
                file.write_all(bytes).unwrap();
            }
            path
        };
        for (name, content, hollow) in [
            ("no content", &[][..], true),
            ("content at the start", &[(0, &b"RIFF"[..])][..], false),
            ("content in the middle", &[(100_000, &b"sound"[..])][..], false),
            ("content at the end", &[(199_999, &b"x"[..])][..], false),
        ] {
            assert_eq!(is_hollow(&file(name, content), 200_000).unwrap(), hollow, "{name}");
        }
        let hole = file("hole", &[]);
        assert!(is_placeholder(&hole, &fs::metadata(&hole).unwrap()).unwrap());
        let stand_in = file(".a.wav.icloud", &[(0, b"RIFF")]);
        assert!(is_placeholder(&stand_in, &fs::metadata(&stand_in).unwrap()).unwrap());
    }

    #[test]
    fn only_short_plain_extensions_are_kept() {
        for (name, kept) in
            [("a.MP3", Some("mp3")), ("a", None), ("a.b c", None), ("a.averylongone", None), (".wav", None)]
        {
            assert_eq!(extension(Path::new(name)).as_deref(), kept, "{name}");
        }
    }
}
