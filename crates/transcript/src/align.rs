//! Which word is whose.
//!
//! Words and turns come from different ears and meet here, by their times alone. Nothing here changes a word, its time or
//! its place among the others: a word is given a speaker, or none.

use crate::{AudioTime, Span, Turn, Word};

/// A word that is in no turn belongs to the nearest one within this, else to nobody.
const NEAR_MS: u32 = 500;
/// A change of speaker within a stretch of fluent speech moves to a pause or the end of a sentence, if one is as near as
/// this …
const SNAP_MS: u32 = 500;
/// … and at most so many words away.
const SNAP_WORDS: usize = 2;
/// What counts as a pause for that. The shortest gap that listeners take for a phrase boundary is about 0.2 s.
const PAUSE_MS: u32 = 200;

/// What was given to somebody by hand, or to nobody. It holds whatever the turns say, now and later.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Assigned<S> {
    /// Words whose middle is in it.
    pub span: Span,
    /// Who says them; `None`: nobody knows.
    pub speaker: Option<S>,
}

/// Whose a word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said<S> {
    /// Who says it, if that is known.
    pub speaker: Option<S>,
    /// Whether somebody else speaks at the same time.
    pub overlap: bool,
    /// Whether somebody said so by hand.
    pub by_hand: bool,
}

impl<S> Said<S> {
    /// Nobody is known to say it.
    pub const UNKNOWN: Self = Self { speaker: None, overlap: false, by_hand: false };
}

/// Says whose each of `words` is: those in order of start, `turns` in order of start, `assigned` in the order in which it
/// was decided (a later decision counts).
///
/// A word belongs to the turn that covers most of it; where turns of two people cover it alike, to who spoke before, else
/// to the surer and the earlier one. A word in no turn belongs to the nearest within 0.5 s, else to nobody. A change of
/// speaker that falls between words spoken without a pause moves to a pause or the end of a sentence nearby, because
/// turns are less exact than pauses.
pub fn align<S: Copy + PartialEq>(
    words: &[Word],
    turns: &[Turn<S>],
    assigned: &[Assigned<S>],
) -> Vec<Said<S>> {
    let reach = Reach::of(turns);
    let mut said: Vec<Said<S>> = Vec::with_capacity(words.len());
    for word in words {
        let before = said.last().and_then(|before| before.speaker);
        let near = reach.near(word);
        let speaker = whose(word, near, before);
        let middle = word.middle();
        let mut speaking = near.iter().filter(|turn| holds(turn.span, middle)).map(|turn| turn.speaker);
        let overlap = speaking.next().is_some_and(|first| speaking.any(|other| other != first));
        said.push(Said { speaker, overlap, by_hand: false });
    }
    snap(words, &mut said);
    for decision in assigned {
        for (word, said) in words.iter().zip(&mut said) {
            if holds(decision.span, word.middle()) {
                said.speaker = decision.speaker;
                said.by_hand = true;
            }
        }
    }
    said
}

/// Who speaks when, once what was `assigned` by hand counts: there, nobody else speaks. `turns` in order of start, as
/// what comes out is.
pub fn ruled<S: Copy + PartialEq>(turns: &[Turn<S>], assigned: &[Assigned<S>]) -> Vec<Turn<S>> {
    let mut turns = turns.to_vec();
    for Assigned { span, speaker } in assigned {
        let mut kept = Vec::with_capacity(turns.len() + 2);
        for turn in turns {
            let before = Span::new(turn.span.start, turn.span.end.min(span.start));
            let after = Span::new(turn.span.start.max(span.end), turn.span.end);
            if turn.span.end <= span.start || span.end <= turn.span.start {
                kept.push(turn);
                continue;
            }
            kept.extend(
                [before, after]
                    .into_iter()
                    .filter(|span| span.duration_ms() > 0)
                    .map(|span| Turn { span, ..turn }),
            );
        }
        kept.extend(speaker.map(|speaker| Turn { span: *span, speaker, confidence: None, overlap: false }));
        turns = kept;
    }
    turns.sort_by_key(|turn| turn.span.start);
    turns
}

/// Whether `moment` is in `span`; an empty span holds its start.
fn holds(span: Span, moment: AudioTime) -> bool {
    span.start <= moment && (moment < span.end || span.start == span.end)
}

/// Turns in order of start, with the latest end among the first so many, to find those around a moment.
struct Reach<'a, S> {
    turns: &'a [Turn<S>],
    ends: Vec<AudioTime>,
}

impl<'a, S> Reach<'a, S> {
    fn of(turns: &'a [Turn<S>]) -> Self {
        let mut latest = AudioTime::ZERO;
        let ends = turns
            .iter()
            .map(|turn| {
                latest = latest.max(turn.span.end);
                latest
            })
            .collect();
        Self { turns, ends }
    }

    /// Turns that may be within reach of `word`, and perhaps some that are not.
    fn near(&self, word: &Word) -> &'a [Turn<S>] {
        let from = self.ends.partition_point(|end| end.plus_ms(NEAR_MS) < word.start);
        let last = word.end.plus_ms(NEAR_MS);
        let to = self.turns.partition_point(|turn| turn.span.start <= last);
        self.turns.get(from..to).unwrap_or_default()
    }
}

fn whose<S: Copy + PartialEq>(word: &Word, near: &[Turn<S>], before: Option<S>) -> Option<S> {
    // A word may be so short that it has no length.
    let end = word.end.max(word.start.plus_ms(1));
    let mut best: Option<(i64, bool, f32, S)> = None;
    for turn in near {
        let start = word.start.max(turn.span.start);
        let shared = i64::from(end.min(turn.span.end).since(start));
        // Without anything shared: how far away it is, as a loss.
        let away = turn.span.start.since(word.end).max(word.start.since(turn.span.end));
        let score = if shared > 0 { shared } else { -i64::from(away) };
        if score < -i64::from(NEAR_MS) {
            continue;
        }
        let found = (score, before == Some(turn.speaker), turn.confidence.unwrap_or(0.0), turn.speaker);
        let better = best.as_ref().is_none_or(|best| {
            (found.0, found.1).cmp(&(best.0, best.1)).then(found.2.total_cmp(&best.2)).is_gt()
        });
        if better {
            best = Some(found);
        }
    }
    best.map(|(.., speaker)| speaker)
}

/// Moves changes of speaker to where speech pauses.
fn snap<S: Copy + PartialEq>(words: &[Word], said: &mut [Said<S>]) {
    let pauses_before = |at: usize| {
        let [before, word] = [at - 1, at].map(|i| &words[i]);
        word.start.since(before.end) >= PAUSE_MS || before.ends_sentence()
    };
    let mut change = 1;
    while change < words.len() {
        let (left, right) = (said[change - 1].speaker, said[change].speaker);
        if left == right || left.is_none() || right.is_none() || pauses_before(change) {
            change += 1;
            continue;
        }
        // Only words of these two may change hands.
        let begins = said[..change].iter().rposition(|s| s.speaker != left).map_or(0, |i| i + 1);
        let ends = said[change..].iter().position(|s| s.speaker != right).map_or(words.len(), |i| change + i);
        let from = change.saturating_sub(SNAP_WORDS).max(begins + 1);
        let to = (change + SNAP_WORDS).min(ends.saturating_sub(1));
        let here = words[change].start;
        let distance = |at: usize| here.since(words[at].start).max(words[at].start.since(here));
        let place = (from..=to)
            .filter(|at| *at != change && pauses_before(*at) && distance(*at) <= SNAP_MS)
            .min_by_key(|at| distance(*at));
        if let Some(place) = place {
            for moved in &mut said[place.min(change)..place.max(change)] {
                moved.speaker = if place < change { right } else { left };
            }
        }
        change = change.max(place.unwrap_or(change)) + 1;
    }
}

#[cfg(test)]
mod tests;
