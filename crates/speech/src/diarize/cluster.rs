//! Vectors of stretches of speech become speakers: agglomerative clustering with average linkage.
//!
//! The distance of two vectors is `1 − a·b`, and more if the segmentation network gives them to
//! different people ([`Apart`]). Between two groups of unit vectors the mean of all `1 − a·b` is that of the means of the groups, and those
//! who are said to be apart are few. So groups can be merged exactly without the distances of their members, and a long
//! recording is clustered in two stages: within blocks of some minutes down to small groups that surely are one voice,
//! then these groups among each other. Each stage looks at all pairs, but of a bounded number. Recordings of one block
//! are clustered in one stage, as if there were no blocks.

use super::{add, dot};

/// Vectors in a block: six minutes of speech.
const BLOCK: usize = 750;
/// Groups merge within a block up to this distance, at which hardly ever two voices meet.
const SURELY_ONE: f32 = 0.50;
/// Groups that the second stage takes. Where there would be more, blocks merge further.
const MOST_GROUPS: usize = 3000;

/// Two vectors that are further apart than their directions are, and by how much; the first is the earlier one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Apart {
    pub(super) a: usize,
    pub(super) b: usize,
    pub(super) by: f32,
}

/// Two groups become one. Groups are known by one of their members.
#[derive(Debug, Clone, Copy)]
struct Merge {
    a: usize,
    b: usize,
    distance: f32,
}

/// The ways to group a number of vectors, from each on its own to all in one.
#[derive(Debug)]
pub(super) struct Tree {
    /// For each vector, the group of the first stage that it belongs to.
    group_of: Vec<usize>,
    groups: usize,
    /// In order of distance.
    merges: Vec<Merge>,
}

impl Tree {
    /// The tree of `vectors`, which are of length one and in order of time. `apart` is in order of its first vectors.
    pub(super) fn of(vectors: &[&[f32]], apart: &[Apart]) -> Self {
        let mut groups = Groups::default();
        let mut group_of = Vec::with_capacity(vectors.len());
        let blocks = vectors.len().div_ceil(BLOCK);
        for (number, block) in vectors.chunks(BLOCK).enumerate() {
            let first = number * BLOCK;
            let single = Groups::of(block, &(0..block.len()).collect::<Vec<_>>(), block.len());
            let labels = if blocks == 1 {
                (0..block.len()).collect()
            } else {
                let begin = apart.partition_point(|pair| pair.a < first);
                let here = apart[begin..].iter().take_while(|pair| pair.a < first + block.len());
                let within = here.filter(|pair| pair.b < first + block.len());
                let within: Vec<Apart> =
                    within.map(|pair| Apart { a: pair.a - first, b: pair.b - first, by: pair.by }).collect();
                let merges = merges(&single, &within);
                let most = (MOST_GROUPS / blocks).max(1);
                let needed = block.len().saturating_sub(most);
                let done = merges.partition_point(|merge| merge.distance < SURELY_ONE).max(needed);
                labels(block.len(), &merges[..done])
            };
            let count = labels.iter().max().map_or(0, |most| most + 1);
            let offset = groups.0.len();
            groups.0.extend(Groups::of(block, &labels, count).0);
            group_of.extend(labels.into_iter().map(|label| offset + label));
        }
        let between: Vec<Apart> = apart
            .iter()
            .map(|pair| Apart { a: group_of[pair.a], b: group_of[pair.b], by: pair.by })
            .filter(|pair| pair.a != pair.b)
            .collect();
        let merges = merges(&groups, &between);
        Self { group_of, groups: groups.0.len(), merges }
    }

    /// The group of each vector when groups nearer than `distance` have been merged, numbered from 0 in order of their
    /// first vector; with at least `least` and at most `most` groups of which `counts` says that they count, by the
    /// numbers of their members, as far as that is possible.
    pub(super) fn cut(
        &self,
        distance: f32,
        least: usize,
        most: usize,
        counts: impl Fn(usize) -> bool,
    ) -> Vec<usize> {
        let natural = self.merges.partition_point(|merge| merge.distance < distance);
        let counted = self.counted(&counts);
        let mut done = natural;
        if counted[natural] > most {
            done = (natural..counted.len()).find(|done| counted[*done] <= most).unwrap_or(self.merges.len());
        } else if counted[natural] < least {
            let enough = (0..natural).rev().find(|done| counted[*done] >= least);
            // If there never are as many, then as many as there are.
            let highest = (0..=natural).rev().max_by_key(|done| (counted[*done], *done));
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

    /// How many groups count after each number of merges.
    fn counted(&self, counts: impl Fn(usize) -> bool) -> Vec<usize> {
        let mut members = vec![0; self.groups];
        for group in &self.group_of {
            members[*group] += 1;
        }
        let mut now = members.iter().filter(|members| counts(**members)).count();
        let mut parents = Parents::new(self.groups);
        let mut counted = vec![now];
        for merge in &self.merges {
            let (a, b) = (parents.root(merge.a), parents.root(merge.b));
            let both = members[a] + members[b];
            now = now + usize::from(counts(both))
                - usize::from(counts(members[a]))
                - usize::from(counts(members[b]));
            parents.join(a, b);
            members[parents.root(a)] = both;
            counted.push(now);
        }
        counted
    }
}

/// Groups of vectors: the sum of each, and how many they are.
#[derive(Debug, Default)]
struct Groups(Vec<(Vec<f32>, usize)>);

impl Groups {
    /// The groups of `vectors` by their labels, which are below `count`.
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

/// All merges of average linkage, in order of distance. `apart` holds groups, any number of times and in any order.
///
/// Follows chains of nearest neighbours until two are each other's nearest, which gives the same merges as always
/// taking the nearest pair of all, in time that grows with the square of the number of groups.
fn merges(Groups(groups): &Groups, apart: &[Apart]) -> Vec<Merge> {
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
    for Apart { a, b, by } in apart {
        let by = by / (groups[*a].1 * groups[*b].1) as f32;
        distances[a * count + b] += by;
        distances[b * count + a] += by;
    }
    let mut members: Vec<f32> = groups.iter().map(|(_, members)| *members as f32).collect();
    let mut there: Vec<usize> = (0..count).collect();
    let mut merges = Vec::with_capacity(count.saturating_sub(1));
    let mut chain: Vec<usize> = Vec::new();
    while there.len() > 1 {
        let last = match chain.last() {
            Some(last) => *last,
            None => {
                chain.push(there[0]);
                there[0]
            }
        };
        // Of equally near ones the one before in the chain, so that the chain ends, else the first.
        let before = chain.len().checked_sub(2).map(|at| chain[at]);
        let row = &distances[last * count..][..count];
        let mut nearest = before;
        for &other in &there {
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
        there.retain(|group| *group != b);
        let (of_a, of_b) = (members[a], members[b]);
        for &other in &there {
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

/// The two of `count` that are nearest by `near`, the greater the nearer, as (smaller, greater); `None` if `near` is
/// that of all pairs.
pub(super) fn nearest_pair(
    count: usize,
    near: impl Fn(usize, usize) -> Option<f32>,
) -> Option<(usize, usize)> {
    let mut best: Option<(f32, usize, usize)> = None;
    for a in 0..count {
        for b in a + 1..count {
            if let Some(near) = near(a, b)
                && best.is_none_or(|(best, ..)| near > best)
            {
                best = Some((near, a, b));
            }
        }
    }
    best.map(|(_, a, b)| (a, b))
}

/// The group of each of `count` after `merges`, numbered from 0 in order.
fn labels(count: usize, merges: &[Merge]) -> Vec<usize> {
    let mut parents = Parents::new(count);
    for merge in merges {
        parents.join(merge.a, merge.b);
    }
    let mut numbers = vec![None; count];
    let mut next = 0;
    (0..count)
        .map(|item| {
            *numbers[parents.root(item)].get_or_insert_with(|| {
                next += 1;
                next - 1
            })
        })
        .collect()
}

/// Which group each has been merged into.
struct Parents(Vec<usize>);

impl Parents {
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

    /// `count` vectors of `speakers` voices that take turns of fifteen, spread about as those of a voice encoder are.
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

    fn tree(vectors: &[Vec<f32>]) -> Tree {
        Tree::of(&vectors.iter().map(Vec::as_slice).collect::<Vec<_>>(), &[])
    }

    /// Whether both group the same way.
    fn same(a: &[usize], b: &[usize]) -> bool {
        let pairs: std::collections::BTreeSet<(usize, usize)> =
            a.iter().copied().zip(b.iter().copied()).collect();
        let distinct = |labels: &[usize]| labels.iter().collect::<std::collections::BTreeSet<_>>().len();
        pairs.len() == distinct(a) && pairs.len() == distinct(b)
    }

    #[test]
    fn merges_are_those_of_always_taking_the_nearest_pair() {
        let (vectors, _) = voices(60, 4);
        let slices: Vec<&[f32]> = vectors.iter().map(Vec::as_slice).collect();
        let single = Groups::of(&slices, &(0..60).collect::<Vec<_>>(), 60);
        // Some pairs are further apart than they sound.
        let apart: Vec<Apart> = (0..59).step_by(7).map(|a| Apart { a, b: a + 1, by: 0.3 }).collect();
        let further = |a: usize, b: usize| {
            apart
                .iter()
                .filter(|pair| (pair.a, pair.b) == (a.min(b), a.max(b)))
                .map(|pair| pair.by)
                .sum::<f32>()
        };
        let mut groups: Vec<Vec<usize>> = (0..60).map(|i| vec![i]).collect();
        let mut distances = Vec::new();
        while groups.len() > 1 {
            let mean = |a: &[usize], b: &[usize]| {
                let all = a
                    .iter()
                    .flat_map(|a| b.iter().map(|b| 1.0 - dot(&vectors[*a], &vectors[*b]) + further(*a, *b)));
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
        for (merge, distance) in merges(&single, &apart).iter().zip(&distances) {
            assert!((merge.distance - distance).abs() < 1e-4, "{} {distance}", merge.distance);
        }
    }

    #[test]
    fn the_number_of_speakers_is_found_or_taken_as_told() {
        let (vectors, speakers) = voices(300, 5);
        let tree = tree(&vectors);
        assert!(same(&tree.cut(0.6, 1, usize::MAX, |_| true), &speakers));
        let groups = |least, most| {
            let labels = tree.cut(0.6, least, most, |members| members >= 4);
            labels.iter().max().map_or(0, |most| most + 1)
        };
        assert_eq!((groups(1, 3), groups(2, 2), groups(1, 1), groups(5, 9)), (3, 2, 1, 5));
        assert!(groups(6, 6) >= 6);
    }

    #[test]
    fn nothing_and_one_are_groups_too() {
        assert!(tree(&[]).cut(0.3, 1, 5, |_| true).is_empty());
        assert_eq!(tree(&[vec![1.0, 0.0]]).cut(0.3, 3, 5, |_| true), [0]);
        let same = vec![vec![1.0, 0.0]; 9];
        assert_eq!(tree(&same).cut(0.3, 1, 5, |_| true), [0; 9]);
    }

    #[test]
    fn three_hours_are_clustered_in_seconds_and_as_right_as_minutes() {
        let time = |count: usize| {
            let (vectors, speakers) = voices(count, 8);
            let begin = Instant::now();
            let labels = tree(&vectors).cut(0.6, 1, usize::MAX, |members| members >= 50);
            (begin.elapsed(), same(&labels, &speakers))
        };
        // The better of two, because others use this computer too.
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
