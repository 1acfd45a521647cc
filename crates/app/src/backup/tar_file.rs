//! A backup in one file: a POSIX tar archive (pax/GNU headers for sizes above 8 GB), with rows first, then audio, the
//! manifest, and the SHA-256 of everything before. Any `tar` unpacks it into a folder that MeetMemo reads too.

use super::layout::{ObjectName, README, README_TEXT, SNAPSHOTS};
use crate::import::hash::hex;
use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Name of the last entry. Its content is the SHA-256 of all bytes before the entry.
const CHECKSUM: &str = "SHA256";
/// Largest manifest or text that is read into memory, in bytes: a million meetings.
const MAX_TEXT: u64 = 1 << 30;

/// Where an entry is in the file.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: u64,
    bytes: u64,
}

/// A backup file, for reading.
#[derive(Debug)]
pub(super) struct TarBackup {
    path: PathBuf,
    entries: BTreeMap<String, Span>,
    /// Where the last entry begins, if the file has one.
    checksum_at: Option<u64>,
}

impl TarBackup {
    /// Reads the list of entries. With `salvage`, a file that ends in the middle is read up to there.
    pub(super) fn open(path: &Path, salvage: bool) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let length = file.metadata()?.len();
        let mut backup = Self { path: path.to_owned(), entries: BTreeMap::new(), checksum_at: None };
        let listed = backup.list(file, length);
        if let Err(error) = listed
            && !salvage
        {
            return Err(error.context(format!("{} is damaged or no backup of MeetMemo", path.display())));
        }
        let is_ours = |name: &String| ObjectName::parse(name).is_some() || name.starts_with(SNAPSHOTS);
        if !backup.entries.keys().any(is_ours) {
            bail!("{} is no backup of MeetMemo", path.display());
        }
        Ok(backup)
    }

    fn list(&mut self, file: File, length: u64) -> Result<()> {
        let mut archive = tar::Archive::new(BufReader::new(file));
        for entry in archive.entries_with_seek()? {
            let entry = entry?;
            let span = Span { start: entry.raw_file_position(), bytes: entry.size() };
            let name = String::from_utf8(entry.path_bytes().into_owned())?;
            if span.start.saturating_add(span.bytes) > length {
                bail!("it ends in the middle of {name}");
            }
            if name == CHECKSUM {
                self.checksum_at = Some(entry.raw_header_position());
            } else {
                self.entries.insert(name, span);
            }
        }
        Ok(())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn manifests(&self) -> Vec<String> {
        self.entries.keys().filter(|name| name.starts_with(SNAPSHOTS)).cloned().collect()
    }

    pub(super) fn objects(&self) -> BTreeMap<ObjectName, u64> {
        let object = |(name, span): (&String, &Span)| Some((ObjectName::parse(name)?, span.bytes));
        self.entries.iter().filter_map(object).collect()
    }

    pub(super) fn text(&self, name: &str) -> Result<Vec<u8>> {
        let span = self.entries.get(name).with_context(|| format!("{name} is missing"))?;
        if span.bytes > MAX_TEXT {
            bail!("{name} is too large");
        }
        let mut text = Vec::new();
        self.copy(*span, &mut text)?;
        Ok(text)
    }

    pub(super) fn read(&self, name: &ObjectName, sink: &mut dyn Write) -> Result<()> {
        let span = self.entries.get(&name.path()).context("it is missing")?;
        self.copy(*span, sink)
    }

    fn copy(&self, span: Span, sink: &mut dyn Write) -> Result<()> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(span.start))?;
        let copied = io::copy(&mut file.take(span.bytes), sink)?;
        if copied != span.bytes {
            bail!("the file ends in the middle of it");
        }
        Ok(())
    }

    /// Reads the whole file and compares it with the checksum in it. `on_bytes` is called with the number of bytes after
    /// each block.
    ///
    /// # Errors
    /// What is wrong, as a clause.
    pub(super) fn check_whole(&self, mut on_bytes: impl FnMut(u64)) -> Result<()> {
        let end = self.checksum_at.context("has no end: it was cut off")?;
        let mut file = File::open(&self.path)?;
        let mut hash = Sha256::new();
        let mut left = end;
        let mut block = vec![0; 1 << 20];
        while left > 0 {
            let want = usize::try_from(left).unwrap_or(usize::MAX).min(block.len());
            file.read_exact(&mut block[..want])?;
            hash.update(&block[..want]);
            on_bytes(want as u64);
            left -= want as u64;
        }
        let mut rest = Vec::new();
        file.take(1 << 16).read_to_end(&mut rest)?;
        if rest != ending(&hex(&hash.finalize()))? {
            bail!("does not agree with its checksum");
        }
        Ok(())
    }
}

/// The bytes after all other entries: the entry with the checksum, and the two empty blocks that end a tar archive.
fn ending(checksum: &str) -> io::Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    append_checksum(&mut builder, checksum)?;
    builder.into_inner()
}

fn append_checksum<W: Write>(builder: &mut tar::Builder<W>, checksum: &str) -> io::Result<()> {
    let content = format!("{checksum}  everything before this entry\n");
    builder.append_data(&mut header(content.len() as u64), CHECKSUM, content.as_bytes())
}

fn header(bytes: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes);
    header.set_mode(0o600);
    header.set_mtime(0);
    header
}

/// A backup file that is being written, under another name until it is complete.
pub(super) struct TarWriter {
    path: PathBuf,
    draft: PathBuf,
    builder: Option<tar::Builder<Hashing>>,
    written: BTreeSet<ObjectName>,
}

/// Reads at most `left` bytes.
struct Counting<R> {
    content: R,
    left: u64,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.content.read(&mut buffer[..most])?;
        self.left -= read as u64;
        Ok(read)
    }
}

/// Hashes what is written.
struct Hashing {
    file: BufWriter<File>,
    hash: Sha256,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl TarWriter {
    /// Begins a file at `path`, which must not exist unless `replace`.
    pub(super) fn begin(path: &Path, replace: bool) -> Result<Self> {
        if path.exists() && !replace {
            bail!("{} exists already. Choose another name, or give --force to replace it", path.display());
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = path.file_name().context("a backup file needs a name")?.to_string_lossy();
        let draft = folder.join(format!(".{name}.{}", uuid::Uuid::new_v4().simple()));
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&draft).map_err(|error| super::folder::unusable(path, &error))?;
        let hashing = Hashing { file: BufWriter::with_capacity(1 << 20, file), hash: Sha256::new() };
        let mut writer = Self {
            path: path.to_owned(),
            draft,
            builder: Some(tar::Builder::new(hashing)),
            written: BTreeSet::new(),
        };
        writer.append(README, README_TEXT.as_bytes(), README_TEXT.len() as u64)?;
        Ok(writer)
    }

    pub(super) fn has(&self, name: &ObjectName) -> bool {
        self.written.contains(name)
    }

    /// Appends an object of exactly `bytes` bytes.
    pub(super) fn append_object(&mut self, name: &ObjectName, content: impl Read, bytes: u64) -> io::Result<()> {
        self.append(&name.path(), content, bytes)?;
        self.written.insert(name.clone());
        Ok(())
    }

    fn append(&mut self, path: &str, content: impl Read, bytes: u64) -> io::Result<()> {
        let builder = self.builder.as_mut().expect("only `finish` takes the builder");
        let mut content = Counting { content, left: bytes };
        builder.append_data(&mut header(bytes), path, &mut content)?;
        match content.left {
            0 => Ok(()),
            _ => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it became shorter while it was read")),
        }
    }

    /// Appends the manifest and the checksum, syncs the file and gives it its name. Returns the objects in it.
    pub(super) fn finish(mut self, manifest_path: &str, manifest: &[u8]) -> Result<Vec<ObjectName>> {
        self.append(manifest_path, manifest, manifest.len() as u64)?;
        let mut builder = self.builder.take().expect("only `finish` takes the builder");
        let checksum = hex(&builder.get_ref().hash.clone().finalize());
        append_checksum(&mut builder, &checksum)?;
        let hashing = builder.into_inner()?;
        let file = hashing.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        fs::rename(&self.draft, &self.path)?;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        crate::library::sync_folder(folder.unwrap_or(Path::new(".")))?;
        Ok(std::mem::take(&mut self.written).into_iter().collect())
    }
}

impl Drop for TarWriter {
    fn drop(&mut self) {
        // After `finish` there is no draft any more.
        let _ = fs::remove_file(&self.draft);
    }
}
