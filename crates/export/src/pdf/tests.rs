//! Looks at finished files with the tools of poppler-utils, as a reader would.

#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

use super::*;
use crate::{Facts, Font, Line, Run};
use chrono::DateTime;
use proptest::prelude::*;
use std::{fs, path::PathBuf, sync::LazyLock};
use transcript::AudioTime;
use unicode_normalization::UnicodeNormalization;

pub(super) static FONTS: LazyLock<Fonts> = LazyLock::new(|| Fonts::load(&fonts_folder()).unwrap());

fn fonts_folder() -> PathBuf {
    testing::made(testing::resources().join("fonts"))
}

fn document(title: &str, runs: Vec<Run>) -> Script {
    Script {
        title: title.into(),
        facts: Facts {
            file_name: "talk.wav".into(),
            recorded_at: None,
            duration: None,
            language: None,
            engine: None,
            notes: Vec::new(),
        },
        speakers: Vec::new(),
        runs,
        exported_at: DateTime::parse_from_rfc3339("2025-03-05T08:05:09-03:30").unwrap(),
    }
}

/// Lines five seconds apart, from `second` on.
fn run(speaker: Option<&str>, second: u32, lines: &[&str]) -> Run {
    let time = |index: usize| AudioTime::from_ms((second + 5 * u32::try_from(index).unwrap()) * 1000);
    let line = |(index, text): (usize, &&str)| Line { start: time(index), text: (*text).into() };
    Run {
        speaker: speaker.map(Into::into),
        start: time(0),
        lines: lines.iter().enumerate().map(line).collect(),
    }
}

fn said(text: &str) -> Script {
    document("Talk", vec![run(None, 5, &[text])])
}

fn made(document: &Script) -> Pdf {
    pdf(document, &FONTS, Paper::A4).unwrap()
}

/// What one of the tools says about a file.
fn tool(name: &str, arguments: &[&str], bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.pdf");
    fs::write(&path, bytes).unwrap();
    let mut command = testing::program(name);
    command.args(arguments).arg(&path).env("TZ", "UTC");
    if name == "pdftotext" {
        command.arg("-");
    }
    let output = command.output().unwrap();
    let complaints = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && complaints.is_empty(), "{name}: {complaints}");
    String::from_utf8(output.stdout).unwrap()
}

/// What is copied out of the file. The marks that tell the direction of text are left out, and so are the footers.
fn text(pdf: &Pdf) -> String {
    let text = tool("pdftotext", &["-nopgbrk"], &pdf.bytes);
    text.replace(|c| matches!(c, '\u{202A}'..='\u{202E}'), "")
}

/// As [`text`], in the order in which it was drawn, its white space collapsed.
fn drawn(pdf: &Pdf) -> String {
    tool("pdftotext", &["-raw", "-nopgbrk"], &pdf.bytes).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// As [`drawn`], of the text column alone: no times, no footers, and no white space at all.
fn column(pdf: &Pdf) -> String {
    let area = ["-raw", "-nopgbrk", "-x", "105", "-y", "0", "-W", "500", "-H", "775"];
    tool("pdftotext", &area, &pdf.bytes).split_whitespace().collect()
}

/// A word as it stands on a page.
#[derive(Debug)]
struct Box {
    text: String,
    left: f32,
    top: f32,
    right: f32,
    bottom: f32,
}

/// The words of every page.
fn boxes(pdf: &Pdf) -> Vec<Vec<Box>> {
    let html = tool("pdftotext", &["-bbox"], &pdf.bytes);
    let number = |line: &str, name: &str| {
        let value = line.split_once(&format!("{name}=\"")).unwrap().1;
        value.split('"').next().unwrap().parse::<f32>().unwrap()
    };
    let word = |line: &str| Box {
        text: line.split_once('>').unwrap().1.trim_end_matches("</word>").to_owned(),
        left: number(line, "xMin"),
        top: number(line, "yMin"),
        right: number(line, "xMax"),
        bottom: number(line, "yMax"),
    };
    let pages = html.split("<page ").skip(1);
    pages
        .map(|page| page.lines().map(str::trim).filter(|l| l.starts_with("<word ")).map(word).collect())
        .collect()
}

fn inside_margins(pdf: &Pdf, width: f32, height: f32) {
    for (number, page) in boxes(pdf).iter().enumerate() {
        for word in page {
            let fits = word.left >= 50.0
                && word.right <= width - 70.0
                && word.top >= 50.0
                && word.bottom <= height - 36.0;
            assert!(fits, "page {}: {word:?}", number + 1);
        }
    }
}

const LONG_URL: &str = "https://intranet.example.org/facilities/ghent/floor-plans/2025/second-floor-final-version-3.pdf?download=true&user=17#top";

fn meeting() -> Script {
    let mut runs = Vec::new();
    for round in 0..20 {
        let opening = format!(
            "Item {round} of the agenda is about the office, and it's €{round}.50 or 3.5 % more than last year."
        );
        let long = format!(
            "Paragraph {round} goes on. {}",
            "We have said this before, and we will say it again: it has to fit. ".repeat(4)
        );
        let start = round * 40;
        runs.push(run(Some("Margaret Okafor"), start, &[&opening, &long, "Short."]));
        runs.push(run(
            Some("Dr. Aylin Yıldız-Brandt"),
            start + 20,
            &["I don't agree.", &format!("See {LONG_URL} for why.")],
        ));
    }
    let mut meeting = document("Steering group: office “Ghent”", runs);
    meeting.facts.recorded_at = DateTime::parse_from_rfc3339("2025-03-04T09:05:00+01:00").ok();
    meeting.facts.duration = Some(AudioTime::from_ms(800_000));
    meeting.facts.notes = vec!["the file ends early: 3.1 s could be read".into()];
    meeting
}

#[test]
fn everything_is_there_in_order() {
    let meeting = meeting();
    let drawn = drawn(&made(&meeting)).replace('\u{200B}', "");
    // Words broken over two lines come back together.
    let text = drawn.replace(' ', "");
    let mut rest = text.as_str();
    let mut find = |wanted: &str| {
        let wanted = wanted.replace(' ', "");
        let at = rest.find(&wanted).unwrap_or_else(|| panic!("{wanted} is not in {rest}"));
        rest = &rest[at + wanted.len()..];
    };
    for fact in [
        "Steering group: office “Ghent”",
        "File talk.wav",
        "Recorded 4 March 2025, 09:05 (UTC+1)",
        "Duration 0:13:20",
    ] {
        find(fact);
    }
    find("Note the file ends early: 3.1 s could be read");
    for run in &meeting.runs {
        find(run.speaker.as_deref().unwrap());
        for line in &run.lines {
            find(&line.start.to_string());
            // A page may end within a line: footers come between.
            for word in line.text.split(' ').filter(|word| *word != LONG_URL) {
                find(word);
            }
        }
    }
}

#[test]
fn pages_are_numbered_and_named() {
    let pdf = made(&meeting());
    let pages = boxes(&pdf);
    let count = pages.len();
    assert!(tool("pdfinfo", &[], &pdf.bytes).contains(&format!("Pages:           {count}\n")));
    assert!(count > 3);
    for (index, page) in pages.iter().enumerate() {
        let words: Vec<&str> =
            page.iter().filter(|word| word.top > 780.0).map(|word| word.text.as_str()).collect();
        assert_eq!(words.join(" "), format!("Steering group: office “Ghent” Page {} of {count}", index + 1));
    }
}

#[test]
fn the_file_says_what_it_is() {
    let pdf = made(&meeting());
    let info = tool("pdfinfo", &["-isodates"], &pdf.bytes);
    for line in [
        "Title:           Steering group: office “Ghent”",
        "Subject:         Transcript of talk.wav",
        "Author:          MeetMemo",
        "Creator:         MeetMemo",
        "Producer:        MeetMemo",
        "CreationDate:    2025-03-05T08:05:09-03:30",
        "ModDate:         2025-03-05T08:05:09-03:30",
        "Page size:       595.276 x 841.89 pts (A4)",
        "PDF version:     1.7",
    ] {
        assert!(info.contains(line), "{line} is not in\n{info}");
    }
    let raw = String::from_utf8_lossy(&pdf.bytes).into_owned();
    assert!(!raw.contains("GTS_PDFX"), "it claims no printing standard");
}

#[test]
fn letter_paper_is_letter_paper() {
    let pdf = pdf(&meeting(), &FONTS, Paper::Letter).unwrap();
    assert!(tool("pdfinfo", &[], &pdf.bytes).contains("Page size:       612 x 792 pts (letter)"));
    inside_margins(&pdf, 612.0, 792.0);
}

#[test]
fn fonts_are_embedded_in_part_and_can_be_searched() {
    let fonts = tool("pdffonts", &[], &made(&said("Hello, καλημέρα, привет, שלום")).bytes);
    let rows: Vec<&str> = fonts.lines().skip(2).collect();
    assert_eq!(rows.len(), 3, "{fonts}");
    for (row, name) in rows.iter().zip(["NotoSans-Regular", "NotoSans-Bold", "NotoSansHebrew-Regular"]) {
        assert!(
            row.contains(&format!("+{name} ")) && row.contains("Identity-H       yes yes yes"),
            "{fonts}"
        );
    }
}

#[test]
fn equal_input_gives_equal_bytes() {
    let mut document = meeting();
    document.runs.push(run(Some("محمد"), 900, &["会議 \u{1F600} \u{E000} שלום"]));
    let first = made(&document);
    let again = pdf(&document, &Fonts::load(&fonts_folder()).unwrap(), Paper::A4).unwrap();
    assert!(first == again);
    document.facts.file_name.push('x');
    assert!(first != made(&document));
}

#[test]
fn a_transcript_without_words_says_so() {
    for runs in [vec![], vec![run(Some("Anna"), 5, &[" ", "\n", "\u{1}"])]] {
        let text = text(&made(&document("Silence", runs)));
        assert!(text.contains("This transcript contains no words."), "{text}");
        assert!(!text.contains("Anna"), "{text}");
    }
}

#[test]
fn text_of_many_scripts_can_be_copied() {
    for words in [
        "Ça commence : « où est l’œuvre » ? 1 234,50 € — “efficient affluent fjords”",
        "Η συνάντηση ξεκινάει τώρα· Ἐν ἀρχῇ ἦν ὁ λόγος.",
        "Давайте начнём: їжак, ўсё, љубав.",
        "q\u{323}\u{307} e\u{301} x\u{302}",
        "صباح الخير جميعا سنبدأ الاجتماع الآن",
        "لا إله إلا الله مُحَمَّد كِتاب",
        "בוקר טוב לכולם נתחיל בפגישה עכשיו",
        "שָׁלוֹם עֲלֵיכֶם",
        "सुप्रभात। क्षत्रिय, ज्ञान, श्रीमती, विद्यार्थी, हिन्दी।",
        "วันนี้เราจะเริ่มประชุมเรื่องงบประมาณ น้ำ ที่นี่ ผู้ใหญ่",
        "大家早上好。繁體字也可以：臺灣、憂鬱。",
        "おはようございます。会議を始めましょう。",
        "안녕하세요. 회의를 시작하겠습니다.",
        "→ ⇒ ± ≤ ≠ ∞ √ ∑ ½ ① ☎ ✓ ★ ♫ 😀 🎉 👍",
    ] {
        let pdf = made(&said(words));
        assert_eq!(pdf.missing, [], "{words}");
        let text = text(&pdf);
        // Two marks on one letter may come in either order.
        let (words, text): (String, String) = (words.nfc().collect(), text.nfc().collect());
        let mut rest = text.as_str();
        for word in words.split(' ') {
            let at = rest.find(word).unwrap_or_else(|| panic!("{word} is not in {rest}"));
            rest = &rest[at + word.len()..];
        }
    }
}

#[test]
fn text_from_right_to_left_stands_on_the_right_and_in_order() {
    let pdf = made(&said("ראשון budget.xlsx שני 12 שלישי"));
    let page = &boxes(&pdf)[0];
    // This tool leaves the letters as they stand, from left to right.
    let find = |text: &str| page.iter().find(|word| word.text.chars().eq(text.chars().rev()));
    let word = |text: &str| {
        find(text).or(page.iter().find(|word| word.text == text)).unwrap_or_else(|| panic!("{page:?}"))
    };
    let places = ["ראשון", "budget.xlsx", "שני", "12", "שלישי"].map(|text| word(text).left);
    assert!(places.is_sorted_by(|a, b| a > b), "{places:?}");
    let end = word("ראשון").right;
    assert!((end - (595.3 - 71.0)).abs() < 2.0, "{end}");
}

#[test]
fn han_characters_take_the_shape_of_their_language() {
    for (words, font) in [
        ("骨直令", "NotoSansSC"),
        ("骨直令です", "NotoSansJP"),
        ("骨直令이다", "NotoSansKR"),
        ("臺灣", "NotoSansSC"),
    ] {
        let fonts = tool("pdffonts", &[], &made(&said(words)).bytes);
        assert!(fonts.contains(font), "{words}: {fonts}");
        assert_eq!(fonts.lines().filter(|line| line.contains("NotoSans")).count(), 3, "{words}: {fonts}");
    }
    // A name of Han characters alone follows the rest of the document.
    let japanese = document("会議", vec![run(Some("田中"), 5, &["おはようございます。", "ありがとう。"])]);
    let fonts = tool("pdffonts", &[], &made(&japanese).bytes);
    assert!(fonts.contains("NotoSansJP") && !fonts.contains("NotoSansSC"), "{fonts}");
}

#[test]
fn nothing_leaves_the_margins() {
    let stacked = format!("Stacked e{} marks.", "\u{301}".repeat(60));
    let lines = [
        &"a".repeat(300),
        &format!("Short, then {}", "W".repeat(300)),
        LONG_URL,
        &"ภาษาไทยไม่มีช่องว่าง".repeat(20),
        &"مرحبا".repeat(80),
        &"会議".repeat(200),
        &stacked,
        "﷽﷽﷽﷽﷽﷽﷽﷽﷽",
    ];
    let name = "Name".repeat(60);
    let mut document = document(&"Title".repeat(60), vec![run(Some(&name), 5, &lines)]);
    document.facts.file_name = format!("{}.wav", "file".repeat(60));
    let pdf = made(&document);
    inside_margins(&pdf, 595.3, 841.9);
    let copied = column(&pdf);
    assert!(copied.contains(&"a".repeat(300)));
    assert!(copied.contains(&"W".repeat(300)));
    assert!(copied.contains(LONG_URL));
    assert!(copied.contains(&"会議".repeat(200)));
}

#[test]
fn what_no_font_has_is_shown_kept_and_said() {
    let pdf =
        made(&document("Talk \u{E000}", vec![run(None, 5, &["one \u{E000} two ᠮ three", "four \u{E001}"])]));
    assert_eq!(pdf.missing, ['ᠮ', '\u{E000}', '\u{E001}']);
    let text = text(&pdf);
    assert!(
        text.contains("3 characters could not be shown with the available fonts: U+182E, U+E000, U+E001."),
        "{text}"
    );
    // It can still be searched for and copied.
    assert!(text.contains("one \u{E000} two ᠮ three"), "{text}");

    let few = Fonts::from_bytes(main_font("Regular"), main_font("Bold"), Vec::new());
    let pdf = super::pdf(&said("Hello שלום!"), &few, Paper::A4).unwrap();
    assert_eq!(pdf.missing, ['ו', 'ל', 'ם', 'ש']);
    let one = super::pdf(&said("Hello ש"), &few, Paper::A4).unwrap();
    assert!(drawn(&one).contains("1 character could not be shown with the available fonts: U+05E9."));
}

fn main_font(weight: &str) -> Font {
    let name = format!("NotoSans-{weight}.ttf");
    let bytes = fs::read(fonts_folder().join(&name)).unwrap();
    Font::from_bytes(name, bytes)
}

#[test]
fn fonts_for_other_scripts_are_read_when_a_character_needs_them() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["NotoSans-Regular.ttf", "NotoSans-Bold.ttf"] {
        fs::copy(fonts_folder().join(name), folder.path().join(name)).unwrap();
    }
    fs::write(folder.path().join("NotoSansSC-Regular.ttf"), "not a font").unwrap();
    let fonts = Fonts::load(folder.path()).unwrap();
    assert!(pdf(&said("Hello"), &fonts, Paper::A4).is_ok());
    let error = pdf(&said("你好"), &fonts, Paper::A4).unwrap_err();
    assert_eq!(error.to_string(), "NotoSansSC-Regular.ttf is not a font that can be used in a PDF");
}

#[test]
fn a_main_font_that_is_no_font_is_named() {
    let fonts = Fonts::from_bytes(Font::from_bytes("mine.ttf", vec![1, 2, 3]), main_font("Bold"), Vec::new());
    let error = pdf(&said("Hello"), &fonts, Paper::A4).unwrap_err();
    assert!(matches!(error, ExportError::FontDamaged { font } if font == "mine.ttf"));
}

/// Titles of the outline with their pages, children indented.
fn outline(pdf: &Pdf) -> Vec<String> {
    let file = lopdf::Document::load_mem(&pdf.bytes).unwrap();
    let pages: Vec<lopdf::ObjectId> = file.get_pages().into_values().collect();
    let mut found = Vec::new();
    let entry = |id: lopdf::ObjectId| file.get_dictionary(id).unwrap();
    let reference =
        |from: &lopdf::Dictionary, key: &[u8]| from.get(key).and_then(lopdf::Object::as_reference).ok();
    let catalog = file.catalog().unwrap();
    let mut open: Vec<(usize, lopdf::ObjectId)> = Vec::new();
    open.extend(
        reference(catalog, b"Outlines").and_then(|id| reference(entry(id), b"First")).map(|id| (0, id)),
    );
    while let Some((depth, id)) = open.pop() {
        let mark = entry(id);
        let title = mark.get(b"Title").unwrap().as_str().unwrap();
        let units: Vec<u16> =
            title[2..].chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
        let page = mark.get(b"Dest").unwrap().as_array().unwrap()[0].as_reference().unwrap();
        let page = pages.iter().position(|id| *id == page).unwrap() + 1;
        found.push(format!("{}{} p{page}", "  ".repeat(depth), String::from_utf16(&units).unwrap()));
        open.extend(reference(mark, b"Next").map(|id| (depth, id)));
        open.extend(reference(mark, b"First").map(|id| (depth + 1, id)));
    }
    found
}

#[test]
fn the_outline_leads_to_every_change_of_speaker() {
    let marks = outline(&made(&meeting()));
    assert_eq!(marks.len(), 40);
    assert_eq!(
        marks[..3],
        ["0:00:00  Margaret Okafor p1", "0:00:20  Dr. Aylin Yıldız-Brandt p1", "0:00:40  Margaret Okafor p1"]
    );
    assert!(marks[39].starts_with("0:13:00  "));
}

#[test]
fn many_changes_of_speaker_are_grouped_by_ten_minutes() {
    let names = ["Anna", "Ben"];
    let runs =
        (0..100).map(|index| run(Some(names[index % 2]), index as u32 * 15, &["Yes.", "No."])).collect();
    let marks = outline(&made(&document("Talk", runs)));
    assert_eq!(marks.len(), 103);
    assert_eq!(marks[..2], ["0:00:00 p1", "  0:00:00  Anna p1"]);
    assert!(marks.iter().any(|mark| mark.starts_with("0:10:00 p")));
    assert!(marks.iter().any(|mark| mark.starts_with("0:20:00 p")));
}

#[test]
fn without_speakers_the_outline_has_an_entry_every_ten_minutes() {
    let lines = vec!["and so it went on and on and on"; 300];
    let marks = outline(&made(&document("Talk", vec![run(None, 3, &lines)])));
    let titles: Vec<&str> = marks.iter().map(|mark| mark.rsplit_once(' ').unwrap().0).collect();
    assert_eq!(
        titles,
        [
            "0:00:03  and so it went on and",
            "0:10:03  and so it went on and",
            "0:20:03  and so it went on and"
        ]
    );
    assert_eq!(outline(&made(&said("One page needs none."))), [""; 0]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_word_is_lost(
        lines in prop::collection::vec("[a-zA-ZäéßΩλжЯ0-9.,!?'()€%/-]{1,60}( [a-zA-ZäéßΩλжЯ0-9.,!?'()€%/-]{1,12}){0,60}", 1..12),
        speaker in prop::option::of("[A-Z][a-z]{1,8}"),
    ) {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let pdf = made(&document("T", vec![run(speaker.as_deref(), 5, &lines)]));
        prop_assert!(pdf.missing.is_empty());
        let words: String = lines.concat().split(' ').collect();
        prop_assert_eq!(column(&pdf), format!("Ttalk.wav{}{words}", speaker.unwrap_or_default()));
    }

    #[test]
    fn any_text_makes_a_file(title: String, speaker in prop::option::of(any::<String>()), lines: [String; 3]) {
        let mut document = document(&title, vec![run(speaker.as_deref(), 5, &lines.each_ref().map(String::as_str))]);
        document.facts.notes = vec![title.clone()];
        document.facts.file_name = lines[0].clone();
        let pdf = made(&document);
        prop_assert!(!lopdf::Document::load_mem(&pdf.bytes).unwrap().get_pages().is_empty());
    }
}
