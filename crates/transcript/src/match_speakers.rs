//! Matches the speakers of a new diarization to those of an earlier one, so that they keep their ids, names and edits.

use crate::Turn;
use std::collections::{BTreeMap, BTreeSet};

/// Two speakers match only if they share at least this part of the speaking time of the one who speaks less.
const MIN_SHARED: f64 = 0.2;

/// Finds the speaker of `old` that each speaker of `new` is. Pairs with the most shared speaking time are matched
/// first; no old speaker is matched twice.
///
/// `old` and `new` are in order of start. Speakers of `new` are numbers from 0, which index the result; `None` is a new
/// speaker.
pub fn match_speakers<S: Copy + Ord>(old: &[Turn<S>], new: &[Turn]) -> Vec<Option<S>> {
    let count = new.iter().map(|turn| turn.speaker as usize + 1).max().unwrap_or(0);
    let mut old_ms: BTreeMap<S, u64> = BTreeMap::new();
    for turn in old {
        *old_ms.entry(turn.speaker).or_default() += u64::from(turn.span.duration_ms());
    }
    let mut new_ms = vec![0; count];
    let mut shared: BTreeMap<(u32, S), u64> = BTreeMap::new();
    let mut from = 0;
    for turn in new {
        new_ms[turn.speaker as usize] += u64::from(turn.span.duration_ms());
        // Stops at the first turn that has not ended: a long turn may overlap several shorter ones.
        while old.get(from).is_some_and(|old| old.span.end <= turn.span.start) {
            from += 1;
        }
        for other in old[from..].iter().take_while(|other| other.span.start < turn.span.end) {
            let both = turn.span.end.min(other.span.end).since(turn.span.start.max(other.span.start));
            *shared.entry((turn.speaker, other.speaker)).or_default() += u64::from(both);
        }
    }
    let mut pairs: Vec<_> = shared.into_iter().collect();
    pairs.sort_by_key(|(_, both)| std::cmp::Reverse(*both));
    let mut same = vec![None; count];
    let mut taken = BTreeSet::new();
    for ((speaker, other), both) in pairs {
        let least = new_ms[speaker as usize].min(old_ms.get(&other).copied().unwrap_or(0));
        let place = &mut same[speaker as usize];
        if place.is_none() && both as f64 >= MIN_SHARED * least as f64 && both > 0 && taken.insert(other) {
            *place = Some(other);
        }
    }
    same
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AudioTime, Span};

    fn span(start: u32, end: u32) -> Span {
        Span::new(AudioTime::from_ms(start), AudioTime::from_ms(end))
    }

    fn turns<S: Copy>(spec: &[(S, u32, u32)]) -> Vec<Turn<S>> {
        spec.iter()
            .map(|(speaker, start, end)| Turn {
                span: span(*start, *end),
                speaker: *speaker,
                confidence: None,
                overlap: false,
            })
            .collect()
    }

    #[test]
    fn speakers_are_matched_by_when_they_speak() {
        let old = turns(&[('a', 0, 1000), ('b', 1000, 1500), ('a', 1500, 3000), ('c', 3000, 3500)]);
        // Other numbers, other turns, one more speaker, one gone.
        let new = turns(&[(0, 900, 1600), (1, 0, 900), (1, 1600, 2900), (2, 4000, 5000)]);
        assert_eq!(match_speakers(&old, &new), [Some('b'), Some('a'), None]);
        // One that was two: the one who spoke more.
        assert_eq!(match_speakers(&old, &turns(&[(0, 0, 3500)])), [Some('a')]);
        // Two that were one: the one who spoke more, and a new one.
        let split = turns(&[(0, 0, 200), (1, 200, 1000), (1, 1500, 3000)]);
        assert_eq!(match_speakers(&old, &split), [None, Some('a')]);
        assert_eq!(match_speakers::<char>(&[], &split), [None, None]);
        assert!(match_speakers(&old, &[]).is_empty());
    }
}
