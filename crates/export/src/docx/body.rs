//! The parts that hold the content: the document, its comments and the numbering of its lists.

use super::note::push_note;
use super::page::{push_section, text_width};
use super::text::{Look, is_rtl, push_runs, run};
use super::xml::Xml;
use super::{AUTHOR, LOGO, MAIN, RELATIONSHIPS, timestamp};
use crate::characters::separator;
use crate::colours::{LIGHT, colour_of};
use crate::error::ExportError;
use crate::format::Resources;
use crate::logo::Logo;
use crate::marks::percent;
use crate::options::Times;
use crate::paragraphs::{FormattedTranscript, ParagraphSegment, RunDoubt, VisibleParagraph, single_line};
use crate::sections::{Section, has_doubts, sections};
use crate::summary::Summary;
use transcript::AudioTime;

/// Space between two pieces of text that do not belong to different lines: U+00A0.
const FIXED_SPACE: &str = "\u{A0}";

/// Paragraphs between two reports of progress.
const PARAGRAPHS_PER_REPORT: usize = 64;

/// Writes the document and, beside it, what it refers to.
pub(super) struct Body<'a> {
    pub(super) xml: Xml,
    comments: Xml,
    transcript: &'a FormattedTranscript,
    comment_count: usize,
    bookmark_count: usize,
    /// The first number of each numbered list, with the depth of the list.
    numbered_lists: Vec<(u64, usize)>,
}

/// The written parts.
pub(super) struct Written {
    pub(super) document: Vec<u8>,
    pub(super) comments: Vec<u8>,
    pub(super) numbering: Vec<u8>,
}

/// A paragraph's properties.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ParagraphProperties<'a> {
    /// Id of a paragraph style.
    pub(super) style: &'a str,
    /// Whether it is written from right to left.
    pub(super) rtl: bool,
    /// Id of a list, and depth.
    pub(super) list: Option<(usize, usize)>,
    /// Indentation in twentieths of a point.
    pub(super) indent: Option<usize>,
    /// Whether it stands at the end of the line.
    pub(super) at_end: bool,
}

/// A heading of the document: its style, bookmark and text.
struct Heading {
    style: &'static str,
    bookmark: String,
    text: String,
}

impl<'a> Body<'a> {
    /// The parts for `transcript`.
    pub(super) fn write(
        transcript: &'a FormattedTranscript,
        logo: Option<&Logo<'_>>,
        resources: &Resources<'_>,
    ) -> Result<Written, ExportError> {
        let namespaces = [
            ("xmlns:w", MAIN),
            ("xmlns:r", RELATIONSHIPS),
            ("xmlns:wp", "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"),
            ("xmlns:a", "http://schemas.openxmlformats.org/drawingml/2006/main"),
            ("xmlns:pic", "http://schemas.openxmlformats.org/drawingml/2006/picture"),
        ];
        let mut body = Self {
            xml: Xml::new("w:document", &namespaces),
            comments: Xml::new("w:comments", &[("xmlns:w", MAIN)]),
            transcript,
            comment_count: 0,
            bookmark_count: 0,
            numbered_lists: Vec::new(),
        };
        body.xml.open("w:body", &[]);
        body.content(logo, resources)?;
        push_section(&mut body.xml, &transcript.options);
        body.xml.close("w:body");
        Ok(Written {
            document: body.xml.finish("w:document"),
            comments: body.comments.finish("w:comments"),
            numbering: numbering(&body.numbered_lists),
        })
    }

    fn content(&mut self, logo: Option<&Logo<'_>>, resources: &Resources<'_>) -> Result<(), ExportError> {
        let (transcript, labels) = (self.transcript, self.transcript.labels());
        let options = &transcript.options;
        let sections = sections(transcript);
        let title = transcript.heading();
        if let Some(logo) = logo {
            self.logo(logo, &title);
        }
        self.paragraph("Title", &title);
        self.facts(&transcript.metadata_rows(&title));

        let main = |bookmark: &str, text: &str| Heading {
            style: "Heading1",
            bookmark: format!("_Toc_{bookmark}"),
            text: text.to_owned(),
        };
        let speakers = (options.statistics && !transcript.speakers.is_empty())
            .then(|| main("speakers", &labels.speakers));
        let note = transcript.note.as_deref().map(|text| (main("note", &labels.note), text));
        let summary = transcript.summary.as_ref().map(|summary| (main("summary", &labels.summary), summary));
        let words = main("transcript", &labels.transcript);
        let receipt = main("receipt", &labels.receipt);
        let times: Vec<Heading> = match sections.as_slice() {
            [] | [_] => Vec::new(),
            many => many.iter().enumerate().map(section_heading).collect(),
        };
        if options.contents && !times.is_empty() {
            let before = speakers.iter().chain(note.iter().map(|(heading, _)| heading));
            let before = before.chain(summary.iter().map(|(heading, _)| heading));
            let entries: Vec<&Heading> = before.chain([&words]).chain(&times).chain([&receipt]).collect();
            self.contents(&entries);
        }
        if let Some(heading) = speakers {
            self.heading(&heading);
            self.speakers();
        }
        if let Some((heading, text)) = note {
            self.heading(&heading);
            push_note(self, text);
        }
        if let Some((heading, summary)) = summary {
            self.heading(&heading);
            self.summary(summary);
        }
        self.heading(&words);
        if sections.is_empty() {
            self.paragraph("Normal", &labels.no_words);
        }
        if has_doubts(&sections) {
            self.paragraph("Caption", &labels.doubt_legend);
        }
        let total = sections.iter().map(|section| section.paragraphs.len()).sum();
        let mut done = 0;
        for (index, section) in sections.iter().enumerate() {
            if let Some(heading) = times.get(index) {
                self.heading(heading);
            }
            for paragraph in &section.paragraphs {
                if done % PARAGRAPHS_PER_REPORT == 0 {
                    resources.report(done, total)?;
                }
                done += 1;
                self.spoken(paragraph);
            }
        }
        self.heading(&receipt);
        self.facts(&transcript.receipt_rows());
        self.paragraph("Caption", &labels.verify);
        Ok(())
    }

    /// A paragraph of this style.
    fn paragraph(&mut self, style: &str, text: &str) {
        let rtl = is_rtl(text);
        self.open_paragraph(ParagraphProperties { style, rtl, ..ParagraphProperties::default() });
        push_runs(&mut self.xml, text, Look::default(), rtl);
        self.xml.close("w:p");
    }

    /// Begins a paragraph. The order of the properties is that of CT_PPr in ECMA-376.
    pub(super) fn open_paragraph(&mut self, properties: ParagraphProperties<'_>) {
        let xml = &mut self.xml;
        xml.open("w:p", &[]);
        xml.open("w:pPr", &[]);
        xml.value("w:pStyle", properties.style);
        if let Some((list, depth)) = properties.list {
            xml.open("w:numPr", &[]);
            xml.value("w:ilvl", &depth.to_string());
            xml.value("w:numId", &list.to_string());
            xml.close("w:numPr");
        }
        if properties.rtl {
            xml.empty("w:bidi", &[]);
        }
        if let Some(indent) = properties.indent {
            xml.empty("w:ind", &[("w:left", &indent.to_string())]);
        }
        if properties.at_end {
            xml.value("w:jc", "right");
        }
        xml.close("w:pPr");
    }

    fn heading(&mut self, heading: &Heading) {
        let rtl = is_rtl(&heading.text);
        self.open_paragraph(ParagraphProperties {
            style: heading.style,
            rtl,
            ..ParagraphProperties::default()
        });
        let id = self.bookmark_count.to_string();
        self.bookmark_count += 1;
        self.xml.empty("w:bookmarkStart", &[("w:id", &id), ("w:name", &heading.bookmark)]);
        push_runs(&mut self.xml, &heading.text, Look::default(), rtl);
        self.xml.empty("w:bookmarkEnd", &[("w:id", &id)]);
        self.xml.close("w:p");
    }

    /// The contents: a field that Word updates on request, with its entries as links. It has no page numbers, which only
    /// a program that sets pages knows.
    fn contents(&mut self, entries: &[&Heading]) {
        self.paragraph("ContentsHeading", &self.transcript.labels().contents);
        let field = |xml: &mut Xml, kind: &str| {
            run(xml, Look::default(), false, None, |xml| xml.empty("w:fldChar", &[("w:fldCharType", kind)]));
        };
        for (index, entry) in entries.iter().enumerate() {
            let style = if entry.style == "Heading1" { "TOC1" } else { "TOC2" };
            let rtl = is_rtl(&entry.text);
            self.open_paragraph(ParagraphProperties { style, rtl, ..ParagraphProperties::default() });
            if index == 0 {
                field(&mut self.xml, "begin");
                run(&mut self.xml, Look::default(), false, None, |xml| {
                    xml.text("w:instrText", &[("xml:space", "preserve")], " TOC \\o \"1-2\" \\n \\h ");
                });
                field(&mut self.xml, "separate");
            }
            self.xml.open("w:hyperlink", &[("w:anchor", &entry.bookmark), ("w:history", "1")]);
            push_runs(&mut self.xml, &entry.text, Look::default(), rtl);
            self.xml.close("w:hyperlink");
            if index + 1 == entries.len() {
                field(&mut self.xml, "end");
            }
            self.xml.close("w:p");
        }
    }

    /// Begins a table of this style with columns of these widths, in twentieths of a point.
    fn open_table(&mut self, style: &str, widths: &[u32], caption: &str) {
        let xml = &mut self.xml;
        xml.open("w:tbl", &[]);
        xml.open("w:tblPr", &[]);
        xml.value("w:tblStyle", style);
        xml.empty("w:tblW", &[("w:w", &widths.iter().sum::<u32>().to_string()), ("w:type", "dxa")]);
        xml.empty("w:tblLayout", &[("w:type", "fixed")]);
        let (look, first_row) = if style == "Figures" { ("0020", "1") } else { ("0000", "0") };
        xml.empty("w:tblLook", &[("w:val", look), ("w:firstRow", first_row), ("w:firstColumn", "0")]);
        xml.value("w:tblCaption", caption);
        xml.close("w:tblPr");
        xml.open("w:tblGrid", &[]);
        for width in widths {
            xml.empty("w:gridCol", &[("w:w", &width.to_string())]);
        }
        xml.close("w:tblGrid");
    }

    fn open_row(&mut self, is_header: bool) {
        self.xml.open("w:tr", &[]);
        self.xml.open("w:trPr", &[]);
        self.xml.empty("w:cantSplit", &[]);
        if is_header {
            self.xml.empty("w:tblHeader", &[]);
        }
        self.xml.close("w:trPr");
    }

    fn cell(&mut self, width: u32, text: &str, look: Look<'_>, at_end: bool) {
        self.xml.open("w:tc", &[]);
        self.xml.open("w:tcPr", &[]);
        self.xml.empty("w:tcW", &[("w:w", &width.to_string()), ("w:type", "dxa")]);
        self.xml.close("w:tcPr");
        let rtl = is_rtl(text);
        self.open_paragraph(ParagraphProperties {
            style: "TableText",
            rtl,
            at_end,
            ..ParagraphProperties::default()
        });
        push_runs(&mut self.xml, text, look, rtl);
        self.xml.close("w:p");
        self.xml.close("w:tc");
    }

    /// A table of labels and values.
    fn facts(&mut self, rows: &[(&str, String)]) {
        if rows.is_empty() {
            return;
        }
        let widths = [1_900, text_width(self.transcript.options.paper) - 1_900];
        self.open_table("Facts", &widths, &self.transcript.heading());
        for (label, value) in rows {
            self.open_row(false);
            self.cell(widths[0], label, Look { style: Some("Quiet"), ..Look::default() }, false);
            self.cell(widths[1], value, Look::default(), false);
            self.xml.close("w:tr");
        }
        self.xml.close("w:tbl");
    }

    /// The table of the speakers.
    fn speakers(&mut self) {
        const FIGURE: u32 = 1_500;
        let labels = self.transcript.labels();
        let name_width = text_width(self.transcript.options.paper) - 4 * FIGURE;
        self.open_table("Figures", &[name_width, FIGURE, FIGURE, FIGURE, FIGURE], &labels.speakers);
        self.open_row(true);
        self.cell(name_width, &labels.speaker, Look::default(), false);
        for label in [&labels.share, &labels.speaking_time, &labels.turns, &labels.words] {
            self.cell(FIGURE, label, Look::default(), true);
        }
        self.xml.close("w:tr");
        for speaker in &self.transcript.speakers {
            self.open_row(false);
            let look = Look { bold: true, colour: Some(LIGHT[colour_of(speaker.number)]), ..Look::default() };
            self.cell(name_width, &single_line(&speaker.name), look, false);
            for figure in [
                percent(speaker.share),
                AudioTime::from_ms(speaker.speech_ms).to_string(),
                speaker.turns.to_string(),
                speaker.words.to_string(),
            ] {
                self.cell(FIGURE, &figure, Look::default(), true);
            }
            self.xml.close("w:tr");
        }
        self.xml.close("w:tbl");
    }

    /// The summary: how it was made, and a paragraph for each statement, which begins with the time of its first source.
    fn summary(&mut self, summary: &Summary) {
        let labels = self.transcript.labels();
        if summary.sections.is_empty() {
            self.paragraph("Normal", &labels.no_summary);
            return;
        }
        self.paragraph("Caption", &summary.origin(labels));
        for section in &summary.sections {
            self.paragraph("Speaker", &single_line(&section.title));
            for statement in &section.statements {
                let text = single_line(&statement.text);
                let style = if statement.sources.is_empty() { "Speech" } else { "TimedSpeech" };
                let rtl = is_rtl(&text);
                self.open_paragraph(ParagraphProperties { style, rtl, ..ParagraphProperties::default() });
                let mut times = statement.sources.iter().map(|source| source.start.to_string());
                if let Some(time) = times.next() {
                    let look = Look { style: Some("Time"), ..Look::default() };
                    push_runs(&mut self.xml, &format!("{time}\t"), look, false);
                }
                push_runs(&mut self.xml, &text, Look::default(), rtl);
                let remarks = Some(statement.remarks(labels)).filter(|remarks| !remarks.is_empty());
                let beside: Vec<String> = times.chain(remarks).collect();
                if !beside.is_empty() {
                    let look = Look { style: Some("Quiet"), ..Look::default() };
                    push_runs(&mut self.xml, &format!(" ({})", single_line(&beside.join(" · "))), look, rtl);
                }
                self.xml.close("w:p");
            }
        }
    }

    /// A paragraph of the transcript: the name of its speaker, and its segments.
    fn spoken(&mut self, paragraph: &VisibleParagraph<'_>) {
        if let Some(name) = &paragraph.speaker {
            let speaker = paragraph.speaker_index.and_then(|index| self.transcript.speakers.get(index));
            let colour = speaker.map(|speaker| LIGHT[colour_of(speaker.number)]);
            let rtl = is_rtl(name);
            self.open_paragraph(ParagraphProperties {
                style: "Speaker",
                rtl,
                ..ParagraphProperties::default()
            });
            push_runs(&mut self.xml, name, Look { colour, ..Look::default() }, rtl);
            self.xml.close("w:p");
        }
        match self.transcript.options.times {
            Times::None => self.speech(None, &paragraph.segments),
            Times::Paragraph => self.speech(Some(paragraph.start), &paragraph.segments),
            Times::Segment | Times::Word => {
                for segment in &paragraph.segments {
                    self.speech(Some(segment.start), &[segment]);
                }
            }
        }
    }

    /// A paragraph of segments, which begins with a time.
    fn speech(&mut self, time: Option<AudioTime>, segments: &[&ParagraphSegment]) {
        let style = if time.is_some() { "TimedSpeech" } else { "Speech" };
        let rtl = segments.first().is_some_and(|segment| is_rtl(&segment.text));
        self.open_paragraph(ParagraphProperties { style, rtl, ..ParagraphProperties::default() });
        if let Some(time) = time {
            let look = Look { style: Some("Time"), ..Look::default() };
            push_runs(&mut self.xml, &format!("{time}\t"), look, false);
        }
        let mut before = None;
        for segment in segments {
            if let Some(before) = before {
                push_runs(&mut self.xml, separator(before, &segment.text), Look::default(), rtl);
            }
            self.segment(segment, rtl);
            before = Some(segment.text.as_str());
        }
        self.xml.close("w:p");
    }

    fn segment(&mut self, segment: &ParagraphSegment, rtl: bool) {
        let mut open: Option<(String, RunDoubt)> = None;
        for piece in segment.runs().iter() {
            if open.as_ref().map(|(_, doubt)| *doubt) != piece.doubt {
                self.end_comment(open.take());
                open = piece.doubt.map(|doubt| (self.begin_comment(segment.start, doubt), doubt));
            }
            if let Some(time) = piece.time {
                let look = Look { style: Some("WordTime"), ..Look::default() };
                push_runs(&mut self.xml, &format!("{time}{FIXED_SPACE}"), look, false);
            }
            let text = piece.text.trim_end();
            let style = piece.doubt.map(|_| "Doubtful");
            push_runs(&mut self.xml, text, Look { style, ..Look::default() }, rtl);
            push_runs(&mut self.xml, &piece.text[text.len()..], Look::default(), rtl);
        }
        self.end_comment(open);
        let quiet = Look { style: Some("Quiet"), ..Look::default() };
        if let Some(also) = &segment.also {
            push_runs(&mut self.xml, &format!(" {also}"), quiet, rtl);
        }
        if let Some(confidence) = segment.confidence {
            let text = format!(" [{}]", percent(f64::from(confidence)));
            push_runs(&mut self.xml, &text, quiet, rtl);
        }
    }

    /// Begins the passage of a comment, writes the comment, and returns its id.
    fn begin_comment(&mut self, time: AudioTime, doubt: RunDoubt) -> String {
        let id = self.comment_count.to_string();
        self.comment_count += 1;
        self.xml.empty("w:commentRangeStart", &[("w:id", &id)]);
        let date = timestamp(self.transcript);
        let text = format!("{time}: {}", doubt.label(&self.transcript.options));
        let comments = &mut self.comments;
        let attributes =
            [("w:id", id.as_str()), ("w:author", AUTHOR), ("w:date", &date), ("w:initials", "M")];
        comments.open("w:comment", &attributes);
        comments.open("w:p", &[]);
        comments.open("w:pPr", &[]);
        comments.value("w:pStyle", "CommentText");
        comments.close("w:pPr");
        run(comments, Look { style: Some("CommentReference"), ..Look::default() }, false, None, |xml| {
            xml.empty("w:annotationRef", &[]);
        });
        push_runs(comments, &text, Look::default(), false);
        comments.close("w:p");
        comments.close("w:comment");
        id
    }

    fn end_comment(&mut self, comment: Option<(String, RunDoubt)>) {
        let Some((id, _)) = comment else { return };
        self.xml.empty("w:commentRangeEnd", &[("w:id", &id)]);
        let look = Look { style: Some("CommentReference"), ..Look::default() };
        run(&mut self.xml, look, false, None, |xml| xml.empty("w:commentReference", &[("w:id", &id)]));
    }

    /// The id of a new list of `depth`, which counts from `first`, or has bullets.
    pub(super) fn new_list(&mut self, first: Option<u64>, depth: usize) -> usize {
        match first {
            None => BULLETS,
            Some(first) => {
                self.numbered_lists.push((first, depth));
                BULLETS + self.numbered_lists.len()
            }
        }
    }

    /// The logo, at most 4 cm wide and 2 cm high.
    fn logo(&mut self, logo: &Logo<'_>, title: &str) {
        // In English Metric Units, 360 000 to a centimetre.
        const WIDTH: f64 = 4.0 * 360_000.0;
        const HEIGHT: f64 = 2.0 * 360_000.0;
        let scale = (WIDTH / logo.width as f64).min(HEIGHT / logo.height as f64);
        let units = |pixels: usize| ((pixels as f64 * scale) as u64).max(1).to_string();
        let (width, height) = (units(logo.width), units(logo.height));
        self.open_paragraph(ParagraphProperties { style: "Normal", ..ParagraphProperties::default() });
        run(&mut self.xml, Look::default(), false, None, |xml| {
            xml.open("w:drawing", &[]);
            xml.open("wp:inline", &[("distT", "0"), ("distB", "0"), ("distL", "0"), ("distR", "0")]);
            xml.empty("wp:extent", &[("cx", &width), ("cy", &height)]);
            xml.empty("wp:docPr", &[("id", "1"), ("name", "Logo"), ("descr", title)]);
            xml.open("a:graphic", &[]);
            xml.open("a:graphicData", &[("uri", "http://schemas.openxmlformats.org/drawingml/2006/picture")]);
            xml.open("pic:pic", &[]);
            xml.open("pic:nvPicPr", &[]);
            xml.empty("pic:cNvPr", &[("id", "1"), ("name", "Logo")]);
            xml.empty("pic:cNvPicPr", &[]);
            xml.close("pic:nvPicPr");
            xml.open("pic:blipFill", &[]);
            xml.empty("a:blip", &[("r:embed", LOGO)]);
            xml.open("a:stretch", &[]);
            xml.empty("a:fillRect", &[]);
            xml.close("a:stretch");
            xml.close("pic:blipFill");
            xml.open("pic:spPr", &[]);
            xml.open("a:xfrm", &[]);
            xml.empty("a:off", &[("x", "0"), ("y", "0")]);
            xml.empty("a:ext", &[("cx", &width), ("cy", &height)]);
            xml.close("a:xfrm");
            xml.open("a:prstGeom", &[("prst", "rect")]);
            xml.empty("a:avLst", &[]);
            xml.close("a:prstGeom");
            xml.close("pic:spPr");
            xml.close("pic:pic");
            xml.close("a:graphicData");
            xml.close("a:graphic");
            xml.close("wp:inline");
            xml.close("w:drawing");
        });
        self.xml.close("w:p");
    }
}

fn section_heading((index, section): (usize, &Section<'_>)) -> Heading {
    Heading { style: "Heading2", bookmark: format!("_Toc_{index}"), text: section.start.to_string() }
}

/// The id of lists with bullets. Numbered lists have the ids above it.
const BULLETS: usize = 1;
/// Depths that Word knows.
pub(super) const MAX_DEPTH: usize = 9;
/// Indentation of a list, and of each depth more, in twentieths of a point.
pub(super) const LIST_INDENT: usize = 425;

/// The part with the lists: one kind with bullets and one with numbers, and the first number of each numbered list.
fn numbering(numbered_lists: &[(u64, usize)]) -> Vec<u8> {
    let mut xml = Xml::new("w:numbering", &[("xmlns:w", MAIN)]);
    for (kind, format) in [("0", "bullet"), ("1", "decimal")] {
        xml.open("w:abstractNum", &[("w:abstractNumId", kind)]);
        xml.value("w:multiLevelType", "hybridMultilevel");
        for depth in 0..MAX_DEPTH {
            xml.open("w:lvl", &[("w:ilvl", &depth.to_string())]);
            xml.value("w:start", "1");
            xml.value("w:numFmt", format);
            xml.value(
                "w:lvlText",
                &if format == "bullet" { "•".to_owned() } else { format!("%{}.", depth + 1) },
            );
            xml.value("w:lvlJc", "left");
            xml.open("w:pPr", &[]);
            let indent = (LIST_INDENT * (depth + 1)).to_string();
            xml.empty("w:ind", &[("w:left", &indent), ("w:hanging", &LIST_INDENT.to_string())]);
            xml.close("w:pPr");
            xml.close("w:lvl");
        }
        xml.close("w:abstractNum");
    }
    xml.open("w:num", &[("w:numId", &BULLETS.to_string())]);
    xml.value("w:abstractNumId", "0");
    xml.close("w:num");
    for (index, (first, depth)) in numbered_lists.iter().enumerate() {
        xml.open("w:num", &[("w:numId", &(BULLETS + 1 + index).to_string())]);
        xml.value("w:abstractNumId", "1");
        xml.open("w:lvlOverride", &[("w:ilvl", &depth.to_string())]);
        // Word counts with 16 bits.
        xml.value("w:startOverride", &(*first).min(32_767).to_string());
        xml.close("w:lvlOverride");
        xml.close("w:num");
    }
    xml.finish("w:numbering")
}
