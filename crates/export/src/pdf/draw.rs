//! Turns pages into drawing operations.
//!
//! Every glyph is drawn at the position that the shaper computed. To search and copy text, viewers use the `ToUnicode`
//! entry of each glyph ([`Shaper::to_unicode`]). Where the glyphs of a cluster do not add up to its text (a letter
//! whose dots are a separate glyph, a replaced character), the text is written beside them as `ActualText`.

use super::{
    page::{Layout, Page, PageSize, PlacedLine, Rule, Style},
    shape::{BOLD, Cluster, FaceId, Glyph, Shaper},
};
use printpdf::{
    Codepoint, Color, DictItem, FontId, Greyscale, Line, LinePoint, Op, PdfFontHandle, PdfPage, Point, Pt,
    Rect, TextItem, TextMatrix, TextRenderingMode,
};
use std::collections::{BTreeMap, BTreeSet};

const RULE_THICKNESS: f32 = 0.5;
const RULE_GREY: f32 = 0.7;

/// Stroke width, relative to the font size, that emboldens letters of a font without a bold weight.
const EMBOLDENING: f32 = 0.03;

/// The pages of `layout` in order, and the faces used on them.
pub(super) fn pages(layout: &Layout, shaper: &Shaper<'_>) -> (Vec<PdfPage>, BTreeSet<FaceId>) {
    let mut faces = BTreeSet::new();
    let page_box = Rect::from_wh(Pt(layout.size.width), Pt(layout.size.height));
    let pages = layout.pages.iter().map(|page| {
        let mut pen = Pen::new(&layout.size, shaper);
        pen.page(page);
        faces.append(&mut pen.faces);
        PdfPage {
            media_box: page_box.clone(),
            trim_box: page_box.clone(),
            crop_box: page_box.clone(),
            ops: pen.ops,
        }
    });
    let pages = pages.collect();
    (pages, faces)
}

/// Draws one page and remembers the graphics state, so that it is only written where it changes.
struct Pen<'a, 'f> {
    shaper: &'a Shaper<'f>,
    /// Of the page. PDF measures from the bottom, `page` from the top.
    height: f32,
    ops: Vec<Op>,
    /// The faces used on the page.
    faces: BTreeSet<FaceId>,
    /// The current face and size.
    font: Option<(FaceId, f32)>,
    grey: Option<f32>,
    emboldened: bool,
}

/// Consecutive glyphs of one face at one height, which a single operation draws. Lengths are in thousandths of the font
/// size, from the start of the line.
struct GlyphRun {
    face: FaceId,
    x: f32,
    y: f32,
    glyphs: Vec<Codepoint>,
    /// Where a viewer would draw the next glyph.
    end: f32,
}

impl<'a, 'f> Pen<'a, 'f> {
    fn new(size: &PageSize, shaper: &'a Shaper<'f>) -> Self {
        let (ops, faces) = (Vec::new(), BTreeSet::new());
        Self { shaper, height: size.height, ops, faces, font: None, grey: None, emboldened: false }
    }

    fn page(&mut self, page: &Page) {
        for rule in &page.rules {
            self.rule(rule);
        }
        self.ops.push(Op::StartTextSection);
        for line in &page.lines {
            self.line(line);
        }
        // Viewers leave out artifacts when they read a document aloud or reflow it.
        self.ops.push(Op::BeginMarkedContent { tag: "Artifact".to_owned() });
        for line in &page.footer {
            self.line(line);
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

    fn line(&mut self, line: &PlacedLine) {
        let PlacedLine { line, style, x, baseline } = line;
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
        self.draw_run(run, origin, *style);
    }

    /// Adds `cluster` to the drawing. Its word begins at `start` on a line that begins at `origin`. `run` collects
    /// glyphs that can be drawn together.
    fn cluster(
        &mut self,
        cluster: &Cluster,
        start: f32,
        origin: (f32, f32),
        style: Style,
        run: &mut Option<GlyphRun>,
    ) {
        if cluster.extracts_as_text {
            for glyph in &cluster.glyphs {
                self.glyph(cluster.face, *glyph, start, origin, style, run);
            }
            return;
        }
        self.draw_run(run.take(), origin, style);
        let text = DictItem::String { data: text_string(&cluster.text), literal: false };
        let map = BTreeMap::from([("ActualText".to_owned(), text)]);
        let properties = DictItem::Dict { map };
        self.ops.push(Op::BeginMarkedContentWithProperties { tag: "Span".to_owned(), properties });
        // A viewer assumes that the text spans from the first glyph to the last. If these are marks, which may stand
        // anywhere, it would see a gap before or after the text and copy a space. A blank glyph closes the gap.
        let near = |a: f32, b: f32| (a - b).abs() < 1.0;
        let starts_in_place = cluster.glyphs.first().is_none_or(|glyph| near(glyph.x, cluster.start));
        let ends_in_place =
            cluster.glyphs.last().is_none_or(|glyph| near(glyph.x + glyph.advance, cluster.end));
        if !starts_in_place {
            self.blank(start + cluster.start, origin, style, run);
        }
        for glyph in &cluster.glyphs {
            self.glyph(cluster.face, *glyph, start, origin, style, run);
        }
        if !ends_in_place {
            self.blank(start + cluster.end, origin, style, run);
        }
        self.draw_run(run.take(), origin, style);
        self.ops.push(Op::EndMarkedContentWithProperties);
    }

    /// Adds an invisible glyph at `at`, from the start of the line.
    fn blank(&mut self, at: f32, origin: (f32, f32), style: Style, run: &mut Option<GlyphRun>) {
        if let Some((face, glyph)) = self.shaper.blank() {
            self.glyph(face, glyph, at, origin, style, run);
        }
    }

    /// Adds `glyph` of a word that begins at `start` to `run`, or draws `run` and begins another one.
    fn glyph(
        &mut self,
        face: FaceId,
        glyph: Glyph,
        start: f32,
        origin: (f32, f32),
        style: Style,
        run: &mut Option<GlyphRun>,
    ) {
        let x = start + glyph.x;
        if run.as_ref().is_some_and(|run| run.face != face || run.y != glyph.y) {
            self.draw_run(run.take(), origin, style);
        }
        let run = run.get_or_insert_with(|| GlyphRun { face, x, y: glyph.y, glyphs: Vec::new(), end: x });
        if let Some(last) = run.glyphs.last_mut() {
            last.offset += run.end - x;
        }
        let text = self.shaper.to_unicode(face, glyph.id).to_owned();
        run.glyphs.push(Codepoint::with_cid(glyph.id, 0.0, text));
        run.end = x + glyph.advance;
    }

    /// Draws the glyphs of `run`.
    fn draw_run(&mut self, run: Option<GlyphRun>, origin: (f32, f32), style: Style) {
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

    /// Turns emboldening on or off.
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

/// Rounds to a hundredth of a point: finer steps are invisible and make the file longer.
fn hundredths(points: f32) -> f32 {
    (points * 100.0).round() / 100.0
}

/// `text` as a PDF text string: UTF-16, big-endian, with byte order mark (ISO 32000, 7.9.2).
pub(super) fn text_string(text: &str) -> Vec<u8> {
    std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect()
}

/// The name of a face in the file: six capital letters, the form of the tag of a font subset (ISO 32000, 9.6.4).
pub(super) fn font_id(face: FaceId) -> FontId {
    let letter = |digit: usize| char::from(b'A' + u8::try_from(digit % 26).expect("below 26"));
    FontId(format!("MEMO{}{}", letter(face / 26), letter(face)))
}
