//! Text as runs (`w:r`): with the direction, script and line breaks of their characters.

use super::xml::Xml;
use crate::characters::printable;
use std::ops::Range;
use unicode_bidi::{BidiClass, BidiInfo, Level, bidi_class};
use unicode_script::{Script, UnicodeScript};

/// How a run looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Look<'a> {
    /// Id of a character style.
    pub(super) style: Option<&'a str>,
    pub(super) bold: bool,
    pub(super) italic: bool,
    /// `RRGGBB`.
    pub(super) colour: Option<&'a str>,
}

/// Whether the first letter of `text` is written from right to left (rules P2 and P3 of UAX #9, without isolates).
pub(super) fn is_rtl(text: &str) -> bool {
    let strong = |class| matches!(class, BidiClass::L | BidiClass::R | BidiClass::AL);
    text.chars().map(bidi_class).find(|class| strong(*class)).is_some_and(|class| class != BidiClass::L)
}

/// Pushes `text` as runs of a paragraph, which is written from right to left if `rtl`. Line breaks and tabs become
/// elements, because Word takes those in text for spaces.
pub(super) fn push_runs(xml: &mut Xml, text: &str, look: Look<'_>, rtl: bool) {
    if text.is_empty() {
        return;
    }
    let text = printable(text);
    let east_asian = east_asian(&text);
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            run(xml, look, rtl, None, |xml| xml.empty("w:br", &[]));
        }
        for (range, rtl) in directions(line, rtl) {
            run(xml, look, rtl, east_asian, |xml| {
                for (index, piece) in line[range].split('\t').enumerate() {
                    if index > 0 {
                        xml.empty("w:tab", &[]);
                    }
                    if !piece.is_empty() {
                        xml.text("w:t", &[("xml:space", "preserve")], piece);
                    }
                }
            });
        }
    }
}

/// A run with `content`. The order of the properties is that of CT_RPr in ECMA-376.
pub(super) fn run(
    xml: &mut Xml,
    look: Look<'_>,
    rtl: bool,
    east_asian: Option<EastAsian>,
    content: impl FnOnce(&mut Xml),
) {
    xml.open("w:r", &[]);
    if look != Look::default() || rtl || east_asian.is_some() {
        xml.open("w:rPr", &[]);
        if let Some(style) = look.style {
            xml.value("w:rStyle", style);
        }
        match east_asian {
            Some(EastAsian { font: Some(font), .. }) => {
                xml.empty("w:rFonts", &[("w:hint", "eastAsia"), ("w:eastAsia", font)]);
            }
            Some(_) => xml.empty("w:rFonts", &[("w:hint", "eastAsia")]),
            None => {}
        }
        for (name, on) in
            [("w:b", look.bold), ("w:bCs", look.bold), ("w:i", look.italic), ("w:iCs", look.italic)]
        {
            if on {
                xml.empty(name, &[]);
            }
        }
        if let Some(colour) = look.colour {
            xml.value("w:color", colour);
        }
        if rtl {
            xml.empty("w:rtl", &[]);
        }
        if let Some(EastAsian { tag: Some(tag), .. }) = east_asian {
            xml.empty("w:lang", &[("w:eastAsia", tag)]);
        }
        xml.close("w:rPr");
    }
    content(xml);
    xml.close("w:r");
}

/// What tells Word to use the font for East Asian text, also for punctuation that other scripts have too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EastAsian {
    /// Language tag; `None` for that of the document.
    tag: Option<&'static str>,
    /// A font of Windows; `None` for that of the document. Other systems replace it by one for the same language.
    font: Option<&'static str>,
}

/// The font of a language.
pub(super) const JAPANESE: (&str, &str) = ("ja-JP", "Yu Gothic");
pub(super) const KOREAN: (&str, &str) = ("ko-KR", "Malgun Gothic");
pub(super) const CHINESE: (&str, &str) = ("zh-CN", "Microsoft YaHei");
pub(super) const TRADITIONAL_CHINESE: (&str, &str) = ("zh-TW", "Microsoft JhengHei");

/// The language that the letters of `text` reveal; `None` for text without East Asian letters.
fn east_asian(text: &str) -> Option<EastAsian> {
    if text.is_ascii() {
        return None;
    }
    let mut has_han = false;
    for c in text.chars() {
        let (tag, font) = match c.script() {
            Script::Hiragana | Script::Katakana => JAPANESE,
            Script::Hangul => KOREAN,
            script => {
                has_han |= script == Script::Han;
                continue;
            }
        };
        return Some(EastAsian { tag: Some(tag), font: Some(font) });
    }
    has_han.then_some(EastAsian { tag: None, font: None })
}

/// `line` in pieces of one direction each, with whether they are written from right to left.
fn directions(line: &str, rtl: bool) -> Vec<(Range<usize>, bool)> {
    let simple = |c: char| u32::from(c) < 0x590;
    if line.is_empty() || (!rtl && line.chars().all(simple)) {
        return vec![(0..line.len(), false)];
    }
    let base = if rtl { Level::rtl() } else { Level::ltr() };
    let levels = BidiInfo::new(line, Some(base)).levels;
    let mut pieces: Vec<(Range<usize>, bool)> = Vec::new();
    for (at, c) in line.char_indices() {
        // Signs that belong to a number have its level; other signs have that of the text around them.
        let number = levels[at] > base
            && matches!(bidi_class(c), BidiClass::EN | BidiClass::AN | BidiClass::ET | BidiClass::CS);
        let end = at + c.len_utf8();
        match pieces.last_mut() {
            // Word places numbers within text from right to left itself.
            Some((range, last)) if number || *last == levels[at].is_rtl() => {
                range.end = end;
            }
            _ => pieces.push((at..end, levels[at].is_rtl())),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_where_its_direction_changes() {
        let cut = |text: &'static str, rtl| -> Vec<(&str, bool)> {
            directions(text, rtl).into_iter().map(|(range, rtl)| (&text[range], rtl)).collect()
        };
        assert_eq!(cut("Hello, world 15.", false), [("Hello, world 15.", false)]);
        assert_eq!(
            cut("say שלום 15, friend", false),
            [("say ", false), ("שלום 15", true), (", friend", false)]
        );
        assert_eq!(cut("مرحبا iPhone 15!", true), [("مرحبا ", true), ("iPhone 15", false), ("!", true)]);
        assert_eq!(cut("", true), [("", false)]);
        assert!(is_rtl("“12” שלום hello") && !is_rtl("hello שלום") && !is_rtl("12:30"));
    }

    #[test]
    fn kana_and_hangul_decide_on_the_font() {
        let tag = |text| east_asian(text).map(|found| found.tag);
        assert_eq!(tag("plain – text"), None);
        assert_eq!(tag("会议"), Some(None));
        assert_eq!(tag("会議です"), Some(Some("ja-JP")));
        assert_eq!(tag("회의"), Some(Some("ko-KR")));
    }
}
