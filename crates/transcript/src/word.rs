//! Recognised words, and text made of them.

use crate::{AudioTime, Span};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// A word as an engine recognised it. Serialised in this form in the database and in JSON output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// Start in the recording.
    #[serde(rename = "start_ms")]
    pub start: AudioTime,
    /// End in the recording.
    #[serde(rename = "end_ms")]
    pub end: AudioTime,
    /// The word with its punctuation, without surrounding spaces.
    pub text: String,
    /// Probability from 0 to 1 that the word is right; `None` if the engine does not report one.
    pub confidence: Option<f32>,
    /// Whether the times are estimated: the model gave only the times of several words together, which share that time
    /// by their length.
    #[serde(default, rename = "time_estimated", skip_serializing_if = "std::ops::Not::not")]
    pub estimated: bool,
}

impl Word {
    /// The middle between start and end.
    pub fn middle(&self) -> AudioTime {
        AudioTime::from_ms(self.start.as_ms() + self.end.since(self.start) / 2)
    }

    /// Whether its punctuation ends a sentence. The full stop of an initial or of an abbreviation that is always
    /// followed by another word, such as “Mr.”, does not.
    pub fn ends_sentence(&self) -> bool {
        let abbreviated = self.text.strip_suffix('.').is_some_and(|word| {
            let initial = word != "I" && word.chars().count() == 1 && word.chars().all(char::is_uppercase);
            initial || NON_FINAL_ABBREVIATIONS.contains(&word.to_lowercase().as_str())
        });
        !abbreviated && self.text.ends_with(['.', '?', '!', '…', '。', '？', '！'])
    }

    /// The word without case and punctuation; see [`comparison_key`].
    pub fn comparison_key(&self) -> String {
        comparison_key(&self.text)
    }
}

/// Abbreviations that are always followed by another word, in English, German, French, Spanish, Italian, Portuguese and
/// Dutch.
const NON_FINAL_ABBREVIATIONS: [&str; 28] = [
    "mr", "mrs", "ms", "dr", "prof", "st", "mt", "gen", "gov", "sen", "rep", "rev", "hon", "capt", "col",
    "lt", "sgt", "vs", "e.g", "i.e", "z.b", "d.h", "bzw", "sr", "sra", "dott", "dhr", "mevr",
];

/// The form of a word in which words are compared: lower case, letters and digits only. Empty for a dash.
pub fn comparison_key(word: &str) -> String {
    word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Why recognised words are doubtful.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DoubtReason {
    /// The engine probably repeated itself.
    Repetition,
    /// The audio at the words is not speech, or has too little or too much speech for these words.
    Invented,
    /// The characters are damaged, or from a script the language is not written in.
    Garbled,
}

impl DoubtReason {
    /// The name in the database and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Repetition => "repetition",
            Self::Invented => "invented",
            Self::Garbled => "garbled",
        }
    }

    /// The reason with this name; `None` if there is none.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Repetition, Self::Invented, Self::Garbled].into_iter().find(|reason| reason.as_str() == name)
    }
}

/// A time range whose words are doubtful.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doubt {
    /// The time range.
    #[serde(flatten)]
    pub span: Span,
    /// The reason.
    pub reason: DoubtReason,
}

/// Splits a text into words: at spaces, and in Chinese and Japanese, which have no spaces, after each character with
/// the punctuation that follows it. The reverse of [`join_words`].
pub fn split_words(text: &str) -> Vec<String> {
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

/// Joins words into a text, with spaces between them except between two words of Chinese or Japanese.
pub fn join_words<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
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

/// The range of each word in the text that [`join_words`] makes of them, in UTF-16 code units, as JavaScript counts.
pub fn utf16_word_ranges<'a>(words: impl IntoIterator<Item = &'a str>) -> Vec<Range<usize>> {
    let mut text = Vec::new();
    let mut ranges = Vec::new();
    let mut end = 0;
    for word in words {
        text.push(word);
        let length = word.encode_utf16().count();
        // Whether a space comes before the word depends only on this word and the one before.
        let pair = &text[text.len().saturating_sub(2)..];
        let space = usize::from(
            pair.len() == 2 && join_words(pair.iter().copied()).len() > pair[0].len() + word.len(),
        );
        ranges.push(end + space..end + space + length);
        end += space + length;
    }
    ranges
}

/// Whether `c` is in a Unicode block of Han, Hiragana or Katakana, the scripts of Chinese and Japanese.
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
    fn splitting_and_joining_words_reverse_each_other() {
        for (text, words) in [
            ("Ask not, what", vec!["Ask", "not,", "what"]),
            ("今天天气很好。Hello 你好", vec!["今", "天", "天", "气", "很", "好。", "Hello", "你", "好"]),
            ("これは、テスト", vec!["こ", "れ", "は、", "テ", "ス", "ト"]),
            ("한국어 문장", vec!["한국어", "문장"]),
            ("", vec![]),
        ] {
            assert_eq!(split_words(text), words, "{text}");
        }
        assert_eq!(join_words(["今", "天", "好。", "我", "says", "Hello", "你"]), "今天好。我 says Hello 你");
        assert_eq!(join_words(["Ask", "not,"]), "Ask not,");
    }

    #[test]
    fn each_range_contains_its_word() {
        for words in [
            vec!["Ask", "not,", "𝄞", "what"],
            vec!["今", "天", "好。", "我", "says", "Hello", "你"],
            vec!["—", "今", "a"],
        ] {
            let text: Vec<u16> = join_words(words.iter().copied()).encode_utf16().collect();
            let found: Vec<String> = utf16_word_ranges(words.iter().copied())
                .into_iter()
                .map(|at| String::from_utf16_lossy(&text[at]))
                .collect();
            assert_eq!(found, words);
        }
    }

    #[test]
    fn only_estimated_times_are_marked_in_json() {
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
