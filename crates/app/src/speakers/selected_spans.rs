//! The parts of a recording that a selection in the transcript's text covers.

use crate::speakers::view::TextSelection;
use crate::user_error::{ErrorCode, user_error};
use anyhow::Result;
use store::{SegmentId, StoredSegment};
use transcript::{AudioTime, Span, Word, utf16_word_ranges};

/// Milliseconds of audio on each side that move with reassigned words, where no other word is.
const MARGIN_MS: u32 = 700;

/// The spans of the selected words, one per segment: from the first selected word to the last, with up to [`MARGIN_MS`]
/// on each side that no other word covers. A word is selected if any of its characters is.
///
/// # Errors
/// [`ErrorCode::NotFound`] if a segment of the selection no longer exists.
pub(super) fn selected_spans(segments: &[StoredSegment], selection: &TextSelection) -> Result<Vec<Span>> {
    let position = |id: SegmentId| segments.iter().position(|segment| segment.id == id);
    let (Some(from), Some(to)) = (position(selection.from_segment), position(selection.to_segment)) else {
        return Err(user_error(
            ErrorCode::NotFound,
            "The lines have changed meanwhile. Choose them once more.",
        ));
    };
    let all: Vec<&Word> = segments.iter().flat_map(|stored| &stored.segment.words).collect();
    let mut count = 0;
    let mut spans = Vec::new();
    for (i, stored) in segments.iter().enumerate() {
        let first_of_segment = count;
        count += stored.segment.words.len();
        if !(from..=to).contains(&i) {
            continue;
        }
        let from_char = if i == from { selection.from_char as usize } else { 0 };
        let to_char = selection.to_char.filter(|_| i == to).map(|to| to as usize);
        let ranges = utf16_word_ranges(stored.segment.words.iter().map(|word| word.text.as_str()));
        let selected = |(_, range): &(usize, std::ops::Range<usize>)| {
            range.end > from_char && to_char.is_none_or(|to_char| range.start < to_char)
        };
        let mut words = (first_of_segment..).zip(ranges).filter(selected).map(|(number, _)| number);
        if let Some(first) = words.next() {
            spans.push(span_with_margin(&all, first, words.last().unwrap_or(first)));
        }
    }
    Ok(spans)
}

/// The span of the words `first` to `last`, with up to [`MARGIN_MS`] on each side, but not beyond the neighbouring
/// words.
fn span_with_margin(words: &[&Word], first: usize, last: usize) -> Span {
    let (first_word, last_word) = (words[first], words[last]);
    let mut start = AudioTime::from_ms(first_word.start.as_ms().saturating_sub(MARGIN_MS));
    if let Some(previous) = first.checked_sub(1).map(|previous| words[previous]) {
        start = start.max(previous.end).max(previous.middle().plus_ms(1));
    }
    // The middle of a word without duration is its end, which a span does not include.
    let least = last_word.end.max(last_word.middle().plus_ms(1));
    let end = last_word.end.plus_ms(MARGIN_MS);
    let end = words.get(last + 1).map_or(end, |next| end.min(next.start)).max(least);
    Span::new(start.min(first_word.start), end)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use transcript::Segment;

    fn segments(words: &[(&str, u32, u32)]) -> Vec<StoredSegment> {
        let words = words.iter().map(|(text, start, end)| Word {
            start: AudioTime::from_ms(*start),
            end: AudioTime::from_ms(*end),
            text: (*text).to_owned(),
            confidence: None,
            estimated: false,
        });
        let stored = |segment: Segment| StoredSegment {
            id: SegmentId::new(),
            segment,
            window: None,
            speaker: None,
            overlap: false,
            by_hand: false,
        };
        transcript::segments(words, &[]).into_iter().map(stored).collect()
    }

    fn spans(segments: &[StoredSegment], from: (usize, u32), to: (usize, Option<u32>)) -> Vec<(u32, u32)> {
        let id = |segment: usize| segments[segment].id;
        let selection = TextSelection {
            from_segment: id(from.0),
            from_char: from.1,
            to_segment: id(to.0),
            to_char: to.1,
        };
        let spans = selected_spans(segments, &selection).unwrap();
        spans.iter().map(|s| (s.start.as_ms(), s.end.as_ms())).collect()
    }

    #[test]
    fn a_selection_covers_whole_words_and_the_silence_around_them() {
        let segments = segments(&[
            ("Äh,", 1000, 1300),
            ("was", 1300, 1600),
            ("𝄞", 1650, 1650),
            ("nun?", 1700, 2000),
            ("Nichts.", 4000, 4500),
        ]);
        assert_eq!(
            segments.iter().map(|stored| stored.segment.text.as_str()).collect::<Vec<_>>(),
            ["Äh, was 𝄞 nun?", "Nichts."]
        );
        // A whole segment: up to 0.7 s before and after.
        assert_eq!(spans(&segments, (0, 0), (0, None)), [(300, 2700)]);
        // One letter selects its word, up to the neighbouring words.
        assert_eq!(spans(&segments, (0, 5), (0, Some(6))), [(1300, 1650)]);
        // A character of two code units, in a word without duration.
        assert_eq!(spans(&segments, (0, 8), (0, Some(10))), [(1600, 1700)]);
        // From the middle of one segment into the next.
        assert_eq!(spans(&segments, (0, 11), (1, Some(2))), [(1651, 2700), (3300, 5200)]);
        // An empty selection, and one that ends before it starts.
        assert_eq!(spans(&segments, (0, 3), (0, Some(3))), []);
        assert_eq!(spans(&segments, (1, 0), (0, None)), []);
    }
}
