//! From the terms of a query to the lexemes of the index: cut, folded and stemmed as the texts were, for every language of
//! the archive; with compounds, other spellings and beginnings from the words of all meetings.

use super::pattern::{IndexClause, Pattern, Slot};
use super::query::{Clause, Term};
use super::words::is_of_run;
use crate::Result;
use crate::query::Prepared;
use diesel::sql_types::{Array, Integer, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use std::collections::{BTreeMap, HashMap};

/// The most terms of a query; the others are left out.
pub const MAX_TERMS: usize = 32;
/// The most words of a term; the others are left out.
const MAX_WORDS: usize = 32;
/// The most letters of a term that are read.
const MAX_LETTERS: usize = 400;
/// Words that a beginning or the second part of a compound stands for, the most frequent first.
const MAX_EXPANSIONS: i32 = 50;
/// The fewest letters of a beginning that the index is asked for; a shorter one has too many words.
const SHORTEST_BEGINNING: usize = 3;
/// The fewest letters of a stem for a beginning that goes beyond it, and the most letters that it may go beyond.
const SHORTEST_STEM: usize = 4;
const LONGEST_ENDING: usize = 4;
/// The fewest letters of a part of a compound.
const SHORTEST_PART: usize = 4;
/// A word that is in more meetings, itself or an alternative, is taken for two words only if one of these is in fewer: common
/// words stand beside each other by chance, as in “don’t here” for “there”. So many meetings are looked into for phrases at
/// once, and the number found is exact.
const RARE: i32 = 100;
/// Stemmers of languages that write compounds as one word.
const COMPOUNDING: [&str; 5] = ["german_stem", "dutch_stem", "danish_stem", "norwegian_stem", "swedish_stem"];
/// What stands between the parts of compounds in these languages.
const LINKS: [&str; 5] = ["", "s", "es", "n", "en"];

/// A word of a term.
#[derive(Debug, Clone, diesel::QueryableByName)]
struct QueryWord {
    #[diesel(sql_type = Integer)]
    term: i32,
    #[diesel(sql_type = Text)]
    word: String,
    #[diesel(sql_type = Text)]
    folded: String,
    #[diesel(sql_type = Array<Text>)]
    lexemes: Vec<String>,
    #[diesel(sql_type = Integer)]
    meetings: i32,
    /// Those of the archive.
    #[diesel(sql_type = Array<Text>)]
    stemmers: Vec<String>,
}

/// What the words of the archive say about a beginning, an ending or a word.
#[derive(diesel::QueryableByName)]
struct KnownWord {
    /// What was looked up.
    #[diesel(sql_type = Text)]
    folded: String,
    /// Which of the four parameters it is from.
    #[diesel(sql_type = Integer)]
    list: i32,
    /// Of all words that it stands for.
    #[diesel(sql_type = Array<Text>)]
    lexemes: Vec<String>,
    /// In how many meetings the most frequent of them is.
    #[diesel(sql_type = Integer)]
    meetings: i32,
}

/// Also reads the stemmers of the archive, skipping from one to the next in the index.
const WORDS: &str = "WITH RECURSIVE used AS (
        (SELECT stemmer FROM search_meetings ORDER BY stemmer LIMIT 1)
        UNION ALL
        SELECT (SELECT m.stemmer FROM search_meetings m WHERE m.stemmer > used.stemmer ORDER BY m.stemmer LIMIT 1)
        FROM used WHERE used.stemmer IS NOT NULL
    ),
    archive AS MATERIALIZED (
        SELECT coalesce(array_agg(stemmer), '{simple}') AS stemmers FROM used WHERE stemmer IS NOT NULL
    )
    SELECT (term.n - 1)::integer AS term, word.text AS word, meetmemo_search_fold(word.text) AS folded,
        coalesce(meetmemo_search_query_lexemes(stemmers, word.text), '{}') AS lexemes,
        coalesce((
            SELECT max(meetings) FROM search_words WHERE folded = meetmemo_search_fold(word.text)
        ), 0) AS meetings,
        stemmers
    FROM archive, unnest($1) WITH ORDINALITY term (text, n),
        unnest(meetmemo_search_words(term.text)) WITH ORDINALITY word (text, n)
    ORDER BY term.n, word.n";

/// $1 beginnings, $2 endings, $3 parts of compounds, $4 joined words, $5 stemmers, $6 how many of each beginning and
/// ending. A part that is no word of the archive has no row.
const KNOWN_WORDS: &str = "WITH stemmer AS MATERIALIZED (
        SELECT ('pg_catalog.' || name)::regdictionary AS id FROM unnest($5) name
    ),
    found AS (
        SELECT wanted.folded, 1 AS list, known.word, known.meetings
        FROM unnest($1) wanted (folded), LATERAL (
            SELECT word, meetings FROM search_words w
            WHERE w.folded >= wanted.folded COLLATE \"C\" AND w.folded < wanted.folded || U&'\\+10FFFF' COLLATE \"C\"
            ORDER BY meetings DESC, word LIMIT $6
        ) known
        UNION ALL
        SELECT wanted.folded, 2, known.word, known.meetings
        FROM unnest($2) wanted (folded), LATERAL (
            SELECT word, meetings FROM search_words w
            WHERE reverse(w.folded) COLLATE \"C\" > reverse(wanted.folded) COLLATE \"C\"
                AND reverse(w.folded) COLLATE \"C\" < reverse(wanted.folded) || U&'\\+10FFFF' COLLATE \"C\"
            ORDER BY meetings DESC, word LIMIT $6
        ) known
        UNION ALL
        SELECT part.folded, 3, part.folded COLLATE \"C\", w.meetings
        FROM unnest($3) part (folded) JOIN search_words w ON w.folded = part.folded
        UNION ALL
        SELECT joined.folded, 4, joined.folded COLLATE \"C\", 0 FROM unnest($4) joined (folded)
    )
    SELECT folded, list, array_agg(DISTINCT lexeme) AS lexemes, max(meetings) AS meetings
    FROM found, stemmer, unnest(meetmemo_search_lexemes(stemmer.id, found.word)) lexeme
    WHERE lexeme <> ''
    GROUP BY folded, list";

/// The clauses of a query as the index knows them. The flag says whether terms were left out.
pub(super) async fn index_clauses(
    c: &mut AsyncPgConnection,
    clauses: &[Clause],
) -> Result<(Vec<IndexClause>, bool)> {
    let all: Vec<&Term> = clauses.iter().flat_map(|clause| &clause.alternatives).collect();
    let texts: Vec<String> = all.iter().take(MAX_TERMS).map(|term| plain(term)).collect();
    let rows: Vec<QueryWord> =
        Prepared(diesel::sql_query(WORDS).bind::<Array<Text>, _>(&texts)).load(c).await?;
    let stemmers = rows.as_slice().first().map(|word| word.stemmers.clone()).unwrap_or_default();
    let mut words: BTreeMap<usize, Vec<QueryWord>> = BTreeMap::new();
    for row in rows {
        words.entry(usize::try_from(row.term).unwrap_or_default()).or_default().push(row);
    }
    for words in words.values_mut() {
        words.truncate(MAX_WORDS);
    }
    let mut number = 0..texts.len();
    let mut wanted = Vec::new();
    for clause in clauses {
        let terms = clause.alternatives.iter().zip(&mut number);
        let terms: Vec<QueryTerm<'_>> = terms
            .filter_map(|(term, number)| {
                let words = words.remove(&number)?;
                Some(QueryTerm { term, words, negated: clause.negated })
            })
            .collect();
        if !terms.is_empty() {
            wanted.push((clause.negated, terms));
        }
    }
    let known = Known::load(c, wanted.iter().flat_map(|(_, terms)| terms), &stemmers).await?;
    let clauses = wanted.into_iter().map(|(negated, terms)| {
        let meetings = terms.iter().filter_map(QueryTerm::meetings).max().unwrap_or_default();
        let patterns = terms.iter().flat_map(|term| term.patterns(&known, meetings)).collect();
        IndexClause { negated, patterns, weight: 1.0 / (1.0 + f64::from(meetings).ln_1p()) }
    });
    Ok((clauses.collect(), all.len() > MAX_TERMS))
}

fn plain(term: &Term) -> String {
    let (Term::Word(text) | Term::Prefix(text) | Term::Phrase(text)) = term;
    // PostgreSQL stores no NUL.
    text.chars().filter(|letter| *letter != '\0').take(MAX_LETTERS).collect()
}

/// A term with its words, of which there is at least one.
struct QueryTerm<'a> {
    term: &'a Term,
    words: Vec<QueryWord>,
    negated: bool,
}

impl QueryTerm<'_> {
    /// In how many meetings its rarest word is.
    fn meetings(&self) -> Option<i32> {
        self.words.iter().map(|word| word.meetings).min()
    }

    /// The word for which compounds and other spellings are sought: one word of an alphabet that is wanted.
    fn single(&self) -> Option<&QueryWord> {
        match (self.term, &*self.words) {
            (Term::Word(_), [word]) if !self.negated && !word.word.chars().any(is_of_run) => Some(word),
            _ => None,
        }
    }

    /// The beginning that is sought.
    fn beginning(&self) -> Option<&QueryWord> {
        self.words.last().filter(|_| matches!(self.term, Term::Prefix(_)))
    }

    /// Whether it is one word that people also write in one.
    fn is_hyphenated(&self) -> bool {
        const HYPHENS: [char; 3] = ['-', '\u{2010}', '\u{2011}'];
        matches!(self.term, Term::Word(text) if text.contains(HYPHENS)) && self.words.len() > 1
    }

    /// Its folded words in one.
    fn joined(&self) -> String {
        self.words.iter().map(|word| word.folded.as_str()).collect()
    }

    /// `meetings` says in how many meetings its clause is.
    fn patterns(&self, known: &Known, meetings: i32) -> Vec<Pattern> {
        let of_words = self.words.iter().map(|word| word.meetings).collect();
        let asked = Pattern::new(self.slots(known)).map(|pattern| Pattern { meetings: of_words, ..pattern });
        let mut patterns: Vec<Pattern> = asked.into_iter().collect();
        if self.is_hyphenated() {
            patterns.extend(known.joined.get(&self.joined()).and_then(|joined| similar(&[joined])));
        }
        if let Some(word) = self.single() {
            patterns.extend(known.endings.get(&word.folded).and_then(|endings| similar(&[endings])));
            for (first, second) in splits(&word.folded, known.compounding) {
                if let (Some(first), Some(second)) = (known.parts.get(&first), known.parts.get(&second))
                    && meetings.min(first.meetings).min(second.meetings) <= RARE
                {
                    patterns.extend(similar(&[first, second]));
                }
            }
        }
        patterns
    }

    fn slots(&self, known: &Known) -> Vec<Slot> {
        let mut slots: Vec<Slot> = Vec::new();
        let last = self.words.len() - 1;
        let mut pairs = 0;
        for (index, word) in self.words.iter().enumerate() {
            let letters: Vec<char> = word.word.chars().collect();
            let of_run = letters.as_slice().first().is_some_and(|letter| is_of_run(*letter));
            let follows_pair = index > 0 && {
                let before: Vec<char> = self.words[index - 1].word.chars().collect();
                before.len() == 2 && of_run && before[1] == letters[0] && is_of_run(before[0])
            };
            let distance = u16::try_from(index).unwrap_or(u16::MAX);
            // The last letter of a run stands in the pair before it.
            if of_run && letters.len() == 1 && follows_pair && pairs > 0 {
                continue;
            }
            pairs += usize::from(of_run && letters.len() == 2);
            let mut slot = Slot {
                distance,
                lexemes: word.lexemes.clone(),
                beginnings: Vec::new(),
                letters: if of_run { u32::try_from(letters.len()).unwrap_or(1) } else { 1 },
            };
            if of_run && letters.len() == 1 {
                slot.beginnings.push(word.word.clone());
            } else if index == last && matches!(self.term, Term::Prefix(_)) {
                known.extend_beginning(word, self.negated, &mut slot);
            }
            slots.push(slot);
        }
        slots
    }
}

/// Words that follow each other.
fn similar(words: &[&KnownWord]) -> Option<Pattern> {
    let slot = |(distance, word): (u16, &&KnownWord)| Slot {
        distance,
        lexemes: word.lexemes.clone(),
        beginnings: Vec::new(),
        letters: 1,
    };
    let meetings = words.iter().map(|word| word.meetings).collect();
    Some(Pattern { meetings, ..Pattern::similar((0..).zip(words).map(slot).collect())? })
}

/// Ways to see a word as two, both of which must be known: compounds of such languages, and a letter with a word, as in
/// `email`.
fn splits(folded: &str, compounding: bool) -> Vec<(String, String)> {
    let letters: Vec<char> = folded.chars().collect();
    let mut found = Vec::new();
    let text = |part: &[char]| part.iter().collect::<String>();
    if compounding {
        for at in SHORTEST_PART..(letters.len() + 1).saturating_sub(SHORTEST_PART) {
            for link in LINKS {
                let first = text(&letters[..at]);
                if let Some(first) = first.strip_suffix(link)
                    && first.chars().count() >= SHORTEST_PART
                {
                    found.push((first.to_owned(), text(&letters[at..])));
                }
            }
        }
    }
    // “away” is not “a way”.
    if letters.len() > SHORTEST_PART && !matches!(letters[0], 'a' | 'i' | 'o' | 'y') {
        found.push((text(&letters[..1]), text(&letters[1..])));
    }
    found
}

/// What the words of all meetings say about the terms.
#[derive(Default)]
struct Known {
    compounding: bool,
    /// The words that begin so.
    beginnings: HashMap<String, KnownWord>,
    /// The words that end so.
    endings: HashMap<String, KnownWord>,
    /// Parts of compounds that are words of the archive.
    parts: HashMap<String, KnownWord>,
    /// Hyphenated words written in one.
    joined: HashMap<String, KnownWord>,
}

impl Known {
    async fn load<'a>(
        c: &mut AsyncPgConnection,
        terms: impl Iterator<Item = &'a QueryTerm<'a>>,
        stemmers: &[String],
    ) -> Result<Self> {
        let mut known = Self {
            compounding: stemmers.iter().any(|stemmer| COMPOUNDING.contains(&stemmer.as_str())),
            ..Self::default()
        };
        let (mut beginnings, mut endings) = (Vec::new(), Vec::new());
        let (mut parts, mut joined) = (Vec::new(), Vec::new());
        for term in terms {
            beginnings.extend(term.beginning().map(|word| word.folded.clone()));
            if let Some(word) = term.single() {
                if known.compounding && word.folded.chars().count() >= SHORTEST_PART {
                    endings.push(word.folded.clone());
                }
                parts.extend(splits(&word.folded, known.compounding).into_iter().flat_map(|(a, b)| [a, b]));
            }
            if term.is_hyphenated() {
                joined.push(term.joined());
            }
        }
        if beginnings.is_empty() && endings.is_empty() && parts.is_empty() && joined.is_empty() {
            return Ok(known);
        }
        parts.sort_unstable();
        parts.dedup();
        let query = diesel::sql_query(KNOWN_WORDS)
            .bind::<Array<Text>, _>(&beginnings)
            .bind::<Array<Text>, _>(&endings)
            .bind::<Array<Text>, _>(&parts)
            .bind::<Array<Text>, _>(&joined)
            .bind::<Array<Text>, _>(stemmers)
            .bind::<Integer, _>(MAX_EXPANSIONS);
        let rows: Vec<KnownWord> = Prepared(query).load(c).await?;
        for row in rows {
            let list = match row.list {
                1 => &mut known.beginnings,
                2 => &mut known.endings,
                3 => &mut known.parts,
                _ => &mut known.joined,
            };
            list.insert(row.folded.clone(), row);
        }
        Ok(known)
    }

    /// Adds what a beginning stands for: the most frequent words that begin so, and what the index has besides. If no word
    /// is known that begins so, words may not be counted yet: then also stems that the beginning goes beyond.
    fn extend_beginning(&self, word: &QueryWord, negated: bool, slot: &mut Slot) {
        let letters: Vec<char> = word.folded.chars().collect();
        match self.beginnings.get(&word.folded) {
            Some(begun) => slot.lexemes.extend(begun.lexemes.iter().cloned()),
            None if negated => {}
            None => {
                let shortest = letters.len().saturating_sub(LONGEST_ENDING).max(SHORTEST_STEM);
                slot.lexemes.extend((shortest..letters.len()).map(|end| letters[..end].iter().collect()));
            }
        }
        slot.lexemes.sort_unstable();
        slot.lexemes.dedup();
        let is_known = self.beginnings.contains_key(&word.folded);
        if letters.len() >= SHORTEST_BEGINNING || (!letters.is_empty() && !is_known) {
            slot.beginnings.push(word.folded.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compounds_are_split_with_their_links_and_single_letters_stand_before_words() {
        let found = splits("arbeitszimmer", true);
        assert!(found.contains(&("arbeit".to_owned(), "zimmer".to_owned())), "{found:?}");
        assert_eq!(splits("email", false), [("e".to_owned(), "mail".to_owned())]);
        assert_eq!(splits("away", false), []);
    }
}
