//! Which sentences matter: LexRank, and a choice without repetition.
//!
//! - G. Erkan and D. Radev, “LexRank: Graph-based Lexical Centrality as Salience in Text Summarization”, Journal of
//!   Artificial Intelligence Research 22 (2004).
//! - J. Carbonell and J. Goldstein, “The Use of MMR, Diversity-Based Reranking for Reordering Documents and Producing
//!   Summaries”, SIGIR 1998.

use crate::vectors::{Vector, cosine};
use std::collections::BTreeMap;

/// Probability of going on along an edge (Erkan and Radev 2004, section 4.2).
const DAMPING: f32 = 0.85;
/// Most rounds of the power method. With this damping the rest is below 1 % after 30.
const MAX_ROUNDS: usize = 40;
/// The power method ends when all changes together are smaller.
const TOLERANCE: f32 = 1e-5;
/// Weight of relevance beside novelty.
const RELEVANCE: f32 = 0.7;
/// A sentence is worth this much less for each chosen one of the same speaker.
const SAME_SPEAKER: f32 = 0.9;
/// … and of the same topic.
const SAME_TOPIC: f32 = 0.75;
/// A more similar sentence says the same again.
const REPEATED: f32 = 0.7;
/// Best sentences among which the choice is made.
const MAX_CANDIDATES: usize = 400;

/// Continuous LexRank of each sentence, from its weighted neighbours; the mean is 1.
pub(crate) fn lex_rank(neighbours: &[Vec<(u32, f32)>]) -> Vec<f32> {
    let sums: Vec<f32> = neighbours.iter().map(|list| list.iter().map(|edge| edge.1).sum()).collect();
    let mut ranks = vec![1.0_f32; neighbours.len()];
    for _ in 0..MAX_ROUNDS {
        let next: Vec<f32> = neighbours
            .iter()
            .map(|list| {
                let sum: f32 = list
                    .iter()
                    .map(|&(other, weight)| ranks[other as usize] * weight / sums[other as usize])
                    .sum();
                1.0 - DAMPING + DAMPING * sum
            })
            .collect();
        let change: f32 = ranks.iter().zip(&next).map(|(a, b)| (a - b).abs()).sum();
        ranks = next;
        if change < TOLERANCE * neighbours.len() as f32 {
            break;
        }
    }
    ranks
}

/// A sentence that may be chosen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate {
    /// Index of the sentence.
    pub sentence: usize,
    /// Greater is better.
    pub score: f32,
    pub speaker: Option<usize>,
    /// Index of the topic.
    pub topic: usize,
}

/// Up to `count` sentences by maximal marginal relevance, in order of time. Of equal ones the earlier is chosen.
pub(crate) fn choose(mut candidates: Vec<Candidate>, vectors: &[Vector], count: usize) -> Vec<usize> {
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.sentence.cmp(&b.sentence)));
    candidates.truncate(MAX_CANDIDATES);
    let best = candidates.first().map_or(1.0, |candidate| candidate.score).max(f32::MIN_POSITIVE);
    let mut similarity = vec![0.0_f32; candidates.len()];
    let mut by_speaker: BTreeMap<Option<usize>, i32> = BTreeMap::new();
    let mut by_topic: BTreeMap<usize, i32> = BTreeMap::new();
    let mut chosen = Vec::new();
    while chosen.len() < count {
        let value = |index: usize, candidate: &Candidate| {
            let speaker = by_speaker.get(&candidate.speaker).copied().unwrap_or(0);
            let topic = by_topic.get(&candidate.topic).copied().unwrap_or(0);
            let score = candidate.score / best * SAME_SPEAKER.powi(speaker) * SAME_TOPIC.powi(topic);
            RELEVANCE * score - (1.0 - RELEVANCE) * similarity[index]
        };
        let next = candidates
            .iter()
            .enumerate()
            .filter(|(index, _)| similarity[*index] < REPEATED)
            .map(|(index, candidate)| (value(index, candidate), index))
            .reduce(|best, next| if next.0 > best.0 { next } else { best });
        let Some((_, index)) = next else { break };
        let candidate = candidates.remove(index);
        similarity.remove(index);
        for (index, other) in candidates.iter().enumerate() {
            let cosine = cosine(&vectors[candidate.sentence], &vectors[other.sentence]);
            similarity[index] = similarity[index].max(cosine);
        }
        *by_speaker.entry(candidate.speaker).or_default() += 1;
        *by_topic.entry(candidate.topic).or_default() += 1;
        chosen.push(candidate.sentence);
    }
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_in_the_middle_ranks_highest() {
        let ranks = lex_rank(&[vec![(1, 0.5)], vec![(0, 0.5), (2, 0.5)], vec![(1, 0.5)], vec![]]);
        assert!(ranks[1] > ranks[0] && ranks[0] == ranks[2] && ranks[2] > ranks[3]);
    }

    #[test]
    fn a_sentence_is_not_chosen_twice_in_other_words() {
        let vectors = vec![vec![(0, 1.0)], vec![(0, 1.0)], vec![(1, 1.0)]];
        let candidate = |sentence, score| Candidate { sentence, score, speaker: None, topic: 0 };
        let all = vec![candidate(0, 3.0), candidate(1, 2.0), candidate(2, 1.0)];
        assert_eq!(choose(all.clone(), &vectors, 3), [0, 2]);
        assert_eq!(choose(all, &vectors, 1), [0]);
    }
}
