//! How two transcripts of a recording differ, word by word.

use crate::{AudioTime, Word, text_of};
use std::time::{Duration, Instant};

/// Two transcripts side by side.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Comparison {
    /// Short stretches of the recording, in order of time.
    pub rows: Vec<Row>,
    /// Words that both have.
    pub equal: usize,
    /// Words that only the left one has there.
    pub left_only: usize,
    /// Words that only the right one has there.
    pub right_only: usize,
}

/// A stretch of the recording as both have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Where it begins.
    pub start: AudioTime,
    /// The left one's words.
    pub left: Vec<Piece>,
    /// The right one's words.
    pub right: Vec<Piece>,
}

/// Words that follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The words as one text.
    pub text: String,
    /// Whether the other transcript has other words here, or none.
    pub changed: bool,
}

/// A row ends at the first chance after so many milliseconds.
const ROW_MS: u32 = 4_000;
/// A pause this long is a chance to end a row early.
const PAUSE_MS: u32 = 500;
/// Two transcripts that have hardly a word in common are compared more coarsely after this time.
const LONGEST: Duration = Duration::from_secs(2);

/// Compares the words of two transcripts, each in order of time, without regard to case and punctuation.
///
/// Every word of both is in exactly one row, in its order.
pub fn compare(left: &[Word], right: &[Word]) -> Comparison {
    let keys = |words: &[Word]| words.iter().map(Word::key).collect::<Vec<_>>();
    let (left_keys, right_keys) = (keys(left), keys(right));
    let operations = similar::capture_diff_slices_deadline(
        similar::Algorithm::Myers,
        &left_keys,
        &right_keys,
        Some(Instant::now() + LONGEST),
    );
    let mut comparison = Comparison::default();
    let mut row = Draft::default();
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
        // In order of time, so that long differences can be cut into rows.
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
            let word = word.expect("it was seen");
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

/// A row that is being filled.
#[derive(Default)]
struct Draft {
    begun: Option<(AudioTime, AudioTime)>,
    left: Vec<Piece>,
    right: Vec<Piece>,
}

impl Draft {
    /// Ends the row if it is long enough and `word` would be a good beginning of the next.
    fn end_before(&mut self, word: &Word, rows: &mut Vec<Row>) {
        let Some((start, end)) = self.begun else { return };
        let long = word.start.since(start) >= ROW_MS;
        let sentence = [&self.left, &self.right]
            .into_iter()
            .any(|side| side.last().is_some_and(|piece| piece.text.ends_with(['.', '?', '!', '…', '。'])));
        if word.start.since(start) >= 3 * ROW_MS || (long && (sentence || word.start.since(end) >= PAUSE_MS))
        {
            self.end(rows);
        }
    }

    fn add(&mut self, side: Side, word: &Word, changed: bool) {
        let (start, end) = self.begun.unwrap_or((word.start, word.end));
        self.begun = Some((start.min(word.start), end.max(word.end)));
        let pieces = if side == Side::Left { &mut self.left } else { &mut self.right };
        match pieces.last_mut() {
            Some(piece) if piece.changed == changed => {
                piece.text = text_of([piece.text.as_str(), word.text.as_str()]);
            }
            _ => pieces.push(Piece { text: word.text.clone(), changed }),
        }
    }

    fn end(&mut self, rows: &mut Vec<Row>) {
        let Self { begun, left, right } = std::mem::take(self);
        if let Some((start, _)) = begun {
            rows.push(Row { start, left, right });
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

    fn shown(pieces: &[Piece]) -> String {
        let piece = |p: &Piece| if p.changed { format!("[{}]", p.text) } else { p.text.clone() };
        pieces.iter().map(piece).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn changed_words_are_marked_on_both_sides_and_spelling_does_not_count() {
        let left = words("and so my fellow a miracle and ask not", 0, 300);
        let right = words("And so, my fellow Americans, ask not.", 50, 320);
        let comparison = compare(&left, &right);
        assert_eq!(comparison.rows.len(), 1);
        assert_eq!(shown(&comparison.rows[0].left), "and so my fellow [a miracle and] ask not");
        assert_eq!(shown(&comparison.rows[0].right), "And so, my fellow [Americans,] ask not.");
        assert_eq!((comparison.equal, comparison.left_only, comparison.right_only), (6, 3, 1));
    }

    #[test]
    fn every_word_is_in_a_row_in_its_order_however_much_differs() {
        let left = words(&(0..400).map(|i| format!("l{i}")).collect::<Vec<_>>().join(" "), 0, 250);
        let right = words(&(0..300).map(|i| format!("r{i}")).collect::<Vec<_>>().join(" "), 0, 330);
        for (left, right) in
            [(&left[..], &right[..]), (&left[..], &[]), (&[], &right[..]), (&left[..], &left[..])]
        {
            let rows = compare(left, right).rows;
            let text = |side: fn(&Row) -> &Vec<Piece>| {
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
