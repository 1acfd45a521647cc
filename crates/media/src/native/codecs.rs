//! Chooses the track to decode and its decoder, and names codecs.

use super::DecodeOptions;
use super::catch_panic::catch_panic;
use crate::sniff::Container;
use std::sync::LazyLock;
use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::well_known::*;
use symphonia::core::codecs::audio::{
    AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions, CODEC_ID_NULL_AUDIO,
};
use symphonia::core::codecs::registry::CodecRegistry;
use symphonia::core::formats::Track;

/// All decoders: those of symphonia, and libopus.
static DECODERS: LazyLock<CodecRegistry> = LazyLock::new(|| {
    let mut registry = CodecRegistry::new();
    symphonia::default::register_enabled_codecs(&mut registry);
    registry.register_audio_decoder::<symphonia_adapter_libopus::OpusDecoder>();
    registry
});

/// The parameters of a decoder, from which a fresh one can be made.
#[derive(Debug, Clone)]
pub(crate) struct DecoderConfig {
    params: AudioCodecParameters,
    /// Only the core of an HE-AAC stream is decoded, without spectral band replication.
    aac_core: bool,
}

impl DecoderConfig {
    /// The parameters of the track, corrected for the decoder.
    pub(crate) fn params(&self) -> &AudioCodecParameters {
        &self.params
    }

    pub(crate) fn is_opus(&self) -> bool {
        self.params.codec == CODEC_ID_OPUS
    }

    /// Makes a fresh decoder; `None` if there is none for these parameters.
    pub(crate) fn decoder(&self) -> Option<Box<dyn AudioDecoder>> {
        catch_panic(|| DECODERS.make_audio_decoder(&self.params, &AudioDecoderOptions::default())).ok()
    }

    /// The usual name of the codec.
    pub(crate) fn name(&self, container: Container) -> String {
        match (name_of(self.params.codec), container) {
            // Users know these files as "WAV" or "AIFF", not as PCM.
            ("PCM", Container::Wave | Container::Aiff) => container.name().to_owned(),
            ("AAC", _) if self.aac_core => "HE-AAC".to_owned(),
            (name, _) => name.to_owned(),
        }
    }
}

/// The first track that can be decoded, the default track before all others, with its decoder.
pub(crate) fn choose_track(
    tracks: &[Track],
    default: Option<&Track>,
    options: DecodeOptions,
) -> Option<(Track, DecoderConfig, Box<dyn AudioDecoder>)> {
    let wanted = |track: &&Track| options.track.is_none_or(|id| track.id == id);
    default.into_iter().chain(tracks).filter(wanted).find_map(|track| {
        let params = audio_params(track)?;
        decoder_configs(params, options).into_iter().find_map(|config| {
            let decoder = config.decoder()?;
            Some((track.clone(), config, decoder))
        })
    })
}

/// The name of the codec of the first audio track. For files of which no track can be decoded.
pub(crate) fn undecodable_name(tracks: &[Track]) -> Option<String> {
    let known = tracks.iter().filter_map(audio_params).find(|params| params.codec != CODEC_ID_NULL_AUDIO)?;
    let many = if is_surround_vorbis(known) { " with more than two channels" } else { "" };
    Some(format!("{}{many}", name_of(known.codec)))
}

pub(crate) fn is_opus(track: &Track) -> bool {
    audio_params(track).is_some_and(|params| params.codec == CODEC_ID_OPUS)
}

/// Number of tracks that are known to be audio.
pub(crate) fn sound_tracks(tracks: &[Track]) -> usize {
    tracks.iter().filter(|track| audio_params(track).is_some()).count()
}

/// The audio tracks, if each of them can be decoded.
pub(crate) fn all_decodable(tracks: &[Track], options: DecodeOptions) -> Option<Vec<&Track>> {
    let sound = tracks.iter().filter_map(|track| Some((track, audio_params(track)?)));
    sound
        .map(|(track, params)| {
            decoder_configs(params, options).iter().any(|config| config.decoder().is_some()).then_some(track)
        })
        .collect()
}

/// Makes an uncompressed track big-endian that the demuxer took for little-endian.
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

fn audio_params(track: &Track) -> Option<&AudioCodecParameters> {
    match &track.codec_params {
        Some(CodecParameters::Audio(params)) => Some(params),
        _ => None,
    }
}

/// Whether it is Vorbis with more than two channels, of which the decoder garbles some layouts.
fn is_surround_vorbis(params: &AudioCodecParameters) -> bool {
    params.codec == CODEC_ID_VORBIS && params.channels.as_ref().is_some_and(|channels| channels.count() > 2)
}

/// The ways to decode a track, best first.
fn decoder_configs(params: &AudioCodecParameters, options: DecodeOptions) -> Vec<DecoderConfig> {
    let mut params = params.clone();
    match params.codec {
        CODEC_ID_OPUS => {
            // The adapter trims the encoder's delay from the first packet only, which may be shorter than the delay,
            // and reads the delay in the wrong byte order from MP4. So the delay is trimmed by timestamp instead. Opus
            // is always decoded at 48 kHz.
            params.extra_data = None;
            params.sample_rate = Some(48_000);
            vec![DecoderConfig { params, aac_core: false }]
        }
        CODEC_ID_AAC => {
            let core = params
                .extra_data
                .as_deref()
                .and_then(aac_core_config)
                .filter(|_| options.accept_aac_core)
                .map(|config| {
                    let mut core = params.clone();
                    core.extra_data = Some(config.into());
                    DecoderConfig { params: core, aac_core: true }
                });
            std::iter::once(DecoderConfig { params, aac_core: false }).chain(core).collect()
        }
        CODEC_ID_VORBIS if is_surround_vorbis(&params) => Vec::new(),
        _ => vec![DecoderConfig { params, aac_core: false }],
    }
}

/// The configuration of the low-complexity core of an HE-AAC stream. The core is a complete stream at half the rate;
/// ISO/IEC 14496-3, 1.6.2.1.
fn aac_core_config(config: &[u8]) -> Option<[u8; 2]> {
    let word = u16::from_be_bytes(*config.first_chunk()?);
    let (object, rate, channels) = (word >> 11, word >> 7 & 15, word >> 3 & 15);
    // Object type 2 is the core itself, with an extension that may follow; 5 adds SBR, 29 parametric stereo as well.
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

/// The name of the codec of an MP4 track, by the type of its sample entry.
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

/// The name of the codec of a WAV file, by the number in its format chunk (RFC 2361 and Microsoft's mmreg.h).
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

/// The name of an audio codec that the Matroska demuxer does not know, from the head of the file.
pub(crate) fn name_of_matroska(head: &[u8]) -> Option<String> {
    // CodecID (0x86), a size of one byte, then the name; names of audio codecs begin with A_.
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
        assert_eq!(aac_core_config(&[0x2b, 0x11, 0x88, 0x00]), Some([0x13, 0x10]));
        assert_eq!(aac_core_config(&[0x12, 0x10, 0x56, 0xe5]), Some([0x12, 0x10]));
        // Object 42, xHE-AAC, has no such core.
        assert_eq!(aac_core_config(&[0xf9, 0x48]), None);
        assert_eq!(aac_core_config(&[0x2b]), None);
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
