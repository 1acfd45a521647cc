//! Assigns a speaker to each word.
//!
//! Words come from the speech recogniser and turns from diarization; only their times connect them. The words, their
//! times and their order stay as they are: each word gets a speaker, or none.

use crate::{AudioTime, Span, Turn, Word};

/// A word outside all turns gets the speaker of the nearest turn within this distance, else none.
const NEAR_MS: u32 = 500;
/// A speaker change within fluent speech moves to a pause or the end of a sentence at most this far away …
const SNAP_MS: u32 = 500;
/// … and at most this many words away.
const SNAP_WORDS: usize = 2;
/// The shortest gap between words that is a pause, in milliseconds: listeners hear gaps of about 0.2 s and more as phrase
/// boundaries.
const PAUSE_MS: u32 = 200;

/// Words that a user assigned to a speaker, or to none. Takes precedence over the turns of this and any later
/// diarization.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Assignment<S> {
    /// Selects the words whose middle is in it.
    pub span: Span,
    /// Their speaker; `None` for words of no known speaker.
    pub speaker: Option<S>,
}

/// The speaker of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WordSpeaker<S> {
    /// The speaker; `None` if unknown.
    pub speaker: Option<S>,
    /// Whether another speaker talks at the same time.
    pub overlap: bool,
    /// Whether a user assigned the speaker.
    pub by_hand: bool,
}

impl<S> WordSpeaker<S> {
    /// A word without a known speaker.
    pub const UNKNOWN: Self = Self { speaker: None, overlap: false, by_hand: false };
}

/// Finds the speaker of each word. `words` and `turns` are in order of start, `assignments` in the order in which the
/// user made them (a later one overrides an earlier one). The result has one entry per word, in the order of `words`.
///
/// A word gets the speaker of the turn that covers most of it. Where turns of two speakers cover it equally, the
/// speaker of the word before wins, else the turn with the higher confidence, else the earlier turn. A word outside all
/// turns gets the speaker of the nearest turn within 0.5 s, else none. A speaker change between words spoken without a
/// pause moves to a nearby pause or end of a sentence, because pauses are located more exactly than turns.
pub fn assign_speakers<S: Copy + PartialEq>(
    words: &[Word],
    turns: &[Turn<S>],
    assignments: &[Assignment<S>],
) -> Vec<WordSpeaker<S>> {
    let index = TurnIndex::new(turns);
    let mut speakers: Vec<WordSpeaker<S>> = Vec::with_capacity(words.len());
    for word in words {
        let previous = speakers.last().and_then(|previous| previous.speaker);
        let nearby = index.nearby(word);
        let speaker = best_speaker(word, nearby, previous);
        let middle = word.middle();
        let mut speaking = nearby.iter().filter(|turn| contains(turn.span, middle)).map(|turn| turn.speaker);
        let overlap = speaking.next().is_some_and(|first| speaking.any(|other| other != first));
        speakers.push(WordSpeaker { speaker, overlap, by_hand: false });
    }
    snap_to_pauses(words, &mut speakers);
    for assignment in assignments {
        for (word, speaker) in words.iter().zip(&mut speakers) {
            if contains(assignment.span, word.middle()) {
                speaker.speaker = assignment.speaker;
                speaker.by_hand = true;
            }
        }
    }
    speakers
}

/// Returns `turns` with the spans of `assignments` replaced by turns of the assigned speakers: nobody else speaks
/// there. Both `turns` and the result are in order of start.
pub fn apply_assignments<S: Copy + PartialEq>(
    turns: &[Turn<S>],
    assignments: &[Assignment<S>],
) -> Vec<Turn<S>> {
    let mut turns = turns.to_vec();
    for Assignment { span, speaker } in assignments {
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

/// Whether `time` is in `span`; an empty span contains its start.
fn contains(span: Span, time: AudioTime) -> bool {
    span.start <= time && (time < span.end || span.start == span.end)
}

/// Finds the turns around a word by binary search. `latest_ends[i]` is the latest end of the turns `0..=i`.
struct TurnIndex<'a, S> {
    turns: &'a [Turn<S>],
    latest_ends: Vec<AudioTime>,
}

impl<'a, S> TurnIndex<'a, S> {
    fn new(turns: &'a [Turn<S>]) -> Self {
        let mut latest = AudioTime::ZERO;
        let latest_ends = turns
            .iter()
            .map(|turn| {
                latest = latest.max(turn.span.end);
                latest
            })
            .collect();
        Self { turns, latest_ends }
    }

    /// All turns within `NEAR_MS` of `word`, and possibly others between them.
    fn nearby(&self, word: &Word) -> &'a [Turn<S>] {
        let from = self.latest_ends.partition_point(|end| end.plus_ms(NEAR_MS) < word.start);
        let last = word.end.plus_ms(NEAR_MS);
        let to = self.turns.partition_point(|turn| turn.span.start <= last);
        self.turns.get(from..to).unwrap_or_default()
    }
}

fn best_speaker<S: Copy + PartialEq>(word: &Word, nearby: &[Turn<S>], previous: Option<S>) -> Option<S> {
    // A word may have no length.
    let end = word.end.max(word.start.plus_ms(1));
    let mut best: Option<(i64, bool, f32, S)> = None;
    for turn in nearby {
        let start = word.start.max(turn.span.start);
        let shared = i64::from(end.min(turn.span.end).since(start));
        // Without overlap the score is the negative distance.
        let away = turn.span.start.since(word.end).max(word.start.since(turn.span.end));
        let score = if shared > 0 { shared } else { -i64::from(away) };
        if score < -i64::from(NEAR_MS) {
            continue;
        }
        let candidate = (score, previous == Some(turn.speaker), turn.confidence.unwrap_or(0.0), turn.speaker);
        let better = best.as_ref().is_none_or(|best| {
            (candidate.0, candidate.1).cmp(&(best.0, best.1)).then(candidate.2.total_cmp(&best.2)).is_gt()
        });
        if better {
            best = Some(candidate);
        }
    }
    best.map(|(.., speaker)| speaker)
}

/// Moves speaker changes within fluent speech to nearby pauses or ends of sentences.
fn snap_to_pauses<S: Copy + PartialEq>(words: &[Word], speakers: &mut [WordSpeaker<S>]) {
    let pauses_before = |at: usize| {
        let [before, word] = [at - 1, at].map(|i| &words[i]);
        word.start.since(before.end) >= PAUSE_MS || before.ends_sentence()
    };
    let mut change = 1;
    while change < words.len() {
        let (left, right) = (speakers[change - 1].speaker, speakers[change].speaker);
        if left == right || left.is_none() || right.is_none() || pauses_before(change) {
            change += 1;
            continue;
        }
        // Only words of these two speakers may be reassigned, and each keeps at least one.
        let begins = speakers[..change].iter().rposition(|s| s.speaker != left).map_or(0, |i| i + 1);
        let ends =
            speakers[change..].iter().position(|s| s.speaker != right).map_or(words.len(), |i| change + i);
        let from = change.saturating_sub(SNAP_WORDS).max(begins + 1);
        let to = (change + SNAP_WORDS).min(ends.saturating_sub(1));
        let here = words[change].start;
        let distance = |at: usize| here.since(words[at].start).max(words[at].start.since(here));
        let place = (from..=to)
            .filter(|at| *at != change && pauses_before(*at) && distance(*at) <= SNAP_MS)
            .min_by_key(|at| distance(*at));
        if let Some(place) = place {
            for moved in &mut speakers[place.min(change)..place.max(change)] {
                moved.speaker = if place < change { right } else { left };
            }
        }
        change = change.max(place.unwrap_or(change)) + 1;
    }
}

#[cfg(test)]
mod tests;
