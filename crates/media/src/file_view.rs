//! Shows a file to a demuxer with corrections: a range of it, without a gap, and with patched bytes. The file itself is
//! never changed.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use symphonia::core::io::MediaSource;

/// Bytes shown in place of those in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Patch {
    /// Position in the file.
    pub(crate) at: u64,
    /// What is shown there.
    pub(crate) bytes: Vec<u8>,
}

/// What of the file is shown, and with which corrections.
#[derive(Debug, Clone, Default)]
pub(crate) struct FileView {
    /// First byte shown.
    pub(crate) start: u64,
    /// One past the last byte shown; the end of the file if that is earlier or if this is `None`.
    pub(crate) end: Option<u64>,
    /// Bytes that are not shown, between `start` and `end`.
    pub(crate) gap: Option<Range<u64>>,
    /// Corrections, none of which overlaps another.
    pub(crate) patches: Vec<Patch>,
}

impl FileView {
    /// Position in the file of the shown byte `shown`.
    fn place(&self, shown: u64) -> Option<u64> {
        let at = self.start.checked_add(shown)?;
        match &self.gap {
            Some(gap) if at >= gap.start => at.checked_add(gap.end - gap.start),
            _ => Some(at),
        }
    }

    /// The inverse of [`place`](Self::place). `at` must not lie in the gap.
    fn shown(&self, at: u64) -> u64 {
        let hidden = self.gap.as_ref().filter(|gap| at >= gap.end).map_or(0, |gap| gap.end - gap.start);
        at.saturating_sub(self.start).saturating_sub(hidden)
    }
}

/// Reads up to `buf.len()` bytes of `file` from `at` on, without moving the cursor, which clones of a file share. Reads
/// nothing from a position beyond [`MAX_POSITION`], for which the system would report an error.
pub(crate) fn read_at(file: &File, at: u64, buf: &mut [u8]) -> io::Result<usize> {
    if at > MAX_POSITION {
        return Ok(0);
    }
    let mut filled = 0;
    while filled < buf.len() {
        match read_some_at(file, at + filled as u64, &mut buf[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(unix)]
fn read_some_at(file: &File, at: u64, buf: &mut [u8]) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buf, at)
}

#[cfg(not(unix))]
fn read_some_at(mut file: &File, at: u64, buf: &mut [u8]) -> io::Result<usize> {
    let here = file.stream_position()?;
    file.seek(SeekFrom::Start(at))?;
    let read = file.read(buf);
    file.seek(SeekFrom::Start(here))?;
    read
}

/// Longer than any recording, in bytes. File systems have a limit of 8 TiB or more, and report a seek beyond it as an
/// error.
const MAX_POSITION: u64 = 1 << 43;

/// Seeks to a position that was read from a file. It may lie behind the end, where nothing can be read, and is limited
/// to [`MAX_POSITION`].
pub(crate) fn seek_bounded(file: &mut impl Seek, at: u64) -> io::Result<()> {
    file.seek(SeekFrom::Start(at.min(MAX_POSITION)))?;
    Ok(())
}

/// How far a file has been read, in bytes from its start. Clones share the value.
#[derive(Debug, Clone, Default)]
pub(crate) struct ReadPosition(Arc<AtomicU64>);

impl ReadPosition {
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn set(&self, position: u64) {
        self.0.store(position, Ordering::Relaxed);
    }
}

/// A file seen through a [`FileView`].
pub(crate) struct FileSource {
    file: BufReader<File>,
    view: FileView,
    end: u64,
    position: ReadPosition,
}

impl FileSource {
    /// Shows `file`, which is `len` bytes long.
    pub(crate) fn new(file: File, len: u64, view: FileView) -> io::Result<Self> {
        let end = view.end.map_or(len, |end| end.min(len)).max(view.start);
        // Callers keep to this; a gap elsewhere would only show too much.
        let view = FileView {
            gap: view.gap.filter(|gap| view.start <= gap.start && gap.start < gap.end && gap.end <= end),
            ..view
        };
        let mut source = Self {
            file: BufReader::with_capacity(64 * 1024, file),
            position: ReadPosition(Arc::new(AtomicU64::new(view.start))),
            view,
            end,
        };
        source.file.seek(SeekFrom::Start(source.view.start))?;
        Ok(source)
    }

    /// A handle on how far this source has been read.
    pub(crate) fn position(&self) -> ReadPosition {
        self.position.clone()
    }
}

impl Read for FileSource {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut at = self.position.get();
        let mut end = self.end;
        match &self.view.gap {
            Some(gap) if at == gap.start => {
                at = gap.end;
                self.file.seek(SeekFrom::Start(at))?;
            }
            Some(gap) if at < gap.start => end = gap.start,
            _ => {}
        }
        let left = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX);
        let want = buf.len().min(left);
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
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::Current(offset) => self.view.shown(at).checked_add_signed(offset),
            SeekFrom::End(offset) => self.view.shown(self.end).checked_add_signed(offset),
        };
        let target = target
            .and_then(|shown| self.view.place(shown))
            .filter(|target| *target <= MAX_POSITION)
            .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        // Relative, so that a jump inside the buffer costs no system call: a demuxer of two tracks jumps all the time.
        self.file.seek_relative(target.cast_signed() - at.cast_signed())?;
        self.position.0.store(target, Ordering::Relaxed);
        Ok(self.view.shown(target))
    }
}

impl MediaSource for FileSource {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.view.shown(self.end))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

    use super::*;
    use std::io::Write;

    #[test]
    fn a_view_shows_a_range_with_patches() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"0123456789").unwrap();
        let view = FileView {
            start: 2,
            end: Some(8),
            patches: vec![Patch { at: 4, bytes: b"xy".to_vec() }],
            ..FileView::default()
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

    #[test]
    fn a_gap_is_not_shown() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"0123456789").unwrap();
        let view = FileView {
            start: 1,
            end: Some(9),
            gap: Some(3..6),
            patches: vec![Patch { at: 7, bytes: b"x".to_vec() }],
        };
        let mut source = FileSource::new(file, 10, view).unwrap();
        assert_eq!(source.byte_len(), Some(5));
        let mut seen = Vec::new();
        source.read_to_end(&mut seen).unwrap();
        assert_eq!(seen, b"126x8");
        for (to, shown, rest) in [
            (SeekFrom::Start(1), 1, "26x8"),
            (SeekFrom::End(-3), 2, "6x8"),
            (SeekFrom::Current(-4), 1, "26x8"),
            (SeekFrom::Current(-1), 4, "8"),
        ] {
            let mut tail = String::new();
            assert_eq!(source.seek(to).unwrap(), shown);
            source.read_to_string(&mut tail).unwrap();
            assert_eq!(tail, rest);
        }
    }

    #[test]
    fn reading_elsewhere_does_not_move_the_cursor() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"0123456789").unwrap();
        file.seek(SeekFrom::Start(4)).unwrap();
        let clone = file.try_clone().unwrap();
        let mut buf = [0; 4];
        assert_eq!(read_at(&clone, 8, &mut buf).unwrap(), 2);
        assert_eq!(&buf[..2], b"89");
        assert_eq!(read_at(&clone, u64::MAX - 3, &mut buf).unwrap(), 0);
        assert_eq!(file.stream_position().unwrap(), 4);
    }
}
