//! Speakers and known people as they are sent to the window or printed as JSON.

use crate::archive::view::{JobView, TurnView};
use serde::{Deserialize, Serialize};
use store::{JobId, PersonId, SegmentId, SpeakerId};

/// The expected number of speakers. Equal bounds: exactly this many. None: not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct SpeakerCount {
    /// Minimum.
    pub min: Option<u32>,
    /// Maximum.
    pub max: Option<u32>,
}

/// The state of a meeting's diarization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum SpeakersState {
    /// It was never run.
    None,
    /// It waits for its turn, or for the words.
    Waiting,
    /// It is running.
    Running,
    /// It is complete.
    Done,
    /// It failed; earlier speakers are kept.
    Failed,
}

/// The speakers of a meeting.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct SpeakersView {
    /// The state of the diarization.
    pub state: SpeakersState,
    /// A sentence: why it failed, or a note about it.
    pub note: Option<String>,
    /// The method, in words.
    pub method: Option<String>,
    /// The number of speakers that the user expects.
    pub expected: SpeakerCount,
    /// The speakers by number, without merged ones.
    pub speakers: Vec<SpeakerView>,
    /// The turns in order of start, with all edits applied.
    pub turns: Vec<TurnView>,
    /// Milliseconds without speech.
    pub silence_ms: u32,
    /// Number of words without a speaker.
    pub unknown_words: u32,
    /// The edit that undo would take back, as a clause in the past tense.
    pub undo: Option<String>,
    /// The edit that redo would make again, as a clause in the past tense.
    pub redo: Option<String>,
    /// Whether voices are remembered.
    pub people_enabled: bool,
}

/// A speaker of a meeting.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct SpeakerView {
    /// UUID.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub id: SpeakerId,
    /// “Speaker 1”, in order of appearance.
    pub label: String,
    /// The name, if it has one.
    pub name: Option<String>,
    /// From 1, in order of appearance.
    pub number: u32,
    /// The linked known person: UUID.
    #[cfg_attr(feature = "specta", specta(type = Option<String>))]
    pub person_id: Option<PersonId>,
    /// Milliseconds of speech.
    pub speech_ms: u32,
    /// Share of all speech, from 0 to 1.
    #[cfg_attr(feature = "specta", specta(type = u32))]
    pub share: f64,
    /// How often the speaker begins to speak.
    pub turns: u32,
    /// Number of words.
    pub words: u32,
    /// Words per minute of speech.
    pub words_per_minute: Option<u32>,
    /// A part of the recording in which the voice can be heard well.
    pub sample: Option<SpanView>,
    /// The known person this speaker may be.
    pub suggestion: Option<SuggestionView>,
}

impl SpeakerView {
    /// The name, else the label.
    pub fn shown_name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.label)
    }
}

/// A span of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct SpanView {
    /// Milliseconds.
    pub start_ms: u32,
    /// Milliseconds.
    pub end_ms: u32,
}

/// A known person whose voice is similar.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct SuggestionView {
    /// UUID.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub person_id: PersonId,
    /// The name.
    pub name: String,
    /// Probability that it is this person, from 0 to 100.
    pub percent: u32,
    /// Where that person's voice can be heard.
    pub sample: Option<VoiceSampleView>,
}

/// A span of a meeting in which a person's voice can be heard.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct VoiceSampleView {
    /// UUID.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub meeting_id: JobId,
    /// Milliseconds.
    pub start_ms: u32,
    /// Milliseconds.
    pub end_ms: u32,
}

/// Selected text of a transcript: from a character in one segment to a character in the same or a later one. Characters
/// are UTF-16 code units of the segments' texts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct TextSelection {
    /// UUID.
    #[cfg_attr(feature = "specta", specta(type = String))]
    #[serde(rename = "from_line")]
    pub from_segment: SegmentId,
    /// The first selected character.
    pub from_char: u32,
    /// UUID.
    #[cfg_attr(feature = "specta", specta(type = String))]
    #[serde(rename = "to_line")]
    pub to_segment: SegmentId,
    /// The end of the selection, exclusive. None: the end of the segment.
    pub to_char: Option<u32>,
}

/// Whom words are assigned to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AssignTarget {
    /// A speaker of the meeting.
    Speaker {
        /// UUID.
        #[cfg_attr(feature = "specta", specta(type = String))]
        id: SpeakerId,
    },
    /// A new speaker.
    New,
    /// No speaker.
    Nobody,
}

/// All known people.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct PeopleView {
    /// Whether voices are remembered: false until the user has agreed.
    pub enabled: bool,
    /// Whether speakers who are surely known are named without asking.
    pub automatic: bool,
    /// The people, by name.
    pub people: Vec<PersonView>,
}

/// A known person.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct PersonView {
    /// UUID.
    #[cfg_attr(feature = "specta", specta(type = String))]
    pub id: PersonId,
    /// The name.
    pub name: String,
    /// Number of voice embeddings of the current encoder.
    pub voices: u32,
    /// Whether all voice embeddings are from an earlier version of the app and cannot be used. The voice is learnt
    /// again when a meeting with this person is opened.
    pub outdated: bool,
    /// Where the voice can be heard.
    pub samples: Vec<VoiceSampleView>,
    /// The meetings in which the person was named, newest first.
    pub meetings: Vec<MeetingOfPerson>,
}

/// A meeting in which a person was named.
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
