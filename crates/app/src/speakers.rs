//! The speakers of a meeting.
//!
//! [`diarize`] finds them in the audio. [`edits`] are what users correct: names, merges, whose words are whose. Every
//! surface shows them through [`meeting_speakers`], which applies the edits to the turns. [`people`] links speakers
//! to known people by their voices.
//!
//! `store` writes the result of turns and edits into `speakers` (name, person, shown as whom) and `segments` (whose,
//! cut where the speaker changes), in the transaction of the change. Only the current version of a transcript is cut;
//! another one is when it becomes current.

pub(crate) mod diarize;
mod edits;
pub(crate) mod meeting_speakers;
pub(crate) mod people;
mod selected_spans;
pub(crate) mod view;

use crate::App;
use crate::speakers::edits::{redo_description, undo_description};
use crate::speakers::meeting_speakers::{MeetingSpeakers, label};
use crate::speakers::view::{SpanView, SpeakerCount, SpeakerView, SpeakersState, SpeakersView};
use crate::user_error::{ErrorCode, user_error};
use anyhow::Result;
use std::collections::{BTreeMap, HashMap};
use store::{Job, JobId, Speaker, SpeakerId, Status, WorkflowState};
use transcript::{AudioTime, Span, Turn, single_line};

/// Maximum number of characters in a name.
const MAX_NAME_CHARS: usize = 100;

/// Maximum number of speakers that can be expected.
const MAX_SPEAKERS: u32 = 100;

/// The name of a speaker or person as it is stored: one line of at most [`MAX_NAME_CHARS`] characters; `None` for an
/// empty name.
///
/// # Errors
/// [`ErrorCode::NotOffered`] for a longer name.
pub(crate) fn checked_name(name: &str) -> Result<Option<String>> {
    let name = single_line(name);
    if name.chars().count() > MAX_NAME_CHARS {
        let message = format!("A name has at most {MAX_NAME_CHARS} characters.");
        return Err(user_error(ErrorCode::NotOffered, message));
    }
    Ok((!name.is_empty()).then_some(name))
}

/// Whether two names are equal, apart from case and spaces.
pub(crate) fn same_name(a: &str, b: &str) -> bool {
    single_line(a).to_lowercase() == single_line(b).to_lowercase()
}

impl App {
    /// The speakers of a meeting.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub async fn speakers(&self, id: JobId) -> Result<SpeakersView> {
        let job = self.stored_job(id).await?;
        self.speakers_view(&job).await
    }

    pub(crate) async fn speakers_view(&self, job: &Job) -> Result<SpeakersView> {
        let all = self.store.speakers(job.id).await?;
        let word_counts = match self.store.shown_transcript(job.id).await? {
            Some(version) => self.store.words_by_speaker(version.id).await?,
            None => Vec::new(),
        };
        let settings = self.store.people_settings().await?;
        let diarization = all.diarization.clone();
        let (undo, redo) = (undo_description(&all), redo_description(&all));
        let speakers = MeetingSpeakers::new(all);
        let mut suggestions =
            if settings.enabled { self.suggestions(&speakers).await? } else { BTreeMap::new() };
        let mut words: HashMap<SpeakerId, u64> = HashMap::new();
        let mut unknown_words = 0;
        for (speaker, count) in word_counts {
            let count = u64::try_from(count).unwrap_or(0);
            match speaker.and_then(|id| speakers.resolve(id)) {
                Some(speaker) => *words.entry(speaker.id).or_default() += count,
                None => unknown_words += count,
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
        let all_speech: u64 = speakers.turns().iter().map(|turn| u64::from(turn.span.duration_ms())).sum();
        let views = speakers.visible().map(|speaker| SpeakerView {
            suggestion: suggestions.remove(&speaker.id),
            ..speaker_view(speaker, &speakers, words.get(&speaker.id).copied().unwrap_or(0), all_speech)
        });
        let views = views.collect();
        let silence = match job.duration_ms.and_then(|ms| u32::try_from(ms).ok()) {
            Some(duration) if !speakers.turns().is_empty() => {
                duration.saturating_sub(speech_ms(speakers.turns()))
            }
            _ => 0,
        };
        Ok(SpeakersView {
            state,
            note: diarization.as_ref().and_then(|done| done.error_message.clone().or(done.note.clone())),
            method: diarization.and_then(|done| done.method).map(|method| method_title(&method)),
            expected: SpeakerCount::of(&job.requested_options()),
            speakers: views,
            turns: speakers.turn_views(),
            silence_ms: silence,
            unknown_words: u32::try_from(unknown_words).unwrap_or(u32::MAX),
            undo,
            redo,
            people_enabled: settings.enabled,
        })
    }

    /// The speaker that `id` is shown as: that speaker, or the one it was merged into.
    pub(crate) async fn shown_speaker(&self, job: JobId, id: SpeakerId) -> Result<Speaker> {
        let speakers = MeetingSpeakers::without_turns(self.store.speaker_names(job).await?);
        speakers.resolve(id).cloned().ok_or_else(|| speakers.not_found(&id.to_string()))
    }

    /// The speaker with this id, number or name, as typed on the command line.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`], [`ErrorCode::Ambiguous`].
    pub async fn find_speaker(&self, job: JobId, wanted: &str) -> Result<SpeakerId> {
        let speakers = MeetingSpeakers::without_turns(self.store.speaker_names(job).await?);
        if let Ok(id) = wanted.parse::<SpeakerId>() {
            if let Some(speaker) = speakers.resolve(id) {
                return Ok(speaker.id);
            }
        } else {
            let matches = |speaker: &&Speaker| {
                speaker.number.to_string() == wanted
                    || same_name(&MeetingSpeakers::display_name(speaker), wanted)
                    || same_name(&label(speaker.number), wanted)
            };
            let mut found = speakers.visible().filter(matches);
            match (found.next(), found.next()) {
                (Some(one), None) => return Ok(one.id),
                (Some(_), Some(_)) => {
                    let message = format!("Several speakers are called “{wanted}”. Use the number.");
                    return Err(user_error(ErrorCode::Ambiguous, message));
                }
                _ => {}
            }
        }
        Err(speakers.not_found(wanted))
    }
}

impl SpeakerCount {
    /// The number of speakers that was requested for a recording.
    pub(crate) fn of(options: &store::RequestedOptions) -> Self {
        let number = |number: Option<i32>| number.and_then(|number| u32::try_from(number).ok());
        Self { min: number(options.speakers_min), max: number(options.speakers_max) }
    }

    /// The same, if it is valid.
    ///
    /// # Errors
    /// [`ErrorCode::NotOffered`] for 0, for more than [`MAX_SPEAKERS`], and for a minimum above the maximum.
    pub(crate) fn checked(self) -> Result<Self> {
        let valid = |number: Option<u32>| number.is_none_or(|number| (1..=MAX_SPEAKERS).contains(&number));
        let in_order = self.min.zip(self.max).is_none_or(|(min, max)| min <= max);
        if valid(self.min) && valid(self.max) && in_order {
            return Ok(self);
        }
        Err(user_error(
            ErrorCode::NotOffered,
            format!("The number of people is between 1 and {MAX_SPEAKERS}, as 3 or as 2-5."),
        ))
    }

    /// The minimum and maximum as `store` keeps them.
    pub(crate) fn stored(self) -> (Option<i32>, Option<i32>) {
        let number = |number: Option<u32>| number.and_then(|number| i32::try_from(number).ok());
        (number(self.min), number(self.max))
    }
}

/// `words` is the speaker's number of words, `all_speech` the milliseconds of speech of all speakers.
pub(crate) fn speaker_view(
    speaker: &Speaker,
    speakers: &MeetingSpeakers,
    words: u64,
    all_speech: u64,
) -> SpeakerView {
    let speech: u64 = speakers.turns_of(speaker.id).map(|turn| u64::from(turn.span.duration_ms())).sum();
    // Consecutive turns of one speaker count once.
    let begins = speakers.turns().iter().enumerate().filter(|(i, turn)| {
        turn.speaker == speaker.id && (*i == 0 || speakers.turns()[i - 1].speaker != turn.speaker)
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
        sample: speakers.voice_sample(speaker.id).map(span_view),
        suggestion: None,
    }
}

fn span_view(span: Span) -> SpanView {
    SpanView { start_ms: span.start.as_ms(), end_ms: span.end.as_ms() }
}

/// Milliseconds in which at least one speaker speaks. `turns` are in order of start.
fn speech_ms(turns: &[Turn<SpeakerId>]) -> u32 {
    let mut end = AudioTime::ZERO;
    let mut sum = 0;
    for turn in turns {
        sum += turn.span.end.since(turn.span.start.max(end));
        end = end.max(turn.span.end);
    }
    sum
}

/// How a diarization method is shown to users.
fn method_title(method: &str) -> String {
    match method {
        "voices" => "By their voices".to_owned(),
        "sortformer" => "Sortformer, a speech model".to_owned(),
        "channels" => "One person on each channel or track".to_owned(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn a_name_is_stored_as_one_line_of_limited_length() {
        for (name, stored) in [("Anna", Some("Anna")), ("  Anna\n Berg ", Some("Anna Berg")), (" \n", None)] {
            assert_eq!(checked_name(name).unwrap().as_deref(), stored, "{name:?}");
        }
        assert!(checked_name(&"ä".repeat(MAX_NAME_CHARS)).is_ok());
        let refused = checked_name(&"ä".repeat(MAX_NAME_CHARS + 1)).unwrap_err();
        assert_eq!(ErrorCode::of(&refused), ErrorCode::NotOffered);
    }
}
