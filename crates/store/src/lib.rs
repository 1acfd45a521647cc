//! The archive in PostgreSQL: the managed server, the pool, the migrations, and one file per table.
//!
//! The only crate that knows diesel. Everything here is safe to run twice: a statement whose connection broke is run
//! once more on a new one, because nobody can tell whether it had been committed. Leaves out what the rows are *for*:
//! intake, queue policy and pipeline are the `app` crate's.

mod archive;
mod connect;
pub mod disk;
mod error;
mod exports;
mod ids;
mod jobs;
pub mod managed;
mod migrate;
mod news;
mod patience;
mod people;
mod removals;
mod schema;
mod speakers;
mod tasks;
pub mod testing;
mod transcripts;
mod work_lock;

pub use archive::{Database, Pool, Store};
pub use connect::ExternalUrl;
pub use error::StoreError;
pub use exports::{ExportJob, NewExport};
pub use ids::{
    EditId, ExportId, JobId, LibraryId, MachineId, PersonId, SegmentId, SpeakerId, TaskId, TranscriptId,
};
pub use jobs::{Choice, Found, Job, JobFilter, NewJob, Registered, Status, WorkflowState};
pub use news::{News, Topic};
pub use people::{PeopleSettings, Person, PersonVoice, StoredVoice};
pub use speakers::{Diarization, Edit, FoundSpeakers, MadeEdit, Speaker, SpeakerChange, Speakers};
pub use tasks::{Claim, Claimer, Lease, Progress, Task, TaskKind, TaskState};
pub use transcripts::{
    NewTranscript, Spent, StoredSegment, TextLine, Transcript, TranscriptStatus, VersionFacts, Window,
};
pub use work_lock::WorkLock;

/// What every query here gives.
pub type Result<T> = std::result::Result<T, StoreError>;
