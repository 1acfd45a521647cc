//! Joins and cuts segments into sentences.
//!
//! A segment may hold several sentences, and a sentence may go over several segments of one speaker. Transcripts without
//! punctuation are cut into pieces of bounded length at the ends of segments.

use crate::language::Language;
use crate::meeting::Meeting;
use crate::tokens::{Token, is_numeric, is_unspaced, tokenise};
use std::ops::Range;
use transcript::Span;

/// A sentence, or a bounded piece of speech without punctuation.
#[derive(Debug, Clone)]
pub(crate) struct Sentence {
    /// The text of the pieces, joined.
    pub text: String,
    /// Where the text comes from, in order.
    pub pieces: Vec<Piece>,
    /// Index of the speaker of all pieces.
    pub speaker: Option<usize>,
    /// From the start of the first segment to the end of the last.
    pub span: Span,
    /// The words of `text`.
    pub tokens: Vec<Token>,
    /// The stem of each word.
    pub stems: Vec<String>,
}

/// Part of the text of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Index of the segment.
    pub segment: usize,
    /// Bytes of the segment's text, without white space at the ends.
    pub range: Range<usize>,
    /// First byte in the text of the sentence.
    pub start: usize,
}

/// A longer pause ends a sentence, in milliseconds.
const MAX_PAUSE_MS: u32 = 3_000;
/// A sentence this long ends at the next comma or end of a segment, in words.
const LONG_WORDS: f64 = 40.0;
/// A sentence never gets longer, in words.
const MAX_WORDS: f64 = 60.0;
/// Without punctuation, a piece this long ends with its segment, in words.
const SHORT_WORDS: f64 = 5.0;
/// A transcript with fewer marks per word that end a sentence counts as one without punctuation. Spoken sentences have 8 to
/// 20 words.
const MIN_MARKS_PER_WORD: f64 = 1.0 / 60.0;
/// Words that one character of a script without spaces stands for, roughly: most words have two.
const WORDS_PER_CHARACTER: f64 = 0.5;

/// The sentences of a meeting, in order.
pub(crate) fn sentences(meeting: &Meeting, language: &Language) -> Vec<Sentence> {
    let texts = || meeting.segments.iter().map(|segment| segment.text.as_str());
    let words: f64 = texts().map(count_words).sum();
    let marks = texts().flat_map(str::chars).filter(|c| is_end_mark(*c)).count();
    let punctuated = marks as f64 >= words * MIN_MARKS_PER_WORD;

    let mut builder = Builder { meeting, language, sentences: Vec::new(), pieces: Vec::new(), words: 0.0 };
    for (index, segment) in meeting.segments.iter().enumerate() {
        if let Some(previous) = index.checked_sub(1).and_then(|index| meeting.segments.get(index))
            && (previous.speaker != segment.speaker
                || segment.span.start.since(previous.span.end) > MAX_PAUSE_MS)
        {
            builder.close();
        }
        let mut start = 0;
        for word in word_ranges(&segment.text) {
            builder.words += count_words(&segment.text[word.clone()]);
            let rest = match segment.text[word.end..].trim_start() {
                "" => meeting.segments.get(index + 1).map_or("", |next| next.text.trim_start()),
                rest => rest,
            };
            let ends = (punctuated && ends_sentence(&segment.text[word.clone()], rest, language))
                || builder.words >= MAX_WORDS
                || (builder.words >= LONG_WORDS
                    && segment.text[word.clone()].ends_with([',', ';', '，', '、', '،']));
            if ends {
                builder.add(index, start..word.end);
                builder.close();
                start = word.end;
            }
        }
        builder.add(index, start..segment.text.len());
        if builder.words >= if punctuated { LONG_WORDS } else { SHORT_WORDS } {
            builder.close();
        }
    }
    builder.close();
    builder.sentences
}

struct Builder<'a> {
    meeting: &'a Meeting,
    language: &'a Language,
    sentences: Vec<Sentence>,
    /// Pieces of the sentence that is being built; `start` is not known yet.
    pieces: Vec<(usize, Range<usize>)>,
    /// Its words so far.
    words: f64,
}

impl Builder<'_> {
    fn add(&mut self, segment: usize, range: Range<usize>) {
        let text = &self.meeting.segments[segment].text[range.clone()];
        let trimmed = text.trim();
        if !trimmed.is_empty() {
            let start = range.start + (text.len() - text.trim_start().len());
            self.pieces.push((segment, start..start + trimmed.len()));
        }
    }

    fn close(&mut self) {
        self.words = 0.0;
        let Some(first) = self.pieces.first().map(|piece| piece.0) else { return };
        let segments = &self.meeting.segments;
        let mut text = String::new();
        let mut pieces = Vec::new();
        let mut span = segments[first].span;
        for (segment, range) in std::mem::take(&mut self.pieces) {
            let piece = &segments[segment].text[range.clone()];
            text = if text.is_empty() {
                piece.to_owned()
            } else {
                transcript::join_words([text.as_str(), piece])
            };
            pieces.push(Piece { segment, range, start: text.len() - piece.len() });
            span = Span::new(span.start, segments[segment].span.end.max(span.end));
        }
        let tokens = tokenise(&text);
        let stems = tokens.iter().map(|token| self.language.stem(&token.word)).collect();
        self.sentences.push(Sentence { text, pieces, speaker: segments[first].speaker, span, tokens, stems });
    }
}

/// Stretches of a text: up to the next white space, or to the end mark of a script without spaces.
fn word_ranges(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = &text[start..];
        start += rest.len() - rest.trim_start().len();
        let rest = &text[start..];
        if rest.is_empty() {
            return None;
        }
        let mut end = rest.len();
        let mut characters = rest.char_indices().peekable();
        while let Some((at, c)) = characters.next() {
            let next = characters.peek().map(|next| next.1);
            let unspaced_end =
                is_unspaced_mark(c) && !next.is_some_and(|next| is_closing(next) || is_end_mark(next));
            if c.is_whitespace() {
                end = at;
                break;
            }
            // A character of a script without spaces is a word of its own, unless a mark follows.
            if unspaced_end || (is_unspaced(c) && next.is_some_and(is_unspaced)) {
                end = at + c.len_utf8();
                break;
            }
        }
        let range = start..start + end;
        start = range.end;
        Some(range)
    })
}

fn count_words(text: &str) -> f64 {
    let characters = text.chars().filter(|c| is_unspaced(*c)).count() as f64;
    if characters > 0.0 { characters * WORDS_PER_CHARACTER } else { text.split_whitespace().count() as f64 }
}

fn is_end_mark(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '…' | '؟' | '۔' | '।' | '॥' | '።' | '։') || is_unspaced_mark(c)
}

fn is_unspaced_mark(c: char) -> bool {
    matches!(c, '。' | '！' | '？' | '｡' | '．' | '။' | '។')
}

fn is_closing(c: char) -> bool {
    matches!(c, '"' | '\'' | '”' | '’' | '»' | '«' | '“' | ')' | ']' | '」' | '』' | '）')
}

/// Whether the sentence ends after `word`; `rest` is what follows.
fn ends_sentence(word: &str, rest: &str, language: &Language) -> bool {
    let bare = word.trim_end_matches(is_closing);
    let Some(mark) = bare.chars().next_back().filter(|c| is_end_mark(*c)) else { return false };
    if mark != '.' || bare.ends_with("..") {
        return true;
    }
    let stem = bare.trim_end_matches('.').trim_start_matches(|c: char| !c.is_alphanumeric());
    let next = rest.trim_start_matches(|c: char| !c.is_alphanumeric());
    let next_starts_lower = next.chars().next().is_some_and(char::is_lowercase);
    let next_word = next.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let lower = stem.to_lowercase();
    let abbreviated = language.rules.is_some_and(|rules| rules.abbreviations.contains(&lower));
    // An initial (“J.”) or letters with full stops between them (“z.B.”, “e.g.”); “I.” may end an English sentence.
    let initial =
        stem.chars().count() == 1 && stem.chars().all(char::is_uppercase) && lower != "i" && lower != "o";
    let dotted = stem.contains('.') && stem.split('.').all(|part| part.chars().count() == 1);
    // An ordinal before a month or a noun in lower case: “15. März”.
    let ordinal = is_numeric(stem)
        && stem.chars().all(char::is_numeric)
        && language
            .rules
            .is_some_and(|rules| rules.units.contains(&language.stem(&next_word.to_lowercase())));
    !(abbreviated || initial || ordinal || next_starts_lower || (dotted && !next.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meeting::Segment;
    use transcript::AudioTime;

    fn cut(tag: &str, texts: &[(usize, &str)]) -> Vec<String> {
        let segments = texts.iter().enumerate().map(|(index, (speaker, text))| {
            let start = AudioTime::from_ms(index as u32 * 2000);
            Segment {
                id: index.to_string(),
                span: Span::new(start, start.plus_ms(1900)),
                text: (*text).to_owned(),
                speaker: Some(*speaker),
            }
        });
        let meeting = Meeting { segments: segments.collect(), ..Meeting::default() };
        let language = Language::new(Some(tag), std::iter::empty());
        sentences(&meeting, &language).into_iter().map(|sentence| sentence.text).collect()
    }

    #[test]
    fn sentences_are_cut_within_and_joined_over_segments() {
        assert_eq!(
            cut("en", &[(0, "Hello there. We will"), (0, "ship it on"), (0, "Monday! Right?"), (1, "Yes")]),
            ["Hello there.", "We will ship it on Monday!", "Right?", "Yes"]
        );
        assert_eq!(cut("zh", &[(0, "我们决定了。明天"), (0, "开会！")]), ["我们决定了。", "明天开会！"]);
        assert_eq!(
            cut("de", &[(0, "Wir treffen uns am 15."), (0, "Januar.")]),
            ["Wir treffen uns am 15. Januar."]
        );
        assert_eq!(cut("en", &[(0, "We will"), (1, "No. Never.")]), ["We will", "No.", "Never."]);
    }

    #[test]
    fn full_stops_within_a_sentence_end_nothing() {
        for (tag, text) in [
            ("en", "Dr. Smith and J. R. Miller pay 3.5 million to example.com, e.g. for Node.js."),
            ("en", "He said “Stop.” and left."),
            ("de", "Am 15. März, z. B. um 10.30 Uhr, kommt Fr. Müller bzw. Hr. Koch."),
            ("fr", "M. Dupont paie 1.200 euros."),
        ] {
            assert_eq!(cut(tag, &[(0, text)]), [text]);
        }
        assert_eq!(cut("en", &[(0, "It costs 15. That is fine.")]), ["It costs 15.", "That is fine."]);
    }

    #[test]
    fn speech_without_punctuation_is_cut_into_bounded_pieces() {
        let long = "word ".repeat(200);
        let pieces =
            cut("en", &[(0, &long), (0, "a short tail of words"), (0, "and"), (0, "some more words here")]);
        assert!(pieces.len() >= 5);
        assert!(pieces.iter().all(|piece| piece.split(' ').count() <= MAX_WORDS as usize));
        let unspaced = cut("zh", &[(0, &"我们今天讨论预算".repeat(60))]);
        assert!(unspaced.len() >= 4);
        assert!(unspaced.iter().all(|piece| piece.chars().count() <= 120));
    }
}
