//! A title becomes the name of a file that every system accepts.

use unicode_segmentation::UnicodeSegmentation;

/// Longest stem in bytes: leaves room in 255 for a number, an extension and a temporary suffix.
const LONGEST: usize = 120;

/// What a recording without a usable title is called.
const UNNAMED: &str = "Recording";

/// A file name without extension for something called `title`, allowed on Windows, macOS and Linux.
///
/// Letters of every script are kept. Characters that a system refuses become spaces, spaces are collapsed, dots and
/// spaces at the ends go, names reserved by Windows (`CON`, `COM1` …) get an underscore, and the result has at most 120
/// bytes and ends between two characters as a reader sees them. A title with nothing usable becomes `Recording`.
pub fn file_stem(title: &str) -> String {
    let allowed = title.replace(|c: char| is_refused(c) || c.is_control(), " ");
    let words = allowed.split_whitespace().collect::<Vec<_>>().join(" ");
    let trimmed = words.trim_matches(is_trimmed);
    let mut end = 0;
    for (at, grapheme) in trimmed.grapheme_indices(true) {
        if at + grapheme.len() > LONGEST {
            break;
        }
        end = at + grapheme.len();
    }
    let stem = trimmed[..end].trim_end_matches(is_trimmed);
    if stem.is_empty() {
        return UNNAMED.to_owned();
    }
    // Windows looks at the name up to the first dot: `con.txt` is the console too.
    let device = stem.split('.').next().unwrap_or_default().trim_end();
    if is_device(device) {
        return format!("{device}_{}", &stem[device.len()..]);
    }
    stem.to_owned()
}

/// Refused by Windows in a file name, or by every system; or invisible and able to disguise the rest of the name.
fn is_refused(c: char) -> bool {
    matches!(c, '<' | '>' | ':' | '"' | '/' | '\\' | '|' | '?' | '*' | '\u{FEFF}' | '\u{FFFD}')
        || matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// A dot in front hides a file, dots and spaces at the end are dropped by Windows.
fn is_trimmed(c: char) -> bool {
    c == '.' || c.is_whitespace()
}

/// Whether Windows takes `name` for a device.
fn is_device(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let port = || {
        let number = name.strip_prefix("COM").or_else(|| name.strip_prefix("LPT"))?;
        matches!(number, "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³")
            .then_some(())
    };
    matches!(name.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$") || port().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_becomes_a_name_every_system_accepts() {
        for (title, stem) in [
            ("Budget 2026", "Budget 2026"),
            ("Q3: sales / marketing?", "Q3 sales marketing"),
            (r#"<>:"/\|?*"#, "Recording"),
            ("", "Recording"),
            ("  ...  ", "Recording"),
            ("..", "Recording"),
            ("../../etc/passwd", "etc passwd"),
            (".hidden", "hidden"),
            ("ends with dots. . .", "ends with dots"),
            ("tab\tnew\nline\u{0}nul\u{7f}", "tab new line nul"),
            ("two   spaces", "two spaces"),
            ("don't — “quoted” (3.5 %) #1 & more", "don't — “quoted” (3.5 %) #1 & more"),
            ("Réunion d’équipe", "Réunion d’équipe"),
            ("会议记录", "会议记录"),
            ("اجتماع", "اجتماع"),
            ("अनुवाद", "अनुवाद"),
            ("txt\u{202E}fdp", "txt fdp"),
            ("CON", "CON_"),
            ("con", "con_"),
            ("nul.txt", "nul_.txt"),
            ("COM1", "COM1_"),
            ("com¹ .x", "com¹_ .x"),
            ("LPT9.a.b", "LPT9_.a.b"),
            ("COM10", "COM10"),
            ("Console", "Console"),
            ("auxiliary", "auxiliary"),
        ] {
            assert_eq!(file_stem(title), stem, "{title:?}");
        }
    }

    #[test]
    fn a_long_title_is_cut_between_visible_characters() {
        assert_eq!(file_stem(&"a".repeat(300)), "a".repeat(120));
        // 40 characters of three bytes, of which the last must not be halved.
        assert_eq!(file_stem(&"会".repeat(50)), "会".repeat(40));
        assert_eq!(file_stem(&format!("x{}", "会".repeat(50))), format!("x{}", "会".repeat(39)));
        // A family is one visible character of 25 bytes; four of them fit.
        let family = "👨\u{200D}👩\u{200D}👧\u{200D}👦";
        assert_eq!(file_stem(&family.repeat(9)), family.repeat(4));
        // The cut falls after a space, which then goes.
        assert_eq!(file_stem(&format!("{} bcd", "a".repeat(119))), "a".repeat(119));
        // One visible character that alone is too long.
        assert_eq!(file_stem(&format!("a{}", "\u{301}".repeat(200))), "Recording");
    }

    proptest::proptest! {
        #[test]
        fn any_title_gives_a_legal_name(title: String) {
            let stem = file_stem(&title);
            proptest::prop_assert!(!stem.is_empty() && stem.len() <= LONGEST + 1, "{stem:?}");
            let refused = |c: char| is_refused(c) || c.is_control();
            proptest::prop_assert!(!stem.contains(refused), "{stem:?}");
            proptest::prop_assert_eq!(stem.trim_matches(is_trimmed), stem.as_str());
            proptest::prop_assert_eq!(file_stem(&stem), stem.clone());
        }
    }
}
