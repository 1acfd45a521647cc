//! Finds the passages that a language model cites, and checks whether they can support its statements.
//!
//! A model names segments and quotes words. Neither is believed: the quote is looked for in these segments and their
//! neighbours, and numbers, names and dates of the statement are looked for around the passage. A statement that fails is
//! kept and marked as [`Support::NotFound`]. One that passes is not proved: its source exists and does not contradict it in
//! what can be compared.

use crate::language::Language;
use crate::meeting::Meeting;
use crate::sentences::sentences;
use crate::summary::{Source, Statement, Support};
use crate::tokens::{Token, is_numeric, is_unspaced_word, tokenise};
use crate::view::{People, View};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range;

/// Segments before and after a cited one in which its quote may stand: models often name the wrong end of a passage.
const NEIGHBOURS: usize = 1;
/// Segments before and after the passage in which numbers, names and dates of the statement may stand.
const CONTEXT: usize = 2;
/// Share of the words of a quote that must occur in order.
const MIN_SHARE: f64 = 0.6;
/// A quote of fewer words must occur exactly.
const MIN_WORDS: usize = 4;
/// A quote of more words must occur exactly, too: it is hardly one, and comparing it costs too much.
const MAX_WORDS: usize = 200;
/// A passage is at most this much longer than its quote.
const MAX_STRETCH: f64 = 1.5;
/// Words that share this many first letters count as forms of one word, for names with endings (“Müllers”).
const PREFIX_LETTERS: usize = 4;

/// What a model says, and where it says it found it.
#[derive(Debug, Clone, Default)]
pub struct Claim {
    /// The statement.
    pub text: String,
    /// Ids of segments; those that do not exist are ignored.
    pub segment_ids: Vec<String>,
    /// Words that are said to stand there.
    pub quote: String,
    /// Who does it.
    pub owner: Option<String>,
    /// By when.
    pub due: Option<String>,
}

/// The words of a meeting, ready to look claims up.
pub struct Citations<'a> {
    meeting: &'a Meeting,
    language: Language,
    people: People,
    /// Words of each segment.
    tokens: Vec<Vec<Token>>,
    by_id: HashMap<&'a str, usize>,
    /// Words that begin with a capital within a sentence.
    names: HashSet<String>,
    /// All words.
    words: HashSet<String>,
}

impl<'a> Citations<'a> {
    /// Prepares `meeting`.
    pub fn new(meeting: &'a Meeting) -> Self {
        let texts = meeting.segments.iter().map(|segment| segment.text.as_str());
        let language = Language::new(meeting.language.as_deref(), texts.clone());
        let sentences = sentences(meeting, &language);
        let within = sentences.iter().flat_map(|sentence| sentence.tokens.iter().skip(1));
        let names = within.filter(|token| token.capital).map(|token| token.word.clone()).collect();
        let tokens: Vec<Vec<Token>> = texts.map(tokenise).collect();
        Self {
            people: People::new(meeting, &sentences),
            words: tokens.iter().flatten().map(|token| token.word.clone()).collect(),
            by_id: meeting
                .segments
                .iter()
                .enumerate()
                .map(|(at, segment)| (segment.id.as_str(), at))
                .collect(),
            names,
            tokens,
            language,
            meeting,
        }
    }

    /// The claim as a statement: with its sources, or marked as not found.
    pub fn cite(&self, claim: &Claim) -> Statement {
        let passage = self.find(&claim.segment_ids, &claim.quote);
        let sources = passage.as_deref().map(|words| self.sources(words)).unwrap_or_default();
        let supported = match (passage.as_deref(), claim.text.trim().is_empty()) {
            (Some([first, .., last]), false) => self.supports(first.0, last.0, claim),
            (Some([only]), false) => self.supports(only.0, only.0, claim),
            _ => false,
        };
        Statement {
            text: transcript::single_line(&claim.text),
            support: if supported { Support::Found } else { Support::NotFound },
            sources,
            owner: claim.owner.clone(),
            due: claim.due.clone(),
            edited: false,
        }
    }

    /// The words of the passage that `quote` stands for, as (segment, word); `None` if there is none.
    fn find(&self, segment_ids: &[String], quote: &str) -> Option<Vec<(usize, usize)>> {
        let quote: Vec<String> = tokenise(quote).into_iter().map(|token| token.word).collect();
        let cited: BTreeSet<usize> =
            segment_ids.iter().filter_map(|id| self.by_id.get(id.as_str()).copied()).collect();
        if quote.is_empty() {
            return None;
        }
        let last = self.tokens.len().saturating_sub(1);
        let near: BTreeSet<usize> = cited
            .iter()
            .flat_map(|&at| at.saturating_sub(NEIGHBOURS)..=(at + NEIGHBOURS).min(last))
            .collect();
        // Passages may not skip segments, so each run of neighbouring ones is searched by itself.
        let mut runs: Vec<Vec<(usize, usize)>> = Vec::new();
        let mut previous = None;
        for segment in near {
            if previous.is_none_or(|previous| previous + 1 != segment) {
                runs.push(Vec::new());
            }
            previous = Some(segment);
            if let Some(run) = runs.last_mut() {
                run.extend((0..self.tokens[segment].len()).map(|word| (segment, word)));
            }
        }
        let distance = |words: &[(usize, usize)]| {
            let start = self.meeting.segments[words[0].0].span.start.as_ms();
            let far = |at: &usize| self.meeting.segments[*at].span.start.as_ms().abs_diff(start);
            cited.iter().map(far).min().unwrap_or(u32::MAX)
        };
        // Of equally good passages the one nearest to a cited segment, then the earlier one.
        runs.iter()
            .flat_map(|run| {
                self.matches(run, &quote).into_iter().map(|(count, words)| (count, run[words].to_vec()))
            })
            .reduce(|best, next| {
                let better = next.0 > best.0
                    || (next.0 == best.0
                        && (distance(&next.1), next.1.len()) < (distance(&best.1), best.1.len()));
                if better { next } else { best }
            })
            .map(|(_, words)| words)
    }

    /// All passages of `run` that have enough words of `quote` in order, each with how many.
    fn matches(&self, run: &[(usize, usize)], quote: &[String]) -> Vec<(usize, Range<usize>)> {
        let word = |at: usize| self.tokens[run[at].0][run[at].1].word.as_str();
        let length = quote.len();
        let exact = (0..run.len().saturating_sub(length - 1))
            .filter(|&start| (0..length).all(|at| word(start + at) == quote[at]))
            .map(|start| (length, start..start + length))
            .collect::<Vec<_>>();
        if !exact.is_empty() || !(MIN_WORDS..=MAX_WORDS).contains(&length) {
            return exact;
        }
        let needed = (length as f64 * MIN_SHARE).ceil() as usize;
        let longest = (length as f64 * MAX_STRETCH).ceil() as usize;
        (0..run.len())
            .filter(|&start| quote.iter().any(|quoted| quoted == word(start)))
            .filter_map(|start| {
                let window: Vec<&str> = (start..(start + longest).min(run.len())).map(word).collect();
                let (count, end) = common_words(quote, &window);
                (count >= needed).then_some((count, start..start + end))
            })
            .collect()
    }

    /// The words as sources, one for each segment.
    fn sources(&self, words: &[(usize, usize)]) -> Vec<Source> {
        words
            .chunk_by(|a, b| a.0 == b.0)
            .map(|words| {
                let (segment, first) = words[0];
                let last = words[words.len() - 1].1;
                let tokens = &self.tokens[segment];
                let range = tokens[first].range.start..tokens[last].range.end;
                let segment = &self.meeting.segments[segment];
                Source {
                    segment_id: segment.id.clone(),
                    start_ms: segment.span.start.as_ms(),
                    end_ms: segment.span.end.as_ms(),
                    quote: segment.text[range].to_owned(),
                }
            })
            .collect()
    }

    /// Whether numbers, names and dates of a claim occur around the segments `first` to `last`.
    fn supports(&self, first: usize, last: usize, claim: &Claim) -> bool {
        let around = first.saturating_sub(CONTEXT)..(last + CONTEXT + 1).min(self.tokens.len());
        let mut near = Near::default();
        for segment in around {
            near.add(&self.tokens[segment], &self.language);
            if let Some(name) = self.meeting.speaker_name(self.meeting.segments[segment].speaker) {
                near.add(&tokenise(name), &self.language);
            }
        }
        let due = claim.due.as_deref().unwrap_or_default();
        let owner = claim.owner.as_deref().unwrap_or_default();
        self.checkable(&claim.text).iter().all(|word| near.has(word, &self.language))
            && tokenise(owner).iter().all(|token| near.has(&token.word, &self.language))
            && tokenise(due)
                .iter()
                .all(|token| self.is_stop_word(&token.word) || near.has(&token.word, &self.language))
    }

    fn is_stop_word(&self, word: &str) -> bool {
        self.language.rules.is_some_and(|rules| rules.is_stop_word(word))
    }

    /// The words of a statement that must not be invented: numbers, names, dates.
    fn checkable(&self, text: &str) -> Vec<String> {
        let tokens = tokenise(text);
        let mut words: Vec<String> = Vec::new();
        for (at, token) in tokens.iter().enumerate() {
            let word = &token.word;
            let starts = at == 0
                || (text[tokens[at - 1].range.end..token.range.start].contains(['.', '!', '?', ':'])
                    && !is_numeric(&tokens[at - 1].word));
            let number = is_numeric(word)
                || self.language.rules.is_some_and(|rules| {
                    !rules.is_stop_word(word) && (rules.is_number(word) || rules.is_small_number(word))
                });
            // A capital at the beginning of a sentence makes a name only of a word that is one elsewhere, or that
            // nobody said and that is followed as names are.
            let name = token.capital
                && !self.is_stop_word(word)
                && !is_unspaced_word(word)
                && (!starts
                    || self.names.contains(word)
                    || (!self.words.contains(word) && self.addresses(text, &tokens[at..])));
            if number || name || self.is_speaker(word) {
                words.push(word.clone());
            }
        }
        words.extend(self.dates(text));
        words
    }

    /// Whether the first of `tokens` is followed as a name is at the beginning of a sentence: by a comma, another name, a
    /// verb such as “will”, or one for something that can be done.
    fn addresses(&self, text: &str, tokens: &[Token]) -> bool {
        let Some(next) = tokens.get(1) else { return false };
        let action =
            self.language.rules.is_some_and(|rules| rules.actions.contains(&self.language.stem(&next.word)));
        text[tokens[0].range.end..].starts_with(',')
            || next.capital
            || action
            || self.is_stop_word(&next.word)
    }

    fn is_speaker(&self, word: &str) -> bool {
        let speakers = &self.meeting.speakers;
        speakers.iter().any(|speaker| {
            let name = tokenise(&speaker.name);
            name.iter()
                .any(|part| part.word == word && part.capital && !name.iter().any(|p| is_numeric(&p.word)))
        }) && !self.is_stop_word(word)
    }

    /// The words of dates, without stop words.
    fn dates(&self, text: &str) -> Vec<String> {
        let Some(rules) = self.language.rules else { return Vec::new() };
        let tokens = tokenise(text);
        let stems = tokens.iter().map(|token| self.language.stem(&token.word)).collect();
        let sentence = crate::sentences::Sentence {
            text: text.to_owned(),
            pieces: Vec::new(),
            speaker: None,
            span: transcript::Span::default(),
            tokens,
            stems,
        };
        let view = View::new(&sentence, rules, &self.people);
        let words = view.all_dates().into_iter().flatten().map(|at| sentence.tokens[at].word.clone());
        words.filter(|word| !rules.is_stop_word(word)).collect()
    }
}

/// Words around a passage.
#[derive(Default)]
struct Near {
    words: HashSet<String>,
    stems: HashSet<String>,
    /// Numbers without the marks between groups of digits.
    numbers: HashSet<String>,
}

impl Near {
    fn add(&mut self, tokens: &[Token], language: &Language) {
        for Token { word, .. } in tokens {
            self.stems.insert(language.stem(word));
            if is_numeric(word) {
                self.numbers.insert(digits(word));
            }
            self.words.insert(word.clone());
        }
    }

    fn has(&self, word: &str, language: &Language) -> bool {
        if is_numeric(word) {
            return self.numbers.contains(&digits(word));
        }
        let long = word.chars().count() > PREFIX_LETTERS;
        let prefix: String =
            word.chars().take(word.chars().count().saturating_sub(2).max(PREFIX_LETTERS)).collect();
        self.words.contains(word)
            || self.stems.contains(&language.stem(word))
            || (long && self.words.iter().any(|near| near.starts_with(&prefix)))
    }
}

/// A number in the form in which numbers are compared: `1,200` and `1.200` are `1200`; `3.5` and `3,5` are `3.5`; `12th`
/// is `12`.
fn digits(word: &str) -> String {
    let number = word.trim_end_matches(char::is_alphabetic);
    let parts: Vec<&str> = number.split(['.', ',', '\u{a0}']).collect();
    let grouped = parts.len() > 1 && parts[1..].iter().all(|part| part.len() == 3);
    if grouped { parts.concat() } else { parts.join(".") }
}

/// Length of the longest common subsequence of `quote` and `window` that begins with the first word of `window`, and the
/// words of `window` up to its end.
fn common_words(quote: &[String], window: &[&str]) -> (usize, usize) {
    // lengths[i][j]: of the first i words of the quote and the first j of the window.
    let mut row = vec![0_usize; window.len() + 1];
    for word in quote {
        let mut diagonal = 0;
        for at in 1..row.len() {
            let above = row[at];
            row[at] = if word == window[at - 1] { diagonal + 1 } else { above.max(row[at - 1]) };
            diagonal = above;
        }
    }
    let best = row[window.len()];
    let end = row.iter().position(|&count| count == best).unwrap_or(0);
    (best, end)
}

#[cfg(test)]
mod tests;
