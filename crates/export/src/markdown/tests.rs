#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

use super::*;
use crate::paragraphs::{Paragraph, ParagraphSegment};
use crate::receipt::receipt_in;
use crate::testing::{read_with_python, resources, torture, torture_summary};
use crate::{ExportOptions, LabelLanguage, Metadata};
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

/// The Markdown between front matter and receipt.
fn body(transcript: &FormattedTranscript) -> String {
    let markdown = markdown(transcript);
    let (front_matter, body) = markdown.split_once("\n---\n\n").unwrap();
    assert!(front_matter.starts_with("---\ntitle: \""));
    let (body, receipt) = body.rsplit_once("\n<!-- MeetMemo-Receipt-1.").unwrap();
    assert!(receipt.ends_with(" -->\n"));
    body.to_owned()
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
    insta::assert_snapshot!(body(&meeting), @r#"
    # Budget 2026: don't panic

    - **File:** budget_2026 (final).m4a
    - **Recorded:** 4 March 2025, 09:05 (UTC−3:30)
    - **Duration:** 1:02:10
    - **Language:** English
    - **Engine:** transcribe.cpp whisper-base
    - **Remark:** the file ends early: 3.1 s could be read

    ## Transcript

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
    insta::assert_snapshot!(body(&talk), @r"
    # talk.wav

    ## Transcript

    `0:00:00` One.

    `0:00:02` Two.
    ");
}

#[test]
fn a_transcript_without_words_says_so() {
    for paragraphs in [vec![], vec![paragraph(Some("Anna"), &[(0, " \n")])]] {
        let silent = body(&transcript("Silence", "silence.wav", paragraphs));
        assert_eq!(
            silent,
            "# Silence\n\n- **File:** silence.wav\n\n## Transcript\n\nThis transcript contains no words.\n"
        );
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
    let mut meeting =
        transcript(text, &format!("x{text}"), vec![paragraph(Some(text), &[(5_000, text), (6_000, text)])]);
    let with_times = body(&meeting);
    meeting.options.times = Times::None;
    let without_times = body(&meeting);
    let line = expected_text(text).replace('\n', " ");
    let blank = text.chars().all(|c| c.is_whitespace() || c.is_control());
    let mut expected = if blank {
        vec![format!("x{line}"), "Transcript".to_owned(), "This transcript contains no words.".to_owned()]
    } else {
        let words = expected_text(text.trim_matches(['\n', '\r']));
        let name = line.trim().to_owned();
        vec![
            line.clone(),
            format!("File: x{line}"),
            "Transcript".to_owned(),
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
        prop_assert_eq!(rendered(&with_times, options), expected.clone(), "{}", &with_times);
    }
    if !blank {
        expected.truncate(4);
        expected.push(expected_text(format!("{text} {text}").trim_matches(['\n', '\r'])));
    }
    for options in [Options::empty(), extensions] {
        prop_assert_eq!(rendered(&without_times, options), expected.clone(), "{}", &without_times);
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
        "==a== %%b%% $c$ #d #1 #1e ^f",
        "[a]: b",
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
        "costs $3 or 5 % = 2 #1, a^2",
    ] {
        let markdown = body(&transcript("t", "f", vec![paragraph(None, &[(0, text)])]));
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

#[test]
fn what_obsidian_reads_as_markup_is_escaped() {
    for (text, wanted) in [
        ("==z== and %%c%%", r"\==z\== and \%%c\%%"),
        ("$x^2$ costs $3", r"\$x^2$ costs $3"),
        ("#tag C# #12 #1a", r"\#tag C# #12 \#1a"),
        ("end ^id", r"end \^id"),
        ("[[wiki]]", r"\[[wiki]]"),
    ] {
        let markdown = body(&transcript("t", "f", vec![paragraph(None, &[(0, text)])]));
        assert!(markdown.ends_with(&format!("`0:00:00` {wanted}\n")), "{markdown}");
    }
}

#[test]
fn a_note_cannot_make_links_of_what_was_said() {
    let mut meeting = transcript("t", "f", vec![paragraph(None, &[(0, "see [x] and [x][]")])]);
    meeting.note = Some("# Plan\n\n[x]: https://example.org".to_owned());
    let markdown = body(&meeting);
    assert!(
        markdown.contains("\n## Note\n\n> ### Plan\n>\n> [x]: https://example.org\n\n## Transcript\n"),
        "{markdown}"
    );
    let links = Parser::new(&markdown).filter(|event| matches!(event, Event::Start(Tag::Link { .. })));
    assert_eq!(links.count(), 0, "{markdown}");
}

/// Every option, in turns.
fn variants() -> Vec<ExportOptions> {
    let all = ExportOptions { confidence: true, ..ExportOptions::default() };
    let little = ExportOptions { doubts: false, note: false, statistics: false, ..ExportOptions::default() };
    [Times::None, Times::Paragraph, Times::Segment, Times::Word]
        .into_iter()
        .flat_map(|times| [ExportOptions { times, ..all.clone() }, ExportOptions { times, ..little.clone() }])
        .chain([ExportOptions {
            speakers: false,
            language: LabelLanguage::German,
            ..ExportOptions::default()
        }])
        .collect()
}

#[test]
fn the_torture_transcript_shows_as_itself_with_every_option() {
    let document = torture();
    for options in variants() {
        let file = FORMAT.render(&document, &options, &resources()).unwrap().bytes;
        let found = receipt_in(&file).unwrap();
        assert!(found.intact && found.receipt.speakers == options.speakers);
        let file = String::from_utf8(file).unwrap();
        let body = file.split_once("\n---\n").unwrap().1;
        let (mut text, mut note, mut headings) = (String::new(), 0, Vec::new());
        for event in Parser::new(body) {
            match event {
                Event::Start(Tag::BlockQuote(_)) => note += 1,
                Event::End(TagEnd::BlockQuote(_)) => note -= 1,
                Event::Start(Tag::Heading { level, .. }) => headings.push(level as usize),
                _ if note > 0 => {}
                Event::Text(part) | Event::Code(part) => text.push_str(&part),
                Event::SoftBreak | Event::HardBreak | Event::End(_) => text.push('\n'),
                Event::Html(html) => assert!(html.starts_with("<!-- MeetMemo-Receipt-1."), "{html}"),
                Event::Start(Tag::List(None) | Tag::Item | Tag::Paragraph | Tag::Strong | Tag::HtmlBlock) => {
                }
                other => panic!("{other:?}"),
            }
        }
        let sections = 2 + usize::from(options.note) + usize::from(options.statistics && options.speakers);
        assert_eq!(headings.iter().filter(|level| **level <= 2).count(), sections, "{headings:?}");
        assert_eq!(headings.iter().filter(|level| **level == 3).count(), 2 * usize::from(options.note));
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let text = words(&text);
        for segment in &document.segments {
            // Marks and times come between the words.
            let marked = options.times == Times::Word
                || (options.doubts && segment.segment.words.iter().any(crate::paragraphs::is_unsure));
            let expected = words(&expected_text(&segment.segment.text));
            assert!(
                marked || crate::paragraphs::is_blank(&expected) || text.contains(&expected),
                "{expected:?}"
            );
        }
    }
}

#[test]
fn the_summary_shows_as_itself_without_the_words() {
    let mut document = torture();
    let summary = torture_summary();
    document.summary = Some(summary.clone());
    let options = ExportOptions::default();
    let alone = FormattedTranscript::summary_alone(&document, &options);
    let (body, labels) = (body(&alone), alone.labels());
    assert!(!body.contains("\n## Transcript\n") && !body.contains("## Note"), "{body}");
    let paragraphs = rendered(&body, Options::empty());
    for section in &summary.sections {
        assert!(paragraphs.contains(&single_line(&section.title)), "{} in {body}", section.title);
        for statement in &section.statements {
            let times: String = statement.sources.iter().map(|source| format!("{} ", source.start)).collect();
            let remarks = single_line(&statement.remarks(labels));
            let remarks = if remarks.is_empty() { String::new() } else { format!(" ({remarks})") };
            let wanted = format!("{times}{}{remarks}", single_line(&statement.text));
            assert!(paragraphs.contains(&wanted), "{wanted} in {paragraphs:#?}");
        }
    }
    let whole = FormattedTranscript::new(&document, &options);
    let whole = markdown(&whole);
    let place = |heading: &str| whole.find(&format!("\n## {heading}\n")).unwrap();
    assert!(place("Note") < place("Summary") && place("Summary") < place("Transcript"));
    document.summary = None;
    let none = FormattedTranscript::summary_alone(&document, &options);
    assert!(markdown(&none).contains("Too little is said in this meeting for a summary."));
}

#[test]
fn front_matter_is_read_back_by_a_yaml_parser() {
    let document = torture();
    let file = FORMAT.render(&document, &ExportOptions::default(), &resources()).unwrap().bytes;
    let read = read_with_python("front_matter.py", &[], &file);
    let receipt = crate::Receipt::of(&document, &ExportOptions::default());
    let speakers: Vec<&str> = document.speakers.iter().map(|speaker| speaker.name.as_str()).collect();
    assert_eq!(
        read,
        serde_json::json!({
            "title": document.title,
            "date": "2025-03-04",
            "duration": document.metadata.duration.unwrap().to_string(),
            "language": "en",
            "speakers": speakers,
            "meeting_id": receipt.meeting_id,
            "recording_sha256": receipt.recording_sha256,
            "version": receipt.version_id,
            "engine": receipt.engine,
            "model": receipt.model,
            "exported": "2026-03-31",
            "content_sha256": receipt.passages_sha256,
        })
    );
}
