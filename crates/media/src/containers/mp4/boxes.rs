//! Reads the index of a file, box by box, by seeking over everything large.

use super::edit_list::{self, MAX_EDITS};
use super::{Movie, Track};
use crate::containers::bytes_at;
use crate::file_view::{Patch, seek_bounded};
use std::io::{self, Read, Seek};

/// Fragments kept of a file: a day of them, ten each second.
pub(super) const MAX_FRAGMENTS: usize = 1_000_000;
/// Marks of alternatives to the main sound; ISO/IEC 23009-1, 5.8.5.5, as `ffmpeg` writes them.
const ALTERNATIVES: [&str; 6] =
    ["alternate", "caption", "commentary", "description", "dub", "enhanced-audio-intelligibility"];
/// Boxes read before giving up, whatever their nesting: bounds the time for a hostile file.
const MAX_BOXES: usize = 4096;
/// Bytes of a sample entry that are read.
const MAX_ENTRY_BYTES: u64 = 1024;
/// Tracks kept.
const MAX_TRACKS: usize = 64;
/// Names of metadata items that are kept.
const MAX_KEYS: usize = 1024;

/// Reads the index of a file of `len` bytes. A damaged index is read as far as it goes.
pub(crate) fn read(file: &mut (impl Read + Seek), len: u64) -> io::Result<Movie> {
    let mut walk =
        Walk { file, boxes: 0, movie: Movie::default(), keys: Vec::new(), fragments: 0, sequence: None };
    walk.children(0, len, b"file", 0)?;
    Ok(walk.movie)
}

/// A walk over the boxes of a file.
pub(super) struct Walk<'a, F> {
    file: &'a mut F,
    /// Boxes read so far.
    boxes: usize,
    pub(super) movie: Movie,
    /// Names of the QuickTime metadata items, in order.
    keys: Vec<Vec<u8>>,
    /// Fragments kept so far, of all tracks.
    pub(super) fragments: usize,
    /// Sequence number of the last fragment.
    pub(super) sequence: Option<u32>,
}

/// The header of a box.
pub(super) struct BoxHeader {
    pub(super) kind: [u8; 4],
    /// Length of the header in bytes.
    pub(super) header_len: u64,
    /// Length of the whole box in bytes, as stated.
    pub(super) size: u64,
}

impl BoxHeader {
    /// Parses the first 16 bytes of a box; `left` bytes follow its start, of which a box of size 0 takes all.
    pub(super) fn parse(head: &[u8], left: u64) -> Option<Self> {
        let (size, kind) = (bytes_at::u32_be(head, 0)?, bytes_at::tag(head, 4)?);
        let (header_len, size) = match size {
            0 => (8, left),
            1 => (16, bytes_at::u64_be(head, 8).unwrap_or(0)),
            size => (8, u64::from(size)),
        };
        Some(Self { kind, header_len, size })
    }
}

impl<F: Read + Seek> Walk<'_, F> {
    /// Reads the boxes from byte `from` to byte `to`, which are children of `parent`.
    fn children(&mut self, mut from: u64, to: u64, parent: &[u8; 4], depth: usize) -> io::Result<()> {
        let mut fragments = 0;
        while from + 8 <= to && self.boxes < MAX_BOXES && depth < 12 {
            self.boxes += 1;
            if depth == 0 && self.movie.fragmented {
                // Fragments have a bound of their own.
                self.boxes -= 1;
                fragments += 1;
                if fragments > 2 * MAX_FRAGMENTS {
                    break;
                }
                match self.top_level_box(from, to)? {
                    Some(next) => from = next,
                    None => break,
                }
                continue;
            }
            let head = self.bytes(from, 16)?;
            let Some(BoxHeader { kind, header_len, size }) = BoxHeader::parse(&head, to - from) else {
                break;
            };
            if size < header_len {
                break;
            }
            // A box that claims to be longer than its parent, or than the file, ends with it.
            let end = from.saturating_add(size).min(to);
            if end < from + header_len {
                // Its parent ends within its header.
                break;
            }
            if parent == b"file" && &kind == b"mdat" && from.saturating_add(size) > to {
                self.movie.truncated_mdat = Some(size_patch(from, header_len, to));
            }
            if matches!(&kind, b"meta" | b"udta")
                && parent != b"user"
                && self.movie.metadata.len() < MAX_TRACKS
            {
                self.movie.metadata.push(from);
            }
            if parent == b"moov" && &kind == b"trak" && self.movie.tracks.len() < MAX_TRACKS {
                self.movie.tracks.push(Track { at: from, ..Track::default() });
            }
            self.read_box(parent, kind, from + header_len, end, depth)?;
            from = end;
        }
        Ok(())
    }

    /// Reads the content of a box, from byte `from` to byte `to`; its children, if it has any of use.
    fn read_box(
        &mut self,
        parent: &[u8; 4],
        kind: [u8; 4],
        from: u64,
        to: u64,
        depth: usize,
    ) -> io::Result<()> {
        match (parent, &kind) {
            (b"file", b"moov") if self.movie.has_index => {
                self.movie.has_appended_movie = true;
                Ok(())
            }
            (b"file", b"moov") => {
                self.movie.has_index = true;
                self.children(from, to, &kind, depth + 1)
            }
            (b"moov", b"trak" | b"udta")
            | (b"trak", b"mdia" | b"edts")
            | (b"mdia", b"minf")
            | (b"minf", b"stbl") => self.children(from, to, &kind, depth + 1),
            (b"moov", b"mvex") => {
                self.movie.fragmented = true;
                self.children(from, to, &kind, depth + 1)
            }
            // Told apart from the `udta` of the movie.
            (b"trak", b"udta") => self.children(from, to, b"user", depth + 1),
            (b"moov" | b"udta", b"meta") => {
                // In MP4 it is a full box with four bytes in front; in QuickTime it is not.
                let head = self.bytes(from, 8)?;
                let skip = if head.get(4..8) == Some(b"hdlr") { 0 } else { 4 };
                self.children(from + skip, to, &kind, depth + 1)
            }
            (b"meta", b"keys") => self.read_keys(from, to),
            (b"meta", b"ilst") => self.read_items(from, to),
            (b"moov", b"mvhd") => {
                let body = self.bytes(from, 32)?;
                let (created, scale) = creation_and_timescale(&body);
                (self.movie.created, self.movie.timescale) = (created.unwrap_or(0), scale.unwrap_or(0));
                Ok(())
            }
            (b"mvex", b"trex") => {
                let body = self.bytes(from, 16)?;
                let id = bytes_at::u32_be(&body, 4).unwrap_or(0);
                if let Some(track) = self.movie.tracks.iter_mut().find(|track| track.id == id) {
                    track.default_duration = bytes_at::u32_be(&body, 12).unwrap_or(0);
                }
                Ok(())
            }
            _ => self.read_track_box(parent, kind, from, to),
        }
    }

    /// Reads a box without children that describes the current track.
    fn read_track_box(&mut self, parent: &[u8; 4], kind: [u8; 4], from: u64, to: u64) -> io::Result<()> {
        match (parent, &kind) {
            (b"trak", b"tkhd") => {
                let body = self.bytes(from, 32)?;
                let id = if body.first() == Some(&1) { 20 } else { 12 };
                self.set_track(|track| track.id = bytes_at::u32_be(&body, id).unwrap_or(0));
            }
            (b"mdia", b"mdhd") => {
                let body = self.bytes(from, 34)?;
                let (duration, language) = if body.first() == Some(&1) {
                    (bytes_at::u64_be(&body, 24), bytes_at::u16_be(&body, 32))
                } else {
                    (bytes_at::u32_be(&body, 16).map(u64::from), bytes_at::u16_be(&body, 20))
                };
                self.set_track(|track| {
                    track.timescale = creation_and_timescale(&body).1.unwrap_or(0);
                    track.duration = duration.unwrap_or(0);
                    track.language = language.unwrap_or(0);
                });
            }
            (b"mdia", b"hdlr") => {
                let body = self.bytes(from, 12)?;
                self.set_track(|track| track.handler = bytes_at::tag(&body, 8).unwrap_or_default());
            }
            (b"stbl", b"stsd") => {
                let body = self.bytes(from, 8 + MAX_ENTRY_BYTES)?;
                let size = bytes_at::u32_be(&body, 8).unwrap_or(0) as usize;
                let entry = body.get(8..).unwrap_or_default();
                let entry = entry.get(..size).unwrap_or(entry);
                self.set_track(|track| {
                    track.codec = bytes_at::tag(entry, 4).unwrap_or_default();
                    track.is_little_endian = is_little_endian(entry);
                });
            }
            (b"edts", b"elst") => {
                let body = self.bytes(from, 8 + 20 * MAX_EDITS as u64)?;
                self.set_track(|track| track.edits = edit_list::parse(&body));
            }
            (b"user", b"kind") => {
                let body = self.bytes(from, (to - from).min(256))?;
                // Flags, then the scheme of the word, then the word.
                let mut words = body.get(4..).unwrap_or_default().split(|byte| *byte == 0);
                let word = words.nth(1).unwrap_or_default();
                let is_alternative = ALTERNATIVES.iter().any(|known| known.as_bytes() == word);
                self.set_track(|track| track.is_alternative |= is_alternative);
            }
            _ => {}
        }
        Ok(())
    }

    /// Changes the current track, which is the last.
    fn set_track(&mut self, set: impl FnOnce(&mut Track)) {
        if let Some(track) = self.movie.tracks.last_mut() {
            set(track);
        }
    }

    /// Reads the names of the QuickTime metadata items.
    fn read_keys(&mut self, from: u64, to: u64) -> io::Result<()> {
        let body = self.bytes(from, (to - from).min(8192))?;
        let mut at = 8;
        while let Some(size) = bytes_at::u32_be(&body, at).filter(|_| self.keys.len() < MAX_KEYS) {
            let Some(name) = body.get(at + 8..at + size as usize) else { break };
            self.keys.push(name.to_vec());
            at += size as usize;
        }
        Ok(())
    }

    /// Reads the creation date from the QuickTime metadata items.
    fn read_items(&mut self, from: u64, to: u64) -> io::Result<()> {
        let wanted = self.keys.iter().position(|key| key == b"com.apple.quicktime.creationdate");
        let Some(wanted) = wanted else { return Ok(()) };
        let body = self.bytes(from, (to - from).min(64 * 1024))?;
        let mut at = 0;
        while let (Some(size), Some(item)) = (bytes_at::u32_be(&body, at), bytes_at::u32_be(&body, at + 4)) {
            // Item header of 8 bytes, data header of 8, type and locale of 8.
            if item as usize == wanted + 1 {
                let text = body.get(at + 24..at + size as usize);
                self.movie.creation_date = text.and_then(|t| std::str::from_utf8(t).ok()).map(str::to_owned);
                break;
            }
            if size < 8 {
                break;
            }
            at += size as usize;
        }
        Ok(())
    }

    /// Up to `most` bytes from byte `from` on; fewer at the end of the file.
    pub(super) fn bytes(&mut self, from: u64, most: u64) -> io::Result<Vec<u8>> {
        seek_bounded(&mut self.file, from)?;
        let mut bytes = Vec::new();
        self.file.by_ref().take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// Creation time and timescale in the content of an `mvhd` or `mdhd` box.
fn creation_and_timescale(body: &[u8]) -> (Option<u64>, Option<u32>) {
    if body.first() == Some(&1) {
        (bytes_at::u64_be(body, 4), bytes_at::u32_be(body, 20))
    } else {
        (bytes_at::u32_be(body, 4).map(u64::from), bytes_at::u32_be(body, 12))
    }
}

/// Corrects the size of the media box at `from`, which goes on beyond the end of the file: the demuxer would skip the
/// box, and with it all sound.
pub(super) fn size_patch(from: u64, header_len: u64, end: u64) -> Patch {
    match header_len {
        8 => Patch { at: from, bytes: u32::try_from(end - from).unwrap_or(0).to_be_bytes().to_vec() },
        _ => Patch { at: from + 8, bytes: (end - from).to_be_bytes().to_vec() },
    }
}

/// Whether a sample entry holds an atom `enda` that says little-endian.
fn is_little_endian(entry: &[u8]) -> bool {
    entry.windows(6).any(|window| window.starts_with(b"enda") && window[5] == 1)
}
