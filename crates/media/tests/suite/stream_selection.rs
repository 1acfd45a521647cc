//! Reading single channels and tracks.

use crate::fixtures::*;
use media::{MediaError, Reader, StreamSelection, Tools, separate_streams};
use std::f64::consts::TAU;
use std::path::{Path, PathBuf};

/// All samples of a selection.
pub(crate) fn read_selection(path: &Path, selection: StreamSelection, tools: &Tools) -> Vec<f32> {
    let mut reader = Reader::open_selection(path, tools, selection).unwrap();
    let mut all = Vec::new();
    while let Some(samples) = reader.read().unwrap() {
        all.extend_from_slice(samples);
    }
    assert_eq!(reader.position(), all.len() as u64);
    all
}

pub(crate) fn tone(rate: usize, hz: f64, seconds: f64) -> Vec<f32> {
    let n = (rate as f64 * seconds) as usize;
    (0..n).map(|i| (0.25 * (TAU * hz * i as f64 / rate as f64).sin()) as f32).collect()
}

/// The amplitude of a tone in samples at 16 kHz.
pub(crate) fn level(samples: &[f32], hz: f64) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (i, sample) in samples.iter().enumerate() {
        let phase = TAU * hz * i as f64 / RATE as f64;
        re += f64::from(*sample) * phase.cos();
        im += f64::from(*sample) * phase.sin();
    }
    2.0 * f64::hypot(re, im) / samples.len().max(1) as f64
}

/// A WAV of 4 s with 500 Hz left and 1700 Hz right.
fn stereo_tones() -> PathBuf {
    let path = folder().join("stereo-tones.wav");
    let sides = [tone(48_000, 500.0, SECONDS), tone(48_000, 1700.0, SECONDS)];
    let samples: Vec<f32> = sides[0].iter().zip(&sides[1]).flat_map(|(l, r)| [*l, *r]).collect();
    place(&path, &wav(48_000, 2, &samples));
    path
}

const BOTH: [StreamSelection; 2] = [StreamSelection::Channel(0), StreamSelection::Channel(1)];

#[test]
fn each_channel_has_only_its_own_sound_and_the_length_of_all() {
    let source = stereo_tones();
    let native = [
        ("sides.wav", "-c:a pcm_s16le"),
        ("sides.flac", "-c:a flac"),
        ("sides.m4a", "-c:a aac -b:a 192k -aac_is 0"),
        ("sides.ogg", "-c:a libvorbis -q:a 8"),
        ("sides.opus", "-c:a libopus -b:a 256k"),
        ("sides.mp3", "-c:a libmp3lame -b:a 256k -joint_stereo 0"),
        ("sides.mka", "-c:a flac"),
    ];
    let foreign = [("sides.wma", "-c:a wmav2 -b:a 256k"), ("sides.w64", "-c:a pcm_s16le")];
    for (name, arguments, tools) in native
        .map(|(name, arguments)| (name, arguments, Tools::none()))
        .into_iter()
        .chain(foreign.map(|(name, arguments)| (name, arguments, Tools::find())))
    {
        let path = encode_from(&source, name, &[], arguments);
        assert_eq!(separate_streams(&path, &tools).unwrap(), BOTH, "{name}");
        let (whole, _) = read(&path, &tools).unwrap();
        for (channel, own, other) in [(0, 500.0, 1700.0), (1, 1700.0, 500.0)] {
            let samples = read_selection(&path, StreamSelection::Channel(channel), &tools);
            assert_eq!(samples.len(), whole.len(), "{name}");
            let inner = &samples[RATE / 2..RATE * 3];
            let (own, other) = (level(inner, own), level(inner, other));
            assert!((own - 0.25).abs() < 0.02 && other < 0.01, "{name} {channel}: {own:.3} {other:.3}");
            let mixed = level(&whole[RATE / 2..RATE * 3], if channel == 0 { 500.0 } else { 1700.0 });
            assert!((mixed - 0.125).abs() < 0.01, "{name}: {mixed}");
        }
        let third = read_selection(&path, StreamSelection::Channel(2), &tools);
        assert!(third.len() == whole.len() && third.iter().all(|s| *s == 0.0), "{name}");
        assert_eq!(read_selection(&path, StreamSelection::All, &tools), whole, "{name}");
        assert_eq!(read_selection(&path, StreamSelection::Track(0), &tools), whole, "{name}");
        let none = Reader::open_selection(&path, &tools, StreamSelection::Track(1));
        assert!(matches!(none, Err(MediaError::NoAudioTrack)), "{name}");
    }
}

#[test]
fn without_a_selection_the_mean_of_both_channels_is_read() {
    let whole = read_selection(&stereo_tones(), StreamSelection::All, &Tools::none());
    let [left, right] = BOTH.map(|channel| read_selection(&stereo_tones(), channel, &Tools::none()));
    for (mean, (left, right)) in whole.iter().zip(left.iter().zip(&right)) {
        assert!((mean - 0.5 * (left + right)).abs() < 1e-5);
    }
}

#[test]
fn files_without_two_channels_have_no_separate_streams() {
    for (name, arguments) in [("whole.flac", "-ac 1"), ("six.flac", "-ac 6"), ("whole.mp3", "-ac 1")] {
        let path = encode(name, arguments);
        assert_eq!(separate_streams(&path, &Tools::none()).unwrap(), [], "{name}");
        let (whole, _) = read(&path, &Tools::none()).unwrap();
        assert_eq!(read_selection(&path, StreamSelection::Channel(0), &Tools::none()).len(), whole.len());
    }
    assert!(separate_streams(Path::new(file!()), &Tools::find()).is_err());
}

#[test]
fn a_channel_that_ends_in_the_middle_is_silent_from_there_on() {
    let source = stereo_tones();
    let joined = |name: &str, first: (&str, &str), second: (&str, &str)| {
        let bytes = [first, second]
            .map(|(name, arguments)| std::fs::read(encode_from(&source, name, &[], arguments)).unwrap());
        let path = folder().join(name);
        place(&path, &bytes.concat());
        path
    };
    for path in [
        joined("fewer.mp3", ("fewer-1.mp3", "-b:a 192k -joint_stereo 0"), ("fewer-2.mp3", "-ac 1")),
        joined(
            "fewer.ogg",
            ("fewer-1.ogg", "-c:a libvorbis -q:a 8"),
            ("fewer-2.ogg", "-c:a libvorbis -ac 1"),
        ),
        joined(
            "fewer.opus",
            ("fewer-1.opus", "-c:a libopus -b:a 192k"),
            ("fewer-2.opus", "-c:a libopus -ac 1"),
        ),
    ] {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let (whole, shortfall) = read(&path, &Tools::none()).unwrap();
        assert_eq!(shortfall, None, "{name}");
        let [left, right] = BOTH.map(|channel| read_selection(&path, channel, &Tools::none()));
        assert_eq!((left.len(), right.len()), (whole.len(), whole.len()), "{name}");
        let (first, second) = (RATE..3 * RATE, 5 * RATE..7 * RATE);
        assert!(level(&right[first], 1700.0) > 0.2, "{name}");
        // In the frame of the change, decoders may give either.
        let silent = right[second.clone()].iter().all(|s| s.abs() < 1e-4);
        // Opus is decoded to the number of channels of the track, which may stay two.
        assert!(silent || name.ends_with("opus"), "{name}");
        assert!(level(&left[second], 500.0) > 0.1, "{name}");
    }
}
