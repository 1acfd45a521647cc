//! The built-in diarizer: its networks agree with the published ones, it finds the speakers of test recordings, and it
//! continues interrupted work.

use crate::recordings::{Noise, RATE, librivox, quieter, signals, silence, testdata, wav};
use speech::diarize::{SUGGEST_SIMILARITY, SURE_SIMILARITY};
use speech::engine::NeverCancel;
use speech::{
    CamPlusPlus, ClusteringDiarizer, Control, Diarization, DiarizeError, Diarizer, ExpectedSpeakers,
    Segmentation, VoiceEncoder, embed_voice,
};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use testing::diarization_error::{self, Turn};
use testing::{required_path, resources, shared};
use transcript::AudioTime;

/// The segmentation network, which `cargo xtask setup` makes.
const SEGMENTATION: &str = "speakers/segmentation-3.0.safetensors";
/// The voice encoder, which `cargo xtask setup` makes.
const ENCODER: &str = "speakers/campplus.safetensors";

fn encoder() -> CamPlusPlus {
    required_path(resources().join(ENCODER));
    CamPlusPlus::load(&resources()).unwrap()
}

fn segmentation() -> Segmentation {
    required_path(resources().join(SEGMENTATION));
    Segmentation::load(&resources()).unwrap()
}

fn new_diarizer() -> ClusteringDiarizer {
    ClusteringDiarizer::new(segmentation(), Box::new(encoder()))
}

fn diarize(samples: &[f32], expected: ExpectedSpeakers) -> Diarization {
    let mut diarizer = new_diarizer();
    diarizer.push(samples, &NeverCancel).unwrap();
    diarizer.finish(expected, &NeverCancel).unwrap()
}

fn exactly(speakers: u32) -> ExpectedSpeakers {
    ExpectedSpeakers { min: Some(speakers), max: Some(speakers) }
}

fn reference(recording: &Path) -> Vec<Turn> {
    diarization_error::parse_rttm(&std::fs::read_to_string(recording.with_extension("rttm")).unwrap())
}

fn error_rate(reference: &[Turn], found: &Diarization) -> f64 {
    let seconds = |time: AudioTime| f64::from(time.as_ms()) / 1000.0;
    let turn = |turn: &transcript::Turn| Turn {
        start: seconds(turn.span.start),
        end: seconds(turn.span.end),
        speaker: turn.speaker.to_string(),
    };
    diarization_error::error_rate(reference, &found.turns.iter().map(turn).collect::<Vec<_>>())
}

/// A recording that is diarized several times. A cache saves running the networks again.
struct Cached<'a> {
    samples: &'a [f32],
    folder: tempfile::TempDir,
}

impl<'a> Cached<'a> {
    fn new(samples: &'a [f32]) -> Self {
        Self { samples, folder: tempfile::tempdir().unwrap() }
    }

    fn diarize(&self, expected: ExpectedSpeakers) -> Diarization {
        let mut diarizer = new_diarizer().with_cache(&self.folder.path().join("cache"));
        diarizer.push(self.samples, &NeverCancel).unwrap();
        diarizer.finish(expected, &NeverCancel).unwrap()
    }
}

/// The turns one after another with pauses, and the reference for them.
fn concatenated(turns: &[(&str, &[f32])]) -> (Vec<f32>, Vec<Turn>) {
    let (mut samples, mut reference) = (silence(0.5), Vec::new());
    for (number, (speaker, turn)) in turns.iter().enumerate() {
        let start = samples.len() as f64 / RATE as f64;
        samples.extend_from_slice(turn);
        reference.push(Turn {
            start,
            end: samples.len() as f64 / RATE as f64,
            speaker: (*speaker).to_owned(),
        });
        samples.extend(silence([0.4, 0.2, 0.6][number % 3]));
    }
    (samples, reference)
}

/// Compares the networks with PyTorch's results, from `crates/speech/testing/speaker_networks.py`, which also describes
/// the input.
#[test]
fn the_networks_agree_with_the_published_ones() {
    let (mut encoder, segmentation) = (encoder(), segmentation());
    let json: serde_json::Value = serde_json::from_str(include_str!("speaker-networks.json")).unwrap();
    let clip = &librivox()[0].samples;
    let mut samples = vec![0.0; 10 * RATE];
    samples[..clip.len()].copy_from_slice(clip);
    // The same at 1.25 times the speed, from 3 s on.
    for i in 0..(clip.len() as f64 / 1.25) as usize {
        let at = i as f64 * 1.25;
        let (before, part) = (clip[at as usize], at.fract() as f32);
        let after = clip.get(at as usize + 1).copied().unwrap_or(before);
        if let Some(sample) = samples.get_mut(3 * RATE + i) {
            *sample += before + part * (after - before);
        }
    }
    let probabilities = segmentation.class_probabilities(&samples, &[0]).swap_remove(0);
    let windows: Vec<&[f32]> = (0..4).map(|i| &samples[i * RATE..i * RATE + encoder.window()]).collect();
    let embeddings = encoder.embed(&windows, RATE).unwrap().concat();
    let numbers = |value: &serde_json::Value| -> Vec<f32> {
        value.as_array().unwrap().iter().map(|value| value.as_f64().unwrap() as f32).collect()
    };
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    for (weights, most) in [("rounded", 1e-3), ("published", 2e-2)] {
        let expected_results = &json[weights];
        let likeliest = probabilities
            .chunks_exact(7)
            .map(|classes| (0..7).max_by(|a, b| classes[*a].total_cmp(&classes[*b])).unwrap());
        let expected =
            expected_results["likeliest"].as_str().unwrap().bytes().map(|byte| usize::from(byte - b'0'));
        let same = likeliest.zip(expected).filter(|(a, b)| a == b).count();
        let frames = probabilities
            .chunks_exact(7)
            .step_by(31)
            .zip(expected_results["every_31st_frame"].as_array().unwrap());
        let furthest = frames
            .flat_map(|(found, expected)| found.iter().copied().zip(numbers(expected)).collect::<Vec<_>>())
            .map(|(found, expected)| (found - expected).abs())
            .fold(0.0, f32::max);
        let cosines: Vec<f32> = embeddings
            .iter()
            .zip(expected_results["voices"].as_array().unwrap())
            .map(|(embedding, expected)| dot(embedding, &numbers(expected)))
            .collect();
        eprintln!("{weights}: {same} of 589 frames, {furthest:.5} apart, cosines {cosines:?}");
        assert!(same >= 588 && furthest <= most, "{weights}: {same}, {furthest}");
        assert!(cosines.iter().all(|cosine| *cosine >= 0.9999), "{weights}: {cosines:?}");
    }
}

#[test]
fn the_embedding_of_a_window_does_not_depend_on_the_other_windows() {
    let mut encoder = encoder();
    let clip = &librivox()[0].samples;
    let windows: Vec<&[f32]> = clip.windows(encoder.window()).step_by(2000).take(40).collect();
    let together = encoder.embed(&windows, RATE).unwrap().concat();
    assert_eq!(together, encoder.embed(&windows, RATE).unwrap().concat());
    for number in [0, 17, 33, 39] {
        let alone = encoder.embed(&windows[number..=number], RATE).unwrap().concat().swap_remove(0);
        let dot: f32 = alone.iter().zip(&together[number]).map(|(a, b)| a * b).sum();
        assert!(dot > 0.999_99, "{dot}");
    }
    assert!(encoder.embed(&[], RATE).unwrap().is_empty());
}

#[test]
fn windows_of_an_excerpt_have_nearly_the_embeddings_that_they_have_alone() {
    let mut encoder = encoder();
    let clip = &librivox()[0].samples[..4 * RATE];
    let together = encoder.embed(&[clip], RATE / 2).unwrap().concat();
    assert_eq!(together.len(), 6);
    for (window, embedding) in clip.windows(encoder.window()).step_by(RATE / 2).zip(&together) {
        // Not quite the same: the window is surrounded by speech instead of padding, and another mean is subtracted.
        let alone = encoder.embed(&[window], RATE / 2).unwrap().concat().swap_remove(0);
        let dot: f32 = alone.iter().zip(embedding).map(|(a, b)| a * b).sum();
        assert!(dot > 0.9, "{dot}");
    }
    let short = encoder.embed(&[&clip[..RATE / 3]], RATE / 2).unwrap();
    assert_eq!((short.len(), short[0].len()), (1, 1));
}

#[test]
fn five_people_on_a_panel_are_distinguished() {
    let Some(recording) = shared("audio/meeting/panel-5-speakers.wav") else { return };
    let (samples, reference) = (wav(&recording), reference(&recording));
    let panel = Cached::new(&samples);
    for expected in [ExpectedSpeakers::default(), exactly(5), ExpectedSpeakers { min: Some(2), max: Some(8) }]
    {
        let found = panel.diarize(expected);
        let rate = error_rate(&reference, &found);
        eprintln!("panel, {expected:?}: {} speakers, error rate {rate:.4}", found.embeddings.len());
        assert_eq!(found.embeddings.len(), 5);
        assert!(rate <= 0.01, "{rate}");
        assert!(found.turns.windows(2).all(|pair| pair[0].span.start <= pair[1].span.start));
        assert!(found.turns.iter().all(|turn| turn.confidence.is_some_and(|c| (0.0..=1.0).contains(&c))));
        let sure = found.turns.iter().filter(|turn| turn.confidence > Some(0.5)).count();
        assert!(sure * 10 >= found.turns.len() * 9, "{sure} of {}", found.turns.len());
    }
    for speakers in 1..=7 {
        let found = panel.diarize(exactly(speakers));
        assert!(found.embeddings.len() <= speakers as usize);
        assert!(speakers > 5 || found.embeddings.len() == speakers as usize, "{}", found.embeddings.len());
    }
}

/// The samples as over the telephone, from 300 to 3400 Hz.
fn by_telephone(samples: &[f32]) -> Vec<f32> {
    const HALF: isize = 64;
    let sinc = |hertz: f64, at: isize| {
        let edge = 2.0 * hertz / RATE as f64;
        if at == 0 {
            edge
        } else {
            (std::f64::consts::PI * edge * at as f64).sin() / (std::f64::consts::PI * at as f64)
        }
    };
    let hann = |at: isize| 0.5 + 0.5 * (std::f64::consts::PI * at as f64 / (HALF + 1) as f64).cos();
    let tap = |at: isize| (hann(at) * (sinc(3400.0, at) - sinc(300.0, at))) as f32;
    let taps: Vec<f32> = (-HALF..=HALF).map(tap).collect();
    samples.windows(taps.len()).map(|window| window.iter().zip(&taps).map(|(a, b)| a * b).sum()).collect()
}

#[test]
fn five_people_are_distinguished_over_the_telephone() {
    let Some(recording) = shared("audio/meeting/panel-5-speakers.wav") else { return };
    let (samples, reference) = (by_telephone(&wav(&recording)), reference(&recording));
    let found = diarize(&samples, ExpectedSpeakers::default());
    let rate = error_rate(&reference, &found);
    assert!(found.embeddings.len() == 5 && rate <= 0.05, "{} people, {rate}", found.embeddings.len());
}

#[test]
fn neither_order_nor_level_nor_noise_changes_the_speakers_of_a_panel() {
    let Some(recording) = shared("audio/meeting/panel-5-speakers.wav") else { return };
    let (samples, reference) = (wav(&recording), reference(&recording));
    let length = samples.len() as f64 / RATE as f64;
    let again = reference.iter().map(|turn| Turn {
        start: turn.start + length,
        end: turn.end + length,
        speaker: turn.speaker.clone(),
    });
    let twice: Vec<Turn> = reference.iter().cloned().chain(again).collect();
    let backwards: Vec<(&str, &[f32])> = reference
        .iter()
        .rev()
        .map(|turn| {
            let at = |seconds: f64| (seconds * RATE as f64) as usize;
            (turn.speaker.as_str(), &samples[at(turn.start)..at(turn.end)])
        })
        .collect();
    let (backwards, of_backwards) = concatenated(&backwards);
    let mut noise = Noise(0x9E37_79B9_7F4A_7C15);
    // White noise from −1 to 1 has a third of the power of a square wave; 20 dB below speech.
    let power: f32 = samples.iter().map(|s| s * s).sum::<f32>() / samples.len() as f32;
    let noisy: Vec<f32> = samples.iter().map(|s| s + noise.white() * (3.0 * power / 100.0).sqrt()).collect();
    for (name, samples, reference) in [
        ("twice", [samples.clone(), samples.clone()].concat(), &twice),
        ("backwards", backwards, &of_backwards),
        ("half the level", quieter(&samples, 6.0), &reference),
        ("noise", noisy, &reference),
    ] {
        let found = diarize(&samples, ExpectedSpeakers::default());
        let rate = error_rate(reference, &found);
        eprintln!("{name}: {} speakers, error rate {rate:.4}", found.embeddings.len());
        assert_eq!(found.embeddings.len(), 5, "{name}");
        assert!(rate <= 0.02, "{name}: {rate}");
    }
}

#[test]
fn the_speakers_of_meetings_with_far_microphones_are_distinguished() {
    let (mut sum, mut of_one) = (0.0, 0.0);
    for name in ["ami-dev01", "ami-trn03", "ami-trn04", "ami-trn05"] {
        let Some(recording) = shared(&format!("audio/meeting/{name}.wav")) else { return };
        let (samples, reference) = (wav(&recording), reference(&recording));
        let meeting = Cached::new(&samples);
        let found = meeting.diarize(ExpectedSpeakers::default());
        let rate = error_rate(&reference, &found);
        let one = error_rate(&reference, &meeting.diarize(exactly(1)));
        eprintln!("{name}: {} speakers, error rate {rate:.4}, {one:.4} as one", found.embeddings.len());
        (sum, of_one) = (sum + rate, of_one + one);
    }
    assert!(sum <= 0.40 && sum < 0.5 * of_one, "{sum} {of_one}");
}

#[test]
fn readers_and_callers_are_distinguished_without_knowing_their_number() {
    let clips = librivox();
    let (numbers, something) = (testdata("numbers.raw"), testdata("something.raw"));
    let cards = ["cards/001.wav", "cards/003.wav", "cards/005.wav"].map(testdata);
    let two = [
        ("reader", clips[0].samples.as_slice()),
        ("caller", &numbers),
        ("reader", &clips[2].samples),
        ("caller", &something),
        ("reader", &clips[3].samples),
    ];
    let three = [
        two.as_slice(),
        &[
            ("player", cards[0].as_slice()),
            ("player", &cards[1]),
            ("caller", &numbers),
            ("player", &cards[2]),
        ],
    ]
    .concat();
    for (speakers, turns) in [(2, two.as_slice()), (3, &three)] {
        let (samples, reference) = concatenated(turns);
        let conversation = Cached::new(&samples);
        for expected in [ExpectedSpeakers::default(), exactly(speakers)] {
            let found = conversation.diarize(expected);
            let rate = error_rate(&reference, &found);
            eprintln!(
                "{speakers} voices, {expected:?}: {} found, error rate {rate:.4}",
                found.embeddings.len()
            );
            assert_eq!(found.embeddings.len(), speakers as usize);
            assert!(rate <= 0.15, "{rate}");
        }
    }
}

#[test]
fn one_voice_is_one_speaker_and_is_recognised_again() {
    let mut encoder = encoder();
    let clips: Vec<Vec<f32>> = librivox().into_iter().map(|clip| clip.samples).collect();
    let reading: Vec<(&str, &[f32])> = clips.iter().map(|clip| ("reader", clip.as_slice())).collect();
    let found = diarize(&concatenated(&reading).0, ExpectedSpeakers::default());
    assert_eq!(found.embeddings.len(), 1);
    assert!(found.turns.iter().all(|turn| turn.speaker == 0 && turn.confidence.is_none()));
    let embedding = found.embeddings[0].as_ref().unwrap();
    assert!(embedding.speech_ms > 15_000);

    let mut of = |samples: &[f32]| embed_voice(&mut encoder, samples, &NeverCancel).unwrap().unwrap();
    let (begin, end) = (of(&[clips[0].clone(), clips[1].clone()].concat()), of(&clips[3]));
    let caller = of(&[testdata("numbers.raw"), testdata("something.raw")].concat());
    let (same, other) = (begin.similarity(&end).unwrap(), begin.similarity(&caller).unwrap());
    eprintln!("the same reader: {same:.3}; another person: {other:.3}");
    assert!(
        same > SUGGEST_SIMILARITY
            && other < SUGGEST_SIMILARITY - 0.1
            && embedding.similarity(&begin) > Some(SURE_SIMILARITY)
    );
    assert_eq!(embed_voice(&mut encoder, &silence(5.0), &NeverCancel), Ok(None));
    assert_eq!(embed_voice(&mut encoder, &clips[0][..RATE / 2], &NeverCancel), Ok(None));
    assert_eq!(embed_voice(&mut encoder, &[], &NeverCancel), Ok(None));
}

#[test]
fn signals_without_speech_have_no_turns() {
    for (name, samples) in signals() {
        let found = diarize(&samples, ExpectedSpeakers { min: Some(3), max: None });
        let ms: u32 = found.turns.iter().map(|turn| turn.span.end.as_ms() - turn.span.start.as_ms()).sum();
        // The detector takes switched tones for speech, and the first moment of loud noise.
        let most = if name == "dialling" {
            u32::MAX
        } else if name.contains("noise") {
            500
        } else {
            0
        };
        assert!(ms <= most && found.embeddings.len() <= 1, "{name}: {:?}", found.turns);
    }
    for length in [0, 1, 255, 256, 1600] {
        assert_eq!(diarize(&vec![0.0; length], exactly(2)), Diarization::default());
    }
}

#[test]
fn a_single_word_is_a_turn() {
    let clip = &librivox()[0].samples;
    for (from, seconds) in [(0.0, 0.9), (1.0, 0.7), (2.0, 1.7)] {
        let at = |seconds: f64| (seconds * RATE as f64) as usize;
        let samples = [silence(1.0), clip[at(from)..at(from + seconds)].to_vec(), silence(1.0)].concat();
        for expected in [ExpectedSpeakers::default(), exactly(3)] {
            let found = diarize(&samples, expected);
            assert!(!found.turns.is_empty(), "{seconds} s");
            let (start, end) =
                (found.turns[0].span.start.as_ms(), found.turns[found.turns.len() - 1].span.end.as_ms());
            assert!(start >= 900 && f64::from(end) <= 1250.0 + seconds * 1000.0, "{start} {end}");
        }
    }
}

#[test]
fn nan_infinite_and_large_samples_are_harmless_and_slices_may_have_any_size() {
    let mut diarizer = new_diarizer();
    let mut samples: Vec<f32> = librivox().into_iter().take(2).flat_map(|clip| clip.samples).collect();
    for (i, bad) in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30].into_iter().enumerate() {
        samples[RATE * (1 + i)] = bad;
    }
    diarizer.push(&samples, &NeverCancel).unwrap();
    let whole = diarizer.finish(ExpectedSpeakers::default(), &NeverCancel).unwrap();
    assert!(!whole.turns.is_empty());
    for size in [77, 4096] {
        let mut diarizer = new_diarizer();
        samples.chunks(size).for_each(|piece| diarizer.push(piece, &NeverCancel).unwrap());
        assert_eq!(diarizer.finish(ExpectedSpeakers::default(), &NeverCancel).unwrap(), whole, "{size}");
    }
}

/// Counts the windows that are encoded.
struct Counting(CamPlusPlus, Arc<AtomicUsize>);

impl VoiceEncoder for Counting {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn window(&self) -> usize {
        self.0.window()
    }

    fn embed(&mut self, excerpts: &[&[f32]], hop: usize) -> Result<Vec<Vec<Vec<f32>>>, DiarizeError> {
        let embeddings = self.0.embed(excerpts, hop)?;
        self.1.fetch_add(embeddings.iter().map(Vec::len).sum(), Ordering::Relaxed);
        Ok(embeddings)
    }
}

#[test]
fn interrupted_work_continues_and_gives_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache");
    let samples: Vec<f32> = librivox().into_iter().flat_map(|clip| clip.samples).collect();
    let samples = [samples.clone(), samples.clone(), samples.clone(), samples].concat();
    let run = |samples: &[f32], path: &Path, until: usize| {
        let encoded = Arc::new(AtomicUsize::new(0));
        let encoder = Counting(encoder(), Arc::clone(&encoded));
        let mut diarizer = ClusteringDiarizer::new(segmentation(), Box::new(encoder)).with_cache(path);
        diarizer.push(&samples[..until], &NeverCancel).unwrap();
        let found = (until == samples.len())
            .then(|| diarizer.finish(ExpectedSpeakers::default(), &NeverCancel).unwrap());
        (found, encoded.load(Ordering::Relaxed))
    };
    let end = samples.len();
    let (whole, all) = run(&samples, &path, end);
    assert_eq!(run(&samples, &path, end), (whole.clone(), 0), "everything is cached");

    // Interrupted in the middle of the recording, and in the middle of writing.
    std::fs::remove_file(&path).unwrap();
    let (_, some) = run(&samples, &path, end * 3 / 4);
    assert!(some >= 64 && some < all, "{some} of {all}");
    let written = std::fs::read(&path).unwrap();
    assert_eq!(run(&samples, &path, end), (whole.clone(), all - some));
    for torn in [written.len() - 1, written.len() - 40_000, 50, 10, 0] {
        std::fs::write(&path, &written[..torn]).unwrap();
        let (found, encoded) = run(&samples, &path, end);
        assert_eq!(found, whole, "{torn}");
        // The incomplete batch may be one of the segmentation, not of embeddings.
        assert!(encoded >= all - some && (torn > 50 || encoded == all), "{torn}");
        assert_eq!(run(&samples, &path, end).1, 0, "{torn}");
    }
    // A wrong byte, another recording, another file, a missing folder.
    let mut wrong = written.clone();
    wrong[written.len() / 2] ^= 1;
    std::fs::write(&path, &wrong).unwrap();
    assert_eq!(run(&samples, &path, end).0, whole);
    let other = quieter(&samples, 3.0);
    assert_eq!(run(&other, &path, end).1, all);
    std::fs::write(&path, b"{\"encoder\":\"another\"}\nand more").unwrap();
    assert_eq!(run(&samples, &path, end), (whole.clone(), all));
    assert_eq!(run(&samples, &folder.path().join("no/such/folder"), end), (whole, all));
}

#[test]
fn a_cancel_takes_effect() {
    struct Cancelled;
    impl Control for Cancelled {
        fn cancelled(&self) -> bool {
            true
        }
        fn progress(&self, _samples: u64) {}
    }
    let mut encoder = encoder();
    let samples = &librivox()[0].samples;
    assert_eq!(embed_voice(&mut encoder, samples, &Cancelled), Err(DiarizeError::Cancelled));
    let mut diarizer = new_diarizer();
    assert_eq!(diarizer.push(samples, &Cancelled), Err(DiarizeError::Cancelled));
}

#[test]
fn a_missing_or_damaged_model_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let missing = CamPlusPlus::load(folder.path()).unwrap_err();
    assert!(matches!(&missing, DiarizeError::ModelMissing { path } if path.ends_with(ENCODER)));
    std::fs::create_dir(folder.path().join("speakers")).unwrap();
    let mut contents: Vec<Vec<u8>> =
        vec![Vec::new(), b"hello".to_vec(), vec![0xff; 64], b"\x02\0\0\0\0\0\0\0{}".to_vec()];
    let mut half = std::fs::read(required_path(resources().join(ENCODER))).unwrap();
    half.truncate(half.len() / 2);
    contents.push(half);
    // The weights of the other network.
    contents.push(std::fs::read(required_path(resources().join(SEGMENTATION))).unwrap());
    for content in contents {
        std::fs::write(folder.path().join(ENCODER), &content).unwrap();
        let error = CamPlusPlus::load(folder.path()).unwrap_err();
        assert!(matches!(error, DiarizeError::ModelUnusable { .. }), "{error:?}");
    }
    std::fs::write(folder.path().join(SEGMENTATION), b"hello").unwrap();
    let error = Segmentation::load(folder.path()).unwrap_err();
    assert!(matches!(error, DiarizeError::ModelUnusable { .. }), "{error:?}");
}
