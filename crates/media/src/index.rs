//! Where a recording can be entered in the middle: marks that a reading from start to end leaves behind.
//!
//! A mark holds the state of the time line at one packet, so that whoever gets to that packet by whatever way goes on
//! exactly as the reading did. What a container says about positions is only used to find the packet, and is checked.

use crate::resample::RATES;
use crate::timeline::{Clock, State};
use symphonia::core::checksum::Crc32;
use symphonia::core::io::Monitor;

/// Seconds between marks.
const SPACING: u64 = 10;
/// Marks kept. Beyond, every other one goes: memory has a bound, whatever the length.
pub(crate) const MOST_MARKS: usize = 4096;
/// "MeetMemo", seek.
const MAGIC: [u8; 4] = *b"MMsk";
/// Raise it when the meaning of a field or of a position changes; older ones are then ignored.
const VERSION: u8 = 3;
/// Tracks that are read, each with marks of its own.
const MOST_TRACKS: usize = 16;

/// Where in a file is what. Belongs to one file of one length; derived, so losing it costs only time.
#[derive(Debug, Clone, PartialEq)]
pub struct SeekIndex {
    /// Bytes in the file.
    pub(crate) file_len: u64,
    pub(crate) read_by: ReadBy,
    /// Those that are heard together; at least one.
    pub(crate) tracks: Vec<TrackIndex>,
}

/// What decoded a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ReadBy {
    Native,
    /// `ffmpeg`, which has no marks: timestamps lead to sound.
    Ffmpeg,
    /// `ffmpeg`, and timestamps do not lead to it: they jumped.
    FfmpegCorrected,
}

/// Where in a track is what.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct TrackIndex {
    /// Samples per second that positions are counted in: that of the first sound.
    pub(crate) rate: u32,
    /// All there is.
    pub(crate) frames: u64,
    /// In order.
    pub(crate) marks: Vec<Mark>,
}

/// One packet, and the state in front of it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Mark {
    /// Frames given before it, at the rate of the index.
    pub(crate) position: u64,
    /// Which of the streams that follow one another in the file.
    pub(crate) section: u32,
    /// Its timestamp, as the demuxer counts from the start of the file.
    pub(crate) pts: i64,
    /// Checksum of its data.
    pub(crate) crc: u32,
    /// Byte of the file to begin at: the first of a bare frame, or of the Matroska cluster some time before. For others
    /// how far the file had been read.
    pub(crate) offset: u64,
    /// Sample rate of what was given last.
    pub(crate) rate: u32,
    /// State of the time line.
    pub(crate) state: State,
    /// The time of all tracks that belong together, in seconds; nothing where there is one.
    pub(crate) clock: Clock,
}

/// Numbers in a mark.
const FIELDS: usize = 15;

impl Mark {
    fn to_numbers(self) -> [u64; FIELDS] {
        let State { shift, home, cursor, silence, steady } = self.state;
        let Clock { now, closed, sound, silence: clock_silence } = self.clock;
        // No shift that is believed is infinite.
        let home = home.unwrap_or(f64::INFINITY);
        let seconds = [shift, home, cursor, silence, steady, now, closed, sound, clock_silence];
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
        let [shift, home, cursor, silence, steady, now, closed, sound, clock_silence] = seconds;
        let home = Some(home).filter(|home| *home != f64::INFINITY);
        let mark = Self {
            position,
            section: section.try_into().ok()?,
            pts: pts.cast_signed(),
            crc: crc.try_into().ok()?,
            offset,
            rate: rate.try_into().ok()?,
            state: State { shift, home, cursor, silence, steady },
            clock: Clock { now, closed, sound, silence: clock_silence },
        };
        let sane = seconds.iter().enumerate().all(|(i, n)| (i == 1 && home.is_none()) || n.abs() < 1e12);
        (RATES.contains(&mark.rate) && sane).then_some(mark)
    }
}

/// The checksum that marks know packets by.
pub(crate) fn checksum(data: &[u8]) -> u32 {
    let mut crc = Crc32::new(0);
    crc.process_buf_bytes(data);
    crc.crc()
}

/// Collects marks.
#[derive(Debug, Clone)]
pub(crate) struct Marks {
    marks: Vec<Mark>,
    /// So many are kept.
    most: usize,
    /// Seconds between them.
    spacing: u64,
    /// The next one is due at this position.
    due: u64,
}

impl Marks {
    /// Keeps up to `most`.
    pub(crate) fn new(most: usize) -> Self {
        Self { marks: Vec::new(), most, spacing: SPACING, due: 0 }
    }

    /// Whether a mark at `position`, counted at `rate`, is wanted.
    pub(crate) fn is_due(&self, position: u64, rate: u32) -> bool {
        // There is none at the very start, which needs no finding.
        position >= self.due.max(self.spacing * u64::from(rate))
    }

    pub(crate) fn add(&mut self, mark: Mark, rate: u32) {
        self.marks.push(mark);
        if self.marks.len() >= self.most {
            let mut odd = false;
            self.marks.retain(|_| {
                odd = !odd;
                !odd
            });
            self.spacing *= 2;
        }
        self.begin_behind(mark.position, rate);
    }

    /// There is one at this position.
    pub(crate) fn begin_behind(&mut self, position: u64, rate: u32) {
        self.due = position.saturating_add(self.spacing * u64::from(rate));
    }

    /// Wants no more.
    pub(crate) fn close(&mut self) {
        self.due = u64::MAX;
    }

    pub(crate) fn all(&self) -> &[Mark] {
        &self.marks
    }
}

impl SeekIndex {
    /// Samples per second of the whole: the most that any track has.
    pub(crate) fn rate(&self) -> u32 {
        self.tracks.iter().map(|track| track.rate).max().unwrap_or(0)
    }

    /// Samples of the whole, at [`rate`](Self::rate): up to the end of the longest track.
    pub(crate) fn frames(&self) -> u64 {
        let rate = self.rate();
        self.tracks.iter().map(|track| track.frames_at(rate)).max().unwrap_or(0)
    }

    /// How long the sound is, in milliseconds.
    pub fn duration_ms(&self) -> u64 {
        let rate = u128::from(self.rate().max(1));
        u64::try_from(u128::from(self.frames()) * 1000 / rate).unwrap_or(u64::MAX)
    }

    /// A form to be kept in a file: some 40 bytes for 10 s of a track.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([VERSION, self.read_by as u8]);
        put(&mut bytes, self.file_len);
        put(&mut bytes, self.tracks.len() as u64);
        for track in &self.tracks {
            put(&mut bytes, u64::from(track.rate));
            put(&mut bytes, track.frames);
            put(&mut bytes, track.marks.len() as u64);
            track.put_marks(&mut bytes);
        }
        bytes.extend(checksum(&bytes).to_le_bytes());
        bytes
    }

    /// The opposite of [`to_bytes`](Self::to_bytes), for a file that is `file_len` bytes long. `None` if the bytes are
    /// damaged, of another version, or about another file.
    pub fn from_bytes(bytes: &[u8], file_len: u64) -> Option<Self> {
        let (body, crc) = bytes.split_last_chunk::<4>()?;
        if checksum(body) != u32::from_le_bytes(*crc) {
            return None;
        }
        let (head, mut rest) = body.split_first_chunk::<6>()?;
        if head[..4] != MAGIC || head[4] != VERSION {
            return None;
        }
        let read_by = [ReadBy::Native, ReadBy::Ffmpeg, ReadBy::FfmpegCorrected]
            .into_iter()
            .find(|by| *by as u8 == head[5])?;
        if take(&mut rest)? != file_len {
            return None;
        }
        // A checksum is no seal: whatever else it says is checked before it is used.
        let count = usize::try_from(take(&mut rest)?).ok()?;
        if !(1..=MOST_TRACKS).contains(&count) {
            return None;
        }
        let tracks: Option<Vec<_>> = (0..count).map(|_| TrackIndex::take(&mut rest, file_len)).collect();
        rest.is_empty().then_some(Self { file_len, read_by, tracks: tracks? })
    }
}

impl TrackIndex {
    /// Its frames at another rate.
    fn frames_at(&self, rate: u32) -> u64 {
        let exact = u128::from(self.frames) * u128::from(rate);
        u64::try_from(exact.div_ceil(u128::from(self.rate.max(1)))).unwrap_or(u64::MAX)
    }

    fn put_marks(&self, bytes: &mut Vec<u8>) {
        let mut last = [0; FIELDS];
        for mark in &self.marks {
            let numbers = mark.to_numbers();
            for (number, last) in numbers.iter().zip(last) {
                // Differences are small, also backwards; zigzag keeps them short.
                let step = number.wrapping_sub(last).cast_signed();
                put(bytes, (step << 1 ^ step >> 63).cast_unsigned());
            }
            last = numbers;
        }
    }

    /// The next one in `bytes`.
    fn take(bytes: &mut &[u8], file_len: u64) -> Option<Self> {
        let (rate, frames) = (u32::try_from(take(bytes)?).ok()?, take(bytes)?);
        if !RATES.contains(&rate) {
            return None;
        }
        let number = take(bytes)?;
        let mut marks: Vec<Mark> = Vec::new();
        let mut last = [0_u64; FIELDS];
        for _ in 0..number {
            for number in &mut last {
                let step = take(bytes)?;
                *number = number.wrapping_add(step >> 1 ^ (step & 1).wrapping_neg());
            }
            let mark = Mark::from_numbers(last)?;
            let before = marks.last().map_or(0, |mark| mark.position);
            let inside = mark.offset <= file_len && mark.position <= frames;
            if mark.position <= before || !inside || marks.len() >= MOST_MARKS {
                return None;
            }
            marks.push(mark);
        }
        Some(Self { rate, frames, marks })
    }
}

/// LEB128.
fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
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
        SeekIndex { file_len: 1 << 40, read_by: ReadBy::Native, tracks: vec![track(hours, MOST_MARKS)] }
    }

    fn track(hours: u64, most: usize) -> TrackIndex {
        let mut marks = Marks::new(most);
        for i in 1..hours * 360 {
            let mark = Mark {
                position: i * 441_000 + i % 1152,
                pts: i as i64 * 441_123 - 1105,
                crc: checksum(&i.to_le_bytes()),
                offset: i * 160_000,
                rate: 44_100,
                state: State {
                    shift: 0.025,
                    home: (i > 5).then_some(3600.0),
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
        body.extend(checksum(&body).to_le_bytes());
        body
    }

    #[test]
    fn an_index_survives_being_kept() {
        let index = index(3);
        let bytes = index.to_bytes();
        assert_eq!(SeekIndex::from_bytes(&bytes, 1 << 40), Some(index));
        assert!(bytes.len() < 60_000, "{} bytes for three hours", bytes.len());
    }

    #[test]
    fn an_index_of_another_file_or_with_damage_is_none() {
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
    fn what_a_forged_index_says_is_checked() {
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
                assert!(marks.iter().all(|mark| mark.offset <= 1 << 40 && mark.state.cursor.is_finite()));
            }
        }
        // Checksums of packets may be anything; they just do not match.
        assert!(accepted > 0);
        for bytes in [b"".as_slice(), b"MMsk", &[0xff; 100], &[0; 100]] {
            assert_eq!(SeekIndex::from_bytes(&sealed(bytes.to_vec()), 100), None);
        }
    }

    #[test]
    fn marks_have_a_bound() {
        for most in [MOST_MARKS, 100] {
            let marks = track(100, most).marks;
            assert!(marks.len() < most && marks.len() >= most / 4);
            assert!(marks.is_sorted_by_key(|mark| mark.position));
        }
    }

    #[test]
    fn each_of_several_tracks_keeps_its_marks() {
        let mut tracks =
            vec![track(3, 700), track(2, 700), TrackIndex { rate: 8_000, ..TrackIndex::default() }];
        for mark in &mut tracks[1].marks {
            mark.clock = Clock { now: mark.state.cursor, closed: 3600.0, sound: 7.0, silence: 2.5 };
        }
        for (track, frames) in tracks.iter_mut().zip([44_100 * 10_800, 44_100 * 7_200, 8_001 * 20_000]) {
            track.frames = frames;
        }
        let index = SeekIndex { file_len: 1 << 40, read_by: ReadBy::Native, tracks };
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
        let most = 2 * MOST_MARKS / MOST_TRACKS;
        let day = SeekIndex { tracks: vec![track(24, most); MOST_TRACKS], ..index };
        assert!(day.to_bytes().len() < 1024 * 1024);
    }
}
