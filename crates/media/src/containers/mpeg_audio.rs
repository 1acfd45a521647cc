//! Frames without a container: MPEG audio (MP1–3) and AAC in ADTS.

use super::bytes_at;

/// The header of one frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Length of header and body, in bytes.
    pub(crate) bytes: usize,
    /// Length of the header in bytes; for ADTS with its checksum.
    pub(crate) header: usize,
    pub(crate) kind: StreamKind,
    /// Samples per channel.
    pub(crate) samples: u32,
    /// Samples per second.
    pub(crate) rate: u32,
    pub(crate) channels: u8,
}

/// What is the same for all frames of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StreamKind {
    /// AAC in ADTS; otherwise MPEG audio.
    pub(crate) adts: bool,
    version: u8,
    /// Of MPEG audio, the layer: 3 is layer I, 1 is layer III. Of AAC, the profile.
    pub(crate) layer: u8,
    rate_index: u8,
}

/// A stream of frames found in the head of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MpegStream {
    /// First byte of the first frame, from the start of the head.
    pub(crate) at: usize,
    /// AAC in ADTS; otherwise MPEG audio.
    pub(crate) adts: bool,
    /// The stream has a header that counts its frames, so the duration is known and not an estimate.
    pub(crate) counted: bool,
}

/// Frames in a row that make a stream. Random bytes form so many once in 10^14.
const MIN_FRAMES: usize = 4;
/// Bytes in which the first frame has to begin.
const MAX_SEARCH: usize = 64 * 1024;

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

/// Finds a stream of frames in `head`. `whole` says that the file ends with `head`.
pub(crate) fn find_stream(head: &[u8], whole: bool) -> Option<MpegStream> {
    (0..head.len().min(MAX_SEARCH)).filter(|at| head[*at] == 0xff).find_map(|start| {
        let first = parse_frame(&head[start..])?;
        let (mut next, mut count) = (start, 0);
        while count < MIN_FRAMES {
            match head.get(next..).and_then(parse_frame) {
                Some(frame) if frame.kind == first.kind => {
                    count += 1;
                    next += frame.bytes;
                }
                _ => break,
            }
        }
        // A short file may have fewer frames. Its last frame may be truncated, and a tag may follow.
        let ended = whole && count >= 2 && (next >= head.len() || head[next..].starts_with(b"TAG"));
        (count == MIN_FRAMES || ended).then(|| MpegStream {
            at: start,
            adts: first.kind.adts,
            counted: !first.kind.adts
                && stream_header(&head[start..(start + first.bytes).min(head.len())]).is_some(),
        })
    })
}

/// The header of a stream: a frame without sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct StreamHeader {
    /// Number of frames that follow, if stated.
    pub(crate) frames: Option<u32>,
    /// Samples that encoder and decoder add before the sound.
    pub(crate) delay: u32,
    /// Samples that the encoder adds behind the sound.
    pub(crate) padding: u32,
}

/// Parses the Xing or Info header (as LAME describes them) or the VBRI header (Fraunhofer) in `frame`. `None` if the
/// frame holds sound.
pub(crate) fn stream_header(frame: &[u8]) -> Option<StreamHeader> {
    /// Samples that a decoder of layer III adds before the sound.
    const DECODER_DELAY: u32 = 529;
    let head = &frame[..frame.len().min(64)];
    let at = head.windows(4).position(|w| matches!(w, b"Xing" | b"Info" | b"VBRI"))?;
    if &head[at..at + 4] == b"VBRI" {
        return Some(StreamHeader { frames: bytes_at::u32_be(frame, at + 14), ..StreamHeader::default() });
    }
    let flags = bytes_at::u32_be(frame, at + 4).unwrap_or(0);
    let mut next = at + 8;
    let mut header = StreamHeader::default();
    if flags & 1 != 0 {
        header.frames = bytes_at::u32_be(frame, next);
    }
    for (flag, len) in [(1, 4), (2, 4), (4, 100), (8, 4)] {
        next += if flags & flag != 0 { len } else { 0 };
    }
    let encoder = frame.get(next..next + 4).unwrap_or_default();
    if let (b"LAME" | b"Lavf" | b"Lavc", Some(word)) = (encoder, bytes_at::u32_be(frame, next + 20)) {
        // Delay and padding of twelve bits each, behind one byte of something else.
        header.delay = DECODER_DELAY + (word >> 12 & 0xfff);
        header.padding = (word & 0xfff).saturating_sub(DECODER_DELAY);
    }
    Some(header)
}

/// Length of the tag that `bytes` begin with: ID3 of either version, or APE. It may be longer than `bytes`.
pub(crate) fn tag_len(bytes: &[u8]) -> Option<u64> {
    match bytes.first_chunk::<4>()? {
        b"APET" if bytes.starts_with(b"APETAGEX") => {
            let size = bytes_at::u32_le(bytes, 12)?;
            // The size does not include the header, which a tag may lack.
            let header = bytes_at::u32_le(bytes, 20)? >> 31;
            // A header or footer alone has 32 bytes, whatever the size says.
            Some((u64::from(size) + u64::from(header) * 32).max(32))
        }
        b"TAG+" => Some(227),
        [b'T', b'A', b'G', _] => Some(128),
        _ => Some(id3_len(bytes)).filter(|len| *len > 0),
    }
}

/// Parses the header of the frame that `bytes` begin with.
pub(crate) fn parse_frame(bytes: &[u8]) -> Option<Frame> {
    let word = bytes_at::u32_be(bytes, 0)?;
    if word >> 21 != 0x7ff {
        return None;
    }
    let version = (word >> 19 & 3) as u8;
    let layer = (word >> 17 & 3) as u8;
    if layer == 0 { parse_adts(bytes, word) } else { parse_mpeg(word, version, layer) }
}

/// ISO/IEC 14496-3, table 1.18.
const AAC_RATES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];

/// Parses an ADTS header (ISO/IEC 13818-7, table 8).
fn parse_adts(bytes: &[u8], word: u32) -> Option<Frame> {
    let rate = (word >> 10 & 15) as u8;
    let len = usize::from(bytes_at::u16_be(bytes, 3)? & 0x3ff) << 3 | usize::from(*bytes.get(5)? >> 5);
    let header = if word & 0x1_0000 == 0 { 9 } else { 7 };
    // Twelve bits of sync, one of version and two of layer.
    let kind = StreamKind {
        adts: true,
        version: (word >> 19 & 1) as u8,
        layer: (word >> 14 & 3) as u8,
        rate_index: rate,
    };
    let channels = match (word >> 6 & 7) as u8 {
        7 => 8,
        number => number,
    };
    let rate = *AAC_RATES.get(usize::from(rate))?;
    (word >> 20 == 0xfff && len > header).then_some(Frame {
        bytes: len,
        header,
        kind,
        samples: 1024,
        rate,
        channels,
    })
}

/// Parses the header of MPEG audio (ISO/IEC 11172-3, 2.4.2.3 and 13818-3, 2.4.2.3; version 2.5 by convention).
fn parse_mpeg(word: u32, version: u8, layer: u8) -> Option<Frame> {
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
    // A bitrate of 0 means “free”; no encoder writes it, and noise looks like it.
    (bitrate > 0).then_some(Frame {
        bytes: bytes as usize,
        header: 4,
        kind: StreamKind { adts: false, version, layer, rate_index: rate_index as u8 },
        samples: match layer {
            3 => 384,
            1 if !first => 576,
            _ => 1152,
        },
        rate,
        channels: if word >> 6 & 3 == 3 { 1 } else { 2 },
    })
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
    fn a_stream_is_found_behind_other_bytes() {
        let bytes = [vec![0xff; 700], stream(6)].concat();
        assert_eq!(find_stream(&bytes, false), Some(MpegStream { at: 700, adts: false, counted: false }));
    }

    #[test]
    fn single_headers_are_no_stream() {
        assert_eq!(find_stream(&stream(1), true), None);
        assert_eq!(find_stream(&stream(3), false), None);
        assert!(find_stream(&stream(3), true).is_some());
        assert_eq!(find_stream(b"plain text", true), None);
        assert_eq!(find_stream(&[], true), None);
    }

    #[test]
    fn the_length_of_a_tag_is_read() {
        assert_eq!(id3_len(b"ID3\x04\x00\x00\x00\x00\x02\x01rest"), 10 + 257);
        assert_eq!(id3_len(b"ID3\x04\x00\x10\x00\x00\x00\x00"), 20);
        assert_eq!(id3_len(b"ID3\x04\x00\x00\xff\xff\xff\xff"), 0);
        assert_eq!(id3_len(b"ID3"), 0);
    }

    #[test]
    fn an_ape_tag_is_never_shorter_than_its_header() {
        let tag = |size: u32, flags: u32| {
            let numbers = [2000, size, 1, flags].map(u32::to_le_bytes).concat();
            tag_len(&[&b"APETAGEX"[..], &numbers, &[0; 8]].concat())
        };
        assert_eq!([tag(0, 0), tag(100, 0), tag(100, 1 << 31)], [Some(32), Some(100), Some(132)]);
    }
}
