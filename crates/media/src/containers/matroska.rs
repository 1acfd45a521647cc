//! Matroska and WebM, RFC 9559: date and title, which the demuxer does not tell, what it had better not see, and where
//! clusters are, so that reading can begin in the middle.

use crate::source::{Patch, read_at};
use std::fs::File;
use std::io;

/// What the elements in front of the first cluster say.
#[derive(Debug, Clone, Default)]
pub(crate) struct Info {
    /// Nanoseconds since 2001-01-01 UTC.
    pub(crate) date: Option<i64>,
    pub(crate) title: Option<String>,
    /// Hides the list of what is further behind in the file, attachments and chapters.
    ///
    /// The demuxer follows that list and fails where a cut file ends before; where it does not fail, it keeps fonts and
    /// cover pictures in memory. It refuses files with chapters as ffmpeg writes them. Nothing behind the first cluster is
    /// needed.
    pub(crate) hidden: Vec<Patch>,
    /// The size of the whole is larger than the file, which the demuxer refuses.
    pub(crate) cut: bool,
    /// Makes the size of the whole unknown, where it is known.
    pub(crate) unsized_whole: Option<Patch>,
    /// First byte of what is in the whole.
    pub(crate) body: Option<u64>,
    /// Tracks of sound, if all of them are listed in the head.
    pub(crate) sound_tracks: Option<usize>,
    /// The packets of a track of sound are compressed, encrypted, or stored without the first bytes that all of them
    /// share. The demuxer does not undo that.
    pub(crate) is_packed: bool,
    /// The longest codec delay of all tracks, in nanoseconds. The demuxer subtracts it from the timestamps of packets.
    pub(crate) delay: u64,
}

const EBML: u32 = 0x1a45_dfa3;
const SEGMENT: u32 = 0x1853_8067;
const SEEK_HEAD: u32 = 0x114d_9b74;
const INFO: u32 = 0x1549_a966;
const TRACKS: u32 = 0x1654_ae6b;
const TRACK: u32 = 0xae;
const TRACK_TYPE: u32 = 0x83;
const CONTENT_ENCODINGS: u32 = 0x6d80;
const CODEC_DELAY: u32 = 0x56aa;
const ATTACHMENTS: u32 = 0x1941_a469;
const CHAPTERS: u32 = 0x1043_a770;
const CLUSTER: u32 = 0x1f43_b675;
/// Children of a cluster: its moment, and what may stand before it.
const TIMESTAMP: u32 = 0xe7;
const CRC_32: u32 = 0xbf;
const DATE: u32 = 0x4461;
const TITLE: u32 = 0x7ba9;
/// The element that means nothing.
const VOID: u8 = 0xec;

/// Reads what of it is in `head`, which begins at byte `start` of a file of `len` bytes.
pub(crate) fn read(head: &[u8], start: u64, len: u64) -> Info {
    let mut info = Info::default();
    let position = |rest: &[u8]| start + (head.len() - rest.len()) as u64;
    let Some(ebml) = Element::first(head).filter(|e| e.id == EBML) else { return info };
    let Some(behind) = ebml.behind() else { return info };
    let Some(segment) = Element::first(behind).filter(|e| e.id == SEGMENT) else { return info };
    info.body = Some(position(segment.body));
    if let Some(size) = segment.size {
        let mut bytes = vec![0xff; segment.size_len];
        bytes[0] >>= segment.size_len - 1;
        info.unsized_whole = Some(Patch { at: position(segment.body) - segment.size_len as u64, bytes });
        info.cut = position(segment.body).saturating_add(size) > len;
    }
    let (mut described, mut tracked) = (false, false);
    let mut rest = segment.body;
    while let Some(element) = Element::first(rest) {
        match element.id {
            INFO => {
                described = true;
                info.read(element.content().unwrap_or(element.body));
            }
            TRACKS => {
                tracked = true;
                if let Some(tracks) = element.content() {
                    info.sound_tracks = Some(sound_tracks(tracks).count());
                    info.is_packed = sound_tracks(tracks).any(is_packed);
                    info.delay = sound_tracks(tracks).filter_map(delay).max().unwrap_or(0);
                }
            }
            SEEK_HEAD | ATTACHMENTS | CHAPTERS => info.hidden.extend(element.void(position(rest))),
            CLUSTER => break,
            _ => {}
        }
        match element.behind() {
            Some(next) => rest = next,
            None => break,
        }
    }
    // Without these in front, the list is needed to find them.
    if !(described && tracked) {
        info.hidden.clear();
    }
    info
}

/// The elements of each track of sound. The demuxer leaves out tracks whose codec it does not know.
fn sound_tracks(tracks: &[u8]) -> impl Iterator<Item = Elements<'_>> {
    let tracks = Elements(tracks).filter(|element| element.id == TRACK);
    let parts = tracks.map(|track| Elements(track.content().unwrap_or_default()));
    parts.filter(|parts| parts.clone().any(|part| part.id == TRACK_TYPE && part.content() == Some(&[2])))
}

/// Whether packets of the track have to be undone before they are decoded; RFC 9559, 5.1.4.1.31.
fn is_packed(mut track: Elements<'_>) -> bool {
    track.any(|part| part.id == CONTENT_ENCODINGS && part.size != Some(0))
}

/// The codec delay of a track, in nanoseconds.
fn delay(mut track: Elements<'_>) -> Option<u64> {
    track.find(|part| part.id == CODEC_DELAY)?.content().and_then(number)
}

/// An unsigned integer; RFC 8794, 7.2.
fn number(bytes: &[u8]) -> Option<u64> {
    (bytes.len() <= 8).then(|| bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b)))
}

/// Elements one after the other, up to one that is not whole.
#[derive(Debug, Clone)]
struct Elements<'a>(&'a [u8]);

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        let element = Element::first(self.0)?;
        self.0 = element.behind()?;
        Some(element)
    }
}

impl Info {
    fn read(&mut self, mut children: &[u8]) {
        while let Some(child) = Element::first(children) {
            let (Some(content), Some(behind)) = (child.content(), child.behind()) else { break };
            match child.id {
                DATE => self.date = content.try_into().ok().map(i64::from_be_bytes),
                TITLE => self.title = std::str::from_utf8(content).ok().map(str::to_owned),
                _ => {}
            }
            children = behind;
        }
    }
}

/// Finds the clusters of a file one after the other, by the headers of elements alone.
#[derive(Debug, Clone)]
pub(crate) struct Clusters {
    /// Position of the next element to be looked at.
    at: u64,
    /// Where the first cluster begins, once it is known.
    pub(crate) first: Option<u64>,
    /// The last one with a moment not after what was asked for.
    last: Option<u64>,
    /// The one behind it, and its moment.
    next: Option<(u64, u64)>,
    ended: bool,
}

impl Clusters {
    /// From the first byte of what is in the whole on.
    pub(crate) fn new(body: u64) -> Self {
        Self { at: body, first: None, last: None, next: None, ended: false }
    }

    /// Where the last cluster begins whose moment, in units of the file, is not after `moment`. What was asked for
    /// before must not have been later. `None` if there is none, or if it is not found among the next `most` elements.
    pub(crate) fn before(&mut self, file: &File, moment: u64, mut most: usize) -> io::Result<Option<u64>> {
        loop {
            match self.next {
                Some((_, later)) if later > moment => return Ok(self.last),
                Some((start, _)) => self.last = Some(start),
                None if self.ended => return Ok(self.last),
                None => {}
            }
            self.next = None;
            while self.next.is_none() && !self.ended {
                if most == 0 {
                    return Ok(None);
                }
                most -= 1;
                self.step(file)?;
            }
        }
    }

    /// Goes on at the cluster that begins at `start`, whatever lies before it.
    pub(crate) fn go_on(&mut self, start: u64) {
        (self.at, self.next, self.ended) = (start, None, false);
    }

    /// Looks at one element.
    fn step(&mut self, file: &File) -> io::Result<()> {
        let mut head = [0; 48];
        let read = read_at(file, self.at, &mut head)?;
        let Some(element) = Element::first(&head[..read]) else {
            self.ended = true;
            return Ok(());
        };
        let start = self.at;
        let body = start + (element.id_len + element.size_len) as u64;
        if element.id == CLUSTER {
            self.first.get_or_insert(start);
            let mut child = Element::first(element.body);
            while let Some(before) = child.filter(|child| child.id == CRC_32 || child.id == u32::from(VOID)) {
                child = before.behind().and_then(Element::first);
            }
            let moment = child.filter(|child| child.id == TIMESTAMP).and_then(|child| child.content());
            self.next = moment.and_then(number).map(|moment| (start, moment));
        }
        match (element.size, element.id) {
            (Some(size), _) => match body.checked_add(size) {
                Some(behind) => self.at = behind,
                None => self.ended = true,
            },
            // Of unknown size: its children are gone through like what is beside it.
            (None, CLUSTER) => self.at = body,
            (None, _) => self.ended = true,
        }
        Ok(())
    }
}

/// What can be read behind damage, or behind the end of what came before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// A cluster of the same file begins here.
    Cluster(u64),
    /// A whole file was appended here.
    File(u64),
}

/// Looks for the first of these from byte `from` of a file on.
pub(crate) fn next(file: &File, mut from: u64) -> io::Result<Option<Next>> {
    const PIECE: usize = 256 * 1024;
    /// Enough for a header, and the first element of a cluster.
    const HEAD: usize = 64;
    let mut piece = vec![0; PIECE];
    loop {
        let read = read_at(file, from, &mut piece)?;
        let is_last = read < PIECE;
        // What begins later is looked at with what follows it.
        let most = if is_last { read } else { PIECE - HEAD };
        let found = (0..most).find_map(|at| match piece.get(at..at + 4) {
            Some([0x1f, 0x43, 0xb6, 0x75]) if is_cluster(&piece[at..read]) => {
                Some(Next::Cluster(from + at as u64))
            }
            Some([0x1a, 0x45, 0xdf, 0xa3]) if is_header(&piece[at..read]) => {
                Some(Next::File(from + at as u64))
            }
            _ => None,
        });
        if found.is_some() || is_last {
            return Ok(found);
        }
        from += most as u64;
    }
}

/// Whether this is a cluster with its moment, or what may stand before it, in front.
fn is_cluster(bytes: &[u8]) -> bool {
    let first = Element::first(bytes).and_then(|cluster| cluster.body.first().copied());
    first.is_some_and(|id| [TIMESTAMP, CRC_32, u32::from(VOID)].contains(&u32::from(id)))
}

/// Whether this is the header of a file of this kind.
fn is_header(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(64)];
    head.windows(4).any(|w| w == b"webm") || head.windows(8).any(|w| w == b"matroska")
}

/// One element of EBML, RFC 8794.
#[derive(Debug, Clone, Copy)]
struct Element<'a> {
    id: u32,
    /// Bytes of the id and of the size.
    id_len: usize,
    size_len: usize,
    /// Of the body; `None` if unknown.
    size: Option<u64>,
    /// The body and everything behind it.
    body: &'a [u8],
}

impl<'a> Element<'a> {
    fn first(bytes: &'a [u8]) -> Option<Self> {
        let id_len = bytes.first()?.leading_zeros() as usize + 1;
        if id_len > 4 {
            return None;
        }
        let id = bytes.get(..id_len)?.iter().fold(0, |n, b| n << 8 | u32::from(*b));
        let rest = &bytes[id_len..];
        let size_len = rest.first()?.leading_zeros() as usize + 1;
        if size_len > 8 {
            return None;
        }
        let unknown = (1_u64 << (7 * size_len)) - 1;
        let size = rest.get(..size_len)?.iter().fold(0, |n, b| n << 8 | u64::from(*b)) & unknown;
        let size = (size != unknown).then_some(size);
        Some(Self { id, id_len, size_len, size, body: &rest[size_len..] })
    }

    /// The body, if all of it is there.
    fn content(&self) -> Option<&'a [u8]> {
        self.body.get(..usize::try_from(self.size?).ok()?)
    }

    /// What follows the body.
    fn behind(&self) -> Option<&'a [u8]> {
        self.body.get(usize::try_from(self.size?).ok()?..)
    }

    /// Makes it, at position `at` of the file, an element that means nothing.
    fn void(&self, at: u64) -> Option<Patch> {
        // The size takes up what the shorter id leaves: a number may be written with more bytes than it needs.
        let len = self.id_len + self.size_len - 1;
        let size = self.size.filter(|_| len <= 8)?;
        let marked = size | 1 << (7 * len);
        let mut bytes = vec![VOID];
        bytes.extend_from_slice(&marked.to_be_bytes()[8 - len..]);
        Some(Patch { at, bytes })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

    use super::*;

    fn file() -> Vec<u8> {
        let mut file = vec![0x1a, 0x45, 0xdf, 0xa3, 0x80, 0x18, 0x53, 0x80, 0x67, 0xff];
        file.extend([0x11, 0x4d, 0x9b, 0x74, 0x83, 1, 2, 3]);
        let mut info = vec![0x44, 0x61, 0x88];
        info.extend(5_i64.to_be_bytes());
        info.extend([0x7b, 0xa9, 0x82, b'h', b'i']);
        file.extend([0x15, 0x49, 0xa9, 0x66, 0x80 | info.len() as u8]);
        file.extend(&info);
        file
    }

    #[test]
    fn date_and_title_are_found() {
        let info = read(&file(), 0, 1000);
        assert_eq!((info.date, info.title.as_deref()), (Some(5), Some("hi")));
        for cut in 0..file().len() {
            read(&file()[..cut], 0, 1000);
        }
    }

    #[test]
    fn the_list_of_what_is_behind_is_hidden_if_it_is_not_needed() {
        assert!(read(&file(), 0, 1000).hidden.is_empty());
        let mut file = file();
        file.extend([0x16, 0x54, 0xae, 0x6b, 0x80]);
        let hidden = read(&file, 100, 1000).hidden;
        assert_eq!(hidden.len(), 1);
        assert_eq!((hidden[0].at, hidden[0].bytes.as_slice()), (110, [0xec, 0x10, 0, 0, 3].as_slice()));
        let void = Element::first(&hidden[0].bytes).unwrap();
        assert_eq!((void.id, void.size), (0xec, Some(3)));
    }

    #[test]
    fn tracks_of_sound_are_counted_whatever_their_codec() {
        let mut file = file();
        assert_eq!(read(&file, 0, 1000).sound_tracks, None);
        let track = |kind: u8| [0xae, 0x86, 0xd7, 0x81, 1, 0x83, 0x81, kind];
        let tracks = [track(1), track(2), track(17), track(2)].concat();
        file.extend([0x16, 0x54, 0xae, 0x6b, 0x80 | tracks.len() as u8]);
        file.extend(&tracks);
        let info = read(&file, 0, 1000);
        assert_eq!((info.sound_tracks, info.is_packed), (Some(2), false));
        assert_eq!(read(&file[..file.len() - 1], 0, 1000).sound_tracks, None);
    }

    #[test]
    fn packed_sound_and_codec_delays_are_found_and_pictures_do_not_count() {
        for (kind, packed) in [(1, false), (2, true)] {
            let mut file = file();
            let track = [0xae, 0x8c, 0x83, 0x81, kind, 0x6d, 0x80, 0x81, 0, 0x56, 0xaa, 0x82, 1, 2];
            file.extend([0x16, 0x54, 0xae, 0x6b, 0x80 | track.len() as u8]);
            file.extend(&track);
            let info = read(&file, 0, 1000);
            assert_eq!((info.is_packed, info.delay), (packed, if packed { 258 } else { 0 }), "{kind}");
        }
    }

    #[test]
    fn a_size_beyond_the_end_of_the_file_becomes_unknown() {
        let mut file = file();
        file[9] = 0xfe;
        assert!(!read(&file, 0, 1000).cut);
        let info = read(&file, 0, 50);
        let patch = info.unsized_whole.unwrap();
        assert!(info.cut);
        assert_eq!((patch.at, patch.bytes.as_slice()), (9, [0xff].as_slice()));
        assert_eq!(info.body, Some(10));
    }

    #[test]
    fn clusters_are_found_by_their_moments_whether_their_sizes_are_known_or_not() {
        use std::io::Write;
        let cluster = |moment: u8, known: bool| {
            let children = [&[0xe7, 0x81, moment], [0xa3, 0x84, 1, 2, 3, 4].as_slice()].concat();
            let size = if known { 0x80 | children.len() as u8 } else { 0xff };
            [[0x1f, 0x43, 0xb6, 0x75, size].as_slice(), &children].concat()
        };
        for known in [true, false] {
            let bytes =
                [vec![0xec, 0x82, 9, 9], cluster(0, known), cluster(50, known), cluster(90, known)].concat();
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&bytes).unwrap();
            let mut clusters = Clusters::new(0);
            let found: Vec<_> = [0, 49, 50, 89, 200]
                .map(|moment| clusters.before(&file, moment, 50).unwrap().unwrap())
                .into();
            assert_eq!(found, [4, 4, 18, 18, 32]);
            assert_eq!(clusters.first, Some(4));
            assert_eq!(Clusters::new(0).before(&file, 200, 2).unwrap(), None);
            for start in 0..bytes.len() as u64 {
                Clusters::new(start).before(&file, 200, 50).unwrap();
            }
        }
    }
}
