//! Pages become drawing operations.
//!
//! Every glyph is put where the shaper wants it. What a viewer reads when text is searched or copied is, glyph by glyph,
//! the shaper's spelling; where a glyph stands for something else this time (a letter whose dots are a glyph of their
//! own, a replaced character) the text is written beside it as `ActualText`.

use super::{
    flow::{Book, Page, Placed, Rule, Sheet, Style},
    shape::{BOLD, Cluster, FaceId, Glyph, Shaper},
};
use printpdf::{
    Codepoint, Color, DictItem, FontId, Greyscale, Line, LinePoint, Op, PdfFontHandle, PdfPage, Point, Pt,
    Rect, TextItem, TextMatrix, TextRenderingMode,
};
use std::collections::{BTreeMap, BTreeSet};

const RULE_THICKNESS: f32 = 0.5;
const RULE_GREY: f32 = 0.7;

/// How much thicker, as a part of the font size, letters become that have to be bold in a font that is not.
const EMBOLDENING: f32 = 0.03;

/// The pages of `book` in order, and the faces that occur on them.
pub(super) fn pages(book: &Book, shaper: &Shaper<'_>) -> (Vec<PdfPage>, BTreeSet<FaceId>) {
    let mut faces = BTreeSet::new();
    let sheet = Rect::from_wh(Pt(book.sheet.width), Pt(book.sheet.height));
    let pages = book.pages.iter().map(|page| {
        let mut pen = Pen::new(&book.sheet, shaper);
        pen.page(page);
        faces.append(&mut pen.faces);
        PdfPage { media_box: sheet.clone(), trim_box: sheet.clone(), crop_box: sheet.clone(), ops: pen.ops }
    });
    let pages = pages.collect();
    (pages, faces)
}

/// Draws one page.
struct Pen<'a, 'f> {
    shaper: &'a Shaper<'f>,
    height: f32,
    ops: Vec<Op>,
    faces: BTreeSet<FaceId>,
    font: Option<(FaceId, f32)>,
    grey: Option<f32>,
    emboldened: bool,
}

/// Glyphs of one face on one height that follow each other.
struct Run {
    face: FaceId,
    x: f32,
    y: f32,
    glyphs: Vec<Codepoint>,
    /// Where the next glyph would be drawn.
    end: f32,
}

impl<'a, 'f> Pen<'a, 'f> {
    fn new(sheet: &Sheet, shaper: &'a Shaper<'f>) -> Self {
        let (ops, faces) = (Vec::new(), BTreeSet::new());
        Self { shaper, height: sheet.height, ops, faces, font: None, grey: None, emboldened: false }
    }

    fn page(&mut self, page: &Page) {
        for rule in &page.rules {
            self.rule(rule);
        }
        self.ops.push(Op::StartTextSection);
        for text in &page.texts {
            self.text(text);
        }
        // Read-aloud and reflow leave out what is marked so.
        self.ops.push(Op::BeginMarkedContent { tag: "Artifact".to_owned() });
        for text in &page.footer {
            self.text(text);
        }
        self.ops.push(Op::EndMarkedContent);
        self.ops.push(Op::EndTextSection);
    }

    fn rule(&mut self, rule: &Rule) {
        let point = |x: f32| LinePoint { p: Point { x: Pt(x), y: Pt(self.height - rule.y) }, bezier: false };
        let points = vec![point(rule.from), point(rule.to)];
        self.ops.push(Op::SetOutlineColor { col: grey(RULE_GREY) });
        self.ops.push(Op::SetOutlineThickness { pt: Pt(RULE_THICKNESS) });
        self.ops.push(Op::DrawLine { line: Line { points, is_closed: false } });
    }

    fn text(&mut self, text: &Placed) {
        let Placed { line, style, x, baseline } = text;
        if self.grey != Some(style.grey) {
            self.ops.push(Op::SetFillColor { col: grey(style.grey) });
            self.grey = Some(style.grey);
        }
        let origin = (*x, self.height - baseline);
        let mut run = None;
        let mut start = 0.0;
        for word in &line.words {
            for cluster in &word.clusters {
                self.cluster(cluster, start, origin, *style, &mut run);
            }
            start += word.width;
        }
        self.end(run, origin, *style);
    }

    /// Draws `cluster` of a word that begins at `start` on the line that begins at `origin`.
    fn cluster(
        &mut self,
        cluster: &Cluster,
        start: f32,
        origin: (f32, f32),
        style: Style,
        run: &mut Option<Run>,
    ) {
        if cluster.plain {
            for glyph in &cluster.glyphs {
                self.glyph(cluster.face, *glyph, start, origin, style, run);
            }
            return;
        }
        self.end(run.take(), origin, style);
        let text = DictItem::String { data: text_string(&cluster.text), literal: false };
        let map = BTreeMap::from([("ActualText".to_owned(), text)]);
        let properties = DictItem::Dict { map };
        self.ops.push(Op::BeginMarkedContentWithProperties { tag: "Span".to_owned(), properties });
        // A viewer takes the text to reach from the first glyph to the last. Where these are marks, which stand
        // anywhere, it would see a gap before or after and copy a space.
        let near = |a: f32, b: f32| (a - b).abs() < 1.0;
        let first = cluster.glyphs.first().is_none_or(|glyph| near(glyph.x, cluster.start));
        let last = cluster.glyphs.last().is_none_or(|glyph| near(glyph.x + glyph.natural, cluster.end));
        if !first {
            self.blank(start + cluster.start, origin, style, run);
        }
        for glyph in &cluster.glyphs {
            self.glyph(cluster.face, *glyph, start, origin, style, run);
        }
        if !last {
            self.blank(start + cluster.end, origin, style, run);
        }
        self.end(run.take(), origin, style);
        self.ops.push(Op::EndMarkedContentWithProperties);
    }

    fn blank(&mut self, at: f32, origin: (f32, f32), style: Style, run: &mut Option<Run>) {
        if let Some((face, glyph)) = self.shaper.blank() {
            self.glyph(face, glyph, at, origin, style, run);
        }
    }

    fn glyph(
        &mut self,
        face: FaceId,
        glyph: Glyph,
        start: f32,
        origin: (f32, f32),
        style: Style,
        run: &mut Option<Run>,
    ) {
        let x = start + glyph.x;
        if run.as_ref().is_some_and(|run| run.face != face || run.y != glyph.y) {
            self.end(run.take(), origin, style);
        }
        let run = run.get_or_insert_with(|| Run { face, x, y: glyph.y, glyphs: Vec::new(), end: x });
        if let Some(last) = run.glyphs.last_mut() {
            last.offset += run.end - x;
        }
        let spelling = self.shaper.spelling(face, glyph.id).to_owned();
        run.glyphs.push(Codepoint::with_cid(glyph.id, 0.0, spelling));
        run.end = x + glyph.natural;
    }

    fn end(&mut self, run: Option<Run>, origin: (f32, f32), style: Style) {
        let Some(run) = run else { return };
        self.embolden(style.bold && run.face != BOLD, style);
        if self.font != Some((run.face, style.size)) {
            let font = PdfFontHandle::External(font_id(run.face));
            self.ops.push(Op::SetFont { font, size: Pt(style.size) });
            self.font = Some((run.face, style.size));
            self.faces.insert(run.face);
        }
        let x = hundredths(origin.0 + run.x * style.size / 1000.0);
        let y = hundredths(origin.1 + run.y * style.size / 1000.0);
        self.ops.push(Op::SetTextMatrix { matrix: TextMatrix::Translate(Pt(x), Pt(y)) });
        self.ops.push(Op::ShowText { items: vec![TextItem::GlyphIds(run.glyphs)] });
    }

    fn embolden(&mut self, wanted: bool, style: Style) {
        if wanted == self.emboldened {
            return;
        }
        if wanted {
            self.ops.push(Op::SetOutlineColor { col: grey(style.grey) });
            self.ops.push(Op::SetOutlineThickness { pt: Pt(style.size * EMBOLDENING) });
        }
        let mode = if wanted { TextRenderingMode::FillStroke } else { TextRenderingMode::Fill };
        self.ops.push(Op::SetTextRenderingMode { mode });
        self.emboldened = wanted;
    }
}

fn grey(percent: f32) -> Color {
    Color::Greyscale(Greyscale { percent, icc_profile: None })
}

/// A position to a hundredth of a point, which nobody sees and which is shorter to write.
fn hundredths(points: f32) -> f32 {
    (points * 100.0).round() / 100.0
}

/// `text` as PDF writes it outside of pages: UTF-16 with its byte order mark.
pub(super) fn text_string(text: &str) -> Vec<u8> {
    std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect()
}

/// The name of a face in the file: six capital letters, as the name of a font in part has to begin with.
pub(super) fn font_id(face: FaceId) -> FontId {
    let letter = |digit: usize| char::from(b'A' + u8::try_from(digit % 26).expect("below 26"));
    FontId(format!("MEMO{}{}", letter(face / 26), letter(face)))
}
