//! The second process in the tests of `speech`: an engine process, or a program that runs engine processes. Not a
//! product.

use speech::diarization_model::{DiarizationModel, SpeakerSpan};
use speech::{Decoders, Device, EngineCommand, EngineError, EngineSpec, Options, Window};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    match arguments.next().as_deref().and_then(|mode| mode.to_str()) {
        Some("engine") => speech::process::serve(),
        Some("scripted-speakers") => speech::process::serve_with(load_scripted),
        Some("own-engines") => own_engines(arguments.next().unwrap_or_default().into()),
        _ => ExitCode::from(2),
    }
}

/// Keeps two engine processes busy until it is killed. They inherit `MEETMEMO_ENGINE_FAULT`.
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

/// A replacement for a diarization model, whose file may be any file: finds speaker `n` where the samples are `n`
/// tenths.
struct Scripted;

fn load_scripted(model: &Path, _threads: u32) -> Result<Box<dyn DiarizationModel>, EngineError> {
    if model.is_file() {
        Ok(Box::new(Scripted))
    } else {
        Err(EngineError::ModelMissing { path: model.to_owned() })
    }
}

impl DiarizationModel for Scripted {
    fn name(&self) -> String {
        "scripted".to_owned()
    }

    fn diarize(&mut self, samples: &[f32]) -> Result<Vec<SpeakerSpan>, EngineError> {
        let mut spans: Vec<SpeakerSpan> = Vec::new();
        for (number, samples) in samples.chunks(1600).enumerate() {
            let speaker = (samples[0] * 10.0).round() as u32;
            let (start_ms, end_ms) = (number as u32 * 100, number as u32 * 100 + samples.len() as u32 / 16);
            match spans.last_mut() {
                Some(last) if last.speaker == speaker && last.end_ms == start_ms => last.end_ms = end_ms,
                _ if speaker > 0 => {
                    spans.push(SpeakerSpan { start_ms, end_ms, speaker, confidence: Some(0.9) })
                }
                _ => {}
            }
        }
        Ok(spans)
    }
}
