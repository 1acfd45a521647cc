//! How well a meeting fits, and which of its segments show that best.

use super::hits::{Hit, MeetingHits, NAMES, NOTE, Part, TITLE};
use super::pattern::IndexClause;

/// What words in the title add, as a share of all words.
const TITLE_SCORE: f64 = 2.0;
/// What words in the names of speakers add.
const NAME_SCORE: f64 = 0.7;
/// What words in the note add.
const NOTE_SCORE: f64 = 0.7;
/// What the number of segments with hits adds, times its logarithm.
const COUNT_SCORE: f64 = 0.15;
/// How much words lose that stand far from each other.
const DISTANCE_SCORE: f64 = 0.15;
/// What remains of a hit that is another spelling or a compound.
const SIMILAR_SHARE: f64 = 0.8;
/// Hits of a note that are not further apart are one passage.
pub(super) const NOTE_GAP: u16 = 20;

/// A segment of the transcript, or a stretch of a note, with hits.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stretch {
    pub(super) part: i32,
    pub(super) segment: u16,
    pub(super) hits: Vec<Hit>,
}

impl Stretch {
    fn clauses(&self) -> u64 {
        self.hits.iter().fold(0, |set, hit| set | bit(hit))
    }
}

/// A meeting with its score, and its hits grouped by segment.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ranked {
    pub(super) hits: MeetingHits,
    pub(super) score: f64,
    /// Segments of the transcript with hits, in order.
    pub(super) segments: Vec<Stretch>,
    /// Stretches of the note with hits, in order: the part, and the hits.
    pub(super) notes: Vec<Stretch>,
}

impl Ranked {
    pub(super) fn part(&self, part: i32) -> Option<&Part> {
        self.hits.parts.iter().find(|found| found.part == part)
    }

    /// How many passages there are in all.
    pub(super) fn passages(&self) -> usize {
        self.segments.len() + self.notes.len()
    }
}

const fn bit(hit: &Hit) -> u64 {
    1 << (hit.clause % 64)
}

/// What each clause contributes, by what it says; 0 for those that are not wanted. In all 1.
struct Shares(Vec<f64>);

impl Shares {
    fn new(clauses: &[IndexClause]) -> Self {
        let weight = |clause: &IndexClause| if clause.negated { 0.0 } else { clause.weight };
        let all: f64 = clauses.iter().map(weight).sum();
        Self(clauses.iter().map(|clause| if all > 0.0 { weight(clause) / all } else { 0.0 }).collect())
    }

    /// The share of a set of clauses.
    fn of(&self, set: u64) -> f64 {
        self.0
            .iter()
            .enumerate()
            .filter(|(index, _)| set & (1 << (index % 64)) != 0)
            .map(|(_, share)| share)
            .sum()
    }
}

/// Scores a meeting and groups its hits by segment. `None` if a positive clause has no hit: its phrase does not occur, or
/// another speaker says the words.
pub(super) fn rank(clauses: &[IndexClause], hits: MeetingHits) -> Option<Ranked> {
    let in_part = |part: &Part| part.hits.iter().fold(0, |set, hit| set | bit(hit));
    let all = hits.parts.iter().map(in_part).fold(0, |set, part| set | part);
    let is_missing =
        |(index, clause): (usize, &IndexClause)| !clause.negated && all & (1 << (index % 64)) == 0;
    if clauses.iter().enumerate().any(is_missing) {
        return None;
    }
    let shares = Shares::new(clauses);
    let spoken: Vec<&Part> = hits.parts.iter().filter(|part| part.part >= 0).collect();
    let best = spoken.iter().map(|part| best_window(&shares, &part.hits)).fold(0.0, f64::max);
    let segments: Vec<Stretch> = spoken.iter().flat_map(|part| segments(part)).collect();
    let notes: Vec<Stretch> =
        hits.parts.iter().rev().filter(|part| part.part <= NOTE).flat_map(stretches).collect();
    let of = |wanted: i32| hits.parts.iter().filter(|part| part.part == wanted).map(in_part).sum::<u64>();
    let note = notes.iter().fold(0, |set, stretch| set | stretch.clauses());
    let count = (segments.len() as f64).ln_1p();
    let score = best
        + COUNT_SCORE * count
        + TITLE_SCORE * shares.of(of(TITLE))
        + NAME_SCORE * shares.of(of(NAMES))
        + NOTE_SCORE * shares.of(note);
    Some(Ranked { hits, score, segments, notes })
}

/// The best that stands together in a part: the share of the words, less if they are far from each other.
fn best_window(shares: &Shares, hits: &[Hit]) -> f64 {
    /// Nothing is better than all words side by side.
    const BEST: f64 = 0.999;
    // The last occurrence of each clause, the nearest one last.
    let mut last: Vec<&Hit> = Vec::new();
    let mut best = 0.0_f64;
    for hit in hits {
        last.retain(|before| before.clause != hit.clause);
        last.push(hit);
        let exact = if hit.exact { 1.0 } else { SIMILAR_SHARE };
        let (mut members, mut share) = (0_u16, 0.0);
        for before in last.iter().rev() {
            members += 1;
            share += shares.of(bit(before));
            let gap = f64::from((hit.position - before.position + 1).saturating_sub(members));
            best = best.max(exact * share / (1.0 + DISTANCE_SCORE * gap.ln_1p()));
        }
        if best >= BEST {
            break;
        }
    }
    best
}

fn segments(part: &Part) -> Vec<Stretch> {
    let mut found: Vec<Stretch> = Vec::new();
    for hit in &part.hits {
        match found.last_mut() {
            Some(segment) if segment.segment == hit.segment => segment.hits.push(*hit),
            _ => found.push(Stretch { part: part.part, segment: hit.segment, hits: vec![*hit] }),
        }
    }
    found
}

fn stretches(part: &Part) -> Vec<Stretch> {
    let mut found: Vec<Stretch> = Vec::new();
    for hit in &part.hits {
        match found.last_mut() {
            Some(stretch)
                if stretch.hits.last().is_some_and(|last| hit.position - last.position <= NOTE_GAP) =>
            {
                stretch.hits.push(*hit);
            }
            _ => found.push(Stretch { part: part.part, segment: 0, hits: vec![*hit] }),
        }
    }
    found
}

/// Indexes of the segments that show best what was found, at most `limit`: those with words that the earlier ones lack first,
/// then those with the most words; in order of time.
pub(super) fn best_segments(clauses: &[IndexClause], segments: &[Stretch], limit: usize) -> Vec<usize> {
    let shares = Shares::new(clauses);
    let sets: Vec<u64> = segments.iter().map(Stretch::clauses).collect();
    let around = |index: usize| {
        let near = |other: Option<usize>| {
            let other = other.and_then(|other| Some((other, segments.get(other)?)));
            let is_next = |segment: &Stretch| {
                segment.part == segments[index].part && segment.segment.abs_diff(segments[index].segment) == 1
            };
            other.filter(|(_, segment)| is_next(segment)).map_or(0, |(other, _)| sets[other])
        };
        sets[index] | near(index.checked_sub(1)) | near(Some(index + 1))
    };
    let mut chosen: Vec<usize> = Vec::new();
    let mut shown = 0_u64;
    while chosen.len() < limit.min(segments.len()) {
        let value = |index: usize| {
            let count = (segments[index].hits.len() as f64).ln_1p();
            2.0 * shares.of(sets[index] & !shown)
                + shares.of(sets[index])
                + 0.5 * shares.of(around(index))
                + 0.05 * count
        };
        let free = (0..segments.len()).filter(|index| !chosen.contains(index));
        let best = free.map(|index| (index, value(index))).reduce(|a, b| if b.1 > a.1 { b } else { a });
        let Some((best, _)) = best else { break };
        shown |= sets[best];
        chosen.push(best);
    }
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;
    use uuid::Uuid;

    fn clauses(count: usize) -> Vec<IndexClause> {
        vec![IndexClause { negated: false, patterns: Vec::new(), weight: 1.0 }; count]
    }

    fn hit(clause: u8, position: u16, segment: u16) -> Hit {
        Hit { segment, word: 0, position, clause, pattern: 0, exact: true }
    }

    fn meeting(part: i32, hits: Vec<Hit>) -> MeetingHits {
        let part = Part { part, hits, last_positions: Vec::new(), own_segments: 99, source_ids: Vec::new() };
        MeetingHits { job: Uuid::nil(), parts: vec![part] }
    }

    #[test]
    fn words_that_stand_together_are_better_and_a_missing_word_is_no_hit() {
        let near = rank(&clauses(2), meeting(0, vec![hit(0, 3, 0), hit(1, 4, 0)])).unwrap();
        let far = rank(&clauses(2), meeting(0, vec![hit(0, 3, 0), hit(1, 200, 9)])).unwrap();
        let title = rank(&clauses(2), meeting(TITLE, vec![hit(0, 1, 0), hit(1, 2, 0)])).unwrap();
        assert!(title.score > near.score && near.score > far.score, "{title:?} {near:?} {far:?}");
        assert_eq!(rank(&clauses(2), meeting(0, vec![hit(0, 3, 0)])), None);
    }

    #[test]
    fn the_best_segments_show_all_words() {
        let found = rank(
            &clauses(2),
            meeting(0, vec![hit(0, 1, 0), hit(0, 9, 1), hit(0, 12, 1), hit(1, 40, 5), hit(0, 50, 7)]),
        );
        let segments = found.unwrap().segments;
        assert_eq!(best_segments(&clauses(2), &segments, 2), [1, 2]);
        assert_eq!(best_segments(&clauses(2), &segments, 9).len(), 4);
    }
}
