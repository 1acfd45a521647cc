//! The files of an encrypted backup: sealed with one random key, which `key_file` keeps.
//!
//! ```text
//! 8 bytes     MMsealed
//! 24 bytes    a random nonce
//! chunks      1 byte that says whether it is the last, up to 64 KiB of content, 16 bytes that prove that nothing changed
//! ```
//!
//! The chunks are a stream of XChaCha20-Poly1305, the same as libsodium's `secretstream`: a chunk that was changed, left
//! out, repeated or moved does not open, nor does anything after it. Only the last chunk is marked as the last, so a file
//! that was cut off is noticed. The path in the backup is the associated data of the last chunk, so a file that took the
//! place of another is noticed too. Each chunk but the last holds 64 KiB, so sizes of content and file follow from each other.
//!
//! A backup without a passphrase goes through the same functions, which then leave everything as it is.

use anyhow::{Context, Result, bail, ensure};
use orion::hazardous::aead::streaming::{ABYTES, Nonce, SecretKey, StreamTag, StreamXChaCha20Poly1305};
use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;

/// The first bytes of a sealed file.
const MAGIC: [u8; 8] = *b"MMsealed";
/// Size of the nonce in bytes.
const NONCE_BYTES: usize = 24;
/// Size of what comes before the chunks, in bytes.
const HEADER_BYTES: usize = MAGIC.len() + NONCE_BYTES;
/// Bytes of content in each chunk but the last.
const CHUNK_BYTES: usize = 64 << 10;
/// Size of such a chunk in the file.
const SEALED_CHUNK_BYTES: usize = CHUNK_BYTES + ABYTES;

/// The key of the content of a backup; none if the backup is not encrypted. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct ContentKey(Option<Arc<SecretKey>>);

impl ContentKey {
    /// For a backup that is not encrypted.
    pub(super) fn none() -> Self {
        Self(None)
    }

    /// From the 32 bytes of a key; `None` if there are more or less.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        SecretKey::try_from(bytes).ok().map(|key| Self(Some(Arc::new(key))))
    }

    pub(super) fn encrypts(&self) -> bool {
        self.0.is_some()
    }

    /// Bytes that `content` bytes take in the backup.
    pub(super) fn stored_bytes(&self, content: u64) -> u64 {
        if !self.encrypts() {
            return content;
        }
        let chunks = content.div_ceil(CHUNK_BYTES as u64).max(1);
        content.saturating_add(HEADER_BYTES as u64).saturating_add(chunks.saturating_mul(ABYTES as u64))
    }

    /// Bytes of the content that takes `stored` bytes in the backup; `None` if no content does.
    pub(super) fn content_bytes(&self, stored: u64) -> Option<u64> {
        if !self.encrypts() {
            return Some(stored);
        }
        let chunks_bytes = stored.checked_sub(HEADER_BYTES as u64)?;
        let content =
            chunks_bytes.checked_sub(chunks_bytes.div_ceil(SEALED_CHUNK_BYTES as u64) * ABYTES as u64)?;
        (self.stored_bytes(content) == stored).then_some(content)
    }

    /// Writes content to `to`; see [`ContentWriter::finish`].
    pub(super) fn writer<W: Write>(&self, mut to: W) -> io::Result<ContentWriter<W>> {
        let sealing = match &self.0 {
            None => None,
            Some(key) => {
                let (sealing, header) = Sealing::begin(key)?;
                to.write_all(&header)?;
                Some(sealing)
            }
        };
        Ok(ContentWriter { to, sealing })
    }

    /// Reads `bytes` bytes of `content` as they are in the backup at `path`.
    pub(super) fn reader<R: Read>(&self, content: R, bytes: u64, path: &str) -> io::Result<ContentReader<R>> {
        Ok(match &self.0 {
            None => ContentReader::Plain(content),
            Some(key) => {
                let (sealing, header) = Sealing::begin(key)?;
                let (path, ready) = (path.to_owned(), header.to_vec());
                ContentReader::Sealed(SealingReader {
                    content,
                    left: bytes,
                    path,
                    sealing,
                    ready,
                    at: 0,
                    ended: false,
                })
            }
        })
    }

    /// A text as it is in the backup at `path`.
    pub(super) fn stored_text(&self, text: &[u8], path: &str) -> io::Result<Vec<u8>> {
        let mut writer = self.writer(Vec::new())?;
        writer.write_all(text)?;
        writer.finish(path)
    }

    /// Writes the content of the file `stored`, which is in the backup at `path`, to `sink`. Memory does not grow with
    /// the size.
    ///
    /// # Errors
    /// What is wrong with the file, as a clause, or any I/O error. Part of the content may have been written.
    pub(super) fn open(&self, stored: &mut dyn Read, path: &str, sink: &mut dyn Write) -> Result<()> {
        let Some(key) = &self.0 else {
            io::copy(stored, sink)?;
            return Ok(());
        };
        let (mut sealed, mut next) = (vec![0; SEALED_CHUNK_BYTES], vec![0; SEALED_CHUNK_BYTES]);
        let read = read_up_to(stored, &mut sealed[..HEADER_BYTES])?;
        ensure!(
            read == HEADER_BYTES && is_sealed(&sealed),
            "it is not encrypted as the rest of the backup is"
        );
        let nonce =
            Nonce::try_from(&sealed[MAGIC.len()..HEADER_BYTES]).ok().context("a nonce has 24 bytes")?;
        let mut stream = StreamXChaCha20Poly1305::new(key, &nonce);
        let mut content = vec![0; CHUNK_BYTES];
        let (mut bytes, mut is_first) = (read_up_to(stored, &mut sealed)?, true);
        loop {
            let bytes_of_next = read_up_to(stored, &mut next)?;
            let is_last = bytes_of_next == 0;
            ensure!(bytes >= ABYTES, "it ends too early");
            let content = &mut content[..bytes - ABYTES];
            let opened = stream.open_chunk(&sealed[..bytes], Some(bound_to(is_last, path)), content);
            match opened {
                Ok(tag) if (tag == StreamTag::Finish) == is_last && (is_first || !content.is_empty()) => {}
                _ => bail!("it was changed or cut off, or belongs in another place of the backup"),
            }
            sink.write_all(content)?;
            if is_last {
                return Ok(());
            }
            std::mem::swap(&mut sealed, &mut next);
            (bytes, is_first) = (bytes_of_next, false);
        }
    }

    /// The content of the text `stored`, which is in the backup at `path`.
    ///
    /// # Errors
    /// As [`ContentKey::open`].
    pub(super) fn open_text(&self, stored: &[u8], path: &str) -> Result<Vec<u8>> {
        let (mut stored, mut text) = (stored, Vec::new());
        self.open(&mut stored, path, &mut text)?;
        Ok(text)
    }
}

/// Whether a file begins as a sealed one does.
pub(super) fn is_sealed(stored: &[u8]) -> bool {
    stored.starts_with(&MAGIC)
}

/// The associated data of a chunk.
fn bound_to(is_last: bool, path: &str) -> &[u8] {
    if is_last { path.as_bytes() } else { &[] }
}

/// Fills `buffer`, except at the end of the source; returns the number of bytes read.
fn read_up_to(source: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// A stream of chunks that is being sealed.
struct Sealing {
    stream: StreamXChaCha20Poly1305,
    /// The content of the next chunk.
    content: Vec<u8>,
    /// The last sealed chunk.
    sealed: Vec<u8>,
}

impl Sealing {
    /// Begins a stream; also returns what comes before the chunks.
    fn begin(key: &SecretKey) -> io::Result<(Self, [u8; HEADER_BYTES])> {
        let nonce = Nonce::generate().map_err(|_| io::Error::other("the system gives no random numbers"))?;
        let mut header = [0; HEADER_BYTES];
        header[..MAGIC.len()].copy_from_slice(&MAGIC);
        header[MAGIC.len()..].copy_from_slice(nonce.as_ref());
        let stream = StreamXChaCha20Poly1305::new(key, &nonce);
        Ok((Self { stream, content: Vec::with_capacity(CHUNK_BYTES), sealed: Vec::new() }, header))
    }

    /// Seals `content` and empties it.
    fn seal(&mut self, is_last: bool, path: &str) -> io::Result<()> {
        self.sealed.resize(self.content.len() + ABYTES, 0);
        let tag = if is_last { StreamTag::Finish } else { StreamTag::Message };
        self.stream
            .seal_chunk(&self.content, Some(bound_to(is_last, path)), &mut self.sealed, &tag)
            .map_err(|_| io::Error::other("a part of the backup could not be encrypted"))?;
        self.content.clear();
        Ok(())
    }
}

/// Writes content, sealed or as it is.
pub(super) struct ContentWriter<W> {
    to: W,
    sealing: Option<Sealing>,
}

impl<W: Write> ContentWriter<W> {
    /// Writes what is left, and returns what it was written to. `path` is the path in the backup; it may be found out
    /// while the content is written.
    pub(super) fn finish(mut self, path: &str) -> io::Result<W> {
        if let Some(sealing) = &mut self.sealing {
            sealing.seal(true, path)?;
            self.to.write_all(&sealing.sealed)?;
        }
        self.to.flush()?;
        Ok(self.to)
    }
}

impl<W: Write> Write for ContentWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(sealing) = &mut self.sealing else { return self.to.write(bytes) };
        // A full chunk waits for more content, because it may be the last.
        if sealing.content.len() == CHUNK_BYTES && !bytes.is_empty() {
            sealing.seal(false, "")?;
            self.to.write_all(&sealing.sealed)?;
        }
        let taken = bytes.len().min(CHUNK_BYTES - sealing.content.len());
        sealing.content.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Reads content, sealed or as it is.
pub(super) enum ContentReader<R> {
    Plain(R),
    Sealed(SealingReader<R>),
}

impl<R: Read> Read for ContentReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(content) => content.read(buffer),
            Self::Sealed(sealed) => sealed.read(buffer),
        }
    }
}

/// Seals content of a known size while it is read.
pub(super) struct SealingReader<R> {
    content: R,
    /// Bytes of content that were not read yet.
    left: u64,
    path: String,
    sealing: Sealing,
    /// Bytes to be read, from `at` on.
    ready: Vec<u8>,
    at: usize,
    /// Whether the last chunk is in `ready`.
    ended: bool,
}

impl<R: Read> SealingReader<R> {
    fn seal_next(&mut self) -> io::Result<()> {
        let bytes = usize::try_from(self.left).unwrap_or(usize::MAX).min(CHUNK_BYTES);
        self.sealing.content.resize(bytes, 0);
        let read = read_up_to(&mut self.content, &mut self.sealing.content)?;
        if read < bytes {
            return Err(io::Error::new(ErrorKind::UnexpectedEof, "it became shorter while it was read"));
        }
        self.left -= bytes as u64;
        self.ended = self.left == 0;
        self.sealing.seal(self.ended, &self.path)?;
        std::mem::swap(&mut self.ready, &mut self.sealing.sealed);
        self.at = 0;
        Ok(())
    }
}

impl<R: Read> Read for SealingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.ready.len() {
            if self.ended || buffer.is_empty() {
                return Ok(0);
            }
            self.seal_next()?;
        }
        let taken = buffer.len().min(self.ready.len() - self.at);
        buffer[..taken].copy_from_slice(&self.ready[self.at..self.at + taken]);
        self.at += taken;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests;
