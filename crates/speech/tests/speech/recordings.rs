//! The recordings for the tests: LibriVox clips of Debian's `pocketsphinx-testdata`, the recordings of `../shared` if
//! that folder exists, and synthetic signals. Also helpers that recognise them.

use speech::{Cutting, Engine, EngineSpec, Options, Recognition, Window, Windower, engine::NeverCancel};
use std::path::Path;
use transcript::Word;

pub(crate) const RATE: usize = 16_000;

/// A recording and its text.
pub(crate) struct Clip {
    pub(crate) samples: Vec<f32>,
    pub(crate) text: String,
}

/// Five sentences of “Sense and Sensibility”, 3 to 7 s each, by one reader.
pub(crate) fn librivox() -> Vec<Clip> {
    let folder = testing::testdata("librivox");
    let clips: Vec<Clip> = std::fs::read_to_string(folder.join("transcription"))
        .unwrap()
        .lines()
        .map(|line| {
            // <s> he was not … </s> (sense_and_sensibility_01_austen_64kb-0880)
            let (text, name) = line.split_once("</s>").unwrap();
            let name = name.trim().trim_matches(['(', ')']);
            let text = text.trim_start_matches("<s>").trim().to_owned();
            Clip { samples: wav(&folder.join(name).with_extension("wav")), text }
        })
        .collect();
    assert_eq!(clips.len(), 5);
    clips
}

/// Another recording of Debian's `pocketsphinx-testdata`: raw samples, or a wav file.
pub(crate) fn testdata(name: &str) -> Vec<f32> {
    let path = testing::testdata(name);
    if path.extension().is_some_and(|extension| extension == "wav") {
        return wav(&path);
    }
    let bytes = std::fs::read(path).unwrap();
    bytes.chunks_exact(2).map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32_768.0).collect()
}

/// The samples of a wav file: 16 kHz, mono, 16-bit or float.
pub(crate) fn wav(path: &Path) -> Vec<f32> {
    let bytes = std::fs::read(path).unwrap();
    let u16_at = |at: usize| u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap());
    let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    assert_eq!((&bytes[..4], &bytes[8..12]), (&b"RIFF"[..], &b"WAVE"[..]), "{}", path.display());
    let (mut at, mut bits) = (12, 0);
    loop {
        let (name, length) = (&bytes[at..at + 4], u32_at(at + 4));
        at += 8;
        match name {
            b"fmt " => {
                assert_eq!((u16_at(at + 2), u32_at(at + 4)), (1, RATE), "{}", path.display());
                bits = u16_at(at + 14);
            }
            b"data" => {
                let data = &bytes[at..(at + length).min(bytes.len())];
                return match bits {
                    16 => data
                        .chunks_exact(2)
                        .map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32_768.0)
                        .collect(),
                    32 => {
                        data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
                    }
                    other => panic!("{}: {other} bits", path.display()),
                };
            }
            _ => {}
        }
        at += length + length % 2;
    }
}

/// The engine with the built-in model.
pub(crate) fn built_in() -> EngineSpec {
    speech::built_in::spec(&testing::resources())
        .unwrap_or_else(|error| panic!("{error}; `cargo xtask setup --tests` makes it"))
}

/// `samples` as one window.
pub(crate) fn window(index: u32, samples: &[f32]) -> Window {
    Window::new(index, 0, samples.to_vec())
}

pub(crate) fn windows(samples: &[f32]) -> Vec<Window> {
    let mut windower = Windower::new(Cutting::default());
    let mut windows = windower.push(samples);
    windows.extend(windower.finish());
    windows
}

/// Recognises `window` with the default options.
pub(crate) fn recognise(engine: &mut dyn Engine, window: &Window) -> Recognition {
    engine.recognise(window, &Options::default(), &NeverCancel).unwrap()
}

/// Recognises a whole recording, cut into windows.
pub(crate) fn words(engine: &mut dyn Engine, samples: &[f32]) -> Vec<Word> {
    windows(samples).iter().flat_map(|window| recognise(engine, window).words).collect()
}

pub(crate) fn silence(seconds: f64) -> Vec<f32> {
    vec![0.0; (seconds * RATE as f64) as usize]
}

pub(crate) fn quieter(samples: &[f32], decibels: f32) -> Vec<f32> {
    let gain = 10_f32.powf(-decibels / 20.0);
    samples.iter().map(|s| s * gain).collect()
}

/// Word error rate: substitutions, deletions and insertions per word of the reference.
pub(crate) fn word_error_rate<'a>(reference: &str, words: impl IntoIterator<Item = &'a Word>) -> f64 {
    let reference = plain(reference);
    let found = plain(&words.into_iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join(" "));
    // The Levenshtein distance, one row at a time.
    let mut row: Vec<usize> = (0..=found.len()).collect();
    for (i, expected) in reference.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, word) in found.iter().enumerate() {
            let cost = (diagonal + usize::from(expected != word)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], cost);
        }
    }
    row[found.len()] as f64 / reference.len() as f64
}

fn plain(text: &str) -> Vec<String> {
    let keep = |c: char| if c.is_alphanumeric() || c == '\'' { c } else { ' ' };
    text.to_lowercase().chars().map(keep).collect::<String>().split_whitespace().map(str::to_owned).collect()
}

/// Signals that are not speech, 20 s each; the one that the voice activity detector takes for speech is shorter.
pub(crate) fn signals() -> Vec<(String, Vec<f32>)> {
    let length = 20 * RATE;
    let time = |i: usize| i as f32 / RATE as f32;
    let sine = |i: usize, hertz: f32| (std::f32::consts::TAU * hertz * time(i)).sin();
    let mut signals = vec![
        ("silence".to_owned(), vec![0.0; length]),
        ("440 Hz".to_owned(), (0..length).map(|i| 0.5 * sine(i, 440.0)).collect()),
        ("1 kHz".to_owned(), (0..length).map(|i| 0.1 * sine(i, 1000.0)).collect()),
        (
            "hum".to_owned(),
            (0..length).map(|i| 0.1 * (sine(i, 50.0) + sine(i, 100.0) + sine(i, 150.0))).collect(),
        ),
        (
            "dialling".to_owned(),
            (0..5 * RATE)
                .map(|i| if i % 4800 < 3200 { 0.15 * (sine(i, 697.0) + sine(i, 1209.0)) } else { 0.0 })
                .collect(),
        ),
    ];
    for level in [0.9, 0.1, 0.01, 0.001] {
        let mut noise = Noise(0x9E37_79B9_7F4A_7C15);
        signals.push((format!("white noise {level}"), (0..length).map(|_| level * noise.white()).collect()));
        // Paul Kellet's “economy” filter: three poles that together fall by about 3 dB per octave.
        let mut poles = [0.0_f32; 3];
        let pink = (0..length)
            .map(|_| {
                let white = noise.white();
                poles[0] = 0.997_65 * poles[0] + 0.099_046 * white;
                poles[1] = 0.963 * poles[1] + 0.296_516_4 * white;
                poles[2] = 0.57 * poles[2] + 1.052_691_3 * white;
                (level * 0.15 * (poles.iter().sum::<f32>() + 0.1848 * white)).clamp(-1.0, 1.0)
            })
            .collect();
        signals.push((format!("pink noise {level}"), pink));
    }
    signals
}

/// A xorshift64* generator, the same in every run.
pub(crate) struct Noise(pub(crate) u64);

impl Noise {
    /// A sample, uniformly distributed from −1 to 1.
    pub(crate) fn white(&mut self) -> f32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    }
}
