//! WAV as recorders really write it.
//!
//! The demuxer wants a RIFF file with a true data size. A recorder that lost power leaves that size 0; one that wrote
//! more than 4 GiB leaves it wrapped, or writes RF64 (EBU Tech 3306). All of them are shown to the demuxer as a plain
//! file of unknown size that ends where the sound ends.

use super::at;
use crate::source::{Patch, View, go_to};
use std::io::{self, Read, Seek};

/// What the chunks in front of the sound say.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wave {
    /// How the demuxer should see the file.
    pub(crate) view: View,
    /// `YYYY-MM-DDThh:mm:ss` from the broadcast extension chunk, in the recorder's local time.
    pub(crate) originated: Option<String>,
    /// Bytes of sound the header promises beyond the end of the file.
    pub(crate) missing: u64,
    /// Sound lies behind the part that is read: the file is several that were joined.
    pub(crate) followed: bool,
    /// Channels that the demuxer sees as one, because it knows no layout of so many: one sample of each in turn.
    pub(crate) folded: Option<u16>,
    /// The codec number of the format chunk, such as 1 for PCM.
    pub(crate) format: u16,
    /// First byte of the sound.
    start: u64,
    bytes_per_second: u32,
}

impl Wave {
    /// How long sound that ends at byte `end` lasts.
    pub(crate) fn seconds(&self, end: u64) -> Option<f64> {
        let bytes = end.saturating_sub(self.start) as f64;
        (self.bytes_per_second > 0).then(|| bytes / f64::from(self.bytes_per_second))
    }
}

/// Chunks looked at before giving up; the walk is over headers only.
const MOST_CHUNKS: usize = 256;

/// Reads the chunk headers of a file of `len` bytes, which begin at byte `start`, up to its sound. `None` if there is
/// none.
pub(crate) fn read(file: &mut (impl Read + Seek), len: u64, start: u64) -> io::Result<Option<Wave>> {
    let mut wave = Wave::default();
    wave.view.start = start;
    let mut head = [0; 12];
    go_to(file, start)?;
    if file.read_exact(&mut head).is_err() {
        return Ok(None);
    }
    let large = !head.starts_with(b"RIFF");
    let mut stated = None;
    let mut patches = Vec::new();
    let mut position = start + 12;
    for _ in 0..MOST_CHUNKS {
        let mut header = [0; 8];
        go_to(file, position)?;
        if file.read_exact(&mut header).is_err() {
            return Ok(None);
        }
        let size = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
        let body = position + 8;
        match &header[..4] {
            b"ds64" => {
                let sizes = some(file, 16)?;
                stated = at::u64_le(&sizes, 8);
            }
            b"fmt " => {
                let format = some(file, 26)?;
                wave.bytes_per_second = at::u32_le(&format, 8).unwrap_or(0);
                // The extensible form has the number further behind.
                wave.format = match at::u16_le(&format, 0) {
                    Some(0xfffe) => at::u16_le(&format, 24),
                    number => number,
                }
                .unwrap_or(0);
                if let Some(channels) = at::u16_le(&format, 2).filter(|channels| *channels > MOST_CHANNELS)
                    && matches!(wave.format, PCM | FLOAT)
                {
                    wave.folded = Some(channels);
                    patches = folded(&format, body, channels, wave.format);
                }
            }
            b"bext" => wave.originated = originated(&some(file, 338)?),
            b"data" => {
                wave.start = body;
                let there = len.saturating_sub(body);
                let stated = match (size, stated) {
                    (u32::MAX, Some(stated)) => stated,
                    (u32::MAX, None) => there,
                    // Never finished: everything that follows was recorded.
                    (0, _) => there,
                    // More than a 32-bit size can say: it has wrapped.
                    (size, _)
                        if !large && there > u64::from(u32::MAX) && there - u64::from(size) >= 1 << 32 =>
                    {
                        there
                    }
                    (size, _) => u64::from(size),
                };
                let stated = match behind(file, body.saturating_add(stated), len)? {
                    Behind::Chunks => stated,
                    Behind::Sound => {
                        wave.followed = true;
                        stated
                    }
                    // A recorder that was not asked to finish keeps the size it wrote some time before.
                    Behind::More => there,
                };
                wave.missing = stated.saturating_sub(there);
                let end = body.saturating_add(stated).min(len);
                if large || u64::from(size) != stated || wave.missing > 0 {
                    wave.view.end = Some(end);
                    patches.extend(unlimited(start, position, large));
                }
                wave.view.patches = patches;
                return Ok(Some(wave));
            }
            _ => {}
        }
        // Chunks begin at even positions, but not all programs know.
        position = body + u64::from(size);
        if size & 1 == 1 && !is_chunk(file, position)? {
            position += 1;
        }
        if position >= len {
            return Ok(None);
        }
    }
    Ok(None)
}

/// The numbers of uncompressed sound.
const PCM: u16 = 1;
const FLOAT: u16 = 3;
/// Channels that the demuxer knows a layout of.
const MOST_CHANNELS: u16 = 26;
/// Bytes behind the sound that are no recording that goes on.
const LITTLE: u64 = 4096;

/// Shows a format chunk, the body of which is at `body`, as that of one channel at so many times the rate.
fn folded(format: &[u8], body: u64, channels: u16, number: u16) -> Vec<Patch> {
    let rate = at::u32_le(format, 4).unwrap_or(0).saturating_mul(u32::from(channels));
    let align = at::u16_le(format, 12).unwrap_or(0) / channels;
    let mut bytes = [number.to_le_bytes(), 1_u16.to_le_bytes()].concat();
    bytes.extend(rate.to_le_bytes());
    vec![Patch { at: body, bytes }, Patch { at: body + 12, bytes: align.to_le_bytes().to_vec() }]
}

/// What lies behind the sound.
enum Behind {
    /// Other chunks, little, or bytes of zero that fill the file up.
    Chunks,
    /// Another recording.
    Sound,
    /// What can only be more of it.
    More,
}

/// Looks at what is at `end`, where the sound ends in a file of `len` bytes.
fn behind(file: &mut (impl Read + Seek), mut end: u64, len: u64) -> io::Result<Behind> {
    for _ in 0..MOST_CHUNKS {
        if len.saturating_sub(end) <= LITTLE {
            return Ok(Behind::Chunks);
        }
        if !is_chunk(file, end)? {
            end += 1;
            if !is_chunk(file, end)? {
                return Ok(if is_zero(file, end)? { Behind::Chunks } else { Behind::More });
            }
        }
        go_to(file, end)?;
        let header = some(file, 8)?;
        if matches!(header.get(..4), Some(b"data" | b"RIFF" | b"RF64")) {
            return Ok(Behind::Sound);
        }
        end = end.saturating_add(8).saturating_add(u64::from(at::u32_le(&header, 4).unwrap_or(0)));
    }
    Ok(Behind::Chunks)
}

/// Whether all bytes from this position to the end of the file are zero.
fn is_zero(file: &mut (impl Read + Seek), position: u64) -> io::Result<bool> {
    go_to(file, position)?;
    loop {
        let piece = some(file, 64 * 1024)?;
        if piece.is_empty() || piece.iter().any(|byte| *byte != 0) {
            return Ok(piece.is_empty());
        }
    }
}

/// Whether a chunk begins at this position: its name is printed, as all of them are.
fn is_chunk(file: &mut (impl Read + Seek), position: u64) -> io::Result<bool> {
    go_to(file, position)?;
    let name = some(file, 4)?;
    Ok(name.len() == 4 && name.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' '))
}

/// Shows the sizes of a file that begins at `start`, and of its sound, whose chunk is at `data`, as unknown.
fn unlimited(start: u64, data: u64, large: bool) -> Vec<Patch> {
    let mut patches =
        vec![Patch { at: start + 4, bytes: vec![0xff; 4] }, Patch { at: data + 4, bytes: vec![0xff; 4] }];
    if large {
        patches.push(Patch { at: start, bytes: b"RIFF".to_vec() });
    }
    patches
}

/// Up to `most` bytes from here.
fn some(file: &mut impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// EBU Tech 3285: description 256, originator 32, reference 32, date 10, time 8.
fn originated(bext: &[u8]) -> Option<String> {
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
    fn what_lies_in_front_of_the_file_is_not_shown() {
        let bytes = [vec![9; 10], file(b"RIFF", &[chunk(b"data", 0, &[1; 4])])].concat();
        let len = bytes.len() as u64;
        let view = read(&mut Cursor::new(bytes), len, 10).unwrap().unwrap().view;
        assert_eq!((view.start, view.end), (10, Some(len)));
        assert_eq!(view.patches.iter().map(|patch| patch.at).collect::<Vec<_>>(), [14, 26]);
    }

    #[test]
    fn a_true_size_is_left_alone() {
        let wave = wave(file(b"RIFF", &[chunk(b"data", 4, &[0; 4])])).unwrap();
        assert!(wave.view.patches.is_empty());
        assert_eq!(wave.missing, 0);
    }

    #[test]
    fn an_unfinished_or_lying_size_ends_where_the_file_ends() {
        for (size, missing) in [(0, 0), (1_000_000, 999_990), (u32::MAX, 0)] {
            let wave = wave(file(b"RIFF", &[chunk(b"data", size, &[0; 10])])).unwrap();
            assert_eq!((wave.view.end, wave.missing), (Some(30), missing), "{size}");
            assert!(!wave.view.patches.is_empty());
        }
    }

    #[test]
    fn sound_behind_what_the_header_states_is_read_and_chunks_are_not() {
        let data = chunk(b"data", 4, &[1; 4]);
        let with = |behind: &[u8]| wave(file(b"RIFF", &[data.clone(), behind.to_vec()])).unwrap();
        let more = with(&[1; 9000]);
        assert_eq!((more.view.end, more.missing, more.followed), (Some(24 + 9000), 0, false));
        let list = with(&chunk(b"LIST", 9000, &[0; 9000]));
        assert_eq!((list.view.end, list.followed), (None, false));
        assert_eq!(with(&[1; 100]).view.end, None);
        assert_eq!(with(&[0; 9000]).view.end, None);
        let other = file(b"RIFF", &[chunk(b"data", 9000, &[1; 9000])]);
        assert!(with(&other).followed && with(&chunk(b"data", 9000, &[1; 9000])).followed);
    }

    #[test]
    fn an_odd_chunk_may_lack_the_byte_behind_it() {
        for padded in [&b"\0"[..], b""] {
            let list = [chunk(b"LIST", 3, b"abc"), padded.to_vec()].concat();
            assert!(wave(file(b"RIFF", &[list, chunk(b"data", 4, &[0; 4])])).is_some());
        }
    }

    #[test]
    fn more_channels_than_there_are_layouts_are_shown_as_one() {
        let format =
            [&PCM.to_le_bytes()[..], &[32, 0], &4000_u32.to_le_bytes(), &[0; 4], &[64, 0, 16, 0]].concat();
        let wave = wave(file(b"RIFF", &[chunk(b"fmt ", 16, &format), chunk(b"data", 64, &[0; 64])])).unwrap();
        assert_eq!(wave.folded, Some(32));
        assert_eq!(wave.view.patches[0].bytes, [1, 0, 1, 0, 0, 0xf4, 1, 0]);
        assert_eq!(wave.view.patches[1].bytes, [2, 0]);
    }

    #[test]
    fn rf64_ends_where_its_own_chunk_says() {
        let sizes = [100_u64.to_le_bytes(), 6_u64.to_le_bytes()].concat();
        let chunks =
            [chunk(b"ds64", 16, &sizes), chunk(b"data", u32::MAX, &[0; 6]), chunk(b"LIST", 4, &[0; 4])];
        let wave = wave(file(b"RF64", &chunks)).unwrap();
        assert_eq!(wave.view.end, Some(12 + 24 + 8 + 6));
        assert!(wave.view.patches.iter().any(|p| p.bytes == b"RIFF"));
    }

    #[test]
    fn the_date_of_a_field_recorder_is_read() {
        let mut bext = vec![0; 602];
        bext[320..338].copy_from_slice(b"2024_05_0617.08.09");
        let wave = wave(file(b"RIFF", &[chunk(b"bext", 602, &bext), chunk(b"data", 0, &[])])).unwrap();
        assert_eq!(wave.originated.unwrap(), "2024-05-06T17:08:09");
    }

    #[test]
    fn a_header_without_sound_is_nothing() {
        assert!(wave(file(b"RIFF", &[])).is_none());
        assert!(wave(file(b"RIFF", &[chunk(b"fmt ", u32::MAX, &[1, 0])])).is_none());
        assert!(wave(b"RIFF".to_vec()).is_none());
    }
}
