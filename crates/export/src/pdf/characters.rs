//! Properties of characters that decide on their font: script, Han variant, visibility.

use crate::fonts::HanVariant;
use unicode_script::{Script, UnicodeScript};

/// The script of the first character that belongs to one script alone.
pub(super) fn script_of(text: &str) -> Option<Script> {
    text.chars()
        .map(|c| c.script())
        .find(|script| !matches!(script, Script::Common | Script::Inherited | Script::Unknown))
}

/// The Han variant of `text`, as its first Japanese (kana) or Korean (Hangul) character reveals it; `None` without one.
pub(super) fn han_variant_of(text: &str) -> Option<HanVariant> {
    text.chars().find_map(|c| match c.script() {
        Script::Hiragana | Script::Katakana => Some(HanVariant::Japanese),
        Script::Hangul => Some(HanVariant::Korean),
        _ => None,
    })
}

/// Whether `text` has Han characters.
pub(super) fn has_han(text: &str) -> bool {
    text.chars().any(|c| c.script() == Script::Han)
}

/// Whether the first character of `text` should use the font of the surrounding Han characters: East Asian letters and
/// punctuation.
pub(super) fn is_han_style(text: &str) -> bool {
    text.chars().next().is_some_and(|c| {
        matches!(
            c.script(),
            Script::Han | Script::Hiragana | Script::Katakana | Script::Hangul | Script::Bopomofo
        ) || matches!(c, '\u{3000}'..='\u{33FF}' | '\u{FE30}'..='\u{FE4F}' | '\u{FF00}'..='\u{FFEF}')
    })
}

/// Whether `c` has no glyph of its own: joiners, marks of direction, variation selectors, tags and fillers.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{1D173}'..='\u{1D17A}'
        | '\u{E0000}'..='\u{E0FFF}')
}
