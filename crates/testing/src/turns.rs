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

/// Seconds that are missed, added, or given to somebody else, per second that somebody speaks in the reference. Overlaps
/// are scored, [`COLLAR`] around each edge of the reference is not, and names are paired so that as little as possible is
/// wrong.
pub fn error_rate(reference: &[Turn], found: &[Turn]) -> f64 {
    let (theirs, ours) = (names(reference), names(found));
    let end = reference.iter().chain(found).map(|turn| turn.end).fold(0.0, f64::max);
    let (mut spoken, mut longer) = (0, 0);
    let mut shared = vec![vec![0_usize; ours.len()]; theirs.len()];
    for step in 0..=(end / STEP) as usize {
        let at = step as f64 * STEP;
        let scored = |turn: &Turn| (turn.start - at).abs() >= COLLAR && (turn.end - at).abs() >= COLLAR;
        if !reference.iter().all(scored) {
            continue;
        }
        let now = |turns: &[Turn], names: &[String]| -> Vec<usize> {
            let speaks = |name: &String| turns.iter().any(|t| t.who == *name && t.start <= at && at < t.end);
            (0..names.len()).filter(|i| speaks(&names[*i])).collect()
        };
        let (right, heard) = (now(reference, &theirs), now(found, &ours));
        spoken += right.len();
        longer += right.len().max(heard.len());
        for one in &right {
            for other in &heard {
                shared[*one][*other] += 1;
            }
        }
    }
    (longer - most(&shared, 0, &mut vec![false; ours.len()])) as f64 / spoken.max(1) as f64
}

/// The most that can be shared when each row from `row` on gets a column of its own, or none.
pub fn most(shared: &[Vec<usize>], row: usize, taken: &mut Vec<bool>) -> usize {
    let Some(columns) = shared.get(row) else { return 0 };
    let mut best = most(shared, row + 1, taken);
    for (column, here) in columns.iter().enumerate() {
        if !taken[column] {
            taken[column] = true;
            best = best.max(here + most(shared, row + 1, taken));
            taken[column] = false;
        }
    }
    best
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
    }

    #[test]
    fn rttm_is_read() {
        let text = "; a comment\nSPEAKER f 1 1.500 2.25 <NA> <NA> Anna_Berg <NA> <NA>\n";
        assert_eq!(rttm(text), turns(&[(1.5, 3.75, "Anna_Berg")]));
    }
}
