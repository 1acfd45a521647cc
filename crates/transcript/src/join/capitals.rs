//! Capitals that an engine writes because a window begins, in the middle of a sentence.

use crate::Word;
use std::collections::{HashMap, HashSet};

/// Speech that goes on within this time, in milliseconds, goes on with the same sentence.
const GOES_ON_MS: u32 = 700;

/// Frequent words that are no names and no nouns, so that a capital says only that a sentence or a window begins. In
/// English, German, French, Spanish, Italian, Portuguese and Dutch.
const NEVER_NAMES: &str = "\
    a about after all also although an and any are as at be because been before being but by can could did do does for from \
    had has have he her here his how if in into is it its just like may me more my no not now of on one or our out over she \
    should so some than that the their them then there these they this those to up us was we were what when where which who \
    why will with would you your \
    aber als am auf aus bei bis da dann das dass dem den der des die doch ein eine einen einer eines er es für gegen hat hatte \
    ich im ist kann man mich mir mit nach nicht noch nur oder ohne schon sehr sein sich sind und uns vom von vor war was weil \
    wenn werden wie wir wird zu zum zur über \
    au aussi avec car ce ces cette comme dans de donc du elle en est et eux il ils je la le les leur lui mais ne nous on ou par \
    pas pour que qui sans se ses son sur un une vous \
    al como con del desde el ella ellos entre era es esta este esto hay la las lo los más muy ni nos o para pero porque qué se si \
    sin sobre su sus también un una y ya yo \
    alla anche che ci con da dei della delle di e gli ho il io le ma mi nel non per perché più quando questo sono su \
    ao as com da das do dos ela ele em essa esse foi isso mais mas na nas nem no nos não o os ou para pela pelo por quando que se \
    sem ser seu sua são também um uma \
    aan bij dat de deze dit door een en er het hij hoe ik in is maar met naar niet nog of om ook op te tot uit van voor wat we \
    wel werd worden ze zich zijn";

/// Lowers the capitals of those `beginnings`, indices into `words`, that follow within a sentence. A word that may be a
/// name keeps its capital: one that is written so elsewhere within a sentence, or that is written nowhere else.
pub(super) fn lower(words: &mut [Word], beginnings: &[usize]) {
    let inside: Vec<usize> = beginnings.iter().copied().filter(|at| goes_on(words, *at)).collect();
    if inside.is_empty() {
        return;
    }
    let begins: HashSet<usize> = beginnings.iter().copied().collect();
    // How often each word is written small, less how often with a capital within a sentence.
    let mut small: HashMap<String, i32> = HashMap::new();
    for (i, word) in words.iter().enumerate().skip(1) {
        let within_sentence = !words[i - 1].ends_sentence() && !begins.contains(&i);
        match word.text.chars().find(|c| c.is_alphabetic()) {
            Some(first) if first.is_lowercase() => *small.entry(word.key()).or_default() += 1,
            Some(_) if within_sentence => *small.entry(word.key()).or_default() -= 1,
            _ => {}
        }
    }
    let never_names: HashSet<&str> = NEVER_NAMES.split_whitespace().collect();
    for at in inside {
        let key = words[at].key();
        let seen = small.get(&key).copied().unwrap_or(0);
        if seen > 0 || (seen == 0 && never_names.contains(key.as_str())) {
            let text = std::mem::take(&mut words[at].text);
            words[at].text = text.chars().flat_map(char::to_lowercase).collect();
        }
    }
}

/// Whether the word at `at` has a capital and only a capital, and the sentence before it goes on with it.
fn goes_on(words: &[Word], at: usize) -> bool {
    let (Some(before), Some(word)) = (at.checked_sub(1).map(|before| &words[before]), words.get(at)) else {
        return false;
    };
    let mut letters = word.text.chars().filter(|c| c.is_alphabetic());
    let capital = letters.next().is_some_and(char::is_uppercase) && letters.all(char::is_lowercase);
    // “I” is a word of one letter.
    let word_of_one = word.key() == "i" || word.text.starts_with("I'") || word.text.starts_with("I’");
    capital && !word_of_one && !before.ends_sentence() && word.start.since(before.end) < GOES_ON_MS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AudioTime;

    /// Words 100 ms apart; `|` begins a window, `_` is a pause of a second.
    fn lowered(spec: &str) -> String {
        let (mut words, mut beginnings, mut at) = (Vec::new(), Vec::new(), 0);
        for part in spec.split_whitespace() {
            match part {
                "|" => beginnings.push(words.len()),
                "_" => at += 1000,
                text => {
                    let (start, end) = (AudioTime::from_ms(at), AudioTime::from_ms(at + 200));
                    at += 300;
                    words.push(Word { start, end, text: text.to_owned(), confidence: None, estimated: true });
                }
            }
        }
        lower(&mut words, &beginnings);
        words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_capital_within_a_sentence_goes_unless_it_may_be_a_name() {
        for (spec, text) in [
            ("ask what your country | Can do for you", "ask what your country can do for you"),
            ("| And so it is. | Can we go", "And so it is. Can we go"),
            ("and then | Anna said", "and then Anna said"),
            ("he asked Will and | Will said", "he asked Will and Will said"),
            ("and yesterday | I went", "and yesterday I went"),
            ("and yesterday | I'm told", "and yesterday I'm told"),
            ("we use the | NATO standard", "we use the NATO standard"),
            ("the budget, and | Budget talks", "the budget, and budget talks"),
            ("he stopped _ | The rest is", "he stopped The rest is"),
            ("sagte ich | Das Haus", "sagte ich das Haus"),
            ("sagte | Haus und Hof", "sagte Haus und Hof"),
            ("", ""),
        ] {
            assert_eq!(lowered(spec), text, "{spec}");
        }
    }
}
