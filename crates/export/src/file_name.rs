//! Derives file names from titles that are valid on Windows, macOS and Linux.

use chrono::{DateTime, FixedOffset};
use unicode_segmentation::UnicodeSegmentation;

/// Longest stem in bytes. File names may have 255: the rest is for a number, an extension and a temporary suffix.
const MAX_STEM_BYTES: usize = 120;

/// The stem for a title without usable characters.
const FALLBACK_STEM: &str = "Recording";

/// A file name without extension for `title`, valid on Windows, macOS and Linux.
///
/// Keeps letters of every script. Replaces characters that a system refuses by spaces, collapses spaces, removes dots
/// and spaces at both ends, and appends an underscore to names reserved by Windows (`CON`, `COM1` …). The result has at
/// most 120 bytes (121 with that underscore) and ends on a grapheme boundary. A title without usable characters becomes
/// `Recording`.
pub fn file_stem(title: &str) -> String {
    let allowed = title.replace(|c: char| is_refused(c) || c.is_control(), " ");
    let words = allowed.split_whitespace().collect::<Vec<_>>().join(" ");
    let trimmed = words.trim_matches(is_trimmed);
    let mut end = 0;
    for (at, grapheme) in trimmed.grapheme_indices(true) {
        if at + grapheme.len() > MAX_STEM_BYTES {
            break;
        }
        end = at + grapheme.len();
    }
    let stem = trimmed[..end].trim_end_matches(is_trimmed);
    if stem.is_empty() {
        return FALLBACK_STEM.to_owned();
    }
    // Windows compares only the part before the first dot: `con.txt` is the console too.
    let base = stem.split('.').next().unwrap_or_default().trim_end();
    if is_reserved_by_windows(base) {
        return format!("{base}_{}", &stem[base.len()..]);
    }
    stem.to_owned()
}

/// What a file name can be made of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileNameParts {
    /// The title of the meeting: `{title}`.
    pub title: String,
    /// When it was recorded: `{date}` as `2025-03-14` and `{time}` as `09.30`.
    pub recorded_at: Option<DateTime<FixedOffset>>,
    /// The names of its speakers: `{speakers}`, separated by commas.
    pub speakers: Vec<String>,
    /// Name of the imported file without its extension: `{file}`.
    pub file: String,
}

/// A file name without extension, made of `template` with the values of `parts`; see [`file_stem`]. Separators around a
/// value that is empty are left out.
pub fn file_name(template: &str, parts: &FileNameParts) -> String {
    let at = |format: &str| parts.recorded_at.map(|at| at.format(format).to_string()).unwrap_or_default();
    let values = [
        ("{title}", parts.title.clone()),
        ("{date}", at("%Y-%m-%d")),
        ("{time}", at("%H.%M")),
        ("{speakers}", parts.speakers.join(", ")),
        ("{file}", parts.file.clone()),
    ];
    let mut name = String::new();
    let mut rest = template;
    // Text between the last value that was not empty and here; it is written only between two values.
    let mut between = String::new();
    while !rest.is_empty() {
        match values.iter().find(|(key, _)| rest.starts_with(key)) {
            Some((key, value)) => {
                let separates = between.trim_matches(is_separator).is_empty();
                if !value.trim().is_empty() {
                    if !(name.is_empty() && separates) {
                        name.push_str(&between);
                    }
                    between.clear();
                    name.push_str(value);
                } else if separates {
                    between.clear();
                }
                rest = &rest[key.len()..];
            }
            None => {
                let c = rest.chars().next().expect("the rest is not empty");
                between.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    if !between.trim_matches(is_separator).is_empty() {
        name.push_str(between.trim_end_matches(is_separator));
    }
    file_stem(&name)
}

/// Whether `c` only separates the values of a template.
fn is_separator(c: char) -> bool {
    c.is_whitespace() || matches!(c, '-' | '–' | '—' | '_' | ',' | '·' | '(' | ')' | '[' | ']')
}

/// Whether `c` is invalid in a file name on Windows or elsewhere, or is a mark of direction, which can disguise an
/// extension.
fn is_refused(c: char) -> bool {
    matches!(c, '<' | '>' | ':' | '"' | '/' | '\\' | '|' | '?' | '*' | '\u{FEFF}' | '\u{FFFD}')
        || matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Whether `c` is removed at both ends: a leading dot hides a file, and Windows drops trailing dots and spaces.
fn is_trimmed(c: char) -> bool {
    c == '.' || c.is_whitespace()
}

/// Whether Windows treats `name` as a device.
fn is_reserved_by_windows(name: &str) -> bool {
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
    fn titles_become_file_names_that_every_system_accepts() {
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
    fn a_template_leaves_out_separators_of_empty_values() {
        let all = FileNameParts {
            title: "Budget: 2026".to_owned(),
            recorded_at: DateTime::parse_from_rfc3339("2025-03-14T09:30:00+01:00").ok(),
            speakers: vec!["Anna".to_owned(), "Ben".to_owned()],
            file: "memo 12".to_owned(),
        };
        let undated = FileNameParts { recorded_at: None, speakers: Vec::new(), ..all.clone() };
        for (template, with_all, without) in [
            ("{title}", "Budget 2026", "Budget 2026"),
            ("{date} {title} – {speakers}", "2025-03-14 Budget 2026 – Anna, Ben", "Budget 2026"),
            ("{speakers} - {title}", "Anna, Ben - Budget 2026", "Budget 2026"),
            ("{date}_{time}_{file}", "2025-03-14_09.30_memo 12", "memo 12"),
            ("Minutes {date}", "Minutes 2025-03-14", "Minutes"),
            ("{nothing} {title}", "{nothing} Budget 2026", "{nothing} Budget 2026"),
            ("", "Recording", "Recording"),
            ("{speakers}", "Anna, Ben", "Recording"),
        ] {
            assert_eq!(file_name(template, &all), with_all, "{template}");
            assert_eq!(file_name(template, &undated), without, "{template}");
        }
    }

    #[test]
    fn long_titles_are_cut_on_grapheme_boundaries() {
        assert_eq!(file_stem(&"a".repeat(300)), "a".repeat(120));
        // 40 characters of three bytes each; no character may be cut in half.
        assert_eq!(file_stem(&"会".repeat(50)), "会".repeat(40));
        assert_eq!(file_stem(&format!("x{}", "会".repeat(50))), format!("x{}", "会".repeat(39)));
        // This emoji is one grapheme of 25 bytes; four of them fit.
        let family = "👨\u{200D}👩\u{200D}👧\u{200D}👦";
        assert_eq!(file_stem(&family.repeat(9)), family.repeat(4));
        // A space at the cut is removed.
        assert_eq!(file_stem(&format!("{} bcd", "a".repeat(119))), "a".repeat(119));
        // The first grapheme alone is too long.
        assert_eq!(file_stem(&format!("a{}", "\u{301}".repeat(200))), "Recording");
    }

    proptest::proptest! {
        #[test]
        fn every_title_gives_a_valid_file_name(title: String) {
            let stem = file_stem(&title);
            proptest::prop_assert!(!stem.is_empty() && stem.len() <= MAX_STEM_BYTES + 1, "{stem:?}");
            let refused = |c: char| is_refused(c) || c.is_control();
            proptest::prop_assert!(!stem.contains(refused), "{stem:?}");
            proptest::prop_assert_eq!(stem.trim_matches(is_trimmed), stem.as_str());
            proptest::prop_assert_eq!(file_stem(&stem), stem.clone());
        }
    }
}
