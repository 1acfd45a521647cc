//! Removes the capitals that an engine writes at the start of a window in the middle of a sentence.

use crate::Word;
use std::collections::{HashMap, HashSet};

/// After a gap shorter than this, in milliseconds, speech continues the same sentence.
const SENTENCE_GAP_MS: u32 = 700;

/// Frequent words that are neither names nor nouns: a capital means only that a sentence or a window begins. In
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

/// Writes words that begin a window within a sentence in lower case. `window_starts` are indices into `words`.
///
/// Such a word changes if the transcript has it more often in lower case than with a capital within a sentence, or as
/// often and it is one of [`NEVER_NAMES`]. Others may be names and keep their capital.
pub(super) fn lower_window_capitals(words: &mut [Word], window_starts: &[usize]) {
    let within: Vec<usize> =
        window_starts.iter().copied().filter(|at| continues_sentence(words, *at)).collect();
    if within.is_empty() {
        return;
    }
    let starts: HashSet<usize> = window_starts.iter().copied().collect();
    // How often each word is in lower case, minus how often it has a capital within a sentence.
    let mut lower_case: HashMap<String, i32> = HashMap::new();
    for (i, word) in words.iter().enumerate().skip(1) {
        let within_sentence = !words[i - 1].ends_sentence() && !starts.contains(&i);
        match word.text.chars().find(|c| c.is_alphabetic()) {
            Some(first) if first.is_lowercase() => *lower_case.entry(word.comparison_key()).or_default() += 1,
            Some(_) if within_sentence => *lower_case.entry(word.comparison_key()).or_default() -= 1,
            _ => {}
        }
    }
    let never_names: HashSet<&str> = NEVER_NAMES.split_whitespace().collect();
    for at in within {
        let key = words[at].comparison_key();
        let balance = lower_case.get(&key).copied().unwrap_or(0);
        if balance > 0 || (balance == 0 && never_names.contains(key.as_str())) {
            let text = std::mem::take(&mut words[at].text);
            words[at].text = text.chars().flat_map(char::to_lowercase).collect();
        }
    }
}

/// Whether the word at `at` is capitalised (first letter only) and continues the sentence of the word before it.
fn continues_sentence(words: &[Word], at: usize) -> bool {
    let (Some(before), Some(word)) = (at.checked_sub(1).map(|before| &words[before]), words.get(at)) else {
        return false;
    };
    let mut letters = word.text.chars().filter(|c| c.is_alphabetic());
    let capital = letters.next().is_some_and(char::is_uppercase) && letters.all(char::is_lowercase);
    // English “I” always has a capital.
    let pronoun_i =
        word.comparison_key() == "i" || word.text.starts_with("I'") || word.text.starts_with("I’");
    capital && !pronoun_i && !before.ends_sentence() && word.start.since(before.end) < SENTENCE_GAP_MS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AudioTime;

    /// Lowers the capitals of words 100 ms apart; `|` begins a window, `_` is a pause of a second.
    fn lowered(spec: &str) -> String {
        let (mut words, mut window_starts, mut at) = (Vec::new(), Vec::new(), 0);
        for part in spec.split_whitespace() {
            match part {
                "|" => window_starts.push(words.len()),
                "_" => at += 1000,
                text => {
                    let (start, end) = (AudioTime::from_ms(at), AudioTime::from_ms(at + 200));
                    at += 300;
                    words.push(Word { start, end, text: text.to_owned(), confidence: None, estimated: true });
                }
            }
        }
        lower_window_capitals(&mut words, &window_starts);
        words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_capital_within_a_sentence_is_lowered_unless_it_may_be_a_name() {
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
