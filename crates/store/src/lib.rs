//! The archive in PostgreSQL: the managed server, the pool, the migrations, one file per table.
//!
//! The only crate that knows diesel. Everything here is safe to run twice: a statement whose connection broke is run
//! once more on a new one, because nobody can tell whether it had been committed. Leaves out what the rows are *for*:
//! intake, queue policy and pipeline are the `app` crate's.

mod archive;
mod connect;
mod corrections;
mod diarizations;
pub mod disk;
mod edits;
mod error;
mod exports;
mod ids;
mod jobs;
mod lease;
pub mod managed;
mod migrate;
mod news;
mod patience;
mod people;
mod removals;
mod schema;
mod segments;
mod settle;
mod speakers;
mod status;
mod tasks;
pub mod testing;
mod transcripts;
mod turns;
mod windows;
mod work_lock;

pub use archive::{Database, Pool, Store};
pub use connect::ExternalUrl;
pub use corrections::SpeakerChange;
pub use diarizations::{Diarization, FoundSpeakers, Speakers};
pub use edits::{Edit, MadeEdit};
pub use error::StoreError;
pub use exports::{ExportJob, NewExport};
pub use ids::{
    EditId, ExportId, JobId, LibraryId, MachineId, PersonId, SegmentId, SpeakerId, TaskId, TranscriptId,
};
pub use jobs::{Choice, Found, Job, JobFilter, NewJob, Registered};
pub use lease::{Lease, Progress};
pub use news::{News, Topic};
pub use people::{PeopleSettings, Person, PersonVoice, StoredVoice};
pub use segments::{StoredSegment, TextLine};
pub use speakers::Speaker;
pub use status::{Status, TaskKind, TaskState, TranscriptStatus, WorkflowState};
pub use tasks::{Claim, Claimer, Task};
pub use transcripts::{NewTranscript, Spent, Transcript, VersionFacts};
pub use windows::Window;
pub use work_lock::WorkLock;

/// What every query here gives.
pub type Result<T> = std::result::Result<T, StoreError>;
