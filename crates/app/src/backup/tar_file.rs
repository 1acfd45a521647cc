//! A backup in one file: a POSIX tar archive (pax/GNU headers for sizes above 8 GB), with rows first, then audio, the
//! manifest, and the SHA-256 of everything before. Any `tar` unpacks it into a folder that MeetMemo reads too.

use super::damage::Damage;
use super::key_file::{self, KeyFile, find_key};
use super::layout::{KEY_FILES, ObjectName, README, SNAPSHOTS, readme_text};
use super::passphrase::PassphraseFile;
use super::sealing::ContentKey;
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
    key: ContentKey,
    key_damage: Vec<Damage>,
}

impl TarBackup {
    /// Reads the list of entries. With `salvage`, a file that ends in the middle is read up to there.
    pub(super) fn open(path: &Path, salvage: bool, passphrase: &PassphraseFile) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let length = file.metadata()?.len();
        let mut backup = Self {
            path: path.to_owned(),
            entries: BTreeMap::new(),
            checksum_at: None,
            key: ContentKey::none(),
            key_damage: Vec::new(),
        };
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
        let newest = backup.manifests().pop();
        if let Some(found) = find_key(path, &|path| backup.stored(path), newest.as_deref(), passphrase)? {
            (backup.key, backup.key_damage) = (found.key, found.damage);
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
        let is_manifest = |name: &&String| name.starts_with(SNAPSHOTS) && name.ends_with(".jsonl");
        self.entries.keys().filter(is_manifest).cloned().collect()
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.key.encrypts()
    }

    pub(super) fn key_damage(&self) -> &[Damage] {
        &self.key_damage
    }

    /// All objects; see `Backup::objects`.
    pub(super) fn objects(&self) -> BTreeMap<ObjectName, Option<u64>> {
        let object = |(name, span): (&String, &Span)| {
            Some((ObjectName::parse(name)?, self.key.content_bytes(span.bytes)))
        };
        self.entries.iter().filter_map(object).collect()
    }

    pub(super) fn text(&self, name: &str) -> Result<Vec<u8>> {
        self.key.open_text(&self.stored(name)?, name)
    }

    /// A small entry as it is in the file.
    pub(super) fn stored(&self, name: &str) -> io::Result<Vec<u8>> {
        let missing = || io::Error::new(io::ErrorKind::NotFound, format!("{name} is missing"));
        let span = self.entries.get(name).ok_or_else(missing)?;
        let most = if KEY_FILES.contains(&name) { key_file::MAX_BYTES } else { MAX_TEXT };
        if span.bytes > most {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("{name} is too large")));
        }
        let mut text = Vec::new();
        self.content_of(*span)?.read_to_end(&mut text)?;
        Ok(text)
    }

    pub(super) fn read(&self, name: &ObjectName, sink: &mut dyn Write) -> Result<()> {
        let path = name.path();
        let span = self.entries.get(&path).context("it is missing")?;
        let mut content = self.content_of(*span)?;
        self.key.open(&mut content, &path, sink)?;
        if content.limit() > 0 {
            bail!("the file ends in the middle of it");
        }
        Ok(())
    }

    fn content_of(&self, span: Span) -> io::Result<io::Take<File>> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(span.start))?;
        Ok(file.take(span.bytes))
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
    key: ContentKey,
    /// The content of `key.json`, if the backup is encrypted.
    key_text: Option<Vec<u8>>,
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
    /// Begins a file at `path`, which must not exist unless `replace`. It is encrypted if `passphrase` names a file.
    pub(super) fn begin(path: &Path, replace: bool, passphrase: &PassphraseFile) -> Result<Self> {
        if path.exists() && !replace {
            bail!("{} exists already. Choose another name, or give --force to replace it", path.display());
        }
        let (key, key_text) = match passphrase.read()? {
            None => (ContentKey::none(), None),
            Some(passphrase) => {
                let (file, key) = KeyFile::create(&passphrase)?;
                (key, Some(file.to_text()?))
            }
        };
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
            key,
            key_text,
        };
        let readme = readme_text(writer.key.encrypts());
        writer.append(README, readme.as_bytes(), readme.len() as u64)?;
        writer.append_key(KEY_FILES[0])?;
        Ok(writer)
    }

    /// Appends the key of an encrypted backup: once at the beginning, once near the end.
    fn append_key(&mut self, path: &str) -> io::Result<()> {
        match self.key_text.clone() {
            Some(text) => self.append(path, text.as_slice(), text.len() as u64),
            None => Ok(()),
        }
    }

    pub(super) fn key(&self) -> &ContentKey {
        &self.key
    }

    pub(super) fn has(&self, name: &ObjectName) -> bool {
        self.written.contains(name)
    }

    /// Appends an object of exactly `bytes` bytes.
    pub(super) fn append_object(
        &mut self,
        name: &ObjectName,
        content: impl Read,
        bytes: u64,
    ) -> io::Result<()> {
        let path = name.path();
        let stored = self.key.reader(content, bytes, &path)?;
        self.append(&path, stored, self.key.stored_bytes(bytes))?;
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
        let stored = self.key.stored_text(manifest, manifest_path)?;
        self.append(manifest_path, stored.as_slice(), stored.len() as u64)?;
        self.append_key(KEY_FILES[1])?;
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
