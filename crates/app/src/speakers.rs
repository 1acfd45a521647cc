//! Who speaks in a meeting: names, merges, whose words are whose, and undoing all of it.
//!
//! What is found in the sound comes from [`crate::speakers::tell_apart`]; here is what people do with it. Every change is a
//! correction in the archive (`store::SpeakerChange`), which works out what it amounts to. Known people are
//! [`crate::speakers::people`]'s.

pub(crate) mod cast;
pub(crate) mod people;
pub(crate) mod tell_apart;
pub(crate) mod view;

use crate::App;
use crate::archive::view::JobView;
use crate::refusal::{Code, refuse};
use crate::speakers::cast::{Cast, label, overlay};
use crate::speakers::view::{Expected, SpeakerView, SpeakersState, SpeakersView, Stretch, StretchView, Whom};
use anyhow::Result;
use std::collections::{BTreeMap, HashMap};
use store::{
    Edit, EditId, Job, JobId, MadeEdit, PersonId, SegmentId, Speaker, SpeakerChange, SpeakerId, Speakers,
    Status, StoredSegment, WorkflowState,
};
use transcript::{AudioTime, Span, Turn, Word, one_line, places_in_text};

/// Longest name, in characters.
const LONGEST_NAME: usize = 100;

/// Who is given words is given so much of the sound before and after them, where nobody else says a word.
const BESIDE_MS: u32 = 700;

/// What those who tell speakers apart may expect.
const MOST_SPEAKERS: u32 = 100;

/// A name of a speaker or a person as it is kept: one line of at most [`LONGEST_NAME`] characters; `None` for an empty one.
///
/// # Errors
/// [`Code::NotOffered`] for a longer one.
pub(crate) fn checked_name(name: &str) -> Result<Option<String>> {
    let name = one_line(name);
    if name.chars().count() > LONGEST_NAME {
        return Err(refuse(Code::NotOffered, format!("A name has at most {LONGEST_NAME} characters.")));
    }
    Ok((!name.is_empty()).then_some(name))
}

pub(crate) fn stretch_view(span: Span) -> StretchView {
    StretchView { start_ms: span.start.as_ms(), end_ms: span.end.as_ms() }
}

impl App {
    /// Who speaks in a meeting.
    ///
    /// # Errors
    /// [`Code::NotFound`].
    pub async fn speakers(&self, id: JobId) -> Result<SpeakersView> {
        let job = self.stored_job(id).await?;
        self.speakers_view(&job).await
    }

    pub(crate) async fn speakers_view(&self, job: &Job) -> Result<SpeakersView> {
        let all = self.store.speakers(job.id).await?;
        let words = match self.store.shown_transcript(job.id).await? {
            Some(version) => self.store.words_by_speaker(version.id).await?,
            None => Vec::new(),
        };
        let settings = self.store.people_settings().await?;
        let diarization = all.diarization.clone();
        let (undo, redo) = (undoable(&all), redoable(&all));
        let cast = Cast::of(all);
        let mut suggestions = if settings.enabled { self.suggestions(&cast).await? } else { BTreeMap::new() };
        let mut said: HashMap<SpeakerId, u64> = HashMap::new();
        let mut unknown_words = 0;
        for (speaker, words) in words {
            let words = u64::try_from(words).unwrap_or(0);
            match speaker.and_then(|id| cast.shown(id)) {
                Some(speaker) => *said.entry(speaker.id).or_default() += words,
                None => unknown_words += words,
            }
        }
        let state = match (job.status()?, job.workflow_state(), &diarization) {
            (Status::Processing, Some(WorkflowState::Diarizing | WorkflowState::Aligning), _) => {
                SpeakersState::Running
            }
            (Status::Pending | Status::Processing, ..) => SpeakersState::Waiting,
            (_, _, Some(done)) if done.error_message.is_some() => SpeakersState::Failed,
            (_, _, Some(_)) => SpeakersState::Done,
            (_, _, None) => SpeakersState::None,
        };
        let all_speech: u64 = cast.shown_turns().iter().map(|turn| u64::from(turn.span.duration_ms())).sum();
        let mut speakers = Vec::new();
        for speaker in cast.shown_ones() {
            speakers.push(SpeakerView {
                suggestion: suggestions.remove(&speaker.id),
                ..self::speaker_view(speaker, &cast, said.get(&speaker.id).copied().unwrap_or(0), all_speech)
            });
        }
        let silence = match job.duration_ms.and_then(|ms| u32::try_from(ms).ok()) {
            Some(duration) if !cast.shown_turns().is_empty() => {
                duration.saturating_sub(spoken_ms(cast.shown_turns()))
            }
            _ => 0,
        };
        Ok(SpeakersView {
            state,
            note: diarization.as_ref().and_then(|done| done.error_message.clone().or(done.note.clone())),
            method: diarization.and_then(|done| done.method).map(|method| method_in_words(&method)),
            expected: Expected::of(&job.choice()),
            speakers,
            turns: cast.turns(),
            silence_ms: silence,
            unknown_words: u32::try_from(unknown_words).unwrap_or(u32::MAX),
            undo,
            redo,
            people_enabled: settings.enabled,
        })
    }

    /// Names a speaker, or with none takes the name away. While voices are remembered, a name makes a known person;
    /// `person` says which one they are. Their voice is learnt by [`App::learn_names`], which takes longer.
    ///
    /// # Errors
    /// [`Code::NotFound`] for who is not there, [`Code::NotOffered`] for an endless name, besides those of [`App::find`].
    pub async fn name_speaker(
        &self,
        id: JobId,
        speaker: SpeakerId,
        name: Option<&str>,
        person: Option<PersonId>,
    ) -> Result<SpeakersView> {
        let job = self.stored_job(id).await?;
        let speaker = self.shown_speaker(job.id, speaker).await?;
        let name = name.map(checked_name).transpose()?.flatten();
        let (name, known, new) = self.person_for(name, person).await?;
        let edit = Edit::Name { speaker: speaker.id, name, person: known };
        let change = match (known, self.naming(job.id, &edit, &speaker).await?) {
            // The name is there; that it is a known person's is no other step to be undone.
            (Some(person), Some(id)) => {
                Some(SpeakerChange::Know { id, person, name: new.map(|(_, name)| name) })
            }
            _ if edit_changes_nothing(&edit, &speaker) => None,
            _ => Some(SpeakerChange::Edit { id: EditId::new(), edit, speaker: None, person: new }),
        };
        if let Some(change) = change {
            self.change(job.id, &change).await?;
        }
        self.speakers_view(&job).await
    }

    /// The correction that gave a speaker, who is no known person so far, the same name.
    async fn naming(&self, job: JobId, edit: &Edit, speaker: &Speaker) -> Result<Option<EditId>> {
        let Edit::Name { name, .. } = edit else { return Ok(None) };
        if speaker.person.is_some() || *name != speaker.name {
            return Ok(None);
        }
        let all = self.store.speakers(job).await?;
        let overlay = overlay(&all);
        let gave = |made: &&MadeEdit| {
            matches!(&made.edit, Edit::Name { speaker: named, name: given, .. }
                if !made.undone && given == name && overlay.shown(*named) == speaker.id)
        };
        Ok(all.edits.iter().rfind(gave).map(|made| made.id))
    }

    /// Makes two speakers one: everything of `from` is of `into`.
    ///
    /// # Errors
    /// As [`App::name_speaker`].
    pub async fn merge_speakers(&self, id: JobId, from: SpeakerId, into: SpeakerId) -> Result<SpeakersView> {
        let job = self.stored_job(id).await?;
        let (from, into) = (self.shown_speaker(job.id, from).await?, self.shown_speaker(job.id, into).await?);
        if from.id != into.id {
            self.correct(job.id, Edit::Merge { from: from.id, into: into.id }, None).await?;
        }
        self.speakers_view(&job).await
    }

    /// Adds a speaker who was not found in the sound.
    ///
    /// # Errors
    /// As [`App::name_speaker`].
    pub async fn add_speaker(&self, id: JobId, name: Option<&str>) -> Result<SpeakersView> {
        let job = self.stored_job(id).await?;
        let name = name.map(checked_name).transpose()?.flatten();
        let speaker = SpeakerId::new();
        self.correct(job.id, Edit::Add { speaker, name }, Some(speaker)).await?;
        self.speakers_view(&job).await
    }

    /// Gives words to somebody. Lines are cut anew where that makes another one speak; no word moves.
    ///
    /// # Errors
    /// [`Code::NotFound`] for lines that are not there (any more), besides those of [`App::name_speaker`].
    pub async fn assign(&self, id: JobId, stretch: &Stretch, whom: &Whom) -> Result<SpeakersView> {
        let job = self.stored_job(id).await?;
        let version = self.store.shown_transcript(job.id).await?;
        let lines = match &version {
            Some(version) if version.is_complete() => self.store.segments(version.id).await?,
            _ => {
                let message = "Words can be given to somebody once the transcript is complete.";
                return Err(refuse(Code::NoTranscript, message));
            }
        };
        let spans = spans_of(&lines, stretch)?;
        let (speaker, added) = match whom {
            Whom::Speaker { id } => (Some(self.shown_speaker(job.id, *id).await?.id), None),
            Whom::New => {
                let id = SpeakerId::new();
                (Some(id), Some(id))
            }
            Whom::Nobody => (None, None),
        };
        if !spans.is_empty() {
            self.correct(job.id, Edit::Assign { spans, speaker, added: added.is_some() }, added).await?;
        }
        self.speakers_view(&job).await
    }

    /// Takes back what was done last with the speakers of a meeting. Nothing happens if there is nothing.
    ///
    /// # Errors
    /// [`Code::NotFound`].
    pub async fn undo_speakers(&self, id: JobId) -> Result<SpeakersView> {
        let job = self.stored_job(id).await?;
        let all = self.store.speakers(job.id).await?;
        if let Some(last) = all.edits.iter().rfind(|edit| !edit.undone) {
            self.store.change_speakers(job.id, &SpeakerChange::Undo(last.id)).await?;
        }
        self.speakers_view(&job).await
    }

    /// Does once more what was taken back last.
    ///
    /// # Errors
    /// [`Code::NotFound`].
    pub async fn redo_speakers(&self, id: JobId) -> Result<SpeakersView> {
        let job = self.stored_job(id).await?;
        let all = self.store.speakers(job.id).await?;
        if let Some(next) = all.edits.iter().find(|edit| edit.undone) {
            self.store.change_speakers(job.id, &SpeakerChange::Redo(next.id)).await?;
        }
        self.speakers_view(&job).await
    }

    /// Has the speakers of a meeting told apart once more. Names and what was given by hand stay.
    ///
    /// # Errors
    /// [`Code::WrongState`] while it waits or is worked on, or has no transcript, [`Code::NotOffered`] for a number
    /// that cannot be, besides those of [`App::find`].
    pub async fn rerun_speakers(&self, id: JobId, expected: Expected) -> Result<JobView> {
        let job = self.stored_job(id).await?;
        let (min, max) = expected.checked()?.stored();
        match self.store.tell_speakers_apart(job.id, min, max).await? {
            Some(job) => self.view(job).await,
            None => {
                Err(self.wrong_state(job.id, "Speakers can be told apart once it is transcribed.").await?)
            }
        }
    }

    async fn correct(&self, job: JobId, edit: Edit, speaker: Option<SpeakerId>) -> Result<()> {
        self.change(job, &SpeakerChange::Edit { id: EditId::new(), edit, speaker, person: None }).await
    }

    async fn change(&self, job: JobId, change: &SpeakerChange) -> Result<()> {
        if self.store.change_speakers(job, change).await? {
            return Ok(());
        }
        Err(refuse(Code::NotFound, "The meeting has been deleted."))
    }

    /// The speaker as which `id` is shown: that speaker, or the one into whom they were merged.
    pub(crate) async fn shown_speaker(&self, job: JobId, id: SpeakerId) -> Result<Speaker> {
        let cast = Cast::named(self.store.speaker_names(job).await?);
        cast.shown(id).cloned().ok_or_else(|| cast.nobody(&id.to_string()))
    }

    /// The speaker with this id, number or name, as it is typed on the command line.
    ///
    /// # Errors
    /// [`Code::NotFound`], [`Code::Ambiguous`].
    pub async fn speaker_called(&self, job: JobId, wanted: &str) -> Result<SpeakerId> {
        let cast = Cast::named(self.store.speaker_names(job).await?);
        if let Ok(id) = wanted.parse::<SpeakerId>() {
            if let Some(speaker) = cast.shown(id) {
                return Ok(speaker.id);
            }
        } else {
            let called = |speaker: &&Speaker| {
                speaker.number.to_string() == wanted
                    || same_name(&Cast::name_of(speaker), wanted)
                    || same_name(&label(speaker.number), wanted)
            };
            let mut found = cast.shown_ones().filter(called);
            match (found.next(), found.next()) {
                (Some(one), None) => return Ok(one.id),
                (Some(_), Some(_)) => {
                    let message = format!("Several speakers are called “{wanted}”. Use the number.");
                    return Err(refuse(Code::Ambiguous, message));
                }
                _ => {}
            }
        }
        Err(cast.nobody(wanted))
    }
}

impl Expected {
    /// How many people were said to speak.
    pub(crate) fn of(choice: &store::Choice) -> Self {
        let number = |number: Option<i32>| number.and_then(|number| u32::try_from(number).ok());
        Self { min: number(choice.speakers_min), max: number(choice.speakers_max) }
    }

    /// The same, if it can be.
    ///
    /// # Errors
    /// [`Code::NotOffered`] for none, more than a hundred, and a least above the most.
    pub(crate) fn checked(self) -> Result<Self> {
        let fine = |number: Option<u32>| number.is_none_or(|number| (1..=MOST_SPEAKERS).contains(&number));
        let in_order = self.min.zip(self.max).is_none_or(|(min, max)| min <= max);
        if fine(self.min) && fine(self.max) && in_order {
            return Ok(self);
        }
        Err(refuse(
            Code::NotOffered,
            format!("The number of people is between 1 and {MOST_SPEAKERS}, as 3 or as 2-5."),
        ))
    }

    /// In the archive's numbers.
    pub(crate) fn stored(self) -> (Option<i32>, Option<i32>) {
        let number = |number: Option<u32>| number.and_then(|number| i32::try_from(number).ok());
        (number(self.min), number(self.max))
    }
}

fn speaker_view(speaker: &Speaker, cast: &Cast, words: u64, all_speech: u64) -> SpeakerView {
    let speech: u64 = cast.turns_of(speaker.id).map(|turn| u64::from(turn.span.duration_ms())).sum();
    // Somebody begins to speak where somebody else did before.
    let begins = cast.shown_turns().iter().enumerate().filter(|(i, turn)| {
        turn.speaker == speaker.id && (*i == 0 || cast.shown_turns()[i - 1].speaker != turn.speaker)
    });
    SpeakerView {
        id: speaker.id,
        label: label(speaker.number),
        name: speaker.name.clone(),
        number: u32::try_from(speaker.number).unwrap_or(0),
        person_id: speaker.person,
        speech_ms: u32::try_from(speech).unwrap_or(u32::MAX),
        share: if all_speech == 0 { 0.0 } else { speech as f64 / all_speech as f64 },
        turns: u32::try_from(begins.count()).unwrap_or(u32::MAX),
        words: u32::try_from(words).unwrap_or(u32::MAX),
        words_per_minute: (speech >= 1000).then(|| (words as f64 * 60_000.0 / speech as f64).round() as u32),
        sample: cast.sample(speaker.id).map(stretch_view),
        suggestion: None,
    }
}

/// Milliseconds in which somebody speaks, of turns in order of start.
fn spoken_ms(turns: &[Turn<SpeakerId>]) -> u32 {
    let mut end = AudioTime::ZERO;
    let mut sum = 0;
    for turn in turns {
        sum += turn.span.end.since(turn.span.start.max(end));
        end = end.max(turn.span.end);
    }
    sum
}

fn method_in_words(method: &str) -> String {
    match method {
        "voices" => "By their voices".to_owned(),
        "sortformer" => "Sortformer, a speech model".to_owned(),
        "channels" => "One person on each channel or track".to_owned(),
        other => other.to_owned(),
    }
}

/// Which words a stretch is about: a span for each line, from the first of its words to the last, with the sound around
/// them that belongs to no other word.
fn spans_of(lines: &[StoredSegment], stretch: &Stretch) -> Result<Vec<Span>> {
    let place = |id: SegmentId| lines.iter().position(|line| line.id == id);
    let (Some(from), Some(to)) = (place(stretch.from_line), place(stretch.to_line)) else {
        return Err(refuse(Code::NotFound, "The lines have changed meanwhile. Choose them once more."));
    };
    let all: Vec<&Word> = lines.iter().flat_map(|line| &line.segment.words).collect();
    let mut number = 0;
    let mut spans = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        let first_of_line = number;
        number += line.segment.words.len();
        if !(from..=to).contains(&i) {
            continue;
        }
        let from_char = if i == from { stretch.from_char as usize } else { 0 };
        let to_char = stretch.to_char.filter(|_| i == to).map(|to| to as usize);
        let places = places_in_text(line.segment.words.iter().map(|word| word.text.as_str()));
        let touched = |(_, at): &(usize, std::ops::Range<usize>)| {
            at.end > from_char && to_char.is_none_or(|to_char| at.start < to_char)
        };
        let mut words = (first_of_line..).zip(places).filter(touched).map(|(number, _)| number);
        if let Some(first) = words.next() {
            spans.push(around(&all, first, words.last().unwrap_or(first)));
        }
    }
    Ok(spans)
}

/// From word to word, and up to the words beside them, but no further than they reach.
fn around(words: &[&Word], first: usize, last: usize) -> Span {
    let (first_word, last_word) = (words[first], words[last]);
    let mut start = AudioTime::from_ms(first_word.start.as_ms().saturating_sub(BESIDE_MS));
    if let Some(before) = first.checked_sub(1).map(|before| words[before]) {
        start = start.max(before.end).max(before.middle().plus_ms(1));
    }
    // The middle of a word without length is its end.
    let least = last_word.end.max(last_word.middle().plus_ms(1));
    let end = last_word.end.plus_ms(BESIDE_MS);
    let end = words.get(last + 1).map_or(end, |next| end.min(next.start)).max(least);
    Span::new(start.min(first_word.start), end)
}

fn edit_changes_nothing(edit: &Edit, speaker: &Speaker) -> bool {
    matches!(edit, Edit::Name { name, person, .. } if *name == speaker.name && *person == speaker.person)
}

/// What was done, as a clause in the past tense.
fn in_words(edit: &Edit, all: &Speakers) -> String {
    let words = |id: SpeakerId, words: fn(&Speaker) -> String| {
        all.speakers
            .iter()
            .find(|speaker| speaker.id == id)
            .map_or_else(|| export::UNKNOWN_SPEAKER.to_owned(), words)
    };
    let name = |id| words(id, Cast::name_of);
    let number = |id| words(id, |speaker| label(speaker.number));
    match edit {
        Edit::Name { speaker, name: Some(name), .. } => format!("named {} “{name}”", number(*speaker)),
        Edit::Name { speaker, name: None, .. } => format!("took away the name of {}", number(*speaker)),
        Edit::Merge { from, into } => format!("merged {} into {}", number(*from), name(*into)),
        Edit::Add { speaker, .. } => format!("added {}", name(*speaker)),
        Edit::Assign { speaker: Some(speaker), .. } => format!("gave words to {}", name(*speaker)),
        Edit::Assign { speaker: None, .. } => "took words away from their speaker".to_owned(),
    }
}

fn undoable(all: &Speakers) -> Option<String> {
    all.edits.iter().rfind(|edit| !edit.undone).map(|made| in_words(&made.edit, all))
}

fn redoable(all: &Speakers) -> Option<String> {
    all.edits.iter().find(|edit| edit.undone).map(|made| in_words(&made.edit, all))
}

pub(crate) fn same_name(a: &str, b: &str) -> bool {
    one_line(a).to_lowercase() == one_line(b).to_lowercase()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use transcript::{Segment, segments};

    fn lines(words: &[(&str, u32, u32)]) -> Vec<StoredSegment> {
        let words = words.iter().map(|(text, start, end)| Word {
            start: AudioTime::from_ms(*start),
            end: AudioTime::from_ms(*end),
            text: (*text).to_owned(),
            confidence: None,
            estimated: false,
        });
        let stored = |segment: Segment| StoredSegment {
            id: SegmentId::new(),
            segment,
            window: None,
            speaker: None,
            overlap: false,
            by_hand: false,
        };
        segments(words, &[]).into_iter().map(stored).collect()
    }

    #[test]
    fn a_name_is_a_line_and_not_a_text() {
        for (name, kept) in [("Anna", Some("Anna")), ("  Anna\n Berg ", Some("Anna Berg")), (" \n", None)] {
            assert_eq!(checked_name(name).expect("a name").as_deref(), kept, "{name:?}");
        }
        assert!(checked_name(&"ä".repeat(LONGEST_NAME)).is_ok());
        let refused = checked_name(&"ä".repeat(LONGEST_NAME + 1)).expect_err("too long");
        assert_eq!(Code::of(&refused), Code::NotOffered);
    }

    fn spans(lines: &[StoredSegment], from: (usize, u32), to: (usize, Option<u32>)) -> Vec<(u32, u32)> {
        let id = |line: usize| lines[line].id;
        let stretch = Stretch { from_line: id(from.0), from_char: from.1, to_line: id(to.0), to_char: to.1 };
        spans_of(lines, &stretch).unwrap().iter().map(|s| (s.start.as_ms(), s.end.as_ms())).collect()
    }

    #[test]
    fn characters_are_whole_words_with_the_silence_around_them() {
        let lines = lines(&[
            ("Äh,", 1000, 1300),
            ("was", 1300, 1600),
            ("𝄞", 1650, 1650),
            ("nun?", 1700, 2000),
            ("Nichts.", 4000, 4500),
        ]);
        assert_eq!(
            lines.iter().map(|l| l.segment.text.as_str()).collect::<Vec<_>>(),
            ["Äh, was 𝄞 nun?", "Nichts."]
        );
        // All of a line: up to 0.7 s before and after.
        assert_eq!(spans(&lines, (0, 0), (0, None)), [(300, 2700)]);
        // One letter of a word is the word; it reaches to the words beside it.
        assert_eq!(spans(&lines, (0, 5), (0, Some(6))), [(1300, 1650)]);
        // A sign of two code units, without length in time.
        assert_eq!(spans(&lines, (0, 8), (0, Some(10))), [(1600, 1700)]);
        // Over two lines, from the middle of one.
        assert_eq!(spans(&lines, (0, 11), (1, Some(2))), [(1651, 2700), (3300, 5200)]);
        // Nothing, and the wrong way round.
        assert_eq!(spans(&lines, (0, 3), (0, Some(3))), []);
        assert_eq!(spans(&lines, (1, 0), (0, None)), []);
    }
}
