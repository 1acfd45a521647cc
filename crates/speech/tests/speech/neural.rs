//! Neural models: what they are asked, how their words get times, and what becomes of loops and inventions. With the
//! small Whisper model of `../shared/models` that knows only the phrases of `../shared/audio`.

use crate::recordings::{librivox, silence, wav, word_error_rate};
use speech::engine::Unattended;
use speech::{Cutting, Device, Engine, EngineError, EngineSpec, Options, Recognition, Windower};
use std::path::{Path, PathBuf};
use testing::shared;
use transcript::{Reason, Segment, Span, Word, join, segments};

fn fixture() -> Option<PathBuf> {
    shared("models/fixture-whisper.gguf")
}

fn spec(model: &Path) -> EngineSpec {
    let model = model.to_owned();
    EngineSpec { model, sha256: None, device: Device::Auto, threads: 1, context_s: None }
}

/// What `engine` hears in a recording, window by window.
fn hear(engine: &mut dyn Engine, samples: &[f32]) -> Vec<(Span, Recognition)> {
    let mut windower = Windower::new(engine.capabilities().cutting);
    let mut windows = windower.push(samples);
    windows.extend(windower.finish());
    windows
        .iter()
        .map(|window| {
            (window.span(), engine.recognise(window, &Options::default(), &Unattended).expect("words"))
        })
        .collect()
}

fn words(heard: Vec<(Span, Recognition)>) -> Vec<Word> {
    join(heard.into_iter().map(|(span, recognition)| (span, recognition.words)))
}

/// Turns of the reference: where they begin, in milliseconds, and what is said.
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
fn a_panel_becomes_right_words_at_the_right_times() {
    let (Some(model), Some(recording)) = (fixture(), shared("audio/meeting/panel-5-speakers.wav")) else {
        return;
    };
    let mut engine = spec(&model).open().unwrap();
    let heard = hear(engine.as_mut(), &wav(&recording));
    assert!(heard.iter().all(|(_, recognition)| recognition.doubts.is_empty()));
    let words = words(heard);
    let reference = reference(&recording);
    let said = reference.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(" ");
    let rate = word_error_rate(&said, &words);
    assert!(rate <= 0.08, "{rate:.3}");
    assert!(words.iter().all(|word| word.estimated), "this model has no times for words");
    assert!(words.windows(2).all(|pair| pair[0].start <= pair[1].start && pair[0].end <= pair[1].end));

    // Lines whose first words begin a turn of the reference.
    let key = |text: &str| text.split_whitespace().take(3).map(|w| w.to_lowercase()).collect::<Vec<_>>();
    let lines: Vec<Segment> = segments(words, &[]);
    let mut off: Vec<u32> = lines
        .iter()
        .filter_map(|line| {
            let starts = reference.iter().filter(|(_, text)| key(text) == key(&line.text));
            starts.map(|(start, _)| start.abs_diff(line.span.start.as_ms())).min()
        })
        .collect();
    off.sort_unstable();
    eprintln!("{} of {} lines begin turns, off by {off:?} ms; WER {rate:.3}", off.len(), lines.len());
    assert!(off.len() >= 10 && off[off.len() / 2] <= 300, "{off:?}");
}

#[test]
fn two_runs_with_the_same_number_of_threads_give_the_same_words() {
    let (Some(model), Some(recording)) = (fixture(), shared("audio/speech/two-cities.wav")) else { return };
    let samples = wav(&recording);
    let run = |threads| {
        let spec = EngineSpec { threads, ..spec(&model) };
        hear(spec.open().unwrap().as_mut(), &samples)
    };
    // The last bits of sums depend on the threads, and a likelier word can depend on these.
    for threads in [1, 2] {
        assert_eq!(run(threads), run(threads));
    }
}

#[test]
fn what_a_model_can_do_is_asked_of_the_model() {
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
fn another_language_than_the_models_is_refused() {
    let Some(model) = fixture() else { return };
    let mut engine = spec(&model).open().unwrap();
    let german = Options { language: Some("de".to_owned()), ..Options::default() };
    let window = speech::Window::new(0, 0, silence(1.0));
    let refused = engine.recognise(&window, &german, &Unattended);
    assert!(matches!(refused, Err(EngineError::LanguageNotSupported { .. })), "{refused:?}");
    // The model goes on.
    assert!(engine.recognise(&window, &Options::default(), &Unattended).is_ok());
}

#[test]
fn nothing_is_written_down_of_silence() {
    let Some(model) = fixture() else { return };
    let mut engine = spec(&model).open().unwrap();
    assert!(words(hear(engine.as_mut(), &silence(20.0))).is_empty());
    // Also where the model is given the silence itself.
    let window = speech::Window::new(0, 0, silence(20.0));
    assert!(engine.recognise(&window, &Options::default(), &Unattended).unwrap().words.is_empty());
}

#[test]
fn loops_and_inventions_on_foreign_speech_are_marked() {
    let Some(model) = fixture() else { return };
    let mut engine = spec(&model).open().unwrap();
    let samples: Vec<f32> =
        librivox().into_iter().flat_map(|clip| [clip.samples, silence(0.8)].concat()).collect();
    let heard = hear(engine.as_mut(), &samples);
    let doubts: Vec<Reason> = heard.iter().flat_map(|(_, r)| r.doubts.iter().map(|d| d.reason)).collect();
    for (span, recognition) in &heard {
        let text = recognition.words.iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join(" ");
        eprintln!("{span:?}: {text} {:?}", recognition.doubts);
    }
    assert!(!doubts.is_empty());
}

/// What opening a file says.
fn refused(path: &Path) -> EngineError {
    spec(path).open().map(|_| ()).unwrap_err()
}

/// The same of a file with this content.
fn refused_content(content: &[u8]) -> EngineError {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    std::fs::write(&path, content).unwrap();
    refused(&path)
}

#[test]
fn files_that_are_no_models_are_refused_and_the_program_lives() {
    assert!(matches!(refused(Path::new("/nowhere.gguf")), EngineError::ModelMissing { .. }));
    for content in [&b""[..], b"hello", b"GGUF\x03\0\0\0\xff\xff"] {
        let error = refused_content(content);
        assert!(matches!(error, EngineError::ModelUnusable { .. }), "{content:?}: {error:?}");
    }
}

#[test]
fn half_a_model_is_refused_and_the_program_lives() {
    let Some(model) = fixture() else { return };
    let whole = std::fs::read(model).unwrap();
    let error = refused_content(&whole[..whole.len() / 2]);
    assert!(matches!(error, EngineError::ModelUnusable { .. }), "{error:?}");
}

#[test]
fn packed_windows_hold_the_speech_and_not_the_silence() {
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
            .place
            .pieces
            .iter()
            .flat_map(|piece| &samples[piece.start as usize..(piece.start + piece.length) as usize])
            .copied()
            .collect();
        assert!(window.samples == pieces, "a window's samples are those of its pieces");
        for piece in &window.place.pieces {
            let offset =
                window.place.pieces.iter().take_while(|p| p.start < piece.start).map(|p| p.length).sum();
            assert_eq!(window.place.beginning(offset), piece.start);
            assert_eq!(window.place.ending(offset + piece.length), piece.start + piece.length);
        }
    }
    assert!(windows.windows(2).all(|pair| pair[0].place.to <= pair[1].place.from));
}
