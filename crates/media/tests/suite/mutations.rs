//! Hostile input: files with bytes changed, cut, doubled and removed by a seeded generator.

use crate::signal::*;
use media::{Tools, probe};
use std::time::{Duration, Instant};

const FORMATS: &[(&str, &str)] = &[
    ("m.wav", ""),
    ("m-adpcm.wav", "-c:a adpcm_ms"),
    ("m.aiff", ""),
    ("m.caf", "-c:a alac"),
    ("m.flac", ""),
    ("m.oga", "-c:a flac"),
    ("m.ogg", "-c:a libvorbis"),
    ("m.opus", "-c:a libopus"),
    ("m.webm", "-c:a libopus"),
    ("m.mka", "-c:a libvorbis"),
    ("m.m4a", "-c:a aac"),
    ("m-alac.m4a", "-c:a alac"),
    ("m-fragmented.mp4", "-c:a aac -movflags +frag_keyframe+empty_moov -frag_duration 200000"),
    ("m.mp3", "-c:a libmp3lame -metadata title=x"),
    ("m.mp2", "-c:a mp2 -b:a 64k"),
    ("m.aac", "-c:a aac"),
];
const ROUNDS: usize = 40;

fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    // Headers are where lies do most.
    let near = |random: &mut Random, n: usize| {
        if random.below(2) == 0 { random.below(n.min(600)) } else { random.below(n) }
    };
    for _ in 0..=random.below(8) {
        if bytes.is_empty() {
            return;
        }
        let at = near(random, bytes.len());
        match random.below(7) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.next() as u8,
            2 => {
                let end = (at + 4).min(bytes.len());
                bytes[at..end].fill(0xff);
            }
            3 => {
                let end = (at + random.below(64)).min(bytes.len());
                bytes[at..end].fill(0);
            }
            4 => bytes.truncate(at.max(1)),
            5 => {
                let end = (at + random.below(2000)).min(bytes.len());
                bytes.drain(at..end);
            }
            _ => {
                let end = (at + random.below(2000)).min(bytes.len());
                let copy = bytes[at..end].to_vec();
                let to = near(random, bytes.len());
                bytes.splice(to..to, copy);
            }
        }
    }
}

#[test]
fn damaged_files_of_every_format_end_in_time_and_within_bounds() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random(20_240_506);
    for (name, arguments) in FORMATS {
        let Some(whole) = encode(name, &format!("-t 1 {arguments}")) else { continue };
        let whole = std::fs::read(whole).unwrap();
        let path = folder.path().join(name);
        for round in 0..ROUNDS {
            let mut bytes = whole.clone();
            mutate(&mut bytes, &mut random);
            std::fs::write(&path, &bytes).unwrap();
            let started = Instant::now();
            let result = read(&path, &Tools::none());
            let about = probe(&path, &Tools::none());
            assert_eq!(result.is_ok(), about.is_ok(), "{name} {round}");
            assert!(
                started.elapsed() < Duration::from_secs(5),
                "{name} {round} took {:?}",
                started.elapsed()
            );
            if let Ok((samples, _)) = result {
                // A gap of ten minutes may be true; hours are not.
                assert!(seconds(&samples) < 45.0 * 60.0, "{name} {round}: {} s", seconds(&samples));
            }
        }
    }
}

#[test]
fn every_truncation_of_a_small_file_is_survived() {
    let folder = tempfile::tempdir().unwrap();
    for (name, arguments) in FORMATS {
        let Some(whole) = encode(&format!("t{name}"), &format!("-t 0.2 -ar 16000 {arguments}")) else {
            continue;
        };
        let whole = std::fs::read(whole).unwrap();
        let path = folder.path().join(name);
        let step = whole.len() / 60 + 1;
        for len in (0..whole.len()).step_by(step) {
            std::fs::write(&path, &whole[..len]).unwrap();
            if let Ok((samples, _)) = read(&path, &Tools::none()) {
                assert!(seconds(&samples) < 1.0, "{name} at {len}: {} s", seconds(&samples));
            }
        }
    }
}
