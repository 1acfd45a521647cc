//! A generated meeting of any length.

use std::time::Duration;
use summary::{Meeting, Segment, Speaker};
use transcript::{AudioTime, Span};

/// Words that English speech consists of to a half.
const FREQUENT: [&str; 24] = [
    "the", "and", "to", "we", "of", "that", "it", "is", "in", "you", "a", "for", "on", "this", "have", "be",
    "with", "they", "at", "not", "are", "as", "but", "do",
];
/// Different words besides.
const VOCABULARY: usize = 12_000;

/// Time that this thread has computed. Other programs on a busy computer do not lengthen it.
pub(crate) fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// A meeting of four speakers with `sentences` sentences in English, about 20 subjects one after the other.
pub(crate) fn meeting(sentences: usize, seed: u64) -> Meeting {
    let mut state = seed;
    let mut random = move |below: usize| {
        // Constants of Knuth's MMIX generator.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) as usize) % below
    };
    let names = ["Anna", "Ben", "Carla", "David"];
    let speakers = names.map(|name| Speaker { id: name.to_lowercase(), name: name.to_owned() }).to_vec();
    let mut segments = Vec::new();
    let mut time = AudioTime::ZERO;
    for index in 0..sentences {
        let subject = index * 20 / sentences;
        let mut words: Vec<String> = Vec::new();
        for _ in 0..4 + random(10) {
            // Rank by Zipf's law: the rank is a power of the vocabulary, evenly distributed.
            let rank = (VOCABULARY as f64).powf(random(10_000) as f64 / 10_000.0) as usize;
            words.push(match random(10) {
                0..5 => FREQUENT[random(FREQUENT.len())].to_owned(),
                5..8 => format!("word{rank}x"),
                _ => format!("subject{subject}x{}", rank % 40),
            });
        }
        match random(40) {
            0 => words.splice(0..0, ["We", "decided", "that"].map(str::to_owned)).for_each(drop),
            1 => words.splice(0..0, ["I'll", "send"].map(str::to_owned)).for_each(drop),
            2 => words.push(format!("{} percent", random(100))),
            _ => {}
        }
        let end = time.plus_ms(350 * words.len() as u32);
        segments.push(Segment {
            id: format!("segment-{index}"),
            span: Span::new(time, end),
            text: format!("{}.", words.join(" ")),
            speaker: Some(random(4)),
        });
        time = end.plus_ms(200);
    }
    Meeting { segments, speakers, language: Some("en".to_owned()) }
}
