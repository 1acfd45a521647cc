//! What the built-in engine hears.

use crate::recordings::{
    Clip, RATE, built_in, hear, librivox, quieter, shared, signals, silence, wav, window, windows,
    word_error_rate, words,
};
use speech::{Control, Engine, EngineError, EngineSpec, Options, engine::Unattended};
use std::io::Write;
use transcript::{AudioTime, Word};

fn engine() -> Box<dyn Engine> {
    built_in().open().unwrap()
}

#[test]
fn most_words_of_clear_readings_are_right() {
    let mut engine = engine();
    let clips = librivox();
    let text = clips.iter().map(|clip| clip.text.as_str()).collect::<Vec<_>>().join(" ");
    let heard: Vec<Word> = clips.iter().flat_map(|clip| words(engine.as_mut(), &clip.samples)).collect();
    let rate = word_error_rate(&text, &heard);
    eprintln!("LibriVox: word error rate {rate:.3}");
    // `pocketsphinx_continuous`, same clips: 0.37.
    assert!(rate <= 0.33, "{rate}");
}

#[test]
fn most_words_of_a_meeting_are_right_however_quiet() {
    let Some(panel) = shared("meeting/panel-5-speakers.wav") else { return };
    let turns: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(panel.with_extension("json")).unwrap()).unwrap();
    let turns = turns["turns"].as_array().unwrap();
    let text = turns.iter().map(|turn| turn["text"].as_str().unwrap()).collect::<Vec<_>>().join(" ");
    let mut engine = engine();
    let samples = wav(&panel);
    let rate = word_error_rate(&text, &words(engine.as_mut(), &samples));
    eprintln!("panel: word error rate {rate:.3}");
    // `pocketsphinx_continuous`: 0.355.
    assert!(rate <= 0.36, "{rate}");
}

#[test]
fn quiet_speech_gives_the_words_of_loud_speech() {
    let mut engine = engine();
    let Clip { samples, text } = librivox().swap_remove(0);
    let loud = word_error_rate(&text, &words(engine.as_mut(), &samples));
    let quiet = word_error_rate(&text, &words(engine.as_mut(), &quieter(&samples, 30.0)));
    assert!(quiet <= loud + 0.1, "{quiet} against {loud}");
}

#[test]
fn what_is_no_speech_gives_no_words() {
    let mut engine = engine();
    for (name, samples) in signals() {
        assert_eq!(words(engine.as_mut(), &samples), [], "{name}");
    }
}

/// Words that appear in the same order in both, with their starts in milliseconds.
fn same_words(a: &[Word], b: &[Word]) -> Vec<(u32, u32)> {
    // Longest common subsequence.
    let mut longest = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            longest[i][j] = if a[i].text == b[j].text {
                longest[i + 1][j + 1] + 1
            } else {
                longest[i + 1][j].max(longest[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut same) = (0, 0, Vec::new());
    while i < a.len() && j < b.len() {
        if a[i].text == b[j].text {
            same.push((a[i].start.as_ms(), b[j].start.as_ms()));
            (i, j) = (i + 1, j + 1);
        } else if longest[i + 1][j] >= longest[i][j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    same
}

fn assert_same_times(what: &str, heard: &[Word], alone: &[Word], offset_ms: u32) {
    let expected: Vec<Word> = alone
        .iter()
        .map(|w| Word { start: w.start.plus_ms(offset_ms), end: w.end.plus_ms(offset_ms), ..w.clone() })
        .collect();
    let same = same_words(heard, &expected);
    assert!(
        same.len() * 2 > alone.len(),
        "{what}: only {} of {} words are the same",
        same.len(),
        alone.len()
    );
    for (time, truth) in same {
        assert!(time.abs_diff(truth) <= 100, "{what}: {time} ms instead of {truth} ms");
    }
}

#[test]
fn words_after_a_long_pause_keep_their_times() {
    let mut engine = engine();
    let clip = librivox().swap_remove(1).samples;
    let alone = hear(engine.as_mut(), &window(0, &clip)).words;
    let pause = 6.0;
    let offset_ms = (clip.len() * 1000 / RATE) as u32 + (pause * 1000.0) as u32;
    let samples = [&clip[..], &silence(pause), &clip].concat();
    let middle = AudioTime::from_ms(offset_ms - 3000);

    let one = hear(engine.as_mut(), &window(0, &samples)).words;
    let cut = words(engine.as_mut(), &samples);
    for (what, heard) in [("one window", one), ("cut", cut)] {
        let split = heard.partition_point(|word| word.start < middle);
        assert_same_times(what, &heard[..split], &alone, 0);
        assert_same_times(what, &heard[split..], &alone, offset_ms);
    }
}

#[test]
fn words_lie_in_their_window_in_order() {
    let mut engine = engine();
    let mut samples = silence(2.0);
    samples.extend(librivox().swap_remove(3).samples);
    for window in windows(&samples) {
        let (words, span) = (hear(engine.as_mut(), &window).words, window.span());
        assert!(!words.is_empty());
        assert!(span.start.as_ms() > 1000);
        assert!(words.iter().all(|w| w.start >= span.start && w.end <= span.end && w.start < w.end));
        assert!(words.windows(2).all(|pair| pair[0].end <= pair[1].start));
        assert!(words.iter().all(|w| w.confidence.is_none()));
    }
}

#[test]
fn a_window_gives_the_same_words_whatever_came_before() {
    let clips: Vec<Clip> = librivox().into_iter().skip(1).step_by(3).collect();
    let all: Vec<_> = clips.iter().enumerate().map(|(i, clip)| window(i as u32, &clip.samples)).collect();
    let mut engine = engine();
    let forwards: Vec<_> = all.iter().map(|w| hear(engine.as_mut(), w)).collect();
    let mut backwards: Vec<_> = all.iter().rev().map(|w| hear(engine.as_mut(), w)).collect();
    backwards.reverse();
    assert_eq!(forwards, backwards);
    hear(engine.as_mut(), &window(9, &signals().swap_remove(1).1));
    assert_eq!(hear(engine.as_mut(), &all[1]), forwards[1]);
    assert_eq!(hear(built_in().open().unwrap().as_mut(), &all[0]), forwards[0]);
}

#[test]
fn windows_too_short_for_a_word_have_none_and_one_too_long_is_refused() {
    let mut engine = engine();
    for length in [0, 1, 159, 160, 410, 1000] {
        assert_eq!(hear(engine.as_mut(), &window(0, &vec![0.1; length])).words, []);
    }
    let error = engine.recognise(&window(0, &silence(301.0)), &Options::default(), &Unattended).unwrap_err();
    assert!(matches!(error, EngineError::WindowTooLong { longest_ms: 300_000, .. }));
}

#[test]
fn a_language_it_lacks_is_refused_and_one_it_has_is_reported() {
    let mut engine = engine();
    let clip = window(0, &librivox()[1].samples);
    let speak = |language: &str| Options { language: Some(language.to_owned()), ..Options::default() };
    let error = engine.recognise(&clip, &speak("de"), &Unattended).unwrap_err();
    assert_eq!(error.to_string(), "PocketSphinx does not know the language “de”; it knows: en");
    let heard = engine.recognise(&clip, &speak("en-GB"), &Unattended).unwrap();
    assert_eq!(heard.language.as_deref(), Some("en"));
}

#[test]
fn a_cancelled_window_is_not_begun() {
    struct Cancelled;
    impl Control for Cancelled {
        fn cancelled(&self) -> bool {
            true
        }
        fn progress(&self, _: u64) {
            panic!("nothing to tell");
        }
    }
    let clip = window(0, &librivox()[1].samples);
    assert_eq!(engine().recognise(&clip, &Options::default(), &Cancelled), Err(EngineError::Cancelled));
}

#[test]
fn a_missing_or_broken_model_is_said_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let missing = EngineSpec::built_in(folder.path()).unwrap_err();
    let expected = folder.path().join("pocketsphinx/en-us/en-us");
    assert_eq!(
        missing.to_string(),
        format!("the speech model is not installed: {} is missing; install it again", expected.display())
    );

    // The same files but for the language model. Links, except to what is written here: writing through a link
    // would change the installed model.
    let model = built_in().model().to_owned();
    let copy = folder.path().join("pocketsphinx/en-us");
    std::fs::create_dir_all(&copy).unwrap();
    for part in ["en-us", "cmudict-en-us.dict"] {
        std::os::unix::fs::symlink(model.join(part), copy.join(part)).unwrap();
    }
    let mut language_model = std::fs::File::create_new(copy.join("en-us.lm.bin")).unwrap();
    language_model.write_all(b"not a language model").unwrap();
    let broken = EngineSpec::built_in(folder.path()).unwrap().open().err();
    assert_eq!(broken, Some(EngineError::ModelUnusable { path: copy }));
}
