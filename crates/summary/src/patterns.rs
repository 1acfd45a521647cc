//! Small patterns over words, as the language files write them.
//!
//! A pattern is a sequence of words with spaces between them:
//!
//! | written | matches |
//! |---|---|
//! | `word` | this word, in lower case |
//! | `word*` | a word that begins so |
//! | `*word` | a word that ends so and is no stop word |
//! | `(a|b c|)` | one of the alternatives; the last one here is empty |
//! | `{name}` | the text of this name in `sets` of the file |
//! | `..` | up to three words |
//! | `^` | the beginning of the sentence; fillers and words such as “so” may come before |
//! | `^^` | the very beginning |
//! | `<person>`, `<action>`, `<date>`, `<number>` | a name; a verb of `actions`; a date; a number |
//!
//! A pattern that ends in `?` is only a hint: it needs further evidence, see [`crate::cues`].

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

/// Words that `..` may skip.
const MAX_GAP: usize = 3;
/// Alternatives that one pattern may expand to; a guard against mistakes in language files.
const MAX_EXPANSIONS: usize = 4000;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    Word(String),
    Prefix(String),
    Suffix(String),
    Gap,
    Start,
    FirstWord,
    Class(Class),
}

/// What a word in angle brackets stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Someone's name.
    Person,
    /// A verb for something that can be done.
    Action,
    /// A day or another point in time.
    Date,
    /// A number.
    Number,
}

/// What a pattern is compared with.
pub(crate) trait Words {
    /// Number of words.
    fn len(&self) -> usize;
    /// A word in lower case.
    fn word(&self, index: usize) -> &str;
    /// Whether a word says nothing about the subject.
    fn is_stop_word(&self, index: usize) -> bool;
    /// Index of the first word of the sentence proper.
    fn start(&self) -> usize;
    /// How many words from `index` are one of `class`; `None` if the word there is not.
    fn class(&self, class: Class, index: usize) -> Option<usize>;
}

/// Where a pattern matched.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Match {
    /// The words.
    pub words: Range<usize>,
    /// Whether the pattern is only a hint.
    pub hint: bool,
    /// The words of `<person>`, if the pattern has one.
    pub person: Option<Range<usize>>,
}

#[derive(Debug, Clone)]
struct Pattern {
    items: Vec<Item>,
    hint: bool,
}

/// A list of patterns, found by their first word.
#[derive(Debug, Clone, Default)]
pub(crate) struct Patterns {
    patterns: Vec<Pattern>,
    by_first_word: HashMap<String, Vec<usize>>,
    by_first_class: Vec<(Class, Vec<usize>)>,
    at_start: Vec<usize>,
    others: Vec<usize>,
}

impl Patterns {
    /// Reads patterns; `sets` are the texts of the names in braces.
    ///
    /// # Errors
    ///
    /// Names the pattern that cannot be read.
    pub(crate) fn parse(lines: &[String], sets: &BTreeMap<String, String>) -> Result<Self, String> {
        let mut all = Self::default();
        for line in lines {
            let (text, hint) = match line.trim().strip_suffix('?') {
                Some(text) => (text, true),
                None => (line.as_str(), false),
            };
            for words in expand(&replace_sets(text, sets)?).ok_or_else(|| format!("brackets: {line}"))? {
                let items = words.iter().map(|word| item(word)).collect::<Result<Vec<_>, _>>()?;
                if items.is_empty() {
                    return Err(format!("matches nothing: {line}"));
                }
                let index = all.patterns.len();
                match &items[0] {
                    Item::Word(word) => all.by_first_word.entry(word.clone()).or_default().push(index),
                    Item::Class(class) => match all.by_first_class.iter_mut().find(|row| row.0 == *class) {
                        Some(row) => row.1.push(index),
                        None => all.by_first_class.push((*class, vec![index])),
                    },
                    Item::Start | Item::FirstWord => all.at_start.push(index),
                    _ => all.others.push(index),
                }
                all.patterns.push(Pattern { items, hint });
            }
        }
        Ok(all)
    }

    /// The longest match at word `index`; one that is no hint is preferred.
    pub(crate) fn match_at(&self, words: &impl Words, index: usize) -> Option<Match> {
        if index >= words.len() {
            return None;
        }
        let word = self.by_first_word.get(words.word(index)).map(Vec::as_slice).unwrap_or_default();
        let start = if index <= words.start() { self.at_start.as_slice() } else { &[] };
        let class = self.by_first_class.iter().filter(|row| words.class(row.0, index).is_some());
        word.iter()
            .chain(start)
            .chain(class.flat_map(|row| &row.1))
            .chain(&self.others)
            .filter_map(|&pattern| {
                let pattern = &self.patterns[pattern];
                let mut person = None;
                let end = match_items(&pattern.items, words, index, &mut person)?;
                Some(Match { words: index..end, hint: pattern.hint, person })
            })
            // The first of equal candidates, so the order in the file decides.
            .reduce(|best, next| {
                let key = |found: &Match| (!found.hint, found.words.end);
                if key(&next) > key(&best) { next } else { best }
            })
    }

    /// The first match that is no hint, else the first hint.
    pub(crate) fn find(&self, words: &impl Words) -> Option<Match> {
        let mut hint = None;
        for index in 0..words.len() {
            match self.match_at(words, index) {
                Some(found) if !found.hint => return Some(found),
                Some(found) if hint.is_none() => hint = Some(found),
                _ => {}
            }
        }
        hint
    }

    /// Whether one of the patterns matches anywhere.
    pub(crate) fn matches(&self, words: &impl Words) -> bool {
        self.find(words).is_some()
    }
}

/// Where the match of `items` from word `index` ends.
fn match_items(
    items: &[Item],
    words: &impl Words,
    index: usize,
    person: &mut Option<Range<usize>>,
) -> Option<usize> {
    let Some((item, rest)) = items.split_first() else { return Some(index) };
    match item {
        // Words such as “perfect” lead in, but may also be what is looked for.
        Item::Start => (index <= words.start()).then(|| match_items(rest, words, index, person))?,
        Item::FirstWord => (index == 0).then(|| match_items(rest, words, index, person))?,
        Item::Gap => (index..=(index + MAX_GAP).min(words.len()))
            .find_map(|next| match_items(rest, words, next, person)),
        _ if index >= words.len() => None,
        Item::Word(word) => {
            (words.word(index) == word).then(|| match_items(rest, words, index + 1, person))?
        }
        Item::Prefix(prefix) => {
            words.word(index).starts_with(prefix).then(|| match_items(rest, words, index + 1, person))?
        }
        Item::Suffix(suffix) => (words.word(index).ends_with(suffix) && !words.is_stop_word(index))
            .then(|| match_items(rest, words, index + 1, person))?,
        Item::Class(class) => {
            let length = words.class(*class, index)?;
            let end = match_items(rest, words, index + length, person)?;
            if *class == Class::Person {
                *person = Some(index..index + length);
            }
            Some(end)
        }
    }
}

fn item(word: &str) -> Result<Item, String> {
    Ok(match word {
        ".." => Item::Gap,
        "^" => Item::Start,
        "^^" => Item::FirstWord,
        "<person>" => Item::Class(Class::Person),
        "<action>" => Item::Class(Class::Action),
        "<date>" => Item::Class(Class::Date),
        "<number>" => Item::Class(Class::Number),
        _ if word.contains(['<', '>', '{', '}', '\'', '’', '?', ',']) || word != word.to_lowercase() => {
            return Err(format!("not a word: {word}"));
        }
        _ => match (word.strip_suffix('*'), word.strip_prefix('*')) {
            (Some(prefix), _) => Item::Prefix(prefix.to_owned()),
            (_, Some(suffix)) => Item::Suffix(suffix.to_owned()),
            _ => Item::Word(word.to_owned()),
        },
    })
}

/// Replaces each `{name}` by its text in brackets.
fn replace_sets(text: &str, sets: &BTreeMap<String, String>) -> Result<String, String> {
    let mut text = text.to_owned();
    // A set may name others, but not without end.
    for _ in 0..8 {
        let Some(start) = text.find('{') else { return Ok(text) };
        let end = text[start..].find('}').ok_or_else(|| format!("no closing brace: {text}"))? + start;
        let name = &text[start + 1..end];
        let set = sets.get(name).ok_or_else(|| format!("no such set: {name}"))?;
        text = text.replace(&format!("{{{name}}}"), &format!("({set})"));
    }
    if text.contains('{') { Err(format!("too many sets: {text}")) } else { Ok(text) }
}

/// All sequences of words that `text` with its brackets stands for; `None` if brackets do not fit or are too many.
fn expand(text: &str) -> Option<Vec<Vec<String>>> {
    let Some(open) = text.find('(') else {
        // Unicode cuts words at hyphens.
        let words = text.split([' ', '-']).filter(|word| !word.is_empty()).map(str::to_owned).collect();
        return (!text.contains([')', '|'])).then(|| vec![words]);
    };
    let mut depth = 0_usize;
    let mut cuts = vec![open];
    let mut close = None;
    for (at, c) in text[open..].char_indices().map(|(at, c)| (at + open, c)) {
        match c {
            '(' => depth += 1,
            ')' => {
                depth -= 1;
                if depth == 0 {
                    close = Some(at);
                    break;
                }
            }
            '|' if depth == 1 => cuts.push(at),
            _ => {}
        }
    }
    let close = close?;
    cuts.push(close);
    let before = expand(&text[..open])?;
    let after = expand(&text[close + 1..])?;
    let mut all = Vec::new();
    for pair in cuts.windows(2) {
        for middle in expand(&text[pair[0] + 1..pair[1]])? {
            for left in &before {
                for right in &after {
                    all.push([left.as_slice(), &middle, right].concat());
                    if all.len() > MAX_EXPANSIONS {
                        return None;
                    }
                }
            }
        }
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Plain<'a>(Vec<&'a str>);

    impl Words for Plain<'_> {
        fn len(&self) -> usize {
            self.0.len()
        }
        fn word(&self, index: usize) -> &str {
            self.0[index]
        }
        fn is_stop_word(&self, index: usize) -> bool {
            self.0[index] == "being"
        }
        fn start(&self) -> usize {
            usize::from(self.0.first() == Some(&"so"))
        }
        fn class(&self, class: Class, index: usize) -> Option<usize> {
            let word = self.0[index];
            let is = match class {
                Class::Person => word == "tom",
                Class::Action => word == "send",
                Class::Date => word == "friday",
                Class::Number => word == "3",
            };
            is.then_some(1)
        }
    }

    fn found(pattern: &str, text: &str) -> Option<(Range<usize>, bool)> {
        let sets = BTreeMap::from([("we".to_owned(), "we|we all".to_owned())]);
        let patterns = Patterns::parse(&[pattern.to_owned()], &sets).expect("a pattern");
        patterns.find(&Plain(text.split(' ').collect())).map(|found| (found.words, found.hint))
    }

    #[test]
    fn patterns_match_words() {
        for (pattern, text, expected) in [
            ("we decid*", "so we decided it", Some((1..3, false))),
            ("{we} (have|) decided?", "we all decided", Some((0..3, true))),
            ("we .. go", "we may or may go", Some((0..5, false))),
            ("we .. go", "we may or may not go", None),
            ("^ we", "so we go", Some((1..2, false))),
            ("^ so", "so we go", Some((0..1, false))),
            ("^ we", "today we go", None),
            ("^^ we", "so we go", None),
            ("^^ so", "so we go", Some((0..1, false))),
            ("<person> .. <action> .. <date>", "tom must send it friday", Some((0..5, false))),
            ("<number> days", "in 3 days", Some((1..3, false))),
            ("a b", "a", None),
            ("we are *ing", "we are going", Some((0..3, false))),
            ("we are *ing", "we are being", None),
        ] {
            assert_eq!(found(pattern, text), expected, "{pattern} in {text}");
        }
    }

    #[test]
    fn mistakes_in_patterns_are_told() {
        for pattern in ["(a", "a)", "a|b", "{nobody}", "<place>", "", "(|)", "we'll", "Upper"] {
            assert!(Patterns::parse(&[pattern.to_owned()], &BTreeMap::new()).is_err(), "{pattern}");
        }
    }
}
