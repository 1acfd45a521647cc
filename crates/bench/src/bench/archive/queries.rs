//! The mixed searches of the benchmark. Half of them are single words drawn as often as they are spoken, so most are very
//! common words; a few chosen words would hide what those cost.

use super::generated_speech::{Random, Vocabulary};
use std::time::{Duration, SystemTime};
use store::{Clause, MeetingQuery, NameFilter, SearchFilters, SearchSort, Term};

/// A kind of search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    SpokenWord,
    RareWord,
    TwoWords,
    ThreeWords,
    Phrase,
    Prefix,
    Without,
    Alternatives,
    Speaker,
    Dates,
    NewestFirst,
}

impl Kind {
    /// Each kind and how many of 500 searches are of it.
    pub(super) const ALL: [(Self, usize); 11] = [
        (Self::SpokenWord, 250),
        (Self::RareWord, 40),
        (Self::TwoWords, 50),
        (Self::ThreeWords, 30),
        (Self::Phrase, 30),
        (Self::Prefix, 30),
        (Self::Without, 15),
        (Self::Alternatives, 15),
        (Self::Speaker, 15),
        (Self::Dates, 15),
        (Self::NewestFirst, 10),
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::SpokenWord => "one word, as often as spoken",
            Self::RareWord => "one rarer word",
            Self::TwoWords => "two words",
            Self::ThreeWords => "three words",
            Self::Phrase => "phrase of two words",
            Self::Prefix => "beginning of a word",
            Self::Without => "a word without another",
            Self::Alternatives => "one word or another",
            Self::Speaker => "said by a speaker",
            Self::Dates => "within 60 days",
            Self::NewestFirst => "one word, newest first",
        }
    }
}

/// All searches, mixed.
pub(super) fn mixed(vocabulary: &Vocabulary, seed: u64) -> Vec<(Kind, MeetingQuery)> {
    let mut random = Random::new(seed);
    let mut queries: Vec<(Kind, MeetingQuery)> = Kind::ALL
        .into_iter()
        .flat_map(|(kind, count)| std::iter::repeat_n(kind, count))
        .map(|kind| (kind, query(kind, vocabulary, &mut random)))
        .collect();
    // Fisher-Yates.
    for last in (1..queries.len()).rev() {
        queries.swap(last, random.below(last + 1));
    }
    queries
}

/// The first page of a search of this kind.
fn query(kind: Kind, vocabulary: &Vocabulary, random: &mut Random) -> MeetingQuery {
    let spoken = |random: &mut Random| vocabulary.spoken(random).to_owned();
    let word = |random: &mut Random| all(vec![Term::Word(spoken(random))]);
    let mut filters = SearchFilters::default();
    let mut sort = SearchSort::Relevance;
    let clauses = match kind {
        Kind::SpokenWord => vec![word(random)],
        Kind::RareWord => vec![all(vec![Term::Word(vocabulary.rare(random).to_owned())])],
        Kind::TwoWords => vec![word(random), word(random)],
        Kind::ThreeWords => vec![word(random), word(random), word(random)],
        Kind::Phrase => vec![all(vec![Term::Phrase(format!("{} {}", spoken(random), spoken(random)))])],
        Kind::Prefix => {
            let word = vocabulary.rare(random);
            let length = 2 + random.below(4);
            vec![all(vec![Term::Prefix(word.chars().take(length).collect())])]
        }
        Kind::Without => {
            let without =
                Clause { negated: true, ..all(vec![Term::Word(vocabulary.rare(random).to_owned())]) };
            vec![word(random), without]
        }
        Kind::Alternatives => {
            vec![all(vec![Term::Word(spoken(random)), Term::Word(vocabulary.rare(random).to_owned())])]
        }
        Kind::Speaker => {
            filters
                .speakers
                .push(NameFilter { name: format!("Person {}", random.below(200)), negated: false });
            vec![word(random)]
        }
        Kind::Dates => {
            let day = 24 * 3_600;
            let from = SystemTime::now() - Duration::from_secs(day * (60 + random.below(300) as u64));
            filters.from = Some(from.into());
            filters.until = Some((from + Duration::from_secs(60 * day)).into());
            vec![word(random)]
        }
        Kind::NewestFirst => {
            sort = SearchSort::Date;
            vec![word(random)]
        }
    };
    MeetingQuery { clauses, filters, sort, offset: 0, limit: 20 }
}

fn all(alternatives: Vec<Term>) -> Clause {
    Clause { negated: false, alternatives }
}
