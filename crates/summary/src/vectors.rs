//! Sentences as sparse vectors of terms, and which of them are alike.

use crate::language::Language;
use crate::sentences::Sentence;
use crate::tokens::{is_numeric, is_unspaced_word};
use std::collections::HashMap;

/// Terms of each sentence. A term is the stem of a word, or two neighbouring characters in scripts without spaces.
#[derive(Debug, Default)]
pub(crate) struct Terms {
    /// Terms of each sentence in order, without stop words.
    pub sentences: Vec<Vec<u32>>,
    /// How a term is written: as at its first occurrence.
    pub written: Vec<String>,
    /// Number of sentences that have the term.
    pub sentence_counts: Vec<u32>,
}

impl Terms {
    /// Counts the terms of `sentences`.
    pub(crate) fn new(sentences: &[Sentence], language: &Language) -> Self {
        let mut terms = Self::default();
        // Only looked up, never iterated: the order of a hash map decides nothing.
        let mut ids: HashMap<String, u32> = HashMap::new();
        for sentence in sentences {
            let mut row = Vec::new();
            for (key, written) in terms_of(sentence, language) {
                let next = ids.len() as u32;
                let id = *ids.entry(key).or_insert(next);
                if id == next {
                    terms.written.push(written);
                    terms.sentence_counts.push(0);
                }
                row.push(id);
            }
            let mut distinct = row.clone();
            distinct.sort_unstable();
            distinct.dedup();
            distinct.iter().for_each(|id| terms.sentence_counts[*id as usize] += 1);
            terms.sentences.push(row);
        }
        terms
    }

    /// ln(1 + sentences / sentences with the term): how much a term tells.
    pub(crate) fn idf(&self, term: u32) -> f32 {
        let count = self.sentence_counts[term as usize].max(1) as f32;
        (1.0 + self.sentences.len() as f32 / count).ln()
    }

    /// tf·idf of each sentence, of length 1, in order of terms. A sentence without terms is empty.
    pub(crate) fn vectors(&self) -> Vec<Vector> {
        let vector = |row: &Vec<u32>| {
            let mut terms = row.clone();
            terms.sort_unstable();
            let mut vector: Vec<(u32, f32)> = Vec::new();
            for term in terms {
                match vector.last_mut() {
                    Some(last) if last.0 == term => last.1 += self.idf(term),
                    _ => vector.push((term, self.idf(term))),
                }
            }
            let length = vector.iter().map(|entry| entry.1 * entry.1).sum::<f32>().sqrt();
            vector.iter_mut().for_each(|entry| entry.1 /= length);
            vector
        };
        self.sentences.iter().map(vector).collect()
    }
}

/// Terms with their weights, in order of terms.
pub(crate) type Vector = Vec<(u32, f32)>;

/// The cosine of two vectors of length 1.
pub(crate) fn cosine(a: &Vector, b: &Vector) -> f32 {
    let (mut i, mut j, mut sum) = (0, 0, 0.0);
    while i < a.len() && j < b.len() {
        match a[i].0.cmp(&b[j].0) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => {
                sum += a[i].1 * b[j].1;
                (i, j) = (i + 1, j + 1);
            }
        }
    }
    sum
}

/// Sentences before a sentence that are compared with it for each term they share. It bounds the cost, which would
/// otherwise grow with the square of the length; rare terms still connect the whole meeting.
const MAX_POSTINGS: usize = 40;
/// Less similar sentences are not connected (Erkan and Radev 2004, section 3.2).
const MIN_COSINE: f32 = 0.1;

/// For each sentence, the similar ones with their cosines, in order. Symmetric.
pub(crate) fn neighbours(vectors: &[Vector], terms: usize) -> Vec<Vec<(u32, f32)>> {
    let mut postings: Vec<Vec<(u32, f32)>> = vec![Vec::new(); terms];
    let mut sums = vec![0.0_f32; vectors.len()];
    let mut all: Vec<Vec<(u32, f32)>> = vec![Vec::new(); vectors.len()];
    for (index, vector) in vectors.iter().enumerate() {
        let mut touched = Vec::new();
        for &(term, weight) in vector {
            let list = &mut postings[term as usize];
            for &(other, other_weight) in list.iter().rev().take(MAX_POSTINGS) {
                if sums[other as usize] == 0.0 {
                    touched.push(other);
                }
                sums[other as usize] += weight * other_weight;
            }
            list.push((index as u32, weight));
        }
        touched.sort_unstable();
        for other in touched {
            let sum = std::mem::take(&mut sums[other as usize]);
            if sum >= MIN_COSINE {
                all[index].push((other, sum));
                all[other as usize].push((index as u32, sum));
            }
        }
    }
    all
}

/// The terms of a sentence as (key, as written), without stop words.
fn terms_of(sentence: &Sentence, language: &Language) -> Vec<(String, String)> {
    let mut terms = Vec::new();
    let tokens = &sentence.tokens;
    for (index, token) in tokens.iter().enumerate() {
        let written = &sentence.text[token.range.clone()];
        if is_unspaced_word(&token.word) && token.word.chars().count() == 1 {
            // Two characters: most words of Chinese and Japanese have two, and no dictionary is needed.
            let next = tokens
                .get(index + 1)
                .filter(|next| next.range.start == token.range.end && is_unspaced_word(&next.word));
            if let Some(next) = next {
                let pair = &sentence.text[token.range.start..next.range.end];
                if !pair.chars().all(is_hiragana) {
                    terms.push((pair.to_owned(), pair.to_owned()));
                }
            }
            continue;
        }
        let stop = language.rules.is_some_and(|rules| rules.is_stop_word(&token.word));
        let single =
            token.word.chars().count() == 1 && !is_numeric(&token.word) && !is_unspaced_word(&token.word);
        if !stop && !single {
            terms.push((sentence.stems[index].clone(), written.to_owned()));
        }
    }
    terms
}

/// Hiragana writes the grammar of Japanese.
fn is_hiragana(c: char) -> bool {
    matches!(u32::from(c), 0x3040..=0x309F)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_symmetric_and_equal_to_the_cosine() {
        let vectors: Vec<Vector> =
            vec![vec![(0, 0.6), (1, 0.8)], vec![(1, 1.0)], vec![(2, 1.0)], vec![(0, 0.8), (1, 0.6)], vec![]];
        let found = neighbours(&vectors, 3);
        for (a, list) in found.iter().enumerate() {
            for &(b, similarity) in list {
                assert!((cosine(&vectors[a], &vectors[b as usize]) - similarity).abs() < 1e-6);
                assert!(found[b as usize].iter().any(|back| back.0 as usize == a));
            }
        }
        assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 0, 2, 0]);
    }
}
