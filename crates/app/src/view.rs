//! What crosses to a window or a script: plain data, in the words of the command-line contract. Each is beside what makes
//! it; here is the list.

pub use crate::archive::shown::recorded_in_words;
pub use crate::archive::version_view::{ComparePiece, CompareRow, Comparison, VersionState, VersionView};
pub use crate::archive::view::{
    DeletionView, Doubt, JobStatus, JobView, LineView, MeetingPage, MeetingView, OtherLanguage, ProgressView,
    SegmentView, SpeakerFacts, TranscriptFacts, TranscriptView, TurnView, WorkStep,
};
pub use crate::exports::ExportView;
pub use crate::import::drop::{DropView, DroppedFolder};
pub use crate::room::view::{ModelNews, ModelRoom, ModelSource, ModelSpeed, ModelState, ModelView};
pub use crate::speakers::view::{
    Expected, MeetingOfPerson, PeopleView, PersonView, SampleView, SpeakerView, SpeakersState, SpeakersView,
    Stretch, StretchView, SuggestionView, Whom,
};
pub use crate::transcribe::choice::Choice;
