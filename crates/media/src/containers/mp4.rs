//! MP4 and QuickTime: tracks, edit lists, dates and copy protection; ISO/IEC 14496-12.
//!
//! The demuxer ignores edit lists, so the silence an AAC encoder puts in front would shift every word by up to 0.1 s,
//! and does not tell "no index" from "not a movie", nor what a codec it does not know is called.

use super::at;
use crate::source::{Patch, go_to};
use std::io::{self, Read, Seek};
use std::ops::Range;

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
    /// Another movie was appended, which is not read.
    pub(crate) followed: bool,
    /// Shows what is damaged between fragments as free space.
    pub(crate) damage: Vec<Patch>,
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
    /// Its sample entry says that uncompressed samples are little-endian.
    is_little_endian: bool,
    /// Units per second of its timestamps.
    timescale: u32,
    /// In units of `timescale`.
    duration: u64,
    edits: Vec<Edit>,
    /// Three letters of five bits each, or a number of QuickTime's; 0 if it was not read.
    language: u16,
    /// It says of itself that it is another version of the same: translated, commented on or described.
    pub(crate) is_version: bool,
    /// Duration of a sample in fragments that state none.
    default_duration: u32,
    /// Where fragments begin, one for each that does not follow the one before without a gap.
    fragments: Vec<Fragment>,
    /// Of all fragments so far, in units of `timescale`.
    fragmented_duration: u64,
}

/// Where a fragment of a track begins, in units of the track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fragment {
    /// As the demuxer counts, which adds up the durations of all samples.
    counted: u64,
    /// As it says itself (ISO/IEC 14496-12, 8.8.12).
    stated: u64,
    /// By their numbers, fragments are missing before it.
    behind_loss: bool,
}

/// Languages that are none: undetermined in three letters, and in a number.
const NO_LANGUAGE: [u16; 3] = [0x55c4, 0x7fff, 0];

#[derive(Debug, Clone, Copy)]
struct Edit {
    /// In units of the movie.
    duration: u64,
    /// In units of the track; negative means empty.
    start: i64,
    /// Nothing moves while it lasts.
    still: bool,
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

    /// What its fragments state for a timestamp that the demuxer counted.
    pub(crate) fn stated(&self, counted: i64) -> i64 {
        let behind =
            self.fragments.partition_point(|fragment| i128::from(fragment.counted) <= i128::from(counted));
        match behind.checked_sub(1).and_then(|last| self.fragments.get(last)) {
            Some(Fragment { counted: from, stated, .. }) => {
                counted.wrapping_sub_unsigned(*from).wrapping_add_unsigned(*stated)
            }
            None => counted,
        }
    }

    /// Whether fragments are missing before the sample for which the demuxer counted this timestamp.
    pub(crate) fn is_behind_loss(&self, counted: i64) -> bool {
        let found = self
            .fragments
            .binary_search_by(|fragment| i128::from(fragment.counted).cmp(&i128::from(counted)));
        found.is_ok_and(|found| self.fragments[found].behind_loss)
    }

    /// The opposite of [`stated`](Self::stated).
    pub(crate) fn counted(&self, stated: i64) -> i64 {
        let is_before = |fragment: &&Fragment| i128::from(fragment.stated) <= i128::from(stated);
        match self.fragments.iter().rfind(is_before) {
            Some(Fragment { counted, stated: from, .. }) => {
                stated.wrapping_sub_unsigned(*from).wrapping_add_unsigned(*counted)
            }
            None => stated,
        }
    }

    /// Its length as its header states, in seconds; 0 if unknown.
    fn seconds(&self) -> f64 {
        self.duration as f64 / f64::from(self.timescale.max(1))
    }

    /// Whether its samples are uncompressed and big-endian. Other codecs than these four have one byte order.
    ///
    /// QuickTime File Format Specification, “Sound sample descriptions”: an atom `enda` of 1 means little-endian.
    pub(crate) fn is_big_endian(&self) -> bool {
        matches!(&self.codec, b"in24" | b"in32" | b"fl32" | b"fl64") && !self.is_little_endian
    }

    /// Whether its samples are encrypted.
    pub(crate) fn is_protected(&self) -> bool {
        matches!(&self.codec, b"drms" | b"enca")
    }
}

/// A piece of a track that is heard, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Piece {
    /// When it is heard.
    pub(crate) presented: f64,
    /// Where in the track it begins and ends; the last one may be endless.
    pub(crate) from: f64,
    pub(crate) to: f64,
}

impl Piece {
    /// What of `len` samples at `rate`, the first of which is at `at` in the track, belongs to the piece, and when the
    /// first of that is heard.
    pub(crate) fn of(&self, at: f64, len: usize, rate: u32) -> (f64, Range<usize>) {
        // A cast from float saturates: what lies before is 0.
        let samples = |seconds: f64| (seconds * f64::from(rate)).round() as usize;
        let (from, to) = (samples(self.from - at).min(len), samples(self.to - at).min(len));
        (self.presented + at + from as f64 / f64::from(rate) - self.from, from..to.max(from))
    }

    /// When it ends, in a track of this length; `None` if that is not known.
    pub(crate) fn end(&self, whole: Option<f64>) -> Option<f64> {
        let to = whole.map_or(self.to, |whole| self.to.min(whole));
        Some(self.presented + to - self.from).filter(|end| end.is_finite())
    }
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

    /// The pieces of a track that are heard, in order, by its edit list (ISO/IEC 14496-12, 8.6.6): what was cut out is in
    /// none of them, and empty edits and those in which nothing moves lie between them. None if all of it is heard.
    pub(crate) fn pieces(&self, track: &Track) -> Vec<Piece> {
        let seconds = |n: u64, scale: u32| n as f64 / f64::from(scale.max(1));
        let whole = if track.duration > 0 { track.seconds() } else { f64::INFINITY };
        let (mut presented, mut pieces) = (0.0, Vec::new());
        for (i, edit) in track.edits.iter().enumerate() {
            let duration = seconds(edit.duration, self.timescale);
            if edit.start < 0 || edit.still {
                presented += duration;
                continue;
            }
            let from = seconds(edit.start.unsigned_abs(), track.timescale);
            let is_last = i + 1 == track.edits.len();
            // Without a duration it is all there is. Fragments come behind what a header could count.
            let is_endless = is_last && (edit.duration == 0 || self.fragmented);
            let to = if is_endless { f64::INFINITY } else { from + duration };
            // An edit that leaves nothing is a mistake.
            if from < whole && to > from {
                pieces.push(Piece { presented, from, to });
                presented += duration;
            }
        }
        pieces
    }

    /// Whether the edit list of a track does what a reading from start to end cannot follow: pieces in another order, or
    /// more than are kept.
    pub(crate) fn is_rearranged(&self, track: &Track) -> bool {
        let pieces = self.pieces(track);
        track.edits.len() >= MOST_EDITS || pieces.windows(2).any(|pair| pair[1].from < pair[0].to - 0.001)
    }

    /// When the last of its sound ends, as the header states, in seconds; 0 if it does not.
    pub(crate) fn end(&self) -> f64 {
        let end = |track: &Track| match self.pieces(track).last() {
            Some(last) => last.end(Some(track.seconds())).unwrap_or(0.0),
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
/// Edits kept per track.
const MOST_EDITS: usize = 1000;
/// Bytes of a sample entry that are looked at.
const LONGEST_ENTRY: u64 = 1024;
/// Tracks kept.
const MOST_TRACKS: usize = 64;
/// Names of metadata that are kept.
const MOST_KEYS: usize = 1024;
/// Bytes of the description of one fragment that are looked at.
const LONGEST_FRAGMENT: u64 = 4 * 1024 * 1024;
/// Fragments of a file: a day of them, ten each second.
const MOST_FRAGMENTS: usize = 1_000_000;
/// What lies beside fragments.
const TOP_LEVEL: [&[u8; 4]; 19] = [
    b"ftyp", b"moov", b"mdat", b"moof", b"mfra", b"free", b"skip", b"styp", b"sidx", b"ssix", b"prft",
    b"emsg", b"uuid", b"meta", b"udta", b"wide", b"pdin", b"meco", b"pnot",
];

/// Reads the index of a file of `len` bytes, by seeking over everything large.
pub(crate) fn read(file: &mut (impl Read + Seek), len: u64) -> io::Result<Movie> {
    let mut walk =
        Walk { file, boxes: 0, movie: Movie::default(), keys: Vec::new(), fragments: 0, sequence: None };
    walk.children(0, len, b"file", 0)?;
    Ok(walk.movie)
}

struct Walk<'a, F> {
    file: &'a mut F,
    boxes: usize,
    movie: Movie,
    /// Names of the QuickTime metadata items, in order.
    keys: Vec<Vec<u8>>,
    /// Fragments that are kept, of all tracks.
    fragments: usize,
    /// Number of the last fragment.
    sequence: Option<u32>,
}

impl<F: Read + Seek> Walk<'_, F> {
    fn children(&mut self, mut from: u64, to: u64, parent: &[u8; 4], depth: usize) -> io::Result<()> {
        let mut fragments = 0;
        while from + 8 <= to && self.boxes < MOST_BOXES && depth < 12 {
            self.boxes += 1;
            if depth == 0 && self.movie.fragmented {
                // These have a bound of their own.
                self.boxes -= 1;
                fragments += 1;
                if fragments > 2 * MOST_FRAGMENTS {
                    break;
                }
                match self.fragment(from, to)? {
                    Some(next) => from = next,
                    None => break,
                }
                continue;
            }
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
                self.movie.cut = Some(cut(from, header, to));
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
            (b"file", b"moov") if self.movie.indexed => {
                self.movie.followed = true;
                Ok(())
            }
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
                self.children(from, to, &kind, depth + 1)
            }
            (b"mvex", b"trex") => {
                let body = self.bytes(from, 16)?;
                let id = at::u32_be(&body, 4).unwrap_or(0);
                if let Some(track) = self.movie.tracks.iter_mut().find(|track| track.id == id) {
                    track.default_duration = at::u32_be(&body, 12).unwrap_or(0);
                }
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
                let body = self.bytes(from, 8 + LONGEST_ENTRY)?;
                let size = at::u32_be(&body, 8).unwrap_or(0) as usize;
                let entry = body.get(8..).unwrap_or_default();
                let entry = entry.get(..size).unwrap_or(entry);
                self.track(|track| {
                    track.codec = at::tag(entry, 4).unwrap_or_default();
                    track.is_little_endian = is_little_endian(entry);
                });
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

    /// Looks at the box at `from`, beside or behind which there are fragments. Returns where the next one begins.
    fn fragment(&mut self, from: u64, to: u64) -> io::Result<Option<u64>> {
        let head = self.bytes(from, 16)?;
        let (Some(size), Some(kind)) = (at::u32_be(&head, 0), at::tag(&head, 4)) else { return Ok(None) };
        let (header, size) = match size {
            0 => (8, to - from),
            1 => (16, at::u64_be(&head, 8).unwrap_or(0)),
            size => (8, u64::from(size)),
        };
        let end = from.saturating_add(size);
        let is_whole = size >= 8 && end <= to && TOP_LEVEL.contains(&&kind);
        if is_whole && &kind == b"moof" {
            let body = self.bytes(from + 8, (size - 8).min(LONGEST_FRAGMENT))?;
            if self.read_fragment(&body).is_some() {
                return Ok(Some(end));
            }
        } else if is_whole {
            return Ok(Some(end));
        }
        let next = self.next_fragment(from + 8, to)?;
        if &kind == b"mdat" && end > to && next.is_none() {
            self.movie.cut = Some(cut(from, header, to));
            return Ok(None);
        }
        // What lies between is free space to the demuxer.
        let free = next.unwrap_or(to) - from;
        let mut bytes = u32::try_from(free).unwrap_or(u32::MAX).to_be_bytes().to_vec();
        bytes.extend(b"free");
        self.movie.damage.push(Patch { at: from, bytes });
        Ok(next.filter(|_| self.movie.damage.len() < MOST_BOXES))
    }

    /// Where the next description of a fragment begins.
    fn next_fragment(&mut self, mut from: u64, to: u64) -> io::Result<Option<u64>> {
        /// Its box, and the first one in it.
        const HEAD: usize = 16;
        while from + HEAD as u64 <= to {
            let bytes = self.bytes(from, (to - from).min(256 * 1024))?;
            let is_one = |w: &[u8]| &w[4..8] == b"moof" && w[8..12] == [0, 0, 0, 16] && &w[12..16] == b"mfhd";
            if let Some(at) = bytes.windows(HEAD).position(is_one) {
                return Ok(Some(from + at as u64));
            }
            if bytes.len() < HEAD {
                break;
            }
            from += (bytes.len() - HEAD + 1) as u64;
        }
        Ok(None)
    }

    /// Takes where the tracks of a fragment begin. `None` if it is damaged.
    fn read_fragment(&mut self, body: &[u8]) -> Option<()> {
        let boxes_here = boxes(body)?;
        // The demuxer insists on it.
        let (_, header) = boxes_here.first().filter(|(kind, _)| kind == b"mfhd")?;
        let number = at::u32_be(header, 4)?;
        let behind_loss = self.sequence.is_some_and(|last| last.wrapping_add(1) < number);
        for (kind, content) in boxes_here {
            if &kind != b"traf" {
                continue;
            }
            let (mut id, mut stated, mut duration, mut default) = (0, None, 0_u64, None);
            for (kind, content) in boxes(content)? {
                let flags = at::u32_be(content, 0)? & 0x00ff_ffff;
                match &kind {
                    b"tfhd" => {
                        id = at::u32_be(content, 4)?;
                        let before = [(1, 8), (2, 4)].iter().filter(|(flag, _)| flags & flag != 0);
                        let place = 8 + before.map(|(_, len)| len).sum::<usize>();
                        default = if flags & 8 != 0 { Some(at::u32_be(content, place)?) } else { None };
                    }
                    b"tfdt" if content.first() == Some(&1) => stated = Some(at::u64_be(content, 4)?),
                    b"tfdt" => stated = Some(u64::from(at::u32_be(content, 4)?)),
                    b"trun" => {
                        let of_track =
                            || self.movie.tracks.iter().find(|t| t.id == id).map(|t| t.default_duration);
                        let each = default.or_else(of_track).unwrap_or(0);
                        duration = duration.saturating_add(run_duration(content, flags, each)?);
                    }
                    _ => {}
                }
            }
            if let Some(track) = self.movie.tracks.iter_mut().find(|track| track.id == id) {
                let counted = track.fragmented_duration;
                track.fragmented_duration = counted.saturating_add(duration);
                let expected = i64::try_from(counted).map_or(i64::MAX, |counted| track.stated(counted));
                if let Some(stated) = stated.filter(|stated| i64::try_from(*stated) != Ok(expected))
                    && self.fragments < MOST_FRAGMENTS
                {
                    self.fragments += 1;
                    track.fragments.push(Fragment { counted, stated, behind_loss });
                }
            }
        }
        self.sequence = Some(number);
        Some(())
    }

    fn track(&mut self, set: impl FnOnce(&mut Track)) {
        if let Some(track) = self.movie.tracks.last_mut() {
            set(track);
        }
    }

    fn keys(&mut self, from: u64, to: u64) -> io::Result<()> {
        let body = self.bytes(from, (to - from).min(8192))?;
        let mut at = 8;
        while let Some(size) = at::u32_be(&body, at).filter(|_| self.keys.len() < MOST_KEYS) {
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
        go_to(&mut self.file, from)?;
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

/// Gives a media box at `from` that goes on beyond the end of the file its true size: the demuxer would skip it, and with
/// it all there is.
fn cut(from: u64, header: u64, end: u64) -> Patch {
    match header {
        8 => Patch { at: from, bytes: u32::try_from(end - from).unwrap_or(0).to_be_bytes().to_vec() },
        _ => Patch { at: from + 8, bytes: (end - from).to_be_bytes().to_vec() },
    }
}

/// The boxes that `bytes` consist of: what each is, and what it holds. `None` if they do not.
fn boxes(mut bytes: &[u8]) -> Option<Vec<([u8; 4], &[u8])>> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let size = usize::try_from(at::u32_be(bytes, 0)?).ok()?;
        found.push((at::tag(bytes, 4)?, bytes.get(8..size)?));
        bytes = &bytes[size..];
    }
    Some(found)
}

/// How long the samples of a run last, in units of the track, where those that state nothing last `each`.
fn run_duration(run: &[u8], flags: u32, each: u32) -> Option<u64> {
    let samples = at::u32_be(run, 4)?;
    let optional = |flag: u32| if flags & flag != 0 { 4 } else { 0 };
    let head = 8 + optional(1) + optional(4);
    let size = [0x100, 0x200, 0x400, 0x800].map(optional).iter().sum::<usize>();
    let listed = run.get(head..)?;
    if listed.len() < size.checked_mul(samples as usize)? {
        return None;
    }
    if flags & 0x100 == 0 {
        return Some(u64::from(samples) * u64::from(each));
    }
    Some(
        listed
            .chunks_exact(size)
            .take(samples as usize)
            .filter_map(|s| at::u32_be(s, 0))
            .map(u64::from)
            .sum(),
    )
}

fn is_little_endian(entry: &[u8]) -> bool {
    entry.windows(6).any(|window| window.starts_with(b"enda") && window[5] == 1)
}

fn edits(body: &[u8]) -> Vec<Edit> {
    let count = at::u32_be(body, 4).unwrap_or(0) as usize;
    (0..count.min(MOST_EDITS))
        .map_while(|i| {
            if body.first() == Some(&1) {
                let (duration, start) = (at::u64_be(body, 8 + 20 * i)?, at::u64_be(body, 16 + 20 * i)?);
                let still = at::u32_be(body, 24 + 20 * i)? == 0;
                Some(Edit { duration, start: start.cast_signed(), still })
            } else {
                let (duration, start) = (at::u32_be(body, 8 + 12 * i)?, at::u32_be(body, 12 + 12 * i)?);
                let still = at::u32_be(body, 16 + 12 * i)? == 0;
                Some(Edit { duration: u64::from(duration), start: i64::from(start.cast_signed()), still })
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
        assert_eq!(movie.pieces(track), [Piece { presented: 0.0, from: 0.044, to: 9.944 }]);
    }

    #[test]
    fn uncompressed_sound_is_big_endian_unless_its_entry_says_otherwise() {
        let entry = |codec: &[u8; 4], more: &[u8]| {
            let entry = element(codec, &[&[0; 28], more].concat());
            let stsd = element(b"stsd", &[&[0, 0, 0, 0, 0, 0, 0, 1], entry.as_slice()].concat());
            let trak = element(b"mdia", &element(b"minf", &element(b"stbl", &stsd)));
            let moov = element(b"moov", &element(b"trak", &trak));
            parsed(&[element(b"ftyp", b"qt  \0\0\0\0"), moov].concat()).tracks[0].is_big_endian()
        };
        let enda = |little: u8| element(b"wave", &element(b"enda", &[0, little]));
        assert!(entry(b"in24", &[]) && entry(b"fl32", &enda(0)));
        assert!(!entry(b"in24", &enda(1)) && !entry(b"sowt", &[]));
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
            movie.pieces(&movie.tracks[0])
        };
        let piece = |presented, from, to| Piece { presented, from, to };
        let delayed = place(&[500, u32::MAX, 0x1_0000, 9_500, 0, 0x1_0000]);
        assert_eq!(delayed, [piece(0.5, 0.0, 9.5)]);
        assert_eq!(place(&[]), []);
        assert_eq!(place(&[1000, 480_000, 0x1_0000]), []);
        // Two empty ones, a middle that was cut out, one in which nothing moves, and one without end.
        let edits = [
            500,
            u32::MAX,
            0x1_0000,
            250,
            u32::MAX,
            0x1_0000,
            3000,
            0,
            0x1_0000,
            250,
            0,
            0,
            0,
            288_000,
            0x1_0000,
        ];
        assert_eq!(place(&edits), [piece(0.75, 0.0, 3.0), piece(4.0, 6.0, f64::INFINITY)]);
    }

    #[test]
    fn a_movie_that_was_appended_is_known() {
        let one = movie(&[]);
        let movie = parsed(&[one.clone(), element(b"mdat", &[0; 40]), one].concat());
        assert!(movie.followed && movie.tracks.len() == 1);
    }

    #[test]
    fn pieces_in_another_order_are_known() {
        let rearranged = |edits: &[u32]| {
            let movie = parsed(&movie(edits));
            movie.is_rearranged(&movie.tracks[0])
        };
        assert!(!rearranged(&[1000, 0, 0x1_0000, 1000, 96_000, 0x1_0000]));
        assert!(rearranged(&[1000, 96_000, 0x1_0000, 1000, 0, 0x1_0000]));
        assert!(rearranged(&[1000, 0, 0x1_0000, 1000, 0, 0x1_0000]));
    }

    #[test]
    fn samples_belong_to_pieces() {
        let piece = Piece { presented: 2.0, from: 1.0, to: 3.0 };
        assert_eq!(piece.of(0.0, 500, 1000).1, 500..500);
        assert_eq!(piece.of(0.5, 1000, 1000), (2.0, 500..1000));
        assert_eq!(piece.of(1.5, 1000, 1000), (2.5, 0..1000));
        assert_eq!(piece.of(2.5, 1000, 1000).1, 0..500);
        assert!(piece.of(3.5, 1000, 1000).1.is_empty());
        assert_eq!((piece.end(Some(2.0)), piece.end(None)), (Some(3.0), Some(4.0)));
    }

    /// Fragment `number` of track 7, which states this time and has ten samples of so many units.
    fn fragment(number: u32, stated: u32, each: u32) -> Vec<u8> {
        let traf = [
            element(b"tfhd", &numbers(&[0x2_0008, 7, each])),
            element(b"tfdt", &numbers(&[0, stated])),
            element(b"trun", &numbers(&[0x1, 10, 0])),
        ]
        .concat();
        let moof = [element(b"mfhd", &numbers(&[0, number])), element(b"traf", &traf)].concat();
        [element(b"moof", &moof), element(b"mdat", &[1; 40])].concat()
    }

    fn fragmented(fragments: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = movie(&[]);
        let mvex = element(b"mvex", &element(b"trex", &numbers(&[0, 7, 1, 1024, 0, 0])));
        let moov = bytes.windows(4).position(|w| w == b"moov").unwrap() - 4;
        let size = (bytes.len() - moov + mvex.len()) as u32;
        bytes[moov..moov + 4].copy_from_slice(&size.to_be_bytes());
        [bytes, mvex, fragments.concat()].concat()
    }

    #[test]
    fn fragments_state_their_time() {
        let movie =
            parsed(&fragmented(&[fragment(1, 0, 100), fragment(2, 1000, 100), fragment(6, 5000, 100)]));
        let track = &movie.tracks[0];
        assert_eq!(track.fragments, [Fragment { counted: 2000, stated: 5000, behind_loss: true }]);
        assert_eq!([1000, 2000, 2001].map(|pts| track.is_behind_loss(pts)), [false, true, false]);
        assert_eq!([0, 1999, 2000, 2500].map(|pts| track.stated(pts)), [0, 1999, 5000, 5500]);
        assert_eq!([0, 1999, 5000, 5500].map(|pts| track.counted(pts)), [0, 1999, 2000, 2500]);
        assert!(movie.damage.is_empty());
    }

    #[test]
    fn what_is_damaged_between_fragments_is_free_space() {
        let fragments = [fragment(1, 0, 100), fragment(2, 1000, 100), fragment(3, 2000, 100)];
        let whole = fragmented(&fragments);
        let second = whole.len() - fragments[1].len() - fragments[2].len();
        // The box, its size, the first box in it, its size, the run's number of samples.
        for at in [4, 1, 12, 8, 70] {
            let mut bytes = whole.clone();
            bytes[second + at] ^= 0x55;
            let movie = parsed(&bytes);
            assert_eq!(movie.damage.len(), 1, "{at}");
            assert_eq!(movie.damage[0].at, second as u64);
            assert_eq!(movie.damage[0].bytes[..4], (fragments[1].len() as u32).to_be_bytes());
            assert_eq!(
                movie.tracks[0].fragments,
                [Fragment { counted: 1000, stated: 2000, behind_loss: true }],
                "{at}"
            );
        }
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
