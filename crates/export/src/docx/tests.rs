#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::characters::printable;
use crate::format::read_receipt;
use crate::options::{LabelLanguage, Paper, Times};
use crate::paragraphs::{ParagraphSegment, single_line};
use crate::testing::{resources, torture, torture_summary, torture_ten_hours};
use crate::{Segment, Speaker};
use proptest::prelude::*;
use quick_xml::events::Event;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};
use std::path::Path;
use transcript::{AudioTime, Span};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

fn docx(document: &Document, options: &ExportOptions) -> Vec<u8> {
    FORMAT.render(document, options, &resources()).unwrap().bytes
}

/// What python-docx reads.
fn read(bytes: &[u8]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("export.docx");
    std::fs::write(&file, bytes).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("readers/docx.py");
    let output = ::testing::python().arg(script).arg(file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The texts of the paragraphs that have this style, in order.
fn with_style<'a>(read: &'a Value, styles: &[&str]) -> Vec<&'a str> {
    let blocks = read["blocks"].as_array().unwrap().iter();
    blocks
        .filter(|block| styles.contains(&block[0].as_str().unwrap()))
        .map(|block| block[1].as_str().unwrap())
        .collect()
}

/// The text of a line that has this segment.
fn line_of(segment: &ParagraphSegment) -> String {
    let words: String = segment
        .runs()
        .iter()
        .map(|run| run.time.map_or(String::new(), |time| format!("{time}\u{A0}")) + &run.text)
        .collect();
    let also = segment.also.as_ref().map_or(String::new(), |also| format!(" {also}"));
    let confidence =
        segment.confidence.map_or(String::new(), |value| format!(" [{:.0}\u{A0}%]", value * 100.0));
    printable(&format!("{words}{also}{confidence}")).into_owned()
}

#[test]
fn an_independent_reader_finds_the_whole_transcript_in_order() {
    for (times, confidence, paper) in [(Times::Segment, false, Paper::A4), (Times::Word, true, Paper::Letter)]
    {
        let options = ExportOptions { times, confidence, paper, ..ExportOptions::default() };
        let document = torture();
        let read = read(&docx(&document, &options));
        let transcript = FormattedTranscript::new(&document, &options);
        let (mut lines, mut names, mut comments) = (Vec::new(), Vec::new(), Vec::new());
        for paragraph in transcript.visible_paragraphs() {
            names.extend(paragraph.speaker);
            for segment in paragraph.segments {
                lines.push(format!("{}\t{}", segment.start, line_of(segment)));
                for runs in segment.runs().chunk_by(|a, b| a.doubt == b.doubt) {
                    let Some(doubt) = runs[0].doubt else { continue };
                    let passage: String = runs
                        .iter()
                        .map(|run| run.time.map_or(String::new(), |time| format!("{time}\u{A0}")) + &run.text)
                        .collect();
                    comments.push((passage, format!("{}: {}", segment.start, doubt.label(&options))));
                }
            }
        }
        assert_eq!(with_style(&read, &["Timed Speech"]), lines);
        assert_eq!(with_style(&read, &["Speaker"]), names);
        let found: Vec<(String, String)> = read["comments"]
            .as_array()
            .unwrap()
            .iter()
            .map(|comment| {
                assert_eq!(
                    (&comment["author"], &comment["time"]),
                    (&"MeetMemo".into(), &"2026-03-15T17:05:09+00:00".into())
                );
                (
                    comment["passage"].as_str().unwrap().to_owned(),
                    comment["text"].as_str().unwrap().to_owned(),
                )
            })
            .collect();
        let printed = comments.into_iter().map(|(passage, text)| (printable(&passage).into_owned(), text));
        assert_eq!(found, printed.collect::<Vec<_>>());
        assert_eq!(read["references"], found.len());
        assert!(found.len() > 10, "the document has doubtful passages");

        assert_eq!(with_style(&read, &["Title"]), [document.title.as_str()]);
        assert_eq!(read["title"], document.title);
        assert_eq!((&read["author"], &read["language"]), (&"MeetMemo".into(), &"en".into()));
        assert_eq!(read["created"], "2026-03-15T17:05:09+00:00");
        assert_eq!(read["header"], serde_json::json!(["", document.title]));
        assert_eq!(read["footer"], "Page 1 of 1");
        let width = if paper == Paper::A4 { 210.0 } else { 215.9 };
        assert!((read["paper"][0].as_f64().unwrap() - width).abs() < 0.1);
        assert_eq!(
            with_style(&read, &["heading 1", "Heading 1"]),
            ["Speakers", "Note", "Transcript", "Receipt"]
        );
    }
}

#[test]
fn an_independent_reader_finds_the_summary() {
    let document = Document { summary: Some(torture_summary()), ..torture() };
    let bytes = docx(&document, &ExportOptions::default());
    assert_well_formed(&bytes);
    let read = read(&bytes);
    let lines = with_style(&read, &["Speech", "Timed Speech", "TimedSpeech"]);
    for statement in document.summary.iter().flat_map(|summary| &summary.sections).flat_map(|s| &s.statements)
    {
        let time = statement.sources.first().map_or(String::new(), |source| format!("{}\t", source.start));
        let wanted = format!("{time}{}", printable(&single_line(&statement.text)));
        assert!(lines.iter().any(|line| line.starts_with(&wanted)), "{wanted} in {lines:?}");
    }
}

#[test]
fn tables_note_and_directions_are_as_expected() {
    let document = torture();
    let read = read(&docx(&document, &ExportOptions::default()));
    let blocks = read["blocks"].as_array().unwrap();
    let tables: Vec<&Value> =
        blocks.iter().filter(|block| block[0] == "table").map(|block| &block[1]).collect();
    assert_eq!(tables[0][0], serde_json::json!(["File", "=budget, \"final\" (1) & co.m4a"]));
    assert_eq!(tables[1][0], serde_json::json!(["Speaker", "Share", "Speaking time", "Turns", "Words"]));
    assert_eq!(tables[1][1], serde_json::json!(["Anna", "50\u{A0}%", "0:01:00", "12", "100"]));
    assert_eq!(tables[1].as_array().unwrap().len(), 13);
    assert!(tables[2].as_array().unwrap().contains(&serde_json::json!(["Model", "whisper-base"])));

    let at = blocks.iter().position(|block| block[1] == "Note").unwrap();
    let note: Vec<(&str, &str)> = blocks[at + 1..]
        .iter()
        .map(|block| (block[0].as_str().unwrap(), block[1].as_str().unwrap()))
        .take_while(|(_, text)| *text != "Transcript")
        .collect();
    // python-docx leaves out the text of fields, as links are.
    let expected = [
        ("Heading 2", "Decisions"),
        ("List Paragraph", "Budget approved, see "),
        ("List Paragraph", "=1+1"),
        ("Heading 2", "Setext"),
        ("Normal", "# not a heading"),
        ("Normal", "<script>alert(3)</script> --> end"),
    ];
    assert_eq!(note, expected);

    let direction = |part: &str| {
        let found = blocks
            .iter()
            .find(|block| block[0] == "Timed Speech" && block[1].as_str().unwrap().contains(part));
        found.unwrap()[2].as_str().unwrap().to_owned()
    };
    assert_eq!(["مرحبا", "שלום", "今天"].map(direction), ["rtl", "rtl", "ltr"]);
}

#[test]
fn options_change_what_they_name_and_nothing_else() {
    let document = torture();
    let base = ExportOptions::default();
    let plain = ExportOptions {
        speakers: false,
        times: Times::None,
        doubts: false,
        note: false,
        statistics: false,
        ..base.clone()
    };
    let read = read(&docx(&document, &plain));
    assert_eq!(with_style(&read, &["Heading 1"]), ["Transcript", "Receipt"]);
    assert_eq!(with_style(&read, &["Speaker", "Timed Speech"]), Vec::<&str>::new());
    assert!(with_style(&read, &["Speech"]).iter().any(|text| text.contains("今天我们讨论预算")));
    assert_eq!(read["comments"], serde_json::json!([]));

    let default = docx(&document, &base);
    let changed: [ExportOptions; 9] = [
        ExportOptions { speakers: false, ..base.clone() },
        ExportOptions { times: Times::Paragraph, ..base.clone() },
        ExportOptions { confidence: true, ..base.clone() },
        ExportOptions { doubts: false, ..base.clone() },
        ExportOptions { note: false, ..base.clone() },
        ExportOptions { statistics: false, ..base.clone() },
        ExportOptions { language: LabelLanguage::German, ..base.clone() },
        ExportOptions { line_numbers: true, ..base.clone() },
        ExportOptions { watermark: Some("Entwurf & <geheim>".to_owned()), ..base.clone() },
    ];
    for options in &changed {
        assert!(docx(&document, options) != default, "{options:?}");
    }
    assert!(docx(&document, &base) == default, "equal input gives equal bytes");
    let other = ExportOptions {
        audio: true,
        subtitles: crate::SubtitleOptions::of(crate::SubtitleGuide::Bbc),
        ..base
    };
    assert!(docx(&document, &other) == default, "these options belong to other formats");
}

#[test]
fn ten_hours_have_contents_with_sections() {
    let document = torture_ten_hours();
    let read = read(&docx(&document, &ExportOptions::default()));
    let sections = with_style(&read, &["Heading 2"]);
    assert_eq!(sections.iter().filter(|title| title.split(':').count() == 3).count(), 60);
    let contents = with_style(&read, &["toc 1", "toc 2"]);
    assert_eq!(contents.len(), 4 + 60);
    assert_eq!(contents[..4], ["Speakers", "Note", "Transcript", "0:00:00"]);
    assert!(contents[4].starts_with("0:10:0"), "{}", contents[4]);
    // After each of these headings the speaker is named.
    let blocks = read["blocks"].as_array().unwrap();
    let is_section = |block: &&Value| {
        block[0] == "Heading 2" && block[1].as_str().is_some_and(|title| title.starts_with("5:00:"))
    };
    let at = blocks.iter().position(|block| is_section(&block)).unwrap();
    assert_eq!(blocks[at + 1][0], "Speaker");
    let without = docx(&document, &ExportOptions { contents: false, ..ExportOptions::default() });
    assert!(!part(&without, "word/document.xml").contains("TOC \\o"));
}

/// A red rectangle of 8 × 4 pixels.
fn png() -> Vec<u8> {
    base64::Engine::decode(
        &base64::engine::general_purpose::STANDARD,
        "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAECAIAAAA8r+mnAAAAEUlEQVR42mM4oKCAFTFQTwIAVL4gAX+EzEQAAAAASUVORK5CYII=",
    )
    .unwrap()
}

#[test]
fn a_logo_keeps_its_shape_and_a_damaged_one_is_refused() {
    let options = ExportOptions::default();
    let picture = png();
    let with_logo = Resources { logo: Some(&picture), ..resources() };
    let bytes = FORMAT.render(&torture(), &options, &with_logo).unwrap().bytes;
    assert_eq!(read(&bytes)["pictures"], serde_json::json!([[4.0, 2.0]]));
    let no_picture = Resources { logo: Some(b"GIF89a\x01\x00\x01\x00"), ..resources() };
    let error = FORMAT.render(&torture(), &options, &no_picture).unwrap_err();
    assert!(matches!(error, ExportError::LogoDamaged { .. }), "{error}");
}

/// The parts of a file, by name.
fn parts(bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    (0..archive.len())
        .map(|index| {
            let mut part = archive.by_index(index).unwrap();
            let mut content = Vec::new();
            part.read_to_end(&mut content).unwrap();
            (part.name().unwrap().into_owned(), content)
        })
        .collect()
}

fn part(bytes: &[u8], name: &str) -> String {
    String::from_utf8(parts(bytes).remove(name).unwrap()).unwrap()
}

/// The parts in an archive of another program: in another order, not compressed.
fn packed(parts: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts.iter().rev() {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        archive.start_file(name, options).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn the_receipt_survives_another_archive_but_no_change() {
    let (document, options) = (torture(), ExportOptions::default());
    let bytes = docx(&document, &options);
    let receipt = crate::Receipt::of(&document, &options);
    let found = |bytes: &[u8]| read_receipt(bytes).map(|found| (found.receipt == receipt, found.intact));
    assert_eq!(found(&bytes), Some((true, true)));

    let original = parts(&bytes);
    assert_eq!(found(&packed(&original)), Some((true, true)));
    for name in original.keys() {
        let mut changed = original.clone();
        changed.get_mut(name).unwrap().push(b' ');
        assert_eq!(found(&packed(&changed)), Some((true, false)), "{name} was changed");
        let mut removed = original.clone();
        removed.remove(name);
        let expected = (name != RECEIPT_PART).then_some((true, false));
        assert_eq!(found(&packed(&removed)), expected, "{name} was removed");
    }
    let mut more = original.clone();
    more.insert("word/more.xml".to_owned(), Vec::new());
    assert_eq!(found(&packed(&more)), Some((true, false)));
    let truncated = &bytes[..bytes.len() - 100];
    assert_eq!(found(truncated), None, "an archive without its directory is not one");
}

/// Changes the size that the directory of the archive claims for `name`.
fn claim_size(archive: &mut [u8], name: &str, size: u32) {
    // Central file headers: signature, and the offsets of the size and the name in them (APPNOTE 4.3.12).
    let header = (0..archive.len() - 46)
        .find(|at| {
            archive[*at..].starts_with(b"PK\x01\x02") && archive[at + 46..].starts_with(name.as_bytes())
        })
        .unwrap();
    archive[header + 24..header + 28].copy_from_slice(&size.to_le_bytes());
}

#[test]
fn an_archive_that_unpacks_to_too_much_is_not_unpacked() {
    let mut archive = docx(&torture(), &ExportOptions::default());
    let size = parts(&archive)["word/document.xml"].len();
    claim_size(&mut archive, "word/document.xml", size as u32);
    assert!(read_receipt(&archive).unwrap().intact, "the size is as before");
    for wrong in [size as u32 - 1, size as u32 + 1, 10, u32::MAX - 1] {
        claim_size(&mut archive, "word/document.xml", wrong);
        assert!(!read_receipt(&archive).unwrap().intact, "{wrong}");
    }
}

/// Whether every XML part is well-formed and has only characters that XML allows.
fn assert_well_formed(bytes: &[u8]) {
    for (name, content) in parts(bytes) {
        let text = String::from_utf8(content).unwrap();
        let refused =
            |c: char| c.is_control() && !matches!(c, '\t' | '\n') || matches!(c, '\u{FFFE}' | '\u{FFFF}');
        assert!(!text.contains(refused), "{name}");
        let mut reader = quick_xml::Reader::from_str(&text);
        let mut depth = 0;
        loop {
            match reader.read_event().unwrap_or_else(|error| panic!("{name}: {error}")) {
                Event::Start(_) => depth += 1,
                Event::End(_) => depth -= 1,
                Event::Eof => break,
                _ => {}
            }
        }
        assert_eq!(depth, 0, "{name}");
    }
}

#[test]
fn an_empty_meeting_says_that_it_has_no_words() {
    let bytes = docx(&Document::default(), &ExportOptions::default());
    assert_well_formed(&bytes);
    let read = read(&bytes);
    assert_eq!(with_style(&read, &["Title"]), ["Transcript"]);
    assert!(with_style(&read, &["Normal"]).contains(&"This transcript contains no words."));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_gives_a_well_formed_document(text: String, name: String, note: String, tag: String) {
        let span = Span::new(AudioTime::ZERO, AudioTime::from_ms(900));
        let segment = transcript::Segment { span, text: text.clone(), words: Vec::new(), doubt: None };
        let document = Document {
            title: text.clone(),
            metadata: crate::Metadata { file_name: text.clone(), language_tag: Some(tag), ..crate::Metadata::default() },
            speakers: vec![Speaker { name, ..Speaker::default() }],
            segments: vec![Segment { segment, speaker: Some(0), also: vec![0] }],
            note: Some(note),
            ..Document::default()
        };
        let options = ExportOptions { watermark: Some(text), ..ExportOptions::default() };
        let bytes = docx(&document, &options);
        assert_well_formed(&bytes);
        prop_assert!(read_receipt(&bytes).unwrap().intact);
    }

    #[test]
    fn any_archive_has_a_receipt_or_none(bytes: Vec<u8>) {
        read_receipt(&[b"PK\x03\x04", &bytes[..]].concat());
    }

    #[test]
    fn any_mixture_of_markdown_gives_a_well_formed_note(
        note in r#"[\\`*_{}\[\]<>()#+.!|~&;:=$"'^ \t\r\n\-/axT01é]{0,60}|(( ){0,6}[-*1>] ?.?\.? ?[a`*\n]{0,3}\n){0,12}"#
    ) {
        let document = Document { note: Some(note), ..Document::default() };
        assert_well_formed(&docx(&document, &ExportOptions::default()));
    }
}
