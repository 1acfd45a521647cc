//! Every supported format, compared with the encoded signal and with the decoding of `ffmpeg`.

use crate::fixtures::*;
use media::{MediaError, Tools, probe};
use std::path::Path;

/// Decodes a file and compares it with the encoded signal; if the codec loses too much for that, with the decoding of
/// `ffmpeg`. Returns by how many milliseconds the sound is late.
fn check(path: &Path, tools: &Tools) -> f64 {
    let (samples, name, codec) = decode(path, SECONDS, tools);
    let (correlation, lag) = alignment(&signal(RATE, SECONDS), &samples, RATE * 15 / 100);
    if correlation < 0.99 {
        check_with_ffmpeg(path, &samples, &name, &codec);
    }
    lag as f64 * 1000.0 / RATE as f64
}

fn check_with_ffmpeg(path: &Path, samples: &[f32], name: &str, codec: &str) {
    let (correlation, lag) = alignment(samples, &reference(path, codec), RATE * 15 / 100);
    assert!(correlation > 0.99, "{name}: correlation {correlation:.4} at lag {lag}");
}

/// The samples, the file name and the codec of a file. Checks that it is complete and as long as expected.
fn decode(path: &Path, expected: f64, tools: &Tools) -> (Vec<f32>, String, String) {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let about = probe(path, tools).unwrap_or_else(|e| panic!("{name}: {e}"));
    let (samples, shortfall) = read(path, tools).unwrap_or_else(|e| panic!("{name}: {e}"));
    assert_eq!(shortfall, None, "{name}");
    // ADTS does not state the encoder's delay and padding: up to two frames, which are longest at 8 kHz.
    let slack = if name.ends_with("k.aac") { 0.26 } else { 0.1 };
    assert!((seconds(&samples) - expected).abs() < slack, "{name}: {} s", seconds(&samples));
    // Without a count of frames, the length is a guess from the first bitrate.
    if let Some(stated) = about.duration_ms.filter(|_| !name.starts_with("no-count")) {
        let stated = f64::from(stated) / 1000.0;
        assert!((stated - expected).abs() < slack + 0.05, "{name} states {stated} s");
    }
    (samples, name, about.codec)
}

/// Name, arguments of `ffmpeg`, codec as shown to users, largest lateness in milliseconds that the container causes.
const NATIVE: &[(&str, &str, &str, f64)] = &[
    ("u8.wav", "-c:a pcm_u8", "WAV", 1.0),
    ("s24.wav", "-c:a pcm_s24le", "WAV", 1.0),
    ("s32.wav", "-c:a pcm_s32le", "WAV", 1.0),
    ("f32.wav", "-c:a pcm_f32le", "WAV", 1.0),
    ("f64.wav", "-c:a pcm_f64le", "WAV", 1.0),
    ("96k.wav", "-ar 96000", "WAV", 1.0),
    ("11k.wav", "-ar 11025", "WAV", 1.0),
    ("surround.wav", "-ac 6", "WAV", 1.0),
    ("rf64.wav", "-rf64 always", "WAV", 1.0),
    ("piped.wav", "-f wav -seekable 0", "WAV", 1.0),
    ("alaw.wav", "-ar 8000 -c:a pcm_alaw", "A-law", 1.0),
    ("mulaw.wav", "-ar 8000 -c:a pcm_mulaw", "µ-law", 1.0),
    ("ms.wav", "-ar 22050 -c:a adpcm_ms", "ADPCM", 1.0),
    ("ima.wav", "-ar 22050 -c:a adpcm_ima_wav", "ADPCM", 1.0),
    ("s16.aiff", "-ar 44100", "AIFF", 1.0),
    ("f32.aiff", "-c:a pcm_f32be", "AIFF", 1.0),
    ("s16.caf", "-c:a pcm_s16le", "PCM", 1.0),
    ("alac.caf", "-c:a alac", "Apple Lossless", 1.0),
    ("mono.flac", "-ar 44100", "FLAC", 1.0),
    ("surround.flac", "-ac 6", "FLAC", 1.0),
    ("flac.oga", "-c:a flac", "FLAC", 1.0),
    ("vorbis.ogg", "-c:a libvorbis -ar 44100", "Vorbis", 1.0),
    ("voice.opus", "-c:a libopus -b:a 24k -application voip", "Opus", 1.0),
    ("stereo.opus", "-ac 2 -c:a libopus -frame_duration 60", "Opus", 1.0),
    ("short-frames.opus", "-c:a libopus -frame_duration 2.5", "Opus", 1.0),
    ("opus.mka", "-c:a libopus", "Opus", 1.0),
    ("opus.webm", "-c:a libopus -b:a 32k", "Opus", 1.0),
    ("vorbis.webm", "-c:a libvorbis", "Vorbis", 4.0),
    ("aac.mka", "-c:a aac", "AAC", 22.0),
    ("flac.mka", "-c:a flac", "FLAC", 1.0),
    ("mp3.mka", "-c:a libmp3lame", "MP3", 50.0),
    ("s16.mka", "-c:a pcm_s16le", "PCM", 1.0),
    ("aac.m4a", "-c:a aac", "AAC", 1.0),
    ("faststart.m4a", "-c:a aac -movflags +faststart", "AAC", 1.0),
    ("fragmented.mp4", "-c:a aac -movflags +frag_keyframe+empty_moov -frag_duration 1000000", "AAC", 22.0),
    ("delayed.mp4", "-c:a aac -movflags +delay_moov+frag_keyframe", "AAC", 22.0),
    ("alac.m4a", "-c:a alac", "Apple Lossless", 1.0),
    ("opus.mp4", "-c:a libopus -strict -2", "Opus", 1.0),
    ("flac.mp4", "-c:a flac -strict -2", "FLAC", 1.0),
    ("mp3.mp4", "-c:a libmp3lame", "MP3", 26.0),
    ("s16.mov", "-c:a pcm_s16le", "PCM", 1.0),
    ("aac.mov", "-c:a aac", "AAC", 1.0),
    ("cbr.mp3", "-c:a libmp3lame -b:a 64k", "MP3", 1.0),
    ("vbr.mp3", "-c:a libmp3lame -q:a 5 -ac 2", "MP3", 1.0),
    ("no-count.mp3", "-c:a libmp3lame -b:a 64k -write_xing 0", "MP3", 30.0),
    ("no-count-vbr.mp3", "-c:a libmp3lame -q:a 5 -write_xing 0", "MP3", 30.0),
    ("low.mp3", "-c:a libmp3lame -ar 8000 -b:a 16k", "MP3", 1.0),
    ("layer-2.mp2", "-c:a mp2 -b:a 64k", "MP2", 12.0),
    ("8k.aac", "-ar 8000 -c:a aac", "AAC", 130.0),
    ("16k.aac", "-ar 16000 -c:a aac", "AAC", 66.0),
    ("22k.aac", "-ar 22050 -c:a aac", "AAC", 48.0),
    ("44k.aac", "-ar 44100 -c:a aac -ac 2", "AAC", 25.0),
    ("96k.aac", "-ar 96000 -c:a aac", "AAC", 12.0),
    ("8k.m4a", "-ar 8000 -c:a aac", "AAC", 1.0),
    ("96k.m4a", "-ar 96000 -c:a aac", "AAC", 1.0),
];

#[test]
fn native_formats_sound_as_with_ffmpeg_and_are_on_time() {
    for (name, arguments, codec, most_late) in NATIVE {
        let path = encode(name, arguments);
        let late = check(&path, &Tools::none());
        assert!(late.abs() <= *most_late, "{name} is {late} ms late");
        assert_eq!(probe(&path, &Tools::none()).unwrap().codec, *codec, "{name}");
    }
}

/// Name, arguments of `ffmpeg`, format that the error names.
const FOREIGN: &[(&str, &str, &str)] = &[
    ("v2.wma", "-c:a wmav2", "WMA"),
    ("pcm.avi", "-c:a pcm_s16le", "AVI"),
    ("mp3.avi", "-c:a libmp3lame", "AVI"),
    ("mp3.flv", "-c:a libmp3lame -ar 44100", "Flash video"),
    ("aac.ts", "-c:a aac", "MPEG transport stream"),
    ("mp2.mpg", "-c:a mp2", "MPEG video"),
    ("dolby.ac3", "-c:a ac3", "AC-3"),
    ("plus.eac3", "-c:a eac3", "AC-3"),
    ("dts.dts", "-c:a dca -strict -2 -ac 2", "DTS"),
    ("pack.wv", "-c:a wavpack", "WavPack"),
    ("true.tta", "-c:a tta", "True Audio"),
    ("sun.au", "-c:a pcm_s16be", "AU"),
    ("creative.voc", "-c:a pcm_s16le", "Creative Voice"),
    ("wave.w64", "-c:a pcm_s16le", "Wave64"),
    ("speex.spx", "-ar 16000 -c:a libspeex", "Speex"),
    ("alaw.mov", "-ar 8000 -c:a pcm_alaw", "A-law"),
    ("ac3.mp4", "-c:a ac3", "AC-3"),
    ("ac3.mkv", "-c:a ac3", "AC-3"),
    ("gsm.wav", "-ar 8000 -c:a libgsm_ms", "GSM"),
    ("mp3.wav", "-c:a libmp3lame", "MP3 in WAV"),
    ("ima.aiff", "-ar 22050 -c:a adpcm_ima_qt", "This kind of AIFF"),
    ("surround.m4a", "-ac 6 -c:a aac", "AAC"),
    ("surround.opus", "-ac 6 -c:a libopus -mapping_family 1", "Opus"),
];

#[test]
fn other_formats_are_decoded_by_ffmpeg_or_say_that_they_need_it() {
    for (name, arguments, format) in FOREIGN {
        let path = encode(name, arguments);
        check(&path, &Tools::find());
        match probe(&path, &Tools::none()) {
            Err(MediaError::NeedsFfmpeg { format: named }) if named == *format => {}
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn the_error_says_that_ffmpeg_is_needed() {
    let path = encode("v2-sentence.wma", "-c:a wmav2");
    let sentence = probe(&path, &Tools::none()).unwrap_err().to_string();
    assert_eq!(sentence, "WMA needs ffmpeg, which is not installed");
}

#[test]
fn the_error_names_amr_in_a_phone_film() {
    // There is no free encoder, so this is an AAC film whose sample entry says AMR.
    let path = encode("phone.3gp", "-c:a aac");
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(4).rposition(|w| w == b"mp4a").unwrap();
    bytes[at..at + 4].copy_from_slice(b"samr");
    std::fs::write(&path, bytes).unwrap();
    let refused = probe(&path, &Tools::none());
    assert!(matches!(&refused, Err(MediaError::NeedsFfmpeg { format }) if format == "AMR"), "{refused:?}");
}

#[test]
fn file_names_are_not_taken_for_options_or_protocols() {
    let path = encode("v2-name.wma", "-c:a wmav2");
    let folder = tempfile::tempdir().unwrap();
    let mut names: Vec<std::ffi::OsString> =
        vec!["-i".into(), "concat:a|b.wma".into(), "%d [会议] ' \" \\ .WMA".into()];
    #[cfg(unix)]
    names.push(std::os::unix::ffi::OsStringExt::from_vec(b"\xff\xfe.wma".to_vec()));
    for name in &names {
        let copy = folder.path().join(name);
        std::fs::copy(&path, &copy).unwrap_or_else(|e| panic!("{name:?}: {e}"));
        let (samples, _) = read(&copy, &Tools::find()).unwrap_or_else(|e| panic!("{name:?}: {e}"));
        assert!((seconds(&samples) - SECONDS).abs() < 0.1);
    }
}

#[test]
fn the_sound_of_a_film_is_read() {
    for (name, codecs) in [
        ("film.mp4", "-c:v mpeg4 -c:a aac"),
        ("film.mov", "-c:v mjpeg -c:a pcm_s16be"),
        ("film.mkv", "-c:v mpeg4 -c:a libvorbis"),
        ("film.webm", "-c:v libvpx -deadline realtime -cpu-used 8 -c:a libopus"),
    ] {
        let video = ["-f", "lavfi", "-t", "4", "-i", "testsrc=size=64x48:rate=5"];
        let path = encode_with(name, &video, &format!("-map 1:v -map 0:a {codecs}"));
        check(&path, &Tools::none());
    }
}

#[test]
fn sound_that_starts_after_the_picture_keeps_its_time() {
    for (name, codecs) in [("late.mp4", "-c:v mpeg4 -c:a aac"), ("late.mkv", "-c:v mpeg4 -c:a flac")] {
        let inputs = ["-f", "lavfi", "-t", "6", "-i", "testsrc=size=64x48:rate=5", "-itsoffset", "1.5", "-i"];
        let wave = folder().join("signal.wav");
        let inputs: Vec<&str> = inputs.into_iter().chain([wave.to_str().unwrap()]).collect();
        let path = encode_with(name, &inputs, &format!("-map 1:v -map 2:a {codecs}"));
        let (samples, shortfall) = read(&path, &Tools::none()).unwrap();
        assert_eq!(shortfall, None);
        let (correlation, lag) = alignment(&signal(RATE, SECONDS), &samples, 2 * RATE);
        assert!(
            correlation > 0.95 && (lag - RATE as isize * 3 / 2).abs() < 32,
            "{name}: {correlation} {lag}"
        );
        assert!(samples[..RATE].iter().all(|s| s.abs() < 1e-3));
    }
}

#[test]
fn the_first_of_two_languages_is_read() {
    let inputs = ["-f", "lavfi", "-t", "4", "-i", "sine=frequency=300"];
    let languages = "-metadata:s:a:0 language=eng -metadata:s:a:1 language=deu";
    let arguments = format!("-map 0:a -map 1:a -c:a aac {languages}");
    for name in ["two.mp4", "two.mka"] {
        let path = encode_with(name, &inputs, &arguments);
        check(&path, &Tools::none());
    }
}

#[test]
fn files_with_covers_chapters_and_long_tags_are_read() {
    let cover = folder().join("cover.png");
    // Noise, so that the picture is large.
    let noise = "-f lavfi -i nullsrc=size=900x900,geq=random(1)*255:128:128 -map 1:v -frames:v 1";
    let (inputs, arguments) = noise.split_once(" -map").unwrap();
    let inputs: Vec<&str> = inputs.split_whitespace().collect();
    assert_eq!(encode_with("cover.png", &inputs, &format!("-map{arguments}")), cover);
    assert!(cover.metadata().unwrap().len() > 500_000);
    let chapters = folder().join("chapters.txt");
    std::fs::write(
        &chapters,
        ";FFMETADATA1\ntitle=Board, part 2\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=2000\ntitle=One\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=2000\nEND=4000\ntitle=Two\n",
    )
    .unwrap();
    let inputs = ["-i", cover.to_str().unwrap(), "-i", chapters.to_str().unwrap()];
    let map = "-map 0:a -map 1:v -map_metadata 2 -disposition:v attached_pic -c:v copy";
    for (name, codec) in [
        ("cover.mp3", "-c:a libmp3lame -q:a 6 -id3v2_version 3"),
        ("cover.m4a", "-c:a aac"),
        ("cover.flac", "-c:a flac"),
    ] {
        let path = encode_with(name, &inputs, &format!("{map} {codec}"));
        let size = path.metadata().unwrap().len();
        assert!(size > 500_000, "{name} has {size} bytes");
        check(&path, &Tools::none());
        assert_eq!(probe(&path, &Tools::none()).unwrap().title.as_deref(), Some("Board, part 2"), "{name}");
    }
}

#[test]
fn he_aac_is_decoded_in_full_by_ffmpeg_and_without_it_only_its_core() {
    // There is no free encoder, so this is a plain stream at 24 kHz whose configuration announces spectral band
    // replication to 48 kHz.
    let path = encode("sbr.m4a", "-ar 24000 -ac 2 -c:a aac -aac_pns 0 -aac_is 0 -aac_ms 0");
    let mut bytes = std::fs::read(&path).unwrap();
    let config = [0x13, 0x10, 0x56, 0xe5, 0x00];
    let at =
        bytes.windows(5).rposition(|w| w == config).expect("low complexity, 24 kHz, stereo, no extension");
    bytes[at..at + 5].copy_from_slice(&[0x2b, 0x11, 0x88, 0x00, 0x00]);
    std::fs::write(&path, bytes).unwrap();
    for (tools, codec) in [(Tools::none(), "HE-AAC"), (Tools::find(), "AAC")] {
        assert!(check(&path, &tools).abs() < 45.0);
        assert_eq!(probe(&path, &tools).unwrap().codec, codec);
    }
}

#[test]
fn streams_joined_end_to_end_are_read_to_the_end() {
    let join = |name: &str, parts: &[(&str, &str)]| {
        let parts: Vec<Vec<u8>> =
            parts.iter().map(|(name, arguments)| std::fs::read(encode(name, arguments)).unwrap()).collect();
        let path = folder().join(name);
        std::fs::write(&path, parts.concat()).unwrap();
        path
    };
    for path in [
        join("chain.opus", &[("chain-1.opus", "-c:a libopus"), ("chain-2.opus", "-ac 2 -c:a libopus")]),
        join(
            "chain.ogg",
            &[("chain-1.ogg", "-c:a libvorbis -ar 44100 -ac 2"), ("chain-2.ogg", "-c:a libvorbis -ar 22050")],
        ),
        join(
            "chain.mp3",
            &[("chain-1.mp3", "-c:a libmp3lame -ar 44100"), ("chain-2.mp3", "-c:a libmp3lame -ar 44100")],
        ),
        join(
            "rates.mp3",
            &[
                ("rates-1.mp3", "-c:a libmp3lame -ar 44100"),
                ("rates-2.mp3", "-c:a libmp3lame -ar 22050 -ac 2"),
            ],
        ),
        join("chain.aac", &[("chain-1.aac", "-c:a aac"), ("chain-2.aac", "-c:a aac")]),
    ] {
        let (samples, shortfall) = read(&path, &Tools::none()).unwrap();
        let name = path.file_name().unwrap().to_string_lossy();
        assert!((seconds(&samples) - 2.0 * SECONDS).abs() < 0.2, "{name}: {} s", seconds(&samples));
        assert_eq!(shortfall, None, "{name}");
        let signal = signal(RATE, SECONDS);
        let second = &samples[(SECONDS * RATE as f64) as usize..];
        for half in [&samples[..signal.len()], second] {
            let (correlation, _) = alignment(&signal, half, RATE * 15 / 100);
            assert!(correlation > 0.95, "{name}: {correlation}");
        }
    }
}

#[test]
fn the_recordings_of_the_project_are_decoded() {
    let Some(folder) = testing::shared("audio/formats") else { return };
    for path in files(&folder) {
        let foreign = path.extension().is_some_and(|e| e == "wma");
        let tools = if foreign { Tools::find() } else { Tools::none() };
        let (samples, name, codec) = decode(&path, 11.0, &tools);
        check_with_ffmpeg(&path, &samples, &name, &codec);
    }
}
