//! Diarization models in engine processes. No model is available to the tests, so the process runs a scripted one,
//! which derives speakers from levels. If `MEETMEMO_TEST_SORTFORMER` names the file of a real model, that is tested
//! too.

use crate::recordings::{librivox, testdata};
use speech::engine::NeverCancel;
use speech::{Control, DiarizeError, Diarizer, EngineCommand, ExpectedSpeakers, Sortformer};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use testing::{Prerequisite, shared};

fn command(mode: &str) -> EngineCommand {
    EngineCommand { program: env!("CARGO_BIN_EXE_speech-test-engine").into(), arguments: vec![mode.into()] }
}

/// The scripted model with a fault, which `env` sets in its environment.
fn faulty(fault: &str) -> EngineCommand {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_speech-test-engine"));
    let arguments =
        vec![format!("MEETMEMO_ENGINE_FAULT={fault}").into(), program.into(), "scripted-speakers".into()];
    EngineCommand { program: "env".into(), arguments }
}

/// Samples for each of `turns`: seconds, and the speaker.
fn meeting(turns: &[(f32, u32)]) -> Vec<f32> {
    turns
        .iter()
        .flat_map(|(seconds, speaker)| vec![*speaker as f32 / 10.0; (seconds * 16_000.0) as usize])
        .collect()
}

/// Any file will do as the scripted model.
fn model() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")
}

#[test]
fn turns_come_from_an_engine_process() {
    let mut diarizer = Sortformer::start(&command("scripted-speakers"), &model(), 1).unwrap();
    assert_eq!((diarizer.method(), diarizer.model().as_str()), ("sortformer", "scripted"));
    let samples = meeting(&[(1.0, 0), (2.0, 3), (0.5, 0), (1.5, 1), (3.0, 3)]);
    samples.chunks(1000).for_each(|piece| diarizer.push(piece, &NeverCancel).unwrap());
    let found = diarizer.finish(ExpectedSpeakers::default(), &NeverCancel).unwrap();
    let turns: Vec<(u32, u32, u32)> =
        found.turns.iter().map(|t| (t.span.start.as_ms(), t.span.end.as_ms(), t.speaker)).collect();
    assert_eq!(turns, [(1000, 3000, 0), (3500, 5000, 1), (5000, 8000, 0)]);
    assert_eq!(found.embeddings, [None, None]);
    assert!(found.turns.iter().all(|turn| turn.confidence == Some(0.9) && !turn.overlap));
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "release builds have no faults")]
fn a_process_that_crashes_or_sends_malformed_data_once_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let samples = meeting(&[(2.0, 1), (2.0, 2)]);
    for kind in ["crash-once", "babble"] {
        let fault = format!("{kind}:0:{}", folder.path().join(kind).display());
        let mut diarizer = Sortformer::start(&faulty(&fault), &model(), 1).unwrap();
        diarizer.push(&samples, &NeverCancel).unwrap();
        assert_eq!(
            diarizer.finish(ExpectedSpeakers::default(), &NeverCancel).unwrap().turns.len(),
            2,
            "{kind}"
        );
    }
    // If it always crashes, the recording has no turns, and the program continues.
    let mut diarizer = Sortformer::start(&faulty("crash:0"), &model(), 1).unwrap();
    diarizer.push(&samples, &NeverCancel).unwrap();
    let found = diarizer.finish(ExpectedSpeakers::default(), &NeverCancel);
    assert!(matches!(found, Err(DiarizeError::Failed { .. })), "{found:?}");
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "release builds have no faults")]
fn a_cancel_ends_a_process_that_hangs() {
    struct Soon(Instant, AtomicBool);
    impl Control for Soon {
        fn cancelled(&self) -> bool {
            self.1.store(true, Ordering::Relaxed);
            self.0.elapsed() > Duration::from_millis(500)
        }
        fn progress(&self, _samples: u64) {}
    }
    let mut diarizer = Sortformer::start(&faulty("hang:0"), &model(), 1).unwrap();
    diarizer.push(&meeting(&[(2.0, 1)]), &NeverCancel).unwrap();
    let begin = Instant::now();
    let soon = Soon(begin, AtomicBool::new(false));
    assert_eq!(diarizer.finish(ExpectedSpeakers::default(), &soon), Err(DiarizeError::Cancelled));
    assert!(begin.elapsed() < Duration::from_secs(5) && soon.1.load(Ordering::Relaxed));
}

/// The error of starting with a file.
fn start_error(path: &Path) -> DiarizeError {
    Sortformer::start(&command("engine"), path, 1).unwrap_err()
}

#[test]
fn files_that_are_not_diarization_models_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(start_error(Path::new("/nowhere.gguf")), DiarizeError::ModelMissing { .. }));
    let text = folder.path().join("text.gguf");
    std::fs::write(&text, "hello").unwrap();
    assert!(matches!(start_error(&text), DiarizeError::ModelUnusable { .. }));
    let missing = EngineCommand { program: "/nowhere/engine".into(), arguments: Vec::new() };
    assert!(matches!(Sortformer::start(&missing, &text, 1), Err(DiarizeError::Failed { .. })));
}

#[test]
fn a_speech_recognition_model_is_refused() {
    let Some(whisper) = shared("models/fixture-whisper.gguf") else { return };
    assert!(matches!(start_error(&whisper), DiarizeError::ModelUnusable { .. }));
}

#[test]
fn a_real_model_separates_a_reader_and_a_caller() {
    let Some(model) = std::env::var_os("MEETMEMO_TEST_SORTFORMER") else {
        return Prerequisite::SpeakerModel.skip();
    };
    let mut diarizer = Sortformer::start(&command("engine"), Path::new(&model), 2).unwrap();
    let pause = vec![0.0; 8_000];
    let reader = librivox();
    for turn in [&reader[0].samples, &testdata("numbers.raw"), &reader[2].samples, &testdata("something.raw")]
    {
        diarizer.push(turn, &NeverCancel).unwrap();
        diarizer.push(&pause, &NeverCancel).unwrap();
    }
    let found = diarizer.finish(ExpectedSpeakers::default(), &NeverCancel).unwrap();
    eprintln!("{}: {:?}", diarizer.model(), found.turns);
    assert_eq!(found.embeddings.len(), 2);
}
