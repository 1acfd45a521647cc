//! Finding the language of a recording while it is recognised, for models that can tell.
//!
//! The library names the likeliest language of a window and no probability, so the first windows with enough speech vote.
//! They are recognised in the language found in each of them, so that words appear at once; those in another language
//! than the one that wins are recognised again.

use crate::archive::view::OtherLanguage;
use std::collections::HashMap;
use store::Window;

/// So many windows vote.
pub(crate) const VOTERS: usize = 3;
/// A window votes if it holds at least this many seconds of speech: in less, languages are mixed up.
pub(crate) const LEAST_SPEECH_S: f64 = 5.0;

/// A window that is recognised before the language is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Early {
    /// Its number.
    pub(crate) index: u32,
    /// Whether it holds enough speech to vote.
    pub(crate) votes: bool,
}

/// How a vote ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Vote {
    /// Not all windows are recognised yet.
    Open,
    /// Nothing was said in any of them.
    Silent,
    /// The language of the recording, and the windows whose words are in another one.
    Settled { language: String, again: Vec<u32> },
}

/// Counts the votes of `windows`, which are in order of time. `found` holds the language of each recognised window, or
/// `None` where nothing was said. The most votes win, and among equals the earliest; windows with little speech decide
/// only where no other window has a language.
pub(crate) fn vote(windows: &[Early], found: &HashMap<u32, Option<String>>) -> Vote {
    if !windows.iter().all(|window| found.contains_key(&window.index)) {
        return Vote::Open;
    }
    let language = |window: &Early| found.get(&window.index).cloned().flatten();
    let mut counts: Vec<(String, usize)> = Vec::new();
    for language in windows.iter().filter(|window| window.votes).filter_map(language) {
        match counts.iter_mut().find(|(counted, _)| *counted == language) {
            Some((_, votes)) => *votes += 1,
            None => counts.push((language, 1)),
        }
    }
    // `max_by_key` gives the last of several, so the earliest comes last.
    let winner = counts.into_iter().rev().max_by_key(|(_, votes)| *votes).map(|(language, _)| language);
    let Some(winner) = winner.or_else(|| windows.iter().find_map(language)) else { return Vote::Silent };
    let differs = |window: &&Early| language(window).is_some_and(|language| language != winner);
    let again = windows.iter().filter(differs).map(|window| window.index).collect();
    Vote::Settled { language: winner, again }
}

/// So many windows in a row make a change of language. One alone may be a name, a song or noise.
const IN_A_ROW: usize = 2;

/// Where a recording seems to be in another language than its text: where the engine finds the same other language in
/// several windows in a row. Windows without words do not count.
pub(crate) fn other_languages(windows: &[Window]) -> Vec<OtherLanguage> {
    let spoken: Vec<&Window> = windows.iter().filter(|window| window.language.is_some()).collect();
    let runs = spoken.chunk_by(|a, b| a.other_language == b.other_language);
    let changes = runs.filter_map(|run| {
        let language = run[0].other_language.clone().filter(|_| run.len() >= IN_A_ROW)?;
        Some(OtherLanguage { start_ms: run[0].span.start.as_ms(), language })
    });
    changes.collect()
}

/// The end of the windows that are committed without a gap from the first, in milliseconds. What is before it stays as it
/// is until the version is complete, once the language is settled.
pub(crate) fn settled_to(windows: &[Window]) -> u32 {
    let without_gap =
        windows.iter().enumerate().take_while(|(place, window)| *place == window.index as usize);
    without_gap.last().map_or(0, |(_, window)| window.span.end.as_ms())
}

#[cfg(test)]
mod tests {
    use super::*;
    use transcript::{AudioTime, Span};

    /// `en de- -`: a window for each part, with its language; `-` after it: too short to vote; `?`: not recognised yet.
    fn count(spec: &str) -> Vote {
        let mut windows = Vec::new();
        let mut found = HashMap::new();
        for (index, part) in (0..).zip(spec.split_whitespace()) {
            let votes = part == "0" || part == "?" || !part.ends_with('-');
            windows.push(Early { index, votes });
            let language = part.trim_end_matches('-');
            if language != "?" {
                found.insert(index, Some(language.to_owned()).filter(|language| language.len() == 2));
            }
        }
        vote(&windows, &found)
    }

    fn settled(language: &str, again: &[u32]) -> Vote {
        Vote::Settled { language: language.to_owned(), again: again.to_vec() }
    }

    #[test]
    fn the_most_votes_win_and_the_rest_is_recognised_again() {
        assert_eq!(count("en en en"), settled("en", &[]));
        assert_eq!(count("pl ru ru"), settled("ru", &[0]));
        assert_eq!(count("en de de- fr-"), settled("en", &[1, 2, 3]), "the earliest among equals");
        assert_eq!(count("pl- ru"), settled("ru", &[0]), "a short window does not vote");
        assert_eq!(count("- pl- ru-"), settled("pl", &[2]), "short windows decide where there is no other");
        assert_eq!(count("0 0 de"), settled("de", &[]), "windows without words are not recognised again");
    }

    #[test]
    fn no_language_is_made_up_and_none_is_settled_too_early() {
        assert_eq!(count("0 0 0"), Vote::Silent);
        assert_eq!(count(""), Vote::Silent);
        assert_eq!(count("en ? en"), Vote::Open);
    }

    /// `en en/de -`: a window of ten seconds for each part, with its language and the other one; `-` without words.
    fn windows(spec: &str) -> Vec<Window> {
        let parts = (0..).zip(spec.split_whitespace());
        let window = |(index, part): (u32, &str)| {
            let mut languages = part.split('/').map(str::to_owned).filter(|language| language != "-");
            let (start, end) = (AudioTime::from_ms(index * 10_000), AudioTime::from_ms((index + 1) * 10_000));
            let (language, other_language) = (languages.next(), languages.next());
            Window { index, span: Span::new(start, end), language, other_language }
        };
        parts.map(window).collect()
    }

    #[test]
    fn a_change_of_language_is_told_where_it_lasts() {
        let told = |spec| -> Vec<String> {
            let changes = other_languages(&windows(spec)).into_iter();
            changes.map(|change| format!("{} {}", change.start_ms, change.language)).collect()
        };
        assert_eq!(told("en en/de en/de - en/de en"), ["10000 de"]);
        assert_eq!(told("en en/de en en/fr en"), Vec::<String>::new(), "one window alone says nothing");
        assert_eq!(told("en/de - en/de en/fr en/fr"), ["0 de", "30000 fr"]);
        assert_eq!(told(""), Vec::<String>::new());
    }

    #[test]
    fn windows_are_settled_up_to_the_first_that_is_missing() {
        let mut all = windows("en en en en");
        assert_eq!(settled_to(&all), 40_000);
        all.remove(1);
        assert_eq!((settled_to(&all), settled_to(&all[1..]), settled_to(&[])), (10_000, 0, 0));
    }
}
