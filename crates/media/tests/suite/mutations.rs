//! Hostile input: files in which a seeded generator changes, cuts, doubles and removes bytes.

use crate::fixtures::*;
use media::{Playback, Reader, Tools, probe};
use std::sync::OnceLock;
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
    ("m-two.mkv", "-map 0:a -map 0:a -c:a:0 flac -c:a:1 libopus"),
    ("m-two.mp4", "-map 0:a -map 0:a -c:a:0 aac -c:a:1 alac"),
    ("m.mp3", "-c:a libmp3lame -metadata title=x"),
    ("m.mp2", "-c:a mp2 -b:a 64k"),
    ("m.aac", "-c:a aac"),
];
const ROUNDS: usize = 40;

/// A second of each format.
fn fixtures() -> &'static [(&'static str, Vec<u8>)] {
    static FIXTURES: OnceLock<Vec<(&'static str, Vec<u8>)>> = OnceLock::new();
    FIXTURES.get_or_init(|| {
        let made = FORMATS.iter().map(|(name, arguments)| {
            let path = encode(name, &format!("-t 1 {arguments}"));
            (*name, std::fs::read(path).unwrap())
        });
        made.collect()
    })
}

fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    // False values do most harm in headers.
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

/// Corrects the checksums of Ogg pages: otherwise the demuxer drops damaged pages, and nothing behind it is tested.
fn fix_ogg_checksums(bytes: &mut [u8]) {
    let starts: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(b"OggS")).collect();
    for at in starts {
        let page = &mut bytes[at..];
        let Some(segments) = page.get(26).map(|n| usize::from(*n)) else { continue };
        let Some(table) = page.get(27..27 + segments) else { continue };
        let len = 27 + segments + table.iter().map(|n| usize::from(*n)).sum::<usize>();
        let Some(page) = page.get_mut(..len) else { continue };
        page[22..26].fill(0);
        let crc = page.iter().fold(0_u32, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| {
                crc << 1 ^ if crc >> 31 == 1 { 0x04c1_1db7 } else { 0 }
            })
        });
        page[22..26].copy_from_slice(&crc.to_le_bytes());
    }
}

#[test]
fn damaged_files_of_every_format_are_read_within_time_and_length_bounds() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random(20_240_506);
    for (name, whole) in fixtures() {
        let path = folder.path().join(name);
        for round in 0..ROUNDS {
            let mut bytes = whole.clone();
            mutate(&mut bytes, &mut random);
            if round % 4 > 0 {
                fix_ogg_checksums(&mut bytes);
            }
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
                // A gap of ten minutes is believed; hours are not.
                assert!(seconds(&samples) < 45.0 * 60.0, "{name} {round}: {} s", seconds(&samples));
            }
        }
    }
}

#[test]
fn every_truncation_is_survived() {
    let folder = tempfile::tempdir().unwrap();
    for (name, whole) in fixtures() {
        let path = folder.path().join(name);
        for len in (0..400).step_by(11).chain((400..whole.len()).step_by(whole.len() / 24)) {
            std::fs::write(&path, &whole[..len.min(whole.len())]).unwrap();
            if let Ok((samples, _)) = read(&path, &Tools::none()) {
                assert!(seconds(&samples) < 1.2, "{name} at {len}: {} s", seconds(&samples));
            }
        }
    }
}

#[test]
fn damaged_files_do_not_hang_ffmpeg() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random(9);
    for (name, arguments) in [("f.wma", "-c:a wmav2"), ("f.ts", "-c:a mp2"), ("f.wv", "-c:a wavpack")] {
        let whole = encode(name, &format!("-t 1 {arguments}"));
        let whole = std::fs::read(whole).unwrap();
        let path = folder.path().join(name);
        for round in 0..8 {
            let mut bytes = whole.clone();
            mutate(&mut bytes, &mut random);
            std::fs::write(&path, &bytes).unwrap();
            let started = Instant::now();
            if let Ok((samples, _)) = read(&path, &Tools::find()) {
                assert!(seconds(&samples) < 45.0 * 60.0, "{name} {round}: {} s", seconds(&samples));
            }
            assert!(
                started.elapsed() < Duration::from_secs(20),
                "{name} {round} took {:?}",
                started.elapsed()
            );
        }
    }
}

/// Changes bytes without changing the length, so that an index still belongs to the file.
fn mutate_in_place(bytes: &mut [u8], random: &mut Random) {
    for _ in 0..=random.below(12) {
        let near = random.below(2) == 0;
        let at = random.below(if near { bytes.len().min(600) } else { bytes.len() });
        let end = (at + random.below(3000)).min(bytes.len());
        match random.below(5) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.next() as u8,
            2 => bytes[at..(at + 4).min(end.max(at))].fill(0xff),
            3 => bytes[at..end].fill(0),
            _ => {
                let from = random.below(bytes.len() - (end - at));
                bytes.copy_within(from..from + (end - at), at);
            }
        }
    }
}

#[test]
fn damaged_files_are_played_with_and_without_the_index_of_the_whole_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random(17);
    let long = folder.path().join("signal.wav");
    std::fs::write(&long, wav(16_000, 1, &signal(RATE, 34.0))).unwrap();
    let mut played = 0;
    for (name, arguments) in FORMATS {
        let name = format!("played-{name}");
        let whole = encode_from(&long, &name, &[], arguments);
        let mut reader = Reader::open(&whole, &Tools::none()).unwrap();
        while reader.read().unwrap().is_some() {}
        let index = reader.seek_index().unwrap().to_bytes();
        let whole = std::fs::read(&whole).unwrap();
        let path = folder.path().join(&name);
        for round in 0..10 {
            let mut bytes = whole.clone();
            mutate_in_place(&mut bytes, &mut random);
            if round % 4 > 0 {
                fix_ogg_checksums(&mut bytes);
            }
            std::fs::write(&path, &bytes).unwrap();
            let started = Instant::now();
            for index in [Some(index.as_slice()), None] {
                let Ok(sound) = Playback::new(&path, &Tools::none(), index, Some(34_000)) else { continue };
                assert!(index.is_none() || sound.frames() > 30 * u64::from(sound.sample_rate()));
                for second in [0, 13, 25, 33] {
                    let from = second * u64::from(sound.sample_rate());
                    // What was refused when it was opened may be refused again.
                    let Ok(mut stream) = sound.stream_from(from) else { continue };
                    let mut samples = Vec::new();
                    while samples.len() < 10_000 && stream.read(&mut samples).unwrap() {}
                    let due = sound.frames().saturating_sub(from).min(10_000);
                    assert!(samples.len() as u64 >= due, "{name} {round} at {second}: {}", samples.len());
                    played += 1;
                }
            }
            let took = started.elapsed();
            assert!(took < Duration::from_secs(10), "{name} {round} took {took:?}");
        }
    }
    assert!(played > 0, "no damaged file could be played");
}
