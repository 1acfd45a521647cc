#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::format::read_receipt;
use crate::options::LabelLanguage;
use crate::testing::{resources, torture, torture_summary, torture_ten_hours};
use crate::{Metadata, Segment, Speaker};
use proptest::prelude::*;
use transcript::Span;

fn html(document: &Document, options: &ExportOptions) -> String {
    String::from_utf8(FORMAT.render(document, options, &resources()).unwrap().bytes).unwrap()
}

/// The page as html5ever reads it.
fn parsed(html: &str) -> dom_query::Document {
    dom_query::Document::from(html)
}

fn texts(page: &dom_query::Document, selector: &str) -> Vec<String> {
    page.select(selector).iter().map(|found| found.text().to_string()).collect()
}

/// Fails if the page has a script, a handler or an address that is not ours.
fn assert_safe(html: &str) {
    let page = parsed(html);
    assert_eq!(page.select("script").length(), 1);
    assert_eq!(page.select("style").length(), 1);
    assert_eq!(page.select("script").text().as_ref(), SCRIPT);
    for node in page.select("*").nodes() {
        let name = node.node_name().unwrap().to_string();
        let known = [
            "html",
            "head",
            "meta",
            "title",
            "style",
            "body",
            "header",
            "img",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "dl",
            "div",
            "dt",
            "dd",
            "form",
            "input",
            "output",
            "button",
            "nav",
            "ul",
            "ol",
            "li",
            "a",
            "section",
            "table",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
            "bdi",
            "svg",
            "rect",
            "main",
            "p",
            "span",
            "small",
            "mark",
            "footer",
            "details",
            "summary",
            "aside",
            "audio",
            "label",
            "script",
            "data",
            "strong",
            "em",
            "code",
            "pre",
            "blockquote",
            "hr",
            "br",
        ];
        assert!(known.contains(&name.as_str()), "<{name}>");
        for attribute in node.attrs() {
            let (key, value) = (attribute.name.local.to_string(), attribute.value.to_string());
            assert!(!key.starts_with("on") && key != "style", "{name} {key}");
            if matches!(key.as_str(), "href" | "src" | "action" | "srcset" | "poster" | "data" | "ping") {
                let link = name == "a"
                    && ["http://", "https://", "mailto:"]
                        .iter()
                        .any(|scheme| value.to_ascii_lowercase().starts_with(scheme));
                let data = matches!(name.as_str(), "img" | "audio") && value.starts_with("data:");
                assert!(value.starts_with('#') || link || data, "{name} {key}={value}");
            }
        }
    }
    let policy = page.select("meta[http-equiv]").attr("content").unwrap().to_string();
    for source in ["script", "style"] {
        let expected = format!("{source}-src 'sha256-{}'", hash(&page.select(source).text()));
        assert!(policy.contains(&expected), "{policy}");
    }
    assert!(policy.starts_with("default-src 'none'; "));
}

/// The text of each line, with the times of its words if they are shown.
fn expected_lines(document: &Document, options: &ExportOptions) -> Vec<String> {
    let transcript = FormattedTranscript::new(document, options);
    let segments: Vec<_> = transcript.visible_paragraphs().flat_map(|paragraph| paragraph.segments).collect();
    let text = |segment: &&ParagraphSegment| {
        let time = |time: Option<AudioTime>| time.map_or(String::new(), |time| format!("{time}\u{A0}"));
        let words: String = segment.runs().iter().map(|run| time(run.time) + &run.text).collect();
        let also = segment.also.as_ref().map_or(String::new(), |also| format!(" {also}"));
        let confidence =
            segment.confidence.map_or(String::new(), |value| format!(" [{:.0}\u{A0}%]", value * 100.0));
        printable(&format!("{words}{also}{confidence}")).into_owned()
    };
    segments.iter().map(text).collect()
}

#[test]
fn an_independent_parser_finds_the_whole_transcript_in_order() {
    let document = torture();
    for (times, confidence) in
        [(Times::None, false), (Times::Paragraph, true), (Times::Segment, false), (Times::Word, true)]
    {
        let options = ExportOptions { times, confidence, ..ExportOptions::default() };
        let html = html(&document, &options);
        assert_safe(&html);
        let page = parsed(&html);
        let words = texts(&page, ".word small").len();
        assert_eq!(words > 100, times == Times::Word);
        assert_eq!(texts(&page, "main .line"), expected_lines(&document, &options), "{times:?}");
        let transcript = FormattedTranscript::new(&document, &options);
        let names: Vec<String> =
            transcript.visible_paragraphs().filter_map(|paragraph| paragraph.speaker).collect();
        assert_eq!(texts(&page, "main .speaker"), names);
        let starts: Vec<String> = match times {
            Times::None => Vec::new(),
            Times::Paragraph => {
                transcript.visible_paragraphs().map(|paragraph| paragraph.start.to_string()).collect()
            }
            Times::Segment | Times::Word => transcript
                .visible_paragraphs()
                .flat_map(|paragraph| paragraph.segments)
                .map(|segment| segment.start.to_string())
                .collect(),
        };
        assert_eq!(texts(&page, "main .time"), starts);
    }
}

#[test]
fn the_times_of_a_summary_lead_to_the_lines_of_its_sources() {
    let document = Document { summary: Some(torture_summary()), ..torture() };
    let html = html(&document, &ExportOptions::default());
    assert_safe(&html);
    let page = parsed(&html);
    let summary = document.summary.as_ref().unwrap();
    let titles: Vec<String> =
        summary.sections.iter().map(|section| printable(&single_line(&section.title)).into_owned()).collect();
    assert_eq!(texts(&page, "#summary h3"), titles);
    let statements: Vec<_> = summary.sections.iter().flat_map(|section| &section.statements).collect();
    let read = texts(&page, "#summary .lines");
    assert_eq!(read.len(), statements.len());
    for (read, statement) in read.iter().zip(&statements) {
        assert!(read.starts_with(printable(&single_line(&statement.text)).as_ref()), "{read}");
    }
    let sources: Vec<_> = statements.iter().flat_map(|statement| &statement.sources).collect();
    let links: Vec<String> =
        page.select("#summary .time").iter().map(|link| link.attr("href").unwrap().to_string()).collect();
    assert_eq!(links.len(), sources.len());
    for (link, source) in links.iter().zip(sources) {
        let line = page.select(&format!("main [id=\"{}\"]", &link[1..]));
        let start: u32 = line.attr("data-start").unwrap().parse().unwrap();
        assert!(
            start <= source.start.as_ms() && source.start.as_ms() < start + 10 * 2_400,
            "{link}: {start}"
        );
    }
    let without = ExportOptions { summary: false, ..ExportOptions::default() };
    assert!(parsed(&self::html(&document, &without)).select("#summary").is_empty());
}

#[test]
fn a_page_has_its_title_facts_figures_note_and_receipt() {
    let document = torture();
    let options = ExportOptions::default();
    let html = html(&document, &options);
    let page = parsed(&html);
    assert_eq!(texts(&page, "h1, title"), [document.title.clone(), document.title.clone()]);
    assert_eq!(texts(&page, "header dt")[..2], ["File", "Recorded"]);
    assert_eq!(texts(&page, "header dd")[0], document.metadata.file_name);
    assert_eq!(texts(&page, "#speakers tbody tr").len(), 12);
    assert_eq!(texts(&page, "#speakers tbody tr:first-child td"), ["50\u{A0}% ", "0:01:00", "12", "100"]);
    assert_eq!(page.select("#speakers rect").attr("width").unwrap().as_ref(), "50.0");
    assert_eq!(
        texts(&page, "#note h3, #note strong, #note code"),
        ["Decisions", "Budget", "=1+1", "Setext", "# not a heading\n"]
    );
    assert_eq!(page.select("#note a").attr("href").unwrap().as_ref(), "https://example.org/plan");
    assert!(page.select("#note").text().contains("<script>alert(3)</script> --> end"));
    assert!(page.select("main").text().contains("[x](javascript:alert(1))"));
    let doubts = texts(&page, "main mark");
    assert!(
        doubts.len() > 10 && page.select(".line mark[title=\"probably not said\"]").length() > 0,
        "{doubts:?}"
    );
    assert_eq!(page.select("html").attr("lang").unwrap().as_ref(), "en");
    assert_eq!(page.select("p.block:not([dir=auto])").length(), 0);

    let found = read_receipt(html.as_bytes()).unwrap();
    assert_eq!((found.intact, &found.receipt), (true, &crate::Receipt::of(&document, &options)));
    assert!(!read_receipt(html.replace("Anna", "Anne").as_bytes()).unwrap().intact);
    assert!(texts(&page, "#receipt dd").contains(&document.source.version_id));
}

#[test]
fn options_change_what_they_name_and_nothing_else() {
    let document = torture();
    let base = ExportOptions::default();
    let default = html(&document, &base);
    let page = |options: &ExportOptions| parsed(&html(&document, options));
    assert_eq!(
        page(&ExportOptions { speakers: false, ..base.clone() }).select(".speaker, #speakers").length(),
        0
    );
    assert_eq!(page(&ExportOptions { statistics: false, ..base.clone() }).select("#speakers").length(), 0);
    assert_eq!(page(&ExportOptions { doubts: false, ..base.clone() }).select("mark").length(), 0);
    assert_eq!(page(&ExportOptions { note: false, ..base.clone() }).select("#note").length(), 0);
    let german = page(&ExportOptions { language: LabelLanguage::German, ..base.clone() });
    assert_eq!(german.select("html").attr("lang").unwrap().as_ref(), "de");
    assert_eq!(german.select("main").attr("lang").unwrap().as_ref(), "en");
    let other = ExportOptions {
        paper: crate::Paper::Letter,
        line_numbers: true,
        watermark: Some("Draft".to_owned()),
        ..base.clone()
    };
    assert_eq!(html(&document, &other), default, "these options belong to other formats");
}

#[test]
fn ten_hours_have_contents_whose_links_lead_somewhere() {
    let document = torture_ten_hours();
    let page = parsed(&html(&document, &ExportOptions::default()));
    let links = page.select("nav a");
    assert_eq!(links.length(), 4 + 60);
    for link in links.iter().chain(page.select(".time").iter().take(200)) {
        let target = link.attr("href").unwrap();
        assert_eq!(page.select(&target).length(), 1, "{target}");
    }
    let without = html(&document, &ExportOptions { contents: false, ..ExportOptions::default() });
    assert_eq!(parsed(&without).select("nav").length(), 0);
}

#[test]
fn the_sound_is_embedded_only_if_asked_for() {
    let audio = Some(Audio { media_type: "audio/mp4", bytes: b"\x00\x01sound" });
    let render = |audio_option, audio| {
        let options = ExportOptions { audio: audio_option, ..ExportOptions::default() };
        let rendered = FORMAT.render(&torture(), &options, &Resources { audio, ..resources() }).unwrap();
        String::from_utf8(rendered.bytes).unwrap()
    };
    let with = render(true, audio);
    assert_safe(&with);
    let page = parsed(&with);
    assert_eq!(page.select("audio").attr("src").unwrap().as_ref(), "data:audio/mp4;base64,AAFzb3VuZA==");
    assert_eq!(page.select("input[type=file], aside[hidden]").length(), 0);
    assert!(read_receipt(with.as_bytes()).unwrap().intact);
    for without in [render(false, audio), render(true, None)] {
        let page = parsed(&without);
        assert_eq!(page.select("audio[src]").length(), 0);
        assert_eq!(texts(&page, "aside[hidden] label"), ["Choose the recording…"]);
    }
}

#[test]
fn an_empty_meeting_says_that_it_has_no_words() {
    let html = html(&Document::default(), &ExportOptions::default());
    assert_safe(&html);
    assert_eq!(texts(&parsed(&html), "main p"), ["This transcript contains no words."]);
}

fn shows_as_itself(text: &str, note: &str) -> Result<(), TestCaseError> {
    let span = Span::new(AudioTime::ZERO, AudioTime::from_ms(900));
    let segment = transcript::Segment { span, text: text.to_owned(), words: Vec::new(), doubt: None };
    let document = Document {
        title: format!("x{text}"),
        metadata: Metadata {
            file_name: format!("y{text}"),
            language_tag: Some(text.to_owned()),
            ..Metadata::default()
        },
        speakers: vec![Speaker { name: format!("z{text}"), ..Speaker::default() }],
        segments: vec![Segment { segment, speaker: Some(0), also: Vec::new() }],
        note: Some(note.to_owned()),
        ..Document::default()
    };
    let options = ExportOptions::default();
    let html = html(&document, &options);
    assert_safe(&html);
    let page = parsed(&html);
    let line = |first: &str| printable(&single_line(&format!("{first}{text}"))).into_owned();
    prop_assert_eq!(texts(&page, "h1"), [line("x")]);
    prop_assert_eq!(&texts(&page, "header dd")[0], &line("y"));
    prop_assert_eq!(texts(&page, "#speakers bdi"), [line("z")]);
    prop_assert_eq!(texts(&page, "main .line"), expected_lines(&document, &options));
    prop_assert!(read_receipt(html.as_bytes()).unwrap().intact);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_text_shows_as_itself(text: String, note: String) {
        shows_as_itself(&text, &note)?;
    }

    #[test]
    fn any_mixture_of_markup_shows_as_itself(
        text in r#"(</?(script|style|title|main|p|textarea|svg|!--)?|[&<>"'=/a;#x0\n -]|-->|javascript:|&(lt|#60);?){0,12}"#,
        note in r#"(</?(script|style|svg|img src=x onerror=y|!--)?>?|[\[\]()!<>`*"' \n#-]|\]\((javascript|data|https|JAVASCRIPT)?:/?/?x\)|!\[a|\[a){0,14}"#
    ) {
        shows_as_itself(&text, &note)?;
    }
}
