use super::*;
use crate::{Segment, speaker_segments};
use proptest::prelude::*;

fn word(text: &str, start: u32, end: u32) -> Word {
    Word {
        start: AudioTime::from_ms(start),
        end: AudioTime::from_ms(end),
        text: text.to_owned(),
        confidence: None,
        estimated: false,
    }
}

fn span(start: u32, end: u32) -> Span {
    Span::new(AudioTime::from_ms(start), AudioTime::from_ms(end))
}

fn turn(speaker: char, start: u32, end: u32) -> Turn<char> {
    Turn { span: span(start, end), speaker, confidence: None, overlap: false }
}

/// Words with their times, from `a0-100 b150-300`.
fn words(text: &str) -> Vec<Word> {
    let one = |spec: &str| {
        let at = spec.find(|c: char| c.is_ascii_digit()).expect("a word has a time");
        let (start, end) = spec[at..].split_once('-').expect("and an end");
        word(&spec[..at], start.parse().expect("ms"), end.parse().expect("ms"))
    };
    text.split_whitespace().map(one).collect()
}

/// Turns of speakers, from `A0-100 B150-300`.
fn turns(text: &str) -> Vec<Turn<char>> {
    words(text)
        .into_iter()
        .map(|w| turn(w.text.chars().next().unwrap_or('?'), w.start.as_ms(), w.end.as_ms()))
        .collect()
}

/// The speaker of each word: `-` for none, in parentheses for a word with overlap.
fn speakers_of(spoken: &str, turns_text: &str) -> String {
    assign_speakers(&words(spoken), &turns(turns_text), &[])
        .iter()
        .map(|s| match (s.speaker, s.overlap) {
            (Some(speaker), false) => speaker.to_string(),
            (Some(speaker), true) => format!("({speaker})"),
            (None, _) => "-".to_owned(),
        })
        .collect()
}

#[test]
fn each_word_gets_the_speaker_of_the_turn_at_its_time() {
    let cases = [
        ("a word in a turn", "a100-200", "A0-1000", "A"),
        ("before the first turn, near", "a0-100", "A500-900", "A"),
        ("before the first turn, far: none, not the first speaker", "a0-100", "A700-900", "-"),
        ("after the last turn, near and far", "a1000-1100 b1700-1800", "A0-800", "A-"),
        ("between two turns: the nearer", "a1000-1100", "A0-900 B1300-2000", "A"),
        ("between two turns: the nearer, later one", "a1150-1250", "A0-800 B1300-2000", "B"),
        ("no turns at all", "a0-100 b100-200", "", "--"),
        ("across a border: where most of it is", "a900-1300", "A0-1000 B1000-2000", "B"),
        (
            "across a border, half and half: the speaker before",
            "a0-400 b900-1100",
            "A0-1000 B1000-2000",
            "AA",
        ),
        ("a word longer than a turn in its middle", "a0-1000", "A0-400 B400-500 A500-1000", "A"),
        ("no length, in a turn", "a500-500", "A0-1000", "A"),
        ("no length, at a border", "a1000-1000", "A0-1000 B1000-2000", "B"),
        ("two at once: the speaker before goes on", "a0-400 b500-700", "A0-1000 B450-800", "A(A)"),
        ("two at once from the start: the earlier turn", "a0-400", "A0-1000 B0-1000", "(A)"),
        ("a long turn that began long ago", "a9000-9100", "A0-10000 B100-200 B300-400", "A"),
        ("one interjection", "a0-300 b1500-1700 c3000-3300", "A0-1000 B1450-1750 A2800-4000", "ABA"),
    ];
    for (name, spoken, turns, expected) in cases {
        assert_eq!(speakers_of(spoken, turns), expected, "{name}");
    }
}

#[test]
fn a_speaker_change_within_fluent_speech_moves_to_a_nearby_pause() {
    // The turn ends 0.2 s into the next speaker's sentence.
    let late = "one0-300 two300-600 three1000-1200 four1210-1500 five1510-1900";
    assert_eq!(speakers_of(late, "A0-1205 B1205-2000"), "AABBB");
    // And 0.3 s before the end of a sentence that has no pause after it.
    let early = "one0-300 two300-600 end.600-900 next900-1200 more1200-1500";
    assert_eq!(speakers_of(early, "A0-600 B600-2000"), "AAABB");
    // No pause near: it stays.
    let fluent = "one0-300 two300-600 three600-900 four900-1200";
    assert_eq!(speakers_of(fluent, "A0-600 B600-2000"), "AABB");
    // A pause further than half a second away does not count.
    let far = "one0-300 two1000-1800 three1800-2400 four2400-3000";
    assert_eq!(speakers_of(far, "A0-2400 B2400-4000"), "AAAB");
    // A speaker's only word is not reassigned.
    let single = "one0-300 two300-500 three900-1200";
    assert_eq!(speakers_of(single, "A0-300 B300-500 A800-2000"), "ABA");
}

#[test]
fn assignments_by_hand_take_precedence_over_all_turns() {
    let spoken = words("a0-100 b100-200 c200-300 d200-200");
    let by_hand = [
        Assignment { span: span(100, 300), speaker: Some('X') },
        Assignment { span: span(200, 300), speaker: None },
    ];
    for turns in [turns("A0-1000"), turns("A0-150 B150-1000"), Vec::new()] {
        let said = assign_speakers(&spoken, &turns, &by_hand);
        assert_eq!((said[1].speaker, said[1].by_hand), (Some('X'), true));
        assert_eq!((said[2].speaker, said[2].by_hand), (None, true), "the later assignment counts");
        assert!(!said[0].by_hand);
    }
}

#[test]
fn assignments_by_hand_replace_turns() {
    let by_hand = [
        Assignment { span: span(500, 1500), speaker: Some('X') },
        Assignment { span: span(1400, 1600), speaker: None },
    ];
    let assigned: Vec<_> = apply_assignments(&turns("A0-1000 B900-2000 C3000-4000"), &by_hand)
        .into_iter()
        .map(|turn| (turn.speaker, turn.span.start.as_ms(), turn.span.end.as_ms()))
        .collect();
    assert_eq!(assigned, [('A', 0, 500), ('X', 500, 1400), ('B', 1600, 2000), ('C', 3000, 4000)]);
}

#[test]
fn a_segment_ends_where_the_speaker_changes_and_marks_overlap() {
    let spoken = words("one0-300 two300-600 three600-900 four900-1200");
    let said = assign_speakers(&spoken, &turns("A0-600 B600-2000 C600-1300"), &[]);
    let segments: Vec<_> = speaker_segments(spoken.into_iter().zip(said), &[])
        .into_iter()
        .map(|s| (s.segment.text, s.speaker, s.overlap))
        .collect();
    assert_eq!(
        segments,
        [("One two".to_owned(), Some('A'), false), ("Three four".to_owned(), Some('B'), true)]
    );
}

prop_compose! {
    /// Words in order of start, with pauses, overlaps and words without length.
    fn any_words()(parts in prop::collection::vec((0u32..900, 0u32..700, 0usize..5), 0..60)) -> Vec<Word> {
        let mut at = 0;
        parts.into_iter().map(|(gap, length, text)| {
            at += gap;
            word(["yes", "no.", "well,", "今", "what?"][text], at, at + length)
        }).collect()
    }
}

prop_compose! {
    fn any_turns()(parts in prop::collection::vec((0u32..3000, 0u32..5000, 0u8..6, any::<Option<u8>>()), 0..30)) -> Vec<Turn<u8>> {
        let mut at = 0;
        parts.into_iter().map(|(gap, length, speaker, sure)| {
            at += gap;
            let confidence = sure.map(|sure| f32::from(sure) / 255.0);
            Turn { span: span(at, at + length), speaker, confidence, overlap: false }
        }).collect()
    }
}

prop_compose! {
    fn any_assignments()(parts in prop::collection::vec((0u32..20_000, 0u32..4000, any::<Option<u8>>()), 0..8)) -> Vec<Assignment<u8>> {
        parts.into_iter().map(|(start, length, speaker)| Assignment { span: span(start, start + length), speaker }).collect()
    }
}

fn words_in(segments: &[crate::SpeakerSegment<u8>]) -> Vec<Word> {
    segments.iter().flat_map(|s: &crate::SpeakerSegment<u8>| s.segment.words.clone()).collect()
}

proptest! {
    #[test]
    fn every_word_is_in_exactly_one_segment_in_order_at_its_time(
        spoken in any_words(), turns in any_turns(), by_hand in any_assignments(),
    ) {
        let said = assign_speakers(&spoken, &turns, &by_hand);
        prop_assert_eq!(said.len(), spoken.len());
        let cut = speaker_segments(spoken.iter().cloned().zip(said.iter().copied()), &[]);
        prop_assert_eq!(words_in(&cut), spoken.clone());
        // Segments are in order of start.
        prop_assert!(cut.windows(2).all(|pair| pair[0].segment.span.start <= pair[1].segment.span.start));
        // Each has one speaker.
        let mut speakers = said.iter();
        for segment in &cut {
            for said in speakers.by_ref().take(segment.segment.words.len()) {
                prop_assert_eq!(said.speaker, segment.speaker);
            }
        }
    }

    #[test]
    fn a_word_only_gets_a_speaker_who_speaks_near_it(spoken in any_words(), turns in any_turns()) {
        for (word, said) in spoken.iter().zip(assign_speakers(&spoken, &turns, &[])) {
            let Some(speaker) = said.speaker else { continue };
            // Half a second by itself, and half a second by which a speaker change may move.
            let reach = NEAR_MS + SNAP_MS + 1_400;
            let near = turns.iter().any(|turn| {
                turn.speaker == speaker
                    && turn.span.start <= word.end.plus_ms(reach)
                    && word.start <= turn.span.end.plus_ms(reach)
            });
            prop_assert!(near, "{:?} was assigned to {}", word, speaker);
        }
    }

    #[test]
    fn new_turns_move_no_word_and_leave_assignments_by_hand_alone(
        spoken in any_words(), first in any_turns(), second in any_turns(), by_hand in any_assignments(),
    ) {
        let cut = |turns: &[Turn<u8>]| {
            let said = assign_speakers(&spoken, turns, &by_hand);
            speaker_segments(spoken.iter().cloned().zip(said), &[])
        };
        let (before, after) = (cut(&first), cut(&second));
        prop_assert_eq!(words_in(&before), words_in(&after));
        let assigned = |segments: &[crate::SpeakerSegment<u8>]| -> Vec<(u32, Option<u8>)> {
            segments.iter().flat_map(|s| s.segment.words.iter().map(|w| (w, s.speaker)))
                .filter(|(w, _)| by_hand.iter().any(|assignment| contains(assignment.span, w.middle())))
                .map(|(w, speaker)| (w.start.as_ms(), speaker)).collect()
        };
        prop_assert_eq!(assigned(&before), assigned(&after));
    }

    #[test]
    fn segments_cut_again_from_their_own_words_are_the_same(
        spoken in any_words(), turns in any_turns(), by_hand in any_assignments(),
    ) {
        let once = speaker_segments(spoken.iter().cloned().zip(assign_speakers(&spoken, &turns, &by_hand)), &[]);
        let words = words_in(&once);
        let twice = speaker_segments(words.iter().cloned().zip(assign_speakers(&words, &turns, &by_hand)), &[]);
        let plain = |segments: &[crate::SpeakerSegment<u8>]| -> Vec<Segment> {
            segments.iter().map(|s| s.segment.clone()).collect()
        };
        prop_assert_eq!(plain(&once), plain(&twice));
    }
}
