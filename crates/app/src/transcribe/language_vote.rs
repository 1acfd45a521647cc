//! Finds the language of a recording while it is recognised, for models that detect languages.
//!
//! The engine names the likeliest language of a window without a probability, so the first windows with enough speech
//! vote. Each of them is recognised in the language detected in it, so that words appear at once. The language with the
//! most votes is stored with the version; in the same transaction the windows in another language are removed, and then
//! recognised again. All later windows are recognised in the winning language.
//!
//! Every window with enough speech is also checked against the language that the model detects in it. A difference is
//! stored with the window (`other_language`); [`other_languages`] reports a language that was detected in two windows
//! in a row.

use crate::archive::view::OtherLanguage;
use std::collections::HashMap;
use store::TranscriptWindow;

/// Number of windows that vote.
pub(crate) const VOTES_NEEDED: usize = 3;
/// Speech in seconds that a window needs to vote. Detection is unreliable with less.
pub(crate) const MIN_SPEECH_S: f64 = 5.0;

/// A window that is recognised before the language is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EarlyWindow {
    /// Its number, from 0.
    pub(crate) index: u32,
    /// Whether it has enough speech to vote.
    pub(crate) votes: bool,
}

/// The result of a vote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Vote {
    /// Some of the windows are not recognised yet.
    Open,
    /// None of the windows contains words.
    Silent,
    /// The language of the recording, and the indices of the windows that were recognised in another one.
    Settled { language: String, again: Vec<u32> },
}

/// Counts the votes of `windows`, which are in order of time. `found` has the language of each recognised window,
/// `None` for one without words. The language with the most votes wins, and of several the earliest. Windows with
/// little speech decide only if no other window has a language.
pub(crate) fn vote(windows: &[EarlyWindow], found: &HashMap<u32, Option<String>>) -> Vote {
    if !windows.iter().all(|window| found.contains_key(&window.index)) {
        return Vote::Open;
    }
    let language = |window: &EarlyWindow| found.get(&window.index).cloned().flatten();
    let mut counts: Vec<(String, usize)> = Vec::new();
    for language in windows.iter().filter(|window| window.votes).filter_map(language) {
        match counts.iter_mut().find(|(counted, _)| *counted == language) {
            Some((_, votes)) => *votes += 1,
            None => counts.push((language, 1)),
        }
    }
    // `max_by_key` returns the last maximum, so the earliest language comes last.
    let winner = counts.into_iter().rev().max_by_key(|(_, votes)| *votes).map(|(language, _)| language);
    let Some(winner) = winner.or_else(|| windows.iter().find_map(language)) else { return Vote::Silent };
    let differs = |window: &&EarlyWindow| language(window).is_some_and(|language| language != winner);
    let again = windows.iter().filter(differs).map(|window| window.index).collect();
    Vote::Settled { language: winner, again }
}

/// Number of consecutive windows that make a change of language. A single one may be a name, a song or noise.
const MIN_RUN: usize = 2;

/// The places where a recording seems to be in another language than its text: runs of at least [`MIN_RUN`] windows in
/// which the engine detected the same other language. Windows without words are ignored.
pub(crate) fn other_languages(windows: &[TranscriptWindow]) -> Vec<OtherLanguage> {
    let spoken: Vec<&TranscriptWindow> = windows.iter().filter(|window| window.language.is_some()).collect();
    let runs = spoken.chunk_by(|a, b| a.other_language == b.other_language);
    let changes = runs.filter_map(|run| {
        let language = run[0].other_language.clone().filter(|_| run.len() >= MIN_RUN)?;
        Some(OtherLanguage { start_ms: run[0].span.start.as_ms(), language })
    });
    changes.collect()
}

/// The end of the committed windows, counted from the first one up to the first gap, in milliseconds. Once the language
/// is settled, the text before it does not change until the version is complete.
pub(crate) fn settled_to(windows: &[TranscriptWindow]) -> u32 {
    let without_gap =
        windows.iter().enumerate().take_while(|(position, window)| *position == window.index as usize);
    without_gap.last().map_or(0, |(_, window)| window.span.end.as_ms())
}

#[cfg(test)]
mod tests {
    use super::*;
    use transcript::{AudioTime, Span};

    /// Runs a vote. `en de- -`: one window per word, with its language; `-` behind it: too short to vote; `0`: without
    /// words; `?`: not recognised yet.
    fn count(spec: &str) -> Vote {
        let mut windows = Vec::new();
        let mut found = HashMap::new();
        for (index, part) in (0..).zip(spec.split_whitespace()) {
            let votes = part == "0" || part == "?" || !part.ends_with('-');
            windows.push(EarlyWindow { index, votes });
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
    fn the_language_with_the_most_votes_wins_and_other_windows_are_recognised_again() {
        assert_eq!(count("en en en"), settled("en", &[]));
        assert_eq!(count("pl ru ru"), settled("ru", &[0]));
        assert_eq!(count("en de de- fr-"), settled("en", &[1, 2, 3]), "the earliest among equals");
        assert_eq!(count("pl- ru"), settled("ru", &[0]), "a short window does not vote");
        assert_eq!(count("- pl- ru-"), settled("pl", &[2]), "short windows decide where there is no other");
        assert_eq!(count("0 0 de"), settled("de", &[]), "windows without words are not recognised again");
    }

    #[test]
    fn windows_without_words_settle_no_language_and_a_vote_waits_for_all_windows() {
        assert_eq!(count("0 0 0"), Vote::Silent);
        assert_eq!(count(""), Vote::Silent);
        assert_eq!(count("en ? en"), Vote::Open);
    }

    /// `en en/de -`: one window of ten seconds per word, with its language and the other one; `-`: without words.
    fn windows(spec: &str) -> Vec<TranscriptWindow> {
        let parts = (0..).zip(spec.split_whitespace());
        let window = |(index, part): (u32, &str)| {
            let mut languages = part.split('/').map(str::to_owned).filter(|language| language != "-");
            let (start, end) = (AudioTime::from_ms(index * 10_000), AudioTime::from_ms((index + 1) * 10_000));
            let (language, other_language) = (languages.next(), languages.next());
            TranscriptWindow { index, span: Span::new(start, end), language, other_language }
        };
        parts.map(window).collect()
    }

    #[test]
    fn a_change_of_language_is_reported_if_it_lasts() {
        let changes = |spec| -> Vec<String> {
            let found = other_languages(&windows(spec)).into_iter();
            found.map(|change| format!("{} {}", change.start_ms, change.language)).collect()
        };
        assert_eq!(changes("en en/de en/de - en/de en"), ["10000 de"]);
        assert_eq!(changes("en en/de en en/fr en"), Vec::<String>::new(), "one window alone does not count");
        assert_eq!(changes("en/de - en/de en/fr en/fr"), ["0 de", "30000 fr"]);
        assert_eq!(changes(""), Vec::<String>::new());
    }

    #[test]
    fn text_is_settled_up_to_the_first_missing_window() {
        let mut all = windows("en en en en");
        assert_eq!(settled_to(&all), 40_000);
        all.remove(1);
        assert_eq!((settled_to(&all), settled_to(&all[1..]), settled_to(&[])), (10_000, 0, 0));
    }
}
