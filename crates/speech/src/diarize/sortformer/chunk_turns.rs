//! The turns of chunks: clips them to spans, matches the speakers of two chunks by time, joins and numbers turns.

use transcript::{Span, Turn};

/// Without embeddings, two speakers of consecutive chunks are the same if they speak at the same time for at least this
/// share of the time of the one who speaks less, in the shared minute.
const MATCH_SHARE: f32 = 0.5;
/// Turns of a speaker with at most this pause between them are joined, in milliseconds.
const MAX_PAUSE_MS: u32 = 200;

/// A speaker of a chunk, as an index into the speakers of all chunks.
pub(super) type ChunkSpeaker = usize;

/// Milliseconds that both spans contain.
pub(super) fn overlap_ms(a: Span, b: Span) -> u32 {
    a.end.min(b.end).as_ms().saturating_sub(a.start.max(b.start).as_ms())
}

/// The length of a span in milliseconds.
pub(super) fn length(span: Span) -> u32 {
    span.end.as_ms().saturating_sub(span.start.as_ms())
}

/// The part of a turn that lies in `span`, if there is any.
pub(super) fn clip(turn: &Turn<ChunkSpeaker>, span: Span) -> Option<Turn<ChunkSpeaker>> {
    let (start, end) = (turn.span.start.max(span.start), turn.span.end.min(span.end));
    (start < end).then(|| Turn { span: Span::new(start, end), ..*turn })
}

/// Matches the speakers of two sets of turns by the time during which both speak in `span`, those who share most time
/// first. Each speaker is matched at most once.
pub(super) fn match_by_time(
    before: &[Turn<ChunkSpeaker>],
    after: &[Turn<ChunkSpeaker>],
    span: Span,
) -> Vec<(ChunkSpeaker, ChunkSpeaker)> {
    let clipped = |turns: &[Turn<ChunkSpeaker>]| -> Vec<Turn<ChunkSpeaker>> {
        turns.iter().filter_map(|turn| clip(turn, span)).collect()
    };
    let (before, after) = (clipped(before), clipped(after));
    let speakers = |turns: &[Turn<ChunkSpeaker>]| {
        let mut speakers: Vec<ChunkSpeaker> = turns.iter().map(|turn| turn.speaker).collect();
        speakers.sort_unstable();
        speakers.dedup();
        speakers
    };
    let time = |turns: &[Turn<ChunkSpeaker>], speaker: ChunkSpeaker| -> u32 {
        saturating_sum(turns.iter().filter(|turn| turn.speaker == speaker).map(|turn| length(turn.span)))
    };
    let mut pairs = Vec::new();
    for a in speakers(&before) {
        for b in speakers(&after) {
            let of_a = before.iter().filter(|turn| turn.speaker == a);
            let shared =
                saturating_sum(of_a.flat_map(|x| {
                    after.iter().filter(|y| y.speaker == b).map(|y| overlap_ms(x.span, y.span))
                }));
            if shared > 0 && shared as f32 >= MATCH_SHARE * time(&before, a).min(time(&after, b)) as f32 {
                pairs.push((shared, a, b));
            }
        }
    }
    pairs.sort_by_key(|(shared, a, b)| (std::cmp::Reverse(*shared), *a, *b));
    let mut matches: Vec<(ChunkSpeaker, ChunkSpeaker)> = Vec::new();
    for (_, a, b) in pairs {
        if !matches.iter().any(|(x, y)| *x == a || *y == b) {
            matches.push((a, b));
        }
    }
    matches
}

/// The sum of `lengths`, which cannot overflow, whatever times the model gives.
pub(super) fn saturating_sum(lengths: impl Iterator<Item = u32>) -> u32 {
    lengths.fold(0, u32::saturating_add)
}

/// Joins turns of a speaker that touch or nearly touch, and marks turns in which others speak for more than half of the
/// time.
pub(super) fn join_turns(mut turns: Vec<Turn<usize>>) -> Vec<Turn<usize>> {
    turns.sort_by_key(|turn| (turn.span.start, turn.speaker));
    let mut joined: Vec<Turn<usize>> = Vec::new();
    for turn in turns {
        let last = joined.iter_mut().rev().find(|last| last.speaker == turn.speaker);
        match last {
            Some(last) if turn.span.start.as_ms() <= last.span.end.as_ms().saturating_add(MAX_PAUSE_MS) => {
                let (a, b) = (length(last.span) as f32, length(turn.span) as f32);
                let weighted = |x: f32, y: f32| (x * a + y * b) / (a + b).max(1.0);
                last.confidence = last.confidence.zip(turn.confidence).map(|(x, y)| weighted(x, y));
                last.span.end = last.span.end.max(turn.span.end);
            }
            _ => joined.push(turn),
        }
    }
    let overlaps: Vec<bool> = joined
        .iter()
        .map(|turn| {
            let others = joined.iter().filter(|other| other.speaker != turn.speaker);
            // Time in which several others speak counts for each of them, so rather too many turns are marked.
            saturating_sum(others.map(|other| overlap_ms(turn.span, other.span))) > length(turn.span) / 2
        })
        .collect();
    for (turn, overlap) in joined.iter_mut().zip(overlaps) {
        turn.overlap = overlap;
    }
    joined
}

/// Numbers the speakers in order of their first turn. Returns the old number of each too.
pub(super) fn numbered_by_first_turn(turns: Vec<Turn<usize>>) -> (Vec<Turn>, Vec<usize>) {
    let mut order: Vec<usize> = Vec::new();
    let turns = turns
        .into_iter()
        .map(|turn| {
            let known = order.iter().position(|speaker| *speaker == turn.speaker);
            let number = known.unwrap_or_else(|| {
                order.push(turn.speaker);
                order.len() - 1
            });
            turn.with_speaker(number as u32)
        })
        .collect();
    (turns, order)
}
