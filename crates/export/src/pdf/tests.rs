//! Examines rendered files with the tools of poppler-utils.

#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

use super::*;
use crate::paragraphs::{Paragraph, ParagraphSegment};
use crate::testing::resources;
use crate::{Font, Metadata, Paper};
use chrono::DateTime;
use proptest::prelude::*;
use std::{fs, path::PathBuf, sync::LazyLock};
use transcript::AudioTime;
use unicode_normalization::UnicodeNormalization;

mod elements;
mod summary;

pub(super) static FONTS: LazyLock<Fonts> = LazyLock::new(|| Fonts::load(&fonts_folder()).unwrap());

fn fonts_folder() -> PathBuf {
    testing::required_path(testing::resources().join("fonts"))
}

fn transcript(title: &str, paragraphs: Vec<Paragraph>) -> FormattedTranscript {
    FormattedTranscript {
        title: title.into(),
        metadata: Metadata { file_name: "talk.wav".into(), ..Metadata::default() },
        paragraphs,
        changed_at: DateTime::parse_from_rfc3339("2025-03-05T08:05:09-03:30").unwrap(),
        ..FormattedTranscript::default()
    }
}

/// A paragraph whose segments begin five seconds apart, the first one at `second`.
fn paragraph(speaker: Option<&str>, second: u32, texts: &[&str]) -> Paragraph {
    let time = |index: usize| AudioTime::from_ms((second + 5 * u32::try_from(index).unwrap()) * 1000);
    let segment = |(index, text): (usize, &&str)| ParagraphSegment {
        start: time(index),
        text: (*text).into(),
        ..ParagraphSegment::default()
    };
    Paragraph {
        speaker: speaker.map(Into::into),
        start: time(0),
        segments: texts.iter().enumerate().map(segment).collect(),
        ..Paragraph::default()
    }
}

fn single_segment(text: &str) -> FormattedTranscript {
    transcript("Talk", vec![paragraph(None, 5, &[text])])
}

fn render(transcript: &FormattedTranscript) -> Pdf {
    pdf(transcript, &FONTS, &resources()).unwrap()
}

/// The output of a tool of poppler-utils for a file.
fn poppler(name: &str, arguments: &[&str], bytes: &[u8]) -> String {
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

/// The text that is copied out of the file, without marks of direction.
fn text(pdf: &Pdf) -> String {
    let text = poppler("pdftotext", &["-nopgbrk"], &pdf.bytes);
    text.replace(|c| matches!(c, '\u{202A}'..='\u{202E}'), "")
}

/// The text in the order in which it was drawn, with white space collapsed.
fn drawn_text(pdf: &Pdf) -> String {
    poppler("pdftotext", &["-raw", "-nopgbrk"], &pdf.bytes).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// As [`drawn_text`], for the text column alone: without times, margins, receipt and white space.
fn column_text(pdf: &Pdf) -> String {
    let area = ["-raw", "-nopgbrk", "-x", "110", "-y", "66", "-W", "440", "-H", "700"];
    let text: String = poppler("pdftotext", &area, &pdf.bytes).split_whitespace().collect();
    let (text, _receipt) = text.rsplit_once("Receipt").unwrap();
    text.to_owned()
}

/// A word and its bounding box on a page, in points.
#[derive(Debug)]
struct WordBox {
    text: String,
    left: f32,
    top: f32,
    right: f32,
    bottom: f32,
}

/// The words of every page.
fn words_by_page(pdf: &Pdf) -> Vec<Vec<WordBox>> {
    let html = poppler("pdftotext", &["-bbox"], &pdf.bytes);
    let number = |line: &str, name: &str| {
        let value = line.split_once(&format!("{name}=\"")).unwrap().1;
        value.split('"').next().unwrap().parse::<f32>().unwrap()
    };
    let word = |line: &str| WordBox {
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

fn assert_inside_margins(pdf: &Pdf, width: f32, height: f32) {
    for (number, page) in words_by_page(pdf).iter().enumerate() {
        for word in page {
            let fits = word.left >= 60.0
                && word.right <= width - 70.0
                && word.top >= 38.0
                && word.bottom <= height - 36.0;
            assert!(fits, "page {}: {word:?}", number + 1);
        }
    }
}

const LONG_URL: &str = "https://intranet.example.org/facilities/ghent/floor-plans/2025/second-floor-final-version-3.pdf?download=true&user=17#top";

fn meeting() -> FormattedTranscript {
    let mut paragraphs = Vec::new();
    for round in 0..20 {
        let opening = format!(
            "Item {round} of the agenda is about the office, and it's €{round}.50 or 3.5 % more than last year."
        );
        let long = format!(
            "Paragraph {round} goes on. {}",
            "We have said this before, and we will say it again: it has to fit. ".repeat(4)
        );
        let start = round * 40;
        paragraphs.push(paragraph(Some("Margaret Okafor"), start, &[&opening, &long, "Short."]));
        paragraphs.push(paragraph(
            Some("Dr. Aylin Yıldız-Brandt"),
            start + 20,
            &["I don't agree.", &format!("See {LONG_URL} for why.")],
        ));
    }
    let mut meeting = transcript("Steering group: office “Ghent”", paragraphs);
    meeting.metadata.recorded_at = DateTime::parse_from_rfc3339("2025-03-04T09:05:00+01:00").ok();
    meeting.metadata.duration = Some(AudioTime::from_ms(800_000));
    meeting.metadata.notes = vec!["the file ends early: 3.1 s could be read".into()];
    meeting
}

#[test]
fn the_file_contains_all_text_in_order() {
    let meeting = meeting();
    let drawn = drawn_text(&render(&meeting)).replace('\u{200B}', "");
    // Removes the spaces inside words that were broken over two lines.
    let text = drawn.replace(' ', "");
    let mut rest = text.as_str();
    let mut find = |wanted: &str| {
        let wanted = wanted.replace(' ', "");
        let at = rest.find(&wanted).unwrap_or_else(|| panic!("{wanted} is not in {rest}"));
        rest = &rest[at + wanted.len()..];
    };
    for row in [
        "Steering group: office “Ghent”",
        "File talk.wav",
        "Recorded 4 March 2025, 09:05 (UTC+1)",
        "Duration 0:13:20",
    ] {
        find(row);
    }
    find("Remark the file ends early: 3.1 s could be read");
    for paragraph in &meeting.paragraphs {
        find(paragraph.speaker.as_deref().unwrap());
        for segment in &paragraph.segments {
            find(&segment.start.to_string());
            // A footer may interrupt a segment, so words are searched one by one.
            for word in segment.text.split(' ').filter(|word| *word != LONG_URL) {
                find(word);
            }
        }
    }
}

#[test]
fn every_page_shows_its_number_and_all_but_the_first_the_title() {
    let pdf = render(&meeting());
    let pages = words_by_page(&pdf);
    let count = pages.len();
    assert!(poppler("pdfinfo", &[], &pdf.bytes).contains(&format!("Pages:           {count}\n")));
    assert!(count > 3);
    for (index, page) in pages.iter().enumerate() {
        let between = |top: f32, bottom: f32| -> String {
            let words = page.iter().filter(|word| word.top > top && word.bottom < bottom);
            words.map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
        };
        let head = "Steering group: office “Ghent” 4 March 2025, 09:05 (UTC+1)";
        assert_eq!(between(0.0, 60.0), if index == 0 { "" } else { head });
        assert_eq!(between(780.0, 842.0), format!("Page {} of {count}", index + 1));
    }
}

#[test]
fn the_file_has_its_metadata() {
    let pdf = render(&meeting());
    let info = poppler("pdfinfo", &["-isodates"], &pdf.bytes);
    for line in [
        "Title:           Steering group: office “Ghent”",
        "Subject:         Transcript: talk.wav",
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
    assert!(!raw.contains("GTS_PDFX"), "the file must not claim a printing standard");
}

#[test]
fn letter_paper_has_the_letter_size() {
    let mut meeting = meeting();
    meeting.options.paper = Paper::Letter;
    let pdf = render(&meeting);
    assert!(poppler("pdfinfo", &[], &pdf.bytes).contains("Page size:       612 x 792 pts (letter)"));
    assert_inside_margins(&pdf, 612.0, 792.0);
}

#[test]
fn fonts_are_embedded_as_subsets_with_their_text() {
    let fonts = poppler("pdffonts", &[], &render(&single_segment("Hello, καλημέρα, привет, שלום")).bytes);
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
    let mut meeting = meeting();
    meeting.paragraphs.push(paragraph(Some("محمد"), 900, &["会議 \u{1F600} \u{E000} שלום"]));
    let first = render(&meeting);
    let again = pdf(&meeting, &Fonts::load(&fonts_folder()).unwrap(), &resources()).unwrap();
    assert!(first == again);
    meeting.metadata.file_name.push('x');
    assert!(first != render(&meeting));
}

#[test]
fn a_transcript_without_words_says_so() {
    for paragraphs in [vec![], vec![paragraph(Some("Anna"), 5, &[" ", "\n", "\u{1}"])]] {
        let text = text(&render(&transcript("Silence", paragraphs)));
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
        let pdf = render(&single_segment(words));
        assert_eq!(pdf.missing, [] as [char; 0], "{words}");
        let text = text(&pdf);
        // NFC makes the order of two marks on one letter irrelevant.
        let (words, text): (String, String) = (words.nfc().collect(), text.nfc().collect());
        let mut rest = text.as_str();
        for word in words.split(' ') {
            let at = rest.find(word).unwrap_or_else(|| panic!("{word} is not in {rest}"));
            rest = &rest[at + word.len()..];
        }
    }
}

#[test]
fn right_to_left_text_is_right_aligned_and_in_order() {
    let pdf = render(&single_segment("ראשון budget.xlsx שני 12 שלישי"));
    let page = &words_by_page(&pdf)[0];
    // pdftotext -bbox gives the letters in visual order, from left to right.
    let find = |text: &str| page.iter().find(|word| word.text.chars().eq(text.chars().rev()));
    let word = |text: &str| {
        find(text).or(page.iter().find(|word| word.text == text)).unwrap_or_else(|| panic!("{page:?}"))
    };
    let places = ["ראשון", "budget.xlsx", "שני", "12", "שלישי"].map(|text| word(text).left);
    assert!(places.is_sorted_by(|a, b| a > b), "{places:?}");
    let end = word("ראשון").right;
    assert!((end - 522.0).abs() < 2.0, "{end}");
}

#[test]
fn han_characters_use_the_font_of_their_language() {
    for (words, font) in [
        ("骨直令", "NotoSansSC"),
        ("骨直令です", "NotoSansJP"),
        ("骨直令이다", "NotoSansKR"),
        ("臺灣", "NotoSansSC"),
    ] {
        let fonts = poppler("pdffonts", &[], &render(&single_segment(words)).bytes);
        assert!(fonts.contains(font), "{words}: {fonts}");
        assert_eq!(fonts.lines().filter(|line| line.contains("NotoSans")).count(), 3, "{words}: {fonts}");
    }
    // A name of Han characters alone uses the variant of the rest of the document.
    let japanese =
        transcript("会議", vec![paragraph(Some("田中"), 5, &["おはようございます。", "ありがとう。"])]);
    let fonts = poppler("pdffonts", &[], &render(&japanese).bytes);
    assert!(fonts.contains("NotoSansJP") && !fonts.contains("NotoSansSC"), "{fonts}");
}

#[test]
fn no_text_leaves_the_margins() {
    let stacked = format!("Stacked e{} marks.", "\u{301}".repeat(60));
    let texts = [
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
    let mut transcript = transcript(&"Title".repeat(60), vec![paragraph(Some(&name), 5, &texts)]);
    transcript.metadata.file_name = format!("{}.wav", "file".repeat(60));
    let pdf = render(&transcript);
    assert_inside_margins(&pdf, 595.3, 841.9);
    let copied = column_text(&pdf);
    assert!(copied.contains(&"a".repeat(300)));
    assert!(copied.contains(&"W".repeat(300)));
    assert!(copied.contains(LONG_URL));
    assert!(copied.contains(&"会議".repeat(200)));
}

#[test]
fn characters_that_no_font_has_are_marked_kept_and_listed() {
    let pdf = render(&transcript(
        "Talk \u{E000}",
        vec![paragraph(None, 5, &["one \u{E000} two ᠮ three", "four \u{E001}"])],
    ));
    assert_eq!(pdf.missing, ['ᠮ', '\u{E000}', '\u{E001}']);
    let text = text(&pdf);
    assert!(text.contains("Characters that no font here has: U+182E, U+E000, U+E001."), "{text}");
    // The characters can still be searched and copied.
    assert!(text.contains("one \u{E000} two ᠮ three"), "{text}");

    let few = Fonts::from_bytes(main_font("Regular"), main_font("Bold"), Vec::new());
    let pdf = super::pdf(&single_segment("Hello שלום!"), &few, &resources()).unwrap();
    assert_eq!(pdf.missing, ['ו', 'ל', 'ם', 'ש']);
    let one = super::pdf(&single_segment("Hello ש"), &few, &resources()).unwrap();
    assert!(drawn_text(&one).contains("Characters that no font here has: U+05E9."));
}

fn main_font(weight: &str) -> Font {
    let name = format!("NotoSans-{weight}.ttf");
    let bytes = fs::read(fonts_folder().join(&name)).unwrap();
    Font::from_bytes(name, bytes)
}

#[test]
fn fallback_fonts_are_read_when_a_character_needs_them() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["NotoSans-Regular.ttf", "NotoSans-Bold.ttf"] {
        fs::copy(fonts_folder().join(name), folder.path().join(name)).unwrap();
    }
    fs::write(folder.path().join("NotoSansSC-Regular.ttf"), "not a font").unwrap();
    let fonts = Fonts::load(folder.path()).unwrap();
    assert!(pdf(&single_segment("Hello"), &fonts, &resources()).is_ok());
    let error = pdf(&single_segment("你好"), &fonts, &resources()).unwrap_err();
    assert_eq!(error.to_string(), "NotoSansSC-Regular.ttf is not a font that can be used in a PDF");
}

#[test]
fn the_error_names_a_damaged_main_font() {
    let fonts = Fonts::from_bytes(Font::from_bytes("mine.ttf", vec![1, 2, 3]), main_font("Bold"), Vec::new());
    let error = pdf(&single_segment("Hello"), &fonts, &resources()).unwrap_err();
    assert!(matches!(error, ExportError::FontDamaged { font } if font == "mine.ttf"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_word_is_lost(
        texts in prop::collection::vec("[a-zA-ZäéßΩλжЯ0-9.,!?'()€%/-]{1,60}( [a-zA-ZäéßΩλжЯ0-9.,!?'()€%/-]{1,12}){0,60}", 1..12),
        speaker in prop::option::of("[A-Z][a-z]{1,8}"),
    ) {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let pdf = render(&transcript("T", vec![paragraph(speaker.as_deref(), 5, &texts)]));
        prop_assert!(pdf.missing.is_empty());
        let words: String = texts.concat().split(' ').collect();
        prop_assert_eq!(column_text(&pdf), format!("TFiletalk.wavTranscript{}{words}", speaker.unwrap_or_default()));
    }

    #[test]
    fn any_text_gives_a_valid_file(title: String, speaker in prop::option::of(any::<String>()), texts: [String; 3]) {
        let segments = texts.each_ref().map(String::as_str);
        let mut transcript = transcript(&title, vec![paragraph(speaker.as_deref(), 5, &segments)]);
        transcript.metadata.notes = vec![title.clone()];
        transcript.metadata.file_name = texts[0].clone();
        let pdf = render(&transcript);
        prop_assert!(!lopdf::Document::load_mem(&pdf.bytes).unwrap().get_pages().is_empty());
    }
}
