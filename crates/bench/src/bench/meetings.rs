//! Measures diarization of long meetings, which are generated from a seed. They are assembled from clips of the panel in
//! `../shared/audio` and of Debian's `pocketsphinx-testdata`; order, length of turns, pauses, overlap, loudness and room
//! acoustics are random.
//!
//! Only the diarizer runs (`crates/speech/examples/diarize.rs`). There are goals for speech given to the wrong speaker
//! (confusion), the number of speakers, and the time. Missed and added speech is shown without a goal, because the
//! references count the readers' pauses as speech.

use super::{rounded, verdict, verdict_at_least, write_json};
use crate::args::Bench;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;
use testing::diarization_error::{COLLAR, Turn, errors, parse_rttm};
use xtask::app::cargo_for_users;
use xtask::checkout::Checkout;
use xtask::command;

/// The generated meetings: number and length in minutes.
const DRAWS: [(u64, u32); 4] = [(20, 10), (1, 20), (3, 60), (1, 180)];
/// Most people in one meeting.
const MAX_PEOPLE: usize = 8;
/// Highest allowed seconds given to the wrong speaker, per second of speech.
const GOAL_CONFUSED: f64 = 0.03;
/// Share of the short meetings in which the number of speakers must be right.
const GOAL_COUNTED: f64 = 0.8;
/// Highest allowed CPU seconds per second of audio.
const GOAL_TIME: f64 = 0.15;
const RATE: usize = 16_000;
/// A person and clips of their speech.
struct Person {
    name: String,
    clips: Vec<Vec<f32>>,
}

/// Runs the benchmark on the meetings that are no longer than `options.minutes`; returns whether the goals were met.
pub(super) fn run(checkout: &Checkout, folder: &Path, options: &Bench) -> Result<bool> {
    let people = people(checkout)?;
    let mut seed = options.seed;
    println!("bench meetings: {} people, first seed {seed}", people.len());
    let mut build = cargo_for_users(checkout)?;
    command::run(build.args(["build", "--release", "--workspace", "--example", "diarize"]))?;
    let program = checkout.target.join("release/examples/diarize");
    let recording = folder.join("meeting.wav");
    let mut met = true;
    let mut rows = Vec::new();
    println!("collar {COLLAR} s, overlap is scored");
    println!(
        "{:>6}{:>8}{:>8}{:>8}{:>9}{:>9}{:>10}{:>8}{:>8}{:>8}",
        "seed", "minutes", "people", "found", "missed", "added", "confused", "CPU", "end, s", "MB"
    );
    for (number, minutes) in DRAWS.into_iter().filter(|(_, minutes)| *minutes <= options.minutes) {
        let (mut counted, mut confused) = (0, 0.0_f64);
        for _ in 0..number {
            let (samples, reference) = meeting(&people, seed, f64::from(minutes) * 60.0);
            let bytes: Vec<u8> = samples
                .iter()
                .flat_map(|sample| ((sample.clamp(-1.0, 1.0) * 32_767.0) as i16).to_le_bytes())
                .collect();
            testing::write_wav(&recording, &bytes);
            let begin = Instant::now();
            let output = command::output(
                Command::new(&program)
                    .arg(&recording)
                    .args(["--rttm", "--cost"])
                    .env("MEETMEMO_RESOURCES", &checkout.resources),
            )?;
            let wall_s = begin.elapsed().as_secs_f64();
            let (cost, turns) = output.split_once('\n').context("`diarize --cost` printed no cost")?;
            let cost: Value = serde_json::from_str(cost).context("the cost is no JSON")?;
            let found = parse_rttm(turns);
            let wrong = errors(&reference, &found);
            let count = |turns: &[Turn]| testing::diarization_error::speaker_names(turns).len();
            let cpu = cost["cpu_seconds"].as_f64().unwrap_or(f64::NAN) / (samples.len() / RATE) as f64;
            let at_end = cost["end_seconds"].as_f64().unwrap_or(f64::NAN);
            let peak_mb = cost["peak_kb"].as_u64().unwrap_or(0) / 1024;
            println!(
                "{seed:>6}{minutes:>8}{:>8}{:>8}{:>9.3}{:>9.3}{:>10.3}{cpu:>8.3}{at_end:>8.1}{peak_mb:>8}",
                count(&reference),
                count(&found),
                wrong.missed,
                wrong.false_alarm,
                wrong.confusion,
            );
            counted += u64::from(count(&reference) == count(&found));
            confused += wrong.confusion / number as f64;
            met &= cpu <= GOAL_TIME;
            rows.push(json!({
                "seed": seed, "minutes": minutes, "people": count(&reference), "found": count(&found),
                "missed": rounded(wrong.missed), "added": rounded(wrong.false_alarm),
                "confused": rounded(wrong.confusion), "cpu_per_second": rounded(cpu),
                "wall_seconds": rounded(wall_s), "end_seconds": rounded(at_end), "peak_mb": peak_mb,
            }));
            seed += 1;
        }
        let (well, sentence) =
            verdict(&format!("confused, mean of {minutes} minutes"), confused, GOAL_CONFUSED);
        println!("{sentence}");
        met &= well;
        if number >= 10 {
            let share = counted as f64 / number as f64;
            let (well, sentence) =
                verdict_at_least("share with the right number of people", share, GOAL_COUNTED);
            println!("{sentence}");
            met &= well;
        }
    }
    fs::remove_file(&recording).with_context(|| format!("could not remove {}", recording.display()))?;
    write_json(&folder.join("meetings.json"), &json!({"meetings": rows, "met": met}))?;
    Ok(met)
}

/// All people with clips from a close microphone: the panel, and three people of Debian's `pocketsphinx-testdata`. The
/// voices of the meeting excerpts (distant microphones) are left out: beside close ones the network treats them as speech
/// from the next room, which does not happen in a recording from one microphone.
fn people(checkout: &Checkout) -> Result<Vec<Person>> {
    let audio = checkout.root.join("../shared/audio/meeting");
    if !audio.is_dir() {
        bail!("{} is missing", audio.display());
    }
    let mut people: BTreeMap<String, Vec<Vec<f32>>> = BTreeMap::new();
    let panel = audio.join("panel-5-speakers.wav");
    let reference = panel.with_extension("rttm");
    let text =
        fs::read_to_string(&reference).with_context(|| format!("could not read {}", reference.display()))?;
    let samples = samples(&panel);
    for turn in parse_rttm(&text) {
        let at = |seconds: f64| ((seconds * RATE as f64) as usize).min(samples.len());
        let clip = samples[at(turn.start)..at(turn.end)].to_vec();
        people.entry(turn.speaker).or_default().push(clip);
    }
    let clips = testing::clips();
    let reader = clips.iter().map(|clip| self::samples(clip)).collect();
    let folder =
        clips.first().and_then(|clip| clip.parent()?.parent()).context("the clips have no folder")?;
    let cards = (1..=5).map(|number| self::samples(&folder.join(format!("cards/00{number}.wav")))).collect();
    let commands = ["goforward.raw", "numbers.raw", "something.raw"].map(|name| {
        let path = folder.join(name);
        let bytes = fs::read(&path).with_context(|| format!("could not read {}", path.display()))?;
        Ok(of_bytes(&bytes))
    });
    people.insert("reader".to_owned(), reader);
    people.insert("cards".to_owned(), cards);
    people.insert("commands".to_owned(), commands.into_iter().collect::<Result<_>>()?);
    Ok(people.into_iter().map(|(name, clips)| Person { name, clips }).collect())
}

fn samples(wav: &Path) -> Vec<f32> {
    of_bytes(&testing::samples(wav))
}

/// Of 16-bit samples.
fn of_bytes(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|bytes| f32::from(i16::from_le_bytes(*bytes)) / 32_768.0).collect()
}

/// Generates a meeting of about this many seconds; returns its samples and turns.
fn meeting(people: &[Person], seed: u64, seconds: f64) -> (Vec<f32>, Vec<Turn>) {
    let mut random = Random::new(seed);
    let count = random.between(2.0, MAX_PEOPLE.min(people.len()) as f64 + 1.0) as usize;
    let mut order: Vec<usize> = (0..people.len()).collect();
    (0..order.len()).for_each(|i| order.swap(i, random.below(i + 1)));
    // Loudness and share of reverberation of each person.
    let seats: Vec<(usize, f32, f32)> = order[..count]
        .iter()
        .map(|person| (*person, random.between(-9.0, 3.0) as f32, random.between(0.0, 0.4) as f32))
        .collect();
    let echo_s = random.between(0.1, 0.4);
    let noise = 10.0_f32.powf(random.between(-66.0, -46.0) as f32 / 20.0);
    let mut mixed = vec![0.0_f32; (seconds * RATE as f64) as usize];
    let mut turns = Vec::new();
    let (mut at, mut last) = (random.between(0.5, 3.0), usize::MAX);
    while at < seconds {
        let mut seat = random.below(count);
        if seat == last {
            seat = (seat + 1) % count;
        }
        last = seat;
        let (person, gain, wet) = seats[seat];
        let start = at;
        for _ in 0..1 + random.below(3) {
            let person = &people[person];
            let clip = &person.clips[random.below(person.clips.len())];
            let level = (clip.iter().map(|s| s * s).sum::<f32>() / clip.len() as f32).sqrt().max(1e-4);
            let clip: Vec<f32> = clip.iter().map(|s| s * 0.06 / level * 10.0_f32.powf(gain / 20.0)).collect();
            let heard = with_reverberation(&clip, echo_s, wet, &mut random);
            let from = (at * RATE as f64) as usize;
            mixed.iter_mut().skip(from).zip(&heard).for_each(|(into, sample)| *into += sample);
            at += clip.len() as f64 / RATE as f64;
        }
        turns.push(Turn { start, end: at.min(seconds), speaker: people[person].name.clone() });
        // Most people wait for the end of the last turn; some interrupt.
        at += if random.between(0.0, 1.0) < 0.15 {
            -random.between(0.3, 1.5)
        } else {
            random.between(0.05, 1.5)
        };
    }
    mixed.iter_mut().for_each(|sample| *sample += noise * random.between(-1.7, 1.7) as f32);
    (mixed, turns)
}

/// Adds reverberation: thirty echoes at random times within `echo_s`, the later the fainter.
fn with_reverberation(clip: &[f32], echo_s: f64, wet: f32, random: &mut Random) -> Vec<f32> {
    let mut heard = clip.to_vec();
    heard.resize(clip.len() + (echo_s * RATE as f64) as usize + 1, 0.0);
    for _ in 0..30 {
        let delay = random.between(0.003, echo_s);
        let gain = wet * random.between(-1.0, 1.0) as f32 * (-3.0 * delay / echo_s).exp() as f32;
        let from = (delay * RATE as f64) as usize;
        heard[from..].iter_mut().zip(clip).for_each(|(into, sample)| *into += gain * sample);
    }
    heard
}

/// A pseudo-random generator (xorshift64*).
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self((seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn between(&mut self, from: f64, to: f64) -> f64 {
        from + (to - from) * (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, count: usize) -> usize {
        (self.next() >> 33) as usize % count.max(1)
    }
}
