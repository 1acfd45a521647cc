//! Fragments (ISO/IEC 14496-12, 8.8): their stated times, and damage between them.
//!
//! The demuxer places the samples of a fragment behind those of the fragment before, by their durations. Fragments
//! state their own times, which differ after a gap; [`Track::presented_time`] converts. Damage between fragments is
//! shown to the demuxer as free space, so that it goes on with the next fragment.

use super::Track;
use super::boxes::{BoxHeader, MAX_FRAGMENTS, Walk, size_patch};
use crate::containers::bytes_at;
use crate::file_view::Patch;
use std::io::{self, Read, Seek};

/// Bytes of the description of one fragment that are read.
const MAX_FRAGMENT_BYTES: u64 = 4 * 1024 * 1024;
/// Damaged places that are patched.
const MAX_DAMAGES: usize = 4096;
/// Boxes that may stand beside fragments.
const TOP_LEVEL: [&[u8; 4]; 19] = [
    b"ftyp", b"moov", b"mdat", b"moof", b"mfra", b"free", b"skip", b"styp", b"sidx", b"ssix", b"prft",
    b"emsg", b"uuid", b"meta", b"udta", b"wide", b"pdin", b"meco", b"pnot",
];

/// Where a fragment of a track begins, in units of the track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fragment {
    /// As the demuxer counts, which sums up the durations of all samples.
    pub(super) counted: u64,
    /// As the fragment states (ISO/IEC 14496-12, 8.8.12).
    pub(super) stated: u64,
    /// By their sequence numbers, fragments are missing before it.
    pub(super) after_loss: bool,
}

impl Track {
    /// Converts a timestamp of the demuxer to the time that the fragments state.
    pub(crate) fn presented_time(&self, demuxer_time: i64) -> i64 {
        let behind = self
            .fragments
            .partition_point(|fragment| i128::from(fragment.counted) <= i128::from(demuxer_time));
        match behind.checked_sub(1).and_then(|last| self.fragments.get(last)) {
            Some(Fragment { counted, stated, .. }) => {
                demuxer_time.wrapping_sub_unsigned(*counted).wrapping_add_unsigned(*stated)
            }
            None => demuxer_time,
        }
    }

    /// Whether fragments are missing before the sample with this timestamp of the demuxer.
    pub(crate) fn is_after_loss(&self, demuxer_time: i64) -> bool {
        let found = self
            .fragments
            .binary_search_by(|fragment| i128::from(fragment.counted).cmp(&i128::from(demuxer_time)));
        found.is_ok_and(|found| self.fragments[found].after_loss)
    }

    /// Converts a time that the fragments state to a timestamp of the demuxer; the inverse of
    /// [`presented_time`](Self::presented_time).
    pub(crate) fn demuxer_time(&self, presented_time: i64) -> i64 {
        let is_before = |fragment: &&Fragment| i128::from(fragment.stated) <= i128::from(presented_time);
        match self.fragments.iter().rfind(is_before) {
            Some(Fragment { counted, stated, .. }) => {
                presented_time.wrapping_sub_unsigned(*stated).wrapping_add_unsigned(*counted)
            }
            None => presented_time,
        }
    }
}

impl<F: Read + Seek> Walk<'_, F> {
    /// Reads the top-level box at `from` of a fragmented file. Returns where the next box begins; `None` at the end.
    pub(super) fn top_level_box(&mut self, from: u64, to: u64) -> io::Result<Option<u64>> {
        let head = self.bytes(from, 16)?;
        let Some(BoxHeader { kind, header_len, size }) = BoxHeader::parse(&head, to - from) else {
            return Ok(None);
        };
        let end = from.saturating_add(size);
        let is_whole = size >= 8 && end <= to && TOP_LEVEL.contains(&&kind);
        if is_whole && &kind == b"moof" {
            let body = self.bytes(from + 8, (size - 8).min(MAX_FRAGMENT_BYTES))?;
            if self.read_fragment(&body).is_some() {
                return Ok(Some(end));
            }
        } else if is_whole {
            return Ok(Some(end));
        }
        let next = self.find_fragment(from + 8, to)?;
        if &kind == b"mdat" && end > to && next.is_none() {
            self.movie.truncated_mdat = Some(size_patch(from, header_len, to));
            return Ok(None);
        }
        // Show everything up to the next fragment as free space.
        let free = next.unwrap_or(to) - from;
        let mut bytes = u32::try_from(free).unwrap_or(u32::MAX).to_be_bytes().to_vec();
        bytes.extend(b"free");
        self.movie.damage_patches.push(Patch { at: from, bytes });
        Ok(next.filter(|_| self.movie.damage_patches.len() < MAX_DAMAGES))
    }

    /// Searches for the next description of a fragment from byte `from` on.
    fn find_fragment(&mut self, mut from: u64, to: u64) -> io::Result<Option<u64>> {
        /// Its own box header, and that of the first box in it.
        const HEAD: usize = 16;
        while from + HEAD as u64 <= to {
            let bytes = self.bytes(from, (to - from).min(256 * 1024))?;
            let is_fragment =
                |w: &[u8]| &w[4..8] == b"moof" && w[8..12] == [0, 0, 0, 16] && &w[12..16] == b"mfhd";
            if let Some(at) = bytes.windows(HEAD).position(is_fragment) {
                return Ok(Some(from + at as u64));
            }
            if bytes.len() < HEAD {
                break;
            }
            from += (bytes.len() - HEAD + 1) as u64;
        }
        Ok(None)
    }

    /// Records where the tracks of a fragment begin. `None` if its description is damaged.
    fn read_fragment(&mut self, body: &[u8]) -> Option<()> {
        let boxes = split_boxes(body)?;
        // The demuxer insists that this is the first.
        let (_, header) = boxes.first().filter(|(kind, _)| kind == b"mfhd")?;
        let number = bytes_at::u32_be(header, 4)?;
        let after_loss = self.sequence.is_some_and(|last| last.wrapping_add(1) < number);
        for (kind, content) in boxes {
            if &kind == b"traf" {
                self.read_track_fragment(content, after_loss)?;
            }
        }
        self.sequence = Some(number);
        Some(())
    }

    fn read_track_fragment(&mut self, body: &[u8], after_loss: bool) -> Option<()> {
        let (mut id, mut stated, mut duration, mut default) = (0, None, 0_u64, None);
        for (kind, content) in split_boxes(body)? {
            let flags = bytes_at::u32_be(content, 0)? & 0x00ff_ffff;
            match &kind {
                b"tfhd" => {
                    id = bytes_at::u32_be(content, 4)?;
                    let before = [(1, 8), (2, 4)].iter().filter(|(flag, _)| flags & flag != 0);
                    let at = 8 + before.map(|(_, len)| len).sum::<usize>();
                    default = if flags & 8 != 0 { Some(bytes_at::u32_be(content, at)?) } else { None };
                }
                b"tfdt" if content.first() == Some(&1) => stated = Some(bytes_at::u64_be(content, 4)?),
                b"tfdt" => stated = Some(u64::from(bytes_at::u32_be(content, 4)?)),
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
            let expected = i64::try_from(counted).map_or(i64::MAX, |counted| track.presented_time(counted));
            if let Some(stated) = stated.filter(|stated| i64::try_from(*stated) != Ok(expected))
                && self.fragments < MAX_FRAGMENTS
            {
                self.fragments += 1;
                track.fragments.push(Fragment { counted, stated, after_loss });
            }
        }
        Some(())
    }
}

/// Splits `bytes` into boxes: the kind and the content of each. `None` if they are not a row of whole boxes.
fn split_boxes(mut bytes: &[u8]) -> Option<Vec<([u8; 4], &[u8])>> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let size = usize::try_from(bytes_at::u32_be(bytes, 0)?).ok()?;
        found.push((bytes_at::tag(bytes, 4)?, bytes.get(8..size)?));
        bytes = &bytes[size..];
    }
    Some(found)
}

/// Length of the samples of a `trun` box, in units of the track. `each` is the duration of samples that state none.
fn run_duration(run: &[u8], flags: u32, each: u32) -> Option<u64> {
    let samples = bytes_at::u32_be(run, 4)?;
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
    let durations = listed.chunks_exact(size).take(samples as usize).filter_map(|s| bytes_at::u32_be(s, 0));
    Some(durations.map(u64::from).sum())
}
