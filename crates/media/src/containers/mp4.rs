//! MP4 and QuickTime: tracks, edit lists, dates and copy protection; ISO/IEC 14496-12.
//!
//! The demuxer ignores edit lists, so the silence an AAC encoder puts in front would shift every word by up to 0.1 s,
//! and does not tell "no index" from "not a movie", nor what a codec it does not know is called.

use super::at;
use crate::source::Patch;
use std::io::{self, Read, Seek, SeekFrom};

/// What the index of a movie says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Movie {
    /// There is an index (`moov`) at all.
    pub(crate) indexed: bool,
    /// Seconds since 1904 UTC; 0 if not set.
    pub(crate) created: u64,
    /// QuickTime's creation date, with the offset the phone was in.
    pub(crate) creation_date: Option<String>,
    /// All tracks in order.
    pub(crate) tracks: Vec<Track>,
    /// The samples are listed in pieces throughout the file.
    pub(crate) fragmented: bool,
    /// Positions of the boxes with titles and pictures.
    pub(crate) metadata: Vec<u64>,
    /// The true size of a media box that claims to go on beyond the end of the file.
    pub(crate) cut: Option<Patch>,
    timescale: u32,
}

/// One track.
#[derive(Debug, Clone, Default)]
pub(crate) struct Track {
    /// Position of its box.
    pub(crate) at: u64,
    /// As the demuxer numbers it.
    pub(crate) id: u32,
    /// `soun`, `vide` …
    pub(crate) handler: [u8; 4],
    /// The codec: `mp4a`, `alac`, `samr` …
    pub(crate) codec: [u8; 4],
    /// Units per second of its timestamps.
    timescale: u32,
    /// In units of `timescale`.
    duration: u64,
    edits: Vec<Edit>,
    /// Three letters of five bits each, or a number of QuickTime's; 0 if it was not read.
    language: u16,
    /// It says of itself that it is another version of the same: translated, commented on or described.
    pub(crate) is_version: bool,
}

/// Languages that are none: undetermined in three letters, and in a number.
const NO_LANGUAGE: [u16; 3] = [0x55c4, 0x7fff, 0];

#[derive(Debug, Clone, Copy)]
struct Edit {
    /// In units of the movie.
    duration: u64,
    /// In units of the track; negative means empty.
    start: i64,
}

impl Track {
    /// Whether it carries sound.
    pub(crate) fn is_sound(&self) -> bool {
        &self.handler == b"soun"
    }

    /// Its language, if it says so. Only to be compared.
    pub(crate) fn language(&self) -> Option<u16> {
        Some(self.language).filter(|language| !NO_LANGUAGE.contains(language))
    }

    /// Its length as its header states, in seconds; 0 if unknown.
    fn seconds(&self) -> f64 {
        self.duration as f64 / f64::from(self.timescale.max(1))
    }

    /// Whether its samples are encrypted.
    pub(crate) fn is_protected(&self) -> bool {
        matches!(&self.codec, b"drms" | b"enca")
    }
}

/// Where a track's sound lies on the time line, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Edited {
    /// Silence in front.
    pub(crate) lead: f64,
    /// Where in the track the presentation starts.
    pub(crate) start: f64,
    /// Length of the presentation after `lead`, if stated.
    pub(crate) length: Option<f64>,
}

impl Movie {
    /// What the demuxer had better not see, as positions of boxes: every track that is not sound, and all but the wanted
    /// one, if one is.
    ///
    /// It reads the samples of all tracks, whole films of them, and looks up each in a list from its beginning; phones
    /// write a list entry per picture, so the time for a film would grow with the square of its length. And it keeps the
    /// lists of all tracks, which is too much where each track has a demuxer of its own. Fragmented films have short
    /// lists, and number their tracks elsewhere as well.
    pub(crate) fn hidden_tracks(&self, wanted: Option<u32>) -> impl Iterator<Item = u64> {
        let shown = move |track: &&Track| track.is_sound() && wanted.is_none_or(|id| track.id == id);
        self.tracks.iter().filter(move |track| !self.fragmented && !shown(track)).map(|track| track.at)
    }

    /// How the edit list places a track: at most one empty edit, then one stretch. Anything more elaborate is the work
    /// of an editing program; its track is given whole.
    pub(crate) fn edited(&self, track: &Track) -> Option<Edited> {
        let (lead, edit) = match track.edits.as_slice() {
            [edit] if edit.start >= 0 => (0, edit),
            [empty, edit] if empty.start < 0 && edit.start >= 0 => (empty.duration, edit),
            _ => return None,
        };
        let seconds = |n: u64, scale: u32| n as f64 / f64::from(scale.max(1));
        let start = seconds(edit.start.unsigned_abs(), track.timescale);
        let whole = track.seconds();
        // A fragmented movie states no duration up front. An edit that leaves nothing is a mistake.
        if track.duration > 0 && start >= whole {
            return None;
        }
        let length = seconds(edit.duration, self.timescale);
        let stated = edit.duration > 0 && track.duration > 0;
        Some(Edited { lead: seconds(lead, self.timescale), start, length: stated.then_some(length) })
    }

    /// When the last of its sound ends, as the header states, in seconds; 0 if it does not.
    pub(crate) fn end(&self) -> f64 {
        let end = |track: &Track| match self.edited(track) {
            Some(Edited { lead, start, length }) => lead + length.unwrap_or(track.seconds() - start),
            None => track.seconds(),
        };
        self.tracks.iter().filter(|track| track.is_sound()).map(end).fold(0.0, f64::max)
    }
}

/// What a track may call itself in place of the main sound; ISO/IEC 23009-1, 5.8.5.5, as `ffmpeg` writes it.
const VERSIONS: [&str; 6] =
    ["alternate", "caption", "commentary", "description", "dub", "enhanced-audio-intelligibility"];
/// Boxes looked at before giving up, whatever their nesting: bounds time on a hostile file.
const MOST_BOXES: usize = 4096;
/// Edits kept per track; more than two are not understood anyway.
const MOST_EDITS: usize = 4;
/// Tracks kept.
const MOST_TRACKS: usize = 64;

/// Reads the index of a file of `len` bytes, by seeking over everything large.
pub(crate) fn read(file: &mut (impl Read + Seek), len: u64) -> io::Result<Movie> {
    let mut walk = Walk { file, boxes: 0, movie: Movie::default(), keys: Vec::new() };
    walk.children(0, len, b"file", 0)?;
    Ok(walk.movie)
}

struct Walk<'a, F> {
    file: &'a mut F,
    boxes: usize,
    movie: Movie,
    /// Names of the QuickTime metadata items, in order.
    keys: Vec<Vec<u8>>,
}

impl<F: Read + Seek> Walk<'_, F> {
    fn children(&mut self, mut from: u64, to: u64, parent: &[u8; 4], depth: usize) -> io::Result<()> {
        while from + 8 <= to && self.boxes < MOST_BOXES && depth < 12 {
            self.boxes += 1;
            let head = self.bytes(from, 16)?;
            let (Some(size), Some(kind)) = (at::u32_be(&head, 0), at::tag(&head, 4)) else { break };
            let (header, size) = match size {
                0 => (8, to - from),
                1 => (16, at::u64_be(&head, 8).unwrap_or(0)),
                size => (8, u64::from(size)),
            };
            if size < header {
                break;
            }
            // A box that claims to be longer than its parent, or than the file, ends with it.
            let end = from.saturating_add(size).min(to);
            if end < from + header {
                // Its parent ends within its header.
                break;
            }
            if parent == b"file" && &kind == b"mdat" && from.saturating_add(size) > to {
                // The demuxer would skip such a box, and with it all there is.
                self.movie.cut = Some(match header {
                    8 => Patch {
                        at: from,
                        bytes: u32::try_from(to - from).unwrap_or(0).to_be_bytes().to_vec(),
                    },
                    _ => Patch { at: from + 8, bytes: (to - from).to_be_bytes().to_vec() },
                });
            }
            if matches!(&kind, b"meta" | b"udta")
                && parent != b"user"
                && self.movie.metadata.len() < MOST_TRACKS
            {
                self.movie.metadata.push(from);
            }
            if parent == b"moov" && &kind == b"trak" && self.movie.tracks.len() < MOST_TRACKS {
                self.movie.tracks.push(Track { at: from, ..Track::default() });
            }
            self.element(parent, kind, from + header, end, depth)?;
            from = end;
        }
        Ok(())
    }

    fn element(
        &mut self,
        parent: &[u8; 4],
        kind: [u8; 4],
        from: u64,
        to: u64,
        depth: usize,
    ) -> io::Result<()> {
        match (parent, &kind) {
            (b"file", b"moov") => {
                self.movie.indexed = true;
                self.children(from, to, &kind, depth + 1)
            }
            (b"moov", b"trak" | b"udta")
            | (b"trak", b"mdia" | b"edts")
            | (b"mdia", b"minf")
            | (b"minf", b"stbl") => self.children(from, to, &kind, depth + 1),
            (b"moov", b"mvex") => {
                self.movie.fragmented = true;
                Ok(())
            }
            (b"trak", b"udta") => self.children(from, to, b"user", depth + 1),
            (b"user", b"kind") => {
                let body = self.bytes(from, (to - from).min(256))?;
                // Flags, then what the word is from, then the word.
                let mut words = body.get(4..).unwrap_or_default().split(|byte| *byte == 0);
                let word = words.nth(1).unwrap_or_default();
                let is_version = VERSIONS.iter().any(|version| version.as_bytes() == word);
                self.track(|track| track.is_version |= is_version);
                Ok(())
            }
            (b"moov" | b"udta", b"meta") => {
                // In MP4 it is a full box with four bytes in front; in QuickTime it is not.
                let head = self.bytes(from, 8)?;
                let skip = if head.get(4..8) == Some(b"hdlr") { 0 } else { 4 };
                self.children(from + skip, to, &kind, depth + 1)
            }
            (b"meta", b"keys") => self.keys(from, to),
            (b"meta", b"ilst") => self.items(from, to),
            (b"moov", b"mvhd") => {
                let body = self.bytes(from, 32)?;
                let (created, scale) = times(&body);
                (self.movie.created, self.movie.timescale) = (created.unwrap_or(0), scale.unwrap_or(0));
                Ok(())
            }
            (b"trak", b"tkhd") => {
                let body = self.bytes(from, 32)?;
                let id = if body.first() == Some(&1) { 20 } else { 12 };
                self.track(|track| track.id = at::u32_be(&body, id).unwrap_or(0));
                Ok(())
            }
            (b"mdia", b"mdhd") => {
                let body = self.bytes(from, 34)?;
                let (duration, language) = if body.first() == Some(&1) {
                    (at::u64_be(&body, 24), at::u16_be(&body, 32))
                } else {
                    (at::u32_be(&body, 16).map(u64::from), at::u16_be(&body, 20))
                };
                self.track(|track| {
                    track.timescale = times(&body).1.unwrap_or(0);
                    track.duration = duration.unwrap_or(0);
                    track.language = language.unwrap_or(0);
                });
                Ok(())
            }
            (b"mdia", b"hdlr") => {
                let body = self.bytes(from, 12)?;
                self.track(|track| track.handler = at::tag(&body, 8).unwrap_or_default());
                Ok(())
            }
            (b"stbl", b"stsd") => {
                let body = self.bytes(from, 16)?;
                self.track(|track| track.codec = at::tag(&body, 12).unwrap_or_default());
                Ok(())
            }
            (b"edts", b"elst") => {
                let body = self.bytes(from, 8 + 20 * MOST_EDITS as u64)?;
                self.track(|track| track.edits = edits(&body));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn track(&mut self, set: impl FnOnce(&mut Track)) {
        if let Some(track) = self.movie.tracks.last_mut() {
            set(track);
        }
    }

    fn keys(&mut self, from: u64, to: u64) -> io::Result<()> {
        let body = self.bytes(from, (to - from).min(8192))?;
        let mut at = 8;
        while let Some(size) = at::u32_be(&body, at) {
            let Some(name) = body.get(at + 8..at + size as usize) else { break };
            self.keys.push(name.to_vec());
            at += size as usize;
        }
        Ok(())
    }

    fn items(&mut self, from: u64, to: u64) -> io::Result<()> {
        let wanted = self.keys.iter().position(|key| key == b"com.apple.quicktime.creationdate");
        let Some(wanted) = wanted else { return Ok(()) };
        let body = self.bytes(from, (to - from).min(64 * 1024))?;
        let mut at = 0;
        while let (Some(size), Some(item)) = (at::u32_be(&body, at), at::u32_be(&body, at + 4)) {
            // item header 8, data header 8, type and locale 8
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

    /// Up to `most` bytes from `from`; fewer at the end of the file.
    fn bytes(&mut self, from: u64, most: u64) -> io::Result<Vec<u8>> {
        self.file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        self.file.by_ref().take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// Creation time and timescale of `mvhd` and `mdhd`.
fn times(body: &[u8]) -> (Option<u64>, Option<u32>) {
    if body.first() == Some(&1) {
        (at::u64_be(body, 4), at::u32_be(body, 20))
    } else {
        (at::u32_be(body, 4).map(u64::from), at::u32_be(body, 12))
    }
}

fn edits(body: &[u8]) -> Vec<Edit> {
    let count = at::u32_be(body, 4).unwrap_or(0) as usize;
    (0..count.min(MOST_EDITS))
        .map_while(|i| {
            if body.first() == Some(&1) {
                let (duration, start) = (at::u64_be(body, 8 + 20 * i)?, at::u64_be(body, 16 + 20 * i)?);
                Some(Edit { duration, start: start as i64 })
            } else {
                let (duration, start) = (at::u32_be(body, 8 + 12 * i)?, at::u32_be(body, 12 + 12 * i)?);
                Some(Edit { duration: u64::from(duration), start: i64::from(start as i32) })
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

    use super::*;
    use std::io::Cursor;

    fn element(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        [&(body.len() as u32 + 8).to_be_bytes(), kind.as_slice(), body].concat()
    }

    fn numbers(numbers: &[u32]) -> Vec<u8> {
        numbers.iter().flat_map(|n| n.to_be_bytes()).collect()
    }

    fn movie(edits: &[u32]) -> Vec<u8> {
        let elst = [&numbers(&[0, edits.len() as u32 / 3]), &numbers(edits)[..]].concat();
        let mdia = [
            element(b"mdhd", &numbers(&[0, 0, 0, 48_000, 480_000, 0])),
            element(b"hdlr", &[&[0; 8], b"soun".as_slice(), &[0; 12]].concat()),
            element(
                b"minf",
                &element(
                    b"stbl",
                    &element(b"stsd", &[&numbers(&[0, 1, 36]), b"mp4a".as_slice(), &[0; 28]].concat()),
                ),
            ),
        ]
        .concat();
        let trak = [
            element(b"tkhd", &numbers(&[0, 0, 0, 7, 0])),
            element(b"edts", &element(b"elst", &elst)),
            element(b"mdia", &mdia),
        ]
        .concat();
        let moov =
            [element(b"mvhd", &numbers(&[0, 3_800_000_000, 0, 1000, 10_000])), element(b"trak", &trak)]
                .concat();
        [element(b"ftyp", b"M4A \0\0\0\0"), element(b"moov", &moov)].concat()
    }

    fn parsed(bytes: &[u8]) -> Movie {
        read(&mut Cursor::new(bytes), bytes.len() as u64).unwrap()
    }

    #[test]
    fn a_box_whose_parent_ends_within_its_header_is_left_out() {
        // A size of 64 bits takes 8 bytes more, which lie behind the parent.
        let keys = [&1u32.to_be_bytes(), b"keys".as_slice()].concat();
        let moov = element(b"moov", &element(b"udta", &element(b"meta", &[&[0; 4], &keys[..]].concat())));
        let movie = parsed(&[element(b"ftyp", b"M4A \0\0\0\0"), moov, 16u64.to_be_bytes().to_vec()].concat());
        assert!(movie.tracks.is_empty());
    }

    #[test]
    fn tracks_and_dates_are_read() {
        let movie = parsed(&movie(&[9_900, 2112, 0x1_0000]));
        assert!(movie.indexed);
        assert_eq!(movie.created, 3_800_000_000);
        let track = &movie.tracks[0];
        assert!(track.is_sound() && !track.is_protected());
        assert_eq!((track.id, &track.codec), (7, b"mp4a"));
        assert_eq!(movie.edited(track), Some(Edited { lead: 0.0, start: 0.044, length: Some(9.9) }));
    }

    #[test]
    fn the_language_of_a_track_and_what_it_calls_itself_are_read() {
        assert_eq!(parsed(&movie(&[])).tracks[0].language(), None);
        let with = |language: u32, word: &[u8]| {
            let kind = [&[0; 4], b"urn:mpeg:dash:role:2011\0".as_slice(), word].concat();
            let trak = [
                element(b"mdia", &element(b"mdhd", &numbers(&[0, 0, 0, 48_000, 480_000, language << 16]))),
                element(b"udta", &element(b"kind", &kind)),
            ];
            let moov = element(b"moov", &element(b"trak", &trak.concat()));
            let movie = parsed(&moov);
            (movie.tracks[0].language(), movie.tracks[0].is_version)
        };
        assert_eq!(with(0x15c7, b"main\0"), (Some(0x15c7), false));
        assert_eq!(with(0x55c4, b"dub\0"), (None, true));
        assert_eq!(with(0x7fff, b""), (None, false));
        assert_eq!(with(2, b"description"), (Some(2), true));
    }

    #[test]
    fn an_empty_edit_delays_and_nonsense_is_ignored() {
        let place = |edits: &[u32]| {
            let movie = parsed(&movie(edits));
            movie.edited(&movie.tracks[0])
        };
        let delayed = place(&[500, u32::MAX, 0x1_0000, 9_500, 0, 0x1_0000]);
        assert_eq!(delayed, Some(Edited { lead: 0.5, start: 0.0, length: Some(9.5) }));
        assert_eq!(place(&[]), None);
        assert_eq!(place(&[1000, 480_000, 0x1_0000]), None);
        assert_eq!(place(&[1, 1, 1, 1, 1, 1, 1, 1, 1]), None);
    }

    #[test]
    fn cut_and_changed_files_are_read_as_far_as_they_go() {
        let bytes = movie(&[9_900, 2112, 0x1_0000]);
        for cut in 0..bytes.len() {
            parsed(&bytes[..cut]);
            let mut changed = bytes.clone();
            changed[cut] = 0xff;
            parsed(&changed);
        }
        assert!(!parsed(&element(b"ftyp", b"M4A ")).indexed);
    }
}
