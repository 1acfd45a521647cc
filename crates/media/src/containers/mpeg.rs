//! Streams of frames without a container: MPEG audio (MP1–3) and AAC in ADTS.

use super::at;

/// The header of one frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Frame {
    /// Header and body, in bytes.
    bytes: usize,
    /// What does not change from frame to frame: codec, version, layer, sample rate.
    kind: (bool, u8, u8, u8),
}

/// A stream of frames found in the head of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stream {
    /// First byte of the first frame, from the start of `head`.
    pub(crate) at: usize,
    /// AAC in ADTS, otherwise MPEG audio.
    pub(crate) adts: bool,
    /// The first frame holds a count of frames, so the duration is known and not an estimate.
    pub(crate) counted: bool,
}

/// Frames in a row that make a stream. Random bytes do that once in 10^14.
const ENOUGH: usize = 4;
/// The search for the first frame gives up here.
const SEARCH: usize = 64 * 1024;

/// Length of the ID3v2 tag at the start of `bytes`, with its header; 0 if there is none.
pub(crate) fn id3_len(bytes: &[u8]) -> u64 {
    match bytes.first_chunk::<10>() {
        Some([b'I', b'D', b'3', version, _, flags, size @ ..])
            if *version != 0xff && size.iter().all(|b| *b < 0x80) =>
        {
            let size = size.iter().fold(0, |n, b| (n << 7) | u64::from(*b));
            let footer = if flags & 0x10 != 0 { 10 } else { 0 };
            10 + size + footer
        }
        _ => 0,
    }
}

/// Finds a stream of frames in `head`; `whole` says that nothing follows `head` in the file.
pub(crate) fn find(head: &[u8], whole: bool) -> Option<Stream> {
    (0..head.len().min(SEARCH)).filter(|at| head[*at] == 0xff).find_map(|start| {
        let first = frame(&head[start..])?;
        let (mut next, mut count) = (start, 0);
        while count < ENOUGH {
            match head.get(next..).and_then(frame) {
                Some(frame) if frame.kind == first.kind => {
                    count += 1;
                    next += frame.bytes;
                }
                _ => break,
            }
        }
        // A short file may end before there are enough; the last frame may be cut, a tag may follow.
        let ended = whole && count >= 2 && (next >= head.len() || head[next..].starts_with(b"TAG"));
        (count == ENOUGH || ended).then(|| Stream {
            at: start,
            adts: first.kind.0,
            counted: !first.kind.0 && is_index(&head[start..(start + first.bytes).min(head.len())]),
        })
    })
}

/// Whether this frame is no sound but a Xing, Info or VBRI header.
fn is_index(frame: &[u8]) -> bool {
    let head = &frame[..frame.len().min(64)];
    head.windows(4).any(|w| matches!(w, b"Xing" | b"Info" | b"VBRI"))
}

fn frame(bytes: &[u8]) -> Option<Frame> {
    let word = at::u32_be(bytes, 0)?;
    if word >> 21 != 0x7ff {
        return None;
    }
    let version = (word >> 19 & 3) as u8;
    let layer = (word >> 17 & 3) as u8;
    if layer == 0 { adts(bytes, word) } else { mpeg(word, version, layer) }
}

/// ISO/IEC 13818-7, table 8.
fn adts(bytes: &[u8], word: u32) -> Option<Frame> {
    let rate = (word >> 10 & 15) as u8;
    let len = usize::from(at::u16_be(bytes, 3)? & 0x3ff) << 3 | usize::from(*bytes.get(5)? >> 5);
    let header = if word & 0x1_0000 == 0 { 9 } else { 7 };
    // Twelve bits of sync, one of version and two of layer.
    (word >> 20 == 0xfff && rate < 13 && len > header)
        .then_some(Frame { bytes: len, kind: (true, (word >> 19 & 1) as u8, (word >> 14 & 3) as u8, rate) })
}

/// ISO/IEC 11172-3, 2.4.2.3 and 13818-3, 2.4.2.3; version 2.5 as everyone decodes it.
fn mpeg(word: u32, version: u8, layer: u8) -> Option<Frame> {
    const BITRATES: [[u32; 15]; 5] = [
        [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
        [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
        [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
        [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
        [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
    ];
    let first = version == 3;
    let table = match (first, layer) {
        (true, 3) => 0,
        (true, 2) => 1,
        (true, _) => 2,
        (false, 3) => 3,
        (false, _) => 4,
    };
    let rate_index = (word >> 10 & 3) as usize;
    let bitrate = *BITRATES[table].get((word >> 12 & 15) as usize)? * 1000;
    let full = *[44_100, 48_000, 32_000].get(rate_index)?;
    let rate = match version {
        3 => full,
        2 => full / 2,
        0 => full / 4,
        _ => return None,
    };
    let padding = word >> 9 & 1;
    let bytes = match layer {
        3 => (12 * bitrate / rate + padding) * 4,
        1 if !first => 72 * bitrate / rate + padding,
        _ => 144 * bitrate / rate + padding,
    };
    // A bitrate of 0 is "free", which nobody writes and noise looks like.
    (bitrate > 0).then_some(Frame { bytes: bytes as usize, kind: (false, version, layer, rate_index as u8) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 64 kbit/s, 16 kHz, MPEG-2 layer III: 288 bytes.
    const HEADER: [u8; 4] = [0xff, 0xf3, 0x88, 0xc0];

    fn stream(frames: usize) -> Vec<u8> {
        let mut frame = vec![0; 288];
        frame[..4].copy_from_slice(&HEADER);
        frame.repeat(frames)
    }

    #[test]
    fn a_stream_is_found_behind_rubbish() {
        let bytes = [vec![0xff; 700], stream(6)].concat();
        assert_eq!(find(&bytes, false), Some(Stream { at: 700, adts: false, counted: false }));
    }

    #[test]
    fn single_headers_are_no_stream() {
        assert_eq!(find(&stream(1), true), None);
        assert_eq!(find(&stream(3), false), None);
        assert!(find(&stream(3), true).is_some());
        assert_eq!(find(b"plain text", true), None);
        assert_eq!(find(&[], true), None);
    }

    #[test]
    fn the_length_of_a_tag_is_read() {
        assert_eq!(id3_len(b"ID3\x04\x00\x00\x00\x00\x02\x01rest"), 10 + 257);
        assert_eq!(id3_len(b"ID3\x04\x00\x10\x00\x00\x00\x00"), 20);
        assert_eq!(id3_len(b"ID3\x04\x00\x00\xff\xff\xff\xff"), 0);
        assert_eq!(id3_len(b"ID3"), 0);
    }
}
