//! Reads numbers and short texts from a file whose length is known, and skips the rest.

use super::HeaderError;
use std::io::{BufReader, Read, Seek, SeekFrom};

/// How much of the beginning is looked at to tell kinds of files apart.
const HEAD: u64 = 512;

/// A file that is read from start to end. Nothing beyond its end is asked for.
pub(super) struct Source<F> {
    file: BufReader<F>,
    length: u64,
    position: u64,
}

impl<F: Read + Seek> Source<F> {
    pub(super) fn new(file: F, length: u64) -> Self {
        Self { file: BufReader::with_capacity(64 << 10, file), length, position: 0 }
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// The first bytes; reading begins at the start again.
    pub(super) fn head(&mut self) -> Result<Vec<u8>, HeaderError> {
        let mut head = Vec::new();
        self.file.by_ref().take(HEAD).read_to_end(&mut head).map_err(HeaderError::Io)?;
        self.file.seek(SeekFrom::Start(0)).map_err(HeaderError::Io)?;
        Ok(head)
    }

    pub(super) fn u32(&mut self) -> Result<u32, HeaderError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(super) fn i32(&mut self) -> Result<i32, HeaderError> {
        Ok(i32::from_le_bytes(self.array()?))
    }

    pub(super) fn u64(&mut self) -> Result<u64, HeaderError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// So many bytes, which the caller has bounded.
    pub(super) fn bytes(&mut self, count: usize) -> Result<Vec<u8>, HeaderError> {
        self.within(count as u64)?;
        let mut bytes = vec![0; count];
        self.file.read_exact(&mut bytes).map_err(HeaderError::Io)?;
        self.position += count as u64;
        Ok(bytes)
    }

    /// Passes over so many bytes.
    pub(super) fn skip(&mut self, count: u64) -> Result<(), HeaderError> {
        self.within(count)?;
        match i64::try_from(count) {
            Ok(offset) => self.file.seek_relative(offset).map_err(HeaderError::Io)?,
            Err(_) => return Err(HeaderError::TruncatedHeader(self.length)),
        }
        self.position += count;
        Ok(())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], HeaderError> {
        self.within(N as u64)?;
        let mut bytes = [0; N];
        self.file.read_exact(&mut bytes).map_err(HeaderError::Io)?;
        self.position += N as u64;
        Ok(bytes)
    }

    fn within(&self, count: u64) -> Result<(), HeaderError> {
        if count > self.length - self.position {
            return Err(HeaderError::TruncatedHeader(self.length));
        }
        Ok(())
    }
}
