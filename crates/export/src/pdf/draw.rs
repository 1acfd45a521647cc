//! Turns pages into drawing operations.
//!
//! Every glyph is drawn at the position that the shaper computed. To search and copy text, viewers use the `ToUnicode`
//! entry of each glyph ([`Shaper::to_unicode`]). Where the glyphs of a cluster do not add up to its text (a letter
//! whose dots are a separate glyph, a replaced character), the text is written beside them as `ActualText`.

use super::{
    line_break::{LineWord, TypesetLine},
    page::{Bar, Colour, Layout, Look, Mark, Page, PlacedLine, Position, Style},
    shape::{BOLD, Cluster, FaceId, Glyph, Shaper},
};
use printpdf::{
    Actions, BorderArray, Codepoint, Color, Destination, DictItem, FontId, Greyscale, LinkAnnotation, Op,
    PaintMode, PdfFontHandle, PdfPage, Pt, Rect, Rgb, TextItem, TextMatrix, TextRenderingMode, XObjectId,
    XObjectTransform,
};
use std::collections::{BTreeMap, BTreeSet};

/// Stroke width, relative to the font size, that emboldens letters of a font without a bold weight.
const EMBOLDENING: f32 = 0.03;
/// How far an italic letter leans, relative to its height: 12 degrees.
const SLANT: f32 = 0.21;

const DOUBT_BACKGROUND: Colour = [0xff, 0xf0, 0xb8];
const DOUBT_LINE: Colour = [0xc0, 0x7a, 0x00];
const CODE_BACKGROUND: Colour = [0xf0, 0xf0, 0xf0];
/// From the baseline, relative to the font size.
const MARK_TOP: f32 = 0.92;
const MARK_BOTTOM: f32 = 0.26;
const UNDERLINE: f32 = 0.16;

const WATERMARK: Colour = [236, 236, 236];

/// The name of the logo among the resources of the file.
pub(super) const LOGO: &str = "LOGO";

/// The pages of `layout` in order, and the faces used on them.
pub(super) fn pages(layout: &Layout, shaper: &Shaper<'_>) -> (Vec<PdfPage>, BTreeSet<FaceId>) {
    let mut faces = BTreeSet::new();
    let page_box = Rect::from_wh(Pt(layout.size.width), Pt(layout.size.height));
    let mut pages = Vec::with_capacity(layout.pages.len());
    for (index, page) in layout.pages.iter().enumerate() {
        let mut pen = Pen::new(layout, shaper);
        if let Some(logo) = layout.logo.filter(|_| index == 0) {
            pen.logo(logo);
        }
        pen.page(page);
        faces.append(&mut pen.faces);
        pages.push(PdfPage {
            media_box: page_box.clone(),
            trim_box: page_box.clone(),
            crop_box: page_box.clone(),
            ops: pen.ops,
        });
    }
    (pages, faces)
}

/// Draws one page and remembers the graphics state, so that it is only written where it changes.
struct Pen<'a, 'f> {
    shaper: &'a Shaper<'f>,
    layout: &'a Layout,
    ops: Vec<Op>,
    /// The faces used on the page.
    faces: BTreeSet<FaceId>,
    /// The current face and size.
    font: Option<(FaceId, f32)>,
    /// The current colour of areas and letters.
    colour: Option<Colour>,
    /// Whether letters lean.
    italic: bool,
    /// The colour and width of the stroke that emboldens letters, if they are emboldened.
    emboldened: Option<(Colour, f32)>,
}

/// Where a line begins, in the coordinates of PDF, and the direction of its baseline.
#[derive(Debug, Clone, Copy)]
struct Origin {
    x: f32,
    y: f32,
    /// Cosine and sine of the angle by which the line rises.
    direction: (f32, f32),
}

/// How glyphs are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Ink {
    size: f32,
    bold: bool,
    italic: bool,
    colour: Colour,
}

/// Consecutive glyphs of one face at one height, which a single operation draws. Lengths are in thousandths of the font
/// size, from the start of the word.
struct GlyphRun {
    face: FaceId,
    ink: Ink,
    x: f32,
    y: f32,
    glyphs: Vec<Codepoint>,
    /// Where a viewer would draw the next glyph.
    end: f32,
}

impl<'a, 'f> Pen<'a, 'f> {
    fn new(layout: &'a Layout, shaper: &'a Shaper<'f>) -> Self {
        let (ops, faces) = (Vec::new(), BTreeSet::new());
        Self { shaper, layout, ops, faces, font: None, colour: None, italic: false, emboldened: None }
    }

    fn page(&mut self, page: &Page) {
        self.begin_artifact();
        if let Some((line, style)) = &self.layout.watermark {
            self.ops.push(Op::StartTextSection);
            self.watermark(line, *style);
            self.ops.push(Op::EndTextSection);
        }
        for bar in &page.bars {
            self.bar(*bar);
        }
        for line in &page.lines {
            self.marks(line);
        }
        self.ops.push(Op::EndMarkedContent);
        for jump in &page.jumps {
            self.link(jump.area, Actions::go_to(self.destination(jump.to)));
        }
        self.ops.push(Op::StartTextSection);
        for line in &page.lines {
            self.line(line);
        }
        self.begin_artifact();
        for line in &page.margins {
            self.line(line);
        }
        self.ops.push(Op::EndMarkedContent);
        self.ops.push(Op::EndTextSection);
    }

    /// Begins content that viewers leave out when they read a document aloud or reflow it.
    fn begin_artifact(&mut self) {
        self.ops.push(Op::BeginMarkedContent { tag: "Artifact".to_owned() });
    }

    fn logo(&mut self, area: Bar) {
        let transform = XObjectTransform {
            translate_x: Some(Pt(area.x)),
            translate_y: Some(Pt(self.layout.size.height - area.y - area.height)),
            scale_x: Some(area.width),
            scale_y: Some(area.height),
            no_auto_scale: true,
            ..XObjectTransform::default()
        };
        self.ops.push(Op::UseXobject { id: XObjectId(LOGO.to_owned()), transform });
    }

    /// `area` in the coordinates of PDF, which measures from the bottom.
    fn rect(&self, area: Bar) -> Rect {
        let bottom = self.layout.size.height - area.y - area.height;
        let [x, y, width, height] = [area.x, bottom, area.width, area.height].map(hundredths);
        let mut rect = Rect::from_xywh(Pt(x), Pt(y), Pt(width), Pt(height));
        rect.mode = Some(PaintMode::Fill);
        rect
    }

    fn bar(&mut self, bar: Bar) {
        self.fill(bar.colour);
        self.ops.push(Op::DrawRectangle { rectangle: self.rect(bar) });
    }

    fn destination(&self, position: Position) -> Destination {
        let top = hundredths(self.layout.size.height - position.y);
        Destination::Xyz { page: position.page + 1, left: None, top: Some(top), zoom: None }
    }

    fn link(&mut self, area: Bar, actions: Actions) {
        let border = Some(BorderArray::Solid([0.0, 0.0, 0.0]));
        let link = LinkAnnotation::new(self.rect(area), actions, border, None, None);
        self.ops.push(Op::LinkAnnotation { link });
    }

    /// Draws the backgrounds and lines that mark pieces of `line`, and adds its links.
    fn marks(&mut self, line: &PlacedLine) {
        let style = line.style;
        let is_marked = |look: Look| look.mark != Mark::None || look.link.is_some();
        let mut x = line.x;
        let alike = |a: Look, b: Look| (a.mark, a.link) == (b.mark, b.link);
        for words in line.line.words.chunk_by(|a, b| alike(a.look, b.look)) {
            let look = words[0].look;
            let width = style.points(words.iter().map(LineWord::width).sum());
            if is_marked(look) {
                let y = line.baseline - MARK_TOP * style.size;
                let height = (MARK_TOP + MARK_BOTTOM) * style.size;
                let area = |colour| Bar { x, y, width, height, colour };
                let below = |colour| Bar {
                    y: line.baseline + UNDERLINE * style.size,
                    height: 0.055 * style.size,
                    ..area(colour)
                };
                match look.mark {
                    Mark::Doubt => {
                        self.bar(area(DOUBT_BACKGROUND));
                        self.bar(below(DOUBT_LINE));
                    }
                    Mark::Code => self.bar(area(CODE_BACKGROUND)),
                    Mark::Link => self.bar(below(look.colour)),
                    Mark::None => {}
                }
                if let Some(address) = look.link.and_then(|link| self.layout.addresses.get(link)) {
                    self.link(area(look.colour), Actions::uri(address.clone()));
                }
            }
            x += width;
        }
    }

    /// Draws `line` from corner to corner.
    fn watermark(&mut self, line: &TypesetLine, style: Style) {
        let size = &self.layout.size;
        let diagonal = size.width.hypot(size.height);
        let direction = (size.width / diagonal, size.height / diagonal);
        // From the middle of the page to the beginning of the line; a capital letter is 0.71 of its size high.
        let (back, down) = (style.points(line.width) / 2.0, 0.355 * style.size);
        let origin = Origin {
            x: size.width / 2.0 - back * direction.0 + down * direction.1,
            y: size.height / 2.0 - back * direction.1 - down * direction.0,
            direction,
        };
        // Viewers copy the letters of a slanted line one by one, so the text is written beside them.
        let text: String =
            line.words.iter().flat_map(|word| &word.word.clusters).map(|cluster| &*cluster.text).collect();
        self.begin_actual_text(&text);
        let mut run = None;
        let mut start = 0.0;
        for word in &line.words {
            let at = style.points(start);
            let origin = Origin { x: origin.x + at * direction.0, y: origin.y + at * direction.1, direction };
            let ink = Ink { size: style.size, bold: word.look.bold, italic: false, colour: WATERMARK };
            for cluster in &word.word.clusters {
                for glyph in &cluster.glyphs {
                    self.glyph(cluster.face, *glyph, 0.0, origin, ink, &mut run);
                }
            }
            self.draw_run(run.take(), origin);
            start += word.width();
        }
        self.ops.push(Op::EndMarkedContentWithProperties);
    }

    /// Draws the words of `line` in reading order: viewers copy and read text in the order in which it was drawn.
    fn line(&mut self, line: &PlacedLine) {
        let PlacedLine { line, style, x, baseline } = line;
        let y = self.layout.size.height - baseline;
        let mut end = *x;
        let at = |word: &LineWord| {
            let x = end;
            end += style.points(word.width());
            x
        };
        let lefts: Vec<f32> = line.words.iter().map(at).collect();
        let mut order: Vec<usize> = (0..line.words.len()).collect();
        order.sort_by_key(|index| line.words[*index].place);

        let mut origin = Origin { x: *x, y, direction: (1.0, 0.0) };
        let mut run: Option<GlyphRun> = None;
        let mut start = 0.0;
        let mut before: Option<(usize, Ink)> = None;
        for index in order {
            let LineWord { word, look, .. } = &line.words[index];
            let Look { bold, italic, colour, scale, .. } = *look;
            let ink = Ink { size: style.size * scale, bold, italic, colour };
            if before.is_none_or(|(before, other)| before + 1 != index || other != ink) {
                self.draw_run(run.take(), origin);
                (origin.x, start) = (lefts[index], 0.0);
            }
            before = Some((index, ink));
            for cluster in &word.clusters {
                self.cluster(cluster, start, origin, ink, &mut run);
            }
            start += word.width;
        }
        self.draw_run(run, origin);
    }

    fn begin_actual_text(&mut self, text: &str) {
        let text = DictItem::String { data: text_string(text), literal: false };
        let map = BTreeMap::from([("ActualText".to_owned(), text)]);
        let properties = DictItem::Dict { map };
        self.ops.push(Op::BeginMarkedContentWithProperties { tag: "Span".to_owned(), properties });
    }

    /// Adds `cluster` to the drawing. Its word begins at `start` on a line that begins at `origin`. `run` collects
    /// glyphs that can be drawn together.
    fn cluster(
        &mut self,
        cluster: &Cluster,
        start: f32,
        origin: Origin,
        ink: Ink,
        run: &mut Option<GlyphRun>,
    ) {
        if cluster.extracts_as_text {
            for glyph in &cluster.glyphs {
                self.glyph(cluster.face, *glyph, start, origin, ink, run);
            }
            return;
        }
        self.draw_run(run.take(), origin);
        self.begin_actual_text(&cluster.text);
        // A viewer assumes that the text spans from the first glyph to the last. If these are marks, which may stand
        // anywhere, it would see a gap before or after the text and copy a space. A blank glyph closes the gap.
        let near = |a: f32, b: f32| (a - b).abs() < 1.0;
        let starts_in_place = cluster.glyphs.first().is_none_or(|glyph| near(glyph.x, cluster.start));
        let ends_in_place =
            cluster.glyphs.last().is_none_or(|glyph| near(glyph.x + glyph.advance, cluster.end));
        if !starts_in_place {
            self.blank(start + cluster.start, origin, ink, run);
        }
        for glyph in &cluster.glyphs {
            self.glyph(cluster.face, *glyph, start, origin, ink, run);
        }
        if !ends_in_place {
            self.blank(start + cluster.end, origin, ink, run);
        }
        self.draw_run(run.take(), origin);
        self.ops.push(Op::EndMarkedContentWithProperties);
    }

    /// Adds an invisible glyph at `at`, from the start of the line.
    fn blank(&mut self, at: f32, origin: Origin, ink: Ink, run: &mut Option<GlyphRun>) {
        if let Some((face, glyph)) = self.shaper.blank() {
            self.glyph(face, glyph, at, origin, ink, run);
        }
    }

    /// Adds `glyph` of a word that begins at `start` to `run`, or draws `run` and begins another one.
    fn glyph(
        &mut self,
        face: FaceId,
        glyph: Glyph,
        start: f32,
        origin: Origin,
        ink: Ink,
        run: &mut Option<GlyphRun>,
    ) {
        let x = start + glyph.x;
        if run.as_ref().is_some_and(|run| run.face != face || run.y != glyph.y) {
            self.draw_run(run.take(), origin);
        }
        let run =
            run.get_or_insert_with(|| GlyphRun { face, ink, x, y: glyph.y, glyphs: Vec::new(), end: x });
        if let Some(last) = run.glyphs.last_mut() {
            last.offset += run.end - x;
        }
        let text = self.shaper.to_unicode(face, glyph.id).to_owned();
        run.glyphs.push(Codepoint::with_cid(glyph.id, 0.0, text));
        run.end = x + glyph.advance;
    }

    /// Draws the glyphs of `run`.
    fn draw_run(&mut self, run: Option<GlyphRun>, origin: Origin) {
        let Some(GlyphRun { face, ink, x, y, glyphs, .. }) = run else { return };
        self.fill(ink.colour);
        self.embolden((ink.bold && face != BOLD).then_some((ink.colour, ink.size * EMBOLDENING)));
        if self.font != Some((face, ink.size)) {
            let font = PdfFontHandle::External(font_id(face));
            self.ops.push(Op::SetFont { font, size: Pt(ink.size) });
            self.font = Some((face, ink.size));
            self.faces.insert(face);
        }
        let (along, up) = (x * ink.size / 1000.0, y * ink.size / 1000.0);
        let (cos, sin) = origin.direction;
        let x = hundredths(origin.x + along * cos - up * sin);
        let y = hundredths(origin.y + along * sin + up * cos);
        let matrix = match (ink.italic, sin == 0.0) {
            (false, true) => TextMatrix::Translate(Pt(x), Pt(y)),
            (true, true) => TextMatrix::Raw([1.0, 0.0, SLANT, 1.0, x, y]),
            (_, false) => TextMatrix::Raw([cos, sin, -sin, cos, x, y]),
        };
        if ink.italic != self.italic {
            // printpdf joins runs at the same height unless an operation stands between them; a run that leans is not
            // to be joined with one that does not.
            self.ops.push(Op::SetLineOffset { multiplier: 0.0 });
            self.italic = ink.italic;
        }
        self.ops.push(Op::SetTextMatrix { matrix });
        self.ops.push(Op::ShowText { items: vec![TextItem::GlyphIds(glyphs)] });
    }

    fn fill(&mut self, colour: Colour) {
        if self.colour != Some(colour) {
            self.ops.push(Op::SetFillColor { col: color(colour) });
            self.colour = Some(colour);
        }
    }

    /// Turns emboldening on, with this colour and width of the stroke, or off.
    fn embolden(&mut self, wanted: Option<(Colour, f32)>) {
        if wanted == self.emboldened {
            return;
        }
        if let Some((colour, width)) = wanted {
            self.ops.push(Op::SetOutlineColor { col: color(colour) });
            self.ops.push(Op::SetOutlineThickness { pt: Pt(width) });
        }
        if wanted.is_some() != self.emboldened.is_some() {
            let mode = if wanted.is_some() { TextRenderingMode::FillStroke } else { TextRenderingMode::Fill };
            self.ops.push(Op::SetTextRenderingMode { mode });
        }
        self.emboldened = wanted;
    }
}

fn color([red, green, blue]: Colour) -> Color {
    let share = |value: u8| (f32::from(value) * 1000.0 / 255.0).round() / 1000.0;
    if red == green && green == blue {
        return Color::Greyscale(Greyscale { percent: share(red), icc_profile: None });
    }
    Color::Rgb(Rgb { r: share(red), g: share(green), b: share(blue), icc_profile: None })
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
