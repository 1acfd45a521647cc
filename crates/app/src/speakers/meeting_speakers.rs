//! The speakers of a meeting as they are shown: merges, names and assignments applied to what diarization found.

use crate::archive::view::{SpeakerSummary, TurnView};
use crate::user_error::{ErrorCode, user_error};
use store::{PersonId, Speaker, SpeakerData, SpeakerId};
use transcript::{AppliedEdits, Span, Turn, apply_assignments};

/// Maximum length of a voice sample, in milliseconds.
const MAX_SAMPLE_MS: u32 = 8_000;
/// Length in milliseconds above which a longer turn is no better as a sample.
const GOOD_SAMPLE_MS: u32 = 5_000;

/// Milliseconds that another speaker must speak during a segment to be named with it; half of a shorter segment.
const MIN_OVERLAP_MS: u32 = 500;

/// The speakers and turns of a meeting, with all edits applied.
pub(crate) struct MeetingSpeakers {
    speakers: Vec<Speaker>,
    /// The turns in order of start, each with the speaker it is shown as.
    turns: Vec<Turn<SpeakerId>>,
    /// Length of the longest turn, in milliseconds.
    longest_ms: u32,
}

impl MeetingSpeakers {
    /// Applies the edits of a meeting to its turns.
    pub(crate) fn new(all: SpeakerData) -> Self {
        let turns = shown_turns(&all);
        let longest_ms = turns.iter().map(|turn| turn.span.duration_ms()).max().unwrap_or(0);
        Self { speakers: all.speakers, turns, longest_ms }
    }

    /// The speakers without their turns, if only names are needed.
    pub(crate) fn without_turns(speakers: Vec<Speaker>) -> Self {
        Self { speakers, turns: Vec::new(), longest_ms: 0 }
    }

    /// The speakers that are shown, by number: without merged ones and those without words or turns.
    pub(crate) fn visible(&self) -> impl Iterator<Item = &Speaker> {
        self.speakers.iter().filter(|speaker| speaker.present && speaker.shown_as == speaker.id)
    }

    /// The speaker that `id` is shown as: that speaker, or the one it was merged into.
    pub(crate) fn resolve(&self, id: SpeakerId) -> Option<&Speaker> {
        let shown_as = self.speakers.iter().find(|speaker| speaker.id == id)?.shown_as;
        self.speakers.iter().find(|speaker| speaker.id == shown_as)
    }

    /// The name of a speaker, else “Speaker” and the number.
    pub(crate) fn display_name(speaker: &Speaker) -> String {
        speaker.name.clone().unwrap_or_else(|| label(speaker.number))
    }

    /// The visible speakers for JSON.
    pub(crate) fn summaries(&self) -> Vec<SpeakerSummary> {
        let summary = |speaker: &Speaker| SpeakerSummary {
            id: speaker.id,
            label: label(speaker.number),
            name: speaker.name.clone(),
        };
        self.visible().map(summary).collect()
    }

    /// The error for a speaker `wanted` that does not exist. It lists the speakers.
    pub(super) fn not_found(&self, wanted: &str) -> anyhow::Error {
        let names = self.visible().map(|one| format!("{} ({})", one.number, Self::display_name(one)));
        let names = names.collect::<Vec<_>>().join(", ");
        let message = match names.is_empty() {
            true => format!("There is no speaker {wanted}: the speakers have not been detected."),
            false => format!("There is no speaker {wanted}. There are: {names}."),
        };
        user_error(ErrorCode::NotFound, message)
    }

    /// The turns in order of start, each with the speaker it is shown as.
    pub(crate) fn turns(&self) -> &[Turn<SpeakerId>] {
        &self.turns
    }

    /// The same for JSON.
    pub(crate) fn turn_views(&self) -> Vec<TurnView> {
        self.turns.iter().map(turn_view).collect()
    }

    /// The turns of one speaker.
    pub(crate) fn turns_of(&self, id: SpeakerId) -> impl Iterator<Item = &Turn<SpeakerId>> {
        self.turns.iter().filter(move |turn| turn.speaker == id)
    }

    /// The other speakers who speak during `span`, a segment of `speaker`, in order of start. Empty if the segment has
    /// no speaker.
    pub(crate) fn others_during(&self, span: Span, speaker: Option<SpeakerId>) -> Vec<SpeakerId> {
        let Some(speaker) = speaker.and_then(|id| self.resolve(id)).map(|speaker| speaker.id) else {
            return Vec::new();
        };
        let needed = MIN_OVERLAP_MS.min(span.duration_ms() / 2).max(1);
        let first = self.turns.partition_point(|turn| turn.span.start.plus_ms(self.longest_ms) <= span.start);
        let during = self.turns[first..].iter().take_while(|turn| turn.span.start < span.end);
        let mut others: Vec<(SpeakerId, u32)> = Vec::new();
        for turn in during.filter(|turn| turn.speaker != speaker) {
            let common = turn.span.end.min(span.end).since(turn.span.start.max(span.start));
            match others.iter_mut().find(|(other, _)| *other == turn.speaker) {
                Some((_, ms)) => *ms = ms.saturating_add(common),
                None => others.push((turn.speaker, common)),
            }
        }
        others.into_iter().filter(|(_, ms)| *ms >= needed).map(|(other, _)| other).collect()
    }

    /// The best part of the recording to hear a speaker's voice: long, with high confidence, without overlap.
    pub(crate) fn voice_sample(&self, id: SpeakerId) -> Option<Span> {
        let score = |turn: &Turn<SpeakerId>| {
            let length = f64::from(turn.span.duration_ms().min(GOOD_SAMPLE_MS));
            let overlap = if turn.overlap { 0.3 } else { 1.0 };
            length * overlap * f64::from(turn.confidence.unwrap_or(0.5) + 0.5)
        };
        let best = self.turns_of(id).max_by(|a, b| score(a).total_cmp(&score(b)))?.span;
        Some(Span::new(best.start, best.end.min(best.start.plus_ms(MAX_SAMPLE_MS))))
    }
}

/// The turns of a meeting, each with the speaker it is shown as.
pub(super) fn shown_turns(all: &SpeakerData) -> Vec<Turn<SpeakerId>> {
    let edits = applied_edits(all);
    let turns = apply_assignments(&all.turns, edits.assignments());
    turns.into_iter().map(|turn| turn.with_speaker(edits.shown_as(turn.speaker))).collect()
}

/// The combined effect of a meeting's edits, without undone ones.
pub(super) fn applied_edits(all: &SpeakerData) -> AppliedEdits<SpeakerId, PersonId> {
    AppliedEdits::new(all.edits.iter().filter(|stored| !stored.undone).map(|stored| &stored.edit))
}

/// What a speaker without a name is called.
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
    fn other_speakers_during_a_segment_are_found_in_the_turns() {
        let speaker = |number, shown_as: Option<SpeakerId>| {
            let id = SpeakerId::new();
            let shown_as = shown_as.unwrap_or(id);
            Speaker { id, number, name: None, person: None, shown_as, present: true, embedding: None }
        };
        let (anna, ben, cleo) = (speaker(1, None), speaker(2, None), speaker(3, None));
        let merged = speaker(4, Some(anna.id));
        let span = |start, end| Span::new(AudioTime::from_ms(start), AudioTime::from_ms(end));
        let turn = |speaker: &Speaker, start, end| Turn {
            span: span(start, end),
            speaker: speaker.id,
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
        let meeting = MeetingSpeakers { speakers: vec![anna, ben, cleo, merged], turns, longest_ms: 60_000 };
        let [anna, ben, cleo, merged] = ids;
        // Ben speaks twice, half a second in total; Cleo less.
        assert_eq!(meeting.others_during(span(9_000, 13_000), Some(anna)), [ben]);
        assert_eq!(meeting.others_during(span(9_000, 13_000), Some(merged)), [ben]);
        assert_eq!(meeting.others_during(span(9_000, 13_000), Some(ben)), [anna]);
        // Half of a short segment is enough.
        assert_eq!(meeting.others_during(span(11_100, 11_400), Some(anna)), [cleo]);
        assert_eq!(meeting.others_during(span(22_000, 24_000), Some(ben)), [anna, cleo]);
        assert!(meeting.others_during(span(9_000, 13_000), None).is_empty());
        assert!(meeting.others_during(span(70_000, 71_000), Some(ben)).is_empty());
        assert!(MeetingSpeakers::without_turns(Vec::new()).others_during(span(0, 1), Some(anna)).is_empty());
    }
}
