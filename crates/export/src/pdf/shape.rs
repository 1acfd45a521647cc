//! Words become glyphs: which font has the characters, which forms they take, and where each glyph stands.
//!
//! A word is shaped once and remembered, so the time for a long transcript grows with its vocabulary. Lengths are in
//! thousandths of the font size, as in PDF.

use crate::{
    ExportError, Fonts,
    fonts::{Font, Letters},
};
use rustybuzz::{BufferClusterLevel, BufferFlags, Direction, ShapePlan, UnicodeBuffer, ttf_parser};
use std::{
    collections::{BTreeSet, HashMap},
    ops::Range,
    rc::Rc,
};
use unicode_script::{Script, UnicodeScript};
use unicode_segmentation::UnicodeSegmentation;

/// Which of a [`Shaper`]'s faces: regular, bold, then the others in order.
pub(super) type FaceId = usize;
const REGULAR: FaceId = 0;
pub(super) const BOLD: FaceId = 1;

/// Stands for a character that no font has.
const REPLACEMENT: char = '\u{FFFD}';

/// A character without a look, which viewers leave out of what they copy.
const SILENT: char = '\u{200B}';
const SILENT_TEXT: &str = "\u{200B}";

/// Marks stacked on one letter without end stay within this distance of where the first would be.
const HIGHEST_MARK: f32 = 700.0;

/// A longer word is not worth remembering.
const LONGEST_REMEMBERED: usize = 64;

/// How a word is to be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Form {
    pub(super) bold: bool,
    /// Whose Han characters are preferred.
    pub(super) letters: Letters,
    pub(super) right_to_left: bool,
}

/// A word, or a stretch of spaces, ready to be drawn.
#[derive(Debug)]
pub(super) struct Word {
    /// From left to right.
    pub(super) clusters: Vec<Cluster>,
    pub(super) width: f32,
}

/// The smallest group of characters that glyphs can be told to stand for.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) face: FaceId,
    pub(super) text: Box<str>,
    /// First those that take up space, then the marks on them.
    pub(super) glyphs: Vec<Glyph>,
    /// Where it begins, from the start of the word.
    pub(super) start: f32,
    pub(super) end: f32,
    /// Whether a viewer finds `text` by itself, by the [`Shaper::spelling`] of the only glyph and by its place. If not,
    /// text and place have to be written beside it.
    pub(super) plain: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Glyph {
    pub(super) id: u16,
    /// From the start of the word.
    pub(super) x: f32,
    /// Above the baseline.
    pub(super) y: f32,
    /// How far a viewer moves on after drawing it.
    pub(super) natural: f32,
}

/// A stretch of a word in one font and one script.
struct Item {
    range: Range<usize>,
    face: FaceId,
    script: Option<Script>,
    missing: bool,
}

/// The fonts, opened as they are needed, and the words shaped so far.
pub(super) struct Shaper<'f> {
    faces: Vec<Face<'f>>,
    words: HashMap<Form, HashMap<Box<str>, Rc<Word>>>,
    spellings: HashMap<(FaceId, u16), Box<str>>,
    missing: BTreeSet<char>,
    /// A glyph of the regular face that takes no space and leaves no ink.
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
            spellings: HashMap::new(),
            missing: BTreeSet::new(),
            blank: None,
            buffer: None,
        };
        for id in [REGULAR, BOLD] {
            // Whatever glyph stands for missing characters is not taken for one of them.
            let glyph = shaper.replacement(id)?;
            shaper.spellings.insert((id, glyph), REPLACEMENT.to_string().into());
        }
        let regular = shaper.open(REGULAR)?;
        let blank = regular.glyph_index(SILENT).map(|id| Glyph { id: id.0, x: 0.0, y: 0.0, natural: 0.0 });
        shaper.blank = blank.filter(|glyph| natural_width(regular, glyph.id) == 0.0);
        Ok(shaper)
    }

    /// The font behind `id`.
    pub(super) fn font(&self, id: FaceId) -> &'f Font {
        self.faces[id].font
    }

    /// What a viewer will take the glyph for: the text it first stood for; nothing to be seen, if it never stood alone.
    pub(super) fn spelling(&self, face: FaceId, glyph: u16) -> &str {
        self.spellings.get(&(face, glyph)).map_or(SILENT_TEXT, |text| text)
    }

    /// A glyph without ink, and its face: marks a place.
    pub(super) fn blank(&self) -> Option<(FaceId, Glyph)> {
        self.blank.map(|glyph| (REGULAR, glyph))
    }

    /// The characters met so far that no font has.
    pub(super) fn missing(&self) -> Vec<char> {
        self.missing.iter().copied().collect()
    }

    /// `text`, which is of one direction and without line breaks, as glyphs.
    pub(super) fn word(&mut self, text: &str, form: Form) -> Result<Rc<Word>, ExportError> {
        if let Some(word) = self.words.get(&form).and_then(|words| words.get(text)) {
            return Ok(Rc::clone(word));
        }
        let word = Rc::new(self.shaped(text, form)?);
        if text.len() <= LONGEST_REMEMBERED {
            self.words.entry(form).or_default().insert(text.into(), Rc::clone(&word));
        }
        Ok(word)
    }

    fn shaped(&mut self, text: &str, form: Form) -> Result<Word, ExportError> {
        let mut items = self.items(text, form)?;
        if form.right_to_left {
            items.reverse();
        }
        let mut word = Word { clusters: Vec::new(), width: 0.0 };
        for item in items {
            let text = &text[item.range.clone()];
            if item.missing {
                self.push_replacement(&mut word, text, item.face)?;
            } else {
                self.push_glyphs(&mut word, text, &item, form.right_to_left)?;
            }
        }
        Ok(word)
    }

    /// `text` in stretches that can be shaped at once, in reading order.
    fn items(&mut self, text: &str, form: Form) -> Result<Vec<Item>, ExportError> {
        let mut items: Vec<Item> = Vec::new();
        for (at, grapheme) in text.grapheme_indices(true) {
            if grapheme.chars().all(is_invisible) {
                continue;
            }
            if let Some(face) = self.face_for(grapheme, form)? {
                push_item(&mut items, at..at + grapheme.len(), face, script_of(grapheme));
                continue;
            }
            for (offset, c) in grapheme.char_indices().filter(|(_, c)| !is_invisible(*c)) {
                let range = at + offset..at + offset + c.len_utf8();
                match self.face_for(&text[range.clone()], form)? {
                    Some(face) => {
                        let script = script_of(&text[range.clone()]);
                        push_item(&mut items, range, face, script);
                    }
                    None => {
                        self.missing.insert(c);
                        items.push(Item { range, face: form.main(), script: None, missing: true });
                    }
                }
            }
        }
        Ok(items)
    }

    /// The first face that has all characters of `grapheme`.
    fn face_for(&mut self, grapheme: &str, form: Form) -> Result<Option<FaceId>, ExportError> {
        if self.has_all(form.main(), grapheme)? {
            return Ok(Some(form.main()));
        }
        let wanted =
            if is_han_style(grapheme) { letters_of(grapheme).unwrap_or(form.letters) } else { Letters::Any };
        // Han fonts have some of everything: they come first for their own characters and last for all others.
        let mut order: Vec<FaceId> = (BOLD + 1..self.faces.len()).collect();
        order.sort_by_key(|id| {
            let letters = self.faces[*id].font.letters();
            (letters != wanted, letters != Letters::Any && wanted == Letters::Any)
        });
        for id in order {
            if self.has_all(id, grapheme)? {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    fn has_all(&mut self, id: FaceId, grapheme: &str) -> Result<bool, ExportError> {
        let face = self.open(id)?;
        Ok(grapheme.chars().all(|c| is_invisible(c) || face.glyph_index(c).is_some()))
    }

    fn open(&mut self, id: FaceId) -> Result<&rustybuzz::Face<'f>, ExportError> {
        let Face { font, open, .. } = &mut self.faces[id];
        if open.is_none() {
            let face = rustybuzz::Face::from_slice(font.bytes()?, 0);
            *open = Some(face.ok_or_else(|| ExportError::FontDamaged { font: font.name().to_owned() })?);
        }
        Ok(open.as_ref().expect("it was opened just now"))
    }

    /// The glyph for a character that no font has: `�`, or the font's own sign for it.
    fn replacement(&mut self, id: FaceId) -> Result<u16, ExportError> {
        Ok(self.open(id)?.glyph_index(REPLACEMENT).unwrap_or_default().0)
    }

    fn push_replacement(&mut self, word: &mut Word, text: &str, face: FaceId) -> Result<(), ExportError> {
        let id = self.replacement(face)?;
        let natural = natural_width(self.open(face)?, id);
        let (start, end) = (word.width, word.width + natural);
        let glyphs = vec![Glyph { id, x: start, y: 0.0, natural }];
        word.clusters.push(Cluster { face, text: text.into(), glyphs, start, end, plain: false });
        word.width = end;
        Ok(())
    }

    fn push_glyphs(
        &mut self,
        word: &mut Word,
        text: &str,
        item: &Item,
        rtl: bool,
    ) -> Result<(), ExportError> {
        let mut buffer = self.buffer.take().unwrap_or_default();
        buffer.push_str(text);
        buffer.set_direction(if rtl { Direction::RightToLeft } else { Direction::LeftToRight });
        // Viewers turn text from right to left around character by character, so its marks have to stand by themselves.
        buffer.set_cluster_level(if rtl {
            BufferClusterLevel::MonotoneCharacters
        } else {
            BufferClusterLevel::MonotoneGraphemes
        });
        buffer.set_flags(BufferFlags::REMOVE_DEFAULT_IGNORABLES);
        let tag = item.script.unwrap_or(Script::Latin).short_name();
        let tag: [u8; 4] = tag.as_bytes().try_into().expect("a script has a name of four letters");
        let script = rustybuzz::Script::from_iso15924_tag(ttf_parser::Tag::from_bytes(&tag));
        buffer.set_script(script.expect("a name of four letters is a tag"));

        self.open(item.face)?;
        let Face { open, plans, .. } = &mut self.faces[item.face];
        let face = open.as_ref().expect("it was opened just now");
        let (direction, script) = (buffer.direction(), buffer.script());
        let plan = plans
            .entry((tag, rtl))
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
                y: (position.y_offset as f32 * scale).clamp(-HIGHEST_MARK, HIGHEST_MARK),
                natural: natural_width(face, id),
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
                    let (face, text, glyphs) = (item.face, text[start..until].into(), vec![glyph]);
                    word.clusters.push(Cluster {
                        face,
                        text,
                        glyphs,
                        start: at,
                        end: word.width,
                        plain: false,
                    });
                }
            }
            previous = Some(start);
        }
        let first_new = word.clusters.len() - starts.len();
        for cluster in &mut word.clusters[first_new..] {
            cluster.glyphs.sort_by_key(|glyph| glyph.natural == 0.0);
            cluster.plain = spell(&mut self.spellings, cluster);
        }
        self.buffer = Some(shaped.clear());
        Ok(())
    }
}

impl Form {
    fn main(self) -> FaceId {
        if self.bold { BOLD } else { REGULAR }
    }
}

/// Makes the text of `cluster` the spelling of its first glyph, if that has none yet, and says whether that is enough.
fn spell(spellings: &mut HashMap<(FaceId, u16), Box<str>>, cluster: &Cluster) -> bool {
    let [first, marks @ ..] = cluster.glyphs.as_slice() else { return true };
    let spelling = spellings.entry((cluster.face, first.id)).or_insert_with(|| cluster.text.clone());
    let in_place = first.natural > 0.0 || (first.x - cluster.start).abs() < 1.0;
    marks.is_empty() && in_place && *spelling == cluster.text
}

fn push_item(items: &mut Vec<Item>, range: Range<usize>, face: FaceId, script: Option<Script>) {
    match items.last_mut() {
        Some(last)
            if !last.missing
                && last.face == face
                && last.range.end == range.start
                && (script.is_none() || last.script.is_none() || last.script == script) =>
        {
            last.range.end = range.end;
            last.script = last.script.or(script);
        }
        _ => items.push(Item { range, face, script, missing: false }),
    }
}

/// How far a viewer moves after the glyph: the width that printpdf writes, a whole number.
fn natural_width(face: &rustybuzz::Face<'_>, glyph: u16) -> f32 {
    let units = face.glyph_hor_advance(ttf_parser::GlyphId(glyph)).unwrap_or_default();
    (f32::from(units) * 1000.0 / face.units_per_em() as f32).trunc()
}

/// The script of the first character that has one of its own.
fn script_of(text: &str) -> Option<Script> {
    text.chars()
        .map(|c| c.script())
        .find(|script| !matches!(script, Script::Common | Script::Inherited | Script::Unknown))
}

/// Whose letters `text` is in, where it has letters that only one of Japanese and Korean uses.
pub(super) fn letters_of(text: &str) -> Option<Letters> {
    text.chars().find_map(|c| match c.script() {
        Script::Hiragana | Script::Katakana => Some(Letters::Japanese),
        Script::Hangul => Some(Letters::Korean),
        _ => None,
    })
}

/// Whether `text` has Han characters.
pub(super) fn has_han(text: &str) -> bool {
    text.chars().any(|c| c.script() == Script::Han)
}

/// Whether `text` begins with a character that is set among Han characters, its punctuation included.
fn is_han_style(text: &str) -> bool {
    text.chars().next().is_some_and(|c| {
        matches!(
            c.script(),
            Script::Han | Script::Hiragana | Script::Katakana | Script::Hangul | Script::Bopomofo
        ) || matches!(c, '\u{3000}'..='\u{33FF}' | '\u{FE30}'..='\u{FE4F}' | '\u{FF00}'..='\u{FFEF}')
    })
}

/// Characters that act on their neighbours and have no look of their own.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{1D173}'..='\u{1D17A}'
        | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests;
