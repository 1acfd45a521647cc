//! The rows of the archive as text, and back: what a backup stores of the database.
//!
//! - [`RowSnapshot`] reads all tables at one moment, meeting by meeting, with `COPY … TO STDOUT` in text format, which
//!   every PostgreSQL from 15 on reads.
//! - [`Staging`] loads such rows into a schema of its own, migrates that schema to the current step, and merges it into
//!   the archive in one transaction.
//!
//! The rows of one meeting are a script as `pg_dump` writes it (`COPY jobs (…) FROM stdin;`, rows, `\.`), so `psql` can
//! load them too; see [`rows_text`]. Columns are named, and read from the catalogue, so a new column is backed up
//! without a change here. A new table must be added to [`tables`]; a test compares that list with the catalogue.
//!
//! Where the texts are kept, and the audio, is the business of `app`.

mod copy;
mod in_archive;
mod merge;
mod merge_order;
mod read_everything;
mod rows_text;
mod snapshot;
mod staging;
mod tables;

pub use merge::{MergePlan, MergeScope, Merged, PlannedMeeting};
pub use rows_text::{meeting_in, schema_step_of};
pub use snapshot::{RowSnapshot, SnapshotInfo, SnapshotMeeting};
pub use staging::Staging;
pub use tables::is_backed_up_table;
