//! A recognised word.

use crate::{AudioTime, Span};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// One word as an engine heard it. This is also the form in which words are stored and printed as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// Where it begins in the recording.
    #[serde(rename = "start_ms")]
    pub start: AudioTime,
    /// Where it ends.
    #[serde(rename = "end_ms")]
    pub end: AudioTime,
    /// The word with its punctuation, without surrounding spaces.
    pub text: String,
    /// Probability from 0 to 1 that the word is right; `None` where the engine cannot tell.
    pub confidence: Option<f32>,
    /// Whether the times are an estimate: the model gave only those of a longer stretch, in which the words share the
    /// time by their length.
    #[serde(default, rename = "time_estimated", skip_serializing_if = "std::ops::Not::not")]
    pub estimated: bool,
}

impl Word {
    /// The middle of its time.
    pub fn middle(&self) -> AudioTime {
        AudioTime::from_ms(self.start.as_ms() + self.end.since(self.start) / 2)
    }

    /// Whether its punctuation ends a sentence. The full stop of an abbreviation before a name does not, nor that of an
    /// initial.
    pub fn ends_sentence(&self) -> bool {
        let abbreviated = self.text.strip_suffix('.').is_some_and(|word| {
            let initial = word != "I" && word.chars().count() == 1 && word.chars().all(char::is_uppercase);
            initial || BEFORE_NAMES.contains(&word.to_lowercase().as_str())
        });
        !abbreviated && self.text.ends_with(['.', '?', '!', '…', '。', '？', '！'])
    }

    /// The word as it is compared with others; see [`key_of`].
    pub fn key(&self) -> String {
        key_of(&self.text)
    }
}

/// Abbreviations that something always follows, in English, German, French, Spanish, Italian, Portuguese and Dutch.
const BEFORE_NAMES: [&str; 28] = [
    "mr", "mrs", "ms", "dr", "prof", "st", "mt", "gen", "gov", "sen", "rep", "rev", "hon", "capt", "col",
    "lt", "sgt", "vs", "e.g", "i.e", "z.b", "d.h", "bzw", "sr", "sra", "dott", "dhr", "mevr",
];

/// A word as it is compared with others: without case and without what is no letter or digit. Empty for a dash.
pub fn key_of(word: &str) -> String {
    word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Why words should be doubted although an engine wrote them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The engine seems to have repeated itself.
    Repetition,
    /// The sound where the words are is no speech, or too little or too much of it for these words.
    Invented,
    /// The characters are damaged, or of a script that the language is not written in.
    Garbled,
}

impl Reason {
    /// The word for it in the database and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Repetition => "repetition",
            Self::Invented => "invented",
            Self::Garbled => "garbled",
        }
    }

    /// The reason that `word` stands for.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Repetition, Self::Invented, Self::Garbled].into_iter().find(|reason| reason.as_str() == word)
    }
}

/// A stretch of a recording whose words should be doubted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doubt {
    /// Where.
    #[serde(flatten)]
    pub span: Span,
    /// Why.
    pub reason: Reason,
}

/// The words of a text: between spaces, and in Chinese and Japanese, which have none, each character with the
/// punctuation that follows it.
pub fn words_of(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for part in text.split_whitespace() {
        for (i, c) in part.char_indices() {
            match words.last_mut() {
                // Punctuation stays with what it follows, and letters with letters.
                Some(word)
                    if i > 0
                        && !written_without_spaces(c)
                        && !(c.is_alphanumeric() && word.starts_with(written_without_spaces)) =>
                {
                    word.push(c);
                }
                _ => words.push(c.to_string()),
            }
        }
    }
    words
}

/// Words as one text: with spaces between them, but none between characters of scripts that have none.
pub fn text_of<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for word in words {
        let without = text.chars().rev().find(|c| c.is_alphanumeric()).is_some_and(written_without_spaces)
            && word.starts_with(written_without_spaces);
        if !text.is_empty() && !without {
            text.push(' ');
        }
        text.push_str(word);
    }
    text
}

/// Where each word is in their text, see [`text_of`]: from and to, in UTF-16 code units, as web pages count.
pub fn places_in_text<'a>(words: impl IntoIterator<Item = &'a str>) -> Vec<Range<usize>> {
    let mut text = Vec::new();
    let mut places = Vec::new();
    let mut end = 0;
    for word in words {
        text.push(word);
        let length = word.encode_utf16().count();
        // A space, if there is one, comes before the word. Whether there is depends on the word before alone.
        let pair = &text[text.len().saturating_sub(2)..];
        let space =
            usize::from(pair.len() == 2 && text_of(pair.iter().copied()).len() > pair[0].len() + word.len());
        places.push(end + space..end + space + length);
        end += space + length;
    }
    places
}

/// Whether `c` is of Han, Hiragana or Katakana, the scripts of Chinese and Japanese (Unicode blocks).
pub fn written_without_spaces(c: char) -> bool {
    matches!(u32::from(c), 0x3005..=0x3007 | 0x3040..=0x30FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x3FFFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_stop_after_an_abbreviation_ends_no_sentence() {
        let time = AudioTime::ZERO;
        let ends = |text: &str| {
            let text = text.to_owned();
            Word { start: time, end: time, text, confidence: None, estimated: false }.ends_sentence()
        };
        for text in ["them.", "why?", "no!", "well…", "好。", "etc.", "a.", "I."] {
            assert!(ends(text), "{text}");
        }
        for text in ["Mr.", "Dr.", "J.", "z.B.", "them", "them,", ""] {
            assert!(!ends(text), "{text}");
        }
    }

    #[test]
    fn words_and_text_are_each_others_reverse() {
        for (text, words) in [
            ("Ask not, what", vec!["Ask", "not,", "what"]),
            ("今天天气很好。Hello 你好", vec!["今", "天", "天", "气", "很", "好。", "Hello", "你", "好"]),
            ("これは、テスト", vec!["こ", "れ", "は、", "テ", "ス", "ト"]),
            ("한국어 문장", vec!["한국어", "문장"]),
            ("", vec![]),
        ] {
            assert_eq!(words_of(text), words, "{text}");
        }
        assert_eq!(text_of(["今", "天", "好。", "我", "says", "Hello", "你"]), "今天好。我 says Hello 你");
        assert_eq!(text_of(["Ask", "not,"]), "Ask not,");
    }

    #[test]
    fn a_word_is_found_in_its_text() {
        for words in [
            vec!["Ask", "not,", "𝄞", "what"],
            vec!["今", "天", "好。", "我", "says", "Hello", "你"],
            vec!["—", "今", "a"],
        ] {
            let text: Vec<u16> = text_of(words.iter().copied()).encode_utf16().collect();
            let found: Vec<String> = places_in_text(words.iter().copied())
                .into_iter()
                .map(|at| String::from_utf16_lossy(&text[at]))
                .collect();
            assert_eq!(found, words);
        }
    }

    #[test]
    fn a_time_that_is_an_estimate_is_marked_in_json_and_no_other() {
        let word = |estimated| Word {
            start: AudioTime::ZERO,
            end: AudioTime::from_ms(10),
            text: "a".to_owned(),
            confidence: None,
            estimated,
        };
        let json = |estimated| serde_json::to_string(&word(estimated)).expect("a word can be written");
        assert_eq!(json(false), r#"{"start_ms":0,"end_ms":10,"text":"a","confidence":null}"#);
        assert!(json(true).contains(r#""time_estimated":true"#));
        assert_eq!(serde_json::from_str::<Word>(&json(false)).expect("and read"), word(false));
    }
}
