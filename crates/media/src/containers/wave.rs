//! WAV as recorders really write it.
//!
//! The demuxer wants a RIFF file with a true data size. A recorder that lost power leaves that size 0; one that wrote
//! more than 4 GiB leaves it wrapped, or writes RF64 (EBU Tech 3306). All of these are shown to the demuxer as a plain
//! file of unknown size that ends where the sound ends.

use super::bytes_at;
use crate::file_view::{FileView, Patch, seek_bounded};
use std::io::{self, Read, Seek};

/// What the chunks before the sound say.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wave {
    /// What the demuxer is shown.
    pub(crate) view: FileView,
    /// `YYYY-MM-DDThh:mm:ss` from the broadcast extension chunk, in the recorder's local time.
    pub(crate) origination_date: Option<String>,
    /// Bytes of sound that the header states beyond the end of the file.
    pub(crate) missing: u64,
    /// Another recording lies behind the sound. It is not read.
    pub(crate) has_appended_file: bool,
    /// Number of channels that the demuxer is shown as one, because it knows no layout of so many: their samples
    /// alternate.
    pub(crate) interleaved_channels: Option<u16>,
    /// The codec number of the format chunk, such as 1 for PCM.
    pub(crate) format: u16,
    /// First byte of the sound.
    start: u64,
    bytes_per_second: u32,
}

impl Wave {
    /// Length in seconds of sound that ends at byte `end`.
    pub(crate) fn seconds(&self, end: u64) -> Option<f64> {
        let bytes = end.saturating_sub(self.start) as f64;
        (self.bytes_per_second > 0).then(|| bytes / f64::from(self.bytes_per_second))
    }
}

/// Chunks read before giving up. Only their headers are read.
const MAX_CHUNKS: usize = 256;
/// Codec number of uncompressed integers.
const PCM: u16 = 1;
/// Codec number of uncompressed floats.
const FLOAT: u16 = 3;
/// The most channels of which the demuxer knows a layout.
const MAX_CHANNELS: u16 = 26;
/// Up to this many bytes behind the sound are not taken for a recording that goes on.
const MAX_TRAILER: u64 = 4096;

/// Reads the chunk headers of a WAV file from byte `start` up to its sound. `len` is the length of the file in bytes.
/// `None` if there is no sound.
pub(crate) fn read(file: &mut (impl Read + Seek), len: u64, start: u64) -> io::Result<Option<Wave>> {
    let mut head = [0; 12];
    seek_bounded(file, start)?;
    if file.read_exact(&mut head).is_err() {
        return Ok(None);
    }
    let mut reader = ChunkReader {
        file,
        len,
        start,
        is_64_bit: !head.starts_with(b"RIFF"),
        size_of_ds64: None,
        wave: Wave::default(),
        patches: Vec::new(),
    };
    reader.wave.view.start = start;
    let mut position = start + 12;
    for _ in 0..MAX_CHUNKS {
        let mut header = [0; 8];
        seek_bounded(reader.file, position)?;
        if reader.file.read_exact(&mut header).is_err() {
            return Ok(None);
        }
        let size = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
        let body = position + 8;
        match &header[..4] {
            b"ds64" => {
                let sizes = read_up_to(reader.file, 16)?;
                reader.size_of_ds64 = bytes_at::u64_le(&sizes, 8);
            }
            b"fmt " => reader.read_format(body)?,
            b"bext" => reader.wave.origination_date = origination_date(&read_up_to(reader.file, 338)?),
            b"data" => {
                reader.read_data(position, size)?;
                return Ok(Some(reader.wave));
            }
            _ => {}
        }
        // Chunks should begin at even positions, but not all programs do that.
        position = body + u64::from(size);
        if size & 1 == 1 && !is_chunk(reader.file, position)? {
            position += 1;
        }
        if position >= len {
            return Ok(None);
        }
    }
    Ok(None)
}

/// Reads the chunks of one file.
struct ChunkReader<'a, F> {
    file: &'a mut F,
    /// Length of the file in bytes.
    len: u64,
    /// Byte at which the RIFF header begins.
    start: u64,
    /// The file is RF64 or BW64.
    is_64_bit: bool,
    /// Size of the sound that the chunk `ds64` states.
    size_of_ds64: Option<u64>,
    wave: Wave,
    patches: Vec<Patch>,
}

impl<F: Read + Seek> ChunkReader<'_, F> {
    /// Reads the format chunk, whose content begins at byte `body`.
    fn read_format(&mut self, body: u64) -> io::Result<()> {
        let format = read_up_to(self.file, 26)?;
        self.wave.bytes_per_second = bytes_at::u32_le(&format, 8).unwrap_or(0);
        // The extensible form has the codec number further behind.
        self.wave.format = match bytes_at::u16_le(&format, 0) {
            Some(0xfffe) => bytes_at::u16_le(&format, 24),
            number => number,
        }
        .unwrap_or(0);
        if let Some(channels) = bytes_at::u16_le(&format, 2).filter(|channels| *channels > MAX_CHANNELS)
            && matches!(self.wave.format, PCM | FLOAT)
        {
            self.wave.interleaved_channels = Some(channels);
            self.patches = one_channel_patches(&format, body, channels, self.wave.format);
        }
        Ok(())
    }

    /// Finds out where the sound really ends, whose chunk begins at byte `position` and states this `size`.
    fn read_data(&mut self, position: u64, size: u32) -> io::Result<()> {
        let body = position + 8;
        self.wave.start = body;
        let available = self.len.saturating_sub(body);
        let stated = match (size, self.size_of_ds64) {
            (u32::MAX, Some(stated)) => stated,
            (u32::MAX, None) => available,
            // Never finished: everything that follows was recorded.
            (0, _) => available,
            // More than a 32-bit size can say: it has wrapped.
            (size, _)
                if !self.is_64_bit
                    && available > u64::from(u32::MAX)
                    && available - u64::from(size) >= 1 << 32 =>
            {
                available
            }
            (size, _) => u64::from(size),
        };
        let stated = match find_trailer(self.file, body.saturating_add(stated), self.len)? {
            Trailer::NoSound => stated,
            Trailer::OtherRecording => {
                self.wave.has_appended_file = true;
                stated
            }
            // A recorder that was interrupted leaves the size that it wrote some time before.
            Trailer::MoreSound => available,
        };
        self.wave.missing = stated.saturating_sub(available);
        let end = body.saturating_add(stated).min(self.len);
        if self.is_64_bit || u64::from(size) != stated || self.wave.missing > 0 {
            self.wave.view.end = Some(end);
            self.patches.extend(unknown_size_patches(self.start, position, self.is_64_bit));
        }
        self.wave.view.patches = std::mem::take(&mut self.patches);
        Ok(())
    }
}

/// Shows a format chunk, whose content begins at byte `body`, as that of one channel at `channels` times the rate.
fn one_channel_patches(format: &[u8], body: u64, channels: u16, number: u16) -> Vec<Patch> {
    let rate = bytes_at::u32_le(format, 4).unwrap_or(0).saturating_mul(u32::from(channels));
    let align = bytes_at::u16_le(format, 12).unwrap_or(0) / channels;
    let mut bytes = [number.to_le_bytes(), 1_u16.to_le_bytes()].concat();
    bytes.extend(rate.to_le_bytes());
    vec![Patch { at: body, bytes }, Patch { at: body + 12, bytes: align.to_le_bytes().to_vec() }]
}

/// What lies behind the sound.
enum Trailer {
    /// Other chunks, a few bytes, or zeros that fill up the file.
    NoSound,
    /// A chunk or file with another recording.
    OtherRecording,
    /// Anything else, which can only be more of the same sound.
    MoreSound,
}

/// Finds out what lies behind `end`, where the stated sound ends in a file of `len` bytes.
fn find_trailer(file: &mut (impl Read + Seek), mut end: u64, len: u64) -> io::Result<Trailer> {
    for _ in 0..MAX_CHUNKS {
        if len.saturating_sub(end) <= MAX_TRAILER {
            return Ok(Trailer::NoSound);
        }
        if !is_chunk(file, end)? {
            end += 1;
            if !is_chunk(file, end)? {
                return Ok(if is_zero(file, end)? { Trailer::NoSound } else { Trailer::MoreSound });
            }
        }
        seek_bounded(file, end)?;
        let header = read_up_to(file, 8)?;
        if matches!(header.get(..4), Some(b"data" | b"RIFF" | b"RF64")) {
            return Ok(Trailer::OtherRecording);
        }
        end = end.saturating_add(8).saturating_add(u64::from(bytes_at::u32_le(&header, 4).unwrap_or(0)));
    }
    Ok(Trailer::NoSound)
}

/// Whether all bytes from `position` to the end of the file are zero.
fn is_zero(file: &mut (impl Read + Seek), position: u64) -> io::Result<bool> {
    seek_bounded(file, position)?;
    loop {
        let chunk = read_up_to(file, 64 * 1024)?;
        if chunk.is_empty() || chunk.iter().any(|byte| *byte != 0) {
            return Ok(chunk.is_empty());
        }
    }
}

/// Whether a chunk begins at `position`: its name is four printable characters.
fn is_chunk(file: &mut (impl Read + Seek), position: u64) -> io::Result<bool> {
    seek_bounded(file, position)?;
    let name = read_up_to(file, 4)?;
    Ok(name.len() == 4 && name.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' '))
}

/// Shows the size of the file, which begins at byte `start`, and of its `data` chunk, which begins at byte `data`, as
/// unknown.
fn unknown_size_patches(start: u64, data: u64, is_64_bit: bool) -> Vec<Patch> {
    let mut patches =
        vec![Patch { at: start + 4, bytes: vec![0xff; 4] }, Patch { at: data + 4, bytes: vec![0xff; 4] }];
    if is_64_bit {
        patches.push(Patch { at: start, bytes: b"RIFF".to_vec() });
    }
    patches
}

/// Up to `most` bytes from the current position on.
fn read_up_to(file: &mut impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The date in the broadcast extension chunk, EBU Tech 3285: description 256 bytes, originator 32, reference 32, date
/// 10, time 8.
fn origination_date(bext: &[u8]) -> Option<String> {
    let date = std::str::from_utf8(bext.get(320..330)?).ok()?;
    let time = std::str::from_utf8(bext.get(330..338)?).ok()?;
    // The separators are free: "-", "_", ":", " " and "." all occur.
    let digits =
        |text: &str| text.chars().map(|c| if c.is_ascii_digit() { c } else { '-' }).collect::<String>();
    Some(format!("{}T{}", digits(date), digits(time).replace('-', ":")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

    use super::*;
    use std::io::Cursor;

    fn chunk(id: &[u8], size: u32, body: &[u8]) -> Vec<u8> {
        [id, &size.to_le_bytes(), body].concat()
    }

    fn file(form: &[u8], chunks: &[Vec<u8>]) -> Vec<u8> {
        [form, &[0xff; 4], b"WAVE", &chunks.concat()].concat()
    }

    fn wave(bytes: Vec<u8>) -> Option<Wave> {
        let len = bytes.len() as u64;
        read(&mut Cursor::new(bytes), len, 0).unwrap()
    }

    #[test]
    fn bytes_before_the_file_are_not_shown() {
        let bytes = [vec![9; 10], file(b"RIFF", &[chunk(b"data", 0, &[1; 4])])].concat();
        let len = bytes.len() as u64;
        let view = read(&mut Cursor::new(bytes), len, 10).unwrap().unwrap().view;
        assert_eq!((view.start, view.end), (10, Some(len)));
        assert_eq!(view.patches.iter().map(|patch| patch.at).collect::<Vec<_>>(), [14, 26]);
    }

    #[test]
    fn a_correct_size_is_not_patched() {
        let wave = wave(file(b"RIFF", &[chunk(b"data", 4, &[0; 4])])).unwrap();
        assert!(wave.view.patches.is_empty());
        assert_eq!(wave.missing, 0);
    }

    #[test]
    fn sound_of_unknown_or_false_size_ends_where_the_file_ends() {
        for (size, missing) in [(0, 0), (1_000_000, 999_990), (u32::MAX, 0)] {
            let wave = wave(file(b"RIFF", &[chunk(b"data", size, &[0; 10])])).unwrap();
            assert_eq!((wave.view.end, wave.missing), (Some(30), missing), "{size}");
            assert!(!wave.view.patches.is_empty());
        }
    }

    #[test]
    fn sound_behind_the_stated_end_is_read_and_chunks_are_not() {
        let data = chunk(b"data", 4, &[1; 4]);
        let with = |behind: &[u8]| wave(file(b"RIFF", &[data.clone(), behind.to_vec()])).unwrap();
        let more = with(&[1; 9000]);
        assert_eq!((more.view.end, more.missing, more.has_appended_file), (Some(24 + 9000), 0, false));
        let list = with(&chunk(b"LIST", 9000, &[0; 9000]));
        assert_eq!((list.view.end, list.has_appended_file), (None, false));
        assert_eq!(with(&[1; 100]).view.end, None);
        assert_eq!(with(&[0; 9000]).view.end, None);
        let other = file(b"RIFF", &[chunk(b"data", 9000, &[1; 9000])]);
        assert!(with(&other).has_appended_file && with(&chunk(b"data", 9000, &[1; 9000])).has_appended_file);
    }

    #[test]
    fn an_odd_chunk_may_lack_its_padding_byte() {
        for padded in [&b"\0"[..], b""] {
            let list = [chunk(b"LIST", 3, b"abc"), padded.to_vec()].concat();
            assert!(wave(file(b"RIFF", &[list, chunk(b"data", 4, &[0; 4])])).is_some());
        }
    }

    #[test]
    fn channels_without_a_layout_are_shown_as_one() {
        let format =
            [&PCM.to_le_bytes()[..], &[32, 0], &4000_u32.to_le_bytes(), &[0; 4], &[64, 0, 16, 0]].concat();
        let wave = wave(file(b"RIFF", &[chunk(b"fmt ", 16, &format), chunk(b"data", 64, &[0; 64])])).unwrap();
        assert_eq!(wave.interleaved_channels, Some(32));
        assert_eq!(wave.view.patches[0].bytes, [1, 0, 1, 0, 0, 0xf4, 1, 0]);
        assert_eq!(wave.view.patches[1].bytes, [2, 0]);
    }

    #[test]
    fn rf64_ends_where_its_ds64_chunk_says() {
        let sizes = [100_u64.to_le_bytes(), 6_u64.to_le_bytes()].concat();
        let chunks =
            [chunk(b"ds64", 16, &sizes), chunk(b"data", u32::MAX, &[0; 6]), chunk(b"LIST", 4, &[0; 4])];
        let wave = wave(file(b"RF64", &chunks)).unwrap();
        assert_eq!(wave.view.end, Some(12 + 24 + 8 + 6));
        assert!(wave.view.patches.iter().any(|p| p.bytes == b"RIFF"));
    }

    #[test]
    fn the_date_of_the_broadcast_extension_is_read() {
        let mut bext = vec![0; 602];
        bext[320..338].copy_from_slice(b"2024_05_0617.08.09");
        let wave = wave(file(b"RIFF", &[chunk(b"bext", 602, &bext), chunk(b"data", 0, &[])])).unwrap();
        assert_eq!(wave.origination_date.unwrap(), "2024-05-06T17:08:09");
    }

    #[test]
    fn a_header_without_sound_is_refused() {
        assert!(wave(file(b"RIFF", &[])).is_none());
        assert!(wave(file(b"RIFF", &[chunk(b"fmt ", u32::MAX, &[1, 0])])).is_none());
        assert!(wave(b"RIFF".to_vec()).is_none());
    }
}
