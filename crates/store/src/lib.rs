//! The archive in PostgreSQL, and the only crate that knows diesel and SQL.
//!
//! - **Opening**: [`Store::open`] (`store`) connects (`connect`) to the private server (`managed`) or to a configured
//!   one (`external_url`, `tls`), checks it (`server_version`, `database_owner`), migrates the schema (`migrate`) and opens
//!   a pool (`pool`). [`test_connection`] tests the same way step by step.
//! - **Tables**: one module per table, named after it, with the row types and the queries as methods of [`Store`].
//!   `schema` has the tables as diesel sees them.
//! - **Work on recordings**: `queue` puts recordings in and out of the queue, `claims` gives a task to a worker,
//!   `lease` is the worker's right to write, `fill_transcript` and `diarizations` are what it writes, `worker_lock`
//!   keeps it to one worker per computer.
//! - **Order**: `meeting_list` is what users see, in pages; `organise` changes the folders, tags and favourites of any
//!   number of meetings and moves them into the trash (`trash`).
//! - **Speakers**: `change_speakers` stores an edit, `recompute_speakers` updates `speakers` and `segments` from turns
//!   and edits.
//! - **Search**: `search` finds words in everything that is said, titled, noted and named.
//! - **Retention**: `retention` finds what clean-up removes, and removes it.
//! - **Administration**: `server` has the figures of the database server, maintenance, and the change of its password.
//! - **Waiting**: `timeouts` limits every wait, `notifications` reports changes made by any process.
//!
//! Every query is safe to run twice: if the connection breaks while a statement runs, nobody can tell whether it was
//! committed, so it is run again on another connection (`query::on_connection!`). Times in plain `TIMESTAMP` columns
//! are UTC; each session sets its time zone.
//!
//! The published contract of the database are the tables `jobs` and `export_jobs` as the first migration makes them.
//! The server edition reads and writes them too. Later migrations only add columns that are nullable or have defaults.
//! All other tables are ours and hang on their parent with `ON DELETE CASCADE`, except `people` with `person_voices`,
//! which outlive meetings, `people_settings`, `pending_removals`, `export_batches`, `search_words` and `search_changes`, and
//! `meetmemo_archive`, which marks a database as ours.
//!
//! What the rows are *for*, such as import, the order of work and the pipeline, is in the crate `app`.

mod backup;
mod change_speakers;
mod claims;
mod connect;
mod connect_failure;
mod connection_test;
mod database_owner;
mod diarizations;
pub mod disk_space;
mod edits;
mod error;
mod export_batches;
mod exports;
mod external_url;
mod fill_transcript;
mod folders;
mod ids;
mod jobs;
mod lease;
pub mod managed;
mod meeting_list;
mod migrate;
mod notes;
mod notifications;
mod organise;
mod pending_removals;
mod people;
mod people_lock;
mod pool;
mod query;
mod queue;
mod recompute_speakers;
mod retention;
mod schema;
mod search;
mod segments;
mod server;
mod server_version;
mod speakers;
mod status;
mod store;
mod summaries;
mod tags;
mod tasks;
pub mod testing;
mod timeouts;
mod tls;
mod transcript_windows;
mod transcripts;
mod trash;
mod turns;
mod voice_embeddings;
mod worker_lock;

pub use backup::{
    MergePlan, MergeScope, Merged, PlannedMeeting, RowSnapshot, SnapshotInfo, SnapshotMeeting, Staging,
    is_backed_up_table, meeting_in, schema_step_of,
};
pub use change_speakers::SpeakerChange;
pub use claims::{Claim, ClaimRequest};
pub use connection_test::{TestOutcome, TestResult, TestStep, test_connection};
pub use diarizations::{Diarization, NewDiarization, SpeakerData};
pub use edits::{Edit, StoredEdit};
pub use error::StoreError;
pub use export_batches::{BatchCounts, ExportBatch};
pub use exports::{ExportJob, ExportedFile, NewExport};
pub use external_url::{ExternalParts, ExternalUrl, Password, Tls};
pub use fill_transcript::{NewTranscript, TranscriptionCost};
pub use folders::{Folder, FolderChange, MAX_DEPTH};
pub use ids::{
    BatchId, EditId, ExportId, FolderId, JobId, LibraryId, MachineId, PersonId, SegmentId, SpeakerId,
    SummaryId, TagId, TaskId, TranscriptId,
};
pub use jobs::{Job, JobFilter, JobMatch, NewJob, Registration, RequestedOptions};
pub use lease::{Lease, TaskProgress};
pub use meeting_list::{ListPosition, MeetingFilter, NoListPosition};
pub use migrate::ensure_known_step;
pub use notes::{Note, NoteSaved};
pub use notifications::{Notifications, Topic};
pub use organise::{OrderChange, Ordered};
pub use people::{PeopleSettings, Person};
pub use pool::{PoolSize, PoolState};
pub use retention::{
    CleanupLock, CleanupPlan, CleanupQuestion, CleanupRemovals, DueExport, DueMeeting, FORECAST_DAYS,
    ForecastItem, RetentionRules, RetentionState,
};
pub use search::MAX_TERMS as MAX_SEARCH_TERMS;
pub use search::query::{
    Clause, Found, FoundMeeting, FoundPassage, MeetingQuery, NameFilter, PassageSource, SearchFilters,
    SearchSort, Term,
};
pub use segments::{SegmentText, StoredSegment};
pub use server::{
    BlockedStatement, Connection, ConnectionEnd, IndexFigures, LockFigures, Maintenance, MaintenanceReport,
    MaintenanceStep, MigrationStep, RecordedStatement, RunningStatements, ServerStatus, SlowStatements,
    StatementStatistics, TableFigures, TableMaintained,
};
pub use server_version::{SUPPORTED_MAJORS, VersionVerdict, judge_version};
pub use speakers::Speaker;
pub use status::{Status, TaskKind, TaskState, TranscriptStatus, WorkflowState};
pub use store::{Database, OpenOptions, Store};
pub use summaries::{NewSummary, StoredSummary, SummarySaved};
pub use tags::{Tag, TagChange};
pub use tasks::Task;
pub use transcript_windows::TranscriptWindow;
pub use transcripts::{Transcript, VersionSummary};
pub use trash::Deleted;
pub use voice_embeddings::{PersonEmbedding, StoredEmbedding};
pub use worker_lock::WorkerLock;

/// Result of every query.
pub type Result<T> = std::result::Result<T, StoreError>;
