//! What is known about a language: its words and rules from `data/<tag>.json`, and its stemmer.
//!
//! To add a language, write one such file and one row of [`RULES`].

use crate::patterns::Patterns;
use crate::tokens::{is_numeric, tokenise};
use rust_stemmers::{Algorithm, Stemmer};
use serde::Deserialize;
use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

type Row = (&'static str, LazyLock<Rules>);

macro_rules! row {
    ($tag:literal) => {
        ($tag, LazyLock::new(|| Rules::parse($tag, include_str!(concat!("../data/", $tag, ".json")))))
    };
}

/// The languages with rules.
static RULES: [Row; 7] = [row!("en"), row!("de"), row!("fr"), row!("es"), row!("it"), row!("pt"), row!("nl")];

/// Snowball stemmers, by the primary subtag of the language.
const STEMMERS: [(&str, Algorithm); 18] = [
    ("ar", Algorithm::Arabic),
    ("da", Algorithm::Danish),
    ("de", Algorithm::German),
    ("el", Algorithm::Greek),
    ("en", Algorithm::English),
    ("es", Algorithm::Spanish),
    ("fi", Algorithm::Finnish),
    ("fr", Algorithm::French),
    ("hu", Algorithm::Hungarian),
    ("it", Algorithm::Italian),
    ("nl", Algorithm::Dutch),
    ("no", Algorithm::Norwegian),
    ("pt", Algorithm::Portuguese),
    ("ro", Algorithm::Romanian),
    ("ru", Algorithm::Russian),
    ("sv", Algorithm::Swedish),
    ("ta", Algorithm::Tamil),
    ("tr", Algorithm::Turkish),
];

/// Titles of the sections of an extract.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Titles {
    pub key_sentences: String,
    pub topics: String,
    pub decisions: String,
    pub tasks: String,
    pub questions: String,
    pub numbers: String,
}

/// A language file as it is written. Words stand in one text with spaces between them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    titles: Titles,
    /// Frequent words that say nothing about the subject.
    stop_words: String,
    /// Sounds and words without content, which are left out at the beginning of a statement.
    fillers: String,
    /// Further words before the sentence proper; `^` in a pattern skips them.
    lead_ins: String,
    /// Words before a full stop that ends no sentence.
    abbreviations: String,
    /// Verbs for things that can be done, in the forms in which people promise them.
    actions: String,
    /// Numbers that count by themselves. `*hundred` stands for every word that contains `hundred`.
    numbers: String,
    /// Numbers that count only before a unit.
    small_numbers: String,
    units: String,
    /// The first person singular, which small talk is full of.
    personal: String,
    /// Words before the date by which something is due.
    due: String,
    /// Whether nouns begin with a capital, so that capitals tell nothing about names.
    capital_nouns: bool,
    sets: BTreeMap<String, String>,
    /// Greetings and small talk.
    small_talk: Vec<String>,
    agreement: Vec<String>,
    /// Answers that leave a question open.
    no_answer: Vec<String>,
    dates: Vec<String>,
    past_dates: Vec<String>,
    decisions: Vec<String>,
    no_decisions: Vec<String>,
    tasks: TaskFile,
    no_tasks: Vec<String>,
    questions: Vec<String>,
    no_questions: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TaskFile {
    /// The speaker promises it.
    speaker: Vec<String>,
    /// It is given to `<person>`.
    person: Vec<String>,
    /// The owner is the person who answers.
    listener: Vec<String>,
    /// Nobody is named.
    open: Vec<String>,
}

/// Rules and words of a language.
#[derive(Debug)]
pub(crate) struct Rules {
    pub titles: Titles,
    pub stop_words: HashSet<String>,
    pub fillers: HashSet<String>,
    pub lead_ins: HashSet<String>,
    pub abbreviations: HashSet<String>,
    /// Stems.
    pub actions: HashSet<String>,
    numbers: HashSet<String>,
    parts_of_numbers: Vec<String>,
    small_numbers: HashSet<String>,
    /// Stems.
    pub units: HashSet<String>,
    pub personal: HashSet<String>,
    pub due: HashSet<String>,
    pub capital_nouns: bool,
    pub small_talk: Patterns,
    pub agreement: Patterns,
    pub no_answer: Patterns,
    pub dates: Patterns,
    pub past_dates: Patterns,
    pub decisions: Patterns,
    pub no_decisions: Patterns,
    pub speaker_tasks: Patterns,
    pub person_tasks: Patterns,
    pub listener_tasks: Patterns,
    pub open_tasks: Patterns,
    pub no_tasks: Patterns,
    pub questions: Patterns,
    pub no_questions: Patterns,
}

impl Rules {
    fn parse(tag: &str, json: &str) -> Self {
        Self::try_parse(tag, json).unwrap_or_else(|error| panic!("data/{tag}.json is valid: {error}"))
    }

    fn try_parse(tag: &str, json: &str) -> Result<Self, String> {
        let file: File = serde_json::from_str(json).map_err(|error| error.to_string())?;
        let set = |words: &str| words.split_whitespace().map(str::to_owned).collect::<HashSet<_>>();
        let stemmer = stemmer(tag);
        let stems = |words: &str| words.split_whitespace().map(|word| stem(stemmer.as_ref(), word)).collect();
        let patterns = |lines: &[String]| Patterns::parse(lines, &file.sets);
        let (parts, numbers) = file.numbers.split_whitespace().partition::<Vec<_>, _>(|w| w.starts_with('*'));
        Ok(Self {
            stop_words: set(&file.stop_words),
            fillers: set(&file.fillers),
            lead_ins: set(&file.lead_ins),
            abbreviations: set(&file.abbreviations),
            actions: stems(&file.actions),
            numbers: numbers.into_iter().map(str::to_owned).collect(),
            parts_of_numbers: parts.into_iter().map(|part| part[1..].to_owned()).collect(),
            small_numbers: set(&file.small_numbers),
            units: stems(&file.units),
            personal: set(&file.personal),
            due: set(&file.due),
            capital_nouns: file.capital_nouns,
            small_talk: patterns(&file.small_talk)?,
            agreement: patterns(&file.agreement)?,
            no_answer: patterns(&file.no_answer)?,
            dates: patterns(&file.dates)?,
            past_dates: patterns(&file.past_dates)?,
            decisions: patterns(&file.decisions)?,
            no_decisions: patterns(&file.no_decisions)?,
            speaker_tasks: patterns(&file.tasks.speaker)?,
            person_tasks: patterns(&file.tasks.person)?,
            listener_tasks: patterns(&file.tasks.listener)?,
            open_tasks: patterns(&file.tasks.open)?,
            no_tasks: patterns(&file.no_tasks)?,
            questions: patterns(&file.questions)?,
            no_questions: patterns(&file.no_questions)?,
            titles: file.titles,
        })
    }

    /// Whether a word is a number by itself.
    pub(crate) fn is_number(&self, word: &str) -> bool {
        is_numeric(word)
            || self.numbers.contains(word)
            || self.parts_of_numbers.iter().any(|part| word.contains(part.as_str()))
    }

    /// Whether a word is a number only before a unit.
    pub(crate) fn is_small_number(&self, word: &str) -> bool {
        self.small_numbers.contains(word)
    }

    /// Whether a word comes before the sentence proper.
    pub(crate) fn is_lead_in(&self, word: &str) -> bool {
        self.fillers.contains(word) || self.lead_ins.contains(word)
    }

    /// Whether a word says nothing about the subject.
    pub(crate) fn is_stop_word(&self, word: &str) -> bool {
        self.stop_words.contains(word) || self.is_lead_in(word)
    }
}

/// The language of a meeting.
pub(crate) struct Language {
    /// BCP 47 tag; `None` if it is not given and cannot be guessed.
    pub tag: Option<String>,
    /// `None` for languages without rules.
    pub rules: Option<&'static Rules>,
    stemmer: Option<Stemmer>,
}

/// Words of a transcript that are read to guess its language.
const GUESS_WORDS: usize = 5_000;
/// Share of stop words above which a language is accepted as guessed. In each of the seven languages about half of all
/// spoken words are stop words.
const GUESS_SHARE: f64 = 0.25;

impl Language {
    /// The language with this BCP 47 tag. If there is no tag, the language with rules that has the most stop words in
    /// `texts`.
    pub(crate) fn new<'a>(tag: Option<&str>, texts: impl Iterator<Item = &'a str>) -> Self {
        let told = tag.map(str::trim).filter(|tag| !tag.is_empty() && !tag.eq_ignore_ascii_case("und"));
        let tag = told.map(str::to_owned).or_else(|| guess(texts).map(str::to_owned));
        let primary = tag.as_deref().map(primary_subtag).unwrap_or_default();
        let rules = RULES.iter().find(|row| row.0 == primary).map(|row| &*row.1);
        Self { stemmer: stemmer(&primary), rules, tag }
    }

    /// Titles of sections: in this language if it has rules, else in English.
    pub(crate) fn titles(&self) -> &'static Titles {
        &self.rules.unwrap_or(&RULES[0].1).titles
    }

    /// The stem of a word in lower case; the word itself where there is no stemmer.
    pub(crate) fn stem(&self, word: &str) -> String {
        stem(self.stemmer.as_ref(), word)
    }
}

fn primary_subtag(tag: &str) -> String {
    tag.split(['-', '_']).next().unwrap_or_default().to_lowercase()
}

fn stemmer(primary: &str) -> Option<Stemmer> {
    STEMMERS.iter().find(|row| row.0 == primary).map(|row| Stemmer::create(row.1))
}

fn stem(stemmer: Option<&Stemmer>, word: &str) -> String {
    stemmer.map_or_else(|| word.to_owned(), |stemmer| stemmer.stem(word).into_owned())
}

fn guess<'a>(texts: impl Iterator<Item = &'a str>) -> Option<&'static str> {
    let words: Vec<String> = texts.flat_map(tokenise).map(|token| token.word).take(GUESS_WORDS).collect();
    let share = |rules: &Rules| {
        let count = words.iter().filter(|word| rules.stop_words.contains(*word)).count();
        count as f64 / words.len().max(1) as f64
    };
    RULES
        .iter()
        .map(|row| (share(&row.1), row.0))
        // The first of equal candidates.
        .reduce(|best, next| if next.0 > best.0 { next } else { best })
        .filter(|best| best.0 >= GUESS_SHARE)
        .map(|best| best.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_file_can_be_read_and_has_every_list() {
        for row in &RULES {
            let rules = &*row.1;
            assert!(rules.stop_words.len() > 100, "{}", row.0);
            assert!(rules.actions.len() > 30, "{}", row.0);
            assert!(!rules.titles.questions.is_empty());
        }
    }

    #[test]
    fn a_tag_names_rules_and_a_stemmer() {
        for (tag, rules, stem) in [
            ("en-GB", true, "send"),
            ("pt_BR", true, "sending"),
            ("ru", false, "sending"),
            ("zh", false, "sending"),
        ] {
            let language = Language::new(Some(tag), std::iter::empty());
            assert_eq!(language.rules.is_some(), rules, "{tag}");
            assert_eq!(language.stem("sending") == "send", stem == "send", "{tag}");
        }
    }

    #[test]
    fn an_unknown_language_is_guessed_from_frequent_words() {
        for (text, tag) in [
            ("Ich habe das nicht gewusst, aber wir können es noch ändern.", Some("de")),
            ("We did not know about it, but there is still time to change that.", Some("en")),
            ("Je ne sais pas si nous pouvons le faire avec les autres.", Some("fr")),
            ("今天我们讨论一下预算。", None),
            ("", None),
        ] {
            assert_eq!(Language::new(Some("und"), std::iter::once(text)).tag.as_deref(), tag, "{text}");
        }
    }
}
