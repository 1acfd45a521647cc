//! Stretches of a meeting about one subject each, and the words that are typical of them.
//!
//! The boundaries follow M. Hearst, “TextTiling: Segmenting Text into Multi-paragraph Subtopic Passages”, Computational
//! Linguistics 23 (1997): where the words before and after a gap have little in common, the subject changes. The words
//! follow c-TF-IDF (M. Grootendorst, “BERTopic”, 2022): frequent in this stretch and rare elsewhere.

use crate::vectors::Terms;
use std::collections::BTreeSet;
use std::ops::Range;

/// Terms of a unit: between two units there may be a boundary. Hearst takes 20 words, half of which are stop words.
const UNIT_TERMS: usize = 10;
/// Units on each side of a gap that are compared (Hearst 1997, section 5.1: 10 for longer texts, 6 here because meetings
/// change their subject faster).
const BLOCK_UNITS: usize = 6;
/// Units on each side among which a peak is looked for; it bounds the cost.
const MAX_CLIMB: usize = 60;
/// A topic has at least this many units.
const MIN_UNITS: usize = 8;
/// Most topics of a meeting.
const MAX_TOPICS: usize = 12;
/// Words of a label.
const LABEL_WORDS: usize = 4;

/// A stretch of sentences about one subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Topic {
    /// The sentences.
    pub sentences: Range<usize>,
    /// The most typical words, first the most typical; may be empty.
    pub words: Vec<String>,
}

/// The topics of a meeting, in order and without gaps. `label` says whether a term may stand in a label.
pub(crate) fn topics(terms: &Terms, label: impl Fn(u32) -> bool) -> Vec<Topic> {
    let boundaries = boundaries(terms);
    let mut topics = Vec::new();
    let mut start = 0;
    for end in boundaries.into_iter().chain([terms.sentences.len()]) {
        if end > start {
            topics.push(Topic { sentences: start..end, words: Vec::new() });
            start = end;
        }
    }
    add_words(&mut topics, terms, label);
    topics
}

/// First sentences of all topics but the first.
fn boundaries(terms: &Terms) -> Vec<usize> {
    let units = units(terms);
    let gaps = units.len().saturating_sub(1);
    let most = (units.len() / MIN_UNITS).clamp(1, MAX_TOPICS);
    if most < 2 {
        return Vec::new();
    }
    let similarities = smooth(&similarities(terms, &units));
    let depths: Vec<f32> = (0..gaps).map(|gap| depth(&similarities, gap)).collect();
    let mean = depths.iter().sum::<f32>() / gaps as f32;
    let deviation = (depths.iter().map(|d| (d - mean).powi(2)).sum::<f32>() / gaps as f32).sqrt();
    let mut order: Vec<usize> = (0..gaps).filter(|&gap| depths[gap] > mean + deviation / 2.0).collect();
    order.sort_by(|&a, &b| depths[b].total_cmp(&depths[a]).then(a.cmp(&b)));
    // The longer the meeting, the further apart: topics of a ten-hour recording are chapters.
    let apart = MIN_UNITS.max(units.len() / (2 * MAX_TOPICS));
    let mut chosen: Vec<usize> = Vec::new();
    for gap in order {
        let far = |other: usize| (gap + 1).abs_diff(other) >= apart;
        let inside = far(0) && far(units.len());
        if chosen.len() + 1 < most && inside && chosen.iter().all(|&other| far(other)) {
            chosen.push(gap + 1);
        }
    }
    chosen.sort_unstable();
    chosen.into_iter().map(|unit| units[unit].start).collect()
}

/// Runs of whole sentences with at least [`UNIT_TERMS`] terms.
fn units(terms: &Terms) -> Vec<Range<usize>> {
    let mut units = Vec::new();
    let (mut start, mut count) = (0, 0);
    for (index, sentence) in terms.sentences.iter().enumerate() {
        count += sentence.len();
        if count >= UNIT_TERMS {
            units.push(start..index + 1);
            (start, count) = (index + 1, 0);
        }
    }
    units
}

/// The cosine of the blocks before and after each gap.
fn similarities(terms: &Terms, units: &[Range<usize>]) -> Vec<f32> {
    let mut before = vec![0.0_f32; terms.written.len()];
    let mut after = before.clone();
    let mut result = Vec::new();
    for gap in 1..units.len() {
        let left = &units[gap.saturating_sub(BLOCK_UNITS)..gap];
        let right = &units[gap..(gap + BLOCK_UNITS).min(units.len())];
        let all = |block: &[Range<usize>]| -> Vec<u32> {
            block.iter().flat_map(|unit| &terms.sentences[unit.clone()]).flatten().copied().collect()
        };
        let (left, right) = (all(left), all(right));
        left.iter().for_each(|term| before[*term as usize] += 1.0);
        right.iter().for_each(|term| after[*term as usize] += 1.0);
        // Each occurrence adds the count of its term once, so that the sum is that of the squares.
        let square =
            |list: &[u32], counts: &[f32]| list.iter().map(|term| counts[*term as usize]).sum::<f32>();
        let product: f32 = left.iter().map(|term| after[*term as usize]).sum();
        let length = (square(&left, &before) * square(&right, &after)).sqrt();
        result.push(if length > 0.0 { product / length } else { 0.0 });
        left.iter().for_each(|term| before[*term as usize] = 0.0);
        right.iter().for_each(|term| after[*term as usize] = 0.0);
    }
    result
}

/// The mean of each value and its neighbours.
fn smooth(values: &[f32]) -> Vec<f32> {
    (0..values.len())
        .map(|at| {
            let near = &values[at.saturating_sub(1)..(at + 2).min(values.len())];
            near.iter().sum::<f32>() / near.len() as f32
        })
        .collect()
}

/// How far the similarity rises on both sides of a gap (Hearst 1997, section 5.3).
fn depth(similarities: &[f32], gap: usize) -> f32 {
    let climb = |values: &mut dyn Iterator<Item = f32>| {
        let mut peak = similarities[gap];
        for value in values.take(MAX_CLIMB) {
            if value < peak {
                break;
            }
            peak = value;
        }
        peak - similarities[gap]
    };
    climb(&mut similarities[..gap].iter().rev().copied())
        + climb(&mut similarities[gap + 1..].iter().copied())
}

/// Gives each topic its typical words. A word stands in one label only.
fn add_words(topics: &mut [Topic], terms: &Terms, label: impl Fn(u32) -> bool) {
    let counts = |topic: &Topic| {
        let mut all: Vec<u32> = terms.sentences[topic.sentences.clone()].iter().flatten().copied().collect();
        all.sort_unstable();
        let mut counts: Vec<(u32, f32)> = Vec::new();
        for term in all {
            match counts.last_mut() {
                Some(last) if last.0 == term => last.1 += 1.0,
                _ => counts.push((term, 1.0)),
            }
        }
        counts
    };
    let per_topic: Vec<Vec<(u32, f32)>> = topics.iter().map(counts).collect();
    let mut total = vec![0.0_f32; terms.written.len()];
    per_topic.iter().flatten().for_each(|(term, count)| total[*term as usize] += count);
    let mean = total.iter().sum::<f32>() / topics.len().max(1) as f32;
    let mut used = BTreeSet::new();
    for (topic, counts) in topics.iter_mut().zip(per_topic) {
        let mut scored: Vec<(f32, u32)> = counts
            .into_iter()
            .filter(|(term, _)| label(*term))
            .map(|(term, count)| (count * (1.0 + mean / total[term as usize]).ln(), term))
            .collect();
        scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        for (_, term) in scored {
            if topic.words.len() == LABEL_WORDS {
                break;
            }
            if used.insert(terms.written[term as usize].to_lowercase()) {
                topic.words.push(terms.written[term as usize].clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 20 sentences of five terms about each of three subjects.
    fn three_subjects() -> Terms {
        let sentence =
            |subject: u32, index: u32| (0..5).map(|k| subject * 8 + (index * 3 + k * k) % 8).collect();
        let sentences: Vec<Vec<u32>> = (0..3).flat_map(|s| (0..20).map(move |i| sentence(s, i))).collect();
        let written = (0..24).map(|term| format!("word{term}")).collect();
        Terms { sentences, written, sentence_counts: vec![1; 24] }
    }

    #[test]
    fn topics_change_where_the_words_change() {
        let topics = topics(&three_subjects(), |_| true);
        let starts: Vec<usize> = topics.iter().map(|topic| topic.sentences.start).collect();
        assert_eq!(starts.len(), 3, "{starts:?}");
        assert!(starts[1].abs_diff(20) <= 2 && starts[2].abs_diff(40) <= 2, "{starts:?}");
        assert!(topics.iter().all(|topic| topic.words.len() == LABEL_WORDS));
    }

    #[test]
    fn topics_cover_every_sentence_once() {
        for count in [0, 1, 7, 60] {
            let mut terms = three_subjects();
            terms.sentences.truncate(count);
            let covered: Vec<usize> =
                topics(&terms, |_| true).into_iter().flat_map(|topic| topic.sentences).collect();
            assert_eq!(covered, (0..count).collect::<Vec<_>>());
        }
    }
}
