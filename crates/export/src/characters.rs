//! Characters that XML and HTML cannot hold.

use std::borrow::Cow;
use transcript::written_without_spaces;

/// `text` with `\n` for each line break, and `�` for each control character and noncharacter, which XML 1.0 (2.2) and
/// HTML do not allow. Tabs stay.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    let refused =
        |c: char| c.is_control() && !matches!(c, '\n' | '\t') || matches!(c, '\u{FFFE}' | '\u{FFFF}');
    match text.contains(refused) {
        false => Cow::Borrowed(text),
        true => Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n").replace(refused, "\u{FFFD}")),
    }
}

/// What separates two segments in one paragraph: a space, except within Chinese or Japanese.
pub(crate) fn separator(before: &str, after: &str) -> &'static str {
    let last = before.chars().rev().find(|c| c.is_alphanumeric());
    match last.is_some_and(written_without_spaces) && after.starts_with(written_without_spaces) {
        true => "",
        false => " ",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_refuses_is_replaced() {
        assert_eq!(
            printable("a\tb\r\nc\rd\u{0}\u{1b}[\u{85}\u{FFFF}\u{202E}"),
            "a\tb\nc\nd\u{FFFD}\u{FFFD}[\u{FFFD}\u{FFFD}\u{202E}"
        );
        assert!(matches!(printable("plain <&> text"), Cow::Borrowed(_)));
    }

    #[test]
    fn chinese_sentences_are_joined_without_a_space() {
        assert_eq!(separator("你好。", "再见"), "");
        assert_eq!(separator("你好。", "Goodbye"), " ");
        assert_eq!(separator("Hello.", "再见"), " ");
    }
}
