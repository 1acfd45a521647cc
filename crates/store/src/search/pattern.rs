//! Clauses as the index knows them: lexemes at a distance from each other, and the `tsquery` they make.

use std::fmt::Write;

/// One place of a pattern: any of these lexemes, or one that begins so.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Slot {
    /// Words after the first one.
    pub(super) distance: u16,
    /// The lexemes that fit.
    pub(super) lexemes: Vec<String>,
    /// Beginnings of lexemes that fit.
    pub(super) beginnings: Vec<String>,
    /// How many letters of a run (see `words`) a hit covers; 1 for other words.
    pub(super) letters: u32,
}

impl Slot {
    fn fits(&self, lexeme: &str) -> bool {
        self.lexemes.iter().any(|known| known == lexeme)
            || self.beginnings.iter().any(|beginning| lexeme.starts_with(beginning.as_str()))
    }

    fn write(&self, out: &mut String) {
        // A beginning stands for these as well, and each alternative takes time.
        let is_begun =
            |lexeme: &&String| self.beginnings.iter().any(|begun| lexeme.starts_with(begun.as_str()));
        let lexemes = self.lexemes.iter().filter(|lexeme| !is_begun(lexeme)).map(|lexeme| (lexeme, ""));
        let beginnings = self.beginnings.iter().map(|beginning| (beginning, ":*"));
        out.push('(');
        for (index, (text, suffix)) in lexemes.chain(beginnings).enumerate() {
            if index > 0 {
                out.push_str(" | ");
            }
            // Writing to a string cannot fail.
            let _ = write!(out, "'{}'{suffix}", text.replace('\\', "\\\\").replace('\'', "''"));
        }
        out.push(')');
    }

    fn is_empty(&self) -> bool {
        self.lexemes.is_empty() && self.beginnings.is_empty()
    }
}

/// Words at fixed distances: one word, or a phrase. Has at least one slot, and none is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    pub(super) slots: Vec<Slot>,
    /// Whether it is what was asked for, and not another spelling or a compound.
    pub(super) exact: bool,
    /// In how many meetings each of its words is, about; 0 if that is not known.
    pub(super) meetings: Vec<i32>,
}

impl Pattern {
    /// `None` if nothing can fit it.
    pub(super) fn new(slots: Vec<Slot>) -> Option<Self> {
        let can_fit = !slots.is_empty() && !slots.iter().any(Slot::is_empty);
        can_fit.then_some(Self { slots, exact: true, meetings: Vec::new() })
    }

    /// Another spelling, or a compound.
    pub(super) fn similar(slots: Vec<Slot>) -> Option<Self> {
        Some(Self { exact: false, ..Self::new(slots)? })
    }

    pub(super) fn is_phrase(&self) -> bool {
        self.slots.len() > 1
    }

    fn write(&self, out: &mut String, with_positions: bool) {
        out.push('(');
        let mut last = 0;
        for (index, slot) in self.slots.iter().enumerate() {
            if index > 0 {
                // Writing to a string cannot fail.
                let _ = match with_positions {
                    true => write!(out, " <{}> ", slot.distance - last),
                    false => write!(out, " & "),
                };
            }
            last = slot.distance;
            slot.write(out);
        }
        out.push(')');
    }

    /// Where it occurs among `hits` (lexemes with their positions): the position of the first word of each occurrence.
    pub(super) fn occurrences(&self, hits: &[(String, Vec<u16>)]) -> Vec<u16> {
        let positions = |slot: &Slot| {
            let mut fitting =
                hits.iter().filter(|(lexeme, _)| slot.fits(lexeme)).map(|(_, positions)| positions);
            let mut all = fitting.next().cloned().unwrap_or_default();
            let sorted = all.len();
            fitting.for_each(|more| all.extend(more));
            // Each list is in order; several are not.
            if all.len() > sorted {
                all.sort_unstable();
                all.dedup();
            }
            all
        };
        let mut slots = self.slots.iter();
        let Some(first) = slots.next() else { return Vec::new() };
        let mut found = positions(first);
        for slot in slots {
            let here = positions(slot);
            found.retain(|position| {
                position.checked_add(slot.distance).is_some_and(|next| here.binary_search(&next).is_ok())
            });
        }
        found
    }
}

/// Patterns of which any suffices.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct IndexClause {
    pub(super) negated: bool,
    /// None: no meeting can hold it.
    pub(super) patterns: Vec<Pattern>,
    /// How much a hit says: from 1 for a word that is in no other meeting to about 0.1 for the most common words.
    pub(super) weight: f64,
}

impl IndexClause {
    pub(super) fn has_phrase(&self) -> bool {
        self.patterns.iter().any(Pattern::is_phrase)
    }

    /// The clause as a `tsquery` for vectors with positions, or without them: then a phrase is all of its words.
    pub(super) fn tsquery(&self, with_positions: bool) -> String {
        tsquery(&self.patterns, with_positions)
    }

    /// Its phrases alone, as a `tsquery` for vectors with positions, and its single words alone. `None` if it has none.
    pub(super) fn phrases_and_words(&self) -> (Option<String>, Option<String>) {
        let (phrases, words): (Vec<&Pattern>, Vec<&Pattern>) =
            self.patterns.iter().partition(|pattern| pattern.is_phrase());
        let query = |patterns: Vec<&Pattern>| (!patterns.is_empty()).then(|| tsquery(patterns, true));
        (query(phrases), query(words))
    }
}

/// Any of the patterns.
fn tsquery<'a>(patterns: impl IntoIterator<Item = &'a Pattern>, with_positions: bool) -> String {
    let mut out = String::from("(");
    for (index, pattern) in patterns.into_iter().enumerate() {
        if index > 0 {
            out.push_str(" | ");
        }
        pattern.write(&mut out, with_positions);
    }
    out.push(')');
    out
}

/// What the meeting as a whole must hold, as a `tsquery`. `None`: anything.
pub(super) fn meeting_tsquery(clauses: &[IndexClause]) -> Option<String> {
    let mut parts = Vec::new();
    for clause in clauses.iter().filter(|clause| !clause.patterns.is_empty()) {
        match clause.negated {
            false => parts.push(clause.tsquery(false)),
            // A phrase of which only the words occur does not exclude the meeting.
            true if clause.has_phrase() => {}
            true => parts.push(format!("!{}", clause.tsquery(false))),
        }
    }
    (!parts.is_empty()).then(|| parts.join(" & "))
}

/// What a part of a meeting must hold to have a hit, as a `tsquery`: any word of any clause that is wanted. `None`: there
/// is no such word.
pub(super) fn any_tsquery(clauses: &[IndexClause]) -> Option<String> {
    let wanted = clauses.iter().filter(|clause| !clause.negated && !clause.patterns.is_empty());
    let parts: Vec<String> = wanted.map(|clause| clause.tsquery(false)).collect();
    (!parts.is_empty()).then(|| parts.join(" | "))
}

/// What a part of a meeting must hold so that all clauses that are wanted occur in it, as a `tsquery`.
pub(super) fn all_tsquery(clauses: &[IndexClause]) -> Option<String> {
    let wanted = clauses.iter().filter(|clause| !clause.negated && !clause.patterns.is_empty());
    let parts: Vec<String> = wanted.map(|clause| clause.tsquery(true)).collect();
    (!parts.is_empty()).then(|| parts.join(" & "))
}

/// All lexemes of the clauses that are wanted.
pub(super) fn lexemes(clauses: &[IndexClause]) -> Vec<String> {
    let wanted = clauses.iter().filter(|clause| !clause.negated);
    let slots = wanted.flat_map(|clause| &clause.patterns).flat_map(|pattern| &pattern.slots);
    let mut all: Vec<String> = slots.flat_map(|slot| slot.lexemes.iter().cloned()).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// All beginnings of the clauses that are wanted.
pub(super) fn beginnings(clauses: &[IndexClause]) -> Vec<String> {
    let wanted = clauses.iter().filter(|clause| !clause.negated);
    let slots = wanted.flat_map(|clause| &clause.patterns).flat_map(|pattern| &pattern.slots);
    slots.flat_map(|slot| slot.beginnings.iter().cloned()).collect()
}

/// A `tsquery` for parts of meetings in which every beginning is that of a known lexeme. `None` if that would not lead to all
/// hits.
pub(super) fn known_beginnings(clauses: &[IndexClause]) -> Option<String> {
    let wanted = clauses.iter().filter(|clause| !clause.negated);
    let mut parts = Vec::new();
    for pattern in wanted.flat_map(|clause| &clause.patterns) {
        for slot in pattern.slots.iter().filter(|slot| !slot.beginnings.is_empty()) {
            if pattern.is_phrase() || slot.lexemes.is_empty() {
                return None;
            }
            let known = Slot { beginnings: Vec::new(), ..slot.clone() };
            let mut text = String::new();
            known.write(&mut text);
            parts.push(text);
        }
    }
    (!parts.is_empty()).then(|| parts.join(" & "))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;

    fn slot(distance: u16, lexemes: &[&str]) -> Slot {
        let lexemes = lexemes.iter().map(|lexeme| (*lexeme).to_owned()).collect();
        Slot { distance, lexemes, beginnings: Vec::new(), letters: 1 }
    }

    fn clause(negated: bool, slots: Vec<Slot>) -> IndexClause {
        IndexClause { negated, patterns: Pattern::new(slots).into_iter().collect(), weight: 1.0 }
    }

    #[test]
    fn queries_are_quoted_and_phrases_keep_their_distances() {
        let quoted = clause(false, vec![slot(0, &["o'x\\"])]);
        assert_eq!(quoted.tsquery(true), r"((('o''x\\')))");
        let phrase = clause(false, vec![slot(0, &["a", "b"]), slot(2, &["c"])]);
        assert_eq!(phrase.tsquery(true), "((('a' | 'b') <2> ('c')))");
        let without = clause(true, vec![slot(0, &["d"])]);
        assert_eq!(
            meeting_tsquery(&[phrase.clone(), without.clone()]).as_deref(),
            Some("((('a' | 'b') & ('c'))) & !((('d')))")
        );
        assert_eq!(any_tsquery(&[without]), None);
    }

    #[test]
    fn a_phrase_occurs_where_all_its_words_stand_in_their_places() {
        let phrase = Pattern::new(vec![slot(0, &["a", "b"]), slot(1, &["c"])]).unwrap();
        let hits =
            [("a".to_owned(), vec![1, 9]), ("b".to_owned(), vec![4]), ("c".to_owned(), vec![2, 5, 12])];
        assert_eq!(phrase.occurrences(&hits), [1, 4]);
        assert_eq!(Pattern::new(vec![slot(0, &[])]), None);
    }
}
