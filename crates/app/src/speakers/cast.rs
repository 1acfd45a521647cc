//! The speakers of a meeting as they are shown: who is who, who speaks when, corrections included.

use crate::archive::view::{SpeakerFacts, TurnView};
use crate::refusal::{Code, refuse};
use store::{PersonId, Speaker, SpeakerId, Speakers};
use transcript::{Overlay, Span, Turn, ruled};

/// Longest sample of a speaker's voice, in milliseconds.
const LONGEST_SAMPLE_MS: u32 = 8_000;
/// A turn of this length, in milliseconds, is as good a sample as any longer one.
const GOOD_SAMPLE_MS: u32 = 5_000;

/// A second speaker is named at a line if they speak during it for this long; in a shorter line, for half of it.
const ALSO_MS: u32 = 500;

/// The speakers of a meeting as they are shown.
pub(crate) struct Cast {
    speakers: Vec<Speaker>,
    /// Who speaks when, corrections included, each as who they are shown as.
    turns: Vec<Turn<SpeakerId>>,
    /// The length of the longest of them.
    longest_ms: u32,
}

impl Cast {
    pub(crate) fn of(all: Speakers) -> Self {
        let overlay = overlay(&all);
        let turns = ruled(&all.turns, overlay.assigned());
        let turns: Vec<Turn<SpeakerId>> =
            turns.into_iter().map(|turn| turn.of(overlay.shown(turn.speaker))).collect();
        let longest_ms = turns.iter().map(|turn| turn.span.duration_ms()).max().unwrap_or(0);
        Self { speakers: all.speakers, turns, longest_ms }
    }

    /// For names alone.
    pub(crate) fn named(speakers: Vec<Speaker>) -> Self {
        Self { speakers, turns: Vec::new(), longest_ms: 0 }
    }

    /// Those who are shown, by number.
    pub(crate) fn shown_ones(&self) -> impl Iterator<Item = &Speaker> {
        self.speakers.iter().filter(|speaker| speaker.present && speaker.shown_as == speaker.id)
    }

    /// The speaker as whom `id` is shown: that speaker, or the one into whom they were merged.
    pub(crate) fn shown(&self, id: SpeakerId) -> Option<&Speaker> {
        let shown_as = self.speakers.iter().find(|speaker| speaker.id == id)?.shown_as;
        self.speakers.iter().find(|speaker| speaker.id == shown_as)
    }

    pub(crate) fn name_of(speaker: &Speaker) -> String {
        speaker.name.clone().unwrap_or_else(|| label(speaker.number))
    }

    pub(crate) fn facts(&self) -> Vec<SpeakerFacts> {
        let facts = |speaker: &Speaker| SpeakerFacts {
            id: speaker.id,
            label: label(speaker.number),
            name: speaker.name.clone(),
        };
        self.shown_ones().map(facts).collect()
    }

    /// Why there is nobody who is `wanted`.
    pub(super) fn nobody(&self, wanted: &str) -> anyhow::Error {
        let names = self.shown_ones().map(|one| format!("{} ({})", one.number, Self::name_of(one)));
        let names = names.collect::<Vec<_>>().join(", ");
        let message = match names.is_empty() {
            true => format!("There is no speaker {wanted}: the speakers have not been told apart."),
            false => format!("There is no speaker {wanted}. There are: {names}."),
        };
        refuse(Code::NotFound, message)
    }

    /// Who speaks when, as who they are shown as.
    pub(crate) fn shown_turns(&self) -> &[Turn<SpeakerId>] {
        &self.turns
    }

    pub(crate) fn turns(&self) -> Vec<TurnView> {
        self.turns.iter().map(turn_view).collect()
    }

    /// The stretches of one speaker, corrections included.
    pub(crate) fn turns_of(&self, id: SpeakerId) -> impl Iterator<Item = &Turn<SpeakerId>> {
        self.turns.iter().filter(move |turn| turn.speaker == id)
    }

    /// Who else speaks during a line that `who` says, in order of start, as who they are shown as. Nobody if it is not
    /// known who says it.
    pub(crate) fn also(&self, line: Span, who: Option<SpeakerId>) -> Vec<SpeakerId> {
        let Some(who) = who.and_then(|id| self.shown(id)).map(|speaker| speaker.id) else {
            return Vec::new();
        };
        let needed = ALSO_MS.min(line.duration_ms() / 2).max(1);
        let first = self.turns.partition_point(|turn| turn.span.start.plus_ms(self.longest_ms) <= line.start);
        let here = self.turns[first..].iter().take_while(|turn| turn.span.start < line.end);
        let mut others: Vec<(SpeakerId, u32)> = Vec::new();
        for turn in here.filter(|turn| turn.speaker != who) {
            let common = turn.span.end.min(line.end).since(turn.span.start.max(line.start));
            match others.iter_mut().find(|(other, _)| *other == turn.speaker) {
                Some((_, ms)) => *ms = ms.saturating_add(common),
                None => others.push((turn.speaker, common)),
            }
        }
        others.into_iter().filter(|(_, ms)| *ms >= needed).map(|(other, _)| other).collect()
    }

    /// The best sample of a speaker's voice: long, found with confidence, and without overlap.
    pub(crate) fn sample(&self, id: SpeakerId) -> Option<Span> {
        let score = |turn: &Turn<SpeakerId>| {
            let length = f64::from(turn.span.duration_ms().min(GOOD_SAMPLE_MS));
            let alone = if turn.overlap { 0.3 } else { 1.0 };
            length * alone * f64::from(turn.confidence.unwrap_or(0.5) + 0.5)
        };
        let best = self.turns_of(id).max_by(|a, b| score(a).total_cmp(&score(b)))?.span;
        Some(Span::new(best.start, best.end.min(best.start.plus_ms(LONGEST_SAMPLE_MS))))
    }
}

/// What the corrections of a meeting amount to.
pub(crate) fn overlay(all: &Speakers) -> Overlay<SpeakerId, PersonId> {
    Overlay::of(all.edits.iter().filter(|made| !made.undone).map(|made| &made.edit))
}

pub(crate) fn label(number: i32) -> String {
    format!("Speaker {number}")
}

fn turn_view(turn: &Turn<SpeakerId>) -> TurnView {
    TurnView {
        start_ms: turn.span.start.as_ms(),
        end_ms: turn.span.end.as_ms(),
        speaker_id: turn.speaker,
        confidence: turn.confidence.map(f64::from),
        overlap: turn.overlap,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use transcript::AudioTime;

    #[test]
    fn who_else_speaks_during_a_line_is_found_in_the_turns() {
        let speaker = |number, shown_as: Option<SpeakerId>| {
            let id = SpeakerId::new();
            let shown_as = shown_as.unwrap_or(id);
            Speaker { id, number, name: None, person: None, shown_as, present: true, voice: None }
        };
        let (anna, ben, cleo) = (speaker(1, None), speaker(2, None), speaker(3, None));
        let merged = speaker(4, Some(anna.id));
        let span = |start, end| Span::new(AudioTime::from_ms(start), AudioTime::from_ms(end));
        let turn = |who: &Speaker, start, end| Turn {
            span: span(start, end),
            speaker: who.id,
            confidence: None,
            overlap: false,
        };
        let turns = vec![
            turn(&anna, 0, 60_000),
            turn(&ben, 10_000, 10_400),
            turn(&cleo, 11_000, 11_300),
            turn(&ben, 12_000, 12_100),
            turn(&cleo, 20_000, 30_000),
        ];
        let ids = [anna.id, ben.id, cleo.id, merged.id];
        let cast = Cast { speakers: vec![anna, ben, cleo, merged], turns, longest_ms: 60_000 };
        let [anna, ben, cleo, merged] = ids;
        // Ben twice, half a second together; Cleo for less.
        assert_eq!(cast.also(span(9_000, 13_000), Some(anna)), [ben]);
        assert_eq!(cast.also(span(9_000, 13_000), Some(merged)), [ben]);
        assert_eq!(cast.also(span(9_000, 13_000), Some(ben)), [anna]);
        // Half of a short line is enough.
        assert_eq!(cast.also(span(11_100, 11_400), Some(anna)), [cleo]);
        assert_eq!(cast.also(span(22_000, 24_000), Some(ben)), [anna, cleo]);
        assert!(cast.also(span(9_000, 13_000), None).is_empty());
        assert!(cast.also(span(70_000, 71_000), Some(ben)).is_empty());
        assert!(Cast::named(Vec::new()).also(span(0, 1), Some(anna)).is_empty());
    }
}
