//! Which track is decoded by what.

use super::Wish;
use super::guard::guard;
use crate::sniff::Container;
use std::sync::LazyLock;
use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::well_known::*;
use symphonia::core::codecs::audio::{
    AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions, CODEC_ID_NULL_AUDIO,
};
use symphonia::core::codecs::registry::CodecRegistry;
use symphonia::core::formats::Track;

/// The decoders.
static DECODERS: LazyLock<CodecRegistry> = LazyLock::new(|| {
    let mut registry = CodecRegistry::new();
    symphonia::default::register_enabled_codecs(&mut registry);
    registry.register_audio_decoder::<symphonia_adapter_libopus::OpusDecoder>();
    registry
});

/// What a decoder was made from, so that it can be made again.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    params: AudioCodecParameters,
    /// Only the core of an AAC stream with spectral band replication is decoded.
    core_only: bool,
}

impl Choice {
    /// What the decoder was given.
    pub(crate) fn params(&self) -> &AudioCodecParameters {
        &self.params
    }

    /// Whether it is for Opus.
    pub(crate) fn is_opus(&self) -> bool {
        self.params.codec == CODEC_ID_OPUS
    }

    /// A fresh decoder.
    pub(crate) fn decoder(&self) -> Option<Box<dyn AudioDecoder>> {
        guard(|| DECODERS.make_audio_decoder(&self.params, &AudioDecoderOptions::default())).ok()
    }

    /// The codec as people call it.
    pub(crate) fn name(&self, container: Container) -> String {
        match (name_of(self.params.codec), container) {
            // Nobody has heard of PCM; the file is "a WAV".
            ("PCM", Container::Wave | Container::Aiff) => container.name().to_owned(),
            ("AAC", _) if self.core_only => "HE-AAC".to_owned(),
            (name, _) => name.to_owned(),
        }
    }
}

/// The first track that can be decoded, beginning with the default.
pub(crate) fn choose(
    tracks: &[Track],
    default: Option<&Track>,
    wish: Wish,
) -> Option<(Track, Choice, Box<dyn AudioDecoder>)> {
    let wanted = |track: &&Track| wish.track.is_none_or(|id| track.id == id);
    default.into_iter().chain(tracks).filter(wanted).find_map(|track| {
        let params = audio(track)?;
        attempts(params, wish).into_iter().find_map(|choice| {
            let decoder = choice.decoder()?;
            Some((track.clone(), choice, decoder))
        })
    })
}

/// The name of the first track of sound, none of which can be decoded here.
pub(crate) fn undecodable(tracks: &[Track]) -> Option<String> {
    let known = tracks.iter().filter_map(audio).find(|params| params.codec != CODEC_ID_NULL_AUDIO)?;
    let many = if is_surround(known) { " with more than two channels" } else { "" };
    Some(format!("{}{many}", name_of(known.codec)))
}

/// Whether a track holds Opus.
pub(crate) fn is_opus(track: &Track) -> bool {
    audio(track).is_some_and(|params| params.codec == CODEC_ID_OPUS)
}

/// How many of the tracks are known to be sound.
pub(crate) fn sound_tracks(tracks: &[Track]) -> usize {
    tracks.iter().filter(|track| audio(track).is_some()).count()
}

/// The tracks of sound, if each of them can be decoded.
pub(crate) fn all_decodable(tracks: &[Track], wish: Wish) -> Option<Vec<&Track>> {
    let sound = tracks.iter().filter_map(|track| Some((track, audio(track)?)));
    sound
        .map(|(track, params)| {
            attempts(params, wish).iter().any(|choice| choice.decoder().is_some()).then_some(track)
        })
        .collect()
}

/// Makes an uncompressed track big-endian that was taken for little-endian.
pub(crate) fn make_big_endian(track: &mut Track) {
    if let Some(CodecParameters::Audio(params)) = &mut track.codec_params {
        params.codec = match params.codec {
            CODEC_ID_PCM_S24LE => CODEC_ID_PCM_S24BE,
            CODEC_ID_PCM_S32LE => CODEC_ID_PCM_S32BE,
            CODEC_ID_PCM_F32LE => CODEC_ID_PCM_F32BE,
            CODEC_ID_PCM_F64LE => CODEC_ID_PCM_F64BE,
            codec => codec,
        };
    }
}

fn audio(track: &Track) -> Option<&AudioCodecParameters> {
    match &track.codec_params {
        Some(CodecParameters::Audio(params)) => Some(params),
        _ => None,
    }
}

/// Whether it is Vorbis with more than two channels: the decoder makes noise of some layouts.
fn is_surround(params: &AudioCodecParameters) -> bool {
    params.codec == CODEC_ID_VORBIS && params.channels.as_ref().is_some_and(|channels| channels.count() > 2)
}

/// Ways to decode a track, best first.
fn attempts(params: &AudioCodecParameters, wish: Wish) -> Vec<Choice> {
    let mut params = params.clone();
    match params.codec {
        CODEC_ID_OPUS => {
            // The adapter cuts the encoder's delay out of the first packet only, which may be shorter, and reads it in
            // the wrong byte order from MP4: it is cut by timestamp instead. Opus is always decoded at 48 kHz.
            params.extra_data = None;
            params.sample_rate = Some(48_000);
            vec![Choice { params, core_only: false }]
        }
        CODEC_ID_AAC => {
            let core =
                params.extra_data.as_deref().and_then(core_of).filter(|_| wish.core_only).map(|config| {
                    let mut core = params.clone();
                    core.extra_data = Some(config.into());
                    Choice { params: core, core_only: true }
                });
            std::iter::once(Choice { params, core_only: false }).chain(core).collect()
        }
        CODEC_ID_VORBIS if is_surround(&params) => Vec::new(),
        _ => vec![Choice { params, core_only: false }],
    }
}

/// The configuration of the low-complexity core of an AAC stream with spectral band replication (HE-AAC), which is a
/// complete stream of its own at half the rate; ISO/IEC 14496-3, 1.6.2.1.
fn core_of(config: &[u8]) -> Option<[u8; 2]> {
    let word = u16::from_be_bytes(*config.first_chunk()?);
    let (object, rate, channels) = (word >> 11, word >> 7 & 15, word >> 3 & 15);
    // 2 is the core itself with the extension announced behind it, 5 with SBR, 29 with parametric stereo as well.
    (matches!(object, 2 | 5 | 29) && rate < 13).then(|| (2 << 11 | rate << 7 | channels << 3).to_be_bytes())
}

fn name_of(codec: AudioCodecId) -> &'static str {
    match codec {
        CODEC_ID_MP3 => "MP3",
        CODEC_ID_MP2 => "MP2",
        CODEC_ID_MP1 => "MP1",
        CODEC_ID_AAC => "AAC",
        CODEC_ID_ALAC => "Apple Lossless",
        CODEC_ID_FLAC => "FLAC",
        CODEC_ID_VORBIS => "Vorbis",
        CODEC_ID_OPUS => "Opus",
        CODEC_ID_SPEEX => "Speex",
        CODEC_ID_MUSEPACK => "Musepack",
        CODEC_ID_AC3 => "AC-3",
        CODEC_ID_EAC3 => "E-AC-3",
        CODEC_ID_AC4 => "AC-4",
        CODEC_ID_DCA => "DTS",
        CODEC_ID_TRUEHD => "TrueHD",
        CODEC_ID_WMA => "WMA",
        CODEC_ID_WAVPACK => "WavPack",
        CODEC_ID_MONKEYS_AUDIO => "Monkey's Audio",
        CODEC_ID_TTA => "True Audio",
        CODEC_ID_ATRAC1 | CODEC_ID_ATRAC3 | CODEC_ID_ATRAC3PLUS | CODEC_ID_ATRAC9 => "ATRAC",
        CODEC_ID_RA10 | CODEC_ID_RA20 | CODEC_ID_SIPR | CODEC_ID_COOK | CODEC_ID_RALF => "RealAudio",
        CODEC_ID_PCM_ALAW => "A-law",
        CODEC_ID_PCM_MULAW => "µ-law",
        CODEC_ID_ADPCM_G722 => "G.722",
        CODEC_ID_ADPCM_G726 | CODEC_ID_ADPCM_G726LE => "G.726",
        CODEC_ID_ADPCM_MS | CODEC_ID_ADPCM_IMA_WAV | CODEC_ID_ADPCM_IMA_QT => "ADPCM",
        CODEC_ID_NULL_AUDIO => "This kind of audio",
        // The well-known uncompressed formats have the lowest numbers.
        codec if codec >= CODEC_ID_PCM_S32LE && codec < CODEC_ID_PCM_ALAW => "PCM",
        _ => "This kind of audio",
    }
}

/// The codec of an MP4 track, by the type of its sample entry.
pub(crate) fn name_of_fourcc(fourcc: [u8; 4]) -> String {
    let name = match &fourcc {
        b"samr" => "AMR",
        b"sawb" | b"sawp" => "AMR-WB",
        b"ac-3" => "AC-3",
        b"ec-3" => "E-AC-3",
        b"ac-4" => "AC-4",
        b"dtsc" | b"dtsh" | b"dtsl" | b"dtse" => "DTS",
        b"mp4a" => "AAC",
        b"alaw" => "A-law",
        b"ulaw" => "µ-law",
        b"QDM2" | b"QDMC" => "QDesign",
        b"ima4" | b"ms\0\x02" | b"ms\0\x11" => "ADPCM",
        b"agsm" => "GSM",
        b"sqcp" => "QCELP",
        b"sevc" => "EVRC",
        b"mhm1" | b"mha1" => "MPEG-H",
        _ if fourcc.iter().all(u8::is_ascii_graphic) => {
            return format!("The codec “{}”", String::from_utf8_lossy(&fourcc));
        }
        _ => "This kind of audio",
    };
    name.to_owned()
}

/// The codec of a WAV file, by the number in its format chunk (RFC 2361 and Microsoft's mmreg.h).
pub(crate) fn name_of_wave(format: u16) -> String {
    let name = match format {
        0x22 => "TrueSpeech",
        0x31 => "GSM",
        0x40 | 0x45 | 0x64 => "G.726",
        0x42 | 0x111 => "G.723",
        0x50 => "MP2",
        0x55 => "MP3 in WAV",
        0x65 => "G.722",
        0x83 => "G.729",
        0x92 | 0x2000 => "AC-3",
        0x2001 => "DTS",
        0xff | 0x1600 => "AAC in WAV",
        0x160..=0x163 => "WMA",
        0x270 => "ATRAC",
        _ => "This kind of WAV",
    };
    name.to_owned()
}

/// The codec of a sound track that the Matroska demuxer has no number for, from the head of the file.
pub(crate) fn name_of_matroska(head: &[u8]) -> Option<String> {
    // CodecID (0x86), a size of one byte, then the name; those of sound begin with A_.
    let at = head.windows(4).position(|w| w[0] == 0x86 && w[1] & 0x80 != 0 && &w[2..] == b"A_")?;
    let size = usize::from(head[at + 1] & 0x7f);
    let name = head.get(at + 2..at + 2 + size)?.strip_prefix(b"A_")?;
    name.iter().all(u8::is_ascii_graphic).then(|| format!("The codec “{}”", String::from_utf8_lossy(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_core_of_he_aac_is_low_complexity_at_half_the_rate() {
        // Object 5, 24 kHz extended to 48 kHz, stereo.
        assert_eq!(core_of(&[0x2b, 0x11, 0x88, 0x00]), Some([0x13, 0x10]));
        assert_eq!(core_of(&[0x12, 0x10, 0x56, 0xe5]), Some([0x12, 0x10]));
        // Object 42, xHE-AAC, has no such core.
        assert_eq!(core_of(&[0xf9, 0x48]), None);
        assert_eq!(core_of(&[0x2b]), None);
    }

    #[test]
    fn codecs_without_a_decoder_have_names() {
        assert_eq!(name_of_fourcc(*b"samr"), "AMR");
        assert_eq!(name_of_fourcc(*b"abcd"), "The codec “abcd”");
        assert_eq!(name_of_matroska(b"...\x86\x88A_MS/ACM..").as_deref(), Some("The codec “MS/ACM”"));
        assert_eq!(name_of_matroska(b"...\x86\x85V_VP8.."), None);
        assert_eq!(name_of_matroska(b"...\x86\x81A_MS"), None);
        assert_eq!(name_of(CODEC_ID_PCM_S16LE), "PCM");
        assert_eq!(name_of(CODEC_ID_PCM_F64BE), "PCM");
    }
}
