//! Word error rate.

/// Errors of a text by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WordErrors {
    pub(super) substitutions: usize,
    pub(super) deletions: usize,
    pub(super) insertions: usize,
    /// Words in the reference.
    pub(super) words: usize,
}

impl WordErrors {
    /// Errors per word of the reference; may be above 1 because of insertions.
    pub(super) fn rate(self) -> f64 {
        (self.substitutions + self.deletions + self.insertions) as f64 / self.words.max(1) as f64
    }
}

/// Lower-case words without punctuation; apostrophes belong to their word.
pub(super) fn words(text: &str) -> Vec<String> {
    text.to_lowercase()
        .replace('’', "'")
        .split(|c: char| !(c.is_alphanumeric() || c == '\'' || c == '_'))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Counts the errors of the alignment with the fewest substitutions, deletions and insertions (Levenshtein distance).
pub(super) fn compare(reference: &str, hypothesis: &str) -> WordErrors {
    let (reference, hypothesis) = (words(reference), words(hypothesis));
    // Each cell: (all errors, substitutions, deletions, insertions) of the best alignment so far. Two rows are enough.
    let mut row: Vec<(usize, usize, usize, usize)> = (0..=hypothesis.len()).map(|i| (i, 0, 0, i)).collect();
    for (said, word) in reference.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = (said + 1, 0, said + 1, 0);
        for (heard, other) in hypothesis.iter().enumerate() {
            let (left, above) = (row[heard], row[heard + 1]);
            let wrong = usize::from(word != other);
            let same = (diagonal.0 + wrong, diagonal.1 + wrong, diagonal.2, diagonal.3);
            let deleted = (above.0 + 1, above.1, above.2 + 1, above.3);
            let inserted = (left.0 + 1, left.1, left.2, left.3 + 1);
            diagonal = above;
            row[heard + 1] = [deleted, inserted]
                .into_iter()
                .fold(same, |best, way| if way.0 < best.0 { way } else { best });
        }
    }
    let (_, substitutions, deletions, insertions) = row[hypothesis.len()];
    WordErrors { substitutions, deletions, insertions, words: reference.len() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_counted_by_kind() {
        for (reference, hypothesis, substitutions, deletions, insertions) in [
            ("the cat sat", "the cat sat", 0, 0, 0),
            ("The cat, sat.", "the CAT sat", 0, 0, 0),
            ("the cat sat", "the hat sat", 1, 0, 0),
            ("the cat sat", "the sat", 0, 1, 0),
            ("the cat sat", "the big cat sat", 0, 0, 1),
            ("a b c d", "x b d", 1, 1, 0),
            ("the cat sat", "", 0, 3, 0),
            ("", "the cat", 0, 0, 2),
            ("don’t go", "don't go", 0, 0, 0),
        ] {
            let errors = compare(reference, hypothesis);
            assert_eq!(
                (errors.substitutions, errors.deletions, errors.insertions),
                (substitutions, deletions, insertions),
                "{reference} / {hypothesis}"
            );
        }
    }

    #[test]
    fn the_rate_is_per_word_of_the_reference() {
        assert!((compare("a b c d", "a b c x").rate() - 0.25).abs() < 1e-9);
        assert!((compare("a", "a b c").rate() - 2.0).abs() < 1e-9);
        assert_eq!(compare("", "").rate(), 0.0);
    }
}
