//! Compares two transcripts of a recording word by word.

use crate::{AudioTime, Word, join_words};
use std::time::{Duration, Instant};

/// Two transcripts side by side.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Comparison {
    /// Short spans of the recording, in order of time.
    pub rows: Vec<ComparisonRow>,
    /// Number of words that both have.
    pub equal: usize,
    /// Number of words that only the left transcript has.
    pub left_only: usize,
    /// Number of words that only the right transcript has.
    pub right_only: usize,
}

/// The text of a short span of the recording in both transcripts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComparisonRow {
    /// Start of the span.
    pub start: AudioTime,
    /// The words of the left transcript.
    pub left: Vec<TextRun>,
    /// The words of the right transcript.
    pub right: Vec<TextRun>,
}

/// Consecutive words that are either all equal to or all different from the other transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextRun {
    /// The words as one text.
    pub text: String,
    /// Whether the other transcript has different words here, or none.
    pub changed: bool,
}

/// A row that is longer than this, in milliseconds, ends at the next end of a sentence or pause of `PAUSE_MS`; one
/// three times as long ends at once.
const ROW_MS: u32 = 4_000;
/// Length of such a pause, in milliseconds.
const PAUSE_MS: u32 = 500;
/// After this time the comparison goes on less exactly: finding the shortest difference of two transcripts with few
/// words in common would take too long.
const EXACT_TIME: Duration = Duration::from_secs(2);

/// Compares the words of two transcripts, each in order of time, ignoring case and punctuation.
///
/// Every word of both is in exactly one row, in order.
pub fn compare(left: &[Word], right: &[Word]) -> Comparison {
    let keys = |words: &[Word]| words.iter().map(Word::comparison_key).collect::<Vec<_>>();
    let (left_keys, right_keys) = (keys(left), keys(right));
    let operations = similar::capture_diff_slices_deadline(
        similar::Algorithm::Myers,
        &left_keys,
        &right_keys,
        Some(Instant::now() + EXACT_TIME),
    );
    let mut comparison = Comparison::default();
    let mut row = RowBuilder::default();
    for operation in operations {
        let (tag, lefts, rights) = operation.as_tag_tuple();
        if tag == similar::DiffTag::Equal {
            comparison.equal += lefts.len();
            for (l, r) in lefts.zip(rights) {
                row.end_before(&left[l], &mut comparison.rows);
                row.add(Side::Left, &left[l], false);
                row.add(Side::Right, &right[r], false);
            }
            continue;
        }
        comparison.left_only += lefts.len();
        comparison.right_only += rights.len();
        // Merged in order of time, so that long differences can be cut into rows.
        let (mut l, mut r) = (left[lefts].iter().peekable(), right[rights].iter().peekable());
        loop {
            let side = match (l.peek(), r.peek()) {
                (None, None) => break,
                (Some(_), None) => Side::Left,
                (None, Some(_)) => Side::Right,
                (Some(a), Some(b)) if a.start <= b.start => Side::Left,
                (Some(_), Some(_)) => Side::Right,
            };
            let word = if side == Side::Left { l.next() } else { r.next() };
            let word = word.expect("peek found a word");
            row.end_before(word, &mut comparison.rows);
            row.add(side, word, true);
        }
    }
    row.end(&mut comparison.rows);
    comparison
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// Collects the words of a row.
#[derive(Default)]
struct RowBuilder {
    /// Start of the first and end of the last word.
    extent: Option<(AudioTime, AudioTime)>,
    left: Vec<TextRun>,
    right: Vec<TextRun>,
}

impl RowBuilder {
    /// Ends the row if it is long enough and the next may begin with `word`.
    fn end_before(&mut self, word: &Word, rows: &mut Vec<ComparisonRow>) {
        let Some((start, end)) = self.extent else { return };
        let long = word.start.since(start) >= ROW_MS;
        let sentence = [&self.left, &self.right]
            .into_iter()
            .any(|side| side.last().is_some_and(|run| run.text.ends_with(['.', '?', '!', '…', '。'])));
        if word.start.since(start) >= 3 * ROW_MS || (long && (sentence || word.start.since(end) >= PAUSE_MS))
        {
            self.end(rows);
        }
    }

    fn add(&mut self, side: Side, word: &Word, changed: bool) {
        let (start, end) = self.extent.unwrap_or((word.start, word.end));
        self.extent = Some((start.min(word.start), end.max(word.end)));
        let runs = if side == Side::Left { &mut self.left } else { &mut self.right };
        match runs.last_mut() {
            Some(run) if run.changed == changed => {
                run.text = join_words([run.text.as_str(), word.text.as_str()]);
            }
            _ => runs.push(TextRun { text: word.text.clone(), changed }),
        }
    }

    fn end(&mut self, rows: &mut Vec<ComparisonRow>) {
        let Self { extent, left, right } = std::mem::take(self);
        if let Some((start, _)) = extent {
            rows.push(ComparisonRow { start, left, right });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str, start: u32, each: u32) -> Vec<Word> {
        text.split_whitespace()
            .enumerate()
            .map(|(i, text)| {
                let start = AudioTime::from_ms(start + i as u32 * each);
                Word {
                    start,
                    end: start.plus_ms(each),
                    text: text.to_owned(),
                    confidence: None,
                    estimated: false,
                }
            })
            .collect()
    }

    /// The text of a side with changed words in brackets.
    fn marked(runs: &[TextRun]) -> String {
        let run = |run: &TextRun| if run.changed { format!("[{}]", run.text) } else { run.text.clone() };
        runs.iter().map(run).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn changed_words_are_marked_on_both_sides_and_case_and_punctuation_do_not_count() {
        let left = words("and so my fellow a miracle and ask not", 0, 300);
        let right = words("And so, my fellow Americans, ask not.", 50, 320);
        let comparison = compare(&left, &right);
        assert_eq!(comparison.rows.len(), 1);
        assert_eq!(marked(&comparison.rows[0].left), "and so my fellow [a miracle and] ask not");
        assert_eq!(marked(&comparison.rows[0].right), "And so, my fellow [Americans,] ask not.");
        assert_eq!((comparison.equal, comparison.left_only, comparison.right_only), (6, 3, 1));
    }

    #[test]
    fn every_word_is_in_a_row_in_order_however_much_differs() {
        let left = words(&(0..400).map(|i| format!("l{i}")).collect::<Vec<_>>().join(" "), 0, 250);
        let right = words(&(0..300).map(|i| format!("r{i}")).collect::<Vec<_>>().join(" "), 0, 330);
        for (left, right) in
            [(&left[..], &right[..]), (&left[..], &[]), (&[], &right[..]), (&left[..], &left[..])]
        {
            let rows = compare(left, right).rows;
            let text = |side: fn(&ComparisonRow) -> &Vec<TextRun>| {
                rows.iter().flat_map(side).map(|p| p.text.clone()).collect::<Vec<_>>().join(" ")
            };
            let plain = |words: &[Word]| words.iter().map(|w| w.text.clone()).collect::<Vec<_>>().join(" ");
            assert_eq!((text(|r| &r.left), text(|r| &r.right)), (plain(left), plain(right)));
            assert!(rows.len() >= 6, "rows stay short: {}", rows.len());
            assert!(rows.windows(2).all(|pair| pair[0].start <= pair[1].start));
        }
        assert_eq!(compare(&[], &[]), Comparison::default());
    }
}
