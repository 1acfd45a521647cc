//! Headers, footers and paper.

use super::text::{Look, is_rtl, push_runs, run};
use super::xml::Xml;
use super::{FIRST_HEADER, FOOTER, MAIN, OTHER_HEADERS};
use crate::options::{ExportOptions, Paper};
use crate::paragraphs::{FormattedTranscript, is_blank, single_line};

/// Width and height of `paper` in twentieths of a point.
fn size(paper: Paper) -> (u32, u32) {
    match paper {
        Paper::A4 => (11_906, 16_838),
        Paper::Letter => (12_240, 15_840),
    }
}

/// About 2.3 cm.
const MARGIN: u32 = 1_304;

/// The width of the text in twentieths of a point.
pub(super) fn text_width(paper: Paper) -> u32 {
    size(paper).0 - 2 * MARGIN
}

/// Pushes the properties of the only section. The order is that of CT_SectPr in ECMA-376.
pub(super) fn push_section(xml: &mut Xml, options: &ExportOptions) {
    let (width, height) = size(options.paper);
    xml.open("w:sectPr", &[]);
    xml.empty("w:headerReference", &[("w:type", "first"), ("r:id", FIRST_HEADER)]);
    xml.empty("w:headerReference", &[("w:type", "default"), ("r:id", OTHER_HEADERS)]);
    xml.empty("w:footerReference", &[("w:type", "first"), ("r:id", FOOTER)]);
    xml.empty("w:footerReference", &[("w:type", "default"), ("r:id", FOOTER)]);
    xml.empty("w:pgSz", &[("w:w", &width.to_string()), ("w:h", &height.to_string())]);
    let margin = MARGIN.to_string();
    xml.empty(
        "w:pgMar",
        &[
            ("w:top", &margin),
            ("w:right", &margin),
            ("w:bottom", &margin),
            ("w:left", &margin),
            ("w:header", "624"),
            ("w:footer", "624"),
            ("w:gutter", "0"),
        ],
    );
    if options.line_numbers {
        xml.empty("w:lnNumType", &[("w:countBy", "1"), ("w:restart", "newPage")]);
    }
    xml.empty("w:titlePg", &[]);
    xml.close("w:sectPr");
}

/// The header of the `first` page, which has no text, or of the others, with the title. Both hold the watermark.
pub(super) fn header(transcript: &FormattedTranscript, first: bool) -> Vec<u8> {
    let mut xml = Xml::new(
        "w:hdr",
        &[
            ("xmlns:w", MAIN),
            ("xmlns:v", "urn:schemas-microsoft-com:vml"),
            ("xmlns:o", "urn:schemas-microsoft-com:office:office"),
        ],
    );
    let title = if first { String::new() } else { running_title(&transcript.heading()) };
    let rtl = is_rtl(&title);
    open_paragraph(&mut xml, "Header", rtl);
    push_runs(&mut xml, &title, Look::default(), rtl);
    let watermark = transcript.options.watermark.as_deref().map(single_line);
    if let Some(text) = watermark.filter(|text| !is_blank(text)) {
        run(&mut xml, Look::default(), false, None, |xml| push_watermark(xml, &text, first));
    }
    xml.close("w:p");
    xml.finish("w:hdr")
}

/// The title in at most one line.
fn running_title(title: &str) -> String {
    const MAX_CHARS: usize = 90;
    match title.chars().count() > MAX_CHARS {
        true => format!("{}…", title.chars().take(MAX_CHARS).collect::<String>().trim_end()),
        false => title.to_owned(),
    }
}

/// The footer: page n of m.
pub(super) fn footer(transcript: &FormattedTranscript) -> Vec<u8> {
    let mut xml = Xml::new("w:ftr", &[("xmlns:w", MAIN)]);
    open_paragraph(&mut xml, "Footer", false);
    for piece in transcript.labels().page.split_inclusive('}').flat_map(|piece| match piece.find('{') {
        Some(at) => [&piece[..at], &piece[at..]],
        None => [piece, ""],
    }) {
        let field = match piece {
            "{page}" => "PAGE",
            "{pages}" => "NUMPAGES",
            "" => continue,
            text => {
                push_runs(&mut xml, text, Look::default(), false);
                continue;
            }
        };
        xml.open("w:fldSimple", &[("w:instr", field)]);
        push_runs(&mut xml, "1", Look::default(), false);
        xml.close("w:fldSimple");
    }
    xml.close("w:p");
    xml.finish("w:ftr")
}

fn open_paragraph(xml: &mut Xml, style: &str, rtl: bool) {
    xml.open("w:p", &[]);
    xml.open("w:pPr", &[]);
    xml.value("w:pStyle", style);
    if rtl {
        xml.empty("w:bidi", &[]);
    }
    xml.close("w:pPr");
}

/// Pushes `text` as Word writes its own watermarks: VML text on a path, rising across the page, behind the text.
fn push_watermark(xml: &mut Xml, text: &str, first: bool) {
    // In points: as wide as the page allows, the letters about as wide as half their height.
    let natural_width = 0.55 * text.chars().count() as f32;
    let height = (430.0 / natural_width).clamp(20.0, 130.0);
    let width = (height * natural_width).min(430.0);
    let style = format!(
        "position:absolute;margin-left:0;margin-top:0;width:{width:.0}pt;height:{height:.0}pt;rotation:315;\
         z-index:-251658752;mso-position-horizontal:center;mso-position-horizontal-relative:margin;\
         mso-position-vertical:center;mso-position-vertical-relative:margin"
    );
    let (id, spid) = if first { ("Watermark1", "_x0000_s2049") } else { ("Watermark2", "_x0000_s2050") };
    xml.open("w:pict", &[]);
    xml.open(
        "v:shapetype",
        &[
            ("id", "_x0000_t136"),
            ("coordsize", "21600,21600"),
            ("o:spt", "136"),
            ("adj", "10800"),
            ("path", "m@7,l@8,m@5,21600l@6,21600e"),
        ],
    );
    xml.open("v:formulas", &[]);
    for formula in [
        "sum #0 0 10800",
        "prod #0 2 1",
        "sum 21600 0 @1",
        "sum 0 0 @2",
        "sum 21600 0 @3",
        "if @0 @3 0",
        "if @0 21600 @1",
        "if @0 0 @2",
        "if @0 @4 21600",
        "mid @5 @6",
        "mid @8 @5",
        "mid @7 @8",
        "mid @6 @7",
        "sum @6 0 @5",
    ] {
        xml.empty("v:f", &[("eqn", formula)]);
    }
    xml.close("v:formulas");
    xml.empty(
        "v:path",
        &[
            ("textpathok", "t"),
            ("o:connecttype", "custom"),
            ("o:connectlocs", "@9,0;@10,10800;@11,21600;@12,10800"),
            ("o:connectangles", "270,180,90,0"),
        ],
    );
    xml.empty("v:textpath", &[("on", "t"), ("fitshape", "t")]);
    xml.close("v:shapetype");
    xml.open(
        "v:shape",
        &[
            ("id", id),
            ("o:spid", spid),
            ("type", "#_x0000_t136"),
            ("style", &style),
            ("o:allowincell", "f"),
            ("fillcolor", "#d8d4cc"),
            ("stroked", "f"),
        ],
    );
    xml.empty("v:fill", &[("opacity", ".5")]);
    xml.empty("v:textpath", &[("style", "font-family:\"Calibri\";font-size:1pt"), ("string", text)]);
    xml.close("v:shape");
    xml.close("w:pict");
}
