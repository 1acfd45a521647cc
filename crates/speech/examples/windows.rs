//! Prints the windows of a recording and the words in each: `windows MODEL RECORDING.wav [CONTEXT_S] [LANGUAGE]`. Shows
//! the words and times of a model without the rest of the app.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the output is its purpose")]

use speech::engine::NeverCancel;
use speech::{Device, EngineSpec, Options, Windower};
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, recording, rest @ ..] = arguments.as_slice() else {
        eprintln!("usage: windows MODEL RECORDING.wav [CONTEXT_S] [LANGUAGE] (16 kHz, mono, 16 bits)");
        return ExitCode::from(2);
    };
    match recognise(model, recording, rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn recognise(model: &str, recording: &str, rest: &[String]) -> Result<(), Box<dyn std::error::Error>> {
    let context_s = rest.first().map(|seconds| seconds.parse()).transpose()?;
    let began = Instant::now();
    let spec = EngineSpec { model: model.into(), sha256: None, device: Device::Cpu, threads: 1, context_s };
    let mut engine = spec.open()?;
    eprintln!("loaded in {:?}", began.elapsed());
    let bytes = std::fs::read(recording)?;
    let samples = bytes.get(44..).unwrap_or_default().chunks_exact(2);
    let pcm: Vec<f32> = samples.map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32_768.0).collect();
    let mut windower = Windower::new(engine.capabilities().cutting);
    let mut windows = windower.push(&pcm);
    windows.extend(windower.finish());
    let language = rest.get(1).cloned();
    for window in &windows {
        let began = Instant::now();
        let options = Options { language: language.clone(), check_language: true, ..Options::default() };
        let found = engine.recognise(window, &options, &NeverCancel)?;
        println!(
            "# {} {:.2}-{:.2} ({:.1} s) in {:.2} s, {:?} {:?} {:?}",
            window.index,
            window.start() as f64 / 16_000.0,
            window.end() as f64 / 16_000.0,
            window.seconds(),
            began.elapsed().as_secs_f64(),
            found.language,
            found.other_language,
            found.doubts
        );
        for piece in &window.source.pieces {
            println!("## samples {} to {}", piece.start, piece.start + piece.length);
        }
        for word in found.words {
            println!("{}\t{}\t{}", word.start.as_ms(), word.end.as_ms(), word.text);
        }
    }
    Ok(())
}
