//! Files that are empty, truncated, damaged, or no recordings.

use crate::fixtures::*;
use media::{MediaError, Shortfall, Tools, probe};
use std::path::{Path, PathBuf};

fn written(name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// The error for a file that probe and reader have to refuse in the same way, with and without `ffmpeg`.
fn refusal(path: &Path) -> MediaError {
    let refused = probe(path, &Tools::none()).unwrap_err();
    for tools in [Tools::none(), Tools::find()] {
        assert_eq!(probe(path, &tools).unwrap_err().to_string(), refused.to_string(), "{path:?}");
        assert_eq!(read(path, &tools).unwrap_err().to_string(), refused.to_string(), "{path:?}");
    }
    refused
}

#[test]
fn files_that_are_no_recordings_are_refused_with_a_reason() {
    let mut random = Random(3);
    let noise: Vec<u8> = (0..60_000).map(|_| random.next() as u8).collect();
    let header = wav(16_000, 1, &[]);
    for (name, bytes, sentence) in [
        ("empty.wav", b"".as_slice(), "the file is empty"),
        ("text.wav", b"Minutes of the meeting", "not an audio or video file"),
        ("page.mp3", b"<!DOCTYPE html><html>", "not an audio or video file"),
        ("zeros.m4a", &[0; 100_000], "not an audio or video file"),
        ("ones.mp3", &[0xff; 100_000], "not an audio or video file"),
        ("noise.mp3", &noise, "not an audio or video file"),
        ("list.m3u8", b"#EXTM3U\nfile:///etc/passwd\n", "not an audio or video file"),
        ("concat.wma", b"ffconcat version 1.0\nfile secret.wav\n", "not an audio or video file"),
        ("header.wav", &header[..40], "it contains no sound, only a header"),
        ("header-44.wav", &header, "it contains no sound, only a header"),
        ("tag.mp3", b"ID3\x04\0\0\0\0\0\0", "it contains no sound, only a header"),
        (
            "index.m4a",
            b"\0\0\0\x14ftypM4A \0\0\0\0M4A \0\0\0\x20mdat................",
            "the file is incomplete: its index is missing, as after an interrupted recording or download",
        ),
    ] {
        assert_eq!(refusal(&written(name, bytes)).to_string(), sentence, "{name}");
    }
}

#[test]
fn missing_files_folders_and_devices_are_refused() {
    assert!(
        matches!(refusal(&folder().join("nowhere.wav")), MediaError::Io(e) if e.kind() == std::io::ErrorKind::NotFound)
    );
    assert!(matches!(refusal(folder()), MediaError::NotMedia));
    #[cfg(unix)]
    {
        // Opening it would block for ever.
        let pipe = folder().join("pipe.wav");
        let _ = std::fs::remove_file(&pipe);
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(matches!(refusal(&pipe), MediaError::NotMedia));
        assert!(matches!(refusal(Path::new("/dev/zero")), MediaError::NotMedia));
    }
}

#[test]
fn a_film_without_sound_is_refused() {
    let video = ["-f", "lavfi", "-t", "1", "-i", "testsrc=size=64x48:rate=5"];
    for (name, codec) in [
        ("silent.mp4", "mpeg4"),
        ("silent.mkv", "mpeg4"),
        ("silent.webm", "libvpx"),
        ("silent.mov", "mjpeg"),
        ("silent.ogv", "libtheora"),
    ] {
        let path = encode_with(name, &video, &format!("-map 1:v -c:v {codec}"));
        assert!(matches!(refusal(&path), MediaError::NoAudioTrack), "{name}");
    }
    let path = encode_with("silent.avi", &video, "-map 1:v -c:v mpeg4");
    assert!(matches!(probe(&path, &Tools::find()), Err(MediaError::NoAudioTrack)));
}

#[test]
fn a_protected_file_is_refused() {
    let path = encode("shop.m4a", "-c:a aac");
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(4).rposition(|w| w == b"mp4a").unwrap();
    bytes[at..at + 4].copy_from_slice(b"drms");
    assert!(matches!(refusal(&written("shop.m4p", &bytes)), MediaError::Protected));
}

#[test]
fn a_recording_of_ten_milliseconds_is_read() {
    let path = written("short.wav", &wav(16_000, 1, &[0.1; 160]));
    assert_eq!(read(&path, &Tools::none()).unwrap(), (vec![0.099_975_586; 160], None));
}

#[test]
fn the_file_name_does_not_decide_the_format() {
    let path = written("wave.mp3", &wav(16_000, 1, &signal(RATE, SECONDS)));
    assert_eq!(probe(&path, &Tools::none()).unwrap().container, "WAV");
    assert_eq!(seconds(&read(&path, &Tools::none()).unwrap().0), SECONDS);
}

#[test]
fn a_wav_with_a_wrong_size_is_read_to_the_end_of_the_file() {
    let whole = wav(16_000, 1, &signal(RATE, SECONDS));
    let sized = |size: u32| {
        let mut bytes = whole.clone();
        bytes[40..44].copy_from_slice(&size.to_le_bytes());
        bytes
    };
    for (name, bytes, read_s, early) in [
        ("unfinished.wav", sized(0), SECONDS, false),
        ("streamed.wav", sized(u32::MAX), SECONDS, false),
        ("boasting.wav", sized(0x7fff_fff0), SECONDS, true),
        ("cut.wav", whole[..44 + 32_000].to_vec(), 1.0, true),
        ("odd.wav", whole[..44 + 32_001].to_vec(), 1.0, true),
    ] {
        let path = written(name, &bytes);
        let (samples, shortfall) = read(&path, &Tools::none()).unwrap();
        assert!((seconds(&samples) - read_s).abs() < 0.001, "{name}: {}", seconds(&samples));
        let expected = early.then_some(Shortfall::EndsEarly { read_ms: (read_s * 1000.0) as u32 });
        assert_eq!(shortfall, expected, "{name}");
    }
}

#[test]
fn a_truncated_file_is_read_to_its_end_and_reports_that() {
    for (name, arguments) in [
        ("cut.mp3", "-c:a libmp3lame"),
        ("cut.flac", "-c:a flac"),
        ("cut.ogg", "-c:a libvorbis"),
        ("cut.opus", "-c:a libopus"),
        ("cut.m4a", "-c:a aac -movflags +faststart"),
        ("cut.mka", "-c:a libopus"),
        ("cut.aiff", ""),
        ("cut.caf", "-c:a pcm_s16le"),
        ("cut.webm", "-c:a libopus"),
    ] {
        let path = encode(&format!("whole-{name}"), arguments);
        let bytes = std::fs::read(path).unwrap();
        let path = written(name, &bytes[..bytes.len() * 6 / 10]);
        let (samples, shortfall) = read(&path, &Tools::none()).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!((1.2..3.2).contains(&seconds(&samples)), "{name}: {}", seconds(&samples));
        let read_ms = (seconds(&samples) * 1000.0).round() as u32;
        assert_eq!(shortfall, Some(Shortfall::EndsEarly { read_ms }), "{name}");
        let (correlation, _) = alignment(&samples, &signal(RATE, SECONDS), RATE * 15 / 100);
        assert!(correlation > 0.95, "{name}: {correlation}");
    }
}

#[test]
fn sound_behind_a_hole_keeps_its_time() {
    for (name, arguments) in [
        ("hole.mp3", "-c:a libmp3lame -b:a 64k"),
        ("hole.aac", "-c:a aac -b:a 64k"),
        ("hole.m4a", "-c:a aac -movflags +faststart"),
        ("hole.flac", "-c:a flac"),
        ("hole.ogg", "-c:a libvorbis"),
        ("hole.opus", "-c:a libopus"),
    ] {
        let path = encode(&format!("whole-{name}"), arguments);
        let mut bytes = std::fs::read(path).unwrap();
        let n = bytes.len();
        bytes[n * 4 / 10..n / 2].fill(0);
        let (samples, shortfall) = read(&written(name, &bytes), &Tools::none()).unwrap();
        // Ogg loses whole pages, of a second each.
        let last = 3 * RATE;
        let (correlation, lag) = alignment(&signal(RATE, SECONDS)[last..], &samples[last..], RATE * 15 / 100);
        assert!(
            correlation > 0.9,
            "{name}: {correlation:.3} at {lag}, {} s, {shortfall:?}",
            seconds(&samples)
        );
        assert!(lag.abs() < RATE as isize * 7 / 100, "{name}: {lag}");
        assert!(matches!(shortfall, Some(Shortfall::Gaps { .. })), "{name}: {shortfall:?}");
    }
}

#[test]
fn searching_behind_a_hole_does_not_disturb_reading() {
    // Behind what is read ahead, and larger.
    let path = encode("whole-far-hole.mp3", "-c:a libmp3lame -b:a 320k -ar 48000");
    let mut bytes = std::fs::read(path).unwrap();
    let n = bytes.len();
    assert!(n > 150_000);
    bytes[n * 5 / 10..n * 6 / 10].fill(0);
    let (samples, _) = read(&written("far-hole.mp3", &bytes), &Tools::none()).unwrap();
    assert!((seconds(&samples) - SECONDS).abs() < 0.1, "{} s", seconds(&samples));
    let last = 3 * RATE;
    let (correlation, lag) = alignment(&signal(RATE, SECONDS)[last..], &samples[last..], RATE * 15 / 100);
    assert!(correlation > 0.95 && lag.abs() < RATE as isize / 20, "{correlation} at {lag}");
}

#[test]
fn the_broken_recordings_of_the_project_are_read_or_refused_as_expected() {
    let Some(folder) = testing::shared("audio/broken") else { return };
    let paths = files(&folder);
    assert_eq!(paths.len(), 12, "{paths:?}");
    for path in paths {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let result = read(&path, &Tools::none());
        match (name.as_str(), result) {
            ("empty.wav", Err(MediaError::Empty)) => {}
            ("text.wav" | "noise-bytes.mp3", Err(MediaError::NotMedia)) => {}
            ("header-only.wav", Err(MediaError::NoSamples)) => {}
            ("truncated-no-moov.m4a", Err(MediaError::Incomplete)) => {}
            ("video-without-audio.mp4", Err(MediaError::NoAudioTrack)) => {}
            ("10-milliseconds.wav", Ok((samples, None))) => assert_eq!(samples.len(), 160),
            ("silence-20s.wav", Ok((samples, None))) => assert_eq!(samples.len(), 320_000),
            ("wav-named.mp3", Ok((samples, None))) => assert_eq!(samples.len(), 176_000),
            ("lying-length.wav", Ok((samples, Some(Shortfall::EndsEarly { .. })))) => {
                assert!((seconds(&samples) - 6.25).abs() < 0.01);
            }
            ("truncated.mp3", Ok((samples, Some(Shortfall::EndsEarly { .. })))) => {
                assert!((0.25..0.4).contains(&seconds(&samples)), "{}", seconds(&samples));
            }
            ("hole-in-the-middle.mp3", Ok((samples, Some(Shortfall::Gaps { lost_ms })))) => {
                assert!((seconds(&samples) - 11.0).abs() < 0.1 && (900..1_100).contains(&lost_ms));
            }
            (_, result) => panic!("{name}: {:?}", result.map(|(s, shortfall)| (seconds(&s), shortfall))),
        }
        if matches!(
            name.as_str(),
            "text.wav" | "noise-bytes.mp3" | "truncated-no-moov.m4a" | "video-without-audio.mp4"
        ) {
            refusal(&path);
        }
    }
}
