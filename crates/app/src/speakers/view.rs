//! What crosses of speakers and of people who are known.

use crate::archive::view::{JobView, TurnView};
use serde::{Deserialize, Serialize};
use store::{JobId, PersonId, SegmentId, SpeakerId};

/// How many people speak; both equal: exactly so many; none: not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Expected {
    /// At least.
    pub min: Option<u32>,
    /// At most.
    pub max: Option<u32>,
}

/// How far telling the speakers apart is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum SpeakersState {
    /// It was never done.
    None,
    /// Waits for its turn, or for the words.
    Waiting,
    /// Is being done.
    Running,
    /// Done.
    Done,
    /// Did not work; what was there before is there still.
    Failed,
}

/// Who speaks in a meeting.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct SpeakersView {
    /// How far it is.
    pub state: SpeakersState,
    /// A sentence: why it failed, or what should be known.
    pub note: Option<String>,
    /// What told them apart, for people.
    pub method: Option<String>,
    /// How many people the user said.
    pub expected: Expected,
    /// By number, without those that were merged into others.
    pub speakers: Vec<SpeakerView>,
    /// Who speaks when, corrections included, in order of start.
    pub turns: Vec<TurnView>,
    /// Milliseconds in which nobody speaks.
    pub silence_ms: u32,
    /// Words that are nobody's.
    pub unknown_words: u32,
    /// What Undo would take back, as a clause in the past tense.
    pub undo: Option<String>,
    /// What Redo would do once more.
    pub redo: Option<String>,
    /// Whether voices are remembered.
    pub people_enabled: bool,
}

/// Somebody who speaks.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct SpeakerView {
    /// UUID.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub id: SpeakerId,
    /// “Speaker 1” in order of appearance.
    pub label: String,
    /// The name the user gave.
    pub name: Option<String>,
    /// 1 for the first.
    pub number: u32,
    /// The known person they are: UUID.
    #[cfg_attr(feature = "specta", specta(type = Option<String>))]
    pub person_id: Option<PersonId>,
    /// Milliseconds they speak.
    pub speech_ms: u32,
    /// Of all speech, from 0 to 1.
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub share: f64,
    /// How often they begin to speak.
    pub turns: u32,
    /// Words they say.
    pub words: u32,
    /// Words in a minute of their speech.
    pub words_per_minute: Option<u32>,
    /// A good stretch to hear them by.
    pub sample: Option<StretchView>,
    /// Who they may be.
    pub suggestion: Option<SuggestionView>,
}

impl SpeakerView {
    /// What they are called.
    pub fn shown_name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.label)
    }
}

/// A stretch of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct StretchView {
    /// Milliseconds.
    pub start_ms: u32,
    /// Milliseconds.
    pub end_ms: u32,
}

/// Somebody known who sounds alike.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct SuggestionView {
    /// UUID.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub person_id: PersonId,
    /// Their name.
    pub name: String,
    /// How sure it is that it is them, from 0 to 100.
    pub percent: u32,
    /// Where their voice can be heard.
    pub sample: Option<SampleView>,
}

/// A stretch of some meeting.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct SampleView {
    /// UUID.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub meeting_id: JobId,
    /// Milliseconds.
    pub start_ms: u32,
    /// Milliseconds.
    pub end_ms: u32,
}

/// Words of a meeting that are given to somebody: from a place in a line to a place in that or a later one. Characters
/// are UTF-16 code units of the lines' texts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Stretch {
    /// UUID.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub from_line: SegmentId,
    /// From this character on.
    pub from_char: u32,
    /// UUID.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub to_line: SegmentId,
    /// Up to this character; none: to the end of the line.
    pub to_char: Option<u32>,
}

/// To whom words are given.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Whom {
    /// A speaker of the meeting.
    Speaker {
        /// UUID.
        #[cfg_attr(feature = "specta", specta(type = String))]
        id: SpeakerId,
    },
    /// Somebody who has not spoken so far.
    New,
    /// Nobody is known to have said it.
    Nobody,
}

/// Everybody whose voice is known.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct PeopleView {
    /// Whether voices are remembered: false until somebody agreed.
    pub enabled: bool,
    /// Whether those who are surely known are named without asking.
    pub automatic: bool,
    /// By name.
    pub people: Vec<PersonView>,
}

/// Somebody whose voice is known.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct PersonView {
    /// UUID.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub id: PersonId,
    /// Their name.
    pub name: String,
    /// How many samples of their voice are kept.
    pub voices: u32,
    /// Whether there are only such that an earlier version of the app made. They are of no use any more; the voice is
    /// learnt anew when a meeting with them is opened.
    pub outdated: bool,
    /// Where it can be heard.
    pub samples: Vec<SampleView>,
    /// Where they were named, the newest first.
    pub meetings: Vec<MeetingOfPerson>,
}

/// A meeting in which somebody was named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct MeetingOfPerson {
    /// UUID.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub id: JobId,
    /// Its title.
    pub title: String,
}

impl From<&JobView> for MeetingOfPerson {
    fn from(job: &JobView) -> Self {
        Self { id: job.id, title: job.title.clone() }
    }
}
