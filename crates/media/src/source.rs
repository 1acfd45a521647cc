//! The bytes of a file as the demuxers see them.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use symphonia::core::io::MediaSource;

/// Bytes shown in place of those in the file.
#[derive(Debug, Clone)]
pub(crate) struct Patch {
    /// Position in the file.
    pub(crate) at: u64,
    /// What is shown there.
    pub(crate) bytes: Vec<u8>,
}

/// What of the file is shown, and how.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    /// First byte shown.
    pub(crate) start: u64,
    /// One past the last byte shown; the end of the file if that is earlier or if this is `None`.
    pub(crate) end: Option<u64>,
    /// Corrections, of which none overlaps another.
    pub(crate) patches: Vec<Patch>,
    /// Longest run given to one `read`, if the caller wants to know where the demuxer stands.
    pub(crate) stride: Option<usize>,
}

/// Where the next byte will be read, counted from the start of the file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Position(Arc<AtomicU64>);

impl Position {
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A file seen through a [`View`].
pub(crate) struct FileSource {
    file: BufReader<File>,
    view: View,
    end: u64,
    position: Position,
}

impl FileSource {
    /// Shows `file`, which is `len` bytes long.
    pub(crate) fn new(file: File, len: u64, view: View) -> io::Result<Self> {
        let end = view.end.map_or(len, |end| end.min(len)).max(view.start);
        let mut source = Self {
            file: BufReader::with_capacity(64 * 1024, file),
            position: Position(Arc::new(AtomicU64::new(view.start))),
            view,
            end,
        };
        source.file.seek(SeekFrom::Start(source.view.start))?;
        Ok(source)
    }

    /// Follows where this source is read.
    pub(crate) fn position(&self) -> Position {
        self.position.clone()
    }
}

impl Read for FileSource {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let at = self.position.get();
        let left = usize::try_from(self.end.saturating_sub(at)).unwrap_or(usize::MAX);
        let want = buf.len().min(left).min(self.view.stride.unwrap_or(usize::MAX));
        let got = self.file.read(&mut buf[..want])?;
        for patch in &self.view.patches {
            for (i, byte) in patch.bytes.iter().enumerate() {
                if let Some(index) = (patch.at + i as u64).checked_sub(at)
                    && index < got as u64
                {
                    buf[index as usize] = *byte;
                }
            }
        }
        self.position.0.store(at + got as u64, Ordering::Relaxed);
        Ok(got)
    }
}

impl Seek for FileSource {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = self.position.get();
        let target = match to {
            SeekFrom::Start(offset) => self.view.start.checked_add(offset),
            SeekFrom::Current(offset) => at.checked_add_signed(offset),
            SeekFrom::End(offset) => self.end.checked_add_signed(offset),
        };
        let target = target
            .filter(|target| *target >= self.view.start)
            .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        // Relative, so that a jump inside the buffer costs no system call: a demuxer of two tracks jumps all the time.
        match i64::try_from(i128::from(target) - i128::from(at)) {
            Ok(step) => self.file.seek_relative(step)?,
            Err(_) => {
                self.file.seek(SeekFrom::Start(target))?;
            }
        }
        self.position.0.store(target, Ordering::Relaxed);
        Ok(target - self.view.start)
    }
}

impl MediaSource for FileSource {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.end - self.view.start)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

    use super::*;
    use std::io::Write;

    #[test]
    fn a_view_shows_a_part_with_corrections() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"0123456789").unwrap();
        let view = View {
            start: 2,
            end: Some(8),
            patches: vec![Patch { at: 4, bytes: b"xy".to_vec() }],
            stride: Some(3),
        };
        let mut source = FileSource::new(file, 10, view).unwrap();
        let mut seen = Vec::new();
        source.read_to_end(&mut seen).unwrap();
        assert_eq!(seen, b"23xy67");
        assert_eq!(source.seek(SeekFrom::Start(3)).unwrap(), 3);
        assert_eq!(source.position().get(), 5);
        let mut rest = String::new();
        source.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "y67");
        assert!(source.seek(SeekFrom::Current(-100)).is_err());
    }
}
