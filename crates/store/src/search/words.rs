//! Cuts text into words, as `meetmemo_search_words` of the migration does in SQL: the n-th word here is the n-th position
//! there. That leads from a position in an index to the letters to mark.
//!
//! Not here: lower case, accents and stems. The database has them.

use std::ops::RangeInclusive;
use unicode_normalization::char::{canonical_combining_class, compose};
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// Characters between words, beyond ASCII. In ASCII everything but letters and digits separates.
const SEPARATORS: [RangeInclusive<char>; 47] = [
    '\u{80}'..='\u{a9}',
    '\u{ab}'..='\u{b1}',
    '\u{b4}'..='\u{b4}',
    '\u{b6}'..='\u{b8}',
    '\u{bb}'..='\u{bf}',
    '\u{d7}'..='\u{d7}',
    '\u{f7}'..='\u{f7}',
    '\u{2c2}'..='\u{2df}',
    '\u{37e}'..='\u{37e}',
    '\u{387}'..='\u{387}',
    '\u{55a}'..='\u{55f}',
    '\u{589}'..='\u{589}',
    '\u{5be}'..='\u{5be}',
    '\u{5c0}'..='\u{5c0}',
    '\u{5c3}'..='\u{5c3}',
    '\u{5f3}'..='\u{5f4}',
    '\u{60c}'..='\u{60c}',
    '\u{61b}'..='\u{61b}',
    '\u{61f}'..='\u{61f}',
    '\u{66a}'..='\u{66d}',
    '\u{6d4}'..='\u{6d4}',
    '\u{964}'..='\u{965}',
    '\u{e4f}'..='\u{e4f}',
    '\u{e5a}'..='\u{e5b}',
    '\u{104a}'..='\u{104f}',
    '\u{1680}'..='\u{1680}',
    '\u{17d4}'..='\u{17d6}',
    '\u{17d8}'..='\u{17da}',
    // The same as ` and ´.
    '\u{1fef}'..='\u{1fef}',
    '\u{1ffd}'..='\u{1ffd}',
    '\u{2000}'..='\u{200b}',
    '\u{200e}'..='\u{206f}',
    '\u{20a0}'..='\u{20cf}',
    '\u{2190}'..='\u{2bff}',
    '\u{3000}'..='\u{3004}',
    '\u{3008}'..='\u{3020}',
    '\u{3030}'..='\u{3030}',
    '\u{303d}'..='\u{303d}',
    '\u{30a0}'..='\u{30a0}',
    '\u{30fb}'..='\u{30fb}',
    '\u{fe10}'..='\u{fe1f}',
    '\u{fe30}'..='\u{fe6f}',
    '\u{feff}'..='\u{feff}',
    '\u{ff00}'..='\u{ff0f}',
    '\u{ff1a}'..='\u{ff20}',
    '\u{ff3b}'..='\u{ff40}',
    '\u{ff5b}'..='\u{ff65}',
];

/// The last separators; apart, because they are rare.
const RARE_SEPARATORS: [RangeInclusive<char>; 2] = ['\u{ffe0}'..='\u{ffff}', '\u{1f000}'..='\u{1faff}'];

/// Characters of scripts without spaces between words: Thai, Lao, Myanmar, Khmer, Han, kana and Hangul.
const RUNS: [RangeInclusive<char>; 18] = [
    '\u{e01}'..='\u{eff}',
    '\u{1000}'..='\u{1049}',
    '\u{1050}'..='\u{109f}',
    '\u{1100}'..='\u{11ff}',
    '\u{1780}'..='\u{17d3}',
    '\u{3005}'..='\u{3007}',
    '\u{3041}'..='\u{3096}',
    '\u{309d}'..='\u{309f}',
    '\u{30a1}'..='\u{30fa}',
    '\u{30fc}'..='\u{30ff}',
    '\u{3130}'..='\u{318f}',
    '\u{31f0}'..='\u{31ff}',
    '\u{3400}'..='\u{4dbf}',
    '\u{4e00}'..='\u{9fff}',
    '\u{ac00}'..='\u{d7af}',
    '\u{f900}'..='\u{faff}',
    '\u{ff66}'..='\u{ffdc}',
    '\u{20000}'..='\u{3ffff}',
];

fn contains(ranges: &[RangeInclusive<char>], letter: char) -> bool {
    ranges.iter().any(|range| range.contains(&letter))
}

fn is_separator(letter: char) -> bool {
    match letter.is_ascii() {
        true => !letter.is_ascii_alphanumeric(),
        false => contains(&SEPARATORS, letter) || contains(&RARE_SEPARATORS, letter),
    }
}

/// Whether `letter` is of a script without spaces between words. Such a letter is a word of its own here; in the index it
/// stands together with the one after it.
pub(super) fn is_of_run(letter: char) -> bool {
    !letter.is_ascii() && contains(&RUNS, letter)
}

/// The words of a text, from–to in code points.
pub(crate) fn word_spans(text: &str) -> Vec<(u32, u32)> {
    match is_nfc(text) {
        true => spans((0..).zip(text.chars()).map(|(at, letter)| (letter, at, at + 1))),
        false => spans(composed(text).into_iter()),
    }
}

/// The words of letters, each with its place in the text, from–to.
fn spans(letters: impl Iterator<Item = (char, u32, u32)>) -> Vec<(u32, u32)> {
    let mut spans = Vec::new();
    let mut word: Option<(u32, u32)> = None;
    for (letter, from, to) in letters {
        let separates = is_separator(letter);
        let run = !separates && is_of_run(letter);
        if run || separates {
            spans.extend(word.take());
        } else {
            word = Some((word.map_or(from, |(begin, _)| begin), to));
        }
        if run {
            spans.push((from, to));
        }
    }
    spans.extend(word);
    spans
}

/// The letters of a text as the database composes it (NFC), each with the place of what it was made of.
fn composed(text: &str) -> Vec<(char, u32, u32)> {
    let letters: Vec<char> = text.chars().collect();
    let mut all = Vec::with_capacity(letters.len());
    let mut from = 0;
    while from < letters.len() {
        let (mut to, mut starter) = (from + 1, letters[from]);
        while let Some(next) = letters.get(to) {
            match compose(starter, *next) {
                Some(whole) => starter = whole,
                None if canonical_combining_class(*next) == 0 => break,
                None => {}
            }
            to += 1;
        }
        let before = &letters[from..to];
        let after: Vec<char> = before.iter().copied().nfc().collect();
        let place = |index: usize| match after == before {
            true => (from + index, from + index + 1),
            false => (from, to),
        };
        all.extend(after.iter().enumerate().map(|(index, letter)| {
            let (from, to) = place(index);
            (*letter, u32::try_from(from).unwrap_or(u32::MAX), u32::try_from(to).unwrap_or(u32::MAX))
        }));
        from = to;
    }
    all
}

/// How many words a text has.
pub(super) fn count_words(text: &str) -> usize {
    word_spans(text).len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let letters: Vec<char> = text.chars().collect();
        let word = |(from, to): (u32, u32)| letters[from as usize..to as usize].iter().collect();
        word_spans(text).into_iter().map(word).collect()
    }

    #[test]
    fn words_are_cut_at_punctuation_and_letters_of_runs_stand_alone() {
        assert_eq!(words("“It’s 3.5 %,” she said…"), ["It", "s", "3", "5", "she", "said"]);
        assert_eq!(words("e-mail an Größe\u{a0}42"), ["e", "mail", "an", "Größe", "42"]);
        assert_eq!(words("会議を abc猫"), ["会", "議", "を", "abc", "猫"]);
        assert_eq!(words("a\u{301}b 🙂 c"), ["a\u{301}b", "c"]);
        assert_eq!(
            words("か\u{3099}は\u{309a} \u{1112}\u{1161}\u{11ab}"),
            ["か\u{3099}", "は\u{309a}", "\u{1112}\u{1161}\u{11ab}"]
        );
        assert_eq!(words(" – "), [""; 0]);
        assert_eq!(count_words("one two"), 2);
    }
}
