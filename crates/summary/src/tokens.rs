//! Cuts text into words, and words into the terms that are counted.

use std::ops::Range;
use unicode_segmentation::UnicodeSegmentation;

/// A word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// In lower case.
    pub word: String,
    /// Bytes of the text.
    pub range: Range<usize>,
    /// Whether it begins with a capital.
    pub capital: bool,
}

/// The words of `text` by the rules of Unicode (UAX #29), which keep `3.5` and `example.com` together. An apostrophe
/// separates (`we'll`, `l'équipe`). In scripts without spaces each character is a word.
pub(crate) fn tokenise(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    for (start, word) in text.unicode_word_indices() {
        let mut from = start;
        for part in word.split(is_apostrophe) {
            let range = from..from + part.len();
            // All apostrophes that separate have one `char`; its length is read from the text.
            from = range.end + text[range.end..].chars().next().map_or(0, char::len_utf8);
            if !part.is_empty() {
                let capital = part.chars().next().is_some_and(char::is_uppercase);
                tokens.push(Token { word: part.to_lowercase(), range, capital });
            }
        }
    }
    tokens
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’' | 'ʼ')
}

/// Whether words of the script of `c` are written one after the other without spaces: Chinese, Japanese, Thai, Lao,
/// Burmese and Khmer.
pub(crate) fn is_unspaced(c: char) -> bool {
    transcript::written_without_spaces(c)
        || matches!(u32::from(c), 0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1780..=0x17FF)
}

/// Whether a word is a character of a script without spaces.
pub(crate) fn is_unspaced_word(word: &str) -> bool {
    word.chars().next().is_some_and(is_unspaced)
}

/// Whether the digits of a word make it a number: `18`, `3.5`, `12th`, `2.300`.
pub(crate) fn is_numeric(word: &str) -> bool {
    word.starts_with(|c: char| c.is_numeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        tokenise(text).into_iter().map(|token| token.word).collect()
    }

    #[test]
    fn words_are_cut_at_spaces_and_apostrophes() {
        assert_eq!(
            words("We’ll pay 3.5 % to Dr. Example.com, O'Neil's!"),
            ["we", "ll", "pay", "3.5", "to", "dr", "example.com", "o", "neil", "s"]
        );
        assert_eq!(words("J'enverrai l’équipe"), ["j", "enverrai", "l", "équipe"]);
        assert_eq!(words("今天很好"), ["今", "天", "很", "好"]);
        assert!(words(" ' ’ … ").is_empty());
    }

    #[test]
    fn ranges_point_at_the_words() {
        let text = "L’été, we'll “go”";
        for token in tokenise(text) {
            assert_eq!(text[token.range.clone()].to_lowercase(), token.word);
        }
    }
}
