//! Prints the turns that the built-in diarizer finds in a recording. For development; not a product.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the output is its purpose")]

use speech::engine::NeverCancel;
use speech::{CamPlusPlus, ClusteringDiarizer, Diarizer, ExpectedSpeakers, Segmentation};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

const USAGE: &str = "usage: diarize RECORDING.wav [--speakers N|MIN-MAX] [--rttm] [--cost] [--keep FILE]
RECORDING is 16 kHz, mono, 16 bits or float. The resources are in the folder MEETMEMO_RESOURCES, or target/resources.
--keep caches the results of the networks in FILE.";

fn main() -> ExitCode {
    match diarize(std::env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn diarize(mut arguments: impl Iterator<Item = String>) -> Result<(), Box<dyn Error>> {
    let (mut recording, mut expected, mut cache) = (None, ExpectedSpeakers::default(), None);
    let (mut rttm, mut cost) = (false, false);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--speakers" => {
                let speakers = arguments.next().ok_or(USAGE)?;
                let (min, max) = speakers.split_once('-').unwrap_or((&speakers, &speakers));
                expected = ExpectedSpeakers { min: Some(min.parse()?), max: Some(max.parse()?) };
            }
            "--rttm" => rttm = true,
            "--cost" => cost = true,
            "--keep" => cache = Some(PathBuf::from(arguments.next().ok_or(USAGE)?)),
            _ => recording = Some(PathBuf::from(argument)),
        }
    }
    let recording = recording.ok_or(USAGE)?;
    let samples = wav(&recording)?;
    let resources = std::env::var_os("MEETMEMO_RESOURCES").map_or("target/resources".into(), PathBuf::from);
    let begin = Instant::now();
    let mut diarizer =
        ClusteringDiarizer::new(Segmentation::load(&resources)?, Box::new(CamPlusPlus::load(&resources)?));
    if let Some(cache) = cache {
        diarizer = diarizer.with_cache(&cache);
    }
    for second in samples.chunks(16_000) {
        diarizer.push(second, &NeverCancel)?;
    }
    let pushed = begin.elapsed();
    let found = diarizer.finish(expected, &NeverCancel)?;
    let took = begin.elapsed();
    if cost {
        let end_s = (took - pushed).as_secs_f64();
        println!(
            "{{\"cpu_seconds\": {}, \"end_seconds\": {end_s:.2}, \"peak_kb\": {}}}",
            cpu_s()?,
            peak_kb()?
        );
    }
    let name = recording.file_stem().unwrap_or_default().to_string_lossy().replace(' ', "_");
    for turn in &found.turns {
        let (start, end) = (turn.span.start.as_ms(), turn.span.end.as_ms());
        let (start, length) = (f64::from(start) / 1000.0, f64::from(end - start) / 1000.0);
        if rttm {
            println!("SPEAKER {name} 1 {start:.3} {length:.3} <NA> <NA> {} <NA> <NA>", turn.speaker);
        } else {
            let confidence = turn.confidence.map_or("-".to_owned(), |c| format!("{c:.2}"));
            println!("{start:8.2} {length:6.2} s  speaker {}  {confidence}", turn.speaker + 1);
        }
    }
    let audio = samples.len() as f64 / 16_000.0;
    eprintln!(
        "{} speakers, {} turns; {:.2} s and {:.2} s at the end for {audio:.0} s, real-time factor {:.4}",
        found.embeddings.len(),
        found.turns.len(),
        pushed.as_secs_f64(),
        (took - pushed).as_secs_f64(),
        took.as_secs_f64() / audio
    );
    Ok(())
}

/// The CPU time of this process in seconds, in user and system mode.
fn cpu_s() -> Result<f64, Box<dyn Error>> {
    // The kernel counts in units of 10 ms.
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| {
        fields.get(at).ok_or("/proc/self/stat states no time")?.parse::<f64>().map_err(Box::<dyn Error>::from)
    };
    Ok((ticks(11)? + ticks(12)?) / 100.0)
}

/// The peak memory of this process in kB.
fn peak_kb() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .ok_or("/proc/self/status states no memory")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}

/// The samples of a wav file.
fn wav(path: &Path) -> Result<Vec<f32>, Box<dyn Error>> {
    let bytes = std::fs::read(path)?;
    let mut rest = bytes.get(12..).ok_or("not a wav file")?;
    let mut bits = 16;
    while let Some((head, after)) = rest.split_at_checked(8) {
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        if &head[..4] == b"data" {
            let data = &after[..length.min(after.len())];
            return Ok(if bits == 32 {
                data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
            } else {
                data.chunks_exact(2).map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32_768.0).collect()
            });
        }
        if &head[..4] == b"fmt " {
            bits = after.get(14).copied().unwrap_or(16);
        }
        rest = after.get(length + length % 2..).unwrap_or_default();
    }
    Err("no samples in the wav file".into())
}
