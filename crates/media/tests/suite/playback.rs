//! Playback that starts in the middle gives the same samples as playback from the start.

use crate::fixtures::*;
use media::{Playback, PlaybackStream, Reader, Tools};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Instant;

/// Long enough for several marks.
const LONG: f64 = 37.0;

fn long_signal() -> &'static Path {
    static FILE: OnceLock<PathBuf> = OnceLock::new();
    FILE.get_or_init(|| {
        let path = folder().join("long-signal.wav");
        place(&path, &wav(48_000, 1, &signal(48_000, LONG)));
        path
    })
}

fn encode_long(name: &str, inputs: &[&str], arguments: &str) -> PathBuf {
    encode_from(long_signal(), &format!("long-{name}"), inputs, arguments)
}

/// Up to `most` samples of a stream.
pub(crate) fn take(mut stream: PlaybackStream, most: usize) -> Vec<i16> {
    let mut samples = Vec::new();
    while samples.len() < most {
        let before = samples.len();
        if !stream.read(&mut samples).unwrap() {
            assert_eq!(samples.len(), before);
            break;
        }
        assert!(samples.len() > before && samples.len() - before <= 48_000);
    }
    samples.truncate(most);
    samples
}

pub(crate) fn float(samples: &[i16]) -> Vec<f32> {
    samples.iter().map(|s| f32::from(*s) / 32_768.0).collect()
}

/// All samples of a file, and its encoded seek index.
pub(crate) fn read_whole(path: &Path, tools: &Tools) -> (Vec<f32>, Vec<u8>) {
    let mut reader = Reader::open(path, tools).unwrap();
    let mut all = Vec::new();
    assert_eq!(reader.seek_index(), None);
    while let Some(samples) = reader.read().unwrap() {
        all.extend_from_slice(samples);
    }
    let index = reader.seek_index().unwrap();
    assert!((index.duration_ms() as f64 / 1000.0 - seconds(&all)).abs() < 0.002);
    (all, index.to_bytes())
}

/// Plays a recording from its start, compares its times with those of the reader, and returns its samples.
pub(crate) fn check_times(name: &str, sound: &Playback, read: &[f32]) -> Vec<i16> {
    let rate = f64::from(sound.sample_rate());
    let whole = take(sound.stream_from(0).unwrap(), usize::MAX);
    assert_eq!(whole.len() as u64, sound.frames(), "{name}");
    let length = whole.len() as f64 / rate;
    assert!((length - seconds(read)).abs() < 0.002, "{name}: {length} s instead of {}", seconds(read));
    // The signal's frequencies are low enough for linear interpolation.
    let at_16_khz: Vec<f32> = (0..read.len())
        .map(|i| {
            let at = i as f64 * rate / RATE as f64;
            let sample = |i: usize| f64::from(whole[i.min(whole.len() - 1)]) / 32_768.0;
            let part = at.fract();
            (sample(at as usize) * (1.0 - part) + sample(at as usize + 1) * part) as f32
        })
        .collect();
    for window in [0.1, 0.5, 0.9] {
        let from = (read.len() as f64 * window) as usize;
        let to = (from + 2 * RATE).min(read.len());
        if read[from..to].iter().all(|s| s.abs() < 1e-3) {
            continue;
        }
        let (correlation, lag) = alignment(&read[from..to], &at_16_khz[from..to], 100);
        assert!(correlation > 0.97 && lag.abs() <= 1, "{name}: {correlation} at {lag}");
    }
    whole
}

fn moments(seconds: f64) -> Vec<f64> {
    let mut random = Random(31);
    [0.0, 0.001, 9.99, 10.0, 20.3, 33.333, seconds - 0.2]
        .into_iter()
        .chain((0..3).map(|_| random.unit() * seconds))
        .filter(|at| *at < seconds)
        .collect()
}

/// Plays from many moments. Each has to give what playback from the start gives there, at most `tolerance_ms` late or
/// early. Returns the largest difference of a sample.
pub(crate) fn check_positions(name: &str, sound: &Playback, whole: &[i16], tolerance_ms: f64) -> i32 {
    let rate = sound.sample_rate() as usize;
    let most = (tolerance_ms * rate as f64 / 1000.0).ceil() as usize;
    let mut worst = 0;
    for moment in moments(whole.len() as f64 / rate as f64) {
        let from = (moment * rate as f64) as usize;
        let heard = take(sound.stream_from(from as u64).unwrap(), rate / 2);
        let due = usize::try_from(sound.frames()).unwrap().saturating_sub(from).min(rate / 2);
        assert_eq!(heard.len(), due, "{name} at {moment}");
        let heard = &heard[..heard.len().min(whole.len() - from)];
        let expected = &whole[from..from + heard.len()];
        let differences = heard.iter().zip(expected).map(|(a, b)| (i32::from(*a) - i32::from(*b)).abs());
        let difference = differences.max().unwrap_or(0);
        if difference > 600 && expected.len() > rate / 10 {
            let (correlation, lag) = alignment(&float(expected), &float(heard), rate / 10);
            // Opus needs seconds to forget a steady tone; it forgets voices at once, see below.
            assert!(
                correlation > 0.95 && lag.unsigned_abs() <= most,
                "{name} at {moment}: correlation {correlation:.4} at {lag}, difference {difference}"
            );
        }
        worst = worst.max(difference);
    }
    // At the end and behind it there is nothing.
    for from in [sound.frames(), sound.frames() + 1, u64::MAX] {
        assert!(take(sound.stream_from(from).unwrap(), 1).is_empty());
    }
    worst
}

/// Name, arguments of `ffmpeg`, largest difference of a sample from playback from the start. AAC synthesises noise at
/// random, and Opus goes on from a slightly different past.
const NATIVE: &[(&str, &str, i32)] = &[
    ("s16.wav", "", 0),
    ("96k.wav", "-ar 96000 -t 30", 1),
    ("11k.wav", "-ar 11025", 0),
    ("surround.wav", "-ac 6 -t 30", 0),
    ("rf64.wav", "-rf64 always", 0),
    ("piped.wav", "-f wav -seekable 0", 0),
    ("alaw.wav", "-ar 8000 -c:a pcm_alaw", 0),
    ("ima.wav", "-ar 22050 -c:a adpcm_ima_wav", 0),
    ("s16.aiff", "-ar 44100", 0),
    ("s16.caf", "-c:a pcm_s16le", 0),
    ("alac.caf", "-c:a alac", 0),
    ("mono.flac", "-ar 44100", 0),
    ("flac.oga", "-c:a flac", 0),
    ("vorbis.ogg", "-c:a libvorbis -ar 44100 -ac 2", 0),
    ("long-frames.opus", "-ac 2 -c:a libopus -frame_duration 60", 20000),
    ("opus.webm", "-c:a libopus", 20000),
    ("live.webm", "-c:a libopus -f webm -live 1 -seekable 0", 20000),
    ("vorbis.webm", "-c:a libvorbis", 0),
    ("aac.mka", "-c:a aac", 600),
    ("flac.mka", "-c:a flac", 0),
    ("piped.mka", "-c:a libmp3lame -f matroska -seekable 0", 0),
    ("aac.m4a", "-c:a aac", 600),
    ("fragmented.mp4", "-c:a aac -movflags +frag_keyframe+empty_moov -frag_duration 1000000", 600),
    ("alac.m4a", "-c:a alac", 0),
    ("opus.mp4", "-c:a libopus -strict -2", 20000),
    ("s16.mov", "-c:a pcm_s16le", 0),
    ("cbr.mp3", "-c:a libmp3lame -b:a 64k", 0),
    ("vbr.mp3", "-c:a libmp3lame -q:a 5 -ac 2", 0),
    ("no-count-vbr.mp3", "-c:a libmp3lame -q:a 5 -write_xing 0", 0),
    ("low.mp3", "-c:a libmp3lame -ar 8000 -b:a 16k", 0),
    ("layer-2.mp2", "-c:a mp2 -b:a 64k", 0),
    ("16k.aac", "-ar 16000 -c:a aac", 600),
    ("44k.aac", "-ar 44100 -c:a aac -ac 2", 600),
];

#[test]
fn every_format_plays_the_same_from_any_position() {
    for (name, arguments, most) in NATIVE {
        let path = encode_long(name, &[], arguments);
        let tools = Tools::none();
        let (read, index) = read_whole(&path, &tools);
        let sound = Playback::new(&path, &tools, Some(&index), None).unwrap();
        let whole = check_times(name, &sound, &read);
        let worst = check_positions(name, &sound, &whole, 1.0);
        assert!(worst <= *most, "{name}: {worst}");

        let unread = Playback::new(&path, &tools, None, None).unwrap();
        let difference = unread.frames().abs_diff(sound.frames()) as f64 / f64::from(sound.sample_rate());
        assert!(difference < 0.1, "{name}: {difference} s too many or few");
        check_positions(name, &unread, &whole, 50.0);
    }
}

#[test]
fn speech_plays_the_same_from_any_position() {
    let Some(folder) = testing::shared("audio/speech") else { return };
    let tools = Tools::none();
    for (name, arguments) in [
        ("voip.opus", "-c:a libopus -b:a 24k -application voip"),
        ("low.webm", "-c:a libopus -b:a 32k"),
        ("low.m4a", "-c:a aac -b:a 64k"),
        ("low.mp3", "-c:a libmp3lame -q:a 7"),
    ] {
        let spoken = folder.join("two-cities.wav");
        let path = encode_from(&spoken, &format!("speech-{name}"), &[], arguments);
        let (read, index) = read_whole(&path, &tools);
        let sound = Playback::new(&path, &tools, Some(&index), None).unwrap();
        let whole = check_times(name, &sound, &read);
        let worst = check_positions(name, &sound, &whole, 0.0);
        assert!(worst <= 50, "{name}: {worst}");
        let unread = Playback::new(&path, &tools, None, None).unwrap();
        check_positions(name, &unread, &whole, 50.0);
    }
}

#[test]
fn the_recordings_of_the_project_play_from_any_position() {
    let Some(folder) = testing::shared("audio/formats") else { return };
    for path in files(&folder) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let tools = if name.ends_with(".wma") { Tools::find() } else { Tools::none() };
        let (read, index) = read_whole(&path, &tools);
        for index in [Some(index.as_slice()), None] {
            let sound = Playback::new(&path, &tools, index, Some(11_000)).unwrap();
            let whole = take(sound.stream_from(0).unwrap(), usize::MAX);
            if index.is_some() {
                check_times(&name, &sound, &read);
            }
            check_positions(&name, &sound, &whole, 1.0);
        }
    }
}

/// Name, arguments of `ffmpeg`.
const FOREIGN: &[(&str, &str)] = &[
    ("v2.wma", "-c:a wmav2"),
    ("mp3.avi", "-c:a libmp3lame"),
    ("mp3.flv", "-c:a libmp3lame -ar 44100"),
    ("aac.ts", "-c:a aac"),
    ("mp2.mpg", "-c:a mp2"),
    ("dolby.ac3", "-c:a ac3"),
    ("dts.dts", "-c:a dca -strict -2 -ac 2"),
    ("pack.wv", "-c:a wavpack"),
    ("true.tta", "-c:a tta"),
    ("sun.au", "-c:a pcm_s16be"),
    ("creative.voc", "-c:a pcm_s16le"),
    ("wave.w64", "-c:a pcm_s16le"),
    ("speex.spx", "-ar 16000 -c:a libspeex"),
    ("alaw.mov", "-ar 8000 -c:a pcm_alaw"),
    ("ac3.mp4", "-c:a ac3"),
    ("ac3.mkv", "-c:a ac3"),
    ("gsm.wav", "-ar 8000 -c:a libgsm_ms"),
    ("surround.m4a", "-ac 6 -c:a aac -t 30"),
    ("surround.opus", "-ac 6 -c:a libopus -mapping_family 1 -t 30"),
];

#[test]
fn formats_for_ffmpeg_play_from_any_position() {
    for (name, arguments) in FOREIGN {
        let path = encode_long(name, &[], arguments);
        let tools = Tools::find();
        let (read, index) = read_whole(&path, &tools);
        let sound = Playback::new(&path, &tools, Some(&index), None).unwrap();
        let whole = check_times(name, &sound, &read);
        check_positions(name, &sound, &whole, 50.0);
        let unread = Playback::new(&path, &tools, None, None).unwrap();
        let difference = unread.frames().abs_diff(sound.frames()) as f64 / f64::from(sound.sample_rate());
        assert!(difference < 0.3, "{name}: {difference} s too many or few");
    }
}

fn written(name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder().join(format!("playback-{name}"));
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn times_behind_a_hole_are_those_of_the_reader() {
    for (name, arguments) in [
        ("hole.mp3", "-c:a libmp3lame -q:a 4"),
        ("hole.aac", "-c:a aac -b:a 64k"),
        ("hole.m4a", "-c:a aac -movflags +faststart"),
        ("hole.flac", "-c:a flac"),
        ("hole.ogg", "-c:a libvorbis"),
        ("hole.opus", "-c:a libopus"),
        ("hole.webm", "-c:a libopus"),
    ] {
        let path = encode_long(name, &[], arguments);
        let mut bytes = std::fs::read(path).unwrap();
        let n = bytes.len();
        // Several holes, larger than what is read ahead.
        bytes[n * 3 / 10..n * 4 / 10].fill(0);
        bytes.drain(n * 6 / 10..n * 6 / 10 + 777);
        bytes[n * 8 / 10..n * 8 / 10 + 300].fill(0x55);
        let path = written(name, &bytes);
        let tools = Tools::none();
        let (read, index) = read_whole(&path, &tools);
        let sound = Playback::new(&path, &tools, Some(&index), None).unwrap();
        let whole = check_times(name, &sound, &read);
        check_positions(name, &sound, &whole, 1.0);
        // Without marks, the length of damaged packets is not known, but there has to be sound.
        let unread = Playback::new(&path, &tools, None, Some(37_000)).unwrap();
        for from in [0, 300_000, 900_000] {
            assert!(!take(unread.stream_from(from).unwrap(), 100).is_empty(), "{name}");
        }
    }
}

#[test]
fn joined_files_play_from_all_their_parts() {
    for (name, parts) in [
        ("chain.opus", ["-c:a libopus", "-c:a libopus -ac 2"]),
        ("chain.ogg", ["-c:a libvorbis -ar 44100 -ac 2", "-c:a libvorbis -ar 22050"]),
        ("chain.mp3", ["-c:a libmp3lame -q:a 5 -ar 44100", "-c:a libmp3lame -q:a 2 -ar 44100"]),
        ("rates.mp3", ["-c:a libmp3lame -ar 44100", "-c:a libmp3lame -ar 22050 -ac 2"]),
        ("chain.aac", ["-c:a aac", "-c:a aac"]),
    ] {
        let parts: Vec<Vec<u8>> = (0..3)
            .map(|i| std::fs::read(encode_long(&format!("{i}-{name}"), &[], parts[i % 2])).unwrap())
            .collect();
        let path = written(name, &parts.concat());
        let tools = Tools::none();
        let (read, index) = read_whole(&path, &tools);
        let sound = Playback::new(&path, &tools, Some(&index), None).unwrap();
        let whole = check_times(name, &sound, &read);
        check_positions(name, &sound, &whole, 1.0);
        let unread = Playback::new(&path, &tools, None, Some(3 * 37_000)).unwrap();
        check_positions(name, &unread, &whole, 50.0);
    }
}

#[test]
fn sound_beside_a_picture_keeps_its_time() {
    for (name, codecs) in [
        ("film.mp4", "-c:v mpeg4 -c:a aac"),
        ("film.mkv", "-c:v mpeg4 -c:a flac"),
        ("film.webm", "-c:v libvpx -deadline realtime -cpu-used 8 -c:a libopus -f webm -live 1 -seekable 0"),
        ("fragmented-film.mp4", "-c:v mpeg4 -c:a aac -movflags +frag_keyframe+empty_moov"),
    ] {
        let wave = long_signal().to_str().unwrap();
        let inputs =
            ["-f", "lavfi", "-t", "39", "-i", "testsrc=size=64x48:rate=5", "-itsoffset", "1.5", "-i", wave];
        let path = encode_long(name, &inputs, &format!("-map 1:v -map 2:a {codecs}"));
        let tools = Tools::none();
        let (read, index) = read_whole(&path, &tools);
        let sound = Playback::new(&path, &tools, Some(&index), None).unwrap();
        let whole = check_times(name, &sound, &read);
        check_positions(name, &sound, &whole, 1.0);
        let unread = Playback::new(&path, &tools, None, None).unwrap();
        check_positions(name, &unread, &whole, 50.0);
    }
}

#[test]
fn an_index_that_is_damaged_or_of_another_file_is_ignored() {
    let path = encode_long("index.mp3", &[], "-c:a libmp3lame -q:a 5");
    let tools = Tools::none();
    let (_, index) = read_whole(&path, &tools);
    let sound = Playback::new(&path, &tools, Some(&index), None).unwrap();
    let whole = take(sound.stream_from(0).unwrap(), usize::MAX);
    let other = encode_long("index-other.mp3", &[], "-c:a libmp3lame -q:a 2");
    let mut damaged = index.clone();
    damaged[20] ^= 1;
    for index in [&damaged, &read_whole(&other, &tools).1, &Vec::new(), &vec![0xff; 1000]] {
        let sound = Playback::new(&path, &tools, Some(index), None).unwrap();
        check_positions("index.mp3", &sound, &whole, 50.0);
    }
    // The index of another file of the same length: its marks are not found, which only takes longer.
    let mut bytes = std::fs::read(&other).unwrap();
    bytes.resize(usize::try_from(path.metadata().unwrap().len()).unwrap(), 0);
    let foreign = written("foreign.mp3", &bytes);
    let (read, _) = read_whole(&foreign, &tools);
    let sound = Playback::new(&foreign, &tools, Some(&index), None).unwrap();
    let from = 30 * u64::from(sound.sample_rate());
    let heard = take(sound.stream_from(from).unwrap(), 48_000);
    assert_eq!(heard.len(), 48_000);
    assert!(seconds(&read) > 10.0);
}

#[test]
fn starting_in_a_long_file_takes_a_fraction_of_reading_it() {
    let part = encode_long("part.mp3", &[], "-c:a libmp3lame -q:a 6 -ar 16000");
    let path = folder().join("an-hour.mp3");
    make(ffmpeg().args(["-stream_loop", "97", "-i"]).arg(&part).args(["-c", "copy"]).arg(&path));
    let tools = Tools::none();
    let began = Instant::now();
    let (read, index) = read_whole(&path, &tools);
    let whole = began.elapsed();
    assert!(seconds(&read) > 3500.0);
    assert!(index.len() < 15_000, "{} bytes", index.len());
    let sound = Playback::new(&path, &tools, Some(&index), None).unwrap();
    for minute in [3, 29, 58] {
        let from = minute * 60 * RATE;
        // The best of a few, because other tests run at the same time.
        let starting = (0..4)
            .map(|_| {
                let began = Instant::now();
                let heard = take(sound.stream_from(from as u64).unwrap(), 4_000);
                let took = began.elapsed();
                let (correlation, lag) = alignment(&read[from..from + 4_000], &float(&heard), 160);
                assert!(correlation > 0.99 && lag == 0, "minute {minute}: {correlation} at {lag}");
                took
            })
            .min()
            .unwrap();
        assert!(starting * 50 < whole, "{starting:?} to start, {whole:?} to read");
    }
}
