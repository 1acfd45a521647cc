//! Which tables a backup holds, and how each row belongs to a meeting.

/// A table of a backup.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) belongs_to: Owner,
    /// Columns in whose order rows are written, so that equal rows give equal text.
    pub(super) order: &'static str,
}

/// What a row belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// The meeting whose id is in this column.
    Meeting(&'static str),
    /// The meeting of the transcript that `transcript_id` names.
    Transcript,
    /// No meeting.
    Archive,
}

use Owner::{Archive, Meeting, Transcript};

/// The tables in an order in which rows can be inserted. Only `jobs.current_transcript_id` points forward.
///
/// Not in a backup: `pending_removals` (files of deleted recordings, which are not in the backup either),
/// `__diesel_schema_migrations` (the step is in the manifest), the tables `search_*` (triggers make them from the others),
/// `retention_state` (it describes the clock of a server) and `export_batches` (they belong to one computer).
pub(super) const TABLES: [Table; 19] = [
    Table { name: "meetmemo_archive", belongs_to: Archive, order: "id" },
    Table { name: "people_settings", belongs_to: Archive, order: "id" },
    Table { name: "people", belongs_to: Archive, order: "id" },
    Table { name: "folders", belongs_to: Archive, order: "id" },
    Table { name: "tags", belongs_to: Archive, order: "id" },
    Table { name: "jobs", belongs_to: Meeting("id"), order: "id" },
    Table { name: "transcripts", belongs_to: Meeting("job_id"), order: "version" },
    Table { name: "transcript_windows", belongs_to: Transcript, order: "transcript_id, window_index" },
    Table { name: "speakers", belongs_to: Meeting("job_id"), order: "number" },
    Table { name: "diarizations", belongs_to: Meeting("job_id"), order: "job_id" },
    Table { name: "turns", belongs_to: Meeting("job_id"), order: "id" },
    Table { name: "segments", belongs_to: Transcript, order: "transcript_id, start_ms, id" },
    Table { name: "edits", belongs_to: Meeting("job_id"), order: "position" },
    Table { name: "export_jobs", belongs_to: Meeting("job_id"), order: "id" },
    Table { name: "meeting_tags", belongs_to: Meeting("job_id"), order: "tag_id" },
    Table { name: "notes", belongs_to: Meeting("job_id"), order: "job_id" },
    Table { name: "summaries", belongs_to: Meeting("job_id"), order: "id" },
    Table { name: "tasks", belongs_to: Meeting("job_id"), order: "id" },
    Table { name: "person_voices", belongs_to: Archive, order: "id" },
];

/// Whether a backup holds the table `name`.
pub fn is_backed_up_table(name: &str) -> bool {
    find(name).is_some()
}

pub(super) fn find(name: &str) -> Option<&'static Table> {
    TABLES.iter().find(|table| table.name == name)
}

impl Table {
    /// The FROM clause with the alias `t`.
    pub(super) fn from(&self) -> String {
        match self.belongs_to {
            Transcript => {
                format!("{} t JOIN transcripts of_job ON of_job.id = t.transcript_id", quoted(self.name))
            }
            Meeting(_) | Archive => format!("{} t", quoted(self.name)),
        }
    }

    /// The expression for the id of the meeting; `None` for a table of the archive.
    pub(super) fn meeting(&self) -> Option<&'static str> {
        match self.belongs_to {
            Meeting("id") => Some("t.id"),
            Meeting(_) => Some("t.job_id"),
            Transcript => Some("of_job.job_id"),
            Archive => None,
        }
    }

    /// The ORDER BY list with the alias `t`.
    pub(super) fn order(&self) -> String {
        self.order.split(", ").map(|column| format!("t.{column}")).collect::<Vec<_>>().join(", ")
    }
}

/// An identifier in double quotes.
pub(super) fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// A list of columns with the alias `t`.
pub(super) fn columns_of_t(columns: &[String]) -> String {
    columns.iter().map(|column| format!("t.{}", quoted(column))).collect::<Vec<_>>().join(", ")
}

/// A list of columns.
pub(super) fn column_list(columns: &[String]) -> String {
    columns.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(", ")
}
