//! Runs the engine library alone, like its own example: one call for the whole recording, with default settings. Prints
//! the text. `cargo xtask bench speech` compares it with the app.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the output is its purpose")]

use std::path::Path;
use std::process::ExitCode;
use transcribe_cpp::{Model, RunOptions};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, recording] = arguments.as_slice() else {
        eprintln!("usage: engine_only MODEL RECORDING.wav (16 kHz, mono, 16 bits)");
        return ExitCode::from(2);
    };
    match transcribe(Path::new(model), Path::new(recording)) {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn transcribe(model: &Path, recording: &Path) -> Result<String, Box<dyn std::error::Error>> {
    transcribe_cpp::disable_logging();
    let bytes = std::fs::read(recording)?;
    // A wav file as sox writes it: a header of 44 bytes, then the samples.
    let samples = bytes.get(44..).unwrap_or_default().chunks_exact(2);
    let pcm: Vec<f32> = samples.map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32_768.0).collect();
    let mut session = Model::load(model)?.session()?;
    match session.run(&pcm, &RunOptions::default()) {
        Ok(transcript) => Ok(transcript.text),
        // A loop in the last window: the text up to there.
        Err(error) => Ok(error.partial().map(|partial| partial.text.clone()).ok_or(error)?),
    }
}
