//! Renders a generated meeting of ten hours, 90 000 words and 12 speakers, for `cargo xtask bench export`. Prints what that
//! took as JSON: `seconds`, `peak_kb` (most memory of the process, with the meeting itself), `bytes`. With `text` it
//! prints the meeting instead, as JSON: a list of [name, time, text].
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the output is its purpose")]

use export::{Document, ExportError, ExportOptions, Format, Metadata, Resources, Segment, Source, Speaker};
use serde_json::json;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;
use transcript::{AudioTime, DoubtReason, Span, Word};

const NAMES: [&str; 12] = [
    "Anna Berger",
    "Ben O'Neill",
    "Carla Ruiz",
    "Dmitri",
    "Eve",
    "Frank",
    "Grace",
    "Heidi",
    "Ivan",
    "Judy",
    "Ken",
    "Laura",
];
/// Segments of five seconds.
const SEGMENTS: u32 = 7_200;
const SEGMENT_MS: u32 = 5_000;
/// Words of two segments.
const WORDS: usize = 25;
/// Number of different words: about as many as people use in ten hours.
const VOCABULARY: usize = 6_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let document = meeting();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["text"] => {
            let rows = document.segments.iter().map(|segment| {
                let name = segment.speaker.map_or("", |speaker| NAMES[speaker]);
                json!([name, segment.segment.span.start.to_string(), segment.segment.text])
            });
            println!("{}", json!(rows.collect::<Vec<_>>()));
        }
        [key, fonts, output] => match render(&document, key, Path::new(fonts)) {
            Ok((bytes, seconds)) => {
                if let Err(error) = std::fs::write(output, &bytes) {
                    eprintln!("{output}: {error}");
                    return ExitCode::FAILURE;
                }
                println!("{}", json!({"seconds": seconds, "peak_kb": peak_kb(), "bytes": bytes.len()}));
            }
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
        },
        _ => {
            eprintln!("usage: export_ten_hours text | export_ten_hours FORMAT FONTS OUTPUT");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn render(document: &Document, key: &str, fonts: &Path) -> Result<(Vec<u8>, f64), ExportError> {
    let Some(format) = Format::by_key(key) else { panic!("there is no format {key}") };
    let resources = Resources { fonts, logo: None, audio: None, progress: &|_| true };
    let started = Instant::now();
    let rendered = format.render(document, &ExportOptions::default(), &resources)?;
    Ok((rendered.bytes, started.elapsed().as_secs_f64()))
}

/// Most memory of this process so far, in kB; `None` where /proc does not tell.
fn peak_kb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// A generator of pseudo-random numbers: xorshift64* (Vigna 2016).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as usize % end
    }
}

fn meeting() -> Document {
    let mut random = Random(7);
    let words = vocabulary(&mut random);
    let mut segments = Vec::new();
    let (mut speaker, mut turn) = (0, 0);
    for index in 0..SEGMENTS {
        if turn == 0 {
            (speaker, turn) =
                ((speaker + 1 + random.below(NAMES.len() - 1)) % NAMES.len(), 1 + random.below(8));
        }
        turn -= 1;
        let length = if index % 2 == 0 { 5 + random.below(15) } else { WORDS - last_length(&segments) };
        segments.push(segment(index, length, &words, speaker, &mut random));
    }
    let speakers = NAMES.iter().enumerate().map(|(index, name)| Speaker {
        id: index.to_string(),
        name: (*name).to_owned(),
        number: index as u32 + 1,
        speech_ms: 3_000_000,
        share: 1.0 / NAMES.len() as f64,
        turns: 130,
        words: 7_500,
    });
    Document {
        title: "Ten hours".to_owned(),
        metadata: Metadata {
            file_name: "ten-hours.m4a".to_owned(),
            duration: Some(AudioTime::from_ms(SEGMENTS * SEGMENT_MS)),
            language: Some("English".to_owned()),
            language_tag: Some("en".to_owned()),
            ..Metadata::default()
        },
        source: Source { meeting_id: "ten-hours".to_owned(), ..Source::default() },
        speakers: speakers.collect(),
        turns: segments.iter().filter_map(|one| Some((one.segment.span, one.speaker?))).collect(),
        segments,
        ..Document::default()
    }
}

fn last_length(segments: &[Segment]) -> usize {
    segments.last().map_or(0, |segment| segment.segment.words.len())
}

/// Syllables joined to words.
fn vocabulary(random: &mut Random) -> Vec<String> {
    const SYLLABLES: [&str; 20] = [
        "ba", "con", "de", "fer", "ga", "in", "ki", "lo", "mar", "ne", "or", "pla", "qui", "ra", "sta",
        "ter", "un", "ver", "wo", "tion",
    ];
    let word = |_| (0..1 + random.below(3)).map(|_| SYLLABLES[random.below(SYLLABLES.len())]).collect();
    (0..VOCABULARY).map(word).collect()
}

fn segment(index: u32, length: usize, words: &[String], speaker: usize, random: &mut Random) -> Segment {
    let start = index * SEGMENT_MS;
    let mut spoken = Vec::with_capacity(length);
    for place in 0..length {
        // Three of four words are among the most frequent hundred.
        let word = &words[if random.below(4) > 0 { random.below(100) } else { random.below(words.len()) }];
        let mut text = match place {
            0 => word[..1].to_uppercase() + &word[1..],
            _ => word.clone(),
        };
        if place + 1 == length {
            text.push('.');
        }
        let at = |place: usize| AudioTime::from_ms(start + (SEGMENT_MS - 300) * place as u32 / length as u32);
        let confidence = Some(if random.below(50) == 0 { 0.2 } else { 0.9 });
        spoken.push(Word { start: at(place), end: at(place + 1), text, confidence, estimated: false });
    }
    let text = spoken.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
    let span = Span::new(AudioTime::from_ms(start), AudioTime::from_ms(start + SEGMENT_MS - 300));
    let doubt = (random.below(100) == 0).then_some(DoubtReason::Repetition);
    let segment = transcript::Segment { span, text, words: spoken, doubt };
    Segment { segment, speaker: Some(speaker), also: Vec::new() }
}
