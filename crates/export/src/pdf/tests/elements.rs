//! The elements of the document: contents, outline, table, note, marks, margins, watermark, logo.

use super::*;
use crate::paragraphs::RunDoubt;
use crate::testing::{torture, torture_ten_hours};
use crate::{Document, ExportOptions, LabelLanguage, Times};
use std::collections::HashSet;
use transcript::DoubtReason;

fn export(document: &Document, options: &ExportOptions) -> Pdf {
    pdf(&FormattedTranscript::new(document, options), &FONTS, &resources()).unwrap()
}

/// Titles and page numbers of the outline entries, children indented.
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
        let item = entry(id);
        let title = item.get(b"Title").unwrap().as_str().unwrap();
        let units: Vec<u16> =
            title[2..].chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
        let page = item.get(b"Dest").unwrap().as_array().unwrap()[0].as_reference().unwrap();
        let page = pages.iter().position(|id| *id == page).unwrap() + 1;
        found.push(format!("{}{} p{page}", "  ".repeat(depth), String::from_utf16(&units).unwrap()));
        open.extend(reference(item, b"Next").map(|id| (depth, id)));
        open.extend(reference(item, b"First").map(|id| (depth + 1, id)));
    }
    found
}

#[test]
fn the_outline_lists_parts_sections_and_changes_of_speaker() {
    let pdf = render(&meeting());
    let entries = outline(&pdf);
    // 40 changes, and the speaker who continues in the second section; two sections, transcript and receipt.
    assert_eq!(entries.len(), 44);
    assert_eq!(entries[..3], ["Transcript p1", "  0:00:00 p1", "    0:00:00  Margaret Okafor p1"],);
    assert!(entries.iter().any(|entry| entry.starts_with("  0:10:00 p")), "{entries:?}");
    assert!(entries[43].starts_with("Receipt p"));
}

#[test]
fn without_times_the_outline_has_the_parts_alone() {
    let mut meeting = meeting();
    meeting.options.times = Times::None;
    let entries = outline(&render(&meeting));
    assert_eq!(entries.len(), 2, "{entries:?}");
}

#[test]
fn without_speakers_the_outline_has_an_entry_every_ten_minutes() {
    let paragraphs =
        (0..30).map(|minute| paragraph(None, 60 * minute + 3, &["and so it went on and on and on"; 12]));
    let entries = outline(&render(&transcript("Talk", paragraphs.collect())));
    let titles: Vec<&str> = entries.iter().map(|entry| entry.rsplit_once(' ').unwrap().0).collect();
    assert_eq!(
        titles,
        [
            "Transcript",
            "  0:00:03  and so it went on and",
            "  0:10:03  and so it went on and",
            "  0:20:03  and so it went on and",
            "Receipt"
        ]
    );
    assert_eq!(outline(&render(&single_segment("One page needs none."))), [""; 0]);
}

/// What a reader takes a text for: without white space, controls, invisible characters and marks of direction, and with
/// compatible characters made equal. Poppler writes `�` for noncharacters.
fn visible(text: &str) -> String {
    let text: String = text.nfkc().collect();
    let printed =
        |c: &char| !c.is_whitespace() && !c.is_control() && !crate::pdf::characters::is_invisible(*c);
    text.replace(['\u{FFFE}', '\u{FFFF}', '\u{FDD0}'], "\u{FFFD}").chars().filter(printed).collect()
}

/// The texts of `document` with what the export writes beside them, in order.
fn passages(document: &Document, options: &ExportOptions) -> Vec<String> {
    let transcript = FormattedTranscript::new(document, options);
    let mut passages = Vec::new();
    for paragraph in transcript.visible_paragraphs() {
        passages.extend(paragraph.speaker);
        for segment in paragraph.segments {
            passages.push(segment.start.to_string());
            passages.push(segment.text.clone());
            if let Some(RunDoubt::Segment(_)) = segment.runs.last().and_then(|run| run.doubt) {
                let doubt = segment.runs.last().unwrap().doubt.unwrap();
                passages.push(format!("[{}]", doubt.label(options)));
            }
            passages.extend(segment.also.clone());
        }
    }
    passages
}

#[test]
fn poppler_reads_the_torture_transcript_in_order() {
    let document = torture();
    let options = ExportOptions::default();
    let pdf = export(&document, &options);
    // The order of drawing, without what stands at the head and the foot of the pages.
    let area = ["-raw", "-nopgbrk", "-x", "0", "-y", "66", "-W", "600", "-H", "700"];
    let text = visible(&poppler("pdftotext", &area, &pdf.bytes));
    let mut rest = text.split_once("listenbeforeyouquotethem.").unwrap().1;
    let wanted: Vec<String> = passages(&document, &options)
        .iter()
        .map(|text| visible(text))
        .filter(|text| !text.is_empty())
        .collect();
    // Poppler puts punctuation on the wrong side of a word that runs from right to left if it keeps the order of drawing.
    let sorted = |text: &str| {
        let mut chars: Vec<char> = text.chars().collect();
        chars.sort_unstable();
        chars
    };
    // One Latin passage has a word that a control character turns round.
    let is_right_to_left = |text: &str| {
        text.contains(|c| matches!(c, '\u{590}'..='\u{6FF}')) || text.starts_with("bidioverride")
    };
    for passage in &wanted {
        let (found, after) =
            rest.split_at_checked(passage.len()).unwrap_or_else(|| panic!("{passage}: {rest}"));
        let same = match is_right_to_left(passage) {
            true => sorted(found) == sorted(passage),
            false => found == passage,
        };
        assert!(same, "wanted: {passage:.200}\nfound: {found:.200}");
        rest = after;
    }
    assert!(rest.starts_with("Charactersthatnofontherehas:"), "{rest:.200}");
    assert!(wanted.len() > 80);
}

/// The text of the file as a person reads it, in lines.
fn lines(pdf: &Pdf) -> Vec<String> {
    let text = poppler("pdftotext", &["-layout", "-nopgbrk"], &pdf.bytes);
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// The drawing operations of a page, as text.
fn operations(pdf: &Pdf, page: u32) -> String {
    let file = lopdf::Document::load_mem(&pdf.bytes).unwrap();
    let id = file.get_pages()[&page];
    String::from_utf8_lossy(&file.get_page_content(id)).into_owned()
}

/// The links of the file: the page that each is on, and the page or address that it leads to.
fn links(pdf: &Pdf) -> Vec<(usize, String)> {
    let file = lopdf::Document::load_mem(&pdf.bytes).unwrap();
    let pages: Vec<lopdf::ObjectId> = file.get_pages().into_values().collect();
    let mut found = Vec::new();
    for (index, page) in pages.iter().enumerate() {
        let annotations = file.get_dictionary(*page).unwrap().get(b"Annots").unwrap().as_array().unwrap();
        for annotation in annotations {
            let action = annotation.as_dict().unwrap().get(b"A").unwrap().as_dict().unwrap();
            let to = match action.get(b"URI") {
                Ok(address) => String::from_utf8(address.as_str().unwrap().to_vec()).unwrap(),
                Err(_) => {
                    let target = action.get(b"D").unwrap().as_array().unwrap()[0].as_reference().unwrap();
                    (pages.iter().position(|id| *id == target).unwrap() + 1).to_string()
                }
            };
            found.push((index + 1, to));
        }
    }
    found
}

/// An hour with two speakers, in segments of 20 s.
fn hour() -> Document {
    let mut document = torture();
    document.title = "Steering group".to_owned();
    document.speakers.truncate(2);
    document.segments.truncate(1);
    let first = document.segments.remove(0);
    for index in 0..180_u32 {
        let mut segment = first.clone();
        let start = AudioTime::from_ms(index * 20_000);
        segment.segment.span = transcript::Span::new(start, start.plus_ms(19_000));
        segment.segment.text =
            format!("Sentence number {index} of the meeting, which fills more than a line of the page.");
        segment.segment.words = Vec::new();
        segment.segment.doubt = None;
        segment.speaker = Some((index / 4 % 2) as usize);
        document.segments.push(segment);
    }
    document
}

#[test]
fn contents_lead_to_the_pages_that_they_name() {
    let pdf = export(&hour(), &ExportOptions::default());
    let lines = lines(&pdf);
    let at = lines.iter().position(|line| line == "Contents").unwrap();
    let entries: Vec<(&str, &str)> = lines[at + 1..]
        .iter()
        .filter(|line| !line.is_empty())
        .map_while(|line| line.rsplit_once(' '))
        .take(10)
        .collect();
    let titles: Vec<&str> = entries.iter().map(|entry| entry.0).collect();
    let names = "Anna, Dr. Ben O'Neill-Ruiz";
    assert_eq!(
        titles[..5],
        ["Speakers", "Note", "Transcript", &format!("0:00:00 {names}"), "0:10:20 Dr. Ben O'Neill-Ruiz, Anna"]
    );
    assert_eq!(titles[9], "Receipt");
    let links = links(&pdf);
    let jumps: Vec<&str> = links.iter().map(|(_, to)| to.as_str()).filter(|to| !to.contains(':')).collect();
    let pages: Vec<&str> = entries.iter().map(|entry| entry.1).collect();
    assert_eq!(jumps.iter().rev().copied().collect::<Vec<_>>(), pages);
    // Each section stands on the page that the contents name.
    for (title, page) in &entries[3..9] {
        let time = title.split(' ').next().unwrap();
        let page: usize = page.parse().unwrap();
        let words = &words_by_page(&pdf)[page - 1];
        assert!(
            words.iter().any(|word| word.text == time && word.left > 110.0),
            "{time} is not on page {page}"
        );
    }
    let short = export(&torture(), &ExportOptions::default());
    assert!(!self::lines(&short).contains(&"Contents".to_owned()), "one section needs no contents");
    let without = ExportOptions { contents: false, ..ExportOptions::default() };
    assert!(!self::lines(&export(&hour(), &without)).contains(&"Contents".to_owned()));
}

#[test]
fn the_table_shows_every_speaker_with_figures_and_colour() {
    let document = torture();
    let pdf = export(&document, &ExportOptions::default());
    let text = drawn_text(&pdf);
    assert!(
        text.contains("Speakers Speaker Share Speaking time Turns Words Anna 50 % 0:01:00 12 100 Dr. Ben"),
        "{text:.800}"
    );
    let operations = operations(&pdf, 1);
    let fills: HashSet<&str> = operations.lines().filter(|line| line.ends_with(" rg")).collect();
    for number in 1..=12 {
        let share = |value: u8| (f32::from(value) * 1000.0 / 255.0).round() / 1000.0;
        let wanted = crate::colours::light_rgb(number).map(|value| share(value).to_string()).join(" ");
        assert!(fills.contains(format!("{wanted} rg").as_str()), "{wanted}: {fills:?}");
    }
    let without = ExportOptions { statistics: false, ..ExportOptions::default() };
    let text = drawn_text(&export(&document, &without));
    assert!(!text.contains("Speaking time") && text.contains("Speakers Anna, Dr. Ben"), "{text:.800}");
}

#[test]
fn the_note_is_set_as_its_markdown_says() {
    let pdf = export(&torture(), &ExportOptions::default());
    let text = drawn_text(&pdf);
    assert!(
        text.contains(
            "Note Decisions • Budget approved, see the plan • =1+1 Setext # not a heading \
             <script>alert(3)</script> --> end "
        ),
        "{text:.1500}"
    );
    assert!(links(&pdf).contains(&(1, "https://example.org/plan".to_owned())), "{:?}", links(&pdf));
    let without = ExportOptions { note: false, ..ExportOptions::default() };
    assert!(!drawn_text(&export(&torture(), &without)).contains("Decisions"));
}

#[test]
fn doubtful_words_have_a_background_and_a_legend() {
    let background = "1 0.941 0.722 rg";
    let mut document = hour();
    document.segments[2].segment.doubt = Some(DoubtReason::Invented);
    let options = ExportOptions { contents: false, note: false, ..ExportOptions::default() };
    let pdf = export(&document, &options);
    let text = drawn_text(&pdf);
    assert!(text.contains("Marked words are doubtful: listen before you quote them."));
    assert!(text.contains("more than a line of the page. [probably not said]"), "{text:.1500}");
    // The legend, and two lines of the segment.
    assert_eq!(operations(&pdf, 1).matches(background).count(), 3);
    let without = export(&document, &ExportOptions { doubts: false, ..options });
    assert!(!operations(&without, 1).contains(background));
    assert!(!drawn_text(&without).contains("Marked words"));
}

#[test]
fn times_and_confidence_are_shown_as_the_options_say() {
    let document = torture();
    let text = |times, confidence| {
        drawn_text(&export(&document, &ExportOptions { times, confidence, ..ExportOptions::default() }))
    };
    let first = "AT&T and R&D cost <int>";
    assert!(text(Times::Segment, false).contains(&format!("0:00:00 {first}")));
    assert!(text(Times::Paragraph, false).contains(&format!("0:00:00 {first}")));
    let none = text(Times::None, false);
    assert!(none.contains(&format!("Anna {first}")) && !none.contains("0:00:14"), "{none}");
    let word = text(Times::Word, true);
    assert!(word.contains("0:00:00 0:00:00 AT&T 0:00:00 and 0:00:00 R&D"), "{word}");
    assert!(word.contains("too. [67 %]"), "{word}");
}

#[test]
fn line_numbers_begin_anew_on_each_page() {
    let options =
        ExportOptions { line_numbers: true, contents: false, note: false, ..ExportOptions::default() };
    let pdf = export(&hour(), &options);
    let pages = words_by_page(&pdf);
    assert!(pages.len() > 5);
    for (index, page) in pages[..pages.len() - 1].iter().enumerate() {
        let mut numbers: Vec<&WordBox> = page.iter().filter(|word| word.right < 50.0).collect();
        numbers.sort_by(|a, b| a.top.total_cmp(&b.top));
        let numbers: Vec<usize> = numbers.iter().map(|word| word.text.parse().unwrap()).collect();
        assert!(numbers.len() > 10, "page {}", index + 1);
        assert_eq!(numbers, (1..=numbers.len()).collect::<Vec<_>>());
    }
}

#[test]
fn the_watermark_is_on_every_page_behind_the_text() {
    let options =
        ExportOptions { watermark: Some("Entwurf\nZoë שלום".to_owned()), ..ExportOptions::default() };
    let pdf = export(&hour(), &options);
    let pages = words_by_page(&pdf).len();
    let copied = poppler("pdftotext", &["-raw"], &pdf.bytes);
    assert_eq!(copied.matches("Entwurf").count(), pages);
    let operations = operations(&pdf, 2);
    let (mark, text) = (operations.find("0.925 g").unwrap(), operations.find("0.078 g").unwrap());
    assert!(mark < text);
    let blank = ExportOptions { watermark: Some(" \n".to_owned()), ..ExportOptions::default() };
    assert!(export(&hour(), &blank) == export(&hour(), &ExportOptions::default()));
}

/// A PNG of 60 × 20 pixels with transparency.
fn png_logo() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 60, 20);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().unwrap();
    let pixels: Vec<u8> = (0..60 * 20_u32).flat_map(|at| [30, 90, 180, (at % 256) as u8]).collect();
    writer.write_image_data(&pixels).unwrap();
    writer.finish().unwrap();
    bytes
}

#[test]
fn the_logo_stands_above_the_title() {
    let logo = png_logo();
    let with_logo = |logo: &[u8], options: &ExportOptions| {
        let resources = Resources { logo: Some(logo), ..resources() };
        pdf(&FormattedTranscript::new(&hour(), options), &FONTS, &resources)
    };
    let pdf = with_logo(&logo, &ExportOptions::default()).unwrap();
    let images = poppler("pdfimages", &["-list"], &pdf.bytes);
    let rows: Vec<Vec<&str>> = images.lines().skip(2).map(|row| row.split_whitespace().collect()).collect();
    assert_eq!(rows.len(), 2, "{images}");
    assert_eq!(rows[0][..6], ["1", "0", "image", "60", "20", "rgb"]);
    assert_eq!(rows[1][2], "smask");
    let title = words_by_page(&pdf)[0].iter().find(|word| word.text == "Steering").unwrap().top;
    assert!(title > 78.0 + 37.0, "below a logo of 113 × 38 points: {title}");
    let off = with_logo(&logo, &ExportOptions { logo: false, ..ExportOptions::default() }).unwrap();
    assert!(off == export(&hour(), &ExportOptions::default()));
    let error = with_logo(&logo[..logo.len() / 2], &ExportOptions::default()).unwrap_err();
    assert!(matches!(error, ExportError::LogoDamaged { .. }), "{error}");
}

#[test]
fn every_option_changes_the_file_and_equal_input_gives_equal_bytes() {
    let document = torture();
    let base = ExportOptions::default();
    let default = export(&document, &base);
    for options in [
        ExportOptions { speakers: false, ..base.clone() },
        ExportOptions { times: Times::Paragraph, ..base.clone() },
        ExportOptions { confidence: true, ..base.clone() },
        ExportOptions { doubts: false, ..base.clone() },
        ExportOptions { note: false, ..base.clone() },
        ExportOptions { statistics: false, ..base.clone() },
        ExportOptions { language: LabelLanguage::German, ..base.clone() },
        ExportOptions { paper: Paper::Letter, ..base.clone() },
        ExportOptions { line_numbers: true, ..base.clone() },
        ExportOptions { watermark: Some("Entwurf".to_owned()), ..base.clone() },
    ] {
        assert!(export(&document, &options) != default, "{options:?}");
    }
    assert!(export(&document, &base) == default);
    assert!(export(&document, &ExportOptions { audio: true, ..base }) == default);
}

#[test]
fn qpdf_finds_no_fault_in_ten_hours_with_everything() {
    let logo = png_logo();
    let options = ExportOptions {
        line_numbers: true,
        watermark: Some("Entwurf".to_owned()),
        confidence: true,
        ..ExportOptions::default()
    };
    let resources = Resources { logo: Some(&logo), ..resources() };
    let mut document = torture_ten_hours();
    document.segments.truncate(3_000);
    let pdf = pdf(&FormattedTranscript::new(&document, &options), &FONTS, &resources).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.pdf");
    fs::write(&path, &pdf.bytes).unwrap();
    let output = testing::program("qpdf").arg("--check").arg(&path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn rendering_reports_progress_and_stops_when_told() {
    let transcript = FormattedTranscript::new(&hour(), &ExportOptions::default());
    let stop = Resources { progress: &|_| false, ..resources() };
    assert!(matches!(pdf(&transcript, &FONTS, &stop), Err(ExportError::Cancelled)));
}
