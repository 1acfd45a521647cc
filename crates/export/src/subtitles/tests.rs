#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::testing::{resources, torture, torture_ten_hours};
use crate::{Segment, Speaker, SubtitleGuide};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;
use transcript::Span;

/// A segment with these words, each of the same time from `start` on.
fn segment(start: u32, word_ms: u32, words: &[&str], speaker: Option<usize>) -> Segment {
    let at = |index: usize| AudioTime::from_ms(start + index as u32 * word_ms);
    let word = |(index, text): (usize, &&str)| Word {
        start: at(index),
        end: at(index + 1),
        text: (*text).to_owned(),
        confidence: None,
        estimated: false,
    };
    let words: Vec<Word> = words.iter().enumerate().map(word).collect();
    let text = join_words(words.iter().map(|word| word.text.as_str()));
    let span = Span::new(at(0), at(words.len()));
    Segment { segment: transcript::Segment { span, text, words, doubt: None }, speaker, also: Vec::new() }
}

fn meeting(segments: Vec<Segment>) -> Document {
    let speaker = |name: &str| Speaker { name: name.to_owned(), ..Speaker::default() };
    Document { speakers: vec![speaker("Anna"), speaker("Ben")], segments, ..Document::default() }
}

fn shown(cues: &[Cue]) -> Vec<(u64, u64, String)> {
    let text = |cue: &Cue| cue.lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join(" / ");
    cues.iter().map(|cue| (cue.start_ms, cue.end_ms, text(cue))).collect()
}

fn netflix(document: &Document) -> Vec<Cue> {
    cues(document, &ExportOptions::default(), false, &resources()).unwrap()
}

#[test]
fn cues_break_at_sentences_and_phrases() {
    let words = "I think we should wait for the figures of the last quarter, because nobody knows them yet. \
                 After that we can decide about the new office in the spring.";
    let words: Vec<&str> = words.split(' ').collect();
    let texts: Vec<String> = shown(&netflix(&meeting(vec![segment(0, 300, &words, Some(0))])))
        .into_iter()
        .map(|cue| cue.2)
        .collect();
    assert_eq!(
        texts,
        [
            "I think we should wait for the / figures of the last quarter,",
            "because nobody knows them yet.",
            "After that we can decide about / the new office in the spring.",
        ]
    );
}

#[test]
fn a_cue_stays_until_it_is_read_and_short_pauses_are_closed() {
    let document = meeting(vec![
        segment(0, 200, &["Yes."], Some(0)),
        segment(3_000, 400, &["We", "begin."], Some(0)),
        segment(4_100, 400, &["Good", "idea."], Some(1)),
    ]);
    assert_eq!(
        shown(&netflix(&document)),
        [
            (0, 833, "Yes.".to_owned()),
            (3_000, 4_017, "We begin.".to_owned()),
            (4_100, 4_933, "Good idea.".to_owned()),
        ]
    );
}

#[test]
fn a_cue_waits_for_a_short_one_before_it() {
    let document =
        meeting(vec![segment(0, 300, &["Yes."], Some(0)), segment(400, 400, &["No,", "wait."], Some(1))]);
    assert_eq!(
        shown(&netflix(&document)),
        [(0, 833, "Yes.".to_owned()), (916, 1_749, "No, wait.".to_owned())]
    );
}

#[test]
fn speakers_share_a_cue_only_if_asked_and_names_stay_with_their_words() {
    let document =
        meeting(vec![segment(0, 300, &["Shall", "we?"], Some(0)), segment(700, 300, &["Yes."], Some(1))]);
    let subtitles = SubtitleOptions { one_speaker_per_cue: false, ..SubtitleOptions::default() };
    let options = ExportOptions { subtitles, ..ExportOptions::default() };
    let shared = cues(&document, &options, true, &resources()).unwrap();
    assert_eq!(shown(&shared), [(0, 1_250, "Anna: Shall we? / Ben: Yes.".to_owned())]);
    assert_eq!(shared[0].lines.iter().map(|line| line.speaker).collect::<Vec<_>>(), [Some(0), Some(1)]);
    assert_eq!(netflix(&document).len(), 2);
}

#[test]
fn a_long_word_and_chinese_are_cut_anywhere() {
    let long = "x".repeat(100);
    let document = meeting(vec![segment(0, 9_000, &[&long], None)]);
    let lines: Vec<usize> =
        netflix(&document).iter().flat_map(|cue| &cue.lines).map(|line| width(&line.text)).collect();
    assert_eq!(lines, [42, 42, 16]);
    let chinese: Vec<&str> = vec!["会"; 60];
    let texts = shown(&netflix(&meeting(vec![segment(0, 100, &chinese, None)])));
    assert_eq!(texts[0].2, format!("{0} / {0}", "会".repeat(30)));
}

/// The characters that must be shown, and how often each.
fn visible<'a>(texts: impl IntoIterator<Item = &'a str>) -> BTreeMap<char, usize> {
    let mut counts = BTreeMap::new();
    for c in texts.into_iter().flat_map(str::chars).filter(|c| !c.is_whitespace() && !is_invisible(*c)) {
        *counts.entry(c).or_default() += 1;
    }
    counts
}

/// Checks every rule on the cues of `document`. Where one may yield, it must be for the sake of an earlier one in the
/// order of [`SubtitleOptions`].
fn follow_the_rules(document: &Document, options: &ExportOptions) -> Result<(), TestCaseError> {
    let limits = Limits::of(&options.subtitles);
    let found = cues(document, options, false, &resources()).unwrap();
    let lines = || found.iter().flat_map(|cue| &cue.lines);
    prop_assert_eq!(
        visible(lines().map(|line| line.text.as_str())),
        visible(document.segments.iter().map(|segment| segment.segment.text.as_str())),
        "words are lost"
    );
    for line in lines() {
        prop_assert!(!line.text.trim().is_empty());
        prop_assert!(!line.text.contains(is_control), "{:?}", line.text);
        prop_assert!(width(&line.text) <= limits.width, "{:?}", line.text);
    }
    for (index, cue) in found.iter().enumerate() {
        prop_assert!(cue.start_ms < cue.end_ms, "{cue:?}");
        prop_assert!((1..=limits.lines).contains(&cue.lines.len()), "{cue:?}");
        let duration = cue.end_ms - cue.start_ms;
        prop_assert!(duration <= limits.longest, "{cue:?}");
        let speakers: Vec<_> = cue.lines.iter().map(|line| line.speaker).collect();
        prop_assert!(
            !limits.one_speaker || speakers.iter().all(|speaker| *speaker == speakers[0]),
            "{cue:?}"
        );
        // The cue before takes what it needs.
        let (spoken, _) = cue.speech;
        let late = cue.start_ms.saturating_sub(spoken);
        prop_assert!(cue.start_ms >= spoken, "{cue:?} comes before its words");
        let next = found.get(index + 1);
        prop_assert!(next.is_none_or(|next| cue.end_ms <= next.start_ms), "{cue:?} overlaps {next:?}");
        if index > 0 && late > 0 {
            let before = &found[index - 1];
            let enough = before.end_ms - before.start_ms <= limits.least.min(limits.longest).max(1);
            prop_assert!(
                enough && (late <= MAX_DELAY_MS || before.end_ms - before.start_ms == 1),
                "{cue:?} is late"
            );
        }
        // Only the next cue ends one early, and only a cue that would vanish gives up the gap.
        let cut_off = next.is_some_and(|next| cue.end_ms + limits.gap >= next.start_ms);
        if let Some(next) = next {
            prop_assert!(cue.end_ms + limits.gap <= next.start_ms || duration == 1, "{cue:?} {next:?}");
            let pause = next.start_ms - cue.end_ms;
            let closed = pause <= limits.gap || pause >= limits.closed_pause || duration == limits.longest;
            prop_assert!(closed, "{cue:?} {next:?}");
        }
        let characters: usize =
            cue.lines.iter().map(|line| width(&line.text)).sum::<usize>() + cue.lines.len() - 1;
        let wanted = limits.least.max(characters as u64 * limits.character_ms).min(limits.longest);
        prop_assert!(duration >= wanted || cut_off, "{cue:?} could be shown longer");
        if let Some(next) = next.filter(|_| duration < limits.least.min(limits.longest)) {
            let waited = next.start_ms >= next.speech.0 + MAX_DELAY_MS || duration == 1;
            prop_assert!(waited, "{next:?} does not wait for {cue:?}");
        }
    }
    prop_assert!(found.is_sorted_by_key(|cue| cue.start_ms));
    Ok(())
}

#[test]
fn the_torture_transcript_follows_the_rules_of_each_guide() {
    for guide in [SubtitleGuide::Netflix, SubtitleGuide::Bbc] {
        for one_speaker_per_cue in [true, false] {
            let subtitles = SubtitleOptions { one_speaker_per_cue, ..SubtitleOptions::of(guide) };
            let options = ExportOptions { subtitles, ..ExportOptions::default() };
            follow_the_rules(&torture(), &options).unwrap();
        }
    }
    follow_the_rules(&torture_ten_hours(), &ExportOptions::default()).unwrap();
}

fn any_options() -> impl Strategy<Value = SubtitleOptions> {
    let usual =
        prop_oneof![Just(SubtitleGuide::Netflix), Just(SubtitleGuide::Bbc)].prop_map(SubtitleOptions::of);
    let unusual =
        (0_u16..60, 0_u16..5, 0_u16..40, 0_u32..2_000, 0_u32..9_000, 0_u32..300, 0_u32..2_000, any::<bool>());
    let unusual =
        unusual.prop_map(|(width, lines, speed, least, longest, gap, closed, one)| SubtitleOptions {
            characters_per_line: width,
            lines,
            characters_per_second: speed,
            min_duration_ms: least,
            max_duration_ms: longest,
            gap_ms: gap,
            closed_pause_ms: closed,
            one_speaker_per_cue: one,
        });
    prop_oneof![usual, unusual]
}

/// Segments that follow or overlap each other, at any speed, from any text.
fn any_meeting() -> impl Strategy<Value = Document> {
    let word = prop_oneof![
        8 => "[a-zäж]{1,12}[.,?!]?",
        1 => "[会議の。、]{1,30}",
        1 => "\\PC{1,8}",
        1 => "[a-z]{60,130}",
        1 => any::<String>(),
    ];
    let any_segment =
        (0_u32..4_000, 0_u32..900, vec(word, 0..30), proptest::option::of(0_usize..2), any::<bool>());
    vec(any_segment, 0..12).prop_map(|segments| {
        let mut start = 0;
        let made = segments.into_iter().map(|(step, word_ms, words, speaker, timed)| {
            start += step;
            let words: Vec<&str> = words.iter().map(|word| word.trim()).collect();
            let mut made = segment(start, word_ms, &words, speaker);
            if !timed {
                made.segment.words.clear();
            }
            made
        });
        meeting(made.collect())
    })
}

proptest! {
    #[test]
    fn any_meeting_follows_the_rules(document in any_meeting(), subtitles in any_options()) {
        follow_the_rules(&document, &ExportOptions { subtitles, ..ExportOptions::default() })?;
    }

    #[test]
    fn words_of_one_speaker_stay_in_order(words in vec("[a-z]{1,9}[.,]?", 1..80), word_ms in 1_u32..600) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let found = netflix(&meeting(vec![segment(500, word_ms, &words, Some(0))]));
        let text: Vec<&str> = found.iter().flat_map(|cue| &cue.lines).map(|line| line.text.as_str()).collect();
        prop_assert_eq!(text.join(" "), words.join(" "));
    }
}
