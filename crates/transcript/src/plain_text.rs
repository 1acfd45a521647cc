//! Control characters in text from outside: removed from titles and names that are stored, replaced in text that is
//! shown.

/// Whether `c` is invisible and affects the text around it: moves a terminal's cursor, rings its bell, breaks the line
/// or changes the writing direction.
///
/// These are the control characters (C0, DEL and C1), the line and paragraph separators, and the characters that embed,
/// override or isolate a writing direction. Direction marks (U+200E, U+200F) and joiners are not among them: names in
/// Arabic, Hebrew and Persian need them.
pub fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Makes `text` a single line for storage, such as a title: each run of white space and [control
/// characters](is_control) becomes one space; those at the ends are removed.
pub fn single_line(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || is_control(c))
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Replaces each [control character](is_control) by `�`, to show text such as a file name within a line.
pub fn replace_control_chars(text: &str) -> String {
    text.replace(is_control, "\u{FFFD}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_line_has_no_control_characters_and_single_spaces() {
        for (text, line) in [
            ("Budget  2026", "Budget 2026"),
            (" two\r\nlines\u{2028}three\t", "two lines three"),
            ("\u{1b}[31mred\u{7}", "[31mred"),
            ("a\u{9b}2Jb\u{7f}c\u{85}d", "a 2Jb c d"),
            ("txt\u{202e}fdp\u{2069}", "txt fdp"),
            ("\u{1b}\n", ""),
            ("می\u{200c}خواهم 👨\u{200d}👩", "می\u{200c}خواهم 👨\u{200d}👩"),
        ] {
            assert_eq!(single_line(text), line, "{text:?}");
        }
    }

    #[test]
    fn each_control_character_is_replaced_in_place() {
        assert_eq!(replace_control_chars("a\u{1b}[2J\nb\u{9b}\u{202e}.wav"), "a�[2J�b��.wav");
        assert_eq!(replace_control_chars("Réunion  d’équipe 会议.m4a"), "Réunion  d’équipe 会议.m4a");
    }
}
