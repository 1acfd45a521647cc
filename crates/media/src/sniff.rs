//! Recognises the format of a file by its first bytes.

use crate::containers::mpeg_audio::{self, MpegStream};

/// The format of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FileKind {
    /// A container that is decoded here.
    Native(Container),
    /// A format that only `ffmpeg` decodes.
    FfmpegOnly(FfmpegFormat),
    /// No audio or video format that is known.
    Unknown,
}

/// Containers that are decoded here.
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
    /// Bare MP1–3 or ADTS frames.
    Mpeg(MpegStream),
}

impl Container {
    /// The usual name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Wave => "WAV",
            Self::Aiff => "AIFF",
            Self::Caf => "CAF",
            Self::Flac => "FLAC",
            Self::Ogg => "Ogg",
            Self::Matroska => "Matroska",
            Self::Mp4 => "MP4",
            Self::Mpeg(MpegStream { adts: true, .. }) => "AAC",
            Self::Mpeg(_) => "MP3",
        }
    }

    /// The name of its demuxer in `ffmpeg`, for codecs that are not decoded here.
    pub(crate) fn demuxer(self) -> &'static str {
        match self {
            Self::Wave => "wav",
            Self::Aiff => "aiff",
            Self::Caf => "caf",
            Self::Flac => "flac",
            Self::Ogg => "ogg",
            Self::Matroska => "matroska",
            Self::Mp4 => "mov",
            Self::Mpeg(MpegStream { adts: true, .. }) => "aac",
            Self::Mpeg(_) => "mp3",
        }
    }
}

/// A format for `ffmpeg`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FfmpegFormat {
    /// The usual name.
    pub(crate) name: &'static str,
    /// The name of its demuxer in `ffmpeg`. It is always forced, so a file that is called a film cannot make `ffmpeg`
    /// read a playlist.
    pub(crate) demuxer: &'static str,
}

/// Bytes of a file by which its format is recognised.
pub(crate) const HEAD_LEN: usize = 128 * 1024;

/// First bytes of a file, usual name of the format, demuxer of `ffmpeg`.
const FFMPEG_MAGICS: &[(&[u8], &str, &str)] = &[
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

/// First bytes of common files that are no media but may hold stretches that look like MPEG frames, such as archives.
const NOT_MEDIA_MAGICS: &[&[u8]] = &[
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

/// Recognises a format by `head`, the first [`HEAD_LEN`] bytes of a file, without ID3v2 tags. `whole` says that the
/// file ends with `head`.
pub(crate) fn sniff(head: &[u8], whole: bool) -> FileKind {
    let form = head.get(8..12).unwrap_or_default();
    let container = match head.get(..4).unwrap_or_default() {
        b"RIFF" | b"RF64" | b"BW64" if form == b"WAVE" => Container::Wave,
        b"RIFF" if form == b"AVI " => return ffmpeg_only("AVI", "avi"),
        b"FORM" if matches!(form, b"AIFF" | b"AIFC") => Container::Aiff,
        b"fLaC" => Container::Flac,
        b"OggS" => Container::Ogg,
        b"caff" => Container::Caf,
        b"\x1a\x45\xdf\xa3" => Container::Matroska,
        _ if head.get(4..8) == Some(b"ftyp") => Container::Mp4,
        // QuickTime files from before there was a file type box, which the demuxer here requires.
        _ if matches!(head.get(4..8), Some(b"moov" | b"mdat" | b"wide" | b"pnot")) => {
            return ffmpeg_only("QuickTime", "mov");
        }
        _ => return sniff_without_container(head, whole),
    };
    FileKind::Native(container)
}

fn sniff_without_container(head: &[u8], whole: bool) -> FileKind {
    // Some of the magic bytes are words that a text may begin with.
    if is_text(head) {
        return FileKind::Unknown;
    }
    if let Some((_, name, demuxer)) = FFMPEG_MAGICS.iter().find(|(magic, ..)| head.starts_with(magic)) {
        // The two magic bytes of AC-3 are too few, so a second frame is required. Those of DTS are left to `ffmpeg`.
        if *demuxer != "ac3" || is_ac3(head) {
            return ffmpeg_only(name, demuxer);
        }
    }
    if is_transport_stream(head) {
        return ffmpeg_only("MPEG transport stream", "mpegts");
    }
    if NOT_MEDIA_MAGICS.iter().any(|magic| head.starts_with(magic)) {
        return FileKind::Unknown;
    }
    mpeg_audio::find_stream(head, whole)
        .map_or(FileKind::Unknown, |stream| FileKind::Native(Container::Mpeg(stream)))
}

/// Whether this begins like a text and not like a media file.
fn is_text(head: &[u8]) -> bool {
    let start = &head[..head.len().min(256)];
    let text = match std::str::from_utf8(start) {
        Ok(text) => text,
        // The end cuts through a letter.
        Err(error) if start.len() - error.valid_up_to() < 4 => {
            std::str::from_utf8(&start[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    // SPHERE files, of speech corpora, have a header of text.
    !head.starts_with(b"NIST_1A\n") && text.chars().all(|c| !c.is_control() || c.is_ascii_whitespace())
}

fn ffmpeg_only(name: &'static str, demuxer: &'static str) -> FileKind {
    FileKind::FfmpegOnly(FfmpegFormat { name, demuxer })
}

/// Whether there are sync bytes at the distance of packets, with or without the four-byte timestamp of camcorders.
fn is_transport_stream(head: &[u8]) -> bool {
    [(0, 188), (4, 192)].iter().any(|(start, step)| {
        let mut syncs = head.iter().skip(*start).step_by(*step).take(5);
        head.len() > start + 4 * step && syncs.all(|byte| *byte == 0x47)
    })
}

/// Whether a second frame begins where the first one ends, for AC-3 and its successor E-AC-3 (ATSC A/52, table 5.18).
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
    fn files_are_recognised_by_their_first_bytes() {
        let native = |container| FileKind::Native(container);
        for (head, kind) in [
            (b"RIFF\0\0\0\0WAVEfmt ".as_slice(), native(Container::Wave)),
            (b"RF64\xff\xff\xff\xffWAVEds64", native(Container::Wave)),
            (b"RIFF\0\0\0\0AVI LIST", ffmpeg_only("AVI", "avi")),
            (b"RIFF\0\0\0\0WEBPVP8 ", FileKind::Unknown),
            (b"\0\0\0\x20ftypisom", native(Container::Mp4)),
            (b"\0\0\0\x20moov", ffmpeg_only("QuickTime", "mov")),
            (b"#!AMR-WB\n\x04\0", ffmpeg_only("AMR", "amr")),
            (b"OggS", native(Container::Ogg)),
            (b"\x0b\x77 just two bytes of it", FileKind::Unknown),
            (b"The meeting began at nine.", FileKind::Unknown),
            (b"MAC addresses of the rooms", FileKind::Unknown),
            (b"MAC \x96\x0f\0\0", ffmpeg_only("Monkey's Audio", "ape")),
            (b"NIST_1A\n   1024\n", ffmpeg_only("SPHERE", "nistsphere")),
            (b"", FileKind::Unknown),
        ] {
            assert_eq!(sniff(head, true), kind, "{head:?}");
        }
    }

    #[test]
    fn a_transport_stream_is_recognised_by_its_sync_bytes() {
        let mut packets = vec![0; 188 * 6];
        packets.iter_mut().step_by(188).for_each(|b| *b = 0x47);
        assert_eq!(sniff(&packets, false), ffmpeg_only("MPEG transport stream", "mpegts"));
        packets[188 * 2] = 0;
        assert_eq!(sniff(&packets, false), FileKind::Unknown);
    }

    #[test]
    fn noise_is_not_recognised() {
        let mut state = 1_u64;
        for _ in 0..20 {
            let noise: Vec<u8> = std::iter::repeat_with(|| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 56) as u8
            })
            .take(HEAD_LEN)
            .collect();
            assert_eq!(sniff(&noise, false), FileKind::Unknown);
        }
    }
}
