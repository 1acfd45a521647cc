//! The archive in PostgreSQL, and the only crate that knows diesel and SQL.
//!
//! - **Opening**: [`Store::open`] (`store`) connects (`connect`) to the private server (`managed`) or to a configured
//!   one (`external_url`, `tls`), migrates the schema (`migrate`) and opens a pool (`pool`).
//! - **Tables**: one module per table, named after it, with the row types and the queries as methods of [`Store`].
//!   `schema` has the tables as diesel sees them.
//! - **Work on recordings**: `queue` puts recordings in and out of the queue, `claims` gives a task to a worker,
//!   `lease` is the worker's right to write, `fill_transcript` and `diarizations` are what it writes, `worker_lock`
//!   keeps it to one worker per computer.
//! - **Speakers**: `change_speakers` stores an edit, `recompute_speakers` updates `speakers` and `segments` from turns
//!   and edits.
//! - **Waiting**: `timeouts` limits every wait, `notifications` reports changes made by any process.
//!
//! Every query is safe to run twice: if the connection breaks while a statement runs, nobody can tell whether it was
//! committed, so it is run again on another connection (`query::on_connection!`). Times in plain `TIMESTAMP` columns
//! are UTC; each session sets its time zone.
//!
//! The published contract of the database are the tables `jobs` and `export_jobs` as the first migration makes them.
//! The server edition reads and writes them too. Later migrations only add columns that are nullable or have defaults.
//! All other tables are ours and hang on their parent with `ON DELETE CASCADE`, except `people` with `person_voices`,
//! which outlive meetings, `people_settings`, `pending_removals`, and `meetmemo_archive`, which marks a database as
//! ours.
//!
//! What the rows are *for*, such as import, the order of work and the pipeline, is in the crate `app`.

mod change_speakers;
mod claims;
mod connect;
mod connect_failure;
mod diarizations;
pub mod disk_space;
mod edits;
mod error;
mod exports;
mod external_url;
mod fill_transcript;
mod ids;
mod jobs;
mod lease;
pub mod managed;
mod migrate;
mod notifications;
mod pending_removals;
mod people;
mod people_lock;
mod pool;
mod query;
mod queue;
mod recompute_speakers;
mod schema;
mod segments;
mod speakers;
mod status;
mod store;
mod tasks;
pub mod testing;
mod timeouts;
mod tls;
mod transcript_windows;
mod transcripts;
mod turns;
mod voice_embeddings;
mod worker_lock;

pub use change_speakers::SpeakerChange;
pub use claims::{Claim, ClaimRequest};
pub use diarizations::{Diarization, NewDiarization, SpeakerData};
pub use edits::{Edit, StoredEdit};
pub use error::StoreError;
pub use exports::{ExportJob, NewExport};
pub use external_url::ExternalUrl;
pub use fill_transcript::{NewTranscript, TranscriptionCost};
pub use ids::{
    EditId, ExportId, JobId, LibraryId, MachineId, PersonId, SegmentId, SpeakerId, TaskId, TranscriptId,
};
pub use jobs::{Job, JobFilter, JobMatch, NewJob, Registration, RequestedOptions};
pub use lease::{Lease, TaskProgress};
pub use notifications::{Notifications, Topic};
pub use people::{PeopleSettings, Person};
pub use pool::PoolSize;
pub use segments::{SegmentText, StoredSegment};
pub use speakers::Speaker;
pub use status::{Status, TaskKind, TaskState, TranscriptStatus, WorkflowState};
pub use store::{Database, Store};
pub use tasks::Task;
pub use transcript_windows::TranscriptWindow;
pub use transcripts::{Transcript, VersionSummary};
pub use voice_embeddings::{PersonEmbedding, StoredEmbedding};
pub use worker_lock::WorkerLock;

/// Result of every query.
pub type Result<T> = std::result::Result<T, StoreError>;
