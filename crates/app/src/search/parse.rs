//! The language of searches: words, phrases, `-`, `OR`, prefixes, and filters such as `speaker:anna`.
//!
//! Whatever a user types is a search: what cannot be understood is searched as words or left out, with a sentence that
//! says so. Matching words with the archive is the task of `store`.

use super::filters::{Filter, filter, names};
use chrono::{DateTime, Local};
use std::ops::Range;
use store::{Clause, MeetingQuery, SearchFilters, SearchSort, Term};

/// The most terms of a search. More are left out.
const MAX_TERMS: usize = 32;
/// The most characters of a search that are read.
const MAX_CHARS: usize = 2_000;

/// Whether the user is still typing: the last word may then be the beginning of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typing {
    /// The text may end within a word.
    InProgress,
    /// The text is complete.
    Finished,
}

/// A search as it was understood.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Parsed {
    /// What to look for.
    pub(super) query: MeetingQuery,
    /// What was not understood or left out, in sentences.
    pub(super) hints: Vec<String>,
    /// The positive words outside quotes: what may be misspelled.
    pub(super) words: Vec<TypedWord>,
}

/// A word of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TypedWord {
    /// The word.
    pub(super) text: String,
    /// Where it is in the text, in bytes.
    pub(super) range: Range<usize>,
    /// Whether it is the beginning of a word.
    pub(super) is_beginning: bool,
}

/// A piece of the text between spaces.
struct Token<'a> {
    negated: bool,
    /// What stands before the colon: a filter or a part of a word.
    key: Option<&'a str>,
    value: &'a str,
    quoted: bool,
    /// Where `value` is in the text, in bytes.
    range: Range<usize>,
    /// Whether nothing follows, not even a space or the closing quotation mark.
    at_end: bool,
}

/// Reads a search. `now` is what dates such as `from:yesterday` are relative to.
pub(super) fn parse(text: &str, typing: Typing, now: DateTime<Local>) -> Parsed {
    let mut reader = Reader::default();
    let end = text.char_indices().nth(MAX_CHARS).map_or(text.len(), |(at, _)| at);
    if end < text.len() {
        reader.hints.push(format!("Only the first {MAX_CHARS} characters were searched."));
    }
    for token in tokens(&text[..end]) {
        reader.read(&token, typing, now);
    }
    if reader.left_out {
        reader.hints.push(format!("Only the first {MAX_TERMS} words were searched."));
    }
    let query = MeetingQuery {
        clauses: reader.clauses,
        filters: reader.filters,
        sort: SearchSort::Relevance,
        offset: 0,
        limit: 0,
    };
    Parsed { query, hints: reader.hints, words: reader.words }
}

#[derive(Default)]
struct Reader {
    clauses: Vec<Clause>,
    filters: SearchFilters,
    hints: Vec<String>,
    words: Vec<TypedWord>,
    /// `OR` was read: the next term is an alternative to the last one.
    or: bool,
    terms: usize,
    left_out: bool,
}

impl Reader {
    fn read(&mut self, token: &Token<'_>, typing: Typing, now: DateTime<Local>) {
        if let Some(key) = token.key
            && names().any(|name| name.eq_ignore_ascii_case(key))
        {
            if token.value.is_empty() {
                return;
            }
            match filter(key, token.value, now) {
                Ok(filter) => self.add_filter(filter, token),
                // What is being typed is not wrong yet.
                Err(_) if typing == Typing::InProgress && token.at_end => {}
                Err(hint) => self.hints.push(hint),
            }
            return;
        }
        if !token.quoted && !token.negated && token.key.is_none() {
            match token.value {
                "OR" | "|" if !self.clauses.is_empty() => {
                    self.or = true;
                    return;
                }
                "AND" | "&" | "+" => return,
                _ => {}
            }
        }
        let Some(term) = self.term(token, typing) else { return };
        if self.terms == MAX_TERMS {
            self.left_out = true;
            return;
        }
        self.terms += 1;
        let alternative = std::mem::take(&mut self.or) && !token.negated;
        match self.clauses.last_mut().filter(|last| alternative && !last.negated) {
            Some(last) => last.alternatives.push(term),
            None => self.clauses.push(Clause { negated: token.negated, alternatives: vec![term] }),
        }
    }

    /// The term that a token stands for; `None` if it has no letter and no digit.
    fn term(&mut self, token: &Token<'_>, typing: Typing) -> Option<Term> {
        // `10:30` and other words with a colon.
        let value = match token.key {
            Some(key) => format!("{key}:{}", token.value),
            None => token.value.to_owned(),
        };
        if !value.chars().any(char::is_alphanumeric) {
            return None;
        }
        if token.quoted || value.contains(char::is_whitespace) {
            return Some(Term::Phrase(value));
        }
        let asked = value.strip_suffix('*').filter(|stem| stem.chars().any(char::is_alphanumeric));
        let unfinished = typing == Typing::InProgress
            && token.at_end
            && !token.negated
            && value.chars().next_back().is_some_and(char::is_alphanumeric);
        if token.key.is_none() && !token.negated {
            let word = value.trim_matches(|c: char| !c.is_alphanumeric());
            let start = token.range.start + value.find(word).unwrap_or(0);
            self.words.push(TypedWord {
                text: word.to_owned(),
                range: start..start + word.len(),
                is_beginning: asked.is_some() || unfinished,
            });
        }
        Some(match asked {
            Some(stem) => Term::Prefix(stem.to_owned()),
            None if unfinished => Term::Prefix(value),
            None => Term::Word(value),
        })
    }

    fn add_filter(&mut self, filter: Filter, token: &Token<'_>) {
        self.or = false;
        if let Err(hint) = filter.apply(&mut self.filters, token.negated) {
            self.hints.push(hint);
        }
    }
}

/// Whether a character opens or closes a phrase.
fn is_quotation_mark(c: char) -> bool {
    matches!(c, '"' | '“' | '”' | '„' | '«' | '»' | '「' | '」' | '『' | '』')
}

/// Cuts a text at spaces, except within quotation marks.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c.is_control());
        if rest.is_empty() {
            return tokens;
        }
        let mut body = rest;
        let negated = body.strip_prefix(['-', '−']).filter(|rest| {
            rest.chars().next().is_some_and(|next| next.is_alphanumeric() || is_quotation_mark(next))
        });
        if let Some(after) = negated {
            body = after;
        }
        let key_length = body.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(body.len());
        let key = body[key_length..].starts_with(':').then_some(&body[..key_length]);
        let key = key.filter(|key| !key.is_empty());
        if let Some(key) = key {
            body = &body[key.len() + 1..];
        }
        let (value, after, quoted) = value(body);
        let start = text.len() - body.len() + usize::from(quoted) * first_length(body);
        tokens.push(Token {
            negated: negated.is_some(),
            key,
            value,
            quoted,
            range: start..start + value.len(),
            at_end: after.is_empty() && value.len() == text.len() - start,
        });
        rest = after;
    }
}

/// The value at the beginning of `text`, what follows it, and whether it was in quotation marks. A phrase that is not
/// closed reaches to the end.
fn value(text: &str) -> (&str, &str, bool) {
    if text.starts_with(is_quotation_mark) {
        let inner = &text[first_length(text)..];
        let end = inner.find(is_quotation_mark).unwrap_or(inner.len());
        return (&inner[..end], &inner[end + first_length(&inner[end..])..], true);
    }
    let is_end = |c: char| c.is_whitespace() || c.is_control() || is_quotation_mark(c);
    let end = text.find(is_end).unwrap_or(text.len());
    (&text[..end], &text[end..], false)
}

/// Length in bytes of the first character; 0 if there is none.
fn first_length(text: &str) -> usize {
    text.chars().next().map_or(0, char::len_utf8)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use proptest::prelude::*;

    fn clauses(text: &str, typing: Typing) -> String {
        let term = |term: &Term| match term {
            Term::Word(word) => word.clone(),
            Term::Prefix(word) => format!("{word}*"),
            Term::Phrase(words) => format!("[{words}]"),
        };
        let clause = |clause: &Clause| {
            let sign = if clause.negated { "-" } else { "" };
            format!("{sign}{}", clause.alternatives.iter().map(term).collect::<Vec<_>>().join("|"))
        };
        parse(text, typing, Local::now()).query.clauses.iter().map(clause).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn words_phrases_alternatives_and_negations_are_read() {
        for (text, expected) in [
            ("budget  meeting", "budget meeting"),
            ("\"annual budget\" next", "[annual budget] next"),
            ("“annual budget”", "[annual budget]"),
            ("budget -draft", "budget -draft"),
            ("budget -\"first draft\"", "budget -[first draft]"),
            ("cats OR dogs food", "cats|dogs food"),
            ("a OR b OR c", "a|b|c"),
            ("OR cats", "OR cats"),
            ("cats OR", "cats"),
            ("cats or dogs", "cats or dogs"),
            ("conf*", "conf*"),
            ("* - \" \"", ""),
            ("10:30", "10:30"),
            ("e-mail", "e-mail"),
            ("it's 3.5", "it's 3.5"),
            ("-a OR b", "-a b"),
            ("\"open phrase", "[open phrase]"),
            ("会議", "会議"),
        ] {
            assert_eq!(clauses(text, Typing::Finished), expected, "{text}");
        }
    }

    #[test]
    fn the_last_word_is_a_prefix_while_typing() {
        for (text, expected) in [
            ("annual budg", "annual budg*"),
            ("annual budget ", "annual budget"),
            ("\"annual bud", "[annual bud]"),
            ("budget -dra", "budget -dra"),
            ("budget.", "budget."),
        ] {
            assert_eq!(clauses(text, Typing::InProgress), expected, "{text}");
        }
    }

    #[test]
    fn filters_are_no_words() {
        let parsed =
            parse("budget speaker:\"Anna Smith\" tag:work -folder:old", Typing::Finished, Local::now());
        assert_eq!(parsed.query.clauses.len(), 1);
        assert_eq!(parsed.hints, Vec::<String>::new());
        assert_eq!(parsed.query.filters.speakers[0].name, "Anna Smith");
        assert!(parsed.query.filters.folders[0].negated);
    }

    #[test]
    fn a_filter_that_is_wrong_is_said_and_one_that_is_typed_is_not() {
        let wrong = "budget from:tuesday-ish";
        assert_eq!(parse(wrong, Typing::Finished, Local::now()).hints.len(), 1);
        assert_eq!(parse(wrong, Typing::InProgress, Local::now()).hints, Vec::<String>::new());
        assert_eq!(parse(&format!("{wrong} "), Typing::InProgress, Local::now()).hints.len(), 1);
    }

    #[test]
    fn words_know_their_place() {
        let text = "-no “a phrase” (budgett) speaker:x metting";
        let words = parse(text, Typing::Finished, Local::now()).words;
        let found: Vec<&str> = words.iter().map(|word| &text[word.range.clone()]).collect();
        assert_eq!(found, ["budgett", "metting"]);
        assert!(words.iter().all(|word| word.text == text[word.range.clone()]));
        let beginnings = |typing| parse("one two* three", typing, Local::now()).words;
        let is_beginning =
            |typing| beginnings(typing).iter().map(|word| word.is_beginning).collect::<Vec<_>>();
        assert_eq!(is_beginning(Typing::Finished), [false, true, false]);
        assert_eq!(is_beginning(Typing::InProgress), [false, true, true]);
    }

    #[test]
    fn long_searches_are_cut() {
        let parsed = parse(&"word ".repeat(2_000), Typing::Finished, Local::now());
        assert_eq!(parsed.query.clauses.len(), MAX_TERMS);
        assert_eq!(parsed.hints.len(), 2);
    }

    proptest! {
        #[test]
        fn any_text_is_a_search(text in "\\PC*|[\"“” :*-]*(OR|from:|tag:|x| )*") {
            for typing in [Typing::Finished, Typing::InProgress] {
                let parsed = parse(&text, typing, Local::now());
                for word in parsed.words {
                    prop_assert_eq!(&text[word.range], word.text);
                }
            }
        }
    }
}
