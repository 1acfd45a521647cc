//! Generated meetings whose words are as frequent as those of speech.
//!
//! Word frequencies follow Zipf's law with Mandelbrot's offset, f(r) ∝ 1 / (r + 2.7) (Mandelbrot 1953). The most frequent
//! words are those of spoken English; all others are made of syllables. Each meeting has topics: forty rarer words that
//! it uses often, as meetings do.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};
use store::testing::SpokenMeeting;

/// Number of different words.
const VOCABULARY: usize = 60_000;
/// Words of one segment, on average.
const WORDS_PER_SEGMENT: usize = 15;
/// Topic words of a meeting.
const TOPICS: usize = 40;
/// One word in so many is a topic word.
const TOPIC_EVERY: u64 = 12;

/// The most frequent words of spoken English, roughly in order.
const FREQUENT: &str = "the and i to that you it of a yeah so in we is know like was they but have just this what be do \
    not on for with there think are if well right then can about one or at all okay would my he get really as go going \
    because because mean when out up she your some who how no now people time them from want by good had see could \
    where more other something very actually work little our say make kind way which here did than much thing things \
    back need year years maybe first two also day lot take point over guess only into any these come even still put \
    meeting project team budget week month plan customer report question number money next look today report data new";

/// A generator of pseudo-random numbers: xorshift64* (Vigna 2016).
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    /// A number from 0 up to 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Words with their frequencies.
pub(crate) struct Vocabulary {
    words: Vec<String>,
    /// Sum of the frequencies up to each word.
    cumulative: Vec<f64>,
}

impl Vocabulary {
    pub(crate) fn new() -> Self {
        const SYLLABLES: &[&str] = &[
            "ba", "con", "de", "fer", "ga", "in", "ki", "lo", "mar", "ne", "or", "pla", "qui", "ra", "sta",
            "ter", "un", "ver", "wo", "yel", "zen", "cha", "bri", "sol", "tem", "pro", "gra", "mu", "ti",
            "ex",
        ];
        let mut seen = HashSet::new();
        let mut words: Vec<String> = FREQUENT.split_whitespace().map(str::to_owned).collect();
        words.retain(|word| seen.insert(word.clone()));
        let mut random = Random::new(7);
        while words.len() < VOCABULARY {
            let syllables = 2 + random.below(3);
            let mut word: String = (0..syllables).map(|_| SYLLABLES[random.below(SYLLABLES.len())]).collect();
            word.push_str(["", "", "s", "ed", "ing", "er"][random.below(6)]);
            if seen.insert(word.clone()) {
                words.push(word);
            }
        }
        let mut sum = 0.0;
        let frequency = |rank: usize| 1.0 / (rank as f64 + 2.7);
        let cumulative = (0..words.len())
            .map(|rank| {
                sum += frequency(rank);
                sum
            })
            .collect();
        Self { words, cumulative }
    }

    /// A word, as often as it is spoken.
    pub(super) fn spoken(&self, random: &mut Random) -> &str {
        let at = random.unit() * self.cumulative.last().copied().unwrap_or_default();
        let index = self.cumulative.partition_point(|sum| *sum <= at);
        &self.words[index.min(self.words.len() - 1)]
    }

    /// A word that is not among the most frequent ones.
    pub(super) fn rare(&self, random: &mut Random) -> &str {
        &self.words[1_000 + random.below(self.words.len() - 1_000)]
    }

    /// Meeting `number` of an archive, with `segments` segments.
    pub(crate) fn meeting(&self, number: u32, segments: usize) -> SpokenMeeting {
        let mut random = Random::new(u64::from(number) + 1_000);
        let topics: Vec<&str> = (0..TOPICS).map(|_| self.rare(&mut random)).collect();
        let segments: Vec<String> = (0..segments).map(|_| self.segment(&topics, &mut random)).collect();
        let hours_ago = u64::from(number) * 5 + random.below(5) as u64;
        let speakers = (0..4).map(|_| format!("Person {}", random.below(200))).collect();
        SpokenMeeting {
            title: format!("{} {} {number}", topics[0], topics[1]),
            recorded_at: (SystemTime::now() - Duration::from_secs(hours_ago * 3_600)).into(),
            language: if number.is_multiple_of(10) { "de" } else { "en" }.to_owned(),
            speakers,
            segments,
            note: if number.is_multiple_of(20) { format!("Ask about {}.", topics[2]) } else { String::new() },
        }
    }

    fn segment(&self, topics: &[&str], random: &mut Random) -> String {
        let length = WORDS_PER_SEGMENT / 2 + random.below(WORDS_PER_SEGMENT);
        let mut text = String::with_capacity(length * 6);
        for place in 0..length {
            let word = match random.next() % TOPIC_EVERY {
                0 => topics[random.below(topics.len())],
                _ => self.spoken(random),
            };
            if place == 0 {
                let mut letters = word.chars();
                text.extend(letters.next().into_iter().flat_map(char::to_uppercase));
                text.push_str(letters.as_str());
            } else {
                text.push(' ');
                text.push_str(word);
            }
        }
        text.push('.');
        text
    }
}
