//! Checks whether a text is in a script that its language is written in.

/// The writing systems that speech models confuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    Latin,
    Cyrillic,
    Greek,
    Armenian,
    Georgian,
    Hebrew,
    Arabic,
    Devanagari,
    Bengali,
    Gurmukhi,
    Gujarati,
    Tamil,
    Telugu,
    Kannada,
    Malayalam,
    Sinhala,
    Thai,
    Lao,
    Tibetan,
    Myanmar,
    Ethiopic,
    Khmer,
    /// Han, Hiragana, Katakana.
    Chinese,
    Hangul,
}

/// The script of a letter, by its Unicode block.
fn script_of(c: char) -> Option<Script> {
    Some(match u32::from(c) {
        0x41..=0x5A | 0x61..=0x7A | 0xAA | 0xBA | 0xC0..=0x24F | 0x1E00..=0x1EFF => Script::Latin,
        0x370..=0x3FF | 0x1F00..=0x1FFF => Script::Greek,
        0x400..=0x52F => Script::Cyrillic,
        0x531..=0x58F => Script::Armenian,
        0x590..=0x5FF => Script::Hebrew,
        0x600..=0x6FF | 0x750..=0x77F | 0x8A0..=0x8FF | 0xFB50..=0xFDFF | 0xFE70..=0xFEFC => Script::Arabic,
        0x900..=0x97F => Script::Devanagari,
        0x980..=0x9FF => Script::Bengali,
        0xA00..=0xA7F => Script::Gurmukhi,
        0xA80..=0xAFF => Script::Gujarati,
        0xB80..=0xBFF => Script::Tamil,
        0xC00..=0xC7F => Script::Telugu,
        0xC80..=0xCFF => Script::Kannada,
        0xD00..=0xD7F => Script::Malayalam,
        0xD80..=0xDFF => Script::Sinhala,
        0xE00..=0xE7F => Script::Thai,
        0xE80..=0xEFF => Script::Lao,
        0xF00..=0xFFF => Script::Tibetan,
        0x1000..=0x109F => Script::Myanmar,
        0x10A0..=0x10FF | 0x1C90..=0x1CBF => Script::Georgian,
        0x1100..=0x11FF | 0xAC00..=0xD7AF => Script::Hangul,
        0x1200..=0x139F => Script::Ethiopic,
        0x1780..=0x17FF => Script::Khmer,
        0x3005..=0x3007 | 0x3040..=0x30FF | 0x3400..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x3FFFF => {
            Script::Chinese
        }
        _ => return None,
    })
}

/// How long a text takes to say, as a number of Latin letters: about three for a Chinese character or a Korean
/// syllable, four for a digit.
pub(super) fn letters(text: &str) -> usize {
    let of = |c: char| match script_of(c) {
        Some(Script::Chinese | Script::Hangul) => 3,
        _ if c.is_ascii_digit() => 4,
        _ => usize::from(c.is_alphabetic()),
    };
    text.chars().map(of).sum()
}

/// The scripts of a language by its BCP 47 tag; empty for an unknown language.
fn scripts_of(language: &str) -> &'static [Script] {
    match language.split(['-', '_']).next().unwrap_or_default() {
        "ru" | "uk" | "bg" | "mk" | "be" | "tg" | "tt" | "ba" => &[Script::Cyrillic],
        // These are written in two scripts.
        "sr" | "bs" | "kk" | "uz" | "az" | "mn" | "tk" => &[Script::Cyrillic, Script::Latin],
        "el" => &[Script::Greek],
        "hy" => &[Script::Armenian],
        "ka" => &[Script::Georgian],
        "he" | "yi" => &[Script::Hebrew],
        "ar" | "fa" | "ur" | "ps" | "sd" => &[Script::Arabic],
        "hi" | "mr" | "ne" | "sa" => &[Script::Devanagari],
        "bn" | "as" => &[Script::Bengali],
        "pa" => &[Script::Gurmukhi, Script::Arabic],
        "gu" => &[Script::Gujarati],
        "ta" => &[Script::Tamil],
        "te" => &[Script::Telugu],
        "kn" => &[Script::Kannada],
        "ml" => &[Script::Malayalam],
        "si" => &[Script::Sinhala],
        "th" => &[Script::Thai],
        "lo" => &[Script::Lao],
        "bo" => &[Script::Tibetan],
        "my" => &[Script::Myanmar],
        "am" => &[Script::Ethiopic],
        "km" => &[Script::Khmer],
        "zh" | "yue" | "ja" => &[Script::Chinese],
        "ko" => &[Script::Hangul, Script::Chinese],
        "en" | "de" | "es" | "fr" | "pt" | "tr" | "pl" | "ca" | "nl" | "sv" | "it" | "id" | "fi" | "vi"
        | "ms" | "cs" | "ro" | "da" | "hu" | "no" | "nb" | "nn" | "hr" | "lt" | "la" | "mi" | "cy" | "sk"
        | "lv" | "sl" | "et" | "br" | "eu" | "is" | "sq" | "sw" | "gl" | "sn" | "yo" | "so" | "af" | "oc"
        | "fo" | "ht" | "mt" | "lb" | "tl" | "fil" | "mg" | "haw" | "ln" | "ha" | "jw" | "jv" | "su"
        | "ga" => &[Script::Latin],
        _ => &[],
    }
}

/// Whether the words of a model segment contain replacement characters (U+FFFD), mix scripts within a word, or are
/// mostly in a script that the language is not written in. A single name or term in another script is not garbled.
pub(super) fn is_garbled<'a>(words: impl Iterator<Item = &'a str>, language: Option<&str>) -> bool {
    let known = language.map(scripts_of).unwrap_or_default();
    let (mut usual, mut foreign) = (0, 0);
    for word in words {
        if word.contains('\u{FFFD}') {
            return true;
        }
        let mut scripts = word.chars().filter_map(script_of);
        let Some(first) = scripts.next() else { continue };
        // “Zoom会议” and the like are common; Latin letters within a Cyrillic or Greek word are not.
        let alphabets = [Script::Latin, Script::Cyrillic, Script::Greek, Script::Armenian, Script::Georgian];
        if alphabets.contains(&first) && scripts.any(|other| other != first && alphabets.contains(&other)) {
            return true;
        }
        match known.is_empty() || known.contains(&first) {
            true => usual += 1,
            false => foreign += 1,
        }
    }
    foreign > usual
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_in_a_script_of_another_language_is_garbled() {
        for (text, language, garbled) in [
            ("And so, my fellow Americans", Some("en"), false),
            ("И так, мои соотечественники", Some("ru"), false),
            ("И так, мои соотечественники", Some("en"), true),
            ("мы используем PostgreSQL и Docker", Some("ru"), false),
            ("今天天气很好", Some("zh"), false),
            ("今天天气很好", Some("de"), true),
            ("Zoom会议 ist um drei Uhr", Some("de"), false),
            ("die Größe α ist klein", Some("de"), false),
            ("приvет wоrld", Some("ru"), true),
            ("Gr\u{FFFD}sse aus Wien", Some("de"), true),
            ("Gr\u{FFFD}sse aus Wien", None, true),
            ("1984, 42 %", Some("ru"), false),
            ("Здраво, kako si", Some("sr"), false),
            ("anything at all", Some("xx"), false),
            ("", Some("en"), false),
        ] {
            assert_eq!(is_garbled(text.split_whitespace(), language), garbled, "{text} in {language:?}");
        }
    }
}
