#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

use super::*;
use crate::Metadata;
use crate::paragraphs::{Paragraph, ParagraphSegment};
use chrono::DateTime;
use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use transcript::AudioTime;

fn transcript(title: &str, file_name: &str, paragraphs: Vec<Paragraph>) -> FormattedTranscript {
    FormattedTranscript {
        title: title.into(),
        metadata: Metadata { file_name: file_name.into(), ..Metadata::default() },
        paragraphs,
        changed_at: DateTime::parse_from_rfc3339("2025-03-15T18:05:09+01:00").unwrap(),
        ..FormattedTranscript::default()
    }
}

fn paragraph(speaker: Option<&str>, segments: &[(u32, &str)]) -> Paragraph {
    let segment = |(ms, text): &(u32, &str)| ParagraphSegment {
        start: AudioTime::from_ms(*ms),
        text: (*text).into(),
        ..ParagraphSegment::default()
    };
    let segments: Vec<ParagraphSegment> = segments.iter().map(segment).collect();
    Paragraph { speaker: speaker.map(Into::into), start: segments[0].start, segments, ..Paragraph::default() }
}

#[test]
fn a_meeting_has_a_heading_metadata_and_paragraphs() {
    let mut meeting = transcript(
        "Budget 2026: don't panic",
        "budget_2026 (final).m4a",
        vec![
            paragraph(
                Some("Anna"),
                &[(4_000, "Good morning, it's 9 o'clock."), (61_500, "The e-mail says 3.5 %.")],
            ),
            paragraph(
                Some("Dr. Ben O'Neill-Ruiz"),
                &[(3_723_000, "R&D costs ~5 % (or $3 < $5) [laughter].\n- Really?")],
            ),
        ],
    );
    meeting.metadata.recorded_at = DateTime::parse_from_rfc3339("2025-03-04T09:05:00-03:30").ok();
    meeting.metadata.duration = Some(AudioTime::from_ms(3_730_000));
    meeting.metadata.language = Some("English".into());
    meeting.metadata.engine = Some("transcribe.cpp whisper-base".into());
    meeting.metadata.notes = vec!["the file ends early: 3.1 s could be read".into()];
    insta::assert_snapshot!(markdown(&meeting), @r#"
    # Budget 2026: don't panic

    - **File:** budget_2026 (final).m4a
    - **Recorded:** 4 March 2025, 09:05 (UTC−3:30)
    - **Duration:** 1:02:10
    - **Language:** English
    - **Engine:** transcribe.cpp whisper-base
    - **Remark:** the file ends early: 3.1 s could be read

    **Anna**

    `0:00:04` Good morning, it's 9 o'clock.

    `0:01:01` The e-mail says 3.5 %.

    **Dr. Ben O'Neill-Ruiz**

    `1:02:03` R&D costs ~5 % (or $3 < $5) [laughter].\
    \- Really?
    "#);
}

#[test]
fn without_speakers_only_times_are_shown() {
    let talk =
        transcript("", "talk.wav", vec![paragraph(None, &[(0, "One."), (1_000, " "), (2_000, "Two.")])]);
    insta::assert_snapshot!(markdown(&talk), @r"
    # talk.wav

    `0:00:00` One.

    `0:00:02` Two.
    ");
}

#[test]
fn a_transcript_without_words_says_so() {
    for paragraphs in [vec![], vec![paragraph(Some("Anna"), &[(0, " \n")])]] {
        let silent = markdown(&transcript("Silence", "silence.wav", paragraphs));
        assert_eq!(silent, "# Silence\n\n- **File:** silence.wav\n\nThis transcript contains no words.\n");
    }
}

/// The rendered text of each block: heading, list item or paragraph. Markup other than bold type and code, which this
/// module writes itself, is written as a tag.
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

/// The text that a renderer should show for `text`.
fn expected_text(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").replace('\0', "\u{FFFD}")
}

fn shows_as_itself(text: &str) -> Result<(), TestCaseError> {
    let markdown = markdown(&transcript(
        text,
        &format!("x{text}"),
        vec![paragraph(Some(text), &[(5_000, text), (6_000, text)])],
    ));
    let line = expected_text(text).replace('\n', " ");
    let blank = text.chars().all(|c| c.is_whitespace() || c.is_control());
    let mut expected = if blank {
        vec![format!("x{line}"), "This transcript contains no words.".to_owned()]
    } else {
        let words = expected_text(text.trim_matches(['\n', '\r']));
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
    let extensions = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_GFM
        | Options::ENABLE_WIKILINKS;
    for options in [Options::empty(), extensions] {
        prop_assert_eq!(rendered(&markdown, options), expected.clone(), "{}", &markdown);
    }
    Ok(())
}

#[test]
fn text_that_looks_like_markup_shows_as_itself() {
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
fn ordinary_text_is_not_escaped() {
    for text in [
        "I don't know, it's 3.5 % (or so) - e-mail me!",
        "R&D, AT&T, Q&A; 5 < 6 > 4, x = y + z, \"so\" #1",
        "see https://example.org/some_page?x=1&y=2",
        "[inaudible] ... [laughs]: ~20 people, snake_case",
    ] {
        let markdown = markdown(&transcript("t", "f", vec![paragraph(None, &[(0, text)])]));
        assert!(markdown.ends_with(&format!("`0:00:00` {text}\n")), "{markdown}");
    }
}

proptest! {
    #[test]
    fn any_text_shows_as_itself(text: String) {
        shows_as_itself(&text)?;
    }

    #[test]
    fn any_mixture_of_markup_shows_as_itself(text in r#"[\\`*_{}\[\]<>()#+.!|~&;:=$"'^@ \t\r\n\-/axT01é]{0,40}"#) {
        shows_as_itself(&text)?;
    }
}
