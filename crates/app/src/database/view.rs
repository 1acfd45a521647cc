//! The database as it is sent to the window or printed as JSON. Times are RFC 3339, UTC; sizes are in bytes.

use serde::Serialize;

/// Whether a figure is as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum FigureState {
    /// It is normal, or there is no normal.
    Normal,
    /// Somebody should look at it; the meaning says why.
    Unusual,
}

/// A figure with its meaning.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct FigureView {
    /// Names the figure to programs.
    pub key: &'static str,
    /// Names the figure to people.
    pub label: &'static str,
    /// The figure in words.
    pub value: String,
    /// What it means and what is normal.
    pub meaning: String,
    /// Whether it is normal.
    pub state: FigureState,
}

/// What the figures of a column mean and what is normal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ColumnNote {
    /// The heading of the column.
    pub column: &'static str,
    /// What it means and what is normal.
    pub meaning: &'static str,
}

/// The connections of this process.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct PoolView {
    /// Connections that statements use now.
    pub in_use: u32,
    /// Open connections that nobody uses.
    pub idle: u32,
    /// Statements that wait for a connection.
    pub waiting: u32,
    /// Connections that are kept open.
    pub min_size: u32,
    /// The most connections.
    pub max_size: u32,
    /// How often a statement had to wait for a connection since this process started.
    pub waits: u32,
    /// How long it waited on average, in milliseconds.
    pub mean_wait_ms: f64,
}

/// The server and the database of the archive.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct DatabaseStatusView {
    /// Whether it is the private server.
    pub private: bool,
    /// Where the database is: the folder, or the name and the host. Never a password.
    pub place: String,
    /// Version of the server.
    pub version: String,
    /// Size of the database.
    pub size_bytes: f64,
    /// When the server started.
    pub started_at: String,
    /// Seconds since then.
    pub uptime_s: f64,
    /// Connections of all clients to the server.
    pub connections: u32,
    /// The most connections that it accepts.
    pub max_connections: u32,
    /// The connections of this process.
    pub pool: PoolView,
    /// The share of pages that were read from memory, from 0 to 1.
    pub cache_hit_ratio: Option<f64>,
    /// Transactions that were ended because two waited for each other.
    pub deadlocks: u32,
    /// Seconds since the oldest transaction that is open began.
    pub oldest_transaction_s: Option<f64>,
    /// Steps of the schema that are applied.
    pub migrations_applied: u32,
    /// Steps that are pending.
    pub migrations_pending: u32,
    /// All of this in words, each with its meaning.
    pub figures: Vec<FigureView>,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct TableView {
    /// Its name.
    pub name: String,
    /// Size with indexes.
    pub total_bytes: f64,
    /// Size of its indexes.
    pub index_bytes: f64,
    /// Rows, estimated.
    pub live_rows: f64,
    /// Old versions of rows that VACUUM has not removed yet.
    pub dead_rows: f64,
    /// Rows inserted since the statistics began.
    pub inserted: f64,
    /// Rows updated.
    pub updated: f64,
    /// Rows deleted.
    pub deleted: f64,
    /// Rows changed since the last ANALYZE.
    pub changed_since_analyze: f64,
    /// The last VACUUM by a person.
    pub last_vacuum: Option<String>,
    /// The last VACUUM by the server itself.
    pub last_autovacuum: Option<String>,
    /// The last ANALYZE by a person.
    pub last_analyze: Option<String>,
    /// The last ANALYZE by the server itself.
    pub last_autoanalyze: Option<String>,
    /// What should be done, if anything.
    pub advice: Option<String>,
}

/// All tables.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct TablesView {
    /// What the columns mean.
    pub columns: Vec<ColumnNote>,
    /// The tables, the largest first.
    pub tables: Vec<TableView>,
}

/// An index.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct IndexView {
    /// Its name.
    pub name: String,
    /// The table that it belongs to.
    pub table: String,
    /// Its size.
    pub bytes: f64,
    /// Searches that used it.
    pub scans: f64,
    /// Whether no search used it and nothing else needs it.
    pub unused: bool,
    /// Whether it ensures that values are unique.
    pub unique: bool,
    /// False if it is damaged by an interruption.
    pub valid: bool,
    /// The statement that creates it; empty while its table is locked against readers.
    pub definition: String,
    /// What should be known or done.
    pub note: Option<String>,
}

/// All indexes.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct IndexesView {
    /// What the columns mean.
    pub columns: Vec<ColumnNote>,
    /// The indexes, the largest first.
    pub indexes: Vec<IndexView>,
}

/// A connection that works.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ConnectionView {
    /// The server process; `meetmemo database end` takes it.
    pub pid: i32,
    /// What the client calls itself.
    pub application: String,
    /// The role.
    pub user: Option<String>,
    /// The address of the client; none on this computer.
    pub client: Option<String>,
    /// `active`, `idle in transaction` …
    pub state: Option<String>,
    /// The beginning of its statement; none if it must not be shown.
    pub statement: Option<String>,
    /// Seconds since the statement began.
    pub statement_s: Option<f64>,
    /// Seconds since the transaction began.
    pub transaction_s: Option<f64>,
    /// What it waits for.
    pub waits_for: Option<String>,
}

/// What the connections are doing.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ActivityView {
    /// What the columns mean.
    pub columns: Vec<ColumnNote>,
    /// Connections with a statement or an open transaction, the oldest first; without the one that asks.
    pub running: Vec<ConnectionView>,
    /// The number of idle connections.
    pub idle: u32,
}

/// A connection that waits for another.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct BlockedView {
    /// The server process that waits.
    pub pid: i32,
    /// What its application calls itself.
    pub application: String,
    /// Its statement; none if it must not be shown.
    pub statement: Option<String>,
    /// Seconds since the statement began.
    pub statement_s: Option<f64>,
    /// What is locked.
    pub locked: Option<String>,
    /// The lock that is wanted.
    pub mode: Option<String>,
    /// The server process that is waited for.
    pub blocked_by: i32,
    /// What that application calls itself.
    pub blocking_application: String,
    /// Its state.
    pub blocking_state: Option<String>,
    /// Its statement, or its last one.
    pub blocking_statement: Option<String>,
    /// Seconds since its transaction began.
    pub blocking_transaction_s: Option<f64>,
}

/// Who waits for whom.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct LocksView {
    /// What the columns mean.
    pub columns: Vec<ColumnNote>,
    /// Locks that connections hold.
    pub held: u32,
    /// Who waits for whom.
    pub blocked: Vec<BlockedView>,
    /// The result as a sentence.
    pub message: String,
}

/// A statement that took long.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct SlowStatementView {
    /// Its beginning, without values.
    pub statement: String,
    /// Its duration, or that of its slowest run, in milliseconds.
    pub duration_ms: f64,
    /// When it ended; none in statistics.
    pub at: Option<String>,
    /// What its application calls itself; none in statistics.
    pub application: Option<String>,
    /// How often it ran; 1 in a log.
    pub calls: f64,
    /// Milliseconds on average.
    pub mean_ms: f64,
}

/// Where slow statements are known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum SlowSource {
    /// The log of the private server.
    Log,
    /// The extension `pg_stat_statements`.
    PgStatStatements,
    /// Nowhere.
    None,
}

/// Statements that took long.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct SlowView {
    /// What the columns mean.
    pub columns: Vec<ColumnNote>,
    /// Where they are known from.
    pub source: SlowSource,
    /// Milliseconds from which a statement counts as slow.
    pub limit_ms: u32,
    /// The statements.
    pub statements: Vec<SlowStatementView>,
    /// What was looked at, or how to make them known.
    pub message: String,
}

/// A connection that was ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct EndedView {
    /// The server process.
    pub pid: i32,
    /// What its application called itself.
    pub application: String,
    /// Whether it has ended already.
    pub ended: bool,
    /// What that means.
    pub message: String,
}

/// A table that was worked on.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct TableMaintainedView {
    /// Its name.
    pub table: String,
    /// Size before.
    pub bytes_before: f64,
    /// Size afterwards.
    pub bytes_after: f64,
    /// How long it took, in milliseconds.
    pub elapsed_ms: f64,
}

/// What maintenance did.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct MaintenanceView {
    /// `analyze`, `vacuum`, `vacuum_full` or `reindex`.
    pub work: &'static str,
    /// Whether it was stopped before the last table.
    pub stopped: bool,
    /// The tables that are done.
    pub tables: Vec<TableMaintainedView>,
    /// The result as a sentence.
    pub message: String,
}

/// A step of the schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct MigrationView {
    /// Its version.
    pub version: String,
    /// Its name.
    pub name: String,
    /// Whether this program has it.
    pub known: bool,
    /// When it was applied; none if it is pending.
    pub applied_at: Option<String>,
}

/// All steps of the schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct MigrationsView {
    /// The steps in order.
    pub steps: Vec<MigrationView>,
    /// The state as a sentence.
    pub message: String,
}

/// The end of the server's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ServerLogView {
    /// The file; none on a configured server.
    pub path: Option<String>,
    /// Its last lines.
    pub lines: Vec<String>,
    /// Where to look instead, on a configured server.
    pub message: Option<String>,
}

/// Whether `psql` was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct PsqlView {
    /// Whether a terminal with it was started.
    pub opened: bool,
    /// What that means, or what is missing. Sentences.
    pub message: String,
    /// The command that opens it in a terminal.
    pub command: String,
}
