//! Reads numbers and short texts from a file of known length, and skips the rest.

use super::HeaderError;
use std::io::{BufReader, Read, Seek, SeekFrom};

/// Bytes from the start of a file that decide its format.
const HEAD: u64 = 512;

/// Reads a file from start to end. Reading or skipping beyond its end is [`HeaderError::TruncatedHeader`].
pub(super) struct HeaderReader<F> {
    file: BufReader<F>,
    length: u64,
    position: u64,
}

impl<F: Read + Seek> HeaderReader<F> {
    pub(super) fn new(file: F, length: u64) -> Self {
        Self { file: BufReader::with_capacity(64 << 10, file), length, position: 0 }
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// The first bytes. The position stays at the start.
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

    /// The next `count` bytes. The caller bounds `count`, which is allocated.
    pub(super) fn bytes(&mut self, count: usize) -> Result<Vec<u8>, HeaderError> {
        self.check_left(count as u64)?;
        let mut bytes = vec![0; count];
        self.file.read_exact(&mut bytes).map_err(HeaderError::Io)?;
        self.position += count as u64;
        Ok(bytes)
    }

    /// Skips `count` bytes.
    pub(super) fn skip(&mut self, count: u64) -> Result<(), HeaderError> {
        self.check_left(count)?;
        match i64::try_from(count) {
            Ok(offset) => self.file.seek_relative(offset).map_err(HeaderError::Io)?,
            Err(_) => return Err(HeaderError::TruncatedHeader(self.length)),
        }
        self.position += count;
        Ok(())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], HeaderError> {
        self.check_left(N as u64)?;
        let mut bytes = [0; N];
        self.file.read_exact(&mut bytes).map_err(HeaderError::Io)?;
        self.position += N as u64;
        Ok(bytes)
    }

    /// An error if fewer than `count` bytes are left.
    fn check_left(&self, count: u64) -> Result<(), HeaderError> {
        if count > self.length - self.position {
            return Err(HeaderError::TruncatedHeader(self.length));
        }
        Ok(())
    }
}
