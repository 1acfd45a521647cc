//! Rules of plain text: what a title or a name may hold, and how a name from outside is shown.

/// Whether `c` draws nothing and does something to the text around it: moves a terminal's cursor, rings, breaks the
/// line, or turns the direction of writing.
///
/// These are the control characters (C0, DEL and C1), the separators of lines and paragraphs, and the characters that
/// embed, override or isolate a direction. The marks that only hint at a direction (U+200E, U+200F) and the joiners
/// stay: names in Arabic, Hebrew and Persian need them.
pub fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// `text` as one line to be kept, such as a title: each run of white space and [control characters](is_control) becomes
/// a space, those at the ends go.
pub fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || is_control(c))
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// `text` as it is shown within a line, such as the name of a file: each [control character](is_control) becomes `�`.
pub fn shown(text: &str) -> String {
    text.replace(is_control, "\u{FFFD}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_has_no_control_characters_and_single_spaces() {
        for (text, kept) in [
            ("Budget  2026", "Budget 2026"),
            (" two\r\nlines\u{2028}three\t", "two lines three"),
            ("\u{1b}[31mred\u{7}", "[31mred"),
            ("a\u{9b}2Jb\u{7f}c\u{85}d", "a 2Jb c d"),
            ("txt\u{202e}fdp\u{2069}", "txt fdp"),
            ("\u{1b}\n", ""),
            ("می\u{200c}خواهم 👨\u{200d}👩", "می\u{200c}خواهم 👨\u{200d}👩"),
        ] {
            assert_eq!(one_line(text), kept, "{text:?}");
        }
    }

    #[test]
    fn what_is_shown_keeps_the_place_of_each_control_character() {
        assert_eq!(shown("a\u{1b}[2J\nb\u{9b}\u{202e}.wav"), "a�[2J�b��.wav");
        assert_eq!(shown("Réunion  d’équipe 会议.m4a"), "Réunion  d’équipe 会议.m4a");
    }
}
