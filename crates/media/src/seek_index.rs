//! The seek index: marks from which playback can start in the middle of a recording.
//!
//! A complete reading leaves a mark every 10 s. A mark holds the state of the time line before one packet, and the
//! timestamp and checksum of that packet. Decoding that gets to this packet, by whatever way, goes on exactly as the
//! reading did, so a time means the same in playback and in the transcript. What a container says about positions only
//! serves to find the packet.
//!
//! The index belongs to one file of one length and is derived from it, so losing it costs only time. Its number of
//! marks has a bound, and every value in it is checked when it is read.

use crate::resample::RATES;
use crate::timeline::{SharedClock, TimelineState};
use symphonia::core::checksum::Crc32;
use symphonia::core::io::Monitor;

/// Seconds between marks.
const SPACING: u64 = 10;
/// Marks kept per track. When there are more, every other one is dropped, so memory has a bound whatever the length.
pub(crate) const MAX_MARKS: usize = 4096;
/// "MeetMemo", seek.
const MAGIC: [u8; 4] = *b"MMsk";
/// Format version. Raise it when the meaning of a field or of a position changes; older indexes are then ignored.
const VERSION: u8 = 3;
/// The most tracks in an index.
const MAX_TRACKS: usize = 16;

/// Marks for starting playback in the middle of one file.
#[derive(Debug, Clone, PartialEq)]
pub struct SeekIndex {
    /// Length of the file in bytes.
    pub(crate) file_len: u64,
    pub(crate) decoded_by: DecodedBy,
    /// The tracks that are mixed; at least one.
    pub(crate) tracks: Vec<TrackIndex>,
}

/// What decoded a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum DecodedBy {
    Native,
    /// `ffmpeg`. There are no marks; timestamps lead to sound.
    Ffmpeg,
    /// `ffmpeg`, and timestamps do not lead to sound, because they jumped.
    FfmpegCorrected,
}

/// The length of a track, and its marks.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct TrackIndex {
    /// Rate at which positions are counted, in samples per second: that of the first sound.
    pub(crate) rate: u32,
    /// Length of the track.
    pub(crate) frames: u64,
    /// In order of position.
    pub(crate) marks: Vec<Mark>,
}

/// One packet, and the state before it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Mark {
    /// Frames given before the packet, at the rate of the index.
    pub(crate) position: u64,
    /// Number of the stream within the file: 0 for the first, one more for each stream that was appended.
    pub(crate) section: u32,
    /// Timestamp of the packet, as the demuxer counts from the start of the file.
    pub(crate) pts: i64,
    /// Checksum of the packet's data.
    pub(crate) crc: u32,
    /// Byte at which reading can begin: of the frame, for bare frames; of a cluster some time before, for Matroska. For
    /// other containers, how far the file had been read.
    pub(crate) offset: u64,
    /// Sample rate of the last run before the packet.
    pub(crate) rate: u32,
    /// State of the time line.
    pub(crate) timeline: TimelineState,
    /// Common time of the tracks that belong together; zero if there is one track.
    pub(crate) clock: SharedClock,
}

/// Number of values in a stored mark.
const FIELDS: usize = 15;

impl Mark {
    fn to_numbers(self) -> [u64; FIELDS] {
        let TimelineState { shift, shift_before_jump, cursor, silence, steady } = self.timeline;
        let SharedClock { now, removed, sound, silence: clock_silence } = self.clock;
        // `None` is stored as infinity, which is never a believed shift.
        let shift_before_jump = shift_before_jump.unwrap_or(f64::INFINITY);
        let seconds = [shift, shift_before_jump, cursor, silence, steady, now, removed, sound, clock_silence];
        let counts = [
            self.position,
            u64::from(self.section),
            self.pts.cast_unsigned(),
            u64::from(self.crc),
            self.offset,
            u64::from(self.rate),
        ];
        let mut numbers = counts.into_iter().chain(seconds.map(f64::to_bits));
        std::array::from_fn(|_| numbers.next().unwrap_or_default())
    }

    fn from_numbers(numbers: [u64; FIELDS]) -> Option<Self> {
        let [position, section, pts, crc, offset, rate, seconds @ ..] = numbers;
        let seconds = seconds.map(f64::from_bits);
        let [shift, shift_before_jump, cursor, silence, steady, now, removed, sound, clock_silence] = seconds;
        let shift_before_jump =
            Some(shift_before_jump).filter(|shift_before_jump| *shift_before_jump != f64::INFINITY);
        let mark = Self {
            position,
            section: section.try_into().ok()?,
            pts: pts.cast_signed(),
            crc: crc.try_into().ok()?,
            offset,
            rate: rate.try_into().ok()?,
            timeline: TimelineState { shift, shift_before_jump, cursor, silence, steady },
            clock: SharedClock { now, removed, sound, silence: clock_silence },
        };
        let sane = seconds
            .iter()
            .enumerate()
            .all(|(i, n)| (i == 1 && shift_before_jump.is_none()) || n.abs() < 1e12);
        (RATES.contains(&mark.rate) && sane).then_some(mark)
    }
}

/// The checksum by which marks identify packets: CRC-32.
pub(crate) fn packet_checksum(data: &[u8]) -> u32 {
    let mut crc = Crc32::new(0);
    crc.process_buf_bytes(data);
    crc.crc()
}

/// Collects the marks of one reading.
#[derive(Debug, Clone)]
pub(crate) struct MarkRecorder {
    marks: Vec<Mark>,
    /// The most marks that are kept.
    limit: usize,
    /// Seconds between marks.
    spacing: u64,
    /// The next mark is due at this position.
    due: u64,
}

impl MarkRecorder {
    /// Keeps up to `limit` marks.
    pub(crate) fn new(limit: usize) -> Self {
        Self { marks: Vec::new(), limit, spacing: SPACING, due: 0 }
    }

    /// Whether a mark is due at `position`, counted at `rate`.
    pub(crate) fn is_due(&self, position: u64, rate: u32) -> bool {
        // There is no mark at the very start, which is found without one.
        position >= self.due.max(self.spacing * u64::from(rate))
    }

    pub(crate) fn add(&mut self, mark: Mark, rate: u32) {
        self.marks.push(mark);
        if self.marks.len() >= self.limit {
            let mut odd = false;
            self.marks.retain(|_| {
                odd = !odd;
                !odd
            });
            self.spacing *= 2;
        }
        self.resume_after(mark.position, rate);
    }

    /// Sets the position of the last mark.
    pub(crate) fn resume_after(&mut self, position: u64, rate: u32) {
        self.due = position.saturating_add(self.spacing * u64::from(rate));
    }

    /// Wants no more marks.
    pub(crate) fn stop(&mut self) {
        self.due = u64::MAX;
    }

    pub(crate) fn all(&self) -> &[Mark] {
        &self.marks
    }
}

impl SeekIndex {
    /// Samples per second of the whole recording: the highest rate of any track.
    pub(crate) fn rate(&self) -> u32 {
        self.tracks.iter().map(|track| track.rate).max().unwrap_or(0)
    }

    /// Samples of the whole recording at [`rate`](Self::rate), up to the end of the longest track.
    pub(crate) fn frames(&self) -> u64 {
        let rate = self.rate();
        self.tracks.iter().map(|track| track.frames_at(rate)).max().unwrap_or(0)
    }

    /// Length of the recording in milliseconds.
    pub fn duration_ms(&self) -> u64 {
        let rate = u128::from(self.rate().max(1));
        u64::try_from(u128::from(self.frames()) * 1000 / rate).unwrap_or(u64::MAX)
    }

    /// Encodes the index to be stored in a file: some 40 bytes for 10 s of a track.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([VERSION, self.decoded_by as u8]);
        write_varint(&mut bytes, self.file_len);
        write_varint(&mut bytes, self.tracks.len() as u64);
        for track in &self.tracks {
            write_varint(&mut bytes, u64::from(track.rate));
            write_varint(&mut bytes, track.frames);
            write_varint(&mut bytes, track.marks.len() as u64);
            track.write_marks(&mut bytes);
        }
        bytes.extend(packet_checksum(&bytes).to_le_bytes());
        bytes
    }

    /// Decodes what [`to_bytes`](Self::to_bytes) gave, for a file of `file_len` bytes. `None` if the bytes are damaged,
    /// of another version, or of another file.
    pub fn from_bytes(bytes: &[u8], file_len: u64) -> Option<Self> {
        let (body, crc) = bytes.split_last_chunk::<4>()?;
        if packet_checksum(body) != u32::from_le_bytes(*crc) {
            return None;
        }
        let (head, mut rest) = body.split_first_chunk::<6>()?;
        if head[..4] != MAGIC || head[4] != VERSION {
            return None;
        }
        let decoded_by = [DecodedBy::Native, DecodedBy::Ffmpeg, DecodedBy::FfmpegCorrected]
            .into_iter()
            .find(|by| *by as u8 == head[5])?;
        if read_varint(&mut rest)? != file_len {
            return None;
        }
        // A checksum does not protect against forgery, so each value is checked before it is used.
        let count = usize::try_from(read_varint(&mut rest)?).ok()?;
        if !(1..=MAX_TRACKS).contains(&count) {
            return None;
        }
        let tracks: Option<Vec<_>> = (0..count).map(|_| TrackIndex::read(&mut rest, file_len)).collect();
        rest.is_empty().then_some(Self { file_len, decoded_by, tracks: tracks? })
    }
}

impl TrackIndex {
    /// Length of the track at another rate, rounded up.
    fn frames_at(&self, rate: u32) -> u64 {
        let exact = u128::from(self.frames) * u128::from(rate);
        u64::try_from(exact.div_ceil(u128::from(self.rate.max(1)))).unwrap_or(u64::MAX)
    }

    fn write_marks(&self, bytes: &mut Vec<u8>) {
        let mut last = [0; FIELDS];
        for mark in &self.marks {
            let numbers = mark.to_numbers();
            for (number, last) in numbers.iter().zip(last) {
                // Differences are small, but may be negative; zigzag encoding keeps them short.
                let step = number.wrapping_sub(last).cast_signed();
                write_varint(bytes, (step << 1 ^ step >> 63).cast_unsigned());
            }
            last = numbers;
        }
    }

    /// Decodes the next track in `bytes`.
    fn read(bytes: &mut &[u8], file_len: u64) -> Option<Self> {
        let (rate, frames) = (u32::try_from(read_varint(bytes)?).ok()?, read_varint(bytes)?);
        if !RATES.contains(&rate) {
            return None;
        }
        let number = read_varint(bytes)?;
        let mut marks: Vec<Mark> = Vec::new();
        let mut last = [0_u64; FIELDS];
        for _ in 0..number {
            for number in &mut last {
                let step = read_varint(bytes)?;
                *number = number.wrapping_add(step >> 1 ^ (step & 1).wrapping_neg());
            }
            let mark = Mark::from_numbers(last)?;
            let before = marks.last().map_or(0, |mark| mark.position);
            let inside = mark.offset <= file_len && mark.position <= frames;
            if mark.position <= before || !inside || marks.len() >= MAX_MARKS {
                return None;
            }
            marks.push(mark);
        }
        Some(Self { rate, frames, marks })
    }
}

/// Writes a number as LEB128.
fn write_varint(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn read_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

    use super::*;

    fn index(hours: u64) -> SeekIndex {
        SeekIndex { file_len: 1 << 40, decoded_by: DecodedBy::Native, tracks: vec![track(hours, MAX_MARKS)] }
    }

    fn track(hours: u64, limit: usize) -> TrackIndex {
        let mut marks = MarkRecorder::new(limit);
        for i in 1..hours * 360 {
            let mark = Mark {
                position: i * 441_000 + i % 1152,
                pts: i as i64 * 441_123 - 1105,
                crc: packet_checksum(&i.to_le_bytes()),
                offset: i * 160_000,
                rate: 44_100,
                timeline: TimelineState {
                    shift: 0.025,
                    shift_before_jump: (i > 5).then_some(3600.0),
                    cursor: i as f64 * 10.003,
                    silence: 0.5,
                    steady: i as f64 * 10.0,
                },
                ..Mark::default()
            };
            if marks.is_due(mark.position, 44_100) {
                marks.add(mark, 44_100);
            }
        }
        TrackIndex { rate: 44_100, frames: u64::MAX / 2, marks: marks.marks }
    }

    fn sealed(mut body: Vec<u8>) -> Vec<u8> {
        body.extend(packet_checksum(&body).to_le_bytes());
        body
    }

    #[test]
    fn an_index_survives_a_round_trip() {
        let index = index(3);
        let bytes = index.to_bytes();
        assert_eq!(SeekIndex::from_bytes(&bytes, 1 << 40), Some(index));
        assert!(bytes.len() < 60_000, "{} bytes for three hours", bytes.len());
    }

    #[test]
    fn an_index_of_another_file_or_with_damage_is_rejected() {
        let bytes = index(1).to_bytes();
        assert_eq!(SeekIndex::from_bytes(&bytes, (1 << 40) + 1), None);
        for at in (0..bytes.len()).step_by(7) {
            let mut changed = bytes.clone();
            changed[at] ^= 0x10;
            assert_eq!(SeekIndex::from_bytes(&changed, 1 << 40), None);
            assert_eq!(SeekIndex::from_bytes(&bytes[..at], 1 << 40), None);
        }
    }

    #[test]
    fn values_of_a_forged_index_are_checked() {
        let bytes = index(1).to_bytes();
        let body = &bytes[..bytes.len() - 4];
        let mut accepted = 0;
        for at in 0..body.len() {
            for value in [0, 0x7f, 0x80, 0xff] {
                let mut changed = body.to_vec();
                changed[at] = value;
                let Some(index) = SeekIndex::from_bytes(&sealed(changed), 1 << 40) else { continue };
                accepted += 1;
                let marks = &index.tracks[0].marks;
                assert!(marks.is_sorted_by_key(|mark| mark.position));
                assert!(marks.iter().all(|mark| mark.offset <= 1 << 40 && mark.timeline.cursor.is_finite()));
            }
        }
        // A wrong checksum of a packet is accepted: it matches no packet.
        assert!(accepted > 0);
        for bytes in [b"".as_slice(), b"MMsk", &[0xff; 100], &[0; 100]] {
            assert_eq!(SeekIndex::from_bytes(&sealed(bytes.to_vec()), 100), None);
        }
    }

    #[test]
    fn the_number_of_marks_has_a_bound() {
        for limit in [MAX_MARKS, 100] {
            let marks = track(100, limit).marks;
            assert!(marks.len() < limit && marks.len() >= limit / 4);
            assert!(marks.is_sorted_by_key(|mark| mark.position));
        }
    }

    #[test]
    fn each_track_keeps_its_marks() {
        let mut tracks =
            vec![track(3, 700), track(2, 700), TrackIndex { rate: 8_000, ..TrackIndex::default() }];
        for mark in &mut tracks[1].marks {
            mark.clock = SharedClock { now: mark.timeline.cursor, removed: 3600.0, sound: 7.0, silence: 2.5 };
        }
        for (track, frames) in tracks.iter_mut().zip([44_100 * 10_800, 44_100 * 7_200, 8_001 * 20_000]) {
            track.frames = frames;
        }
        let index = SeekIndex { file_len: 1 << 40, decoded_by: DecodedBy::Native, tracks };
        let bytes = index.to_bytes();
        assert_eq!((index.rate(), index.duration_ms()), (44_100, 20_002_500));
        assert_eq!(SeekIndex::from_bytes(&bytes, 1 << 40).as_ref(), Some(&index));
        let body = &bytes[..bytes.len() - 4];
        for at in 0..body.len() {
            assert_eq!(SeekIndex::from_bytes(&sealed(body[..at].to_vec()), 1 << 40), None);
            let mut changed = body.to_vec();
            changed[at] ^= 0x81;
            if let Some(index) = SeekIndex::from_bytes(&sealed(changed), 1 << 40) {
                assert!(index.tracks.iter().flat_map(|t| &t.marks).all(|m| m.clock.now.is_finite()));
            }
        }
        // Sixteen tracks of a day stay small.
        let limit = 2 * MAX_MARKS / MAX_TRACKS;
        let day = SeekIndex { tracks: vec![track(24, limit); MAX_TRACKS], ..index };
        assert!(day.to_bytes().len() < 1024 * 1024);
    }
}
