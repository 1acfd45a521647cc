//! Agglomerative clustering of vectors with average linkage.
//!
//! The distance of two vectors is `1 − a·b`, plus a [`DistancePenalty`] if they are known to belong to different
//! people. For unit vectors, the mean distance of two groups is `1 − a·b` of the means of the groups, and the penalties
//! are few. So groups can be merged exactly without a matrix of the distances of their members.
//!
//! A long recording is clustered in two stages, which takes seconds for three hours: first within blocks of some
//! minutes, into small groups that are surely one voice; then these groups with each other. Each stage looks at all
//! pairs of a bounded number of groups. A recording of one block is clustered in one stage.

use super::{add, dot};

/// Vectors in a block: six minutes of speech.
const BLOCK: usize = 750;
/// Within a block, groups merge up to this distance, at which they are hardly ever two voices.
const SAME_VOICE_DISTANCE: f32 = 0.50;
/// The most groups in the second stage. If there were more, blocks merge further.
const MAX_GROUPS: usize = 3000;

/// An addition to the distance of two vectors, given by their indices, `a` before `b`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct DistancePenalty {
    pub(super) a: usize,
    pub(super) b: usize,
    pub(super) penalty: f32,
}

/// The merge of two groups, each identified by one of its members, at a distance.
#[derive(Debug, Clone, Copy)]
struct Merge {
    a: usize,
    b: usize,
    distance: f32,
}

/// The result of the clustering: all merges, from single vectors to one cluster.
#[derive(Debug)]
pub(super) struct Dendrogram {
    /// The group of the first stage of each vector.
    group_of: Vec<usize>,
    /// The number of groups of the first stage.
    groups: usize,
    /// The merges of the second stage, in order of distance.
    merges: Vec<Merge>,
}

impl Dendrogram {
    /// Clusters `vectors`, which have length one and are in order of time. `penalties` are in order of `a`.
    pub(super) fn build(vectors: &[&[f32]], penalties: &[DistancePenalty]) -> Self {
        let mut groups = Groups::default();
        let mut group_of = Vec::with_capacity(vectors.len());
        let blocks = vectors.len().div_ceil(BLOCK);
        for (number, block) in vectors.chunks(BLOCK).enumerate() {
            let first = number * BLOCK;
            let single = Groups::of(block, &(0..block.len()).collect::<Vec<_>>(), block.len());
            let labels = if blocks == 1 {
                (0..block.len()).collect()
            } else {
                let begin = penalties.partition_point(|pair| pair.a < first);
                let here = penalties[begin..].iter().take_while(|pair| pair.a < first + block.len());
                let within = here.filter(|pair| pair.b < first + block.len());
                let within: Vec<DistancePenalty> = within
                    .map(|pair| DistancePenalty { a: pair.a - first, b: pair.b - first, ..*pair })
                    .collect();
                let merges = merges(&single, &within);
                let max = (MAX_GROUPS / blocks).max(1);
                let needed = block.len().saturating_sub(max);
                let done = merges.partition_point(|merge| merge.distance < SAME_VOICE_DISTANCE).max(needed);
                labels(block.len(), &merges[..done])
            };
            let count = labels.iter().max().map_or(0, |max| max + 1);
            let offset = groups.0.len();
            groups.0.extend(Groups::of(block, &labels, count).0);
            group_of.extend(labels.into_iter().map(|label| offset + label));
        }
        let between: Vec<DistancePenalty> = penalties
            .iter()
            .map(|pair| DistancePenalty { a: group_of[pair.a], b: group_of[pair.b], ..*pair })
            .filter(|pair| pair.a != pair.b)
            .collect();
        let merges = merges(&groups, &between);
        Self { group_of, groups: groups.0.len(), merges }
    }

    /// The cluster of each vector after all merges below `distance`, numbered from 0 in order of their first vectors.
    /// Merges fewer or more groups if needed, so that there are at least `min` and at most `max` clusters that count as
    /// speakers, as far as that is possible. `is_speaker` decides by the number of members.
    pub(super) fn cut(
        &self,
        distance: f32,
        min: usize,
        max: usize,
        is_speaker: impl Fn(usize) -> bool,
    ) -> Vec<usize> {
        let natural = self.merges.partition_point(|merge| merge.distance < distance);
        let speakers = self.speakers_after_merges(&is_speaker);
        let mut done = natural;
        if speakers[natural] > max {
            done = (natural..speakers.len()).find(|done| speakers[*done] <= max).unwrap_or(self.merges.len());
        } else if speakers[natural] < min {
            let enough = (0..natural).rev().find(|done| speakers[*done] >= min);
            // If there are never that many, take the highest number.
            let highest = (0..=natural).rev().max_by_key(|done| (speakers[*done], *done));
            done = enough.or(highest).unwrap_or(natural);
        }
        let labels = labels(self.groups, &self.merges[..done]);
        let mut order = Vec::new();
        self.group_of
            .iter()
            .map(|group| {
                let label = labels[*group];
                order.iter().position(|known| *known == label).unwrap_or_else(|| {
                    order.push(label);
                    order.len() - 1
                })
            })
            .collect()
    }

    /// The number of clusters that count as speakers after each number of merges.
    fn speakers_after_merges(&self, is_speaker: impl Fn(usize) -> bool) -> Vec<usize> {
        let mut members = vec![0; self.groups];
        for group in &self.group_of {
            members[*group] += 1;
        }
        let mut now = members.iter().filter(|members| is_speaker(**members)).count();
        let mut sets = DisjointSets::new(self.groups);
        let mut speakers = vec![now];
        for merge in &self.merges {
            let (a, b) = (sets.root(merge.a), sets.root(merge.b));
            let both = members[a] + members[b];
            now = now + usize::from(is_speaker(both))
                - usize::from(is_speaker(members[a]))
                - usize::from(is_speaker(members[b]));
            sets.join(a, b);
            members[sets.root(a)] = both;
            speakers.push(now);
        }
        speakers
    }
}

/// Groups of vectors: the sum and the number of members of each.
#[derive(Debug, Default)]
struct Groups(Vec<(Vec<f32>, usize)>);

impl Groups {
    /// Groups `vectors` by their labels, which are below `count`.
    fn of(vectors: &[&[f32]], labels: &[usize], count: usize) -> Self {
        let width = vectors.first().map_or(0, |vector| vector.len());
        let mut groups = vec![(vec![0.0; width], 0); count];
        for (vector, label) in vectors.iter().zip(labels) {
            let (sum, members) = &mut groups[*label];
            add(sum, vector);
            *members += 1;
        }
        Self(groups)
    }
}

/// All merges of average linkage, in order of distance. `penalties` are between groups, in any order; several for the
/// same pair add up.
///
/// The nearest-neighbour chain algorithm: follows nearest neighbours until two groups are each other's nearest. This
/// gives the same merges as always taking the nearest pair of all, in time that grows with the square of the number of
/// groups.
fn merges(Groups(groups): &Groups, penalties: &[DistancePenalty]) -> Vec<Merge> {
    let count = groups.len();
    let means: Vec<Vec<f32>> = groups
        .iter()
        .map(|(sum, members)| sum.iter().map(|value| value / *members as f32).collect())
        .collect();
    let mut distances = vec![0.0_f32; count * count];
    for i in 0..count {
        for j in 0..i {
            let distance = 1.0 - dot(&means[i], &means[j]);
            distances[i * count + j] = distance;
            distances[j * count + i] = distance;
        }
    }
    for DistancePenalty { a, b, penalty } in penalties {
        let mean = penalty / (groups[*a].1 * groups[*b].1) as f32;
        distances[a * count + b] += mean;
        distances[b * count + a] += mean;
    }
    let mut members: Vec<f32> = groups.iter().map(|(_, members)| *members as f32).collect();
    let mut remaining: Vec<usize> = (0..count).collect();
    let mut merges = Vec::with_capacity(count.saturating_sub(1));
    let mut chain: Vec<usize> = Vec::new();
    while remaining.len() > 1 {
        let last = match chain.last() {
            Some(last) => *last,
            None => {
                chain.push(remaining[0]);
                remaining[0]
            }
        };
        // Among equally near groups, the previous one in the chain, so that the chain ends; else the first.
        let before = chain.len().checked_sub(2).map(|at| chain[at]);
        let row = &distances[last * count..][..count];
        let mut nearest = before;
        for &other in &remaining {
            if other != last && nearest.is_none_or(|nearest| row[other] < row[nearest]) {
                nearest = Some(other);
            }
        }
        let Some(nearest) = nearest else { break };
        if before != Some(nearest) {
            chain.push(nearest);
            continue;
        }
        chain.truncate(chain.len() - 2);
        let (a, b) = (last.min(nearest), last.max(nearest));
        merges.push(Merge { a, b, distance: row[nearest] });
        remaining.retain(|group| *group != b);
        let (of_a, of_b) = (members[a], members[b]);
        for &other in &remaining {
            if other != a {
                let distance = (of_a * distances[a * count + other] + of_b * distances[b * count + other])
                    / (of_a + of_b);
                distances[a * count + other] = distance;
                distances[other * count + a] = distance;
            }
        }
        members[a] += of_b;
    }
    merges.sort_by(|a, b| a.distance.total_cmp(&b.distance));
    merges
}

/// The pair of `count` items with the greatest `similarity`, the smaller index first. `None` if `similarity` is `None`
/// for all pairs.
pub(super) fn nearest_pair(
    count: usize,
    similarity: impl Fn(usize, usize) -> Option<f32>,
) -> Option<(usize, usize)> {
    let mut best: Option<(f32, usize, usize)> = None;
    for a in 0..count {
        for b in a + 1..count {
            if let Some(similarity) = similarity(a, b)
                && best.is_none_or(|(best, ..)| similarity > best)
            {
                best = Some((similarity, a, b));
            }
        }
    }
    best.map(|(_, a, b)| (a, b))
}

/// The group of each of `count` items after `merges`, numbered from 0 in order of their first items.
fn labels(count: usize, merges: &[Merge]) -> Vec<usize> {
    let mut sets = DisjointSets::new(count);
    for merge in merges {
        sets.join(merge.a, merge.b);
    }
    let mut numbers = vec![None; count];
    let mut next = 0;
    (0..count)
        .map(|item| {
            *numbers[sets.root(item)].get_or_insert_with(|| {
                next += 1;
                next - 1
            })
        })
        .collect()
}

/// A union-find structure: the parent of each item.
struct DisjointSets(Vec<usize>);

impl DisjointSets {
    fn new(count: usize) -> Self {
        Self((0..count).collect())
    }

    fn root(&mut self, mut item: usize) -> usize {
        while self.0[item] != item {
            self.0[item] = self.0[self.0[item]];
            item = self.0[item];
        }
        item
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b)] = a.min(b);
    }
}

#[cfg(test)]
mod tests {
    use super::super::unit;
    use super::*;
    use std::time::{Duration, Instant};

    /// `count` vectors of `speakers` voices in turns of fifteen, spread about like those of a voice encoder.
    fn voices(count: usize, speakers: usize) -> (Vec<Vec<f32>>, Vec<usize>) {
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
        };
        let mut direction = move || unit((0..256).map(|_| random()).collect::<Vec<f32>>());
        let common = direction();
        let centres: Vec<Vec<f32>> = (0..speakers).map(|_| sum(&common, &direction(), 2.0)).collect();
        let speaker_at = |i: usize| (i / 15 * 7 + i / 150) % speakers;
        let vectors = (0..count).map(|i| sum(&centres[speaker_at(i)], &direction(), 0.7)).collect();
        (vectors, (0..count).map(speaker_at).collect())
    }

    fn sum(a: &[f32], b: &[f32], weight: f32) -> Vec<f32> {
        unit(a.iter().zip(b).map(|(a, b)| a + weight * b).collect())
    }

    fn dendrogram(vectors: &[Vec<f32>]) -> Dendrogram {
        Dendrogram::build(&vectors.iter().map(Vec::as_slice).collect::<Vec<_>>(), &[])
    }

    /// Whether both labellings describe the same groups.
    fn same(a: &[usize], b: &[usize]) -> bool {
        let pairs: std::collections::BTreeSet<(usize, usize)> =
            a.iter().copied().zip(b.iter().copied()).collect();
        let distinct = |labels: &[usize]| labels.iter().collect::<std::collections::BTreeSet<_>>().len();
        pairs.len() == distinct(a) && pairs.len() == distinct(b)
    }

    #[test]
    fn merges_are_the_same_as_when_always_taking_the_nearest_pair() {
        let (vectors, _) = voices(60, 4);
        let slices: Vec<&[f32]> = vectors.iter().map(Vec::as_slice).collect();
        let single = Groups::of(&slices, &(0..60).collect::<Vec<_>>(), 60);
        let penalties: Vec<DistancePenalty> =
            (0..59).step_by(7).map(|a| DistancePenalty { a, b: a + 1, penalty: 0.3 }).collect();
        let penalty = |a: usize, b: usize| {
            penalties
                .iter()
                .filter(|pair| (pair.a, pair.b) == (a.min(b), a.max(b)))
                .map(|pair| pair.penalty)
                .sum::<f32>()
        };
        let mut groups: Vec<Vec<usize>> = (0..60).map(|i| vec![i]).collect();
        let mut distances = Vec::new();
        while groups.len() > 1 {
            let mean = |a: &[usize], b: &[usize]| {
                let all = a
                    .iter()
                    .flat_map(|a| b.iter().map(|b| 1.0 - dot(&vectors[*a], &vectors[*b]) + penalty(*a, *b)));
                all.sum::<f32>() / (a.len() * b.len()) as f32
            };
            let pairs = (0..groups.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
            let (distance, i, j) = pairs
                .map(|(i, j)| (mean(&groups[i], &groups[j]), i, j))
                .min_by(|a, b| a.0.total_cmp(&b.0))
                .expect("there are pairs");
            distances.push(distance);
            let merged = groups.swap_remove(i);
            groups[j].extend(merged);
        }
        for (merge, distance) in merges(&single, &penalties).iter().zip(&distances) {
            assert!((merge.distance - distance).abs() < 1e-4, "{} {distance}", merge.distance);
        }
    }

    #[test]
    fn the_number_of_speakers_is_found_or_as_requested() {
        let (vectors, speakers) = voices(300, 5);
        let dendrogram = dendrogram(&vectors);
        assert!(same(&dendrogram.cut(0.6, 1, usize::MAX, |_| true), &speakers));
        let groups = |min, max| {
            let labels = dendrogram.cut(0.6, min, max, |members| members >= 4);
            labels.iter().max().map_or(0, |max| max + 1)
        };
        assert_eq!((groups(1, 3), groups(2, 2), groups(1, 1), groups(5, 9)), (3, 2, 1, 5));
        assert!(groups(6, 6) >= 6);
    }

    #[test]
    fn no_vector_and_one_vector_can_be_clustered() {
        assert!(dendrogram(&[]).cut(0.3, 1, 5, |_| true).is_empty());
        assert_eq!(dendrogram(&[vec![1.0, 0.0]]).cut(0.3, 3, 5, |_| true), [0]);
        let same = vec![vec![1.0, 0.0]; 9];
        assert_eq!(dendrogram(&same).cut(0.3, 1, 5, |_| true), [0; 9]);
    }

    #[test]
    fn three_hours_are_clustered_in_seconds_and_correctly() {
        let time = |count: usize| {
            let (vectors, speakers) = voices(count, 8);
            let begin = Instant::now();
            let labels = dendrogram(&vectors).cut(0.6, 1, usize::MAX, |members| members >= 50);
            (begin.elapsed(), same(&labels, &speakers))
        };
        // The better of two runs, because other programs use this computer too.
        let best = |count| {
            let ((a, right), (b, _)) = (time(count), time(count));
            (a.min(b), right)
        };
        let ((quarter, right), (whole, all_right)) = (best(6_750), best(27_000));
        let ratio = whole.as_secs_f64() / quarter.as_secs_f64();
        assert!(right && all_right);
        assert!(whole < Duration::from_secs(60) && ratio < 7.0, "{whole:?} {ratio:.1}");
    }
}
