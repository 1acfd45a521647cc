//! A sentence as the rules of a language see it.

use crate::language::Rules;
use crate::meeting::Meeting;
use crate::patterns::{Class, Words};
use crate::sentences::Sentence;
use crate::tokens::{is_numeric, tokenise};
use std::collections::HashSet;
use std::ops::Range;

/// Names in a meeting.
#[derive(Debug)]
pub(crate) struct People {
    /// The words of each speaker's name in lower case, with the index of the speaker.
    speakers: Vec<(Vec<String>, usize)>,
    /// Words that somewhere begin with a small letter, so that their capital elsewhere makes no name.
    lower: HashSet<String>,
}

impl People {
    /// The speakers of `meeting`, and what its sentences tell about other names.
    pub(crate) fn new(meeting: &Meeting, sentences: &[Sentence]) -> Self {
        let words = |name: &str| tokenise(name).into_iter().map(|token| token.word).collect::<Vec<_>>();
        let speakers =
            meeting.speakers.iter().enumerate().map(|(index, speaker)| (words(&speaker.name), index));
        let lower = sentences.iter().flat_map(|sentence| &sentence.tokens).filter(|token| !token.capital);
        Self {
            speakers: speakers.filter(|speaker| !speaker.0.is_empty()).collect(),
            lower: lower.map(|token| token.word.clone()).collect(),
        }
    }
}

/// A sentence with the rules that are applied to it.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub sentence: &'a Sentence,
    pub rules: &'a Rules,
    people: &'a People,
    start: usize,
}

impl<'a> View<'a> {
    /// A view of `sentence`.
    pub(crate) fn new(sentence: &'a Sentence, rules: &'a Rules, people: &'a People) -> Self {
        let mut view = Self { sentence, rules, people, start: 0 };
        let tokens = &sentence.tokens;
        view.start = tokens.iter().take_while(|token| rules.is_lead_in(&token.word)).count();
        if view.start == tokens.len() {
            view.start = 0;
        }
        view
    }

    /// The text of some words.
    pub(crate) fn text(&self, words: Range<usize>) -> &'a str {
        let tokens = &self.sentence.tokens;
        &self.sentence.text[tokens[words.start].range.start..tokens[words.end - 1].range.end]
    }

    /// The speaker whom words name.
    pub(crate) fn speaker(&self, words: Range<usize>) -> Option<usize> {
        self.speaker_at(words.start).map(|(_, speaker)| speaker)
    }

    /// How many words from `index` name a speaker, and whom.
    fn speaker_at(&self, index: usize) -> Option<(usize, usize)> {
        let tokens = &self.sentence.tokens[index..];
        let full = |name: &[String]| {
            name.len() <= tokens.len() && name.iter().zip(tokens).all(|(part, token)| *part == token.word)
        };
        let first = |name: &[String]| {
            // “Speaker 2” is nobody's first name.
            name[0] == tokens[0].word && tokens[0].capital && !name.iter().any(|part| is_numeric(part))
        };
        let speakers = &self.people.speakers;
        speakers
            .iter()
            .find(|(name, _)| full(name))
            .map(|(name, speaker)| (name.len(), *speaker))
            .or_else(|| speakers.iter().find(|(name, _)| first(name)).map(|(_, speaker)| (1, *speaker)))
    }

    /// How many words from `index` are the name of someone who does not speak.
    fn other_name(&self, index: usize) -> Option<usize> {
        let is_name = |index: usize| {
            self.sentence.tokens.get(index).is_some_and(|token| {
                token.capital
                    && token.word.chars().count() >= 3
                    && !self.rules.is_stop_word(&token.word)
                    && !self.people.lower.contains(&token.word)
                    && !self.rules.units.contains(&self.sentence.stems[index])
            })
        };
        if self.rules.capital_nouns || !is_name(index) || self.rules.dates.match_at(self, index).is_some() {
            return None;
        }
        Some(1 + usize::from(is_name(index + 1)))
    }

    /// The words of dates that are not in the past, in order, each the longest.
    pub(crate) fn dates(&self) -> Vec<Range<usize>> {
        self.ranges(|index| {
            let past = self.rules.past_dates.match_at(self, index).map_or(0, |found| found.words.len());
            self.rules.dates.match_at(self, index).map(|found| found.words).filter(|words| words.len() > past)
        })
    }

    /// The words of all dates, also of the past.
    pub(crate) fn all_dates(&self) -> Vec<Range<usize>> {
        self.ranges(|index| {
            let past = self.rules.past_dates.match_at(self, index);
            self.rules.dates.match_at(self, index).or(past).map(|found| found.words)
        })
    }

    /// The words of numbers: by themselves, or before a unit.
    pub(crate) fn numbers(&self) -> Vec<Range<usize>> {
        self.ranges(|index| {
            let word = self.word(index);
            let unit = self.sentence.stems.get(index + 1).is_some_and(|next| self.rules.units.contains(next));
            (self.rules.is_number(word) || (unit && self.rules.is_small_number(word)))
                .then(|| index..index + 1)
        })
    }

    /// By when, as it is said: the first date after a word such as “by”, else the first date.
    pub(crate) fn due(&self) -> Option<&'a str> {
        let dates = self.dates();
        let after_due =
            |words: &&Range<usize>| words.start > 0 && self.rules.due.contains(self.word(words.start - 1));
        dates.iter().find(after_due).or(dates.first()).map(|words| self.text(words.clone()))
    }

    /// Whether the sentence ends with a question mark.
    pub(crate) fn asks(&self) -> bool {
        self.sentence.text.ends_with(['?', '？', '؟'])
    }

    fn ranges(&self, find: impl Fn(usize) -> Option<Range<usize>>) -> Vec<Range<usize>> {
        let mut all: Vec<Range<usize>> = Vec::new();
        let mut index = 0;
        while index < self.len() {
            match find(index) {
                Some(words) => {
                    index = words.end;
                    all.push(words);
                }
                None => index += 1,
            }
        }
        all
    }
}

impl Words for View<'_> {
    fn len(&self) -> usize {
        self.sentence.tokens.len()
    }

    fn word(&self, index: usize) -> &str {
        &self.sentence.tokens[index].word
    }

    fn is_stop_word(&self, index: usize) -> bool {
        self.rules.is_stop_word(self.word(index))
    }

    fn start(&self) -> usize {
        self.start
    }

    fn class(&self, class: Class, index: usize) -> Option<usize> {
        match class {
            Class::Person => {
                self.speaker_at(index).map(|(length, _)| length).or_else(|| self.other_name(index))
            }
            Class::Action => self.rules.actions.contains(&self.sentence.stems[index]).then_some(1),
            Class::Date => self.rules.dates.match_at(self, index).map(|found| found.words.len()),
            Class::Number => {
                let word = self.word(index);
                (self.rules.is_number(word) || self.rules.is_small_number(word)).then_some(1)
            }
        }
    }
}
