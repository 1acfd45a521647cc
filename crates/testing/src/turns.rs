//! Who speaks when, for scoring: reading RTTM, and the diarization error rate.

use std::collections::BTreeSet;

/// A stretch of one person, in seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// Where it begins.
    pub start: f64,
    /// Where it ends.
    pub end: f64,
    /// Who.
    pub who: String,
}

/// The reference is not scored this near to where its turns begin and end, in seconds.
pub const COLLAR: f64 = 0.25;
/// Scored in steps of so many seconds.
const STEP: f64 = 0.01;

/// The turns of an RTTM file: lines of `SPEAKER file channel start duration <NA> <NA> name …`.
pub fn rttm(text: &str) -> Vec<Turn> {
    let turn = |line: &str| {
        let mut fields = line.split_whitespace();
        let (Some("SPEAKER"), Some(start), Some(duration), Some(who)) =
            (fields.next(), fields.nth(2), fields.next(), fields.nth(2))
        else {
            return None;
        };
        let start: f64 = start.parse().ok()?;
        Some(Turn { start, end: start + duration.parse::<f64>().ok()?, who: who.to_owned() })
    };
    text.lines().filter_map(turn).collect()
}

/// Everybody in `turns`, in the order of their names.
pub fn names(turns: &[Turn]) -> Vec<String> {
    turns.iter().map(|turn| turn.who.clone()).collect::<BTreeSet<_>>().into_iter().collect()
}

/// What is wrong in found turns, each per second that somebody speaks in the reference.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Errors {
    /// Seconds in which somebody speaks who was not found there.
    pub missed: f64,
    /// Seconds in which nobody, or one fewer, speaks.
    pub added: f64,
    /// Seconds that were given to somebody else.
    pub confused: f64,
}

impl Errors {
    /// The diarization error rate.
    pub fn rate(self) -> f64 {
        self.missed + self.added + self.confused
    }
}

/// The diarization error rate: see [`errors`].
pub fn error_rate(reference: &[Turn], found: &[Turn]) -> f64 {
    errors(reference, found).rate()
}

/// What is wrong in `found`. Overlaps are scored, [`COLLAR`] around each edge of the reference is not, and names are paired
/// so that as little as possible is wrong.
///
/// # Panics
/// If there are more than 64 people on either side.
pub fn errors(reference: &[Turn], found: &[Turn]) -> Errors {
    let (theirs, ours) = (names(reference), names(found));
    assert!(theirs.len() <= 64 && ours.len() <= 64, "so many people are not scored");
    let end = reference.iter().chain(found).map(|turn| turn.end).fold(0.0, f64::max);
    let steps = (end / STEP) as usize + 1;
    // Who speaks at each step, a bit for each.
    let at = |turns: &[Turn], names: &[String]| {
        let mut at = vec![0_u64; steps];
        for turn in turns {
            let bit = names.iter().position(|name| *name == turn.who).unwrap_or(0);
            let from = ((turn.start.max(0.0) / STEP).ceil() as usize).min(steps);
            let to = ((turn.end.max(0.0) / STEP).ceil() as usize).clamp(from, steps);
            at[from..to].iter_mut().for_each(|who| *who |= 1 << bit);
        }
        at
    };
    let mut scored = vec![true; steps];
    for edge in reference.iter().flat_map(|turn| [turn.start, turn.end]) {
        let from = (((edge - COLLAR) / STEP).max(0.0) as usize).min(steps);
        let to = (((edge + COLLAR) / STEP).max(0.0) as usize + 1).clamp(from, steps);
        let near = |step: usize| (step as f64 * STEP - edge).abs() < COLLAR;
        (from..to).filter(|step| near(*step)).for_each(|step| scored[step] = false);
    }
    let (right, heard) = (at(reference, &theirs), at(found, &ours));
    let (mut spoken, mut missed, mut added, mut both) = (0, 0, 0, 0);
    let mut shared = vec![vec![0_usize; ours.len()]; theirs.len()];
    for step in (0..steps).filter(|step| scored[*step]) {
        let (right, heard) = (right[step], heard[step]);
        let (there, told) = (right.count_ones(), heard.count_ones());
        spoken += there;
        missed += there.saturating_sub(told);
        added += told.saturating_sub(there);
        both += there.min(told);
        for (one, row) in shared.iter_mut().enumerate().filter(|(one, _)| right >> one & 1 == 1) {
            for (other, shared) in row.iter_mut().enumerate() {
                *shared += usize::from(heard >> other & 1 == 1) * usize::from(right >> one & 1 == 1);
            }
        }
    }
    let per_second = |steps: f64| steps / f64::from(spoken.max(1));
    Errors {
        missed: per_second(f64::from(missed)),
        added: per_second(f64::from(added)),
        confused: per_second(f64::from(both) - most(&shared) as f64),
    }
}

/// The most that can be shared when each row gets a column of its own, or none. Takes time and memory that double with each
/// of the columns, or of the rows if these are fewer.
///
/// # Panics
/// If there are more than 24 of both.
pub fn most(shared: &[Vec<usize>]) -> usize {
    let columns = shared.iter().map(Vec::len).max().unwrap_or(0);
    if columns > shared.len() {
        let turned: Vec<Vec<usize>> = (0..columns)
            .map(|column| shared.iter().map(|row| row.get(column).copied().unwrap_or(0)).collect())
            .collect();
        return most(&turned);
    }
    assert!(columns <= 24, "so many people are not paired");
    // The most that is shared when just these columns are taken, or fewer of them.
    let mut best = vec![0_usize; 1 << columns];
    for row in shared {
        for taken in (0..best.len()).rev() {
            for (column, here) in row.iter().enumerate().filter(|(column, _)| taken >> column & 1 == 1) {
                best[taken] = best[taken].max(best[taken & !(1 << column)] + here);
            }
        }
    }
    best.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(spec: &[(f64, f64, &str)]) -> Vec<Turn> {
        spec.iter()
            .map(|(start, end, who)| Turn { start: *start, end: *end, who: (*who).to_owned() })
            .collect()
    }

    #[test]
    fn the_error_rate_counts_what_is_missed_added_and_confused_under_the_best_names() {
        let reference = turns(&[(0.0, 10.0, "A"), (10.0, 20.0, "B")]);
        let rate = |found: &[(f64, f64, &str)]| error_rate(&reference, &turns(found));
        assert!(rate(&[(0.0, 10.0, "x"), (10.0, 20.0, "y")]) < 0.001);
        assert!(rate(&[(0.0, 10.1, "y"), (10.1, 20.0, "x")]) < 0.001, "an edge that is a little off");
        assert!((rate(&[(0.0, 20.0, "x")]) - 0.5).abs() < 0.01, "one speaker");
        assert!((rate(&[(0.0, 10.0, "x")]) - 0.5).abs() < 0.01, "missed");
        assert!((rate(&[(0.0, 20.0, "x"), (10.0, 20.0, "y")]) - 0.5).abs() < 0.01, "added");
        assert!((rate(&[]) - 1.0).abs() < 0.001);
        let found = turns(&[(0.0, 15.0, "x"), (18.0, 22.0, "y"), (19.0, 20.0, "x")]);
        let errors = errors(&reference, &found);
        for (found, expected) in [(errors.missed, 3.0), (errors.added, 2.75), (errors.confused, 5.0)] {
            assert!((found * 19.0 - expected).abs() < 0.6, "{errors:?}");
        }
    }

    #[test]
    fn people_are_paired_so_that_most_is_shared() {
        assert_eq!(most(&[vec![5, 4], vec![4, 0]]), 8);
        assert_eq!(most(&[vec![5, 4, 9], vec![4, 0, 8]]), 13);
        assert_eq!(most(&[vec![5], vec![4], vec![9]]), 9);
        assert_eq!(most(&[]), 0);
        assert_eq!(most(&vec![vec![1; 12]; 12]), 12);
    }

    #[test]
    fn rttm_is_read() {
        let text = "; a comment\nSPEAKER f 1 1.500 2.25 <NA> <NA> Anna_Berg <NA> <NA>\n";
        assert_eq!(rttm(text), turns(&[(1.5, 3.75, "Anna_Berg")]));
    }
}
