//! All types that are sent to the window or printed as JSON. Each is defined beside the code that makes it; this module
//! is the list. The JSON is a contract with scripts: fields are added, never renamed or removed.

pub use crate::archive::to_view::recorded_in_words;
pub use crate::archive::version_view::{ComparePiece, CompareRow, Comparison, VersionState, VersionView};
pub use crate::archive::view::{
    DeletionView, Doubt, JobStatus, JobView, MeetingPage, MeetingView, OtherLanguage, ProgressView,
    SegmentView, SegmentWithWords, SpeakerSummary, TranscriptInfo, TranscriptView, TurnView, WorkStep,
};
pub use crate::backup::view::{
    ArchiveCheckView, BackupCheckView, BackupFailure, BackupMoment, BackupOverview, BackupPhase,
    BackupProgress, BackupState, BackupView, RestoreView, RestoredMeeting, RestoredRows,
};
pub use crate::database::view::{
    ActivityView, BlockedView, ColumnNote, ConnectionView, DatabaseStatusView, EndedView, FigureState,
    FigureView, IndexView, IndexesView, LocksView, MaintenanceView, MigrationView, MigrationsView, PoolView,
    PsqlView, ServerLogView, SlowSource, SlowStatementView, SlowView, TableMaintainedView, TableView,
    TablesView,
};
pub use crate::exports::{
    BatchView, ChangedPassage, ExportState, ExportView, FormatView, Preview, PreviewKind, VerifiedExport,
};
pub use crate::external_database::view::{
    ConnectionStep, ConnectionStepState, DatabaseAddress, DatabaseChoice, TlsMode,
};
pub use crate::import::drop_preview::{DropView, DroppedFolder};
pub use crate::models::view::{ModelNews, ModelSource, ModelSpeed, ModelState, ModelView, ModelsOverview};
pub use crate::organisation::view::{
    ChangeResult, FolderView, MeetingChange, MeetingListPage, NoteView, SavedNote, TagView, UndoStep,
};
pub use crate::retention::settings::RetentionSettings;
pub use crate::retention::view::{
    CleanupConfirmation, CleanupReason, CleanupView, DueExportView, DueMeetingView, ForecastView,
    MissingAudioView, RetentionRule, UnknownFolderView,
};
pub use crate::search::view::{
    FoundMeeting, Passage, PassageSource, SearchOrder, SearchRequest, SearchResults,
};
pub use crate::secrets::PasswordSource;
pub use crate::speakers::view::{
    AssignTarget, MeetingOfPerson, PeopleView, PersonView, SpanView, SpeakerCount, SpeakerView,
    SpeakersState, SpeakersView, SuggestionView, TextSelection, VoiceSampleView,
};
pub use crate::summaries::{SavedSummary, SummaryView};
pub use crate::transcribe::options::TranscriptionOptions;
