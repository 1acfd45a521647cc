//! All types that are sent to the window or printed as JSON. Each is defined beside the code that makes it; this module
//! is the list. The JSON is a contract with scripts: fields are added, never renamed or removed.

pub use crate::archive::to_view::recorded_in_words;
pub use crate::archive::version_view::{ComparePiece, CompareRow, Comparison, VersionState, VersionView};
pub use crate::archive::view::{
    DeletionView, Doubt, JobStatus, JobView, MeetingPage, MeetingView, OtherLanguage, ProgressView,
    SegmentView, SegmentWithWords, SpeakerSummary, TranscriptInfo, TranscriptView, TurnView, WorkStep,
};
pub use crate::exports::ExportView;
pub use crate::import::drop_preview::{DropView, DroppedFolder};
pub use crate::models::view::{ModelNews, ModelSource, ModelSpeed, ModelState, ModelView, ModelsOverview};
pub use crate::speakers::view::{
    AssignTarget, MeetingOfPerson, PeopleView, PersonView, SpanView, SpeakerCount, SpeakerView,
    SpeakersState, SpeakersView, SuggestionView, TextSelection, VoiceSampleView,
};
pub use crate::transcribe::options::TranscriptionOptions;
