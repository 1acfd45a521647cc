//! A short part of `cargo xtask corpus`: what is most likely to shift or lose words, whole and damaged.

use crate::signal::*;
use media::{Shortfall, Tools};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Length of what is heard in these files, in seconds.
const LONG: f64 = 10.0;

/// The signal as long as this, at 48 kHz.
fn long() -> PathBuf {
    let path = folder().join("corpus-signal.wav");
    if !path.is_file() {
        place(&path, &wav(48_000, 1, &signal(48_000, LONG)));
    }
    path
}

fn made(name: &str, arguments: &str) -> Option<PathBuf> {
    encode_from(&long(), &format!("corpus-{name}"), &[], arguments)
}

/// What is heard: a stretch of the signal, or silence for so long. Seconds.
#[derive(Debug, Clone, Copy)]
enum Heard {
    Signal(f64, f64),
    Silence(f64),
}
use Heard::{Signal, Silence};

const ALL: &[Heard] = &[Signal(0.0, LONG)];

fn at(seconds: f64) -> usize {
    (seconds * RATE as f64) as usize
}

/// Windows of a second of what is due: where each is, and its sound.
fn windows(heard: &[Heard]) -> (usize, Vec<(usize, Vec<f32>)>) {
    let whole = signal(RATE, LONG);
    let (mut windows, mut start) = (Vec::new(), 0);
    for stretch in heard {
        start += match *stretch {
            Silence(length) => at(length),
            Signal(from, to) => {
                let stretch = &whole[at(from)..at(to)];
                let inside = (0..=stretch.len() - RATE).step_by(RATE * 3 / 4);
                windows.extend(inside.map(|from| (start + from, stretch[from..from + RATE].to_vec())));
                stretch.len()
            }
        };
    }
    (start, windows)
}

/// How alike the best place for a window is, and how late it is, in seconds. It is looked for 0.15 s around its place.
fn found(samples: &[f32], place: usize, window: &[f32]) -> (f64, f64) {
    let around = at(0.15);
    let from = place.saturating_sub(around);
    let Some(near) = samples.get(from..samples.len().min(place + RATE + around)) else { return (0.0, 0.0) };
    let (correlation, lag) = alignment(window, near, 2 * around);
    (correlation, (from as isize + lag - place as isize) as f64 / RATE as f64)
}

/// Length, words and note as they should be.
fn check(path: &Path, tools: &Tools, heard: &[Heard], note_due: bool) {
    let name = path.file_name().unwrap().to_string_lossy();
    let (samples, shortfall) = read(path, tools).unwrap_or_else(|e| panic!("{name}: {e}"));
    let (due, windows) = windows(heard);
    let longer = seconds(&samples) - due as f64 / RATE as f64;
    assert!(longer.abs() < 0.1, "{name} is {longer:.3} s longer than it should be");
    for (place, window) in windows {
        let (correlation, late) = found(&samples, place, &window);
        let second = place as f64 / RATE as f64;
        assert!(correlation > 0.95, "{name} at {second} s: correlation {correlation:.3}");
        assert!(late.abs() < 0.1, "{name} at {second} s: {late:.3} s late");
    }
    assert_eq!(shortfall.is_some(), note_due, "{name}: {shortfall:?}");
}

const LIVE: &str = "-f webm -live 1 -seekable 0";
const FRAGMENTS: &str = "-movflags +frag_keyframe+empty_moov -frag_duration 500000";
/// Frames that were never sent.
const GAP: &str = "-af aselect='not(between(t,4,6))'";

/// Name, arguments of `ffmpeg`, what is heard.
const FILES: &[(&str, &str, &[Heard])] = &[
    ("a.m4a", "-c:a aac -b:a 96k", ALL),
    ("8k.m4a", "-c:a aac -ar 8000", ALL),
    ("no-edits.m4a", "-c:a aac -use_editlist 0", ALL),
    ("faststart.m4a", "-c:a alac -movflags +faststart", ALL),
    ("fragments.mp4", "-c:a aac {fragments}", ALL),
    ("own-base.mp4", "-c:a aac {fragments}+default_base_moof", ALL),
    ("late-index.mp4", "-c:a flac -strict -2 -movflags +frag_keyframe+delay_moov", ALL),
    ("index.mp4", "-c:a aac -movflags +global_sidx+frag_keyframe+empty_moov+default_base_moof", ALL),
    ("a.mov", "-c:a pcm_s24be", ALL),
    ("a.mka", "-c:a aac", ALL),
    ("mp3.mka", "-c:a libmp3lame", ALL),
    ("clusters.mka", "-c:a flac -cluster_time_limit 100", ALL),
    ("cues.mkv", "-c:a libvorbis -cues_to_front 1 -reserve_index_space 5000", ALL),
    ("a.webm", "-c:a libopus -b:a 96k", ALL),
    ("piped.webm", "-c:a libopus -b:a 96k -f webm -seekable 0", ALL),
    ("a.opus", "-c:a libopus -b:a 96k", ALL),
    ("frames.opus", "-c:a libopus -b:a 96k -frame_duration 60 -page_duration 20000", ALL),
    ("a.ogg", "-c:a libvorbis -q:a 6", ALL),
    ("pages.ogg", "-c:a libvorbis -q:a 6 -page_duration 10000000", ALL),
    ("a.oga", "-c:a flac", ALL),
    ("small.flac", "-c:a flac -frame_size 256", ALL),
    ("a.mp3", "-c:a libmp3lame -b:a 96k", ALL),
    ("bare.mp3", "-c:a libmp3lame -q:a 4 -write_xing 0", ALL),
    ("a.mp2", "-c:a mp2 -b:a 128k", ALL),
    ("a.aac", "-c:a aac -b:a 96k", ALL),
    ("a.aiff", "-c:a pcm_f32be", ALL),
    ("a.caf", "-c:a alac", ALL),
    ("a.wav", "-c:a pcm_s24le -ac 2", ALL),
    ("rf64.wav", "-rf64 always", ALL),
    ("piped.wav", "-f wav -seekable 0", ALL),
    ("adpcm.wav", "-c:a adpcm_ms -ar 22050", ALL),
    ("gap.mkv", "-c:a flac {gap}", &[Signal(0.0, 4.0), Silence(2.0), Signal(6.0, LONG)]),
    ("gap.mp4", "-c:a alac {gap}", &[Signal(0.0, 4.0), Silence(2.0), Signal(6.0, LONG)]),
];

#[test]
fn words_are_where_they_are_said() {
    for (name, arguments, heard) in FILES {
        let arguments = arguments.replace("{fragments}", FRAGMENTS).replace("{gap}", GAP);
        // The flags are one argument.
        let arguments = match arguments.split_once(" -frag_duration 500000+") {
            Some((flags, more)) => format!("{flags}+{more} -frag_duration 500000"),
            None => arguments,
        };
        let Some(path) = made(name, &arguments) else { continue };
        check(&path, &Tools::none(), heard, false);
    }
}

#[test]
fn what_ffmpeg_decodes_is_on_time_too() {
    for (name, arguments) in [
        ("f.w64", "-c:a pcm_s16le"),
        ("f.wma", "-c:a wmav2 -b:a 128k"),
        ("f.ts", "-c:a mp2 -b:a 128k"),
        ("f.avi", "-c:a libmp3lame -b:a 128k"),
    ] {
        let Some(path) = made(name, arguments) else { continue };
        check(&path, &Tools::find(), ALL, false);
    }
}

#[test]
fn joined_files_are_heard_one_after_the_other() {
    for (name, arguments) in [
        ("chain.opus", "-c:a libopus -b:a 96k"),
        ("chain.ogg", "-c:a libvorbis -q:a 6"),
        ("chain.mp3", "-c:a libmp3lame -b:a 96k"),
        ("chain.mp2", "-c:a mp2 -b:a 128k"),
    ] {
        let Some(path) = made(&format!("once-{name}"), arguments) else { continue };
        let once = std::fs::read(path).unwrap();
        let path = folder().join(format!("corpus-{name}"));
        place(&path, &once.repeat(2));
        check(&path, &Tools::none(), &[Signal(0.0, LONG), Signal(0.0, LONG)], false);
    }
}

#[test]
fn a_live_stream_is_whole() {
    let Some(path) = made("live.webm", &format!("-c:a libopus -b:a 96k {LIVE}")) else { return };
    let (samples, shortfall) = read(&path, &Tools::none()).unwrap();
    assert!((seconds(&samples) - LONG).abs() < 0.1, "{} s", seconds(&samples));
    // It has no end that could be missing.
    assert!(!matches!(shortfall, Some(Shortfall::Gaps { .. })), "{shortfall:?}");
}

/// Changes a file as transfers, discs and programs do.
fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(2) {
        let at = random.below(bytes.len());
        let end = (at + 1 + random.below(bytes.len() / 10)).min(bytes.len());
        match random.below(6) {
            0 => (0..20).for_each(|_| {
                let near = at + random.below((bytes.len() - at).min(8192));
                bytes[near] ^= 1 << random.below(8);
            }),
            1 => bytes[at..end].fill(0),
            2 => drop(bytes.drain(at..end)),
            3 => {
                let noise: Vec<u8> = (at..end).map(|_| random.next() as u8).collect();
                bytes.splice(at..at, noise);
            }
            4 => bytes.truncate(bytes.len() / 4 + at * 3 / 4),
            _ => {
                let copy = bytes[at..end].to_vec();
                bytes.splice(end..end, copy);
            }
        }
    }
}

/// Tenths of a second in which something is heard.
fn heard(samples: &[f32]) -> usize {
    samples.chunks(RATE / 10).filter(|tenth| tenth.iter().any(|s| s.abs() > 0.05)).count()
}

/// What `ffmpeg` makes of a damaged file, whatever it thinks that it is.
fn by_ffmpeg(path: &Path) -> Vec<f32> {
    let output = Command::new(ffmpeg().unwrap())
        .args(["-v", "quiet", "-nostdin", "-i"])
        .arg(path)
        .args(["-map", "0:a:0", "-ac", "1", "-ar", "16000", "-fs", "20M", "-f", "f32le", "-"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    output.stdout.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
}

#[test]
fn damaged_files_keep_as_much_as_with_ffmpeg() {
    const MUTATIONS: usize = 100;
    if ffmpeg().is_none() {
        return;
    }
    let files: Vec<(&str, Vec<u8>)> = FILES
        .iter()
        .filter(|(_, arguments, heard)| heard.len() == 1 && !arguments.contains("{fragments}+"))
        .filter_map(|(name, arguments, _)| {
            let arguments = arguments.replace("{fragments}", FRAGMENTS);
            Some((*name, std::fs::read(made(&format!("whole-{name}"), &arguments)?).unwrap()))
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random(20_261_129);
    let mut less = Vec::new();
    for round in 0..MUTATIONS {
        let (name, whole) = &files[round % files.len()];
        let mut bytes = whole.clone();
        damage(&mut bytes, &mut random);
        let path = folder.path().join(name);
        std::fs::write(&path, &bytes).unwrap();
        let started = Instant::now();
        let samples = read(&path, &Tools::none()).map_or_else(|_| Vec::new(), |(samples, _)| samples);
        assert!(started.elapsed() < Duration::from_secs(10), "{name} {round}: {:?}", started.elapsed());
        let (ours, theirs) = (heard(&samples), heard(&by_ffmpeg(&path)));
        // A second is a window of the whole corpus.
        if ours + 10 < theirs {
            less.push(format!("{name} {round}: {ours} tenths of a second, ffmpeg {theirs}"));
        }
    }
    assert!(less.len() * 100 <= MUTATIONS, "{less:#?}");
}
