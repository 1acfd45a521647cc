//! Several audio tracks in one file: mixed, one by one, and played from anywhere.

use crate::fixtures::*;
use crate::playback::{check_positions, check_times, float, read_whole, take};
use crate::stream_selection::{level, read_selection, tone};
use media::{MediaError, Playback, Reader, Shortfall, StreamSelection, Tools, probe, separate_streams};
use std::path::{Path, PathBuf};

/// A tone that stands for a person.
#[derive(Debug, Clone, Copy)]
struct Voice {
    hz: f64,
    /// When it begins, and how long it lasts, in seconds.
    from: f64,
    seconds: f64,
}

const TWO: [Voice; 2] =
    [Voice { hz: 500.0, from: 0.0, seconds: 5.0 }, Voice { hz: 1700.0, from: 0.0, seconds: 3.0 }];
const THREE: [Voice; 3] = [
    Voice { hz: 500.0, from: 0.0, seconds: 4.0 },
    Voice { hz: 1700.0, from: 1.5, seconds: 5.0 },
    Voice { hz: 2900.0, from: 0.25, seconds: 2.0 },
];

/// Makes a file with a track for each voice. `arguments` follow the maps.
fn film(name: &str, rate: usize, voices: &[Voice], arguments: &str) -> PathBuf {
    let mut command = ffmpeg();
    for (i, voice) in voices.iter().enumerate() {
        let file = folder().join(format!("{name}-{i}.wav"));
        place(&file, &wav(rate as u32, 1, &tone(rate, voice.hz, voice.seconds)));
        command.args(["-itsoffset", &voice.from.to_string(), "-i"]).arg(file);
    }
    for i in 0..voices.len() {
        command.args(["-map", &format!("{i}:a")]);
    }
    let path = folder().join(name);
    make(command.args(arguments.split_whitespace()).arg(&path));
    path
}

/// Checks that each voice is there at its time, at its level, and at no other time.
fn check_voices(name: &str, samples: &[f32], voices: &[Voice], late: f64) {
    // Windows within `late` seconds of the beginning or end of a voice are not checked.
    for window in 0..(samples.len() / (RATE / 5)) {
        let (from, to) = (window as f64 * 0.2, window as f64 * 0.2 + 0.2);
        let part = &samples[window * RATE / 5..][..RATE / 5];
        for voice in voices {
            let (begins, ends) = (voice.from, voice.from + voice.seconds);
            let heard = level(part, voice.hz);
            if from > begins + late && to < ends - late {
                assert!((heard - 0.25).abs() < 0.02, "{name}: {} Hz at {from:.1} s: {heard:.3}", voice.hz);
            } else if to < begins - late || from > ends + late {
                assert!(heard < 0.01, "{name}: {} Hz at {from:.1} s: {heard:.3}", voice.hz);
            }
        }
    }
    let due = voices.iter().map(|voice| voice.from + voice.seconds).fold(0.0, f64::max);
    assert!((seconds(samples) - due).abs() < 0.1 + late, "{name}: {} s instead of {due}", seconds(samples));
}

const CONTAINERS: [(&str, &str); 8] = [
    ("flac.mkv", "-c:a flac"),
    ("opus.mkv", "-c:a libopus -b:a 96k"),
    ("aac.mkv", "-c:a aac -b:a 96k"),
    ("live.webm", "-c:a libopus -b:a 96k -f webm -live 1 -seekable 0"),
    ("aac.mp4", "-c:a aac -b:a 96k"),
    ("faststart.mp4", "-c:a aac -b:a 96k -movflags +faststart"),
    ("fragmented.mp4", "-c:a aac -b:a 96k -movflags +frag_keyframe+empty_moov -frag_duration 500000"),
    ("s16.mov", "-c:a pcm_s16le"),
];

#[test]
fn all_tracks_are_mixed_at_their_times_and_read_one_by_one() {
    let tools = Tools::none();
    for (container, arguments) in CONTAINERS {
        for voices in [TWO.as_slice(), &THREE] {
            let name = format!("{}-{container}", voices.len());
            let path = film(&name, 48_000, voices, arguments);
            let (mix, shortfall) = read(&path, &tools).unwrap_or_else(|e| panic!("{name}: {e}"));
            // A live stream states no end.
            assert!(shortfall.is_none() || name.contains("live"), "{name}: {shortfall:?}");
            check_voices(&name, &mix, voices, 0.05);
            let known = separate_streams(&path, &tools).unwrap();
            let expected: Vec<StreamSelection> =
                (0..voices.len() as u16).map(StreamSelection::Track).collect();
            assert_eq!(known, expected, "{name}");
            for (selection, voice) in known.into_iter().zip(voices) {
                let alone = read_selection(&path, selection, &tools);
                let absent: Vec<Voice> = voices.iter().copied().filter(|v| v.hz != voice.hz).collect();
                check_voices(&name, &alone, &[*voice], 0.05);
                assert!(absent.iter().all(|v| level(&alone, v.hz) < 0.01), "{name}");
            }
            let other = StreamSelection::Track(voices.len() as u16);
            assert!(matches!(Reader::open_selection(&path, &tools, other), Err(MediaError::NoAudioTrack)));
            // The track that players take.
            let first = read_selection(&path, StreamSelection::Channel(0), &tools);
            check_voices(&name, &first, &voices[..1], 0.05);
            let about = probe(&path, &tools).unwrap();
            assert_eq!(usize::from(about.channels), voices.len(), "{name}");
            if !name.contains("live") && !name.contains("frag") {
                let stated = f64::from(about.duration_ms.unwrap()) / 1000.0;
                assert!((stated - seconds(&mix)).abs() < 0.15, "{name} states {stated} s");
            }
        }
    }
}

#[test]
fn tracks_beside_a_picture_are_mixed() {
    let sound = film("pictured-sound.mkv", 48_000, &THREE, "-c:a flac");
    for (name, codecs) in [
        ("pictured.mp4", "-c:v mpeg4 -c:a aac"),
        ("pictured.mkv", "-c:v mpeg4 -c:a libopus"),
        ("pictured-fragmented.mp4", "-c:v mpeg4 -c:a aac -movflags +frag_keyframe+empty_moov"),
    ] {
        let inputs = ["-f", "lavfi", "-t", "7", "-i", "testsrc=size=64x48:rate=5"];
        let path = encode_from(&sound, name, &inputs, &format!("-map 1:v -map 0:a {codecs}"));
        let (mix, shortfall) = read(&path, &Tools::none()).unwrap();
        assert_eq!(shortfall, None, "{name}");
        check_voices(name, &mix, &THREE, 0.08);
    }
}

#[test]
fn alternative_tracks_are_not_mixed() {
    let tools = Tools::none();
    let codecs = [("mkv", "-c:a flac"), ("mp4", "-c:a aac -b:a 96k")];
    let cases: [(&str, &str, usize); 6] = [
        ("languages", "-metadata:s:a:0 language=eng -metadata:s:a:1 language=deu", 1),
        ("one-language", "-metadata:s:a:0 language=deu -metadata:s:a:1 language=deu", 2),
        ("half-tagged", "-metadata:s:a:1 language=deu", 2),
        ("commented", "-disposition:a:1 comment", 1),
        ("described", "-disposition:a:1 visual_impaired", 1),
        ("flagged", "-disposition:a:0 default -disposition:a:1 0", 2),
    ];
    for (ending, codec) in codecs {
        for (name, marks, heard) in cases {
            let name = format!("{name}.{ending}");
            let path = film(&name, 48_000, &TWO, &format!("{codec} {marks}"));
            let (samples, _) = read(&path, &tools).unwrap();
            check_voices(&name, &samples, &TWO[..heard], 0.05);
            assert_eq!(level(&samples[RATE..2 * RATE], TWO[1].hz) > 0.1, heard == 2, "{name}");
            assert_eq!(
                separate_streams(&path, &tools).unwrap().len(),
                if heard == 2 { 2 } else { 0 },
                "{name}"
            );
        }
    }
}

#[test]
fn with_one_undecodable_track_only_the_default_track_is_read() {
    for name in ["half.mkv", "half.mp4"] {
        let path = film(name, 48_000, &TWO, "-c:a:0 aac -c:a:1 ac3");
        for tools in [Tools::none(), Tools::find()] {
            let (samples, _) = read(&path, &tools).unwrap();
            check_voices(name, &samples, &TWO[..1], 0.05);
            assert!(level(&samples, TWO[1].hz) < 0.01, "{name}");
            assert_eq!(separate_streams(&path, &tools).unwrap(), [], "{name}");
        }
    }
    // More than are read together.
    let many: Vec<Voice> = (0..17).map(|_| TWO[0]).collect();
    let path = film("seventeen.mkv", 48_000, &many, "-c:a flac");
    assert_eq!(separate_streams(&path, &Tools::none()).unwrap(), []);
}

#[test]
fn the_same_sound_on_all_tracks_is_as_loud_as_on_one() {
    for (name, codec) in [("copies.mkv", "-c:a flac"), ("copies.mp4", "-c:a aac -b:a 96k")] {
        let path = film(name, 48_000, &[TWO[0]; 6], codec);
        let mix = read_selection(&path, StreamSelection::All, &Tools::none());
        assert_eq!(mix, read_selection(&path, StreamSelection::Track(0), &Tools::none()), "{name}");
    }
}

#[test]
fn a_track_that_starts_late_keeps_its_time() {
    let voices = [
        Voice { hz: 500.0, from: 0.0, seconds: 1500.0 },
        Voice { hz: 1700.0, from: 1000.0, seconds: 5.0 },
        Voice { hz: 2900.0, from: 1400.0, seconds: 200.0 },
    ];
    for (name, codec) in [
        ("late.mkv", "-c:a flac"),
        ("late-opus.mkv", "-c:a libopus -b:a 64k"),
        ("late-aac.mp4", "-c:a aac"),
        ("late-fragmented.mp4", "-c:a aac -movflags +frag_keyframe+empty_moov -frag_duration 2000000"),
    ] {
        let path = film(&format!("comes-{name}"), 8_000, &voices, codec);
        let (mix, shortfall) = read(&path, &Tools::none()).unwrap();
        assert_eq!(shortfall, None, "{name}");
        check_voices(name, &mix, &voices, 0.15);
        check_voices(
            name,
            &read_selection(&path, StreamSelection::Track(1), &Tools::none()),
            &voices[1..2],
            0.15,
        );
        let (read, index) = read_whole(&path, &Tools::none());
        let sound = Playback::new(&path, &Tools::none(), Some(&index), None).unwrap();
        let unread = Playback::new(&path, &Tools::none(), None, None).unwrap();
        assert!(unread.frames().abs_diff(sound.frames()) < 8_000 / 5, "{name}");
        for sound in [sound, unread] {
            assert_eq!(sound.sample_rate() % 8_000, 0);
            for from in [0, 998, 1003, 1200, 1399, 1450, 1590] {
                let rate = u64::from(sound.sample_rate());
                let heard = float(&take(sound.stream_from(from * rate).unwrap(), 4 * rate as usize));
                // The nearest sample is enough for low tones.
                let step = rate as f64 / RATE as f64;
                let at = |i: usize| heard.get((i as f64 * step) as usize).copied().unwrap_or(0.0);
                let heard: Vec<f32> = (0..4 * RATE).map(at).collect();
                for voice in voices {
                    let due =
                        &read[from as usize * RATE..][..(4 * RATE).min(read.len() - from as usize * RATE)];
                    let (due, heard) = (level(due, voice.hz), level(&heard[..due.len()], voice.hz));
                    assert!((due - heard).abs() < 0.05, "{name} at {from}: {} Hz {due} {heard}", voice.hz);
                }
            }
        }
    }
}

#[test]
fn tracks_cut_from_a_longer_recording_stay_together() {
    let voices =
        [Voice { hz: 500.0, from: 7200.0, seconds: 6.0 }, Voice { hz: 1700.0, from: 7202.0, seconds: 2.0 }];
    // Without this option, `ffmpeg` would move them to the start.
    let path = film("cut-out.mkv", 48_000, &voices, "-c:a flac -copyts -avoid_negative_ts 0");
    let (mix, _) = read(&path, &Tools::none()).unwrap();
    let moved = voices.map(|voice| Voice { from: voice.from - 7200.0, ..voice });
    check_voices("cut-out.mkv", &mix, &moved, 0.05);
}

/// Makes a file with a track for each of `count` speakers: sweeps, shifted against one another, so that no two moments
/// are alike.
fn speakers(name: &str, count: usize, seconds: f64, arguments: &str) -> PathBuf {
    let mut command = ffmpeg();
    for i in 0..count {
        let file = folder().join(format!("speaker-{i}-{seconds}.wav"));
        let lead = 5.0 * i as f64;
        let samples = signal(48_000, seconds + lead - 4.0 * i as f64);
        place(&file, &wav(48_000, 1, &samples[(lead * 48_000.0) as usize..]));
        command.args(["-itsoffset", &(0.7 * i as f64).to_string(), "-i"]).arg(file);
    }
    for i in 0..count {
        command.args(["-map", &format!("{i}:a")]);
    }
    command.args(arguments.split_whitespace()).args(["-fflags", "+bitexact", "-flags:a", "+bitexact"]);
    let path = folder().join(name);
    make(command.arg(&path));
    path
}

#[test]
fn a_mix_plays_the_same_from_any_position() {
    for (name, count, arguments, most) in [
        ("mix.mov", 2, "-c:a pcm_s16le", 0),
        ("mix-flac.mkv", 3, "-c:a flac", 0),
        ("mix-rates.mkv", 2, "-c:a flac -ar:a:0 16000 -ar:a:1 44100", 2),
        ("mix-aac.mp4", 2, "-c:a aac", 1200),
        ("mix-alac.mp4", 3, "-c:a alac", 0),
        ("mix-frag.mp4", 2, "-c:a aac -movflags +frag_keyframe+empty_moov -frag_duration 1000000", 1200),
        ("mix-opus.mkv", 2, "-c:a libopus -b:a 64k", 30000),
        ("mix-live.webm", 2, "-c:a libvorbis -f webm -live 1 -seekable 0", 0),
    ] {
        let path = speakers(name, count, 37.0, arguments);
        let tools = Tools::none();
        let (read, index) = read_whole(&path, &tools);
        assert!((seconds(&read) - 37.0).abs() < 0.1, "{name}: {} s", seconds(&read));
        let sound = Playback::new(&path, &tools, Some(&index), None).unwrap();
        let whole = check_times(name, &sound, &read);
        let worst = check_positions(name, &sound, &whole, 1.0);
        assert!(worst <= most, "{name}: {worst}");
        let unread = Playback::new(&path, &tools, None, None).unwrap();
        let difference = unread.frames().abs_diff(sound.frames()) as f64 / f64::from(sound.sample_rate());
        assert!(difference < 0.1, "{name}: {difference} s too many or few");
        // Matroska counts in milliseconds, which is enough to shift two voices against each other.
        if !name.ends_with("mkv") && !name.ends_with("webm") {
            check_positions(name, &unread, &whole, 50.0);
        }
    }
}

#[test]
fn an_index_of_one_track_is_not_used_for_several() {
    let path = film("older.mkv", 48_000, &[TWO[1], TWO[0]], "-c:a flac");
    let single = encode_from(&path, "older-single.mkv", &[], "-map 0:a:0 -c:a copy");
    // The index of one track, for a file of this length.
    let mut bytes = std::fs::read(&single).unwrap();
    bytes.resize(usize::try_from(path.metadata().unwrap().len()).unwrap(), 0);
    let single = folder().join("older-padded.mkv");
    place(&single, &bytes);
    let (_, index) = read_whole(&single, &Tools::none());
    let sound = Playback::new(&path, &Tools::none(), Some(&index), None).unwrap();
    let length = sound.frames() as f64 / f64::from(sound.sample_rate());
    assert!((length - 5.0).abs() < 0.1, "{length}");
}

#[test]
fn several_damaged_or_truncated_tracks_are_read() {
    let tools = Tools::none();
    for (name, arguments) in [
        ("hurt.mkv", "-c:a flac"),
        ("hurt-opus.mkv", "-c:a libopus"),
        ("hurt.mp4", "-c:a aac -movflags +faststart"),
    ] {
        let path = speakers(name, 3, 37.0, arguments);
        let whole = std::fs::read(&path).unwrap();
        let n = whole.len();
        let mut bytes = whole.clone();
        bytes[n * 3 / 10..n * 4 / 10].fill(0);
        bytes[n * 8 / 10..n * 8 / 10 + 300].fill(0x55);
        let hurt = folder().join(format!("hole-{name}"));
        place(&hurt, &bytes);
        let (_, shortfall) = read(&hurt, &tools).unwrap();
        assert!(shortfall.is_some(), "{name}");
        let (read_hurt, index) = read_whole(&hurt, &tools);
        let sound = Playback::new(&hurt, &tools, Some(&index), None).unwrap();
        let heard = check_times(name, &sound, &read_hurt);
        check_positions(name, &sound, &heard, 1.0);
        // A truncated file gives what is there, and reports that it ends early.
        let cut = folder().join(format!("cut-{name}"));
        place(&cut, &whole[..n * 6 / 10]);
        let (samples, shortfall) = read(&cut, &tools).unwrap();
        assert!(matches!(shortfall, Some(Shortfall::EndsEarly { .. })), "{name}: {shortfall:?}");
        assert!(seconds(&samples) > 10.0, "{name}: {} s", seconds(&samples));
    }
}

#[test]
fn false_timestamps_do_not_add_hours() {
    let path = film("liar.mkv", 48_000, &TWO, "-c:a flac -cluster_time_limit 200");
    let whole = std::fs::read(&path).unwrap();
    let clusters: Vec<usize> = whole
        .windows(5)
        .enumerate()
        .filter(|(_, bytes)| bytes[..4] == [0x1f, 0x43, 0xb6, 0x75])
        .map(|(at, _)| at)
        .collect();
    assert!(clusters.len() > 10);
    let mut random = Random(3);
    let mut read_all = 0;
    for round in 0..40 {
        let mut bytes = whole.clone();
        for _ in 0..1 + round % 4 {
            // The times of clusters, and the blocks behind them.
            let at = clusters[random.below(clusters.len())] + 12 + random.below(12);
            bytes[at] = random.next() as u8;
        }
        let path = folder().join("liar-changed.mkv");
        std::fs::write(&path, &bytes).unwrap();
        let Ok((samples, _)) = read(&path, &Tools::none()) else { continue };
        assert!(seconds(&samples) < 2500.0, "{round}: {} s", seconds(&samples));
        read_all += 1;
    }
    assert!(read_all > 0, "no file with times that lie could be read");
}

#[test]
fn a_mix_is_read_to_its_exact_end() {
    let odd = [Voice { seconds: 1.234_56, ..TWO[0] }, Voice { seconds: 2.1, ..TWO[1] }];
    let path = film("blocks.mkv", 48_000, &odd, "-c:a flac");
    let mut reader = Reader::open(Path::new(&path), &Tools::none()).unwrap();
    assert_eq!(reader.seek_index(), None);
    while reader.read().unwrap().is_some() {}
    assert_eq!(reader.position(), 33_600);
    assert_eq!(reader.seek_index().unwrap().duration_ms(), 2_100);
    assert_eq!(reader.shortfall(), None);
}
