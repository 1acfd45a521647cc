#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

use super::*;
use crate::{Facts, Line, Run};
use chrono::DateTime;
use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use transcript::AudioTime;

fn document(title: &str, file_name: &str, runs: Vec<Run>) -> Script {
    Script {
        title: title.into(),
        facts: Facts {
            file_name: file_name.into(),
            recorded_at: None,
            duration: None,
            language: None,
            engine: None,
            notes: Vec::new(),
        },
        speakers: Vec::new(),
        runs,
        exported_at: DateTime::parse_from_rfc3339("2025-03-15T18:05:09+01:00").unwrap(),
    }
}

fn run(speaker: Option<&str>, lines: &[(u32, &str)]) -> Run {
    let line = |(ms, text): &(u32, &str)| Line { start: AudioTime::from_ms(*ms), text: (*text).into() };
    let lines: Vec<Line> = lines.iter().map(line).collect();
    Run { speaker: speaker.map(Into::into), start: lines[0].start, lines }
}

#[test]
fn a_meeting_reads_like_a_document() {
    let mut meeting = document(
        "Budget 2026: don't panic",
        "budget_2026 (final).m4a",
        vec![
            run(
                Some("Anna"),
                &[(4_000, "Good morning, it's 9 o'clock."), (61_500, "The e-mail says 3.5 %.")],
            ),
            run(
                Some("Dr. Ben O'Neill-Ruiz"),
                &[(3_723_000, "R&D costs ~5 % (or $3 < $5) [laughter].\n- Really?")],
            ),
        ],
    );
    meeting.facts.recorded_at = DateTime::parse_from_rfc3339("2025-03-04T09:05:00-03:30").ok();
    meeting.facts.duration = Some(AudioTime::from_ms(3_730_000));
    meeting.facts.language = Some("English".into());
    meeting.facts.engine = Some("transcribe.cpp whisper-base".into());
    meeting.facts.notes = vec!["the file ends early: 3.1 s could be read".into()];
    insta::assert_snapshot!(markdown(&meeting), @r#"
    # Budget 2026: don't panic

    - **File:** budget_2026 (final).m4a
    - **Recorded:** 4 March 2025, 09:05 (UTC−3:30)
    - **Duration:** 1:02:10
    - **Language:** English
    - **Engine:** transcribe.cpp whisper-base
    - **Note:** the file ends early: 3.1 s could be read

    **Anna**

    `0:00:04` Good morning, it's 9 o'clock.

    `0:01:01` The e-mail says 3.5 %.

    **Dr. Ben O'Neill-Ruiz**

    `1:02:03` R&D costs ~5 % (or $3 < $5) [laughter].\
    \- Really?
    "#);
}

#[test]
fn without_speakers_there_are_only_times() {
    let talk = document("", "talk.wav", vec![run(None, &[(0, "One."), (1_000, " "), (2_000, "Two.")])]);
    insta::assert_snapshot!(markdown(&talk), @r"
    # talk.wav

    `0:00:00` One.

    `0:00:02` Two.
    ");
}

#[test]
fn a_transcript_without_words_says_so() {
    for runs in [vec![], vec![run(Some("Anna"), &[(0, " \n")])]] {
        let silent = markdown(&document("Silence", "silence.wav", runs));
        assert_eq!(silent, "# Silence\n\n- **File:** silence.wav\n\nThis transcript contains no words.\n");
    }
}

/// What a reader sees, block by block: headings, list items, paragraphs. Everything but bold type and code, which this
/// module uses itself, shows up as a tag.
fn rendered(markdown: &str, options: Options) -> Vec<String> {
    let mut blocks = vec![String::new()];
    for event in Parser::new_ext(markdown, options) {
        let block = blocks.last_mut().unwrap();
        match event {
            Event::Text(text) | Event::Code(text) => block.push_str(&text),
            Event::HardBreak => block.push('\n'),
            Event::Start(
                Tag::Heading { .. } | Tag::List(None) | Tag::Item | Tag::Paragraph | Tag::Strong,
            ) => {}
            Event::End(TagEnd::Heading(_) | TagEnd::Item | TagEnd::Paragraph) => blocks.push(String::new()),
            Event::End(TagEnd::List(false) | TagEnd::Strong) => {}
            other => block.push_str(&format!("<{other:?}>")),
        }
    }
    blocks.pop();
    blocks
}

/// What a reader should see.
fn meant(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").replace('\0', "\u{FFFD}")
}

fn shows_as_itself(text: &str) -> Result<(), TestCaseError> {
    let made = markdown(&document(
        text,
        &format!("x{text}"),
        vec![run(Some(text), &[(5_000, text), (6_000, text)])],
    ));
    let line = meant(text).replace('\n', " ");
    let blank = text.chars().all(|c| c.is_whitespace() || c.is_control());
    let mut expected = if blank {
        vec![format!("x{line}"), "This transcript contains no words.".to_owned()]
    } else {
        let words = meant(text.trim_matches(['\n', '\r']));
        let name = line.trim().to_owned();
        vec![
            line.clone(),
            format!("File: x{line}"),
            name,
            format!("0:00:05 {words}"),
            format!("0:00:06 {words}"),
        ]
    };
    if line.is_empty() {
        expected[0] = "x".to_owned();
    }
    let dialect = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_GFM
        | Options::ENABLE_WIKILINKS;
    for options in [Options::empty(), dialect] {
        prop_assert_eq!(rendered(&made, options), expected.clone(), "{}", &made);
    }
    Ok(())
}

#[test]
fn nothing_that_is_said_is_taken_for_markup() {
    for text in [
        "*a* **b** _c_ __d__ ~~e~~ ~f~ `g` ``h``",
        "snake_case_name and _private and trailing_",
        "# not a heading #",
        "C#",
        "###",
        "a\n# b\n- c\n+ d\n* e\n1. f\n12) g\n> h\n```\ni\n~~~\nj",
        "a\n===\nb\n---\nc\n***\nd\n___",
        "a | b\n-|-\n|-|-|\n:-:|:-:\n1 | 2",
        "[link](https://example.org) ![image](x.png) [ref][x] [x]: y [[wiki]] [^1] [ ] [x]",
        "[x]: https://example.org \"title\"",
        "<-@x> <3@x> <3",
        "<b>bold</b> <!-- no --> <?php ?> <https://example.org> <a@b.c> </p> < b <3",
        "a\n<div>\nb\n<script>",
        "AT&T &amp; &lt; &#39; &#x27; &notin; & &; &x",
        "https://example.org/a_b_c?d=e&f=g#h *",
        "back\\slash \\* \\\\ trailing \\",
        "trailing \\\nnext",
        "ends with spaces  \nnext\t\n\n\n last   ",
        "    four spaces",
        "\ttab\tinside",
        "  \n  a\n     b",
        "\u{0}\u{7}\u{b}\u{c}\u{1b}[0m\u{85}\u{2028}",
        "windows\r\nold mac\rend",
        "1. one",
        "2) two",
        "1986. A great year",
        "- dash",
        "+ plus",
        "> quote",
        "~5 % to ~10 %, (~3), a~b, 5~ ~",
        "***",
        "\"quoted\" 'single' “curly” – — … $1 $2$ {x} ^y^ ==z== :smile: @me",
        "מה *זה* 会_议_ ёж_",
        "* ",
        "_",
        "`",
        "]( ](",
    ] {
        shows_as_itself(text).unwrap();
    }
}

#[test]
fn ordinary_text_is_left_alone() {
    for text in [
        "I don't know, it's 3.5 % (or so) - e-mail me!",
        "R&D, AT&T, Q&A; 5 < 6 > 4, x = y + z, \"so\" #1",
        "see https://example.org/some_page?x=1&y=2",
        "[inaudible] ... [laughs]: ~20 people, snake_case",
    ] {
        let made = markdown(&document("t", "f", vec![run(None, &[(0, text)])]));
        assert!(made.ends_with(&format!("`0:00:00` {text}\n")), "{made}");
    }
}

proptest! {
    #[test]
    fn any_text_shows_as_itself(text: String) {
        shows_as_itself(&text)?;
    }

    #[test]
    fn any_heap_of_markup_shows_as_itself(text in r#"[\\`*_{}\[\]<>()#+.!|~&;:=$"'^@ \t\r\n\-/axT01é]{0,40}"#) {
        shows_as_itself(&text)?;
    }
}
