//! The neural engine with the small Whisper model of `../shared/models`, which knows only the phrases of
//! `../shared/audio`: capabilities, word times, and the marks on loops and invented words.

use crate::recordings::{librivox, silence, wav, word_error_rate};
use speech::engine::NeverCancel;
use speech::{Cutting, Device, Engine, EngineError, EngineSpec, Options, Recognition, Windower};
use std::path::{Path, PathBuf};
use testing::shared;
use transcript::{DoubtReason, Segment, Span, Word, join_windows};

fn fixture() -> Option<PathBuf> {
    shared("models/fixture-whisper.gguf")
}

fn spec(model: &Path) -> EngineSpec {
    let model = model.to_owned();
    EngineSpec { model, sha256: None, device: Device::Auto, threads: 1, context_s: None }
}

/// Recognises a recording, window by window.
fn recognise_windows(engine: &mut dyn Engine, samples: &[f32]) -> Vec<(Span, Recognition)> {
    let mut windower = Windower::new(engine.capabilities().cutting);
    let mut windows = windower.push(samples);
    windows.extend(windower.finish());
    windows
        .iter()
        .map(|window| {
            (window.span(), engine.recognise(window, &Options::default(), &NeverCancel).expect("words"))
        })
        .collect()
}

fn words(results: Vec<(Span, Recognition)>) -> Vec<Word> {
    join_windows(results.into_iter().map(|(span, recognition)| (span, recognition.words)))
}

/// The turns of the reference: start in milliseconds, and text.
fn reference(recording: &Path) -> Vec<(u32, String)> {
    let json = std::fs::read(recording.with_extension("json")).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let turns = json["turns"].as_array().unwrap();
    let turn = |turn: &serde_json::Value| {
        ((turn["start"].as_f64().unwrap() * 1000.0) as u32, turn["text"].as_str().unwrap().to_owned())
    };
    turns.iter().map(turn).collect()
}

#[test]
fn the_words_of_a_panel_and_their_times_are_right() {
    let (Some(model), Some(recording)) = (fixture(), shared("audio/meeting/panel-5-speakers.wav")) else {
        return;
    };
    let mut engine = spec(&model).open().unwrap();
    let results = recognise_windows(engine.as_mut(), &wav(&recording));
    assert!(results.iter().all(|(_, recognition)| recognition.doubts.is_empty()));
    let words = words(results);
    let reference = reference(&recording);
    let text = reference.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(" ");
    let rate = word_error_rate(&text, &words);
    assert!(rate <= 0.08, "{rate:.3}");
    assert!(words.iter().all(|word| word.estimated), "this model does not time words");
    assert!(words.windows(2).all(|pair| pair[0].start <= pair[1].start && pair[0].end <= pair[1].end));

    // The segments whose first words begin a turn of the reference.
    let key = |text: &str| text.split_whitespace().take(3).map(|w| w.to_lowercase()).collect::<Vec<_>>();
    let segments: Vec<Segment> = transcript::segments(words, &[]);
    let mut off: Vec<u32> = segments
        .iter()
        .filter_map(|segment| {
            let starts = reference.iter().filter(|(_, text)| key(text) == key(&segment.text));
            starts.map(|(start, _)| start.abs_diff(segment.span.start.as_ms())).min()
        })
        .collect();
    off.sort_unstable();
    eprintln!("{} of {} segments begin turns, off by {off:?} ms; WER {rate:.3}", off.len(), segments.len());
    assert!(off.len() >= 10 && off[off.len() / 2] <= 300, "{off:?}");
}

#[test]
fn two_runs_with_the_same_number_of_threads_give_the_same_words() {
    let (Some(model), Some(recording)) = (fixture(), shared("audio/speech/two-cities.wav")) else { return };
    let samples = wav(&recording);
    let run = |threads| {
        let spec = EngineSpec { threads, ..spec(&model) };
        recognise_windows(spec.open().unwrap().as_mut(), &samples)
    };
    // The last bits of sums depend on the number of threads, and so may the likeliest word.
    for threads in [1, 2] {
        assert_eq!(run(threads), run(threads));
    }
}

#[test]
fn capabilities_are_read_from_the_model() {
    let Some(model) = fixture() else { return };
    let engine = spec(&model).open().unwrap();
    let offered = engine.capabilities();
    assert_eq!((offered.model.as_str(), offered.engine.as_str()), ("fixture-whisper", "transcribe.cpp"));
    assert_eq!(offered.languages, ["en"]);
    assert!(!offered.detects_language && !offered.translates && !offered.word_times && offered.vocabulary);
    assert_eq!((offered.cutting, offered.longest_window_ms), (Cutting::default(), None));
    assert_eq!((offered.device.as_str(), offered.fell_back), ("CPU", false));
}

#[test]
fn a_language_that_the_model_does_not_support_is_refused() {
    let Some(model) = fixture() else { return };
    let mut engine = spec(&model).open().unwrap();
    let german = Options { language: Some("de".to_owned()), ..Options::default() };
    let window = speech::Window::new(0, 0, silence(1.0));
    let refused = engine.recognise(&window, &german, &NeverCancel);
    assert!(matches!(refused, Err(EngineError::LanguageNotSupported { .. })), "{refused:?}");
    // The engine stays usable.
    assert!(engine.recognise(&window, &Options::default(), &NeverCancel).is_ok());
}

#[test]
fn silence_has_no_words() {
    let Some(model) = fixture() else { return };
    let mut engine = spec(&model).open().unwrap();
    assert!(words(recognise_windows(engine.as_mut(), &silence(20.0))).is_empty());
    // Also if the model is given a window of silence.
    let window = speech::Window::new(0, 0, silence(20.0));
    assert!(engine.recognise(&window, &Options::default(), &NeverCancel).unwrap().words.is_empty());
}

#[test]
fn loops_and_invented_words_are_marked_for_speech_unknown_to_the_model() {
    let Some(model) = fixture() else { return };
    let mut engine = spec(&model).open().unwrap();
    let samples: Vec<f32> =
        librivox().into_iter().flat_map(|clip| [clip.samples, silence(0.8)].concat()).collect();
    let results = recognise_windows(engine.as_mut(), &samples);
    let doubts: Vec<DoubtReason> =
        results.iter().flat_map(|(_, r)| r.doubts.iter().map(|d| d.reason)).collect();
    for (span, recognition) in &results {
        let text = recognition.words.iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join(" ");
        eprintln!("{span:?}: {text} {:?}", recognition.doubts);
    }
    assert!(!doubts.is_empty());
}

/// The error of opening a file.
fn open_error(path: &Path) -> EngineError {
    spec(path).open().map(|_| ()).unwrap_err()
}

/// The error of opening a file with this content.
fn open_error_of(content: &[u8]) -> EngineError {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    std::fs::write(&path, content).unwrap();
    open_error(&path)
}

#[test]
fn files_that_are_not_models_are_refused_without_a_crash() {
    assert!(matches!(open_error(Path::new("/nowhere.gguf")), EngineError::ModelMissing { .. }));
    for content in [&b""[..], b"hello", b"GGUF\x03\0\0\0\xff\xff"] {
        let error = open_error_of(content);
        assert!(matches!(error, EngineError::ModelUnusable { .. }), "{content:?}: {error:?}");
    }
}

#[test]
fn half_a_model_is_refused_without_a_crash() {
    let Some(model) = fixture() else { return };
    let whole = std::fs::read(model).unwrap();
    let error = open_error_of(&whole[..whole.len() / 2]);
    assert!(matches!(error, EngineError::ModelUnusable { .. }), "{error:?}");
}

#[test]
fn windows_hold_the_speech_of_several_clips_without_the_silence() {
    let clips = librivox();
    let mut samples = Vec::new();
    for clip in &clips {
        samples.extend(&clip.samples);
        samples.extend(silence(6.0));
    }
    let mut windower = Windower::new(Cutting::default());
    let mut windows = windower.push(&samples);
    windows.extend(windower.finish());
    let spoken: usize = clips.iter().map(|clip| clip.samples.len()).sum();
    let held: usize = windows.iter().map(|window| window.samples.len()).sum();
    assert!(held < spoken + spoken / 4, "{held} of {spoken} samples");
    assert!(windows.len() < clips.len(), "several clips share a window");
    for window in &windows {
        assert!(window.seconds() <= 20.0);
        let pieces: Vec<f32> = window
            .source
            .pieces
            .iter()
            .flat_map(|piece| &samples[piece.start as usize..(piece.start + piece.length) as usize])
            .copied()
            .collect();
        assert!(window.samples == pieces, "a window holds the samples of its pieces");
        for piece in &window.source.pieces {
            let offset =
                window.source.pieces.iter().take_while(|p| p.start < piece.start).map(|p| p.length).sum();
            assert_eq!(window.source.start_at(offset), piece.start);
            assert_eq!(window.source.end_at(offset + piece.length), piece.start + piece.length);
        }
    }
    assert!(windows.windows(2).all(|pair| pair[0].source.to <= pair[1].source.from));
}
