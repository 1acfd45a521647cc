//! The other process in the tests of `speech`: an engine process, or a program that has some. Not a product.

use speech::speaker_model::{SpeakerModel, Spoken};
use speech::{Decoders, Device, EngineCommand, EngineError, EngineSpec, Options, Window};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    match arguments.next().as_deref().and_then(|mode| mode.to_str()) {
        Some("engine") => speech::process::serve(),
        Some("scripted-speakers") => speech::process::serve_with(scripted),
        Some("own-engines") => own_engines(arguments.next().unwrap_or_default().into()),
        _ => ExitCode::from(2),
    }
}

/// Keeps two engine processes busy until it is killed. Has them inherit `MEETMEMO_ENGINE_FAULT`.
fn own_engines(model: PathBuf) -> ExitCode {
    let Ok(program) = std::env::current_exe() else { return ExitCode::FAILURE };
    let command = EngineCommand { program, arguments: vec!["engine".into()] };
    let spec = EngineSpec { model, sha256: None, device: Device::Cpu, threads: 1, context_s: None };
    let Ok((decoders, _events)) = Decoders::start(command, spec, 2) else {
        return ExitCode::FAILURE;
    };
    for index in 0.. {
        let window = Window::new(index, 0, vec![0.0; 16_000]);
        if decoders.submit(window, Options::default()).is_err() {
            break;
        }
    }
    ExitCode::SUCCESS
}

/// Hears speaker number `n` where samples are at a level of `n` tenths, one after another. In place of a model, which
/// is any file.
struct Scripted;

fn scripted(model: &Path, _threads: u32) -> Result<Box<dyn SpeakerModel>, EngineError> {
    if model.is_file() {
        Ok(Box::new(Scripted))
    } else {
        Err(EngineError::ModelMissing { path: model.to_owned() })
    }
}

impl SpeakerModel for Scripted {
    fn name(&self) -> String {
        "scripted".to_owned()
    }

    fn diarize(&mut self, samples: &[f32]) -> Result<Vec<Spoken>, EngineError> {
        let mut spoken: Vec<Spoken> = Vec::new();
        for (number, samples) in samples.chunks(1600).enumerate() {
            let speaker = (samples[0] * 10.0).round() as u32;
            let (start_ms, end_ms) = (number as u32 * 100, number as u32 * 100 + samples.len() as u32 / 16);
            match spoken.last_mut() {
                Some(last) if last.speaker == speaker && last.end_ms == start_ms => last.end_ms = end_ms,
                _ if speaker > 0 => spoken.push(Spoken { start_ms, end_ms, speaker, confidence: Some(0.9) }),
                _ => {}
            }
        }
        Ok(spoken)
    }
}
