//! Matroska and WebM, RFC 9559: date and title, which the demuxer does not report; elements that have to be hidden from
//! it; and where clusters begin, so that reading can start in the middle and go on behind damage.

use crate::file_view::{Patch, read_at};
use std::fs::File;
use std::io;

/// What the elements before the first cluster say.
#[derive(Debug, Clone, Default)]
pub(crate) struct Info {
    /// Nanoseconds since 2001-01-01 UTC.
    pub(crate) date: Option<i64>,
    pub(crate) title: Option<String>,
    /// Hides the seek head (the list of elements further behind in the file), attachments and chapters.
    ///
    /// The demuxer follows the seek head and fails if a truncated file ends before the listed elements; otherwise it
    /// keeps fonts and cover pictures in memory. It refuses files with chapters as ffmpeg writes them. Nothing behind
    /// the first cluster is needed.
    pub(crate) hidden: Vec<Patch>,
    /// The segment is longer than the file, which the demuxer refuses.
    pub(crate) is_truncated: bool,
    /// Makes the size of the segment unknown, if it is known.
    pub(crate) unknown_size_patch: Option<Patch>,
    /// First byte of the content of the segment.
    pub(crate) body: Option<u64>,
    /// Number of audio tracks, if all tracks are listed in the head.
    pub(crate) sound_tracks: Option<usize>,
    /// The packets of an audio track are compressed, encrypted, or stored without the first bytes that all of them
    /// share. The demuxer does not undo that.
    pub(crate) is_packed: bool,
    /// The longest codec delay of any audio track, in nanoseconds. The demuxer subtracts it from the timestamps of
    /// packets.
    pub(crate) codec_delay: u64,
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
/// Children of a cluster: its time, and what may stand before it.
const TIMESTAMP: u32 = 0xe7;
const CRC_32: u32 = 0xbf;
const DATE: u32 = 0x4461;
const TITLE: u32 = 0x7ba9;
/// The element without a meaning.
const VOID: u8 = 0xec;

/// Reads the elements in `head`, which begins at byte `start` of a file of `len` bytes.
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
        info.unknown_size_patch = Some(Patch { at: position(segment.body) - segment.size_len as u64, bytes });
        info.is_truncated = position(segment.body).saturating_add(size) > len;
    }
    let (mut described, mut tracked) = (false, false);
    let mut rest = segment.body;
    while let Some(element) = Element::first(rest) {
        match element.id {
            INFO => {
                described = true;
                info.read_info(element.content().unwrap_or(element.body));
            }
            TRACKS => {
                tracked = true;
                if let Some(tracks) = element.content() {
                    info.sound_tracks = Some(sound_tracks(tracks).count());
                    info.is_packed = sound_tracks(tracks).any(is_packed);
                    info.codec_delay = sound_tracks(tracks).filter_map(codec_delay).max().unwrap_or(0);
                }
            }
            SEEK_HEAD | ATTACHMENTS | CHAPTERS => info.hidden.extend(element.void_patch(position(rest))),
            CLUSTER => break,
            _ => {}
        }
        match element.behind() {
            Some(next) => rest = next,
            None => break,
        }
    }
    // Without these elements in the head, the seek head is needed to find them.
    if !(described && tracked) {
        info.hidden.clear();
    }
    info
}

/// The children of each audio track, including tracks whose codec the demuxer does not know.
fn sound_tracks(tracks: &[u8]) -> impl Iterator<Item = Elements<'_>> {
    let tracks = Elements(tracks).filter(|element| element.id == TRACK);
    let children = tracks.map(|track| Elements(track.content().unwrap_or_default()));
    children.filter(|children| {
        children.clone().any(|child| child.id == TRACK_TYPE && child.content() == Some(&[2]))
    })
}

/// Whether the packets of the track are packed (RFC 9559, 5.1.4.1.31).
fn is_packed(mut track: Elements<'_>) -> bool {
    track.any(|child| child.id == CONTENT_ENCODINGS && child.size != Some(0))
}

/// The codec delay of a track, in nanoseconds.
fn codec_delay(mut track: Elements<'_>) -> Option<u64> {
    track.find(|child| child.id == CODEC_DELAY)?.content().and_then(parse_uint)
}

/// An unsigned integer (RFC 8794, 7.2).
fn parse_uint(bytes: &[u8]) -> Option<u64> {
    (bytes.len() <= 8).then(|| bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b)))
}

/// The elements in a row of bytes, up to the first that is not complete.
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
    fn read_info(&mut self, mut children: &[u8]) {
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

/// Finds the clusters of a file in order, by the headers of elements alone.
#[derive(Debug, Clone)]
pub(crate) struct ClusterScanner {
    /// Position of the next element to be read.
    at: u64,
    /// Position of the first cluster, once it is known.
    pub(crate) first: Option<u64>,
    /// Position of the last cluster that is not later than the requested time.
    last: Option<u64>,
    /// Position and time of the cluster behind it.
    next: Option<(u64, u64)>,
    ended: bool,
}

impl ClusterScanner {
    /// Begins at byte `body`, the first of the content of the segment.
    pub(crate) fn new(body: u64) -> Self {
        Self { at: body, first: None, last: None, next: None, ended: false }
    }

    /// Position of the last cluster whose time, in units of the file, is not after `time`. Requested times must not
    /// decrease. `None` if there is none, or if it is not found among the next `most` elements.
    pub(crate) fn last_before(&mut self, file: &File, time: u64, mut most: usize) -> io::Result<Option<u64>> {
        loop {
            match self.next {
                Some((_, later)) if later > time => return Ok(self.last),
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
                self.read_element(file)?;
            }
        }
    }

    /// Goes on at the cluster that begins at byte `start`, whatever lies before it.
    pub(crate) fn continue_at(&mut self, start: u64) {
        (self.at, self.next, self.ended) = (start, None, false);
    }

    /// Reads the header of one element.
    fn read_element(&mut self, file: &File) -> io::Result<()> {
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
            let time = child.filter(|child| child.id == TIMESTAMP).and_then(|child| child.content());
            self.next = time.and_then(parse_uint).map(|time| (start, time));
        }
        match (element.size, element.id) {
            (Some(size), _) => match body.checked_add(size) {
                Some(behind) => self.at = behind,
                None => self.ended = true,
            },
            // Of unknown size: its children are read as if they were beside it.
            (None, CLUSTER) => self.at = body,
            (None, _) => self.ended = true,
        }
        Ok(())
    }
}

/// Where reading can go on behind damage, or behind the end of a file that was joined with another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResumePoint {
    /// A cluster of the same file begins at this byte.
    Cluster(u64),
    /// An appended file begins at this byte.
    File(u64),
}

/// Searches for the first resume point from byte `from` on.
pub(crate) fn find_resume_point(file: &File, mut from: u64) -> io::Result<Option<ResumePoint>> {
    const BLOCK: usize = 256 * 1024;
    /// Enough for a header and the first element of a cluster.
    const HEAD_LEN: usize = 64;
    let mut block = vec![0; BLOCK];
    loop {
        let read = read_at(file, from, &mut block)?;
        let is_last = read < BLOCK;
        // What begins later is searched with the next block.
        let most = if is_last { read } else { BLOCK - HEAD_LEN };
        let found = (0..most).find_map(|at| match block.get(at..at + 4) {
            Some([0x1f, 0x43, 0xb6, 0x75]) if is_cluster(&block[at..read]) => {
                Some(ResumePoint::Cluster(from + at as u64))
            }
            Some([0x1a, 0x45, 0xdf, 0xa3]) if is_header(&block[at..read]) => {
                Some(ResumePoint::File(from + at as u64))
            }
            _ => None,
        });
        if found.is_some() || is_last {
            return Ok(found);
        }
        from += most as u64;
    }
}

/// Whether a cluster begins here: its first child is one of those that may come first.
fn is_cluster(bytes: &[u8]) -> bool {
    let first = Element::first(bytes).and_then(|cluster| cluster.body.first().copied());
    first.is_some_and(|id| [TIMESTAMP, CRC_32, u32::from(VOID)].contains(&u32::from(id)))
}

/// Whether the header of a Matroska or WebM file begins here.
fn is_header(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(64)];
    head.windows(4).any(|w| w == b"webm") || head.windows(8).any(|w| w == b"matroska")
}

/// One element of EBML (RFC 8794).
#[derive(Debug, Clone, Copy)]
struct Element<'a> {
    id: u32,
    /// Length of the id in bytes.
    id_len: usize,
    /// Length of the size field in bytes.
    size_len: usize,
    /// Length of the content in bytes; `None` if unknown.
    size: Option<u64>,
    /// The content and everything behind it.
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

    /// The content, if it is complete.
    fn content(&self) -> Option<&'a [u8]> {
        self.body.get(..usize::try_from(self.size?).ok()?)
    }

    /// The bytes behind the content.
    fn behind(&self) -> Option<&'a [u8]> {
        self.body.get(usize::try_from(self.size?).ok()?..)
    }

    /// A patch that turns the element, at byte `at` of the file, into a void element.
    fn void_patch(&self, at: u64) -> Option<Patch> {
        // The id of a void element is shorter, so its size takes up more bytes, which is allowed.
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
    fn the_seek_head_is_hidden_if_it_is_not_needed() {
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
    fn audio_tracks_are_counted_whatever_their_codec() {
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
    fn packed_packets_and_codec_delays_are_found_in_audio_tracks_only() {
        for (kind, packed) in [(1, false), (2, true)] {
            let mut file = file();
            let track = [0xae, 0x8c, 0x83, 0x81, kind, 0x6d, 0x80, 0x81, 0, 0x56, 0xaa, 0x82, 1, 2];
            file.extend([0x16, 0x54, 0xae, 0x6b, 0x80 | track.len() as u8]);
            file.extend(&track);
            let info = read(&file, 0, 1000);
            assert_eq!((info.is_packed, info.codec_delay), (packed, if packed { 258 } else { 0 }), "{kind}");
        }
    }

    #[test]
    fn a_size_beyond_the_end_of_the_file_becomes_unknown() {
        let mut file = file();
        file[9] = 0xfe;
        assert!(!read(&file, 0, 1000).is_truncated);
        let info = read(&file, 0, 50);
        let patch = info.unknown_size_patch.unwrap();
        assert!(info.is_truncated);
        assert_eq!((patch.at, patch.bytes.as_slice()), (9, [0xff].as_slice()));
        assert_eq!(info.body, Some(10));
    }

    #[test]
    fn clusters_are_found_by_their_times_whether_their_sizes_are_known_or_not() {
        use std::io::Write;
        let cluster = |time: u8, known: bool| {
            let children = [&[0xe7, 0x81, time], [0xa3, 0x84, 1, 2, 3, 4].as_slice()].concat();
            let size = if known { 0x80 | children.len() as u8 } else { 0xff };
            [[0x1f, 0x43, 0xb6, 0x75, size].as_slice(), &children].concat()
        };
        for known in [true, false] {
            let bytes =
                [vec![0xec, 0x82, 9, 9], cluster(0, known), cluster(50, known), cluster(90, known)].concat();
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&bytes).unwrap();
            let mut clusters = ClusterScanner::new(0);
            let found: Vec<_> = [0, 49, 50, 89, 200]
                .map(|time| clusters.last_before(&file, time, 50).unwrap().unwrap())
                .into();
            assert_eq!(found, [4, 4, 18, 18, 32]);
            assert_eq!(clusters.first, Some(4));
            assert_eq!(ClusterScanner::new(0).last_before(&file, 200, 2).unwrap(), None);
            for start in 0..bytes.len() as u64 {
                ClusterScanner::new(start).last_before(&file, 200, 50).unwrap();
            }
        }
    }
}
