//! Scores diarization: parses RTTM and computes the diarization error rate.

use std::collections::BTreeSet;

/// A turn of a speaker, in seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// Where it begins.
    pub start: f64,
    /// Where it ends.
    pub end: f64,
    /// The name of the speaker.
    pub speaker: String,
}

/// Time on both sides of each boundary of a reference turn that is not scored, in seconds.
pub const COLLAR: f64 = 0.25;
/// Resolution of the score, in seconds.
const STEP: f64 = 0.01;

/// Parses an RTTM file: lines of `SPEAKER file channel start duration <NA> <NA> name …`. Skips all other lines.
pub fn parse_rttm(text: &str) -> Vec<Turn> {
    let turn = |line: &str| {
        let mut fields = line.split_whitespace();
        let (Some("SPEAKER"), Some(start), Some(duration), Some(speaker)) =
            (fields.next(), fields.nth(2), fields.next(), fields.nth(2))
        else {
            return None;
        };
        let start: f64 = start.parse().ok()?;
        Some(Turn { start, end: start + duration.parse::<f64>().ok()?, speaker: speaker.to_owned() })
    };
    text.lines().filter_map(turn).collect()
}

/// The names of all speakers in `turns`, sorted and without repetition.
pub fn speaker_names(turns: &[Turn]) -> Vec<String> {
    turns.iter().map(|turn| turn.speaker.clone()).collect::<BTreeSet<_>>().into_iter().collect()
}

/// The parts of the diarization error rate, each divided by the speaker time of the reference.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct DiarizationErrors {
    /// Speech of the reference for which no speaker was found.
    pub missed: f64,
    /// Found speech that is not in the reference, also where one speaker too many was found.
    pub false_alarm: f64,
    /// Speech that was assigned to another speaker.
    pub confusion: f64,
}

impl DiarizationErrors {
    /// The diarization error rate.
    pub fn rate(self) -> f64 {
        self.missed + self.false_alarm + self.confusion
    }
}

/// The diarization error rate: see [`errors`].
pub fn error_rate(reference: &[Turn], found: &[Turn]) -> f64 {
    errors(reference, found).rate()
}

/// The errors of `found`. Overlapping speech is scored, [`COLLAR`] around each boundary of the reference is not. Found
/// speakers are matched to those of the reference so that the confusion is least.
///
/// # Panics
/// If either side has more than 64 speakers.
pub fn errors(reference: &[Turn], found: &[Turn]) -> DiarizationErrors {
    let (reference_names, found_names) = (speaker_names(reference), speaker_names(found));
    assert!(reference_names.len() <= 64 && found_names.len() <= 64, "more than 64 speakers cannot be scored");
    let end = reference.iter().chain(found).map(|turn| turn.end).fold(0.0, f64::max);
    let steps = (end / STEP) as usize + 1;
    // The active speakers at each step, one bit per speaker.
    let activity = |turns: &[Turn], names: &[String]| {
        let mut activity = vec![0_u64; steps];
        for turn in turns {
            let bit = names.iter().position(|name| *name == turn.speaker).unwrap_or(0);
            let from = ((turn.start.max(0.0) / STEP).ceil() as usize).min(steps);
            let to = ((turn.end.max(0.0) / STEP).ceil() as usize).clamp(from, steps);
            activity[from..to].iter_mut().for_each(|speakers| *speakers |= 1 << bit);
        }
        activity
    };
    let mut scored = vec![true; steps];
    for boundary in reference.iter().flat_map(|turn| [turn.start, turn.end]) {
        let from = (((boundary - COLLAR) / STEP).max(0.0) as usize).min(steps);
        let to = (((boundary + COLLAR) / STEP).max(0.0) as usize + 1).clamp(from, steps);
        let near = |step: usize| (step as f64 * STEP - boundary).abs() < COLLAR;
        (from..to).filter(|step| near(*step)).for_each(|step| scored[step] = false);
    }
    let reference_activity = activity(reference, &reference_names);
    let found_activity = activity(found, &found_names);
    let (mut speech, mut missed, mut false_alarm, mut both) = (0, 0, 0, 0);
    // Steps in which a speaker of the reference (row) and a found one (column) are both active.
    let mut shared = vec![vec![0_usize; found_names.len()]; reference_names.len()];
    for step in (0..steps).filter(|step| scored[*step]) {
        let (expected, actual) = (reference_activity[step], found_activity[step]);
        let (expected_count, actual_count) = (expected.count_ones(), actual.count_ones());
        speech += expected_count;
        missed += expected_count.saturating_sub(actual_count);
        false_alarm += actual_count.saturating_sub(expected_count);
        both += expected_count.min(actual_count);
        for (row_index, row) in shared.iter_mut().enumerate().filter(|(index, _)| expected >> index & 1 == 1)
        {
            for (column, shared) in row.iter_mut().enumerate() {
                *shared +=
                    usize::from(actual >> column & 1 == 1) * usize::from(expected >> row_index & 1 == 1);
            }
        }
    }
    let per_speech = |steps: f64| steps / f64::from(speech.max(1));
    DiarizationErrors {
        missed: per_speech(f64::from(missed)),
        false_alarm: per_speech(f64::from(false_alarm)),
        confusion: per_speech(f64::from(both) - max_assignment(&shared) as f64),
    }
}

/// The largest sum of entries of `weights` of which no two share a row or a column (maximum weight assignment). Time
/// and memory double with each column, or with each row if there are fewer rows.
///
/// # Panics
/// If there are more than 24 rows and more than 24 columns.
pub fn max_assignment(weights: &[Vec<usize>]) -> usize {
    let columns = weights.iter().map(Vec::len).max().unwrap_or(0);
    if columns > weights.len() {
        let transposed: Vec<Vec<usize>> = (0..columns)
            .map(|column| weights.iter().map(|row| row.get(column).copied().unwrap_or(0)).collect())
            .collect();
        return max_assignment(&transposed);
    }
    assert!(columns <= 24, "more than 24 speakers on both sides cannot be matched");
    // The largest sum for the rows so far that uses no columns but those of the index, one bit per column.
    let mut best = vec![0_usize; 1 << columns];
    for row in weights {
        for used in (0..best.len()).rev() {
            for (column, weight) in row.iter().enumerate().filter(|(column, _)| used >> column & 1 == 1) {
                best[used] = best[used].max(best[used & !(1 << column)] + weight);
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
            .map(|(start, end, speaker)| Turn { start: *start, end: *end, speaker: (*speaker).to_owned() })
            .collect()
    }

    #[test]
    fn the_error_rate_adds_missed_speech_false_alarm_and_confusion() {
        let reference = turns(&[(0.0, 10.0, "A"), (10.0, 20.0, "B")]);
        let rate = |found: &[(f64, f64, &str)]| error_rate(&reference, &turns(found));
        assert!(rate(&[(0.0, 10.0, "x"), (10.0, 20.0, "y")]) < 0.001);
        assert!(rate(&[(0.0, 10.1, "y"), (10.1, 20.0, "x")]) < 0.001, "a boundary within the collar");
        assert!((rate(&[(0.0, 20.0, "x")]) - 0.5).abs() < 0.01, "one speaker");
        assert!((rate(&[(0.0, 10.0, "x")]) - 0.5).abs() < 0.01, "missed speech");
        assert!((rate(&[(0.0, 20.0, "x"), (10.0, 20.0, "y")]) - 0.5).abs() < 0.01, "false alarm");
        assert!((rate(&[]) - 1.0).abs() < 0.001);
        let found = turns(&[(0.0, 15.0, "x"), (18.0, 22.0, "y"), (19.0, 20.0, "x")]);
        let errors = errors(&reference, &found);
        for (found, expected) in [(errors.missed, 3.0), (errors.false_alarm, 2.75), (errors.confusion, 5.0)] {
            assert!((found * 19.0 - expected).abs() < 0.6, "{errors:?}");
        }
    }

    #[test]
    fn the_assignment_has_the_largest_sum() {
        assert_eq!(max_assignment(&[vec![5, 4], vec![4, 0]]), 8);
        assert_eq!(max_assignment(&[vec![5, 4, 9], vec![4, 0, 8]]), 13);
        assert_eq!(max_assignment(&[vec![5], vec![4], vec![9]]), 9);
        assert_eq!(max_assignment(&[]), 0);
        assert_eq!(max_assignment(&vec![vec![1; 12]; 12]), 12);
    }

    #[test]
    fn rttm_is_parsed() {
        let text = "; a comment\nSPEAKER f 1 1.500 2.25 <NA> <NA> Anna_Berg <NA> <NA>\n";
        assert_eq!(parse_rttm(text), turns(&[(1.5, 3.75, "Anna_Berg")]));
    }
}
