//! What a file is, by its first bytes.

use crate::containers::mpeg::{self, Stream};

/// What the head of a file looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One of the containers decoded here.
    Native(Container),
    /// Decoded by `ffmpeg` only.
    Foreign(Foreign),
    /// Nothing known.
    Other,
}

/// Containers decoded here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Container {
    /// RIFF, RF64 or BW64 with form WAVE.
    Wave,
    Aiff,
    Caf,
    Flac,
    Ogg,
    Matroska,
    /// MP4, M4A, MOV, 3GP.
    Mp4,
    /// Bare MP1–3 or ADTS frames from this position of the head on.
    Mpeg(Stream),
}

impl Container {
    /// As people call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Wave => "WAV",
            Self::Aiff => "AIFF",
            Self::Caf => "CAF",
            Self::Flac => "FLAC",
            Self::Ogg => "Ogg",
            Self::Matroska => "Matroska",
            Self::Mp4 => "MP4",
            Self::Mpeg(Stream { adts: true, .. }) => "AAC",
            Self::Mpeg(_) => "MP3",
        }
    }

    /// The demuxer of `ffmpeg` for it, for codecs not decoded here.
    pub(crate) fn demuxer(self) -> &'static str {
        match self {
            Self::Wave => "wav",
            Self::Aiff => "aiff",
            Self::Caf => "caf",
            Self::Flac => "flac",
            Self::Ogg => "ogg",
            Self::Matroska => "matroska",
            Self::Mp4 => "mov",
            Self::Mpeg(Stream { adts: true, .. }) => "aac",
            Self::Mpeg(_) => "mp3",
        }
    }
}

/// A format for `ffmpeg`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Foreign {
    /// As people call it.
    pub(crate) name: &'static str,
    /// The demuxer of `ffmpeg`, always forced: a file that is called a film cannot make it read a play list.
    pub(crate) demuxer: &'static str,
}

/// Bytes of the head that are looked at.
pub(crate) const HEAD: usize = 128 * 1024;

/// Magic at position 0, name, demuxer.
const FOREIGN: &[(&[u8], &str, &str)] = &[
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c", "WMA", "asf"),
    (b"#!AMR", "AMR", "amr"),
    (b".RMF", "RealMedia", "rm"),
    (b".ra\xfd", "RealAudio", "rm"),
    (b"MPCK", "Musepack", "mpc8"),
    (b"MP+", "Musepack", "mpc"),
    (b"FLV\x01", "Flash video", "flv"),
    (b"MAC ", "Monkey's Audio", "ape"),
    (b"wvpk", "WavPack", "wv"),
    (b"TTA1", "True Audio", "tta"),
    (b"riff\x2e\x91\xcf\x11", "Wave64", "w64"),
    (b".snd", "AU", "au"),
    (b"Creative Voice File\x1a", "Creative Voice", "voc"),
    (b"NIST_1A\n", "SPHERE", "nistsphere"),
    (b"\x02dss", "DSS dictation", "dss"),
    (b"\x03dss", "DSS dictation", "dss"),
    (b"DSD ", "DSD", "dsf"),
    (b"FRM8", "DSD", "iff"),
    (b"\x0b\x77", "AC-3", "ac3"),
    (b"\x7f\xfe\x80\x01", "DTS", "dts"),
    (b"\xfe\x7f\x01\x80", "DTS", "dts"),
    (b"\x00\x00\x01\xba", "MPEG video", "mpeg"),
    (b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01\x02", "MXF", "mxf"),
    (b"ajkg", "Shorten", "shn"),
];

/// Files people have that could hold stretches which look like MPEG frames, being archives of them or worse.
const NOT_MEDIA: &[&[u8]] = &[
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"%PDF",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"BM",
    b"II*\x00",
    b"MM\x00*",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ",
    b"7z\xbc\xaf",
    b"Rar!",
    b"\x7fELF",
    b"MZ",
    b"{\\rtf",
    b"\xd0\xcf\x11\xe0",
    b"SQLite format 3",
    b"MThd",
    b"<",
    b"{",
];

/// Says what `head`, the first [`HEAD`] bytes of a file, looks like. `whole` means that the file ends with it.
///
/// The head of a file that begins with an ID3v2 tag is what follows the tag.
pub(crate) fn sniff(head: &[u8], whole: bool) -> Kind {
    let form = head.get(8..12).unwrap_or_default();
    let container = match head.get(..4).unwrap_or_default() {
        b"RIFF" | b"RF64" | b"BW64" if form == b"WAVE" => Container::Wave,
        b"RIFF" if form == b"AVI " => return foreign("AVI", "avi"),
        b"FORM" if matches!(form, b"AIFF" | b"AIFC") => Container::Aiff,
        b"fLaC" => Container::Flac,
        b"OggS" => Container::Ogg,
        b"caff" => Container::Caf,
        b"\x1a\x45\xdf\xa3" => Container::Matroska,
        _ if head.get(4..8) == Some(b"ftyp") => Container::Mp4,
        // QuickTime from before there was a file type box; the demuxer here insists on one.
        _ if matches!(head.get(4..8), Some(b"moov" | b"mdat" | b"wide" | b"pnot")) => {
            return foreign("QuickTime", "mov");
        }
        _ => return frames(head, whole),
    };
    Kind::Native(container)
}

fn frames(head: &[u8], whole: bool) -> Kind {
    // Some magics are words that a text may begin with.
    if is_text(head) {
        return Kind::Other;
    }
    if let Some((_, name, demuxer)) = FOREIGN.iter().find(|(magic, ..)| head.starts_with(magic)) {
        // Two bytes are little: AC-3 has a second frame where the first ends, DTS is checked by `ffmpeg`.
        if *demuxer != "ac3" || is_ac3(head) {
            return foreign(name, demuxer);
        }
    }
    if is_transport_stream(head) {
        return foreign("MPEG transport stream", "mpegts");
    }
    if NOT_MEDIA.iter().any(|magic| head.starts_with(magic)) {
        return Kind::Other;
    }
    mpeg::find(head, whole).map_or(Kind::Other, |stream| Kind::Native(Container::Mpeg(stream)))
}

/// Whether this begins as text does and no sound.
fn is_text(head: &[u8]) -> bool {
    let start = &head[..head.len().min(256)];
    let text = match std::str::from_utf8(start) {
        Ok(text) => text,
        // Cut in the middle of a letter.
        Err(error) if start.len() - error.valid_up_to() < 4 => {
            std::str::from_utf8(&start[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    // SPHERE, of speech corpora, has a header of text.
    !head.starts_with(b"NIST_1A\n") && text.chars().all(|c| !c.is_control() || c.is_ascii_whitespace())
}

fn foreign(name: &'static str, demuxer: &'static str) -> Kind {
    Kind::Foreign(Foreign { name, demuxer })
}

/// Sync bytes at the distance of packets, with or without the four-byte time stamp of camcorders.
fn is_transport_stream(head: &[u8]) -> bool {
    [(0, 188), (4, 192)].iter().any(|(start, step)| {
        let mut syncs = head.iter().skip(*start).step_by(*step).take(5);
        head.len() > start + 4 * step && syncs.all(|byte| *byte == 0x47)
    })
}

/// ATSC A/52, table 5.18: the sync word again after one frame, for AC-3 and its successor E-AC-3.
fn is_ac3(head: &[u8]) -> bool {
    const KBIT: [usize; 19] =
        [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640];
    let Some([_, _, two, three, four, five]) = head.first_chunk::<6>() else { return false };
    let length = if five >> 3 > 10 {
        (usize::from(two & 7) << 8 | usize::from(*three)) * 2 + 2
    } else {
        let Some(kbit) = KBIT.get(usize::from(four & 0x3f) / 2) else { return false };
        match four >> 6 {
            0 => kbit * 4,
            1 => (kbit * 320 / 147 + usize::from(four & 1)) * 2,
            2 => kbit * 6,
            _ => return false,
        }
    };
    head.get(length..length + 2) == Some(b"\x0b\x77")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn magic_decides() {
        let native = |container| Kind::Native(container);
        for (head, kind) in [
            (b"RIFF\0\0\0\0WAVEfmt ".as_slice(), native(Container::Wave)),
            (b"RF64\xff\xff\xff\xffWAVEds64", native(Container::Wave)),
            (b"RIFF\0\0\0\0AVI LIST", foreign("AVI", "avi")),
            (b"RIFF\0\0\0\0WEBPVP8 ", Kind::Other),
            (b"\0\0\0\x20ftypisom", native(Container::Mp4)),
            (b"\0\0\0\x20moov", foreign("QuickTime", "mov")),
            (b"#!AMR-WB\n\x04\0", foreign("AMR", "amr")),
            (b"OggS", native(Container::Ogg)),
            (b"\x0b\x77 just two bytes of it", Kind::Other),
            (b"The meeting began at nine.", Kind::Other),
            (b"MAC addresses of the rooms", Kind::Other),
            (b"MAC \x96\x0f\0\0", foreign("Monkey's Audio", "ape")),
            (b"NIST_1A\n   1024\n", foreign("SPHERE", "nistsphere")),
            (b"", Kind::Other),
        ] {
            assert_eq!(sniff(head, true), kind, "{head:?}");
        }
    }

    #[test]
    fn a_transport_stream_is_known_by_its_rhythm() {
        let mut packets = vec![0; 188 * 6];
        packets.iter_mut().step_by(188).for_each(|b| *b = 0x47);
        assert_eq!(sniff(&packets, false), foreign("MPEG transport stream", "mpegts"));
        packets[188 * 2] = 0;
        assert_eq!(sniff(&packets, false), Kind::Other);
    }

    #[test]
    fn noise_is_nothing() {
        let mut state = 1_u64;
        for _ in 0..20 {
            let noise: Vec<u8> = std::iter::repeat_with(|| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 56) as u8
            })
            .take(HEAD)
            .collect();
            assert_eq!(sniff(&noise, false), Kind::Other);
        }
    }
}
