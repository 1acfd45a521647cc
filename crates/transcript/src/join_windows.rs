//! Joins the words of overlapping windows of audio into one sequence.
//!
//! Where speech has no pause for a long time, it is cut in the middle, and both windows hold some audio on the other
//! side of the cut. Both may have recognised the words there. The longest common sequence of words near the cut shows
//! where one window continues the other; without one, the times of the words decide.

mod capitals;

use crate::{AudioTime, Span, Word};

/// Words further from a cut than this, in milliseconds, cannot be in both windows. Windows overlap by 0.8 s to each
/// side of a cut, and estimated times may be off by as much again.
const MAX_CUT_DISTANCE_MS: u32 = 1_600;
/// How far the times of the same word in two windows may differ, in milliseconds.
const MAX_TIME_DIFFERENCE_MS: u32 = 1_000;

/// Joins the words of windows. `windows` are in order of time, each with the span of the recording it covers, without
/// its overlap.
///
/// Where a span begins exactly at the end of the one before, speech was cut there and words around the cut may be in
/// both windows: they are taken once. Words keep their order, and no word begins before the one before it ends. A word
/// that has a capital only because its window begins with it is written in lower case.
pub fn join_windows(windows: impl IntoIterator<Item = (Span, Vec<Word>)>) -> Vec<Word> {
    let mut joined: Vec<Word> = Vec::new();
    let mut window_starts = Vec::new();
    let mut previous: Option<Span> = None;
    for (span, words) in windows {
        let cut = previous.filter(|previous| previous.end == span.start).map(|previous| previous.end);
        let (keep, skip) = cut.map_or((joined.len(), 0), |cut| seam(&joined, &words, cut));
        joined.truncate(keep);
        window_starts.push(keep);
        for mut word in words.into_iter().skip(skip) {
            if let Some(last) = joined.last() {
                word.start = word.start.max(last.end);
                word.end = word.end.max(word.start);
            }
            joined.push(word);
        }
        previous = Some(span);
    }
    capitals::lower_window_capitals(&mut joined, &window_starts);
    joined
}

/// Finds how to join two windows at `cut`: the number of words of `left` to keep and of `right` to skip.
fn seam(left: &[Word], right: &[Word], cut: AudioTime) -> (usize, usize) {
    let tail = left.partition_point(|word| word.middle().plus_ms(MAX_CUT_DISTANCE_MS) < cut);
    let head = right.partition_point(|word| word.middle() <= cut.plus_ms(MAX_CUT_DISTANCE_MS));
    let keys = |words: &[Word]| words.iter().map(Word::comparison_key).collect::<Vec<_>>();
    let (ends, begins) = (keys(&left[tail..]), keys(&right[..head]));

    // The common sequence with the most letters. Words at the very edge of a window may be cut in half, so they count
    // only if both windows have them.
    let mut best = (0, 0, 0);
    for i in 0..ends.len() {
        for j in 0..begins.len() {
            let apart = left[tail + i].middle().as_ms().abs_diff(right[j].middle().as_ms());
            if apart > MAX_TIME_DIFFERENCE_MS {
                continue;
            }
            let same = ends[i..]
                .iter()
                .zip(&begins[j..])
                .take_while(|(a, b)| a == b && !a.is_empty())
                .map(|(a, _)| a.len());
            let (count, letters) = same.fold((0, 0), |(count, letters), more| (count + 1, letters + more));
            if letters > best.0 {
                best = (letters, tail + i + count, j + count);
            }
        }
    }
    match best {
        (0, ..) => (
            // No common word: by time. A word across the cut is taken once, unless the windows disagree about its time.
            tail + left[tail..].partition_point(|word| word.middle() < cut),
            right[..head].partition_point(|word| word.middle() < cut),
        ),
        (_, keep, skip) => (keep, skip),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words of 180 ms, from `0 And|200 so`.
    fn words(spec: &str) -> Vec<Word> {
        spec.split('|')
            .filter(|word| !word.is_empty())
            .map(|word| {
                let (at, text) = word.split_once(' ').expect("a time and a word");
                let start = AudioTime::from_ms(at.parse().expect("a number"));
                let end = start.plus_ms(180);
                Word { start, end, text: text.to_owned(), confidence: None, estimated: false }
            })
            .collect()
    }

    fn joined(windows: &[(u32, u32, &str)]) -> String {
        let windows = windows.iter().map(|(from, to, spec)| {
            (Span::new(AudioTime::from_ms(*from), AudioTime::from_ms(*to)), words(spec))
        });
        join_windows(windows).iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn words_recognised_on_both_sides_of_a_cut_are_taken_once() {
        for (left, right, text) in [
            (
                "9000 and|9500 so my|9900 fellow|10300 Amer",
                "9550 my|9950 fellow|10350 Americans",
                "and so my fellow Americans",
            ),
            // Whole words win against halves at the edges.
            (
                "9300 the|9900 best|10300 of|10700 ti",
                "9400 est|9920 best|10300 of|10650 times",
                "the best of times",
            ),
            // No common word: by time.
            ("9300 one|9800 two|10200 tree", "9350 won|9700 too|10200 three", "one two three"),
            // Case and punctuation do not count.
            ("9500 Well,|9900 then.", "9550 well|9950 then|10400 go", "Well, then. go"),
            ("", "10200 alone", "alone"),
            ("9800 alone", "", "alone"),
        ] {
            assert_eq!(joined(&[(0, 10_000, left), (10_000, 20_000, right)]), text, "{left} + {right}");
        }
    }

    #[test]
    fn a_word_spoken_twice_stays_twice() {
        assert_eq!(
            joined(&[
                (0, 10_000, "9300 no|9700 no|10100 never"),
                (10_000, 20_000, "9700 no|10150 never|10600 no")
            ]),
            "no no never no"
        );
        // Windows with a gap between them do not overlap.
        assert_eq!(joined(&[(0, 9_000, "8500 yes"), (9_500, 20_000, "9600 yes")]), "yes yes");
    }

    #[test]
    fn no_word_begins_before_the_one_before_it_ends() {
        let windows = [(0, 10_000, "9900 one|10000 two"), (10_000, 20_000, "10020 three|10050 four")];
        let windows = windows.map(|(from, to, spec)| {
            (Span::new(AudioTime::from_ms(from), AudioTime::from_ms(to)), words(spec))
        });
        let words = join_windows(windows);
        assert!(words.windows(2).all(|pair| pair[0].end <= pair[1].start || pair[0].start <= pair[1].start));
        assert!(words.iter().all(|word| word.start <= word.end));
    }
}
