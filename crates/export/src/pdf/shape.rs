//! Shaping: turns words into positioned glyphs. Chooses a font for each character, the glyphs (ligatures, contextual
//! forms) and their positions.
//!
//! Shaped words are cached, so the time for a long transcript grows with its vocabulary. Lengths are in thousandths of
//! the font size, as in PDF.
//!
//! A PDF maps each glyph of a font to one text (its `ToUnicode` entry), which viewers use to search and copy. The entry
//! of a glyph is the text of the first cluster that it begins. Where that is not the text of a cluster,
//! [`Cluster::extracts_as_text`] is `false` and `draw` writes the text beside the glyphs.

use super::characters::{han_variant_of, is_han_style, is_invisible, script_of};
use crate::{
    ExportError, Fonts,
    fonts::{Font, HanVariant},
};
use rustybuzz::{BufferClusterLevel, BufferFlags, Direction, ShapePlan, UnicodeBuffer, ttf_parser};
use std::{
    collections::{BTreeSet, HashMap},
    ops::Range,
    rc::Rc,
};
use unicode_script::Script;
use unicode_segmentation::UnicodeSegmentation;

/// Index of a face in a [`Shaper`]: regular, bold, then the fallback fonts in order.
pub(super) type FaceId = usize;
const REGULAR: FaceId = 0;
pub(super) const BOLD: FaceId = 1;

/// An invisible character, which viewers leave out when they copy text.
const ZERO_WIDTH_SPACE: char = '\u{200B}';
const ZERO_WIDTH_SPACE_TEXT: &str = "\u{200B}";

/// Farthest that a glyph may be raised or lowered. Limits any number of marks stacked on one letter.
const MAX_MARK_OFFSET: f32 = 700.0;

/// Longest word, in bytes, that is cached.
const MAX_CACHED_WORD_BYTES: usize = 64;

/// How a word is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct WordStyle {
    pub(super) bold: bool,
    /// The preferred variant of Han characters.
    pub(super) han_variant: HanVariant,
    pub(super) right_to_left: bool,
}

/// A shaped word or sequence of spaces.
#[derive(Debug)]
pub(super) struct Word {
    /// In visual order, from left to right.
    pub(super) clusters: Vec<Cluster>,
    pub(super) width: f32,
}

/// The smallest group of characters to which glyphs can be assigned.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) face: FaceId,
    pub(super) text: Box<str>,
    /// Glyphs with a width come first, marks after them.
    pub(super) glyphs: Vec<Glyph>,
    /// From the start of the word, as is `end`.
    pub(super) start: f32,
    pub(super) end: f32,
    /// Whether viewers extract exactly `text` from the drawn glyphs: there is one glyph, in its regular place, and
    /// `text` is its [`Shaper::to_unicode`] entry. Otherwise `text` must be written beside the glyphs.
    pub(super) extracts_as_text: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Glyph {
    pub(super) id: u16,
    /// From the start of the word.
    pub(super) x: f32,
    /// From the baseline upwards.
    pub(super) y: f32,
    /// Advance width as the PDF states it: how far a viewer moves on after drawing the glyph.
    pub(super) advance: f32,
}

/// A part of a word with one font and one script, which is shaped as a whole.
struct TextRun {
    range: Range<usize>,
    face: FaceId,
    script: Option<Script>,
    /// Whether it is a character that no font has.
    missing: bool,
}

/// Shapes words. Opens fonts when they are needed and caches shaped words.
pub(super) struct Shaper<'f> {
    faces: Vec<Face<'f>>,
    words: HashMap<WordStyle, HashMap<Box<str>, Rc<Word>>>,
    /// The text that each glyph stands for in the PDF.
    to_unicode: HashMap<(FaceId, u16), Box<str>>,
    missing: BTreeSet<char>,
    /// An invisible glyph of the regular face without width.
    blank: Option<Glyph>,
    buffer: Option<UnicodeBuffer>,
}

struct Face<'f> {
    font: &'f Font,
    open: Option<rustybuzz::Face<'f>>,
    plans: HashMap<([u8; 4], bool), ShapePlan>,
}

impl<'f> Shaper<'f> {
    pub(super) fn new(fonts: &'f Fonts) -> Result<Self, ExportError> {
        let all = [&fonts.regular, &fonts.bold].into_iter().chain(&fonts.fallback);
        let mut shaper = Self {
            faces: all.map(|font| Face { font, open: None, plans: HashMap::new() }).collect(),
            words: HashMap::new(),
            to_unicode: HashMap::new(),
            missing: BTreeSet::new(),
            blank: None,
            buffer: None,
        };
        // An unreadable main font is an error, also if no text needs it.
        shaper.open(BOLD)?;
        let regular = shaper.open(REGULAR)?;
        let blank =
            regular.glyph_index(ZERO_WIDTH_SPACE).map(|id| Glyph { id: id.0, x: 0.0, y: 0.0, advance: 0.0 });
        shaper.blank = blank.filter(|glyph| advance_width(regular, glyph.id) == 0.0);
        Ok(shaper)
    }

    /// The font of the face `id`.
    pub(super) fn font(&self, id: FaceId) -> &'f Font {
        self.faces[id].font
    }

    /// The text that viewers extract for the glyph: that of the first cluster it began. A zero-width space if it never
    /// began one, as most marks.
    pub(super) fn to_unicode(&self, face: FaceId, glyph: u16) -> &str {
        self.to_unicode.get(&(face, glyph)).map_or(ZERO_WIDTH_SPACE_TEXT, |text| text)
    }

    /// An invisible glyph without width, and its face. It marks a position.
    pub(super) fn blank(&self) -> Option<(FaceId, Glyph)> {
        self.blank.map(|glyph| (REGULAR, glyph))
    }

    /// The characters seen so far that no font has, in order of code point.
    pub(super) fn missing(&self) -> Vec<char> {
        self.missing.iter().copied().collect()
    }

    /// Shapes `text`, which has one direction and no line breaks.
    pub(super) fn word(&mut self, text: &str, style: WordStyle) -> Result<Rc<Word>, ExportError> {
        if let Some(word) = self.words.get(&style).and_then(|words| words.get(text)) {
            return Ok(Rc::clone(word));
        }
        let word = Rc::new(self.shape(text, style)?);
        if text.len() <= MAX_CACHED_WORD_BYTES {
            self.words.entry(style).or_default().insert(text.into(), Rc::clone(&word));
        }
        Ok(word)
    }

    fn shape(&mut self, text: &str, style: WordStyle) -> Result<Word, ExportError> {
        let mut runs = self.text_runs(text, style)?;
        if style.right_to_left {
            runs.reverse();
        }
        let mut word = Word { clusters: Vec::new(), width: 0.0 };
        for run in runs {
            let text = &text[run.range.clone()];
            if run.missing {
                self.push_code(&mut word, text, run.face)?;
            } else {
                self.push_glyphs(&mut word, text, &run, style.right_to_left)?;
            }
        }
        Ok(word)
    }

    /// Divides `text` into runs of one font and one script, in reading order.
    fn text_runs(&mut self, text: &str, style: WordStyle) -> Result<Vec<TextRun>, ExportError> {
        let mut runs: Vec<TextRun> = Vec::new();
        for (at, grapheme) in text.grapheme_indices(true) {
            if grapheme.chars().all(is_invisible) {
                continue;
            }
            if let Some(face) = self.face_for(grapheme, style)? {
                push_run(&mut runs, at..at + grapheme.len(), face, script_of(grapheme));
                continue;
            }
            for (offset, c) in grapheme.char_indices().filter(|(_, c)| !is_invisible(*c)) {
                let range = at + offset..at + offset + c.len_utf8();
                match self.face_for(&text[range.clone()], style)? {
                    Some(face) => {
                        let script = script_of(&text[range.clone()]);
                        push_run(&mut runs, range, face, script);
                    }
                    None => {
                        self.missing.insert(c);
                        runs.push(TextRun { range, face: style.main_face(), script: None, missing: true });
                    }
                }
            }
        }
        Ok(runs)
    }

    /// The first face that has all characters of `grapheme`.
    fn face_for(&mut self, grapheme: &str, style: WordStyle) -> Result<Option<FaceId>, ExportError> {
        if self.has_all(style.main_face(), grapheme)? {
            return Ok(Some(style.main_face()));
        }
        let wanted = if is_han_style(grapheme) {
            han_variant_of(grapheme).unwrap_or(style.han_variant)
        } else {
            HanVariant::Any
        };
        // Fonts for Han also have characters of many other scripts: they are tried first for East Asian text and last
        // for all other text.
        let mut order: Vec<FaceId> = (BOLD + 1..self.faces.len()).collect();
        order.sort_by_key(|id| {
            let variant = self.faces[*id].font.han_variant();
            (variant != wanted, variant != HanVariant::Any && wanted == HanVariant::Any)
        });
        for id in order {
            if self.has_all(id, grapheme)? {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// Whether the face `id` has glyphs for all visible characters of `grapheme`.
    fn has_all(&mut self, id: FaceId, grapheme: &str) -> Result<bool, ExportError> {
        let face = self.open(id)?;
        Ok(grapheme.chars().all(|c| is_invisible(c) || face.glyph_index(c).is_some()))
    }

    /// The face `id`; the first call reads its font.
    fn open(&mut self, id: FaceId) -> Result<&rustybuzz::Face<'f>, ExportError> {
        let Face { font, open, .. } = &mut self.faces[id];
        if open.is_none() {
            let face = rustybuzz::Face::from_slice(font.bytes()?, 0);
            *open = Some(face.ok_or_else(|| ExportError::FontDamaged { font: font.name().to_owned() })?);
        }
        Ok(open.as_ref().expect("opened above"))
    }

    /// Appends the code of `text`, a character that no font has, to `word`: `[U+E000]`.
    fn push_code(&mut self, word: &mut Word, text: &str, id: FaceId) -> Result<(), ExportError> {
        let face = self.open(id)?;
        let start = word.width;
        let mut glyphs = Vec::new();
        for c in text.chars().flat_map(|c| code(c).chars().collect::<Vec<_>>()) {
            let glyph = face.glyph_index(c).unwrap_or_default().0;
            let advance = advance_width(face, glyph);
            glyphs.push(Glyph { id: glyph, x: word.width, y: 0.0, advance });
            word.width += advance;
        }
        let end = word.width;
        word.clusters.push(Cluster {
            face: id,
            text: text.into(),
            glyphs,
            start,
            end,
            extracts_as_text: false,
        });
        Ok(())
    }

    /// Shapes `text`, the text of `run`, and appends its clusters to `word`.
    fn push_glyphs(
        &mut self,
        word: &mut Word,
        text: &str,
        run: &TextRun,
        right_to_left: bool,
    ) -> Result<(), ExportError> {
        let mut buffer = self.buffer.take().unwrap_or_default();
        buffer.push_str(text);
        buffer.set_direction(if right_to_left { Direction::RightToLeft } else { Direction::LeftToRight });
        // Viewers reverse right-to-left text character by character, so its marks need clusters of their own.
        buffer.set_cluster_level(if right_to_left {
            BufferClusterLevel::MonotoneCharacters
        } else {
            BufferClusterLevel::MonotoneGraphemes
        });
        buffer.set_flags(BufferFlags::REMOVE_DEFAULT_IGNORABLES);
        let tag = run.script.unwrap_or(Script::Latin).short_name();
        let tag: [u8; 4] = tag.as_bytes().try_into().expect("a script has a name of four letters");
        let script = rustybuzz::Script::from_iso15924_tag(ttf_parser::Tag::from_bytes(&tag));
        buffer.set_script(script.expect("a name of four letters is a tag"));

        self.open(run.face)?;
        let Face { open, plans, .. } = &mut self.faces[run.face];
        let face = open.as_ref().expect("opened above");
        let (direction, script) = (buffer.direction(), buffer.script());
        let plan = plans
            .entry((tag, right_to_left))
            .or_insert_with(|| ShapePlan::new(face, direction, Some(script), None, &[]));
        let shaped = rustybuzz::shape_with_plan(face, plan, buffer);

        let mut starts: Vec<usize> = shaped.glyph_infos().iter().map(|info| info.cluster as usize).collect();
        starts.sort_unstable();
        starts.dedup();
        let scale = 1000.0 / face.units_per_em() as f32;
        let mut previous = None;
        for (info, position) in shaped.glyph_infos().iter().zip(shaped.glyph_positions()) {
            let id = u16::try_from(info.glyph_id).expect("a font has at most 65535 glyphs");
            let glyph = Glyph {
                id,
                x: word.width + position.x_offset as f32 * scale,
                y: (position.y_offset as f32 * scale).clamp(-MAX_MARK_OFFSET, MAX_MARK_OFFSET),
                advance: advance_width(face, id),
            };
            let at = word.width;
            word.width += position.x_advance as f32 * scale;
            let start = info.cluster as usize;
            match word.clusters.last_mut() {
                Some(cluster) if previous == Some(start) => {
                    cluster.glyphs.push(glyph);
                    cluster.end = word.width;
                }
                _ => {
                    let next = starts.partition_point(|other| *other <= start);
                    let until = starts.get(next).copied().unwrap_or(text.len());
                    let (face, text, glyphs) = (run.face, text[start..until].into(), vec![glyph]);
                    word.clusters.push(Cluster {
                        face,
                        text,
                        glyphs,
                        start: at,
                        end: word.width,
                        extracts_as_text: false,
                    });
                }
            }
            previous = Some(start);
        }
        let first_new = word.clusters.len() - starts.len();
        for cluster in &mut word.clusters[first_new..] {
            cluster.glyphs.sort_by_key(|glyph| glyph.advance == 0.0);
            cluster.extracts_as_text = assign_to_unicode(&mut self.to_unicode, cluster);
        }
        self.buffer = Some(shaped.clear());
        Ok(())
    }
}

impl WordStyle {
    fn main_face(self) -> FaceId {
        if self.bold { BOLD } else { REGULAR }
    }
}

/// Makes the text of `cluster` the `ToUnicode` entry of its first glyph if that has none yet. Returns
/// [`Cluster::extracts_as_text`].
fn assign_to_unicode(to_unicode: &mut HashMap<(FaceId, u16), Box<str>>, cluster: &Cluster) -> bool {
    let [first, marks @ ..] = cluster.glyphs.as_slice() else { return true };
    let entry = to_unicode.entry((cluster.face, first.id)).or_insert_with(|| cluster.text.clone());
    let in_place = first.advance > 0.0 || (first.x - cluster.start).abs() < 1.0;
    marks.is_empty() && in_place && *entry == cluster.text
}

/// What is drawn in place of a character that no font has.
fn code(c: char) -> String {
    format!("[U+{:04X}]", u32::from(c))
}

/// Appends `range` to the last run if face and script agree, or else adds a run.
fn push_run(runs: &mut Vec<TextRun>, range: Range<usize>, face: FaceId, script: Option<Script>) {
    match runs.last_mut() {
        Some(last)
            if !last.missing
                && last.face == face
                && last.range.end == range.start
                && (script.is_none() || last.script.is_none() || last.script == script) =>
        {
            last.range.end = range.end;
            last.script = last.script.or(script);
        }
        _ => runs.push(TextRun { range, face, script, missing: false }),
    }
}

/// The advance width of a glyph as printpdf writes it: a whole number.
fn advance_width(face: &rustybuzz::Face<'_>, glyph: u16) -> f32 {
    let units = face.glyph_hor_advance(ttf_parser::GlyphId(glyph)).unwrap_or_default();
    (f32::from(units) * 1000.0 / face.units_per_em() as f32).trunc()
}

#[cfg(test)]
mod tests;
