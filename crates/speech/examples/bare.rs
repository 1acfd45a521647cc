//! The engine library alone, as its own example uses it: one call over the whole recording, with its default settings.
//! `cargo xtask bench speech` measures it beside the app. Prints the text.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "that is all it does")]

use std::path::Path;
use std::process::ExitCode;
use transcribe_cpp::{Model, RunOptions};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, recording] = arguments.as_slice() else {
        eprintln!("usage: bare MODEL RECORDING.wav (16 kHz, mono, 16 bits)");
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
    // What sox writes: the samples follow a header of 44 bytes.
    let samples = bytes.get(44..).unwrap_or_default().chunks_exact(2);
    let pcm: Vec<f32> = samples.map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32_768.0).collect();
    let mut session = Model::load(model)?.session()?;
    match session.run(&pcm, &RunOptions::default()) {
        Ok(transcript) => Ok(transcript.text),
        // A loop at the end of the last window: what was heard until then.
        Err(error) => Ok(error.partial().map(|partial| partial.text.clone()).ok_or(error)?),
    }
}
