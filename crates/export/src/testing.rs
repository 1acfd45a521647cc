//! Documents for tests: everything that a transcript can contain and that a format can get wrong.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use crate::{
    Document, Metadata, Resources, Segment, Source, Speaker, Summary, SummarySection, SummaryStatement,
};
use chrono::{DateTime, NaiveDate};
use std::path::Path;
use transcript::{AudioTime, DoubtReason, Span, Word, split_words};

/// Text that is markup, a formula or a separator in some format.
const MARKUP: &[&str] = &[
    "AT&T and R&D cost <int> and \"quoted\", 'single' and &amp; &lt;b&gt; too.",
    "**stars** and _under_scores_ and `code` ~~struck~~ ==marked== #tag [[wiki]] %%hidden%% $x^2$",
    "|pipes| a | b |",
    "[x](javascript:alert(1)) ![i](http://example.org/i.png) <script>alert(2)</script> <!-- comment --> ]]>",
    "=cmd()|'/c calc'!A1",
    "+1 -2 @SUM(A1) ;semi,comma\ttab",
    "-1+1",
    "@here",
    "# Heading\n- item\n1. one\n> quote\n---\n===",
    "line one\r\nline two\rline three\n\nafter a blank line\u{2028}separator\u{2029}end",
    "00:00:01,000 --> 00:00:02,000",
    "1\n00:00:01.000 --> 00:00:02.000\nNOTE cue",
    "WEBVTT {\\an8}<v Mallory>voice</v> {b}bold{/b} \\N \\h",
    "C:\\path\\to \\u0041 \\x {{template}} ${y} %s {} {0}",
];

/// Sentences in many scripts; both directions, and both in one.
const SCRIPTS: &[&str] = &[
    "Žluťoučký kůň, Straße, œuvre, naïve, İstanbul, Øresund, fi ﬁ e\u{301}.",
    "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία.",
    "Съешь ещё этих мягких французских булок, да выпей чаю.",
    "今天我们讨论预算，明年的计划是什么？好的。",
    "これはテストです。会議を始めましょう、皆さん。",
    "다음 회의는 월요일에 있습니다.",
    "مرحبا بكم في الاجتماع، رقم 123 (AT&T) اليوم.",
    "שלום לכולם, הפגישה מתחילה ב-10:30 עם Anna.",
    "बैठक में आपका स्वागत है, क्षत्रिय।",
    "ยินดีต้อนรับสู่การประชุมประจำปี",
    "Emoji 👍 👩‍👩‍👧‍👦 🇩🇪 ❤️ 👋🏽 and 𝄞 𝒳 ok.",
];

/// Text without any visible character, with invisible ones, and with those that change the direction.
const INVISIBLE: &[&str] = &[
    "",
    " ",
    "\n",
    "\u{200B}\u{FEFF}",
    "zero\u{200B}width\u{200D}\u{2060}\u{FEFF} soft\u{AD}hyphen no\u{A0}break",
    "bidi \u{202E}override\u{202C} \u{2066}isolate\u{2069} \u{200F}mark",
    "control \u{0}\u{1}\u{7}\u{8}\u{B}\u{C}\u{1B}[31m\u{7F}\u{85}\u{9B} end",
    "not a character \u{FFFE}\u{FFFF}\u{FDD0}\u{FFFD} and private \u{E000}",
];

/// The names of the speakers, in order of appearance.
const NAMES: &[&str] = &[
    "Anna",
    "Dr. Ben O'Neill-Ruiz",
    "=HYPERLINK(\"http://example.org\")",
    "<b>Eve</b> & Co.",
    "**Frank** | [x](y)",
    "王小明",
    "محمد",
    "",
    "two\nlines",
    "Anna",
    "A name that is much too long for the line of a subtitle and that goes on and on and on",
    "Zoë: \"the chair\" --> #1",
];

/// A text of this length without a space.
const LONG_BYTES: usize = 40_000;

/// The meeting that every format must render: markup of every kind, every script, 40 kB without a space, characters that
/// nobody sees, 12 speakers and segments without a known one, words with and without times, doubts, and turns that
/// overlap. About a minute long.
pub(crate) fn torture() -> Document {
    let mut texts: Vec<String> =
        MARKUP.iter().chain(SCRIPTS).chain(INVISIBLE).map(|text| (*text).to_owned()).collect();
    texts.push("x".repeat(LONG_BYTES));
    texts.push("会".repeat(LONG_BYTES / 3));
    texts.push(
        "A sentence of ordinary words that is long enough to need several lines, with a clause, and another one."
            .to_owned(),
    );
    document(&texts, texts.len())
}

/// A summary whose titles and statements are the texts of [`torture`] that have visible characters, except the longest.
pub(crate) fn torture_summary() -> Summary {
    let texts: Vec<&str> = MARKUP.iter().chain(SCRIPTS).copied().collect();
    let statement = |(index, text): (usize, &&str)| SummaryStatement {
        text: (*text).to_owned(),
        sources: (0..index % 3)
            .map(|source| {
                let start = AudioTime::from_ms((index + source) as u32 * 2_400);
                Span::new(start, start.plus_ms(2_100))
            })
            .collect(),
        found: index % 3 != 0,
        edited: index % 4 == 1,
        owner: (index % 2 == 1).then(|| NAMES[index % NAMES.len()].to_owned()),
        due: (index % 5 == 1).then(|| "by **Friday** <now>".to_owned()),
    };
    let section = |texts: &[&str]| SummarySection {
        title: texts[0].to_owned(),
        statements: texts.iter().enumerate().map(statement).collect(),
    };
    Summary { model: None, sections: texts.chunks(5).map(section).collect() }
}

/// The texts of [`torture`] without the longest ones, again and again for ten hours: 15 000 segments.
pub(crate) fn torture_ten_hours() -> Document {
    let texts: Vec<String> =
        MARKUP.iter().chain(SCRIPTS).chain(INVISIBLE).map(|text| (*text).to_owned()).collect();
    document(&texts, 15_000)
}

/// What rendering reads besides the document: no fonts, and nobody who watches.
pub(crate) fn resources() -> Resources<'static> {
    Resources { fonts: Path::new("none"), logo: None, audio: None, progress: &|_| true }
}

/// A meeting of `count` segments of 2.4 s, whose texts are `texts` in turns.
fn document(texts: &[String], count: usize) -> Document {
    let speakers: Vec<Speaker> = NAMES
        .iter()
        .enumerate()
        .map(|(index, name)| Speaker {
            id: format!("00000000-0000-4000-8000-{index:012}"),
            name: (*name).to_owned(),
            number: index as u32 + 1,
            speech_ms: 60_000 / (index as u32 + 1),
            share: [0.5, 0.2, 0.1, 0.05, 0.05, 0.03, 0.02, 0.02, 0.01, 0.01, 0.007, 0.003][index],
            turns: 12 - index as u32,
            words: 100 / (index as u32 + 1),
        })
        .collect();
    let segments: Vec<Segment> =
        (0..count).map(|index| segment(index, &texts[index % texts.len()])).collect();
    let turns = segments
        .iter()
        .filter_map(|segment| Some((segment.segment.span, segment.speaker?)))
        .map(|(span, speaker)| (Span::new(span.start, span.end.plus_ms(300)), speaker))
        .collect();
    Document {
        title: "Q3: \"AT&T\" <b>budget</b> | [[2026]] --> #1 = \\ ünïcode".to_owned(),
        metadata: Metadata {
            file_name: "=budget, \"final\" (1) & co.m4a".to_owned(),
            recorded_at: DateTime::parse_from_rfc3339("2025-03-04T09:05:00-03:30").ok(),
            duration: Some(AudioTime::from_ms(count as u32 * 2_400)),
            language: Some("English".to_owned()),
            language_tag: Some("en".to_owned()),
            engine: Some("transcribe.cpp whisper-base".to_owned()),
            notes: vec!["the file ends early: 3.1 s could be read".to_owned()],
        },
        source: Source {
            meeting_id: "3f0c2c0e-8f4e-4a4a-9d6c-0d8b5c1f6a01".to_owned(),
            recording_sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
            version_id: "7d8b0a52-1c3d-4e5f-8a9b-2c4d6e8f0a1b".to_owned(),
            engine: "transcribe.cpp".to_owned(),
            model: "whisper-base".to_owned(),
            exported_on: NaiveDate::from_ymd_opt(2026, 3, 31).unwrap(),
        },
        speakers,
        segments,
        turns,
        summary: None,
        note: Some(
            "# Decisions\n\n- **Budget** approved, see [the plan](https://example.org/plan)\n- `=1+1`\n\n\
             Setext\n======\n\n```\n# not a heading\n```\n\n<script>alert(3)</script> --> end"
                .to_owned(),
        ),
        changed_at: DateTime::parse_from_rfc3339("2026-03-15T18:05:09+01:00").unwrap(),
    }
}

/// The segment number `index` with this text. Every fifth has no times of words, every seventh no speaker.
fn segment(index: usize, text: &str) -> Segment {
    let start = index as u32 * 2_400;
    let span = Span::new(AudioTime::from_ms(start), AudioTime::from_ms(start + 2_100));
    let texts = if index % 5 == 4 { Vec::new() } else { split_words(text) };
    let count = texts.len().max(1) as u32;
    let words = texts.into_iter().enumerate().map(|(number, text)| {
        let at = |number: usize| AudioTime::from_ms(start + 2_100 * number as u32 / count);
        Word {
            start: at(number),
            end: at(number + 1),
            text,
            confidence: (index % 3 != 2).then_some([0.97, 0.81, 0.25, 0.64][number % 4]),
            estimated: number % 6 == 5,
        }
    });
    let doubt = match index % 9 {
        3 => Some(DoubtReason::Repetition),
        5 => Some(DoubtReason::Invented),
        7 => Some(DoubtReason::Garbled),
        _ => None,
    };
    let speaker = (index % 7 != 6).then_some(index / 2 % NAMES.len());
    let also = if index % 8 == 1 { vec![(index / 2 + 1) % NAMES.len()] } else { Vec::new() };
    Segment {
        segment: transcript::Segment { span, text: text.to_owned(), words: words.collect(), doubt },
        speaker,
        also,
    }
}

/// What the script `name` in `readers`, which reads files with independent libraries, prints about this file: JSON.
pub(crate) fn read_with_python(name: &str, arguments: &[&str], file: &[u8]) -> serde_json::Value {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, file).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("readers").join(name);
    let output = ::testing::python().arg(script).args(arguments).arg(&path).output().unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Fails at the first difference of two lists. (The lists are too long to be shown.)
pub(crate) fn assert_same_list(read: &serde_json::Value, wanted: &[serde_json::Value]) {
    let read = read.as_array().unwrap();
    for (index, (read, wanted)) in read.iter().zip(wanted).enumerate() {
        assert_eq!(read, wanted, "item {index}");
    }
    assert_eq!(read.len(), wanted.len());
}
