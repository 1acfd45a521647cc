//! Models that tell speakers apart, in engine processes. None can be had for tests, so that the process has a scripted one
//! that hears levels; with `MEETMEMO_TEST_SORTFORMER` naming the file of a real one, that is tried too.

use crate::recordings::{librivox, testdata};
use speech::engine::Unattended;
use speech::{Control, DiarizeError, Diarizer, EngineCommand, Expected, Sortformer};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use testing::{Prerequisite, shared};

fn command(mode: &str) -> EngineCommand {
    EngineCommand { program: env!("CARGO_BIN_EXE_speech-test-engine").into(), arguments: vec![mode.into()] }
}

/// With a fault on demand, in an environment of its own.
fn faulty(fault: &str) -> EngineCommand {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_speech-test-engine"));
    let arguments =
        vec![format!("MEETMEMO_ENGINE_FAULT={fault}").into(), program.into(), "scripted-speakers".into()];
    EngineCommand { program: "env".into(), arguments }
}

/// A stretch for each of `levels`: seconds, and who speaks in them.
fn meeting(levels: &[(f32, u32)]) -> Vec<f32> {
    levels.iter().flat_map(|(seconds, who)| vec![*who as f32 / 10.0; (seconds * 16_000.0) as usize]).collect()
}

fn any_file() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn model() -> PathBuf {
    any_file().join("Cargo.toml")
}

#[test]
fn turns_come_from_another_process() {
    let mut diarizer = Sortformer::start(&command("scripted-speakers"), &model(), 1).unwrap();
    assert_eq!((diarizer.method(), diarizer.model().as_str()), ("sortformer", "scripted"));
    let samples = meeting(&[(1.0, 0), (2.0, 3), (0.5, 0), (1.5, 1), (3.0, 3)]);
    samples.chunks(1000).for_each(|piece| diarizer.push(piece, &Unattended).unwrap());
    let found = diarizer.finish(Expected::default(), &Unattended).unwrap();
    let turns: Vec<(u32, u32, u32)> =
        found.turns.iter().map(|t| (t.span.start.as_ms(), t.span.end.as_ms(), t.speaker)).collect();
    assert_eq!(turns, [(1000, 3000, 0), (3500, 5000, 1), (5000, 8000, 0)]);
    assert_eq!(found.voices, [None, None]);
    assert!(found.turns.iter().all(|turn| turn.confidence == Some(0.9) && !turn.overlap));
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "there are no faults in release builds")]
fn a_process_that_crashes_or_babbles_once_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let samples = meeting(&[(2.0, 1), (2.0, 2)]);
    for kind in ["crash-once", "babble"] {
        let fault = format!("{kind}:0:{}", folder.path().join(kind).display());
        let mut diarizer = Sortformer::start(&faulty(&fault), &model(), 1).unwrap();
        diarizer.push(&samples, &Unattended).unwrap();
        assert_eq!(diarizer.finish(Expected::default(), &Unattended).unwrap().turns.len(), 2, "{kind}");
    }
    // Always: the recording has no turns, and the program lives.
    let mut diarizer = Sortformer::start(&faulty("crash:0"), &model(), 1).unwrap();
    diarizer.push(&samples, &Unattended).unwrap();
    let found = diarizer.finish(Expected::default(), &Unattended);
    assert!(matches!(found, Err(DiarizeError::Failed { .. })), "{found:?}");
}

#[test]
#[cfg_attr(not(debug_assertions), ignore = "there are no faults in release builds")]
fn a_cancel_ends_a_process_that_does_not_answer() {
    struct Soon(Instant, AtomicBool);
    impl Control for Soon {
        fn cancelled(&self) -> bool {
            self.1.store(true, Ordering::Relaxed);
            self.0.elapsed() > Duration::from_millis(500)
        }
        fn progress(&self, _samples: u64) {}
    }
    let mut diarizer = Sortformer::start(&faulty("hang:0"), &model(), 1).unwrap();
    diarizer.push(&meeting(&[(2.0, 1)]), &Unattended).unwrap();
    let begin = Instant::now();
    let soon = Soon(begin, AtomicBool::new(false));
    assert_eq!(diarizer.finish(Expected::default(), &soon), Err(DiarizeError::Cancelled));
    assert!(begin.elapsed() < Duration::from_secs(5) && soon.1.load(Ordering::Relaxed));
}

/// What starting with a file says.
fn refused(path: &Path) -> DiarizeError {
    Sortformer::start(&command("engine"), path, 1).unwrap_err()
}

#[test]
fn files_that_do_not_tell_speakers_apart_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(refused(Path::new("/nowhere.gguf")), DiarizeError::ModelMissing { .. }));
    let text = folder.path().join("text.gguf");
    std::fs::write(&text, "hello").unwrap();
    assert!(matches!(refused(&text), DiarizeError::ModelUnusable { .. }));
    let nobody = EngineCommand { program: "/nowhere/engine".into(), arguments: Vec::new() };
    assert!(matches!(Sortformer::start(&nobody, &text, 1), Err(DiarizeError::Failed { .. })));
}

#[test]
fn a_model_that_recognises_words_is_refused() {
    let Some(whisper) = shared("models/fixture-whisper.gguf") else { return };
    assert!(matches!(refused(&whisper), DiarizeError::ModelUnusable { .. }));
}

#[test]
fn a_real_model_tells_a_reader_from_a_caller() {
    let Some(model) = std::env::var_os("MEETMEMO_TEST_SORTFORMER") else {
        return Prerequisite::SpeakerModel.skip();
    };
    let mut diarizer = Sortformer::start(&command("engine"), Path::new(&model), 2).unwrap();
    let pause = vec![0.0; 8_000];
    let reader = librivox();
    for turn in [&reader[0].samples, &testdata("numbers.raw"), &reader[2].samples, &testdata("something.raw")]
    {
        diarizer.push(turn, &Unattended).unwrap();
        diarizer.push(&pause, &Unattended).unwrap();
    }
    let found = diarizer.finish(Expected::default(), &Unattended).unwrap();
    eprintln!("{}: {:?}", diarizer.model(), found.turns);
    assert_eq!(found.voices.len(), 2);
}
